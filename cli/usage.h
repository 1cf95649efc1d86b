/* usage.h -- the report of -u: tokens, cost, speed.
 * SPDX-License-Identifier: MIT
 */
#ifndef CLI_USAGE_H
#define CLI_USAGE_H

#include "event_json.h"
#include "notes.h"

/* `model` is the one asked for; `day` as "2026-11-21", for prices that end. */
void cli_usage_report(cli_notes *notes, const char *model, const cli_facts *facts, const char *day);

#endif
