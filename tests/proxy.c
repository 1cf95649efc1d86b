/* proxy.c -- a small proxy on loopback for the tests.
 * SPDX-License-Identifier: MIT
 *
 * Sources: RFC 9110, 9.3.6 (CONNECT); RFC 1928 and 1929 (SOCKS 5); "SOCKS: A protocol for TCP proxy across firewalls"
 * and "SOCKS 4A: A Simple Extension to SOCKS 4 Protocol".
 */
#include "proxy.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void must(bool holds, const char *what)
{
    if (holds) return;
    perror(what);
    abort();
}

static void note(tst_proxy *proxy, const char *how, const char *what)
{
    size_t len = strlen(proxy->asked);

    snprintf(proxy->asked + len, sizeof proxy->asked - len, "%s %s\n", how, what);
}

static bool read_exactly(int fd, void *bytes, size_t len)
{
    return len == 0 || recv(fd, bytes, len, MSG_WAITALL) == (ssize_t)len;
}

static void say(int fd, const void *bytes, size_t len)
{
    (void)send(fd, bytes, len, MSG_NOSIGNAL);
}

static int connect_to(int port)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    int                fd = socket(AF_INET, SOCK_STREAM, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    must(fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0, "connect");
    return fd;
}

static bool pass_on(int from, int to)
{
    char    bytes[16 << 10];
    ssize_t count = recv(from, bytes, sizeof bytes, 0);

    if (count > 0) say(to, bytes, (size_t)count);
    return count > 0;
}

/* Until either side has nothing more to say. */
static void relay(tst_proxy *proxy, int client, const char *first, size_t len)
{
    int           server = connect_to(proxy->destination);
    struct pollfd watched[] = { { .fd = client, .events = POLLIN }, { .fd = server, .events = POLLIN } };
    bool          is_open = true;

    say(server, first, len);
    while (is_open && poll(watched, 2, -1) > 0) {
        if (watched[0].revents) is_open = pass_on(client, server);
        if (watched[1].revents) is_open = pass_on(server, client) && is_open;
    }
    close(server);
}

/* ---- HTTP ---- */

static void encode_base64(const char *text, char *out)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t            len = strlen(text);

    for (size_t i = 0; i < len; i += 3, out += 4) {
        unsigned bits = (unsigned char)text[i] << 16;
        if (i + 1 < len) bits |= (unsigned)(unsigned char)text[i + 1] << 8;
        if (i + 2 < len) bits |= (unsigned char)text[i + 2];
        for (size_t j = 0; j < 4; j++) out[j] = i + j > len ? '=' : letters[bits >> (18 - 6 * j) & 63];
    }
    *out = '\0';
}

static bool is_authorised(const tst_proxy *proxy, const char *head)
{
    char wanted[256] = "Proxy-Authorization: Basic ";

    if (!proxy->credentials) return true;
    encode_base64(proxy->credentials, wanted + strlen(wanted));
    return strstr(head, wanted) != NULL;
}

static void serve_http(tst_proxy *proxy, int client)
{
    static const char refusal[] = "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=x\r\n"
                                  "Content-Length: 0\r\nConnection: close\r\n\r\n";
    static const char tunnel[] = "HTTP/1.1 200 Connection established\r\n\r\n";
    char              head[16 << 10], method[16], target[1024];
    size_t            len = 0;

    do {
        ssize_t count = recv(client, head + len, sizeof head - 1 - len, 0);
        if (count <= 0) return;
        len += (size_t)count;
        head[len] = '\0';
    } while (!strstr(head, "\r\n\r\n"));
    if (sscanf(head, "%15s %1023s", method, target) != 2) return;
    bool is_tunnel = strcmp(method, "CONNECT") == 0;
    note(proxy, is_tunnel ? "CONNECT" : "HTTP", target);
    size_t kept = strlen(proxy->heads);
    snprintf(proxy->heads + kept, sizeof proxy->heads - kept, "%.*s\n", (int)(strstr(head, "\r\n\r\n") - head), head);
    if (!is_authorised(proxy, head)) {
        say(client, refusal, sizeof refusal - 1);
        return;
    }
    if (is_tunnel) say(client, tunnel, sizeof tunnel - 1);
    relay(proxy, client, head, is_tunnel ? 0 : len);
}

/* ---- SOCKS ---- */

static bool read_text(int client, char *out, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (!read_exactly(client, out + i, 1)) return false;
        if (out[i] == '\0') return true;
    }
    return false;
}

