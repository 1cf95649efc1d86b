/* sha256.c -- SHA-256 (FIPS 180-4).
 * SPDX-License-Identifier: MIT
 */
#include "sha256.h"

#include <stdio.h>
#include <string.h>

static const uint32_t rounds[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t turn(uint32_t word, int bits)
{
    return word >> bits | word << (32 - bits);
}

static void take_block(tst_sha256 *sha, const unsigned char *block)
{
    uint32_t w[64], h[8];

    for (int i = 0; i < 16; i++) {
        w[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 | (uint32_t)block[4 * i + 2] << 8 | block[4 * i + 3];
    }
    for (int i = 16; i < 64; i++) {
        uint32_t a = turn(w[i - 15], 7) ^ turn(w[i - 15], 18) ^ w[i - 15] >> 3;
        uint32_t b = turn(w[i - 2], 17) ^ turn(w[i - 2], 19) ^ w[i - 2] >> 10;
        w[i] = w[i - 16] + a + w[i - 7] + b;
    }
    memcpy(h, sha->hash, sizeof h);
    for (int i = 0; i < 64; i++) {
        uint32_t e = turn(h[4], 6) ^ turn(h[4], 11) ^ turn(h[4], 25);
        uint32_t a = turn(h[0], 2) ^ turn(h[0], 13) ^ turn(h[0], 22);
        uint32_t first = h[7] + e + ((h[4] & h[5]) ^ (~h[4] & h[6])) + rounds[i] + w[i];
        uint32_t second = a + ((h[0] & h[1]) ^ (h[0] & h[2]) ^ (h[1] & h[2]));
        memmove(h + 1, h, 7 * sizeof *h);
        h[4] += first;
        h[0] = first + second;
    }
    for (int i = 0; i < 8; i++) sha->hash[i] += h[i];
}

void tst_sha256_init(tst_sha256 *sha)
{
    static const uint32_t start[8] = { 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                       0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19 };

    memcpy(sha->hash, start, sizeof start);
    sha->len = 0;
}

void tst_sha256_add(tst_sha256 *sha, const void *bytes, size_t len)
{
    const unsigned char *at = bytes;

    while (len > 0) {
        size_t used = (size_t)(sha->len % 64), part = 64 - used < len ? 64 - used : len;
        memcpy(sha->block + used, at, part);
        sha->len += part;
        at += part;
        len -= part;
        if (used + part == 64) take_block(sha, sha->block);
    }
}

void tst_sha256_print(tst_sha256 *sha, char out[65])
{
    static const unsigned char padding[64] = { 0x80 };
    uint64_t                   bits = sha->len * 8;
    unsigned char              tail[8];

    tst_sha256_add(sha, padding, (size_t)(1 + (119 - sha->len % 64) % 64));
    for (int i = 0; i < 8; i++) tail[i] = (unsigned char)(bits >> (56 - 8 * i));
    tst_sha256_add(sha, tail, sizeof tail);
    for (int i = 0; i < 8; i++) (void)snprintf(out + 8 * i, 9, "%08x", (unsigned)sha->hash[i]);
}
