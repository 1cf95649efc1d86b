/* course.h -- an interaction as a course of events, each due at its time. Pure.
 * SPDX-License-Identifier: MIT
 *
 * A course is recorded whole when it begins. What has happened by now follows from how long ago that was, and from
 * nothing else: so one without a listener needs no timer, a stream that is taken up again brings the same bytes, and
 * two listeners see the same.
 */
#ifndef PLX_COURSE_H
#define PLX_COURSE_H

#include "generate/answer.h"

typedef enum plx_event_kind {
    PLX_EVENT_CREATED = 0,
    PLX_EVENT_STATUS,
    PLX_EVENT_STEP_START,
    PLX_EVENT_STEP_DELTA,
    PLX_EVENT_STEP_STOP,
    PLX_EVENT_COMPLETED,
    PLX_EVENT_ERROR,        /* as an event */
    PLX_EVENT_REFUSAL,      /* the same error as a bare line of JSON, as the service's content filter sends it */
    PLX_EVENT_DONE
} plx_event_kind;

typedef enum plx_delta_kind {
    PLX_DELTA_TEXT = 0,
    PLX_DELTA_SUMMARY,      /* of thoughts */
    PLX_DELTA_SIGNATURE,
    PLX_DELTA_ARGUMENTS,    /* a piece of a call's JSON */
    PLX_DELTA_CODE,
    PLX_DELTA_CODE_RESULT,
    PLX_DELTA_MEDIA         /* base64 */
} plx_delta_kind;

typedef struct plx_event {
    plx_event_kind kind;
    plx_delta_kind delta;
    uint32_t       step;           /* its index; of STEP_... events */
    bool           tells_usage;
    castor_str     text;           /* of a delta */
    uint64_t       due_us;         /* after the start */
    uint64_t       id;             /* 0: it has none */
    uint64_t       output_tokens;  /* used so far ... */
    uint64_t       image_tokens;   /* ... of these, for pictures */
    uint64_t       thought_tokens;
} plx_event;

typedef enum plx_step_kind {
    PLX_STEP_THOUGHT = 0,
    PLX_STEP_OUTPUT,
    PLX_STEP_CALL,                 /* of a function */
    PLX_STEP_CODE,                 /* that the service ran */
    PLX_STEP_CODE_RESULT
} plx_step_kind;

typedef struct plx_step {
    plx_step_kind kind;
    castor_str    call_id;         /* of a call, of code and of its result */
    castor_str    call_name;
    castor_str    call_args;       /* whole */
    castor_str    signature;       /* of a thought */
    castor_str    mime_type;       /* of an output that is no text */
} plx_step;

typedef struct plx_course {
    castor_str  id;                /* empty when it is not stored */
    castor_str  model;             /* absent for an agent */
    castor_str  agent;             /* absent for a model */
    castor_str  service_tier;
    int64_t     started_us;        /* Unix time */
    bool        has_event_ids;
    bool        is_background;

    plx_token_sum input_tokens;
    plx_token_sum cached_tokens;
    uint64_t      tool_tokens;
    const char   *status;            /* in the end: "completed", "requires_action", "incomplete",
                                        "requires_continuation", "failed", "cancelled" */
    const char   *error;             /* the code of a failure, or NULL */
    castor_str    error_message;
    castor_str    continuation_token; /* with the status "requires_continuation"; else absent */
    bool          is_refused;        /* before anything was answered */

    const plx_step  *steps;
    size_t           step_count;
    const plx_event *events;       /* in the order of their times; at least one */
    size_t           event_count;
} plx_course;

/* Random text for the parts that an answer does not bring itself. */
typedef struct plx_course_names {
    castor_str signature;          /* of thoughts that carry none */
    castor_str call_ids;           /* how the ids of code begin */
} plx_course_names;

/*
 * Fills `input_tokens` and all that stands below it from an answer, or from several that follow each other as one; what
 * stands above is the caller's. Everything is copied into the arena. `refused_us`: when the filter speaks, if the
 * prompt was blocked.
 */
castor_status plx_course_record(plx_course *course, const plx_answer *answers, size_t answer_count,
                                const plx_course_names *names, uint64_t refused_us, cst_arena *arena);

/* The same for an answer that is still being said, piece by piece: after each call the course has all that happened. */
typedef struct plx_course_tape plx_course_tape;

/* What lives as long as the tape: course, names, arena. NULL: no memory. */
plx_course_tape *plx_course_begin(plx_course *course, const plx_answer *answer, const plx_course_names *names,
                                  cst_arena *arena);
castor_status    plx_course_say(plx_course_tape *tape, const plx_piece *piece);

/* Ends the tape, well or not: with the candidate's reason, the prompt's tokens and the sums of the last piece, ... */
castor_status plx_course_end(plx_course_tape *tape, const plx_answer *answer, const plx_piece *last);
/* ... or with nothing, and then the course holds nothing either. */
void plx_course_drop(plx_course_tape *tape);

/* Ends one that is under way: what was due by `elapsed_us` remains, the rest will not happen. */
castor_status plx_course_cancel(plx_course *course, uint64_t elapsed_us, cst_arena *arena);

/* The events that every course begins with, at once: it was created, and is in progress. */
enum { PLX_COURSE_PRELUDE = 2 };

/* How many events are due by then. */
size_t plx_course_count_due(const plx_course *course, uint64_t elapsed_us);

/* When the last event is due. */
uint64_t plx_course_length_us(const plx_course *course);

#endif
