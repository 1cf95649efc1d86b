/* frame.h -- bytes of a body into records, whatever framing the server chose. Pure.
 * SPDX-License-Identifier: MIT
 *
 *     UNKNOWN --first bytes and content type--> SSE | JSON | OPAQUE
 *
 * The framing is recognised, never assumed: Google answers errors in an event stream's content type with plain JSON,
 * and proxies do the reverse. OPAQUE is a page for people: no record ever comes out of it.
 */
#ifndef CST_FRAME_H
#define CST_FRAME_H

#include "sse.h"

typedef enum cst_framing {
    CST_FRAMING_UNKNOWN,
    CST_FRAMING_SSE,
    CST_FRAMING_JSON,  /* one value, an array, or a value a line: json_text.h tells them apart */
    CST_FRAMING_OPAQUE
} cst_framing;

typedef struct cst_frame {
    cst_input     input;
    cst_framing   framing;
    cst_sse       sse;
    cst_json_text json;
    bool          is_lost;     /* the end came too early */
    size_t        event_bytes_max;
    char          content_type[64]; /* without parameters; empty: not known */
} cst_frame;

void cst_frame_init(cst_frame *frame, const cst_allocator *allocator, castor_str content_type, size_t event_bytes_max);
void cst_frame_free(cst_frame *frame);
void cst_frame_set_content_type(cst_frame *frame, castor_str content_type);

castor_status cst_frame_feed(cst_frame *frame, const void *bytes, size_t len); /* copies once */
void          cst_frame_end(cst_frame *frame, bool is_lost);

/* RECORD while there is one; its views live until the next call or feed. END, CUT and BAD are final. */
cst_scan cst_frame_next(cst_frame *frame, cst_record *record, cst_problem *problem);

/* For who may know what comes. Whether a record begins here that is one JSON object: `*ahead` is what has come of it, and
 * whatever follows. `is_one_line`: no other is wanted, where lines are what counts. */
bool cst_frame_peek(cst_frame *frame, bool is_one_line, castor_str *ahead);

/* Takes the record that the first `len` bytes ahead are, just as cst_frame_next would. False: more belongs to it, or may;
 * nothing is changed. */
bool cst_frame_take(cst_frame *frame, castor_str ahead, size_t len, cst_record *record);

/* Bytes held that no record has used up. */
size_t cst_frame_held(const cst_frame *frame);

#endif
