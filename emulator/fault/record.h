/* record.h -- parts the body of an answer into its events, so that one of them can be spoilt. Pure.
 * SPDX-License-Identifier: MIT
 *
 * Pollux's own, and only for its own bytes. An event is what ends with an empty line (text/event-stream), an element
 * of a JSON array, or one of several JSON values in a row; a body that is one value is one event.
 */
#ifndef PLX_RECORD_H
#define PLX_RECORD_H

#include "base.h"

typedef enum plx_framing {
    PLX_FRAMING_BYTES = 0, /* neither: no events */
    PLX_FRAMING_EVENTS,
    PLX_FRAMING_JSON,      /* not known yet: an array or values */
    PLX_FRAMING_ARRAY,
    PLX_FRAMING_VALUES
} plx_framing;

/* One event, and what faults make of it. */
typedef struct plx_record {
    plx_framing framing;
    uint64_t    number;     /* from 1 */
    cst_buf     bytes;      /* the event with what ends it; of an array, the element alone */
    cst_buf     after;      /* one more event behind it, if not empty */
    bool        is_delayed; /* it goes out behind the next one */
} plx_record;

typedef struct plx_parting {
    plx_framing framing;
    cst_buf     bytes;     /* not parted yet */
    size_t      seen;      /* how far they were looked at */
    size_t      depth;     /* of JSON */
    bool        is_string;
    bool        is_escape;
    bool        is_value;  /* one has begun */
    bool        is_ended;  /* and ended, but its LF may still come */
    size_t      start;     /* of the next event */
} plx_parting;

void plx_parting_init(plx_parting *parting, const cst_allocator *allocator, plx_framing framing);
void plx_parting_free(plx_parting *parting);

castor_status plx_parting_feed(plx_parting *parting, castor_str bytes);

/* The next whole event: a view that lives until the next call. False: none is whole yet. */
bool plx_parting_next(plx_parting *parting, castor_str *record);

/* What is left at the end of the body: white space, a last event whose end was still waited for, or half of one. */
castor_str plx_parting_rest(const plx_parting *parting);

#endif
