/* safe_text.c -- any bytes as a text for a terminal: nothing hostile comes through, what is printable stays as it is,
 * and neither cuts nor a second time change anything.
 * SPDX-License-Identifier: MIT
 */
#include "fuzz.h"

typedef struct sieve {
    castor_safe_text state;
    char            *out;
    size_t           len;
    size_t           size;
} sieve;

static sieve sieve_for(size_t size)
{
    sieve s = { .size = 3 * size + 7 };

    s.out = malloc(s.size);
    fuzz_check(s.out != NULL, "no memory for the fuzzer itself");
    return s;
}

static void feed(sieve *s, const char *data, size_t len, size_t room)
{
    castor_str text = { data, len };

    while (text.len > 0) {
        size_t before = text.len;
        size_t free_bytes = s->size - s->len;
        size_t count = castor_safe_text_feed(&s->state, &text, s->out + s->len, room < free_bytes ? room : free_bytes);
        s->len += count;
        fuzz_check(text.len < before || count > 0, "a step that does nothing");
        fuzz_check(s->len <= s->size, "more came out than was promised");
    }
}

static void end(sieve *s)
{
    fuzz_check(s->size - s->len >= 3, "no room is left for the end");
    s->len += castor_safe_text_end(&s->state, s->out + s->len);
}

/* The code point at `at` of well-formed UTF-8. */
static uint32_t code_at(const unsigned char *at, size_t len)
{
    uint32_t code = len == 1 ? at[0] : at[0] & (0xFFu >> (len + 1));

    for (size_t i = 1; i < len; i++) code = code << 6 | (at[i] & 0x3Fu);
    return code;
}

/* In words of its own, not those of the table under test. */
static bool is_hostile(uint32_t code)
{
    if (code < 0x20) return code != '\n' && code != '\t';
    return (code >= 0x7F && code < 0xA0) || (code >= 0x202A && code <= 0x202E) || (code >= 0x2066 && code <= 0x206F) ||
           (code >= 0xFFF0 && code <= 0xFFFB) || (code >= 0xE0000 && code <= 0xE007F);
}

/* Letters, digits, signs: of Latin, CJK, and the emoji blocks. */
static bool is_surely_printable(uint32_t code)
{
    return code == '\n' || code == '\t' || (code >= 0x20 && code < 0x7F) || (code >= 0xAE && code <= 0x24F) ||
           (code >= 0x4E00 && code <= 0x9FFF) || (code >= 0x1F300 && code <= 0x1FAFF);
}

/* Returns whether all of it is surely printable. */
static bool look_through(const char *bytes, size_t len, bool must_be_harmless)
{
    bool is_printable = true;

    for (size_t at = 0; at < len;) {
        size_t length = cst_utf8_length(bytes + at, bytes + len);
        fuzz_check(length > 0 || !must_be_harmless, "what comes out is not UTF-8");
        if (length == 0) return false;
        uint32_t code = code_at((const unsigned char *)bytes + at, length);
        fuzz_check(!must_be_harmless || !is_hostile(code), "a hostile character came through");
        is_printable = is_printable && is_surely_printable(code);
        at += length;
    }
    return is_printable;
}

static void check_same(const sieve *s, const char *data, size_t len, const char *what)
{
    fuzz_check(s->len == len && memcmp(s->out, data, len) == 0, what);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sieve    whole = sieve_for(size), cut = sieve_for(size);
    uint64_t cuts = fuzz_sum(data, size) | 1;
    char    *copy = fuzz_copy(data, size);

    feed(&whole, copy, size, SIZE_MAX);
    end(&whole);
    for (size_t at = 0; at < size;) {
        size_t len = fuzz_piece(&cuts, size - at);
        char  *piece = fuzz_copy(data + at, len);
        feed(&cut, piece, len, 4 + len % 5);
        fuzz_spoil(piece, len);
        at += len;
    }
    end(&cut);
    check_same(&cut, whole.out, whole.len, "the cuts changed what comes out");
    look_through(whole.out, whole.len, true);
    if (look_through(copy, size, false)) check_same(&whole, copy, size, "printable text was changed");

    sieve again = sieve_for(whole.len);
    feed(&again, whole.out, whole.len, SIZE_MAX);
    end(&again);
    check_same(&again, whole.out, whole.len, "a second time changed something");
    free(again.out);
    free(cut.out);
    free(whole.out);
    free(copy);
    return 0;
}
