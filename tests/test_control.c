/* test_control.c -- the paths under /pollux: what they tell of a running twin, and how they steer it.
 * SPDX-License-Identifier: MIT
 */
#include <stdio.h>
#include <string.h>

#include "json.h"
#include "twin.h"

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
    static const char body[] = "{\"model\":\"gemini-3.8-flash\",\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]}";
    tst_answer        a = tst_ask(p, CHAT, body);
    cst_json_doc      doc;

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
    check(&tst_shared, "/pollux/clock", "{\"advance_s\":-1}", 400, "Invalid value at 'advance_s'");
    check(&tst_shared, "/pollux/clock", "{\"advance_s\":\"soon\"}", 400, "Invalid value at 'advance_s'");
    check(&tst_shared, "/pollux/clock", "{\"advance_s\":9e15}", 400, "Invalid value at 'advance_s'");
    check(&tst_shared, "/pollux/clock", "{\"rewind_s\":1}", 400, "Unknown name \\\"rewind_s\\\"");
    check(&tst_shared, "/pollux/clock", "{}", 200, "\"ahead_s\": 0\n");
}

/* ---- statistics ---- */

static void each_endpoint_is_counted_by_status(void **state)
{
    (void)state;
    tst_pollux p = TST_POLLUX("--instant", "-q");

    check(&p, WHOLE, PROMPT("Four"), 200, "candidates");
    check(&p, WHOLE, PROMPT("Four"), 200, "candidates");
    check(&p, WHOLE, "{}", 400, "error");
    check(&p, "/v1/nowhere", "{}", 404, "not found");
    tst_answer a = control(&p, "GET", "/pollux/stats", NULL);
    assert_int_equal(a.status, 200);
    tst_contains(&a, "\"requests\": 4,\n");
    tst_contains(&a, "      \"method\": \"POST\",\n      \"path\": \"/{v}/models/{}:generateContent\",\n"
                     "      \"status\": 200,\n      \"count\": 2\n");
    tst_contains(&a, "      \"status\": 400,\n      \"count\": 1\n");
    tst_contains(&a, "    {\n      \"status\": 404,\n      \"count\": 1\n    }");
    tst_contains(&a, "\"input\": 2,\n");
    tst_contains(&a, "\"uptime_s\": ");
    tst_contains(&a, "\"under_way\": 0,\n");
    tst_forget(&a);
    tst_pollux_stop(&p);
}

static void a_stream_under_way_is_seen(void **state)
{
    (void)state;
    tst_pollux p = TST_POLLUX("--ttft", "0", "--rate", "20", "-q");
    tst_link   l = tst_connect(&p);
    tst_answer stream;

    tst_post(&l, STREAM, KEY, PROMPT("Explain photosynthesis"));
    assert_true(tst_read_head(&l, &stream));
    tst_answer a = control(&p, "GET", "/pollux/stats", NULL);
    tst_contains(&a, "\"connections\": 2,\n");
    tst_contains(&a, "\"under_way\": 1,\n");
    tst_forget(&a);
    tst_forget(&stream);
    tst_hang_up(&l);
    tst_pollux_stop(&p);
}

static void the_use_of_quotas_is_shown_without_the_key(void **state)
{
    (void)state;
    tst_pollux p = TST_POLLUX("--instant", "-q", "--rpm", "5");

    check(&p, WHOLE, PROMPT("Twelve bytes"), 200, "candidates");
    tst_answer a = control(&p, "GET", "/pollux/stats", NULL);
    tst_contains(&a, "      \"key\": \"...-key\",\n      \"model\": \"gemini-3.8-flash\",\n"
                     "      \"requests_a_minute\": {\n        \"used\": 1,\n        \"limit\": 5\n      },\n"
                     "      \"tokens_a_minute\": {\n        \"used\": 3\n      },");
    tst_lacks(&a, "test-key");
    tst_forget(&a);
    tst_pollux_stop(&p);
}

static void a_short_key_is_not_shown_at_all(void **state)
{
    (void)state;
    tst_pollux p = TST_POLLUX("--instant", "-q", "--rpm", "5");
    tst_answer a = tst_ask_with(&p, WHOLE, "x-goog-api-key: zebra\r\n", PROMPT("Twelve bytes"));

    assert_int_equal(a.status, 200);
    tst_forget(&a);
    a = control(&p, "GET", "/pollux/stats", NULL);
    tst_contains(&a, "\"key\": \"...\"");
    tst_lacks(&a, "bra");
    tst_forget(&a);
    tst_pollux_stop(&p);
}

/* ---- scripts ---- */

