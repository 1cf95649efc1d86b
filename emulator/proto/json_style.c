/* json_style.c -- prints JSON with the white space and the escapes that Google's servers use.
 * SPDX-License-Identifier: MIT
 */
#include "proto/json_style.h"

typedef struct printer {
    cst_buf       *out;
    castor_status  status;
    plx_json_style style;
    size_t         depth;
} printer;

static void put(printer *p, const char *bytes, size_t len)
{
    if (p->status == CASTOR_OK) p->status = cst_buf_append(p->out, bytes, len);
}

static void put_newline(printer *p)
{
    if (p->style != PLX_JSON_INDENTED) return;
    put(p, "\n", 1);
    for (size_t i = 0; i < p->depth; i++) put(p, "  ", 2);
}

/* Copies the string that starts at `at` (a quote); returns where its closing quote stands. */
static size_t put_text(printer *p, castor_str json, size_t at)
{
    size_t from = at++;

    while (at < json.len && json.data[at] != '"') {
        char c = json.data[at];
        if (c == '<' || c == '>') {
            put(p, json.data + from, at - from);
            put(p, c == '<' ? "\\u003c" : "\\u003e", 6);
            from = at + 1;
        }
        at += c == '\\' ? 2 : 1;
    }
    if (at >= json.len) at = json.len - 1;
    put(p, json.data + from, at + 1 - from);
    return at;
}

static bool closes_at_once(castor_str json, size_t at)
{
    return at + 1 < json.len && (json.data[at + 1] == '}' || json.data[at + 1] == ']');
}

castor_status plx_json_print_styled(cst_buf *out, castor_str json, plx_json_style style)
{
    printer p = { .out = out, .style = style };

    for (size_t at = 0; at < json.len && p.status == CASTOR_OK; at++) {
        char c = json.data[at];
        switch (c) {
        case '"': at = put_text(&p, json, at); break;
        case '{':
        case '[':
            put(&p, &c, 1);
            if (closes_at_once(json, at)) {
                put(&p, json.data + ++at, 1);
                break;
            }
            p.depth++;
            put_newline(&p);
            break;
        case '}':
        case ']':
            p.depth--;
            put_newline(&p);
            put(&p, &c, 1);
            break;
        case ',':
            put(&p, &c, 1);
            put_newline(&p);
            break;
        case ':': put(&p, ": ", 2); break;
        default: put(&p, &c, 1); break;
        }
    }
    return p.status;
}

castor_status plx_json_squeeze(cst_buf *out, castor_str json)
{
    castor_status status = CASTOR_OK;
    bool          in_text = false;
    size_t        from = 0;

    for (size_t at = 0; at < json.len && status == CASTOR_OK; at++) {
        char c = json.data[at];
        if (c == '"') in_text = !in_text;
        if (in_text && c == '\\') at++;
        if (in_text || !cst_is_space(c)) continue;
        status = cst_buf_append(out, json.data + from, at - from);
        from = at + 1;
    }
    return status == CASTOR_OK ? cst_buf_append(out, json.data + from, json.len - from) : status;
}
