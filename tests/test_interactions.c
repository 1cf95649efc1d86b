/* test_interactions.c -- the Interactions API of pollux: whole, streamed, in the background, taken up again, chained.
 * SPDX-License-Identifier: MIT
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "json.h"
#include "twin.h"

#define PATH "/v1beta/interactions"
#define MODEL "\"model\":\"gemini-3.8-flash\""
#define ASK(text, more) "{" MODEL ",\"input\":\"" text "\"" more "}"
#define STREAMED ",\"stream\":true"
#define BEHIND ",\"background\":true"

enum { ID_SIZE = 128, PATH_SIZE = 512 };

/* ---- the instance that all tests share ---- */

static const char script_text[] =
    "# Cases of the tests\n"
    "## Short\n? short\n= Hi <there> \xC3\xA9.\n"
    "## Words\n? words\n= one two three four five six seven eight nine ten eleven twelve thirteen\n"
    "## Thinking\n? thinking\n=~ **First**\n=~\n=~ Hm.\n=~\n=~ **Second**\n=~\n=~ Well.\n= Dams.\n"
    "## Endless\n? endless\n= one two\n~ 3600000\n= three\n"
    "## Lost\n? lost\n@ end: lost\n= Half of it\n"
    "## Raw\n? raw\n@ status: 503\n@ content-type: text/html\n@ eol: lf\n< <html>\n";

static char       script_path[] = "/tmp/pollux-interactions-XXXXXX";
static tst_pollux shared;

static int start(void **state)
{
    (void)state;
    int fd = mkstemp(script_path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, script_text, sizeof script_text - 1), sizeof script_text - 1);
    close(fd);
    shared = TST_POLLUX("--instant", "--quiet", "--grace", "100", "--script", script_path);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    tst_pollux_stop(&shared);
    unlink(script_path);
    return 0;
}

/* ---- requests ---- */

static tst_answer create(const char *body) { return tst_ask(&shared, PATH, body); }

/* `more` follows the id: "/cancel", "?stream=true". */
static tst_answer call(const char *method, const char *id, const char *more)
{
    char path[PATH_SIZE];

    snprintf(path, sizeof path, PATH "/%s%s", id, more);
    return tst_call(&shared, method, path, KEY, NULL);
}

static tst_answer get(const char *id, const char *more) { return call("GET", id, more); }

/* The text behind the first `"key":"`, up to its quote. */
static void read_text(const char *body, const char *key, char *out, size_t size)
{
    char        mark[64];
    const char *at;

    snprintf(mark, sizeof mark, "\"%s\":\"", key);
    at = strstr(body, mark);
    if (!at) fail_msg("no %s in:\n%s", key, body);
    at += strlen(mark);
    snprintf(out, size, "%.*s", (int)strcspn(at, "\""), at);
}

/* Puts `text` in the place of `len` characters. */
static void replace(char *body, size_t size, char *at, size_t len, const char *text)
{
    char rest[2048];

    snprintf(rest, sizeof rest, "%s", at + len);
    snprintf(at, size - (size_t)(at - body), "%s%s", text, rest);
}

/* Creates one, expects `status` ("completed"), and gives its id. */
static void create_with(const char *body, const char *status, char id[ID_SIZE])
{
    tst_answer a = create(body);
    char       found[64];

    if (a.status != 200) fail_msg("status %d:\n%s", a.status, a.body);
    read_text(a.body, "id", id, ID_SIZE);
    read_text(a.body, "status", found, sizeof found);
    assert_string_equal(found, status);
    tst_forget(&a);
}

static void expect_status(const char *id, const char *status)
{
    tst_answer a = get(id, "");
    char       found[64];

    assert_int_equal(a.status, 200);
    read_text(a.body, "status", found, sizeof found);
    assert_string_equal(found, status);
    tst_forget(&a);
}

static void expect_error(tst_answer a, int status, const char *code)
{
    char found[64];

    if (a.status != status) fail_msg("status %d instead of %d:\n%s", a.status, status, a.body);
    if (strncmp(a.body, "{\"error\":{\"code\":\"", 18) != 0) fail_msg("not a coded error:\n%s", a.body);
    read_text(a.body, "code", found, sizeof found);
    assert_string_equal(found, code);
    tst_forget(&a);
}

static void refuse(const char *body, int status, const char *code) { expect_error(create(body), status, code); }

static void advance_clock(const char *body)
{
    tst_answer a = tst_ask_with(&shared, "/pollux/clock", "", body);

    assert_int_equal(a.status, 200);
    tst_forget(&a);
}

/* ---- unary ---- */

static void a_whole_interaction_has_the_recorded_shape(void **state)
{
    (void)state;
    tst_answer a = create(ASK("short", ""));
    char       value[64];

    assert_int_equal(a.status, 200);
    assert_true(tst_header(&a, "content-type", value, sizeof value));
    assert_string_equal(value, "application/json");
    tst_same_body(&a,
                  "{\"id\":\"$\",\"status\":\"completed\",\"usage\":{\"total_tokens\":70,\"total_input_tokens\":2,"
                  "\"input_tokens_by_modality\":[{\"modality\":\"text\",\"tokens\":2}],\"total_cached_tokens\":0,"
                  "\"total_output_tokens\":4,\"output_tokens_by_modality\":[{\"modality\":\"text\",\"tokens\":4}],"
                  "\"total_tool_use_tokens\":0,\"total_thought_tokens\":64},\"created\":\"$\",\"updated\":\"$\","
                  "\"service_tier\":\"standard\",\"steps\":[{\"signature\":\"$\",\"type\":\"thought\"},"
                  "{\"content\":[{\"text\":\"Hi <there> \xC3\xA9.\","
                  "\"type\":\"text\"}],\"type\":\"model_output\"}],\"object\":\"interaction\","
                  "\"model\":\"gemini-3.8-flash\"}");
    assert_non_null(strstr(a.body, "{\"id\":\"v1_"));
    read_text(a.body, "created", value, sizeof value);
    assert_int_equal(strlen(value), strlen("2026-11-20T10:00:00Z"));
    tst_forget(&a);
}

static void every_version_has_interactions(void **state)
{
    (void)state;
    const char *paths[] = { "/v1/interactions", "/v1beta/interactions", "/v1alpha/interactions", "//v1/interactions" };

    for (size_t i = 0; i < 4; i++) {
        tst_answer a = tst_ask(&shared, paths[i], ASK("short", ""));
        assert_int_equal(a.status, 200);
        tst_forget(&a);
    }
}

static void input_is_text_or_content_or_a_list_of_content_or_of_steps(void **state)
{
    (void)state;
    const char *inputs[] = {
        "\"short\"",
        "{\"type\":\"text\",\"text\":\"short\"}",
        "[{\"type\":\"text\",\"text\":\"so\"},{\"type\":\"text\",\"text\":\"short\"}]",
        "[{\"type\":\"user_input\",\"content\":[{\"type\":\"text\",\"text\":\"short\"}]}]",
        "[{\"type\":\"user_input\",\"content\":\"words\"},{\"type\":\"thought\",\"signature\":\"AbC=\"},"
        "{\"type\":\"model_output\",\"content\":[{\"type\":\"text\",\"text\":\"no\"}]},"
        "{\"type\":\"user_input\",\"content\":[{\"type\":\"image\",\"mime_type\":\"image/png\",\"data\":\"AAAA\"},"
        "{\"type\":\"text\",\"text\":\"short\"}]}]",
    };

    for (size_t i = 0; i < sizeof inputs / sizeof inputs[0]; i++) {
        char body[1024];
        snprintf(body, sizeof body, "{" MODEL ",\"input\":%s}", inputs[i]);
        tst_answer a = create(body);
        assert_int_equal(a.status, 200);
        tst_contains(&a, "Hi <there>");
        tst_forget(&a);
    }
}