static void scripts_come_and_go_while_it_runs(void **state)
{
    (void)state;
    tst_pollux p = TST_POLLUX("--instant", "-q");

    check(&p, "/pollux/scripts", "# Ours\n\n## A\n? photosynthesis\n= First.\n", 200, "\"title\": \"Ours\"");
    check(&p, WHOLE, PROMPT("Explain photosynthesis"), 200, "\"First.\"");
    check(&p, "/pollux/scripts", "## B\n? photosynthesis\n= Second.\n", 200, "\"added\": true");
    check(&p, WHOLE, PROMPT("Explain photosynthesis"), 200, "\"Second.\"");
    tst_answer a = control(&p, "DELETE", "/pollux/scripts", NULL);
    assert_int_equal(a.status, 200);
    tst_lacks(&a, "Ours");
    tst_contains(&a, "\"added\": false");
    tst_forget(&a);
    a = tst_ask(&p, WHOLE, PROMPT("Explain photosynthesis"));
    tst_lacks(&a, "Second.");
    tst_lacks(&a, "First.");
    tst_forget(&a);
    tst_pollux_stop(&p);
}

static void a_wrong_script_is_explained_with_its_line(void **state)
{
    (void)state;
    check(&tst_shared, "/pollux/scripts", "# Ours\n\n## A\n? a\n=x wrong\n", 400, "\"message\": \"script:5: ");
    check(&tst_shared, "/pollux/scripts", "## A\n? a\n=x wrong\n", 400, "\"message\": \"script:3: ");
    check(&tst_shared, "/pollux/scripts", "", 400, "\"message\": \"script: ");
}

static void a_script_that_goes_is_played_to_its_end(void **state)
{
    (void)state;
    tst_pollux p = TST_POLLUX("--ttft", "0", "--rate", "40", "-q");
    tst_link   l = tst_connect(&p);
    tst_answer stream;

    check(&p, "/pollux/scripts",
          "## Long\n? beavers\n= One two three four five six seven eight nine ten eleven twelve thirteen, the end.\n",
          200, "scripts");
    tst_post(&l, STREAM, KEY, PROMPT("beavers"));
    assert_true(tst_read_head(&l, &stream));
    assert_true(tst_read_chunk(&l, &stream));
    tst_answer a = control(&p, "DELETE", "/pollux/scripts", NULL);
    assert_int_equal(a.status, 200);
    tst_forget(&a);
    tst_lacks(&stream, "end.");
    while (tst_read_chunk(&l, &stream)) continue;
    assert_true(stream.is_whole);
    tst_contains(&stream, "end.");
    tst_contains(&stream, "\"STOP\"");
    tst_forget(&stream);
    tst_hang_up(&l);
    tst_pollux_stop(&p);
}

/* ---- reset ---- */

static void a_reset_forgets_everything(void **state)
{
    (void)state;
    tst_pollux p = TST_POLLUX("--instant", "-q", "--rpm", "1");

    check(&p, "/pollux/scripts", "## A\n? beavers\n= Dams.\n", 200, "\"added\": true");
    check(&p, "/pollux/clock", "{\"advance_s\":60}", 200, "\"ahead_s\": 60\n");
    check(&p, WHOLE, PROMPT("beavers"), 200, "Dams.");
    check(&p, WHOLE, PROMPT("beavers"), 429, "Quota");
    tst_answer a = control(&p, "POST", "/pollux/reset", "");
    assert_int_equal(a.status, 200);
    tst_contains(&a, "\"requests\": 0,\n");
    tst_contains(&a, "\"quotas\": []");
    tst_forget(&a);
    check(&p, "/pollux/clock", "{}", 200, "\"ahead_s\": 0\n");
    a = tst_ask(&p, WHOLE, PROMPT("beavers"));
    assert_int_equal(a.status, 200);
    tst_lacks(&a, "Dams.");
    tst_forget(&a);
    tst_pollux_stop(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_endpoint_is_counted_by_status),
        cmocka_unit_test(a_stream_under_way_is_seen),
        cmocka_unit_test(the_use_of_quotas_is_shown_without_the_key),
        cmocka_unit_test(a_short_key_is_not_shown_at_all),
        cmocka_unit_test(scripts_come_and_go_while_it_runs),
        cmocka_unit_test(a_wrong_script_is_explained_with_its_line),
        cmocka_unit_test(a_script_that_goes_is_played_to_its_end),
        cmocka_unit_test(a_reset_forgets_everything),
        cmocka_unit_test(the_clock_can_be_moved_forward),
        cmocka_unit_test(models_shut_down_when_the_clock_reaches_their_day),
        cmocka_unit_test(a_wrong_step_of_the_clock_is_explained),
    };

    return cmocka_run_group_tests_name("control", tests, tst_shared_start, tst_shared_stop);
}
