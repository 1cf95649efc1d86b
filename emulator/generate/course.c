/* course.c -- an interaction as a course of events, each due at its time.
 * SPDX-License-Identifier: MIT
 *
 *     created  status_update  { step.start  step.delta ...  step.stop } ...  completed  done
 *
 * An answer's pieces become steps: thoughts first (their summaries, if they were asked for, and a signature), then text
 * and calls as they come. A failure ends the stream with an error instead, and without the last two.
 */
#include "generate/course.h"

#include <ctype.h>
#include <stdio.h>

enum {
    ARGUMENTS_BYTES = 32,  /* of a call's arguments in one delta */
    ERROR_CODE_BYTES = 48,
    COURSE_EVENTS_MAX = 1 << 21
};

typedef struct recorder {
    plx_course   *course;
    cst_arena    *arena;
    cst_buf       events;
    cst_buf       steps;
    cst_buf       summary;      /* of thoughts, until it is whole */
    uint64_t      last_id;
    bool          is_open;      /* a step is, of this kind */
    plx_step_kind open_kind;
    uint64_t      output_tokens;
    uint64_t      thought_tokens;
    castor_status status;       /* errors stick */
} recorder;

/* ---- single events ---- */

static void keep(recorder *r, castor_str text, castor_str *out)
{
    *out = CST_NONE;
    if (text.data && r->status == CASTOR_OK) r->status = cst_arena_copy(r->arena, text, out);
}

/* Two events of the same microsecond still have different ids, in their order. */
static uint64_t next_id(recorder *r, uint64_t due_us)
{
    uint64_t id = (uint64_t)r->course->started_us + due_us;

    if (!r->course->has_event_ids) return 0;
    r->last_id = id > r->last_id ? id : r->last_id + 1;
    return r->last_id;
}

static void add(recorder *r, plx_event event)
{
    if (r->status == CASTOR_OK && r->events.len / sizeof event >= COURSE_EVENTS_MAX) r->status = CASTOR_LIMIT;
    if (r->status != CASTOR_OK) return;
    event.output_tokens = r->output_tokens;
    event.thought_tokens = r->thought_tokens;
    if (event.kind != PLX_EVENT_DONE && event.kind != PLX_EVENT_REFUSAL) event.id = next_id(r, event.due_us);
    r->status = cst_buf_append(&r->events, &event, sizeof event);
}

static void add_plain(recorder *r, plx_event_kind kind, uint64_t due_us)
{
    add(r, (plx_event){ .kind = kind, .due_us = due_us });
}

static uint32_t last_step(const recorder *r)
{
    return (uint32_t)(r->steps.len / sizeof(plx_step)) - 1;
}

static void add_delta(recorder *r, plx_delta_kind kind, castor_str text, uint64_t due_us)
{
    plx_event event = { .kind = PLX_EVENT_STEP_DELTA, .delta = kind, .step = last_step(r), .due_us = due_us };

    keep(r, text, &event.text);
    add(r, event);
}

static void open_step(recorder *r, plx_step step, uint64_t due_us)
{
    if (r->status == CASTOR_OK) r->status = cst_buf_append(&r->steps, &step, sizeof step);
    if (r->status != CASTOR_OK) return;
    add(r, (plx_event){ .kind = PLX_EVENT_STEP_START, .step = last_step(r), .due_us = due_us });
    r->is_open = true;
    r->open_kind = step.kind;
}

static void stop_step(recorder *r, uint64_t due_us)
{
    add(r, (plx_event){ .kind = PLX_EVENT_STEP_STOP, .step = last_step(r), .due_us = due_us });
    r->is_open = false;
}

/* The last delta of a step tells what was used by then. */
static void close_step(recorder *r, uint64_t due_us)
{
    if (!r->is_open || r->status != CASTOR_OK) return;
    plx_event *last = (plx_event *)(void *)(r->events.data + r->events.len) - 1;
    last->tells_usage = last->kind == PLX_EVENT_STEP_DELTA;
    stop_step(r, due_us);
}

/* ---- steps ---- */

static plx_step_kind step_of(const plx_piece *piece)
{
    switch (piece->kind) {
    case PLX_PIECE_THOUGHT: return PLX_STEP_THOUGHT;
    case PLX_PIECE_CALL: return PLX_STEP_CALL;
    default: return PLX_STEP_OUTPUT;
    }
}

/* Words that are there, and calls; pictures and what the service's own tools did are left out. */
static bool is_told(const plx_piece *piece)
{
    bool is_words = piece->kind == PLX_PIECE_TEXT || piece->kind == PLX_PIECE_THOUGHT;

    return piece->kind == PLX_PIECE_CALL || (is_words && piece->text.len > 0);
}

