/* http1_talk.c -- what is said over HTTP/1.1 on one connection: its life, and the client's patience.
 * SPDX-License-Identifier: MIT
 */
#include "http/http1_talk.h"

#include <stdlib.h>

/* ---- patience ---- */

static void be_patient_between_requests(plx_h1_talk *t)
{
    if (t->ahead.len > 0 || plx_pipe_is_behind(plx_h1_pipe(t))) plx_pipe_wait_for_reader(plx_h1_pipe(t));
    else if (t->head_due_us) plx_pipe_wait_until(plx_h1_pipe(t), t->head_due_us);
    else plx_pipe_wait_ms(plx_h1_pipe(t), plx_h1_limits(t)->request_idle_ms);
}

static bool is_waiting_for_body(const plx_h1_talk *t)
{
    return t->state == PLX_H1_REPLYING && t->has_open_body && !t->is_held;
}

/* The client owes us nothing while it waits for its answer, unless it has not taken the one before. */
void plx_h1_be_patient(plx_h1_talk *t)
{
    plx_pipe *pipe = plx_h1_pipe(t);

    if (t->state == PLX_H1_READING) be_patient_between_requests(t);
    else if (is_waiting_for_body(t)) plx_pipe_wait_ms(pipe, plx_h1_limits(t)->body_idle_ms);
    else if (plx_pipe_is_behind(pipe)) plx_pipe_wait_for_reader(pipe);
    else if (t->is_held && t->has_open_body) plx_pipe_watch_sender(pipe);
    else if (!pipe->is_reading) plx_pipe_watch(pipe);
    else plx_pipe_rest(pipe);
}

/* ---- what the pipe tells ---- */

static void on_end(plx_connection *c)
{
    plx_h1_talk *t = c->state;

    if (t->state == PLX_H1_OVER) return;
    if (t->state == PLX_H1_READING) plx_h1_settle(t);
    else if (t->state == PLX_H1_REPLYING && t->has_open_body) plx_pipe_cut(&c->pipe); /* the rest will never come */
    else plx_h1_be_patient(t); /* half closed: it may still be reading */
}

static void on_progress(plx_connection *c)
{
    plx_h1_talk *t = c->state;

    if (t->state == PLX_H1_OVER) return;
    plx_h1_be_patient(t);
    plx_h1_go_on_sending(t);
}

/* ---- the life of a talk ---- */

static bool open_talk(plx_connection *c)
{
    const cst_allocator *allocator = cst_allocator_default();
    plx_h1_talk         *t = calloc(1, sizeof *t);

    if (!t) return false;
    t->connection = c;
    t->reply.carrier = &plx_h1_carrier;
    plx_http1_init(&t->parser, allocator);
    cst_buf_init(&t->ahead, allocator, PLX_PIPELINE_BYTES_MAX + PLX_READ_BYTES + PLX_TLS_RECORD_BYTES);
    c->state = t;
    return true;
}

static void on_gone(plx_connection *c)
{
    plx_h1_talk *t = c->state;
    plx_h1_state before = t->state;

    t->state = PLX_H1_OVER;
    if (before == PLX_H1_REPLYING) plx_h1_leave_reply(t, " (client lost)");
    plx_h1_free_shaped(t);
}

static void finish(plx_connection *c)
{
    plx_h1_talk *t = c->state;

    if (t->state != PLX_H1_READING) return; /* its end sees that the server is stopping */
    t->state = PLX_H1_OVER;
    plx_pipe_finish(&c->pipe, false);
}

static void free_talk(plx_connection *c)
{
    plx_h1_talk *t = c->state;

    plx_http1_free(&t->parser);
    cst_buf_free(&t->ahead);
    free(t);
}

const plx_protocol plx_http1_protocol = {
    open_talk, plx_h1_on_bytes, on_end, on_progress, NULL, on_gone, finish, free_talk,
};
