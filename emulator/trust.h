/* trust.h -- the certificate that the server shows, and the file by which clients come to trust it.
 * SPDX-License-Identifier: MIT
 */
#ifndef PLX_TRUST_H
#define PLX_TRUST_H

#include "http/tls.h"
#include "options.h"

enum { PLX_PATH_BYTES = 4096 };

/* Zeroed: no TLS. */
typedef struct plx_trust {
    plx_tls_context *tls;
    char             directory[PLX_PATH_BYTES]; /* ours, to be removed with the file in it; "" when there is none */
    char             file[PLX_PATH_BYTES];      /* PEM, of the authority that was made; "" when none was */
} plx_trust;

/* As the options want it. False: `why` has a sentence. */
bool plx_trust_open(plx_trust *trust, const plx_options *options, char *why, size_t why_size);
void plx_trust_close(plx_trust *trust);

#endif
