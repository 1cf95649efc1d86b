/* test_quota.c -- limits of requests and tokens: what they refuse, in which words, and until when.
 * SPDX-License-Identifier: MIT
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "json.h"
#include "twin.h"

#define CHAT_BODY "{\"model\":\"models/gemini-3.8-flash\",\"messages\":[{\"role\":\"user\",\"content\":\"Short\"}]}"
#define MESSAGE_BODY "{\"prompt\":{\"messages\":[{\"content\":\"Short\"}]}}"
#define OTHER_KEY "x-goog-api-key: other-key\r\n"
#define GEMINI_4 "/v1beta/models/gemini-4-argon:generateContent"

static void check(const tst_pollux *p, const char *path, const char *headers, const char *body, int status)
{
    tst_answer a = tst_ask_with(p, path, headers, body);

    if (a.status != status) fail_msg("%s: status %d instead of %d:\n%s", path, a.status, status, a.body);
    tst_forget(&a);
}

static void advance(const tst_pollux *p, int64_t seconds)
{
    char body[64];

    snprintf(body, sizeof body, "{\"advance_s\":%lld}", (long long)seconds);
    check(p, "/pollux/clock", "", body, 200);
}

/* The refusal's RetryInfo, in seconds. */
static double retry_delay(const tst_answer *a)
{
    const char *at = strstr(a->body, "\"retryDelay\": \"");

    assert_non_null(at);
    char  *end = NULL;
    double delay = strtod(at + 15, &end);
    assert_memory_equal(end, "s\"", 2);
    return delay;
}

/* Makes requests until one is refused; how many were not. */
static int count_until_refused(const tst_pollux *p, const char *path, const char *body, tst_answer *refused)
{
    for (int count = 0;; count++) {
        *refused = tst_ask(p, path, body);
        if (refused->status == 429) return count;
        assert_int_equal(refused->status, 200);
        tst_forget(refused);
    }
}

static void without_a_limit_nothing_is_limited(void **state)
{
    (void)state;
    tst_pollux p = TST_POLLUX("--instant", "-q");

    for (int i = 0; i < 30; i++) check(&p, WHOLE, KEY, PROMPT("Short"), 200);
    tst_pollux_stop(&p);
}

static void the_request_too_many_is_refused_as_google_refuses_it(void **state)
{
    (void)state;
    tst_pollux p = TST_POLLUX("--instant", "-q", "--tier", "free", "--rpm", "2");
    tst_answer a;

    assert_int_equal(count_until_refused(&p, WHOLE, PROMPT("Short"), &a), 2);
    tst_contains(&a, "\"message\": \"You exceeded your current quota, please check your plan and billing details.");
    tst_contains(&a, "\\n* Quota exceeded for metric: generativelanguage.googleapis.com/"
                     "generate_content_free_tier_requests, limit: 2, model: gemini-3.8-flash\\nPlease retry in ");
    tst_contains(&a, "\"status\": \"RESOURCE_EXHAUSTED\",\n    \"details\": [\n      {\n"
                     "        \"@type\": \"type.googleapis.com/google.rpc.Help\",\n        \"links\": [\n          {\n"
                     "            \"description\": \"Learn more about Gemini API quotas\",\n"
                     "            \"url\": \"https://ai.google.dev/gemini-api/docs/rate-limits\"\n");
    tst_contains(&a, "        \"@type\": \"type.googleapis.com/google.rpc.QuotaFailure\",\n"
                     "        \"violations\": [\n          {\n"
                     "            \"quotaMetric\": \"generativelanguage.googleapis.com/"
                     "generate_content_free_tier_requests\",\n"
                     "            \"quotaId\": \"GenerateRequestsPerMinutePerProjectPerModel-FreeTier\",\n"
                     "            \"quotaDimensions\": {\n              \"location\": \"global\",\n"
                     "              \"model\": \"gemini-3.8-flash\"\n            },\n"
                     "            \"quotaValue\": \"2\"\n          }\n        ]\n");
    tst_contains(&a, "\"@type\": \"type.googleapis.com/google.rpc.RetryInfo\"");
    tst_forget(&a);
    tst_pollux_stop(&p);
}

static void after_the_time_that_it_tells_it_works_again(void **state)
{
    (void)state;
    tst_pollux p = TST_POLLUX("--instant", "-q", "--rpm", "3");
    tst_answer a;

    check(&p, WHOLE, KEY, PROMPT("Short"), 200);
    advance(&p, 30);
    assert_int_equal(count_until_refused(&p, WHOLE, PROMPT("Short"), &a), 2);
    double delay = retry_delay(&a);
    if (delay > 30.0 || delay < 30.0 - TST_PATIENCE_S / 3.0) fail_msg("retryDelay is %f", delay);
    tst_forget(&a);
    advance(&p, (int64_t)delay + 1);
    assert_int_equal(count_until_refused(&p, WHOLE, PROMPT("Short"), &a), 3);
    tst_forget(&a);
    tst_pollux_stop(&p);
}

