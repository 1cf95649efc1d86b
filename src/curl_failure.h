/* curl_failure.h -- what libcurl says of a failure, in our words.
 * SPDX-License-Identifier: MIT
 */
#ifndef CST_CURL_FAILURE_H
#define CST_CURL_FAILURE_H

#include <curl/curl.h>

#include "base.h"

/* The error for `code`, with libcurl's own sentence, `trouble`, which may be empty. It is transient where it may mend by
 * itself. */
void cst_curl_failure(CURLcode code, const char *trouble, castor_error *out);

/* Puts asterisks over the name and password in the URL that a line of libcurl's about a refused proxy quotes, and which
 * may be cut off; leaves all other lines as they are. */
void cst_curl_hide_password(char *line);

#endif
