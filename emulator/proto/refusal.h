/* refusal.h -- errors as Google words and shapes them (google.rpc.Status in JSON).
 * SPDX-License-Identifier: MIT
 */
#ifndef PLX_REFUSAL_H
#define PLX_REFUSAL_H

#include "base.h"
#include "bounds.h"

typedef struct plx_violation {
    char field[160];       /* empty: the top level */
    char description[320];
} plx_violation;

/* Why a request is refused. `code` 0: it is not. */
typedef struct plx_refusal {
    int           code;              /* HTTP's */
    char          message[4096];
    bool          is_bad_key;        /* tells so in its details */
    const char   *allowed;           /* of a 405: the verbs for its Allow header */
    plx_violation violations[PLX_VIOLATIONS_MAX];
    size_t        violation_count;
} plx_refusal;

/* Both return false, so that a check can end with `return plx_refuse(...)`. */
bool plx_refuse(plx_refusal *refusal, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* A 400 about one field; several become the lines of one message. `path` empty: the top level. */
bool plx_refuse_field(plx_refusal *refusal, const char *path, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The body. `in_array`: inside a list of one, as streams without SSE and the OpenAI surface have it. */
castor_status plx_refusal_print(const plx_refusal *refusal, bool in_array, cst_buf *out);

#endif
