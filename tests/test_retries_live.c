/* test_retries_live.c -- attempts, limits and cancel over real sockets: what pollux does wrong is made good, and ends in
 * time.
 * SPDX-License-Identifier: MIT
 */
#include <castor/pollux.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "castor/castor.h"
#include "support.h"

#define TEXT "They keep\nthe lodge dry."

static int64_t clock_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* ---- a client and its twin ---- */

typedef struct fixture {
    pollux               *twin;
    char                  ca_path[64];
    castor_retry_options  retry;
    castor_client_options options;
    castor_request        request;
    castor_turn           turn;
    castor_client        *client;
    castor_stream        *stream;
    castor_error          err;
    char                  text[4096];
    int                   finishes;
} fixture;

/* `words`: of pollux; with "--tls-ca-out", our file stands in place of the word behind it. */
static void set_up(fixture *fix, const char **words)
{
    pollux_options options = POLLUX_OPTIONS_INIT;
    char           why[256] = "";

    *fix = (fixture){ .retry = CASTOR_RETRY_OPTIONS_INIT,
                      .options = CASTOR_CLIENT_OPTIONS_INIT,
                      .request = CASTOR_REQUEST_INIT,
                      .turn = { .role = CASTOR_USER, .text = CASTOR_STR("Why dams?") } };
    snprintf(fix->ca_path, sizeof fix->ca_path, "/tmp/castor-retries-%ld.pem", (long)getpid());
    for (const char **word = words; word && *word; word++) {
        if (strcmp(*word, "--tls-ca-out") == 0) word[1] = fix->options.ca_file = fix->ca_path;
    }
    options.words = (const char *const *)words;
    fix->options.base_url = pollux_start(&fix->twin, &options, why, sizeof why);
    if (!fix->options.base_url) fail_msg("%s", why);
    fix->options.api_key = "test-key";
    fix->options.ignore_environment = 1;
    fix->retry.first_delay_ms = 1;
    fix->retry.delay_max_ms = 4;
    fix->request.model = "gemini-3.8-flash";
    fix->request.retry = &fix->retry;
    assert_int_equal(castor_client_new(&fix->client, &fix->options, &fix->err), CASTOR_OK);
    assert_true(pollux_play(fix->twin, "## Why dams?\n= They keep\n= the lodge dry.\n", why, sizeof why));
}

static void tear_down(fixture *fix)
{
    castor_client_free(fix->client);
    pollux_stop(fix->twin);
    (void)unlink(fix->ca_path);
}

static castor_verdict ask(fixture *fix)
{
    castor_event event;

    fix->request.turns = &fix->turn;
    fix->request.turn_count = 1;
    fix->text[0] = '\0';
    fix->finishes = 0;
    assert_int_equal(castor_stream_open(&fix->stream, fix->client, &fix->request, &fix->err), CASTOR_OK);
    while (castor_stream_next(fix->stream, &event, &fix->err) == CASTOR_STEP_EVENT) {
        size_t len = strlen(fix->text);
        if (event.type == CASTOR_EVENT_RESTART) fix->text[0] = '\0';
        if (event.type == CASTOR_EVENT_TEXT) snprintf(fix->text + len, sizeof fix->text - len, "%.*s", CASTOR_ARG(event.text));
        fix->finishes += event.type == CASTOR_EVENT_FINISH;
    }
    return castor_stream_verdict(fix->stream);
}

static void spoil(fixture *fix, const char *fault, uint32_t count)
{
    char why[256] = "";

    if (!pollux_spoil(fix->twin, fault, count, why, sizeof why)) fail_msg("%s: %s", fault, why);
}

/* ---- what is tried again ---- */

