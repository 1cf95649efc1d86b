/* asking.c -- a body read as what it asks for.
 * SPDX-License-Identifier: MIT
 */
#include "api/asking.h"

#include "api/caches.h"
#include "api/files.h"
#include "api/models.h"

/* Google's own clients get more out of one request: they go on by themselves. */
static bool is_googles(const plx_exchange *e)
{
    return cst_str_starts_with(plx_head_get(e->head, "x-goog-api-client"), "google-genai-sdk/");
}

bool plx_asking_add_references(plx_ask *ask, const plx_world *world, plx_owner owner, const cst_json *body,
                               plx_refusal *refusal)
{
    const cst_json *google = plx_field_get(plx_field_get(body, "extra_body"), "google");
    uint64_t        cached = 0;

    if (!plx_files_check_use(world, owner, body, refusal) ||
        !plx_caches_check_use(world, owner, google ? google : body, ask->model, &cached, refusal)) {
        return false;
    }
    ask->cached_tokens.of[PLX_MODALITY_TEXT] += cached;
    ask->prompt_tokens.of[PLX_MODALITY_TEXT] += cached;
    return true;
}

/* Remembered with what is spoilt, when the body has been forgotten; without memory for it, it is not. */
static void name_model(plx_exchange *e, castor_str name)
{
    if (!e->world->armory) return;
    if (e->names[0].len > 0) e->model = name;
    else if (name.len > 0) (void)cst_arena_copy(&e->arena, name, &e->model);
}

static bool read_with(plx_asking *asking, plx_exchange *e, const cst_json *body, const plx_asking_way *way,
                      plx_refusal *refusal)
{
    castor_str       name = e->names[0].len > 0 ? e->names[0] : cst_json_string_in(body, "model");
    const plx_model *model = name.len > 0 ? plx_model_for(e, name, way->method, refusal) : NULL;
    plx_terms        terms = { .model = name, .facts = model, .arena = &asking->arena,
                               .is_plain = way->is_whole && !is_googles(e), .only_counts = way->only_counts,
                               .hop_tokens_max = e->world->manner.decode_cap };

    name_model(e, name);
    if (name.len > 0 && !model) return false;
    if (!way->read(&asking->ask, body, &terms, refusal) ||
        !plx_asking_add_references(&asking->ask, e->world, plx_owner_of(e), body, refusal)) {
        return false;
    }
    asking->ask.model = plx_model_version(model, asking->ask.model);
    return true;
}

bool plx_asking_read(plx_asking *asking, plx_exchange *e, const cst_json *body, const plx_asking_way *way)
{
    plx_refusal refusal = { .code = 0 };

    cst_arena_init(&asking->arena, cst_allocator_default());
    if (read_with(asking, e, body, way, &refusal)) return true;
    cst_arena_free(&asking->arena);
    plx_exchange_refuse(e, &refusal);
    return false;
}

void plx_asking_end(plx_asking *asking) { cst_arena_free(&asking->arena); }

bool plx_asking_refuse_answer(castor_status status, plx_refusal *refusal)
{
    if (status == CASTOR_NO_MEMORY) return plx_refuse_memory(refusal);
    return plx_refuse(refusal, 400,
                      "The answer that is asked for does not fit the emulator's limits; a schema's pattern, for one, "
                      "may repeat something %d times at most.", (int)PLX_PATTERN_REPEATS_MAX);
}
