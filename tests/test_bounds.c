/* test_bounds.c -- the bounds that any client of pollux can come to: what is still taken, what no more, and that they
 * hold what they are there for.
 * SPDX-License-Identifier: MIT
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "answers.h"
#include "base.h"
#include "bounds.h"

#define CACHES "/v1beta/cachedContents"
#define BATCHES "/v1beta/models/gemini-3.8-flash:batchGenerateContent"
#define INTERACTIONS "/v1beta/interactions"
#define UPLOAD KEY "X-Goog-Upload-Protocol: resumable\r\nX-Goog-Upload-Command: start\r\n"
#define ASK(text) "\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"" text "\"}]}]"
#define ROW "{\"request\":{" ASK("a") "}}"
#define CALL "{\"functionCall\":{\"name\":\"f\"},\"thoughtSignature\":\"skip_thought_signature_validator\"}"

/* ---- of one request ---- */

/* A body with `size` of what is bounded. */
typedef void body_fn(cst_buf *out, size_t size);

static void put_run(cst_buf *out, const char *what, const char *between, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        cst_buf_append_text(out, i ? between : "");
        assert_int_equal(cst_buf_append_text(out, what), CASTOR_OK);
    }
}

static void put_numbered(cst_buf *out, const char *format, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (i) cst_buf_append_text(out, ",");
        for (const char *c = format; *c; c++) {
            if (*c == '#') cst_buf_append_format(out, "%zu", i);
            else cst_buf_append(out, c, 1);
        }
    }
}

static void make_functions(cst_buf *out, size_t size)
{
    cst_buf_append_text(out, "{" ASK("Hi") ",\"tools\":[{\"functionDeclarations\":[");
    put_numbered(out, "{\"name\":\"f#\"}", size);
    cst_buf_append_text(out, "]}]}");
}

static void make_inputs(cst_buf *out, size_t size)
{
    cst_buf_append_text(out, "{\"model\":\"gemini-embedding-001\",\"input\":[");
    put_run(out, "\"a\"", ",", size);
    cst_buf_append_text(out, "]}");
}

static void make_open_calls(cst_buf *out, size_t size)
{
    cst_buf_append_text(out, "{\"model\":\"gemini-3.8-flash\",\"store\":false,"
                             "\"tools\":[{\"type\":\"function\",\"name\":\"f\"}],"
                             "\"input\":[{\"type\":\"user_input\",\"content\":\"go\"},");
    put_numbered(out, "{\"type\":\"function_call\",\"id\":\"c#\",\"name\":\"f\",\"arguments\":{},"
                      "\"signature\":\"skip_thought_signature_validator\"}", size);
    cst_buf_append_text(out, ",");
    put_numbered(out, "{\"type\":\"function_result\",\"call_id\":\"c#\",\"result\":\"x\"}", size);
    cst_buf_append_text(out, "]}");
}

static void make_cache_name(cst_buf *out, size_t size)
{
    cst_buf_append_text(out, "{\"model\":\"models/gemini-3.8-flash\",\"contents\":[{\"parts\":[{\"text\":\"");
    put_run(out, "A cache wants some tokens: 1,024 at least. ", "", 500);
    cst_buf_append_text(out, "\"}]}],\"displayName\":\"");
    put_run(out, "\xC3\xA9", "", size);
    cst_buf_append_text(out, "\"}");
}

static void make_batch_name(cst_buf *out, size_t size)
{
    cst_buf_append_text(out, "{\"batch\":{\"inputConfig\":{\"requests\":{\"requests\":[" ROW "]}},\"displayName\":\"");
    put_run(out, "\xC3\xA9", "", size);
    cst_buf_append_text(out, "\"}}");
}

static void make_file_name(cst_buf *out, size_t size)
{
    cst_buf_append_text(out, "{\"file\":{\"displayName\":\"");
    put_run(out, "\xC3\xA9", "", size);
    cst_buf_append_text(out, "\"}}");
}

