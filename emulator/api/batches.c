/* batches.c -- batch jobs: how far they are, and the work on their rows.
 * SPDX-License-Identifier: MIT
 */
#include "api/batches.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/resources.h"
#include "json_cursor.h"

#define US_PER_S 1000000ll

enum { ID_LETTERS = 32 };

struct plx_batches {
    plx_shelf shelf;
    uint32_t  batch_ms;
};

/* ---- the store ---- */

/* What is needed for the work alone. */
static void end_work(plx_batch *batch)
{
    if (batch->is_begun) {
        plx_blob_lines_free(&batch->lines);
        cst_buf_free(&batch->held);
    }
    batch->is_begun = false;
    plx_blob_drop(batch->rows);
    batch->rows = NULL;
}

void plx_batch_free(plx_shelved *one)
{
    plx_batch *batch = (plx_batch *)one;

    end_work(batch);
    plx_intake_free(&batch->results);
    free(batch);
}

plx_batches *plx_batches_new(uint32_t batch_ms)
{
    plx_batches *batches = calloc(1, sizeof *batches);

    if (!batches) return NULL;
    batches->shelf = (plx_shelf){ .count_max = PLX_BATCHES_MAX, .free_one = plx_batch_free };
    batches->batch_ms = batch_ms;
    return batches;
}

void plx_batches_free(plx_batches *batches)
{
    if (!batches) return;
    plx_shelf_clear(&batches->shelf);
    free(batches);
}

plx_shelf *plx_batches_shelf(plx_batches *batches) { return &batches->shelf; }

static int64_t expiry_of(const plx_batch *batch)
{
    return batch->shelved.created_us + PLX_BATCH_LIFE_S * US_PER_S;
}

/* Also when nobody has looked at it since. */
static bool is_over(const plx_batch *batch, int64_t now_us)
{
    return batch->end || now_us >= batch->due_us || now_us >= expiry_of(batch);
}

/* Drops the oldest that is over. */
static void make_room(plx_shelf *shelf, int64_t now_us)
{
    plx_shelved *oldest = NULL;

    if (shelf->count < shelf->count_max) return;
    for (plx_shelved *one = shelf->newest; one; one = one->older) {
        if (is_over((plx_batch *)one, now_us)) oldest = one;
    }
    if (oldest) plx_shelf_remove(shelf, oldest);
}

static bool check_concurrent(const plx_shelf *shelf, plx_owner owner, int64_t now_us, plx_refusal *refusal)
{
    size_t count = 0;

    for (const plx_shelved *one = shelf->newest; one; one = one->older) {
        if (one->owner == owner && !is_over((const plx_batch *)one, now_us)) count++;
    }
    return count < PLX_BATCHES_AT_ONCE_MAX ||
           plx_refuse(refusal, 429, "Resource has been exhausted: %d batches are under way, as many as there may be.",
                      (int)PLX_BATCHES_AT_ONCE_MAX);
}

static bool has_wish(const plx_batch *batch, const char *wish)
{
    return strstr(batch->display_name, wish) != NULL;
}

static void set_times(plx_batch *batch, uint32_t batch_ms, int64_t now_us)
{
    int64_t wait_us = (int64_t)batch_ms * 1000;

    batch->shelved.created_us = batch->shelved.updated_us = now_us;
    batch->shelved.expires_us = now_us + PLX_BATCH_KEPT_S * US_PER_S;
    batch->running_us = now_us + wait_us / 4;
    batch->due_us = has_wish(batch, "pollux: expire") ? INT64_MAX : now_us + wait_us;
}

bool plx_batches_add(plx_world *world, plx_batch *batch, plx_refusal *refusal)
{
    plx_batches *batches = world->resources->batches;
    plx_shelf   *shelf = &batches->shelf;
    int64_t      now_us = plx_world_now_us(world);

    plx_shelf_sweep(shelf, now_us);
    if (!check_concurrent(shelf, batch->shelved.owner, now_us, refusal)) return false;
    set_times(batch, batches->batch_ms, now_us);
    plx_shelf_make_name(shelf, batch->shelved.name, "batches", ID_LETTERS, &world->chance);
    make_room(shelf, now_us);
    return plx_shelf_put(shelf, &batch->shelved) ||
           plx_refuse(refusal, 429, "The emulator keeps no more than %d batches; delete some.", (int)PLX_BATCHES_MAX);
}

