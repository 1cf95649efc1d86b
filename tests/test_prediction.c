/* test_prediction.c -- records like the one before: what is predicted, what is not, and what it costs in memory, copies
 * and looks.
 * SPDX-License-Identifier: MIT
 *
 * That prediction comes to what a full reading comes to is also held by fuzz/prediction.c, and for every wire case and
 * recording by test_wire and test_corpus.
 */
#include <stdio.h>
#include <stdlib.h>

#include "client.h"
#include "decoder.h"
#include "support.h"
#include "transport_memory.h"

/* ---- one record, and another ---- */

#define TEXT(text) "{\"candidates\": [{\"content\": {\"parts\": [{\"text\": \"" text "\"}],\"role\": \"model\"},\"index\": 0}]}"
#define COUNT(count) "{\"candidates\": [{\"content\": {\"parts\": [{\"text\": \"a\"}]}}]," \
                     "\"usageMetadata\": {\"totalTokenCount\": " count "}}"
#define DELTA(text) "{\"id\":\"c1\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"" text "\"},\"finish_reason\":null}]}"
#define PIECE(text) "{\"candidates\":[{\"content\":\"" text "\"}],\"done\":false}"

typedef struct pair {
    const char *name;
    const char *first;
    const char *second;
    bool        is_predicted;
    bool        is_broken; /* the second is no JSON */
} pair;

