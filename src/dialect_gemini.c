/* dialect_gemini.c -- generateContent and streamGenerateContent: records to events, requests to bodies.
 * SPDX-License-Identifier: MIT
 *
 * Source: google/ai/generativelanguage/v1beta/generative_service.proto, content.proto; Gemini API reference. Every
 * record is a whole GenerateContentResponse whose parts are deltas; counts are cumulative; finishReason may stand on
 * every record of older models, so the last one counts.
 */
#include "dialect.h"

#include "error.h"
#include "request.h"

static const cst_meaning finish_meanings[] = {
    { "STOP", CASTOR_VERDICT_COMPLETE },
    { "1", CASTOR_VERDICT_COMPLETE }, /* proto3 JSON allows an enum's number; SDK dumps have them */
    { "MAX_TOKENS", CASTOR_VERDICT_MAX_TOKENS },
    { "2", CASTOR_VERDICT_MAX_TOKENS },
    { "CONTINUATION", CASTOR_VERDICT_MAX_TOKENS }, /* the limit of one request; the server offers to go on */
    { "SAFETY", CASTOR_VERDICT_BLOCKED },
    { "3", CASTOR_VERDICT_BLOCKED },
    { "RECITATION", CASTOR_VERDICT_BLOCKED },
    { "4", CASTOR_VERDICT_BLOCKED },
    { "LANGUAGE", CASTOR_VERDICT_BLOCKED },
    { "BLOCKLIST", CASTOR_VERDICT_BLOCKED },
    { "PROHIBITED_CONTENT", CASTOR_VERDICT_BLOCKED },
    { "SPII", CASTOR_VERDICT_BLOCKED },
    { "MODEL_ARMOR", CASTOR_VERDICT_BLOCKED },
    { "IMAGE_SAFETY", CASTOR_VERDICT_BLOCKED },
    { "IMAGE_PROHIBITED_CONTENT", CASTOR_VERDICT_BLOCKED },
    { "IMAGE_RECITATION", CASTOR_VERDICT_BLOCKED },
    { "MALFORMED_FUNCTION_CALL", CASTOR_VERDICT_MALFORMED },
    { "MALFORMED_RESPONSE", CASTOR_VERDICT_MALFORMED },
    { "UNEXPECTED_TOOL_CALL", CASTOR_VERDICT_MALFORMED },
    { "TOO_MANY_TOOL_CALLS", CASTOR_VERDICT_MALFORMED },
    { "MISSING_THOUGHT_SIGNATURE", CASTOR_VERDICT_MALFORMED },
    { "NO_IMAGE", CASTOR_VERDICT_EMPTY },
    { NULL, CASTOR_VERDICT_FAILED },
};

/* ---- reading ---- */

static bool recognises(const cst_json *record)
{
    const cst_json *candidate = cst_json_at(cst_json_get(record, "candidates"), 0);
    bool            has_content = cst_json_type_of(cst_json_get(candidate, "content")) == CST_JSON_OBJECT;

    return has_content || cst_json_get(candidate, "finishReason") || cst_json_get(record, "usageMetadata") ||
           cst_json_get(record, "promptFeedback") || cst_json_get(record, "modelVersion");
}

static void fill_call(castor_event *event, cst_json_cursor call)
{
    castor_str args = cst_json_source(cst_json_cursor_get(call, "args"));

    event->id = cst_json_string_in(call.value, "id");
    event->name = cst_json_string_in(call.value, "name");
    event->args = args.data ? args : CASTOR_STR("{}");
    event->is_partial = cst_json_is_true(cst_json_get(call.value, "willContinue")) ||
                        cst_json_get(call.value, "partialArgs") != NULL;
}

static void fill_media(castor_event *event, const cst_json *part)
{
    const cst_json *inline_data = cst_json_get(part, "inlineData"), *file_data = cst_json_get(part, "fileData");
    const cst_json *source = inline_data ? inline_data : file_data;

    event->mime_type = cst_json_string_in(source, "mimeType");
    event->data = cst_json_string_in(inline_data, "data");
    event->uri = cst_json_string_in(file_data, "fileUri");
}

