/* test_recorder.c -- the flight recorder: what it holds, what its script says, and that pollux plays it
 * to the same end.
 * SPDX-License-Identifier: MIT
 */
#include <castor/pollux.h>

#include <stdio.h>
#include <stdlib.h>

#include "asking.h"
#include "client.h"
#include "drive.h"
#include "recorder.h"
#include "script/match.h"
#include "steps.h"
#include "stream.h"

#define SSE "text/event-stream"
#define EVENT(text) "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"" text "\"}]},\"index\":0}]}\r\n\r\n"
#define LAST(text) \
    "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"" text "\"}]},\"finishReason\":\"STOP\"}]}\r\n\r\n"

#define TEST_KEY "test-key-0123456789"

/* ---- a recorded answer over a transport of memory ---- */

typedef struct fixture {
    castor_client *client;
    castor_stream *stream;
    castor_error   err;
    castor_str     script; /* of the dump */
} fixture;

static castor_request request_to_record(int64_t recorder_bytes)
{
    static const castor_turn turn = { .role = CASTOR_USER, .text = { "My secret question", 18 } };
    castor_request           request = CASTOR_REQUEST_INIT;

    request.model = "gemini-3.8-flash";
    request.turns = &turn;
    request.turn_count = 1;
    request.recorder_bytes = recorder_bytes;
    return request;
}

static castor_step read_to_the_end(castor_stream *stream, castor_error *err)
{
    castor_event event;
    castor_step  step;

    while ((step = castor_stream_next(stream, &event, err)) == CASTOR_STEP_EVENT) continue;
    return step;
}

static void set_up(fixture *fix, const cst_memory_step *steps, int64_t recorder_bytes)
{
    castor_client_options options = CASTOR_CLIENT_OPTIONS_INIT;
    castor_retry_options  retry = CASTOR_RETRY_OPTIONS_INIT;
    castor_request        request = request_to_record(recorder_bytes);
    cst_transport        *transport;

    *fix = (fixture){ 0 };
    options.api_key = TEST_KEY;
    options.base_url = "http://twin.test/base";
    options.ignore_environment = 1;
    options.retry = &retry;
    retry.attempts_max = 2;
    assert_int_equal(cst_transport_memory_new(&transport, steps, cst_allocator_default(), &fix->err), CASTOR_OK);
    assert_int_equal(cst_client_new_on(&fix->client, &options, transport, &fix->err), CASTOR_OK);
    assert_int_equal(castor_stream_open(&fix->stream, fix->client, &request, &fix->err), CASTOR_OK);
}

static void dump(fixture *fix)
{
    assert_int_equal(castor_stream_dump(fix->stream, &fix->script, &fix->err), CASTOR_OK);
    assert_int_equal(fix->script.data[fix->script.len], '\0');
    assert_null(strstr(fix->script.data, TEST_KEY));
    assert_null(strstr(fix->script.data, "secret question"));
}

static void record(fixture *fix, const cst_memory_step *steps, int64_t recorder_bytes)
{
    set_up(fix, steps, recorder_bytes);
    read_to_the_end(fix->stream, &fix->err);
    dump(fix);
}

static void tear_down(fixture *fix)
{
    castor_stream_close(fix->stream);
    castor_client_free(fix->client);
}

static void assert_says(const fixture *fix, const char *wanted)
{
    if (!strstr(fix->script.data, wanted)) fail_msg("\"%s\" is not in:\n%s", wanted, fix->script.data);
}

/* The script as pollux reads it. To be freed. */
static plx_script parse(const fixture *fix)
{
    plx_script       script;
    plx_script_error error;

    if (!plx_script_parse(&script, fix->script, &error)) {
        fail_msg("line %zu: %s\n%s", error.line, error.message, fix->script.data);
    }
    return script;
}

/* ---- what the script says ---- */

