/* http2_request.c -- from frames to the handler: what nghttp2 calls while it reads.
 * SPDX-License-Identifier: MIT
 *
 * nghttp2 has checked before that the header block is a proper one: pseudo headers first and once each, names in lower
 * case, none that belong to a connection, and a body of the length that was said.
 */
#include <stdlib.h>

#include "http/http2.h"

/* ---- streams ---- */

static plx_h2_stream *new_stream(plx_h2_session *s, int32_t id)
{
    const cst_allocator *allocator = cst_allocator_default();
    plx_h2_stream       *st = calloc(1, sizeof *st);

    if (!st) return NULL;
    st->request = calloc(1, sizeof *st->request);
    if (!st->request) {
        free(st);
        return NULL;
    }
    st->request->head.version = PLX_HTTP_2;
    st->request->head.is_secure = s->connection->pipe.tls != NULL;
    cst_arena_init(&st->request->texts, allocator);
    cst_buf_init(&st->held, allocator, NGHTTP2_INITIAL_WINDOW_SIZE);
    cst_buf_init(&st->out, allocator, 2 * PLX_EVENT_BYTES_MAX);
    st->session = s;
    st->id = id;
    st->moved_us = plx_now_us();
    st->reply.carrier = &plx_h2_carrier;
    st->next = s->streams;
    st->link = &s->streams;
    if (st->next) st->next->link = &st->next;
    s->streams = st;
    s->stream_count++;
    plx_h2_be_patient(st);
    return st;
}

void plx_h2_forget_request(plx_h2_stream *st)
{
    if (!st->request) return;
    cst_arena_free(&st->request->texts);
    free(st->request);
    st->request = NULL;
}

void plx_h2_free_stream(plx_h2_stream *st)
{
    plx_h2_session *s = st->session;

    *st->link = st->next;
    if (st->next) st->next->link = st->link;
    s->stream_count--;
    s->heard_us = plx_now_us();
    if (st->wants_room) s->waiting_count--;
    plx_h2_stop_timers(st);
    plx_h2_forget_request(st);
    cst_buf_free(&st->held);
    cst_buf_free(&st->out);
    free(st->shaped);
    free(st);
}

static plx_h2_stream *find(plx_h2_session *s, int32_t id)
{
    return nghttp2_session_get_stream_user_data(s->nghttp2, id);
}

/* ---- heads ---- */

static void mark_refused(plx_h2_request *r, int status, const char *why)
{
    if (r->status != 0) return;
    r->status = status;
    r->why = why;
}

/* Whatever is refused is read on: the compression of the headers is common to all streams. */
static void add_header(plx_h2_request *r, castor_str name, castor_str value)
{
    plx_head *head = &r->head;

    r->bytes += name.len + value.len;
    if (r->bytes > PLX_HEAD_BYTES_MAX) mark_refused(r, 431, "The headers are too large.");
    else if (head->header_count == PLX_HEADERS_MAX) mark_refused(r, 431, "There are too many headers.");
    if (r->status != 0) return;
    if (cst_arena_copy(&r->texts, name, &name) != CASTOR_OK || cst_arena_copy(&r->texts, value, &value) != CASTOR_OK) {
        mark_refused(r, 503, "There is no memory left for this request.");
    } else if (cst_str_is(name, ":method")) {
        head->method = value;
    } else if (cst_str_is(name, ":path")) {
        head->target = value;
    } else if (cst_str_is(name, ":authority")) {
        head->host = value;
    } else if (name.data[0] != ':') {
        head->headers[head->header_count++] = (plx_header){ name, value };
    }
}

static void read_length(plx_h2_request *r)
{
    castor_str text = plx_head_get(&r->head, "content-length");
    uint64_t   length;

    if (!text.data) return;
    switch (plx_head_read_length(text, PLX_UPLOAD_BYTES_MAX, &length)) {
    case PLX_LENGTH_GOOD: r->head.content_length = castor_some_i64((int64_t)length); break;
    case PLX_LENGTH_BAD: mark_refused(r, 400, "Content-Length must be one plain number."); break;
    case PLX_LENGTH_TOO_LARGE: mark_refused(r, 413, "The body is too large."); break;
    }
}

