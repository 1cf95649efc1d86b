/* record.h -- the file of --record: what came over the wire, for pollux to play again.
 * SPDX-License-Identifier: MIT
 *
 * It is opened before anything is sent, so that a call that costs money is not made for a file that cannot be written;
 * and it takes the place of an older one only when all of it is there.
 */
#ifndef CLI_RECORD_H
#define CLI_RECORD_H

#include "castor/castor.h"
#include "fault.h"

/* Zeroed: nothing is to be recorded. */
typedef struct cli_record {
    char *path; /* where it is to stand, behind all symbolic links */
    char *part; /* where it is written, beside it; NULL: into `path` itself, which is a pipe or a device */
    int   fd;
} cli_record;

/* Only the user can read the file. */
bool cli_record_open(cli_record *record, const char *path, cli_fault *fault);

/* The whole of it. */
bool cli_record_write(cli_record *record, castor_str script, cli_fault *fault);

/* Takes away what was not finished. */
void cli_record_close(cli_record *record);

#endif
