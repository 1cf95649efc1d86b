/* test_stream.c -- clients and streams over a transport of memory: every end, every time limit, on a clock of ours.
 * SPDX-License-Identifier: MIT
 */
#include <stdio.h>
#include <stdlib.h>

#include "client.h"
#include "drive.h"
#include "steps.h"
#include "stream.h"
#include "support.h"

#define SSE "text/event-stream"
#define HELLO "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"Hello\"}]},\"index\":0}],\"responseId\":\"r1\",\"modelVersion\":\"m1\"}\r\n\r\n"
#define WORLD "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\" world\"}]},\"finishReason\":\"STOP\",\"index\":0}]," \
              "\"usageMetadata\":{\"promptTokenCount\":4,\"candidatesTokenCount\":2,\"totalTokenCount\":6}}\r\n\r\n"

static const cst_memory_step whole[] = { PHASE(CST_PHASE_CONNECT), WAIT(20), PHASE(CST_PHASE_FIRST_BYTE), WAIT(500), HEAD(200, SSE),
                                         BYTES(HELLO), WAIT(40), BYTES(WORLD), END };

/* ---- a client on a script ---- */

typedef struct fixture {
    tst_memory     memory;
    cst_transport *transport;
    castor_client *client;
    castor_stream *stream;
    castor_error   err;
    char           text[4096];
    size_t         text_len;
} fixture;

static castor_client_options plain_options(void)
{
    castor_client_options options = CASTOR_CLIENT_OPTIONS_INIT;

    options.api_key = "test-key";
    options.ignore_environment = 1;
    return options;
}

static castor_request plain_request(void)
{
    static const castor_turn turn = { .role = CASTOR_USER, .text = { "Hi", 2 } };
    castor_request           request = CASTOR_REQUEST_INIT;

    request.model = "gemini-3.8-flash";
    request.turns = &turn;
    request.turn_count = 1;
    return request;
}

static void set_up(fixture *fix, const cst_memory_step *script, castor_client_options options)
{
    *fix = (fixture){ 0 };
    assert_int_equal(cst_transport_memory_new(&fix->transport, script, cst_allocator_default(), &fix->err), CASTOR_OK);
    assert_int_equal(cst_client_new_on(&fix->client, &options, fix->transport, &fix->err), CASTOR_OK);
}

static void open_stream(fixture *fix)
{
    castor_request request = plain_request();

    assert_int_equal(castor_stream_open(&fix->stream, fix->client, &request, &fix->err), CASTOR_OK);
}

static void set_up_plain(fixture *fix, const cst_memory_step *script)
{
    set_up(fix, script, plain_options());
    open_stream(fix);
}

static void tear_down(fixture *fix)
{
    castor_stream_close(fix->stream);
    castor_client_free(fix->client);
}

/* Takes events until the stream has none; joins the text. */
static castor_step read_on(fixture *fix)
{
    castor_event event;
    castor_step  step;

    while ((step = castor_stream_next(fix->stream, &event, &fix->err)) == CASTOR_STEP_EVENT) {
        if (event.type != CASTOR_EVENT_TEXT) continue;
        assert_true(fix->text_len + event.text.len < sizeof fix->text);
        memcpy(fix->text + fix->text_len, event.text.data, event.text.len);
        fix->text_len += event.text.len;
        fix->text[fix->text_len] = '\0';
    }
    return step;
}

/* ---- ends ---- */

static void a_whole_answer_gives_its_events_then_done_for_ever(void **state)
{
    fixture fix;

    (void)state;
    set_up_plain(&fix, whole);
    assert_int_equal(castor_stream_verdict(fix.stream), CASTOR_VERDICT_NONE);
    assert_int_equal(read_on(&fix), CASTOR_STEP_DONE);
    assert_int_equal(read_on(&fix), CASTOR_STEP_DONE);
    assert_string_equal(fix.text, "Hello world");
    assert_int_equal(castor_stream_verdict(fix.stream), CASTOR_VERDICT_COMPLETE);
    assert_null(castor_stream_error(fix.stream));
    assert_int_equal(castor_stream_http_status(fix.stream), 200);
    assert_true(cst_str_is(castor_stream_response_id(fix.stream), "r1"));
    assert_true(cst_str_is(castor_stream_model_version(fix.stream), "m1"));
    assert_true(cst_str_is(castor_stream_finish_reason(fix.stream), "STOP"));
    assert_int_equal(castor_stream_usage(fix.stream).total_tokens.value, 6);
    assert_false(castor_stream_usage(fix.stream).thought_tokens.is_set);
    tear_down(&fix);
}

static void the_timing_tells_connection_first_byte_first_text_and_end(void **state)
{
    fixture       fix;
    castor_timing timing;

    (void)state;
    set_up_plain(&fix, whole);
    assert_false(castor_stream_timing(fix.stream).first_byte_ms.is_set);
    read_on(&fix);
    timing = castor_stream_timing(fix.stream);
    assert_int_equal(timing.connected_ms.value, 20);
    assert_int_equal(timing.first_byte_ms.value, 520);
    assert_int_equal(timing.first_text_ms.value, 520);
    assert_int_equal(timing.total_ms.value, 560);
    tear_down(&fix);
}

static void a_connection_lost_before_content_is_a_network_error(void **state)
{
    static const cst_memory_step script[] = { PHASE(CST_PHASE_CONNECT), LOSE("no connection to the server could be made: refused") };
    fixture                      fix;

    (void)state;
    set_up_plain(&fix, script);
    assert_int_equal(read_on(&fix), CASTOR_STEP_ERROR);
    assert_int_equal(fix.err.status, CASTOR_NETWORK);
    assert_int_equal(fix.err.verdict, CASTOR_VERDICT_NETWORK);
    assert_true(fix.err.is_transient);
    assert_non_null(strstr(fix.err.message, "refused"));
    tear_down(&fix);
}

