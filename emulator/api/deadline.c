/* deadline.c -- how long a client lets an answer take: the header X-Server-Timeout.
 * SPDX-License-Identifier: MIT
 *
 * Google's clients send their own time limit, in whole seconds, and the service gives up when it has passed: with 504,
 * or, in a stream that has begun, with the same error as its last event.
 */
#include "api/deadline.h"

#include "upstream/failure.h"

/* In microseconds; 0: none, or none that is a number of seconds. */
static uint64_t read_timeout(const plx_exchange *e)
{
    enum { DIGITS_MAX = 7 };
    castor_str text = cst_str_trim(plx_head_get(e->head, "x-server-timeout"));
    uint64_t   seconds = 0;

    if (text.len > DIGITS_MAX) return 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') return 0;
        seconds = seconds * 10 + (uint64_t)(text.data[i] - '0');
    }
    return seconds * 1000000;
}

static bool refuse(plx_refusal *refusal)
{
    return plx_refuse(refusal, 504, "Deadline expired before operation could complete.");
}

static void give_up(plx_exchange *e)
{
    plx_refusal refusal = { .code = 0 };

    refuse(&refusal);
    plx_exchange_refuse(e, &refusal);
}

/* Without memory for last words it takes as long as it takes. */
static void keep_last_words(plx_exchange *e, plx_answer *answer, const plx_encoding *encoding, uint64_t until_us)
{
    plx_refusal refusal = { .code = 0 };
    cst_buf     words;

    refuse(&refusal);
    cst_buf_init(&words, cst_allocator_default(), PLX_EVENT_BYTES_MAX);
    castor_status status = plx_failure_print(&refusal, encoding, true, &words);
    if (status == CASTOR_OK) status = cst_arena_copy(&e->arena, cst_buf_view(&words), &answer->last_words);
    if (status == CASTOR_OK) answer->until_us = until_us;
    cst_buf_free(&words);
}

/* When the answer's first byte is due, after the request. */
static uint64_t find_first(const plx_answer *answer, plx_lane *lanes, const plx_encoding *encoding)
{
    uint64_t   due_us = answer->first_us;
    plx_cursor cursor;

    if (!encoding->print_piece) return plx_answer_last(answer).due_us;
    plx_cursor_begin(&cursor, answer, lanes);
    plx_cursor_due(&cursor, &due_us);
    return due_us;
}

bool plx_deadline_keep(plx_exchange *e, plx_answer *answer, plx_lane *lanes, const plx_encoding *encoding)
{
    uint64_t until_us = read_timeout(e);

    if (until_us == 0) return true;
    if (find_first(answer, lanes, encoding) > until_us) {
        e->on_timer = give_up;
        plx_reply_wake_at(e->reply, e->reply->asked_at_us + until_us);
        return false;
    }
    if (encoding->print_piece) keep_last_words(e, answer, encoding, until_us);
    return true;
}
