/* connection.c -- one TCP connection and the HTTP/1.1 that is spoken on it.
 * SPDX-License-Identifier: MIT
 *
 *   READING --head whole, or refused-----> REPLYING --end--> READING            (the connection is kept)
 *      |                                      |     --end--> DRAINING --> GONE  (it is not)
 *      |                                      |     --abort(RESET)--> RESETTING --> GONE
 *      +--end of input, silence, error--------+--client lost, abort(FIN), cut--> GONE
 *
 * READING    the parser runs; there is no reply. While too many answers are unsent, requests wait in `ahead` here too.
 * REPLYING   the handler has the reply, and gets the body as it comes. Behind the body, what the client sends waits in
 *            `ahead`. An answer that ends before its request has ended ends the connection too.
 * DRAINING   everything is written or on its way, our side is shut; what the client still sends is dropped, so that its
 *            unread bytes do not make the kernel reset the connection before our answer was read.
 * RESETTING  waits until the last bytes are acknowledged, since a reset throws away what is still queued.
 * GONE       the handles are closing; nothing is called any more. The last one frees the connection.
 */
#include "http/connection.h"

#include <inttypes.h>
#include <linux/sockios.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>

#include "http/http1.h"

typedef enum connection_state { READING, REPLYING, DRAINING, RESETTING, GONE } connection_state;

struct plx_connection {
    plx_server      *server;
    plx_connection  *next;
    plx_connection **link;       /* what points to us */
    connection_state state;
    int              open_handles;
    uv_tcp_t         tcp;
    uv_timer_t       patience;   /* how long the client may keep us waiting */
    uv_timer_t       alarm;      /* the reply's wake_at; later, RESETTING's polls */
    uv_shutdown_t    shutdown;

    /* the request */
    plx_http1 parser;
    cst_buf   ahead;             /* what came behind it */
    bool      has_open_body;     /* the handler has not had all of it */
    bool      is_held;           /* by the handler: no more of the body for now */
    bool      is_reading;        /* from the socket */
    bool      saw_end;           /* of the client's bytes */
    bool      is_parsing;        /* on the stack above us: do not begin again */
    bool      is_broken;         /* something could not be sent: nothing more is, and the end is near */
    bool      is_shut;           /* our side, with everything written */

    /* the reply */
    plx_reply reply;
    int       status;
    bool      has_head;          /* false: the request was never whole */
    bool      is_chunked;
    bool      is_bodiless;       /* HEAD, 204, 304: the body is swallowed */
    bool      keeps_alive;
    bool      wants_room;        /* on_writable is due */
    uint64_t  body_bytes;
    uint64_t  reset_due_us;
};

/* A write on its way. Its bytes follow it. */
typedef struct out {
    uv_write_t      request;
    plx_connection *connection;
    char            bytes[];
} out;

static void read_on(plx_connection *c);
static void parse_ahead(plx_connection *c);
static void close_now(plx_connection *c);

static plx_connection *of_reply(const plx_reply *reply)
{
    return (plx_connection *)((char *)(uintptr_t)reply - offsetof(plx_connection, reply));
}

static uint64_t now_us(const plx_reply *reply)
{
    (void)reply;
    return uv_hrtime() / 1000;
}

/* ---- patience ---- */

static void be_patient(plx_connection *c, uint64_t wait_ms);

static size_t queued_bytes(const plx_connection *c)
{
    return uv_stream_get_write_queue_size((const uv_stream_t *)&c->tcp);
}

/* Whether the kernel has heard that the client is gone. Needed after a half close, when nothing is read any more. */
static bool has_socket_error(const plx_connection *c)
{
    uv_os_fd_t fd;
    int        error = 0;
    socklen_t  len = sizeof error;

    if (uv_fileno((const uv_handle_t *)&c->tcp, &fd) != 0) return true;
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0 || error != 0;
}

static void on_patience_over(uv_timer_t *timer)
{
    plx_connection *c = timer->data;
    bool            is_half_closed = c->state == REPLYING && c->saw_end && queued_bytes(c) == 0 && !c->is_broken;

    if (is_half_closed && !has_socket_error(c)) be_patient(c, PLX_HALF_CLOSED_POLL_MS);
    else close_now(c);
}

