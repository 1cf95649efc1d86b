/* test_wire.c -- every wire case under tests/wire, however the network cuts it and wherever it is lost.
 * SPDX-License-Identifier: MIT
 *
 * Each case is a test of its own, named by its heading. Its bytes are decoded whole, byte by byte, at every two-way cut
 * and in random cuts: the events and the end must be those of the document. Then the connection is lost after every
 * byte: what came so far must be a prefix of the whole, and nothing may be called COMPLETE before its time.
 *
 * Usage: test_wire [FILE...]; CASTOR_SEED=N for the random cuts of an earlier run.
 */
#include "support.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>

#include "script/script.h"

enum { RANDOM_RUNS = 8, DAMAGED_RUNS = 20, CASES_AT_LEAST = 60 };

typedef struct wire_case {
    const char     *file;
    const plx_case *script;
    char           *name;
} wire_case;

/* ---- what the document expects ---- */

typedef struct expected {
    cst_buf    events;
    castor_str error;   /* the words behind "error"; absent: none */
    castor_str verdict;
    bool       wants_usage;
} expected;

static bool cut_prefix(castor_str *text, const char *prefix)
{
    if (!cst_str_starts_with(*text, prefix)) return false;
    text->data += strlen(prefix);
    text->len -= strlen(prefix);
    return true;
}

static void read_expected(const plx_case *script, expected *out)
{
    *out = (expected){ .error = CST_NONE };
    cst_buf_init(&out->events, cst_allocator_default(), SIZE_MAX / 2);
    cst_buf_append_text(&out->events, "");
    for (size_t i = 0; i < script->expectation_count; i++) {
        castor_str line = script->expectations[i].text;
        if (out->verdict.data) fail_msg("line %zu: the verdict is always the last line", script->expectations[i].line);
        if (cut_prefix(&line, "error ")) out->error = line;
        else if (cut_prefix(&line, "verdict ")) out->verdict = line;
        else {
            if (cst_str_starts_with(line, "usage")) out->wants_usage = true;
            cst_buf_append_str(&out->events, line);
            cst_buf_append_text(&out->events, "\n");
        }
    }
    if (!out->verdict.data) fail_msg("line %zu: the case has no verdict", script->line);
}

/* The events as the document would write them: counts only if it wants them. */
static void pick_events(const tst_outcome *got, bool wants_usage, cst_buf *out)
{
    castor_str left = cst_buf_view(&got->events);

    cst_buf_init(out, cst_allocator_default(), SIZE_MAX / 2);
    cst_buf_append_text(out, "");
    while (left.len > 0) {
        castor_str line = tst_take_line(&left);
        if (!wants_usage && cst_str_starts_with(line, "usage")) continue;
        cst_buf_append_str(out, line);
        cst_buf_append_text(out, "\n");
    }
}

static bool is_number(castor_str text, castor_i64 number)
{
    char digits[32];

    if (!number.is_set) return cst_str_is(text, "none");
    (void)snprintf(digits, sizeof digits, "%lld", (long long)number.value);
    return cst_str_is(text, digits);
}

/* One KEY=VALUE of an error line. */
static bool holds(castor_str fact, const castor_error *error)
{
    if (cut_prefix(&fact, "code=")) return cst_str_is(fact, error->code);
    if (cut_prefix(&fact, "reason=")) return cst_str_is(fact, error->reason);
    if (cut_prefix(&fact, "detail=")) return cst_str_is(fact, error->detail);
    if (cut_prefix(&fact, "retry=")) return is_number(fact, error->retry_after_ms);
    if (cut_prefix(&fact, "offset=")) return is_number(fact, error->offset);
    if (cut_prefix(&fact, "http=")) return is_number(fact, castor_some_i64(error->http_status));
    if (cut_prefix(&fact, "transient=")) return is_number(fact, castor_some_i64(error->is_transient));
    if (cut_prefix(&fact, "status=")) return cst_str_is(fact, castor_status_name(error->status));
    return false;
}

