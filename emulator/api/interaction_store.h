/* interaction_store.h -- the interactions that are kept, by their ids.
 * SPDX-License-Identifier: MIT
 *
 * One that is stored lives until it is deleted, or its time is over, or newer ones need the room. Who reads it holds a
 * reference, and may go on reading what the store has forgotten.
 */
#ifndef PLX_INTERACTION_STORE_H
#define PLX_INTERACTION_STORE_H

#include "generate/course.h"

typedef struct plx_interactions plx_interactions;

typedef struct plx_interaction plx_interaction;
struct plx_interaction {
    plx_course    course;
    castor_str previous_id;  /* absent: the first of its conversation */
    castor_str input_steps;  /* JSON, the elements of a list */
    castor_str contents;     /* the conversation up to its answer, see plx_translation ... */
    castor_str begun;        /* ... and what of that answer came from interactions before it */
    cst_arena  arena;        /* where all of that lives */

    uint64_t   owner;        /* see plx_owner_of */

    /* The store's. */
    plx_interaction *older;
    plx_interaction *newer;
    size_t           reference_count;
    size_t           bytes;
    bool             is_kept;
};

plx_interactions *plx_interactions_new(void); /* NULL: no memory */
void              plx_interactions_free(plx_interactions *store); /* takes NULL */
void              plx_interactions_empty(void *store);            /* forgets all */

/* One of the caller's own, with an id of its own if it is to be stored; NULL: no memory. */
plx_interaction *plx_interaction_new(bool is_stored, plx_chance *chance);
void             plx_interaction_release(plx_interaction *one); /* takes NULL */

/* Keeps one; the caller's reference stays the caller's. */
void plx_interactions_keep(plx_interactions *store, plx_interaction *one);

/* A new reference; NULL: there is none of this id, or it has expired, or is somebody else's. */
plx_interaction *plx_interactions_find(plx_interactions *store, uint64_t owner, castor_str id, int64_t now_us);

void plx_interactions_forget(plx_interactions *store, plx_interaction *one);

#endif
