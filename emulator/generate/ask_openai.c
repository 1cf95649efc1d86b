/* ask_openai.c -- reads the bodies of chat completions.
 * SPDX-License-Identifier: MIT
 *
 * The service turns them into its own requests, so the rules of turns and signatures hold here as well; only the places
 * differ where things stand.
 */
#include <stdio.h>

#include "generate/ask_fields.h"
#include "generate/ask_gemini.h"

enum { NEW_GENERATION = 30 };

#define KNOWN(field) { field, NULL, PLX_ANY }

static const plx_field google_fields[] = {
    { "thinkingConfig", &plx_thinking_config_type, PLX_MESSAGE }, { "cachedContent", NULL, PLX_STRING },
    { "safetySettings", &plx_safety_setting_type, PLX_MESSAGE, .is_list = true }, KNOWN("thoughtTagMarker"),
    KNOWN("mediaResolution"), KNOWN("tools"), KNOWN("aspectRatio"), KNOWN("responseModalities"),
};
static const plx_message_type google_type = PLX_TYPE("ExtraBody.Google", google_fields);
static const plx_field extra_fields[] = { { "google", &google_type, PLX_MESSAGE } };
static const plx_message_type extra_type = PLX_TYPE("ExtraBody", extra_fields);

static const plx_field request_fields[] = {
    { "model", NULL, PLX_STRING }, KNOWN("messages"), { "max_tokens", NULL, PLX_INT32 },
    { "max_completion_tokens", NULL, PLX_INT32 }, { "n", NULL, PLX_INT32 }, { "temperature", NULL, PLX_FLOAT },
    { "top_p", NULL, PLX_FLOAT }, KNOWN("stop"), { "seed", NULL, PLX_INT64 }, { "presence_penalty", NULL, PLX_FLOAT },
    { "frequency_penalty", NULL, PLX_FLOAT }, { "response_format", NULL, PLX_STRUCT }, KNOWN("tools"),
    KNOWN("tool_choice"), KNOWN("functions"), KNOWN("function_call"), { "stream", NULL, PLX_BOOL },
    { "stream_options", NULL, PLX_STRUCT }, { "reasoning_effort", NULL, PLX_STRING }, KNOWN("modalities"),
    { "logprobs", NULL, PLX_BOOL }, { "top_logprobs", NULL, PLX_INT32 }, { "service_tier", NULL, PLX_STRING },
    KNOWN("web_search_options"), { "parallel_tool_calls", NULL, PLX_BOOL }, { "user", NULL, PLX_STRING },
    { "store", NULL, PLX_BOOL }, KNOWN("metadata"), KNOWN("logit_bias"), KNOWN("audio"),
    { "extra_body", &extra_type, PLX_MESSAGE },
};
static const plx_message_type request_type = PLX_TYPE("ChatCompletionRequest", request_fields);

/* ---- contents of messages ---- */

/* data:image/png;base64,AAAA */
static bool read_url(plx_reading *r, castor_str url)
{
    const char *comma = url.len > 0 ? memchr(url.data, ',', url.len) : NULL;

    if (url.len == 0) return plx_refuse(r->refusal, 400, "Invalid content part: an image_url without a url.");
    if (!cst_str_starts_with(url, "data:") || !comma) {
        plx_reading_count_data(r, CASTOR_STR("image/jpeg"), (castor_i64){ 0, 0 });
        return true;
    }
    castor_str mime_type = { url.data + 5, 0 };
    while (mime_type.data + mime_type.len < comma && mime_type.data[mime_type.len] != ';') mime_type.len++;
    int64_t size = plx_base64_size((castor_str){ comma + 1, (size_t)(url.data + url.len - comma - 1) });
    if (size < 0) return plx_refuse(r->refusal, 400, "Invalid base64 in the data URI of an image.");
    plx_reading_count_data(r, mime_type, castor_some_i64(size));
    return true;
}

