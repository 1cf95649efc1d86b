/* client.h -- settings, connections, and the list of the streams under way.
 * SPDX-License-Identifier: MIT
 */
#ifndef CST_CLIENT_H
#define CST_CLIENT_H

#include <stdatomic.h>

#include "attempt.h"
#include "call.h"
#include "deadlines.h"
#include "retry.h"
#include "sequel.h"

/* Streams in the order they came. A stream is in one list at most, see castor_stream.list. */
typedef struct cst_stream_list {
    castor_stream *first;
    castor_stream *last;
    size_t         count;
} cst_stream_list;

/* Whoever calls listeners looks here after each call: what it stands on may be gone. */
typedef struct cst_telling {
    castor_client *client; /* NULL: freed in the callback */
    castor_stream *stream; /* NULL: closed in its callback */
} cst_telling;

struct castor_client {
    cst_allocator    allocator;
    cst_transport   *transport;
    char            *api_key;     /* NULL: none */
    char            *base_url;
    char            *user_agent;
    bool             is_google_base;
    castor_dialect   dialect;
    cst_time_limits  limits;
    int64_t          stream_total_ms; /* the fifth; negative: none */
    int64_t          unary_total_ms;
    bool             is_total_set;    /* by the user: then the server is told too */
    cst_retry_rules  retry;
    uint64_t         dice;        /* of the delays; tests set it */
    size_t           event_bytes_max;
    int64_t          recorder_bytes; /* 0: none */
    castor_stream   *streams;     /* all, newest first */
    size_t           open_count;  /* of these, those whose end was not told yet */
    size_t           under_way;   /* of these, those with an exchange, or waiting to try again */
    size_t           streams_max; /* that may be */
    cst_stream_list  waiting;     /* for their turn */
    cst_stream_list  news;        /* something may be there for their callers to take */
    cst_stream_list  heard;       /* something may be there for their listeners */
    cst_deadlines    deadlines;
    atomic_int       has_cancelled; /* some stream was; the cancelling thread knows no more of us */
    castor_loop      loop;        /* when is_attached */
    bool             is_attached;
    int64_t          armed_ms;    /* what the loop's timer was set to; INT64_MAX: to nothing */
    cst_telling     *telling;     /* a listener is being called */
    cst_buf          preview;
    cst_json_shelf   shelf;       /* what answers read records with, in turn */
    void           (*log)(void *user, const char *line);
    void            *log_user;
};

/* A client on a transport of the caller's (for tests); the client frees it, on errors too. NULL: libcurl. */
castor_status cst_client_new_on(castor_client **out, const castor_client_options *options, cst_transport *transport,
                                castor_error *err);

cst_call_settings cst_client_call_settings(const castor_client *client);

/* The limits of a request: its own, else the client's. */
cst_time_limits cst_client_limits(const castor_client *client, const castor_request *request);

/* A random number, all equally likely; good for delays and nothing else. */
uint32_t cst_client_roll(castor_client *client);

/* The total limit of a request in milliseconds (negative: none), and what of it the server is told (0: nothing). */
int64_t cst_client_total_limit(const castor_client *client, const castor_request *request);
int64_t cst_client_server_limit(const castor_client *client, const castor_request *request);

/* How much of a body the request's recorder holds; 0: there is none. */
size_t cst_client_recorder_bytes(const castor_client *client, const castor_request *request);

/* Frees the client. It has no streams, and no loop. */
void cst_client_dispose(castor_client *client);

/* Half the range is still for ever, and leaves room for sums with the clock. */
int64_t cst_clamp_ms(int64_t given_ms);

#endif
