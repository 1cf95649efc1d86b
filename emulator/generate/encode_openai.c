/* encode_openai.c -- answers as the OpenAI-compatible chat completions send them.
 * SPDX-License-Identifier: MIT
 *
 * Keys in alphabetic order and the role in every chunk, as recorded. Thoughts show as content in <thought> tags, marked
 * in extra_content, when they were asked for; tokens of hidden ones count in total_tokens alone. Code that was run and
 * pictures have no place here; what they say is left out.
 */
#include "generate/encoding.h"
#include "json_writer.h"

enum { CALL_ID_MAX = 48 };

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

static void put_names(cst_json_writer *w, const plx_answer *answer, castor_str object)
{
    put_count(w, "created", (uint64_t)answer->created_s);
    put_text(w, "id", answer->response_id);
    put_text(w, "model", answer->model_version);
    put_text(w, "object", object);
}

static void put_usage(cst_json_writer *w, const plx_answer *answer, const plx_piece *last)
{
    uint64_t prompt = plx_token_total(&answer->prompt_tokens) + answer->tool_tokens;

    cst_json_key(w, "usage");
    cst_json_open_object(w);
    put_count(w, "completion_tokens", last->candidate_tokens);
    put_count(w, "prompt_tokens", prompt);
    put_count(w, "total_tokens", prompt + last->candidate_tokens + last->thought_tokens);
    cst_json_close_object(w);
}

/* ---- why it ended ---- */

/* As observed: what was filtered is named behind a colon. */
static void put_finish(cst_json_writer *w, const char *finish, bool has_calls)
{
    static const char *const plain[][2] = {
        { "STOP", "stop" }, { "MAX_TOKENS", "length" }, { "CONTINUATION", "length" }, { "OTHER", "stop" },
        { "LANGUAGE", "stop" },
    };
    bool is_call = strstr(finish, "FUNCTION_CALL") || strstr(finish, "TOOL_CALL");
    char text[96];

    cst_copy_text(text, sizeof text, is_call ? CASTOR_STR("function_call_filter: ") : CASTOR_STR("content_filter: "));
    size_t len = strlen(text);
    cst_copy_text(text + len, sizeof text - len, castor_str_of(finish));
    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++) {
        if (strcmp(finish, plain[i][0]) == 0) cst_copy_text(text, sizeof text, castor_str_of(plain[i][1]));
    }
    if (has_calls && strcmp(finish, "STOP") == 0) cst_copy_text(text, sizeof text, CASTOR_STR("tool_calls"));
    put_text(w, "finish_reason", castor_str_of(text));
}

static bool has_calls(const plx_candidate *candidate)
{
    for (size_t i = 0; i < candidate->part_count; i++) {
        if (candidate->parts[i].kind == PLX_PIECE_CALL) return true;
    }
    return false;
}

/* ---- calls ---- */

/* Models that give no id get one here, made of the answer's: clients of this surface cannot do without. */
static void put_call_id(cst_json_writer *w, const plx_answer *answer, const plx_piece *piece)
{
    char   id[CALL_ID_MAX];
    char   number[2] = { (char)('0' + piece->call_index % 10), '\0' };
    size_t len = strlen("function-call-");

    cst_copy_text(id, sizeof id, CASTOR_STR("function-call-"));
    cst_copy_text(id + len, sizeof id - len, piece->call_id.len > 0 ? piece->call_id : answer->response_id);
    len = strlen(id);
    if (piece->call_id.len == 0) cst_copy_text(id + len, sizeof id - len, castor_str_of(number));
    put_text(w, "id", castor_str_of(id));
}

