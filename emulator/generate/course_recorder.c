/* course_recorder.c -- an answer as the events of a course.
 * SPDX-License-Identifier: MIT
 */
#include "generate/course_recorder.h"

#include <ctype.h>
#include <stdio.h>

enum {
    ARGUMENTS_BYTES = 32,  /* of a call's arguments in one delta */
    ERROR_CODE_BYTES = 48,
    COURSE_EVENTS_MAX = 1 << 21
};

/* ---- single events ---- */

void plx_recorder_keep(plx_recorder *r, castor_str text, castor_str *out)
{
    *out = CST_NONE;
    if (text.data && r->status == CASTOR_OK) r->status = cst_arena_copy(r->arena, text, out);
}

/* Two events of the same microsecond still have different ids, in their order. */
static uint64_t next_id(plx_recorder *r, uint64_t due_us)
{
    uint64_t id = (uint64_t)r->course->started_us + due_us;

    if (!r->course->has_event_ids) return 0;
    r->last_id = id > r->last_id ? id : r->last_id + 1;
    return r->last_id;
}

static void add(plx_recorder *r, plx_event event)
{
    if (r->status == CASTOR_OK && r->events.len / sizeof event >= COURSE_EVENTS_MAX) r->status = CASTOR_LIMIT;
    if (r->status != CASTOR_OK) return;
    event.output_tokens = r->used_before.output_tokens + r->used.output_tokens;
    event.image_tokens = r->used_before.image_tokens + r->used.image_tokens;
    event.thought_tokens = r->used_before.thought_tokens + r->used.thought_tokens;
    if (event.kind != PLX_EVENT_DONE && event.kind != PLX_EVENT_REFUSAL) event.id = next_id(r, event.due_us);
    r->status = cst_buf_append(&r->events, &event, sizeof event);
}

void plx_recorder_add(plx_recorder *r, plx_event_kind kind)
{
    add(r, (plx_event){ .kind = kind, .due_us = r->due_us });
}

static uint32_t last_step(const plx_recorder *r)
{
    return (uint32_t)(r->steps.len / sizeof(plx_step)) - 1;
}

void plx_recorder_add_of_step(plx_recorder *r, plx_event_kind kind)
{
    add(r, (plx_event){ .kind = kind, .step = last_step(r), .due_us = r->due_us });
}

static void add_delta(plx_recorder *r, plx_delta_kind kind, castor_str text)
{
    plx_event event = { .kind = PLX_EVENT_STEP_DELTA, .delta = kind, .step = last_step(r), .due_us = r->due_us };

    plx_recorder_keep(r, text, &event.text);
    add(r, event);
}

static void open_step(plx_recorder *r, plx_step step)
{
    if (r->status == CASTOR_OK) r->status = cst_buf_append(&r->steps, &step, sizeof step);
    if (r->status != CASTOR_OK) return;
    plx_recorder_add_of_step(r, PLX_EVENT_STEP_START);
    r->is_open = true;
    r->open_kind = step.kind;
}

static void tell_summary(plx_recorder *r, size_t len)
{
    if (len == 0) return;
    add_delta(r, PLX_DELTA_SUMMARY, (castor_str){ r->summary.data, len });
    cst_buf_drop_front(&r->summary, len);
}

/* The last delta of a step tells what was used by then. */
void plx_recorder_close_step(plx_recorder *r)
{
    if (!r->is_open || r->status != CASTOR_OK) return;
    if (r->open_kind == PLX_STEP_THOUGHT) {
        tell_summary(r, r->summary.len);
        if (r->signature.len > 0) add_delta(r, PLX_DELTA_SIGNATURE, r->signature);
    }
    if (r->status != CASTOR_OK) return;
    plx_event *last = (plx_event *)(void *)(r->events.data + r->events.len) - 1;
    last->tells_usage = last->kind == PLX_EVENT_STEP_DELTA && !r->is_live;
    plx_recorder_add_of_step(r, PLX_EVENT_STEP_STOP);
    r->is_open = false;
}

/* ---- pieces ---- */

/* The next summary begins with a title after a blank line. */
static void add_thought(plx_recorder *r, castor_str text)
{
    static const char title[] = "\n\n**";
    size_t            len = sizeof title - 1;
    size_t            at = r->summary.len > len ? r->summary.len - len : 1; /* before that it was looked for */

    if (r->status == CASTOR_OK) r->status = cst_buf_append_str(&r->summary, text);
    for (; r->status == CASTOR_OK && at + len <= r->summary.len; at++) {
        if (memcmp(r->summary.data + at, title, len) != 0) continue;
        tell_summary(r, at + 2);
        at = 0;
    }
}

