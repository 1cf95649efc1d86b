/* request.h -- what every dialect refuses alike, and what they print alike. Pure.
 * SPDX-License-Identifier: MIT
 */
#ifndef CST_REQUEST_H
#define CST_REQUEST_H

#include "json.h"
#include "json_writer.h"

/* What any server would surely refuse: INVALID, and a sentence with the field and its value. */
castor_status cst_request_check(const castor_request *request, const cst_allocator *allocator, castor_error *err);

/* The model's name without its "models/". */
castor_str cst_request_model(const castor_request *request);

bool cst_request_wants_schema(const castor_request *request);

/* Puts `body`, with extra_json merged in, into `out`: objects deeply, the rest replaces. */
castor_status cst_request_merge(cst_buf *out, castor_str body, castor_str extra, const cst_allocator *allocator,
                                castor_error *err);

#endif