static void each_of_these_is_made_good(fixture *fix, const char *const *faults)
{
    for (; *faults; faults++) {
        uint64_t before = pollux_requests(fix->twin, NULL);
        spoil(fix, *faults, 2);
        if (ask(fix) != CASTOR_VERDICT_COMPLETE) fail_msg("%s: %s", *faults, fix->err.message);
        assert_string_equal(fix->text, TEXT);
        assert_int_equal(castor_stream_attempts(fix->stream), 3);
        assert_int_equal(pollux_requests(fix->twin, NULL), before + 3);
        castor_stream_close(fix->stream);
    }
}

static void faults_before_the_first_event_are_made_good_over_http_1(void **state)
{
    static const char *const faults[] = { "status=503:plain", "status=503:plain,retryafterms=20", "status=500", "status=504", "status=408",
                                          "status=429:rpm,retryinfo=0.02", "status=429:rpm,retryinfo=none", "html=502", "empty=502",
                                          "rst@head", "cut@head", "cut@byte=0", "cut@byte=30", "error=event:503@byte=0", NULL };
    fixture                  fix;

    (void)state;
    set_up(&fix, NULL);
    each_of_these_is_made_good(&fix, faults);
    tear_down(&fix);
}

static void faults_before_the_first_event_are_made_good_over_http_2(void **state)
{
    static const char *const faults[] = { "status=503:plain,retryafterms=20", "rst=internal_error@head", "rst=refused_stream@head",
                                          "rst=enhance_your_calm@head", "goaway=enhance_your_calm@head", "goaway=no_error@head",
                                          "cut@head", "cut@byte=30", NULL };
    fixture                  fix;

    (void)state;
    set_up(&fix, (const char *[]){ "--tls", "--tls-ca-out", "", NULL });
    each_of_these_is_made_good(&fix, faults);
    tear_down(&fix);
}

static void an_answer_that_breaks_off_begins_anew_when_that_is_allowed(void **state)
{
    fixture fix;

    (void)state;
    set_up(&fix, NULL);
    spoil(&fix, "cut@event=1", 1);
    assert_int_equal(ask(&fix), CASTOR_VERDICT_TRUNCATED);
    assert_int_equal(castor_stream_attempts(fix.stream), 1);
    castor_stream_close(fix.stream);
    fix.retry.restart = 1;
    spoil(&fix, "cut@event=1", 1);
    assert_int_equal(ask(&fix), CASTOR_VERDICT_COMPLETE);
    assert_string_equal(fix.text, TEXT);
    assert_int_equal(castor_stream_attempts(fix.stream), 2);
    castor_stream_close(fix.stream);
    tear_down(&fix);
}

static void a_delay_beyond_the_budget_is_told_in_whatever_form_it_came(void **state)
{
    static const struct {
        const char    *fault;
        castor_verdict verdict;
        int64_t        least_ms;
        int64_t        most_ms;
    } cases[] = { { "status=503:plain,retryafter=200:seconds", CASTOR_VERDICT_FAILED, 200000, 200000 },
                  { "status=503:plain,retryafter=200:date", CASTOR_VERDICT_FAILED, 170000, 201000 },
                  { "status=503:plain,retryafterms=200001", CASTOR_VERDICT_FAILED, 200001, 200001 },
                  { "status=429:rpm,retryinfo=200.5", CASTOR_VERDICT_QUOTA_NOW, 200500, 200500 },
                  { "status=429:rpd", CASTOR_VERDICT_QUOTA_DAY, 0, INT64_MAX },
                  { "status=429:zero", CASTOR_VERDICT_QUOTA_DAY, 0, INT64_MAX } };
    fixture fix;

    (void)state;
    set_up(&fix, NULL);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        spoil(&fix, cases[i].fault, 1);
        assert_int_equal(ask(&fix), cases[i].verdict);
        assert_int_equal(castor_stream_attempts(fix.stream), 1);
        assert_in_range(fix.err.retry_after_ms.value, cases[i].least_ms, cases[i].most_ms);
        castor_stream_close(fix.stream);
    }
    tear_down(&fix);
}

