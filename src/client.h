/* client.h -- settings, connections, and the list of the streams under way.
 * SPDX-License-Identifier: MIT
 */
#ifndef CST_CLIENT_H
#define CST_CLIENT_H

#include "call.h"
#include "transport.h"

/* The five limits in milliseconds; negative: none. */
typedef struct cst_time_limits {
    int64_t connect_ms;
    int64_t tls_ms;
    int64_t first_byte_ms;
    int64_t idle_ms;
    int64_t stream_total_ms;
    int64_t unary_total_ms;
    bool    is_total_set;    /* by the user: then the server is told too */
} cst_time_limits;

struct castor_client {
    cst_allocator    allocator;
    cst_transport   *transport;
    char            *api_key;     /* NULL: none */
    char            *base_url;
    char            *user_agent;
    bool             is_google_base;
    castor_dialect   dialect;
    cst_time_limits  limits;
    size_t           event_bytes_max;
    castor_stream   *streams;     /* those that have not been closed, newest first */
    cst_buf          preview;
    void           (*log)(void *user, const char *line);
    void            *log_user;
};

/* A client on a transport of the caller's (for tests); the client frees it, on errors too. NULL: libcurl. */
castor_status cst_client_new_on(castor_client **out, const castor_client_options *options, cst_transport *transport,
                                castor_error *err);

cst_call_settings cst_client_call_settings(const castor_client *client);

/* The total limit of a request in milliseconds (negative: none), and what of it the server is told (0: nothing). */
int64_t cst_client_total_limit(const castor_client *client, const castor_request *request);
int64_t cst_client_server_limit(const castor_client *client, const castor_request *request);

/* Copies what the caller's struct has of ours: older callers' structs are shorter. */
castor_request cst_request_of(const castor_request *request);

/* Frees the client when its list of streams is empty. */
void cst_client_dispose(castor_client *client);

/* Half the range is still for ever, and leaves room for sums with the clock. */
int64_t cst_clamp_ms(int64_t given_ms);

#endif