static castor_str take_word(castor_str *text)
{
    const char *space = text->len ? memchr(text->data, ' ', text->len) : NULL;
    castor_str  word = { text->data, space ? (size_t)(space - text->data) : text->len };

    text->data += word.len + (space != NULL);
    text->len -= word.len + (space != NULL);
    return word;
}

/* ---- complaints ---- */

static void say_case(const wire_case *one, const char *how)
{
    (void)fprintf(stderr, "\n%s:%zu: %.*s\n  %s (CASTOR_SEED=%llu)\n", one->file, one->script->line,
                  CASTOR_ARG(one->script->heading), how, (unsigned long long)tst_seed());
}

static long long or_none(castor_i64 number)
{
    return number.is_set ? (long long)number.value : -1;
}

static void say_end(const char *title, const tst_outcome *got)
{
    const castor_error *error = &got->error;

    (void)fprintf(stderr, "  %s: %s, %s, code \"%s\", reason \"%s\", detail \"%s\", offset %lld, retry %lld: \"%s\"\n",
                  title, castor_verdict_name(got->verdict), castor_status_name(error->status), error->code,
                  error->reason, error->detail, or_none(error->offset), or_none(error->retry_after_ms),
                  error->message);
}

/* ---- whole, and in pieces ---- */

static void check_whole(const wire_case *one, const tst_outcome *whole)
{
    expected wanted;
    cst_buf  events;
    bool     is_right = true;

    read_expected(one->script, &wanted);
    pick_events(whole, wanted.wants_usage, &events);
    if (!cst_str_equal(cst_buf_view(&wanted.events), cst_buf_view(&events))) {
        say_case(one, "whole: other events");
        tst_show_difference(cst_buf_view(&wanted.events), cst_buf_view(&events));
        is_right = false;
    }
    if (!cst_str_is(wanted.verdict, castor_verdict_name(whole->verdict))) {
        say_case(one, "whole: another verdict");
        (void)fprintf(stderr, "  expected: %.*s\n", CASTOR_ARG(wanted.verdict));
        is_right = false;
    }
    while (wanted.error.len > 0) {
        castor_str fact = take_word(&wanted.error);
        if (holds(fact, &whole->error)) continue;
        say_case(one, "whole: another error");
        (void)fprintf(stderr, "  expected: %.*s\n", CASTOR_ARG(fact));
        is_right = false;
    }
    if (!is_right) say_end("got", whole);
    cst_buf_free(&wanted.events);
    cst_buf_free(&events);
    assert_true(is_right);
}

static void check_cut(const wire_case *one, const tst_body *body, tst_cuts cuts, const tst_outcome *whole)
{
    tst_outcome again;
    char        how[64];

    tst_run(body, cuts, &again);
    bool is_right = tst_is_same(whole, &again) && !again.complaint[0];
    if (!is_right) {
        tst_cuts_describe(&cuts, how);
        say_case(one, how);
        (void)fprintf(stderr, "  %s\n", again.complaint);
        tst_show_difference(cst_buf_view(&whole->events), cst_buf_view(&again.events));
        say_end("whole", whole);
        say_end("cut", &again);
    }
    tst_outcome_free(&again);
    assert_true(is_right);
}

/* ---- lost after every byte ---- */

/* Whether the server has said in these bytes that its answer is over: then it does not matter that the line is dead. */
static bool has_end_mark(const tst_body *body, const tst_outcome *whole)
{
    castor_str  bytes = body->bytes;
    const char *mark;

    if (whole->dialect == CASTOR_DIALECT_OPENAI) {
        mark = tst_find(bytes, CASTOR_STR("[DONE]"));
        if (!mark) return false;
        mark += strlen("[DONE]");
        size_t ends = 0; /* its own line end, and that of the blank line */
        for (const char *end = bytes.data + bytes.len; mark < end && (*mark == '\n' || *mark == '\r'); mark++) {
            ends += *mark == '\r' || mark[-1] != '\r';
        }
        return ends >= 2;
    }
    if (whole->dialect != CASTOR_DIALECT_MESSAGE) return false;
    mark = tst_find(bytes, CASTOR_STR("\"done\":true"));
    /* Its record must be over, and the array that it may stand in. */
    return mark && memchr(mark, bytes.data[0] == '[' ? ']' : '}', (size_t)(bytes.data + bytes.len - mark));
}

