/* transfers.h -- requests of ours to another server, under way on the event loop: libcurl's sockets, libuv's loop.
 * SPDX-License-Identifier: MIT
 *
 * What arrives waits in a transfer until it is taken; when too much waits, the server has to. The listener is told that
 * there is something new, never from within one of the functions below. It may free its transfer then, or any other.
 */
#ifndef PLX_TRANSFERS_H
#define PLX_TRANSFERS_H

#include <uv.h>

#include "base.h"
#include "bounds.h"

typedef struct plx_transfers plx_transfers;
typedef struct plx_transfer plx_transfer;

typedef struct plx_transfer_request {
    const char *url;
    const char *authorization; /* of that header, sent to this URL alone; NULL: none */
    bool        is_local;      /* a loopback address: no proxy stands before it */
    castor_str  body;          /* JSON; must live as long as the transfer */
    void      (*on_news)(void *user);
    void       *user;
} plx_transfer_request;

/* NULL: out of memory, or of descriptors. */
plx_transfers *plx_transfers_new(uv_loop_t *loop);
void           plx_transfers_free(plx_transfers *all); /* its transfers are gone; takes NULL */

/* Begins a POST. NULL: out of memory. */
plx_transfer *plx_transfer_post(plx_transfers *all, const plx_transfer_request *request);
void          plx_transfer_free(plx_transfer *transfer); /* ends what is under way; takes NULL */

/* The bytes of the body that came and were not used. */
castor_str plx_transfer_bytes(const plx_transfer *transfer);
void       plx_transfer_use(plx_transfer *transfer, size_t count);

/* Nothing more will come. `*why`: NULL when the body came to its end, else what went wrong. */
bool plx_transfer_is_over(const plx_transfer *transfer, const char **why);

/* From the head: HTTP's status, or 0 before it came; the content type; for how long not to come again, 0: unsaid. */
int        plx_transfer_status(const plx_transfer *transfer);
castor_str plx_transfer_content_type(const plx_transfer *transfer);
int64_t    plx_transfer_retry_after_s(const plx_transfer *transfer);

#endif
