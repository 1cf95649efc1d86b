/* log.c -- lines on stderr that never make anybody wait.
 * SPDX-License-Identifier: MIT
 */
#include "http/log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LINE_BYTES = 1024 }; /* under PIPE_BUF: a pipe takes a line whole or not at all */

/*
 * O_NONBLOCK belongs to what is open, not to the descriptor: set on stderr it would surprise the shell, and everybody
 * else who writes there. A pipe or a terminal can be opened a second time; a file does not block.
 */
void plx_log_open(plx_log *log, bool is_quiet)
{
    struct stat about;

    *log = (plx_log){ .fd = STDERR_FILENO, .is_quiet = is_quiet };
    if (fstat(STDERR_FILENO, &about) != 0) return;
    log->is_socket = S_ISSOCK(about.st_mode);
    if (!(S_ISFIFO(about.st_mode) || S_ISCHR(about.st_mode))) return;
    int own = open("/dev/fd/2", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (own < 0) return;
    log->fd = own;
    log->is_own = true;
}

static bool put(const plx_log *log, const char *text, size_t len)
{
    if (log->is_socket) return send(log->fd, text, len, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
    return write(log->fd, text, len) >= 0;
}

/* "pollux: ", the sentence and a newline; its length. */
static size_t print_line(char text[LINE_BYTES], const char *format, va_list args)
{
    static const char name[] = "pollux: ";
    const size_t      before = sizeof name - 1, room = LINE_BYTES - before - 1;
    int               count;

    memcpy(text, name, before);
    count = vsnprintf(text + before, room, format, args);
    size_t len = before + (count < 0 ? 0 : (size_t)count < room ? (size_t)count : room - 1);
    text[len++] = '\n';
    return len;
}

static void confess(plx_log *log)
{
    char text[LINE_BYTES];
    int  len;

    if (log->dropped == 0) return;
    len = snprintf(text, sizeof text, "pollux: %" PRIu64 " lines are missing here: stderr took no more.\n",
                   log->dropped);
    if (put(log, text, (size_t)len)) log->dropped = 0;
}

void plx_log_close(plx_log *log)
{
    confess(log);
    if (log->is_own) close(log->fd);
    log->is_own = false;
    log->fd = STDERR_FILENO;
}

void plx_log_say(plx_log *log, const char *format, ...)
{
    char    text[LINE_BYTES];
    va_list args;

    confess(log);
    va_start(args, format);
    size_t len = print_line(text, format, args);
    va_end(args);
    if (log->dropped > 0 || !put(log, text, len)) log->dropped++;
}

/* A pipe that is ready takes a line whole, without waiting. */
void plx_log_warn(const char *format, ...)
{
    struct pollfd ready = { .fd = STDERR_FILENO, .events = POLLOUT };
    char          text[LINE_BYTES];
    va_list       args;

    va_start(args, format);
    size_t len = print_line(text, format, args);
    va_end(args);
    if (poll(&ready, 1, 0) == 1 && write(STDERR_FILENO, text, len) < 0) return; /* nobody is left to be told */
}

char *plx_log_label(const plx_log *log, const plx_head *head)
{
    castor_str  path = head->target;
    const char *query = path.len ? memchr(path.data, '?', path.len) : NULL;
    char       *label;

    if (log->is_quiet) return NULL;
    if (query) path.len = (size_t)(query - path.data);
    if (path.len > LINE_BYTES) path.len = LINE_BYTES;
    label = malloc(head->method.len + path.len + 2);
    if (label) {
        snprintf(label, head->method.len + path.len + 2, "%.*s %.*s", CASTOR_ARG(head->method), CASTOR_ARG(path));
    }
    return label;
}

void plx_log_reply(plx_log *log, const char *label, int status, uint64_t bytes, const char *note)
{
    if (log->is_quiet) return;
    plx_log_say(log, "%s %d, %" PRIu64 " bytes%s", label ? label : "- -", status, bytes, note);
}
