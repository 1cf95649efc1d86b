/* paging.h -- pageSize and pageToken of every list, and the tokens that pollux gives. Pure.
 * SPDX-License-Identifier: MIT
 *
 * A token holds a position, which only its list understands: an index, or a number that each entry was given when it
 * was made, so that a list that changes between two pages neither repeats nor skips what stays.
 */
#ifndef PLX_PAGING_H
#define PLX_PAGING_H

#include "proto/refusal.h"

enum { PLX_PAGE_TOKEN_SIZE = 24 }; /* with its NUL */

typedef struct plx_page_rule {
    const char *list;         /* a token of one list is none for another */
    uint32_t    size_default;
    uint32_t    size_max;     /* what is asked for beyond it is cut, as the service does */
} plx_page_rule;

typedef struct plx_page {
    uint32_t size;
    bool     is_first;
    uint64_t position;        /* of the token; 0 on the first page */
} plx_page;

/* Reads the two parameters; each may be absent or empty. False: a size below 0 or none at all, or not our token. */
bool plx_page_read(plx_page *page, castor_str size, castor_str token, const plx_page_rule *rule, plx_refusal *refusal);

void plx_page_token_print(char out[PLX_PAGE_TOKEN_SIZE], const plx_page_rule *rule, uint64_t position);

#endif
