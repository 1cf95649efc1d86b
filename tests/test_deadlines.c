/* test_deadlines.c -- the heap of what must happen at a time, against a plain list of the same.
 * SPDX-License-Identifier: MIT
 */
#include "deadlines.h"
#include "support.h"

enum { NODES = 200, ROUNDS = 20000, TIMES = 500 };

typedef struct bench {
    cst_deadlines heap;
    cst_deadline  nodes[NODES];
    int64_t       expected[NODES]; /* INT64_MAX: not in */
} bench;

static int64_t earliest(const bench *b)
{
    int64_t first = INT64_MAX;

    for (size_t i = 0; i < NODES; i++) first = b->expected[i] < first ? b->expected[i] : first;
    return first;
}

static void the_first_is_always_the_earliest(void **state)
{
    static bench b;
    uint64_t     seed = tst_seed();

    (void)state;
    for (size_t i = 0; i < NODES; i++) b.expected[i] = INT64_MAX;
    for (int round = 0; round < ROUNDS; round++) {
        size_t at = tst_random_below(&seed, NODES);
        if (tst_random_below(&seed, 3) == 0) {
            cst_deadlines_drop(&b.heap, &b.nodes[at]);
            b.expected[at] = INT64_MAX;
        } else {
            int64_t at_ms = (int64_t)tst_random_below(&seed, TIMES);
            cst_deadlines_put(&b.heap, &b.nodes[at], at_ms);
            if (at_ms < b.expected[at]) b.expected[at] = at_ms; /* a later time changes nothing */
        }
        assert_int_equal(cst_deadlines_first_ms(&b.heap), earliest(&b));
    }
    while (b.heap.first) {
        cst_deadline *first = b.heap.first;
        assert_int_equal(first->at_ms, earliest(&b));
        b.expected[first - b.nodes] = INT64_MAX;
        cst_deadlines_drop(&b.heap, first);
    }
    assert_int_equal(earliest(&b), INT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(the_first_is_always_the_earliest) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
