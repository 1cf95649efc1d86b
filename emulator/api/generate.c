/* generate.c -- the methods that answer a prompt, in each of the dialects.
 * SPDX-License-Identifier: MIT
 *
 * The body is read, the answer composed, and the body forgotten: what an answer under way keeps is little.
 */
#include "api/ask_upstream.h"
#include "api/asking.h"
#include "api/deadline.h"
#include "api/handlers.h"
#include "api/quota.h"
#include "api/spoil.h"
#include "api/stats.h"
#include "generate/play.h"
#include "generate/wishes.h"

static void go_on(plx_exchange *e)
{
    plx_play_go_on(e->state);
}

static void on_gone(plx_exchange *e)
{
    plx_play_free(e->state);
}

/* The body and what was read from it; the answer does not need them. */
static void forget(plx_exchange *e, plx_asking *asking)
{
    plx_asking_end(asking);
    plx_exchange_forget_body(e);
}

static void refuse(plx_exchange *e, castor_status status)
{
    plx_refusal refusal = { .code = 0 };

    plx_asking_refuse_answer(status, &refusal);
    plx_exchange_refuse(e, &refusal);
}

static void play_answer(plx_exchange *e, plx_play *play, plx_asking *asking, const plx_case *source,
                        const plx_encoding *encoding)
{
    plx_answerer  answerer = plx_world_answerer(e->world);
    plx_answer   *answer = cst_arena_alloc(&e->arena, sizeof *answer); /* bytes of a script do without it */
    plx_lane     *lanes = NULL;
    castor_status status = CASTOR_NO_MEMORY;

    if (answer) {
        *answer = (plx_answer){ .candidate_count = 0 };
        status = plx_answer_compose(answer, &asking->ask, source, &answerer, &e->arena);
    }
    forget(e, asking);
    if (status == CASTOR_OK) {
        lanes = cst_arena_alloc(&e->arena, plx_answer_lanes(answer) * sizeof *lanes);
        if (!lanes) status = CASTOR_NO_MEMORY;
    }
    if (status != CASTOR_OK) {
        refuse(e, status);
        return;
    }
    if (!plx_deadline_keep(e, answer, lanes, encoding)) return;
    plx_stats_add_answer(e->world->stats, answer);
    plx_play_answer(play, e->reply, answer, lanes, encoding, source);
}

/* A prompt that wishes something of pollux itself gets that; else a script is looked for, and else the upstream is
 * asked. `print`: the body in the words of an upstream; NULL: there are none for it. */
static void play(plx_exchange *e, plx_asking *asking, const plx_encoding *encoding, plx_chat_print_fn *print)
{
    plx_world      *world = e->world;
    bool            is_wish = plx_wishes_read(asking->ask.prompt).are_there;
    const plx_case *source = is_wish ? NULL : plx_catalogue_find(world->catalogue, asking->ask.prompt);
    plx_play       *under_way = cst_arena_alloc(&e->arena, sizeof *under_way);
    plx_refusal     refusal = { .code = 0 };

    if (plx_spoil_answer(e, source ? source->fault : CST_NONE)) {
        plx_asking_end(asking);
        return;
    }
    if (!under_way) plx_refuse_memory(&refusal);
    else plx_quota_take(world, e->key, asking->ask.model, plx_token_total(&asking->ask.prompt_tokens), &refusal);
    if (!under_way || refusal.code) {
        plx_exchange_refuse(e, &refusal);
        plx_asking_end(asking);
        return;
    }
    if (!source && !is_wish && world->upstream && print) {
        plx_ask_upstream(e, &asking->ask, e->json, print, encoding, NULL);
        plx_asking_end(asking);
        return;
    }
    *under_way = (plx_play){ .reply = NULL };
    e->state = under_way;
    e->on_timer = go_on;
    e->on_gone = on_gone;
    if (!source || source->is_answer) {
        play_answer(e, under_way, asking, source, encoding);
        return;
    }
    forget(e, asking);
    plx_play_bytes(under_way, e->reply, source, plx_pace_first_us(&world->pace, &world->chance));
}

static bool wants_events(const plx_exchange *e)
{
    return cst_str_is(plx_exchange_query(e, "alt"), "sse");
}

void plx_answer_generate(plx_exchange *e)
{
    static const plx_asking_way way = { .read = plx_ask_read_gemini, .method = "generateContent", .is_whole = true };
    plx_asking                  asking;

    if (!plx_asking_read(&asking, e, e->json, &way)) return;
    play(e, &asking, plx_exchange_is_line(e) ? &plx_gemini_line : &plx_gemini_whole, plx_chat_print_gemini);
}

void plx_answer_stream_generate(plx_exchange *e)
{
    static const plx_asking_way way = { .read = plx_ask_read_gemini, .method = "generateContent" };
    plx_asking                  asking;

    if (!plx_asking_read(&asking, e, e->json, &way)) return;
    play(e, &asking, wants_events(e) ? &plx_gemini_events : &plx_gemini_array, plx_chat_print_gemini);
}

void plx_answer_chat(plx_exchange *e)
{
    static const plx_asking_way way = { .read = plx_ask_read_openai, .method = "generateContent" };
    plx_asking                  asking;

    if (!plx_asking_read(&asking, e, e->json, &way)) return;
    play(e, &asking, asking.ask.wants_stream ? &plx_openai_events : &plx_openai_whole, plx_chat_print_openai);
}

void plx_answer_message(plx_exchange *e)
{
    static const plx_asking_way way = { .read = plx_ask_read_message, .method = "generateMessage" };
    plx_asking                  asking;

    if (!plx_asking_read(&asking, e, e->json, &way)) return;
    if (!asking.ask.wants_stream) play(e, &asking, &plx_message_whole, plx_chat_print_message);
    else play(e, &asking, wants_events(e) ? &plx_message_events : &plx_message_lines, plx_chat_print_message);
}

void plx_answer_text(plx_exchange *e)
{
    static const plx_asking_way way = { .read = plx_ask_read_text, .method = "generateText" };
    plx_asking                  asking;

    if (plx_asking_read(&asking, e, e->json, &way)) play(e, &asking, &plx_text_whole, NULL);
}
