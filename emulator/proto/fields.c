/* fields.c -- reads request bodies by the proto3 JSON rules, and names what does not belong there.
 * SPDX-License-Identifier: MIT
 */
#include "proto/fields.h"

#include <stdio.h>
#include <stdlib.h>

enum { PATH_MAX_BYTES = 160, QUOTED_MAX_BYTES = 120 };

/* ---- where a value stands ---- */

/* A link of the chain from a value up to the body. Only an error prints it. */
typedef struct place {
    const struct place *above;    /* NULL: the body itself */
    const char         *name;
    size_t              index;    /* SIZE_MAX: no list */
    bool                is_value; /* of a map's entry */
} place;

/* As much as fits. */
static void append(char *out, size_t size, const char *text)
{
    size_t used = strlen(out);

    cst_copy_text(out + used, size - used, castor_str_of(text));
}

static void print_place(const place *at, char *out, size_t size)
{
    char name[PATH_MAX_BYTES];
    char index[32];

    *out = '\0';
    if (!at || !at->above) return;
    print_place(at->above, out, size);
    plx_field_snake(name, sizeof name, at->name);
    if (*out) append(out, size, ".");
    append(out, size, name);
    if (at->index == SIZE_MAX) return;
    snprintf(index, sizeof index, "[%zu]%s", at->index, at->is_value ? ".value" : "");
    append(out, size, index);
}

/* ---- what is wrong with it ---- */

static bool has_room(const plx_refusal *refusal) { return refusal->violation_count < PLX_VIOLATIONS_MAX; }

static void refuse_name(plx_refusal *refusal, const place *at, castor_str key, const char *why)
{
    char path[PATH_MAX_BYTES];
    char name[PATH_MAX_BYTES];

    print_place(at, path, sizeof path);
    cst_copy_text(name, sizeof name, key);
    plx_refuse_field(refusal, path, "Invalid JSON payload received. Unknown name \"%s\"%s%s%s: %s", name,
                     *path ? " at '" : "", path, *path ? "'" : "", why);
}

static void refuse_value(plx_refusal *refusal, const place *at, const char *type, const char *what)
{
    char path[PATH_MAX_BYTES];

    print_place(at, path, sizeof path);
    plx_refuse_field(refusal, path, "Invalid value%s%s%s (%s), %s", *path ? " at '" : "", path, *path ? "'" : "", type,
                     what);
}

/* The same, with the value itself as the reason. */
static void refuse_shown(plx_refusal *refusal, const place *at, const char *type, const cst_json *value)
{
    char       scratch[32];
    char       shown[QUOTED_MAX_BYTES];
    char       quoted[QUOTED_MAX_BYTES + 2];
    castor_str label = cst_json_label(value, scratch);
    bool       is_text = cst_json_type_of(value) == CST_JSON_STRING;

    if (cst_json_type_of(value) == CST_JSON_BOOL) {
        label = cst_json_is_true(value) ? CASTOR_STR("true") : CASTOR_STR("false");
    }
    cst_copy_text(shown, sizeof shown, label);
    snprintf(quoted, sizeof quoted, "%s%s%s", is_text ? "\"" : "", shown, is_text ? "\"" : "");
    refuse_value(refusal, at, type, quoted);
}

/* ---- scalars ---- */

static bool is_number(const cst_json *value)
{
    char       scratch[32];
    castor_str label = cst_json_label(value, scratch);
    char       text[64];
    char      *end = NULL;

    if (cst_json_type_of(value) == CST_JSON_NUMBER) return true;
    if (cst_json_type_of(value) != CST_JSON_STRING || label.len == 0 || label.len >= sizeof text) return false;
    cst_copy_text(text, sizeof text, label);
    (void)strtod(text, &end);
    return *end == '\0' && !cst_is_space(text[0]);
}

static bool fits_integer(const cst_json *value, int64_t least, int64_t most)
{
    castor_i64 number = cst_json_integer(value);

    return number.is_set && number.value >= least && number.value <= most;
}

static void check_bytes(const cst_json *value, const place *at, plx_refusal *refusal)
{
    castor_str text = cst_json_string(value);
    char       shown[QUOTED_MAX_BYTES / 2];
    char       why[QUOTED_MAX_BYTES];

    if (!text.data) {
        refuse_shown(refusal, at, "TYPE_BYTES", value);
    } else if (plx_base64_size(text) < 0) {
        cst_copy_text(shown, sizeof shown, text);
        snprintf(why, sizeof why, "Base64 decoding failed for \"%s\"", shown);
        refuse_value(refusal, at, "TYPE_BYTES", why);
    }
}

static void check_scalar(const cst_json *value, const plx_field *field, const place *at, plx_refusal *refusal)
{
    cst_json_type type = cst_json_type_of(value);

    switch (field->kind) {
    case PLX_STRING:
        if (type != CST_JSON_STRING) refuse_shown(refusal, at, "TYPE_STRING", value);
        break;
    case PLX_BYTES: check_bytes(value, at, refusal); break;
    case PLX_BOOL:
        if (type != CST_JSON_BOOL && !cst_str_is(cst_json_string(value), "true") &&
            !cst_str_is(cst_json_string(value), "false")) {
            refuse_shown(refusal, at, "TYPE_BOOL", value);
        }
        break;
    case PLX_INT32:
        if (!fits_integer(value, INT32_MIN, INT32_MAX)) refuse_shown(refusal, at, "TYPE_INT32", value);
        break;
    case PLX_INT64:
        if (!fits_integer(value, INT64_MIN, INT64_MAX)) refuse_shown(refusal, at, "TYPE_INT64", value);
        break;
    case PLX_FLOAT:
        if (!is_number(value)) refuse_shown(refusal, at, "TYPE_FLOAT", value);
        break;
    case PLX_DOUBLE:
        if (!is_number(value)) refuse_shown(refusal, at, "TYPE_DOUBLE", value);
        break;
    case PLX_ENUM:
        if (!plx_choice_of(value, field->choices)) refuse_shown(refusal, at, field->choices->name, value);
        break;
    default: break;
    }
}