static void be_patient(plx_connection *c, uint64_t wait_ms)
{
    uv_update_time(c->server->loop);
    uv_timer_start(&c->patience, on_patience_over, c->is_broken ? 0 : wait_ms, 0);
}

/* The client owes us nothing while it waits for its answer, unless it has not taken the one before. */
static void stop_patience(plx_connection *c)
{
    if (c->has_open_body && !c->is_held) be_patient(c, PLX_REQUEST_IDLE_MS);
    else if (queued_bytes(c) > 0) be_patient(c, PLX_READER_STALL_MS);
    else if (c->saw_end) be_patient(c, PLX_HALF_CLOSED_POLL_MS);
    else uv_timer_stop(&c->patience);
}

/* Closes soon but not at once: the handler above us on the stack still holds the reply. */
static void give_up(plx_connection *c)
{
    c->is_broken = true;
    be_patient(c, 0);
}

/* ---- the end of a connection ---- */

static void on_closed(uv_handle_t *handle)
{
    plx_connection *c = handle->data;

    if (--c->open_handles > 0) return;
    plx_http1_free(&c->parser);
    cst_buf_free(&c->ahead);
    free(c);
}

static void log_reply(const plx_connection *c, const char *note)
{
    castor_str method = CASTOR_STR("-");
    castor_str path = CASTOR_STR("-");

    if (c->server->is_quiet) return;
    if (c->has_head) {
        method = c->parser.head.method;
        path = c->parser.head.target;
        const char *query = memchr(path.data, '?', path.len); /* where a key may stand */
        if (query) path.len = (size_t)(query - path.data);
    }
    fprintf(stderr, "pollux: %.*s %.*s %d, %" PRIu64 " bytes%s\n", CASTOR_ARG(method), CASTOR_ARG(path), c->status,
            c->body_bytes, note);
}

/* The handler hears of it once, whatever way the reply went. */
static void leave_reply(plx_connection *c, const char *note)
{
    plx_reply reply = c->reply;

    if (c->state != REPLYING) return;
    c->state = READING;
    c->wants_room = c->has_open_body = c->is_held = false;
    uv_timer_stop(&c->alarm);
    log_reply(c, note);
    if (reply.on_gone) reply.on_gone(&c->reply);
    c->reply = (plx_reply){ .carrier = reply.carrier };
}

static void enter_gone(plx_connection *c, bool is_reset)
{
    leave_reply(c, " (client lost)");
    if (c->state == GONE) return;
    c->state = GONE;
    *c->link = c->next;
    if (c->next) c->next->link = c->link;
    c->server->connection_count--;

    c->open_handles = 3;
    if (!is_reset || uv_tcp_close_reset(&c->tcp, on_closed) != 0) uv_close((uv_handle_t *)&c->tcp, on_closed);
    uv_close((uv_handle_t *)&c->patience, on_closed);
    uv_close((uv_handle_t *)&c->alarm, on_closed);
}

static void close_now(plx_connection *c)
{
    enter_gone(c, false);
}

static void on_shut(uv_shutdown_t *request, int status)
{
    plx_connection *c = request->data;

    if (c->state != DRAINING) return;
    c->is_shut = true;
    if (status != 0 || c->saw_end) close_now(c);
    else be_patient(c, PLX_DRAIN_MS);
}

static void enter_draining(plx_connection *c)
{
    c->state = DRAINING;
    c->shutdown.data = c;
    if (uv_shutdown(&c->shutdown, (uv_stream_t *)&c->tcp, on_shut) != 0) {
        close_now(c);
        return;
    }
    be_patient(c, PLX_READER_STALL_MS);
    read_on(c);
}

static void poll_reset(uv_timer_t *timer)
{
    plx_connection *c = timer->data;
    uv_os_fd_t      fd;
    int             unsent = 0;

    if (uv_fileno((uv_handle_t *)&c->tcp, &fd) == 0) ioctl(fd, SIOCOUTQ, &unsent);
    if ((queued_bytes(c) == 0 && unsent == 0) || uv_hrtime() / 1000 >= c->reset_due_us) {
        enter_gone(c, true);
        return;
    }
    uv_timer_start(&c->alarm, poll_reset, 1, 0);
}

static void enter_resetting(plx_connection *c)
{
    c->state = RESETTING;
    uv_read_stop((uv_stream_t *)&c->tcp);
    uv_timer_stop(&c->patience);
    c->reset_due_us = uv_hrtime() / 1000 + PLX_LOST_WAIT_MS * 1000;
    poll_reset(&c->alarm);
}

