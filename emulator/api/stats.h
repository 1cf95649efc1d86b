/* stats.h -- counts what pollux has answered, for GET /pollux/stats.
 * SPDX-License-Identifier: MIT
 */
#ifndef PLX_STATS_H
#define PLX_STATS_H

#include "api/exchange.h"
#include "generate/answer.h"
#include "json_writer.h"

plx_stats *plx_stats_new(void); /* NULL: no memory */
void       plx_stats_free(plx_stats *stats);
void       plx_stats_reset(void *stats);

/* A request to the API whose reply has gone; the paths under /pollux do not count. */
void plx_stats_add_request(plx_stats *stats, const plx_exchange *exchange);

/* An answer that was composed, which sends nothing yet; and tokens of input that no answer has. */
void plx_stats_add_answer(plx_stats *stats, const plx_answer *answer);
void plx_stats_add_input(plx_stats *stats, uint64_t tokens);

void plx_stats_put(cst_json_writer *writer, const plx_world *world);

#endif
