/* pattern.c -- makes up a text that a simple regular expression matches.
 * SPDX-License-Identifier: MIT
 *
 * Reads the expression from left to right and prints as it goes. A repetition prints again what the last atom printed.
 */
#include "generate/pattern.h"

typedef struct reader {
    castor_str    left;
    cst_buf      *out;
    size_t       *steps_left;
    size_t        missing;  /* characters by which repetitions should make the text longer */
    size_t        depth;
    bool          is_dry;   /* a later alternative: it is only read */
    castor_status status;
} reader;

static void read_alternatives(reader *r);

/* ---- in and out ---- */

static char peek(const reader *r) { return r->left.len > 0 ? r->left.data[0] : '\0'; }

static bool is_continuation(char c) { return ((unsigned char)c & 0xC0) == 0x80; }

/* A whole character. */
static castor_str take(reader *r)
{
    size_t len = r->left.len > 0;

    while (len > 0 && len < r->left.len && is_continuation(r->left.data[len])) len++;
    castor_str c = { r->left.data, len };
    if (len == 0) r->status = CASTOR_PROTOCOL;
    r->left = (castor_str){ r->left.data + len, r->left.len - len };
    return c;
}

static bool take_if(reader *r, char c)
{
    if (r->left.len == 0 || peek(r) != c) return false;
    take(r);
    return true;
}

static void put(reader *r, castor_str text)
{
    if (r->is_dry || r->status != CASTOR_OK) return;
    if (text.len > *r->steps_left) r->status = CASTOR_LIMIT;
    else *r->steps_left -= text.len;
    if (r->status == CASTOR_OK) r->status = cst_buf_append_str(r->out, text);
}

static size_t count_characters(const cst_buf *out, size_t from)
{
    size_t count = 0;

    for (size_t i = from; i < out->len; i++) count += !is_continuation(out->data[i]);
    return count;
}

/* ---- single characters ---- */

/* What stands for an escape; absent: nothing that is known. */
static castor_str escaped(castor_str c)
{
    static const char known[][2] = { "d1", "wa", "s ", "Da", "W-", "Sa", "n\n", "t\t" };
    char              name = c.len == 1 ? c.data[0] : '\0';

    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (known[i][0] == name) return (castor_str){ &known[i][1], 1 };
    }
    bool is_letter = (name >= 'a' && name <= 'z') || (name >= 'A' && name <= 'Z') || (name >= '0' && name <= '9');
    return is_letter ? CST_NONE : c;
}

static castor_str read_escape(reader *r)
{
    castor_str c = escaped(take(r));

    if (c.len == 0) r->status = CASTOR_PROTOCOL;
    return c;
}

/* Of one byte; longer characters are never looked for. */
static void exclude(bool excluded[128], castor_str from, castor_str to)
{
    for (int c = from.len > 0 ? (unsigned char)from.data[0] : 128; c < 128; c++) {
        if (to.len > 0 && c <= (unsigned char)to.data[0]) excluded[c] = true;
    }
}

/* \d, \w and \s stand for more than the one that is printed for them. */
static void exclude_kind(bool excluded[128], char kind)
{
    if (kind == 'd' || kind == 'w') exclude(excluded, CASTOR_STR("0"), CASTOR_STR("9"));
    if (kind == 's') exclude(excluded, CASTOR_STR("\t"), CASTOR_STR("\r"));
    if (kind != 'w') return;
    exclude(excluded, CASTOR_STR("A"), CASTOR_STR("Z"));
    exclude(excluded, CASTOR_STR("a"), CASTOR_STR("z"));
    exclude(excluded, CASTOR_STR("_"), CASTOR_STR("_"));
}

/* One character of a class, or a range of them: its first. */
static castor_str read_members(reader *r, bool excluded[128])
{
    castor_str from = take(r), to;

    if (from.len == 1 && from.data[0] == '\\') {
        exclude_kind(excluded, peek(r));
        from = read_escape(r);
    }
    to = from;
    if (r->left.len > 1 && peek(r) == '-' && r->left.data[1] != ']') {
        take(r);
        to = take(r);
    }
    exclude(excluded, from, to);
    return from;
}

/* [a-z]: its first character. [^a-z]: one of a few that it does not name. */
static castor_str read_class(reader *r)
{
    static const char others[] = "x0-_ A!#";
    bool              is_negated = take_if(r, '^');
    bool              excluded[128] = { false };
    castor_str        first = CST_NONE;

    for (bool is_first = true; r->status == CASTOR_OK && (is_first || peek(r) != ']'); is_first = false) {
        castor_str one = read_members(r, excluded);
        if (first.len == 0) first = one;
    }
    take(r);
    for (const char *c = others; is_negated && *c; c++) {
        if (!excluded[(unsigned char)*c]) return (castor_str){ c, 1 };
    }
    return first;
}

