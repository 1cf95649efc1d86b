/* test_script.c -- the reader of wire cases and script documents.
 * SPDX-License-Identifier: MIT
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "script/match.h"

#define CASE_HEAD "# T\n\n## One\n"

static void assert_view(castor_str view, const char *expected, size_t len)
{
    assert_int_equal(view.len, len);
    assert_memory_equal(view.data, expected, len);
}

#define ASSERT_VIEW(view, literal) assert_view(view, literal, sizeof(literal) - 1)

static plx_script parse(const char *text)
{
    plx_script       script;
    plx_script_error error;

    if (!plx_script_parse(&script, castor_str_of(text), &error)) {
        fail_msg("line %zu: %s", error.line, error.message);
    }
    return script;
}

static void assert_refused(const char *text, size_t line, const char *words)
{
    plx_script       script;
    plx_script_error error;

    assert_false(plx_script_parse(&script, castor_str_of(text), &error));
    if (error.line != line || !strstr(error.message, words)) {
        fail_msg("line %zu (expected %zu): %s (expected: ... %s ...)", error.line, line, error.message, words);
    }
    assert_null(script.first);
    assert_int_equal(script.case_count, 0);
    plx_script_free(&script);
}

static void a_case_has_the_documented_defaults(void **state)
{
    plx_script      script = parse("# A title\n\nprose\n\n## A heading \n< x\n");
    const plx_case *one = script.first;

    (void)state;
    ASSERT_VIEW(script.title, "A title");
    assert_int_equal(script.case_count, 1);
    assert_null(one->next);
    ASSERT_VIEW(one->heading, "A heading");
    assert_int_equal(one->line, 5);
    assert_int_equal(one->dialect, PLX_CASE_GEMINI);
    ASSERT_VIEW(one->content_type, "text/event-stream");
    assert_int_equal(one->status, 200);
    assert_false(one->end_is_lost);
    assert_true(one->wants_cuts);
    assert_int_equal(one->event_bytes_max, 64 << 20);
    assert_false(one->is_answer);
    ASSERT_VIEW(one->bytes, "x\r\n");
    assert_int_equal(one->prompt_count + one->wait_count + one->expectation_count, 0);
    plx_script_free(&script);
}

static void every_setting_is_read(void **state)
{
    plx_script script = parse(CASE_HEAD "@ dialect: openai\n@ content-type: application/json; charset=UTF-8\n"
                                        "@ status: 503\n@ eol: lf\n@ end: lost\n@ cuts: no\n@ event-bytes-max: 1024\n"
                                        "< x\n## Two\n@ dialect: message\n@ content-type: none\n@ eol: cr\n<\n"
                                        "## Three\n@ dialect: auto\n< y\n");
    const plx_case *one = script.first;
    const plx_case *two = one->next;

    (void)state;
    assert_int_equal(script.case_count, 3);
    assert_int_equal(one->dialect, PLX_CASE_OPENAI);
    ASSERT_VIEW(one->content_type, "application/json; charset=UTF-8");
    assert_int_equal(one->status, 503);
    assert_true(one->end_is_lost);
    assert_false(one->wants_cuts);
    assert_int_equal(one->event_bytes_max, 1024);
    ASSERT_VIEW(one->bytes, "x\n");
    assert_int_equal(two->dialect, PLX_CASE_MESSAGE);
    assert_null(two->content_type.data);
    ASSERT_VIEW(two->bytes, "\r");
    assert_int_equal(two->next->dialect, PLX_CASE_AUTO);
    ASSERT_VIEW(two->next->bytes, "y\r\n"); /* line ends do not leak from one case into the next */
    plx_script_free(&script);
}

static void bytes_keep_their_spaces_and_their_missing_line_ends(void **state)
{
    plx_script script = parse(CASE_HEAD "<  two \n<\n<. no end\n<. \n< after\n");

    (void)state;
    ASSERT_VIEW(script.first->bytes, " two \r\n\r\nno endafter\r\n");
    plx_script_free(&script);
}

