/* http1_request.c -- from the parser to the handler: one request after the other over HTTP/1.1.
 * SPDX-License-Identifier: MIT
 */
#include "http/http1_talk.h"

static plx_h1_talk *of_reply(const plx_reply *reply)
{
    return (plx_h1_talk *)((char *)(uintptr_t)reply - offsetof(plx_h1_talk, reply));
}

/* When none are, only the parser has not said so yet. */
bool plx_h1_owes_body(const plx_h1_talk *t)
{
    return t->has_open_body && t->parser.state != PLX_HTTP1_AT_END;
}

static void begin_reply(plx_h1_talk *t)
{
    t->state = PLX_H1_REPLYING;
    t->status = 0;
    t->body_bytes = 0;
    t->length = (castor_i64){ 0, 0 };
    t->is_chunked = t->is_bodiless = false;
    t->reply.asked_at_us = plx_now_us();
}

static void begin(plx_h1_talk *t, bool has_more)
{
    const plx_handler *handler = &plx_h1_server(t)->handler;
    plx_head          *head = t->parser.head;

    t->head_due_us = 0;
    t->keeps_alive = t->parser.keeps_alive;
    t->is_http_1_0 = head->version == PLX_HTTP_1_0;
    t->is_head = cst_str_is(head->method, "HEAD");
    t->has_open_body = true;
    t->label = plx_log_label(&plx_h1_server(t)->log, head);
    head->is_secure = plx_h1_pipe(t)->tls != NULL;
    if (t->parser.expects_continue && !has_more) {
        plx_pipe_write(plx_h1_pipe(t), CASTOR_STR("HTTP/1.1 100 Continue\r\n\r\n"));
    }
    begin_reply(t);
    handler->begin(handler->user, &t->reply, head);
}

/* A request that breaks off in its body is taken from the handler, unless an answer is under way already. */
static void refuse(plx_h1_talk *t, int status, const char *why)
{
    const plx_handler *handler = &plx_h1_server(t)->handler;

    if (t->state == PLX_H1_REPLYING && t->status != 0) {
        plx_pipe_cut(plx_h1_pipe(t));
        return;
    }
    if (t->state == PLX_H1_REPLYING) plx_h1_leave_reply(t, " (bad request)");
    plx_h1_free_shaped(t);
    t->keeps_alive = t->has_open_body = t->is_http_1_0 = t->is_head = false;
    begin_reply(t);
    plx_h1_be_patient(t);
    handler->refuse(handler->user, &t->reply, status, why);
}

static void end_body(plx_h1_talk *t)
{
    t->has_open_body = false;
    if (t->state == PLX_H1_REPLYING) {
        t->reply.asked_at_us = plx_now_us();
        plx_h1_be_patient(t);
        if (t->reply.on_body_end) t->reply.on_body_end(&t->reply);
    }
    plx_http1_forget_head(&t->parser); /* ten thousand answers: none needs it any more */
}

static void take_step(plx_h1_talk *t, plx_http1_step step, castor_str piece, bool has_more)
{
    switch (step) {
    case PLX_HTTP1_HEAD: begin(t, has_more); break;
    case PLX_HTTP1_BODY:
        if (t->reply.on_body) t->reply.on_body(&t->reply, piece);
        break;
    case PLX_HTTP1_END: end_body(t); break;
    case PLX_HTTP1_ERROR: refuse(t, t->parser.status, t->parser.why); break;
    case PLX_HTTP1_WAIT: break;
    }
}

static bool can_parse(const plx_h1_talk *t)
{
    if (plx_h1_pipe(t)->state != PLX_PIPE_OPEN || plx_h1_pipe(t)->is_broken) return false;
    if (t->state == PLX_H1_REPLYING) return t->has_open_body && !t->is_held;
    return t->state == PLX_H1_READING && (!plx_pipe_is_full(plx_h1_pipe(t)) || plx_http1_is_midway(&t->parser));
}

/* Takes from the front of the input. A client that sends requests and reads no answers is left with the rest. */
static void parse(plx_h1_talk *t, castor_str *input)
{
    plx_http1_step step = PLX_HTTP1_HEAD;

    t->is_parsing = true;
    while (step != PLX_HTTP1_WAIT && can_parse(t)) {
        castor_str piece;
        step = plx_http1_next(&t->parser, input, &piece);
        take_step(t, step, piece, input->len > 0);
    }
    t->is_parsing = false;
    if (t->state == PLX_H1_READING && !t->head_due_us && plx_http1_is_midway(&t->parser)) {
        t->head_due_us = plx_now_us() + plx_h1_limits(t)->head_ms * 1000ull;
    }
}

/* What is to be done now that the parser has stopped: for want of bytes, because a reply is under way, or because the
 * client takes too few of its answers; only then is something left in `ahead` while READING. */
void plx_h1_settle(plx_h1_talk *t)
{
    plx_pipe *pipe = plx_h1_pipe(t);

    if (t->state == PLX_H1_OVER || pipe->state != PLX_PIPE_OPEN) return;
    if (t->state != PLX_H1_READING) {
        plx_pipe_read(pipe, !t->is_held && t->ahead.len < PLX_PIPELINE_BYTES_MAX);
    } else if (plx_h1_server(t)->is_stopping || (pipe->saw_end && t->ahead.len == 0)) {
        t->state = PLX_H1_OVER;
        plx_pipe_finish(pipe, false);
        return;
    } else {
        plx_pipe_read(pipe, t->ahead.len == 0);
    }
    plx_h1_be_patient(t);
}

void plx_h1_parse_ahead(plx_h1_talk *t)
{
    castor_str input = cst_buf_view(&t->ahead);

    parse(t, &input);
    cst_buf_drop_front(&t->ahead, t->ahead.len - input.len);
    if (t->ahead.len == 0) cst_buf_free(&t->ahead);
    plx_h1_settle(t);
}

void plx_h1_on_bytes(plx_connection *c, castor_str input)
{
    plx_h1_talk *t = c->state;

    if (t->state == PLX_H1_OVER) return;
    if (t->ahead.len == 0) parse(t, &input);
    if (c->pipe.state != PLX_PIPE_OPEN || t->state == PLX_H1_OVER) return;
    if (input.len > 0 && cst_buf_append_str(&t->ahead, input) != CASTOR_OK) plx_pipe_cut(&c->pipe);
    else plx_h1_settle(t);
}

void plx_h1_hold_body(plx_reply *reply, bool is_held)
{
    plx_h1_talk *t = of_reply(reply);

    t->is_held = is_held;
    if (!is_held && !t->is_parsing) plx_h1_parse_ahead(t);
}
