/* quota.h -- how much a key may ask of a model: requests and input tokens a minute, requests a day.
 * SPDX-License-Identifier: MIT
 *
 * Off unless --tier or a limit is given: tests and demonstrations that do not ask for limits must not run into them.
 * The service counts by project; here a key is a project.
 */
#ifndef PLX_QUOTA_H
#define PLX_QUOTA_H

#include "api/world.h"
#include "json_writer.h"
#include "proto/refusal.h"

typedef enum plx_tier { PLX_TIER_OFF = 0, PLX_TIER_FREE, PLX_TIER_1, PLX_TIER_2 } plx_tier;

/* The limits of each key and model. Unset: the tier's; with PLX_TIER_OFF none. */
typedef struct plx_quota_plan {
    plx_tier   tier;
    castor_i64 requests_a_minute;
    castor_i64 tokens_a_minute;
    castor_i64 requests_a_day;
} plx_quota_plan;

/* NULL in `*out` when the plan limits nothing. False: no memory. */
bool plx_quotas_new(plx_quotas **out, const plx_quota_plan *plan);
void plx_quotas_free(plx_quotas *quotas);
void plx_quotas_reset(void *quotas);

/* Counts one request of so many input tokens against the key's limits for the model. False: one of them is reached,
 * nothing is counted, and `refusal` tells so; `model`, a name, must live as long as it. To be called once for each
 * request that generates, after all that could refuse it, and before the answer begins. */
bool plx_quota_take(plx_world *world, castor_str key, castor_str model, uint64_t input_tokens, plx_refusal *refusal);

/* What is used, for GET /pollux/stats: a list of objects. */
void plx_quotas_put(cst_json_writer *writer, const plx_world *world);

#endif
