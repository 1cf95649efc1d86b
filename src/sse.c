/* sse.c -- bytes of a text/event-stream into events, however the network cuts them.
 * SPDX-License-Identifier: MIT
 *
 * A line ends with LF, CR LF or CR. A CR may be the last byte we hold with its LF still on the way: the line ends at
 * once, and the LF is swallowed when it comes.
 *
 * The data of an event is a view into the input when it has one `data:` line, the common case. With several, each
 * line's value is moved to stand behind the one before, over the field name that nobody needs any more.
 */
#include "sse.h"

void cst_sse_init(cst_sse *sse, const cst_allocator *allocator, size_t event_bytes_max)
{
    *sse = (cst_sse){ .event_bytes_max = event_bytes_max };
    cst_buf_init(&sse->type, allocator, CST_SSE_FIELD_MAX);
    cst_buf_init(&sse->id, allocator, CST_SSE_FIELD_MAX);
}

void cst_sse_free(cst_sse *sse)
{
    cst_buf_free(&sse->type);
    cst_buf_free(&sse->id);
}

/* The position of the first `c` at or behind `scan`. Remembered, so that a stream that ends its lines with the other
 * byte is not searched to its end for each line. */
static bool find_byte(cst_sse_byte *byte, char c, const cst_input *input)
{
    if (byte->is_found && byte->found >= input->scan) return true;
    if (byte->searched < input->scan) byte->searched = input->scan;

    const char *from = cst_input_at(input, byte->searched);
    const char *hit = memchr(from, c, (size_t)(cst_input_limit(input) - byte->searched));
    byte->is_found = hit != NULL;
    if (hit) byte->found = byte->searched = byte->searched + (uint64_t)(hit - from);
    else byte->searched = cst_input_limit(input);
    return byte->is_found;
}

typedef struct line {
    uint64_t start;
    uint64_t end;  /* without its line end */
    uint64_t next; /* where the next line starts */
    bool     ends_with_cr;
} line;

/* The second byte of a CR LF whose first one ended a line already. */
static void swallow_lf(cst_sse *sse, cst_input *input)
{
    if (!sse->swallows_lf || input->scan == cst_input_limit(input)) return;
    if (*cst_input_at(input, input->scan) == '\n') input->scan++;
    sse->swallows_lf = false;
}

/* The line at `scan`, if it is whole, or the body has ended. */
static bool take_line(cst_sse *sse, cst_input *input, line *out)
{
    uint64_t limit = cst_input_limit(input);

    if (input->scan == limit) return false;

    bool has_lf = find_byte(&sse->lf, '\n', input), has_cr = find_byte(&sse->cr, '\r', input);
    if (!has_lf && !has_cr) {
        if (!input->is_ended) return false;
        *out = (line){ input->scan, limit, limit, false };
        return true;
    }
    bool     is_cr = has_cr && (!has_lf || sse->cr.found < sse->lf.found);
    uint64_t end = is_cr ? sse->cr.found : sse->lf.found;
    *out = (line){ input->scan, end, end + 1, is_cr };
    return true;
}

static void append_data(cst_sse *sse, const cst_input *input, uint64_t from, uint64_t to)
{
    if (!sse->has_data) {
        sse->has_data = true;
        sse->data_start = from;
        sse->data_end = to;
        return;
    }
    *cst_input_at(input, sse->data_end++) = '\n';
    memmove(cst_input_at(input, sse->data_end), cst_input_at(input, from), (size_t)(to - from));
    sse->data_end += to - from;
}

static castor_i64 parse_retry(castor_str value)
{
    int64_t milliseconds = 0;

    if (value.len == 0 || value.len > 15) return (castor_i64){ 0 };
    for (size_t i = 0; i < value.len; i++) {
        if (value.data[i] < '0' || value.data[i] > '9') return (castor_i64){ 0 };
        milliseconds = milliseconds * 10 + (value.data[i] - '0');
    }
    return castor_some_i64(milliseconds);
}

/* A short field in place of what was kept. One of absurd length is ignored; without memory it is unknown, but the event
 * is not lost. */
static void keep_field(cst_buf *kept, castor_str value)
{
    if (value.len > kept->max) return;
    kept->len = 0;
    (void)cst_buf_append_str(kept, value);
}

/* False: a line that names no field. */
static bool take_field(cst_sse *sse, const cst_input *input, const line *at)
{
    castor_str  text = cst_input_view(input, at->start, at->end);
    const char *colon = memchr(text.data, ':', text.len);
    castor_str  name = { text.data, colon ? (size_t)(colon - text.data) : text.len };
    uint64_t    value = colon ? at->start + name.len + 1 : at->end;

    if (value < at->end && *cst_input_at(input, value) == ' ') value++;

    if (name.len == 0) {
        sse->saw_field = true; /* a comment */
    } else if (cst_str_is(name, "data")) {
        sse->saw_field = true;
        append_data(sse, input, value, at->end);
    } else if (cst_str_is(name, "event")) {
        sse->saw_field = true;
        keep_field(&sse->type, cst_input_view(input, value, at->end));
    } else if (cst_str_is(name, "id")) {
        castor_str id = cst_input_view(input, value, at->end);
        sse->saw_field = true;
        if (id.len == 0 || !memchr(id.data, '\0', id.len)) keep_field(&sse->id, id); /* the standard ignores NUL */
    } else if (cst_str_is(name, "retry")) {
        castor_i64 retry_ms = parse_retry(cst_input_view(input, value, at->end));
        sse->saw_field = true;
        if (retry_ms.is_set) sse->retry_ms = retry_ms;
    } else {
        return false;
    }
    return true;
}

