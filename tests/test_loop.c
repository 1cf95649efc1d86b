/* test_loop.c -- clients in somebody's event loop: what may be done in a listener, on a clock and a network of memory.
 * SPDX-License-Identifier: MIT
 *
 * The numbers are those of the rules in castor.h. Real loops and real sockets are in test_adapters.c.
 */
#include <stdio.h>
#include <stdlib.h>

#include "client.h"
#include "drive.h"
#include "steps.h"
#include "stream.h"
#include "support.h"

#define SSE "text/event-stream"
#define HELLO "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"Hello\"}]},\"index\":0}]}\r\n\r\n"
#define WORLD "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\" world\"}]},\"finishReason\":\"STOP\",\"index\":0}]}\r\n\r\n"

static const cst_memory_step whole[] = { PHASE(CST_PHASE_CONNECT), WAIT(20), PHASE(CST_PHASE_FIRST_BYTE), WAIT(500), HEAD(200, SSE),
                                         BYTES(HELLO), WAIT(40), BYTES(WORLD), WAIT(10), END };
/* "Hello", " world" and the finish; see heard.events */
enum { EVENTS_OF_WHOLE = 3, TURNS_MAX = 1000, STREAMS = 20 };

/* ---- a loop and a listener ---- */

typedef struct fixture {
    tst_memory       memory;
    castor_allocator allocator;
    cst_transport   *transport;
    castor_client   *client;
    castor_error     err;
    int64_t          delay_ms;  /* the loop's timer; negative: off */
    int              timer_calls;
    int              timer_fails_at; /* the call that fails, from 1; 0: none */
    int              detached;
    bool             is_inside; /* a listener is being called */
} fixture;

typedef struct heard {
    fixture       *fix;
    castor_stream *stream;
    char           text[64];
    int            events;
    int            ends;
    castor_step    end;
    int            act_at; /* the event, from 1, at which `act` is called; -1: at the end */
    void         (*act)(struct heard *heard);
    struct heard  *other;
} heard;

static int32_t set_timer(void *user, int64_t delay_ms)
{
    fixture *fix = user;

    fix->delay_ms = delay_ms;
    return ++fix->timer_calls == fix->timer_fails_at ? -1 : 0;
}

static int32_t watch(void *user, int fd, int32_t interest)
{
    (void)user;
    (void)fd;
    (void)interest;
    return 0;
}

static void note_detach(void *user)
{
    fixture *fix = user;

    fix->detached++;
    fix->delay_ms = -1;
}

static castor_loop loop_of(fixture *fix)
{
    castor_loop loop = CASTOR_LOOP_INIT;

    loop.watch = watch;
    loop.timer = set_timer;
    loop.detach = note_detach;
    loop.user = fix;
    return loop;
}

static void set_up(fixture *fix, const cst_memory_step *script, castor_client_options options, bool is_attached)
{
    *fix = (fixture){ .delay_ms = -1 };
    castor_loop loop = loop_of(fix);

    fix->allocator = tst_allocator(&fix->memory);
    options.api_key = "test-key";
    options.ignore_environment = 1;
    options.allocator = &fix->allocator;
    assert_int_equal(cst_transport_memory_new(&fix->transport, script, cst_allocator_default(), &fix->err), CASTOR_OK);
    assert_int_equal(cst_client_new_on(&fix->client, &options, fix->transport, &fix->err), CASTOR_OK);
    if (is_attached) assert_int_equal(castor_client_attach(fix->client, &loop, &fix->err), CASTOR_OK);
}

static void set_up_plain(fixture *fix)
{
    castor_client_options options = CASTOR_CLIENT_OPTIONS_INIT;

    set_up(fix, whole, options, true);
}

static void tear_down(fixture *fix)
{
    castor_client_free(fix->client);
    assert_int_equal(fix->memory.live_bytes, 0);
    assert_false(fix->memory.has_lied);
}

static void on_step(void *user, castor_stream *stream, castor_step step, const castor_event *event)
{
    heard   *one = user;
    fixture *fix = one->fix;

    assert_false(fix->is_inside);                                     /* rule 1 */
    assert_int_equal(one->ends, 0);                                   /* rule 3 */
    assert_ptr_equal(stream, one->stream);
    assert_int_equal(step == CASTOR_STEP_EVENT, event != NULL);
    assert_int_not_equal(step, CASTOR_STEP_WAIT);
    fix->is_inside = true;
    one->events += step == CASTOR_STEP_EVENT;
    if (event && event->type == CASTOR_EVENT_TEXT) {
        assert_true(strlen(one->text) + event->text.len < sizeof one->text);
        strncat(one->text, event->text.data, event->text.len);
    }
    if (step != CASTOR_STEP_EVENT) {
        one->ends++;
        one->end = step;
    }
    if (one->act && one->act_at == (step == CASTOR_STEP_EVENT ? one->events : -1)) one->act(one);
    fix->is_inside = false;
}

static castor_status try_open(fixture *fix, castor_stream **out)
{
    static const castor_turn turn = { .role = CASTOR_USER, .text = { "Hi", 2 } };
    castor_request           request = CASTOR_REQUEST_INIT;

    request.model = "gemini-3.8-flash";
    request.turns = &turn;
    request.turn_count = 1;
    return castor_stream_open(out, fix->client, &request, &fix->err);
}

static void open_heard(fixture *fix, heard *one)
{
    one->fix = fix;
    one->end = CASTOR_STEP_WAIT;
    assert_int_equal(try_open(fix, &one->stream), CASTOR_OK);
    castor_stream_listen(one->stream, on_step, one);
}

