/* caches_api.c -- the methods of cached contents: create, list, get, patch, delete.
 * SPDX-License-Identifier: MIT
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/caches.h"
#include "api/handlers.h"
#include "api/models.h"
#include "api/resources.h"
#include "generate/ask.h"
#include "generate/ask_fields.h"
#include "json_cursor.h"
#include "proto/fields.h"
#include "proto/timestamp.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define PACKAGE "type.googleapis.com/google.ai.generativelanguage.v1beta."
#define US_PER_S 1000000ll

enum { ID_LETTERS = 36, TTL_DEFAULT_S = 3600, QUOTED_BYTES = 100 };

static const plx_field cache_fields[] = {
    { "name", NULL, PLX_STRING }, { "model", NULL, PLX_STRING }, { "displayName", NULL, PLX_STRING },
    { "contents", &plx_content_type, PLX_MESSAGE, .is_list = true },
    { "systemInstruction", &plx_content_type, PLX_MESSAGE },
    { "tools", &plx_tool_type, PLX_MESSAGE, .is_list = true }, { "toolConfig", &plx_tool_config_type, PLX_MESSAGE },
    { "ttl", NULL }, { "expireTime", NULL }, { "createTime", NULL }, { "updateTime", NULL }, { "usageMetadata", NULL },
};
static const plx_message_type cache_type = { PACKAGE "CachedContent", cache_fields, COUNT_OF(cache_fields) };

/* ---- the resource ---- */

static void put_cache(cst_json_writer *w, const plx_shelved *one, const plx_exchange *e)
{
    const plx_cache *cache = (const plx_cache *)one;

    (void)e;
    cst_json_open_object(w);
    cst_json_put_member(w, "name", one->name);
    cst_json_put_member(w, "model", cache->model);
    if (cache->display_name[0]) cst_json_put_member(w, "displayName", cache->display_name);
    plx_put_time(w, "createTime", one->created_us);
    plx_put_time(w, "updateTime", one->updated_us);
    plx_put_time(w, "expireTime", one->expires_us);
    cst_json_key(w, "usageMetadata");
    cst_json_open_object(w);
    cst_json_key(w, "totalTokenCount");
    cst_json_put_integer(w, (int64_t)cache->token_count);
    cst_json_close_object(w);
    cst_json_close_object(w);
}

static void send_cache(plx_exchange *e, const plx_cache *cache)
{
    cst_buf         json;
    cst_json_writer w = cst_json_writer_to(&json);

    cst_buf_init(&json, cst_allocator_default(), PLX_SCHEMA_BYTES_MAX);
    put_cache(&w, &cache->shelved, e);
    plx_exchange_send_json(e, &json, w.status);
    cst_buf_free(&json);
}

/* ---- when it expires ---- */

/* `value` stands where text of that type is wanted. */
static bool refuse_value(const char *field, const char *type, const cst_json *value, plx_refusal *refusal)
{
    char       scratch[32];
    castor_str label = cst_json_label(value, scratch);
    const char *quote = cst_json_type_of(value) == CST_JSON_STRING ? "\"" : "";

    return plx_refuse_field(refusal, field, "Invalid value at '%s' (type.googleapis.com/google.protobuf.%s), %s%.*s%s",
                            field, type, quote, (int)cst_utf8_prefix(label, QUOTED_BYTES), label.data ? label.data : "",
                            quote);
}

static bool read_ttl(const cst_json *ttl, int64_t now_us, int64_t *expires_us, plx_refusal *refusal)
{
    castor_str text = cst_json_string(ttl);
    int64_t    us = 0;

    if (!text.data || !plx_duration_parse(text, &us)) {
        return refuse_value("cached_content.ttl", "Duration", ttl, refusal);
    }
    *expires_us = now_us + us;
    return us > 0 || plx_refuse(refusal, 400, "* CachedContent.ttl: the ttl must be longer than 0 seconds.\n");
}

static bool read_expire_time(const cst_json *time, int64_t now_us, int64_t *expires_us, plx_refusal *refusal)
{
    castor_str text = cst_json_string(time);

    if (!text.data || !plx_timestamp_parse(text, expires_us)) {
        return refuse_value("cached_content.expire_time", "Timestamp", time, refusal);
    }
    return *expires_us > now_us || plx_refuse(refusal, 400, "* CachedContent.expire_time: it must be in the future.\n");
}

/* Leaves `*expires_us` when the body has neither. */
static bool read_expiry(const cst_json *body, int64_t now_us, int64_t *expires_us, plx_refusal *refusal)
{
    const cst_json *ttl = plx_field_get(body, "ttl");
    const cst_json *time = plx_field_get(body, "expireTime");

    if (ttl && time) {
        return plx_refuse_field(refusal, "cached_content",
                                "Invalid value at 'cached_content' (oneof), oneof field 'expiration' is already set. "
                                "Cannot set 'expireTime'");
    }
    if (ttl) return read_ttl(ttl, now_us, expires_us, refusal);
    return !time || read_expire_time(time, now_us, expires_us, refusal);
}

