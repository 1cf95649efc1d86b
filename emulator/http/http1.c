/* http1.c -- reads HTTP/1.1 requests.
 * SPDX-License-Identifier: MIT
 *
 * Lines (of the head, of chunk sizes, of the trailer) are gathered until they are whole, so that nothing depends on
 * where the network cut them; bodies are handed on as they come.
 */
#include "http/http1.h"

static plx_http1_step refuse(plx_http1 *parser, int status, const char *why)
{
    parser->state = PLX_HTTP1_FAILED;
    parser->status = status;
    parser->why = why;
    return PLX_HTTP1_ERROR;
}

void plx_http1_init(plx_http1 *parser, const cst_allocator *allocator)
{
    *parser = (plx_http1){ .state = PLX_HTTP1_IN_HEAD, .body_bytes_max = PLX_UPLOAD_BYTES_MAX };
    cst_buf_init(&parser->head_lines.bytes, allocator, PLX_HEAD_BYTES_MAX);
    cst_buf_init(&parser->body_lines.bytes, allocator, PLX_TRAILER_BYTES_MAX);
}

void plx_http1_forget_head(plx_http1 *parser)
{
    cst_release(parser->head_lines.bytes.allocator, parser->head);
    parser->head = NULL;
    cst_buf_free(&parser->head_lines.bytes);
    cst_buf_free(&parser->body_lines.bytes);
    parser->head_lines.line_start = parser->body_lines.line_start = 0;
}

void plx_http1_free(plx_http1 *parser)
{
    plx_http1_forget_head(parser);
}

bool plx_http1_is_midway(const plx_http1 *parser)
{
    if (parser->state == PLX_HTTP1_IN_HEAD) return parser->head_lines.bytes.len > 0;
    return parser->state != PLX_HTTP1_FINISHED && parser->state != PLX_HTTP1_FAILED;
}

/* ---- lines ---- */

static castor_str take(castor_str *input, size_t count)
{
    castor_str front = { input->data, count };

    if (count > 0) input->data += count; /* nothing may have no address */
    input->len -= count;
    return front;
}

typedef enum line_step { LINE_WAIT, LINE_WHOLE, LINE_ERROR } line_step;

/* Is the last LF gathered one that follows a CR, and is that CR the only one of its line? */
static bool ends_as_it_should(const plx_http1_lines *lines)
{
    const char *line = lines->bytes.data + lines->line_start;
    size_t      len = lines->bytes.len - lines->line_start;

    return len >= 2 && line[len - 2] == '\r' && !memchr(line, '\r', len - 2) && !memchr(line, '\0', len);
}

/* Moves bytes from the input to the lines, to the end of the line under way at most. */
static line_step gather_line(plx_http1 *parser, plx_http1_lines *lines, castor_str *input, size_t bytes_max, int status,
                             const char *why)
{
    const char *newline = input->len ? memchr(input->data, '\n', input->len) : NULL;
    size_t      count = newline ? (size_t)(newline - input->data) + 1 : input->len;

    if (count > bytes_max || lines->bytes.len > bytes_max - count) {
        refuse(parser, status, why);
        return LINE_ERROR;
    }
    if (cst_buf_append_str(&lines->bytes, take(input, count)) != CASTOR_OK) {
        refuse(parser, 503, "There is no memory left for this request.");
        return LINE_ERROR;
    }
    if (!newline) return LINE_WAIT;
    if (ends_as_it_should(lines)) return LINE_WHOLE;
    refuse(parser, 400, "A line must end with CR LF, and hold no other CR, LF or NUL.");
    return LINE_ERROR;
}

/* The line just gathered, without its CR LF. */
static castor_str last_line(const plx_http1_lines *lines)
{
    return (castor_str){ lines->bytes.data + lines->line_start, lines->bytes.len - lines->line_start - 2 };
}

static void forget_lines(plx_http1_lines *lines)
{
    lines->bytes.len = 0;
    lines->line_start = 0;
}

/* ---- words ---- */

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

