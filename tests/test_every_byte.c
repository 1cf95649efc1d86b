/* test_every_byte.c -- the connection ends after each byte of an answer in turn, over a real socket.
 * SPDX-License-Identifier: MIT
 *
 * Ten bodies, each sent chunked, with its length, and up to the end of the connection: thirty answers. After every byte
 * of head and body the server ends the connection, in good order or with a reset. Then
 *
 *     nothing is called COMPLETE before its time        the text that came is a prefix, at a whole character
 *     the error says what happened, in a sentence       no byte and no descriptor is left, nothing waits for a limit
 *
 * With CASTOR_CORPUS, recordings of real servers are cut in the same way, at RECORDING_CUTS places each. CASTOR_CUTS is
 * for more or less of it: "all" cuts recordings after every byte, too; N cuts everything after every Nth byte.
 */
#include <stdio.h>
#include <stdlib.h>

#include "asking.h"
#include "server.h"

enum {
    RECORDINGS = 30,
    RECORDING_MAX = 24 << 10, /* longer ones add nothing but time */
    RECORDING_CUTS = 60       /* of one recording, in the everyday test */
};

/* ---- thoroughness ---- */

static bool   wants_all;   /* of recordings, too */
static size_t stride = 1;

static void read_thoroughness(void)
{
    const char *given = getenv("CASTOR_CUTS");

    if (!given || !*given) return;
    wants_all = strcmp(given, "all") == 0;
    stride = wants_all ? 1 : strtoul(given, NULL, 10);
    if (stride == 0) stride = 1;
}

/* ---- the bodies ---- */

/* Two bytes that no body has: where it is whole when it ends there in good order, and though the connection is lost. */
#define WHOLE "\x01"
#define WHOLE_THOUGH_LOST "\x02"

typedef struct sample {
    const char    *name;
    castor_dialect dialect;
    int            is_unary;
    int            http_status;
    const char    *content_type;
    castor_verdict verdict; /* of the whole */
    const char    *text;    /* of the whole */
    const char    *bytes;
} sample;

#define SSE "text/event-stream"
#define JSON "application/json; charset=UTF-8"
#define PARTS(parts) "{\"candidates\":[{\"content\":{\"parts\":[" parts "],\"role\":\"model\"}"
#define END_OF_DAMS PARTS("{\"text\":\"halten \xc3\xbc" "ber Nacht \\ud83e\\uddab.\"}") \
                    ",\"finishReason\":\"STOP\"}],\"usageMetadata\":{\"totalTokenCount\":7}}"
#define DAMS "D\xc3\xa4mme \xf0\x9f\xa6\xab halten \xc3\xbc" "ber Nacht \xf0\x9f\xa6\xab."

