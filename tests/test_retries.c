/* test_retries.c -- streams that take more than one attempt: again, anew, and from hop to hop; on a clock of ours.
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
#define RECORD(text, more) \
    "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"" text "\"}]},\"index\":0" more "}],\"responseId\":\"r1\""
#define HELLO RECORD("Hello", "") ",\"usageMetadata\":{\"promptTokenCount\":4,\"totalTokenCount\":5}}\r\n\r\n"
#define WORLD RECORD(" world", ",\"finishReason\":\"STOP\"") \
    ",\"usageMetadata\":{\"promptTokenCount\":4,\"candidatesTokenCount\":2,\"totalTokenCount\":6}}\r\n\r\n"
#define HOP(text, token) RECORD(text, ",\"finishReason\":\"CONTINUATION\",\"continuationToken\":\"" token "\"") \
    ",\"usageMetadata\":{\"promptTokenCount\":10,\"candidatesTokenCount\":3,\"totalTokenCount\":13}}\r\n\r\n"
#define ERROR(code, status, more) "{\"error\":{\"code\":" code ",\"message\":\"No.\",\"status\":\"" status "\"" more "}}"
#define RETRY_INFO(delay) ",\"details\":[{\"@type\":\"type.googleapis.com/google.rpc.RetryInfo\",\"retryDelay\":\"" delay "\"}]"
#define PER_DAY ",\"details\":[{\"@type\":\"type.googleapis.com/google.rpc.QuotaFailure\",\"violations\":[{\"quotaId\":" \
    "\"GenerateRequestsPerDayPerProjectPerModel-FreeTier\"}]}]"

typedef cst_memory_step script[];

static const script whole = { WAIT(10), HEAD(200, SSE), BYTES(HELLO), WAIT(10), BYTES(WORLD), END };
static const script busy = { WAIT(10), HEAD(503, "application/json"), BYTES(ERROR("503", "UNAVAILABLE", "")), END };
static const script busy_for_7_s = { HEAD(503, "application/json"), BYTES(ERROR("503", "UNAVAILABLE", RETRY_INFO("7s"))), END };
static const script lost = { WAIT(10), LOSE("reset by peer") };
static const script broken_off = { HEAD(200, SSE), BYTES(HELLO), WAIT(10), LOSE("reset by peer") };

/* ---- a client on scripts ---- */

typedef struct fixture {
    tst_memory           memory;
    castor_allocator     allocator;
    castor_retry_options retry;
    castor_request       request;
    cst_transport       *transport;
    castor_client       *client;
    castor_stream       *stream;
    castor_error         err;
    char                 text[256];
    int                  restarts;
    int                  finishes;
    int                  told;           /* of attempts, by the hook */
    int64_t              began_ms;
    int64_t              delays_ms;      /* that it was told of, in sum */
    char                 book[512];      /* what else it was told */
    castor_usage         usage;          /* of the last attempt that it was told of */
    bool                 cancels;        /* inside the hook */
} fixture;

static void on_attempt(void *user, castor_stream *stream, const castor_attempt *attempt)
{
    fixture *fix = user;
    size_t   len = strlen(fix->book);

    assert_ptr_equal(stream, fix->stream ? fix->stream : stream);
    fix->told++;
    assert_in_range(attempt->number, 1, attempt->attempts_max - 1);
    assert_null(strstr(attempt->error->message, "test-key"));
    assert_true(!attempt->is_restart || !strstr(attempt->error->message, "what came before is good"));
    fix->delays_ms += attempt->delay_ms;
    fix->usage = attempt->usage;
    snprintf(fix->book + len, sizeof fix->book - len, "%s>%s %s%s;", attempt->model.data, attempt->next_model.data,
             castor_verdict_name(attempt->error->verdict), attempt->is_restart ? " restart" : "");
    if (fix->cancels) castor_stream_cancel(stream);
}

static void set_up(fixture *fix, const cst_memory_step *const *scripts)
{
    static const castor_turn turn = { .role = CASTOR_USER, .text = { "Hi", 2 } };
    castor_client_options    options = CASTOR_CLIENT_OPTIONS_INIT;

    *fix = (fixture){ .retry = CASTOR_RETRY_OPTIONS_INIT, .request = CASTOR_REQUEST_INIT };
    fix->allocator = tst_allocator(&fix->memory);
    fix->retry.on_attempt = on_attempt;
    fix->retry.on_attempt_user = fix;
    fix->request.model = "first-model";
    fix->request.turns = &turn;
    fix->request.turn_count = 1;
    fix->request.retry = &fix->retry;
    options.api_key = "test-key";
    options.ignore_environment = 1;
    options.streams_max = 1;
    options.allocator = &fix->allocator;
    assert_int_equal(cst_transport_memory_new(&fix->transport, *scripts, cst_allocator_default(), &fix->err), CASTOR_OK);
    cst_transport_memory_play(fix->transport, scripts);
    assert_int_equal(cst_client_new_on(&fix->client, &options, fix->transport, &fix->err), CASTOR_OK);
    fix->client->dice = 7;
    fix->began_ms = fix->transport->methods->now_ms(fix->transport);
}

static void open_stream(fixture *fix)
{
    assert_int_equal(castor_stream_open(&fix->stream, fix->client, &fix->request, &fix->err), CASTOR_OK);
}

static void tear_down(fixture *fix)
{
    castor_stream_close(fix->stream);
    if (fix->client) assert_int_equal(fix->client->under_way, 0);
    castor_client_free(fix->client);
    assert_int_equal(fix->memory.live_bytes, 0);
    assert_false(fix->memory.has_lied);
}

/* Since the client was made. */
static int64_t now_of(fixture *fix)
{
    return fix->transport->methods->now_ms(fix->transport) - fix->began_ms;
}

static void take(fixture *fix, const castor_event *event)
{
    size_t len = strlen(fix->text);

    fix->finishes += event->type == CASTOR_EVENT_FINISH;
    if (event->type == CASTOR_EVENT_RESTART) {
        fix->restarts++;
        fix->text[0] = '\0';
    }
    if (event->type == CASTOR_EVENT_TEXT) snprintf(fix->text + len, sizeof fix->text - len, "%.*s", CASTOR_ARG(event->text));
}

static castor_verdict read_on(fixture *fix)
{
    castor_event event;
    castor_step  step;

    while ((step = castor_stream_next(fix->stream, &event, &fix->err)) == CASTOR_STEP_EVENT) take(fix, &event);
    assert_int_equal(step == CASTOR_STEP_DONE, castor_stream_verdict(fix->stream) == CASTOR_VERDICT_COMPLETE);
    assert_int_equal(cst_transport_memory_opened(fix->transport), castor_stream_attempts(fix->stream));
    return castor_stream_verdict(fix->stream);
}

#define SCRIPTS(...) ((const cst_memory_step *const[]){ __VA_ARGS__, NULL })

/* ---- again ---- */

