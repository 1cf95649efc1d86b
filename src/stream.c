/* stream.c -- one answer, as its caller holds it: its turn, its attempts, its end, watched by the clock.
 * SPDX-License-Identifier: MIT
 *
 *      open                 turn               end of body, "[DONE]", failure, time, cancel
 *   ---------> WAITING -----------> UNDER WAY ---------------------------------------------> ENDED --> closed
 *                                    ^      | an end that another attempt may mend, or go on from
 *                               time |      v
 *                                    RESTING
 *
 * WAITING    as many streams are under way as may be. There is a printed request and nothing else: no decoder, no
 *            exchange. Only the total limit and cancel can end it.
 * UNDER WAY  the attempt is (attempt.h).
 * RESTING    the attempt is over, and its decoder says what it came to; the next begins at resume_ms. Only the total
 *            limit and cancel can end it. It keeps its place among those that are under way.
 * ENDED      the decoder has its outcome; next() repeats it. The exchange may live on for its tail, so that the
 *            connection is left in good order; for CST_CLOSE_TAIL_MS at most.
 *
 * The decoder alone decides what an attempt came to, and retry.h what follows; this file tells the decoder of ends that
 * are ours, and does what was decided. Whatever may have given the caller something puts the stream into the client's
 * news, so that nobody need search for it; and each change that brings a limit nearer tells the client's deadlines.
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

static bool is_waiting(const castor_stream *stream)
{
    return stream->client && stream->list == &stream->client->waiting;
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

    if (!client || stream->is_told || stream->is_resting || is_waiting(stream)) return;
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
    if (attempt->is_paused || (!attempt->exchange && !is_waiting(stream) && !stream->is_resting)) return INT64_MAX;
    if (stream->is_settled) return stream->ended_ms + CST_CLOSE_TAIL_MS;

    int64_t limit_ms = stream->is_resting ? CASTOR_NO_LIMIT : cst_attempt_limit(attempt, which, since_ms);
    if (limit_ms >= 0) deadline_ms = *since_ms + limit_ms;
    if (stream->is_resting) deadline_ms = stream->resume_ms;
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

void cst_stream_await(castor_stream *stream)
{
    if (!is_waiting(stream)) cst_stream_delist(stream);
    schedule(stream);
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
    cst_sequel_clear(&stream->sequel);
    if (stream->own_rules) cst_retry_rules_free(stream->own_rules);
    cst_release(&allocator, stream->own_rules);
    cst_release(&allocator, stream->model);
    cst_call_free(&stream->call);
    cst_release(&allocator, stream);
}

static void leave_place(castor_stream *stream)
{
    stream->client->under_way -= stream->holds_place;
    stream->holds_place = false;
}

/* The exchange is closed. What its caller has closed goes with it. */
static void let_go(castor_stream *stream)
{
    if (!stream->is_resting) leave_place(stream);
    schedule(stream);
    if (!stream->is_closed) return;
    unlink_stream(stream);
    free_stream(stream);
}

static void close_exchange(castor_stream *stream)
{
    cst_attempt_close(&stream->attempt);
    let_go(stream);
}

