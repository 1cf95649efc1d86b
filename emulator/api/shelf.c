/* shelf.c -- things with a name, an owner and an end, that live from one request to the next.
 * SPDX-License-Identifier: MIT
 */
#include "api/shelf.h"

#include <inttypes.h>
#include <stdio.h>

#include "proto/timestamp.h"

/* A number in place of the key, which is a secret and may be long. FNV-1a: two keys of one user do not collide. */
plx_owner plx_owner_of(const plx_exchange *exchange)
{
    plx_owner owner = 14695981039346656037u;

    for (size_t i = 0; i < exchange->key.len; i++) {
        owner = (owner ^ (unsigned char)exchange->key.data[i]) * 1099511628211u;
    }
    return owner;
}

/* ---- what stands on it ---- */

static void unlink_one(plx_shelf *shelf, plx_shelved *one)
{
    if (one->newer) one->newer->older = one->older;
    else shelf->newest = one->older;
    if (one->older) one->older->newer = one->newer;
    shelf->count--;
}

void plx_shelf_remove(plx_shelf *shelf, plx_shelved *one)
{
    unlink_one(shelf, one);
    shelf->free_one(one);
}

void plx_shelf_clear(plx_shelf *shelf)
{
    while (shelf->newest) plx_shelf_remove(shelf, shelf->newest);
}

void plx_shelf_sweep(plx_shelf *shelf, int64_t now_us)
{
    plx_shelved *older;

    for (plx_shelved *one = shelf->newest; one; one = older) {
        older = one->older;
        if (one->expires_us <= now_us) plx_shelf_remove(shelf, one);
    }
}

bool plx_shelf_put(plx_shelf *shelf, plx_shelved *one)
{
    if (shelf->count >= shelf->count_max) return false;
    one->number = ++shelf->last_number;
    one->newer = NULL;
    one->older = shelf->newest;
    if (one->older) one->older->newer = one;
    shelf->newest = one;
    shelf->count++;
    return true;
}

plx_shelved *plx_shelf_find(const plx_shelf *shelf, castor_str name)
{
    for (plx_shelved *one = shelf->newest; one; one = one->older) {
        if (cst_str_is(name, one->name)) return one;
    }
    return NULL;
}

plx_shelved *plx_shelf_find_own(const plx_shelf *shelf, const char *collection, castor_str id, plx_owner owner)
{
    char name[PLX_RESOURCE_NAME_SIZE];
    int  len = snprintf(name, sizeof name, "%s/%.*s", collection, CASTOR_ARG(id));

    if (len >= (int)sizeof name) return NULL; /* longer than any that there can be */
    plx_shelved *one = plx_shelf_find(shelf, castor_str_of(name));
    return one && one->owner == owner ? one : NULL;
}

void plx_shelf_make_name(const plx_shelf *shelf, char name[PLX_RESOURCE_NAME_SIZE], const char *collection,
                         size_t letter_count, plx_chance *chance)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789";
    size_t            from = (size_t)snprintf(name, PLX_RESOURCE_NAME_SIZE, "%s/", collection);

    do {
        for (size_t i = 0; i < letter_count; i++) name[from + i] = letters[plx_chance_next(chance) % 36];
        name[from + letter_count] = '\0';
    } while (plx_shelf_find(shelf, castor_str_of(name)));
}

size_t plx_count_characters(castor_str text)
{
    size_t count = 0;

    for (size_t i = 0; i < text.len; i++) count += ((unsigned char)text.data[i] & 0xC0) != 0x80;
    return count;
}

/* ---- lists ---- */

void plx_put_time(cst_json_writer *writer, const char *key, int64_t us)
{
    char text[PLX_TIME_TEXT_SIZE];

    plx_timestamp_print(text, us);
    cst_json_put_member(writer, key, text);
}

void plx_put_int64(cst_json_writer *writer, const char *key, int64_t number)
{
    char text[24];

    snprintf(text, sizeof text, "%" PRId64, number);
    cst_json_put_member(writer, key, text);
}

/* From `one` on, the first that is the owner's and of the page. */
static const plx_shelved *skip(const plx_shelved *one, plx_owner owner, const plx_page *page)
{
    while (one && (one->owner != owner || (!page->is_first && one->number >= page->position))) one = one->older;
    return one;
}

static void put_list(cst_json_writer *w, const plx_exchange *e, const plx_shelf *shelf, const plx_page *page,
                     const plx_page_rule *rule, const char *key, plx_put_one_fn *put_one)
{
    plx_owner          owner = plx_owner_of(e);
    const plx_shelved *one = skip(shelf->newest, owner, page);
    const plx_shelved *last = NULL;
    char               token[PLX_PAGE_TOKEN_SIZE];

    cst_json_open_object(w);
    if (one) {
        cst_json_key(w, key);
        cst_json_open_array(w);
        for (uint32_t i = 0; one && i < page->size; i++) {
            put_one(w, one, e);
            last = one;
            one = skip(one->older, owner, page);
        }
        cst_json_close_array(w);
    }
    if (one && last) {
        plx_page_token_print(token, rule, last->number);
        cst_json_put_member(w, "nextPageToken", token);
    }
    cst_json_close_object(w);
}

void plx_shelf_send_list(plx_exchange *e, const plx_shelf *shelf, const plx_page_rule *rule, const char *key,
                         plx_put_one_fn *put_one)
{
    plx_refusal     refusal = { .code = 0 };
    plx_page        page;
    cst_buf         json;
    cst_json_writer w = cst_json_writer_to(&json);

    if (!plx_page_read(&page, plx_exchange_query(e, "pageSize"), plx_exchange_query(e, "pageToken"), rule, &refusal)) {
        plx_exchange_refuse(e, &refusal);
        return;
    }
    cst_buf_init(&json, cst_allocator_default(), PLX_EVENT_BYTES_MAX);
    put_list(&w, e, shelf, &page, rule, key, put_one);
    plx_exchange_send_json(e, &json, w.status);
    cst_buf_free(&json);
}
