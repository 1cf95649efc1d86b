/* test_proto_texts.c -- times, durations and page tokens as the emulated API writes and reads them.
 * SPDX-License-Identifier: MIT
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proto/paging.h"
#include "proto/timestamp.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static void a_time_is_printed_with_microseconds_and_reads_back_the_same(void **state)
{
    static const struct {
        int64_t     us;
        const char *text;
    } times[] = {
        { 0, "1970-01-01T00:00:00.000000Z" },
        { -1, "1969-12-31T23:59:59.999999Z" },
        { 951782400000000, "2000-02-29T00:00:00.000000Z" },
        { 951868799999999, "2000-02-29T23:59:59.999999Z" },
        { 1795255199123456, "2026-11-21T09:59:59.123456Z" },
        { 4107542400000000, "2100-03-01T00:00:00.000000Z" },
        { 253402300799999999, "9999-12-31T23:59:59.999999Z" },
        { -62135596800000000, "0001-01-01T00:00:00.000000Z" },
    };
    char    text[PLX_TIME_TEXT_SIZE];
    int64_t us;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(times); i++) {
        plx_timestamp_print(text, times[i].us);
        assert_string_equal(text, times[i].text);
        assert_true(plx_timestamp_parse(castor_str_of(text), &us));
        assert_int_equal(us, times[i].us);
    }
    plx_timestamp_print_ns(text, 1795255199123456);
    assert_string_equal(text, "2026-11-21T09:59:59.123456000Z");
    assert_true(plx_timestamp_parse(castor_str_of(text), &us));
    assert_int_equal(us, 1795255199123456);
    plx_timestamp_print(text, INT64_MAX);
    assert_string_equal(text, "9999-12-31T23:59:59.999999Z");
    plx_timestamp_print(text, INT64_MIN);
    assert_string_equal(text, "0001-01-01T00:00:00.000000Z");
}

static void a_time_may_have_an_offset_and_what_is_none_is_refused(void **state)
{
    static const char *const wrong[] = {
        "", "2026-11-20", "2026-11-20T10:00:00", "2026-11-20 10:00:00Z", "2026-02-29T10:00:00Z", "2026-13-01T00:00:00Z",
        "2026-00-01T00:00:00Z", "2026-01-00T00:00:00Z", "0000-01-01T00:00:00Z", "2026-11-20T24:00:00Z",
        "2026-11-20T10:60:00Z", "2026-11-20T10:00:60Z", "2026-11-20T10:00:00.Z", "2026-11-20T10:00:00.1234567890Z",
        "2026-11-20T10:00:00Zx", "2026-11-20T10:00:00+1:00", "2026-11-20T10:00:00+24:00", "1795255199",
    };
    int64_t us, same;

    (void)state;
    assert_true(plx_timestamp_parse(CASTOR_STR("2026-11-20T10:00:00+01:30"), &us));
    assert_true(plx_timestamp_parse(CASTOR_STR("2026-11-20t08:30:00.000000999z"), &same));
    assert_int_equal(us, same);
    assert_true(plx_timestamp_parse(CASTOR_STR("2026-11-19T23:00:00-09:30"), &us));
    assert_int_equal(us, same);
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        if (plx_timestamp_parse(castor_str_of(wrong[i]), &us)) fail_msg("taken: %s", wrong[i]);
    }
}

static void a_duration_is_seconds_with_an_s_behind_them(void **state)
{
    static const struct {
        int64_t     us;
        const char *text;
    } durations[] = {
        { 0, "0s" }, { 300000000, "300s" }, { 3500000, "3.500s" }, { 1, "0.000001s" }, { -1000000, "-1s" },
        { -1500000, "-1.500s" }, { 315576000000000000, "315576000000s" },
    };
    static const char *const wrong[] = { "", "s", "300", "3,5s", "1m", "5 s", " 5s", "+5s", "1.s", ".5s", "1e3s",
                                         "315576000001s", "99999999999999999999s", "5ss" };
    char    text[PLX_TIME_TEXT_SIZE];
    int64_t us;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(durations); i++) {
        plx_duration_print(text, durations[i].us);
        assert_string_equal(text, durations[i].text);
        assert_true(plx_duration_parse(castor_str_of(text), &us));
        assert_int_equal(us, durations[i].us);
    }
    assert_true(plx_duration_parse(CASTOR_STR("0.1234567s"), &us));
    assert_int_equal(us, 123456);
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        if (plx_duration_parse(castor_str_of(wrong[i]), &us)) fail_msg("taken: %s", wrong[i]);
    }
}

static const plx_page_rule files = { "files", 10, 100 };
static const plx_page_rule models = { "models", 50, 1000 };

static void a_page_has_a_default_size_and_a_greatest(void **state)
{
    static const struct {
        const char *size;
        uint32_t    is;
    } sizes[] = { { "", 10 }, { "0", 10 }, { "1", 1 }, { "100", 100 }, { "101", 100 }, { "2147483647", 100 } };
    static const char *const wrong[] = { "-1", "x", "1.5", "2147483648", "99999999999999999999" };
    plx_refusal              refusal = { .code = 0 };
    plx_page                 page;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        assert_true(plx_page_read(&page, castor_str_of(sizes[i].size), CST_NONE, &files, &refusal));
        assert_int_equal(page.size, sizes[i].is);
        assert_true(page.is_first);
    }
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        refusal = (plx_refusal){ .code = 0 };
        if (plx_page_read(&page, castor_str_of(wrong[i]), CST_NONE, &files, &refusal)) fail_msg("taken: %s", wrong[i]);
        assert_int_equal(refusal.code, 400);
    }
}

static void a_page_token_is_known_again_by_its_own_list_alone(void **state)
{
    static const uint64_t positions[] = { 0, 1, 10, 4294967296, UINT64_MAX };
    char                  token[PLX_PAGE_TOKEN_SIZE];
    plx_refusal           refusal = { .code = 0 };
    plx_page              page;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(positions); i++) {
        plx_page_token_print(token, &files, positions[i]);
        assert_true(plx_page_read(&page, CST_NONE, castor_str_of(token), &files, &refusal));
        assert_false(page.is_first);
        assert_true(page.position == positions[i]);
        assert_false(plx_page_read(&page, CST_NONE, castor_str_of(token), &models, &refusal));
        token[3] = token[3] == 'A' ? 'B' : 'A';
        assert_false(plx_page_read(&page, CST_NONE, castor_str_of(token), &files, &refusal));
        assert_int_equal(refusal.code, 400);
    }
    assert_false(plx_page_read(&page, CST_NONE, CASTOR_STR("10"), &files, &refusal));
}

static void a_second_refusal_forgets_all_of_the_first(void **state)
{
    static const plx_error_info info = { .reason = "FIRST" };
    plx_refusal                 refusal = { .code = 0 };

    (void)state;
    plx_refuse_as(&refusal, 409, "ALREADY_EXISTS", &info, "First.");
    plx_refuse(&refusal, 404, "Second.");
    assert_int_equal(refusal.code, 404);
    assert_string_equal(refusal.message, "Second.");
    assert_null(refusal.status);
    assert_null(refusal.info);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_time_is_printed_with_microseconds_and_reads_back_the_same),
        cmocka_unit_test(a_time_may_have_an_offset_and_what_is_none_is_refused),
        cmocka_unit_test(a_duration_is_seconds_with_an_s_behind_them),
        cmocka_unit_test(a_page_has_a_default_size_and_a_greatest),
        cmocka_unit_test(a_page_token_is_known_again_by_its_own_list_alone),
        cmocka_unit_test(a_second_refusal_forgets_all_of_the_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
