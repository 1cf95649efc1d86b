/* sd-event.c -- the adapter for sd-event, in the storm.
 * SPDX-License-Identifier: MIT
 */
#include <castor/adapters/sd-event.h>

#include "storm.h"

/* sd_event_exit is for good: to stop and go on, the loop is turned by hand. */
typedef struct loop {
    sd_event *event;
    int       is_stopped;
} loop;

static void *make(void)
{
    loop *one = calloc(1, sizeof *one);

    if (one && sd_event_new(&one->event) < 0) abort();
    return one;
}

static castor_status attach(void *user, castor_client *client, castor_error *err)
{
    return castor_sd_event_attach(client, ((loop *)user)->event, err);
}

static void run(void *user)
{
    loop *one = user;

    one->is_stopped = 0;
    while (!one->is_stopped) sd_event_run(one->event, UINT64_MAX);
}

static void stop(void *user)
{
    ((loop *)user)->is_stopped = 1;
}

static void turn(void *user)
{
    sd_event_run(((loop *)user)->event, 0);
}

static void free_loop(void *user)
{
    loop *one = user;

    sd_event_unref(one->event);
    free(one);
}

int main(void)
{
    const tst_loop one = { make, attach, run, stop, turn, free_loop };

    return tst_storm(&one);
}
