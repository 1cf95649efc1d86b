/* judge.c -- compares what guests saw with what the twins say they did.
 * SPDX-License-Identifier: MIT
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "soak.h"

enum { CHAOS_FAULTS_MAX = 64, PAID_MAX = 10, JSON_BYTES_MAX = 1 << 16, VERDICTS = CASTOR_VERDICT_CANCELLED + 1 };

/* A request, as its twin knows it. */
typedef struct page {
    uint64_t id;
    size_t   count;
    char     faults[SOAK_SPOILT_MAX][64];
} page;

struct soak_judge {
    soak_world *world;
    page       *book;    /* a hash by id, of requests that were spoilt and are not judged yet */
    size_t      pages;   /* in use */
    uint8_t    *is_done; /* a bit for each id that was judged: what its twin says of it afterwards is of no use */
    uint64_t    since[SOAK_PLACES];
    uint64_t    requests_before; /* at all twins, when it began */
    uint64_t    requests_least; /* that must have come: those of streams that were cut short may not have */
    uint64_t    requests_most;
    uint64_t    spoilt;
    uint64_t    judged;
    uint64_t    left;
    uint64_t    paid;           /* for what was done to the answer before */
    uint64_t    verdicts[VERDICTS];
    uint64_t    chance;
};

static uint64_t draw(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u; /* splitmix64 */

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static uint64_t requests_of_twins(soak_world *world)
{
    uint64_t sum = 0;

    for (int i = 0; i < SOAK_PLACES; i++) {
        uint64_t requests = 0;
        bool     is_told = tst_witness_count(&world->places[i].witness, &requests, NULL);
        if (!is_told) soak_complain(world, "twin %d does not tell its count", i);
        sum += requests;
    }
    return sum;
}

soak_judge *soak_judge_new(soak_world *world)
{
    soak_judge *judge = calloc(1, sizeof *judge);

    if (!judge) return NULL;
    judge->world = world;
    judge->chance = world->seed;
    judge->book = calloc(SOAK_BOOK_SIZE, sizeof *judge->book);
    judge->is_done = calloc(SOAK_IDS_MAX / 8, 1);
    if (!judge->book || !judge->is_done) {
        soak_judge_free(judge);
        return NULL;
    }
    judge->requests_before = requests_of_twins(world);
    return judge;
}

void soak_judge_free(soak_judge *judge)
{
    if (!judge) return;
    free(judge->book);
    free(judge->is_done);
    free(judge);
}

/* ---- the book ---- */

static bool is_done(const soak_judge *judge, uint64_t id)
{
    return judge->is_done[id / 8] >> (id % 8) & 1;
}

/* The page of that id, or the empty one where it belongs. There always is one: see new_page. */
static page *page_of(const soak_judge *judge, uint64_t id)
{
    size_t at = id % SOAK_BOOK_SIZE;

    while (judge->book[at].id != 0 && judge->book[at].id != id) at = (at + 1) % SOAK_BOOK_SIZE;
    return &judge->book[at];
}

static page *new_page(soak_judge *judge, uint64_t id)
{
    page *at = page_of(judge, id);

    if (at->id == id) return at;
    if (judge->pages == SOAK_BOOK_SIZE / 2) return NULL;
    judge->pages++;
    *at = (page){ .id = id };
    return at;
}

/* Those behind it move up, so that they are found from where they belong. */
static void strike_out(soak_judge *judge, page *done)
{
    size_t hole = (size_t)(done - judge->book);

    for (size_t at = (hole + 1) % SOAK_BOOK_SIZE; judge->book[at].id != 0; at = (at + 1) % SOAK_BOOK_SIZE) {
        size_t from_home = (at - judge->book[at].id) % SOAK_BOOK_SIZE, from_hole = (at - hole) % SOAK_BOOK_SIZE;
        if (from_home < from_hole) continue;
        judge->book[hole] = judge->book[at];
        hole = at;
    }
    judge->book[hole].id = 0;
    judge->pages--;
}

/* ---- what the twins are to spoil ---- */

/* Chaos takes single faults. A twin that holds back its window never sees that the client has left, and keeps each for
 * an hour; 20 MB an answer is another test. */
static bool is_for_soak(const tst_fate *fate)
{
    static const char *const left_out[] = { "nowindow@head", "big=20971520@event=1" };

    if (strchr(fate->fault, ',')) return false;
    for (size_t i = 0; i < sizeof left_out / sizeof *left_out; i++) {
        if (strcmp(fate->fault, left_out[i]) == 0) return false;
    }
    return true;
}

/* These are at places that chaos draws, and judged by their names. */
static const char *const anywhere[] = { "cut", "rst", "silent", "goaway", "splits" };

static void choose_faults(soak_judge *judge, cst_buf *out)
{
    size_t eligible = 0, wanted = CHAOS_FAULTS_MAX;

    for (size_t i = 0; i < sizeof anywhere / sizeof *anywhere; i++, wanted--) {
        cst_buf_append_format(out, "%s%s", i ? "+" : "", anywhere[i]);
    }
    for (size_t i = 0; i < tst_fate_count; i++) eligible += is_for_soak(&tst_fates[i]);
    for (size_t i = 0; i < tst_fate_count && wanted > 0; i++) {
        if (!is_for_soak(&tst_fates[i])) continue;
        if (draw(&judge->chance) % eligible-- >= wanted) continue;
        cst_buf_append_format(out, "+%s", tst_fates[i].fault);
        wanted--;
    }
}

void soak_judge_spoil(soak_judge *judge, double rate)
{
    for (int i = 0; i < SOAK_PLACES; i++) {
        cst_buf  json;
        unsigned seed = (unsigned)(draw(&judge->chance) % 1000000);
        cst_buf_init(&json, cst_allocator_default(), JSON_BYTES_MAX);
        cst_buf_append_format(&json, "{\"chaos\": \"seed=%u,rate=%.3f,faults=", seed, rate);
        choose_faults(judge, &json);
        cst_buf_append_text(&json, "\"}");
        bool is_taken = tst_witness_arm(&judge->world->places[i].witness, json.data);
        if (!is_taken) soak_complain(judge->world, "refused: %s", json.data);
        cst_buf_free(&json);
    }
}

/* ---- what the twins did ---- */

/* "/v1beta/models/gemini-s77:generateContent" */
static bool id_of(const char *path, uint64_t *id)
{
    const char *name = strstr(path, "-s");

    return name && sscanf(name, "-s%" SCNu64, id) == 1;
}

static void note_spoilt(void *user, const tst_spoilt *one)
{
    soak_judge *judge = user;
    uint64_t    id = 0;

    if (!id_of(one->path, &id) || id == 0 || id >= SOAK_IDS_MAX) return;
    judge->spoilt++;
    if (is_done(judge, id)) return;
    page *at = new_page(judge, id);
    if (!at) soak_complain(judge->world, "more requests wait to be judged than the book has room for");
    if (!at || at->count == SOAK_SPOILT_MAX) return;
    cst_copy_text(at->faults[at->count++], sizeof at->faults[0], castor_str_of(one->fault));
}

/* ---- one answer ---- */

static tst_way way_of(const soak_outcome *of)
{
    return of->is_whole ? (of->place ? TST_WHOLE_H2 : TST_WHOLE_H1) : of->place ? TST_STREAM_H2 : TST_STREAM_H1;
}

static bool is_named(const char *fault, const char *name)
{
    size_t len = strlen(name);

    return strncmp(fault, name, len) == 0 && strchr("=@", fault[len]);
}

/* A fault at a place of its own: any beginning of the answer, and whatever its kind can come to. */
static const tst_ending *ending_anywhere(const char *fault)
{
    static const tst_ending whole = { CASTOR_VERDICT_COMPLETE, "*", 1 }, part = { CASTOR_VERDICT_TRUNCATED, "*?", 3 };

    if (is_named(fault, "splits")) return &whole;
    for (size_t i = 0; i < sizeof anywhere / sizeof *anywhere; i++) {
        if (is_named(fault, anywhere[i])) return &part;
    }
    return NULL;
}

static const tst_ending *ending_of(const char *fault, tst_way way)
{
    static const tst_ending once = { CASTOR_VERDICT_FAILED, "", 3 };

    if (is_named(fault, "unavailable")) return &once; /* its row tells of all its attempts together */
    for (size_t i = 0; i < tst_fate_count; i++) {
        if (strcmp(tst_fates[i].fault, fault) == 0) return tst_fate_ending(&tst_fates[i], way);
    }
    return ending_anywhere(fault);
}

static tst_came came_of(const soak_judge *judge, const soak_outcome *of)
{
    const soak_answer *answer = &judge->world->places[of->place].answers[of->prompt];

    return (tst_came){ of->verdict, cst_buf_view(&of->text), of->is_whole ? &answer->whole : answer->pieces,
                       of->is_whole ? 1 : answer->piece_count };
}

/* A verdict on half an answer whose first half was asked for again would be wrong, too: hence each attempt but the last
 * must be one that may be followed. */
static bool may_be_followed(const tst_ending *ending)
{
    return ending->requests > 1 || strchr(ending->text, '?');
}

/* `last`: how the attempt ended that decided; NULL: nobody spoilt it. */
static bool fits(const tst_ending *last, const tst_came *came)
{
    static const tst_ending unspoilt = { CASTOR_VERDICT_COMPLETE, "*", 1 };

    if (!last) last = &unspoilt;
    return tst_ending_has_verdict(last, came) && tst_ending_has_text(last, came);
}

static bool is_right(const soak_outcome *of, const tst_came *came, const page *known)
{
    const tst_ending *last = NULL;

    for (size_t i = 0; i < known->count; i++) {
        if (last && !may_be_followed(last)) return false;
        last = ending_of(known->faults[i], way_of(of));
        if (!last) return false; /* a fault that nobody asked for */
    }
    if (fits(last, came)) return true;
    return last && may_be_followed(last) && of->attempts > 1 && fits(NULL, came);
}

/* What was cut short by its own guest shows a part of what was sent at most. */
static bool is_right_though_cut_short(const tst_came *came, const page *known)
{
    static const tst_ending part = { CASTOR_VERDICT_CANCELLED, "*?", 1 };

    return known->count > 0 || tst_ending_has_text(&part, came);
}

/* Nobody spoilt its last attempt, but maybe the one before that on the same connection: a server that closes it just
 * then, or that sent more than it had announced. Such a request may never have been read. */
static bool has_paid_for_another(const soak_outcome *of, const tst_came *came, const page *known)
{
    bool is_spoilt = known->count >= (size_t)of->attempts;

    return !is_spoilt && of->verdict == CASTOR_VERDICT_NETWORK && of->is_transient && came->text.len == 0;
}

static void count_requests(soak_judge *judge, const soak_outcome *of, const page *known, bool has_paid)
{
    bool is_certain = !of->was_cancelled && !of->was_left && !has_paid;

    judge->requests_most += (uint64_t)of->attempts;
    judge->requests_least += is_certain ? (uint64_t)of->attempts : known->count;
}

static void complain_about(soak_judge *judge, const soak_outcome *of, const page *known)
{
    castor_str text = cst_buf_view(&of->text);
    int        shown = (int)(text.len < 80 ? text.len : 80);

    soak_complain(judge->world, "request %" PRIu64 " of guest %d at twin %d, prompt %d%s: %s%s (%s), %d attempts, "
                  "%zu bytes of text \"%.*s\"; spoilt %zu times: %s %s %s", of->id, of->guest, of->place, of->prompt,
                  of->is_whole ? ", whole" : "", castor_verdict_name(of->verdict),
                  of->was_cancelled ? ", cancelled" : "", of->message, of->attempts, text.len, shown,
                  text.len ? text.data : "", known->count, known->faults[0], known->faults[1], known->faults[2]);
}

static void judge_one(soak_judge *judge, const soak_outcome *of)
{
    page       *found = page_of(judge, of->id);
    page        nothing = { .id = of->id };
    const page *known = found->id == of->id ? found : &nothing;
    tst_came    came = came_of(judge, of);
    bool        is_cut_short = of->was_left || (of->was_cancelled && of->verdict == CASTOR_VERDICT_CANCELLED);
    bool        has_paid = has_paid_for_another(of, &came, known);
    bool        is_good = is_cut_short ? is_right_though_cut_short(&came, known)
                                       : has_paid || is_right(of, &came, known);

    judge->judged++;
    judge->paid += has_paid;
    if (of->was_left) judge->left++;
    else judge->verdicts[of->verdict]++;
    count_requests(judge, of, known, has_paid);
    if (is_good && came.text.len > 0 && known->count == 0 && !of->was_left) is_good = of->has_facts;
    if (!is_good) complain_about(judge, of, known);
    if (found->id == of->id) strike_out(judge, found);
    if (of->id < SOAK_IDS_MAX) judge->is_done[of->id / 8] |= (uint8_t)(1u << (of->id % 8));
    else soak_complain(judge->world, "a run longer than its book: request %" PRIu64, of->id);
}

static soak_outcome *take_ended(soak_world *world)
{
    pthread_mutex_lock(&world->lock);
    soak_outcome *ended = world->ended;
    world->ended = NULL;
    pthread_mutex_unlock(&world->lock);
    return ended;
}

void soak_judge_turn(soak_judge *judge)
{
    soak_world   *world = judge->world;
    soak_outcome *ended = take_ended(world); /* before the twins are asked: they know of all of these */

    for (int i = 0; i < SOAK_PLACES; i++) {
        if (!tst_witness_history(&world->places[i].witness, &judge->since[i], note_spoilt, judge)) {
            soak_complain(world, "twin %d does not tell what it did, or has forgotten some", i);
        }
    }
    while (ended) {
        soak_outcome *one = ended;
        ended = one->next;
        judge_one(judge, one);
        cst_buf_free(&one->text);
        free(one);
    }
}

/* ---- the end ---- */

static void print_figures(const soak_judge *judge, uint64_t requests)
{
    printf("%" PRIu64 " answers judged, %" PRIu64 " attempts spoilt, %" PRIu64 " requests (%" PRIu64 " to %" PRIu64
           " expected), %" PRIu64 " wake-ups\n", judge->judged, judge->spoilt, requests, judge->requests_least,
           judge->requests_most, (uint64_t)atomic_load(&judge->world->wakeups));
    for (int i = 1; i < VERDICTS; i++) {
        if (judge->verdicts[i] == 0) continue;
        printf("  %s x %" PRIu64 "\n", castor_verdict_name((castor_verdict)i), judge->verdicts[i]);
    }
    printf("  left by their caller x %" PRIu64 "; of NETWORK, for what was done to the answer before x %" PRIu64 "\n",
           judge->left, judge->paid);
}

void soak_judge_close(soak_judge *judge)
{
    soak_world *world = judge->world;

    soak_judge_turn(judge);
    uint64_t requests = requests_of_twins(world) - judge->requests_before;
    print_figures(judge, requests);
    if (requests < judge->requests_least || requests > judge->requests_most) {
        soak_complain(world, "the twins saw %" PRIu64 " requests, the clients sent others", requests);
    }
    if (judge->paid > PAID_MAX + judge->judged / 100) soak_complain(world, "too many pay for others");
}
