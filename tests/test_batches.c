/* test_batches.c -- batch jobs: from the request or a file to results, state by state, on a clock that the tests move.
 * SPDX-License-Identifier: MIT
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "answers.h"

#define CREATE "/v1beta/models/gemini-3.8-flash:batchGenerateContent"
#define BATCHES "/v1beta/batches"
#define ROW(text) \
    "{\"request\":{\"contents\":[{\"parts\":[{\"text\":\"" text "\"}]}]},\"metadata\":{\"key\":\"" text "\"}}"
#define LINE(text) "{\"key\":\"" text "\",\"request\":{\"contents\":[{\"parts\":[{\"text\":\"" text "\"}]}]}}\n"
#define INLINE(name, rows) \
    "{\"batch\":{\"displayName\":\"" name "\",\"inputConfig\":{\"requests\":{\"requests\":[" rows "]}}}}"
#define HOUR_MS "3600000"

/* One whose batches take an hour of its own clock. */
static tst_pollux shared;

static int start(void **state)
{
    (void)state;
    shared = TST_POLLUX("--instant", "-q", "--batch-time", HOUR_MS);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    tst_pollux_stop(&shared);
    return 0;
}

/* Makes one; the path of the resource goes to `path`. */
static void make(const tst_pollux *p, const char *body, char path[128])
{
    tst_answer a = tst_ask(p, CREATE, body);
    char       name[96];

    tst_check_status(&a, 200);
    tst_text_at(&a, "name", name, sizeof name);
    snprintf(path, 128, "/v1beta/%s", name);
    tst_forget(&a);
}

static void check_state(const tst_pollux *p, const char *path, const char *state)
{
    tst_answer a = tst_get(p, path);

    tst_check_at(&a, "metadata.state", state);
    tst_forget(&a);
}

static tst_answer post(const tst_pollux *p, const char *path, const char *verb, const char *body)
{
    char full[200];

    snprintf(full, sizeof full, "%s:%s", path, verb);
    return tst_ask(p, full, body);
}

/* Uploads JSON Lines in one request; the name goes to `name`. */
static void upload(const tst_pollux *p, const char *mime_type, const char *lines, char name[64])
{
    tst_link   l = tst_connect(p);
    char       head[512];
    tst_answer a;

    snprintf(head, sizeof head, "POST /upload/v1beta/files HTTP/1.1\r\nHost: localhost\r\n" KEY
             "X-Goog-Upload-Protocol: raw\r\nContent-Type: %s\r\nContent-Length: %zu\r\n\r\n", mime_type,
             strlen(lines));
    tst_send_text(&l, head);
    tst_send_text(&l, lines);
    a = tst_read_answer(&l);
    tst_check_status(&a, 200);
    tst_text_at(&a, "file.name", name, 64);
    tst_forget(&a);
    tst_hang_up(&l);
}

static void make_from_file(const tst_pollux *p, const char *mime_type, const char *lines, char path[128])
{
    char name[64], body[256];

    upload(p, mime_type, lines, name);
    snprintf(body, sizeof body, "{\"batch\":{\"display_name\":\"job\",\"input_config\":{\"file_name\":\"%s\"}}}", name);
    make(p, body, path);
}

/* ---- from the request ---- */

