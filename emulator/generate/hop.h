/* hop.h -- how much of an answer one request may bring, and how the next one goes on. Pure.
 * SPDX-License-Identifier: MIT
 *
 * maxOutputTokens is the total of thoughts and text. From generation 4 on, one request brings no more than its hop;
 * then the answer ends with CONTINUATION and a token, and the same request with this token goes on where it ended. The
 * text is made again each time, so that nothing has to be remembered: the token says how far it was sent.
 */
#ifndef PLX_HOP_H
#define PLX_HOP_H

#include "generate/ask.h"

typedef struct plx_hop {
    bool     is_long;       /* the model goes on */
    bool     is_cut;        /* something was left over */
    uint64_t prompt_hash;   /* a token belongs to one prompt */
    uint64_t text_done;     /* bytes, in this hop and before */
    uint64_t thoughts_done; /* tokens likewise ... */
    uint64_t spent;         /* ... of all kinds */
    uint64_t spent_before;  /* this hop */
    uint64_t total_left;
    uint64_t hop_left;
} plx_hop;

/* The token of the ask must have passed plx_hop_check. */
void plx_hop_begin(plx_hop *hop, const plx_ask *ask);

/* False: the token is not one of pollux, or of another prompt. */
bool plx_hop_check(const plx_ask *ask, plx_refusal *refusal);

/* What of these is left to send and may be sent; takes it. */
uint64_t   plx_hop_spend_thoughts(plx_hop *hop, uint64_t tokens);
castor_str plx_hop_spend_text(plx_hop *hop, castor_str text);

bool        plx_hop_is_later(const plx_hop *hop); /* not the first */
bool        plx_hop_is_spent(const plx_hop *hop); /* nothing more may be sent */
const char *plx_hop_finish(const plx_hop *hop);   /* "STOP", "MAX_TOKENS" or "CONTINUATION" */

/* Absent when there is nothing to go on with. */
castor_status plx_hop_print_token(const plx_hop *hop, cst_arena *arena, castor_str *out);

/* What a family gives in one request; 0: no limit of this kind. */
int64_t plx_hop_tokens_max(const plx_model *facts, const plx_terms *terms);

#endif
