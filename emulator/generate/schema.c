/* schema.c -- makes up a small document that fits a schema.
 * SPDX-License-Identifier: MIT
 */
#include "generate/schema.h"

#include <math.h>
#include <stdlib.h>

#include "generate/pattern.h"
#include "generate/sorted_names.h"
#include "proto/fields.h"

enum { UNROLLED_DEPTH = 4 }; /* below it, what may be left out is left out when it is a reference */

typedef struct maker {
    cst_json_writer *writer;
    const cst_json  *root;
    castor_str       text;
    size_t           steps_left; /* values that may still be looked at: references can lead to the same ones for ever */
} maker;

static void make(maker *m, const cst_json *schema, size_t depth, size_t nth);

/* ---- following ---- */

static bool take_step(size_t *steps_left) { return *steps_left > 0 && (*steps_left)-- > 0; }

static const cst_json *find_member(const cst_json *object, castor_str name, size_t *steps_left)
{
    cst_json_iterator each = cst_json_iterate(object);
    const cst_json   *member;
    castor_str        key;

    if (cst_json_type_of(object) != CST_JSON_OBJECT) return NULL;
    while (take_step(steps_left) && (member = cst_json_next(&each, &key))) {
        if (cst_str_equal(key, name)) return member;
    }
    return NULL;
}

static const cst_json *find_anchor(const cst_json *root, castor_str anchor, size_t *steps_left)
{
    const cst_json   *definitions = cst_json_get(root, "$defs");
    cst_json_iterator each = cst_json_iterate(definitions);
    const cst_json   *definition;

    while (definitions && take_step(steps_left) && (definition = cst_json_next(&each, NULL))) {
        if (cst_str_equal(cst_json_string_in(definition, "$anchor"), anchor)) return definition;
    }
    return NULL;
}

/* "#/$defs/Name", one level at a time; "#name" is an anchor. */
static const cst_json *follow(const cst_json *root, castor_str reference, size_t *steps_left)
{
    const cst_json *at = root;

    if (!cst_str_starts_with(reference, "#")) return NULL;
    reference = (castor_str){ reference.data + 1, reference.len - 1 };
    if (reference.len > 0 && reference.data[0] != '/') return find_anchor(root, reference, steps_left);
    while (reference.len > 0 && at) {
        reference = (castor_str){ reference.data + 1, reference.len - 1 }; /* without the slash */
        const char *slash = reference.len ? memchr(reference.data, '/', reference.len) : NULL;
        castor_str  name = { reference.data, slash ? (size_t)(slash - reference.data) : reference.len };
        if (cst_json_type_of(at) == CST_JSON_ARRAY) {
            at = cst_json_at(at, (size_t)strtoul(name.data, NULL, 10)); /* the document's strings end with a NUL */
        } else {
            at = find_member(at, name, steps_left);
        }
        reference = (castor_str){ reference.data + name.len, reference.len - name.len };
    }
    return at;
}

/* The first; when `is_deep`, rather one that is no reference: so a chain of "this again, or null" ends. */
static const cst_json *choose(const cst_json *list, bool is_deep, size_t *steps_left)
{
    plx_list        each = plx_list_of(list);
    const cst_json *choice;

    while (is_deep && take_step(steps_left) && (choice = plx_list_next(&each))) {
        if (!cst_json_get(choice, "$ref")) return choice;
    }
    return plx_list_at(list, 0);
}

static const cst_json *resolve_once(const cst_json *root, const cst_json *schema, bool is_deep, size_t *steps_left)
{
    static const char *const choices[] = { "anyOf", "oneOf", "allOf" };
    castor_str               reference = cst_json_string_in(schema, "$ref");

    if (reference.data) return follow(root, reference, steps_left);
    if (cst_json_get(schema, "properties")) return schema; /* the choices only say more about them */
    for (size_t i = 0; i < 3; i++) {
        const cst_json *list = plx_field_get(schema, choices[i]);
        if (plx_list_count(list) > 0) return choose(list, is_deep, steps_left);
    }
    return schema;
}

static const cst_json *resolve(const cst_json *root, const cst_json *schema, bool is_deep, size_t *steps_left)
{
    for (size_t i = 0; i < PLX_SCHEMA_DEPTH_MAX; i++) { /* references to references */
        const cst_json *resolved = resolve_once(root, schema, is_deep, steps_left);
        if (resolved == schema) break;
        schema = resolved;
    }
    return schema;
}

const cst_json *plx_schema_resolve(const cst_json *root, const cst_json *schema, size_t *steps_left)
{
    return resolve(root, schema, false, steps_left);
}

