/* batches_api.c -- the methods of batches that exist: list, get, cancel, delete, update.
 * SPDX-License-Identifier: MIT
 */
#include "api/batches.h"
#include "api/handlers.h"
#include "api/resources.h"
#include "proto/fields.h"

#define PACKAGE "type.googleapis.com/google.ai.generativelanguage.v1main."

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
    plx_batch_put(w, (const plx_batch *)one, e, true);
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

static const plx_field        update_fields[] = { { "displayName", NULL, PLX_STRING },
                                                      { "priority", NULL, PLX_INT64 } };
static const plx_message_type update_type = { PACKAGE "GenerateContentBatch", update_fields,
                                              sizeof update_fields / sizeof update_fields[0] };

static bool update(plx_exchange *e, plx_batch *batch, plx_refusal *refusal)
{
    const cst_json *name = plx_field_get(e->json, "displayName");
    bool            embeds = batch->kind == &plx_batch_of_embeddings;
    castor_i64      priority;

    if (!plx_fields_check_in(embeds ? "embedContentBatch" : "generateContentBatch", e->json, &update_type, refusal) ||
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
    plx_batch_put_metadata(&w, batch, plx_world_now_us(e->world), false, false);
    plx_exchange_send_json(e, &json, w.status);
    cst_buf_free(&json);
}
