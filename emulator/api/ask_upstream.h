/* ask_upstream.h -- answers a prompt by what the upstream says to it.
 * SPDX-License-Identifier: MIT
 */
#ifndef PLX_ASK_UPSTREAM_H
#define PLX_ASK_UPSTREAM_H

#include "api/exchange.h"
#include "generate/encoding.h"
#include "upstream/chat_request.h"

/* Who brings an encoding that remembers, or wants the whole answer himself. */
typedef struct plx_upstream_guest {
    void *teller;                                                 /* of the answer */
    void (*take)(plx_exchange *e, void *teller, plx_answer *answer); /* instead of the encoding, when it is no stream */
    void (*on_gone)(void *teller);
} plx_upstream_guest;

/* Takes the exchange over, until its reply is gone. Neither ask nor body is needed afterwards; `print` puts the body
 * into the upstream's words. `guest` may be NULL; its on_gone is called in any case. */
void plx_ask_upstream(plx_exchange *e, const plx_ask *ask, const cst_json *body, plx_chat_print_fn *print,
                      const plx_encoding *encoding, const plx_upstream_guest *guest);

#endif
