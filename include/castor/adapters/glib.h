/* glib.h -- a client in a main loop of GLib, and so of GTK.
 * SPDX-License-Identifier: MIT
 *
 *     castor_glib_attach(client, NULL, &err);          NULL: the default main context
 *     ... open streams, listen to them ...
 *     g_main_loop_run(loop);                           until a listener calls g_main_loop_quit
 *     castor_client_free(client);
 *
 * One source of GLib holds all descriptors of the client and its timer; GLib 2.36 or later.
 */
#ifndef CASTOR_ADAPTERS_GLIB_H
#define CASTOR_ADAPTERS_GLIB_H

#include <castor/adapters/fds.h>
#include <castor/castor.h>
#include <glib.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct castor_glib {
    GSource        source; /* first */
    castor_client *client; /* NULL: detached */
    castor_fds     fds;    /* the tag of each that is watched */
} castor_glib;

static inline void castor_glib_serve_fd(castor_glib *self, int fd)
{
    gpointer tag = castor_fds_get(&self->fds, fd);
    int      events = tag ? (int)g_source_query_unix_fd(&self->source, tag) : 0;
    int32_t  ready = (events & G_IO_IN ? CASTOR_READ : 0) | (events & G_IO_OUT ? CASTOR_WRITE : 0);

    if (events & ~(G_IO_IN | G_IO_OUT)) ready = CASTOR_READ | CASTOR_WRITE;
    if (ready) castor_client_ready(self->client, fd, ready);
}

/* GLib holds the source meanwhile, so that it may be destroyed by what is called here. */
static inline gboolean castor_glib_dispatch(GSource *source, GSourceFunc callback, gpointer user)
{
    castor_glib *self = (castor_glib *)(void *)source;
    gint64       due_us = g_source_get_ready_time(source);

    (void)callback;
    (void)user;
    for (int fd = 0; self->client && fd < self->fds.count; fd++) castor_glib_serve_fd(self, fd);
    if (!self->client) return G_SOURCE_REMOVE;
    if (due_us < 0 || due_us != g_source_get_ready_time(source) || due_us > g_get_monotonic_time()) {
        return G_SOURCE_CONTINUE; /* no timer, or another one by now */
    }
    g_source_set_ready_time(source, -1);
    castor_client_tick(self->client);
    return self->client ? G_SOURCE_CONTINUE : G_SOURCE_REMOVE;
}

static inline void castor_glib_finalize(GSource *source)
{
    free(((castor_glib *)(void *)source)->fds.slots);
}

static inline int32_t castor_glib_watch(void *user, int fd, int32_t interest)
{
    castor_glib *self = (castor_glib *)user;
    void       **slot = castor_fds_slot(&self->fds, fd);
    int          events = (interest & CASTOR_READ ? G_IO_IN : 0) | (interest & CASTOR_WRITE ? G_IO_OUT : 0);

    if (!slot) return interest == 0 ? 0 : -1;
    if (interest == 0) {
        if (*slot) g_source_remove_unix_fd(&self->source, *slot);
        *slot = NULL;
    } else if (*slot) {
        g_source_modify_unix_fd(&self->source, *slot, (GIOCondition)events);
    } else {
        *slot = g_source_add_unix_fd(&self->source, fd, (GIOCondition)events);
    }
    return 0;
}

static inline int32_t castor_glib_timer(void *user, int64_t delay_ms)
{
    g_source_set_ready_time((GSource *)user, delay_ms < 0 ? -1 : g_get_monotonic_time() + delay_ms * 1000);
    return 0;
}

static inline void castor_glib_detach(void *user)
{
    GSource *source = (GSource *)user;

    ((castor_glib *)user)->client = NULL;
    g_source_destroy(source);
    g_source_unref(source);
}

static inline castor_status castor_glib_attach(castor_client *client, GMainContext *context, castor_error *err)
{
    static GSourceFuncs functions = { NULL, NULL, castor_glib_dispatch, castor_glib_finalize, NULL, NULL };
    castor_loop         hooks = CASTOR_LOOP_INIT;
    GSource            *source = g_source_new(&functions, sizeof(castor_glib));
    castor_glib        *self = (castor_glib *)(void *)source;

    self->client = client;
    self->fds.slots = NULL;
    self->fds.count = 0;
    g_source_set_name(source, "castor");
    g_source_attach(source, context);
    hooks.watch = castor_glib_watch;
    hooks.timer = castor_glib_timer;
    hooks.detach = castor_glib_detach;
    hooks.user = self;
    castor_status status = castor_client_attach(client, &hooks, err);
    if (status != CASTOR_OK) castor_glib_detach(self);
    return status;
}

#ifdef __cplusplus
}
#endif

#endif