static void input_that_is_none_is_refused(void **state)
{
    (void)state;
    refuse("{" MODEL "}", 400, "invalid_request");
    refuse("{" MODEL ",\"input\":null}", 400, "invalid_request");
    refuse("{" MODEL ",\"input\":[]}", 400, "invalid_request");
    refuse("{" MODEL ",\"input\":7}", 400, "invalid_request");
    refuse("{" MODEL ",\"input\":[{\"type\":\"smell\"}]}", 400, "invalid_request");
    refuse("{" MODEL ",\"input\":{\"type\":\"text\"}}", 400, "invalid_request");
    refuse("{" MODEL ",\"input\":{\"type\":\"image\"}}", 400, "invalid_request");
    refuse("{" MODEL ",\"input\":[{\"type\":\"user_input\"}]}", 400, "invalid_request");
    refuse("{" MODEL ",\"input\":[\"short\"]}", 400, "invalid_request");
    refuse("[1]", 400, "invalid_request");
    refuse("{\"input\":", 400, "invalid_request");
}

static void the_token_limit_makes_it_incomplete(void **state)
{
    (void)state;
    tst_answer a = create(ASK("words", ",\"generation_config\":{\"max_output_tokens\":3}"));

    assert_int_equal(a.status, 200);
    tst_contains(&a, "\"status\":\"incomplete\"");
    tst_contains(&a, "\"text\":\"one two thre\"");
    tst_contains(&a, "\"total_output_tokens\":3,");
    tst_forget(&a);
    a = create(ASK("words", STREAMED ",\"generation_config\":{\"max_output_tokens\":3}"));
    tst_contains(&a, "\"status\":\"incomplete\"");
    tst_contains(&a, "data: [DONE]\n\n");
    tst_forget(&a);
}

static void a_response_format_is_obeyed(void **state)
{
    (void)state;
    const char *formats[] = {
        ",\"response_format\":{\"type\":\"text\",\"mime_type\":\"application/json\",\"schema\":{\"type\":\"object\","
        "\"properties\":{\"sure\":{\"type\":\"boolean\"}}}}",
        ",\"response_format\":[{\"type\":\"text\",\"schema\":{\"type\":\"object\",\"properties\":{\"sure\":{\"type\":"
        "\"boolean\"}}}}]",
        ",\"response_mime_type\":\"application/json\",\"response_format\":{\"type\":\"object\",\"properties\":"
        "{\"sure\":{\"type\":\"boolean\"}}}",
    };

    for (size_t i = 0; i < 3; i++) {
        char body[1024];
        snprintf(body, sizeof body, "{" MODEL ",\"input\":\"Is it so?\"%s}", formats[i]);
        tst_answer a = create(body);
        assert_int_equal(a.status, 200);
        tst_contains(&a, "{\\\"sure\\\":true}");
        tst_forget(&a);
    }
    refuse(ASK("short", ",\"response_format\":{\"type\":\"text\",\"mime_type\":\"application/json\",\"schema\":{"
                        "\"type\":\"string\",\"pattern\":\"a{1001}\"}}"), 400, "invalid_request");
    refuse(ASK("short", ",\"response_format\":{\"type\":\"image\",\"aspect_ratio\":\"16:9\"}"), 501, "unimplemented");
}

/* ---- streams ---- */

static void a_stream_has_every_event_in_its_recorded_form(void **state)
{
    (void)state;
    tst_answer a = create(ASK("thinking", STREAMED ",\"generation_config\":{\"thinking_summaries\":\"auto\"}"));
    char       value[64];

    assert_int_equal(a.status, 200);
    assert_true(tst_header(&a, "content-type", value, sizeof value));
    assert_string_equal(value, "text/event-stream");
#define USAGE(all, output, thought) \
    "{\"total_tokens\":" all ",\"total_input_tokens\":2,\"input_tokens_by_modality\":[{\"modality\":\"text\"," \
    "\"tokens\":2}],\"total_cached_tokens\":0,\"total_output_tokens\":" output \
    ",\"total_tool_use_tokens\":0,\"total_thought_tokens\":" thought "}"
    tst_same_body(
        &a,
        "event: interaction.created\n"
        "data: {\"interaction\":{\"id\":\"$\",\"status\":\"in_progress\",\"object\":\"interaction\",\"model\":"
        "\"gemini-3.8-flash\"},\"event_type\":\"interaction.created\",\"event_id\":\"$\"}\n\n"
        "event: interaction.status_update\n"
        "data: {\"interaction_id\":\"$\",\"status\":\"in_progress\",\"event_type\":\"interaction.status_update\","
        "\"event_id\":\"$\"}\n\n"
        "event: step.start\n"
        "data: {\"index\":0,\"step\":{\"type\":\"thought\"},\"event_type\":\"step.start\",\"event_id\":\"$\"}\n\n"
        "event: step.delta\n"
        "data: {\"index\":0,\"delta\":{\"content\":{\"text\":\"**First**\\n\\nHm.\\n\\n\",\"type\":\"text\"},\"type\":"
        "\"thought_summary\"},\"event_type\":\"step.delta\",\"event_id\":\"$\"}\n\n"
        "event: step.delta\n"
        "data: {\"index\":0,\"delta\":{\"content\":{\"text\":\"**Second**\\n\\nWell.\",\"type\":\"text\"},\"type\":"
        "\"thought_summary\"},\"event_type\":\"step.delta\",\"event_id\":\"$\"}\n\n"
        "event: step.delta\n"
        "data: {\"index\":0,\"delta\":{\"signature\":\"$\",\"type\":\"thought_signature\"},\"event_type\":"
        "\"step.delta\",\"metadata\":{\"total_usage\":" USAGE("11", "0", "9") "},\"event_id\":\"$\"}\n\n"
        "event: step.stop\n"
        "data: {\"index\":0,\"event_type\":\"step.stop\",\"event_id\":\"$\"}\n\n"
        "event: step.start\n"
        "data: {\"index\":1,\"step\":{\"type\":\"model_output\"},\"event_type\":\"step.start\",\"event_id\":\"$\"}\n\n"
        "event: step.delta\n"
        "data: {\"index\":1,\"delta\":{\"text\":\"Dams.\",\"type\":\"text\"},\"event_type\":\"step.delta\","
        "\"metadata\":{\"total_usage\":" USAGE("13", "2,\"output_tokens_by_modality\":[{\"modality\":\"text\",\"tokens\":2}]", "9")
        "},\"event_id\":\"$\"}\n\n"
        "event: step.stop\n"
        "data: {\"index\":1,\"event_type\":\"step.stop\",\"event_id\":\"$\"}\n\n"
        "event: interaction.completed\n"
        "data: {\"interaction\":{\"id\":\"$\",\"status\":\"completed\",\"usage\":"
        USAGE("13", "2,\"output_tokens_by_modality\":[{\"modality\":\"text\",\"tokens\":2}]", "9")
        ",\"created\":\"$\",\"updated\":\"$\",\"service_tier\":\"standard\",\"object\":\"interaction\",\"model\":"
        "\"gemini-3.8-flash\"},\"event_type\":\"interaction.completed\",\"event_id\":\"$\"}\n\n"
        "event: done\n"
        "data: [DONE]\n\n");
    assert_int_equal(a.chunk_count, 12); /* each event leaves on its own */
    tst_forget(&a);
}

