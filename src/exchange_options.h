/* exchange_options.h -- what libcurl is told of an exchange: what stands for all, and what is of one request.
 * SPDX-License-Identifier: MIT
 *
 * Each returns false for want of memory.
 */
#ifndef CST_EXCHANGE_OPTIONS_H
#define CST_EXCHANGE_OPTIONS_H

#include "exchange_curl.h"

bool cst_exchange_set_standing(cst_exchange *exchange); /* once for a handle */
bool cst_exchange_set_request(cst_exchange *exchange, const cst_http_request *request);
bool cst_exchange_set_trust(cst_exchange *exchange); /* as it stands by now in the roots of all */

#endif
