/* course.c -- an interaction as a course of events, each due at its time.
 * SPDX-License-Identifier: MIT
 */
#include "generate/course_recorder.h"

/* What every course begins with. */
static void open_course(plx_recorder *r, const plx_answer *answer)
{
    r->course->error = NULL;
    r->course->input_tokens = answer->prompt_tokens;
    r->course->cached_tokens = answer->cached_tokens;
    r->course->tool_tokens = answer->tool_tokens;
    r->course->is_refused = answer->block_reason != NULL;
    plx_recorder_add(r, PLX_EVENT_CREATED);
    plx_recorder_add(r, PLX_EVENT_STATUS);
}

castor_status plx_course_record(plx_course *course, const plx_answer *answers, size_t answer_count,
                                const plx_course_names *names, uint64_t refused_us, cst_arena *arena)
{
    plx_recorder r = plx_recorder_begin(course, arena);

    r.names = names;
    open_course(&r, &answers[0]);
    if (course->is_refused) {
        plx_recorder_fail(&r, answers[0].block_reason, CST_NONE);
        r.due_us = refused_us;
        plx_recorder_add(&r, PLX_EVENT_REFUSAL);
    } else {
        for (size_t i = 0; i < answer_count; i++) plx_recorder_say_all(&r, &answers[i]);
        plx_recorder_conclude(&r, &answers[answer_count - 1].candidates[0]);
    }
    return plx_recorder_finish(&r);
}

/* ---- an answer that is still being said ---- */

struct plx_course_tape {
    plx_recorder recorder;
};

/* Shows what was recorded so far. */
static castor_status show(plx_recorder *r)
{
    r->course->events = (const plx_event *)(const void *)r->events.data;
    r->course->event_count = r->events.len / sizeof(plx_event);
    r->course->steps = (const plx_step *)(const void *)r->steps.data;
    r->course->step_count = r->steps.len / sizeof(plx_step);
    return r->status;
}

plx_course_tape *plx_course_begin(plx_course *course, const plx_answer *answer, const plx_course_names *names,
                                  cst_arena *arena)
{
    plx_course_tape *tape = cst_arena_alloc(arena, sizeof *tape);

    if (!tape) return NULL;
    tape->recorder = plx_recorder_begin(course, arena);
    tape->recorder.names = names;
    tape->recorder.is_live = true;
    tape->recorder.signature = names->signature;
    open_course(&tape->recorder, answer);
    if (show(&tape->recorder) == CASTOR_OK) return tape;
    plx_course_drop(tape);
    return NULL;
}

static bool is_signed(const plx_recorder *r)
{
    const plx_step *steps = r->course->steps;

    for (size_t i = 0; i < r->course->step_count; i++) {
        if (steps[i].signature.len > 0) return true;
    }
    return false;
}

/* The service signs a thought that stands before calls; here the first call brings the signature. */
static void sign(plx_recorder *r, const plx_piece *call)
{
    plx_recorder_close_step(r);
    plx_recorder_keep(r, call->signature, &r->signature);
    r->due_us = call->due_us;
    plx_recorder_open_thought(r);
    plx_recorder_close_step(r);
}

castor_status plx_course_say(plx_course_tape *tape, const plx_piece *piece)
{
    plx_recorder *r = &tape->recorder;

    if (piece->signature.len > 0 && !is_signed(r)) sign(r, piece);
    plx_recorder_say(r, piece);
    return show(r);
}

castor_status plx_course_end(plx_course_tape *tape, const plx_answer *answer, const plx_piece *last)
{
    plx_recorder *r = &tape->recorder;

    r->course->input_tokens = answer->prompt_tokens; /* told at the end at the latest */
    plx_recorder_close_step(r);
    r->due_us = last->due_us;
    plx_recorder_use(r, last);
    plx_recorder_conclude(r, &answer->candidates[0]);
    castor_status status = plx_recorder_finish(r);
    if (status != CASTOR_OK) r->course->event_count = r->course->step_count = 0; /* what was shown is gone */
    return status;
}

void plx_course_drop(plx_course_tape *tape)
{
    tape->recorder.status = CASTOR_NO_MEMORY; /* or whatever else it failed of */
    tape->recorder.course->event_count = tape->recorder.course->step_count = 0;
    plx_recorder_finish(&tape->recorder);
}

/* What a listener has seen already must not change. */
castor_status plx_course_cancel(plx_course *course, uint64_t elapsed_us, cst_arena *arena)
{
    plx_recorder     r = plx_recorder_begin(course, arena);
    size_t           count = plx_course_count_due(course, elapsed_us);
    const plx_event *last = &course->events[count - 1];
    bool             is_open = last->kind == PLX_EVENT_STEP_START || last->kind == PLX_EVENT_STEP_DELTA;
    size_t           step_count = is_open ? last->step + 1 : course->step_count;

    r.due_us = elapsed_us;
    r.used_before = *last;
    r.last_id = last->id;
    r.status = cst_buf_append(&r.events, course->events, count * sizeof *course->events);
    if (r.status == CASTOR_OK) r.status = cst_buf_append(&r.steps, course->steps, step_count * sizeof *course->steps);
    if (is_open) plx_recorder_add_of_step(&r, PLX_EVENT_STEP_STOP);
    plx_recorder_add(&r, PLX_EVENT_COMPLETED);
    plx_recorder_add(&r, PLX_EVENT_DONE);
    if (plx_recorder_finish(&r) != CASTOR_OK) return r.status;
    course->status = "cancelled";
    course->error = NULL; /* it would have come to that */
    course->continuation_token = CST_NONE;
    return CASTOR_OK;
}

size_t plx_course_count_due(const plx_course *course, uint64_t elapsed_us)
{
    size_t low = 0, high = course->event_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (course->events[middle].due_us <= elapsed_us) low = middle + 1;
        else high = middle;
    }
    return low;
}

uint64_t plx_course_length_us(const plx_course *course)
{
    return course->events[course->event_count - 1].due_us;
}
