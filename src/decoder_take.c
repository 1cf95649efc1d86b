/* decoder_take.c -- a decoder as its caller holds it: what it is given, what is taken from it, and what it is asked.
 * SPDX-License-Identifier: MIT
 */
#include "decoder.h"

#include "given.h"

/* ---- life ---- */

/* The caller's allocator may be gone by the time we free: a public decoder keeps a copy beside it. */
typedef struct public_decoder {
    castor_decoder decoder; /* first: its address is the handle */
    cst_allocator  allocator;
} public_decoder;

castor_status castor_decoder_new(castor_decoder **out, const castor_decoder_options *options, castor_error *err)
{
    castor_decoder_options given = CASTOR_DECODER_OPTIONS_INIT;

    if (!out) return cst_fail(err, CASTOR_INVALID, "castor_decoder_new: out is NULL");
    *out = NULL;
    castor_status status = cst_given_struct(&given, options, &cst_kind_decoder_options, err);
    if (status == CASTOR_OK) status = cst_given_allocator(given.allocator, err);
    if (status != CASTOR_OK) return status;

    cst_allocator allocator = given.allocator ? *given.allocator : *cst_allocator_default();
    public_decoder *made = cst_alloc(&allocator, sizeof *made);
    if (!made) return cst_fail_plainly(err, CASTOR_NO_MEMORY);
    made->allocator = allocator;

    status = cst_decoder_init(&made->decoder, &given, &made->allocator, err);
    if (status != CASTOR_OK) {
        castor_decoder_free(&made->decoder);
        return status;
    }
    *out = &made->decoder;
    return CASTOR_OK;
}

void castor_decoder_free(castor_decoder *decoder)
{
    if (!decoder) return;
    cst_allocator allocator = *decoder->allocator;
    cst_decoder_clear(decoder);
    cst_release(&allocator, decoder);
}

/* ---- given and taken ---- */

/* Events that nobody has taken yet must not see the bytes move. */
static castor_status detach_pending(castor_decoder *decoder)
{
    castor_str record;

    if (!cst_decoder_has_pending(decoder)) return CASTOR_OK;
    castor_str    bytes = cst_buf_view(&decoder->frame.input.bytes);
    castor_status status = cst_events_detach(&decoder->events, decoder->next_event, bytes);
    if (status != CASTOR_OK || !cst_str_lies_in(decoder->record, bytes)) return status;
    status = cst_arena_copy(&decoder->events.arena, decoder->record, &record);
    if (status == CASTOR_OK) decoder->record = record;
    return status;
}

castor_status castor_decoder_feed(castor_decoder *decoder, const void *bytes, size_t len, castor_error *err)
{
    if (!decoder || (!bytes && len > 0)) {
        return cst_fail(err, CASTOR_INVALID, "castor_decoder_feed: an argument is NULL");
    }
    if (decoder->phase == CST_DECODER_ENDED || decoder->frame.input.is_ended) return CASTOR_OK;
    if (cst_decoder_is_refused(decoder)) { /* the first part tells all */
        size_t held = cst_frame_held(&decoder->frame), room = held < CST_ERROR_BODY_MAX ? CST_ERROR_BODY_MAX - held : 0;
        if (len > room) len = room;
    }
    castor_status status = detach_pending(decoder);
    if (status == CASTOR_OK) status = cst_frame_feed(&decoder->frame, bytes, len);
    if (status == CASTOR_LIMIT) {
        return cst_fail(err, status, "more bytes wait than two of the largest events take; take events between feeds");
    }
    return cst_fail_plainly(err, status);
}

castor_step castor_decoder_next(castor_decoder *decoder, castor_event *event, castor_error *err)
{
    if (!cst_given_both(decoder, event, "decoder", err)) return CASTOR_STEP_ERROR;
    if (cst_decoder_has_pending(decoder) || cst_decoder_advance(decoder)) {
        cst_event_copy(event, &decoder->events.items[decoder->next_event++]);
        event->record = decoder->record;
        return CASTOR_STEP_EVENT;
    }
    *event = (castor_event){ 0 };
    if (decoder->phase != CST_DECODER_ENDED) return CASTOR_STEP_WAIT;
    if (err) *err = decoder->outcome;
    return decoder->outcome.verdict == CASTOR_VERDICT_COMPLETE ? CASTOR_STEP_DONE : CASTOR_STEP_ERROR;
}

/* ---- asked ---- */

castor_verdict castor_decoder_verdict(const castor_decoder *decoder)
{
    return decoder && decoder->phase == CST_DECODER_ENDED ? decoder->outcome.verdict : CASTOR_VERDICT_NONE;
}

/* Each candidate has its finish reason, or the prompt was refused. */
static bool has_finished(const cst_facts *facts)
{
    size_t finished = 0;

    for (size_t i = 0; i < facts->candidate_count; i++) finished += facts->candidates[i].is_finished;
    return facts->block_reason.len > 0 || (finished > 0 && finished == facts->candidate_count);
}

castor_usage castor_decoder_usage(const castor_decoder *decoder)
{
    if (!decoder) return (castor_usage){ .is_partial = 0 };
    castor_usage usage = cst_usage_sum(&decoder->facts.usage_before, &decoder->facts.usage);
    usage.is_partial = decoder->outcome.verdict != CASTOR_VERDICT_COMPLETE && !has_finished(&decoder->facts);
    return usage;
}

castor_str castor_decoder_response_id(const castor_decoder *decoder)
{
    return decoder ? cst_buf_view(&decoder->facts.response_id) : CST_NONE;
}

castor_str castor_decoder_model_version(const castor_decoder *decoder)
{
    return decoder ? cst_buf_view(&decoder->facts.model_version) : CST_NONE;
}

castor_str castor_decoder_finish_reason(const castor_decoder *decoder)
{
    for (size_t i = 0; decoder && i < decoder->facts.candidate_count; i++) {
        if (decoder->facts.candidates[i].index == 0) return cst_buf_view(&decoder->facts.candidates[i].reason);
    }
    return CST_NONE;
}

castor_str castor_decoder_block_reason(const castor_decoder *decoder)
{
    return decoder ? cst_buf_view(&decoder->facts.block_reason) : CST_NONE;
}

castor_dialect castor_decoder_dialect(const castor_decoder *decoder)
{
    return !decoder || decoder->is_guessing ? CASTOR_DIALECT_DEFAULT : decoder->dialect->id;
}
