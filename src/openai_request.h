/* openai_request.h -- a request in the words of chat completions. Pure.
 * SPDX-License-Identifier: MIT
 */
#ifndef CST_OPENAI_REQUEST_H
#define CST_OPENAI_REQUEST_H

#include "dialect.h"

/* Target and body, as cst_dialect.print. INVALID names the field that chat completions cannot say. */
castor_status cst_openai_request_print(const castor_request *request, cst_wire *out, castor_error *err);

#endif