static void the_script_has_bytes_cuts_pauses_and_the_end(void **state)
{
    static const cst_memory_step steps[] = { PHASE(CST_PHASE_CONNECT), WAIT(20), PHASE(CST_PHASE_FIRST_BYTE), WAIT(500),
        HEAD(200, SSE), BYTES(EVENT("Da")), BYTES("da"), WAIT(40), BYTES("ta: {\"candidates\""), WAIT(7), LOSE("cut") };
    static const plx_wait waits[] = { { PLX_PART_BYTES, 0, 500 }, { PLX_PART_BYTES, sizeof EVENT("Da") - 1, 0 },
        { PLX_PART_BYTES, sizeof EVENT("Da") + 1, 40 }, { PLX_PART_BYTES, sizeof EVENT("Da") + 18, 7 } };
    fixture fix;

    (void)state;
    record(&fix, steps, 1 << 20);
    plx_script      script = parse(&fix);
    const plx_case *one = script.first;
    assert_int_equal(script.case_count, 1);
    assert_true(cst_str_is(one->bytes, EVENT("Da") "data: {\"candidates\""));
    assert_int_equal(one->wait_count, sizeof waits / sizeof waits[0]);
    for (size_t i = 0; i < one->wait_count; i++) {
        assert_int_equal(one->waits[i].offset, waits[i].offset);
        assert_int_equal(one->waits[i].wait_ms, waits[i].wait_ms);
    }
    assert_true(one->end_is_lost);
    assert_int_equal(one->status, 200);
    assert_true(cst_str_is(one->content_type, SSE));
    assert_true(plx_case_matches(one, CASTOR_STR("Whatever is asked")));
    assert_says(&fix, "POST http://twin.test/base/v1beta/models/gemini-3.8-flash:streamGenerateContent, attempt 1.\n");
    assert_says(&fix, "It came to TRUNCATED: ");
    plx_script_free(&script);
    tear_down(&fix);
}

/* A close and a reset are not the same to a client: behind a reset, bytes may be missing that had arrived. */
static void a_connection_that_was_closed_is_closed_when_played(void **state)
{
    static const cst_memory_step steps[] = { PHASE(CST_PHASE_FIRST_BYTE), HEAD(200, SSE), BYTES(EVENT("Dams")),
                                             { CST_MEMORY_LOSE, 1, { "FIN", 3 } } };
    static const cst_memory_step busy[] = { PHASE(CST_PHASE_FIRST_BYTE), { CST_MEMORY_DELAY, 200000, { NULL, 0 } },
                                            HEAD(503, "text/plain"), BYTES("Bu"), { CST_MEMORY_LOSE, 1, { "FIN", 3 } } };
    static const cst_memory_step nothing[] = { PHASE(CST_PHASE_FIRST_BYTE), { CST_MEMORY_LOSE, 1, { "FIN", 3 } } };
    static const struct {
        const cst_memory_step *steps;
        const char            *fault;
    } cases[] = { { steps, "cut@end" }, { busy, "retryafter=200,cut@end" }, { nothing, "cut@head" } };
    fixture fix;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        record(&fix, cases[i].steps, 1 << 20);
        plx_script script = parse(&fix);
        assert_true(cst_str_is(script.first->fault, cases[i].fault));
        assert_false(script.first->end_is_lost);
        plx_script_free(&script);
        tear_down(&fix);
    }
}

static void every_byte_can_be_said(void **state)
{
    static char     all[3 * 256];
    cst_memory_step steps[] = { PHASE(CST_PHASE_FIRST_BYTE), HEAD(200, "text/plain"),
                                { CST_MEMORY_BYTES, 0, { all, sizeof all } }, END };
    fixture         fix;

    (void)state;
    for (size_t i = 0; i < sizeof all; i++) all[i] = (char)(i % 3 == 1 ? i / 3 : i % 3 == 2 ? ' ' : '\n');
    record(&fix, steps, 1 << 20);
    plx_script script = parse(&fix);
    assert_int_equal(script.first->bytes.len, sizeof all);
    assert_memory_equal(script.first->bytes.data, all, sizeof all);
    assert_false(script.first->end_is_lost);
    for (size_t i = 0; i < fix.script.len; i++) {
        assert_true(fix.script.data[i] == '\n' || (fix.script.data[i] >= ' ' && fix.script.data[i] <= '~'));
    }
    assert_null(strstr(fix.script.data, " \n")); /* editors take blanks away at the end of a line */
    plx_script_free(&script);
    tear_down(&fix);
}

static void a_server_that_fell_silent_is_silent_when_played(void **state)
{
    static const cst_memory_step steps[] = { PHASE(CST_PHASE_FIRST_BYTE), HEAD(200, SSE), BYTES(EVENT("Dams")),
                                             WAIT(3600 * 1000), END };
    fixture fix;

    (void)state;
    record(&fix, steps, 1 << 20);
    assert_int_equal(fix.err.verdict, CASTOR_VERDICT_TIMEOUT);
    plx_script script = parse(&fix);
    assert_int_equal(script.first->wait_count, 2);
    assert_int_equal(script.first->waits[1].wait_ms, 24 * 3600 * 1000);
    plx_script_free(&script);
    tear_down(&fix);
}