static void make_file_facts(cst_buf *out, size_t size)
{
    cst_buf_append_text(out, "{\"file\":{\"displayName\":\"a\"}}");
    put_run(out, " ", "", size - out->len);
}

static void make_fault(cst_buf *out, size_t size)
{
    cst_buf_append_text(out, "{\"count\":0,\"fault\":\"cut");
    put_run(out, " ", "", size - strlen("cut"));
    cst_buf_append_text(out, "\"}");
}

static void make_fault_text(cst_buf *out, size_t size)
{
    cst_buf_append_text(out, "{\"count\":0,\"fault\":\"type=");
    put_run(out, "x", "", size);
    cst_buf_append_text(out, "\"}");
}

typedef struct bound {
    const char *name;
    const char *path;
    const char *headers;
    body_fn    *make;
    size_t      max;
    const char *words; /* that say so */
} bound;

static const bound bounds[] = {
    { "functions of a request", WHOLE, KEY, make_functions, PLX_FUNCTIONS_MAX, "At most 512 function declarations" },
    { "texts to embed", "/v1beta/openai/embeddings", KEY, make_inputs, PLX_EMBED_BATCH_MAX, "at most 100 requests" },
    { "calls that wait for results", INTERACTIONS, KEY, make_open_calls, PLX_INTERACTION_CALLS_MAX,
      "More than 128 function calls" },
    { "the name of a cache", CACHES, KEY, make_cache_name, PLX_CACHE_NAME_CHARS_MAX, "more than 128 characters" },
    { "the name of a batch", BATCHES, KEY, make_batch_name, PLX_DISPLAY_NAME_CHARS_MAX, "more than 512 characters" },
    { "the name of a file", "/upload/v1beta/files", UPLOAD, make_file_name, PLX_DISPLAY_NAME_CHARS_MAX,
      "more than 512 characters" },
    { "what is told of a file", "/upload/v1beta/files", UPLOAD, make_file_facts, PLX_FILE_META_BYTES_MAX,
      "more than 65536 bytes" },
    { "a fault as it is asked for", "/pollux/faults", KEY, make_fault, PLX_FAULT_SPEC_BYTES_MAX, "at most 512 bytes" },
    { "the text of a fault", "/pollux/faults", KEY, make_fault_text, PLX_FAULT_TEXT_BYTES_MAX - 1,
      "longer than 127 bytes" },
};

static void taken_up_to_the_bound_and_refused_beyond_it(void **state)
{
    const bound *of = *state;

    for (size_t size = of->max; size <= of->max + 1; size++) {
        cst_buf body;
        cst_buf_init(&body, cst_allocator_default(), SIZE_MAX / 2);
        of->make(&body, size);
        tst_answer a = tst_ask_with(&tst_shared, of->path, of->headers, body.data);
        tst_check_status(&a, size > of->max ? 400 : 200);
        if (size > of->max) tst_contains(&a, of->words);
        tst_forget(&a);
        cst_buf_free(&body);
    }
}

static void the_seventeenth_parameter_of_a_query_is_as_good_as_none(void **state)
{
    (void)state;
    for (int before = PLX_QUERY_MAX - 1; before <= PLX_QUERY_MAX; before++) {
        char   path[512];
        size_t len = (size_t)snprintf(path, sizeof path, "%s?", WHOLE);
        for (int i = 0; i < before; i++) len += (size_t)snprintf(path + len, sizeof path - len, "quotaUser=u%d&", i);
        snprintf(path + len, sizeof path - len, "key=test-key");
        tst_answer a = tst_ask_with(&tst_shared, path, "", PROMPT("Hi"));
        tst_check_status(&a, before < PLX_QUERY_MAX ? 200 : 403);
        tst_forget(&a);
    }
}