static void a_call_that_fails_before_its_first_event_is_sent_again(void **state)
{
    static const script as_an_event = { HEAD(200, SSE), BYTES("data: " ERROR("503", "UNAVAILABLE", "") "\r\n\r\n"), END };
    static const script in_the_first_event = { HEAD(200, SSE), BYTES("data: {\"candidates\":[{\"cont"), LOSE("reset by peer") };
    fixture             fix;

    (void)state;
    set_up(&fix, SCRIPTS(busy, lost, in_the_first_event, as_an_event, whole));
    fix.retry.attempts_max = 5;
    open_stream(&fix);
    assert_int_equal(read_on(&fix), CASTOR_VERDICT_COMPLETE);
    assert_string_equal(fix.text, "Hello world");
    assert_int_equal(castor_stream_attempts(fix.stream), 5);
    assert_int_equal(fix.told, 4);
    assert_string_equal(fix.book, "first-model>first-model FAILED;first-model>first-model NETWORK;"
                                  "first-model>first-model NETWORK;first-model>first-model FAILED;");
    assert_in_range(fix.delays_ms, 1, 15000);
    assert_int_equal(now_of(&fix), fix.delays_ms + 40);
    assert_int_equal(castor_stream_timing(fix.stream).total_ms.value, now_of(&fix));
    assert_null(castor_stream_error(fix.stream));
    assert_int_equal(castor_stream_http_status(fix.stream), 200);
    assert_int_equal(castor_stream_usage(fix.stream).total_tokens.value, 6);
    assert_false(castor_stream_usage(fix.stream).is_partial);
    tear_down(&fix);
}

static void the_last_error_is_told_when_all_attempts_have_failed(void **state)
{
    fixture fix;

    (void)state;
    set_up(&fix, SCRIPTS(lost, busy));
    open_stream(&fix);
    assert_int_equal(read_on(&fix), CASTOR_VERDICT_FAILED);
    assert_int_equal(castor_stream_attempts(fix.stream), 4);
    assert_int_equal(fix.told, 3);
    assert_non_null(strstr(fix.err.message, "attempt 4 failed, too: "));
    assert_non_null(strstr(fix.err.message, "No."));
    assert_int_equal(fix.err.http_status, 503);
    assert_non_null(tst_find(castor_stream_error_body(fix.stream), CASTOR_STR("UNAVAILABLE")));
    assert_int_equal(read_on(&fix), CASTOR_VERDICT_FAILED);
    tear_down(&fix);
}

static void what_is_final_is_not_sent_again(void **state)
{
    static const script refused = { HEAD(400, "application/json"), BYTES(ERROR("400", "INVALID_ARGUMENT", "")), END };
    static const script spent = { HEAD(429, "application/json"), BYTES(ERROR("429", "RESOURCE_EXHAUSTED", PER_DAY)), END };
    static const script empty = { HEAD(200, SSE), END };
    static const script blocked = { HEAD(200, SSE), BYTES("data: {\"promptFeedback\":{\"blockReason\":\"OTHER\"}}\r\n\r\n"), END };
    static const script page = { HEAD(200, "text/html"), BYTES("<html><title>Hello</title></html>"), END };
    static const struct {
        const cst_memory_step *script;
        castor_verdict         verdict;
    } cases[] = { { refused, CASTOR_VERDICT_FAILED },
                  { spent, CASTOR_VERDICT_QUOTA_DAY },
                  { empty, CASTOR_VERDICT_EMPTY },
                  { blocked, CASTOR_VERDICT_BLOCKED },
                  { page, CASTOR_VERDICT_MALFORMED },
                  { broken_off, CASTOR_VERDICT_TRUNCATED } };
    fixture fix;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        set_up(&fix, SCRIPTS(cases[i].script));
        open_stream(&fix);
        assert_int_equal(read_on(&fix), cases[i].verdict);
        assert_int_equal(castor_stream_attempts(fix.stream), 1);
        assert_int_equal(fix.told, 0);
        tear_down(&fix);
    }
}

static void the_limits_of_the_connection_are_worth_another_attempt_and_the_others_are_not(void **state)
{
    static const script connects = { PHASE(CST_PHASE_CONNECT), WAIT(51), END };
    static const script shakes_hands = { PHASE(CST_PHASE_TLS), WAIT(51), END };
    static const script thinks = { PHASE(CST_PHASE_FIRST_BYTE), WAIT(51), END };
    static const script pauses = { PHASE(CST_PHASE_FIRST_BYTE), HEAD(200, SSE), BYTES(": hm\r\n"), WAIT(51), END };
    static const struct {
        const cst_memory_step *script;
        castor_time_limit      limit;
        int32_t                attempts;
    } cases[] = { { connects, CASTOR_LIMIT_CONNECT, 4 },
                  { shakes_hands, CASTOR_LIMIT_TLS, 4 },
                  { thinks, CASTOR_LIMIT_FIRST_BYTE, 1 },
                  { pauses, CASTOR_LIMIT_IDLE, 1 } };
    fixture fix;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        set_up(&fix, SCRIPTS(cases[i].script));
        fix.request.connect_timeout_ms = fix.request.tls_timeout_ms = 50;
        fix.request.first_byte_timeout_ms = fix.request.idle_timeout_ms = 50;
        open_stream(&fix);
        assert_int_equal(read_on(&fix), CASTOR_VERDICT_TIMEOUT);
        assert_int_equal(fix.err.time_limit, cases[i].limit);
        assert_int_equal(castor_stream_attempts(fix.stream), cases[i].attempts);
        assert_int_equal(now_of(&fix), fix.delays_ms + 50 * cases[i].attempts);
        tear_down(&fix);
    }
}

static void limits_begin_anew_with_each_attempt_and_the_total_one_does_not(void **state)
{
    static const script slow = { PHASE(CST_PHASE_FIRST_BYTE), WAIT(90), HEAD(503, "text/plain"), END };
    fixture             fix;

    (void)state;
    set_up(&fix, SCRIPTS(slow, slow, slow, whole));
    fix.request.first_byte_timeout_ms = 100;
    fix.retry.first_delay_ms = 1;
    open_stream(&fix);
    assert_int_equal(read_on(&fix), CASTOR_VERDICT_COMPLETE);
    tear_down(&fix);

    set_up(&fix, SCRIPTS(slow));
    fix.request.total_timeout_ms = 200;
    fix.retry.first_delay_ms = 1;
    open_stream(&fix);
    assert_int_equal(read_on(&fix), CASTOR_VERDICT_TIMEOUT);
    assert_int_equal(fix.err.time_limit, CASTOR_LIMIT_TOTAL);
    assert_non_null(strstr(fix.err.message, "0.200 s"));
    assert_int_equal(now_of(&fix), 200);
    assert_int_equal(castor_stream_attempts(fix.stream), 3);
    tear_down(&fix);
}

static void the_server_is_told_what_is_left_of_the_total_limit(void **state)
{
    static const script slow = { WAIT(5000), HEAD(503, "text/plain"), END };
    fixture             fix;

    (void)state;
    set_up(&fix, SCRIPTS(slow, whole));
    fix.request.total_timeout_ms = 60000;
    fix.retry.first_delay_ms = 1;
    open_stream(&fix);
    assert_non_null(strstr(cst_transport_memory_headers(fix.transport), "X-Server-Timeout: 60\n"));
    assert_int_equal(read_on(&fix), CASTOR_VERDICT_COMPLETE);
    assert_non_null(strstr(cst_transport_memory_headers(fix.transport), "X-Server-Timeout: 55\n"));
    assert_non_null(strstr(cst_transport_memory_headers(fix.transport), "test-key"));
    tear_down(&fix);
}