static void a_batch_goes_from_pending_to_running_to_its_results(void **state)
{
    tst_answer a = tst_ask(&shared, CREATE, INLINE("job1", ROW("a") ",\n" ROW("b")));
    char       path[128], name[96];

    (void)state;
    tst_same_body(&a, "{\n  \"name\": \"$\",\n  \"metadata\": {\n    \"@type\": "
                      "\"type.googleapis.com/google.ai.generativelanguage.v1main.GenerateContentBatch\",\n"
                      "    \"model\": \"models/gemini-3.8-flash\",\n    \"displayName\": \"job1\",\n"
                      "    \"createTime\": \"$\",\n    \"updateTime\": \"$\",\n    \"batchStats\": {\n"
                      "      \"requestCount\": \"2\",\n      \"pendingRequestCount\": \"2\"\n    },\n"
                      "    \"state\": \"BATCH_STATE_PENDING\",\n    \"name\": \"$\"\n  }\n}\n");
    tst_text_at(&a, "name", name, sizeof name);
    tst_check_at(&a, "metadata.name", name);
    assert_int_equal(strncmp(name, "batches/", 8), 0);
    tst_forget(&a);
    snprintf(path, sizeof path, "/v1beta/%s", name);
    tst_advance(&shared, "899");
    check_state(&shared, path, "BATCH_STATE_PENDING");
    tst_advance(&shared, "1");
    check_state(&shared, path, "BATCH_STATE_RUNNING");
    tst_advance(&shared, "2690");
    check_state(&shared, path, "BATCH_STATE_RUNNING");
    tst_advance(&shared, "10");

    a = tst_get(&shared, path);
    tst_check_at(&a, "metadata.state", "BATCH_STATE_SUCCEEDED");
    tst_check_at(&a, "metadata.batchStats.requestCount", "2");
    tst_check_at(&a, "metadata.batchStats.successfulRequestCount", "2");
    tst_check_at(&a, "metadata.batchStats.failedRequestCount", "");
    tst_check_at(&a, "metadata.batchStats.pendingRequestCount", "");
    tst_check_at(&a, "metadata.output.inlinedResponses.inlinedResponses.0.metadata.key", "a");
    tst_check_at(&a, "metadata.output.inlinedResponses.inlinedResponses.1.metadata.key", "b");
    tst_check_at(&a, "metadata.output.inlinedResponses.inlinedResponses.1.response.candidates.0.finishReason", "STOP");
    tst_check_at(&a, "response.@type",
                 "type.googleapis.com/google.ai.generativelanguage.v1main.GenerateContentBatchOutput");
    tst_check_at(&a, "response.inlinedResponses.inlinedResponses.1.metadata.key", "b");
    tst_contains(&a, "\"done\": true");
    tst_contains(&a, "\"endTime\": ");
    tst_answer again = tst_get(&shared, path);
    assert_string_equal(again.body, a.body); /* what came of it stays as it is */
    tst_forget(&again);
    tst_forget(&a);
}

static void of_two_spellings_the_first_counts(void **state)
{
    tst_pollux p = TST_POLLUX("--instant", "-q", "--batch-time", "0");
    char       path[128];

    (void)state;
    make(&p, "{\"batch\":{\"input_config\":{\"requests\":{\"requests\":[" ROW("a") "," ROW("b") "]}},"
             "\"inputConfig\":{\"requests\":{\"requests\":[]}}}}", path);
    tst_answer a = tst_get(&p, path);
    tst_check_at(&a, "metadata.batchStats.requestCount", "2");
    tst_check_at(&a, "metadata.batchStats.successfulRequestCount", "2");
    tst_forget(&a);
    tst_pollux_stop(&p);
}

