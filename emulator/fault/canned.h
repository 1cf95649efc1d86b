/* canned.h -- answers that come in the place of the real one. Pure.
 * SPDX-License-Identifier: MIT
 */
#ifndef PLX_CANNED_H
#define PLX_CANNED_H

#include "fault/fault.h"
#include "http/head.h"
#include "proto/json_style.h"

enum { PLX_CANNED_HEADERS_MAX = 4, PLX_MODEL_NAME_MAX = 96, PLX_LOCATION_BYTES_MAX = 1024 };

/* How errors are put into bytes. */
typedef enum plx_error_shape {
    PLX_SHAPE_OBJECT = 0, /* {"error":{...}} */
    PLX_SHAPE_LIST,       /* [{"error":{...}}] */
    PLX_SHAPE_CODED       /* {"error":{"code":"a_word","message":"..."}} */
} plx_error_shape;

/* What errors have to know of the request. */
typedef struct plx_asked {
    char            model[PLX_MODEL_NAME_MAX]; /* "gemini-3.8-flash"; what the path has, or a guess */
    char            path[PLX_LOCATION_BYTES_MAX]; /* with alt=sse if that was asked, and no other query */
    plx_error_shape shape;
} plx_asked;

typedef struct plx_canned {
    const plx_plan  *plan;  /* whose fault it is */
    const plx_asked *asked;
    int              status;
    const char      *content_type;
    plx_header       headers[PLX_CANNED_HEADERS_MAX]; /* beside that */
    size_t           header_count;
    char             location[PLX_LOCATION_BYTES_MAX + PLX_FAULT_TEXT_BYTES_MAX];
    cst_buf          body;
} plx_canned;

typedef castor_status plx_canned_fn(const plx_fault *fault, plx_canned *out);

plx_canned_fn plx_canned_status, plx_canned_unavailable, plx_canned_html, plx_canned_empty, plx_canned_redirect;
plx_canned_fn plx_canned_empty_list;

/* Which error of those that share a code. */
extern const char *const plx_error_details[];

/* {"error":{...}} without white space. `detail`: an index of plx_error_details, or negative: the usual one. The fault
 * `retryinfo` of the plan changes the delay that is told. */
castor_status plx_error_print(int code, int64_t detail, const plx_plan *plan, const plx_asked *asked, cst_buf *json);

#endif