/* ---- what is made of them ---- */

static void read_group(reader *r)
{
    if (take_if(r, '?') && !take_if(r, ':')) r->status = CASTOR_PROTOCOL;
    if (++r->depth > PLX_SCHEMA_DEPTH_MAX) r->status = CASTOR_PROTOCOL;
    if (r->status == CASTOR_OK) read_alternatives(r);
    r->depth--;
    if (!take_if(r, ')')) r->status = CASTOR_PROTOCOL;
}

static void read_atom(reader *r)
{
    castor_str c = take(r);

    switch (c.len > 0 ? c.data[0] : '\0') {
    case '^':
    case '$': break;
    case '.': put(r, CASTOR_STR("a")); break;
    case '\\': put(r, read_escape(r)); break;
    case '[': put(r, read_class(r)); break;
    case '(': read_group(r); break;
    case '*':
    case '+':
    case '?':
    case '{':
    case ')': r->status = CASTOR_PROTOCOL; break;
    default: put(r, c); break;
    }
}

static size_t read_number(reader *r)
{
    size_t value = 0;

    if (peek(r) < '0' || peek(r) > '9') r->status = CASTOR_PROTOCOL;
    while (peek(r) >= '0' && peek(r) <= '9' && value < PLX_PATTERN_REPEATS_MAX) {
        value = value * 10 + (size_t)(take(r).data[0] - '0');
    }
    if (value > PLX_PATTERN_REPEATS_MAX) r->status = CASTOR_LIMIT;
    return value;
}

/* How often the atom before it stands there, and how often it may. */
static size_t read_repetition(reader *r, size_t *most)
{
    bool   is_open = take_if(r, '*') || take_if(r, '+');
    size_t least = 1;

    *most = is_open ? SIZE_MAX : 1;
    if (is_open || take_if(r, '?')) {
        take_if(r, '?'); /* lazy or not, it is the same text */
        return 1;
    }
    if (!take_if(r, '{')) return 1;
    *most = least = read_number(r);
    if (take_if(r, ',')) {
        *most = peek(r) == '}' ? SIZE_MAX : read_number(r);
        if (least == 0 && *most > 0 && *most < SIZE_MAX) least = 1;
    }
    if (!take_if(r, '}')) r->status = CASTOR_PROTOCOL;
    return least;
}

/* More of them, if the text is to be longer. */
static size_t stretch(reader *r, size_t times, size_t most, size_t width)
{
    size_t more = width > 0 && most > times ? (r->missing + width - 1) / width : 0;

    if (more > most - times) more = most - times;
    r->missing -= more * width < r->missing ? more * width : r->missing;
    return times + more;
}

static void repeat(reader *r, size_t from, size_t times)
{
    size_t len = r->out->len - from;

    if (times == 0) r->out->len = from;
    for (size_t i = 1; i < times && len > 0 && r->status == CASTOR_OK; i++) {
        r->status = cst_buf_reserve(r->out, len);
        put(r, (castor_str){ r->out->data + from, len });
    }
}

static void read_sequence(reader *r)
{
    while (r->status == CASTOR_OK && r->left.len > 0 && peek(r) != '|' && peek(r) != ')') {
        size_t from = r->out->len, most;
        read_atom(r);
        if (r->status != CASTOR_OK) return;
        size_t times = read_repetition(r, &most);
        if (r->status != CASTOR_OK || r->is_dry) continue;
        repeat(r, from, stretch(r, times, most, r->missing > 0 ? count_characters(r->out, from) : 0));
    }
}

/* The first is printed; the rest is only read. */
static void read_alternatives(reader *r)
{
    bool was_dry = r->is_dry;

    read_sequence(r);
    r->is_dry = true;
    while (r->status == CASTOR_OK && take_if(r, '|')) read_sequence(r);
    r->is_dry = was_dry;
}

castor_status plx_pattern_print(castor_str pattern, size_t missing, size_t *steps_left, cst_buf *out)
{
    reader r = { .left = pattern, .out = out, .steps_left = steps_left, .missing = missing };
    size_t before = out->len;

    if (pattern.len > *steps_left) return CASTOR_LIMIT;
    *steps_left -= pattern.len;
    read_alternatives(&r);
    if (r.status == CASTOR_OK && r.left.len > 0) r.status = CASTOR_PROTOCOL;
    if (r.status != CASTOR_OK) out->len = before;
    return r.status;
}
