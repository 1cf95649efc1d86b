/* spoiler.c -- stands between a handler and what carries its answer: two replies, and how long they live.
 * SPDX-License-Identifier: MIT
 *
 * Every function that is called from outside runs between `enter` and `leave`; whichever is the last to leave after
 * the reply that carries is gone frees the spoiler.
 */
#include "fault/spoiler.h"

#include <stdio.h>
#include <stdlib.h>

#include "fault/spoiler_state.h"
#include "http/log.h"

static plx_spoiler *of_inner(const plx_reply *inner)
{
    /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): what has entered is not freed before it leaves */
    return (plx_spoiler *)((char *)(uintptr_t)inner - offsetof(plx_spoiler, inner));
}

/* ---- its life ---- */

static void enter(plx_spoiler *s)
{
    s->depth++;
}

static void leave(plx_spoiler *s)
{
    if (--s->depth > 0 || !s->is_outer_gone) return;
    plx_body_free(s);
    plx_queue_free(&s->queue);
    cst_arena_free(&s->arena);
    free(s);
}

/* The handler hears of it once. */
static void dismiss_handler(plx_spoiler *s)
{
    if (s->is_inner_gone) return;
    s->is_inner_gone = true;
    s->handler_due_us = 0;
    s->wants_room = false;
    if (s->inner.on_gone) s->inner.on_gone(&s->inner);
}

/* Whatever it was: memory, or more bytes than a bound allows. */
static void check(plx_spoiler *s, castor_status status)
{
    if (status == CASTOR_OK || s->is_broken) return;
    plx_log_warn("a spoilt answer grew too large, or memory ran out; its connection is cut.");
    s->is_broken = s->is_over = true;
}

/* ---- the handler's side ---- */

static bool has_room(const plx_spoiler *s)
{
    return plx_queue_bytes(&s->queue) < PLX_BACKLOG_BYTES_HIGH && !plx_reply_is_full(s->outer);
}

static castor_status copy_head(plx_spoiler *s, int status, const plx_header *headers, size_t header_count)
{
    castor_status copied = CASTOR_OK;

    s->head = (plx_reply_head){ .status = status, .arena = &s->arena };
    for (size_t i = 0; i < header_count && copied == CASTOR_OK; i++) {
        plx_header *header = &s->head.headers[s->head.count++];
        if (s->head.count == PLX_REPLY_HEADERS_MAX) return CASTOR_LIMIT;
        copied = cst_arena_copy(&s->arena, headers[i].name, &header->name);
        if (copied == CASTOR_OK) copied = cst_arena_copy(&s->arena, headers[i].value, &header->value);
    }
    return copied;
}

static void run_in_handler(plx_spoiler *s)
{
    s->is_in_handler = true;
    plx_spoiler_run(s);
    s->is_in_handler = false;
}

static void send_headers(plx_reply *inner, int status, const plx_header *headers, size_t header_count)
{
    plx_spoiler *s = of_inner(inner);

    enter(s);
    castor_status copied = copy_head(s, status, headers, header_count);
    inner->status = status;
    check(s, copied == CASTOR_OK ? plx_body_begin(s) : copied);
    run_in_handler(s);
    leave(s);
}

static void write_body(plx_reply *inner, castor_str bytes)
{
    plx_spoiler *s = of_inner(inner);

    enter(s);
    check(s, plx_body_write(s, bytes));
    run_in_handler(s);
    leave(s);
}

static bool write_raw(plx_reply *inner, castor_str bytes)
{
    plx_spoiler *s = of_inner(inner);
    bool         is_http1 = s->is_http1;

    if (!is_http1) return false;
    enter(s);
    check(s, plx_spoiler_raw(s, bytes));
    run_in_handler(s);
    leave(s);
    return true;
}

static void end(plx_reply *inner)
{
    plx_spoiler *s = of_inner(inner);

    enter(s);
    check(s, plx_body_end(s));
    dismiss_handler(s);
    plx_spoiler_run(s);
    leave(s);
}

static void abort_reply(plx_reply *inner, plx_abort_kind kind, uint32_t code)
{
    plx_spoiler *s = of_inner(inner);

    enter(s);
    check(s, plx_spoiler_abort(s, kind, code));
    dismiss_handler(s);
    plx_spoiler_run(s);
    leave(s);
}

static void wake_at(plx_reply *inner, uint64_t due_us)
{
    plx_spoiler *s = of_inner(inner);

    s->handler_due_us = due_us ? due_us : 1;
    plx_spoiler_arm(s);
}

