/* test_names.c -- the names of what the public enums count, and the exit statuses that the README promises.
 * SPDX-License-Identifier: MIT
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <castor/castor.h>
#include <cmocka.h>

static void every_verdict_has_its_name_and_its_exit_status(void **state)
{
    static const struct {
        castor_verdict verdict;
        const char    *name;
        int32_t        exit_status;
    } promised[] = {
        { CASTOR_VERDICT_COMPLETE, "COMPLETE", 0 },    { CASTOR_VERDICT_FAILED, "FAILED", 1 },
        { CASTOR_VERDICT_AUTH, "AUTH", 3 },            { CASTOR_VERDICT_QUOTA_NOW, "QUOTA_NOW", 4 },
        { CASTOR_VERDICT_QUOTA_DAY, "QUOTA_DAY", 5 },  { CASTOR_VERDICT_BLOCKED, "BLOCKED", 6 },
        { CASTOR_VERDICT_TRUNCATED, "TRUNCATED", 7 },  { CASTOR_VERDICT_MAX_TOKENS, "MAX_TOKENS", 8 },
        { CASTOR_VERDICT_TIMEOUT, "TIMEOUT", 9 },      { CASTOR_VERDICT_NETWORK, "NETWORK", 10 },
        { CASTOR_VERDICT_MALFORMED, "MALFORMED", 11 }, { CASTOR_VERDICT_EMPTY, "EMPTY", 12 },
        { CASTOR_VERDICT_BUDGET, "BUDGET", 13 },       { CASTOR_VERDICT_CANCELLED, "CANCELLED", 130 },
        { CASTOR_VERDICT_NONE, "NONE", 1 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof promised / sizeof *promised; i++) {
        assert_string_equal(castor_verdict_name(promised[i].verdict), promised[i].name);
        assert_int_equal(castor_verdict_exit(promised[i].verdict), promised[i].exit_status);
    }
    assert_string_equal(castor_verdict_name((castor_verdict)99), "UNKNOWN");
    assert_int_equal(castor_verdict_exit((castor_verdict)99), 1); /* never a whole answer */
}

static void a_dialect_is_found_by_the_name_that_it_has(void **state)
{
    (void)state;
    for (int dialect = CASTOR_DIALECT_GEMINI; dialect <= CASTOR_DIALECT_MESSAGE; dialect++) {
        assert_int_equal(castor_dialect_from_name(castor_dialect_name((castor_dialect)dialect)), dialect);
    }
    assert_int_equal(castor_dialect_from_name("gemin"), CASTOR_DIALECT_DEFAULT);
    assert_int_equal(castor_dialect_from_name("default"), CASTOR_DIALECT_DEFAULT);
    assert_int_equal(castor_dialect_from_name(NULL), CASTOR_DIALECT_DEFAULT);
}

static void the_library_that_runs_is_the_one_that_was_compiled_against(void **state)
{
    (void)state;
    assert_string_equal(castor_version(), CASTOR_VERSION);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_verdict_has_its_name_and_its_exit_status),
        cmocka_unit_test(a_dialect_is_found_by_the_name_that_it_has),
        cmocka_unit_test(the_library_that_runs_is_the_one_that_was_compiled_against),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
