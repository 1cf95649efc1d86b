/* batch_create.c -- batchGenerateContent and asyncBatchEmbedContent: take rows, from the request or from a file.
 * SPDX-License-Identifier: MIT
 *
 * Rows are kept as JSON Lines either way.
 */
#include <stdio.h>
#include <stdlib.h>

#include "api/batches.h"
#include "api/handlers.h"
#include "api/models.h"
#include "api/resources.h"
#include "json_cursor.h"
#include "proto/fields.h"
#include "proto/json_style.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define PACKAGE "type.googleapis.com/google.ai.generativelanguage.v1beta."

/* ---- the body ---- */

/* As the service does it: what no proto can hold is refused here, whichever row it stands in; whether a row makes sense
 * is looked at when it is answered. */
static bool check_body(const cst_json *body, const plx_batch_kind *kind, plx_refusal *refusal)
{
    const plx_field        row_fields[] = { { "request", kind->row, PLX_MESSAGE }, { "metadata", NULL, PLX_STRUCT } };
    const plx_message_type row = { PACKAGE "InlinedRequest", row_fields, COUNT_OF(row_fields) };
    const plx_field        list_fields[] = { { "requests", &row, PLX_MESSAGE, .is_list = true } };
    const plx_message_type list = { PACKAGE "InlinedRequests", list_fields, COUNT_OF(list_fields) };
    const plx_field        input_fields[] = { { "requests", &list, PLX_MESSAGE }, { "fileName", NULL, PLX_STRING } };
    const plx_message_type input = { PACKAGE "InputConfig", input_fields, COUNT_OF(input_fields) };
    const plx_field        batch_fields[] = {
        { "displayName", NULL, PLX_STRING }, { "inputConfig", &input, PLX_MESSAGE }, { "priority", NULL, PLX_INT64 },
        { "webhookConfig", NULL, PLX_STRUCT }, { "model", NULL, PLX_STRING }, { "name", NULL, PLX_STRING },
        { "output", NULL }, { "createTime", NULL }, { "endTime", NULL }, { "updateTime", NULL },
        { "batchStats", NULL }, { "state", NULL },
    };
    const plx_message_type batch = { PACKAGE "GenerateContentBatch", batch_fields, COUNT_OF(batch_fields) };
    const plx_field        create_fields[] = { { "batch", &batch, PLX_MESSAGE }, { "model", NULL, PLX_STRING } };
    const plx_message_type create_type = { PACKAGE "BatchGenerateContentRequest", create_fields,
                                           COUNT_OF(create_fields) };

    return plx_fields_check(body, &create_type, refusal);
}

/* ---- rows ---- */

static bool append_row(plx_blob *rows, castor_str row, cst_buf *line)
{
    line->len = 0;
    return plx_json_squeeze(line, row) == CASTOR_OK && cst_buf_append_text(line, "\n") == CASTOR_OK &&
           plx_blob_append(rows, cst_buf_view(line));
}

/* A member by either spelling of its name: the one that plx_field_get finds too, should both be there. */
static cst_json_cursor get(cst_json_cursor object, const char *camel, const char *snake)
{
    cst_json_cursor member = cst_json_cursor_get(object, camel);

    return member.value == plx_field_get(object.value, camel) ? member : cst_json_cursor_get(object, snake);
}

static bool copy_rows(const plx_exchange *e, plx_blob *rows)
{
    cst_json_cursor batch = get(cst_json_cursor_at_root(&e->document, cst_buf_view(&e->body)), "batch", "batch");
    cst_json_cursor input = get(batch, "inputConfig", "input_config");
    cst_json_cursor list = get(get(input, "requests", "requests"), "requests", "requests");
    size_t          left = cst_json_count(list.value);
    cst_json_cursor row = list;
    cst_buf         line;
    bool            is_copied = true;

    if (cst_json_type_of(list.value) == CST_JSON_ARRAY) row = cst_json_cursor_first(list);
    else left = 1; /* one in the place of a list */
    cst_buf_init(&line, cst_allocator_default(), PLX_BODY_BYTES_MAX);
    for (left--; row.value && is_copied; row = cst_json_cursor_after(row, &left)) {
        is_copied = append_row(rows, cst_json_source(row), &line);
        if (left == 0) break;
    }
    cst_buf_free(&line);
    return is_copied;
}

