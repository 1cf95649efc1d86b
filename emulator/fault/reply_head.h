/* reply_head.h -- status and headers of an answer on their way, and the faults that change them.
 * SPDX-License-Identifier: MIT
 */
#ifndef PLX_REPLY_HEAD_H
#define PLX_REPLY_HEAD_H

#include "fault/fault.h"
#include "http/head.h"

enum { PLX_REPLY_HEADERS_MAX = 32 };

typedef struct plx_reply_head {
    int        status;
    plx_header headers[PLX_REPLY_HEADERS_MAX]; /* in the arena */
    size_t     count;
    cst_arena *arena;
} plx_reply_head;

castor_str plx_reply_head_get(const plx_reply_head *at, const char *name);

/* In the place of one of that name. Both are copied. LIMIT: too many. */
castor_status plx_reply_head_set(plx_reply_head *at, const char *name, castor_str value);
void          plx_reply_head_remove(plx_reply_head *at, const char *name);

typedef castor_status plx_head_fn(const plx_fault *fault, plx_reply_head *at);

plx_head_fn plx_head_type, plx_head_remove, plx_head_retry_after, plx_head_retry_after_ms, plx_head_until_close;

#endif
