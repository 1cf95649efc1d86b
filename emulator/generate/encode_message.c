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

/* Why there are no candidates: these methods knew two reasons. */
static void put_filters(cst_json_writer *w, const plx_answer *answer)
{
    bool is_safety = strcmp(answer->block_reason, "SAFETY") == 0;

    cst_json_key(w, "filters");
    cst_json_open_array(w);
    cst_json_open_object(w);
    put_text(w, "reason", is_safety ? CASTOR_STR("SAFETY") : CASTOR_STR("OTHER"));
    cst_json_close_object(w);
    cst_json_close_array(w);
}

/* ---- lines ---- */

static castor_status print_object(const plx_answer *answer, const plx_piece *piece, cst_buf *out)
{
    cst_json_writer w = cst_json_writer_to(out);

    cst_json_open_object(&w);
    if (answer->block_reason) {
        put_filters(&w, answer);
    } else {
        cst_json_key(&w, "candidates");
        cst_json_open_array(&w);
        cst_json_open_object(&w);
        put_text(&w, "content", piece->text);
        if (answer->candidate_count > 1) {
            cst_json_key(&w, "index");
            cst_json_put_integer(&w, piece->candidate);
        }
        cst_json_close_object(&w);
        cst_json_close_array(&w);
    }
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

/* The text of a candidate as `key`, behind what `put_before` writes. */
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
    castor_status status = CASTOR_OK;

    cst_json_open_object(w);
    if (!answer->block_reason) status = put_candidates(w, answer, "content", true);
    cst_json_key(w, "messages");
    cst_json_put_raw(w, answer->echo);
    if (answer->block_reason) put_filters(w, answer);
    cst_json_close_object(w);
    return status == CASTOR_OK ? w->status : status;
}

static castor_status put_output(cst_json_writer *w, const plx_answer *answer)
{
    castor_status status = CASTOR_OK;

    cst_json_open_object(w);
    if (answer->block_reason) put_filters(w, answer);
    else status = put_candidates(w, answer, "output", false);
    cst_json_close_object(w);
    return status == CASTOR_OK ? w->status : status;
}

static castor_status print_message(const plx_answer *answer, cst_buf *out)
{
    return plx_print_indented(answer, put_message, out);
}

static castor_status print_output(const plx_answer *answer, cst_buf *out)
{
    return plx_print_indented(answer, put_output, out);
}

const plx_encoding plx_message_whole = {
    .content_type = "application/json; charset=UTF-8",
    .print_whole = print_message,
};

const plx_encoding plx_text_whole = {
    .content_type = "application/json; charset=UTF-8",
    .print_whole = print_output,
};
