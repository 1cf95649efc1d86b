/* target.h -- takes a request's target apart: its path and its query, without their escapes. Pure.
 * SPDX-License-Identifier: MIT
 */
#ifndef PLX_TARGET_H
#define PLX_TARGET_H

#include "api/exchange.h"

/* Fills `path` and `query`. NO_MEMORY, or INVALID for escapes that are none. */
castor_status plx_target_parse(plx_exchange *exchange, castor_str target);

#endif
