/* sample.h -- what comes of a prompt when nobody spoils it: the measure of what comes when somebody does.
 * SPDX-License-Identifier: MIT
 */
#ifndef TST_SAMPLE_H
#define TST_SAMPLE_H

#include "base.h"

/* The texts of an answer, event by event; of a whole answer it is one. */
typedef struct tst_sample {
    castor_str *pieces;
    size_t      piece_count;
} tst_sample;

/* A request for one prompt; `turn` must live as long as it. */
castor_request tst_request_for(const char *prompt, const char *model, castor_dialect dialect, castor_turn *turn);

/* Reads a stream to its end. False: it was not COMPLETE, or there is no memory. What was read is to be freed in any
 * case; a sample that is all zero may be. */
bool tst_sample_read(tst_sample *sample, castor_stream *stream);
void tst_sample_free(tst_sample *sample);

#endif
