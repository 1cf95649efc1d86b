/* api.h -- the API that pollux emulates: checks a request the way Google does, and begins its answer.
 * SPDX-License-Identifier: MIT
 */
#ifndef PLX_API_H
#define PLX_API_H

#include "catalogue.h"
#include "pace.h"
#include "reply.h"

typedef struct plx_api {
    const plx_catalogue *catalogue;
    plx_pace             pace;
    plx_chance           chance;
} plx_api;

/* The handler for a server. The api must live as long as the server. */
plx_handler plx_api_handler(plx_api *api);

#endif
