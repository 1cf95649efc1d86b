/* caches.h -- cached contents: what is known of each, and who may use it.
 * SPDX-License-Identifier: MIT
 *
 * What a cache holds is counted and forgotten: nothing of it is ever returned, and no answer depends on it.
 */
#ifndef PLX_CACHES_H
#define PLX_CACHES_H

#include "api/shelf.h"

enum { PLX_MODEL_NAME_SIZE = 160 };

typedef struct plx_cache {
    plx_shelved shelved;                     /* "cachedContents/abc" */
    char        model[PLX_MODEL_NAME_SIZE];  /* "models/x", as it was asked for */
    char        display_name[PLX_CACHE_NAME_CHARS_MAX * 4 + 1];
    uint64_t    token_count;
} plx_cache;

typedef struct plx_caches plx_caches;

plx_caches *plx_caches_new(void); /* NULL: no memory */
void        plx_caches_free(plx_caches *caches);
plx_shelf  *plx_caches_shelf(plx_caches *caches);

/* One of the owner's by its id; NULL: refused, whether it is another's, has expired or was never there. */
plx_cache *plx_caches_find(const plx_world *world, plx_owner owner, castor_str id, plx_refusal *refusal);

/* What a request's cachedContent adds to it: tokens. True with 0 when it names none. False: it may not be used, for its
 * own sake, or because of what else is in the request; `model` is the request's, with or without "models/". */
bool plx_caches_check_use(const plx_world *world, plx_owner owner, const cst_json *request, castor_str model,
                          uint64_t *token_count, plx_refusal *refusal);

#endif