static void tell_summary(recorder *r, size_t len, uint64_t due_us)
{
    if (len == 0) return;
    add_delta(r, PLX_DELTA_SUMMARY, (castor_str){ r->summary.data, len }, due_us);
    cst_buf_drop_front(&r->summary, len);
}

/* Thoughts come in small pieces; a summary is told whole. The next one begins with a title after a blank line. */
static void add_thought(recorder *r, castor_str text, uint64_t due_us)
{
    static const char title[] = "\n\n**";
    size_t            len = sizeof title - 1;
    size_t            at = r->summary.len > len ? r->summary.len - len : 1; /* before that it was looked for */

    if (r->status == CASTOR_OK) r->status = cst_buf_append_str(&r->summary, text);
    for (; r->status == CASTOR_OK && at + len <= r->summary.len; at++) {
        if (memcmp(r->summary.data + at, title, len) != 0) continue;
        tell_summary(r, at + 2, due_us);
        at = 0;
    }
}

/* The service signs thoughts; an answer's parts carry the signature. */
static castor_str signature_of(const plx_answer *answer)
{
    const plx_candidate *candidate = answer->candidates;

    for (size_t i = 0; i < candidate->part_count; i++) {
        if (candidate->parts[i].signature.len > 0) return candidate->parts[i].signature;
    }
    return CST_NONE;
}

static void close_thought(recorder *r, castor_str signature, uint64_t due_us)
{
    tell_summary(r, r->summary.len, due_us);
    if (signature.len > 0) add_delta(r, PLX_DELTA_SIGNATURE, signature, due_us);
    close_step(r, due_us);
}

static void add_call(recorder *r, const plx_piece *piece)
{
    plx_step step = { .kind = PLX_STEP_CALL };

    keep(r, piece->call_id, &step.call_id);
    keep(r, piece->call_name, &step.call_name);
    keep(r, piece->call_args, &step.call_args);
    open_step(r, step, piece->due_us);
    for (castor_str rest = step.call_args; rest.len > 0 && r->status == CASTOR_OK;) {
        size_t len = rest.len > ARGUMENTS_BYTES ? cst_utf8_prefix(rest, ARGUMENTS_BYTES) : rest.len;
        add_delta(r, PLX_DELTA_ARGUMENTS, (castor_str){ rest.data, len }, piece->due_us);
        rest = (castor_str){ rest.data + len, rest.len - len };
    }
    close_step(r, piece->due_us);
}

static void open_thought(recorder *r, castor_str signature, uint64_t due_us)
{
    plx_step step = { .kind = PLX_STEP_THOUGHT };

    keep(r, signature, &step.signature);
    open_step(r, step, due_us);
}

/* Thinking that is not shown is a step too, with its signature alone. */
static void add_hidden_thought(recorder *r, const plx_piece *first, castor_str signature)
{
    if (first->kind == PLX_PIECE_THOUGHT || signature.len == 0) return;
    r->thought_tokens = first->thought_tokens;
    open_thought(r, signature, first->due_us);
    close_thought(r, signature, first->due_us);
}

static void close_open_step(recorder *r, castor_str signature, uint64_t due_us)
{
    if (!r->is_open) return;
    if (r->open_kind == PLX_STEP_THOUGHT) close_thought(r, signature, due_us);
    else close_step(r, due_us);
}

static void add_piece(recorder *r, const plx_piece *piece, castor_str signature)
{
    plx_step_kind kind = step_of(piece);

    r->output_tokens = piece->candidate_tokens;
    r->thought_tokens = piece->thought_tokens;
    if (kind == PLX_STEP_CALL) {
        add_call(r, piece);
        return;
    }
    if (!r->is_open && kind == PLX_STEP_THOUGHT) open_thought(r, signature, piece->due_us);
    else if (!r->is_open) open_step(r, (plx_step){ .kind = kind }, piece->due_us);
    if (kind == PLX_STEP_THOUGHT) add_thought(r, piece->text, piece->due_us);
    else add_delta(r, PLX_DELTA_TEXT, piece->text, piece->due_us);
}

static void add_steps(recorder *r, const plx_answer *answer)
{
    castor_str signature = signature_of(answer);
    uint64_t   due_us = 0;
    plx_lane  lanes[PLX_CANDIDATES_MAX];
    plx_cursor cursor;
    plx_piece  piece;

    plx_cursor_begin(&cursor, answer, lanes);
    for (bool is_first = true; r->status == CASTOR_OK && plx_cursor_next(&cursor, &piece); is_first = false) {
        plx_step_kind kind = step_of(&piece);
        if (is_first) add_hidden_thought(r, &piece, signature);
        if (!is_told(&piece)) continue;
        if (kind != r->open_kind || kind == PLX_STEP_CALL) close_open_step(r, signature, due_us);
        add_piece(r, &piece, signature);
        due_us = piece.due_us;
    }
    close_open_step(r, signature, due_us);
}

