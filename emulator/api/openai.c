/* openai.c -- embeddings and models as the clients of OpenAI ask for them. Their chat completions are in generate.c.
 * SPDX-License-Identifier: MIT
 *
 * Keys stand in alphabetic order and without white space, as in the chat completions of the service.
 */
#include <inttypes.h>
#include <stdio.h>

#include "api/handlers.h"
#include "api/models.h"
#include "api/stats.h"
#include "generate/ask.h"
#include "generate/embedding.h"
#include "json_writer.h"
#include "proto/fields.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static void send_or_refuse(plx_exchange *e, bool is_done, cst_buf *json, castor_status status, plx_refusal *refusal)
{
    if (is_done && status != CASTOR_OK) is_done = plx_refuse_memory(refusal);
    if (is_done) plx_exchange_send(e, 200, "application/json", cst_buf_view(json));
    else plx_exchange_refuse(e, refusal);
    cst_buf_free(json);
}

/* ---- embeddings ---- */

static const plx_field fields[] = {
    { .name = "model" }, { .name = "input" }, { .name = "dimensions" }, { .name = "encoding_format" },
    { .name = "user" },
};
static const plx_message_type type = { "EmbeddingRequest", fields, COUNT_OF(fields) };

typedef struct embedding_ask {
    const plx_model *model;
    size_t           dimensions;
    bool             is_base64;
    uint64_t         tokens;    /* of the inputs so far */
} embedding_ask;

static bool read_ask(plx_exchange *e, embedding_ask *ask, plx_refusal *refusal)
{
    castor_str name = cst_json_string(cst_json_get(e->json, "model"));
    castor_str format = cst_json_string(cst_json_get(e->json, "encoding_format"));
    castor_i64 dimensions;

    if (!plx_fields_check(e->json, &type, refusal)) return false;
    if (name.len == 0) return plx_refuse(refusal, 400, "model is not specified");
    ask->model = plx_model_for(e, name, "embedContent", refusal);
    if (!ask->model || !plx_field_integer(e->json, "dimensions", "", ask->model->dimensions_least,
                                          ask->model->dimensions_most, &dimensions, refusal)) {
        return false;
    }
    ask->dimensions = (size_t)(dimensions.is_set ? dimensions.value : ask->model->dimensions_default);
    ask->is_base64 = cst_str_is(format, "base64");
    return format.len == 0 || ask->is_base64 || cst_str_is(format, "float") ||
           plx_refuse_field(refusal, "encoding_format", "Invalid value at 'encoding_format': \"%.*s\" is neither float "
                            "nor base64.", CASTOR_ARG(format));
}

/* The bytes of 32-bit floats, the lowest first. */
static void put_base64(cst_json_writer *w, const float *values, size_t count)
{
    char bytes[PLX_DIMENSIONS_MAX * 4];

    for (size_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, &values[i], sizeof bits);
        for (size_t byte = 0; byte < 4; byte++) bytes[i * 4 + byte] = (char)(bits >> (8 * byte) & 0xFF);
    }
    cst_json_put_base64(w, CASTOR_STR(""), (castor_str){ bytes, count * 4 });
}

static bool put_embedding(cst_json_writer *w, embedding_ask *ask, size_t index, castor_str text, uint64_t tokens,
                          plx_refusal *refusal)
{
    float values[PLX_DIMENSIONS_MAX];

    if (!plx_model_check_input(ask->model, tokens, refusal)) return false;
    ask->tokens += tokens;
    plx_embedding_fill(values, ask->dimensions, ask->model, text, CST_NONE);
    cst_json_open_object(w);
    cst_json_key(w, "embedding");
    if (ask->is_base64) put_base64(w, values, ask->dimensions);
    else plx_embedding_put(w, values, ask->dimensions);
    cst_json_put_count(w, "index", castor_some_i64((int64_t)index));
    cst_json_put_member(w, "object", "embedding");
    cst_json_close_object(w);
    return true;
}

static bool refuse_input(plx_refusal *refusal)
{
    return plx_refuse_field(refusal, "input",
                            "Invalid value at 'input': a text, a list of texts, or lists of tokens were expected.");
}

/* Tokens are numbers of a list that only their maker knows; here each is a word. */
static bool put_token_list(cst_json_writer *w, embedding_ask *ask, size_t index, const cst_json *list,
                           plx_refusal *refusal)
{
    cst_json_iterator each = cst_json_iterate(list);
    const cst_json   *one;
    cst_buf           text;
    size_t            count = cst_json_count(list);
    bool              is_good = count > 0 ? plx_model_check_input(ask->model, count, refusal) : refuse_input(refusal);

    cst_buf_init(&text, cst_allocator_default(), PLX_BODY_BYTES_MAX);
    while (is_good && (one = cst_json_next(&each, NULL))) {
        castor_i64 token = cst_json_integer(one);
        if (cst_json_type_of(one) != CST_JSON_NUMBER || !token.is_set) is_good = refuse_input(refusal);
        else if (cst_buf_append_format(&text, "%" PRId64 " ", token.value) != CASTOR_OK) {
            is_good = plx_refuse_memory(refusal);
        }
    }
    is_good = is_good && put_embedding(w, ask, index, cst_buf_view(&text), count, refusal);
    cst_buf_free(&text);
    return is_good;
}