static const sample samples[] = {
    { "events with CR LF", CASTOR_DIALECT_GEMINI, 0, 200, SSE, CASTOR_VERDICT_COMPLETE, DAMS,
      "data: " PARTS("{\"text\":\"D\xc3\xa4mme \xf0\x9f\xa6\xab \"}") "}],\"responseId\":\"r1\"}\r\n\r\n"
      "data: " END_OF_DAMS WHOLE "\r\n\r\n" },
    { "thoughts, then text, then a late count", CASTOR_DIALECT_GEMINI, 0, 200, SSE, CASTOR_VERDICT_COMPLETE, "Ja.",
      "data: " PARTS("{\"text\":\"Hm \xe2\x80\xa6\",\"thought\":true}") "}]}\n\n"
      "data: " PARTS("{\"text\":\"Ja.\",\"thoughtSignature\":\"QUJD\"}") ",\"finishReason\":\"STOP\"}]}" WHOLE "\n\n"
      "data: {\"usageMetadata\":{\"totalTokenCount\":3}}\n\n" },
    { "an array", CASTOR_DIALECT_GEMINI, 0, 200, JSON, CASTOR_VERDICT_COMPLETE, DAMS,
      "[" PARTS("{\"text\":\"D\xc3\xa4mme \xf0\x9f\xa6\xab \"}") "}]}\n,\r\n" END_OF_DAMS "\n]" WHOLE },
    { "calls of functions", CASTOR_DIALECT_GEMINI, 0, 200, SSE, CASTOR_VERDICT_COMPLETE, "",
      "data: " PARTS("{\"functionCall\":{\"name\":\"dig\",\"args\":{\"depth\":2,\"where\":\"\xc3\xbc" "ber\"}}},"
                     "{\"functionCall\":{\"name\":\"fell\",\"args\":{}}}")
      ",\"finishReason\":\"STOP\"}]}" WHOLE "\n\n" },
    { "two candidates", CASTOR_DIALECT_GEMINI, 0, 200, SSE, CASTOR_VERDICT_COMPLETE, "Eins.",
      "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"Eins\"}]},\"index\":0},"
      "{\"content\":{\"parts\":[{\"text\":\"Zwei\"}]},\"index\":1}]}\n\n"
      "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\".\"}]},\"finishReason\":\"STOP\",\"index\":0}]}\n\n"
      "data: {\"candidates\":[{\"content\":{\"parts\":[]},\"finishReason\":\"STOP\",\"index\":1}]}" WHOLE "\n\n" },
    { "the whole at once", CASTOR_DIALECT_GEMINI, 1, 200, JSON, CASTOR_VERDICT_COMPLETE, DAMS,
      PARTS("{\"text\":\"D\xc3\xa4mme \xf0\x9f\xa6\xab \"},{\"text\":\"halten \xc3\xbc" "ber Nacht \\ud83e\\uddab.\"}")
      ",\"finishReason\":\"STOP\"}]}" WHOLE "\n" },
    { "an error in the middle", CASTOR_DIALECT_GEMINI, 0, 200, SSE, CASTOR_VERDICT_FAILED, "Halb",
      "data: " PARTS("{\"text\":\"Halb\"}") "}]}\n\n"
      "data: {\"error\":{\"code\":500,\"message\":\"Wir sind \xc3\xbc" "berlastet.\",\"status\":\"INTERNAL\"}}\n\n" },
    { "an error body", CASTOR_DIALECT_GEMINI, 0, 429, JSON, CASTOR_VERDICT_QUOTA_DAY, "",
      "{\"error\":{\"code\":429,\"message\":\"Genug f\xc3\xbcr heute.\",\"status\":\"RESOURCE_EXHAUSTED\","
      "\"details\":[{\"@type\":\"type.googleapis.com/google.rpc.QuotaFailure\","
      "\"violations\":[{\"quotaId\":\"GenerateRequestsPerDayPerProjectPerModel\"}]}]}}" },
    { "chat completions", CASTOR_DIALECT_OPENAI, 0, 200, SSE, CASTOR_VERDICT_COMPLETE, "\xc3\x84pfel",
      "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"\xc3\x84p\"}}]}\n\n"
      "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"fel\",\"tool_calls\":[{\"index\":0,"
      "\"id\":\"k\",\"function\":{\"name\":\"dig\",\"arguments\":\"{\\\"a\\\":\"}}]}}]}\n\n"
      "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{"
      "\"arguments\":\"1}\"}}]},\"finish_reason\":\"tool_calls\"}]}" WHOLE "\n\n"
      "data: {\"id\":\"c\",\"choices\":[],\"usage\":{\"total_tokens\":9}}\n\ndata: [DONE]" WHOLE_THOUGH_LOST "\n\n" },
    { "messages, one a line", CASTOR_DIALECT_MESSAGE, 0, 200, JSON, CASTOR_VERDICT_COMPLETE, "\xc3\x84pfel!",
      "{\"candidates\":[{\"author\":\"1\",\"content\":\"\xc3\x84p\"}],\"done\":false}\n"
      "{\"candidates\":[{\"author\":\"1\",\"content\":\"fel\"}],\"done\":false}\n"
      "{\"candidates\":[{\"author\":\"1\",\"content\":\"!\"}],\"done\":true}" WHOLE_THOUGH_LOST WHOLE "\n" },
};

enum { SAMPLES = sizeof samples / sizeof *samples };

