/* syntax.h -- what is wrong with a body that is no JSON, in the words of Google's parser.
 * SPDX-License-Identifier: MIT
 */
#ifndef PLX_SYNTAX_H
#define PLX_SYNTAX_H

#include "proto/refusal.h"

/* A 400 that says what was expected, with what stands around the byte at `offset`, where reading stopped, and a caret
 * under it. What stands before that byte must be JSON so far. Returns false. */
bool plx_refuse_syntax(plx_refusal *refusal, castor_str body, size_t offset);

#endif
