/* tokens.c -- how many tokens something is.
 * SPDX-License-Identifier: MIT
 */
#include "generate/tokens.h"

enum { IMAGE_TOKENS = 258, PAGE_TOKENS = 258, SOUND_TOKENS_A_SECOND = 32, VIDEO_TOKENS_A_SECOND = 263 };
enum { PAGE_BYTES = 50000, SOUND_BYTES_A_SECOND = 16000, VIDEO_BYTES_A_SECOND = 250000, UNKNOWN_SECONDS = 10 };

uint64_t plx_token_total(const plx_token_sum *sum)
{
    uint64_t total = 0;

    for (size_t i = 0; i < PLX_MODALITY_COUNT; i++) total += sum->of[i];
    return total;
}

void plx_token_add(plx_token_sum *sum, const plx_token_sum *more)
{
    for (size_t i = 0; i < PLX_MODALITY_COUNT; i++) sum->of[i] += more->of[i];
}

uint64_t plx_token_count(size_t bytes)
{
    return (bytes + PLX_BYTES_PER_TOKEN - 1) / PLX_BYTES_PER_TOKEN;
}

plx_modality plx_modality_of(castor_str mime_type)
{
    if (cst_str_starts_with(mime_type, "image/")) return PLX_MODALITY_IMAGE;
    if (cst_str_starts_with(mime_type, "video/")) return PLX_MODALITY_VIDEO;
    if (cst_str_starts_with(mime_type, "audio/")) return PLX_MODALITY_AUDIO;
    if (cst_str_is(mime_type, "application/pdf")) return PLX_MODALITY_DOCUMENT;
    return PLX_MODALITY_TEXT;
}

/* Units begun, and at least one. */
static uint64_t units(castor_i64 bytes, int64_t bytes_a_unit, uint64_t unknown)
{
    if (!bytes.is_set) return unknown;
    return bytes.value > 0 ? (uint64_t)((bytes.value + bytes_a_unit - 1) / bytes_a_unit) : 1;
}

uint64_t plx_token_count_of_data(plx_modality modality, castor_i64 bytes)
{
    switch (modality) {
    case PLX_MODALITY_IMAGE: return IMAGE_TOKENS;
    case PLX_MODALITY_AUDIO: return SOUND_TOKENS_A_SECOND * units(bytes, SOUND_BYTES_A_SECOND, UNKNOWN_SECONDS);
    case PLX_MODALITY_VIDEO: return VIDEO_TOKENS_A_SECOND * units(bytes, VIDEO_BYTES_A_SECOND, UNKNOWN_SECONDS);
    case PLX_MODALITY_DOCUMENT: return PAGE_TOKENS * units(bytes, PAGE_BYTES, 1);
    default: return bytes.is_set ? plx_token_count((size_t)bytes.value) : PAGE_TOKENS;
    }
}

const char *plx_modality_name(plx_modality modality)
{
    static const char *const names[PLX_MODALITY_COUNT] = { "TEXT", "IMAGE", "VIDEO", "AUDIO", "DOCUMENT" };

    return names[modality];
}
