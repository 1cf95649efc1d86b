/* opaque.h -- what pollux gives out to be brought back unchanged: thought signatures and continuation tokens. Pure.
 * SPDX-License-Identifier: MIT
 *
 * To a client they are base64 without a meaning. Pollux knows its own again, and sees whether they came back whole.
 */
#ifndef PLX_OPAQUE_H
#define PLX_OPAQUE_H

#include "base.h"

enum { PLX_OPAQUE_NUMBERS = 4, PLX_OPAQUE_LEN = 56 };

typedef enum plx_opaque_kind {
    PLX_OPAQUE_SIGNATURE = 0,
    PLX_OPAQUE_CONTINUATION
} plx_opaque_kind;

typedef enum plx_opaque_found {
    PLX_OPAQUE_FOREIGN = 0, /* not of pollux, or not of this kind */
    PLX_OPAQUE_WHOLE,
    PLX_OPAQUE_CORRUPTED    /* of pollux once */
} plx_opaque_found;

/* PLX_OPAQUE_LEN characters of base64 and a NUL. */
void plx_opaque_print(char out[PLX_OPAQUE_LEN + 1], plx_opaque_kind kind, const uint64_t numbers[PLX_OPAQUE_NUMBERS]);

/* Reads either alphabet, with or without padding. `numbers` are set when it is whole, and may be NULL. */
plx_opaque_found plx_opaque_read(castor_str text, plx_opaque_kind kind, uint64_t *numbers);

/* FNV-1a, to go on with: begin with PLX_HASH_BEGIN. */
#define PLX_HASH_BEGIN UINT64_C(0xCBF29CE484222325)
uint64_t plx_hash(uint64_t hash, castor_str text);

#endif
