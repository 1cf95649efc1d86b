/* stats.c -- counts what pollux has answered.
 * SPDX-License-Identifier: MIT
 */
#include "api/stats.h"

#include <stdlib.h>
#include <time.h>

/* Requests of one endpoint that ended alike. */
typedef struct tally {
    const plx_endpoint *endpoint; /* NULL: no path of the API, or no request at all */
    int                 status;   /* 0: the client left, or was left, before any */
    int64_t             count;
} tally;

struct plx_stats {
    int64_t  started_us;
    int64_t  request_count;
    uint64_t input_tokens;
    uint64_t output_tokens;
    uint64_t thought_tokens;
    tally    tallies[PLX_TALLIES_MAX];
    size_t   tally_count;
};

static int64_t now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

plx_stats *plx_stats_new(void)
{
    plx_stats *stats = calloc(1, sizeof *stats);

    if (stats) stats->started_us = now_us();
    return stats;
}

void plx_stats_free(plx_stats *stats) { free(stats); }

void plx_stats_reset(void *stats)
{
    plx_stats *s = stats;

    *s = (plx_stats){ .started_us = s->started_us };
}

void plx_stats_add_request(plx_stats *stats, const plx_exchange *exchange)
{
    tally *one = stats->tallies;
    tally *end = one + stats->tally_count;
    int    status = exchange->reply->status;

    if (cst_str_starts_with(exchange->path, "/pollux")) return;
    stats->request_count++;
    while (one < end && (one->endpoint != exchange->endpoint || one->status != status)) one++;
    if (one == end) {
        if (stats->tally_count == PLX_TALLIES_MAX) return; /* the sum still counts it */
        stats->tally_count++;
        *one = (tally){ exchange->endpoint, status, 0 };
    }
    one->count++;
}

void plx_stats_add_answer(plx_stats *stats, const plx_answer *answer)
{
    plx_piece last = plx_answer_last(answer);

    stats->input_tokens += plx_token_total(&answer->prompt_tokens);
    stats->output_tokens += last.candidate_tokens;
    stats->thought_tokens += last.thought_tokens;
}

void plx_stats_add_input(plx_stats *stats, uint64_t tokens) { stats->input_tokens += tokens; }

static void put_count(cst_json_writer *w, const char *key, uint64_t count)
{
    cst_json_put_count(w, key, castor_some_i64((int64_t)count));
}

static void put_tally(cst_json_writer *w, const tally *one)
{
    cst_json_open_object(w);
    cst_json_put_member(w, "method", one->endpoint ? one->endpoint->method : NULL);
    cst_json_put_member(w, "path", one->endpoint ? one->endpoint->pattern : NULL);
    cst_json_put_count(w, "status", castor_some_i64(one->status));
    cst_json_put_count(w, "count", castor_some_i64(one->count));
    cst_json_close_object(w);
}

void plx_stats_put(cst_json_writer *writer, const plx_world *world)
{
    const plx_stats *stats = world->stats;
    double           uptime_ms = (double)((now_us() - stats->started_us) / 1000);

    cst_json_put_fraction(writer, "uptime_s", castor_some_f64(uptime_ms / 1000.0));
    if (world->connection_count) put_count(writer, "connections", *world->connection_count);
    put_count(writer, "under_way", world->under_way - 1); /* without the one that asks */
    cst_json_put_count(writer, "requests", castor_some_i64(stats->request_count));
    cst_json_key(writer, "endpoints");
    cst_json_open_array(writer);
    for (size_t i = 0; i < stats->tally_count; i++) put_tally(writer, &stats->tallies[i]);
    cst_json_close_array(writer);
    cst_json_key(writer, "tokens");
    cst_json_open_object(writer);
    put_count(writer, "input", stats->input_tokens);
    put_count(writer, "output", stats->output_tokens);
    put_count(writer, "thought", stats->thought_tokens);
    cst_json_close_object(writer);
}
