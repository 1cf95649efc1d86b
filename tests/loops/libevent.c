/* libevent.c -- the adapter for libevent, in the storm.
 * SPDX-License-Identifier: MIT
 */
#include <castor/adapters/libevent.h>

#include "storm.h"

static void *make(void)
{
    return event_base_new();
}

static castor_status attach(void *loop, castor_client *client, castor_error *err)
{
    return castor_libevent_attach(client, loop, err);
}

static void run(void *loop)
{
    event_base_dispatch(loop);
}

static void turn(void *loop)
{
    event_base_loop(loop, EVLOOP_NONBLOCK);
}

static void free_loop(void *loop)
{
    event_base_free(loop);
}

int main(void)
{
    const tst_loop loop = { make, attach, run, NULL, turn, free_loop };

    return tst_storm(&loop);
}
