/* server.c -- a small HTTP/1.1 server on loopback for the tests.
 * SPDX-License-Identifier: MIT
 */
#include "server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static void die(const char *what)
{
    perror(what);
    abort();
}

/* A signal of somebody else's is no end: a debugger's, or that of a shell which stops and continues us. */
static ssize_t receive(int peer, char *bytes, size_t size)
{
    ssize_t got;

    do got = recv(peer, bytes, size, 0);
    while (got < 0 && errno == EINTR);
    return got;
}

/* Reads one request, head and body, and gives the head. False: the peer has gone. */
static bool read_request(char bytes[static TST_HEAD_MAX], int peer)
{
    static const char length_name[] = "ontent-Length: ";
    size_t            len = 0, wanted = 0;

    for (;;) {
        ssize_t got = receive(peer, bytes + len, TST_HEAD_MAX - 1 - len);
        if (got <= 0) return false;
        len += (size_t)got;
        bytes[len] = '\0';
        const char *end = strstr(bytes, "\r\n\r\n");
        if (!end) continue;
        const char *length = strstr(bytes, length_name);
        wanted = (size_t)(end - bytes) + 4 + (length ? strtoul(length + sizeof length_name - 1, NULL, 10) : 0);
        while (len < wanted) { /* the body is of no interest */
            char sink[4096];
            got = receive(peer, sink, wanted - len < sizeof sink ? wanted - len : sizeof sink);
            if (got <= 0) return false;
            len += (size_t)got;
        }
        bytes[end - bytes + 2] = '\0';
        return true;
    }
}

/* Keeps the head, for who wants to look at it. */
static const tst_reply *choose(tst_server *server, const char *head)
{
    size_t nth = (size_t)atomic_fetch_add(&server->requests, 1);

    strcpy(server->head, head);
    for (size_t i = 0; i < server->reply_count; i++) {
        const tst_reply *one = &server->replies[i];
        if (one->for_path && strstr(head, one->for_path)) return one;
    }
    return &server->replies[nth < server->reply_count ? nth : server->reply_count - 1];
}

static void send_reply(int peer, const tst_reply *reply)
{
    size_t len = reply->len ? reply->len : strlen(reply->bytes), step = reply->step ? reply->step : len;

    for (size_t at = 0; at < len;) {
        size_t  piece = len - at < step ? len - at : step;
        ssize_t sent = send(peer, reply->bytes + at, piece, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent <= 0) return;
        at += (size_t)sent;
    }
}

static void wait_for_peer(tst_server *server, int peer)
{
    char sink[256];

    while (receive(peer, sink, sizeof sink) > 0) continue;
    atomic_fetch_add(&server->peer_left, 1);
}

static void serve_connection(tst_server *server, int peer)
{
    tst_then then = TST_KEEP;
    int      on = 1;
    char     head[TST_HEAD_MAX];

    setsockopt(peer, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    atomic_store(&server->peer, peer);
    atomic_fetch_add(&server->connections, 1);
    while (then == TST_KEEP && read_request(head, peer)) {
        const tst_reply *reply = choose(server, head);
        send_reply(peer, reply);
        then = reply->then;
    }
    if (then == TST_STALL) wait_for_peer(server, peer);
    if (then == TST_RESET) setsockopt(peer, SOL_SOCKET, SO_LINGER, &(struct linger){ 1, 0 }, sizeof(struct linger));
    if (then == TST_CLOSE) shutdown(peer, SHUT_WR);
    (void)atomic_exchange(&server->peer, -1); /* behind whatever was said on it out of turn */
    close(peer);
}

static void *serve(void *user)
{
    tst_server *server = user;

    for (;;) {
        int peer = accept(server->listener, NULL, NULL);
        if (peer < 0 && errno == EINVAL) return NULL; /* the listener was shut down */
        if (peer < 0) continue;                       /* interrupted, or the peer has gone before its turn */
        serve_connection(server, peer);
    }
}

void tst_server_start(tst_server *server, const tst_reply *replies, size_t count)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t          len = sizeof address;

    memset(server, 0, sizeof *server);
    server->replies = replies;
    server->reply_count = count;
    server->listener = socket(AF_INET, SOCK_STREAM, 0);
    if (server->listener < 0 || bind(server->listener, (struct sockaddr *)&address, len) != 0) die("bind");
    if (listen(server->listener, 128) != 0 || getsockname(server->listener, (struct sockaddr *)&address, &len) != 0) die("listen");
    server->port = ntohs(address.sin_port);
    snprintf(server->url, sizeof server->url, "http://127.0.0.1:%d", server->port);
    if (pthread_create(&server->thread, NULL, serve, server) != 0) die("pthread_create");
}

void tst_server_stop(tst_server *server)
{
    shutdown(server->listener, SHUT_RDWR);
    pthread_join(server->thread, NULL);
    close(server->listener);
}
