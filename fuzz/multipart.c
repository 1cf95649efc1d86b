/* multipart.c -- any bytes as a multipart upload to pollux: its parts may not depend on the cuts.
 * SPDX-License-Identifier: MIT
 */
#include "api/multipart.c"

#include "fuzz.h"

/* False: nothing more can come. Bytes of a part are put together, since their pieces follow the cuts. */
static bool take_steps(plx_multipart *m, castor_str input, cst_buf *out)
{
    castor_str         piece = CST_NONE;
    plx_multipart_step step;

    while ((step = plx_multipart_next(m, &input, &piece)) != PLX_MULTIPART_WAIT) {
        switch (step) {
        case PLX_MULTIPART_HEAD: fuzz_check_status(cst_buf_append_format(out, "<%s>", m->content_type)); break;
        case PLX_MULTIPART_BYTES: fuzz_check_status(cst_buf_append_str(out, piece)); break;
        case PLX_MULTIPART_PART_END: fuzz_check_status(cst_buf_append_text(out, "</>")); break;
        case PLX_MULTIPART_END: fuzz_check_status(cst_buf_append_text(out, "end")); break;
        case PLX_MULTIPART_WAIT:
        case PLX_MULTIPART_ERROR: fuzz_check_status(cst_buf_append_text(out, "error")); return false;
        }
    }
    return true;
}

/* `cuts` 0: whole. */
static void read_body(const uint8_t *data, size_t size, uint64_t cuts, cst_buf *out)
{
    plx_multipart m;
    bool          goes_on = true;

    cst_buf_init(out, cst_allocator_default(), SIZE_MAX / 2);
    fuzz_check(plx_multipart_init(&m, CASTOR_STR("multipart/related; boundary=ab")), "a boundary is not taken");
    for (size_t at = 0; at < size && goes_on;) {
        size_t len = cuts ? fuzz_piece(&cuts, size - at) : size;
        char  *piece = fuzz_copy(data + at, len);
        goes_on = take_steps(&m, (castor_str){ piece, len }, out);
        fuzz_spoil(piece, len);
        at += len;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cst_buf whole, cut;

    read_body(data, size, 0, &whole);
    read_body(data, size, fuzz_sum(data, size) | 1, &cut);
    if (!cst_str_equal(cst_buf_view(&whole), cst_buf_view(&cut))) {
        (void)fprintf(stderr, "whole:\n%s\ncut:\n%s\n", whole.data, cut.data);
        fuzz_check(false, "the parts depend on the cuts");
    }
    cst_buf_free(&whole);
    cst_buf_free(&cut);
    return 0;
}
