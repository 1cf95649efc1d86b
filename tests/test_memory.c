/* test_memory.c -- every allocation fails in turn: nothing leaks, nothing is invented, and the caller is told.
 * SPDX-License-Identifier: MIT
 *
 * A scenario is played once for each allocation that it makes; that one fails, or that one and all that follow. Each
 * must then end with NO_MEMORY, or, where the library can do without, as if nothing had happened. What was delivered
 * before is a prefix of what a whole run delivers, and no byte is still taken at the end.
 */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>

#include "client.h"
#include "json.h"
#include "steps.h"

/* ---- scenarios ---- */

typedef struct played {
    cst_buf        events; /* a line each, and the end */
    castor_status  status;
    castor_verdict verdict;
} played;

typedef void scenario(const castor_allocator *allocator, const void *what, played *out);

static void note(played *out, const castor_event *event)
{
    static const castor_usage unknown = { .total_tokens = { 0, 0 } };

    tst_print_event(&out->events, event, &unknown);
    cst_buf_append_text(&out->events, "\n");
}

static void note_end(played *out, const castor_error *error, castor_verdict verdict)
{
    out->status = error->status;
    out->verdict = verdict;
    cst_buf_append_format(&out->events, "%s %s %s\n", castor_verdict_name(verdict), error->code, error->detail);
}

static void play(scenario *scene, const void *what, tst_memory *memory, played *out)
{
    castor_allocator allocator = tst_allocator(memory);

    *out = (played){ .status = CASTOR_OK };
    cst_buf_init(&out->events, cst_allocator_default(), SIZE_MAX / 2);
    cst_buf_append_text(&out->events, "");
    scene(&allocator, what, out);
    assert_int_equal(memory->live_bytes, 0);
    assert_int_equal(memory->live_blocks, 0);
    assert_false(memory->has_lied);
}

/* The events but for the last line, which is the end. */
static castor_str body_of(const played *one)
{
    castor_str text = cst_buf_view(&one->events);

    if (text.len > 0) text.len--;
    while (text.len > 0 && text.data[text.len - 1] != '\n') text.len--;
    return text;
}

static bool is_prefix(castor_str part, castor_str whole)
{
    return part.len <= whole.len && memcmp(part.data, whole.data, part.len) == 0;
}

static void check_failing(scenario *scene, const void *what, bool stays_empty)
{
    tst_memory none = { 0 };
    played     whole;
    long       nth = 0;

    play(scene, what, &none, &whole);
    assert_int_not_equal(whole.status, CASTOR_NO_MEMORY);
    for (bool did_fail = true; did_fail;) {
        tst_memory memory = { .fail_at = ++nth, .stays_empty = stays_empty };
        played     got;
        play(scene, what, &memory, &got);
        did_fail = memory.did_fail;
        bool is_same = cst_str_equal(cst_buf_view(&got.events), cst_buf_view(&whole.events));
        bool is_told = got.status == CASTOR_NO_MEMORY && got.verdict != CASTOR_VERDICT_COMPLETE &&
                       is_prefix(body_of(&got), cst_buf_view(&whole.events));
        if (!is_same && !(did_fail && is_told)) {
            (void)fprintf(stderr, "allocation %ld of about %ld failed%s: %s, %s\n", nth, none.asked,
                          stays_empty ? ", and all that followed" : "",
                          castor_status_name(got.status), castor_verdict_name(got.verdict));
            tst_show_difference(cst_buf_view(&whole.events), cst_buf_view(&got.events));
            fail();
        }
        cst_buf_free(&got.events);
    }
    assert_int_equal(nth, none.asked + 1);
    cst_buf_free(&whole.events);
}

static void check_scenario(scenario *scene, const void *what)
{
    check_failing(scene, what, false);
    check_failing(scene, what, true);
}

/* ---- a decoder ---- */

static bool feed_all(castor_decoder *decoder, const tst_body *body, played *out, castor_error *error)
{
    castor_event event;

    for (size_t at = 0; at < body->bytes.len;) {
        size_t len = body->bytes.len - at < 777 ? body->bytes.len - at : 777;
        if (castor_decoder_feed(decoder, body->bytes.data + at, len, error) != CASTOR_OK) {
            note_end(out, error, CASTOR_VERDICT_FAILED);
            return false;
        }
        at += len;
        while (castor_decoder_next(decoder, &event, error) == CASTOR_STEP_EVENT) note(out, &event);
    }
    return true;
}

