/* interactions.c -- interactions: create, get, cancel, delete.
 * SPDX-License-Identifier: MIT
 *
 * An interaction is answered as soon as it is created: its whole course is recorded, and only the telling takes time.
 * One in the background therefore needs nobody who waits for it.
 */
#include "api/asking.h"
#include "api/handlers.h"
#include "api/interaction_follow.h"
#include "api/interaction_upstream.h"
#include "api/models.h"
#include "api/quota.h"
#include "api/spoil.h"
#include "api/stats.h"
#include "generate/encode_interaction.h"
#include "generate/opaque.h"
#include "generate/play.h"
#include "generate/research.h"
#include "generate/translate_interaction.h"
#include "generate/wishes.h"
#include "proto/coded_error.h"

/* What agents answer with. */
static const char agent_model[] = "gemini-3.8-flash";

/* All that is needed while one is created. */
typedef struct creation {
    plx_interaction_ask wanted;
    const plx_model    *model;        /* the one that answers */
    plx_interaction    *previous;     /* a reference, or NULL */
    plx_translation     translation;
    cst_json_doc        document;     /* of the translation's body */
    plx_ask             ask;
    plx_answer          answers[PLX_INTERACTION_HOPS_MAX]; /* one, but for a long answer in the background */
    size_t              answer_count;
    cst_arena           arena;        /* of the ask and the answers */
    plx_interaction    *one;
    plx_course_names    names;        /* in its arena */
    plx_refusal        *refusal;
} creation;

static bool refuse_memory(creation *c)
{
    return plx_refuse_coded(c->refusal, 503, NULL, "The emulator has no memory left for this request.");
}

static plx_interaction *find(plx_exchange *e, castor_str id)
{
    return plx_interactions_find(e->world->interactions, plx_owner_of(e), id, plx_world_now_us(e->world));
}

/* ---- what is asked ---- */

static bool find_previous(creation *c, plx_exchange *e)
{
    castor_str id = c->wanted.previous_id;

    if (!id.data) return true;
    c->previous = find(e, id);
    if (!c->previous) {
        return plx_refuse_coded(c->refusal, 404, NULL, "Interaction '%.*s' was not found.",
                                (int)(id.len < 100 ? id.len : 100), id.data);
    }
    if (plx_interaction_elapsed_us(c->previous, e->world) >= plx_course_length_us(&c->previous->course)) return true;
    return plx_refuse_coded(c->refusal, 400, "failed_precondition",
                            "Interaction '%.*s' is still in progress; it can be continued when it has ended.",
                            CASTOR_ARG(id));
}

static bool translate(creation *c, plx_exchange *e)
{
    cst_json_cursor  body = cst_json_cursor_at_root(&e->document, cst_buf_view(&e->body));
    plx_conversation before = { .contents = CST_NONE };

    if (c->previous) before = (plx_conversation){ c->previous->contents, c->previous->begun, &c->previous->course };
    if (!plx_interaction_translate(&c->translation, &c->wanted, c->model, body, &before, c->refusal)) return false;
    switch (cst_json_read(&c->document, cst_buf_view(&c->translation.body), NULL, NULL)) {
    case CASTOR_OK: return true;
    case CASTOR_NO_MEMORY: return refuse_memory(c);
    default: return plx_refuse_coded(c->refusal, 400, NULL, "The input is nested too deeply.");
    }
}

static castor_str model_name(const creation *c)
{
    return c->wanted.model.data ? plx_model_bare_name(c->wanted.model) : castor_str_of(agent_model);
}

static bool find_model(creation *c, plx_exchange *e)
{
    c->model = plx_model_for(e, model_name(c), "generateContent", c->refusal);
    if (c->refusal->code == 404) c->refusal->symbol = "model_not_found";
    return c->model != NULL;
}

/* The client is one of Google's, or as good as: what one request brings is not cut to half. */
static bool read_translation(creation *c, plx_exchange *e)
{
    plx_terms       terms = { .model = model_name(c), .facts = c->model, .arena = &c->arena,
                              .hop_tokens_max = e->world->manner.decode_cap };
    const cst_json *body = cst_json_root(&c->document);

    if (!plx_ask_read_gemini(&c->ask, body, &terms, c->refusal) ||
        !plx_asking_add_references(&c->ask, e->world, plx_owner_of(e), body, c->refusal)) {
        return false;
    }
    c->ask.model = plx_model_version(c->model, c->ask.model);
    return true;
}

