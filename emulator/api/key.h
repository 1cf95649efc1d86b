/* key.h -- who asks: API keys, OAuth tokens, and the errors about both.
 * SPDX-License-Identifier: MIT
 */
#ifndef PLX_KEY_H
#define PLX_KEY_H

#include "api/exchange.h"

/* Finds the key of the request and puts it into `exchange->key`. False: there is none, or it is not good, and `refusal`
 * tells so. */
bool plx_key_take(plx_exchange *exchange, plx_refusal *refusal);

#endif
