/* test_timers.c -- the timers of pollux, by a loop of its own.
 * SPDX-License-Identifier: MIT
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "http/timers.h"

enum { COUNT = 5000, SPAN_US = 30000 };

typedef struct alarm_clock {
    plx_timer timer;
    uint64_t  wanted_us;
    size_t    rung; /* how often */
} alarm_clock;

static plx_timers timers;
static uv_loop_t  loop;
static uint64_t   last_us; /* the time that was wanted by the one that rang last */

static void on_due(plx_timer *timer)
{
    alarm_clock *one = (alarm_clock *)timer;

    assert_true(plx_now_us() >= one->wanted_us);
    assert_true(one->wanted_us >= last_us); /* in order */
    last_us = one->wanted_us;
    one->rung++;
}

static void set(alarm_clock *one, uint64_t due_us)
{
    one->wanted_us = due_us;
    plx_timers_set(&timers, &one->timer, due_us, on_due);
}

static uint64_t draw(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 33;
}

static int set_up(void **state)
{
    (void)state;
    last_us = 0;
    return uv_loop_init(&loop) == 0 && plx_timers_init(&timers, &loop) == 0 ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    plx_timers_close(&timers);
    uv_run(&loop, UV_RUN_DEFAULT);
    return uv_loop_close(&loop);
}

static void each_rings_once_in_order_and_not_early(void **state)
{
    alarm_clock *all = calloc(COUNT, sizeof *all);
    uint64_t     chance = 1, start_us = plx_now_us() + SPAN_US;

    (void)state;
    assert_non_null(all);
    for (size_t i = 0; i < COUNT; i++) set(&all[i], start_us + draw(&chance) % SPAN_US);
    for (size_t i = 0; i < COUNT; i += 3) set(&all[i], start_us + draw(&chance) % SPAN_US); /* a later time replaces it */
    for (size_t i = 1; i < COUNT; i += 3) plx_timers_stop(&timers, &all[i].timer);
    uv_run(&loop, UV_RUN_DEFAULT);
    for (size_t i = 0; i < COUNT; i++) {
        assert_int_equal(all[i].rung, i % 3 == 1 ? 0 : 1);
        assert_false(plx_timer_is_set(&all[i].timer));
    }
    free(all);
}

static void one_that_is_set_to_an_earlier_time_rings_then(void **state)
{
    alarm_clock one = { .rung = 0 };
    uint64_t    start_us = plx_now_us();

    (void)state;
    set(&one, start_us + 3600 * UINT64_C(1000000));
    set(&one, start_us + 1000);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(one.rung, 1);
}

static size_t left;

static void set_again(plx_timer *timer)
{
    if (--left > 0) plx_timers_set(&timers, timer, plx_now_us() - 1000, set_again);
}

static void one_that_is_always_late_does_not_stop_the_loop(void **state)
{
    plx_timer  busy = { .due_us = 0 };
    uint64_t   turns = 0;

    (void)state;
    left = 100;
    plx_timers_set(&timers, &busy, plx_now_us(), set_again);
    while (left > 0) {
        uv_run(&loop, UV_RUN_ONCE);
        turns++;
    }
    assert_true(turns >= 50); /* one round each, not all in one */
}

static void stopping_one_that_is_not_set_does_nothing(void **state)
{
    plx_timer never = { .due_us = 0 };

    (void)state;
    plx_timers_stop(&timers, &never);
    assert_false(plx_timer_is_set(&never));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_rings_once_in_order_and_not_early, set_up, tear_down),
        cmocka_unit_test_setup_teardown(one_that_is_set_to_an_earlier_time_rings_then, set_up, tear_down),
        cmocka_unit_test_setup_teardown(one_that_is_always_late_does_not_stop_the_loop, set_up, tear_down),
        cmocka_unit_test_setup_teardown(stopping_one_that_is_not_set_does_nothing, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