/* The timer rings when it is due, until nobody asks for it any more. */
static int run(fixture *fix)
{
    int turns = 0;

    for (; fix->delay_ms >= 0; turns++) {
        int64_t delay_ms = fix->delay_ms;
        assert_in_range(turns, 0, TURNS_MAX);
        fix->delay_ms = -1;
        cst_transport_memory_sleep(fix->transport, delay_ms);
        castor_client_tick(fix->client);
    }
    return turns;
}

static void expect_whole(const heard *one)
{
    assert_string_equal(one->text, "Hello world");
    assert_int_equal(one->events, EVENTS_OF_WHOLE);
    assert_int_equal(one->ends, 1);
    assert_int_equal(one->end, CASTOR_STEP_DONE);
}

/* ---- the ordinary ---- */

static void a_listener_is_told_each_event_and_the_end(void **state)
{
    fixture fix;
    heard   one = { 0 };

    (void)state;
    set_up_plain(&fix);
    assert_int_equal(fix.delay_ms, -1); /* nothing is open: nothing is in the loop */
    open_heard(&fix, &one);
    assert_int_equal(one.events, 0);    /* rule 1 */
    run(&fix);
    expect_whole(&one);
    assert_int_equal(castor_stream_verdict(one.stream), CASTOR_VERDICT_COMPLETE);
    castor_stream_close(one.stream);
    assert_int_equal(fix.delay_ms, -1);
    tear_down(&fix);
    assert_int_equal(fix.detached, 1);
}

static void many_streams_are_told_each_its_own(void **state)
{
    fixture fix;
    heard   all[STREAMS] = { { 0 } };

    (void)state;
    set_up_plain(&fix);
    for (int i = 0; i < STREAMS; i++) open_heard(&fix, &all[i]);
    int turns = run(&fix);
    assert_in_range(turns, 1, 20); /* they are in step: a wake-up serves all */
    for (int i = 0; i < STREAMS; i++) {
        expect_whole(&all[i]);
        castor_stream_close(all[i].stream);
    }
    tear_down(&fix);
}

static void without_a_loop_wait_is_the_loop(void **state)
{
    castor_client_options options = CASTOR_CLIENT_OPTIONS_INIT;
    fixture               fix;
    heard                 all[STREAMS] = { { 0 } };

    (void)state;
    set_up(&fix, whole, options, false);
    for (int i = 0; i < STREAMS; i++) open_heard(&fix, &all[i]);
    assert_int_equal(castor_client_wait(fix.client, 525, &fix.err), CASTOR_OK); /* its time is up between the two texts */
    for (int i = 0; i < STREAMS; i++) assert_string_equal(all[i].text, "Hello");
    assert_int_equal(castor_client_wait(fix.client, CASTOR_NO_LIMIT, &fix.err), CASTOR_OK);
    for (int i = 0; i < STREAMS; i++) {
        expect_whole(&all[i]);
        castor_stream_close(all[i].stream);
    }
    tear_down(&fix);
}

static void a_stream_that_is_left_alone_does_not_keep_the_others_from_moving(void **state)
{
    castor_client_options options = CASTOR_CLIENT_OPTIONS_INIT;
    fixture               fix;
    heard                 one = { 0 };
    castor_stream        *alone;
    int                   waits = 0;

    (void)state;
    set_up(&fix, whole, options, false);
    assert_int_equal(try_open(&fix, &alone), CASTOR_OK);
    open_heard(&fix, &one);
    while (one.ends == 0) {
        assert_in_range(waits++, 0, 50);
        cst_transport_memory_sleep(fix.transport, 20);
        assert_int_equal(castor_client_wait(fix.client, CASTOR_NO_LIMIT, &fix.err), CASTOR_OK);
    }
    expect_whole(&one);
    castor_stream_close(alone);
    castor_stream_close(one.stream);
    tear_down(&fix);
}

static void on_an_attached_client_nothing_waits(void **state)
{
    fixture        fix;
    castor_stream *stream;
    castor_answer *answer;
    castor_event   event;
    castor_request request = CASTOR_REQUEST_INIT;
    int            events = 0, waits = 0;
    castor_step    step;

    (void)state;
    set_up_plain(&fix);
    assert_int_equal(try_open(&fix, &stream), CASTOR_OK);
    assert_int_equal(castor_stream_next(stream, &event, &fix.err), CASTOR_STEP_WAIT);
    assert_int_equal(castor_client_wait(fix.client, 0, &fix.err), CASTOR_INVALID);
    assert_int_equal(castor_generate(&answer, fix.client, &request, &fix.err), CASTOR_INVALID);
    while ((step = castor_stream_next(stream, &event, &fix.err)) != CASTOR_STEP_DONE) {
        events += step == CASTOR_STEP_EVENT;
        if (step != CASTOR_STEP_WAIT) continue;
        assert_in_range(++waits, 1, 20);
        cst_transport_memory_sleep(fix.transport, fix.delay_ms);
        castor_client_tick(fix.client);
    }
    assert_int_equal(events, EVENTS_OF_WHOLE);
    castor_stream_close(stream);
    tear_down(&fix);
}

static void a_loop_without_its_functions_is_refused(void **state)
{
    fixture     fix;
    castor_loop loop = CASTOR_LOOP_INIT;

    (void)state;
    set_up_plain(&fix);
    assert_int_equal(castor_client_attach(fix.client, &loop, &fix.err), CASTOR_INVALID);
    assert_non_null(strstr(fix.err.message, "watch"));
    loop = loop_of(&fix);
    loop.timer = NULL;
    assert_int_equal(castor_client_attach(fix.client, &loop, &fix.err), CASTOR_INVALID);
    assert_non_null(strstr(fix.err.message, "timer"));
    assert_int_equal(castor_client_attach(NULL, &loop, &fix.err), CASTOR_INVALID);
    assert_int_equal(fix.detached, 0); /* the loop that was there before still is */
    castor_client_ready(NULL, 0, 0);
    castor_client_tick(NULL);
    tear_down(&fix);
}

