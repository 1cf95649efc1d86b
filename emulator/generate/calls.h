/* calls.h -- whether a prompt asks for a function, for which, and with which arguments. Pure.
 * SPDX-License-Identifier: MIT
 */
#ifndef PLX_CALLS_H
#define PLX_CALLS_H

#include "generate/ask.h"
#include "generate/wishes.h"

typedef struct plx_call {
    castor_str name;
    castor_str args; /* JSON without white space */
} plx_call;

/*
 * Chooses calls for what is asked, PLX_CALLS_MAX at most:
 *
 * 1. none if the mode is NONE, or if the last turn brought results (but the mode ANY goes on calling, as the real one);
 * 2. those that the prompt wishes ("pollux: call f");
 * 3. every function whose name stands in the prompt;
 * 4. unless a script answers the prompt: the one that shares most words with it, by its name or its description;
 * 5. in mode ANY the first.
 *
 * "in Paris and London" makes two calls of a function with one text to fill in. NO_MEMORY, or LIMIT when a schema asks
 * for more than bounds.h.
 */
castor_status plx_calls_choose(const plx_ask *ask, const plx_wishes *wishes, bool is_scripted, cst_arena *arena,
                               plx_call calls[PLX_CALLS_MAX], size_t *count);

#endif
