/* encode_interaction.c -- interactions in bytes.
 * SPDX-License-Identifier: MIT
 *
 * JSON without white space, lines that end in LF, and members in the order in which the service sends them, as
 * recorded; only where an event's id stands was never seen: it comes last.
 */
#include "generate/encode_interaction.h"

#include <inttypes.h>
#include <stdio.h>

#include "proto/coded_error.h"
#include "proto/timestamp.h"

static void put_text(cst_json_writer *w, const char *key, castor_str text)
{
    cst_json_key(w, key);
    cst_json_put_string(w, text);
}

static void put_word(cst_json_writer *w, const char *key, const char *word)
{
    put_text(w, key, castor_str_of(word));
}

static void put_count(cst_json_writer *w, const char *key, uint64_t count)
{
    cst_json_key(w, key);
    cst_json_put_integer(w, (int64_t)count);
}

/* ---- members that several have ---- */

/* Whole seconds: this API leaves the fraction out. */
static void put_time(cst_json_writer *w, const char *key, int64_t time_us)
{
    char text[PLX_TIME_TEXT_SIZE];

    plx_timestamp_print(text, time_us);
    char *fraction = strchr(text, '.');
    if (fraction) memcpy(fraction, "Z", 2);
    put_word(w, key, text);
}

static void put_modality(cst_json_writer *w, const char *key, uint64_t tokens)
{
    cst_json_key(w, key);
    cst_json_open_array(w);
    cst_json_open_object(w);
    put_word(w, "modality", "text");
    put_count(w, "tokens", tokens);
    cst_json_close_object(w);
    cst_json_close_array(w);
}

/* Zeros are written here, unlike elsewhere in the API. */
static void put_usage(cst_json_writer *w, const char *key, const plx_course *course, const plx_event *event)
{
    cst_json_key(w, key);
    cst_json_open_object(w);
    put_count(w, "total_tokens", course->prompt_tokens + event->output_tokens + event->thought_tokens);
    put_count(w, "total_input_tokens", course->prompt_tokens);
    put_modality(w, "input_tokens_by_modality", course->prompt_tokens);
    put_count(w, "total_cached_tokens", 0);
    put_count(w, "total_output_tokens", event->output_tokens);
    if (event->output_tokens > 0) put_modality(w, "output_tokens_by_modality", event->output_tokens);
    put_count(w, "total_tool_use_tokens", 0);
    put_count(w, "total_thought_tokens", event->thought_tokens);
    cst_json_close_object(w);
}

static void put_name(cst_json_writer *w, const plx_course *course)
{
    put_word(w, "object", "interaction");
    if (course->agent.data) put_text(w, "agent", course->agent);
    else put_text(w, "model", course->model);
}

static void put_times(cst_json_writer *w, const plx_course *course, uint64_t updated_us)
{
    put_time(w, "created", course->started_us);
    put_time(w, "updated", course->started_us + (int64_t)updated_us);
    put_text(w, "service_tier", course->service_tier);
}

/* Of a long answer that was not told to its end. */
static void put_token(cst_json_writer *w, const plx_course *course)
{
    if (course->continuation_token.len > 0) put_text(w, "continuation_token", course->continuation_token);
}

static const char *name_of(plx_step_kind kind)
{
    static const char *const names[] = { "thought", "model_output", "function_call" };

    return names[kind];
}

/* ---- events ---- */

/* Decimal microseconds in base64, as the service's ids are said to be. */
void plx_event_id_print(uint64_t id, char out[PLX_EVENT_ID_BYTES])
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char              digits[24] = { 0 };
    size_t            len = (size_t)snprintf(digits, sizeof digits - 2, "%016" PRIu64, id);

    for (size_t i = 0; i < len; i += 3, out += 4) {
        unsigned a = (unsigned char)digits[i], b = (unsigned char)digits[i + 1], c = (unsigned char)digits[i + 2];
        out[0] = alphabet[a >> 2];
        out[1] = alphabet[(a & 3) << 4 | b >> 4];
        out[2] = i + 1 < len ? alphabet[(b & 15) << 2 | c >> 6] : '=';
        out[3] = i + 2 < len ? alphabet[c & 63] : '=';
    }
    *out = '\0';
}