static bool read_ask(creation *c, plx_exchange *e)
{
    return plx_interaction_ask_read(&c->wanted, e->json, e->version, c->refusal) && find_model(c, e) &&
           find_previous(c, e) && translate(c, e) && read_translation(c, e);
}

/* ---- what is answered ---- */

/* In the background the service goes on with a long answer by itself. */
static bool goes_on(creation *c)
{
    const plx_answer *last = &c->answers[c->answer_count - 1];

    if (!c->wanted.is_background || last->block_reason || c->answer_count == PLX_INTERACTION_HOPS_MAX) return false;
    c->ask.continuation_token = last->candidates[0].continuation_token;
    return strcmp(last->candidates[0].finish, "CONTINUATION") == 0;
}

static bool compose(creation *c, plx_exchange *e, const plx_case *source)
{
    plx_answerer  answerer = plx_world_answerer(e->world);
    castor_status status;

    do {
        plx_answer *one = &c->answers[c->answer_count++];
        status = plx_answer_compose(one, &c->ask, source, &answerer, &c->arena);
        if (status == CASTOR_OK) plx_stats_add_answer(e->world->stats, one);
    } while (status == CASTOR_OK && goes_on(c));
    if (status == CASTOR_OK) return true;
    return plx_asking_refuse_answer(status, c->refusal);
}

static castor_status copy_all(creation *c, plx_interaction *one)
{
    const struct {
        castor_str  from;
        castor_str *to;
    } copies[] = {
        { c->wanted.model.data ? model_name(c) : CST_NONE, &one->course.model },
        { c->wanted.agent, &one->course.agent },
        { c->wanted.service_tier, &one->course.service_tier },
        { c->wanted.previous_id, &one->previous_id },
        { cst_buf_view(&c->translation.contents), &one->contents },
        { cst_buf_view(&c->translation.begun), &one->begun },
        { cst_buf_view(&c->translation.input_steps), &one->input_steps },
    };
    castor_status status = CASTOR_OK;

    for (size_t i = 0; i < sizeof copies / sizeof copies[0] && status == CASTOR_OK; i++) {
        if (copies[i].from.data) status = cst_arena_copy(&one->arena, copies[i].from, copies[i].to);
    }
    return status;
}

/* What the answers do not bring themselves. */
static castor_status make_names(plx_course_names *names, plx_exchange *e, cst_arena *arena)
{
    plx_chance   *chance = &e->world->chance;
    uint64_t      numbers[PLX_OPAQUE_NUMBERS];
    char          signature[PLX_OPAQUE_LEN + 1];
    char          call_ids[] = "--------";
    castor_status status;

    for (size_t i = 0; i < PLX_OPAQUE_NUMBERS; i++) numbers[i] = plx_chance_next(chance);
    for (size_t i = 0; call_ids[i]; i++) call_ids[i] = (char)('a' + plx_chance_next(chance) % 26);
    plx_opaque_print(signature, PLX_OPAQUE_SIGNATURE, numbers);
    status = cst_arena_copy(arena, (castor_str){ signature, PLX_OPAQUE_LEN }, &names->signature);
    return status == CASTOR_OK ? cst_arena_copy(arena, castor_str_of(call_ids), &names->call_ids) : status;
}

/* All of it but its course. */
static bool prepare(creation *c, plx_exchange *e)
{
    plx_interaction *one = plx_interaction_new(c->wanted.is_stored, &e->world->chance);

    if (!one) return refuse_memory(c);
    c->one = one;
    one->owner = plx_owner_of(e);
    one->course.started_us = plx_world_now_us(e->world);
    one->course.has_event_ids = c->wanted.is_stored;
    one->course.is_background = c->wanted.is_background;
    if (copy_all(c, one) == CASTOR_OK && make_names(&c->names, e, &one->arena) == CASTOR_OK) return true;
    return refuse_memory(c);
}

