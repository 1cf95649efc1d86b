/* http2.h -- requests and answers over HTTP/2: what its three files share.
 * SPDX-License-Identifier: MIT
 *
 * A session of nghttp2 turns bytes into calls (receive) and what was submitted into bytes (send). Neither may be
 * entered from within a callback of the other; so nothing is sent where it is written, but all of it when the loop is
 * about to sleep (on_flush), and the connection ends there and nowhere else.
 *
 * A stream outlives its reply: behind `end` and `abort` its last bytes wait for their times and for the client's
 * window, and `last_word` says what follows them. nghttp2 says when the stream is over; then it is freed.
 *
 *     http2.c          sessions and their ends
 *     http2_request.c  from frames to the handler
 *     http2_answer.c   from the handler to frames
 */
#ifndef PLX_HTTP2_H
#define PLX_HTTP2_H

#include <nghttp2/nghttp2.h>

#include "http/packets.h"
#include "http/protocol.h"

typedef struct plx_h2_stream plx_h2_stream;

typedef struct plx_h2_session {
    plx_connection  *connection;
    nghttp2_session *nghttp2;
    plx_h2_stream   *streams;       /* a list, through their own links */
    size_t           stream_count;
    size_t           waiting_count; /* of streams whose on_writable is due */
    uint64_t         heard_us;      /* when its last whole frame came, or its last stream ended */
    bool             is_finishing;  /* the server stops */
    bool             is_ending;     /* the next flush ends the connection ... */
    bool             ends_silently;
    bool             has_goaway;    /* ... behind a GOAWAY with this code */
    uint32_t         goaway_code;
} plx_h2_session;

/* What a request brings; given back as soon as its body is whole. */
typedef struct plx_h2_request {
    plx_head    head;
    cst_arena   texts;
    size_t      bytes;      /* of all names and values */
    uint64_t    body_bytes;
    int         status;     /* with which it is to be refused; 0: it is not */
    const char *why;
    bool        expects_continue;
} plx_h2_request;

typedef enum plx_h2_last_word { PLX_H2_NONE = 0, PLX_H2_END, PLX_H2_RESET, PLX_H2_CLOSE } plx_h2_last_word;

/* An answer that leaves in small packets. */
typedef struct plx_h2_shaped {
    plx_packets    packets;
    plx_timer      timer;
    plx_h2_stream *stream;
} plx_h2_shaped;

struct plx_h2_stream {
    plx_h2_session  *session;
    plx_h2_stream   *next;
    plx_h2_stream  **link;          /* what points to us */
    int32_t          id;
    plx_h2_last_word last_word;
    uint32_t         code;          /* of RESET */

    /* the request */
    plx_h2_request  *request;       /* NULL: its body is whole, or nobody wants it */
    cst_buf          held;          /* of the body, while the handler holds it: a window at most */
    bool             has_begun;     /* its head is whole */
    bool             is_held;
    bool             is_body_whole; /* all of it has come; but it may be held back */

    /* the answer */
    plx_reply        reply;
    plx_timer        alarm;         /* its wake_at */
    plx_timer        patience;      /* for a client that does not end its head, sends none of its body, or takes none
                                       of its answer */
    uint64_t         moved_us;      /* when it last did */
    char            *label;         /* for the log */
    cst_buf          out;           /* written, and not all taken */
    size_t           out_at;        /* of the first byte that is not */
    plx_h2_shaped   *shaped;        /* NULL: bytes leave as they are written */
    uint64_t         body_bytes;
    int              status;        /* 0: no headers were sent */
    bool             is_replying;   /* the handler has the reply */
    bool             is_head;       /* the method */
    bool             is_bodiless;   /* HEAD, 204, 304: the body is swallowed */
    bool             is_deferred;   /* nghttp2 asks for no more of `out` until it is told to */
    bool             wants_room;    /* on_writable is due */
};

static inline plx_server *plx_h2_server(const plx_h2_session *s) { return s->connection->server; }
static inline plx_timers *plx_h2_timers(const plx_h2_session *s) { return &s->connection->server->plumbing.timers; }
static inline void plx_h2_flush_soon(const plx_h2_session *s) { plx_pipe_flush_soon(&s->connection->pipe); }

/* ---- http2_request.c ---- */

void plx_h2_set_callbacks(nghttp2_session_callbacks *callbacks);
void plx_h2_free_stream(plx_h2_stream *st);
void plx_h2_forget_request(plx_h2_stream *st);
void plx_h2_hold_body(plx_reply *reply, bool is_held);

/* ---- http2_answer.c ---- */

extern const plx_carrier plx_h2_carrier;

/* The handler hears of it once, whatever way the reply went. */
void plx_h2_leave_reply(plx_h2_stream *st, const char *note);

/* Sees to it that a client which neither sends nor takes what it should does not last for ever. */
void plx_h2_be_patient(plx_h2_stream *st);

void plx_h2_stop_timers(plx_h2_stream *st);

/* Calls on_writable where it is due. From the loop only. */
void plx_h2_notice_room(plx_h2_session *s);

#endif
