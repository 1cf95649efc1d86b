/* batch_row.c -- the kinds of batches: how a row of each is answered.
 * SPDX-License-Identifier: MIT
 */
#include "api/asking.h"
#include "api/batches.h"
#include "api/embed.h"
#include "generate/ask_fields.h"
#include "generate/encoding.h"
#include "generate/wishes.h"
#include "proto/fields.h"
#include "proto/json_style.h"

/* google.rpc.Code, as errors inside of operations have it. */
static int rpc_code_of(const plx_refusal *refusal)
{
    static const struct {
        int http;
        int rpc;
    } codes[] = { { 400, 3 }, { 401, 16 }, { 403, 7 }, { 404, 5 }, { 409, 10 }, { 429, 8 }, { 499, 1 },
                  { 500, 13 }, { 501, 12 }, { 503, 14 }, { 504, 4 } };

    if (refusal->status && strcmp(refusal->status, "FAILED_PRECONDITION") == 0) return 9;
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        if (codes[i].http == refusal->code) return codes[i].rpc;
    }
    return 2; /* UNKNOWN */
}

static void put_error(cst_json_writer *w, int code, castor_str message)
{
    cst_json_key(w, "error");
    cst_json_open_object(w);
    cst_json_key(w, "code");
    cst_json_put_integer(w, code);
    cst_json_key(w, "message");
    cst_json_put_string(w, message);
    cst_json_close_object(w);
}

static castor_status put_response(cst_json_writer *w, castor_str json)
{
    cst_buf       line;
    castor_status status;

    cst_buf_init(&line, cst_allocator_default(), PLX_EVENT_BYTES_MAX);
    status = plx_json_squeeze(&line, json); /* a row is a line */
    if (status == CASTOR_OK) {
        cst_json_key(w, "response");
        cst_json_put_raw(w, cst_buf_view(&line));
    }
    cst_buf_free(&line);
    return status;
}

/* A script's bytes in the place of an answer: JSON stands as it is; its error becomes the row's. */
static castor_status put_script(cst_json_writer *w, const plx_case *source, bool *is_refused)
{
    cst_json_doc    document;
    const cst_json *root;

    cst_json_doc_init(&document, cst_allocator_default());
    castor_status status = cst_json_read(&document, source->bytes, NULL, NULL);
    root = status == CASTOR_OK ? cst_json_root(&document) : NULL;
    if (source->status == 200 && cst_json_type_of(root) == CST_JSON_OBJECT) {
        status = put_response(w, source->bytes);
    } else if (status != CASTOR_NO_MEMORY) {
        plx_refusal refusal = { .code = source->status == 200 ? 500 : source->status };
        castor_str  message = cst_json_string_in(cst_json_get(root, "error"), "message");
        *is_refused = true;
        put_error(w, rpc_code_of(&refusal), message.data ? message : CASTOR_STR("The script has no JSON for a batch."));
        status = CASTOR_OK;
    }
    cst_json_doc_free(&document);
    return status;
}

static castor_status put_answer(cst_json_writer *w, const plx_ask *ask, const plx_case *source, plx_world *world,
                                cst_arena *arena)
{
    plx_answerer  answerer = plx_world_answerer(world);
    plx_answer    answer;
    cst_buf       body;
    castor_status status;

    answerer.pace = PLX_PACE_INSTANT;
    status = plx_answer_compose(&answer, ask, source, &answerer, arena);
    if (status != CASTOR_OK) return status;
    cst_buf_init(&body, cst_allocator_default(), PLX_EVENT_BYTES_MAX);
    status = plx_gemini_whole.print_whole(&answer, &body);
    if (status == CASTOR_OK) status = put_response(w, cst_buf_view(&body));
    cst_buf_free(&body);
    return status;
}

static bool refuse_row(const plx_batch *batch, plx_refusal *refusal)
{
    return plx_refuse(refusal, 400, "* %s.request: request is not specified\n", batch->kind->request);
}

/* ---- generateContent ---- */

