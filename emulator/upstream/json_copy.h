/* json_copy.h -- prints values that were read: as text, and schemas in the words of others. Pure.
 * SPDX-License-Identifier: MIT
 */
#ifndef PLX_JSON_COPY_H
#define PLX_JSON_COPY_H

#include "json.h"
#include "json_writer.h"

void plx_json_copy_as_text(cst_json_writer *w, const cst_json *value); /* a string that holds the value's JSON */

/* A Schema of Google's (types in capitals, nullable) as a JSON Schema. */
void plx_json_copy_schema(cst_json_writer *w, const cst_json *schema);

#endif
