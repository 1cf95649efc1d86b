/* batches_api.c -- the methods of batches that exist: list, get, cancel, delete, update.
 * SPDX-License-Identifier: MIT
 */
#include <stdio.h>

#include "api/batches.h"
#include "api/handlers.h"
#include "api/resources.h"
#include "proto/fields.h"

#define PACKAGE "type.googleapis.com/google.ai.generativelanguage.v1main."

/* ---- as JSON ---- */

static void put_count(cst_json_writer *w, const char *key, uint64_t count)
{
    if (count > 0) plx_put_int64(w, key, (int64_t)count);
}

static void put_stats(cst_json_writer *w, const plx_batch *batch)
{
    bool has_results = batch->end == PLX_BATCH_SUCCEEDED;

    cst_json_key(w, "batchStats");
    cst_json_open_object(w);
    put_count(w, "requestCount", batch->row_count);
    if (has_results) {
        put_count(w, "successfulRequestCount", batch->answered_count - batch->failed_count);
        put_count(w, "failedRequestCount", batch->failed_count);
    } else if (!batch->end) {
        put_count(w, "pendingRequestCount", batch->row_count);
    }
    cst_json_close_object(w);
}

static void put_type(cst_json_writer *w, const char *type)
{
    char full[160];

    snprintf(full, sizeof full, PACKAGE "%s", type);
    cst_json_put_member(w, "@type", full);
}

/* {"inlinedResponses":{"inlinedResponses":[...]}} and the like, or the file. */
static void put_output(cst_json_writer *w, const plx_batch *batch, bool shows_type)
{
    plx_blob_lines lines;
    castor_str     line;

    cst_json_open_object(w);
    if (shows_type) put_type(w, batch->kind->output_type);
    if (batch->is_file) {
        cst_json_put_member(w, "responsesFile", batch->results_name);
    } else {
        cst_json_key(w, batch->kind->list);
        cst_json_open_object(w);
        cst_json_key(w, "inlinedResponses");
        cst_json_open_array(w);
        plx_blob_lines_init(&lines, batch->results.facts.content);
        castor_status status;
        while ((status = plx_blob_lines_next(&lines, &line)) == CASTOR_OK && line.data) cst_json_put_raw(w, line);
        if (w->status == CASTOR_OK) w->status = status;
        plx_blob_lines_free(&lines);
        cst_json_close_array(w);
        cst_json_close_object(w);
    }
    cst_json_close_object(w);
}

static const char *name_of_state(plx_batch_state state)
{
    static const char *const names[] = { "BATCH_STATE_PENDING", "BATCH_STATE_RUNNING", "BATCH_STATE_SUCCEEDED",
                                         "BATCH_STATE_FAILED", "BATCH_STATE_CANCELLED", "BATCH_STATE_EXPIRED" };

    return names[state];
}

static void put_metadata(cst_json_writer *w, const plx_batch *batch, int64_t now_us, bool shows_output, bool shows_type)
{
    plx_batch_state state = plx_batch_state_at(batch, now_us);

    cst_json_open_object(w);
    if (shows_type) put_type(w, batch->kind->type);
    cst_json_put_member(w, "model", batch->model);
    if (batch->display_name[0]) cst_json_put_member(w, "displayName", batch->display_name);
    if (shows_output) {
        cst_json_key(w, "output");
        put_output(w, batch, false);
    }
    plx_put_time(w, "createTime", batch->shelved.created_us);
    if (batch->end) plx_put_time(w, "endTime", batch->ended_us);
    plx_put_time(w, "updateTime", state == PLX_BATCH_RUNNING && batch->shelved.updated_us < batch->running_us
                                      ? batch->running_us : batch->shelved.updated_us);
    put_stats(w, batch);
    cst_json_put_member(w, "state", name_of_state(state));
    if (batch->priority) plx_put_int64(w, "priority", batch->priority);
    cst_json_put_member(w, "name", batch->shelved.name);
    cst_json_close_object(w);
}

/* Of an end without results, as google.longrunning has it. */
static void put_error(cst_json_writer *w, const plx_batch *batch)
{
    static const struct {
        int         code; /* google.rpc.Code */
        const char *message;
    } errors[] = {
        [PLX_BATCH_FAILED] = { 3, NULL },
        [PLX_BATCH_CANCELLED] = { 1, "The batch was cancelled." },
        [PLX_BATCH_EXPIRED] = { 4, "The batch expired: it was pending or running for more than 48 hours." },
    };

    cst_json_key(w, "error");
    cst_json_open_object(w);
    cst_json_key(w, "code");
    cst_json_put_integer(w, errors[batch->end].code);
    cst_json_put_member(w, "message", batch->end == PLX_BATCH_FAILED ? batch->why : errors[batch->end].message);
    cst_json_close_object(w);
}

/* A list leaves out results that are not in a file: a page of them could be gigabytes. */
static void put_operation(cst_json_writer *w, const plx_batch *batch, const plx_exchange *e, bool is_listed)
{
    bool shows_output = batch->end == PLX_BATCH_SUCCEEDED && (batch->is_file || !is_listed);

    cst_json_open_object(w);
    cst_json_put_member(w, "name", batch->shelved.name);
    cst_json_key(w, "metadata");
    put_metadata(w, batch, plx_world_now_us(e->world), shows_output, true);
    if (batch->end) {
        cst_json_key(w, "done");
        cst_json_put_bool(w, true);
    }
    if (batch->end > PLX_BATCH_SUCCEEDED) put_error(w, batch);
    if (shows_output) {
        cst_json_key(w, "response");
        put_output(w, batch, true);
    }
    cst_json_close_object(w);
}

