/* plumbing.c -- what all pipes of a server share: the outbox, and who has something to send before the loop sleeps.
 * SPDX-License-Identifier: MIT
 */
#include "http/pipe.h"

/* ---- the outbox ---- */

static void empty_outbox(plx_plumbing *plumbing)
{
    plx_pipe  *pipe = plumbing->outbox_owner;
    castor_str bytes = { plumbing->outbox, plumbing->outbox_len };

    plumbing->outbox_owner = NULL;
    plumbing->outbox_len = 0;
    if (!pipe || bytes.len == 0) return;
    if (!pipe->tls) plx_pipe_put(pipe, bytes);
    else if (!plx_tls_write(pipe->tls, bytes)) plx_pipe_give_up(pipe);
}

void plx_pipe_write(plx_pipe *pipe, castor_str bytes)
{
    plx_plumbing *plumbing = pipe->plumbing;

    if (!plx_pipe_is_alive(pipe)) return;
    while (bytes.len > 0) {
        if (plumbing->outbox_owner != pipe || plumbing->outbox_len == sizeof plumbing->outbox) empty_outbox(plumbing);
        plumbing->outbox_owner = pipe;
        size_t room = sizeof plumbing->outbox - plumbing->outbox_len;
        size_t count = bytes.len < room ? bytes.len : room;
        memcpy(plumbing->outbox + plumbing->outbox_len, bytes.data, count);
        plumbing->outbox_len += count;
        bytes = (castor_str){ bytes.data + count, bytes.len - count };
    }
}

void plx_pipe_write_packet(plx_pipe *pipe, castor_str bytes)
{
    empty_outbox(pipe->plumbing);
    plx_pipe_write(pipe, bytes);
    empty_outbox(pipe->plumbing);
}

size_t plx_pipe_queued(const plx_pipe *pipe)
{
    const plx_plumbing *plumbing = pipe->plumbing;
    size_t              queued = uv_stream_get_write_queue_size((const uv_stream_t *)&pipe->tcp);

    return queued + (plumbing->outbox_owner == pipe ? plumbing->outbox_len : 0);
}

bool plx_pipe_is_behind(const plx_pipe *pipe)
{
    return uv_stream_get_write_queue_size((const uv_stream_t *)&pipe->tcp) > 0;
}

bool plx_pipe_is_full(const plx_pipe *pipe)
{
    return plx_pipe_queued(pipe) >= PLX_BACKLOG_BYTES_HIGH;
}

void plx_plumbing_flush(plx_pipe *pipe)
{
    if (pipe->plumbing->outbox_owner == pipe) empty_outbox(pipe->plumbing);
}

/* ---- before the loop sleeps ---- */

static void on_wake(plx_timer *timer)
{
    (void)timer; /* what there is to do is done when the loop is about to sleep again */
}

void plx_pipe_flush_soon(plx_pipe *pipe)
{
    plx_plumbing *plumbing = pipe->plumbing;

    if (pipe->is_flush_due || pipe->state == PLX_PIPE_GONE) return;
    pipe->is_flush_due = true;
    pipe->next_to_flush = plumbing->to_flush;
    plumbing->to_flush = pipe;
}

static void take_from(plx_pipe **link, const plx_pipe *pipe)
{
    while (*link && *link != pipe) link = &(*link)->next_to_flush;
    if (*link) *link = pipe->next_to_flush;
}

void plx_plumbing_forget(plx_pipe *pipe)
{
    if (pipe->is_flush_due) {
        take_from(&pipe->plumbing->to_flush, pipe);
        take_from(&pipe->plumbing->flushing, pipe);
        pipe->is_flush_due = false;
    }
    if (pipe->plumbing->outbox_owner == pipe) pipe->plumbing->outbox_owner = NULL;
    if (pipe->plumbing->last_reader == pipe) pipe->plumbing->last_reader = NULL;
}

static void before_sleep(uv_prepare_t *handle)
{
    plx_plumbing *plumbing = handle->data;

    /* One that asks again waits for the next round, so that every round ends. */
    plumbing->last_reader = NULL;
    plumbing->flushing = plumbing->to_flush;
    plumbing->to_flush = NULL;
    while (plumbing->flushing) {
        plx_pipe *pipe = plumbing->flushing;
        plumbing->flushing = pipe->next_to_flush;
        pipe->is_flush_due = false;
        pipe->user->on_flush(pipe);
    }
    empty_outbox(plumbing);
    if (plumbing->to_flush) plx_timers_set(&plumbing->timers, &plumbing->wake, plx_now_us(), on_wake);
    uv_update_time(plumbing->loop); /* all of this took time: do not sleep past what is due */
}

int plx_plumbing_open(plx_plumbing *plumbing, uv_loop_t *loop, const plx_limits *limits)
{
    int error = uv_prepare_init(loop, &plumbing->before_sleep);

    if (!error) error = plx_timers_init(&plumbing->timers, loop);
    if (error) return error;
    plumbing->loop = loop;
    plumbing->limits = limits;
    plumbing->tls = NULL;
    plumbing->wake = (plx_timer){ .due_us = 0 };
    plumbing->to_flush = plumbing->flushing = plumbing->outbox_owner = NULL;
    plumbing->last_reader = NULL;
    plumbing->outbox_len = 0;
    plumbing->before_sleep.data = plumbing;
    uv_prepare_start(&plumbing->before_sleep, before_sleep);
    /* The listener holds the loop, and the server while there are connections; these two do not. */
    uv_unref((uv_handle_t *)&plumbing->before_sleep);
    uv_unref((uv_handle_t *)&plumbing->timers.handle);
    return 0;
}

void plx_plumbing_close(plx_plumbing *plumbing)
{
    plx_timers_close(&plumbing->timers);
    if (!uv_is_closing((uv_handle_t *)&plumbing->before_sleep)) {
        uv_close((uv_handle_t *)&plumbing->before_sleep, NULL);
    }
}
