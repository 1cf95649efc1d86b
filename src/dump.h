/* dump.h -- a recording as a script that pollux plays (docs/wire-cases.md). Pure.
 * SPDX-License-Identifier: MIT
 */
#ifndef CST_DUMP_H
#define CST_DUMP_H

#include "frame.h"
#include "recorder.h"

/* What the recorder does not know. */
typedef struct cst_dump_facts {
    castor_str          url;
    castor_dialect      dialect;
    cst_framing         framing;
    castor_verdict      verdict;
    const char         *message;    /* what went wrong, secrets taken out; NULL: nothing */
} cst_dump_facts;

/* Into recorder->script. The bytes are printed as they are held: finish the recording before. NO_MEMORY, LIMIT. */
castor_status cst_dump_print(cst_recorder *recorder, const cst_dump_facts *facts);

#endif
