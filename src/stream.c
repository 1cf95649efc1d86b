/* stream.c -- one answer, as its caller holds it: its turn, its attempt, its end, watched by the clock.
 * SPDX-License-Identifier: MIT
 *
 *      open                 turn               end of body, "[DONE]", failure, time, cancel
 *   ---------> WAITING -----------> UNDER WAY ---------------------------------------------> ENDED --> closed
 *
 * WAITING    as many streams are under way as may be. There is a printed request and nothing else: no decoder, no
 *            exchange. Only the total limit and cancel can end it.
 * UNDER WAY  the attempt is (attempt.h).
 * ENDED      the decoder has its outcome; next() repeats it. The exchange may live on for its tail, so that the
 *            connection is left in good order; for CST_CLOSE_TAIL_MS at most.
 *
 * The decoder alone decides what an answer came to; this file only tells it of ends that are ours. Whatever may have
 * given the caller something puts the stream into the client's news, so that nobody need search for it; and each change
 * that brings a limit nearer tells the client's deadlines.
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
    return stream->attempt.decoder ? cst_attempt_is_ended(&stream->attempt) : stream->has_no_memory;
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

/* When the nearest limit strikes, INT64_MAX: never; and when it began to run. After the end only that of the tail runs,
 * and none while the stream waits for its caller. */
static int64_t deadline_of(const castor_stream *stream, castor_time_limit *which, int64_t *since_ms)
{
    const cst_attempt *attempt = &stream->attempt;
    int64_t            deadline_ms = INT64_MAX;

    *which = CASTOR_LIMIT_NONE;
    if (attempt->is_paused || (!attempt->exchange && !is_waiting(stream))) return INT64_MAX;
    if (is_ended(stream)) return stream->ended_ms + CST_CLOSE_TAIL_MS;

    int64_t limit_ms = cst_attempt_limit(attempt, which, since_ms);
    if (limit_ms >= 0) deadline_ms = *since_ms + limit_ms;
    if (stream->total_limit_ms >= 0 && attempt->opened_ms + stream->total_limit_ms < deadline_ms) {
        *which = CASTOR_LIMIT_TOTAL;
        *since_ms = attempt->opened_ms;
        deadline_ms = *since_ms + stream->total_limit_ms;
    }
    return deadline_ms;
}

static void schedule(castor_stream *stream)
{
    castor_time_limit which;
    int64_t           since_ms;

    if (!stream->client) return;
    int64_t deadline_ms = deadline_of(stream, &which, &since_ms);
    if (deadline_ms == INT64_MAX) cst_deadlines_drop(&stream->client->deadlines, &stream->deadline);
    else cst_deadlines_put(&stream->client->deadlines, &stream->deadline, deadline_ms);
}

/* ---- its attempt ---- */

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

    cst_attempt_clear(&stream->attempt);
    cst_call_free(&stream->call);
    cst_release(&allocator, stream);
}

/* The exchange is closed. What its caller has closed goes with it. */
static void let_go(castor_stream *stream)
{
    schedule(stream);
    if (!stream->is_closed) return;
    unlink_stream(stream);
    free_stream(stream);
}

static void close_exchange(castor_stream *stream)
{
    stream->client->under_way -= stream->attempt.exchange != NULL;
    cst_attempt_close(&stream->attempt);
    let_go(stream);
}

static bool make_decoder(castor_stream *stream)
{
    castor_decoder_options options = CASTOR_DECODER_OPTIONS_INIT;

    options.dialect = stream->call.dialect->id;
    options.event_bytes_max = stream->client->event_bytes_max;
    return cst_attempt_make_decoder(&stream->attempt, &options, &stream->allocator);
}

static void on_limit(void *user)
{
    schedule(user);
}

static void on_bytes(void *user)
{
    cst_stream_touch(user);
}

static void on_over(void *user)
{
    castor_stream *stream = user;

    stream->client->under_way--;
    cst_stream_touch(stream);
    let_go(stream);
}

/* ---- the outcome ---- */

/* From here on what comes is tail, and its time runs. */
static void begin_tail(castor_stream *stream)
{
    stream->ended_ms = clock_of(stream);
    cst_attempt_begin_tail(&stream->attempt);
    schedule(stream);
}

