/* test_safe_text.c -- text of others, made harmless for a terminal: byte by byte, and cut everywhere.
 * SPDX-License-Identifier: MIT
 */

/* The command is no library: what is pure in it is compiled into its test. */
#include "../cli/safe_text.c"
#include "../cli/utf8.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

typedef struct pair {
    const char *in;
    const char *out;
} pair;

/* Feeds `in` in two pieces, cut at `cut`. */
static size_t play(const char *in, size_t len, size_t cut, char *out)
{
    cli_safe_text state = { 0 };
    size_t written = cli_safe_text_feed(&state, in, cut, out);
    written += cli_safe_text_feed(&state, in + cut, len - cut, out + written);
    return written + cli_safe_text_end(&state, out + written);
}

static size_t play_bytes(const char *in, size_t len, char *out)
{
    cli_safe_text state = { 0 };
    size_t written = 0;
    for (size_t i = 0; i < len; i++) written += cli_safe_text_feed(&state, in + i, 1, out + written);
    return written + cli_safe_text_end(&state, out + written);
}

static void check(const char *in, size_t len, const char *wanted)
{
    char out[512];
    assert_true(CLI_SAFE_TEXT_ROOM(len) <= sizeof out);
    for (size_t cut = 0; cut <= len; cut++) {
        size_t written = play(in, len, cut, out);
        assert_int_equal(written, strlen(wanted));
        assert_memory_equal(out, wanted, written);
    }
    size_t written = play_bytes(in, len, out);
    assert_int_equal(written, strlen(wanted));
    assert_memory_equal(out, wanted, written);
}

static void check_pairs(const pair *pairs, size_t count)
{
    for (size_t i = 0; i < count; i++) check(pairs[i].in, strlen(pairs[i].in), pairs[i].out);
}

#define CHECK_PAIRS(pairs) check_pairs(pairs, sizeof(pairs) / sizeof((pairs)[0]))

static void text_that_does_no_harm_stays_as_it_is(void **state)
{
    (void)state;
    static const pair pairs[] = {
        { "", "" },
        { "Beavers build dams.\n\tTwo of them.\n", "Beavers build dams.\n\tTwo of them.\n" },
        { "Zähne, \xE6\xB5\xB7\xE7\x8B\xB8, \xF0\x9F\xA6\xAB", "Zähne, \xE6\xB5\xB7\xE7\x8B\xB8, \xF0\x9F\xA6\xAB" },
        { "\xC2\xA0\xDF\xBF\xE0\xA0\x80\xEF\xBF\xBF", "\xC2\xA0\xDF\xBF\xE0\xA0\x80\xEF\xBF\xBF" },
        { "\xF0\x90\x80\x80\xF4\x8F\xBF\xBF", "\xF0\x90\x80\x80\xF4\x8F\xBF\xBF" }, /* the edges of each length */
        { "\xE2\x80\xA9\xE2\x80\x8D\xE2\x80\x8F", "\xE2\x80\xA9\xE2\x80\x8D\xE2\x80\x8F" }, /* U+2029, joiner, RLM */
    };
    CHECK_PAIRS(pairs);
}

static void escape_sequences_become_visible_and_do_nothing(void **state)
{
    (void)state;
    static const pair pairs[] = {
        { "\x1B[31mred\x1B[0m", "\xE2\x90\x9B[31mred\xE2\x90\x9B[0m" },
        { "\x1B]0;title\x07", "\xE2\x90\x9B]0;title\xE2\x90\x87" },                       /* window title */
        { "\x1B]52;c;cm0gLXJm\x1B\\", "\xE2\x90\x9B]52;c;cm0gLXJm\xE2\x90\x9B\\" },       /* clipboard */
        { "\x1BP+q\x1B\\\x1B_x\x1B\\", "\xE2\x90\x9BP+q\xE2\x90\x9B\\\xE2\x90\x9B_x\xE2\x90\x9B\\" },
        { "\x1B" "c", "\xE2\x90\x9B" "c" },                                               /* full reset */
    };
    CHECK_PAIRS(pairs);
}

static void every_c0_control_but_newline_and_tab_becomes_its_picture(void **state)
{
    (void)state;
    for (int code = 0; code < 0x20; code++) {
        if (code == '\n' || code == '\t') continue;
        char in[] = { 'a', (char)code, 'b' };
        char wanted[] = { 'a', '\xE2', '\x90', (char)(0x80 | code), 'b', '\0' };
        check(in, sizeof in, wanted);
    }
    check("a\x7F" "b", 3, "a\xE2\x90\xA1" "b");
}

static void a_carriage_return_cannot_overwrite_the_line(void **state)
{
    (void)state;
    check("harmless\rrm -rf", 15, "harmless\xE2\x90\x8Drm -rf");
}

