/* quota.c -- how much a key may ask of a model.
 * SPDX-License-Identifier: MIT
 *
 * A minute begins with the first request that is counted in it, so that a test knows when it ends; the service does not
 * say how it counts. A day ends at midnight in California. Both go by the world's clock.
 */
#include "api/quota.h"

#include <stdio.h>
#include <stdlib.h>

#define SECOND_US 1000000ll
#define MINUTE_US (60 * SECOND_US)
#define DAY_US    (24 * 3600 * SECOND_US)

enum { KEY_TAIL_LEN = 4, KEY_LEN_LEAST = 8 /* of one whose end may be shown */, MODEL_NAME_SIZE = 160 };

typedef enum measure { REQUESTS_A_MINUTE = 0, TOKENS_A_MINUTE, REQUESTS_A_DAY, MEASURES } measure;

/* What one key has used of one model. The key itself is not kept. */
typedef struct account {
    uint64_t key_hash;
    char     key_tail[KEY_TAIL_LEN + 1]; /* to tell accounts apart in a list; empty: the key is short */
    char     model[MODEL_NAME_SIZE];
    uint64_t used[MEASURES];
    int64_t  minute_ends_us; /* 0: none has begun */
    int64_t  day_ends_us;
    int64_t  last_us;        /* of the latest request */
} account;

struct plx_quotas {
    castor_i64 limits[MEASURES]; /* unset: none */
    bool       is_free_tier;
    account    accounts[PLX_QUOTA_ACCOUNTS_MAX];
    size_t     account_count;
};

/* Tier 1 has the numbers of the page that castor was made from. No current ones are printed for any tier: those of the
 * free tier were seen in errors of 2025 and 2026; those of tier 2 are ours. */
static const int64_t tier_limits[][MEASURES] = {
    [PLX_TIER_OFF] = { -1, -1, -1 },
    [PLX_TIER_FREE] = { 10, 250000, 20 },
    [PLX_TIER_1] = { 600, 60000, 10000 },
    [PLX_TIER_2] = { 2000, 1000000, 50000 },
};

/* Those of the free tier were seen. For the others, names are as the reference has them: without the tier. */
static const struct {
    const char *metric, *free_metric;
    const char *id, *free_id;
} names[MEASURES] = {
    [REQUESTS_A_MINUTE] = { "generate_requests_per_model", "generate_content_free_tier_requests",
                            "GenerateRequestsPerMinutePerProjectPerModel",
                            "GenerateRequestsPerMinutePerProjectPerModel-FreeTier" },
    [TOKENS_A_MINUTE] = { "generate_content_input_token_count", "generate_content_free_tier_input_token_count",
                          "GenerateContentInputTokensPerModelPerMinute",
                          "GenerateContentInputTokensPerModelPerMinute-FreeTier" },
    [REQUESTS_A_DAY] = { "generate_requests_per_model_per_day", "generate_content_free_tier_requests",
                         "GenerateRequestsPerDayPerProjectPerModel",
                         "GenerateRequestsPerDayPerProjectPerModel-FreeTier" },
};

/* ---- the store ---- */

bool plx_quotas_new(plx_quotas **out, const plx_quota_plan *plan)
{
    castor_i64 asked[MEASURES] = { plan->requests_a_minute, plan->tokens_a_minute, plan->requests_a_day };
    bool       has_limits = false;

    *out = NULL;
    for (size_t i = 0; i < MEASURES; i++) {
        int64_t of_tier = tier_limits[plan->tier][i];
        if (!asked[i].is_set && of_tier >= 0) asked[i] = castor_some_i64(of_tier);
        if (asked[i].is_set) has_limits = true;
    }
    if (!has_limits) return true;
    *out = calloc(1, sizeof **out);
    if (!*out) return false;
    memcpy((*out)->limits, asked, sizeof asked);
    (*out)->is_free_tier = plan->tier == PLX_TIER_FREE;
    return true;
}

