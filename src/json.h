/* json.h -- the thin face on yyjson: reading documents and their values. Pure.
 * SPDX-License-Identifier: MIT
 *
 * A value is a pointer into a document; NULL is a value that is not there, and every reader takes it, so that a path
 * is a chain of calls without checks. Strings are views into the document. Reading is strict RFC 8259, but for lone
 * surrogate escapes, which become U+FFFD (JSONTestSuite leaves them open, and real servers send them).
 */
#ifndef CST_JSON_H
#define CST_JSON_H

#include "base.h"

typedef struct yyjson_val cst_json;

/* Memory that the documents of many answers use in turn; outlives their readings. Zeroed it is empty. */
typedef struct cst_json_shelf {
    void  *pool;
    size_t size;
} cst_json_shelf;

/* The caller's storage for one document. Memory is kept from one read to the next, so that a stream of small
 * records allocates nothing once it runs. */
typedef struct cst_json_doc {
    struct yyjson_doc   *doc;  /* NULL: nothing read */
    cst_buf              text; /* what the document's strings point into */
    bool                 is_pooled;
    void                *pool; /* for small documents, reused */
    size_t               pool_size;
    const cst_allocator *allocator;
    cst_json_shelf      *shelf; /* of the same allocator; NULL: the pool stays here */
} cst_json_doc;

void cst_json_doc_init(cst_json_doc *doc, const cst_allocator *allocator);
void cst_json_doc_free(cst_json_doc *doc);

/* What was read is needed no more: its memory goes to the shelf, for whoever reads next. Thousands of answers would
 * each hold some that they use for a moment. */
void cst_json_doc_rest(cst_json_doc *doc);

/* Reads one text in place of what the document held. PROTOCOL: not JSON (`*offset` is the byte, `*why` a static
 * phrase; both may be NULL). LIMIT: nested deeper than CST_JSON_DEPTH_MAX. The text is copied, not kept. */
castor_status cst_json_read(cst_json_doc *doc, castor_str text, size_t *offset, const char **why);
const cst_json *cst_json_root(const cst_json_doc *doc); /* NULL when nothing was read */

typedef enum cst_json_type {
    CST_JSON_ABSENT = 0,
    CST_JSON_NULL,
    CST_JSON_BOOL,
    CST_JSON_NUMBER,
    CST_JSON_STRING,
    CST_JSON_ARRAY,
    CST_JSON_OBJECT
} cst_json_type;

cst_json_type cst_json_type_of(const cst_json *value);

/* The first member of that name that is not null, else null where there is one: null only says that a field has its
 * default (ProtoJSON), and must not hide what follows. NULL when absent or not an object. */
const cst_json *cst_json_get(const cst_json *object, const char *key);
const cst_json *cst_json_at(const cst_json *array, size_t index);
size_t          cst_json_count(const cst_json *container);             /* elements or members; 0 for the rest */

castor_str cst_json_string(const cst_json *value);                     /* absent unless a string */
castor_str cst_json_string_in(const cst_json *object, const char *key);
bool       cst_json_is_true(const cst_json *value);

/* A whole number, also spelled as a string ("12") or with an exponent; unset when it is none or does not fit. */
castor_i64 cst_json_integer(const cst_json *value);

/* A string as it is, a number as it was spelled (into `scratch`): for codes and enums that come as either. */
castor_str cst_json_label(const cst_json *value, char scratch[32]);

/* ---- iteration, in source order ---- */

typedef struct cst_json_iterator {
    const cst_json *container;
    const cst_json *next;
    size_t          left;
} cst_json_iterator;

cst_json_iterator cst_json_iterate(const cst_json *container);
/* `*key` is the member's name, or absent for an element; `key` may be NULL. */
const cst_json *cst_json_next(cst_json_iterator *iterator, castor_str *key);

#endif
