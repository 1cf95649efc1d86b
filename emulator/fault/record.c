/* record.c -- parts the body of an answer into its events.
 * SPDX-License-Identifier: MIT
 */
#include "fault/record.h"

#include "bounds.h"

void plx_parting_init(plx_parting *parting, const cst_allocator *allocator, plx_framing framing)
{
    *parting = (plx_parting){ .framing = framing };
    cst_buf_init(&parting->bytes, allocator, PLX_EVENT_BYTES_MAX);
}

void plx_parting_free(plx_parting *parting)
{
    if (parting->bytes.allocator) cst_buf_free(&parting->bytes);
}

/* What was looked at and taken goes when new bytes come, so that views live until then. */
castor_status plx_parting_feed(plx_parting *parting, castor_str bytes)
{
    cst_buf_drop_front(&parting->bytes, parting->start);
    parting->seen -= parting->start;
    parting->start = 0;
    return cst_buf_append_str(&parting->bytes, bytes);
}

castor_str plx_parting_rest(const plx_parting *parting)
{
    const cst_buf *bytes = &parting->bytes;

    if (bytes->len == parting->start) return CST_NONE;
    return (castor_str){ bytes->data + parting->start, bytes->len - parting->start };
}

/* The next event begins at `start`, and ends in front of `end`. */
static castor_str take_up_to(plx_parting *p, size_t end)
{
    castor_str record = { p->bytes.data + p->start, end - p->start };

    p->start = p->seen = end;
    return record;
}

/* The length of the line end at `at`: CR LF, LF or CR; 0: there is none, or it may go on. */
static size_t line_end_at(castor_str text, size_t at)
{
    if (text.data[at] == '\n') return 1;
    if (text.data[at] != '\r') return 0;
    if (at + 1 == text.len) return 0;
    return text.data[at + 1] == '\n' ? 2 : 1;
}

/* A line end, and behind it another. */
static bool next_event(plx_parting *p, castor_str *record)
{
    castor_str text = cst_buf_view(&p->bytes);

    for (; p->seen < text.len; p->seen++) {
        size_t first = line_end_at(text, p->seen);
        if (first == 0) {
            if (text.data[p->seen] == '\r') return false;
            continue;
        }
        size_t at = p->seen + first;
        if (at == text.len) return false;
        size_t second = line_end_at(text, at);
        if (second > 0) {
            *record = take_up_to(p, at + second);
            return true;
        }
        if (text.data[at] == '\r') return false;
        p->seen = at - 1;
    }
    return false;
}

/* Moves over one byte of JSON; true: it ended a value of the outermost level. */
static bool step_json(plx_parting *p, char c, size_t outer)
{
    if (p->is_escape) {
        p->is_escape = false;
    } else if (p->is_string) {
        p->is_escape = c == '\\';
        p->is_string = c != '"';
        return !p->is_string && p->depth == outer;
    } else if (c == '"') {
        p->is_string = p->is_value = true;
    } else if (c == '{' || c == '[') {
        p->depth++;
        p->is_value = true;
    } else if (c == '}' || c == ']') {
        if (p->depth > outer) p->depth--;
        return p->depth == outer;
    }
    return false;
}

static bool next_element(plx_parting *p, castor_str *record)
{
    while (p->seen < p->bytes.len) {
        char c = p->bytes.data[p->seen++];
        if (!p->is_value && (cst_is_space(c) || c == ',' || c == ']')) { /* what parts the elements */
            p->start = p->seen;
            continue;
        }
        if (!step_json(p, c, 1)) continue;
        p->is_value = false;
        *record = take_up_to(p, p->seen);
        return true;
    }
    return false;
}

/* An LF behind the value belongs to it; so it is whole when the next byte is there, or the end. */
static bool next_value(plx_parting *p, castor_str *record)
{
    while (p->seen < p->bytes.len) {
        char c = p->bytes.data[p->seen];
        if (p->is_ended) {
            p->is_ended = p->is_value = false;
            *record = take_up_to(p, p->seen + (c == '\n' ? 1 : 0));
            return true;
        }
        p->seen++;
        p->is_ended = step_json(p, c, 0);
    }
    return false;
}

bool plx_parting_next(plx_parting *parting, castor_str *record)
{
    castor_str text = cst_buf_view(&parting->bytes);

    if (parting->framing == PLX_FRAMING_JSON) {
        while (parting->seen < text.len && cst_is_space(text.data[parting->seen])) parting->seen++;
        if (parting->seen == text.len) return false;
        parting->framing = text.data[parting->seen] == '[' ? PLX_FRAMING_ARRAY : PLX_FRAMING_VALUES;
        if (parting->framing == PLX_FRAMING_ARRAY) {
            parting->depth = 1;
            parting->start = ++parting->seen;
        }
    }
    switch (parting->framing) {
    case PLX_FRAMING_EVENTS: return next_event(parting, record);
    case PLX_FRAMING_ARRAY: return next_element(parting, record);
    case PLX_FRAMING_VALUES: return next_value(parting, record);
    default: return false;
    }
}
