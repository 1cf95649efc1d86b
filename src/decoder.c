/* decoder.c -- bytes in, events out, and the verdict.
 * SPDX-License-Identifier: MIT
 */
#include "decoder.h"

#include "api_error.h"
#include "error.h"

/* ---- life ---- */

static castor_status choose_dialect(castor_decoder *decoder, const cst_dialect *dialect)
{
    void *state = NULL;

    if (dialect->state_size > 0) {
        state = cst_alloc_zeroed(decoder->allocator, dialect->state_size);
        if (!state) return CASTOR_NO_MEMORY;
    }
    decoder->dialect = dialect;
    decoder->state = state;
    decoder->facts.needs_finish = dialect->needs_finish;
    return CASTOR_OK;
}

castor_status cst_decoder_init(castor_decoder *decoder, const castor_decoder_options *options,
                               const cst_allocator *allocator, castor_error *err)
{
    size_t             bytes_max = options->event_bytes_max ? options->event_bytes_max : (size_t)CST_EVENT_BYTES_MAX;
    const cst_dialect *dialect = cst_dialect_of(options->dialect);

    *decoder = (castor_decoder){ .allocator = allocator, .http_status = options->http_status };
    decoder->is_guessing = options->dialect == CASTOR_DIALECT_DEFAULT;
    cst_facts_init(&decoder->facts, allocator);
    cst_json_doc_init(&decoder->doc, allocator);
    cst_prediction_init(&decoder->prediction, allocator);
    cst_events_init(&decoder->events, allocator);
    cst_frame_init(&decoder->frame, allocator, castor_str_of(options->content_type), bytes_max);
    if (!dialect) return cst_fail(err, CASTOR_INVALID, "dialect %d is none that we know", (int)options->dialect);
    return cst_fail_plainly(err, choose_dialect(decoder, dialect));
}

void cst_decoder_clear(castor_decoder *decoder)
{
    if (decoder->state && decoder->dialect->free_state) decoder->dialect->free_state(decoder->state);
    cst_release(decoder->allocator, decoder->state);
    cst_frame_free(&decoder->frame);
    cst_json_doc_free(&decoder->doc);
    cst_prediction_free(&decoder->prediction);
    cst_events_free(&decoder->events);
    cst_facts_free(&decoder->facts);
}

/* ---- ending ---- */

static void end_with(castor_decoder *decoder, castor_error outcome)
{
    decoder->outcome = outcome;
    if (outcome.http_status == 0) decoder->outcome.http_status = decoder->http_status;
    decoder->phase = CST_DECODER_ENDED;
    cst_events_clear(&decoder->events);
    decoder->next_event = 0;
}

void cst_decoder_fail(castor_decoder *decoder, const castor_error *cause)
{
    if (decoder->phase != CST_DECODER_ENDED) end_with(decoder, *cause);
}

void cst_decoder_overrule(castor_decoder *decoder, const castor_error *outcome)
{
    end_with(decoder, *outcome);
}

/* Our own failures, of memory or of a maximum, have no verdict of the server's. */
static void fail(castor_decoder *decoder, castor_status status)
{
    castor_error error;

    cst_fail_plainly(&error, status);
    error.verdict = CASTOR_VERDICT_FAILED;
    end_with(decoder, error);
}

void cst_decoder_lose(castor_decoder *decoder, const castor_error *cause)
{
    if (decoder->frame.input.is_ended || decoder->phase == CST_DECODER_ENDED) return;
    if (cause) {
        decoder->outcome = *cause;
        decoder->ending.cause = &decoder->outcome;
    }
    decoder->ending.end = CASTOR_END_LOST;
    cst_frame_end(&decoder->frame, true);
}

void castor_decoder_end(castor_decoder *decoder, castor_end end)
{
    if (!decoder) return;
    if (end == CASTOR_END_CLEAN) cst_frame_end(&decoder->frame, false);
    else cst_decoder_lose(decoder, NULL); /* also for what is neither: a whole answer is not taken for granted */
}

