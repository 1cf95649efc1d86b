/* relay.h -- an answer of the upstream's on its way to a client: read as it comes, and sent on in the client's dialect.
 * SPDX-License-Identifier: MIT
 *
 *   ASKING --first words--> SAYING --end, with a reason for it--> ended
 *      |                       +-----cut, or no reason given-----> told and aborted: half an answer is never made whole
 *      |                       +-----any other failure-----------> told and ended
 *      +----any failure------> refused
 *
 * An answer that is not a stream is kept until it is whole, and can be refused until then. Both ways wait for each
 * other: a client that does not read holds the upstream, and one that leaves ends it.
 */
#ifndef PLX_RELAY_H
#define PLX_RELAY_H

#include "generate/encoding.h"
#include "http/reply.h"
#include "upstream/chat_answer.h"
#include "upstream/events.h"
#include "upstream/upstream.h"

typedef struct plx_relay_order {
    const plx_upstream *upstream;
    plx_reply          *reply;
    plx_answer         *answer;   /* with its names and the tokens of the prompt; the rest is the relay's */
    uint32_t            candidate_count;   /* that were asked for */
    bool                includes_thoughts;
    const plx_encoding *encoding;
    castor_str          body;     /* of the chat completion; lives as long as the relay */
    cst_arena          *keep;     /* as long as that too */
    void              (*refuse)(void *user, const plx_refusal *refusal); /* in place of an answer */
    void              (*take)(void *user); /* an answer that is no stream, in place of the encoding; or NULL */
    void               *user;
} plx_relay_order;

/* What one candidate has said, kept until an answer that is no stream is whole. */
typedef struct plx_voice {
    cst_buf  thought;
    cst_buf  text;
    cst_buf  calls;          /* plx_part each */
    uint32_t call_count;
    bool     is_thinking;
    bool     has_begun;
    uint64_t text_bytes;     /* said so far, for the estimate */
    uint64_t thought_bytes;
} plx_voice;

typedef struct plx_relay {
    plx_relay_order order;
    plx_transfer   *transfer;
    plx_events      events;
    plx_chat_answer chat;
    plx_voice       voices[PLX_CANDIDATES_MAX];
    cst_buf         rest;    /* a body that is no stream: an error, or a whole completion */
    cst_buf         bytes;   /* a piece in the client's dialect */
    uint64_t        heard_us;
    bool            has_headers;
    plx_piece       told;    /* the sums, once the upstream has ended well; then the answer points here */
    plx_candidate   candidates[PLX_CANDIDATES_MAX];
} plx_relay;

/* Asks. The owner has set the reply's callbacks before. False: nothing was begun; `refusal` tells why. */
bool plx_relay_begin(plx_relay *relay, const plx_relay_order *order, plx_refusal *refusal);

/* To be called from the reply's on_timer and on_writable. The relay may be gone afterwards. */
void plx_relay_go_on(plx_relay *relay);

void plx_relay_free(plx_relay *relay);

#endif
