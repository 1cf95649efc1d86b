/* request.c -- what every dialect refuses alike, and what they print alike.
 * SPDX-License-Identifier: MIT
 */
#include "request.h"

#include <math.h>

#include "given.h"
#include "json_cursor.h"

/* ---- texts ---- */

bool cst_request_wants_schema(const castor_request *request)
{
    return request->response_schema.len > 0;
}

castor_str cst_request_model(const castor_request *request)
{
    castor_str model = castor_str_of(request->model);

    if (cst_str_starts_with(model, "models/")) {
        model.data += strlen("models/");
        model.len -= strlen("models/");
    }
    return model;
}

/* A model becomes part of a path: nothing in it may leave its place there. */
static castor_status check_model(const castor_request *request, castor_error *err)
{
    castor_str model = castor_str_of(request->model);

    if (model.len == 0) {
        if (request->body_json.len > 0 && request->dialect == CASTOR_DIALECT_OPENAI) return CASTOR_OK;
        return cst_fail(err, CASTOR_INVALID, "the request names no model; set model, for example \"gemini-3.8-flash\"");
    }
    if (model.len > CST_LABEL_MAX) {
        return cst_fail(err, CASTOR_INVALID, "the model's name is %zu bytes long; it may have %d at most", model.len,
                        CST_LABEL_MAX);
    }
    /* A colon would choose another method; chat completions put the model into the body, and theirs have colons. */
    const char *forbidden = request->dialect == CASTOR_DIALECT_OPENAI ? "?&#%\"\\" : "?&#%\"\\:";
    for (size_t i = 0; i < model.len; i++) {
        unsigned char c = (unsigned char)model.data[i];
        if (c <= ' ' || c >= 0x7F || strchr(forbidden, c)) {
            return cst_fail(err, CASTOR_INVALID, "model \"%s\" holds a character that no model name has (position %zu)",
                            request->model, i);
        }
    }
    bool has_hole = model.data[0] == '/' || model.data[model.len - 1] == '/' || strstr(request->model, "//");
    if (has_hole || strstr(request->model, "..")) {
        return cst_fail(err, CASTOR_INVALID, "model \"%s\" is not a model name", request->model);
    }
    return CASTOR_OK;
}

/* ---- numbers ---- */

static castor_status check_range(castor_f64 number, const char *name, double low, double high, castor_error *err)
{
    if (!number.is_set || (number.value >= low && number.value <= high)) return CASTOR_OK; /* NaN fails both */
    return cst_fail(err, CASTOR_INVALID, "%s is %g; it must be from %g to %g", name, number.value, low, high);
}

static castor_status check_count(castor_i64 number, const char *name, int64_t low, int64_t high, castor_error *err)
{
    if (!number.is_set || (number.value >= low && number.value <= high)) return CASTOR_OK;
    return cst_fail(err, CASTOR_INVALID, "%s is %lld; it must be from %lld to %lld", name, (long long)number.value,
                    (long long)low, (long long)high);
}

static castor_status check_numbers(const castor_request *request, castor_error *err)
{
    castor_status status = check_range(request->temperature, "temperature", 0, 2, err);

    if (status == CASTOR_OK) status = check_range(request->top_p, "top_p", 0, 1, err);
    if (status == CASTOR_OK) status = check_count(request->top_k, "top_k", 1, INT32_MAX, err);
    if (status == CASTOR_OK) status = check_count(request->max_output_tokens, "max_output_tokens", 1, INT32_MAX, err);
    if (status == CASTOR_OK) status = check_count(request->candidate_count, "candidate_count", 1, 128, err);
    if (status == CASTOR_OK) status = check_count(request->seed, "seed", INT32_MIN, INT32_MAX, err);
    if (status == CASTOR_OK) status = check_count(request->thinking_budget, "thinking_budget", -1, INT32_MAX, err);
    if (status != CASTOR_OK) return status;
    if (request->thinking_budget.is_set && request->thinking_level) {
        return cst_fail(err, CASTOR_INVALID, "thinking_budget and thinking_level are both set; the server takes one");
    }
    if (request->stop_sequence_count > CST_STOP_SEQUENCES_MAX) {
        return cst_fail(err, CASTOR_INVALID, "%zu stop sequences are set; the server takes %d at most",
                        request->stop_sequence_count, CST_STOP_SEQUENCES_MAX);
    }
    return CASTOR_OK;
}