static bool is_server_verdict(castor_verdict verdict)
{
    return verdict == CASTOR_VERDICT_FAILED || verdict == CASTOR_VERDICT_AUTH || verdict == CASTOR_VERDICT_QUOTA_NOW ||
           verdict == CASTOR_VERDICT_QUOTA_DAY;
}

/* NULL: right. Else what is wrong with this end. */
static const char *judge_lost(const tst_body *body, const tst_outcome *whole, const tst_outcome *lost)
{
    castor_verdict dead = lost->content_count > 0 ? CASTOR_VERDICT_TRUNCATED : CASTOR_VERDICT_NETWORK;
    bool           is_early = whole->error.status == CASTOR_API_ERROR || whole->error.status == CASTOR_PROTOCOL ||
                              whole->error.status == CASTOR_LIMIT;

    if (body->http_status >= 300) return is_server_verdict(lost->verdict) ? NULL : "an HTTP error must stay one";
    if (has_end_mark(body, whole)) {
        return lost->verdict == whole->verdict ? NULL : "the end mark was read: the loss is none";
    }
    if (lost->verdict == dead) return NULL;
    if (is_early && lost->verdict == whole->verdict && lost->error.status == whole->error.status) return NULL;
    return lost->content_count > 0 ? "must be TRUNCATED" : "must be NETWORK";
}

static bool ends_with(castor_str text, const char *tail)
{
    size_t len = strlen(tail);

    return text.len >= len && memcmp(text.data + text.len - len, tail, len) == 0;
}

/* All lines of `part` are the first of `whole`, but for calls that were cut off. */
static bool is_prefix(castor_str whole, castor_str part)
{
    while (part.len > 0) {
        castor_str line = tst_take_line(&part), wanted = tst_take_line(&whole);
        if (cst_str_equal(line, wanted)) continue;
        if (!ends_with(line, " partial")) return false;
        whole.len = 0; /* nothing but such may follow */
    }
    return true;
}

static bool starts_with(const cst_buf *whole, const cst_buf *part)
{
    return part->len <= whole->len && memcmp(whole->data, part->data, part->len) == 0;
}

/* `was_early` becomes true once the end is that of the whole; it must then stay so. */
static void check_lost(const wire_case *one, const tst_body *whole_body, size_t at, const tst_outcome *whole,
                       bool *was_early)
{
    tst_body    body = *whole_body;
    tst_outcome lost;
    char        how[96];

    body.bytes.len = at;
    body.end = CASTOR_END_LOST;
    tst_run(&body, (tst_cuts){ .kind = TST_WHOLE }, &lost);
    const char *wrong = lost.complaint[0] ? lost.complaint : judge_lost(&body, whole, &lost);
    bool        is_early = lost.verdict != CASTOR_VERDICT_TRUNCATED && lost.verdict != CASTOR_VERDICT_NETWORK;
    if (!wrong && !is_prefix(cst_buf_view(&whole->events), cst_buf_view(&lost.events))) {
        wrong = "the events are no prefix of the whole";
    }
    if (!wrong && !(starts_with(&whole->text, &lost.text) && starts_with(&whole->thoughts, &lost.thoughts))) {
        wrong = "the text is no prefix of the whole";
    }
    if (!wrong && *was_early && !is_early) wrong = "one byte more, and an end that was sure is sure no more";
    if (!wrong && at == whole_body->bytes.len && whole->error.status == CASTOR_API_ERROR &&
        lost.error.status != CASTOR_API_ERROR) {
        wrong = "the server's error was lost with the connection";
    }
    *was_early = is_early;
    if (wrong) {
        (void)snprintf(how, sizeof how, "lost after byte %zu of %zu", at, whole_body->bytes.len);
        say_case(one, how);
        (void)fprintf(stderr, "  %s\n", wrong);
        tst_show_difference(cst_buf_view(&whole->events), cst_buf_view(&lost.events));
        say_end("whole", whole);
        say_end("lost", &lost);
    }
    tst_outcome_free(&lost);
    assert_null(wrong);
}

/* ---- the tests ---- */

