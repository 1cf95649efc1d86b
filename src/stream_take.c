/* stream_take.c -- what the caller of a stream takes from it and asks it: events, the end, what is known.
 * SPDX-License-Identifier: MIT
 */
#include "error.h"
#include "stream.h"

/* Of a stream that found no memory for a decoder, where errors are kept. */
static const castor_error no_memory = {
    .status = CASTOR_NO_MEMORY,
    .verdict = CASTOR_VERDICT_FAILED,
    .message = "out of memory: an allocation failed on our side",
};

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
    bool has_event = cst_stream_advance(stream);
    if (has_event) note_first_text(stream);
    return has_event || stream->is_settled;
}

static castor_step tell_end(castor_stream *stream, castor_event *event, castor_error *err)
{
    castor_decoder *decoder = stream->attempt.decoder;

    cst_stream_set_told(stream);
    if (decoder) return castor_decoder_next(decoder, event, err);
    *event = (castor_event){ 0 };
    if (err) *err = no_memory;
    return CASTOR_STEP_ERROR;
}

/* The end of one request, where the answer goes on with another, is none. */
static bool is_inner_end(const castor_stream *stream, const castor_event *event)
{
    return event->type == CASTOR_EVENT_FINISH && cst_str_is(event->finish_reason, "CONTINUATION") &&
           cst_stream_token(stream).len > 0;
}

/* One event is there. False: it was not for the caller. */
static bool take_event(castor_stream *stream, castor_event *event)
{
    if (cst_sequel_give(&stream->sequel)) {
        *event = (castor_event){ .type = CASTOR_EVENT_RESTART };
        return true;
    }
    (void)castor_decoder_next(stream->attempt.decoder, event, NULL);
    return !is_inner_end(stream, event);
}

castor_step cst_stream_poll(castor_stream *stream, castor_event *event, castor_error *err)
{
    cst_attempt_resume_if_drained(&stream->attempt);
    while (cst_stream_is_ready(stream)) {
        if (stream->is_settled) return tell_end(stream, event, err);
        if (take_event(stream, event)) return CASTOR_STEP_EVENT;
    }
    *event = (castor_event){ 0 };
    cst_stream_await(stream);
    return CASTOR_STEP_WAIT;
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
    return stream ? cst_sequel_facts(&stream->sequel, &stream->attempt) : NULL;
}

castor_verdict castor_stream_verdict(const castor_stream *stream)
{
    const castor_error *error = castor_stream_error(stream);

    return error ? error->verdict : stream && stream->is_settled ? CASTOR_VERDICT_COMPLETE : CASTOR_VERDICT_NONE;
}

const castor_error *castor_stream_error(const castor_stream *stream)
{
    if (!stream || !stream->is_settled) return NULL;
    if (!decoder_of(stream)) return &no_memory;
    const castor_error *outcome = &decoder_of(stream)->outcome;
    return outcome->verdict == CASTOR_VERDICT_COMPLETE ? NULL : outcome;
}

castor_usage castor_stream_usage(const castor_stream *stream)
{
    castor_usage unknown = { .is_partial = 0 };

    return decoder_of(stream) ? castor_decoder_usage(decoder_of(stream)) : unknown;
}

int32_t castor_stream_attempts(const castor_stream *stream)
{
    return stream ? stream->sequel.requests : 0;
}

castor_timing castor_stream_timing(const castor_stream *stream)
{
    return stream ? stream->attempt.timing : (castor_timing){ .total_ms = { 0 } };
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
    const castor_decoder *decoder = decoder_of(stream);

    if (!decoder || !stream->is_settled) return CST_NONE;
    return cst_decoder_error_body(stream->sequel.refused ? stream->sequel.refused : decoder);
}
