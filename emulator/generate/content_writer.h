/* content_writer.h -- prints the contents of a generateContent request part by part. Pure.
 * SPDX-License-Identifier: MIT
 */
#ifndef PLX_CONTENT_WRITER_H
#define PLX_CONTENT_WRITER_H

#include "json_cursor.h"
#include "json_writer.h"

/* Parts of one role that follow each other share a content. `role` is "user" or "model". */
typedef struct plx_content_writer {
    cst_json_writer json;       /* its status sticks */
    const char     *role;       /* of the content that is open, or NULL */
    castor_str      signature;  /* of a thought; goes with the model's next part ... */
    castor_str      for_call;   /* ... and, when that was none, with the first call of the turn, too */
} plx_content_writer;

/* A member as it stands in its source; nothing when it is not there, or null. */
void plx_put_same(cst_json_writer *w, const char *key, cst_json_cursor value);
void plx_put_text(cst_json_writer *w, const char *key, castor_str text);

void plx_content_put_text(plx_content_writer *c, const char *role, castor_str text);
void plx_content_put_media(plx_content_writer *c, const char *role, cst_json_cursor content);
void plx_content_put_data(plx_content_writer *c, const char *role, castor_str mime_type, castor_str base64);
void plx_content_put_code(plx_content_writer *c, castor_str code);
void plx_content_put_code_result(plx_content_writer *c, castor_str output);
void plx_content_put_call(plx_content_writer *c, castor_str id, castor_str name, castor_str args);
void plx_content_put_result(plx_content_writer *c, castor_str id, castor_str name, cst_json_cursor result,
                            bool is_error);
void plx_content_put_member(plx_content_writer *c, const char *role, const char *key, cst_json_cursor value);

/* To be called at the end. */
void plx_content_close(plx_content_writer *c);

#endif
