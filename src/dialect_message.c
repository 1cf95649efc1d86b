/* dialect_message.c -- generateMessage of the PaLM API, decommissioned 2024-08-15, and the shape of generateText.
 * SPDX-License-Identifier: MIT
 *
 * Source: google/ai/generativelanguage/v1beta2/discuss_service.proto, text_service.proto. There is no finish reason: a
 * whole body is a whole answer, but for servers that send pieces with `done`, where "done": true must come.
 */
#include "dialect.h"

#include "error.h"
#include "request.h"

/* ---- reading ---- */

static bool recognises(const cst_json *record)
{
    const cst_json *candidate = cst_json_at(cst_json_get(record, "candidates"), 0);
    bool            has_text = cst_json_type_of(cst_json_get(candidate, "content")) == CST_JSON_STRING;
    bool            has_done = cst_json_type_of(cst_json_get(record, "done")) == CST_JSON_BOOL;

    return has_text || has_done || cst_json_get(candidate, "output") || cst_json_get(record, "filters");
}

static castor_status read_candidate(cst_reading *reading, cst_json_cursor candidate, int32_t index)
{
    const char *key = cst_json_string_in(candidate.value, "content").data ? "content" : "output";

    castor_status status = cst_facts_candidate(reading->facts, index, NULL);
    if (status != CASTOR_OK || cst_json_string_in(candidate.value, key).len == 0) return status;
    castor_event *event = cst_events_add(reading->events, CASTOR_EVENT_TEXT, index);
    if (!event) return CASTOR_NO_MEMORY;
    event->text = cst_reading_text(reading, candidate, key);
    event->raw = cst_json_source(candidate);
    return CASTOR_OK;
}

/* "done": false makes the end something that must be said; "done": true says it. */
static castor_status read_done(cst_reading *reading, cst_json_cursor root)
{
    const cst_json *done = cst_json_get(root.value, "done");
    cst_facts      *facts = reading->facts;

    if (cst_json_type_of(done) != CST_JSON_BOOL) return CASTOR_OK;
    facts->needs_finish = true;
    if (!cst_json_is_true(done)) return CASTOR_OK;
    facts->has_end_mark = true;
    for (size_t i = 0; i < facts->candidate_count; i++) {
        castor_status status = cst_reading_finish(reading, facts->candidates[i].index, CASTOR_VERDICT_COMPLETE,
                                                  CASTOR_STR("done"), CST_NONE, reading->record->data);
        if (status != CASTOR_OK) return status;
    }
    return CASTOR_OK;
}

/* A filter in place of candidates: the prompt was blocked. */
static castor_status read_filter(cst_facts *facts, const cst_json *filter)
{
    castor_status status = cst_facts_keep(&facts->block_reason, cst_json_string_in(filter, "reason"));

    if (status != CASTOR_OK) return status;
    return cst_facts_keep(&facts->block_message, cst_json_string_in(filter, "message"));
}

static castor_status read_record(cst_reading *reading)
{
    cst_json_cursor root = cst_json_cursor_at_root(reading->doc, reading->record->data);
    cst_json_cursor candidates = cst_json_cursor_get(root, "candidates");
    const cst_json *filter = cst_json_at(cst_json_get(root.value, "filters"), 0);
    cst_facts      *facts = reading->facts;
    size_t          left = cst_json_count(candidates.value) - 1;
    int32_t         position = 0;
    castor_status   status = CASTOR_OK;

    for (cst_json_cursor candidate = cst_json_cursor_first(candidates); candidate.value && status == CASTOR_OK;
         candidate = cst_json_cursor_after(candidate, &left)) {
        int32_t index = cst_candidate_index(candidates.value, candidate.value, position++);
        status = read_candidate(reading, candidate, index);
    }
    if (status == CASTOR_OK && filter && facts->candidate_count == 0) status = read_filter(facts, filter);
    if (status == CASTOR_OK) status = read_done(reading, root);
    if (status == CASTOR_OK && !candidates.value && !recognises(root.value)) {
        status = cst_reading_unknown(reading);
    }
    return status;
}

/* ---- printing ---- */

