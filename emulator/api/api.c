/* api.c -- the API that pollux emulates.
 * SPDX-License-Identifier: MIT
 *
 * In Google's order: the path, the verb, the key; then, once the body is whole, the JSON; the rest is the endpoint's.
 * What is refused early is told only when the body has come: so the connection can be kept.
 */
#include "api/api.h"

#include <stdio.h>
#include <stdlib.h>

#include "api/key.h"
#include "api/spoil.h"
#include "api/stats.h"
#include "api/surface.h"
#include "api/target.h"
#include "fault/armory.h"
#include "fault/spoiler.h"
#include "proto/syntax.h"

/* ---- the body ---- */

static bool read_json(plx_exchange *e, plx_refusal *refusal)
{
    castor_str    body = e->body.len > 0 ? cst_buf_view(&e->body) : CASTOR_STR("");
    size_t        offset = 0;
    castor_status status = cst_json_read(&e->document, body, &offset, NULL);

    switch (status) {
    case CASTOR_OK: e->json = cst_json_root(&e->document); return true;
    case CASTOR_PROTOCOL: return plx_refuse_syntax(refusal, body, offset <= body.len ? offset : body.len);
    case CASTOR_LIMIT: return plx_refuse(refusal, 400, "Invalid JSON payload received. Nesting is too deep.");
    default: return plx_refuse_memory(refusal);
    }
}

/* ---- the query ---- */

/* What every method takes there. The service also takes their names with a "$" before them, and a few that have it. */
static bool is_common(castor_str name)
{
    static const char *const names[] = {
        "key", "access_token", "oauth_token", "alt", "prettyPrint", "fields", "quotaUser", "callback", "uploadType",
        "upload_protocol",
    };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (cst_str_is(name, names[i])) return true;
    }
    return name.len == 0 || name.data[0] == '$';
}

/* The rest of a query is bound to fields; where the body is the whole message none is left for it. */
static bool check_query(const plx_exchange *e, plx_refusal *refusal)
{
    const plx_endpoint *endpoint = e->endpoint;
    bool                is_googles = endpoint->pattern[1] == '{'; /* others have no version there, or one of theirs */

    if (!endpoint->takes_json || !is_googles || strcmp(endpoint->method, "POST") != 0) return true;
    if (endpoint->errors == PLX_ERRORS_CODE) return true; /* what interactions make of it is not known */
    for (const plx_query *one = e->query; one; one = one->next) {
        if (is_common(one->name)) continue;
        plx_refuse_field(refusal, "",
                         "Invalid JSON payload received. Unknown name \"%.*s\": Cannot bind query parameter. Field "
                         "'%.*s' could not be found in request message.",
                         CASTOR_ARG(one->name), CASTOR_ARG(one->name));
    }
    return refusal->code == 0;
}

/* ---- an exchange, from begin to gone ---- */

/* Before the answer: who has that may ask at once what the request was. */
static void note(const plx_exchange *e)
{
    bool is_control = cst_str_starts_with(e->path, "/pollux/");

    if (e->world->witness && !is_control) plx_witness_note(e->world->witness, e->head, cst_buf_view(&e->body));
}

static void on_timer(plx_reply *reply)
{
    plx_exchange *e = reply->user;

    if (e->on_timer) e->on_timer(e);
}

static void on_gone(plx_reply *reply)
{
    plx_exchange *e = reply->user;

    if (e->on_gone) e->on_gone(e);
    plx_spoil_note_bystander(e);
    plx_stats_add_request(e->world->stats, e);
    if (--e->world->under_way == 0) plx_catalogue_sweep(e->world->catalogue);
    cst_json_doc_free(&e->document);
    cst_buf_free(&e->body);
    cst_arena_free(&e->arena);
    free(e);
}

