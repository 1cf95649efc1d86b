/* stream_attempts.c -- one attempt after another: what follows one that ended, and how the next begins.
 * SPDX-License-Identifier: MIT
 */
#include "error.h"
#include "stream_parts.h"

/* ---- what follows an attempt ---- */

static int64_t left_of(int64_t limit_ms, int64_t since_ms, int64_t now_ms)
{
    return limit_ms < 0 ? INT64_MAX : since_ms + limit_ms - now_ms;
}

/* A token to go on with is of the model that gave it: another can only be asked from the beginning. */
static bool has_other_model(const castor_stream *stream)
{
    bool begins = stream->sequel.has_given || cst_call_token(&stream->call).len == 0;

    return begins && cst_retry_next_model(stream->rules, stream->fallback);
}

static cst_retry_case case_of(castor_stream *stream, const castor_error *error)
{
    const cst_retry_rules *rules = stream->rules;
    int64_t now_ms = cst_stream_clock(stream);
    int64_t total_left_ms = left_of(stream->total_limit_ms, stream->attempt.opened_ms, now_ms);
    int64_t since_ms = stream->sequel.has_given ? now_ms : stream->budget_since_ms; /* a new beginning is one of time */
    int64_t budget_left_ms = left_of(rules->budget_ms, since_ms, now_ms);

    return (cst_retry_case){
        .error = error,
        .attempts = stream->sequel.attempts,
        .restarts = stream->sequel.restarts,
        .has_given = stream->sequel.has_given,
        .was_reused = stream->attempt.is_reused,
        .has_other_model = has_other_model(stream),
        .left_ms = budget_left_ms < total_left_ms ? budget_left_ms : total_left_ms,
        .random = cst_client_roll(stream->client),
    };
}

/* The next attempt begins when the deadline strikes: never from here, where the transport may stand below us. */
static void rest(castor_stream *stream, int64_t delay_ms)
{
    stream->is_resting = true;
    stream->resume_ms = cst_stream_clock(stream) + delay_ms;
    cst_stream_delist(stream);
    cst_stream_close_exchange(stream);
}

/* What has come to nothing: the attempt, and where the answer begins anew, the hops before it. */
static castor_usage usage_lost(const castor_stream *stream, bool is_restart)
{
    const castor_decoder *decoder = stream->attempt.decoder;
    castor_usage          all = castor_decoder_usage(decoder), own = decoder->facts.usage;

    own.is_partial = all.is_partial;
    return is_restart ? all : own;
}

static void tell_attempt(castor_stream *stream, const castor_error *error, const cst_retry_decision *decision,
                         bool is_restart)
{
    const cst_retry_rules *rules = stream->rules;
    const char            *model = stream->fallback ? stream->fallback : stream->model, *next_model = model;
    castor_error           told = *error;

    if (!rules->on_attempt) return;
    if (is_restart) cst_verdict_discard(&told);
    if (decision->takes_other_model) next_model = cst_retry_next_model(rules, stream->fallback);
    const castor_attempt attempt = {
        .number = stream->sequel.attempts,
        .attempts_max = rules->attempts_max,
        .model = castor_str_of(model),
        .next_model = castor_str_of(next_model),
        .error = &told,
        .usage = usage_lost(stream, is_restart),
        .delay_ms = decision->delay_ms,
        .is_restart = is_restart,
    };
    rules->on_attempt(rules->on_attempt_user, stream, &attempt);
}

static void try_again(castor_stream *stream, const castor_error *error, const cst_retry_decision *decision)
{
    cst_sequel *sequel = &stream->sequel;

    tell_attempt(stream, error, decision, sequel->has_given);
    rest(stream, decision->delay_ms); /* first: the exchange may still be sending the body that goes with the token */
    if (decision->takes_other_model) {
        stream->fallback = cst_retry_next_model(stream->rules, stream->fallback);
        stream->is_new_model = true;
    }
    if (sequel->has_given) {
        (void)cst_call_set_token(&stream->call, CST_NONE, NULL);
        sequel->is_anew = true;
        sequel->restarts++;
        sequel->hops = 0;
    }
}

/* A long answer goes on: attempts and their time are counted anew. False: without memory. */
static bool hop(castor_stream *stream, castor_str token, int64_t delay_ms)
{
    rest(stream, delay_ms); /* first: the exchange may still be sending the body of this hop */
    if (cst_call_set_token(&stream->call, token, NULL) != CASTOR_OK) {
        stream->is_resting = false;
        cst_stream_close_exchange(stream); /* with its place */
        return false;
    }
    stream->sequel.is_anew = false;
    stream->sequel.hops++;
    stream->sequel.attempts = 0;
    return true;
}

