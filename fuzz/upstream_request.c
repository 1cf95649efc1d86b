/* upstream_request.c -- any JSON as a request that an upstream is asked: what comes out must be JSON, or a refusal.
 * SPDX-License-Identifier: MIT
 */
#include "upstream/chat_request.h"

#include "fuzz.h"

static void print(plx_chat_print_fn *fn, const cst_json *body)
{
    plx_refusal  refusal = { .code = 0 };
    cst_json_doc doc;
    cst_buf      out;

    cst_json_doc_init(&doc, cst_allocator_default());
    cst_buf_init(&out, cst_allocator_default(), SIZE_MAX / 2);
    if (fn(&out, body, CASTOR_STR("tiny"), &refusal)) {
        castor_status status = cst_json_read(&doc, cst_buf_view(&out), NULL, NULL);
        /* LIMIT: it is nested deeper than what came in. */
        fuzz_check(status == CASTOR_OK || status == CASTOR_LIMIT, "what came out is no JSON");
        fuzz_check(refusal.code == 0, "a request that was taken and refused");
    } else {
        fuzz_check(refusal.code >= 400 && refusal.message[0], "a refusal without a reason");
    }
    cst_buf_free(&out);
    cst_json_doc_free(&doc);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char        *copy = fuzz_copy(data, size);
    cst_json_doc doc;

    cst_json_doc_init(&doc, cst_allocator_default());
    if (cst_json_read(&doc, (castor_str){ copy, size }, NULL, NULL) == CASTOR_OK) {
        print(plx_chat_print_gemini, cst_json_root(&doc));
        print(plx_chat_print_openai, cst_json_root(&doc));
        print(plx_chat_print_message, cst_json_root(&doc));
    }
    cst_json_doc_free(&doc);
    fuzz_spoil(copy, size);
    return 0;
}
