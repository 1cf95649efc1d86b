/* test_sockets.c -- the sockets that are watched: by poll, by epoll, by a loop, and changed from one to another.
 * SPDX-License-Identifier: MIT
 */
#include "sockets.h"

#include <unistd.h>

#include "support.h"

enum { PIPES = CST_SOCKETS_BATCH + CST_POLL_SOCKETS_MAX };

typedef struct fixture {
    tst_memory       memory;
    castor_allocator allocator;
    cst_sockets      sockets;
    int              ends[PIPES][2];
    int              told[PIPES];  /* how often each was told to be ready */
    bool             forgets; /* the callback forgets the pipes beside the one it is called for */
} fixture;

static void set_up(fixture *fix)
{
    castor_error err;

    *fix = (fixture){ 0 };
    fix->allocator = tst_allocator(&fix->memory);
    assert_int_equal(cst_sockets_init(&fix->sockets, &fix->allocator, &err), CASTOR_OK);
    for (int i = 0; i < PIPES; i++) assert_int_equal(pipe(fix->ends[i]), 0);
}

static void tear_down(fixture *fix)
{
    cst_sockets_free(&fix->sockets);
    for (int i = 0; i < PIPES; i++) {
        close(fix->ends[i][0]);
        close(fix->ends[i][1]);
    }
    assert_int_equal(fix->memory.live_bytes, 0);
    assert_false(fix->memory.has_lied);
}

static void watch_first(fixture *fix, int count)
{
    for (int i = 0; i < count; i++) {
        assert_int_equal(cst_sockets_watch(&fix->sockets, fix->ends[i][0], CASTOR_READ, NULL), CASTOR_OK);
    }
}

static int pipe_of(const fixture *fix, int fd)
{
    for (int i = 0; i < PIPES; i++) {
        if (fix->ends[i][0] == fd || fix->ends[i][1] == fd) return i;
    }
    return -1;
}

static void on_ready(void *user, int fd, int32_t ready)
{
    fixture *fix = user;
    int      at = pipe_of(fix, fd);

    assert_int_not_equal(at, -1);
    assert_int_not_equal(ready, 0);
    fix->told[at]++;
    if (!fix->forgets) return;
    assert_int_equal(fix->told[(at + 1) % PIPES] + fix->told[(at + PIPES - 1) % PIPES], 0);
    (void)cst_sockets_watch(&fix->sockets, fix->ends[(at + 1) % PIPES][0], 0, NULL);
    (void)cst_sockets_watch(&fix->sockets, fix->ends[(at + PIPES - 1) % PIPES][0], 0, NULL);
}

/* How many were told. */
static int wait_once(fixture *fix)
{
    castor_error err;
    int          told = 0;

    memset(fix->told, 0, sizeof fix->told);
    assert_int_equal(cst_sockets_wait(&fix->sockets, 0, on_ready, fix, &err), CASTOR_OK);
    for (int i = 0; i < PIPES; i++) told += fix->told[i] > 0;
    return told;
}

static void fill(fixture *fix, int count)
{
    for (int i = 0; i < count; i++) assert_int_equal(write(fix->ends[i][1], "x", 1), 1);
}

static void check_each_is_told(int count)
{
    fixture fix;

    set_up(&fix);
    watch_first(&fix, count);
    assert_int_equal(wait_once(&fix), 0);
    fill(&fix, count);
    assert_int_equal(wait_once(&fix), count);
    for (int i = 0; i < count; i += 2) assert_int_equal(cst_sockets_watch(&fix.sockets, fix.ends[i][0], 0, NULL), CASTOR_OK);
    assert_int_equal(wait_once(&fix), count / 2);
    tear_down(&fix);
}

static void each_socket_that_is_ready_is_told_whether_few_or_many_are_watched(void **state)
{
    (void)state;
    check_each_is_told(4);
    check_each_is_told(CST_POLL_SOCKETS_MAX);
    check_each_is_told(PIPES); /* more than epoll tells at a time */
}

static void what_is_forgotten_while_others_are_told_is_not_told(void **state)
{
    (void)state;
    for (int count = 4; count <= PIPES; count += PIPES - 4) {
        fixture fix;
        set_up(&fix);
        watch_first(&fix, count);
        fill(&fix, count);
        fix.forgets = true;
        assert_in_range(wait_once(&fix), 1, count / 2);
        tear_down(&fix);
    }
}

