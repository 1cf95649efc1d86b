/* upload_start.c -- POST /upload/{v}/files: which protocol a file comes by, and the start of the resumable one.
 * SPDX-License-Identifier: MIT
 */
#include <stdio.h>
#include <stdlib.h>

#include "api/handlers.h"
#include "api/resources.h"
#include "api/uploads_whole.h"

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

static void send_url(plx_exchange *e, const plx_upload *u)
{
    const char *id = u->shelved.name + strlen("uploads/");
    char        origin[PLX_ORIGIN_SIZE];
    char        text[PLX_ORIGIN_SIZE + PLX_RESOURCE_NAME_SIZE + 80];
    castor_str  url = CST_NONE, kept_id = CST_NONE;
    plx_refusal refusal = { .code = 0 };

    plx_exchange_origin(e, origin);
    snprintf(text, sizeof text, "%s/upload/%.*s/files?upload_id=%s&upload_protocol=resumable", origin,
             CASTOR_ARG(e->version), id);
    if (cst_arena_copy(&e->arena, castor_str_of(text), &url) != CASTOR_OK ||
        cst_arena_copy(&e->arena, castor_str_of(id), &kept_id) != CASTOR_OK) {
        plx_refuse_memory(&refusal);
        plx_exchange_refuse(e, &refusal);
        return;
    }
    plx_exchange_add_header(e, CASTOR_STR("x-goog-upload-url"), url);
    plx_exchange_add_header(e, CASTOR_STR("x-goog-upload-control-url"), url);
    plx_exchange_add_header(e, CASTOR_STR("x-goog-upload-chunk-granularity"), CASTOR_STR("262144"));
    plx_exchange_add_header(e, CASTOR_STR("x-guploader-uploadid"), kept_id);
    plx_upload_send_state(e, u);
}

/* NULL: refused. */
static plx_upload *start(plx_exchange *e, plx_refusal *refusal)
{
    plx_files  *files = e->world->resources->files;
    plx_upload *u = calloc(1, sizeof *u);

    if (!u) {
        plx_refuse_memory(refusal);
        return NULL;
    }
    u->intake.facts.owner = plx_owner_of(e);
    if (read_length(e, &u->intake, refusal) &&
        plx_intake_read_meta(&u->intake, cst_buf_view(&e->body), files, refusal)) {
        plx_intake_offer_type(&u->intake, plx_head_get(e->head, "x-goog-upload-header-content-type"));
        plx_intake_offer_name(&u->intake, plx_head_get(e->head, "x-goog-upload-file-name"));
        if (plx_intake_begin(&u->intake, files, refusal) && plx_uploads_put(e->world, u, refusal)) return u;
    }
    plx_upload_free(&u->shelved);
    return NULL;
}

/* Its body is whole: {"file":{...}}, or nothing. */
void plx_answer_upload(plx_exchange *e)
{
    plx_refusal refusal = { .code = 0 };
    plx_upload *u = NULL;

    if (e->body.len <= PLX_FILE_META_BYTES_MAX) u = start(e, &refusal);
    else plx_refuse(&refusal, 400, "What is told of the file has more than %d bytes.", (int)PLX_FILE_META_BYTES_MAX);
    if (u) send_url(e, u);
    else plx_exchange_refuse(e, &refusal);
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
    plx_shelf_sweep(plx_files_shelf(e->world->resources->files), plx_world_now_us(e->world)); /* frees names */
    if (plx_exchange_query(e, "upload_id").len > 0) {
        plx_begin_upload_command(e);
    } else if (is_asked(e, "raw", "media")) {
        plx_begin_upload_whole(e, false);
    } else if (is_asked(e, "multipart", "multipart")) {
        plx_begin_upload_whole(e, true);
    } else if (!is_asked(e, "resumable", "") || plx_upload_command(e) != PLX_UPLOAD_START) {
        plx_upload_refuse_command(e, NULL, "An upload begins with X-Goog-Upload-Protocol: resumable and "
                                           "X-Goog-Upload-Command: start, or has one of the protocols raw and "
                                           "multipart.");
    } /* else what is told of the file comes next, and then plx_answer_upload */
}
