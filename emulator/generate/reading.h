/* reading.h -- what the readers of all dialects do alike while they read one body.
 * SPDX-License-Identifier: MIT
 */
#ifndef PLX_READING_H
#define PLX_READING_H

#include "generate/ask.h"
#include "generate/turns.h"

typedef struct plx_reading {
    plx_ask         *ask;
    const plx_terms *terms;
    plx_refusal     *refusal;
    plx_turns        turns;
    cst_buf          prompt;         /* of the content of the user that counts so far */
    size_t           last_words_at;  /* in it */
    bool             is_in_prompt;   /* the content under way is that one */
    bool             is_cut_to_fit;  /* no prompt is too long */
    cst_buf          functions;      /* plx_function each */
    cst_buf          results;        /* plx_function_result each */
    cst_buf          scratch;
} plx_reading;

/* Sets the ask to one that wants nothing, of the model of the terms. */
void plx_reading_begin(plx_reading *r, plx_ask *ask, const plx_terms *terms, plx_refusal *refusal);

/* Each of these returns false, with a refusal, when something is wrong. `plx_reading_end` must be called in any case;
 * it hands over what was gathered, and returns `is_read` unless that fails. */
bool plx_reading_end(plx_reading *r, bool is_read);

/* ---- contents, in their order ---- */

bool plx_reading_open(plx_reading *r, plx_side side);
bool plx_reading_say(plx_reading *r, castor_str words);
bool plx_reading_call(plx_reading *r, castor_str name, castor_str id, castor_str signature);
bool plx_reading_respond(plx_reading *r, castor_str name, castor_str id, castor_str json);
bool plx_reading_close(plx_reading *r);

/* ---- tokens ---- */

void plx_reading_count_text(plx_reading *r, castor_str text);
void plx_reading_count_data(plx_reading *r, castor_str mime_type, castor_i64 bytes);
/* JSON counts as text; the view is that text, until the next call. */
castor_str plx_reading_count_json(plx_reading *r, const cst_json *value);

/* ---- settings ---- */

bool plx_reading_add_function(plx_reading *r, const plx_function *function);
bool plx_reading_allow(plx_reading *r, const cst_json *names); /* of the functions only these */
bool plx_reading_stops(plx_reading *r, const cst_json *stops, const char *path);
/* A number of sampling, from 0 to `most`; `path` is that of the object, for the error. */
bool plx_reading_range(plx_reading *r, const cst_json *object, const char *name, const char *path, double most);
bool plx_reading_candidates(plx_reading *r, const cst_json *object, const char *name, const char *path);
bool plx_reading_think(plx_reading *r, castor_i64 budget, const char *level);
bool plx_reading_limit(plx_reading *r, castor_i64 max_output_tokens);
bool plx_reading_no_memory(plx_reading *r);

#endif
