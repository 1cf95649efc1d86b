/* encode_interaction.c -- a whole interaction in bytes, as far as it has come.
 * SPDX-License-Identifier: MIT
 *
 * JSON without white space, unlike elsewhere in the API, as recorded.
 */
#include "generate/encode_interaction.h"

#include "generate/interaction_members.h"

/* A course as far as it has come. */
typedef struct progress {
    const plx_course              *course;
    const plx_interaction_view *view;
    size_t                      event_count;
    bool                        is_ended;
} progress;

/* The deltas that follow the start of a step, joined; those of thoughts and calls are told otherwise. */
static castor_status join(const progress *p, size_t start, cst_buf *out)
{
    castor_status status = CASTOR_OK;

    for (size_t i = start + 1; i < p->event_count && p->course->events[i].kind == PLX_EVENT_STEP_DELTA; i++) {
        if (status == CASTOR_OK) status = cst_buf_append_str(out, p->course->events[i].text);
    }
    return status;
}

static void put_content(cst_json_writer *w, const plx_step *step, castor_str text)
{
    cst_json_key(w, "content");
    cst_json_open_array(w);
    if (step->mime_type.data) {
        cst_json_open_object(w);
        plx_put_media(w, step->mime_type, text);
        cst_json_close_object(w);
    } else {
        plx_put_text_content(w, text);
    }
    cst_json_close_array(w);
}

/* Steps whose deltas make one text: output, code, and what came of it. */
static void put_joined(cst_json_writer *w, const progress *p, size_t start)
{
    const plx_step *step = &p->course->steps[p->course->events[start].step];
    cst_buf         joined;

    cst_buf_init(&joined, w->out->allocator, w->out->max);
    castor_status status = join(p, start, &joined);
    castor_str    text = joined.len > 0 ? cst_buf_view(&joined) : CASTOR_STR("");
    if (w->status == CASTOR_OK) w->status = status;
    if (step->kind == PLX_STEP_OUTPUT) put_content(w, step, text);
    if (step->kind == PLX_STEP_CODE) plx_put_text(w, "id", step->call_id);
    if (step->kind == PLX_STEP_CODE) plx_put_code(w, text);
    if (step->kind == PLX_STEP_CODE_RESULT) plx_put_text(w, "call_id", step->call_id);
    if (step->kind == PLX_STEP_CODE_RESULT) plx_put_text(w, "result", text);
    plx_put_word(w, "type", plx_step_name(step->kind));
    cst_buf_free(&joined);
}

static void put_thought(cst_json_writer *w, const progress *p, size_t start)
{
    const plx_step *step = &p->course->steps[p->course->events[start].step];
    bool            has_summary = false;

    if (step->signature.len > 0) plx_put_text(w, "signature", step->signature);
    for (size_t i = start + 1; i < p->event_count && p->course->events[i].kind == PLX_EVENT_STEP_DELTA; i++) {
        if (p->course->events[i].delta != PLX_DELTA_SUMMARY) continue;
        if (!has_summary) cst_json_key(w, "summary");
        if (!has_summary) cst_json_open_array(w);
        has_summary = true;
        plx_put_text_content(w, p->course->events[i].text);
    }
    if (has_summary) cst_json_close_array(w);
    plx_put_word(w, "type", plx_step_name(PLX_STEP_THOUGHT));
}

static void put_call(cst_json_writer *w, const progress *p, size_t start)
{
    const plx_step *step = &p->course->steps[p->course->events[start].step];

    plx_put_text(w, "id", step->call_id);
    plx_put_word(w, "type", plx_step_name(PLX_STEP_CALL));
    plx_put_text(w, "name", step->call_name);
    cst_json_key(w, "arguments");
    cst_json_put_raw(w, step->call_args.len > 0 ? step->call_args : CASTOR_STR("{}"));
}

/* Whether the step that starts there has ended too. */
static bool is_whole(const progress *p, size_t start)
{
    size_t i = start + 1;

    while (i < p->event_count && p->course->events[i].kind == PLX_EVENT_STEP_DELTA) i++;
    return i < p->event_count && p->course->events[i].kind == PLX_EVENT_STEP_STOP;
}

static void put_step(cst_json_writer *w, const progress *p, size_t start)
{
    static void (*const puts_of[])(cst_json_writer *w, const progress *p, size_t start) = {
        put_thought, put_joined, put_call, put_joined, put_joined,
    };

    cst_json_open_object(w);
    puts_of[p->course->steps[p->course->events[start].step].kind](w, p, start);
    cst_json_close_object(w);
}

/* Steps that are still growing are not told: they come when they are whole. */
static void put_steps(cst_json_writer *w, const progress *p)
{
    cst_json_key(w, "steps");
    cst_json_open_array(w);
    if (p->view->input_steps.len > 0) cst_json_put_raw(w, p->view->input_steps);
    for (size_t i = 0; i < p->event_count; i++) {
        if (p->course->events[i].kind == PLX_EVENT_STEP_START && is_whole(p, i)) put_step(w, p, i);
    }
    cst_json_close_array(w);
}

static void put_errors(cst_json_writer *w, const plx_course *course)
{
    cst_json_key(w, "errors");
    cst_json_open_array(w);
    cst_json_open_object(w);
    plx_put_word(w, "code", course->error);
    plx_put_text(w, "message", course->error_message);
    cst_json_close_object(w);
    cst_json_close_array(w);
}

castor_status plx_interaction_print(const plx_course *course, const plx_interaction_view *view, cst_buf *out)
{
    progress         p = { course, view, view->event_count, view->event_count == course->event_count };
    const plx_event *last = &course->events[p.event_count - 1];
    cst_json_writer  w = cst_json_writer_to(out);

    cst_json_open_object(&w);
    if (course->id.len > 0) plx_put_text(&w, "id", course->id);
    plx_put_word(&w, "status", p.is_ended ? course->status : "in_progress");
    if (p.is_ended) plx_put_usage(&w, "usage", course, last);
    plx_put_times(&w, course, last->due_us);
    if (p.is_ended || p.event_count > PLX_COURSE_PRELUDE || view->input_steps.len > 0) put_steps(&w, &p);
    if (p.is_ended && course->error) put_errors(&w, course);
    if (p.is_ended) plx_put_token(&w, course);
    if (view->previous_id.data) plx_put_text(&w, "previous_interaction_id", view->previous_id);
    plx_put_name(&w, course);
    cst_json_close_object(&w);
    return w.status;
}