/* ---- the server's delay ---- */

static void the_servers_delay_is_waited_for_wherever_it_stands(void **state)
{
    static const script in_the_head = { DELAY(7000), HEAD(503, "text/plain"), END };
    static const script in_words = { HEAD(429, "application/json"),
                                     BYTES("{\"error\":{\"code\":429,\"message\":\"Please retry in 6.9991s.\"}}"), END };
    static const script in_both = { DELAY(7000), HEAD(503, "application/json"),
                                    BYTES(ERROR("503", "UNAVAILABLE", RETRY_INFO("1s"))), END };
    static const cst_memory_step *const cases[] = { busy_for_7_s, in_the_head, in_words, in_both };
    fixture                             fix;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        set_up(&fix, SCRIPTS(cases[i], whole));
        open_stream(&fix);
        assert_int_equal(read_on(&fix), CASTOR_VERDICT_COMPLETE);
        assert_int_equal(fix.told, 1);
        assert_in_range(fix.delays_ms, 7000, 8000);
        assert_int_equal(now_of(&fix), fix.delays_ms + 20);
        tear_down(&fix);
    }
}

static void a_delay_beyond_the_budget_or_the_total_limit_fails_at_once_and_is_told(void **state)
{
    static const script later = { HEAD(429, "application/json"),
                                  BYTES(ERROR("429", "RESOURCE_EXHAUSTED", RETRY_INFO("90s"))), END };
    fixture             fix;

    (void)state;
    for (int is_total = 0; is_total < 2; is_total++) {
        set_up(&fix, SCRIPTS(later));
        if (is_total) fix.request.total_timeout_ms = 80000;
        else fix.retry.budget_ms = 80000;
        open_stream(&fix);
        assert_int_equal(read_on(&fix), CASTOR_VERDICT_QUOTA_NOW);
        assert_int_equal(fix.err.retry_after_ms.value, 90000);
        assert_non_null(strstr(fix.err.message, "try again in 90 s; only 80 s were left"));
        assert_int_equal(castor_stream_attempts(fix.stream), 1);
        assert_int_equal(now_of(&fix), 0);
        tear_down(&fix);
    }
}

static void no_attempt_begins_behind_the_budget(void **state)
{
    static const script slow = { WAIT(3000), HEAD(500, "text/plain"), END };
    fixture             fix;

    (void)state;
    set_up(&fix, SCRIPTS(slow));
    fix.retry.budget_ms = 7000;
    fix.retry.attempts_max = 100;
    fix.retry.first_delay_ms = 1;
    fix.retry.delay_max_ms = 1;
    open_stream(&fix);
    assert_int_equal(read_on(&fix), CASTOR_VERDICT_FAILED);
    assert_int_equal(castor_stream_attempts(fix.stream), 3); /* at 0, 3 and 6 s */
    assert_non_null(strstr(fix.err.message, "the time for further attempts is used up"));
    tear_down(&fix);
}

/* ---- anew ---- */

static void an_answer_that_broke_off_begins_anew_when_that_is_allowed(void **state)
{
    fixture fix;

    (void)state;
    set_up(&fix, SCRIPTS(broken_off, busy, broken_off, whole));
    fix.retry.restart = 2;
    open_stream(&fix);
    assert_int_equal(read_on(&fix), CASTOR_VERDICT_COMPLETE);
    assert_int_equal(fix.restarts, 2);
    assert_string_equal(fix.text, "Hello world");
    assert_int_equal(castor_stream_attempts(fix.stream), 4);
    assert_string_equal(fix.book, "first-model>first-model TRUNCATED restart;first-model>first-model FAILED;"
                                  "first-model>first-model TRUNCATED restart;");
    assert_int_equal(castor_stream_usage(fix.stream).total_tokens.value, 6);
    assert_int_equal(fix.usage.total_tokens.value, 5);
    assert_true(fix.usage.is_partial);
    tear_down(&fix);
}

static void an_answer_begins_anew_as_often_as_allowed_and_then_stands(void **state)
{
    fixture fix;

    (void)state;
    set_up(&fix, SCRIPTS(broken_off));
    fix.retry.restart = 1;
    open_stream(&fix);
    assert_int_equal(read_on(&fix), CASTOR_VERDICT_TRUNCATED);
    assert_int_equal(fix.restarts, 1);
    assert_string_equal(fix.text, "Hello");
    assert_int_equal(castor_stream_attempts(fix.stream), 2);
    tear_down(&fix);
}

static void what_was_given_stands_when_the_answer_does_not_begin_anew(void **state)
{
    fixture fix;

    (void)state;
    set_up(&fix, SCRIPTS(broken_off, busy));
    fix.retry.restart = 3;
    open_stream(&fix);
    assert_int_equal(read_on(&fix), CASTOR_VERDICT_TRUNCATED);
    assert_int_equal(fix.restarts, 0);
    assert_string_equal(fix.text, "Hello");
    assert_true(cst_str_is(castor_stream_response_id(fix.stream), "r1"));
    assert_int_equal(castor_stream_usage(fix.stream).total_tokens.value, 5);
    assert_true(castor_stream_usage(fix.stream).is_partial);
    assert_non_null(strstr(fix.err.message, "what came before is good"));
    assert_non_null(strstr(fix.err.message, "another attempt brought nothing"));
    assert_non_null(strstr(fix.err.message, "503"));
    assert_true(cst_str_is(castor_stream_error_body(fix.stream), ERROR("503", "UNAVAILABLE", "")));
    tear_down(&fix);

    set_up(&fix, SCRIPTS(broken_off, lost)); /* without any body at all */
    fix.retry.restart = 3;
    open_stream(&fix);
    assert_int_equal(read_on(&fix), CASTOR_VERDICT_TRUNCATED);
    assert_null(castor_stream_error_body(fix.stream).data);
    tear_down(&fix);
}

static void a_long_answer_may_begin_anew_behind_its_budget(void **state)
{
    static const script long_one = { HEAD(200, SSE), BYTES(HELLO), WAIT(200000), LOSE("reset by peer") };
    fixture             fix;

    (void)state;
    set_up(&fix, SCRIPTS(long_one, busy, whole));
    fix.retry.restart = 1;
    open_stream(&fix);
    assert_int_equal(read_on(&fix), CASTOR_VERDICT_COMPLETE);
    assert_int_equal(castor_stream_attempts(fix.stream), 3);
    tear_down(&fix);
}

static void generate_discards_what_it_had_by_itself(void **state)
{
    castor_answer *answer;
    fixture        fix;

    (void)state;
    set_up(&fix, SCRIPTS(broken_off, whole));
    fix.retry.restart = 1;
    assert_int_equal(castor_generate(&answer, fix.client, &fix.request, &fix.err), CASTOR_OK);
    assert_string_equal(castor_answer_text(answer, 0).data, "Hello world");
    assert_int_equal(castor_answer_event_count(answer), 5); /* two texts, two counts, the finish */
    assert_int_equal(castor_stream_attempts(castor_answer_stream(answer)), 2);
    castor_answer_free(answer);
    tear_down(&fix);
}

