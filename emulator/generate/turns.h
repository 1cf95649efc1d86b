/* turns.h -- the rules of what is sent back: whose turn it is, calls and their results, signatures. Pure.
 * SPDX-License-Identifier: MIT
 *
 * The readers of bodies tell what they meet, in order:
 *
 *     begin, then for each content or message: open, any number of (say, call, respond), and close at the end
 *
 * Contents of one side in a row are one turn. A turn of the model with calls must be followed by a turn with as many
 * results. From generation 3 on, the first call of each such turn must carry its signature, in all turns since the user
 * last said something; and results must name a call of the turn before, each another one.
 */
#ifndef PLX_TURNS_H
#define PLX_TURNS_H

#include "generate/model_table.h"
#include "proto/refusal.h"

typedef enum plx_side { PLX_SIDE_NONE = 0, PLX_SIDE_USER, PLX_SIDE_MODEL } plx_side;

typedef struct plx_turns {
    const plx_model *facts;
    plx_side   side;
    size_t     position;           /* of the content, counted from 1 */
    bool       has_words;          /* the content, of the user */
    bool       has_results;

    castor_str call_names[PLX_TURN_CALLS_MAX]; /* of the last turn with calls */
    castor_str call_ids[PLX_TURN_CALLS_MAX];
    bool       is_answered[PLX_TURN_CALLS_MAX]; /* by a result with its id */
    size_t     call_count;
    size_t     result_count;       /* in the turn that answers it */

    char       unsigned_name[128]; /* the first call that misses its signature; empty: none */
    size_t     unsigned_position;
} plx_turns;

void plx_turns_begin(plx_turns *turns, const plx_model *facts);

/* Each false: `refusal` says what is wrong. */
bool plx_turns_open(plx_turns *turns, plx_side side, plx_refusal *refusal);
void plx_turns_say(plx_turns *turns);
bool plx_turns_call(plx_turns *turns, castor_str name, castor_str id, castor_str signature, plx_refusal *refusal);
bool plx_turns_respond(plx_turns *turns, castor_str name, castor_str id, plx_refusal *refusal);
/* `goes_on`: the model's last turn is to be continued by a token. */
bool plx_turns_close(plx_turns *turns, bool goes_on, plx_refusal *refusal);

/* Whether a signature came back as it was given; those of others are taken on trust. */
bool plx_signature_check(const plx_model *facts, castor_str signature, plx_refusal *refusal);

#endif