static void a_client_leaves_its_loop_with_streams_under_way(void **state)
{
    fixture     fix;
    castor_loop loop;
    heard       one = { 0 };

    (void)state;
    set_up_plain(&fix);
    open_heard(&fix, &one);
    for (int i = 0; i < 3; i++) {
        cst_transport_memory_sleep(fix.transport, fix.delay_ms);
        castor_client_tick(fix.client);
    }
    assert_int_equal(castor_client_attach(fix.client, NULL, &fix.err), CASTOR_OK);
    assert_int_equal(fix.detached, 1);
    castor_client_tick(fix.client); /* late, and of no use */
    assert_int_equal(castor_client_wait(fix.client, 30, &fix.err), CASTOR_OK);
    assert_int_equal(one.ends, 0);
    loop = loop_of(&fix);
    assert_int_equal(castor_client_attach(fix.client, &loop, &fix.err), CASTOR_OK);
    run(&fix);
    expect_whole(&one);
    castor_stream_close(one.stream);
    tear_down(&fix);
    assert_int_equal(fix.detached, 2);
}

/* ---- what may be done in a listener ---- */

static void close_own(heard *one)
{
    castor_stream_close(one->stream);
    one->stream = NULL;
}

static void close_other(heard *one)
{
    close_own(one->other);
}

/* Rule 4. */
static void a_listener_may_close_its_own_stream_at_any_event_and_at_the_end(void **state)
{
    (void)state;
    for (int at = -1; at <= EVENTS_OF_WHOLE; at++) {
        fixture fix;
        heard   one = { .act_at = at, .act = at ? close_own : NULL }, two = { 0 };
        set_up_plain(&fix);
        open_heard(&fix, &one);
        open_heard(&fix, &two);
        run(&fix);
        if (at > 0) assert_int_equal(one.events, at);
        assert_int_equal(one.ends, at <= 0);
        expect_whole(&two);
        castor_stream_close(one.stream);
        castor_stream_close(two.stream);
        tear_down(&fix);
    }
}

/* Rule 4: whether the other one stands before or behind in the line. */
static void a_listener_may_close_any_other_stream(void **state)
{
    (void)state;
    for (int at = 0; at < 3; at++) {
        fixture fix;
        heard   all[3] = { { 0 } };
        set_up_plain(&fix);
        for (int i = 0; i < 3; i++) open_heard(&fix, &all[i]);
        all[1].act_at = 1;
        all[1].act = close_other;
        all[1].other = &all[at];
        run(&fix);
        for (int i = 0; i < 3; i++) {
            if (i != at) expect_whole(&all[i]);
            else assert_int_equal(all[i].ends, 0);
            castor_stream_close(all[i].stream);
        }
        tear_down(&fix);
    }
}

static void open_other(heard *one)
{
    open_heard(one->fix, one->other);
    assert_int_equal(one->other->events, 0);
}

/* Rule 5. */
static void a_listener_may_open_streams(void **state)
{
    (void)state;
    for (int at = -1; at <= EVENTS_OF_WHOLE; at++) {
        fixture fix;
        heard   two = { 0 }, one = { .act_at = at, .act = at ? open_other : NULL, .other = &two };
        set_up_plain(&fix);
        open_heard(&fix, &one);
        run(&fix);
        expect_whole(&one);
        if (at) expect_whole(&two);
        castor_stream_close(one.stream);
        castor_stream_close(two.stream);
        tear_down(&fix);
    }
}

/* A chat: the next question is asked where the answer ended. */
static void close_and_open(heard *one)
{
    close_own(one);
    open_heard(one->fix, one->other);
}

static void a_listener_may_close_its_stream_and_open_the_next(void **state)
{
    fixture fix;
    heard   all[STREAMS] = { { 0 } };

    (void)state;
    set_up_plain(&fix);
    for (int i = 0; i + 1 < STREAMS; i++) {
        all[i].act_at = -1;
        all[i].act = close_and_open;
        all[i].other = &all[i + 1];
    }
    open_heard(&fix, &all[0]);
    run(&fix);
    for (int i = 0; i < STREAMS; i++) expect_whole(&all[i]);
    castor_stream_close(all[STREAMS - 1].stream);
    tear_down(&fix);
}

static void cancel_own(heard *one)
{
    castor_stream_cancel(one->stream);
}

static void cancel_other(heard *one)
{
    castor_stream_cancel(one->other->stream);
}

/* Rule 6. */
static void a_listener_may_cancel_and_is_told_so(void **state)
{
    fixture fix;
    heard   one = { .act_at = 1, .act = cancel_own }, two = { .act_at = 1, .act = cancel_other }, three = { 0 };

    (void)state;
    two.other = &three;
    set_up_plain(&fix);
    open_heard(&fix, &one);
    open_heard(&fix, &two);
    open_heard(&fix, &three);
    run(&fix);
    expect_whole(&two);
    assert_int_equal(one.events, 1);
    assert_int_equal(one.end, CASTOR_STEP_ERROR);
    assert_int_equal(castor_stream_error(one.stream)->verdict, CASTOR_VERDICT_CANCELLED);
    assert_int_equal(three.end, CASTOR_STEP_ERROR);
    assert_int_equal(castor_stream_verdict(three.stream), CASTOR_VERDICT_CANCELLED);
    castor_stream_close(one.stream);
    castor_stream_close(two.stream);
    castor_stream_close(three.stream);
    tear_down(&fix);
}

