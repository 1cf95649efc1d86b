/* model_table.h -- the models that pollux knows, and what is true of each. Pure but for the reading of a file.
 * SPDX-License-Identifier: MIT
 *
 * The facts stand in models.txt, which also says what its lines mean. Rules about requests ask the table, never a name.
 */
#ifndef PLX_MODEL_TABLE_H
#define PLX_MODEL_TABLE_H

#include "base.h"
#include "bounds.h"

typedef enum plx_thinking_level {
    PLX_THINKING_NONE    = 0,
    PLX_THINKING_MINIMAL = 1 << 0,
    PLX_THINKING_LOW     = 1 << 1,
    PLX_THINKING_MEDIUM  = 1 << 2,
    PLX_THINKING_HIGH    = 1 << 3
} plx_thinking_level;

typedef enum plx_model_status {
    PLX_MODEL_STABLE = 0,
    PLX_MODEL_PREVIEW,
    PLX_MODEL_DEPRECATED,
    PLX_MODEL_LEGACY /* not in the list of models */
} plx_model_status;

typedef struct plx_model {
    castor_str name;               /* without "models/"; of a family: how the names of its members begin */
    bool       is_family;          /* stands for names that the table does not have */
    castor_str version;            /* these three as the list of models shows them; absent when not known */
    castor_str title;
    castor_str about;
    int        generation;         /* ten times the number: 25, 31, 40; 0: no Gemini */
    int64_t    input_tokens_max;
    int64_t    output_tokens_max;
    int64_t    cache_tokens_least; /* of what createCachedContent makes */

    castor_str methods[PLX_MODEL_METHODS_MAX]; /* "generateContent", ...: see plx_model_offers */
    size_t     method_count;

    castor_f64 temperature;        /* the defaults of sampling; unset where the model has none */
    castor_f64 top_p;
    castor_i64 top_k;
    castor_f64 temperature_max;

    unsigned           thinking_levels;  /* bits of plx_thinking_level; 0: thinkingLevel is refused */
    plx_thinking_level thinking_default; /* one of them */
    castor_i64         budget_least;     /* of a thinkingBudget in tokens; unset: levels are the model's way */
    castor_i64         budget_most;
    bool               may_not_think;    /* a budget of 0 is allowed besides */
    bool               thinks_unasked;   /* false: only with a budget, or not at all */
    bool               refuses_prefill;  /* the last turn of a request may not be the model's */
    bool               makes_images;     /* unless it is asked for text alone */

    int64_t dimensions_least;      /* of an embedding; 0: the model makes none */
    int64_t dimensions_most;
    int64_t dimensions_default;
    bool    is_unit;               /* shortened embeddings have length 1 too */
    bool    knows_tasks;           /* the task type turns an embedding; else it is ignored */

    plx_model_status status;
    bool             is_free;      /* the free tier has it */
    castor_str       served_by;    /* the model that requests go to: always, or from the shutdown on; absent: itself */
    castor_i64       shutdown_day; /* counted from 1970-01-01; unset: never */
} plx_model;

typedef struct plx_model_table plx_model_table;

/* Reads the file at `path`, or, when that is NULL, the one that was built in. False: `why` has a sentence with file and
 * line. `without_families`: names that the file does not have are not found. */
bool plx_model_table_new(plx_model_table **out, const char *path, bool without_families, char *why, size_t why_size);
void plx_model_table_free(plx_model_table *table);

/* In the order of the file, families among them. */
size_t           plx_model_count(const plx_model_table *table);
const plx_model *plx_model_at(const plx_model_table *table, size_t index);

/* The file that it was read from. */
castor_str plx_model_table_text(const plx_model_table *table);

/* By its name, with or without "models/"; what shut down is found too. NULL: there is no such model. */
const plx_model *plx_model_find(const plx_model_table *table, castor_str name);

/* The model that answers for `model`, which may be itself, so many days after the file's day. NULL: it shut down. */
const plx_model *plx_model_serving(const plx_model_table *table, const plx_model *model, int64_t days_later);

/* `method` as the list of models has it: "generateContent" stands for streams too. */
bool plx_model_offers(const plx_model *model, const char *method);

/* "models/x" and "tunedModels/x" become "x". */
castor_str plx_model_bare_name(castor_str name);

/* models.txt as it was when pollux was built. */
extern const unsigned char plx_builtin_models[];
extern const size_t        plx_builtin_models_len;

#endif