static void a_bad_row_fails_alone(void **state)
{
    char path[128];

    (void)state;
    make(&shared,
         INLINE("", ROW("a") ",{\"request\":{\"contents\":[]},\"metadata\": { \"key\" :\r\n\"b \\\" ad\" }},"
                             "{\"metadata\":{\"key\":\"none\"}},"
                             "{\"request\":{\"contents\":{\"parts\":{\"fileData\":{\"fileUri\":\"files/none\"}}}}},"
                             "{\"request\":{\"contents\":{\"parts\":{\"text\":\"Hi\"}},\"generationConfig\":{"
                             "\"responseMimeType\":\"application/json\",\"responseJsonSchema\":{\"type\":\"string\","
                             "\"pattern\":\"a{1001}\"}}}}"),
         path);
    tst_advance(&shared, "3600");
    tst_answer a = tst_get(&shared, path);
    tst_check_at(&a, "metadata.state", "BATCH_STATE_SUCCEEDED");
    tst_check_at(&a, "metadata.batchStats.requestCount", "5");
    tst_check_at(&a, "metadata.batchStats.successfulRequestCount", "1");
    tst_check_at(&a, "metadata.batchStats.failedRequestCount", "4");
    tst_check_at(&a, "response.inlinedResponses.inlinedResponses.0.response.candidates.0.finishReason", "STOP");
    tst_check_at(&a, "response.inlinedResponses.inlinedResponses.1.error.code", "3");
    tst_check_at(&a, "response.inlinedResponses.inlinedResponses.1.metadata.key", "b \" ad");
    tst_contains(&a, "\n          \"metadata\": {\n            \"key\": \"b \\\" ad\"\n          }\n");
    tst_contains(&a, "contents is not specified");
    tst_check_at(&a, "response.inlinedResponses.inlinedResponses.2.error.code", "3");
    tst_check_at(&a, "response.inlinedResponses.inlinedResponses.3.error.code", "7");
    tst_check_at(&a, "response.inlinedResponses.inlinedResponses.4.error.code", "3");
    tst_forget(&a);
}

