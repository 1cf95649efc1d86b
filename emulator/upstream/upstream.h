/* upstream.h -- the server that is asked when no script answers: where it is, what it is told, and the way to it.
 * SPDX-License-Identifier: MIT
 */
#ifndef PLX_UPSTREAM_H
#define PLX_UPSTREAM_H

#include "upstream/transfers.h"

typedef struct plx_upstream_options {
    const char *url;        /* up to where /chat/completions is appended; without any path, /v1 is */
    const char *model;      /* asked for whatever the client asks for; NULL: the client's */
    const char *key;        /* sent as a bearer token; NULL: none. Wiped when the upstream is freed */
    uint64_t    silence_ms; /* how long it may say nothing */
} plx_upstream_options;

typedef struct plx_upstream {
    plx_transfers *transfers;
    char          *url;           /* of chat completions */
    char          *host;          /* for what is told to clients: scheme, host and port */
    char          *model;         /* NULL: the client's */
    char          *authorization; /* NULL: none */
    uint64_t       silence_us;
    bool           is_local;
} plx_upstream;

/* NULL: `why` has a sentence. */
plx_upstream *plx_upstream_new(uv_loop_t *loop, const plx_upstream_options *options, char *why, size_t why_size);
void          plx_upstream_free(plx_upstream *upstream); /* takes NULL */

/* Copies what a server said to `out`, without the key: some quote it. */
void plx_upstream_quote(const plx_upstream *upstream, castor_str text, char *out, size_t size);

#endif