static void a_connection_lost_after_content_is_truncated_and_keeps_the_text(void **state)
{
    static const cst_memory_step script[] = { PHASE(CST_PHASE_FIRST_BYTE), HEAD(200, SSE), BYTES(HELLO), BYTES("data: {\"cand"), LOSE("reset") };
    fixture                      fix;

    (void)state;
    set_up_plain(&fix, script);
    assert_int_equal(read_on(&fix), CASTOR_STEP_ERROR);
    assert_int_equal(fix.err.verdict, CASTOR_VERDICT_TRUNCATED);
    assert_string_equal(fix.text, "Hello");
    assert_true(cst_str_is(castor_stream_response_id(fix.stream), "r1"));
    tear_down(&fix);
}

static void a_clean_end_without_a_finish_reason_is_truncated(void **state)
{
    static const cst_memory_step script[] = { HEAD(200, SSE), BYTES(HELLO), END };
    fixture                      fix;

    (void)state;
    set_up_plain(&fix, script);
    assert_int_equal(read_on(&fix), CASTOR_STEP_ERROR);
    assert_int_equal(fix.err.status, CASTOR_INCOMPLETE);
    assert_int_equal(castor_stream_error(fix.stream)->verdict, CASTOR_VERDICT_TRUNCATED);
    tear_down(&fix);
}

static void an_error_status_gives_the_servers_error_and_its_body(void **state)
{
#define QUOTA "{\"error\":{\"code\":429,\"message\":\"Slow down\",\"status\":\"RESOURCE_EXHAUSTED\",\"details\":[{\"@type\":\"type.googleapis.com/google.rpc.RetryInfo\",\"retryDelay\":\"1.5s\"}]}}"
    static const cst_memory_step script[] = { HEAD(429, "application/json"), BYTES(QUOTA), END };
    fixture                      fix;

    (void)state;
    set_up_plain(&fix, script);
    assert_int_equal(read_on(&fix), CASTOR_STEP_ERROR);
    assert_int_equal(fix.err.status, CASTOR_API_ERROR);
    assert_int_equal(fix.err.verdict, CASTOR_VERDICT_QUOTA_NOW);
    assert_int_equal(fix.err.http_status, 429);
    assert_int_equal(fix.err.retry_after_ms.value, 1500);
    assert_string_equal(fix.err.code, "429");
    assert_true(cst_str_is(castor_stream_error_body(fix.stream), QUOTA));
    tear_down(&fix);
}

static void a_key_that_the_server_quotes_back_is_not_repeated(void **state)
{
    static const cst_memory_step script[] = { HEAD(401, "application/json"),
                                              BYTES("{\"error\":{\"message\":\"Incorrect API key provided: test-key.\",\"code\":\"invalid_api_key\"}}"), END };
    fixture                      fix;

    (void)state;
    set_up_plain(&fix, script);
    assert_int_equal(read_on(&fix), CASTOR_STEP_ERROR);
    assert_int_equal(fix.err.verdict, CASTOR_VERDICT_AUTH);
    assert_null(strstr(fix.err.message, "test-key"));
    assert_non_null(strstr(fix.err.message, "********"));
    tear_down(&fix);
}

static void a_key_of_a_letter_or_two_is_no_secret_and_spoils_no_sentence(void **state)
{
    static const cst_memory_step script[] = { HEAD(400, "application/json"),
                                              BYTES("{\"error\":{\"message\":\"Keep it: k.\"}}"), END };
    castor_client_options options = plain_options();
    fixture               fix;

    (void)state;
    options.api_key = "k";
    set_up(&fix, script, options);
    open_stream(&fix);
    assert_int_equal(read_on(&fix), CASTOR_STEP_ERROR);
    assert_non_null(strstr(fix.err.message, "Keep it: k."));
    assert_null(strchr(fix.err.message, '*'));
    tear_down(&fix);
}

static void a_key_that_the_end_of_the_sentence_cuts_is_not_repeated_either(void **state)
{
    static char           body[2048];
    castor_client_options options = plain_options();
    fixture               fix;

    (void)state;
    options.api_key = "test-key-of-some-length-0123456789";
    for (size_t before = 900; before < 1000; before++) {
        int len = snprintf(body, sizeof body, "{\"error\":{\"code\":500,\"message\":\"%0*d %s\"}}", (int)before, 0, options.api_key);
        const cst_memory_step script[] = { HEAD(500, "application/json"), { CST_MEMORY_BYTES, 0, { body, (size_t)len } }, END };
        set_up(&fix, script, options);
        open_stream(&fix);
        assert_int_equal(read_on(&fix), CASTOR_STEP_ERROR);
        assert_null(strstr(fix.err.message, "test-"));
        tear_down(&fix);
    }
}

static void the_error_is_clean_before_the_caller_asks_for_it(void **state)
{
    static const cst_memory_step script[] = { HEAD(401, "application/json"), BYTES("{\"error\":{\"message\":\"test-key is bad\"}}"), END };
    fixture                      fix;

    (void)state;
    set_up_plain(&fix, script);
    assert_int_equal(castor_client_wait(fix.client, CASTOR_NO_LIMIT, &fix.err), CASTOR_OK);
    assert_null(strstr(castor_stream_error(fix.stream)->message, "test-key"));
    castor_client_free(fix.client);
    assert_null(strstr(castor_stream_error(fix.stream)->message, "test-key"));
    castor_stream_close(fix.stream);
}

/* ---- time ---- */

static castor_client_options short_limits(void)
{
    castor_client_options options = plain_options();

    options.connect_timeout_ms = 100;
    options.tls_timeout_ms = 200;
    options.first_byte_timeout_ms = 300;
    options.idle_timeout_ms = 400;
    return options;
}

