/* json_token.c -- reads a single string or count straight from JSON text, without a document.
 * SPDX-License-Identifier: MIT
 */
#include "json_token.h"

enum {
    COUNT_DIGITS_MAX = 18, /* of these, any fits */
    ROOM_MIN = 240         /* of a copied text, at first: with VECTOR, 256 */
};

/* Sixteen bytes at a time, in the way of GCC and clang that no machine is strange to: a comparison gives all bits of a
 * byte or none. One branch for each byte would cost more than all the rest. */
enum { VECTOR = 16 };
typedef unsigned char vector __attribute__((vector_size(VECTOR)));

static vector load(const char *at)
{
    vector out;

    memcpy(&out, at, sizeof out);
    return out;
}

/* Eight of its bytes as a number, the first the lowest. */
static uint64_t half_of(vector v, size_t half)
{
    typedef uint64_t halves __attribute__((vector_size(VECTOR)));
    uint64_t         word = ((halves)v)[half];

    return __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? __builtin_bswap64(word) : word;
}

static bool is_zero(vector v)
{
    return (half_of(v, 0) | half_of(v, 1)) == 0;
}

/* ---- UTF-8 ---- */

enum { BEFORE = 3 }; /* the longest character has as many bytes before its last */

/* The bytes that may not stand where they stand. Before `at` there are three more. */
static vector find_no_utf8(const char *at)
{
    vector c = load(at), one = load(at - 1), two = load(at - 2), three = load(at - 3);
    vector is_tail = (vector)((c & 0xC0) == 0x80);
    vector wants_tail = (vector)(one >= 0xC0) | (vector)(two >= 0xE0) | (vector)(three >= 0xF0);
    vector is_no_byte = (vector)((c & 0xFE) == 0xC0) | (vector)(c >= 0xF5);
    vector is_overlong = ((vector)(one == 0xE0) & (vector)(c < 0xA0)) | ((vector)(one == 0xF0) & (vector)(c < 0x90));
    vector is_no_character = ((vector)(one == 0xED) & (vector)(c > 0x9F)) | ((vector)(one == 0xF4) & (vector)(c > 0x8F));

    return (is_tail ^ wants_tail) | is_no_byte | is_overlong | is_no_character;
}

static bool is_utf8(const char *at, const char *end)
{
    char   edge[BEFORE + VECTOR] = { 0 }; /* bytes that have no others before or behind them */
    size_t len = (size_t)(end - at), first = len < VECTOR ? len : VECTOR;
    vector wrong;

    memcpy(edge + BEFORE, at, first);
    wrong = find_no_utf8(edge + BEFORE);
    for (at += first; end - at >= VECTOR; at += VECTOR) wrong |= find_no_utf8(at);
    memset(edge, 0, sizeof edge); /* zeros are no tails: a character that is cut off shows */
    if (first == VECTOR) memcpy(edge, at - BEFORE, (size_t)(end - at) + BEFORE);
    return is_zero(wrong | find_no_utf8(edge + BEFORE));
}

/* ---- what stands for itself ---- */

/* Where the first quote, backslash or control character stands among VECTOR bytes; VECTOR: there is none. */
static size_t find_special(const char *at, vector *bits)
{
    vector a = load(at);
    vector marks = (vector)(a == '"') | (vector)(a == '\\') | (vector)(a < 0x20);
    uint64_t low = half_of(marks, 0), high = half_of(marks, 1);

    *bits |= a;
    if (low) return (size_t)__builtin_ctzll(low) / 8;
    return high ? 8 + (size_t)__builtin_ctzll(high) / 8 : VECTOR;
}

static bool is_special(char c)
{
    return c == '"' || c == '\\' || (unsigned char)c < 0x20;
}

/* To a quote, a backslash or a control character. The highest bits of `*bits` are set if a byte is not ASCII, there or
 * somewhere behind. */
static const char *skip_plain(const char *at, const char *end, vector *bits)
{
    while (end - at >= VECTOR) {
        size_t len = find_special(at, bits);
        at += len;
        if (len < VECTOR) return at;
    }
    for (; at < end && !is_special(*at); at++) *bits |= (unsigned char)*at;
    return at;
}

/* The same, copied to `*out` as far as `limit`, behind which there is room for VECTOR bytes more. */
static const char *copy_plain(const char *at, const char *end, vector *bits, char **out, const char *limit)
{
    while (end - at >= VECTOR && *out < limit) {
        size_t len = find_special(at, bits);
        memcpy(*out, at, VECTOR);
        *out += len;
        at += len;
        if (len < VECTOR) return at;
    }
    for (; at < end && *out < limit && !is_special(*at); at++) {
        *bits |= (unsigned char)*at;
        *(*out)++ = *at;
    }
    return at;
}

/* ---- escapes ---- */