static castor_dialect dialect_of(plx_case_dialect dialect)
{
    switch (dialect) {
    case PLX_CASE_OPENAI: return CASTOR_DIALECT_OPENAI;
    case PLX_CASE_MESSAGE: return CASTOR_DIALECT_MESSAGE;
    case PLX_CASE_AUTO: return CASTOR_DIALECT_DEFAULT;
    case PLX_CASE_GEMINI:
    default: return CASTOR_DIALECT_GEMINI;
    }
}

static void the_case_comes_out_as_written(void **state)
{
    const wire_case *one = *state;
    const plx_case  *script = one->script;
    tst_outcome      whole;
    bool             was_early = false;
    tst_body         body = { script->bytes, dialect_of(script->dialect), script->content_type.data, script->status,
                              script->event_bytes_max, script->end_is_lost ? CASTOR_END_LOST : CASTOR_END_CLEAN,
                              false };

    tst_run(&body, (tst_cuts){ .kind = TST_WHOLE }, &whole);
    if (whole.complaint[0]) say_case(one, whole.complaint);
    check_whole(one, &whole);
    assert_int_equal(whole.complaint[0], 0);

    body.is_unpredicted = true;
    check_cut(one, &body, (tst_cuts){ .kind = TST_WHOLE }, &whole);
    body.is_unpredicted = false;
    check_cut(one, &body, (tst_cuts){ .kind = TST_BYTES }, &whole);
    for (uint64_t i = 0; i < RANDOM_RUNS; i++) {
        check_cut(one, &body, (tst_cuts){ .kind = TST_RANDOM, .value = tst_seed() + i * 7919 }, &whole);
    }
    for (size_t at = 1; script->wants_cuts && at < body.bytes.len; at++) {
        check_cut(one, &body, (tst_cuts){ .kind = TST_ONCE, .value = at }, &whole);
    }
    for (size_t at = 0; script->wants_cuts && at <= body.bytes.len; at++) {
        check_lost(one, &body, at, &whole, &was_early);
    }
    tst_outcome_free(&whole);
}

/* ---- all documents ---- */

static struct documents {
    plx_script *scripts;
    size_t      script_count;
    wire_case  *cases;
    size_t      case_count;
} documents;

static void add_case(const char *file, const plx_case *script)
{
    for (size_t i = 0; i < documents.case_count; i++) {
        if (!cst_str_equal(documents.cases[i].script->heading, script->heading)) continue;
        (void)fprintf(stderr, "%s:%zu: another case has this heading, by which pollux chooses\n", file, script->line);
        exit(1);
    }
    documents.cases = realloc(documents.cases, (documents.case_count + 1) * sizeof *documents.cases);
    assert_non_null(documents.cases);
    wire_case *one = &documents.cases[documents.case_count++];
    *one = (wire_case){ file, script, malloc(strlen(file) + script->heading.len + 3) };
    assert_non_null(one->name);
    const char *base = strrchr(file, '/') ? strrchr(file, '/') + 1 : file;
    (void)sprintf(one->name, "%s: %.*s", base, CASTOR_ARG(script->heading));
}

static void read_document(const char *file)
{
    plx_script_error error;
    castor_str       text = tst_read_file(file);

    documents.scripts = realloc(documents.scripts, (documents.script_count + 1) * sizeof *documents.scripts);
    assert_non_null(documents.scripts);
    plx_script *script = &documents.scripts[documents.script_count++];
    if (!text.data || !plx_script_parse(script, text, &error)) {
        (void)fprintf(stderr, "%s:%zu: %s\n", file, text.data ? error.line : 0,
                      text.data ? error.message : "cannot be read");
        exit(1);
    }
    for (const plx_case *one = script->first; one; one = one->next) {
        if (!one->is_answer) add_case(file, one); /* what pollux shapes itself has no bytes to test */
    }
    free((void *)(uintptr_t)text.data);
}

/* ---- what no document can hold ---- */

static void there_are_enough_cases(void **state)
{
    (void)state;
    assert_true(documents.case_count >= CASES_AT_LEAST);
}