static void free_client(heard *one)
{
    castor_client_free(one->fix->client);
    one->fix->client = NULL;
    assert_int_equal(one->fix->detached, 1);
    assert_int_equal(castor_stream_verdict(one->stream) == CASTOR_VERDICT_CANCELLED, one->act_at > 0);
}

static void free_and_close(heard *one)
{
    free_client(one);
    close_own(one);
}

/* Rule 7, in a loop and in castor_client_wait. */
static void a_listener_may_free_the_client(void **state)
{
    castor_client_options options = CASTOR_CLIENT_OPTIONS_INIT;

    (void)state;
    for (int at = -1; at <= EVENTS_OF_WHOLE; at++) {
        for (int closes = 0; closes < 2 && at != 0; closes++) {
            fixture fix;
            heard   one = { .act_at = at, .act = closes ? free_and_close : free_client }, two = { 0 };
            set_up(&fix, whole, options, true);
            open_heard(&fix, &one);
            open_heard(&fix, &two);
            run(&fix);
            if (at > 0) assert_int_equal(one.events + one.ends, at);
            assert_int_equal(castor_stream_verdict(two.stream) == CASTOR_VERDICT_COMPLETE, two.ends);
            assert_int_not_equal(castor_stream_verdict(two.stream), CASTOR_VERDICT_NONE);
            castor_stream_close(one.stream);
            castor_stream_close(two.stream);
            tear_down(&fix);
        }
    }
}

static void free_unattached(heard *one)
{
    castor_client_free(one->fix->client);
    one->fix->client = NULL;
}

static void a_listener_may_free_the_client_that_is_waiting(void **state)
{
    castor_client_options options = CASTOR_CLIENT_OPTIONS_INIT;
    fixture               fix;
    heard                 one = { .act_at = 1, .act = free_unattached };

    (void)state;
    set_up(&fix, whole, options, false);
    open_heard(&fix, &one);
    assert_int_equal(castor_client_wait(fix.client, CASTOR_NO_LIMIT, &fix.err), CASTOR_OK);
    assert_int_equal(one.events, 1);
    assert_int_equal(castor_stream_verdict(one.stream), CASTOR_VERDICT_CANCELLED);
    castor_stream_close(one.stream);
    tear_down(&fix);
}

/* Rule 7, from outside. */
static void a_client_is_freed_with_streams_under_way(void **state)
{
    fixture fix;
    heard   one = { 0 };

    (void)state;
    set_up_plain(&fix);
    open_heard(&fix, &one);
    cst_transport_memory_sleep(fix.transport, 530);
    castor_client_tick(fix.client);
    castor_client_free(fix.client);
    fix.client = NULL;
    assert_int_equal(fix.detached, 1);
    assert_int_equal(one.ends, 0);
    assert_int_equal(castor_stream_verdict(one.stream), CASTOR_VERDICT_CANCELLED);
    castor_stream_listen(one.stream, on_step, &one); /* says nothing any more */
    castor_stream_cancel(one.stream);
    castor_stream_close(one.stream);
    tear_down(&fix);
}

static void listen_other(heard *one)
{
    one->other->fix = one->fix;
    one->other->stream = one->stream;
    castor_stream_listen(one->stream, on_step, one->other);
}

/* Rule 8. */
static void a_listener_may_be_replaced_at_any_event_and_at_the_end(void **state)
{
    (void)state;
    for (int at = -1; at <= EVENTS_OF_WHOLE; at++) {
        fixture fix;
        heard   two = { 0 }, one = { .act_at = at, .act = at ? listen_other : NULL, .other = &two };
        set_up_plain(&fix);
        open_heard(&fix, &one);
        run(&fix);
        assert_int_equal(one.events + two.events, EVENTS_OF_WHOLE);
        if (at > 0) assert_int_equal(one.events, at);
        assert_int_equal(one.ends, at <= 0);
        assert_int_equal(two.ends, at != 0); /* one that comes after the end is told it, too */
        castor_stream_close(one.stream);
        tear_down(&fix);
    }
}

static void listen_no_more(heard *one)
{
    castor_stream_listen(one->stream, NULL, NULL);
}

/* Rule 8. */
static void events_without_a_listener_wait_for_poll_or_for_the_next_one(void **state)
{
    (void)state;
    for (int polls = 0; polls < 2; polls++) {
        fixture      fix;
        castor_event event;
        castor_step  step;
        heard        one = { .act_at = 1, .act = listen_no_more };
        set_up_plain(&fix);
        open_heard(&fix, &one);
        run(&fix);
        assert_int_equal(one.events, 1);
        assert_int_equal(one.ends, 0);
        if (polls) {
            while ((step = castor_stream_poll(one.stream, &event, &fix.err)) == CASTOR_STEP_EVENT) one.events++;
            assert_int_equal(step, CASTOR_STEP_DONE);
            assert_int_equal(one.events, EVENTS_OF_WHOLE);
        } else {
            castor_stream_listen(one.stream, on_step, &one);
            assert_int_equal(one.events, 1); /* rule 1 */
            run(&fix);
            expect_whole(&one);
        }
        castor_stream_close(one.stream);
        tear_down(&fix);
    }
}

