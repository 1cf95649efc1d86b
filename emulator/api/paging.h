/* paging.h -- lists that are given out in pages: pageSize and pageToken.
 * SPDX-License-Identifier: MIT
 */
#ifndef PLX_PAGING_H
#define PLX_PAGING_H

#include "api/exchange.h"
#include "json_writer.h"

typedef struct plx_page {
    size_t first; /* of the whole list */
    size_t count; /* at most */
} plx_page;

/* Reads the query. A size of 0 is the usual one, one above the most is cut. False: `refusal` tells what is wrong. */
bool plx_page_read(const plx_exchange *exchange, size_t usual, size_t most, plx_page *page, plx_refusal *refusal);

/* Writes the member nextPageToken, unless the page reaches the end of the list. */
void plx_page_put_next(cst_json_writer *writer, const plx_page *page, size_t list_count);

#endif
