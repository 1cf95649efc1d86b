/* answer.h -- an answer composed for what was asked: its parts, limited and counted. No dialect yet. Pure.
 * SPDX-License-Identifier: MIT
 *
 * A whole body is made of the parts. A stream is made of pieces, which a cursor cuts from the parts one at a time, so
 * that thousands of streams under way hold little more than their place.
 */
#ifndef PLX_ANSWER_H
#define PLX_ANSWER_H

#include "generate/ask.h"
#include "generate/manner.h"
#include "generate/pace.h"
#include "script/script.h"

typedef enum plx_piece_kind {
    PLX_PIECE_TEXT = 0,
    PLX_PIECE_THOUGHT,
    PLX_PIECE_CALL,     /* of a function */
    PLX_PIECE_CODE,     /* that the service ran, in Python */
    PLX_PIECE_OUTPUT,   /* of that code */
    PLX_PIECE_BLOB,     /* a picture or sound */
    PLX_PIECE_RAW       /* another member of a part, as toolCall: `call_name` is its key, `call_args` its value */
} plx_piece_kind;

typedef struct plx_part {
    plx_piece_kind kind;
    castor_str     text;      /* of a text or thought; the code; its output; a blob in base64 */
    castor_str     mime_type; /* of a blob */
    castor_str     call_id;   /* of a call; absent where the model gives none */
    castor_str     call_name;
    castor_str     call_args; /* JSON, an object without white space */
    castor_str     signature; /* base64; absent when the part carries none */
} plx_part;

/* A member of a candidate that few have, as groundingMetadata. */
typedef struct plx_extra {
    struct plx_extra *next;
    const char       *key;
    castor_str        json;
    bool              comes_first; /* in the first piece; else in the last */
} plx_extra;

/* What stands for the content of a candidate without parts. */
typedef enum plx_content_kind {
    PLX_CONTENT_PARTS = 0,
    PLX_CONTENT_ROLE,         /* {"role":"model"} */
    PLX_CONTENT_EMPTY,        /* {} */
    PLX_CONTENT_NONE
} plx_content_kind;

typedef struct plx_candidate {
    const plx_part  *parts;
    size_t           part_count;
    plx_content_kind content;
    const char      *finish;             /* "STOP", ... */
    castor_str       finish_message;     /* absent: none */
    castor_str       continuation_token; /* base64; absent: none */
    plx_extra       *extras;             /* the first of them, or NULL */
    uint64_t         thought_tokens;     /* shown or not */
    size_t           shift;              /* so many bytes stand before the case's own text */
} plx_candidate;

typedef struct plx_piece plx_piece;

typedef struct plx_answer {
    castor_str           model_version;
    castor_str           response_id;
    int64_t              created_s;      /* Unix time */
    plx_token_sum        prompt_tokens;
    plx_token_sum        cached_tokens;
    uint64_t             tool_tokens;    /* of what the service's own tools brought in */
    castor_str           service_tier;
    castor_str           echo;           /* see plx_ask */
    bool                 wants_usage;    /* see plx_ask */
    int                  generation;     /* of the model: see plx_model */
    const plx_candidate *candidates;
    uint32_t             candidate_count;
    const char          *block_reason;   /* "SAFETY", ...: the prompt was blocked, and nothing is answered; or NULL */
    const plx_case      *source;         /* whose waits the pieces keep; or NULL */
    plx_pace             pace;
    uint64_t             first_us;       /* when the first piece is due, after the request */
    const plx_piece     *told;           /* the last piece, where another has counted the tokens; or NULL */
    uint64_t             until_us;       /* after the request: what is due later is not told; 0: no such time ... */
    castor_str           last_words;     /* ... but this, and then the end */
    void                *teller;         /* what an encoding that remembers needs; or NULL */
} plx_answer;

