/* twin.c -- pollux as the tests see it.
 * SPDX-License-Identifier: MIT
 */
#include "twin.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef POLLUX_PATH
#define POLLUX_PATH "./pollux"
#endif

/* ---- the program ---- */

void tst_pollux_run(tst_pollux *p, int *out, const char *const *args)
{
    const char *path = getenv("POLLUX") ? getenv("POLLUX") : POLLUX_PATH;
    char       *words[TST_ARGS_MAX + 2] = { (char *)(uintptr_t)path };
    int         outs[2], errs[2];

    for (size_t i = 0; i < TST_ARGS_MAX && args[i]; i++) words[i + 1] = (char *)(uintptr_t)args[i];
    assert_int_equal(pipe(outs), 0);
    assert_int_equal(pipe(errs), 0);
    p->pid = fork();
    assert_true(p->pid >= 0);
    if (p->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails leaves nobody behind */
        dup2(outs[1], 1);
        dup2(errs[1], 2);
        for (int fd = 3; fd < 64; fd++) close(fd);
        execv(path, words);
        _exit(127);
    }
    close(outs[1]);
    close(errs[1]);
    *out = outs[0];
    p->errors = errs[0];
}

/* A signal of somebody else's is no end. */
static ssize_t read_some(int fd, char *bytes, size_t size)
{
    ssize_t count;

    do count = read(fd, bytes, size);
    while (count < 0 && errno == EINTR);
    return count;
}

size_t tst_read_all(int fd, char *text, size_t size)
{
    size_t  len = 0;
    ssize_t count;

    while (len + 1 < size && (count = read_some(fd, text + len, size - 1 - len)) > 0) len += (size_t)count;
    text[len] = '\0';
    return len;
}

void tst_read_line(int fd, char *text, size_t size)
{
    size_t len = 0;

    while (len + 1 < size && read_some(fd, text + len, 1) == 1 && text[len++] != '\n') continue;
    text[len] = '\0';
}

static bool has_word(const char *const *words, const char *word)
{
    for (; *words; words++) {
        if (strcmp(*words, word) == 0) return true;
    }
    return false;
}

tst_pollux tst_pollux_start(const char *const *args)
{
    tst_pollux p = { .port = 0 };
    char       line[512];
    char       scheme[8];
    char       expected[128];
    int        out;

    tst_pollux_run(&p, &out, args);
    tst_read_line(out, line, sizeof line);
    if (sscanf(line, "pollux listening on %7[a-z]://127.0.0.1:%d", scheme, &p.port) != 2) fail_msg("first line: %s", line);
    snprintf(expected, sizeof expected, "pollux listening on %s://127.0.0.1:%d\n", scheme, p.port);
    assert_string_equal(line, expected);
    if (strcmp(scheme, "https") == 0 && !has_word(args, "--tls-cert")) {
        tst_read_line(out, line, sizeof line);
        assert_int_equal(sscanf(line, "pollux certificate authority: %255[^\n]", p.authority), 1);
    }
    close(out);
    return p;
}

int tst_exit_status(pid_t pid)
{
    int status = 0;

    while (waitpid(pid, &status, 0) != pid) assert_int_equal(errno, EINTR);
    if (!WIFEXITED(status)) fail_msg("pollux ended by signal %d", WTERMSIG(status));
    return WEXITSTATUS(status);
}

void tst_pollux_stop(tst_pollux *p)
{
    char   log[65536];
    size_t len = 0;

    kill(p->pid, SIGTERM);
    len = tst_read_all(p->errors, log, sizeof log);
    int status = tst_exit_status(p->pid);
    if (status != 0) fail_msg("exit status %d: %.*s", status, (int)len, log);
    close(p->errors);
}

tst_pollux tst_shared;

int tst_shared_start(void **state)
{
    (void)state;
    tst_shared = TST_POLLUX("--instant", "-q");
    return 0;
}

int tst_shared_stop(void **state)
{
    (void)state;
    tst_pollux_stop(&tst_shared);
    return 0;
}

/* ---- connections ---- */

tst_link tst_connect(const tst_pollux *p) { return tst_connect_to(p->port); }

tst_link tst_connect_to(int port)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    struct timeval     patience = { TST_PATIENCE_S, 0 };
    tst_link           l = { .fd = socket(AF_INET, SOCK_STREAM, 0) };
    int                yes = 1;

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_true(l.fd >= 0);
    setsockopt(l.fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(l.fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    assert_int_equal(connect(l.fd, (struct sockaddr *)&address, sizeof address), 0);
    return l;
}

void tst_hang_up(tst_link *l)
{
    close(l->fd);
    free(l->data);
    *l = (tst_link){ .fd = -1 };
}

void tst_send(tst_link *l, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t count = send(l->fd, bytes, len, MSG_NOSIGNAL);
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) return; /* it was refused before it was read: the answer tells */
        bytes += count;
        len -= (size_t)count;
    }
}

void tst_send_text(tst_link *l, const char *text) { tst_send(l, text, strlen(text)); }

bool tst_read_more(tst_link *l)
{
    if (l->size - l->len < 65536) {
        l->size = l->size * 2 + 131072;
        l->data = realloc(l->data, l->size);
        assert_non_null(l->data);
    }
    ssize_t count;
    do count = recv(l->fd, l->data + l->len, l->size - l->len - 1, 0);
    while (count < 0 && errno == EINTR);
    if (count < 0) l->error = errno;
    if (count <= 0) return false;
    l->len += (size_t)count;
    l->data[l->len] = '\0';
    return true;
}