/* ---- answers as they go over the wire ---- */

typedef enum framing { CHUNKED, WITH_LENGTH, TO_THE_END, FRAMINGS } framing;

static const char *const framing_names[] = { "chunked", "with its length", "to the end of the connection" };

typedef struct answer {
    const char    *name;
    castor_dialect dialect;
    int            is_unary;
    framing        framing;
    castor_verdict verdict;     /* of the whole */
    castor_str     text;        /* of the whole */
    cst_buf        wire;
    size_t         head_len;
    size_t         whole_clean; /* the fewest bytes of `wire` that may be called COMPLETE at a clean end, ... */
    size_t         whole_lost;  /* ... and though the connection is lost */
} answer;

/* A body without its two marks; they are lengths of it. */
typedef struct plain {
    cst_buf bytes;
    size_t  whole;
    size_t  whole_though_lost;
} plain;

static plain take_marks(const char *marked)
{
    plain out = { .whole = SIZE_MAX, .whole_though_lost = SIZE_MAX };

    cst_buf_init(&out.bytes, cst_allocator_default(), SIZE_MAX / 2);
    for (; *marked; marked++) {
        if (*marked == WHOLE[0]) out.whole = out.bytes.len;
        else if (*marked == WHOLE_THOUGH_LOST[0]) out.whole_though_lost = out.bytes.len;
        else cst_buf_append(&out.bytes, marked, 1);
    }
    return out;
}

static void print_head(answer *out, int http_status, const char *content_type, size_t len)
{
    cst_buf_init(&out->wire, cst_allocator_default(), SIZE_MAX / 2);
    cst_buf_append_format(&out->wire, "HTTP/1.1 %d X\r\nContent-Type: %s\r\n", http_status, content_type);
    if (out->framing == CHUNKED) cst_buf_append_text(&out->wire, "Transfer-Encoding: chunked\r\n\r\n");
    else if (out->framing == WITH_LENGTH) cst_buf_append_format(&out->wire, "Content-Length: %zu\r\n\r\n", len);
    else cst_buf_append_text(&out->wire, "Connection: close\r\n\r\n");
    out->head_len = out->wire.len;
}

/* A mark of the body as one of the wire, when it stands in the `len` bytes from `at` on, which come next. */
static void place_mark(const answer *out, size_t mark, size_t at, size_t len, size_t *placed)
{
    if (mark != SIZE_MAX && mark > at && mark <= at + len) *placed = out->wire.len + mark - at;
}

/* A line is a chunk, so that there are many. A framed body that ends before its time is lost; once all of it is there
 * it is whole, whatever becomes of the connection (libcurl does not wait for the very last LF of a chunked one). */
static void print_answer(answer *out, const plain *body)
{
    out->whole_clean = out->whole_lost = SIZE_MAX;
    for (size_t at = 0, len; at < body->bytes.len; at += len) {
        const char *line = body->bytes.data + at, *newline = memchr(line, '\n', body->bytes.len - at);
        len = newline ? (size_t)(newline - line) + 1 : body->bytes.len - at;
        if (out->framing == CHUNKED) cst_buf_append_format(&out->wire, "%zx\r\n", len);
        place_mark(out, body->whole, at, len, &out->whole_clean);
        place_mark(out, body->whole_though_lost, at, len, &out->whole_lost);
        cst_buf_append(&out->wire, line, len);
        if (out->framing == CHUNKED) cst_buf_append_text(&out->wire, "\r\n");
    }
    if (out->framing == CHUNKED) cst_buf_append_text(&out->wire, "0\r\n\r\n");
    if (out->framing == TO_THE_END) return;
    size_t all = out->wire.len - (out->framing == CHUNKED);
    if (all < out->whole_lost) out->whole_lost = all;
}

/* ---- one cut ---- */

typedef struct outcome {
    cst_buf        text;
    castor_error   error;
    castor_verdict verdict;
} outcome;

static castor_client *new_client(const tst_server *server, const castor_allocator *allocator)
{
    castor_client_options options = tst_options(server->url);
    castor_client        *client;
    castor_error          err;

    options.allocator = allocator;
    assert_int_equal(castor_client_new(&client, &options, &err), CASTOR_OK);
    return client;
}

