/* control.c -- the paths under /pollux, which are no part of the API: they look at a running twin and steer it.
 * SPDX-License-Identifier: MIT
 */
#include "api/handlers.h"

void plx_answer_health(plx_exchange *e)
{
    plx_exchange_send(e, 200, "text/plain", CASTOR_STR("ok\n"));
}