static void note_content(castor_decoder *decoder)
{
    for (size_t i = 0; i < decoder->events.count; i++) {
        switch (decoder->events.items[i].type) {
        case CASTOR_EVENT_TEXT:
        case CASTOR_EVENT_FUNCTION_CALL:
        case CASTOR_EVENT_MEDIA:
        case CASTOR_EVENT_CODE:
        case CASTOR_EVENT_CODE_RESULT: decoder->facts.has_content = true; break;
        case CASTOR_EVENT_OTHER: /* a part that we do not know, but not a whole record */
            if (decoder->events.items[i].raw.data != decoder->record.data) decoder->facts.has_content = true;
            break;
        case CASTOR_EVENT_THOUGHT: decoder->facts.has_thoughts = true; break;
        case CASTOR_EVENT_NONE:
        case CASTOR_EVENT_SIGNATURE:
        case CASTOR_EVENT_USAGE:
        case CASTOR_EVENT_FINISH:
        default: break;
        }
    }
}

static cst_reading reading_of(castor_decoder *decoder, const cst_record *record)
{
    return (cst_reading){
        .record = record,
        .doc = &decoder->doc,
        .events = &decoder->events,
        .facts = &decoder->facts,
        .state = decoder->state,
        .allocator = decoder->allocator,
        .event_bytes_max = decoder->frame.event_bytes_max,
    };
}

/* No record will come any more: let the dialect give what it held back. */
static void begin_closing(castor_decoder *decoder, cst_scan scan)
{
    cst_reading reading = reading_of(decoder, NULL);

    decoder->ending.scan = scan;
    decoder->phase = CST_DECODER_CLOSING;
    if (!cst_decoder_has_pending(decoder)) decoder->record = CST_NONE; /* what comes now stood in no single record */
    castor_status status = decoder->dialect->read_end ? decoder->dialect->read_end(&reading) : CASTOR_OK;
    if (status != CASTOR_OK) fail(decoder, status);
    else note_content(decoder);
}

castor_str cst_decoder_error_body(const castor_decoder *decoder)
{
    const cst_input *input = &decoder->frame.input;

    if (!cst_decoder_is_refused(decoder) || input->bytes.len == 0) return CST_NONE;
    return cst_buf_view(&input->bytes);
}

/* An answer with an error status: its whole body is the error. */
static void end_with_error_body(castor_decoder *decoder)
{
    castor_error        error;
    const castor_error *cause = decoder->ending.cause;

    if (cause && cause->status != CASTOR_NETWORK) { /* time or cancel came before the body */
        end_with(decoder, *cause);
        return;
    }
    cst_api_error_read_body(cst_decoder_error_body(decoder), decoder->http_status, decoder->allocator, &error);
    end_with(decoder, error);
}

/* ---- one record ---- */

/* The first record whose shape is sure decides; until then it is read as Gemini's. */
static castor_status guess_dialect(castor_decoder *decoder, const cst_json *root)
{
    const cst_dialect *sure = decoder->is_guessing ? cst_dialect_that_recognises(root) : NULL;

    if (!sure) return CASTOR_OK;
    decoder->is_guessing = false;
    return sure == decoder->dialect ? CASTOR_OK : choose_dialect(decoder, sure);
}

static castor_status keep_error(castor_decoder *decoder, const cst_json *error)
{
    castor_error *kept = cst_facts_make_error(&decoder->facts);

    if (!kept) return CASTOR_NO_MEMORY;
    cst_api_error_read(error, decoder->http_status, kept);
    return CASTOR_OK;
}

static castor_status read_object(castor_decoder *decoder, const cst_record *record, bool teaches)
{
    const cst_json *root = cst_json_root(&decoder->doc), *error = cst_api_error_in(root);

    castor_status status = guess_dialect(decoder, root);
    if (status != CASTOR_OK) return status;
    if (error && !decoder->facts.error) {
        status = keep_error(decoder, error);
        if (status != CASTOR_OK) return status;
    }
    bool is_only_error = error && !cst_json_get(root, "choices") && !cst_json_get(root, "candidates");
    if (is_only_error) return CASTOR_OK;

    cst_reading reading = reading_of(decoder, record);
    cst_lesson  lesson;
    if (!teaches || decoder->is_guessing) return decoder->dialect->read(&reading);

    lesson = (cst_lesson){ 0 };
    reading.lesson = &lesson;
    status = decoder->dialect->read(&reading);
    return status == CASTOR_OK ? cst_prediction_learn(&decoder->prediction, &reading) : status;
}

