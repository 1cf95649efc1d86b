/* lines.c -- writes the same event of a text/event-stream in other lines.
 * SPDX-License-Identifier: MIT
 *
 * All but the wrong ones are legal (HTML Standard, "Parsing an event stream"), whatever Google's own server sends.
 */
#include "fault/edit.h"

#include <inttypes.h>
#include <stdio.h>

#include "fault/member.h"

castor_str plx_line_end_of(castor_str event)
{
    for (size_t i = 0; i < event.len; i++) {
        if (event.data[i] == '\n') return CASTOR_STR("\n");
        if (event.data[i] != '\r') continue;
        return i + 1 < event.len && event.data[i + 1] == '\n' ? CASTOR_STR("\r\n") : CASTOR_STR("\r");
    }
    return CASTOR_STR("\r\n");
}

/* ---- lines in front ---- */

static castor_status put_in_front(cst_buf *event, const char *name, const char *value)
{
    castor_str end = plx_line_end_of(cst_buf_view(event));
    cst_buf    line;

    cst_buf_init(&line, event->allocator, PLX_EVENT_BYTES_MAX);
    castor_status status = cst_buf_append_format(&line, "%s: %s%.*s", name, value, CASTOR_ARG(end));
    if (status == CASTOR_OK) status = plx_splice(event, 0, 0, cst_buf_view(&line));
    cst_buf_free(&line);
    return status;
}

castor_status plx_lines_comment(const plx_fault *fault, cst_buf *event, uint64_t number)
{
    (void)number;
    return put_in_front(event, "", fault->text);
}

castor_status plx_lines_event(const plx_fault *fault, cst_buf *event, uint64_t number)
{
    (void)number;
    return put_in_front(event, "event", fault->text);
}

castor_status plx_lines_id(const plx_fault *fault, cst_buf *event, uint64_t number)
{
    char text[PLX_FAULT_TEXT_BYTES_MAX + 24];

    snprintf(text, sizeof text, "%s%" PRIu64, fault->text, number);
    return put_in_front(event, "id", text);
}

castor_status plx_lines_retry(const plx_fault *fault, cst_buf *event, uint64_t number)
{
    char text[24];

    (void)number;
    snprintf(text, sizeof text, "%" PRId64, fault->numbers[0]);
    return put_in_front(event, "retry", text);
}

/* ---- the lines themselves ---- */

/* The line at `*at`, without its end; moves behind it. */
static castor_str take_line(castor_str event, size_t *at, castor_str *end)
{
    size_t start = *at;
    size_t stop = start;

    while (stop < event.len && event.data[stop] != '\r' && event.data[stop] != '\n') stop++;
    size_t behind = stop;
    if (behind < event.len && event.data[behind] == '\r') behind++;
    if (behind < event.len && event.data[behind] == '\n') behind++;
    if (behind > stop + 1 && event.data[stop] == '\n') behind = stop + 1;
    *end = (castor_str){ event.data + stop, behind - stop };
    *at = behind;
    return (castor_str){ event.data + start, stop - start };
}

/* Writes each line anew. */
typedef castor_status line_fn(cst_buf *out, castor_str line, castor_str end, size_t index, const void *how);

static castor_status rewrite(cst_buf *event, line_fn *write, const void *how)
{
    castor_str    old = cst_buf_view(event);
    castor_status status = CASTOR_OK;
    size_t        index = 0;
    cst_buf       out;

    cst_buf_init(&out, event->allocator, PLX_EVENT_BYTES_MAX);
    for (size_t at = 0; at < old.len && status == CASTOR_OK;) {
        castor_str end;
        castor_str line = take_line(old, &at, &end);
        status = write(&out, line, end, index++, how);
    }
    if (status == CASTOR_OK) {
        cst_buf_free(event);
        *event = out;
    } else {
        cst_buf_free(&out);
    }
    return status;
}

static castor_status write_tight(cst_buf *out, castor_str line, castor_str end, size_t index, const void *how)
{
    const char   *space = line.len ? memchr(line.data, ' ', line.len) : NULL;
    size_t        at = space ? (size_t)(space - line.data) : 0;
    castor_status status;

    (void)index;
    (void)how;
    if (at == 0 || line.data[at - 1] != ':') at = line.len;
    status = cst_buf_append(out, line.data, at);
    if (status == CASTOR_OK && at < line.len) status = cst_buf_append(out, line.data + at + 1, line.len - at - 1);
    return status == CASTOR_OK ? cst_buf_append_str(out, end) : status;
}

castor_status plx_lines_no_space(const plx_fault *fault, cst_buf *event, uint64_t number)
{
    (void)fault;
    (void)number;
    return rewrite(event, write_tight, NULL);
}

/* Where JSON may have a line end: behind a comma or an opening bracket outside of strings. */
static bool is_joint(char c, bool *is_string, bool *is_escape)
{
    if (*is_escape) *is_escape = false;
    else if (*is_string && c == '\\') *is_escape = true;
    else if (c == '"') *is_string = !*is_string;
    return !*is_string && (c == ',' || c == '{' || c == '[');
}

static castor_status write_parted(cst_buf *out, castor_str line, castor_str end, size_t index, const void *how)
{
    const int64_t *parts = how;
    bool           is_string = false, is_escape = false;
    bool           is_json = cst_str_starts_with(line, "data:") && !cst_str_is(line, "data: [DONE]");
    size_t         start = 0;
    int64_t        part = 1;
    castor_status  status = CASTOR_OK;

    (void)index;
    for (size_t i = 0; is_json && i < line.len && status == CASTOR_OK; i++) {
        bool is_here = is_joint(line.data[i], &is_string, &is_escape) && part < *parts && i + 1 < line.len;
        if (!is_here || i + 1 < line.len * (size_t)part / (size_t)*parts) continue;
        status = cst_buf_append(out, line.data + start, i + 1 - start);
        if (status == CASTOR_OK) status = cst_buf_append_str(out, end);
        if (status == CASTOR_OK) status = cst_buf_append_text(out, "data: ");
        start = i + 1;
        part++;
    }
    if (status == CASTOR_OK) status = cst_buf_append(out, line.data + start, line.len - start);
    return status == CASTOR_OK ? cst_buf_append_str(out, end) : status;
}

castor_status plx_lines_multiline(const plx_fault *fault, cst_buf *event, uint64_t number)
{
    (void)number;
    return rewrite(event, write_parted, &fault->numbers[0]);
}

/* What ends a line and what ends the event. A CR is never followed by an LF of its own: that would be one end. */
static const char *const ends[][2] = {
    { "\n", "\n" }, { "\r", "\r" }, { "\r\n", "\r\n" }, { "\r\n", "\r" }, { "\n", "\r\n" }, { "\n", "\r" },
};

enum { MIXED = 3, MIXTURES = sizeof ends / sizeof ends[0] };

static castor_status write_end(cst_buf *out, castor_str line, castor_str end, size_t index, const void *how)
{
    const size_t *style = how;
    castor_status status = cst_buf_append_str(out, line);

    (void)index;
    if (status != CASTOR_OK || end.len == 0) return status;
    return cst_buf_append_text(out, ends[*style][line.len == 0]);
}

castor_status plx_lines_eol(const plx_fault *fault, cst_buf *event, uint64_t number)
{
    size_t style = fault->numbers[0] == MIXED ? (size_t)(number % MIXTURES) : (size_t)fault->numbers[0];

    return rewrite(event, write_end, &style);
}