static bool is_token_char(char c)
{
    if (is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) return true;
    return c != '\0' && strchr("!#$%&'*+-.^_`|~", c);
}

static bool is_token(castor_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (!is_token_char(text.data[i])) return false;
    }
    return text.len > 0;
}

static bool is_field_value(castor_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if ((c < ' ' && c != '\t') || c == 0x7F) return false;
    }
    return true;
}

static castor_str trim_blanks(castor_str text)
{
    while (text.len > 0 && (text.data[0] == ' ' || text.data[0] == '\t')) take(&text, 1);
    while (text.len > 0 && (text.data[text.len - 1] == ' ' || text.data[text.len - 1] == '\t')) text.len--;
    return text;
}

/* Cuts the text before `separator` off the front; false when there is none. */
static bool cut(castor_str *text, char separator, castor_str *front)
{
    const char *at = text->len ? memchr(text->data, separator, text->len) : NULL;

    if (!at) return false;
    *front = take(text, (size_t)(at - text->data));
    take(text, 1);
    return true;
}

/* ---- head ---- */

static bool has_scheme(castor_str target, castor_str scheme)
{
    return target.len >= scheme.len && cst_str_equal_nocase((castor_str){ target.data, scheme.len }, scheme);
}

/* RFC 9112, 3.2.2: a target as proxies get it. Its host counts, whatever the header says. What has no host, or a query
 * and no path, is left as it is, and refused. */
static castor_str cut_scheme_and_host(castor_str target, castor_str *host)
{
    static const castor_str schemes[] = { { "http://", 7 }, { "https://", 8 } };

    for (size_t i = 0; i < 2; i++) {
        if (!has_scheme(target, schemes[i])) continue;
        castor_str rest = { target.data + schemes[i].len, target.len - schemes[i].len };
        size_t     len = 0;
        while (len < rest.len && !strchr("/?#", rest.data[len])) len++;
        if (len == 0) return target;
        *host = take(&rest, len);
        return rest.len > 0 ? rest : CASTOR_STR("/");
    }
    return target;
}

static plx_http1_step parse_request_line(plx_http1 *parser, castor_str line)
{
    plx_head  *head = parser->head;
    castor_str version;

    if (!cut(&line, ' ', &head->method) || !cut(&line, ' ', &head->target) || !is_token(head->method)) {
        return refuse(parser, 400, "The request line must be METHOD TARGET HTTP/1.1.");
    }
    version = line;
    if (head->target.len > PLX_TARGET_BYTES_MAX) return refuse(parser, 414, "The request target is too long.");
    head->target = cut_scheme_and_host(head->target, &head->host);
    if (!plx_head_is_target(head->target)) {
        return refuse(parser, 400, "The request target must be a path of visible ASCII.");
    }

    if (version.len != 8 || !cst_str_starts_with(version, "HTTP/") || !is_digit(version.data[5]) ||
        version.data[6] != '.' || !is_digit(version.data[7])) {
        return refuse(parser, 400, "The request line must end with HTTP/1.1.");
    }
    if (version.data[5] != '1') return refuse(parser, 505, "Only HTTP/1.1 and HTTP/1.0 are spoken here.");
    head->version = version.data[7] == '0' ? PLX_HTTP_1_0 : PLX_HTTP_1_1;
    parser->keeps_alive = head->version != PLX_HTTP_1_0;
    return PLX_HTTP1_HEAD;
}

static plx_http1_step parse_header(plx_http1 *parser, castor_str line)
{
    plx_head  *head = parser->head;
    plx_header header;

    if (line.data[0] == ' ' || line.data[0] == '\t') return refuse(parser, 400, "Folded headers are not accepted.");
    if (!cut(&line, ':', &header.name) || !is_token(header.name)) {
        return refuse(parser, 400, "A header must be NAME: VALUE, without white space before the colon.");
    }
    header.value = trim_blanks(line);
    if (!is_field_value(header.value)) return refuse(parser, 400, "A header's value holds a control character.");
    if (head->header_count == PLX_HEADERS_MAX) return refuse(parser, 431, "There are too many headers.");
    head->headers[head->header_count++] = header;
    return PLX_HTTP1_HEAD;
}

