/* history.h -- what pollux says it did, asked over its control paths: for programs that judge what their client saw.
 * SPDX-License-Identifier: MIT
 */
#ifndef TST_HISTORY_H
#define TST_HISTORY_H

#include "base.h"

/* A twin that runs somewhere. */
typedef struct tst_witness {
    const char *url;
    const char *ca_file; /* NULL: not over TLS */
} tst_witness;

/* One answer that was spoilt. */
typedef struct tst_spoilt {
    char fault[192];   /* empty: only its neighbour was */
    char model[64];
    bool is_bystander; /* its connection was closed for another answer's sake; with a fault: a second line of it */
} tst_spoilt;

typedef void tst_spoilt_fn(void *user, const tst_spoilt *one);

/* Calls `fn` for each answer that was spoilt after number `*since`, which is moved on. False: pollux did not tell, or
 * has forgotten some since then. */
bool tst_witness_history(const tst_witness *of, uint64_t *since, tst_spoilt_fn *fn, void *user);

/* A control call to /pollux/faults. */
bool tst_witness_arm(const tst_witness *of, const char *json);

/* How many requests have come, and how many are under way. Either may be NULL. */
bool tst_witness_count(const tst_witness *of, uint64_t *requests, uint64_t *under_way);

#endif
