/* api.h -- the API that pollux emulates: checks a request the way Google does, and begins its answer.
 * SPDX-License-Identifier: MIT
 */
#ifndef PLX_API_H
#define PLX_API_H

#include "api/world.h"
#include "http/reply.h"

/* The handler for a server. The world must live as long as the server. */
plx_handler plx_api_handler(plx_world *world);

#endif