/* Bytes are changed, doubled or left out at random: whatever comes of it, it does not depend on the cuts. */
static void damaged_cases_do_not_depend_on_the_cuts_either(void **state)
{
    uint64_t random = tst_seed();

    (void)state;
    for (size_t i = 0; i < documents.case_count; i++) {
        const plx_case *script = documents.cases[i].script;
        size_t          len = script->bytes.len;
        if (len == 0 || len > 8192) continue;
        for (int round = 0; round < DAMAGED_RUNS; round++) {
            char       *bytes = malloc(len + 1);
            size_t      at = tst_random_below(&random, len), length = len;
            tst_outcome whole;
            assert_non_null(bytes);
            memcpy(bytes, script->bytes.data, len);
            switch (tst_random_below(&random, 4)) {
            case 0: bytes[at] = (char)tst_random_below(&random, 256); break;
            case 1: bytes[at] = "\n\r:{}[]\"\\, \0"[tst_random_below(&random, 12)]; break;
            case 2: memmove(bytes + at, bytes + at + 1, --length - at); break;
            default:
                memmove(bytes + at + 1, bytes + at, length++ - at);
                break;
            }
            tst_body body = { { bytes, length }, dialect_of(script->dialect), script->content_type.data,
                              script->status, 0,
                              round % 3 ? CASTOR_END_CLEAN : CASTOR_END_LOST, false };
            tst_run(&body, (tst_cuts){ .kind = TST_WHOLE }, &whole);
            if (whole.complaint[0]) say_case(&documents.cases[i], whole.complaint);
            assert_int_equal(whole.complaint[0], 0);
            check_cut(&documents.cases[i], &body, (tst_cuts){ .kind = TST_BYTES }, &whole);
            check_cut(&documents.cases[i], &body, (tst_cuts){ .kind = TST_RANDOM, .value = tst_random(&random) },
                      &whole);
            tst_outcome_free(&whole);
            free(bytes);
        }
    }
}

static void check_generated(castor_dialect dialect, castor_str bytes, size_t event_bytes_max, castor_verdict verdict,
                            castor_status status, size_t events)
{
    const tst_cuts cuts[] = { { .kind = TST_WHOLE }, { .kind = TST_EVERY, .value = 16384 },
                              { .kind = TST_EVERY, .value = 999 } };

    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
        tst_body    body = { .bytes = bytes, .dialect = dialect, .content_type = "text/event-stream",
                             .event_bytes_max = event_bytes_max };
        tst_outcome got;
        tst_run(&body, cuts[i], &got);
        assert_string_equal(got.complaint, "");
        assert_string_equal(castor_verdict_name(got.verdict), castor_verdict_name(verdict));
        assert_string_equal(castor_status_name(got.error.status), castor_status_name(status));
        assert_int_equal(got.event_count, events);
        tst_outcome_free(&got);
    }
}

static void a_picture_of_20_mib_on_one_line_passes_unless_the_caller_set_a_maximum(void **state)
{
    (void)state;
    castor_str picture = tst_repeat("QUJDREVGR0hJSktM", (20 << 20) / 16);
    cst_buf    bytes;

    cst_buf_init(&bytes, cst_allocator_default(), SIZE_MAX / 2);
    cst_buf_append_format(&bytes, "data: {\"candidates\":[{\"content\":{\"parts\":[{\"inlineData\":{"
                                  "\"mimeType\":\"image/png\",\"data\":\"%s\"}}]},"
                                  "\"finishReason\":\"STOP\"}]}\r\n\r\n", picture.data);
    check_generated(CASTOR_DIALECT_GEMINI, cst_buf_view(&bytes), 0, CASTOR_VERDICT_COMPLETE, CASTOR_OK, 2);
    check_generated(CASTOR_DIALECT_GEMINI, cst_buf_view(&bytes), 1 << 20, CASTOR_VERDICT_MALFORMED, CASTOR_LIMIT, 0);
    cst_buf_free(&bytes);
    free((void *)(uintptr_t)picture.data);
}

