/* test_costs.c -- what answers cost on a real network, in allocations and handles, and that nothing is lost by it.
 * SPDX-License-Identifier: MIT
 */
#include <castor/castor.h>
#include <castor/pollux.h>
#include <stdio.h>
#include <stdlib.h>

#include "support.h"

enum {
    STREAMS = CST_GROUP_EXCHANGES + 44,
    WARM_UP = 3,
    ANSWERS = 10,
    RECORDS = 2000,
    ANSWER_ALLOCATIONS = 24, /* of ours, for one on a connection that stands; libcurl's own are its business */
    GROWTH = 24              /* of buffers in a long answer: a matter of how the network cut it */
};

typedef struct fixture {
    tst_memory       memory;
    castor_allocator allocator;
    pollux          *twin;
    castor_client   *client;
    int              ended;
    int              whole;
} fixture;

static void set_up(fixture *fix, int64_t streams_max)
{
    castor_client_options options = CASTOR_CLIENT_OPTIONS_INIT;
    castor_error          err;
    char                  why[256];

    *fix = (fixture){ 0 };
    fix->allocator = tst_allocator(&fix->memory);
    options.base_url = pollux_start(&fix->twin, NULL, why, sizeof why);
    assert_non_null(options.base_url);
    options.api_key = "test-key";
    options.ignore_environment = 1;
    options.streams_max = streams_max;
    options.allocator = &fix->allocator;
    assert_int_equal(castor_client_new(&fix->client, &options, &err), CASTOR_OK);
}

static void tear_down(fixture *fix)
{
    castor_client_free(fix->client);
    pollux_stop(fix->twin);
    assert_int_equal(fix->memory.live_bytes, 0);
    assert_false(fix->memory.has_lied);
}

static castor_stream *open_stream(fixture *fix)
{
    static const castor_turn turn = { .role = CASTOR_USER, .text = { "Hi", 2 } };
    castor_request           request = CASTOR_REQUEST_INIT;
    castor_stream           *stream;
    castor_error             err;

    request.model = "gemini-3.8-flash";
    request.turns = &turn;
    request.turn_count = 1;
    assert_int_equal(castor_stream_open(&stream, fix->client, &request, &err), CASTOR_OK);
    return stream;
}

/* ---- many at once ---- */

static void on_step(void *user, castor_stream *stream, castor_step step, const castor_event *event)
{
    fixture *fix = user;

    (void)event;
    if (step == CASTOR_STEP_EVENT) return;
    fix->ended++;
    fix->whole += step == CASTOR_STEP_DONE;
    castor_stream_close(stream);
}

static void check_a_round(fixture *fix)
{
    castor_error err;

    fix->ended = fix->whole = 0;
    for (int i = 0; i < STREAMS; i++) castor_stream_listen(open_stream(fix), on_step, fix);
    assert_int_equal(castor_client_wait(fix->client, CASTOR_NO_LIMIT, &err), CASTOR_OK);
    assert_int_equal(fix->ended, STREAMS);
    assert_int_equal(fix->whole, STREAMS);
}

static void more_answers_at_once_than_one_group_takes_end_whole_time_and_again(void **state)
{
    fixture fix;

    (void)state;
    set_up(&fix, (int64_t)2 * CST_GROUP_EXCHANGES);
    for (int round = 0; round < 3; round++) check_a_round(&fix);
    tear_down(&fix);
}

static void more_answers_at_once_than_connections_share_those_in_turn(void **state)
{
    fixture fix;

    (void)state;
    set_up(&fix, 8);
    check_a_round(&fix);
    tear_down(&fix);
}

/* ---- allocations ---- */

static long count_of_answer(fixture *fix)
{
    castor_stream *stream = open_stream(fix);
    castor_event   event;
    castor_error   err;
    long           before = fix->memory.asked;

    while (castor_stream_next(stream, &event, &err) == CASTOR_STEP_EVENT) continue;
    assert_int_equal(castor_stream_verdict(stream), CASTOR_VERDICT_COMPLETE);
    castor_stream_close(stream);
    return fix->memory.asked - before;
}

/* An answer of so many records, alike but for their text. */
static void play(fixture *fix, const char *prompt, int records)
{
    cst_buf script;
    char    why[256];

    cst_buf_init(&script, cst_allocator_default(), 1 << 20);
    assert_int_equal(cst_buf_append_format(&script, "## %s\n? *\n", prompt), CASTOR_OK);
    for (int i = 0; i < records; i++) {
        const char *end = i + 1 < records ? "" : ",\"finishReason\":\"STOP\"";
        assert_int_equal(cst_buf_append_format(&script, "< data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":"
                                                        "\"word %d \"}]},\"index\":0%s}]}\n<\n", i, end), CASTOR_OK);
    }
    if (!pollux_play(fix->twin, script.data, why, sizeof why)) fail_msg("%s", why);
    cst_buf_free(&script);
}

static void events_take_no_allocations(void **state)
{
    fixture fix;

    (void)state;
    set_up(&fix, 8);
    play(&fix, "short", 4);
    for (int i = 0; i < WARM_UP; i++) (void)count_of_answer(&fix);
    long of_short = count_of_answer(&fix);
    play(&fix, "long", RECORDS);
    long of_long = count_of_answer(&fix);
    print_message("%ld allocations for 4 records, %ld for %d\n", of_short, of_long, RECORDS);
    assert_in_range(of_long, 0, of_short + GROWTH);
    tear_down(&fix);
}

static void an_answer_on_a_connection_that_stands_takes_few_allocations(void **state)
{
    fixture fix;

    (void)state;
    set_up(&fix, 8);
    play(&fix, "short", 4);
    for (int i = 0; i < WARM_UP; i++) (void)count_of_answer(&fix);
    long before = fix.memory.asked;
    for (int i = 0; i < ANSWERS; i++) (void)count_of_answer(&fix);
    long each = (fix.memory.asked - before) / ANSWERS;
    print_message("%ld allocations an answer\n", each);
    assert_in_range(each, 1, ANSWER_ALLOCATIONS);
    tear_down(&fix);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(more_answers_at_once_than_one_group_takes_end_whole_time_and_again),
        cmocka_unit_test(more_answers_at_once_than_connections_share_those_in_turn),
        cmocka_unit_test(events_take_no_allocations),
        cmocka_unit_test(an_answer_on_a_connection_that_stands_takes_few_allocations),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
