/* storm.c -- what every adapter must stand: 200 streams with random cuts, losses, cancels, and clients that go.
 * SPDX-License-Identifier: MIT
 */
#include "storm.h"

#include <castor/pollux.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "support.h"

enum { STREAMS = 200, CHAINS = 20, LINKS = 5, TEXT_MAX = 1024 };

#define TEXT "B\u00e4vers \U0001F9AB build dams so that the water around their lodge is deep enough to keep wolves out, and so that " \
             "in winter it does not freeze down to the ground: \u201ea pond of one\u2019s own\u201c is both a moat and a larder."

static const tst_loop *under_test;

typedef struct scene scene;

typedef struct one {
    scene         *scene;
    castor_stream *stream;
    char           text[TEXT_MAX];
    int            events;
    int            ends;
    int            links; /* still to be opened when this one has ended */
} one;

struct scene {
    pollux        *twin;
    const char    *url;
    void          *loop;
    castor_client *client;
    castor_error   err;
    one            all[STREAMS];
    int            under_way;
    void         (*at_event)(one *);
};

/* ---- a scene ---- */

static void set_up_paced(scene *at, const char *rate, const char *chaos, castor_client_options options)
{
    const char    *words[] = { "--ttft", "0-30", "--rate", rate, chaos ? "--chaos" : NULL, chaos, NULL };
    pollux_options twin = POLLUX_OPTIONS_INIT;
    char           why[256] = "";

    memset(at, 0, sizeof *at);
    twin.words = words;
    at->url = pollux_start(&at->twin, &twin, why, sizeof why);
    if (!at->url) fail_msg("%s", why);
    assert_int_equal(pollux_play(at->twin, "## Storm\n? *\n= " TEXT "\n", why, sizeof why), 1);
    options.base_url = at->url;
    options.api_key = "test-key";
    options.ignore_environment = 1;
    assert_int_equal(castor_client_new(&at->client, &options, &at->err), CASTOR_OK);
    at->loop = under_test->make();
    assert_int_equal(under_test->attach(at->loop, at->client, &at->err), CASTOR_OK);
}

static void set_up(scene *at, const char *chaos, castor_client_options options)
{
    set_up_paced(at, "2000", chaos, options);
}

static void tear_down(scene *at)
{
    castor_client_free(at->client);
    under_test->free(at->loop);
    pollux_stop(at->twin);
}

static void open_one(one *it);

static void on_step(void *user, castor_stream *stream, castor_step step, const castor_event *event)
{
    one   *it = user;
    scene *at = it->scene;

    assert_ptr_equal(stream, it->stream);
    if (step == CASTOR_STEP_EVENT) {
        it->events++;
        if (event->type == CASTOR_EVENT_TEXT) {
            assert_true(strlen(it->text) + event->text.len < sizeof it->text);
            strncat(it->text, event->text.data, event->text.len);
        }
        if (at->at_event) at->at_event(it);
        return;
    }
    it->ends++;
    assert_int_equal(step == CASTOR_STEP_DONE, castor_stream_verdict(stream) == CASTOR_VERDICT_COMPLETE);
    if (it->links > 0) {
        it->links--;
        it->text[0] = '\0';
        castor_stream_close(stream);
        open_one(it);
    }
    if (--at->under_way == 0 && under_test->stop) under_test->stop(at->loop);
}

static void open_one(one *it)
{
    static const castor_turn turn = { .role = CASTOR_USER, .text = { "Storm", 5 } };
    castor_request           request = CASTOR_REQUEST_INIT;

    request.model = "gemini-3.8-flash";
    request.turns = &turn;
    request.turn_count = 1;
    assert_int_equal(castor_stream_open(&it->stream, it->scene->client, &request, &it->scene->err), CASTOR_OK);
    castor_stream_listen(it->stream, on_step, it);
    it->scene->under_way++;
}

static void open_many(scene *at, int count)
{
    for (int i = 0; i < count; i++) {
        at->all[i].scene = at;
        open_one(&at->all[i]);
    }
}

