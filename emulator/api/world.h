/* world.h -- all that pollux remembers from one request to the next.
 * SPDX-License-Identifier: MIT
 */
#ifndef PLX_WORLD_H
#define PLX_WORLD_H

#include "generate/pace.h"
#include "script/catalogue.h"

typedef struct plx_world {
    const plx_catalogue *catalogue;
    plx_pace             pace;
    plx_chance           chance;
} plx_world;

/* Unix time. Everything that expires looks here. */
int64_t plx_world_now_us(const plx_world *world);

#endif