static void what_was_streamed_is_there_whole_afterwards(void **state)
{
    (void)state;
    tst_answer a = create(ASK("thinking", STREAMED ",\"generation_config\":{\"thinking_summaries\":\"auto\"}"));
    char       id[ID_SIZE];

    read_text(a.body, "id", id, sizeof id);
    tst_forget(&a);
    a = get(id, "");
    assert_int_equal(a.status, 200);
    tst_contains(&a, "\",\"summary\":[{\"text\":\"**First**\\n\\nHm.\\n\\n\",\"type\":\"text\"},"
                     "{\"text\":\"**Second**\\n\\nWell.\",\"type\":\"text\"}],\"type\":\"thought\"}");
    tst_contains(&a, "{\"content\":[{\"text\":\"Dams.\",\"type\":\"text\"}],\"type\":\"model_output\"}");
    tst_contains(&a, "\"status\":\"completed\"");
    tst_forget(&a);
}

static void a_script_of_bytes_and_a_lost_end_work_here_too(void **state)
{
    (void)state;
    tst_answer a = create(ASK("raw", ""));

    assert_int_equal(a.status, 503);
    assert_string_equal(a.body, "<html>\n");
    tst_forget(&a);
    a = create(ASK("lost", STREAMED));
    tst_contains(&a, "data: [DONE]\n\n");
    assert_false(a.is_whole);
    tst_forget(&a);
}

/* Found by the keepers of files and caches, in the words of generateContent. */
static void a_file_and_a_cache_must_be_there(void **state)
{
    (void)state;
    refuse("{" MODEL ",\"input\":[{\"type\":\"document\",\"mime_type\":\"application/pdf\",\"uri\":"
           "\"https://generativelanguage.googleapis.com/v1beta/files/nobody\"},{\"type\":\"text\",\"text\":"
           "\"short\"}]}",
           403, "permission_denied");
    refuse(ASK("short", ",\"cached_content\":\"cachedContents/nobody\""), 403, "permission_denied");
}

/* ---- storing ---- */

static void input_is_told_when_asked_for(void **state)
{
    (void)state;
    char id[ID_SIZE];

    create_with(ASK("short", ""), "completed", id);
    tst_answer a = get(id, "?include_input=true");
    tst_contains(&a, "\"steps\":[{\"content\":[{\"text\":\"short\",\"type\":\"text\"}],\"type\":\"user_input\"},"
                     "{\"signature\":");
    tst_forget(&a);
    a = get(id, "?include_input=false");
    tst_lacks(&a, "user_input");
    tst_forget(&a);
}

static void what_is_deleted_is_not_found(void **state)
{
    (void)state;
    char id[ID_SIZE];

    create_with(ASK("short", ""), "completed", id);
    tst_answer a = call("DELETE", id, "");
    assert_int_equal(a.status, 200);
    assert_string_equal(a.body, "{}");
    tst_forget(&a);
    expect_error(get(id, ""), 404, "not_found");
    expect_error(get(id, "?stream=true"), 404, "not_found");
    expect_error(call("DELETE", id, ""), 404, "not_found");
    expect_error(call("POST", id, "/cancel"), 404, "not_found");
}

static void another_key_does_not_see_it(void **state)
{
    (void)state;
    char id[ID_SIZE], path[PATH_SIZE], body[512];

    create_with(ASK("short", ""), "completed", id);
    snprintf(path, sizeof path, PATH "/%s", id);
    expect_error(tst_call(&shared, "GET", path, "x-goog-api-key: another\r\n", NULL), 404, "not_found");
    snprintf(body, sizeof body, ASK("short", ",\"previous_interaction_id\":\"%s\""), id);
    expect_error(tst_ask_with(&shared, PATH, "x-goog-api-key: another\r\n", body), 404, "not_found");
}

static void a_reset_forgets_all(void **state)
{
    (void)state;
    char id[ID_SIZE];

    create_with(ASK("short", ""), "completed", id);
    tst_answer a = tst_ask_with(&shared, "/pollux/reset", "", NULL);
    assert_int_equal(a.status, 200);
    tst_forget(&a);
    expect_error(get(id, ""), 404, "not_found");
}

static void what_is_not_stored_has_no_id(void **state)
{
    (void)state;
    tst_answer a = create(ASK("short", ",\"store\":false"));

    assert_int_equal(a.status, 200);
    assert_int_equal(strncmp(a.body, "{\"status\":\"completed\"", 21), 0);
    tst_forget(&a);
    a = create(ASK("short", ",\"store\":false" STREAMED));
    tst_contains(&a, "{\"interaction\":{\"id\":\"\",\"status\":\"in_progress\"");
    tst_contains(&a, "{\"interaction_id\":\"\",\"status\"");
    tst_lacks(&a, "event_id");
    tst_forget(&a);
}

static void what_is_not_stored_cannot_be_chained_or_run_behind(void **state)
{
    (void)state;
    char id[ID_SIZE], body[512];

    create_with(ASK("short", ""), "completed", id);
    snprintf(body, sizeof body, ASK("short", ",\"store\":false,\"previous_interaction_id\":\"%s\""), id);
    refuse(body, 400, "invalid_request");
    refuse(ASK("short", ",\"store\":false" BEHIND), 400, "invalid_request");
}

static void an_interaction_expires_after_a_day(void **state)
{
    (void)state;
    char id[ID_SIZE];

    create_with(ASK("short", ""), "completed", id);
    advance_clock("{\"advance_s\":86000}");
    expect_status(id, "completed");
    advance_clock("{\"advance_s\":500}");
    expect_error(get(id, ""), 404, "not_found");
}

static void the_oldest_make_room_for_the_newest(void **state)
{
    (void)state;
    tst_pollux p = TST_POLLUX("--instant", "--quiet");
    tst_link   l = tst_connect(&p);
    char       first[PATH_SIZE] = "", second[PATH_SIZE] = "";

    for (int i = 0; i < 4096 + 1; i++) {
        char id[ID_SIZE];
        tst_post(&l, PATH, KEY, ASK("a haiku", ""));
        tst_answer a = tst_read_answer(&l);
        assert_int_equal(a.status, 200);
        read_text(a.body, "id", id, sizeof id);
        if (i < 2) snprintf(i == 0 ? first : second, PATH_SIZE, PATH "/%s", id);
        tst_forget(&a);
    }
    tst_hang_up(&l);
    expect_error(tst_call(&p, "GET", first, KEY, NULL), 404, "not_found");
    tst_answer a = tst_call(&p, "GET", second, KEY, NULL);
    assert_int_equal(a.status, 200);
    tst_forget(&a);
    tst_pollux_stop(&p);
}

/* ---- chains ---- */

static void a_chain_counts_what_was_said_before(void **state)
{
    (void)state;
    char id[ID_SIZE], body[512];

    create_with(ASK("short", ""), "completed", id);
    snprintf(body, sizeof body, ASK("words", ",\"previous_interaction_id\":\"%s\""), id);
    tst_answer a = create(body);
    assert_int_equal(a.status, 200);
    tst_contains(&a, "\"total_input_tokens\":8,"); /* 2 + 4 + 2 */
    tst_lacks(&a, "Hi <there>");
    char second[ID_SIZE];
    read_text(a.body, "id", second, sizeof second);
    tst_forget(&a);

    a = get(second, "");
    char previous[ID_SIZE];
    read_text(a.body, "previous_interaction_id", previous, sizeof previous);
    assert_string_equal(previous, id);
    tst_forget(&a);

    tst_answer gone = call("DELETE", id, ""); /* what was built on it stays */
    tst_forget(&gone);
    snprintf(body, sizeof body, ASK("short", ",\"previous_interaction_id\":\"%s\""), second);
    a = create(body);
    assert_int_equal(a.status, 200);
    tst_contains(&a, "\"total_input_tokens\":28,"); /* 8 + 18 + 2 */
    tst_forget(&a);
}

