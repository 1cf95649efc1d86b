/* spoiler.h -- stands between a handler and what carries its answer, and spoils that as a plan says.
 * SPDX-License-Identifier: MIT
 *
 *     handler --> inner reply --> the plan's faults --> a queue of steps --> the reply that carries --> client
 *
 * The handler sees a reply as any other, and is done when it has ended it; what is left of the queue is then played
 * without it. Nothing that a handler does ends or cuts the reply that carries from within its own send_headers or
 * write, so that its loops stay loops.
 */
#ifndef PLX_SPOILER_H
#define PLX_SPOILER_H

#include "fault/canned.h"
#include "fault/record.h"
#include "http/reply.h"

typedef struct plx_spoiler plx_spoiler;
struct plx_armory;

/*
 * Puts a spoiler between: it takes over the handler's callbacks from `outer`, and the handler goes on with the reply of
 * plx_spoiler_reply. To be called before anything was sent. It frees itself with the reply. NULL: no memory; then all
 * is as it was. `head`: what is kept of it is copied. `shape`: of errors. `armory`: hears of it when the reply is lost
 * for the sake of another one; NULL: nobody does.
 */
plx_spoiler *plx_spoiler_put_between(plx_reply *outer, const plx_plan *plan, const plx_head *head,
                                     plx_error_shape shape, struct plx_armory *armory);
plx_reply   *plx_spoiler_reply(plx_spoiler *spoiler);

/* Answers in the handler's place if one of the faults is an answer of its own; the handler is gone then. Both take
 * NULL: nothing is spoilt. */
bool plx_spoiler_answer(plx_spoiler *spoiler);
bool plx_spoiler_has_answer(const plx_spoiler *spoiler);

/* ---- for faults: to be called from their `strike`, in the order in which things are to happen ---- */

const plx_plan  *plx_spoiler_plan(const plx_spoiler *spoiler);
const plx_asked *plx_spoiler_asked(const plx_spoiler *spoiler);
plx_framing      plx_spoiler_framing(const plx_spoiler *spoiler);

castor_status plx_spoiler_emit(plx_spoiler *spoiler, castor_str bytes); /* of the body */
castor_status plx_spoiler_raw(plx_spoiler *spoiler, castor_str bytes);
castor_status plx_spoiler_pause(plx_spoiler *spoiler, uint64_t wait_us);
/* Either is the end: what the handler still writes is dropped. */
castor_status plx_spoiler_end(plx_spoiler *spoiler);
castor_status plx_spoiler_abort(plx_spoiler *spoiler, plx_abort_kind kind, uint32_t code);

/* ---- for faults: to be called from their `prepare` ---- */

typedef enum plx_split {
    PLX_SPLIT_UTF8   = 1,
    PLX_SPLIT_ESCAPE = 2,
    PLX_SPLIT_CRLF   = 4
} plx_split;

void plx_spoiler_split(plx_spoiler *spoiler, plx_split split);
void plx_spoiler_pace(plx_spoiler *spoiler, size_t bytes, uint64_t gap_us); /* so many bytes, then a pause */
void plx_spoiler_shape(plx_spoiler *spoiler, const plx_shape_of_packets *shape, bool is_head_only);
void plx_spoiler_squeeze(plx_spoiler *spoiler, size_t bytes_cut);           /* gzip, without its last bytes */
void plx_spoiler_lie_about_length(plx_spoiler *spoiler, int64_t difference);
void plx_spoiler_extend_chunks(plx_spoiler *spoiler);
void plx_spoiler_leave_last_line_open(plx_spoiler *spoiler);
void plx_spoiler_part_elements(plx_spoiler *spoiler, const char *comma);     /* of an array; static */
void plx_spoiler_close_window(plx_spoiler *spoiler);                        /* takes no more of the request's body */

#endif
