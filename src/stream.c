/* stream.c -- one answer under way: an exchange feeding a decoder, watched by the clock.
 * SPDX-License-Identifier: MIT
 *
 *      open                 turn              head, bytes           end of body, "[DONE]", failure, time, cancel
 *   ---------> WAITING -----------> UNDER WAY -----------> UNDER WAY --------------------------------> ENDED --> closed
 *
 * WAITING    as many streams are under way as may be. There is a printed request and nothing else: no decoder, no
 *            exchange. Only the total limit and cancel can end it.
 * UNDER WAY  exchange is set, the decoder is not ENDED. Exactly one of: the transport moves it, or it is paused because
 *            the caller has an event to take and CST_STREAM_BUFFER_HIGH bytes wait behind it.
 * ENDED      the decoder has its outcome; next() repeats it. The exchange may live on for its tail, whose bytes are
 *            dropped, so that the connection is left in good order; for CST_CLOSE_TAIL_MS at most.
 *
 * The decoder alone decides what an answer came to; this file only tells it how the body ended and what for. Whatever
 * may have given the caller something puts the stream into the client's news, so that nobody need search for it; and
 * each change that brings a limit nearer tells the client's deadlines.
 */
#include "stream.h"

#include <errno.h>

#include "error.h"

/* Of a stream that found no memory for a decoder, where errors are kept. */
static const castor_error no_memory = {
    .status = CASTOR_NO_MEMORY,
    .verdict = CASTOR_VERDICT_FAILED,
    .message = "out of memory: an allocation failed on our side",
};

static const cst_transport_methods *methods_of(const castor_stream *stream)
{
    return stream->client->transport->methods;
}

static int64_t clock_of(const castor_stream *stream)
{
    return methods_of(stream)->now_ms(stream->client->transport);
}

static bool is_waiting(const castor_stream *stream)
{
    return stream->client && stream->list == &stream->client->waiting;
}

static bool is_ended(const castor_stream *stream)
{
    return stream->decoder ? stream->decoder->phase == CST_DECODER_ENDED : stream->has_no_memory;
}

static castor_i64 since_open(const castor_stream *stream, int64_t now_ms)
{
    return castor_some_i64(now_ms - stream->opened_ms);
}

/* ---- the client's lists ---- */

void cst_stream_delist(castor_stream *stream)
{
    cst_stream_list *list = stream->list;

    if (!list) return;
    *(stream->list_prev ? &stream->list_prev->list_next : &list->first) = stream->list_next;
    *(stream->list_next ? &stream->list_next->list_prev : &list->last) = stream->list_prev;
    list->count--;
    stream->list = NULL;
}

static void enlist(castor_stream *stream, cst_stream_list *list)
{
    cst_stream_delist(stream);
    stream->list = list;
    stream->list_prev = list->last;
    stream->list_next = NULL;
    *(list->last ? &list->last->list_next : &list->first) = stream;
    list->last = stream;
    list->count++;
}

void cst_stream_touch(castor_stream *stream)
{
    castor_client *client = stream->client;

    if (!client || stream->is_told || is_waiting(stream)) return;
    cst_stream_list *list = stream->listen ? &client->heard : &client->news;
    if (stream->list != list) enlist(stream, list);
}

/* ---- time limits ---- */

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

/* When the nearest limit strikes; INT64_MAX: never. After the end only that of the tail runs, and none while the stream
 * waits for its caller. */
static int64_t deadline_of(const castor_stream *stream, castor_time_limit *which)
{
    *which = CASTOR_LIMIT_NONE;
    if (stream->is_paused || (!stream->exchange && !is_waiting(stream))) return INT64_MAX;
    if (is_ended(stream)) return stream->ended_ms + CST_CLOSE_TAIL_MS;

    castor_time_limit phase_limit;
    int64_t           limit_ms = limit_of_phase(stream, &phase_limit), deadline_ms = INT64_MAX;
    if (limit_ms >= 0) {
        *which = phase_limit;
        deadline_ms = (stream->last_byte_ms ? stream->last_byte_ms : stream->phase_since_ms) + limit_ms;
    }
    if (stream->total_limit_ms >= 0 && stream->opened_ms + stream->total_limit_ms < deadline_ms) {
        *which = CASTOR_LIMIT_TOTAL;
        deadline_ms = stream->opened_ms + stream->total_limit_ms;
    }
    return deadline_ms;
}