static void a_chain_needs_an_end_to_hang_on(void **state)
{
    (void)state;
    char id[ID_SIZE], body[512];

    refuse(ASK("short", ",\"previous_interaction_id\":\"v1_none\""), 404, "not_found");
    create_with(ASK("endless", BEHIND), "in_progress", id);
    snprintf(body, sizeof body, ASK("short", ",\"previous_interaction_id\":\"%s\""), id);
    refuse(body, 400, "failed_precondition");
}

/* ---- in the background ---- */

static void a_background_run_completes_by_the_clock_alone(void **state)
{
    (void)state;
    char id[ID_SIZE];

    create_with(ASK("endless", BEHIND), "in_progress", id);
    expect_status(id, "in_progress");
    advance_clock("{\"advance_s\":3599}");
    expect_status(id, "in_progress");
    advance_clock("{\"advance_s\":1}");
    tst_answer a = get(id, "");
    tst_contains(&a, "\"status\":\"completed\"");
    tst_contains(&a, "\"text\":\"one two\\nthree\"");
    tst_forget(&a);
    expect_error(call("POST", id, "/cancel"), 400, "failed_precondition");
}

static void even_an_instant_background_run_is_first_in_progress(void **state)
{
    (void)state;
    char       id[ID_SIZE];
    tst_answer a = create(ASK("short", BEHIND));

    tst_same_body(&a, "{\"id\":\"$\",\"status\":\"in_progress\",\"created\":\"$\",\"updated\":\"$\",\"service_tier\":"
                      "\"standard\",\"object\":\"interaction\",\"model\":\"gemini-3.8-flash\"}");
    read_text(a.body, "id", id, sizeof id);
    tst_forget(&a);
    expect_status(id, "completed");
}

static void a_cancelled_run_keeps_what_was_said(void **state)
{
    (void)state;
    char id[ID_SIZE];

    create_with(ASK("endless", BEHIND), "in_progress", id);
    tst_answer a = call("POST", id, "/cancel");
    assert_int_equal(a.status, 200);
    tst_contains(&a, "\"status\":\"cancelled\"");
    tst_contains(&a, "\"text\":\"one two\\n\"");
    tst_forget(&a);
    expect_status(id, "cancelled");
    advance_clock("{\"advance_s\":3600}");
    expect_status(id, "cancelled");
    expect_error(call("POST", id, "/cancel"), 400, "failed_precondition");
    a = get(id, "?stream=true");
    tst_contains(&a, "\"status\":\"cancelled\"");
    tst_contains(&a, "data: [DONE]\n\n");
    tst_lacks(&a, "three");
    tst_forget(&a);
}

static void only_what_runs_behind_can_be_cancelled(void **state)
{
    (void)state;
    tst_link l = tst_connect(&shared);
    tst_answer a;
    char     id[ID_SIZE];

    tst_post(&l, PATH, KEY, ASK("endless", STREAMED));
    assert_true(tst_read_head(&l, &a));
    assert_true(tst_read_chunk(&l, &a));
    read_text(a.body, "id", id, sizeof id);
    expect_status(id, "in_progress");
    expect_error(call("POST", id, "/cancel"), 400, "failed_precondition");
    tst_forget(&a);
    tst_hang_up(&l);
}

/* Reads a stream until its body has this text. */
static void read_until(tst_link *l, tst_answer *a, const char *text)
{
    while (!strstr(a->body, text)) assert_true(tst_read_chunk(l, a));
}

static void a_listener_of_a_running_one_sees_it_cancelled(void **state)
{
    (void)state;
    tst_link   l = tst_connect(&shared);
    tst_answer live;
    char       id[ID_SIZE];

    tst_post(&l, PATH, KEY, ASK("endless", STREAMED BEHIND));
    assert_true(tst_read_head(&l, &live));
    read_until(&l, &live, " two");
    read_text(live.body, "id", id, sizeof id);
    tst_answer cancelled = call("POST", id, "/cancel");
    assert_int_equal(cancelled.status, 200);
    tst_forget(&cancelled);
    while (tst_read_chunk(&l, &live)) continue;
    assert_true(live.is_whole);
    tst_answer again = get(id, "?stream=true");
    assert_string_equal(again.body, live.body);
    tst_contains(&again, "\"status\":\"cancelled\"");
    tst_forget(&again);
    tst_forget(&live);
    tst_hang_up(&l);
}

static void a_stream_outlives_the_deletion_of_its_interaction(void **state)
{
    (void)state;
    tst_link   l = tst_connect(&shared);
    tst_answer live;
    char       id[ID_SIZE];

    tst_post(&l, PATH, KEY, ASK("endless", STREAMED));
    assert_true(tst_read_head(&l, &live));
    read_until(&l, &live, " two");
    read_text(live.body, "id", id, sizeof id);
    tst_answer a = call("DELETE", id, "");
    assert_int_equal(a.status, 200);
    tst_forget(&a);
    advance_clock("{\"advance_s\":3600}");
    while (tst_read_chunk(&l, &live)) continue;
    tst_contains(&live, "three");
    tst_contains(&live, "data: [DONE]\n\n");
    tst_forget(&live);
    tst_hang_up(&l);
}

/* ---- resumption ---- */

/* From each event of `whole`, the stream goes on with the very bytes that follow. */
static void resume_everywhere(const char *id, const char *whole)
{
    const char *at = whole;
    size_t      count = 0;

    for (const char *next; (next = strstr(at, "\n\n")) && strncmp(at, "event: done", 11) != 0; at = next + 2) {
        char event_id[64], query[128];
        read_text(at, "event_id", event_id, sizeof event_id);
        snprintf(query, sizeof query, "?stream=true&last_event_id=%s", event_id);
        tst_answer a = get(id, query);
        assert_int_equal(a.status, 200);
        assert_string_equal(a.body, next + 2);
        tst_forget(&a);
        count++;
    }
    assert_true(count > 5);
}

static void a_stream_is_taken_up_again_after_any_event(void **state)
{
    (void)state;
    tst_answer whole = create(ASK("words", STREAMED));
    char       id[ID_SIZE];

    read_text(whole.body, "id", id, sizeof id);
    resume_everywhere(id, whole.body);
    tst_answer again = get(id, "?stream=true");
    assert_string_equal(again.body, whole.body);
    tst_forget(&again);
    expect_error(get(id, "?stream=true&last_event_id=MTIz"), 400, "invalid_request");
    expect_error(get(id, "?last_event_id=MTIz"), 400, "invalid_request");
    tst_forget(&whole);
}