static void ask(castor_client *client, const answer *one, outcome *out)
{
    castor_request request = tst_question();
    castor_stream *stream;
    castor_event   event;

    request.dialect = one->dialect;
    request.is_unary = one->is_unary;
    out->text.len = 0;
    out->error = (castor_error){ .status = CASTOR_OK };
    assert_int_equal(castor_stream_open(&stream, client, &request, &out->error), CASTOR_OK);
    while (castor_stream_next(stream, &event, &out->error) == CASTOR_STEP_EVENT) {
        if (event.type == CASTOR_EVENT_TEXT && event.candidate == 0) cst_buf_append_str(&out->text, event.text);
    }
    out->verdict = castor_stream_verdict(stream);
    castor_stream_close(stream);
}

/* What is wrong with what the library made of the first `cut` bytes; NULL: nothing. */
static const char *judge(const answer *one, size_t cut, bool is_reset, const outcome *got)
{
    castor_str text = cst_buf_view(&got->text);
    bool       is_clean = !is_reset && one->framing == TO_THE_END && cut >= one->head_len;
    bool       is_complete = got->verdict == CASTOR_VERDICT_COMPLETE;
    bool       may_be_complete = cut >= (is_clean ? one->whole_clean : one->whole_lost);

    if (is_complete && !may_be_complete) return "COMPLETE before its time";
    if (is_complete && !cst_str_equal(text, one->text)) return "COMPLETE without all of its text";
    if (text.len > one->text.len || (text.len > 0 && memcmp(text.data, one->text.data, text.len) != 0)) {
        return "the text is no prefix";
    }
    if (!tst_is_utf8(text)) return "the text ends within a character";
    if (cut < one->head_len && got->verdict != CASTOR_VERDICT_NETWORK) return "half a head is a matter of the network";
    if (text.len > 0 && got->verdict != CASTOR_VERDICT_TRUNCATED && got->verdict != one->verdict) {
        return "cut off behind text it is TRUNCATED";
    }
    if (cut == one->wire.len && !is_reset && got->verdict != one->verdict) return "nothing was cut off";
    if (got->verdict == CASTOR_VERDICT_TIMEOUT) return "it was waited for";
    if (is_complete) return NULL;
    if (got->error.verdict != got->verdict || got->error.status == CASTOR_OK) return "error and verdict differ";
    return got->error.message[0] && tst_is_utf8(castor_str_of(got->error.message)) ? NULL : "there is no sentence";
}

/* ---- all cuts ---- */

static tst_reply reply_of(const answer *one, size_t cut, bool is_reset)
{
    return (tst_reply){ .bytes = cut ? one->wire.data : "", .len = cut, .then = is_reset ? TST_RESET : TST_CLOSE };
}

/* In both ways. The last two cut nothing off. */
static size_t list_cuts(const answer *one, size_t step, tst_reply *replies)
{
    size_t count = 0;

    for (size_t cut = 0; cut < one->wire.len; cut += step) {
        replies[count++] = reply_of(one, cut, false);
        replies[count++] = reply_of(one, cut, true);
    }
    replies[count++] = reply_of(one, one->wire.len, true);
    replies[count++] = reply_of(one, one->wire.len, false);
    return count;
}

static void tell_wrong(const answer *one, const tst_reply *reply, const outcome *got, const char *wrong)
{
    (void)fprintf(stderr, "%s, %s, %s after byte %zu of %zu (head %zu; whole at %zu, though lost at %zu): %s\n"
                          "    %s: %s\n    \"%.*s\"\n",
                  one->name, framing_names[one->framing], reply->then == TST_RESET ? "reset" : "closed", reply->len,
                  one->wire.len, one->head_len, one->whole_clean, one->whole_lost, wrong,
                  castor_verdict_name(got->verdict), got->error.message, CASTOR_ARG(cst_buf_view(&got->text)));
    fail();
}

