/* retry.c -- whether a call that failed is sent again, and when.
 * SPDX-License-Identifier: MIT
 */
#include "retry.h"

#include <stdio.h>
#include <stdlib.h>

#include "given.h"

bool cst_retry_is_transient(int32_t code, castor_verdict verdict)
{
    if (verdict == CASTOR_VERDICT_QUOTA_DAY || verdict == CASTOR_VERDICT_AUTH) return false;
    if (verdict == CASTOR_VERDICT_NETWORK || verdict == CASTOR_VERDICT_QUOTA_NOW) return true;
    return code == 408 || code == 429 || code == 500 || code == 502 || code == 503 || code == 504;
}

/* ---- a delay in words ---- */

typedef struct time_unit {
    const char *name;
    int64_t     ms;
} time_unit;

static int64_t unit_of(castor_str word)
{
    static const time_unit units[] = {
        { "s", 1000 }, { "ms", 1 }, { "m", 60000 }, { "h", 3600000 }, { "second", 1000 }, { "seconds", 1000 },
        { "sec", 1000 }, { "minute", 60000 }, { "minutes", 60000 }, { "min", 60000 }, { "hour", 3600000 },
        { "hours", 3600000 }, { "milliseconds", 1 },
    };

    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (cst_str_is(word, units[i].name)) return units[i].ms;
    }
    return 0;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static void skip(castor_str *text, size_t count)
{
    text->data += count;
    text->len -= count;
}

static const int64_t delay_max_ms = CST_RETRY_AFTER_MAX_S * 1000LL;

/* "33.3784" as 33379 thousandths, rounded up: who asks too early is refused again. False: no digit is there. */
static bool take_thousandths(castor_str *text, int64_t *out)
{
    int64_t number = 0, worth = 1000;
    bool    has_point = false, has_more = false;

    if (text->len == 0 || !is_digit(*text->data)) return false;
    for (; text->len > 0 && (is_digit(*text->data) || (*text->data == '.' && !has_point)); skip(text, 1)) {
        int64_t digit = *text->data - '0';
        if (*text->data == '.') {
            has_point = true;
        } else if (has_point) {
            worth /= 10;
            number += digit * worth;
            has_more |= worth == 0 && digit > 0;
        } else if (number <= delay_max_ms) {
            number = number * 10 + digit * 1000;
        }
    }
    *out = number + has_more;
    return true;
}

/* A number with its unit, off the front of `text`; false: there is none. */
static bool take_quantity(castor_str *text, int64_t *ms)
{
    castor_str rest = *text;
    int64_t    thousandths;

    if (!take_thousandths(&rest, &thousandths)) return false;
    while (rest.len > 0 && *rest.data == ' ') skip(&rest, 1);
    castor_str word = { rest.data, 0 };
    while (word.len < rest.len && word.data[word.len] >= 'a' && word.data[word.len] <= 'z') word.len++;
    int64_t unit_ms = unit_of(word);
    if (unit_ms == 0) return false;
    if (thousandths > delay_max_ms) thousandths = delay_max_ms;
    *ms += (thousandths * unit_ms + 999) / 1000;
    if (*ms > delay_max_ms) *ms = delay_max_ms;
    skip(&rest, word.len);
    *text = rest;
    return true;
}

castor_i64 cst_retry_delay_in(castor_str sentence)
{
    static const castor_str phrases[] = { { "retry in ", 9 }, { "try again in ", 13 }, { "retry after ", 12 } };

    for (; sentence.len > 0; skip(&sentence, 1)) {
        for (size_t i = 0; i < sizeof phrases / sizeof *phrases; i++) {
            castor_str rest = sentence;
            int64_t    ms = 0;
            bool       is_told = false;
            if (rest.len < phrases[i].len ||
                !cst_str_equal_nocase((castor_str){ rest.data, phrases[i].len }, phrases[i])) {
                continue;
            }
            skip(&rest, phrases[i].len);
            while (take_quantity(&rest, &ms)) is_told = true;
            if (is_told) return castor_some_i64(ms);
        }
    }
    return (castor_i64){ 0 };
}

/* ---- the rules ---- */

