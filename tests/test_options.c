/* test_options.c -- the command line: what it takes, what it refuses, and how it says so.
 * SPDX-License-Identifier: MIT
 */

/* The command is no library: what is pure in it is compiled into its test. */
#include "../cli/fault.c"
#include "../cli/options.c"
#include "../cli/text.c"
#include "../cli/utf8.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { ARGUMENTS_MAX = 16 };

typedef struct parsed {
    bool        is_good;
    cli_options options;
    cli_fault   fault;
    char       *arguments[ARGUMENTS_MAX];
    char        copy[1024];
} parsed;

/* Splits at '|', so that an argument may have spaces. */
static void parse(parsed *result, const char *line)
{
    size_t count = 0;
    *result = (parsed){ 0 };
    (void)snprintf(result->copy, sizeof result->copy, "%s", line);
    for (char *at = result->copy; *line && at; count++) {
        assert_true(count < ARGUMENTS_MAX);
        result->arguments[count] = at;
        at = strchr(at, '|');
        if (at) *at++ = '\0';
    }
    result->is_good = cli_options_parse(&result->options, result->arguments, count, &result->fault);
}

static void check_refused(const char *line, const char *sentence)
{
    parsed result;
    parse(&result, line);
    assert_false(result.is_good);
    assert_string_equal(result.fault.message, sentence);
    assert_int_equal(result.fault.exit_status, 2);
}

static void words_and_options_may_come_in_any_order(void **state)
{
    (void)state;
    parsed result;
    parse(&result, "Why|-m|gemini-4-argon|do|--temperature=0.5|beavers|-uq|build dams?");
    assert_true(result.is_good);
    assert_int_equal(result.options.word_count, 4);
    assert_string_equal(result.options.words[0], "Why");
    assert_string_equal(result.options.words[3], "build dams?");
    assert_string_equal(result.options.model, "gemini-4-argon");
    assert_true(result.options.temperature.is_set);
    assert_true(result.options.temperature.value == 0.5);
    assert_true(result.options.wants_usage && result.options.is_quiet);
}

static void two_dashes_end_the_options(void **state)
{
    (void)state;
    parsed result;
    parse(&result, "-q|--|-m|--help|-");
    assert_true(result.is_good);
    assert_int_equal(result.options.word_count, 2);
    assert_string_equal(result.options.words[1], "--help");
    assert_true(result.options.wants_stdin);
    assert_false(result.options.wants_help);
}

static void a_value_may_stand_behind_an_equals_sign_a_letter_or_a_space(void **state)
{
    (void)state;
    static const char *const lines[] = { "--model=a=b", "--model|a=b", "-m|a=b", "-ma=b", "-uma=b" };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        parsed result;
        parse(&result, lines[i]);
        assert_true(result.is_good);
        assert_string_equal(result.options.model, "a=b");
    }
}

static void a_lone_prompt_option_is_a_word_of_the_prompt(void **state)
{
    (void)state;
    parsed result;
    parse(&result, "-p|Why?|--prompt=Because.");
    assert_true(result.is_good);
    assert_int_equal(result.options.word_count, 2);
    assert_string_equal(result.options.words[1], "Because.");
}

static void a_type_belongs_to_the_next_attachment_only(void **state)
{
    (void)state;
    parsed result;
    parse(&result, "--at|text/csv|-a|table|-a|photo");
    assert_true(result.is_good);
    assert_int_equal(result.options.attachment_count, 2);
    assert_string_equal(result.options.attachments[0].type, "text/csv");
    assert_null(result.options.attachments[1].type);
    check_refused("-a|table|--at|text/csv", "--at text/csv: no -a follows it");
}

static void a_setting_has_a_key_and_a_value(void **state)
{
    (void)state;
    parsed result;
    parse(&result, "-o|topP|-1|-otopK|5");
    assert_true(result.is_good);
    assert_int_equal(result.options.setting_count, 2);
    assert_string_equal(result.options.settings[0].value, "-1");
    assert_string_equal(result.options.settings[1].key, "topK");
    check_refused("-o|topP", "-o needs KEY VALUE. See 'castor --help'.");
    check_refused("-m", "-m needs NAME. See 'castor --help'.");
}