/* `count` tool calls in one stream, each in two fragments. To be freed. */
static castor_str many_calls(int count)
{
    cst_buf bytes;

    cst_buf_init(&bytes, cst_allocator_default(), SIZE_MAX / 2);
    for (int half = 0; half < 2; half++) {
        for (int i = 0; i < count; i++) {
            cst_buf_append_format(&bytes,
                "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":%d,\"id\":\"c%d\","
                "\"function\":{\"name\":\"f\",\"arguments\":\"%s\"}}]},"
                                          "\"index\":0}]}\n\n", i, i, half ? "1}" : "{\\\"x\\\":");
        }
    }
    cst_buf_append_text(&bytes,
                        "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"tool_calls\",\"index\":0}]}\n\n"
                        "data: [DONE]\n\n");
    return cst_buf_view(&bytes);
}

static void as_many_tool_calls_as_we_join_and_one_more(void **state)
{
    (void)state;
    castor_str enough = many_calls(CST_TOOL_CALLS_MAX), too_many = many_calls(CST_TOOL_CALLS_MAX + 1);

    check_generated(CASTOR_DIALECT_OPENAI, enough, 0, CASTOR_VERDICT_COMPLETE, CASTOR_OK, CST_TOOL_CALLS_MAX + 1);
    check_generated(CASTOR_DIALECT_OPENAI, too_many, 0, CASTOR_VERDICT_MALFORMED, CASTOR_LIMIT, CST_TOOL_CALLS_MAX);
    free((void *)(uintptr_t)enough.data);
    free((void *)(uintptr_t)too_many.data);
}

static void one_candidate_more_than_we_keep_apart_is_refused(void **state)
{
    (void)state;
    cst_buf bytes;

    cst_buf_init(&bytes, cst_allocator_default(), SIZE_MAX / 2);
    for (int i = 0; i <= CST_CANDIDATES_MAX; i++) {
        cst_buf_append_format(&bytes,
                              "data: {\"candidates\":[{\"index\":%d,\"content\":{\"parts\":[{\"text\":\"x\"}]},"
                              "\"finishReason\":\"STOP\"}]}\n\n", i * 7);
    }
    check_generated(CASTOR_DIALECT_GEMINI, cst_buf_view(&bytes), 0, CASTOR_VERDICT_MALFORMED, CASTOR_LIMIT,
                    CST_CANDIDATES_MAX * 2);
    cst_buf_free(&bytes);
}

/* ---- the decoder's own face ---- */

#define RECORD "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"Dams.\"}]},\"finishReason\":\"STOP\"}]," \
               "\"responseId\":\"r1\",\"modelVersion\":\"m1\"}\n\n"

static void a_decoder_needs_no_options_and_no_error_struct(void **state)
{
    (void)state;
    castor_decoder *decoder = NULL;
    castor_event    event;

    assert_int_equal(castor_decoder_new(&decoder, NULL, NULL), CASTOR_OK);
    assert_int_equal(castor_decoder_next(decoder, &event, NULL), CASTOR_STEP_WAIT);
    assert_int_equal(castor_decoder_feed(decoder, RECORD, strlen(RECORD), NULL), CASTOR_OK);
    assert_int_equal(castor_decoder_feed(decoder, NULL, 0, NULL), CASTOR_OK);
    assert_int_equal(castor_decoder_next(decoder, &event, NULL), CASTOR_STEP_EVENT);
    assert_int_equal(event.type, CASTOR_EVENT_TEXT);
    assert_int_equal(castor_decoder_verdict(decoder), CASTOR_VERDICT_NONE);
    assert_int_equal(castor_decoder_next(decoder, &event, NULL), CASTOR_STEP_EVENT);
    assert_int_equal(castor_decoder_next(decoder, &event, NULL), CASTOR_STEP_WAIT);
    castor_decoder_end(decoder, CASTOR_END_CLEAN);
    castor_decoder_end(decoder, CASTOR_END_LOST); /* the first word counts */
    assert_int_equal(castor_decoder_next(decoder, &event, NULL), CASTOR_STEP_DONE);
    assert_int_equal(castor_decoder_dialect(decoder), CASTOR_DIALECT_GEMINI);
    assert_true(cst_str_is(castor_decoder_response_id(decoder), "r1"));
    assert_true(cst_str_is(castor_decoder_model_version(decoder), "m1"));
    assert_true(cst_str_is(castor_decoder_finish_reason(decoder), "STOP"));
    assert_null(castor_decoder_block_reason(decoder).data);
    assert_false(castor_decoder_usage(decoder).total_tokens.is_set);
    castor_decoder_free(decoder);
    castor_decoder_free(NULL);
}

