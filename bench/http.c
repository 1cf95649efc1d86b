/* http.c -- the least of HTTP/1.1 that a bare client needs.
 * SPDX-License-Identifier: MIT
 */
#define _GNU_SOURCE /* memmem, strcasestr */
#include "http.h"

#include "figures.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int http_connect(int port)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    int                yes = 1, fd = socket(AF_INET, SOCK_STREAM, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) != 0) fig_die("connect");
    if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes) != 0) fig_die("setsockopt");
    return fd;
}

http_request http_request_of(const char *path, bool is_last)
{
    static const char body[] = "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"hi\"}]}]}";
    http_request      request;

    int len = snprintf(request.text, sizeof request.text,
                       "POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\nx-goog-api-key: test-key\r\n%s"
                       "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
                       path, is_last ? "Connection: close\r\n" : "", sizeof body - 1, body);
    request.len = (size_t)len;
    return request;
}

void http_request_send(const http_request *request, int fd)
{
    if (send(fd, request->text, request->len, MSG_NOSIGNAL) != (ssize_t)request->len) fig_die("send"); /* it is small */
}

/* ---- The response: each of these takes some bytes, and tells how many ---- */

static size_t take_head(http_response *r, const char *bytes, size_t len)
{
    size_t before = r->head_len, room = sizeof r->head - 1 - before, taken = len < room ? len : room;

    memcpy(r->head + before, bytes, taken);
    r->head[before + taken] = '\0';
    size_t from = before > 3 ? before - 3 : 0;
    char  *end = strstr(r->head + from, "\r\n\r\n");
    if (!end) {
        r->head_len += taken;
        return taken;
    }
    end[2] = '\0';
    r->status = atoi(r->head + sizeof "HTTP/1.1");
    const char *length = strcasestr(r->head, "\r\ncontent-length:");
    r->state = length ? HTTP_BODY : HTTP_CHUNK_SIZE;
    r->left = length ? strtoull(length + sizeof "\r\ncontent-length:" - 1, NULL, 10) : 0;
    r->is_over = length && r->left == 0;
    return (size_t)(end + 4 - r->head) - before;
}

static size_t take_chunk_size(http_response *r, char byte)
{
    if (byte == '\n') r->state = r->left ? HTTP_CHUNK : HTTP_TRAILER;
    else if (byte >= '0' && byte <= '9') r->left = r->left << 4 | (uint64_t)(byte - '0');
    else if (byte != '\r') r->left = r->left << 4 | (uint64_t)((byte | 0x20) - 'a' + 10);
    return 1;
}

static size_t take_trailer(http_response *r, char byte)
{
    if (byte == '\n') {
        r->is_over = r->line_len == 0;
        r->line_len = 0;
    } else if (byte != '\r') {
        r->line_len++;
    }
    return 1;
}

static size_t take_content(http_response *r, const char *bytes, size_t len, http_body_fn *on_body, void *user)
{
    size_t taken = len < r->left ? len : (size_t)r->left;

    on_body(user, bytes, taken);
    r->left -= taken;
    if (r->left == 0 && r->state == HTTP_CHUNK) r->state = HTTP_CHUNK_END;
    else if (r->left == 0) r->is_over = true;
    return taken;
}

bool http_response_feed(http_response *response, const char *bytes, size_t len, http_body_fn *on_body, void *user)
{
    const char *end = bytes + len;

    while (bytes < end && !response->is_over) {
        switch (response->state) {
        case HTTP_HEAD:
            bytes += take_head(response, bytes, (size_t)(end - bytes));
            if (response->head_len == sizeof response->head - 1) return false;
            if (response->state != HTTP_HEAD && response->status != 200) return false;
            break;
        case HTTP_CHUNK_SIZE: bytes += take_chunk_size(response, *bytes); break;
        case HTTP_CHUNK_END:
            if (*bytes++ == '\n') response->state = HTTP_CHUNK_SIZE;
            break;
        case HTTP_TRAILER: bytes += take_trailer(response, *bytes); break;
        case HTTP_BODY:
        case HTTP_CHUNK:
        default: bytes += take_content(response, bytes, (size_t)(end - bytes), on_body, user); break;
        }
    }
    return true;
}