/* `index` negative: a whole answer, which has none. */
static void put_call(cst_json_writer *w, const plx_answer *answer, const plx_piece *piece, int64_t index)
{
    cst_json_open_object(w);
    if (piece->signature.len > 0) {
        cst_json_key(w, "extra_content");
        cst_json_open_object(w);
        cst_json_key(w, "google");
        cst_json_open_object(w);
        put_text(w, "thought_signature", piece->signature);
        cst_json_close_object(w);
        cst_json_close_object(w);
    }
    cst_json_key(w, "function");
    cst_json_open_object(w);
    put_text(w, "arguments", piece->call_args);
    put_text(w, "name", piece->call_name);
    cst_json_close_object(w);
    put_call_id(w, answer, piece);
    if (index >= 0) put_count(w, "index", (uint64_t)index);
    put_text(w, "type", CASTOR_STR("function"));
    cst_json_close_object(w);
}

/* ---- events ---- */

static void put_thought_mark(cst_json_writer *w)
{
    cst_json_key(w, "extra_content");
    cst_json_put_raw(w, CASTOR_STR("{\"google\":{\"thought\":true}}"));
}

static bool has_words(const plx_piece *piece)
{
    return piece->kind == PLX_PIECE_TEXT || piece->kind == PLX_PIECE_THOUGHT || piece->ends_thought;
}

/* The tags stand in front of the first thought, and of the first piece behind the last one. */
static castor_status put_content(cst_json_writer *w, const plx_piece *piece)
{
    bool          is_words = piece->kind == PLX_PIECE_TEXT || piece->kind == PLX_PIECE_THOUGHT;
    castor_status status = CASTOR_OK;
    cst_buf       text;

    cst_buf_init(&text, cst_allocator_default(), PLX_EVENT_BYTES_MAX);
    if (piece->begins_thought) status = cst_buf_append_text(&text, "<thought>");
    if (piece->ends_thought) status = cst_buf_append_text(&text, "</thought>");
    if (status == CASTOR_OK && is_words) status = cst_buf_append_str(&text, piece->text);
    if (status == CASTOR_OK) put_text(w, "content", cst_buf_view(&text));
    cst_buf_free(&text);
    if (piece->kind == PLX_PIECE_THOUGHT) put_thought_mark(w);
    return status;
}

static castor_status put_delta(cst_json_writer *w, const plx_answer *answer, const plx_piece *piece)
{
    castor_status status = CASTOR_OK;

    cst_json_key(w, "delta");
    cst_json_open_object(w);
    if (has_words(piece)) status = put_content(w, piece);
    put_text(w, "role", CASTOR_STR("assistant"));
    if (piece->kind == PLX_PIECE_CALL) {
        cst_json_key(w, "tool_calls");
        cst_json_open_array(w);
        put_call(w, answer, piece, piece->call_index);
        cst_json_close_array(w);
    }
    cst_json_close_object(w);
    return status;
}

static castor_status put_choice(cst_json_writer *w, const plx_answer *answer, const plx_piece *piece)
{
    const char   *finish = answer->block_reason ? answer->block_reason : piece->finish;
    castor_status status = CASTOR_OK;

    cst_json_open_object(w);
    if (!answer->block_reason) status = put_delta(w, answer, piece);
    if (finish) put_finish(w, finish, piece->follows_calls);
    put_count(w, "index", piece->candidate);
    cst_json_close_object(w);
    return status;
}

static bool is_shown(const plx_piece *piece)
{
    return has_words(piece) || piece->kind == PLX_PIECE_CALL || piece->finish;
}

