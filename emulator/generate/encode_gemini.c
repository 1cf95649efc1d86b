/* encode_gemini.c -- answers as generateContent and streamGenerateContent send them.
 * SPDX-License-Identifier: MIT
 */
#include "generate/encoding.h"
#include "proto/json_style.h"
#include "json_writer.h"

static void put_text(cst_json_writer *w, const char *key, castor_str text)
{
    cst_json_key(w, key);
    cst_json_put_string(w, text);
}

static void put_raw(cst_json_writer *w, const char *key, castor_str json)
{
    cst_json_key(w, key);
    cst_json_put_raw(w, json);
}

static void put_count(cst_json_writer *w, const char *key, uint64_t count)
{
    cst_json_key(w, key);
    cst_json_put_integer(w, (int64_t)count);
}

/* Zero is left out, as everywhere in proto3 JSON. */
static void put_some(cst_json_writer *w, const char *key, uint64_t count)
{
    if (count > 0) put_count(w, key, count);
}

/* ---- usage ---- */

void plx_put_token_details(cst_json_writer *w, const char *key, const plx_token_sum *sum)
{
    if (plx_token_total(sum) == 0) return;
    cst_json_key(w, key);
    cst_json_open_array(w);
    for (size_t i = 0; i < PLX_MODALITY_COUNT; i++) {
        if (sum->of[i] == 0) continue;
        cst_json_open_object(w);
        put_text(w, "modality", castor_str_of(plx_modality_name((plx_modality)i)));
        put_count(w, "tokenCount", sum->of[i]);
        cst_json_close_object(w);
    }
    cst_json_close_array(w);
}

/* Models of generation 2.0 count candidates in the last chunk only; only pictures need details of candidates. */
static void put_usage(cst_json_writer *w, const plx_answer *answer, const plx_piece *piece)
{
    uint64_t      prompt = plx_token_total(&answer->prompt_tokens);
    bool          is_early = answer->generation == 20 && !piece->is_last;
    uint64_t      candidates = is_early ? 0 : piece->candidate_tokens;
    plx_token_sum made = { { 0 } }, used = { { answer->tool_tokens } };

    cst_json_key(w, "usageMetadata");
    cst_json_open_object(w);
    put_count(w, "promptTokenCount", prompt);
    put_some(w, "cachedContentTokenCount", plx_token_total(&answer->cached_tokens));
    put_some(w, "candidatesTokenCount", candidates);
    put_count(w, "totalTokenCount", prompt + candidates + piece->thought_tokens + answer->tool_tokens);
    plx_put_token_details(w, "promptTokensDetails", &answer->prompt_tokens);
    plx_put_token_details(w, "cacheTokensDetails", &answer->cached_tokens);
    if (piece->image_tokens > 0 && !is_early) {
        made.of[PLX_MODALITY_TEXT] = candidates - piece->image_tokens;
        made.of[PLX_MODALITY_IMAGE] = piece->image_tokens;
        plx_put_token_details(w, "candidatesTokensDetails", &made);
    }
    put_some(w, "toolUsePromptTokenCount", answer->tool_tokens);
    plx_put_token_details(w, "toolUsePromptTokensDetails", &used);
    put_some(w, "thoughtsTokenCount", piece->thought_tokens);
    if (answer->service_tier.len > 0) put_text(w, "serviceTier", answer->service_tier);
    cst_json_close_object(w);
}

/* ---- parts ---- */

static void put_call(cst_json_writer *w, const plx_piece *piece)
{
    cst_json_key(w, "functionCall");
    cst_json_open_object(w);
    put_text(w, "name", piece->call_name);
    put_raw(w, "args", piece->call_args);
    if (piece->call_id.len > 0) put_text(w, "id", piece->call_id);
    cst_json_close_object(w);
}

static void put_pair(cst_json_writer *w, const char *key, const char *first, castor_str one, const char *second,
                     castor_str other)
{
    cst_json_key(w, key);
    cst_json_open_object(w);
    put_text(w, first, one);
    put_text(w, second, other);
    cst_json_close_object(w);
}

