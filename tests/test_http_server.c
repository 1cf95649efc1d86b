/* test_http_server.c -- what a server does with connections, and HTTP/1.1 with the calls of a handler, from outside.
 * SPDX-License-Identifier: MIT
 *
 * What is refused in a request stands in test_http1.c, and what pollux answers in test_pollux.c.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "host.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: localhost\r\n\r\n"
#define POST(path, length) "POST " path " HTTP/1.1\r\nHost: localhost\r\nContent-Length: " length "\r\n\r\n"

static tst_host host;

static int set_up(void **state)
{
    tst_host_options options = TST_HOST_OPTIONS;

    (void)state;
    host = tst_host_start(&options);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    tst_host_stop(&host);
    return 0;
}

static tst_link connect_to(const tst_host *h) { return tst_connect_to(h->port); }

static tst_answer ask(const char *request, int *error)
{
    tst_link l = connect_to(&host);

    tst_send_text(&l, request);
    tst_answer a = tst_read_answer(&l);
    if (error) {
        while (tst_read_more(&l)) continue;
        *error = l.error;
    }
    tst_hang_up(&l);
    return a;
}

/* Its end comes as a reset: that is noticed even when nothing is being sent. */
static void vanish(tst_link *l)
{
    struct linger at_once = { 1, 0 };

    setsockopt(l->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    tst_hang_up(l);
}

static uint64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* ---- what a handler may do ---- */

static void aborts_end_as_they_should(void **state)
{
    static const struct {
        const char *request;
        int         error;
    } cases[] = {
        { GET("/fin"), 0 }, { GET("/silent"), 0 }, { GET("/goaway"), 0 }, { GET("/reset"), ECONNRESET },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int        error = 0;
        tst_answer a = ask(cases[i].request, &error);
        assert_int_equal(a.status, 200);
        assert_string_equal(a.body, "part");
        assert_false(a.is_whole);
        assert_int_equal(error, cases[i].error);
        tst_forget(&a);
    }
    int        error = 0;
    tst_answer a = ask(GET("/reset-at-once"), &error);
    assert_int_equal(a.status, 0);
    assert_int_equal(error, ECONNRESET);
    tst_forget(&a);
}

static void raw_bytes_stand_outside_the_chunks(void **state)
{
    tst_link l = connect_to(&host);

    (void)state;
    tst_send_text(&l, GET("/raw"));
    while (tst_read_more(&l)) continue;
    assert_non_null(strstr(l.data, "\r\n\r\n3\r\none\r\nzz\r\nbad"));
    tst_hang_up(&l);
}

static void a_length_is_said_as_it_is_given_and_then_the_connection_is_not_kept(void **state)
{
    static const char *const cases[][3] = { { GET("/short"), "10", "12345" }, { GET("/long"), "2", "12" } };

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        tst_link l = connect_to(&host);
        char     length[16];
        tst_send_text(&l, cases[i][0]);
        tst_answer a = tst_read_answer(&l);
        assert_true(tst_header(&a, "content-length", length, sizeof length));
        assert_string_equal(length, cases[i][1]);
        assert_string_equal(a.body, cases[i][2]);
        while (tst_read_more(&l)) continue;
        assert_int_equal(l.error, 0);
        tst_forget(&a);
        tst_hang_up(&l);
    }
}

static void a_handler_can_end_the_connection(void **state)
{
    int        error = -1;
    tst_answer a = ask(GET("/last") GET("/hello"), &error);

    (void)state;
    assert_string_equal(a.body, "12345");
    assert_non_null(strstr(a.head, "content-length: 5\r\n"));
    assert_non_null(strstr(a.head, "\r\nconnection: close\r\n"));
    assert_int_equal(error, 0);
    tst_forget(&a);
}

static void packets_leave_one_by_one_at_their_times(void **state)
{
    tst_link l = connect_to(&host);
    uint64_t start_ms = now_ms();
    size_t   reads = 0;

    (void)state;
    tst_send_text(&l, GET("/packets"));
    size_t head = tst_find_behind(&l, "\r\n\r\n");
    while (l.len - head < 10 && tst_read_more(&l)) reads++;
    assert_memory_equal(l.data + head, "0123456789", 10);
    assert_true(reads >= 3); /* the first may have come with the head */
    assert_true(now_ms() - start_ms >= 3 * TST_GAP_MS);
    tst_send_text(&l, GET("/hello")); /* the connection is kept, and the shape forgotten */
    l.at = head + 10;
    tst_answer a = tst_read_answer(&l);
    assert_string_equal(a.body, "hello\n");
    tst_forget(&a);
    tst_hang_up(&l);
}