static castor_status check(const castor_retry_options *options, castor_error *err)
{
    const struct {
        const char *name;
        int64_t     number;
    } numbers[] = { { "attempts_max", options->attempts_max },
                    { "first_delay_ms", options->first_delay_ms },
                    { "delay_max_ms", options->delay_max_ms },
                    { "restart", options->restart } };

    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        if (numbers[i].number >= 0) continue;
        return cst_fail(err, CASTOR_INVALID, "%s of the retries is %lld; give a number, or 0 for the default",
                        numbers[i].name, (long long)numbers[i].number);
    }
    castor_status status = cst_given_count(options->fallback_models, options->fallback_model_count, "fallback models",
                                           err);
    if (status != CASTOR_OK) return status;
    for (size_t i = 0; i < options->fallback_model_count; i++) {
        if (options->fallback_models[i] && options->fallback_models[i][0]) continue;
        return cst_fail(err, CASTOR_INVALID, "fallback model %zu has no name", i);
    }
    return CASTOR_OK;
}

static int64_t or_default(int64_t given, int64_t otherwise)
{
    if (given == 0) return otherwise;
    return given > INT64_MAX / 4 ? INT64_MAX / 4 : given; /* leaves room for sums with the clock */
}

castor_status cst_retry_rules_read(cst_retry_rules *out, const castor_retry_options *options,
                                   const cst_allocator *allocator, castor_error *err)
{
    castor_retry_options given = CASTOR_RETRY_OPTIONS_INIT;

    *out = (cst_retry_rules){ .attempts_max = 1 };
    cst_buf_init(&out->models, allocator, CST_FALLBACK_MODELS_BYTES_MAX);
    castor_status status = cst_given_struct(&given, options, &cst_kind_retry_options, err);
    if (status == CASTOR_OK) status = check(&given, err);
    if (status != CASTOR_OK) return status;
    out->attempts_max = (int32_t)or_default(given.attempts_max, CST_ATTEMPTS_MAX);
    out->restarts_max = given.restart;
    out->budget_ms = or_default(given.budget_ms, CST_RETRY_BUDGET_MS);
    out->first_delay_ms = or_default(given.first_delay_ms, CST_RETRY_FIRST_DELAY_MS);
    out->delay_max_ms = or_default(given.delay_max_ms, CST_RETRY_DELAY_MAX_MS);
    out->on_attempt = given.on_attempt;
    out->on_attempt_user = given.on_attempt_user;
    for (size_t i = 0; status == CASTOR_OK && i < given.fallback_model_count; i++) {
        status = cst_buf_append(&out->models, given.fallback_models[i], strlen(given.fallback_models[i]) + 1);
    }
    if (status != CASTOR_LIMIT) return cst_fail_plainly(err, status);
    return cst_fail(err, CASTOR_INVALID, "the names of the fallback models are longer than %d bytes in all",
                    CST_FALLBACK_MODELS_BYTES_MAX);
}

void cst_retry_rules_free(cst_retry_rules *rules)
{
    cst_buf_free(&rules->models);
}

const char *cst_retry_next_model(const cst_retry_rules *rules, const char *name)
{
    castor_str  models = cst_buf_view(&rules->models);
    const char *next = name ? name + strlen(name) + 1 : models.data;

    return models.data && next < models.data + models.len ? next : NULL;
}

/* ---- the decision ---- */

static bool is_worth_another(const castor_error *error)
{
    switch (error->status) {
    case CASTOR_API_ERROR:
    case CASTOR_NETWORK: return error->is_transient;
    case CASTOR_TIMEOUT: return error->time_limit == CASTOR_LIMIT_CONNECT || error->time_limit == CASTOR_LIMIT_TLS;
    case CASTOR_INCOMPLETE: return error->verdict == CASTOR_VERDICT_TRUNCATED && error->is_transient;
    case CASTOR_OK:
    case CASTOR_INVALID:
    case CASTOR_NO_MEMORY:
    case CASTOR_LIMIT:
    case CASTOR_PROTOCOL:
    case CASTOR_CANCELLED:
    default: return false;
    }
}

/* The model, not the caller's quota or the way there. */
static bool is_overload(const castor_error *error)
{
    if (error->status != CASTOR_API_ERROR) return false;
    return error->http_status == 503 || strcmp(error->code, "503") == 0 || strcmp(error->reason, "UNAVAILABLE") == 0 ||
           strcmp(error->reason, "overloaded_error") == 0;
}