static void what_a_kept_connection_lost_is_sent_again_at_once(void **state)
{
    fixture fix;

    (void)state;
    set_up(&fix, NULL);
    fix.retry.first_delay_ms = fix.retry.delay_max_ms = 600000;
    fix.retry.budget_ms = CASTOR_NO_LIMIT;
    fix.retry.attempts_max = 2;
    assert_int_equal(ask(&fix), CASTOR_VERDICT_COMPLETE);
    castor_stream_close(fix.stream);
    spoil(&fix, "cut@head", 1);
    assert_int_equal(ask(&fix), CASTOR_VERDICT_COMPLETE);
    assert_int_equal(castor_stream_attempts(fix.stream), 2);
    castor_stream_close(fix.stream);
    tear_down(&fix);
}

static void a_long_answer_comes_as_one(void **state)
{
    static char expected[sizeof((fixture *)0)->text];
    fixture     fix;

    (void)state;
    set_up(&fix, (const char *[]){ "--decode-cap", "40", NULL });
    fix.turn.text = CASTOR_STR("pollux: think 50\npollux: tokens 100");
    assert_int_equal(ask(&fix), CASTOR_VERDICT_COMPLETE); /* this model has no such limit */
    assert_int_equal(castor_stream_attempts(fix.stream), 1);
    strcpy(expected, fix.text);
    castor_stream_close(fix.stream);

    fix.request.model = "gemini-4-argon";
    for (int is_unary = 0; is_unary < 2; is_unary++) {
        fix.request.is_unary = is_unary;
        assert_int_equal(ask(&fix), CASTOR_VERDICT_COMPLETE);
        assert_string_equal(fix.text, expected);
        assert_int_equal(fix.finishes, 1);
        assert_int_equal(castor_stream_attempts(fix.stream), 4);
        castor_usage usage = castor_stream_usage(fix.stream);
        assert_int_equal(usage.thought_tokens.value + usage.output_tokens.value, 150);
        castor_stream_close(fix.stream);
    }
    fix.request.hops_max = 2;
    assert_int_equal(ask(&fix), CASTOR_VERDICT_MAX_TOKENS);
    assert_int_equal(castor_stream_attempts(fix.stream), 2);
    assert_int_equal(strncmp(fix.text, expected, strlen(fix.text)), 0);
    castor_stream_close(fix.stream);
    tear_down(&fix);
}

/* ---- the five limits ---- */

static void expect_limit(fixture *fix, castor_time_limit limit, int64_t limit_ms)
{
    int64_t began_us = clock_us();

    assert_int_equal(ask(fix), CASTOR_VERDICT_TIMEOUT);
    assert_int_equal(fix->err.time_limit, limit);
    assert_non_null(strstr(fix->err.message, castor_time_limit_name(limit)));
    assert_true(clock_us() - began_us >= (limit_ms - 1) * 1000); /* its clock has whole milliseconds */
    castor_stream_close(fix->stream);
}

static void the_limits_on_an_answer_strike(void **state)
{
    fixture fix;

    (void)state;
    set_up(&fix, NULL);
    fix.request.first_byte_timeout_ms = 60;
    spoil(&fix, "stall@head", 1);
    expect_limit(&fix, CASTOR_LIMIT_FIRST_BYTE, 60);
    fix.request.first_byte_timeout_ms = CASTOR_NO_LIMIT;
    fix.request.idle_timeout_ms = 60;
    spoil(&fix, "stall@event=1", 1);
    expect_limit(&fix, CASTOR_LIMIT_IDLE, 60);
    assert_int_not_equal(fix.text[0], '\0');
    fix.request.idle_timeout_ms = CASTOR_NO_LIMIT;
    fix.request.total_timeout_ms = 60;
    spoil(&fix, "stall@event=1", 1);
    expect_limit(&fix, CASTOR_LIMIT_TOTAL, 60);
    tear_down(&fix);
}

