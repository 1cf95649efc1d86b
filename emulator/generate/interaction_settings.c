/* interaction_settings.c -- what else an interaction's request says beside its input, in the words of generateContent.
 * SPDX-License-Identifier: MIT
 */
#include "generate/translate_interaction.h"

#include "generate/content_writer.h"
#include "proto/coded_error.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static castor_str text_of(cst_json_cursor object, const char *key)
{
    return cst_json_string(cst_json_cursor_get(object, key).value);
}

static void put_system_instruction(cst_json_writer *w, castor_str text)
{
    if (text.len == 0) return;
    cst_json_key(w, "systemInstruction");
    cst_json_open_object(w);
    cst_json_key(w, "parts");
    cst_json_open_array(w);
    cst_json_open_object(w);
    plx_put_text(w, "text", text);
    cst_json_close_object(w);
    cst_json_close_array(w);
    cst_json_close_object(w);
}

static void put_function(cst_json_writer *w, cst_json_cursor tool)
{
    cst_json_open_object(w);
    plx_put_same(w, "name", cst_json_cursor_get(tool, "name"));
    plx_put_same(w, "description", cst_json_cursor_get(tool, "description"));
    plx_put_same(w, "parametersJsonSchema", cst_json_cursor_get(tool, "parameters"));
    cst_json_close_object(w);
}

static void put_functions(cst_json_writer *w, cst_json_cursor tools)
{
    size_t          left = cst_json_count(tools.value) - 1;
    cst_json_cursor tool = cst_json_cursor_first(tools);

    cst_json_open_object(w);
    cst_json_key(w, "functionDeclarations");
    cst_json_open_array(w);
    for (; tool.value; tool = cst_json_cursor_after(tool, &left)) {
        if (cst_str_is(text_of(tool, "type"), "function")) put_function(w, tool);
    }
    cst_json_close_array(w);
    cst_json_close_object(w);
}

static bool has_tool(const cst_json *tools, const char *type)
{
    cst_json_iterator each = cst_json_iterate(tools);
    const cst_json   *tool;

    while ((tool = cst_json_next(&each, NULL))) {
        if (cst_str_is(cst_json_string_in(tool, "type"), type)) return true;
    }
    return false;
}

/* Of Google's own tools those that an answer may show; the others are left out. */
static void put_tools(cst_json_writer *w, cst_json_cursor tools)
{
    static const char *const own[][2] = {
        { "google_search", "googleSearch" }, { "code_execution", "codeExecution" }, { "url_context", "urlContext" },
    };

    if (cst_json_count(tools.value) == 0) return;
    cst_json_key(w, "tools");
    cst_json_open_array(w);
    if (has_tool(tools.value, "function")) put_functions(w, tools);
    for (size_t i = 0; i < COUNT_OF(own); i++) {
        if (!has_tool(tools.value, own[i][0])) continue;
        cst_json_open_object(w);
        cst_json_key(w, own[i][1]);
        cst_json_put_raw(w, CASTOR_STR("{}"));
        cst_json_close_object(w);
    }
    cst_json_close_array(w);
}

/* "any", or {"allowed_tools":{"mode":"any","tools":["f"]}}. */
static bool put_tool_choice(cst_json_writer *w, cst_json_cursor choice, plx_refusal *refusal)
{
    static const char *const modes[][2] = { { "auto", "AUTO" }, { "any", "ANY" }, { "none", "NONE" },
                                            { "validated", "VALIDATED" } };
    cst_json_cursor          allowed = cst_json_cursor_get(choice, "allowed_tools");
    castor_str               mode = cst_json_string(allowed.value ? cst_json_get(allowed.value, "mode") : choice.value);
    const char              *name = allowed.value && !mode.data ? "AUTO" : NULL;

    if (!choice.value || cst_json_type_of(choice.value) == CST_JSON_NULL) return true;
    for (size_t i = 0; i < COUNT_OF(modes); i++) {
        if (cst_str_is(mode, modes[i][0])) name = modes[i][1];
    }
    if (!name) {
        return plx_refuse_coded(refusal, 400, NULL, "'generation_config.tool_choice' must be 'auto', 'any', 'none', "
                                                    "'validated', or an object with 'allowed_tools'.");
    }
    cst_json_key(w, "toolConfig");
    cst_json_open_object(w);
    cst_json_key(w, "functionCallingConfig");
    cst_json_open_object(w);
    plx_put_text(w, "mode", castor_str_of(name));
    plx_put_same(w, "allowedFunctionNames", cst_json_cursor_get(allowed, "tools"));
    cst_json_close_object(w);
    cst_json_close_object(w);
    return true;
}