/* ---- what pointers and lengths say ---- */

static castor_status check_given_texts(const castor_request *request, castor_error *err)
{
    castor_status status = cst_given_text(request->system_instruction, "system_instruction", err);

    if (status == CASTOR_OK) status = cst_given_text(request->response_schema, "response_schema", err);
    if (status == CASTOR_OK) status = cst_given_text(request->tools_json, "tools_json", err);
    if (status == CASTOR_OK) status = cst_given_text(request->extra_json, "extra_json", err);
    if (status == CASTOR_OK) status = cst_given_text(request->body_json, "body_json", err);
    return status;
}

static castor_status check_given_parts(const castor_turn *turn, castor_error *err)
{
    castor_status status = cst_given_text(turn->text, "the text of a turn", err);

    if (status == CASTOR_OK) status = cst_given_count(turn->parts, turn->part_count, "parts of a turn", err);
    for (size_t i = 0; status == CASTOR_OK && i < turn->part_count; i++) {
        const castor_part *part = &turn->parts[i];
        status = cst_given_text(part->text, "the text of a part", err);
        if (status == CASTOR_OK) status = cst_given_text(part->data, "the data of a part", err);
        if (status == CASTOR_OK) status = cst_given_text(part->raw, "the raw of a part", err);
    }
    return status;
}

static castor_status check_given_lists(const castor_request *request, castor_error *err)
{
    castor_status status = cst_given_count(request->stop_sequences, request->stop_sequence_count, "stop_sequences", err);

    for (size_t i = 0; status == CASTOR_OK && i < request->stop_sequence_count; i++) {
        if (!request->stop_sequences[i]) status = cst_fail(err, CASTOR_INVALID, "stop sequence %zu is NULL", i);
    }
    if (status == CASTOR_OK) status = cst_given_count(request->safety, request->safety_count, "safety settings", err);
    for (size_t i = 0; status == CASTOR_OK && i < request->safety_count; i++) {
        const castor_safety *setting = &request->safety[i];
        if (setting->category && setting->threshold) continue;
        status = cst_fail(err, CASTOR_INVALID, "safety setting %zu has no %s", i,
                          setting->category ? "threshold" : "category");
    }
    return status;
}

/* Before anything else reads through them. */
static castor_status check_given(const castor_request *request, castor_error *err)
{
    castor_status status = check_given_texts(request, err);

    if (status == CASTOR_OK) status = cst_given_count(request->turns, request->turn_count, "turns", err);
    for (size_t i = 0; status == CASTOR_OK && i < request->turn_count; i++) {
        status = check_given_parts(&request->turns[i], err);
    }
    return status == CASTOR_OK ? check_given_lists(request, err) : status;
}

/* ---- turns ---- */

/* "image/png", with parameters perhaps. Absent is fine. */
static bool is_mime_type(const char *text)
{
    for (const char *at = text; at && *at; at++) {
        if (*at <= ' ' || *at >= 0x7F || strchr("\"\\<>", *at)) return false;
    }
    return !text || strchr(text, '/');
}

/* What a part of its type cannot be without; NULL when it has all. */
static const char *lack_of(const castor_part *part)
{
    switch (part->type) {
    case CASTOR_PART_DATA:
        if (!part->mime_type) return "mime_type";
        return part->data.len == 0 ? "data" : NULL;
    case CASTOR_PART_FILE: return part->file_uri ? NULL : "file_uri";
    case CASTOR_PART_FUNCTION_RESULT:
        if (!part->name) return "name";
        return part->text.len == 0 ? "text (the result as JSON)" : NULL;
    case CASTOR_PART_RAW: return part->raw.len == 0 ? "raw" : NULL;
    case CASTOR_PART_TEXT:
    default: return NULL;
    }
}

static castor_status check_utf8(castor_str text, const char *name, castor_error *err)
{
    size_t at = cst_utf8_valid(text);

    if (at == text.len) return CASTOR_OK;
    cst_fail(err, CASTOR_INVALID, "%s is not UTF-8 at byte %zu", name, at);
    if (err) err->offset = castor_some_i64((int64_t)at);
    return CASTOR_INVALID;
}

