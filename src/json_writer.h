/* json_writer.h -- prints JSON into a buffer; commas and escapes are its business. Pure.
 * SPDX-License-Identifier: MIT
 *
 * Errors stick: after the first, every call does nothing, and `status` has it. Check once, at the end.
 */
#ifndef CST_JSON_WRITER_H
#define CST_JSON_WRITER_H

#include "base.h"

typedef struct cst_json_writer {
    cst_buf      *out;
    castor_status status;
    bool          wants_comma; /* something stands before us in this container */
} cst_json_writer;

cst_json_writer cst_json_writer_to(cst_buf *out);

void cst_json_open_object(cst_json_writer *writer);
void cst_json_close_object(cst_json_writer *writer);
void cst_json_open_array(cst_json_writer *writer);
void cst_json_close_array(cst_json_writer *writer);
void cst_json_key(cst_json_writer *writer, const char *key);
void cst_json_name(cst_json_writer *writer, castor_str key); /* the same for a view */

void cst_json_put_string(cst_json_writer *writer, castor_str text); /* invalid UTF-8 becomes U+FFFD */
void cst_json_put_base64(cst_json_writer *writer, castor_str prefix, castor_str bytes);
void cst_json_put_integer(cst_json_writer *writer, int64_t number);
void cst_json_put_number(cst_json_writer *writer, double number);   /* shortest form that reads back the same */
void cst_json_put_bool(cst_json_writer *writer, bool flag);
void cst_json_put_null(cst_json_writer *writer);
void cst_json_put_raw(cst_json_writer *writer, castor_str json);    /* as it stands */

/* Members that may be absent: nothing is printed for NULL and for what is not set. */
void cst_json_put_member(cst_json_writer *writer, const char *key, const char *value);
void cst_json_put_count(cst_json_writer *writer, const char *key, castor_i64 number);
void cst_json_put_fraction(cst_json_writer *writer, const char *key, castor_f64 number);

#endif