static void decode(const castor_allocator *allocator, const void *what, played *out)
{
    const tst_body        *body = what;
    castor_decoder_options options = CASTOR_DECODER_OPTIONS_INIT;
    castor_decoder        *decoder = NULL;
    castor_error           error = { .status = CASTOR_OK };
    castor_event           event;

    options.dialect = body->dialect;
    options.content_type = body->content_type;
    options.http_status = body->http_status;
    options.allocator = allocator;
    if (castor_decoder_new(&decoder, &options, &error) != CASTOR_OK) {
        assert_null(decoder);
        note_end(out, &error, CASTOR_VERDICT_FAILED);
        return;
    }
    if (feed_all(decoder, body, out, &error)) {
        castor_decoder_end(decoder, CASTOR_END_CLEAN);
        while (castor_decoder_next(decoder, &event, &error) == CASTOR_STEP_EVENT) note(out, &event);
        note_end(out, &error, castor_decoder_verdict(decoder));
    }
    castor_decoder_free(decoder);
}

/* A long answer with something of everything. To be freed. */
static castor_str long_gemini_stream(void)
{
    cst_buf    body;
    castor_str picture = tst_repeat("QUJD", 40000);

    cst_buf_init(&body, cst_allocator_default(), SIZE_MAX / 2);
    cst_buf_append_text(&body, "id: 1\nretry: 1\n");
    for (int i = 0; i < 60; i++) {
        cst_buf_append_format(&body, "event: e%d\nid: %d\n"
                                     "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"Dam %d. \\ud83e\"}]},"
                                     "\"index\":%d}],\n"
                                     "data: \"responseId\":\"r%d\",\"modelVersion\":\"m\","
                                     "\"usageMetadata\":{\"totalTokenCount\":%d}}\n\n",
                              i, i, i, i % 3, i, i);
    }
    cst_buf_append_text(&body, "data: {\"candidates\":[{\"content\":{\"parts\":[");
    for (int i = 0; i < 40; i++) {
        cst_buf_append_format(&body, "{\"functionCall\":{\"name\":\"f%d\",\"args\":{\"i\":%d}}},", i, i);
    }
    cst_buf_append_format(&body, "{\"inlineData\":{\"mimeType\":\"image/png\",\"data\":\"%s\"}}]},"
                                 "\"finishReason\":\"STOP\"},", picture.data);
    cst_buf_append_text(&body,
                        "{\"finishReason\":\"STOP\",\"finishMessage\":\"Enough.\"},{\"finishReason\":\"STOP\"}]}\n\n");
    free((void *)(uintptr_t)picture.data);
    return cst_buf_view(&body);
}

static castor_str long_openai_stream(void)
{
    cst_buf body;

    cst_buf_init(&body, cst_allocator_default(), SIZE_MAX / 2);
    for (int i = 0; i < 30; i++) {
        cst_buf_append_format(&body, "data: {\"id\":\"c1\",\"choices\":[{\"delta\":{\"content\":\"dam %d\","
                                     "\"tool_calls\":[{\"index\":%d,\"id\":\"call_%d\",\"function\":{"
                                     "\"name\":\"f%d\",\"arguments\":\"{\\\"i\\\":\"}}]},\"index\":0}]}\n\n",
                              i, i % 9, i % 9, i % 9);
    }
    cst_buf_append_text(&body,
                        "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"tool_calls\",\"index\":0}],"
                        "\"usage\":{\"total_tokens\":5}}\n\ndata: [DONE]\n\n");
    return cst_buf_view(&body);
}

static void check_decoding(castor_str bytes, castor_dialect dialect, const char *content_type, int32_t http_status)
{
    tst_body body = { .bytes = bytes, .dialect = dialect, .content_type = content_type, .http_status = http_status };

    check_scenario(decode, &body);
}

static void every_allocation_fails_while_a_long_stream_is_decoded(void **state)
{
    (void)state;
    castor_str bytes = long_gemini_stream();

    check_decoding(bytes, CASTOR_DIALECT_GEMINI, "text/event-stream", 200);
    check_decoding(bytes, CASTOR_DIALECT_DEFAULT, NULL, 0);
    free((void *)(uintptr_t)bytes.data);
}

