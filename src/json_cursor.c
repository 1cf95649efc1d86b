/* json_cursor.c -- where each value of a document stands in its source text, which is one valid JSON text.
 * SPDX-License-Identifier: MIT
 */
#include "json_cursor.h"

#include <yyjson.h>

static yyjson_val *value_of(const cst_json *value)
{
    return (yyjson_val *)(uintptr_t)value; /* yyjson's readers want no const and change nothing */
}

static const char *skip_space(const char *at, const char *end)
{
    while (at < end && cst_is_space(*at)) at++;
    return at;
}

/* From the opening quote to behind the closing one. A quote counts unless an odd run of backslashes precedes it. */
static const char *skip_string(const char *at, const char *end)
{
    const char *start = at + 1;

    for (at = start; (at = memchr(at, '"', (size_t)(end - at))) != NULL; at++) {
        const char *back = at;
        while (back > start && back[-1] == '\\') back--;
        if ((at - back) % 2 == 0) return at + 1;
    }
    return end;
}

static const char *skip_container(const char *at, const char *end)
{
    size_t depth = 0;

    while (at < end) {
        switch (*at) {
        case '"':
            at = skip_string(at, end);
            continue;
        case '[':
        case '{':
            depth++;
            break;
        case ']':
        case '}':
            if (--depth == 0) return at + 1;
            break;
        default:
            break;
        }
        at++;
    }
    return end;
}

static bool ends_scalar(char c)
{
    return c == ',' || c == ']' || c == '}' || cst_is_space(c);
}

static const char *skip_value(const char *at, const char *end)
{
    if (at < end && *at == '"') return skip_string(at, end);
    if (at < end && (*at == '{' || *at == '[')) return skip_container(at, end);
    while (at < end && !ends_scalar(*at)) at++;
    return at;
}

static const char *skip_separator(const char *at, const char *end)
{
    at = skip_space(at, end);
    if (at < end && (*at == ',' || *at == ':')) at = skip_space(at + 1, end);
    return at;
}

cst_json_cursor cst_json_cursor_at_root(const cst_json_doc *doc, castor_str text)
{
    const char *end = text.data + text.len;

    return (cst_json_cursor){ cst_json_root(doc), skip_space(text.data, end), end };
}

cst_json_cursor cst_json_cursor_find(cst_json_cursor object, castor_str key)
{
    cst_json_cursor found = { 0 };
    yyjson_obj_iter members;

    if (!yyjson_obj_iter_init(value_of(object.value), &members)) return found;
    const char *at = skip_space(object.at + 1, object.end);
    for (yyjson_val *name; (name = yyjson_obj_iter_next(&members)) != NULL;) {
        at = skip_separator(skip_string(at, object.end), object.end);
        if (yyjson_equals_strn(name, key.data, key.len)) {
            yyjson_val *value = yyjson_obj_iter_get_val(name);
            bool        is_null = yyjson_is_null(value);
            if (!found.value || !is_null) found = (cst_json_cursor){ value, at, object.end };
            if (!is_null) return found;
        }
        at = skip_separator(skip_value(at, object.end), object.end);
    }
    return found;
}

cst_json_cursor cst_json_cursor_get(cst_json_cursor object, const char *key)
{
    return cst_json_cursor_find(object, castor_str_of(key));
}

cst_json_cursor cst_json_cursor_first(cst_json_cursor array)
{
    yyjson_val *first = yyjson_arr_get_first(value_of(array.value));

    if (!first) return (cst_json_cursor){ 0 };
    return (cst_json_cursor){ first, skip_space(array.at + 1, array.end), array.end };
}

cst_json_cursor cst_json_cursor_after(cst_json_cursor element, size_t *left)
{
    if (*left == 0) return (cst_json_cursor){ 0 };
    --*left;
    return (cst_json_cursor){ unsafe_yyjson_get_next(value_of(element.value)),
                              skip_separator(skip_value(element.at, element.end), element.end), element.end };
}

castor_str cst_json_source(cst_json_cursor cursor)
{
    if (!cursor.value) return CST_NONE;
    return (castor_str){ cursor.at, (size_t)(skip_value(cursor.at, cursor.end) - cursor.at) };
}