static const pair pairs[] = {
    { "another text is predicted", TEXT("Dams"), TEXT("Mud"), true, false },
    { "a text with every simple escape is predicted", TEXT("a"), TEXT("\\\"\\\\\\/\\b\\f\\n\\r\\t"), true, false },
    { "a text with escaped characters of every length is predicted", TEXT("a"),
      TEXT("\\u0000\\u007f\\u0080\\u07FF\\u0800\\uD7ff\\ue000\\uffff\\ud83e\\uddab"), true, false },
    { "a text with characters of every length is predicted", TEXT("a"),
      TEXT("\x7F\xC2\x80\xDF\xBF\xE0\xA0\x80\xED\x9F\xBF\xEE\x80\x80\xEF\xBF\xBF\xF0\x90\x80\x80\xF4\x8F\xBF\xBF"), true,
      false },
    { "a text of many blocks is predicted", TEXT("a"),
      TEXT("beavers build dams \xE6\xB0\xB4\xE8\xBE\xBA of branches\\nand mud, \xF0\x9F\xA6\xAB and live behind them \xE2\x80\x94 "
           "\\\"slow\\\" water \xD0\xB1\xD0\xBE\xD0\xB1\xD1\x80 keeps a pond deep enough for the winter\\u003c"), true, false },
    { "a half of a pair is read in full", TEXT("a"), TEXT("b\\ud83e and"), false, false },
    { "the other half alone is read in full", TEXT("a"), TEXT("\\uddab"), false, false },
    { "an empty text is read in full", TEXT("a"), TEXT(""), false, false },
    { "a new text after an empty one is read in full", TEXT(""), TEXT("a"), false, false },
    { "an unknown escape is refused", TEXT("a"), TEXT("\\x41 and more"), false, true },
    { "an escape with too few digits is refused", TEXT("a"), TEXT("\\u12 and more"), false, true },
    { "a control character is refused", TEXT("a"), TEXT("a\tb"), false, true },
    { "a byte that is no UTF-8 is refused", TEXT("a"), TEXT("\xFF"), false, true },
    { "an overlong character is refused", TEXT("a"), TEXT("more than \xE0\x9F\xBF"), false, true },
    { "a surrogate in UTF-8 is refused", TEXT("a"), TEXT("\xED\xA0\x80"), false, true },
    { "a character beyond the last is refused", TEXT("a"), TEXT("\xF4\x90\x80\x80"), false, true },
    { "a character that the quote cuts off is refused", TEXT("a"), TEXT("sixteen and more \xE6\xB0"), false, true },
    { "another count is predicted", COUNT("7"), COUNT("1234567890"), true, false },
    { "zero is predicted", COUNT("7"), COUNT("0"), true, false },
    { "a count with an exponent is read in full", COUNT("7"), COUNT("1e2"), false, false },
    { "a fraction is read in full", COUNT("7"), COUNT("7.0"), false, false },
    { "a negative count is read in full", COUNT("7"), COUNT("-7"), false, false },
    { "a count as a string is read in full", COUNT("7"), COUNT("\"8\""), false, false },
    { "a count of twenty digits is read in full", COUNT("7"), COUNT("12345678901234567890"), false, false },
    { "a count that begins with zero is refused", COUNT("7"), COUNT("08"), false, true },
    { "the same count of another spelling is literal", COUNT("1e2"), COUNT("1e2"), true, false },
    { "another spelling of white space is read in full", TEXT("a"), " " TEXT("a"), false, false },
    { "a chat delta is predicted", DELTA("a"), DELTA("b\\n"), true, false },
    { "a random string and a time that nobody reads are predicted",
      "{\"choices\":[{\"delta\":{\"content\":\"a\"}}],\"created\":1,\"obfuscation\":\"\"}",
      "{\"choices\":[{\"delta\":{\"content\":\"b\"}}],\"created\":22,\"obfuscation\":\"x\\n\"}", true, false },
    { "a random string that is none is refused",
      "{\"choices\":[{\"delta\":{\"content\":\"a\"}}],\"obfuscation\":\"x\"}",
      "{\"choices\":[{\"delta\":{\"content\":\"b\"}}],\"obfuscation\":\"\xFF\"}", false, true },
    { "another id of a chat delta is read in full", DELTA("a"),
      "{\"id\":\"c2\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"b\"},\"finish_reason\":null}]}", false, false },
    { "a delta that finishes is read in full", DELTA("a"),
      "{\"id\":\"c1\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"b\"},\"finish_reason\":\"stop\"}]}", false, false },
    { "a piece of the message dialect is predicted", PIECE("a"), PIECE("b"), true, false },
    { "two parts are predicted",
      "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"a\",\"thought\":true},{\"text\":\"b\"}]}}]}",
      "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"cc\",\"thought\":true},{\"text\":\"dd\"}]}}]}", true, false },
    { "a repeated fragment of a tool call is read in full",
      "{\"choices\":[{\"delta\":{\"content\":\"x\",\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"1\"}}]}}]}",
      "{\"choices\":[{\"delta\":{\"content\":\"x\",\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"1\"}}]}}]}",
      false, false },
    { "a function call is read in full",
      "{\"candidates\":[{\"content\":{\"parts\":[{\"functionCall\":{\"name\":\"f\",\"args\":{}}}]}}]}",
      "{\"candidates\":[{\"content\":{\"parts\":[{\"functionCall\":{\"name\":\"f\",\"args\":{}}}]}}]}", false, false },
};

typedef struct taken {
    cst_buf events;
    size_t  predicted; /* records */
} taken;

static castor_decoder *new_decoder(castor_dialect dialect, const castor_allocator *allocator)
{
    castor_decoder_options options = CASTOR_DECODER_OPTIONS_INIT;
    castor_decoder        *decoder;

    options.dialect = dialect;
    options.allocator = allocator;
    assert_int_equal(castor_decoder_new(&decoder, &options, NULL), CASTOR_OK);
    return decoder;
}

static void feed(castor_decoder *decoder, const char *before, const char *record, const char *behind)
{
    assert_int_equal(castor_decoder_feed(decoder, before, strlen(before), NULL), CASTOR_OK);
    assert_int_equal(castor_decoder_feed(decoder, record, strlen(record), NULL), CASTOR_OK);
    assert_int_equal(castor_decoder_feed(decoder, behind, strlen(behind), NULL), CASTOR_OK);
}

