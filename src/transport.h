/* transport.h -- the only door to the network: one HTTP exchange at a time is opened, moved, closed.
 * SPDX-License-Identifier: MIT
 *
 * A transport knows sockets, TLS, HTTP and the clock, and nothing of clients, streams or dialects. It calls the sink
 * from inside drive(), ready(), tick() and resume() only. After on_end, or after close(), it never calls that sink again.
 *
 * There is one machine and two who may wait for it: drive() does it itself; where a loop is attached, that waits and
 * calls ready() and tick(), and drive() only looks at what is there without waiting.
 */
#ifndef CST_TRANSPORT_H
#define CST_TRANSPORT_H

#include "base.h"

typedef struct cst_transport cst_transport; /* a pool of connections */
typedef struct cst_exchange  cst_exchange;  /* one request and its answer */

/* Which of the time limits an exchange is under. */
typedef enum cst_phase {
    CST_PHASE_QUEUED,    /* waits for a free connection: no limit but the total */
    CST_PHASE_CONNECT,   /* resolves or connects */
    CST_PHASE_TLS,       /* TLS handshake, or a proxy's tunnel */
    CST_PHASE_FIRST_BYTE /* request under way, or answer awaited or arriving */
} cst_phase;

typedef struct cst_http_request {
    const char        *url;
    const char *const *headers; /* "Name: value" lines, NULL at the end; copied, the copy wiped when freed */
    castor_str         body;    /* not copied: stays until the exchange is closed */
    int64_t            connect_timeout_ms; /* a hint, for hosts of several addresses; negative: none */
} cst_http_request;

typedef enum cst_take {
    CST_TAKE_MORE,  /* the bytes were taken */
    CST_TAKE_PAUSE, /* they were not: give them again after resume() */
    CST_TAKE_STOP   /* they were not, and no more are wanted: close() follows */
} cst_take;

/* What the head of an answer says. */
typedef struct cst_head {
    int32_t    http_status;
    castor_str content_type;
    castor_str location;       /* of a redirect, as it came; never followed; absent: none */
    castor_i64 retry_after_ms; /* Retry-After, in seconds or as a date, and retry-after-ms: the longer */
} cst_head;

typedef struct cst_sink {
    void *user;
    /* The phase may have changed. */
    void (*on_phase)(void *user);
    /* Once, when the exchange has a connection of its own or one that stood already. */
    void (*on_connected)(void *user, bool is_reused);
    /* Once, before the first bytes, or before the end of an answer without a body. */
    void (*on_head)(void *user, const cst_head *head);
    cst_take (*on_bytes)(void *user, const char *bytes, size_t len);
    /* Once, at the end. `failure` NULL: the body is whole. It is_transient where another try may fare better. Where it
     * is a connection that was lost, `was_closed`: not torn down (a reset), but ended before the body was. */
    void (*on_end)(void *user, const castor_error *failure, bool was_closed);
} cst_sink;

typedef struct cst_transport_methods {
    castor_status (*open)(cst_transport *transport, cst_exchange **out, const cst_http_request *request,
                          const cst_sink *sink, castor_error *err);
    void (*resume)(cst_exchange *exchange);
    void (*close)(cst_exchange *exchange); /* cuts it off when it is under way */
    cst_phase (*phase)(cst_exchange *exchange);

    /* Moves all exchanges; when nothing comes of it at once, waits `timeout_ms` at most (-1: for ever). With 0 it has
     * looked into every socket. */
    castor_status (*drive)(cst_transport *transport, int64_t timeout_ms, castor_error *err);
    void (*wake)(cst_transport *transport); /* ends a drive, or makes a loop call; from any thread or signal handler */

    /* Who waits: the caller's loop, told through watch() of what for; NULL: drive() again. The timer is the owner's. */
    castor_status (*attach)(cst_transport *transport, const castor_loop *loop, castor_error *err);
    castor_status (*ready)(cst_transport *transport, int fd, int32_t ready, castor_error *err);
    castor_status (*tick)(cst_transport *transport, castor_error *err); /* does what is due */
    int64_t (*due_ms)(cst_transport *transport); /* when that is; INT64_MAX: never */

    int64_t (*now_ms)(cst_transport *transport); /* a clock that only goes forward */
    void (*free)(cst_transport *transport);  /* every exchange is closed by then */
} cst_transport_methods;

/* A transport starts with its methods. */
struct cst_transport {
    const cst_transport_methods *methods;
};

/* What a transport is made from; strings are copied. */
typedef struct cst_transport_options {
    const cst_allocator *allocator; /* outlives the transport */
    const char          *proxy;     /* NULL: from the environment unless ignored; "": none */
    const char          *no_proxy;  /* NULL: none */
    const char          *ca_file;      /* with ca_directory in place of the system's; both NULL: those */
    const char          *ca_directory;
    const char          *client_cert_file;    /* NULL: none */
    const char          *client_key_file;     /* NULL: in client_cert_file */
    const char          *client_key_password;
    bool                 force_http1;
    int64_t              host_connections_max;
    int64_t              connection_streams_max; /* of one HTTP/2 connection */
    bool                 ignore_environment;
    void               (*log)(void *user, const char *line);
    void                *log_user;
} cst_transport_options;

castor_status cst_transport_curl_new(cst_transport **out, const cst_transport_options *options, castor_error *err);

#endif