static void put_part(cst_json_writer *w, const plx_piece *piece)
{
    cst_json_open_object(w);
    switch (piece->kind) {
    case PLX_PIECE_THOUGHT:
    case PLX_PIECE_TEXT: put_text(w, "text", piece->text); break;
    case PLX_PIECE_CALL: put_call(w, piece); break;
    case PLX_PIECE_CODE:
        put_pair(w, "executableCode", "language", CASTOR_STR("PYTHON"), "code", piece->text);
        break;
    case PLX_PIECE_OUTPUT:
        put_pair(w, "codeExecutionResult", "outcome", CASTOR_STR("OUTCOME_OK"), "output", piece->text);
        break;
    case PLX_PIECE_BLOB: put_pair(w, "inlineData", "mimeType", piece->mime_type, "data", piece->text); break;
    case PLX_PIECE_RAW:
        cst_json_name(w, piece->call_name);
        cst_json_put_raw(w, piece->call_args);
        break;
    }
    if (piece->kind == PLX_PIECE_THOUGHT) {
        cst_json_key(w, "thought");
        cst_json_put_bool(w, true);
    }
    if (piece->signature.len > 0) put_text(w, "thoughtSignature", piece->signature);
    cst_json_close_object(w);
}

/* The same for a part that is sent in one piece. */
static void put_whole_part(cst_json_writer *w, const plx_part *part)
{
    plx_piece piece = { .kind = part->kind, .text = part->text, .mime_type = part->mime_type,
                        .call_id = part->call_id, .call_name = part->call_name, .call_args = part->call_args,
                        .signature = part->signature };

    put_part(w, &piece);
}

/* ---- candidates ---- */

static void open_content(cst_json_writer *w)
{
    cst_json_open_object(w);
    cst_json_key(w, "content");
    cst_json_open_object(w);
    cst_json_key(w, "parts");
    cst_json_open_array(w);
}

static void close_content(cst_json_writer *w)
{
    cst_json_close_array(w);
    put_text(w, "role", CASTOR_STR("model"));
    cst_json_close_object(w);
}

/* In place of open_content to close_content. */
static void put_no_parts(cst_json_writer *w, plx_content_kind kind)
{
    cst_json_open_object(w);
    if (kind == PLX_CONTENT_NONE) return;
    cst_json_key(w, "content");
    cst_json_open_object(w);
    if (kind == PLX_CONTENT_ROLE) put_text(w, "role", CASTOR_STR("model"));
    cst_json_close_object(w);
}

static void put_extras(cst_json_writer *w, const plx_candidate *candidate, bool first, bool last)
{
    for (const plx_extra *extra = candidate->extras; extra; extra = extra->next) {
        if (extra->comes_first ? first : last) put_raw(w, extra->key, extra->json);
    }
}

/* What stands behind the content; `finish` NULL: more of this candidate follows. */
static void close_candidate(cst_json_writer *w, const plx_candidate *candidate, uint32_t index, const char *finish,
                            bool is_first)
{
    if (finish) put_text(w, "finishReason", castor_str_of(finish));
    put_count(w, "index", index);
    put_extras(w, candidate, is_first, finish != NULL);
    if (finish && candidate->finish_message.len > 0) put_text(w, "finishMessage", candidate->finish_message);
    if (finish && candidate->continuation_token.len > 0) {
        put_text(w, "continuationToken", candidate->continuation_token);
    }
    cst_json_close_object(w);
}

static void put_names(cst_json_writer *w, const plx_answer *answer)
{
    put_text(w, "modelVersion", answer->model_version);
    put_text(w, "responseId", answer->response_id);
}

static void put_feedback(cst_json_writer *w, const plx_answer *answer)
{
    cst_json_key(w, "promptFeedback");
    cst_json_open_object(w);
    put_text(w, "blockReason", castor_str_of(answer->block_reason));
    cst_json_close_object(w);
}

/* ---- streams ---- */

/* A last piece without words or signature has no part, but for a plain stop, which has an empty one. */
static bool has_part(const plx_candidate *candidate, const plx_piece *piece)
{
    if (piece->kind != PLX_PIECE_TEXT || piece->text.len > 0 || piece->signature.len > 0) return true;
    return candidate->content == PLX_CONTENT_PARTS && piece->finish && strcmp(piece->finish, "STOP") == 0;
}

