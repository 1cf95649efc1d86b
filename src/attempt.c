/* attempt.c -- one attempt at an answer: an exchange feeding a decoder.
 * SPDX-License-Identifier: MIT
 */
#include "attempt.h"

#include <stdio.h>

#include "error.h"

static const cst_transport_methods *methods_of(const cst_attempt *attempt)
{
    return attempt->transport->methods;
}

static int64_t clock_of(const cst_attempt *attempt)
{
    return methods_of(attempt)->now_ms(attempt->transport);
}

/* ---- time limits ---- */

void cst_attempt_look(cst_attempt *attempt)
{
    cst_phase phase = attempt->exchange ? methods_of(attempt)->phase(attempt->exchange) : attempt->phase;

    if (phase == attempt->phase) return;
    attempt->phase = phase;
    attempt->phase_since_ms = clock_of(attempt);
}

int64_t cst_attempt_limit(const cst_attempt *attempt, castor_time_limit *which, int64_t *since_ms)
{
    const cst_time_limits *limits = &attempt->limits;

    *since_ms = attempt->last_byte_ms ? attempt->last_byte_ms : attempt->phase_since_ms;
    switch (attempt->phase) {
    case CST_PHASE_CONNECT: *which = CASTOR_LIMIT_CONNECT; return limits->connect_ms;
    case CST_PHASE_TLS: *which = CASTOR_LIMIT_TLS; return limits->tls_ms;
    case CST_PHASE_FIRST_BYTE:
        *which = attempt->last_byte_ms ? CASTOR_LIMIT_IDLE : CASTOR_LIMIT_FIRST_BYTE;
        return attempt->last_byte_ms ? limits->idle_ms : limits->first_byte_ms;
    case CST_PHASE_QUEUED:
    default: *which = CASTOR_LIMIT_NONE; return CASTOR_NO_LIMIT;
    }
}

const char *cst_attempt_phase_name(const cst_attempt *attempt)
{
    switch (attempt->phase) {
    case CST_PHASE_QUEUED: return "waiting for a free connection";
    case CST_PHASE_CONNECT: return "connecting";
    case CST_PHASE_TLS: return "in the TLS handshake";
    case CST_PHASE_FIRST_BYTE:
    default: return attempt->last_byte_ms ? "in the middle of the answer" : "waiting for the answer to begin";
    }
}

/* ---- the sink: what the transport tells ---- */

static void on_phase(void *user)
{
    cst_attempt *attempt = user;

    if (!attempt->exchange) return; /* it is being opened */
    cst_attempt_look(attempt);
    attempt->owner->on_limit(attempt->user);
}

static void on_connected(void *user, bool is_reused)
{
    cst_attempt *attempt = user;

    attempt->is_reused = is_reused;
    attempt->timing.connected_ms = is_reused ? castor_some_i64(0) : cst_attempt_since_open(attempt);
    if (attempt->recorder) cst_recorder_connect(attempt->recorder, clock_of(attempt));
}

/* Nobody is followed anywhere: what is sent holds a key, and Google's API redirects no call. */
static void refuse_redirect(cst_attempt *attempt, const cst_head *head)
{
    const char  *location = head->location.data, *at = location + strcspn(location, "/?#");
    bool         has_host = at[0] == '/' && at[1] == '/' && (at == location || at[-1] == ':');
    const char  *host = has_host ? at + 2 : location; /* else another path of the same */
    int          host_len = (int)strcspn(host, has_host ? "/?#" : "?#");
    castor_error refusal;

    at = memchr(host, '@', (size_t)host_len);
    if (at) { /* a password may stand before it */
        host_len -= (int)(at + 1 - host);
        host = at + 1;
    }
    cst_fail(&refusal, CASTOR_API_ERROR,
             "the server redirects to %.*s (%d); calls are not sent on to other places, and the key never is: if it "
             "has moved there, set the base URL", host_len, host, (int)head->http_status);
    refusal.verdict = CASTOR_VERDICT_FAILED;
    refusal.http_status = head->http_status;
    (void)snprintf(refusal.code, sizeof refusal.code, "%d", (int)head->http_status);
    cst_decoder_fail(attempt->decoder, &refusal);
    attempt->owner->on_bytes(attempt->user);
}

static void record_head(cst_recorder *recorder, const cst_head *head)
{
    cst_recorder_head(recorder, head->http_status, head->content_type, head->retry_after_ms);
    if (head->location.data) cst_recorder_redirect(recorder, head->location);
}

static void on_head(void *user, const cst_head *head)
{
    cst_attempt *attempt = user;

    attempt->retry_after_ms = head->retry_after_ms;
    if (attempt->recorder) record_head(attempt->recorder, head);
    cst_decoder_head(attempt->decoder, head->http_status, head->content_type);
    if (head->location.data) refuse_redirect(attempt, head);
}

/* The owner has something to take and enough waits behind it. */
static bool is_full(cst_attempt *attempt)
{
    return cst_frame_held(&attempt->decoder->frame) >= CST_STREAM_BUFFER_HIGH && cst_decoder_advance(attempt->decoder);
}

static void note_bytes(cst_attempt *attempt)
{
    attempt->last_byte_ms = clock_of(attempt);
    if (!attempt->timing.first_byte_ms.is_set) attempt->timing.first_byte_ms = cst_attempt_since_open(attempt);
    attempt->owner->on_limit(attempt->user);
}

