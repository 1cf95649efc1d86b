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

/* The model of that name, whatever answers for it. NULL: there is none today, and `refusal` tells so. */
const plx_model *plx_model_get(const plx_exchange *exchange, castor_str name, plx_refusal *refusal);

/* Whether an input of so many tokens fits into the model's window. What the service does with a longer text to embed is
 * not known; it is told what too long a prompt is. */
bool plx_model_check_input(const plx_model *model, uint64_t tokens, plx_refusal *refusal);

/* Whether lists of models have it. */
bool plx_model_is_listed(const plx_exchange *exchange, const plx_model *model);

/* How a model that answers calls itself (modelVersion) when `name` was asked for. */
castor_str plx_model_version(const plx_model *serving, castor_str name);

#endif
