/* sha256.h -- SHA-256 (FIPS 180-4), for comparing what we decoded with digests that others made.
 * SPDX-License-Identifier: MIT
 */
#ifndef TST_SHA256_H
#define TST_SHA256_H

#include <stddef.h>
#include <stdint.h>

typedef struct tst_sha256 {
    uint32_t      hash[8];
    uint64_t      len;
    unsigned char block[64];
} tst_sha256;

void tst_sha256_init(tst_sha256 *sha);
void tst_sha256_add(tst_sha256 *sha, const void *bytes, size_t len);
void tst_sha256_print(tst_sha256 *sha, char out[65]); /* hexadecimal, lower case; ends the sum */

#endif
