/* decoder_message.c -- any bytes as an answer in the message dialect: the events may not depend on the cuts.
 * SPDX-License-Identifier: MIT
 */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_dialect(CASTOR_DIALECT_MESSAGE, data, size);
    return 0;
}
