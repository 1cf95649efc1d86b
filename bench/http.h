/* http.h -- the least of HTTP/1.1 that a bare client needs: one connection to loopback, requests, and a reader of
 * responses with Content-Length or in chunks, fed in pieces of any size. It trusts the server.
 * SPDX-License-Identifier: MIT
 */
#ifndef BENCH_HTTP_H
#define BENCH_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HTTP_READ_BYTES = 64 << 10, HTTP_HEAD_MAX = 2048, HTTP_REQUEST_MAX = 2048 };

/* A connection to 127.0.0.1, blocking. Ends the process where there is none. */
int http_connect(int port);

/* A POST of a short prompt to `path`, as a client of the API sends it. */
typedef struct http_request {
    char   text[HTTP_REQUEST_MAX];
    size_t len;
} http_request;

http_request http_request_of(const char *path, bool is_last);
void         http_request_send(const http_request *request, int fd);

typedef enum http_state { HTTP_HEAD, HTTP_BODY, HTTP_CHUNK_SIZE, HTTP_CHUNK, HTTP_CHUNK_END, HTTP_TRAILER } http_state;

/* One response; zeroed is a new one. */
typedef struct http_response {
    http_state state;
    bool       is_over;
    int        status;
    uint64_t   left; /* of the body or the chunk */
    size_t     head_len, line_len;
    char       head[HTTP_HEAD_MAX];
} http_response;

typedef void http_body_fn(void *user, const char *bytes, size_t len);

/* Takes what came; hands the pieces of the body on. False: this is no response. */
bool http_response_feed(http_response *response, const char *bytes, size_t len, http_body_fn *on_body, void *user);

#endif
