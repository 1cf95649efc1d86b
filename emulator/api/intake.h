/* intake.h -- a file on its way in: its bytes are counted and hashed as they come, and dropped unless they are needed.
 * SPDX-License-Identifier: MIT
 */
#ifndef PLX_INTAKE_H
#define PLX_INTAKE_H

#include "api/files.h"

typedef struct plx_intake {
    plx_file_facts facts;
    castor_i64     size_told;  /* by the client, beforehand */
    void          *sha256;     /* OpenSSL's */
} plx_intake;

/* Reads {"file":{...}} into the facts; an empty text is as good as {}. */
bool plx_intake_read_meta(plx_intake *intake, castor_str text, const plx_files *files, plx_refusal *refusal);

/* What the client says outside of that; the first word counts. An absent view says nothing. */
void plx_intake_offer_type(plx_intake *intake, castor_str mime_type);
void plx_intake_offer_name(plx_intake *intake, castor_str display_name);

/* Once all of the above is known. From here on it must be freed. */
bool plx_intake_begin(plx_intake *intake, plx_files *files, plx_refusal *refusal);
void plx_intake_free(plx_intake *intake); /* takes one that was zeroed and never begun */

/* False: more than was told, or than a file may have; nothing of it is taken. */
bool plx_intake_take(plx_intake *intake, castor_str bytes, plx_refusal *refusal);

/* All has come: makes the file. */
plx_file *plx_intake_finish(plx_intake *intake, plx_world *world, plx_refusal *refusal);

#endif