/* This API takes levels from all models, also from those that have a budget instead. */
static void put_thinking(cst_json_writer *w, const plx_interaction_ask *ask, const plx_model *model, castor_str level)
{
    static const struct {
        const char *level;
        const char *name;
        int64_t     budget;
    } levels[] = {
        { "minimal", "MINIMAL", 512 }, { "low", "LOW", 1024 }, { "medium", "MEDIUM", 8192 }, { "high", "HIGH", 24576 },
    };
    bool has_budget = model->thinking_levels == 0;

    if (!level.data && !ask->wants_summaries) return;
    cst_json_key(w, "thinkingConfig");
    cst_json_open_object(w);
    if (ask->wants_summaries) {
        cst_json_key(w, "includeThoughts");
        cst_json_put_bool(w, true);
    }
    for (size_t i = 0; i < COUNT_OF(levels); i++) {
        if (!cst_str_is(level, levels[i].level)) continue;
        cst_json_key(w, has_budget ? "thinkingBudget" : "thinkingLevel");
        if (has_budget) cst_json_put_integer(w, levels[i].budget);
        else cst_json_put_string(w, castor_str_of(levels[i].name));
    }
    cst_json_close_object(w);
}

/* One format: {"type":"text","mime_type","schema"}. The beta had the schema itself in this place, and still may. */
static bool put_format(cst_json_writer *w, cst_json_cursor format, plx_refusal *refusal)
{
    castor_str      type = text_of(format, "type");
    castor_str      mime_type = text_of(format, "mime_type");
    cst_json_cursor schema = cst_json_cursor_get(format, "schema");

    if (cst_str_is(type, "image") || cst_str_is(type, "audio") || cst_str_is(type, "video")) {
        return plx_refuse_coded(refusal, 501, NULL, "pollux answers with text only, not with %.*s.", CASTOR_ARG(type));
    }
    if (!cst_str_is(type, "text")) {
        schema = format;
        mime_type = CASTOR_STR("application/json");
    }
    if (schema.value && !mime_type.data) mime_type = CASTOR_STR("application/json");
    if (mime_type.data) plx_put_text(w, "responseMimeType", mime_type);
    plx_put_same(w, "responseJsonSchema", schema);
    return true;
}

/* Of several formats, the first counts: only text can come. */
static bool put_formats(cst_json_writer *w, cst_json_cursor body, plx_refusal *refusal)
{
    cst_json_cursor formats = cst_json_cursor_get(body, "response_format");
    castor_str      mime_type = text_of(body, "response_mime_type");

    if (cst_json_type_of(formats.value) == CST_JSON_ARRAY) formats = cst_json_cursor_first(formats);
    if (cst_json_type_of(formats.value) == CST_JSON_OBJECT) return put_format(w, formats, refusal);
    if (mime_type.data) plx_put_text(w, "responseMimeType", mime_type);
    return true;
}

static bool put_generation_config(cst_json_writer *w, const plx_interaction_ask *ask, const plx_model *model,
                                  cst_json_cursor body, plx_refusal *refusal)
{
    static const char *const same[][2] = {
        { "max_output_tokens", "maxOutputTokens" }, { "stop_sequences", "stopSequences" }, { "seed", "seed" },
        { "temperature", "temperature" },           { "top_p", "topP" },
    };
    cst_json_cursor config = cst_json_cursor_get(body, "generation_config");

    cst_json_key(w, "generationConfig");
    cst_json_open_object(w);
    for (size_t i = 0; i < COUNT_OF(same); i++) plx_put_same(w, same[i][1], cst_json_cursor_get(config, same[i][0]));
    put_thinking(w, ask, model, text_of(config, "thinking_level"));
    bool is_put = put_formats(w, body, refusal);
    cst_json_close_object(w);
    return is_put;
}

bool plx_interaction_put_settings(cst_json_writer *w, const plx_interaction_ask *ask, const plx_model *model,
                                  cst_json_cursor body, plx_refusal *refusal)
{
    cst_json_cursor config = cst_json_cursor_get(body, "generation_config");

    put_system_instruction(w, text_of(body, "system_instruction"));
    plx_put_same(w, "cachedContent", cst_json_cursor_get(body, "cached_content"));
    plx_put_same(w, "continuationToken", cst_json_cursor_get(body, "continuation_token"));
    put_tools(w, cst_json_cursor_get(body, "tools"));
    return put_tool_choice(w, cst_json_cursor_get(config, "tool_choice"), refusal) &&
           put_generation_config(w, ask, model, body, refusal);
}
