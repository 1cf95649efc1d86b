/* host.h -- the server of pollux with a handler of the tests, in a child process: to see what a carrier makes of calls.
 * SPDX-License-Identifier: MIT
 *
 *     /hello           hello
 *     /count           how many bytes the request's body had
 *     /early           early, at once, without waiting for the body
 *     /held            the same as /count, but the body is held for HOLD_MS first
 *     /never           holds the body for ever
 *     /wait            never answers
 *     /fin /silent /reset /goaway    "part", and that abort (with code 8, or 11 for GOAWAY)
 *     /reset-at-once   that abort before any headers
 *     /packets         "0123456789" in packets of 3 bytes, GAP_MS apart
 *     /random          100 bytes in packets of at most 7, drawn by a seed
 *     /raw             a bad chunk, as bytes outside the framing; "no raw" where that cannot be
 *     /short /long     5 bytes, and a content-length of 10, of 2
 *     /last            5 bytes, with their length, and connection: close
 *     /large           LARGE_BYTES, written as fast as they are taken
 *     /header          the value of the request's header "x"
 *     /secure          "yes" over TLS, else "no"
 */
#ifndef TST_HOST_H
#define TST_HOST_H

#include "http/server.h"
#include "twin.h"

enum { TST_HOLD_MS = 50, TST_GAP_MS = 20, TST_LARGE_BYTES = 20 << 20 };

typedef struct tst_host {
    pid_t pid;
    int   port;
    int   events; /* a byte for each reply that has gone: the first letter of its path, '!' if it was refused */
} tst_host;

typedef struct tst_host_options {
    plx_limits  limits;
    bool        wants_tls; /* with a certificate made for it */
    plx_welcome welcome;
    unsigned    files_max;  /* of the process; 0: as many as there are */
    unsigned    files_left; /* for connections: others have the rest. 0: none are taken */
} tst_host_options;

#define TST_HOST_OPTIONS ((tst_host_options){ .limits = PLX_LIMITS_DEFAULT })

tst_host tst_host_start(const tst_host_options *options);
tst_host tst_host_start_idle(unsigned idle_ms); /* connections may be idle for so long, and no longer */
void     tst_host_stop(tst_host *h); /* SIGTERM; it must exit with 0 */

/* Waits until one more reply has gone; the first letter of its path. */
char tst_host_await_gone(tst_host *h);

#endif