/* ---- ends ---- */

/* "PROHIBITED_CONTENT" is `prohibited_content` here. */
static void fail(recorder *r, const char *reason)
{
    char       code[ERROR_CODE_BYTES];
    char       message[160];
    castor_str kept;
    size_t     len = 0;

    if (strcmp(reason, "OTHER") == 0) reason = "CONTENT_BLOCKED";
    for (; reason[len] && len + 1 < sizeof code; len++) code[len] = (char)tolower((unsigned char)reason[len]);
    code[len] = '\0';
    r->course->status = "failed";
    snprintf(message, sizeof message, "The request was stopped by the service: %s.", code);
    keep(r, castor_str_of(code), &kept);
    r->course->error = kept.data;
    keep(r, castor_str_of(message), &r->course->error_message);
}

static bool has_calls(const plx_answer *answer)
{
    const plx_candidate *candidate = answer->candidates;

    for (size_t i = 0; i < candidate->part_count; i++) {
        if (candidate->parts[i].kind == PLX_PIECE_CALL) return true;
    }
    return false;
}

static void conclude(recorder *r, const plx_answer *answer)
{
    plx_piece   last = plx_answer_last(answer);
    const char *finish = last.finish ? last.finish : "STOP";

    r->output_tokens = last.candidate_tokens;
    r->thought_tokens = last.thought_tokens;
    if (strcmp(finish, "MAX_TOKENS") == 0) r->course->status = "incomplete";
    else if (strcmp(finish, "CONTINUATION") == 0) r->course->status = "requires_continuation";
    else if (strcmp(finish, "STOP") == 0) r->course->status = has_calls(answer) ? "requires_action" : "completed";
    else fail(r, finish);
    if (r->course->error) {
        add_plain(r, PLX_EVENT_ERROR, last.due_us);
        return;
    }
    keep(r, answer->candidates->continuation_token, &r->course->continuation_token);
    add_plain(r, PLX_EVENT_COMPLETED, last.due_us);
    add_plain(r, PLX_EVENT_DONE, last.due_us);
}

/* ---- the whole ---- */

static void *move_into(cst_arena *arena, const cst_buf *buf)
{
    void *block = cst_arena_alloc(arena, buf->len > 0 ? buf->len : 1);

    if (block && buf->len > 0) memcpy(block, buf->data, buf->len);
    return block;
}

/* The course stays as it was when this fails. */
static castor_status finish(recorder *r)
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

static recorder begin(plx_course *course, cst_arena *arena)
{
    recorder r = { .course = course, .arena = arena };

    cst_buf_init(&r.events, arena->allocator, (size_t)COURSE_EVENTS_MAX * sizeof(plx_event));
    cst_buf_init(&r.steps, arena->allocator, (size_t)COURSE_EVENTS_MAX * sizeof(plx_step));
    cst_buf_init(&r.summary, arena->allocator, PLX_CASE_BYTES_MAX);
    return r;
}

castor_status plx_course_record(plx_course *course, const plx_answer *answer, uint64_t refused_us, cst_arena *arena)
{
    recorder r = begin(course, arena);

    course->error = NULL;
    course->is_refused = answer->block_reason != NULL;
    add_plain(&r, PLX_EVENT_CREATED, 0);
    add_plain(&r, PLX_EVENT_STATUS, 0);
    if (course->is_refused) {
        fail(&r, answer->block_reason);
        add_plain(&r, PLX_EVENT_REFUSAL, refused_us);
    } else {
        add_steps(&r, answer);
        conclude(&r, answer);
    }
    return finish(&r);
}

/* What a listener has seen already must not change. */
castor_status plx_course_cancel(plx_course *course, uint64_t elapsed_us, cst_arena *arena)
{
    recorder         r = begin(course, arena);
    size_t           count = plx_course_count_due(course, elapsed_us);
    const plx_event *last = &course->events[count - 1];

    r.status = cst_buf_append(&r.events, course->events, count * sizeof *course->events);
    r.output_tokens = last->output_tokens;
    r.thought_tokens = last->thought_tokens;
    r.last_id = last->id;
    if (last->kind == PLX_EVENT_STEP_START || last->kind == PLX_EVENT_STEP_DELTA) {
        if (r.status == CASTOR_OK) {
            r.status = cst_buf_append(&r.steps, course->steps, (last->step + 1) * sizeof *course->steps);
        }
        stop_step(&r, elapsed_us);
    } else if (r.status == CASTOR_OK) {
        r.status = cst_buf_append(&r.steps, course->steps, course->step_count * sizeof *course->steps);
    }
    add_plain(&r, PLX_EVENT_COMPLETED, elapsed_us);
    add_plain(&r, PLX_EVENT_DONE, elapsed_us);
    if (finish(&r) != CASTOR_OK) return r.status;
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