static void add_call(plx_recorder *r, const plx_piece *piece)
{
    plx_step step = { .kind = PLX_STEP_CALL };

    plx_recorder_keep(r, piece->call_id, &step.call_id);
    plx_recorder_keep(r, piece->call_name, &step.call_name);
    plx_recorder_keep(r, piece->call_args, &step.call_args);
    open_step(r, step);
    for (castor_str rest = step.call_args; rest.len > 0 && r->status == CASTOR_OK;) {
        size_t len = rest.len > ARGUMENTS_BYTES ? cst_utf8_prefix(rest, ARGUMENTS_BYTES) : rest.len;
        add_delta(r, PLX_DELTA_ARGUMENTS, (castor_str){ rest.data, len });
        rest = (castor_str){ rest.data + len, rest.len - len };
    }
    plx_recorder_close_step(r);
}

/* Code and what came of it share an id: that of the step before it is the code's. */
static void add_code(plx_recorder *r, plx_step_kind kind, plx_delta_kind delta, castor_str text)
{
    plx_step step = { .kind = kind };
    char     id[32];
    size_t   number = r->steps.len / sizeof step + (kind == PLX_STEP_CODE ? 1 : 0);

    snprintf(id, sizeof id, "%.*s%zu", (int)(r->names->call_ids.len < 10 ? r->names->call_ids.len : 10),
             r->names->call_ids.data, number);
    plx_recorder_keep(r, castor_str_of(id), &step.call_id);
    open_step(r, step);
    add_delta(r, delta, text);
    plx_recorder_close_step(r);
}

static void add_media(plx_recorder *r, const plx_piece *piece)
{
    plx_step step = { .kind = PLX_STEP_OUTPUT };

    plx_recorder_keep(r, piece->mime_type, &step.mime_type);
    open_step(r, step);
    add_delta(r, PLX_DELTA_MEDIA, piece->text);
    plx_recorder_close_step(r);
}

void plx_recorder_open_thought(plx_recorder *r)
{
    plx_step step = { .kind = PLX_STEP_THOUGHT };

    plx_recorder_keep(r, r->signature, &step.signature);
    open_step(r, step);
}

static void add_words(plx_recorder *r, const plx_piece *piece)
{
    bool is_thought = piece->kind == PLX_PIECE_THOUGHT;

    if (!r->is_open && is_thought) plx_recorder_open_thought(r);
    else if (!r->is_open) open_step(r, (plx_step){ .kind = PLX_STEP_OUTPUT });
    if (is_thought) add_thought(r, piece->text);
    else add_delta(r, PLX_DELTA_TEXT, piece->text);
}

/* A thought or a text goes on until something else comes. */
static bool goes_on(const plx_recorder *r, const plx_piece *piece)
{
    if (piece->kind == PLX_PIECE_THOUGHT) return r->open_kind == PLX_STEP_THOUGHT;
    return piece->kind == PLX_PIECE_TEXT && r->open_kind == PLX_STEP_OUTPUT;
}

void plx_recorder_use(plx_recorder *r, const plx_piece *piece)
{
    r->used.output_tokens = piece->candidate_tokens;
    r->used.image_tokens = piece->image_tokens;
    r->used.thought_tokens = piece->thought_tokens;
}

void plx_recorder_say(plx_recorder *r, const plx_piece *piece)
{
    bool is_words = piece->kind == PLX_PIECE_TEXT || piece->kind == PLX_PIECE_THOUGHT;

    if (piece->kind == PLX_PIECE_RAW || (is_words && piece->text.len == 0)) return;
    if (!goes_on(r, piece)) plx_recorder_close_step(r); /* at the time, and the tokens, of what came before */
    r->due_us = r->base_us + piece->due_us;
    plx_recorder_use(r, piece);
    switch (piece->kind) {
    case PLX_PIECE_CALL: add_call(r, piece); break;
    case PLX_PIECE_CODE: add_code(r, PLX_STEP_CODE, PLX_DELTA_CODE, piece->text); break;
    case PLX_PIECE_OUTPUT: add_code(r, PLX_STEP_CODE_RESULT, PLX_DELTA_CODE_RESULT, piece->text); break;
    case PLX_PIECE_BLOB: add_media(r, piece); break;
    default: add_words(r, piece); break;
    }
}

/* ---- answers ---- */

/* The service signs thoughts; an answer's parts carry the signature. */
static castor_str signature_of(const plx_recorder *r, const plx_candidate *candidate)
{
    for (size_t i = 0; i < candidate->part_count; i++) {
        if (candidate->parts[i].signature.len > 0) return candidate->parts[i].signature;
    }
    return candidate->thought_tokens > 0 ? r->names->signature : CST_NONE;
}

/* Thinking that is not shown is a step too, with its signature alone. */
static void add_hidden_thought(plx_recorder *r, const plx_candidate *candidate, uint64_t due_us)
{
    bool is_shown = candidate->part_count > 0 && candidate->parts[0].kind == PLX_PIECE_THOUGHT;

    if (is_shown || r->signature.len == 0) return;
    r->due_us = r->base_us + due_us;
    r->used.thought_tokens = candidate->thought_tokens;
    plx_recorder_open_thought(r);
    plx_recorder_close_step(r);
}

