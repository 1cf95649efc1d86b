/* batch_row.h -- answers one row of a batch as generateContent answers it, but at once.
 * SPDX-License-Identifier: MIT
 */
#ifndef PLX_BATCH_ROW_H
#define PLX_BATCH_ROW_H

#include "api/batches.h"

/*
 * Writes the member "response", or "error" when the row is refused, and then `*is_refused`. NO_MEMORY or LIMIT: neither.
 * The arena is rewound by the caller.
 */
castor_status plx_batch_answer_row(plx_world *world, const plx_batch *batch, const cst_json *request, cst_arena *arena,
                                   cst_json_writer *out, bool *is_refused);

/* google.rpc.Code, as errors inside of operations have it. */
int plx_rpc_code_of(const plx_refusal *refusal);

#endif