static castor_step take(castor_decoder *decoder, cst_buf *out)
{
    castor_event event;
    castor_step  step;

    while ((step = castor_decoder_next(decoder, &event, NULL)) == CASTOR_STEP_EVENT) {
        castor_usage usage = castor_decoder_usage(decoder);
        tst_print_event(out, &event, &usage);
        cst_buf_append_format(out, " raw %.*s record %.*s\n", CASTOR_ARG(event.raw), CASTOR_ARG(event.record));
    }
    return step;
}

static castor_dialect dialect_of(const pair *one)
{
    if (strstr(one->first, "choices")) return CASTOR_DIALECT_OPENAI;
    return strstr(one->first, "done") ? CASTOR_DIALECT_MESSAGE : CASTOR_DIALECT_GEMINI;
}

static void run_pair(const pair *one, bool is_off, taken *out)
{
    castor_decoder *decoder = new_decoder(dialect_of(one), NULL);

    *out = (taken){ 0 };
    cst_buf_init(&out->events, cst_allocator_default(), SIZE_MAX / 2);
    decoder->prediction.is_off = is_off;
    feed(decoder, "data: ", one->first, "\n\n");
    take(decoder, &out->events);
    feed(decoder, "data: ", one->second, "\n\n");
    take(decoder, &out->events);
    out->predicted = decoder->prediction.hits;
    castor_decoder_end(decoder, CASTOR_END_CLEAN);
    take(decoder, &out->events);
    cst_buf_append_format(&out->events, "%d %.*s", (int)castor_decoder_verdict(decoder),
                          CASTOR_ARG(castor_decoder_response_id(decoder)));
    castor_decoder_free(decoder);
}

static void the_second_record_is_read_right(void **state)
{
    const pair *one = *state;
    taken       predicted, full;

    run_pair(one, false, &predicted);
    run_pair(one, true, &full);
    assert_string_equal(predicted.events.data, full.events.data);
    assert_int_equal(full.predicted, 0);
    assert_int_equal(predicted.predicted, one->is_predicted);
    char malformed[16];
    (void)snprintf(malformed, sizeof malformed, "\n%d ", (int)CASTOR_VERDICT_MALFORMED);
    assert_int_equal(strstr(full.events.data, malformed) != NULL, one->is_broken);
    cst_buf_free(&predicted.events);
    cst_buf_free(&full.events);
}

/* ---- limits ---- */

#define FRONT "{\"candidates\":[{\"content\":{\"parts\":["
#define BACK "]}}]"

/* A record with `size` of what is limited, and the text that differs from one to the next. */
typedef void record_fn(cst_buf *out, size_t size, const char *text);

static void put_run(cst_buf *out, char byte, size_t count)
{
    for (size_t i = 0; i < count; i++) assert_int_equal(cst_buf_append(out, &byte, 1), CASTOR_OK);
}

static void make_short(cst_buf *out, size_t size, const char *text)
{
    (void)size;
    cst_buf_append_format(out, FRONT "{\"text\":\"%s\"}" BACK "}", text);
}

static void make_of_bytes(cst_buf *out, size_t size, const char *text)
{
    cst_buf_append_format(out, FRONT "{\"text\":\"%s", text);
    put_run(out, 'x', size - out->len - strlen("\"}" BACK "}"));
    cst_buf_append_text(out, "\"}" BACK "}");
}

static void make_of_literals(cst_buf *out, size_t size, const char *text)
{
    cst_buf_append_format(out, FRONT "{\"text\":\"%s\"}" BACK ",\"x\":\"", text);
    put_run(out, 'x', size + strlen(text) - out->len - strlen("\"}"));
    cst_buf_append_text(out, "\"}");
}

static void make_of_events(cst_buf *out, size_t size, const char *text)
{
    cst_buf_append_text(out, FRONT);
    for (size_t i = 0; i < size; i++) cst_buf_append_format(out, "%s{\"text\":\"%s\"}", i ? "," : "", text);
    cst_buf_append_text(out, BACK "}");
}

