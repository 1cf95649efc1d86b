/* http1_talk.h -- requests and answers over HTTP/1.1 on one connection: what its three files share.
 * SPDX-License-Identifier: MIT
 *
 *   READING --head whole, or refused--> REPLYING --end--> SENDING --> READING     (the connection is kept)
 *      |                                   |       abort     |    --> OVER        (it is not: finished or reset)
 *      +--end of input, silence------------+-----------------+--client lost--> OVER
 *
 * READING    the parser runs; there is no reply. While too many answers are unsent, requests wait in `ahead` here too.
 * REPLYING   the handler has the reply, and gets the body as it comes. Behind the body, what the client sends waits in
 *            `ahead`. An answer that ends before its request has ended ends the connection too.
 * SENDING    the handler is done, but shaped packets are still waiting for their times; usually over at once.
 * OVER       the pipe sees to the end; nothing is read or called any more.
 *
 *     http1_talk.c     its life, and the client's patience
 *     http1_request.c  from the parser to the handler
 *     http1_answer.c   from the handler to the pipe
 */
#ifndef PLX_HTTP1_TALK_H
#define PLX_HTTP1_TALK_H

#include "http/http1.h"
#include "http/packets.h"
#include "http/protocol.h"

typedef enum plx_h1_state { PLX_H1_READING = 0, PLX_H1_REPLYING, PLX_H1_SENDING, PLX_H1_OVER } plx_h1_state;

/* What becomes of the connection once all of an answer was sent. */
typedef enum plx_h1_afterwards {
    PLX_H1_KEEP = 0,
    PLX_H1_FINISH,
    PLX_H1_FINISH_SILENTLY,
    PLX_H1_RESET
} plx_h1_afterwards;

typedef struct plx_h1_talk plx_h1_talk;

/* An answer that leaves in small packets: what was written and has to wait. */
typedef struct plx_h1_shaped {
    plx_packets  packets;
    plx_timer    timer;
    plx_h1_talk *talk;
    cst_buf      bytes;
    size_t       at; /* of the first that has not left */
} plx_h1_shaped;

struct plx_h1_talk {
    plx_connection   *connection;
    plx_h1_state      state;
    plx_h1_afterwards afterwards;

    /* the request */
    plx_http1 parser;
    cst_buf   ahead;         /* what came behind it */
    uint64_t  head_due_us;   /* by when the head that has begun must be whole; 0: none has */
    bool      has_open_body; /* the handler has not had all of it */
    bool      is_held;       /* by the handler: no more of the body for now */
    bool      is_parsing;    /* on the stack above us: do not begin again */

    /* the reply */
    plx_reply      reply;
    plx_timer      alarm;       /* its wake_at */
    plx_h1_shaped *shaped;      /* NULL: bytes leave as they are written */
    char          *label;       /* for the log */
    int            status;      /* 0: no headers were sent */
    bool           is_http_1_0;
    bool           is_head;     /* the method */
    bool           is_chunked;
    bool           is_bodiless; /* HEAD, 204, 304: the body is swallowed */
    bool           keeps_alive;
    bool           wants_room;  /* on_writable is due */
    uint64_t       body_bytes;
    castor_i64     length;      /* that the headers promised */
};

static inline plx_pipe *plx_h1_pipe(const plx_h1_talk *t) { return &t->connection->pipe; }
static inline plx_server *plx_h1_server(const plx_h1_talk *t) { return t->connection->server; }
static inline plx_timers *plx_h1_timers(const plx_h1_talk *t) { return &t->connection->server->plumbing.timers; }
static inline const plx_limits *plx_h1_limits(const plx_h1_talk *t) { return &t->connection->server->limits; }

/* ---- http1_talk.c ---- */

void plx_h1_be_patient(plx_h1_talk *t);

/* ---- http1_request.c ---- */

/* Takes what it can from what the client sent. */
void plx_h1_on_bytes(plx_connection *c, castor_str input);
void plx_h1_parse_ahead(plx_h1_talk *t);

/* Reads on, or not, or ends, as the parser has left things. */
void plx_h1_settle(plx_h1_talk *t);

/* Whether bytes of the body are still to come. */
bool plx_h1_owes_body(const plx_h1_talk *t);
void plx_h1_hold_body(plx_reply *reply, bool is_held);

/* ---- http1_answer.c ---- */

extern const plx_carrier plx_h1_carrier;

/* The handler hears of it once, whatever way the reply went. */
void plx_h1_leave_reply(plx_h1_talk *t, const char *note);
void plx_h1_free_shaped(plx_h1_talk *t);

/* To be called from the loop when bytes have left. */
void plx_h1_go_on_sending(plx_h1_talk *t);

#endif
