/* output.c -- bytes on their way to a file descriptor.
 * SPDX-License-Identifier: MIT
 */
#include "output.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "interrupt.h"
#include "limits.h"

enum { SAFE_BLOCK = 4096 };

void cli_output_init(cli_output *output, int fd)
{
    *output = (cli_output){ .fd = fd, .is_terminal = isatty(fd) == 1, .pending = cli_text_init(CLI_LINE_BYTES_MAX) };
}

void cli_output_free(cli_output *output)
{
    cli_text_free(&output->pending);
}

static bool fail(cli_output *output, int error)
{
    output->error = error;
    return false;
}

/* Somebody made our descriptor non-blocking: wait as a blocking one would. */
static void wait_writable(int fd)
{
    struct pollfd watched = { .fd = fd, .events = POLLOUT };
    (void)poll(&watched, 1, -1);
}

static bool write_all(cli_output *output, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t count = write(output->fd, bytes, len);
        if (count >= 0) {
            bytes += count;
            len -= (size_t)count;
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            wait_writable(output->fd);
        } else if (errno != EINTR) {
            return fail(output, errno);
        }
        /* A reader that stands still must not keep us from ending when asked to. */
        if (len > 0 && cli_interrupt_signal() != 0) return fail(output, EINTR);
    }
    return true;
}

static bool write_safely(cli_output *output, const char *bytes, size_t len)
{
    char block[SAFE_BLOCK];
    castor_str text = { bytes, len };
    while (text.len > 0) {
        size_t written = castor_safe_text_feed(&output->safe, &text, block, sizeof block);
        if (!write_all(output, block, written)) return false;
    }
    return true;
}

static bool write_pending(cli_output *output)
{
    cli_text *pending = &output->pending;
    if (pending->state == CLI_TEXT_NO_MEMORY) return fail(output, ENOMEM);
    if (pending->state == CLI_TEXT_TOO_LARGE) return fail(output, EFBIG);
    if (pending->len == 0) return true;
    output->is_mid_line = pending->data[pending->len - 1] != '\n';
    return output->is_terminal ? write_safely(output, pending->data, pending->len)
                               : write_all(output, pending->data, pending->len);
}

bool cli_output_flush(cli_output *output)
{
    bool is_written = output->error == 0 && write_pending(output);
    output->pending.len = 0;
    return is_written;
}

bool cli_output_settle(cli_output *output)
{
    if (output->pending.len < CLI_WRITE_BYTES && output->pending.state == CLI_TEXT_OK) return output->error == 0;
    return cli_output_flush(output);
}

void cli_output_end_line(cli_output *output)
{
    const cli_text *pending = &output->pending;
    bool is_mid_line = pending->len > 0 ? pending->data[pending->len - 1] != '\n' : output->is_mid_line;
    if (is_mid_line) cli_text_add_byte(&output->pending, '\n');
}
