/* figures.c -- what the programs of bench/ measure of themselves.
 * SPDX-License-Identifier: MIT
 */
#define _GNU_SOURCE
#include "figures.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

void fig_die(const char *what)
{
    perror(what);
    exit(2);
}

uint64_t fig_now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static double us_of(struct timeval time)
{
    return (double)time.tv_sec * 1e6 + (double)time.tv_usec;
}

double fig_cpu_us(void)
{
    struct rusage used;

    if (getrusage(RUSAGE_SELF, &used) != 0) fig_die("getrusage");
    return us_of(used.ru_utime) + us_of(used.ru_stime);
}

size_t fig_resident_bytes(void)
{
    unsigned long pages = 0;
    FILE         *file = fopen("/proc/self/statm", "r");

    if (!file || fscanf(file, "%*u %lu", &pages) != 1) fig_die("/proc/self/statm");
    fclose(file);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

void fig_raise_descriptors(void)
{
    struct rlimit files;

    if (getrlimit(RLIMIT_NOFILE, &files) != 0) fig_die("getrlimit");
    files.rlim_cur = files.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &files) != 0) fig_die("setrlimit");
}

bool fig_is_steady(double seconds, size_t stream_ms, size_t ramp_ms)
{
    return stream_ms > ramp_ms && seconds * 1e3 > (double)(stream_ms - ramp_ms) / 2;
}

void fig_samples_init(fig_samples *samples, size_t max)
{
    samples->values = malloc(max * sizeof *samples->values);
    if (!samples->values) fig_die("samples");
    memset(samples->values, 1, max * sizeof *samples->values);
    samples->count = 0;
    samples->max = max;
}

void fig_samples_add(fig_samples *samples, uint64_t us)
{
    if (samples->count < samples->max) samples->values[samples->count] = us < UINT32_MAX ? (uint32_t)us : UINT32_MAX;
    samples->count++;
}

static size_t kept(const fig_samples *samples)
{
    return samples->count < samples->max ? samples->count : samples->max;
}

static int by_size(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

void fig_samples_sort(fig_samples *samples)
{
    qsort(samples->values, kept(samples), sizeof *samples->values, by_size);
}

double fig_samples_at(const fig_samples *samples, double part)
{
    return kept(samples) ? samples->values[(size_t)(part * (double)(kept(samples) - 1))] : 0;
}