static void schedule(castor_stream *stream)
{
    castor_time_limit which;

    if (!stream->client) return;
    int64_t deadline_ms = deadline_of(stream, &which);
    if (deadline_ms == INT64_MAX) cst_deadlines_drop(&stream->client->deadlines, &stream->deadline);
    else cst_deadlines_put(&stream->client->deadlines, &stream->deadline, deadline_ms);
}

static void look_at_phase(castor_stream *stream, int64_t now_ms)
{
    cst_phase phase = stream->exchange ? methods_of(stream)->phase(stream->exchange) : stream->phase;

    if (phase == stream->phase) return;
    stream->phase = phase;
    stream->phase_since_ms = now_ms;
}

/* ---- life and death of the exchange ---- */

static void unlink_stream(castor_stream *stream)
{
    castor_client *client = stream->client;

    cst_stream_delist(stream);
    cst_deadlines_drop(&client->deadlines, &stream->deadline);
    *stream->link = stream->next;
    if (stream->next) stream->next->link = stream->link;
    if (!stream->is_told) client->open_count--;
    stream->client = NULL;
}

static void free_stream(castor_stream *stream)
{
    cst_allocator allocator = stream->allocator;

    if (stream->decoder) cst_decoder_clear(stream->decoder);
    cst_release(&allocator, stream->decoder);
    cst_call_free(&stream->call);
    cst_release(&allocator, stream);
}

/* What its caller has closed goes with it. */
static void close_exchange(castor_stream *stream)
{
    if (stream->exchange) {
        methods_of(stream)->close(stream->exchange);
        stream->client->under_way--;
    }
    stream->exchange = NULL;
    stream->is_paused = false;
    schedule(stream);
    if (!stream->is_closed) return;
    unlink_stream(stream);
    free_stream(stream);
}

static bool make_decoder(castor_stream *stream)
{
    castor_decoder_options options = CASTOR_DECODER_OPTIONS_INIT;

    if (stream->decoder) return true;
    castor_decoder *decoder = cst_alloc(&stream->allocator, sizeof *decoder);
    if (!decoder) return false;
    options.dialect = stream->call.dialect->id;
    options.event_bytes_max = stream->client->event_bytes_max;
    if (cst_decoder_init(decoder, &options, &stream->allocator, NULL) == CASTOR_OK) {
        stream->decoder = decoder;
        return true;
    }
    cst_decoder_clear(decoder);
    cst_release(&stream->allocator, decoder);
    return false;
}

/* ---- the sink: what the transport tells ---- */

static void on_phase(void *user)
{
    castor_stream *stream = user;

    if (!stream->exchange) return; /* it is being opened */
    look_at_phase(stream, clock_of(stream));
    schedule(stream);
}

static void on_connected(void *user, bool is_reused)
{
    castor_stream *stream = user;

    stream->timing.connected_ms = is_reused ? castor_some_i64(0) : since_open(stream, clock_of(stream));
}

static void on_head(void *user, int32_t http_status, castor_str content_type, castor_i64 retry_after_ms)
{
    castor_stream *stream = user;

    stream->retry_after_ms = retry_after_ms;
    cst_decoder_head(stream->decoder, http_status, content_type);
}

/* The caller has something to take and enough waits behind it. */
static bool is_full(castor_stream *stream)
{
    return cst_frame_held(&stream->decoder->frame) >= CST_STREAM_BUFFER_HIGH && cst_decoder_advance(stream->decoder);
}

static void note_bytes(castor_stream *stream)
{
    stream->last_byte_ms = clock_of(stream);
    if (!stream->timing.first_byte_ms.is_set) stream->timing.first_byte_ms = since_open(stream, stream->last_byte_ms);
    schedule(stream);
}

static cst_take on_bytes(void *user, const char *bytes, size_t len)
{
    castor_stream *stream = user;
    castor_error   failure;

    if (is_ended(stream)) {
        stream->tail_bytes += len;
        return stream->tail_bytes > CST_CLOSE_TAIL_BYTES ? CST_TAKE_STOP : CST_TAKE_MORE;
    }
    cst_stream_touch(stream);
    if (is_full(stream)) {
        stream->is_paused = true;
        schedule(stream);
        return CST_TAKE_PAUSE;
    }
    note_bytes(stream);
    if (castor_decoder_feed(stream->decoder, bytes, len, &failure) == CASTOR_OK) return CST_TAKE_MORE;
    failure.verdict = CASTOR_VERDICT_FAILED;
    cst_decoder_fail(stream->decoder, &failure);
    return CST_TAKE_STOP;
}