static void escapes_are_decoded(void **state)
{
    plx_script script = parse(CASE_HEAD "<\\ a\\r\\n\\t\\0\\\\\\xe2\\x80\\xA8z\n");

    (void)state;
    ASSERT_VIEW(script.first->bytes, "a\r\n\t\0\\\xe2\x80\xa8z");
    plx_script_free(&script);
}

static void bytes_are_repeated(void **state)
{
    plx_script script = parse(CASE_HEAD "<. [\n<* 3 a\\n\n<* 0 never\n<* 2 \n<. ]\n");

    (void)state;
    ASSERT_VIEW(script.first->bytes, "[a\na\na\n]");
    plx_script_free(&script);
}

static void a_repetition_can_be_large_but_has_a_maximum(void **state)
{
    plx_script script = parse(CASE_HEAD "<* 20000000 x\n");

    (void)state;
    assert_int_equal(script.first->bytes.len, 20000000);
    plx_script_free(&script);
    assert_refused(CASE_HEAD "<* 500000000 xy\n", 4, "larger than");
    assert_refused(CASE_HEAD "<* 99999999999999999999999 x\n", 4, "a count");
}

static void an_answer_joins_its_lines(void **state)
{
    plx_script script = parse(CASE_HEAD "=~ Hm.\n= First line\n=\n=   indented\n=~ Well.\n");

    (void)state;
    assert_true(script.first->is_answer);
    ASSERT_VIEW(script.first->text, "First line\n\n  indented");
    ASSERT_VIEW(script.first->thought, "Hm.\nWell.");
    assert_int_equal(script.first->bytes.len, 0);
    plx_script_free(&script);
}

static void waits_know_what_they_stand_before(void **state)
{
    plx_script script = parse(CASE_HEAD "~ 5\n< ab\n~ 10\n~ 20\n<. c\n~ 7\n## Two\n=~ t\n~ 3\n= x\n~ 4\n= y\n");
    const plx_case *one = script.first;
    const plx_case *two = one->next;

    (void)state;
    assert_int_equal(one->wait_count, 3);
    assert_int_equal(one->waits[0].offset, 0);
    assert_int_equal(one->waits[0].wait_ms, 5);
    assert_int_equal(one->waits[1].offset, 4);
    assert_int_equal(one->waits[1].wait_ms, 30); /* two in a row are one */
    assert_int_equal(one->waits[2].offset, one->bytes.len);
    assert_int_equal(one->waits[2].part, PLX_PART_BYTES);
    assert_int_equal(two->wait_count, 2);
    assert_int_equal(two->waits[0].part, PLX_PART_TEXT);
    assert_int_equal(two->waits[0].offset, 0);
    assert_int_equal(two->waits[1].offset, 2);
    assert_int_equal(two->text.len, 3);
    plx_script_free(&script);
}

static void expectations_keep_their_text_and_line(void **state)
{
    plx_script script = parse(CASE_HEAD "< x\nprose between\n> text \"a  b\"\n> [1] finish STOP\n> verdict COMPLETE\n");
    const plx_case *one = script.first;

    (void)state;
    assert_int_equal(one->expectation_count, 3);
    ASSERT_VIEW(one->expectations[0].text, "text \"a  b\"");
    assert_int_equal(one->expectations[0].line, 6);
    ASSERT_VIEW(one->expectations[1].text, "[1] finish STOP");
    ASSERT_VIEW(one->expectations[2].text, "verdict COMPLETE");
    assert_int_equal(one->expectations[2].line, 8);
    plx_script_free(&script);
}

static void a_case_may_have_no_bytes_at_all(void **state)
{
    plx_script script = parse(CASE_HEAD "> verdict EMPTY\n");

    (void)state;
    assert_int_equal(script.case_count, 1);
    assert_int_equal(script.first->bytes.len, 0);
    assert_non_null(script.first->bytes.data);
    plx_script_free(&script);
}

