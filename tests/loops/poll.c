/* poll.c -- the adapter for loops around poll(2), in the storm.
 * SPDX-License-Identifier: MIT
 */
#include <castor/adapters/poll.h>

#include "storm.h"

static void *make(void)
{
    return calloc(1, sizeof(castor_poll));
}

static castor_status attach(void *loop, castor_client *client, castor_error *err)
{
    return castor_poll_attach(client, loop, err);
}

static void run(void *loop)
{
    while (castor_poll_is_busy(loop)) castor_poll_turn(loop, -1);
}

static void turn(void *loop)
{
    castor_poll_turn(loop, 0);
}

int main(void)
{
    const tst_loop loop = { make, attach, run, NULL, turn, free };

    return tst_storm(&loop);
}
