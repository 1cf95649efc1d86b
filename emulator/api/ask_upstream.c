/* ask_upstream.c -- answers a prompt by what the upstream says to it.
 * SPDX-License-Identifier: MIT
 */
#include "api/ask_upstream.h"

#include "api/stats.h"
#include "upstream/relay.h"

typedef struct question {
    plx_relay          relay;
    plx_answer         answer;
    cst_buf            body; /* of the chat completion */
    plx_upstream_guest guest;
} question;

static void go_on(plx_exchange *e)
{
    question *q = e->state;

    plx_relay_go_on(&q->relay);
}

static void on_gone(plx_exchange *e)
{
    question *q = e->state;

    if (q->answer.told) plx_stats_add_answer(e->world->stats, &q->answer);
    plx_relay_free(&q->relay);
    cst_buf_free(&q->body);
    if (q->guest.on_gone) q->guest.on_gone(q->guest.teller);
}

static void take(void *user)
{
    plx_exchange *e = user;
    question     *q = e->state;

    e->on_timer = NULL; /* the relay has done its part */
    q->guest.take(e, q->guest.teller, &q->answer);
}

static void refuse(void *user, const plx_refusal *refusal)
{
    plx_exchange_refuse(user, refusal);
}

static bool begin(plx_exchange *e, question *q, const plx_ask *ask, const plx_encoding *encoding, plx_refusal *refusal)
{
    plx_relay_order order = { .upstream = e->world->upstream, .reply = e->reply, .answer = &q->answer,
                              .candidate_count = (uint32_t)ask->candidate_count,
                              .includes_thoughts = ask->includes_thoughts, .encoding = encoding,
                              .body = cst_buf_view(&q->body), .keep = &e->arena, .refuse = refuse,
                              .take = q->guest.take ? take : NULL, .user = e };

    e->state = q;
    e->on_timer = go_on;
    e->on_gone = on_gone;
    return plx_relay_begin(&q->relay, &order, refusal);
}

/* Before there is anything for on_gone. */
static void give_up(plx_exchange *e, const plx_upstream_guest *guest, const plx_refusal *refusal)
{
    if (guest && guest->on_gone) guest->on_gone(guest->teller);
    plx_exchange_refuse(e, refusal);
}

void plx_ask_upstream(plx_exchange *e, const plx_ask *ask, const cst_json *body, plx_chat_print_fn *print,
                      const plx_encoding *encoding, const plx_upstream_guest *guest)
{
    plx_world   *world = e->world;
    question    *q = cst_arena_alloc(&e->arena, sizeof *q);
    plx_answerer answerer = plx_world_answerer(world);
    castor_str   model = world->upstream->model ? castor_str_of(world->upstream->model) : ask->model;
    plx_refusal  refusal = { .code = 0 };

    if (!q || plx_answer_begin(&q->answer, ask, &answerer, &e->arena) != CASTOR_OK) {
        plx_refuse_memory(&refusal);
        give_up(e, guest, &refusal);
        return;
    }
    q->guest = guest ? *guest : (plx_upstream_guest){ .teller = NULL };
    q->answer.teller = q->guest.teller;
    cst_buf_init(&q->body, cst_allocator_default(), 2 * (size_t)PLX_BODY_BYTES_MAX); /* escapes make it longer */
    if (!print(&q->body, body, model, &refusal)) {
        cst_buf_free(&q->body);
        give_up(e, guest, &refusal);
    } else if (!begin(e, q, ask, encoding, &refusal)) {
        plx_exchange_refuse(e, &refusal);
    }
}
