/* ask.h -- one question to a model, and the answer on standard output.
 * SPDX-License-Identifier: MIT
 */
#ifndef CLI_ASK_H
#define CLI_ASK_H

#include "notes.h"
#include "options.h"
#include "output.h"

/* Returns the exit status. A failure of the output is left in `out->error` for main to tell. */
int cli_ask(const cli_options *options, cli_output *out, cli_notes *notes);

#endif