/* ---- writing ---- */

static void on_written(uv_write_t *request, int status)
{
    out            *done = (out *)request;
    plx_connection *c = done->connection;

    free(done);
    if (c->state == GONE) return;
    if (status != 0) {
        close_now(c);
        return;
    }
    if (c->state == DRAINING || c->state == RESETTING) return;
    if (queued_bytes(c) > 0) be_patient(c, PLX_READER_STALL_MS);
    else if (c->state == READING) be_patient(c, PLX_REQUEST_IDLE_MS);
    else stop_patience(c);
    if (queued_bytes(c) >= PLX_BACKLOG_BYTES_HIGH / 2) return;
    if (c->wants_room) {
        c->wants_room = false;
        if (c->reply.on_writable) c->reply.on_writable(&c->reply);
    } else if (c->state == READING && c->ahead.len > 0) {
        parse_ahead(c);
    }
}

/* Sends the three texts as one write. */
static void send_bytes(plx_connection *c, castor_str before, castor_str bytes, castor_str after)
{
    size_t len = before.len + bytes.len + after.len;
    out   *write = c->is_broken ? NULL : malloc(sizeof *write + len);

    if (!write) {
        if (!c->is_broken) fprintf(stderr, "pollux: out of memory; a connection is dropped.\n");
        give_up(c);
        return;
    }
    write->connection = c;
    memcpy(write->bytes, before.data, before.len);
    if (bytes.len > 0) memcpy(write->bytes + before.len, bytes.data, bytes.len);
    if (after.len > 0) memcpy(write->bytes + before.len + bytes.len, after.data, after.len);

    uv_buf_t buf = uv_buf_init(write->bytes, (unsigned)len);
    int      error = uv_write(&write->request, (uv_stream_t *)&c->tcp, &buf, 1, on_written);
    if (error) {
        free(write);
        give_up(c);
        return;
    }
    if (queued_bytes(c) > 0 && !uv_is_active((uv_handle_t *)&c->patience)) be_patient(c, PLX_READER_STALL_MS);
}

static const char *reason_of(int status)
{
    static const struct {
        int         status;
        const char *reason;
    } reasons[] = {
        { 200, "OK" }, { 204, "No Content" }, { 301, "Moved Permanently" }, { 302, "Found" },
        { 307, "Temporary Redirect" }, { 400, "Bad Request" }, { 401, "Unauthorized" }, { 402, "Payment Required" },
        { 403, "Forbidden" }, { 404, "Not Found" }, { 405, "Method Not Allowed" }, { 408, "Request Timeout" },
        { 409, "Conflict" }, { 413, "Payload Too Large" }, { 414, "URI Too Long" }, { 415, "Unsupported Media Type" },
        { 417, "Expectation Failed" }, { 429, "Too Many Requests" }, { 431, "Request Header Fields Too Large" },
        { 499, "Client Closed Request" }, { 500, "Internal Server Error" }, { 501, "Not Implemented" },
        { 502, "Bad Gateway" }, { 503, "Service Unavailable" }, { 504, "Gateway Timeout" },
        { 505, "HTTP Version Not Supported" },
    };

    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
        if (reasons[i].status == status) return reasons[i].reason;
    }
    return "";
}

static void print_date(char *text, size_t size)
{
    static const char *const days[] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
    static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                          "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
    time_t    now = time(NULL);
    struct tm t;

    gmtime_r(&now, &t); /* not strftime: the header is English whatever the locale */
    snprintf(text, size, "%s, %02d %s %04d %02d:%02d:%02d GMT", days[t.tm_wday], t.tm_mday, months[t.tm_mon],
             t.tm_year + 1900, t.tm_hour, t.tm_min, t.tm_sec);
}

static const char *const every_answer_has = "vary: Origin, X-Origin, Referer\r\nserver: pollux\r\n";

