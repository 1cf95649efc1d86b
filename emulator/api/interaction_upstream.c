/* interaction_upstream.c -- an interaction whose answer the upstream gives.
 * SPDX-License-Identifier: MIT
 */
#include "api/interaction_upstream.h"

#include "api/ask_upstream.h"
#include "api/interaction_follow.h"
#include "generate/encode_interaction.h"
#include "proto/coded_error.h"

/* While the upstream speaks. */
typedef struct passing {
    plx_interaction_teller teller; /* first: the answer knows it alone */
    plx_interaction_wish   wish;
    const plx_world       *world;
} passing;

static uint64_t elapsed_us(void *user)
{
    const passing *p = user;

    return plx_interaction_elapsed_us(p->wish.one, p->world);
}

static void keep(void *user)
{
    const passing *p = user;

    if (p->wish.is_stored) plx_interactions_keep(p->world->interactions, p->wish.one);
}

static void on_gone(void *teller)
{
    passing *p = teller;

    plx_interaction_teller_free(&p->teller);
    plx_interaction_release(p->wish.one);
}

/* All of it happens now. */
static castor_status record(const passing *p, const plx_answer *answer)
{
    plx_interaction *one = p->wish.one;
    plx_answer       now = *answer;
    plx_candidate    candidate = answer->candidates[0];
    plx_piece        told = *answer->told;

    now.pace = PLX_PACE_INSTANT;
    now.first_us = told.due_us = plx_interaction_elapsed_us(one, p->world);
    now.told = &told;
    candidate.thought_tokens = told.thought_tokens;
    now.candidates = &candidate;
    return plx_course_record(&one->course, &now, 1, &p->wish.names, now.first_us, &one->arena);
}

static void take(plx_exchange *e, void *teller, plx_answer *answer)
{
    passing          *p = teller;
    const plx_course *course = &p->wish.one->course;
    plx_refusal       refusal = { .code = 0 };

    if (record(p, answer) != CASTOR_OK) {
        plx_refuse_coded(&refusal, 503, NULL, "The emulator has no memory left for this request.");
        plx_exchange_refuse(e, &refusal);
        return;
    }
    keep(p);
    if (course->error) {
        plx_refuse_coded(&refusal, 400, course->error, "%.*s", CASTOR_ARG(course->error_message));
        plx_exchange_refuse(e, &refusal);
    } else {
        plx_interaction_send(e, p->wish.one, course->event_count, false, false);
    }
}

void plx_interaction_ask_upstream(plx_exchange *e, const plx_interaction_wish *wish, const plx_ask *ask,
                                  const cst_json *body)
{
    static const plx_encoding whole = { .content_type = "application/json" };
    passing                  *p = cst_arena_alloc(&e->arena, sizeof *p);
    plx_refusal               refusal = { .code = 0 };

    if (!p) {
        plx_interaction_release(wish->one);
        plx_refuse_memory(&refusal);
        plx_exchange_refuse(e, &refusal);
        return;
    }
    *p = (passing){ .wish = *wish, .world = e->world };
    p->teller = (plx_interaction_teller){ .course = &wish->one->course, .names = wish->names,
                                          .arena = &wish->one->arena, .elapsed_us = elapsed_us, .on_end = keep,
                                          .user = p };
    plx_upstream_guest guest = { .teller = &p->teller, .take = take, .on_gone = on_gone };
    plx_ask_upstream(e, ask, body, plx_chat_print_gemini, wish->is_streamed ? &plx_interaction_events : &whole, &guest);
}
