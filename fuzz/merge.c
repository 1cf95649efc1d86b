/* merge.c -- a body and what is merged into it, in one input with a line feed between: the result is JSON.
 * SPDX-License-Identifier: MIT
 */
#include "fuzz.h"
#include "request.h"

static bool read_object(cst_json_doc *doc, castor_str text)
{
    cst_json_doc_init(doc, cst_allocator_default());
    return cst_json_read(doc, text, NULL, NULL) == CASTOR_OK && cst_json_type_of(cst_json_root(doc)) == CST_JSON_OBJECT;
}

static void check_merged(castor_str body, castor_str extra, const cst_json *ours, const cst_json *theirs)
{
    cst_buf           merged;
    cst_json_doc      doc;
    castor_str        name;
    cst_json_iterator members = cst_json_iterate(theirs);

    cst_buf_init(&merged, cst_allocator_default(), CST_BODY_BYTES_MAX);
    fuzz_check_status(cst_request_merge(&merged, body, extra, cst_allocator_default(), NULL));
    fuzz_check(read_object(&doc, cst_buf_view(&merged)), "the merged body is no object");
    while (cst_json_next(&members, &name)) {
        if (memchr(name.data, '\0', name.len)) continue;
        const cst_json *wanted = cst_json_get(theirs, name.data), *got = cst_json_get(cst_json_root(&doc), name.data);
        fuzz_check(got && cst_json_type_of(got) == cst_json_type_of(wanted),
                   "a member of the extra is not in the body");
    }
    for (members = cst_json_iterate(ours); cst_json_next(&members, &name);) {
        if (memchr(name.data, '\0', name.len)) continue;
        fuzz_check(cst_json_get(cst_json_root(&doc), name.data) != NULL, "a member of the body was lost");
    }
    cst_json_doc_free(&doc);
    cst_buf_free(&merged);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char        *copy = fuzz_copy(data, size);
    const char  *middle = size ? memchr(copy, '\n', size) : NULL;
    castor_str   body = { copy, middle ? (size_t)(middle - copy) : size };
    castor_str   extra = { middle ? middle + 1 : "{}", middle ? size - body.len - 1 : 2 };
    cst_json_doc ours, theirs;

    bool is_ours = read_object(&ours, body), is_theirs = read_object(&theirs, extra);
    if (is_ours && is_theirs) check_merged(body, extra, cst_json_root(&ours), cst_json_root(&theirs));
    cst_json_doc_free(&ours);
    cst_json_doc_free(&theirs);
    free(copy);
    return 0;
}
