/* address.c -- the URL of requests, parsed once for all that follow with the same one.
 * SPDX-License-Identifier: MIT
 */
#include "address.h"

void cst_address_drop(cst_address *address)
{
    if (!address || --address->users > 0) return;
    curl_url_cleanup(address->url);
    cst_release(address->allocator, address);
}

static cst_address *parse(const char *url, const cst_allocator *allocator)
{
    const unsigned as_libcurl_does = CURLU_GUESS_SCHEME | CURLU_NON_SUPPORT_SCHEME;
    size_t         size = strlen(url) + 1;
    cst_address   *address = cst_alloc(allocator, sizeof *address + size);

    if (!address) return NULL;
    *address = (cst_address){ .allocator = allocator, .url = curl_url(), .users = 1 };
    memcpy(address->text, url, size);
    if (address->url && curl_url_set(address->url, CURLUPART_URL, url, as_libcurl_does) == CURLUE_OK) return address;
    cst_address_drop(address);
    return NULL;
}

cst_address *cst_address_take(cst_address **last, const char *url, const cst_allocator *allocator)
{
    if (!*last || strcmp((*last)->text, url) != 0) {
        cst_address *made = parse(url, allocator);
        if (!made) return NULL;
        cst_address_drop(*last);
        *last = made;
    }
    (*last)->users++;
    return *last;
}
