/* catalogue.h -- all the answers that pollux knows: the scripts it was given, then those it was built with.
 * SPDX-License-Identifier: MIT
 */
#ifndef PLX_CATALOGUE_H
#define PLX_CATALOGUE_H

#include "bounds.h"
#include "script/script.h"

typedef struct plx_catalogue {
    plx_script scripts[PLX_SCRIPTS_MAX + 1];
    size_t     script_count;
} plx_catalogue;

/* Both add behind what is there; the earlier script wins. False: `why` has a sentence with file and line. */
bool plx_catalogue_add_file(plx_catalogue *catalogue, const char *path, char *why, size_t why_size);
bool plx_catalogue_add_builtin(plx_catalogue *catalogue, char *why, size_t why_size);
void plx_catalogue_free(plx_catalogue *catalogue);

/* The first case that answers this prompt, or NULL. */
const plx_case *plx_catalogue_find(const plx_catalogue *catalogue, castor_str prompt);

/* answers.md as it was when pollux was built (see embed.cmake). */
extern const unsigned char plx_builtin_answers[];
extern const size_t        plx_builtin_answers_len;

#endif
