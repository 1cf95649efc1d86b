/* failure.h -- what goes wrong at the upstream, in the words and codes of Google's errors. Pure.
 * SPDX-License-Identifier: MIT
 *
 * Sentences name the upstream, and never hold a key.
 */
#ifndef PLX_FAILURE_H
#define PLX_FAILURE_H

#include "generate/encoding.h"
#include "proto/refusal.h"
#include "upstream/upstream.h"

/* All return false. It could not be reached, or the connection was lost before its head: why. */
bool plx_failure_unreached(plx_refusal *refusal, const plx_upstream *upstream, const char *why);

/* It said nothing for as long as it may. */
bool plx_failure_silent(plx_refusal *refusal, const plx_upstream *upstream);

/* It said what is no chat completion. */
bool plx_failure_strange(plx_refusal *refusal, const plx_upstream *upstream, const char *what);

/* It broke off; `why` may be NULL. */
bool plx_failure_cut(plx_refusal *refusal, const plx_upstream *upstream, const char *why);

/* It answered with an error. `text`: what it said, maybe nothing; `retry_after_s` 0: unsaid. */
bool plx_failure_told(plx_refusal *refusal, const plx_upstream *upstream, int status, castor_str text,
                      int64_t retry_after_s);

/* The error as what comes next in a stream that has begun. `is_last`: and then the body's end. */
castor_status plx_failure_print(const plx_refusal *refusal, const plx_encoding *encoding, bool is_last, cst_buf *out);

#endif
