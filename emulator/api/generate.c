/* generate.c -- the methods that answer a prompt, in each of the dialects, and the one that counts its tokens.
 * SPDX-License-Identifier: MIT
 */
#include "api/ask_upstream.h"
#include "api/handlers.h"
#include "api/caches.h"
#include "api/files.h"
#include "api/models.h"
#include "api/quota.h"
#include "api/spoil.h"
#include "api/stats.h"
#include "generate/play.h"
#include "json_writer.h"

/* What is being answered. */
typedef struct generation {
    plx_ask    ask;
    plx_answer answer;
    plx_play   play;
} generation;

typedef bool read_fn(plx_ask *ask, const cst_json *body, castor_str model, cst_arena *arena, plx_refusal *refusal);

static void go_on(plx_exchange *e)
{
    generation *g = e->state;

    plx_play_go_on(&g->play);
}

static void on_gone(plx_exchange *e)
{
    generation *g = e->state;

    plx_play_free(&g->play);
}

/* NULL: it is refused already. */
static generation *read_ask(plx_exchange *e, const cst_json *body, const char *method, read_fn *read)
{
    generation      *g = cst_arena_alloc(&e->arena, sizeof *g);
    plx_refusal      refusal = { .code = 0 };
    const plx_model *model;

    if (!g) {
        plx_refuse_memory(&refusal);
        plx_exchange_refuse(e, &refusal);
        return NULL;
    }
    *g = (generation){ .ask = { .candidate_count = 1 } };
    if ((e->names[0].len == 0 || plx_model_for(e, e->names[0], method, &refusal)) &&
        read(&g->ask, body, e->names[0], &e->arena, &refusal) &&
        plx_files_check_use(e->world, plx_owner_of(e), body, &refusal) &&
        plx_caches_check_use(e->world, plx_owner_of(e), body, g->ask.model, &g->ask.cached_tokens, &refusal) &&
        (model = plx_model_for(e, g->ask.model, method, &refusal))) {
        g->ask.prompt_tokens += g->ask.cached_tokens;
        g->ask.model = plx_model_version(model, g->ask.model);
        return g;
    }
    plx_exchange_refuse(e, &refusal);
    return NULL;
}

/* `print`: the body in the words of an upstream. */
static void play(plx_exchange *e, generation *g, const plx_encoding *encoding, plx_chat_print_fn *print)
{
    plx_world      *world = e->world;
    const plx_case *source = plx_catalogue_find(world->catalogue, g->ask.prompt);
    plx_answerer    answerer = { world->pace, &world->chance, plx_world_now_us(world) / 1000000 };
    plx_refusal     refusal = { .code = 0 };

    if (plx_spoil_answer(e, source ? source->fault : CST_NONE)) return;
    if (!plx_quota_take(world, e->key, g->ask.model, g->ask.prompt_tokens, &refusal)) {
        plx_exchange_refuse(e, &refusal);
        return;
    }
    if (!source && world->upstream) {
        plx_ask_upstream(e, &g->ask, e->json, print, encoding);
        return;
    }
    e->state = g;
    e->on_timer = go_on;
    e->on_gone = on_gone;
    if (source && !source->is_answer) {
        plx_exchange_forget_body(e);
        plx_play_bytes(&g->play, e->reply, source, plx_pace_first_us(&world->pace, &world->chance));
    } else if (plx_answer_compose(&g->answer, &g->ask, source, &answerer, &e->arena) == CASTOR_OK) {
        plx_stats_add_answer(world->stats, &g->answer);
        plx_play_answer(&g->play, e->reply, &g->answer, encoding, source);
    } else {
        plx_refuse(&refusal, 500, "An internal error has occurred: the answer does not fit the emulator's limits.");
        plx_exchange_refuse(e, &refusal);
    }
}

static bool wants_events(const plx_exchange *e)
{
    return cst_str_is(plx_exchange_query(e, "alt"), "sse");
}

void plx_answer_generate(plx_exchange *e)
{
    generation *g = read_ask(e, e->json, "generateContent", plx_ask_read_gemini);

    if (g) play(e, g, &plx_gemini_whole, plx_chat_print_gemini);
}

void plx_answer_stream_generate(plx_exchange *e)
{
    generation *g = read_ask(e, e->json, "generateContent", plx_ask_read_gemini);

    if (g) play(e, g, wants_events(e) ? &plx_gemini_events : &plx_gemini_array, plx_chat_print_gemini);
}

void plx_answer_chat(plx_exchange *e)
{
    generation *g = read_ask(e, e->json, "generateContent", plx_ask_read_openai);

    if (g) play(e, g, g->ask.wants_stream ? &plx_openai_events : &plx_openai_whole, plx_chat_print_openai);
}

void plx_answer_message(plx_exchange *e)
{
    generation *g = read_ask(e, e->json, "generateMessage", plx_ask_read_message);

    if (!g) return;
    if (!g->ask.wants_stream) play(e, g, &plx_message_whole, plx_chat_print_message);
    else play(e, g, wants_events(e) ? &plx_message_events : &plx_message_lines, plx_chat_print_message);
}

static void send_count(plx_exchange *e, int64_t count)
{
    cst_buf         json;
    cst_json_writer w = cst_json_writer_to(&json);

    cst_buf_init(&json, cst_allocator_default(), PLX_SCHEMA_BYTES_MAX);
    cst_json_open_object(&w);
    cst_json_key(&w, "totalTokens");
    cst_json_put_integer(&w, count);
    cst_json_key(&w, "promptTokensDetails");
    cst_json_open_array(&w);
    cst_json_open_object(&w);
    cst_json_key(&w, "modality");
    cst_json_put_string(&w, CASTOR_STR("TEXT"));
    cst_json_key(&w, "tokenCount");
    cst_json_put_integer(&w, count);
    cst_json_close_object(&w);
    cst_json_close_array(&w);
    cst_json_close_object(&w);
    plx_exchange_send_json(e, &json, w.status);
    cst_buf_free(&json);
}

/* Either the request itself or one wrapped in another: both forms are in use. */
void plx_answer_count_tokens(plx_exchange *e)
{
    const cst_json *wrapped = plx_field_get(e->json, "generateContentRequest");
    generation     *g = read_ask(e, wrapped ? wrapped : e->json, "countTokens", plx_ask_read_gemini);

    if (g) send_count(e, (int64_t)g->ask.prompt_tokens);
}