static bool read_part(plx_reading *r, const cst_json *part, bool is_said)
{
    castor_str      type = cst_json_string_in(part, "type");
    castor_str      text = cst_json_string_in(part, "text");
    const cst_json *image = cst_json_get(part, "image_url"), *sound = cst_json_get(part, "input_audio");
    castor_str      url = cst_json_string(image); /* or an object that holds it */

    if (text.data && is_said) return plx_reading_say(r, text);
    if (text.data) plx_reading_count_text(r, text);
    else if (image) return read_url(r, url.data ? url : cst_json_string_in(image, "url"));
    else if (sound) {
        int64_t size = plx_base64_size(cst_json_string_in(sound, "data"));
        plx_reading_count_data(r, CASTOR_STR("audio/wav"), castor_some_i64(size > 0 ? size : 0));
    } else {
        return plx_refuse(r->refusal, 400, "Invalid content part type: %.*s", CASTOR_ARG(type));
    }
    return true;
}

/* `is_said`: by the user or the model, not by the system. */
static bool read_content(plx_reading *r, const cst_json *content, bool is_said)
{
    plx_list        each = plx_list_of(content);
    const cst_json *part;

    if (cst_json_type_of(content) == CST_JSON_STRING) {
        if (is_said) return plx_reading_say(r, cst_json_string(content));
        plx_reading_count_text(r, cst_json_string(content));
        return true;
    }
    while (cst_json_type_of(content) != CST_JSON_NULL && (part = plx_list_next(&each))) {
        if (!read_part(r, part, is_said)) return false;
    }
    return true;
}

/* ---- messages ---- */

static bool read_calls(plx_reading *r, const cst_json *calls)
{
    plx_list        each = plx_list_of(calls);
    const cst_json *call;

    while (cst_json_type_of(calls) == CST_JSON_ARRAY && (call = plx_list_next(&each))) {
        const cst_json *function = cst_json_get(call, "function");
        const cst_json *google = cst_json_get(cst_json_get(call, "extra_content"), "google");
        castor_str      signature = cst_json_string_in(google, "thought_signature");
        plx_reading_count_text(r, cst_json_string_in(function, "arguments"));
        if (!plx_signature_check(r->ask->facts, signature, r->refusal) ||
            !plx_reading_call(r, cst_json_string_in(function, "name"), cst_json_string_in(call, "id"), signature)) {
            return false;
        }
    }
    return true;
}

static castor_str name_of_call(const plx_reading *r, castor_str id)
{
    for (size_t i = 0; i < r->turns.call_count && i < PLX_TURN_CALLS_MAX; i++) {
        if (cst_str_equal(r->turns.call_ids[i], id)) return r->turns.call_names[i];
    }
    return CST_NONE;
}

/* The text of a message that brings a result; parts of text are joined by the caller's luck: the first counts. */
static bool read_result(plx_reading *r, const cst_json *message)
{
    const cst_json *content = cst_json_get(message, "content");
    castor_str      id = cst_json_string_in(message, "tool_call_id");
    castor_str      name = cst_json_string_in(message, "name");
    castor_str      text = cst_json_string(content);

    if (!text.data) text = cst_json_string_in(plx_list_at(content, 0), "text");
    if (name.len == 0) name = name_of_call(r, id);
    plx_reading_count_text(r, text);
    return plx_reading_respond(r, name, id, text.data ? text : CASTOR_STR(""));
}

static bool read_message(plx_reading *r, const cst_json *message)
{
    castor_str      role = cst_json_string_in(message, "role");
    const cst_json *content = cst_json_get(message, "content");

    if (cst_str_is(role, "system") || cst_str_is(role, "developer")) return read_content(r, content, false);
    if (cst_str_is(role, "user")) return plx_reading_open(r, PLX_SIDE_USER) && read_content(r, content, true);
    if (cst_str_is(role, "assistant")) {
        return plx_reading_open(r, PLX_SIDE_MODEL) && read_content(r, content, true) &&
               read_calls(r, cst_json_get(message, "tool_calls"));
    }
    if (cst_str_is(role, "tool") || cst_str_is(role, "function")) {
        return plx_reading_open(r, PLX_SIDE_USER) && read_result(r, message);
    }
    return plx_refuse(r->refusal, 400, "Please use a valid role: system, developer, user, assistant, tool, function.");
}