static void thinking_is_a_level_a_number_off_or_dynamic(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        int64_t     budget;
    } budgets[] = { { "--thinking|off", 0 }, { "--thinking|dynamic", -1 }, { "--thinking|1024", 1024 } };
    parsed result;
    for (size_t i = 0; i < sizeof budgets / sizeof budgets[0]; i++) {
        parse(&result, budgets[i].line);
        assert_true(result.is_good && result.options.thinking_budget.is_set);
        assert_int_equal(result.options.thinking_budget.value, budgets[i].budget);
        assert_null(result.options.thinking_level);
    }
    parse(&result, "--thinking|high");
    assert_true(result.is_good && !result.options.thinking_budget.is_set);
    assert_string_equal(result.options.thinking_level, "high");
    check_refused("--thinking|hgih",
                  "--thinking: 'hgih' is not minimal, low, medium, high, a number of tokens, off or dynamic");
    check_refused("--thinking|-1",
                  "--thinking: '-1' is not minimal, low, medium, high, a number of tokens, off or dynamic");
}

static void numbers_are_read_strictly(void **state)
{
    (void)state;
    check_refused("--temperature|warm", "--temperature: 'warm' is not a number");
    check_refused("--temperature|", "--temperature: '' is not a number");
    check_refused("--temperature|0x1", "--temperature: '0x1' is not a number");
    check_refused("--temperature|nan", "--temperature: 'nan' is not a number");
    check_refused("--temperature|1,5", "--temperature: '1,5' is not a number");
    check_refused("--temperature|2.5", "--temperature: 2.5 is not between 0 and 2");
    check_refused("--max-output-tokens|12k", "--max-output-tokens: '12k' is not a whole number");
    check_refused("--max-output-tokens| 12", "--max-output-tokens: ' 12' is not a whole number");
    check_refused("--max-output-tokens|-", "--max-output-tokens: '-' is not a whole number");
    check_refused("--max-output-tokens|0", "--max-output-tokens: 0 is not between 1 and 2147483647");
    check_refused("--max-output-tokens|99999999999999999999",
                  "--max-output-tokens: '99999999999999999999' is not a whole number");
    check_refused("--timeout|soon", "--timeout: 'soon' is not a number of seconds from 0.001 to 604800");
    check_refused("--timeout|0", "--timeout: '0' is not a number of seconds from 0.001 to 604800");
    check_refused("--timeout|604801", "--timeout: '604801' is not a number of seconds from 0.001 to 604800");
}

static void an_option_that_is_nearly_right_is_told(void **state)
{
    (void)state;
    static const char wanted[] = "unknown option '--temprature'; did you mean '--temperature'? See 'castor --help'.";
    check_refused("--temprature|1", wanted);
    check_refused("--temprature=1", wanted);
    check_refused("--max", "unknown option '--max'; did you mean '--max-output-tokens'? See 'castor --help'.");
    check_refused("--retry|5", "unknown option '--retry'; did you mean '--retries'? See 'castor --help'.");
    check_refused("--retr=5", "unknown option '--retr'; did you mean '--retries'? See 'castor --help'.");
    check_refused("--retry-b|5", "unknown option '--retry-b'; did you mean '--retry-budget'? See 'castor --help'.");
    check_refused("--max-tokens|5", "unknown option '--max-tokens'; did you mean '--max-output-tokens'? See 'castor "
                                    "--help'.");
    check_refused("--no-strem", "unknown option '--no-strem'; did you mean '--no-stream'? See 'castor --help'.");
    check_refused("--temp", "unknown option '--temp'; did you mean '--temperature'? See 'castor --help'.");
    check_refused("--=5", "unknown option '--'. See 'castor --help'.");
    check_refused("--tokens-max", "unknown option '--tokens-max'. See 'castor --help'.");
    check_refused("--frobnicate", "unknown option '--frobnicate'. See 'castor --help'.");
    check_refused("-X", "unknown option '-X'; put '--' before words that begin with a dash. See 'castor --help'.");
    check_refused("--quiet=yes", "--quiet takes no value, but has 'yes'");
    check_refused("--output|xml", "--output: 'xml' is not text, json or jsonl");
    check_refused("--dialect|klingon", "--dialect: 'klingon' is not gemini, openai or message");
}

static void what_other_programs_have_is_answered_by_what_there_is(void **state)
{
    (void)state;
    check_refused("--stream|hi", "unknown option '--stream'. Answers are shown as they come, unless --no-stream is given.");
    check_refused("--json", "unknown option '--json'. Did you mean '--output json'?");
    check_refused("--insecure", "unknown option '--insecure'. Servers are always verified; --ca-file says whom to trust.");
    check_refused("--api-key=secret", "unknown option '--api-key'. A key is in GOOGLE_API_KEY or GEMINI_API_KEY, or in a "
                                      "--key-file: arguments can be seen by all.");
    check_refused("decode|--json", "unknown option '--json'. See 'castor decode --help'.");
}

static void there_is_no_option_for_the_key_itself(void **state)
{
    (void)state;
    parsed result;
    parse(&result, "--key|test-key");
    assert_false(result.is_good);
    assert_null(strstr(result.fault.message, "test-key"));
}

