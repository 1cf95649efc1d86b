/* http1_answer.c -- from the handler to the pipe: one reply over HTTP/1.1.
 * SPDX-License-Identifier: MIT
 */
#include <stdlib.h>

#include "http/answer_head.h"
#include "http/http1_talk.h"

static plx_h1_talk *of_reply(const plx_reply *reply)
{
    return (plx_h1_talk *)((char *)(uintptr_t)reply - offsetof(plx_h1_talk, reply));
}

/* ---- the end of a reply ---- */

void plx_h1_free_shaped(plx_h1_talk *t)
{
    if (!t->shaped) return;
    plx_timers_stop(plx_h1_timers(t), &t->shaped->timer);
    cst_buf_free(&t->shaped->bytes);
    free(t->shaped);
    t->shaped = NULL;
}

void plx_h1_leave_reply(plx_h1_talk *t, const char *note)
{
    t->wants_room = t->is_held = false;
    plx_timers_stop(plx_h1_timers(t), &t->alarm);
    plx_log_reply(&plx_h1_server(t)->log, t->label, t->status, t->body_bytes, note);
    free(t->label);
    t->label = NULL;
    if (t->reply.on_gone) t->reply.on_gone(&t->reply);
    t->reply = (plx_reply){ .carrier = t->reply.carrier };
}

/* All of the answer is on its way. */
static void go_on(plx_h1_talk *t)
{
    plx_h1_free_shaped(t);
    if (t->afterwards != PLX_H1_KEEP) {
        t->state = PLX_H1_OVER;
        if (t->afterwards == PLX_H1_RESET) plx_pipe_reset(plx_h1_pipe(t));
        else plx_pipe_finish(plx_h1_pipe(t), t->afterwards == PLX_H1_FINISH_SILENTLY);
        return;
    }
    t->state = PLX_H1_READING;
    if (!t->is_parsing) plx_h1_parse_ahead(t); /* else the loop that called the handler goes on by itself */
}

static size_t waiting_bytes(const plx_h1_talk *t)
{
    return t->shaped ? t->shaped->bytes.len - t->shaped->at : 0;
}

static void leave(plx_h1_talk *t, plx_h1_afterwards next, const char *note)
{
    t->state = PLX_H1_SENDING;
    t->afterwards = next;
    plx_h1_leave_reply(t, note);
    if (t->state == PLX_H1_SENDING && waiting_bytes(t) == 0) go_on(t);
}

/* ---- writing ---- */

static void on_packet_due(plx_timer *timer);

/* Sends the packets that are due. */
static void send_packets(plx_h1_talk *t)
{
    plx_h1_shaped *s = t->shaped;

    for (int sent = 0; waiting_bytes(t) > 0 && !plx_pipe_is_full(plx_h1_pipe(t)); sent++) {
        uint64_t now_us = plx_now_us();
        size_t   size = sent < PLX_PACKETS_A_TURN ? plx_packets_next(&s->packets, now_us, waiting_bytes(t)) : 0;
        if (size == 0) {
            plx_timers_set(plx_h1_timers(t), &s->timer, s->packets.due_us, on_packet_due);
            return;
        }
        plx_pipe_write_packet(plx_h1_pipe(t), (castor_str){ s->bytes.data + s->at, size });
        s->at += size;
    }
    if (waiting_bytes(t) == 0) s->bytes.len = s->at = 0;
}

static bool is_crowded(const plx_h1_talk *t)
{
    return plx_pipe_is_full(plx_h1_pipe(t)) || waiting_bytes(t) >= PLX_BACKLOG_BYTES_HIGH;
}

static bool has_much_room(const plx_h1_talk *t)
{
    const size_t low = PLX_BACKLOG_BYTES_HIGH / 2;

    return plx_pipe_queued(plx_h1_pipe(t)) < low && waiting_bytes(t) < low;
}

static void notice_room(plx_h1_talk *t)
{
    if (t->state == PLX_H1_SENDING && waiting_bytes(t) == 0) {
        go_on(t);
    } else if (t->wants_room && has_much_room(t)) {
        t->wants_room = false;
        if (t->reply.on_writable) t->reply.on_writable(&t->reply);
    } else if (t->state == PLX_H1_READING && t->ahead.len > 0 && has_much_room(t)) {
        plx_h1_parse_ahead(t);
    }
}