static void a_dialect_that_is_none_is_refused(void **state)
{
    (void)state;
    castor_decoder_options options = CASTOR_DECODER_OPTIONS_INIT;
    castor_decoder        *decoder = (castor_decoder *)&options;
    castor_error           error;

    options.dialect = (castor_dialect)99;
    assert_int_equal(castor_decoder_new(&decoder, &options, &error), CASTOR_INVALID);
    assert_null(decoder);
    assert_string_equal(error.message, "dialect 99 is none that we know");
    assert_int_equal(castor_decoder_new(NULL, NULL, &error), CASTOR_INVALID);
}

/* A caller that was built against a shorter struct. */
static void options_of_an_older_caller_are_read_as_far_as_they_go(void **state)
{
    (void)state;
    castor_decoder_options options = CASTOR_DECODER_OPTIONS_INIT;
    castor_decoder        *decoder = NULL;
    castor_event           event;

    options.size = offsetof(castor_decoder_options, http_status);
    options.dialect = CASTOR_DIALECT_GEMINI;
    options.http_status = 500;                               /* must not be seen */
    options.allocator = (const castor_allocator *)&decoder;  /* nor this */
    assert_int_equal(castor_decoder_new(&decoder, &options, NULL), CASTOR_OK);
    assert_int_equal(castor_decoder_feed(decoder, RECORD, strlen(RECORD), NULL), CASTOR_OK);
    assert_int_equal(castor_decoder_next(decoder, &event, NULL), CASTOR_STEP_EVENT);
    castor_decoder_free(decoder);
}

static const struct CMUnitTest generated[] = {
    cmocka_unit_test(there_are_enough_cases),
    cmocka_unit_test(damaged_cases_do_not_depend_on_the_cuts_either),
    cmocka_unit_test(a_picture_of_20_mib_on_one_line_passes_unless_the_caller_set_a_maximum),
    cmocka_unit_test(as_many_tool_calls_as_we_join_and_one_more),
    cmocka_unit_test(one_candidate_more_than_we_keep_apart_is_refused),
    cmocka_unit_test(a_decoder_needs_no_options_and_no_error_struct),
    cmocka_unit_test(a_dialect_that_is_none_is_refused),
    cmocka_unit_test(options_of_an_older_caller_are_read_as_far_as_they_go),
};

enum { GENERATED_COUNT = sizeof generated / sizeof *generated };

int main(int argc, char **argv)
{
    glob_t files = { 0 };

    if (argc > 1) {
        for (int i = 1; i < argc; i++) read_document(argv[i]);
    } else if (glob(CASTOR_SOURCE_DIR "/tests/wire/*.md", 0, NULL, &files) == 0) {
        for (size_t i = 0; i < files.gl_pathc; i++) read_document(files.gl_pathv[i]);
    }
    (void)tst_seed();

    size_t             count = documents.case_count + (argc <= 1 ? GENERATED_COUNT : 0);
    struct CMUnitTest *tests = calloc(count + 1, sizeof *tests);
    assert_non_null(tests);
    for (size_t i = 0; i < documents.case_count; i++) {
        tests[i] = (struct CMUnitTest){ .name = documents.cases[i].name, .test_func = the_case_comes_out_as_written,
                                        .initial_state = &documents.cases[i] };
    }
    if (argc <= 1) memcpy(tests + documents.case_count, generated, sizeof generated);

    int failed = _cmocka_run_group_tests("wire cases", tests, count, NULL, NULL);
    for (size_t i = 0; i < documents.case_count; i++) free(documents.cases[i].name);
    for (size_t i = 0; i < documents.script_count; i++) plx_script_free(&documents.scripts[i]);
    free(documents.cases);
    free(documents.scripts);
    free(tests);
    globfree(&files);
    return failed;
}