static void sixteen_unknown_fields_are_named(void **state)
{
    cst_buf body;

    (void)state;
    cst_buf_init(&body, cst_allocator_default(), SIZE_MAX / 2);
    cst_buf_append_text(&body, "{");
    put_numbered(&body, "\"x#\":1", PLX_VIOLATIONS_MAX + 4);
    cst_buf_append_text(&body, "}");
    tst_answer a = tst_ask(&tst_shared, WHOLE, body.data);
    tst_check_status(&a, 400);
    tst_contains(&a, "Unknown name \\\"x15\\\"");
    tst_lacks(&a, "x16");
    tst_forget(&a);
    cst_buf_free(&body);
}

static void make_turn_of_calls(cst_buf *out, size_t count, const char *answered)
{
    char result[96];

    snprintf(result, sizeof result, "{\"functionResponse\":{\"name\":\"%s\",\"response\":{}}}", answered);
    cst_buf_append_text(out, "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"Hi\"}]},"
                             "{\"role\":\"model\",\"parts\":[");
    put_run(out, CALL, ",", count);
    cst_buf_append_text(out, "]},{\"role\":\"user\",\"parts\":[");
    put_run(out, result, ",", count);
    cst_buf_append_text(out, "]}],\"tools\":[{\"functionDeclarations\":[{\"name\":\"f\"}]}]}");
}

/* Names are compared with those of the results as far as they are remembered. */
static void the_names_of_64_calls_are_compared_with_the_results(void **state)
{
    (void)state;
    for (size_t count = PLX_TURN_CALLS_MAX; count <= PLX_TURN_CALLS_MAX + 1; count++) {
        cst_buf body;
        cst_buf_init(&body, cst_allocator_default(), SIZE_MAX / 2);
        make_turn_of_calls(&body, count, "other");
        tst_answer a = tst_ask(&tst_shared, WHOLE, body.data);
        tst_check_status(&a, count > PLX_TURN_CALLS_MAX ? 200 : 400);
        tst_forget(&a);
        cst_buf_free(&body);
    }
}

static void a_schema_that_goes_too_deep_ends_in_null(void **state)
{
    (void)state;
    for (size_t depth = PLX_SCHEMA_DEPTH_MAX; depth <= PLX_SCHEMA_DEPTH_MAX + 1; depth++) {
        cst_buf body;
        cst_buf_init(&body, cst_allocator_default(), SIZE_MAX / 2);
        cst_buf_append_text(&body, "{" ASK("Hi") ",\"generationConfig\":{\"responseMimeType\":\"application/json\","
                                   "\"responseJsonSchema\":");
        put_run(&body, "{\"type\":\"array\",\"minItems\":1,\"items\":", "", depth);
        cst_buf_append_text(&body, "{\"type\":\"boolean\"}");
        put_run(&body, "}", "", depth);
        cst_buf_append_text(&body, "}}");
        tst_answer a = tst_ask(&tst_shared, WHOLE, body.data);
        tst_check_status(&a, 200);
        tst_contains(&a, depth > PLX_SCHEMA_DEPTH_MAX ? "[null" : "[true");
        tst_forget(&a);
        cst_buf_free(&body);
    }
}

static void a_pattern_repeats_something_a_thousand_times_and_no_more(void **state)
{
    (void)state;
    for (int times = PLX_PATTERN_REPEATS_MAX; times <= PLX_PATTERN_REPEATS_MAX + 1; times++) {
        char body[512];
        snprintf(body, sizeof body, "{" ASK("Hi") ",\"generationConfig\":{\"responseMimeType\":\"application/json\","
                                    "\"responseJsonSchema\":{\"type\":\"string\",\"pattern\":\"^(ab){%d}$\"}}}", times);
        tst_answer a = tst_ask(&tst_shared, WHOLE, body);
        tst_check_status(&a, times > PLX_PATTERN_REPEATS_MAX ? 400 : 200);
        if (times > PLX_PATTERN_REPEATS_MAX) tst_contains(&a, "may repeat something 1000 times at most");
        tst_forget(&a);
    }
}

