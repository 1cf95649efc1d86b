/* http1_carrier.c -- carries requests and answers over HTTP/1.1.
 * SPDX-License-Identifier: MIT
 *
 *   READING --head whole, or refused--> REPLYING --end--> SENDING --> READING     (the connection is kept)
 *      |                                   |       abort     |    --> OVER        (it is not: finished or reset)
 *      +--end of input, silence------------+-----------------+--client lost--> OVER
 *
 * READING    the parser runs; there is no reply. While too many answers are unsent, requests wait in `ahead` here too.
 * REPLYING   the handler has the reply, and gets the body as it comes. Behind the body, what the client sends waits in
 *            `ahead`. An answer that ends before its request has ended ends the connection too.
 * SENDING    the handler is done, but shaped packets are still waiting for their times; usually over at once.
 * OVER       the pipe sees to the end; nothing is read or called any more.
 */
#include <stdio.h>
#include <stdlib.h>

#include "http/answer_head.h"
#include "http/http1.h"
#include "http/packets.h"
#include "http/protocol.h"

typedef enum http1_state { READING, REPLYING, SENDING, OVER } http1_state;

/* What becomes of the connection once all of an answer was sent. */
typedef enum afterwards { KEEP, FINISH, FINISH_SILENTLY, RESET } afterwards;

typedef struct talk talk;

/* An answer that leaves in small packets: what was written and has to wait. */
typedef struct shaped {
    plx_packets packets;
    plx_timer   timer;
    talk       *talk;
    cst_buf     bytes;
    size_t      at; /* of the first that has not left */
} shaped;

/* What is said on one connection. */
struct talk {
    plx_connection *connection;
    http1_state     state;
    afterwards      afterwards;

    /* the request */
    plx_http1 parser;
    cst_buf   ahead;         /* what came behind it */
    uint64_t  head_due_us;   /* by when the head that has begun must be whole; 0: none has */
    bool      has_open_body; /* the handler has not had all of it */
    bool      is_held;       /* by the handler: no more of the body for now */
    bool      is_parsing;    /* on the stack above us: do not begin again */

    /* the reply */
    plx_reply reply;
    plx_timer alarm;         /* its wake_at */
    shaped   *shaped;        /* NULL: bytes leave as they are written */
    char     *label;         /* for the log */
    int       status;        /* 0: no headers were sent */
    bool      is_http_1_0;
    bool      is_head;       /* the method */
    bool      is_chunked;
    bool      is_bodiless;   /* HEAD, 204, 304: the body is swallowed */
    bool      keeps_alive;
    bool      wants_room;    /* on_writable is due */
    uint64_t  body_bytes;
    castor_i64 length;       /* that the headers promised */
};

static void parse_ahead(talk *t);

static talk *of_reply(const plx_reply *reply)
{
    return (talk *)((char *)(uintptr_t)reply - offsetof(talk, reply));
}

static plx_pipe *pipe_of(const talk *t) { return &t->connection->pipe; }
static plx_server *server_of(const talk *t) { return t->connection->server; }
static plx_timers *timers_of(const talk *t) { return &server_of(t)->plumbing.timers; }
static const plx_limits *limits_of(const talk *t) { return &server_of(t)->limits; }

/* Whether bytes of its body are still to come. When none are, only the parser has not said so yet. */
static bool owes_body(const talk *t)
{
    return t->has_open_body && t->parser.state != PLX_HTTP1_AT_END;
}

/* ---- patience ---- */

static void be_patient_between_requests(talk *t)
{
    if (t->ahead.len > 0 || plx_pipe_queued(pipe_of(t)) > 0) plx_pipe_wait_for_reader(pipe_of(t));
    else if (t->head_due_us) plx_pipe_wait_until(pipe_of(t), t->head_due_us);
    else plx_pipe_wait_ms(pipe_of(t), limits_of(t)->request_idle_ms);
}

/* The client owes us nothing while it waits for its answer, unless it has not taken the one before. */
static void be_patient(talk *t)
{
    plx_pipe *pipe = pipe_of(t);

    if (t->state == READING) be_patient_between_requests(t);
    else if (t->state == REPLYING && t->has_open_body && !t->is_held) plx_pipe_wait_ms(pipe, limits_of(t)->body_idle_ms);
    else if (plx_pipe_queued(pipe) > 0) plx_pipe_wait_for_reader(pipe);
    else if (pipe->saw_end) plx_pipe_watch(pipe);
    else plx_pipe_rest(pipe);
}

