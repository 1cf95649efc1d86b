/* squeeze.h -- gzip for the body of an answer, piece by piece.
 * SPDX-License-Identifier: MIT
 */
#ifndef PLX_SQUEEZE_H
#define PLX_SQUEEZE_H

#include "base.h"

typedef struct plx_squeeze plx_squeeze;

plx_squeeze *plx_squeeze_new(void); /* NULL: no memory */
void         plx_squeeze_free(plx_squeeze *squeeze);

/* Appends what the bytes become, flushed, so that the client can read all of it; `is_last`: and the end of the file. */
castor_status plx_squeeze_feed(plx_squeeze *squeeze, castor_str bytes, bool is_last, cst_buf *out);

#endif
