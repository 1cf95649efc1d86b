/* research.h -- what a research agent answers: a plan, reading, a report, and the time that takes. Pure.
 * SPDX-License-Identifier: MIT
 */
#ifndef PLX_RESEARCH_H
#define PLX_RESEARCH_H

#include "generate/ask.h"
#include "generate/pace.h"
#include "script/script.h"

enum { PLX_RESEARCH_STAGES = 3 };

/* A case as a script could hold it. The waits are the caller's storage; both must live while an answer is composed and
 * told. */
typedef struct plx_research {
    plx_case answer;
    plx_wait waits[PLX_RESEARCH_STAGES];
} plx_research;

/* Takes no time when the pace has no delays. */
void plx_research_plan(plx_research *research, const plx_ask *ask, const plx_pace *pace);

#endif
