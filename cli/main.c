/* main.c -- castor, the command: asks a Gemini model, or decodes what one has said.
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "ask.h"
#include "decode.h"
#include "fault.h"
#include "interrupt.h"
#include "notes.h"
#include "options.h"
#include "output.h"

/* A descriptor that the parent had closed would be given to the next file that we open, and the answer written into
 * it. Filled up the wrong way round, each still fails when it is used. */
static void fill_descriptors(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        bool is_closed = fcntl(fd, F_GETFD) == -1 && errno == EBADF;
        if (is_closed) (void)open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
    }
}

static void set_pipe_action(void (*handler)(int))
{
    struct sigaction action = { .sa_handler = handler };
    sigemptyset(&action.sa_mask);
    (void)sigaction(SIGPIPE, &action, NULL);
}

/* The reader went away, as `castor ... | head -1` does: end as a program that knows nothing of pipes would. */
static int die_of_closed_pipe(void)
{
    set_pipe_action(SIG_DFL);
    (void)raise(SIGPIPE);
    return CLI_EXIT_SIGNAL + SIGPIPE;
}

/* A full disk may be told as late as by close(2). */
static void close_output(cli_output *out)
{
    if (out->error == 0 && close(out->fd) != 0 && errno != EBADF && errno != EINTR) out->error = errno;
}

/* Whatever the answer came to: if it could not be written, that is what happened. */
static int settle_output(cli_output *out, cli_notes *notes, int exit_status)
{
    close_output(out);
    if (out->error == 0) return exit_status;
    if (out->error == EPIPE) return die_of_closed_pipe();
    if (out->error == EINTR) return CLI_EXIT_SIGNAL + cli_interrupt_signal();
    cli_complain(notes, "cannot write to standard output: %s", strerror(out->error));
    return CLI_EXIT_FAILED;
}

static int print_about(const cli_options *options, cli_output *out)
{
    if (options->wants_help) cli_options_print_help(&out->pending, options->command);
    else cli_text_format(&out->pending, "castor %s (libcastor %s)\n", CASTOR_VERSION, castor_version());
    (void)cli_output_flush(out);
    return CLI_EXIT_OK;
}

/* `castor` alone at a terminal: there is nothing to wait for. */
static bool has_no_question(const cli_options *options)
{
    bool has_input = options->word_count > 0 || options->file_count > 0 || options->attachment_count > 0
        || options->wants_stdin;
    return options->command == CLI_ASK && !has_input && isatty(STDIN_FILENO);
}

static int print_short_usage(cli_notes *notes)
{
    cli_options_print_usage(&notes->out.pending, CLI_ASK);
    cli_text_put(&notes->out.pending, "For example: castor \"Why do beavers build dams?\"\nSee 'castor --help'.\n");
    (void)cli_output_flush(&notes->out);
    return CLI_EXIT_USAGE;
}

static int run(char **arguments, size_t count, cli_output *out, cli_notes *notes)
{
    cli_options options;
    cli_fault fault = { 0 };
    if (!cli_options_parse(&options, arguments, count, &fault)) {
        cli_complain(notes, "%s", fault.message);
        return fault.exit_status;
    }
    notes->is_quiet = options.is_quiet;
    if (options.wants_help || options.wants_version) return print_about(&options, out);
    if (has_no_question(&options)) return print_short_usage(notes);
    return options.command == CLI_DECODE ? cli_decode(&options, out, notes) : cli_ask(&options, out, notes);
}

int main(int argc, char **argv)
{
    cli_output out;
    cli_notes notes;
    fill_descriptors();
    set_pipe_action(SIG_IGN); /* so that a write tells, and we can close the connection first */
    cli_interrupt_install();
    cli_output_init(&out, STDOUT_FILENO);
    cli_notes_init(&notes, STDERR_FILENO);
    if (out.is_terminal && notes.out.is_terminal) notes.answer = &out;

    size_t count = argc > 1 ? (size_t)argc - 1 : 0;
    int exit_status = run(argv + (argc > 0), count, &out, &notes);
    exit_status = settle_output(&out, &notes, exit_status);
    cli_output_free(&out);
    cli_notes_free(&notes);
    return exit_status;
}
