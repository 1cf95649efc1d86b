/* pace.h -- when tokens leave, and the chance that is in it.
 * SPDX-License-Identifier: MIT
 */
#ifndef PLX_PACE_H
#define PLX_PACE_H

#include "base.h"

typedef struct plx_pace {
    uint32_t first_min_ms;      /* to the first token: somewhere between the two */
    uint32_t first_max_ms;
    double   tokens_per_second; /* of each candidate; 0: without delay */
} plx_pace;

#define PLX_PACE_DEFAULT ((plx_pace){ 500, 1000, 60.0 })
#define PLX_PACE_INSTANT ((plx_pace){ 0, 0, 0.0 })

/* Random numbers that need not be secret: for delays and identifiers. */
typedef struct plx_chance {
    uint64_t state;
} plx_chance;

uint64_t plx_chance_next(plx_chance *chance);

uint64_t plx_pace_first_us(const plx_pace *pace, plx_chance *chance);

/* How long so many bytes of text take. */
uint64_t plx_pace_text_us(const plx_pace *pace, uint64_t bytes);

#endif
