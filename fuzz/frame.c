/* frame.c -- any bytes as a body: the records may not depend on the cuts, and each lies where it says.
 * SPDX-License-Identifier: MIT
 */
#include "frame.h"

#include "fuzz.h"

static void put_record(cst_buf *out, const cst_record *record, size_t size)
{
    fuzz_check(record->offset <= size, "a record begins behind the body");
    fuzz_check_status(cst_buf_append_format(out, "at %llu%s", (unsigned long long)record->offset,
                                            record->is_unfinished ? " unfinished" : ""));
    fuzz_put_view(out, "data", record->data);
    fuzz_put_view(out, "event", record->event);
    fuzz_put_view(out, "id", record->id);
    fuzz_check_status(cst_buf_append_text(out, "\n"));
}

static cst_scan take_records(cst_frame *frame, size_t size, cst_buf *out, cst_problem *problem)
{
    cst_record record;
    cst_scan   found;

    while ((found = cst_frame_next(frame, &record, problem)) == CST_SCAN_RECORD) put_record(out, &record, size);
    return found;
}

/* `cuts` 0: whole. */
static void read_body(const uint8_t *data, size_t size, const char *content_type, size_t event_bytes_max,
                      uint64_t cuts, cst_buf *out)
{
    cst_frame   frame;
    cst_problem problem = { .why = "" };
    cst_scan    found = CST_SCAN_MORE;

    cst_buf_init(out, cst_allocator_default(), SIZE_MAX / 2);
    cst_frame_init(&frame, cst_allocator_default(), castor_str_of(content_type), event_bytes_max);
    for (size_t at = 0; at < size && found == CST_SCAN_MORE;) {
        size_t len = cuts ? fuzz_piece(&cuts, size - at) : size;
        char  *piece = fuzz_copy(data + at, len);
        fuzz_check_status(cst_frame_feed(&frame, piece, len));
        fuzz_spoil(piece, len);
        at += len;
        found = take_records(&frame, size, out, &problem);
    }
    if (found == CST_SCAN_MORE) {
        cst_frame_end(&frame, false);
        found = take_records(&frame, size, out, &problem);
    }
    fuzz_check(found != CST_SCAN_MORE, "a frame waits after the end");
    fuzz_check_status(cst_buf_append_format(out, "end %d", (int)found));
    if (found == CST_SCAN_BAD) {
        fuzz_check_status(cst_buf_append_format(out, " %s at %llu: %s", castor_status_name(problem.status),
                                                (unsigned long long)problem.offset, problem.why));
    }
    if (frame.sse.retry_ms.is_set) {
        fuzz_check_status(cst_buf_append_format(out, " retry %lld", (long long)frame.sse.retry_ms.value));
    }
    cst_frame_free(&frame);
}

static void compare(const uint8_t *data, size_t size, const char *content_type, size_t event_bytes_max)
{
    cst_buf whole, cut;

    read_body(data, size, content_type, event_bytes_max, 0, &whole);
    read_body(data, size, content_type, event_bytes_max, fuzz_sum(data, size) | 1, &cut);
    if (!cst_str_equal(cst_buf_view(&whole), cst_buf_view(&cut))) {
        (void)fprintf(stderr, "whole:\n%s\ncut:\n%s\n", whole.data, cut.data);
        fuzz_check(false, "the records depend on the cuts");
    }
    cst_buf_free(&whole);
    cst_buf_free(&cut);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    compare(data, size, "text/event-stream", CST_EVENT_BYTES_MAX);
    compare(data, size, "application/json", CST_EVENT_BYTES_MAX);
    compare(data, size, NULL, 64);
    return 0;
}