static void wait_inside(heard *one)
{
    castor_loop   loop = loop_of(one->fix);
    castor_event  event;
    castor_error  err;

    castor_client_tick(one->fix->client);
    castor_client_ready(one->fix->client, 0, CASTOR_READ);
    assert_int_equal(castor_client_wait(one->fix->client, 0, &err), CASTOR_INVALID);
    assert_int_equal(castor_client_attach(one->fix->client, &loop, &err), CASTOR_INVALID);
    assert_int_equal(castor_client_attach(one->fix->client, NULL, &err), CASTOR_INVALID);
    assert_int_equal(castor_stream_poll(one->other->stream, &event, &err), CASTOR_STEP_EVENT); /* taking is allowed */
}

/* Rule 10. */
static void a_listener_cannot_wait(void **state)
{
    fixture fix;
    heard   one = { 0 }, two = { .act_at = 1, .act = wait_inside, .other = &one };

    (void)state;
    set_up_plain(&fix);
    open_heard(&fix, &one);
    open_heard(&fix, &two); /* what was opened last is moved first by this transport */
    run(&fix);
    expect_whole(&two);
    assert_int_equal(one.events, EVENTS_OF_WHOLE - 1);
    assert_int_equal(one.end, CASTOR_STEP_DONE);
    castor_stream_close(one.stream);
    castor_stream_close(two.stream);
    tear_down(&fix);
}

static void read_inside(heard *one)
{
    castor_event event;
    castor_step  step;

    while ((step = castor_stream_next(one->other->stream, &event, &one->fix->err)) == CASTOR_STEP_EVENT) continue;
    assert_int_equal(step, CASTOR_STEP_DONE);
}

/* Rule 10: without a loop, a listener may well wait for another answer. */
static void a_listener_without_a_loop_may_read_another_answer(void **state)
{
    castor_client_options options = CASTOR_CLIENT_OPTIONS_INIT;
    fixture               fix;
    heard                 two = { 0 }, one = { .act_at = 1, .act = read_inside, .other = &two };

    (void)state;
    set_up(&fix, whole, options, false);
    open_heard(&fix, &one);
    assert_int_equal(try_open(&fix, &two.stream), CASTOR_OK);
    assert_int_equal(castor_client_wait(fix.client, CASTOR_NO_LIMIT, &fix.err), CASTOR_OK);
    assert_int_equal(castor_client_wait(fix.client, CASTOR_NO_LIMIT, &fix.err), CASTOR_OK);
    expect_whole(&one);
    castor_stream_close(one.stream);
    castor_stream_close(two.stream);
    tear_down(&fix);
}

/* ---- not taking ---- */

enum { PIECES = 400 };
static char            big[16 << 10];
static cst_memory_step flood[PIECES + 4];

static void make_flood(void)
{
    int len = snprintf(big, sizeof big, "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"");

    memset(big + len, 'x', sizeof big - (size_t)len - 32);
    len = (int)sizeof big - 32;
    len += snprintf(big + len, 32, "\"}]}}]}\n\n");
    flood[0] = (cst_memory_step)PHASE(CST_PHASE_FIRST_BYTE);
    flood[1] = (cst_memory_step)HEAD(200, SSE);
    for (int i = 0; i < PIECES; i++) flood[2 + i] = (cst_memory_step){ CST_MEMORY_BYTES, 0, { big, (size_t)len } };
    flood[PIECES + 2] = (cst_memory_step)BYTES(WORLD);
    flood[PIECES + 3] = (cst_memory_step)END;
}

static void count_only(void *user, castor_stream *stream, castor_step step, const castor_event *event)
{
    heard *one = user;

    (void)stream;
    (void)event;
    one->events += step == CASTOR_STEP_EVENT;
    one->ends += step != CASTOR_STEP_EVENT;
    if (one->act_at == one->events) castor_stream_listen(one->stream, NULL, NULL);
}

/* Rule 9. */
static void who_stops_listening_stops_the_reading_of_that_stream_alone(void **state)
{
    castor_client_options options = CASTOR_CLIENT_OPTIONS_INIT;
    fixture               fix;
    heard                 one = { .act_at = 3 }, two = { 0 };

    (void)state;
    make_flood();
    options.idle_timeout_ms = 100;
    set_up(&fix, flood, options, true);
    open_heard(&fix, &one);
    open_heard(&fix, &two);
    castor_stream_listen(one.stream, count_only, &one);
    castor_stream_listen(two.stream, count_only, &two);
    run(&fix);
    assert_int_equal(two.events, PIECES + 2);
    assert_int_equal(two.ends, 1);
    assert_int_equal(one.events, 3);
    assert_in_range(cst_frame_held(&one.stream->attempt.decoder->frame), CST_STREAM_BUFFER_HIGH / 2, CST_STREAM_BUFFER_HIGH + sizeof big);
    assert_int_equal(fix.delay_ms, -1);                       /* no limit runs for one who waits for us */
    cst_transport_memory_sleep(fix.transport, 3600 * 1000);
    one.act_at = 0;
    castor_stream_listen(one.stream, count_only, &one);
    run(&fix);
    assert_int_equal(one.events, PIECES + 2);
    assert_int_equal(castor_stream_verdict(one.stream), CASTOR_VERDICT_COMPLETE);
    castor_stream_close(one.stream);
    castor_stream_close(two.stream);
    tear_down(&fix);
}

static void one_listener_with_much_to_hear_does_not_keep_the_loop_from_its_other_work(void **state)
{
    castor_client_options options = CASTOR_CLIENT_OPTIONS_INIT;
    static cst_memory_step script[4];
    static char            burst[512 * sizeof HELLO];
    fixture                fix;
    heard                  one = { 0 };

    (void)state;
    for (int i = 0; i < 512; i++) memcpy(burst + i * (sizeof HELLO - 1), HELLO, sizeof HELLO);
    script[0] = (cst_memory_step)HEAD(200, SSE);
    script[1] = (cst_memory_step){ CST_MEMORY_BYTES, 0, { burst, 512 * (sizeof HELLO - 1) } };
    script[2] = (cst_memory_step)BYTES(WORLD);
    script[3] = (cst_memory_step)END;
    set_up(&fix, script, options, true);
    open_heard(&fix, &one);
    castor_stream_listen(one.stream, count_only, &one);
    castor_client_tick(fix.client);
    assert_int_equal(one.events, CST_EVENTS_A_TURN);
    assert_int_equal(fix.delay_ms, 0); /* there is more */
    run(&fix);
    assert_int_equal(one.events, 512 + 2);
    assert_int_equal(one.ends, 1);
    castor_stream_close(one.stream);
    tear_down(&fix);
}

/* ---- time ---- */

static void silent_streams_wake_nobody_but_for_limits_that_are_due(void **state)
{
    static const cst_memory_step silence[] = { PHASE(CST_PHASE_FIRST_BYTE), WAIT(48LL * 3600 * 1000), END };
    castor_client_options        options = CASTOR_CLIENT_OPTIONS_INIT;
    fixture                      fix;
    static heard                 all[1000];

    (void)state;
    options.streams_max = 1000;
    set_up(&fix, silence, options, true);
    for (int i = 0; i < 1000; i++) {
        all[i] = (heard){ 0 };
        open_heard(&fix, &all[i]);
    }
    cst_transport_memory_sleep(fix.transport, fix.delay_ms);
    castor_client_tick(fix.client);
    assert_int_equal(fix.delay_ms, 600 * 1000);
    int calls = fix.timer_calls;
    cst_transport_memory_sleep(fix.transport, 60 * 1000);
    castor_client_tick(fix.client); /* one that nobody asked for */
    assert_int_equal(fix.delay_ms, 540 * 1000);
    assert_int_equal(fix.timer_calls, calls + 1);
    assert_int_equal(run(&fix), 1);
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(castor_stream_error(all[i].stream)->time_limit, CASTOR_LIMIT_FIRST_BYTE);
        assert_int_equal(all[i].end, CASTOR_STEP_ERROR);
        castor_stream_close(all[i].stream);
    }
    tear_down(&fix);
}

