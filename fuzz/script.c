/* script.c -- any bytes as a script document: it is refused with a line, or every view of its cases lies in the text.
 * SPDX-License-Identifier: MIT
 */
#include "script/match.h"

#include "fuzz.h"

/* A document may ask for its bytes many times over; half a gigabyte is not what this is about. */
enum { REPETITION_DIGITS_MAX = 4 };

static bool asks_for_too_much(castor_str text)
{
    size_t digits = 0;

    for (size_t i = 0; i < text.len; i++) {
        digits = text.data[i] >= '0' && text.data[i] <= '9' ? digits + 1 : 0;
        if (digits > REPETITION_DIGITS_MAX) return true;
    }
    return false;
}

/* Reads every byte of it. */
static void touch(castor_str view)
{
    volatile char sum = 0;

    for (size_t i = 0; i < view.len; i++) sum = (char)(sum ^ view.data[i]);
}

static void check_case(const plx_case *one, castor_str text)
{
    size_t ends[] = { one->bytes.len, one->text.len, one->thought.len };

    fuzz_check(one->line >= 1, "a case without a line");
    fuzz_check(!one->is_answer || one->bytes.len == 0, "an answer with bytes of its own");
    touch(one->heading);
    touch(one->content_type);
    touch(one->bytes);
    touch(one->text);
    touch(one->thought);
    touch(one->fault);
    for (size_t i = 0; i < one->prompt_count; i++) touch(one->prompts[i]);
    for (size_t i = 0; i < one->expectation_count; i++) touch(one->expectations[i].text);
    for (size_t i = 0; i < one->wait_count; i++) {
        fuzz_check(one->waits[i].offset <= ends[one->waits[i].part], "a wait behind the end");
        fuzz_check(i == 0 || one->waits[i].part != one->waits[i - 1].part ||
                       one->waits[i].offset >= one->waits[i - 1].offset, "waits out of order");
    }
    plx_case_matches(one, text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char            *copy = fuzz_copy(data, size);
    castor_str       text = { copy, size };
    plx_script       script;
    plx_script_error error;
    size_t           count = 0;

    if (asks_for_too_much(text)) {
        free(copy);
        return -1; /* not worth keeping */
    }
    memset(&error, 0, sizeof error);
    if (plx_script_parse(&script, text, &error)) {
        char *prompt = fuzz_copy(data, size < 64 ? size : 64);
        fuzz_spoil(copy, size); /* the script keeps no view of what it read */
        for (const plx_case *one = script.first; one; one = one->next, count++) {
            check_case(one, (castor_str){ prompt, size < 64 ? size : 64 });
        }
        fuzz_check(count == script.case_count, "the cases are miscounted");
        free(prompt);
    } else {
        fuzz_check(error.message[0], "refused without a sentence");
        fuzz_check(script.case_count == 0, "refused, but not empty");
        free(copy);
    }
    plx_script_free(&script);
    return 0;
}