static void without_a_connection_there_is_nothing_to_play(void **state)
{
    static const cst_memory_step steps[] = { PHASE(CST_PHASE_CONNECT), LOSE("no connection") };
    plx_script       script;
    plx_script_error error;
    fixture          fix;

    (void)state;
    record(&fix, steps, 1 << 20);
    assert_says(&fix, ":streamGenerateContent, attempt 2.\n");
    assert_says(&fix, "It came to NETWORK: ");
    assert_says(&fix, "There was no connection: nothing can be played.");
    assert_false(plx_script_parse(&script, fix.script, &error));
    tear_down(&fix);
}

static void an_answer_that_never_came_is_a_refusal(void **state)
{
    static const cst_memory_step steps[] = { PHASE(CST_PHASE_FIRST_BYTE), LOSE("reset") };
    fixture fix;

    (void)state;
    record(&fix, steps, 1 << 20);
    plx_script script = parse(&fix);
    assert_true(cst_str_is(script.first->fault, "refuse"));
    plx_script_free(&script);
    tear_down(&fix);
}

static void a_status_that_means_nothing_is_played_too(void **state)
{
    static const cst_memory_step steps[] = { PHASE(CST_PHASE_FIRST_BYTE), HEAD(999, "text/plain"), BYTES("denied"),
                                             END };
    fixture fix;

    (void)state;
    record(&fix, steps, 1 << 20);
    plx_script script = parse(&fix);
    assert_int_equal(script.first->status, 999);
    plx_script_free(&script);
    tear_down(&fix);
}

static void a_tail_that_we_cut_off_was_not_lost_by_the_server(void **state)
{
    castor_str      pad = tst_repeat(":", CST_CLOSE_TAIL_BYTES + 1);
    cst_memory_step steps[] = { PHASE(CST_PHASE_FIRST_BYTE), HEAD(200, SSE),
        BYTES("data: {\"error\":{\"code\":400,\"status\":\"INVALID_ARGUMENT\"}}\r\n\r\n"), WAIT(1),
        { CST_MEMORY_BYTES, 0, pad }, END };
    fixture         fix;

    (void)state;
    set_up(&fix, steps, 1 << 20);
    assert_int_equal(read_to_the_end(fix.stream, &fix.err), CASTOR_STEP_ERROR);
    while (fix.stream->attempt.exchange) assert_int_equal(cst_client_drive(fix.client, 1, &fix.err), CASTOR_OK);
    dump(&fix);
    assert_says(&fix, "::::");
    assert_says(&fix, "@ end: clean\n");
    tear_down(&fix);
    free((void *)(uintptr_t)pad.data);
}

static void what_went_wrong_is_told_in_ascii(void **state)
{
    static const cst_memory_step steps[] = { PHASE(CST_PHASE_FIRST_BYTE), HEAD(400, "application/json"),
        BYTES("{\"error\":{\"code\":400,\"message\":\"zu gro\xC3\x9F\",\"status\":\"INVALID_ARGUMENT\"}}"), END };
    fixture fix;

    (void)state;
    record(&fix, steps, 1 << 20);
    assert_says(&fix, ": zu gro\\xc3\\x9f.\n");
    for (size_t i = 0; i < fix.script.len; i++) assert_true((unsigned char)fix.script.data[i] < 0x80);
    tear_down(&fix);
}

static void what_nobody_recorded_cannot_be_dumped(void **state)
{
    static const cst_memory_step steps[] = { PHASE(CST_PHASE_FIRST_BYTE), HEAD(200, SSE), BYTES(LAST("Dams")), END };
    fixture fix;

    (void)state;
    set_up(&fix, steps, 0);
    assert_int_equal(castor_stream_dump(fix.stream, &fix.script, &fix.err), CASTOR_INVALID);
    assert_non_null(strstr(fix.err.message, "recorder_bytes"));
    assert_null(fix.script.data);
    tear_down(&fix);
}