/* ---- waiting ---- */

/* Moves the client until its stream rests. */
static void let_rest(fixture *fix)
{
    castor_event event;

    while (!fix->stream->is_resting) {
        assert_int_equal(castor_stream_poll(fix->stream, &event, &fix->err), CASTOR_STEP_WAIT);
        assert_int_equal(castor_client_wait(fix->client, 100, &fix->err), CASTOR_OK);
    }
}

static void a_stream_that_waits_has_no_exchange_and_keeps_its_place(void **state)
{
    castor_stream *behind;
    fixture        fix;

    (void)state;
    set_up(&fix, SCRIPTS(busy_for_7_s, whole, whole));
    open_stream(&fix);
    assert_int_equal(castor_stream_open(&behind, fix.client, &fix.request, &fix.err), CASTOR_OK);
    let_rest(&fix);
    assert_int_equal(cst_transport_memory_open(fix.transport), 0);
    assert_int_equal(castor_client_wait(fix.client, 5000, &fix.err), CASTOR_OK);
    assert_int_equal(castor_stream_attempts(behind), 0);
    assert_int_equal(castor_stream_attempts(fix.stream), 1);
    assert_int_equal(castor_stream_http_status(fix.stream), 503);
    assert_int_equal(castor_stream_verdict(fix.stream), CASTOR_VERDICT_NONE);
    assert_null(castor_stream_error(fix.stream));

    assert_int_equal(castor_client_wait(fix.client, 6000, &fix.err), CASTOR_OK);
    assert_int_equal(castor_stream_attempts(fix.stream), 2);
    while (castor_stream_verdict(behind) != CASTOR_VERDICT_COMPLETE) {
        castor_event event;
        if (castor_stream_poll(behind, &event, NULL) == CASTOR_STEP_WAIT) {
            castor_event mine;
            if (castor_stream_poll(fix.stream, &mine, NULL) == CASTOR_STEP_EVENT) take(&fix, &mine);
            else assert_int_equal(castor_client_wait(fix.client, CASTOR_NO_LIMIT, NULL), CASTOR_OK);
        }
    }
    assert_string_equal(fix.text, "Hello world");
    castor_stream_close(behind);
    tear_down(&fix);
}

static void a_connection_that_was_not_made_in_time_leaves_its_place_to_nobody(void **state)
{
    static const script connects = { PHASE(CST_PHASE_CONNECT), WAIT(51), END };
    castor_stream      *behind;
    fixture             fix;

    (void)state;
    set_up(&fix, SCRIPTS(connects, whole));
    fix.request.connect_timeout_ms = 50;
    open_stream(&fix);
    assert_int_equal(castor_stream_open(&behind, fix.client, &fix.request, &fix.err), CASTOR_OK);
    let_rest(&fix);
    assert_int_equal(fix.client->under_way, 1);
    assert_int_equal(castor_client_wait(fix.client, 2000, &fix.err), CASTOR_OK);
    assert_int_equal(castor_stream_attempts(fix.stream), 2);
    assert_int_equal(castor_stream_attempts(behind), 0);
    castor_stream_close(behind);
    tear_down(&fix);
}

static void of_one_that_has_lost_its_place_only_the_total_limit_runs(void **state)
{
    static const script broken_off_at_once = { PHASE(CST_PHASE_FIRST_BYTE), HEAD(200, SSE), BYTES(HELLO), LOSE("reset") };
    static const script slow = { WAIT(400), HEAD(200, SSE), BYTES(WORLD), END };
    castor_stream      *behind;
    castor_event        event;
    fixture             fix;

    (void)state;
    set_up(&fix, SCRIPTS(broken_off_at_once, slow, whole));
    fix.retry.restart = 1;
    fix.retry.first_delay_ms = 1;
    fix.request.idle_timeout_ms = 200;
    open_stream(&fix);
    fix.request.idle_timeout_ms = 0;
    assert_int_equal(castor_stream_open(&behind, fix.client, &fix.request, &fix.err), CASTOR_OK);
    assert_int_equal(castor_client_wait(fix.client, 100, &fix.err), CASTOR_OK);
    assert_int_equal(castor_stream_attempts(behind), 1); /* whose turn came while nobody took the first one's events */
    while (castor_stream_poll(fix.stream, &event, &fix.err) == CASTOR_STEP_EVENT) take(&fix, &event);
    assert_true(fix.stream->is_resting);
    while (castor_stream_poll(behind, &event, &fix.err) != CASTOR_STEP_DONE) {
        assert_int_equal(castor_client_wait(fix.client, 1000, &fix.err), CASTOR_OK);
        assert_int_equal(castor_stream_verdict(fix.stream), CASTOR_VERDICT_NONE);
    }
    castor_stream_close(behind);
    while (castor_stream_next(fix.stream, &event, &fix.err) == CASTOR_STEP_EVENT) take(&fix, &event);
    assert_int_equal(castor_stream_verdict(fix.stream), CASTOR_VERDICT_COMPLETE);
    assert_string_equal(fix.text, "Hello world");
    tear_down(&fix);
}

static void cancel_ends_the_wait_at_once(void **state)
{
    fixture fix;

    (void)state;
    for (int is_in_hook = 0; is_in_hook < 2; is_in_hook++) {
        set_up(&fix, SCRIPTS(busy_for_7_s, whole));
        fix.cancels = is_in_hook;
        open_stream(&fix);
        if (!is_in_hook) {
            let_rest(&fix);
            castor_stream_cancel(fix.stream);
        }
        assert_int_equal(read_on(&fix), CASTOR_VERDICT_CANCELLED);
        assert_int_equal(now_of(&fix), 0);
        assert_int_equal(castor_stream_attempts(fix.stream), 1);
        tear_down(&fix);
    }
}

static void a_cancelled_answer_that_was_to_begin_anew_keeps_its_counts(void **state)
{
    static const script broken_off_at_once = { HEAD(200, SSE), BYTES(HELLO), LOSE("reset by peer") };
    fixture             fix;

    (void)state;
    set_up(&fix, SCRIPTS(broken_off_at_once, whole));
    fix.retry.restart = 1;
    fix.cancels = true;
    open_stream(&fix);
    assert_int_equal(read_on(&fix), CASTOR_VERDICT_CANCELLED);
    assert_string_equal(fix.text, "Hello");
    assert_int_equal(castor_stream_usage(fix.stream).total_tokens.value, 5);
    assert_true(castor_stream_usage(fix.stream).is_partial);
    assert_true(cst_str_is(castor_stream_response_id(fix.stream), "r1"));
    tear_down(&fix);
}

static void a_stream_may_be_closed_and_a_client_freed_during_the_wait(void **state)
{
    fixture fix;

    (void)state;
    set_up(&fix, SCRIPTS(busy_for_7_s));
    open_stream(&fix);
    let_rest(&fix);
    castor_stream_close(fix.stream);
    assert_int_equal(fix.client->under_way, 0);
    open_stream(&fix);
    let_rest(&fix);
    castor_client_free(fix.client);
    assert_int_equal(castor_stream_verdict(fix.stream), CASTOR_VERDICT_CANCELLED);
    fix.client = NULL;
    tear_down(&fix);
}

