/* address.h -- the URL of requests, parsed once for all that follow with the same one.
 * SPDX-License-Identifier: MIT
 *
 * Given as text, libcurl parses a URL for each request and prints it anew, sign by sign: a tenth of what a small call
 * costs. Most requests of a client have the URL of the one before.
 */
#ifndef CST_ADDRESS_H
#define CST_ADDRESS_H

#include <curl/curl.h>

#include "base.h"

typedef struct cst_address {
    const cst_allocator *allocator;
    CURLU               *url;
    size_t               users;
    char                 text[]; /* NUL-terminated */
} cst_address;

/* The address of `url` for one more user: `*last`, or a new one that takes its place there. NULL: no memory, or no URL
 * that libcurl understands; then let it say so. */
cst_address *cst_address_take(cst_address **last, const char *url, const cst_allocator *allocator);

/* One user less; takes NULL. */
void cst_address_drop(cst_address *address);

#endif