/* ["string","null"] means string. */
castor_str plx_schema_type(const cst_json *schema)
{
    plx_list        each = plx_list_of(cst_json_get(schema, "type"));
    const cst_json *type;
    castor_str      name = CST_NONE;

    while ((type = plx_list_next(&each))) {
        name = cst_json_string(type);
        if (!cst_str_equal_nocase(name, CASTOR_STR("null"))) return name;
    }
    if (name.data) return name;
    if (cst_json_get(schema, "properties")) return CASTOR_STR("object");
    if (cst_json_get(schema, "items") || plx_field_get(schema, "prefixItems")) return CASTOR_STR("array");
    return CASTOR_STR("string");
}

static bool is_type(castor_str type, const char *name) { return cst_str_equal_nocase(type, castor_str_of(name)); }

bool plx_schema_requires(const cst_json *schema, castor_str property)
{
    plx_list        each = plx_list_of(cst_json_get(schema, "required"));
    const cst_json *name;

    while ((name = plx_list_next(&each))) {
        if (cst_str_equal(cst_json_string(name), property)) return true;
    }
    return false;
}

/* ---- objects ---- */

typedef struct property {
    castor_str      name;
    const cst_json *schema;
    size_t          rank;     /* in the ordering; those it does not name come behind, as they stand */
    bool            is_required;
} property;

static int compare_ranks(const void *a, const void *b)
{
    size_t left = ((const property *)a)->rank, right = ((const property *)b)->rank;

    return left < right ? -1 : left > right;
}

static bool collect(const cst_json *schema, property *list, size_t *count)
{
    plx_sorted_names  order = plx_sorted_names_of_list(plx_field_get(schema, "propertyOrdering"));
    plx_sorted_names  required = plx_sorted_names_of_list(cst_json_get(schema, "required"));
    cst_json_iterator each = cst_json_iterate(cst_json_get(schema, "properties"));
    bool              is_done = order.list && required.list;

    for (*count = 0; is_done && (list[*count].schema = cst_json_next(&each, &list[*count].name)); ++*count) {
        const plx_sorted_name *place = plx_sorted_names_find(&order, list[*count].name);
        list[*count].rank = place ? place->rank : order.count + *count;
        list[*count].is_required = plx_sorted_names_find(&required, list[*count].name) != NULL;
    }
    if (is_done) qsort(list, *count, sizeof *list, compare_ranks);
    plx_sorted_names_free(&order);
    plx_sorted_names_free(&required);
    return is_done;
}

/* A made-up name, for a schema that wants more members than it names. */
static void make_more(maker *m, const cst_json *schema, int64_t from, size_t depth)
{
    castor_i64      least = cst_json_integer(plx_field_get(schema, "minProperties"));
    const cst_json *values = plx_field_get(schema, "additionalProperties");
    char            name[32];

    for (int64_t i = from; least.is_set && i < least.value && m->writer->status == CASTOR_OK; i++) {
        cst_copy_text(name, sizeof name, CASTOR_STR("property0"));
        name[8] = (char)('0' + i % 10);
        if (i >= 10) return; /* nobody asks for that many without naming them */
        cst_json_key(m->writer, name);
        if (cst_json_type_of(values) == CST_JSON_OBJECT) make(m, values, depth + 1, (size_t)i);
        else cst_json_put_string(m->writer, m->text);
    }
}

static void make_object(maker *m, const cst_json *schema, size_t depth)
{
    const cst_json *properties = cst_json_get(schema, "properties");
    size_t          count = cst_json_type_of(properties) == CST_JSON_OBJECT ? cst_json_count(properties) : 0;
    property       *list = malloc((count + 1) * sizeof *list);
    int64_t         made = 0;

    if (!list || (count > 0 && !collect(schema, list, &count))) {
        m->writer->status = CASTOR_NO_MEMORY;
        free(list);
        return;
    }
    m->steps_left -= count < m->steps_left ? count : m->steps_left;
    cst_json_open_object(m->writer);
    for (size_t i = 0; i < count; i++) {
        bool is_reference = cst_json_get(list[i].schema, "$ref") != NULL;
        if (depth >= UNROLLED_DEPTH && is_reference && !list[i].is_required) continue;
        cst_json_name(m->writer, list[i].name);
        make(m, list[i].schema, depth + 1, 0);
        made++;
    }
    make_more(m, schema, made, depth);
    cst_json_close_object(m->writer);
    free(list);
}

/* ---- arrays ---- */