static int32_t ignore_watch(void *user, int fd, int32_t interest)
{
    (void)user;
    (void)fd;
    (void)interest;
    return 0;
}

static int32_t note_timer(void *user, int64_t delay_ms)
{
    *(int64_t *)user = delay_ms;
    return 0;
}

static void a_loop_is_asked_for_a_timer_and_nothing_else(void **state)
{
    int64_t      delay_ms = -1;
    castor_loop  loop = CASTOR_LOOP_INIT;
    castor_event event;
    castor_step  step;
    fixture      fix;

    (void)state;
    loop.watch = ignore_watch;
    loop.timer = note_timer;
    loop.user = &delay_ms;
    set_up(&fix, SCRIPTS(busy_for_7_s, whole));
    assert_int_equal(castor_client_attach(fix.client, &loop, &fix.err), CASTOR_OK);
    open_stream(&fix);
    while ((step = castor_stream_next(fix.stream, &event, &fix.err)) == CASTOR_STEP_EVENT || step == CASTOR_STEP_WAIT) {
        if (step == CASTOR_STEP_EVENT) take(&fix, &event);
        else {
            assert_true(delay_ms >= 0); /* or nothing would ever happen */
            cst_transport_memory_sleep(fix.transport, delay_ms);
            castor_client_tick(fix.client);
        }
    }
    assert_int_equal(step, CASTOR_STEP_DONE);
    assert_string_equal(fix.text, "Hello world");
    assert_in_range(now_of(&fix), 7000, 8100);
    tear_down(&fix);
}

/* ---- other models ---- */

static int32_t refuse_timer(void *user, int64_t delay_ms)
{
    (void)user;
    return delay_ms > 1000 ? -1 : 0; /* the one for the rest */
}

static void a_stream_that_waits_ends_when_the_loop_has_no_timer_for_it(void **state)
{
    castor_loop  loop = CASTOR_LOOP_INIT;
    castor_event event;
    fixture      fix;

    (void)state;
    loop.watch = ignore_watch;
    loop.timer = refuse_timer;
    set_up(&fix, SCRIPTS(busy_for_7_s, whole));
    assert_int_equal(castor_client_attach(fix.client, &loop, &fix.err), CASTOR_OK);
    open_stream(&fix);
    castor_client_tick(fix.client);
    assert_int_equal(castor_stream_poll(fix.stream, &event, &fix.err), CASTOR_STEP_ERROR);
    assert_int_equal(fix.err.status, CASTOR_NO_MEMORY);
    tear_down(&fix);
}

static void an_overloaded_model_gives_way_to_the_next_at_once(void **state)
{
    static const char *const models[] = { "second-model", "models/third-model" };
    fixture                  fix;

    (void)state;
    set_up(&fix, SCRIPTS(busy, busy_for_7_s, lost, whole));
    fix.retry.fallback_models = models;
    fix.retry.fallback_model_count = 2;
    open_stream(&fix);
    assert_non_null(strstr(cst_transport_memory_url(fix.transport), "/models/first-model:streamGenerateContent?alt=sse"));
    assert_int_equal(read_on(&fix), CASTOR_VERDICT_COMPLETE);
    assert_non_null(strstr(cst_transport_memory_url(fix.transport), "/models/third-model:streamGenerateContent?alt=sse"));
    assert_string_equal(fix.book, "first-model>second-model FAILED;second-model>models/third-model FAILED;"
                                  "models/third-model>models/third-model NETWORK;");
    assert_in_range(now_of(&fix), 30, 4030);
    tear_down(&fix);
}

static void in_chat_completions_the_model_stands_in_the_body(void **state)
{
    static const char *const models[] = { "second-model" };
    static const script      chat = { HEAD(200, SSE),
                                      BYTES("data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n"),
                                      END };
    fixture                  fix;

    (void)state;
    set_up(&fix, SCRIPTS(busy, chat));
    fix.request.dialect = CASTOR_DIALECT_OPENAI;
    fix.retry.fallback_models = models;
    fix.retry.fallback_model_count = 1;
    open_stream(&fix);
    assert_int_equal(read_on(&fix), CASTOR_VERDICT_COMPLETE);
    assert_non_null(strstr(cst_transport_memory_body(fix.transport), "\"model\":\"second-model\""));
    assert_null(strstr(cst_transport_memory_body(fix.transport), "first-model"));
    assert_non_null(strstr(cst_transport_memory_body(fix.transport), "\"content\":\"Hi\""));
    tear_down(&fix);
}

static void a_fallback_model_that_is_none_is_refused_before_anything_is_sent(void **state)
{
    static const char *const models[] = { "../evil" };
    fixture                  fix;

    (void)state;
    set_up(&fix, SCRIPTS(whole));
    fix.retry.fallback_models = models;
    fix.retry.fallback_model_count = 1;
    assert_int_equal(castor_stream_open(&fix.stream, fix.client, &fix.request, &fix.err), CASTOR_INVALID);
    assert_non_null(strstr(fix.err.message, "../evil"));
    assert_int_equal(cst_transport_memory_opened(fix.transport), 0);
    tear_down(&fix);
}

/* ---- from hop to hop ---- */

static const script hop_a = { HEAD(200, SSE), BYTES(HOP("One ", "YQ==")), END };
static const script hop_b = { HEAD(200, SSE), BYTES(HOP("two ", "Yg==")), END };
static const script last_hop = { HEAD(200, SSE), BYTES(WORLD), END };

static void a_long_answer_goes_on_from_hop_to_hop_as_one(void **state)
{
    fixture fix;

    (void)state;
    set_up(&fix, SCRIPTS(hop_a, hop_b, last_hop));
    open_stream(&fix);
    assert_null(strstr(cst_transport_memory_body(fix.transport), "continuationToken"));
    assert_int_equal(read_on(&fix), CASTOR_VERDICT_COMPLETE);
    assert_string_equal(fix.text, "One two  world");
    assert_int_equal(fix.finishes, 1);
    assert_int_equal(fix.told, 0);
    assert_int_equal(castor_stream_attempts(fix.stream), 3);
    assert_non_null(strstr(cst_transport_memory_body(fix.transport), "\"continuationToken\":\"Yg==\""));
    assert_non_null(strstr(cst_transport_memory_body(fix.transport), "\"text\":\"Hi\""));
    assert_null(strstr(cst_transport_memory_body(fix.transport), "YQ=="));
    castor_usage usage = castor_stream_usage(fix.stream);
    assert_int_equal(usage.prompt_tokens.value, 24);
    assert_int_equal(usage.output_tokens.value, 8);
    assert_int_equal(usage.total_tokens.value, 32);
    assert_false(usage.thought_tokens.is_set);
    assert_false(usage.is_partial);
    tear_down(&fix);
}