static void random_packets_make_the_same_answer(void **state)
{
    tst_answer a = ask(GET("/random"), NULL);

    (void)state;
    assert_int_equal(a.len, 100);
    assert_true(a.is_whole);
    tst_forget(&a);
}

static void a_body_that_is_held_makes_the_client_wait(void **state)
{
    enum { BODY_BYTES = 64 << 20 };
    static char   piece[65536];
    tst_link      l = connect_to(&host);
    struct pollfd room = { .fd = l.fd, .events = POLLOUT };
    size_t        sent = 0;

    (void)state;
    tst_send_text(&l, POST("/never", "67108864"));
    while (sent < BODY_BYTES && poll(&room, 1, 300) == 1) {
        ssize_t count = send(l.fd, piece, sizeof piece, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (count > 0) sent += (size_t)count;
    }
    assert_true(sent < BODY_BYTES);
    tst_hang_up(&l);
}

static void a_body_is_counted_whole_held_or_not(void **state)
{
    enum { BODY_BYTES = 3000000 };
    static const char *const heads[] = { POST("/count", "3000000"), POST("/held", "3000000") };
    char                    *body = calloc(1, BODY_BYTES);

    (void)state;
    assert_non_null(body);
    for (size_t i = 0; i < 2; i++) {
        tst_link l = connect_to(&host);
        tst_send_text(&l, heads[i]);
        tst_send(&l, body, BODY_BYTES);
        tst_answer a = tst_read_answer(&l);
        assert_string_equal(a.body, "3000000");
        tst_forget(&a);
        tst_hang_up(&l);
    }
    free(body);
}

/* Both have something to read when the server wakes up, and the large one came first. Its first body only makes the
 * kernel hold more of the second one. */
static void a_large_body_does_not_hold_up_the_others(void **state)
{
    enum { FIRST_BYTES = 16 << 20, BODY_BYTES = 1 << 20 };
    tst_host_options options = TST_HOST_OPTIONS;
    tst_host         own = tst_host_start(&options);
    tst_link         large = connect_to(&own), small = connect_to(&own);
    char            *body = calloc(1, FIRST_BYTES);

    (void)state;
    assert_non_null(body);
    tst_send_text(&small, GET("/hello")); /* its connection is known */
    assert_int_equal(tst_host_await_gone(&own), 'h');
    tst_send_text(&large, POST("/count", "16777216"));
    tst_send(&large, body, FIRST_BYTES);
    assert_int_equal(tst_host_await_gone(&own), 'c');

    kill(own.pid, SIGSTOP);
    assert_int_equal(waitpid(own.pid, NULL, WUNTRACED), own.pid);
    tst_send_text(&large, POST("/count", "1048576"));
    ssize_t sent = send(large.fd, body, BODY_BYTES, MSG_DONTWAIT | MSG_NOSIGNAL);
    tst_send_text(&small, GET("/hello"));
    kill(own.pid, SIGCONT);
    tst_send(&large, body, BODY_BYTES - (size_t)(sent > 0 ? sent : 0));
    assert_int_equal(tst_host_await_gone(&own), 'h');
    assert_int_equal(tst_host_await_gone(&own), 'c');
    free(body);
    tst_hang_up(&large);
    tst_hang_up(&small);
    tst_host_stop(&own);
}

static void an_early_answer_ends_the_connection_only_if_bytes_are_owed(void **state)
{
    tst_link owing = connect_to(&host), owing_none = connect_to(&host);

    (void)state;
    tst_send_text(&owing, POST("/early", "100") "some of it");
    tst_send_text(&owing_none, GET("/early") GET("/hello"));
    tst_answer a = tst_read_answer(&owing);
    assert_string_equal(a.body, "early");
    assert_non_null(strstr(a.head, "connection: close\r\n"));
    tst_forget(&a);
    assert_false(tst_read_more(&owing));
    a = tst_read_answer(&owing_none);
    assert_string_equal(a.body, "early");
    tst_forget(&a);
    a = tst_read_answer(&owing_none);
    assert_string_equal(a.body, "hello\n");
    tst_forget(&a);
    tst_hang_up(&owing);
    tst_hang_up(&owing_none);
}

/* ---- time limits ---- */

static tst_host start_impatient(void)
{
    tst_host_options options = TST_HOST_OPTIONS;

    options.limits.head_ms = 150;
    options.limits.request_idle_ms = 100;
    options.limits.body_idle_ms = 100;
    options.limits.reader_stall_ms = 100;
    options.limits.half_closed_poll_ms = 20;
    return tst_host_start(&options);
}

static void clients_that_owe_us_something_are_not_waited_for(void **state)
{
    static const char *const begun[] = {
        "",                                            /* nothing at all */
        "GET /hello HTTP/1.1\r\nHo",                   /* half a head */
        POST("/count", "10") "12345",                  /* half a body */
        "POST /count HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n123",
        "PRI * HT",                                    /* half a preface of HTTP/2 */
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",            /* no request behind it */
    };
    tst_host impatient = start_impatient();

    (void)state;
    for (size_t i = 0; i < sizeof begun / sizeof begun[0]; i++) {
        tst_link l = connect_to(&impatient);
        tst_send_text(&l, begun[i]);
        while (tst_read_more(&l)) continue;
        if (l.error == EAGAIN) fail_msg("waited for: %s", begun[i]);
        tst_hang_up(&l);
    }
    tst_host_stop(&impatient);
}

static void a_head_that_trickles_in_has_one_limit_for_all_of_it(void **state)
{
    tst_host      impatient = start_impatient();
    tst_link      l = connect_to(&impatient);
    struct pollfd ended = { .fd = l.fd, .events = POLLIN };
    uint64_t      start_ms = now_ms();

    (void)state;
    tst_send_text(&l, "GET /hello HTTP/1.1\r\nX: ");
    while (poll(&ended, 1, 20) == 0) tst_send_text(&l, "y"); /* never idle, never done */
    assert_true(now_ms() - start_ms >= 150);
    assert_true(now_ms() - start_ms < 5000);
    tst_hang_up(&l);
    tst_host_stop(&impatient);
}

static void a_client_that_reads_nothing_is_given_up(void **state)
{
    tst_host impatient = start_impatient();
    tst_link l = connect_to(&impatient);

    (void)state;
    tst_send_text(&l, GET("/large"));
    tst_host_await_gone(&impatient);
    tst_hang_up(&l);
    tst_host_stop(&impatient);
}

static void a_long_wait_is_no_reason_to_end(void **state)
{
    tst_host      impatient = start_impatient();
    tst_link      l = connect_to(&impatient);
    struct pollfd ended = { .fd = l.fd, .events = POLLIN };

    (void)state;
    tst_send_text(&l, GET("/wait"));
    assert_int_equal(poll(&ended, 1, 400), 0);
    vanish(&l);
    tst_host_await_gone(&impatient);
    tst_host_stop(&impatient);
}

/* The last of what was written is on its way when the connection begins to be idle. */
static void a_connection_is_idle_as_soon_as_its_answer_has_left(void **state)
{
    tst_host      impatient = tst_host_start_idle(100);
    tst_link      l = connect_to(&impatient);
    struct pollfd ended = { .fd = l.fd, .events = POLLIN };

    (void)state;
    tst_send_text(&l, GET("/hello"));
    tst_answer a = tst_read_answer(&l);
    assert_int_equal(a.status, 200);
    assert_int_equal(poll(&ended, 1, 5000), 1);
    assert_false(tst_read_more(&l));
    tst_forget(&a);
    tst_hang_up(&l);
    tst_host_stop(&impatient);
}

/* It takes nothing, but asks for more now and then. */
static void a_client_that_only_sends_is_given_up_too(void **state)
{
    tst_host      impatient = start_impatient();
    tst_link      l = connect_to(&impatient);
    struct pollfd ended = { .fd = impatient.events, .events = POLLIN };
    int           sent = 0;

    (void)state;
    tst_send_text(&l, GET("/large"));
    for (; sent < 250 && poll(&ended, 1, 20) == 0; sent++) {
        if (send(l.fd, "G", 1, MSG_NOSIGNAL) != 1) break;
    }
    assert_true(sent < 250);
    tst_host_await_gone(&impatient);
    tst_hang_up(&l);
    tst_host_stop(&impatient);
}

static void a_client_whose_body_is_held_is_missed_when_it_has_left(void **state)
{
    tst_host impatient = start_impatient();
    tst_link l = connect_to(&impatient);

    (void)state;
    tst_send_text(&l, POST("/never", "100") "some");
    struct pollfd ended = { .fd = l.fd, .events = POLLIN };
    assert_int_equal(poll(&ended, 1, 300), 0); /* we make it wait, not the other way round */
    vanish(&l);
    tst_host_await_gone(&impatient);
    tst_host_stop(&impatient);
}

static void a_client_whose_body_is_held_is_missed_when_it_closes_its_side(void **state)
{
    tst_host impatient = start_impatient();
    tst_link l = connect_to(&impatient);

    (void)state;
    tst_send_text(&l, POST("/never", "4") "some");
    shutdown(l.fd, SHUT_WR);
    tst_host_await_gone(&impatient);
    assert_false(tst_read_more(&l));
    tst_hang_up(&l);
    tst_host_stop(&impatient);
}

static void a_half_closed_client_that_is_reset_is_noticed(void **state)
{
    tst_host      impatient = start_impatient();
    tst_link      l = connect_to(&impatient);

    (void)state;
    tst_send_text(&l, GET("/wait"));
    shutdown(l.fd, SHUT_WR);
    struct pollfd ended = { .fd = l.fd, .events = POLLIN };
    assert_int_equal(poll(&ended, 1, 300), 0); /* it may still be reading */
    vanish(&l);
    tst_host_await_gone(&impatient);
    tst_host_stop(&impatient);
}

/* Nothing is read of it and nothing is queued for it: only a timer knows that it is there. */
static void a_half_closed_client_gets_the_rest_after_a_stop(void **state)
{
    tst_host_options options = TST_HOST_OPTIONS;
    tst_host         own = tst_host_start(&options);
    tst_link         l = connect_to(&own);

    (void)state;
    tst_send_text(&l, GET("/packets"));
    shutdown(l.fd, SHUT_WR);
    assert_true(tst_find_behind(&l, "\r\n\r\n") > 0);
    kill(own.pid, SIGTERM);
    tst_answer a = tst_read_answer(&l);
    assert_string_equal(a.body, "0123456789");
    assert_int_equal(tst_exit_status(own.pid), 0);
    close(own.events);
    tst_forget(&a);
    tst_hang_up(&l);
}

/* ---- welcome ---- */

static void a_connection_can_be_refused(void **state)
{
    tst_host_options options = TST_HOST_OPTIONS;

    (void)state;
    options.welcome = PLX_WELCOME_REFUSE;
    tst_host refusing = tst_host_start(&options);
    tst_link l = connect_to(&refusing);
    assert_false(tst_read_more(&l));
    assert_int_equal(l.error, ECONNRESET);
    tst_hang_up(&l);
    tst_host_stop(&refusing);
}

static void a_connection_can_be_ignored_but_not_for_ever(void **state)
{
    tst_host_options options = TST_HOST_OPTIONS;

    (void)state;
    options.welcome = PLX_WELCOME_IGNORE;
    options.limits.ignored_ms = 300;
    options.limits.half_closed_poll_ms = 20;
    tst_host      ignoring = tst_host_start(&options);
    tst_link      l = connect_to(&ignoring);
    struct pollfd ended = { .fd = l.fd, .events = POLLIN };
    tst_send_text(&l, GET("/hello"));
    assert_int_equal(poll(&ended, 1, 100), 0);
    assert_false(tst_read_more(&l));
    tst_hang_up(&l);
    tst_host_stop(&ignoring);
}

/* ---- too many ---- */

static void expect_that_the_last_of_three_waits(const tst_host_options *options, size_t count)
{
    tst_host      few = tst_host_start(options);
    tst_link     *links = calloc(count + 1, sizeof *links);
    struct pollfd answered;

    assert_non_null(links);
    for (size_t i = 0; i <= count; i++) {
        links[i] = connect_to(&few);
        tst_send_text(&links[i], GET("/hello"));
        if (i == count) break;
        tst_answer a = tst_read_answer(&links[i]);
        assert_int_equal(a.status, 200);
        tst_forget(&a);
    }
    answered = (struct pollfd){ .fd = links[count].fd, .events = POLLIN };
    assert_int_equal(poll(&answered, 1, 200), 0);
    tst_hang_up(&links[0]);
    tst_answer a = tst_read_answer(&links[count]); /* it takes the place of the one that left */
    assert_int_equal(a.status, 200);
    tst_forget(&a);
    for (size_t i = 1; i <= count; i++) tst_hang_up(&links[i]);
    free(links);
    tst_host_stop(&few);
}

static void connections_over_the_limit_wait_until_one_has_ended(void **state)
{
    tst_host_options options = TST_HOST_OPTIONS;

    (void)state;
    options.limits.connections_max = 2;
    expect_that_the_last_of_three_waits(&options, 2);
}

static void connections_beyond_the_descriptors_wait_too(void **state)
{
    tst_host_options options = TST_HOST_OPTIONS;

    (void)state;
    options.files_max = 40; /* half of them are for connections */
    expect_that_the_last_of_three_waits(&options, 20);
}

/* ---- the log ---- */

/* More lines than a pipe holds, and nobody who reads them. */
static void connections_wait_for_descriptors_that_others_have(void **state)
{
    tst_host_options options = TST_HOST_OPTIONS;

    (void)state;
    options.files_max = 200;
    options.files_left = 10;
    expect_that_the_last_of_three_waits(&options, 10);
}

static void a_stderr_that_nobody_reads_stops_nothing(void **state)
{
    enum { REQUESTS = 3000 };
    static char log[1 << 20];
    tst_pollux  p = TST_POLLUX("--instant");
    tst_link    l = tst_connect(&p);

    (void)state;
    for (int i = 0; i < REQUESTS; i++) {
        tst_send_text(&l, GET("/pollux/health"));
        tst_answer a = tst_read_answer(&l);
        assert_int_equal(a.status, 200);
        tst_forget(&a);
    }
    while (!memchr(log, '\n', sizeof log) && read(p.errors, log, 60000) > 0) continue; /* room again */
    tst_send_text(&l, GET("/pollux/health"));
    tst_answer a = tst_read_answer(&l);
    tst_forget(&a);
    tst_hang_up(&l);
    kill(p.pid, SIGTERM);
    tst_read_all(p.errors, log, sizeof log);
    assert_int_equal(tst_exit_status(p.pid), 0);
    close(p.errors);
    assert_non_null(strstr(log, " lines are missing here: stderr took no more.\n"));
}

static void spoilt_answers_stop_at_no_stderr_either(void **state)
{
    enum { REQUESTS = 1500 };
    tst_pollux p = TST_POLLUX("--instant", "--chaos", "seed=1,rate=1,faults=dup");
    tst_link   l = tst_connect(&p);

    (void)state;
    for (int i = 0; i < REQUESTS; i++) {
        tst_post(&l, WHOLE, KEY, PROMPT("hello"));
        tst_answer a = tst_read_answer(&l);
        assert_int_equal(a.status, 200);
        tst_forget(&a);
    }
    tst_hang_up(&l);
    tst_pollux_stop(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(aborts_end_as_they_should),
        cmocka_unit_test(raw_bytes_stand_outside_the_chunks),
        cmocka_unit_test(a_length_is_said_as_it_is_given_and_then_the_connection_is_not_kept),
        cmocka_unit_test(a_handler_can_end_the_connection),
        cmocka_unit_test(packets_leave_one_by_one_at_their_times),
        cmocka_unit_test(random_packets_make_the_same_answer),
        cmocka_unit_test(a_body_that_is_held_makes_the_client_wait),
        cmocka_unit_test(a_body_is_counted_whole_held_or_not),
        cmocka_unit_test(a_large_body_does_not_hold_up_the_others),
        cmocka_unit_test(an_early_answer_ends_the_connection_only_if_bytes_are_owed),
        cmocka_unit_test(clients_that_owe_us_something_are_not_waited_for),
        cmocka_unit_test(a_head_that_trickles_in_has_one_limit_for_all_of_it),
        cmocka_unit_test(a_client_that_reads_nothing_is_given_up),
        cmocka_unit_test(a_long_wait_is_no_reason_to_end),
        cmocka_unit_test(a_connection_is_idle_as_soon_as_its_answer_has_left),
        cmocka_unit_test(a_client_that_only_sends_is_given_up_too),
        cmocka_unit_test(a_client_whose_body_is_held_is_missed_when_it_has_left),
        cmocka_unit_test(a_client_whose_body_is_held_is_missed_when_it_closes_its_side),
        cmocka_unit_test(a_half_closed_client_that_is_reset_is_noticed),
        cmocka_unit_test(a_half_closed_client_gets_the_rest_after_a_stop),
        cmocka_unit_test(a_connection_can_be_refused),
        cmocka_unit_test(a_connection_can_be_ignored_but_not_for_ever),
        cmocka_unit_test(connections_over_the_limit_wait_until_one_has_ended),
        cmocka_unit_test(connections_beyond_the_descriptors_wait_too),
        cmocka_unit_test(connections_wait_for_descriptors_that_others_have),
        cmocka_unit_test(a_stderr_that_nobody_reads_stops_nothing),
        cmocka_unit_test(spoilt_answers_stop_at_no_stderr_either),
    };

    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
