/* bare_pacer.c -- a server that does nothing but send() at the right time: what pacing costs when nobody but the kernel
 * stands between a clock and the sockets.
 * SPDX-License-Identifier: MIT
 *
 *     bare_pacer EVENTS GAP_MS TEXT
 *
 * Prints its port, and serves loopback until it is killed. Whatever arrives on a connection is its request; it is
 * answered with EVENTS chunks that hold TEXT as an event, the k-th k * GAP_MS later, and the connection is closed. All
 * gaps are alike, so that who waits stands in a queue: each that was served goes to its end.
 */
#define _GNU_SOURCE /* accept4 */
#include "figures.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CHUNK_MAX = 4096, READY_MAX = 256, BACKLOG = 4096 };

typedef struct paced {
    struct paced *next; /* who is due next */
    uint64_t      due_us;
    size_t        sent;
    int           fd;
} paced;

static struct {
    size_t events, gap_us;
    int    listener, epoll;
    paced *first, *last;
    char   head_and_chunk[CHUNK_MAX]; /* the first event comes with the head */
    char  *chunk;
    size_t chunk_len;
} all;

static uint64_t now_us(void)
{
    return fig_now_ns() / 1000;
}

static void queue(paced *p)
{
    p->next = NULL;
    if (all.last) all.last->next = p;
    else all.first = p;
    all.last = p;
}

static void send_next(paced *p)
{
    static const char end[] = "0\r\n\r\n";
    const char       *bytes = p->sent == 0 ? all.head_and_chunk : all.chunk;
    size_t            len = (size_t)(all.chunk + all.chunk_len - bytes);

    if (send(p->fd, bytes, len, MSG_NOSIGNAL) != (ssize_t)len) fig_die("send");
    if (++p->sent < all.events) {
        p->due_us += all.gap_us;
        queue(p);
        return;
    }
    send(p->fd, end, sizeof end - 1, MSG_NOSIGNAL);
    close(p->fd);
    free(p);
}

static void welcome(void)
{
    int fd, yes = 1;

    while ((fd = accept4(all.listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        paced             *p = calloc(1, sizeof *p);
        struct epoll_event wanted = { .events = EPOLLIN, .data.ptr = p };
        if (!p) fig_die("memory");
        p->fd = fd;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        if (epoll_ctl(all.epoll, EPOLL_CTL_ADD, fd, &wanted) != 0) fig_die("epoll_ctl");
    }
    if (errno != EAGAIN) fig_die("accept");
}

/* From its request on nothing more is read of it. */
static void take_request(paced *p)
{
    char text[CHUNK_MAX];

    if (recv(p->fd, text, sizeof text, 0) <= 0) fig_die("recv");
    epoll_ctl(all.epoll, EPOLL_CTL_DEL, p->fd, NULL);
    p->due_us = now_us() + all.gap_us;
    queue(p);
}

static void serve(void)
{
    struct epoll_event ready[READY_MAX];

    for (;;) {
        uint64_t now = now_us();
        while (all.first && all.first->due_us <= now) {
            paced *p = all.first;
            all.first = p->next;
            if (!all.first) all.last = NULL;
            send_next(p);
        }
        int wait_ms = all.first ? (int)((all.first->due_us - now) / 1000 + 1) : -1;
        int count = epoll_wait(all.epoll, ready, READY_MAX, wait_ms);
        for (int i = 0; i < count; i++) {
            if (ready[i].data.ptr) take_request(ready[i].data.ptr);
            else welcome();
        }
    }
}

static void listen_on_loopback(void)
{
    struct sockaddr_in address = { .sin_family = AF_INET };
    struct epoll_event wanted = { .events = EPOLLIN };
    socklen_t          len = sizeof address;

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    all.listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    all.epoll = epoll_create1(0);
    if (all.listener < 0 || bind(all.listener, (struct sockaddr *)&address, len) != 0 ||
        listen(all.listener, BACKLOG) != 0 || getsockname(all.listener, (struct sockaddr *)&address, &len) != 0 ||
        epoll_ctl(all.epoll, EPOLL_CTL_ADD, all.listener, &wanted) != 0) {
        fig_die("listen");
    }
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: bare_pacer EVENTS GAP_MS TEXT\n");
        return 2;
    }
    all.events = strtoul(argv[1], NULL, 10);
    all.gap_us = strtoul(argv[2], NULL, 10) * 1000;
    int head = snprintf(all.head_and_chunk, CHUNK_MAX,
                        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n");
    int chunk = snprintf(all.head_and_chunk + head, (size_t)(CHUNK_MAX - head), "%zx\r\n%s\r\n\r\n\r\n",
                         strlen(argv[3]) + 4, argv[3]);
    if (chunk >= CHUNK_MAX - head) fig_die("TEXT is too long");
    all.chunk = all.head_and_chunk + head;
    all.chunk_len = (size_t)chunk;
    fig_raise_descriptors();
    listen_on_loopback();
    serve();
    return 0;
}