static void what_is_no_batch_is_refused(void **state)
{
    static const struct {
        const char *body;
        int         code;
        const char *status;
        const char *words;
    } wrong[] = {
        { "{}", INVALID, "input_config is not specified" },
        { "{\"batch\":{\"inputConfig\":{\"requests\":{\"requests\":[]}}}}", INVALID, "requests" },
        { "{\"batch\":{\"inputConfig\":{\"fileName\":\"files/none\"}}}", DENIED, "File none" },
        { "{\"batch\":{\"inputConfig\":{\"fileName\":\"none\"}}}", INVALID, "file_name" },
        { "{\"batch\":{\"inputConfig\":{\"fileName\":\"files/x\",\"requests\":{\"requests\":[]}}}}", INVALID,
          "already set" },
        { "{\"batch\":{\"input\":{}}}", INVALID, "Unknown name \\\"input\\\" at 'batch'" },
        { "{\"batch\":{\"inputConfig\":{\"requests\":{\"requests\":[{\"foo\":1}]}}}}", INVALID,
          "Unknown name \\\"foo\\\" at 'batch.input_config.requests.requests[0]'" },
        { INLINE("", ROW("a") ",{\"request\":{\"foo\":1}}"), INVALID,
          "Unknown name \\\"foo\\\" at 'batch.input_config.requests.requests[1].request'" },
        { INLINE("", "{\"request\":5}"), INVALID, "at 'batch.input_config.requests.requests[0].request'" },
        { INLINE("", "{\"metadata\":5}"), INVALID, "'batch.input_config.requests.requests[0].metadata'" },
        { "{\"batch\":{\"displayName\":5}}", INVALID, "Invalid value at 'batch.display_name' (TYPE_STRING), 5" },
        { "{\"batch\":{\"priority\":\"soon\"}}", INVALID,
          "Invalid value at 'batch.priority' (TYPE_INT64), \\\"soon\\\"" },
        { "{\"batch\":{\"inputConfig\":{\"fileName\":5}}}", INVALID,
          "Invalid value at 'batch.input_config.file_name' (TYPE_STRING), 5" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        tst_check_error(tst_ask(&shared, CREATE, wrong[i].body), wrong[i].code, wrong[i].status, wrong[i].words);
    }
    tst_check_error(tst_ask(&shared, "/v1beta/models/gemini-embedding-001:batchGenerateContent", INLINE("", ROW("a"))),
                    MISSING, "not supported for batchGenerateContent");
}

static void a_request_of_more_than_20_mb_wants_a_file(void **state)
{
    enum { SIZE = 20 << 20 };
    static const char before[] = "{\"batch\":{\"inputConfig\":{\"requests\":{\"requests\":[{\"request\":{\"contents\":"
                                 "[{\"parts\":[{\"text\":\"";
    char *body = malloc(SIZE + 200);

    (void)state;
    assert_non_null(body);
    memcpy(body, before, sizeof before - 1);
    memset(body + sizeof before - 1, 'x', SIZE);
    strcpy(body + sizeof before - 1 + SIZE, "\"}]}]}}]}}}}");
    tst_check_error(tst_ask(&shared, CREATE, body), INVALID, "Upload the requests as a file");
    free(body);
}

/* ---- from a file ---- */

static void a_file_of_rows_becomes_a_file_of_results(void **state)
{
    char       path[128], file[96], url[160];
    tst_answer a;

    (void)state;
    make_from_file(&shared, "application/jsonl", LINE("r1") "\r\n{\"key\":\"r2\",\"request\":{\"contents\":[]}}\n"
                   "{\"key\":\"r3\",\"request\":{\"contents\":[{\"parts\":[{\"text\":\"r3\"}]}]}}", path);
    tst_advance(&shared, "3600");
    a = tst_get(&shared, path);
    tst_check_at(&a, "metadata.state", "BATCH_STATE_SUCCEEDED");
    tst_check_at(&a, "metadata.batchStats.requestCount", "3");
    tst_check_at(&a, "metadata.batchStats.successfulRequestCount", "2");
    tst_check_at(&a, "metadata.batchStats.failedRequestCount", "1");
    tst_text_at(&a, "metadata.output.responsesFile", file, sizeof file);
    tst_check_at(&a, "response.responsesFile", file);
    assert_int_equal(strncmp(file, "files/batch-", 12), 0);
    tst_forget(&a);

    snprintf(url, sizeof url, "/v1beta/%s", file);
    a = tst_get(&shared, url);
    tst_check_at(&a, "source", "GENERATED");
    tst_check_at(&a, "state", "ACTIVE");
    tst_check_at(&a, "mimeType", "application/jsonl");
    tst_contains(&a, ":download?alt=media\"");
    tst_forget(&a);
    snprintf(url, sizeof url, "/v1beta/%s:download?alt=media", file);
    a = tst_get(&shared, url);
    tst_check_status(&a, 200);
    tst_check_header(&a, "content-type", "application/jsonl");
    assert_ptr_equal(strstr(a.body, "{\"key\":\"r1\",\"response\":{\"candidates\":["), a.body);
    tst_contains(&a, "\n{\"key\":\"r2\",\"error\":{\"code\":3,\"message\":\"");
    tst_contains(&a, "\n{\"key\":\"r3\",\"response\":{\"candidates\":[");
    assert_int_equal(a.body[a.len - 1], '\n');
    tst_forget(&a);
    snprintf(url, sizeof url, "/download/v1beta/%s:download?alt=media", file);
    a = tst_get(&shared, url);
    tst_check_status(&a, 200);
    tst_forget(&a);
    tst_check_error(tst_call(&shared, "GET", url, OTHER_KEY, NULL), DENIED, "File batch-");
}

static void a_client_that_counts_on_the_order_of_results_is_found_out(void **state)
{
    char path[128], file[96], url[240];

    (void)state;
    upload(&shared, "application/jsonl", LINE("r1") "\n" LINE("r2") "\n" LINE("r3") "\n", file);
    snprintf(url, sizeof url, "{\"batch\":{\"displayName\":\"pollux: shuffle\",\"inputConfig\":{\"fileName\":\"%s\"}}}",
             file);
    make(&shared, url, path);
    tst_advance(&shared, "3600");
    tst_answer a = tst_get(&shared, path);
    tst_check_at(&a, "metadata.batchStats.successfulRequestCount", "3");
    tst_text_at(&a, "response.responsesFile", file, sizeof file);
    tst_forget(&a);

    snprintf(url, sizeof url, "/v1beta/%s:download?alt=media", file);
    a = tst_get(&shared, url);
    tst_check_status(&a, 200);
    assert_ptr_equal(strstr(a.body, "{\"key\":\"r2\","), a.body);
    const char *second = strstr(a.body, "}\n{\"key\":\"r1\",");
    assert_non_null(second);
    assert_non_null(strstr(second, "}\n{\"key\":\"r3\","));
    assert_int_equal(a.body[a.len - 1], '}'); /* and no end of the last line */
    tst_forget(&a);
}

static void a_file_that_is_no_json_lines_fails_the_batch(void **state)
{
    static const struct {
        const char *mime_type;
        const char *lines;
        const char *why;
    } files[] = {
        { "application/jsonl", LINE("r1") "not JSON\n" LINE("r3"), "Line 2 of the file is not a JSON object." },
        { "application/jsonl", "[1]\n", "Line 1 of the file is not a JSON object." },
        { "image/png", LINE("r1"), "is not JSON Lines" },
    };
    char path[128];

    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        make_from_file(&shared, files[i].mime_type, files[i].lines, path);
        tst_advance(&shared, "3600");
        tst_answer a = tst_get(&shared, path);
        tst_check_at(&a, "metadata.state", "BATCH_STATE_FAILED");
        tst_check_at(&a, "error.code", "3");
        tst_contains(&a, files[i].why);
        tst_contains(&a, "\"done\": true");
        tst_lacks(&a, "\"response\"");
        tst_forget(&a);
    }
}

