/* world.h -- all that pollux remembers from one request to the next.
 * SPDX-License-Identifier: MIT
 */
#ifndef PLX_WORLD_H
#define PLX_WORLD_H

#include "api/witness.h"
#include "generate/answer.h"
#include "generate/model_table.h"
#include "script/catalogue.h"
#include "upstream/upstream.h"

typedef struct plx_interactions plx_interactions;
typedef struct plx_quotas plx_quotas;
typedef struct plx_resources plx_resources;
typedef struct plx_stats plx_stats;
struct plx_armory;

/* What POST /pollux/reset empties. */
typedef struct plx_store {
    void (*empty)(void *store);
    void *store;
} plx_store;

typedef struct plx_world {
    plx_catalogue         *catalogue;
    const plx_model_table *models;
    plx_pace               pace;
    plx_chance             chance;
    plx_manner             manner;
    plx_quotas            *quotas;         /* NULL: nothing is limited */
    const char            *only_key;       /* the one key that is good; NULL: any is */
    bool                   is_decommissioned; /* legacy models are gone */
    plx_interactions      *interactions;
    int64_t                clock_ahead_us; /* by how much POST /pollux/clock has moved the clock */
    plx_store              stores[PLX_STORES_MAX];
    size_t                 store_count;
    plx_stats             *stats;
    size_t                 under_way;      /* requests that are read or answered */
    const size_t          *connection_count; /* the server's; NULL: there is none */
    struct plx_armory     *armory;         /* faults; NULL: there are none */
    plx_upstream          *upstream;       /* asked when no script answers; NULL: there is none */
    plx_witness           *witness;        /* NULL: nobody asks it */
    plx_resources         *resources;      /* what clients make and come back for */
} plx_world;

/* Unix time on the world's clock, which can be moved. Everything that expires looks here. */
int64_t plx_world_now_us(const plx_world *world);

/* Who answers a prompt now. */
plx_answerer plx_world_answerer(plx_world *world);

/* Whoever keeps something from one request to the next says here how to forget it, once, when it is made. `empty` must
 * leave alone what answers under way still use. */
void plx_world_add_store(plx_world *world, void (*empty)(void *store), void *store);

/* Empties all stores, takes away the scripts that came since the start, and puts the clock right. */
void plx_world_reset(plx_world *world);

#endif