static void a_loop_that_was_busy_is_not_told_that_the_server_was_slow(void **state)
{
    static const cst_memory_step script[] = { PHASE(CST_PHASE_FIRST_BYTE), HEAD(200, SSE), BYTES(HELLO), WAIT(300), BYTES(WORLD), END };
    castor_client_options        options = CASTOR_CLIENT_OPTIONS_INIT;
    fixture                      fix;
    heard                        one = { 0 };

    (void)state;
    options.idle_timeout_ms = 400;
    set_up(&fix, script, options, true);
    open_heard(&fix, &one);
    castor_client_tick(fix.client);
    cst_transport_memory_sleep(fix.transport, 10 * 1000); /* the rest has long been in the socket */
    castor_client_tick(fix.client);
    run(&fix);
    expect_whole(&one);
    castor_stream_close(one.stream);
    tear_down(&fix);
}

static void a_timer_that_cannot_be_set_ends_what_is_under_way(void **state)
{
    (void)state;
    for (int nth = 1; nth < 8; nth++) {
        fixture fix;
        heard   one = { 0 };
        set_up_plain(&fix);
        fix.timer_fails_at = nth;
        open_heard(&fix, &one);
        run(&fix);
        if (fix.timer_calls < nth) {
            expect_whole(&one);
        } else {
            assert_int_equal(one.ends, 1);
            assert_true(one.end == CASTOR_STEP_DONE || castor_stream_error(one.stream)->status == CASTOR_NO_MEMORY);
        }
        castor_stream_close(one.stream);
        tear_down(&fix);
    }
}

/* The connection is left in good order, though nobody waits for it. */
static void the_tail_of_a_closed_stream_is_read_by_the_loop(void **state)
{
    static const cst_memory_step in_time[] = { HEAD(200, SSE), BYTES(WORLD), WAIT(50), END };
    static const cst_memory_step late[] = { HEAD(200, SSE), BYTES(WORLD), WAIT(5000), END };
    castor_client_options        options = CASTOR_CLIENT_OPTIONS_INIT;

    (void)state;
    for (int is_late = 0; is_late < 2; is_late++) {
        fixture fix;
        heard   one = { .act_at = 2, .act = close_own };
        set_up(&fix, is_late ? late : in_time, options, true);
        open_heard(&fix, &one);
        int64_t began_ms = fix.transport->methods->now_ms(fix.transport);
        run(&fix);
        assert_int_equal(fix.transport->methods->now_ms(fix.transport) - began_ms, is_late ? CST_CLOSE_TAIL_MS : 50);
        assert_int_equal(fix.client->under_way, 0);
        assert_null(fix.client->streams);
        tear_down(&fix);
    }
}

/* ---- admission ---- */