static bool make_decoder(castor_stream *stream)
{
    castor_decoder_options options = CASTOR_DECODER_OPTIONS_INIT;

    options.dialect = stream->call.dialect->id;
    options.event_bytes_max = stream->client->event_bytes_max;
    if (!cst_attempt_make_decoder(&stream->attempt, &options, &stream->allocator)) return false;
    stream->attempt.decoder->doc.shelf = &stream->client->shelf; /* it reads no record once the client is gone */
    if (!stream->call.wire.is_stream) stream->attempt.decoder->prediction.is_off = true; /* one record: none is like it */
    return true;
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

    (void)cst_stream_advance(stream); /* what is to follow need not wait until its caller asks */
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

/* What the attempt came to, with what only we know; and without what nobody may see. */
static castor_error *complete_outcome(castor_stream *stream)
{
    castor_error *outcome = &stream->attempt.decoder->outcome;
    castor_i64    told = stream->attempt.retry_after_ms;

    if (outcome->status == CASTOR_API_ERROR && told.is_set &&
        (!outcome->retry_after_ms.is_set || outcome->retry_after_ms.value < told.value)) {
        outcome->retry_after_ms = told;
    }
    if (stream->client) cst_error_redact(outcome, castor_str_of(stream->client->api_key));
    return outcome;
}

/* Once, when no attempt will follow. */
static void settle(castor_stream *stream)
{
    if (stream->is_settled) return;
    stream->is_settled = true;
    stream->is_resting = false;
    cst_sequel_conclude(&stream->sequel, &stream->attempt);
    if (stream->attempt.decoder) (void)complete_outcome(stream);
    if (!stream->client) return;
    stream->attempt.timing.total_ms = cst_attempt_since_open(&stream->attempt);
    begin_tail(stream);
}

void cst_stream_fail(castor_stream *stream, const castor_error *failure)
{
    bool is_between = stream->is_resting || is_waiting(stream); /* there may be an outcome already */

    if (is_waiting(stream)) cst_stream_delist(stream);
    stream->is_resting = false;
    if (!make_decoder(stream)) stream->has_no_memory = true;
    else if (is_between) cst_decoder_overrule(stream->attempt.decoder, failure);
    else cst_decoder_fail(stream->attempt.decoder, failure);
    close_exchange(stream);
    settle(stream);
    cst_stream_touch(stream);
}

/* ---- what follows an attempt ---- */

static int64_t left_of(int64_t limit_ms, int64_t since_ms, int64_t now_ms)
{
    return limit_ms < 0 ? INT64_MAX : since_ms + limit_ms - now_ms;
}

static cst_retry_case case_of(castor_stream *stream, const castor_error *error)
{
    const cst_retry_rules *rules = stream->rules;
    int64_t now_ms = clock_of(stream);
    int64_t total_left_ms = left_of(stream->total_limit_ms, stream->attempt.opened_ms, now_ms);
    int64_t since_ms = stream->sequel.has_given ? now_ms : stream->budget_since_ms; /* a new beginning is one of time */
    int64_t budget_left_ms = left_of(rules->budget_ms, since_ms, now_ms);

    return (cst_retry_case){
        .error = error,
        .attempts = stream->sequel.attempts,
        .restarts = stream->sequel.restarts,
        .has_given = stream->sequel.has_given,
        .was_reused = stream->attempt.is_reused,
        .has_other_model = cst_retry_next_model(rules, stream->fallback) != NULL,
        .left_ms = budget_left_ms < total_left_ms ? budget_left_ms : total_left_ms,
        .random = cst_client_roll(stream->client),
    };
}

/* The next attempt begins when the deadline strikes: never from here, where the transport may stand below us. */
static void rest(castor_stream *stream, int64_t delay_ms)
{
    stream->is_resting = true;
    stream->resume_ms = clock_of(stream) + delay_ms;
    cst_stream_delist(stream);
    close_exchange(stream);
}

static void tell_attempt(castor_stream *stream, const castor_error *error, const cst_retry_decision *decision)
{
    const cst_retry_rules *rules = stream->rules;
    const char            *model = stream->fallback ? stream->fallback : stream->model, *next_model = model;

    if (!rules->on_attempt) return;
    if (decision->takes_other_model) next_model = cst_retry_next_model(rules, stream->fallback);
    const castor_attempt attempt = {
        .number = stream->sequel.attempts,
        .attempts_max = rules->attempts_max,
        .model = castor_str_of(model),
        .next_model = castor_str_of(next_model),
        .error = error,
        .usage = stream->attempt.decoder->facts.usage,
        .delay_ms = decision->delay_ms,
        .is_restart = stream->sequel.has_given,
    };
    rules->on_attempt(rules->on_attempt_user, stream, &attempt);
}

static void try_again(castor_stream *stream, const castor_error *error, const cst_retry_decision *decision)
{
    cst_sequel *sequel = &stream->sequel;

    tell_attempt(stream, error, decision);
    if (decision->takes_other_model) {
        stream->fallback = cst_retry_next_model(stream->rules, stream->fallback);
        stream->is_new_model = true;
    }
    if (sequel->has_given) {
        (void)cst_call_set_token(&stream->call, CST_NONE, NULL);
        sequel->is_anew = true;
        sequel->restarts++;
        sequel->hops = 0;
        stream->budget_since_ms = clock_of(stream);
    }
    rest(stream, decision->delay_ms);
}

/* A long answer goes on: attempts and their time are counted anew. False: without memory. */
static bool hop(castor_stream *stream, castor_str token)
{
    if (cst_call_set_token(&stream->call, token, NULL) != CASTOR_OK) return false;
    stream->sequel.is_anew = false;
    stream->sequel.hops++;
    stream->sequel.attempts = 0;
    stream->budget_since_ms = clock_of(stream);
    rest(stream, 0);
    return true;
}

/* The attempt has ended: the one place that decides what follows. */
static void follow_up(castor_stream *stream)
{
    castor_error *outcome = complete_outcome(stream);
    castor_str    token = cst_stream_token(stream);
    bool          is_cancelled = atomic_load(&stream->is_cancelled);

    if (token.len > 0 && outcome->verdict == CASTOR_VERDICT_MAX_TOKENS && !is_cancelled) {
        if (hop(stream, token)) return;
        cst_fail_plainly(outcome, CASTOR_NO_MEMORY);
        outcome->verdict = CASTOR_VERDICT_FAILED;
    } else if (outcome->verdict != CASTOR_VERDICT_COMPLETE && !is_cancelled) {
        cst_retry_case     given = case_of(stream, outcome);
        cst_retry_decision decision = cst_retry_decide(stream->rules, &given);
        if (decision.answer == CST_RETRY_AGAIN) {
            try_again(stream, outcome, &decision);
            return;
        }
        cst_retry_explain(outcome, &decision, &given);
    }
    settle(stream);
}

castor_str cst_stream_token(const castor_stream *stream)
{
    return cst_sequel_token(&stream->sequel, &stream->attempt, cst_call_token(&stream->call), stream->hops_max);
}

bool cst_stream_advance(castor_stream *stream)
{
    if (stream->is_settled || stream->is_resting || is_waiting(stream) || !stream->attempt.decoder) return false;
    if (cst_decoder_advance(stream->attempt.decoder)) return true;
    if (cst_attempt_is_ended(&stream->attempt)) follow_up(stream);
    return false;
}

/* ---- beginning attempts ---- */

static castor_status send_request(castor_stream *stream, castor_error *err)
{
    const char *lines[CST_HEADERS_MAX + 1];

    for (size_t i = 0; i < stream->call.line_count; i++) lines[i] = cst_call_line(&stream->call, i);
    lines[stream->call.line_count] = NULL;
    const cst_http_request request = {
        .url = stream->call.url.data,
        .headers = lines,
        .body = cst_call_body(&stream->call),
        .connect_timeout_ms = stream->attempt.limits.connect_ms,
    };
    return cst_attempt_begin(&stream->attempt, &request, err);
}

/* What the server is told of the total limit: what is left of it. 0: nothing. */
static int64_t server_limit_of(const castor_stream *stream)
{
    int64_t left_ms = left_of(stream->total_limit_ms, stream->attempt.opened_ms, clock_of(stream));

    return !stream->tells_server || left_ms == INT64_MAX ? 0 : left_ms > 0 ? left_ms : 1;
}

/* A decoder for the attempt; what an earlier one left is set aside or forgotten. */
static castor_status prepare(castor_stream *stream, const cst_call_settings *settings, castor_error *err)
{
    cst_sequel   *sequel = &stream->sequel;
    castor_status status = CASTOR_OK;

    if (sequel->requests > 0) {
        cst_sequel_part(sequel, &stream->attempt);
        cst_attempt_reset(&stream->attempt, sequel->aside && !sequel->is_anew);
    }
    if (!make_decoder(stream)) return cst_fail_plainly(err, CASTOR_NO_MEMORY);
    cst_sequel_carry_on(sequel, &stream->attempt);
    if (stream->is_new_model) status = cst_call_set_model(&stream->call, stream->fallback, settings, err);
    stream->is_new_model = false;
    return status;
}

static castor_status start(castor_stream *stream, castor_error *err)
{
    cst_call_settings settings = cst_client_call_settings(stream->client);
    castor_status     status = prepare(stream, &settings, err);

    if (status == CASTOR_OK) status = cst_call_print_headers(&stream->call, server_limit_of(stream), &settings, err);
    if (status == CASTOR_OK) status = send_request(stream, err);
    cst_call_forget_key(&stream->call); /* the transport has its own copy now, and no more than one is needed */
    if (status != CASTOR_OK) return status;
    if (stream->sequel.requests++ == 0) stream->budget_since_ms = clock_of(stream);
    stream->sequel.attempts++;
    stream->client->under_way += !stream->holds_place;
    stream->holds_place = true;
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

static bool must_wait(const castor_stream *stream)
{
    const castor_client *client = stream->client;

    return !stream->holds_place && (client->under_way >= client->streams_max || client->waiting.first);
}

static void stand_in_line(castor_stream *stream)
{
    cst_call_fit(&stream->call);
    enlist(stream, &stream->client->waiting);
    schedule(stream);
}

/* The time of its next attempt has come. One whose caller was long in taking its events has lost its place. */
static void resume(castor_stream *stream)
{
    stream->is_resting = false;
    if (must_wait(stream)) stand_in_line(stream);
    else cst_stream_start(stream);
}

/* ---- ends that are ours ---- */

static void time_out(castor_stream *stream, castor_time_limit which, int64_t waited_ms)
{
    bool        is_between = stream->is_resting || is_waiting(stream);
    const char *during = stream->is_resting     ? "waiting to try again"
                         : is_waiting(stream)   ? "waiting for its turn"
                                                : cst_attempt_phase_name(&stream->attempt);
    castor_error cause;

    cst_fail(&cause, CASTOR_TIMEOUT, "the %s time limit struck after %lld.%03lld s, %s; the options can raise it",
             castor_time_limit_name(which), (long long)(waited_ms / 1000), (long long)(waited_ms % 1000), during);
    cause.verdict = CASTOR_VERDICT_TIMEOUT;
    cause.time_limit = which;
    if (is_between) {
        cst_stream_fail(stream, &cause);
        return;
    }
    cst_decoder_fail(stream->attempt.decoder, &cause);
    close_exchange(stream);
    follow_up(stream);
    cst_stream_touch(stream);
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
    bool is_cancelled = !stream->is_settled && atomic_load(&stream->is_cancelled);

    if (is_cancelled) be_cancelled(stream, "the answer was cancelled");
}

void cst_stream_expire(castor_stream *stream, int64_t now_ms)
{
    castor_time_limit which;
    int64_t           since_ms;
    bool              was_resting = stream->is_resting;

    cst_attempt_look(&stream->attempt);
    cst_deadlines_drop(&stream->client->deadlines, &stream->deadline);
    if (now_ms < deadline_of(stream, &which, &since_ms)) {
        schedule(stream); /* its limit began anew since it was noted */
    } else if (stream->is_settled) {
        close_exchange(stream);
    } else if (was_resting && which == CASTOR_LIMIT_NONE) {
        resume(stream);
    } else if (cst_stream_advance(stream) || stream->is_settled || stream->is_resting != was_resting) {
        return; /* what has arrived has come in time; poll() will look at the clock again */
    } else {
        time_out(stream, which, now_ms - since_ms);
    }
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

static void init_attempt(castor_stream *stream, const castor_request *request)
{
    static const cst_attempt_owner owner = { on_limit, on_bytes, on_over };

    stream->attempt = (cst_attempt){
        .owner = &owner,
        .user = stream,
        .transport = stream->client->transport,
        .limits = cst_client_limits(stream->client, request),
        .opened_ms = clock_of(stream),
    };
}

static castor_status choose_rules(castor_stream *stream, const castor_request *request, castor_error *err)
{
    castor_status status = CASTOR_OK;

    stream->rules = &stream->client->retry;
    if (request->retry) {
        stream->rules = stream->own_rules = cst_alloc_zeroed(&stream->allocator, sizeof *stream->own_rules);
        if (!stream->own_rules) return cst_fail_plainly(err, CASTOR_NO_MEMORY);
        status = cst_retry_rules_read(stream->own_rules, request->retry, &stream->allocator, err);
    }
    if (status != CASTOR_OK || !stream->rules->on_attempt || !request->model) return status;
    stream->model = cst_alloc_text(&stream->allocator, castor_str_of(request->model)); /* the hook is told */
    return stream->model ? CASTOR_OK : cst_fail_plainly(err, CASTOR_NO_MEMORY);
}

/* Before anything is sent, not when the server is in trouble. */
static castor_status check_fallbacks(const castor_stream *stream, castor_error *err)
{
    castor_status status = CASTOR_OK;

    for (const char *model = NULL; status == CASTOR_OK && (model = cst_retry_next_model(stream->rules, model));) {
        status = cst_call_check_model(&stream->call, model, err);
    }
    return status;
}

static castor_status make_recorder(castor_stream *stream, const castor_request *request, castor_error *err)
{
    size_t bytes_max = cst_client_recorder_bytes(stream->client, request);

    if (bytes_max == 0) return CASTOR_OK;
    stream->attempt.recorder = cst_recorder_new(bytes_max, &stream->allocator);
    return stream->attempt.recorder ? CASTOR_OK : cst_fail_plainly(err, CASTOR_NO_MEMORY);
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
    stream->tells_server = cst_client_server_limit(client, request) > 0;
    stream->hops_max = request->hops_max ? request->hops_max : CST_HOPS_MAX;

    castor_status status = choose_rules(stream, request, err);
    if (status == CASTOR_OK) status = cst_call_print(&stream->call, request, &settings, &stream->allocator, err);
    if (status == CASTOR_OK) status = check_fallbacks(stream, err);
    if (status == CASTOR_OK) status = make_recorder(stream, request, err);
    if (status == CASTOR_OK && !must_wait(stream)) status = start(stream, err);
    else if (status == CASTOR_OK) stand_in_line(stream);
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

void cst_stream_set_told(castor_stream *stream)
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
    cst_stream_set_told(stream);
    stream->listen = NULL;
    stream->is_settled = true;
    stream->is_resting = false;
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

void cst_stream_finish_recording(const castor_stream *stream)
{
    cst_recorder *recorder = stream->attempt.recorder;

    if (recorder && !recorder->is_over) cst_recorder_finish(recorder, castor_str_of(stream->client->api_key));
}

void cst_stream_orphan(castor_stream *stream)
{
    if (stream->is_closed) {
        close_exchange(stream);
        return;
    }
    if (!stream->is_settled) be_cancelled(stream, "the client was freed before the answer's end");
    close_exchange(stream);
    cst_stream_finish_recording(stream); /* while the key is known */
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
