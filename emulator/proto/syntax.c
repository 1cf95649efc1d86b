/* syntax.c -- what is wrong with a body that is no JSON, in the words of Google's parser.
 * SPDX-License-Identifier: MIT
 *
 * The service reads JSON with the stream parser of protobuf, whose source has the words. It is more lenient than ours:
 * it takes commas behind the last element, quotes of the other kind and keys without any. Those get words that fit.
 */
#include "proto/syntax.h"

#include <stdio.h>

enum { NEST_MAX = 256 /* bodies that are read nest no deeper */, AROUND_BYTES = 20 /* as the service shows */ };

/* What may come next. */
typedef enum expected {
    A_VALUE,
    A_VALUE_OR_END, /* in a list */
    A_KEY,
    A_COLON,
    A_COMMA_IN_OBJECT,
    A_COMMA_IN_LIST,
    THE_END,
    A_QUOTE,        /* in a string */
    A_DIGIT         /* in a number */
} expected;

static const char *const wishes[] = {
    [A_VALUE] = "Expected a value.",
    [A_VALUE_OR_END] = "Expected a value or ] within an array.",
    [A_KEY] = "Expected an object key or }.",
    [A_COLON] = "Expected : between key:value pair.",
    [A_COMMA_IN_OBJECT] = "Expected , or } after key:value pair.",
    [A_COMMA_IN_LIST] = "Expected , or ] after array value.",
    [THE_END] = "Parsing terminated before end of input.",
    [A_QUOTE] = "Closing quote expected in string.",
    [A_DIGIT] = "Unable to parse number.",
};

typedef struct scan {
    castor_str text;             /* JSON so far, and nothing behind */
    size_t     at;
    expected   next;
    size_t     depth;
    bool       is_list[NEST_MAX];
} scan;

/* ---- what was expected ---- */

static void end_value(scan *s)
{
    if (s->depth == 0) s->next = THE_END;
    else s->next = s->is_list[s->depth - 1] ? A_COMMA_IN_LIST : A_COMMA_IN_OBJECT;
}

static void open_container(scan *s, bool is_list)
{
    if (s->depth == NEST_MAX) return; /* nobody will say that this is JSON */
    s->is_list[s->depth++] = is_list;
    s->next = is_list ? A_VALUE_OR_END : A_KEY;
}

static void skip_string(scan *s)
{
    size_t at = s->at + 1;

    while (at < s->text.len && s->text.data[at] != '"') at += s->text.data[at] == '\\' ? 2 : 1;
    s->at = at + 1;
    if (at >= s->text.len) s->next = A_QUOTE;
    else if (s->next == A_KEY) s->next = A_COLON;
    else end_value(s);
}

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

static bool is_literal(castor_str word)
{
    return cst_str_is(word, "true") || cst_str_is(word, "false") || cst_str_is(word, "null");
}

/* A number or a word. A number ends in a digit; half a word at the end is no value yet. */
static void skip_plain(scan *s)
{
    size_t from = s->at;
    char   first = s->text.data[from], c = first, last = first;

    while (!cst_is_space(c) && !strchr(",:]}[{\"", c)) {
        last = c;
        if (++s->at == s->text.len) break;
        c = s->text.data[s->at];
    }
    bool is_number = first == '-' || is_digit(first);
    if (is_number && !is_digit(last)) s->next = A_DIGIT;
    else if (is_number || is_literal((castor_str){ s->text.data + from, s->at - from })) end_value(s);
}

static void step(scan *s)
{
    char c = s->text.data[s->at];

    if (c == '"') {
        skip_string(s);
        return;
    }
    if (!strchr(",:]}[{ \t\r\n", c)) {
        skip_plain(s);
        return;
    }
    s->at++;
    if (c == '{' || c == '[') open_container(s, c == '[');
    if (c == ':') s->next = A_VALUE;
    if (c == ',') s->next = s->depth > 0 && s->is_list[s->depth - 1] ? A_VALUE_OR_END : A_KEY;
    if (c == '}' || c == ']') {
        if (s->depth > 0) s->depth--;
        end_value(s);
    }
}

static expected find_expected(castor_str text)
{
    scan s = { .text = text, .next = A_VALUE };

    while (s.at < s.text.len && s.next != A_DIGIT) step(&s); /* the reader may stop behind a number that is none */
    return s.next;
}

/* ---- in words ---- */

static const char *explain_string(char c)
{
    if ((unsigned char)c >= 0x80) return "Encountered non UTF-8 code points.";
    return (unsigned char)c < ' ' ? "Unexpected token." : "Invalid escape sequence.";
}

static const char *explain_value(char c, expected next)
{
    bool is_word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$';

    if (c == '0') return "Octal/hex numbers are not valid JSON values."; /* else it would be the number */
    if (c == '-' || is_digit(c)) return wishes[A_DIGIT];
    return is_word || (c != '\0' && strchr("}]:,", c)) ? "Unexpected token." : wishes[next];
}

static const char *explain(char c, expected next)
{
    bool is_comma_wanted = next == A_COMMA_IN_OBJECT || next == A_COMMA_IN_LIST;

    if (next == A_QUOTE) return explain_string(c);
    if (next == A_VALUE || next == A_VALUE_OR_END) return explain_value(c, next);
    return c == ',' && is_comma_wanted ? "Unexpected token." : wishes[next]; /* it is what follows that is wrong */
}

bool plx_refuse_syntax(plx_refusal *refusal, castor_str body, size_t offset)
{
    size_t   from = offset > AROUND_BYTES ? offset - AROUND_BYTES : 0;
    size_t   len = body.len - from < 2 * AROUND_BYTES ? body.len - from : 2 * AROUND_BYTES;
    char     excerpt[2 * AROUND_BYTES + 1];
    expected next = find_expected((castor_str){ body.data, offset });
    bool     is_end = offset >= body.len, is_inside = next == A_QUOTE || next == A_DIGIT;

    memcpy(excerpt, body.data + from, len);
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)excerpt[i] < ' ' || (unsigned char)excerpt[i] > '~') excerpt[i] = ' ';
    }
    excerpt[len] = '\0';
    return plx_refuse_field(refusal, "", "Invalid JSON payload received. %s%s\n%s\n%*s^",
                            is_end && !is_inside ? "Unexpected end of string. " : "",
                            is_end ? wishes[next] : explain(body.data[offset], next), excerpt,
                            (int)(offset - from), "");
}