/* A list where one record is expected. Of such only `data: [{"error":...}]` is known; anything else is handed on. */
static castor_status read_list(castor_decoder *decoder, const cst_record *record)
{
    const cst_json *error = cst_api_error_in(cst_json_at(cst_json_root(&decoder->doc), 0));

    if (error) return keep_error(decoder, error);
    cst_reading reading = reading_of(decoder, record);
    return cst_reading_unknown(&reading);
}

/* A record that the body's end cut through is no proof of another protocol. */
static bool is_cut_through(const castor_decoder *decoder, const cst_record *record)
{
    bool is_lost = decoder->ending.end == CASTOR_END_LOST;

    return record->is_unfinished && (is_lost || decoder->frame.framing == CST_FRAMING_SSE);
}

/* A number or a word that the connection's loss may have shortened. */
static bool may_be_shortened(const castor_decoder *decoder, const cst_record *record, cst_json_type type)
{
    bool has_end = type == CST_JSON_OBJECT || type == CST_JSON_ARRAY || type == CST_JSON_STRING;

    return !has_end && record->is_unfinished && decoder->ending.end == CASTOR_END_LOST;
}

static void refuse_record(castor_decoder *decoder, const cst_record *record, castor_status status, size_t offset,
                          const char *why)
{
    if (status == CASTOR_NO_MEMORY) {
        fail(decoder, status);
        return;
    }
    decoder->ending.problem = (cst_problem){ status, record->offset + offset, why };
    begin_closing(decoder, is_cut_through(decoder, record) ? CST_SCAN_CUT : CST_SCAN_BAD);
}

static void note_record(castor_decoder *decoder, const cst_record *record)
{
    decoder->facts.record_count++;
    decoder->record = record->data;
}

/* What was matched is what came. */
static void read_match(castor_decoder *decoder, const cst_record *record, const cst_match *match)
{
    cst_reading   reading = reading_of(decoder, record);
    castor_status status = cst_prediction_read(&decoder->prediction, match, &reading);

    if (status != CASTOR_OK) {
        fail(decoder, status);
        return;
    }
    note_record(decoder, record);
    note_content(decoder);
    if (decoder->prediction.hits == CST_PREDICTION_SETTLED) cst_json_doc_free(&decoder->doc); /* many streams wait */
}

/* A record of the shape of the one before, before its end was even looked for. Each is tried once, so that one that comes
 * in many pieces is not compared for each. False: there is none. */
static bool read_ahead(castor_decoder *decoder)
{
    cst_prediction *prediction = &decoder->prediction;
    cst_frame      *frame = &decoder->frame;
    cst_record      record;
    cst_match       match;
    castor_str      ahead;

    if (!prediction->is_learned || !cst_frame_peek(frame, prediction->is_one_line, &ahead)) return false;
    if (decoder->peeked == frame->input.scan + 1) return false;
    decoder->peeked = frame->input.scan + 1;
    castor_status status = cst_prediction_match(prediction, ahead, &decoder->events.arena, &match);
    if (status == CASTOR_OK && (match.len == 0 || !cst_frame_take(frame, ahead, match.len, &record))) return false;
    if (status == CASTOR_OK) read_match(decoder, &record, &match);
    else fail(decoder, status);
    return true;
}

/* The same for one whose end was found: for what comes in pieces. */
static bool read_predicted(castor_decoder *decoder, const cst_record *record)
{
    cst_match match;

    if (!decoder->prediction.is_learned) return false;
    castor_status status = cst_prediction_match(&decoder->prediction, record->data, &decoder->events.arena, &match);
    if (status == CASTOR_OK && match.len != record->data.len) return false;
    if (status == CASTOR_OK) read_match(decoder, record, &match);
    else fail(decoder, status);
    return true;
}