static castor_status print_event(const plx_answer *answer, const plx_piece *piece, cst_buf *out)
{
    cst_json_writer w = cst_json_writer_to(out);

    if (!answer->block_reason && !is_shown(piece)) return CASTOR_OK;
    castor_status status = cst_buf_append_text(out, "data: ");
    if (status != CASTOR_OK) return status;
    cst_json_open_object(&w);
    cst_json_key(&w, "choices");
    cst_json_open_array(&w);
    status = put_choice(&w, answer, piece);
    cst_json_close_array(&w);
    put_names(&w, answer, CASTOR_STR("chat.completion.chunk"));
    if (answer->wants_usage && piece->is_last) put_usage(&w, answer, piece);
    cst_json_close_object(&w);
    if (status == CASTOR_OK) status = w.status;
    return status == CASTOR_OK ? cst_buf_append_text(out, "\n\n") : status;
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

static castor_status join_content(const plx_answer *answer, uint32_t index, cst_buf *out)
{
    cst_buf       thought;
    castor_status status;

    cst_buf_init(&thought, cst_allocator_default(), PLX_EVENT_BYTES_MAX);
    status = plx_answer_join(answer, index, PLX_PIECE_THOUGHT, &thought);
    if (status == CASTOR_OK && thought.len > 0) {
        status = cst_buf_append_text(out, "<thought>");
        if (status == CASTOR_OK) status = cst_buf_append_str(out, cst_buf_view(&thought));
        if (status == CASTOR_OK) status = cst_buf_append_text(out, "</thought>");
    }
    cst_buf_free(&thought);
    return status == CASTOR_OK ? plx_answer_join(answer, index, PLX_PIECE_TEXT, out) : status;
}

static void put_calls(cst_json_writer *w, const plx_answer *answer, const plx_candidate *candidate)
{
    uint32_t count = 0;

    cst_json_key(w, "tool_calls");
    cst_json_open_array(w);
    for (size_t i = 0; i < candidate->part_count; i++) {
        const plx_part *part = &candidate->parts[i];
        plx_piece       piece = { .kind = part->kind, .call_index = count, .call_id = part->call_id,
                                  .call_name = part->call_name,
                                  .call_args = part->call_args, .signature = part->signature };
        if (part->kind != PLX_PIECE_CALL) continue;
        put_call(w, answer, &piece, -1);
        count++;
    }
    cst_json_close_array(w);
}

static castor_status put_whole_choice(cst_json_writer *w, const plx_answer *answer, uint32_t index)
{
    const plx_candidate *candidate = &answer->candidates[index];
    bool                 calls = has_calls(candidate);
    cst_buf              text;

    cst_buf_init(&text, cst_allocator_default(), PLX_EVENT_BYTES_MAX);
    castor_status status = join_content(answer, index, &text);
    cst_json_open_object(w);
    put_finish(w, candidate->finish, calls);
    put_count(w, "index", index);
    cst_json_key(w, "message");
    cst_json_open_object(w);
    if (text.len > 0 || !calls) put_text(w, "content", cst_buf_view(&text));
    put_text(w, "role", CASTOR_STR("assistant"));
    if (calls) put_calls(w, answer, candidate);
    cst_json_close_object(w);
    cst_json_close_object(w);
    cst_buf_free(&text);
    return status;
}

static void put_blocked_choice(cst_json_writer *w, const plx_answer *answer)
{
    cst_json_open_object(w);
    put_finish(w, answer->block_reason, false);
    put_count(w, "index", 0);
    cst_json_key(w, "message");
    cst_json_open_object(w);
    put_text(w, "role", CASTOR_STR("assistant"));
    cst_json_close_object(w);
    cst_json_close_object(w);
}

static castor_status print_whole(const plx_answer *answer, cst_buf *out)
{
    cst_json_writer w = cst_json_writer_to(out);
    castor_status   status = CASTOR_OK;
    plx_piece       last = plx_answer_last(answer);

    cst_json_open_object(&w);
    cst_json_key(&w, "choices");
    cst_json_open_array(&w);
    if (answer->block_reason) put_blocked_choice(&w, answer);
    for (uint32_t i = 0; i < answer->candidate_count && status == CASTOR_OK; i++) {
        status = put_whole_choice(&w, answer, i);
    }
    cst_json_close_array(&w);
    put_names(&w, answer, CASTOR_STR("chat.completion"));
    put_usage(&w, answer, &last);
    cst_json_close_object(&w);
    return status == CASTOR_OK ? w.status : status;
}

const plx_encoding plx_openai_whole = {
    .content_type = "application/json",
    .print_whole = print_whole,
};