/* A line that names no field is passed over. But bytes that are no text may have swallowed the field that stands behind
 * them: then something is missing, and that must be said. The last line may only be cut off. */
static cst_scan check_text(const cst_input *input, const line *at, cst_problem *problem)
{
    castor_str text = cst_input_view(input, at->start, at->end);
    size_t     valid = at->next > at->end ? cst_utf8_valid(text) : text.len;

    if (valid == text.len) return CST_SCAN_MORE;
    return cst_scan_bad(problem, CASTOR_PROTOCOL, at->start + valid, "a line between the events is no text");
}

/* Ends the event under way. False: it had no data, and by the standard was none. */
static bool dispatch(cst_sse *sse, cst_input *input, bool is_unfinished, cst_record *record)
{
    bool has_data = sse->has_data;

    sse->is_given = true; /* the record's view of the type stays good until the next call */
    if (has_data) {
        *record = (cst_record){
            .data = cst_input_view(input, sse->data_start, sse->data_end),
            .event = sse->type.len > 0 ? cst_buf_view(&sse->type) : CST_NONE,
            .id = cst_buf_view(&sse->id),
            .offset = sse->data_start,
            .extent = (size_t)(input->scan - input->start),
            .is_unfinished = is_unfinished,
        };
    }
    sse->has_data = false;
    input->start = input->scan;
    return has_data;
}

static bool begins_bare_json(const cst_input *input)
{
    if (input->scan == cst_input_limit(input)) return false;
    return *cst_input_at(input, input->scan) == '{' || *cst_input_at(input, input->scan) == '[';
}

/* JSON between events, scanned as a body of its own; elements of an array come one by one. */
static cst_scan next_bare(cst_sse *sse, cst_input *input, cst_record *record, cst_problem *problem)
{
    cst_scan found = cst_json_text_next(&sse->bare, input, record, problem);
    bool     is_over = sse->bare.place == CST_JSON_BETWEEN || sse->bare.place == CST_JSON_CLOSED;

    if (found == CST_SCAN_RECORD) sse->saw_field = true;
    if (is_over && !sse->bare.in_value && found != CST_SCAN_CUT) {
        sse->is_bare = false;
        if (found == CST_SCAN_END) found = CST_SCAN_MORE; /* only the value's: lines go on behind it */
    }
    return found;
}

/* What the last line, and the record that was given for it, left behind. */
static void begin_line(cst_sse *sse, cst_input *input)
{
    if (sse->is_given) sse->type.len = 0;
    sse->is_given = false;
    swallow_lf(sse, input);
}

static cst_scan at_end(cst_sse *sse, cst_input *input, cst_record *record)
{
    if (!input->is_ended) return CST_SCAN_MORE;
    return dispatch(sse, input, true, record) ? CST_SCAN_RECORD : CST_SCAN_END;
}

cst_scan cst_sse_next(cst_sse *sse, cst_input *input, cst_record *record, cst_problem *problem)
{
    line at;

    for (;;) {
        if (sse->is_bare) {
            cst_scan found = next_bare(sse, input, record, problem);
            if (found != CST_SCAN_MORE || sse->is_bare) return found;
        }
        begin_line(sse, input);
        if (begins_bare_json(input)) {
            sse->is_bare = true;
            sse->bare = (cst_json_text){ .stops_when_closed = true };
            if (dispatch(sse, input, false, record)) return CST_SCAN_RECORD; /* its blank line never came */
            continue;
        }
        if (!take_line(sse, input, &at)) return at_end(sse, input, record);
        if (at.next - input->start > sse->event_bytes_max) { /* also a line that says nothing: it had to be held */
            return cst_scan_bad(problem, CASTOR_LIMIT, input->start, CST_TOO_LARGE);
        }
        input->scan = at.next;
        sse->swallows_lf = at.ends_with_cr;
        if (at.end > at.start) {
            if (!take_field(sse, input, &at) && check_text(input, &at, problem) == CST_SCAN_BAD) return CST_SCAN_BAD;
            if (!sse->has_data) input->start = input->scan; /* what we keep of it is kept elsewhere */
        } else if (dispatch(sse, input, false, record)) {
            return CST_SCAN_RECORD;
        }
    }
}

bool cst_sse_peek(cst_sse *sse, cst_input *input, castor_str *ahead)
{
    static const char field[5] = "data:";

    if (sse->is_bare || sse->has_data) return false;
    begin_line(sse, input);
    *ahead = cst_input_view(input, input->scan, cst_input_limit(input));
    if (ahead->len <= sizeof field || memcmp(ahead->data, field, sizeof field) != 0) return false;

    size_t skipped = sizeof field + (ahead->data[sizeof field] == ' ');
    ahead->data += skipped;
    ahead->len -= skipped;
    return true;
}

bool cst_sse_take(cst_sse *sse, cst_input *input, castor_str ahead, size_t len, cst_record *record)
{
    const char *end = ahead.data + len;
    bool        has_cr = ahead.len - len >= 4 && memcmp(end, "\r\n\r\n", 4) == 0;
    bool        has_lf = ahead.len - len >= 2 && memcmp(end, "\n\n", 2) == 0;
    uint64_t    data_end = cst_input_limit(input) - (ahead.len - len);
    uint64_t    scan = data_end + (has_cr ? 3 : 2); /* the last LF may be swallowed later, as in lines */

    if ((!has_cr && !has_lf) || scan - input->start > sse->event_bytes_max) return false;
    sse->saw_field = true;
    sse->swallows_lf = has_cr;
    append_data(sse, input, data_end - len, data_end);
    input->scan = scan;
    return dispatch(sse, input, false, record);
}