static void close_many(scene *at, int count)
{
    for (int i = 0; i < count; i++) castor_stream_close(at->all[i].stream);
}

/* ---- tests ---- */

static scene stage; /* large */

static void two_hundred_streams_cut_at_random_come_whole(void **state)
{
    castor_client_options options = CASTOR_CLIENT_OPTIONS_INIT;
    char                  chaos[80];

    (void)state;
    snprintf(chaos, sizeof chaos, "seed=%d,rate=1,faults=splits=%d:90", (int)(tst_seed() % 100000), (int)(tst_seed() % 1000));
    set_up(&stage, chaos, options);
    open_many(&stage, STREAMS);
    under_test->run(stage.loop);
    assert_int_equal(stage.under_way, 0);
    for (int i = 0; i < STREAMS; i++) {
        assert_string_equal(stage.all[i].text, TEXT);
        assert_int_equal(stage.all[i].ends, 1);
        assert_int_equal(castor_stream_verdict(stage.all[i].stream), CASTOR_VERDICT_COMPLETE);
    }
    close_many(&stage, STREAMS);
    tear_down(&stage);
}

static void two_hundred_streams_of_which_many_are_lost_end_once_and_never_half_as_whole(void **state)
{
    static const castor_retry_options quick = { .size = sizeof quick, .attempts_max = 2, .first_delay_ms = 5 };
    castor_client_options             options = CASTOR_CLIENT_OPTIONS_INIT;
    char                              chaos[120];
    int                               whole = 0;

    (void)state;
    options.retry = &quick;
    snprintf(chaos, sizeof chaos, "seed=%d,rate=0.6,faults=cut@event=4+rst@event=7+status=503+refuse+splits=1:9+nolastchunk",
             (int)(tst_seed() % 100000));
    set_up(&stage, chaos, options);
    open_many(&stage, STREAMS);
    under_test->run(stage.loop);
    for (int i = 0; i < STREAMS; i++) {
        const one *it = &stage.all[i];
        assert_int_equal(it->ends, 1);
        assert_int_equal(strncmp(it->text, TEXT, strlen(it->text)), 0);
        if (castor_stream_verdict(it->stream) != CASTOR_VERDICT_COMPLETE) continue;
        assert_string_equal(it->text, TEXT);
        whole++;
    }
    assert_in_range(whole, 1, STREAMS - 1);
    close_many(&stage, STREAMS);
    tear_down(&stage);
}

static void answers_that_open_the_next_question_go_on_to_the_end(void **state)
{
    castor_client_options options = CASTOR_CLIENT_OPTIONS_INIT;

    (void)state;
    options.streams_max = CHAINS / 2;
    set_up(&stage, NULL, options);
    for (int i = 0; i < CHAINS; i++) stage.all[i].links = LINKS;
    open_many(&stage, CHAINS);
    under_test->run(stage.loop);
    for (int i = 0; i < CHAINS; i++) {
        assert_int_equal(stage.all[i].ends, LINKS + 1);
        assert_string_equal(stage.all[i].text, TEXT);
    }
    close_many(&stage, CHAINS);
    tear_down(&stage);
}

static void free_client(one *it)
{
    scene *at = it->scene;

    if (!at->client || it->events < 2) return;
    castor_client_free(at->client);
    at->client = NULL;
    if (under_test->stop) under_test->stop(at->loop);
}

static void a_client_freed_in_a_listener_leaves_nothing_in_the_loop(void **state)
{
    castor_client_options options = CASTOR_CLIENT_OPTIONS_INIT;

    (void)state;
    set_up(&stage, NULL, options);
    stage.at_event = free_client;
    open_many(&stage, STREAMS);
    under_test->run(stage.loop);
    assert_null(stage.client);
    for (int i = 0; i < STREAMS; i++) assert_int_not_equal(castor_stream_verdict(stage.all[i].stream), CASTOR_VERDICT_NONE);
    close_many(&stage, STREAMS);
    tear_down(&stage);
}

static void close_own(one *it)
{
    if (it->events < 1 + (int)(it - it->scene->all) % 5) return;
    castor_stream_close(it->stream);
    it->stream = NULL;
    if (--it->scene->under_way == 0 && under_test->stop) under_test->stop(it->scene->loop);
}

