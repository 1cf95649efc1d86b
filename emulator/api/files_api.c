/* files_api.c -- the methods of files: list, get, delete, download, register.
 * SPDX-License-Identifier: MIT
 */
#include <inttypes.h>
#include <stdio.h>

#include "api/handlers.h"
#include "api/resources.h"
#include "proto/fields.h"

#define PACKAGE "type.googleapis.com/google.ai.generativelanguage.v1beta."

/* ---- one file ---- */

/* Sends what was asked of one file, or why not. */
static void send_file(plx_exchange *e, const plx_file *file, bool is_wrapped)
{
    cst_buf         json;
    cst_json_writer w = cst_json_writer_to(&json);

    cst_buf_init(&json, cst_allocator_default(), PLX_SCHEMA_BYTES_MAX);
    if (is_wrapped) {
        cst_json_open_object(&w);
        cst_json_key(&w, "file");
    }
    plx_file_put(&w, file, e);
    if (is_wrapped) cst_json_close_object(&w);
    plx_exchange_send_json(e, &json, w.status);
    cst_buf_free(&json);
}

void plx_file_send_wrapped(plx_exchange *e, const plx_file *file)
{
    send_file(e, file, true);
}

/* NULL: it is refused already. */
static plx_file *find(plx_exchange *e)
{
    plx_refusal refusal = { .code = 0 };
    plx_file   *file = plx_files_find(e->world, plx_owner_of(e), e->names[0], &refusal);

    if (!file) plx_exchange_refuse(e, &refusal);
    return file;
}

void plx_answer_file(plx_exchange *e)
{
    const plx_file *file = find(e);

    if (file) send_file(e, file, false);
}

void plx_answer_file_delete(plx_exchange *e)
{
    plx_file *file = find(e);

    if (!file) return;
    plx_shelf_remove(plx_files_shelf(e->world->resources->files), &file->shelved);
    plx_exchange_send_empty(e);
}

/* ---- the list ---- */

static void put_one(cst_json_writer *w, const plx_shelved *one, const plx_exchange *e)
{
    plx_file_put(w, (const plx_file *)one, e);
}

void plx_answer_files(plx_exchange *e)
{
    static const plx_page_rule rule = { "files", 10, 100 };
    plx_shelf                 *shelf = plx_files_shelf(e->world->resources->files);

    plx_shelf_sweep(shelf, plx_world_now_us(e->world));
    plx_shelf_send_list(e, shelf, &rule, "files", put_one);
}

/* ---- download ---- */

typedef struct download {
    plx_blob *content;
    uint64_t  at;
} download;

static void on_download_gone(plx_exchange *e)
{
    download *d = e->state;

    plx_blob_drop(d->content);
}

/* A piece a turn, so that a large file leaves room for others. */
static void send_piece(plx_exchange *e)
{
    download *d = e->state;
    char      piece[PLX_DOWNLOAD_PIECE_BYTES];
    size_t    len;

    if (plx_reply_is_full(e->reply)) return;
    len = plx_blob_read(d->content, d->at, piece, sizeof piece);
    d->at += len;
    if (len == 0 && d->at < d->content->size) { /* its disk fails; the length was told already */
        plx_reply_abort(e->reply, PLX_ABORT_RESET, 0);
        return;
    }
    plx_reply_write(e->reply, (castor_str){ piece, len });
    if (d->at == d->content->size) plx_reply_end(e->reply);
    else plx_reply_wake_at(e->reply, plx_reply_now_us(e->reply) + PLX_TURN_US);
}

static void begin_download(plx_exchange *e, const plx_file *file)
{
    download   *d = cst_arena_alloc(&e->arena, sizeof *d);
    plx_refusal refusal = { .code = 0 };
    char        size[24];
    plx_header  headers[] = { { CASTOR_STR("content-type"), castor_str_of(file->facts.mime_type) },
                              { CASTOR_STR("content-length"), { size, 0 } } };

    if (!d) {
        plx_refuse_memory(&refusal);
        plx_exchange_refuse(e, &refusal);
        return;
    }
    /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): without content we were not called */
    headers[1].value.len = (size_t)snprintf(size, sizeof size, "%" PRIu64, file->facts.content->size);
    *d = (download){ .content = plx_blob_share(file->facts.content) }; /* it may be deleted meanwhile */
    e->state = d;
    e->on_timer = send_piece;
    e->on_gone = on_download_gone;
    plx_reply_send_headers(e->reply, 200, headers, 2);
    send_piece(e);
}

