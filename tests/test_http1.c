/* test_http1.c -- the HTTP/1.1 request parser of pollux, with every request cut in every way.
 * SPDX-License-Identifier: MIT
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "http/http1.h"

/* What came out, as text: "HEAD POST /x 1.1 keep\nBODY abc\nEND\n", or "ERROR 400\n". */
typedef struct story {
    char   text[8192];
    size_t len;
    bool   in_body; /* pieces of one body are told as one */
} story;

__attribute__((format(printf, 2, 3))) static void tell(story *s, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    int len = vsnprintf(s->text + s->len, sizeof s->text - s->len, format, args);
    va_end(args);
    assert_true(len >= 0 && (size_t)len < sizeof s->text - s->len);
    s->len += (size_t)len;
}

static void tell_step(story *s, const plx_http1 *parser, plx_http1_step step, castor_str body)
{
    if (step == PLX_HTTP1_BODY) {
        tell(s, "%s%.*s", s->in_body ? "" : "BODY ", CASTOR_ARG(body));
        s->in_body = true;
        return;
    }
    if (s->in_body) tell(s, "\n");
    s->in_body = false;
    if (step == PLX_HTTP1_HEAD) {
        tell(s, "HEAD %.*s %.*s %s %s%s\n", CASTOR_ARG(parser->head->method), CASTOR_ARG(parser->head->target),
             parser->head->version == PLX_HTTP_1_0 ? "1.0" : "1.1", parser->keeps_alive ? "keep" : "close",
             parser->expects_continue ? " expect" : "");
    }
    if (step == PLX_HTTP1_END) {
        tell(s, "END %.*s\n", CASTOR_ARG(parser->head->method)); /* the head still stands */
    }
    if (step == PLX_HTTP1_ERROR) tell(s, "ERROR %d\n", parser->status);
}

/* Copies the piece to a block of its own size, so that reading past it is seen by the sanitizer. */
static bool feed(story *s, plx_http1 *parser, const char *bytes, size_t len)
{
    char          *copy = malloc(len > 0 ? len : 1);
    castor_str     input = { copy, len };
    plx_http1_step step;

    assert_non_null(copy);
    if (len > 0) memcpy(copy, bytes, len);
    do {
        castor_str body;
        step = plx_http1_next(parser, &input, &body);
        if (step != PLX_HTTP1_WAIT) tell_step(s, parser, step, body);
    } while (step != PLX_HTTP1_WAIT && step != PLX_HTTP1_ERROR);
    free(copy);
    return step != PLX_HTTP1_ERROR;
}

/* Feeds `len` bytes in pieces that end at `first`, at `second`, and at the end. */
static void play_cut(story *s, const char *bytes, size_t len, size_t first, size_t second)
{
    plx_http1 parser;

    *s = (story){ .len = 0 };
    plx_http1_init(&parser, cst_allocator_default());
    if (feed(s, &parser, bytes, first) && feed(s, &parser, bytes + first, second - first)) {
        feed(s, &parser, bytes + second, len - second);
    }
    plx_http1_free(&parser);
}

static void play_bytewise(story *s, const char *bytes, size_t len)
{
    plx_http1 parser;

    *s = (story){ .len = 0 };
    plx_http1_init(&parser, cst_allocator_default());
    for (size_t i = 0; i < len && feed(s, &parser, bytes + i, 1); i++) continue;
    plx_http1_free(&parser);
}

static void assert_story(const char *bytes, size_t len, const char *expected)
{
    static story s;

    play_cut(&s, bytes, len, len, len);
    assert_string_equal(s.text, expected);
    play_bytewise(&s, bytes, len);
    assert_string_equal(s.text, expected);
    for (size_t first = 0; first <= len; first++) {
        play_cut(&s, bytes, len, first, len);
        assert_string_equal(s.text, expected);
    }
}

