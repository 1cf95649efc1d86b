/* sse.h -- bytes of a text/event-stream into events, however the network cuts them. Pure.
 * SPDX-License-Identifier: MIT
 *
 * Source: HTML Standard, 9.2.6 "Interpreting an event stream". What real servers make necessary beyond it: an
 * unfinished last event is given (and marked) instead of dropped; JSON that stands between events without a
 * `data:` (Google's way of putting an error into a stream) is a record of its own; and a whole line that names no field
 * must be UTF-8, as all of the stream: with other bytes an event may be lost in it.
 */
#ifndef CST_SSE_H
#define CST_SSE_H

#include "json_text.h"

/* Where a byte stands next: at `found`, if is_found; surely nowhere before `searched`. */
typedef struct cst_sse_byte {
    bool     is_found;
    uint64_t found;
    uint64_t searched;
} cst_sse_byte;

typedef struct cst_sse {
    size_t        event_bytes_max;
    cst_sse_byte  lf;
    cst_sse_byte  cr;
    bool          swallows_lf; /* the last line ended with CR: an LF that follows belongs to it */
    bool          has_data;
    uint64_t      data_start;  /* data of the event under way, joined in place */
    uint64_t      data_end;
    cst_buf       type;        /* of the event under way; empty: "message" */
    bool          is_given;    /* the type is that of an event that was given: the next one has none yet */
    cst_buf       id;          /* last event id: stays from event to event */
    castor_i64    retry_ms;
    bool          is_bare;     /* inside JSON that stands between events */
    cst_json_text bare;
    bool          saw_field;   /* some line was a field or a comment: this is an event stream */
} cst_sse;

void cst_sse_init(cst_sse *sse, const cst_allocator *allocator, size_t event_bytes_max);
void cst_sse_free(cst_sse *sse);

/* The next event. Views in `record` live until the next call, or the next cst_input_feed. */
cst_scan cst_sse_next(cst_sse *sse, cst_input *input, cst_record *record, cst_problem *problem);

/* Whether an event with `data:` begins here, at its first byte. `*ahead` is the data, as far as it has come, and all
 * that has come behind it. */
bool cst_sse_peek(cst_sse *sse, cst_input *input, castor_str *ahead);

/* Takes the event whose data are the first `len` bytes ahead, among them no line end. False: it has not come to its end,
 * or ends in another way; nothing is changed. */
bool cst_sse_take(cst_sse *sse, cst_input *input, castor_str ahead, size_t len, cst_record *record);

#endif
