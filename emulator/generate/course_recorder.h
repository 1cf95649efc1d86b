/* course_recorder.h -- an answer as the events of a course. Pure.
 * SPDX-License-Identifier: MIT
 *
 *     created  status_update  { step.start  step.delta ...  step.stop } ...  completed  done
 *
 * An answer's pieces become steps: thoughts first (their summaries, if they were asked for, and a signature), then text
 * and calls as they come. A failure ends the stream with an error instead, and without the last two.
 */
#ifndef PLX_COURSE_RECORDER_H
#define PLX_COURSE_RECORDER_H

#include "generate/course.h"

typedef struct plx_recorder {
    plx_course             *course;
    const plx_course_names *names;
    cst_arena              *arena;
    cst_buf                 events;
    cst_buf                 steps;
    cst_buf                 summary;   /* of thoughts, until it is whole */
    uint64_t                last_id;
    castor_status           status;    /* errors stick */

    bool          is_live;             /* events are told as soon as they are there, and must not change */
    bool          is_open;             /* a step is, of this kind */
    plx_step_kind open_kind;
    castor_str    signature;           /* of this answer's thoughts */
    plx_event     used;                /* what was used so far, by this answer ... */
    plx_event     used_before;         /* ... and by those before it */
    uint64_t      base_us;             /* when this answer began */
    uint64_t      due_us;              /* of what came last */
} plx_recorder;

plx_recorder plx_recorder_begin(plx_course *course, cst_arena *arena);

/* Moves what was recorded into the course, and frees the rest. The course stays as it was when this fails. */
castor_status plx_recorder_finish(plx_recorder *r);

/* Copies into the arena; absent when `text` is, or when something went wrong before. */
void plx_recorder_keep(plx_recorder *r, castor_str text, castor_str *out);

/* Single events, at `due_us`: one that brings nothing, and one of the last step. */
void plx_recorder_add(plx_recorder *r, plx_event_kind kind);
void plx_recorder_add_of_step(plx_recorder *r, plx_event_kind kind);

void plx_recorder_open_thought(plx_recorder *r); /* with `signature` */
void plx_recorder_close_step(plx_recorder *r);   /* if one is open */

/* What an answer says: a piece of it, or all. */
void plx_recorder_say(plx_recorder *r, const plx_piece *piece);
void plx_recorder_say_all(plx_recorder *r, const plx_answer *answer);
void plx_recorder_use(plx_recorder *r, const plx_piece *piece); /* the tokens up to a piece */

/* The end, for the candidate's reason; and what is told of a failure. */
void plx_recorder_conclude(plx_recorder *r, const plx_candidate *candidate);
void plx_recorder_fail(plx_recorder *r, const char *reason, castor_str message);

#endif