static void every_c1_control_becomes_a_replacement_character(void **state)
{
    (void)state;
    for (int code = 0x80; code < 0xA0; code++) {
        char in[] = { 'a', '\xC2', (char)code, 'b' };
        check(in, sizeof in, "a\xEF\xBF\xBD" "b");
        char lone[] = { 'a', (char)code, 'b' }; /* as an 8-bit terminal would take it */
        check(lone, sizeof lone, "a\xEF\xBF\xBD" "b");
    }
}

static void text_cannot_be_turned_around_or_hidden(void **state)
{
    (void)state;
    static const uint32_t hostile[] = {
        0x202A, 0x202B, 0x202C, 0x202D, 0x202E, 0x2066, 0x2067, 0x2068, 0x2069, 0xE0000, 0xE0041, 0xE007F,
    };
    static const uint32_t harmless[] = { 0x2029, 0x202F, 0x2065, 0x206A, 0xDFFFF, 0xE0080 };
    for (size_t i = 0; i < sizeof hostile / sizeof hostile[0]; i++) assert_true(is_hostile(hostile[i]));
    for (size_t i = 0; i < sizeof harmless / sizeof harmless[0]; i++) assert_false(is_hostile(harmless[i]));
    check("a\xE2\x80\xAE" "b", 5, "a\xEF\xBF\xBD" "b");
    check("a\xE2\x81\xA6" "b", 5, "a\xEF\xBF\xBD" "b");
    check("a\xF3\xA0\x81\x81" "b", 6, "a\xEF\xBF\xBD" "b");
}

static void what_is_not_utf8_becomes_a_replacement_character(void **state)
{
    (void)state;
    static const pair pairs[] = {
        { "\xFF", "\xEF\xBF\xBD" },
        { "\xC0\x9B[31m", "\xEF\xBF\xBD\xEF\xBF\xBD[31m" },             /* an overlong ESC */
        { "\xE0\x80\x9B", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD" },
        { "\xED\xA0\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD" },     /* a surrogate */
        { "\xF4\x90\x80\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD" }, /* beyond U+10FFFF */
        { "\xE2\x82", "\xEF\xBF\xBD" },                                 /* cut off at the end */
        { "\xE2\x82" "A", "\xEF\xBF\xBD" "A" },
        { "\xF0\x9F\xA6" "A", "\xEF\xBF\xBD" "A" },
        { "\xE2\x1B[0m", "\xEF\xBF\xBD\xE2\x90\x9B[0m" },               /* ESC in the middle of a character */
        { "\xE2\xC2\x9B", "\xEF\xBF\xBD\xEF\xBF\xBD" },
    };
    CHECK_PAIRS(pairs);
}

/* Whatever comes in, what goes out is UTF-8 with no control but \n and \t in it. */
static void check_harmless(const char *out, size_t len)
{
    castor_str text = { out, len };
    assert_true(cli_utf8_is_valid(text));
    for (size_t at = 0; at < len;) {
        const unsigned char *bytes = (const unsigned char *)out + at;
        int length = cli_utf8_length(bytes, len - at);
        uint32_t code = cli_utf8_code(bytes, length);
        assert_true(code == '\n' || code == '\t' || (code >= 0x20 && code != 0x7F));
        assert_false(is_hostile(code));
        at += (size_t)length;
    }
}

static void any_bytes_cut_anywhere_come_out_harmless_and_the_same(void **state)
{
    (void)state;
    static const unsigned char favourites[] = { 0x1B, 0xC2, 0x9B, 0xE2, 0x80, 0xAE, 0xF3, 0xA0, 0x81, 0xF0, 0x9F, 'a' };
    uint32_t random = 1;
    for (int round = 0; round < 2000; round++) {
        char in[24];
        for (size_t i = 0; i < sizeof in; i++) {
            random = random * 1664525u + 1013904223u;
            uint32_t pick = random >> 16;
            in[i] = (char)(pick & 1 ? favourites[(pick >> 1) % sizeof favourites] : pick >> 1 & 0xFF);
        }
        char whole[CLI_SAFE_TEXT_ROOM(sizeof in)];
        size_t len = play(in, sizeof in, 0, whole);
        check_harmless(whole, len);
        whole[len] = '\0';
        check(in, sizeof in, whole);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_that_does_no_harm_stays_as_it_is),
        cmocka_unit_test(escape_sequences_become_visible_and_do_nothing),
        cmocka_unit_test(every_c0_control_but_newline_and_tab_becomes_its_picture),
        cmocka_unit_test(a_carriage_return_cannot_overwrite_the_line),
        cmocka_unit_test(every_c1_control_becomes_a_replacement_character),
        cmocka_unit_test(text_cannot_be_turned_around_or_hidden),
        cmocka_unit_test(what_is_not_utf8_becomes_a_replacement_character),
        cmocka_unit_test(any_bytes_cut_anywhere_come_out_harmless_and_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
