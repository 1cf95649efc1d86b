/* embed.c -- embeddings: embedContent and batchEmbedContents, the ones of OpenAI, and those of PaLM.
 * SPDX-License-Identifier: MIT
 */
#include "api/embed.h"

#include <inttypes.h>
#include <stdio.h>

#include "api/handlers.h"
#include "api/models.h"
#include "api/stats.h"
#include "generate/ask.h"
#include "generate/ask_fields.h"
#include "generate/embedding.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static const plx_choices task_types = {
    PLX_TYPE_NAME("TaskType"),
    (const char *const[]){ "TASK_TYPE_UNSPECIFIED", "RETRIEVAL_QUERY", "RETRIEVAL_DOCUMENT", "SEMANTIC_SIMILARITY",
                           "CLASSIFICATION", "CLUSTERING", "QUESTION_ANSWERING", "FACT_VERIFICATION",
                           "CODE_RETRIEVAL_QUERY", NULL },
    false,
};

static const plx_field request_fields[] = {
    { "model", NULL, PLX_STRING }, { "content", &plx_content_type, PLX_MESSAGE },
    { "taskType", NULL, PLX_ENUM, .choices = &task_types }, { "title", NULL, PLX_STRING },
    { "outputDimensionality", NULL, PLX_INT32 },
};
const plx_message_type plx_embed_request_type = PLX_TYPE("EmbedContentRequest", request_fields);

static const plx_field batch_fields[] = {
    { "requests", &plx_embed_request_type, PLX_MESSAGE, .is_list = true }, { "model", NULL, PLX_STRING },
};
static const plx_message_type batch_type = PLX_TYPE("BatchEmbedContentsRequest", batch_fields);

/* ---- EmbedContentRequest ---- */

static const char *dot(const char *path) { return *path ? "." : ""; }

static bool check_model(const plx_embed_ask *ask, plx_refusal *refusal)
{
    castor_str model = cst_json_string(plx_field_get(ask->request, "model"));

    if (model.len == 0 && !ask->must_name) return true;
    if (cst_str_equal(plx_model_bare_name(model), plx_model_bare_name(ask->name))) return true;
    return plx_refuse(refusal, 400, "* %s.%s%smodel: model must be the one of the call, models/%.*s\n",
                      ask->must_name ? "BatchEmbedContentsRequest" : "EmbedContentRequest", ask->path, dot(ask->path),
                      CASTOR_ARG(plx_model_bare_name(ask->name)));
}

/* By name, whichever way it was given; absent when it was not. The check of fields knows it. */
static castor_str task_of(const cst_json *request)
{
    const cst_json *value = plx_field_get(request, "taskType");

    return value ? castor_str_of(plx_choice_of(value, &task_types)) : CST_NONE;
}

static castor_status append_line(cst_buf *out, castor_str text)
{
    castor_status status = out->len > 0 ? cst_buf_append(out, "\n", 1) : CASTOR_OK;

    return status == CASTOR_OK && text.len > 0 ? cst_buf_append_str(out, text) : status;
}

/* The texts of the parts and the title, joined by LF. Data count as a word: the same data are the same word. */
static castor_status gather(const plx_embed_ask *ask, cst_buf *text, uint64_t *tokens)
{
    enum { DATA_TOKENS = 258 /* what one small image counts */ };
    castor_str      title = cst_json_string(plx_field_get(ask->request, "title"));
    plx_list        each = plx_list_of(plx_field_get(plx_field_get(ask->request, "content"), "parts"));
    castor_status   status = append_line(text, title);
    const cst_json *part;

    *tokens = plx_token_count(title.len);
    while (status == CASTOR_OK && (part = plx_list_next(&each))) {
        castor_str words = cst_json_string(plx_field_get(part, "text"));
        bool       is_text = words.data != NULL;
        if (!is_text) words = cst_json_string(plx_field_get(plx_field_get(part, "inlineData"), "data"));
        if (!words.data) words = cst_json_string(plx_field_get(plx_field_get(part, "fileData"), "fileUri"));
        *tokens += is_text ? plx_token_count(words.len) : DATA_TOKENS;
        status = append_line(text, words);
    }
    return status;
}

