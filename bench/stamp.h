/* stamp.h -- texts of bench/writer begin with the time of their writing, CLOCK_MONOTONIC in ns, 19 digits: what the
 * time between writing and reading was.
 * SPDX-License-Identifier: MIT
 */
#ifndef BENCH_STAMP_H
#define BENCH_STAMP_H

#include "figures.h"

#include <castor/castor.h>
#include <stdio.h>

enum { STAMP_DIGITS = 19 };

static inline void stamp_take(castor_str text, fig_samples *lags)
{
    uint64_t now = fig_now_ns(), then = 0;

    if (text.len < STAMP_DIGITS) return;
    for (size_t i = 0; i < STAMP_DIGITS; i++) then = then * 10 + (uint64_t)(text.data[i] - '0');
    fig_samples_add(lags, (now - then) / 1000);
}

static inline void stamp_print(fig_samples *lags)
{
    fig_samples_sort(lags);
    printf("{\"events\":%zu,\"lag_p50_us\":%.0f,\"lag_p90_us\":%.0f,\"lag_p99_us\":%.0f}\n", lags->count,
           fig_samples_at(lags, 0.5), fig_samples_at(lags, 0.9), fig_samples_at(lags, 0.99));
}

#endif