/* What can be asked of it fails only because nobody is there. */
static void a_turn_of_more_than_128_calls_is_not_passed_on(void **state)
{
    tst_pollux p = TST_POLLUX("--instant", "-q", "--upstream", "http://127.0.0.1:1/v1");

    (void)state;
    for (size_t count = PLX_UPSTREAM_CALLS_MAX; count <= PLX_UPSTREAM_CALLS_MAX + 1; count++) {
        cst_buf body;
        cst_buf_init(&body, cst_allocator_default(), SIZE_MAX / 2);
        make_turn_of_calls(&body, count, "f");
        tst_answer a = tst_ask(&p, WHOLE, body.data);
        tst_check_status(&a, count > PLX_UPSTREAM_CALLS_MAX ? 400 : 503);
        tst_contains(&a, count > PLX_UPSTREAM_CALLS_MAX ? "More than 128 function calls" : "upstream");
        tst_forget(&a);
        cst_buf_free(&body);
    }
    tst_pollux_stop(&p);
}

/* ---- of what is kept ---- */

/* The status of the first answer that is none of 200; `*count` came before it. */
static int until_refused(const tst_pollux *p, const char *path, body_fn *make, size_t max, char *words, size_t size,
                         size_t *count)
{
    tst_link   l = tst_connect(p);
    tst_answer a = { .status = 200 };
    cst_buf    body;

    *words = '\0';
    for (*count = 0; *count <= max; ++*count) {
        cst_buf_init(&body, cst_allocator_default(), SIZE_MAX / 2);
        make(&body, *count);
        tst_post(&l, path, KEY, body.data);
        cst_buf_free(&body);
        a = tst_read_answer(&l);
        if (a.status != 200) break;
        tst_forget(&a);
    }
    int status = a.status;
    if (status != 200) tst_text_at(&a, "error.message", words, size);
    if (status != 200) tst_forget(&a);
    tst_hang_up(&l);
    return status;
}

static void make_cache(cst_buf *out, size_t number)
{
    (void)number;
    make_cache_name(out, 1);
}

static void make_hundred_files(cst_buf *out, size_t number)
{
    char format[64];

    snprintf(format, sizeof format, "\"gs://b/%zu/#.pdf\"", number);
    cst_buf_append_text(out, "{\"uris\":[");
    put_numbered(out, format, PLX_REGISTER_MAX);
    cst_buf_append_text(out, "]}");
}

static void make_armed(cst_buf *out, size_t number)
{
    cst_buf_append_format(out, "{\"fault\":\"cut\",\"path\":\"/nowhere/%zu\"}", number);
}

typedef struct store {
    const char *name;
    const char *path;
    body_fn    *make;
    size_t      max; /* bodies that are taken */
    int         status;
    const char *words;
} store;

static const store stores[] = {
    { "caches", CACHES, make_cache, PLX_CACHES_MAX, 429, "no more than 1000 caches" },
    { "files", "/v1beta/files:register", make_hundred_files, PLX_FILES_MAX / PLX_REGISTER_MAX, 429,
      "no more than 10000 files" },
    { "armed faults", "/pollux/faults", make_armed, PLX_FAULTS_ARMED_MAX, 409, "At most 64 faults" },
};

static void kept_up_to_the_bound_and_refused_beyond_it(void **state)
{
    const store *of = *state;
    tst_pollux   p = TST_POLLUX("--instant", "-q");
    char         words[256];
    size_t       count;

    assert_int_equal(until_refused(&p, of->path, of->make, of->max, words, sizeof words, &count), of->status);
    assert_int_equal(count, of->max);
    if (!strstr(words, of->words)) fail_msg("\"%s\" does not say \"%s\"", words, of->words);
    tst_pollux_stop(&p);
}

