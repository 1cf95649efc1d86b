/* research.c -- what a research agent answers.
 * SPDX-License-Identifier: MIT
 */
#include "generate/research.h"

#include "bounds.h"

/* An agent tells its thoughts stage by stage; each takes its share of the time. */
#define PLANNING \
    "**Planning the research**\n\nThe question is split into parts, and a plan says what to look for in each. I am " \
    "an emulator, so the plan is always this one.\n\n"
#define READING \
    "**Reading sources**\n\nHere an agent searches, opens pages and takes notes for minutes. Nothing is looked up by " \
    "an emulator; only time passes.\n\n"
#define WRITING \
    "**Writing the report**\n\nThe notes are put in order, compared with each other and turned into a report.\n\n"

static const char report[] =
    "# Research report\n\n"
    "This report was written by pollux, a local emulator of the Gemini API. No source was read for it, and what it "
    "says is the same for every question.\n\n"
    "## Findings\n\n"
    "1. **The run was accepted** at once, with the status `in_progress`.\n"
    "2. **It took its time**, and could have been cancelled, followed as a stream, or taken up again after any event.\n"
    "3. **It ended** with this text, its steps and its usage.\n\n"
    "## What to do next\n\n"
    "To have other findings, write them into a script and start pollux with --script FILE.\n";

void plx_research_plan(plx_research *research, const plx_ask *ask, const plx_pace *pace)
{
    static const size_t offsets[PLX_RESEARCH_STAGES] = { 0, sizeof PLANNING - 1, sizeof PLANNING READING - 1 };
    uint32_t            wait_ms = pace->tokens_per_second > 0 ? PLX_RESEARCH_MS / PLX_RESEARCH_STAGES : 0;

    *research = (plx_research){ .answer = { .is_answer = true, .status = 200, .waits = research->waits,
                                            .wait_count = PLX_RESEARCH_STAGES } };
    research->answer.text = castor_str_of(report);
    research->answer.thought = CASTOR_STR(PLANNING READING WRITING);
    for (size_t i = 0; i < PLX_RESEARCH_STAGES; i++) { /* where thoughts are not shown, the text waits for them */
        research->waits[i] = ask->includes_thoughts ? (plx_wait){ PLX_PART_THOUGHT, offsets[i], wait_ms }
                                                    : (plx_wait){ PLX_PART_TEXT, 0, wait_ms };
    }
}
