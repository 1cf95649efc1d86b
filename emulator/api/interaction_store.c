/* interaction_store.c -- the interactions that are kept, by their ids.
 * SPDX-License-Identifier: MIT
 *
 * A list from the oldest to the newest: what expires, or makes room, is always at its front. Few enough are kept that
 * looking through all of them is quick.
 */
#include "api/interaction_store.h"

#include <stdlib.h>

enum { ID_BYTES = 3 + 67 /* "v1_" and as much as the service's have */ };

struct plx_interactions {
    plx_interaction *oldest;
    plx_interaction *newest;
    size_t           count;
    size_t           bytes;
};

plx_interactions *plx_interactions_new(void)
{
    return calloc(1, sizeof(plx_interactions));
}

void plx_interactions_empty(void *store)
{
    plx_interactions *interactions = store;

    /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): what is forgotten has left the list */
    while (interactions->oldest) plx_interactions_forget(interactions, interactions->oldest);
}

void plx_interactions_free(plx_interactions *store)
{
    if (store) plx_interactions_empty(store);
    free(store);
}

static castor_status make_id(plx_interaction *one, plx_chance *chance)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    char              id[ID_BYTES] = "v1_";

    for (size_t i = 3; i < sizeof id; i++) id[i] = alphabet[plx_chance_next(chance) & 63];
    return cst_arena_copy(&one->arena, (castor_str){ id, sizeof id }, &one->course.id);
}

plx_interaction *plx_interaction_new(bool is_stored, plx_chance *chance)
{
    plx_interaction *one = calloc(1, sizeof *one);

    if (!one) return NULL;
    cst_arena_init(&one->arena, cst_allocator_default());
    one->reference_count = 1;
    one->course.id = CASTOR_STR("");
    if (!is_stored || make_id(one, chance) == CASTOR_OK) return one;
    plx_interaction_release(one);
    return NULL;
}

void plx_interaction_release(plx_interaction *one)
{
    if (!one || --one->reference_count > 0) return;
    cst_arena_free(&one->arena);
    free(one);
}

/* Near enough: what the arena holds of it. */
static size_t measure(const plx_interaction *one)
{
    size_t bytes = sizeof *one + one->input_steps.len + one->contents.len + one->begun.len;

    bytes += one->course.event_count * sizeof *one->course.events + one->course.step_count * sizeof *one->course.steps;
    for (size_t i = 0; i < one->course.event_count; i++) bytes += one->course.events[i].text.len + 1;
    return bytes;
}

void plx_interactions_keep(plx_interactions *store, plx_interaction *one)
{
    one->bytes = measure(one);
    one->is_kept = true;
    one->reference_count++;
    one->older = store->newest;
    *(store->newest ? &store->newest->newer : &store->oldest) = one;
    store->newest = one;
    store->count++;
    store->bytes += one->bytes;
    while (store->oldest != one &&
           (store->count > PLX_INTERACTIONS_MAX || store->bytes > (size_t)PLX_INTERACTIONS_BYTES_MAX)) {
        /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): what is forgotten has left the list */
        plx_interactions_forget(store, store->oldest);
    }
}

static void forget_expired(plx_interactions *store, int64_t now_us)
{
    int64_t life_us = (int64_t)PLX_INTERACTION_LIFE_S * 1000000;

    /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): what is forgotten has left the list */
    while (store->oldest && store->oldest->course.started_us + life_us <= now_us) {
        plx_interactions_forget(store, store->oldest);
    }
}

plx_interaction *plx_interactions_find(plx_interactions *store, uint64_t owner, castor_str id, int64_t now_us)
{
    forget_expired(store, now_us);
    for (plx_interaction *one = store->newest; one; one = one->older) {
        if (one->owner != owner || !cst_str_equal(one->course.id, id)) continue;
        one->reference_count++;
        return one;
    }
    return NULL;
}

void plx_interactions_forget(plx_interactions *store, plx_interaction *one)
{
    if (!one->is_kept) return;
    *(one->older ? &one->older->newer : &store->oldest) = one->newer;
    *(one->newer ? &one->newer->older : &store->newest) = one->older;
    store->count--;
    store->bytes -= one->bytes;
    one->is_kept = false;
    one->older = one->newer = NULL;
    plx_interaction_release(one);
}
