/* transport_memory.c -- a transport without a network, for tests.
 * SPDX-License-Identifier: MIT
 */
#include "transport_memory.h"

#include "error.h"

typedef struct memory_transport {
    cst_transport          base; /* first */
    const cst_allocator   *allocator;
    const cst_memory_step *script;
    const cst_memory_step *const *scripts; /* the next ones; NULL: always the same */
    size_t                 opened;
    cst_exchange          *exchanges;
    int64_t                now_ms;
    bool                   was_woken;
    cst_buf                url;
    cst_buf                headers;
    cst_buf                body;
} memory_transport;

struct cst_exchange {
    memory_transport      *owner;
    cst_exchange          *next;
    const cst_memory_step *step;
    cst_sink               sink;
    castor_str             body; /* its owner's, until we are closed */
    cst_phase              phase;
    int64_t                waited_ms; /* of the WAIT under way */
    castor_i64             retry_after_ms; /* for the head */
    bool                   is_paused;
};

static castor_status record_request(memory_transport *transport, const cst_http_request *request)
{
    transport->url.len = transport->headers.len = transport->body.len = 0;

    castor_status status = cst_buf_append_text(&transport->url, request->url);
    if (status == CASTOR_OK) status = cst_buf_append_str(&transport->body, request->body);
    for (const char *const *line = request->headers; *line && status == CASTOR_OK; line++) {
        status = cst_buf_append_format(&transport->headers, "%s\n", *line);
    }
    return status;
}

static castor_status open_exchange(cst_transport *base, cst_exchange **out, const cst_http_request *request,
                                   const cst_sink *sink, castor_error *err)
{
    memory_transport *transport = (memory_transport *)base;
    castor_status     status = record_request(transport, request);

    *out = NULL;
    if (status != CASTOR_OK) return cst_fail_plainly(err, status);
    cst_exchange *exchange = cst_alloc_zeroed(transport->allocator, sizeof *exchange);
    if (!exchange) return cst_fail_plainly(err, CASTOR_NO_MEMORY);
    exchange->owner = transport;
    exchange->sink = *sink;
    exchange->body = request->body;
    if (transport->scripts && *transport->scripts) transport->script = *transport->scripts++;
    transport->opened++;
    exchange->step = transport->script;
    exchange->next = transport->exchanges;
    transport->exchanges = exchange;
    *out = exchange;
    return CASTOR_OK;
}

/* libcurl may be sending the body until now; whoever has freed it is found by a checker of memory. */
static void read_body(const cst_exchange *exchange)
{
    volatile char last = exchange->body.len > 0 ? exchange->body.data[exchange->body.len - 1] : '\0';

    (void)last;
}

static void close_exchange(cst_exchange *exchange)
{
    cst_exchange **link = &exchange->owner->exchanges;

    read_body(exchange);
    while (*link != exchange) link = &(*link)->next;
    *link = exchange->next;
    cst_release(exchange->owner->allocator, exchange);
}

static void resume_exchange(cst_exchange *exchange)
{
    exchange->is_paused = false;
}

static cst_phase phase_of(cst_exchange *exchange)
{
    return exchange->phase;
}

static void lose(cst_exchange *exchange, castor_str why, bool was_closed)
{
    castor_error failure;

    cst_fail(&failure, CASTOR_NETWORK, "%.*s", CASTOR_ARG(why));
    failure.is_transient = true;
    exchange->sink.on_end(exchange->sink.user, &failure, was_closed);
}

static void tell_head(cst_exchange *exchange, const cst_memory_step *step)
{
    const cst_head head = {
        .http_status = (int32_t)step->number,
        .content_type = step->text,
        .retry_after_ms = exchange->retry_after_ms,
    };

    exchange->sink.on_head(exchange->sink.user, &head);
}

typedef enum played { MOVED, WAITS, GONE } played;

/* One step of one exchange. */
static played play(cst_exchange *exchange)
{
    const cst_memory_step *step = exchange->step;

    if (exchange->is_paused) return WAITS;
    switch (step->act) {
    case CST_MEMORY_WAIT:
        if (exchange->waited_ms < step->number) return WAITS;
        exchange->waited_ms = 0;
        break;
    case CST_MEMORY_PHASE:
        exchange->phase = (cst_phase)step->number;
        exchange->sink.on_phase(exchange->sink.user);
        if (exchange->phase == CST_PHASE_FIRST_BYTE) exchange->sink.on_connected(exchange->sink.user, false);
        break;
    case CST_MEMORY_DELAY: exchange->retry_after_ms = castor_some_i64(step->number); break;
    case CST_MEMORY_HEAD: tell_head(exchange, step); break;
    case CST_MEMORY_BYTES:
        switch (exchange->sink.on_bytes(exchange->sink.user, step->text.data, step->text.len)) {
        case CST_TAKE_PAUSE: exchange->is_paused = true; return WAITS;
        case CST_TAKE_STOP: lose(exchange, CASTOR_STR("stopped by the sink"), false); return GONE;
        case CST_TAKE_MORE:
        default: break;
        }
        break;
    case CST_MEMORY_END: exchange->sink.on_end(exchange->sink.user, NULL, false); return GONE;
    case CST_MEMORY_LOSE:
    default: lose(exchange, step->text, step->number != 0); return GONE;
    }
    exchange->step++;
    return MOVED;
}

