/* tokens.h -- how many tokens something is: an estimate that is always the same. Pure.
 * SPDX-License-Identifier: MIT
 *
 * Text: one token for every four bytes begun, of each part for itself. An image: 258, as of a small one.
 * Sound: 32 a second, and video 263, as the service says; a second is taken to be 16,000 bytes of sound and 250,000 of
 * video. A PDF: 258 a page, of 50,000 bytes. What has no known size counts as one image, page or ten seconds.
 */
#ifndef PLX_TOKENS_H
#define PLX_TOKENS_H

#include "base.h"
#include "bounds.h"

typedef enum plx_modality {
    PLX_MODALITY_TEXT = 0,
    PLX_MODALITY_IMAGE,
    PLX_MODALITY_VIDEO,
    PLX_MODALITY_AUDIO,
    PLX_MODALITY_DOCUMENT,
    PLX_MODALITY_COUNT
} plx_modality;

typedef struct plx_token_sum {
    uint64_t of[PLX_MODALITY_COUNT];
} plx_token_sum;

uint64_t plx_token_total(const plx_token_sum *sum);
void     plx_token_add(plx_token_sum *sum, const plx_token_sum *more);

/* Of text. */
uint64_t plx_token_count(size_t bytes);

/* What data of this type are, and their tokens. */
plx_modality plx_modality_of(castor_str mime_type);
uint64_t     plx_token_count_of_data(plx_modality modality, castor_i64 bytes);

const char *plx_modality_name(plx_modality modality); /* "TEXT" */

/* Of a picture that a model makes. */
enum { PLX_MADE_IMAGE_TOKENS = 1290 };

#endif