static void a_long_answer_goes_on_before_others_begin(void **state)
{
    castor_stream *streams[3];
    castor_event   event;
    char           order[8] = "";
    fixture        fix;

    (void)state;
    set_up(&fix, SCRIPTS(hop_a, whole, last_hop, whole));
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(castor_stream_open(&streams[i], fix.client, &fix.request, &fix.err), CASTOR_OK);
    }
    while (strlen(order) < 3) {
        for (size_t i = 0; i < 3; i++) {
            castor_step step;
            if (castor_stream_verdict(streams[i]) != CASTOR_VERDICT_NONE) continue;
            while ((step = castor_stream_poll(streams[i], &event, &fix.err)) == CASTOR_STEP_EVENT) { }
            if (step == CASTOR_STEP_DONE) order[strlen(order)] = "abc"[i];
        }
        assert_int_equal(castor_client_wait(fix.client, 1000, &fix.err), CASTOR_OK);
    }
    assert_string_equal(order, "bac"); /* b had its turn while nobody had taken what a's first hop gave */
    for (size_t i = 0; i < 3; i++) castor_stream_close(streams[i]);
    fix.stream = NULL;
    tear_down(&fix);
}

static void the_time_in_line_is_not_of_the_budget(void **state)
{
    static const script           slow = { WAIT(130000), HEAD(200, SSE), BYTES(WORLD), END };
    static const script           broken_off_at_once = { HEAD(200, SSE), BYTES(HELLO), LOSE("reset by peer") };
    static const cst_memory_step *const firsts[] = { hop_a, broken_off_at_once };
    castor_stream                *behind;
    castor_event                  event;
    castor_step                   step;
    fixture                       fix;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        set_up(&fix, SCRIPTS(firsts[i], slow, busy, last_hop));
        fix.retry.restart = 1;
        open_stream(&fix);
        assert_int_equal(castor_stream_open(&behind, fix.client, &fix.request, &fix.err), CASTOR_OK);
        fix.stream = NULL; /* the hook is told of the first one only */
        castor_stream *first = fix.client->streams->next;
        assert_int_equal(castor_client_wait(fix.client, 100, &fix.err), CASTOR_OK);
        while ((step = castor_stream_poll(first, &event, &fix.err)) == CASTOR_STEP_EVENT) { }
        assert_int_equal(castor_stream_attempts(behind), 1); /* it has the place now */
        while (castor_stream_next(behind, &event, &fix.err) == CASTOR_STEP_EVENT) { }
        assert_int_equal(castor_stream_verdict(behind), CASTOR_VERDICT_COMPLETE);
        castor_stream_close(behind);
        while ((step = castor_stream_next(first, &event, &fix.err)) == CASTOR_STEP_EVENT) { }
        assert_int_equal(step, CASTOR_STEP_DONE);
        assert_int_equal(castor_stream_attempts(first), 3);
        fix.stream = first;
        tear_down(&fix);
    }
}

static void hops_end_at_their_limit_and_at_a_token_that_repeats(void **state)
{
    static const struct {
        int32_t hops_max;
        int32_t requests;
    } cases[] = { { 1, 1 }, { 2, 2 }, { 5, 2 /* the second gives the first one's token */ } };
    fixture fix;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        set_up(&fix, SCRIPTS(hop_a));
        fix.request.hops_max = cases[i].hops_max;
        open_stream(&fix);
        assert_int_equal(read_on(&fix), CASTOR_VERDICT_MAX_TOKENS);
        assert_int_equal(castor_stream_attempts(fix.stream), cases[i].requests);
        assert_non_null(strstr(fix.err.message, "hops_max"));
        assert_null(strstr(fix.err.message, "max_output_tokens")); /* which would not help */
        assert_int_equal(fix.finishes, 1);
        assert_true(cst_str_is(castor_stream_finish_reason(fix.stream), "CONTINUATION"));
        tear_down(&fix);
    }
}

/* Each with a token that is not the one before. */
static void hops_end_at_sixteen_unless_the_caller_says_otherwise(void **state)
{
    (void)state;
    for (int hops = CST_HOPS_MAX - 1; hops <= CST_HOPS_MAX; hops++) {
        const cst_memory_step *scripts[CST_HOPS_MAX + 2] = { NULL };
        fixture                fix;
        for (int i = 0; i < hops; i++) scripts[i] = i % 2 ? hop_b : hop_a;
        scripts[hops] = last_hop;
        set_up(&fix, scripts);
        open_stream(&fix);
        assert_int_equal(read_on(&fix), hops < CST_HOPS_MAX ? CASTOR_VERDICT_COMPLETE : CASTOR_VERDICT_MAX_TOKENS);
        assert_int_equal(castor_stream_attempts(fix.stream), CST_HOPS_MAX);
        tear_down(&fix);
    }
}

static void a_token_of_more_than_1_mib_is_none(void **state)
{
    (void)state;
    for (size_t extra = 0; extra < 2; extra++) {
        castor_str            token = tst_repeat("x", CST_TOKEN_MAX + extra);
        const cst_memory_step long_hop[] = { HEAD(200, SSE),
                                             BYTES("data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"One \"}]},"
                                                   "\"finishReason\":\"CONTINUATION\",\"continuationToken\":\""),
                                             { CST_MEMORY_BYTES, 0, token }, BYTES("\"}]}\r\n\r\n"), END };
        fixture               fix;
        set_up(&fix, SCRIPTS(long_hop, last_hop));
        open_stream(&fix);
        assert_int_equal(read_on(&fix), extra ? CASTOR_VERDICT_MAX_TOKENS : CASTOR_VERDICT_COMPLETE);
        assert_int_equal(castor_stream_attempts(fix.stream), extra ? 1 : 2);
        tear_down(&fix);
        free((void *)(uintptr_t)token.data);
    }
}

static void a_hop_that_fails_is_tried_again_with_its_token(void **state)
{
    fixture fix;

    (void)state;
    set_up(&fix, SCRIPTS(hop_a, busy, lost, last_hop));
    open_stream(&fix);
    assert_int_equal(read_on(&fix), CASTOR_VERDICT_COMPLETE);
    assert_string_equal(fix.text, "One  world");
    assert_int_equal(fix.told, 2);
    assert_int_equal(fix.restarts, 0);
    assert_int_equal(castor_stream_usage(fix.stream).total_tokens.value, 19);
    assert_non_null(strstr(cst_transport_memory_body(fix.transport), "YQ=="));
    tear_down(&fix);
}

static void a_hop_is_asked_of_the_model_whose_token_it_has(void **state)
{
    static const char *const models[] = { "second-model" };
    fixture                  fix;

    (void)state;
    set_up(&fix, SCRIPTS(hop_a, busy, last_hop));
    fix.retry.fallback_models = models;
    fix.retry.fallback_model_count = 1;
    open_stream(&fix);
    assert_int_equal(read_on(&fix), CASTOR_VERDICT_COMPLETE);
    assert_string_equal(fix.text, "One  world");
    assert_string_equal(fix.book, "first-model>first-model FAILED;");
    assert_non_null(strstr(cst_transport_memory_url(fix.transport), "/first-model:"));
    assert_non_null(strstr(cst_transport_memory_body(fix.transport), "YQ=="));
    tear_down(&fix);

    set_up(&fix, SCRIPTS(busy, hop_a, busy, last_hop)); /* and that is the second, if it was asked from the beginning */
    fix.retry.fallback_models = models;
    fix.retry.fallback_model_count = 1;
    open_stream(&fix);
    assert_int_equal(read_on(&fix), CASTOR_VERDICT_COMPLETE);
    assert_string_equal(fix.book, "first-model>second-model FAILED;second-model>second-model FAILED;");
    tear_down(&fix);
}

