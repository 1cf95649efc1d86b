/* pattern.h -- makes up a text that a simple regular expression matches. Pure.
 * SPDX-License-Identifier: MIT
 */
#ifndef PLX_PATTERN_H
#define PLX_PATTERN_H

#include "base.h"
#include "bounds.h"

/*
 * Knows characters and escapes (\d \w \s and their like), classes such as [a-z_], groups, alternatives (the first), and
 * the repetitions ? * + {n} {n,m}, of which it takes the least, but one rather than none. Anchors are dropped.
 *
 * `missing`: how many characters longer the text should be than that; repetitions that may be longer make it so.
 * `steps_left`: less by what was read and printed. PROTOCOL: it is something else (a look-ahead, a back reference, \b),
 * and `out` is as it was. LIMIT: it takes more steps than are left, or repeats too often.
 */
castor_status plx_pattern_print(castor_str pattern, size_t missing, size_t *steps_left, cst_buf *out);

#endif
