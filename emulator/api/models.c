/* models.c -- GET models: the list, and one of it.
 * SPDX-License-Identifier: MIT
 */
#include <stdio.h>

#include "api/handlers.h"
#include "api/model_name.h"
#include "json_writer.h"

static void put_model(cst_json_writer *w, castor_str name)
{
    char full[160];

    snprintf(full, sizeof full, "models/%.*s", CASTOR_ARG(name));
    cst_json_open_object(w);
    cst_json_key(w, "name");
    cst_json_put_string(w, castor_str_of(full));
    cst_json_key(w, "version");
    cst_json_put_string(w, CASTOR_STR("pollux"));
    cst_json_key(w, "displayName");
    cst_json_put_string(w, name);
    cst_json_key(w, "description");
    cst_json_put_string(w, CASTOR_STR("Emulated by pollux; there is no model behind it."));
    cst_json_key(w, "inputTokenLimit");
    cst_json_put_integer(w, 1048576);
    cst_json_key(w, "outputTokenLimit");
    cst_json_put_integer(w, 65536);
    cst_json_key(w, "supportedGenerationMethods");
    cst_json_open_array(w);
    cst_json_put_string(w, CASTOR_STR("generateContent"));
    cst_json_put_string(w, CASTOR_STR("countTokens"));
    cst_json_close_array(w);
    cst_json_close_object(w);
}

void plx_answer_models(plx_exchange *e)
{
    static const char *const names[] = { "gemini-3.8-flash", "gemini-3.5-flash-lite", "gemini-2.5-flash" };
    cst_buf                  json;
    cst_json_writer          w = cst_json_writer_to(&json);

    cst_buf_init(&json, cst_allocator_default(), PLX_SCHEMA_BYTES_MAX);
    cst_json_open_object(&w);
    cst_json_key(&w, "models");
    cst_json_open_array(&w);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) put_model(&w, castor_str_of(names[i]));
    cst_json_close_array(&w);
    cst_json_close_object(&w);
    plx_exchange_send_json(e, &json, w.status);
    cst_buf_free(&json);
}

void plx_answer_model(plx_exchange *e)
{
    plx_refusal     refusal = { .code = 0 };
    cst_buf         json;
    cst_json_writer w = cst_json_writer_to(&json);

    if (!plx_model_check(e, e->names[0], "generateContent", &refusal)) {
        plx_exchange_refuse(e, &refusal);
        return;
    }
    cst_buf_init(&json, cst_allocator_default(), PLX_SCHEMA_BYTES_MAX);
    put_model(&w, e->names[0]);
    plx_exchange_send_json(e, &json, w.status);
    cst_buf_free(&json);
}
