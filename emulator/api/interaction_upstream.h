/* interaction_upstream.h -- an interaction whose answer the upstream gives.
 * SPDX-License-Identifier: MIT
 */
#ifndef PLX_INTERACTION_UPSTREAM_H
#define PLX_INTERACTION_UPSTREAM_H

#include "api/exchange.h"
#include "api/interaction_store.h"
#include "generate/ask.h"

/* How the interaction is created. */
typedef struct plx_interaction_wish {
    plx_interaction *one;        /* complete but for its course; the reference goes to the exchange */
    plx_course_names names;      /* that live as long as it */
    bool             is_stored;
    bool             is_streamed;
} plx_interaction_wish;

/* Takes the exchange over. `body`: of generateContent; neither it nor the ask is needed afterwards. Words are told as
 * they come; what is to be stored is stored when all have come. */
void plx_interaction_ask_upstream(plx_exchange *e, const plx_interaction_wish *wish, const plx_ask *ask,
                                  const cst_json *body);

#endif
