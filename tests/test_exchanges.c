/* test_exchanges.c -- the handles of libcurl that are kept for the next exchanges.
 * SPDX-License-Identifier: MIT
 */
#include "exchange_curl.h"
#include "support.h"

enum { TAKEN_MAX = CST_IDLE_EXCHANGES_MAX + CST_FEW_EXCHANGES };

typedef struct fixture {
    tst_memory       memory;
    castor_allocator allocator;
    cst_sockets      sockets;
    cst_exchanges    all;
    cst_exchange    *taken[TAKEN_MAX];
} fixture;

static void set_up(fixture *fix)
{
    cst_transport_options options = { .allocator = &fix->allocator, .ignore_environment = true };
    castor_error          err;

    *fix = (fixture){ 0 };
    fix->allocator = tst_allocator(&fix->memory);
    assert_int_equal(cst_sockets_init(&fix->sockets, &fix->allocator, &err), CASTOR_OK);
    assert_int_equal(cst_exchanges_init(&fix->all, &options, &fix->sockets), CASTOR_OK);
}

static void tear_down(fixture *fix)
{
    assert_int_equal(fix->all.open_count, 0);
    cst_exchanges_free(&fix->all);
    cst_sockets_free(&fix->sockets);
    assert_int_equal(fix->memory.live_bytes, 0);
    assert_false(fix->memory.has_lied);
}

static void take(fixture *fix, int count)
{
    static const char *const headers[] = { "Content-Type: application/json", NULL };
    const cst_http_request   request = { .url = "http://127.0.0.1:1/", .headers = headers, .body = { "{}", 2 } };
    const cst_sink           nobody = { .user = NULL };

    for (int i = 0; i < count; i++) {
        fix->taken[i] = cst_exchange_take(&fix->all, &request, &nobody);
        assert_non_null(fix->taken[i]);
    }
}

static void give_back(fixture *fix, int count, bool have_ended_well)
{
    for (int i = 0; i < count; i++) {
        fix->taken[i]->is_sound = have_ended_well;
        cst_exchange_give_back(fix->taken[i]);
    }
}

static void sixteen_handles_are_kept_and_no_more(void **state)
{
    (void)state;
    for (int count = CST_IDLE_EXCHANGES_MAX; count <= CST_IDLE_EXCHANGES_MAX + 1; count++) {
        fixture fix;
        set_up(&fix);
        take(&fix, count);
        assert_int_equal(fix.all.open_count, count);
        give_back(&fix, count, true);
        assert_int_equal(fix.all.idle_count, CST_IDLE_EXCHANGES_MAX);
        tear_down(&fix);
    }
}

static void a_handle_that_was_kept_is_used_again_and_forgets_what_it_had(void **state)
{
    fixture fix;

    (void)state;
    set_up(&fix);
    take(&fix, 1);
    CURL *easy = fix.taken[0]->easy;
    give_back(&fix, 1, true);
    assert_null(fix.all.idle->headers); /* the key was in there */
    assert_null(fix.all.idle->body.data);
    take(&fix, 1);
    assert_ptr_equal(fix.taken[0]->easy, easy);
    assert_int_equal(fix.all.idle_count, 0);
    give_back(&fix, 1, true);
    tear_down(&fix);
}

static void a_handle_that_ended_badly_is_not_kept(void **state)
{
    fixture fix;

    (void)state;
    set_up(&fix);
    take(&fix, 1);
    give_back(&fix, 1, false);
    assert_int_equal(fix.all.idle_count, 0);
    tear_down(&fix);
}

/* What read little because many were under way is no good for one that is alone. */
static void a_handle_with_too_small_a_buffer_is_not_used_again(void **state)
{
    fixture fix;

    (void)state;
    set_up(&fix);
    take(&fix, CST_FEW_EXCHANGES + 1);
    cst_exchange *last = fix.taken[CST_FEW_EXCHANGES];
    assert_int_equal(fix.taken[CST_FEW_EXCHANGES - 1]->read_bytes, CST_READ_BYTES_FEW);
    assert_int_equal(last->read_bytes, CST_READ_BYTES_SOME);
    last->is_sound = true;
    cst_exchange_give_back(last);
    give_back(&fix, CST_FEW_EXCHANGES, false);
    assert_int_equal(fix.all.idle_count, 1);
    take(&fix, 1);
    assert_int_equal(fix.taken[0]->read_bytes, CST_READ_BYTES_FEW);
    assert_int_equal(fix.all.idle_count, 0);
    give_back(&fix, 1, true);
    tear_down(&fix);
}

static void keep_failure(void *user, const castor_error *failure, bool was_closed)
{
    (void)was_closed;
    *(castor_error *)user = *failure;
}

/* Of a used connection any failure may be a leftover; that of a new one that replaces it is judged by itself. */
static void a_new_connection_in_place_of_a_stale_one_was_not_used_before(void **state)
{
    fixture      fix;
    castor_error failure = { 0 };

    (void)state;
    set_up(&fix);
    take(&fix, 1);
    fix.taken[0]->sink = (cst_sink){ .user = &failure, .on_end = keep_failure };
    fix.taken[0]->is_stale = fix.taken[0]->is_reused = true;
    assert_true(cst_exchange_tries_again(fix.taken[0], CURLE_ABORTED_BY_CALLBACK));
    assert_false(cst_exchange_tries_again(fix.taken[0], CURLE_PEER_FAILED_VERIFICATION));
    cst_exchange_end(fix.taken[0], CURLE_PEER_FAILED_VERIFICATION);
    assert_int_equal(failure.status, CASTOR_NETWORK);
    assert_false(failure.is_transient);
    cst_exchange_give_back(fix.taken[0]);
    tear_down(&fix);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sixteen_handles_are_kept_and_no_more),
        cmocka_unit_test(a_handle_that_was_kept_is_used_again_and_forgets_what_it_had),
        cmocka_unit_test(a_handle_that_ended_badly_is_not_kept),
        cmocka_unit_test(a_handle_with_too_small_a_buffer_is_not_used_again),
        cmocka_unit_test(a_new_connection_in_place_of_a_stale_one_was_not_used_before),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
