/* input.c -- what is asked: standard input, files, arguments and attachments, read and put together.
 * SPDX-License-Identifier: MIT
 *
 * Standard input belongs to the prompt
 *     always             when it is named: "-" among the arguments, or -f -
 *     never              when it is a terminal, closed, or a device; or when -a - or another option has taken it
 *     when it is a file  at once
 *     when it is a pipe  if there is no other prompt; else if it says something within CLI_STDIN_WAIT_MS, because
 *                        a pipe that never speaks and never ends must not keep a prompt waiting
 */
#include "input.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"
#include "magic.h"
#include "utf8.h"

static bool out_of_memory(cli_fault *fault)
{
    return cli_fault_set(fault, CLI_EXIT_FAILED, "out of memory");
}

/* ---- the prompt ---- */

static bool check_prompt(const cli_text *prompt, cli_fault *fault)
{
    if (prompt->state == CLI_TEXT_NO_MEMORY) return out_of_memory(fault);
    if (prompt->state == CLI_TEXT_OK) return true;
    return cli_fault_set(fault, CLI_EXIT_USAGE, "the prompt is larger than %d MiB, which is the limit",
                         CLI_PROMPT_BYTES_MAX >> 20);
}

/* A blank line between what is there and what comes. */
static void begin_piece(cli_text *prompt)
{
    if (prompt->len == 0) return;
    cli_text_put(prompt, prompt->data[prompt->len - 1] == '\n' ? "\n" : "\n\n");
}

static bool add_piece(cli_text *prompt, castor_str piece, const char *name, cli_fault *fault)
{
    if (piece.len == 0) return true;
    if (!cli_utf8_is_valid(piece)) {
        return cli_fault_set(fault, CLI_EXIT_USAGE, "%s is not UTF-8 text; to send it as it is, attach it with -a",
                             name);
    }
    begin_piece(prompt);
    cli_text_add_str(prompt, piece);
    return check_prompt(prompt, fault);
}

static bool add_file(cli_text *prompt, const char *path, cli_fault *fault)
{
    cli_text body = cli_text_init(CLI_FILE_BYTES_MAX);
    bool is_added = cli_file_read(&body, path, fault)
        && add_piece(prompt, cli_text_view(&body), cli_file_name(path), fault);
    cli_text_free(&body);
    return is_added;
}

static bool add_words(cli_text *prompt, const cli_options *options, cli_fault *fault)
{
    if (options->word_count == 0) return true;
    size_t len_before = prompt->len;
    begin_piece(prompt);
    size_t start = prompt->len;
    for (size_t i = 0; i < options->word_count; i++) {
        if (i > 0) cli_text_add_byte(prompt, ' ');
        cli_text_put(prompt, options->words[i]);
    }
    if (prompt->len == start) prompt->len = len_before; /* an empty word adds nothing, not even a blank line */
    return check_prompt(prompt, fault);
}

/* ---- standard input ---- */

static bool is_dash(const char *path)
{
    return path && strcmp(path, "-") == 0;
}

/* How many options have asked for standard input by name. */
static int stdin_claims(const cli_options *options)
{
    int claims = options->wants_stdin + is_dash(options->schema_path) + is_dash(options->key_path);
    for (size_t i = 0; i < options->file_count; i++) claims += is_dash(options->files[i]);
    for (size_t i = 0; i < options->attachment_count; i++) claims += is_dash(options->attachments[i].path);
    return claims;
}

static bool speaks_in_time(void)
{
    struct pollfd watched = { .fd = STDIN_FILENO, .events = POLLIN };
    int count;
    do count = poll(&watched, 1, CLI_STDIN_WAIT_MS);
    while (count < 0 && errno == EINTR); /* stopped and continued, say */
    return count != 0;
}

/* Whether to read standard input although nobody named it. */
static bool wants_unnamed_stdin(const cli_options *options, cli_notes *notes)
{
    struct stat status;
    if (isatty(STDIN_FILENO) || fstat(STDIN_FILENO, &status) != 0) return false;
    if (S_ISREG(status.st_mode)) return true;
    if (!S_ISFIFO(status.st_mode) && !S_ISSOCK(status.st_mode)) return false;

    bool has_prompt = options->word_count > 0 || options->file_count > 0;
    if (!has_prompt || speaks_in_time()) return true;
    cli_note(notes, "nothing came through standard input in %d ms: going on without it ('-' waits for it, </dev/null "
             "leaves it out)", CLI_STDIN_WAIT_MS);
    return false;
}

static bool wants_stdin(const cli_options *options, cli_notes *notes)
{
    if (options->wants_stdin) return true;
    return stdin_claims(options) == 0 && wants_unnamed_stdin(options, notes);
}

/* ---- attachments ---- */

static bool add_attachment(cli_input *input, const cli_attachment *attachment, cli_fault *fault)
{
    cli_text *body = &input->bodies[input->part_count];
    const char *name = cli_file_name(attachment->path);
    *body = cli_text_init(CLI_FILE_BYTES_MAX);
    castor_part *part = &input->parts[input->part_count++];
    if (!cli_file_read(body, attachment->path, fault)) return false;
    if (body->len == 0) return cli_fault_set(fault, CLI_EXIT_USAGE, "-a: %s is empty", name);

    const char *type = attachment->type ? attachment->type : cli_media_type(cli_text_view(body));
    if (!type) {
        return cli_fault_set(fault, CLI_EXIT_USAGE, "-a: the type of %s is not known; name it with --at TYPE before -a",
                             name);
    }
    *part = (castor_part){ .type = CASTOR_PART_DATA, .mime_type = type, .data = cli_text_view(body) };
    return true;
}

/* ---- all of it ---- */

/* Whether it is JSON is the library's to say; an empty one it would take for none. */
static bool read_schema(cli_input *input, const char *path, cli_fault *fault)
{
    if (!cli_file_read(&input->schema, path, fault)) return false;
    if (input->schema.len > 0) return true;
    return cli_fault_set(fault, CLI_EXIT_USAGE, "--schema: %s is empty", cli_file_name(path));
}

static bool read_prompt(cli_input *input, const cli_options *options, cli_notes *notes, cli_fault *fault)
{
    if (wants_stdin(options, notes) && !add_file(&input->prompt, "-", fault)) return false;
    for (size_t i = 0; i < options->file_count; i++) {
        if (!add_file(&input->prompt, options->files[i], fault)) return false;
    }
    return add_words(&input->prompt, options, fault);
}

bool cli_input_read(cli_input *input, const cli_options *options, cli_notes *notes, cli_fault *fault)
{
    *input = (cli_input){
        .prompt = cli_text_init(CLI_PROMPT_BYTES_MAX),
        .schema = cli_text_init(CLI_FILE_BYTES_MAX),
    };
    if (stdin_claims(options) > 1) {
        return cli_fault_set(fault, CLI_EXIT_USAGE, "standard input ('-') can be read once only");
    }
    if (options->schema_path && !read_schema(input, options->schema_path, fault)) return false;
    if (!read_prompt(input, options, notes, fault)) return false;
    for (size_t i = 0; i < options->attachment_count; i++) {
        if (!add_attachment(input, &options->attachments[i], fault)) return false;
    }
    return true;
}

void cli_input_free(cli_input *input)
{
    cli_text_free(&input->prompt);
    cli_text_free(&input->schema);
    for (size_t i = 0; i < input->part_count; i++) cli_text_free(&input->bodies[i]);
}
