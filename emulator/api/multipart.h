/* multipart.h -- takes a multipart body apart, however the network cuts it. Pure.
 * SPDX-License-Identifier: MIT
 *
 * RFC 2046, 5.1; lines may end with a bare LF too, as some of Google's own clients have it. Nothing is held but one
 * line of a part's head: the bytes of a part are views of the input, or of the boundary where they began like it.
 */
#ifndef PLX_MULTIPART_H
#define PLX_MULTIPART_H

#include "base.h"
#include "bounds.h"

typedef enum plx_multipart_step {
    PLX_MULTIPART_WAIT = 0, /* for more input */
    PLX_MULTIPART_HEAD,     /* a part begins; `content_type` is its type, empty when it has none */
    PLX_MULTIPART_BYTES,    /* `*piece` is some of the part */
    PLX_MULTIPART_PART_END,
    PLX_MULTIPART_END,      /* the last boundary; what follows is nothing to us */
    PLX_MULTIPART_ERROR     /* the head of a part is too long */
} plx_multipart_step;

typedef enum plx_multipart_state {
    PLX_MULTIPART_IN_PREAMBLE = 0,
    PLX_MULTIPART_IN_BOUNDARY, /* behind its name: the rest of its line */
    PLX_MULTIPART_IN_HEAD,
    PLX_MULTIPART_IN_PART,
    PLX_MULTIPART_AT_END
} plx_multipart_state;

typedef struct plx_multipart {
    plx_multipart_state state;
    char                delimiter[PLX_BOUNDARY_BYTES_MAX + 8]; /* CR LF "--" and the boundary */
    size_t              delimiter_len;
    size_t              matched;      /* of it, at the end of what was read ... */
    size_t              matched_from; /* ... and where in it that began: the CR, or the line, may not be of the part */
    char                line[512]; /* of a head, so far; what is longer is cut */
    size_t              line_len;
    size_t              head_bytes;
    char                content_type[PLX_MIME_TYPE_BYTES_MAX + 1];
} plx_multipart;

/* `content_type`: the request's. False: it is not multipart, or names no boundary. */
bool plx_multipart_init(plx_multipart *multipart, castor_str content_type);

/* Takes from the front of the input. */
plx_multipart_step plx_multipart_next(plx_multipart *multipart, castor_str *input, castor_str *piece);

#endif
