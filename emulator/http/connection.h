/* connection.h -- one TCP connection and the HTTP/1.1 that is spoken on it.
 * SPDX-License-Identifier: MIT
 */
#ifndef PLX_CONNECTION_H
#define PLX_CONNECTION_H

#include "http/server.h"

/* Accepts the connection that waits at the server's listener. It frees itself when it has ended. */
void plx_connection_accept(plx_server *server);

/* The server stops: ends now unless an answer is under way; then it ends after that answer. */
void plx_connection_finish(plx_connection *connection);

/* Ends now, whatever is under way. */
void plx_connection_cut(plx_connection *connection);

plx_connection *plx_connection_next(const plx_connection *connection);

#endif