static bool record(creation *c, plx_exchange *e)
{
    if (!prepare(c, e)) return false;
    uint64_t refused_us = plx_pace_first_us(&e->world->pace, &e->world->chance);
    if (plx_course_record(&c->one->course, c->answers, c->answer_count, &c->names, refused_us, &c->one->arena) !=
        CASTOR_OK) {
        return refuse_memory(c);
    }
    /* What the filter refuses at once is never kept, unless its id has been told as that of a background run. */
    if (c->wanted.is_stored && (!c->one->course.is_refused || c->one->course.is_background)) {
        plx_interactions_keep(e->world->interactions, c->one);
    }
    return true;
}

/* ---- create ---- */

static void go_on_playing(plx_exchange *e) { plx_play_go_on(e->state); }
static void on_play_gone(plx_exchange *e) { plx_play_free(e->state); }

/* A case of bytes is played as it stands, whatever was asked for. */
static void play_bytes(plx_exchange *e, const plx_case *source)
{
    plx_play   *play = cst_arena_alloc(&e->arena, sizeof *play);
    plx_refusal refusal = { .code = 0 };

    if (!play) {
        plx_refuse_memory(&refusal);
        plx_exchange_refuse(e, &refusal);
        return;
    }
    e->state = play;
    e->on_timer = go_on_playing;
    e->on_gone = on_play_gone;
    plx_play_bytes(play, e->reply, source, plx_pace_first_us(&e->world->pace, &e->world->chance));
}

/* The interaction itself, or its first state. Takes the creation's reference. */
static void tell(creation *c, plx_exchange *e, const plx_case *source)
{
    plx_interaction *one = c->one;
    plx_telling      telling = source ? (plx_telling){ source->status, source->end_is_lost } : PLX_TELLING_PLAIN;

    c->one = NULL;
    if (c->wanted.wants_stream) {
        plx_interaction_stream(e, one, 0, telling);
    } else if (c->wanted.is_background) {
        plx_interaction_send(e, one, PLX_COURSE_PRELUDE, false, false);
        plx_interaction_release(one);
    } else {
        plx_interaction_await(e, one, telling);
    }
}

/* A run in the background would have nobody whose reading holds the upstream, and nobody who ends it. */
static void ask_upstream(creation *c, plx_exchange *e)
{
    if (c->wanted.is_background) {
        plx_refuse_coded(c->refusal, 501, NULL, "An upstream cannot be asked in the background.");
    } else if (prepare(c, e)) {
        plx_interaction_wish wish = { c->one, c->names, c->wanted.is_stored, c->wanted.wants_stream };
        c->one = NULL;
        plx_interaction_ask_upstream(e, &wish, &c->ask, cst_json_root(&c->document));
        return;
    }
    plx_exchange_refuse(e, c->refusal);
}

static void answer(creation *c, plx_exchange *e, const plx_case *source)
{
    plx_research    research;
    const plx_case *own = source;

    if (!source && plx_agent_does_research(c->wanted.agent)) {
        plx_research_plan(&research, &c->ask, &e->world->pace);
        own = &research.answer;
    }
    if (compose(c, e, own) && record(c, e)) tell(c, e, source);
    else plx_exchange_refuse(e, c->refusal);
}

/* A prompt that wishes something of pollux itself gets that; else a script is looked for. */
static void create(creation *c, plx_exchange *e)
{
    const plx_case *source = NULL;

    if (!read_ask(c, e)) {
        plx_exchange_refuse(e, c->refusal);
        return;
    }
    bool is_wish = plx_wishes_read(c->ask.prompt).are_there;
    if (!is_wish) source = plx_catalogue_find(e->world->catalogue, c->ask.prompt);
    if (plx_spoil_answer(e, source ? source->fault : CST_NONE)) return;
    if (!plx_quota_take(e->world, e->key, c->ask.model, plx_token_total(&c->ask.prompt_tokens), c->refusal)) {
        plx_exchange_refuse(e, c->refusal);
    } else if (!source && !is_wish && !c->wanted.agent.data && e->world->upstream) {
        ask_upstream(c, e);
    } else if (source && !source->is_answer) {
        play_bytes(e, source);
    } else {
        answer(c, e, source);
    }
}

