/* poll.h -- a client in a loop of your own around poll(2). Needs nothing but POSIX.
 * SPDX-License-Identifier: MIT
 *
 *     castor_poll loop;
 *     castor_poll_attach(client, &loop, &err);
 *     ... open streams, listen to them ...
 *     while (castor_poll_is_busy(&loop)) castor_poll_turn(&loop, -1);
 *
 * To wait for descriptors of your own in the same poll, copy loop.fds and append them; castor_poll_timeout has the
 * timeout. Copy `revents` back, and castor_poll_serve does the rest. For hundreds of streams take another adapter, or
 * castor_client_wait: poll asks for every descriptor every time.
 *
 * The struct is yours and must stay where it is until the client is freed or attached elsewhere.
 */
#ifndef CASTOR_ADAPTERS_POLL_H
#define CASTOR_ADAPTERS_POLL_H

#include <castor/castor.h>
#include <poll.h>
#include <stdlib.h>
#include <time.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct castor_poll {
    castor_client *client;   /* NULL: detached */
    struct pollfd *fds;
    size_t         count;
    size_t         capacity;
    int64_t        due_ms;   /* when the timer rings; negative: never */
} castor_poll;

static inline int64_t castor_poll_now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static inline int32_t castor_poll_watch(void *user, int fd, int32_t interest)
{
    castor_poll *loop = (castor_poll *)user;
    size_t       at = 0;

    while (at < loop->count && loop->fds[at].fd != fd) at++;
    if (interest == 0) {
        if (at < loop->count) loop->fds[at] = loop->fds[--loop->count];
        return 0;
    }
    if (at == loop->capacity) {
        size_t         capacity = at ? at * 2 : 8;
        struct pollfd *fds = (struct pollfd *)realloc(loop->fds, capacity * sizeof *fds);
        if (!fds) return -1;
        loop->fds = fds;
        loop->capacity = capacity;
    }
    if (at == loop->count) loop->count++;
    loop->fds[at].fd = fd;
    loop->fds[at].events = (short)((interest & CASTOR_READ ? POLLIN : 0) | (interest & CASTOR_WRITE ? POLLOUT : 0));
    loop->fds[at].revents = 0;
    return 0;
}

static inline int32_t castor_poll_timer(void *user, int64_t delay_ms)
{
    ((castor_poll *)user)->due_ms = delay_ms < 0 ? -1 : castor_poll_now_ms() + delay_ms;
    return 0;
}

static inline void castor_poll_detach(void *user)
{
    castor_poll *loop = (castor_poll *)user;

    free(loop->fds);
    loop->fds = NULL;
    loop->count = loop->capacity = 0;
    loop->due_ms = -1;
    loop->client = NULL;
}

static inline castor_status castor_poll_attach(castor_client *client, castor_poll *loop, castor_error *err)
{
    castor_loop hooks = CASTOR_LOOP_INIT;

    memset(loop, 0, sizeof *loop);
    loop->client = client;
    loop->due_ms = -1;
    hooks.watch = castor_poll_watch;
    hooks.timer = castor_poll_timer;
    hooks.detach = castor_poll_detach;
    hooks.user = loop;
    castor_status status = castor_client_attach(client, &hooks, err);
    if (status != CASTOR_OK) castor_poll_detach(loop);
    return status;
}

/* Whether there is anything to wait for. */
static inline int castor_poll_is_busy(const castor_poll *loop)
{
    return loop->client && (loop->count > 0 || loop->due_ms >= 0);
}

/* From the back: what goes while its neighbours are served is replaced by one that was served before. */
static inline void castor_poll_serve(castor_poll *loop)
{
    for (size_t i = loop->count; i-- > 0;) {
        if (i >= loop->count || loop->fds[i].revents == 0) continue;
        short events = loop->fds[i].revents;
        loop->fds[i].revents = 0;
        int32_t ready = (events & POLLIN ? CASTOR_READ : 0) | (events & POLLOUT ? CASTOR_WRITE : 0);
        if (events & ~(POLLIN | POLLOUT)) ready = CASTOR_READ | CASTOR_WRITE;
        castor_client_ready(loop->client, loop->fds[i].fd, ready);
    }
    if (loop->due_ms < 0 || loop->due_ms > castor_poll_now_ms()) return;
    loop->due_ms = -1;
    castor_client_tick(loop->client);
}

/* What to wait at most so that the timer is served in time, and no longer than `timeout_ms`; -1: for ever. */
static inline int castor_poll_timeout(const castor_poll *loop, int timeout_ms)
{
    int64_t left_ms = loop->due_ms < 0 ? -1 : loop->due_ms - castor_poll_now_ms();

    if (loop->due_ms < 0) return timeout_ms;
    if (left_ms < 0) return 0;
    if (left_ms > 60 * 1000) left_ms = 60 * 1000;
    return timeout_ms >= 0 && timeout_ms < left_ms ? timeout_ms : (int)left_ms;
}

/* Waits once, `timeout_ms` at most (-1: for ever), and serves what is ready. Returns what poll did. */
static inline int castor_poll_turn(castor_poll *loop, int timeout_ms)
{
    int count = poll(loop->fds, (nfds_t)loop->count, castor_poll_timeout(loop, timeout_ms));

    if (count >= 0) castor_poll_serve(loop);
    return count;
}

#ifdef __cplusplus
}
#endif

#endif
