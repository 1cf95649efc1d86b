/* judge.c -- lets the twins spoil, has each answer judged by what they say they did, and counts.
 * SPDX-License-Identifier: MIT
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "rules.h"

enum {
    LOST_MAX = 10, /* and one in LOST_IN ... */
    LOST_IN = 200,
    JSON_BYTES_MAX = 1 << 16,
    VERDICTS = CASTOR_VERDICT_CANCELLED + 1,
};

/* Of one guest. */
typedef struct tally {
    uint64_t verdicts[VERDICTS]; /* NONE: left by their caller */
} tally;

struct soak_judge {
    soak_world *world;
    book       *known;
    uint64_t    since[SOAK_PLACES];
    uint64_t    requests_before; /* at all twins, when it began */
    uint64_t    requests_least;  /* that must have come */
    uint64_t    requests_most;
    uint64_t    judged;
    uint64_t    misjudged;       /* by castor, that is */
    uint64_t    lost;            /* with connections that died for others, and without a line */
    uint64_t    kinds[SOAK_KINDS];
    uint64_t    again;           /* answers that took more than one attempt */
    tally       guests[SOAK_GUESTS];
    uint64_t    chance;
};

static uint64_t requests_of_twins(soak_world *world)
{
    uint64_t sum = 0;

    for (int i = 0; i < SOAK_PLACES; i++) {
        uint64_t requests = 0;
        bool     is_told = tst_witness_count(&world->places[i].witness, &requests, NULL);
        if (!is_told) soak_complain(world, "the twin %s does not tell its count", world->places[i].name);
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
    judge->known = book_new();
    if (!judge->known) {
        free(judge);
        return NULL;
    }
    judge->requests_before = requests_of_twins(world);
    return judge;
}

void soak_judge_free(soak_judge *judge)
{
    if (!judge) return;
    book_free(judge->known);
    free(judge);
}

void soak_judge_spoil(soak_judge *judge, double rate)
{
    for (int i = 0; i < SOAK_PLACES; i++) {
        cst_buf json;
        cst_buf_init(&json, cst_allocator_default(), JSON_BYTES_MAX);
        judge->chance++;
        cst_buf_append_format(&json, "{\"chaos\": \"seed=%u,rate=%.3f,faults=", (unsigned)(judge->chance % 1000000),
                              rate);
        book_choose_faults(i, &judge->chance, &json);
        cst_buf_append_text(&json, "\"}");
        bool is_taken = tst_witness_arm(&judge->world->places[i].witness, json.data);
        if (!is_taken) soak_complain(judge->world, "refused: %s", json.data);
        cst_buf_free(&json);
    }
}

/* ---- one answer ---- */

static void print_hits(const book_page *known, char *out, size_t size)
{
    size_t len = 0;

    for (size_t i = 0; i < known->count && len < size; i++) {
        const book_hit *hit = &known->hits[i];
        len += (size_t)snprintf(out + len, size - len, " %s%s", hit->fate ? hit->fate->fault : "",
                                hit->is_cut ? "(cut)" : "");
    }
}

static void complain_about(soak_judge *judge, const soak_outcome *of, const book_page *known)
{
    castor_str text = cst_buf_view(&of->text);
    int        shown = (int)(text.len < 80 ? text.len : 80);
    char       hits[512] = "";

    judge->misjudged++;
    print_hits(known, hits, sizeof hits);
    soak_complain(judge->world, "request %" PRIu64 " of guest %d at the twin %s, %s, prompt %d%s: %s%s%s (%s), %d "
                  "requests, %zu bytes of text \"%.*s\"; hit %zu times:%s", of->id, of->guest,
                  judge->world->places[of->place].name, soak_kind_names[of->kind], of->prompt,
                  of->is_whole ? ", whole" : "", castor_verdict_name(of->verdict),
                  of->was_cancelled ? ", cancelled" : "", of->was_left ? ", left" : "", of->message, of->requests,
                  text.len, shown, text.len ? text.data : "", known->count, hits);
}

static void count(soak_judge *judge, const soak_outcome *of, const tst_sample *sample, const book_page *known)
{
    judge->judged++;
    judge->kinds[of->kind]++;
    judge->again += of->requests > 1;
    judge->lost += rules_is_lost(of, sample, known) || rules_was_lost_before(of, known);
    judge->requests_most += (uint64_t)of->requests;
    judge->requests_least += rules_requests_least(of, sample, known);
    judge->guests[of->guest].verdicts[of->was_left ? CASTOR_VERDICT_NONE : of->verdict]++;
}

static void judge_one(soak_judge *judge, const soak_outcome *of)
{
    const book_page  *known = book_find(judge->known, of->id);
    const tst_sample *sample = &judge->world->samples[of->kind][of->prompt][of->is_whole];
    bool              is_right = rules_is_right(of, sample, known);

    count(judge, of, sample, known);
    if (!is_right) complain_about(judge, of, known);
    if (of->id < SOAK_IDS_MAX) book_close(judge->known, of->id);
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

static void note(void *user, const tst_spoilt *one)
{
    soak_judge *judge = user;

    if (!book_note(judge->known, one)) soak_complain(judge->world, "no page for %s of %s", one->fault, one->model);
}

uint64_t soak_judge_turn(soak_judge *judge)
{
    soak_world   *world = judge->world;
    soak_outcome *ended = take_ended(world); /* before the twins are asked: they know of all of these */

    for (int i = 0; i < SOAK_PLACES; i++) {
        if (!tst_witness_history(&world->places[i].witness, &judge->since[i], note, judge)) {
            soak_complain(world, "the twin %s does not tell what it did, or has forgotten some", world->places[i].name);
        }
    }
    while (ended) {
        soak_outcome *one = ended;
        ended = one->next;
        judge_one(judge, one);
        cst_buf_free(&one->text);
        free(one);
    }
    return judge->judged;
}

/* ---- the end ---- */

static void print_tally(const char *name, const tally *of)
{
    uint64_t sum = 0;

    for (int i = 0; i < VERDICTS; i++) sum += of->verdicts[i];
    printf("%s: %" PRIu64 " answers:", name, sum);
    for (int i = 1; i < VERDICTS; i++) {
        if (of->verdicts[i]) printf(" %s ×%" PRIu64, castor_verdict_name((castor_verdict)i), of->verdicts[i]);
    }
    printf(" left ×%" PRIu64 "\n", of->verdicts[CASTOR_VERDICT_NONE]);
}

static void print_figures(const soak_judge *judge, uint64_t requests)
{
    const soak_world *world = judge->world;
    tally             all = { { 0 } };

    for (int i = 0; i < SOAK_GUESTS; i++) {
        print_tally(soak_guest_name(i), &judge->guests[i]);
        for (int j = 0; j < VERDICTS; j++) all.verdicts[j] += judge->guests[i].verdicts[j];
    }
    print_tally("all streams", &all);
    for (int i = 0; i < SOAK_KINDS; i++) {
        printf("%s: %" PRIu64 " answers\n", soak_kind_names[i], judge->kinds[i]);
    }
    printf("%" PRIu64 " requests (%" PRIu64 " to %" PRIu64 " expected), %" PRIu64 " answers took several\n", requests,
           judge->requests_least, judge->requests_most, judge->again);
    printf("soak: %ld s, %zu streams at once, %" PRIu64 " answers, %" PRIu64 " attempts spoilt, %" PRIu64
           " lost beside them, %" PRIu64 " with connections and without a line, %" PRIu64 " answers wrong\n",
           world->seconds, world->streams, judge->judged, book_spoilt(judge->known), book_cut(judge->known), judge->lost,
           judge->misjudged);
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
    if (judge->lost > LOST_MAX + judge->judged / LOST_IN) soak_complain(world, "too many were lost without a line");
}
