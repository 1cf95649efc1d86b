/* json_text.c -- finds where JSON values begin and end in bytes that are still arriving.
 * SPDX-License-Identifier: MIT
 */
#include "json_text.h"

/* Moves `scan` behind the closing quote. A quote counts unless an odd run of backslashes precedes it; the run may have
 * begun in bytes that came earlier. */
static bool end_string(cst_json_text *text, cst_input *input)
{
    const char *start = cst_input_at(input, text->string_start);
    const char *at = cst_input_at(input, input->scan), *end = cst_input_at(input, cst_input_limit(input));

    while ((at = memchr(at, '"', (size_t)(end - at))) != NULL) {
        const char *back = at;
        while (back > start && back[-1] == '\\') back--;
        at++;
        if ((at - back) % 2 == 1) {
            input->scan = text->string_start + (uint64_t)(at - start);
            text->in_string = false;
            return true;
        }
    }
    input->scan = cst_input_limit(input);
    return false;
}

static void begin_value(cst_json_text *text, cst_input *input, char first)
{
    text->in_value = true;
    text->depth = 0;
    text->is_scalar = first != '{' && first != '[' && first != '"';
    text->was_object = first == '{';
    input->start = input->scan;
}

typedef enum value_end { VALUE_OPEN, VALUE_ENDED, VALUE_TOO_DEEP } value_end;

/* Moves `scan` to the end of the value under way, or of what there is. */
static value_end scan_value(cst_json_text *text, cst_input *input)
{
    while (input->scan < cst_input_limit(input)) {
        if (text->in_string) {
            if (!end_string(text, input)) return VALUE_OPEN;
            if (text->depth == 0) return VALUE_ENDED;
            continue;
        }
        char c = *cst_input_at(input, input->scan);
        switch (c) {
        case '"':
            if (text->is_scalar) return VALUE_ENDED; /* 1"x": the value ends here, the caller finds the comma missing */
            text->in_string = true;
            text->string_start = ++input->scan;
            continue;
        case '{':
        case '[':
            if (text->is_scalar) return VALUE_ENDED;
            if (++text->depth > CST_JSON_DEPTH_MAX) return VALUE_TOO_DEEP;
            break;
        case '}':
        case ']':
            if (text->is_scalar) return VALUE_ENDED;
            if (--text->depth == 0) {
                input->scan++;
                return VALUE_ENDED;
            }
            break;
        case ',':
            if (text->is_scalar) return VALUE_ENDED;
            break;
        default:
            if (text->is_scalar && cst_is_space(c)) return VALUE_ENDED;
            break;
        }
        input->scan++;
    }
    return VALUE_OPEN;
}

/* In no array. */
static bool is_on_top(const cst_json_text *text)
{
    return text->place == CST_JSON_TOP || text->place == CST_JSON_BETWEEN;
}

static cst_scan take_value(cst_json_text *text, cst_input *input, cst_record *record)
{
    *record = (cst_record){
        .data = cst_input_view(input, input->start, input->scan),
        .offset = input->start,
        .extent = (size_t)(input->scan - input->start),
    };
    text->in_value = false;
    text->place = is_on_top(text) ? CST_JSON_BETWEEN : CST_JSON_AFTER;
    input->start = input->scan;
    return CST_SCAN_RECORD;
}

/* The bytes ran out inside a value. Only a top-level number or word may end with the body. */
static cst_scan end_of_bytes(cst_json_text *text, cst_input *input, cst_record *record)
{
    if (!input->is_ended) return CST_SCAN_MORE;
    if (!text->is_scalar || !is_on_top(text)) return CST_SCAN_CUT;
    take_value(text, input, record);
    record->is_unfinished = true; /* 12 may have been 123 */
    return CST_SCAN_RECORD;
}

/* One byte between values. True: it was white space or punctuation; go on. */
static bool punctuation(cst_json_text *text, char c, const char **why)
{
    *why = NULL;
    if (cst_is_space(c)) return true;
    switch (text->place) {
    case CST_JSON_TOP:
        if (c != '[') return false;
        text->place = CST_JSON_FIRST;
        return true;
    case CST_JSON_FIRST:
        if (c != ']') return false;
        text->place = CST_JSON_CLOSED;
        return true;
    case CST_JSON_AFTER:
        if (c == ',') text->place = CST_JSON_NEXT;
        else if (c == ']') text->place = CST_JSON_CLOSED;
        else *why = "a comma or a closing bracket is missing between the elements of the array";
        return true;
    case CST_JSON_CLOSED:
        *why = "something stands behind the end of the array";
        return true;
    case CST_JSON_BETWEEN:
        if (!text->was_object || c != '{') *why = "something stands behind the end of the value";
        return *why != NULL;
    case CST_JSON_NEXT:
    default:
        return false;
    }
}

cst_scan cst_json_text_next(cst_json_text *text, cst_input *input, cst_record *record, cst_problem *problem)
{
    while (!text->in_value) {
        if (input->scan == cst_input_limit(input)) {
            if (!input->is_ended) return CST_SCAN_MORE;
            return is_on_top(text) || text->place == CST_JSON_CLOSED ? CST_SCAN_END : CST_SCAN_CUT;
        }
        char        c = *cst_input_at(input, input->scan);
        const char *why;
        if (!punctuation(text, c, &why)) {
            begin_value(text, input, c);
            break;
        }
        if (why) return cst_scan_bad(problem, CASTOR_PROTOCOL, input->scan, why);
        input->start = ++input->scan;
        if (text->stops_when_closed && text->place == CST_JSON_CLOSED) return CST_SCAN_END;
    }

    switch (scan_value(text, input)) {
    case VALUE_TOO_DEEP: return cst_scan_bad(problem, CASTOR_LIMIT, input->scan, "nested too deeply");
    case VALUE_OPEN: return end_of_bytes(text, input, record);
    case VALUE_ENDED:
    default: break;
    }
    if (input->scan == input->start) { /* ',' or ']' where a value should be */
        return cst_scan_bad(problem, CASTOR_PROTOCOL, input->scan, "a value is missing in the array");
    }
    return take_value(text, input, record);
}

bool cst_json_text_peek(cst_json_text *text, cst_input *input, castor_str *ahead)
{
    const char *why;

    if (text->in_value) return false;
    for (; input->scan < cst_input_limit(input); input->start = ++input->scan) {
        char c = *cst_input_at(input, input->scan);
        bool is_between = punctuation(text, c, &why);
        if (why || (!is_between && c != '{')) return false;
        if (is_between) continue;
        *ahead = cst_input_view(input, input->scan, cst_input_limit(input));
        return true;
    }
    return false;
}

void cst_json_text_take(cst_json_text *text, cst_input *input, size_t len, cst_record *record)
{
    begin_value(text, input, '{');
    input->scan += len;
    (void)take_value(text, input, record);
}
