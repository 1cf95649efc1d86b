/* test_safe_text.c -- text of others, made harmless for a terminal: byte by byte, and cut everywhere.
 * SPDX-License-Identifier: MIT
 */

#include <stdio.h>
#include <string.h>

#include "safe_text.h"
#include "support.h"

enum { SAFE_BYTES_MAX = 1024 };

typedef struct pair {
    const char *in;
    const char *out;
} pair;

/* One piece, through a buffer of `room` bytes. */
static size_t feed(castor_safe_text *state, const char *in, size_t len, char *out, size_t room)
{
    castor_str text = { in, len };
    size_t     written = 0;

    while (text.len > 0) {
        size_t count = castor_safe_text_feed(state, &text, out + written, room);
        assert_true(count <= room);
        written += count;
        assert_true(written + room <= SAFE_BYTES_MAX);
    }
    assert_ptr_equal(text.data, in + len);
    return written;
}

/* Feeds `in` in two pieces, cut at `cut`. */
static size_t play(const char *in, size_t len, size_t cut, char *out, size_t room)
{
    castor_safe_text state = { 0 };
    size_t           written = feed(&state, in, cut, out, room);

    written += feed(&state, in + cut, len - cut, out + written, room);
    return written + castor_safe_text_end(&state, out + written);
}

static size_t play_bytes(const char *in, size_t len, char *out)
{
    castor_safe_text state = { 0 };
    size_t           written = 0;

    for (size_t i = 0; i < len; i++) written += feed(&state, in + i, 1, out + written, 4);
    return written + castor_safe_text_end(&state, out + written);
}

static void check(const char *in, size_t len, const char *wanted)
{
    char out[SAFE_BYTES_MAX];

    for (size_t cut = 0; cut <= len; cut++) {
        size_t written = play(in, len, cut, out, 4 + cut % 7);
        assert_int_equal(written, strlen(wanted));
        assert_memory_equal(out, wanted, written);
    }
    size_t written = play_bytes(in, len, out);
    assert_int_equal(written, strlen(wanted));
    assert_memory_equal(out, wanted, written);
    assert_int_equal(play(wanted, strlen(wanted), 0, out, 16), strlen(wanted)); /* a second time changes nothing */
    assert_memory_equal(out, wanted, strlen(wanted));
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
        { "a\xE2\x80\xA9" "b\xE2\x80\x8D" "c\xE2\x80\x8F", /* U+2029, ZWJ, RLM */
          "a\xE2\x80\xA9" "b\xE2\x80\x8D" "c\xE2\x80\x8F" },
        { "\xE2\x9D\xA4\xEF\xB8\x8F\xE2\x80\x8D\xF0\x9F\x94\xA5", /* a heart on fire */
          "\xE2\x9D\xA4\xEF\xB8\x8F\xE2\x80\x8D\xF0\x9F\x94\xA5" },
        { "\xF0\x9F\x91\xA9\xF0\x9F\x8F\xBD\xE2\x80\x8D\xF0\x9F\x92\xBB", /* a woman at work */
          "\xF0\x9F\x91\xA9\xF0\x9F\x8F\xBD\xE2\x80\x8D\xF0\x9F\x92\xBB" },
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
        0x202A, 0x202B, 0x202C, 0x202D, 0x202E, 0x2066, 0x2067, 0x2068, 0x2069, 0x206A, 0x206F, 0xFFF9, 0xFFFB, 0xE0000,
        0xE0041, 0xE007F, 0xE00FF, 0xE01F0, 0xE0FFF,
    };
    static const uint32_t unseen[] = { 0xAD, 0x200B, 0x200E, 0x200F, 0x2029, 0x2060, 0x2065, 0xFE0F, 0xE0100, 0xE01EF };
    static const uint32_t seen[] = { 0xA0, 0xAC, 0xAE, 0x202F, 0x2070, 0xFFFC, 0xFFFD, 0xDFFFF, 0xE1000, 0x10FFFF };
    for (size_t i = 0; i < sizeof hostile / sizeof hostile[0]; i++) {
        assert_int_equal(cst_look_of(hostile[i]), CST_LOOK_HOSTILE);
    }
    for (size_t i = 0; i < sizeof unseen / sizeof unseen[0]; i++) {
        assert_int_equal(cst_look_of(unseen[i]), CST_LOOK_UNSEEN);
    }
    for (size_t i = 0; i < sizeof seen / sizeof seen[0]; i++) assert_int_equal(cst_look_of(seen[i]), CST_LOOK_SEEN);
    check("a\xE2\x80\xAE" "b", 5, "a\xEF\xBF\xBD" "b");
    check("a\xE2\x81\xA6" "b", 5, "a\xEF\xBF\xBD" "b");
    check("a\xF3\xA0\x81\x81" "b", 6, "a\xEF\xBF\xBD" "b");
}

