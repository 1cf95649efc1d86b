/* stream.c -- one answer under way: an exchange feeding a decoder, watched by the clock.
 * SPDX-License-Identifier: MIT
 *
 *            open              head, bytes               end of body, "[DONE]", failure, time, cancel
 *   (none) --------> UNDER WAY ------------> UNDER WAY --------------------------------------------> ENDED --> closed
 *
 * UNDER WAY  exchange is set, the decoder is not ENDED. Exactly one of: the transport moves it, or it is paused because
 *            the caller has an event to take and CST_STREAM_BUFFER_HIGH bytes wait behind it.
 * ENDED      the decoder has its outcome; next() repeats it. The exchange may live on for its tail, whose bytes are
 *            dropped, so that close() can leave the connection in good order.
 *
 * The decoder alone decides what an answer came to; this file only tells it how the body ended and what for.
 */
#include "stream.h"

#include <errno.h>

#include "error.h"

static const cst_transport_methods *methods_of(const castor_stream *stream)
{
    return stream->client->transport->methods;
}

static int64_t clock_of(const castor_stream *stream)
{
    return methods_of(stream)->now_ms(stream->client->transport);
}

static bool is_ended(const castor_stream *stream)
{
    return stream->decoder.phase == CST_DECODER_ENDED;
}

static void close_exchange(castor_stream *stream)
{
    if (stream->exchange) methods_of(stream)->close(stream->exchange);
    stream->exchange = NULL;
}

static castor_i64 since_open(const castor_stream *stream, int64_t now_ms)
{
    return castor_some_i64(now_ms - stream->opened_ms);
}

/* ---- the sink: what the transport tells ---- */

static void on_connected(void *user, bool is_reused)
{
    castor_stream *stream = user;

    stream->timing.connected_ms = is_reused ? castor_some_i64(0) : since_open(stream, clock_of(stream));
}

static void on_head(void *user, int32_t http_status, castor_str content_type, castor_i64 retry_after_ms)
{
    castor_stream *stream = user;

    stream->retry_after_ms = retry_after_ms;
    cst_decoder_head(&stream->decoder, http_status, content_type);
}

/* The caller has something to take and enough waits behind it. */
static bool is_full(castor_stream *stream)
{
    return cst_frame_held(&stream->decoder.frame) >= CST_STREAM_BUFFER_HIGH && cst_decoder_advance(&stream->decoder);
}

static cst_take on_bytes(void *user, const char *bytes, size_t len)
{
    castor_stream *stream = user;
    castor_error   failure;

    if (is_ended(stream)) {
        stream->tail_bytes += len;
        return stream->tail_bytes > CST_CLOSE_TAIL_BYTES ? CST_TAKE_STOP : CST_TAKE_MORE;
    }
    if (is_full(stream)) {
        stream->is_paused = true;
        return CST_TAKE_PAUSE;
    }
    stream->last_byte_ms = clock_of(stream);
    if (!stream->timing.first_byte_ms.is_set) stream->timing.first_byte_ms = since_open(stream, stream->last_byte_ms);
    if (castor_decoder_feed(&stream->decoder, bytes, len, &failure) == CASTOR_OK) return CST_TAKE_MORE;
    failure.verdict = CASTOR_VERDICT_FAILED;
    cst_decoder_fail(&stream->decoder, &failure);
    return CST_TAKE_STOP;
}

static void on_end(void *user, const castor_error *failure)
{
    castor_stream *stream = user;

    if (failure) cst_decoder_lose(&stream->decoder, failure);
    else castor_decoder_end(&stream->decoder, CASTOR_END_CLEAN);
    close_exchange(stream);
}

/* ---- the outcome ---- */

/* Once, when the outcome stands: adds what only the stream knows, takes out what nobody may see. */
static void settle(castor_stream *stream)
{
    castor_error *outcome = &stream->decoder.outcome;

    if (stream->is_settled) return;
    stream->is_settled = true;
    if (stream->client) {
        stream->timing.total_ms = since_open(stream, clock_of(stream));
        cst_error_redact(outcome, castor_str_of(stream->client->api_key));
    }
    if (outcome->status == CASTOR_API_ERROR && !outcome->retry_after_ms.is_set) {
        outcome->retry_after_ms = stream->retry_after_ms;
    }
}

