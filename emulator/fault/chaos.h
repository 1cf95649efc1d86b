/* chaos.h -- a schedule of faults that follows from a seed: the same one gives the same decisions. Pure.
 * SPDX-License-Identifier: MIT
 *
 *     seed=7,rate=0.05[,faults=FAULT+FAULT...]
 *
 * Each request takes three numbers from the seed's sequence, whatever becomes of it: is it spoilt, by which fault, and
 * where. A fault that was given with its place keeps it.
 */
#ifndef PLX_CHAOS_H
#define PLX_CHAOS_H

#include "fault/fault.h"
#include "generate/pace.h"

typedef struct plx_chaos {
    bool       is_on;
    uint64_t   seed;
    uint32_t   rate_ppm;      /* of a million requests so many */
    plx_fault  faults[PLX_CHAOS_FAULTS_MAX];
    bool       has_place[PLX_CHAOS_FAULTS_MAX];
    size_t     fault_count;
    plx_chance chance;
    uint64_t   request_count; /* decided on */
} plx_chaos;

/* False: `why` has a sentence. */
bool plx_chaos_parse(plx_chaos *chaos, castor_str text, char *why, size_t why_size);

/* The decision on the next request. True: it is spoilt so. */
bool plx_chaos_decide(plx_chaos *chaos, plx_plan *plan);

/* From the beginning of the sequence again. */
void plx_chaos_restart(plx_chaos *chaos);

#endif