/* Who answers: settings that do not change from one request to the next. */
typedef struct plx_answerer {
    plx_pace    pace;
    plx_chance *chance;
    int64_t     now_s;                   /* Unix time */
    plx_manner  manner;
} plx_answerer;

/*
 * Composes the answer of a case, or, when `source` is NULL, one of pollux's own. What the answer keeps is copied to
 * `keep`; neither the ask nor what it points to is needed afterwards. The case is. NO_MEMORY, or LIMIT when the answer
 * grows beyond bounds.h.
 *
 * Thoughts count as tokens even when they were not asked for, as with the service. Candidates after the first begin
 * with their number, so that a client that mixes them up can be seen to.
 */
castor_status plx_answer_compose(plx_answer *answer, const plx_ask *ask, const plx_case *source,
                                 const plx_answerer *answerer, cst_arena *keep);

/* An answer with its names and nothing in it yet, for who brings the pieces himself. */
castor_status plx_answer_begin(plx_answer *answer, const plx_ask *ask, const plx_answerer *answerer, cst_arena *keep);

/* ---- the pieces of a stream ---- */

/* What one event of a stream brings. */
struct plx_piece {
    plx_piece_kind kind;
    uint32_t    candidate;
    uint32_t    call_index;       /* of a call: how many of its candidate came before */
    castor_str  text;             /* as in plx_part: of a text or thought whole characters, maybe none */
    castor_str  mime_type;        /* the following as in plx_part */
    castor_str  call_id;
    castor_str  call_name;
    castor_str  call_args;
    castor_str  signature;
    const char *finish;           /* in the last piece of a candidate, else NULL */
    uint64_t    due_us;           /* after the request */
    uint64_t    candidate_tokens; /* cumulative, of all candidates */
    uint64_t    image_tokens;     /* of those, for pictures */
    uint64_t    thought_tokens;
    bool        begins_thought;   /* the first piece of thoughts ... */
    bool        ends_thought;     /* ... and the first of something else behind them */
    bool        follows_calls;    /* its candidate has calls up to here */
    bool        opens_answer;     /* nothing went before it */
    bool        is_first;         /* of its candidate */
    bool        is_last;          /* of the answer */
};

/* Where a candidate's next piece stands. */
typedef struct plx_lane {
    size_t   part;                /* its index; part_count: only the finish reason is left */
    size_t   from, to;            /* of that part's text */
    uint64_t due_us;
    uint64_t waited_us;           /* for the case's waits so far */
    uint64_t paced_bytes;         /* up to the end of the piece ... */
    uint64_t first_bytes;         /* ... and of the first one, which comes at once whatever its length */
    uint64_t text_bytes;          /* before the piece */
    uint64_t thought_bytes;
    uint64_t thought_tokens;      /* counted so far */
    uint32_t call_count;
    uint32_t sequence;
    bool     is_thinking;
    bool     is_over;
} plx_lane;

typedef struct plx_cursor {
    const plx_answer *answer;
    plx_lane         *lanes;      /* one a candidate, and at least one */
    uint64_t          candidate_tokens;
    uint64_t          image_tokens;
    uint64_t          thought_tokens;
} plx_cursor;

/* Stands before the first piece. The caller keeps the lanes: plx_answer_lanes() of them. */
void     plx_cursor_begin(plx_cursor *cursor, const plx_answer *answer, plx_lane *lanes);
uint32_t plx_answer_lanes(const plx_answer *answer);

/* When the next piece is due, after the request; false: there are no more. */
bool plx_cursor_due(const plx_cursor *cursor, uint64_t *due_us);
bool plx_cursor_next(plx_cursor *cursor, plx_piece *piece);

/* ---- the totals ---- */

/* The last piece, with the sums over the whole answer. */
plx_piece plx_answer_last(const plx_answer *answer);

/* All texts, or all thoughts, of one candidate, appended to `out`. */
castor_status plx_answer_join(const plx_answer *answer, uint32_t candidate, plx_piece_kind kind, cst_buf *out);

#endif