/* ---- create ---- */

/* How the client has spelled it. */
static castor_str name_of(const cst_json *object, const cst_json *member)
{
    cst_json_iterator members = cst_json_iterate(object);
    const cst_json   *one;
    castor_str        name = CST_NONE;

    while ((one = cst_json_next(&members, &name)) && one != member) { }
    return name;
}

/* The part of the body that is a request, as one. */
static castor_status print_request(const plx_exchange *e, cst_buf *out)
{
    static const char *const taken[] = { "contents", "systemInstruction", "tools", "toolConfig" };
    cst_json_writer          w = cst_json_writer_to(out);
    cst_json_cursor          root = cst_json_cursor_at_root(&e->document, cst_buf_view(&e->body));

    cst_json_open_object(&w);
    for (size_t i = 0; i < COUNT_OF(taken); i++) {
        const cst_json *member = plx_field_get(e->json, taken[i]);
        if (!member) continue;
        cst_json_key(&w, taken[i]);
        cst_json_put_raw(&w, cst_json_source(cst_json_cursor_find(root, name_of(e->json, member))));
    }
    if (plx_list_count(plx_field_get(e->json, "contents")) == 0) {
        cst_json_key(&w, "contents"); /* a cache may do without, a request not */
        cst_json_put_raw(&w, CASTOR_STR("[{\"role\":\"user\",\"parts\":[{\"text\":\"\"}]}]"));
    }
    cst_json_close_object(&w);
    return w.status;
}

/* By reading it as a request of the model: the estimate of countTokens, and the same rules. */
static bool count_tokens(plx_exchange *e, const plx_model *model, uint64_t *count, plx_refusal *refusal)
{
    cst_buf      text;
    cst_json_doc document;
    plx_terms    terms = { .model = model->name, .facts = model, .arena = &e->arena, .only_counts = true };
    plx_ask      ask;

    cst_buf_init(&text, cst_allocator_default(), PLX_BODY_BYTES_MAX);
    cst_json_doc_init(&document, cst_allocator_default());
    castor_status status = print_request(e, &text);
    if (status == CASTOR_OK) status = cst_json_read(&document, cst_buf_view(&text), NULL, NULL);
    if (status != CASTOR_OK) {
        plx_refuse_memory(refusal);
    } else {
        plx_ask_read_gemini(&ask, cst_json_root(&document), &terms, refusal);
        *count = plx_token_total(&ask.prompt_tokens);
    }
    cst_json_doc_free(&document);
    cst_buf_free(&text);
    return refusal->code == 0;
}

static bool check_size(const plx_model *model, uint64_t count, plx_refusal *refusal)
{
    if (count < (uint64_t)model->cache_tokens_least) {
        return plx_refuse(refusal, 400,
                          "Cached content is too small. total_token_count=%" PRIu64 ", min_total_token_count=%" PRId64,
                          count, model->cache_tokens_least);
    }
    return plx_model_check_input(model, count, refusal);
}

static bool read_names(plx_cache *cache, const cst_json *body, plx_refusal *refusal)
{
    castor_str model = cst_json_string(plx_field_get(body, "model"));
    castor_str display_name = cst_json_string(plx_field_get(body, "displayName"));
    castor_str bare = plx_model_bare_name(model);

    if (bare.len == 0 || bare.len + sizeof "models/" > sizeof cache->model) {
        return plx_refuse(refusal, 400, "* CreateCachedContentRequest.cached_content.model: model is not specified\n");
    }
    snprintf(cache->model, sizeof cache->model, "models/%.*s", CASTOR_ARG(bare));
    cst_copy_text(cache->display_name, sizeof cache->display_name, display_name);
    if (plx_count_characters(display_name) <= PLX_CACHE_NAME_CHARS_MAX) return true;
    return plx_refuse(refusal, 400,
                      "* CreateCachedContentRequest.cached_content.display_name: it has more than %d characters.\n",
                      (int)PLX_CACHE_NAME_CHARS_MAX);
}

static bool read_cache(plx_cache *cache, plx_exchange *e, plx_refusal *refusal)
{
    int64_t          now_us = plx_world_now_us(e->world);
    const plx_model *model;

    cache->shelved.owner = plx_owner_of(e);
    cache->shelved.created_us = cache->shelved.updated_us = now_us;
    cache->shelved.expires_us = now_us + TTL_DEFAULT_S * US_PER_S;
    return plx_fields_check_in("cachedContent", e->json, &cache_type, refusal) && read_names(cache, e->json, refusal) &&
           (model = plx_model_for(e, castor_str_of(cache->model), "createCachedContent", refusal)) &&
           read_expiry(e->json, now_us, &cache->shelved.expires_us, refusal) &&
           count_tokens(e, model, &cache->token_count, refusal) &&
           plx_files_check_use(e->world, cache->shelved.owner, e->json, refusal) &&
           check_size(model, cache->token_count, refusal);
}

