/* limits.h -- how long clients may keep the server waiting, and how many of them there may be.
 * SPDX-License-Identifier: MIT
 *
 * The defaults stand in bounds.h, with their reasons. Tests, and programs that hold a server inside, may set others.
 */
#ifndef PLX_LIMITS_H
#define PLX_LIMITS_H

#include "bounds.h"

typedef struct plx_limits {
    uint32_t connections_max; /* the system's limit on descriptors may lower it */
    uint32_t handshake_ms;
    uint32_t head_ms;
    uint32_t request_idle_ms;
    uint32_t body_idle_ms;
    uint32_t reader_stall_ms;
    uint32_t half_closed_poll_ms;
    uint32_t ignored_ms;
    uint32_t drain_ms;
    uint32_t lost_wait_ms;
} plx_limits;

#define PLX_LIMITS_DEFAULT                                                                                       \
    ((plx_limits){ PLX_CONNECTIONS_MAX, PLX_HANDSHAKE_MS, PLX_HEAD_MS, PLX_REQUEST_IDLE_MS, PLX_BODY_IDLE_MS,     \
                   PLX_READER_STALL_MS, PLX_HALF_CLOSED_POLL_MS, PLX_IGNORED_MS, PLX_DRAIN_MS, PLX_LOST_WAIT_MS })

#endif