static void a_batch_reads_its_file_to_the_end_though_that_is_deleted(void **state)
{
    char       name[64], body[256], path[128];
    tst_answer a;

    (void)state;
    upload(&shared, "jsonl", LINE("r1"), name);
    snprintf(body, sizeof body, "{\"batch\":{\"inputConfig\":{\"fileName\":\"%s\"}}}", name);
    make(&shared, body, path);
    snprintf(body, sizeof body, "/v1beta/%s", name);
    a = tst_delete(&shared, body);
    tst_check_status(&a, 200);
    tst_forget(&a);
    tst_advance(&shared, "3600");
    check_state(&shared, path, "BATCH_STATE_SUCCEEDED");
}

/* ---- embeddings ---- */

static void a_batch_of_embeddings_gives_vectors_and_their_tokens(void **state)
{
    static const char create[] = "/v1beta/models/gemini-embedding-001:asyncBatchEmbedContent";
    char              path[128], name[96], file[96], body[256];
    static const char rows[] = INLINE("vectors", "{\"request\":{\"content\":{\"parts\":[{\"text\":\"one two\"}]},"
                                                 "\"outputDimensionality\":128},\"metadata\":{\"key\":\"r1\"}},"
                                                 "{\"request\":{}}");
    tst_answer a = tst_ask(&shared, create, rows);

    (void)state;
    tst_check_status(&a, 200);
    tst_check_at(&a, "metadata.@type", "type.googleapis.com/google.ai.generativelanguage.v1main.EmbedContentBatch");
    tst_text_at(&a, "name", name, sizeof name);
    tst_forget(&a);
    snprintf(path, sizeof path, "/v1beta/%s", name);
    tst_advance(&shared, "3600");
    a = tst_get(&shared, path);
    tst_check_at(&a, "metadata.batchStats.successfulRequestCount", "1");
    tst_check_at(&a, "metadata.batchStats.failedRequestCount", "1");
    tst_check_at(&a, "metadata.output.inlinedEmbedContentResponses.inlinedResponses.0.response.tokenCount", "2");
    tst_check_at(&a, "metadata.output.inlinedEmbedContentResponses.inlinedResponses.0.metadata.key", "r1");
    tst_check_at(&a, "response.inlinedEmbedContentResponses.inlinedResponses.1.error.code", "3");
    tst_contains(&a, "\"values\": [");
    tst_forget(&a);
    snprintf(body, sizeof body, "%s:updateEmbedContentBatch", path);
    a = tst_call(&shared, "PATCH", body, KEY, "{\"displayName\":\"other\"}");
    tst_check_at(&a, "displayName", "other");
    tst_forget(&a);

    upload(&shared, "application/jsonl", "{\"key\":\"k\",\"request\":{\"content\":{\"parts\":[{\"text\":\"x\"}]}}}",
           file);
    snprintf(body, sizeof body, "{\"batch\":{\"inputConfig\":{\"fileName\":\"%s\"}}}", file);
    a = tst_ask(&shared, create, body);
    tst_text_at(&a, "name", name, sizeof name);
    tst_forget(&a);
    snprintf(path, sizeof path, "/v1beta/%s", name);
    tst_advance(&shared, "3600");
    a = tst_get(&shared, path);
    tst_text_at(&a, "response.responsesFile", file, sizeof file);
    tst_forget(&a);
    snprintf(path, sizeof path, "/v1beta/%s:download?alt=media", file);
    a = tst_get(&shared, path);
    tst_contains(&a, "{\"key\":\"k\",\"response\":{\"embedding\":{\"values\":[");
    tst_forget(&a);
    tst_check_error(tst_ask(&shared, "/v1beta/models/gemini-3.8-flash:asyncBatchEmbedContent", rows), MISSING,
                    "not supported for asyncBatchEmbedContent");
    tst_check_error(tst_ask(&shared, create, INLINE("", ROW("a"))), INVALID,
                    "Unknown name \\\"contents\\\" at 'batch.input_config.requests.requests[0].request'");
}

