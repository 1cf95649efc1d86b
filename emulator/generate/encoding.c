/* encoding.c -- what the ways to put an answer into bytes have in common.
 * SPDX-License-Identifier: MIT
 */
#include "generate/encoding.h"

castor_status plx_print_body(const plx_answer *answer, plx_put_fn *put, plx_json_style style, cst_buf *out)
{
    cst_buf         json;
    cst_json_writer writer = cst_json_writer_to(&json);

    cst_buf_init(&json, out->allocator, out->max);
    castor_status status = put(&writer, answer);
    if (status == CASTOR_OK) status = plx_json_print_styled(out, cst_buf_view(&json), style);
    if (status == CASTOR_OK) status = cst_buf_append_text(out, "\n");
    cst_buf_free(&json);
    return status;
}