static void an_answer_that_begins_anew_may_ask_another_model(void **state)
{
    static const char *const models[] = { "second-model" };
    static const script      busy_behind_a_text = { HEAD(200, SSE), BYTES(HELLO),
                                                    BYTES("data: " ERROR("503", "UNAVAILABLE", "") "\r\n\r\n"), END };
    fixture                  fix;

    (void)state;
    set_up(&fix, SCRIPTS(hop_a, busy_behind_a_text, whole));
    fix.retry.restart = 1;
    fix.retry.fallback_models = models;
    fix.retry.fallback_model_count = 1;
    open_stream(&fix);
    assert_int_equal(read_on(&fix), CASTOR_VERDICT_COMPLETE);
    assert_string_equal(fix.text, "Hello world");
    assert_string_equal(fix.book, "first-model>second-model FAILED restart;");
    assert_null(strstr(cst_transport_memory_body(fix.transport), "YQ=="));
    tear_down(&fix);
}

static void what_earlier_hops_gave_stands_when_the_next_fails(void **state)
{
    fixture fix;

    (void)state;
    set_up(&fix, SCRIPTS(hop_a, lost));
    open_stream(&fix);
    assert_int_equal(read_on(&fix), CASTOR_VERDICT_TRUNCATED);
    assert_string_equal(fix.text, "One ");
    assert_int_equal(castor_stream_attempts(fix.stream), 5);
    assert_true(cst_str_is(castor_stream_response_id(fix.stream), "r1"));
    assert_int_equal(castor_stream_usage(fix.stream).total_tokens.value, 13);
    tear_down(&fix);

    set_up(&fix, SCRIPTS(hop_a, hop_b, busy));
    fix.retry.attempts_max = 1;
    open_stream(&fix);
    assert_int_equal(read_on(&fix), CASTOR_VERDICT_FAILED);
    assert_int_equal(fix.err.http_status, 503);
    assert_true(cst_str_is(castor_stream_error_body(fix.stream), ERROR("503", "UNAVAILABLE", "")));
    assert_string_equal(fix.text, "One two ");
    assert_int_equal(castor_stream_usage(fix.stream).total_tokens.value, 26);
    tear_down(&fix);
}

static void a_hop_of_nothing_at_all_has_cut_the_answer_off(void **state)
{
    static const script nothing = { HEAD(200, SSE), END };
    fixture             fix;

    (void)state;
    set_up(&fix, SCRIPTS(hop_a, nothing));
    open_stream(&fix);
    assert_int_equal(read_on(&fix), CASTOR_VERDICT_TRUNCATED);
    assert_string_equal(fix.text, "One ");
    assert_null(strstr(fix.err.message, "empty"));
    assert_int_equal(castor_stream_attempts(fix.stream), 5);
    tear_down(&fix);

    set_up(&fix, SCRIPTS(hop_a, nothing, last_hop));
    open_stream(&fix);
    assert_int_equal(read_on(&fix), CASTOR_VERDICT_COMPLETE);
    assert_string_equal(fix.text, "One  world");
    tear_down(&fix);
}

static void a_long_answer_that_breaks_off_begins_anew_from_its_first_hop(void **state)
{
    fixture fix;

    (void)state;
    set_up(&fix, SCRIPTS(hop_a, broken_off, hop_b, last_hop));
    fix.retry.restart = 1;
    open_stream(&fix);
    assert_int_equal(read_on(&fix), CASTOR_VERDICT_COMPLETE);
    assert_int_equal(fix.restarts, 1);
    assert_string_equal(fix.text, "two  world");
    assert_int_equal(castor_stream_usage(fix.stream).total_tokens.value, 19);
    assert_int_equal(fix.usage.total_tokens.value, 18); /* the hop that broke off, and the one before it */
    assert_non_null(strstr(cst_transport_memory_body(fix.transport), "Yg=="));
    tear_down(&fix);
}

static void a_connection_that_is_lost_behind_the_token_does_no_harm(void **state)
{
    static const script lost_behind = { HEAD(200, SSE), BYTES(HOP("One ", "YQ==")), LOSE("reset by peer") };
    fixture             fix;

    (void)state;
    set_up(&fix, SCRIPTS(lost_behind, last_hop));
    open_stream(&fix);
    assert_int_equal(read_on(&fix), CASTOR_VERDICT_COMPLETE);
    assert_string_equal(fix.text, "One  world");
    assert_int_equal(fix.told, 0);
    tear_down(&fix);
}

/* The part is whole and the token good: what the server says behind them is of the server. */
static void an_error_behind_the_token_is_waited_for_and_the_answer_goes_on(void **state)
{
    static const script late_busy = { HEAD(200, SSE), BYTES(HOP("One ", "YQ==")),
                                      BYTES("data: " ERROR("503", "UNAVAILABLE", RETRY_INFO("7s")) "\r\n\r\n"), END };
    static const script late_refusal = { HEAD(200, SSE), BYTES(HOP("One ", "YQ==")),
                                         BYTES("data: " ERROR("400", "INVALID_ARGUMENT", "") "\r\n\r\n"), END };
    fixture             fix;

    (void)state;
    set_up(&fix, SCRIPTS(late_busy, last_hop));
    open_stream(&fix);
    assert_int_equal(read_on(&fix), CASTOR_VERDICT_COMPLETE);
    assert_string_equal(fix.text, "One  world");
    assert_int_equal(fix.finishes, 1);
    assert_int_equal(fix.restarts, 0);
    assert_string_equal(fix.book, "first-model>first-model FAILED;");
    assert_in_range(now_of(&fix), 7000, 8000);
    assert_non_null(strstr(cst_transport_memory_body(fix.transport), "\"continuationToken\":\"YQ==\""));
    assert_int_equal(castor_stream_usage(fix.stream).total_tokens.value, 19);
    tear_down(&fix);

    set_up(&fix, SCRIPTS(late_refusal));
    open_stream(&fix);
    assert_int_equal(read_on(&fix), CASTOR_VERDICT_FAILED);
    assert_string_equal(fix.text, "One ");
    assert_int_equal(fix.finishes, 0);
    assert_true(cst_str_is(castor_stream_finish_reason(fix.stream), "CONTINUATION"));
    assert_int_equal(castor_stream_attempts(fix.stream), 1);
    tear_down(&fix);
}

static void a_hop_that_only_thought_goes_on_too(void **state)
{
    static const script thoughts = {
        HEAD(200, SSE),
        BYTES("data: {\"candidates\":[{\"content\":{},\"finishReason\":\"CONTINUATION\",\"continuationToken\":\"YQ==\"}]}\r\n\r\n"),
        END,
    };
    fixture fix;

    (void)state;
    set_up(&fix, SCRIPTS(thoughts, last_hop));
    open_stream(&fix);
    assert_int_equal(read_on(&fix), CASTOR_VERDICT_COMPLETE);
    assert_string_equal(fix.text, " world");
    assert_int_equal(fix.finishes, 1);
    tear_down(&fix);
}

