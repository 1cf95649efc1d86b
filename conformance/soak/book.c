/* book.c -- what the twins did, request by request, until each is judged.
 * SPDX-License-Identifier: MIT
 */
#include "book.h"

#include <stdlib.h>

enum { CHAOS_FAULTS_MAX = 64 };

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

struct book {
    book_page *pages;   /* a hash by id */
    size_t     count;   /* in use */
    uint8_t   *is_done; /* a bit for each id that was judged */
    uint64_t   spoilt;
    uint64_t   cut;
};

book *book_new(void)
{
    book *of = calloc(1, sizeof *of);

    if (!of) return NULL;
    of->pages = calloc(BOOK_PAGES, sizeof *of->pages);
    of->is_done = calloc(SOAK_IDS_MAX / 8, 1);
    if (of->pages && of->is_done) return of;
    book_free(of);
    return NULL;
}

void book_free(book *of)
{
    if (!of) return;
    free(of->pages);
    free(of->is_done);
    free(of);
}

uint64_t book_spoilt(const book *of) { return of->spoilt; }
uint64_t book_cut(const book *of) { return of->cut; }

/* ---- pages ---- */

/* The page of that id, or the empty one where it belongs. There always is one: see new_page. */
static book_page *page_of(const book *of, uint64_t id)
{
    size_t at = id % BOOK_PAGES;

    while (of->pages[at].id != 0 && of->pages[at].id != id) at = (at + 1) % BOOK_PAGES;
    return &of->pages[at];
}

static book_page *new_page(book *of, uint64_t id)
{
    book_page *at = page_of(of, id);

    if (at->id == id) return at;
    if (of->count == BOOK_PAGES / 2) return NULL;
    of->count++;
    *at = (book_page){ .id = id };
    return at;
}

/* Those behind it move up, so that they are found from where they belong. */
static void strike_out(book *of, book_page *done)
{
    size_t hole = (size_t)(done - of->pages);

    for (size_t at = (hole + 1) % BOOK_PAGES; of->pages[at].id != 0; at = (at + 1) % BOOK_PAGES) {
        size_t from_home = (at - of->pages[at].id) % BOOK_PAGES, from_hole = (at - hole) % BOOK_PAGES;
        if (from_home < from_hole) continue;
        of->pages[hole] = of->pages[at];
        hole = at;
    }
    of->pages[hole].id = 0;
    of->count--;
}

static bool is_done(const book *of, uint64_t id) { return of->is_done[id / 8] >> (id % 8) & 1; }

const book_page *book_find(const book *of, uint64_t id)
{
    static const book_page nothing;
    const book_page       *found = page_of(of, id);

    return found->id == id ? found : &nothing;
}

void book_close(book *of, uint64_t id)
{
    book_page *found = page_of(of, id);

    if (found->id == id) strike_out(of, found);
    of->is_done[id / 8] |= (uint8_t)(1u << (id % 8));
}

/* ---- faults ---- */

#define END(verdict, text, requests) { CASTOR_VERDICT_##verdict, text, requests }

/* At places that chaos draws, and known by their names: any beginning of the answer, and whatever the kind can come to.
 * Behind all of the text it is the end of the body that is missing; not every dialect needs that. */
static const tst_fate anywhere[] = {
    { "cut", { END(TRUNCATED, "*?", 3) }, "" },
    { "rst", { END(TRUNCATED, "*?", 3) }, "" },
    { "silent", { END(TRUNCATED, "*?", 3) }, "" },
    { "goaway", { END(TRUNCATED, "*?", 3) }, "" },
    { "splits", { END(COMPLETE, "*", 1) }, "" },
};

/* The row in fates.c tells of all its attempts together. */
static const tst_fate unavailable = { "unavailable", { END(FAILED, "", 3) }, "" };

/* Faults that cannot be told from their neighbours' on a shared connection. With those that change how bytes leave, an
 * answer may be over for its twin while some of it waits. With those that finish more than once, each event of the
 * legacy method says that it is the last. */
