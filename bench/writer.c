/* writer.c -- a server that writes at a known instant: the head of an answer at once, and its one event, which says when
 * it was written, some time later.
 * SPDX-License-Identifier: MIT
 *
 *     writer DELAY_MS
 *
 * Prints its port, and serves loopback until it is killed, each connection in a process of its own. A path that ends
 * with "chat/completions" is answered as one of those.
 */
#define _GNU_SOURCE
#include "figures.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { REQUEST_MAX = 64 << 10, ANSWER_MAX = 1024 };

static const char head[] = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";

static const char gemini[] =
    "data: {\"candidates\": [{\"content\": {\"parts\": [{\"text\": \"%019" PRIu64 " is when this was written.\"}],"
    "\"role\": \"model\"},\"finishReason\": \"STOP\",\"index\": 0}],\"usageMetadata\": {\"promptTokenCount\": 1,"
    "\"candidatesTokenCount\": 9,\"totalTokenCount\": 10},\"modelVersion\": \"gemini-3.8-flash\"}\r\n\r\n";
static const char openai[] =
    "data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1770000000,\"model\":\"gemini-3.8-flash\","
    "\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"%019" PRIu64 " is when this was written.\"},"
    "\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";

/* Reads one request, 0 at the end of the connection. */
static size_t read_request(int fd, char *text)
{
    size_t len = 0;

    while (len < REQUEST_MAX - 1) {
        ssize_t count = recv(fd, text + len, REQUEST_MAX - 1 - len, 0);
        if (count <= 0) return 0;
        len += (size_t)count;
        text[len] = '\0';
        const char *end = strstr(text, "\r\n\r\n");
        const char *length = strcasestr(text, "\r\ncontent-length:");
        if (!end) continue;
        size_t body = length && length < end ? strtoul(length + sizeof "\r\ncontent-length:" - 1, NULL, 10) : 0;
        if (len >= (size_t)(end + 4 - text) + body) return len;
    }
    return 0;
}

static void sleep_until(uint64_t due_ns)
{
    struct timespec due = { .tv_sec = (time_t)(due_ns / 1000000000), .tv_nsec = (long)(due_ns % 1000000000) };

    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL) == EINTR) continue;
}

/* The event, in one of the two forms above, as one chunk, and the last chunk: in one write. */
static int write_event(int fd, const char *form)
{
    char event[ANSWER_MAX], chunk[ANSWER_MAX + 32];

    int len = snprintf(event, sizeof event, form, fig_now_ns());
    len = snprintf(chunk, sizeof chunk, "%x\r\n%s\r\n0\r\n\r\n", (unsigned)len, event);
    return send(fd, chunk, (size_t)len, MSG_NOSIGNAL) == len ? 0 : -1;
}

static void serve(int fd, uint64_t delay_ns)
{
    static char text[REQUEST_MAX];
    int         yes = 1;

    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    while (read_request(fd, text) > 0) {
        uint64_t due_ns = fig_now_ns() + delay_ns;
        if (send(fd, head, sizeof head - 1, MSG_NOSIGNAL) != sizeof head - 1) break;
        sleep_until(due_ns);
        if (write_event(fd, strstr(text, "chat/completions ") ? openai : gemini) != 0) break;
    }
    close(fd);
}

int main(int argc, char **argv)
{
    struct sockaddr_in address = { .sin_family = AF_INET };
    socklen_t          len = sizeof address;
    int                listener = socket(AF_INET, SOCK_STREAM, 0);

    if (argc != 2) {
        fprintf(stderr, "usage: writer DELAY_MS\n");
        return 2;
    }
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, len) != 0 || listen(listener, 16) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &len) != 0) {
        fig_die("listen");
    }
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    signal(SIGCHLD, SIG_IGN); /* nobody waits for them */
    for (;;) {
        int fd = accept(listener, NULL, NULL);
        if (fd < 0) fig_die("accept");
        pid_t child = fork();
        if (child < 0) fig_die("fork");
        if (child == 0) {
            serve(fd, strtoul(argv[1], NULL, 10) * 1000000);
            return 0;
        }
        close(fd);
    }
}
