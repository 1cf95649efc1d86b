/* attempt.h -- one attempt at an answer: an exchange feeding a decoder, under the limits of time that it alone knows.
 * SPDX-License-Identifier: MIT
 *
 *      begin             head, bytes            end of body, a failure, close
 *   ----------> UNDER WAY ----------> UNDER WAY -----------------------------> OVER
 *
 * UNDER WAY  exchange is set. Exactly one of: the transport moves it, or it is paused because its owner has an event to
 *            take and CST_STREAM_BUFFER_HIGH bytes wait behind it.
 * OVER       what the decoder holds can still be taken. Before the first begin there is no decoder either.
 *
 * What the attempt came to, the decoder says: it may be ENDED while the exchange lives on for its tail, whose bytes are
 * dropped. What is to follow, the owner decides: it is told of each change and never asked for anything.
 */
#ifndef CST_ATTEMPT_H
#define CST_ATTEMPT_H

#include "decoder.h"
#include "recorder.h"
#include "transport.h"

/* In milliseconds; negative: none. */
typedef struct cst_time_limits {
    int64_t connect_ms;
    int64_t tls_ms;
    int64_t first_byte_ms;
    int64_t idle_ms;
} cst_time_limits;

typedef struct cst_attempt_owner {
    void (*on_limit)(void *user); /* another limit may be the nearest */
    void (*on_bytes)(void *user); /* there may be something to take */
    void (*on_over)(void *user);  /* the exchange is closed: by its own end, and only then */
} cst_attempt_owner;

typedef struct cst_attempt {
    const cst_attempt_owner *owner;
    void             *user;       /* the owner's */
    cst_transport    *transport;  /* outlives the exchange */
    cst_time_limits   limits;
    cst_exchange     *exchange;   /* NULL: over, or not begun */
    castor_decoder   *decoder;    /* NULL: not begun; it is what takes memory */
    cst_recorder     *recorder;   /* NULL: none is wanted */
    int64_t           opened_ms;  /* what the timing counts from */
    bool              is_paused;
    bool              is_reused;  /* the connection was not made for it */
    size_t            tail_bytes; /* that came after the answer had ended */
    cst_phase         phase;
    int64_t           phase_since_ms;
    int64_t           last_byte_ms; /* 0: none yet */
    castor_i64        retry_after_ms;
    castor_timing     timing;
} cst_attempt;

/* Makes the decoder, if there is none. False: no memory. `allocator` outlives it. */
bool cst_attempt_make_decoder(cst_attempt *attempt, const castor_decoder_options *options,
                              const cst_allocator *allocator);

/* Sends the request. Needs the decoder. */
castor_status cst_attempt_begin(cst_attempt *attempt, const cst_http_request *request, castor_error *err);

/* Closes the exchange, if there is one; what was decoded stays. */
void cst_attempt_close(cst_attempt *attempt);
void cst_attempt_clear(cst_attempt *attempt);

/* As before the first begin, but for the decoder; `keeps_timing`: and for when what came. */
void cst_attempt_reset(cst_attempt *attempt, bool keeps_timing);

/* The limit of the phase that it is in, and when that began to run; negative: none. The transport tells of most phases
 * by itself; one that passed unseen is found by looking. */
int64_t     cst_attempt_limit(const cst_attempt *attempt, castor_time_limit *which, int64_t *since_ms);
void        cst_attempt_look(cst_attempt *attempt);
const char *cst_attempt_phase_name(const cst_attempt *attempt);

/* After events were taken: reads on if it was paused for them. */
void cst_attempt_resume_if_drained(cst_attempt *attempt);

/* From here on what comes is tail; and whether that is short: nothing but the end of the body can still come. */
void cst_attempt_begin_tail(cst_attempt *attempt);
bool cst_attempt_has_short_tail(const cst_attempt *attempt);

static inline bool cst_attempt_is_ended(const cst_attempt *attempt)
{
    return attempt->decoder && attempt->decoder->phase == CST_DECODER_ENDED;
}

static inline castor_i64 cst_attempt_since_open(const cst_attempt *attempt)
{
    return castor_some_i64(attempt->transport->methods->now_ms(attempt->transport) - attempt->opened_ms);
}

#endif