static size_t count_headers(const plx_head *head, const char *name)
{
    size_t count = 0;

    for (size_t i = 0; i < head->header_count; i++) {
        count += cst_str_equal_nocase(head->headers[i].name, castor_str_of(name));
    }
    return count;
}

static plx_http1_step read_content_length(plx_http1 *parser, castor_str value)
{
    uint64_t length;

    switch (plx_head_read_length(value, parser->body_bytes_max, &length)) {
    case PLX_LENGTH_GOOD: break;
    case PLX_LENGTH_BAD: return refuse(parser, 400, "Content-Length must be one plain number.");
    case PLX_LENGTH_TOO_LARGE: return refuse(parser, 413, "The body is too large.");
    }
    parser->head->content_length = castor_some_i64((int64_t)length);
    return PLX_HTTP1_HEAD;
}

/* How long the body is: the question that request smuggling makes two servers answer differently. */
static plx_http1_step find_body(plx_http1 *parser)
{
    plx_head *head = parser->head;
    size_t    lengths = count_headers(head, "content-length");
    size_t    codings = count_headers(head, "transfer-encoding");

    if (lengths > 1) return refuse(parser, 400, "There is more than one Content-Length.");
    if (codings > 1) return refuse(parser, 400, "There is more than one Transfer-Encoding.");
    if (lengths && codings) return refuse(parser, 400, "Content-Length and Transfer-Encoding exclude each other.");
    if (lengths) return read_content_length(parser, plx_head_get(head, "content-length"));
    if (!codings) return PLX_HTTP1_HEAD;

    if (head->version == PLX_HTTP_1_0) return refuse(parser, 400, "HTTP/1.0 has no Transfer-Encoding.");
    if (!cst_str_equal_nocase(plx_head_get(head, "transfer-encoding"), CASTOR_STR("chunked"))) {
        return refuse(parser, 501, "The only transfer coding that is understood is chunked.");
    }
    parser->is_chunked = true;
    return PLX_HTTP1_HEAD;
}

static bool has_list_item(castor_str list, const char *item)
{
    castor_str one;

    while (cut(&list, ',', &one)) {
        if (cst_str_equal_nocase(trim_blanks(one), castor_str_of(item))) return true;
    }
    return cst_str_equal_nocase(trim_blanks(list), castor_str_of(item));
}

static plx_http1_step read_options(plx_http1 *parser)
{
    plx_head  *head = parser->head;
    castor_str expect = plx_head_get(head, "expect");
    size_t     hosts = count_headers(head, "host");

    if (hosts > 1 || (hosts == 0 && head->version != PLX_HTTP_1_0)) {
        return refuse(parser, 400, "There must be exactly one Host header.");
    }
    for (size_t i = 0; i < head->header_count; i++) {
        if (!cst_str_equal_nocase(head->headers[i].name, CASTOR_STR("connection"))) continue;
        if (has_list_item(head->headers[i].value, "close")) {
            parser->keeps_alive = false;
            break;
        }
        if (has_list_item(head->headers[i].value, "keep-alive")) parser->keeps_alive = true;
    }
    if (!head->host.data) head->host = plx_head_get(head, "host");
    if (!plx_head_is_host(head->host)) return refuse(parser, 400, "The host must be a name or an address, and a port.");
    if (!expect.data || head->version == PLX_HTTP_1_0) return PLX_HTTP1_HEAD;
    if (!cst_str_equal_nocase(expect, CASTOR_STR("100-continue"))) {
        return refuse(parser, 417, "The only expectation that can be met is 100-continue.");
    }
    parser->expects_continue = true;
    return PLX_HTTP1_HEAD;
}

/* Without touching the room for headers. */
static void begin_head(plx_head *head)
{
    head->version = PLX_HTTP_1_1;
    head->is_secure = false;
    head->method = head->target = head->host = CST_NONE;
    head->content_length = (castor_i64){ 0, 0 };
    head->header_count = 0;
}

