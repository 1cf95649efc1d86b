/* head.h -- what a request says before its body, whichever version of HTTP it came by.
 * SPDX-License-Identifier: MIT
 */
#ifndef PLX_HEAD_H
#define PLX_HEAD_H

#include "base.h"
#include "bounds.h"

typedef struct plx_header {
    castor_str name;
    castor_str value;
} plx_header;

typedef enum plx_http_version { PLX_HTTP_1_0 = 10, PLX_HTTP_1_1 = 11, PLX_HTTP_2 = 20 } plx_http_version;

typedef struct plx_head {
    plx_http_version version;
    bool             is_secure;      /* it came over TLS */
    castor_str       method;
    castor_str       target;         /* from its slash on: scheme and host of an absolute target are gone */
    castor_str       host;           /* with its port, as the client wrote it, in an absolute target or in a header;
                                        absent when it did not */
    castor_i64       content_length; /* unset when the body has no stated length */
    plx_header       headers[PLX_HEADERS_MAX];
    size_t           header_count;
} plx_head;

/* A header's value by its name in any letter case; absent when it is not there. */
castor_str plx_head_get(const plx_head *head, const char *name);

/* A path of visible ASCII, or `*`. */
bool plx_head_is_target(castor_str target);

/* A name or an address and a port, as far as their characters tell (RFC 3986, 3.2.2), or nothing at all. */
bool plx_head_is_host(castor_str host);

typedef enum plx_length { PLX_LENGTH_GOOD = 0, PLX_LENGTH_BAD, PLX_LENGTH_TOO_LARGE } plx_length;

/* The value of a Content-Length: one plain number, of at most `max`. */
plx_length plx_head_read_length(castor_str text, uint64_t max, uint64_t *length);

#endif