/* From 0 to first, twice first, four times..., all equally likely: so those who failed together do not come back
 * together. Never beyond `left_ms`. */
static int64_t jitter(const cst_retry_rules *rules, const cst_retry_case *given, int64_t left_ms)
{
    int64_t most_ms = rules->first_delay_ms;

    for (int32_t i = 1; i < given->attempts && most_ms < rules->delay_max_ms; i++) most_ms *= 2;
    if (most_ms > rules->delay_max_ms) most_ms = rules->delay_max_ms;
    if (most_ms >= left_ms) most_ms = left_ms - 1;
    if (most_ms > UINT32_MAX) most_ms = UINT32_MAX;
    return (int64_t)(((uint64_t)most_ms * given->random) >> 32);
}

cst_retry_decision cst_retry_decide(const cst_retry_rules *rules, const cst_retry_case *given)
{
    const castor_error *error = given->error;
    bool                is_elsewhere = given->has_other_model && is_overload(error);
    int64_t             told_ms = error->retry_after_ms.is_set ? error->retry_after_ms.value : 0;

    if (!is_worth_another(error)) return (cst_retry_decision){ .answer = CST_RETRY_FINAL };
    if (given->has_given && given->restarts >= rules->restarts_max) {
        return (cst_retry_decision){ .answer = CST_RETRY_GIVEN };
    }
    if (given->attempts >= rules->attempts_max) return (cst_retry_decision){ .answer = CST_RETRY_ATTEMPTS };
    if (is_elsewhere) told_ms = 0; /* said of the model that is busy */
    /* A server closes connections that nobody used for a while: its loss says nothing of how it is. */
    bool is_stale = given->was_reused && !given->has_given && error->status == CASTOR_NETWORK;
    if (given->left_ms <= 0 || told_ms >= given->left_ms) return (cst_retry_decision){ .answer = CST_RETRY_TIME };
    return (cst_retry_decision){
        .answer = CST_RETRY_AGAIN,
        .delay_ms = is_elsewhere || is_stale ? 0 : told_ms + jitter(rules, given, given->left_ms - told_ms),
        .takes_other_model = is_elsewhere,
    };
}

/* ---- why not ---- */

/* When to come back: once, so not where the server's own words have it, give or take their rounding. */
static int64_t delay_to_tell(const castor_error *error)
{
    castor_i64 in_words = cst_retry_delay_in(castor_str_of(error->message)), told = error->retry_after_ms;
    bool       is_said = in_words.is_set && llabs(in_words.value - told.value) < 2000;

    return told.is_set && error->is_transient && !is_said ? told.value : 0;
}

/* Why it was not sent again, and what to do; false: nobody would wonder. */
static bool print_reason(char *out, size_t size, const castor_error *error, const cst_retry_decision *decision,
                         const cst_retry_case *given)
{
    long long delay_s = (delay_to_tell(error) + 999) / 1000;
    double    left_s = given->left_ms > 0 ? (double)given->left_ms / 1000 : 0;
    bool      is_late = decision->answer == CST_RETRY_TIME, is_told = error->retry_after_ms.is_set;
    int       attempts = (int)given->attempts, decimals = left_s < 10;

    if (is_late && delay_s > 0) {
        (void)snprintf(out, size, "try again in %lld s; only %.*f s were left for further attempts", delay_s, decimals,
                       left_s);
    } else if (is_late && is_told && error->retry_after_ms.value > 0) {
        (void)snprintf(out, size, "only %.*f s were left for further attempts", decimals, left_s);
    } else if (is_late) {
        (void)snprintf(out, size, "the time for further attempts is used up");
    } else if (attempts > 1 && delay_s > 0) {
        (void)snprintf(out, size, "attempt %d failed, too; try again in %lld s", attempts, delay_s);
    } else if (attempts > 1) {
        (void)snprintf(out, size, "attempt %d failed, too", attempts);
    } else if (delay_s > 0) {
        (void)snprintf(out, size, "try again in %lld s", delay_s);
    } else {
        return false;
    }
    return true;
}

void cst_retry_explain(castor_error *error, const cst_retry_decision *decision, const cst_retry_case *given)
{
    char said[sizeof error->message], reason[128];

    if (!print_reason(reason, sizeof reason, error, decision, given)) return;
    memcpy(said, error->message, sizeof said);
    cst_error_say(error, "%s: %s", reason, said);
}
