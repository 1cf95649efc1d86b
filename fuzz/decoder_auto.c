/* decoder_auto.c -- any bytes as an answer whose dialect nobody told: the events may not depend on the cuts.
 * SPDX-License-Identifier: MIT
 */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_dialect(CASTOR_DIALECT_DEFAULT, data, size);
    return 0;
}
