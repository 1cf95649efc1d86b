/* embedding.h -- vectors for texts. Pure.
 * SPDX-License-Identifier: MIT
 *
 * There is no meaning in them, but enough of words that a test of retrieval finds what it should: each word has a
 * direction of its own, drawn by its letters, and a text goes where its words go. So texts that share words stand near
 * each other. The commonest words of English count little, an "s" at the end counts for nothing, and words that begin
 * alike are a little alike. A little of the whole text is in it too, so that no two texts have the same vector.
 */
#ifndef PLX_EMBEDDING_H
#define PLX_EMBEDDING_H

#include "generate/model_table.h"
#include "json_writer.h"

/* Fills `count` values, at most the model's `dimensions_most`. `task` is a task type, or absent: it turns the vector a
 * little where the model knows tasks. The first values of a vector are those of the longer one of the same text, but
 * for their length. */
void plx_embedding_fill(float *values, size_t count, const plx_model *model, castor_str text, castor_str task);

/* As a list of numbers. */
void plx_embedding_put(cst_json_writer *writer, const float *values, size_t count);

#endif