static void every_allocation_fails_while_tool_calls_are_joined(void **state)
{
    (void)state;
    castor_str bytes = long_openai_stream(), cut_off = { bytes.data, bytes.len - 160 };

    check_decoding(bytes, CASTOR_DIALECT_OPENAI, "text/event-stream", 200);
    check_decoding(bytes, CASTOR_DIALECT_DEFAULT, "text/event-stream", 200);
    check_decoding(cut_off, CASTOR_DIALECT_OPENAI, "text/event-stream", 200);
    free((void *)(uintptr_t)bytes.data);
}

static void every_allocation_fails_while_small_bodies_are_decoded(void **state)
{
    (void)state;
    check_decoding(CASTOR_STR("[{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"a\"}]}}]}\n,\n"
                              "{\"candidates\":[{\"finishReason\":\"STOP\"}]}]"),
                   CASTOR_DIALECT_GEMINI, "application/json", 200);
    check_decoding(CASTOR_STR("{\"promptFeedback\":{\"blockReason\":\"SAFETY\",\"blockReasonMessage\":\"No.\"}}"),
                   CASTOR_DIALECT_GEMINI, NULL, 200);
    check_decoding(CASTOR_STR("{\"candidates\":[{\"content\":\"a\"}],\"done\":false}\n"
                              "{\"candidates\":[{\"content\":\"b\"}],\"done\":true}\n"),
                   CASTOR_DIALECT_MESSAGE, "application/json", 200);
    check_decoding(CASTOR_STR("{\"candidates\":[{\"output\":\"a\"}],\"filters\":[{\"reason\":\"OTHER\"}]}"),
                   CASTOR_DIALECT_DEFAULT, NULL, 200);
    check_decoding(CASTOR_STR("data: 12\n\n{\"error\":{\"code\":499,\"message\":\"x\"}}\n"), CASTOR_DIALECT_GEMINI,
                   NULL, 200);
    check_decoding(CASTOR_STR("<html><title>Sign in</title></html>"), CASTOR_DIALECT_GEMINI, "text/html", 200);
    check_decoding(CASTOR_STR(""), CASTOR_DIALECT_GEMINI, NULL, 200);
}

/* Without memory to read the body, its verdict must not be a guess that sounds sure. */
static void every_allocation_fails_while_an_error_body_is_read(void **state)
{
    (void)state;
    check_decoding(CASTOR_STR("{\"error\":{\"code\":429,\"message\":\"Quota.\",\"status\":\"RESOURCE_EXHAUSTED\","
                              "\"details\":[{\"@type\":\"x/google.rpc.QuotaFailure\","
                              "\"violations\":[{\"quotaId\":\"GenerateRequestsPerDay\"}]}]}}"),
                   CASTOR_DIALECT_GEMINI, "application/json", 429);
    check_decoding(CASTOR_STR("<html><title>502 Bad Gateway</title></html>"), CASTOR_DIALECT_GEMINI, "text/html", 502);
}

/* "NO_MEMORY: nothing was taken": the same bytes may be fed again, and the answer is whole. */
static void a_feed_that_found_no_memory_can_be_repeated(void **state)
{
    (void)state;
    castor_str bytes = long_gemini_stream();
    tst_body   body = { .bytes = bytes, .dialect = CASTOR_DIALECT_GEMINI, .content_type = "text/event-stream" };
    tst_memory none = { 0 };
    played     whole;
    size_t     repeated = 0;

    play(decode, &body, &none, &whole);
    for (long nth = 2; nth < none.asked + 1; nth++) {
        tst_memory             memory = { .fail_at = nth };
        castor_allocator       allocator = tst_allocator(&memory);
        castor_decoder_options options = CASTOR_DECODER_OPTIONS_INIT;
        castor_decoder        *decoder = NULL;
        castor_error           error;
        castor_event           event;
        castor_step            step = CASTOR_STEP_WAIT;
        played                 got = { .status = CASTOR_OK };
        bool                   was_repeated = false;
        cst_buf_init(&got.events, cst_allocator_default(), SIZE_MAX / 2);
        options.dialect = body.dialect;
        options.content_type = body.content_type;
        options.allocator = &allocator;
        if (castor_decoder_new(&decoder, &options, &error) != CASTOR_OK) continue;
        for (size_t at = 0; at < bytes.len && step == CASTOR_STEP_WAIT;) {
            size_t len = bytes.len - at < 777 ? bytes.len - at : 777;
            if (castor_decoder_feed(decoder, bytes.data + at, len, &error) != CASTOR_OK) {
                assert_int_equal(error.status, CASTOR_NO_MEMORY);
                was_repeated = true;
                continue;
            }
            at += len;
            while ((step = castor_decoder_next(decoder, &event, &error)) == CASTOR_STEP_EVENT) note(&got, &event);
        }
        castor_decoder_end(decoder, CASTOR_END_CLEAN);
        while ((step = castor_decoder_next(decoder, &event, &error)) == CASTOR_STEP_EVENT) note(&got, &event);
        if (was_repeated) {
            note_end(&got, &error, castor_decoder_verdict(decoder));
            assert_int_equal(step, CASTOR_STEP_DONE);
            assert_string_equal(got.events.data, whole.events.data);
            repeated++;
        }
        castor_decoder_free(decoder);
        cst_buf_free(&got.events);
        assert_int_equal(memory.live_bytes, 0);
    }
    assert_true(repeated > 3);
    cst_buf_free(&whole.events);
    free((void *)(uintptr_t)bytes.data);
}

