/* opaque.c -- what pollux gives out to be brought back unchanged.
 * SPDX-License-Identifier: MIT
 *
 * Forty-two bytes: six that say whose and what it is, the numbers, and a sum over all before it.
 */
#include "generate/opaque.h"

enum { MARK_LEN = 6, BODY_LEN = MARK_LEN + 8 * PLX_OPAQUE_NUMBERS, SUM_LEN = 4, WHOLE_LEN = BODY_LEN + SUM_LEN };
_Static_assert(WHOLE_LEN / 3 * 4 == PLX_OPAQUE_LEN && WHOLE_LEN % 3 == 0, "no padding");

static const char marks[][MARK_LEN + 1] = { "plxsig", "plxhop" };

uint64_t plx_hash(uint64_t hash, castor_str text)
{
    for (size_t i = 0; i < text.len; i++) hash = (hash ^ (unsigned char)text.data[i]) * UINT64_C(0x100000001B3);
    return hash;
}

static void put_sum(const unsigned char *bytes, unsigned char out[SUM_LEN])
{
    uint64_t sum = plx_hash(PLX_HASH_BEGIN, (castor_str){ (const char *)bytes, BODY_LEN });

    for (size_t i = 0; i < SUM_LEN; i++) out[i] = (unsigned char)(sum >> (8 * i + 16));
}

void plx_opaque_print(char out[PLX_OPAQUE_LEN + 1], plx_opaque_kind kind, const uint64_t numbers[PLX_OPAQUE_NUMBERS])
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    unsigned char     bytes[WHOLE_LEN];
    size_t            at = MARK_LEN;

    memcpy(bytes, marks[kind], MARK_LEN);
    for (size_t i = 0; i < PLX_OPAQUE_NUMBERS; i++) {
        for (size_t shift = 0; shift < 64; shift += 8) bytes[at++] = (unsigned char)(numbers[i] >> shift);
    }
    put_sum(bytes, bytes + BODY_LEN);
    for (size_t i = 0; i < WHOLE_LEN; i += 3) {
        unsigned three = (unsigned)bytes[i] << 16 | (unsigned)bytes[i + 1] << 8 | bytes[i + 2];
        for (int shift = 18; shift >= 0; shift -= 6) *out++ = alphabet[three >> shift & 63];
    }
    *out = '\0';
}

static int digit_of(char c)
{
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    if (c == '+' || c == '-') return 62;
    return c == '/' || c == '_' ? 63 : -1;
}

/* As many whole bytes as the text has, and at most WHOLE_LEN. */
static size_t decode(castor_str text, unsigned char bytes[WHOLE_LEN])
{
    unsigned bits = 0;
    size_t   bit_count = 0, len = 0;

    for (size_t i = 0; i < text.len && len < WHOLE_LEN; i++) {
        int digit = digit_of(text.data[i]);
        if (digit < 0) break;
        bits = (bits << 6 | (unsigned)digit) & 0xFFFF;
        bit_count += 6;
        if (bit_count < 8) continue;
        bit_count -= 8;
        bytes[len++] = (unsigned char)(bits >> bit_count);
    }
    return len;
}

plx_opaque_found plx_opaque_read(castor_str text, plx_opaque_kind kind, uint64_t *numbers)
{
    unsigned char bytes[WHOLE_LEN];
    unsigned char sum[SUM_LEN];
    size_t        len = decode(text, bytes);

    if (len < MARK_LEN || memcmp(bytes, marks[kind], MARK_LEN) != 0) return PLX_OPAQUE_FOREIGN;
    if (len < WHOLE_LEN || text.len != PLX_OPAQUE_LEN) return PLX_OPAQUE_CORRUPTED;
    put_sum(bytes, sum);
    if (memcmp(sum, bytes + BODY_LEN, SUM_LEN) != 0) return PLX_OPAQUE_CORRUPTED;
    for (size_t i = 0; numbers && i < 8 * PLX_OPAQUE_NUMBERS; i++) {
        if (i % 8 == 0) numbers[i / 8] = 0;
        numbers[i / 8] |= (uint64_t)bytes[MARK_LEN + i] << (i % 8 * 8);
    }
    return PLX_OPAQUE_WHOLE;
}
