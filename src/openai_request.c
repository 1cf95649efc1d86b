/* openai_request.c -- a request in the words of chat completions.
 * SPDX-License-Identifier: MIT
 */
#include "openai_request.h"

#include "error.h"
#include "request.h"

static void print_text_piece(cst_json_writer *json, castor_str text)
{
    cst_json_open_object(json);
    cst_json_put_member(json, "type", "text");
    cst_json_key(json, "text");
    cst_json_put_string(json, text);
    cst_json_close_object(json);
}

static void print_image(cst_json_writer *json, const castor_part *part)
{
    char prefix[256] = "data:";

    cst_json_open_object(json);
    cst_json_put_member(json, "type", "image_url");
    cst_json_key(json, "image_url");
    cst_json_open_object(json);
    if (part->type == CASTOR_PART_FILE) {
        cst_json_put_member(json, "url", part->file_uri);
    } else {
        cst_copy_text(prefix + strlen("data:"), 128, castor_str_of(part->mime_type));
        strcat(prefix, ";base64,");
        cst_json_key(json, "url");
        cst_json_put_base64(json, castor_str_of(prefix), part->data);
    }
    cst_json_close_object(json);
    cst_json_close_object(json);
}

static bool is_of_kind(const char *mime_type, const char *kind)
{
    return cst_str_starts_with(castor_str_of(mime_type), kind);
}

static bool is_audio(const castor_part *part)
{
    return part->type == CASTOR_PART_DATA && is_of_kind(part->mime_type, "audio/");
}

static void print_audio(cst_json_writer *json, const castor_part *part)
{
    cst_json_open_object(json);
    cst_json_put_member(json, "type", "input_audio");
    cst_json_key(json, "input_audio");
    cst_json_open_object(json);
    cst_json_key(json, "data");
    cst_json_put_base64(json, CST_NONE, part->data);
    cst_json_put_member(json, "format", part->mime_type + strlen("audio/"));
    cst_json_close_object(json);
    cst_json_close_object(json);
}

static bool is_piece(const castor_part *part)
{
    return part->type == CASTOR_PART_TEXT || part->type == CASTOR_PART_DATA || part->type == CASTOR_PART_FILE;
}

static void print_piece(cst_json_writer *json, const castor_part *part)
{
    if (part->type == CASTOR_PART_TEXT) print_text_piece(json, part->text);
    else if (is_audio(part)) print_audio(json, part);
    else print_image(json, part);
}

static void print_content(cst_json_writer *json, const castor_turn *turn)
{
    size_t pieces = 0;

    for (size_t i = 0; i < turn->part_count; i++) pieces += is_piece(&turn->parts[i]);
    if (pieces == 0 && turn->text.len == 0) return;
    cst_json_key(json, "content");
    if (pieces == 0) { /* the plain form, which every server takes */
        cst_json_put_string(json, turn->text);
        return;
    }
    cst_json_open_array(json);
    if (turn->text.len > 0) print_text_piece(json, turn->text);
    for (size_t i = 0; i < turn->part_count; i++) {
        if (is_piece(&turn->parts[i])) print_piece(json, &turn->parts[i]);
    }
    cst_json_close_array(json);
}

static void print_calls(cst_json_writer *json, const castor_turn *turn)
{
    bool has_calls = false;

    for (size_t i = 0; i < turn->part_count; i++) has_calls |= turn->parts[i].type == CASTOR_PART_RAW;
    if (!has_calls) return;
    cst_json_key(json, "tool_calls");
    cst_json_open_array(json);
    for (size_t i = 0; i < turn->part_count; i++) {
        if (turn->parts[i].type == CASTOR_PART_RAW) cst_json_put_raw(json, turn->parts[i].raw);
    }
    cst_json_close_array(json);
}

/* Each function result is a message of its own, before what the user says beside it. */
static void print_results(cst_json_writer *json, const castor_turn *turn)
{
    for (size_t i = 0; i < turn->part_count; i++) {
        const castor_part *part = &turn->parts[i];
        if (part->type != CASTOR_PART_FUNCTION_RESULT) continue;
        cst_json_open_object(json);
        cst_json_put_member(json, "role", "tool");
        cst_json_put_member(json, "tool_call_id", part->id ? part->id : "");
        cst_json_put_member(json, "name", part->name);
        cst_json_key(json, "content");
        cst_json_put_string(json, part->text);
        cst_json_close_object(json);
    }
}

static bool has_message(const castor_turn *turn)
{
    bool has = turn->text.len > 0;

    for (size_t i = 0; i < turn->part_count; i++) has |= turn->parts[i].type != CASTOR_PART_FUNCTION_RESULT;
    return has;
}

static void print_turn(cst_json_writer *json, const castor_turn *turn)
{
    print_results(json, turn);
    if (!has_message(turn)) return;
    cst_json_open_object(json);
    cst_json_put_member(json, "role", turn->role == CASTOR_MODEL ? "assistant" : "user");
    print_content(json, turn);
    print_calls(json, turn);
    cst_json_close_object(json);
}

