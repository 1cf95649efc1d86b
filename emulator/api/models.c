/* models.c -- GET models: the list, and one of it; and which model answers a request.
 * SPDX-License-Identifier: MIT
 */
#include "api/models.h"

#include <inttypes.h>
#include <stdio.h>

#include "api/handlers.h"
#include "json_writer.h"
#include "proto/paging.h"

static const plx_page_rule page_rule = { "models", 50, 1000 };

/* ---- which one ---- */

static const plx_model *serving_now(const plx_exchange *e, const plx_model *model)
{
    if (e->world->is_decommissioned && model->status == PLX_MODEL_LEGACY) return NULL;
    return plx_model_serving(e->world->models, model, e->world->clock_ahead_us / 1000000 / (24 * 3600));
}

const plx_model *plx_model_for(const plx_exchange *exchange, castor_str name, const char *method, plx_refusal *refusal)
{
    castor_str       version = exchange->version.len > 0 ? exchange->version : CASTOR_STR("v1main");
    const plx_model *model = plx_model_find(exchange->world->models, name);
    if (!model && exchange->world->upstream) { /* its names are its own; what is known of a family has to do */
        model = plx_model_find(exchange->world->models, CASTOR_STR("gemini-of-the-upstream"));
    }
    const plx_model *serving = model ? serving_now(exchange, model) : NULL;

    if (serving && plx_model_offers(serving, method)) return serving;
    plx_refuse(refusal, 404,
               "models/%.*s is not found for API version %.*s, or is not supported for %s. Call "
               "ModelService.ListModels to see the list of available models and their supported methods.",
               CASTOR_ARG(plx_model_bare_name(name)), CASTOR_ARG(version), method);
    return NULL;
}

bool plx_model_check_input(const plx_model *model, uint64_t tokens, plx_refusal *refusal)
{
    if (tokens <= (uint64_t)model->input_tokens_max) return true;
    return plx_refuse(refusal, 400,
                      "The input token count (%" PRIu64 ") exceeds the maximum number of tokens allowed (%" PRId64 ").",
                      tokens, model->input_tokens_max);
}

castor_str plx_model_version(const plx_model *serving, castor_str name)
{
    return serving->is_family ? plx_model_bare_name(name) : serving->name;
}

bool plx_model_is_listed(const plx_exchange *exchange, const plx_model *model)
{
    return !model->is_family && model->status != PLX_MODEL_LEGACY && serving_now(exchange, model);
}

const plx_model *plx_model_get(const plx_exchange *exchange, castor_str name, plx_refusal *refusal)
{
    const plx_model *model = plx_model_find(exchange->world->models, name);

    if (model && serving_now(exchange, model)) return model;
    plx_refuse(refusal, 404, "Model is not found: models/%.*s for api version %.*s", CASTOR_ARG(name),
               CASTOR_ARG(exchange->version.len > 0 ? exchange->version : CASTOR_STR("v1main")));
    return NULL;
}

/* ---- as JSON ---- */

static void put_text(cst_json_writer *w, const char *key, castor_str text)
{
    if (!text.data) return;
    cst_json_key(w, key);
    cst_json_put_string(w, text);
}

static void put_count(cst_json_writer *w, const char *key, int64_t number)
{
    cst_json_key(w, key);
    cst_json_put_integer(w, number);
}

static void put_name(cst_json_writer *w, castor_str name)
{
    char full[160];

    snprintf(full, sizeof full, "models/%.*s", CASTOR_ARG(name));
    cst_json_put_member(w, "name", full);
}