plx_batch *plx_batches_find(const plx_world *world, plx_owner owner, castor_str id, plx_refusal *refusal)
{
    plx_shelf *shelf = &world->resources->batches->shelf;

    plx_shelf_sweep(shelf, plx_world_now_us(world));
    plx_batch *batch = (plx_batch *)plx_shelf_find_own(shelf, "batches", id, owner);
    if (!batch) plx_refuse(refusal, 404, "Requested entity was not found.");
    return batch;
}

/* ---- states ---- */

static bool is_due(const plx_batch *batch, int64_t now_us)
{
    return !batch->end && batch->due_us < expiry_of(batch) && now_us >= batch->due_us;
}

plx_batch_state plx_batch_state_at(const plx_batch *batch, int64_t now_us)
{
    if (batch->end) return batch->end;
    return now_us < batch->running_us ? PLX_BATCH_PENDING : PLX_BATCH_RUNNING;
}

static void finish(plx_batch *batch, plx_batch_state end, int64_t ended_us)
{
    end_work(batch);
    if (end != PLX_BATCH_SUCCEEDED) plx_intake_free(&batch->results);
    batch->end = end;
    batch->ended_us = batch->shelved.updated_us = ended_us;
}

static void fail(plx_batch *batch, const char *why)
{
    cst_copy_text(batch->why, sizeof batch->why, castor_str_of(why));
    finish(batch, PLX_BATCH_FAILED, batch->due_us);
}

void plx_batch_cancel(plx_batch *batch, int64_t now_us)
{
    if (!batch->end && !is_due(batch, now_us) && now_us < expiry_of(batch)) finish(batch, PLX_BATCH_CANCELLED, now_us);
}

/* ---- the work ---- */

static bool begin_work(plx_world *world, plx_batch *batch)
{
    plx_intake *results = &batch->results;
    plx_refusal refusal = { .code = 0 };

    results->facts = (plx_file_facts){ .owner = batch->shelved.owner, .source = PLX_FILE_GENERATED };
    snprintf(results->facts.id, sizeof results->facts.id, "batch-%s", batch->shelved.name + strlen("batches/"));
    plx_intake_offer_type(results, CASTOR_STR("application/jsonl"));
    if (!plx_intake_begin(results, world->resources->files, &refusal)) {
        fail(batch, refusal.message);
        return false;
    }
    plx_blob_lines_init(&batch->lines, batch->rows);
    cst_buf_init(&batch->held, cst_allocator_default(), PLX_EVENT_BYTES_MAX);
    batch->is_begun = true;
    return true;
}

/* ---- results ---- */

/* The service promises no order for a file, and no end of its last line: who reads it should not count on them. */
static bool is_shuffled(const plx_batch *batch)
{
    return batch->is_file && has_wish(batch, "pollux: shuffle");
}

static bool put_line(plx_batch *batch, castor_str line, plx_refusal *refusal)
{
    plx_intake *results = &batch->results;

    if (results->facts.size > 0 && !plx_intake_take(results, CASTOR_STR("\n"), refusal)) return false;
    return plx_intake_take(results, line, refusal);
}

static bool put_held(plx_batch *batch, plx_refusal *refusal)
{
    bool is_put = batch->held.len == 0 || put_line(batch, cst_buf_view(&batch->held), refusal);

    batch->held.len = 0;
    return is_put;
}

/* Shuffled, the second comes before the first, the fourth before the third, and so on. */
static bool put_result(plx_batch *batch, castor_str line, plx_refusal *refusal)
{
    if (is_shuffled(batch) && batch->held.len == 0) {
        return cst_buf_append_str(&batch->held, line) == CASTOR_OK || plx_refuse_memory(refusal);
    }
    return put_line(batch, line, refusal) && put_held(batch, refusal);
}

static bool end_results(plx_batch *batch, plx_refusal *refusal)
{
    if (!put_held(batch, refusal)) return false;
    if (is_shuffled(batch) || batch->results.facts.size == 0) return true;
    return plx_intake_take(&batch->results, CASTOR_STR("\n"), refusal);
}