/* ---- clients ---- */

static castor_client_options options_with(const castor_allocator *allocator)
{
    castor_client_options options = CASTOR_CLIENT_OPTIONS_INIT;

    options.allocator = allocator;
    options.api_key = "test-key";
    options.base_url = "https://proxy.example/gemini/";
    options.user_agent = "test/1";
    options.proxy = "";
    options.ca_file = "/nonexistent.pem";
    options.ignore_environment = 1;
    return options;
}

static castor_request question(void)
{
    static const castor_turn turn = { .role = CASTOR_USER, .text = { "Why do beavers build dams?", 26 } };
    castor_request           request = CASTOR_REQUEST_INIT;

    request.model = "gemini-3.8-flash";
    request.turns = &turn;
    request.turn_count = 1;
    request.temperature = castor_some_f64(0.5);
    request.extra_json = CASTOR_STR("{\"generationConfig\":{\"topK\":1},\"cachedContent\":\"x\"}");
    request.tools_json = CASTOR_STR("[{\"googleSearch\":{}}]");
    request.response_schema = CASTOR_STR("{\"type\":\"object\"}");
    request.total_timeout_ms = 90000;
    return request;
}

static void set_up_and_tear_down(const castor_allocator *allocator, const void *what, played *out)
{
    castor_client_options options = options_with(allocator);
    castor_client        *client = NULL;
    castor_error          error = { .status = CASTOR_OK };

    (void)what;
    castor_status status = castor_client_new(&client, &options, &error);
    assert_int_equal(status, error.status);
    assert_int_equal(status == CASTOR_OK, client != NULL);
    note_end(out, &error, status == CASTOR_OK ? CASTOR_VERDICT_COMPLETE : CASTOR_VERDICT_FAILED);
    castor_client_free(client);
}

static void every_allocation_fails_while_a_client_is_made(void **state)
{
    (void)state;
    check_scenario(set_up_and_tear_down, NULL);
}

static castor_client *client_on(const cst_memory_step *script, const castor_allocator *allocator, castor_error *error)
{
    castor_client_options options = options_with(allocator);
    cst_transport        *transport = NULL;
    castor_client        *client = NULL;

    if (cst_transport_memory_new(&transport, script, allocator, error) != CASTOR_OK) return NULL;
    (void)cst_client_new_on(&client, &options, transport, error);
    return client;
}

static void preview(const castor_allocator *allocator, const void *what, played *out)
{
    castor_error   error = { .status = CASTOR_OK };
    castor_client *client = client_on(what, allocator, &error);
    castor_request request = question();
    castor_str     text = CST_NONE;

    if (client) (void)castor_client_preview(client, &request, &text, &error);
    if (text.data) cst_buf_append_str(&out->events, text);
    note_end(out, &error, error.status == CASTOR_OK ? CASTOR_VERDICT_COMPLETE : CASTOR_VERDICT_FAILED);
    castor_client_free(client);
}

static void stream(const castor_allocator *allocator, const void *what, played *out)
{
    castor_error   error = { .status = CASTOR_OK };
    castor_client *client = client_on(what, allocator, &error);
    castor_request request = question();
    castor_stream *answer = NULL;
    castor_event   event;

    if (client && castor_stream_open(&answer, client, &request, &error) == CASTOR_OK) {
        while (castor_stream_next(answer, &event, &error) == CASTOR_STEP_EVENT) note(out, &event);
        note_end(out, &error, castor_stream_verdict(answer));
    } else {
        assert_null(answer);
        note_end(out, &error, CASTOR_VERDICT_FAILED);
    }
    castor_stream_close(answer);
    castor_client_free(client);
}

