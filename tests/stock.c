/* stock.c -- at the end of every test there are no more descriptors, threads and blocks of memory than at its beginning.
 * SPDX-License-Identifier: MIT
 *
 * Nobody has to ask for it: the linker puts this between each program of tests and cmocka (--wrap, cmake/tests.cmake).
 * A test that failed is not asked what it left behind.
 */
#include <stdlib.h>
#include <uv.h>

#include "support.h"

/* cmocka plays one test after the other, and has no room for another's state. */
static const struct CMUnitTest *tests;
static const struct CMUnitTest *current;
static size_t                   next;
static tst_stock                before;
static bool                     is_over; /* the test came to its end */

static int begin(void **state)
{
    current = &tests[next++];
    is_over = false;
    before = tst_take_stock();
    return current->setup_func ? current->setup_func(state) : 0;
}

static void play(void **state)
{
    current->test_func(state);
    is_over = true;
}

static int end(void **state)
{
    int result = current->teardown_func ? current->teardown_func(state) : 0;

    if (is_over) tst_check_stock(&before);
    return result;
}

int __real__cmocka_run_group_tests(const char *name, const struct CMUnitTest *all, size_t count,
                                   CMFixtureFunction set_up, CMFixtureFunction tear_down);
int __wrap__cmocka_run_group_tests(const char *name, const struct CMUnitTest *all, size_t count,
                                   CMFixtureFunction set_up, CMFixtureFunction tear_down);

static void do_nothing(void *unused)
{
    (void)unused;
}

/* What libuv opens once for all its loops is opened before anybody counts, and the thread sanitizer has the thread of
 * its own that it starts with the first of anybody's. */
static void warm_up(void)
{
    uv_loop_t   loop;
    uv_thread_t thread;

    if (uv_loop_init(&loop) == 0) (void)uv_loop_close(&loop);
    if (uv_thread_create(&thread, do_nothing, NULL) == 0) (void)uv_thread_join(&thread);
}

int __wrap__cmocka_run_group_tests(const char *name, const struct CMUnitTest *all, size_t count,
                                   CMFixtureFunction set_up, CMFixtureFunction tear_down)
{
    struct CMUnitTest *watched = calloc(count, sizeof *watched);

    if (!watched) return -1;
    warm_up();
    tests = all;
    next = 0;
    for (size_t i = 0; i < count; i++) {
        watched[i] = (struct CMUnitTest){ all[i].name, play, begin, end, all[i].initial_state };
    }
    int failed = __real__cmocka_run_group_tests(name, watched, count, set_up, tear_down);
    free(watched);
    return failed;
}
