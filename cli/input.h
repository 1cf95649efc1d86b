/* input.h -- what is asked: standard input, files, arguments and attachments, read and put together.
 * SPDX-License-Identifier: MIT
 */
#ifndef CLI_INPUT_H
#define CLI_INPUT_H

#include "fault.h"
#include "notes.h"
#include "options.h"
#include "text.h"

typedef struct cli_input {
    cli_text    prompt; /* standard input, files, arguments, with blank lines between them */
    cli_text    schema;
    castor_part parts[CLI_FILES_MAX]; /* the attachments */
    size_t      part_count;
    cli_text    bodies[CLI_FILES_MAX]; /* the bytes that the parts point to */
} cli_input;

/* Free it in any case. */
bool cli_input_read(cli_input *input, const cli_options *options, cli_notes *notes, cli_fault *fault);
void cli_input_free(cli_input *input);

static inline bool cli_input_is_empty(const cli_input *input)
{
    return input->prompt.len == 0 && input->part_count == 0;
}

#endif
