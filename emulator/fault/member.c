/* member.c -- finds members of JSON objects in text that is to be spoilt.
 * SPDX-License-Identifier: MIT
 */
#include "fault/member.h"

/* Behind the string whose opening quote stands at `at`. */
static size_t string_end(castor_str text, size_t at)
{
    for (at++; at < text.len; at++) {
        if (text.data[at] == '"') return at + 1;
        if (text.data[at] == '\\') at++;
    }
    return text.len;
}

static size_t skip_space(castor_str text, size_t at)
{
    while (at < text.len && cst_is_space(text.data[at])) at++;
    return at;
}

size_t plx_value_end(castor_str text, size_t at)
{
    size_t depth = 0;

    while (at < text.len) {
        char c = text.data[at];
        if (depth == 0 && (c == ',' || c == '}' || c == ']' || cst_is_space(c))) return at;
        if (c == '"') {
            at = string_end(text, at);
            if (depth == 0) return at;
            continue;
        }
        at++;
        if (c == '{' || c == '[') depth++;
        else if ((c == '}' || c == ']') && --depth == 0) return at;
    }
    return at;
}

bool plx_member_next(castor_str text, size_t from, plx_member *out)
{
    for (size_t at = from; at < text.len;) {
        if (text.data[at] != '"') {
            at++;
            continue;
        }
        size_t end = string_end(text, at);
        size_t colon = skip_space(text, end);
        if (colon < text.len && text.data[colon] == ':') {
            out->key = at;
            out->value = skip_space(text, colon + 1);
            out->end = plx_value_end(text, out->value);
            return out->value < text.len;
        }
        at = end;
    }
    return false;
}

bool plx_member_find(castor_str text, const char *name, size_t from, plx_member *out)
{
    size_t len = strlen(name);

    while (plx_member_next(text, from, out)) {
        castor_str key = { text.data + out->key + 1, text.len - out->key - 1 };
        if (cst_str_starts_with(key, name) && len < key.len && key.data[len] == '"') return true;
        from = out->value;
    }
    return false;
}

castor_status plx_splice(cst_buf *text, size_t at, size_t count, castor_str insert)
{
    castor_status status = insert.len > count ? cst_buf_reserve(text, insert.len - count) : CASTOR_OK;

    if (status != CASTOR_OK) return status;
    memmove(text->data + at + insert.len, text->data + at + count, text->len - at - count);
    if (insert.len > 0) memcpy(text->data + at, insert.data, insert.len);
    text->len = text->len - count + insert.len;
    return CASTOR_OK;
}

castor_status plx_member_remove(cst_buf *text, const plx_member *member)
{
    castor_str view = cst_buf_view(text);
    size_t     from = member->key;
    size_t     end = skip_space(view, member->end);

    if (end < view.len && view.data[end] == ',') {
        end = skip_space(view, end + 1);
    } else {
        end = member->end;
        while (from > 0 && cst_is_space(view.data[from - 1])) from--;
        if (from > 0 && view.data[from - 1] == ',') from--;
        else from = member->key;
    }
    return plx_splice(text, from, end - from, CST_NONE);
}
