/* http2.c -- any frames behind the preface of HTTP/2, sent to a server that answers in many ways: every reply that
 * begins is gone at the end, and the server outlives them all.
 * SPDX-License-Identifier: MIT
 */
#define _GNU_SOURCE /* SOCK_NONBLOCK */

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http/server.h"

#include "fuzz.h"

static plx_server server;
static uv_loop_t  loop;
static size_t     begun, gone;

static void on_gone(plx_reply *reply)
{
    (void)reply;
    gone++;
}

static void on_body(plx_reply *reply, castor_str bytes)
{
    (void)reply;
    (void)bytes;
}

static void say(plx_reply *reply)
{
    plx_header header = { CASTOR_STR("content-type"), CASTOR_STR("text/plain") };

    plx_reply_send_headers(reply, 200, &header, 1);
    plx_reply_write(reply, CASTOR_STR("hello"));
}

static void finish(plx_reply *reply)
{
    say(reply);
    plx_reply_end(reply);
}

static void release(plx_reply *reply)
{
    plx_reply_hold_body(reply, false);
}

/* What the path's first letter asks for. */
static void begin(void *user, plx_reply *reply, const plx_head *head)
{
    plx_shape_of_packets shape = { .bytes_max = 2 };
    char                 wish = head->target.len > 1 ? head->target.data[1] : '\0';

    (void)user;
    begun++;
    reply->on_gone = on_gone;
    reply->on_body = on_body;
    reply->on_body_end = finish;
    if (wish == 'h') plx_reply_hold_body(reply, true);
    if (wish == 'p') plx_reply_shape_packets(reply, &shape);
    if (wish == 't') {
        plx_reply_hold_body(reply, true);
        reply->on_timer = release;
        plx_reply_wake_at(reply, plx_reply_now_us(reply));
    }
    if (wish == 'e') finish(reply);
    if (wish == 'r' || wish == 'f' || wish == 'g') {
        say(reply);
        plx_reply_abort(reply, wish == 'r' ? PLX_ABORT_RESET : wish == 'f' ? PLX_ABORT_FIN : PLX_ABORT_GOAWAY, 1);
    }
}

static void refuse(void *user, plx_reply *reply, int status, const char *why)
{
    (void)user;
    begun++;
    reply->on_gone = on_gone;
    fuzz_check(status >= 400 && why, "refused without a reason");
    plx_reply_send_headers(reply, status, NULL, 0);
    plx_reply_end(reply);
}

static void start_once(void)
{
    static bool        is_started;
    plx_server_options options = { .host = "127.0.0.1", .is_quiet = true, .limits = PLX_LIMITS_DEFAULT };
    plx_handler        handler = { NULL, NULL, begin, refuse };
    char               why[256];

    if (is_started) return;
    is_started = true;
    fuzz_check(uv_loop_init(&loop) == 0, "no loop for the fuzzer itself");
    fuzz_check(plx_server_open(&server, &loop, &options, handler, why, sizeof why), "no port for the fuzzer itself");
}

/* libFuzzer's alarm may interrupt it; the connection is made all the same. */
static bool is_connected(int fd, const struct sockaddr_in *address)
{
    struct pollfd made = { .fd = fd, .events = POLLOUT };
    int           error = 0;
    socklen_t     len = sizeof error;

    if (connect(fd, (const struct sockaddr *)address, sizeof *address) == 0) return true;
    if (errno != EINTR) return false;
    while (poll(&made, 1, -1) < 0 && errno == EINTR) continue;
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0 && error == 0;
}

/* From another address of the loopback each time: one has not ports enough for a long run. */
static int connect_to_server(void)
{
    static uint32_t    count;
    struct sockaddr_in own = { .sin_family = AF_INET };
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)plx_server_port(&server)) };
    struct linger      at_once = { 1, 0 }; /* thousands a second: none may linger */
    int                fd = socket(AF_INET, SOCK_STREAM, 0);

    own.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + (++count & 0xFFFF));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    bind(fd, (struct sockaddr *)&own, sizeof own); /* where there is only one address, that one will do */
    fuzz_check(fd >= 0 && is_connected(fd, &address), "no connection");
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    return fd;
}

static void turn(int fd)
{
    char drain[65536];

    for (int i = 0; i < 2; i++) uv_run(&loop, UV_RUN_NOWAIT);
    while (recv(fd, drain, sizeof drain, MSG_DONTWAIT) > 0) continue;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0";
    uint64_t          cuts = fuzz_sum(data, size) | 1;

    start_once();
    begun = gone = 0;
    int fd = connect_to_server();
    fuzz_check(send(fd, preface, sizeof preface - 1, MSG_NOSIGNAL) > 0, "the preface was not taken");
    for (size_t at = 0; at < size;) {
        size_t  len = size - at < 4096 ? size - at : 64 + fuzz_piece(&cuts, size - at - 64);
        ssize_t sent = send(fd, data + at, len, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent <= 0) break;
        at += (size_t)sent;
        turn(fd);
    }
    turn(fd);
    close(fd);
    while (server.connection_count > 0) uv_run(&loop, UV_RUN_ONCE);
    fuzz_check(begun == gone, "a reply that began has not gone");
    return 0;
}