static void serve_socks4(tst_proxy *proxy, int client)
{
    unsigned char head[7]; /* behind the version: command, port, address */
    char          user[256], host[256], what[300];

    if (!read_exactly(client, head, sizeof head) || !read_text(client, user, sizeof user)) return;
    bool has_name = head[3] == 0 && head[4] == 0 && head[5] == 0 && head[6] != 0;
    if (has_name && !read_text(client, host, sizeof host)) return;
    if (!has_name) snprintf(host, sizeof host, "%d.%d.%d.%d", head[3], head[4], head[5], head[6]);
    snprintf(what, sizeof what, "%s:%d", host, head[1] << 8 | head[2]);
    note(proxy, has_name ? "SOCKS4A" : "SOCKS4", what);
    say(client, "\0\x5A\0\0\0\0\0\0", 8);
    relay(proxy, client, "", 0);
}

static bool log_in(const tst_proxy *proxy, int client)
{
    unsigned char version, user_len, password_len;
    char          user[256], password[256], both[600];

    if (!read_exactly(client, &version, 1) || !read_exactly(client, &user_len, 1)) return false;
    if (!read_exactly(client, user, user_len) || !read_exactly(client, &password_len, 1)) return false;
    if (!read_exactly(client, password, password_len)) return false;
    snprintf(both, sizeof both, "%.*s:%.*s", (int)user_len, user, (int)password_len, password);
    bool is_good = strcmp(both, proxy->credentials) == 0;
    say(client, is_good ? "\1\0" : "\1\1", 2);
    return is_good;
}

static bool greet_socks5(const tst_proxy *proxy, int client)
{
    unsigned char count, methods[255], wanted = proxy->credentials ? 2 : 0;

    if (!read_exactly(client, &count, 1) || !read_exactly(client, methods, count)) return false;
    bool is_offered = memchr(methods, wanted, count) != NULL;
    say(client, (unsigned char[]){ 5, is_offered ? wanted : 0xFF }, 2);
    return is_offered && (!proxy->credentials || log_in(proxy, client));
}

static void serve_socks5(tst_proxy *proxy, int client)
{
    unsigned char head[4], len, address[16], port[2]; /* version, command, reserved, kind of address */
    char          host[256], what[300];

    if (!greet_socks5(proxy, client) || !read_exactly(client, head, sizeof head)) return;
    if (head[3] == 3) {
        if (!read_exactly(client, &len, 1) || !read_exactly(client, host, len)) return;
        host[len] = '\0';
    } else {
        if (!read_exactly(client, address, head[3] == 1 ? 4 : 16)) return;
        must(inet_ntop(head[3] == 1 ? AF_INET : AF_INET6, address, host, sizeof host) != NULL, "inet_ntop");
    }
    if (!read_exactly(client, port, sizeof port)) return;
    snprintf(what, sizeof what, "%s:%d", host, port[0] << 8 | port[1]);
    note(proxy, "SOCKS5", what);
    say(client, "\5\0\0\1\0\0\0\0\0\0", 10);
    relay(proxy, client, "", 0);
}

/* ---- all ---- */

static void serve_connection(tst_proxy *proxy, int client)
{
    unsigned char first;

    if (recv(client, &first, 1, MSG_PEEK) != 1) return;
    if (first > 5) {
        serve_http(proxy, client);
        return;
    }
    if (!read_exactly(client, &first, 1)) return;
    if (first == 4) serve_socks4(proxy, client);
    else serve_socks5(proxy, client);
}

static void *serve(void *user)
{
    tst_proxy *proxy = user;

    for (;;) {
        int client = accept(proxy->listener, NULL, NULL);
        if (client < 0) return NULL; /* the listener was shut down */
        serve_connection(proxy, client);
        close(client);
    }
}

void tst_proxy_start(tst_proxy *proxy, int destination, const char *credentials)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t          len = sizeof address;

    *proxy = (tst_proxy){ .destination = destination, .credentials = credentials };
    proxy->listener = socket(AF_INET, SOCK_STREAM, 0);
    must(proxy->listener >= 0 && bind(proxy->listener, (struct sockaddr *)&address, len) == 0, "bind");
    must(listen(proxy->listener, 16) == 0, "listen");
    must(getsockname(proxy->listener, (struct sockaddr *)&address, &len) == 0, "getsockname");
    proxy->port = ntohs(address.sin_port);
    must(pthread_create(&proxy->thread, NULL, serve, proxy) == 0, "pthread_create");
}

void tst_proxy_stop(tst_proxy *proxy)
{
    shutdown(proxy->listener, SHUT_RDWR);
    pthread_join(proxy->thread, NULL);
    close(proxy->listener);
}