static void make_of_passing(cst_buf *out, size_t size, const char *text)
{
    cst_buf_append_format(out, FRONT "{\"text\":\"%s\"}" BACK ",\"usageMetadata\":{\"promptTokensDetails\":[", text);
    for (size_t i = 1; i < size; i++) {
        cst_buf_append_format(out, "%s{\"tokenCount\":%zu}", i > 1 ? "," : "", strlen(text) + i);
    }
    cst_buf_append_text(out, "]}}");
}

typedef struct limit {
    const char *name;
    record_fn  *first;
    record_fn  *second;
    size_t      max; /* of what is predicted; one more is read in full */
} limit;

static const limit limits[] = {
    { "a record of 32 KiB is predicted, and none larger", make_short, make_of_bytes, CST_PREDICTED_BYTES_MAX },
    { "a record of 32 KiB is remembered, and none larger", make_of_bytes, make_short, CST_PREDICTED_BYTES_MAX },
    { "4 KiB that stay the same are remembered, and no more", make_of_literals, make_of_literals, CST_LITERALS_MAX },
    { "four events of a record are predicted, and no more", make_of_events, make_of_events, CST_PREDICTED_EVENTS_MAX },
    { "sixteen values of a record may change, and no more", make_of_passing, make_of_passing, CST_PASSING_MAX },
};

static void up_to_the_limit_and_no_further(void **state)
{
    const limit *of = *state;

    for (size_t size = of->max; size <= of->max + 1; size++) {
        cst_buf first, second;
        taken   predicted, full;
        cst_buf_init(&first, cst_allocator_default(), SIZE_MAX / 2);
        cst_buf_init(&second, cst_allocator_default(), SIZE_MAX / 2);
        of->first(&first, size, "Dams");
        of->second(&second, size, "Mud, too");
        const pair one = { of->name, first.data, second.data, size == of->max, false };
        run_pair(&one, false, &predicted);
        run_pair(&one, true, &full);
        assert_string_equal(predicted.events.data, full.events.data);
        assert_non_null(strstr(full.events.data, "Mud, too"));
        assert_int_equal(predicted.predicted, one.is_predicted);
        cst_buf_free(&predicted.events);
        cst_buf_free(&full.events);
        cst_buf_free(&first);
        cst_buf_free(&second);
    }
}

/* ---- streams of like records, in every manner ---- */

typedef struct manner {
    const char    *name;
    castor_dialect dialect;
    const char    *start, *before, *record, *behind; /* the record has a place for its number */
} manner;

#define GEMINI_NUMBERED "{\"candidates\": [{\"content\": {\"parts\": [{\"text\": \"%d beavers\\n\"}]}}]," \
                        "\"usageMetadata\": {\"totalTokenCount\": %d},\"responseId\": \"r1\"}"
#define OPENAI_NUMBERED "{\"id\":\"c1\",\"created\":%d,\"choices\":[{\"index\":0,\"delta\":{\"content\":\"%d dams\"}}]}"

static const manner manners[] = {
    { "gemini over SSE", CASTOR_DIALECT_GEMINI, "", "data: ", GEMINI_NUMBERED, "\r\n\r\n" },
    { "gemini as an array", CASTOR_DIALECT_GEMINI, "[", "\n", GEMINI_NUMBERED, ",\r\n" },
    { "chat completions", CASTOR_DIALECT_OPENAI, "", "data: ", OPENAI_NUMBERED, "\n\n" },
    { "the message dialect", CASTOR_DIALECT_MESSAGE, "", "", "{\"candidates\":[{\"content\":\"%d %d\"}],\"done\":false}", "\n" },
    { "records that are not like each other", CASTOR_DIALECT_GEMINI, "", "data: ",
      "{\"candidates\": [{\"content\": {\"parts\": [{\"text\": \"a\"}]}}],\"responseId\": \"%d\",\"more\": %d}", "\n\n" },
};

static void feed_numbered(castor_decoder *decoder, const manner *how, int number)
{
    char record[512];

    (void)snprintf(record, sizeof record, how->record, number, number);
    feed(decoder, how->before, record, how->behind);
}