static void the_first_dump_ends_the_recording(void **state)
{
    static const cst_memory_step steps[] = { PHASE(CST_PHASE_FIRST_BYTE), HEAD(200, SSE), BYTES(EVENT("Dams")), WAIT(9),
                                             BYTES(LAST("rot.")), END };
    fixture      fix;
    castor_event event;

    (void)state;
    set_up(&fix, steps, 1 << 20);
    assert_int_equal(castor_stream_next(fix.stream, &event, &fix.err), CASTOR_STEP_EVENT);
    dump(&fix);
    assert_says(&fix, "It was still under way.");
    assert_int_equal(read_to_the_end(fix.stream, &fix.err), CASTOR_STEP_DONE);
    dump(&fix);
    assert_says(&fix, "It came to COMPLETE.");
    assert_says(&fix, "Dams");
    assert_null(strstr(fix.script.data, "rot."));
    tear_down(&fix);
}

/* Else it would come to the head of one answer with the bytes of none, and a key in that head would be legible. */
static void no_later_attempt_touches_a_recording_that_was_dumped(void **state)
{
    cst_recorder *recorder = cst_recorder_new(1 << 10, cst_allocator_default());

    (void)state;
    cst_recorder_begin(recorder, 0);
    cst_recorder_connect(recorder, 1);
    cst_recorder_head(recorder, 503, CASTOR_STR("text/plain"), (castor_i64){ 0, 0 });
    cst_recorder_take(recorder, "busy", 4, 2);
    cst_recorder_end(recorder, CST_RECORD_LOST, 3);
    cst_recorder_finish(recorder, CASTOR_STR(TEST_KEY));
    cst_recorder_begin(recorder, 4);
    cst_recorder_connect(recorder, 5);
    cst_recorder_head(recorder, 302, CASTOR_STR("text/" TEST_KEY), castor_some_i64(1000));
    cst_recorder_redirect(recorder, CASTOR_STR("https://" TEST_KEY ".test/"));
    cst_recorder_take(recorder, "idle", 4, 6);
    assert_true(cst_str_is(cst_recorder_bytes(recorder), "busy"));
    assert_int_equal(recorder->attempt_count, 1);
    assert_int_equal(recorder->http_status, 503);
    assert_false(recorder->retry_after_ms.is_set);
    assert_string_equal(recorder->content_type, "text/plain");
    assert_string_equal(recorder->redirected_to, "");
    assert_int_equal(recorder->end, CST_RECORD_LOST);
    cst_recorder_free(recorder);
}

static void a_stream_without_its_client_can_still_be_dumped(void **state)
{
    static const cst_memory_step steps[] = { PHASE(CST_PHASE_FIRST_BYTE), HEAD(200, SSE), BYTES(EVENT(TEST_KEY)),
                                             WAIT(9), END };
    fixture      fix;
    castor_event event;

    (void)state;
    set_up(&fix, steps, 1 << 20);
    assert_int_equal(castor_stream_next(fix.stream, &event, &fix.err), CASTOR_STEP_EVENT);
    castor_client_free(fix.client);
    dump(&fix);
    assert_says(&fix, "***");
    assert_says(&fix, "It came to CANCELLED: ");
    castor_stream_close(fix.stream);
}

static void a_whole_answer_can_be_dumped_too(void **state)
{
    static const cst_memory_step steps[] = { PHASE(CST_PHASE_FIRST_BYTE), HEAD(200, SSE), BYTES(LAST("Dams")), END };
    castor_answer *answer;
    fixture        fix;

    (void)state;
    set_up(&fix, steps, 1 << 20);
    castor_request request = request_to_record(1 << 20);
    assert_int_equal(castor_generate(&answer, fix.client, &request, &fix.err), CASTOR_OK);
    assert_int_equal(castor_stream_dump(castor_answer_stream(answer), &fix.script, &fix.err), CASTOR_OK);
    assert_says(&fix, "Dams");
    castor_answer_free(answer);
    tear_down(&fix);
}

/* ---- when it is full ---- */

/* Events of 100 bytes: "data: {"n":NNN...}". */
static castor_str many_events(size_t count)
{
    cst_buf out;

    cst_buf_init(&out, cst_allocator_default(), 1 << 20);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(cst_buf_append_format(&out, "data: {\"n\":%05zu,\"pad\":\"%068d\"}\r\n\r\n", i, 0), CASTOR_OK);
    }
    return cst_buf_view(&out);
}