static uint64_t now_us(const plx_reply *inner)
{
    return plx_reply_now_us(of_inner(inner)->outer);
}

static bool is_full(const plx_reply *inner)
{
    plx_spoiler *s = of_inner(inner);

    s->wants_room = !s->is_over && !has_room(s);
    return s->wants_room;
}

static void shape_packets(plx_reply *inner, const plx_shape_of_packets *shape)
{
    plx_reply_shape_packets(of_inner(inner)->outer, shape);
}

static void hold_body(plx_reply *inner, bool is_held)
{
    plx_spoiler *s = of_inner(inner);

    if (!s->has_closed_window) plx_reply_hold_body(s->outer, is_held);
}

static const plx_carrier carrier = {
    send_headers, write_body, write_raw, end, abort_reply, wake_at, now_us, is_full, shape_packets, hold_body,
};

/* ---- the carrying side ---- */

static void on_body(plx_reply *outer, castor_str bytes)
{
    plx_spoiler *s = outer->user;

    enter(s);
    if (!s->is_inner_gone && s->inner.on_body) s->inner.on_body(&s->inner, bytes);
    leave(s);
}

static void on_body_end(plx_reply *outer)
{
    plx_spoiler *s = outer->user;

    enter(s);
    s->inner.asked_at_us = outer->asked_at_us;
    if (!s->is_inner_gone && s->inner.on_body_end) s->inner.on_body_end(&s->inner);
    leave(s);
}

static void tell_writable(plx_spoiler *s)
{
    if (s->is_outer_gone || !s->wants_room || !has_room(s)) return;
    s->wants_room = false;
    if (s->inner.on_writable) s->inner.on_writable(&s->inner);
}

static void on_timer(plx_reply *outer)
{
    plx_spoiler *s = outer->user;

    enter(s);
    plx_spoiler_run(s);
    if (!s->is_outer_gone && s->handler_due_us && plx_reply_now_us(outer) >= s->handler_due_us) {
        s->handler_due_us = 0;
        if (s->inner.on_timer) s->inner.on_timer(&s->inner);
    }
    tell_writable(s);
    plx_spoiler_arm(s);
    leave(s);
}

static void on_writable(plx_reply *outer)
{
    plx_spoiler *s = outer->user;

    enter(s);
    plx_spoiler_run(s);
    tell_writable(s);
    leave(s);
}

static void on_gone(plx_reply *outer)
{
    plx_spoiler *s = outer->user;

    enter(s);
    if (outer->is_bystander && s->armory) plx_armory_note_spoilt_bystander(s->armory, &s->plan);
    s->is_outer_gone = s->is_over = true;
    dismiss_handler(s);
    leave(s);
}

/* ---- between ---- */

/* What errors and redirects have to know. Keys do not get into it: of the query only `alt=sse` does. */
static void note_request(plx_spoiler *s, const plx_head *head, plx_error_shape shape)
{
    castor_str  path = head->target;
    const char *query = path.len ? memchr(path.data, '?', path.len) : NULL;
    castor_str  rest = query ? (castor_str){ query, (size_t)(path.data + path.len - query) } : CST_NONE;
    bool        wants_events = cst_str_contains_nocase(rest, "alt=sse");
    char        name[PLX_MODEL_NAME_MAX];

    if (query) path.len = (size_t)(query - path.data);
    snprintf(s->asked.path, sizeof s->asked.path, "%.*s%s", CASTOR_ARG(path), wants_events ? "?alt=sse" : "");
    s->asked.shape = shape;
    const char *model = strstr(s->asked.path, "models/");
    cst_copy_text(name, sizeof name, castor_str_of(model ? model + 7 : "gemini-3.8-flash"));
    name[strcspn(name, ":/?")] = '\0';
    memcpy(s->asked.model, name, sizeof name);
    s->is_head_method = cst_str_is(head->method, "HEAD");
    s->is_http1 = head->version == PLX_HTTP_1_1;
}

static void prepare(plx_spoiler *s)
{
    for (size_t i = 0; i < s->plan.count; i++) {
        const plx_fault *fault = &s->plan.faults[i];
        s->holds |= fault->kind->holds || fault->place.kind == PLX_AT_PERCENT;
        s->has_records |= fault->kind->edit || fault->kind->lines || fault->place.kind == PLX_AT_EVENT;
        if (fault->kind->prepare) fault->kind->prepare(fault, s);
    }
}

