/* pipe.h -- the bytes of one connection, over TCP or TLS: in order, with an end, and with patience that has one.
 * SPDX-License-Identifier: MIT
 *
 *   OPENING --TLS agreed on, or none wanted--> OPEN --finish--> DRAINING --> GONE
 *      |                                        |  --reset--> RESETTING --> GONE
 *      +----handshake too slow, failed----------+--client lost, patience over, cut--> GONE
 *   IGNORED --the client has left, or long enough--> GONE
 *
 * DRAINING   all is written or on its way, then our side is shut; what the client still sends is dropped, so that its
 *            unread bytes do not make the kernel reset the connection before our last ones were read.
 * RESETTING  waits until the last bytes are acknowledged, since a reset throws away what is still queued.
 *
 * Bytes that are written wait in one outbox that all pipes share, until another pipe writes or the loop is about to
 * sleep; so that a head and its body leave together, and a pipe has no buffer of its own. What the socket does not take
 * then is copied and waits: `plx_pipe_queued` counts it.
 */
#ifndef PLX_PIPE_H
#define PLX_PIPE_H

#include <uv.h>

#include "base.h"
#include "http/limits.h"
#include "http/timers.h"
#include "http/tls.h"

typedef struct plx_pipe plx_pipe;

/* Who is told. Called from the loop only; `on_gone` also from within finish, reset and cut. */
typedef struct plx_pipe_user {
    void (*on_open)(plx_pipe *pipe);
    void (*on_bytes)(plx_pipe *pipe, castor_str bytes);
    void (*on_end)(plx_pipe *pipe);      /* the client sends no more; it may still read */
    void (*on_progress)(plx_pipe *pipe); /* some of what had to wait was written */
    void (*on_flush)(plx_pipe *pipe);    /* the loop is about to sleep, and plx_pipe_flush_soon was called. Or NULL */
    void (*on_gone)(plx_pipe *pipe);     /* once; nothing can be written any more */
    void (*on_closed)(plx_pipe *pipe);   /* the last call: the memory may be freed */
} plx_pipe_user;

/* What all pipes of a server share. */
typedef struct plx_plumbing {
    uv_loop_t        *loop;
    uv_prepare_t      before_sleep;
    plx_timers        timers;
    plx_timer         wake;          /* there is more to flush: do not sleep */
    const plx_limits *limits;
    plx_tls_context  *tls;           /* NULL: clear */
    plx_pipe         *to_flush;      /* a list */
    plx_pipe         *flushing;      /* those of this round that have not had their turn */
    const plx_pipe   *last_reader;   /* of this turn of the loop */
    plx_pipe         *outbox_owner;
    size_t            outbox_len;
    char              outbox[PLX_OUTBOX_BYTES];
    char              read_buffer[PLX_READ_BYTES]; /* what is read is used before the next read */
    char              plain[PLX_TLS_RECORD_BYTES];
} plx_plumbing;

int  plx_plumbing_open(plx_plumbing *plumbing, uv_loop_t *loop, const plx_limits *limits); /* 0, or libuv's error */
void plx_plumbing_close(plx_plumbing *plumbing);

typedef enum plx_pipe_state {
    PLX_PIPE_OPENING = 0,
    PLX_PIPE_OPEN,
    PLX_PIPE_IGNORED,
    PLX_PIPE_DRAINING,
    PLX_PIPE_RESETTING,
    PLX_PIPE_GONE
} plx_pipe_state;

/* What the patience timer waits for. */
typedef enum plx_patience {
    PLX_PATIENCE_PLAIN = 0, /* something that the client owes us */
    PLX_PATIENCE_READER,    /* that it takes some of what is queued */
    PLX_PATIENCE_WATCH,     /* nothing: it is only looked whether it is still there ... */
    PLX_PATIENCE_SENDER     /* ... and whether it may still send */
} plx_patience;

struct plx_pipe {
    uv_tcp_t             tcp;
    plx_plumbing        *plumbing;
    const plx_pipe_user *user;
    plx_tls             *tls;        /* NULL: clear */
    plx_pipe            *next_to_flush;
    plx_timer            patience;
    size_t               queued_then; /* when PATIENCE_READER began */
    uint64_t             over_us;    /* IGNORED, RESETTING: it ends now, come what may */
    plx_pipe_state       state;
    plx_patience         waits_for;
    bool                 is_flush_due;
    bool                 is_reading;
    bool                 saw_end;    /* of the client's bytes */
    bool                 is_broken;  /* something could not be sent: nothing more is, and the end is near */
    bool                 is_shut;    /* our side */
};

/* In this order. False from take: no memory, and there is no pipe. False from adopt: it is gone already, and on_gone
 * and on_closed come as ever. Else exactly one of open, ignore and reset follows. */
bool plx_pipe_take(plx_pipe *pipe, plx_plumbing *plumbing, const plx_pipe_user *user);
bool plx_pipe_adopt(plx_pipe *pipe, int socket);
void plx_pipe_open(plx_pipe *pipe);   /* on_open comes from within it, if there is no TLS */
void plx_pipe_ignore(plx_pipe *pipe); /* never reads and never writes */

void plx_pipe_write(plx_pipe *pipe, castor_str bytes);        /* copied; no callback comes from within it */
void plx_pipe_write_packet(plx_pipe *pipe, castor_str bytes); /* the same, and no other bytes share their packet */
void plx_pipe_flush_soon(plx_pipe *pipe);                     /* asks for on_flush */

/* Between pipe.c and plumbing.c: past the outbox, as the socket takes them; the outbox, if it is this pipe's. */
bool plx_pipe_is_alive(const plx_pipe *pipe); /* bytes may still be sent */
void plx_pipe_put(plx_pipe *pipe, castor_str bytes);
void plx_plumbing_flush(plx_pipe *pipe);
void plx_plumbing_forget(plx_pipe *pipe);

/* Bytes written that the kernel has not taken. */
size_t plx_pipe_queued(const plx_pipe *pipe);
bool   plx_pipe_is_full(const plx_pipe *pipe);
bool   plx_pipe_is_behind(const plx_pipe *pipe); /* it was offered some and had no room: the client reads too slowly */

void plx_pipe_read(plx_pipe *pipe, bool wants_bytes);

/* How long the client may be silent. Each replaces the one before. */
void plx_pipe_wait_until(plx_pipe *pipe, uint64_t due_us);
void plx_pipe_wait_ms(plx_pipe *pipe, uint64_t wait_ms);
void plx_pipe_wait_for_reader(plx_pipe *pipe);
void plx_pipe_watch(plx_pipe *pipe); /* a client that nothing is read of and is owed an answer: notice when it is gone */
void plx_pipe_watch_sender(plx_pipe *pipe); /* the same; one that has closed its side is gone, read or not */
void plx_pipe_rest(plx_pipe *pipe);  /* for ever */

void plx_pipe_finish(plx_pipe *pipe, bool is_silent); /* FIN behind the last bytes; silent: no close_notify */
void plx_pipe_reset(plx_pipe *pipe);                  /* RST once the last bytes have arrived */
void plx_pipe_cut(plx_pipe *pipe);                    /* at once */
void plx_pipe_give_up(plx_pipe *pipe);                /* cut, but not from within this call */

#endif