static void decode_has_options_of_its_own(void **state)
{
    (void)state;
    parsed result;
    parse(&result, "decode|--raw|--status|429|--content-type=text/event-stream|answer.sse");
    assert_true(result.is_good);
    assert_int_equal(result.options.command, CLI_DECODE);
    assert_int_equal(result.options.word_count, 1);
    assert_string_equal(result.options.words[0], "answer.sse");
    assert_int_equal(result.options.http_status.value, 429);
    assert_true(result.options.wants_raw);
    check_refused("decode|--model|x", "unknown option '--model'. See 'castor decode --help'.");
    check_refused("--raw", "unknown option '--raw'. See 'castor --help'.");
    parse(&result, "decode|-");
    assert_true(result.is_good && result.options.word_count == 1);
    parse(&result, "decode|one|two");
    assert_false(result.is_good);
    parse(&result, "--|decode|this");
    assert_true(result.is_good && result.options.command == CLI_ASK);
}

static void help_stops_the_reading(void **state)
{
    (void)state;
    parsed result;
    parse(&result, "-h|--nonsense");
    assert_true(result.is_good && result.options.wants_help);
    parse(&result, "-V|--nonsense");
    assert_true(result.is_good && result.options.wants_version);
}

static void a_prompt_must_be_utf8(void **state)
{
    (void)state;
    check_refused("Z\xE4hne", "the prompt is not UTF-8");
    check_refused("-s|Z\xE4hne", "-s: the text is not UTF-8");
}

static void too_many_files_are_refused(void **state)
{
    (void)state;
    char *arguments[CLI_FILES_MAX + 1];
    char option[] = "-fnotes";
    for (size_t i = 0; i <= CLI_FILES_MAX; i++) arguments[i] = option;
    cli_options options;
    cli_fault fault;
    assert_true(cli_options_parse(&options, arguments, CLI_FILES_MAX, &fault));
    assert_false(cli_options_parse(&options, arguments, CLI_FILES_MAX + 1, &fault));
    assert_string_equal(fault.message, "-f: more than 64 of them");
}

static void help_names_every_option_in_80_columns(void **state)
{
    (void)state;
    static const cli_command commands[] = { CLI_ASK, CLI_DECODE };
    for (size_t c = 0; c < 2; c++) {
        cli_text help = cli_text_init(1 << 16);
        cli_options_print_help(&help, commands[c]);
        cli_text_add_byte(&help, '\0');
        assert_int_equal(help.state, CLI_TEXT_OK);
        for (size_t i = 0; i < ROW_COUNT; i++) {
            char name[64];
            (void)snprintf(name, sizeof name, "--%s ", table[i].name);
            bool is_ours = (table[i].commands & (unsigned)commands[c]) != 0;
            if (is_ours) assert_non_null(strstr(help.data, name));
        }
        for (const char *line = help.data; *line; line += strcspn(line, "\n") + 1) {
            assert_true(strcspn(line, "\n") <= HELP_WIDTH);
        }
        cli_text_free(&help);
    }
}

static void no_two_options_are_spelled_alike(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROW_COUNT; i++) {
        assert_true(strlen(table[i].name) <= SPELLING_MAX);
        for (size_t j = i + 1; j < ROW_COUNT; j++) {
            if ((table[i].commands & table[j].commands) == 0) continue;
            assert_true(table[i].letter == 0 || table[i].letter != table[j].letter);
            assert_string_not_equal(table[i].name, table[j].name);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_and_options_may_come_in_any_order),
        cmocka_unit_test(two_dashes_end_the_options),
        cmocka_unit_test(a_value_may_stand_behind_an_equals_sign_a_letter_or_a_space),
        cmocka_unit_test(a_lone_prompt_option_is_a_word_of_the_prompt),
        cmocka_unit_test(a_type_belongs_to_the_next_attachment_only),
        cmocka_unit_test(a_setting_has_a_key_and_a_value),
        cmocka_unit_test(thinking_is_a_level_a_number_off_or_dynamic),
        cmocka_unit_test(numbers_are_read_strictly),
        cmocka_unit_test(an_option_that_is_nearly_right_is_told),
        cmocka_unit_test(what_other_programs_have_is_answered_by_what_there_is),
        cmocka_unit_test(there_is_no_option_for_the_key_itself),
        cmocka_unit_test(decode_has_options_of_its_own),
        cmocka_unit_test(help_stops_the_reading),
        cmocka_unit_test(a_prompt_must_be_utf8),
        cmocka_unit_test(too_many_files_are_refused),
        cmocka_unit_test(help_names_every_option_in_80_columns),
        cmocka_unit_test(no_two_options_are_spelled_alike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
