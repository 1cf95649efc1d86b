/* json_token.h -- reads a single string or count straight from JSON text, without a document. Pure.
 * SPDX-License-Identifier: MIT
 *
 * For places where one is expected: what is not surely valid, or is in any way out of the ordinary, is left to
 * cst_json_read, which also knows what is wrong with it.
 */
#ifndef CST_JSON_TOKEN_H
#define CST_JSON_TOKEN_H

#include "base.h"

/* A string: moves `*at` from behind its opening quote to its closing one. Its value is a view of the text when it has no
 * escapes, else a copy in the arena. PROTOCOL: not valid, a lone surrogate, or cut off. */
castor_status cst_json_take_string(const char **at, const char *end, cst_arena *arena, castor_str *out);

/* A whole number of 0 or more, without fraction and exponent, of 18 digits at most. Returns where it ends, or NULL. */
const char *cst_json_take_count(const char *at, const char *end, int64_t *out);

#endif