static castor_status check_part(const castor_part *part, size_t turn, size_t index, castor_error *err)
{
    int         type = (int)part->type;
    const char *lack = lack_of(part);

    if (type < CASTOR_PART_TEXT || type > CASTOR_PART_RAW) {
        return cst_fail(err, CASTOR_INVALID, "part %zu of turn %zu has the unknown type %d", index, turn, type);
    }
    if (lack) return cst_fail(err, CASTOR_INVALID, "part %zu of turn %zu lacks its %s", index, turn, lack);
    if (!is_mime_type(part->mime_type)) {
        return cst_fail(err, CASTOR_INVALID, "part %zu of turn %zu has the mime_type \"%s\", which is no media type",
                        index, turn, part->mime_type);
    }
    return part->type == CASTOR_PART_TEXT ? check_utf8(part->text, "the text of a part", err) : CASTOR_OK;
}

static castor_status check_turns(const castor_request *request, castor_error *err)
{
    if (request->turn_count == 0) {
        return cst_fail(err, CASTOR_INVALID, "the request holds no turn: there is nothing to answer");
    }
    for (size_t i = 0; i < request->turn_count; i++) {
        const castor_turn *turn = &request->turns[i];
        if (turn->role != CASTOR_USER && turn->role != CASTOR_MODEL) {
            return cst_fail(err, CASTOR_INVALID, "turn %zu has the unknown role %d", i, (int)turn->role);
        }
        if (turn->text.len == 0 && turn->part_count == 0) {
            return cst_fail(err, CASTOR_INVALID, "turn %zu is empty: it has neither text nor parts", i);
        }
        castor_status status = check_utf8(turn->text, "the text of a turn", err);
        for (size_t p = 0; status == CASTOR_OK && p < turn->part_count; p++) {
            status = check_part(&turn->parts[p], i, p, err);
        }
        if (status != CASTOR_OK) return status;
    }
    return CASTOR_OK;
}

/* ---- JSON given as text ---- */

static const char *type_name(cst_json_type type)
{
    return type == CST_JSON_OBJECT ? "an object" : "an array";
}

static castor_status check_json(castor_str text, const char *name, cst_json_type wanted, const cst_allocator *allocator,
                                castor_error *err)
{
    cst_json_doc doc;
    size_t       offset;
    const char  *why;

    if (!text.data) return CASTOR_OK;
    cst_json_doc_init(&doc, allocator);
    castor_status status = cst_json_read(&doc, text, &offset, &why);
    cst_json_type type = cst_json_type_of(cst_json_root(&doc));
    cst_json_doc_free(&doc);
    if (status == CASTOR_NO_MEMORY) return cst_fail_plainly(err, status);
    if (status != CASTOR_OK) {
        cst_fail(err, CASTOR_INVALID, "%s is not JSON at byte %zu: %s", name, offset, why);
        if (err) err->offset = castor_some_i64((int64_t)offset);
        return CASTOR_INVALID;
    }
    if (type != wanted) return cst_fail(err, CASTOR_INVALID, "%s is not %s", name, type_name(wanted));
    return CASTOR_OK;
}

static castor_status check_part_json(const castor_part *part, const cst_allocator *allocator, castor_error *err)
{
    if (part->type == CASTOR_PART_RAW) return check_json(part->raw, "the raw part", CST_JSON_OBJECT, allocator, err);
    if (part->type != CASTOR_PART_FUNCTION_RESULT) return CASTOR_OK;
    return check_json(part->text, "the function result", CST_JSON_OBJECT, allocator, err);
}

static castor_status check_all_json(const castor_request *request, const cst_allocator *allocator, castor_error *err)
{
    castor_str    schema = request->response_schema;
    castor_status status = check_json(request->body_json, "body_json", CST_JSON_OBJECT, allocator, err);

    if (status == CASTOR_OK) status = check_json(request->extra_json, "extra_json", CST_JSON_OBJECT, allocator, err);
    if (status == CASTOR_OK) status = check_json(request->tools_json, "tools_json", CST_JSON_ARRAY, allocator, err);
    if (status == CASTOR_OK) status = check_json(schema, "response_schema", CST_JSON_OBJECT, allocator, err);
    for (size_t i = 0; status == CASTOR_OK && i < request->turn_count; i++) {
        const castor_turn *turn = &request->turns[i];
        for (size_t p = 0; status == CASTOR_OK && p < turn->part_count; p++) {
            status = check_part_json(&turn->parts[p], allocator, err);
        }
    }
    return status;
}

