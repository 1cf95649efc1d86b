/* test_control.c -- the paths under /pollux: what they tell of a running twin, and how they steer it.
 * SPDX-License-Identifier: MIT
 */
#include <stdio.h>
#include <string.h>

#include "json.h"
#include "twin.h"

static tst_pollux shared;

static int start(void **state)
{
    (void)state;
    shared = TST_POLLUX("--instant", "-q");
    return 0;
}

static int stop(void **state)
{
    (void)state;
    tst_pollux_stop(&shared);
    return 0;
}

/* Without a key. */
static tst_answer control(const tst_pollux *p, const char *method, const char *path, const char *body)
{
    return tst_call(p, method, path, "", body);
}

static void check(const tst_pollux *p, const char *path, const char *body, int status, const char *words)
{
    tst_answer a = tst_ask(p, path, body);

    if (a.status != status) fail_msg("%s: status %d instead of %d:\n%s", path, a.status, status, a.body);
    tst_contains(&a, words);
    tst_forget(&a);
}

/* ---- the clock ---- */

static int64_t created_at(const tst_pollux *p)
{
    tst_answer   a = tst_ask(p, CHAT, "{\"model\":\"gemini-3.8-flash\",\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]}");
    cst_json_doc doc;

    cst_json_doc_init(&doc, cst_allocator_default());
    assert_int_equal(cst_json_read(&doc, (castor_str){ a.body, a.len }, NULL, NULL), CASTOR_OK);
    castor_i64 created = cst_json_integer(cst_json_get(cst_json_root(&doc), "created"));
    assert_true(created.is_set);
    cst_json_doc_free(&doc);
    tst_forget(&a);
    return created.value;
}

static void the_clock_can_be_moved_forward(void **state)
{
    (void)state;
    tst_pollux p = TST_POLLUX("--instant", "-q");
    int64_t    before = created_at(&p);

    check(&p, "/pollux/clock", "{\"advance_s\":3600}", 200, "\"ahead_s\": 3600\n");
    check(&p, "/pollux/clock", "{\"advanceS\":\"60\"}", 200, "\"ahead_s\": 3660\n");
    assert_true(created_at(&p) - before >= 3660);
    assert_true(created_at(&p) - before < 3660 + TST_PATIENCE_S);
    tst_answer a = control(&p, "GET", "/pollux/clock", NULL);
    assert_int_equal(a.status, 200);
    tst_contains(&a, "\"now\": \"20");
    tst_contains(&a, "\"ahead_s\": 3660\n");
    tst_forget(&a);
    tst_pollux_stop(&p);
}

static void models_shut_down_when_the_clock_reaches_their_day(void **state)
{
    (void)state;
    tst_pollux p = TST_POLLUX("--instant", "-q");

    check(&p, "/v1beta/models/gemini-2.5-pro:generateContent", PROMPT("Short"), 200, "emulating gemini-2.5-pro)");
    check(&p, "/v1beta/models/gemini-3.1-flash-lite:generateContent", PROMPT("Short"), 200, "3.1-flash-lite)");
    check(&p, "/pollux/clock", "{\"advance_s\":31536000}", 200, "ahead_s");
    check(&p, "/v1beta/models/gemini-2.5-pro:generateContent", PROMPT("Short"), 200, "emulating gemini-3.8-flash)");
    check(&p, "/v1beta/models/gemini-3.1-flash-lite:generateContent", PROMPT("Short"), 404, "is not found");
    tst_pollux_stop(&p);
}

static void a_wrong_step_of_the_clock_is_explained(void **state)
{
    (void)state;
    check(&shared, "/pollux/clock", "{\"advance_s\":-1}", 400, "Invalid value at 'advance_s'");
    check(&shared, "/pollux/clock", "{\"advance_s\":\"soon\"}", 400, "Invalid value at 'advance_s'");
    check(&shared, "/pollux/clock", "{\"advance_s\":9e15}", 400, "Invalid value at 'advance_s'");
    check(&shared, "/pollux/clock", "{\"rewind_s\":1}", 400, "Unknown name \\\"rewind_s\\\"");
    check(&shared, "/pollux/clock", "{}", 200, "\"ahead_s\": 0\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_clock_can_be_moved_forward),
        cmocka_unit_test(models_shut_down_when_the_clock_reaches_their_day),
        cmocka_unit_test(a_wrong_step_of_the_clock_is_explained),
    };

    return cmocka_run_group_tests_name("control", tests, start, stop);
}
