/* guests.c -- clients with hundreds of streams each: they pull, poll, listen, take slowly, cancel, and leave early.
 * SPDX-License-Identifier: MIT
 */
#include <castor/adapters/poll.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "soak.h"

enum {
    LIMIT_MS = 8000,        /* of silence. A loaded machine must not look silent, ... */
    LIMIT_A_STREAM_MS = 40, /* ... and streams are its load */
    FIRST_DELAY_MS = 20,    /* of the attempts */
    BUDGET_MS = 20000,      /* less than the delays that the twins ask for when a quota is used up */
    TURN_MS = 50,
    SLOW_MS = 300,
    REST_MS = 5,
    TEXT_BYTES_MAX = 32 << 20,
};

typedef enum face { IN_A_LOOP, WAITING, BLOCKING } face;

/* What a guest is like. */
typedef struct habits {
    const char *name;
    face        face;
    int         place;
    int32_t     restarts; /* that it allows an answer */
} habits;

static const habits all_habits[SOAK_GUESTS] = {
    { "in a loop, in the clear", IN_A_LOOP, SOAK_CLEAR, 0 },
    { "waiting, over TLS", WAITING, SOAK_SECURE, 0 },
    { "blocking, in the clear, beginning anew", BLOCKING, SOAK_CLEAR, 1 },
    { "in a loop, over TLS, beginning anew", IN_A_LOOP, SOAK_SECURE, 1 },
    { "in a loop, on shared connections", IN_A_LOOP, SOAK_SHARED, 0 },
    { "waiting, on shared connections, beginning anew", WAITING, SOAK_SHARED, 1 },
};

const char *soak_guest_name(int number) { return all_habits[number].name; }

typedef struct slot {
    struct guest_state *of;
    castor_stream      *stream;       /* NULL: free */
    soak_outcome       *outcome;
    int                 events;
    int                 restarts;
    int                 ends;         /* told */
    int                 cancels_at;   /* event; negative: never */
    int                 leaves_at;
    bool                is_listening;
    int64_t             rests_until_ms;
} slot;

typedef struct guest_state {
    soak_guest    *me;
    castor_client *client;
    const habits  *as;
    uint64_t       chance;
    slot          *slots;
    size_t         open_count;
    soak_outcome  *generating; /* by castor_generate; NULL: none */
} guest_state;

static uint64_t draw(guest_state *at, uint64_t limit)
{
    uint64_t z = at->chance += 0x9e3779b97f4a7c15u; /* splitmix64 */

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (z ^ (z >> 31)) % limit;
}

/* ---- a client ---- */

/* Whose attempt it was stands in its model. Outcomes under way are in slots, or at hand in castor_generate. */
static void on_attempt(void *user, castor_stream *stream, const castor_attempt *attempt)
{
    guest_state *at = user;

    if (at->generating && at->generating->id == soak_id_of(attempt->model)) at->generating->attempts++;
    for (size_t i = 0; i < at->me->streams; i++) {
        if (at->slots[i].outcome && at->slots[i].stream == stream) at->slots[i].outcome->attempts++;
    }
}

static castor_client *new_client(guest_state *at)
{
    castor_client_options options = soak_client_options(&at->me->world->places[at->as->place]);
    castor_retry_options  retry = CASTOR_RETRY_OPTIONS_INIT;
    castor_client        *client = NULL;

    retry.attempts_max = TST_ATTEMPTS_MAX;
    retry.restart = at->as->restarts;
    retry.first_delay_ms = FIRST_DELAY_MS;
    retry.budget_ms = BUDGET_MS;
    retry.on_attempt = on_attempt;
    retry.on_attempt_user = at;
    options.retry = &retry;
    options.first_byte_timeout_ms = LIMIT_MS + LIMIT_A_STREAM_MS * (int64_t)at->me->world->streams;
    options.idle_timeout_ms = options.first_byte_timeout_ms;
    options.streams_max = (int64_t)at->me->streams + 1;
    (void)castor_client_new(&client, &options, NULL);
    return client;
}

/* ---- an answer's beginning and end ---- */

static int choose_prompt(guest_state *at)
{
    uint64_t drawn = draw(at, 100);

    return drawn < 80 ? 0 : drawn < 97 ? 1 : 2;
}

static soak_kind choose_kind(guest_state *at)
{
    uint64_t drawn = draw(at, 100);

    return drawn < 50 ? SOAK_GEMINI : drawn < 75 ? SOAK_CHAT : drawn < 90 ? SOAK_MESSAGE : SOAK_LONG;
}