/* What would be dropped beside a whole body of the caller's; NULL: nothing. */
static const char *beside_body(const castor_request *request)
{
    if (request->turn_count > 0) return "turns";
    if (request->system_instruction.len > 0) return "system_instruction";
    if (request->tools_json.len > 0) return "tools_json";
    if (request->safety_count > 0) return "safety";
    if (request->stop_sequence_count > 0) return "stop_sequences";
    if (request->response_mime_type || cst_request_wants_schema(request)) return "a response format";
    if (request->include_thoughts || request->thinking_level || request->thinking_budget.is_set) return "thinking";
    if (request->temperature.is_set || request->top_p.is_set || request->top_k.is_set) return "a sampling setting";
    if (request->max_output_tokens.is_set || request->candidate_count.is_set || request->seed.is_set) return "a number";
    return NULL;
}

static castor_status check_content(const castor_request *request, castor_error *err)
{
    const char *field = request->body_json.len > 0 ? beside_body(request) : NULL;

    if (field) return cst_fail(err, CASTOR_INVALID, "body_json is the whole body; %s beside it would be lost", field);
    if (request->body_json.len > 0) return CASTOR_OK;
    castor_status status = check_utf8(request->system_instruction, "the system instruction", err);
    if (status == CASTOR_OK) status = check_turns(request, err);
    for (size_t i = 0; status == CASTOR_OK && i < request->stop_sequence_count && i < CST_STOP_SEQUENCES_MAX; i++) {
        status = check_utf8(castor_str_of(request->stop_sequences[i]), "a stop sequence", err);
    }
    return status == CASTOR_OK ? check_numbers(request, err) : status;
}

castor_status cst_request_check(const castor_request *request, const cst_allocator *allocator, castor_error *err)
{
    castor_status status = check_given(request, err);

    if (status == CASTOR_OK) status = check_model(request, err);
    if (status == CASTOR_OK) status = check_content(request, err);
    if (status == CASTOR_OK) status = check_all_json(request, allocator, err);
    if (status == CASTOR_OK && request->hops_max < 0) {
        status = cst_fail(err, CASTOR_INVALID, "hops_max is %d; give a count, or 0 for the default",
                          (int)request->hops_max);
    }
    if (status == CASTOR_OK && cst_request_wants_schema(request) && request->response_mime_type &&
        strcmp(request->response_mime_type, "application/json") != 0) {
        status = cst_fail(err, CASTOR_INVALID, "response_mime_type is \"%s\" but a response_schema needs "
                                               "application/json", request->response_mime_type);
    }
    return status;
}

/* ---- merging ---- */

/* Recursion is bounded: both texts were read with CST_JSON_DEPTH_MAX. */
static void print_merged(cst_json_writer *writer, cst_json_cursor base, cst_json_cursor extra)
{
    castor_str name;

    if (cst_json_type_of(base.value) != CST_JSON_OBJECT || cst_json_type_of(extra.value) != CST_JSON_OBJECT) {
        cst_json_put_raw(writer, cst_json_source(extra.value ? extra : base));
        return;
    }
    cst_json_open_object(writer);
    for (cst_json_iterator ours = cst_json_iterate(base.value); cst_json_next(&ours, &name);) {
        cst_json_name(writer, name);
        print_merged(writer, cst_json_cursor_find(base, name), cst_json_cursor_find(extra, name));
    }
    for (cst_json_iterator theirs = cst_json_iterate(extra.value); cst_json_next(&theirs, &name);) {
        if (cst_json_cursor_find(base, name).value) continue;
        cst_json_name(writer, name);
        cst_json_put_raw(writer, cst_json_source(cst_json_cursor_find(extra, name)));
    }
    cst_json_close_object(writer);
}

castor_status cst_request_merge(cst_buf *out, castor_str body, castor_str extra, const cst_allocator *allocator,
                                castor_error *err)
{
    cst_json_doc    ours, theirs;
    cst_json_writer writer = cst_json_writer_to(out);

    cst_json_doc_init(&ours, allocator);
    cst_json_doc_init(&theirs, allocator);
    castor_status status = cst_json_read(&ours, body, NULL, NULL);
    if (status == CASTOR_OK) status = cst_json_read(&theirs, extra, NULL, NULL);
    if (status == CASTOR_OK) {
        print_merged(&writer, cst_json_cursor_at_root(&ours, body), cst_json_cursor_at_root(&theirs, extra));
        status = writer.status;
    }
    cst_json_doc_free(&ours);
    cst_json_doc_free(&theirs);
    return cst_fail_plainly(err, status);
}