static void fill_code(castor_event *event, const cst_json *code)
{
    event->text = cst_json_string_in(code, "code");
    event->language = cst_json_string_in(code, "language");
}

static void fill_result(castor_event *event, const cst_json *result)
{
    event->text = cst_json_string_in(result, "output");
    event->outcome = cst_json_string_in(result, "outcome");
}

/* The kind of a part, by its data field; NONE for one that says nothing at all. */
static castor_event_type part_type(const cst_json *part)
{
    castor_str text = cst_json_string_in(part, "text");
    bool       is_thought = cst_json_is_true(cst_json_get(part, "thought"));
    bool       has_signature = cst_json_string_in(part, "thoughtSignature").data != NULL;
    size_t     side_fields = (size_t)has_signature + (cst_json_get(part, "thought") != NULL);

    if (text.len > 0) return is_thought ? CASTOR_EVENT_THOUGHT : CASTOR_EVENT_TEXT;
    if (text.data) return has_signature ? CASTOR_EVENT_SIGNATURE : CASTOR_EVENT_NONE; /* an empty delta */
    if (cst_json_get(part, "functionCall")) return CASTOR_EVENT_FUNCTION_CALL;
    if (cst_json_get(part, "inlineData") || cst_json_get(part, "fileData")) return CASTOR_EVENT_MEDIA;
    if (cst_json_get(part, "executableCode")) return CASTOR_EVENT_CODE;
    if (cst_json_get(part, "codeExecutionResult")) return CASTOR_EVENT_CODE_RESULT;
    if (cst_json_type_of(part) != CST_JSON_OBJECT || cst_json_count(part) > side_fields) return CASTOR_EVENT_OTHER;
    return has_signature ? CASTOR_EVENT_SIGNATURE : CASTOR_EVENT_NONE;
}

static castor_status read_part(cst_reading *reading, int32_t candidate, cst_json_cursor part)
{
    castor_event_type type = part_type(part.value);

    if (type == CASTOR_EVENT_NONE) return CASTOR_OK;
    castor_event *event = cst_events_add(reading->events, type, candidate);
    if (!event) return CASTOR_NO_MEMORY;
    event->raw = cst_json_source(part);
    event->signature = cst_json_string_in(part.value, "thoughtSignature");
    switch (type) {
    case CASTOR_EVENT_TEXT:
    case CASTOR_EVENT_THOUGHT: event->text = cst_reading_text(reading, part, "text"); break;
    case CASTOR_EVENT_FUNCTION_CALL: fill_call(event, cst_json_cursor_get(part, "functionCall")); break;
    case CASTOR_EVENT_MEDIA: fill_media(event, part.value); break;
    case CASTOR_EVENT_CODE: fill_code(event, cst_json_get(part.value, "executableCode")); break;
    case CASTOR_EVENT_CODE_RESULT: fill_result(event, cst_json_get(part.value, "codeExecutionResult")); break;
    case CASTOR_EVENT_NONE:
    case CASTOR_EVENT_SIGNATURE:
    case CASTOR_EVENT_OTHER:
    case CASTOR_EVENT_USAGE:
    case CASTOR_EVENT_FINISH:
    default: break; /* raw says it all */
    }
    return CASTOR_OK;
}

static castor_status read_parts(cst_reading *reading, int32_t candidate, cst_json_cursor parts)
{
    /* A single object may stand in place of the list. */
    if (cst_json_type_of(parts.value) == CST_JSON_OBJECT) return read_part(reading, candidate, parts);

    size_t        left = cst_json_count(parts.value) - 1;
    castor_status status = CASTOR_OK;
    for (cst_json_cursor part = cst_json_cursor_first(parts); part.value && status == CASTOR_OK;
         part = cst_json_cursor_after(part, &left)) {
        status = read_part(reading, candidate, part);
    }
    return status;
}

/* Half a token is none. */
static castor_status keep_token(cst_facts *facts, castor_str token)
{
    return token.len > CST_TOKEN_MAX ? CASTOR_OK : cst_facts_keep(&facts->go_on_token, token);
}

