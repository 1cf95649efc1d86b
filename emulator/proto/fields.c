/* fields.c -- reads request bodies by the proto3 JSON rules, and names what does not belong there.
 * SPDX-License-Identifier: MIT
 */
#include "proto/fields.h"

#include <inttypes.h>
#include <stdio.h>

enum { PATH_MAX_BYTES = 160 };

/* Whether `key` is the camelCase `name`, or its snake_case form. */
static bool is_name(castor_str key, const char *name)
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

/* Paths in error texts are in snake_case. */
static void print_snake(char *out, size_t size, const char *name)
{
    size_t at = 0;

    for (; *name && at + 2 < size; name++) {
        bool is_upper = *name >= 'A' && *name <= 'Z';
        if (is_upper) out[at++] = '_';
        out[at++] = is_upper ? (char)(*name - 'A' + 'a') : *name;
    }
    out[at] = '\0';
}

static const plx_field *find_field(const plx_message_type *type, castor_str key)
{
    for (size_t i = 0; i < type->field_count; i++) {
        if (is_name(key, type->fields[i].name)) return &type->fields[i];
    }
    return NULL;
}

static void refuse_unknown(plx_refusal *refusal, const char *path, castor_str key)
{
    char name[PATH_MAX_BYTES];

    cst_copy_text(name, sizeof name, key);
    plx_refuse_field(refusal, path, "Invalid JSON payload received. Unknown name \"%s\"%s%s%s: Cannot find field.",
                     name, *path ? " at '" : "", path, *path ? "'" : "");
}

static void check_message(const cst_json *value, const plx_message_type *type, const char *path, plx_refusal *refusal);

static void check_field(const cst_json *value, const plx_field *field, const char *path, plx_refusal *refusal)
{
    char name[PATH_MAX_BYTES];
    char place[2 * PATH_MAX_BYTES];

    if (!field->type || cst_json_type_of(value) == CST_JSON_NULL) return;
    print_snake(name, sizeof name, field->name);
    if (cst_json_type_of(value) != CST_JSON_ARRAY) {
        snprintf(place, sizeof place, "%s%s%s", path, *path ? "." : "", name);
        check_message(value, field->type, place, refusal);
        return;
    }

    cst_json_iterator elements = cst_json_iterate(value);
    const cst_json   *element;
    for (size_t i = 0; (element = cst_json_next(&elements, NULL)); i++) {
        if (refusal->violation_count == PLX_VIOLATIONS_MAX) break;
        snprintf(place, sizeof place, "%s%s%s[%zu]", path, *path ? "." : "", name, i);
        check_message(element, field->type, place, refusal);
    }
}

/* Goes as deep as the tables do, so the body's own nesting does not matter. */
static void check_message(const cst_json *value, const plx_message_type *type, const char *path, plx_refusal *refusal)
{
    cst_json_iterator members = cst_json_iterate(value);
    const cst_json   *member;
    castor_str        key;

    if (strlen(path) >= PATH_MAX_BYTES) return;
    if (cst_json_type_of(value) != CST_JSON_OBJECT) {
        plx_refuse_field(refusal, path, "Invalid value at '%s' (%s): an object was expected.", path, type->name);
        return;
    }
    while ((member = cst_json_next(&members, &key)) && refusal->violation_count < PLX_VIOLATIONS_MAX) {
        const plx_field *field = find_field(type, key);
        if (field) check_field(member, field, path, refusal);
        else refuse_unknown(refusal, path, key);
    }
}

bool plx_fields_check(const cst_json *object, const plx_message_type *type, plx_refusal *refusal)
{
    if (cst_json_type_of(object) != CST_JSON_OBJECT) {
        return plx_refuse(refusal, 400, "Invalid JSON payload received. The body must be one JSON object.");
    }
    check_message(object, type, "", refusal);
    return refusal->code == 0;
}

const cst_json *plx_field_get(const cst_json *object, const char *name)
{
    cst_json_iterator members = cst_json_iterate(object);
    const cst_json   *member;
    castor_str        key;

    if (cst_json_type_of(object) != CST_JSON_OBJECT) return NULL;
    while ((member = cst_json_next(&members, &key))) {
        if (is_name(key, name)) return cst_json_type_of(member) == CST_JSON_NULL ? NULL : member;
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
    char            place[2 * PATH_MAX_BYTES];

    *out = (castor_i64){ 0, 0 };
    if (!value) return true;
    print_snake(snake, sizeof snake, name);
    snprintf(place, sizeof place, "%s%s%s", path, *path ? "." : "", snake);

    *out = cst_json_integer(value);
    if (!out->is_set) {
        return plx_refuse_field(refusal, place, "Invalid value at '%s' (TYPE_INT32): not a whole number.", place);
    }
    if (out->value >= least && out->value <= most) return true;
    return plx_refuse_field(refusal, place,
                            "Invalid value at '%s': %" PRId64 " is not from %" PRId64 " to %" PRId64 ".", place,
                            out->value, least, most);
}
