/* utf8.h -- where one character ends, and whether it is one. Pure.
 * SPDX-License-Identifier: MIT
 */
#ifndef CLI_UTF8_H
#define CLI_UTF8_H

#include <stdbool.h>
#include <stddef.h>

#include "castor/castor.h"

enum {
    CLI_UTF8_INVALID = 0,    /* the first byte starts no character */
    CLI_UTF8_UNFINISHED = -1 /* so far it is one, but bytes are missing */
};

/* The length of the character at `bytes` (1 to 4), INVALID or UNFINISHED. `len` is at least 1. */
int cli_utf8_length(const unsigned char *bytes, size_t len);

/* Whether all of it is UTF-8, the last character complete. */
bool cli_utf8_is_valid(castor_str text);

/* The length without a character that was cut off at the end. */
size_t cli_utf8_whole(castor_str text);

#endif