void cst_stream_fail(castor_stream *stream, const castor_error *failure)
{
    cst_decoder_fail(&stream->decoder, failure);
    close_exchange(stream);
    settle(stream);
}

/* ---- time ---- */

static int64_t limit_of_phase(const castor_stream *stream, castor_time_limit *which)
{
    const cst_time_limits *limits = &stream->client->limits;

    switch (stream->phase) {
    case CST_PHASE_CONNECT: *which = CASTOR_LIMIT_CONNECT; return limits->connect_ms;
    case CST_PHASE_TLS: *which = CASTOR_LIMIT_TLS; return limits->tls_ms;
    case CST_PHASE_FIRST_BYTE:
        *which = stream->last_byte_ms ? CASTOR_LIMIT_IDLE : CASTOR_LIMIT_FIRST_BYTE;
        return stream->last_byte_ms ? limits->idle_ms : limits->first_byte_ms;
    case CST_PHASE_QUEUED:
    default: *which = CASTOR_LIMIT_NONE; return CASTOR_NO_LIMIT;
    }
}

static void look_at_phase(castor_stream *stream, int64_t now_ms)
{
    cst_phase phase = methods_of(stream)->phase(stream->exchange);

    if (phase == stream->phase) return;
    stream->phase = phase;
    stream->phase_since_ms = now_ms;
}

int64_t cst_stream_deadline(castor_stream *stream, castor_time_limit *which)
{
    int64_t limit_ms = limit_of_phase(stream, which), deadline_ms = INT64_MAX;

    *which = limit_ms < 0 ? CASTOR_LIMIT_NONE : *which;
    if (limit_ms >= 0) deadline_ms = (stream->last_byte_ms ? stream->last_byte_ms : stream->phase_since_ms) + limit_ms;
    if (stream->total_limit_ms >= 0 && stream->opened_ms + stream->total_limit_ms < deadline_ms) {
        *which = CASTOR_LIMIT_TOTAL;
        deadline_ms = stream->opened_ms + stream->total_limit_ms;
    }
    return deadline_ms;
}

static const char *phase_name(const castor_stream *stream)
{
    switch (stream->phase) {
    case CST_PHASE_QUEUED: return "waiting for a free connection";
    case CST_PHASE_CONNECT: return "connecting";
    case CST_PHASE_TLS: return "in the TLS handshake";
    case CST_PHASE_FIRST_BYTE:
    default: return stream->last_byte_ms ? "in the middle of the answer" : "waiting for the answer to begin";
    }
}

static void time_out(castor_stream *stream, castor_time_limit which, int64_t waited_ms)
{
    castor_error cause;

    cst_fail(&cause, CASTOR_TIMEOUT, "the %s time limit struck after %lld.%03lld s, %s; the options can raise it",
             castor_time_limit_name(which), (long long)(waited_ms / 1000), (long long)(waited_ms % 1000),
             phase_name(stream));
    cause.verdict = CASTOR_VERDICT_TIMEOUT;
    cause.time_limit = which;
    cst_stream_fail(stream, &cause);
}

static void be_cancelled(castor_stream *stream, const char *why)
{
    castor_error cause;

    cst_fail(&cause, CASTOR_CANCELLED, "%s", why);
    cause.verdict = CASTOR_VERDICT_CANCELLED;
    cst_stream_fail(stream, &cause);
}

bool cst_stream_is_timed(const castor_stream *stream)
{
    return stream->exchange && !is_ended(stream) && !stream->is_paused;
}

void cst_stream_check(castor_stream *stream, int64_t now_ms)
{
    castor_time_limit which;

    if (is_ended(stream)) settle(stream);
    if (!cst_stream_is_timed(stream)) return;
    look_at_phase(stream, now_ms);
    /* What has arrived is given first. */
    if (now_ms < cst_stream_deadline(stream, &which) || cst_decoder_advance(&stream->decoder)) return;
    int64_t began_ms = which == CASTOR_LIMIT_TOTAL ? stream->opened_ms
                       : stream->last_byte_ms      ? stream->last_byte_ms
                                                   : stream->phase_since_ms;
    if (is_ended(stream)) settle(stream);
    else time_out(stream, which, now_ms - began_ms);
}

/* ---- life ---- */

