/* record.c -- the file of --record.
 * SPDX-License-Identifier: MIT
 */
#define _XOPEN_SOURCE 700 /* realpath */
#include "record.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "limits.h"

static bool fail(cli_fault *fault, int exit_status, const char *path)
{
    return cli_fault_set(fault, exit_status, "--record: cannot write %s: %s", path, strerror(errno));
}

/* A pipe or a device is written as it is; renaming would put a file in its place. */
static bool is_special(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0 && !S_ISREG(about.st_mode) && !S_ISDIR(about.st_mode);
}

static bool is_link(const char *path)
{
    struct stat about;
    return lstat(path, &about) == 0 && S_ISLNK(about.st_mode);
}

/* What the link `path` points to: a path of its own, or one beside it. */
static char *target_of(const char *path)
{
    char target[CLI_PATH_BYTES_MAX];
    ssize_t len = readlink(path, target, sizeof target);
    if (len < 0) return NULL;
    const char *slash = strrchr(path, '/');
    size_t beside = target[0] != '/' && slash ? (size_t)(slash - path) + 1 : 0;
    char *place = malloc(beside + (size_t)len + 1);
    if (!place) return NULL;
    memcpy(place, path, beside);
    memcpy(place + beside, target, (size_t)len);
    place[beside + (size_t)len] = '\0';
    return place;
}

/* A symbolic link stays, and what it points to is written, also where nothing is there yet. */
static char *place_of(const char *path)
{
    char *place = realpath(path, NULL);
    if (place || errno != ENOENT) return place;
    place = strdup(path);
    for (int links = 0; place && is_link(place) && links < CLI_LINKS_MAX; links++) { /* in no circle, says realpath */
        char *target = target_of(place);
        free(place);
        place = target;
    }
    return place;
}

static char *part_of(const char *path)
{
    static const char ending[] = ".XXXXXX";
    size_t len = strlen(path);
    char *part = malloc(len + sizeof ending);
    if (!part) return NULL;
    memcpy(part, path, len);
    memcpy(part + len, ending, sizeof ending);
    return part;
}

static bool open_part(cli_record *record)
{
    struct stat about;
    if (stat(record->path, &about) == 0 && S_ISDIR(about.st_mode)) {
        errno = EISDIR;
        return false;
    }
    record->part = part_of(record->path);
    record->fd = record->part ? mkstemp(record->part) : -1;
    return record->fd >= 0;
}

bool cli_record_open(cli_record *record, const char *path, cli_fault *fault)
{
    if (!*path) return cli_fault_set(fault, CLI_EXIT_USAGE, "--record: '' names no file");
    *record = (cli_record){ .fd = -1, .path = place_of(path) };
    if (!record->path) return fail(fault, CLI_EXIT_USAGE, path);
    if (is_special(record->path)) record->fd = open(record->path, O_WRONLY | O_CLOEXEC);
    else (void)open_part(record);
    return record->fd >= 0 || fail(fault, CLI_EXIT_USAGE, path);
}

static bool write_all(int fd, castor_str bytes)
{
    while (bytes.len > 0) {
        ssize_t count = write(fd, bytes.data, bytes.len);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return false;
        bytes.data += count;
        bytes.len -= (size_t)count;
    }
    return true;
}

/* A full disk may be told as late as by close(2). */
static bool close_whole(cli_record *record)
{
    bool is_closed = close(record->fd) == 0 || errno == EINTR;
    record->fd = -1;
    return is_closed;
}

bool cli_record_write(cli_record *record, castor_str script, cli_fault *fault)
{
    bool is_written = write_all(record->fd, script) && close_whole(record) &&
                      (!record->part || rename(record->part, record->path) == 0);
    if (!is_written) return fail(fault, CLI_EXIT_FAILED, record->path);
    free(record->part);
    record->part = NULL;
    return true;
}

void cli_record_close(cli_record *record)
{
    if (!record->path) return;
    if (record->part) (void)unlink(record->part);
    if (record->fd >= 0) (void)close(record->fd);
    free(record->part);
    free(record->path);
    *record = (cli_record){ .path = NULL };
}