static void two_characters_that_show_nothing_are_kept_and_a_third_is_shown(void **state)
{
    (void)state;
    static const pair pairs[] = {
        { "a\xE2\x80\x8B\xE2\x80\x8C" "b\xE2\x80\x8B", "a\xE2\x80\x8B\xE2\x80\x8C" "b\xE2\x80\x8B" },
        { "a\xE2\x80\x8B\xE2\x80\x8C\xE2\x80\x8D" "b", "a\xE2\x80\x8B\xE2\x80\x8C\xEF\xBF\xBD" "b" },
        { "\xEF\xB8\x80\xF3\xA0\x84\x80\xF3\xA0\x84\x81\xEF\xB8\x80\xEF\xB8\x80\xEF\xB8\x80", /* bytes, so hidden */
          "\xEF\xB8\x80\xF3\xA0\x84\x80\xEF\xBF\xBD\xEF\xB8\x80\xEF\xB8\x80\xEF\xBF\xBD" },
        { "\xE2\x80\x8B\n\xE2\x80\x8B\xE2\x80\x8B\x1B\xE2\x80\x8B",
          "\xE2\x80\x8B\n\xE2\x80\x8B\xE2\x80\x8B\xE2\x90\x9B\xE2\x80\x8B" },
    };
    CHECK_PAIRS(pairs);
}

static void a_buffer_too_small_for_a_character_takes_all_and_gives_nothing(void **state)
{
    (void)state;
    castor_safe_text safe = { 0 };
    castor_str       text = CASTOR_STR("dams");
    char             out[3] = "";
    assert_int_equal(castor_safe_text_feed(&safe, &text, out, sizeof out), 0);
    assert_int_equal(text.len, 0);
    text = (castor_str){ NULL, 0 }; /* an absent view, too, is nothing */
    assert_int_equal(castor_safe_text_feed(&safe, &text, out, sizeof out), 0);
    assert_null(text.data);
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

    assert_true(tst_is_utf8(text));
    for (size_t at = 0; at < len; at++) {
        unsigned char byte = (unsigned char)out[at];
        assert_true(byte == '\n' || byte == '\t' || (byte >= 0x20 && byte != 0x7F));
        assert_false(byte == 0xC2 && (unsigned char)out[at + 1] < 0xA0); /* C1 */
        assert_false(byte == 0xF3 && (unsigned char)out[at + 1] == 0xA0 && (unsigned char)out[at + 2] < 0x84); /* tag */
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
        char whole[SAFE_BYTES_MAX];
        size_t len = play(in, sizeof in, 0, whole, 3 * sizeof in + 7);
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
        cmocka_unit_test(two_characters_that_show_nothing_are_kept_and_a_third_is_shown),
        cmocka_unit_test(a_buffer_too_small_for_a_character_takes_all_and_gives_nothing),
        cmocka_unit_test(what_is_not_utf8_becomes_a_replacement_character),
        cmocka_unit_test(any_bytes_cut_anywhere_come_out_harmless_and_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