static void make_array(maker *m, const cst_json *schema, size_t depth)
{
    const cst_json *list = plx_field_get(schema, "prefixItems");
    plx_list        prefix = plx_list_of(list);
    const cst_json *items = cst_json_get(schema, "items");
    castor_i64      least = cst_json_integer(plx_field_get(schema, "minItems"));
    castor_i64      most = cst_json_integer(plx_field_get(schema, "maxItems"));
    int64_t         count = depth >= UNROLLED_DEPTH && cst_json_get(items, "$ref") ? 0 : 1;

    if (least.is_set && least.value > count) count = least.value;
    if (count < (int64_t)plx_list_count(list)) count = (int64_t)plx_list_count(list);
    if (most.is_set && count > most.value) count = most.value;
    cst_json_open_array(m->writer);
    for (int64_t i = 0; i < count && m->writer->status == CASTOR_OK; i++) {
        const cst_json *own = plx_list_next(&prefix);
        make(m, own ? own : items, depth + 1, (size_t)i);
    }
    cst_json_close_array(m->writer);
}

/* ---- numbers ---- */

static castor_f64 number_in(const cst_json *schema, const char *name)
{
    char       scratch[32];
    castor_str label = cst_json_label(plx_field_get(schema, name), scratch);
    char       text[32];

    if (label.len == 0 || label.len >= sizeof text) return (castor_f64){ 0 };
    cst_copy_text(text, sizeof text, label);
    double number = strtod(text, NULL);
    return isfinite(number) ? castor_some_f64(number) : (castor_f64){ 0 };
}

static double round_down(double value, double unit)
{
    double times = value / unit;
    double whole = times < 9e15 && times > -9e15 ? (double)(int64_t)times : times;

    return (whole * unit > value ? whole - 1 : whole) * unit;
}

static double round_up(double value, double unit) { return -round_down(-value, unit); }

/* Limits that must not be reached become ones that may, by a unit or, for a fraction, by half of what is left. */
static void take_exclusive(const cst_json *schema, double unit, castor_f64 *least, castor_f64 *most)
{
    castor_f64 above = number_in(schema, "exclusiveMinimum"), below = number_in(schema, "exclusiveMaximum");
    double     step = above.is_set && below.is_set ? (below.value - above.value) / 2 : 1;

    if (above.is_set && (!least->is_set || above.value >= least->value)) {
        *least = castor_some_f64(unit > 0 ? round_down(above.value, unit) + unit : above.value + step);
    }
    if (below.is_set && (!most->is_set || below.value <= most->value)) {
        *most = castor_some_f64(unit > 0 ? round_up(below.value, unit) - unit : below.value - step);
    }
}

/* One, or the nearest to it that the limits allow. */
static void make_number(maker *m, const cst_json *schema, bool is_whole)
{
    castor_f64 least = number_in(schema, "minimum"), most = number_in(schema, "maximum");
    castor_f64 step = number_in(schema, "multipleOf");
    double     unit = step.is_set && step.value > 0 ? step.value : is_whole ? 1 : 0;
    double     value = 1;

    take_exclusive(schema, unit, &least, &most);
    if (most.is_set && value > most.value) value = most.value;
    if (least.is_set && value < least.value) value = least.value;
    bool is_large = value > 9e15 || value < -9e15; /* nothing behind the point is left to round */
    if (unit > 0 && !is_large) {
        value = most.is_set && value >= most.value ? round_down(value, unit) : round_up(value, unit);
    }
    if (is_whole && value < 9e18 && value > -9e18) cst_json_put_integer(m->writer, (int64_t)value);
    else cst_json_put_number(m->writer, value);
}

/* ---- strings ---- */

static castor_str value_of_format(castor_str format)
{
    static const struct {
        const char *format;
        const char *value;
    } formats[] = {
        { "date-time", "2026-01-31T12:00:00Z" }, { "date", "2026-01-31" }, { "time", "12:00:00Z" },
        { "duration", "PT1M" }, { "email", "someone@example.com" }, { "uri", "https://example.com/" },
        { "url", "https://example.com/" }, { "uuid", "00000000-0000-4000-8000-000000000000" },
        { "hostname", "example.com" }, { "ipv4", "192.0.2.1" }, { "ipv6", "2001:db8::1" }, { "byte", "cG9sbHV4" },
    };

    for (size_t i = 0; format.data && i < sizeof formats / sizeof formats[0]; i++) {
        if (cst_str_is(format, formats[i].format)) return castor_str_of(formats[i].value);
    }
    return CST_NONE;
}

static size_t next_character(castor_str text, size_t at)
{
    size_t len = cst_utf8_length(text.data + at, text.data + text.len);

    return at + (len > 0 ? len : 1);
}

