/* model_name.c -- which models there are.
 * SPDX-License-Identifier: MIT
 */
#include "api/model_name.h"

bool plx_model_check(const plx_exchange *exchange, castor_str model, const char *method, plx_refusal *refusal)
{
    static const char *const prefixes[] = { "gemini-", "gemma-", "learnlm-", "chat-bison" };
    castor_str               version = exchange->version.len > 0 ? exchange->version : CASTOR_STR("v1main");

    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++) {
        if (cst_str_starts_with(model, prefixes[i])) return true;
    }
    return plx_refuse(refusal, 404,
                      "models/%.*s is not found for API version %.*s, or is not supported for %s. Call ListModels to "
                      "see the list of available models and their supported methods.",
                      CASTOR_ARG(model), CASTOR_ARG(version), method);
}
