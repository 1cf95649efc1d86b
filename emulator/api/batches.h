/* batches.h -- batch jobs: their rows, how far they are, and what came of them.
 * SPDX-License-Identifier: MIT
 *
 *   PENDING --at running_us--> RUNNING --at due_us, when its rows are answered--> SUCCEEDED, or FAILED: no JSON Lines
 *      |                          |
 *      +------- cancel -----------+--> CANCELLED
 *      +------- 48 hours ---------+--> EXPIRED
 *
 * All on the world's clock. --batch-time is what lies between creation and due_us, the first quarter of it PENDING.
 * Rows are answered when somebody looks at a job that is due, in slices of one turn of the loop each, so that a large
 * job holds up nobody but who looks at it; its times are as if they had been answered all along. A display name with
 * "pollux: fail" in it makes the job fail, one with "pollux: expire" keeps it RUNNING until it expires, and with
 * "pollux: shuffle" the results in its file stand in another order, the last line without an end.
 */
#ifndef PLX_BATCHES_H
#define PLX_BATCHES_H

#include "api/intake.h"
#include "api/shelf.h"
#include "proto/fields.h"

typedef enum plx_batch_state {
    PLX_BATCH_PENDING = 0,
    PLX_BATCH_RUNNING,
    PLX_BATCH_SUCCEEDED, /* from here on it has ended */
    PLX_BATCH_FAILED,
    PLX_BATCH_CANCELLED,
    PLX_BATCH_EXPIRED
} plx_batch_state;

enum { PLX_BATCH_MODEL_SIZE = 160 };

typedef struct plx_batch plx_batch;

/* What is different from one kind of job to the other. */
typedef struct plx_batch_kind {
    const char *method;      /* as the list of models has it */
    const char *request;     /* as error texts have it */
    const char *type;        /* of the job, and ... */
    const char *output_type; /* ... of its results, each without its package */
    const char *list;        /* of results that are in no file */
    const plx_message_type *row; /* what a row asks */

    /* Answers a row, at once: writes the member "response", or "error" when the row is refused, and then `*is_refused`.
     * NO_MEMORY or LIMIT: neither. The arena is rewound by the caller. */
    castor_status (*answer_row)(plx_world *world, const plx_batch *batch, const cst_json *request, cst_arena *arena,
                                cst_json_writer *out, bool *is_refused);
} plx_batch_kind;

/* batch_row.c */
extern const plx_batch_kind plx_batch_of_content;
extern const plx_batch_kind plx_batch_of_embeddings;

struct plx_batch {
    plx_shelved           shelved;   /* "batches/abc" */
    const plx_batch_kind *kind;
    bool                  is_file;   /* its rows came in a file, and its results go to one */
    char                  model[PLX_BATCH_MODEL_SIZE];   /* "models/x", as it was asked for */
    char                  version[PLX_BATCH_MODEL_SIZE]; /* what answers call it */
    const plx_model      *serving;   /* that answers for it */
    char                  display_name[PLX_DISPLAY_NAME_CHARS_MAX * 4 + 1];
    int64_t               priority;
    uint64_t              row_count;

    int64_t               running_us;
    int64_t               due_us;
    int64_t               ended_us;
    plx_batch_state       end;       /* once it has ended; PENDING before */
    char                  why[256];  /* it FAILED */

    plx_blob             *rows;      /* one a line; NULL: its file was no JSON Lines, or all is done */
    plx_blob_lines        lines;     /* of them, once they are being read */
    plx_intake            results;   /* one a line */
    cst_buf               held;      /* a result that stands behind the next one */
    bool                  is_begun;  /* `lines`, `results` and `held` are in use */
    uint64_t              answered_count;
    uint64_t              failed_count; /* of these */
    char                  results_name[PLX_RESOURCE_NAME_SIZE]; /* "files/batch-abc"; empty: none */
};

typedef struct plx_batches plx_batches;

plx_batches *plx_batches_new(uint32_t batch_ms); /* NULL: no memory */
void         plx_batches_free(plx_batches *batches);
plx_shelf   *plx_batches_shelf(plx_batches *batches);

/* Puts one on the shelf whose owner, model, names and rows are known, and sets its times. False: refused; it is then
 * still the caller's, to be freed by plx_batch_free. */
bool plx_batches_add(plx_world *world, plx_batch *batch, plx_refusal *refusal);
void plx_batch_free(plx_shelved *one);

/* NULL: refused. */
plx_batch *plx_batches_find(const plx_world *world, plx_owner owner, castor_str id, plx_refusal *refusal);

plx_batch_state plx_batch_state_at(const plx_batch *batch, int64_t now_us);

/* Answers rows until the time is over (on the clock of plx_reply_now_us), if it is due. False: more are left. */
bool plx_batch_work(plx_world *world, plx_batch *batch, const plx_reply *reply, uint64_t until_us);

/* Without effect when it has ended, or should have. */
void plx_batch_cancel(plx_batch *batch, int64_t now_us);

/* ---- batch_send.c ---- */

/* Answers with the operation. */
void plx_batch_send(plx_exchange *exchange, const plx_batch *batch);

/* The operation for a list of them: without results that are in no file, of which a page could hold gigabytes. Not
 * listed, it has a mark in their place. */
void plx_batch_put(cst_json_writer *writer, const plx_batch *batch, const plx_exchange *exchange, bool is_listed);

/* The batch itself. */
void plx_batch_put_metadata(cst_json_writer *writer, const plx_batch *batch, int64_t now_us, bool shows_output,
                            bool shows_type);

#endif