/* The text, cut or repeated until it has so many characters. */
static castor_status fit_length(castor_str text, castor_i64 least, castor_i64 most, cst_buf *out)
{
    castor_status status = CASTOR_OK;
    int64_t       count = 0;
    size_t        at = 0;

    if (text.len == 0) text = CASTOR_STR("x");
    while (status == CASTOR_OK && (at < text.len || (least.is_set && count < least.value))) {
        if (most.is_set && count >= most.value) break;
        if (at == text.len) at = 0;
        size_t next = next_character(text, at);
        status = cst_buf_append(out, text.data + at, next - at);
        at = next;
        count++;
    }
    return status;
}

static int64_t count_characters(castor_str text)
{
    int64_t count = 0;

    for (size_t at = 0; at < text.len; at = next_character(text, at)) count++;
    return count;
}

/* A match of the pattern; if it is too short, once more and longer. */
static castor_status match(maker *m, castor_str pattern, castor_i64 least, cst_buf *out)
{
    castor_status status = plx_pattern_print(pattern, 0, &m->steps_left, out);
    int64_t       count = count_characters(cst_buf_view(out));

    if (status != CASTOR_OK || !least.is_set || count >= least.value) return status;
    if (least.value > PLX_SCHEMA_BYTES_MAX) return CASTOR_LIMIT;
    out->len = 0;
    return plx_pattern_print(pattern, (size_t)(least.value - count), &m->steps_left, out);
}

static void make_string(maker *m, const cst_json *schema)
{
    castor_str    pattern = cst_json_string_in(schema, "pattern");
    castor_str    formatted = value_of_format(cst_json_string_in(schema, "format"));
    castor_i64    least = cst_json_integer(plx_field_get(schema, "minLength"));
    castor_i64    most = cst_json_integer(plx_field_get(schema, "maxLength"));
    castor_status status = CASTOR_PROTOCOL;
    cst_buf       text;

    if (formatted.data) {
        cst_json_put_string(m->writer, formatted);
        return;
    }
    cst_buf_init(&text, cst_allocator_default(), PLX_SCHEMA_BYTES_MAX);
    if (pattern.data) status = match(m, pattern, least, &text);
    if (status == CASTOR_PROTOCOL) status = fit_length(m->text, least, most, &text);
    if (status == CASTOR_OK) cst_json_put_string(m->writer, text.len > 0 ? cst_buf_view(&text) : CASTOR_STR(""));
    else m->writer->status = status;
    cst_buf_free(&text);
}

/* ---- any ---- */

/* A value that the schema itself gives; false: none. */
static bool make_given(maker *m, const cst_json *schema, size_t nth)
{
    const cst_json *choices = cst_json_get(schema, "enum");
    const cst_json *choice = cst_json_get(schema, "const");

    if (!choice && cst_json_count(choices) > 0) {
        size_t at = nth % cst_json_count(choices);
        m->steps_left -= at < m->steps_left ? at : m->steps_left;
        choice = cst_json_at(choices, at);
    }
    if (choice) plx_json_put(m->writer, choice);
    return choice != NULL;
}

static void make(maker *m, const cst_json *schema, size_t depth, size_t nth)
{
    if (m->writer->status == CASTOR_OK && !take_step(&m->steps_left)) m->writer->status = CASTOR_LIMIT;
    if (m->writer->status != CASTOR_OK) return;
    schema = resolve(m->root, schema, depth >= UNROLLED_DEPTH, &m->steps_left);
    if (depth > PLX_SCHEMA_DEPTH_MAX) {
        cst_json_put_null(m->writer);
        return;
    }
    if (make_given(m, schema, nth)) return;

    castor_str type = plx_schema_type(schema);
    if (is_type(type, "object")) make_object(m, schema, depth);
    else if (is_type(type, "array")) make_array(m, schema, depth);
    else if (is_type(type, "integer")) make_number(m, schema, true);
    else if (is_type(type, "number")) make_number(m, schema, false);
    else if (is_type(type, "boolean")) cst_json_put_bool(m->writer, true);
    else if (is_type(type, "null")) cst_json_put_null(m->writer);
    else make_string(m, schema);
}

void plx_schema_print_example(cst_json_writer *writer, const cst_json *root, const cst_json *schema, castor_str text)
{
    maker m = { writer, root, text, PLX_SCHEMA_STEPS_MAX };

    make(&m, schema, 0, 0);
}

castor_str plx_schema_first_choice(const cst_json *schema)
{
    return cst_json_string(cst_json_at(cst_json_get(schema, "enum"), 0));
}