static void interest_can_be_changed_and_the_wake_up_call_ends_a_wait(void **state)
{
    fixture      fix;
    castor_error err;

    (void)state;
    set_up(&fix);
    assert_int_equal(cst_sockets_watch(&fix.sockets, fix.ends[0][1], CASTOR_WRITE, NULL), CASTOR_OK);
    assert_int_equal(wait_once(&fix), 1);
    assert_int_equal(cst_sockets_watch(&fix.sockets, fix.ends[0][1], CASTOR_READ, NULL), CASTOR_OK);
    assert_int_equal(wait_once(&fix), 0);

    int kept = fix.ends[1][0];
    fix.ends[1][0] = fix.sockets.wake_read; /* so that on_ready knows it */
    assert_int_equal(cst_sockets_watch(&fix.sockets, fix.sockets.wake_read, CASTOR_READ, NULL), CASTOR_OK);
    cst_sockets_wake(&fix.sockets);
    cst_sockets_wake(&fix.sockets);
    assert_int_equal(cst_sockets_wait(&fix.sockets, -1, on_ready, &fix, &err), CASTOR_OK);
    assert_int_equal(fix.told[1], 1);
    cst_sockets_be_awake(&fix.sockets);
    assert_int_equal(wait_once(&fix), 0);
    fix.ends[1][0] = kept;
    tear_down(&fix);
}

/* ---- a loop ---- */

typedef struct fake_loop {
    int32_t interest[1024];
    int     fails_at; /* the call that fails, from 1; 0: none */
    int     calls;
} fake_loop;

static int32_t fake_watch(void *user, int fd, int32_t interest)
{
    fake_loop *loop = user;

    if (++loop->calls == loop->fails_at) return -1;
    loop->interest[fd] = interest;
    return 0;
}

static int count_watched(const fake_loop *loop)
{
    int count = 0;

    for (size_t i = 0; i < sizeof loop->interest / sizeof *loop->interest; i++) count += loop->interest[i] != 0;
    return count;
}

static void a_loop_takes_over_all_that_is_watched_and_gives_it_back(void **state)
{
    fixture     fix;
    fake_loop   seen = { .fails_at = 0 };
    castor_loop loop = { .watch = fake_watch, .user = &seen };

    (void)state;
    set_up(&fix);
    watch_first(&fix, PIPES);
    assert_int_equal(cst_sockets_attach(&fix.sockets, &loop), CASTOR_OK);
    assert_int_equal(count_watched(&seen), PIPES);
    fill(&fix, PIPES);
    assert_int_equal(wait_once(&fix), PIPES); /* a look without waiting needs no loop */
    assert_int_equal(cst_sockets_watch(&fix.sockets, fix.ends[0][0], 0, NULL), CASTOR_OK);
    assert_int_equal(count_watched(&seen), PIPES - 1);
    assert_int_equal(cst_sockets_attach(&fix.sockets, NULL), CASTOR_OK);
    assert_int_equal(count_watched(&seen), 0);
    assert_int_equal(wait_once(&fix), PIPES - 1);
    tear_down(&fix);
}

static void a_loop_that_cannot_watch_all_keeps_none(void **state)
{
    (void)state;
    for (int nth = 1; nth <= 4; nth++) {
        fixture     fix;
        fake_loop   seen = { .fails_at = nth };
        castor_loop loop = { .watch = fake_watch, .user = &seen };
        set_up(&fix);
        watch_first(&fix, 4);
        assert_int_equal(cst_sockets_attach(&fix.sockets, &loop), CASTOR_NO_MEMORY);
        assert_int_equal(count_watched(&seen), 0);
        fill(&fix, 4);
        assert_int_equal(wait_once(&fix), 4);
        tear_down(&fix);
    }
}

static void every_allocation_may_fail_and_then_only_that_socket_is_not_watched(void **state)
{
    (void)state;
    for (long nth = 1;; nth++) {
        fixture fix;
        int     watched = 0;
        set_up(&fix);
        fix.memory.fail_at = nth;
        for (int i = 0; i < PIPES; i++) {
            castor_status status = cst_sockets_watch(&fix.sockets, fix.ends[i][0], CASTOR_READ, NULL);
            assert_true(status == CASTOR_OK || status == CASTOR_NO_MEMORY);
            watched += status == CASTOR_OK;
        }
        bool did_fail = fix.memory.did_fail;
        fill(&fix, PIPES);
        assert_int_equal(watched, did_fail ? PIPES - 1 : PIPES);
        assert_int_equal(wait_once(&fix), watched);
        tear_down(&fix);
        if (!did_fail) break;
    }
}

/* ---- sockets whose end is announced ---- */