plx_spoiler *plx_spoiler_put_between(plx_reply *outer, const plx_plan *plan, const plx_head *head,
                                     plx_error_shape shape, plx_armory *armory)
{
    const cst_allocator *allocator = cst_allocator_default();
    plx_spoiler         *s = calloc(1, sizeof *s);

    if (!s) return NULL;
    s->inner = *outer;
    s->inner.carrier = &carrier;
    s->outer = outer;
    s->plan = *plan;
    s->armory = armory;
    note_request(s, head, shape);
    cst_arena_init(&s->arena, allocator);
    plx_queue_init(&s->queue, allocator);
    plx_body_init(s, allocator);
    outer->user = s;
    outer->on_body = on_body;
    outer->on_body_end = on_body_end;
    outer->on_timer = on_timer;
    outer->on_writable = on_writable;
    outer->on_gone = on_gone;
    prepare(s);
    return s;
}

plx_reply *plx_spoiler_reply(plx_spoiler *spoiler)
{
    return &spoiler->inner;
}

static void send_canned(plx_spoiler *s, const plx_fault *fault)
{
    plx_canned    canned = { .plan = &s->plan, .asked = &s->asked };
    plx_header    headers[PLX_CANNED_HEADERS_MAX + 1];
    castor_status status;

    enter(s); /* the connection may be lost in the middle of it */
    cst_buf_init(&canned.body, cst_allocator_default(), PLX_EVENT_BYTES_MAX);
    status = fault->kind->answer(fault, &canned);
    check(s, status);
    headers[0] = (plx_header){ CASTOR_STR("content-type"), castor_str_of(canned.content_type) };
    memcpy(headers + 1, canned.headers, canned.header_count * sizeof headers[0]);
    send_headers(&s->inner, canned.status, headers, canned.header_count + 1);
    write_body(&s->inner, cst_buf_view(&canned.body));
    cst_buf_free(&canned.body);
    end(&s->inner);
    leave(s); /* NOLINT(clang-analyzer-unix.Malloc): what has entered is not freed before it leaves */
}

static const plx_fault *find_canned(const plx_spoiler *spoiler)
{
    for (size_t i = 0; spoiler && i < spoiler->plan.count; i++) {
        if (spoiler->plan.faults[i].kind->answer) return &spoiler->plan.faults[i];
    }
    return NULL;
}

bool plx_spoiler_has_answer(const plx_spoiler *spoiler)
{
    return find_canned(spoiler) != NULL;
}

bool plx_spoiler_answer(plx_spoiler *spoiler)
{
    const plx_fault *fault = find_canned(spoiler);

    if (fault) send_canned(spoiler, fault);
    return fault != NULL;
}

/* ---- what faults ask for ---- */

const plx_plan  *plx_spoiler_plan(const plx_spoiler *spoiler) { return &spoiler->plan; }
const plx_asked *plx_spoiler_asked(const plx_spoiler *spoiler) { return &spoiler->asked; }
plx_framing      plx_spoiler_framing(const plx_spoiler *spoiler) { return spoiler->parting.framing; }

void plx_spoiler_split(plx_spoiler *spoiler, plx_split split) { spoiler->splits |= split; }

void plx_spoiler_pace(plx_spoiler *spoiler, size_t bytes, uint64_t gap_us)
{
    spoiler->pace_bytes = bytes;
    spoiler->pace_gap_us = gap_us;
}

void plx_spoiler_shape(plx_spoiler *spoiler, const plx_shape_of_packets *shape, bool is_head_only)
{
    spoiler->has_shape = true;
    spoiler->is_head_shape = is_head_only;
    spoiler->shape = *shape;
}

void plx_spoiler_squeeze(plx_spoiler *spoiler, size_t bytes_cut)
{
    spoiler->is_squeezed = true;
    spoiler->tail_bytes = bytes_cut;
}

void plx_spoiler_lie_about_length(plx_spoiler *spoiler, int64_t difference)
{
    spoiler->has_length = true;
    spoiler->length_lie = difference;
}

void plx_spoiler_extend_chunks(plx_spoiler *spoiler) { spoiler->has_chunk_extensions = true; }

void plx_spoiler_leave_last_line_open(plx_spoiler *spoiler)
{
    spoiler->keeps_line_end = true;
    spoiler->has_records = true;
}

void plx_spoiler_part_elements(plx_spoiler *spoiler, const char *comma)
{
    spoiler->comma = comma;
    spoiler->has_records = true;
}

void plx_spoiler_close_window(plx_spoiler *spoiler)
{
    spoiler->has_closed_window = true;
    plx_reply_hold_body(spoiler->outer, true);
}