void plx_h1_go_on_sending(plx_h1_talk *t)
{
    if (t->shaped) send_packets(t);
    notice_room(t);
}

static void on_packet_due(plx_timer *timer)
{
    plx_h1_go_on_sending(((plx_h1_shaped *)((char *)timer - offsetof(plx_h1_shaped, timer)))->talk);
}

static void send_bytes(plx_h1_talk *t, castor_str bytes)
{
    plx_h1_shaped *s = t->shaped;

    if (!s) {
        plx_pipe_write(plx_h1_pipe(t), bytes);
        return;
    }
    cst_buf_drop_front(&s->bytes, s->at);
    s->at = 0;
    if (cst_buf_append_str(&s->bytes, bytes) != CASTOR_OK) plx_pipe_give_up(plx_h1_pipe(t));
    else send_packets(t);
}

/* The one header of the connection's own that a handler may give, as `connection: close`. */
static bool is_of_connection(const plx_header *header)
{
    return cst_str_is(header->name, "connection");
}

static bool ends_connection(const plx_header *headers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (is_of_connection(&headers[i])) return true;
    }
    return false;
}

static castor_status print_headers(const plx_header *headers, size_t count, cst_buf *out)
{
    castor_status made = CASTOR_OK;

    for (size_t i = 0; i < count && made == CASTOR_OK; i++) {
        if (is_of_connection(&headers[i])) continue; /* print_head says it */
        made = cst_buf_append_format(out, "%.*s: %.*s\r\n", CASTOR_ARG(headers[i].name), CASTOR_ARG(headers[i].value));
    }
    return made;
}

/* HTTP/1.0 takes nothing for granted, HTTP/1.1 that the connection stays. */
static const char *connection_line(const plx_h1_talk *t)
{
    if (!t->keeps_alive) return "connection: close\r\n";
    return t->is_http_1_0 ? "connection: keep-alive\r\n" : "";
}

static castor_status print_head(const plx_h1_talk *t, const plx_header *headers, size_t count, cst_buf *out)
{
    plx_common_headers common;
    castor_status      made = cst_buf_append_format(out, "HTTP/1.1 %d %s\r\n", t->status, plx_reason_of(t->status));

    plx_common_headers_fill(&common, plx_now_us() - t->reply.asked_at_us);
    if (made == CASTOR_OK) made = print_headers(headers, count, out);
    if (made == CASTOR_OK) made = print_headers(common.headers, PLX_COMMON_HEADERS, out);
    if (made != CASTOR_OK) return made;
    return cst_buf_append_format(out, "%s%s\r\n", t->is_chunked ? "transfer-encoding: chunked\r\n" : "",
                                 connection_line(t));
}

static void send_headers(plx_reply *reply, int status, const plx_header *headers, size_t count)
{
    plx_h1_talk *t = of_reply(reply);
    castor_str   length = plx_find_length(headers, count);
    uint64_t     number;
    bool         is_delimited = length.data || plx_status_has_no_body(status);
    bool         is_last = ends_connection(headers, count);
    bool         is_bare = !is_delimited && (t->is_http_1_0 || is_last);
    cst_buf      head;

    t->status = status;
    t->is_bodiless = plx_status_has_no_body(status) || t->is_head;
    t->is_chunked = !is_delimited && !is_bare;
    t->length = (castor_i64){ 0, 0 };
    if (plx_head_read_length(length, INT64_MAX / 10, &number) == PLX_LENGTH_GOOD) {
        t->length = castor_some_i64((int64_t)number);
    }
    if (is_last || is_bare || plx_h1_owes_body(t) || plx_h1_server(t)->is_stopping) t->keeps_alive = false;

    cst_buf_init(&head, cst_allocator_default(), PLX_ANSWER_HEAD_BYTES_MAX);
    if (print_head(t, headers, count, &head) == CASTOR_OK) send_bytes(t, cst_buf_view(&head));
    else plx_pipe_give_up(plx_h1_pipe(t));
    cst_buf_free(&head);
}