static void expect_timeout(const cst_memory_step *script, castor_client_options options, castor_time_limit limit, const char *duration)
{
    fixture fix;

    set_up(&fix, script, options);
    open_stream(&fix);
    assert_int_equal(read_on(&fix), CASTOR_STEP_ERROR);
    assert_int_equal(fix.err.status, CASTOR_TIMEOUT);
    assert_int_equal(fix.err.verdict, CASTOR_VERDICT_TIMEOUT);
    assert_int_equal(fix.err.time_limit, limit);
    assert_non_null(strstr(fix.err.message, castor_time_limit_name(limit)));
    assert_non_null(strstr(fix.err.message, duration));
    assert_non_null(strstr(fix.err.message, "_timeout_ms to wait longer"));
    tear_down(&fix);
}

static void each_time_limit_strikes_and_the_error_names_it(void **state)
{
    static const cst_memory_step connect[] = { PHASE(CST_PHASE_CONNECT), WAIT(101), END };
    static const cst_memory_step tls[] = { PHASE(CST_PHASE_CONNECT), WAIT(99), PHASE(CST_PHASE_TLS), WAIT(201), END };
    static const cst_memory_step first[] = { PHASE(CST_PHASE_TLS), WAIT(199), PHASE(CST_PHASE_FIRST_BYTE), WAIT(301), END };
    static const cst_memory_step idle[] = { PHASE(CST_PHASE_FIRST_BYTE), WAIT(299), HEAD(200, SSE), BYTES(HELLO), WAIT(399), BYTES(HELLO), WAIT(401), END };
    static const cst_memory_step total[] = { PHASE(CST_PHASE_FIRST_BYTE), HEAD(200, SSE), BYTES(HELLO), WAIT(300), BYTES(HELLO), WAIT(300), BYTES(HELLO), WAIT(300), END };
    castor_client_options        options = short_limits();

    (void)state;
    expect_timeout(connect, options, CASTOR_LIMIT_CONNECT, "0.100 s");
    expect_timeout(tls, options, CASTOR_LIMIT_TLS, "0.200 s");
    expect_timeout(first, options, CASTOR_LIMIT_FIRST_BYTE, "0.300 s");
    expect_timeout(idle, options, CASTOR_LIMIT_IDLE, "0.400 s");
    options.total_timeout_ms = 800;
    expect_timeout(total, options, CASTOR_LIMIT_TOTAL, "0.800 s");
}

static void each_limit_may_be_set_for_one_request(void **state)
{
    static const cst_memory_step script[] = { PHASE(CST_PHASE_CONNECT), WAIT(99), PHASE(CST_PHASE_TLS), WAIT(199), PHASE(CST_PHASE_FIRST_BYTE),
                                              WAIT(299), HEAD(200, SSE), BYTES(HELLO), WAIT(399), BYTES(WORLD), END };
    static const struct {
        size_t            field;
        castor_time_limit limit;
    } cases[] = { { offsetof(castor_request, connect_timeout_ms), CASTOR_LIMIT_CONNECT },
                  { offsetof(castor_request, tls_timeout_ms), CASTOR_LIMIT_TLS },
                  { offsetof(castor_request, first_byte_timeout_ms), CASTOR_LIMIT_FIRST_BYTE },
                  { offsetof(castor_request, idle_timeout_ms), CASTOR_LIMIT_IDLE },
                  { offsetof(castor_request, total_timeout_ms), CASTOR_LIMIT_TOTAL } };
    fixture fix;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        castor_request request = plain_request();
        memcpy((char *)&request + cases[i].field, &(int64_t){ 50 }, sizeof(int64_t));
        set_up(&fix, script, short_limits());
        assert_int_equal(castor_stream_open(&fix.stream, fix.client, &request, &fix.err), CASTOR_OK);
        assert_int_equal(read_on(&fix), CASTOR_STEP_ERROR);
        assert_int_equal(fix.err.time_limit, cases[i].limit);
        assert_non_null(strstr(fix.err.message, "0.050 s"));
        tear_down(&fix);
    }
}

static void an_answer_just_inside_all_limits_is_whole(void **state)
{
    static const cst_memory_step script[] = { PHASE(CST_PHASE_CONNECT), WAIT(99), PHASE(CST_PHASE_TLS), WAIT(199), PHASE(CST_PHASE_FIRST_BYTE),
                                              WAIT(299), HEAD(200, SSE), BYTES(HELLO), WAIT(399), BYTES(WORLD), WAIT(399), END };
    fixture                      fix;

    (void)state;
    set_up(&fix, script, short_limits());
    open_stream(&fix);
    assert_int_equal(read_on(&fix), CASTOR_STEP_DONE);
    tear_down(&fix);
}

static void by_default_a_silence_of_nine_minutes_is_no_timeout_and_eleven_are(void **state)
{
    static const cst_memory_step nine[] = { PHASE(CST_PHASE_FIRST_BYTE), WAIT(9 * 60 * 1000), HEAD(200, SSE), BYTES(HELLO), BYTES(WORLD), END };
    static const cst_memory_step eleven[] = { PHASE(CST_PHASE_FIRST_BYTE), WAIT(11 * 60 * 1000), END };
    fixture                      fix;

    (void)state;
    set_up_plain(&fix, nine);
    assert_int_equal(read_on(&fix), CASTOR_STEP_DONE);
    tear_down(&fix);
    expect_timeout(eleven, plain_options(), CASTOR_LIMIT_FIRST_BYTE, "600.000 s");
}

static void waiting_for_a_free_connection_is_under_no_limit_but_the_total(void **state)
{
    static const cst_memory_step script[] = { WAIT(3600 * 1000), PHASE(CST_PHASE_FIRST_BYTE), HEAD(200, SSE), BYTES(HELLO), BYTES(WORLD), END };
    castor_client_options        options = short_limits();
    fixture                      fix;

    (void)state;
    set_up(&fix, script, options);
    open_stream(&fix);
    assert_int_equal(read_on(&fix), CASTOR_STEP_DONE);
    tear_down(&fix);
    options.total_timeout_ms = 5000;
    expect_timeout(script, options, CASTOR_LIMIT_TOTAL, "waiting for a free connection");
}