static bool put_input(cst_json_writer *w, embedding_ask *ask, size_t index, const cst_json *input, plx_refusal *refusal)
{
    castor_str text = cst_json_string(input);

    if (text.data) return put_embedding(w, ask, index, text, plx_token_count(text.len), refusal);
    if (cst_json_type_of(input) == CST_JSON_ARRAY) return put_token_list(w, ask, index, input, refusal);
    return refuse_input(refusal);
}

static bool put_inputs(cst_json_writer *w, embedding_ask *ask, const cst_json *input, plx_refusal *refusal)
{
    cst_json_iterator each = cst_json_iterate(input);
    const cst_json   *one;

    if (cst_json_type_of(input) != CST_JSON_ARRAY || cst_json_type_of(cst_json_at(input, 0)) == CST_JSON_NUMBER) {
        return put_input(w, ask, 0, input, refusal);
    }
    if (cst_json_count(input) == 0) return refuse_input(refusal);
    if (cst_json_count(input) > PLX_EMBED_BATCH_MAX) {
        return plx_refuse(refusal, 400,
                          "* BatchEmbedContentsRequest.requests: at most %d requests can be in one batch\n",
                          (int)PLX_EMBED_BATCH_MAX);
    }
    for (size_t i = 0; (one = cst_json_next(&each, NULL)); i++) {
        if (!put_input(w, ask, i, one, refusal)) return false;
    }
    return true;
}

void plx_answer_openai_embeddings(plx_exchange *e)
{
    embedding_ask   ask = { .tokens = 0 };
    plx_refusal     refusal = { .code = 0 };
    cst_buf         json;
    cst_json_writer w = cst_json_writer_to(&json);

    cst_buf_init(&json, cst_allocator_default(), PLX_EVENT_BYTES_MAX);
    cst_json_open_object(&w);
    cst_json_key(&w, "data");
    cst_json_open_array(&w);
    bool is_done = read_ask(e, &ask, &refusal) && put_inputs(&w, &ask, cst_json_get(e->json, "input"), &refusal);
    cst_json_close_array(&w);
    cst_json_key(&w, "model");
    cst_json_put_string(&w, cst_json_string(cst_json_get(e->json, "model")));
    cst_json_put_member(&w, "object", "list");
    cst_json_key(&w, "usage");
    cst_json_open_object(&w);
    cst_json_put_count(&w, "prompt_tokens", castor_some_i64((int64_t)ask.tokens));
    cst_json_put_count(&w, "total_tokens", castor_some_i64((int64_t)ask.tokens));
    cst_json_close_object(&w);
    cst_json_close_object(&w);
    if (is_done) plx_stats_add_input(e->world->stats, ask.tokens);
    send_or_refuse(e, is_done, &json, w.status, &refusal);
}

/* ---- models ---- */

static void put_model(cst_json_writer *w, castor_str name)
{
    char id[160];

    snprintf(id, sizeof id, "models/%.*s", CASTOR_ARG(name));
    cst_json_open_object(w);
    cst_json_put_member(w, "id", id);
    cst_json_put_member(w, "object", "model");
    cst_json_put_member(w, "owned_by", "google");
    cst_json_close_object(w);
}

void plx_answer_openai_models(plx_exchange *e)
{
    const plx_model_table *table = e->world->models;
    plx_refusal            refusal = { .code = 0 };
    cst_buf                json;
    cst_json_writer        w = cst_json_writer_to(&json);

    cst_buf_init(&json, cst_allocator_default(), PLX_SCHEMA_BYTES_MAX);
    cst_json_open_object(&w);
    cst_json_key(&w, "data");
    cst_json_open_array(&w);
    for (size_t i = 0; i < plx_model_count(table); i++) {
        const plx_model *one = plx_model_at(table, i);
        if (plx_model_is_listed(e, one)) put_model(&w, one->name);
    }
    cst_json_close_array(&w);
    cst_json_put_member(&w, "object", "list");
    cst_json_close_object(&w);
    send_or_refuse(e, true, &json, w.status, &refusal);
}

/* Its name comes with "models/" before it or without. */
void plx_answer_openai_model(plx_exchange *e)
{
    plx_refusal     refusal = { .code = 0 };
    cst_buf         json;
    cst_json_writer w = cst_json_writer_to(&json);

    cst_buf_init(&json, cst_allocator_default(), PLX_SCHEMA_BYTES_MAX);
    bool is_there = plx_model_get(e, e->names[0], &refusal) != NULL;
    if (is_there) put_model(&w, e->names[0]);
    send_or_refuse(e, is_there, &json, w.status, &refusal);
}