/* Makes so many for one key; the last one's status, and the first one's path. */
static int make_batches(tst_link *l, int key, int count, char path[128])
{
    char headers[64], name[96];
    int  status = 0;

    snprintf(headers, sizeof headers, "x-goog-api-key: key-number-%d\r\n", key);
    for (int i = 0; i < count; i++) {
        tst_post(l, BATCHES, headers, "{\"batch\":{\"inputConfig\":{\"requests\":{\"requests\":[" ROW "]}}}}");
        tst_answer a = tst_read_answer(l);
        status = a.status;
        if (i == 0 && path) {
            tst_text_at(&a, "name", name, sizeof name);
            snprintf(path, 128, "/v1beta/%s", name);
        }
        tst_forget(&a);
    }
    return status;
}

static int status_of_batch(tst_link *l, const char *path)
{
    tst_request(l, "GET", path, "x-goog-api-key: key-number-0\r\n", NULL);
    tst_answer a = tst_read_answer(l);
    int        status = a.status;

    tst_forget(&a);
    return status;
}

static void of_2000_batches_the_oldest_that_has_ended_makes_room(void **state)
{
    tst_pollux p = TST_POLLUX("--instant", "-q", "--batch-time", "0");
    tst_link   l = tst_connect(&p);
    char       oldest[128];

    (void)state;
    assert_int_equal(make_batches(&l, 0, PLX_BATCHES_MAX, oldest), 200);
    assert_int_equal(status_of_batch(&l, oldest), 200);
    assert_int_equal(make_batches(&l, 0, 1, NULL), 200);
    assert_int_equal(status_of_batch(&l, oldest), 404);
    tst_hang_up(&l);
    tst_pollux_stop(&p);
}

static void of_2000_batches_under_way_none_makes_room(void **state)
{
    enum { KEYS = PLX_BATCHES_MAX / PLX_BATCHES_AT_ONCE_MAX };
    tst_pollux p = TST_POLLUX("--instant", "-q", "--batch-time", "3600000");
    tst_link   l = tst_connect(&p);

    (void)state;
    for (int key = 0; key < KEYS; key++) assert_int_equal(make_batches(&l, key, PLX_BATCHES_AT_ONCE_MAX, NULL), 200);
    assert_int_equal(make_batches(&l, KEYS, 1, NULL), 429);
    tst_hang_up(&l);
    tst_pollux_stop(&p);
}

/* The path of the first goes to `path`. */
static void make_interactions(tst_link *l, int count, char path[128])
{
    for (int i = 0; i < count; i++) {
        tst_post(l, INTERACTIONS, KEY, "{\"model\":\"gemini-3.8-flash\",\"input\":\"Hi\"}");
        tst_answer a = tst_read_answer(l);
        tst_check_status(&a, 200);
        if (i == 0 && path) {
            size_t len = (size_t)snprintf(path, 128, INTERACTIONS "/");
            tst_text_at(&a, "id", path + len, 128 - len);
        }
        tst_forget(&a);
    }
}

static void of_4096_interactions_the_oldest_makes_room(void **state)
{
    tst_pollux p = TST_POLLUX("--instant", "-q");
    tst_link   l = tst_connect(&p);
    char       oldest[128];

    (void)state;
    make_interactions(&l, PLX_INTERACTIONS_MAX, oldest);
    tst_answer a = tst_get(&p, oldest);
    tst_check_status(&a, 200);
    tst_forget(&a);
    make_interactions(&l, 1, NULL);
    a = tst_get(&p, oldest);
    tst_check_status(&a, 404);
    tst_forget(&a);
    tst_hang_up(&l);
    tst_pollux_stop(&p);
}

/* ---- of what is counted ---- */

static int status_with_key(tst_link *l, int number)
{
    char headers[64];

    snprintf(headers, sizeof headers, "x-goog-api-key: key-number-%d\r\n", number);
    tst_post(l, WHOLE, headers, PROMPT("Hi"));
    tst_answer a = tst_read_answer(l);
    int        status = a.status;
    tst_forget(&a);
    return status;
}

