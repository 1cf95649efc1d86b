/* witness.h -- counts what is asked, and keeps the last of it: for a program that has the twin inside.
 * SPDX-License-Identifier: MIT
 */
#ifndef PLX_WITNESS_H
#define PLX_WITNESS_H

#include "http/head.h"

typedef struct plx_witness {
    uint64_t request_count;
    cst_buf  text; /* method, target, headers and body of the last one, each with a NUL; empty when memory ran out */
    size_t   target_at;
    size_t   headers_at;
    size_t   body_at;
} plx_witness;

void plx_witness_init(plx_witness *witness);
void plx_witness_free(plx_witness *witness);

void plx_witness_note(plx_witness *witness, const plx_head *head, castor_str body);

#endif
