/* uploads.h -- uploads that take several requests: what has come, and what it was said to be.
 * SPDX-License-Identifier: MIT
 *
 *   start --> ACTIVE --finalize--> FINAL        the file is made
 *               |    --cancel----> CANCELLED
 *
 * Every answer tells the state in x-goog-upload-status. Bytes count as soon as they have come, also those of a request
 * that then breaks off: `query` tells how many there are, and the next request goes on there. Two offsets are right for
 * a request with bytes: behind what there is, and where the request before it began, which is then taken for that
 * request sent again; what is there already is skipped. Who has the upload's id needs no key. Only the newest request
 * may write: it takes the upload from one that hangs.
 */
#ifndef PLX_UPLOADS_H
#define PLX_UPLOADS_H

#include "api/intake.h"

typedef enum plx_upload_state { PLX_UPLOAD_ACTIVE = 0, PLX_UPLOAD_FINAL, PLX_UPLOAD_CANCELLED } plx_upload_state;

typedef struct plx_upload plx_upload;

/* A request that brings bytes. */
typedef struct plx_upload_writer {
    plx_upload  *upload;    /* NULL: it was taken away */
    uint64_t     skip;      /* bytes at its front that are there already */
    bool         finalizes;
    plx_refusal *refusal;   /* why the rest of it is dropped */
} plx_upload_writer;

struct plx_upload {
    plx_shelved        shelved;     /* "uploads/ID" */
    plx_upload_state   state;
    plx_intake         intake;
    uint64_t           last_offset; /* where the last request with bytes began */
    plx_upload_writer *writer;      /* NULL: none brings bytes now */
    char               file_name[PLX_RESOURCE_NAME_SIZE]; /* once it is FINAL */
};

typedef struct plx_uploads plx_uploads;

plx_uploads *plx_uploads_new(void); /* NULL: no memory */
void         plx_uploads_free(plx_uploads *uploads);
void         plx_uploads_empty(plx_uploads *uploads); /* requests that bring bytes are told so at their end */

/* Gives it a name and its times, and keeps it. False: there are too many; it is then still the caller's. */
bool        plx_uploads_put(plx_world *world, plx_upload *upload, plx_refusal *refusal);
plx_upload *plx_uploads_find(const plx_world *world, castor_str id); /* NULL: there is none */
void        plx_upload_free(plx_shelved *one);

/* Adds x-goog-upload-status to the answer. */
void plx_upload_add_state(plx_exchange *exchange, const plx_upload *upload);

/* An answer without a body. */
void plx_upload_send_state(plx_exchange *exchange, const plx_upload *upload);

/* From the endpoint's `begin`: answers 400 with this sentence. `upload` may be NULL. */
void plx_upload_refuse_command(plx_exchange *exchange, const plx_upload *upload, const char *why);

/* upload_bytes.c: a request to an upload's URL. From the endpoint's `begin`. */
void plx_begin_upload_command(plx_exchange *exchange);

/* What X-Goog-Upload-Command says, as bits; 0: no such thing. */
enum {
    PLX_UPLOAD_START    = 1 << 0,
    PLX_UPLOAD_BYTES    = 1 << 1,
    PLX_UPLOAD_FINALIZE = 1 << 2,
    PLX_UPLOAD_QUERY    = 1 << 3,
    PLX_UPLOAD_CANCEL   = 1 << 4
};

int plx_upload_command(const plx_exchange *exchange);

#endif