static castor_status print_head(const plx_connection *c, const plx_header *headers, size_t count, cst_buf *head)
{
    char          date[64];
    castor_status made = cst_buf_append_format(head, "HTTP/1.1 %d %s\r\n", c->status, reason_of(c->status));

    for (size_t i = 0; i < count && made == CASTOR_OK; i++) {
        made = cst_buf_append_format(head, "%.*s: %.*s\r\n", CASTOR_ARG(headers[i].name),
                                     CASTOR_ARG(headers[i].value));
    }
    print_date(date, sizeof date);
    if (made != CASTOR_OK) return made;
    return cst_buf_append_format(head, "%sdate: %s\r\nserver-timing: gfet4t7; dur=%" PRIu64 "\r\n%s%s\r\n",
                                 every_answer_has, date, (now_us(&c->reply) - c->reply.asked_at_us) / 1000,
                                 c->is_chunked ? "transfer-encoding: chunked\r\n" : "",
                                 c->keeps_alive ? "" : "connection: close\r\n");
}

static bool has_length(const plx_header *headers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (cst_str_is(headers[i].name, "content-length")) return true;
    }
    return false;
}

static void send_headers(plx_reply *reply, int status, const plx_header *headers, size_t count)
{
    plx_connection *c = of_reply(reply);
    bool            has_no_body = status == 204 || status == 304; /* RFC 9112, 6.1: nor a transfer coding */
    bool            is_http_1_0 = c->has_head && c->parser.head.version == PLX_HTTP_1_0;
    bool            is_delimited = has_no_body || has_length(headers, count);
    cst_buf         head;

    c->status = status;
    c->is_bodiless = has_no_body || (c->has_head && cst_str_is(c->parser.head.method, "HEAD"));
    c->is_chunked = !is_delimited && !is_http_1_0;
    if ((is_http_1_0 && !is_delimited) || c->has_open_body || c->server->is_stopping) c->keeps_alive = false;

    cst_buf_init(&head, cst_allocator_default(), PLX_HEAD_BYTES_MAX);
    if (print_head(c, headers, count, &head) == CASTOR_OK) send_bytes(c, cst_buf_view(&head), CST_NONE, CST_NONE);
    else give_up(c);
    cst_buf_free(&head);
}

static void write_body(plx_reply *reply, castor_str bytes)
{
    plx_connection *c = of_reply(reply);
    char            size[32];

    if (bytes.len == 0) return; /* an empty chunk would end the body */
    c->body_bytes += bytes.len;
    if (c->is_bodiless) return;
    if (!c->is_chunked) {
        send_bytes(c, bytes, CST_NONE, CST_NONE);
        return;
    }
    int len = snprintf(size, sizeof size, "%zx\r\n", bytes.len);
    send_bytes(c, (castor_str){ size, (size_t)len }, bytes, CASTOR_STR("\r\n"));
}

static bool write_raw(plx_reply *reply, castor_str bytes)
{
    if (bytes.len > 0) send_bytes(of_reply(reply), bytes, CST_NONE, CST_NONE);
    return true;
}

static bool is_full(const plx_reply *reply)
{
    plx_connection *c = of_reply(reply);

    c->wants_room = queued_bytes(c) >= PLX_BACKLOG_BYTES_HIGH;
    return c->wants_room;
}

static void on_alarm(uv_timer_t *timer)
{
    plx_connection *c = timer->data;

    if (c->state == REPLYING && c->reply.on_timer) c->reply.on_timer(&c->reply);
}

static void wake_at(plx_reply *reply, uint64_t due_us)
{
    plx_connection *c = of_reply(reply);
    uint64_t        now = now_us(reply);

    /* Against an absolute time, whole milliseconds up: a repeating timer would drift, an early one would spin. */
    uv_update_time(c->server->loop);
    uv_timer_start(&c->alarm, on_alarm, due_us > now ? (due_us - now + 999) / 1000 : 0, 0);
}

/* ---- reading ---- */

static void begin_reply(plx_connection *c)
{
    c->state = REPLYING;
    c->status = 0;
    c->body_bytes = 0;
    c->reply.asked_at_us = now_us(&c->reply);
}

static void begin(plx_connection *c, bool has_more)
{
    c->has_head = true;
    c->keeps_alive = c->parser.keeps_alive;
    c->has_open_body = true;
    if (c->parser.expects_continue && !has_more) {
        send_bytes(c, CASTOR_STR("HTTP/1.1 100 Continue\r\n\r\n"), CST_NONE, CST_NONE);
    }
    begin_reply(c);
    c->server->handler.begin(c->server->handler.user, &c->reply, &c->parser.head);
}

