/* recording.c -- any bytes, cut anywhere, recorded, told as a script and read by pollux: the same bytes and the same
 * cuts, or the last of them, and no secret.
 * SPDX-License-Identifier: MIT
 */
#include "dump.h"
#include "script/script.h"

#include "fuzz.h"

enum { FULL = 1 << 20 };

static const castor_str secret = { "fuzzy-key", 9 };

static void take_all(cst_recorder *recorder, const uint8_t *data, size_t size)
{
    uint64_t cuts = fuzz_sum(data, size) | 1;

    cst_recorder_begin(recorder, 0);
    cst_recorder_connect(recorder, 10);
    cst_recorder_head(recorder, 200, (castor_str){ (const char *)data, size < 40 ? size : 40 }, (castor_i64){ 0 });
    for (size_t at = 0; at < size;) {
        size_t len = fuzz_piece(&cuts, size - at);
        char  *piece = fuzz_copy(data + at, len);
        cst_recorder_take(recorder, piece, len, (int64_t)at);
        fuzz_spoil(piece, len);
        at += len;
    }
    cst_recorder_end(recorder, size % 2 ? CST_RECORD_CLEAN : CST_RECORD_LOST, (int64_t)size + 5);
    cst_recorder_finish(recorder, secret);
}

static bool has_secret(castor_str text)
{
    for (size_t at = 0; at + secret.len <= text.len; at++) {
        if (memcmp(text.data + at, secret.data, secret.len) == 0) return true;
    }
    return false;
}

static void check_script(cst_recorder *recorder, castor_str wanted, cst_framing framing)
{
    const cst_dump_facts facts = { .url = CASTOR_STR("http://twin.test/?key=1"), .dialect = CASTOR_DIALECT_GEMINI,
                                   .framing = framing, .verdict = CASTOR_VERDICT_COMPLETE };
    plx_script           script;
    plx_script_error     error;
    size_t               count, at = 0;
    const cst_mark      *marks = cst_recorder_marks(recorder, &count);

    fuzz_check_status(cst_dump_print(recorder, &facts));
    castor_str text = cst_buf_view(&recorder->script);
    fuzz_check(plx_script_parse(&script, text, &error), "pollux cannot read what was recorded");
    castor_str bytes = script.first->bytes;
    fuzz_check(bytes.len <= wanted.len, "more bytes than were held");
    if (bytes.len > 0) { /* of no bytes at all there is no place where they end */
        fuzz_check(memcmp(bytes.data, wanted.data + (wanted.len - bytes.len), bytes.len) == 0, "other bytes");
    }
    fuzz_check(recorder->dropped > 0 || bytes.len == wanted.len, "bytes are missing, and none was dropped");
    fuzz_check(!has_secret(bytes) && !has_secret(script.first->content_type), "the secret came through");
    for (size_t i = 0; recorder->dropped == 0 && i < count; i++) {
        fuzz_check(script.first->waits[i].offset == at, "a cut at another place");
        fuzz_check(script.first->waits[i].wait_ms == marks[i].wait_ms, "another pause");
        at += marks[i].len;
    }
    plx_script_free(&script);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const size_t sizes[] = { FULL, CST_RECORDER_BYTES_MIN };

    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        cst_recorder *recorder = cst_recorder_new(sizes[i], cst_allocator_default());
        fuzz_check(recorder != NULL, "no memory for the fuzzer itself");
        take_all(recorder, data, size);
        castor_str held = cst_recorder_bytes(recorder);
        fuzz_check(held.len + recorder->dropped == size, "bytes are neither held nor dropped");
        check_script(recorder, held, CST_FRAMING_SSE);
        check_script(recorder, held, CST_FRAMING_JSON);
        cst_recorder_free(recorder);
    }
    return 0;
}