static plx_http1_step parse_head(plx_http1 *parser)
{
    castor_str     rest = cst_buf_view(&parser->head_lines.bytes);
    bool           is_first = true;
    plx_http1_step step = PLX_HTTP1_HEAD;

    rest.len -= 2; /* the empty line */
    if (!parser->head) parser->head = cst_alloc(parser->head_lines.bytes.allocator, sizeof *parser->head);
    if (!parser->head) return refuse(parser, 503, "There is no memory left for this request.");
    begin_head(parser->head);
    parser->is_chunked = parser->expects_continue = false;
    while (rest.len > 0 && step == PLX_HTTP1_HEAD) {
        castor_str line;
        if (!cut(&rest, '\n', &line)) break; /* cannot be: every line that was gathered has its end */
        line.len--; /* its CR */
        step = is_first ? parse_request_line(parser, line) : parse_header(parser, line);
        is_first = false;
    }
    if (step == PLX_HTTP1_HEAD) step = find_body(parser);
    if (step == PLX_HTTP1_HEAD) step = read_options(parser);
    return step;
}

static void enter_body(plx_http1 *parser)
{
    parser->left = (uint64_t)parser->head->content_length.value;
    parser->body_bytes = 0;
    if (parser->is_chunked) parser->state = PLX_HTTP1_IN_CHUNK_SIZE;
    else parser->state = parser->left > 0 ? PLX_HTTP1_IN_LENGTH : PLX_HTTP1_AT_END;
}

static plx_http1_step read_head(plx_http1 *parser, castor_str *input)
{
    plx_http1_lines *lines = &parser->head_lines;
    bool             is_first_line = lines->line_start == 0;

    switch (gather_line(parser, lines, input, PLX_HEAD_BYTES_MAX, is_first_line ? 414 : 431,
                        is_first_line ? "The request line is too long." : "The headers are too large.")) {
    case LINE_WAIT: return PLX_HTTP1_WAIT;
    case LINE_ERROR: return PLX_HTTP1_ERROR;
    case LINE_WHOLE: break;
    }
    if (last_line(lines).len > 0) {
        lines->line_start = lines->bytes.len;
        return PLX_HTTP1_WAIT;
    }
    if (is_first_line) {
        forget_lines(lines);
        if (++parser->blank_lines > PLX_BLANK_LINES_MAX) return refuse(parser, 400, "A request line was expected.");
        return PLX_HTTP1_WAIT;
    }
    if (parse_head(parser) == PLX_HTTP1_ERROR) return PLX_HTTP1_ERROR;
    enter_body(parser);
    return PLX_HTTP1_HEAD;
}

/* ---- body ---- */

static plx_http1_step read_data(plx_http1 *parser, castor_str *input, castor_str *body, plx_http1_state next)
{
    size_t count = input->len < parser->left ? input->len : (size_t)parser->left;

    if (count == 0) return PLX_HTTP1_WAIT;
    *body = take(input, count);
    parser->left -= count;
    if (parser->left == 0) parser->state = next;
    return PLX_HTTP1_BODY;
}

