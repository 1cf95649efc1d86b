/* encode_gemini.c -- answers as generateContent and streamGenerateContent send them.
 * SPDX-License-Identifier: MIT
 */
#include "generate/encoding.h"
#include "proto/json_style.h"
#include "json_writer.h"

static void put_count(cst_json_writer *w, const char *key, uint64_t count)
{
    cst_json_key(w, key);
    cst_json_put_integer(w, (int64_t)count);
}

static void put_details(cst_json_writer *w, const char *key, uint64_t count)
{
    cst_json_key(w, key);
    cst_json_open_array(w);
    cst_json_open_object(w);
    cst_json_key(w, "modality");
    cst_json_put_string(w, CASTOR_STR("TEXT"));
    put_count(w, "tokenCount", count);
    cst_json_close_object(w);
    cst_json_close_array(w);
}

static void put_usage(cst_json_writer *w, const plx_answer *answer, const plx_piece *piece)
{
    uint64_t prompt = answer->ask->prompt_tokens;
    uint64_t cached = answer->ask->cached_tokens;

    cst_json_key(w, "usageMetadata");
    cst_json_open_object(w);
    put_count(w, "promptTokenCount", prompt);
    if (cached > 0) put_count(w, "cachedContentTokenCount", cached);
    if (piece->candidate_tokens > 0) put_count(w, "candidatesTokenCount", piece->candidate_tokens);
    put_count(w, "totalTokenCount", prompt + piece->candidate_tokens + piece->thought_tokens);
    put_details(w, "promptTokensDetails", prompt);
    if (cached > 0) put_details(w, "cacheTokensDetails", cached);
    if (piece->thought_tokens > 0) put_count(w, "thoughtsTokenCount", piece->thought_tokens);
    cst_json_key(w, "serviceTier");
    cst_json_put_string(w, CASTOR_STR("standard"));
    cst_json_close_object(w);
}

static void put_part(cst_json_writer *w, castor_str text, bool is_thought)
{
    cst_json_open_object(w);
    cst_json_key(w, "text");
    cst_json_put_string(w, text);
    if (is_thought) {
        cst_json_key(w, "thought");
        cst_json_put_bool(w, true);
    }
    cst_json_close_object(w);
}

/* A thought that ate the whole budget leaves content without parts. */
static void put_candidate(cst_json_writer *w, uint32_t index, castor_str thought, castor_str text, const char *finish)
{
    bool has_text = text.len > 0 || (thought.len == 0 && (!finish || strcmp(finish, "MAX_TOKENS") != 0));

    cst_json_open_object(w);
    cst_json_key(w, "content");
    cst_json_open_object(w);
    if (has_text || thought.len > 0) {
        cst_json_key(w, "parts");
        cst_json_open_array(w);
        if (thought.len > 0) put_part(w, thought, true);
        if (has_text) put_part(w, text, false);
        cst_json_close_array(w);
    }
    cst_json_key(w, "role");
    cst_json_put_string(w, CASTOR_STR("model"));
    cst_json_close_object(w);
    if (finish) {
        cst_json_key(w, "finishReason");
        cst_json_put_string(w, castor_str_of(finish));
    }
    put_count(w, "index", index);
    cst_json_close_object(w);
}

static void put_names(cst_json_writer *w, const plx_answer *answer)
{
    cst_json_key(w, "modelVersion");
    cst_json_put_string(w, answer->model_version);
    cst_json_key(w, "responseId");
    cst_json_put_string(w, answer->response_id);
}

static void put_piece(cst_json_writer *w, const plx_answer *answer, const plx_piece *piece)
{
    castor_str thought = piece->kind == PLX_PIECE_THOUGHT ? piece->text : CST_NONE;
    castor_str text = piece->kind == PLX_PIECE_THOUGHT ? CST_NONE : piece->text;

    cst_json_open_object(w);
    cst_json_key(w, "candidates");
    cst_json_open_array(w);
    put_candidate(w, piece->candidate, thought, text, piece->finish);
    cst_json_close_array(w);
    put_usage(w, answer, piece);
    put_names(w, answer);
    cst_json_close_object(w);
}