void plx_answer_cache_create(plx_exchange *e)
{
    plx_shelf  *shelf = plx_caches_shelf(e->world->resources->caches);
    plx_cache  *cache = calloc(1, sizeof *cache);
    plx_refusal refusal = { .code = 0 };

    plx_shelf_sweep(shelf, plx_world_now_us(e->world));
    if (!cache) {
        plx_refuse_memory(&refusal);
    } else if (read_cache(cache, e, &refusal)) {
        plx_shelf_make_name(shelf, cache->shelved.name, "cachedContents", ID_LETTERS, &e->world->chance);
        if (plx_shelf_put(shelf, &cache->shelved)) {
            send_cache(e, cache);
            return;
        }
        plx_refuse(&refusal, 429, "The emulator keeps no more than %d caches; delete some.", (int)PLX_CACHES_MAX);
    }
    free(cache);
    plx_exchange_refuse(e, &refusal);
}

/* ---- the others ---- */

/* NULL: it is refused already. */
static plx_cache *find(plx_exchange *e)
{
    plx_refusal refusal = { .code = 0 };
    plx_cache  *cache = plx_caches_find(e->world, plx_owner_of(e), e->names[0], &refusal);

    if (!cache) plx_exchange_refuse(e, &refusal);
    return cache;
}

void plx_answer_cache(plx_exchange *e)
{
    const plx_cache *cache = find(e);

    if (cache) send_cache(e, cache);
}

void plx_answer_caches(plx_exchange *e)
{
    static const plx_page_rule rule = { "cachedContents", 100, 1000 }; /* the default is not known */
    plx_shelf                 *shelf = plx_caches_shelf(e->world->resources->caches);

    plx_shelf_sweep(shelf, plx_world_now_us(e->world));
    plx_shelf_send_list(e, shelf, &rule, "cachedContents", put_cache);
}

void plx_answer_cache_delete(plx_exchange *e)
{
    plx_cache *cache = find(e);

    if (!cache) return;
    plx_shelf_remove(plx_caches_shelf(e->world->resources->caches), &cache->shelved);
    plx_exchange_send_empty(e);
}

/* ---- patch ---- */

static bool is_expiry(castor_str name)
{
    return cst_str_is(name, "ttl") || cst_str_is(name, "expireTime") || cst_str_is(name, "expire_time");
}

static bool refuse_update(castor_str name, plx_refusal *refusal)
{
    return plx_refuse(refusal, 400,
                      "* UpdateCachedContentRequest.update_mask: only `ttl` and `expire_time` can be updated, not "
                      "`%.*s`.\n",
                      CASTOR_ARG(name));
}

/* "ttl" and the like, in a list with commas. */
static bool check_mask(castor_str mask, plx_refusal *refusal)
{
    while (mask.len > 0) {
        const char *comma = memchr(mask.data, ',', mask.len);
        size_t      len = comma ? (size_t)(comma - mask.data) : mask.len;
        castor_str  path = cst_str_trim((castor_str){ mask.data, len });
        if (!is_expiry(path)) return refuse_update(path, refusal);
        mask = comma ? (castor_str){ comma + 1, mask.len - len - 1 } : CST_NONE;
    }
    return true;
}

static bool check_update(const plx_exchange *e, plx_refusal *refusal)
{
    castor_str        mask = plx_exchange_query(e, "updateMask");
    cst_json_iterator members = cst_json_iterate(e->json);
    castor_str        key;

    if (!plx_fields_check_in("cachedContent", e->json, &cache_type, refusal)) return false;
    if (!check_mask(mask, refusal)) return false;
    while (cst_json_next(&members, &key)) {
        if (!is_expiry(key) && !cst_str_is(key, "name")) return refuse_update(key, refusal);
    }
    return plx_field_get(e->json, "ttl") || plx_field_get(e->json, "expireTime") ||
           plx_refuse(refusal, 400, "* UpdateCachedContentRequest.cached_content: ttl or expire_time must be there.\n");
}

void plx_answer_cache_patch(plx_exchange *e)
{
    plx_refusal refusal = { .code = 0 };
    int64_t     now_us = plx_world_now_us(e->world);
    int64_t     expires_us = 0;
    plx_cache  *cache = find(e);

    if (!cache) return;
    if (check_update(e, &refusal) && read_expiry(e->json, now_us, &expires_us, &refusal)) {
        cache->shelved.expires_us = expires_us;
        cache->shelved.updated_us = now_us;
        send_cache(e, cache);
    } else {
        plx_exchange_refuse(e, &refusal);
    }
}
