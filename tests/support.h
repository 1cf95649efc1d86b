/* support.h -- what the tests share: memory that fails on request, cuts, whole runs of a decoder, events as text.
 * SPDX-License-Identifier: MIT
 */
#ifndef TST_SUPPORT_H
#define TST_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base.h"

/* ---- memory ---- */

/* Counts what lives, and fails on request. A block always moves when it grows, so that a stale view is caught. */
typedef struct tst_memory {
    size_t live_bytes;
    size_t live_blocks;
    size_t peak_bytes;
    long   asked;          /* allocations so far, the failed one too */
    long   fail_at;        /* the allocation that fails, from 1; 0: none does */
    bool   stays_empty;    /* and all that follow it fail too */
    bool   did_fail;
    bool   has_lied;       /* a caller gave a wrong old_size */
} tst_memory;

castor_allocator tst_allocator(tst_memory *memory);

/* ---- randomness, repeatable ---- */

uint64_t tst_seed(void);                                  /* CASTOR_SEED, or the time; printed once */
uint64_t tst_random(uint64_t *state);
size_t   tst_random_below(uint64_t *state, size_t limit); /* from 0 */

/* ---- what a test may leave behind: nothing ---- */

/* What this process has: descriptors, threads, and memory that tests count. */
typedef struct tst_stock {
    int  descriptors;
    int  threads;
    long blocks;
} tst_stock;

tst_stock tst_take_stock(void);

/* Fails the test if there is more than was. Threads that nobody can wait for (libcurl's resolver, connections of a
 * server) are given a while. */
void tst_check_stock(const tst_stock *before);

/* ---- files and texts ---- */

castor_str tst_read_file(const char *path);          /* NUL-terminated, to be freed; absent: no such file */
castor_str tst_repeat(const char *text, size_t count); /* to be freed */

/* The same bytes, wherever they lie. NULL: not in there. */
const char *tst_find(castor_str haystack, castor_str needle);

/* ---- cutting a body into pieces ---- */

typedef enum tst_cut_kind {
    TST_WHOLE,
    TST_BYTES,  /* one at a time */
    TST_ONCE,   /* in two, at `value` */
    TST_EVERY,  /* pieces of `value` bytes */
    TST_RANDOM, /* by the seed `value` */
    TST_SIZES   /* as `sizes` has them, then the rest */
} tst_cut_kind;

typedef struct tst_cuts {
    tst_cut_kind  kind;
    uint64_t      value;
    const size_t *sizes;
    size_t        size_count;
} tst_cuts;

/* The length of the next piece: `at` bytes are gone, `left` are left (at least 1). */
size_t tst_cuts_next(tst_cuts *cuts, size_t at, size_t left);
void   tst_cuts_describe(const tst_cuts *cuts, char out[64]);

/* ---- a whole run of a decoder ---- */

typedef struct tst_body {
    castor_str     bytes;
    castor_dialect dialect;
    const char    *content_type;
    int32_t        http_status;
    size_t         event_bytes_max;
    castor_end     end;
    bool           is_unpredicted; /* each record is read in full, whatever came before */
} tst_body;

typedef struct tst_outcome {
    cst_buf        events;   /* a line each, as docs/wire-cases.md writes them */
    cst_buf        text;     /* of candidate 0 */
    cst_buf        thoughts; /* of candidate 0 */
    size_t         event_count;
    size_t         content_count; /* of these, what there is to show */
    size_t         call_count;
    size_t         media_count; /* with data */
    uint64_t       sum;      /* over raw JSON and records, which the lines do not show */
    castor_verdict verdict;
    castor_error   error;    /* zeroed for COMPLETE */
    castor_usage   usage;
    castor_dialect dialect;
    char           finish[80];
    char           block[80];
    char           complaint[200]; /* what broke the decoder's own promises; empty: nothing */
} tst_outcome;

/* Feeds each piece from memory of exactly its size, spoils that memory, takes all events, and ends the body. Free the
 * outcome. Checks in passing what must hold for every input; see tst_outcome.complaint. */
void tst_run(const tst_body *body, tst_cuts cuts, tst_outcome *out);
void tst_outcome_free(tst_outcome *outcome);

/* The next line, without its line end, taken off the front of `text`. */
castor_str tst_take_line(castor_str *text);

/* Whether two runs came to the same, event for event and in the end. */
bool tst_is_same(const tst_outcome *a, const tst_outcome *b);

/* Prints both to stderr, with the first line that differs marked. */
void tst_show_difference(castor_str expected, castor_str actual);

/* ---- events as text ---- */

void tst_print_string(cst_buf *out, castor_str text); /* as a JSON string; what cannot be seen is escaped */
void tst_print_event(cst_buf *out, const castor_event *event, const castor_usage *usage);
void tst_print_usage(cst_buf *out, const castor_usage *usage);

bool tst_is_utf8(castor_str text);

#endif
