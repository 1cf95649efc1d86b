/* printer.h -- shows an answer in one of the three forms: text, json, jsonl.
 * SPDX-License-Identifier: MIT
 *
 * Standard output gets the answer; what is not the answer is noted on standard error.
 */
#ifndef CLI_PRINTER_H
#define CLI_PRINTER_H

#include "event_json.h"
#include "limits.h"
#include "notes.h"
#include "options.h"
#include "output.h"

/* What is kept of one candidate until the end. */
typedef struct cli_candidate {
    bool     is_seen;
    cli_text text;
    cli_text finish;
} cli_candidate;

typedef struct cli_printer {
    cli_form      form;
    cli_output   *out;
    cli_notes    *notes;
    bool          wants_thoughts; /* in text; JSON has them in any case. Some servers send them unasked */
    cli_tally     tally;
    cli_candidate candidates[CLI_CANDIDATES_MAX];
    cli_text      thoughts; /* json: of candidate 0 */
    cli_text      calls;    /* json: the elements of "function_calls" */
    cli_text      parts;    /* json: the elements of "parts", everything else */
} cli_printer;

void cli_printer_init(cli_printer *printer, const cli_options *options, cli_output *out, cli_notes *notes);
void cli_printer_free(cli_printer *printer);

/* Takes one event; `usage` is the stream's, for events of that kind. False when the output failed. */
bool cli_printer_event(cli_printer *printer, const castor_event *event, const castor_usage *usage);

/* The rest of the answer. False when the output failed. */
bool cli_printer_end(cli_printer *printer, const cli_facts *facts);

#endif
