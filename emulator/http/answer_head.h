/* answer_head.h -- what stands at the front of every answer, whichever version of HTTP carries it.
 * SPDX-License-Identifier: MIT
 */
#ifndef PLX_ANSWER_HEAD_H
#define PLX_ANSWER_HEAD_H

#include <time.h>

#include "http/head.h"

enum { PLX_COMMON_HEADERS = 4 };

/* The headers that every answer has beside its own, and the text that they point into. */
typedef struct plx_common_headers {
    plx_header headers[PLX_COMMON_HEADERS];
    char       date[64];
    char       timing[64];
} plx_common_headers;

/* `taken_us`: since the request. */
void plx_common_headers_fill(plx_common_headers *common, uint64_t taken_us);

/* As headers have it: RFC 9110, 5.6.7. */
void plx_print_date(char *text, size_t size, time_t when);

/* "OK"; "" for a status that has no name. */
const char *plx_reason_of(int status);

/* Neither a body nor a transfer coding: RFC 9110, 15.3.5 and 15.4.5. */
static inline bool plx_status_has_no_body(int status) { return status == 204 || status == 304; }

/* The value of the content-length among these headers; absent when there is none. */
castor_str plx_find_length(const plx_header *headers, size_t count);

#endif
