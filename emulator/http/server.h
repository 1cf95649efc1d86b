/* server.h -- the listening socket, the connections it accepted, and how all of it ends.
 * SPDX-License-Identifier: MIT
 */
#ifndef PLX_SERVER_H
#define PLX_SERVER_H

#include <uv.h>

#include "http/log.h"
#include "http/pipe.h"
#include "http/reply.h"

typedef struct plx_connection plx_connection;

typedef struct plx_server_options {
    const char      *host;     /* a numeric address */
    int              port;     /* 0: the kernel chooses */
    uint64_t         grace_ms; /* for the answers under way when it is stopped */
    bool             is_quiet; /* no line per request */
    plx_tls_context *tls;      /* NULL: without TLS. It must live as long as the server */
    plx_limits       limits;
} plx_server_options;

typedef struct plx_server {
    uv_loop_t      *loop;
    uv_tcp_t        listener;
    uv_poll_t       arrivals;    /* at the listener's socket */
    uv_timer_t      grace;
    plx_handler     handler;
    plx_limits      limits;
    plx_plumbing    plumbing;
    plx_log         log;
    uv_timer_t      try_again;   /* to accept those who wait; it holds the loop */
    uint64_t        grace_ms;
    bool            is_stopping;
    bool            has_guests_waiting; /* connections that are not accepted: there are too many */
    plx_connection *connections; /* a list, through their own links */
    size_t          connection_count;
} plx_server;

/* Binds and listens. False: `why` (a buffer of `why_size` bytes) has a sentence. The port is then the server's. */
bool plx_server_open(plx_server *server, uv_loop_t *loop, const plx_server_options *options, plx_handler handler,
                     char *why, size_t why_size);
int  plx_server_port(const plx_server *server);

/* No new requests; answers under way may end until the grace time is over. Called twice: stop at once. */
void plx_server_stop(plx_server *server);

/* When the loop has ended. */
void plx_server_free(plx_server *server);

/* A connection has begun; has ended, and one that waits may take its place. */
void plx_server_has_one_more(plx_server *server);
void plx_server_has_lost_one(plx_server *server);

#endif
