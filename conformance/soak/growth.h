/* growth.h -- whether memory and descriptors stay as they are while answers come and go.
 * SPDX-License-Identifier: MIT
 */
#ifndef SOAK_GROWTH_H
#define SOAK_GROWTH_H

#include "soak.h"

/* What a process has at one time. */
typedef struct growth_sample {
    long     resident_kb;
    long     descriptors;
    uint64_t heap_bytes; /* allocated and not given back */
} growth_sample;

growth_sample growth_take(void);

/* The mean over a while, as streams take memory and give it back all the time. */
typedef struct growth_mean {
    double   heap_bytes;
    double   answers;    /* that had been judged */
    uint64_t count;
} growth_mean;

void growth_add(growth_mean *mean, const growth_sample *sample, uint64_t answers);

/* `before` anything began, the first sample of the `warm` quarter and the last `after` all; the means of the second and
 * the last quarter. Prints them, and complains of what has grown. */
void growth_compare(soak_world *world, const growth_sample samples[4], const growth_mean means[2]);

#endif
