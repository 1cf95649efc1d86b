/* calls.h -- system calls that fail on request: each wrapper here comes before the C library's.
 * SPDX-License-Identifier: MIT
 *
 * What the program defines under a name of the C library, shared libraries use too: so libcurl's calls come here like
 * our own, whoever runs the test and without tracing anybody. Only the threads that ask for it are spoilt: the server of
 * a test goes on as ever.
 */
#ifndef TST_CALLS_H
#define TST_CALLS_H

#include <stdbool.h>

enum { TST_CALL_SHORT = -1 }; /* in place of an errno: one byte is read or written, where more was asked for */

typedef struct tst_call_fault {
    const char *call;  /* "recv" */
    int         error; /* an errno, or TST_CALL_SHORT */
    int         nth;   /* the call that fails, from 1 */
    int         times; /* and how many in a row; 0: all from then on */
    int         fd;    /* of which descriptor; -1: any */
} tst_call_fault;

/* From now on, for the calling thread; in place of what was asked for before. Counts its calls from 1. */
void tst_calls_spoil(const tst_call_fault *fault);

/* Nothing fails any more. True: something has failed since tst_calls_spoil. */
bool tst_calls_restore(void);

#endif