#define ASSERT_STORY(bytes, expected) assert_story(bytes, sizeof(bytes) - 1, expected)
#define HOST "Host: x\r\n"

static void a_request_without_a_body_is_read_at_every_cut(void **state)
{
    (void)state;
    ASSERT_STORY("GET /pollux/health HTTP/1.1\r\n" HOST "\r\n", "HEAD GET /pollux/health 1.1 keep\nEND GET\n");
    ASSERT_STORY("GET / HTTP/1.1\r\nHost:\r\n\r\n", "HEAD GET / 1.1 keep\nEND GET\n");
    ASSERT_STORY("OPTIONS * HTTP/1.1\r\n" HOST "\r\n", "HEAD OPTIONS * 1.1 keep\nEND OPTIONS\n");
    ASSERT_STORY("GET http://h:1/a?b HTTP/1.1\r\n" HOST "\r\n", "HEAD GET /a?b 1.1 keep\nEND GET\n");
    ASSERT_STORY("GET http://h HTTP/1.1\r\n" HOST "\r\n", "HEAD GET / 1.1 keep\nEND GET\n");
}

static void a_body_with_a_length_is_read_at_every_cut(void **state)
{
    (void)state;
    ASSERT_STORY("POST /x HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nab\r\nc", "HEAD POST /x 1.1 keep\nBODY ab\r\nc\nEND POST\n");
    ASSERT_STORY("POST /x HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n", "HEAD POST /x 1.1 keep\nEND POST\n");
}

