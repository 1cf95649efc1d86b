/* prediction.c -- records like the one before, and nearly so: prediction must come to what a full reading comes to.
 * SPDX-License-Identifier: MIT
 *
 * The input is decoded as it stands, and again as a stream made of it: its first record many times over, most of them
 * spoilt in a few bytes that follow from a sum over the input. Each is read with prediction, whole and cut, and without.
 */
#include "decoder.h"

#include "fuzz.h"

enum { REPEATS = 24, EDITS_MAX = 3, RECORD_MAX = 2048 };

static void read_in_full(castor_decoder *decoder)
{
    decoder->prediction.is_off = true;
}

static void compare(const fuzz_body *body, uint64_t cuts)
{
    fuzz_body plain = *body;
    cst_buf   predicted, full;

    plain.prepare = read_in_full;
    fuzz_decode(body, cuts, &predicted);
    fuzz_decode(&plain, 0, &full);
    if (!cst_str_equal(cst_buf_view(&predicted), cst_buf_view(&full))) {
        (void)fprintf(stderr, "body:\n%.*s\npredicted:\n%s\nfull:\n%s\n", (int)body->size, (const char *)body->data,
                      predicted.data, full.data);
        fuzz_check(false, "the events depend on what came before");
    }
    cst_buf_free(&predicted);
    cst_buf_free(&full);
}

static void compare_all(const uint8_t *data, size_t size, const char *content_type)
{
    static const castor_dialect dialects[] = { CASTOR_DIALECT_DEFAULT, CASTOR_DIALECT_GEMINI, CASTOR_DIALECT_OPENAI,
                                               CASTOR_DIALECT_MESSAGE };
    uint64_t                    sum = fuzz_sum(data, size) | 1;

    for (size_t i = 0; i < sizeof dialects / sizeof *dialects; i++) {
        fuzz_body body = { .data = data, .size = size, .dialect = dialects[i], .content_type = content_type };
        compare(&body, 0);
        compare(&body, sum);
        body.end = CASTOR_END_LOST;
        compare(&body, sum + i);
    }
}

static uint32_t draw(uint64_t *state, uint32_t below)
{
    uint64_t z = *state += 0x9E3779B97F4A7C15u;

    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z ^= z >> 27;
    return (uint32_t)((z >> 16) % below);
}

/* The data of the first `data:` line, or all. Without line ends: they would end the record that is made of it. */
static castor_str first_record(castor_str input)
{
    castor_str record = input;

    for (size_t at = 0; at + 5 <= input.len; at++) {
        if (memcmp(input.data + at, "data:", 5) != 0) continue;
        record = (castor_str){ input.data + at + 5, input.len - at - 5 };
        break;
    }
    for (size_t i = 0; i < record.len; i++) {
        if (record.data[i] == '\n' || record.data[i] == '\r') record.len = i;
    }
    if (record.len > RECORD_MAX) record.len = RECORD_MAX;
    return record;
}

/* One byte less, more or other; of bytes that mean something to a reader of JSON. */
static void edit(castor_str *record, char *bytes, uint64_t *state)
{
    static const char *const pieces[] = { "\"", "\\", "0", "7", "12", "-", ".", "e1", ",", ":", "{", "}", "[", "]", " ",
                                          "\\u00e9", "\\ud83e\\uddab", "\\udc00", "\\n", "\\x", "\xC3\xA9", "\xE2\x82\xAC",
                                          "\xF0\x9F\xA6\xAB", "\xC0\xAF", "\xED\xA0\x80", "\xFF", "\x7F", "\x01", "null",
                                          "a", "the dam", "\"\"", "true" };
    const char *piece = pieces[draw(state, sizeof pieces / sizeof *pieces)];
    size_t      at = draw(state, (uint32_t)record->len + 1), len = strlen(piece), gone = draw(state, 3);

    if (draw(state, 4) == 0) len = 0;
    if (gone > record->len - at) gone = record->len - at;
    if (record->len + len - gone > RECORD_MAX) return;
    memmove(bytes + at + len, bytes + at + gone, record->len - at - gone);
    memcpy(bytes + at, piece, len);
    record->len += len - gone;
}

/* How records follow each other: what stands before the first, before each and behind each. */
typedef struct manner {
    const char *content_type;
    const char *start;
    const char *before;
    const char *behind;
} manner;

static const manner manners[] = {
    { "text/event-stream", "", "data: ", "\r\n\r\n" },
    { "text/event-stream", ": hello\n", "data:", "\n\n" },
    { "text/event-stream", "", "event: piece\ndata: ", "\nid: 7\n\n" },
    { "text/event-stream", "", "data: ", "\r\r" },
    { "application/json", "[", "\n", ",\r\n" },
    { "application/json", "", "", "\n" },
};

static void repeat(const manner *how, castor_str record, uint64_t state, cst_buf *out)
{
    char bytes[RECORD_MAX + 16];

    cst_buf_init(out, cst_allocator_default(), SIZE_MAX / 2);
    fuzz_check_status(cst_buf_append_text(out, how->start));
    for (size_t i = 0; i < REPEATS; i++) {
        castor_str copy = { bytes, record.len };
        if (record.len > 0) memcpy(bytes, record.data, record.len);
        for (uint32_t edits = i > 0 ? draw(&state, EDITS_MAX + 1) : 0; edits > 0; edits--) edit(&copy, bytes, &state);
        fuzz_check_status(cst_buf_append_text(out, how->before));
        fuzz_check_status(cst_buf_append_str(out, copy));
        fuzz_check_status(cst_buf_append_text(out, how->behind));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    castor_str    record = first_record((castor_str){ (const char *)data, size });
    uint64_t      sum = fuzz_sum(data, size);
    const manner *how = &manners[sum % (sizeof manners / sizeof *manners)];
    cst_buf       stream;

    compare_all(data, size, NULL);
    repeat(how, record, sum, &stream);
    compare_all((const uint8_t *)stream.data, stream.len, how->content_type);
    cst_buf_free(&stream);
    return 0;
}