static void check_head(plx_h2_request *r)
{
    plx_head  *head = &r->head;
    castor_str expect = plx_head_get(head, "expect");

    if (!head->host.data) head->host = plx_head_get(head, "host");
    if (head->target.len > PLX_TARGET_BYTES_MAX) mark_refused(r, 414, "The request target is too long.");
    if (!plx_head_is_target(head->target)) mark_refused(r, 400, "The request target must be a path of visible ASCII.");
    if (!plx_head_is_host(head->host)) mark_refused(r, 400, "The host must be a name or an address, and a port.");
    read_length(r);
    if (!expect.data) return;
    r->expects_continue = cst_str_equal_nocase(expect, CASTOR_STR("100-continue"));
    if (!r->expects_continue) mark_refused(r, 417, "The only expectation that can be met is 100-continue.");
}

static void send_continue(const plx_h2_stream *st)
{
    nghttp2_nv status = { (uint8_t *)(uintptr_t)":status", (uint8_t *)(uintptr_t)"100", 7, 3, NGHTTP2_NV_FLAG_NONE };

    nghttp2_submit_headers(st->session->nghttp2, NGHTTP2_FLAG_NONE, st->id, NULL, &status, 1, NULL);
}

static void begin(plx_h2_stream *st, bool has_body)
{
    const plx_handler *handler = &plx_h2_server(st->session)->handler;
    plx_h2_request    *r = st->request;

    check_head(r);
    st->is_head = cst_str_is(r->head.method, "HEAD");
    st->label = plx_log_label(&plx_h2_server(st->session)->log, &r->head);
    st->has_begun = st->is_replying = true;
    st->is_body_whole = !has_body;
    st->reply.asked_at_us = st->moved_us = plx_now_us();
    plx_timers_stop(plx_h2_timers(st->session), &st->patience);
    plx_h2_be_patient(st);
    if (r->status != 0) {
        handler->refuse(handler->user, &st->reply, r->status, r->why);
        return;
    }
    if (r->expects_continue && has_body) send_continue(st);
    handler->begin(handler->user, &st->reply, &r->head);
}

/* ---- bodies ---- */

static void end_body(plx_h2_stream *st)
{
    if (st->is_held || !st->request) return; /* if held, it ends when the hold does */
    st->reply.asked_at_us = plx_now_us();
    if (st->is_replying && st->reply.on_body_end) st->reply.on_body_end(&st->reply);
    plx_h2_forget_request(st);
}

/* The connection's window opens at once, so that no stream stands in another's way; the stream's when its handler has
 * had the bytes. */
static void take_body(plx_h2_stream *st, castor_str bytes)
{
    nghttp2_session *nghttp2 = st->session->nghttp2;

    st->moved_us = plx_now_us();
    nghttp2_session_consume_connection(nghttp2, bytes.len);
    if (st->is_replying && st->is_held) {
        if (cst_buf_append_str(&st->held, bytes) == CASTOR_OK) return;
        nghttp2_submit_rst_stream(nghttp2, NGHTTP2_FLAG_NONE, st->id, NGHTTP2_INTERNAL_ERROR);
        return;
    }
    if (st->request) st->request->body_bytes += bytes.len;
    if (st->request && st->request->body_bytes > PLX_UPLOAD_BYTES_MAX) {
        nghttp2_submit_rst_stream(nghttp2, NGHTTP2_FLAG_NONE, st->id, NGHTTP2_REFUSED_STREAM);
        return;
    }
    if (st->is_replying && st->reply.on_body) st->reply.on_body(&st->reply, bytes);
    nghttp2_session_consume_stream(nghttp2, st->id, bytes.len);
}

