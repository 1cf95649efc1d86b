/* input.c -- the bytes of a body that have come and are not yet used up.
 * SPDX-License-Identifier: MIT
 */
#include "input.h"

void cst_input_init(cst_input *input, const cst_allocator *allocator, size_t bytes_max)
{
    *input = (cst_input){ 0 };
    cst_buf_init(&input->bytes, allocator, bytes_max);
}

void cst_input_free(cst_input *input)
{
    cst_buf_free(&input->bytes);
}

castor_status cst_input_feed(cst_input *input, const void *bytes, size_t len)
{
    size_t used = (size_t)(input->start - input->base);

    /* Moving the rest to the front costs its length: worth it when that is no more than what goes, so that the sum
     * over a body stays linear. */
    bool is_cheap = input->bytes.len - used <= used, is_needed = input->bytes.len + len > input->bytes.max;
    if (used > 0 && (is_cheap || is_needed)) {
        cst_buf_drop_front(&input->bytes, used);
        input->base = input->start;
    }
    return cst_buf_append(&input->bytes, bytes, len);
}
