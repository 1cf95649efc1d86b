/* model_lines.h -- reads the lines of models.txt. Pure.
 * SPDX-License-Identifier: MIT
 */
#ifndef PLX_MODEL_LINES_H
#define PLX_MODEL_LINES_H

#include "generate/model_table.h"

struct plx_model_table {
    plx_model models[PLX_MODELS_MAX];
    size_t    model_count;
    int64_t   as_of_day; /* from 1970-01-01 */
    bool      without_families;
    char     *text;      /* what the views point into */
};

/* Fills the table from a text that must live as long. False: `why` says what is wrong in which line. */
bool plx_model_lines_read(plx_model_table *table, castor_str text, char *why, size_t why_size);

#endif
