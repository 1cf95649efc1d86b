/* models.h -- which model answers a request.
 * SPDX-License-Identifier: MIT
 */
#ifndef PLX_MODELS_H
#define PLX_MODELS_H

#include "api/exchange.h"

/* The model that answers for `name` (with or without "models/") today, on the world's clock: for an alias or a retired
 * name it is another one. NULL: there is none, or it does not offer `method`, and `refusal` tells so. */
const plx_model *plx_model_for(const plx_exchange *exchange, castor_str name, const char *method,
                               plx_refusal *refusal);

/* How that model calls itself in an answer (modelVersion) to a request for `name`. */
castor_str plx_model_version(const plx_model *serving, castor_str name);

#endif
