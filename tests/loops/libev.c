/* libev.c -- the adapter for libev, in the storm.
 * SPDX-License-Identifier: MIT
 */
#include <castor/adapters/libev.h>

#include "storm.h"

static void *make(void)
{
    return ev_loop_new(EVFLAG_AUTO);
}

static castor_status attach(void *loop, castor_client *client, castor_error *err)
{
    return castor_ev_attach(client, loop, err);
}

static void run(void *loop)
{
    ev_run(loop, 0);
}

static void turn(void *loop)
{
    ev_run(loop, EVRUN_NOWAIT);
}

static void free_loop(void *loop)
{
    ev_loop_destroy(loop);
}

int main(void)
{
    const tst_loop loop = { make, attach, run, NULL, turn, free_loop };

    return tst_storm(&loop);
}
