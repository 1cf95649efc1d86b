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
#include "stream_parts.h"

#include "error.h"

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

void cst_stream_enlist(castor_stream *stream, cst_stream_list *list, castor_stream *before)
{
    cst_stream_delist(stream);
    stream->list = list;
    stream->list_prev = before ? before->list_prev : list->last;
    stream->list_next = before;
    *(stream->list_prev ? &stream->list_prev->list_next : &list->first) = stream;
    *(before ? &before->list_prev : &list->last) = stream;
    list->count++;
}

void cst_stream_touch(castor_stream *stream)
{
    castor_client *client = stream->client;

    if (!client || stream->is_told || stream->is_resting || cst_stream_is_waiting(stream)) return;
    cst_stream_list *list = stream->listen ? &client->heard : &client->news;
    if (stream->list != list) cst_stream_enlist(stream, list, NULL);
}

/* ---- time limits ---- */

/* When the nearest limit strikes, INT64_MAX: never; and when it began to run. After the end only that of the tail runs,
 * and none while the stream waits for its caller. */
static int64_t deadline_of(const castor_stream *stream, castor_time_limit *which, int64_t *since_ms)
{
    const cst_attempt *attempt = &stream->attempt;
    int64_t            deadline_ms = INT64_MAX;

    *which = CASTOR_LIMIT_NONE;
    *since_ms = attempt->opened_ms;
    if (attempt->is_paused || (!attempt->exchange && !cst_stream_is_between(stream))) return INT64_MAX;
    if (stream->is_settled) return stream->ended_ms + CST_CLOSE_TAIL_MS;

    /* Between two attempts the one before is still remembered, and its limits are over. */
    int64_t limit_ms = cst_stream_is_between(stream) ? CASTOR_NO_LIMIT : cst_attempt_limit(attempt, which, since_ms);
    if (limit_ms >= 0) deadline_ms = *since_ms + limit_ms;
    if (stream->is_resting) deadline_ms = stream->resume_ms;
    if (stream->total_limit_ms >= 0 && attempt->opened_ms + stream->total_limit_ms < deadline_ms) {
        *which = CASTOR_LIMIT_TOTAL;
        *since_ms = attempt->opened_ms;
        deadline_ms = attempt->opened_ms + stream->total_limit_ms;
    }
    return deadline_ms;
}

void cst_stream_schedule(castor_stream *stream)
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
    if (!cst_stream_is_waiting(stream)) cst_stream_delist(stream);
    cst_stream_schedule(stream);
}

/* ---- its attempt ---- */

void cst_stream_unlink(castor_stream *stream)
{
    castor_client *client = stream->client;

    cst_stream_delist(stream);
    cst_deadlines_drop(&client->deadlines, &stream->deadline);
    *stream->link = stream->next;
    if (stream->next) stream->next->link = stream->link;
    if (!stream->is_told) client->open_count--;
    stream->client = NULL;
}

void cst_stream_free(castor_stream *stream)
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
    cst_stream_schedule(stream);
    if (!stream->is_closed) return;
    cst_stream_unlink(stream);
    cst_stream_free(stream);
}

void cst_stream_close_exchange(castor_stream *stream)
{
    cst_attempt_close(&stream->attempt);
    let_go(stream);
}

bool cst_stream_make_decoder(castor_stream *stream)
{
    castor_decoder_options options = CASTOR_DECODER_OPTIONS_INIT;

    options.dialect = stream->call.dialect->id;
    options.event_bytes_max = stream->client->event_bytes_max;
    if (!cst_attempt_make_decoder(&stream->attempt, &options, &stream->allocator)) return false;
    stream->attempt.decoder->doc.shelf = &stream->client->shelf; /* it reads no record once the client is gone */
    if (!stream->call.wire.is_stream) stream->attempt.decoder->prediction.is_off = true; /* of one record */
    return true;
}