static void read_record(castor_decoder *decoder, const cst_record *record)
{
    size_t      offset = 0;
    const char *why = NULL;

    if (cst_str_is(cst_str_trim(record->data), "[DONE]")) {
        bool may_be_longer = record->is_unfinished && decoder->ending.end == CASTOR_END_LOST;
        if (!decoder->dialect->ends_at_done || may_be_longer) return;
        decoder->facts.has_end_mark = true;
        begin_closing(decoder, CST_SCAN_END);
        return;
    }
    if (cst_str_trim(record->data).len == 0) return; /* an empty data: line keeps a connection alive */

    if (read_predicted(decoder, record)) return;
    bool          teaches = cst_prediction_forget(&decoder->prediction, record);
    castor_status status = cst_json_read(&decoder->doc, record->data, &offset, &why);
    if (status != CASTOR_OK) {
        refuse_record(decoder, record, status, offset, why);
        return;
    }
    cst_json_type type = cst_json_type_of(cst_json_root(&decoder->doc));
    if (may_be_shortened(decoder, record, type)) {
        begin_closing(decoder, CST_SCAN_CUT);
        return;
    }
    note_record(decoder, record);
    status = type == CST_JSON_OBJECT ? read_object(decoder, record, teaches) : read_list(decoder, record);
    if (status == CASTOR_OK) {
        note_content(decoder);
    } else if (status == CASTOR_LIMIT) {
        refuse_record(decoder, record, status, 0, "more candidates, or more or larger tool calls, than an answer has");
    } else {
        fail(decoder, status);
    }
    if (decoder->facts.error && decoder->phase == CST_DECODER_READING) {
        begin_closing(decoder, CST_SCAN_END); /* nothing good follows an error */
    }
}

/* ---- going on ---- */

/* A page where the protocol should be: its first part is waited for, to quote its title. */
static bool awaits_page(const castor_decoder *decoder)
{
    const cst_frame *frame = &decoder->frame;

    return frame->framing == CST_FRAMING_OPAQUE && !frame->input.is_ended && cst_frame_held(frame) < CST_ERROR_BODY_MAX;
}

/* A few first letters are no page yet. */
static bool is_lost_page(const castor_decoder *decoder)
{
    return decoder->frame.framing == CST_FRAMING_OPAQUE && decoder->ending.end == CASTOR_END_LOST;
}

/* One record, or the end of them. False: more bytes are needed. */
static bool read_more(castor_decoder *decoder)
{
    cst_record  record;
    cst_problem problem = { 0 };

    if (read_ahead(decoder)) return true;
    cst_scan scan = cst_frame_next(&decoder->frame, &record, &problem);

    switch (scan) {
    case CST_SCAN_MORE: return false;
    case CST_SCAN_RECORD: read_record(decoder, &record); return true;
    case CST_SCAN_BAD:
        if (awaits_page(decoder)) return false;
        if (is_lost_page(decoder)) scan = CST_SCAN_CUT;
        break;
    case CST_SCAN_END:
    case CST_SCAN_CUT:
    default: break;
    }
    decoder->ending.problem = problem;
    begin_closing(decoder, scan);
    return true;
}

static void finish(castor_decoder *decoder)
{
    castor_error outcome;

    cst_verdict_of(&decoder->facts, &decoder->ending, &outcome);
    if (outcome.verdict == CASTOR_VERDICT_MALFORMED && decoder->frame.framing == CST_FRAMING_OPAQUE) {
        const cst_input *input = &decoder->frame.input;
        castor_str       gist = cst_page_gist(cst_input_view(input, input->start, cst_input_limit(input)));
        cst_error_say(&outcome, "the server sent a page where the protocol should be: \"%.*s\"; a proxy or a wrong "
                                "base URL may be the cause", CASTOR_ARG(gist));
    }
    end_with(decoder, outcome);
}

bool cst_decoder_advance(castor_decoder *decoder)
{
    if (cst_decoder_has_pending(decoder)) return true;
    cst_events_clear(&decoder->events);
    decoder->next_event = 0;

    while (decoder->phase != CST_DECODER_ENDED && !cst_decoder_has_pending(decoder)) {
        if (decoder->phase == CST_DECODER_CLOSING) {
            finish(decoder);
        } else if (cst_decoder_is_refused(decoder)) {
            bool is_enough = cst_frame_held(&decoder->frame) >= CST_ERROR_BODY_MAX;
            if (!decoder->frame.input.is_ended && !is_enough) return false;
            end_with_error_body(decoder);
        } else if (!read_more(decoder)) {
            cst_json_doc_rest(&decoder->doc);
            return false;
        }
    }
    return cst_decoder_has_pending(decoder);
}

void cst_decoder_head(castor_decoder *decoder, int32_t http_status, castor_str content_type)
{
    decoder->http_status = http_status;
    cst_frame_set_content_type(&decoder->frame, content_type);
}
