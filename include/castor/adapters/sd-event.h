/* sd-event.h -- a client in an event loop of systemd's library.
 * SPDX-License-Identifier: MIT
 *
 *     castor_sd_event_attach(client, event, &err);
 *     ... open streams, listen to them ...
 *     sd_event_loop(event);                            until a listener calls sd_event_exit
 *     castor_client_free(client);
 */
#ifndef CASTOR_ADAPTERS_SD_EVENT_H
#define CASTOR_ADAPTERS_SD_EVENT_H

#include <castor/adapters/fds.h>
#include <castor/castor.h>
#include <sys/epoll.h>
#include <systemd/sd-event.h>
#include <time.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct castor_sd_event {
    sd_event        *event;
    sd_event_source *timer;
    castor_client   *client;
    castor_fds       fds; /* the source of each that is watched */
} castor_sd_event;

static inline int castor_sd_event_on_io(sd_event_source *source, int fd, uint32_t events, void *user)
{
    int32_t ready = (events & EPOLLIN ? CASTOR_READ : 0) | (events & EPOLLOUT ? CASTOR_WRITE : 0);

    (void)source;
    if (events & ~(uint32_t)(EPOLLIN | EPOLLOUT)) ready = CASTOR_READ | CASTOR_WRITE;
    castor_client_ready(((castor_sd_event *)user)->client, fd, ready);
    return 0;
}

static inline int castor_sd_event_on_timer(sd_event_source *source, uint64_t due_us, void *user)
{
    (void)source;
    (void)due_us;
    castor_client_tick(((castor_sd_event *)user)->client);
    return 0;
}

static inline int32_t castor_sd_event_watch(void *user, int fd, int32_t interest)
{
    castor_sd_event *self = (castor_sd_event *)user;
    void           **slot = castor_fds_slot(&self->fds, fd);
    uint32_t         events = (interest & CASTOR_READ ? (uint32_t)EPOLLIN : 0) |
                      (interest & CASTOR_WRITE ? (uint32_t)EPOLLOUT : 0);
    sd_event_source *source = slot ? (sd_event_source *)*slot : NULL;

    if (interest == 0) {
        if (source) sd_event_source_disable_unref(source); /* takes it out of epoll while the descriptor is open */
        if (slot) *slot = NULL;
        return 0;
    }
    if (source) return sd_event_source_set_io_events(source, events) < 0 ? -1 : 0;
    if (!slot || sd_event_add_io(self->event, &source, fd, events, castor_sd_event_on_io, self) < 0) return -1;
    *slot = source;
    return 0;
}

/* A timer of sd-event rings once and then is off: it must be switched on again each time. */
static inline int32_t castor_sd_event_timer(void *user, int64_t delay_ms)
{
    castor_sd_event *self = (castor_sd_event *)user;
    struct timespec  now;

    if (delay_ms < 0) return sd_event_source_set_enabled(self->timer, SD_EVENT_OFF) < 0 ? -1 : 0;
    clock_gettime(CLOCK_MONOTONIC, &now);
    uint64_t due_us = (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000 + (uint64_t)delay_ms * 1000;
    if (sd_event_source_set_time(self->timer, due_us) < 0) return -1;
    return sd_event_source_set_enabled(self->timer, SD_EVENT_ONESHOT) < 0 ? -1 : 0;
}

static inline void castor_sd_event_detach(void *user)
{
    castor_sd_event *self = (castor_sd_event *)user;

    for (int fd = 0; fd < self->fds.count; fd++) sd_event_source_disable_unref((sd_event_source *)self->fds.slots[fd]);
    sd_event_source_disable_unref(self->timer);
    sd_event_unref(self->event);
    free(self->fds.slots);
    free(self);
}

static inline castor_status castor_sd_event_attach(castor_client *client, sd_event *event, castor_error *err)
{
    enum { ACCURACY_US = 1000 }; /* 0 would mean a quarter of a second */
    castor_loop      hooks = CASTOR_LOOP_INIT;
    castor_sd_event *self = (castor_sd_event *)calloc(1, sizeof *self);
    castor_status    status = castor_fds_no_memory(err);

    if (!self) return status;
    self->event = sd_event_ref(event);
    self->client = client;
    hooks.watch = castor_sd_event_watch;
    hooks.timer = castor_sd_event_timer;
    hooks.detach = castor_sd_event_detach;
    hooks.user = self;
    int made = sd_event_add_time(event, &self->timer, CLOCK_MONOTONIC, 0, ACCURACY_US, castor_sd_event_on_timer, self);
    if (made >= 0) made = sd_event_source_set_enabled(self->timer, SD_EVENT_OFF);
    if (made >= 0) status = castor_client_attach(client, &hooks, err);
    if (status != CASTOR_OK) castor_sd_event_detach(self);
    return status;
}

#ifdef __cplusplus
}
#endif

#endif