void plx_batch_send(plx_exchange *e, const plx_batch *batch)
{
    cst_buf         json;
    cst_json_writer w = cst_json_writer_to(&json);

    cst_buf_init(&json, cst_allocator_default(), PLX_EVENT_BYTES_MAX);
    put_operation(&w, batch, e, false);
    plx_exchange_send_json(e, &json, w.status);
    cst_buf_free(&json);
}

/* ---- one, and its work ---- */

/* NULL: it is refused already. */
static plx_batch *find(plx_exchange *e)
{
    plx_refusal refusal = { .code = 0 };
    plx_batch  *batch = plx_batches_find(e->world, plx_owner_of(e), e->names[0], &refusal);

    if (!batch) plx_exchange_refuse(e, &refusal);
    return batch;
}

static uint64_t end_of_slice(const plx_exchange *e)
{
    return plx_reply_now_us(e->reply) + PLX_BATCH_SLICE_US;
}

/* True: it is as far as it should be by now. False: `again` is called in the next turn of the loop. */
static bool work(plx_exchange *e, plx_batch *batch, uint64_t until_us, plx_exchange_fn *again)
{
    if (plx_batch_work(e->world, batch, e->reply, until_us)) return true;
    e->on_timer = again;
    plx_reply_wake_at(e->reply, plx_reply_now_us(e->reply) + PLX_TURN_US);
    return false;
}

void plx_answer_batch(plx_exchange *e)
{
    plx_batch *batch = find(e); /* each turn anew: it may have been deleted since */

    if (batch && work(e, batch, end_of_slice(e), plx_answer_batch)) plx_batch_send(e, batch);
}

void plx_answer_batch_cancel(plx_exchange *e)
{
    plx_batch *batch = find(e);

    if (!batch) return;
    plx_batch_cancel(batch, plx_world_now_us(e->world));
    plx_exchange_send_empty(e);
}

void plx_answer_batch_delete(plx_exchange *e)
{
    plx_batch *batch = find(e);

    if (!batch) return;
    plx_shelf_remove(plx_batches_shelf(e->world->resources->batches), &batch->shelved);
    plx_exchange_send_empty(e);
}

/* ---- the list ---- */

static void put_listed(cst_json_writer *w, const plx_shelved *one, const plx_exchange *e)
{
    put_operation(w, (const plx_batch *)one, e, true);
}

void plx_answer_batches(plx_exchange *e)
{
    static const plx_page_rule rule = { "batches", 10, 100 }; /* neither number is known */
    plx_shelf                 *shelf = plx_batches_shelf(e->world->resources->batches);
    plx_owner                  owner = plx_owner_of(e);
    uint64_t                   until_us = end_of_slice(e);

    plx_shelf_sweep(shelf, plx_world_now_us(e->world));
    for (plx_shelved *one = shelf->newest; one; one = one->older) {
        if (one->owner == owner && !work(e, (plx_batch *)one, until_us, plx_answer_batches)) return;
    }
    plx_shelf_send_list(e, shelf, &rule, "operations", put_listed);
}

/* ---- update ---- */

static const plx_field        update_fields[] = { { "displayName", NULL }, { "priority", NULL } };
static const plx_message_type update_type = { PACKAGE "GenerateContentBatch", update_fields,
                                              sizeof update_fields / sizeof update_fields[0] };

static bool update(plx_exchange *e, plx_batch *batch, plx_refusal *refusal)
{
    const cst_json *name = plx_field_get(e->json, "displayName");
    castor_i64      priority;

    if (!plx_fields_check(e->json, &update_type, refusal) ||
        !plx_field_integer(e->json, "priority", "", INT64_MIN, INT64_MAX, &priority, refusal)) {
        return false;
    }
    if (plx_count_characters(cst_json_string(name)) > PLX_DISPLAY_NAME_CHARS_MAX) {
        return plx_refuse(refusal, 400, "* Update%sRequest.display_name: it has more than %d characters.\n",
                          batch->kind->type, (int)PLX_DISPLAY_NAME_CHARS_MAX);
    }
    if (name) cst_copy_text(batch->display_name, sizeof batch->display_name, cst_json_string(name));
    if (priority.is_set) batch->priority = priority.value;
    batch->shelved.updated_us = plx_world_now_us(e->world);
    return true;
}

void plx_answer_batch_update(plx_exchange *e)
{
    plx_refusal     refusal = { .code = 0 };
    plx_batch      *batch = find(e);
    cst_buf         json;
    cst_json_writer w = cst_json_writer_to(&json);

    if (!batch) return;
    if (!update(e, batch, &refusal)) {
        plx_exchange_refuse(e, &refusal);
        return;
    }
    cst_buf_init(&json, cst_allocator_default(), PLX_SCHEMA_BYTES_MAX);
    put_metadata(&w, batch, plx_world_now_us(e->world), false, false);
    plx_exchange_send_json(e, &json, w.status);
    cst_buf_free(&json);
}