/* ---- the end of a reply ---- */

static void free_shaped(talk *t)
{
    if (!t->shaped) return;
    plx_timers_stop(timers_of(t), &t->shaped->timer);
    cst_buf_free(&t->shaped->bytes);
    free(t->shaped);
    t->shaped = NULL;
}

/* The handler hears of it once, whatever way the reply went. */
static void leave_reply(talk *t, const char *note)
{
    t->wants_room = t->is_held = false;
    plx_timers_stop(timers_of(t), &t->alarm);
    plx_log_reply(&server_of(t)->log, t->label, t->status, t->body_bytes, note);
    free(t->label);
    t->label = NULL;
    if (t->reply.on_gone) t->reply.on_gone(&t->reply);
    t->reply = (plx_reply){ .carrier = t->reply.carrier };
}

/* All of the answer is on its way. */
static void go_on(talk *t)
{
    free_shaped(t);
    if (t->afterwards != KEEP) {
        t->state = OVER;
        if (t->afterwards == RESET) plx_pipe_reset(pipe_of(t));
        else plx_pipe_finish(pipe_of(t), t->afterwards == FINISH_SILENTLY);
        return;
    }
    t->state = READING;
    if (!t->is_parsing) parse_ahead(t); /* else the loop that called the handler goes on by itself */
}

static size_t waiting_bytes(const talk *t)
{
    return t->shaped ? t->shaped->bytes.len - t->shaped->at : 0;
}

static void leave(talk *t, afterwards next, const char *note)
{
    t->state = SENDING;
    t->afterwards = next;
    leave_reply(t, note);
    if (t->state == SENDING && waiting_bytes(t) == 0) go_on(t);
}

/* ---- writing ---- */

static void on_packet_due(plx_timer *timer);

/* Sends the packets that are due. */
static void send_packets(talk *t)
{
    shaped *s = t->shaped;

    for (int sent = 0; waiting_bytes(t) > 0 && !plx_pipe_is_full(pipe_of(t)); sent++) {
        uint64_t now_us = plx_now_us();
        size_t   size = sent < PLX_PACKETS_A_TURN ? plx_packets_next(&s->packets, now_us, waiting_bytes(t)) : 0;
        if (size == 0) {
            plx_timers_set(timers_of(t), &s->timer, s->packets.due_us, on_packet_due);
            return;
        }
        plx_pipe_write_packet(pipe_of(t), (castor_str){ s->bytes.data + s->at, size });
        s->at += size;
    }
    if (waiting_bytes(t) == 0) s->bytes.len = s->at = 0;
}

static bool is_crowded(const talk *t)
{
    return plx_pipe_is_full(pipe_of(t)) || waiting_bytes(t) >= PLX_BACKLOG_BYTES_HIGH;
}

static bool has_much_room(const talk *t)
{
    return plx_pipe_queued(pipe_of(t)) < PLX_BACKLOG_BYTES_HIGH / 2 && waiting_bytes(t) < PLX_BACKLOG_BYTES_HIGH / 2;
}

/* To be called from the loop when bytes have left. */
static void notice_room(talk *t)
{
    if (t->state == SENDING && waiting_bytes(t) == 0) {
        go_on(t);
    } else if (t->wants_room && has_much_room(t)) {
        t->wants_room = false;
        if (t->reply.on_writable) t->reply.on_writable(&t->reply);
    } else if (t->state == READING && t->ahead.len > 0 && has_much_room(t)) {
        parse_ahead(t);
    }
}

static void on_packet_due(plx_timer *timer)
{
    shaped *s = (shaped *)((char *)timer - offsetof(shaped, timer));

    send_packets(s->talk);
    notice_room(s->talk);
}

static void send_bytes(talk *t, castor_str bytes)
{
    shaped *s = t->shaped;

    if (!s) {
        plx_pipe_write(pipe_of(t), bytes);
        return;
    }
    cst_buf_drop_front(&s->bytes, s->at);
    s->at = 0;
    if (cst_buf_append_str(&s->bytes, bytes) != CASTOR_OK) plx_pipe_give_up(pipe_of(t));
    else send_packets(t);
}