static size_t take_all(castor_decoder *decoder)
{
    castor_event event;
    size_t       count = 0;

    while (castor_decoder_next(decoder, &event, NULL) == CASTOR_STEP_EVENT) count++;
    return count;
}

static void a_decoder_that_runs_allocates_nothing(void **state)
{
    const manner    *how = *state;
    tst_memory       memory = { 0 };
    castor_allocator allocator = tst_allocator(&memory);
    castor_decoder  *decoder = new_decoder(how->dialect, &allocator);

    feed(decoder, how->start, "", "");
    for (int i = 1000; i < 1300; i++) {
        feed_numbered(decoder, how, i);
        assert_true(take_all(decoder) > 0);
    }
    long   asked = memory.asked;
    size_t live = memory.live_bytes;
    for (int i = 1300; i < 3300; i++) {
        feed_numbered(decoder, how, i);
        assert_true(take_all(decoder) > 0);
    }
    assert_int_equal(memory.asked, asked);
    assert_int_equal(memory.live_bytes, live);
    castor_decoder_free(decoder);
    assert_int_equal(memory.live_blocks, 0);
}

/* The same through a client and its transport. */
static void a_stream_that_runs_allocates_nothing(void **state)
{
    enum { STEPS = 1200, WARM = 200 };
    static cst_memory_step script[STEPS + 2];
    static char            bytes[STEPS][512];
    tst_memory             memory = { 0 };
    castor_allocator       allocator = tst_allocator(&memory);
    castor_client_options  options = CASTOR_CLIENT_OPTIONS_INIT;
    castor_request         request = CASTOR_REQUEST_INIT;
    const castor_turn      turn = { .role = CASTOR_USER, .text = { "Hi", 2 } };
    cst_transport         *transport;
    castor_client         *client;
    castor_stream         *stream;
    castor_event           event;
    castor_step            step = CASTOR_STEP_EVENT;
    long                   asked = 0;

    (void)state;
    script[0] = (cst_memory_step){ CST_MEMORY_HEAD, 200, CASTOR_STR("text/event-stream") };
    for (int i = 0; i < STEPS; i++) {
        (void)snprintf(bytes[i], sizeof *bytes, "data: " GEMINI_NUMBERED "\r\n\r\n", i + 1000, i + 1000);
        script[i + 1] = (cst_memory_step){ CST_MEMORY_BYTES, 0, castor_str_of(bytes[i]) };
    }
    script[STEPS + 1] = (cst_memory_step){ CST_MEMORY_END, 0, CST_NONE };
    options.api_key = "test-key";
    options.ignore_environment = 1;
    options.allocator = &allocator;
    request.model = "m";
    request.turns = &turn;
    request.turn_count = 1;
    assert_int_equal(cst_transport_memory_new(&transport, script, cst_allocator_default(), NULL), CASTOR_OK);
    assert_int_equal(cst_client_new_on(&client, &options, transport, NULL), CASTOR_OK);
    assert_int_equal(castor_stream_open(&stream, client, &request, NULL), CASTOR_OK);
    for (int i = 0; i < 2 * (STEPS - 1) && step == CASTOR_STEP_EVENT; i++) { /* a text and its count each */
        step = castor_stream_next(stream, &event, NULL);
        if (i == WARM) asked = memory.asked;
    }
    assert_int_equal(step, CASTOR_STEP_EVENT);
    assert_int_equal(memory.asked, asked);
    castor_stream_close(stream);
    castor_client_free(client);
    assert_int_equal(memory.live_blocks, 0);
}

/* ---- copies ---- */

