/* protocol.h -- what is spoken on a connection: HTTP/1.1 or HTTP/2. Each is one table of functions.
 * SPDX-License-Identifier: MIT
 */
#ifndef PLX_PROTOCOL_H
#define PLX_PROTOCOL_H

#include "http/connection.h"

typedef struct plx_protocol {
    bool (*open)(plx_connection *connection); /* makes its state; false: no memory */
    void (*on_bytes)(plx_connection *connection, castor_str bytes);
    void (*on_end)(plx_connection *connection);
    void (*on_progress)(plx_connection *connection);
    void (*on_flush)(plx_connection *connection); /* or NULL */
    void (*on_gone)(plx_connection *connection);  /* tells the handler of every reply that is still open */
    void (*finish)(plx_connection *connection);   /* the server stops: no new requests, the end after the last answer */
    void (*free_state)(plx_connection *connection);
} plx_protocol;

extern const plx_protocol plx_http1_protocol, plx_http2_protocol;

#endif
