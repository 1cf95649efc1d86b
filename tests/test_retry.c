/* test_retry.c -- whether a call that failed is sent again, and when: the decision, without a network or a clock.
 * SPDX-License-Identifier: MIT
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "retry.h"
#include "support.h"

static const uint32_t HALF = 1u << 31;

static castor_error api_error(const char *code)
{
    castor_error error = { .status = CASTOR_API_ERROR, .verdict = CASTOR_VERDICT_FAILED, .http_status = atoi(code) };

    snprintf(error.code, sizeof error.code, "%s", code);
    if (error.http_status == 429) error.verdict = CASTOR_VERDICT_QUOTA_NOW;
    error.is_transient = cst_retry_is_transient(error.http_status, error.verdict);
    return error;
}

static castor_error busy(int64_t retry_after_ms)
{
    castor_error error = api_error("503");

    if (retry_after_ms >= 0) error.retry_after_ms = castor_some_i64(retry_after_ms);
    return error;
}

static cst_retry_rules rules_of(const castor_retry_options *options)
{
    cst_retry_rules rules;

    assert_int_equal(cst_retry_rules_read(&rules, options, cst_allocator_default(), NULL), CASTOR_OK);
    return rules;
}

/* The first attempt has failed, and the whole budget is left. */
static cst_retry_case first(const castor_error *error)
{
    return (cst_retry_case){ .error = error, .attempts = 1, .left_ms = 120000, .random = HALF };
}

static void errors_that_pass_are_tried_again_and_others_are_not(void **state)
{
    static const struct {
        const char *code;
        bool        is_tried;
    } cases[] = { { "400", false }, { "401", false }, { "403", false }, { "404", false }, { "408", true }, { "409", false },
                  { "413", false }, { "429", true },  { "500", true },  { "501", false }, { "502", true }, { "503", true },
                  { "504", true },  { "302", false } };
    cst_retry_rules rules = rules_of(NULL);

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        castor_error   error = api_error(cases[i].code);
        cst_retry_case given = first(&error);
        assert_int_equal(cst_retry_decide(&rules, &given).answer, cases[i].is_tried ? CST_RETRY_AGAIN : CST_RETRY_FINAL);
    }
}

static void of_what_is_no_servers_error_connections_and_cuts_are_tried_again(void **state)
{
    static const struct {
        castor_error error;
        bool         is_tried;
    } cases[] = {
        { { .status = CASTOR_NETWORK, .verdict = CASTOR_VERDICT_NETWORK, .is_transient = 1 }, true },
        { { .status = CASTOR_NETWORK, .verdict = CASTOR_VERDICT_NETWORK }, false }, /* a certificate */
        { { .status = CASTOR_INCOMPLETE, .verdict = CASTOR_VERDICT_TRUNCATED, .is_transient = 1 }, true },
        { { .status = CASTOR_INCOMPLETE, .verdict = CASTOR_VERDICT_EMPTY, .is_transient = 1 }, false },
        { { .status = CASTOR_INCOMPLETE, .verdict = CASTOR_VERDICT_MAX_TOKENS }, false },
        { { .status = CASTOR_INCOMPLETE, .verdict = CASTOR_VERDICT_BLOCKED }, false },
        { { .status = CASTOR_TIMEOUT, .time_limit = CASTOR_LIMIT_CONNECT }, true },
        { { .status = CASTOR_TIMEOUT, .time_limit = CASTOR_LIMIT_TLS }, true },
        { { .status = CASTOR_TIMEOUT, .time_limit = CASTOR_LIMIT_FIRST_BYTE }, false },
        { { .status = CASTOR_TIMEOUT, .time_limit = CASTOR_LIMIT_IDLE }, false },
        { { .status = CASTOR_TIMEOUT, .time_limit = CASTOR_LIMIT_TOTAL }, false },
        { { .status = CASTOR_CANCELLED, .verdict = CASTOR_VERDICT_CANCELLED }, false },
        { { .status = CASTOR_NO_MEMORY, .verdict = CASTOR_VERDICT_FAILED }, false },
        { { .status = CASTOR_PROTOCOL, .verdict = CASTOR_VERDICT_MALFORMED }, false },
        { { .status = CASTOR_API_ERROR, .verdict = CASTOR_VERDICT_QUOTA_DAY }, false },
    };
    cst_retry_rules rules = rules_of(NULL);

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cst_retry_case given = first(&cases[i].error);
        assert_int_equal(cst_retry_decide(&rules, &given).answer, cases[i].is_tried ? CST_RETRY_AGAIN : CST_RETRY_FINAL);
    }
}