void plx_answer_file_download(plx_exchange *e)
{
    const plx_file *file = find(e);
    plx_refusal     refusal = { .code = 0 };

    if (!file) return;
    if (file->facts.source != PLX_FILE_GENERATED || !file->facts.content) {
        plx_refuse_as(&refusal, 400, "FAILED_PRECONDITION", NULL,
                      "File %.*s cannot be downloaded: only generated files can.", CASTOR_ARG(e->names[0]));
    } else if (!cst_str_is(plx_exchange_query(e, "alt"), "media")) {
        plx_refuse(&refusal, 400, "The content of a file is sent with alt=media alone.");
    }
    if (refusal.code) plx_exchange_refuse(e, &refusal);
    else begin_download(e, file);
}

/* ---- register ---- */

/* By the end of the name; what is not listed is bytes. */
static const char *type_of(castor_str uri)
{
    static const struct {
        const char *end;
        const char *mime_type;
    } types[] = {
        { ".txt", "text/plain" }, { ".md", "text/markdown" }, { ".html", "text/html" }, { ".csv", "text/csv" },
        { ".json", "application/json" }, { ".jsonl", "application/jsonl" }, { ".pdf", "application/pdf" },
        { ".png", "image/png" }, { ".jpg", "image/jpeg" }, { ".jpeg", "image/jpeg" }, { ".webp", "image/webp" },
        { ".gif", "image/gif" }, { ".mp3", "audio/mpeg" }, { ".wav", "audio/wav" }, { ".mp4", "video/mp4" },
        { ".mov", "video/quicktime" }, { ".webm", "video/webm" },
    };

    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        size_t len = strlen(types[i].end);
        if (uri.len >= len && memcmp(uri.data + uri.len - len, types[i].end, len) == 0) return types[i].mime_type;
    }
    return "application/octet-stream";
}

static bool check_uri(castor_str uri, plx_refusal *refusal)
{
    if (cst_str_starts_with(uri, "gs://") && uri.len > strlen("gs://")) return true;
    return plx_refuse(refusal, 400,
                      "* RegisterFilesRequest.uris: `%.*s` is not the URI of an object in Google Cloud Storage, as "
                      "`gs://bucket/object`.\n", CASTOR_ARG(uri));
}

static bool register_one(plx_exchange *e, castor_str uri, cst_json_writer *w, plx_refusal *refusal)
{
    plx_file_facts facts = { .owner = plx_owner_of(e), .source = PLX_FILE_REGISTERED };

    cst_copy_text(facts.mime_type, sizeof facts.mime_type, castor_str_of(type_of(uri)));
    const plx_file *file = plx_files_add(e->world, &facts, refusal);
    if (file) plx_file_put(w, file, e);
    return file != NULL;
}

static bool check_uris(const cst_json *body, plx_refusal *refusal)
{
    static const plx_field        fields[] = { { .name = "uris", .kind = PLX_STRING, .is_list = true } };
    static const plx_message_type type = { PACKAGE "RegisterFilesRequest", fields, 1 };
    const cst_json               *uris = plx_field_get(body, "uris");
    plx_list                      each = plx_list_of(uris);
    const cst_json               *uri;

    if (!plx_fields_check(body, &type, refusal)) return false;
    if (plx_list_count(uris) == 0 || plx_list_count(uris) > PLX_REGISTER_MAX) {
        return plx_refuse(refusal, 400, "* RegisterFilesRequest.uris: there must be from 1 to %d URIs.\n",
                          (int)PLX_REGISTER_MAX);
    }
    while ((uri = plx_list_next(&each))) {
        if (!check_uri(cst_json_string(uri), refusal)) return false;
    }
    return true;
}

/* None of them when one is wrong. */
static bool register_all(plx_exchange *e, cst_json_writer *w, plx_refusal *refusal)
{
    plx_list        each = plx_list_of(plx_field_get(e->json, "uris"));
    const cst_json *uri;

    if (!check_uris(e->json, refusal)) return false;
    while ((uri = plx_list_next(&each))) {
        if (!register_one(e, cst_json_string(uri), w, refusal)) return false;
    }
    return true;
}

void plx_answer_files_register(plx_exchange *e)
{
    plx_refusal     refusal = { .code = 0 };
    cst_buf         json;
    cst_json_writer w = cst_json_writer_to(&json);

    cst_buf_init(&json, cst_allocator_default(), PLX_SCHEMA_BYTES_MAX);
    cst_json_open_object(&w);
    cst_json_key(&w, "files");
    cst_json_open_array(&w);
    bool is_done = register_all(e, &w, &refusal);
    cst_json_close_array(&w);
    cst_json_close_object(&w);
    if (is_done) plx_exchange_send_json(e, &json, w.status);
    else plx_exchange_refuse(e, &refusal);
    cst_buf_free(&json);
}
