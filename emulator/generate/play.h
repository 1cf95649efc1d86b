/* play.h -- sends a composed answer, or a case's bytes, over a reply, each piece at its time.
 * SPDX-License-Identifier: MIT
 */
#ifndef PLX_PLAY_H
#define PLX_PLAY_H

#include "generate/encoding.h"
#include "http/reply.h"

/* One performance. The owner keeps it, and what it points to, until the reply's on_gone. */
typedef struct plx_play {
    plx_reply          *reply;
    const plx_case     *source;       /* its bytes, its status, how it ends; NULL: an answer without a case */
    const plx_answer   *answer;       /* NULL: the bytes of `source` */
    const plx_encoding *encoding;     /* of `answer` */
    plx_cursor          cursor;       /* through `answer` */
    size_t              next;         /* of a case's bytes: the one that comes next */
    bool                is_last_word; /* the end of the framing is loaded or sent */
    size_t              next_wait;    /* of `source`'s bytes */
    uint64_t            due_us;       /* of what is loaded, after the request */
    castor_str          bytes;        /* loaded, not yet sent */
    bool                is_loaded;
    bool                is_ended;     /* nothing is left to load */
    bool                has_headers;
    cst_buf             buffer;
} plx_play;

/* Begin. The owner has set the reply's callbacks before, since all may be over when these return. `lanes`: as many as
 * plx_answer_lanes says, kept as long as the answer. */
void plx_play_answer(plx_play *play, plx_reply *reply, const plx_answer *answer, plx_lane *lanes,
                     const plx_encoding *encoding, const plx_case *source);
void plx_play_bytes(plx_play *play, plx_reply *reply, const plx_case *source, uint64_t first_us);

/* To be called from the reply's on_timer and on_writable. The play may be gone afterwards. */
void plx_play_go_on(plx_play *play);

void plx_play_free(plx_play *play);

#endif
