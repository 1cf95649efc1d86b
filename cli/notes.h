/* notes.h -- what the command says about itself, on standard error, one line each.
 * SPDX-License-Identifier: MIT
 */
#ifndef CLI_NOTES_H
#define CLI_NOTES_H

#include "output.h"

typedef struct cli_notes {
    cli_output  out;
    cli_output *answer;   /* standard output, if it shares the terminal with us; else NULL */
    bool        is_quiet; /* errors only */
} cli_notes;

void cli_notes_init(cli_notes *notes, int fd);
void cli_notes_free(cli_notes *notes);

/* A note, which -q silences; an error, which nothing does; a line that was asked for, with no name in front. */
void cli_note(cli_notes *notes, const char *format, ...) __attribute__((format(printf, 2, 3)));
void cli_complain(cli_notes *notes, const char *format, ...) __attribute__((format(printf, 2, 3)));
void cli_report(cli_notes *notes, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A piece of the model's thoughts, as it came. */
void cli_notes_think(cli_notes *notes, castor_str text);

/* Ends a line of thoughts that is not ended. */
void cli_notes_end_line(cli_notes *notes);

#endif
