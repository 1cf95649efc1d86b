/* libuv.h -- a client in a loop of libuv.
 * SPDX-License-Identifier: MIT
 *
 *     castor_uv_attach(client, uv_default_loop(), &err);
 *     ... open streams, listen to them ...
 *     uv_run(uv_default_loop(), UV_RUN_DEFAULT);       returns when all have ended
 *     castor_client_free(client);
 *     uv_run(uv_default_loop(), UV_RUN_DEFAULT);       lets the handles close, as libuv wants it
 *
 * A handle of libuv may only be given back in its close callback: that is why the loop must run once more after the
 * client is freed, before the loop itself is closed.
 */
#ifndef CASTOR_ADAPTERS_LIBUV_H
#define CASTOR_ADAPTERS_LIBUV_H

#include <castor/adapters/fds.h>
#include <castor/castor.h>
#include <uv.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct castor_uv {
    uv_timer_t     timer;
    uv_loop_t     *loop;
    castor_client *client;
    castor_fds     fds;
    int            handles; /* that are not closed yet */
} castor_uv;

typedef struct castor_uv_fd {
    uv_poll_t  poll;
    castor_uv *owner;
    int        fd;
} castor_uv_fd;

static inline void castor_uv_release(castor_uv *self)
{
    if (--self->handles > 0) return;
    free(self->fds.slots);
    free(self);
}

static inline void castor_uv_fd_closed(uv_handle_t *handle)
{
    castor_uv_fd *one = (castor_uv_fd *)handle->data;
    castor_uv    *self = one->owner;

    free(one);
    castor_uv_release(self);
}

static inline void castor_uv_timer_closed(uv_handle_t *handle)
{
    castor_uv_release((castor_uv *)handle->data);
}

static inline void castor_uv_on_poll(uv_poll_t *poll, int status, int events)
{
    castor_uv_fd *one = (castor_uv_fd *)poll->data;
    int32_t       ready = (events & UV_READABLE ? CASTOR_READ : 0) | (events & UV_WRITABLE ? CASTOR_WRITE : 0);

    castor_client_ready(one->owner->client, one->fd, status < 0 ? CASTOR_READ | CASTOR_WRITE : ready);
}

static inline void castor_uv_on_timer(uv_timer_t *timer)
{
    castor_client_tick(((castor_uv *)timer->data)->client);
}

static inline castor_uv_fd *castor_uv_new_fd(castor_uv *self, int fd)
{
    castor_uv_fd *one = (castor_uv_fd *)calloc(1, sizeof *one);

    if (!one) return NULL;
    if (uv_poll_init(self->loop, &one->poll, fd) != 0) {
        free(one);
        return NULL;
    }
    one->poll.data = one;
    one->owner = self;
    one->fd = fd;
    self->handles++;
    return one;
}

static inline int32_t castor_uv_watch(void *user, int fd, int32_t interest)
{
    castor_uv    *self = (castor_uv *)user;
    void        **slot = castor_fds_slot(&self->fds, fd);
    castor_uv_fd *one = slot ? (castor_uv_fd *)*slot : NULL;

    if (interest == 0) {
        if (one) uv_close((uv_handle_t *)&one->poll, castor_uv_fd_closed);
        if (slot) *slot = NULL;
        return 0;
    }
    if (slot && !one) *slot = one = castor_uv_new_fd(self, fd);
    if (!one) return -1;
    int events = (interest & CASTOR_READ ? UV_READABLE : 0) | (interest & CASTOR_WRITE ? UV_WRITABLE : 0);
    return uv_poll_start(&one->poll, events, castor_uv_on_poll) == 0 ? 0 : -1;
}

static inline int32_t castor_uv_timer(void *user, int64_t delay_ms)
{
    castor_uv *self = (castor_uv *)user;

    if (delay_ms < 0) return uv_timer_stop(&self->timer);
    uv_update_time(self->loop); /* its clock stands still while callbacks run */
    return uv_timer_start(&self->timer, castor_uv_on_timer, (uint64_t)delay_ms, 0);
}

static inline void castor_uv_detach(void *user)
{
    castor_uv *self = (castor_uv *)user;

    for (int fd = 0; fd < self->fds.count; fd++) (void)castor_uv_watch(self, fd, 0);
    uv_close((uv_handle_t *)&self->timer, castor_uv_timer_closed);
}

static inline castor_status castor_uv_attach(castor_client *client, uv_loop_t *loop, castor_error *err)
{
    castor_loop   hooks = CASTOR_LOOP_INIT;
    castor_uv    *self = (castor_uv *)calloc(1, sizeof *self);
    castor_status status = castor_fds_no_memory(err);

    if (!self) return status;
    self->loop = loop;
    self->client = client;
    self->handles = 1;
    uv_timer_init(loop, &self->timer);
    self->timer.data = self;
    hooks.watch = castor_uv_watch;
    hooks.timer = castor_uv_timer;
    hooks.detach = castor_uv_detach;
    hooks.user = self;
    status = castor_client_attach(client, &hooks, err);
    if (status != CASTOR_OK) castor_uv_detach(self);
    return status;
}

#ifdef __cplusplus
}
#endif

#endif
