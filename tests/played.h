/* played.h -- what was told while a scene was played, and whether that is right when something failed meanwhile.
 * SPDX-License-Identifier: MIT
 */
#ifndef TST_PLAYED_H
#define TST_PLAYED_H

#include "support.h"

enum { TST_TOLD_MAX = 24 };

/* What became of one stream, or of a call that is none. */
typedef struct tst_told {
    cst_buf        lines; /* its events, a line each; what had to be discarded is not there */
    castor_error   error; /* status OK: none */
    castor_verdict verdict;
} tst_told;

typedef struct tst_played {
    tst_told       told[TST_TOLD_MAX];
    size_t         count;
    castor_stream *left_open; /* to be closed when the client is gone */
    bool           may_be_late; /* the limits that are near may strike: see stage.h */
} tst_played;

tst_told *tst_told_begin(tst_played *out);
void      tst_told_event(tst_told *told, const castor_event *event);
void      tst_told_end(tst_told *told, const castor_stream *stream); /* in whatever state it is */

/* What is wrong with `got`, of a run in which something failed; NULL: nothing. Each stream is as in `whole`, or it is
 * told in a sentence that it failed, and its events are those that came first. */
const char *tst_played_judge(const tst_played *whole, const tst_played *got);

bool tst_played_is_good(const tst_played *whole, int32_t verdict); /* of a run in which nothing fails */
bool tst_played_is_same(const tst_played *a, const tst_played *b);

/* The status of the first that did not fare as in `whole`. */
castor_status tst_played_status(const tst_played *whole, const tst_played *got);

void tst_played_show(const tst_played *played);
void tst_played_free(tst_played *played);

#endif
