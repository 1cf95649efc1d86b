/* ask_gemini.c -- reads the bodies of generateContent: the conversation, and what surrounds it.
 * SPDX-License-Identifier: MIT
 */
#include "generate/ask_gemini.h"

#include <inttypes.h>
#include <stdio.h>

#include "generate/ask_fields.h"

/* ---- parts ---- */

static bool read_blob(plx_reading *r, const cst_json *blob)
{
    castor_str mime_type = cst_json_string(plx_field_get(blob, "mimeType"));
    int64_t    size = plx_base64_size(cst_json_string(plx_field_get(blob, "data")));

    if (mime_type.len == 0) return plx_refuse(r->refusal, 400, "Unsupported MIME type: ");
    plx_reading_count_data(r, mime_type, castor_some_i64(size > 0 ? size : 0));
    return true;
}

static bool read_call(plx_reading *r, const cst_json *part, const cst_json *call)
{
    plx_reading_count_json(r, plx_field_get(call, "args"));
    return plx_reading_call(r, cst_json_string(plx_field_get(call, "name")), cst_json_string(plx_field_get(call, "id")),
                            cst_json_string(plx_field_get(part, "thoughtSignature")));
}

static bool read_result(plx_reading *r, const cst_json *result)
{
    castor_str      json = plx_reading_count_json(r, plx_field_get(result, "response"));
    plx_list        each = plx_list_of(plx_field_get(result, "parts"));
    const cst_json *part;

    if (!plx_reading_respond(r, cst_json_string(plx_field_get(result, "name")),
                             cst_json_string(plx_field_get(result, "id")), json)) {
        return false;
    }
    while ((part = plx_list_next(&each))) {
        const cst_json *blob = plx_field_get(part, "inlineData");
        if (blob && !read_blob(r, blob)) return false;
    }
    return true;
}

/* What counts as text and means nothing else. */
static bool read_other(plx_reading *r, const cst_json *part)
{
    static const char *const names[] = {
        "executableCode", "codeExecutionResult", "toolCall", "toolResponse", "audioTranscription",
    };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const cst_json *value = plx_field_get(part, names[i]);
        if (!value) continue;
        plx_reading_count_json(r, value);
        return true;
    }
    return false;
}

static bool read_part(plx_reading *r, const cst_json *part, size_t content, size_t index)
{
    const cst_json *text = plx_field_get(part, "text"), *blob = plx_field_get(part, "inlineData");
    const cst_json *file = plx_field_get(part, "fileData"), *call = plx_field_get(part, "functionCall");
    const cst_json *result = plx_field_get(part, "functionResponse");
    castor_str      signature = cst_json_string(plx_field_get(part, "thoughtSignature"));

    if (!r->terms->only_counts && !plx_signature_check(r->ask->facts, signature, r->refusal)) return false;
    if (text) return plx_reading_say(r, cst_json_string(text));
    if (blob) return read_blob(r, blob);
    if (file) {
        plx_reading_count_data(r, cst_json_string(plx_field_get(file, "mimeType")), (castor_i64){ 0, 0 });
        return true;
    }
    if (call) return read_call(r, part, call);
    if (result) return read_result(r, result);
    return read_other(r, part) ||
           plx_refuse(r->refusal, 400,
                      "* GenerateContentRequest.contents[%zu].parts[%zu].data: required oneof field 'data' must have "
                      "one initialized field\n",
                      content, index);
}

/* ---- contents ---- */

/* "function" is as good as "user". A single content may leave it out. */
static plx_side side_of(castor_str role, bool is_only)
{
    if (cst_str_equal_nocase(role, CASTOR_STR("model"))) return PLX_SIDE_MODEL;
    if (cst_str_equal_nocase(role, CASTOR_STR("user")) || cst_str_equal_nocase(role, CASTOR_STR("function"))) {
        return PLX_SIDE_USER;
    }
    return role.len == 0 && is_only ? PLX_SIDE_USER : PLX_SIDE_NONE;
}

static bool read_content(plx_reading *r, const cst_json *content, size_t index, bool is_only)
{
    plx_side        side = side_of(cst_json_string(plx_field_get(content, "role")), is_only);
    plx_list        each = plx_list_of(plx_field_get(content, "parts"));
    const cst_json *part;

    if (side == PLX_SIDE_NONE) return plx_refuse(r->refusal, 400, "Please use a valid role: user, model.");
    if (plx_list_count(plx_field_get(content, "parts")) == 0) {
        return plx_refuse(r->refusal, 400,
                          "* GenerateContentRequest.contents[%zu].parts: contents.parts must not be empty.\n", index);
    }
    if (!plx_reading_open(r, side)) return false;
    for (size_t i = 0; (part = plx_list_next(&each)); i++) {
        if (!read_part(r, part, index, i)) return false;
    }
    return true;
}

