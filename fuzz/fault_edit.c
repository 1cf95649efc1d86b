/* fault_edit.c -- any body as events that are spoilt: the parts are the body, however it is cut, and edits stay inside.
 * SPDX-License-Identifier: MIT
 */
#include "fault/edit.h"

#include "fuzz.h"

/* All events and the rest, each behind a mark. */
static void part(const uint8_t *data, size_t size, plx_framing framing, uint64_t cuts, cst_buf *out)
{
    plx_parting parting;
    castor_str  record;

    plx_parting_init(&parting, cst_allocator_default(), framing);
    for (size_t at = 0; at < size;) {
        size_t len = cuts ? fuzz_piece(&cuts, size - at) : size;
        char  *piece = fuzz_copy(data + at, len);
        fuzz_check_status(plx_parting_feed(&parting, (castor_str){ piece, len }));
        fuzz_spoil(piece, len);
        at += len;
        while (plx_parting_next(&parting, &record)) {
            fuzz_check_status(cst_buf_append_text(out, "|"));
            fuzz_check_status(cst_buf_append_str(out, record));
        }
    }
    fuzz_check_status(cst_buf_append_text(out, "|"));
    record = plx_parting_rest(&parting);
    if (record.len > 0) fuzz_check_status(cst_buf_append_str(out, record));
    plx_parting_free(&parting);
}

static void compare_cuts(const uint8_t *data, size_t size, plx_framing framing)
{
    cst_buf whole, cut;

    cst_buf_init(&whole, cst_allocator_default(), SIZE_MAX / 2);
    cst_buf_init(&cut, cst_allocator_default(), SIZE_MAX / 2);
    part(data, size, framing, 0, &whole);
    part(data, size, framing, fuzz_sum(data, size) | 1, &cut);
    fuzz_check(cst_str_equal(cst_buf_view(&whole), cst_buf_view(&cut)), "the events depend on the cuts");
    cst_buf_free(&whole);
    cst_buf_free(&cut);
}

static void spoil(const uint8_t *data, size_t size, const plx_fault_kind *kind)
{
    char       why[320];
    plx_plan   plan;
    plx_record record = { .framing = PLX_FRAMING_EVENTS, .number = 1 };

    if (strcmp(kind->name, "big") == 0 || (!kind->edit && !kind->lines)) return;
    fuzz_check(plx_plan_parse(&plan, castor_str_of(kind->name), why, sizeof why), "a fault without a default");
    cst_buf_init(&record.bytes, cst_allocator_default(), PLX_EVENT_BYTES_MAX);
    cst_buf_init(&record.after, cst_allocator_default(), PLX_EVENT_BYTES_MAX);
    fuzz_check_status(cst_buf_append(&record.bytes, data, size));
    castor_status status = kind->edit ? kind->edit(&plan.faults[0], &record)
                                      : kind->lines(&plan.faults[0], &record.bytes, record.number);
    fuzz_check(status == CASTOR_OK || status == CASTOR_INVALID, "a fault that cannot be");
    cst_buf_free(&record.bytes);
    cst_buf_free(&record.after);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    compare_cuts(data, size, PLX_FRAMING_EVENTS);
    compare_cuts(data, size, PLX_FRAMING_JSON);
    for (size_t i = 0; i < plx_fault_kind_count && size > 0; i++) spoil(data, size, &plx_fault_kinds[i]);
    return 0;
}