static castor_status read_candidate(cst_reading *reading, const cst_json *list, cst_json_cursor candidate,
                                    int32_t position)
{
    char            scratch[32];
    int32_t         index = cst_candidate_index(list, candidate.value, position);
    cst_json_cursor content = cst_json_cursor_get(candidate, "content");
    castor_str      reason = cst_json_label(cst_json_get(candidate.value, "finishReason"), scratch);

    castor_status status = cst_facts_candidate(reading->facts, index, NULL);
    if (status == CASTOR_OK) status = read_parts(reading, index, cst_json_cursor_get(content, "parts"));
    if (status == CASTOR_OK) status = keep_token(reading->facts, cst_json_string_in(candidate.value, "continuationToken"));
    if (status != CASTOR_OK || reason.len == 0) return status;
    return cst_reading_finish(reading, index, cst_meaning_of(finish_meanings, reason), reason,
                              cst_json_string_in(candidate.value, "finishMessage"), cst_json_source(candidate));
}

/* Counts by modality: they add up to those above. */
static void skip_details(cst_reading *reading, cst_json_cursor details)
{
    size_t left = cst_json_count(details.value) - 1;

    for (cst_json_cursor detail = cst_json_cursor_first(details); detail.value;
         detail = cst_json_cursor_after(detail, &left)) {
        cst_reading_skip(reading, detail, "tokenCount");
    }
}

static castor_status read_usage(cst_reading *reading, cst_json_cursor usage)
{
    castor_usage counts = { 0 };

    if (!usage.value) return CASTOR_OK;
#define COUNT(field, key) counts.field = cst_reading_count(reading, usage, key, offsetof(castor_usage, field))
    COUNT(prompt_tokens, "promptTokenCount");
    COUNT(cached_tokens, "cachedContentTokenCount");
    COUNT(output_tokens, "candidatesTokenCount");
    COUNT(thought_tokens, "thoughtsTokenCount");
    COUNT(tool_prompt_tokens, "toolUsePromptTokenCount");
    COUNT(total_tokens, "totalTokenCount");
#undef COUNT
    if (reading->lesson) {
        skip_details(reading, cst_json_cursor_get(usage, "promptTokensDetails"));
        skip_details(reading, cst_json_cursor_get(usage, "candidatesTokensDetails"));
    }
    return cst_reading_usage(reading, &counts, cst_json_source(usage));
}

static castor_status read_candidates(cst_reading *reading, cst_json_cursor candidates)
{
    if (cst_json_type_of(candidates.value) == CST_JSON_OBJECT) return read_candidate(reading, NULL, candidates, 0);

    size_t        left = cst_json_count(candidates.value) - 1;
    int32_t       position = 0;
    castor_status status = CASTOR_OK;
    for (cst_json_cursor candidate = cst_json_cursor_first(candidates); candidate.value && status == CASTOR_OK;
         candidate = cst_json_cursor_after(candidate, &left)) {
        status = read_candidate(reading, candidates.value, candidate, position++);
    }
    return status;
}

static castor_status read_feedback(cst_reading *reading, const cst_json *feedback)
{
    char          scratch[32];
    castor_str    reason = cst_json_label(cst_json_get(feedback, "blockReason"), scratch);
    castor_str    message = cst_json_string_in(feedback, "blockReasonMessage");
    castor_status status = cst_facts_keep(&reading->facts->block_message, message);

    if (!reason.data && message.data) reason = CASTOR_STR("BLOCKED"); /* some only give the sentence */
    if (status == CASTOR_OK) status = cst_facts_keep(&reading->facts->block_reason, reason);
    return status;
}

static castor_status read_record(cst_reading *reading)
{
    cst_json_cursor root = cst_json_cursor_at_root(reading->doc, reading->record->data);
    cst_json_cursor candidates = cst_json_cursor_get(root, "candidates");
    const cst_json *feedback = cst_json_get(root.value, "promptFeedback");
    cst_json_cursor usage = cst_json_cursor_get(root, "usageMetadata");
    cst_facts      *facts = reading->facts;

    castor_status status = cst_facts_keep(&facts->response_id, cst_json_string_in(root.value, "responseId"));
    castor_str    version = cst_json_string_in(root.value, "modelVersion");
    if (status == CASTOR_OK) status = cst_facts_keep(&facts->model_version, version);
    if (status == CASTOR_OK) status = read_feedback(reading, feedback);
    if (status == CASTOR_OK) status = read_candidates(reading, candidates);
    if (status == CASTOR_OK) status = read_usage(reading, usage);
    if (status == CASTOR_OK && !candidates.value && !feedback && !usage.value && !recognises(root.value)) {
        status = cst_reading_unknown(reading);
    }
    return status;
}

