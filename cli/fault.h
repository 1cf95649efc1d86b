/* fault.h -- why the command cannot go on: a sentence, and the exit status that it ends with.
 * SPDX-License-Identifier: MIT
 */
#ifndef CLI_FAULT_H
#define CLI_FAULT_H

#include <stdbool.h>

#include "limits.h"

enum { CLI_EXIT_OK = 0, CLI_EXIT_FAILED = 1, CLI_EXIT_USAGE = 2, CLI_EXIT_SIGNAL = 128 };

typedef struct cli_fault {
    int  exit_status;
    char message[CLI_MESSAGE_BYTES];
} cli_fault;

/* Always false, so that a function can end with `return cli_fault_set(...)`. */
bool cli_fault_set(cli_fault *fault, int exit_status, const char *format, ...)
    __attribute__((format(printf, 3, 4), nonnull));

#endif
