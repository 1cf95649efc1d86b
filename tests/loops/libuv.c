/* libuv.c -- the adapter for libuv, in the storm.
 * SPDX-License-Identifier: MIT
 */
#include <castor/adapters/libuv.h>

#include "storm.h"

static void *make(void)
{
    uv_loop_t *loop = malloc(sizeof *loop);

    if (loop) uv_loop_init(loop);
    return loop;
}

static castor_status attach(void *loop, castor_client *client, castor_error *err)
{
    return castor_uv_attach(client, loop, err);
}

static void run(void *loop)
{
    uv_run(loop, UV_RUN_DEFAULT);
}

static void turn(void *loop)
{
    uv_run(loop, UV_RUN_NOWAIT);
}

static void free_loop(void *loop)
{
    uv_run(loop, UV_RUN_DEFAULT);
    if (uv_loop_close(loop) != 0) abort(); /* a handle is left */
    free(loop);
}

int main(void)
{
    const tst_loop loop = { make, attach, run, NULL, turn, free_loop };

    return tst_storm(&loop);
}