static castor_status print_styled_piece(const plx_answer *answer, size_t index, plx_json_style style, cst_buf *out)
{
    cst_buf         json;
    cst_json_writer writer = cst_json_writer_to(&json);

    cst_buf_init(&json, out->allocator, out->max);
    put_piece(&writer, answer, &answer->pieces[index]);
    castor_status status = writer.status;
    if (status == CASTOR_OK) status = plx_json_print_styled(out, cst_buf_view(&json), style);
    cst_buf_free(&json);
    return status;
}

/* ---- events ---- */

static castor_status print_event(const plx_answer *answer, size_t index, cst_buf *out)
{
    castor_status status = cst_buf_append_text(out, "data: ");

    if (status == CASTOR_OK) status = print_styled_piece(answer, index, PLX_JSON_SPACED, out);
    if (status == CASTOR_OK) status = cst_buf_append_text(out, "\r\n\r\n");
    return status;
}

const plx_encoding plx_gemini_events = {
    .content_type = "text/event-stream",
    .is_attachment = true,
    .print_piece = print_event, /* and no [DONE]: the end is the end of the body */
};

/* ---- array ---- */

static castor_status print_element(const plx_answer *answer, size_t index, cst_buf *out)
{
    castor_status status = cst_buf_append_text(out, index == 0 ? "[" : ",\r\n");

    if (status == CASTOR_OK) status = print_styled_piece(answer, index, PLX_JSON_INDENTED, out);
    if (status == CASTOR_OK) status = cst_buf_append_text(out, "\n");
    return status;
}

static castor_status print_bracket(const plx_answer *answer, cst_buf *out)
{
    (void)answer;
    return cst_buf_append_text(out, "]");
}

const plx_encoding plx_gemini_array = {
    .content_type = "application/json; charset=UTF-8",
    .print_piece = print_element,
    .print_end = print_bracket,
};

/* ---- whole ---- */

static castor_status put_whole_candidate(cst_json_writer *w, const plx_answer *answer, uint32_t index)
{
    cst_buf     thought;
    cst_buf     text;
    const char *finish = NULL;

    cst_buf_init(&thought, cst_allocator_default(), PLX_EVENT_BYTES_MAX);
    cst_buf_init(&text, cst_allocator_default(), PLX_EVENT_BYTES_MAX);
    castor_status status = plx_answer_join(answer, index, PLX_PIECE_THOUGHT, &thought, &finish);
    if (status == CASTOR_OK) status = plx_answer_join(answer, index, PLX_PIECE_TEXT, &text, &finish);
    if (status == CASTOR_OK) put_candidate(w, index, cst_buf_view(&thought), cst_buf_view(&text), finish);
    cst_buf_free(&thought);
    cst_buf_free(&text);
    return status;
}

static castor_status put_whole(cst_json_writer *w, const plx_answer *answer)
{
    castor_status status = CASTOR_OK;

    cst_json_open_object(w);
    cst_json_key(w, "candidates");
    cst_json_open_array(w);
    for (uint32_t i = 0; i < (uint32_t)answer->ask->candidate_count && status == CASTOR_OK; i++) {
        status = put_whole_candidate(w, answer, i);
    }
    cst_json_close_array(w);
    put_usage(w, answer, plx_answer_last(answer));
    put_names(w, answer);
    cst_json_close_object(w);
    return status == CASTOR_OK ? w->status : status;
}

static castor_status print_whole(const plx_answer *answer, cst_buf *out)
{
    return plx_print_indented(answer, put_whole, out);
}

const plx_encoding plx_gemini_whole = {
    .content_type = "application/json; charset=UTF-8",
    .print_whole = print_whole,
};
