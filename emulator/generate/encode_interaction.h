/* encode_interaction.h -- interactions in bytes: the events of a stream, and the resource. Pure.
 * SPDX-License-Identifier: MIT
 */
#ifndef PLX_ENCODE_INTERACTION_H
#define PLX_ENCODE_INTERACTION_H

#include "generate/course.h"
#include "generate/encoding.h"
#include "json_writer.h"

/* One event with its frame. The same event has the same bytes every time. */
castor_status plx_interaction_print_event(const plx_course *course, size_t index, cst_buf *out);

/* What the resource holds beside its course. */
typedef struct plx_interaction_view {
    size_t     event_count;  /* what of the course has happened; at least one */
    castor_str previous_id;  /* absent: not told */
    castor_str input_steps;  /* JSON, the elements of a list; absent: not told */
} plx_interaction_view;

castor_status plx_interaction_print(const plx_course *course, const plx_interaction_view *view, cst_buf *out);

/* An answer as events while it is still being said. Its `teller` is one of these, which outlives it. */
typedef struct plx_interaction_teller {
    plx_course       *course;
    plx_course_names  names;
    cst_arena        *arena;      /* of the course */
    uint64_t        (*elapsed_us)(void *user); /* since the course started */
    void            (*on_end)(void *user);     /* the course is whole now */
    void             *user;
    plx_course_tape  *tape;       /* NULL before the first piece and behind the last */
    size_t            told_count; /* events */
} plx_interaction_teller;

extern const plx_encoding plx_interaction_events;

/* Gives up what was not said to its end. */
void plx_interaction_teller_free(plx_interaction_teller *teller);

/* The text of an event's id, base64; at most this long with its NUL. */
enum { PLX_EVENT_ID_BYTES = 32 };
void plx_event_id_print(uint64_t id, char out[PLX_EVENT_ID_BYTES]);

#endif