static soak_outcome *new_outcome(guest_state *at)
{
    soak_outcome *outcome = calloc(1, sizeof *outcome);

    if (!outcome) return NULL;
    outcome->id = atomic_fetch_add(&at->me->world->next_id, 1) + 1;
    outcome->guest = at->me->number;
    outcome->place = at->as->place;
    outcome->prompt = choose_prompt(at);
    outcome->kind = choose_kind(at);
    outcome->restarts_max = at->as->restarts;
    outcome->is_whole = draw(at, 4) == 0;
    outcome->attempts = 1;
    cst_buf_init(&outcome->text, cst_allocator_default(), TEXT_BYTES_MAX);
    atomic_fetch_add(&at->me->world->under_way, 1);
    return outcome;
}

static void hand_over(guest_state *at, soak_outcome *outcome)
{
    soak_world *world = at->me->world;

    pthread_mutex_lock(&world->lock);
    outcome->next = world->ended;
    world->ended = outcome;
    pthread_mutex_unlock(&world->lock);
    atomic_fetch_sub(&world->under_way, 1);
}

static void read_facts(soak_outcome *out, const castor_stream *stream)
{
    const castor_error *error = castor_stream_error(stream);

    out->verdict = castor_stream_verdict(stream);
    out->requests = castor_stream_attempts(stream);
    out->has_id = castor_stream_response_id(stream).len > 0;
    out->has_usage = castor_stream_usage(stream).total_tokens.is_set;
    out->is_transient = error && error->is_transient;
    if (error) cst_copy_text(out->message, sizeof out->message, castor_str_of(error->message));
}

/* Closes the stream, whether it has ended or not, and gives its slot back. */
static void finish(slot *it)
{
    castor_verdict verdict = castor_stream_verdict(it->stream);

    it->outcome->was_left = verdict == CASTOR_VERDICT_NONE;
    read_facts(it->outcome, it->stream);
    castor_stream_close(it->stream);
    hand_over(it->of, it->outcome);
    it->of->open_count--;
    it->stream = NULL;
    it->outcome = NULL;
}

static void take(slot *it, const castor_event *event)
{
    it->events++;
    if (event->type == CASTOR_EVENT_RESTART) {
        it->outcome->text.len = 0;
        if (++it->restarts > it->of->as->restarts) soak_complain(it->of->me->world, "an answer began anew unasked");
    }
    if (event->type == CASTOR_EVENT_TEXT && cst_buf_append_str(&it->outcome->text, event->text) != CASTOR_OK) {
        soak_complain(it->of->me->world, "out of memory for a text");
    }
    if (it->events == it->cancels_at) {
        it->outcome->was_cancelled = true;
        castor_stream_cancel(it->stream);
    }
}

static void open_slot(slot *it);

static void on_step(void *user, castor_stream *stream, castor_step step, const castor_event *event)
{
    slot        *it = user;
    guest_state *at = it->of;

    if (stream != it->stream || it->ends > 0) soak_complain(at->me->world, "a listener was called behind the end");
    if (step == CASTOR_STEP_EVENT) {
        take(it, event);
        if (it->events == it->leaves_at) finish(it);
        return;
    }
    it->ends++;
    if ((step == CASTOR_STEP_DONE) != (castor_stream_verdict(stream) == CASTOR_VERDICT_COMPLETE)) {
        soak_complain(at->me->world, "a step and a verdict that do not agree");
    }
    if (draw(at, 2) == 0) return; /* later, outside */
    finish(it);
    open_slot(it);
}

static int choose_event(guest_state *at, uint64_t percent)
{
    return draw(at, 100) < percent ? (int)draw(at, 8) : -1;
}

/* One answer in a free slot, unless the time is over. */
static void open_slot(slot *it)
{
    guest_state *at = it->of;
    castor_turn  turn;
    char         model[SOAK_MODEL_SIZE];

    if (atomic_load(&at->me->world->is_over)) return;
    soak_outcome *outcome = new_outcome(at);
    if (!outcome) return;
    castor_request request = soak_request_for(outcome->id, outcome->kind, outcome->prompt, model, &turn);
    request.is_unary = outcome->is_whole;
    *it = (slot){ .of = at, .outcome = outcome, .cancels_at = choose_event(at, 6), .leaves_at = choose_event(at, 4) };
    if (it->leaves_at == 0) it->leaves_at = 1;
    if (castor_stream_open(&it->stream, at->client, &request, NULL) != CASTOR_OK) {
        soak_complain(at->me->world, "a stream cannot be opened");
        return;
    }
    at->open_count++;
    it->is_listening = at->as->face == IN_A_LOOP || (at->as->face == WAITING && draw(at, 2) == 0);
    if (it->is_listening) castor_stream_listen(it->stream, on_step, it);
    if (it->cancels_at == 0) {
        outcome->was_cancelled = true;
        castor_stream_cancel(it->stream);
    }
}