/* The one header of the connection's own that a handler may give, as `connection: close`. */
static bool is_of_connection(const plx_header *header)
{
    return cst_str_is(header->name, "connection");
}

static bool ends_connection(const plx_header *headers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (is_of_connection(&headers[i])) return true;
    }
    return false;
}

static castor_status print_headers(const plx_header *headers, size_t count, cst_buf *out)
{
    castor_status made = CASTOR_OK;

    for (size_t i = 0; i < count && made == CASTOR_OK; i++) {
        if (is_of_connection(&headers[i])) continue; /* print_head says it */
        made = cst_buf_append_format(out, "%.*s: %.*s\r\n", CASTOR_ARG(headers[i].name), CASTOR_ARG(headers[i].value));
    }
    return made;
}

static castor_status print_head(const talk *t, const plx_header *headers, size_t count, cst_buf *out)
{
    plx_common_headers common;
    castor_status      made = cst_buf_append_format(out, "HTTP/1.1 %d %s\r\n", t->status, plx_reason_of(t->status));

    plx_common_headers_fill(&common, plx_now_us() - t->reply.asked_at_us);
    if (made == CASTOR_OK) made = print_headers(headers, count, out);
    if (made == CASTOR_OK) made = print_headers(common.headers, PLX_COMMON_HEADERS, out);
    if (made != CASTOR_OK) return made;
    return cst_buf_append_format(out, "%s%s\r\n", t->is_chunked ? "transfer-encoding: chunked\r\n" : "",
                                 t->keeps_alive ? "" : "connection: close\r\n");
}

static void send_headers(plx_reply *reply, int status, const plx_header *headers, size_t count)
{
    talk      *t = of_reply(reply);
    castor_str length = plx_find_length(headers, count);
    uint64_t   number;
    bool       is_delimited = length.data || plx_status_has_no_body(status);
    bool       is_bare = !is_delimited && (t->is_http_1_0 || ends_connection(headers, count));
    cst_buf    head;

    t->status = status;
    t->is_bodiless = plx_status_has_no_body(status) || t->is_head;
    t->is_chunked = !is_delimited && !is_bare;
    t->length = (castor_i64){ 0, 0 };
    if (plx_head_read_length(length, INT64_MAX / 10, &number) == PLX_LENGTH_GOOD) {
        t->length = castor_some_i64((int64_t)number);
    }
    if (is_bare || owes_body(t) || server_of(t)->is_stopping) t->keeps_alive = false;

    cst_buf_init(&head, cst_allocator_default(), PLX_ANSWER_HEAD_BYTES_MAX);
    if (print_head(t, headers, count, &head) == CASTOR_OK) send_bytes(t, cst_buf_view(&head));
    else plx_pipe_give_up(pipe_of(t));
    cst_buf_free(&head);
}

static void write_body(plx_reply *reply, castor_str bytes)
{
    talk *t = of_reply(reply);
    char  size[32];

    if (bytes.len == 0) return; /* an empty chunk would end the body */
    t->body_bytes += bytes.len;
    if (t->is_bodiless) return;
    if (!t->is_chunked) {
        send_bytes(t, bytes);
        return;
    }
    int len = snprintf(size, sizeof size, "%zx\r\n", bytes.len);
    send_bytes(t, (castor_str){ size, (size_t)len });
    send_bytes(t, bytes);
    send_bytes(t, CASTOR_STR("\r\n"));
}

static bool write_raw(plx_reply *reply, castor_str bytes)
{
    if (bytes.len > 0) send_bytes(of_reply(reply), bytes);
    return true;
}

static bool is_full(const plx_reply *reply)
{
    talk *t = of_reply(reply);

    t->wants_room = is_crowded(t);
    return t->wants_room;
}

static uint64_t now_us(const plx_reply *reply)
{
    (void)reply;
    return plx_now_us();
}

static void on_alarm(plx_timer *timer)
{
    talk *t = (talk *)((char *)timer - offsetof(talk, alarm));

    if (t->reply.on_timer) t->reply.on_timer(&t->reply);
}

static void wake_at(plx_reply *reply, uint64_t due_us)
{
    talk *t = of_reply(reply);

    plx_timers_set(timers_of(t), &t->alarm, due_us, on_alarm);
}

