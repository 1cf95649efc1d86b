/* chat_answer.h -- what a chat completion says, chunk by chunk or whole. Pure.
 * SPDX-License-Identifier: MIT
 *
 * Text and thoughts are told as they come. A call of a function comes in fragments and is told when it is whole.
 */
#ifndef PLX_CHAT_ANSWER_H
#define PLX_CHAT_ANSWER_H

#include "bounds.h"
#include "json.h"

typedef enum plx_saying_kind {
    PLX_SAYING_TEXT = 0,
    PLX_SAYING_THOUGHT,
    PLX_SAYING_CALL
} plx_saying_kind;

/* Views live until the function that is told has returned. */
typedef struct plx_saying {
    plx_saying_kind kind;
    uint32_t        candidate;
    castor_str      text;
    castor_str      call_id; /* maybe empty */
    castor_str      call_name;
    castor_str      call_args; /* JSON, an object without white space */
    castor_str      call_signature; /* the upstream's own; empty: it has none */
} plx_saying;

typedef castor_status plx_saying_fn(void *user, const plx_saying *saying);

/* A call whose fragments are still coming. */
typedef struct plx_call_draft {
    cst_buf id, name, args, signature;
    int64_t index;
    bool    is_open;
} plx_call_draft;

typedef struct plx_chat_choice {
    plx_call_draft draft;
    const char    *finish; /* in Gemini's words; NULL: not yet */
} plx_chat_choice;

typedef struct plx_chat_answer {
    plx_saying_fn  *say;
    void           *user;
    plx_chat_choice choices[PLX_CANDIDATES_MAX];
    uint32_t        choice_count;  /* seen so far */
    castor_i64      prompt_tokens; /* the last that was told; unset: nothing was */
    castor_i64      output_tokens; /* thoughts included */
    castor_i64      thought_tokens;
    castor_i64      cached_tokens;
    cst_buf         model;         /* empty: unsaid */
    cst_buf         error;         /* what an error in the stream said, if there was one */
    int             error_code;    /* an HTTP status, 0 if it gave none */
    bool            has_error;
    cst_json_doc    doc;
} plx_chat_answer;

void plx_chat_answer_init(plx_chat_answer *answer, plx_saying_fn *say, void *user);
void plx_chat_answer_free(plx_chat_answer *answer);

/* Reads a chunk, or a whole completion. PROTOCOL: it is neither; else what `say` returned, LIMIT or NO_MEMORY. */
castor_status plx_chat_answer_read(plx_chat_answer *answer, castor_str json);

/* Nothing more comes: tells what was still open. */
castor_status plx_chat_answer_end(plx_chat_answer *answer);

/* What the body of an error says, in whatever shape; empty: nothing that we understand. Views live in `doc`. */
castor_str plx_chat_error_text(cst_json_doc *doc, castor_str body);

#endif
