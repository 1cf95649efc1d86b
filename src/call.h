/* call.h -- a request as it goes over the wire: URL, headers, body. Pure.
 * SPDX-License-Identifier: MIT
 */
#ifndef CST_CALL_H
#define CST_CALL_H

#include "dialect.h"

/* What a client adds to a request. */
typedef struct cst_call_settings {
    castor_dialect dialect;        /* for requests that name none */
    castor_str     base_url;       /* absent: the dialect's own */
    bool           is_google_base; /* the base URL stands for Google's host: the openai dialect lives below a path */
    castor_str     api_key;        /* absent: none */
    castor_str     user_agent;
    bool           hides_key;      /* for people's eyes */
} cst_call_settings;

/* Where a long answer goes on behind the limit of one request. */
typedef struct cst_going_on {
    cst_buf token;
    cst_buf body; /* with the token in it */
} cst_going_on;

typedef struct cst_call {
    const cst_dialect *dialect;
    cst_wire           wire;
    cst_buf            url;
    cst_buf            lines;                        /* the header lines, each NUL-terminated; wiped when freed */
    uint16_t           line_starts[CST_HEADERS_MAX];
    size_t             line_count;
    cst_going_on      *going_on;                     /* NULL: the answer begins */
} cst_call;

/* Checks and prints, but for the headers. INVALID with a sentence; a missing key has verdict AUTH. Free the call on
 * errors too. */
castor_status cst_call_print(cst_call *out, const castor_request *request, const cst_call_settings *settings,
                             const cst_allocator *allocator, castor_error *err);

/* The header lines, when the call is about to go out: until then no copy of the key need lie about. */
castor_status cst_call_print_headers(cst_call *call, int64_t server_timeout_ms, const cst_call_settings *settings,
                                     castor_error *err);

/* Asks another model. INVALID for a name that is none. */
castor_status cst_call_set_model(cst_call *call, const char *model, const cst_call_settings *settings,
                                 castor_error *err);

/* Whether that would be refused. */
castor_status cst_call_check_model(const cst_call *call, const char *model, castor_error *err);

/* Goes on with a long answer behind the limit of one request; absent: begins it. */
castor_status cst_call_set_token(cst_call *call, castor_str token, castor_error *err);

castor_str cst_call_token(const cst_call *call);
castor_str cst_call_body(const cst_call *call);

/* Gives back what its buffers have too much, for one that has to wait. */
void        cst_call_fit(cst_call *call);
void        cst_call_forget_key(cst_call *call); /* wipes and drops the header lines */
const char *cst_call_line(const cst_call *call, size_t index);
void        cst_call_free(cst_call *call);

#endif
