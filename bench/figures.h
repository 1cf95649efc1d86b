/* figures.h -- what the programs of bench/ measure of themselves.
 * SPDX-License-Identifier: MIT
 */
#ifndef BENCH_FIGURES_H
#define BENCH_FIGURES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* CLOCK_MONOTONIC, the clock that bench/writer writes into its texts. */
uint64_t fig_now_ns(void);

/* User and system time of this process so far. */
double fig_cpu_us(void);

/* Memory of this process that is resident now. */
size_t fig_resident_bytes(void);

/* Lets this process have as many descriptors as it may. */
void fig_raise_descriptors(void);

/* Whether streams that take `stream_ms` and were to be opened within `ramp_ms` ran all at once for half as long as they
 * should have. Otherwise the client or the machine cannot follow, and what an event cost then is no figure. */
bool fig_is_steady(double seconds, size_t stream_ms, size_t ramp_ms);

/* Says what failed, with errno, and ends the process. */
void fig_die(const char *what) __attribute__((noreturn));

/* Whole microseconds, for percentiles. Those beyond the maximum are counted and not kept. */
typedef struct fig_samples {
    uint32_t *values;
    size_t    count, max;
} fig_samples;

/* Room for `max`, touched now, so that it is in no figure later. Free `values`. */
void fig_samples_init(fig_samples *samples, size_t max);
void fig_samples_add(fig_samples *samples, uint64_t us);

/* Sorts them; then fig_samples_at tells the one below which `part` (0 to 1) of them lie, 0 without any. */
void   fig_samples_sort(fig_samples *samples);
double fig_samples_at(const fig_samples *samples, double part);

#endif