static bool read_messages(plx_reading *r, const cst_json *messages)
{
    cst_json_iterator each = cst_json_iterate(messages);
    const cst_json   *message;

    if (cst_json_type_of(messages) != CST_JSON_ARRAY || cst_json_count(messages) == 0) {
        return plx_refuse(r->refusal, 400, "* GenerateContentRequest.contents: contents is not specified\n");
    }
    while ((message = cst_json_next(&each, NULL))) {
        if (!read_message(r, message)) return false;
    }
    if (r->turns.position == 0) {
        return plx_refuse(r->refusal, 400, "* GenerateContentRequest.contents: contents is not specified\n");
    }
    return plx_reading_close(r);
}

/* ---- tools ---- */

static bool read_function(plx_reading *r, const cst_json *declaration, size_t index)
{
    plx_function function = { .name = cst_json_string_in(declaration, "name"),
                              .description = cst_json_string_in(declaration, "description"),
                              .parameters = plx_field_get(declaration, "parameters") };
    char         path[96];

    snprintf(path, sizeof path, "tools[0].function_declarations[%zu].name", index);
    return plx_ask_check_function_name(function.name, path, r->refusal) && plx_reading_add_function(r, &function);
}

/* {"type":"function","function":{"name":"f"}}, or {"name":"f"} of old. */
static bool read_chosen(plx_reading *r, const cst_json *choice)
{
    const cst_json *function = cst_json_get(choice, "function");

    r->ask->call_mode = PLX_CALLS_ANY;
    return plx_reading_allow(r, cst_json_get(function ? function : choice, "name"));
}

static bool read_choice(plx_reading *r, const cst_json *choice)
{
    castor_str mode = cst_json_string(choice);

    if (cst_json_type_of(choice) == CST_JSON_OBJECT) return read_chosen(r, choice);
    if (cst_str_is(mode, "none")) r->ask->call_mode = PLX_CALLS_NONE;
    if (cst_str_is(mode, "required")) r->ask->call_mode = PLX_CALLS_ANY;
    if (cst_str_is(mode, "required") && r->functions.len == 0) {
        return plx_refuse(r->refusal, 400, "Function calling config is set without function_declarations.");
    }
    return mode.len == 0 || cst_str_is(mode, "none") || cst_str_is(mode, "auto") || cst_str_is(mode, "required") ||
           cst_str_is(mode, "validated") || plx_refuse(r->refusal, 400, "Invalid tool_choice: %.*s", CASTOR_ARG(mode));
}

static bool read_tools(plx_reading *r, const cst_json *body)
{
    const cst_json *tools = plx_field_get(body, "tools"), *functions = plx_field_get(body, "functions");
    plx_list        each = plx_list_of(tools ? tools : functions);
    const cst_json *tool;

    for (size_t i = 0; (tool = plx_list_next(&each)); i++) {
        if (!read_function(r, tools ? cst_json_get(tool, "function") : tool, i)) return false;
    }
    if (plx_field_get(body, "web_search_options")) r->ask->tools |= PLX_TOOL_SEARCH;
    return plx_ask_check_mix(r, false) &&
           read_choice(r, plx_field_get(body, tools || !functions ? "tool_choice" : "function_call"));
}

/* ---- thinking ---- */

static bool read_effort(plx_reading *r, castor_str effort)
{
    static const struct {
        const char *effort;
        int64_t     budget; /* of generation 2.5 */
        const char *level;  /* from 3 on */
    } efforts[] = {
        { "none", 0, NULL }, { "minimal", 1024, "MINIMAL" }, { "low", 1024, "LOW" }, { "medium", 8192, "MEDIUM" },
        { "high", 24576, "HIGH" },
    };
    const plx_model *facts = r->ask->facts;

    for (size_t i = 0; i < sizeof efforts / sizeof efforts[0]; i++) {
        if (!cst_str_is(effort, efforts[i].effort)) continue;
        if (facts->thinking_levels == 0) return plx_reading_think(r, castor_some_i64(efforts[i].budget), NULL);
        if (!efforts[i].level) {
            return plx_refuse(r->refusal, 400, "Reasoning effort none is not supported for this model.");
        }
        bool is_too_little = i == 1 && !(facts->thinking_levels & PLX_THINKING_MINIMAL);
        return plx_reading_think(r, (castor_i64){ 0, 0 }, is_too_little ? "LOW" : efforts[i].level);
    }
    return plx_refuse(r->refusal, 400, "Invalid reasoning_effort: %.*s", CASTOR_ARG(effort));
}

