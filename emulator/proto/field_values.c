/* field_values.c -- reads the members of messages by the proto3 JSON rules.
 * SPDX-License-Identifier: MIT
 */
#include <inttypes.h>
#include <stdio.h>

#include "proto/fields.h"

enum { PATH_MAX_BYTES = 160 };

/* ---- names ---- */

bool plx_field_is(castor_str key, const char *name)
{
    size_t at = 0;

    if (cst_str_is(key, name)) return true;
    for (; *name; name++) {
        bool is_upper = *name >= 'A' && *name <= 'Z';
        if (is_upper && (at >= key.len || key.data[at++] != '_')) return false;
        if (at >= key.len || key.data[at++] != (is_upper ? (char)(*name - 'A' + 'a') : *name)) return false;
    }
    return at == key.len;
}

void plx_field_snake(char *out, size_t size, const char *name)
{
    size_t at = 0;

    for (; *name && at + 2 < size; name++) {
        bool is_upper = *name >= 'A' && *name <= 'Z';
        if (is_upper) out[at++] = '_';
        out[at++] = is_upper ? (char)(*name - 'A' + 'a') : *name;
    }
    out[at] = '\0';
}

/* ---- scalars ---- */

int64_t plx_base64_size(castor_str text)
{
    size_t len = text.len;

    while (len > 0 && text.len - len < 2 && text.data[len - 1] == '=') len--;
    for (size_t i = 0; i < len; i++) {
        char c = text.data[i];
        bool is_digit = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' ||
                        c == '/' || c == '-' || c == '_';
        if (!is_digit) return -1;
    }
    return len % 4 == 1 ? -1 : (int64_t)(len / 4 * 3 + (len % 4 ? len % 4 - 1 : 0));
}

const char *plx_choice_of(const cst_json *value, const plx_choices *choices)
{
    castor_str text = cst_json_string(value);
    castor_i64 number = cst_json_type_of(value) == CST_JSON_NUMBER ? cst_json_integer(value) : (castor_i64){ 0, 0 };

    for (size_t i = 0; choices->names[i]; i++) {
        castor_str name = castor_str_of(choices->names[i]);
        if (number.is_set && number.value == (int64_t)i) return name.data;
        if (text.data && (cst_str_equal(text, name) || (choices->in_any_case && cst_str_equal_nocase(text, name)))) {
            return name.data;
        }
    }
    return NULL;
}

/* ---- members ---- */

const cst_json *plx_field_get(const cst_json *object, const char *name)
{
    cst_json_iterator members = cst_json_iterate(object);
    const cst_json   *member;
    castor_str        key;

    if (cst_json_type_of(object) != CST_JSON_OBJECT) return NULL;
    while ((member = cst_json_next(&members, &key))) {
        if (plx_field_is(key, name)) return cst_json_type_of(member) == CST_JSON_NULL ? NULL : member;
    }
    return NULL;
}

size_t plx_list_count(const cst_json *value)
{
    if (!value) return 0;
    return cst_json_type_of(value) == CST_JSON_ARRAY ? cst_json_count(value) : 1;
}

plx_list plx_list_of(const cst_json *value)
{
    bool is_array = cst_json_type_of(value) == CST_JSON_ARRAY;

    return (plx_list){ is_array ? NULL : value, cst_json_iterate(is_array ? value : NULL), is_array };
}

const cst_json *plx_list_next(plx_list *list)
{
    const cst_json *only = list->only;

    list->only = NULL;
    return list->is_array ? cst_json_next(&list->each, NULL) : only;
}

const cst_json *plx_list_at(const cst_json *value, size_t index)
{
    return cst_json_type_of(value) == CST_JSON_ARRAY ? cst_json_at(value, index) : value;
}

bool plx_field_integer(const cst_json *object, const char *name, const char *path, int64_t least, int64_t most,
                       castor_i64 *out, plx_refusal *refusal)
{
    const cst_json *value = plx_field_get(object, name);
    char            snake[PATH_MAX_BYTES];
    char            place_text[2 * PATH_MAX_BYTES];

    *out = (castor_i64){ 0, 0 };
    if (!value) return true;
    plx_field_snake(snake, sizeof snake, name);
    snprintf(place_text, sizeof place_text, "%s%s%s", path, *path ? "." : "", snake);

    *out = cst_json_integer(value);
    if (!out->is_set) {
        return plx_refuse_field(refusal, place_text, "Invalid value at '%s' (TYPE_INT32): not a whole number.",
                                place_text);
    }
    if (out->value >= least && out->value <= most) return true;
    return plx_refuse_field(refusal, place_text,
                            "Invalid value at '%s': %" PRId64 " is not from %" PRId64 " to %" PRId64 ".", place_text,
                            out->value, least, most);
}

/* ---- printing ---- */

/* What does not fit is cut; what is left must be a number still. */
static void put_number(cst_json_writer *writer, const cst_json *value)
{
    char       scratch[32];
    castor_str label = cst_json_label(value, scratch);

    while (label.len > 0 && (label.data[label.len - 1] < '0' || label.data[label.len - 1] > '9')) label.len--;
    cst_json_put_raw(writer, label);
}

void plx_json_put(cst_json_writer *writer, const cst_json *value)
{
    cst_json_iterator each = cst_json_iterate(value);
    const cst_json   *inner;
    castor_str        key;

    switch (cst_json_type_of(value)) {
    case CST_JSON_STRING: cst_json_put_string(writer, cst_json_string(value)); break;
    case CST_JSON_NUMBER: put_number(writer, value); break;
    case CST_JSON_BOOL: cst_json_put_bool(writer, cst_json_is_true(value)); break;
    case CST_JSON_ARRAY:
        cst_json_open_array(writer);
        while ((inner = cst_json_next(&each, NULL))) plx_json_put(writer, inner);
        cst_json_close_array(writer);
        break;
    case CST_JSON_OBJECT:
        cst_json_open_object(writer);
        while ((inner = cst_json_next(&each, &key))) {
            cst_json_name(writer, key);
            plx_json_put(writer, inner);
        }
        cst_json_close_object(writer);
        break;
    default: cst_json_put_null(writer); break;
    }
}
