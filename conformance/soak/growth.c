/* growth.c -- whether memory and descriptors stay as they are while answers come and go.
 * SPDX-License-Identifier: MIT
 */
#include "growth.h"

#include <dirent.h>
#include <malloc.h>
#include <stdio.h>

#if defined(__SANITIZE_ADDRESS__)
#define HAS_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAS_ASAN 1
#endif
#endif
#ifdef HAS_ASAN
size_t __sanitizer_get_current_allocated_bytes(void); /* of <sanitizer/allocator_interface.h>, which not all ship */
#endif

/* Two means differ by half a megabyte, even if nothing is lost; what an answer leaves behind adds up. So 100 bytes an
 * answer are found once 17,500 answers lie between the two, which takes 500 streams some minutes. */
enum { HEAP_BYTES_MAX = 1 << 20, HEAP_BYTES_AN_ANSWER_MAX = 40 };

/* Beside what is allocated there is what the allocator keeps: the sanitizer's quarantine, above all. */
enum { RESIDENT_KB_MAX = 24 << 10 };

/* The sanitizer has an allocator of its own, which the C library's count does not see. */
static uint64_t heap_bytes(void)
{
#if defined(HAS_ASAN)
    return __sanitizer_get_current_allocated_bytes();
#elif defined(__GLIBC__)
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
#else
    return 0; /* then what is resident has to do */
#endif
}

static long count_descriptors(void)
{
    DIR *directory = opendir("/proc/self/fd");
    long count = -3; /* . and .. and its own */

    while (directory && readdir(directory)) count++;
    if (directory) closedir(directory);
    return count;
}

growth_sample growth_take(void)
{
    FILE         *file = fopen("/proc/self/status", "r");
    growth_sample out = { .descriptors = count_descriptors(), .heap_bytes = heap_bytes() };
    char          line[256];

    while (file && fgets(line, sizeof line, file)) (void)sscanf(line, "VmRSS: %ld", &out.resident_kb);
    if (file) fclose(file);
    return out;
}

void growth_add(growth_mean *mean, const growth_sample *sample, uint64_t answers)
{
    mean->count++;
    mean->heap_bytes += ((double)sample->heap_bytes - mean->heap_bytes) / (double)mean->count;
    mean->answers += ((double)answers - mean->answers) / (double)mean->count;
}

void growth_compare(soak_world *world, const growth_sample samples[4], const growth_mean means[2])
{
    const growth_sample *before = &samples[0], *warm = &samples[1], *end = &samples[2], *after = &samples[3];
    double               grown = means[1].heap_bytes - means[0].heap_bytes;
    double               answers = means[1].answers - means[0].answers;
    double               most = HEAP_BYTES_MAX + HEAP_BYTES_AN_ANSWER_MAX * answers;

    printf("resident: %ld KB before, %ld KB warm, %ld KB at the end (%ld KB more; %d KB are allowed)\n",
           before->resident_kb, warm->resident_kb, end->resident_kb, end->resident_kb - warm->resident_kb,
           RESIDENT_KB_MAX);
    printf("heap: %.0f KB in the second quarter, %.0f KB in the last, %.0f answers later (%.0f KB more; %.0f KB are "
           "allowed)\n", means[0].heap_bytes / 1024, means[1].heap_bytes / 1024, answers, grown / 1024, most / 1024);
    printf("descriptors: %ld before, %ld warm, %ld at the end, %ld behind it\n", before->descriptors, warm->descriptors,
           end->descriptors, after->descriptors);
    if (grown > most) soak_complain(world, "the heap has grown");
    if (end->resident_kb > warm->resident_kb + RESIDENT_KB_MAX) soak_complain(world, "resident memory has grown");
    if (after->descriptors > before->descriptors) soak_complain(world, "descriptors were left open");
}
