/* reply.h -- one answer as its handler sees it: headers, bytes, an end. What carries it lies below, out of sight.
 * SPDX-License-Identifier: MIT
 *
 *     send_headers --> write, any number of times --> end
 *                             at any time:            abort
 *
 * A handler gives the reply three callbacks before it returns or asks for one. `on_gone` comes exactly once, after
 * end, after abort, or when the client is lost; nothing of the reply, the request's head or its body may be touched
 * after it. No other callback comes after end or abort. None comes from inside write, so that loops stay loops.
 */
#ifndef PLX_REPLY_H
#define PLX_REPLY_H

#include "base.h"
#include "http1.h"

typedef struct plx_reply plx_reply;

typedef enum plx_abort_kind {
    PLX_ABORT_RESET = 0, /* TCP RST, after the bytes written so far have reached the client */
    PLX_ABORT_FIN        /* the connection closes in the middle of the body, without a word */
} plx_abort_kind;

/* What carries a reply: HTTP/1.1 over TCP today. */
typedef struct plx_carrier {
    void     (*send_headers)(plx_reply *reply, int status, castor_str content_type, const char *more_headers);
    void     (*write)(plx_reply *reply, castor_str bytes);
    void     (*end)(plx_reply *reply);
    void     (*abort)(plx_reply *reply, plx_abort_kind kind);
    void     (*wake_at)(plx_reply *reply, uint64_t due_us);
    uint64_t (*now_us)(const plx_reply *reply);
    bool     (*is_full)(const plx_reply *reply);
} plx_carrier;

struct plx_reply {
    const plx_carrier *carrier;
    uint64_t           asked_at_us; /* when the request was whole, on the clock of now_us */

    /* The handler's. */
    void *user;
    void (*on_timer)(plx_reply *reply);    /* the time given to wake_at has come */
    void (*on_writable)(plx_reply *reply); /* it was full, and no longer is */
    void (*on_gone)(plx_reply *reply);
};

/* `content_type` absent: no such header. `more_headers`: whole lines, each with its CR LF; may be NULL. */
static inline void plx_reply_send_headers(plx_reply *reply, int status, castor_str content_type,
                                          const char *more_headers)
{
    reply->carrier->send_headers(reply, status, content_type, more_headers);
}

/* One write is one chunk of the chunked coding. The bytes are copied. */
static inline void plx_reply_write(plx_reply *reply, castor_str bytes) { reply->carrier->write(reply, bytes); }
static inline void plx_reply_end(plx_reply *reply) { reply->carrier->end(reply); }
static inline void plx_reply_abort(plx_reply *reply, plx_abort_kind kind) { reply->carrier->abort(reply, kind); }

/* Calls on_timer once, at this time or as soon after it as can be. A time given later replaces it. */
static inline void plx_reply_wake_at(plx_reply *reply, uint64_t due_us) { reply->carrier->wake_at(reply, due_us); }
static inline uint64_t plx_reply_now_us(const plx_reply *reply) { return reply->carrier->now_us(reply); }

/* The client reads slower than we write: stop, and go on when on_writable comes. */
static inline bool plx_reply_is_full(const plx_reply *reply) { return reply->carrier->is_full(reply); }

/* Who answers requests. Exactly one of the two is called for each request, and must begin or promise an answer. */
typedef struct plx_handler {
    void *user;
    void (*answer)(void *user, plx_reply *reply, const plx_head *head, castor_str body);
    /* The request could not be read: answer `status` with this sentence. The connection closes afterwards. */
    void (*refuse)(void *user, plx_reply *reply, int status, const char *why);
} plx_handler;

#endif