static void put_step_start(cst_json_writer *w, const plx_course *course, const plx_event *event)
{
    const plx_step *step = &course->steps[event->step];
    bool            is_call = step->kind == PLX_STEP_CALL;

    put_count(w, "index", event->step);
    cst_json_key(w, "step");
    cst_json_open_object(w);
    if (is_call) {
        put_text(w, "id", step->call_id);
        put_word(w, "signature", "");
    }
    put_word(w, "type", name_of(step->kind));
    if (is_call) {
        put_text(w, "name", step->call_name);
        cst_json_key(w, "arguments");
        cst_json_put_raw(w, CASTOR_STR("{}"));
    }
    cst_json_close_object(w);
}

static void put_text_content(cst_json_writer *w, castor_str text)
{
    cst_json_open_object(w);
    put_text(w, "text", text);
    put_word(w, "type", "text");
    cst_json_close_object(w);
}

static void put_delta(cst_json_writer *w, const plx_course *course, const plx_event *event)
{
    static const struct {
        const char *key;
        const char *type;
    } forms[] = { { "text", "text" },
                  { "content", "thought_summary" },
                  { "signature", "thought_signature" },
                  { "arguments", "arguments_delta" } };

    (void)course;
    put_count(w, "index", event->step);
    cst_json_key(w, "delta");
    cst_json_open_object(w);
    cst_json_key(w, forms[event->delta].key);
    if (event->delta == PLX_DELTA_SUMMARY) put_text_content(w, event->text);
    else cst_json_put_string(w, event->text);
    put_word(w, "type", forms[event->delta].type);
    cst_json_close_object(w);
}

static void put_step_stop(cst_json_writer *w, const plx_course *course, const plx_event *event)
{
    (void)course;
    put_count(w, "index", event->step);
}

static void put_created(cst_json_writer *w, const plx_course *course, const plx_event *event)
{
    (void)event;
    cst_json_key(w, "interaction");
    cst_json_open_object(w);
    put_text(w, "id", course->id);
    put_word(w, "status", "in_progress");
    put_name(w, course);
    cst_json_close_object(w);
}

static void put_status(cst_json_writer *w, const plx_course *course, const plx_event *event)
{
    (void)event;
    put_text(w, "interaction_id", course->id);
    put_word(w, "status", "in_progress");
}

static void put_completed(cst_json_writer *w, const plx_course *course, const plx_event *event)
{
    cst_json_key(w, "interaction");
    cst_json_open_object(w);
    put_text(w, "id", course->id);
    put_word(w, "status", course->status);
    put_usage(w, "usage", course, event);
    put_times(w, course, event->due_us);
    put_token(w, course);
    put_name(w, course);
    cst_json_close_object(w);
}

static void put_error(cst_json_writer *w, const plx_course *course, const plx_event *event)
{
    (void)event;
    cst_json_key(w, "error");
    cst_json_open_object(w);
    put_word(w, "code", course->error);
    put_text(w, "message", course->error_message);
    cst_json_close_object(w);
}

/* By plx_event_kind. */
static const struct {
    const char *name;
    void        (*put)(cst_json_writer *w, const plx_course *course, const plx_event *event);
} kinds[] = {
    { "interaction.created", put_created }, { "interaction.status_update", put_status },
    { "step.start", put_step_start },       { "step.delta", put_delta },
    { "step.stop", put_step_stop },         { "interaction.completed", put_completed },
    { "error", put_error },
};

static void put_event(cst_json_writer *w, const plx_course *course, const plx_event *event)
{
    char id[PLX_EVENT_ID_BYTES];

    cst_json_open_object(w);
    kinds[event->kind].put(w, course, event);
    put_word(w, "event_type", kinds[event->kind].name);
    if (event->tells_usage) {
        cst_json_key(w, "metadata");
        cst_json_open_object(w);
        put_usage(w, "total_usage", course, event);
        cst_json_close_object(w);
    }
    if (event->id) {
        plx_event_id_print(event->id, id);
        put_word(w, "event_id", id);
    }
    cst_json_close_object(w);
}