static void print_author_turn(cst_json_writer *json, const castor_turn *turn)
{
    cst_json_open_object(json);
    cst_json_put_member(json, "author", turn->role == CASTOR_MODEL ? "1" : "0");
    cst_json_key(json, "content");
    cst_json_put_string(json, turn->text);
    cst_json_close_object(json);
}

/* The documented method: {"prompt":{"context","messages":[...]},"temperature",...}. */
static void print_unary(cst_json_writer *json, const castor_request *request)
{
    cst_json_key(json, "prompt");
    cst_json_open_object(json);
    if (request->system_instruction.len > 0) {
        cst_json_key(json, "context");
        cst_json_put_string(json, request->system_instruction);
    }
    cst_json_key(json, "messages");
    cst_json_open_array(json);
    for (size_t i = 0; i < request->turn_count; i++) print_author_turn(json, &request->turns[i]);
    cst_json_close_array(json);
    cst_json_close_object(json);
    cst_json_put_fraction(json, "temperature", request->temperature);
    cst_json_put_count(json, "candidateCount", request->candidate_count);
    cst_json_put_fraction(json, "topP", request->top_p);
    cst_json_put_count(json, "topK", request->top_k);
}

/* The streamed form, which tutorials show: {"model","prompt":[{"text"}],"stream":true,"max_output_tokens"}. */
static void print_stream(cst_json_writer *json, const castor_request *request)
{
    castor_str model = cst_request_model(request);

    cst_json_key(json, "model");
    cst_json_put_string(json, model);
    cst_json_key(json, "prompt");
    cst_json_open_array(json);
    for (size_t i = 0; i < request->turn_count; i++) {
        cst_json_open_object(json);
        cst_json_key(json, "text");
        cst_json_put_string(json, request->turns[i].text);
        cst_json_close_object(json);
    }
    cst_json_close_array(json);
    cst_json_key(json, "stream");
    cst_json_put_bool(json, true);
    cst_json_put_fraction(json, "temperature", request->temperature);
    cst_json_put_count(json, "candidate_count", request->candidate_count);
    cst_json_put_fraction(json, "top_p", request->top_p);
    cst_json_put_count(json, "top_k", request->top_k);
    cst_json_put_count(json, "max_output_tokens", request->max_output_tokens);
}

static const char *unsayable(const castor_request *request, bool is_stream)
{
    if (is_stream && request->system_instruction.len > 0) return "streamed system_instruction";
    if (!is_stream && request->max_output_tokens.is_set) return "unary max_output_tokens";
    if (request->seed.is_set) return "seed";
    if (request->stop_sequence_count > 0) return "stop_sequences";
    if (request->thinking_budget.is_set || request->thinking_level || request->include_thoughts) return "thinking";
    if (request->response_mime_type || cst_request_wants_schema(request)) return "response format";
    if (request->safety_count > 0) return "safety";
    if (request->tools_json.len > 0) return "tools";
    for (size_t i = 0; i < request->turn_count; i++) {
        if (request->turns[i].part_count > 0) return "parts other than a turn's text";
    }
    return NULL;
}

static castor_status print(const castor_request *request, cst_wire *out, castor_error *err)
{
    const char     *field = unsayable(request, out->is_stream);
    cst_json_writer json = cst_json_writer_to(&out->body);
    castor_str      model = cst_request_model(request);

    if (field) return cst_fail(err, CASTOR_INVALID, "generateMessage has no %s; unset it", field);
    out->auth = CST_AUTH_GOOG_KEY;
    castor_status status = cst_buf_append_format(&out->target, "/v1beta2/models/%.*s:generateMessage",
                                                 CASTOR_ARG(model));
    if (status == CASTOR_OK && request->body_json.len == 0) {
        cst_json_open_object(&json);
        if (out->is_stream) print_stream(&json, request);
        else print_unary(&json, request);
        cst_json_close_object(&json);
        status = json.status;
    }
    return cst_fail_plainly(err, status);
}

const cst_dialect cst_dialect_message = {
    .id = CASTOR_DIALECT_MESSAGE,
    .default_base_url = "https://generativelanguage.googleapis.com",
    .recognises = recognises,
    .read = read_record,
    .print = print,
};
