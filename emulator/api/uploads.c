/* uploads.c -- POST /upload/{v}/files: a file in one request or, with the resumable protocol, in several.
 * SPDX-License-Identifier: MIT
 *
 * A resumable upload:
 *
 *   start --> ACTIVE --finalize--> FINAL        the file is made
 *               |    --cancel----> CANCELLED
 *
 * Every answer tells the state in x-goog-upload-status. Bytes count as soon as they have come, also those of a request
 * that then breaks off: `query` tells how many there are, and the next request goes on there. Two offsets are right for
 * a request with bytes: behind what there is, and where the request before it began, which is then taken for that
 * request sent again; what is there already is skipped. Who has the upload's id needs no key. Only the newest request
 * may write: it takes the upload from one that hangs.
 */
#include "api/uploads.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/handlers.h"
#include "api/intake.h"
#include "api/resources.h"
#include "api/uploads_whole.h"

enum { ID_LETTERS = 64 };

typedef enum upload_state { ACTIVE, FINAL, CANCELLED } upload_state;

struct plx_uploads {
    plx_shelf shelf;
};

typedef struct writer writer;

typedef struct upload {
    plx_shelved  shelved;     /* "uploads/ID" */
    upload_state state;
    plx_intake   intake;
    uint64_t     last_offset; /* where the last request with bytes began */
    writer      *writer;      /* the request that brings bytes now; NULL: none does */
    char         file_name[PLX_RESOURCE_NAME_SIZE]; /* once it is FINAL */
} upload;

/* A request that brings bytes. */
struct writer {
    upload      *upload;      /* NULL: it was taken away */
    uint64_t     skip;        /* bytes at its front that are there already */
    bool         finalizes;
    plx_refusal *refusal;     /* why the rest of it is dropped */
};

/* ---- the store ---- */

static void free_upload(plx_shelved *one)
{
    upload *u = (upload *)one;

    if (u->writer) u->writer->upload = NULL;
    plx_intake_free(&u->intake);
    free(u);
}

plx_uploads *plx_uploads_new(void)
{
    plx_uploads *uploads = calloc(1, sizeof *uploads);

    if (uploads) uploads->shelf = (plx_shelf){ .count_max = PLX_UPLOADS_MAX, .free_one = free_upload };
    return uploads;
}

void plx_uploads_empty(plx_uploads *uploads)
{
    plx_shelf_clear(&uploads->shelf);
}

void plx_uploads_free(plx_uploads *uploads)
{
    if (!uploads) return;
    plx_uploads_empty(uploads);
    free(uploads);
}

/* Drops the oldest that has ended: nobody is likely to ask about it again. */
static void make_room(plx_shelf *shelf)
{
    plx_shelved *oldest = NULL;

    if (shelf->count < shelf->count_max) return;
    for (plx_shelved *one = shelf->newest; one; one = one->older) {
        if (((upload *)one)->state != ACTIVE) oldest = one;
    }
    if (oldest) plx_shelf_remove(shelf, oldest);
}

static plx_shelf *shelf_of(const plx_exchange *e)
{
    plx_shelf *shelf = &e->world->resources->uploads->shelf;

    plx_shelf_sweep(shelf, plx_world_now_us(e->world));
    return shelf;
}

/* ---- answers ---- */

static const char *const state_names[] = { "active", "final", "cancelled" };

static void add_state(plx_exchange *e, const upload *u)
{
    plx_exchange_add_header(e, CASTOR_STR("x-goog-upload-status"), castor_str_of(state_names[u->state]));
}

/* For a header; absent when there is no memory, and then the header is empty. */
static castor_str keep_number(plx_exchange *e, uint64_t number)
{
    char       text[24];
    castor_str kept = CST_NONE;

    snprintf(text, sizeof text, "%" PRIu64, number);
    cst_arena_copy(&e->arena, castor_str_of(text), &kept);
    return kept;
}

static void send_state(plx_exchange *e, const upload *u)
{
    add_state(e, u);
    plx_exchange_add_header(e, CASTOR_STR("content-length"), CASTOR_STR("0"));
    plx_exchange_send(e, 200, "text/plain; charset=utf-8", CST_NONE);
}

static void send_file(plx_exchange *e, const upload *u)
{
    plx_refusal     refusal = { .code = 0 };
    castor_str      id = castor_str_of(u->file_name + strlen("files/"));
    const plx_file *file = plx_files_find(e->world, u->intake.facts.owner, id, &refusal);

    add_state(e, u);
    if (file) plx_file_send_wrapped(e, file);
    else plx_exchange_refuse(e, &refusal); /* deleted since */
}

