/* encode_message.c -- answers as the decommissioned generateMessage sent them, and as tutorials stream them.
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

/* ---- lines ---- */

static castor_status print_object(const plx_answer *answer, size_t index, cst_buf *out)
{
    const plx_piece *piece = &answer->pieces[index];
    cst_json_writer  w = cst_json_writer_to(out);

    cst_json_open_object(&w);
    cst_json_key(&w, "candidates");
    cst_json_open_array(&w);
    cst_json_open_object(&w);
    put_text(&w, "content", piece->text);
    if (answer->ask->candidate_count > 1) {
        cst_json_key(&w, "index");
        cst_json_put_integer(&w, piece->candidate);
    }
    cst_json_close_object(&w);
    cst_json_close_array(&w);
    cst_json_key(&w, "done");
    cst_json_put_bool(&w, index + 1 == answer->piece_count);
    cst_json_close_object(&w);
    return w.status;
}

static castor_status print_line(const plx_answer *answer, size_t index, cst_buf *out)
{
    castor_status status = print_object(answer, index, out);

    return status == CASTOR_OK ? cst_buf_append_text(out, "\n") : status;
}

const plx_encoding plx_message_lines = {
    .content_type = "application/json; charset=UTF-8",
    .print_piece = print_line,
};

static castor_status print_event(const plx_answer *answer, size_t index, cst_buf *out)
{
    castor_status status = cst_buf_append_text(out, "data: ");

    if (status == CASTOR_OK) status = print_object(answer, index, out);
    return status == CASTOR_OK ? cst_buf_append_text(out, "\r\n\r\n") : status;
}

const plx_encoding plx_message_events = {
    .content_type = "text/event-stream",
    .is_attachment = true,
    .print_piece = print_event,
};

/* ---- whole ---- */

static castor_status put_candidate(cst_json_writer *w, const plx_answer *answer, uint32_t index)
{
    cst_buf     text;
    const char *finish = NULL;

    cst_buf_init(&text, cst_allocator_default(), PLX_EVENT_BYTES_MAX);
    castor_status status = plx_answer_join(answer, index, PLX_PIECE_TEXT, &text, &finish);
    cst_json_open_object(w);
    put_text(w, "author", CASTOR_STR("1"));
    put_text(w, "content", cst_buf_view(&text));
    cst_json_close_object(w);
    cst_buf_free(&text);
    return status;
}

static void put_echo(cst_json_writer *w, const plx_ask *ask)
{
    plx_list        each = plx_list_of(ask->echo);
    const cst_json *message;

    cst_json_key(w, "messages");
    cst_json_open_array(w);
    for (size_t i = 0; (message = plx_list_next(&each)); i++) {
        castor_str author = cst_json_string(plx_field_get(message, "author"));
        cst_json_open_object(w);
        put_text(w, "author", author.len > 0 ? author : i % 2 == 0 ? CASTOR_STR("0") : CASTOR_STR("1"));
        put_text(w, "content", cst_json_string(plx_field_get(message, "content")));
        cst_json_close_object(w);
    }
    if (!ask->echo) {
        cst_json_open_object(w);
        put_text(w, "author", CASTOR_STR("0"));
        put_text(w, "content", ask->prompt);
        cst_json_close_object(w);
    }
    cst_json_close_array(w);
}

static castor_status put_whole(cst_json_writer *w, const plx_answer *answer)
{
    castor_status status = CASTOR_OK;

    cst_json_open_object(w);
    cst_json_key(w, "candidates");
    cst_json_open_array(w);
    for (uint32_t i = 0; i < (uint32_t)answer->ask->candidate_count && status == CASTOR_OK; i++) {
        status = put_candidate(w, answer, i);
    }
    cst_json_close_array(w);
    put_echo(w, answer->ask);
    cst_json_close_object(w);
    return status == CASTOR_OK ? w->status : status;
}

static castor_status print_whole(const plx_answer *answer, cst_buf *out)
{
    return plx_print_indented(answer, put_whole, out);
}

const plx_encoding plx_message_whole = {
    .content_type = "application/json; charset=UTF-8",
    .print_whole = print_whole,
};