/* The value of four hexadecimal digits, or less than 0. */
static int32_t take_hex(const char *at, const char *end)
{
    static const unsigned char one_more[256] = { /* than the digit's value; 0: it is none */
        ['0'] = 1,  ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,  ['6'] = 7,  ['7'] = 8,
        ['8'] = 9,  ['9'] = 10, ['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
        ['A'] = 11, ['B'] = 12, ['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16,
    };
    const unsigned char *digit = (const unsigned char *)at;

    if (end - at < 4) return -1;
    int32_t a = one_more[digit[0]] - 1, b = one_more[digit[1]] - 1, c = one_more[digit[2]] - 1, d = one_more[digit[3]] - 1;
    return (a | b | c | d) < 0 ? -1 : a << 12 | b << 8 | c << 4 | d;
}

/* Any but those of a pair. */
static char *put_unit(char *out, uint32_t unit)
{
    if (unit < 0x80) {
        *out++ = (char)unit;
        return out;
    }
    if (unit < 0x800) {
        *out++ = (char)(0xC0 | unit >> 6);
    } else {
        *out++ = (char)(0xE0 | unit >> 12);
        *out++ = (char)(0x80 | (unit >> 6 & 0x3F));
    }
    *out++ = (char)(0x80 | (unit & 0x3F));
    return out;
}

/* A surrogate pair, from behind its first \u; `high` is what stands there. */
static const char *take_pair(int32_t high, const char *at, const char *end, char **out)
{
    if (high > 0xDBFF || end - at < 10 || at[4] != '\\' || at[5] != 'u') return NULL;
    int32_t low = take_hex(at + 6, end);
    if (low < 0xDC00 || low > 0xDFFF) return NULL;

    uint32_t   c = 0x10000 + ((uint32_t)(high - 0xD800) << 10) + (uint32_t)(low - 0xDC00);
    const char bytes[4] = { (char)(0xF0 | c >> 18), (char)(0x80 | (c >> 12 & 0x3F)), (char)(0x80 | (c >> 6 & 0x3F)),
                            (char)(0x80 | (c & 0x3F)) };
    memcpy(*out, bytes, sizeof bytes);
    *out += sizeof bytes;
    return at + 10;
}

/* From behind the backslash. Which escape comes cannot be foreseen, so the usual ones are told apart without a branch. */
static const char *take_escape(const char *at, const char *end, char **out)
{
    static const unsigned char meanings[256] = { ['"'] = '"',  ['\\'] = '\\', ['/'] = '/',  ['b'] = '\b',
                                                 ['f'] = '\f', ['n'] = '\n',  ['r'] = '\r', ['t'] = '\t' };

    if (end - at < 5) return NULL; /* a string that ends so near to the record's end is rare */
    int32_t is_unicode = -(*at == 'u'), is_simple = ~is_unicode;
    int32_t meaning = meanings[(unsigned char)*at], unit = take_hex(at + 1, end);
    int32_t c = (unit & is_unicode) | ((meaning ? meaning : -1) & is_simple);

    if (c >= 0xD800 && c <= 0xDFFF) return take_pair(c, at + 1, end, out);
    if (c < 0) return NULL;
    *out = put_unit(*out, (uint32_t)c);
    return at + 1 + (4 & is_unicode);
}

/* ---- tokens ---- */

/* A text that is being copied: how long it gets shows only at its end. */
typedef struct copy {
    char       *text;
    char       *to;
    const char *limit; /* behind it there is room for VECTOR bytes more */
} copy;

/* Gives it room for twice what it has. */
static castor_status make_room(copy *out, cst_arena *arena)
{
    size_t len = (size_t)(out->to - out->text), size = len * 2 + ROOM_MIN;
    char  *room = cst_arena_alloc(arena, size + VECTOR);

    if (!room) return CASTOR_NO_MEMORY;
    memcpy(room, out->text, len);
    *out = (copy){ room, room + len, room + size };
    return CASTOR_OK;
}

/* A string whose first backslash stands at `*at`. */
static castor_status take_escaped(copy *out, const char **at, const char *end, vector *bits, cst_arena *arena)
{
    castor_status status = make_room(out, arena);

    while (status == CASTOR_OK && *at < end && **at != '"') {
        if (out->to >= out->limit) {
            status = make_room(out, arena);
            continue;
        }
        if (**at == '\\') *at = take_escape(*at + 1, end, &out->to);
        else if ((unsigned char)**at < 0x20) *at = NULL;
        if (!*at) return CASTOR_PROTOCOL;
        *at = copy_plain(*at, end, bits, &out->to, out->limit);
    }
    return status;
}

castor_status cst_json_take_string(const char **at, const char *end, cst_arena *arena, castor_str *out)
{
    const char   *start = *at;
    vector        bits = { 0 };
    castor_status status = CASTOR_OK;

    *at = skip_plain(start, end, &bits);
    *out = (castor_str){ start, (size_t)(*at - start) };
    if (*at < end && **at == '\\') {
        copy copied = { (char *)(uintptr_t)start, (char *)(uintptr_t)*at, NULL }; /* read only, until it has room */
        status = take_escaped(&copied, at, end, &bits, arena);
        *out = (castor_str){ copied.text, (size_t)(copied.to - copied.text) };
    }
    if (status != CASTOR_OK) return status;
    if (*at == end || **at != '"') return CASTOR_PROTOCOL;
    return is_zero(bits & 0x80) || is_utf8(start, *at) ? CASTOR_OK : CASTOR_PROTOCOL;
}

const char *cst_json_take_count(const char *at, const char *end, int64_t *out)
{
    const char *start = at;
    uint64_t    value = 0; /* one digit too many still fits */

    if (end - at > COUNT_DIGITS_MAX) end = at + COUNT_DIGITS_MAX + 1;
    for (unsigned digit; at < end && (digit = (unsigned)(unsigned char)*at - '0') <= 9; at++) value = value * 10 + digit;
    bool is_padded = at - start > 1 && *start == '0'; /* 007 */
    if (at == start || at - start > COUNT_DIGITS_MAX || is_padded) return NULL;
    *out = (int64_t)value;
    return at;
}
