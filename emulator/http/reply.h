/* reply.h -- one request and its answer as a handler sees them: a body arrives; headers, bytes and an end are sent.
 * SPDX-License-Identifier: MIT
 *
 * What carries a reply (HTTP/1.1 or HTTP/2, with TLS or without) lies below, out of sight; what spoils it on request
 * (fault/) lies between, out of sight too.
 *
 *     begin --> on_body, any number of times --> on_body_end            the request, towards the handler
 *     send_headers --> write, any number of times --> end               the answer, from the handler
 *                                  at any time:           abort
 *
 * 1. The two run side by side: an answer may begin, and end, before the whole body has come. What is left of the body
 *    is then dropped.
 * 2. `head` lives until on_body_end has returned, or on_gone if that comes first; what is needed longer is copied.
 * 3. `on_gone` comes exactly once: after end, after abort, or when the client is lost. It may come from within end or
 *    abort. Nothing of the reply may be touched after it, and no other callback comes after end or abort.
 * 4. No callback comes from within send_headers, write or wake_at, so that loops stay loops.
 */
#ifndef PLX_REPLY_H
#define PLX_REPLY_H

#include "http/head.h"

typedef struct plx_reply plx_reply;

typedef enum plx_abort_kind {
    PLX_ABORT_RESET = 0, /* HTTP/1.1: TCP RST, after the bytes written so far have reached the client.
                            HTTP/2: RST_STREAM with `code` */
    PLX_ABORT_FIN,       /* the connection closes in the middle of the body (over TLS: with close_notify) */
    PLX_ABORT_SILENT,    /* over TLS: the connection closes without close_notify; otherwise like FIN */
    PLX_ABORT_GOAWAY     /* HTTP/2: GOAWAY with `code`, then the connection closes; HTTP/1.1: like FIN */
} plx_abort_kind;

/* The code for an answer that breaks off by itself: RFC 9113, 7. */
enum { PLX_CODE_INTERNAL_ERROR = 2 };

/* How the bytes of an answer leave, for faults. All zero: as they are written. */
typedef struct plx_shape_of_packets {
    size_t   bytes_max; /* no packet (HTTP/2: no DATA frame) holds more of the answer; 0: no limit */
    uint32_t gap_us;    /* between two packets */
    bool     is_random; /* from 1 to bytes_max, drawn by `seed` */
    uint64_t seed;
} plx_shape_of_packets;

typedef struct plx_carrier {
    /* Sends the status and these headers beside those that every answer has (date, server, vary, ...). The names are in
     * lower case. With a content-length among them that is what is said, be it true or not; without, the body has no
     * stated length (HTTP/1.1: chunked; for HTTP/1.0, and with `connection: close` among them, until the end of the
     * connection). */
    void     (*send_headers)(plx_reply *reply, int status, const plx_header *headers, size_t count);
    /* The bytes are copied. HTTP/1.1: one write is one chunk of the chunked coding. */
    void     (*write)(plx_reply *reply, castor_str bytes);
    /* Bytes as they stand, outside of any framing: HTTP/1.1 only; false over HTTP/2, where nothing is written. */
    bool     (*write_raw)(plx_reply *reply, castor_str bytes);
    void     (*end)(plx_reply *reply);
    void     (*abort)(plx_reply *reply, plx_abort_kind kind, uint32_t code);
    void     (*wake_at)(plx_reply *reply, uint64_t due_us);
    uint64_t (*now_us)(const plx_reply *reply);
    bool     (*is_full)(const plx_reply *reply);
    void     (*shape_packets)(plx_reply *reply, const plx_shape_of_packets *shape);
    /* True: no more on_body until it is called with false. The client has to wait (flow control). Over HTTP/1.1 one that
     * closes its side meanwhile is lost: how much of the body it had sent before stands unread in the kernel. */
    void     (*hold_body)(plx_reply *reply, bool is_held);
} plx_carrier;

struct plx_reply {
    const plx_carrier *carrier;
    uint64_t           asked_at_us; /* when the body was whole, on the clock of now_us; 0 before */
    int                status;      /* that was sent; 0 before */
    bool               is_bystander; /* in on_gone: HTTP/2, and its connection was closed for what another reply did */

    /* The handler's. Each may be NULL. */
    void *user;
    void (*on_body)(plx_reply *reply, castor_str bytes);
    void (*on_body_end)(plx_reply *reply); /* the body is whole; also when there is none */
    void (*on_timer)(plx_reply *reply);    /* the time given to wake_at has come */
    void (*on_writable)(plx_reply *reply); /* it was full, and no longer is */
    void (*on_gone)(plx_reply *reply);
};

static inline void plx_reply_send_headers(plx_reply *reply, int status, const plx_header *headers, size_t count)
{
    reply->status = status;
    reply->carrier->send_headers(reply, status, headers, count);
}

static inline void plx_reply_write(plx_reply *reply, castor_str bytes) { reply->carrier->write(reply, bytes); }
static inline bool plx_reply_write_raw(plx_reply *reply, castor_str bytes)
{
    return reply->carrier->write_raw(reply, bytes);
}
static inline void plx_reply_end(plx_reply *reply) { reply->carrier->end(reply); }
static inline void plx_reply_abort(plx_reply *reply, plx_abort_kind kind, uint32_t code)
{
    reply->carrier->abort(reply, kind, code);
}

/* Calls on_timer once, at this time or as soon after it as can be. A time given later replaces it. */
static inline void plx_reply_wake_at(plx_reply *reply, uint64_t due_us) { reply->carrier->wake_at(reply, due_us); }
static inline uint64_t plx_reply_now_us(const plx_reply *reply) { return reply->carrier->now_us(reply); }

/* The client reads slower than we write: stop, and go on when on_writable comes. */
static inline bool plx_reply_is_full(const plx_reply *reply) { return reply->carrier->is_full(reply); }

static inline void plx_reply_shape_packets(plx_reply *reply, const plx_shape_of_packets *shape)
{
    reply->carrier->shape_packets(reply, shape);
}
static inline void plx_reply_hold_body(plx_reply *reply, bool is_held) { reply->carrier->hold_body(reply, is_held); }

/* What is to become of a connection that was just accepted. */
typedef enum plx_welcome {
    PLX_WELCOME_SERVE = 0,
    PLX_WELCOME_REFUSE, /* reset at once */
    PLX_WELCOME_IGNORE  /* accepted, and never read or answered */
} plx_welcome;

/* Who answers requests. Exactly one of `begin` and `refuse` is called for each request, and begins or promises an
 * answer. */
typedef struct plx_handler {
    void *user;
    plx_welcome (*welcome)(void *user); /* NULL: every connection is served */
    void (*begin)(void *user, plx_reply *reply, const plx_head *head);
    /* The request could not be read: answer `status` with this sentence. The connection closes afterwards. */
    void (*refuse)(void *user, plx_reply *reply, int status, const char *why);
} plx_handler;

#endif