/* ---- start ---- */

static bool read_length(const plx_exchange *e, plx_intake *intake, plx_refusal *refusal)
{
    castor_str text = plx_head_get(e->head, "x-goog-upload-header-content-length");
    int64_t    value = 0;

    if (text.len == 0) return true;
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9' || value > INT64_MAX / 16) {
            return plx_refuse(refusal, 400, "X-Goog-Upload-Header-Content-Length is not a number: %.*s",
                              CASTOR_ARG(text));
        }
        value = value * 10 + (text.data[i] - '0');
    }
    intake->size_told = castor_some_i64(value);
    return true;
}

static void send_url(plx_exchange *e, const upload *u)
{
    castor_str host = e->head->host.len > 0 ? e->head->host : CASTOR_STR("localhost");
    const char *id = u->shelved.name + strlen("uploads/");
    char        text[PLX_RESOURCE_NAME_SIZE + 512];
    castor_str  url = CST_NONE, kept_id = CST_NONE;
    int         len = snprintf(text, sizeof text, "%s://%.*s/upload/%.*s/files?upload_id=%s&upload_protocol=resumable",
                               e->head->is_secure ? "https" : "http", CASTOR_ARG(host), CASTOR_ARG(e->version), id);
    plx_refusal refusal = { .code = 0 };

    if (len >= (int)sizeof text || cst_arena_copy(&e->arena, castor_str_of(text), &url) != CASTOR_OK ||
        cst_arena_copy(&e->arena, castor_str_of(id), &kept_id) != CASTOR_OK) {
        plx_refuse_memory(&refusal);
        plx_exchange_refuse(e, &refusal);
        return;
    }
    plx_exchange_add_header(e, CASTOR_STR("x-goog-upload-url"), url);
    plx_exchange_add_header(e, CASTOR_STR("x-goog-upload-control-url"), url);
    plx_exchange_add_header(e, CASTOR_STR("x-goog-upload-chunk-granularity"), CASTOR_STR("262144"));
    plx_exchange_add_header(e, CASTOR_STR("x-guploader-uploadid"), kept_id);
    send_state(e, u);
}

/* NULL: refused. */
static upload *start(plx_exchange *e, plx_refusal *refusal)
{
    plx_shelf *shelf = shelf_of(e);
    plx_files *files = e->world->resources->files;
    upload    *u = calloc(1, sizeof *u);

    if (!u) {
        plx_refuse_memory(refusal);
        return NULL;
    }
    u->shelved.owner = u->intake.facts.owner = plx_owner_of(e);
    u->shelved.created_us = u->shelved.updated_us = plx_world_now_us(e->world);
    u->shelved.expires_us = u->shelved.created_us + PLX_UPLOAD_LIFE_S * 1000000ll;
    plx_shelf_make_name(shelf, u->shelved.name, "uploads", ID_LETTERS, &e->world->chance);
    if (read_length(e, &u->intake, refusal) &&
        plx_intake_read_meta(&u->intake, cst_buf_view(&e->body), files, refusal)) {
        plx_intake_offer_type(&u->intake, plx_head_get(e->head, "x-goog-upload-header-content-type"));
        plx_intake_offer_name(&u->intake, plx_head_get(e->head, "x-goog-upload-file-name"));
        if (plx_intake_begin(&u->intake, files, refusal)) {
            make_room(shelf);
            if (plx_shelf_put(shelf, &u->shelved)) return u;
            plx_refuse(refusal, 429, "The emulator keeps no more than %d uploads; finish or cancel some.",
                       (int)PLX_UPLOADS_MAX);
        }
    }
    free_upload(&u->shelved);
    return NULL;
}

/* Its body is whole: {"file":{...}}, or nothing. */
void plx_answer_upload(plx_exchange *e)
{
    plx_refusal refusal = { .code = 0 };
    upload     *u = NULL;

    if (e->body.len <= PLX_FILE_META_BYTES_MAX) u = start(e, &refusal);
    else plx_refuse(&refusal, 400, "What is told of the file has more than %d bytes.", (int)PLX_FILE_META_BYTES_MAX);
    if (u) send_url(e, u);
    else plx_exchange_refuse(e, &refusal);
}

/* ---- bytes ---- */

