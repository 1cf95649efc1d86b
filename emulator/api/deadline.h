/* deadline.h -- how long a client lets an answer take: the header X-Server-Timeout.
 * SPDX-License-Identifier: MIT
 */
#ifndef PLX_DEADLINE_H
#define PLX_DEADLINE_H

#include "api/exchange.h"
#include "generate/encoding.h"

/* Tells the answer when it has to be over, if the client has said. False: nothing of it is due before, and 504 will be
 * sent at that time in its place. What it needs is copied to the exchange's arena. `lanes`: as many as the answer has,
 * of no meaning afterwards. */
bool plx_deadline_keep(plx_exchange *exchange, plx_answer *answer, plx_lane *lanes, const plx_encoding *encoding);

#endif
