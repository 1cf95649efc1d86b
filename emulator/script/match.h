/* match.h -- which prompts a case answers. Pure.
 * SPDX-License-Identifier: MIT
 */
#ifndef PLX_MATCH_H
#define PLX_MATCH_H

#include "script/script.h"

/* Whether pollux answers this prompt with this case: by its `?` words, or, without any, by its heading. */
bool plx_case_matches(const plx_case *one, castor_str prompt);

#endif
