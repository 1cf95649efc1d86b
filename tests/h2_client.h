/* h2_client.h -- a client of HTTP/2, to see pollux from outside: nghttp2's client side over a socket, or over TLS.
 * SPDX-License-Identifier: MIT
 */
#ifndef TST_H2_CLIENT_H
#define TST_H2_CLIENT_H

#include <nghttp2/nghttp2.h>

#include "tls_client.h"

enum { TST_H2_STREAMS_MAX = 512, TST_H2_FRAMES_MAX = 256 };

typedef struct tst_h2_stream {
    int32_t     id;
    int         status;        /* 0: none came */
    int         informational; /* a status of 1xx that came before */
    char        head[4096];    /* "name: value\n" */
    char       *body;          /* NUL-terminated */
    size_t      len;
    size_t      frames[TST_H2_FRAMES_MAX]; /* the sizes of its DATA frames */
    size_t      frame_count;
    const char *upload;
    size_t      upload_len;
    size_t      uploaded;
    bool        is_over;
    bool        is_whole;      /* END_STREAM came */
    uint32_t    code;          /* it was closed with */
} tst_h2_stream;

typedef struct tst_h2 {
    int              fd;
    tst_tls         *tls;      /* NULL: clear */
    nghttp2_session *session;
    tst_h2_stream   *streams[TST_H2_STREAMS_MAX];
    size_t           stream_count;
    bool             has_goaway;
    uint32_t         goaway_code;
    bool             is_over;  /* the connection has ended */
    tst_tls_end      end;
    int              error;    /* of the socket */
} tst_h2;

/* Takes over the socket; it is closed by tst_h2_hang_up. */
tst_h2 *tst_h2_new(int fd, tst_tls *tls);
tst_h2 *tst_h2_connect(int port);
void    tst_h2_hang_up(tst_h2 *h);

/* `headers`: pairs of name and value, NULL behind the last. `body` NULL: none. */
tst_h2_stream *tst_h2_request(tst_h2 *h, const char *method, const char *path, const char *const *headers,
                              const char *body, size_t len);

/* Sends what there is, and reads once. False: the connection is over. */
bool tst_h2_step(tst_h2 *h);

/* Until the stream is over, or the connection is. */
void tst_h2_finish(tst_h2 *h, const tst_h2_stream *stream);

#endif
