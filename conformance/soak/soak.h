/* soak.h -- hundreds of streams at once against twins that spoil their answers, each of which is then judged.
 * SPDX-License-Identifier: MIT
 *
 * Guests are threads, each with a client and a face of its own; what they saw goes to the judge, who asks the twins
 * what they did. A request is known by its model, whose name has its number.
 *
 *     asking.c   clients, requests, and what comes of them when nobody spoils it
 *     guests.c   who asks, and how they take it
 *     book.c     what the twins did, request by request
 *     rules.c    whether what came of an answer is right
 *     judge.c    lets the twins spoil, has each answer judged, and counts
 *     growth.c   whether memory stays as it is
 */
#ifndef SOAK_H
#define SOAK_H

#include <pthread.h>
#include <stdatomic.h>

#include "fates.h"
#include "history.h"

/* The twins. */
enum { SOAK_CLEAR, SOAK_SECURE, SOAK_SHARED /* over TLS, and its connections carry many streams */, SOAK_PLACES };

enum {
    SOAK_PROMPTS = 3,       /* answers of a few pieces, of hundreds, and of a thousand */
    SOAK_GUESTS = 6,
    SOAK_IDS_MAX = 1 << 27, /* requests of one run: days of them */
};

/* What a request is for. */
typedef enum soak_kind {
    SOAK_GEMINI,
    SOAK_CHAT,    /* chat completions */
    SOAK_MESSAGE, /* the legacy method */
    SOAK_LONG,    /* of a model whose long answers take several requests: hops */
    SOAK_KINDS
} soak_kind;

extern const castor_dialect soak_dialects[SOAK_KINDS];
extern const char *const    soak_kind_names[SOAK_KINDS];

typedef struct soak_place {
    const char *name;
    tst_witness witness;
    int64_t     connection_streams; /* that share one; 0: none does */
} soak_place;

/* What a guest saw of one answer. */
typedef struct soak_outcome {
    struct soak_outcome *next;
    uint64_t             id;
    int                  guest;
    int                  place;
    int                  prompt;
    soak_kind            kind;
    bool                 is_whole;
    bool                 was_cancelled;
    bool                 was_left;     /* closed before its end: no verdict */
    int                  attempts;     /* as its guest was told of them */
    int                  requests;     /* as the stream counts them: hops, too */
    int                  restarts_max; /* that its guest allows */
    castor_verdict       verdict;
    bool                 is_transient;
    bool                 has_id;
    bool                 has_usage;
    cst_buf              text;
    char                 message[256];
} soak_outcome;

typedef struct soak_world {
    soak_place           places[SOAK_PLACES];
    tst_sample           samples[SOAK_KINDS][SOAK_PROMPTS][2]; /* of what nobody spoils: streams, and whole answers */
    uint64_t             seed;
    long                 seconds;
    size_t               streams;    /* of all guests together */
    atomic_bool          is_over;    /* no new streams */
    atomic_bool          has_failed;
    atomic_uint_fast64_t complaints;
    atomic_uint_fast64_t next_id;
    atomic_uint_fast64_t under_way;
    pthread_mutex_t      lock;
    soak_outcome        *ended;      /* by guests, not judged yet */
} soak_world;

/* Says what is wrong, and lets the run fail. */
void soak_complain(soak_world *world, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* ---- asking.c ---- */

/* The settings of a client of that place; streams and retries are the caller's to add. */
castor_client_options soak_client_options(const soak_place *place);

/* A request; `model` and `turn` must live as long as it. */
enum { SOAK_MODEL_SIZE = 40 };
castor_request soak_request_for(uint64_t id, soak_kind kind, int prompt, char model[SOAK_MODEL_SIZE],
                                castor_turn *turn);

/* The number in a model's name; 0: it has none. */
uint64_t soak_id_of(castor_str model);

/* Asks once for each answer, unspoilt. False: some did not come. */
bool soak_learn(soak_world *world);
void soak_forget(soak_world *world);

/* ---- guests.c ---- */

typedef struct soak_guest {
    soak_world *world;
    int         number;
    size_t      streams;
    pthread_t   thread;
} soak_guest;

const char *soak_guest_name(int number);

/* Lives until the world is over and its last stream has ended. */
void *soak_live(void *guest);

/* ---- judge.c ---- */

typedef struct soak_judge soak_judge;

soak_judge *soak_judge_new(soak_world *world); /* NULL: no memory */
void        soak_judge_free(soak_judge *judge);

/* Judges all that has ended so far; tells how many that were, from the beginning. */
uint64_t soak_judge_turn(soak_judge *judge);

/* New faults, by another seed. */
void soak_judge_spoil(soak_judge *judge, double rate);

/* The counts of the twins against ours; prints the figures. When nothing is under way any more. */
void soak_judge_close(soak_judge *judge);

#endif
