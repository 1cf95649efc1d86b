/* caches.c -- cached contents: what is known of each, and who may use it.
 * SPDX-License-Identifier: MIT
 */
#include "api/caches.h"

#include <stdlib.h>

#include "api/resources.h"
#include "proto/fields.h"

struct plx_caches {
    plx_shelf shelf;
};

static void free_cache(plx_shelved *one)
{
    free(one);
}

plx_caches *plx_caches_new(void)
{
    plx_caches *caches = calloc(1, sizeof *caches);

    if (caches) caches->shelf = (plx_shelf){ .count_max = PLX_CACHES_MAX, .free_one = free_cache };
    return caches;
}

void plx_caches_free(plx_caches *caches)
{
    if (!caches) return;
    plx_shelf_clear(&caches->shelf);
    free(caches);
}

plx_shelf *plx_caches_shelf(plx_caches *caches) { return &caches->shelf; }

plx_cache *plx_caches_find(const plx_world *world, plx_owner owner, castor_str id, plx_refusal *refusal)
{
    plx_shelf *shelf = plx_caches_shelf(world->resources->caches);

    plx_shelf_sweep(shelf, plx_world_now_us(world));
    plx_cache *cache = (plx_cache *)plx_shelf_find_own(shelf, "cachedContents", id, owner);
    if (!cache) plx_refuse(refusal, 403, "CachedContent not found (or permission denied)");
    return cache;
}

/* What is in the cache cannot be in the request too. */
static bool check_rest(const cst_json *request, plx_refusal *refusal)
{
    static const char *const cached[] = { "systemInstruction", "tools", "toolConfig" };

    for (size_t i = 0; i < sizeof cached / sizeof cached[0]; i++) {
        const cst_json *value = plx_field_get(request, cached[i]);
        bool            is_empty_list = cst_json_type_of(value) == CST_JSON_ARRAY && cst_json_count(value) == 0;
        if (!value || is_empty_list) continue; /* to proto3 they are the same */
        return plx_refuse(refusal, 400,
                          "CachedContent can not be used with GenerateContent request setting system_instruction, "
                          "tools or tool_config.\n\nProposed fix: move those values to CachedContent from "
                          "GenerateContent request.");
    }
    return true;
}

static bool check_model(const plx_cache *cache, castor_str model, plx_refusal *refusal)
{
    castor_str asked = plx_model_bare_name(model);

    if (cst_str_equal(plx_model_bare_name(castor_str_of(cache->model)), asked)) return true;
    return plx_refuse(refusal, 400,
                      "Model used by GenerateContent request (models/%.*s) and CachedContent (%s) has to be the same.",
                      CASTOR_ARG(asked), cache->model);
}

bool plx_caches_check_use(const plx_world *world, plx_owner owner, const cst_json *request, castor_str model,
                          uint64_t *token_count, plx_refusal *refusal)
{
    static const char prefix[] = "cachedContents/";
    castor_str        name = cst_json_string(plx_field_get(request, "cachedContent"));
    size_t            len = sizeof prefix - 1;

    *token_count = 0;
    if (name.len == 0) return true;
    if (!cst_str_starts_with(name, prefix)) {
        return plx_refuse(refusal, 400,
                          "* GenerateContentRequest.cached_content: the name must be `cachedContents/` and then an "
                          "id.\n");
    }
    const plx_cache *cache = plx_caches_find(world, owner, (castor_str){ name.data + len, name.len - len }, refusal);
    if (!cache || !check_rest(request, refusal) || !check_model(cache, model, refusal)) return false;
    *token_count = cache->token_count;
    return true;
}