static int hex_value(char c)
{
    if (is_digit(c)) return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

static bool parse_chunk_size(castor_str line, uint64_t *size)
{
    size_t digits = 0;

    *size = 0;
    while (digits < line.len && hex_value(line.data[digits]) >= 0) {
        if (digits == 15) return false;
        *size = *size * 16 + (uint64_t)hex_value(line.data[digits++]);
    }
    if (digits == 0) return false;
    take(&line, digits);
    /* RFC 9112, 7.1.1: extensions follow a semicolon; blanks before it are allowed for old senders, none elsewhere. */
    castor_str rest = trim_blanks(line);
    return line.len == 0 || (rest.len > 0 && rest.data[0] == ';' && is_field_value(rest));
}

static plx_http1_step read_chunk_size(plx_http1 *parser, castor_str *input)
{
    switch (gather_line(parser, &parser->body_lines, input, PLX_CHUNK_LINE_BYTES_MAX, 400,
                        "A chunk's size line is too long.")) {
    case LINE_WAIT: return PLX_HTTP1_WAIT;
    case LINE_ERROR: return PLX_HTTP1_ERROR;
    case LINE_WHOLE: break;
    }
    bool is_number = parse_chunk_size(last_line(&parser->body_lines), &parser->left);
    forget_lines(&parser->body_lines);
    if (!is_number) return refuse(parser, 400, "A chunk's size is not a number.");
    if (parser->left > parser->body_bytes_max - parser->body_bytes) {
        return refuse(parser, 413, "The body is too large.");
    }
    parser->body_bytes += parser->left;
    parser->state = parser->left > 0 ? PLX_HTTP1_IN_CHUNK : PLX_HTTP1_IN_TRAILER;
    return PLX_HTTP1_WAIT;
}

static plx_http1_step read_chunk_end(plx_http1 *parser, castor_str *input)
{
    switch (gather_line(parser, &parser->body_lines, input, 2, 400, "A chunk is longer than its size says.")) {
    case LINE_WAIT: return PLX_HTTP1_WAIT;
    case LINE_ERROR: return PLX_HTTP1_ERROR;
    case LINE_WHOLE: break;
    }
    forget_lines(&parser->body_lines);
    parser->state = PLX_HTTP1_IN_CHUNK_SIZE;
    return PLX_HTTP1_WAIT;
}

/* Trailers are read and dropped: nothing of ours could be in them. */
static plx_http1_step read_trailer(plx_http1 *parser, castor_str *input)
{
    plx_http1_lines *lines = &parser->body_lines;

    switch (gather_line(parser, lines, input, PLX_TRAILER_BYTES_MAX, 431, "The trailers are too large.")) {
    case LINE_WAIT: return PLX_HTTP1_WAIT;
    case LINE_ERROR: return PLX_HTTP1_ERROR;
    case LINE_WHOLE: break;
    }
    castor_str line = last_line(lines);
    castor_str name;
    lines->line_start = lines->bytes.len;
    if (line.len == 0) parser->state = PLX_HTTP1_AT_END;
    else if (!cut(&line, ':', &name) || !is_token(name)) return refuse(parser, 400, "A trailer must be NAME: VALUE.");
    return PLX_HTTP1_WAIT;
}

static plx_http1_step advance(plx_http1 *parser, castor_str *input, castor_str *body)
{
    switch (parser->state) {
    case PLX_HTTP1_FINISHED:
        forget_lines(&parser->head_lines);
        forget_lines(&parser->body_lines);
        parser->blank_lines = 0;
        parser->state = PLX_HTTP1_IN_HEAD;
        return read_head(parser, input);
    case PLX_HTTP1_IN_HEAD: return read_head(parser, input);
    case PLX_HTTP1_IN_LENGTH: return read_data(parser, input, body, PLX_HTTP1_AT_END);
    case PLX_HTTP1_IN_CHUNK_SIZE: return read_chunk_size(parser, input);
    case PLX_HTTP1_IN_CHUNK: return read_data(parser, input, body, PLX_HTTP1_IN_CHUNK_END);
    case PLX_HTTP1_IN_CHUNK_END: return read_chunk_end(parser, input);
    case PLX_HTTP1_IN_TRAILER: return read_trailer(parser, input);
    case PLX_HTTP1_AT_END: parser->state = PLX_HTTP1_FINISHED; return PLX_HTTP1_END;
    case PLX_HTTP1_FAILED: break;
    }
    return PLX_HTTP1_ERROR;
}

plx_http1_step plx_http1_next(plx_http1 *parser, castor_str *input, castor_str *body)
{
    *body = CST_NONE;
    for (;;) {
        plx_http1_step step = advance(parser, input, body);
        if (step != PLX_HTTP1_WAIT) return step;
        if (input->len == 0 && parser->state != PLX_HTTP1_AT_END) return PLX_HTTP1_WAIT;
    }
}