/* ---- messages ---- */

static void check_message(const cst_json *value, const plx_message_type *type, const place *at, plx_refusal *refusal);

static void check_map(const cst_json *value, const plx_field *field, const place *at, plx_refusal *refusal)
{
    cst_json_iterator entries = cst_json_iterate(value);
    const cst_json   *entry;

    for (size_t i = 0; (entry = cst_json_next(&entries, NULL)) && has_room(refusal); i++) {
        place own = { at->above, at->name, i, true };
        check_message(entry, field->type, &own, refusal);
    }
}

/* One value: of a list, an element. */
static void check_value(const cst_json *value, const plx_field *field, const place *at, plx_refusal *refusal)
{
    cst_json_type type = cst_json_type_of(value);
    bool          is_open = field->kind == PLX_MESSAGE || field->kind == PLX_MAP || field->kind == PLX_STRUCT;

    if (field->kind == PLX_ANY) {
        if (field->type) check_message(value, field->type, at, refusal);
    } else if (!is_open && type == CST_JSON_OBJECT) {
        char name[PATH_MAX_BYTES];
        plx_field_snake(name, sizeof name, field->name);
        refuse_value(refusal, at->above, name, "Starting an object on a scalar field");
    } else if (field->kind == PLX_MESSAGE) {
        check_message(value, field->type, at, refusal);
    } else if (is_open && type != CST_JSON_OBJECT) {
        refuse_shown(refusal, at, "type.googleapis.com/google.protobuf.Struct", value);
    } else if (field->kind == PLX_MAP) {
        check_map(value, field, at, refusal);
    } else {
        check_scalar(value, field, at, refusal);
    }
}

static void check_field(const cst_json *value, const plx_field *field, const place *above, plx_refusal *refusal)
{
    place at = { above, field->name, SIZE_MAX, false };

    if (cst_json_type_of(value) == CST_JSON_NULL || (field->kind == PLX_ANY && !field->type)) return;
    if (cst_json_type_of(value) != CST_JSON_ARRAY) {
        check_value(value, field, &at, refusal);
        return;
    }
    if (field->kind != PLX_ANY && !field->is_list) {
        char name[PATH_MAX_BYTES];
        plx_field_snake(name, sizeof name, field->name);
        refuse_name(refusal, above, castor_str_of(name), "Proto field is not repeating, cannot start list.");
        return;
    }

    cst_json_iterator elements = cst_json_iterate(value);
    const cst_json   *element;
    for (at.index = 0; (element = cst_json_next(&elements, NULL)) && has_room(refusal); at.index++) {
        check_value(element, field, &at, refusal);
    }
}

static const plx_field *find_field(const plx_message_type *type, castor_str key)
{
    for (size_t i = 0; i < type->field_count; i++) {
        if (plx_field_is(key, type->fields[i].name)) return &type->fields[i];
    }
    return NULL;
}

static void refuse_second(plx_refusal *refusal, const place *at, const plx_field *field, castor_str key)
{
    char why[2 * PATH_MAX_BYTES];

    snprintf(why, sizeof why, "oneof field '%s' is already set. Cannot set '%.*s'", field->one_of, CASTOR_ARG(key));
    refuse_value(refusal, at, "oneof", why);
}

/* Goes as deep as the body does, which the reader of JSON has limited. */
static void check_message(const cst_json *value, const plx_message_type *type, const place *at, plx_refusal *refusal)
{
    cst_json_iterator members = cst_json_iterate(value);
    const cst_json   *member;
    castor_str        key;
    const char       *taken = NULL; /* the group of which one is there: no message has two groups */

    if (cst_json_type_of(value) != CST_JSON_OBJECT) {
        refuse_shown(refusal, at, type->name, value);
        return;
    }
    while ((member = cst_json_next(&members, &key)) && has_room(refusal)) {
        const plx_field *field = find_field(type, key);
        if (!field) {
            refuse_name(refusal, at, key, "Cannot find field.");
            continue;
        }
        if (field->one_of && cst_json_type_of(member) != CST_JSON_NULL) {
            if (taken) refuse_second(refusal, at, field, key);
            taken = field->one_of;
        }
        check_field(member, field, at, refusal);
    }
}

static bool check_body(const cst_json *object, const plx_message_type *type, const place *at, plx_refusal *refusal)
{
    if (cst_json_type_of(object) != CST_JSON_OBJECT) {
        return plx_refuse_field(refusal, "", "Invalid JSON payload received. Unknown name \"\": Root element must be a "
                                             "message.");
    }
    check_message(object, type, at, refusal);
    return refusal->code == 0;
}

static const place body = { NULL, "", SIZE_MAX, false };

bool plx_fields_check(const cst_json *object, const plx_message_type *type, plx_refusal *refusal)
{
    return check_body(object, type, &body, refusal);
}

bool plx_fields_check_in(const char *field, const cst_json *object, const plx_message_type *type, plx_refusal *refusal)
{
    place at = { &body, field, SIZE_MAX, false };

    return check_body(object, type, &at, refusal);
}