static void link_stream(castor_stream *stream, castor_client *client)
{
    stream->client = client;
    stream->next = client->streams;
    stream->link = &client->streams;
    if (stream->next) stream->next->link = &stream->next;
    client->streams = stream;
}

static void unlink_stream(castor_stream *stream)
{
    *stream->link = stream->next;
    if (stream->next) stream->next->link = stream->link;
    stream->client = NULL;
}

static void free_stream(castor_stream *stream)
{
    cst_allocator allocator = stream->allocator;

    cst_decoder_clear(&stream->decoder);
    cst_call_free(&stream->call);
    cst_release(&allocator, stream);
}

static castor_status start_exchange(castor_stream *stream, castor_error *err)
{
    const cst_sink  sink = { stream, on_connected, on_head, on_bytes, on_end };
    const char     *lines[CST_HEADERS_MAX + 1];
    castor_client  *client = stream->client;

    for (size_t i = 0; i < stream->call.line_count; i++) lines[i] = cst_call_line(&stream->call, i);
    lines[stream->call.line_count] = NULL;
    const cst_http_request request = {
        .url = stream->call.url.data,
        .headers = lines,
        .body = cst_buf_view(&stream->call.wire.body),
        .connect_timeout_ms = client->limits.connect_ms,
    };
    castor_status status = client->transport->methods->open(client->transport, &stream->exchange, &request, &sink, err);
    cst_call_forget_key(&stream->call); /* the transport has its own copy now, and no more than one is needed */
    return status;
}

static castor_status prepare(castor_stream *stream, const castor_request *request, castor_error *err)
{
    castor_client         *client = stream->client;
    cst_call_settings      settings = cst_client_call_settings(client);
    castor_decoder_options options = CASTOR_DECODER_OPTIONS_INIT;

    stream->total_limit_ms = cst_client_total_limit(client, request);
    castor_status status = cst_call_print(&stream->call, request, cst_client_server_limit(client, request), &settings,
                                          &stream->allocator, err);
    options.dialect = stream->call.dialect ? stream->call.dialect->id : CASTOR_DIALECT_GEMINI;
    options.event_bytes_max = client->event_bytes_max;
    /* Made in any case, so that it can be cleared; the first error is the one to tell. */
    castor_error *second_err = status == CASTOR_OK ? err : NULL;
    castor_status second = cst_decoder_init(&stream->decoder, &options, &stream->allocator, second_err);
    return status != CASTOR_OK ? status : second;
}

castor_status cst_stream_open(castor_stream **out, castor_client *client, const castor_request *request,
                              castor_error *err)
{
    *out = NULL;
    castor_stream *stream = cst_alloc_zeroed(&client->allocator, sizeof *stream);
    if (!stream) return cst_fail_plainly(err, CASTOR_NO_MEMORY);
    stream->allocator = client->allocator;
    link_stream(stream, client);
    stream->opened_ms = stream->phase_since_ms = clock_of(stream);

    castor_status status = prepare(stream, request, err);
    if (status == CASTOR_OK) status = start_exchange(stream, err);
    if (status != CASTOR_OK) {
        unlink_stream(stream);
        free_stream(stream);
        return status;
    }
    *out = stream;
    return CASTOR_OK;
}

void cst_stream_orphan(castor_stream *stream)
{
    if (!is_ended(stream)) be_cancelled(stream, "the client was freed before the answer's end");
    settle(stream);
    close_exchange(stream);
    unlink_stream(stream);
}

/* Nothing but the end of the body can still come. */
static bool has_short_tail(const castor_stream *stream)
{
    const cst_facts *facts = &stream->decoder.facts;
    size_t           finished = 0;

    for (size_t i = 0; i < facts->candidate_count; i++) finished += facts->candidates[i].is_finished;
    return facts->has_end_mark || (finished > 0 && finished == facts->candidate_count);
}

static void read_tail(castor_stream *stream)
{
    cst_transport *transport = stream->client->transport;
    int64_t        give_up_ms = clock_of(stream) + CST_CLOSE_TAIL_MS, left_ms = CST_CLOSE_TAIL_MS;
    castor_error   closing;

    cst_fail(&closing, CASTOR_CANCELLED, "the stream was closed");
    closing.verdict = CASTOR_VERDICT_CANCELLED;
    cst_decoder_fail(&stream->decoder, &closing); /* from here on bytes are tail */
    if (stream->is_paused) methods_of(stream)->resume(stream->exchange);
    while (stream->exchange && left_ms > 0 && stream->tail_bytes <= CST_CLOSE_TAIL_BYTES) {
        if (transport->methods->drive(transport, left_ms, NULL) != CASTOR_OK) return;
        left_ms = give_up_ms - clock_of(stream);
    }
}