/* A listener that takes nobody. */
static int listen_only(int backlog, struct sockaddr_in *address)
{
    socklen_t size = sizeof *address;
    int       fd = socket(AF_INET, SOCK_STREAM, 0);

    *address = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    assert_int_equal(bind(fd, (struct sockaddr *)address, size), 0);
    assert_int_equal(listen(fd, backlog), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)address, &size), 0);
    return fd;
}

static castor_client *client_of(fixture *fix, const char *scheme, const struct sockaddr_in *address)
{
    char           url[64];
    castor_client *client;

    snprintf(url, sizeof url, "%s://127.0.0.1:%d", scheme, ntohs(address->sin_port));
    fix->options.base_url = url;
    assert_int_equal(castor_client_new(&client, &fix->options, &fix->err), CASTOR_OK);
    return client;
}

static void the_limits_on_a_connection_strike(void **state)
{
    enum { CROWD = 4 }; /* more than Linux lets wait with a backlog of 0 */
    struct sockaddr_in address;
    int                crowd[CROWD];
    fixture            fix;

    (void)state;
    set_up(&fix, NULL);
    castor_client *usual = fix.client;
    fix.retry.attempts_max = 1;

    int fd = listen_only(8, &address);
    fix.client = client_of(&fix, "https", &address);
    fix.request.tls_timeout_ms = 60;
    expect_limit(&fix, CASTOR_LIMIT_TLS, 60);
    castor_client_free(fix.client);
    close(fd);

    fd = listen_only(0, &address);
    for (int i = 0; i < CROWD; i++) {
        crowd[i] = socket(AF_INET, SOCK_STREAM, 0);
        (void)fcntl(crowd[i], F_SETFL, O_NONBLOCK);
        (void)connect(crowd[i], (struct sockaddr *)&address, sizeof address);
    }
    fix.client = client_of(&fix, "http", &address);
    fix.request.connect_timeout_ms = 60;
    expect_limit(&fix, CASTOR_LIMIT_CONNECT, 60);
    castor_client_free(fix.client);
    for (int i = 0; i < CROWD; i++) close(crowd[i]);
    close(fd);
    fix.client = usual;
    tear_down(&fix);
}

/* ---- cancel ---- */

/* A server for one guest: the head, one event, and then it waits until the guest has gone. */
typedef struct host {
    struct sockaddr_in address;
    int                listener;
    _Atomic int64_t    left_us; /* when the guest was seen to have gone */
    pthread_t          thread;
} host;

static void *serve_one(void *user)
{
    static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
                                 "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"Hm\"}]}}],\"usageMetadata\":{\"totalTokenCount\":5}}\r\n\r\n";
    host *self = user;
    char  bytes[4096];
    int   fd = accept(self->listener, NULL, NULL);

    (void)recv(fd, bytes, sizeof bytes, 0);
    (void)send(fd, answer, sizeof answer - 1, MSG_NOSIGNAL);
    ssize_t got;
    while ((got = recv(fd, bytes, sizeof bytes, 0)) > 0 || (got < 0 && errno == EINTR)) continue;
    atomic_store(&self->left_us, clock_us());
    close(fd);
    return NULL;
}

typedef enum way { FROM_A_THREAD, FROM_A_SIGNAL_HANDLER, IN_A_LISTENER, WAYS } way;

/* A signal handler is given nothing else. */
static _Atomic(castor_stream *) victim;
static _Atomic int64_t          cancelled_us;

static void cancel_now(int number)
{
    (void)number;
    atomic_store(&cancelled_us, clock_us());
    castor_stream_cancel(atomic_load(&victim));
}

typedef struct canceller {
    atomic_int has_event; /* the stream's caller has one */
    pthread_t  target;
    way        how;
} canceller;

static void *cancel_soon(void *user)
{
    canceller *self = user;

    while (!atomic_load(&self->has_event)) poll(NULL, 0, 1);
    poll(NULL, 0, 5); /* most often it is found waiting then; either way the connection must go */
    if (self->how == FROM_A_THREAD) cancel_now(0);
    else pthread_kill(self->target, SIGUSR1);
    return NULL;
}

