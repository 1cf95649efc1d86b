/* spoil_play.c -- plays the queue of a spoilt answer on the reply that carries, each step at its time.
 * SPDX-License-Identifier: MIT
 */
#include <stdio.h>

#include "fault/spoiler_state.h"

/* ---- time: one timer below, two that want it ---- */

void plx_spoiler_arm(plx_spoiler *s)
{
    uint64_t due = 0;

    if (s->is_outer_gone) return;
    if (s->is_waiting) due = s->pause_until_us ? s->pause_until_us : 1;
    if (s->handler_due_us && (!due || s->handler_due_us < due)) due = s->handler_due_us;
    if (due) plx_reply_wake_at(s->outer, due);
}

/* ---- the queue ---- */

castor_status plx_spoiler_add(plx_spoiler *s, const plx_step *step, castor_str bytes)
{
    if (s->is_over) return CASTOR_OK;
    s->is_over = step->kind == PLX_STEP_END || step->kind == PLX_STEP_ABORT;
    return plx_queue_add(&s->queue, step, bytes);
}

castor_status plx_spoiler_pause(plx_spoiler *s, uint64_t wait_us)
{
    return plx_spoiler_add(s, &(plx_step){ .kind = PLX_STEP_PAUSE, .wait_us = wait_us }, CST_NONE);
}

castor_status plx_spoiler_end(plx_spoiler *s)
{
    return plx_spoiler_add(s, &(plx_step){ .kind = PLX_STEP_END }, CST_NONE);
}

castor_status plx_spoiler_abort(plx_spoiler *s, plx_abort_kind kind, uint32_t code)
{
    return plx_spoiler_add(s, &(plx_step){ .kind = PLX_STEP_ABORT, .abort = kind, .code = code }, CST_NONE);
}

/* Over HTTP/2 there is nothing outside of frames: the stream is reset for a breach of the protocol. */
castor_status plx_spoiler_raw(plx_spoiler *s, castor_str bytes)
{
    enum { PROTOCOL_ERROR = 1 };

    if (!s->is_http1) return plx_spoiler_abort(s, PLX_ABORT_RESET, PROTOCOL_ERROR);
    return plx_spoiler_add(s, &(plx_step){ .kind = PLX_STEP_RAW }, bytes);
}

/* Chunks of our own making, with what RFC 9112, 7.1.1 and 7.1.2 allow and hardly anybody sends. */
static bool has_own_chunks(const plx_spoiler *s)
{
    return s->has_chunk_extensions && s->is_http1 && !s->is_head_method &&
           !plx_reply_head_get(&s->head, "content-length").data;
}

static void play_bytes(plx_spoiler *s, castor_str bytes)
{
    char line[64];

    if (!has_own_chunks(s)) {
        plx_reply_write(s->outer, bytes);
        return;
    }
    int len = snprintf(line, sizeof line, "%zX;pollux=\"a \\\" b\";c\r\n", bytes.len);
    plx_reply_write_raw(s->outer, (castor_str){ line, (size_t)len });
    plx_reply_write_raw(s->outer, bytes);
    plx_reply_write_raw(s->outer, CASTOR_STR("\r\n"));
}

/* The connection closes behind a trailer of ours, since the reply that carries would end the body once more. */
static void play_end(plx_spoiler *s)
{
    if (!has_own_chunks(s)) {
        plx_reply_end(s->outer);
        return;
    }
    plx_reply_write_raw(s->outer, CASTOR_STR("000;last\r\nx-pollux-trailer: one\r\nx-pollux-trailer: two\r\n\r\n"));
    plx_reply_abort(s->outer, PLX_ABORT_FIN, 0);
}

/* True: the pause is over. */
static bool play_pause(plx_spoiler *s, const plx_step *step)
{
    uint64_t now = plx_reply_now_us(s->outer);

    if (!s->pause_until_us) {
        uint64_t wait_us = step->wait_us < PLX_FAULT_FOREVER_US ? step->wait_us : PLX_FAULT_FOREVER_US;
        s->pause_until_us = now + wait_us;
    }
    if (now < s->pause_until_us) {
        s->is_waiting = true;
        return false;
    }
    s->pause_until_us = 0;
    if (step->wait_us >= PLX_FAULT_FOREVER_US) s->is_broken = s->is_over = true;
    return true;
}

/* Plays one step. False: it has to wait, or was the last. */
static bool play(plx_spoiler *s, const plx_step *step, castor_str bytes)
{
    switch (step->kind) {
    case PLX_STEP_HEAD: plx_reply_send_headers(s->outer, s->head.status, s->head.headers, s->head.count); break;
    case PLX_STEP_BYTES:
        if (plx_reply_is_full(s->outer)) return false;
        play_bytes(s, bytes);
        break;
    case PLX_STEP_RAW: plx_reply_write_raw(s->outer, bytes); break;
    case PLX_STEP_SHAPE: plx_reply_shape_packets(s->outer, &step->shape); break;
    case PLX_STEP_PAUSE:
        if (!play_pause(s, step)) return false;
        break;
    case PLX_STEP_END: play_end(s); return false;
    case PLX_STEP_ABORT: plx_reply_abort(s->outer, step->abort, step->code); return false;
    case PLX_STEP_NONE: return false;
    }
    plx_queue_pop(&s->queue);
    return true;
}

static bool is_last(const plx_step *step)
{
    return step->kind == PLX_STEP_END || step->kind == PLX_STEP_ABORT;
}

void plx_spoiler_run(plx_spoiler *s)
{
    bool goes_on = true;

    s->is_waiting = false;
    while (goes_on && !s->is_outer_gone) {
        castor_str bytes;
        plx_step   step = plx_queue_first(&s->queue, &bytes);
        if (s->is_broken) step = (plx_step){ .kind = PLX_STEP_ABORT };
        if (is_last(&step) && s->is_in_handler) {
            s->is_waiting = true;
            break;
        }
        goes_on = play(s, &step, bytes);
    }
    plx_spoiler_arm(s);
}
