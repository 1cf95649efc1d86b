/* rules.h -- whether what came of an answer is right, after what was done to it. Pure.
 * SPDX-License-Identifier: MIT
 */
#ifndef SOAK_RULES_H
#define SOAK_RULES_H

#include "book.h"

/* `sample`: what comes when nobody spoils it. */
bool rules_is_right(const soak_outcome *of, const tst_sample *sample, const book_page *known);

/* Whether its last attempt was lost with its connection, and no line in any history tells why: it met one that was
 * dying for what was done to others, and was not read; or, where connections are shared, it was answered, and libcurl dropped
 * the end when it saw the connection close, or did not go on reading. Few may. */
bool rules_is_lost(const soak_outcome *of, const tst_sample *sample, const book_page *known);

/* The same of an attempt that was followed by another. */
bool rules_was_lost_before(const soak_outcome *of, const book_page *known);

/* How many of its requests its twin must have seen. */
uint64_t rules_requests_least(const soak_outcome *of, const tst_sample *sample, const book_page *known);

#endif
