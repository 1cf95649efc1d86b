/* words.h -- the texts that pollux makes up itself: honest, varied by a seed, as long as asked for. Pure.
 * SPDX-License-Identifier: MIT
 */
#ifndef PLX_WORDS_H
#define PLX_WORDS_H

#include "base.h"
#include "bounds.h"

/*
 * An answer to a prompt that no script knows. The same prompt and seed give the same text. It says what pollux is, and
 * then as much more as the prompt asks for ("in 200 words", "5 sentences", "a list of 5").
 */
castor_status plx_words_answer(castor_str prompt, uint64_t seed, cst_buf *out);

/* A long text of so many tokens, in numbered paragraphs, so that a gap or a repetition shows. */
castor_status plx_words_long(int64_t tokens, uint64_t seed, cst_buf *out);

/* A summary of thoughts that nobody had. */
castor_str plx_words_thought(void);

#endif
