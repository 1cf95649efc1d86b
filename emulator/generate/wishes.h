/* wishes.h -- what a prompt can ask of pollux itself: lines such as "pollux: finish SAFETY". Pure.
 * SPDX-License-Identifier: MIT
 *
 * The one table of them: it is obeyed, printed by `pollux prompts`, and compared with the manual by a test.
 */
#ifndef PLX_WISHES_H
#define PLX_WISHES_H

#include "base.h"
#include "bounds.h"

/* All absent or false: the prompt has none. A view points into the prompt. */
typedef struct plx_wishes {
    bool        are_there;
    const char *block;       /* "SAFETY": the prompt is blocked */
    const char *finish;      /* "RECITATION": how the answer ends ... */
    bool        ends_late;   /* ... after some text */
    castor_str  call;        /* "get_weather {...}", or several names */
    castor_str  say;
    castor_i64  tokens;      /* a text of so many */
    castor_i64  thoughts;    /* thinking of so many tokens, whatever else is said about it */
    bool        is_empty;
    bool        has_image;
    bool        has_sound;
    bool        runs_code;
    bool        searches;
    bool        reads_urls;
    bool        cites;
} plx_wishes;

plx_wishes plx_wishes_read(castor_str prompt);

/* A row of the table: "pollux: finish REASON", and a sentence. */
typedef struct plx_wish_form {
    const char *form;
    const char *what;
} plx_wish_form;

/* The row at `index`; the form is NULL behind the last. */
plx_wish_form plx_wish_form_at(size_t index);

#endif