static void chapters_of_prose_are_no_cases(void **state)
{
    plx_script script = parse("# T\n## About this file\nOnly prose.\n\n### Deeper\n## One\n< x\n## Notes\nMore.\n## Two\n< y\n");

    (void)state;
    assert_int_equal(script.case_count, 2);
    ASSERT_VIEW(script.first->heading, "One");
    ASSERT_VIEW(script.first->next->heading, "Two");
    assert_null(script.first->next->next);
    plx_script_free(&script);
}

static void marks_above_the_first_case_are_prose(void **state)
{
    plx_script script = parse("# T\n> a quotation\n= a rule\n## One\n< x\n");

    (void)state;
    assert_int_equal(script.case_count, 1);
    assert_int_equal(script.first->expectation_count, 0);
    plx_script_free(&script);
}

static void a_checkout_with_crlf_reads_the_same(void **state)
{
    plx_script script = parse("# T\r\n## One\r\n? hello  there\r\n< x\r\n<\r\n> verdict EMPTY\r\n");

    (void)state;
    ASSERT_VIEW(script.title, "T");
    ASSERT_VIEW(script.first->bytes, "x\r\n\r\n");
    ASSERT_VIEW(script.first->expectations[0].text, "verdict EMPTY");
    plx_script_free(&script);
}

static void the_last_line_needs_no_newline(void **state)
{
    plx_script script = parse(CASE_HEAD "< x");

    (void)state;
    ASSERT_VIEW(script.first->bytes, "x\r\n");
    plx_script_free(&script);
}

static void a_misspelt_mark_is_refused_with_its_line(void **state)
{
    (void)state;
    assert_refused(CASE_HEAD "<data: x\n", 4, "with the space");
    assert_refused(CASE_HEAD "<.x\n", 4, "with the space");
    assert_refused(CASE_HEAD "< x\n>verdict\n", 5, "space must follow");
    assert_refused(CASE_HEAD "=x\n", 4, "with the space");
    assert_refused(CASE_HEAD "=~x\n", 4, "with the space");
    assert_refused(CASE_HEAD ">\n", 4, "an event");
    assert_refused(CASE_HEAD "?\n", 4, "words");
    assert_refused(CASE_HEAD "< x\n= y\n", 5, "either");
    assert_refused(CASE_HEAD "= y\n< x\n", 5, "either");
    assert_refused(CASE_HEAD "~ soon\n", 4, "milliseconds");
    assert_refused(CASE_HEAD "<\\ a\\q\n", 4, "column 2");
    assert_refused(CASE_HEAD "<\\ \\x4\n", 4, "escape");
    assert_refused(CASE_HEAD "<* x\n", 4, "count");
    assert_refused(CASE_HEAD "<* 3\n", 4, "no bytes");
    assert_refused(CASE_HEAD "@ colour: red\n", 4, "no setting `colour`");
    assert_refused(CASE_HEAD "@ status\n", 4, "KEY: VALUE");
    assert_refused(CASE_HEAD "@ status: 99\n", 4, "200 to 999");
    assert_refused(CASE_HEAD "@ dialect: latin\n", 4, "gemini");
    assert_refused(CASE_HEAD "@ eol: none\n", 4, "crlf");
    assert_refused(CASE_HEAD "@ end: never\n", 4, "lost");
    assert_refused(CASE_HEAD "@ cuts: maybe\n", 4, "yes or no");
    assert_refused(CASE_HEAD "@ event-bytes-max: 0\n", 4, "at least 1");
    assert_refused("## One\n< x\n", 2, "title");
    assert_refused("# T\n## \n", 2, "heading");
}

static void a_document_without_a_case_is_refused(void **state)
{
    (void)state;
    assert_refused("", 0, "no case");
    assert_refused("# T\n## Only prose\nHello.\n", 0, "no case");
}

