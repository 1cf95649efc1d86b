/* event_json.h -- events, and the end of an answer, as JSON lines. Pure.
 * SPDX-License-Identifier: MIT
 *
 * The one place that knows the format which `castor decode` and `--output jsonl` share; castor(1) describes it.
 */
#ifndef CLI_EVENT_JSON_H
#define CLI_EVENT_JSON_H

#include "text.h"

/* What the events of one answer add up to. Zeroed is valid. */
typedef struct cli_tally {
    int64_t text_bytes;    /* of candidate 0, UTF-8 */
    int64_t thought_bytes; /* of candidate 0, UTF-8 */
    int64_t function_calls;
    int64_t inline_data;
} cli_tally;

void cli_tally_add(cli_tally *tally, const castor_event *event);

/* What is known at the end, whether it came from a stream or from a decoder. Views are borrowed. */
typedef struct cli_facts {
    castor_verdict       verdict;
    castor_str           finish_reason;
    castor_str           block_reason;
    castor_str           model_version;
    castor_str           response_id;
    castor_usage         usage;
    const castor_timing *timing; /* NULL where there was no network */
    int32_t              attempts;       /* requests sent; 0 where there was no network */
    int32_t              restarts;       /* times that the answer began anew */
    const char          *fallback_model; /* the last that was asked; NULL: none */
    const castor_error  *error;  /* NULL unless it ended in an error */
} cli_facts;

/* The members of one event without the braces: `"type":"text","candidate":0,"text":"..."`. */
void cli_event_members(cli_text *out, const castor_event *event, const castor_usage *usage);

/* One line, with its line break. `wants_raw` adds the part as it came. */
void cli_event_line(cli_text *out, const castor_event *event, const castor_usage *usage, bool wants_raw);

/* From "verdict" to "error", as they stand in the end line and in the object of --output json. */
void cli_facts_members(cli_text *out, const cli_facts *facts, const cli_tally *tally);

void cli_end_line(cli_text *out, const cli_facts *facts, const cli_tally *tally);

#endif
