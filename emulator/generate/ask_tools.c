/* ask_tools.c -- reads tools and toolConfig.
 * SPDX-License-Identifier: MIT
 */
#include <stdio.h>

#include "generate/ask_fields.h"
#include "generate/ask_gemini.h"

enum { FUNCTION_NAME_MAX = 128, NEW_GENERATION = 30 };

static const struct {
    const char *name;
    const char *snake;
    unsigned    tool;
} built_in[] = {
    { "googleSearch", "google_search", PLX_TOOL_SEARCH },
    { "googleSearchRetrieval", "google_search_retrieval", PLX_TOOL_SEARCH },
    { "urlContext", "url_context", PLX_TOOL_URLS }, { "codeExecution", "code_execution", PLX_TOOL_CODE },
    { "googleMaps", "google_maps", PLX_TOOL_OTHER }, { "fileSearch", "file_search", PLX_TOOL_OTHER },
    { "computerUse", "computer_use", PLX_TOOL_OTHER },
};

/* ---- functions ---- */

static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

bool plx_ask_check_function_name(castor_str name, const char *path, plx_refusal *refusal)
{
    bool is_right = name.len > 0 && name.len <= FUNCTION_NAME_MAX && is_letter(name.data[0]);

    for (size_t i = 0; i < name.len && is_right; i++) {
        is_right = is_letter(name.data[i]) || strchr("0123456789.:-", name.data[i]) != NULL;
    }
    return is_right ||
           plx_refuse(refusal, 400,
                      "* GenerateContentRequest.%s: Invalid function name. Must start with a letter or an underscore. "
                      "Must be alphanumeric (a-z, A-Z, 0-9), underscores (_), dots (.), colons (:), or dashes (-), "
                      "with a maximum length of %d.\n",
                      path, (int)FUNCTION_NAME_MAX);
}

static bool read_function(plx_reading *r, const cst_json *declaration, size_t tool, size_t index)
{
    plx_function    function = { .name = cst_json_string(plx_field_get(declaration, "name")),
                                 .description = cst_json_string(plx_field_get(declaration, "description")) };
    const cst_json *own = plx_field_get(declaration, "parameters");
    const cst_json *json = plx_field_get(declaration, "parametersJsonSchema");
    char            path[96];

    snprintf(path, sizeof path, "tools[%zu].function_declarations[%zu].name", tool, index);
    if (!plx_ask_check_function_name(function.name, path, r->refusal)) return false;
    snprintf(path, sizeof path, "GenerateContentRequest.tools[%zu].function_declarations[%zu].parameters", tool, index);
    if (!plx_ask_check_schema(own, path, r->refusal)) return false;
    if (own && json) {
        return plx_refuse(r->refusal, 400,
                          "* %s_json_schema: only one of parameters and parameters_json_schema can be set.\n", path);
    }
    function.parameters = own ? own : json;
    return plx_reading_add_function(r, &function);
}

static bool read_tool(plx_reading *r, const cst_json *tool, size_t index)
{
    plx_list        each = plx_list_of(plx_field_get(tool, "functionDeclarations"));
    const cst_json *declaration;

    for (size_t i = 0; (declaration = plx_list_next(&each)); i++) {
        if (!read_function(r, declaration, index, i)) return false;
    }
    for (size_t i = 0; i < sizeof built_in / sizeof built_in[0]; i++) {
        if (plx_field_get(tool, built_in[i].name)) r->ask->tools |= built_in[i].tool;
    }
    return true;
}

/* ---- how they may be used ---- */

static bool read_calling(plx_reading *r, const cst_json *calling, bool has_cache)
{
    const cst_json *allowed = plx_field_get(calling, "allowedFunctionNames");
    const cst_json *mode = plx_field_get(calling, "mode");
    const char     *name = mode ? plx_choice_of(mode, &plx_call_modes) : "AUTO";
    bool            is_any = strcmp(name, "ANY") == 0, is_validated = strcmp(name, "VALIDATED") == 0;

    if (!calling || has_cache) return true; /* what a cache holds is not known here */
    if (r->functions.len == 0) {
        return plx_refuse(r->refusal, 400, "Function calling config is set without function_declarations.");
    }
    if (is_any) r->ask->call_mode = PLX_CALLS_ANY;
    if (strcmp(name, "NONE") == 0) r->ask->call_mode = PLX_CALLS_NONE;
    if (plx_list_count(allowed) > 0 && !is_any && !is_validated) {
        return plx_refuse(r->refusal, 400,
                          "* GenerateContentRequest.tool_config.function_calling_config.allowed_function_names: should "
                          "only be set when function calling mode is ANY or VALIDATED.\n");
    }
    return plx_reading_allow(r, allowed);
}

static const char *first_built_in(unsigned tools)
{
    for (size_t i = 0; i < sizeof built_in / sizeof built_in[0]; i++) {
        if (built_in[i].tool & tools) return built_in[i].snake;
    }
    return "";
}

bool plx_ask_check_mix(plx_reading *r, bool is_mixed_allowed)
{
    const plx_ask *ask = r->ask;
    bool           has_functions = r->functions.len > 0, is_new = ask->facts->generation >= NEW_GENERATION;

    if (has_functions && ask->tools && is_new && !is_mixed_allowed) {
        return plx_refuse(r->refusal, 400,
                          "Please enable tool_config.include_server_side_tool_invocations to use Built-in tools with "
                          "Function calling.");
    }
    if (has_functions && ask->tools && !is_new) {
        return plx_refuse(r->refusal, 400,
                          "Built-in tools ({%s}) and Function Calling cannot be combined in the same request. Please "
                          "choose one to continue.",
                          first_built_in(ask->tools));
    }
    if (is_new || ask->shape != PLX_SHAPE_JSON || (!has_functions && !ask->tools)) return true;
    return plx_refuse(r->refusal, 400, "%s with a response mime type: 'application/json' is unsupported",
                      has_functions ? "Function calling" : "Tool use");
}

bool plx_ask_read_tools(plx_reading *r, const cst_json *body)
{
    const cst_json *config = plx_field_get(body, "toolConfig");
    plx_list        each = plx_list_of(plx_field_get(body, "tools"));
    const cst_json *tool;

    for (size_t i = 0; (tool = plx_list_next(&each)); i++) {
        if (!read_tool(r, tool, i)) return false;
    }
    r->ask->shows_tools = cst_json_is_true(plx_field_get(config, "includeServerSideToolInvocations"));
    return plx_ask_check_mix(r, r->ask->shows_tools) &&
           read_calling(r, plx_field_get(config, "functionCallingConfig"),
                        plx_field_get(body, "cachedContent") != NULL);
}