static void on_bytes(plx_reply *reply, castor_str bytes)
{
    plx_exchange *e = reply->user;
    writer       *w = e->state;
    plx_refusal   refusal = { .code = 0 };

    if (!w->upload || w->refusal) return;
    size_t skip = w->skip < bytes.len ? (size_t)w->skip : bytes.len;
    w->skip -= skip;
    if (plx_intake_take(&w->upload->intake, (castor_str){ bytes.data + skip, bytes.len - skip }, &refusal)) return;
    w->refusal = cst_arena_alloc(&e->arena, sizeof *w->refusal);
    if (w->refusal) *w->refusal = refusal;
    else plx_exchange_refuse(e, &refusal); /* the exchange is gone now, or will be */
}

static void finalize(plx_exchange *e, upload *u)
{
    plx_refusal     refusal = { .code = 0 };
    const plx_file *file = plx_intake_finish(&u->intake, e->world, &refusal);

    if (!file) {
        add_state(e, u);
        plx_exchange_refuse(e, &refusal);
        return;
    }
    u->state = FINAL;
    plx_intake_free(&u->intake);
    snprintf(u->file_name, sizeof u->file_name, "%s", file->shelved.name);
    send_file(e, u);
}

static void on_bytes_end(plx_reply *reply)
{
    plx_exchange *e = reply->user;
    writer       *w = e->state;
    plx_refusal   refusal = { .code = 0 };

    if (!w->upload) {
        plx_refuse(&refusal, 409, "This upload is gone, or another request has taken it over.");
        plx_exchange_refuse(e, &refusal);
    } else if (w->refusal) {
        add_state(e, w->upload);
        plx_exchange_refuse(e, w->refusal);
    } else if (w->finalizes) {
        finalize(e, w->upload);
    } else {
        send_state(e, w->upload);
    }
}

static void on_writer_gone(plx_exchange *e)
{
    writer *w = e->state;

    if (w->upload) w->upload->writer = NULL;
}

static bool read_offset(const plx_exchange *e, const upload *u, uint64_t *offset, plx_refusal *refusal)
{
    castor_str text = plx_head_get(e->head, "x-goog-upload-offset");
    uint64_t   size = u->intake.facts.size;
    bool       is_number = text.len > 0 && text.len <= 18;

    *offset = 0;
    for (size_t i = 0; is_number && i < text.len; i++) {
        is_number = text.data[i] >= '0' && text.data[i] <= '9';
        *offset = *offset * 10 + (uint64_t)(text.data[i] - '0');
    }
    if (!is_number) return plx_refuse(refusal, 400, "X-Goog-Upload-Offset is missing, or not a number.");
    if (*offset == size || *offset == u->last_offset) return true;
    return plx_refuse(refusal, 400,
                      "The upload has %" PRIu64 " bytes: X-Goog-Upload-Offset must be %" PRIu64 ", not %" PRIu64 ".",
                      size, size, *offset);
}

static void begin_bytes(plx_exchange *e, upload *u, bool has_bytes, bool finalizes)
{
    plx_refusal refusal = { .code = 0 };
    uint64_t    offset = u->intake.facts.size;
    writer     *w = cst_arena_alloc(&e->arena, sizeof *w);

    if (!w) plx_refuse_memory(&refusal);
    else if (has_bytes) read_offset(e, u, &offset, &refusal);
    if (refusal.code) {
        add_state(e, u);
        plx_exchange_refuse_later(e, &refusal);
        return;
    }
    if (u->writer) u->writer->upload = NULL;
    *w = (writer){ .upload = u, .skip = u->intake.facts.size - offset, .finalizes = finalizes };
    u->writer = w;
    u->last_offset = offset;
    e->state = w;
    e->on_gone = on_writer_gone;
    e->reply->on_body = has_bytes ? on_bytes : NULL;
    e->reply->on_body_end = on_bytes_end;
}

/* ---- commands ---- */

enum { START = 1, UPLOAD = 2, FINALIZE = 4, QUERY = 8, CANCEL = 16 };

/* "upload, finalize" and the like; 0: no such thing. */
static int read_command(const plx_exchange *e)
{
    static const struct {
        const char *name;
        int         bit;
    } words[] = { { "start", START }, { "upload", UPLOAD }, { "finalize", FINALIZE }, { "query", QUERY },
                  { "cancel", CANCEL } };
    castor_str text = plx_head_get(e->head, "x-goog-upload-command");
    int        command = 0;

    while (text.len > 0) {
        const char *comma = memchr(text.data, ',', text.len);
        size_t      len = comma ? (size_t)(comma - text.data) : text.len;
        castor_str  word = cst_str_trim((castor_str){ text.data, len });
        int         bit = 0;
        for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
            if (cst_str_equal_nocase(word, castor_str_of(words[i].name))) bit = words[i].bit;
        }
        if (!bit || (command & bit)) return 0;
        command |= bit;
        text = comma ? (castor_str){ comma + 1, text.len - len - 1 } : CST_NONE;
    }
    return command;
}

