/* blob.c -- the bytes of one file.
 * SPDX-License-Identifier: MIT
 */
#include "api/blob.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

plx_blob *plx_blob_new(plx_blob_room *room)
{
    plx_blob *blob = room->count < PLX_BLOBS_MAX ? calloc(1, sizeof *blob) : NULL;

    if (!blob) return NULL;
    room->count++;
    blob->room = room;
    blob->share_count = 1;
    blob->fd = -1;
    cst_buf_init(&blob->memory, cst_allocator_default(), PLX_BLOB_MEMORY_BYTES);
    return blob;
}

bool plx_blob_refuse(const plx_blob_room *room, plx_refusal *refusal)
{
    if (room->count >= PLX_BLOBS_MAX) {
        return plx_refuse(refusal, 429,
                          "The emulator keeps the rows and results of no more than %d files and batches; delete some.",
                          (int)PLX_BLOBS_MAX);
    }
    return plx_refuse(refusal, 503,
                      "The emulator cannot keep this content: its memory, its disk or its own limit of %" PRIu64
                      " bytes is full.",
                      PLX_BLOB_ROOM_BYTES);
}

plx_blob *plx_blob_share(plx_blob *blob)
{
    blob->share_count++;
    return blob;
}

void plx_blob_drop(plx_blob *blob)
{
    if (!blob || --blob->share_count > 0) return;
    blob->room->bytes -= blob->size;
    blob->room->count--;
    if (blob->fd >= 0) close(blob->fd);
    cst_buf_free(&blob->memory);
    free(blob);
}

/* ---- writing ---- */

/* Its name is gone before anything is in it. */
static int open_nameless(void)
{
    const char *directory = getenv("TMPDIR");
    char        path[512];
    int         len = snprintf(path, sizeof path, "%s/pollux-XXXXXX", directory && *directory ? directory : "/tmp");

    if (len >= (int)sizeof path) return -1;
    int fd = mkstemp(path);
    if (fd < 0) return -1;
    unlink(path);
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    return fd;
}

static bool write_all(int fd, castor_str bytes, uint64_t offset)
{
    while (bytes.len > 0) {
        ssize_t count = pwrite(fd, bytes.data, bytes.len, (off_t)offset);
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) return false;
        bytes = (castor_str){ bytes.data + count, bytes.len - (size_t)count };
        offset += (uint64_t)count;
    }
    return true;
}

/* Moves what is in memory to a file. False: it is still in memory. */
static bool spill(plx_blob *blob)
{
    int fd = open_nameless();

    if (fd < 0) return false;
    if (!write_all(fd, cst_buf_view(&blob->memory), 0)) {
        close(fd);
        return false;
    }
    blob->fd = fd;
    cst_buf_free(&blob->memory);
    return true;
}

static void count_lines(plx_blob *blob, castor_str bytes)
{
    for (size_t i = 0; i < bytes.len; i++) {
        if (bytes.data[i] == '\n') {
            blob->is_in_line = false;
        } else if (!blob->is_in_line && !cst_is_space(bytes.data[i])) {
            blob->is_in_line = true;
            blob->line_count++;
        }
    }
}

bool plx_blob_append(plx_blob *blob, castor_str bytes)
{
    if (bytes.len > PLX_BLOB_ROOM_BYTES - blob->room->bytes) return false;
    if (blob->fd < 0 && blob->size + bytes.len > PLX_BLOB_MEMORY_BYTES && !spill(blob)) return false;
    if (blob->fd < 0 ? cst_buf_append_str(&blob->memory, bytes) != CASTOR_OK
                     : !write_all(blob->fd, bytes, blob->size)) {
        return false;
    }
    blob->size += bytes.len;
    blob->room->bytes += bytes.len;
    count_lines(blob, bytes);
    return true;
}

/* ---- reading ---- */

size_t plx_blob_read(const plx_blob *blob, uint64_t offset, char *out, size_t size)
{
    size_t len = 0;

    if (offset >= blob->size) return 0;
    if (size > blob->size - offset) size = (size_t)(blob->size - offset);
    if (blob->fd < 0) {
        memcpy(out, blob->memory.data + offset, size);
        return size;
    }
    while (len < size) {
        ssize_t count = pread(blob->fd, out + len, size - len, (off_t)(offset + len));
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) break;
        len += (size_t)count;
    }
    return len;
}

/* ---- lines ---- */

void plx_blob_lines_init(plx_blob_lines *lines, const plx_blob *blob)
{
    *lines = (plx_blob_lines){ .blob = blob };
    cst_buf_init(&lines->ahead, cst_allocator_default(), PLX_BLOB_LINE_BYTES_MAX + PLX_READ_BYTES);
}

void plx_blob_lines_free(plx_blob_lines *lines)
{
    if (lines->ahead.allocator) cst_buf_free(&lines->ahead);
}

/* One more piece of the blob. OK without more bytes: that was all. */
static castor_status read_ahead(plx_blob_lines *lines)
{
    cst_buf      *ahead = &lines->ahead;
    castor_status status = cst_buf_reserve(ahead, PLX_READ_BYTES);

    if (status != CASTOR_OK) return status;
    size_t count = plx_blob_read(lines->blob, lines->at, ahead->data + ahead->len, PLX_READ_BYTES);
    lines->at += count;
    ahead->len += count;
    return CASTOR_OK;
}

/* The next line, blank or not. Used lines leave the buffer only when more must be read: moving the rest up for each
 * would take time by the square of their number. */
static castor_status next_line(plx_blob_lines *lines, castor_str *line)
{
    cst_buf *ahead = &lines->ahead;

    for (size_t seen = lines->used;;) {
        const char *end = ahead->len > seen ? memchr(ahead->data + seen, '\n', ahead->len - seen) : NULL;
        if (end) {
            *line = (castor_str){ ahead->data + lines->used, (size_t)(end - ahead->data) - lines->used };
            lines->used += line->len + 1;
            return CASTOR_OK;
        }
        cst_buf_drop_front(ahead, lines->used);
        lines->used = 0;
        seen = ahead->len;
        castor_status status = read_ahead(lines);
        if (status != CASTOR_OK) return status;
        if (ahead->len > seen) continue;
        *line = seen > 0 ? cst_buf_view(ahead) : CST_NONE; /* the last line, without its end */
        lines->used = seen;
        return CASTOR_OK;
    }
}

castor_status plx_blob_lines_next(plx_blob_lines *lines, castor_str *line)
{
    castor_status status;

    do {
        status = next_line(lines, line);
        if (status != CASTOR_OK || !line->data) return status;
        *line = cst_str_trim(*line);
    } while (line->len == 0);
    return CASTOR_OK;
}