static void on_end(void *user, const castor_error *failure)
{
    castor_stream *stream = user;

    if (failure) cst_decoder_lose(stream->decoder, failure);
    else castor_decoder_end(stream->decoder, CASTOR_END_CLEAN);
    cst_stream_touch(stream);
    close_exchange(stream);
}

/* ---- the outcome ---- */

/* From here on what comes is tail, and its time runs. */
static void begin_tail(castor_stream *stream)
{
    stream->ended_ms = clock_of(stream);
    if (stream->is_paused) {
        stream->is_paused = false;
        methods_of(stream)->resume(stream->exchange);
    }
    schedule(stream);
}

/* Once, when the outcome stands: adds what only the stream knows, takes out what nobody may see. */
static void settle(castor_stream *stream)
{
    castor_error *outcome = stream->decoder ? &stream->decoder->outcome : NULL;

    if (stream->is_settled) return;
    stream->is_settled = true;
    if (stream->client) {
        stream->timing.total_ms = since_open(stream, clock_of(stream));
        if (outcome) cst_error_redact(outcome, castor_str_of(stream->client->api_key));
        begin_tail(stream);
    }
    if (outcome && outcome->status == CASTOR_API_ERROR && !outcome->retry_after_ms.is_set) {
        outcome->retry_after_ms = stream->retry_after_ms;
    }
}

void cst_stream_fail(castor_stream *stream, const castor_error *failure)
{
    if (is_waiting(stream)) cst_stream_delist(stream);
    if (make_decoder(stream)) cst_decoder_fail(stream->decoder, failure);
    else stream->has_no_memory = true;
    close_exchange(stream);
    settle(stream);
    cst_stream_touch(stream);
}