/* What comes without waiting. */
static bool play_on(cst_exchange *exchange)
{
    bool has_moved = false;

    for (;;) {
        switch (play(exchange)) {
        case GONE: return true;
        case WAITS: return has_moved;
        case MOVED:
        default: has_moved = true; break;
        }
    }
}

static void pass_time(memory_transport *transport, int64_t duration_ms)
{
    transport->now_ms += duration_ms;
    for (cst_exchange *at = transport->exchanges; at; at = at->next) {
        if (at->step->act == CST_MEMORY_WAIT) at->waited_ms += duration_ms;
    }
}

/* Waits as long as the nearest WAIT of the script needs, `timeout_ms` at most. */
static void wait_for_script(memory_transport *transport, int64_t timeout_ms)
{
    int64_t wait_ms = timeout_ms;

    for (cst_exchange *at = transport->exchanges; at; at = at->next) {
        if (at->is_paused || at->step->act != CST_MEMORY_WAIT) continue;
        int64_t left_ms = at->step->number - at->waited_ms;
        if (wait_ms < 0 || left_ms < wait_ms) wait_ms = left_ms;
    }
    pass_time(transport, wait_ms < 0 ? 0 : wait_ms);
}

static castor_status drive(cst_transport *base, int64_t timeout_ms, castor_error *err)
{
    memory_transport *transport = (memory_transport *)base;
    bool              has_moved = false;

    (void)err;
    for (cst_exchange *at = transport->exchanges, *next; at; at = next) {
        next = at->next;
        has_moved |= play_on(at);
    }
    if (!has_moved && !transport->was_woken) wait_for_script(transport, timeout_ms);
    transport->was_woken = false;
    return CASTOR_OK;
}

static void wake(cst_transport *base)
{
    ((memory_transport *)base)->was_woken = true;
}

/* There are no sockets: whatever a loop does, all that can move moves. */
static castor_status attach(cst_transport *base, const castor_loop *loop, castor_error *err)
{
    (void)base;
    (void)loop;
    (void)err;
    return CASTOR_OK;
}

static castor_status tick(cst_transport *base, castor_error *err)
{
    return drive(base, 0, err);
}

static castor_status ready(cst_transport *base, int fd, int32_t ready, castor_error *err)
{
    (void)fd;
    (void)ready;
    return drive(base, 0, err);
}

static int64_t due_ms(cst_transport *base)
{
    memory_transport *transport = (memory_transport *)base;
    int64_t           due_ms = INT64_MAX;

    for (cst_exchange *at = transport->exchanges; at; at = at->next) {
        int64_t left_ms = at->step->act == CST_MEMORY_WAIT ? at->step->number - at->waited_ms : 0;
        if (!at->is_paused && transport->now_ms + left_ms < due_ms) due_ms = transport->now_ms + left_ms;
    }
    return due_ms;
}

static int64_t now_ms(cst_transport *base)
{
    return ((memory_transport *)base)->now_ms;
}

static void free_transport(cst_transport *base)
{
    memory_transport *transport = (memory_transport *)base;

    cst_buf_free(&transport->url);
    cst_buf_free(&transport->headers);
    cst_buf_free(&transport->body);
    cst_release(transport->allocator, transport);
}

static const cst_transport_methods methods = {
    .open = open_exchange,
    .resume = resume_exchange,
    .close = close_exchange,
    .phase = phase_of,
    .drive = drive,
    .wake = wake,
    .attach = attach,
    .ready = ready,
    .tick = tick,
    .due_ms = due_ms,
    .now_ms = now_ms,
    .free = free_transport,
};

castor_status cst_transport_memory_new(cst_transport **out, const cst_memory_step *script,
                                       const cst_allocator *allocator, castor_error *err)
{
    memory_transport *transport = cst_alloc_zeroed(allocator, sizeof *transport);

    *out = NULL;
    if (!transport) return cst_fail_plainly(err, CASTOR_NO_MEMORY);
    transport->base.methods = &methods;
    transport->allocator = allocator;
    transport->script = script;
    transport->now_ms = 1000; /* zero would look like a time that was never set */
    cst_buf_init(&transport->url, allocator, CST_BODY_BYTES_MAX);
    cst_buf_init(&transport->headers, allocator, CST_BODY_BYTES_MAX);
    cst_buf_init(&transport->body, allocator, CST_BODY_BYTES_MAX);
    *out = &transport->base;
    return CASTOR_OK;
}

void cst_transport_memory_play(cst_transport *transport, const cst_memory_step *const *scripts)
{
    ((memory_transport *)transport)->scripts = scripts;
}

size_t cst_transport_memory_opened(const cst_transport *transport)
{
    return ((const memory_transport *)transport)->opened;
}

size_t cst_transport_memory_open(const cst_transport *transport)
{
    size_t count = 0;

    for (cst_exchange *at = ((const memory_transport *)transport)->exchanges; at; at = at->next) count++;
    return count;
}

void cst_transport_memory_sleep(cst_transport *transport, int64_t duration_ms)
{
    pass_time((memory_transport *)transport, duration_ms);
}

const char *cst_transport_memory_url(const cst_transport *transport)
{
    return ((const memory_transport *)transport)->url.data;
}

const char *cst_transport_memory_headers(const cst_transport *transport)
{
    return ((const memory_transport *)transport)->headers.data;
}

const char *cst_transport_memory_body(const cst_transport *transport)
{
    return ((const memory_transport *)transport)->body.data;
}
