/* test_threads.c -- one client for each thread, nothing shared: for ThreadSanitizer above all.
 * SPDX-License-Identifier: MIT
 */
#include <castor/adapters/poll.h>
#include <castor/pollux.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>

#include "support.h"

enum { THREADS = 8, STREAMS = 25, CANCELLED = 5 };

typedef struct worker {
    const char    *url;
    bool           has_loop;
    castor_client *client;
    castor_stream *streams[STREAMS];
    atomic_int     is_open; /* the streams are there, to be cancelled */
    atomic_int     was_cancelled;
    int            ended;
    int            whole;
} worker;

static void on_step(void *user, castor_stream *stream, castor_step step, const castor_event *event)
{
    worker *self = user;

    (void)stream;
    (void)event;
    self->ended += step != CASTOR_STEP_EVENT;
    self->whole += step == CASTOR_STEP_DONE;
}

static bool open_all(worker *self)
{
    static const castor_turn turn = { .role = CASTOR_USER, .text = { "Threads", 7 } };
    castor_request           request = CASTOR_REQUEST_INIT;

    request.model = "gemini-3.8-flash";
    request.turns = &turn;
    request.turn_count = 1;
    for (int i = 0; i < STREAMS; i++) {
        if (castor_stream_open(&self->streams[i], self->client, &request, NULL) != CASTOR_OK) return false;
        castor_stream_listen(self->streams[i], on_step, self);
    }
    return true;
}

/* cmocka's asserts are for the main thread: a worker only counts. */
static void *work(void *user)
{
    worker               *self = user;
    castor_client_options options = CASTOR_CLIENT_OPTIONS_INIT;
    castor_poll           loop = { .client = NULL };

    options.base_url = self->url;
    options.api_key = "test-key";
    options.ignore_environment = 1;
    options.streams_max = STREAMS / 2;
    if (castor_client_new(&self->client, &options, NULL) != CASTOR_OK) return NULL;
    if (self->has_loop && castor_poll_attach(self->client, &loop, NULL) != CASTOR_OK) return NULL;
    if (!open_all(self)) return NULL;
    atomic_store(&self->is_open, 1);
    while (self->has_loop && castor_poll_is_busy(&loop)) castor_poll_turn(&loop, -1);
    if (!self->has_loop) castor_client_wait(self->client, CASTOR_NO_LIMIT, NULL);
    while (!atomic_load(&self->was_cancelled)) sched_yield(); /* a stream may not be closed while it is cancelled */
    for (int i = 0; i < STREAMS; i++) castor_stream_close(self->streams[i]);
    castor_client_free(self->client);
    return NULL;
}

static void clients_in_many_threads_share_nothing_and_are_cancelled_from_yet_another(void **state)
{
    static const char *const words[] = { "--ttft", "5-20", "--rate", "1000", NULL };
    pollux_options           twin_options = POLLUX_OPTIONS_INIT;
    pollux                  *twin;
    char                     why[256] = "";
    pthread_t                threads[THREADS];
    static worker            workers[THREADS];

    (void)state;
    twin_options.words = words;
    const char *url = pollux_start(&twin, &twin_options, why, sizeof why);
    if (!url) fail_msg("%s", why);
    for (int i = 0; i < THREADS; i++) {
        workers[i].url = url;
        workers[i].has_loop = i % 2;
        assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        while (!atomic_load(&workers[i].is_open)) sched_yield();
        for (int k = 0; k < CANCELLED; k++) castor_stream_cancel(workers[i].streams[STREAMS - 1 - k]);
        atomic_store(&workers[i].was_cancelled, 1);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(workers[i].ended, STREAMS);
        assert_in_range(workers[i].whole, STREAMS - CANCELLED, STREAMS);
    }
    pollux_stop(twin);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clients_in_many_threads_share_nothing_and_are_cancelled_from_yet_another),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