static void a_full_recorder_begins_with_the_first_whole_event_it_has(void **state)
{
    castor_str      body = many_events(100);
    cst_memory_step steps[100 + 3] = { PHASE(CST_PHASE_FIRST_BYTE), HEAD(200, SSE) };
    size_t          event_len = body.len / 100;
    fixture         fix;
    char            wanted[64];

    (void)state;
    for (size_t i = 0; i < 100; i++) { /* no piece begins where an event does */
        size_t from = i == 0 ? 0 : i * event_len + 10, to = i == 99 ? body.len : (i + 1) * event_len + 10;
        steps[i + 2] = (cst_memory_step){ CST_MEMORY_BYTES, 0, { body.data + from, to - from } };
    }
    steps[102] = (cst_memory_step)END;
    record(&fix, steps, 2000);
    plx_script script = parse(&fix);
    castor_str kept = script.first->bytes;
    assert_true(kept.len <= 2000 && kept.len > 1500);
    assert_int_equal(kept.len % event_len, 0);
    assert_memory_equal(kept.data, body.data + body.len - kept.len, kept.len);
    snprintf(wanted, sizeof wanted, "the first %zu bytes are missing", body.len - kept.len);
    assert_says(&fix, wanted);
    plx_script_free(&script);
    tear_down(&fix);
    free((void *)(uintptr_t)body.data);
}

static void a_full_recorder_of_json_says_that_it_cannot_be_played(void **state)
{
    castor_str      pad = tst_repeat("x", 2000);
    cst_memory_step steps[] = { PHASE(CST_PHASE_FIRST_BYTE), HEAD(200, "application/json"),
                                BYTES("[{\"candidates\":\""), { CST_MEMORY_BYTES, 0, pad }, BYTES("\"}]"), END };
    fixture         fix;

    (void)state;
    record(&fix, steps, 1024);
    assert_says(&fix, "without them the rest is no JSON, and cannot come to the same");
    tear_down(&fix);
    free((void *)(uintptr_t)pad.data);
}

static void the_rings_hold_the_last_bytes_whatever_the_pieces(void **state)
{
    enum { BODY = 20000 };
    static char body[BODY];
    uint64_t    seed = tst_seed();

    (void)state;
    for (size_t i = 0; i < BODY; i++) body[i] = (char)tst_random_below(&seed, 256);
    for (size_t round = 0; round < 300; round++) {
        size_t        max = CST_RECORDER_BYTES_MIN + tst_random_below(&seed, 12000), at = 0, count, sum = 0;
        size_t        piece_max = 1 + tst_random_below(&seed, round % 3 == 0 ? 20 : 15000);
        cst_recorder *recorder = cst_recorder_new(max, cst_allocator_default());
        cst_recorder_begin(recorder, 0);
        while (at < BODY) {
            size_t len = 1 + tst_random_below(&seed, piece_max);
            if (len > BODY - at) len = BODY - at;
            cst_recorder_take(recorder, body + at, len, (int64_t)at);
            at += len;
            if (tst_random_below(&seed, 50) > 0) continue;
            castor_str held = cst_recorder_bytes(recorder); /* a look in between changes nothing */
            assert_memory_equal(held.data, body + at - held.len, held.len);
        }
        castor_str      held = cst_recorder_bytes(recorder);
        const cst_mark *marks = cst_recorder_marks(recorder, &count);
        for (size_t i = 0; i < count; i++) sum += marks[i].len;
        assert_true(held.len <= max && held.len > 0);
        assert_int_equal(sum, held.len);
        assert_int_equal(held.len + recorder->dropped, BODY);
        assert_memory_equal(held.data, body + BODY - held.len, held.len);
        cst_recorder_free(recorder);
    }
}

static void a_recorder_without_memory_makes_do_and_the_answer_goes_on(void **state)
{
    static char piece[3000];
    tst_memory  memory = { 0 };

    (void)state;
    memset(piece, 'x', sizeof piece);
    for (long nth = 1; nth < 12; nth++) {
        memory = (tst_memory){ .fail_at = nth, .stays_empty = true };
        castor_allocator allocator = tst_allocator(&memory);
        cst_recorder    *recorder = cst_recorder_new(1 << 20, &allocator);
        size_t           count;
        if (recorder) {
            cst_recorder_begin(recorder, 0);
            for (int i = 0; i < 20; i++) cst_recorder_take(recorder, piece, sizeof piece, i);
            assert_int_equal(cst_recorder_bytes(recorder).len + recorder->dropped, 20 * sizeof piece);
            (void)cst_recorder_marks(recorder, &count);
            cst_recorder_free(recorder);
        }
        assert_int_equal(memory.live_blocks, 0);
        assert_false(memory.has_lied);
    }
}