static bool take_list(plx_batch *batch, plx_exchange *e, const cst_json *list, plx_refusal *refusal)
{
    size_t count = plx_list_count(plx_field_get(list, "requests"));

    if (count == 0) {
        return plx_refuse(refusal, 400, "* %s.batch.input_config.requests: requests is not specified\n",
                          batch->kind->request);
    }
    if (e->body.len > PLX_BATCH_INLINE_BYTES_MAX) {
        return plx_refuse(refusal, 400, "The request has more than the %d bytes that a batch without a file may have. "
                                        "Upload the requests as a file instead.", (int)PLX_BATCH_INLINE_BYTES_MAX);
    }
    plx_blob_room *room = plx_files_room(e->world->resources->files);
    batch->rows = plx_blob_new(room);
    if (!batch->rows || !copy_rows(e, batch->rows)) return plx_blob_refuse(room, refusal);
    batch->row_count = count;
    return true;
}

/* What is no JSON Lines has no content here; the batch will fail of it. */
static bool take_file(plx_batch *batch, const plx_exchange *e, castor_str name, plx_refusal *refusal)
{
    static const char prefix[] = "files/";
    size_t            len = sizeof prefix - 1;

    if (!cst_str_starts_with(name, prefix)) {
        return plx_refuse(refusal, 400,
                          "* %s.batch.input_config.file_name: the name must be `files/` and then an id.\n",
                          batch->kind->request);
    }
    castor_str      id = { name.data + len, name.len - len };
    const plx_file *file = plx_files_find_active(e->world, batch->shelved.owner, id, refusal);
    if (!file) return false;
    batch->is_file = true;
    if (!file->facts.content) return true;
    batch->rows = plx_blob_share(file->facts.content);
    batch->row_count = file->facts.content->line_count;
    return true;
}

static bool take_rows(plx_batch *batch, plx_exchange *e, const cst_json *input, plx_refusal *refusal)
{
    const cst_json *list = plx_field_get(input, "requests");
    const cst_json *name = plx_field_get(input, "fileName");

    if (list && name) {
        return plx_refuse_field(refusal, "batch.input_config",
                                "Invalid value at 'batch.input_config' (oneof), oneof field 'source' is already set. "
                                "Cannot set 'fileName'");
    }
    if (list) return take_list(batch, e, list, refusal);
    if (name) return take_file(batch, e, cst_json_string(name), refusal);
    return plx_refuse(refusal, 400, "* %s.batch.input_config: input_config is not specified\n", batch->kind->request);
}

/* ---- the batch ---- */

static bool read_names(plx_batch *batch, plx_exchange *e, const cst_json *body, plx_refusal *refusal)
{
    const plx_model *model = plx_model_for(e, e->names[0], batch->kind->method, refusal);
    castor_str       name = cst_json_string(plx_field_get(body, "displayName"));
    castor_i64       priority;

    if (!model || !plx_field_integer(body, "priority", "batch", INT64_MIN, INT64_MAX, &priority, refusal)) return false;
    if (plx_count_characters(name) > PLX_DISPLAY_NAME_CHARS_MAX) {
        return plx_refuse(refusal, 400,
                          "* %s.batch.display_name: it has more than %d characters.\n",
                          batch->kind->request, (int)PLX_DISPLAY_NAME_CHARS_MAX);
    }
    snprintf(batch->model, sizeof batch->model, "models/%.*s", CASTOR_ARG(e->names[0]));
    cst_copy_text(batch->version, sizeof batch->version, plx_model_version(model, e->names[0]));
    cst_copy_text(batch->display_name, sizeof batch->display_name, name);
    batch->serving = model;
    batch->priority = priority.value;
    return true;
}

static void create(plx_exchange *e, const plx_batch_kind *kind)
{
    plx_refusal     refusal = { .code = 0 };
    plx_batch      *batch = calloc(1, sizeof *batch);
    const cst_json *body = plx_field_get(e->json, "batch");

    if (!batch) {
        plx_refuse_memory(&refusal);
        plx_exchange_refuse(e, &refusal);
        return;
    }
    batch->kind = kind;
    batch->shelved.owner = plx_owner_of(e);
    if (check_body(e->json, kind, &refusal) && read_names(batch, e, body, &refusal) &&
        take_rows(batch, e, plx_field_get(body, "inputConfig"), &refusal) &&
        plx_batches_add(e->world, batch, &refusal)) {
        plx_batch_send(e, batch);
        return;
    }
    plx_batch_free(&batch->shelved);
    plx_exchange_refuse(e, &refusal);
}

void plx_answer_batch_create(plx_exchange *e)
{
    create(e, &plx_batch_of_content);
}

void plx_answer_embed_batch_create(plx_exchange *e)
{
    create(e, &plx_batch_of_embeddings);
}