static bool read_dimensions(const plx_embed_ask *ask, size_t *count, plx_refusal *refusal)
{
    castor_i64 asked;

    if (!plx_field_integer(ask->request, "outputDimensionality", ask->path, ask->model->dimensions_least,
                           ask->model->dimensions_most, &asked, refusal)) {
        return false;
    }
    *count = (size_t)(asked.is_set ? asked.value : ask->model->dimensions_default);
    return true;
}

static bool check_parts(const plx_embed_ask *ask, const cst_json *parts, plx_refusal *refusal)
{
    plx_list        each = plx_list_of(parts);
    const cst_json *part;

    if (plx_list_count(parts) == 0) {
        return plx_refuse(refusal, 400, "* EmbedContentRequest.%s%scontent: content is not specified\n", ask->path,
                          dot(ask->path));
    }
    for (size_t i = 0; (part = plx_list_next(&each)); i++) {
        if (plx_field_get(part, "text") || plx_field_get(part, "inlineData") || plx_field_get(part, "fileData")) {
            continue;
        }
        return plx_refuse(refusal, 400,
                          "* EmbedContentRequest.%s%scontent.parts[%zu].data: required oneof field 'data' must have "
                          "one initialized field\n",
                          ask->path, dot(ask->path), i);
    }
    return true;
}

static bool check_request(const plx_embed_ask *ask, plx_refusal *refusal)
{
    if (!plx_fields_check(ask->request, &plx_embed_request_type, refusal) || !check_model(ask, refusal)) return false;
    if (!check_parts(ask, plx_field_get(plx_field_get(ask->request, "content"), "parts"), refusal)) return false;
    if (cst_json_string(plx_field_get(ask->request, "title")).len > 0 &&
        !cst_str_is(task_of(ask->request), "RETRIEVAL_DOCUMENT")) {
        return plx_refuse(refusal, 400,
                          "* EmbedContentRequest.%s%stitle: title is only for the task type RETRIEVAL_DOCUMENT\n",
                          ask->path, dot(ask->path));
    }
    return true;
}

bool plx_embed_content(const plx_embed_ask *ask, cst_json_writer *writer, uint64_t *tokens, plx_refusal *refusal)
{
    float    values[PLX_DIMENSIONS_MAX];
    size_t   count;
    uint64_t own_tokens;
    cst_buf  text;
    bool     is_done = false;

    if (!check_request(ask, refusal) || !read_dimensions(ask, &count, refusal)) return false;
    cst_buf_init(&text, cst_allocator_default(), PLX_BODY_BYTES_MAX);
    if (gather(ask, &text, &own_tokens) != CASTOR_OK) {
        plx_refuse_memory(refusal);
    } else if (plx_model_check_input(ask->model, own_tokens, refusal)) {
        plx_embedding_fill(values, count, ask->model, text.data ? cst_buf_view(&text) : CASTOR_STR(""),
                           task_of(ask->request));
        cst_json_open_object(writer);
        cst_json_key(writer, "values");
        plx_embedding_put(writer, values, count);
        cst_json_close_object(writer);
        *tokens += own_tokens;
        is_done = true;
    }
    cst_buf_free(&text);
    return is_done;
}

/* ---- the methods of Gemini ---- */

/* Sends what was written, or the refusal. */
static void finish(plx_exchange *e, bool is_done, cst_buf *json, const cst_json_writer *w, uint64_t tokens,
                   const plx_refusal *refusal)
{
    if (is_done) {
        plx_stats_add_input(e->world->stats, tokens);
        plx_exchange_send_json(e, json, w->status);
    } else {
        plx_exchange_refuse(e, refusal);
    }
    cst_buf_free(json);
}

void plx_answer_embed(plx_exchange *e)
{
    plx_refusal     refusal = { .code = 0 };
    uint64_t        tokens = 0;
    cst_buf         json;
    cst_json_writer w = cst_json_writer_to(&json);
    plx_embed_ask   ask = { e->json, e->names[0], plx_model_for(e, e->names[0], "embedContent", &refusal), "", false };

    cst_buf_init(&json, cst_allocator_default(), PLX_EVENT_BYTES_MAX);
    cst_json_open_object(&w);
    cst_json_key(&w, "embedding");
    bool is_done = ask.model && plx_embed_content(&ask, &w, &tokens, &refusal);
    cst_json_close_object(&w);
    finish(e, is_done, &json, &w, tokens, &refusal);
}