/* Gives how many. */
static size_t cut_everywhere(const answer *one, size_t step)
{
    tst_reply       *replies = calloc(one->wire.len * 2 + 2, sizeof *replies);
    size_t           count = list_cuts(one, step, replies);
    tst_memory       memory = { 0 };
    castor_allocator allocator = tst_allocator(&memory);
    tst_server       server;
    outcome          got;

    cst_buf_init(&got.text, cst_allocator_default(), SIZE_MAX / 2);
    tst_server_start(&server, replies, count);
    castor_client *client = new_client(&server, &allocator);
    for (size_t i = 0; i < count; i++) {
        ask(client, one, &got);
        const char *wrong = judge(one, replies[i].len, replies[i].then == TST_RESET, &got);
        if (wrong) tell_wrong(one, &replies[i], &got, wrong);
        if (replies[i].len < one->whole_lost) continue;
        /* Its connection is kept as a good one, and the server has closed it. */
        castor_client_free(client);
        client = new_client(&server, &allocator);
    }
    castor_client_free(client);
    tst_server_stop(&server);
    assert_int_equal((size_t)server.requests, count);
    assert_int_equal(memory.live_bytes, 0);
    cst_buf_free(&got.text);
    free(replies);
    return count;
}

static size_t cut_sample(const sample *of, framing how)
{
    plain  body = take_marks(of->bytes);
    answer one = { .name = of->name, .dialect = of->dialect, .is_unary = of->is_unary, .framing = how,
                   .verdict = of->verdict, .text = castor_str_of(of->text) };

    print_head(&one, of->http_status, of->content_type, body.bytes.len);
    print_answer(&one, &body);
    size_t count = cut_everywhere(&one, stride);
    cst_buf_free(&one.wire);
    cst_buf_free(&body.bytes);
    return count;
}

static void an_answer_that_ends_after_any_byte_is_whole_only_when_it_is(void **state)
{
    size_t count = 0;

    (void)state;
    for (size_t i = 0; i < SAMPLES; i++) {
        for (framing how = CHUNKED; how < FRAMINGS; how++) count += cut_sample(&samples[i], how);
    }
    (void)printf("%d answers, cut %zu times\n", SAMPLES * FRAMINGS, count);
}

/* ---- recordings ---- */

typedef struct recording {
    char           path[512];
    char           finish[64]; /* the reason as the manifest has it, in quotes; "" for none */
    castor_dialect dialect;
    const char    *content_type;
} recording;

typedef struct kind {
    const char    *name;
    castor_dialect dialect;
    const char    *content_type;
} kind;

static const kind kinds[] = {
    { "gemini-sse", CASTOR_DIALECT_GEMINI, SSE },
    { "gemini-json-array", CASTOR_DIALECT_GEMINI, JSON },
    { "openai-sse", CASTOR_DIALECT_OPENAI, SSE },
};

enum { KINDS = sizeof kinds / sizeof *kinds, COLUMNS_MAX = 64 };

static castor_str take_column(castor_str *line)
{
    const char *tab = line->len ? memchr(line->data, '\t', line->len) : NULL;
    castor_str  column = { line->data, tab ? (size_t)(tab - line->data) : line->len };

    line->data += column.len + (tab != NULL);
    line->len -= column.len + (tab != NULL);
    return column;
}

static size_t find_column(castor_str names, const char *name)
{
    for (size_t i = 0; i < COLUMNS_MAX; i++) {
        if (cst_str_is(take_column(&names), name)) return i;
    }
    fail_msg("the manifest has no column %s", name);
    return 0;
}

static castor_str column_of(castor_str line, size_t index)
{
    while (index-- > 0) (void)take_column(&line);
    return take_column(&line);
}

