/* pattern.c -- makes up a text that a simple regular expression matches.
 * SPDX-License-Identifier: MIT
 *
 * Reads the expression from left to right and prints as it goes. A repetition prints again what the last atom printed.
 */
#include "generate/pattern.h"

typedef struct reader {
    castor_str    left;
    cst_buf      *out;
    size_t        depth;
    castor_status status;
} reader;

static void read_alternatives(reader *r);

static char peek(const reader *r) { return r->left.len > 0 ? r->left.data[0] : '\0'; }

static char take(reader *r)
{
    char c = peek(r);

    if (r->left.len == 0) r->status = CASTOR_PROTOCOL;
    else r->left = (castor_str){ r->left.data + 1, r->left.len - 1 };
    return c;
}

static bool take_if(reader *r, char c)
{
    if (r->left.len == 0 || peek(r) != c) return false;
    take(r);
    return true;
}

static void put(reader *r, char c)
{
    if (r->status == CASTOR_OK) r->status = cst_buf_append(r->out, &c, 1);
}

/* What stands for an escape; 0: nothing that is known. */
static char escaped(char c)
{
    switch (c) {
    case 'd': return '1';
    case 'w': return 'a';
    case 's': return ' ';
    case 'D': return 'a';
    case 'W': return '-';
    case 'S': return 'a';
    case 'n': return '\n';
    case 't': return '\t';
    default: return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ? '\0' : c;
    }
}

static void read_escape(reader *r)
{
    char c = escaped(take(r));

    if (c == '\0') r->status = CASTOR_PROTOCOL;
    put(r, c);
}

/* [a-z]: its first character. [^a-z]: one of a few that it does not name. */
static void read_class(reader *r)
{
    static const char others[] = "x0-_ A";
    bool              is_negated = take_if(r, '^');
    bool              excluded[256] = { false };
    char              first = '\0';

    for (bool is_first = true; r->status == CASTOR_OK && (is_first || peek(r) != ']'); is_first = false) {
        char from = take(r), to;
        if (from == '\\') {
            if ((from = escaped(take(r))) == '\0') r->status = CASTOR_PROTOCOL;
        }
        to = from;
        if (r->left.len > 1 && peek(r) == '-' && r->left.data[1] != ']') {
            take(r);
            to = take(r);
        }
        if (first == '\0') first = from;
        for (int c = (unsigned char)from; c <= (unsigned char)to; c++) excluded[c] = true;
    }
    take(r);
    for (const char *c = others; is_negated && *c; c++) {
        if (!excluded[(unsigned char)*c]) {
            first = *c;
            break;
        }
    }
    put(r, first);
}

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
    char c = take(r);

    switch (c) {
    case '^':
    case '$': break;
    case '.': put(r, 'a'); break;
    case '\\': read_escape(r); break;
    case '[': read_class(r); break;
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
        value = value * 10 + (size_t)(take(r) - '0');
    }
    if (value > PLX_PATTERN_REPEATS_MAX) r->status = CASTOR_LIMIT;
    return value;
}

/* How often the atom before it stands there. */
static size_t read_repetition(reader *r)
{
    size_t least = 1;

    if (take_if(r, '*') || take_if(r, '+') || take_if(r, '?')) {
        take_if(r, '?'); /* lazy or not, it is the same text */
        return 1;
    }
    if (!take_if(r, '{')) return 1;
    least = read_number(r);
    if (take_if(r, ',')) {
        bool has_most = peek(r) != '}';
        if (has_most && read_number(r) > 0 && least == 0) least = 1;
    }
    if (!take_if(r, '}')) r->status = CASTOR_PROTOCOL;
    return least;
}

static void read_sequence(reader *r)
{
    while (r->status == CASTOR_OK && r->left.len > 0 && peek(r) != '|' && peek(r) != ')') {
        size_t from = r->out->len;
        read_atom(r);
        size_t len = r->out->len - from;
        size_t times = r->status == CASTOR_OK ? read_repetition(r) : 1;
        if (times == 0) r->out->len = from;
        for (size_t i = 1; i < times && r->status == CASTOR_OK; i++) {
            r->status = cst_buf_reserve(r->out, len);
            if (r->status == CASTOR_OK) r->status = cst_buf_append(r->out, r->out->data + from, len);
        }
    }
}

/* The first is printed; the rest is only read. */
static void read_alternatives(reader *r)
{
    read_sequence(r);
    size_t end = r->out->len;
    while (r->status == CASTOR_OK && take_if(r, '|')) read_sequence(r);
    if (r->status == CASTOR_OK) r->out->len = end;
}

castor_status plx_pattern_print(castor_str pattern, cst_buf *out)
{
    reader r = { .left = pattern, .out = out };
    size_t before = out->len;

    read_alternatives(&r);
    if (r.status == CASTOR_OK && r.left.len > 0) r.status = CASTOR_PROTOCOL;
    if (r.status != CASTOR_OK) out->len = before;
    return r.status;
}
