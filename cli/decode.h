/* decode.h -- recorded bytes in, one JSON object a line out.
 * SPDX-License-Identifier: MIT
 */
#ifndef CLI_DECODE_H
#define CLI_DECODE_H

#include "notes.h"
#include "options.h"
#include "output.h"

/* Returns the exit status. A failure of the output is left in `out->error` for main to tell. */
int cli_decode(const cli_options *options, cli_output *out, cli_notes *notes);

#endif