static void a_connection_that_is_lost_behind_a_token_and_thoughts_does_no_harm_either(void **state)
{
    static const script lost_behind = {
        HEAD(200, SSE),
        BYTES("data: {\"candidates\":[{\"content\":{},\"finishReason\":\"CONTINUATION\",\"continuationToken\":\"YQ==\"}]}\r\n\r\n"),
        LOSE("reset by peer"),
    };
    fixture fix;

    (void)state;
    set_up(&fix, SCRIPTS(lost_behind, last_hop));
    open_stream(&fix);
    assert_int_equal(read_on(&fix), CASTOR_VERDICT_COMPLETE);
    assert_string_equal(fix.text, " world");
    tear_down(&fix);
}

/* A list that is closed says that nothing more will come, while the body has not ended. */
#define LIST_OF_ONE(text, token) \
    "[{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"" text "\"}]},\"finishReason\":\"CONTINUATION\"," \
    "\"continuationToken\":\"" token "\"}]}]"

static void a_body_is_kept_until_its_exchange_is_closed(void **state)
{
    static const script one = { HEAD(200, "application/json"), BYTES(LIST_OF_ONE("One ", "YQ==")), WAIT(50), END };
    static const script two = { HEAD(200, "application/json"), BYTES(LIST_OF_ONE("two ", "Yg==")), WAIT(50), END };
    static const script bad = { HEAD(200, SSE), BYTES(HELLO "data: " ERROR("503", "UNAVAILABLE", "") "\r\n\r\n"),
                                WAIT(50), END };
    fixture             fix;

    (void)state;
    set_up(&fix, SCRIPTS(one, two, bad, whole));
    fix.retry.restart = 1;
    open_stream(&fix);
    assert_int_equal(read_on(&fix), CASTOR_VERDICT_COMPLETE);
    assert_string_equal(fix.text, "Hello world");
    tear_down(&fix);
}

/* ---- memory ---- */

static void every_allocation_on_a_long_way_may_fail(void **state)
{
    static const char *const models[] = { "second-model" };
    castor_event             event;

    (void)state;
    for (long nth = 1;; nth++) {
        fixture     fix;
        castor_step step = CASTOR_STEP_ERROR;
        set_up(&fix, SCRIPTS(busy, hop_a, broken_off, hop_b, lost, last_hop));
        fix.retry.restart = 1;
        fix.retry.attempts_max = 9;
        fix.retry.fallback_models = models;
        fix.retry.fallback_model_count = 1;
        fix.memory.fail_at = fix.memory.asked + nth;
        castor_status status = castor_stream_open(&fix.stream, fix.client, &fix.request, &fix.err);
        while (status == CASTOR_OK && (step = castor_stream_next(fix.stream, &event, &fix.err)) == CASTOR_STEP_EVENT) {
            take(&fix, &event);
        }
        bool did_fail = fix.memory.did_fail;
        if (step == CASTOR_STEP_DONE) assert_string_equal(fix.text, "two  world"); /* what failed was only to be quicker */
        else assert_int_equal(fix.err.status, CASTOR_NO_MEMORY);
        assert_true(did_fail || step == CASTOR_STEP_DONE);
        tear_down(&fix);
        if (did_fail) continue;
        assert_true(nth > 20);
        return;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_that_fails_before_its_first_event_is_sent_again),
        cmocka_unit_test(the_last_error_is_told_when_all_attempts_have_failed),
        cmocka_unit_test(what_is_final_is_not_sent_again),
        cmocka_unit_test(the_limits_of_the_connection_are_worth_another_attempt_and_the_others_are_not),
        cmocka_unit_test(limits_begin_anew_with_each_attempt_and_the_total_one_does_not),
        cmocka_unit_test(the_server_is_told_what_is_left_of_the_total_limit),
        cmocka_unit_test(the_servers_delay_is_waited_for_wherever_it_stands),
        cmocka_unit_test(a_delay_beyond_the_budget_or_the_total_limit_fails_at_once_and_is_told),
        cmocka_unit_test(no_attempt_begins_behind_the_budget),
        cmocka_unit_test(an_answer_that_broke_off_begins_anew_when_that_is_allowed),
        cmocka_unit_test(an_answer_begins_anew_as_often_as_allowed_and_then_stands),
        cmocka_unit_test(what_was_given_stands_when_the_answer_does_not_begin_anew),
        cmocka_unit_test(a_long_answer_may_begin_anew_behind_its_budget),
        cmocka_unit_test(generate_discards_what_it_had_by_itself),
        cmocka_unit_test(a_stream_that_waits_has_no_exchange_and_keeps_its_place),
        cmocka_unit_test(a_connection_that_was_not_made_in_time_leaves_its_place_to_nobody),
        cmocka_unit_test(of_one_that_has_lost_its_place_only_the_total_limit_runs),
        cmocka_unit_test(cancel_ends_the_wait_at_once),
        cmocka_unit_test(a_cancelled_answer_that_was_to_begin_anew_keeps_its_counts),
        cmocka_unit_test(a_stream_may_be_closed_and_a_client_freed_during_the_wait),
        cmocka_unit_test(a_loop_is_asked_for_a_timer_and_nothing_else),
        cmocka_unit_test(a_stream_that_waits_ends_when_the_loop_has_no_timer_for_it),
        cmocka_unit_test(an_overloaded_model_gives_way_to_the_next_at_once),
        cmocka_unit_test(in_chat_completions_the_model_stands_in_the_body),
        cmocka_unit_test(a_fallback_model_that_is_none_is_refused_before_anything_is_sent),
        cmocka_unit_test(a_long_answer_goes_on_from_hop_to_hop_as_one),
        cmocka_unit_test(a_long_answer_goes_on_before_others_begin),
        cmocka_unit_test(the_time_in_line_is_not_of_the_budget),
        cmocka_unit_test(hops_end_at_their_limit_and_at_a_token_that_repeats),
        cmocka_unit_test(hops_end_at_sixteen_unless_the_caller_says_otherwise),
        cmocka_unit_test(a_token_of_more_than_1_mib_is_none),
        cmocka_unit_test(a_hop_that_fails_is_tried_again_with_its_token),
        cmocka_unit_test(a_hop_is_asked_of_the_model_whose_token_it_has),
        cmocka_unit_test(an_answer_that_begins_anew_may_ask_another_model),
        cmocka_unit_test(what_earlier_hops_gave_stands_when_the_next_fails),
        cmocka_unit_test(a_hop_of_nothing_at_all_has_cut_the_answer_off),
        cmocka_unit_test(a_long_answer_that_breaks_off_begins_anew_from_its_first_hop),
        cmocka_unit_test(a_connection_that_is_lost_behind_the_token_does_no_harm),
        cmocka_unit_test(an_error_behind_the_token_is_waited_for_and_the_answer_goes_on),
        cmocka_unit_test(a_hop_that_only_thought_goes_on_too),
        cmocka_unit_test(a_connection_that_is_lost_behind_a_token_and_thoughts_does_no_harm_either),
        cmocka_unit_test(a_body_is_kept_until_its_exchange_is_closed),
        cmocka_unit_test(every_allocation_on_a_long_way_may_fail),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