enum { CHUNK_LINE_BYTES = 2 * sizeof(size_t) + 2 };

/* The size of a chunk and its CR LF, from the end of the line. Not by snprintf: it costs more than all else of ours that
 * an event does. */
static castor_str print_chunk_line(char line[CHUNK_LINE_BYTES], size_t size)
{
    size_t at = CHUNK_LINE_BYTES;

    line[--at] = '\n';
    line[--at] = '\r';
    do {
        line[--at] = "0123456789abcdef"[size % 16];
        size /= 16;
    } while (size > 0);
    return (castor_str){ line + at, CHUNK_LINE_BYTES - at };
}

static void write_body(plx_reply *reply, castor_str bytes)
{
    plx_h1_talk *t = of_reply(reply);
    char         line[CHUNK_LINE_BYTES];

    if (bytes.len == 0) return; /* an empty chunk would end the body */
    t->body_bytes += bytes.len;
    if (t->is_bodiless) return;
    if (!t->is_chunked) {
        send_bytes(t, bytes);
        return;
    }
    send_bytes(t, print_chunk_line(line, bytes.len));
    send_bytes(t, bytes);
    send_bytes(t, CASTOR_STR("\r\n"));
}

static bool write_raw(plx_reply *reply, castor_str bytes)
{
    if (bytes.len > 0) send_bytes(of_reply(reply), bytes);
    return true;
}

static bool is_full(const plx_reply *reply)
{
    plx_h1_talk *t = of_reply(reply);

    t->wants_room = is_crowded(t);
    return t->wants_room;
}

static uint64_t now_us(const plx_reply *reply)
{
    (void)reply;
    return plx_now_us();
}

static void on_alarm(plx_timer *timer)
{
    plx_h1_talk *t = (plx_h1_talk *)((char *)timer - offsetof(plx_h1_talk, alarm));

    if (t->reply.on_timer) t->reply.on_timer(&t->reply);
}

static void wake_at(plx_reply *reply, uint64_t due_us)
{
    plx_h1_talk *t = of_reply(reply);

    plx_timers_set(plx_h1_timers(t), &t->alarm, due_us, on_alarm);
}

static void shape_packets(plx_reply *reply, const plx_shape_of_packets *shape)
{
    plx_h1_talk *t = of_reply(reply);

    if (!t->shaped) {
        t->shaped = calloc(1, sizeof *t->shaped);
        if (!t->shaped) {
            plx_pipe_give_up(plx_h1_pipe(t));
            return;
        }
        t->shaped->talk = t;
        cst_buf_init(&t->shaped->bytes, cst_allocator_default(), PLX_EVENT_BYTES_MAX * 2);
    }
    plx_packets_init(&t->shaped->packets, shape);
}

/* ---- ending ---- */

static bool kept_its_promise(const plx_h1_talk *t)
{
    return !t->length.is_set || t->is_bodiless || (uint64_t)t->length.value == t->body_bytes;
}

static void end(plx_reply *reply)
{
    plx_h1_talk *t = of_reply(reply);
    bool  is_kept = t->keeps_alive && !plx_h1_owes_body(t) && !plx_h1_server(t)->is_stopping && kept_its_promise(t);

    if (t->is_chunked && !t->is_bodiless) send_bytes(t, CASTOR_STR("0\r\n\r\n"));
    leave(t, is_kept ? PLX_H1_KEEP : PLX_H1_FINISH, "");
}

static void abort_reply(plx_reply *reply, plx_abort_kind kind, uint32_t code)
{
    plx_h1_talk *t = of_reply(reply);

    (void)code;
    if (kind == PLX_ABORT_RESET) leave(t, PLX_H1_RESET, " (reset)");
    else leave(t, kind == PLX_ABORT_SILENT ? PLX_H1_FINISH_SILENTLY : PLX_H1_FINISH, " (cut)");
}

const plx_carrier plx_h1_carrier = {
    send_headers, write_body, write_raw, end, abort_reply, wake_at, now_us, is_full, shape_packets, plx_h1_hold_body,
};
