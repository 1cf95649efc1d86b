/* error_body.c -- any bytes as the body of an answer with an error status: a sentence and a verdict come of it.
 * SPDX-License-Identifier: MIT
 */
#include "api_error.h"

#include "fuzz.h"

/* Well-formed UTF-8, by the shortest test there is: the printer has nothing to replace. */
static void check_text(const char *text, size_t size)
{
    size_t len = strnlen(text, size);

    fuzz_check(len < size, "a text without its end");
    fuzz_check(cst_utf8_prefix((castor_str){ text, len }, len) == len, "a text that ends in the middle of a character");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int32_t statuses[] = { 302, 400, 401, 403, 404, 429, 500, 503 };

    char        *copy = fuzz_copy(data, size);
    castor_error error;
    fuzz_body    body = { .data = data, .size = size, .http_status = statuses[fuzz_sum(data, size) % 8] };

    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        cst_api_error_read_body((castor_str){ copy, size }, statuses[i], cst_allocator_default(), &error);
        fuzz_check(error.status == CASTOR_API_ERROR && error.http_status == statuses[i], "an error body that is none");
        fuzz_check(error.verdict == CASTOR_VERDICT_FAILED || error.verdict == CASTOR_VERDICT_AUTH ||
                   error.verdict == CASTOR_VERDICT_QUOTA_NOW ||
                   error.verdict == CASTOR_VERDICT_QUOTA_DAY, "a verdict that no error body can give");
        fuzz_check(error.message[0], "an error without a sentence");
        check_text(error.code, sizeof error.code);
        check_text(error.reason, sizeof error.reason);
        check_text(error.detail, sizeof error.detail);
        check_text(error.message, sizeof error.message);
        fuzz_check(!error.retry_after_ms.is_set || error.retry_after_ms.value >= 0, "a pause below zero");
    }
    fuzz_compare_cuts(&body);
    free(copy);
    return 0;
}
