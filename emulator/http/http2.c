/* http2.c -- sessions of HTTP/2 and their ends.
 * SPDX-License-Identifier: MIT
 */
#include "http/http2.h"

#include <stdlib.h>

/* ---- beginning ---- */

enum {
    CONNECTION_WINDOW = 1 << 20, /* for all streams together; each alone has the 64 KB that HTTP/2 begins with */
    RESETS_AT_ONCE    = 10000,   /* CVE-2023-44487: requests that are reset at once cost us more than the client. */
    RESETS_A_SECOND   = 5000,    /* So many, because libcurl 7.88.1 resets each stream that it has read to its end */
    CONTINUATIONS_MAX = 8,       /* CVE-2024-28182 */
    ACKS_MAX          = 1000,    /* of PING and SETTINGS, for a client that sends them and reads nothing */
    SETTINGS_MAX      = 32
};

static nghttp2_option *new_option(void)
{
    nghttp2_option *option = NULL;

    if (nghttp2_option_new(&option) != 0) return NULL;
    nghttp2_option_set_no_auto_window_update(option, 1); /* bodies wait until their handlers take them */
    nghttp2_option_set_no_closed_streams(option, 1);     /* kept for priorities, which a test server does not weigh */
    nghttp2_option_set_max_outbound_ack(option, ACKS_MAX);
    nghttp2_option_set_max_settings(option, SETTINGS_MAX);
#ifdef PLX_NGHTTP2_HAS_GUARDS /* from 1.57 and 1.61 on, and in what distributions have patched */
    nghttp2_option_set_stream_reset_rate_limit(option, RESETS_AT_ONCE, RESETS_A_SECOND);
    nghttp2_option_set_max_continuations(option, CONTINUATIONS_MAX);
#endif
    return option;
}

static bool new_nghttp2(plx_h2_session *s)
{
    nghttp2_session_callbacks *callbacks = NULL;
    nghttp2_option            *option = new_option();
    bool                       is_new = option && nghttp2_session_callbacks_new(&callbacks) == 0;

    if (is_new) {
        plx_h2_set_callbacks(callbacks);
        is_new = nghttp2_session_server_new2(&s->nghttp2, callbacks, s, option) == 0;
    }
    nghttp2_session_callbacks_del(callbacks);
    nghttp2_option_del(option);
    return is_new;
}

static bool greet(const plx_h2_session *s)
{
    const nghttp2_settings_entry settings[] = {
        { NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, PLX_STREAMS_MAX },
        { NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, PLX_HEAD_BYTES_MAX },
    };

    return nghttp2_submit_settings(s->nghttp2, NGHTTP2_FLAG_NONE, settings, sizeof settings / sizeof *settings) == 0 &&
           nghttp2_session_set_local_window_size(s->nghttp2, NGHTTP2_FLAG_NONE, 0, CONNECTION_WINDOW) == 0;
}

static void free_session(plx_connection *c)
{
    plx_h2_session *s = c->state;

    while (s->streams) plx_h2_free_stream(s->streams);
    nghttp2_session_del(s->nghttp2);
    free(s);
}

static bool open_session(plx_connection *c)
{
    plx_h2_session *s = calloc(1, sizeof *s);

    if (!s) return false;
    s->connection = c;
    s->heard_us = plx_now_us();
    c->state = s;
    if (!new_nghttp2(s) || !greet(s)) {
        free_session(c);
        c->state = NULL;
        return false;
    }
    plx_h2_flush_soon(s);
    return true;
}

/* ---- bytes ---- */

/* An answer that its handler has ended is no bystander: it is all there, and only waits for the client's window,
 * until its patience is over. */
static bool owes_an_end(const plx_h2_session *s)
{
    for (const plx_h2_stream *st = s->streams; st; st = st->next) {
        if (st->last_word == PLX_H2_END && st->out.len > st->out_at) return true;
    }
    return false;
}