/* A whole answer, recorded and dumped. */
static castor_status live_once(tst_memory *memory)
{
    static const cst_memory_step steps[] = { PHASE(CST_PHASE_FIRST_BYTE), HEAD(200, SSE), BYTES(EVENT("Dams")),
                                             BYTES(LAST("rot.")), END };
    castor_allocator             allocator = tst_allocator(memory);
    castor_client_options        options = CASTOR_CLIENT_OPTIONS_INIT;
    castor_request               request = request_to_record(1 << 20);
    castor_client               *client = NULL;
    castor_stream               *stream = NULL;
    cst_transport               *transport;
    castor_error                 err = { 0 };
    castor_str                   script;

    options.api_key = TEST_KEY;
    options.ignore_environment = 1;
    options.allocator = &allocator;
    castor_status status = cst_transport_memory_new(&transport, steps, cst_allocator_default(), &err);
    if (status == CASTOR_OK) status = cst_client_new_on(&client, &options, transport, &err);
    if (status == CASTOR_OK) status = castor_stream_open(&stream, client, &request, &err);
    if (status == CASTOR_OK) (void)read_to_the_end(stream, &err);
    if (status == CASTOR_OK) status = castor_stream_dump(stream, &script, &err);
    castor_stream_close(stream);
    castor_client_free(client);
    return status;
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    for (long nth = 1;; nth++) {
        tst_memory    memory = { .fail_at = nth };
        castor_status status = live_once(&memory);
        assert_int_equal(memory.live_blocks, 0);
        assert_false(memory.has_lied);
        assert_true(status == CASTOR_OK || (status == CASTOR_NO_MEMORY && memory.did_fail));
        if (memory.did_fail) continue;
        assert_true(nth > 12);
        return;
    }
}

/* ---- the key ---- */

static void a_key_that_the_server_quotes_is_covered(void **state)
{
    static const cst_memory_step steps[] = { PHASE(CST_PHASE_FIRST_BYTE), HEAD(400, "application/json"),
        BYTES("{\"error\":{\"code\":400,\"message\":\"no such key: test-k"), BYTES("ey-0123456789"),
        BYTES(" nor test-key-0123456789\"}}"), END };
    fixture fix;

    (void)state;
    record(&fix, steps, 1 << 20);
    assert_null(strstr(fix.script.data, "0123"));
    assert_says(&fix, "no such key: ******\n~ 0\n<\\ *************\n~ 0\n<\\  nor *******************\"}}\n");
    tear_down(&fix);
}

static void a_key_that_an_end_of_the_recording_cuts_in_two_is_covered(void **state)
{
    static const cst_memory_step lost[] = { PHASE(CST_PHASE_FIRST_BYTE), HEAD(401, "text/plain"),
                                            BYTES("bad key test-key-0123"), LOSE("cut") };
    castor_str      pad = tst_repeat("x", 1024 - 9 - 1); /* behind the key's last 9 bytes */
    cst_memory_step full[] = { PHASE(CST_PHASE_FIRST_BYTE), HEAD(401, "text/plain"), BYTES("bad key test-key-0"),
                               BYTES("123456789"), { CST_MEMORY_BYTES, 0, pad }, END };
    fixture         fix;

    (void)state;
    record(&fix, lost, 1 << 20);
    assert_says(&fix, "bad key *************");
    assert_null(strstr(fix.script.data, "test-key"));
    tear_down(&fix);
    record(&fix, full, 1024);
    assert_says(&fix, "*********");
    assert_null(strstr(fix.script.data, "123456789"));
    tear_down(&fix);
    free((void *)(uintptr_t)pad.data);
}

static void a_recorder_holds_at_least_1_kib_and_at_most_128_mib(void **state)
{
    static const struct {
        int64_t wanted;
        size_t  held;
    } cases[] = {
        { -1, 0 },
        { 1, CST_RECORDER_BYTES_MIN },
        { CST_RECORDER_BYTES_MIN, CST_RECORDER_BYTES_MIN },
        { CST_RECORDER_BYTES_MIN + 1, CST_RECORDER_BYTES_MIN + 1 },
        { CST_RECORDER_BYTES_MAX, CST_RECORDER_BYTES_MAX },
        { CST_RECORDER_BYTES_MAX + 1, CST_RECORDER_BYTES_MAX },
        { INT64_MAX, CST_RECORDER_BYTES_MAX },
    };
    static const cst_memory_step steps[] = { HEAD(200, SSE), BYTES(LAST("Dams.")), END };
    fixture                      fix;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        set_up(&fix, steps, cases[i].wanted);
        const cst_recorder *recorder = fix.stream->attempt.recorder;
        assert_int_equal(recorder ? recorder->bytes.max : 0, cases[i].held);
        tear_down(&fix);
    }
}

