/* uploads_whole.c -- uploads in one request: the bytes alone (raw), or behind what is told of them (multipart).
 * SPDX-License-Identifier: MIT
 */
#include "api/uploads_whole.h"

#include "api/intake.h"
#include "api/multipart.h"
#include "api/resources.h"

typedef struct whole_upload {
    bool          is_multipart;
    bool          is_begun;   /* the intake */
    plx_intake    intake;
    plx_multipart parts;
    size_t        part_count; /* begun so far: the first is what is told of the file, the second its bytes */
    cst_buf       meta;
    plx_refusal   refusal;    /* once it has a code, the rest is dropped */
} whole_upload;

static bool begin_part(whole_upload *u, plx_files *files)
{
    u->part_count++;
    if (u->part_count == 1) return true;
    if (u->part_count > 2) return plx_refuse(&u->refusal, 400, "A multipart upload has two parts: JSON, and the file.");
    plx_intake_offer_type(&u->intake, castor_str_of(u->parts.content_type));
    u->is_begun = plx_intake_begin(&u->intake, files, &u->refusal);
    return u->is_begun;
}

static bool take_piece(whole_upload *u, castor_str piece)
{
    if (u->part_count == 2) return plx_intake_take(&u->intake, piece, &u->refusal);
    return cst_buf_append_str(&u->meta, piece) == CASTOR_OK ||
           plx_refuse(&u->refusal, 400, "What is told of the file has more than %d bytes.",
                      (int)PLX_FILE_META_BYTES_MAX);
}

static bool end_part(whole_upload *u, const plx_files *files)
{
    return u->part_count != 1 || plx_intake_read_meta(&u->intake, cst_buf_view(&u->meta), files, &u->refusal);
}

/* False: refused. */
static bool take_step(whole_upload *u, plx_multipart_step step, castor_str piece, plx_files *files)
{
    switch (step) {
    case PLX_MULTIPART_HEAD: return begin_part(u, files);
    case PLX_MULTIPART_BYTES: return take_piece(u, piece);
    case PLX_MULTIPART_PART_END: return end_part(u, files);
    case PLX_MULTIPART_ERROR: return plx_refuse(&u->refusal, 400, "The head of a part of the body is too long.");
    case PLX_MULTIPART_END:
    case PLX_MULTIPART_WAIT: break;
    }
    return true;
}

static void on_body(plx_reply *reply, castor_str bytes)
{
    plx_exchange      *e = reply->user;
    whole_upload      *u = e->state;
    plx_files         *files = e->world->resources->files;
    plx_multipart_step step;

    if (u->refusal.code) return;
    if (!u->is_multipart) {
        plx_intake_take(&u->intake, bytes, &u->refusal);
        return;
    }
    do {
        castor_str piece = CST_NONE;
        step = plx_multipart_next(&u->parts, &bytes, &piece);
        if (!take_step(u, step, piece, files)) return;
    } while (step != PLX_MULTIPART_WAIT);
}

static void on_body_end(plx_reply *reply)
{
    plx_exchange   *e = reply->user;
    whole_upload   *u = e->state;
    const plx_file *file = NULL;

    if (!u->refusal.code && u->is_multipart && (u->parts.state != PLX_MULTIPART_AT_END || u->part_count != 2)) {
        plx_refuse(&u->refusal, 400, "The multipart body ended before its last boundary, or has not two parts.");
    }
    if (!u->refusal.code) file = plx_intake_finish(&u->intake, e->world, &u->refusal);
    if (file) {
        plx_exchange_add_header(e, CASTOR_STR("x-goog-upload-status"), CASTOR_STR("final"));
        plx_file_send_wrapped(e, file);
    } else {
        plx_exchange_refuse(e, &u->refusal);
    }
}

static void on_gone(plx_exchange *e)
{
    whole_upload *u = e->state;

    if (u->is_begun) plx_intake_free(&u->intake);
    cst_buf_free(&u->meta);
}

static void begin_raw(plx_exchange *e, whole_upload *u)
{
    u->intake.size_told = e->head->content_length;
    plx_intake_offer_name(&u->intake, plx_head_get(e->head, "x-goog-upload-file-name"));
    plx_intake_offer_type(&u->intake, plx_head_get(e->head, "x-goog-upload-header-content-type"));
    plx_intake_offer_type(&u->intake, plx_head_get(e->head, "content-type"));
    u->is_begun = plx_intake_begin(&u->intake, e->world->resources->files, &u->refusal);
}

void plx_begin_upload_whole(plx_exchange *e, bool is_multipart)
{
    whole_upload *u = cst_arena_alloc(&e->arena, sizeof *u);
    plx_refusal   refusal = { .code = 0 };

    if (!u) {
        plx_refuse_memory(&refusal);
        plx_exchange_refuse_later(e, &refusal);
        return;
    }
    *u = (whole_upload){ .is_multipart = is_multipart, .intake = { .facts = { .owner = plx_owner_of(e) } } };
    cst_buf_init(&u->meta, cst_allocator_default(), PLX_FILE_META_BYTES_MAX);
    if (!is_multipart) {
        begin_raw(e, u);
    } else if (!plx_multipart_init(&u->parts, plx_head_get(e->head, "content-type"))) {
        plx_refuse(&u->refusal, 400, "A multipart upload has a Content-Type of multipart/related with a boundary.");
    }
    e->state = u;
    e->on_gone = on_gone;
    e->reply->on_body = on_body;
    e->reply->on_body_end = on_body_end;
}