static void a_refused_request_counts_for_nothing(void **state)
{
    (void)state;
    tst_pollux p = TST_POLLUX("--instant", "-q", "--rpm", "1", "--rpd", "2");

    check(&p, WHOLE, KEY, PROMPT("Short"), 200);
    for (int i = 0; i < 5; i++) check(&p, WHOLE, KEY, PROMPT("Short"), 429);
    check(&p, WHOLE, KEY, "{}", 400);
    advance(&p, 60);
    check(&p, WHOLE, KEY, PROMPT("Short"), 200);
    tst_pollux_stop(&p);
}

static void each_key_and_each_model_has_its_own_count(void **state)
{
    (void)state;
    tst_pollux p = TST_POLLUX("--instant", "-q", "--rpm", "1");

    check(&p, WHOLE, KEY, PROMPT("Short"), 200);
    check(&p, WHOLE, KEY, PROMPT("Short"), 429);
    check(&p, WHOLE, OTHER_KEY, PROMPT("Short"), 200);
    check(&p, GEMINI_4, KEY, PROMPT("Short"), 200);
    check(&p, GEMINI_4, KEY, PROMPT("Short"), 429);
    tst_pollux_stop(&p);
}

static void all_dialects_count_and_counting_tokens_does_not(void **state)
{
    (void)state;
    static const struct {
        const char *path, *body;
    } asks[] = {
        { WHOLE, PROMPT("Short") }, { STREAM, PROMPT("Short") }, { ARRAY, PROMPT("Short") }, { CHAT, CHAT_BODY },
    };

    for (size_t i = 0; i < sizeof asks / sizeof asks[0]; i++) {
        tst_pollux p = TST_POLLUX("--instant", "-q", "--rpm", "1");
        check(&p, "/v1beta/models/gemini-3.8-flash:countTokens", KEY, PROMPT("Short"), 200);
        check(&p, asks[i].path, KEY, asks[i].body, 200);
        for (size_t j = 0; j < sizeof asks / sizeof asks[0]; j++) check(&p, asks[j].path, KEY, asks[j].body, 429);
        check(&p, MESSAGE, KEY, MESSAGE_BODY, 200); /* another model */
        check(&p, MESSAGE, KEY, MESSAGE_BODY, 429);
        check(&p, "/v1beta/models/gemini-3.8-flash:countTokens", KEY, PROMPT("Short"), 200);
        tst_pollux_stop(&p);
    }
}

static void chat_completions_are_refused_in_a_list(void **state)
{
    (void)state;
    tst_pollux p = TST_POLLUX("--instant", "-q", "--rpm", "0");
    tst_answer a = tst_ask(&p, CHAT, CHAT_BODY);

    assert_int_equal(a.status, 429);
    assert_int_equal(strncmp(a.body, "[{\n  \"error\": {\n", 16), 0);
    tst_contains(&a, "\"quotaId\": \"GenerateRequestsPerMinutePerProjectPerModel\"");
    tst_forget(&a);
    tst_pollux_stop(&p);
}

static void input_tokens_are_counted(void **state)
{
    (void)state;
    tst_pollux p = TST_POLLUX("--instant", "-q", "--tpm", "10");
    tst_answer a;

    assert_int_equal(count_until_refused(&p, WHOLE, PROMPT("Twelve bytes"), &a), 3); /* 3 tokens each */
    tst_contains(&a, "\"quotaId\": \"GenerateContentInputTokensPerModelPerMinute\"");
    tst_contains(&a, "\"quotaValue\": \"10\"");
    tst_forget(&a);
    check(&p, WHOLE, KEY, PROMPT("four"), 200); /* one more fits */
    advance(&p, 60);
    check(&p, WHOLE, OTHER_KEY, PROMPT("This prompt alone has more than ten tokens, so it never fits."), 429);
    tst_pollux_stop(&p);
}

static void tier_1_has_the_limits_of_the_page(void **state)
{
    (void)state;
    tst_pollux p = TST_POLLUX("--instant", "-q", "--tier", "1");
    tst_answer a;

    assert_int_equal(count_until_refused(&p, WHOLE, PROMPT("Short"), &a), 600);
    tst_contains(&a, "limit: 600, model: gemini-3.8-flash");
    tst_forget(&a);
    tst_pollux_stop(&p);

    char *text = malloc(250000), *body = malloc(260000);
    assert_non_null(text);
    assert_non_null(body);
    memset(text, 'x', 240004);
    text[240004] = '\0';
    snprintf(body, 260000, PROMPT("%s"), text); /* 60,001 tokens */
    p = TST_POLLUX("--instant", "-q", "--tier", "1");
    a = tst_ask(&p, WHOLE, body);
    assert_int_equal(a.status, 429);
    tst_contains(&a, "limit: 60000, model: gemini-3.8-flash");
    tst_forget(&a);
    free(text);
    free(body);
    tst_pollux_stop(&p);
}

