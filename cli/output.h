/* output.h -- bytes on their way to a file descriptor, by write(2) and when we say so.
 * SPDX-License-Identifier: MIT
 *
 * What is added to `pending` waits for cli_output_flush; cli_output_settle flushes only when much has come together.
 * On a terminal everything passes through castor_safe_text. The first failure sticks, later bytes are dropped: EPIPE when
 * the reader went away, EINTR when a signal asked us to stop while the reader was not reading.
 */
#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H

#include <stdbool.h>

#include "text.h"

typedef struct cli_output {
    int              fd;
    bool             is_terminal;
    bool             is_mid_line; /* the last byte handed over was not a line break */
    int              error;       /* errno of the first failure; 0 */
    castor_safe_text safe;
    cli_text         pending;
} cli_output;

void cli_output_init(cli_output *output, int fd);
void cli_output_free(cli_output *output);

/* Both false after a failure; ENOMEM and EFBIG when `pending` could not grow. */
bool cli_output_flush(cli_output *output);
bool cli_output_settle(cli_output *output);

static inline void cli_output_add(cli_output *output, castor_str text)
{
    cli_text_add_str(&output->pending, text);
}

/* Ends the line if one is begun. */
void cli_output_end_line(cli_output *output);

#endif