static void a_running_one_is_taken_up_again_and_followed_to_its_end(void **state)
{
    (void)state;
    tst_link   l = tst_connect(&shared);
    tst_answer live;
    char       id[ID_SIZE], event_id[64], path[PATH_SIZE];

    tst_post(&l, PATH, KEY, ASK("endless", STREAMED BEHIND));
    assert_true(tst_read_head(&l, &live));
    read_until(&l, &live, " two");
    read_text(live.body, "id", id, sizeof id);
    read_text(strstr(live.body, " two"), "event_id", event_id, sizeof event_id);
    size_t seen = live.len;
    tst_hang_up(&l); /* the run does not mind */

    l = tst_connect(&shared);
    snprintf(path, sizeof path, PATH "/%s?stream=true&last_event_id=%s", id, event_id);
    tst_request(&l, "GET", path, KEY, NULL);
    advance_clock("{\"advance_s\":3600}");
    tst_answer rest = tst_read_answer(&l);
    tst_hang_up(&l);
    tst_answer whole = get(id, "?stream=true");
    assert_memory_equal(whole.body, live.body, seen);
    assert_string_equal(whole.body + seen, rest.body);
    tst_contains(&rest, "three");
    resume_everywhere(id, whole.body);
    tst_forget(&whole);
    tst_forget(&rest);
    tst_forget(&live);
}

/* ---- functions ---- */

#define TOOLS \
    ",\"tools\":[{\"type\":\"function\",\"name\":\"get_weather\",\"description\":\"Weather.\",\"parameters\":" \
    "{\"type\":\"object\",\"properties\":{\"city\":{\"type\":\"string\"}},\"required\":[\"city\"]}}," \
    "{\"type\":\"function\",\"name\":\"get_time\"}]"
#define CALL "pollux: call get_weather {\\\"city\\\": \\\"San Francisco, seen from \\\\u00e9 afar\\\"}"

/* The id of the `nth` call. */
static void read_call_id(const char *body, size_t nth, char *out, size_t size)
{
    const char *at = body;

    for (size_t i = 0; i <= nth; i++) {
        at = strstr(i == 0 ? at : at + 1, "\",\"type\":\"function_call\"");
        if (!at) fail_msg("no call %zu in:\n%s", nth, body);
    }
    const char *from = at;
    while (from[-1] != '"') from--;
    snprintf(out, size, "%.*s", (int)(at - from), from);
}

static void a_function_is_called_and_its_result_is_answered(void **state)
{
    (void)state;
    tst_answer a = create(ASK(CALL, TOOLS));
    char       id[ID_SIZE], call_id[64], body[2048];

    assert_int_equal(a.status, 200);
    tst_contains(&a, "\"status\":\"requires_action\"");
    tst_contains(&a, "\"type\":\"thought\"},{\"id\":\"");
    tst_contains(&a, "\"type\":\"function_call\",\"name\":\"get_weather\",\"arguments\":{\"city\":\"San Francisco");
    read_text(a.body, "id", id, sizeof id);
    read_call_id(a.body, 0, call_id, sizeof call_id);
    tst_forget(&a);
    snprintf(body, sizeof body,
             "{" MODEL ",\"previous_interaction_id\":\"%s\",\"input\":[{\"type\":\"function_result\","
             "\"call_id\":\"%s\",\"name\":\"get_weather\",\"result\":\"sunny\"}]" TOOLS "}",
             id, call_id);
    a = create(body);
    assert_int_equal(a.status, 200);
    tst_contains(&a, "\"status\":\"completed\"");
    tst_contains(&a, "sunny");
    tst_forget(&a);
}

static void arguments_stream_in_pieces_that_join_to_json(void **state)
{
    (void)state;
    tst_answer   a = create(ASK(CALL, STREAMED TOOLS));
    char         joined[256] = "";
    size_t       count = 0;
    cst_json_doc doc;

    tst_contains(&a, "\"signature\":\"\",\"type\":\"function_call\",\"name\":\"get_weather\",\"arguments\":{}},"
                     "\"event_type\":\"step.start\"");
    cst_json_doc_init(&doc, cst_allocator_default());
    for (const char *at = a.body; (at = strstr(at, "data: {\"index\":1,\"delta\"")); at++) {
        castor_str event = { at + 6, strcspn(at + 6, "\n") };
        assert_int_equal(cst_json_read(&doc, event, NULL, NULL), CASTOR_OK);
        const cst_json *delta = cst_json_get(cst_json_root(&doc), "delta");
        assert_true(cst_str_is(cst_json_string_in(delta, "type"), "arguments_delta"));
        castor_str piece = cst_json_string_in(delta, "arguments");
        snprintf(joined + strlen(joined), sizeof joined - strlen(joined), "%.*s", CASTOR_ARG(piece));
        count++;
    }
    cst_json_doc_free(&doc);
    assert_true(count > 1);
    assert_string_equal(joined, "{\"city\":\"San Francisco, seen from \xC3\xA9 afar\"}");
    tst_contains(&a, "\"status\":\"requires_action\",\"usage\"");
    tst_contains(&a, "data: [DONE]\n\n");
    tst_forget(&a);
}

static void without_a_store_all_steps_are_sent_back(void **state)
{
    (void)state;
    tst_answer a = create(ASK(CALL, TOOLS ",\"store\":false"));
    char       call_id[64], body[4096], steps[2048];

    read_call_id(a.body, 0, call_id, sizeof call_id);
    const char *from = strstr(a.body, "\"steps\":[") + 9;
    snprintf(steps, sizeof steps, "%.*s", (int)(strstr(from, "],\"object\"") - from), from);
    tst_forget(&a);
    snprintf(body, sizeof body,
             "{" MODEL ",\"store\":false,\"input\":[{\"type\":\"user_input\",\"content\":\"" CALL "\"},%s,"
             "{\"type\":\"function_result\",\"call_id\":\"%s\",\"result\":{\"sky\":\"grey\"}}]" TOOLS "}",
             steps, call_id);
    a = create(body);
    assert_int_equal(a.status, 200);
    tst_contains(&a, "\"status\":\"completed\"");
    tst_contains(&a, "grey");
    tst_forget(&a);

    char *signature = strstr(body, "{\"signature\":"); /* without the thought, the call is not signed */
    char *call = strstr(body, "{\"id\":\"");
    assert_true(signature && call && signature < call);
    memmove(signature, call, strlen(call) + 1);
    refuse(body, 400, "invalid_request");
}

/* Only what still waits for its result is limited. */
static void a_long_history_may_hold_any_number_of_calls(void **state)
{
    enum { COUNT = 300 };
    char  *body = malloc(COUNT * 256 + 512);
    size_t len;

    (void)state;
    assert_non_null(body);
    len = (size_t)sprintf(body, "{" MODEL ",\"store\":false,\"input\":[{\"type\":\"user_input\",\"content\":\"go\"}");
    for (int i = 0; i < COUNT; i++) {
        len += (size_t)sprintf(body + len,
                               ",{\"type\":\"function_call\",\"id\":\"c%d\",\"name\":\"get_time\",\"arguments\":{},"
                               "\"signature\":\"skip_thought_signature_validator\"},"
                               "{\"type\":\"function_result\",\"call_id\":\"c%d\",\"result\":\"noon\"}",
                               i, i);
    }
    sprintf(body + len, "]" TOOLS "}");
    tst_answer a = create(body);
    assert_int_equal(a.status, 200);
    tst_forget(&a);
    free(body);
}

