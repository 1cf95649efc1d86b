/* libevent.h -- a client on an event base of libevent 2.
 * SPDX-License-Identifier: MIT
 *
 *     castor_libevent_attach(client, base, &err);
 *     ... open streams, listen to them ...
 *     event_base_dispatch(base);                       returns when all have ended
 *     castor_client_free(client);
 */
#ifndef CASTOR_ADAPTERS_LIBEVENT_H
#define CASTOR_ADAPTERS_LIBEVENT_H

#include <castor/adapters/fds.h>
#include <castor/castor.h>
#include <event2/event.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct castor_libevent {
    struct event_base *base;
    struct event      *timer;
    castor_client     *client;
    castor_fds         fds;
} castor_libevent;

static inline void castor_libevent_on_io(evutil_socket_t fd, short events, void *user)
{
    int32_t ready = (events & EV_READ ? CASTOR_READ : 0) | (events & EV_WRITE ? CASTOR_WRITE : 0);

    castor_client_ready(((castor_libevent *)user)->client, (int)fd, ready);
}

static inline void castor_libevent_on_timer(evutil_socket_t fd, short events, void *user)
{
    (void)fd;
    (void)events;
    castor_client_tick(((castor_libevent *)user)->client);
}

/* What an event waits for is fixed when it is made: a change is another event. */
static inline int32_t castor_libevent_watch(void *user, int fd, int32_t interest)
{
    castor_libevent *self = (castor_libevent *)user;
    void           **slot = castor_fds_slot(&self->fds, fd);
    short            events = (short)(EV_PERSIST | (interest & CASTOR_READ ? EV_READ : 0) |
                                      (interest & CASTOR_WRITE ? EV_WRITE : 0));

    if (!slot) return interest == 0 ? 0 : -1;
    if (*slot) event_free((struct event *)*slot);
    *slot = NULL;
    if (interest == 0) return 0;
    struct event *one = event_new(self->base, fd, events, castor_libevent_on_io, self);
    if (one && event_add(one, NULL) == 0) {
        *slot = one;
        return 0;
    }
    if (one) event_free(one);
    return -1;
}

static inline int32_t castor_libevent_timer(void *user, int64_t delay_ms)
{
    castor_libevent *self = (castor_libevent *)user;
    struct timeval   delay;

    if (delay_ms < 0) return evtimer_del(self->timer);
    delay.tv_sec = (time_t)(delay_ms / 1000);
    delay.tv_usec = (suseconds_t)(delay_ms % 1000 * 1000);
    return evtimer_add(self->timer, &delay);
}

static inline void castor_libevent_detach(void *user)
{
    castor_libevent *self = (castor_libevent *)user;

    for (int fd = 0; fd < self->fds.count; fd++) {
        if (self->fds.slots[fd]) event_free((struct event *)self->fds.slots[fd]);
    }
    if (self->timer) event_free(self->timer);
    free(self->fds.slots);
    free(self);
}

static inline castor_status castor_libevent_attach(castor_client *client, struct event_base *base, castor_error *err)
{
    castor_loop      hooks = CASTOR_LOOP_INIT;
    castor_libevent *self = (castor_libevent *)calloc(1, sizeof *self);
    castor_status    status = castor_fds_no_memory(err);

    if (!self) return status;
    self->base = base;
    self->client = client;
    self->timer = evtimer_new(base, castor_libevent_on_timer, self);
    hooks.watch = castor_libevent_watch;
    hooks.timer = castor_libevent_timer;
    hooks.detach = castor_libevent_detach;
    hooks.user = self;
    if (self->timer) status = castor_client_attach(client, &hooks, err);
    if (status != CASTOR_OK) castor_libevent_detach(self);
    return status;
}

#ifdef __cplusplus
}
#endif

#endif
