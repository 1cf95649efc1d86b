/* libev.h -- a client in a loop of libev.
 * SPDX-License-Identifier: MIT
 *
 *     castor_ev_attach(client, EV_DEFAULT, &err);
 *     ... open streams, listen to them ...
 *     ev_run(EV_DEFAULT, 0);                           returns when all have ended
 *     castor_client_free(client);
 */
#ifndef CASTOR_ADAPTERS_LIBEV_H
#define CASTOR_ADAPTERS_LIBEV_H

#include <castor/adapters/fds.h>
#include <castor/castor.h>
#include <ev.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct castor_ev {
    ev_timer        timer;
    struct ev_loop *loop;
    castor_client  *client;
    castor_fds      fds; /* an ev_io for each descriptor that was ever watched */
} castor_ev;

static inline void castor_ev_on_io(struct ev_loop *loop, ev_io *io, int events)
{
    castor_ev *self = (castor_ev *)io->data;
    int32_t    ready = (events & EV_READ ? CASTOR_READ : 0) | (events & EV_WRITE ? CASTOR_WRITE : 0);

    (void)loop;
    castor_client_ready(self->client, io->fd, ready);
}

static inline void castor_ev_on_timer(struct ev_loop *loop, ev_timer *timer, int events)
{
    (void)loop;
    (void)events;
    castor_client_tick(((castor_ev *)timer->data)->client);
}

static inline ev_io *castor_ev_new_io(castor_ev *self)
{
    ev_io *io = (ev_io *)calloc(1, sizeof *io);

    if (!io) return NULL;
    ev_init(io, castor_ev_on_io);
    io->data = self;
    return io;
}

static inline int32_t castor_ev_watch(void *user, int fd, int32_t interest)
{
    castor_ev *self = (castor_ev *)user;
    void     **slot = castor_fds_slot(&self->fds, fd);
    ev_io     *io = slot ? (ev_io *)*slot : NULL;

    if (io) ev_io_stop(self->loop, io);
    if (interest == 0) return 0;
    if (slot && !io) *slot = io = castor_ev_new_io(self);
    if (!io) return -1;
    /* Set anew each time: the number may stand for another socket by now. */
    ev_io_set(io, fd, (interest & CASTOR_READ ? EV_READ : 0) | (interest & CASTOR_WRITE ? EV_WRITE : 0));
    ev_io_start(self->loop, io);
    return 0;
}

static inline int32_t castor_ev_timer(void *user, int64_t delay_ms)
{
    castor_ev *self = (castor_ev *)user;

    ev_timer_stop(self->loop, &self->timer);
    if (delay_ms < 0) return 0;
    /* Its clock stands still while callbacks run. */
    ev_timer_set(&self->timer, (double)delay_ms / 1000.0 + (ev_time() - ev_now(self->loop)), 0.0);
    ev_timer_start(self->loop, &self->timer);
    return 0;
}

/* A watcher may go in its own callback, if it is stopped. */
static inline void castor_ev_detach(void *user)
{
    castor_ev *self = (castor_ev *)user;

    for (int fd = 0; fd < self->fds.count; fd++) {
        if (self->fds.slots[fd]) ev_io_stop(self->loop, (ev_io *)self->fds.slots[fd]);
        free(self->fds.slots[fd]);
    }
    ev_timer_stop(self->loop, &self->timer);
    free(self->fds.slots);
    free(self);
}

static inline castor_status castor_ev_attach(castor_client *client, struct ev_loop *loop, castor_error *err)
{
    castor_loop   hooks = CASTOR_LOOP_INIT;
    castor_ev    *self = (castor_ev *)calloc(1, sizeof *self);
    castor_status status = castor_fds_no_memory(err);

    if (!self) return status;
    self->loop = loop;
    self->client = client;
    ev_init(&self->timer, castor_ev_on_timer);
    self->timer.data = self;
    hooks.watch = castor_ev_watch;
    hooks.timer = castor_ev_timer;
    hooks.detach = castor_ev_detach;
    hooks.user = self;
    status = castor_client_attach(client, &hooks, err);
    if (status != CASTOR_OK) castor_ev_detach(self);
    return status;
}

#ifdef __cplusplus
}
#endif

#endif
