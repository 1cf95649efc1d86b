/* stream.h -- one answer under way: an exchange feeding a decoder, watched by the clock.
 * SPDX-License-Identifier: MIT
 */
#ifndef CST_STREAM_H
#define CST_STREAM_H

#include <stdatomic.h>

#include "client.h"
#include "decoder.h"

struct castor_stream {
    castor_client  *client;     /* NULL: freed before us */
    castor_stream  *next;       /* in the client's list */
    castor_stream **link;       /* what points to us there */
    cst_allocator   allocator;  /* a copy: the client's may go first */
    cst_call        call;
    cst_exchange   *exchange;   /* NULL: over */
    castor_decoder  decoder;
    atomic_int      is_cancelled;
    bool            is_paused;
    bool            is_settled; /* the outcome was looked over once, see settle() */
    bool            is_told;    /* the caller has been given the end */
    size_t          tail_bytes; /* that came after the answer had ended */

    int64_t         total_limit_ms;
    int64_t         opened_ms;
    cst_phase       phase;
    int64_t         phase_since_ms;
    int64_t         last_byte_ms;  /* 0: none yet */
    castor_i64      retry_after_ms;
    castor_timing   timing;
};

castor_status cst_stream_open(castor_stream **out, castor_client *client, const castor_request *request,
                              castor_error *err);

/* Whether an event or the end can be taken without waiting. Decodes no further than to the next event. */
bool cst_stream_is_ready(castor_stream *stream);

/* When the nearest of its time limits strikes, on the transport's clock; INT64_MAX: never. */
int64_t cst_stream_deadline(castor_stream *stream, castor_time_limit *which);

/* Whether time limits run: not after the end, and not while the stream waits for its caller. */
bool cst_stream_is_timed(const castor_stream *stream);

/* Ends the stream when a time limit has struck. Only right after a drive: what lies in the socket has come in time. */
void cst_stream_check(castor_stream *stream, int64_t now_ms);

/* Ends the stream with a failure of our own. */
void cst_stream_fail(castor_stream *stream, const castor_error *failure);

/* The client goes: end, and forget it. */
void cst_stream_orphan(castor_stream *stream);

#endif
