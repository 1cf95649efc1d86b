/* ask_interaction.c -- what a request to create an interaction says, checked by the rules of that API.
 * SPDX-License-Identifier: MIT
 *
 * Names are snake_case and nothing else here; each object knows its own, and `parameter_unknown` tells of any other.
 * The wording of these errors was nowhere recorded: it is ours; the codes are the service's.
 */
#include "generate/ask_interaction.h"

#include <stdio.h>

#include "proto/coded_error.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

typedef enum kind { TEXT, FLAG, COUNT, OBJECT, ARRAY, ANYTHING } kind;

typedef struct parameter {
    const char        *name;
    kind               kind;
    const char *const *choices;     /* of a TEXT; NULL: any */
    bool               is_beta;     /* v1 has it no more */
} parameter;

/* ---- the parameters that are known ---- */

static const char *const service_tiers[] = { "flex", "standard", "priority", "deferred", NULL };
static const char *const thinking_levels[] = { "minimal", "low", "medium", "high", NULL };
static const char *const thinking_summaries[] = { "auto", "none", NULL };

static const parameter body_parameters[] = {
    { "model", TEXT, NULL, false },
    { "agent", TEXT, NULL, false },
    { "input", ANYTHING, NULL, false },
    { "system_instruction", TEXT, NULL, false },
    { "tools", ARRAY, NULL, false },
    { "generation_config", OBJECT, NULL, false },
    { "agent_config", OBJECT, NULL, false },
    { "response_format", ANYTHING, NULL, false },
    { "response_mime_type", TEXT, NULL, false },
    { "response_modalities", ARRAY, NULL, false },
    { "previous_interaction_id", TEXT, NULL, false },
    { "continuation_token", TEXT, NULL, false },
    { "cached_content", TEXT, NULL, false },
    { "store", FLAG, NULL, false },
    { "stream", FLAG, NULL, false },
    { "background", FLAG, NULL, false },
    { "environment", ANYTHING, NULL, false },
    { "safety_settings", ARRAY, NULL, false },
    { "service_tier", TEXT, service_tiers, false },
    { "labels", OBJECT, NULL, false },
    { "webhook_config", OBJECT, NULL, false },
};

/* Recorded requests under v1beta have a temperature; v1 has neither that nor top_p. */
static const parameter generation_parameters[] = {
    { "max_output_tokens", COUNT, NULL, false },
    { "seed", COUNT, NULL, false },
    { "stop_sequences", ARRAY, NULL, false },
    { "thinking_level", TEXT, thinking_levels, false },
    { "thinking_summaries", TEXT, thinking_summaries, false },
    { "tool_choice", ANYTHING, NULL, false },
    { "speech_config", ANYTHING, NULL, false },
    { "image_config", OBJECT, NULL, false },
    { "video_config", OBJECT, NULL, false },
    { "transcription_config", OBJECT, NULL, false },
    { "temperature", ANYTHING, NULL, true },
    { "top_p", ANYTHING, NULL, true },
};

static const char *const function_tool[] = { "type", "name", "description", "parameters", NULL };

/* The parameters of Google's own tools are accepted as they are. */
static const char *const tool_types[] = {
    "function", "google_search", "code_execution", "url_context", "google_maps", "file_search", "computer_use",
    "mcp_server", "retrieval", NULL,
};

/* ---- checks ---- */

static bool is_one_of(castor_str text, const char *const *choices)
{
    for (; *choices; choices++) {
        if (cst_str_is(text, *choices)) return true;
    }
    return false;
}

static bool refuse_unknown(plx_refusal *refusal, const char *path, castor_str name)
{
    return plx_refuse_coded(refusal, 400, "parameter_unknown", "Unknown parameter '%s%s%.*s'.", path, *path ? "." : "",
                            (int)(name.len < 100 ? name.len : 100), name.data);
}