static void delays_double_up_to_the_longest_and_are_drawn_from_all_of_it(void **state)
{
    static const int64_t most_ms[] = { 1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000 };
    castor_error         error = busy(-1);
    castor_retry_options options = CASTOR_RETRY_OPTIONS_INIT;

    (void)state;
    options.attempts_max = 100;
    cst_retry_rules rules = rules_of(&options);
    for (int32_t i = 0; i < (int32_t)(sizeof most_ms / sizeof *most_ms); i++) {
        cst_retry_case given = first(&error);
        given.attempts = i + 1;
        assert_int_equal(cst_retry_decide(&rules, &given).delay_ms, most_ms[i] / 2);
        given.random = 0;
        assert_int_equal(cst_retry_decide(&rules, &given).delay_ms, 0);
        given.random = UINT32_MAX;
        assert_int_equal(cst_retry_decide(&rules, &given).delay_ms, most_ms[i] - 1);
    }
    cst_retry_case last = first(&error);
    last.attempts = 99;
    assert_int_equal(cst_retry_decide(&rules, &last).delay_ms, 30000);
}

static void the_servers_delay_is_the_least(void **state)
{
    castor_error    error = busy(7000);
    cst_retry_rules rules = rules_of(NULL);
    cst_retry_case  given = first(&error);

    (void)state;
    assert_int_equal(cst_retry_decide(&rules, &given).delay_ms, 7500);
    given.random = 0;
    assert_int_equal(cst_retry_decide(&rules, &given).delay_ms, 7000);
    error = busy(0);
    given.random = HALF;
    assert_int_equal(cst_retry_decide(&rules, &given).delay_ms, 500);
}

static void what_a_used_connection_lost_is_sent_again_at_once(void **state)
{
    castor_error    error = { .status = CASTOR_NETWORK, .verdict = CASTOR_VERDICT_NETWORK, .is_transient = 1 };
    cst_retry_rules rules = rules_of(NULL);
    cst_retry_case  given = first(&error);

    (void)state;
    assert_int_equal(cst_retry_decide(&rules, &given).delay_ms, 500);
    given.was_reused = true;
    assert_int_equal(cst_retry_decide(&rules, &given).answer, CST_RETRY_AGAIN);
    assert_int_equal(cst_retry_decide(&rules, &given).delay_ms, 0);
    error = busy(-1);
    assert_int_equal(cst_retry_decide(&rules, &given).delay_ms, 500);
}

static void a_delay_beyond_what_is_left_ends_the_call_at_once(void **state)
{
    castor_error       error = busy(120000);
    cst_retry_rules    rules = rules_of(NULL);
    cst_retry_case     given = first(&error);
    cst_retry_decision decision = cst_retry_decide(&rules, &given);

    (void)state;
    assert_int_equal(decision.answer, CST_RETRY_TIME);
    snprintf(error.message, sizeof error.message, "the server is busy");
    cst_retry_explain(&error, &decision, &given);
    assert_string_equal(error.message,
                        "try again in 120 s; only 120 s were left for further attempts: the server is busy");
    error = busy(119999);
    decision = cst_retry_decide(&rules, &given);
    assert_int_equal(decision.answer, CST_RETRY_AGAIN);
    assert_int_equal(decision.delay_ms, 119999);
}