static bool read_row(plx_ask *ask, const plx_world *world, const plx_batch *batch, const cst_json *request,
                     cst_arena *arena, plx_refusal *refusal)
{
    plx_terms terms = { .model = castor_str_of(batch->model), .arena = arena,
                        .facts = plx_model_find(world->models, castor_str_of(batch->version)) };

    if (!request) return refuse_row(batch, refusal);
    if (!plx_ask_read_gemini(ask, request, &terms, refusal) ||
        !plx_asking_add_references(ask, world, batch->shelved.owner, request, refusal)) {
        return false;
    }
    ask->model = castor_str_of(batch->version);
    return true;
}

static castor_status answer_content(plx_world *world, const plx_batch *batch, const cst_json *request,
                                    cst_arena *arena, cst_json_writer *out, bool *is_refused)
{
    plx_ask         ask;
    plx_refusal     refusal = { .code = 0 };
    const plx_case *source;

    *is_refused = !read_row(&ask, world, batch, request, arena, &refusal);
    if (*is_refused && refusal.code == 503) return CASTOR_NO_MEMORY;
    if (*is_refused) {
        put_error(out, rpc_code_of(&refusal), castor_str_of(refusal.message));
        return out->status;
    }
    /* NOLINTNEXTLINE(clang-analyzer-core.CallAndMessage): what was read without a refusal is filled */
    source = plx_wishes_read(ask.prompt).are_there ? NULL : plx_catalogue_find(world->catalogue, ask.prompt);
    castor_status status = source && !source->is_answer ? put_script(out, source, is_refused)
                                                        : put_answer(out, &ask, source, world, arena);
    if (status == CASTOR_LIMIT) { /* the row's own doing; the others can do nothing for it */
        *is_refused = true;
        plx_asking_refuse_answer(status, &refusal);
        put_error(out, rpc_code_of(&refusal), castor_str_of(refusal.message));
        status = CASTOR_OK;
    }
    return status == CASTOR_OK ? out->status : status;
}

const plx_batch_kind plx_batch_of_content = {
    .method = "batchGenerateContent",
    .request = "BatchGenerateContentRequest",
    .type = "GenerateContentBatch",
    .output_type = "GenerateContentBatchOutput",
    .list = "inlinedResponses",
    .row = &plx_generate_request_type,
    .answer_row = answer_content,
};

/* ---- embedContent ---- */

static castor_status answer_embedding(plx_world *world, const plx_batch *batch, const cst_json *request,
                                      cst_arena *arena, cst_json_writer *out, bool *is_refused)
{
    plx_embed_ask   ask = { request, castor_str_of(batch->model), batch->serving, "", false };
    plx_refusal     refusal = { .code = 0 };
    uint64_t        tokens = 0;
    cst_buf         vector;
    cst_json_writer w = cst_json_writer_to(&vector);

    (void)world;
    (void)arena;
    cst_buf_init(&vector, cst_allocator_default(), PLX_SCHEMA_BYTES_MAX);
    if (!request) refuse_row(batch, &refusal);
    *is_refused = !request || !plx_embed_content(&ask, &w, &tokens, &refusal);
    if (*is_refused) {
        put_error(out, rpc_code_of(&refusal), castor_str_of(refusal.message));
    } else {
        cst_json_key(out, "response");
        cst_json_open_object(out);
        cst_json_key(out, "embedding");
        cst_json_put_raw(out, cst_buf_view(&vector));
        plx_put_int64(out, "tokenCount", (int64_t)tokens);
        cst_json_close_object(out);
        if (out->status == CASTOR_OK) out->status = w.status;
    }
    cst_buf_free(&vector);
    return refusal.code == 503 ? CASTOR_NO_MEMORY : out->status;
}

const plx_batch_kind plx_batch_of_embeddings = {
    .method = "asyncBatchEmbedContent",
    .request = "AsyncBatchEmbedContentRequest",
    .type = "EmbedContentBatch",
    .output_type = "EmbedContentBatchOutput",
    .list = "inlinedEmbedContentResponses",
    .row = &plx_embed_request_type,
    .answer_row = answer_embedding,
};
