/* armory.h -- which answers are to be spoilt: what was armed by control calls, chaos, and what came of it all.
 * SPDX-License-Identifier: MIT
 */
#ifndef PLX_ARMORY_H
#define PLX_ARMORY_H

#include "fault/chaos.h"
#include "http/reply.h"
#include "json_writer.h"

typedef struct plx_armory plx_armory;

/* Who asked. The first that does counts. */
typedef enum plx_fault_source {
    PLX_FAULT_BY_HEADER = 0,
    PLX_FAULT_BY_SCRIPT,
    PLX_FAULT_BY_CONTROL,
    PLX_FAULT_BY_CHAOS,
    PLX_FAULT_BY_NEIGHBOUR /* nobody asked: its connection was closed for the sake of another answer */
} plx_fault_source;

/* What is known of the request whose answer may be spoilt. */
typedef struct plx_victim {
    const plx_head *head;
    castor_str      path;  /* without the query */
    castor_str      key;   /* only its hash is kept */
    castor_str      model; /* that is asked; absent: none, or not known yet */
    uint64_t        asker; /* tells apart who asks for a fault that is counted: each counts for itself */
} plx_victim;

/* `chaos` may be off. `is_quiet`: no line on stderr for each spoilt answer. NULL: no memory. */
plx_armory *plx_armory_new(const plx_chaos *chaos, bool is_quiet);
void        plx_armory_free(plx_armory *armory); /* takes NULL */
void        plx_armory_reset(void *user);        /* an armory: nothing is armed, nothing has been; chaos from its beginning */

/* What is left of this plan for this victim, noted in the history; false: nothing. */
bool plx_armory_take(plx_armory *armory, plx_fault_source source, const plx_victim *victim, plx_plan *plan);

/* What control calls or chaos have for this victim, noted in the history. */
bool plx_armory_find(plx_armory *armory, const plx_victim *victim, plx_plan *plan);

/* Notes an answer that was lost because its connection was closed for another's sake: one that nobody spoilt, and one
 * that was spoilt by this plan. */
void plx_armory_note_bystander(plx_armory *armory, const plx_victim *victim);
void plx_armory_note_spoilt_bystander(plx_armory *armory, const plx_plan *plan);

/* What becomes of a connection that was just accepted. */
plx_welcome plx_armory_welcome(plx_armory *armory);

/* A control call. */
typedef struct plx_arming {
    plx_plan   plan;
    castor_i64 count; /* of answers; 0: until disarmed; unset: one, or as many as a counted fault says */
    castor_str path;  /* only those whose path holds this text; empty: all */
    uint64_t   after; /* so many that would fit pass first */
} plx_arming;

/* False: too many are armed. */
bool plx_armory_arm(plx_armory *armory, const plx_arming *arming, uint64_t *id);
void plx_armory_disarm(plx_armory *armory);

/* In place of the schedule that there is. */
void plx_armory_set_chaos(plx_armory *armory, const plx_chaos *chaos);

/* {"armed":[...],"chaos":{...},"history":[...],"table":[...]}; of the history what came after number `since`. */
castor_status plx_armory_print(const plx_armory *armory, uint64_t since, cst_buf *json);

#endif
