/* count.c -- the methods that count the tokens of a prompt.
 * SPDX-License-Identifier: MIT
 */
#include "api/asking.h"
#include "api/handlers.h"
#include "generate/ask_fields.h"
#include "generate/encoding.h"
#include "json_writer.h"

static const plx_field count_fields[] = {
    { "contents", &plx_content_type, PLX_MESSAGE, .is_list = true },
    { "generateContentRequest", &plx_generate_request_type, PLX_MESSAGE },
    { "model", NULL, PLX_STRING },
};
static const plx_message_type count_type = PLX_TYPE("CountTokensRequest", count_fields);

static void put_count(cst_json_writer *w, const char *key, uint64_t count)
{
    cst_json_key(w, key);
    cst_json_put_integer(w, (int64_t)count);
}

static void put_tokens(cst_json_writer *w, const plx_ask *ask)
{
    uint64_t cached = plx_token_total(&ask->cached_tokens);

    put_count(w, "totalTokens", plx_token_total(&ask->prompt_tokens));
    if (cached > 0) put_count(w, "cachedContentTokenCount", cached);
    plx_put_token_details(w, "promptTokensDetails", &ask->prompt_tokens);
    plx_put_token_details(w, "cacheTokensDetails", &ask->cached_tokens);
}

static void put_legacy(cst_json_writer *w, const plx_ask *ask)
{
    put_count(w, "tokenCount", plx_token_total(&ask->prompt_tokens));
}

static void send_count(plx_exchange *e, const plx_ask *ask, void (*put)(cst_json_writer *w, const plx_ask *ask))
{
    cst_buf         json;
    cst_json_writer w = cst_json_writer_to(&json);

    cst_buf_init(&json, cst_allocator_default(), PLX_SCHEMA_BYTES_MAX);
    cst_json_open_object(&w);
    put(&w, ask);
    cst_json_close_object(&w);
    plx_exchange_send_json(e, &json, w.status);
    cst_buf_free(&json);
}

static bool check_forms(const plx_exchange *e, plx_refusal *refusal)
{
    if (!plx_fields_check(e->json, &count_type, refusal)) return false;
    if (!plx_field_get(e->json, "generateContentRequest") || !plx_field_get(e->json, "contents")) return true;
    /* The reference knows the rule, but not its words. */
    return plx_refuse(refusal, 400,
                      "* CountTokensRequest.generate_content_request: only one of contents and "
                      "generate_content_request can be set.\n");
}

/* Either the contents or a whole request inside another. */
void plx_answer_count_tokens(plx_exchange *e)
{
    static const plx_asking_way way = { .read = plx_ask_read_gemini, .method = "countTokens", .only_counts = true };
    const cst_json             *wrapped = plx_field_get(e->json, "generateContentRequest");
    plx_refusal                 refusal = { .code = 0 };
    plx_asking                  asking;

    if (!check_forms(e, &refusal)) {
        plx_exchange_refuse(e, &refusal);
        return;
    }
    if (!plx_asking_read(&asking, e, wrapped ? wrapped : e->json, &way)) return;
    send_count(e, &asking.ask, put_tokens);
    plx_asking_end(&asking);
}

static void count_legacy(plx_exchange *e, const plx_asking_way *way)
{
    plx_asking asking;

    if (!plx_asking_read(&asking, e, e->json, way)) return;
    send_count(e, &asking.ask, put_legacy);
    plx_asking_end(&asking);
}

void plx_answer_count_message_tokens(plx_exchange *e)
{
    count_legacy(e, &(const plx_asking_way){ .read = plx_ask_read_message, .method = "countMessageTokens",
                                             .only_counts = true });
}

void plx_answer_count_text_tokens(plx_exchange *e)
{
    count_legacy(e, &(const plx_asking_way){ .read = plx_ask_read_text, .method = "countTextTokens",
                                             .only_counts = true });
}
