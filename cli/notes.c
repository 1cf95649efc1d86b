/* notes.c -- what the command says about itself, on standard error.
 * SPDX-License-Identifier: MIT
 */
#include "notes.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "limits.h"
#include "utf8.h"

void cli_notes_init(cli_notes *notes, int fd)
{
    *notes = (cli_notes){ .answer = NULL };
    cli_output_init(&notes->out, fd);
}

void cli_notes_free(cli_notes *notes)
{
    cli_output_free(&notes->out);
}

/* Every line begins at the left edge, also when the answer on the same terminal is in the middle of a line. */
static void begin_line(cli_notes *notes)
{
    bool is_answer_mid_line = notes->answer && notes->answer->is_mid_line;
    cli_output_end_line(&notes->out);
    if (is_answer_mid_line) {
        cli_text_add_byte(&notes->out.pending, '\n');
        notes->answer->is_mid_line = false;
    }
}

/* A server's message may have several lines; ours has one. */
static void join_lines(char *line)
{
    for (char *at = line; (at = strpbrk(at, "\r\n")) != NULL;) *at = ' ';
}

static void say(cli_notes *notes, const char *prefix, const char *format, va_list arguments)
{
    char line[CLI_MESSAGE_BYTES];
    (void)vsnprintf(line, sizeof line, format, arguments);
    join_lines(line);
    castor_str text = castor_str_of(line);
    text.len = cli_utf8_whole(text);

    begin_line(notes);
    cli_text_put(&notes->out.pending, prefix);
    cli_output_add(&notes->out, text);
    cli_output_end_line(&notes->out);
    (void)cli_output_flush(&notes->out); /* nowhere left to complain */
}

void cli_note(cli_notes *notes, const char *format, ...)
{
    if (notes->is_quiet) return;
    va_list arguments;
    va_start(arguments, format);
    say(notes, "castor: ", format, arguments);
    va_end(arguments);
}

void cli_complain(cli_notes *notes, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say(notes, "castor: ", format, arguments);
    va_end(arguments);
}

void cli_report(cli_notes *notes, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say(notes, "", format, arguments);
    va_end(arguments);
}

void cli_notes_think(cli_notes *notes, castor_str text)
{
    if (!notes->out.is_mid_line) begin_line(notes);
    cli_output_add(&notes->out, text);
    (void)cli_output_flush(&notes->out);
}

void cli_notes_end_line(cli_notes *notes)
{
    cli_output_end_line(&notes->out);
    (void)cli_output_flush(&notes->out);
}
