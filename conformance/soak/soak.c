/* soak.c -- starts the guests, lets the judge look at what they see, and watches memory and descriptors.
 * SPDX-License-Identifier: MIT
 *
 *     soak SECONDS STREAMS CLEAR_URL SECURE_URL CA_FILE [SEED]
 *
 * Ends with 0 when every answer came to what the twins say they did, and nothing grew.
 */
#include "soak.h"

#include <curl/curl.h>
#include <dirent.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum {
    TURN_MS = 200,
    SPOIL_S = 5,            /* how often the twins get new faults */
    GROWTH_KB_MAX = 16 << 10,
    COMPLAINTS_MAX = 20,
};

#define RATE 0.4

static void rest(long ms)
{
    nanosleep(&(struct timespec){ ms / 1000, ms % 1000 * 1000000 }, NULL);
}

void soak_complain(soak_world *world, const char *format, ...)
{
    static atomic_int count;
    va_list           arguments;

    atomic_store(&world->has_failed, true);
    if (atomic_fetch_add(&count, 1) >= COMPLAINTS_MAX) return;
    va_start(arguments, format);
    flockfile(stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    funlockfile(stderr);
    va_end(arguments);
}

/* ---- what must not grow ---- */

typedef struct sample {
    long resident_kb;
    long peak_kb;
    long descriptors;
} sample;

static long count_descriptors(void)
{
    DIR *directory = opendir("/proc/self/fd");
    long count = -3; /* . and .. and its own */

    while (directory && readdir(directory)) count++;
    if (directory) closedir(directory);
    return count;
}

static sample take_sample(void)
{
    FILE  *file = fopen("/proc/self/status", "r");
    sample out = { .descriptors = count_descriptors() };
    char   line[256];

    while (file && fgets(line, sizeof line, file)) {
        (void)sscanf(line, "VmRSS: %ld", &out.resident_kb);
        (void)sscanf(line, "VmHWM: %ld", &out.peak_kb);
    }
    if (file) fclose(file);
    return out;
}

static void compare_samples(soak_world *world, sample before, sample half, sample end, sample after)
{
    long most_kb = half.resident_kb + half.resident_kb / 4 + GROWTH_KB_MAX;

    printf("resident: %ld KB at half time, %ld KB at the end, %ld KB at most; descriptors: %ld before, %ld "
           "at half time, %ld at the end, %ld behind it\n", half.resident_kb, end.resident_kb, after.peak_kb,
           before.descriptors, half.descriptors, end.descriptors, after.descriptors);
    if (end.resident_kb > most_kb) soak_complain(world, "memory has grown");
    if (after.descriptors > before.descriptors) soak_complain(world, "descriptors were left open");
}

/* ---- the run ---- */

static bool start_guests(soak_world *world, soak_guest *guests)
{
    for (int i = 0; i < SOAK_GUESTS; i++) {
        guests[i] = (soak_guest){ .world = world, .number = i, .streams = world->streams / SOAK_GUESTS };
        if (pthread_create(&guests[i].thread, NULL, soak_live, &guests[i]) != 0) return false;
    }
    return true;
}

static void watch(soak_judge *judge, long seconds, sample *half)
{
    time_t start = time(NULL), spoilt = 0;

    for (time_t now; (now = time(NULL)) - start < seconds;) {
        if (now - spoilt >= SPOIL_S) soak_judge_spoil(judge, RATE);
        if (now - spoilt >= SPOIL_S) spoilt = now;
        soak_judge_turn(judge);
        if (half->resident_kb == 0 && now - start >= seconds / 2) *half = take_sample();
        rest(TURN_MS);
    }
}

/* What is still under way ends by its limits. */
static void let_end(soak_world *world, soak_judge *judge, soak_guest *guests)
{
    uint64_t left = 1;

    atomic_store(&world->is_over, true);
    while (atomic_load(&world->under_way) > 0) {
        soak_judge_turn(judge);
        rest(TURN_MS);
    }
    for (int i = 0; i < SOAK_GUESTS; i++) pthread_join(guests[i].thread, NULL);
    soak_judge_spoil(judge, 0);
    for (int i = 0; i < SOAK_PLACES; i++) {
        do rest(TURN_MS);
        while (tst_witness_count(&world->places[i].witness, NULL, &left) && left > 0);
    }
}

static void run(soak_world *world, long seconds)
{
    soak_guest  guests[SOAK_GUESTS];
    sample      before = take_sample(), half = { 0 };
    soak_judge *judge = soak_judge_new(world);

    if (!judge || !start_guests(world, guests)) {
        soak_complain(world, "nothing can be started");
        return;
    }
    watch(judge, seconds, &half);
    sample end = take_sample();
    let_end(world, judge, guests);
    soak_judge_close(judge);
    compare_samples(world, before, half, end, take_sample());
    soak_judge_free(judge);
}

int main(int argc, char **argv)
{
    static soak_world world = { .lock = PTHREAD_MUTEX_INITIALIZER };

    if (argc < 6) return fprintf(stderr, "usage: soak SECONDS STREAMS CLEAR_URL SECURE_URL CA_FILE [SEED]\n"), 2;
    curl_global_init(CURL_GLOBAL_DEFAULT);
    world.streams = (size_t)strtoul(argv[2], NULL, 10);
    world.seed = argc > 6 ? strtoull(argv[6], NULL, 10) : (uint64_t)time(NULL);
    world.places[0].witness = (tst_witness){ argv[3], NULL };
    world.places[1].witness = (tst_witness){ argv[4], argv[5] };
    printf("seed %" PRIu64 ", %zu streams at once\n", world.seed, world.streams);
    for (int i = 0; i < SOAK_PLACES; i++) {
        if (!soak_learn(&world.places[i])) soak_complain(&world, "twin %d does not answer", i);
    }
    if (!atomic_load(&world.has_failed)) run(&world, strtol(argv[1], NULL, 10));
    for (int i = 0; i < SOAK_PLACES; i++) soak_forget(&world.places[i]);
    return atomic_load(&world.has_failed) ? 1 : 0;
}
