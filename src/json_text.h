/* json_text.h -- finds where JSON values begin and end in bytes that are still arriving. Pure.
 * SPDX-License-Identifier: MIT
 *
 * It counts brackets and knows strings, no more: whether a value is valid is for cst_json_read to say. Used for three
 * framings that look alike from outside: one body, a streamed array, and one value a line.
 *
 *     TOP --[--> FIRST --value--> AFTER --,--> NEXT --value--> AFTER --]--> CLOSED
 *      |                    FIRST --]--> CLOSED
 *      +--value--> BETWEEN --object again (JSON lines)--> BETWEEN
 */
#ifndef CST_JSON_TEXT_H
#define CST_JSON_TEXT_H

#include "input.h"

typedef enum cst_json_place {
    CST_JSON_TOP,     /* nothing but white space so far */
    CST_JSON_FIRST,   /* behind '[': a value or ']' */
    CST_JSON_NEXT,    /* behind ',': a value */
    CST_JSON_AFTER,   /* behind an element: ',' or ']' */
    CST_JSON_CLOSED,  /* behind the outer ']': white space only */
    CST_JSON_BETWEEN  /* behind a top-level value: white space, or another object */
} cst_json_place;

typedef struct cst_json_text {
    cst_json_place place;
    bool           in_value;
    bool           in_string;
    bool           is_scalar;    /* the value has no brackets and no quotes of its own to end it */
    size_t         depth;
    uint64_t       string_start; /* behind the opening quote */
    bool           was_object;   /* the last top-level value */
    bool           stops_when_closed; /* END right behind the outer ']': what follows is somebody else's */
} cst_json_text;

/* The next record: an element of the outer array, or a top-level value. */
cst_scan cst_json_text_next(cst_json_text *text, cst_input *input, cst_record *record, cst_problem *problem);

/* Whether an object begins here, at its first byte: it, as far as it has come, and all that has come behind it. */
bool cst_json_text_peek(cst_json_text *text, cst_input *input, castor_str *ahead);

/* Takes the object that the first `len` bytes ahead are. */
void cst_json_text_take(cst_json_text *text, cst_input *input, size_t len, cst_record *record);

#endif