static void on_body(plx_reply *reply, castor_str bytes)
{
    plx_exchange *e = reply->user;
    plx_refusal   refusal = { .code = 0 };

    if (e->refusal || plx_spoiler_has_answer(e->spoiler)) return;
    switch (cst_buf_append_str(&e->body, bytes)) {
    case CASTOR_OK: return;
    case CASTOR_LIMIT:
        plx_refuse_page(&refusal, 413, "Your client issued a request that was too large.");
        break;
    default: plx_refuse_memory(&refusal); break;
    }
    plx_exchange_refuse(e, &refusal); /* the exchange is gone now, or will be */
}

static void on_body_end(plx_reply *reply)
{
    plx_exchange *e = reply->user;
    plx_refusal   refusal = { .code = 0 };

    note(e);
    if (plx_spoiler_answer(e->spoiler)) return;
    if (e->refusal) plx_exchange_refuse(e, e->refusal);
    else if (!check_query(e, &refusal)) plx_exchange_refuse(e, &refusal);
    else if (e->endpoint->takes_json && !read_json(e, &refusal)) plx_exchange_refuse(e, &refusal);
    else e->endpoint->answer(e);
}

static plx_exchange *new_exchange(plx_world *world, plx_reply *reply, const plx_head *head)
{
    const cst_allocator *allocator = cst_allocator_default();
    plx_exchange        *e = calloc(1, sizeof *e);

    if (!e) return NULL;
    world->under_way++;
    e->world = world;
    e->reply = reply;
    e->head = head;
    cst_arena_init(&e->arena, allocator);
    cst_buf_init(&e->body, allocator, PLX_BODY_BYTES_MAX);
    cst_json_doc_init(&e->document, allocator);
    reply->user = e;
    reply->on_body = on_body;
    reply->on_body_end = on_body_end;
    reply->on_timer = on_timer;
    reply->on_writable = on_timer;
    reply->on_gone = on_gone;
    return e;
}

static bool find_endpoint(plx_exchange *e, plx_refusal *refusal)
{
    castor_status status = plx_target_parse(e, e->head->target);

    if (status == CASTOR_NO_MEMORY) return plx_refuse_memory(refusal);
    if (status != CASTOR_OK) return plx_refuse(refusal, 400, "The request's path or query holds a bad escape.");
    e->endpoint = plx_surface_find(e, e->head->method, refusal);
    return e->endpoint != NULL;
}

static void begin(void *user, plx_reply *reply, const plx_head *head)
{
    plx_exchange *e = new_exchange(user, reply, head);
    plx_refusal   refusal = { .code = 0 };

    if (!e) {
        plx_reply_abort(reply, PLX_ABORT_RESET, PLX_CODE_INTERNAL_ERROR);
        return;
    }
    if (find_endpoint(e, &refusal)) plx_key_take(e, &refusal);
    plx_spoil_early(e, &refusal);
    if (refusal.code) {
        plx_exchange_refuse_later(e, &refusal);
    } else if (e->endpoint->begin && !plx_spoiler_has_answer(e->spoiler)) {
        note(e);
        e->endpoint->begin(e);
    }
}

static void refuse(void *user, plx_reply *reply, int status, const char *why)
{
    static const plx_head no_head = { .version = PLX_HTTP_1_1 };
    plx_exchange         *e = new_exchange(user, reply, &no_head);
    plx_refusal           refusal = { .code = 0 };

    if (!e) {
        plx_reply_abort(reply, PLX_ABORT_RESET, PLX_CODE_INTERNAL_ERROR);
        return;
    }
    plx_refuse(&refusal, status, "%s", why);
    plx_exchange_refuse(e, &refusal);
}

static plx_welcome welcome(void *user)
{
    plx_world *world = user;

    return world->armory ? plx_armory_welcome(world->armory) : PLX_WELCOME_SERVE;
}

plx_handler plx_api_handler(plx_world *world)
{
    return (plx_handler){ .user = world, .welcome = welcome, .begin = begin, .refuse = refuse };
}