size_t tst_find_behind(tst_link *l, const char *text)
{
    size_t len = strlen(text);

    for (size_t from = l->at;;) {
        for (; from + len <= l->len; from++) {
            if (memcmp(l->data + from, text, len) == 0) return from + len;
        }
        if (!tst_read_more(l)) return 0;
    }
}

/* ---- answers ---- */

static void keep(tst_answer *a, const char *bytes, size_t len)
{
    a->body = realloc(a->body, a->len + len + 1);
    assert_non_null(a->body);
    memcpy(a->body + a->len, bytes, len);
    a->len += len;
    a->body[a->len] = '\0';
}

bool tst_read_head(tst_link *l, tst_answer *a)
{
    size_t end = tst_find_behind(l, "\r\n\r\n");

    *a = (tst_answer){ .status = 0 };
    keep(a, "", 0);
    if (end == 0) return false;
    assert_true(end - l->at < sizeof a->head);
    memcpy(a->head, l->data + l->at, end - l->at);
    l->at = end;
    assert_int_equal(sscanf(a->head, "HTTP/1.1 %d ", &a->status), 1);
    return true;
}

bool tst_read_chunk(tst_link *l, tst_answer *a)
{
    size_t line = tst_find_behind(l, "\r\n");

    if (line == 0) return false;
    char  *end = NULL;
    size_t size = strtoul(l->data + l->at, &end, 16);
    assert_ptr_equal(end, l->data + line - 2); /* no extensions, no blanks */
    while (l->len < line + size + 2) {
        if (!tst_read_more(l)) return false;
    }
    assert_memory_equal(l->data + line + size, "\r\n", 2);
    keep(a, l->data + line, size);
    l->at = line + size + 2;
    if (size == 0) {
        a->is_whole = true;
        return false;
    }
    if (a->chunk_count < TST_CHUNKS_MAX) a->chunk_ends[a->chunk_count++] = a->len;
    return true;
}

bool tst_header(const tst_answer *a, const char *name, char *value, size_t size)
{
    size_t len = strlen(name);

    for (const char *line = strstr(a->head, "\r\n"); line && line[2] != '\r'; line = strstr(line + 2, "\r\n")) {
        if (strncmp(line + 2, name, len) != 0 || strncmp(line + 2 + len, ": ", 2) != 0) continue;
        const char *from = line + 4 + len;
        snprintf(value, size, "%.*s", (int)strcspn(from, "\r"), from);
        return true;
    }
    return false;
}

static void read_rest(tst_link *l, tst_answer *a, size_t length)
{
    while (l->len - l->at < length && tst_read_more(l)) continue;
    size_t count = l->len - l->at < length ? l->len - l->at : length;
    keep(a, l->data + l->at, count);
    l->at += count;
    a->is_whole = length == SIZE_MAX ? l->error == 0 : count == length;
}

tst_answer tst_read_answer(tst_link *l)
{
    tst_answer a;
    char       value[32];

    if (!tst_read_head(l, &a)) return a;
    if (tst_header(&a, "transfer-encoding", value, sizeof value)) {
        assert_string_equal(value, "chunked");
        while (tst_read_chunk(l, &a)) continue;
    } else if (tst_header(&a, "content-length", value, sizeof value)) {
        read_rest(l, &a, strtoul(value, NULL, 10));
    } else {
        read_rest(l, &a, SIZE_MAX);
    }
    return a;
}

void tst_forget(tst_answer *a)
{
    free(a->body);
    a->body = NULL;
}

void tst_request(tst_link *l, const char *method, const char *path, const char *headers, const char *body)
{
    size_t size = strlen(method) + strlen(path) + strlen(headers) + (body ? strlen(body) : 0) + 256;
    char  *text = malloc(size);
    int    len;

    assert_non_null(text);
    len = snprintf(text, size, "%s %s HTTP/1.1\r\nHost: localhost\r\n%s", method, path, headers);
    if (body) {
        len += snprintf(text + len, size - (size_t)len,
                        "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s", strlen(body), body);
    } else {
        len += snprintf(text + len, size - (size_t)len, "\r\n");
    }
    tst_send(l, text, (size_t)len);
    free(text);
}

void tst_post(tst_link *l, const char *path, const char *headers, const char *body)
{
    tst_request(l, "POST", path, headers, body);
}

tst_answer tst_call(const tst_pollux *p, const char *method, const char *path, const char *headers, const char *body)
{
    tst_link l = tst_connect(p);
    tst_request(&l, method, path, headers, body);
    tst_answer a = tst_read_answer(&l);
    tst_hang_up(&l);
    return a;
}

tst_answer tst_ask_with(const tst_pollux *p, const char *path, const char *headers, const char *body)
{
    return tst_call(p, "POST", path, headers, body);
}

tst_answer tst_ask(const tst_pollux *p, const char *path, const char *body)
{
    return tst_ask_with(p, path, KEY, body);
}

void tst_contains(const tst_answer *a, const char *text)
{
    if (!strstr(a->body, text)) fail_msg("status %d, no \"%s\" in:\n%s", a->status, text, a->body);
}

void tst_lacks(const tst_answer *a, const char *text)
{
    if (strstr(a->body, text)) fail_msg("\"%s\" in:\n%s", text, a->body);
}

void tst_same_body(const tst_answer *a, const char *expected)
{
    const char *at = a->body, *want = expected;

    while (*want) {
        if (*want == '$') {
            at += strcspn(at, "\",");
            want++;
        } else if (*at++ != *want++) {
            fail_msg("differs at byte %zu: got\n%s\nexpected\n%s", (size_t)(at - a->body - 1), a->body, expected);
        }
    }
    assert_int_equal((size_t)(at - a->body), a->len);
}

