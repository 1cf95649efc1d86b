/* upload_bytes.c -- requests to the URL of an upload: bytes, and what else can be asked of it.
 * SPDX-License-Identifier: MIT
 */
#include <inttypes.h>
#include <stdio.h>

#include "api/resources.h"

static void send_file(plx_exchange *e, const plx_upload *u)
{
    plx_refusal     refusal = { .code = 0 };
    castor_str      id = castor_str_of(u->file_name + strlen("files/"));
    const plx_file *file = plx_files_find(e->world, u->intake.facts.owner, id, &refusal);

    plx_upload_add_state(e, u);
    if (file) plx_file_send_wrapped(e, file);
    else plx_exchange_refuse(e, &refusal); /* deleted since */
}

/* ---- bytes ---- */

static void on_bytes(plx_reply *reply, castor_str bytes)
{
    plx_exchange      *e = reply->user;
    plx_upload_writer *w = e->state;
    plx_refusal        refusal = { .code = 0 };

    if (!w->upload || w->refusal) return;
    size_t skip = w->skip < bytes.len ? (size_t)w->skip : bytes.len;
    w->skip -= skip;
    if (plx_intake_take(&w->upload->intake, (castor_str){ bytes.data + skip, bytes.len - skip }, &refusal)) return;
    w->refusal = cst_arena_alloc(&e->arena, sizeof *w->refusal);
    if (w->refusal) *w->refusal = refusal;
    else plx_exchange_refuse(e, &refusal); /* the exchange is gone now, or will be */
}

static void finalize(plx_exchange *e, plx_upload *u)
{
    plx_refusal     refusal = { .code = 0 };
    const plx_file *file = plx_intake_finish(&u->intake, e->world, &refusal);

    if (!file) {
        plx_upload_add_state(e, u);
        plx_exchange_refuse(e, &refusal);
        return;
    }
    u->state = PLX_UPLOAD_FINAL;
    plx_intake_free(&u->intake);
    snprintf(u->file_name, sizeof u->file_name, "%s", file->shelved.name);
    send_file(e, u);
}

static void on_bytes_end(plx_reply *reply)
{
    plx_exchange      *e = reply->user;
    plx_upload_writer *w = e->state;
    plx_refusal        refusal = { .code = 0 };

    if (!w->upload) {
        plx_refuse(&refusal, 409, "This upload is gone, or another request has taken it over.");
        plx_exchange_refuse(e, &refusal);
    } else if (w->refusal) {
        plx_upload_add_state(e, w->upload);
        plx_exchange_refuse(e, w->refusal);
    } else if (w->finalizes) {
        finalize(e, w->upload);
    } else {
        plx_upload_send_state(e, w->upload);
    }
}

static void on_writer_gone(plx_exchange *e)
{
    plx_upload_writer *w = e->state;

    if (w->upload) w->upload->writer = NULL;
}

static bool read_offset(const plx_exchange *e, const plx_upload *u, uint64_t *offset, plx_refusal *refusal)
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

static void begin_bytes(plx_exchange *e, plx_upload *u, bool has_bytes, bool finalizes)
{
    plx_refusal        refusal = { .code = 0 };
    uint64_t           offset = u->intake.facts.size;
    plx_upload_writer *w = cst_arena_alloc(&e->arena, sizeof *w);

    if (!w) plx_refuse_memory(&refusal);
    else if (has_bytes) read_offset(e, u, &offset, &refusal);
    if (!w || refusal.code) {
        plx_upload_add_state(e, u);
        plx_exchange_refuse_later(e, &refusal);
        return;
    }
    if (u->writer) u->writer->upload = NULL;
    *w = (plx_upload_writer){ .upload = u, .skip = u->intake.facts.size - offset, .finalizes = finalizes };
    u->writer = w;
    u->last_offset = offset;
    e->state = w;
    e->on_gone = on_writer_gone;
    e->reply->on_body = has_bytes ? on_bytes : NULL;
    e->reply->on_body_end = on_bytes_end;
}

/* ---- what brings none ---- */

static void drop_bytes(plx_reply *reply, castor_str bytes)
{
    (void)reply;
    (void)bytes;
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

/* What needs no bytes: at the end of the request, since it could have some all the same. */
static void answer_control(plx_reply *reply)
{
    plx_exchange *e = reply->user;
    plx_upload   *u = plx_uploads_find(e->world, plx_exchange_query(e, "upload_id"));
    plx_refusal   refusal = { .code = 0 };
    int           command = plx_upload_command(e);

    if (!u) {
        plx_refuse(&refusal, 404, "There is no such upload, or it has expired.");
        plx_exchange_refuse(e, &refusal);
        return;
    }
    if (command == PLX_UPLOAD_CANCEL && u->state == PLX_UPLOAD_ACTIVE) {
        if (u->writer) u->writer->upload = NULL;
        u->writer = NULL;
        u->state = PLX_UPLOAD_CANCELLED;
        plx_intake_free(&u->intake);
    }
    if (command == PLX_UPLOAD_QUERY) {
        plx_exchange_add_header(e, CASTOR_STR("x-goog-upload-size-received"), keep_number(e, u->intake.facts.size));
        plx_exchange_add_header(e, CASTOR_STR("x-goog-upload-chunk-granularity"), CASTOR_STR("262144"));
    }
    /* What has finished it may come again: its answer was lost on the way. */
    if (u->state == PLX_UPLOAD_FINAL && (command & PLX_UPLOAD_FINALIZE)) send_file(e, u);
    else plx_upload_send_state(e, u);
}

/* Whether the command comes too late. */
static bool is_over(const plx_upload *u, int command)
{
    if (u->state == PLX_UPLOAD_FINAL) return command == PLX_UPLOAD_BYTES;
    return u->state == PLX_UPLOAD_CANCELLED && (command & (PLX_UPLOAD_BYTES | PLX_UPLOAD_FINALIZE));
}

/* A request to an upload's URL. */
void plx_begin_upload_command(plx_exchange *e)
{
    int         command = plx_upload_command(e);
    plx_upload *u = plx_uploads_find(e->world, plx_exchange_query(e, "upload_id"));

    if (command & PLX_UPLOAD_START) command = 0;
    if (command == 0 || (command != (PLX_UPLOAD_BYTES | PLX_UPLOAD_FINALIZE) && (command & (command - 1)))) {
        plx_upload_refuse_command(e, u,
                                  "X-Goog-Upload-Command must be one of `upload`, `finalize`, `upload, finalize`, "
                                  "`query` and `cancel` here.");
    } else if (u && u->state == PLX_UPLOAD_ACTIVE && (command & (PLX_UPLOAD_BYTES | PLX_UPLOAD_FINALIZE))) {
        begin_bytes(e, u, command & PLX_UPLOAD_BYTES, command & PLX_UPLOAD_FINALIZE);
    } else if (u && is_over(u, command)) {
        plx_upload_refuse_command(e, u, "Upload has already been terminated.");
    } else {
        e->reply->on_body = drop_bytes;
        e->reply->on_body_end = answer_control;
    }
}

