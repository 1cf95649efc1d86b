/* spoiler_state.h -- what a spoiler is made of: for its three files alone, spoiler.c (the two replies), spoil_body.c
 * (the bytes) and spoil_play.c (the steps).
 * SPDX-License-Identifier: MIT
 */
#ifndef PLX_SPOILER_STATE_H
#define PLX_SPOILER_STATE_H

#include "fault/armory.h"
#include "fault/reply_head.h"
#include "fault/queue.h"
#include "fault/spoiler.h"
#include "fault/squeeze.h"

struct plx_spoiler {
    plx_reply   inner;         /* what the handler has */
    plx_reply  *outer;         /* what carries */
    plx_plan    plan;
    plx_asked   asked;
    plx_armory *armory;        /* NULL: nobody keeps a history */
    bool        is_head_method;
    bool        is_http1;

    /* the life of it */
    unsigned    depth;         /* how many of our functions are on the stack */
    bool        is_outer_gone;
    bool        is_inner_gone;
    bool        is_in_handler; /* the handler is on the stack, in its send_headers or write: end nothing */
    bool        is_over;       /* an end stands in the queue, or came */
    bool        is_broken;     /* no memory, or for ever is over: it can only be reset */
    bool        wants_room;    /* the handler waits for on_writable */
    bool        has_closed_window;

    /* time */
    uint64_t    handler_due_us; /* 0: none */
    uint64_t    pause_until_us; /* 0: none */
    bool        is_waiting;     /* the queue goes on at the next timer */

    /* the answer */
    plx_reply_head head;
    cst_arena       arena;
    bool            has_head;   /* the handler has sent it */
    bool            is_struck[PLX_FAULTS_MAX];
    plx_queue       queue;

    /* its body */
    bool         has_records;   /* events matter to some fault */
    plx_parting  parting;
    uint64_t     record_count;
    cst_buf      delayed;       /* an event that waits for the next one to pass */
    bool         has_element;   /* of an array: one has gone out */
    const char  *comma;         /* between elements; NULL: the usual one */
    bool         keeps_line_end;
    castor_str   kept_line_end; /* static */
    plx_squeeze *squeeze;
    bool         is_squeezed;
    size_t       tail_bytes;    /* kept back of what is squeezed */
    cst_buf      tail;
    bool         holds;
    cst_buf      held;
    uint64_t     byte_count;    /* sent, or in the queue */
    bool         has_length;    /* one is to be told ... */
    int64_t      length_lie;    /* ... and how wrong it is */
    unsigned     splits;
    size_t       pace_bytes;    /* 0: as it comes */
    uint64_t     pace_gap_us;
    bool         has_shape;
    bool         is_head_shape;
    plx_shape_of_packets shape;
    bool         has_chunk_extensions;
};

/* spoil_body.c. Each status but OK means that the answer cannot go on. */
void          plx_body_init(plx_spoiler *s, const cst_allocator *allocator);
void          plx_body_free(plx_spoiler *s);
castor_status plx_body_begin(plx_spoiler *s);                   /* the head is there */
castor_status plx_body_write(plx_spoiler *s, castor_str bytes);
castor_status plx_body_end(plx_spoiler *s);

/* spoil_play.c */
castor_status plx_spoiler_add(plx_spoiler *s, const plx_step *step, castor_str bytes);
void          plx_spoiler_run(plx_spoiler *s); /* plays what is due. The reply may be gone then, the spoiler is not */
void          plx_spoiler_arm(plx_spoiler *s); /* the timer, for whatever is due first */

#endif