static void results_must_fit_the_calls(void **state)
{
    (void)state;
    const char *forms[] = {
        "\"never mind\"",
        "[{\"type\":\"function_result\",\"name\":\"get_weather\",\"result\":\"x\"}]",
        "[{\"type\":\"function_result\",\"call_id\":\"nobody\",\"name\":\"get_weather\",\"result\":\"x\"}]",
        "[{\"type\":\"function_result\",\"call_id\":\"FIRST\",\"name\":\"get_weather\",\"result\":\"x\"}]",
        "[{\"type\":\"function_result\",\"call_id\":\"FIRST\",\"result\":\"x\"},"
        "{\"type\":\"function_result\",\"call_id\":\"SECOND\"}]",
        "[{\"type\":\"function_result\",\"call_id\":\"SECOND\",\"result\":\"x\"},"
        "{\"type\":\"function_result\",\"call_id\":\"FIRST\",\"result\":\"late\",\"is_error\":true}]",
    };
    char       id[ID_SIZE], first[64], second[64];
    tst_answer a = create(ASK("pollux: call get_weather, get_time", TOOLS));

    read_text(a.body, "id", id, sizeof id);
    read_call_id(a.body, 0, first, sizeof first);
    read_call_id(a.body, 1, second, sizeof second);
    tst_forget(&a);
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        char body[2048];
        snprintf(body, sizeof body, "{" MODEL ",\"previous_interaction_id\":\"%s\",\"input\":%s" TOOLS "}", id,
                 forms[i]);
        for (char *at; (at = strstr(body, "FIRST"));) replace(body, sizeof body, at, 5, first);
        for (char *at; (at = strstr(body, "SECOND"));) replace(body, sizeof body, at, 6, second);
        if (i + 1 < sizeof forms / sizeof forms[0]) {
            refuse(body, 400, "invalid_request");
        } else {
            a = create(body);
            assert_int_equal(a.status, 200);
            tst_forget(&a);
        }
    }
    refuse("{" MODEL ",\"input\":[{\"type\":\"function_result\",\"call_id\":\"x\",\"name\":\"f\",\"result\":\"x\"}]}",
           400, "invalid_request");
}

static void a_choice_of_tools_is_obeyed(void **state)
{
    (void)state;
    const struct {
        const char *body;
        const char *status;
    } choices[] = {
        { ASK("Good morning!", TOOLS ",\"generation_config\":{\"tool_choice\":\"none\"}"), "completed" },
        { ASK("Good morning!", TOOLS ",\"generation_config\":{\"tool_choice\":\"any\"}"), "requires_action" },
        { ASK("Good morning!", TOOLS ",\"generation_config\":{\"tool_choice\":{\"allowed_tools\":{\"mode\":\"any\","
                                     "\"tools\":[\"get_time\"]}}}"), "requires_action" },
    };

    for (size_t i = 0; i < sizeof choices / sizeof choices[0]; i++) {
        char       found[64];
        tst_answer a = create(choices[i].body);
        assert_int_equal(a.status, 200);
        read_text(a.body, "status", found, sizeof found);
        assert_string_equal(found, choices[i].status);
        if (i == 2) tst_contains(&a, "\"name\":\"get_time\"");
        tst_forget(&a);
    }
}

static void code_that_was_run_has_steps_of_its_own(void **state)
{
    (void)state;
    tst_answer a = create(ASK("pollux: code", STREAMED ",\"tools\":[{\"type\":\"code_execution\"}]"));
    char       id[ID_SIZE], call_id[64], body[512];

    tst_contains(&a, "\"delta\":{\"arguments\":{\"language\":\"python\",\"code\":\"print(");
    tst_contains(&a, "\"type\":\"code_execution_call\"},\"event_type\":\"step.delta\"");
    tst_contains(&a, "\"delta\":{\"result\":\"55\\n\",\"type\":\"code_execution_result\"}");
    read_text(a.body, "call_id", call_id, sizeof call_id);
    read_text(a.body, "id", id, sizeof id);
    snprintf(body, sizeof body, "\"step\":{\"id\":\"%s\",\"type\":\"code_execution_call\"", call_id);
    tst_contains(&a, body);
    tst_forget(&a);
    a = get(id, "");
    tst_contains(&a, ",\"type\":\"code_execution_call\"},{\"call_id\":\"");
    tst_forget(&a);
    snprintf(body, sizeof body, ASK("short", ",\"previous_interaction_id\":\"%s\""), id);
    create_with(body, "completed", id);
}

static void a_picture_is_content_too(void **state)
{
    (void)state;
    tst_answer a = create(ASK("pollux: image", STREAMED));
    char       id[ID_SIZE];

    tst_contains(&a, "\"mime_type\":\"image/png\",\"type\":\"image\"},\"event_type\":\"step.delta\"");
    read_text(a.body, "id", id, sizeof id);
    tst_forget(&a);
    a = get(id, "");
    tst_contains(&a, "\"mime_type\":\"image/png\",\"type\":\"image\"}],\"type\":\"model_output\"}");
    tst_contains(&a, "{\"modality\":\"image\",\"tokens\":1290}");
    tst_forget(&a);
}

/* ---- failures ---- */

static void what_the_filter_refuses_is_no_event_but_a_bare_line(void **state)
{
    (void)state;
    tst_answer a = create(ASK("pollux: block PROHIBITED_CONTENT", STREAMED));
    char       id[ID_SIZE];

    assert_int_equal(a.status, 200);
    assert_true(a.is_whole);
    tst_same_body(&a, "event: interaction.created\n"
                      "data: {\"interaction\":{\"id\":\"$\",\"status\":\"in_progress\",\"object\":\"interaction\","
                      "\"model\":\"gemini-3.8-flash\"},\"event_type\":\"interaction.created\",\"event_id\":\"$\"}\n\n"
                      "event: interaction.status_update\n"
                      "data: {\"interaction_id\":\"$\",\"status\":\"in_progress\",\"event_type\":"
                      "\"interaction.status_update\",\"event_id\":\"$\"}\n\n"
                      "{\"error\":{\"code\":\"prohibited_content\",\"message\":\"$\"}}\n");
    read_text(a.body, "id", id, sizeof id);
    tst_forget(&a);
    expect_error(get(id, ""), 404, "not_found");
    refuse(ASK("pollux: block PROHIBITED_CONTENT", ""), 400, "prohibited_content");
    refuse(ASK("pollux: block OTHER", ""), 400, "content_blocked");
}

static void a_refused_background_run_has_failed(void **state)
{
    (void)state;
    char id[ID_SIZE];

    create_with(ASK("pollux: block SAFETY", BEHIND), "in_progress", id);
    tst_answer a = get(id, "");
    tst_contains(&a, "\"status\":\"failed\"");
    tst_contains(&a, "\"errors\":[{\"code\":\"safety\",\"message\":");
    tst_forget(&a);
}

static void an_answer_that_is_stopped_ends_with_an_error_event(void **state)
{
    (void)state;
    tst_answer a = create(ASK("pollux: finish SAFETY after text", STREAMED));
    char       id[ID_SIZE];

    tst_contains(&a, "event: step.stop\n");
    tst_contains(&a, "\n\nevent: error\ndata: {\"error\":{\"code\":\"safety\",\"message\":\"");
    tst_contains(&a, "},\"event_type\":\"error\",\"event_id\":\"");
    tst_lacks(&a, "[DONE]");
    tst_lacks(&a, "interaction.completed");
    assert_true(a.is_whole);
    read_text(a.body, "id", id, sizeof id);
    tst_forget(&a);
    a = get(id, "");
    tst_contains(&a, "\"status\":\"failed\"");
    tst_contains(&a, "\"errors\":[{\"code\":\"safety\"");
    tst_contains(&a, "\"type\":\"model_output\"");
    tst_forget(&a);
    refuse(ASK("pollux: finish SAFETY", ""), 400, "safety");
    refuse(ASK("pollux: finish RECITATION", ""), 400, "recitation");
    refuse(ASK("pollux: finish MALFORMED_FUNCTION_CALL", ""), 400, "malformed_function_call");
}

