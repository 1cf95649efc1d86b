/* encode_interaction_live.c -- an interaction as events while somebody else is still saying its answer.
 * SPDX-License-Identifier: MIT
 */
#include "generate/encode_interaction.h"

static castor_status begin(plx_interaction_teller *t, const plx_answer *answer)
{
    t->tape = plx_course_begin(t->course, answer, &t->names, t->arena);
    return t->tape ? CASTOR_OK : CASTOR_NO_MEMORY;
}

static castor_status take(plx_interaction_teller *t, const plx_answer *answer, const plx_piece *piece)
{
    plx_course_tape *tape = t->tape;

    if (!piece->is_last) return plx_course_say(tape, piece);
    t->tape = NULL;
    return plx_course_end(tape, answer, piece);
}

/* What has happened since the last time. */
static castor_status tell(plx_interaction_teller *t, cst_buf *out)
{
    castor_status status = CASTOR_OK;

    while (t->told_count < t->course->event_count && status == CASTOR_OK) {
        status = plx_interaction_print_event(t->course, t->told_count++, out);
    }
    return status;
}

static castor_status print_piece(const plx_answer *answer, const plx_piece *piece, cst_buf *out)
{
    plx_interaction_teller *t = answer->teller;
    plx_piece               now = *piece;
    castor_status           status = t->tape ? CASTOR_OK : begin(t, answer);

    now.due_us = t->elapsed_us(t->user);
    if (status == CASTOR_OK) status = take(t, answer, &now);
    if (status == CASTOR_OK) status = tell(t, out);
    if (status == CASTOR_OK && piece->is_last) t->on_end(t->user);
    return status;
}

const plx_encoding plx_interaction_events = { .content_type = "text/event-stream", .print_piece = print_piece };

void plx_interaction_teller_free(plx_interaction_teller *t)
{
    if (t->tape) plx_course_drop(t->tape);
    t->tape = NULL;
}
