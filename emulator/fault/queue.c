/* queue.c -- what is to be done with a connection, one step after the other.
 * SPDX-License-Identifier: MIT
 */
#include "fault/queue.h"

void plx_queue_init(plx_queue *queue, const cst_allocator *allocator)
{
    *queue = (plx_queue){ .step_at = 0 };
    cst_buf_init(&queue->steps, allocator, PLX_FAULT_QUEUE_BYTES_MAX);
    cst_buf_init(&queue->bytes, allocator, PLX_FAULT_QUEUE_BYTES_MAX);
}

void plx_queue_free(plx_queue *queue)
{
    cst_buf_free(&queue->steps);
    cst_buf_free(&queue->bytes);
}

/* What is done makes room once it is more than what is to be done, so that little is moved. */
static void make_room(cst_buf *buf, size_t *at)
{
    if (*at == 0 || *at < buf->len - *at) return;
    cst_buf_drop_front(buf, *at);
    *at = 0;
}

castor_status plx_queue_add(plx_queue *queue, const plx_step *step, castor_str bytes)
{
    plx_step      copy = *step;
    castor_status status;

    make_room(&queue->steps, &queue->step_at);
    make_room(&queue->bytes, &queue->byte_at);
    copy.len = bytes.len;
    status = cst_buf_reserve(&queue->steps, sizeof copy);
    if (status == CASTOR_OK && bytes.len > 0) status = cst_buf_append_str(&queue->bytes, bytes);
    return status == CASTOR_OK ? cst_buf_append(&queue->steps, &copy, sizeof copy) : status;
}

plx_step plx_queue_first(const plx_queue *queue, castor_str *bytes)
{
    plx_step step = { .kind = PLX_STEP_NONE };

    *bytes = CST_NONE;
    if (queue->step_at == queue->steps.len) return step;
    memcpy(&step, queue->steps.data + queue->step_at, sizeof step);
    if (step.len > 0) *bytes = (castor_str){ queue->bytes.data + queue->byte_at, step.len };
    return step;
}

void plx_queue_pop(plx_queue *queue)
{
    castor_str bytes;
    plx_step   step = plx_queue_first(queue, &bytes);

    queue->step_at += sizeof step;
    queue->byte_at += step.len;
}

size_t plx_queue_bytes(const plx_queue *queue)
{
    return queue->bytes.len - queue->byte_at;
}
