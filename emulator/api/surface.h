/* surface.h -- the methods of the API, and which of them a path means. Pure.
 * SPDX-License-Identifier: MIT
 */
#ifndef PLX_SURFACE_H
#define PLX_SURFACE_H

#include "api/exchange.h"

/*
 * Finds the endpoint of the exchange's path and `method`, and fills `version` and `names`. NULL: there is none, and
 * `refusal` tells so: 404, or 405 when the path exists for another verb.
 */
const plx_endpoint *plx_surface_find(plx_exchange *exchange, castor_str method, plx_refusal *refusal);

#endif