static void no_limit_means_none(void **state)
{
    static const cst_memory_step script[] = { PHASE(CST_PHASE_FIRST_BYTE), WAIT(48LL * 3600 * 1000), HEAD(200, SSE), BYTES(HELLO), BYTES(WORLD), END };
    castor_client_options        options = plain_options();
    fixture                      fix;

    (void)state;
    options.first_byte_timeout_ms = CASTOR_NO_LIMIT;
    set_up(&fix, script, options);
    open_stream(&fix);
    assert_int_equal(read_on(&fix), CASTOR_STEP_DONE);
    tear_down(&fix);
}

static void the_server_is_told_a_total_limit_only_when_the_user_set_one(void **state)
{
    castor_client_options options = plain_options();
    castor_request        request = plain_request();
    castor_answer        *answer;
    fixture               fix;

    (void)state;
    set_up(&fix, whole, options);
    assert_int_equal(castor_generate(&answer, fix.client, &request, &fix.err), CASTOR_OK);
    assert_null(strstr(cst_transport_memory_headers(fix.transport), "X-Server-Timeout"));
    castor_answer_free(answer);
    request.total_timeout_ms = 20001;
    assert_int_equal(castor_stream_open(&fix.stream, fix.client, &request, &fix.err), CASTOR_OK);
    assert_non_null(strstr(cst_transport_memory_headers(fix.transport), "X-Server-Timeout: 21\n"));
    tear_down(&fix);
}

/* ---- cancel and close ---- */

static void a_cancelled_answer_ends_at_the_next_step(void **state)
{
    fixture      fix;
    castor_event event;

    (void)state;
    set_up_plain(&fix, whole);
    assert_int_equal(castor_stream_next(fix.stream, &event, &fix.err), CASTOR_STEP_EVENT);
    castor_stream_cancel(fix.stream);
    assert_int_equal(castor_stream_next(fix.stream, &event, &fix.err), CASTOR_STEP_ERROR);
    assert_int_equal(fix.err.verdict, CASTOR_VERDICT_CANCELLED);
    assert_int_equal(castor_stream_next(fix.stream, &event, &fix.err), CASTOR_STEP_ERROR);
    tear_down(&fix);
}

static void a_stream_may_be_closed_in_any_state(void **state)
{
    (void)state;
    for (int events = 0; events <= 6; events++) {
        fixture      fix;
        castor_event event;
        set_up_plain(&fix, whole);
        for (int i = 0; i < events; i++) castor_stream_next(fix.stream, &event, &fix.err);
        tear_down(&fix);
    }
    castor_stream_close(NULL);
    castor_client_free(NULL);
    castor_answer_free(NULL);
    castor_decoder_free(NULL);
}

static void a_client_may_be_freed_before_its_streams(void **state)
{
    fixture      fix;
    castor_event event;

    (void)state;
    set_up_plain(&fix, whole);
    assert_int_equal(castor_stream_next(fix.stream, &event, &fix.err), CASTOR_STEP_EVENT);
    castor_client_free(fix.client);
    assert_int_equal(castor_stream_next(fix.stream, &event, &fix.err), CASTOR_STEP_ERROR);
    assert_int_equal(fix.err.verdict, CASTOR_VERDICT_CANCELLED);
    castor_stream_cancel(fix.stream);
    castor_stream_close(fix.stream);
}

/* ---- several at once ---- */

static void poll_waits_for_nobody_and_wait_for_whoever_is_first(void **state)
{
    fixture        fix;
    castor_stream *second;
    castor_event   event;
    castor_request request = plain_request();
    int            done = 0;

    (void)state;
    set_up_plain(&fix, whole);
    assert_int_equal(castor_stream_open(&second, fix.client, &request, &fix.err), CASTOR_OK);
    assert_int_equal(castor_stream_poll(fix.stream, &event, &fix.err), CASTOR_STEP_WAIT);
    assert_int_equal(event.type, CASTOR_EVENT_NONE);
    for (int rounds = 0; done < 2; rounds++) {
        castor_stream *streams[] = { fix.stream, second };
        assert_in_range(rounds, 0, 50);
        assert_int_equal(castor_client_wait(fix.client, CASTOR_NO_LIMIT, &fix.err), CASTOR_OK);
        done = 0;
        for (int i = 0; i < 2; i++) {
            castor_step step;
            while ((step = castor_stream_poll(streams[i], &event, &fix.err)) == CASTOR_STEP_EVENT) continue;
            done += step == CASTOR_STEP_DONE;
        }
    }
    assert_int_equal(castor_client_wait(fix.client, CASTOR_NO_LIMIT, &fix.err), CASTOR_OK); /* nothing is open: no waiting */
    castor_stream_close(second);
    tear_down(&fix);
}

static void wait_ends_with_its_time(void **state)
{
    fixture      fix;
    castor_event event;

    (void)state;
    set_up_plain(&fix, whole);
    int64_t before = fix.transport->methods->now_ms(fix.transport);
    assert_int_equal(castor_client_wait(fix.client, 100, &fix.err), CASTOR_OK);
    assert_int_equal(fix.transport->methods->now_ms(fix.transport) - before, 100);
    assert_int_equal(castor_stream_poll(fix.stream, &event, &fix.err), CASTOR_STEP_WAIT);
    tear_down(&fix);
}

enum { MANY = 400 };