static void drop_bytes(plx_reply *reply, castor_str bytes)
{
    (void)reply;
    (void)bytes;
}

static upload *find_upload(const plx_exchange *e)
{
    char name[PLX_RESOURCE_NAME_SIZE];
    int  len = snprintf(name, sizeof name, "uploads/%.*s", CASTOR_ARG(plx_exchange_query(e, "upload_id")));

    return len < (int)sizeof name ? (upload *)plx_shelf_find(shelf_of(e), castor_str_of(name)) : NULL;
}

/* What needs no bytes: at the end of the request, since it could have some all the same. */
static void answer_control(plx_reply *reply)
{
    plx_exchange *e = reply->user;
    upload       *u = find_upload(e);
    plx_refusal   refusal = { .code = 0 };
    int           command = read_command(e);

    if (!u) {
        plx_refuse(&refusal, 404, "There is no such upload, or it has expired.");
        plx_exchange_refuse(e, &refusal);
        return;
    }
    if (command == CANCEL && u->state == ACTIVE) {
        if (u->writer) u->writer->upload = NULL;
        u->writer = NULL;
        u->state = CANCELLED;
        plx_intake_free(&u->intake);
    }
    if (command == QUERY) {
        plx_exchange_add_header(e, CASTOR_STR("x-goog-upload-size-received"), keep_number(e, u->intake.facts.size));
        plx_exchange_add_header(e, CASTOR_STR("x-goog-upload-chunk-granularity"), CASTOR_STR("262144"));
    }
    if (u->state == FINAL && (command & FINALIZE)) send_file(e, u); /* the answer was lost on its way: again */
    else send_state(e, u);
}

static void refuse_command(plx_exchange *e, const upload *u, const char *why)
{
    plx_refusal refusal = { .code = 0 };

    plx_refuse(&refusal, 400, "%s", why);
    if (u) add_state(e, u);
    plx_exchange_refuse_later(e, &refusal);
}

/* Whether the command comes too late. What finished an upload may come again: its answer was lost on the way. */
static bool is_over(const upload *u, int command)
{
    if (u->state == FINAL) return command == UPLOAD;
    return u->state == CANCELLED && (command & (UPLOAD | FINALIZE));
}

/* A request to an upload's URL. */
static void begin_command(plx_exchange *e)
{
    int     command = read_command(e);
    upload *u = find_upload(e);

    if (command & START) command = 0;
    if (command == 0 || (command != (UPLOAD | FINALIZE) && (command & (command - 1)))) {
        refuse_command(e, u, "X-Goog-Upload-Command must be one of `upload`, `finalize`, `upload, finalize`, `query` "
                             "and `cancel` here.");
    } else if (u && u->state == ACTIVE && (command & (UPLOAD | FINALIZE))) {
        begin_bytes(e, u, command & UPLOAD, command & FINALIZE);
    } else if (u && is_over(u, command)) {
        refuse_command(e, u, "Upload has already been terminated.");
    } else {
        e->reply->on_body = drop_bytes;
        e->reply->on_body_end = answer_control;
    }
}

/* ---- which protocol ---- */

static bool is_asked(const plx_exchange *e, const char *protocol, const char *upload_type)
{
    castor_str header = plx_head_get(e->head, "x-goog-upload-protocol");

    if (header.len == 0) header = plx_exchange_query(e, "upload_protocol");
    if (header.len > 0) return cst_str_equal_nocase(header, castor_str_of(protocol));
    return cst_str_is(plx_exchange_query(e, "uploadType"), upload_type);
}

void plx_begin_upload(plx_exchange *e)
{
    if (plx_exchange_query(e, "upload_id").len > 0) {
        begin_command(e);
    } else if (is_asked(e, "raw", "media")) {
        plx_begin_upload_whole(e, false);
    } else if (is_asked(e, "multipart", "multipart")) {
        plx_begin_upload_whole(e, true);
    } else if (!is_asked(e, "resumable", "") || read_command(e) != START) {
        refuse_command(e, NULL, "An upload begins with X-Goog-Upload-Protocol: resumable and X-Goog-Upload-Command: "
                                "start, or has one of the protocols raw and multipart.");
    } /* else what is told of the file comes next, and then plx_answer_upload */
}
