/* ask_interaction.h -- what a request to create an interaction says, checked by the rules of that API. Pure.
 * SPDX-License-Identifier: MIT
 */
#ifndef PLX_ASK_INTERACTION_H
#define PLX_ASK_INTERACTION_H

#include "json.h"
#include "proto/refusal.h"

/* Views point into the body's document. What is asked of the model itself is translate_interaction.h's business. */
typedef struct plx_interaction_ask {
    castor_str model;         /* absent for an agent */
    castor_str agent;         /* absent for a model */
    castor_str previous_id;   /* absent: a new conversation */
    castor_str continuation_token; /* absent: a new answer, not the rest of a long one */
    castor_str service_tier;
    bool       is_stored;
    bool       is_background;
    bool       wants_stream;
    bool       wants_summaries;
} plx_interaction_ask;

/* `version`: "v1" knows fewer parameters than the betas. False: `refusal` tells why. */
bool plx_interaction_ask_read(plx_interaction_ask *ask, const cst_json *body, castor_str version, plx_refusal *refusal);

/* Agents that do research. They run in the background only. */
bool plx_agent_does_research(castor_str agent);

#endif