static void on_step(void *user, castor_stream *stream, castor_step step, const castor_event *event)
{
    (void)user;
    (void)stream;
    if (step == CASTOR_STEP_EVENT && event->type == CASTOR_EVENT_TEXT) cancel_now(0);
}

/* Gives the microseconds from the call to the end of the connection. */
static int64_t cancel_once(fixture *fix, way how)
{
    host         server = { .left_us = 0 };
    pthread_t    thread;
    castor_event event;

    server.listener = listen_only(1, &server.address);
    assert_int_equal(pthread_create(&server.thread, NULL, serve_one, &server), 0);
    castor_client *client = client_of(fix, "http", &server.address);
    fix->request.turns = &fix->turn;
    fix->request.turn_count = 1;
    assert_int_equal(castor_stream_open(&fix->stream, client, &fix->request, &fix->err), CASTOR_OK);
    atomic_store(&victim, fix->stream);
    canceller self = { 0, pthread_self(), how };
    if (how == IN_A_LISTENER) castor_stream_listen(fix->stream, on_step, NULL);
    else assert_int_equal(pthread_create(&thread, NULL, cancel_soon, &self), 0);
    if (how == IN_A_LISTENER) assert_int_equal(castor_client_wait(client, CASTOR_NO_LIMIT, &fix->err), CASTOR_OK);
    else while (castor_stream_next(fix->stream, &event, &fix->err) == CASTOR_STEP_EVENT) atomic_store(&self.has_event, 1);
    pthread_join(server.thread, NULL); /* before anything is closed by us */
    if (how != IN_A_LISTENER) pthread_join(thread, NULL);

    assert_int_equal(castor_stream_verdict(fix->stream), CASTOR_VERDICT_CANCELLED);
    assert_int_equal(castor_stream_usage(fix->stream).total_tokens.value, 5);
    assert_true(castor_stream_usage(fix->stream).is_partial);
    castor_stream_close(fix->stream);
    castor_client_free(client);
    close(server.listener);
    return atomic_load(&server.left_us) - atomic_load(&cancelled_us);
}

static int compare(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;

    return (left > right) - (left < right);
}

static void cancel_closes_the_connection_within_50_ms(void **state)
{
    enum { TIMES = 9 };
    static const char *const names[] = { "another thread", "a signal handler", "a listener" };
    struct sigaction         action = { .sa_handler = cancel_now };
    int64_t                  took_us[TIMES];
    fixture                  fix;

    (void)state;
    sigaction(SIGUSR1, &action, NULL);
    set_up(&fix, NULL);
    for (int how = 0; how < WAYS; how++) {
        for (int i = 0; i < TIMES; i++) took_us[i] = cancel_once(&fix, (way)how);
        qsort(took_us, TIMES, sizeof *took_us, compare);
        printf("cancelled from %s, the connection is closed after %lld us (median of %d; %lld to %lld)\n", names[how],
               (long long)took_us[TIMES / 2], TIMES, (long long)took_us[0], (long long)took_us[TIMES - 1]);
        assert_in_range(took_us[0], 0, 50000); /* others may need the processor just then */
    }
    tear_down(&fix);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(faults_before_the_first_event_are_made_good_over_http_1),
        cmocka_unit_test(faults_before_the_first_event_are_made_good_over_http_2),
        cmocka_unit_test(an_answer_that_breaks_off_begins_anew_when_that_is_allowed),
        cmocka_unit_test(a_delay_beyond_the_budget_is_told_in_whatever_form_it_came),
        cmocka_unit_test(what_a_kept_connection_lost_is_sent_again_at_once),
        cmocka_unit_test(a_long_answer_comes_as_one),
        cmocka_unit_test(the_limits_on_an_answer_strike),
        cmocka_unit_test(the_limits_on_a_connection_strike),
        cmocka_unit_test(cancel_closes_the_connection_within_50_ms),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
