/* json.c -- the thin face on yyjson: reading documents and their values.
 * SPDX-License-Identifier: MIT
 *
 * Numbers are kept as they were spelled (YYJSON_READ_NUMBER_AS_RAW) and read when asked for: nothing is rounded, and
 * a count that nobody wants costs nothing.
 */
#include "json.h"

#include <yyjson.h>

enum {
    POOLED_TEXT_MAX = 64 << 10 /* larger texts are rare: they take their memory from the allocator and give it back */
};

static yyjson_val *value_of(const cst_json *value)
{
    return (yyjson_val *)(uintptr_t)value; /* yyjson's readers want no const and change nothing */
}

/* ---- document ---- */

void cst_json_doc_init(cst_json_doc *doc, const cst_allocator *allocator)
{
    *doc = (cst_json_doc){ .allocator = allocator };
    cst_buf_init(&doc->text, allocator, SIZE_MAX / 2);
}

static void forget(cst_json_doc *doc)
{
    /* A document in the pool is forgotten, not freed: the pool is overwritten by the next one. */
    if (doc->doc && !doc->is_pooled) yyjson_doc_free(doc->doc);
    doc->doc = NULL;
}

void cst_json_doc_free(cst_json_doc *doc)
{
    forget(doc);
    cst_release(doc->allocator, doc->pool);
    doc->pool = NULL;
    doc->pool_size = 0;
    cst_buf_free(&doc->text);
}

void cst_json_doc_rest(cst_json_doc *doc)
{
    cst_json_shelf *shelf = doc->shelf;

    if (!shelf || !doc->pool || doc->pool_size > CST_JSON_SHELF_MAX) return;
    forget(doc);
    if (doc->pool_size > shelf->size) {
        cst_json_shelf larger = { doc->pool, doc->pool_size };
        doc->pool = shelf->pool;
        *shelf = larger;
    }
    cst_release(doc->allocator, doc->pool);
    doc->pool = NULL;
    doc->pool_size = 0;
}

static void take_from_shelf(cst_json_doc *doc)
{
    if (doc->pool || !doc->shelf) return;
    doc->pool = doc->shelf->pool;
    doc->pool_size = doc->shelf->size;
    *doc->shelf = (cst_json_shelf){ NULL, 0 };
}

