/* packets.h -- how much of an answer may leave now, when it has to leave in small packets. Pure.
 * SPDX-License-Identifier: MIT
 */
#ifndef PLX_PACKETS_H
#define PLX_PACKETS_H

#include "http/reply.h"

typedef struct plx_packets {
    plx_shape_of_packets shape;
    uint64_t             chance; /* the state of the random numbers */
    uint64_t             due_us; /* of the next packet */
} plx_packets;

void plx_packets_init(plx_packets *packets, const plx_shape_of_packets *shape);

/* The size of the packet that leaves now, of `waiting` bytes; 0: none before `due_us`. */
size_t plx_packets_next(plx_packets *packets, uint64_t now_us, size_t waiting);

#endif
