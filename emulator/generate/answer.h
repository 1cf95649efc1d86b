/* answer.h -- an answer composed for what was asked: cut into pieces, limited, counted and timed. No dialect yet. Pure.
 * SPDX-License-Identifier: MIT
 */
#ifndef PLX_ANSWER_H
#define PLX_ANSWER_H

#include "generate/ask.h"
#include "generate/pace.h"
#include "script/script.h"

typedef enum plx_piece_kind {
    PLX_PIECE_TEXT = 0,
    PLX_PIECE_THOUGHT,
    PLX_PIECE_CALL      /* of a function */
} plx_piece_kind;

/* What one event of a stream brings. */
typedef struct plx_piece {
    plx_piece_kind kind;
    uint32_t    candidate;
    size_t      sequence;         /* within its candidate */
    castor_str  text;             /* of a text or thought: whole characters; may be empty in a candidate's last piece */
    castor_str  call_id;          /* of a call; absent where the model gives none */
    castor_str  call_name;
    castor_str  call_args;        /* JSON, an object without white space */
    castor_str  signature;        /* base64; absent when the part carries none */
    const char *finish;           /* "STOP", "MAX_TOKENS", ... in the last piece of a candidate, else NULL */
    uint64_t    due_us;           /* after the request */
    uint64_t    candidate_tokens; /* cumulative, of all candidates */
    uint64_t    thought_tokens;
} plx_piece;

typedef struct plx_answer {
    castor_str       model_version;
    castor_str       response_id;
    int64_t          created_s;       /* Unix time */
    const plx_ask   *ask;
    const plx_piece *pieces;          /* in the order of their times */
    size_t           piece_count;     /* at least 1, unless the prompt was blocked */
    const char      *block_reason;    /* "SAFETY", ...: the prompt was blocked; NULL: it was not */
    castor_str       continuation_token; /* base64, beside the finish reason CONTINUATION; absent elsewhere */
} plx_answer;

/* Who answers: settings that do not change from one request to the next. */
typedef struct plx_answerer {
    plx_pace    pace;
    plx_chance *chance;
    int64_t     now_s;                /* Unix time */
} plx_answerer;

/*
 * Composes the answer of a case, or, when `source` is NULL, one that says that pollux is an emulator. All lives in the
 * arena; `ask` must live as long. NO_MEMORY, or LIMIT when the answer grows beyond bounds.h.
 *
 * Thoughts count as tokens even when they were not asked for, as with the service. Candidates after the first begin
 * with their number, so that a client that mixes them up can be seen to.
 */
castor_status plx_answer_compose(plx_answer *answer, const plx_ask *ask, const plx_case *source,
                                 const plx_answerer *answerer, cst_arena *arena);

/* An answer with its names and nothing in it yet, for who brings the pieces himself. */
castor_status plx_answer_begin(plx_answer *answer, const plx_ask *ask, const plx_answerer *answerer, cst_arena *arena);

/* The whole text, or the whole thought, of one candidate, appended to `out`; `*finish` is its reason. */
castor_status plx_answer_join(const plx_answer *answer, uint32_t candidate, plx_piece_kind kind, cst_buf *out,
                              const char **finish);

/* Of the last piece: the totals. */
const plx_piece *plx_answer_last(const plx_answer *answer);

#endif
