/* ending.h -- the ends that are no ordinary stop, and what else stands around the words when a prompt wishes it. Pure.
 * SPDX-License-Identifier: MIT
 */
#ifndef PLX_ENDING_H
#define PLX_ENDING_H

#include "generate/answer.h"
#include "generate/calls.h"

/* The candidate ends so without a word: fills in all but its parts. */
bool          plx_ending_is_bare(const plx_wishes *wishes);
castor_status plx_ending_put(plx_candidate *candidate, const plx_wishes *wishes, const plx_call *calls,
                             size_t call_count, cst_arena *keep);

/* Parts before the text (code that was run, calls of tools), parts after it (a picture, sound), and the metadata of
 * searches, links and citations. `parts` has room for what these add: two, and two. */
castor_status plx_ending_add_before(plx_candidate *candidate, plx_part *parts, const plx_ask *ask,
                                    const plx_wishes *wishes, cst_arena *keep);
castor_status plx_ending_add_after(plx_candidate *candidate, plx_part *parts, const plx_ask *ask,
                                   const plx_wishes *wishes, cst_arena *keep);

/* What the service's own tools brought in, in tokens. */
uint64_t plx_ending_tool_tokens(const plx_ask *ask, const plx_wishes *wishes);

#endif