static cst_take on_bytes(void *user, const char *bytes, size_t len)
{
    cst_attempt *attempt = user;
    castor_error failure;

    if (cst_attempt_is_ended(attempt)) {
        attempt->tail_bytes += len;
        if (attempt->recorder) cst_recorder_take(attempt->recorder, bytes, len, clock_of(attempt));
        return attempt->tail_bytes > CST_CLOSE_TAIL_BYTES ? CST_TAKE_STOP : CST_TAKE_MORE;
    }
    attempt->owner->on_bytes(attempt->user);
    if (is_full(attempt)) {
        attempt->is_paused = true;
        attempt->owner->on_limit(attempt->user);
        return CST_TAKE_PAUSE;
    }
    note_bytes(attempt);
    if (attempt->recorder) cst_recorder_take(attempt->recorder, bytes, len, attempt->last_byte_ms);
    if (castor_decoder_feed(attempt->decoder, bytes, len, &failure) == CASTOR_OK) return CST_TAKE_MORE;
    failure.verdict = CASTOR_VERDICT_FAILED;
    cst_decoder_fail(attempt->decoder, &failure);
    return CST_TAKE_STOP;
}

static cst_record_end record_end_of(const cst_attempt *attempt, const castor_error *failure, bool was_closed)
{
    if (!failure) return CST_RECORD_CLEAN;
    if (attempt->tail_bytes > CST_CLOSE_TAIL_BYTES) return CST_RECORD_OPEN; /* we hung up, and the server was well */
    return was_closed ? CST_RECORD_CLOSED : CST_RECORD_LOST;
}

static void on_end(void *user, const castor_error *failure, bool was_closed)
{
    cst_attempt *attempt = user;

    if (attempt->recorder) {
        cst_recorder_end(attempt->recorder, record_end_of(attempt, failure, was_closed), clock_of(attempt));
    }
    if (failure) cst_decoder_lose(attempt->decoder, failure);
    else castor_decoder_end(attempt->decoder, CASTOR_END_CLEAN);
    cst_attempt_close(attempt);
    attempt->owner->on_over(attempt->user);
}

/* ---- life ---- */

bool cst_attempt_make_decoder(cst_attempt *attempt, const castor_decoder_options *options,
                              const cst_allocator *allocator)
{
    if (attempt->decoder) return true;
    castor_decoder *decoder = cst_alloc(allocator, sizeof *decoder);
    if (!decoder) return false;
    if (cst_decoder_init(decoder, options, allocator, NULL) == CASTOR_OK) {
        attempt->decoder = decoder;
        return true;
    }
    cst_decoder_clear(decoder);
    cst_release(allocator, decoder);
    return false;
}

castor_status cst_attempt_begin(cst_attempt *attempt, const cst_http_request *request, castor_error *err)
{
    const cst_sink sink = { attempt, on_phase, on_connected, on_head, on_bytes, on_end };

    if (attempt->recorder) cst_recorder_begin(attempt->recorder, clock_of(attempt));
    castor_status status = methods_of(attempt)->open(attempt->transport, &attempt->exchange, request, &sink, err);
    if (status == CASTOR_OK) attempt->phase_since_ms = clock_of(attempt);
    return status;
}

void cst_attempt_close(cst_attempt *attempt)
{
    if (attempt->exchange) methods_of(attempt)->close(attempt->exchange);
    attempt->exchange = NULL;
    attempt->is_paused = false;
}

void cst_attempt_clear(cst_attempt *attempt)
{
    const cst_allocator *allocator = attempt->decoder ? attempt->decoder->allocator : NULL;

    cst_recorder_free(attempt->recorder);
    attempt->recorder = NULL;
    if (!attempt->decoder) return;
    cst_decoder_clear(attempt->decoder);
    cst_release(allocator, attempt->decoder);
    attempt->decoder = NULL;
}

void cst_attempt_reset(cst_attempt *attempt, bool keeps_timing)
{
    attempt->tail_bytes = 0;
    attempt->is_reused = false;
    attempt->phase = CST_PHASE_QUEUED;
    attempt->last_byte_ms = 0;
    attempt->retry_after_ms = (castor_i64){ 0 };
    if (!keeps_timing) attempt->timing = (castor_timing){ .total_ms = { 0 } };
}

/* ---- its owner's part ---- */

void cst_attempt_resume_if_drained(cst_attempt *attempt)
{
    if (!attempt->is_paused) return;
    /* Whatever is held: when no event can be made of it, its other half is still on the way. */
    bool is_low = cst_frame_held(&attempt->decoder->frame) <= CST_STREAM_BUFFER_LOW;
    if (!is_low && cst_decoder_advance(attempt->decoder)) return;
    attempt->is_paused = false;
    attempt->last_byte_ms = clock_of(attempt); /* the pause was not the server's */
    attempt->owner->on_limit(attempt->user);
    methods_of(attempt)->resume(attempt->exchange);
}

void cst_attempt_begin_tail(cst_attempt *attempt)
{
    if (!attempt->is_paused) return;
    attempt->is_paused = false;
    methods_of(attempt)->resume(attempt->exchange);
}

bool cst_attempt_has_short_tail(const cst_attempt *attempt)
{
    const cst_facts *facts = &attempt->decoder->facts;
    size_t           finished = 0;

    for (size_t i = 0; i < facts->candidate_count; i++) finished += facts->candidates[i].is_finished;
    return facts->has_end_mark || (finished > 0 && finished == facts->candidate_count);
}