static void fill_slots(guest_state *at)
{
    for (size_t i = 0; i < at->me->streams; i++) {
        slot *it = &at->slots[i];
        if (it->stream && it->ends > 0) finish(it);
        if (!it->stream) open_slot(it);
    }
}

/* ---- faces ---- */

/* Everything that is there, with a rest now and then. False: nothing was. */
static bool poll_slot(slot *it)
{
    castor_event event;
    castor_step  step;
    bool         has_taken = false;

    while (it->stream && (step = castor_stream_poll(it->stream, &event, NULL)) != CASTOR_STEP_WAIT) {
        if (step != CASTOR_STEP_EVENT) {
            bool is_same = castor_stream_poll(it->stream, &event, NULL) == step;
            if (!is_same) soak_complain(it->of->me->world, "another end when asked again");
            finish(it);
            return true;
        }
        take(it, &event);
        has_taken = true;
        if (it->events == it->leaves_at) finish(it);
        else if (draw(it->of, 40) == 0) {
            it->rests_until_ms = castor_poll_now_ms() + SLOW_MS;
            return true;
        }
    }
    return has_taken;
}

/* A wait ends at once while a stream that rests has something: then this guest rests as well. */
static void wait_once(guest_state *at)
{
    int64_t now_ms = castor_poll_now_ms();
    bool    has_taken = false;

    if (castor_client_wait(at->client, TURN_MS, NULL) != CASTOR_OK) {
        soak_complain(at->me->world, "waiting failed");
    }
    for (size_t i = 0; i < at->me->streams; i++) {
        slot *it = &at->slots[i];
        if (it->stream && !it->is_listening && it->rests_until_ms <= now_ms) has_taken |= poll_slot(it);
    }
    if (!has_taken) nanosleep(&(struct timespec){ 0, REST_MS * 1000000L }, NULL);
}

static void generate_once(guest_state *at)
{
    castor_turn    turn;
    castor_answer *answer;
    char           model[SOAK_MODEL_SIZE];
    soak_outcome  *outcome = new_outcome(at);

    if (!outcome) return;
    outcome->is_whole = true;
    castor_request request = soak_request_for(outcome->id, outcome->kind, outcome->prompt, model, &turn);
    at->generating = outcome;
    castor_status status = castor_generate(&answer, at->client, &request, NULL);
    at->generating = NULL;
    if (answer) {
        read_facts(outcome, castor_answer_stream(answer));
        (void)cst_buf_append_str(&outcome->text, castor_answer_text(answer, 0));
    }
    if (!answer || (status == CASTOR_OK) != (outcome->verdict == CASTOR_VERDICT_COMPLETE)) {
        soak_complain(at->me->world, "castor_generate lies");
    }
    castor_answer_free(answer);
    hand_over(at, outcome);
}

/* One answer to its end, while its neighbours are moved along. */
static void block_once(guest_state *at)
{
    slot        *it = &at->slots[draw(at, at->me->streams)];
    castor_event event;

    if (draw(at, 10) == 0 && !atomic_load(&at->me->world->is_over)) generate_once(at);
    for (size_t i = 0; i < at->me->streams && !it->stream; i++) it = &at->slots[i];
    if (!it->stream) return;
    while (castor_stream_next(it->stream, &event, NULL) == CASTOR_STEP_EVENT) {
        take(it, &event);
        if (it->events == it->leaves_at) break;
    }
    finish(it);
}

/* ---- life ---- */

static void be_a_guest(guest_state *at)
{
    castor_poll loop;

    if (at->as->face == IN_A_LOOP && castor_poll_attach(at->client, &loop, NULL) != CASTOR_OK) {
        soak_complain(at->me->world, "no loop can be attached");
        return;
    }
    for (fill_slots(at); at->open_count > 0; fill_slots(at)) {
        if (at->as->face == IN_A_LOOP) castor_poll_turn(&loop, TURN_MS);
        else if (at->as->face == WAITING) wait_once(at);
        else block_once(at);
    }
    castor_client_free(at->client);
}

void *soak_live(void *user)
{
    soak_guest *me = user;
    guest_state at = { .me = me, .as = &all_habits[me->number],
                       .chance = me->world->seed * 1000 + (uint64_t)me->number };

    at.slots = calloc(me->streams, sizeof *at.slots);
    at.client = new_client(&at);
    for (size_t i = 0; i < me->streams && at.slots; i++) at.slots[i].of = &at;
    if (at.slots && at.client) be_a_guest(&at);
    else soak_complain(me->world, "no memory for a guest");
    free(at.slots);
    return NULL;
}