/* A request that breaks off in its body is taken from the handler, unless an answer is under way already. */
static void refuse(plx_connection *c, int status, const char *why)
{
    bool is_answered = c->state == REPLYING && c->status != 0;

    if (c->state == REPLYING) leave_reply(c, " (bad request)");
    if (is_answered) {
        close_now(c);
        return;
    }
    c->has_head = false;
    c->keeps_alive = false;
    begin_reply(c);
    stop_patience(c);
    c->server->handler.refuse(c->server->handler.user, &c->reply, status, why);
}

static void end_body(plx_connection *c)
{
    c->has_open_body = false;
    c->reply.asked_at_us = now_us(&c->reply);
    stop_patience(c);
    if (c->reply.on_body_end) c->reply.on_body_end(&c->reply);
}

static void take_step(plx_connection *c, plx_http1_step step, castor_str piece, bool has_more)
{
    switch (step) {
    case PLX_HTTP1_HEAD: begin(c, has_more); break;
    case PLX_HTTP1_BODY:
        if (c->state == REPLYING && c->reply.on_body) c->reply.on_body(&c->reply, piece);
        break;
    case PLX_HTTP1_END: end_body(c); break;
    case PLX_HTTP1_ERROR: refuse(c, c->parser.status, c->parser.why); break;
    case PLX_HTTP1_WAIT: break;
    }
}

static bool can_parse(const plx_connection *c)
{
    if (c->state == REPLYING) return c->has_open_body && !c->is_held;
    return c->state == READING && (queued_bytes(c) < PLX_BACKLOG_BYTES_HIGH || plx_http1_is_midway(&c->parser));
}

/* Takes from the front of the input. A client that sends requests and reads no answers is left with the rest. */
static void parse(plx_connection *c, castor_str *input)
{
    plx_http1_step step = PLX_HTTP1_HEAD;

    c->is_parsing = true;
    while (step != PLX_HTTP1_WAIT && can_parse(c)) {
        castor_str piece;
        step = plx_http1_next(&c->parser, input, &piece);
        take_step(c, step, piece, input->len > 0);
    }
    c->is_parsing = false;
}

static void stop_reading(plx_connection *c)
{
    uv_read_stop((uv_stream_t *)&c->tcp);
    c->is_reading = false;
}

/* What is to be done now that the parser has stopped: for want of bytes, because a reply is under way, or because the
 * client takes too few of its answers; only then is something left in `ahead` while READING. */
static void settle(plx_connection *c)
{
    if (c->state == GONE || c->state == DRAINING || c->state == RESETTING) return;
    if (c->state == REPLYING) {
        if (c->has_open_body) stop_patience(c);
        if (c->is_held || c->ahead.len >= PLX_PIPELINE_BYTES_MAX) stop_reading(c);
        else read_on(c);
        return;
    }
    if (c->server->is_stopping || (c->saw_end && c->ahead.len == 0)) {
        enter_draining(c);
    } else if (c->ahead.len > 0) {
        be_patient(c, PLX_READER_STALL_MS);
        stop_reading(c);
    } else {
        be_patient(c, PLX_REQUEST_IDLE_MS);
        read_on(c);
    }
}

static void parse_ahead(plx_connection *c)
{
    castor_str input = cst_buf_view(&c->ahead);

    parse(c, &input);
    if (c->state == GONE) return;
    cst_buf_drop_front(&c->ahead, c->ahead.len - input.len);
    settle(c);
}

static void on_allocate(uv_handle_t *handle, size_t wanted, uv_buf_t *buf)
{
    plx_connection *c = handle->data;

    (void)wanted;
    *buf = uv_buf_init(c->server->read_buffer, sizeof c->server->read_buffer);
}

static void on_end_of_input(plx_connection *c)
{
    c->saw_end = true;
    stop_reading(c);
    if (c->state == REPLYING && c->has_open_body) {
        close_now(c); /* the rest of the request will never come */
    } else if (c->state == REPLYING) { /* half closed: it may still be reading */
        stop_patience(c);
    } else if (c->state != DRAINING) {
        settle(c);
    } else if (c->is_shut) {
        close_now(c);
    }
}

