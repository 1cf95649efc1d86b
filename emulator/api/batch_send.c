/* batch_send.c -- a batch as JSON: an operation, sent piece by piece when its results stand in it.
 * SPDX-License-Identifier: MIT
 *
 * Results can be many megabytes, twice over: so they are not printed with the rest. The operation is printed whole with
 * a mark in the place of each list of results, and what is sent is the text up to the mark, the results one by one, and
 * so on. A mark is an "@" on a line of its own, which no string can hold, since a line end is an escape there.
 */
#include <stdio.h>

#include "api/batches.h"
#include "proto/json_style.h"

#define MARK "@"
#define PACKAGE "type.googleapis.com/google.ai.generativelanguage.v1main."

/* ---- as JSON ---- */

static void put_count(cst_json_writer *w, const char *key, uint64_t count)
{
    if (count > 0) plx_put_int64(w, key, (int64_t)count);
}

static void put_stats(cst_json_writer *w, const plx_batch *batch)
{
    bool has_results = batch->end == PLX_BATCH_SUCCEEDED;

    cst_json_key(w, "batchStats");
    cst_json_open_object(w);
    put_count(w, "requestCount", batch->row_count);
    if (has_results) {
        put_count(w, "successfulRequestCount", batch->answered_count - batch->failed_count);
        put_count(w, "failedRequestCount", batch->failed_count);
    } else if (!batch->end) {
        put_count(w, "pendingRequestCount", batch->row_count);
    }
    cst_json_close_object(w);
}

static void put_type(cst_json_writer *w, const char *type)
{
    char full[160];

    snprintf(full, sizeof full, PACKAGE "%s", type);
    cst_json_put_member(w, "@type", full);
}

/* {"inlinedResponses":{"inlinedResponses":[...]}} and the like, or the file. */
static void put_output(cst_json_writer *w, const plx_batch *batch, bool shows_type)
{
    cst_json_open_object(w);
    if (shows_type) put_type(w, batch->kind->output_type);
    if (batch->is_file) {
        cst_json_put_member(w, "responsesFile", batch->results_name);
    } else {
        cst_json_key(w, batch->kind->list);
        cst_json_open_object(w);
        cst_json_key(w, "inlinedResponses");
        cst_json_open_array(w);
        cst_json_put_raw(w, CASTOR_STR(MARK));
        cst_json_close_array(w);
        cst_json_close_object(w);
    }
    cst_json_close_object(w);
}

static const char *name_of_state(plx_batch_state state)
{
    static const char *const names[] = { "BATCH_STATE_PENDING", "BATCH_STATE_RUNNING", "BATCH_STATE_SUCCEEDED",
                                         "BATCH_STATE_FAILED", "BATCH_STATE_CANCELLED", "BATCH_STATE_EXPIRED" };

    return names[state];
}

void plx_batch_put_metadata(cst_json_writer *w, const plx_batch *batch, int64_t now_us, bool shows_output,
                            bool shows_type)
{
    plx_batch_state state = plx_batch_state_at(batch, now_us);

    cst_json_open_object(w);
    if (shows_type) put_type(w, batch->kind->type);
    cst_json_put_member(w, "model", batch->model);
    if (batch->display_name[0]) cst_json_put_member(w, "displayName", batch->display_name);
    if (shows_output) {
        cst_json_key(w, "output");
        put_output(w, batch, false);
    }
    plx_put_time(w, "createTime", batch->shelved.created_us);
    if (batch->end) plx_put_time(w, "endTime", batch->ended_us);
    plx_put_time(w, "updateTime", state == PLX_BATCH_RUNNING && batch->shelved.updated_us < batch->running_us
                                      ? batch->running_us : batch->shelved.updated_us);
    put_stats(w, batch);
    cst_json_put_member(w, "state", name_of_state(state));
    if (batch->priority) plx_put_int64(w, "priority", batch->priority);
    cst_json_put_member(w, "name", batch->shelved.name);
    cst_json_close_object(w);
}

