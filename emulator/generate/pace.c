/* pace.c -- when tokens leave, and the chance that is in it.
 * SPDX-License-Identifier: MIT
 */
#include "generate/pace.h"

#include "bounds.h"

/* splitmix64: every state gives another number, and any seed will do. */
uint64_t plx_chance_next(plx_chance *chance)
{
    uint64_t z = chance->state += UINT64_C(0x9E3779B97F4A7C15);

    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

uint64_t plx_pace_first_us(const plx_pace *pace, plx_chance *chance)
{
    uint64_t span_us = (uint64_t)(pace->first_max_ms - pace->first_min_ms) * 1000 + 1;

    return (uint64_t)pace->first_min_ms * 1000 + plx_chance_next(chance) % span_us;
}

uint64_t plx_pace_text_us(const plx_pace *pace, uint64_t bytes)
{
    if (pace->tokens_per_second <= 0) return 0;
    return (uint64_t)((double)bytes / PLX_BYTES_PER_TOKEN / pace->tokens_per_second * 1e6);
}
