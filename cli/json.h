/* json.h -- prints JSON, and tells whether a text is JSON. Pure.
 * SPDX-License-Identifier: MIT
 *
 * The printer keeps no state of its own: a member is preceded by a comma unless it is the first of its container,
 * and that is seen from the byte before it.
 */
#ifndef CLI_JSON_H
#define CLI_JSON_H

#include <stdint.h>

#include "text.h"

/* A string with its quotes. What is not UTF-8 becomes U+FFFD. */
void cli_json_string(cli_text *out, castor_str text);

/* `,"key":` with the comma when one is needed; keys are ours and need no escape. */
void cli_json_key(cli_text *out, const char *key);

/* The comma alone, before an element of an array. */
void cli_json_comma(cli_text *out);

/* Members. An absent view or number prints nothing. */
void cli_json_put_str(cli_text *out, const char *key, castor_str text);
void cli_json_put_integer(cli_text *out, const char *key, int64_t number);
void cli_json_put_known(cli_text *out, const char *key, castor_i64 number);

/* JSON as it stands, on one line. What is not JSON is put as a string: a line of ours is always JSON. */
void cli_json_put_raw(cli_text *out, const char *key, castor_str json);

bool cli_json_is_valid(castor_str json);

#endif
