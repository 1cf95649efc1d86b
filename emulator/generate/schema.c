/* schema.c -- makes up a small document that fits a schema.
 * SPDX-License-Identifier: MIT
 */
#include "generate/schema.h"

#include "proto/fields.h"

typedef struct maker {
    cst_json_writer *writer;
    const cst_json  *root;
    castor_str       text;
} maker;

static void make(maker *m, const cst_json *schema, size_t depth);

/* "#/$defs/Name", one level at a time. */
static const cst_json *follow(const cst_json *root, castor_str reference)
{
    const cst_json *at = root;
    char            name[128];

    if (!cst_str_starts_with(reference, "#")) return NULL;
    reference.data++;
    reference.len--;
    while (reference.len > 0 && at) {
        reference.data++; /* the slash */
        reference.len--;
        const char *slash = reference.len ? memchr(reference.data, '/', reference.len) : NULL;
        size_t      len = slash ? (size_t)(slash - reference.data) : reference.len;
        cst_copy_text(name, sizeof name, (castor_str){ reference.data, len });
        at = cst_json_get(at, name);
        reference.data += len;
        reference.len -= len;
    }
    return at;
}

/* ["string","null"] means string. */
static castor_str type_of(const cst_json *schema)
{
    const cst_json *type = cst_json_get(schema, "type");

    for (size_t i = 0; i < plx_list_count(type); i++) {
        castor_str name = cst_json_string(plx_list_at(type, i));
        if (!cst_str_equal_nocase(name, CASTOR_STR("null")) || i + 1 == plx_list_count(type)) return name;
    }
    if (cst_json_get(schema, "properties")) return CASTOR_STR("object");
    if (cst_json_get(schema, "items") || plx_field_get(schema, "prefixItems")) return CASTOR_STR("array");
    return CASTOR_STR("string");
}

static void put_member(maker *m, castor_str key, const cst_json *schema, size_t depth)
{
    cst_json_name(m->writer, key);
    make(m, schema, depth + 1);
}

static void make_object(maker *m, const cst_json *schema, size_t depth)
{
    const cst_json   *properties = cst_json_get(schema, "properties");
    const cst_json   *ordering = plx_field_get(schema, "propertyOrdering");
    cst_json_iterator each = cst_json_iterate(properties);
    const cst_json   *property;
    castor_str        key;
    char              name[256];

    cst_json_open_object(m->writer);
    for (size_t i = 0; i < plx_list_count(ordering); i++) {
        key = cst_json_string(plx_list_at(ordering, i));
        cst_copy_text(name, sizeof name, key);
        property = cst_json_get(properties, name);
        if (property) put_member(m, key, property, depth);
    }
    while (!ordering && cst_json_type_of(properties) == CST_JSON_OBJECT && (property = cst_json_next(&each, &key))) {
        put_member(m, key, property, depth);
    }
    cst_json_close_object(m->writer);
}

static void make_array(maker *m, const cst_json *schema, size_t depth)
{
    const cst_json *prefix = plx_field_get(schema, "prefixItems");
    castor_i64      least = cst_json_integer(plx_field_get(schema, "minItems"));
    castor_i64      most = cst_json_integer(plx_field_get(schema, "maxItems"));
    int64_t         count = least.is_set && least.value > 1 ? least.value : 1;

    if (prefix && count < (int64_t)plx_list_count(prefix)) count = (int64_t)plx_list_count(prefix);
    if (most.is_set && count > most.value) count = most.value;
    cst_json_open_array(m->writer);
    for (int64_t i = 0; i < count && m->writer->status == CASTOR_OK; i++) {
        bool is_prefix = prefix && i < (int64_t)plx_list_count(prefix);
        make(m, is_prefix ? plx_list_at(prefix, (size_t)i) : cst_json_get(schema, "items"), depth + 1);
    }
    cst_json_close_array(m->writer);
}

static void make_number(maker *m, const cst_json *schema)
{
    castor_i64 least = cst_json_integer(cst_json_get(schema, "minimum"));
    castor_i64 most = cst_json_integer(cst_json_get(schema, "maximum"));
    int64_t    value = 1;

    if (most.is_set && value > most.value) value = most.value;
    if (least.is_set && value < least.value) value = least.value;
    cst_json_put_integer(m->writer, value);
}