/* The bytes are written once, into the decoder's input; a text without escapes is a view of them. */
static void a_text_without_escapes_is_not_copied_again(void **state)
{
    castor_decoder *decoder = new_decoder(CASTOR_DIALECT_GEMINI, NULL);
    castor_event    event;

    (void)state;
    for (int i = 0; i < 3; i++) {
        feed(decoder, "data: ", TEXT("Beavers build dams."), "\n\n");
        assert_int_equal(castor_decoder_next(decoder, &event, NULL), CASTOR_STEP_EVENT);
        assert_true(cst_str_is(event.text, "Beavers build dams."));
        castor_str input = cst_buf_view(&decoder->frame.input.bytes);
        assert_true(cst_str_lies_in(event.record, input));
        assert_true(cst_str_lies_in(event.raw, event.record));
        assert_int_equal(cst_str_lies_in(event.text, event.raw), i > 0); /* the first was parsed */
        assert_int_equal(castor_decoder_next(decoder, &event, NULL), CASTOR_STEP_WAIT);
    }
    castor_decoder_free(decoder);
}

/* The test allocator moves every block that grows, so that a view that was left behind points to freed memory. */
static void a_predicted_event_that_waits_stays_good_while_more_is_fed(void **state)
{
    tst_memory       memory = { 0 };
    castor_allocator allocator = tst_allocator(&memory);
    castor_decoder  *decoder = new_decoder(CASTOR_DIALECT_GEMINI, &allocator);
    castor_event     event;

    (void)state;
    feed(decoder, "data: ", "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"a\"},{\"text\":\"b\"}]}}]}", "\n\n");
    assert_int_equal(take_all(decoder), 2);
    feed(decoder, "data: ", "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"one\"},{\"text\":\"two\"}]}}]}", "\n\n");
    assert_int_equal(castor_decoder_next(decoder, &event, NULL), CASTOR_STEP_EVENT);
    assert_int_equal(decoder->prediction.hits, 1);
    for (int i = 0; i < 100; i++) feed(decoder, "data: ", TEXT("more"), "\n\n");
    assert_int_equal(castor_decoder_next(decoder, &event, NULL), CASTOR_STEP_EVENT);
    assert_true(cst_str_is(event.text, "two"));
    assert_true(cst_str_is(event.raw, "{\"text\":\"two\"}"));
    assert_true(cst_str_starts_with(event.record, "{\"candidates\""));
    assert_int_equal(take_all(decoder), 100);
    castor_decoder_free(decoder);
}

/* ---- looks ---- */

/* A megabyte that comes byte by byte: after each, the next search begins behind it. */
static void each_byte_is_looked_at_once_however_many_pieces_it_comes_in(void **state)
{
    enum { SIZE = 1 << 20 };
    tst_memory       memory = { 0 };
    castor_allocator allocator = tst_allocator(&memory);
    castor_decoder  *decoder = new_decoder(CASTOR_DIALECT_GEMINI, &allocator);
    cst_frame       *frame = &decoder->frame;
    castor_event     event;

    (void)state;
    feed(decoder, "data: ", TEXT("a"), "\n\n");
    assert_int_equal(take_all(decoder), 1);
    feed(decoder, "data: ", "{\"candidates\": [{\"content\": {\"parts\": [{\"text\": \"", "");
    assert_int_equal(castor_decoder_next(decoder, &event, NULL), CASTOR_STEP_WAIT);
    uint64_t peeked = decoder->peeked;
    long     asked = memory.asked;
    for (int i = 0; i < SIZE; i++) {
        assert_int_equal(castor_decoder_feed(decoder, "x", 1, NULL), CASTOR_OK);
        assert_int_equal(castor_decoder_next(decoder, &event, NULL), CASTOR_STEP_WAIT);
        assert_int_equal(frame->sse.lf.searched, cst_input_limit(&frame->input));
        assert_int_equal(frame->sse.cr.searched, cst_input_limit(&frame->input));
        assert_int_equal(decoder->peeked, peeked); /* prediction does not try again */
    }
    assert_true(memory.asked - asked <= 16); /* the input doubles: what it moves adds up to less than twice its length */
    feed(decoder, "", "\"}],\"role\": \"model\"},\"index\": 0}]}", "\n\n");
    assert_int_equal(castor_decoder_next(decoder, &event, NULL), CASTOR_STEP_EVENT);
    assert_int_equal(event.text.len, SIZE);
    castor_decoder_free(decoder);
}

