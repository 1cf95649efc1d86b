/* encoding.h -- the ways to put an answer into bytes: one table a dialect and framing.
 * SPDX-License-Identifier: MIT
 *
 * These are pollux's own: nothing of the library's dialects or framing is in them, so that one mistake cannot hide on
 * both sides of the wire.
 */
#ifndef PLX_ENCODING_H
#define PLX_ENCODING_H

#include "generate/answer.h"
#include "json_writer.h"
#include "proto/json_style.h"

typedef struct plx_encoding {
    const char *content_type;
    bool        is_attachment; /* as Google marks its event streams */

    /* A stream: appends what the piece becomes, or nothing; behind the last, if there is a last word, that. NULL: not a
     * stream. */
    castor_status (*print_piece)(const plx_answer *answer, const plx_piece *piece, cst_buf *out);
    castor_status (*print_end)(const plx_answer *answer, cst_buf *out); /* or NULL */

    /* Not a stream: the whole body. */
    castor_status (*print_whole)(const plx_answer *answer, cst_buf *out);
} plx_encoding;

/* Google's form of a whole body: in its style, and with an LF behind it. `put` writes it without white space. */
typedef castor_status plx_put_fn(cst_json_writer *writer, const plx_answer *answer);
castor_status plx_print_body(const plx_answer *answer, plx_put_fn *put, plx_json_style style, cst_buf *out);

/* Gemini's list of token counts by modality; nothing where all are zero. */
void plx_put_token_details(cst_json_writer *w, const char *key, const plx_token_sum *sum);

extern const plx_encoding plx_gemini_events;  /* alt=sse */
extern const plx_encoding plx_gemini_array;   /* a stream without alt=sse: one JSON array, sent piece by piece */
extern const plx_encoding plx_gemini_whole;
extern const plx_encoding plx_gemini_line;    /* the same with prettyPrint=false: in one line */
extern const plx_encoding plx_openai_events;
extern const plx_encoding plx_openai_whole;
extern const plx_encoding plx_message_lines;  /* the legacy method with "stream": true: one JSON object a line */
extern const plx_encoding plx_message_events; /* the same with alt=sse */
extern const plx_encoding plx_message_whole;
extern const plx_encoding plx_text_whole;     /* the legacy generateText */

#endif
