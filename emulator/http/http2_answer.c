/* http2_answer.c -- from the handler to frames: one reply over HTTP/2.
 * SPDX-License-Identifier: MIT
 */
#include <stdio.h>
#include <stdlib.h>

#include "http/answer_head.h"
#include "http/http2.h"

static plx_h2_stream *of_reply(const plx_reply *reply)
{
    return (plx_h2_stream *)((char *)(uintptr_t)reply - offsetof(plx_h2_stream, reply));
}

static size_t waiting_bytes(const plx_h2_stream *st) { return st->out.len - st->out_at; }

static void reset(const plx_h2_stream *st, uint32_t code)
{
    nghttp2_submit_rst_stream(st->session->nghttp2, NGHTTP2_FLAG_NONE, st->id, code);
    plx_h2_flush_soon(st->session);
}

/* ---- patience ---- */

/* 0: the client owes us nothing. Behind its reply a stream only waits for the window. */
static uint64_t patience_ms(const plx_h2_stream *st)
{
    const plx_limits *limits = &plx_h2_server(st->session)->limits;
    uint64_t          gap_ms = st->shaped ? st->shaped->packets.shape.gap_us / 1000 : 0;

    if (!st->has_begun) return limits->head_ms;
    if (st->is_replying && !st->is_body_whole && !st->is_held) return limits->body_idle_ms;
    return waiting_bytes(st) > 0 || !st->is_replying ? limits->reader_stall_ms + gap_ms : 0;
}

/* The timer is not set anew with every byte: when it rings it looks how long it has been quiet. */
static void on_patience_over(plx_timer *timer)
{
    plx_h2_stream *st = (plx_h2_stream *)((char *)timer - offsetof(plx_h2_stream, patience));
    uint64_t       wait_ms = patience_ms(st);
    uint64_t       due_us = st->moved_us + wait_ms * 1000;

    if (wait_ms == 0) return;
    if (due_us > plx_now_us()) plx_timers_set(plx_h2_timers(st->session), timer, due_us, on_patience_over);
    else if (st->has_begun) reset(st, NGHTTP2_CANCEL);
    else plx_pipe_give_up(&st->session->connection->pipe); /* no other frame may come before the head is whole */
}

void plx_h2_be_patient(plx_h2_stream *st)
{
    uint64_t wait_ms = patience_ms(st);

    if (wait_ms == 0 || plx_timer_is_set(&st->patience)) return;
    plx_timers_set(plx_h2_timers(st->session), &st->patience, plx_now_us() + wait_ms * 1000, on_patience_over);
}

void plx_h2_stop_timers(plx_h2_stream *st)
{
    plx_timers *timers = plx_h2_timers(st->session);

    plx_timers_stop(timers, &st->alarm);
    plx_timers_stop(timers, &st->patience);
    if (st->shaped) plx_timers_stop(timers, &st->shaped->timer);
}

/* ---- the end of a reply ---- */

static void set_wants_room(plx_h2_stream *st, bool wants_room)
{
    if (wants_room && !st->wants_room) st->session->waiting_count++;
    if (!wants_room && st->wants_room) st->session->waiting_count--;
    st->wants_room = wants_room;
}

void plx_h2_leave_reply(plx_h2_stream *st, const char *note)
{
    if (!st->is_replying) return;
    st->is_replying = false;
    set_wants_room(st, false);
    plx_timers_stop(plx_h2_timers(st->session), &st->alarm);
    plx_log_reply(&plx_h2_server(st->session)->log, st->label, st->status, st->body_bytes, note);
    free(st->label);
    st->label = NULL;
    if (st->reply.on_gone) st->reply.on_gone(&st->reply);
    st->reply = (plx_reply){ .carrier = &plx_h2_carrier };
    nghttp2_session_consume_stream(st->session->nghttp2, st->id, st->held.len);
    cst_buf_free(&st->held);
    plx_h2_forget_request(st);
    st->moved_us = plx_now_us();
    plx_h2_be_patient(st);
}

/* ---- what nghttp2 asks for ---- */

static void resume(plx_h2_stream *st)
{
    if (st->is_deferred) nghttp2_session_resume_data(st->session->nghttp2, st->id);
    st->is_deferred = false;
    plx_h2_flush_soon(st->session);
}

