/* coded_error.h -- errors as the Interactions API has them: {"error":{"code":"not_found","message":"..."}}.
 * SPDX-License-Identifier: MIT
 */
#ifndef PLX_CODED_ERROR_H
#define PLX_CODED_ERROR_H

#include "proto/refusal.h"

/* A refusal with the code that stands in the body; `code` is HTTP's. Returns false, like plx_refuse. */
bool plx_refuse_coded(plx_refusal *refusal, int code, const char *symbol, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* The code in words: the refusal's own, or what its HTTP status stands for. */
const char *plx_coded_error_symbol(const plx_refusal *refusal);

/* The body: one line without its end, as the unary bodies of this API are. */
castor_status plx_coded_error_print(const char *symbol, castor_str message, cst_buf *out);

#endif
