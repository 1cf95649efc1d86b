/* frame.c -- bytes of a body into records, whatever framing the server chose.
 * SPDX-License-Identifier: MIT
 */
#include "frame.h"

void cst_frame_set_content_type(cst_frame *frame, castor_str content_type)
{
    for (size_t i = 0; i < content_type.len; i++) {
        if (content_type.data[i] == ';') content_type.len = i; /* without parameters */
    }
    cst_copy_text(frame->content_type, sizeof frame->content_type, cst_str_trim(content_type));
}

void cst_frame_init(cst_frame *frame, const cst_allocator *allocator, castor_str content_type, size_t event_bytes_max)
{
    /* Room for the largest event and as much again, for what a caller feeds before taking events. */
    size_t bytes_max = event_bytes_max > SIZE_MAX / 4 ? SIZE_MAX / 2 : event_bytes_max * 2 + (1 << 20);

    *frame = (cst_frame){ .event_bytes_max = event_bytes_max };
    cst_input_init(&frame->input, allocator, bytes_max);
    cst_sse_init(&frame->sse, allocator, event_bytes_max);
    cst_frame_set_content_type(frame, content_type);
}

void cst_frame_free(cst_frame *frame)
{
    cst_input_free(&frame->input);
    cst_sse_free(&frame->sse);
}

castor_status cst_frame_feed(cst_frame *frame, const void *bytes, size_t len)
{
    return cst_input_feed(&frame->input, bytes, len);
}

void cst_frame_end(cst_frame *frame, bool is_lost)
{
    frame->input.is_ended = true;
    frame->is_lost = is_lost;
}

size_t cst_frame_held(const cst_frame *frame)
{
    return (size_t)(cst_input_limit(&frame->input) - frame->input.start);
}

/* ---- recognition ---- */

typedef enum match { MATCH_NO, MATCH_YES, MATCH_MAYBE } match;

/* MAYBE: the text ends before it can differ. */
static match starts_with_any(castor_str text, const char *const *words, size_t count)
{
    match result = MATCH_NO;

    for (size_t i = 0; i < count; i++) {
        size_t len = strlen(words[i]);
        if (cst_str_starts_with(text, words[i])) return MATCH_YES;
        if (text.len < len && memcmp(text.data, words[i], text.len) == 0) result = MATCH_MAYBE;
    }
    return result;
}

static bool has_type(const cst_frame *frame, const char *word)
{
    return cst_str_contains_nocase(castor_str_of(frame->content_type), word);
}

/* By the first bytes that are not white space; the content type decides only where they leave it open. */
static cst_framing recognise_text(const cst_frame *frame, castor_str text)
{
    static const char *const fields[] = { ":", "data:", "event:", "id:", "retry:", "data\n", "data\r" };
    static const char *const words[] = { "true", "false", "null" };
    bool                     is_all = frame->input.is_ended && !frame->is_lost; /* no more belongs to it */

    if (text.data[0] == '{' || text.data[0] == '[') return CST_FRAMING_JSON;
    if (text.data[0] == '<') return CST_FRAMING_OPAQUE;
    if (has_type(frame, "event-stream")) return CST_FRAMING_SSE;

    match field = starts_with_any(text, fields, sizeof fields / sizeof *fields);
    if (field == MATCH_YES) return CST_FRAMING_SSE;
    if (field == MATCH_MAYBE && !is_all) return CST_FRAMING_UNKNOWN;
    if (has_type(frame, "json")) return CST_FRAMING_JSON;
    if (has_type(frame, "html")) return CST_FRAMING_OPAQUE;

    if (strchr("\"-0123456789", text.data[0])) return CST_FRAMING_JSON;
    match word = starts_with_any(text, words, sizeof words / sizeof *words);
    if (word == MATCH_YES) return CST_FRAMING_JSON;
    if (word == MATCH_MAYBE && !is_all) return CST_FRAMING_UNKNOWN;
    if (has_type(frame, "text/plain")) return CST_FRAMING_OPAQUE;
    return CST_FRAMING_SSE;
}