static bool read_thinking(plx_reading *r, const cst_json *body, const cst_json *google)
{
    const cst_json *config = plx_field_get(google, "thinkingConfig");
    const cst_json *level = plx_field_get(config, "thinkingLevel");
    castor_i64      budget = cst_json_integer(plx_field_get(config, "thinkingBudget"));
    castor_str      effort = cst_json_string_in(body, "reasoning_effort");
    const char     *name = level ? plx_choice_of(level, &plx_thinking_levels) : NULL;

    r->ask->includes_thoughts = cst_json_is_true(plx_field_get(config, "includeThoughts"));
    if (effort.len > 0 && (name || budget.is_set)) {
        return plx_refuse(r->refusal, 400,
                          "Only one of reasoning_effort and thinking_level or thinking_budget can be set.");
    }
    return effort.len > 0 ? read_effort(r, effort) : plx_reading_think(r, budget, name);
}

/* ---- the whole ---- */

static bool read_shape(plx_reading *r, const cst_json *format)
{
    castor_str type = cst_json_string_in(format, "type");

    if (!format || cst_str_is(type, "text")) return true;
    if (!cst_str_is(type, "json_object") && !cst_str_is(type, "json_schema")) {
        return plx_refuse(r->refusal, 400, "Invalid response_format type: %.*s", CASTOR_ARG(type));
    }
    r->ask->shape = PLX_SHAPE_JSON;
    r->ask->schema = cst_json_get(cst_json_get(format, "json_schema"), "schema");
    return true;
}

static bool check_sampling(plx_reading *r, const cst_json *body)
{
    static const char path[] = "GenerateContentRequest.generation_config";

    return plx_reading_range(r, body, "temperature", path, 2.0) && plx_reading_range(r, body, "topP", path, 1.0);
}

static bool read_limits(plx_reading *r, const cst_json *body)
{
    castor_i64 tokens = cst_json_integer(cst_json_get(body, "max_completion_tokens"));

    if (!tokens.is_set) tokens = cst_json_integer(cst_json_get(body, "max_tokens"));
    return plx_reading_candidates(r, body, "n", "") && plx_reading_limit(r, tokens) &&
           plx_reading_stops(r, plx_field_get(body, "stop"), "stop");
}

bool plx_ask_read_openai(plx_ask *ask, const cst_json *body, const plx_terms *terms, plx_refusal *refusal)
{
    const cst_json *google = plx_field_get(plx_field_get(body, "extra_body"), "google");
    plx_reading     r;

    plx_reading_begin(&r, ask, terms, refusal);
    bool is_read = plx_fields_check(body, &request_type, refusal);
    if (is_read && ask->model.len == 0) is_read = plx_refuse(refusal, 400, "model is not specified");
    if (is_read) {
        ask->wants_stream = cst_json_is_true(cst_json_get(body, "stream"));
        ask->wants_usage = cst_json_is_true(cst_json_get(cst_json_get(body, "stream_options"), "include_usage"));
        ask->seed = cst_json_integer(cst_json_get(body, "seed"));
        is_read = read_shape(&r, plx_field_get(body, "response_format")) &&
                  read_messages(&r, cst_json_get(body, "messages")) && read_limits(&r, body) &&
                  check_sampling(&r, body) &&
                  read_thinking(&r, body, google) && read_tools(&r, body) &&
                  plx_ask_check_safety(&r, plx_field_get(google, "safetySettings"));
    }
    return plx_reading_end(&r, is_read);
}
