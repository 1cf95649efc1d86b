/* soak.c -- starts the guests, lets the judge look at what they see, and watches memory and descriptors.
 * SPDX-License-Identifier: MIT
 *
 *     soak SECONDS STREAMS CLEAR_URL SECURE_URL SHARED_URL CA_FILE SHARED_CA_FILE [SEED]
 *
 * Ends with 0 when every answer came to what the twins say they did, and nothing grew.
 */
#include "soak.h"

#include <curl/curl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "growth.h"

enum {
    TURN_MS = 200,
    SPOIL_S = 5,            /* how often the twins get new faults */
    COMPLAINTS_MAX = 20,
    SHARING_STREAMS = 8,    /* a connection */
};

#define RATE 0.4

static void rest(long ms)
{
    nanosleep(&(struct timespec){ ms / 1000, ms % 1000 * 1000000 }, NULL);
}

void soak_complain(soak_world *world, const char *format, ...)
{
    va_list arguments;

    atomic_store(&world->has_failed, true);
    if (atomic_fetch_add(&world->complaints, 1) >= COMPLAINTS_MAX) return;
    va_start(arguments, format);
    flockfile(stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    funlockfile(stderr);
    va_end(arguments);
}

/* ---- the run ---- */

/* What is seen of memory while it goes on. */
typedef struct watching {
    growth_sample samples[4];
    growth_mean   means[2];
} watching;

static bool start_guests(soak_world *world, soak_guest *guests)
{
    for (size_t i = 0; i < SOAK_GUESTS; i++) {
        guests[i] = (soak_guest){ .world = world, .number = (int)i,
                                  .streams = (world->streams + SOAK_GUESTS - 1 - i) / SOAK_GUESTS };
        if (pthread_create(&guests[i].thread, NULL, soak_live, &guests[i]) != 0) return false;
    }
    return true;
}

static void look(watching *seen, long quarter, uint64_t answers)
{
    growth_sample now = growth_take();

    if (quarter == 1 && seen->means[0].count == 0) seen->samples[1] = now;
    if (quarter == 1) growth_add(&seen->means[0], &now, answers);
    if (quarter == 3) growth_add(&seen->means[1], &now, answers);
    seen->samples[2] = now;
}

static void watch(const soak_world *world, soak_judge *judge, watching *seen)
{
    time_t start = time(NULL), spoilt = 0;

    for (time_t now; (now = time(NULL)) - start < world->seconds;) {
        if (now - spoilt >= SPOIL_S) {
            soak_judge_spoil(judge, RATE);
            spoilt = now;
        }
        look(seen, (now - start) * 4 / world->seconds, soak_judge_turn(judge));
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

static void run(soak_world *world)
{
    soak_guest  guests[SOAK_GUESTS];
    watching    seen = { .samples = { growth_take() } };
    soak_judge *judge = soak_judge_new(world);

    if (!judge || !start_guests(world, guests)) {
        soak_complain(world, "nothing can be started");
        return;
    }
    watch(world, judge, &seen);
    let_end(world, judge, guests);
    seen.samples[3] = growth_take();
    growth_compare(world, seen.samples, seen.means);
    soak_judge_close(judge);
    soak_judge_free(judge);
}

int main(int argc, char **argv)
{
    static soak_world world = { .lock = PTHREAD_MUTEX_INITIALIZER };

    if (argc < 8) {
        fprintf(stderr, "usage: soak SECONDS STREAMS CLEAR_URL SECURE_URL SHARED_URL CA_FILE SHARED_CA_FILE [SEED]\n");
        return 2;
    }
    curl_global_init(CURL_GLOBAL_DEFAULT);
    world.seconds = strtol(argv[1], NULL, 10);
    world.streams = (size_t)strtoul(argv[2], NULL, 10);
    world.seed = argc > 8 ? strtoull(argv[8], NULL, 10) : (uint64_t)time(NULL);
    world.places[SOAK_CLEAR] = (soak_place){ "in the clear", { argv[3], NULL }, 0 };
    world.places[SOAK_SECURE] = (soak_place){ "over TLS", { argv[4], argv[6] }, 0 };
    world.places[SOAK_SHARED] = (soak_place){ "with shared connections", { argv[5], argv[7] }, SHARING_STREAMS };
    printf("seed %" PRIu64 "\n", world.seed);
    if (soak_learn(&world)) run(&world);
    else soak_complain(&world, "the unspoilt answers could not be had");
    soak_forget(&world);
    return atomic_load(&world.has_failed) ? 1 : 0;
}
