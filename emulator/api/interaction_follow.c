/* interaction_follow.c -- a reply that follows an interaction's course.
 * SPDX-License-Identifier: MIT
 *
 * The course's times are on the world's clock, which may be moved, and the interaction may be cancelled by another
 * request. So a follower never sleeps long: it looks again, and finds out what has happened by now.
 */
#include "api/interaction_follow.h"

#include "generate/encode_interaction.h"
#include "proto/coded_error.h"

typedef struct follower {
    plx_interaction *one;
    size_t           next;        /* the event that comes next */
    bool             has_headers;
    plx_telling      telling;
    cst_buf          buffer;
} follower;

uint64_t plx_interaction_elapsed_us(const plx_interaction *one, const plx_world *world)
{
    int64_t elapsed_us = plx_world_now_us(world) - one->course.started_us;

    return elapsed_us > 0 ? (uint64_t)elapsed_us : 0;
}

static void on_gone(plx_exchange *e)
{
    follower *f = e->state;

    plx_interaction_release(f->one);
    cst_buf_free(&f->buffer);
}

/* True: it is time. False: we shall be woken. */
static bool is_due(plx_exchange *e, const follower *f, uint64_t due_us)
{
    uint64_t elapsed_us = plx_interaction_elapsed_us(f->one, e->world);
    uint64_t nap_us = (uint64_t)PLX_FOLLOW_NAP_MS * 1000;

    if (elapsed_us >= due_us) return true;
    if (due_us - elapsed_us < nap_us) nap_us = due_us - elapsed_us;
    plx_reply_wake_at(e->reply, plx_reply_now_us(e->reply) + nap_us);
    return false;
}

static void start(plx_exchange *e, plx_interaction *one, size_t first_event, plx_telling telling,
                  plx_exchange_fn *go_on)
{
    follower   *f = cst_arena_alloc(&e->arena, sizeof *f);
    plx_refusal refusal = { .code = 0 };

    if (!f) {
        plx_interaction_release(one);
        plx_refuse_memory(&refusal);
        plx_exchange_refuse(e, &refusal);
        return;
    }
    *f = (follower){ .one = one, .next = first_event, .telling = telling };
    cst_buf_init(&f->buffer, cst_allocator_default(), PLX_EVENT_BYTES_MAX);
    e->state = f;
    e->on_timer = go_on;
    e->on_gone = on_gone;
    go_on(e);
}

static void send_headers(plx_exchange *e, int status, const char *content_type)
{
    plx_header header = { CASTOR_STR("content-type"), castor_str_of(content_type) };

    plx_reply_send_headers(e->reply, status, &header, 1);
}

/* The follower may be gone afterwards. */
static void end(plx_exchange *e, plx_telling telling)
{
    if (telling.end_is_lost) plx_reply_abort(e->reply, PLX_ABORT_RESET, PLX_CODE_INTERNAL_ERROR);
    else plx_reply_end(e->reply);
}

/* ---- as a stream ---- */

static void begin_stream(plx_exchange *e, follower *f)
{
    if (!f->has_headers) send_headers(e, f->telling.status, "text/event-stream");
    f->has_headers = true;
}

static void go_on_streaming(plx_exchange *e)
{
    follower *f = e->state;

    while (f->next < f->one->course.event_count) {
        if (!is_due(e, f, f->one->course.events[f->next].due_us) || plx_reply_is_full(e->reply)) return;
        begin_stream(e, f);
        f->buffer.len = 0;
        if (plx_interaction_print_event(&f->one->course, f->next++, &f->buffer) != CASTOR_OK) {
            plx_reply_abort(e->reply, PLX_ABORT_RESET, PLX_CODE_INTERNAL_ERROR);
            return;
        }
        plx_reply_write(e->reply, cst_buf_view(&f->buffer));
    }
    begin_stream(e, f);
    end(e, f->telling);
}

void plx_interaction_stream(plx_exchange *e, plx_interaction *one, size_t first_event, plx_telling telling)
{
    start(e, one, first_event, telling, go_on_streaming);
}

/* ---- as a whole ---- */

static void send_whole(plx_exchange *e, const plx_interaction *one, const plx_interaction_view *view,
                       plx_telling telling)
{
    plx_refusal refusal = { .code = 0 };
    cst_buf     body;

    cst_buf_init(&body, cst_allocator_default(), PLX_EVENT_BYTES_MAX);
    if (plx_interaction_print(&one->course, view, &body) == CASTOR_OK) {
        send_headers(e, telling.status, "application/json");
        plx_reply_write(e->reply, cst_buf_view(&body));
        end(e, telling);
    } else {
        plx_refuse_memory(&refusal);
        plx_exchange_refuse(e, &refusal);
    }
    cst_buf_free(&body);
}

void plx_interaction_send(plx_exchange *e, const plx_interaction *one, size_t event_count, bool is_told_again,
                          bool has_input)
{
    plx_interaction_view view = { .event_count = event_count };

    if (is_told_again) view.previous_id = one->previous_id;
    if (has_input) view.input_steps = one->input_steps;
    send_whole(e, one, &view, PLX_TELLING_PLAIN);
}

static void go_on_waiting(plx_exchange *e)
{
    follower            *f = e->state;
    const plx_course    *course = &f->one->course;
    plx_interaction_view view = { .event_count = course->event_count };
    plx_refusal          refusal = { .code = 0 };

    if (!is_due(e, f, plx_course_length_us(course))) return;
    if (!course->error) {
        send_whole(e, f->one, &view, f->telling);
        return;
    }
    plx_refuse_coded(&refusal, 400, course->error, "%.*s", CASTOR_ARG(course->error_message));
    plx_exchange_refuse(e, &refusal);
}

void plx_interaction_await(plx_exchange *e, plx_interaction *one, plx_telling telling)
{
    start(e, one, 0, telling, go_on_waiting);
}