static void on_packet_due(plx_timer *timer)
{
    resume(((plx_h2_shaped *)((char *)timer - offsetof(plx_h2_shaped, timer)))->stream);
}

/* What follows the last byte, unless it is the end, which goes with it. */
static void say_last_word(plx_h2_stream *st)
{
    if (st->last_word == PLX_H2_RESET) reset(st, st->code);
    if (st->last_word == PLX_H2_CLOSE) st->session->is_ending = true;
}

static ssize_t defer(plx_h2_stream *st)
{
    st->is_deferred = true;
    return NGHTTP2_ERR_DEFERRED;
}

/* How much of `out` the next frame may hold; 0: none, yet. */
static size_t frame_bytes(plx_h2_stream *st, size_t most)
{
    size_t waiting = waiting_bytes(st);

    if (waiting < most) most = waiting;
    if (!st->shaped) return most;
    size_t size = plx_packets_next(&st->shaped->packets, plx_now_us(), most);
    if (size == 0) {
        plx_timers_set(plx_h2_timers(st->session), &st->shaped->timer, st->shaped->packets.due_us, on_packet_due);
    }
    return size;
}

static ssize_t read_body(nghttp2_session *nghttp2, int32_t id, uint8_t *out, size_t most, uint32_t *flags,
                         nghttp2_data_source *source, void *user)
{
    plx_h2_stream *st = source->ptr;

    (void)nghttp2;
    (void)id;
    (void)user;
    if (waiting_bytes(st) == 0 && st->last_word != PLX_H2_END) return defer(st);
    size_t size = frame_bytes(st, most);
    if (size == 0 && waiting_bytes(st) > 0) return defer(st);
    if (size > 0) memcpy(out, st->out.data + st->out_at, size);
    st->out_at += size;
    st->moved_us = plx_now_us();
    if (waiting_bytes(st) > 0) return (ssize_t)size;
    cst_buf_free(&st->out); /* ten thousand streams: none keeps a buffer between two events */
    st->out_at = 0;
    if (st->last_word == PLX_H2_END) *flags |= NGHTTP2_DATA_FLAG_EOF;
    else say_last_word(st); /* now: who is left no window is not asked again */
    return (ssize_t)size;
}

/* ---- writing ---- */

/* Headers that only make sense on a connection of HTTP/1.1: RFC 9113, 8.2.2. */
static bool is_of_connection(castor_str name)
{
    static const char *const names[] = { "connection", "keep-alive", "proxy-connection", "transfer-encoding",
                                         "upgrade" };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (cst_str_equal_nocase(name, castor_str_of(names[i]))) return true;
    }
    return false;
}

static nghttp2_nv pair(castor_str name, castor_str value)
{
    return (nghttp2_nv){ (uint8_t *)(uintptr_t)name.data, (uint8_t *)(uintptr_t)(value.len ? value.data : ""), name.len,
                         value.len, NGHTTP2_NV_FLAG_NONE };
}

static size_t add_pairs(nghttp2_nv *pairs, size_t pair_count, const plx_header *headers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!is_of_connection(headers[i].name)) pairs[pair_count++] = pair(headers[i].name, headers[i].value);
    }
    return pair_count;
}

static void send_headers(plx_reply *reply, int status, const plx_header *headers, size_t count)
{
    plx_h2_stream        *st = of_reply(reply);
    nghttp2_data_provider body = { .source.ptr = st, .read_callback = read_body };
    plx_common_headers    common;
    char                  digits[16];
    nghttp2_nv           *pairs = malloc((count + PLX_COMMON_HEADERS + 1) * sizeof *pairs);
    size_t                pair_count = 1;

    if (!pairs) {
        reset(st, NGHTTP2_INTERNAL_ERROR);
        return;
    }
    st->status = status;
    st->is_bodiless = st->is_head || plx_status_has_no_body(status);
    snprintf(digits, sizeof digits, "%03d", status);
    plx_common_headers_fill(&common, plx_now_us() - reply->asked_at_us);
    pairs[0] = pair(CASTOR_STR(":status"), castor_str_of(digits));
    pair_count = add_pairs(pairs, pair_count, headers, count);
    pair_count = add_pairs(pairs, pair_count, common.headers, PLX_COMMON_HEADERS);
    if (nghttp2_submit_response(st->session->nghttp2, st->id, pairs, pair_count, &body) != 0) {
        reset(st, NGHTTP2_INTERNAL_ERROR);
    }
    free(pairs);
    plx_h2_flush_soon(st->session);
}