static void print_format(cst_json_writer *json, const castor_request *request)
{
    bool has_schema = cst_request_wants_schema(request);

    if (!has_schema && !request->response_mime_type) return;
    if (!has_schema && strcmp(request->response_mime_type, "application/json") != 0) return; /* text is the default */
    cst_json_key(json, "response_format");
    cst_json_open_object(json);
    cst_json_put_member(json, "type", has_schema ? "json_schema" : "json_object");
    if (has_schema) {
        cst_json_key(json, "json_schema");
        cst_json_open_object(json);
        cst_json_put_member(json, "name", "response");
        cst_json_key(json, "schema");
        cst_json_put_raw(json, request->response_schema);
        cst_json_close_object(json);
    }
    cst_json_close_object(json);
}

static void print_settings(cst_json_writer *json, const castor_request *request)
{
    cst_json_put_fraction(json, "temperature", request->temperature);
    cst_json_put_fraction(json, "top_p", request->top_p);
    cst_json_put_count(json, "max_tokens", request->max_output_tokens);
    cst_json_put_count(json, "n", request->candidate_count);
    cst_json_put_count(json, "seed", request->seed);
    cst_json_put_member(json, "reasoning_effort", request->thinking_level);
    if (request->stop_sequence_count > 0) {
        cst_json_key(json, "stop");
        cst_json_open_array(json);
        for (size_t i = 0; i < request->stop_sequence_count; i++) {
            cst_json_put_string(json, castor_str_of(request->stop_sequences[i]));
        }
        cst_json_close_array(json);
    }
    print_format(json, request);
    if (request->tools_json.len > 0) {
        cst_json_key(json, "tools");
        cst_json_put_raw(json, request->tools_json);
    }
}

static castor_status print_body(const castor_request *request, bool is_stream, cst_buf *body)
{
    cst_json_writer json = cst_json_writer_to(body);

    cst_json_open_object(&json);
    cst_json_put_member(&json, "model", request->model);
    cst_json_key(&json, "messages");
    cst_json_open_array(&json);
    if (request->system_instruction.len > 0) {
        cst_json_open_object(&json);
        cst_json_put_member(&json, "role", "system");
        cst_json_key(&json, "content");
        cst_json_put_string(&json, request->system_instruction);
        cst_json_close_object(&json);
    }
    for (size_t i = 0; i < request->turn_count; i++) print_turn(&json, &request->turns[i]);
    cst_json_close_array(&json);
    if (is_stream) {
        cst_json_key(&json, "stream");
        cst_json_put_bool(&json, true);
        cst_json_key(&json, "stream_options");
        cst_json_put_raw(&json, CASTOR_STR("{\"include_usage\":true}"));
    }
    print_settings(&json, request);
    cst_json_close_object(&json);
    return json.status;
}

/* A raw part goes back as a tool call; it must be one. */
static bool is_raw_call(const castor_part *part, const cst_allocator *allocator)
{
    cst_json_doc doc;

    cst_json_doc_init(&doc, allocator);
    bool is_call = cst_json_read(&doc, part->raw, NULL, NULL) == CASTOR_OK &&
                   cst_json_get(cst_json_root(&doc), "function") != NULL;
    cst_json_doc_free(&doc);
    return is_call;
}

static const char *unsayable_part(const castor_part *part, const cst_allocator *allocator)
{
    bool is_media = part->type == CASTOR_PART_DATA || part->type == CASTOR_PART_FILE;

    if (part->type == CASTOR_PART_RAW && !is_raw_call(part, allocator)) return "raw part but a tool call";
    if (!is_media || !part->mime_type || is_of_kind(part->mime_type, "image/")) return NULL;
    if (part->type == CASTOR_PART_DATA && is_of_kind(part->mime_type, "audio/")) return NULL;
    return "media but images (and audio as data)";
}

static const char *unsayable_parts(const castor_request *request, const cst_allocator *allocator)
{
    const char *field = NULL;

    for (size_t i = 0; i < request->turn_count; i++) {
        for (size_t p = 0; p < request->turns[i].part_count && !field; p++) {
            field = unsayable_part(&request->turns[i].parts[p], allocator);
        }
    }
    return field;
}

/* Text is the default and needs no saying. */
static bool is_sayable_format(const char *mime_type)
{
    return !mime_type || strcmp(mime_type, "text/plain") == 0 || strcmp(mime_type, "application/json") == 0;
}

static const char *unsayable(const castor_request *request)
{
    if (request->top_k.is_set) return "top_k";
    if (request->safety_count > 0) return "safety";
    if (request->thinking_budget.is_set) return "thinking_budget (thinking_level works)";
    if (request->include_thoughts) return "include_thoughts";
    if (!is_sayable_format(request->response_mime_type)) return "response_mime_type of that kind";
    return NULL;
}

castor_status cst_openai_request_print(const castor_request *request, cst_wire *out, castor_error *err)
{
    const char *field = unsayable(request);

    if (!field) field = unsayable_parts(request, out->body.allocator);
    if (field) {
        return cst_fail(err, CASTOR_INVALID, "chat completions have no %s; unset it, or put the server's own form into "
                                             "extra_json", field);
    }
    out->auth = CST_AUTH_BEARER;
    castor_status status = cst_buf_append_text(&out->target, "/chat/completions");
    if (status == CASTOR_OK && request->body_json.len == 0) status = print_body(request, out->is_stream, &out->body);
    return cst_fail_plainly(err, status);
}
