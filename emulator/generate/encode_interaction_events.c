/* encode_interaction_events.c -- the events of an interaction in bytes.
 * SPDX-License-Identifier: MIT
 *
 * JSON without white space and lines that end in LF, as recorded; only where an event's id stands was never seen: it
 * comes last.
 */
#include "generate/encode_interaction.h"

#include <inttypes.h>
#include <stdio.h>

#include "generate/interaction_members.h"
#include "proto/coded_error.h"

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

/* What a step begins with; its deltas bring the rest. */
static void put_step_start(cst_json_writer *w, const plx_course *course, const plx_event *event)
{
    const plx_step *step = &course->steps[event->step];
    bool            is_call = step->kind == PLX_STEP_CALL;
    bool            is_code = step->kind == PLX_STEP_CODE;
    bool            is_result = step->kind == PLX_STEP_CODE_RESULT;

    plx_put_count(w, "index", event->step);
    cst_json_key(w, "step");
    cst_json_open_object(w);
    if (is_call || is_code) plx_put_text(w, "id", step->call_id);
    if (is_result) plx_put_text(w, "call_id", step->call_id);
    if (is_call) plx_put_word(w, "signature", "");
    plx_put_word(w, "type", plx_step_name(step->kind));
    if (is_call) plx_put_text(w, "name", step->call_name);
    if (is_result) plx_put_word(w, "result", "");
    if (is_call || is_code) {
        cst_json_key(w, "arguments");
        cst_json_put_raw(w, CASTOR_STR("{}"));
    }
    cst_json_close_object(w);
}

static void put_delta_members(cst_json_writer *w, const plx_step *step, const plx_event *event)
{
    switch (event->delta) {
    case PLX_DELTA_SUMMARY:
        cst_json_key(w, "content");
        plx_put_text_content(w, event->text);
        plx_put_word(w, "type", "thought_summary");
        break;
    case PLX_DELTA_SIGNATURE:
        plx_put_text(w, "signature", event->text);
        plx_put_word(w, "type", "thought_signature");
        break;
    case PLX_DELTA_ARGUMENTS:
        plx_put_text(w, "arguments", event->text);
        plx_put_word(w, "type", "arguments_delta");
        break;
    case PLX_DELTA_CODE:
        plx_put_code(w, event->text);
        plx_put_word(w, "type", plx_step_name(step->kind));
        break;
    case PLX_DELTA_CODE_RESULT:
        plx_put_text(w, "result", event->text);
        plx_put_word(w, "type", plx_step_name(step->kind));
        break;
    case PLX_DELTA_MEDIA: plx_put_media(w, step->mime_type, event->text); break;
    default:
        plx_put_text(w, "text", event->text);
        plx_put_word(w, "type", "text");
        break;
    }
}

static void put_delta(cst_json_writer *w, const plx_course *course, const plx_event *event)
{
    plx_put_count(w, "index", event->step);
    cst_json_key(w, "delta");
    cst_json_open_object(w);
    put_delta_members(w, &course->steps[event->step], event);
    cst_json_close_object(w);
}

static void put_step_stop(cst_json_writer *w, const plx_course *course, const plx_event *event)
{
    (void)course;
    plx_put_count(w, "index", event->step);
}

static void put_created(cst_json_writer *w, const plx_course *course, const plx_event *event)
{
    (void)event;
    cst_json_key(w, "interaction");
    cst_json_open_object(w);
    plx_put_text(w, "id", course->id);
    plx_put_word(w, "status", "in_progress");
    plx_put_name(w, course);
    cst_json_close_object(w);
}

static void put_status(cst_json_writer *w, const plx_course *course, const plx_event *event)
{
    (void)event;
    plx_put_text(w, "interaction_id", course->id);
    plx_put_word(w, "status", "in_progress");
}

static void put_completed(cst_json_writer *w, const plx_course *course, const plx_event *event)
{
    cst_json_key(w, "interaction");
    cst_json_open_object(w);
    plx_put_text(w, "id", course->id);
    plx_put_word(w, "status", course->status);
    plx_put_usage(w, "usage", course, event);
    plx_put_times(w, course, event->due_us);
    plx_put_token(w, course);
    plx_put_name(w, course);
    cst_json_close_object(w);
}

static void put_error(cst_json_writer *w, const plx_course *course, const plx_event *event)
{
    (void)event;
    cst_json_key(w, "error");
    cst_json_open_object(w);
    plx_put_word(w, "code", course->error);
    plx_put_text(w, "message", course->error_message);
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
    plx_put_word(w, "event_type", kinds[event->kind].name);
    if (event->tells_usage) {
        cst_json_key(w, "metadata");
        cst_json_open_object(w);
        plx_put_usage(w, "total_usage", course, event);
        cst_json_close_object(w);
    }
    if (event->id) {
        plx_event_id_print(event->id, id);
        plx_put_word(w, "event_id", id);
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