/* ---- printing ---- */

static void print_text_part(cst_json_writer *json, castor_str text)
{
    cst_json_open_object(json);
    cst_json_key(json, "text");
    cst_json_put_string(json, text);
    cst_json_close_object(json);
}

static void print_data_part(cst_json_writer *json, const castor_part *part)
{
    cst_json_open_object(json);
    cst_json_key(json, "inlineData");
    cst_json_open_object(json);
    cst_json_put_member(json, "mimeType", part->mime_type);
    cst_json_key(json, "data");
    cst_json_put_base64(json, CST_NONE, part->data);
    cst_json_close_object(json);
    cst_json_close_object(json);
}

static void print_file_part(cst_json_writer *json, const castor_part *part)
{
    cst_json_open_object(json);
    cst_json_key(json, "fileData");
    cst_json_open_object(json);
    cst_json_put_member(json, "mimeType", part->mime_type);
    cst_json_put_member(json, "fileUri", part->file_uri);
    cst_json_close_object(json);
    cst_json_close_object(json);
}

static void print_result_part(cst_json_writer *json, const castor_part *part)
{
    cst_json_open_object(json);
    cst_json_key(json, "functionResponse");
    cst_json_open_object(json);
    cst_json_put_member(json, "id", part->id);
    cst_json_put_member(json, "name", part->name);
    cst_json_key(json, "response");
    cst_json_put_raw(json, part->text);
    cst_json_close_object(json);
    cst_json_close_object(json);
}

static void print_part(cst_json_writer *json, const castor_part *part)
{
    switch (part->type) {
    case CASTOR_PART_TEXT: print_text_part(json, part->text); break;
    case CASTOR_PART_DATA: print_data_part(json, part); break;
    case CASTOR_PART_FILE: print_file_part(json, part); break;
    case CASTOR_PART_FUNCTION_RESULT: print_result_part(json, part); break;
    case CASTOR_PART_RAW: cst_json_put_raw(json, part->raw); break;
    default: break; /* the check refused it */
    }
}

static void print_turn(cst_json_writer *json, const castor_turn *turn)
{
    cst_json_open_object(json);
    cst_json_put_member(json, "role", turn->role == CASTOR_MODEL ? "model" : "user");
    cst_json_key(json, "parts");
    cst_json_open_array(json);
    if (turn->text.len > 0) print_text_part(json, turn->text);
    for (size_t i = 0; i < turn->part_count; i++) print_part(json, &turn->parts[i]);
    cst_json_close_array(json);
    cst_json_close_object(json);
}

static void print_thinking(cst_json_writer *json, const castor_request *request)
{
    char level[32] = "";

    if (!request->include_thoughts && !request->thinking_budget.is_set && !request->thinking_level) return;
    cst_json_key(json, "thinkingConfig");
    cst_json_open_object(json);
    if (request->include_thoughts) {
        cst_json_key(json, "includeThoughts");
        cst_json_put_bool(json, true);
    }
    cst_json_put_count(json, "thinkingBudget", request->thinking_budget);
    if (request->thinking_level) {
        cst_copy_text(level, sizeof level, castor_str_of(request->thinking_level));
        for (char *c = level; *c; c++) {
            if (*c >= 'a' && *c <= 'z') *c = (char)(*c - 'a' + 'A'); /* the enum is upper case */
        }
        cst_json_put_member(json, "thinkingLevel", level);
    }
    cst_json_close_object(json);
}

