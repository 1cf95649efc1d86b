/* http1.c -- any bytes as HTTP/1.1 requests: what is read may not depend on the cuts, and nothing follows an error.
 * SPDX-License-Identifier: MIT
 */
#include "http/http1.h"

#include "fuzz.h"

enum { BODY_BYTES_MAX = 1 << 16 };

static void put_head(cst_buf *out, const plx_http1 *parser)
{
    const plx_head *head = parser->head;

    fuzz_check(head->header_count <= PLX_HEADERS_MAX, "there are more headers than room for them");
    fuzz_check(plx_head_is_target(head->target), "a target that is none");
    fuzz_check(!head->content_length.is_set || !parser->is_chunked, "a body with two lengths");
    fuzz_check_status(cst_buf_append_format(out, "%d keep %d expect %d", (int)head->version, parser->keeps_alive,
                                            parser->expects_continue));
    fuzz_put_view(out, "method", head->method);
    fuzz_put_view(out, "target", head->target);
    for (size_t i = 0; i < head->header_count; i++) {
        fuzz_check(!memchr(head->headers[i].value.data, '\n', head->headers[i].value.len), "a value of two lines");
        fuzz_put_view(out, "name", head->headers[i].name);
        fuzz_put_view(out, "value", head->headers[i].value);
    }
    fuzz_check_status(cst_buf_append_text(out, "\n"));
}

static void put_step(cst_buf *out, plx_http1 *parser, plx_http1_step step, castor_str body)
{
    switch (step) {
    case PLX_HTTP1_HEAD: put_head(out, parser); break;
    case PLX_HTTP1_BODY: fuzz_check_status(cst_buf_append_str(out, body)); break;
    case PLX_HTTP1_END:
        fuzz_check_status(cst_buf_append_text(out, "\nend\n"));
        plx_http1_forget_head(parser);
        break;
    case PLX_HTTP1_ERROR:
        fuzz_check(parser->status >= 400 && parser->why, "an error without a status or a sentence");
        fuzz_check_status(cst_buf_append_format(out, "\n%d %s\n", parser->status, parser->why));
        break;
    case PLX_HTTP1_WAIT: break;
    }
}

/* False: an error, which is final. */
static bool feed(plx_http1 *parser, castor_str input, cst_buf *out)
{
    plx_http1_step step;

    do {
        castor_str body;
        step = plx_http1_next(parser, &input, &body);
        put_step(out, parser, step, body);
    } while (step != PLX_HTTP1_WAIT && step != PLX_HTTP1_ERROR);
    fuzz_check(step == PLX_HTTP1_ERROR || input.len == 0, "it waits with input left");
    if (step == PLX_HTTP1_WAIT) return true;
    castor_str body;
    fuzz_check(plx_http1_next(parser, &input, &body) == PLX_HTTP1_ERROR, "it goes on after an error");
    return false;
}

/* `cuts` 0: whole. */
static void read_requests(const uint8_t *data, size_t size, uint64_t cuts, cst_buf *out)
{
    plx_http1 parser;
    bool      goes_on = true;

    cst_buf_init(out, cst_allocator_default(), SIZE_MAX / 2);
    plx_http1_init(&parser, cst_allocator_default());
    parser.body_bytes_max = BODY_BYTES_MAX;
    for (size_t at = 0; at < size && goes_on;) {
        size_t len = cuts ? fuzz_piece(&cuts, size - at) : size;
        char  *piece = fuzz_copy(data + at, len);
        goes_on = feed(&parser, (castor_str){ piece, len }, out);
        fuzz_spoil(piece, len);
        at += len;
    }
    plx_http1_free(&parser);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cst_buf whole, cut;

    read_requests(data, size, 0, &whole);
    read_requests(data, size, fuzz_sum(data, size) | 1, &cut);
    if (!cst_str_equal(cst_buf_view(&whole), cst_buf_view(&cut))) {
        (void)fprintf(stderr, "whole:\n%s\ncut:\n%s\n", whole.data, cut.data);
        fuzz_check(false, "the requests depend on the cuts");
    }
    cst_buf_free(&whole);
    cst_buf_free(&cut);
    return 0;
}