void plx_recorder_say_all(plx_recorder *r, const plx_answer *answer)
{
    const plx_candidate *candidate = &answer->candidates[0]; /* there is only one here */
    plx_lane             lane;
    plx_cursor           cursor;
    plx_piece            piece;
    uint64_t             due_us = 0;

    r->base_us = r->due_us;
    r->signature = signature_of(r, candidate);
    r->used = (plx_event){ .output_tokens = 0 };
    plx_cursor_begin(&cursor, answer, &lane);
    if (plx_cursor_due(&cursor, &due_us)) add_hidden_thought(r, candidate, due_us);
    while (r->status == CASTOR_OK && plx_cursor_next(&cursor, &piece)) plx_recorder_say(r, &piece);
    plx_recorder_close_step(r);

    piece = plx_answer_last(answer);
    r->due_us = r->base_us + piece.due_us;
    plx_recorder_use(r, &piece);
    r->used_before.output_tokens += r->used.output_tokens;
    r->used_before.image_tokens += r->used.image_tokens;
    r->used_before.thought_tokens += r->used.thought_tokens;
    r->used = (plx_event){ .output_tokens = 0 };
}

/* ---- ends ---- */

/* "PROHIBITED_CONTENT" is `prohibited_content` here. */
void plx_recorder_fail(plx_recorder *r, const char *reason, castor_str message)
{
    char       code[ERROR_CODE_BYTES];
    char       text[160];
    castor_str kept;
    size_t     len = 0;

    if (strcmp(reason, "OTHER") == 0) reason = "CONTENT_BLOCKED";
    for (; reason[len] && len + 1 < sizeof code; len++) code[len] = (char)tolower((unsigned char)reason[len]);
    code[len] = '\0';
    snprintf(text, sizeof text, "The request was stopped by the service: %s.", code);
    r->course->status = "failed";
    plx_recorder_keep(r, castor_str_of(code), &kept);
    r->course->error = kept.data;
    plx_recorder_keep(r, message.len > 0 ? message : castor_str_of(text), &r->course->error_message);
}

static bool has_calls(const plx_recorder *r)
{
    const plx_step *steps = (const plx_step *)(const void *)r->steps.data;

    for (size_t i = 0; i < r->steps.len / sizeof *steps; i++) {
        if (steps[i].kind == PLX_STEP_CALL) return true;
    }
    return false;
}

void plx_recorder_conclude(plx_recorder *r, const plx_candidate *candidate)
{
    const char *finish = candidate->finish ? candidate->finish : "STOP";

    if (strcmp(finish, "MAX_TOKENS") == 0) r->course->status = "incomplete";
    else if (strcmp(finish, "CONTINUATION") == 0) r->course->status = "requires_continuation";
    else if (strcmp(finish, "STOP") == 0) r->course->status = has_calls(r) ? "requires_action" : "completed";
    else plx_recorder_fail(r, finish, candidate->finish_message);
    if (r->course->error) {
        plx_recorder_add(r, PLX_EVENT_ERROR);
        return;
    }
    plx_recorder_keep(r, candidate->continuation_token, &r->course->continuation_token);
    plx_recorder_add(r, PLX_EVENT_COMPLETED);
    plx_recorder_add(r, PLX_EVENT_DONE);
}

/* ---- the whole ---- */

static void *move_into(cst_arena *arena, const cst_buf *buf)
{
    void *block = cst_arena_alloc(arena, buf->len > 0 ? buf->len : 1);

    if (block && buf->len > 0) memcpy(block, buf->data, buf->len);
    return block;
}

/* The course stays as it was when this fails. */
castor_status plx_recorder_finish(plx_recorder *r)
{
    const plx_event *events = r->status == CASTOR_OK ? move_into(r->arena, &r->events) : NULL;
    const plx_step  *steps = events ? move_into(r->arena, &r->steps) : NULL;

    if (r->status == CASTOR_OK && !steps) r->status = CASTOR_NO_MEMORY;
    if (r->status == CASTOR_OK) {
        r->course->events = events;
        r->course->event_count = r->events.len / sizeof *events;
        r->course->steps = steps;
        r->course->step_count = r->steps.len / sizeof *steps;
    }
    cst_buf_free(&r->events);
    cst_buf_free(&r->steps);
    cst_buf_free(&r->summary);
    return r->status;
}

plx_recorder plx_recorder_begin(plx_course *course, cst_arena *arena)
{
    plx_recorder r = { .course = course, .arena = arena };

    cst_buf_init(&r.events, arena->allocator, (size_t)COURSE_EVENTS_MAX * sizeof(plx_event));
    cst_buf_init(&r.steps, arena->allocator, (size_t)COURSE_EVENTS_MAX * sizeof(plx_step));
    cst_buf_init(&r.summary, arena->allocator, PLX_CASE_BYTES_MAX);
    return r;
}