/* ---- other ends ---- */

static void a_batch_can_be_cancelled_until_it_has_ended(void **state)
{
    char path[128], ended[128];

    (void)state;
    make(&shared, INLINE("", ROW("a")), ended);
    tst_advance(&shared, "3600");
    make(&shared, INLINE("", ROW("a")), path);
    tst_answer a = post(&shared, path, "cancel", "{}");
    tst_same_body(&a, "{}\n");
    tst_forget(&a);
    a = post(&shared, ended, "cancel", ""); /* too late, and without a body */
    tst_same_body(&a, "{}\n");
    tst_forget(&a);
    tst_advance(&shared, "3600");
    a = tst_get(&shared, path);
    tst_check_at(&a, "metadata.state", "BATCH_STATE_CANCELLED");
    tst_check_at(&a, "error.code", "1");
    tst_contains(&a, "\"done\": true");
    tst_lacks(&a, "\"response\"");
    tst_forget(&a);
    check_state(&shared, ended, "BATCH_STATE_SUCCEEDED");
}

static void a_batch_that_does_not_end_expires_after_48_hours(void **state)
{
    char path[128];

    (void)state;
    make(&shared, INLINE("pollux: expire", ROW("a")), path);
    tst_advance(&shared, "172799");
    check_state(&shared, path, "BATCH_STATE_RUNNING");
    tst_advance(&shared, "1");
    tst_answer a = tst_get(&shared, path);
    tst_check_at(&a, "metadata.state", "BATCH_STATE_EXPIRED");
    tst_lacks(&a, "\"response\"");
    tst_lacks(&a, "\"output\"");
    tst_forget(&a);
}

static void a_batch_fails_when_its_name_asks_for_it(void **state)
{
    char path[128];

    (void)state;
    make(&shared, INLINE("pollux: fail", ROW("a")), path);
    tst_advance(&shared, "3600");
    check_state(&shared, path, "BATCH_STATE_FAILED");
}

static void a_deleted_batch_is_gone(void **state)
{
    char path[128];

    (void)state;
    make(&shared, INLINE("", ROW("a")), path);
    tst_check_error(tst_call(&shared, "GET", path, OTHER_KEY, NULL), MISSING, "Requested entity was not found.");
    tst_check_error(tst_call(&shared, "DELETE", path, OTHER_KEY, NULL), MISSING, "not found");
    tst_answer a = tst_delete(&shared, path);
    tst_same_body(&a, "{}\n");
    tst_forget(&a);
    tst_check_error(tst_get(&shared, path), MISSING, "not found");
    tst_check_error(post(&shared, path, "cancel", "{}"), MISSING, "not found");
}

