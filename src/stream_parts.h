/* stream_parts.h -- what the files of the stream know of each other, and nobody else.
 * SPDX-License-Identifier: MIT
 */
#ifndef CST_STREAM_PARTS_H
#define CST_STREAM_PARTS_H

#include "stream.h"

static inline int64_t cst_stream_clock(const castor_stream *stream)
{
    cst_transport *transport = stream->client->transport;

    return transport->methods->now_ms(transport);
}

static inline bool cst_stream_is_waiting(const castor_stream *stream) /* for its turn */
{
    return stream->client && stream->list == &stream->client->waiting;
}

/* Between two attempts, or before the first. */
static inline bool cst_stream_is_between(const castor_stream *stream)
{
    return stream->is_resting || cst_stream_is_waiting(stream);
}

/* ---- stream.c ---- */

extern const cst_attempt_owner cst_stream_owner; /* of the attempts; their user is the stream */

void cst_stream_enlist(castor_stream *stream, cst_stream_list *list, castor_stream *before); /* NULL: at its end */
void cst_stream_schedule(castor_stream *stream); /* a limit may have come nearer */
bool cst_stream_make_decoder(castor_stream *stream);

/* What its caller has closed goes with the exchange. */
void cst_stream_close_exchange(castor_stream *stream);
void cst_stream_unlink(castor_stream *stream); /* from its client */
void cst_stream_free(castor_stream *stream);

/* What the attempt came to, with what only we know; and without what nobody may see. */
castor_error *cst_stream_outcome(castor_stream *stream);
void          cst_stream_settle(castor_stream *stream); /* once, when no attempt will follow */
void          cst_stream_begin_tail(castor_stream *stream);
void          cst_stream_be_cancelled(castor_stream *stream, const char *why);

/* ---- stream_attempts.c ---- */

/* The attempt has ended: the one place that decides what follows. */
void cst_stream_follow_up(castor_stream *stream);

/* Begins an attempt. Who must wait for a place first, stands in line. */
castor_status cst_stream_begin(castor_stream *stream, castor_error *err);
bool          cst_stream_must_wait(const castor_stream *stream);
void          cst_stream_stand_in_line(castor_stream *stream);
void          cst_stream_resume(castor_stream *stream); /* its rest is over */

#endif
