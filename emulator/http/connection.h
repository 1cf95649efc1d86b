/* connection.h -- one connection of a server: its pipe, and the protocol that is spoken through it.
 * SPDX-License-Identifier: MIT
 */
#ifndef PLX_CONNECTION_H
#define PLX_CONNECTION_H

#include "http/server.h"

typedef struct plx_protocol plx_protocol;

enum { PLX_PREFACE_BYTES = 24 }; /* what an HTTP/2 client begins with: RFC 9113, 3.4 */

struct plx_connection {
    plx_pipe            pipe;
    plx_server         *server;
    plx_connection     *next;
    plx_connection    **link;       /* what points to us */
    const plx_protocol *protocol;   /* NULL: the client has not shown yet which one */
    void               *state;      /* the protocol's */
    unsigned char       preface_len; /* as much of it as has come */
};

/* Begins with a socket that was accepted, which is the connection's then; false: there is no memory for it. It frees
 * itself when it has ended. */
bool plx_connection_begin(plx_server *server, int socket);

/* The server stops: ends now unless an answer is under way; then it ends after that answer. */
void plx_connection_finish(plx_connection *connection);

/* Ends now, whatever is under way. */
void plx_connection_cut(plx_connection *connection);

#endif
