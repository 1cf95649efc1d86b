/* json_cursor.h -- a value of a document together with its place in the source text. Pure.
 * SPDX-License-Identifier: MIT
 *
 * yyjson does not say where a value stood. A cursor walks document and text in step, by position and not by name, so
 * that escaped or repeated keys cannot mislead it. The text must be the one that the document was read from.
 */
#ifndef CST_JSON_CURSOR_H
#define CST_JSON_CURSOR_H

#include "json.h"

typedef struct cst_json_cursor {
    const cst_json *value; /* NULL: not there */
    const char     *at;    /* first byte of the value */
    const char     *end;   /* end of the whole text */
} cst_json_cursor;

cst_json_cursor cst_json_cursor_at_root(const cst_json_doc *doc, castor_str text);
cst_json_cursor cst_json_cursor_get(cst_json_cursor object, const char *key); /* as cst_json_get */
cst_json_cursor cst_json_cursor_find(cst_json_cursor object, castor_str key); /* the same for a view */
cst_json_cursor cst_json_cursor_first(cst_json_cursor array);
/* The element after `element`; `*left` counts the elements after it (start with cst_json_count - 1). */
cst_json_cursor cst_json_cursor_after(cst_json_cursor element, size_t *left);
castor_str      cst_json_source(cst_json_cursor cursor);               /* the value's bytes; absent when not there */

#endif