static void the_delay_is_told_once(void **state)
{
    static const struct {
        const char *said;
        int64_t     delay_ms;
        int32_t     attempts;
        const char *told;
    } cases[] = {
        { "Busy.", 33000, 1, "try again in 33 s: Busy." },
        { "Busy.", 33000, 4, "attempt 4 failed, too; try again in 33 s: Busy." },
        { "Busy.", 999000, 2, "try again in 999 s; only 120 s were left for further attempts: Busy." },
        { "Please retry in 32.9s.", 33000, 1, "Please retry in 32.9s." },
        { "Please retry in 32.9s.", 60000, 1, "try again in 60 s: Please retry in 32.9s." },
        { "Please retry in 998.5s.", 999000, 2,
          "only 120 s were left for further attempts: Please retry in 998.5s." },
        { "Busy.", 0, 1, "Busy." },
    };
    castor_retry_options options = CASTOR_RETRY_OPTIONS_INIT;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        castor_error   error = busy(cases[i].delay_ms);
        cst_retry_case given = first(&error);
        options.attempts_max = cases[i].attempts == 2 ? 3 : cases[i].attempts;
        cst_retry_rules rules = rules_of(&options);
        given.attempts = cases[i].attempts;
        snprintf(error.message, sizeof error.message, "%s", cases[i].said);
        cst_retry_decision decision = cst_retry_decide(&rules, &given);
        cst_retry_explain(&error, &decision, &given);
        assert_string_equal(error.message, cases[i].told);
    }
}

static void jitter_never_leads_beyond_what_is_left(void **state)
{
    castor_error    error = busy(-1);
    cst_retry_rules rules = rules_of(NULL);
    cst_retry_case  given = first(&error);

    (void)state;
    given.left_ms = 11;
    given.random = UINT32_MAX;
    assert_int_equal(cst_retry_decide(&rules, &given).delay_ms, 9);
    given.left_ms = 1;
    assert_int_equal(cst_retry_decide(&rules, &given).answer, CST_RETRY_AGAIN);
    given.left_ms = 0;
    assert_int_equal(cst_retry_decide(&rules, &given).answer, CST_RETRY_TIME);
    given.left_ms = -5;
    assert_int_equal(cst_retry_decide(&rules, &given).answer, CST_RETRY_TIME);
    given.left_ms = INT64_MAX;
    assert_int_equal(cst_retry_decide(&rules, &given).delay_ms, 999);
}

static void attempts_are_counted_and_the_last_says_so(void **state)
{
    castor_error         error = busy(-1);
    castor_retry_options options = CASTOR_RETRY_OPTIONS_INIT;
    cst_retry_rules      rules = rules_of(NULL);
    cst_retry_case       given = first(&error);

    (void)state;
    given.attempts = 3;
    assert_int_equal(cst_retry_decide(&rules, &given).answer, CST_RETRY_AGAIN);
    given.attempts = 4;
    cst_retry_decision decision = cst_retry_decide(&rules, &given);
    assert_int_equal(decision.answer, CST_RETRY_ATTEMPTS);
    snprintf(error.message, sizeof error.message, "the server is busy");
    cst_retry_explain(&error, &decision, &given);
    assert_string_equal(error.message, "attempt 4 failed, too: the server is busy");

    options.attempts_max = 1;
    rules = rules_of(&options);
    given.attempts = 1;
    decision = cst_retry_decide(&rules, &given);
    assert_int_equal(decision.answer, CST_RETRY_ATTEMPTS);
    snprintf(error.message, sizeof error.message, "the server is busy");
    cst_retry_explain(&error, &decision, &given);
    assert_string_equal(error.message, "the server is busy");
}