static bool is_of_kind(const cst_json *value, kind wanted)
{
    switch (wanted) {
    case TEXT: return cst_json_type_of(value) == CST_JSON_STRING;
    case FLAG: return cst_json_type_of(value) == CST_JSON_BOOL;
    case COUNT: return cst_json_type_of(value) == CST_JSON_NUMBER && cst_json_integer(value).is_set;
    case OBJECT: return cst_json_type_of(value) == CST_JSON_OBJECT;
    case ARRAY: return cst_json_type_of(value) == CST_JSON_ARRAY;
    default: return true;
    }
}

static bool check_parameter(const cst_json *value, const parameter *known, const char *path, plx_refusal *refusal)
{
    static const char *const kinds[] = { "a string", "a boolean", "a whole number", "an object", "a list", "" };
    const char              *dot = *path ? "." : "";

    if (cst_json_type_of(value) == CST_JSON_NULL) return true; /* the same as absent */
    if (!is_of_kind(value, known->kind)) {
        return plx_refuse_coded(refusal, 400, NULL, "'%s%s%s' must be %s.", path, dot, known->name, kinds[known->kind]);
    }
    if (!known->choices || is_one_of(cst_json_string(value), known->choices)) return true;
    return plx_refuse_coded(refusal, 400, NULL, "'%s%s%s' has no value '%.*s'.", path, dot, known->name,
                            (int)(cst_json_string(value).len < 100 ? cst_json_string(value).len : 100),
                            cst_json_string(value).data);
}

static bool check_object(const cst_json *object, const parameter *known, size_t count, const char *path, bool is_beta,
                         plx_refusal *refusal)
{
    cst_json_iterator each = cst_json_iterate(object);
    const cst_json   *value;
    castor_str        name;

    if (cst_json_type_of(object) != CST_JSON_OBJECT) return true;
    while ((value = cst_json_next(&each, &name))) {
        size_t i = 0;
        while (i < count && !(cst_str_is(name, known[i].name) && (is_beta || !known[i].is_beta))) i++;
        if (i == count) return refuse_unknown(refusal, path, name);
        if (!check_parameter(value, &known[i], path, refusal)) return false;
    }
    return true;
}

static bool check_tool(const cst_json *tool, size_t index, plx_refusal *refusal)
{
    castor_str        type = cst_json_string_in(tool, "type");
    cst_json_iterator each = cst_json_iterate(tool);
    castor_str        name;
    char              path[32];

    if (!type.data || !is_one_of(type, tool_types)) {
        return plx_refuse_coded(refusal, 400, NULL, "'tools[%zu].type' is none that is known.", index);
    }
    if (!cst_str_is(type, "function")) return true;
    snprintf(path, sizeof path, "tools[%zu]", index);
    while (cst_json_next(&each, &name)) {
        if (!is_one_of(name, function_tool)) return refuse_unknown(refusal, path, name);
    }
    if (cst_json_string_in(tool, "name").len > 0) return true;
    return plx_refuse_coded(refusal, 400, NULL, "'tools[%zu].name' is missing.", index);
}

static bool check_tools(const cst_json *tools, plx_refusal *refusal)
{
    cst_json_iterator each = cst_json_iterate(tools);
    const cst_json   *tool;

    for (size_t i = 0; (tool = cst_json_next(&each, NULL)); i++) {
        if (!check_tool(tool, i, refusal)) return false;
    }
    return true;
}

/* ---- what is asked ---- */

static castor_str text_in(const cst_json *object, const char *name)
{
    castor_str text = cst_json_string_in(object, name);

    return text.len > 0 ? text : CST_NONE;
}

static const cst_json *value_in(const cst_json *object, const char *name)
{
    const cst_json *value = cst_json_get(object, name);

    return cst_json_type_of(value) == CST_JSON_NULL ? NULL : value;
}

bool plx_agent_does_research(castor_str agent)
{
    return cst_str_starts_with(agent, "deep-research-");
}