static void gemini_4_is_not_in_the_free_tier(void **state)
{
    (void)state;
    tst_pollux p = TST_POLLUX("--instant", "-q", "--tier", "free");
    tst_answer a = tst_ask(&p, GEMINI_4, PROMPT("Short"));

    assert_int_equal(a.status, 429);
    tst_contains(&a, "limit: 0, model: gemini-4-argon");
    tst_contains(&a, "\"quotaId\": \"GenerateRequestsPerDayPerProjectPerModel-FreeTier\"");
    tst_contains(&a, "\"quotaValue\": \"0\"");
    tst_forget(&a);
    check(&p, WHOLE, KEY, PROMPT("Short"), 200);
    tst_pollux_stop(&p);
}

/* The world's clock, in seconds since 1970. */
static int64_t world_now(const tst_pollux *p)
{
    tst_answer  a = tst_call(p, "GET", "/pollux/clock", "", NULL);
    const char *at = strstr(a.body, "\"now\": \"");
    struct tm   utc = { 0 };

    assert_non_null(at);
    assert_int_equal(sscanf(at + 8, "%d-%d-%dT%d:%d:%d", &utc.tm_year, &utc.tm_mon, &utc.tm_mday, &utc.tm_hour,
                            &utc.tm_min, &utc.tm_sec), 6);
    utc.tm_year -= 1900;
    utc.tm_mon -= 1;
    setenv("TZ", "UTC0", 1);
    tzset();
    tst_forget(&a);
    return (int64_t)mktime(&utc);
}

/* Seconds since midnight in California, by the C library's rules. */
static int seconds_of_the_day(int64_t now)
{
    time_t    seconds = (time_t)now;
    struct tm local;

    setenv("TZ", "PST8PDT,M3.2.0,M11.1.0", 1);
    tzset();
    assert_non_null(localtime_r(&seconds, &local));
    return local.tm_hour * 3600 + local.tm_min * 60 + local.tm_sec;
}

static void a_day_ends_at_midnight_in_california_all_year_round(void **state)
{
    (void)state;
    tst_pollux p = TST_POLLUX("--instant", "-q", "--rpd", "1");

    for (int i = 0; i < 420; i++) { /* a day and a bit each: over both changes of the hour */
        check(&p, WHOLE, KEY, PROMPT("Short"), 200);
        int64_t    before = world_now(&p);
        tst_answer a = tst_ask(&p, WHOLE, PROMPT("Short"));
        assert_int_equal(a.status, 429);
        double delay = retry_delay(&a);
        tst_forget(&a);
        assert_true(delay > 0.0 && delay <= 25.0 * 3600.0);
        int late = seconds_of_the_day(before + (int64_t)delay + 1); /* whole seconds are compared with parts of one */
        if (late > 5 && late < 86400 - 5) fail_msg("day %d: %d s after midnight", i, late);
        advance(&p, (int64_t)delay + 1 + 3600);
    }
    tst_pollux_stop(&p);
}

static void a_spent_day_is_told_with_its_quota(void **state)
{
    (void)state;
    tst_pollux p = TST_POLLUX("--instant", "-q", "--tier=free", "--rpm=1000");
    tst_answer a;

    assert_int_equal(count_until_refused(&p, WHOLE, PROMPT("Short"), &a), 20);
    tst_contains(&a, "\"quotaId\": \"GenerateRequestsPerDayPerProjectPerModel-FreeTier\"");
    tst_lacks(&a, "PerMinute");
    tst_forget(&a);
    tst_pollux_stop(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_limit_nothing_is_limited),
        cmocka_unit_test(the_request_too_many_is_refused_as_google_refuses_it),
        cmocka_unit_test(after_the_time_that_it_tells_it_works_again),
        cmocka_unit_test(a_refused_request_counts_for_nothing),
        cmocka_unit_test(each_key_and_each_model_has_its_own_count),
        cmocka_unit_test(all_dialects_count_and_counting_tokens_does_not),
        cmocka_unit_test(chat_completions_are_refused_in_a_list),
        cmocka_unit_test(input_tokens_are_counted),
        cmocka_unit_test(tier_1_has_the_limits_of_the_page),
        cmocka_unit_test(gemini_4_is_not_in_the_free_tier),
        cmocka_unit_test(a_day_ends_at_midnight_in_california_all_year_round),
        cmocka_unit_test(a_spent_day_is_told_with_its_quota),
    };

    return cmocka_run_group_tests_name("quota", tests, NULL, NULL);
}
