/* input.h -- the bytes of a body that have come and are not yet used up. Pure.
 * SPDX-License-Identifier: MIT
 *
 *     body:  [ gone | used up | the record under way ......| not looked at ] still to come
 *                   base      start                        scan            limit
 *
 * All positions are offsets in the body, so they stay true when the bytes move. Scanners move `scan` forward only: each
 * byte is looked at once however the network cuts the body. Used bytes leave in cst_input_feed: views live until then.
 */
#ifndef CST_INPUT_H
#define CST_INPUT_H

#include "base.h"

typedef struct cst_input {
    cst_buf  bytes;
    uint64_t base;
    uint64_t start;
    uint64_t scan;
    bool     is_ended; /* no more will come */
} cst_input;

void          cst_input_init(cst_input *input, const cst_allocator *allocator, size_t bytes_max);
void          cst_input_free(cst_input *input);
castor_status cst_input_feed(cst_input *input, const void *bytes, size_t len);

static inline uint64_t cst_input_limit(const cst_input *input)
{
    return input->base + input->bytes.len;
}

static inline char *cst_input_at(const cst_input *input, uint64_t position)
{
    return input->bytes.data + (position - input->base);
}

static inline castor_str cst_input_view(const cst_input *input, uint64_t from, uint64_t to)
{
    castor_str view = { cst_input_at(input, from), (size_t)(to - from) };
    return view;
}

/* What a scanner found. */
typedef enum cst_scan {
    CST_SCAN_RECORD, /* one whole record */
    CST_SCAN_MORE,   /* needs more bytes */
    CST_SCAN_END,    /* the body ended, and where it may end */
    CST_SCAN_CUT,    /* the body ended inside a record */
    CST_SCAN_BAD     /* bytes that are not this framing; see the problem */
} cst_scan;

typedef struct cst_problem {
    castor_status status; /* PROTOCOL or LIMIT */
    uint64_t      offset;
    const char   *why;    /* a static phrase */
} cst_problem;

#define CST_TOO_LARGE "one event is larger than event_bytes_max"

static inline cst_scan cst_scan_bad(cst_problem *problem, castor_status status, uint64_t offset, const char *why)
{
    problem->status = status;
    problem->offset = offset;
    problem->why = why;
    return CST_SCAN_BAD;
}

/* One unit of the framing: the data of an SSE event, an element of a JSON array, a line, a body. */
typedef struct cst_record {
    castor_str data;
    castor_str event;         /* SSE event type; absent: "message" */
    castor_str id;            /* SSE last event id */
    uint64_t   offset;        /* of the data's first byte in the body */
    size_t     extent;        /* bytes that it took in the body, framing included */
    bool       is_unfinished; /* the body ended before the record's own end */
} cst_record;

#endif