static void a_batch_can_be_given_another_name_and_priority(void **state)
{
    char       path[128], full[200];
    tst_answer a;

    (void)state;
    make(&shared, "{\"batch\":{\"priority\":\"7\",\"inputConfig\":{\"requests\":{\"requests\":[" ROW("a") "]}}}}",
         path);
    a = tst_get(&shared, path);
    tst_check_at(&a, "metadata.priority", "7");
    tst_forget(&a);
    snprintf(full, sizeof full, "%s:updateGenerateContentBatch?updateMask=displayName,priority", path);
    a = tst_call(&shared, "PATCH", full, KEY, "{\"displayName\":\"other\",\"priority\":-2}");
    tst_check_at(&a, "displayName", "other");
    tst_check_at(&a, "priority", "-2");
    tst_check_at(&a, "state", "BATCH_STATE_PENDING");
    tst_forget(&a);
    tst_check_error(tst_call(&shared, "PATCH", full, KEY, "{\"state\":\"BATCH_STATE_SUCCEEDED\"}"), INVALID,
                    "Unknown name \\\"state\\\" at 'generate_content_batch'");
    tst_check_error(tst_call(&shared, "PATCH", full, KEY, "{\"displayName\":true}"), INVALID,
                    "Invalid value at 'generate_content_batch.display_name' (TYPE_STRING), true");
}

/* ---- many ---- */

static void batches_are_listed_as_operations_in_pages(void **state)
{
    tst_pollux p = TST_POLLUX("--instant", "-q", "--batch-time", "0");
    char       path[128], url[160], token[64];

    (void)state;
    tst_answer a = tst_get(&p, BATCHES);
    tst_same_body(&a, "{}\n");
    tst_forget(&a);
    for (int i = 0; i < 3; i++) make(&p, INLINE("", ROW("a")), path);
    a = tst_get(&p, BATCHES "?pageSize=2");
    tst_check_at(&a, "operations.0.name", path + strlen("/v1beta/"));
    tst_check_at(&a, "operations.1.metadata.state", "BATCH_STATE_SUCCEEDED"); /* though nobody looked at it */
    tst_check_at(&a, "operations.1.metadata.batchStats.successfulRequestCount", "1");
    tst_text_at(&a, "nextPageToken", token, sizeof token);
    tst_forget(&a);
    snprintf(url, sizeof url, BATCHES "?pageSize=2&pageToken=%s", token);
    a = tst_get(&p, url);
    tst_contains(&a, "\"done\": true");
    tst_lacks(&a, "nextPageToken");
    tst_forget(&a);
    tst_pollux_stop(&p);
}

static void a_key_has_at_most_100_batches_under_way(void **state)
{
    tst_pollux p = TST_POLLUX("--instant", "-q", "--batch-time", HOUR_MS);
    char       path[128];

    (void)state;
    for (int i = 0; i < 100; i++) make(&p, INLINE("", ROW("a")), path);
    tst_check_error(tst_ask(&p, CREATE, INLINE("", ROW("a"))), 429, "RESOURCE_EXHAUSTED", "100");
    tst_answer a = tst_ask_with(&p, CREATE, OTHER_KEY, INLINE("", ROW("a")));
    tst_check_status(&a, 200);
    tst_forget(&a);
    a = post(&p, path, "cancel", "{}");
    tst_forget(&a);
    make(&p, INLINE("", ROW("a")), path);
    tst_pollux_stop(&p);
}

static void a_batch_that_has_expired_unseen_is_under_way_no_more(void **state)
{
    tst_pollux p = TST_POLLUX("--instant", "-q");
    char       path[128];

    (void)state;
    for (int i = 0; i < 100; i++) make(&p, INLINE("pollux: expire", ROW("a")), path);
    tst_check_error(tst_ask(&p, CREATE, INLINE("", ROW("a"))), 429, "RESOURCE_EXHAUSTED", "100");
    tst_advance(&p, "172800");
    make(&p, INLINE("", ROW("a")), path);
    tst_pollux_stop(&p);
}

