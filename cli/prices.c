/* prices.c -- what an answer cost.
 * SPDX-License-Identifier: MIT
 *
 * Source: "Gemini API pricing", standard tier, paid, text; US dollars per million tokens. Thoughts are billed as
 * output. To bring the table up to date, change the rows and the month.
 */
#include "prices.h"

#include <string.h>

#define PRICES_MONTH "2026-11"

/* Prompts with more tokens than this have the `big` prices where a model has them. */
#define BIG_PROMPT_TOKENS 200000

typedef struct rate {
    double input;
    double cached;
    double output;
} rate;

typedef struct price {
    const char *model;
    const char *until; /* the last day of this row, the next row of the model follows; NULL: no end known */
    rate        normal;
    rate        big;   /* all zero: as normal */
} price;

#define NO_RATE { 0, 0, 0 }

static const price prices[] = {
    { "gemini-4-carbon", "2026-11-30", { 2.00, 0.10, 10.00 }, NO_RATE },
    { "gemini-4-carbon", NULL, { 4.00, 0.20, 20.00 }, NO_RATE },
    { "gemini-4-argon", "2026-11-30", { 2.00, 0.10, 10.00 }, NO_RATE },
    { "gemini-4-argon", NULL, { 4.00, 0.20, 20.00 }, NO_RATE },
    { "gemini-3.8-flash", "2026-12-31", { 0.75, 0.075, 3.75 }, NO_RATE },
    { "gemini-3.8-flash", NULL, { 1.50, 0.15, 7.50 }, NO_RATE },
    { "gemini-3.7-flash", "2026-12-31", { 0.75, 0.075, 3.75 }, NO_RATE },
    { "gemini-3.7-flash", NULL, { 1.50, 0.15, 7.50 }, NO_RATE },
    { "gemini-3.6-flash", "2026-12-31", { 0.75, 0.075, 3.75 }, NO_RATE },
    { "gemini-3.6-flash", NULL, { 1.50, 0.15, 7.50 }, NO_RATE },
    { "gemini-3.5-flash", NULL, { 1.50, 0.15, 9.00 }, NO_RATE },
    { "gemini-3.5-flash-lite", NULL, { 0.30, 0.03, 2.50 }, NO_RATE },
    { "gemini-3.1-flash-lite", NULL, { 0.25, 0.025, 1.50 }, NO_RATE },
    { "gemini-3.1-pro-preview", NULL, { 2.00, 0.20, 12.00 }, { 4.00, 0.40, 18.00 } },
    { "gemini-3-flash-preview", NULL, { 0.50, 0.05, 3.00 }, NO_RATE },
    { "gemini-2.5-pro", NULL, { 1.25, 0.125, 10.00 }, { 2.50, 0.25, 15.00 } },
    { "gemini-2.5-flash", NULL, { 0.30, 0.03, 2.50 }, NO_RATE },
    { "gemini-2.5-flash-lite", NULL, { 0.10, 0.01, 0.40 }, NO_RATE },
    { "gemma-4-26b-a4b-it", NULL, NO_RATE, NO_RATE },
    { "gemma-4-31b-it", NULL, NO_RATE, NO_RATE },
};

const char *cli_prices_month(void)
{
    return PRICES_MONTH;
}

static castor_str without_prefix(castor_str model)
{
    castor_str prefix = CASTOR_STR("models/");
    if (model.len < prefix.len || memcmp(model.data, prefix.data, prefix.len) != 0) return model;
    return (castor_str){ model.data + prefix.len, model.len - prefix.len };
}

static const price *find(castor_str model, const char *day)
{
    for (size_t i = 0; i < sizeof prices / sizeof prices[0]; i++) {
        bool is_same = strlen(prices[i].model) == model.len && memcmp(prices[i].model, model.data, model.len) == 0;
        if (is_same && (!prices[i].until || strcmp(day, prices[i].until) <= 0)) return &prices[i];
    }
    return NULL;
}

/* What answered may be another model than the one asked for, and then has another price; a longer name that begins
 * with the one asked for ("...-001") is a version of it. */
static const price *find_served(castor_str asked, castor_str served, const char *day)
{
    if (served.len == 0) return asked.len > 0 ? find(asked, day) : NULL;
    const price *found = find(served, day);
    if (found || asked.len == 0 || asked.len + 1 >= served.len) return found;
    bool is_version = memcmp(asked.data, served.data, asked.len) == 0 && served.data[asked.len] == '-'
        && served.data[asked.len + 1] >= '0' && served.data[asked.len + 1] <= '9';
    return is_version ? find(asked, day) : NULL;
}

static double count_of(castor_i64 tokens)
{
    return tokens.is_set ? (double)tokens.value : 0.0;
}

bool cli_prices_cost(castor_str asked, castor_str served, const castor_usage *usage, const char *day, double *dollars)
{
    const price *found = find_served(without_prefix(asked), without_prefix(served), day);
    if (!found || !usage->prompt_tokens.is_set) return false;

    bool is_big = usage->prompt_tokens.value > BIG_PROMPT_TOKENS && found->big.input > 0;
    const rate *rates = is_big ? &found->big : &found->normal;
    double cached = count_of(usage->cached_tokens);
    double input = count_of(usage->prompt_tokens) - cached + count_of(usage->tool_prompt_tokens);
    double output = count_of(usage->output_tokens) + count_of(usage->thought_tokens);
    *dollars = (input * rates->input + cached * rates->cached + output * rates->output) / 1e6;
    return true;
}