static void streams_beyond_the_cap_wait_their_turn_first_come_first_served(void **state)
{
    castor_client_options options = CASTOR_CLIENT_OPTIONS_INIT;
    fixture               fix;
    heard                 all[STREAMS] = { { 0 } };

    (void)state;
    options.streams_max = 3;
    set_up(&fix, whole, options, true);
    for (int i = 0; i < STREAMS; i++) open_heard(&fix, &all[i]);
    assert_int_equal(fix.client->under_way, 3);
    assert_int_equal(fix.client->waiting.count, STREAMS - 3);
    while (fix.delay_ms >= 0) {
        int64_t delay_ms = fix.delay_ms;
        fix.delay_ms = -1;
        cst_transport_memory_sleep(fix.transport, delay_ms);
        castor_client_tick(fix.client);
        assert_in_range(fix.client->under_way, 0, 3);
        for (int i = 1; i < STREAMS; i++) assert_true(all[i].events <= all[i - 1].events);
    }
    for (int i = 0; i < STREAMS; i++) {
        expect_whole(&all[i]);
        castor_stream_close(all[i].stream);
    }
    tear_down(&fix);
}

static void a_closed_stream_gives_its_place_to_the_next(void **state)
{
    castor_client_options options = CASTOR_CLIENT_OPTIONS_INIT;
    fixture               fix;
    heard                 all[4] = { { 0 } };

    (void)state;
    options.streams_max = 1;
    set_up(&fix, whole, options, true);
    for (int i = 0; i < 4; i++) open_heard(&fix, &all[i]);
    castor_stream_close(all[1].stream); /* one that waits */
    castor_stream_cancel(all[2].stream);
    castor_stream_close(all[0].stream); /* the one under way */
    run(&fix);
    assert_int_equal(all[0].events + all[1].events + all[2].events, 0);
    assert_int_equal(castor_stream_verdict(all[2].stream), CASTOR_VERDICT_CANCELLED);
    expect_whole(&all[3]);
    castor_stream_close(all[2].stream);
    castor_stream_close(all[3].stream);
    tear_down(&fix);
}

static void a_stream_that_waits_costs_less_than_a_kibibyte(void **state)
{
    enum { WAITING = 1000 };
    castor_client_options options = CASTOR_CLIENT_OPTIONS_INIT;
    fixture               fix;
    static castor_stream *streams[WAITING + 1];

    (void)state;
    options.streams_max = 1;
    set_up(&fix, whole, options, true);
    assert_int_equal(try_open(&fix, &streams[0]), CASTOR_OK);
    size_t before = fix.memory.live_bytes;
    for (int i = 1; i <= WAITING; i++) assert_int_equal(try_open(&fix, &streams[i]), CASTOR_OK);
    size_t each = (fix.memory.live_bytes - before) / WAITING;
    printf("a stream that waits: %zu bytes, its URL and body among them\n", each);
    assert_in_range(each, 1, 1023);
    /* Everything may be asked of one that has not begun. */
    assert_int_equal(castor_stream_verdict(streams[1]), CASTOR_VERDICT_NONE);
    assert_null(castor_stream_error(streams[1]));
    assert_false(castor_stream_usage(streams[1]).total_tokens.is_set);
    assert_false(castor_stream_timing(streams[1]).connected_ms.is_set);
    assert_int_equal(castor_stream_http_status(streams[1]), 0);
    assert_null(castor_stream_response_id(streams[1]).data);
    assert_null(castor_stream_model_version(streams[1]).data);
    assert_null(castor_stream_finish_reason(streams[1]).data);
    assert_null(castor_stream_block_reason(streams[1]).data);
    assert_null(castor_stream_error_body(streams[1]).data);
    for (int i = 0; i <= WAITING; i++) castor_stream_close(streams[i]);
    tear_down(&fix);
}

static void only_the_total_limit_runs_for_a_stream_that_waits(void **state)
{
    static const cst_memory_step slow[] = { PHASE(CST_PHASE_FIRST_BYTE), WAIT(3600 * 1000), END };
    castor_client_options        options = CASTOR_CLIENT_OPTIONS_INIT;
    fixture                      fix;
    heard                        one = { 0 }, two = { 0 };

    (void)state;
    options.streams_max = 1;
    options.first_byte_timeout_ms = CASTOR_NO_LIMIT;
    options.total_timeout_ms = 5000;
    set_up(&fix, slow, options, true);
    open_heard(&fix, &one);
    cst_transport_memory_sleep(fix.transport, 1000);
    open_heard(&fix, &two);
    cst_transport_memory_sleep(fix.transport, 3999);
    castor_client_tick(fix.client);
    assert_int_equal(fix.delay_ms, 1);
    run(&fix);
    assert_int_equal(castor_stream_error(one.stream)->time_limit, CASTOR_LIMIT_TOTAL);
    assert_int_equal(castor_stream_error(two.stream)->time_limit, CASTOR_LIMIT_TOTAL);
    castor_stream_close(one.stream);
    castor_stream_close(two.stream);
    tear_down(&fix);
}

static void a_count_below_zero_is_refused_by_name(void **state)
{
    castor_client_options options = CASTOR_CLIENT_OPTIONS_INIT;
    castor_client        *client;
    castor_error          err;

    (void)state;
    options.streams_max = -1;
    assert_int_equal(castor_client_new(&client, &options, &err), CASTOR_INVALID);
    assert_non_null(strstr(err.message, "streams_max"));
    options.streams_max = 0;
    options.connection_streams_max = -1;
    assert_int_equal(castor_client_new(&client, &options, &err), CASTOR_INVALID);
    assert_non_null(strstr(err.message, "connection_streams_max"));
}