void castor_stream_close(castor_stream *stream)
{
    if (!stream) return;
    if (stream->client) {
        if (stream->exchange && has_short_tail(stream)) read_tail(stream);
        close_exchange(stream);
        unlink_stream(stream);
    }
    free_stream(stream);
}

void castor_stream_cancel(castor_stream *stream)
{
    int saved_errno = errno; /* we may stand in a signal handler */

    atomic_store(&stream->is_cancelled, 1);
    if (stream->client) methods_of(stream)->wake(stream->client->transport);
    errno = saved_errno;
}

/* ---- taking events ---- */

static void note_first_text(castor_stream *stream)
{
    if (stream->timing.first_text_ms.is_set || !stream->client) return;
    for (size_t i = 0; i < stream->decoder.events.count; i++) {
        if (stream->decoder.events.items[i].type != CASTOR_EVENT_TEXT) continue;
        stream->timing.first_text_ms = since_open(stream, clock_of(stream));
        return;
    }
}

bool cst_stream_is_ready(castor_stream *stream)
{
    if (!is_ended(stream) && atomic_load(&stream->is_cancelled)) be_cancelled(stream, "the answer was cancelled");
    bool has_event = cst_decoder_advance(&stream->decoder);
    if (has_event) note_first_text(stream);
    if (is_ended(stream)) settle(stream);
    return has_event || is_ended(stream);
}

static void resume_if_drained(castor_stream *stream)
{
    if (!stream->is_paused || !stream->exchange) return;
    /* Whatever is held: when no event can be made of it, its other half is still on the way. */
    bool is_low = cst_frame_held(&stream->decoder.frame) <= CST_STREAM_BUFFER_LOW;
    if (!is_low && cst_decoder_advance(&stream->decoder)) return;
    stream->is_paused = false;
    stream->last_byte_ms = clock_of(stream); /* the pause was ours */
    methods_of(stream)->resume(stream->exchange);
}

castor_step castor_stream_poll(castor_stream *stream, castor_event *event, castor_error *err)
{
    resume_if_drained(stream);
    if (!cst_stream_is_ready(stream)) {
        *event = (castor_event){ 0 };
        return CASTOR_STEP_WAIT;
    }
    castor_step step = castor_decoder_next(&stream->decoder, event, err);
    if (step != CASTOR_STEP_EVENT) stream->is_told = true;
    return step;
}

/* ---- what is known ---- */

castor_verdict castor_stream_verdict(const castor_stream *stream)
{
    return castor_decoder_verdict(&stream->decoder);
}

const castor_error *castor_stream_error(const castor_stream *stream)
{
    bool is_error = is_ended(stream) && stream->decoder.outcome.verdict != CASTOR_VERDICT_COMPLETE;

    return is_error ? &stream->decoder.outcome : NULL;
}

castor_usage castor_stream_usage(const castor_stream *stream)
{
    return castor_decoder_usage(&stream->decoder);
}

castor_timing castor_stream_timing(const castor_stream *stream)
{
    return stream->timing;
}

int32_t castor_stream_http_status(const castor_stream *stream)
{
    return stream->decoder.http_status;
}

castor_str castor_stream_response_id(const castor_stream *stream)
{
    return castor_decoder_response_id(&stream->decoder);
}

castor_str castor_stream_model_version(const castor_stream *stream)
{
    return castor_decoder_model_version(&stream->decoder);
}

castor_str castor_stream_finish_reason(const castor_stream *stream)
{
    return castor_decoder_finish_reason(&stream->decoder);
}

castor_str castor_stream_block_reason(const castor_stream *stream)
{
    return castor_decoder_block_reason(&stream->decoder);
}

castor_str castor_stream_error_body(const castor_stream *stream)
{
    return is_ended(stream) ? cst_decoder_error_body(&stream->decoder) : CST_NONE;
}
