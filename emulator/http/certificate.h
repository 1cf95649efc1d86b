/* certificate.h -- a certificate made at the start, for this machine's own names, by an authority that signs no other.
 * SPDX-License-Identifier: MIT
 */
#ifndef PLX_CERTIFICATE_H
#define PLX_CERTIFICATE_H

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base.h"

typedef struct plx_certificate {
    X509     *authority; /* what clients have to trust; its key is thrown away once the leaf is signed */
    X509     *leaf;      /* for localhost, 127.0.0.1, ::1 and the address given */
    EVP_PKEY *key;       /* the leaf's */
} plx_certificate;

/* For `host`, a numeric address, too. False: OpenSSL could not, and `why` has a sentence. */
bool plx_certificate_make(plx_certificate *certificate, const char *host, char *why, size_t why_size);
void plx_certificate_free(plx_certificate *certificate);

/* Writes the authority as PEM into this open file. */
bool plx_certificate_write_authority(const plx_certificate *certificate, int fd);

#endif