/* Skips a byte order mark. False: cannot tell yet. */
static bool skip_bom(cst_input *input)
{
    static const char bom[] = "\xEF\xBB\xBF";
    castor_str        text = cst_input_view(input, input->start, cst_input_limit(input));

    if (input->scan > 0) return true;
    if (cst_str_starts_with(text, bom)) input->start = input->scan = 3;
    return text.len >= 3 || text.len == 0 || memcmp(text.data, bom, text.len) != 0 || input->is_ended;
}

/* Moves `scan` over leading white space, and `start` behind all of it but the last blank of a line: in an event stream
 * the blanks before a field are part of its name, and one is enough to spoil it. */
static void skip_white_space(cst_input *input)
{
    for (; input->scan < cst_input_limit(input); input->scan++) {
        char c = *cst_input_at(input, input->scan);
        if (!cst_is_space(c)) return;
        input->start = c == '\n' || c == '\r' ? input->scan + 1 : input->scan;
    }
}

static void recognise(cst_frame *frame)
{
    cst_input *input = &frame->input;

    if (input->bytes.len == 0 || !skip_bom(input)) return;
    skip_white_space(input);
    castor_str text = cst_input_view(input, input->scan, cst_input_limit(input));
    if (text.len > CST_RECOGNISE_MAX) text.len = CST_RECOGNISE_MAX;
    if (text.len > 0) frame->framing = recognise_text(frame, text);
    if (frame->framing != CST_FRAMING_UNKNOWN) input->scan = input->start; /* the scanner sees the whole line */
}

/* ---- records ---- */

static cst_scan next_in_framing(cst_frame *frame, cst_record *record, cst_problem *problem)
{
    cst_input *input = &frame->input;
    cst_scan   found;

    switch (frame->framing) {
    case CST_FRAMING_JSON: return cst_json_text_next(&frame->json, input, record, problem);
    case CST_FRAMING_SSE:
        found = cst_sse_next(&frame->sse, input, record, problem);
        if (found == CST_SCAN_END && !frame->sse.saw_field) {
            if (frame->is_lost) return CST_SCAN_CUT; /* the first line may have become one */
            return cst_scan_bad(problem, CASTOR_PROTOCOL, 0, "not one line of an event stream in it");
        }
        return found;
    case CST_FRAMING_OPAQUE:
        return cst_scan_bad(problem, CASTOR_PROTOCOL, 0, "a page or plain text where the protocol should be");
    case CST_FRAMING_UNKNOWN: /* nothing but white space so far */
    default: return input->is_ended ? CST_SCAN_END : CST_SCAN_MORE;
    }
}

/* What the record takes in the body: all of it, or as much as was looked at. */
static uint64_t extent_of(const cst_frame *frame, cst_scan found, const cst_record *record, const cst_problem *problem)
{
    switch (found) {
    case CST_SCAN_RECORD: return record->extent;
    case CST_SCAN_MORE: return cst_frame_held(frame);
    case CST_SCAN_BAD: return problem->status == CASTOR_LIMIT ? problem->offset - frame->input.start : 0;
    case CST_SCAN_END:
    case CST_SCAN_CUT:
    default: return 0;
    }
}

cst_scan cst_frame_next(cst_frame *frame, cst_record *record, cst_problem *problem)
{
    if (frame->framing == CST_FRAMING_UNKNOWN) recognise(frame);

    cst_scan found = next_in_framing(frame, record, problem);
    uint64_t start = frame->input.start, extent = extent_of(frame, found, record, problem);
    if (extent <= frame->event_bytes_max) return found;
    if (found == CST_SCAN_RECORD) start -= extent;
    return cst_scan_bad(problem, CASTOR_LIMIT, start, CST_TOO_LARGE);
}

bool cst_frame_peek(cst_frame *frame, bool is_one_line, castor_str *ahead)
{
    if (frame->framing == CST_FRAMING_SSE) return is_one_line && cst_sse_peek(&frame->sse, &frame->input, ahead);
    if (frame->framing == CST_FRAMING_JSON) return cst_json_text_peek(&frame->json, &frame->input, ahead);
    return false;
}

bool cst_frame_take(cst_frame *frame, castor_str ahead, size_t len, cst_record *record)
{
    if (frame->framing == CST_FRAMING_SSE) return cst_sse_take(&frame->sse, &frame->input, ahead, len, record);
    if (len > frame->event_bytes_max) return false;
    cst_json_text_take(&frame->json, &frame->input, len, record);
    return true;
}
