/* shelf.h -- things with a name, an owner and an end, that live from one request to the next: files, caches, batches.
 * SPDX-License-Identifier: MIT
 *
 * What is kept begins with a plx_shelved, so that a pointer to one is a pointer to the other. Lists go from the newest
 * to the oldest; a page goes on behind the number of the last one shown, so that what comes or goes in between neither
 * repeats nor hides the rest. All searches are linear: a shelf holds thousands, not millions.
 */
#ifndef PLX_SHELF_H
#define PLX_SHELF_H

#include "api/exchange.h"
#include "json_writer.h"
#include "proto/paging.h"

/* Whose a thing is: everything made with one API key belongs together, as with the service what is in one project. */
typedef uint64_t plx_owner;

plx_owner plx_owner_of(const plx_exchange *exchange);

enum { PLX_RESOURCE_NAME_SIZE = 80 };

typedef struct plx_shelved plx_shelved;

struct plx_shelved {
    plx_shelved *newer;
    plx_shelved *older;
    uint64_t     number;      /* counts all that the shelf ever held */
    plx_owner    owner;
    int64_t      created_us;  /* Unix time */
    int64_t      updated_us;
    int64_t      expires_us;
    char         name[PLX_RESOURCE_NAME_SIZE]; /* "files/abc" */
};

typedef struct plx_shelf {
    plx_shelved *newest;
    uint64_t     last_number;
    size_t       count;
    size_t       count_max;
    void       (*free_one)(plx_shelved *one);
} plx_shelf;

/* Frees all that it holds. */
void plx_shelf_clear(plx_shelf *shelf);

/* Frees what has expired. To be called before the shelf is looked at. */
void plx_shelf_sweep(plx_shelf *shelf, int64_t now_us);

/* The caller has filled the owner, the times and the name. False: the shelf is full, and holds it not. */
bool plx_shelf_put(plx_shelf *shelf, plx_shelved *one);
void plx_shelf_remove(plx_shelf *shelf, plx_shelved *one); /* and frees it */

/* By its whole name, whoever owns it; NULL: there is none. */
plx_shelved *plx_shelf_find(const plx_shelf *shelf, castor_str name);

/* By the last part of its name, for its owner alone. */
plx_shelved *plx_shelf_find_own(const plx_shelf *shelf, const char *collection, castor_str id, plx_owner owner);

/* Writes "collection/" and so many letters and digits, a name that nothing on the shelf has. */
void plx_shelf_make_name(const plx_shelf *shelf, char name[PLX_RESOURCE_NAME_SIZE], const char *collection,
                         size_t letter_count, plx_chance *chance);

/* What a limit on a display name counts. */
size_t plx_count_characters(castor_str text);

/* Answers a list: {"<key>":[...],"nextPageToken":"..."}, or {} when there is nothing. */
typedef void plx_put_one_fn(cst_json_writer *writer, const plx_shelved *one, const plx_exchange *exchange);
void plx_shelf_send_list(plx_exchange *exchange, const plx_shelf *shelf, const plx_page_rule *rule, const char *key,
                         plx_put_one_fn *put_one);

/* Times as members, e.g. "createTime". */
void plx_put_time(cst_json_writer *writer, const char *key, int64_t us);

/* An int64, which proto3 JSON has as a string. */
void plx_put_int64(cst_json_writer *writer, const char *key, int64_t number);

#endif
