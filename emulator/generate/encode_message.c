/* encode_message.c -- answers as the decommissioned generateMessage and generateText sent them, and as tutorials stream
 * the first.
 * SPDX-License-Identifier: MIT
 *
 * The real method never streamed. What tutorials show for "stream": true is one object a line:
 *     {"candidates":[{"content":"..."}],"done":false}
 */
#include "generate/encoding.h"
#include "proto/json_style.h"
#include "json_writer.h"

static void put_text(cst_json_writer *w, const char *key, castor_str text)
{
    cst_json_key(w, key);
    cst_json_put_string(w, text);
}

/* ---- what was held back ---- */

static bool is_held_back(const char *finish)
{
    return finish && strcmp(finish, "STOP") != 0 && strcmp(finish, "MAX_TOKENS") != 0;
}

/* Why there is no answer: the prompt was blocked, or the candidates, which end alike, were. NULL: there is one. */
static const char *reason_of(const plx_answer *answer)
{
    const char *finish = answer->candidate_count > 0 ? answer->candidates[0].finish : NULL;

    if (answer->block_reason) return answer->block_reason;
    return is_held_back(finish) ? finish : NULL;
}

/* These methods knew two reasons. */
static void put_filters(cst_json_writer *w, const char *reason)
{
    bool is_safety = strcmp(reason, "SAFETY") == 0;

    cst_json_key(w, "filters");
    cst_json_open_array(w);
    cst_json_open_object(w);
    put_text(w, "reason", is_safety ? CASTOR_STR("SAFETY") : CASTOR_STR("OTHER"));
    cst_json_close_object(w);
    cst_json_close_array(w);
}

/* ---- lines ---- */

static void put_piece(cst_json_writer *w, const plx_answer *answer, const plx_piece *piece)
{
    cst_json_key(w, "candidates");
    cst_json_open_array(w);
    cst_json_open_object(w);
    put_text(w, "content", piece->text);
    if (answer->candidate_count > 1) {
        cst_json_key(w, "index");
        cst_json_put_integer(w, piece->candidate);
    }
    cst_json_close_object(w);
    cst_json_close_array(w);
}

/* What was told before it was held back cannot be taken back. */
static castor_status print_object(const plx_answer *answer, const plx_piece *piece, cst_buf *out)
{
    const char     *reason = answer->block_reason ? answer->block_reason : piece->finish;
    bool            is_filtered = answer->block_reason || is_held_back(piece->finish);
    cst_json_writer w = cst_json_writer_to(out);

    cst_json_open_object(&w);
    if (!is_filtered || piece->text.len > 0) put_piece(&w, answer, piece);
    if (is_filtered) put_filters(&w, reason);
    cst_json_key(&w, "done");
    cst_json_put_bool(&w, piece->is_last);
    cst_json_close_object(&w);
    return w.status;
}

static castor_status print_line(const plx_answer *answer, const plx_piece *piece, cst_buf *out)
{
    castor_status status = print_object(answer, piece, out);

    return status == CASTOR_OK ? cst_buf_append_text(out, "\n") : status;
}

const plx_encoding plx_message_lines = {
    .content_type = "application/json; charset=UTF-8",
    .print_piece = print_line,
};

static castor_status print_event(const plx_answer *answer, const plx_piece *piece, cst_buf *out)
{
    castor_status status = cst_buf_append_text(out, "data: ");

    if (status == CASTOR_OK) status = print_object(answer, piece, out);
    return status == CASTOR_OK ? cst_buf_append_text(out, "\r\n\r\n") : status;
}

const plx_encoding plx_message_events = {
    .content_type = "text/event-stream",
    .is_attachment = true,
    .print_piece = print_event,
};

/* ---- whole ---- */

static void put_citations(cst_json_writer *w, const plx_candidate *candidate)
{
    for (const plx_extra *extra = candidate->extras; extra; extra = extra->next) {
        if (strcmp(extra->key, "citationMetadata") != 0) continue;
        cst_json_key(w, extra->key);
        cst_json_put_raw(w, extra->json);
    }
}

/* The text of each candidate as `key`. */
static castor_status put_candidates(cst_json_writer *w, const plx_answer *answer, const char *key, bool has_author)
{
    castor_status status = CASTOR_OK;
    cst_buf       text;

    cst_buf_init(&text, cst_allocator_default(), PLX_EVENT_BYTES_MAX);
    cst_json_key(w, "candidates");
    cst_json_open_array(w);
    for (uint32_t i = 0; i < answer->candidate_count && status == CASTOR_OK; i++) {
        text.len = 0;
        status = plx_answer_join(answer, i, PLX_PIECE_TEXT, &text);
        cst_json_open_object(w);
        if (has_author) put_text(w, "author", CASTOR_STR("1"));
        put_text(w, key, cst_buf_view(&text));
        put_citations(w, &answer->candidates[i]);
        if (!has_author) {
            cst_json_key(w, "safetyRatings");
            cst_json_put_raw(w,
                             CASTOR_STR("[{\"category\":\"HARM_CATEGORY_TOXICITY\",\"probability\":\"NEGLIGIBLE\"}]"));
        }
        cst_json_close_object(w);
    }
    cst_json_close_array(w);
    cst_buf_free(&text);
    return status;
}

static castor_status put_message(cst_json_writer *w, const plx_answer *answer)
{
    const char   *reason = reason_of(answer);
    castor_status status = CASTOR_OK;

    cst_json_open_object(w);
    if (!reason) status = put_candidates(w, answer, "content", true);
    cst_json_key(w, "messages");
    cst_json_put_raw(w, answer->echo);
    if (reason) put_filters(w, reason);
    cst_json_close_object(w);
    return status == CASTOR_OK ? w->status : status;
}

static castor_status put_output(cst_json_writer *w, const plx_answer *answer)
{
    const char   *reason = reason_of(answer);
    castor_status status = CASTOR_OK;

    cst_json_open_object(w);
    if (reason) put_filters(w, reason);
    else status = put_candidates(w, answer, "output", false);
    cst_json_close_object(w);
    return status == CASTOR_OK ? w->status : status;
}

static castor_status print_message(const plx_answer *answer, cst_buf *out)
{
    return plx_print_body(answer, put_message, PLX_JSON_INDENTED, out);
}

static castor_status print_output(const plx_answer *answer, cst_buf *out)
{
    return plx_print_body(answer, put_output, PLX_JSON_INDENTED, out);
}

const plx_encoding plx_message_whole = {
    .content_type = "application/json; charset=UTF-8",
    .print_whole = print_message,
};

const plx_encoding plx_text_whole = {
    .content_type = "application/json; charset=UTF-8",
    .print_whole = print_output,
};