static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buf)
{
    plx_connection *c = stream->data;

    if (count == 0 || c->state == GONE) return;
    if (count == UV_EOF) {
        on_end_of_input(c);
        return;
    }
    if (count < 0) {
        close_now(c);
        return;
    }
    if (c->state == DRAINING || c->state == RESETTING) return;

    castor_str input = { buf->base, (size_t)count };
    if (c->ahead.len == 0) parse(c, &input);
    if (c->state == GONE) return;
    if (input.len > 0 && cst_buf_append_str(&c->ahead, input) != CASTOR_OK) {
        close_now(c);
        return;
    }
    settle(c);
}

static void read_on(plx_connection *c)
{
    if (c->is_reading || c->saw_end) return;
    c->is_reading = uv_read_start((uv_stream_t *)&c->tcp, on_allocate, on_read) == 0;
    if (!c->is_reading) give_up(c);
}

/* ---- the end of a reply ---- */

static void end(plx_reply *reply)
{
    plx_connection *c = of_reply(reply);
    bool            is_early = c->has_open_body;

    if (c->is_chunked && !c->is_bodiless) send_bytes(c, CASTOR_STR("0\r\n\r\n"), CST_NONE, CST_NONE);
    leave_reply(c, "");
    if (is_early || !c->keeps_alive || c->server->is_stopping) {
        enter_draining(c);
        return;
    }
    if (c->is_parsing) return; /* the loop that called the handler goes on by itself */
    parse_ahead(c);
}

static void abort_reply(plx_reply *reply, plx_abort_kind kind, uint32_t code)
{
    plx_connection *c = of_reply(reply);

    (void)code;
    leave_reply(c, kind == PLX_ABORT_RESET ? " (reset)" : " (cut)");
    if (kind == PLX_ABORT_RESET) enter_resetting(c);
    else enter_draining(c);
}

static void shape_packets(plx_reply *reply, const plx_shape_of_packets *shape)
{
    (void)reply;
    (void)shape;
}

static void hold_body(plx_reply *reply, bool is_held)
{
    plx_connection *c = of_reply(reply);

    c->is_held = is_held;
    if (!is_held && !c->is_parsing) parse_ahead(c);
}

/* ---- the life of a connection ---- */

static const plx_carrier carrier = {
    send_headers, write_body, write_raw, end, abort_reply, wake_at, now_us, is_full, shape_packets, hold_body,
};

static plx_connection *new_connection(plx_server *server)
{
    const cst_allocator *allocator = cst_allocator_default();
    plx_connection      *c = calloc(1, sizeof *c);

    if (!c) return NULL;
    c->server = server;
    c->reply.carrier = &carrier;
    plx_http1_init(&c->parser, allocator);
    cst_buf_init(&c->ahead, allocator, PLX_PIPELINE_BYTES_MAX + PLX_READ_BYTES);
    if (uv_tcp_init(server->loop, &c->tcp) != 0) {
        free(c);
        return NULL;
    }
    uv_timer_init(server->loop, &c->patience);
    uv_timer_init(server->loop, &c->alarm);
    c->tcp.data = c->patience.data = c->alarm.data = c;

    c->next = server->connections;
    c->link = &server->connections;
    if (c->next) c->next->link = &c->next;
    server->connections = c;
    server->connection_count++;
    return c;
}

void plx_connection_accept(plx_server *server)
{
    plx_connection *c = new_connection(server);

    if (!c) {
        /* libuv offers no connection after one that was not taken, so going on would be pretence. */
        fprintf(stderr, "pollux: out of memory for a new connection; stopping.\n");
        plx_server_stop(server);
        return;
    }
    if (uv_accept((uv_stream_t *)&server->listener, (uv_stream_t *)&c->tcp) != 0 ||
        server->connection_count > PLX_CONNECTIONS_MAX) {
        close_now(c);
        return;
    }
    switch (server->handler.welcome ? server->handler.welcome(server->handler.user) : PLX_WELCOME_SERVE) {
    case PLX_WELCOME_REFUSE: enter_gone(c, true); return;
    case PLX_WELCOME_IGNORE: return;
    case PLX_WELCOME_SERVE: break;
    }
    uv_tcp_nodelay(&c->tcp, 1); /* every token leaves at its own time */
    settle(c);
}

void plx_connection_finish(plx_connection *connection)
{
    if (connection->state == READING) enter_draining(connection);
}

void plx_connection_cut(plx_connection *connection)
{
    close_now(connection);
}

plx_connection *plx_connection_next(const plx_connection *connection)
{
    return connection->next;
}