static void print_config(cst_json_writer *json, const castor_request *request)
{
    cst_json_key(json, "generationConfig");
    cst_json_open_object(json);
    cst_json_put_fraction(json, "temperature", request->temperature);
    cst_json_put_fraction(json, "topP", request->top_p);
    cst_json_put_count(json, "topK", request->top_k);
    cst_json_put_count(json, "maxOutputTokens", request->max_output_tokens);
    cst_json_put_count(json, "candidateCount", request->candidate_count);
    cst_json_put_count(json, "seed", request->seed);
    if (request->stop_sequence_count > 0) {
        cst_json_key(json, "stopSequences");
        cst_json_open_array(json);
        for (size_t i = 0; i < request->stop_sequence_count; i++) {
            cst_json_put_string(json, castor_str_of(request->stop_sequences[i]));
        }
        cst_json_close_array(json);
    }
    print_thinking(json, request);
    bool has_schema = cst_request_wants_schema(request);
    cst_json_put_member(json, "responseMimeType", has_schema ? "application/json" : request->response_mime_type);
    if (has_schema) {
        cst_json_key(json, "responseJsonSchema");
        cst_json_put_raw(json, request->response_schema);
    }
    cst_json_close_object(json);
}

static bool wants_config(const castor_request *request)
{
    return request->temperature.is_set || request->top_p.is_set || request->top_k.is_set ||
           request->max_output_tokens.is_set || request->candidate_count.is_set || request->seed.is_set ||
           request->stop_sequence_count > 0 || request->include_thoughts || request->thinking_budget.is_set ||
           request->thinking_level || request->response_mime_type || cst_request_wants_schema(request);
}

static void print_safety(cst_json_writer *json, const castor_request *request)
{
    cst_json_key(json, "safetySettings");
    cst_json_open_array(json);
    for (size_t i = 0; i < request->safety_count; i++) {
        cst_json_open_object(json);
        cst_json_put_member(json, "category", request->safety[i].category);
        cst_json_put_member(json, "threshold", request->safety[i].threshold);
        cst_json_close_object(json);
    }
    cst_json_close_array(json);
}

static castor_status print_body(const castor_request *request, cst_buf *body)
{
    cst_json_writer json = cst_json_writer_to(body);

    cst_json_open_object(&json);
    cst_json_key(&json, "contents");
    cst_json_open_array(&json);
    for (size_t i = 0; i < request->turn_count; i++) print_turn(&json, &request->turns[i]);
    cst_json_close_array(&json);
    if (request->system_instruction.len > 0) {
        cst_json_key(&json, "systemInstruction");
        cst_json_open_object(&json);
        cst_json_key(&json, "parts");
        cst_json_open_array(&json);
        print_text_part(&json, request->system_instruction);
        cst_json_close_array(&json);
        cst_json_close_object(&json);
    }
    if (request->safety_count > 0) print_safety(&json, request);
    if (request->tools_json.len > 0) {
        cst_json_key(&json, "tools");
        cst_json_put_raw(&json, request->tools_json);
    }
    if (wants_config(request)) print_config(&json, request);
    cst_json_close_object(&json);
    return json.status;
}

static castor_status print_target(const castor_request *request, bool is_stream, cst_buf *target)
{
    castor_str model = castor_str_of(request->model);
    bool       is_path = memchr(model.data, '/', model.len) != NULL; /* "models/x", "tunedModels/y" */

    return cst_buf_append_format(target, "/v1beta/%s%.*s:%s", is_path ? "" : "models/", CASTOR_ARG(model),
                                 is_stream ? "streamGenerateContent?alt=sse" : "generateContent");
}

static castor_status print(const castor_request *request, cst_wire *out, castor_error *err)
{
    out->auth = CST_AUTH_GOOG_KEY;
    castor_status status = print_target(request, out->is_stream, &out->target);
    if (status == CASTOR_OK && request->body_json.len == 0) status = print_body(request, &out->body);
    return cst_fail_plainly(err, status);
}

const cst_dialect cst_dialect_gemini = {
    .id = CASTOR_DIALECT_GEMINI,
    .default_base_url = "https://generativelanguage.googleapis.com",
    .needs_finish = true,
    .recognises = recognises,
    .read = read_record,
    .print = print,
};