/* ---- long answers ---- */

#define LONG(more) "{\"model\":\"gemini-4-argon\",\"input\":\"pollux: tokens 50\"" more "}"
#define LONG_AFTER "{\"model\":\"gemini-4-argon\",\"previous_interaction_id\":\"%s\","

/* The texts of all steps, in order, behind what `out` has. */
static void join_texts(const char *body, char *out, size_t size)
{
    for (const char *at = body; (at = strstr(at, "{\"content\":[{\"text\":\"")); at++) {
        const char *from = at + 21;
        size_t      len = strlen(out);
        snprintf(out + len, size - len, "%.*s", (int)(strstr(from, "\",\"type\":\"text\"") - from), from);
    }
}

static size_t count_input(const tst_pollux *p, const char *id)
{
    char body[512];

    snprintf(body, sizeof body, LONG_AFTER "\"input\":\"hello\"}", id);
    tst_answer  a = tst_ask(p, PATH, body);
    const char *at = strstr(a.body, "\"total_input_tokens\":");
    if (!at) fail_msg("status %d: %s", a.status, a.body);
    size_t count = strtoul(at + 21, NULL, 10);
    tst_forget(&a);
    return count;
}

static void a_long_answer_is_continued_by_its_token(void **state)
{
    (void)state;
    tst_pollux p = TST_POLLUX("--instant", "--quiet", "--decode-cap", "40");
    char       id[ID_SIZE], behind[ID_SIZE], token[256], body[1024], path[PATH_SIZE], text[1024] = "", whole[1024] = "";
    tst_answer a = tst_ask(&p, PATH, LONG(""));
    size_t     hops = 1;

    for (; strstr(a.body, "\"status\":\"requires_continuation\""); hops++) {
        assert_true(hops < 10);
        join_texts(a.body, text, sizeof text);
        read_text(a.body, "id", id, sizeof id);
        read_text(a.body, "continuation_token", token, sizeof token);
        tst_forget(&a);
        snprintf(body, sizeof body, LONG_AFTER "\"continuation_token\":\"%s\"}", id, token);
        a = tst_ask(&p, PATH, body);
        assert_int_equal(a.status, 200);
    }
    assert_true(hops > 1);
    tst_contains(&a, "\"status\":\"completed\"");
    tst_lacks(&a, "continuation_token");
    join_texts(a.body, text, sizeof text);
    read_text(a.body, "id", id, sizeof id);
    tst_forget(&a);

    /* In the background the service does the same by itself; what each request brings is a step. */
    a = tst_ask(&p, PATH, LONG(",\"background\":true"));
    read_text(a.body, "id", behind, sizeof behind);
    tst_forget(&a);
    snprintf(path, sizeof path, PATH "/%s", behind);
    a = tst_call(&p, "GET", path, KEY, NULL);
    tst_contains(&a, "\"status\":\"completed\"");
    join_texts(a.body, whole, sizeof whole);
    assert_string_equal(text, whole);
    tst_forget(&a);

    assert_true(count_input(&p, id) > 50); /* what follows sees all of it */
    assert_true(count_input(&p, behind) > 50);
    tst_pollux_stop(&p);
}

static void an_unstored_long_answer_takes_its_input_again(void **state)
{
    (void)state;
    tst_pollux p = TST_POLLUX("--instant", "--quiet", "--decode-cap", "60");
    char       token[256], body[1024];
    tst_answer a = tst_ask(&p, PATH, LONG(",\"store\":false"));

    tst_contains(&a, "\"status\":\"requires_continuation\"");
    read_text(a.body, "continuation_token", token, sizeof token);
    tst_forget(&a);
    snprintf(body, sizeof body, LONG(",\"store\":false,\"continuation_token\":\"%s\""), token);
    a = tst_ask(&p, PATH, body);
    assert_int_equal(a.status, 200);
    tst_forget(&a);
    snprintf(body, sizeof body, "{\"model\":\"gemini-4-argon\",\"continuation_token\":\"%s\"}", token);
    expect_error(tst_ask(&p, PATH, body), 400, "invalid_request");
    snprintf(body, sizeof body, "{\"model\":\"gemini-4-argon\",\"input\":\"else\",\"continuation_token\":\"%s\"}",
             token);
    expect_error(tst_ask(&p, PATH, body), 400, "invalid_request");
    tst_pollux_stop(&p);
}

/* ---- agents ---- */

static void a_research_agent_reports_from_the_background(void **state)
{
    (void)state;
    char       id[ID_SIZE];
    tst_answer a = create("{\"agent\":\"deep-research-preview-04-2026\",\"input\":\"Why?\",\"background\":true,"
                          "\"agent_config\":{\"type\":\"deep-research\",\"thinking_summaries\":\"auto\"}}");

    tst_contains(&a, "\"status\":\"in_progress\"");
    tst_contains(&a, "\"agent\":\"deep-research-preview-04-2026\"}");
    read_text(a.body, "id", id, sizeof id);
    tst_forget(&a);
    a = get(id, "");
    tst_contains(&a, "\"status\":\"completed\"");
    tst_contains(&a, "\"summary\":[{\"text\":\"**Planning the research**");
    tst_contains(&a, "# Research report");
    tst_lacks(&a, "\"model\":");
    tst_forget(&a);
}

static void research_takes_its_time_at_a_real_pace(void **state)
{
    (void)state;
    tst_pollux paced = TST_POLLUX("--ttft", "0", "--rate", "100000", "--quiet", "--grace", "100");
    tst_answer a = tst_ask(&paced, PATH, "{\"agent\":\"deep-research-preview-04-2026\",\"input\":\"Why?\",\"background\":"
                                         "true}");
    char       id[ID_SIZE], path[PATH_SIZE];

    read_text(a.body, "id", id, sizeof id);
    tst_forget(&a);
    snprintf(path, sizeof path, PATH "/%s", id);
    a = tst_call(&paced, "GET", path, KEY, NULL);
    tst_contains(&a, "\"status\":\"in_progress\"");
    tst_forget(&a);
    a = tst_ask_with(&paced, "/pollux/clock", "", "{\"advance_s\":60}");
    tst_forget(&a);
    a = tst_call(&paced, "GET", path, KEY, NULL);
    tst_contains(&a, "\"status\":\"completed\"");
    tst_forget(&a);
    tst_pollux_stop(&paced);
}

static void agents_have_rules_of_their_own(void **state)
{
    (void)state;
#define AGENT(name, more) "{\"agent\":\"" name "\",\"input\":\"Why?\"" more "}"
    refuse(AGENT("deep-research-preview-04-2026", ""), 400, "invalid_request");
    refuse(AGENT("deep-research-preview-04-2026", "," MODEL BEHIND), 400, "invalid_request");
    refuse(AGENT("deep-research-preview-04-2026", BEHIND ",\"generation_config\":{}"), 400, "invalid_request");
    refuse(AGENT("somebody", BEHIND), 404, "not_found");
    refuse("{\"input\":\"Why?\"}", 400, "invalid_request");
    refuse(ASK("short", ",\"agent_config\":{\"type\":\"deep-research\"}"), 400, "invalid_request");
    tst_answer a = create(AGENT("antigravity-preview-05-2026", ""));
    tst_contains(&a, "\"agent\":\"antigravity-preview-05-2026\"");
    tst_forget(&a);
}

/* ---- errors ---- */

