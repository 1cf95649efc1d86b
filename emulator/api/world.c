/* world.c -- all that pollux remembers from one request to the next.
 * SPDX-License-Identifier: MIT
 */
#include "api/world.h"

#include <time.h>

int64_t plx_world_now_us(const plx_world *world)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000 + world->clock_ahead_us;
}

void plx_world_add_store(plx_world *world, void (*empty)(void *store), void *store)
{
    if (world->store_count < PLX_STORES_MAX) world->stores[world->store_count++] = (plx_store){ empty, store };
}

void plx_world_reset(plx_world *world)
{
    for (size_t i = 0; i < world->store_count; i++) world->stores[i].empty(world->stores[i].store);
    plx_catalogue_remove_played(world->catalogue);
    world->clock_ahead_us = 0;
}

plx_answerer plx_world_answerer(plx_world *world)
{
    return (plx_answerer){ world->pace, &world->chance, plx_world_now_us(world) / 1000000, world->manner };
}