static void on_limit(void *user)
{
    cst_stream_schedule(user);
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

const cst_attempt_owner cst_stream_owner = { on_limit, on_bytes, on_over };

/* ---- the outcome ---- */

/* From here on what comes is tail, and its time runs. */
void cst_stream_begin_tail(castor_stream *stream)
{
    stream->ended_ms = cst_stream_clock(stream);
    cst_attempt_begin_tail(&stream->attempt);
    cst_stream_schedule(stream);
}

/* What the attempt came to, with what only we know; and without what nobody may see. */
castor_error *cst_stream_outcome(castor_stream *stream)
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
void cst_stream_settle(castor_stream *stream)
{
    if (stream->is_settled) return;
    stream->is_settled = true;
    stream->is_resting = false;
    cst_sequel_conclude(&stream->sequel, &stream->attempt);
    if (stream->attempt.decoder) (void)cst_stream_outcome(stream);
    if (!stream->client) return;
    stream->attempt.timing.total_ms = cst_attempt_since_open(&stream->attempt);
    cst_stream_begin_tail(stream);
}

void cst_stream_fail(castor_stream *stream, const castor_error *failure)
{
    bool is_between = cst_stream_is_between(stream); /* there may be an outcome already */

    if (cst_stream_is_waiting(stream)) cst_stream_delist(stream);
    stream->is_resting = false;
    bool has_decoder = cst_stream_make_decoder(stream); /* without one it was memory, see castor_stream_error */
    if (has_decoder && is_between) cst_decoder_overrule(stream->attempt.decoder, failure);
    else if (has_decoder) cst_decoder_fail(stream->attempt.decoder, failure);
    cst_stream_close_exchange(stream);
    cst_stream_settle(stream);
    cst_stream_touch(stream);
}

/* ---- ends that are ours ---- */

/* What a caller sets it by. */
static const char *setting_of(castor_time_limit which)
{
    static const char *const settings[] = {
        [CASTOR_LIMIT_NONE] = "the limit",
        [CASTOR_LIMIT_CONNECT] = "connect_timeout_ms",
        [CASTOR_LIMIT_TLS] = "tls_timeout_ms",
        [CASTOR_LIMIT_FIRST_BYTE] = "first_byte_timeout_ms",
        [CASTOR_LIMIT_IDLE] = "idle_timeout_ms",
        [CASTOR_LIMIT_TOTAL] = "total_timeout_ms",
    };

    return settings[which];
}

static void time_out(castor_stream *stream, castor_time_limit which, int64_t waited_ms)
{
    bool        is_between = cst_stream_is_between(stream);
    const char *during = stream->is_resting     ? "waiting to try again"
                         : cst_stream_is_waiting(stream)   ? "waiting for its turn"
                                                : cst_attempt_phase_name(&stream->attempt);
    castor_error cause;

    cst_fail(&cause, CASTOR_TIMEOUT, "the %s time limit struck after %lld.%03lld s, %s; raise %s to wait longer",
             castor_time_limit_name(which), (long long)(waited_ms / 1000), (long long)(waited_ms % 1000), during,
             setting_of(which));
    cause.verdict = CASTOR_VERDICT_TIMEOUT;
    cause.time_limit = which;
    if (is_between) {
        cst_stream_fail(stream, &cause);
        return;
    }
    cst_decoder_fail(stream->attempt.decoder, &cause);
    cst_attempt_close(&stream->attempt);
    cst_stream_follow_up(stream);
    let_go(stream); /* only now: who tries again keeps its place */
    cst_stream_touch(stream);
}

void cst_stream_be_cancelled(castor_stream *stream, const char *why)
{
    castor_error cause;

    cst_fail(&cause, CASTOR_CANCELLED, "%s", why);
    cause.verdict = CASTOR_VERDICT_CANCELLED;
    cst_stream_fail(stream, &cause);
}

void cst_stream_end_if_cancelled(castor_stream *stream)
{
    bool is_cancelled = !stream->is_settled && atomic_load(&stream->is_cancelled);

    if (is_cancelled) cst_stream_be_cancelled(stream, "the answer was cancelled");
}

void cst_stream_expire(castor_stream *stream, int64_t now_ms)
{
    castor_time_limit which;
    int64_t           since_ms;
    bool              was_resting = stream->is_resting;

    cst_attempt_look(&stream->attempt);
    cst_deadlines_drop(&stream->client->deadlines, &stream->deadline);
    if (now_ms < deadline_of(stream, &which, &since_ms)) {
        cst_stream_schedule(stream); /* its limit began anew since it was noted */
    } else if (stream->is_settled) {
        cst_stream_close_exchange(stream);
    } else if (was_resting && which == CASTOR_LIMIT_NONE) {
        cst_stream_resume(stream);
    } else if (cst_stream_advance(stream) || stream->is_settled || stream->is_resting != was_resting) {
        return; /* what has arrived has come in time; poll() will look at the clock again */
    } else {
        time_out(stream, which, now_ms - since_ms);
    }
}
