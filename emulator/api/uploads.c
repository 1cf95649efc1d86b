/* uploads.c -- uploads that take several requests: where they are kept, and how their state is told.
 * SPDX-License-Identifier: MIT
 */
#include "api/uploads.h"

#include <stdio.h>
#include <stdlib.h>

#include "api/resources.h"

enum { ID_LETTERS = 64 };

struct plx_uploads {
    plx_shelf shelf;
};

void plx_upload_free(plx_shelved *one)
{
    plx_upload *u = (plx_upload *)one;

    if (u->writer) u->writer->upload = NULL;
    plx_intake_free(&u->intake);
    free(u);
}

plx_uploads *plx_uploads_new(void)
{
    plx_uploads *uploads = calloc(1, sizeof *uploads);

    if (uploads) uploads->shelf = (plx_shelf){ .count_max = PLX_UPLOADS_MAX, .free_one = plx_upload_free };
    return uploads;
}

void plx_uploads_empty(plx_uploads *uploads)
{
    plx_shelf_clear(&uploads->shelf);
}

void plx_uploads_free(plx_uploads *uploads)
{
    if (!uploads) return;
    plx_uploads_empty(uploads);
    free(uploads);
}

/* Drops the oldest that has ended: nobody is likely to ask about it again. */
static void make_room(plx_shelf *shelf)
{
    plx_shelved *oldest = NULL;

    if (shelf->count < shelf->count_max) return;
    for (plx_shelved *one = shelf->newest; one; one = one->older) {
        if (((plx_upload *)one)->state != PLX_UPLOAD_ACTIVE) oldest = one;
    }
    if (oldest) plx_shelf_remove(shelf, oldest);
}

static plx_shelf *shelf_of(const plx_world *world)
{
    plx_shelf *shelf = &world->resources->uploads->shelf;

    plx_shelf_sweep(shelf, plx_world_now_us(world));
    return shelf;
}

bool plx_uploads_put(plx_world *world, plx_upload *upload, plx_refusal *refusal)
{
    plx_shelf *shelf = shelf_of(world);

    upload->shelved.owner = upload->intake.facts.owner;
    upload->shelved.created_us = upload->shelved.updated_us = plx_world_now_us(world);
    upload->shelved.expires_us = upload->shelved.created_us + PLX_UPLOAD_LIFE_S * 1000000ll;
    plx_shelf_make_name(shelf, upload->shelved.name, "uploads", ID_LETTERS, &world->chance);
    make_room(shelf);
    return plx_shelf_put(shelf, &upload->shelved) ||
           plx_refuse(refusal, 429, "The emulator keeps no more than %d uploads; finish or cancel some.",
                      (int)PLX_UPLOADS_MAX);
}

/* The id stands in for a key: whose it is does not matter. */
plx_upload *plx_uploads_find(const plx_world *world, castor_str id)
{
    char name[PLX_RESOURCE_NAME_SIZE];
    int  len = snprintf(name, sizeof name, "uploads/%.*s", CASTOR_ARG(id));

    return len < (int)sizeof name ? (plx_upload *)plx_shelf_find(shelf_of(world), castor_str_of(name)) : NULL;
}

void plx_upload_add_state(plx_exchange *e, const plx_upload *u)
{
    static const char *const names[] = { "active", "final", "cancelled" };

    plx_exchange_add_header(e, CASTOR_STR("x-goog-upload-status"), castor_str_of(names[u->state]));
}

void plx_upload_send_state(plx_exchange *e, const plx_upload *u)
{
    plx_upload_add_state(e, u);
    plx_exchange_add_header(e, CASTOR_STR("content-length"), CASTOR_STR("0"));
    plx_exchange_send(e, 200, "text/plain; charset=utf-8", CST_NONE);
}

/* ---- commands ---- */

/* "upload, finalize" and the like. */
int plx_upload_command(const plx_exchange *e)
{
    static const struct {
        const char *name;
        int         bit;
    } words[] = { { "start", PLX_UPLOAD_START }, { "upload", PLX_UPLOAD_BYTES }, { "finalize", PLX_UPLOAD_FINALIZE },
                  { "query", PLX_UPLOAD_QUERY }, { "cancel", PLX_UPLOAD_CANCEL } };
    castor_str text = plx_head_get(e->head, "x-goog-upload-command");
    int        command = 0;

    while (text.len > 0) {
        const char *comma = memchr(text.data, ',', text.len);
        size_t      len = comma ? (size_t)(comma - text.data) : text.len;
        castor_str  word = cst_str_trim((castor_str){ text.data, len });
        int         bit = 0;
        for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
            if (cst_str_equal_nocase(word, castor_str_of(words[i].name))) bit = words[i].bit;
        }
        if (!bit || (command & bit)) return 0;
        command |= bit;
        text = comma ? (castor_str){ comma + 1, text.len - len - 1 } : CST_NONE;
    }
    return command;
}

void plx_upload_refuse_command(plx_exchange *e, const plx_upload *u, const char *why)
{
    plx_refusal refusal = { .code = 0 };

    plx_refuse(&refusal, 400, "%s", why);
    if (u) plx_upload_add_state(e, u);
    plx_exchange_refuse_later(e, &refusal);
}
