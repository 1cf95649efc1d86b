/* fates.h -- what becomes of an answer that pollux spoils, fault by fault: the table of the matrix and of the soak.
 * SPDX-License-Identifier: MIT
 *
 * At least one row for each fault, and beside them what chat completions and the legacy method make of it where that
 * differs; tests/test_matrix.c fails when pollux has one that the table lacks. For each way
 * that an answer can come a row says in which verdict it ends, how much of its text was told before, and how many
 * requests the server saw. It is all the same whether the events are pulled or told to a listener.
 */
#ifndef TST_FATES_H
#define TST_FATES_H

#include "sample.h"

enum { TST_ATTEMPTS_MAX = 3 }; /* that the clients of matrix and soak may make */

typedef enum tst_way {
    TST_STREAM_H1, /* a stream over HTTP/1.1 in the clear */
    TST_STREAM_H2, /* a stream over HTTP/2 and TLS */
    TST_WHOLE_H1,  /* castor_generate: one JSON object */
    TST_WHOLE_H2,
    TST_WAYS
} tst_way;

/*
 * The text is written by its pieces, as the events bring them: a digit is one of them, `*` all behind the one named
 * before. `#` is U+FFFD, `@` a NUL, `x` any number of x, `~` what the fault "separators" puts in. The text of a
 * whole answer is one piece. At the end may stand:
 *
 *     ?   or any beginning of that; TRUNCATED is then NETWORK when nothing has come
 *     !   or all, and COMPLETE
 *     .   or nothing, and EMPTY
 *     ^   or the same, and MALFORMED
 */
typedef struct tst_ending {
    castor_verdict verdict; /* NONE: as in the column to the left */
    const char    *text;
    int            requests; /* of at most TST_ATTEMPTS_MAX */
} tst_ending;

typedef struct tst_fate {
    const char *fault;         /* as pollux writes it, with all its defaults */
    tst_ending  ends[TST_WAYS];
    const char *why;
} tst_fate;

extern const tst_fate tst_fates[];
extern const size_t   tst_fate_count;

/* How such an answer ends in a dialect, with "as in the column to the left" looked up. The table is that of `gemini`;
 * beside it stands where the others differ. */
const tst_ending *tst_fate_ending(const tst_fate *fate, castor_dialect dialect, tst_way way);

/* A row of another dialect that the table does not have, and that nobody would ever see; NULL: there is none. */
const char *tst_fate_orphan(void);

/* What an answer came to. */
typedef struct tst_came {
    castor_verdict    verdict;
    castor_str        text;
    const tst_sample *sample; /* of an answer that nobody spoilt */
} tst_came;

/* Of the text without what stands at its end. */
size_t tst_ending_text_len(const tst_ending *ending);

bool tst_ending_has_text(const tst_ending *ending, const tst_came *came);
bool tst_ending_has_verdict(const tst_ending *ending, const tst_came *came);

#endif