static void shape_packets(plx_reply *reply, const plx_shape_of_packets *shape)
{
    talk *t = of_reply(reply);

    if (!t->shaped) {
        t->shaped = calloc(1, sizeof *t->shaped);
        if (!t->shaped) {
            plx_pipe_give_up(pipe_of(t));
            return;
        }
        t->shaped->talk = t;
        cst_buf_init(&t->shaped->bytes, cst_allocator_default(), PLX_EVENT_BYTES_MAX * 2);
    }
    plx_packets_init(&t->shaped->packets, shape);
}

/* ---- reading ---- */

static void begin_reply(talk *t)
{
    t->state = REPLYING;
    t->status = 0;
    t->body_bytes = 0;
    t->length = (castor_i64){ 0, 0 };
    t->is_chunked = t->is_bodiless = false;
    t->reply.asked_at_us = plx_now_us();
}

static void begin(talk *t, bool has_more)
{
    const plx_handler *handler = &server_of(t)->handler;
    plx_head          *head = t->parser.head;

    t->head_due_us = 0;
    t->keeps_alive = t->parser.keeps_alive;
    t->is_http_1_0 = head->version == PLX_HTTP_1_0;
    t->is_head = cst_str_is(head->method, "HEAD");
    t->has_open_body = true;
    t->label = plx_log_label(&server_of(t)->log, head);
    head->is_secure = pipe_of(t)->tls != NULL;
    if (t->parser.expects_continue && !has_more) {
        plx_pipe_write(pipe_of(t), CASTOR_STR("HTTP/1.1 100 Continue\r\n\r\n"));
    }
    begin_reply(t);
    handler->begin(handler->user, &t->reply, head);
}

/* A request that breaks off in its body is taken from the handler, unless an answer is under way already. */
static void refuse(talk *t, int status, const char *why)
{
    const plx_handler *handler = &server_of(t)->handler;

    if (t->state == REPLYING && t->status != 0) {
        plx_pipe_cut(pipe_of(t));
        return;
    }
    if (t->state == REPLYING) leave_reply(t, " (bad request)");
    free_shaped(t);
    t->keeps_alive = t->has_open_body = t->is_http_1_0 = t->is_head = false;
    begin_reply(t);
    be_patient(t);
    handler->refuse(handler->user, &t->reply, status, why);
}

static void end_body(talk *t)
{
    t->has_open_body = false;
    if (t->state != REPLYING) return;
    t->reply.asked_at_us = plx_now_us();
    be_patient(t);
    if (t->reply.on_body_end) t->reply.on_body_end(&t->reply);
    plx_http1_forget_head(&t->parser);
}

static void take_step(talk *t, plx_http1_step step, castor_str piece, bool has_more)
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

static bool can_parse(const talk *t)
{
    if (pipe_of(t)->state != PLX_PIPE_OPEN || pipe_of(t)->is_broken) return false;
    if (t->state == REPLYING) return t->has_open_body && !t->is_held;
    return t->state == READING && (!plx_pipe_is_full(pipe_of(t)) || plx_http1_is_midway(&t->parser));
}

/* Takes from the front of the input. A client that sends requests and reads no answers is left with the rest. */
static void parse(talk *t, castor_str *input)
{
    plx_http1_step step = PLX_HTTP1_HEAD;

    t->is_parsing = true;
    while (step != PLX_HTTP1_WAIT && can_parse(t)) {
        castor_str piece;
        step = plx_http1_next(&t->parser, input, &piece);
        take_step(t, step, piece, input->len > 0);
    }
    t->is_parsing = false;
    if (t->state == READING && !t->head_due_us && plx_http1_is_midway(&t->parser)) {
        t->head_due_us = plx_now_us() + limits_of(t)->head_ms * 1000ull;
    }
}

/* What is to be done now that the parser has stopped: for want of bytes, because a reply is under way, or because the
 * client takes too few of its answers; only then is something left in `ahead` while READING. */