void plx_quotas_free(plx_quotas *quotas) { free(quotas); }

void plx_quotas_reset(void *quotas) { ((plx_quotas *)quotas)->account_count = 0; }

static uint64_t hash(castor_str text)
{
    uint64_t hash = 14695981039346656037u; /* FNV-1a */

    for (size_t i = 0; i < text.len; i++) hash = (hash ^ (unsigned char)text.data[i]) * 1099511628211u;
    return hash;
}

/* The place for a new one: that of the account that was used longest ago, when there is no other. */
static account *make_room(plx_quotas *quotas)
{
    account *oldest = &quotas->accounts[0];

    if (quotas->account_count < PLX_QUOTA_ACCOUNTS_MAX) return &quotas->accounts[quotas->account_count++];
    for (size_t i = 1; i < quotas->account_count; i++) {
        if (quotas->accounts[i].last_us < oldest->last_us) oldest = &quotas->accounts[i];
    }
    return oldest;
}

static account *account_of(plx_quotas *quotas, castor_str key, castor_str model)
{
    uint64_t key_hash = hash(key);
    size_t   tail = key.len < KEY_LEN_LEAST ? 0 : KEY_TAIL_LEN;
    char     name[MODEL_NAME_SIZE];

    cst_copy_text(name, sizeof name, model);
    for (size_t i = 0; i < quotas->account_count; i++) {
        account *one = &quotas->accounts[i];
        if (one->key_hash == key_hash && strcmp(one->model, name) == 0) return one;
    }
    account *fresh = make_room(quotas);
    *fresh = (account){ .key_hash = key_hash };
    cst_copy_text(fresh->key_tail, sizeof fresh->key_tail, (castor_str){ key.data + key.len - tail, tail });
    memcpy(fresh->model, name, sizeof name);
    return fresh;
}

/* ---- when ---- */

/* The day of the week of a day since 1970-01-01, which was a Thursday; 0: Sunday. */
static int64_t weekday_of(int64_t day) { return (day + 4) % 7; }

/* Whether California has summer time: from the second Sunday in March to the first in November, at 2 in the morning by
 * its own clock, as since 2007. `time_us` is Pacific standard time. */
static bool is_summer_time(int64_t time_us)
{
    int64_t day = time_us / DAY_US;
    int64_t era_day = day + 719468; /* from 0000-03-01: years from March on, leap days at their end */
    int64_t in_era = era_day % 146097;
    int64_t year = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
    int64_t march_1 = day - (in_era - (365 * year + year / 4 - year / 100));
    int64_t november_1 = march_1 + 245;
    int64_t begins = march_1 + (7 - weekday_of(march_1)) % 7 + 7;
    int64_t ends = november_1 + (7 - weekday_of(november_1)) % 7;

    return time_us >= begins * DAY_US + 2 * 3600 * SECOND_US && time_us < ends * DAY_US + 3600 * SECOND_US;
}

static int64_t pacific(int64_t now_us)
{
    int64_t standard_us = now_us - 8 * 3600 * SECOND_US;

    return is_summer_time(standard_us) ? standard_us + 3600 * SECOND_US : standard_us;
}

/* The next midnight in California. The two days of the year that have 23 or 25 hours are seen to. */
static int64_t day_end_after(int64_t now_us)
{
    int64_t left_us = DAY_US - pacific(now_us) % DAY_US;
    int64_t late_us = pacific(now_us + left_us) % DAY_US;

    if (late_us >= DAY_US / 2) late_us -= DAY_US; /* an hour too early */
    return now_us + left_us - late_us;
}

/* Windows that are over begin anew. */
static void roll(account *a, int64_t now_us)
{
    if (a->minute_ends_us <= now_us) {
        a->used[REQUESTS_A_MINUTE] = a->used[TOKENS_A_MINUTE] = 0;
        a->minute_ends_us = now_us + MINUTE_US;
    }
    if (a->day_ends_us <= now_us) {
        a->used[REQUESTS_A_DAY] = 0;
        a->day_ends_us = day_end_after(now_us);
    }
}