void plx_answer_create_interaction(plx_exchange *e)
{
    plx_refusal refusal = { .code = 0 };
    creation    c = { .refusal = &refusal };

    plx_translation_init(&c.translation, cst_allocator_default());
    cst_json_doc_init(&c.document, cst_allocator_default());
    cst_arena_init(&c.arena, cst_allocator_default());
    create(&c, e);
    plx_interaction_release(c.one);
    plx_interaction_release(c.previous);
    cst_arena_free(&c.arena);
    cst_json_doc_free(&c.document);
    plx_translation_free(&c.translation);
}

/* ---- one that exists ---- */

/* The one that the path names, as a reference; NULL: refused already. */
static plx_interaction *find_named(plx_exchange *e)
{
    plx_interaction *one = find(e, e->names[0]);
    plx_refusal      refusal = { .code = 0 };

    if (one) return one;
    plx_refuse_coded(&refusal, 404, NULL, "Interaction '%.*s' was not found.",
                     (int)(e->names[0].len < 100 ? e->names[0].len : 100), e->names[0].data);
    plx_exchange_refuse(e, &refusal);
    return NULL;
}

static void refuse_and_release(plx_exchange *e, plx_interaction *one, const char *symbol, const char *why)
{
    plx_refusal refusal = { .code = 0 };

    plx_refuse_coded(&refusal, 400, symbol, "%s", why);
    plx_interaction_release(one);
    plx_exchange_refuse(e, &refusal);
}

static size_t count_due(const plx_exchange *e, const plx_interaction *one)
{
    return plx_course_count_due(&one->course, plx_interaction_elapsed_us(one, e->world));
}

static bool is_true(castor_str value)
{
    return cst_str_equal_nocase(value, CASTOR_STR("true")) || cst_str_is(value, "1");
}

/* The event after the one of this id; 0: there is none of it. Without an id, the first. */
static bool find_resumption(const plx_course *course, castor_str last_id, size_t *next)
{
    char id[PLX_EVENT_ID_BYTES];

    *next = 0;
    if (last_id.len == 0) return true;
    for (size_t i = 0; i < course->event_count; i++) {
        if (!course->events[i].id) continue;
        plx_event_id_print(course->events[i].id, id);
        *next = i + 1;
        if (cst_str_is(last_id, id)) return true;
    }
    return false;
}

void plx_answer_get_interaction(plx_exchange *e)
{
    castor_str       last_id = plx_exchange_query(e, "last_event_id");
    plx_interaction *one = find_named(e);
    size_t           next = 0;

    if (!one) return;
    if (is_true(plx_exchange_query(e, "stream"))) {
        if (find_resumption(&one->course, last_id, &next)) plx_interaction_stream(e, one, next, PLX_TELLING_PLAIN);
        else refuse_and_release(e, one, NULL, "'last_event_id' is no event of this interaction.");
        return;
    }
    if (last_id.len > 0) {
        refuse_and_release(e, one, NULL, "'last_event_id' can only be used with 'stream' set to true.");
        return;
    }
    plx_interaction_send(e, one, count_due(e, one), true, is_true(plx_exchange_query(e, "include_input")));
    plx_interaction_release(one);
}

void plx_answer_cancel_interaction(plx_exchange *e)
{
    plx_interaction *one = find_named(e);

    if (!one) return;
    uint64_t elapsed_us = plx_interaction_elapsed_us(one, e->world);
    if (!one->course.is_background || elapsed_us >= plx_course_length_us(&one->course)) {
        refuse_and_release(e, one, "failed_precondition",
                           "Only an interaction in the background that is in progress can be cancelled.");
        return;
    }
    plx_refusal refusal = { .code = 0 };
    if (plx_course_cancel(&one->course, elapsed_us, &one->arena) == CASTOR_OK) {
        plx_interaction_send(e, one, one->course.event_count, true, false);
    } else {
        plx_refuse_memory(&refusal);
        plx_exchange_refuse(e, &refusal);
    }
    plx_interaction_release(one);
}

void plx_answer_delete_interaction(plx_exchange *e)
{
    plx_interaction *one = find_named(e);

    if (!one) return;
    plx_interactions_forget(e->world->interactions, one);
    plx_interaction_release(one);
    plx_exchange_send(e, 200, "application/json", CASTOR_STR("{}"));
}
