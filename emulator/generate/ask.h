/* ask.h -- what a request asks for, whichever dialect it was asked in.
 * SPDX-License-Identifier: MIT
 */
#ifndef PLX_ASK_H
#define PLX_ASK_H

#include "generate/model_table.h"
#include "generate/tokens.h"
#include "proto/fields.h"

typedef enum plx_shape {
    PLX_SHAPE_TEXT = 0,
    PLX_SHAPE_JSON, /* a document, by `schema` if there is one */
    PLX_SHAPE_ENUM  /* one value of the schema's list */
} plx_shape;

/* A function that the model may call. */
typedef struct plx_function {
    castor_str      name;
    castor_str      description;
    const cst_json *parameters;        /* a schema of either kind; NULL: it takes none */
} plx_function;

typedef enum plx_call_mode {
    PLX_CALLS_AUTO = 0, /* and VALIDATED: if the prompt asks for it */
    PLX_CALLS_ANY,      /* always */
    PLX_CALLS_NONE
} plx_call_mode;

/* What a function that was called has given, in the last turn. */
typedef struct plx_function_result {
    castor_str name;
    castor_str json; /* or any text */
} plx_function_result;

/* The tools that the service itself has. */
enum {
    PLX_TOOL_SEARCH = 1 << 0,
    PLX_TOOL_URLS   = 1 << 1,
    PLX_TOOL_CODE   = 1 << 2,
    PLX_TOOL_OTHER  = 1 << 3
};

enum {
    PLX_MAKES_TEXT  = 1 << 0,
    PLX_MAKES_IMAGE = 1 << 1,
    PLX_MAKES_AUDIO = 1 << 2
};

/* Views point into the body's document or into the arena given while reading; an answer outlives both. */
typedef struct plx_ask {
    castor_str       model;             /* without "models/" */
    const plx_model *facts;             /* of the one that answers; never NULL, and lives as long as the table */
    castor_str       prompt;            /* the text of the last turn of the user */
    castor_str       last_words;        /* the last part of it */
    plx_token_sum    prompt_tokens;     /* of all that was sent; whoever keeps the cache that it names adds that */
    plx_token_sum    cached_tokens;     /* of the cache alone */
    castor_str       echo;              /* legacy messages: the list that the answer repeats, as JSON; or absent */
    int64_t          candidate_count;
    castor_i64       max_output_tokens; /* thoughts included; over all hops of a long decode */
    castor_str       stop_sequences[PLX_STOP_SEQUENCES_MAX];
    size_t           stop_sequence_count;
    castor_i64       seed;
    unsigned         modalities;        /* bits of PLX_MAKES_... */
    castor_str       service_tier;      /* "standard" */

    bool               includes_thoughts;
    bool               may_think;       /* false: a thinking budget of 0, or a model that does not think */
    castor_i64         thinking_budget; /* unset or -1: as the model likes */
    plx_thinking_level thinking_level;  /* asked for, or the model's default */

    plx_shape       shape;
    const cst_json *schema;

    plx_function        *functions;     /* those that may be called */
    size_t               function_count;
    plx_call_mode        call_mode;
    plx_function_result *results;       /* the last turn brings these; `prompt` is then what led to the calls */
    size_t               result_count;
    unsigned             tools;         /* bits of PLX_TOOL_... */
    bool                 shows_tools;   /* calls of the service's own tools are parts of the answer */

    castor_str continuation_token;      /* absent: the first hop */
    int64_t    hop_tokens_max;          /* of this one answer; 0: no such limit */

    bool has_signatures;                /* the dialect shows those of texts */
    bool wants_stream;                  /* asked for in the body; not how Gemini does it */
    bool wants_usage;                   /* stream_options.include_usage */
} plx_ask;

/* On which terms a body is read. */
typedef struct plx_terms {
    castor_str       model;          /* that is asked for, with or without "models/" */
    const plx_model *facts;          /* of the one that answers; NULL: not known */
    cst_arena       *arena;          /* for what reading makes */
    bool             is_plain;       /* the answer comes in one piece, and no client of Google's asks: then a long
                                        decode gives half as much */
    bool             only_counts;    /* nothing is to be answered: limits and the rules of turns do not count */
    int64_t          hop_tokens_max; /* 0: the family's own */
} plx_terms;

/* Each reads a body of its dialect. False: `refusal` tells why. */
bool plx_ask_read_gemini(plx_ask *ask, const cst_json *body, const plx_terms *terms, plx_refusal *refusal);
bool plx_ask_read_openai(plx_ask *ask, const cst_json *body, const plx_terms *terms, plx_refusal *refusal);
bool plx_ask_read_message(plx_ask *ask, const cst_json *body, const plx_terms *terms, plx_refusal *refusal);
bool plx_ask_read_text(plx_ask *ask, const cst_json *body, const plx_terms *terms, plx_refusal *refusal);

#endif