static void what_the_caller_has_seen_is_not_asked_again_unless_allowed(void **state)
{
    castor_error         error = { .status = CASTOR_INCOMPLETE, .verdict = CASTOR_VERDICT_TRUNCATED, .is_transient = 1 };
    castor_retry_options options = CASTOR_RETRY_OPTIONS_INIT;
    cst_retry_rules      rules = rules_of(NULL);
    cst_retry_case       given = first(&error);

    (void)state;
    given.has_given = true;
    assert_int_equal(cst_retry_decide(&rules, &given).answer, CST_RETRY_GIVEN);
    options.restart = 2;
    rules = rules_of(&options);
    assert_int_equal(cst_retry_decide(&rules, &given).answer, CST_RETRY_AGAIN);
    given.restarts = 1;
    assert_int_equal(cst_retry_decide(&rules, &given).answer, CST_RETRY_AGAIN);
    given.restarts = 2;
    assert_int_equal(cst_retry_decide(&rules, &given).answer, CST_RETRY_GIVEN);
    given.has_given = false;
    assert_int_equal(cst_retry_decide(&rules, &given).answer, CST_RETRY_AGAIN);
}

static void an_overloaded_model_gives_way_to_the_next_at_once(void **state)
{
    castor_error       error = busy(30000);
    cst_retry_rules    rules = rules_of(NULL);
    cst_retry_case     given = first(&error);

    (void)state;
    given.has_other_model = true;
    cst_retry_decision decision = cst_retry_decide(&rules, &given);
    assert_int_equal(decision.answer, CST_RETRY_AGAIN);
    assert_true(decision.takes_other_model);
    assert_int_equal(decision.delay_ms, 0);

    error = api_error("429"); /* a quota is not the model's fault */
    decision = cst_retry_decide(&rules, &given);
    assert_false(decision.takes_other_model);
    assert_int_equal(decision.delay_ms, 500);

    error = api_error("503");
    error.http_status = 200; /* as an event */
    assert_true(cst_retry_decide(&rules, &given).takes_other_model);
    given.has_other_model = false;
    assert_false(cst_retry_decide(&rules, &given).takes_other_model);
}

static void the_names_of_fallback_models_have_4_kib(void **state)
{
    static char              name[CST_FALLBACK_MODELS_BYTES_MAX];
    static const char *const models[] = { "a", name };
    castor_retry_options     options = CASTOR_RETRY_OPTIONS_INIT;
    cst_retry_rules          rules;
    castor_error             err;

    (void)state;
    memset(name, 'x', sizeof name - strlen("a") - 2); /* and the NUL of each */
    options.fallback_models = models;
    options.fallback_model_count = 2;
    rules = rules_of(&options);
    assert_string_equal(cst_retry_next_model(&rules, cst_retry_next_model(&rules, NULL)), name);
    cst_retry_rules_free(&rules);
    name[strlen(name)] = 'x';
    assert_int_equal(cst_retry_rules_read(&rules, &options, cst_allocator_default(), &err), CASTOR_INVALID);
    assert_string_equal(err.message, "the names of the fallback models are longer than 4096 bytes in all");
    cst_retry_rules_free(&rules);
}

