/* ask_config.c -- reads generationConfig.
 * SPDX-License-Identifier: MIT
 */
#include <stdio.h>

#include "generate/ask_fields.h"
#include "generate/ask_gemini.h"
#include "generate/sorted_names.h"

#define PATH "generation_config"
#define CONFIG "GenerateContentRequest." PATH

/* ---- the shape of the answer ---- */

static bool read_mime_type(plx_reading *r, castor_str mime_type)
{
    if (cst_str_is(mime_type, "application/json")) r->ask->shape = PLX_SHAPE_JSON;
    else if (cst_str_is(mime_type, "text/x.enum")) r->ask->shape = PLX_SHAPE_ENUM;
    else if (mime_type.len > 0 && !cst_str_is(mime_type, "text/plain")) {
        return plx_refuse(r->refusal, 400,
                          "* GenerateContentRequest." PATH ".response_mime_type: allowed mimetypes are `text/plain`, "
                          "`application/json`, `application/xml`, `application/yaml` and `text/x.enum`.\n");
    }
    return true;
}

/* The newer way: a list, of which one element is about text. */
static bool read_format(plx_reading *r, const cst_json *formats)
{
    plx_list        each = plx_list_of(formats);
    const cst_json *format;

    while ((format = plx_list_next(&each))) {
        const cst_json *text = plx_field_get(format, "text");
        if (!text) continue;
        if (!read_mime_type(r, cst_json_string(plx_field_get(text, "mimeType")))) return false;
        r->ask->schema = plx_field_get(text, "schema");
        if (r->ask->schema && r->ask->shape == PLX_SHAPE_TEXT) r->ask->shape = PLX_SHAPE_JSON;
    }
    return true;
}

static bool read_shape(plx_reading *r, const cst_json *config)
{
    const cst_json *own = plx_field_get(config, "responseSchema");
    const cst_json *json = plx_field_get(config, "responseJsonSchema");

    if (!json) json = plx_field_get(config, "_responseJsonSchema");
    if (!read_format(r, plx_field_get(config, "responseFormat")) ||
        !read_mime_type(r, cst_json_string(plx_field_get(config, "responseMimeType")))) {
        return false;
    }
    if (own && json) {
        return plx_refuse(r->refusal, 400,
                          "* GenerateContentRequest." PATH ".response_json_schema: only one of response_schema and "
                          "response_json_schema can be set.\n");
    }
    if ((own || json) && r->ask->shape == PLX_SHAPE_TEXT) {
        return plx_refuse(r->refusal, 400,
                          "* GenerateContentRequest." PATH ".response_%s: only allowed when response_mime_type is "
                          "`application/json` or `text/x.enum`.\n",
                          own ? "schema" : "json_schema");
    }
    if (own || json) r->ask->schema = own ? own : json;
    return !own || plx_ask_check_schema(own, "GenerateContentRequest." PATH ".response_schema", r->refusal);
}

/* Image models make pictures unless they are told to write only. */
static void read_modalities(plx_reading *r, const cst_json *modalities)
{
    plx_list        each = plx_list_of(modalities);
    const cst_json *one;
    unsigned        wanted = 0;

    while ((one = plx_list_next(&each))) {
        const char *name = plx_choice_of(one, &plx_made_modalities);
        if (strcmp(name, "TEXT") == 0) wanted |= PLX_MAKES_TEXT;
        if (strcmp(name, "IMAGE") == 0) wanted |= PLX_MAKES_IMAGE;
        if (strcmp(name, "AUDIO") == 0) wanted |= PLX_MAKES_AUDIO;
    }
    if (wanted == 0) wanted = r->ask->facts->makes_images ? PLX_MAKES_TEXT | PLX_MAKES_IMAGE : PLX_MAKES_TEXT;
    r->ask->modalities = wanted;
}

/* ---- numbers ---- */

static bool read_thinking(plx_reading *r, const cst_json *thinking)
{
    const cst_json *level = plx_field_get(thinking, "thinkingLevel");
    const char     *name = level ? plx_choice_of(level, &plx_thinking_levels) : NULL;

    r->ask->includes_thoughts = cst_json_is_true(plx_field_get(thinking, "includeThoughts"));
    return plx_reading_think(r, cst_json_integer(plx_field_get(thinking, "thinkingBudget")), name);
}

bool plx_ask_read_config(plx_reading *r, const cst_json *config)
{
    r->ask->seed = cst_json_integer(plx_field_get(config, "seed"));
    read_modalities(r, plx_field_get(config, "responseModalities"));
    return plx_reading_range(r, config, "temperature", CONFIG, 2.0) &&
           plx_reading_range(r, config, "topP", CONFIG, 1.0) &&
           plx_reading_candidates(r, config, "candidateCount", PATH) &&
           plx_reading_limit(r, cst_json_integer(plx_field_get(config, "maxOutputTokens"))) &&
           plx_reading_stops(r, plx_field_get(config, "stopSequences"), PATH ".stop_sequences") &&
           read_thinking(r, plx_field_get(config, "thinkingConfig")) && read_shape(r, config);
}

/* ---- schemas ---- */

static bool is_type(const cst_json *schema, const char *name)
{
    return cst_str_equal_nocase(cst_json_string_in(schema, "type"), castor_str_of(name));
}

static bool check_required(const cst_json *schema, const char *path, plx_refusal *refusal)
{
    plx_list         each = plx_list_of(plx_field_get(schema, "required"));
    plx_sorted_names properties = plx_sorted_names_of_members(plx_field_get(schema, "properties"));
    const cst_json  *name;
    bool             is_right = properties.list ||
                    plx_refuse(refusal, 503, "The emulator has no memory left for this request.");

    for (size_t i = 0; is_right && (name = plx_list_next(&each)); i++) {
        is_right = plx_sorted_names_find(&properties, cst_json_string(name)) ||
                   plx_refuse(refusal, 400, "* %s.required[%zu]: property is not defined\n", path, i);
    }
    plx_sorted_names_free(&properties);
    return is_right;
}

static bool check_properties(const cst_json *schema, const char *path, plx_refusal *refusal)
{
    const cst_json   *properties = plx_field_get(schema, "properties");
    cst_json_iterator each = cst_json_iterate(properties);
    const cst_json   *property;
    castor_str        name;
    char              inner[512];

    while (properties && (property = cst_json_next(&each, &name))) {
        snprintf(inner, sizeof inner, "%s.properties[%.*s]", path, CASTOR_ARG(name));
        if (!plx_ask_check_schema(property, inner, refusal)) return false;
    }
    return true;
}

/* Goes as deep as the body does, which the reader of JSON has limited. */
bool plx_ask_check_schema(const cst_json *schema, const char *path, plx_refusal *refusal)
{
    const cst_json *items = plx_field_get(schema, "items");
    char            inner[512];

    if (!schema) return true;
    if (is_type(schema, "array") && !items) return plx_refuse(refusal, 400, "* %s.items: missing field.\n", path);
    snprintf(inner, sizeof inner, "%s.items", path);
    return check_required(schema, path, refusal) && check_properties(schema, path, refusal) &&
           plx_ask_check_schema(items, inner, refusal);
}
