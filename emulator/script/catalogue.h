/* catalogue.h -- all the answers that pollux knows. Scripts that came while it runs stand first, the latest at the
 * front; then those it was given, in their order; then those it was built with. The first case that fits counts.
 * SPDX-License-Identifier: MIT
 */
#ifndef PLX_CATALOGUE_H
#define PLX_CATALOGUE_H

#include "bounds.h"
#include "script/script.h"

typedef struct plx_known_script plx_known_script;

struct plx_known_script {
    plx_known_script *next;
    plx_script        script;
    bool              is_played; /* it came while pollux runs */
};

/* All zero: empty. */
typedef struct plx_catalogue {
    plx_known_script *first;
    plx_known_script *removed;   /* out of sight, but answers under way may still use them */
    size_t            script_count;
    /* Whether a case's `fault` can be understood; NULL: it is not looked at. False: `why` has a sentence. */
    bool (*check_fault)(castor_str fault, char *why, size_t why_size);
} plx_catalogue;

/* In front of all others; `text` is copied. False: `why` has a sentence with the line. */
bool plx_catalogue_play(plx_catalogue *catalogue, castor_str text, char *why, size_t why_size);

/* Takes away what plx_catalogue_play has added. The cases stay where they are until plx_catalogue_sweep, which is for a
 * moment when no answer is under way. */
void plx_catalogue_remove_played(plx_catalogue *catalogue);
void plx_catalogue_sweep(plx_catalogue *catalogue);

/* Behind all others. False: `why` has a sentence with file and line. */
bool plx_catalogue_add_file(plx_catalogue *catalogue, const char *path, char *why, size_t why_size);
bool plx_catalogue_add_builtin(plx_catalogue *catalogue, char *why, size_t why_size);
void plx_catalogue_free(plx_catalogue *catalogue);

/* The first case that answers this prompt, or NULL. */
const plx_case *plx_catalogue_find(const plx_catalogue *catalogue, castor_str prompt);

/* answers.md as it was when pollux was built (see embed.cmake). */
extern const unsigned char plx_builtin_answers[];
extern const size_t        plx_builtin_answers_len;

#endif
