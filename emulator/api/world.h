/* world.h -- all that pollux remembers from one request to the next.
 * SPDX-License-Identifier: MIT
 */
#ifndef PLX_WORLD_H
#define PLX_WORLD_H

#include "generate/model_table.h"
#include "generate/pace.h"
#include "script/catalogue.h"

typedef struct plx_world {
    const plx_catalogue   *catalogue;
    const plx_model_table *models;
    plx_pace               pace;
    plx_chance             chance;
    const char            *only_key;       /* the one key that is good; NULL: any is */
    int64_t                clock_ahead_us; /* by how much POST /pollux/clock has moved the clock */
} plx_world;

/* Unix time on the world's clock, which can be moved. Everything that expires looks here. */
int64_t plx_world_now_us(const plx_world *world);

#endif
