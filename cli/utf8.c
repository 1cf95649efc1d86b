/* utf8.c -- where one character ends, and whether it is one.
 * SPDX-License-Identifier: MIT
 *
 * Source: The Unicode Standard, table 3-7, "Well-Formed UTF-8 Byte Sequences".
 */
#include "utf8.h"

/* The second byte has the narrow range that keeps out overlong forms, surrogates and what lies beyond U+10FFFF. */
static bool is_second(unsigned char first, unsigned char second)
{
    switch (first) {
    case 0xE0: return second >= 0xA0 && second <= 0xBF;
    case 0xED: return second >= 0x80 && second <= 0x9F;
    case 0xF0: return second >= 0x90 && second <= 0xBF;
    case 0xF4: return second >= 0x80 && second <= 0x8F;
    default: return second >= 0x80 && second <= 0xBF;
    }
}

static int length_by_first(unsigned char first)
{
    if (first < 0x80) return 1;
    if (first < 0xC2) return CLI_UTF8_INVALID;
    if (first < 0xE0) return 2;
    if (first < 0xF0) return 3;
    if (first < 0xF5) return 4;
    return CLI_UTF8_INVALID;
}

int cli_utf8_length(const unsigned char *bytes, size_t len)
{
    int length = length_by_first(bytes[0]);
    if (length < 2) return length;
    if (len < 2) return CLI_UTF8_UNFINISHED;
    if (!is_second(bytes[0], bytes[1])) return CLI_UTF8_INVALID;
    for (int i = 2; i < length; i++) {
        if ((size_t)i >= len) return CLI_UTF8_UNFINISHED;
        if ((bytes[i] & 0xC0) != 0x80) return CLI_UTF8_INVALID;
    }
    return length;
}

bool cli_utf8_is_valid(castor_str text)
{
    const unsigned char *bytes = (const unsigned char *)text.data;
    size_t at = 0;
    while (at < text.len) {
        int length = cli_utf8_length(bytes + at, text.len - at);
        if (length < 1) return false;
        at += (size_t)length;
    }
    return true;
}

size_t cli_utf8_whole(castor_str text)
{
    const unsigned char *bytes = (const unsigned char *)text.data;
    for (size_t back = 1; back <= 3 && back <= text.len; back++) {
        size_t start = text.len - back;
        if ((bytes[start] & 0xC0) == 0x80) continue;
        return cli_utf8_length(bytes + start, back) == CLI_UTF8_UNFINISHED ? start : text.len;
    }
    return text.len;
}