/* How many rows of this kind there are; the one of that number goes to `out`. */
static size_t find_recording(castor_str manifest, const kind *of, size_t number, recording *out)
{
    castor_str names = tst_take_line(&manifest);
    size_t     path = find_column(names, "path"), named = find_column(names, "kind"), count = 0;
    size_t     finish = find_column(names, "finish");

    while (manifest.len > 0) {
        castor_str line = tst_take_line(&manifest), reason = column_of(line, finish);
        if (!cst_str_is(column_of(line, named), of->name) || cst_str_is(reason, "-")) continue;
        if (count++ != number) continue;
        *out = (recording){ .dialect = of->dialect, .content_type = of->content_type };
        cst_copy_text(out->path, sizeof out->path, column_of(line, path));
        (void)snprintf(out->finish, sizeof out->finish, "\"%.*s\"", (int)reason.len, reason.data);
    }
    return count;
}

/* Behind `text`, or SIZE_MAX. */
static size_t find_behind(castor_str bytes, castor_str text)
{
    const char *at = tst_find(bytes, text);

    return at ? (size_t)(at - bytes.data) + text.len : SIZE_MAX;
}

/* The manifest, and not our decoder, says what ends it: before its reason nothing can be COMPLETE. */
static size_t cut_recording(const recording *of, castor_str bytes, framing how)
{
    tst_body    whole_body = { .bytes = bytes, .dialect = of->dialect, .content_type = of->content_type,
                               .http_status = 200 };
    plain       body = { .whole = find_behind(bytes, castor_str_of(of->finish)),
                         .whole_though_lost = find_behind(bytes, CASTOR_STR("[DONE]")) };
    tst_outcome whole;

    tst_run(&whole_body, (tst_cuts){ .kind = TST_WHOLE }, &whole);
    cst_buf_init(&body.bytes, cst_allocator_default(), SIZE_MAX / 2);
    cst_buf_append_str(&body.bytes, bytes);
    answer one = { .name = of->path, .dialect = of->dialect, .framing = how, .verdict = whole.verdict,
                   .text = cst_buf_view(&whole.text) };
    print_head(&one, 200, of->content_type, bytes.len);
    print_answer(&one, &body);
    size_t step = wants_all ? 1 : one.wire.len / RECORDING_CUTS * stride;
    size_t count = cut_everywhere(&one, step ? step : 1);
    cst_buf_free(&one.wire);
    cst_buf_free(&body.bytes);
    tst_outcome_free(&whole);
    return count;
}

static size_t cut_kind(const char *directory, castor_str manifest, const kind *of, size_t *cuts)
{
    recording one;
    size_t    rows = find_recording(manifest, of, SIZE_MAX, &one), done = 0, wanted = RECORDINGS / KINDS;

    for (size_t i = 0; i < rows && done < wanted; i++) {
        if (rows > 2 * wanted && i % (rows / (2 * wanted)) != 0) continue; /* from all over the list */
        char path[4096];
        (void)find_recording(manifest, of, i, &one);
        (void)snprintf(path, sizeof path, "%s/%s", directory, one.path);
        castor_str bytes = tst_read_file(path);
        if (bytes.data && bytes.len <= RECORDING_MAX) {
            *cuts += cut_recording(&one, bytes, done % 2 ? TO_THE_END : CHUNKED);
            done++;
        }
        free((void *)(uintptr_t)bytes.data);
    }
    return done;
}

static void a_recording_that_ends_after_any_byte_is_whole_only_when_it_is(void **state)
{
    const char *directory = getenv("CASTOR_CORPUS");
    char        path[4096];
    size_t      count = 0, cuts = 0;

    (void)state;
    if (!directory || !*directory) {
        (void)printf("SKIPPED: CASTOR_CORPUS names no directory of recordings\n");
        skip();
    }
    (void)snprintf(path, sizeof path, "%s/MANIFEST.tsv", directory);
    castor_str manifest = tst_read_file(path);
    assert_non_null(manifest.data);
    for (size_t i = 0; i < KINDS; i++) count += cut_kind(directory, manifest, &kinds[i], &cuts);
    (void)printf("%zu recordings, cut %zu times\n", count, cuts);
    assert_int_equal(count, RECORDINGS);
    free((void *)(uintptr_t)manifest.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_that_ends_after_any_byte_is_whole_only_when_it_is),
        cmocka_unit_test(a_recording_that_ends_after_any_byte_is_whole_only_when_it_is),
    };

    read_thoroughness();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