static void make_string(maker *m, const cst_json *schema)
{
    static const struct {
        const char *format;
        const char *value;
    } formats[] = {
        { "date-time", "2026-01-31T12:00:00Z" }, { "date", "2026-01-31" }, { "time", "12:00:00" },
        { "duration", "PT1M" }, { "email", "someone@example.com" }, { "uri", "https://example.com/" },
        { "uuid", "00000000-0000-4000-8000-000000000000" },
    };
    castor_str format = cst_json_string(cst_json_get(schema, "format"));
    castor_i64 most = cst_json_integer(plx_field_get(schema, "maxLength"));

    for (size_t i = 0; format.data && i < sizeof formats / sizeof formats[0]; i++) {
        if (!cst_str_is(format, formats[i].format)) continue;
        cst_json_put_string(m->writer, castor_str_of(formats[i].value));
        return;
    }
    castor_str text = m->text;
    if (most.is_set && most.value >= 0 && (uint64_t)most.value < text.len) {
        text.len = cst_utf8_prefix(text, (size_t)most.value);
    }
    cst_json_put_string(m->writer, text);
}

/* A value that the schema itself gives; false: none. */
static bool make_given(maker *m, const cst_json *schema)
{
    const cst_json *choice = cst_json_get(schema, "const");

    if (!choice) choice = cst_json_at(cst_json_get(schema, "enum"), 0);
    switch (cst_json_type_of(choice)) {
    case CST_JSON_STRING: cst_json_put_string(m->writer, cst_json_string(choice)); return true;
    case CST_JSON_NUMBER: {
        char scratch[32];
        cst_json_put_raw(m->writer, cst_json_label(choice, scratch));
        return true;
    }
    case CST_JSON_BOOL: cst_json_put_bool(m->writer, cst_json_is_true(choice)); return true;
    case CST_JSON_NULL: cst_json_put_null(m->writer); return true;
    default: return false;
    }
}

static const cst_json *resolve(const maker *m, const cst_json *schema)
{
    static const char *const choices[] = { "anyOf", "oneOf", "allOf" };
    castor_str               reference = cst_json_string(cst_json_get(schema, "$ref"));

    if (reference.data) return follow(m->root, reference);
    for (size_t i = 0; i < 3; i++) {
        const cst_json *list = plx_field_get(schema, choices[i]);
        if (list) return plx_list_at(list, 0);
    }
    return schema;
}

static void make(maker *m, const cst_json *schema, size_t depth)
{
    if (m->writer->status != CASTOR_OK) return;
    for (size_t i = 0; i < PLX_SCHEMA_DEPTH_MAX; i++) { /* references to references */
        const cst_json *resolved = resolve(m, schema);
        if (resolved == schema) break;
        schema = resolved;
    }
    if (depth > PLX_SCHEMA_DEPTH_MAX || !schema) {
        cst_json_put_null(m->writer);
        return;
    }
    if (make_given(m, schema)) return;

    castor_str type = type_of(schema);
    if (cst_str_equal_nocase(type, CASTOR_STR("object"))) make_object(m, schema, depth);
    else if (cst_str_equal_nocase(type, CASTOR_STR("array"))) make_array(m, schema, depth);
    else if (cst_str_equal_nocase(type, CASTOR_STR("integer"))) make_number(m, schema);
    else if (cst_str_equal_nocase(type, CASTOR_STR("number"))) make_number(m, schema);
    else if (cst_str_equal_nocase(type, CASTOR_STR("boolean"))) cst_json_put_bool(m->writer, true);
    else if (cst_str_equal_nocase(type, CASTOR_STR("null"))) cst_json_put_null(m->writer);
    else make_string(m, schema);
}

void plx_schema_print_example(cst_json_writer *writer, const cst_json *schema, castor_str text)
{
    maker m = { writer, schema, text };

    make(&m, schema, 0);
}

castor_str plx_schema_first_choice(const cst_json *schema)
{
    return cst_json_string(cst_json_at(cst_json_get(schema, "enum"), 0));
}
