/* ask_upstream.h -- answers a prompt by what the upstream says to it.
 * SPDX-License-Identifier: MIT
 */
#ifndef PLX_ASK_UPSTREAM_H
#define PLX_ASK_UPSTREAM_H

#include "api/exchange.h"
#include "generate/encoding.h"
#include "upstream/chat_request.h"

/* Takes the exchange over, until its reply is gone. Neither ask nor body is needed afterwards; `print` puts the body
 * into the upstream's words. */
void plx_ask_upstream(plx_exchange *e, const plx_ask *ask, const cst_json *body, plx_chat_print_fn *print,
                      const plx_encoding *encoding);

#endif
