/* safe_text.c -- text of others, made harmless for a terminal.
 * SPDX-License-Identifier: MIT
 *
 * A decoder of UTF-8 that takes one byte at a time, so that the network's cuts cannot matter, and one question asked of
 * every code point. No sequence need be recognised: a terminal acts on an escape character or a C1 control, and neither
 * comes through; what stood behind it is plain text.
 *
 * Sources: WHATWG Encoding Standard, "UTF-8 decoder" (how many U+FFFD broken bytes come to); ECMA-48 for the controls;
 * Unicode 15.1, DerivedCoreProperties, Default_Ignorable_Code_Point; Unicode Technical Report 36 and "Trojan Source"
 * (Boucher and Anderson, 2021) for what overrides of direction do.
 */
#include "safe_text.h"

enum { REPLACEMENT = 0xFFFD, CONTROL_PICTURES = 0x2400, DEL = 0x7F, DEL_PICTURE = 0x2421, CHARACTER_BYTES_MAX = 4 };

typedef struct range {
    uint32_t first;
    uint32_t last;
    cst_look look;
} range;

/* In order. All else is seen. */
static const range ranges[] = {
    { 0x0000, 0x0008, CST_LOOK_HOSTILE },   /* C0 but TAB and LF */
    { 0x000B, 0x001F, CST_LOOK_HOSTILE },
    { 0x007F, 0x009F, CST_LOOK_HOSTILE },   /* DEL; C1: CSI, OSC, DCS and the like in one character */
    { 0x00AD, 0x00AD, CST_LOOK_UNSEEN },    /* soft hyphen */
    { 0x034F, 0x034F, CST_LOOK_UNSEEN },    /* combining grapheme joiner */
    { 0x061C, 0x061C, CST_LOOK_UNSEEN },    /* Arabic letter mark */
    { 0x115F, 0x1160, CST_LOOK_UNSEEN },    /* Hangul fillers */
    { 0x17B4, 0x17B5, CST_LOOK_UNSEEN },    /* Khmer inherent vowels */
    { 0x180B, 0x180F, CST_LOOK_UNSEEN },    /* Mongolian selectors and vowel separator */
    { 0x200B, 0x200F, CST_LOOK_UNSEEN },    /* zero width space, joiners, marks of direction */
    { 0x2028, 0x2029, CST_LOOK_UNSEEN },    /* line and paragraph separator */
    { 0x202A, 0x202E, CST_LOOK_HOSTILE },   /* bidirectional embeddings and overrides */
    { 0x2060, 0x2065, CST_LOOK_UNSEEN },    /* word joiner, invisible operators of formulas */
    { 0x2066, 0x206F, CST_LOOK_HOSTILE },   /* bidirectional isolates; deprecated controls of the same kind */
    { 0x3164, 0x3164, CST_LOOK_UNSEEN },    /* Hangul filler */
    { 0xFE00, 0xFE0F, CST_LOOK_UNSEEN },    /* variation selectors: emoji or text */
    { 0xFEFF, 0xFEFF, CST_LOOK_UNSEEN },    /* byte order mark */
    { 0xFFA0, 0xFFA0, CST_LOOK_UNSEEN },    /* Hangul filler */
    { 0xFFF0, 0xFFFB, CST_LOOK_HOSTILE },   /* annotations that are not shown, and unassigned ones like them */
    { 0x1BCA0, 0x1BCA3, CST_LOOK_UNSEEN },  /* shorthand controls */
    { 0x1D173, 0x1D17A, CST_LOOK_UNSEEN },  /* beams and slurs of music */
    { 0xE0000, 0xE00FF, CST_LOOK_HOSTILE }, /* tags: a second text that nobody sees */
    { 0xE0100, 0xE01EF, CST_LOOK_UNSEEN },  /* variation selectors: forms of ideographs */
    { 0xE01F0, 0xE0FFF, CST_LOOK_HOSTILE }, /* unassigned ones like the tags */
};

cst_look cst_look_of(uint32_t code)
{
    size_t low = 0, high = sizeof ranges / sizeof ranges[0];

    while (low < high) {
        size_t middle = (low + high) / 2;
        if (code > ranges[middle].last) low = middle + 1;
        else high = middle;
    }
    bool is_in = low < sizeof ranges / sizeof ranges[0] && code >= ranges[low].first;
    return is_in ? ranges[low].look : CST_LOOK_SEEN;
}