void plx_h2_hold_body(plx_reply *reply, bool is_held)
{
    plx_h2_stream *st = (plx_h2_stream *)((char *)reply - offsetof(plx_h2_stream, reply));
    cst_buf        bytes = st->held;

    st->is_held = is_held;
    st->moved_us = plx_now_us();
    plx_h2_be_patient(st);
    if (is_held) return;
    cst_buf_init(&st->held, bytes.allocator, bytes.max);
    if (bytes.len > 0 && reply->on_body) reply->on_body(reply, cst_buf_view(&bytes));
    nghttp2_session_consume_stream(st->session->nghttp2, st->id, bytes.len);
    plx_h2_flush_soon(st->session);
    cst_buf_free(&bytes);
    if (st->is_body_whole) end_body(st);
}

/* ---- what nghttp2 calls ---- */

static bool is_request_head(const nghttp2_frame *frame)
{
    return frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST;
}

static int on_begin_headers(nghttp2_session *nghttp2, const nghttp2_frame *frame, void *user)
{
    plx_h2_session *s = user;

    if (!is_request_head(frame) || s->is_ending) return 0;
    plx_h2_stream *st = new_stream(s, frame->hd.stream_id);
    if (!st) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE; /* this stream is reset, the others go on */
    nghttp2_session_set_stream_user_data(nghttp2, frame->hd.stream_id, st);
    return 0;
}

static int on_header(nghttp2_session *nghttp2, const nghttp2_frame *frame, const uint8_t *name, size_t name_len,
                     const uint8_t *value, size_t value_len, uint8_t flags, void *user)
{
    plx_h2_stream *st = find(user, frame->hd.stream_id);
    castor_str     name_view = { (const char *)name, name_len };
    castor_str     value_view = { (const char *)value, value_len };

    (void)nghttp2;
    (void)flags;
    /* Trailers are dropped: nothing of ours could be in them. */
    if (is_request_head(frame) && st && st->request) add_header(st->request, name_view, value_view);
    return 0;
}

static int on_frame(nghttp2_session *nghttp2, const nghttp2_frame *frame, void *user)
{
    bool            is_last = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    plx_h2_session *s = user;
    plx_h2_stream  *st;

    (void)nghttp2;
    s->heard_us = plx_now_us();
    if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA) return 0;
    st = find(s, frame->hd.stream_id);
    if (!st) return 0;
    if (is_request_head(frame)) begin(st, !is_last);
    if (is_last) {
        st->is_body_whole = true;
        end_body(st);
    }
    return 0;
}

static int on_data(nghttp2_session *nghttp2, uint8_t flags, int32_t id, const uint8_t *data, size_t len, void *user)
{
    plx_h2_stream *st = find(user, id);

    (void)flags;
    if (st) take_body(st, (castor_str){ (const char *)data, len });
    else nghttp2_session_consume_connection(nghttp2, len);
    return 0;
}

static int on_stream_close(nghttp2_session *nghttp2, int32_t id, uint32_t code, void *user)
{
    plx_h2_stream *st = find(user, id);

    (void)nghttp2;
    (void)code;
    if (!st) return 0;
    plx_h2_leave_reply(st, " (client lost)");
    plx_h2_free_stream(st);
    return 0;
}

/* An answer that ended before its request did: the client need not go on sending (RFC 9113, 8.1). */
static int on_frame_sent(nghttp2_session *nghttp2, const nghttp2_frame *frame, void *user)
{
    bool           is_last = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    plx_h2_stream *st = is_last && frame->hd.type == NGHTTP2_DATA ? find(user, frame->hd.stream_id) : NULL;

    if (st && !st->is_body_whole) {
        nghttp2_submit_rst_stream(nghttp2, NGHTTP2_FLAG_NONE, st->id, NGHTTP2_NO_ERROR);
    }
    return 0;
}

void plx_h2_set_callbacks(nghttp2_session_callbacks *callbacks)
{
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
    nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_frame_sent);
}
