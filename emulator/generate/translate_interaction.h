/* translate_interaction.h -- an interaction's request in the words of generateContent. Pure.
 * SPDX-License-Identifier: MIT
 *
 * Both ask the same models the same things. So what they check, count and answer is written once: ask.h reads what
 * comes out here.
 */
#ifndef PLX_TRANSLATE_INTERACTION_H
#define PLX_TRANSLATE_INTERACTION_H

#include "generate/ask_interaction.h"
#include "generate/model_table.h"
#include "generate/course.h"
#include "json_cursor.h"
#include "json_writer.h"

/* What came before: the conversation up to the previous answer, and that answer. Lists are elements of
 * generateContent's `contents`, absent at the beginning. */
typedef struct plx_conversation {
    castor_str        contents;
    castor_str        begun;    /* of the answer, by interactions that this one went on with */
    const plx_course *answer;   /* ended; NULL at the beginning */
} plx_conversation;

typedef struct plx_translation {
    cst_buf body;            /* of generateContent */
    cst_buf contents;        /* the elements of the body's `contents`, for a later interaction */
    cst_buf begun;           /* likewise, when this one goes on with an answer: what of it there is already */
    cst_buf input_steps;     /* the input as the elements of a list of steps */
} plx_translation;

void plx_translation_init(plx_translation *translation, const cst_allocator *allocator);
void plx_translation_free(plx_translation *translation);

/* `body` is a cursor at a body that plx_interaction_ask_read has taken. False: `refusal` tells why. */
bool plx_interaction_translate(plx_translation *translation, const plx_interaction_ask *ask, const plx_model *model,
                               cst_json_cursor body, const plx_conversation *before, plx_refusal *refusal);

/* The part of it that is no input: members of generateContent's body. False: `refusal` tells why. */
bool plx_interaction_put_settings(cst_json_writer *w, const plx_interaction_ask *ask, const plx_model *model,
                                  cst_json_cursor body, plx_refusal *refusal);

#endif