static void write_body(plx_reply *reply, castor_str bytes)
{
    plx_h2_stream *st = of_reply(reply);

    st->body_bytes += bytes.len;
    if (bytes.len == 0 || st->is_bodiless) return;
    if (waiting_bytes(st) == 0) st->moved_us = plx_now_us();
    cst_buf_drop_front(&st->out, st->out_at);
    st->out_at = 0;
    if (cst_buf_append_str(&st->out, bytes) != CASTOR_OK) {
        reset(st, NGHTTP2_INTERNAL_ERROR);
        return;
    }
    plx_h2_be_patient(st);
    resume(st);
}

static bool write_raw(plx_reply *reply, castor_str bytes)
{
    (void)reply;
    (void)bytes;
    return false;
}

static bool has_room(const plx_h2_stream *st, size_t bytes_max)
{
    return waiting_bytes(st) < bytes_max && plx_pipe_queued(&st->session->connection->pipe) < bytes_max;
}

static bool is_full(const plx_reply *reply)
{
    plx_h2_stream *st = of_reply(reply);

    set_wants_room(st, !has_room(st, PLX_BACKLOG_BYTES_HIGH));
    return st->wants_room;
}

void plx_h2_notice_room(plx_h2_session *s)
{
    plx_h2_stream *next;

    /* No stream is freed here: nghttp2 alone ends them, and it is not running. */
    for (plx_h2_stream *st = s->waiting_count > 0 ? s->streams : NULL; st; st = next) {
        next = st->next;
        if (!st->wants_room || !has_room(st, PLX_BACKLOG_BYTES_HIGH / 2)) continue;
        set_wants_room(st, false);
        if (st->reply.on_writable) st->reply.on_writable(&st->reply);
    }
}

static void end(plx_reply *reply)
{
    plx_h2_stream *st = of_reply(reply);

    st->last_word = PLX_H2_END;
    if (st->status == 0) reset(st, NGHTTP2_INTERNAL_ERROR);
    else resume(st);
    plx_h2_leave_reply(st, "");
}

static void abort_reply(plx_reply *reply, plx_abort_kind kind, uint32_t code)
{
    plx_h2_stream  *st = of_reply(reply);
    plx_h2_session *s = st->session;

    st->last_word = kind == PLX_ABORT_RESET ? PLX_H2_RESET : PLX_H2_CLOSE;
    st->code = code;
    if (kind == PLX_ABORT_SILENT) s->ends_silently = true;
    if (kind == PLX_ABORT_GOAWAY) {
        s->has_goaway = true;
        s->goaway_code = code;
    }
    if (waiting_bytes(st) == 0) say_last_word(st); /* nothing stands before it */
    resume(st);
    plx_h2_leave_reply(st, kind == PLX_ABORT_RESET ? " (reset)" : " (cut)");
}

/* ---- the rest of the carrier ---- */

static uint64_t now_us(const plx_reply *reply)
{
    (void)reply;
    return plx_now_us();
}

static void on_alarm(plx_timer *timer)
{
    plx_h2_stream *st = (plx_h2_stream *)((char *)timer - offsetof(plx_h2_stream, alarm));

    if (st->reply.on_timer) st->reply.on_timer(&st->reply);
}

static void wake_at(plx_reply *reply, uint64_t due_us)
{
    plx_h2_stream *st = of_reply(reply);

    plx_timers_set(plx_h2_timers(st->session), &st->alarm, due_us, on_alarm);
}

static void shape_packets(plx_reply *reply, const plx_shape_of_packets *shape)
{
    plx_h2_stream *st = of_reply(reply);

    if (!st->shaped) {
        st->shaped = calloc(1, sizeof *st->shaped);
        if (!st->shaped) {
            reset(st, NGHTTP2_INTERNAL_ERROR);
            return;
        }
        st->shaped->stream = st;
    }
    plx_packets_init(&st->shaped->packets, shape);
}

const plx_carrier plx_h2_carrier = {
    send_headers, write_body, write_raw, end, abort_reply, wake_at, now_us, is_full, shape_packets, plx_h2_hold_body,
};
