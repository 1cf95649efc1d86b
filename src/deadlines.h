/* deadlines.h -- what must happen at a time, earliest first: a pairing heap whose nodes live in their owners. Pure.
 * SPDX-License-Identifier: MIT
 *
 * No memory of its own, so nothing here can fail. A node that is moved to a later time stays where it is: most limits
 * begin anew with every byte, and to note each of those would cost more than to look again when the old time comes.
 */
#ifndef CST_DEADLINES_H
#define CST_DEADLINES_H

#include "base.h"

typedef struct cst_deadline cst_deadline;

struct cst_deadline {
    int64_t        at_ms;
    cst_deadline  *child; /* the first of those that are not earlier */
    cst_deadline  *next;  /* the next of the same parent */
    cst_deadline **link;  /* what points to us; NULL: in no heap */
};

typedef struct cst_deadlines {
    cst_deadline *first; /* NULL: none */
} cst_deadlines;

/* Puts it in, or moves it to an earlier time. One that is in for an earlier time stays there. */
void cst_deadlines_put(cst_deadlines *heap, cst_deadline *one, int64_t at_ms);

/* Takes it out, if it is in. */
void cst_deadlines_drop(cst_deadlines *heap, cst_deadline *one);

static inline int64_t cst_deadlines_first_ms(const cst_deadlines *heap) /* INT64_MAX: none */
{
    return heap->first ? heap->first->at_ms : INT64_MAX;
}

#endif
