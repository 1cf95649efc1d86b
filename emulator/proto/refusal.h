/* refusal.h -- errors as Google words and shapes them (google.rpc.Status in JSON, or a page of its front end).
 * SPDX-License-Identifier: MIT
 *
 * A refusal is a value: it owns nothing, and can be copied. `{ .code = 0 }` is none yet.
 */
#ifndef PLX_REFUSAL_H
#define PLX_REFUSAL_H

#include "base.h"
#include "bounds.h"

/* What google.rpc.ErrorInfo and its companions say of one kind of error. All of it is constant. */
typedef struct plx_error_info {
    const char *reason;
    const char *metadata[9];      /* names and values in turn, behind "service"; ended by NULL */
    const char *help_description; /* of a link, or NULL */
    const char *help_url;
    bool        is_localized;     /* the message is told once more, as LocalizedMessage */
} plx_error_info;

/* A field that is wrong. Offsets into the refusal's `paths` and `message`. */
typedef struct plx_violation {
    uint16_t path_at;
    uint16_t text_at;
    uint16_t text_len;
} plx_violation;

/* A quota that is used up. */
typedef struct plx_quota_violation {
    const char *metric; /* "generate_content_free_tier_requests", without the service */
    const char *id;     /* "GenerateRequestsPerDayPerProjectPerModel-FreeTier" */
    uint64_t    limit;
    castor_str  model;  /* must live as long as the refusal */
} plx_quota_violation;

enum { PLX_QUOTA_VIOLATIONS_MAX = 3 /* requests a minute and a day, tokens a minute */ };

/* Why a request is refused. `code` 0: it is not. */
typedef struct plx_refusal {
    int                   code;           /* HTTP's */
    bool                  is_page;        /* HTML, as the front end answers what never reaches the API */
    const char           *status;         /* "FAILED_PRECONDITION"; NULL: the one that goes with the code */
    const char           *symbol;         /* the code in words of coded_error.h; NULL: likewise */
    const plx_error_info *info;           /* or NULL */
    castor_i64            retry_after_us; /* RetryInfo, when set */
    plx_quota_violation   quotas[PLX_QUOTA_VIOLATIONS_MAX];
    size_t                quota_count;
    plx_violation         violations[PLX_VIOLATIONS_MAX];
    size_t                violation_count;
    char                  allowed[40];    /* of a 405: the verbs for its Allow header */
    uint16_t              paths_len;
    char                  paths[512];     /* of the violations, each with its NUL */
    char                  message[2048];
} plx_refusal;

/* All return false, so that a check can end with `return plx_refuse(...)`. */
bool plx_refuse(plx_refusal *refusal, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The same with another status than the code's, and what is told of it (which may be NULL). */
bool plx_refuse_as(plx_refusal *refusal, int code, const char *status, const plx_error_info *info,
                   const char *format, ...) __attribute__((format(printf, 5, 6)));

/* A 400 about one field; several become the lines of one message. `path` empty: the top level. */
bool plx_refuse_field(plx_refusal *refusal, const char *path, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* A 429 about quotas that a wait of so long would mend. */
bool plx_refuse_quota(plx_refusal *refusal, const plx_quota_violation *quotas, size_t count, int64_t retry_after_us);

/* A page of the front end: what it says below the number. */
bool plx_refuse_page(plx_refusal *refusal, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The body. `in_array`: inside a list of one, as streams without SSE and the OpenAI surface have it. */
castor_status plx_refusal_print(const plx_refusal *refusal, bool in_array, cst_buf *out);
const char   *plx_refusal_content_type(const plx_refusal *refusal);

#endif
