/* api_error.h -- error bodies into castor_error: google.rpc status, OpenAI's, array-wrapped, pages, plain text. Pure.
 * SPDX-License-Identifier: MIT
 *
 * Source: google/rpc/error_details.proto; OpenAI API, "Error codes"; AIP-193.
 */
#ifndef CST_API_ERROR_H
#define CST_API_ERROR_H

#include "json.h"

/* The error in a record of a stream, or NULL: an object under `error` (or a string there, beside no answer). */
const cst_json *cst_api_error_in(const cst_json *record);

/* Reads the facts and says the sentence; `http_status` 0 when not known. Sets verdict and is_transient. */
void cst_api_error_read(const cst_json *error, int32_t http_status, castor_error *out);

/* The whole body of an answer with an error status, of whatever kind. */
void cst_api_error_read_body(castor_str body, int32_t http_status, const cst_allocator *allocator, castor_error *out);

/* What a page says in its title, or a text in its first words; for sentences. A view into it. */
castor_str cst_page_gist(castor_str page);

#endif
