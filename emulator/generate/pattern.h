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
 * PROTOCOL: it is something else (a look-ahead, a back reference, \b), and `out` is as it was.
 */
castor_status plx_pattern_print(castor_str pattern, cst_buf *out);

#endif