static bool embed_all(plx_embed_ask *ask, const cst_json *requests, cst_json_writer *w, uint64_t *tokens,
                      plx_refusal *refusal)
{
    plx_list each = plx_list_of(requests);
    size_t   count = plx_list_count(requests);
    char     path[32];

    if (count == 0) {
        return plx_refuse(refusal, 400, "* BatchEmbedContentsRequest.requests: requests is not specified\n");
    }
    if (count > PLX_EMBED_BATCH_MAX) {
        return plx_refuse(refusal, 400,
                          "* BatchEmbedContentsRequest.requests: at most %d requests can be in one batch\n",
                          (int)PLX_EMBED_BATCH_MAX);
    }
    bool is_good = true;
    ask->path = path;
    for (size_t i = 0; is_good && (ask->request = plx_list_next(&each)); i++) {
        snprintf(path, sizeof path, "requests[%zu]", i);
        is_good = plx_embed_content(ask, w, tokens, refusal);
    }
    ask->path = NULL;
    return is_good;
}

/* Google's error for a wrong model names the method embedContent here too. */
void plx_answer_batch_embed(plx_exchange *e)
{
    plx_refusal     refusal = { .code = 0 };
    uint64_t        tokens = 0;
    cst_buf         json;
    cst_json_writer w = cst_json_writer_to(&json);
    plx_embed_ask   ask = { NULL, e->names[0], plx_model_for(e, e->names[0], "embedContent", &refusal), "", true };

    cst_buf_init(&json, cst_allocator_default(), PLX_EVENT_BYTES_MAX);
    cst_json_open_object(&w);
    cst_json_key(&w, "embeddings");
    cst_json_open_array(&w);
    bool is_done = ask.model && plx_fields_check(e->json, &batch_type, &refusal) &&
                   embed_all(&ask, plx_field_get(e->json, "requests"), &w, &tokens, &refusal);
    cst_json_close_array(&w);
    cst_json_close_object(&w);
    finish(e, is_done, &json, &w, tokens, &refusal);
}

/* ---- PaLM ---- */

static const plx_model *palm_model(plx_exchange *e, plx_refusal *refusal)
{
    return plx_model_for(e, e->names[0], "embedText", refusal);
}

static void put_palm(cst_json_writer *w, const plx_model *model, castor_str text)
{
    float  values[PLX_DIMENSIONS_MAX];
    size_t count = (size_t)model->dimensions_default;

    plx_embedding_fill(values, count, model, text, CST_NONE);
    cst_json_open_object(w);
    cst_json_key(w, "value");
    plx_embedding_put(w, values, count);
    cst_json_close_object(w);
}

void plx_answer_embed_text(plx_exchange *e)
{
    static const plx_field        fields[] = { { .name = "model" }, { .name = "text" } };
    static const plx_message_type type = { "EmbedTextRequest", fields, COUNT_OF(fields) };
    plx_refusal                   refusal = { .code = 0 };
    const plx_model              *model = palm_model(e, &refusal);
    castor_str                    text = cst_json_string(plx_field_get(e->json, "text"));
    uint64_t                      tokens = plx_token_count(text.len);
    cst_buf                       json;
    cst_json_writer               w = cst_json_writer_to(&json);

    cst_buf_init(&json, cst_allocator_default(), PLX_EVENT_BYTES_MAX);
    bool is_done = model && plx_fields_check(e->json, &type, &refusal) &&
                   plx_model_check_input(model, tokens, &refusal);
    if (is_done && text.len == 0) {
        is_done = plx_refuse(&refusal, 400, "* EmbedTextRequest.text: text is not specified\n");
    }
    if (is_done) {
        cst_json_open_object(&w);
        cst_json_key(&w, "embedding");
        put_palm(&w, model, text);
        cst_json_close_object(&w);
    }
    finish(e, is_done, &json, &w, tokens, &refusal);
}