static void settle(talk *t)
{
    plx_pipe *pipe = pipe_of(t);

    if (t->state == OVER || pipe->state != PLX_PIPE_OPEN) return;
    be_patient(t);
    if (t->state != READING) {
        plx_pipe_read(pipe, !t->is_held && t->ahead.len < PLX_PIPELINE_BYTES_MAX);
    } else if (server_of(t)->is_stopping || (pipe->saw_end && t->ahead.len == 0)) {
        t->state = OVER;
        plx_pipe_finish(pipe, false);
    } else {
        plx_pipe_read(pipe, t->ahead.len == 0);
    }
}

static void parse_ahead(talk *t)
{
    castor_str input = cst_buf_view(&t->ahead);

    parse(t, &input);
    cst_buf_drop_front(&t->ahead, t->ahead.len - input.len);
    if (t->ahead.len == 0) cst_buf_free(&t->ahead);
    settle(t);
}

static void on_bytes(plx_connection *c, castor_str input)
{
    talk *t = c->state;

    if (t->state == OVER) return;
    if (t->ahead.len == 0) parse(t, &input);
    if (c->pipe.state != PLX_PIPE_OPEN || t->state == OVER) return;
    if (input.len > 0 && cst_buf_append_str(&t->ahead, input) != CASTOR_OK) plx_pipe_cut(&c->pipe);
    else settle(t);
}

static void on_end(plx_connection *c)
{
    talk *t = c->state;

    if (t->state == OVER) return;
    if (t->state != READING && t->has_open_body) plx_pipe_cut(&c->pipe); /* the rest of the request will never come */
    else if (t->state == READING) settle(t);
    else be_patient(t); /* half closed: it may still be reading */
}

static void on_progress(plx_connection *c)
{
    talk *t = c->state;

    if (t->state == OVER) return;
    be_patient(t);
    if (t->shaped) send_packets(t);
    notice_room(t);
}

static void hold_body(plx_reply *reply, bool is_held)
{
    talk *t = of_reply(reply);

    t->is_held = is_held;
    if (!is_held && !t->is_parsing) parse_ahead(t);
}

/* ---- ending ---- */

static bool kept_its_promise(const talk *t)
{
    return !t->length.is_set || t->is_bodiless || (uint64_t)t->length.value == t->body_bytes;
}

static void end(plx_reply *reply)
{
    talk *t = of_reply(reply);
    bool  is_kept = t->keeps_alive && !owes_body(t) && !server_of(t)->is_stopping && kept_its_promise(t);

    if (t->is_chunked && !t->is_bodiless) send_bytes(t, CASTOR_STR("0\r\n\r\n"));
    leave(t, is_kept ? KEEP : FINISH, "");
}

static void abort_reply(plx_reply *reply, plx_abort_kind kind, uint32_t code)
{
    talk *t = of_reply(reply);

    (void)code;
    if (kind == PLX_ABORT_RESET) leave(t, RESET, " (reset)");
    else leave(t, kind == PLX_ABORT_SILENT ? FINISH_SILENTLY : FINISH, " (cut)");
}

/* ---- the life of a talk ---- */

static const plx_carrier carrier = {
    send_headers, write_body, write_raw, end, abort_reply, wake_at, now_us, is_full, shape_packets, hold_body,
};

static bool open_talk(plx_connection *c)
{
    const cst_allocator *allocator = cst_allocator_default();
    talk                *t = calloc(1, sizeof *t);

    if (!t) return false;
    t->connection = c;
    t->reply.carrier = &carrier;
    plx_http1_init(&t->parser, allocator);
    cst_buf_init(&t->ahead, allocator, PLX_PIPELINE_BYTES_MAX + PLX_READ_BYTES + PLX_TLS_RECORD_BYTES);
    c->state = t;
    return true;
}

static void on_gone(plx_connection *c)
{
    talk       *t = c->state;
    http1_state before = t->state;

    t->state = OVER;
    if (before == REPLYING) leave_reply(t, " (client lost)");
    free_shaped(t);
}

static void finish(plx_connection *c)
{
    talk *t = c->state;

    if (t->state != READING) return; /* its end sees that the server is stopping */
    t->state = OVER;
    plx_pipe_finish(&c->pipe, false);
}

static void free_talk(plx_connection *c)
{
    talk *t = c->state;

    plx_http1_free(&t->parser);
    cst_buf_free(&t->ahead);
    free(t);
}

const plx_protocol plx_http1_protocol = { open_talk, on_bytes, on_end, on_progress, NULL, on_gone, finish, free_talk };