static bool is_for_shared(const char *fault)
{
    static const char *const left_out[] = { "slowhead", "bytewise", "packets", "split", "finishtwice", "finishall" };

    for (size_t i = 0; i < COUNT_OF(left_out); i++) {
        if (strncmp(fault, left_out[i], strlen(left_out[i])) == 0) return false;
    }
    return true;
}

/* Chaos takes single faults. A twin that holds back its window never sees that the client has left, and keeps each for
 * an hour; 20 MB an answer is another test. */
static bool is_for(const tst_fate *fate, int place)
{
    static const char *const left_out[] = { "nowindow@head", "big=20971520@event=1" };

    if (strchr(fate->fault, ',') || (place == SOAK_SHARED && !is_for_shared(fate->fault))) return false;
    for (size_t i = 0; i < COUNT_OF(left_out); i++) {
        if (strcmp(fate->fault, left_out[i]) == 0) return false;
    }
    return true;
}

static uint64_t draw(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u; /* splitmix64 */

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

void book_choose_faults(int place, uint64_t *chance, cst_buf *out)
{
    size_t eligible = 0, wanted = CHAOS_FAULTS_MAX;

    for (size_t i = 0; i < COUNT_OF(anywhere); i++) {
        if (!is_for(&anywhere[i], place)) continue;
        cst_buf_append_format(out, "%s%s", i ? "+" : "", anywhere[i].fault);
        wanted--;
    }
    for (size_t i = 0; i < tst_fate_count; i++) eligible += is_for(&tst_fates[i], place);
    for (size_t i = 0; i < tst_fate_count && wanted > 0; i++) {
        if (!is_for(&tst_fates[i], place)) continue;
        if (draw(chance) % eligible-- >= wanted) continue;
        cst_buf_append_format(out, "+%s", tst_fates[i].fault);
        wanted--;
    }
}

static bool is_named(const char *fault, const char *name)
{
    size_t len = strlen(name);

    return strncmp(fault, name, len) == 0 && strchr("=@", fault[len]);
}

static const tst_fate *fate_of(const char *fault)
{
    if (is_named(fault, "unavailable")) return &unavailable;
    for (size_t i = 0; i < tst_fate_count; i++) {
        if (strcmp(tst_fates[i].fault, fault) == 0) return &tst_fates[i];
    }
    for (size_t i = 0; i < COUNT_OF(anywhere); i++) {
        if (is_named(fault, anywhere[i].fault)) return &anywhere[i];
    }
    return NULL;
}

/* ---- notes ---- */

/* The attempt that was spoilt so before its connection was closed. */
static book_hit *find_uncut(book_page *at, const tst_fate *fate)
{
    for (size_t i = at->count; i-- > 0;) {
        if (at->hits[i].fate == fate && !at->hits[i].is_cut) return &at->hits[i];
    }
    return NULL;
}

/* Of an attempt that was spoilt, and cut as well, there are two lines. */
static bool note_hit(book_page *at, const tst_fate *fate, bool is_cut)
{
    book_hit *spoilt = is_cut && fate ? find_uncut(at, fate) : NULL;

    if (spoilt) {
        spoilt->is_cut = true;
        return true;
    }
    if (at->count == BOOK_HITS_MAX) return false;
    at->hits[at->count++] = (book_hit){ fate, is_cut };
    return true;
}

bool book_note(book *of, const tst_spoilt *one)
{
    uint64_t        id = soak_id_of(castor_str_of(one->model));
    const tst_fate *fate = fate_of(one->fault);

    if (id == 0 || id >= SOAK_IDS_MAX) return true; /* not one of ours, or it did not get as far as its model */
    if (!fate && one->fault[0]) return false;
    if (one->is_bystander) of->cut++;
    else of->spoilt++;
    if (is_done(of, id)) return true;
    book_page *at = new_page(of, id);
    return at && note_hit(at, fate, one->is_bystander);
}
