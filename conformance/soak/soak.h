/* soak.h -- hundreds of streams at once against twins that spoil their answers, each of which is then judged.
 * SPDX-License-Identifier: MIT
 *
 * Guests are threads, each with a client and a face of its own; what they saw goes to the judge, who asks the twins
 * what they did. A request is known by its model, whose name stands in its path.
 */
#ifndef SOAK_H
#define SOAK_H

#include <pthread.h>
#include <stdatomic.h>

#include "fates.h"
#include "history.h"

enum {
    SOAK_PLACES = 2,          /* a twin in the clear, and one over TLS */
    SOAK_PROMPTS = 3,         /* answers of a few pieces, of hundreds, and of a thousand */
    SOAK_GUESTS = 4,
    SOAK_BOOK_SIZE = 1 << 15, /* pages for requests that were spoilt; half of them is more than can be unjudged */
    SOAK_IDS_MAX = 1 << 27,   /* requests of one run: days of them */
    SOAK_SPOILT_MAX = 4,      /* attempts of one request that were spoilt */
    SOAK_STREAMS_MAX = 4096,  /* of one guest */
};

/* What comes when nobody spoils it. */
typedef struct soak_answer {
    const char *prompt;
    castor_str *pieces;
    size_t      piece_count;
    castor_str  whole;
} soak_answer;

typedef struct soak_place {
    tst_witness witness;
    soak_answer answers[SOAK_PROMPTS];
} soak_place;

/* What a guest saw of one answer. */
typedef struct soak_outcome {
    struct soak_outcome *next;
    uint64_t             id;
    int                  guest;
    int                  place;
    int                  prompt;
    bool                 is_whole;
    bool                 was_cancelled;
    bool                 was_left;  /* closed before its end: no verdict */
    int                  attempts;
    castor_verdict       verdict;
    bool                 is_transient;
    bool                 has_facts; /* response id and usage */
    cst_buf              text;
    char                 message[256];
} soak_outcome;

typedef struct soak_world {
    soak_place           places[SOAK_PLACES];
    uint64_t             seed;
    size_t               streams;    /* of all guests together */
    atomic_bool          is_over;    /* no new streams */
    atomic_bool          has_failed;
    atomic_uint_fast64_t next_id;
    atomic_uint_fast64_t wakeups;
    atomic_uint_fast64_t under_way;
    pthread_mutex_t      lock;
    soak_outcome        *ended;      /* by guests, not judged yet */
} soak_world;

/* Says what is wrong, and lets the run fail. */
void soak_complain(soak_world *world, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* ---- guests.c ---- */

/* Asks once for each answer, unspoilt. */
bool soak_learn(soak_place *place);
void soak_forget(soak_place *place);

typedef struct soak_guest {
    soak_world *world;
    int         number;
    size_t      streams;
    pthread_t   thread;
} soak_guest;

/* Lives until the world is over and its last stream has ended. */
void *soak_live(void *guest);

/* ---- judge.c ---- */

typedef struct soak_judge soak_judge;

soak_judge *soak_judge_new(soak_world *world); /* NULL: no memory */
void        soak_judge_free(soak_judge *judge);

/* Judges all that has ended so far. */
void soak_judge_turn(soak_judge *judge);

/* New faults, by another seed. */
void soak_judge_spoil(soak_judge *judge, double rate);

/* The counts of the twins against ours; prints the figures. When nothing is under way any more. */
void soak_judge_close(soak_judge *judge);

#endif
