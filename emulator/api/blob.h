/* blob.h -- the bytes of one file: written from front to back, read anywhere, shared by who needs them.
 * SPDX-License-Identifier: MIT
 *
 * Small ones stay in memory; what grows goes into a temporary file without a name, which ends with the program whatever
 * happens to it. Such a file lies in the page cache as a rule, so that reading and writing do not hold up the loop.
 */
#ifndef PLX_BLOB_H
#define PLX_BLOB_H

#include "base.h"
#include "bounds.h"
#include "proto/refusal.h"

/* How much all blobs together may hold. */
typedef struct plx_blob_room {
    uint64_t bytes;
    size_t   count;
} plx_blob_room;

typedef struct plx_blob {
    plx_blob_room *room;
    size_t         share_count;
    uint64_t       size;
    uint64_t       line_count;  /* of lines with anything but blanks on them, the last one with or without its end */
    bool           is_in_line;
    int            fd;          /* -1: all is in `memory` */
    cst_buf        memory;
} plx_blob;

/* NULL: no memory, or no room for one more. */
plx_blob *plx_blob_new(plx_blob_room *room);

/* Tells why one could not be made, or could not take more. Always false. */
bool plx_blob_refuse(const plx_blob_room *room, plx_refusal *refusal);

plx_blob *plx_blob_share(plx_blob *blob);
void      plx_blob_drop(plx_blob *blob); /* takes NULL; the last one to drop it frees it */

/* False: no room, no memory, or the disk is full. The blob is then as it was; the same bytes may be tried again. */
bool plx_blob_append(plx_blob *blob, castor_str bytes);

/* How many bytes from `offset` on were read: fewer than `size` at the end, or when the disk fails. */
size_t plx_blob_read(const plx_blob *blob, uint64_t offset, char *out, size_t size);

/* ---- its lines, one after the other ---- */

typedef struct plx_blob_lines {
    const plx_blob *blob;
    uint64_t        at;    /* of the blob: behind what is in `ahead` */
    size_t          used;  /* of `ahead` */
    cst_buf         ahead;
} plx_blob_lines;

void plx_blob_lines_init(plx_blob_lines *lines, const plx_blob *blob);
void plx_blob_lines_free(plx_blob_lines *lines);

/* The next line that is not blank, without its end; a view until the next call. CASTOR_OK with an absent view: there is
 * none. LIMIT: it is longer than PLX_BLOB_LINE_BYTES_MAX. */
castor_status plx_blob_lines_next(plx_blob_lines *lines, castor_str *line);

#endif