/* Once, when the outcome stands: adds what only the stream knows, takes out what nobody may see. */
static void settle(castor_stream *stream)
{
    castor_error *outcome = stream->attempt.decoder ? &stream->attempt.decoder->outcome : NULL;

    if (stream->is_settled) return;
    stream->is_settled = true;
    if (stream->client) {
        stream->attempt.timing.total_ms = cst_attempt_since_open(&stream->attempt);
        if (outcome) cst_error_redact(outcome, castor_str_of(stream->client->api_key));
        begin_tail(stream);
    }
    if (outcome && outcome->status == CASTOR_API_ERROR && !outcome->retry_after_ms.is_set) {
        outcome->retry_after_ms = stream->attempt.retry_after_ms;
    }
}

void cst_stream_fail(castor_stream *stream, const castor_error *failure)
{
    if (is_waiting(stream)) cst_stream_delist(stream);
    if (make_decoder(stream)) cst_decoder_fail(stream->attempt.decoder, failure);
    else stream->has_no_memory = true;
    close_exchange(stream);
    settle(stream);
    cst_stream_touch(stream);
}

static void time_out(castor_stream *stream, castor_time_limit which, int64_t waited_ms)
{
    castor_error cause;

    cst_fail(&cause, CASTOR_TIMEOUT, "the %s time limit struck after %lld.%03lld s, %s; the options can raise it",
             castor_time_limit_name(which), (long long)(waited_ms / 1000), (long long)(waited_ms % 1000),
             is_waiting(stream) ? "waiting for its turn" : cst_attempt_phase_name(&stream->attempt));
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

/* From what has arrived. May find that it has ended. */
static bool has_event(castor_stream *stream)
{
    return stream->attempt.decoder && cst_decoder_advance(stream->attempt.decoder);
}

void cst_stream_expire(castor_stream *stream, int64_t now_ms)
{
    castor_time_limit which;
    int64_t           since_ms;

    cst_attempt_look(&stream->attempt);
    cst_deadlines_drop(&stream->client->deadlines, &stream->deadline);
    if (now_ms < deadline_of(stream, &which, &since_ms)) {
        schedule(stream); /* its limit began anew since it was noted */
        return;
    }
    if (is_ended(stream)) {
        close_exchange(stream);
        return;
    }
    /* What has arrived is given first; poll() will look at the clock again. */
    if (has_event(stream)) return;
    if (is_ended(stream)) settle(stream);
    else time_out(stream, which, now_ms - since_ms);
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

static castor_status begin_attempt(castor_stream *stream, castor_error *err)
{
    const char *lines[CST_HEADERS_MAX + 1];

    for (size_t i = 0; i < stream->call.line_count; i++) lines[i] = cst_call_line(&stream->call, i);
    lines[stream->call.line_count] = NULL;
    const cst_http_request request = {
        .url = stream->call.url.data,
        .headers = lines,
        .body = cst_buf_view(&stream->call.wire.body),
        .connect_timeout_ms = stream->attempt.limits.connect_ms,
    };
    return cst_attempt_begin(&stream->attempt, &request, err);
}

static castor_status start(castor_stream *stream, castor_error *err)
{
    cst_call_settings settings = cst_client_call_settings(stream->client);

    if (!make_decoder(stream)) return cst_fail_plainly(err, CASTOR_NO_MEMORY);
    castor_status status = cst_call_print_headers(&stream->call, stream->server_limit_ms, &settings, err);
    if (status == CASTOR_OK) status = begin_attempt(stream, err);
    cst_call_forget_key(&stream->call); /* the transport has its own copy now, and no more than one is needed */
    if (status != CASTOR_OK) return status;
    stream->client->under_way++;
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

static void init_attempt(castor_stream *stream, const castor_request *request)
{
    stream->attempt = (cst_attempt){
        .owner = { stream, on_limit, on_bytes, on_over },
        .transport = stream->client->transport,
        .limits = cst_client_limits(stream->client, request),
        .opened_ms = clock_of(stream),
    };
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
    init_attempt(stream, request);
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

static void read_tail(castor_stream *stream)
{
    cst_transport *transport = stream->client->transport;
    int64_t        left_ms = CST_CLOSE_TAIL_MS;

    while (stream->attempt.exchange && left_ms > 0 && stream->attempt.tail_bytes <= CST_CLOSE_TAIL_BYTES) {
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
    if (stream->attempt.exchange && cst_attempt_has_short_tail(&stream->attempt)) {
        cst_fail(&closing, CASTOR_CANCELLED, "the stream was closed");
        closing.verdict = CASTOR_VERDICT_CANCELLED;
        cst_decoder_fail(stream->attempt.decoder, &closing); /* from here on bytes are tail */
        begin_tail(stream);
        if (is_patient) read_tail(stream);
        else if (stream->attempt.tail_bytes <= CST_CLOSE_TAIL_BYTES) {
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
    const cst_events *events = &stream->attempt.decoder->events;
    castor_timing    *timing = &stream->attempt.timing;

    if (timing->first_text_ms.is_set || !stream->client) return;
    for (size_t i = 0; i < events->count; i++) {
        if (events->items[i].type != CASTOR_EVENT_TEXT) continue;
        timing->first_text_ms = cst_attempt_since_open(&stream->attempt);
        return;
    }
}

bool cst_stream_is_ready(castor_stream *stream)
{
    cst_stream_end_if_cancelled(stream);
    bool is_event = has_event(stream);
    if (is_event) note_first_text(stream);
    if (is_ended(stream)) settle(stream);
    return is_event || is_ended(stream);
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
    cst_attempt_resume_if_drained(&stream->attempt);
    if (!cst_stream_is_ready(stream)) {
        *event = (castor_event){ 0 };
        if (!is_waiting(stream)) cst_stream_delist(stream);
        schedule(stream);
        return CASTOR_STEP_WAIT;
    }
    castor_decoder *decoder = stream->attempt.decoder;
    castor_step     step = decoder ? castor_decoder_next(decoder, event, err) : tell_no_memory(event, err);
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

static const castor_decoder *decoder_of(const castor_stream *stream)
{
    return stream->attempt.decoder;
}

castor_verdict castor_stream_verdict(const castor_stream *stream)
{
    const castor_error *error = castor_stream_error(stream);

    return error ? error->verdict : is_ended(stream) ? CASTOR_VERDICT_COMPLETE : CASTOR_VERDICT_NONE;
}

const castor_error *castor_stream_error(const castor_stream *stream)
{
    if (!is_ended(stream)) return NULL;
    if (!decoder_of(stream)) return &no_memory;
    const castor_error *outcome = &decoder_of(stream)->outcome;
    return outcome->verdict == CASTOR_VERDICT_COMPLETE ? NULL : outcome;
}

castor_usage castor_stream_usage(const castor_stream *stream)
{
    castor_usage unknown = { .prompt_tokens = { 0, 0 } };

    return decoder_of(stream) ? castor_decoder_usage(decoder_of(stream)) : unknown;
}

castor_timing castor_stream_timing(const castor_stream *stream)
{
    return stream->attempt.timing;
}

int32_t castor_stream_http_status(const castor_stream *stream)
{
    return decoder_of(stream) ? decoder_of(stream)->http_status : 0;
}

castor_str castor_stream_response_id(const castor_stream *stream)
{
    return decoder_of(stream) ? castor_decoder_response_id(decoder_of(stream)) : CST_NONE;
}

castor_str castor_stream_model_version(const castor_stream *stream)
{
    return decoder_of(stream) ? castor_decoder_model_version(decoder_of(stream)) : CST_NONE;
}

castor_str castor_stream_finish_reason(const castor_stream *stream)
{
    return decoder_of(stream) ? castor_decoder_finish_reason(decoder_of(stream)) : CST_NONE;
}

castor_str castor_stream_block_reason(const castor_stream *stream)
{
    return decoder_of(stream) ? castor_decoder_block_reason(decoder_of(stream)) : CST_NONE;
}

castor_str castor_stream_error_body(const castor_stream *stream)
{
    return decoder_of(stream) && is_ended(stream) ? cst_decoder_error_body(decoder_of(stream)) : CST_NONE;
}
