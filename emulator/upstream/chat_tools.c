/* chat_tools.c -- the functions that may be called, as a chat completion names them.
 * SPDX-License-Identifier: MIT
 */
#include "upstream/chat_tools.h"

#include "proto/fields.h"
#include "upstream/json_copy.h"

/* The names to choose from; all when none are given. */
static bool is_allowed(const cst_json *allowed, castor_str name)
{
    plx_list        each = plx_list_of(allowed);
    const cst_json *one;

    if (plx_list_count(allowed) == 0) return true;
    while ((one = plx_list_next(&each))) {
        if (cst_str_equal(cst_json_string(one), name)) return true;
    }
    return false;
}

static void put_function(cst_json_writer *w, const cst_json *declaration)
{
    const cst_json *parameters = plx_field_get(declaration, "parameters");
    const cst_json *plain = plx_field_get(declaration, "parametersJsonSchema");
    castor_str      description = cst_json_string(plx_field_get(declaration, "description"));

    cst_json_open_object(w);
    cst_json_put_member(w, "type", "function");
    cst_json_key(w, "function");
    cst_json_open_object(w);
    cst_json_key(w, "name");
    cst_json_put_string(w, cst_json_string(plx_field_get(declaration, "name")));
    if (description.data) cst_json_key(w, "description");
    if (description.data) cst_json_put_string(w, description);
    if (parameters || plain) cst_json_key(w, "parameters");
    if (parameters) plx_json_copy_schema(w, parameters);
    else if (plain) plx_json_put(w, plain);
    cst_json_close_object(w);
    cst_json_close_object(w);
}

/* How many; `w` NULL: they are counted only. */
static size_t put_functions(cst_json_writer *w, const cst_json *tools, const cst_json *allowed)
{
    plx_list        each = plx_list_of(tools);
    const cst_json *tool;
    size_t          count = 0;

    while ((tool = plx_list_next(&each))) {
        plx_list        declarations = plx_list_of(plx_field_get(tool, "functionDeclarations"));
        const cst_json *declaration;
        while ((declaration = plx_list_next(&declarations))) {
            if (!is_allowed(allowed, cst_json_string(plx_field_get(declaration, "name")))) continue;
            count++;
            if (w) put_function(w, declaration);
        }
    }
    return count;
}

void plx_chat_put_tools(cst_json_writer *w, const cst_json *tools, const cst_json *config)
{
    const cst_json *calling = plx_field_get(config, "functionCallingConfig");
    const cst_json *allowed = plx_field_get(calling, "allowedFunctionNames");
    castor_str      mode = cst_json_string(plx_field_get(calling, "mode"));

    if (put_functions(NULL, tools, allowed) == 0) return;
    cst_json_key(w, "tools");
    cst_json_open_array(w);
    put_functions(w, tools, allowed);
    cst_json_close_array(w);
    if (cst_str_equal_nocase(mode, CASTOR_STR("ANY"))) cst_json_put_member(w, "tool_choice", "required");
    else if (cst_str_equal_nocase(mode, CASTOR_STR("NONE"))) cst_json_put_member(w, "tool_choice", "none");
}
