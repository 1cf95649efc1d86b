/* events.h -- the data of server-sent events, however the network cuts them. Pure.
 * SPDX-License-Identifier: MIT
 *
 * Pollux's own, and small: it needs the data alone. Lines end with LF, CR LF or CR; several data lines of one event are
 * joined by LF; an event that the end of the body cuts short is still given, because servers leave out the last
 * empty line.
 */
#ifndef PLX_EVENTS_H
#define PLX_EVENTS_H

#include "base.h"
#include "bounds.h"

typedef struct plx_events {
    cst_buf line;
    cst_buf data;
    bool    has_data;    /* of the event under way; it may be empty */
    bool    is_given;    /* what is in `data` was given; the next event clears it */
    bool    saw_cr;      /* an LF that follows belongs to the line before */
} plx_events;

void plx_events_init(plx_events *events);
void plx_events_free(plx_events *events);

typedef enum plx_events_step {
    PLX_EVENTS_WAIT = 0, /* the input is used up */
    PLX_EVENTS_EVENT,    /* `*data` lives until the next call */
    PLX_EVENTS_ERROR     /* too large, or no memory */
} plx_events_step;

/* Takes from the front of `input`. */
plx_events_step plx_events_next(plx_events *events, castor_str *input, castor_str *data);

/* The input has ended: EVENT, once, if one was under way. */
plx_events_step plx_events_end(plx_events *events, castor_str *data);

#endif
