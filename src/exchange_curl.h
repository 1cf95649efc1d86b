/* exchange_curl.h -- one HTTP exchange on an easy handle of libcurl, and those that are kept for the next one.
 * SPDX-License-Identifier: MIT
 *
 * Making an easy handle and setting it up costs as much as a short answer: an exchange that ended well is kept with its
 * handle, whose options stand, and the next one only brings its URL, headers and body.
 */
#ifndef CST_EXCHANGE_CURL_H
#define CST_EXCHANGE_CURL_H

#include <curl/curl.h>

#include "address.h"
#include "roots.h"
#include "sockets.h"
#include "transport.h"

/* What all exchanges of a transport share. */
typedef struct cst_exchanges {
    const cst_allocator *allocator;
    CURLSH              *share;       /* names and TLS sessions, for all multi handles */
    char                *proxy;
    char                *no_proxy;
    char                *client_cert_file;
    char                *client_key_file;
    char                *client_key_password;
    cst_roots            roots;
    bool                 force_http1;
    bool                 ignore_environment;
    cst_sockets         *sockets;     /* are told of what libcurl opens and closes */
    cst_address         *address;     /* of the last request; NULL: none yet */
    bool                 has_moved;   /* some exchange came forward: its owner should look before we wait */
    size_t               open_count;  /* taken and not given back */
    cst_exchange        *idle;        /* kept for the next ones */
    size_t               idle_count;
    void               (*log)(void *user, const char *line);
    void                *log_user;
} cst_exchanges;

struct cst_exchange {
    cst_exchanges     *all;
    void              *group;         /* its owner's: where it is moved */
    cst_exchange      *next;          /* when idle */
    CURL              *easy;
    size_t             read_bytes;    /* of its receive buffer, which cannot grow */
    cst_address       *address;       /* NULL: libcurl parses the URL itself */
    cst_roots_state    trusted;       /* what its options say of trust */
    struct curl_slist *headers;       /* one block, texts included; wiped when freed */
    size_t             header_bytes;
    cst_sink           sink;
    castor_str         body;
    bool               has_started;   /* left the queue: resolves or connects */
    bool               is_connected;  /* TCP is; a TLS handshake may be under way */
    bool               is_sent;       /* has a usable connection */
    bool               is_reused;     /* its connection was used before */
    bool               is_stale;      /* the connection that was kept for it is no good: it gets a new one */
    int                local_port;    /* of its connection */
    bool               is_dropped;    /* it was sent, and came back without a byte of an answer */
    bool               is_head_whole; /* its blank line came */
    bool               has_head;      /* the sink was told */
    bool               is_ended;
    int64_t            retry_after_ms; /* of the header retry-after-ms; 0: none */
    bool               is_sound;      /* ended well: the handle can be used again */
    char               trouble[CURL_ERROR_SIZE];
};

castor_status cst_exchanges_init(cst_exchanges *all, const cst_transport_options *options, cst_sockets *sockets);
void          cst_exchanges_free(cst_exchanges *all); /* of those whose init failed, too; all are given back */

/* An exchange whose handle is ready to be added to a multi handle; NULL: no memory. */
cst_exchange *cst_exchange_take(cst_exchanges *all, const cst_http_request *request, const cst_sink *sink);

/* Its handle is in no multi handle any more. */
void cst_exchange_give_back(cst_exchange *exchange);

/* Whether one that failed may fare better when it is added anew; its sink knows nothing of it. */
bool cst_exchange_tries_again(cst_exchange *exchange, CURLcode code);

/* Tells the sink, which may close it. */
void cst_exchange_end(cst_exchange *exchange, CURLcode code);

cst_phase cst_exchange_phase(cst_exchange *exchange);

/* The exchange of a handle; NULL for one of libcurl's own. */
cst_exchange *cst_exchange_of(CURL *easy);

#endif