#ifdef __linux__
static void a_lasting_socket_that_is_watched_anew_before_the_wait_costs_no_call(void **state)
{
    fixture fix;

    (void)state;
    set_up(&fix);
    int fd = fix.ends[0][0];
    cst_sockets_opened(&fix.sockets, fd);
    watch_first(&fix, PIPES);
    assert_int_equal(wait_once(&fix), 0);
    size_t calls = fix.sockets.epoll_calls;
    for (int answer = 0; answer < 10; answer++) {
        assert_int_equal(cst_sockets_watch(&fix.sockets, fd, 0, NULL), CASTOR_OK);
        assert_int_equal(cst_sockets_watch(&fix.sockets, fd, CASTOR_READ, NULL), CASTOR_OK);
    }
    fill(&fix, 1);
    assert_int_equal(wait_once(&fix), 1);
    assert_int_equal(fix.sockets.epoll_calls, calls);
    tear_down(&fix);
}

static void a_lasting_socket_that_is_forgotten_wakes_nobody(void **state)
{
    fixture fix;

    (void)state;
    set_up(&fix);
    for (int i = 0; i < PIPES; i++) cst_sockets_opened(&fix.sockets, fix.ends[i][0]);
    watch_first(&fix, PIPES);
    for (int i = 0; i < PIPES; i++) (void)cst_sockets_watch(&fix.sockets, fix.ends[i][0], 0, NULL);
    fill(&fix, PIPES);
    assert_int_equal(wait_once(&fix), 0);
    size_t calls = fix.sockets.epoll_calls;
    assert_int_equal(wait_once(&fix), 0);
    assert_int_equal(fix.sockets.epoll_calls, calls);
    tear_down(&fix);
}

static void as_many_as_there_is_room_for_are_forgotten_late_and_others_at_once(void **state)
{
    fixture fix;

    (void)state;
    set_up(&fix);
    for (int i = 0; i < PIPES; i++) cst_sockets_opened(&fix.sockets, fix.ends[i][0]);
    watch_first(&fix, PIPES);
    size_t calls = fix.sockets.epoll_calls;
    for (int i = 0; i < CST_SOCKETS_LATE; i++) (void)cst_sockets_watch(&fix.sockets, fix.ends[i][0], 0, NULL);
    assert_int_equal(fix.sockets.epoll_calls, calls);
    (void)cst_sockets_watch(&fix.sockets, fix.ends[CST_SOCKETS_LATE][0], 0, NULL);
    assert_int_equal(fix.sockets.epoll_calls, calls + 1);
    fill(&fix, PIPES);
    assert_int_equal(wait_once(&fix), PIPES - CST_SOCKETS_LATE - 1);
    assert_int_equal(fix.sockets.epoll_calls, calls + CST_SOCKETS_LATE + 1);
    tear_down(&fix);
}

static void a_socket_that_has_the_number_of_one_that_was_closed_is_told(void **state)
{
    (void)state;
    for (int is_announced = 0; is_announced < 2; is_announced++) {
        fixture fix;
        set_up(&fix);
        int fd = fix.ends[0][0];
        cst_sockets_opened(&fix.sockets, fd);
        watch_first(&fix, PIPES);
        (void)cst_sockets_watch(&fix.sockets, fd, 0, NULL);
        if (is_announced) cst_sockets_closed(&fix.sockets, fd);
        assert_int_equal(dup2(fix.ends[1][0], fd), fd); /* closes it first */
        if (!is_announced) cst_sockets_opened(&fix.sockets, fd);
        assert_int_equal(cst_sockets_watch(&fix.sockets, fd, CASTOR_READ, NULL), CASTOR_OK);
        assert_int_equal(write(fix.ends[1][1], "x", 1), 1);
        assert_int_equal(wait_once(&fix), 2);
        tear_down(&fix);
    }
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_socket_that_is_ready_is_told_whether_few_or_many_are_watched),
        cmocka_unit_test(what_is_forgotten_while_others_are_told_is_not_told),
        cmocka_unit_test(interest_can_be_changed_and_the_wake_up_call_ends_a_wait),
        cmocka_unit_test(a_loop_takes_over_all_that_is_watched_and_gives_it_back),
        cmocka_unit_test(a_loop_that_cannot_watch_all_keeps_none),
        cmocka_unit_test(every_allocation_may_fail_and_then_only_that_socket_is_not_watched),
#ifdef __linux__
        cmocka_unit_test(a_lasting_socket_that_is_watched_anew_before_the_wait_costs_no_call),
        cmocka_unit_test(a_lasting_socket_that_is_forgotten_wakes_nobody),
        cmocka_unit_test(as_many_as_there_is_room_for_are_forgotten_late_and_others_at_once),
        cmocka_unit_test(a_socket_that_has_the_number_of_one_that_was_closed_is_told),
#endif
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