static size_t print_code(char *out, uint32_t code)
{
    static const unsigned char leads[] = { 0, 0, 0xC0, 0xE0, 0xF0 };
    size_t                     len = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;

    for (size_t at = len - 1; at > 0; at--, code >>= 6) out[at] = (char)(0x80 | (code & 0x3F));
    out[0] = (char)(leads[len] | code);
    return len;
}

static uint32_t harmless_form(castor_safe_text *state, uint32_t code)
{
    cst_look look = cst_look_of(code);

    state->unseen = look == CST_LOOK_UNSEEN ? state->unseen + 1 : 0;
    if (state->unseen > CST_UNSEEN_RUN_MAX) {
        state->unseen = 0; /* the sign in its place is seen */
        return REPLACEMENT;
    }
    if (look != CST_LOOK_HOSTILE) return code;
    return code < 0x20 ? CONTROL_PICTURES + code : code == DEL ? DEL_PICTURE : REPLACEMENT;
}

/* The first byte of a character says how many follow, and between what the next lies: so overlong forms, surrogates
 * and what is beyond U+10FFFF are kept out. False: no character begins like this. */
static bool begin_character(castor_safe_text *state, unsigned char byte)
{
    state->least = byte == 0xE0 ? 0xA0 : byte == 0xF0 ? 0x90 : 0x80;
    state->most = byte == 0xED ? 0x9F : byte == 0xF4 ? 0x8F : 0xBF;
    state->missing = byte < 0xC2 || byte > 0xF4 ? 0 : byte < 0xE0 ? 1 : byte < 0xF0 ? 2 : 3;
    state->code = byte & (0x3Fu >> state->missing);
    return state->missing > 0;
}

static size_t take_first(castor_safe_text *state, unsigned char byte, char *out)
{
    if (byte < 0x80) return print_code(out, harmless_form(state, byte));
    return begin_character(state, byte) ? 0 : print_code(out, harmless_form(state, REPLACEMENT));
}

/* A byte that may belong to a character begun. `*taken` false: it proves that one broken, and is looked at anew. */
static size_t take_next(castor_safe_text *state, unsigned char byte, char *out, bool *taken)
{
    *taken = byte >= state->least && byte <= state->most;
    if (!*taken) return castor_safe_text_end(state, out);
    state->least = 0x80;
    state->most = 0xBF;
    state->code = state->code << 6 | (byte & 0x3F);
    return --state->missing == 0 ? print_code(out, harmless_form(state, state->code)) : 0;
}

/* How many bytes at the front need no thought. */
static size_t plain_length(const unsigned char *bytes, size_t max)
{
    size_t len = 0;

    while (len < max && ((bytes[len] >= 0x20 && bytes[len] < DEL) || bytes[len] == '\n' || bytes[len] == '\t')) len++;
    return len;
}

size_t castor_safe_text_feed(castor_safe_text *state, castor_str *text, char *out, size_t size)
{
    const unsigned char *bytes = text ? (const unsigned char *)text->data : NULL;
    size_t               at = 0, written = 0;

    if (!bytes) {
        if (text) text->len = 0; /* or its caller would try for ever */
        return 0;
    }
    if (!state || !out) size = 0;
    while (at < text->len && size - written >= CHARACTER_BYTES_MAX) {
        size_t room = size - written, left = text->len - at;
        size_t plain = state->missing ? 0 : plain_length(bytes + at, left < room ? left : room);
        bool   is_taken = true;
        if (plain > 0) {
            memcpy(out + written, bytes + at, plain);
            state->unseen = 0;
            at += plain;
            written += plain;
            continue;
        }
        written += state->missing ? take_next(state, bytes[at], out + written, &is_taken)
                                  : take_first(state, bytes[at], out + written);
        at += is_taken;
    }
    if (size < CHARACTER_BYTES_MAX) at = text->len;
    if (at > 0) *text = (castor_str){ text->data + at, text->len - at };
    return written;
}

size_t castor_safe_text_end(castor_safe_text *state, char *out)
{
    if (!state || !out || state->missing == 0) return 0;
    state->missing = 0;
    return print_code(out, harmless_form(state, REPLACEMENT));
}
