/* ask.h -- what a request asks for, whichever dialect it was asked in.
 * SPDX-License-Identifier: MIT
 */
#ifndef PLX_ASK_H
#define PLX_ASK_H

#include "proto/fields.h"

typedef enum plx_shape {
    PLX_SHAPE_TEXT = 0,
    PLX_SHAPE_JSON, /* a document, by `schema` if there is one */
    PLX_SHAPE_ENUM  /* one value of the schema's list */
} plx_shape;

/* Views point into the body's document or into the arena given while reading. */
typedef struct plx_ask {
    castor_str      model;             /* without "models/" */
    castor_str      prompt;            /* the text of the last turn of the user */
    uint64_t        prompt_tokens;     /* of all that was sent, and of the cache that it names */
    uint64_t        cached_tokens;     /* of that cache alone */
    const cst_json *echo;              /* legacy messages: the list that the answer repeats, or NULL */
    int64_t         candidate_count;
    castor_i64      max_output_tokens; /* thoughts included */
    castor_str      stop_sequences[PLX_STOP_SEQUENCES_MAX];
    size_t          stop_sequence_count;
    bool            includes_thoughts;
    bool            may_think;         /* false: a thinking budget of 0 */
    bool            wants_stream;      /* asked for in the body; not how Gemini does it */
    bool            wants_usage;       /* stream_options.include_usage */
    plx_shape       shape;
    const cst_json *schema;
} plx_ask;

/* Each reads a body of its dialect. `model` is the path's, absent if the path has none. False: `refusal` tells why. */
bool plx_ask_read_gemini(plx_ask *ask, const cst_json *body, castor_str model, cst_arena *arena, plx_refusal *refusal);
bool plx_ask_read_openai(plx_ask *ask, const cst_json *body, castor_str model, cst_arena *arena, plx_refusal *refusal);
bool plx_ask_read_message(plx_ask *ask, const cst_json *body, castor_str model, cst_arena *arena, plx_refusal *refusal);

/* An estimate, and the same everywhere: one token for every four bytes begun. No text, no token. */
uint64_t plx_token_count(size_t bytes);

#endif
