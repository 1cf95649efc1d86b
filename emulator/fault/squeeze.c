/* squeeze.c -- gzip for the body of an answer, piece by piece.
 * SPDX-License-Identifier: MIT
 */
#include "fault/squeeze.h"

#include <stdlib.h>
#include <zlib.h>

#include "bounds.h"

struct plx_squeeze {
    z_stream stream;
};

plx_squeeze *plx_squeeze_new(void)
{
    enum { GZIP_NOT_ZLIB = 16, MEMORY_LEVEL = 8 };
    plx_squeeze *squeeze = calloc(1, sizeof *squeeze);

    if (!squeeze) return NULL;
    if (deflateInit2(&squeeze->stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, MAX_WBITS + GZIP_NOT_ZLIB, MEMORY_LEVEL,
                     Z_DEFAULT_STRATEGY) == Z_OK) {
        return squeeze;
    }
    free(squeeze);
    return NULL;
}

void plx_squeeze_free(plx_squeeze *squeeze)
{
    if (!squeeze) return;
    deflateEnd(&squeeze->stream);
    free(squeeze);
}

castor_status plx_squeeze_feed(plx_squeeze *squeeze, castor_str bytes, bool is_last, cst_buf *out)
{
    z_stream     *z = &squeeze->stream;
    unsigned char room[16384];
    castor_status status = CASTOR_OK;

    if (bytes.len > PLX_EVENT_BYTES_MAX) return CASTOR_LIMIT;
    z->next_in = (Bytef *)(uintptr_t)bytes.data; /* zlib only reads there */
    z->avail_in = (uInt)bytes.len;
    do {
        z->next_out = room;
        z->avail_out = sizeof room;
        if (deflate(z, is_last ? Z_FINISH : Z_SYNC_FLUSH) == Z_STREAM_ERROR) return CASTOR_INVALID;
        status = cst_buf_append(out, room, sizeof room - z->avail_out);
    } while (z->avail_out == 0 && status == CASTOR_OK);
    return status;
}
