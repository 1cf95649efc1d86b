/* model_name.h -- which models there are.
 * SPDX-License-Identifier: MIT
 */
#ifndef PLX_MODEL_NAME_H
#define PLX_MODEL_NAME_H

#include "api/exchange.h"

/* False: there is no such model, and `refusal` tells so. `method` is the one that Google's text names. */
bool plx_model_check(const plx_exchange *exchange, castor_str model, const char *method, plx_refusal *refusal);

#endif
