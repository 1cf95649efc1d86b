/* packets.c -- how much of an answer may leave now.
 * SPDX-License-Identifier: MIT
 */
#include "http/packets.h"

void plx_packets_init(plx_packets *packets, const plx_shape_of_packets *shape)
{
    *packets = (plx_packets){ .shape = *shape, .chance = shape->seed };
}

/* splitmix64 */
static uint64_t draw(plx_packets *packets)
{
    uint64_t z = packets->chance += UINT64_C(0x9E3779B97F4A7C15);

    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

size_t plx_packets_next(plx_packets *packets, uint64_t now_us, size_t waiting)
{
    const plx_shape_of_packets *shape = &packets->shape;
    size_t                      size = waiting;

    if (waiting == 0 || now_us < packets->due_us) return 0;
    if (shape->bytes_max > 0) {
        size_t most = shape->is_random ? 1 + (size_t)(draw(packets) % shape->bytes_max) : shape->bytes_max;
        if (most < size) size = most;
    }
    /* Against the time that the last one was due, so that gaps do not add up; but not to catch up with a pause. */
    bool is_on_time = packets->due_us > 0 && now_us - packets->due_us < shape->gap_us;
    packets->due_us = (is_on_time ? packets->due_us : now_us) + shape->gap_us;
    return size;
}
