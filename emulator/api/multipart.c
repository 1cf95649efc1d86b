/* multipart.c -- takes a multipart body apart.
 * SPDX-License-Identifier: MIT
 */
#include "api/multipart.h"

#include <stdio.h>

enum { HEAD_BYTES_MAX = 8 << 10, LINE_END_BYTES = 2 };

/* The value of the parameter `name`, in quotes or not; absent when there is none. */
static castor_str parameter(castor_str header, const char *name)
{
    castor_str rest = header;
    size_t     name_len = strlen(name);

    for (;;) {
        const char *semicolon = rest.len > 0 ? memchr(rest.data, ';', rest.len) : NULL;
        if (!semicolon) return CST_NONE;
        rest = cst_str_trim((castor_str){ semicolon + 1, (size_t)(rest.data + rest.len - semicolon - 1) });
        if (rest.len <= name_len || rest.data[name_len] != '=') continue;
        if (!cst_str_equal_nocase((castor_str){ rest.data, name_len }, castor_str_of(name))) continue;

        castor_str value = { rest.data + name_len + 1, rest.len - name_len - 1 };
        bool       is_quoted = value.len > 0 && value.data[0] == '"';
        if (is_quoted) value = (castor_str){ value.data + 1, value.len - 1 };
        const char *end = value.len > 0 ? memchr(value.data, is_quoted ? '"' : ';', value.len) : NULL;
        if (end) value.len = (size_t)(end - value.data);
        return is_quoted ? value : cst_str_trim(value);
    }
}

bool plx_multipart_init(plx_multipart *m, castor_str content_type)
{
    static const char start[] = "multipart/";
    castor_str        boundary = parameter(content_type, "boundary");
    size_t            len = sizeof start - 1;

    *m = (plx_multipart){ .matched = LINE_END_BYTES, .matched_from = LINE_END_BYTES }; /* a line begins */
    if (content_type.len < len || !cst_str_equal_nocase((castor_str){ content_type.data, len }, castor_str_of(start)) ||
        boundary.len == 0 || boundary.len > PLX_BOUNDARY_BYTES_MAX) {
        return false;
    }
    m->delimiter_len =
        (size_t)snprintf(m->delimiter, sizeof m->delimiter, "\r\n--%.*s", CASTOR_ARG(boundary));
    return true;
}

static void advance(castor_str *input, size_t count)
{
    *input = (castor_str){ input->data + count, input->len - count };
}

static size_t plain_length(castor_str input)
{
    size_t len = 0;

    while (len < input.len && input.data[len] != '\r' && input.data[len] != '\n') len++;
    return len;
}

/* Looks for the delimiter. Its CR and LF stand nowhere else in it: so when it breaks off, what had matched was no part
 * of another one, and the search begins anew with the byte that broke it. */
static plx_multipart_step take_bytes(plx_multipart *m, castor_str *input, castor_str *piece)
{
    while (input->len > 0) {
        char c = input->data[0];
        if (m->matched == 0) {
            size_t plain = plain_length(*input);
            if (plain > 0) {
                *piece = (castor_str){ input->data, plain };
                advance(input, plain);
                return PLX_MULTIPART_BYTES;
            }
            m->matched_from = c == '\n' ? 1 : 0;
            m->matched = m->matched_from + 1;
            advance(input, 1);
        } else if (c == m->delimiter[m->matched]) {
            advance(input, 1);
            if (++m->matched < m->delimiter_len) continue;
            m->matched = 0;
            return PLX_MULTIPART_PART_END;
        } else {
            *piece = (castor_str){ m->delimiter + m->matched_from, m->matched - m->matched_from };
            m->matched = 0;
            if (piece->len > 0) return PLX_MULTIPART_BYTES;
        }
    }
    return PLX_MULTIPART_WAIT;
}

/* True: the line is whole, in `line`, without its end. */
static bool take_line(plx_multipart *m, castor_str *input)
{
    const char *end = memchr(input->data, '\n', input->len);
    size_t      len = end ? (size_t)(end - input->data) : input->len;
    size_t      room = sizeof m->line - m->line_len;

    memcpy(m->line + m->line_len, input->data, len < room ? len : room);
    m->line_len += len < room ? len : room;
    m->head_bytes += len + (end ? 1 : 0);
    advance(input, len + (end ? 1 : 0));
    if (!end) return false;
    if (m->line_len > 0 && m->line[m->line_len - 1] == '\r') m->line_len--;
    return true;
}

static void read_header(plx_multipart *m)
{
    static const char name[] = "content-type:";
    size_t            len = sizeof name - 1;

    if (m->line_len <= len || !cst_str_equal_nocase((castor_str){ m->line, len }, castor_str_of(name))) return;
    castor_str value = { m->line + len, m->line_len - len };
    cst_copy_text(m->content_type, sizeof m->content_type, cst_str_trim(value));
}

static plx_multipart_step take_head(plx_multipart *m, castor_str *input)
{
    while (input->len > 0) {
        bool is_whole = take_line(m, input);
        if (m->head_bytes > HEAD_BYTES_MAX) return PLX_MULTIPART_ERROR;
        if (!is_whole) return PLX_MULTIPART_WAIT;
        bool is_last = m->line_len == 0;
        read_header(m);
        m->line_len = 0;
        if (!is_last) continue;
        m->state = PLX_MULTIPART_IN_PART;
        return PLX_MULTIPART_HEAD;
    }
    return PLX_MULTIPART_WAIT;
}

/* Two dashes behind the boundary's name make it the last one, and its line may lack an end. */
static plx_multipart_step take_boundary(plx_multipart *m, castor_str *input)
{
    while (input->len > 0 && m->line_len < 2 && input->data[0] == '-') {
        m->line[m->line_len++] = '-';
        advance(input, 1);
    }
    if (m->line_len == 2 && m->line[0] == '-' && m->line[1] == '-') {
        m->state = PLX_MULTIPART_AT_END;
        return PLX_MULTIPART_END;
    }
    if (input->len == 0 || !take_line(m, input)) return PLX_MULTIPART_WAIT;
    m->state = PLX_MULTIPART_IN_HEAD;
    m->line_len = 0;
    m->head_bytes = 0;
    m->content_type[0] = '\0';
    m->matched = m->matched_from = LINE_END_BYTES; /* the part may be empty: its boundary follows its head at once */
    return PLX_MULTIPART_WAIT;
}

plx_multipart_step plx_multipart_next(plx_multipart *m, castor_str *input, castor_str *piece)
{
    plx_multipart_step step = PLX_MULTIPART_WAIT;

    while (input->len > 0 && step == PLX_MULTIPART_WAIT) {
        switch (m->state) {
        case PLX_MULTIPART_IN_PREAMBLE:
            step = take_bytes(m, input, piece);
            if (step == PLX_MULTIPART_PART_END) m->state = PLX_MULTIPART_IN_BOUNDARY;
            step = PLX_MULTIPART_WAIT; /* nothing to tell */
            break;
        case PLX_MULTIPART_IN_BOUNDARY: step = take_boundary(m, input); break;
        case PLX_MULTIPART_IN_HEAD: step = take_head(m, input); break;
        case PLX_MULTIPART_IN_PART:
            step = take_bytes(m, input, piece);
            if (step == PLX_MULTIPART_PART_END) m->state = PLX_MULTIPART_IN_BOUNDARY;
            break;
        case PLX_MULTIPART_AT_END: advance(input, input->len); break;
        }
    }
    return step;
}
