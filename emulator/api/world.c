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
