/* encode_openai.c -- answers as the OpenAI-compatible chat completions send them.
 * SPDX-License-Identifier: MIT
 *
 * Keys in alphabetic order and the role in every chunk, as recorded. Thoughts do not show here; they only count in
 * total_tokens.
 */
#include "generate/encoding.h"
#include "json_writer.h"

static void put_count(cst_json_writer *w, const char *key, uint64_t count)
{
    cst_json_key(w, key);
    cst_json_put_integer(w, (int64_t)count);
}

static void put_text(cst_json_writer *w, const char *key, castor_str text)
{
    cst_json_key(w, key);
    cst_json_put_string(w, text);
}

static castor_str finish_of(const char *finish)
{
    return strcmp(finish, "MAX_TOKENS") == 0 ? CASTOR_STR("length") : CASTOR_STR("stop");
}

static void put_names(cst_json_writer *w, const plx_answer *answer, castor_str object)
{
    put_count(w, "created", (uint64_t)answer->created_s);
    put_text(w, "id", answer->response_id);
    put_text(w, "model", answer->model_version);
    put_text(w, "object", object);
}

static void put_usage(cst_json_writer *w, const plx_answer *answer)
{
    const plx_piece *last = plx_answer_last(answer);
    uint64_t         prompt = answer->ask->prompt_tokens;

    cst_json_key(w, "usage");
    cst_json_open_object(w);
    put_count(w, "completion_tokens", last->candidate_tokens);
    put_count(w, "prompt_tokens", prompt);
    put_count(w, "total_tokens", prompt + last->candidate_tokens + last->thought_tokens);
    cst_json_close_object(w);
}

/* ---- events ---- */

static void put_choice(cst_json_writer *w, const plx_piece *piece)
{
    cst_json_open_object(w);
    cst_json_key(w, "delta");
    cst_json_open_object(w);
    put_text(w, "content", piece->text);
    put_text(w, "role", CASTOR_STR("assistant"));
    cst_json_close_object(w);
    if (piece->finish) put_text(w, "finish_reason", finish_of(piece->finish));
    put_count(w, "index", piece->candidate);
    cst_json_close_object(w);
}

static castor_status print_event(const plx_answer *answer, size_t index, cst_buf *out)
{
    const plx_piece *piece = &answer->pieces[index];
    cst_json_writer  w = cst_json_writer_to(out);

    if (piece->kind == PLX_PIECE_THOUGHT) return CASTOR_OK;
    castor_status status = cst_buf_append_text(out, "data: ");
    if (status != CASTOR_OK) return status;
    cst_json_open_object(&w);
    cst_json_key(&w, "choices");
    cst_json_open_array(&w);
    put_choice(&w, piece);
    cst_json_close_array(&w);
    put_names(&w, answer, CASTOR_STR("chat.completion.chunk"));
    if (answer->ask->wants_usage && index + 1 == answer->piece_count) put_usage(&w, answer);
    cst_json_close_object(&w);
    return w.status == CASTOR_OK ? cst_buf_append_text(out, "\n\n") : w.status;
}

static castor_status print_done(const plx_answer *answer, cst_buf *out)
{
    (void)answer;
    return cst_buf_append_text(out, "data: [DONE]\n\n");
}

const plx_encoding plx_openai_events = {
    .content_type = "text/event-stream",
    .print_piece = print_event,
    .print_end = print_done,
};

/* ---- whole ---- */

static castor_status put_whole_choice(cst_json_writer *w, const plx_answer *answer, uint32_t index)
{
    cst_buf     text;
    const char *finish = "STOP";

    cst_buf_init(&text, cst_allocator_default(), PLX_EVENT_BYTES_MAX);
    castor_status status = plx_answer_join(answer, index, PLX_PIECE_TEXT, &text, &finish);
    cst_json_open_object(w);
    put_text(w, "finish_reason", finish_of(finish));
    put_count(w, "index", index);
    cst_json_key(w, "message");
    cst_json_open_object(w);
    put_text(w, "content", cst_buf_view(&text));
    put_text(w, "role", CASTOR_STR("assistant"));
    cst_json_close_object(w);
    cst_json_close_object(w);
    cst_buf_free(&text);
    return status;
}

static castor_status print_whole(const plx_answer *answer, cst_buf *out)
{
    cst_json_writer w = cst_json_writer_to(out);
    castor_status   status = CASTOR_OK;

    cst_json_open_object(&w);
    cst_json_key(&w, "choices");
    cst_json_open_array(&w);
    for (uint32_t i = 0; i < (uint32_t)answer->ask->candidate_count && status == CASTOR_OK; i++) {
        status = put_whole_choice(&w, answer, i);
    }
    cst_json_close_array(&w);
    put_names(&w, answer, CASTOR_STR("chat.completion"));
    put_usage(&w, answer);
    cst_json_close_object(&w);
    return status == CASTOR_OK ? w.status : status;
}

const plx_encoding plx_openai_whole = {
    .content_type = "application/json",
    .print_whole = print_whole,
};
