/* queue.h -- what is to be done with a connection, one step after the other: the score that a spoilt answer plays from.
 * SPDX-License-Identifier: MIT
 */
#ifndef PLX_QUEUE_H
#define PLX_QUEUE_H

#include "http/reply.h"

typedef enum plx_step_kind {
    PLX_STEP_NONE = 0, /* the queue is empty */
    PLX_STEP_HEAD,
    PLX_STEP_BYTES,    /* `len` bytes of body */
    PLX_STEP_RAW,      /* `len` bytes outside of any framing; a stream's reset where that cannot be (HTTP/2) */
    PLX_STEP_PAUSE,    /* `wait_us`, at most PLX_FAULT_FOREVER_US */
    PLX_STEP_SHAPE,    /* `shape` */
    PLX_STEP_END,
    PLX_STEP_ABORT     /* `abort` and `code` */
} plx_step_kind;

typedef struct plx_step {
    plx_step_kind        kind;
    size_t               len;
    uint64_t             wait_us;
    plx_shape_of_packets shape;
    plx_abort_kind       abort;
    uint32_t             code;
} plx_step;

typedef struct plx_queue {
    cst_buf steps; /* plx_step each */
    cst_buf bytes;
    size_t  step_at;
    size_t  byte_at;
} plx_queue;

void plx_queue_init(plx_queue *queue, const cst_allocator *allocator);
void plx_queue_free(plx_queue *queue);

/* `bytes` are copied; their length becomes the step's. */
castor_status plx_queue_add(plx_queue *queue, const plx_step *step, castor_str bytes);

/* The step that comes next, and its bytes: a view that lives until the next call. */
plx_step plx_queue_first(const plx_queue *queue, castor_str *bytes);
void     plx_queue_pop(plx_queue *queue);

/* How many bytes wait. */
size_t plx_queue_bytes(const plx_queue *queue);

#endif
