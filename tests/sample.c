/* sample.c -- what comes of a prompt when nobody spoils it.
 * SPDX-License-Identifier: MIT
 */
#include "sample.h"

#include <stdlib.h>

castor_request tst_request_for(const char *prompt, const char *model, castor_dialect dialect, castor_turn *turn)
{
    castor_request request = CASTOR_REQUEST_INIT;

    *turn = (castor_turn){ .role = CASTOR_USER, .text = castor_str_of(prompt) };
    request.dialect = dialect;
    request.model = model;
    request.turns = turn;
    request.turn_count = 1;
    return request;
}

static castor_str copy(castor_str text)
{
    char *bytes = malloc(text.len + 1);

    if (!bytes) return CST_NONE;
    if (text.len > 0) memcpy(bytes, text.data, text.len);
    return (castor_str){ bytes, text.len };
}

static bool add_piece(tst_sample *sample, castor_str piece)
{
    castor_str *more = realloc(sample->pieces, (sample->piece_count + 1) * sizeof *more);

    if (!more) return false;
    sample->pieces = more;
    more[sample->piece_count] = copy(piece);
    return more[sample->piece_count++].data != NULL;
}

bool tst_sample_read(tst_sample *sample, castor_stream *stream)
{
    castor_event event;
    bool         is_good = true;

    while (is_good && castor_stream_next(stream, &event, NULL) == CASTOR_STEP_EVENT) {
        if (event.type == CASTOR_EVENT_TEXT) is_good = add_piece(sample, event.text);
    }
    return is_good && castor_stream_verdict(stream) == CASTOR_VERDICT_COMPLETE;
}

void tst_sample_free(tst_sample *sample)
{
    for (size_t i = 0; i < sample->piece_count; i++) free((void *)(uintptr_t)sample->pieces[i].data);
    free(sample->pieces);
}