/* The same for an element of an array. */
static void each_byte_of_an_array_is_looked_at_once_too(void **state)
{
    castor_decoder *decoder = new_decoder(CASTOR_DIALECT_GEMINI, NULL);
    castor_event    event;

    (void)state;
    feed(decoder, "[", TEXT("a"), ",");
    assert_int_equal(take_all(decoder), 1);
    feed(decoder, "", "{\"candidates\": [{\"content\": {\"parts\": [{\"text\": \"", "");
    for (int i = 0; i < 1 << 18; i++) {
        assert_int_equal(castor_decoder_feed(decoder, "x", 1, NULL), CASTOR_OK);
        assert_int_equal(castor_decoder_next(decoder, &event, NULL), CASTOR_STEP_WAIT);
        assert_int_equal(decoder->frame.input.scan, cst_input_limit(&decoder->frame.input));
    }
    castor_decoder_free(decoder);
}

/* Where no record is like the one before, lessons become rare, and come back when they pay. */
static void lessons_that_do_not_pay_become_rare(void **state)
{
    castor_decoder *decoder = new_decoder(CASTOR_DIALECT_GEMINI, NULL);
    size_t          lessons = 0;

    (void)state;
    for (int i = 0; i < 1000; i++) {
        feed_numbered(decoder, &manners[4], i);
        assert_int_equal(take_all(decoder), 1);
        lessons += decoder->prediction.is_learned;
    }
    assert_in_range(lessons, 1, 30);
    for (int i = 0; i < 200; i++) {
        feed_numbered(decoder, &manners[0], i + 1000);
        assert_int_equal(take_all(decoder), 2);
    }
    assert_in_range(decoder->prediction.hits, 100, 200);
    castor_decoder_free(decoder);
}

static const struct CMUnitTest costs[] = {
    cmocka_unit_test(a_stream_that_runs_allocates_nothing),
    cmocka_unit_test(a_text_without_escapes_is_not_copied_again),
    cmocka_unit_test(a_predicted_event_that_waits_stays_good_while_more_is_fed),
    cmocka_unit_test(each_byte_is_looked_at_once_however_many_pieces_it_comes_in),
    cmocka_unit_test(each_byte_of_an_array_is_looked_at_once_too),
    cmocka_unit_test(lessons_that_do_not_pay_become_rare),
};

int main(void)
{
    enum { PAIRS = sizeof pairs / sizeof *pairs, MANNERS = sizeof manners / sizeof *manners,
           COSTS = sizeof costs / sizeof *costs, LIMITS = sizeof limits / sizeof *limits };
    struct CMUnitTest tests[PAIRS + LIMITS + MANNERS + COSTS];
    char              names[MANNERS][80];
    size_t            count = 0;

    for (size_t i = 0; i < PAIRS; i++) {
        tests[count++] = (struct CMUnitTest){ .name = pairs[i].name, .test_func = the_second_record_is_read_right,
                                              .initial_state = (void *)(uintptr_t)&pairs[i] };
    }
    for (size_t i = 0; i < LIMITS; i++) {
        tests[count++] = (struct CMUnitTest){ .name = limits[i].name, .test_func = up_to_the_limit_and_no_further,
                                              .initial_state = (void *)(uintptr_t)&limits[i] };
    }
    for (size_t i = 0; i < MANNERS; i++) {
        (void)snprintf(names[i], sizeof names[i], "a decoder that runs allocates nothing: %s", manners[i].name);
        tests[count++] = (struct CMUnitTest){ .name = names[i], .test_func = a_decoder_that_runs_allocates_nothing,
                                              .initial_state = (void *)(uintptr_t)&manners[i] };
    }
    memcpy(tests + count, costs, sizeof costs);
    return _cmocka_run_group_tests("prediction", tests, count + COSTS, NULL, NULL);
}
