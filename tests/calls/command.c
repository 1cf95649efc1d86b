/* command.c -- the command with system calls that fail: what CASTOR_CALL_FAULT says, before main begins.
 * SPDX-License-Identifier: MIT
 *
 * "CALL ERROR NTH TIMES FD", as tst_call_fault has them.
 */
#include <stdio.h>
#include <stdlib.h>

#include "calls/calls.h"

__attribute__((constructor)) static void spoil(void)
{
    static char    call[32]; /* lives as long as the thread */
    tst_call_fault fault = { .call = call };
    const char    *given = getenv("CASTOR_CALL_FAULT");

    if (!given || !*given) return;
    if (sscanf(given, "%31s %d %d %d %d", call, &fault.error, &fault.nth, &fault.times, &fault.fd) != 5) {
        (void)fprintf(stderr, "CASTOR_CALL_FAULT is not \"CALL ERROR NTH TIMES FD\"\n");
        abort();
    }
    tst_calls_spoil(&fault);
}
