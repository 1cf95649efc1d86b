/* http1.h -- reads HTTP/1.1 requests, however the network cuts them, and refuses what could be read in two ways. Pure.
 * SPDX-License-Identifier: MIT
 *
 * Feed it what arrived; it takes from the front of `input` and says what it found:
 *
 *     HEAD --> BODY, any number of times --> END --> HEAD of the next request, and so on
 *     WAIT:  the input is used up.        ERROR: final; `status` and `why` say what to answer before closing.
 *
 * Refused, because a proxy in between may see another message than we do (RFC 9112, 6.3 and 11.2): two lengths, a
 * length together with a transfer coding, codings other than chunked, folded headers, a bare CR or LF, white space
 * before a header's colon. The head and its views live until the call after END.
 */
#ifndef PLX_HTTP1_H
#define PLX_HTTP1_H

#include "http/head.h"

typedef enum plx_http1_step {
    PLX_HTTP1_WAIT = 0,
    PLX_HTTP1_HEAD,
    PLX_HTTP1_BODY, /* `*body` is a piece of the body, a view of the input */
    PLX_HTTP1_END,
    PLX_HTTP1_ERROR
} plx_http1_step;

typedef enum plx_http1_state {
    PLX_HTTP1_IN_HEAD = 0,
    PLX_HTTP1_IN_LENGTH,      /* `left` bytes of body */
    PLX_HTTP1_IN_CHUNK_SIZE,
    PLX_HTTP1_IN_CHUNK,       /* `left` bytes of this chunk */
    PLX_HTTP1_IN_CHUNK_END,   /* the CR LF behind it */
    PLX_HTTP1_IN_TRAILER,
    PLX_HTTP1_AT_END,         /* END is due */
    PLX_HTTP1_FINISHED,       /* END was told; the next call begins the next request */
    PLX_HTTP1_FAILED
} plx_http1_state;

/* Lines gathered until they are whole. */
typedef struct plx_http1_lines {
    cst_buf bytes;
    size_t  line_start; /* in `bytes`: of the line under way */
} plx_http1_lines;

typedef struct plx_http1 {
    plx_http1_state state;
    plx_http1_lines head_lines;  /* what the views in `head` point into */
    plx_http1_lines body_lines;  /* chunk sizes, the trailer */
    size_t          blank_lines; /* before the head */
    uint64_t        left;
    uint64_t        body_bytes;  /* of this request so far */
    plx_head       *head;        /* NULL when there is none */
    bool            keeps_alive;
    bool            expects_continue;
    bool            is_chunked;  /* the request's body */
    uint64_t        body_bytes_max;
    int             status;      /* of an ERROR */
    const char     *why;         /* a sentence, static */
} plx_http1;

void plx_http1_init(plx_http1 *parser, const cst_allocator *allocator);
void plx_http1_free(plx_http1 *parser);

/* Gives back the memory of the head, which END leaves for as long as the answer may need it. To be called behind END
 * or ERROR only. */
void plx_http1_forget_head(plx_http1 *parser);

plx_http1_step plx_http1_next(plx_http1 *parser, castor_str *input, castor_str *body);

/* Whether a request has begun and not ended: bytes are missing that the client owes. */
bool plx_http1_is_midway(const plx_http1 *parser);

#endif
