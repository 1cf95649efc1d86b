/* pollux.c -- the twin inside another program: a plx_twin on a thread of its own, and how other threads speak to it.
 * SPDX-License-Identifier: MIT
 *
 * What belongs to the loop is touched by the loop's thread alone. Who wants something of it leaves an errand, rings
 * the bell, and waits until the errand is done. There is one at a time; the next waits for its turn.
 */
#include <castor/pollux.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fault/armory.h"
#include "twin.h"

typedef struct errand {
    bool (*run)(pollux *twin, struct errand *errand);
    const char     *text;   /* a script to play, or a fault */
    uint32_t        count;  /* of answers to spoil */
    char           *why;
    size_t          why_size;
    pollux_request *last;   /* to be filled; NULL: the count will do */
    uint64_t        request_count;
    bool            is_done;
    bool            went_well;
} errand;

struct pollux {
    plx_options options;
    cst_arena   words;     /* what `options` points into */
    plx_twin   *twin;
    plx_witness witness;
    cst_buf     last;      /* what the caller looks at */
    char        url[PLX_URL_BYTES];
    char       *why;       /* of who starts it, until it listens or is over */
    size_t      why_size;
    uv_thread_t thread;
    uv_async_t  bell;

    uv_mutex_t  lock;      /* of what follows */
    uv_cond_t   change;
    errand     *errand;    /* NULL: nothing is wanted */
    bool        is_listening;
    bool        is_over;   /* the loop has ended, or never began: nobody comes to the bell */
};

/* ---- errands ---- */

static void on_bell(uv_async_t *bell)
{
    pollux *p = bell->data;

    uv_mutex_lock(&p->lock);
    if (p->errand) {
        p->errand->went_well = p->errand->run(p, p->errand);
        p->errand->is_done = true;
        p->errand = NULL;
        uv_cond_broadcast(&p->change);
    }
    uv_mutex_unlock(&p->lock);
}

static bool send_on(pollux *p, errand *e)
{
    uv_mutex_lock(&p->lock);
    while (p->errand && !p->is_over) uv_cond_wait(&p->change, &p->lock);
    if (!p->is_over) {
        p->errand = e;
        uv_async_send(&p->bell);
    }
    while (!e->is_done && !p->is_over) uv_cond_wait(&p->change, &p->lock);
    uv_mutex_unlock(&p->lock);
    if (!e->is_done) snprintf(e->why, e->why_size, "This twin has stopped: it ran out of memory.");
    return e->went_well;
}

static bool play(pollux *p, errand *e)
{
    return plx_catalogue_play(&p->twin->catalogue, castor_str_of(e->text), e->why, e->why_size);
}

static bool spoil(pollux *p, errand *e)
{
    plx_arming arming = { .count = castor_some_i64(e->count), .path = CASTOR_STR("") };
    uint64_t   id;

    if (!e->text) {
        plx_armory_disarm(p->twin->world.armory);
        return true;
    }
    if (!plx_plan_parse(&arming.plan, castor_str_of(e->text), e->why, e->why_size)) return false;
    if (plx_armory_arm(p->twin->world.armory, &arming, &id)) return true;
    snprintf(e->why, e->why_size, "At most %d faults can be asked for at the same time.", (int)PLX_FAULTS_ARMED_MAX);
    return false;
}

/* The loop goes on; so what the caller looks at is a copy. */
static bool look(pollux *p, errand *e)
{
    const plx_witness *seen = &p->witness;
    cst_buf           *copy = &p->last;

    e->request_count = seen->request_count;
    if (!e->last) return true;
    copy->len = 0;
    if (seen->text.len == 0 || cst_buf_append_str(copy, cst_buf_view(&seen->text)) != CASTOR_OK) return false;
    e->last->method = copy->data;
    e->last->target = copy->data + seen->target_at;
    e->last->headers = copy->data + seen->headers_at;
    e->last->body = copy->data + seen->body_at;
    e->last->body_len = copy->len - 1 - seen->body_at;
    return true;
}

static bool stop(pollux *p, errand *e)
{
    (void)e;
    if (!p->twin->server.is_stopping) plx_server_stop(&p->twin->server);
    plx_server_stop(&p->twin->server); /* a second time: without grace */
    return true;
}

/* ---- the thread ---- */

static bool open_twin(pollux *p)
{
    p->twin = plx_twin_new(&p->options, p->why, p->why_size);
    if (!p->twin || !plx_twin_prepare(p->twin, p->why, p->why_size) ||
        !plx_twin_listen(p->twin, p->why, p->why_size)) {
        return false;
    }
    p->twin->world.witness = &p->witness;
    plx_twin_print_url(p->twin, p->url);
    p->bell.data = p;
    if (uv_async_init(&p->twin->loop, &p->bell, on_bell) == 0) {
        uv_unref((uv_handle_t *)&p->bell); /* the loop ends with the server, whoever may still ring */
        return true;
    }
    snprintf(p->why, p->why_size, "Cannot start: too little memory, or too many files open.");
    return false;
}

static void tell(pollux *p, bool *what)
{
    uv_mutex_lock(&p->lock);
    *what = true;
    uv_cond_broadcast(&p->change);
    uv_mutex_unlock(&p->lock);
}

/* The loop is made and freed here too: what the kernel does for a loop (io_uring) interrupts the system calls of the
 * thread that made it, and the program's own are not ours to interrupt. */