bool plx_ask_read_contents(plx_reading *r, const cst_json *contents)
{
    plx_list        each = plx_list_of(contents);
    size_t          count = plx_list_count(contents);
    const cst_json *content;

    if (count == 0) {
        return plx_refuse(r->refusal, 400, "* GenerateContentRequest.contents: contents is not specified\n");
    }
    for (size_t i = 0; (content = plx_list_next(&each)); i++) {
        if (!read_content(r, content, i, count == 1)) return false;
    }
    return plx_reading_close(r);
}

/* Only its texts count, and its role does not matter. */
static void count_instruction(plx_reading *r, const cst_json *instruction)
{
    plx_list        each = plx_list_of(plx_field_get(instruction, "parts"));
    const cst_json *part;

    while ((part = plx_list_next(&each))) plx_reading_count_text(r, cst_json_string(plx_field_get(part, "text")));
}

/* ---- the whole ---- */

/* In the order in which the service names them. */
static const char *const harms[] = {
    "HARM_CATEGORY_HATE_SPEECH", "HARM_CATEGORY_SEXUALLY_EXPLICIT", "HARM_CATEGORY_DANGEROUS_CONTENT",
    "HARM_CATEGORY_HARASSMENT", "HARM_CATEGORY_CIVIC_INTEGRITY",
};

/* At the top level or with the settings: the reference does not know which. */
static void read_continuation(plx_reading *r, const cst_json *body, const cst_json *config)
{
    castor_str token = cst_json_string(plx_field_get(body, "continuationToken"));

    if (token.len == 0) token = cst_json_string(plx_field_get(config, "continuationToken"));
    r->ask->continuation_token = token;
}

static void read_tier(plx_reading *r, const cst_json *body)
{
    const cst_json *tier = plx_field_get(body, "serviceTier");
    const char     *name = tier ? plx_choice_of(tier, &plx_service_tiers) : NULL;
    bool            is_said = name && strcmp(name, "unspecified") != 0;

    r->ask->service_tier = castor_str_of(is_said ? name : "standard");
}

/* The categories of PaLM are none here: a line for each. */
bool plx_ask_check_safety(plx_reading *r, const cst_json *settings)
{
    plx_list        each = plx_list_of(settings);
    const cst_json *setting;
    char            lines[sizeof r->refusal->message];
    size_t          used = 0;

    for (size_t i = 0; (setting = plx_list_next(&each)); i++) {
        const cst_json *category = plx_field_get(setting, "category");
        const char     *name = category ? plx_choice_of(category, &plx_harm_categories) : NULL;
        bool            is_right = false;
        for (size_t k = 0; name && k < sizeof harms / sizeof harms[0]; k++) is_right |= strcmp(name, harms[k]) == 0;
        if (is_right || used >= sizeof lines) continue;
        used += (size_t)snprintf(lines + used, sizeof lines - used,
                                 "* GenerateContentRequest.safety_settings[%zu]: element predicate failed: $.category "
                                 "in (HarmCategory.%s, HarmCategory.%s, HarmCategory.%s, HarmCategory.%s, "
                                 "HarmCategory.%s)\n",
                                 i, harms[0], harms[1], harms[2], harms[3], harms[4]);
    }
    return used == 0 || plx_refuse(r->refusal, 400, "%s", lines);
}

bool plx_ask_read_gemini(plx_ask *ask, const cst_json *body, const plx_terms *terms, plx_refusal *refusal)
{
    const cst_json *config = plx_field_get(body, "generationConfig");
    plx_reading     r;

    plx_reading_begin(&r, ask, terms, refusal);
    ask->has_signatures = true;
    bool is_read = plx_fields_check(body, &plx_generate_request_type, refusal);
    if (is_read) {
        read_tier(&r, body);
        read_continuation(&r, body, config);
        count_instruction(&r, plx_field_get(body, "systemInstruction"));
        is_read = plx_ask_read_contents(&r, plx_field_get(body, "contents")) &&
                  plx_ask_read_config(&r, config) && plx_ask_read_tools(&r, body) &&
                  plx_ask_check_safety(&r, plx_field_get(body, "safetySettings"));
    }
    return plx_reading_end(&r, is_read);
}
