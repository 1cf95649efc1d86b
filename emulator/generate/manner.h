/* manner.h -- how pollux answers, as its command line says.
 * SPDX-License-Identifier: MIT
 */
#ifndef PLX_MANNER_H
#define PLX_MANNER_H

#include "base.h"

typedef struct plx_manner {
    castor_i64 seed;                /* of pollux's own words, of ids and delays; unset: the prompt's, and chance */
    int64_t    decode_cap;          /* tokens in one hop of a long decode; 0: as the service has it */
    bool       names_model_exactly; /* modelVersion is the model's name and does not say that it is emulated */
} plx_manner;

#endif