static void on_bytes(plx_connection *c, castor_str bytes)
{
    plx_h2_session *s = c->state;

    if (s->is_ending && !owes_an_end(s)) return; /* windows may still open; requests are not taken any more */
    ssize_t taken = nghttp2_session_mem_recv(s->nghttp2, (const uint8_t *)bytes.data, bytes.len);
    if (taken < 0) plx_pipe_give_up(&c->pipe); /* no preface, a flood, or no memory; other errors become a GOAWAY */
    else plx_h2_flush_soon(s);
}

/* False: the pipe is full, or broken. */
static bool send_frames(plx_h2_session *s)
{
    plx_pipe *pipe = &s->connection->pipe;

    while (!plx_pipe_is_full(pipe)) {
        const uint8_t *bytes = NULL;
        ssize_t        len = nghttp2_session_mem_send(s->nghttp2, &bytes);
        if (len == 0) return true;
        if (len < 0) {
            plx_pipe_give_up(pipe);
            return false;
        }
        plx_pipe_write(pipe, (castor_str){ (const char *)bytes, (size_t)len });
    }
    return false;
}

static void be_patient(plx_h2_session *s)
{
    plx_pipe *pipe = &s->connection->pipe;
    uint64_t  idle_us = plx_h2_server(s)->limits.request_idle_ms * 1000ull;

    if (plx_pipe_is_behind(pipe)) plx_pipe_wait_for_reader(pipe);
    else if (s->stream_count == 0) plx_pipe_wait_until(pipe, s->heard_us + idle_us);
    else plx_pipe_rest(pipe);
    plx_pipe_read(pipe, !plx_pipe_is_full(pipe)); /* who does not read our frames need not send any */
}

static bool is_over(const plx_h2_session *s)
{
    if (s->is_finishing && s->stream_count == 0) return true;
    return !nghttp2_session_want_read(s->nghttp2) && !nghttp2_session_want_write(s->nghttp2);
}

/* Those whose answers are not all sent go with the one that ends the connection. They hear of it before its client can,
 * so that who asks what became of an answer is told. */
static void leave_bystanders(plx_h2_session *s)
{
    for (plx_h2_stream *st = s->streams; st; st = st->next) {
        st->reply.is_bystander = st->is_replying;
        plx_h2_leave_reply(st, " (lost beside another)");
    }
}

static void on_flush(plx_connection *c)
{
    plx_h2_session *s = c->state;

    if (c->pipe.state != PLX_PIPE_OPEN) return;
    bool is_all_sent = send_frames(s);
    plx_h2_notice_room(s);
    if (is_all_sent && s->is_ending && !owes_an_end(s)) {
        if (s->has_goaway) nghttp2_session_terminate_session(s->nghttp2, s->goaway_code);
        send_frames(s);
        leave_bystanders(s);
        plx_pipe_finish(&c->pipe, s->ends_silently);
    } else if (is_all_sent && is_over(s)) {
        plx_pipe_finish(&c->pipe, false);
    } else {
        be_patient(s);
    }
}

static void on_progress(plx_connection *c)
{
    plx_h2_flush_soon(c->state);
}

/* No client of HTTP/2 closes one side and reads on: RFC 9113 has GOAWAY and END_STREAM for that. */
static void on_end(plx_connection *c)
{
    plx_pipe_cut(&c->pipe);
}

/* ---- ending ---- */

static void on_gone(plx_connection *c)
{
    plx_h2_session *s = c->state;

    for (plx_h2_stream *st = s->streams; st; st = st->next) {
        plx_h2_leave_reply(st, " (client lost)");
        plx_h2_stop_timers(st);
    }
}

static void finish(plx_connection *c)
{
    plx_h2_session *s = c->state;

    if (s->is_finishing) return;
    s->is_finishing = true;
    nghttp2_submit_goaway(s->nghttp2, NGHTTP2_FLAG_NONE, nghttp2_session_get_last_proc_stream_id(s->nghttp2),
                          NGHTTP2_NO_ERROR, NULL, 0);
    plx_h2_flush_soon(s);
}

const plx_protocol plx_http2_protocol = {
    open_session, on_bytes, on_end, on_progress, on_flush, on_gone, finish, free_session,
};
