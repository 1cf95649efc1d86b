/* witness.c -- counts what is asked, and keeps the last of it.
 * SPDX-License-Identifier: MIT
 */
#include "api/witness.h"

void plx_witness_init(plx_witness *witness)
{
    *witness = (plx_witness){ .request_count = 0 };
    cst_buf_init(&witness->text, cst_allocator_default(), PLX_BODY_BYTES_MAX + 2 * PLX_HEAD_BYTES_MAX);
}

void plx_witness_free(plx_witness *witness)
{
    cst_buf_free(&witness->text);
}

static castor_status append_text(cst_buf *out, castor_str text)
{
    castor_status status = cst_buf_append_str(out, text);

    return status == CASTOR_OK ? cst_buf_append(out, "", 1) : status;
}

static castor_status append_headers(cst_buf *out, const plx_head *head)
{
    castor_status status = CASTOR_OK;

    for (size_t i = 0; i < head->header_count && status == CASTOR_OK; i++) {
        const plx_header *one = &head->headers[i];
        status = cst_buf_append_format(out, "%.*s: %.*s\n", CASTOR_ARG(one->name), CASTOR_ARG(one->value));
    }
    return status == CASTOR_OK ? cst_buf_append(out, "", 1) : status;
}

void plx_witness_note(plx_witness *witness, const plx_head *head, castor_str body)
{
    cst_buf *text = &witness->text;

    witness->request_count++;
    text->len = 0;
    castor_status status = append_text(text, head->method);
    witness->target_at = text->len;
    if (status == CASTOR_OK) status = append_text(text, head->target);
    witness->headers_at = text->len;
    if (status == CASTOR_OK) status = append_headers(text, head);
    witness->body_at = text->len;
    if (status == CASTOR_OK) status = append_text(text, body);
    if (status != CASTOR_OK) text->len = 0;
}