/* The file of results; what has none keeps them for itself. */
static void end_rows(plx_world *world, plx_batch *batch)
{
    plx_refusal refusal = { .code = 0 };

    if (!end_results(batch, &refusal)) {
        fail(batch, refusal.message);
        return;
    }
    if (batch->is_file) {
        const plx_file *file = plx_intake_finish(&batch->results, world, &refusal);
        if (!file) {
            fail(batch, refusal.message);
            return;
        }
        snprintf(batch->results_name, sizeof batch->results_name, "%s", file->shelved.name);
    }
    finish(batch, PLX_BATCH_SUCCEEDED, batch->due_us);
}

/* ---- rows ---- */

/* What tells rows apart: of a file their key, of a list their metadata. `document` was read from `row`. */
static void put_label(cst_json_writer *w, const cst_json_doc *document, castor_str row, const char *name)
{
    castor_str source = cst_json_source(cst_json_cursor_get(cst_json_cursor_at_root(document, row), name));

    if (!source.data) return;
    cst_json_key(w, name);
    cst_json_put_raw(w, source);
}

/* False: the row is not JSON, or there is no memory; the batch has failed then. */
static bool answer_row(plx_world *world, plx_batch *batch, castor_str row, cst_json_doc *document, cst_arena *arena,
                       cst_buf *out)
{
    cst_json_writer w = cst_json_writer_to(out);
    plx_refusal     refusal = { .code = 0 };
    bool            is_refused = false;
    char            why[128];
    castor_status   status = cst_json_read(document, row, NULL, NULL);

    if (status != CASTOR_NO_MEMORY && cst_json_type_of(cst_json_root(document)) != CST_JSON_OBJECT) {
        snprintf(why, sizeof why, "Line %" PRIu64 " of the file is not a JSON object.", batch->answered_count + 1);
        fail(batch, why);
        return false;
    }
    out->len = 0;
    cst_json_open_object(&w);
    if (batch->is_file) put_label(&w, document, row, "key");
    if (status == CASTOR_OK) {
        status = batch->kind->answer_row(world, batch, cst_json_get(cst_json_root(document), "request"), arena, &w,
                                         &is_refused);
    }
    if (!batch->is_file) put_label(&w, document, row, "metadata");
    cst_json_close_object(&w);
    if (status == CASTOR_OK) status = w.status;
    if (status == CASTOR_OK && put_result(batch, cst_buf_view(out), &refusal)) {
        batch->answered_count++;
        batch->failed_count += is_refused ? 1 : 0;
        return true;
    }
    fail(batch, refusal.code ? refusal.message : "A row's answer is too large, or memory ran out.");
    return false;
}

static bool answer_rows(plx_world *world, plx_batch *batch, const plx_reply *reply, uint64_t until_us)
{
    const cst_allocator *allocator = cst_allocator_default();
    cst_json_doc         document;
    cst_arena            arena;
    cst_buf              out;
    castor_str           row = CST_NONE;

    cst_json_doc_init(&document, allocator);
    cst_arena_init(&arena, allocator);
    cst_buf_init(&out, allocator, PLX_EVENT_BYTES_MAX);
    do {
        cst_arena_rewind(&arena);
        if (plx_blob_lines_next(&batch->lines, &row) != CASTOR_OK) fail(batch, "A line of the file is too long.");
        else if (!row.data) end_rows(world, batch);
        else answer_row(world, batch, row, &document, &arena, &out);
    } while (!batch->end && plx_reply_now_us(reply) < until_us);
    cst_buf_free(&out);
    cst_arena_free(&arena);
    cst_json_doc_free(&document);
    return batch->end != PLX_BATCH_PENDING;
}

bool plx_batch_work(plx_world *world, plx_batch *batch, const plx_reply *reply, uint64_t until_us)
{
    int64_t now_us = plx_world_now_us(world);

    if (!is_due(batch, now_us)) {
        if (!batch->end && now_us >= expiry_of(batch)) finish(batch, PLX_BATCH_EXPIRED, expiry_of(batch));
        return true;
    }
    if (has_wish(batch, "pollux: fail")) {
        fail(batch, "The batch failed, as its display name asks for.");
        return true;
    }
    if (!batch->rows) {
        fail(batch, "The input file is not JSON Lines: its MIME type is not application/jsonl.");
        return true;
    }
    if (!batch->is_begun && !begin_work(world, batch)) return true;
    return answer_rows(world, batch, reply, until_us);
}