/* Of an end without results, as google.longrunning has it. */
static void put_error(cst_json_writer *w, const plx_batch *batch)
{
    static const struct {
        int         code; /* google.rpc.Code */
        const char *message;
    } errors[] = {
        [PLX_BATCH_FAILED] = { 3, NULL },
        [PLX_BATCH_CANCELLED] = { 1, "The batch was cancelled." },
        [PLX_BATCH_EXPIRED] = { 4, "The batch expired: it was pending or running for more than 48 hours." },
    };

    cst_json_key(w, "error");
    cst_json_open_object(w);
    cst_json_key(w, "code");
    cst_json_put_integer(w, errors[batch->end].code);
    cst_json_put_member(w, "message", batch->end == PLX_BATCH_FAILED ? batch->why : errors[batch->end].message);
    cst_json_close_object(w);
}

void plx_batch_put(cst_json_writer *w, const plx_batch *batch, const plx_exchange *e, bool is_listed)
{
    bool shows_output = batch->end == PLX_BATCH_SUCCEEDED && (batch->is_file || !is_listed);

    cst_json_open_object(w);
    cst_json_put_member(w, "name", batch->shelved.name);
    cst_json_key(w, "metadata");
    plx_batch_put_metadata(w, batch, plx_world_now_us(e->world), shows_output, true);
    if (batch->end) {
        cst_json_key(w, "done");
        cst_json_put_bool(w, true);
    }
    if (batch->end > PLX_BATCH_SUCCEEDED) put_error(w, batch);
    if (shows_output) {
        cst_json_key(w, "response");
        put_output(w, batch, true);
    }
    cst_json_close_object(w);
}

/* ---- sending ---- */

typedef struct telling {
    cst_buf        text;         /* the operation, with marks */
    size_t         at;           /* of it: what is sent next */
    bool           is_in_list;   /* of results */
    bool           is_behind_one;
    size_t         indent;       /* of a result */
    plx_blob      *results;      /* the batch may be deleted meanwhile; NULL: there are no marks */
    plx_blob_lines lines;
    cst_buf        piece;
    cst_buf        styled;
} telling;

static void on_gone(plx_exchange *e)
{
    telling *t = e->state;

    if (t->results) plx_blob_lines_free(&t->lines);
    plx_blob_drop(t->results);
    cst_buf_free(&t->text);
    cst_buf_free(&t->piece);
    cst_buf_free(&t->styled);
}

/* Where the line of the next mark begins; the end of the text when there is none. */
static size_t find_mark(const telling *t, size_t *indent)
{
    const char *text = t->text.data;

    for (size_t at = t->at; at < t->text.len;) {
        const char *end = memchr(text + at, '\n', t->text.len - at);
        size_t      next = end ? (size_t)(end - text) + 1 : t->text.len;
        for (*indent = 0; text[at + *indent] == ' '; ) ++*indent;
        if (text[at + *indent] == MARK[0]) return at;
        at = next;
    }
    return t->text.len;
}

/* Up to the next mark, or to the end. */
static castor_status take_text(telling *t)
{
    size_t        end = find_mark(t, &t->indent);
    castor_status status = cst_buf_append(&t->piece, t->text.data + t->at, end - t->at);

    t->at = end;
    if (end == t->text.len || status != CASTOR_OK) return status;
    t->at += t->indent + strlen(MARK);
    t->is_in_list = true;
    t->is_behind_one = false;
    plx_blob_lines_free(&t->lines);
    plx_blob_lines_init(&t->lines, t->results);
    return CASTOR_OK;
}

static castor_status append_indent(telling *t)
{
    castor_status status = CASTOR_OK;

    for (size_t i = 0; i < t->indent && status == CASTOR_OK; i++) status = cst_buf_append(&t->piece, " ", 1);
    return status;
}

