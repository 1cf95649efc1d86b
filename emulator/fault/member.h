/* member.h -- finds members of JSON objects in text that is to be spoilt: by their names, at any depth. Pure.
 * SPDX-License-Identifier: MIT
 *
 * The text may have anything around its JSON (`data: `, a comma, line ends) and is never parsed as a whole, so that
 * what a script holds can be spoilt too, be it right or wrong.
 */
#ifndef PLX_MEMBER_H
#define PLX_MEMBER_H

#include "base.h"

/* Offsets in the text. */
typedef struct plx_member {
    size_t key;   /* of the quote that opens the name */
    size_t value; /* of the value's first byte */
    size_t end;   /* behind the value */
} plx_member;

/* The first member of this name at or behind `from`, which must not be inside of a string. To go on looking, start at
 * the value: there may be members in it. */
bool plx_member_find(castor_str text, const char *name, size_t from, plx_member *out);

/* The first member of any name. */
bool plx_member_next(castor_str text, size_t from, plx_member *out);

/* Behind the value that begins at `at`; the end of the text when it is not whole. */
size_t plx_value_end(castor_str text, size_t at);

/* Puts `insert` in the place of the `count` bytes at `at`. */
castor_status plx_splice(cst_buf *text, size_t at, size_t count, castor_str insert);

/* Takes a member out, with one comma and the white space around it. */
castor_status plx_member_remove(cst_buf *text, const plx_member *member);

#endif
