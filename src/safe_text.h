/* safe_text.h -- text of others, made harmless for a terminal. Pure; the face of it is in castor.h.
 * SPDX-License-Identifier: MIT
 */
#ifndef CST_SAFE_TEXT_H
#define CST_SAFE_TEXT_H

#include "base.h"

typedef enum cst_look {
    CST_LOOK_SEEN,   /* takes part in what one sees; nothing to do */
    CST_LOOK_UNSEEN, /* shows nothing, but works upon its neighbours: joiners, selectors, marks of direction */
    CST_LOOK_HOSTILE /* steers a terminal, turns text around, or only hides something */
} cst_look;

/* Of any code point. */
cst_look cst_look_of(uint32_t code);

#endif