/* ---- there and back ---- */

static castor_client *client_of(const char *url)
{
    castor_client_options options = tst_options(url);
    castor_client        *client;

    options.api_key = TEST_KEY;
    options.recorder_bytes = 1 << 20;
    assert_int_equal(castor_client_new(&client, &options, NULL), CASTOR_OK);
    return client;
}

/* All events and the end as text, and the dump without what differs each time: its prose, and how long pauses were. */
typedef struct flight {
    cst_buf events;
    cst_buf script;
    cst_buf dump; /* as it stands */
    bool    was_left; /* it had not ended when we had heard enough */
} flight;

static void keep_script(flight *out, castor_str script)
{
    assert_int_equal(cst_buf_append_str(&out->dump, script), CASTOR_OK);
    while (script.len > 0 && !cst_str_starts_with(script, "## ")) tst_take_line(&script);
    while (script.len > 0) {
        castor_str line = tst_take_line(&script);
        if (cst_str_starts_with(line, "~")) line.len = 1;
        assert_int_equal(cst_buf_append_format(&out->script, "%.*s\n", CASTOR_ARG(line)), CASTOR_OK);
    }
}

static flight fly(const char *url, castor_dialect dialect, bool is_unary)
{
    castor_client *client = client_of(url);
    castor_request request = request_to_record(0);
    castor_stream *stream;
    castor_event   event;
    castor_error   err = { 0 };
    castor_str     script;
    flight         out;

    cst_buf_init(&out.events, cst_allocator_default(), 64 << 20);
    cst_buf_init(&out.script, cst_allocator_default(), 64 << 20);
    cst_buf_init(&out.dump, cst_allocator_default(), 64 << 20);
    request.dialect = dialect;
    request.is_unary = is_unary;
    assert_int_equal(castor_stream_open(&stream, client, &request, &err), CASTOR_OK);
    while (castor_stream_next(stream, &event, &err) == CASTOR_STEP_EVENT) {
        castor_usage usage = castor_stream_usage(stream);
        tst_print_event(&out.events, &event, &usage);
        assert_int_equal(cst_buf_append_text(&out.events, "\n"), CASTOR_OK);
    }
    assert_int_equal(cst_buf_append_format(&out.events, "%s %d %s %s retry %lld %s\n",
                                           castor_verdict_name(castor_stream_verdict(stream)),
                                           (int)castor_stream_http_status(stream), err.code, err.reason,
                                           (long long)err.retry_after_ms.value,
                                           err.status == CASTOR_API_ERROR ? err.message : ""), CASTOR_OK);
    assert_int_equal(castor_stream_dump(stream, &script, &err), CASTOR_OK);
    keep_script(&out, script);
    out.was_left = stream->attempt.recorder->end == CST_RECORD_OPEN;
    castor_stream_close(stream);
    castor_client_free(client);
    return out;
}

static void land(flight *flown)
{
    cst_buf_free(&flown->events);
    cst_buf_free(&flown->script);
    cst_buf_free(&flown->dump);
}

static pollux *twin(const char **url)
{
    pollux *out = NULL;
    char    why[256] = "";

    *url = pollux_start(&out, NULL, why, sizeof why);
    if (!*url) fail_msg("%s", why);
    return out;
}

/* How much had come when we left is chance: then the shorter one, but for its last pause, begins the longer. */
static bool is_same_script(const flight *there, const flight *back)
{
    castor_str a = cst_buf_view(&there->script), b = cst_buf_view(&back->script);
    size_t     pause = strlen("~\n"), shorter = a.len < b.len ? a.len : b.len;

    if (!there->was_left && !back->was_left) return cst_str_equal(a, b);
    return shorter > pause && memcmp(a.data, b.data, shorter - pause) == 0;
}