static void a_caller_who_takes_nothing_stops_the_reading_and_loses_nothing(void **state)
{
    static cst_memory_step script[MANY + 3];
    static char            big[16 << 10];
    fixture                fix;
    castor_event           event;
    size_t                 texts = 0, held;
    int                    len = snprintf(big, sizeof big, "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"");

    (void)state;
    memset(big + len, 'x', sizeof big - (size_t)len - 32);
    len = (int)sizeof big - 32;
    len += snprintf(big + len, 32, "\"}]}}]}\n\n");
    script[0] = (cst_memory_step)HEAD(200, SSE);
    for (int i = 1; i <= MANY; i++) script[i] = (cst_memory_step){ CST_MEMORY_BYTES, 0, { big, (size_t)len } };
    script[MANY + 1] = (cst_memory_step)BYTES(WORLD);
    script[MANY + 2] = (cst_memory_step)END;

    set_up_plain(&fix, script);
    for (int i = 0; i < 10 * MANY; i++) assert_int_equal(cst_client_drive(fix.client, 0, &fix.err), CASTOR_OK);
    held = cst_frame_held(&fix.stream->attempt.decoder->frame);
    assert_in_range(held, CST_STREAM_BUFFER_HIGH - sizeof big, CST_STREAM_BUFFER_HIGH + sizeof big);
    while (castor_stream_next(fix.stream, &event, &fix.err) == CASTOR_STEP_EVENT) texts += event.type == CASTOR_EVENT_TEXT;
    assert_int_equal(texts, MANY + 1);
    assert_int_equal(castor_stream_verdict(fix.stream), CASTOR_VERDICT_COMPLETE);
    tear_down(&fix);
}

static void a_large_event_behind_an_untaken_one_does_not_hold_the_stream_for_ever(void **state)
{
    enum { PIECES = 40 };
    static cst_memory_step script[PIECES + 6];
    static char            piece[64 << 10];
    fixture                fix;
    castor_event           event;
    size_t                 count = 0;

    (void)state;
    memset(piece, 'x', sizeof piece);
    script[count++] = (cst_memory_step)PHASE(CST_PHASE_FIRST_BYTE);
    script[count++] = (cst_memory_step)HEAD(200, SSE);
    script[count++] = (cst_memory_step)BYTES(HELLO "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"");
    for (int i = 0; i < PIECES; i++) script[count++] = (cst_memory_step){ CST_MEMORY_BYTES, 0, { piece, sizeof piece } };
    script[count++] = (cst_memory_step)BYTES("\"}]},\"finishReason\":\"STOP\"}]}\n\n");
    script[count++] = (cst_memory_step)END;

    set_up_plain(&fix, script);
    for (int i = 0; i < 2 * PIECES; i++) assert_int_equal(cst_client_drive(fix.client, 0, &fix.err), CASTOR_OK);
    assert_true(fix.stream->attempt.is_paused);
    assert_int_equal(castor_stream_next(fix.stream, &event, &fix.err), CASTOR_STEP_EVENT);
    assert_true(cst_str_is(event.text, "Hello"));
    assert_int_equal(castor_stream_next(fix.stream, &event, &fix.err), CASTOR_STEP_EVENT);
    assert_int_equal(event.text.len, PIECES * sizeof piece);
    tear_down(&fix);
}

static void a_caller_who_was_busy_is_not_told_that_the_server_was_slow(void **state)
{
    static const cst_memory_step script[] = { PHASE(CST_PHASE_FIRST_BYTE), HEAD(200, SSE), BYTES(HELLO), WAIT(300), BYTES(WORLD), END };
    fixture                      fix;
    castor_event                 event;

    (void)state;
    set_up(&fix, script, short_limits());
    open_stream(&fix);
    assert_int_equal(castor_stream_next(fix.stream, &event, &fix.err), CASTOR_STEP_EVENT);
    cst_transport_memory_sleep(fix.transport, 10 * 1000); /* the rest has long been in the socket */
    assert_int_equal(read_on(&fix), CASTOR_STEP_DONE);
    tear_down(&fix);
}

static void a_wait_of_nothing_moves_things(void **state)
{
    fixture      fix;
    castor_event event;
    castor_step  step;
    int          rounds = 0;
    static const cst_memory_step script[] = { HEAD(200, SSE), BYTES(HELLO), BYTES(WORLD), END };

    (void)state;
    set_up_plain(&fix, script);
    while ((step = castor_stream_poll(fix.stream, &event, &fix.err)) != CASTOR_STEP_DONE) {
        assert_in_range(++rounds, 1, 50);
        if (step == CASTOR_STEP_WAIT) assert_int_equal(castor_client_wait(fix.client, 0, &fix.err), CASTOR_OK);
    }
    tear_down(&fix);
}

/* An answer that ended while the server holds the line, and one whose caller does not take: neither has a deadline. */
static void streams_that_wait_for_their_caller_do_not_keep_the_loop_spinning(void **state)
{
#define CHAT "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Yes.\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n"
    static const cst_memory_step script[] = { PHASE(CST_PHASE_FIRST_BYTE), HEAD(200, SSE), BYTES(CHAT), WAIT(5000), END };
    fixture                      fix;
    castor_request               request = plain_request();
    castor_event                 event;
    int                          drives = 0;

    (void)state;
    request.dialect = CASTOR_DIALECT_OPENAI;
    set_up(&fix, script, short_limits());
    assert_int_equal(castor_stream_open(&fix.stream, fix.client, &request, &fix.err), CASTOR_OK);
    assert_int_equal(castor_stream_next(fix.stream, &event, &fix.err), CASTOR_STEP_EVENT);
    for (int64_t start_ms = fix.transport->methods->now_ms(fix.transport);
         fix.transport->methods->now_ms(fix.transport) < start_ms + 4000; drives++) {
        assert_in_range(drives, 0, 20);
        assert_int_equal(cst_client_drive(fix.client, 4000, &fix.err), CASTOR_OK);
    }
    assert_int_equal(read_on(&fix), CASTOR_STEP_DONE);
    tear_down(&fix);
}

static void limits_beyond_all_time_are_no_limits(void **state)
{
    castor_client_options options = plain_options();
    fixture               fix;

    (void)state;
    options.connect_timeout_ms = options.idle_timeout_ms = options.total_timeout_ms = INT64_MAX;
    set_up(&fix, whole, options);
    castor_request request = plain_request();
    request.total_timeout_ms = INT64_MAX;
    assert_int_equal(castor_stream_open(&fix.stream, fix.client, &request, &fix.err), CASTOR_OK);
    assert_int_equal(castor_client_wait(fix.client, INT64_MAX, &fix.err), CASTOR_OK);
    assert_int_equal(read_on(&fix), CASTOR_STEP_DONE);
    tear_down(&fix);
}

/* ---- the whole answer ---- */

/* A large record with many parts: what is kept grows with the body, not with its square. */
static void an_answer_of_many_parts_takes_memory_by_its_size(void **state)
{
    enum { PIECES_PER_MESSAGE = 3000 };
    static char           body[PIECES_PER_MESSAGE * 40 + 256];
    tst_memory            memory = { 0 };
    castor_allocator      allocator = tst_allocator(&memory);
    castor_client_options options = plain_options();
    castor_request        request = plain_request();
    castor_answer        *answer;
    fixture               fix;
    size_t                len = (size_t)snprintf(body, sizeof body, "{\"choices\":[{\"message\":{\"content\":[");

    (void)state;
    for (int i = 0; i < PIECES_PER_MESSAGE; i++) {
        len += (size_t)snprintf(body + len, sizeof body - len, "%s{\"type\":\"text\",\"text\":\"x\"}", i ? "," : "");
    }
    len += (size_t)snprintf(body + len, sizeof body - len, "]},\"finish_reason\":\"stop\"}]}");
    const cst_memory_step script[] = { HEAD(200, "application/json"), { CST_MEMORY_BYTES, 0, { body, len } }, END };
    options.allocator = &allocator;
    request.dialect = CASTOR_DIALECT_OPENAI;
    set_up(&fix, script, options);
    assert_int_equal(castor_generate(&answer, fix.client, &request, &fix.err), CASTOR_OK);
    assert_int_equal(castor_answer_text(answer, 0).len, PIECES_PER_MESSAGE);
    assert_true(cst_str_starts_with(castor_answer_event(answer, PIECES_PER_MESSAGE - 1)->raw, "{\"content\":["));
    assert_true(memory.peak_bytes < 100 * len);
    castor_answer_free(answer);
    tear_down(&fix);
    assert_int_equal(memory.live_bytes, 0);
}

static void generate_gives_text_events_and_facts_at_once(void **state)
{
#define UNARY "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"A\"},{\"text\":\"B\"}]},\"finishReason\":\"STOP\"},{\"content\":{\"parts\":[{\"text\":\"C\"}]}," \
              "\"finishReason\":\"STOP\",\"index\":1}],\"usageMetadata\":{\"totalTokenCount\":9}}\n"
    static const cst_memory_step script[] = { HEAD(200, "application/json; charset=UTF-8"), BYTES(UNARY), END };
    castor_request               request = plain_request();
    castor_answer               *answer;
    fixture                      fix;

    (void)state;
    set_up(&fix, script, plain_options());
    assert_int_equal(castor_generate(&answer, fix.client, &request, &fix.err), CASTOR_OK);
    assert_non_null(strstr(cst_transport_memory_url(fix.transport), ":generateContent"));
    assert_string_equal(castor_answer_text(answer, 0).data, "AB");
    assert_string_equal(castor_answer_text(answer, 1).data, "C");
    assert_string_equal(castor_answer_text(answer, 7).data, "");
    assert_int_equal(castor_answer_event_count(answer), 6);
    assert_true(cst_str_is(castor_answer_event(answer, 0)->raw, "{\"text\":\"A\"}"));
    assert_int_equal(castor_answer_event(answer, 5)->type, CASTOR_EVENT_USAGE);
    assert_null(castor_answer_event(answer, 6));
    assert_int_equal(castor_stream_usage(castor_answer_stream(answer)).total_tokens.value, 9);
    castor_answer_free(answer);
    tear_down(&fix);
}

static void generate_keeps_what_came_before_an_error(void **state)
{
    static const cst_memory_step script[] = { HEAD(200, SSE), BYTES(HELLO), LOSE("reset") };
    castor_request               request = plain_request();
    castor_answer               *answer;
    fixture                      fix;

    (void)state;
    set_up(&fix, script, plain_options());
    assert_int_equal(castor_generate(&answer, fix.client, &request, &fix.err), CASTOR_INCOMPLETE);
    assert_int_equal(fix.err.verdict, CASTOR_VERDICT_TRUNCATED);
    assert_string_equal(castor_answer_text(answer, 0).data, "Hello");
    castor_answer_free(answer);
    tear_down(&fix);
}

/* ---- what is sent ---- */

static void expect_url(const char *base_url, castor_dialect dialect, const char *expected)
{
    castor_client_options options = plain_options();
    castor_request        request = plain_request();
    fixture               fix;

    options.base_url = base_url;
    options.dialect = dialect;
    set_up(&fix, whole, options);
    assert_int_equal(castor_stream_open(&fix.stream, fix.client, &request, &fix.err), CASTOR_OK);
    assert_string_equal(cst_transport_memory_url(fix.transport), expected);
    tear_down(&fix);
}

static void a_base_url_may_have_any_path_with_or_without_a_slash(void **state)
{
    (void)state;
    expect_url(NULL, CASTOR_DIALECT_GEMINI, "https://generativelanguage.googleapis.com/v1beta/models/gemini-3.8-flash:streamGenerateContent?alt=sse");
    expect_url("http://127.0.0.1:1", CASTOR_DIALECT_GEMINI, "http://127.0.0.1:1/v1beta/models/gemini-3.8-flash:streamGenerateContent?alt=sse");
    expect_url("http://h/a/b", CASTOR_DIALECT_GEMINI, "http://h/a/b/v1beta/models/gemini-3.8-flash:streamGenerateContent?alt=sse");
    expect_url("http://h/a/b/", CASTOR_DIALECT_GEMINI, "http://h/a/b/v1beta/models/gemini-3.8-flash:streamGenerateContent?alt=sse");
    expect_url(NULL, CASTOR_DIALECT_OPENAI, "https://generativelanguage.googleapis.com/v1beta/openai/chat/completions");
    expect_url("http://h/v1/", CASTOR_DIALECT_OPENAI, "http://h/v1/chat/completions");
    expect_url("http://h", CASTOR_DIALECT_MESSAGE, "http://h/v1beta2/models/gemini-3.8-flash:generateMessage");
}

static void the_key_stands_in_a_header_and_nowhere_else(void **state)
{
    castor_client_options options = plain_options();
    castor_request        request = plain_request();
    castor_str            preview;
    fixture               fix;

    (void)state;
    set_up(&fix, whole, options);
    open_stream(&fix);
    assert_non_null(strstr(cst_transport_memory_headers(fix.transport), "x-goog-api-key: test-key\n"));
    assert_null(strstr(cst_transport_memory_url(fix.transport), "test-key"));
    assert_null(strstr(cst_transport_memory_body(fix.transport), "test-key"));
    assert_int_equal(castor_client_preview(fix.client, &request, &preview, &fix.err), CASTOR_OK);
    assert_null(strstr(preview.data, "test-key"));
    assert_non_null(strstr(preview.data, "x-goog-api-key: ***\n"));
    castor_stream_close(fix.stream);
    request.dialect = CASTOR_DIALECT_OPENAI;
    assert_int_equal(castor_stream_open(&fix.stream, fix.client, &request, &fix.err), CASTOR_OK);
    assert_non_null(strstr(cst_transport_memory_headers(fix.transport), "Authorization: Bearer test-key\n"));
    tear_down(&fix);
}

static void without_a_key_nothing_is_sent_but_to_other_peoples_chat_servers(void **state)
{
    castor_client_options options = plain_options();
    castor_request        request = plain_request();
    fixture               fix;

    (void)state;
    options.api_key = NULL;
    set_up(&fix, whole, options);
    assert_false(castor_client_has_key(fix.client));
    assert_int_equal(castor_stream_open(&fix.stream, fix.client, &request, &fix.err), CASTOR_INVALID);
    assert_int_equal(fix.err.verdict, CASTOR_VERDICT_AUTH);
    assert_null(fix.stream);
    assert_null(cst_transport_memory_url(fix.transport));
    tear_down(&fix);

    options.base_url = "http://127.0.0.1:11434/v1";
    options.dialect = CASTOR_DIALECT_OPENAI;
    set_up(&fix, whole, options);
    assert_int_equal(castor_stream_open(&fix.stream, fix.client, &request, &fix.err), CASTOR_OK);
    assert_null(strstr(cst_transport_memory_headers(fix.transport), "Authorization"));
    tear_down(&fix);
}

static void expect_key(const char *google, const char *gemini, const char *expected)
{
    castor_client_options options = plain_options();
    fixture               fix;

    setenv("GOOGLE_API_KEY", google, 1);
    setenv("GEMINI_API_KEY", gemini, 1);
    options.api_key = NULL;
    options.ignore_environment = 0;
    set_up(&fix, whole, options);
    if (expected) assert_string_equal(fix.client->api_key, expected);
    else assert_null(fix.client->api_key);
    tear_down(&fix);
}

static void the_environment_gives_key_and_base_url_and_empty_is_unset(void **state)
{
    castor_client_options options = plain_options();
    fixture               fix;

    (void)state;
    expect_key("google", "gemini", "google");
    expect_key("", "gemini", "gemini");
    expect_key("", "", NULL);
    expect_key(" padded \n", "", "padded");

    setenv("GOOGLE_GEMINI_BASE_URL", "http://127.0.0.1:7/x/", 1);
    options.ignore_environment = 0;
    set_up(&fix, whole, options);
    open_stream(&fix);
    assert_int_equal(strncmp(cst_transport_memory_url(fix.transport), "http://127.0.0.1:7/x/v1beta/", 28), 0);
    castor_stream_close(fix.stream);
    castor_request request = plain_request();
    request.dialect = CASTOR_DIALECT_OPENAI;
    assert_int_equal(castor_stream_open(&fix.stream, fix.client, &request, &fix.err), CASTOR_OK);
    assert_string_equal(cst_transport_memory_url(fix.transport), "http://127.0.0.1:7/x/v1beta/openai/chat/completions");
    tear_down(&fix);
    unsetenv("GOOGLE_GEMINI_BASE_URL");
    unsetenv("GOOGLE_API_KEY");
    unsetenv("GEMINI_API_KEY");
}

static void expect_bad_client(castor_client_options options, const char *word)
{
    castor_client *client;
    castor_error   err;

    assert_int_equal(castor_client_new(&client, &options, &err), CASTOR_INVALID);
    assert_null(client);
    assert_non_null(strstr(err.message, word));
    assert_null(strstr(err.message, "secret"));
}

static void settings_that_would_break_the_head_are_refused(void **state)
{
    castor_client_options options = plain_options();

    (void)state;
    options.api_key = "secret\r\nX-Evil: 1";
    expect_bad_client(options, "API key");
    options = plain_options();
    options.user_agent = "a\nb";
    expect_bad_client(options, "user agent");
    options = plain_options();
    options.base_url = "ftp://h";
    expect_bad_client(options, "ftp://h");
    options.base_url = "https://";
    expect_bad_client(options, "https://");
    options.base_url = "https://h/?key=secret";
    expect_bad_client(options, "query");
    options.base_url = "https://user:secret@h/";
    expect_bad_client(options, "password");
}

static void a_shorter_struct_of_an_older_caller_is_understood(void **state)
{
    castor_request request = plain_request();
    fixture        fix;

    (void)state;
    request.size = offsetof(castor_request, temperature);
    request.temperature = castor_some_f64(99); /* lies behind what this caller knows */
    set_up(&fix, whole, plain_options());
    assert_int_equal(castor_stream_open(&fix.stream, fix.client, &request, &fix.err), CASTOR_OK);
    assert_null(strstr(cst_transport_memory_body(fix.transport), "temperature"));
    tear_down(&fix);
}

/* ---- memory ---- */

/* One whole life; every allocation of ours may be the one that fails. */
static castor_status live_once(tst_memory *memory, bool is_unary)
{
    castor_allocator      allocator = tst_allocator(memory);
    castor_client_options options = plain_options();
    castor_request        request = plain_request();
    castor_client        *client = NULL;
    castor_stream        *stream = NULL;
    castor_answer        *answer = NULL;
    cst_transport        *transport;
    castor_error          err = { 0 };
    castor_event          event;
    castor_str            preview;
    castor_step           step;

    options.allocator = &allocator;
    request.extra_json = CASTOR_STR("{\"generationConfig\":{\"topK\":3}}");
    castor_status status = cst_transport_memory_new(&transport, whole, cst_allocator_default(), &err);
    if (status == CASTOR_OK) status = cst_client_new_on(&client, &options, transport, &err);
    if (status == CASTOR_OK) status = castor_client_preview(client, &request, &preview, &err);
    if (status == CASTOR_OK && is_unary) status = castor_generate(&answer, client, &request, &err);
    if (status == CASTOR_OK && !is_unary) {
        status = castor_stream_open(&stream, client, &request, &err);
        while (status == CASTOR_OK && (step = castor_stream_next(stream, &event, &err)) != CASTOR_STEP_DONE) {
            if (step == CASTOR_STEP_ERROR) status = err.status;
        }
    }
    castor_answer_free(answer);
    castor_stream_close(stream);
    castor_client_free(client);
    return status;
}

static void every_allocation_of_a_whole_request_may_fail(void **state)
{
    (void)state;
    for (int is_unary = 0; is_unary < 2; is_unary++) {
        for (long nth = 1;; nth++) {
            tst_memory    memory = { .fail_at = nth };
            castor_status status = live_once(&memory, is_unary);
            assert_int_equal(memory.live_bytes, 0);
            assert_int_equal(memory.live_blocks, 0);
            assert_false(memory.has_lied);
            if (!memory.did_fail) {
                assert_int_equal(status, CASTOR_OK);
                assert_true(nth > 10);
                break;
            }
            if (status != CASTOR_OK) assert_int_equal(status, CASTOR_NO_MEMORY); /* some only make things quicker */
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_answer_gives_its_events_then_done_for_ever),
        cmocka_unit_test(the_timing_tells_connection_first_byte_first_text_and_end),
        cmocka_unit_test(a_connection_lost_before_content_is_a_network_error),
        cmocka_unit_test(a_connection_lost_after_content_is_truncated_and_keeps_the_text),
        cmocka_unit_test(a_clean_end_without_a_finish_reason_is_truncated),
        cmocka_unit_test(an_error_status_gives_the_servers_error_and_its_body),
        cmocka_unit_test(a_key_that_the_server_quotes_back_is_not_repeated),
        cmocka_unit_test(a_key_of_a_letter_or_two_is_no_secret_and_spoils_no_sentence),
        cmocka_unit_test(a_key_that_the_end_of_the_sentence_cuts_is_not_repeated_either),
        cmocka_unit_test(the_error_is_clean_before_the_caller_asks_for_it),
        cmocka_unit_test(each_time_limit_strikes_and_the_error_names_it),
        cmocka_unit_test(each_limit_may_be_set_for_one_request),
        cmocka_unit_test(an_answer_just_inside_all_limits_is_whole),
        cmocka_unit_test(by_default_a_silence_of_nine_minutes_is_no_timeout_and_eleven_are),
        cmocka_unit_test(waiting_for_a_free_connection_is_under_no_limit_but_the_total),
        cmocka_unit_test(no_limit_means_none),
        cmocka_unit_test(the_server_is_told_a_total_limit_only_when_the_user_set_one),
        cmocka_unit_test(a_cancelled_answer_ends_at_the_next_step),
        cmocka_unit_test(a_stream_may_be_closed_in_any_state),
        cmocka_unit_test(a_client_may_be_freed_before_its_streams),
        cmocka_unit_test(poll_waits_for_nobody_and_wait_for_whoever_is_first),
        cmocka_unit_test(wait_ends_with_its_time),
        cmocka_unit_test(a_caller_who_takes_nothing_stops_the_reading_and_loses_nothing),
        cmocka_unit_test(a_large_event_behind_an_untaken_one_does_not_hold_the_stream_for_ever),
        cmocka_unit_test(a_caller_who_was_busy_is_not_told_that_the_server_was_slow),
        cmocka_unit_test(a_wait_of_nothing_moves_things),
        cmocka_unit_test(streams_that_wait_for_their_caller_do_not_keep_the_loop_spinning),
        cmocka_unit_test(limits_beyond_all_time_are_no_limits),
        cmocka_unit_test(an_answer_of_many_parts_takes_memory_by_its_size),
        cmocka_unit_test(generate_gives_text_events_and_facts_at_once),
        cmocka_unit_test(generate_keeps_what_came_before_an_error),
        cmocka_unit_test(a_base_url_may_have_any_path_with_or_without_a_slash),
        cmocka_unit_test(the_key_stands_in_a_header_and_nowhere_else),
        cmocka_unit_test(without_a_key_nothing_is_sent_but_to_other_peoples_chat_servers),
        cmocka_unit_test(the_environment_gives_key_and_base_url_and_empty_is_unset),
        cmocka_unit_test(settings_that_would_break_the_head_are_refused),
        cmocka_unit_test(a_shorter_struct_of_an_older_caller_is_understood),
        cmocka_unit_test(every_allocation_of_a_whole_request_may_fail),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