static void a_chunked_body_is_read_at_every_cut(void **state)
{
    (void)state;
    ASSERT_STORY("POST /x HTTP/1.1\r\n" HOST "Transfer-Encoding: Chunked\r\n\r\n"
                 "3\r\nabc\r\n0A;ext=\"1\"\r\n0123456789\r\n000\r\nTrailer: x\r\n\r\n",
                 "HEAD POST /x 1.1 keep\nBODY abc0123456789\nEND POST\n");
    ASSERT_STORY("POST /x HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "HEAD POST /x 1.1 keep\nEND POST\n");
}

static void pipelined_requests_are_read_one_after_the_other(void **state)
{
    (void)state;
    ASSERT_STORY("POST /1 HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\nabGET /2 HTTP/1.1\r\n" HOST "\r\n"
                 "\r\nPOST /3 HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n1\r\nz\r\n0\r\n\r\nGET /4 HTTP/1.1\r\n" HOST "\r\n",
                 "HEAD POST /1 1.1 keep\nBODY ab\nEND POST\nHEAD GET /2 1.1 keep\nEND GET\n"
                 "HEAD POST /3 1.1 keep\nBODY z\nEND POST\nHEAD GET /4 1.1 keep\nEND GET\n");
}

static void the_host_of_an_absolute_target_goes_before_the_header(void **state)
{
    static const struct {
        const char *request;
        const char *host;
    } cases[] = {
        { "GET / HTTP/1.1\r\n" HOST "\r\n", "x" },
        { "GET http://h:1/a HTTP/1.1\r\n" HOST "\r\n", "h:1" },
        { "GET HTTPS://[::1]:2 HTTP/1.1\r\n" HOST "\r\n", "[::1]:2" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        castor_str input = castor_str_of(cases[i].request), body;
        plx_http1  parser;
        plx_http1_init(&parser, cst_allocator_default());
        assert_int_equal(plx_http1_next(&parser, &input, &body), PLX_HTTP1_HEAD);
        assert_true(cst_str_is(parser.head->host, cases[i].host));
        plx_http1_free(&parser);
    }
}

static void connection_and_expect_are_understood(void **state)
{
    (void)state;
    ASSERT_STORY("GET / HTTP/1.1\r\n" HOST "Connection: foo , Close\r\n\r\n", "HEAD GET / 1.1 close\nEND GET\n");
    ASSERT_STORY("GET / HTTP/1.0\r\n\r\n", "HEAD GET / 1.0 close\nEND GET\n");
    ASSERT_STORY("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "HEAD GET / 1.0 keep\nEND GET\n");
    ASSERT_STORY("POST / HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 1\r\n\r\nx",
                 "HEAD POST / 1.1 keep expect\nBODY x\nEND POST\n");
    ASSERT_STORY("POST / HTTP/1.1\r\n" HOST "Expect: magic\r\n\r\n", "ERROR 417\n");
}

static void what_could_be_read_in_two_ways_is_refused(void **state)
{
    static const struct {
        const char *request;
        const char *story;
    } cases[] = {
        { "POST / HTTP/1.1\r\n" HOST "Content-Length: 1\r\nContent-Length: 1\r\n\r\n", "ERROR 400\n" },
        { "POST / HTTP/1.1\r\n" HOST "Content-Length: 1, 1\r\n\r\n", "ERROR 400\n" },
        { "POST / HTTP/1.1\r\n" HOST "Content-Length: +1\r\n\r\n", "ERROR 400\n" },
        { "POST / HTTP/1.1\r\n" HOST "Content-Length: 0x1\r\n\r\n", "ERROR 400\n" },
        { "POST / HTTP/1.1\r\n" HOST "Content-Length:\r\n\r\n", "ERROR 400\n" },
        { "POST / HTTP/1.1\r\n" HOST "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", "ERROR 400\n" },
        { "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n", "ERROR 400\n" },
        { "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", "ERROR 400\n" },
        { "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip, chunked\r\n\r\n", "ERROR 501\n" },
        { "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: identity\r\n\r\n", "ERROR 501\n" },
        { "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: xchunked\r\n\r\n", "ERROR 501\n" },
        { "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", "ERROR 400\n" },
        { "POST / HTTP/1.1\r\n" HOST "Content-Length : 1\r\n\r\n", "ERROR 400\n" },
        { "POST / HTTP/1.1\r\n" HOST " Content-Length: 1\r\n\r\n", "ERROR 400\n" },
        { "POST / HTTP/1.1\r\n" HOST "X: a\r\n folded\r\n\r\n", "ERROR 400\n" },
        { "POST / HTTP/1.1\r\n" HOST "X: a\rb\r\n\r\n", "ERROR 400\n" },
        { "POST / HTTP/1.1\r\n" HOST "X: a\r\r\n\r\n", "ERROR 400\n" },
        { "POST / HTTP/1.1\r\n" HOST "X: a\x01\r\n\r\n", "ERROR 400\n" },
        { "POST / HTTP/1.1\r\n" HOST "no colon\r\n\r\n", "ERROR 400\n" },
        { "POST / HTTP/1.1\r\n" HOST ": no name\r\n\r\n", "ERROR 400\n" },
        { "POST / HTTP/1.1\r\n" HOST HOST "\r\n", "ERROR 400\n" },
        { "POST / HTTP/1.1\r\n\r\n", "ERROR 400\n" },
        { "GET / HTTP/1.1\n" HOST "\r\n", "ERROR 400\n" },
        { "GET / HTTP/1.1\r\nHost: x\n\r\n", "ERROR 400\n" },
        { "GET / HTTP/1.1\r\n" HOST "\n", "ERROR 400\n" },
        { "GET  / HTTP/1.1\r\n" HOST "\r\n", "ERROR 400\n" },
        { "GET / HTTP/1.1 \r\n" HOST "\r\n", "ERROR 400\n" },
        { "GET / http/1.1\r\n" HOST "\r\n", "ERROR 400\n" },
        { "GET /\r\n" HOST "\r\n", "ERROR 400\n" },
        { "GET / HTTP/2.0\r\n" HOST "\r\n", "ERROR 505\n" },
        { "GET x HTTP/1.1\r\n" HOST "\r\n", "ERROR 400\n" },
        { "CONNECT h:443 HTTP/1.1\r\n" HOST "\r\n", "ERROR 400\n" },
        { "GET /\x80 HTTP/1.1\r\n" HOST "\r\n", "ERROR 400\n" },
        { "GET http://h?a=/b HTTP/1.1\r\n" HOST "\r\n", "ERROR 400\n" },
        { "GET http:///a HTTP/1.1\r\n" HOST "\r\n", "ERROR 400\n" },
        { "GET http://a@h/ HTTP/1.1\r\n" HOST "\r\n", "ERROR 400\n" },
        { "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", "ERROR 400\n" },
        { "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", "ERROR 400\n" },
        { "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", "ERROR 400\n" },
        { "G(T / HTTP/1.1\r\n" HOST "\r\n", "ERROR 400\n" },
        { "\r\n\r\n\r\nGET / HTTP/1.1\r\n" HOST "\r\n", "ERROR 400\n" },
        { "POST / HTTP/1.1\r\n" HOST "Content-Length: 2147483649\r\n\r\n", "ERROR 413\n" },
        { "POST / HTTP/1.1\r\n" HOST "Content-Length: 99999999999999999999999\r\n\r\n", "ERROR 413\n" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_story(cases[i].request, strlen(cases[i].request), cases[i].story);
    }
}

static void broken_chunks_are_refused(void **state)
{
    static const struct {
        const char *body;
        int         status;
    } cases[] = {
        { "x\r\n", 400 }, { "\r\n", 400 }, { "-1\r\n", 400 }, { "0x1\r\nz\r\n", 400 }, { "1 2\r\nz\r\n", 400 },
        { " 1\r\nz\r\n", 400 }, { "1\nz\r\n", 400 }, { "1\r\nzz\r\n", 400 }, { "1\r\nz\n", 400 }, { "1\r\nz\r\r\n", 400 },
        { "FFFFFFFFFFFFFFFF\r\n", 400 }, { "80000001\r\n", 413 }, { "0\r\nbad trailer\r\n\r\n", 400 }, { "0\r\nA: b\n\r\n", 400 },
    };
    static const char head[] = "POST /x HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n";

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char         bytes[256];
        static story s;
        char         end[16];
        snprintf(bytes, sizeof bytes, "%s%s", head, cases[i].body);
        snprintf(end, sizeof end, "ERROR %d\n", cases[i].status);
        for (size_t cut = 0; cut <= strlen(bytes); cut++) {
            play_cut(&s, bytes, strlen(bytes), cut, strlen(bytes));
            if (s.len < strlen(end) || strcmp(s.text + s.len - strlen(end), end) != 0) fail_msg("%s gave %s", cases[i].body, s.text);
        }
    }
}

/* Feeds a head of this many filler headers, each of this many bytes. */
static int status_of_large_head(size_t count, size_t bytes)
{
    static story s;
    cst_buf      head;

    cst_buf_init(&head, cst_allocator_default(), 1 << 20);
    cst_buf_append_text(&head, "GET / HTTP/1.1\r\n" HOST);
    for (size_t i = 0; i < count; i++) {
        cst_buf_append_text(&head, "X: ");
        for (size_t k = 0; k < bytes; k++) cst_buf_append_text(&head, "y");
        cst_buf_append_text(&head, "\r\n");
    }
    cst_buf_append_text(&head, "\r\n");
    play_cut(&s, head.data, head.len, head.len / 2, head.len);
    cst_buf_free(&head);
    return strncmp(s.text, "ERROR ", 6) == 0 ? atoi(s.text + 6) : 200;
}

static void heads_have_a_maximum(void **state)
{
    (void)state;
    assert_int_equal(status_of_large_head(PLX_HEADERS_MAX - 1, 8), 200);
    assert_int_equal(status_of_large_head(PLX_HEADERS_MAX, 8), 431);
    assert_int_equal(status_of_large_head(1, PLX_HEAD_BYTES_MAX), 431);
    assert_int_equal(status_of_large_head(90, 300), 200);
    assert_int_equal(status_of_large_head(90, 400), 431);
}

static void a_long_target_is_refused_even_without_its_end(void **state)
{
    static story s;
    static char  bytes[PLX_HEAD_BYTES_MAX + 64];

    (void)state;
    memset(bytes, 'a', sizeof bytes);
    memcpy(bytes, "GET /", 5);
    play_cut(&s, bytes, sizeof bytes, 100, sizeof bytes);
    assert_string_equal(s.text, "ERROR 414\n");
    memcpy(bytes + PLX_TARGET_BYTES_MAX + 5, " HTTP/1.1\r\n" HOST "\r\n", 22);
    play_cut(&s, bytes, PLX_TARGET_BYTES_MAX + 27, 100, PLX_TARGET_BYTES_MAX + 27);
    assert_string_equal(s.text, "ERROR 414\n");
}

/* The end of the story of a chunked body. */
static const char *story_of_chunks(const char *before, size_t filler, const char *behind)
{
    static story s;
    cst_buf      bytes;

    cst_buf_init(&bytes, cst_allocator_default(), 1 << 20);
    cst_buf_append_text(&bytes, "POST /x HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n");
    cst_buf_append_text(&bytes, before);
    for (size_t i = 0; i < filler; i++) cst_buf_append_text(&bytes, "y");
    cst_buf_append_text(&bytes, behind);
    play_cut(&s, bytes.data, bytes.len, bytes.len / 2, bytes.len);
    cst_buf_free(&bytes);
    const char *end = strrchr(s.text, '\n');
    while (end && end > s.text && end[-1] != '\n') end--;
    return end ? end : s.text;
}

static void lines_around_chunks_have_a_maximum(void **state)
{
    const size_t size_line = PLX_CHUNK_LINE_BYTES_MAX - strlen("1;x=\r\n");
    const size_t trailers = PLX_TRAILER_BYTES_MAX - strlen("X: \r\n\r\n");

    (void)state;
    assert_string_equal(story_of_chunks("1;x=", size_line, "\r\nz\r\n0\r\n\r\n"), "END POST\n");
    assert_string_equal(story_of_chunks("1;x=", size_line + 1, "\r\nz\r\n0\r\n\r\n"), "ERROR 400\n");
    assert_string_equal(story_of_chunks("0\r\nX: ", trailers, "\r\n\r\n"), "END POST\n");
    assert_string_equal(story_of_chunks("0\r\nX: ", trailers + 1, "\r\n\r\n"), "ERROR 431\n");
}

static void three_pieces_give_the_same_as_one(void **state)
{
    static const char bytes[] = "POST /x HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\nGET / HTTP/1.1\r\n" HOST "\r\n";
    static story      whole, s;
    size_t            len = sizeof bytes - 1;

    (void)state;
    play_cut(&whole, bytes, len, len, len);
    for (size_t first = 0; first <= len; first++) {
        for (size_t second = first; second <= len; second++) {
            play_cut(&s, bytes, len, first, second);
            assert_string_equal(s.text, whole.text);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_without_a_body_is_read_at_every_cut),
        cmocka_unit_test(a_body_with_a_length_is_read_at_every_cut),
        cmocka_unit_test(a_chunked_body_is_read_at_every_cut),
        cmocka_unit_test(pipelined_requests_are_read_one_after_the_other),
        cmocka_unit_test(the_host_of_an_absolute_target_goes_before_the_header),
        cmocka_unit_test(connection_and_expect_are_understood),
        cmocka_unit_test(what_could_be_read_in_two_ways_is_refused),
        cmocka_unit_test(broken_chunks_are_refused),
        cmocka_unit_test(heads_have_a_maximum),
        cmocka_unit_test(a_long_target_is_refused_even_without_its_end),
        cmocka_unit_test(lines_around_chunks_have_a_maximum),
        cmocka_unit_test(three_pieces_give_the_same_as_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
