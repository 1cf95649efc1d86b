/* server.h -- a small HTTP/1.1 server on loopback for the tests: it sends exactly the bytes it is told, and counts.
 * SPDX-License-Identifier: MIT
 *
 * One thread, one connection after another. Each request on any connection takes the next answer of the list; the last
 * one serves all that follow. Answers that are for a path come first, and are no part of that order.
 */
#ifndef TST_SERVER_H
#define TST_SERVER_H

#include <pthread.h>
#include <stdatomic.h>

#include "base.h"

enum { TST_HEAD_MAX = 16 << 10 };

typedef enum tst_then {
    TST_KEEP,  /* wait for the next request on the same connection */
    TST_CLOSE, /* end the connection in good order */
    TST_RESET, /* throw it away: the peer sees ECONNRESET */
    TST_STALL  /* send nothing more until the peer goes */
} tst_then;

typedef struct tst_reply {
    const char *bytes; /* head and body, as they go over the wire */
    size_t      len;   /* 0: strlen */
    size_t      step;  /* bytes at a time; 0: all at once */
    tst_then    then;
    const char *for_path; /* only for requests whose head has this; NULL: in turns */
} tst_reply;

typedef struct tst_server {
    pthread_t        thread;
    int              listener;
    int              port;
    const tst_reply *replies;
    size_t           reply_count;
    atomic_int       connections;
    atomic_int       requests;
    atomic_int       peer;            /* the connection that is served, for who has something to say out of turn */
    atomic_int       peer_left;       /* a stalled peer closed its end */
    char             head[TST_HEAD_MAX];  /* of the last request, NUL-terminated; read it when the server is idle */
    char             url[64];         /* "http://127.0.0.1:PORT" */
} tst_server;

void tst_server_start(tst_server *server, const tst_reply *replies, size_t count);

/* Waits for the connections that are under way: the client closes its own first. */
void tst_server_stop(tst_server *server);

#endif