static void stream_left_open(const castor_allocator *allocator, const void *what, played *out)
{
    castor_error   error = { .status = CASTOR_OK };
    castor_client *client = client_on(what, allocator, &error);
    castor_request request = question();
    castor_stream *answer = NULL;
    castor_event   event;

    if (client && castor_stream_open(&answer, client, &request, &error) == CASTOR_OK) {
        if (castor_stream_next(answer, &event, &error) == CASTOR_STEP_EVENT) note(out, &event);
    }
    note_end(out, &error, error.status == CASTOR_OK ? CASTOR_VERDICT_COMPLETE : CASTOR_VERDICT_FAILED);
    castor_client_free(client); /* the stream is under way */
    castor_stream_close(answer);
}

static void generate(const castor_allocator *allocator, const void *what, played *out)
{
    castor_error   error = { .status = CASTOR_OK };
    castor_client *client = client_on(what, allocator, &error);
    castor_request request = question();
    castor_answer *answer = NULL;
    castor_status  status = client ? castor_generate(&answer, client, &request, &error) : CASTOR_NO_MEMORY;

    for (size_t i = 0; answer && i < castor_answer_event_count(answer); i++) note(out, castor_answer_event(answer, i));
    if (status == CASTOR_OK) error.status = CASTOR_OK;
    note_end(out, &error, answer ? castor_stream_verdict(castor_answer_stream(answer)) : CASTOR_VERDICT_FAILED);
    castor_answer_free(answer);
    castor_client_free(client);
}

#define FIRST "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"Dams \"}]}}]," \
              "\"responseId\":\"r1\",\"modelVersion\":\"m1\"}\r\n\r\n"
#define LAST "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"hold.\"}," \
             "{\"functionCall\":{\"name\":\"f\"}}]}," \
             "\"finishReason\":\"STOP\"}]}\r\n\r\n"

#define REFUSED "{\"error\":{\"code\":403,\"message\":\"No.\",\"status\":\"PERMISSION_DENIED\"}}"

static const cst_memory_step good[] = {
    PHASE(CST_PHASE_CONNECT),
    WAIT(20),
    PHASE(CST_PHASE_FIRST_BYTE),
    HEAD(200, "text/event-stream"),
    BYTES(FIRST),
    WAIT(100),
    BYTES(LAST),
    END,
};

static const cst_memory_step lost[] = {
    HEAD(200, "text/event-stream"),
    BYTES(FIRST),
    LOSE("reset by peer"),
};

static const cst_memory_step refused[] = {
    HEAD(403, "application/json"),
    BYTES(REFUSED),
    END,
};

static void every_allocation_fails_while_a_request_is_previewed(void **state)
{
    (void)state;
    check_scenario(preview, good);
}

static void every_allocation_fails_while_a_stream_is_read(void **state)
{
    (void)state;
    check_scenario(stream, good);
    check_scenario(stream, lost);
    check_scenario(stream, refused);
}

static void every_allocation_fails_while_a_stream_is_left_open(void **state)
{
    (void)state;
    check_scenario(stream_left_open, good);
}

static void every_allocation_fails_while_an_answer_is_taken_whole(void **state)
{
    (void)state;
    check_scenario(generate, good);
    check_scenario(generate, lost);
    check_scenario(generate, refused);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_allocation_fails_while_a_long_stream_is_decoded),
        cmocka_unit_test(every_allocation_fails_while_tool_calls_are_joined),
        cmocka_unit_test(every_allocation_fails_while_small_bodies_are_decoded),
        cmocka_unit_test(every_allocation_fails_while_an_error_body_is_read),
        cmocka_unit_test(a_feed_that_found_no_memory_can_be_repeated),
        cmocka_unit_test(every_allocation_fails_while_a_client_is_made),
        cmocka_unit_test(every_allocation_fails_while_a_request_is_previewed),
        cmocka_unit_test(every_allocation_fails_while_a_stream_is_read),
        cmocka_unit_test(every_allocation_fails_while_a_stream_is_left_open),
        cmocka_unit_test(every_allocation_fails_while_an_answer_is_taken_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