/* Of more keys than can be remembered, that whose last request is the oldest is new again. */
static void the_use_of_1024_keys_is_remembered(void **state)
{
    tst_pollux p = TST_POLLUX("--instant", "-q", "--rpd", "1");
    tst_link   l = tst_connect(&p);

    (void)state;
    for (int i = 0; i < PLX_QUOTA_ACCOUNTS_MAX; i++) assert_int_equal(status_with_key(&l, i), 200);
    assert_int_equal(status_with_key(&l, 0), 429); /* and its latest is the newest now */
    assert_int_equal(status_with_key(&l, PLX_QUOTA_ACCOUNTS_MAX), 200);
    assert_int_equal(status_with_key(&l, 0), 429);
    assert_int_equal(status_with_key(&l, 1), 200);
    tst_hang_up(&l);
    tst_pollux_stop(&p);
}

static void the_last_4096_spoilt_answers_are_remembered(void **state)
{
    tst_pollux p = TST_POLLUX("--instant", "-q");
    tst_link   l = tst_connect(&p);

    (void)state;
    for (int more = 0; more < 2; more++) {
        for (int i = 0; i < (more ? 1 : PLX_FAULT_HISTORY_MAX); i++) {
            tst_post(&l, WHOLE, KEY "x-pollux-fault: status=503\r\n", PROMPT("Hi"));
            tst_answer a = tst_read_answer(&l);
            tst_check_status(&a, 503);
            tst_forget(&a);
        }
        tst_answer a = tst_get(&p, "/pollux/faults?since=0");
        tst_check_at(&a, "history.0.number", more ? "2" : "1");
        tst_check_at(&a, "history.4095.number", more ? "4097" : "4096");
        tst_forget(&a);
    }
    tst_hang_up(&l);
    tst_pollux_stop(&p);
}

int main(void)
{
    enum { BOUNDS = sizeof bounds / sizeof *bounds, STORES = sizeof stores / sizeof *stores };
    const struct CMUnitTest alone[] = {
        cmocka_unit_test(the_seventeenth_parameter_of_a_query_is_as_good_as_none),
        cmocka_unit_test(sixteen_unknown_fields_are_named),
        cmocka_unit_test(the_names_of_64_calls_are_compared_with_the_results),
        cmocka_unit_test(a_schema_that_goes_too_deep_ends_in_null),
        cmocka_unit_test(a_pattern_repeats_something_a_thousand_times_and_no_more),
        cmocka_unit_test(a_turn_of_more_than_128_calls_is_not_passed_on),
        cmocka_unit_test(of_2000_batches_the_oldest_that_has_ended_makes_room),
        cmocka_unit_test(of_2000_batches_under_way_none_makes_room),
        cmocka_unit_test(of_4096_interactions_the_oldest_makes_room),
        cmocka_unit_test(the_use_of_1024_keys_is_remembered),
        cmocka_unit_test(the_last_4096_spoilt_answers_are_remembered),
    };
    enum { ALONE = sizeof alone / sizeof *alone };
    struct CMUnitTest tests[BOUNDS + STORES + ALONE];
    size_t            count = 0;

    for (size_t i = 0; i < BOUNDS; i++) {
        tests[count++] = (struct CMUnitTest){ .name = bounds[i].name,
                                              .test_func = taken_up_to_the_bound_and_refused_beyond_it,
                                              .initial_state = (void *)(uintptr_t)&bounds[i] };
    }
    for (size_t i = 0; i < STORES; i++) {
        tests[count++] = (struct CMUnitTest){ .name = stores[i].name,
                                              .test_func = kept_up_to_the_bound_and_refused_beyond_it,
                                              .initial_state = (void *)(uintptr_t)&stores[i] };
    }
    memcpy(tests + count, alone, sizeof alone);
    return _cmocka_run_group_tests("bounds", tests, count + ALONE, tst_shared_start, tst_shared_stop);
}
