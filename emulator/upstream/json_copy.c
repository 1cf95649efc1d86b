/* json_copy.c -- prints values that were read.
 * SPDX-License-Identifier: MIT
 *
 * The reader has bounded the depth of what is copied here (CST_JSON_DEPTH_MAX).
 */
#include "upstream/json_copy.h"

#include "bounds.h"
#include "proto/fields.h"

void plx_json_copy_as_text(cst_json_writer *w, const cst_json *value)
{
    cst_buf         json;
    cst_json_writer inner = cst_json_writer_to(&json);

    cst_buf_init(&json, cst_allocator_default(), PLX_BODY_BYTES_MAX);
    plx_json_put(&inner, value);
    if (inner.status != CASTOR_OK) w->status = inner.status;
    cst_json_put_string(w, cst_buf_view(&json));
    cst_buf_free(&json);
}

/* ---- schemas ---- */

/* "STRING" becomes "string"; one that may be null is a list of two. */
static void copy_type(cst_json_writer *w, castor_str type, bool is_nullable)
{
    char lower[16];

    cst_copy_text(lower, sizeof lower, type);
    for (char *at = lower; *at; at++) {
        if (*at >= 'A' && *at <= 'Z') *at = (char)(*at - 'A' + 'a');
    }
    if (is_nullable) cst_json_open_array(w);
    cst_json_put_string(w, castor_str_of(lower));
    if (is_nullable) cst_json_put_string(w, CASTOR_STR("null"));
    if (is_nullable) cst_json_close_array(w);
}

/* "min_items" is one word for "minItems" and others; of what a schema holds only these are spelled in two ways. */
static castor_str name_of(castor_str key)
{
    static const char *const names[][2] = {
        { "any_of", "anyOf" }, { "min_items", "minItems" }, { "max_items", "maxItems" },
        { "min_length", "minLength" }, { "max_length", "maxLength" }, { "min_properties", "minProperties" },
        { "max_properties", "maxProperties" },
    };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (cst_str_is(key, names[i][0])) return castor_str_of(names[i][1]);
    }
    return key;
}

/* Int64 values may come as texts, which no JSON Schema has there. */
static bool is_count(castor_str name)
{
    return cst_str_starts_with(name, "min") || cst_str_starts_with(name, "max");
}

static void copy_schemas(cst_json_writer *w, const cst_json *schemas)
{
    cst_json_iterator each = cst_json_iterate(schemas);
    bool              is_object = cst_json_type_of(schemas) == CST_JSON_OBJECT;
    const cst_json   *schema;
    castor_str        key;

    if (is_object) cst_json_open_object(w);
    else cst_json_open_array(w);
    while ((schema = cst_json_next(&each, &key))) {
        if (is_object) cst_json_name(w, key);
        plx_json_copy_schema(w, schema);
    }
    if (is_object) cst_json_close_object(w);
    else cst_json_close_array(w);
}

static void copy_keyword(cst_json_writer *w, castor_str key, const cst_json *value, bool is_nullable)
{
    castor_str name = name_of(key);
    castor_i64 count = cst_json_integer(value);

    if (cst_str_is(name, "nullable") || cst_str_is(name, "propertyOrdering") || cst_str_is(name, "property_ordering")) {
        return;
    }
    cst_json_name(w, name);
    if (cst_str_is(name, "type") && cst_json_string(value).data) copy_type(w, cst_json_string(value), is_nullable);
    else if (cst_str_is(name, "properties") || cst_str_is(name, "anyOf")) copy_schemas(w, value);
    else if (cst_str_is(name, "items")) plx_json_copy_schema(w, value);
    else if (is_count(name) && count.is_set) cst_json_put_integer(w, count.value);
    else plx_json_put(w, value);
}

void plx_json_copy_schema(cst_json_writer *w, const cst_json *schema)
{
    bool              is_nullable = cst_json_is_true(cst_json_get(schema, "nullable"));
    cst_json_iterator each = cst_json_iterate(schema);
    const cst_json   *value;
    castor_str        key;

    if (cst_json_type_of(schema) != CST_JSON_OBJECT) {
        plx_json_put(w, schema);
        return;
    }
    cst_json_open_object(w);
    while ((value = cst_json_next(&each, &key))) copy_keyword(w, key, value, is_nullable);
    cst_json_close_object(w);
}