static void streams_closed_in_their_listeners_end_the_loop(void **state)
{
    castor_client_options options = CASTOR_CLIENT_OPTIONS_INIT;

    (void)state;
    set_up(&stage, NULL, options);
    stage.at_event = close_own;
    open_many(&stage, STREAMS);
    under_test->run(stage.loop);
    assert_int_equal(stage.under_way, 0);
    tear_down(&stage);
}

static void *cancel_all(void *user)
{
    scene *at = user;

    while (pollux_requests(at->twin, NULL) < CHAINS) nanosleep(&(struct timespec){ 0, 1000000 }, NULL);
    for (int i = 0; i < CHAINS; i++) castor_stream_cancel(at->all[i].stream);
    return NULL;
}

static void another_thread_cancels_silent_streams_and_the_loop_wakes_up(void **state)
{
    castor_client_options options = CASTOR_CLIENT_OPTIONS_INIT;
    pthread_t             thread;

    (void)state;
    set_up(&stage, "seed=1,rate=1,faults=ignore", options);
    open_many(&stage, CHAINS);
    assert_int_equal(pthread_create(&thread, NULL, cancel_all, &stage), 0);
    under_test->run(stage.loop);
    pthread_join(thread, NULL);
    for (int i = 0; i < CHAINS; i++) assert_int_equal(castor_stream_verdict(stage.all[i].stream), CASTOR_VERDICT_CANCELLED);
    close_many(&stage, CHAINS);
    tear_down(&stage);
}

static void time_limits_strike_though_nothing_happens(void **state)
{
    castor_client_options options = CASTOR_CLIENT_OPTIONS_INIT;

    (void)state;
    options.first_byte_timeout_ms = 100;
    set_up(&stage, "seed=1,rate=1,faults=ignore", options);
    open_many(&stage, CHAINS);
    under_test->run(stage.loop);
    for (int i = 0; i < CHAINS; i++) {
        assert_int_equal(castor_stream_error(stage.all[i].stream)->time_limit, CASTOR_LIMIT_FIRST_BYTE);
    }
    close_many(&stage, CHAINS);
    tear_down(&stage);
}

static void a_client_leaves_the_loop_with_streams_under_way_and_comes_back(void **state)
{
    castor_client_options options = CASTOR_CLIENT_OPTIONS_INIT;

    (void)state;
    set_up_paced(&stage, "60", NULL, options); /* a second and more: it must last until the client has left */
    open_many(&stage, CHAINS);
    for (int i = 0; i < 5; i++) under_test->turn(stage.loop);
    assert_int_equal(castor_client_attach(stage.client, NULL, &stage.err), CASTOR_OK);
    assert_int_equal(castor_client_wait(stage.client, 20, &stage.err), CASTOR_OK);
    assert_int_not_equal(stage.under_way, 0);
    assert_int_equal(under_test->attach(stage.loop, stage.client, &stage.err), CASTOR_OK);
    under_test->run(stage.loop);
    for (int i = 0; i < CHAINS; i++) assert_string_equal(stage.all[i].text, TEXT);
    close_many(&stage, CHAINS);
    tear_down(&stage);
}

int tst_storm(const tst_loop *loop)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_hundred_streams_cut_at_random_come_whole),
        cmocka_unit_test(two_hundred_streams_of_which_many_are_lost_end_once_and_never_half_as_whole),
        cmocka_unit_test(answers_that_open_the_next_question_go_on_to_the_end),
        cmocka_unit_test(a_client_freed_in_a_listener_leaves_nothing_in_the_loop),
        cmocka_unit_test(streams_closed_in_their_listeners_end_the_loop),
        cmocka_unit_test(another_thread_cancels_silent_streams_and_the_loop_wakes_up),
        cmocka_unit_test(time_limits_strike_though_nothing_happens),
        cmocka_unit_test(a_client_leaves_the_loop_with_streams_under_way_and_comes_back),
    };

    under_test = loop;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
