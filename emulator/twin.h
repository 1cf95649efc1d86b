/* twin.h -- pollux put together: an event loop, the world, and the server that shows it.
 * SPDX-License-Identifier: MIT
 *
 * The program (main.c) runs one until a signal comes; the library (pollux.c) runs one on a thread. Nothing here is
 * global: a process may hold as many as it likes. All but new and free belong to the thread that runs the loop.
 */
#ifndef PLX_TWIN_H
#define PLX_TWIN_H

#include "api/world.h"
#include "http/server.h"
#include "options.h"
#include "trust.h"

enum { PLX_URL_BYTES = 128 };

typedef struct plx_twin {
    const plx_options *options;
    uv_loop_t          loop;
    plx_catalogue      catalogue;
    plx_model_table   *models;
    plx_world          world;
    plx_trust          trust;
    plx_server         server;
} plx_twin;

/* In this order; preparing reads files and looks at the environment. The options must live as long as the twin. NULL,
 * false: `why` has a sentence. */
plx_twin *plx_twin_new(const plx_options *options, char *why, size_t why_size);
bool      plx_twin_prepare(plx_twin *twin, char *why, size_t why_size);
bool      plx_twin_listen(plx_twin *twin, char *why, size_t why_size);

void plx_twin_print_url(const plx_twin *twin, char url[PLX_URL_BYTES]);

/* Returns when the server was stopped (plx_server_stop) and every answer has ended. */
void plx_twin_run(plx_twin *twin);

void plx_twin_free(plx_twin *twin); /* takes NULL */

#endif