static void parameters_that_are_not_there_are_unknown(void **state)
{
    (void)state;
    refuse(ASK("short", ",\"inputs\":[]"), 400, "parameter_unknown");
    refuse(ASK("short", ",\"systemInstruction\":\"x\""), 400, "parameter_unknown");
    refuse(ASK("short", ",\"generation_config\":{\"top_k\":1}"), 400, "parameter_unknown");
    refuse(ASK("short", ",\"generation_config\":{\"maxOutputTokens\":1}"), 400, "parameter_unknown");
    refuse(ASK("short", ",\"tools\":[{\"type\":\"function\",\"name\":\"f\",\"function\":{}}]"), 400,
           "parameter_unknown");
}

static void v1_has_no_temperature(void **state)
{
    (void)state;
    const char *body = ASK("short", ",\"generation_config\":{\"temperature\":0.7,\"top_p\":0.9}");

    expect_error(tst_ask(&shared, "/v1/interactions", body), 400, "parameter_unknown");
    tst_answer a = create(body);
    assert_int_equal(a.status, 200);
    tst_forget(&a);
}

static void values_that_do_not_fit_are_invalid(void **state)
{
    (void)state;
    refuse(ASK("short", ",\"store\":\"yes\""), 400, "invalid_request");
    refuse(ASK("short", ",\"service_tier\":\"gold\""), 400, "invalid_request");
    refuse(ASK("short", ",\"tools\":{}"), 400, "invalid_request");
    refuse(ASK("short", ",\"tools\":[{\"type\":\"hammer\"}]"), 400, "invalid_request");
    refuse(ASK("short", ",\"tools\":[{\"type\":\"function\"}]"), 400, "invalid_request");
    refuse(ASK("short", ",\"generation_config\":{\"max_output_tokens\":0}"), 400, "invalid_request");
    refuse(ASK("short", ",\"generation_config\":{\"max_output_tokens\":1.5}"), 400, "invalid_request");
    refuse(ASK("short", ",\"generation_config\":{\"thinking_level\":\"deep\"}"), 400, "invalid_request");
    refuse(ASK("short", ",\"generation_config\":{\"tool_choice\":\"maybe\"}"), 400, "invalid_request");
    refuse("{\"model\":\"nobody\",\"input\":\"x\"}", 404, "model_not_found");
}

static void the_gateway_speaks_of_keys_in_its_own_form(void **state)
{
    (void)state;
    tst_answer a = tst_ask_with(&shared, PATH, "x-goog-api-key: bad-key\r\n", ASK("short", ""));

    assert_int_equal(a.status, 400);
    tst_contains(&a, "\"reason\": \"API_KEY_INVALID\"");
    tst_forget(&a);
    a = tst_ask_with(&shared, PATH, "", ASK("short", ""));
    assert_int_equal(a.status, 403);
    tst_contains(&a, "\"status\": \"PERMISSION_DENIED\"");
    tst_forget(&a);
}

static void a_quota_that_is_used_up_has_a_code_by_its_length(void **state)
{
    (void)state;
    const struct {
        const char *option;
        const char *code;
    } limits[] = { { "--rpm", "rate_limit_exceeded" }, { "--rpd", "quota_exceeded" } };

    for (size_t i = 0; i < 2; i++) {
        tst_pollux p = TST_POLLUX("--instant", "--quiet", limits[i].option, "1");
        tst_answer a = tst_ask(&p, PATH, ASK("short", ""));
        assert_int_equal(a.status, 200);
        tst_forget(&a);
        expect_error(tst_ask(&p, PATH, ASK("short", "")), 429, limits[i].code);
        tst_pollux_stop(&p);
    }
}

static void a_service_tier_is_told_back(void **state)
{
    (void)state;
    tst_answer a = create(ASK("short", ",\"service_tier\":\"flex\""));

    tst_contains(&a, "\"service_tier\":\"flex\"");
    tst_forget(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_interaction_has_the_recorded_shape),
        cmocka_unit_test(every_version_has_interactions),
        cmocka_unit_test(input_is_text_or_content_or_a_list_of_content_or_of_steps),
        cmocka_unit_test(input_that_is_none_is_refused),
        cmocka_unit_test(the_token_limit_makes_it_incomplete),
        cmocka_unit_test(a_response_format_is_obeyed),
        cmocka_unit_test(a_stream_has_every_event_in_its_recorded_form),
        cmocka_unit_test(what_was_streamed_is_there_whole_afterwards),
        cmocka_unit_test(a_script_of_bytes_and_a_lost_end_work_here_too),
        cmocka_unit_test(input_is_told_when_asked_for),
        cmocka_unit_test(what_is_deleted_is_not_found),
        cmocka_unit_test(another_key_does_not_see_it),
        cmocka_unit_test(a_reset_forgets_all),
        cmocka_unit_test(a_file_and_a_cache_must_be_there),
        cmocka_unit_test(what_is_not_stored_has_no_id),
        cmocka_unit_test(what_is_not_stored_cannot_be_chained_or_run_behind),
        cmocka_unit_test(an_interaction_expires_after_a_day),
        cmocka_unit_test(the_oldest_make_room_for_the_newest),
        cmocka_unit_test(a_chain_counts_what_was_said_before),
        cmocka_unit_test(a_chain_needs_an_end_to_hang_on),
        cmocka_unit_test(a_background_run_completes_by_the_clock_alone),
        cmocka_unit_test(even_an_instant_background_run_is_first_in_progress),
        cmocka_unit_test(a_cancelled_run_keeps_what_was_said),
        cmocka_unit_test(only_what_runs_behind_can_be_cancelled),
        cmocka_unit_test(a_listener_of_a_running_one_sees_it_cancelled),
        cmocka_unit_test(a_stream_outlives_the_deletion_of_its_interaction),
        cmocka_unit_test(a_stream_is_taken_up_again_after_any_event),
        cmocka_unit_test(a_running_one_is_taken_up_again_and_followed_to_its_end),
        cmocka_unit_test(a_function_is_called_and_its_result_is_answered),
        cmocka_unit_test(arguments_stream_in_pieces_that_join_to_json),
        cmocka_unit_test(without_a_store_all_steps_are_sent_back),
        cmocka_unit_test(a_long_history_may_hold_any_number_of_calls),
        cmocka_unit_test(results_must_fit_the_calls),
        cmocka_unit_test(a_choice_of_tools_is_obeyed),
        cmocka_unit_test(code_that_was_run_has_steps_of_its_own),
        cmocka_unit_test(a_picture_is_content_too),
        cmocka_unit_test(what_the_filter_refuses_is_no_event_but_a_bare_line),
        cmocka_unit_test(a_refused_background_run_has_failed),
        cmocka_unit_test(an_answer_that_is_stopped_ends_with_an_error_event),
        cmocka_unit_test(a_long_answer_is_continued_by_its_token),
        cmocka_unit_test(an_unstored_long_answer_takes_its_input_again),
        cmocka_unit_test(a_research_agent_reports_from_the_background),
        cmocka_unit_test(research_takes_its_time_at_a_real_pace),
        cmocka_unit_test(agents_have_rules_of_their_own),
        cmocka_unit_test(parameters_that_are_not_there_are_unknown),
        cmocka_unit_test(v1_has_no_temperature),
        cmocka_unit_test(values_that_do_not_fit_are_invalid),
        cmocka_unit_test(the_gateway_speaks_of_keys_in_its_own_form),
        cmocka_unit_test(a_quota_that_is_used_up_has_a_code_by_its_length),
        cmocka_unit_test(a_service_tier_is_told_back),
    };

    return cmocka_run_group_tests_name("interactions", tests, start, stop);
}