static void the_blocking_face_waits_for_its_turn_like_any_other(void **state)
{
    castor_client_options options = CASTOR_CLIENT_OPTIONS_INIT;
    fixture               fix;
    castor_stream        *streams[3];
    castor_event          event;

    (void)state;
    options.streams_max = 1;
    set_up(&fix, whole, options, false);
    for (int i = 0; i < 3; i++) assert_int_equal(try_open(&fix, &streams[i]), CASTOR_OK);
    for (int i = 2; i >= 0; i--) {
        while (castor_stream_next(streams[i], &event, &fix.err) == CASTOR_STEP_EVENT) continue;
        assert_int_equal(castor_stream_verdict(streams[i]), CASTOR_VERDICT_COMPLETE);
    }
    for (int i = 0; i < 3; i++) castor_stream_close(streams[i]);
    tear_down(&fix);
}

/* ---- memory ---- */

/* A life in a loop with one that waits; every allocation of ours may be the one that fails. */
static void live_once(tst_memory *memory)
{
    castor_client_options options = CASTOR_CLIENT_OPTIONS_INIT;
    castor_allocator      allocator = tst_allocator(memory);
    fixture               fix = { .delay_ms = -1 };
    castor_loop           loop = loop_of(&fix);
    heard                 all[3] = { { 0 } };

    options.allocator = &allocator;
    options.api_key = "test-key";
    options.ignore_environment = 1;
    options.streams_max = 1;
    assert_int_equal(cst_transport_memory_new(&fix.transport, whole, cst_allocator_default(), &fix.err), CASTOR_OK);
    if (cst_client_new_on(&fix.client, &options, fix.transport, &fix.err) != CASTOR_OK) {
        assert_int_equal(fix.err.status, CASTOR_NO_MEMORY);
        return;
    }
    assert_int_equal(castor_client_attach(fix.client, &loop, &fix.err), CASTOR_OK);
    for (int i = 0; i < 3; i++) {
        all[i].fix = &fix;
        castor_status status = try_open(&fix, &all[i].stream);
        assert_int_equal(status, all[i].stream ? CASTOR_OK : CASTOR_NO_MEMORY);
        if (all[i].stream) castor_stream_listen(all[i].stream, on_step, &all[i]);
    }
    run(&fix);
    for (int i = 0; i < 3; i++) {
        if (!all[i].stream) continue;
        const castor_error *error = castor_stream_error(all[i].stream);
        assert_int_equal(all[i].ends, 1);
        assert_int_equal(all[i].end, error ? CASTOR_STEP_ERROR : CASTOR_STEP_DONE);
        if (error) assert_int_equal(error->status, CASTOR_NO_MEMORY);
        else expect_whole(&all[i]);
        castor_stream_close(all[i].stream);
    }
    castor_client_free(fix.client);
}

static void every_allocation_of_a_life_in_a_loop_may_fail(void **state)
{
    (void)state;
    for (int stays_empty = 0; stays_empty < 2; stays_empty++) {
        for (long nth = 1;; nth++) {
            tst_memory memory = { .fail_at = nth, .stays_empty = stays_empty };
            live_once(&memory);
            assert_int_equal(memory.live_bytes, 0);
            assert_false(memory.has_lied);
            if (!memory.did_fail) break;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_listener_is_told_each_event_and_the_end),
        cmocka_unit_test(many_streams_are_told_each_its_own),
        cmocka_unit_test(without_a_loop_wait_is_the_loop),
        cmocka_unit_test(a_stream_that_is_left_alone_does_not_keep_the_others_from_moving),
        cmocka_unit_test(on_an_attached_client_nothing_waits),
        cmocka_unit_test(a_loop_without_its_functions_is_refused),
        cmocka_unit_test(a_client_leaves_its_loop_with_streams_under_way),
        cmocka_unit_test(a_listener_may_close_its_own_stream_at_any_event_and_at_the_end),
        cmocka_unit_test(a_listener_may_close_any_other_stream),
        cmocka_unit_test(a_listener_may_open_streams),
        cmocka_unit_test(a_listener_may_close_its_stream_and_open_the_next),
        cmocka_unit_test(a_listener_may_cancel_and_is_told_so),
        cmocka_unit_test(a_listener_may_free_the_client),
        cmocka_unit_test(a_listener_may_free_the_client_that_is_waiting),
        cmocka_unit_test(a_client_is_freed_with_streams_under_way),
        cmocka_unit_test(a_listener_may_be_replaced_at_any_event_and_at_the_end),
        cmocka_unit_test(events_without_a_listener_wait_for_poll_or_for_the_next_one),
        cmocka_unit_test(a_listener_cannot_wait),
        cmocka_unit_test(a_listener_without_a_loop_may_read_another_answer),
        cmocka_unit_test(who_stops_listening_stops_the_reading_of_that_stream_alone),
        cmocka_unit_test(one_listener_with_much_to_hear_does_not_keep_the_loop_from_its_other_work),
        cmocka_unit_test(silent_streams_wake_nobody_but_for_limits_that_are_due),
        cmocka_unit_test(a_loop_that_was_busy_is_not_told_that_the_server_was_slow),
        cmocka_unit_test(a_timer_that_cannot_be_set_ends_what_is_under_way),
        cmocka_unit_test(the_tail_of_a_closed_stream_is_read_by_the_loop),
        cmocka_unit_test(streams_beyond_the_cap_wait_their_turn_first_come_first_served),
        cmocka_unit_test(a_closed_stream_gives_its_place_to_the_next),
        cmocka_unit_test(a_stream_that_waits_costs_less_than_a_kibibyte),
        cmocka_unit_test(only_the_total_limit_runs_for_a_stream_that_waits),
        cmocka_unit_test(a_count_below_zero_is_refused_by_name),
        cmocka_unit_test(the_blocking_face_waits_for_its_turn_like_any_other),
        cmocka_unit_test(every_allocation_of_a_life_in_a_loop_may_fail),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