static const char *phase_name(const castor_stream *stream)
{
    if (is_waiting(stream)) return "waiting for its turn";
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

void cst_stream_end_if_cancelled(castor_stream *stream)
{
    bool is_cancelled = !is_ended(stream) && atomic_load(&stream->is_cancelled);

    if (is_cancelled) be_cancelled(stream, "the answer was cancelled");
}

void cst_stream_expire(castor_stream *stream, int64_t now_ms)
{
    castor_time_limit which;

    look_at_phase(stream, now_ms);
    cst_deadlines_drop(&stream->client->deadlines, &stream->deadline);
    if (now_ms < deadline_of(stream, &which)) {
        schedule(stream); /* its limit began anew since it was noted */
        return;
    }
    if (is_ended(stream)) {
        close_exchange(stream);
        return;
    }
    /* What has arrived is given first; poll() will look at the clock again. */
    if (stream->decoder && cst_decoder_advance(stream->decoder)) return;
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
    client->open_count++;
}

static castor_status start_exchange(castor_stream *stream, castor_error *err)
{
    const cst_sink   sink = { stream, on_phase, on_connected, on_head, on_bytes, on_end };
    const char      *lines[CST_HEADERS_MAX + 1];
    castor_client   *client = stream->client;

    for (size_t i = 0; i < stream->call.line_count; i++) lines[i] = cst_call_line(&stream->call, i);
    lines[stream->call.line_count] = NULL;
    const cst_http_request request = {
        .url = stream->call.url.data,
        .headers = lines,
        .body = cst_buf_view(&stream->call.wire.body),
        .connect_timeout_ms = client->limits.connect_ms,
    };
    return client->transport->methods->open(client->transport, &stream->exchange, &request, &sink, err);
}

static castor_status start(castor_stream *stream, castor_error *err)
{
    cst_call_settings settings = cst_client_call_settings(stream->client);

    if (!make_decoder(stream)) return cst_fail_plainly(err, CASTOR_NO_MEMORY);
    castor_status status = cst_call_print_headers(&stream->call, stream->server_limit_ms, &settings, err);
    if (status == CASTOR_OK) status = start_exchange(stream, err);
    cst_call_forget_key(&stream->call); /* the transport has its own copy now, and no more than one is needed */
    if (status != CASTOR_OK) return status;
    stream->client->under_way++;
    stream->phase_since_ms = clock_of(stream);
    schedule(stream);
    return CASTOR_OK;
}

void cst_stream_start(castor_stream *stream)
{
    castor_error failure;

    cst_stream_delist(stream);
    if (start(stream, &failure) == CASTOR_OK) return;
    failure.verdict = CASTOR_VERDICT_FAILED;
    cst_stream_fail(stream, &failure);
}

/* Starts, or stands in line behind those that came before. */
static castor_status begin(castor_stream *stream, castor_error *err)
{
    castor_client *client = stream->client;

    if (client->under_way < client->streams_max && !client->waiting.first) return start(stream, err);
    cst_call_fit(&stream->call);
    enlist(stream, &client->waiting);
    schedule(stream);
    return CASTOR_OK;
}

castor_status cst_stream_open(castor_stream **out, castor_client *client, const castor_request *request,
                              castor_error *err)
{
    cst_call_settings settings = cst_client_call_settings(client);

    *out = NULL;
    castor_stream *stream = cst_alloc_zeroed(&client->allocator, sizeof *stream);
    if (!stream) return cst_fail_plainly(err, CASTOR_NO_MEMORY);
    stream->allocator = client->allocator;
    link_stream(stream, client);
    stream->opened_ms = stream->phase_since_ms = clock_of(stream);
    stream->total_limit_ms = cst_client_total_limit(client, request);
    stream->server_limit_ms = cst_client_server_limit(client, request);

    castor_status status = cst_call_print(&stream->call, request, &settings, &stream->allocator, err);
    if (status == CASTOR_OK) status = begin(stream, err);
    if (status != CASTOR_OK) {
        unlink_stream(stream);
        free_stream(stream);
        return status;
    }
    *out = stream;
    return CASTOR_OK;
}

/* Nothing but the end of the body can still come. */
static bool has_short_tail(const castor_stream *stream)
{
    const cst_facts *facts = &stream->decoder->facts;
    size_t           finished = 0;

    for (size_t i = 0; i < facts->candidate_count; i++) finished += facts->candidates[i].is_finished;
    return facts->has_end_mark || (finished > 0 && finished == facts->candidate_count);
}

static void read_tail(castor_stream *stream)
{
    cst_transport *transport = stream->client->transport;
    int64_t        left_ms = CST_CLOSE_TAIL_MS;

    while (stream->exchange && left_ms > 0 && stream->tail_bytes <= CST_CLOSE_TAIL_BYTES) {
        if (transport->methods->drive(transport, left_ms, NULL) != CASTOR_OK) return;
        left_ms = stream->ended_ms + CST_CLOSE_TAIL_MS - clock_of(stream);
    }
}

/* Nobody can ask any more. */
static void set_told(castor_stream *stream)
{
    if (!stream->is_told && stream->client) stream->client->open_count--;
    stream->is_told = true;
    cst_stream_delist(stream);
}

void cst_stream_close(castor_stream *stream, bool is_patient)
{
    castor_error closing;

    if (!stream->client) {
        free_stream(stream);
        return;
    }
    set_told(stream);
    stream->listen = NULL;
    if (stream->exchange && has_short_tail(stream)) {
        cst_fail(&closing, CASTOR_CANCELLED, "the stream was closed");
        closing.verdict = CASTOR_VERDICT_CANCELLED;
        cst_decoder_fail(stream->decoder, &closing); /* from here on bytes are tail */
        begin_tail(stream);
        if (is_patient) read_tail(stream);
        else if (stream->tail_bytes <= CST_CLOSE_TAIL_BYTES) {
            stream->is_closed = true;
            return;
        }
    }
    stream->is_closed = true;
    close_exchange(stream);
}

void cst_stream_orphan(castor_stream *stream)
{
    if (stream->is_closed) {
        close_exchange(stream);
        return;
    }
    if (!is_ended(stream)) be_cancelled(stream, "the client was freed before the answer's end");
    settle(stream);
    close_exchange(stream);
    unlink_stream(stream);
}

void castor_stream_cancel(castor_stream *stream)
{
    int saved_errno = errno; /* we may stand in a signal handler */

    atomic_store(&stream->is_cancelled, 1);
    if (stream->client) {
        atomic_store(&stream->client->has_cancelled, 1);
        methods_of(stream)->wake(stream->client->transport);
    }
    errno = saved_errno;
}

/* ---- taking events ---- */

static void note_first_text(castor_stream *stream)
{
    if (stream->timing.first_text_ms.is_set || !stream->client) return;
    for (size_t i = 0; i < stream->decoder->events.count; i++) {
        if (stream->decoder->events.items[i].type != CASTOR_EVENT_TEXT) continue;
        stream->timing.first_text_ms = since_open(stream, clock_of(stream));
        return;
    }
}

bool cst_stream_is_ready(castor_stream *stream)
{
    cst_stream_end_if_cancelled(stream);
    bool has_event = stream->decoder && cst_decoder_advance(stream->decoder);
    if (has_event) note_first_text(stream);
    if (is_ended(stream)) settle(stream);
    return has_event || is_ended(stream);
}

static void resume_if_drained(castor_stream *stream)
{
    if (!stream->is_paused) return;
    /* Whatever is held: when no event can be made of it, its other half is still on the way. */
    bool is_low = cst_frame_held(&stream->decoder->frame) <= CST_STREAM_BUFFER_LOW;
    if (!is_low && cst_decoder_advance(stream->decoder)) return;
    stream->is_paused = false;
    stream->last_byte_ms = clock_of(stream); /* the pause was ours */
    schedule(stream);
    methods_of(stream)->resume(stream->exchange);
}

/* The end of a stream that found no memory for a decoder. */
static castor_step tell_no_memory(castor_event *event, castor_error *err)
{
    *event = (castor_event){ 0 };
    if (err) *err = no_memory;
    return CASTOR_STEP_ERROR;
}

castor_step cst_stream_poll(castor_stream *stream, castor_event *event, castor_error *err)
{
    resume_if_drained(stream);
    if (!cst_stream_is_ready(stream)) {
        *event = (castor_event){ 0 };
        if (!is_waiting(stream)) cst_stream_delist(stream);
        schedule(stream);
        return CASTOR_STEP_WAIT;
    }
    castor_step step = stream->decoder ? castor_decoder_next(stream->decoder, event, err) : tell_no_memory(event, err);
    if (step != CASTOR_STEP_EVENT) set_told(stream);
    return step;
}

void cst_stream_listen(castor_stream *stream, castor_listen_fn *fn, void *user)
{
    stream->listen = fn;
    stream->listen_user = user;
    if (!stream->client) return;
    if (stream->is_told) stream->client->open_count++;
    stream->is_told = false; /* a new listener is told the end, too */
    cst_stream_touch(stream);
}

/* ---- what is known ---- */

castor_verdict castor_stream_verdict(const castor_stream *stream)
{
    const castor_error *error = castor_stream_error(stream);

    return error ? error->verdict : is_ended(stream) ? CASTOR_VERDICT_COMPLETE : CASTOR_VERDICT_NONE;
}

const castor_error *castor_stream_error(const castor_stream *stream)
{
    if (!is_ended(stream)) return NULL;
    if (!stream->decoder) return &no_memory;
    return stream->decoder->outcome.verdict == CASTOR_VERDICT_COMPLETE ? NULL : &stream->decoder->outcome;
}

castor_usage castor_stream_usage(const castor_stream *stream)
{
    return stream->decoder ? castor_decoder_usage(stream->decoder) : (castor_usage){ .prompt_tokens = { 0, 0 } };
}

castor_timing castor_stream_timing(const castor_stream *stream)
{
    return stream->timing;
}

int32_t castor_stream_http_status(const castor_stream *stream)
{
    return stream->decoder ? stream->decoder->http_status : 0;
}

castor_str castor_stream_response_id(const castor_stream *stream)
{
    return stream->decoder ? castor_decoder_response_id(stream->decoder) : CST_NONE;
}

castor_str castor_stream_model_version(const castor_stream *stream)
{
    return stream->decoder ? castor_decoder_model_version(stream->decoder) : CST_NONE;
}

castor_str castor_stream_finish_reason(const castor_stream *stream)
{
    return stream->decoder ? castor_decoder_finish_reason(stream->decoder) : CST_NONE;
}

castor_str castor_stream_block_reason(const castor_stream *stream)
{
    return stream->decoder ? castor_decoder_block_reason(stream->decoder) : CST_NONE;
}

castor_str castor_stream_error_body(const castor_stream *stream)
{
    return stream->decoder && is_ended(stream) ? cst_decoder_error_body(stream->decoder) : CST_NONE;
}