static void put_piece_candidate(cst_json_writer *w, const plx_answer *answer, const plx_piece *piece)
{
    const plx_candidate *candidate = &answer->candidates[piece->candidate];

    cst_json_key(w, "candidates");
    cst_json_open_array(w);
    if (has_part(candidate, piece)) {
        open_content(w);
        put_part(w, piece);
        close_content(w);
    } else {
        put_no_parts(w, candidate->content == PLX_CONTENT_PARTS ? PLX_CONTENT_ROLE : candidate->content);
    }
    close_candidate(w, candidate, piece->candidate, piece->finish, piece->is_first);
    cst_json_close_array(w);
}

static void put_piece(cst_json_writer *w, const plx_answer *answer, const plx_piece *piece)
{
    cst_json_open_object(w);
    if (answer->block_reason) put_feedback(w, answer);
    else put_piece_candidate(w, answer, piece);
    put_usage(w, answer, piece);
    put_names(w, answer);
    cst_json_close_object(w);
}

static castor_status print_styled_piece(const plx_answer *answer, const plx_piece *piece, plx_json_style style,
                                        cst_buf *out)
{
    cst_buf         json;
    cst_json_writer writer = cst_json_writer_to(&json);

    cst_buf_init(&json, out->allocator, out->max);
    put_piece(&writer, answer, piece);
    castor_status status = writer.status;
    if (status == CASTOR_OK) status = plx_json_print_styled(out, cst_buf_view(&json), style);
    cst_buf_free(&json);
    return status;
}

static castor_status print_event(const plx_answer *answer, const plx_piece *piece, cst_buf *out)
{
    castor_status status = cst_buf_append_text(out, "data: ");

    if (status == CASTOR_OK) status = print_styled_piece(answer, piece, PLX_JSON_SPACED, out);
    if (status == CASTOR_OK) status = cst_buf_append_text(out, "\r\n\r\n");
    return status;
}

const plx_encoding plx_gemini_events = {
    .content_type = "text/event-stream",
    .is_attachment = true,
    .print_piece = print_event, /* and no [DONE]: the end is the end of the body */
};

static castor_status print_element(const plx_answer *answer, const plx_piece *piece, cst_buf *out)
{
    castor_status status = cst_buf_append_text(out, piece->opens_answer ? "[" : ",\r\n");

    if (status == CASTOR_OK) status = print_styled_piece(answer, piece, PLX_JSON_INDENTED, out);
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

static void put_whole_candidate(cst_json_writer *w, const plx_candidate *candidate, uint32_t index)
{
    if (candidate->part_count > 0) {
        open_content(w);
        for (size_t i = 0; i < candidate->part_count; i++) put_whole_part(w, &candidate->parts[i]);
        close_content(w);
    } else {
        put_no_parts(w, candidate->content);
    }
    close_candidate(w, candidate, index, candidate->finish, true);
}

static castor_status put_whole(cst_json_writer *w, const plx_answer *answer)
{
    plx_piece last = plx_answer_last(answer);

    cst_json_open_object(w);
    if (answer->block_reason) {
        put_feedback(w, answer);
    } else {
        cst_json_key(w, "candidates");
        cst_json_open_array(w);
        for (uint32_t i = 0; i < answer->candidate_count; i++) put_whole_candidate(w, &answer->candidates[i], i);
        cst_json_close_array(w);
    }
    put_usage(w, answer, &last);
    put_names(w, answer);
    cst_json_close_object(w);
    return w->status;
}

static castor_status print_whole(const plx_answer *answer, cst_buf *out)
{
    return plx_print_body(answer, put_whole, PLX_JSON_INDENTED, out);
}

static castor_status print_whole_line(const plx_answer *answer, cst_buf *out)
{
    return plx_print_body(answer, put_whole, PLX_JSON_SPACED, out);
}

const plx_encoding plx_gemini_whole = {
    .content_type = "application/json; charset=UTF-8",
    .print_whole = print_whole,
};

const plx_encoding plx_gemini_line = {
    .content_type = "application/json; charset=UTF-8",
    .print_whole = print_whole_line,
};