static bool has_answer(const tst_link *l)
{
    char byte;

    return recv(l->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

enum { MANY = 8000 };

/* `row` so many times, between two texts. */
static char *repeat(const char *before, const char *row, const char *after)
{
    size_t len = strlen(row);
    char  *text = malloc(strlen(before) + MANY * len + strlen(after) + 1);
    char  *at = text;

    assert_non_null(text);
    at += sprintf(at, "%s", before);
    for (size_t i = 0; i < MANY; i++, at += len) memcpy(at, row, len);
    strcpy(at, after);
    return text;
}

/* Gets the batch; while its answer is made, others must be answered too. */
static void check_others_are_answered(const tst_pollux *p, const char *path, const char *last_row)
{
    tst_link   l = tst_connect(p);
    tst_answer a;
    int        answered = 0;

    tst_request(&l, "GET", path, KEY, NULL);
    for (; !has_answer(&l); answered++) {
        a = tst_call(p, "GET", "/pollux/health", "", NULL);
        tst_check_status(&a, 200);
        tst_forget(&a);
    }
    if (answered < 3) fail_msg("only %d others were answered meanwhile", answered);
    a = tst_read_answer(&l);
    tst_check_at(&a, "metadata.batchStats.successfulRequestCount", "8000");
    if (last_row) tst_check_at(&a, last_row, "STOP");
    tst_forget(&a);
    tst_hang_up(&l);
}

static void a_large_batch_does_not_hold_up_others(void **state)
{
    char      *lines = repeat("", LINE("a row like many others"), "");
    char      *body = repeat("{\"batch\":{\"inputConfig\":{\"requests\":{\"requests\":[", ROW("a row") ",", "]}}}}");
    char       path[128];
    tst_pollux p = TST_POLLUX("--instant", "-q", "--batch-time", "0");

    (void)state;
    *strrchr(body, ',') = ' '; /* the comma behind the last row */
    make_from_file(&p, "application/jsonl", lines, path);
    check_others_are_answered(&p, path, NULL);
    make(&p, body, path);
    check_others_are_answered(&p, path,
                              "response.inlinedResponses.inlinedResponses.7999.response.candidates.0.finishReason");
    free(lines);
    free(body);
    tst_pollux_stop(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_batch_goes_from_pending_to_running_to_its_results),
        cmocka_unit_test(of_two_spellings_the_first_counts),
        cmocka_unit_test(a_bad_row_fails_alone),
        cmocka_unit_test(what_is_no_batch_is_refused),
        cmocka_unit_test(a_request_of_more_than_20_mb_wants_a_file),
        cmocka_unit_test(a_file_of_rows_becomes_a_file_of_results),
        cmocka_unit_test(a_client_that_counts_on_the_order_of_results_is_found_out),
        cmocka_unit_test(a_file_that_is_no_json_lines_fails_the_batch),
        cmocka_unit_test(a_batch_reads_its_file_to_the_end_though_that_is_deleted),
        cmocka_unit_test(a_batch_of_embeddings_gives_vectors_and_their_tokens),
        cmocka_unit_test(a_batch_can_be_cancelled_until_it_has_ended),
        cmocka_unit_test(a_batch_that_does_not_end_expires_after_48_hours),
        cmocka_unit_test(a_batch_fails_when_its_name_asks_for_it),
        cmocka_unit_test(a_deleted_batch_is_gone),
        cmocka_unit_test(a_batch_can_be_given_another_name_and_priority),
        cmocka_unit_test(batches_are_listed_as_operations_in_pages),
        cmocka_unit_test(a_key_has_at_most_100_batches_under_way),
        cmocka_unit_test(a_batch_that_has_expired_unseen_is_under_way_no_more),
        cmocka_unit_test(a_large_batch_does_not_hold_up_others),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