/* The pool, grown to what a valid text of this length can need at most. */
static bool ready_pool(cst_json_doc *doc, size_t len, yyjson_alc *alc)
{
    const cst_allocator *allocator = doc->allocator;
    size_t               needed = yyjson_read_max_memory_usage(len, YYJSON_READ_INSITU) + 256; /* 256: the pool's own bookkeeping */

    take_from_shelf(doc);
    if (needed > doc->pool_size) {
        size_t size = doc->pool_size * 2 > needed ? doc->pool_size * 2 : needed;
        cst_release(allocator, doc->pool);
        doc->pool = cst_alloc(allocator, size);
        doc->pool_size = doc->pool ? size : 0;
        if (!doc->pool) return false;
    }
    return yyjson_alc_pool_init(alc, doc->pool, doc->pool_size);
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

/* The code unit of a \uXXXX at `at`, or -1. */
static int escaped_unit(const char *at, const char *end)
{
    int unit = 0;

    if (end - at < 6 || at[0] != '\\' || at[1] != 'u') return -1;
    for (int i = 2; i < 6; i++) {
        int digit = hex_value(at[i]);
        if (digit < 0) return -1;
        unit = unit * 16 + digit;
    }
    return unit;
}

/* Writes \uFFFD over every surrogate escape that has no partner; same length, so offsets stay true. */
static bool replace_lone_surrogates(char *text, size_t len)
{
    bool        found = false;
    const char *end = text + len;

    for (char *at = text; (at = memchr(at, '\\', (size_t)(end - at))) != NULL;) {
        int unit = escaped_unit(at, end);
        if (unit < 0) {
            at += end - at > 1 ? 2 : 1;
        } else if (unit < 0xD800 || unit > 0xDFFF) {
            at += 6;
        } else {
            int next = escaped_unit(at + 6, end);
            if (unit <= 0xDBFF && next >= 0xDC00 && next <= 0xDFFF) {
                at += 12;
            } else {
                memcpy(at + 2, "FFFD", 4);
                at += 6;
                found = true;
            }
        }
    }
    return found;
}

static castor_status copy_padded(cst_json_doc *doc, castor_str text)
{
    doc->text.len = 0;
    castor_status status = cst_buf_reserve(&doc->text, text.len + YYJSON_PADDING_SIZE);
    if (status != CASTOR_OK) return status;
    if (text.len > 0) memcpy(doc->text.data, text.data, text.len);
    memset(doc->text.data + text.len, 0, YYJSON_PADDING_SIZE);
    doc->text.len = text.len;
    return CASTOR_OK;
}

static castor_status parse_in(cst_json_doc *doc, castor_str text, bool repair, const yyjson_alc *alc, yyjson_read_err *error)
{
    castor_status status = copy_padded(doc, text);

    if (status != CASTOR_OK) return status;
    if (repair && !replace_lone_surrogates(doc->text.data, text.len)) return CASTOR_PROTOCOL;
    doc->doc = yyjson_read_opts(doc->text.data, text.len, YYJSON_READ_INSITU | YYJSON_READ_NUMBER_AS_RAW, alc, error);
    if (doc->doc) return CASTOR_OK;
    return error->code == YYJSON_READ_ERROR_MEMORY_ALLOCATION ? CASTOR_NO_MEMORY : CASTOR_PROTOCOL;
}

/* In the pool, or, for a large text, with the allocator. A broken text may need more than the pool's bound. */
static castor_status parse(cst_json_doc *doc, castor_str text, bool repair, yyjson_read_err *error)
{
    const cst_allocator *allocator = doc->allocator;
    yyjson_alc           direct = { allocator->allocate, allocator->reallocate, allocator->release, allocator->user };
    yyjson_alc           pool;

    doc->is_pooled = text.len <= POOLED_TEXT_MAX;
    if (!doc->is_pooled) return parse_in(doc, text, repair, &direct, error);
    if (!ready_pool(doc, text.len, &pool)) return CASTOR_NO_MEMORY;
    castor_status status = parse_in(doc, text, repair, &pool, error);
    if (error->code != YYJSON_READ_ERROR_MEMORY_ALLOCATION) return status;
    doc->is_pooled = false;
    return parse_in(doc, text, repair, &direct, error);
}

/* yyjson does not recurse, but what reads its values may; a text with few values cannot be deep. */
static bool is_too_deep(const cst_json_doc *doc, castor_str text)
{
    size_t depth = 0;

    if (yyjson_doc_get_val_count(doc->doc) <= CST_JSON_DEPTH_MAX) return false;
    for (size_t i = 0; i < text.len; i++) {
        switch (text.data[i]) {
        case '"':
            for (i++; text.data[i] != '"'; i++) {
                if (text.data[i] == '\\') i++;
            }
            break;
        case '[':
        case '{':
            if (++depth > CST_JSON_DEPTH_MAX) return true;
            break;
        case ']':
        case '}':
            depth--;
            break;
        default:
            break;
        }
    }
    return false;
}

castor_status cst_json_read(cst_json_doc *doc, castor_str text, size_t *offset, const char **why)
{
    yyjson_read_err error = { 0 };

    forget(doc);
    if (offset) *offset = 0;
    if (why) *why = "empty text";
    if (text.len == 0) return CASTOR_PROTOCOL;

    castor_status status = parse(doc, text, false, &error);
    if (status == CASTOR_PROTOCOL && error.code == YYJSON_READ_ERROR_INVALID_STRING) {
        yyjson_read_err second = { 0 };
        status = parse(doc, text, true, &second);
        if (second.code != YYJSON_READ_SUCCESS) error = second;
    }
    if (status == CASTOR_OK && is_too_deep(doc, text)) {
        forget(doc);
        error.msg = "nested too deeply";
        status = CASTOR_LIMIT;
    }
    if (status != CASTOR_OK) {
        if (offset) *offset = error.pos;
        if (why) *why = error.msg ? error.msg : "out of memory";
    }
    return status;
}

const cst_json *cst_json_root(const cst_json_doc *doc)
{
    return doc->doc ? yyjson_doc_get_root(doc->doc) : NULL;
}

/* ---- values ---- */

cst_json_type cst_json_type_of(const cst_json *value)
{
    switch (yyjson_get_type(value_of(value))) {
    case YYJSON_TYPE_NULL: return CST_JSON_NULL;
    case YYJSON_TYPE_BOOL: return CST_JSON_BOOL;
    case YYJSON_TYPE_RAW:
    case YYJSON_TYPE_NUM: return CST_JSON_NUMBER;
    case YYJSON_TYPE_STR: return CST_JSON_STRING;
    case YYJSON_TYPE_ARR: return CST_JSON_ARRAY;
    case YYJSON_TYPE_OBJ: return CST_JSON_OBJECT;
    default: return CST_JSON_ABSENT;
    }
}

const cst_json *cst_json_get(const cst_json *object, const char *key)
{
    const cst_json *first = yyjson_obj_get(value_of(object), key);

    if (!yyjson_is_null(value_of(first))) return first;

    cst_json_iterator members = cst_json_iterate(object);
    castor_str        name;
    for (const cst_json *value; (value = cst_json_next(&members, &name)) != NULL;) {
        if (cst_str_is(name, key) && !yyjson_is_null(value_of(value))) return value;
    }
    return first;
}

const cst_json *cst_json_at(const cst_json *array, size_t index)
{
    return yyjson_arr_get(value_of(array), index);
}

size_t cst_json_count(const cst_json *container)
{
    return yyjson_get_len(value_of(container)) * (size_t)yyjson_is_ctn(value_of(container));
}

castor_str cst_json_string(const cst_json *value)
{
    if (!yyjson_is_str(value_of(value))) return CST_NONE;
    return (castor_str){ yyjson_get_str(value_of(value)), yyjson_get_len(value_of(value)) };
}

castor_str cst_json_string_in(const cst_json *object, const char *key)
{
    return cst_json_string(cst_json_get(object, key));
}

bool cst_json_is_true(const cst_json *value)
{
    return yyjson_is_true(value_of(value));
}

static castor_str number_text(const cst_json *value)
{
    if (!yyjson_is_raw(value_of(value))) return CST_NONE;
    return (castor_str){ yyjson_get_raw(value_of(value)), yyjson_get_len(value_of(value)) };
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The digits of a number, and where its point stands: 1.5e3 is 15 with two zeros behind it. */
typedef struct decimal {
    bool     is_negative;
    uint64_t digits;
    long     zeros; /* behind the digits; negative: digits behind the point */
} decimal;

/* One more digit. Zeros are only counted until a digit follows them, so that 12.000...0 does not overflow. */
static bool add_digit(decimal *number, unsigned digit, long *pending_zeros)
{
    if (digit == 0) {
        ++*pending_zeros;
        return true;
    }
    for (; *pending_zeros > 0 && number->digits > 0; --*pending_zeros) {
        if (number->digits > UINT64_MAX / 10) return false;
        number->digits *= 10;
    }
    *pending_zeros = 0;
    if (number->digits > (UINT64_MAX - digit) / 10) return false;
    number->digits = number->digits * 10 + digit;
    return true;
}

/* The optional exponent: "e3", "E-2". False: what stands there is none. */
static bool read_exponent(const char *at, const char *end, long *out)
{
    bool is_negative = false;

    *out = 0;
    if (at == end) return true;
    if (*at != 'e' && *at != 'E') return false;
    at++;
    if (at < end && (*at == '+' || *at == '-')) is_negative = *at++ == '-';
    if (at == end) return false;
    for (; at < end && is_digit(*at); at++) {
        if (*out < 1000000) *out = *out * 10 + (*at - '0'); /* more than any number of digits that fits a text */
    }
    if (is_negative) *out = -*out;
    return at == end;
}

static bool read_decimal(castor_str text, decimal *out)
{
    const char *at = text.data, *end = at + text.len;
    long        pending_zeros = 0, places = 0, exponent;
    bool        has_point = false, has_digit = false;

    *out = (decimal){ .is_negative = at < end && *at == '-' };
    if (out->is_negative) at++;
    for (; at < end && (is_digit(*at) || (*at == '.' && !has_point)); at++) {
        if (*at == '.') {
            has_point = true;
            continue;
        }
        has_digit = true;
        places += has_point;
        if (!add_digit(out, (unsigned)(*at - '0'), &pending_zeros)) return false;
    }
    if (!has_digit || !read_exponent(at, end, &exponent)) return false;
    out->zeros = pending_zeros - places + exponent;
    return true;
}

/* "12", "-7", "1.5e3", "12.0": unset unless the value is whole and fits. */
static castor_i64 parse_integer(castor_str text)
{
    const castor_i64 unset = { 0 };
    decimal          number;

    if (text.len == 0 || !read_decimal(text, &number)) return unset;
    for (; number.zeros > 0 && number.digits != 0; number.zeros--) {
        if (number.digits > UINT64_MAX / 10) return unset;
        number.digits *= 10;
    }
    for (; number.zeros < 0 && number.digits != 0; number.zeros++) {
        if (number.digits % 10 != 0) return unset;
        number.digits /= 10;
    }
    if (number.digits > (uint64_t)INT64_MAX + number.is_negative) return unset;
    return castor_some_i64(number.is_negative ? (int64_t)(0 - number.digits) : (int64_t)number.digits);
}

castor_i64 cst_json_integer(const cst_json *value)
{
    castor_str text = yyjson_is_str(value_of(value)) ? cst_json_string(value) : number_text(value);

    return parse_integer(text);
}

castor_str cst_json_label(const cst_json *value, char scratch[32])
{
    castor_str number = number_text(value);

    if (!number.data) return cst_json_string(value);
    cst_copy_text(scratch, 32, number);
    return castor_str_of(scratch);
}

/* ---- iteration ---- */

cst_json_iterator cst_json_iterate(const cst_json *container)
{
    cst_json_iterator iterator = { .container = container, .left = cst_json_count(container) };

    if (iterator.left > 0) iterator.next = unsafe_yyjson_get_first(value_of(container));
    return iterator;
}

const cst_json *cst_json_next(cst_json_iterator *iterator, castor_str *key)
{
    if (iterator->left == 0) return NULL;
    iterator->left--;

    const cst_json *value = iterator->next;
    bool            is_object = yyjson_is_obj(value_of(iterator->container));
    if (key) *key = is_object ? cst_json_string(value) : CST_NONE;
    if (is_object) value++; /* a member is its key and, next to it, its value */
    iterator->next = unsafe_yyjson_get_next(value_of(value));
    return value;
}