static void live(void *user)
{
    pollux *p = user;

    if (open_twin(p)) {
        tell(p, &p->is_listening);
        plx_twin_run(p->twin);
    }
    tell(p, &p->is_over);
    plx_twin_free(p->twin);
}

/* Signals are the program's; even the SIGPIPE that a lost client causes, which stays with the thread that blocks it. */
static bool begin_living(pollux *p)
{
    sigset_t all, before;

    sigfillset(&all);
    if (pthread_sigmask(SIG_SETMASK, &all, &before) != 0) return false;
    bool is_begun = uv_thread_create(&p->thread, live, p) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return is_begun;
}

/* ---- starting ---- */

static bool add_word(pollux *p, char **words, int *count, const char *word)
{
    castor_str copy;

    if (*count == PLX_WORDS_MAX || cst_arena_copy(&p->words, castor_str_of(word), &copy) != CASTOR_OK) return false;
    words[(*count)++] = (char *)(uintptr_t)copy.data;
    return true;
}

/* What a test wants, then what the caller wants: of two that disagree the later counts. */
static bool read_options(pollux *p, const pollux_options *options, char *why, size_t why_size)
{
    static const char *const first[] = { "--port", "0", "--instant" };
    char                    *words[PLX_WORDS_MAX];
    int                      count = 0;
    bool                     is_room = true;

    for (size_t i = 0; i < sizeof first / sizeof first[0] && is_room; i++) {
        is_room = add_word(p, words, &count, first[i]);
    }
    for (size_t i = 0; options->words && options->words[i] && is_room; i++) {
        is_room = add_word(p, words, &count, options->words[i]);
    }
    if (!is_room) {
        snprintf(why, why_size, "Too many words (at most %d), or too little memory.", (int)PLX_WORDS_MAX);
        return false;
    }
    switch (plx_options_read(&p->options, count, words)) {
    case PLX_RUN_SERVER: p->options.is_quiet = p->options.is_quiet || !options->logs_requests; return true;
    case PLX_RUN_WRONG: snprintf(why, why_size, "%s", p->options.why); return false;
    default: snprintf(why, why_size, "Help and version are for the command line."); return false;
    }
}

/* False: there is no thread, or no more. */
static bool start_living(pollux *p, char *why, size_t why_size)
{
    p->why = why;
    p->why_size = why_size;
    if (!begin_living(p)) {
        snprintf(why, why_size, "Cannot start a thread: too little memory, or too many of them.");
        return false;
    }
    uv_mutex_lock(&p->lock);
    while (!p->is_listening && !p->is_over) uv_cond_wait(&p->change, &p->lock);
    bool is_listening = p->is_listening;
    uv_mutex_unlock(&p->lock);
    if (!is_listening) uv_thread_join(&p->thread);
    return is_listening;
}

/* Locks are there, the thread is not, or no more. */
static void release(pollux *p)
{
    plx_witness_free(&p->witness);
    cst_buf_free(&p->last);
    cst_arena_free(&p->words);
    uv_cond_destroy(&p->change);
    uv_mutex_destroy(&p->lock);
    free(p);
}

static pollux *new_pollux(void)
{
    pollux *p = calloc(1, sizeof *p);

    if (!p || uv_mutex_init(&p->lock) != 0) {
        free(p);
        return NULL;
    }
    if (uv_cond_init(&p->change) != 0) {
        uv_mutex_destroy(&p->lock);
        free(p);
        return NULL;
    }
    cst_arena_init(&p->words, cst_allocator_default());
    plx_witness_init(&p->witness);
    cst_buf_init(&p->last, cst_allocator_default(), SIZE_MAX / 2); /* of a witness, which has its limit */
    return p;
}

/* ---- what other programs see ---- */

const char *pollux_start(pollux **out, const pollux_options *options, char *why, size_t why_size)
{
    pollux_options given = POLLUX_OPTIONS_INIT;
    pollux        *p = new_pollux();

    *out = NULL;
    if (options) memcpy(&given, options, options->size < sizeof given ? options->size : sizeof given);
    if (!p) {
        snprintf(why, why_size, "Out of memory.");
        return NULL;
    }
    if (read_options(p, &given, why, why_size) && start_living(p, why, why_size)) {
        *out = p;
        return p->url;
    }
    release(p);
    return NULL;
}

int32_t pollux_play(pollux *twin, const char *script, char *why, size_t why_size)
{
    errand e = { .run = play, .text = script, .why = why, .why_size = why_size };

    return send_on(twin, &e);
}

int32_t pollux_spoil(pollux *twin, const char *fault, uint32_t count, char *why, size_t why_size)
{
    errand e = { .run = spoil, .text = fault, .count = count, .why = why, .why_size = why_size };

    return send_on(twin, &e);
}

uint64_t pollux_requests(pollux *twin, pollux_request *last)
{
    pollux_request found = POLLUX_REQUEST_INIT;
    errand         e = { .run = look, .last = last ? &found : NULL };

    send_on(twin, &e);
    if (last) {
        found.size = last->size;
        memcpy(last, &found, last->size < sizeof found ? last->size : sizeof found);
    }
    return e.request_count;
}

void pollux_stop(pollux *twin)
{
    errand e = { .run = stop };

    if (!twin) return;
    send_on(twin, &e);
    uv_thread_join(&twin->thread);
    release(twin);
}
