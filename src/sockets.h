/* sockets.h -- the sockets that are watched, and who waits for them: we ourselves, or the caller's loop.
 * SPDX-License-Identifier: MIT
 *
 *     few sockets      poll()                       nothing to set up, no descriptor taken
 *     more             epoll, where there is one    a wake-up costs by what happened, not by what is watched
 *     attached         the caller's loop            is told of every change, and calls when something is ready
 *
 * The list is kept in all three, so that they can be changed for one another, and so that all sockets can be looked at
 * without waiting before somebody is told that nothing came.
 */
#ifndef CST_SOCKETS_H
#define CST_SOCKETS_H

#include <poll.h>

#include "base.h"

typedef struct cst_socket_place {
    void   *owner;
    int32_t at;        /* where in `watched`, from 1; 0: it is not */
    int16_t told;      /* what epoll knows, as events of poll; 0: nothing */
    bool    is_lasting; /* we are told before it is closed: epoll may be told late that nobody watches it */
    int32_t port;      /* its own, if it is kept between answers and nothing may come on it then; 0: not so */
} cst_socket_place;

typedef struct cst_sockets {
    const cst_allocator *allocator;
    const castor_loop   *loop;        /* NULL: we wait ourselves */
    struct pollfd       *watched;     /* in no order */
    size_t               count;
    size_t               capacity;
    cst_socket_place    *places;      /* by descriptor */
    size_t               place_count;
    int                  epoll;       /* -1: none */
    int                  late[CST_SOCKETS_LATE]; /* what epoll is to forget before we wait, unless it is watched anew */
    size_t               late_count;
    size_t               epoll_calls; /* how often epoll was told something, for tests */
    int                  wake_read;   /* what ends a wait from outside; one descriptor or a pipe's two ends */
    int                  wake_write;
} cst_sockets;

/* `ready`: CASTOR_READ, CASTOR_WRITE, or both when the socket is in trouble. */
typedef void cst_socket_fn(void *user, int fd, int32_t ready);

castor_status cst_sockets_init(cst_sockets *sockets, const cst_allocator *allocator, castor_error *err);
void          cst_sockets_free(cst_sockets *sockets); /* of one that was initialised, or whose init failed */

/* What is to be waited for on `fd`; 0: nothing any more. NO_MEMORY: it is not, and nobody will be told. */
castor_status cst_sockets_watch(cst_sockets *sockets, int fd, int32_t interest, void *owner);

/* Whose a socket is; NULL: nobody's, or it is not watched. */
void *cst_sockets_owner(const cst_sockets *sockets, int fd);

/* Of a socket that has come to be, and of one right before it is closed. Whoever tells of both spares epoll the news
 * between two answers on one connection. */
void cst_sockets_opened(cst_sockets *sockets, int fd);
void cst_sockets_closed(cst_sockets *sockets, int fd);

/* Of a socket that is kept for the next request: until then its peer has nothing to say. `port` is its own one. */
void cst_sockets_kept(cst_sockets *sockets, int fd, int port);

/* Whether the peer kept silent on the one with this port; true where we know of none, or of several. */
bool cst_sockets_was_silent(const cst_sockets *sockets, int port);

/* From now on `loop` waits; NULL: we do. On errors we do, and `loop` knows of no descriptor any more. */
castor_status cst_sockets_attach(cst_sockets *sockets, const castor_loop *loop);

/* Calls `fn` for each socket that is ready, and waits `timeout_ms` at most for the first (-1: for ever). With a loop
 * attached that can only be 0. `fn` may watch and forget sockets. A signal ends the wait early. */
castor_status cst_sockets_wait(cst_sockets *sockets, int timeout_ms, cst_socket_fn *fn, void *user, castor_error *err);

/* Makes wake_read readable, if it is watched; from any thread or a signal handler. */
void cst_sockets_wake(const cst_sockets *sockets);
void cst_sockets_be_awake(const cst_sockets *sockets); /* and unreadable again */

#endif
