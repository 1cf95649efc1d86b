/* spoil.h -- puts faults between an exchange and its answer.
 * SPDX-License-Identifier: MIT
 *
 * The first that asks counts: the request's header, the case of a script, a control call, chaos. Nothing under /pollux/
 * is ever spoilt.
 */
#ifndef PLX_SPOIL_H
#define PLX_SPOIL_H

#include "api/exchange.h"

/* Before the body: what the header asks for; and what control calls and chaos do, unless the endpoint plays cases,
 * which come first. False: the header is wrong, and `refusal` says how. */
bool plx_spoil_early(plx_exchange *exchange, plx_refusal *refusal);

/* For endpoints that play cases, before they answer: what the case asks for (absent: nothing), or a control call, or
 * chaos. True: the answer has been given, and the exchange is gone. */
bool plx_spoil_answer(plx_exchange *exchange, castor_str fault);

/* When the reply has gone: notes it in the history if it was lost for the sake of another one. A spoilt reply does so
 * itself. */
void plx_spoil_note_bystander(const plx_exchange *exchange);

#endif