static void a_prompt_must_contain_all_words_of_one_line(void **state)
{
    plx_script script = parse(CASE_HEAD "? AI trends\n? reverse string Python\n= x\n");
    const plx_case *one = script.first;

    (void)state;
    assert_true(plx_case_matches(one, CASTOR_STR("What are the latest trends in ai?")));
    assert_true(plx_case_matches(one, CASTOR_STR("How to reverse a string in python")));
    assert_false(plx_case_matches(one, CASTOR_STR("Explain the trends in chairs"))); /* whole words */
    assert_false(plx_case_matches(one, CASTOR_STR("reverse a list in Python")));
    assert_false(plx_case_matches(one, CASTOR_STR("One")));
    assert_false(plx_case_matches(one, CASTOR_STR("")));
    plx_script_free(&script);
}

static void a_star_stands_for_any_prompt(void **state)
{
    plx_script script = parse("# T\n\n## One\n? *\n= x\n\n## Two\n? * beavers\n= x\n");

    (void)state;
    assert_true(plx_case_matches(script.first, CASTOR_STR("Why do otters hold hands?")));
    assert_true(plx_case_matches(script.first, CASTOR_STR("")));
    assert_false(plx_case_matches(script.first->next, CASTOR_STR("Why do otters hold hands?")));
    plx_script_free(&script);
}

static void without_words_the_heading_is_the_prompt(void **state)
{
    plx_script script = parse("# T\n## A thought, then text\n= x\n");

    (void)state;
    assert_true(plx_case_matches(script.first, CASTOR_STR(" a thought, THEN text\n")));
    assert_false(plx_case_matches(script.first, CASTOR_STR("A thought, then text and more")));
    plx_script_free(&script);
}

/* Cutting a document anywhere gives a script or a sentence, never a crash. */
static void every_prefix_of_a_document_is_read_or_refused(void **state)
{
    static const char text[] = "# T\n## One\n@ dialect: auto\n? a b\n~ 5\n<\\ \\x41\\r\n<* 2 x\n> verdict EMPTY\n"
                               "## Two\n=~ t\n= x\n";

    (void)state;
    for (size_t len = 0; len < sizeof text; len++) {
        plx_script       script;
        plx_script_error error;
        if (plx_script_parse(&script, (castor_str){ text, len }, &error)) assert_true(script.case_count > 0);
        else assert_true(error.message[0] != '\0');
        plx_script_free(&script);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_case_has_the_documented_defaults),
        cmocka_unit_test(every_setting_is_read),
        cmocka_unit_test(bytes_keep_their_spaces_and_their_missing_line_ends),
        cmocka_unit_test(escapes_are_decoded),
        cmocka_unit_test(bytes_are_repeated),
        cmocka_unit_test(a_repetition_can_be_large_but_has_a_maximum),
        cmocka_unit_test(an_answer_joins_its_lines),
        cmocka_unit_test(waits_know_what_they_stand_before),
        cmocka_unit_test(expectations_keep_their_text_and_line),
        cmocka_unit_test(a_case_may_have_no_bytes_at_all),
        cmocka_unit_test(chapters_of_prose_are_no_cases),
        cmocka_unit_test(marks_above_the_first_case_are_prose),
        cmocka_unit_test(a_checkout_with_crlf_reads_the_same),
        cmocka_unit_test(the_last_line_needs_no_newline),
        cmocka_unit_test(a_misspelt_mark_is_refused_with_its_line),
        cmocka_unit_test(a_document_without_a_case_is_refused),
        cmocka_unit_test(a_prompt_must_contain_all_words_of_one_line),
        cmocka_unit_test(a_star_stands_for_any_prompt),
        cmocka_unit_test(without_words_the_heading_is_the_prompt),
        cmocka_unit_test(every_prefix_of_a_document_is_read_or_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