/* A result in the style of the rest, each of its lines moved to its place. */
static castor_status append_result(telling *t, castor_str result)
{
    castor_status status = t->is_behind_one ? cst_buf_append_text(&t->piece, ",\n") : CASTOR_OK;

    t->is_behind_one = true;
    t->styled.len = 0;
    if (status == CASTOR_OK) status = plx_json_print_styled(&t->styled, result, PLX_JSON_INDENTED);
    for (size_t at = 0; status == CASTOR_OK && at < t->styled.len;) {
        const char *end = memchr(t->styled.data + at, '\n', t->styled.len - at);
        size_t      len = end ? (size_t)(end - t->styled.data) + 1 - at : t->styled.len - at;
        status = append_indent(t);
        if (status == CASTOR_OK) status = cst_buf_append(&t->piece, t->styled.data + at, len);
        at += len;
    }
    return status;
}

static castor_status take_result(telling *t)
{
    castor_str    result;
    castor_status status = plx_blob_lines_next(&t->lines, &result);

    if (status != CASTOR_OK) return status;
    if (result.data) return append_result(t, result);
    t->is_in_list = false;
    return CASTOR_OK;
}

static bool is_over(const telling *t)
{
    return !t->is_in_list && t->at == t->text.len;
}

/* As much as fits into one turn of the loop. */
static void go_on(plx_exchange *e)
{
    telling      *t = e->state;
    uint64_t      until_us = plx_reply_now_us(e->reply) + PLX_BATCH_SLICE_US;
    castor_status status = CASTOR_OK;

    while (!is_over(t) && plx_reply_now_us(e->reply) < until_us && status == CASTOR_OK) {
        if (plx_reply_is_full(e->reply)) return; /* and is called again when it is not */
        t->piece.len = 0;
        while (!is_over(t) && t->piece.len < PLX_BODY_PIECE_BYTES && status == CASTOR_OK) {
            status = t->is_in_list ? take_result(t) : take_text(t);
        }
        if (status == CASTOR_OK) plx_reply_write(e->reply, cst_buf_view(&t->piece));
    }
    if (status != CASTOR_OK) plx_reply_abort(e->reply, PLX_ABORT_RESET, 0); /* no memory, when half of it is sent */
    else if (is_over(t)) plx_reply_end(e->reply);
    else plx_reply_wake_at(e->reply, plx_reply_now_us(e->reply) + PLX_TURN_US);
}

/* NULL: no memory. */
static telling *begin(plx_exchange *e, const plx_batch *batch)
{
    const cst_allocator *allocator = cst_allocator_default();
    telling             *t = cst_arena_alloc(&e->arena, sizeof *t);
    cst_buf              json;
    cst_json_writer      w = cst_json_writer_to(&json);

    if (!t) return NULL;
    *t = (telling){ .results = batch->results.facts.content ? plx_blob_share(batch->results.facts.content) : NULL };
    cst_buf_init(&t->text, allocator, PLX_SCHEMA_BYTES_MAX);
    cst_buf_init(&t->piece, allocator, PLX_EVENT_BYTES_MAX);
    cst_buf_init(&t->styled, allocator, PLX_EVENT_BYTES_MAX);
    e->state = t;
    e->on_gone = on_gone;

    cst_buf_init(&json, allocator, PLX_SCHEMA_BYTES_MAX);
    plx_batch_put(&w, batch, e, false);
    castor_status status = w.status;
    if (status == CASTOR_OK) status = plx_json_print_styled(&t->text, cst_buf_view(&json), PLX_JSON_INDENTED);
    if (status == CASTOR_OK) status = cst_buf_append_text(&t->text, "\n");
    cst_buf_free(&json);
    return status == CASTOR_OK ? t : NULL;
}

void plx_batch_send(plx_exchange *e, const plx_batch *batch)
{
    static const plx_header header = { { "content-type", 12 }, { "application/json; charset=UTF-8", 31 } };
    plx_refusal             refusal = { .code = 0 };

    if (!begin(e, batch)) {
        plx_refuse_memory(&refusal);
        plx_exchange_refuse(e, &refusal);
        return;
    }
    e->on_timer = go_on;
    plx_reply_send_headers(e->reply, 200, &header, 1);
    go_on(e);
}
