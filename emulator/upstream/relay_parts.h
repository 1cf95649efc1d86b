/* relay_parts.h -- what the two halves of a relay know of each other: relay.c listens, relay_say.c speaks.
 * SPDX-License-Identifier: MIT
 */
#ifndef PLX_RELAY_PARTS_H
#define PLX_RELAY_PARTS_H

#include "proto/refusal.h"
#include "upstream/relay.h"

/* Passes on what was just said, or keeps it until all is. For plx_chat_answer_init; `user` is the relay. */
castor_status plx_relay_say(void *user, const plx_saying *saying);

/* Both end the reply, one way or another, and the relay may be gone afterwards. */
void plx_relay_send_end(plx_relay *r);
void plx_relay_tell_failure(plx_relay *r, const plx_refusal *refusal, bool is_cut);

#endif