/* `name` is the model's own, but for a member of a family. */
static void put_model(cst_json_writer *w, const plx_model *model, castor_str name)
{
    cst_json_open_object(w);
    put_name(w, name);
    put_text(w, "version", model->version);
    put_text(w, "displayName", model->is_family ? name : model->title);
    put_text(w, "description", model->is_family ? CASTOR_STR("Not in the list: its facts are a relative's.")
                                                : model->about);
    put_count(w, "inputTokenLimit", model->input_tokens_max);
    put_count(w, "outputTokenLimit", model->output_tokens_max);
    cst_json_key(w, "supportedGenerationMethods");
    cst_json_open_array(w);
    for (size_t i = 0; i < model->method_count; i++) cst_json_put_string(w, model->methods[i]);
    cst_json_close_array(w);
    cst_json_put_fraction(w, "temperature", model->temperature);
    cst_json_put_fraction(w, "topP", model->top_p);
    cst_json_put_count(w, "topK", model->top_k);
    cst_json_put_fraction(w, "maxTemperature", model->temperature_max);
    if (model->thinking_levels || model->budget_most.is_set) {
        cst_json_key(w, "thinking");
        cst_json_put_bool(w, true);
    }
    cst_json_close_object(w);
}

static void put_page(cst_json_writer *w, const plx_exchange *e, const plx_page *page)
{
    const plx_model_table *table = e->world->models;
    uint64_t               end = page->position + page->size; /* positions count what is listed */
    uint64_t               listed_count = 0;
    char                   token[PLX_PAGE_TOKEN_SIZE];

    cst_json_open_object(w);
    cst_json_key(w, "models");
    cst_json_open_array(w);
    for (size_t i = 0; i < plx_model_count(table); i++) {
        const plx_model *one = plx_model_at(table, i);
        if (!plx_model_is_listed(e, one)) continue;
        if (listed_count >= page->position && listed_count < end) put_model(w, one, one->name);
        listed_count++;
    }
    cst_json_close_array(w);
    if (end < listed_count) {
        plx_page_token_print(token, &page_rule, end);
        cst_json_put_member(w, "nextPageToken", token);
    }
    cst_json_close_object(w);
}

/* ---- the methods ---- */

void plx_answer_models(plx_exchange *e)
{
    plx_refusal     refusal = { .code = 0 };
    plx_page        page;
    cst_buf         json;
    cst_json_writer w = cst_json_writer_to(&json);

    if (!plx_page_read(&page, plx_exchange_query(e, "pageSize"), plx_exchange_query(e, "pageToken"), &page_rule,
                       &refusal)) {
        plx_exchange_refuse(e, &refusal);
        return;
    }
    cst_buf_init(&json, cst_allocator_default(), PLX_SCHEMA_BYTES_MAX);
    put_page(&w, e, &page);
    plx_exchange_send_json(e, &json, w.status);
    cst_buf_free(&json);
}

void plx_answer_model(plx_exchange *e)
{
    plx_refusal      refusal = { .code = 0 };
    const plx_model *model = plx_model_get(e, e->names[0], &refusal);
    cst_buf          json;
    cst_json_writer  w = cst_json_writer_to(&json);

    if (!model) {
        plx_exchange_refuse(e, &refusal);
        return;
    }
    cst_buf_init(&json, cst_allocator_default(), PLX_SCHEMA_BYTES_MAX);
    put_model(&w, model, e->names[0]);
    plx_exchange_send_json(e, &json, w.status);
    cst_buf_free(&json);
}

/* Models could be tuned once; nobody has one here. */
void plx_answer_tuned_models(plx_exchange *e) { plx_exchange_send_empty(e); }

/* Pictures and films are not made here. The models that made pictures this way have gone. */
static void refuse_to_predict(plx_exchange *e, const char *method)
{
    plx_refusal refusal = { .code = 0 };

    if (plx_model_for(e, e->names[0], method, &refusal)) {
        plx_refuse(&refusal, 501, "Operation is not implemented, or supported, or enabled.");
    }
    plx_exchange_refuse(e, &refusal);
}

void plx_answer_predict(plx_exchange *e) { refuse_to_predict(e, "predict"); }
void plx_answer_predict_long(plx_exchange *e) { refuse_to_predict(e, "predictLongRunning"); }