static void rules_have_defaults_and_refuse_nonsense(void **state)
{
    static const char *const models[] = { "a", "bc" }, *const nameless[] = { "a", "" };
    castor_retry_options     options = CASTOR_RETRY_OPTIONS_INIT;
    cst_retry_rules          rules = rules_of(NULL);
    castor_error             err;

    (void)state;
    assert_int_equal(rules.attempts_max, 4);
    assert_int_equal(rules.restarts_max, 0);
    assert_int_equal(rules.budget_ms, 120000);
    assert_int_equal(rules.first_delay_ms, 1000);
    assert_int_equal(rules.delay_max_ms, 60000);
    assert_null(cst_retry_next_model(&rules, NULL));

    options.budget_ms = CASTOR_NO_LIMIT;
    options.fallback_models = models;
    options.fallback_model_count = 2;
    rules = rules_of(&options);
    assert_true(rules.budget_ms < 0);
    const char *model = cst_retry_next_model(&rules, NULL);
    assert_string_equal(model, "a");
    model = cst_retry_next_model(&rules, model);
    assert_string_equal(model, "bc");
    assert_null(cst_retry_next_model(&rules, model));
    cst_retry_rules_free(&rules);

    options.size = offsetof(castor_retry_options, fallback_models); /* an older caller's */
    rules = rules_of(&options);
    assert_null(cst_retry_next_model(&rules, NULL));

    options.size = sizeof options;
    options.fallback_models = nameless;
    assert_int_equal(cst_retry_rules_read(&rules, &options, cst_allocator_default(), &err), CASTOR_INVALID);
    assert_string_equal(err.message, "fallback model 1 has no name");
    cst_retry_rules_free(&rules);
    options.fallback_models = NULL;
    assert_int_equal(cst_retry_rules_read(&rules, &options, cst_allocator_default(), &err), CASTOR_INVALID);
    assert_string_equal(err.message, "there are to be 2 fallback models, but their pointer is NULL");
    cst_retry_rules_free(&rules);
    options.attempts_max = -1;
    assert_int_equal(cst_retry_rules_read(&rules, &options, cst_allocator_default(), &err), CASTOR_INVALID);
    assert_non_null(strstr(err.message, "attempts_max"));
    cst_retry_rules_free(&rules);
}

static void a_delay_in_words_is_understood(void **state)
{
    static const struct {
        const char *sentence;
        int64_t     ms; /* negative: none */
    } cases[] = {
        { "Please retry in 33.378324324s.", 33379 },
        { "model: gemini-2.5-flash\nPlease retry in 12.3s", 12300 },
        { "Please retry in 518.4ms.", 519 },
        { "Please retry in 5h39m4.2s.", 20344200 },
        { "Rate limit reached. Please try again in 6m0s.", 360000 },
        { "Please TRY AGAIN IN 20s", 20000 },
        { "Please retry after 26 seconds.", 26000 },
        { "try again in 1 minute", 60000 },
        { "Please retry in 0s.", 0 },
        { "retry in 1.0000001s", 1001 },
        { "retry in 1.001s", 1001 },
        { "retry in 99999999999999999999h", CST_RETRY_AFTER_MAX_S * 1000LL },
        { "Please retry in a moment. Or retry in 2s.", 2000 },
        { "Please retry in ", -1 },
        { "Please retry in 12", -1 },
        { "Please retry in 12 parsecs", -1 },
        { "Please retry in .5s", -1 },
        { "An internal error has occurred. Please retry or report in https://example.com", -1 },
        { "", -1 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        castor_i64 told = cst_retry_delay_in(castor_str_of(cases[i].sentence));
        assert_int_equal(told.is_set ? told.value : -1, cases[i].ms);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors_that_pass_are_tried_again_and_others_are_not),
        cmocka_unit_test(of_what_is_no_servers_error_connections_and_cuts_are_tried_again),
        cmocka_unit_test(delays_double_up_to_the_longest_and_are_drawn_from_all_of_it),
        cmocka_unit_test(the_servers_delay_is_the_least),
        cmocka_unit_test(what_a_used_connection_lost_is_sent_again_at_once),
        cmocka_unit_test(a_delay_beyond_what_is_left_ends_the_call_at_once),
        cmocka_unit_test(the_delay_is_told_once),
        cmocka_unit_test(jitter_never_leads_beyond_what_is_left),
        cmocka_unit_test(attempts_are_counted_and_the_last_says_so),
        cmocka_unit_test(what_the_caller_has_seen_is_not_asked_again_unless_allowed),
        cmocka_unit_test(an_overloaded_model_gives_way_to_the_next_at_once),
        cmocka_unit_test(the_names_of_fallback_models_have_4_kib),
        cmocka_unit_test(rules_have_defaults_and_refuse_nonsense),
        cmocka_unit_test(a_delay_in_words_is_understood),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
