/* fault_spec.c -- any text as a request for faults: what is read must print as a text that reads as the same.
 * SPDX-License-Identifier: MIT
 */
#include "fault/chaos.h"

#include "fuzz.h"

static void check_sentence(const char *why)
{
    size_t len = strlen(why);

    fuzz_check(len > 0, "a refusal without a sentence");
    for (size_t i = 0; i < len; i++) fuzz_check(why[i] >= ' ' && why[i] <= '~', "a sentence that cannot be shown");
}

static void check_plan(const plx_plan *plan)
{
    char     why[320] = "";
    plx_plan again;
    cst_buf  text, same;

    cst_buf_init(&text, cst_allocator_default(), SIZE_MAX / 2);
    cst_buf_init(&same, cst_allocator_default(), SIZE_MAX / 2);
    fuzz_check(plan->count > 0 && plan->count <= PLX_FAULTS_MAX, "a plan of no faults, or of too many");
    fuzz_check_status(plx_plan_print(plan, &text));
    if (text.len <= PLX_FAULT_SPEC_BYTES_MAX) { /* with its defaults it may have grown too long */
        fuzz_check(plx_plan_parse(&again, cst_buf_view(&text), why, sizeof why), "what was printed is refused");
        fuzz_check_status(plx_plan_print(&again, &same));
        fuzz_check(cst_str_equal(cst_buf_view(&text), cst_buf_view(&same)), "what was printed reads as another");
    }
    cst_buf_free(&text);
    cst_buf_free(&same);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char     *text = fuzz_copy(data, size);
    char      why[320] = "";
    plx_plan  plan;
    plx_chaos chaos;

    if (plx_plan_parse(&plan, (castor_str){ text, size }, why, sizeof why)) check_plan(&plan);
    else check_sentence(why);
    if (plx_chaos_parse(&chaos, (castor_str){ text, size }, why, sizeof why)) {
        for (int i = 0; i < 20; i++) {
            if (plx_chaos_decide(&chaos, &plan)) check_plan(&plan);
        }
    } else {
        check_sentence(why);
    }
    fuzz_spoil(text, size);
    return 0;
}
