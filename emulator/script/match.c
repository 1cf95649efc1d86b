/* match.c -- which prompts a case answers.
 * SPDX-License-Identifier: MIT
 */
#include "script/match.h"

/* Letters, digits and bytes above ASCII: what words are made of. */
static bool is_word_byte(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (unsigned char)c >= 0x80;
}

/* Whole words only: "ai" is not in "explain". */
static bool contains_word(castor_str prompt, castor_str word)
{
    for (size_t at = 0; at + word.len <= prompt.len; at++) {
        size_t end = at + word.len;
        if (!cst_str_equal_nocase((castor_str){ prompt.data + at, word.len }, word)) continue;
        if (at > 0 && is_word_byte(prompt.data[at - 1]) && is_word_byte(word.data[0])) continue;
        if (end < prompt.len && is_word_byte(prompt.data[end]) && is_word_byte(word.data[word.len - 1])) continue;
        return true;
    }
    return false;
}

/* A `*` is in every prompt. */
static bool contains_all_words(castor_str prompt, castor_str words)
{
    size_t at = 0;

    while (at < words.len) {
        size_t start = at;
        while (at < words.len && words.data[at] != ' ') at++;
        castor_str word = { words.data + start, at - start };
        if (word.len > 0 && !cst_str_is(word, "*") && !contains_word(prompt, word)) return false;
        at++;
    }
    return true;
}

bool plx_case_matches(const plx_case *one, castor_str prompt)
{
    if (one->prompt_count == 0) return cst_str_equal_nocase(cst_str_trim(prompt), one->heading);
    for (size_t i = 0; i < one->prompt_count; i++) {
        if (contains_all_words(prompt, one->prompts[i])) return true;
    }
    return false;
}
