/* file.c -- whole files and standard input, with a limit.
 * SPDX-License-Identifier: MIT
 */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_stdin(const char *path)
{
    return strcmp(path, "-") == 0;
}

const char *cli_file_name(const char *path)
{
    return is_stdin(path) ? "standard input" : path;
}

int cli_file_open(const char *path, cli_fault *fault)
{
    if (is_stdin(path)) return STDIN_FILENO;
    int fd;
    do fd = open(path, O_RDONLY | O_CLOEXEC);
    while (fd < 0 && errno == EINTR); /* a FIFO may take its time */
    if (fd < 0) (void)cli_fault_set(fault, CLI_EXIT_USAGE, "cannot open %s: %s", path, strerror(errno));
    return fd;
}

void cli_file_close(int fd)
{
    if (fd != STDIN_FILENO) (void)close(fd);
}

long cli_file_read_some(int fd, char *bytes, size_t size)
{
    ssize_t count;
    do count = read(fd, bytes, size);
    while (count < 0 && errno == EINTR);
    return (long)count;
}

static bool too_large(cli_fault *fault, const char *name, size_t max)
{
    bool is_large = max >= 1 << 20;
    return cli_fault_set(fault, CLI_EXIT_USAGE, "%s is larger than %zu %s, which is the limit", name,
                         is_large ? max >> 20 : max >> 10, is_large ? "MiB" : "KiB");
}

bool cli_file_read_all(cli_text *out, int fd, const char *name, cli_fault *fault)
{
    for (;;) {
        char block[CLI_READ_BYTES];
        long count = cli_file_read_some(fd, block, sizeof block);
        if (count < 0) return cli_fault_set(fault, CLI_EXIT_FAILED, "cannot read %s: %s", name, strerror(errno));
        if (count == 0) return true;
        cli_text_add(out, block, (size_t)count);
        if (out->state == CLI_TEXT_TOO_LARGE) return too_large(fault, name, out->max);
        if (out->state == CLI_TEXT_NO_MEMORY) return cli_fault_set(fault, CLI_EXIT_FAILED, "out of memory");
    }
}

bool cli_file_read(cli_text *out, const char *path, cli_fault *fault)
{
    int fd = cli_file_open(path, fault);
    if (fd < 0) return false;
    bool is_read = cli_file_read_all(out, fd, cli_file_name(path), fault);
    cli_file_close(fd);
    return is_read;
}

/* Looked at on the open descriptor, so that nobody can exchange the file in between. */
static bool check_private(int fd, const char *path, cli_fault *fault)
{
    struct stat status;
    if (fstat(fd, &status) != 0) {
        return cli_fault_set(fault, CLI_EXIT_USAGE, "cannot read %s: %s", cli_file_name(path), strerror(errno));
    }
    if (S_ISREG(status.st_mode) && (status.st_mode & (S_IRGRP | S_IROTH))) {
        return cli_fault_set(fault, CLI_EXIT_USAGE, "%s can be read by others; make it private with: chmod 600 %s",
                             cli_file_name(path), is_stdin(path) ? "FILE" : path);
    }
    return true;
}

static bool read_key_from(char key[CLI_KEY_BYTES_MAX], int fd, const char *path, cli_fault *fault)
{
    size_t len = 0;
    long count;
    while ((count = cli_file_read_some(fd, key + len, CLI_KEY_BYTES_MAX - len)) > 0) {
        len += (size_t)count;
        if (len == CLI_KEY_BYTES_MAX) return too_large(fault, path, CLI_KEY_BYTES_MAX);
    }
    if (count < 0) return cli_fault_set(fault, CLI_EXIT_FAILED, "cannot read %s: %s", path, strerror(errno));

    static const char space[] = " \t\r\n";
    while (len > 0 && memchr(space, key[len - 1], sizeof space)) len--; /* the NUL of `space` counts too */
    key[len] = '\0';
    if (strlen(key) < len) { /* UTF-16, say: its first letter would be sent as the key */
        return cli_fault_set(fault, CLI_EXIT_USAGE, "%s holds a NUL byte, which no key has; save it as plain text",
                             path);
    }
    size_t lead = strspn(key, space);
    memmove(key, key + lead, len - lead + 1);
    if (key[0] == '\0') return cli_fault_set(fault, CLI_EXIT_USAGE, "%s holds no key", path);
    return true;
}

bool cli_file_read_key(char key[CLI_KEY_BYTES_MAX], const char *path, cli_fault *fault)
{
    int fd = cli_file_open(path, fault);
    if (fd < 0) return false;
    bool is_read = check_private(fd, path, fault) && read_key_from(key, fd, cli_file_name(path), fault);
    cli_file_close(fd);
    return is_read;
}