/* ---- how much ---- */

static uint64_t limit_of(const plx_quotas *quotas, measure which, bool is_offered)
{
    if (!is_offered) return 0;
    return quotas->limits[which].is_set ? (uint64_t)quotas->limits[which].value : UINT64_MAX;
}

static bool refuse(const plx_quotas *quotas, const account *a, const bool *is_over, bool is_offered, castor_str model,
                   plx_refusal *refusal)
{
    plx_quota_violation violations[MEASURES];
    size_t              count = 0;
    int64_t             until_us = a->minute_ends_us;

    for (size_t i = 0; i < MEASURES; i++) {
        if (!is_over[i]) continue;
        violations[count++] = (plx_quota_violation){
            quotas->is_free_tier ? names[i].free_metric : names[i].metric,
            quotas->is_free_tier ? names[i].free_id : names[i].id,
            limit_of(quotas, (measure)i, is_offered),
            model,
        };
        if (i == REQUESTS_A_DAY) until_us = a->day_ends_us;
    }
    return plx_refuse_quota(refusal, violations, count, until_us - a->last_us);
}

bool plx_quota_take(plx_world *world, castor_str key, castor_str model, uint64_t input_tokens, plx_refusal *refusal)
{
    plx_quotas      *quotas = world->quotas;
    const plx_model *known = plx_model_find(world->models, model);
    uint64_t         more[MEASURES] = { 1, input_tokens, 1 };
    bool             is_over[MEASURES], is_any_over = false;

    if (!quotas) return true;
    bool     is_offered = !quotas->is_free_tier || !known || known->is_free;
    account *a = account_of(quotas, key, model);
    a->last_us = plx_world_now_us(world);
    roll(a, a->last_us);
    for (size_t i = 0; i < MEASURES; i++) {
        uint64_t limit = limit_of(quotas, (measure)i, is_offered);
        is_over[i] = more[i] > limit || a->used[i] > limit - more[i];
        is_any_over = is_any_over || is_over[i];
    }
    if (is_any_over) return refuse(quotas, a, is_over, is_offered, plx_model_bare_name(model), refusal);
    for (size_t i = 0; i < MEASURES; i++) a->used[i] += more[i];
    return true;
}

/* ---- for stats ---- */

static void put_measure(cst_json_writer *w, const char *key, uint64_t used, castor_i64 limit)
{
    cst_json_key(w, key);
    cst_json_open_object(w);
    cst_json_put_count(w, "used", castor_some_i64((int64_t)used));
    cst_json_put_count(w, "limit", limit);
    cst_json_close_object(w);
}

void plx_quotas_put(cst_json_writer *writer, const plx_world *world)
{
    const plx_quotas *quotas = world->quotas;
    char              tail[KEY_TAIL_LEN + 4];

    cst_json_open_array(writer);
    for (size_t i = 0; quotas && i < quotas->account_count; i++) {
        account a = quotas->accounts[i];
        roll(&a, plx_world_now_us(world));
        snprintf(tail, sizeof tail, "...%s", a.key_tail);
        cst_json_open_object(writer);
        cst_json_put_member(writer, "key", tail);
        cst_json_put_member(writer, "model", a.model);
        put_measure(writer, "requests_a_minute", a.used[REQUESTS_A_MINUTE], quotas->limits[REQUESTS_A_MINUTE]);
        put_measure(writer, "tokens_a_minute", a.used[TOKENS_A_MINUTE], quotas->limits[TOKENS_A_MINUTE]);
        put_measure(writer, "requests_a_day", a.used[REQUESTS_A_DAY], quotas->limits[REQUESTS_A_DAY]);
        cst_json_close_object(writer);
    }
    cst_json_close_array(writer);
}