static bool check_agent(const plx_interaction_ask *ask, const cst_json *body, plx_refusal *refusal)
{
    if (value_in(body, "generation_config")) {
        return plx_refuse_coded(refusal, 400, NULL,
                                "'generation_config' goes with a model; an agent takes 'agent_config'.");
    }
    if (!plx_agent_does_research(ask->agent) && !cst_str_starts_with(ask->agent, "antigravity-") &&
        !cst_str_starts_with(ask->agent, "code-mender")) {
        return plx_refuse_coded(refusal, 404, NULL, "Agent '%.*s' was not found.",
                                (int)(ask->agent.len < 100 ? ask->agent.len : 100), ask->agent.data);
    }
    if (plx_agent_does_research(ask->agent) && !ask->is_background) {
        return plx_refuse_coded(refusal, 400, NULL, "Agent '%.*s' needs 'background' to be true.",
                                (int)(ask->agent.len < 100 ? ask->agent.len : 100), ask->agent.data);
    }
    return true;
}

static bool check_rules(const plx_interaction_ask *ask, const cst_json *body, plx_refusal *refusal)
{
    if (!ask->model.data == !ask->agent.data) {
        return plx_refuse_coded(refusal, 400, NULL, "Exactly one of 'model' and 'agent' must be given.");
    }
    if (ask->model.data && value_in(body, "agent_config")) {
        return plx_refuse_coded(refusal, 400, NULL,
                                "'agent_config' goes with an agent; a model takes 'generation_config'.");
    }
    if (!value_in(body, "input") && !(ask->continuation_token.data && ask->previous_id.data)) {
        return plx_refuse_coded(refusal, 400, NULL, "'input' is missing.");
    }
    if (!ask->is_stored && ask->is_background) {
        return plx_refuse_coded(refusal, 400, NULL, "'background' cannot be used with 'store' set to false.");
    }
    if (!ask->is_stored && ask->previous_id.data) {
        return plx_refuse_coded(refusal, 400, NULL,
                                "'previous_interaction_id' cannot be used with 'store' set to false.");
    }
    return !ask->agent.data || check_agent(ask, body, refusal);
}

bool plx_interaction_ask_read(plx_interaction_ask *ask, const cst_json *body, castor_str version, plx_refusal *refusal)
{
    const cst_json *config = cst_json_get(body, "generation_config");
    const cst_json *agent_config = cst_json_get(body, "agent_config");
    bool            is_beta = !cst_str_is(version, "v1");

    if (cst_json_type_of(body) != CST_JSON_OBJECT) {
        return plx_refuse_coded(refusal, 400, NULL, "The body must be one JSON object.");
    }
    if (!check_object(body, body_parameters, COUNT_OF(body_parameters), "", is_beta, refusal) ||
        !check_object(config, generation_parameters, COUNT_OF(generation_parameters), "generation_config", is_beta,
                      refusal) ||
        !check_tools(cst_json_get(body, "tools"), refusal)) {
        return false;
    }
    *ask = (plx_interaction_ask){
        .model = text_in(body, "model"),
        .agent = text_in(body, "agent"),
        .previous_id = text_in(body, "previous_interaction_id"),
        .continuation_token = text_in(body, "continuation_token"),
        .service_tier = text_in(body, "service_tier"),
        .is_stored = !value_in(body, "store") || cst_json_is_true(cst_json_get(body, "store")),
        .is_background = cst_json_is_true(cst_json_get(body, "background")),
        .wants_stream = cst_json_is_true(cst_json_get(body, "stream")),
        .wants_summaries = cst_str_is(cst_json_string_in(config, "thinking_summaries"), "auto") ||
                           cst_str_is(cst_json_string_in(agent_config, "thinking_summaries"), "auto"),
    };
    if (!ask->service_tier.data) ask->service_tier = CASTOR_STR("standard");
    return check_rules(ask, body, refusal);
}