/* The token is good, whatever came behind it: a lost connection (NETWORK: and nothing was to be shown) or an error that
 * passes. What was given stands. */
static bool goes_on(castor_stream *stream, const castor_error *outcome, int64_t *delay_ms)
{
    *delay_ms = 0;
    if (outcome->status != CASTOR_API_ERROR) {
        return outcome->verdict == CASTOR_VERDICT_MAX_TOKENS || outcome->verdict == CASTOR_VERDICT_TRUNCATED ||
               outcome->verdict == CASTOR_VERDICT_NETWORK;
    }
    cst_retry_case given = case_of(stream, outcome);
    given.has_given = given.has_other_model = false;
    cst_retry_decision decision = cst_retry_decide(stream->rules, &given);
    if (decision.answer != CST_RETRY_AGAIN) return false;
    tell_attempt(stream, outcome, &decision, false);
    *delay_ms = decision.delay_ms;
    return true;
}

/* The attempt has ended: the one place that decides what follows. */
void cst_stream_follow_up(castor_stream *stream)
{
    castor_error *outcome = cst_stream_outcome(stream);
    castor_str    token = cst_stream_token(stream);
    bool          is_cancelled = atomic_load(&stream->is_cancelled);
    int64_t       delay_ms;

    if (token.len > 0 && !is_cancelled && goes_on(stream, outcome, &delay_ms)) {
        if (hop(stream, token, delay_ms)) return;
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
    cst_stream_settle(stream);
}

castor_str cst_stream_token(const castor_stream *stream)
{
    return cst_sequel_token(&stream->sequel, &stream->attempt, cst_call_token(&stream->call), stream->hops_max);
}

bool cst_stream_advance(castor_stream *stream)
{
    if (stream->is_settled || cst_stream_is_between(stream) || !stream->attempt.decoder) return false;
    if (cst_decoder_advance(stream->attempt.decoder)) return true;
    if (cst_attempt_is_ended(&stream->attempt)) cst_stream_follow_up(stream);
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
    int64_t left_ms = left_of(stream->total_limit_ms, stream->attempt.opened_ms, cst_stream_clock(stream));

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
    if (!cst_stream_make_decoder(stream)) return cst_fail_plainly(err, CASTOR_NO_MEMORY);
    cst_sequel_carry_on(sequel, &stream->attempt);
    if (stream->is_new_model) status = cst_call_set_model(&stream->call, stream->fallback, settings, err);
    stream->is_new_model = false;
    return status;
}

castor_status cst_stream_begin(castor_stream *stream, castor_error *err)
{
    cst_call_settings settings = cst_client_call_settings(stream->client);
    bool              begins = stream->sequel.requests == 0 || stream->sequel.has_given; /* anew, or a hop */
    castor_status     status = prepare(stream, &settings, err);

    if (status == CASTOR_OK) status = cst_call_print_headers(&stream->call, server_limit_of(stream), &settings, err);
    if (status == CASTOR_OK) status = send_request(stream, err);
    cst_call_forget_key(&stream->call); /* the transport has its own copy now, and no more than one is needed */
    if (status != CASTOR_OK) return status;
    if (begins) stream->budget_since_ms = cst_stream_clock(stream); /* only now: it may have stood in line */
    stream->sequel.requests++;
    stream->sequel.attempts++;
    stream->client->under_way += !stream->holds_place;
    stream->holds_place = true;
    cst_stream_schedule(stream);
    return CASTOR_OK;
}

void cst_stream_start(castor_stream *stream)
{
    castor_error failure;

    cst_stream_delist(stream);
    if (cst_stream_begin(stream, &failure) == CASTOR_OK) return;
    failure.verdict = CASTOR_VERDICT_FAILED;
    cst_stream_fail(stream, &failure);
}

bool cst_stream_must_wait(const castor_stream *stream)
{
    const castor_client *client = stream->client;

    return !stream->holds_place && (client->under_way >= client->streams_max || client->waiting.first);
}

/* Who has begun stands before all that have not, and behind the others that have. */
void cst_stream_stand_in_line(castor_stream *stream)
{
    castor_stream *before = stream->sequel.requests > 0 ? stream->client->waiting.first : NULL;

    while (before && before->sequel.requests > 0) before = before->list_next;
    cst_call_fit(&stream->call);
    cst_stream_enlist(stream, &stream->client->waiting, before);
    cst_stream_schedule(stream);
}

/* The time of its next attempt has come. One whose body ended before its last events were taken has lost its place. */
void cst_stream_resume(castor_stream *stream)
{
    stream->is_resting = false;
    if (cst_stream_must_wait(stream)) cst_stream_stand_in_line(stream);
    else cst_stream_start(stream);
}
