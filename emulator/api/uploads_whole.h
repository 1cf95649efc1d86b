/* uploads_whole.h -- uploads in one request: the bytes alone (raw), or behind what is told of them (multipart).
 * SPDX-License-Identifier: MIT
 */
#ifndef PLX_UPLOADS_WHOLE_H
#define PLX_UPLOADS_WHOLE_H

#include "api/exchange.h"

/* From the endpoint's `begin`. */
void plx_begin_upload_whole(plx_exchange *exchange, bool is_multipart);

#endif