static void check_there_and_back(const char *fault, castor_dialect dialect, bool is_unary)
{
    const char *first_url, *second_url;
    char        why[256] = "";
    pollux     *first = twin(&first_url), *second = twin(&second_url);

    assert_true(pollux_play(first, "## Dams\n? *\n= Beavers build d\xC3\xA4ms \xF0\x9F\xA6\xAB of sticks,\n= and live "
                                   "behind them, all winter long.\n=~ Easy.\n", why, sizeof why));
    if (*fault && !pollux_spoil(first, fault, 0, why, sizeof why)) fail_msg("%s", why);
    flight there = fly(first_url, dialect, is_unary);
    if (!pollux_play(second, there.dump.data, why, sizeof why)) fail_msg("%s: %s\n%s", fault, why, there.dump.data);
    flight back = fly(second_url, dialect, is_unary);
    if (!cst_str_equal(cst_buf_view(&there.events), cst_buf_view(&back.events)) ||
        !is_same_script(&there, &back)) {
        tst_show_difference(cst_buf_view(&there.events), cst_buf_view(&back.events));
        tst_show_difference(cst_buf_view(&there.script), cst_buf_view(&back.script));
        fail_msg("with the fault \"%s\", dialect %d, the second flight was another", fault, (int)dialect);
    }
    land(&there);
    land(&back);
    pollux_stop(first);
    pollux_stop(second);
}

static void pollux_plays_a_recording_to_the_same_end_with_the_same_cuts(void **state)
{
    static const char *const faults[] = {
        "", "cut@event=2", "rst@byte=300", "splits=7", "split=utf8", "badutf8@event=2", "nul@event=1", "status=503",
        "status=429:rpm", "retryafter=7,status=503", "garbage@event=2", "eol=mixed", "gzip", "big=3000@event=1",
        "redirect", "empty=503", "untilclose", "html", "nofinish", "error@event=2", "type=none", "type=other",
        "multiline", "torn@event=2", "bom", "noblank", "nolastchunk", "badchunk@event=2", "cut@head", "rst@byte=0",
        "dup@event=1",
    };

    (void)state;
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        check_there_and_back(faults[i], CASTOR_DIALECT_GEMINI, false);
    }
    check_there_and_back("cut@event=2", CASTOR_DIALECT_OPENAI, false);
    check_there_and_back("splits=3", CASTOR_DIALECT_OPENAI, false);
    check_there_and_back("splits=3", CASTOR_DIALECT_MESSAGE, false);
    check_there_and_back("", CASTOR_DIALECT_GEMINI, true);
    check_there_and_back("cut@byte=20", CASTOR_DIALECT_GEMINI, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_script_has_bytes_cuts_pauses_and_the_end),
        cmocka_unit_test(a_connection_that_was_closed_is_closed_when_played),
        cmocka_unit_test(every_byte_can_be_said),
        cmocka_unit_test(a_server_that_fell_silent_is_silent_when_played),
        cmocka_unit_test(without_a_connection_there_is_nothing_to_play),
        cmocka_unit_test(an_answer_that_never_came_is_a_refusal),
        cmocka_unit_test(a_status_that_means_nothing_is_played_too),
        cmocka_unit_test(a_tail_that_we_cut_off_was_not_lost_by_the_server),
        cmocka_unit_test(what_went_wrong_is_told_in_ascii),
        cmocka_unit_test(what_nobody_recorded_cannot_be_dumped),
        cmocka_unit_test(the_first_dump_ends_the_recording),
        cmocka_unit_test(no_later_attempt_touches_a_recording_that_was_dumped),
        cmocka_unit_test(a_stream_without_its_client_can_still_be_dumped),
        cmocka_unit_test(a_whole_answer_can_be_dumped_too),
        cmocka_unit_test(a_full_recorder_begins_with_the_first_whole_event_it_has),
        cmocka_unit_test(a_full_recorder_of_json_says_that_it_cannot_be_played),
        cmocka_unit_test(the_rings_hold_the_last_bytes_whatever_the_pieces),
        cmocka_unit_test(a_recorder_holds_at_least_1_kib_and_at_most_128_mib),
        cmocka_unit_test(a_recorder_without_memory_makes_do_and_the_answer_goes_on),
        cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(a_key_that_the_server_quotes_is_covered),
        cmocka_unit_test(a_key_that_an_end_of_the_recording_cuts_in_two_is_covered),
        cmocka_unit_test(pollux_plays_a_recording_to_the_same_end_with_the_same_cuts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