castor_status plx_interaction_print_event(const plx_course *course, size_t index, cst_buf *out)
{
    const plx_event *event = &course->events[index];
    cst_json_writer  w = cst_json_writer_to(out);
    castor_status    status;

    if (event->kind == PLX_EVENT_DONE) return cst_buf_append_text(out, "event: done\ndata: [DONE]\n\n");
    if (event->kind == PLX_EVENT_REFUSAL) {
        status = plx_coded_error_print(course->error, course->error_message, out);
        return status == CASTOR_OK ? cst_buf_append_text(out, "\n") : status;
    }
    status = cst_buf_append_format(out, "event: %s\ndata: ", kinds[event->kind].name);
    if (status != CASTOR_OK) return status;
    put_event(&w, course, event);
    return w.status == CASTOR_OK ? cst_buf_append_text(out, "\n\n") : w.status;
}

/* ---- the resource ---- */

/* A course as far as it has come. */
typedef struct progress {
    const plx_course              *course;
    const plx_interaction_view *view;
    size_t                      event_count;
    bool                        is_ended;
} progress;

/* The deltas of one kind that follow the start of a step, joined. */
static castor_status join(const progress *p, size_t start, plx_delta_kind kind, cst_buf *out)
{
    castor_status status = CASTOR_OK;

    for (size_t i = start + 1; i < p->event_count && p->course->events[i].kind == PLX_EVENT_STEP_DELTA; i++) {
        const plx_event *event = &p->course->events[i];
        if (event->delta == kind && status == CASTOR_OK) status = cst_buf_append_str(out, event->text);
    }
    return status;
}

static void put_output(cst_json_writer *w, const progress *p, size_t start)
{
    cst_buf text;

    cst_buf_init(&text, w->out->allocator, w->out->max);
    castor_status status = join(p, start, PLX_DELTA_TEXT, &text);
    if (w->status == CASTOR_OK) w->status = status;
    cst_json_key(w, "content");
    cst_json_open_array(w);
    put_text_content(w, text.len > 0 ? cst_buf_view(&text) : CASTOR_STR(""));
    cst_json_close_array(w);
    put_word(w, "type", name_of(PLX_STEP_OUTPUT));
    cst_buf_free(&text);
}

static void put_thought(cst_json_writer *w, const progress *p, size_t start)
{
    const plx_step *step = &p->course->steps[p->course->events[start].step];
    bool            has_summary = false;

    if (step->signature.len > 0) put_text(w, "signature", step->signature);
    for (size_t i = start + 1; i < p->event_count && p->course->events[i].kind == PLX_EVENT_STEP_DELTA; i++) {
        if (p->course->events[i].delta != PLX_DELTA_SUMMARY) continue;
        if (!has_summary) cst_json_key(w, "summary");
        if (!has_summary) cst_json_open_array(w);
        has_summary = true;
        put_text_content(w, p->course->events[i].text);
    }
    if (has_summary) cst_json_close_array(w);
    put_word(w, "type", name_of(PLX_STEP_THOUGHT));
}

static void put_call(cst_json_writer *w, const progress *p, size_t start)
{
    const plx_step *step = &p->course->steps[p->course->events[start].step];

    put_text(w, "id", step->call_id);
    put_word(w, "type", name_of(PLX_STEP_CALL));
    put_text(w, "name", step->call_name);
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
    static void (*const puts_of[])(cst_json_writer *w, const progress *p, size_t start) = { put_thought, put_output,
                                                                                            put_call };

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
    put_word(w, "code", course->error);
    put_text(w, "message", course->error_message);
    cst_json_close_object(w);
    cst_json_close_array(w);
}

castor_status plx_interaction_print(const plx_course *course, const plx_interaction_view *view, cst_buf *out)
{
    progress         p = { course, view, view->event_count, view->event_count == course->event_count };
    const plx_event *last = &course->events[p.event_count - 1];
    cst_json_writer  w = cst_json_writer_to(out);

    cst_json_open_object(&w);
    if (course->id.len > 0) put_text(&w, "id", course->id);
    put_word(&w, "status", p.is_ended ? course->status : "in_progress");
    if (p.is_ended) put_usage(&w, "usage", course, last);
    put_times(&w, course, last->due_us);
    if (p.is_ended || p.event_count > PLX_COURSE_PRELUDE || view->input_steps.len > 0) put_steps(&w, &p);
    if (p.is_ended && course->error) put_errors(&w, course);
    if (p.is_ended) put_token(&w, course);
    if (view->previous_id.data) put_text(&w, "previous_interaction_id", view->previous_id);
    put_name(&w, course);
    cst_json_close_object(&w);
    return w.status;
}
