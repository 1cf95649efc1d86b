/* glib.c -- the adapter for GLib, in the storm.
 * SPDX-License-Identifier: MIT
 */
#include <castor/adapters/glib.h>

#include "storm.h"

static void *make(void)
{
    GMainContext *context = g_main_context_new();
    GMainLoop    *loop = g_main_loop_new(context, FALSE);

    g_main_context_unref(context); /* the loop holds it */
    return loop;
}

static castor_status attach(void *loop, castor_client *client, castor_error *err)
{
    return castor_glib_attach(client, g_main_loop_get_context(loop), err);
}

static void run(void *loop)
{
    g_main_loop_run(loop);
}

static void stop(void *loop)
{
    g_main_loop_quit(loop);
}

static void turn(void *loop)
{
    g_main_context_iteration(g_main_loop_get_context(loop), FALSE);
}

static void free_loop(void *loop)
{
    g_main_loop_unref(loop);
}

int main(void)
{
    const tst_loop loop = { make, attach, run, stop, turn, free_loop };

    return tst_storm(&loop);
}
