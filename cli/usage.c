/* usage.c -- the report of -u: tokens, cost, speed.
 * SPDX-License-Identifier: MIT
 */
#include "usage.h"

#include <inttypes.h>

#include "limits.h"
#include "prices.h"

static void begin_item(cli_text *line)
{
    if (line->len > 0) cli_text_put(line, ", ");
}

static void add_count(cli_text *line, castor_i64 count, const char *what)
{
    if (!count.is_set) return;
    begin_item(line);
    cli_text_format(line, "%" PRId64 " %s", count.value, what);
}

static void report_tokens(cli_notes *notes, cli_text *line, const castor_usage *usage)
{
    line->len = 0;
    add_count(line, usage->prompt_tokens, "in");
    if (usage->cached_tokens.is_set && usage->cached_tokens.value > 0) {
        cli_text_format(line, " (%" PRId64 " cached)", usage->cached_tokens.value);
    }
    add_count(line, usage->tool_prompt_tokens, "in by tools");
    add_count(line, usage->output_tokens, "out");
    add_count(line, usage->thought_tokens, "thought");
    add_count(line, usage->total_tokens, "total");
    if (line->len == 0) cli_text_put(line, "unknown");
    cli_report(notes, "tokens: %.*s", CASTOR_ARG(cli_text_view(line)));
}

/* Four decimals, and more while they hide what the answer cost: two digits that count. */
static int decimals_of(double dollars)
{
    int decimals = 4;
    for (double scaled = dollars * 1e4; scaled > 0 && scaled < 10 && decimals < 9; scaled *= 10) decimals++;
    return decimals;
}

static void report_cost(cli_notes *notes, const char *model, const cli_facts *facts, const char *day)
{
    double dollars;
    castor_str asked = castor_str_of(model);
    if (cli_prices_cost(asked, facts->model_version, &facts->usage, day, &dollars)) {
        cli_report(notes, "cost: $%.*f (prices of %s)", decimals_of(dollars), dollars, cli_prices_month());
    } else if (facts->usage.prompt_tokens.is_set) {
        castor_str served = facts->model_version.len > 0 ? facts->model_version : asked;
        cli_report(notes, "cost: unknown for %.*s", CASTOR_ARG(served));
    }
}

/* Answer tokens over the time in which they came. */
static void add_rate(cli_text *line, const castor_timing *timing, const castor_usage *usage)
{
    if (!timing->total_ms.is_set || !timing->first_text_ms.is_set || !usage->output_tokens.is_set) return;
    int64_t took_ms = timing->total_ms.value - timing->first_text_ms.value;
    if (took_ms <= 0) return;
    begin_item(line);
    cli_text_format(line, "%.1f tokens/s", (double)usage->output_tokens.value * 1000.0 / (double)took_ms);
}

static void report_speed(cli_notes *notes, cli_text *line, const castor_timing *timing, const castor_usage *usage)
{
    line->len = 0;
    if (timing->first_text_ms.is_set) cli_text_format(line, "first token %" PRId64 " ms", timing->first_text_ms.value);
    add_rate(line, timing, usage);
    if (timing->total_ms.is_set) {
        begin_item(line);
        cli_text_format(line, "%.1f s", (double)timing->total_ms.value / 1000.0);
    }
    if (line->len > 0) cli_report(notes, "%.*s", CASTOR_ARG(cli_text_view(line)));
}

void cli_usage_report(cli_notes *notes, const char *model, const cli_facts *facts, const char *day)
{
    cli_text line = cli_text_init(CLI_MESSAGE_BYTES);
    report_tokens(notes, &line, &facts->usage);
    report_cost(notes, model, facts, day);
    if (facts->timing) report_speed(notes, &line, facts->timing, &facts->usage);
    cli_text_free(&line);
}
