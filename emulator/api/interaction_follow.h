/* interaction_follow.h -- a reply that follows an interaction's course: event by event, or until its end.
 * SPDX-License-Identifier: MIT
 */
#ifndef PLX_INTERACTION_FOLLOW_H
#define PLX_INTERACTION_FOLLOW_H

#include "api/exchange.h"
#include "api/interaction_store.h"

/* How long it has been under way. */
uint64_t plx_interaction_elapsed_us(const plx_interaction *one, const plx_world *world);

/* How a script wants an answer sent. */
typedef struct plx_telling {
    int  status;
    bool end_is_lost; /* the connection is lost after the last byte */
} plx_telling;

#define PLX_TELLING_PLAIN ((plx_telling){ 200, false })

/* Answers with the course's events from this one on, each at its time. The caller's reference goes to the exchange. */
void plx_interaction_stream(plx_exchange *e, plx_interaction *one, size_t first_event, plx_telling telling);

/* Answers with the whole interaction when its course has ended. The caller's reference goes to the exchange. */
void plx_interaction_await(plx_exchange *e, plx_interaction *one, plx_telling telling);

/* Sends the resource as it stands after so many events. `is_told_again`: with what its creator knows already;
 * `has_input`: with the steps that were asked. */
void plx_interaction_send(plx_exchange *e, const plx_interaction *one, size_t event_count, bool is_told_again,
                          bool has_input);

#endif
