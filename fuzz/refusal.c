/* refusal.c -- any texts in an error: its body is JSON, or a page in which nothing of theirs is markup.
 * SPDX-License-Identifier: MIT
 */
#include "proto/refusal.h"

#include "json.h"

#include "fuzz.h"

enum { FIELDS = 20 };

/* The text up to the next newline, NUL-terminated; the input is used up piece by piece. */
static const char *take_line(char **text)
{
    char *line = *text;
    char *end = strchr(line, '\n');

    if (end) *end = '\0';
    *text = end ? end + 1 : line + strlen(line);
    return line;
}

static void check_json(const plx_refusal *refusal, bool in_array)
{
    cst_buf      body;
    cst_json_doc doc;

    cst_buf_init(&body, cst_allocator_default(), 1 << 20);
    cst_json_doc_init(&doc, cst_allocator_default());
    fuzz_check_status(plx_refusal_print(refusal, in_array, &body));
    fuzz_check_status(cst_json_read(&doc, cst_buf_view(&body), NULL, NULL));
    const cst_json *error = cst_json_get(in_array ? cst_json_at(cst_json_root(&doc), 0) : cst_json_root(&doc), "error");
    fuzz_check(cst_json_integer(cst_json_get(error, "code")).value == refusal->code, "another code");
    fuzz_check(cst_json_string_in(error, "status").len > 0, "no status");
    cst_json_doc_free(&doc);
    cst_buf_free(&body);
}

static void check_page(const char *message)
{
    plx_refusal refusal = { .code = 0 };
    cst_buf     body;
    size_t      tags = 0;

    plx_refuse_page(&refusal, 404, "%s", message);
    cst_buf_init(&body, cst_allocator_default(), 1 << 20);
    fuzz_check_status(plx_refusal_print(&refusal, false, &body));
    for (size_t i = 0; i < body.len; i++) tags += body.data[i] == '<';
    fuzz_check(tags == 13, "the client's text is markup");
    cst_buf_free(&body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char       *copy = malloc(size + 1), *at = copy;
    plx_refusal refusal = { .code = 0 };

    fuzz_check(copy != NULL, "no memory for the fuzzer itself");
    memcpy(copy, data, size);
    copy[size] = '\0';
    for (int i = 0; i < FIELDS; i++) {
        const char *path = take_line(&at), *text = take_line(&at);
        plx_refuse_field(&refusal, path, "%s", text);
        check_json(&refusal, i % 2 == 0);
    }
    const char         *model = take_line(&at);
    plx_quota_violation quota = { "metric", "id", size, castor_str_of(model) };
    plx_refuse_quota(&refusal, &quota, 1, (int64_t)fuzz_sum(data, size));
    check_json(&refusal, false);
    check_page(model);
    free(copy);
    return 0;
}
