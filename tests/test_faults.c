/* test_faults.c -- every fault of pollux as it is seen on the wire, and the ways to ask for one.
 * SPDX-License-Identifier: MIT
 *
 * One table has a row for each fault at least; a fault without a row fails the last test of the table.
 */
#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

#include "fault/fault.h"
#include "twin.h"

#define FAULTY(spec) KEY "x-pollux-fault: " spec "\r\n"

/* Umlauts, a pair of surrogates, quotes and backslashes: there is something to split. */
static const char script[] =
    "# Answers to spoil\n"
    "## Plain\n? spoil this\n"
    "= Die Biber bauen Dämme 😀, sagt \"Castor\" mit \\ und noch mehr Text, der in Stücken kommt.\n"
    "## Bytes\n? bytes please\n< data: {\"a\": 1}\n<\n< data: {\"b\": 2}\n<\n"
    "## With a fault of its own\n? spoilt by script\n@ fault: cut@event=1\n= Eins zwei drei vier, noch mehr Text.\n"
    "## Refused by script\n? refused by script\n@ fault: status=429:tpm\n= Never.\n";

enum { EVENTS_MAX = 64, ANSWERS_BYTES_MAX = 64 << 20 };

/* ---- what is seen ---- */

typedef enum ending { ENDED, CLOSED, RESET } ending;

typedef struct seen {
    int         status; /* 0: no status line came */
    char        head[4096];
    char       *body;   /* chunks joined */
    size_t      len;
    const char *rest;   /* what is no chunk any more, with its line */
    char       *raw;    /* all that came behind the head */
    size_t      raw_len;
    bool        is_chunked;
    bool        is_whole;
    int         error;  /* of the last read */
    uint32_t    segments;
} seen;

static struct {
    tst_pollux pollux;
    char       path[64];
    char      *texts[EVENTS_MAX]; /* of an answer that is not spoilt */
    size_t     text_count;
} world;

/* A chunk's data, or false: what stands there is no chunk. Its extension may be anything. */
static bool take_chunk(const seen *s, size_t *at, const char **data, size_t *len)
{
    char       *end = NULL;
    const char *from = s->raw + *at;
    const char *line = memchr(from, '\n', s->raw_len - *at);

    if (!line) return false;
    *len = strtoul(from, &end, 16);
    if (end == from || (*end != '\r' && *end != ';')) return false;
    *data = line + 1;
    if ((size_t)(*data - s->raw) + *len > s->raw_len) return false;
    *at = (size_t)(*data - s->raw) + *len + (*len ? 2 : 0);
    return true;
}

static void join_chunks(seen *s)
{
    size_t      at = 0, len = 0;
    const char *data = NULL;

    while (take_chunk(s, &at, &data, &len)) {
        memcpy(s->body + s->len, data, len);
        s->len += len;
        if (len == 0) {
            s->is_whole = true;
            break;
        }
    }
    s->rest = s->raw + (at < s->raw_len ? at : s->raw_len);
}

static void read_body(seen *s)
{
    const char *length = strstr(s->head, "content-length: ");

    s->is_chunked = strstr(s->head, "transfer-encoding: chunked") != NULL;
    s->body = calloc(1, s->raw_len + 1);
    assert_non_null(s->body);
    if (s->is_chunked) {
        join_chunks(s);
        return;
    }
    memcpy(s->body, s->raw, s->raw_len);
    s->len = s->raw_len;
    s->rest = s->raw + s->raw_len;
    s->is_whole = length && strtoul(length + 16, NULL, 10) == s->raw_len;
}

static seen take_in(tst_link *l)
{
    seen            s = { .status = 0 };
    struct tcp_info info;
    socklen_t       size = sizeof info;

    while (l->len < ANSWERS_BYTES_MAX && tst_read_more(l)) continue;
    memset(&info, 0, sizeof info);
    if (getsockopt(l->fd, IPPROTO_TCP, TCP_INFO, &info, &size) == 0) s.segments = info.tcpi_data_segs_in;
    s.error = l->error;
    s.raw = calloc(1, l->len + 1);
    assert_non_null(s.raw);
    const char *end = l->len ? strstr(l->data, "\r\n\r\n") : NULL;
    if (!end) {
        s.body = calloc(1, 1);
        s.rest = s.raw;
        return s;
    }
    snprintf(s.head, sizeof s.head, "%.*s", (int)(end + 4 - l->data), l->data);
    assert_int_equal(sscanf(s.head, "HTTP/1.1 %d ", &s.status), 1);
    s.raw_len = (size_t)(l->data + l->len - end - 4);
    memcpy(s.raw, end + 4, s.raw_len);
    read_body(&s);
    return s;
}

static void forget(seen *s)
{
    free(s->body);
    free(s->raw);
}

static seen see_with(const tst_pollux *p, const char *path, const char *headers, const char *body)
{
    tst_link l = tst_connect(p);
    char     all[1024];

    snprintf(all, sizeof all, "Connection: close\r\n%s", headers);
    tst_post(&l, path, all, body);
    seen s = take_in(&l);
    tst_hang_up(&l);
    return s;
}

static seen see(const char *spec, const char *path, const char *body)
{
    char headers[768];

    snprintf(headers, sizeof headers, KEY "x-pollux-fault: %s\r\n", spec);
    return see_with(&world.pollux, path, headers, body);
}

/* The texts of an answer, event by event: `"text": "..."`. */
static size_t texts_of(const seen *s, char **texts)
{
    size_t count = 0;

    for (const char *at = s->body; (at = strstr(at, "\"text\": \"")) && count < EVENTS_MAX;) {
        const char *end = at += 9;
        while (*end && (*end != '"' || end[-1] == '\\')) end++;
        texts[count] = calloc(1, (size_t)(end - at) + 1);
        assert_non_null(texts[count]);
        memcpy(texts[count++], at, (size_t)(end - at));
        at = end;
    }
    return count;
}

static void forget_texts(char **texts, size_t count)
{
    for (size_t i = 0; i < count; i++) free(texts[i]);
}

static size_t count_of(const seen *s, const char *text)
{
    size_t count = 0;

    for (const char *at = s->body; (at = strstr(at, text)); at += strlen(text)) count++;
    return count;
}

/* Texts `from` the answer, by their places in the unspoilt one; -1 ends the list. */
static void has_texts(const seen *s, const int *places, size_t rest_from)
{
    char  *texts[EVENTS_MAX];
    size_t count = texts_of(s, texts), at = 0;

    for (; *places >= 0; places++, at++) {
        assert_true(at < count);
        assert_string_equal(texts[at], world.texts[*places]);
    }
    for (size_t i = rest_from; i < world.text_count; i++, at++) {
        assert_true(at < count);
        assert_string_equal(texts[at], world.texts[i]);
    }
    assert_int_equal(at, count);
    forget_texts(texts, count);
}

/* ---- looks that take more than a search ---- */

static void see_one_event(const seen *s) { has_texts(s, (const int[]){ 0, -1 }, world.text_count); }
static void see_all(const seen *s) { has_texts(s, (const int[]){ -1 }, 0); }
static void see_dup(const seen *s) { has_texts(s, (const int[]){ 0, 1, 1, -1 }, 2); }
static void see_drop(const seen *s) { has_texts(s, (const int[]){ 0, -1 }, 2); }
static void see_swap(const seen *s) { has_texts(s, (const int[]){ 1, 0, -1 }, 2); }

static void see_nothing(const seen *s)
{
    assert_int_equal(s->status, 0);
    assert_int_equal(s->len, 0);
}

static void see_40_bytes(const seen *s) { assert_int_equal(s->len, 40); }

static void see_no_body(const seen *s)
{
    assert_int_equal(s->len, 0);
    assert_true(s->is_whole);
}

static void see_bad_chunk(const seen *s)
{
    assert_string_equal(s->rest, "zz\r\n");
    see_one_event(s);
}

static void see_missing_last_chunk(const seen *s)
{
    assert_int_equal(s->rest - s->raw, s->raw_len);
    see_all(s);
}

static void see_chunk_extensions(const seen *s)
{
    assert_non_null(strstr(s->raw, ";pollux=\"a \\\" b\";c\r\n"));
    assert_non_null(strstr(s->raw, "\r\nx-pollux-trailer: two\r\n\r\n"));
    see_all(s);
}

/* How much more the header says than came. */
static long length_lie(const seen *s)
{
    const char *length = strstr(s->head, "content-length: ");

    assert_non_null(length);
    assert_false(s->is_chunked);
    return strtol(length + 16, NULL, 10) - (long)s->raw_len;
}

static void see_too_long(const seen *s) { assert_int_equal(length_lie(s), 10); }
static void see_too_short(const seen *s) { assert_int_equal(length_lie(s), -7); }

/* What comes out of gzip, and whether its end came. */
static int unzip(const seen *s, char *out, size_t size)
{
    z_stream z;

    memset(&z, 0, sizeof z);
    assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
    z.next_in = (Bytef *)s->body;
    z.avail_in = (uInt)s->len;
    z.next_out = (Bytef *)out;
    z.avail_out = (uInt)size - 1;
    int result = inflate(&z, Z_SYNC_FLUSH);
    out[size - 1 - z.avail_out] = '\0';
    inflateEnd(&z);
    return result;
}

static void see_gzip_to(const seen *s, int expected)
{
    static char out[1 << 20];

    assert_int_equal(unzip(s, out, sizeof out), expected);
    assert_non_null(strstr(out, "data: {\"candidates\""));
    assert_non_null(strstr(out, "STOP"));
}

static void see_gzip(const seen *s) { see_gzip_to(s, Z_STREAM_END); }
static void see_gzip_cut(const seen *s) { see_gzip_to(s, Z_OK); }

static void see_one_chunk(const seen *s)
{
    size_t      at = 0, len = 0;
    const char *data = NULL;

    assert_true(take_chunk(s, &at, &data, &len));
    assert_int_equal(len, s->len);
    see_all(s);
}

/* Whether two chunks meet between these two bytes. */
static bool is_parted(const seen *s, const char *before, const char *behind)
{
    char   text[64];
    size_t len = strlen(before);

    for (const char *at = s->raw; (at = strstr(at, before)); at++) {
        const char *line = at + len;
        if (strncmp(line, "\r\n", 2) != 0) continue;
        snprintf(text, sizeof text, "\r\n%s", behind);
        const char *next = strstr(line + 2, "\r\n");
        if (next && strncmp(next, text, strlen(text)) == 0) return true;
    }
    return false;
}

static void see_split_utf8(const seen *s)
{
    assert_true(is_parted(s, "\xc3", "\xa4"));
    assert_true(is_parted(s, "\xf0", "\x9f\x98\x80"));
    see_all(s);
}

static void see_split_escape(const seen *s)
{
    assert_true(is_parted(s, "\\", "\"Castor"));
    see_all(s);
}

static void see_split_crlf(const seen *s)
{
    assert_true(is_parted(s, "}\r", "\n"));
    see_all(s);
}

static void see_many_chunks(const seen *s)
{
    size_t      at = 0, len = 0;
    const char *data = NULL;

    while (take_chunk(s, &at, &data, &len)) assert_true(len <= 100);
    see_all(s);
}

static void see_two_finishes(const seen *s)
{
    char  *texts[EVENTS_MAX];
    size_t count = texts_of(s, texts);

    assert_int_equal(count_of(s, "\"finishReason\""), 2);
    assert_int_equal(count, world.text_count + 1);
    assert_string_equal(texts[count - 1], "");
    forget_texts(texts, count);
}

static void see_all_finishes(const seen *s)
{
    assert_int_equal(count_of(s, "\"finishReason\": \"STOP\""), world.text_count);
    see_all(s);
}

static void see_blank_in_text(const seen *s)
{
    assert_int_equal(count_of(s, "\"finishReason\""), 1);
    assert_int_equal(count_of(s, "data: "), world.text_count + 1);
    see_all(s);
}

static void see_torn(const seen *s)
{
    assert_int_equal(count_of(s, "data: "), world.text_count);
    assert_int_equal(count_of(s, "\"modelVersion\""), world.text_count - 1);
}

static void see_nul(const seen *s)
{
    assert_non_null(memchr(s->body, '\0', s->len));
}

static void see_big(const seen *s)
{
    assert_true(s->len > (20 << 20));
    assert_int_equal(count_of(s, "\"finishReason\""), 1);
    const char *line = strstr(s->body, "xxxxxxxxxx");
    assert_true(strcspn(line, "\r\n") > (20 << 20));
}

static void see_nest(const seen *s)
{
    const char *at = strstr(s->body, "[[[[");

    assert_non_null(at);
    assert_int_equal(strspn(at, "["), 10000);
    assert_int_equal(strspn(at + 10000, "]"), 10000);
}

static void see_garbage(const seen *s)
{
    seen again = see("garbage=64:1@byte=100", STREAM, PROMPT("spoil this"));

    assert_memory_equal(s->body + 100, again.body + 100, 64);
    assert_memory_equal(s->body + 164, "", 0);
    assert_true(memcmp(s->body + 100, s->body, 64) != 0);
    forget(&again);
}

static void see_ids(const seen *s)
{
    assert_non_null(strstr(s->body, "id: pollux-1\r\ndata: "));
    assert_non_null(strstr(s->body, "id: pollux-2\r\ndata: "));
}

static void see_lf(const seen *s)
{
    assert_null(memchr(s->body, '\r', s->len));
    assert_int_equal(count_of(s, "}\n\ndata: "), world.text_count - 1);
    see_all(s);
}

static void see_cr(const seen *s)
{
    assert_null(memchr(s->body, '\n', s->len));
    assert_int_equal(count_of(s, "}\r\rdata: "), world.text_count - 1);
}

static void see_mixed(const seen *s)
{
    assert_int_equal(count_of(s, "}\r\rdata: "), 1);
    assert_int_equal(count_of(s, "}\r\n\r\ndata: "), 1);
    assert_int_equal(count_of(s, "}\r\n\rdata: "), 1);
    assert_int_equal(count_of(s, "}\n\r\ndata: "), 1);
}

static void see_tight(const seen *s)
{
    assert_int_equal(count_of(s, "data:{"), world.text_count);
    assert_int_equal(count_of(s, "data: "), 0);
}

static void see_three_lines(const seen *s)
{
    assert_int_equal(count_of(s, "data: "), 3 * world.text_count);
    assert_int_equal(count_of(s, "\r\n\r\n"), world.text_count);
    see_all(s);
}

static void see_open_end(const seen *s)
{
    assert_memory_equal(s->body + s->len - 3, "}\r\n", 3);
    assert_int_equal(count_of(s, "\r\n\r\n"), world.text_count - 1);
    see_all(s);
}

static void see_done_first(const seen *s) { assert_memory_equal(s->body, "data: [DONE]\r\n\r\n", 16); }
static void see_bom(const seen *s) { assert_memory_equal(s->body, "\xef\xbb\xbf" "data: {", 10); }

static void see_retry_after_date(const seen *s)
{
    const char *at = strstr(s->head, "retry-after: ");

    assert_non_null(at);
    assert_non_null(strstr(at, " GMT\r\n"));
}

/* More than there are chunks. Without a gap the kernel joins what it cannot send at once. */
static void see_many_packets(const seen *s)
{
    assert_true(s->segments > world.text_count + 8);
    see_all(s);
}

static void see_slow_head(const seen *s)
{
    /* On a machine that keeps its timers waiting the rest comes at once. */
    assert_true(s->segments >= strlen(s->head) / 2);
    assert_true(s->segments < strlen(s->head) + s->raw_len);
    see_all(s);
}

static void see_until_close(const seen *s)
{
    assert_false(s->is_chunked);
    assert_null(strstr(s->head, "content-length"));
    assert_non_null(strstr(s->head, "connection: close\r\n"));
    see_all(s);
}

/* ---- the table ---- */

typedef struct row {
    const char *spec;
    const char *path; /* NULL: STREAM */
    int         status;
    ending      end;
    const char *has;  /* in head or body */
    const char *lacks;
    void (*look)(const seen *s);
} row;

static const row rows[] = {
    { "refuse", NULL, 0, RESET, NULL, NULL, see_nothing },
    { "rst@head", NULL, 0, RESET, NULL, NULL, see_nothing },
    { "rst@byte=40", NULL, 200, RESET, NULL, NULL, see_40_bytes },
    { "rst=refused_stream", NULL, 200, RESET, NULL, NULL, see_one_event },
    { "cut@event=1", NULL, 200, CLOSED, NULL, NULL, see_one_event },
    { "cut@byte=40", NULL, 200, CLOSED, NULL, NULL, see_40_bytes },
    { "cut@byte=40", WHOLE, 200, CLOSED, NULL, NULL, see_40_bytes },
    { "cut@head", NULL, 0, CLOSED, NULL, NULL, see_nothing },
    { "cut@percent=0", NULL, 200, CLOSED, "text/event-stream", "data", NULL },
    { "cut@percent=60", NULL, 200, CLOSED, "data: ", "STOP", NULL },
    { "cut@end", NULL, 200, CLOSED, "STOP", NULL, see_all },
    { "cut@event=1000", NULL, 200, CLOSED, "STOP", NULL, see_all },
    { "silent", NULL, 200, CLOSED, NULL, NULL, see_one_event },
    { "goaway", NULL, 200, CLOSED, NULL, NULL, see_one_event },
    { "stall=30@byte=40", NULL, 200, ENDED, NULL, NULL, see_all },
    { "stall=30@head", NULL, 200, ENDED, NULL, NULL, see_all },
    { "stall=30@percent=50", NULL, 200, ENDED, NULL, NULL, see_all },
    { "slowhead=3", NULL, 200, ENDED, NULL, NULL, see_slow_head },
    { "slow=1:100", NULL, 200, ENDED, NULL, NULL, see_many_chunks },
    { "bytewise=0", NULL, 200, ENDED, NULL, NULL, see_many_packets },
    { "packets=7", NULL, 200, ENDED, NULL, NULL, see_many_packets },
    { "splits=3:64", NULL, 200, ENDED, NULL, NULL, see_many_packets },
    { "split=utf8", NULL, 200, ENDED, NULL, NULL, see_split_utf8 },
    { "split=escape", NULL, 200, ENDED, NULL, NULL, see_split_escape },
    { "split=crlf", NULL, 200, ENDED, NULL, NULL, see_split_crlf },
    { "together", NULL, 200, ENDED, NULL, NULL, see_one_chunk },

    { "badchunk", NULL, 200, CLOSED, NULL, NULL, see_bad_chunk },
    { "nolastchunk", NULL, 200, CLOSED, NULL, NULL, see_missing_last_chunk },
    { "chunkext", NULL, 200, ENDED, NULL, NULL, see_chunk_extensions },
    { "length=10", NULL, 200, CLOSED, NULL, NULL, see_too_long },
    { "length=-7", WHOLE, 200, CLOSED, NULL, NULL, see_too_short },
    { "untilclose", NULL, 200, CLOSED, NULL, NULL, see_until_close },
    { "gzip", NULL, 200, ENDED, "content-encoding: gzip\r\n", NULL, see_gzip },
    { "gzipcut", NULL, 200, ENDED, "content-encoding: gzip\r\n", NULL, see_gzip_cut },
    { "type", NULL, 200, ENDED, "content-type: application/json", "text/event-stream", see_all },
    { "type", WHOLE, 200, ENDED, "content-type: text/event-stream\r\n", "application/json", NULL },
    { "type=none", NULL, 200, ENDED, NULL, "content-type", see_all },
    { "type=image/x%2Cy", NULL, 200, ENDED, "content-type: image/x,y\r\n", NULL, see_all },
    { "noheader=content-disposition", NULL, 200, ENDED, "content-type", "content-disposition", see_all },
    { "retryafter=7,status", NULL, 503, ENDED, "retry-after: 7\r\n", NULL, NULL },
    { "retryafter=7:date,status", NULL, 503, ENDED, NULL, NULL, see_retry_after_date },
    { "retryafterms=250,status", NULL, 503, ENDED, "retry-after-ms: 250\r\n", NULL, NULL },

    { "status=429:rpm", NULL, 429, ENDED, "GenerateRequestsPerMinutePerProjectPerModel-FreeTier", NULL, NULL },
    { "status=429:tpm", NULL, 429, ENDED, "GenerateContentInputTokensPerModelPerMinute-FreeTier", NULL, NULL },
    { "status=429:rpd", NULL, 429, ENDED, "GenerateRequestsPerDayPerProjectPerModel-FreeTier", NULL, NULL },
    { "status=429:zero", NULL, 429, ENDED, "limit: 0, model: gemini-3.8-flash", NULL, NULL },
    { "status=429:plain", NULL, 429, ENDED, "Resource has been exhausted", "QuotaFailure", NULL },
    { "status=429:rpm,retryinfo=33.378", NULL, 429, ENDED, "\"retryDelay\": \"33.378s\"", NULL, NULL },
    { "status=429:rpm,retryinfo=none", NULL, 429, ENDED, "QuotaFailure", "etry", NULL },
    { "status=503,retryinfo=0", NULL, 503, ENDED, "\"retryDelay\": \"0s\"", NULL, NULL },
    { "status=500", NULL, 500, ENDED, "\"status\": \"INTERNAL\"", NULL, NULL },
    { "status=504", NULL, 504, ENDED, "\"status\": \"DEADLINE_EXCEEDED\"", NULL, NULL },
    { "status=400:key", NULL, 400, ENDED, "API_KEY_INVALID", NULL, NULL },
    { "status=400:field", NULL, 400, ENDED, "fieldViolations", NULL, NULL },
    { "status=403:leaked", NULL, 403, ENDED, "leaked", NULL, NULL },
    { "status=403:disabled", NULL, 403, ENDED, "SERVICE_DISABLED", NULL, NULL },
    { "status=503", ARRAY, 503, ENDED, "[{\n", NULL, NULL },
    { "status=503,cut@byte=10", NULL, 503, CLOSED, NULL, "message", NULL },
    { "html=502", NULL, 502, ENDED, "content-type: text/html", NULL, NULL },
    { "html=503", NULL, 503, ENDED, "<!DOCTYPE html>", NULL, NULL },
    { "empty", NULL, 200, ENDED, "content-type: text/event-stream\r\n", NULL, see_no_body },
    { "empty=502", NULL, 502, ENDED, NULL, NULL, see_no_body },
    { "emptylist", NULL, 200, ENDED, "[]\n", NULL, NULL },
    { "redirect=307:http://127.0.0.2:9", NULL, 307, ENDED,
      "location: http://127.0.0.2:9/v1beta/models/gemini-3.8-flash:streamGenerateContent?alt=sse\r\n", NULL, NULL },
    { "redirect", STREAM "&key=secret", 302, ENDED, "location: http://elsewhere.invalid/v1beta", "secret", NULL },

    { "nofinish", NULL, 200, ENDED, NULL, "finishReason", see_all },
    { "nofinish", ARRAY, 200, ENDED, NULL, "finishReason", see_all },
    { "nofinish", WHOLE, 200, ENDED, "\"text\"", "finishReason", NULL },
    { "finishtwice", NULL, 200, ENDED, NULL, NULL, see_two_finishes },
    { "finishtwice", ARRAY, 200, ENDED, NULL, NULL, see_two_finishes },
    { "finishall", NULL, 200, ENDED, NULL, NULL, see_all_finishes },
    { "finish=SAFETY", NULL, 200, ENDED, "\"finishReason\": \"SAFETY\"", "STOP", see_all },
    { "error", NULL, 200, ENDED, "\r\n\r\ndata: {\"error\": {\"code\": 503,", NULL, see_one_event },
    { "error=indented:499", NULL, 200, ENDED, "\r\n\r\n{\n  \"error\": {\n    \"code\": 499,", "STOP", NULL },
    { "error=line:500@event=1", NULL, 200, ENDED, "\r\n\r\n{\"error\": {\"code\": 500,", NULL, see_one_event },
    { "error=list@event=1", NULL, 200, ENDED, "\r\n\r\n[{\n  \"error\"", NULL, see_one_event },
    { "error=traced@event=1", NULL, 200, ENDED, "data: {\"trace\": \"pollux\",\"error\": {", NULL, see_one_event },
    { "error=closed@byte=40", NULL, 200, CLOSED, NULL, "error", see_40_bytes },
    { "error@event=1", ARRAY, 200, ENDED, "}\n,\r\n{\n  \"error\": {", NULL, see_one_event },
    { "error=event:429@event=1,retryinfo=2.5", NULL, 200, ENDED, "\"retryDelay\": \"2.500s\"", NULL, NULL },
    { "done", NULL, 200, ENDED, "\r\n\r\ndata: [DONE]\r\n\r\n", NULL, see_all },
    { "done@byte=0", NULL, 200, ENDED, NULL, NULL, see_done_first },

    { "dup@event=2", NULL, 200, ENDED, NULL, NULL, see_dup },
    { "dup@event=2", ARRAY, 200, ENDED, NULL, NULL, see_dup },
    { "drop@event=2", NULL, 200, ENDED, NULL, NULL, see_drop },
    { "drop@event=2", ARRAY, 200, ENDED, NULL, NULL, see_drop },
    { "swap", NULL, 200, ENDED, NULL, NULL, see_swap },
    { "swap", ARRAY, 200, ENDED, NULL, NULL, see_swap },
    { "torn@event=2", NULL, 200, ENDED, NULL, NULL, see_torn },
    { "hollow", NULL, 200, ENDED, "\"content\": {\"role\": \"model\"}", NULL, see_blank_in_text },
    { "hollow=empty", NULL, 200, ENDED, "\"content\": {},", NULL, see_blank_in_text },
    { "hollow=absent", NULL, 200, ENDED, "\"candidates\": [{\"index\": 0}]", NULL, see_blank_in_text },
    { "commas", ARRAY, 200, ENDED, "},{", NULL, see_all },
    { "commas=lf", ARRAY, 200, ENDED, "}\n,\r\n\n{", NULL, see_all },
    { "commas=spaced", ARRAY, 200, ENDED, "} \t , \r\n {", NULL, see_all },
    { "nousage", NULL, 200, ENDED, NULL, "usageMetadata", see_all },
    { "noindex", NULL, 200, ENDED, NULL, "\"index\"", see_all },
    { "quoted", NULL, 200, ENDED, "\"totalTokenCount\": \"", NULL, see_all },
    { "unknown", NULL, 200, ENDED, "\"parts\": [{\"polluxPart\": {", NULL, see_all },

    { "surrogate", NULL, 200, ENDED, "\"text\": \"\\ud83d", NULL, NULL },
    { "surrogate=low@event=2", NULL, 200, ENDED, "\"text\": \"\\ude00", NULL, NULL },
    { "badutf8", NULL, 200, ENDED, "\"text\": \"\xff\xc0\xaf", NULL, NULL },
    { "nul", NULL, 200, ENDED, NULL, NULL, see_nul },
    { "nul=escaped", NULL, 200, ENDED, "\"text\": \"\\u0000", NULL, NULL },
    { "separators", NULL, 200, ENDED, "\"text\": \"\xc2\x85\xe2\x80\xa8\xe2\x80\xa9\\r\\n\\u000b\\f", NULL, NULL },
    { "big", NULL, 200, ENDED, NULL, NULL, see_big },
    { "nest", NULL, 200, ENDED, "\"polluxNest\": [[", NULL, see_nest },
    { "nan", NULL, 200, ENDED, "data: {\"polluxNumber\": NaN,\"candidates\"", NULL, see_all },
    { "twicekey", NULL, 200, ENDED, "data: {\"candidates\": null,\"candidates\": [", NULL, see_all },
    { "garbage=64:1@byte=100", NULL, 200, ENDED, NULL, NULL, see_garbage },

    { "eol", NULL, 200, ENDED, NULL, NULL, see_lf },
    { "eol=cr", NULL, 200, ENDED, NULL, NULL, see_cr },
    { "eol=mixed", NULL, 200, ENDED, NULL, NULL, see_mixed },
    { "comment", NULL, 200, ENDED, "\r\n\r\n: ping\r\ndata: {", NULL, see_all },
    { "event", NULL, 200, ENDED, "\r\n\r\nevent: message\r\ndata: {", NULL, see_all },
    { "id", NULL, 200, ENDED, NULL, NULL, see_ids },
    { "retry", NULL, 200, ENDED, "\r\n\r\nretry: 3000\r\ndata: {", NULL, see_all },
    { "nospace", NULL, 200, ENDED, NULL, NULL, see_tight },
    { "multiline", NULL, 200, ENDED, NULL, NULL, see_three_lines },
    { "bom", NULL, 200, ENDED, NULL, NULL, see_bom },
    { "noblank", NULL, 200, ENDED, NULL, NULL, see_open_end },
};

/* Those that end in nothing, or that one answer cannot show, have tests of their own below. */
static const char *const shown_below[] = { "ignore", "nowindow", "stall", "unavailable", "retryinfo", "nodone" };

enum { ROWS = sizeof rows / sizeof rows[0] };

static void check_end(const row *r, const seen *s)
{
    if (r->end == RESET) assert_int_equal(s->error, ECONNRESET);
    else assert_int_equal(s->error, 0);
    assert_int_equal(s->is_whole, r->end == ENDED);
}

static bool holds(const seen *s, const char *text)
{
    return strstr(s->head, text) || strstr(s->body, text);
}

static void each_fault_is_seen_on_the_wire(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        const row *r = &rows[i];
        print_message("  %s%s%s\n", r->spec, r->path ? " " : "", r->path ? r->path : "");
        seen s = see(r->spec, r->path ? r->path : STREAM, PROMPT("spoil this"));
        assert_int_equal(s.status, r->status);
        check_end(r, &s);
        if (r->has && !holds(&s, r->has)) fail_msg("no \"%s\" in:\n%s%s", r->has, s.head, s.body);
        if (r->lacks && holds(&s, r->lacks)) fail_msg("\"%s\" in:\n%s%s", r->lacks, s.head, s.body);
        if (r->look) r->look(&s);
        forget(&s);
    }
}

static bool has_row(const char *name)
{
    size_t len = strlen(name);

    for (size_t i = 0; i < ROWS; i++) {
        if (strncmp(rows[i].spec, name, len) == 0 && strchr("=@,", rows[i].spec[len])) return true;
    }
    for (size_t i = 0; i < sizeof shown_below / sizeof shown_below[0]; i++) {
        if (strcmp(shown_below[i], name) == 0) return true;
    }
    return false;
}

static void no_fault_is_without_a_test(void **state)
{
    (void)state;
    for (size_t i = 0; i < plx_fault_kind_count; i++) {
        if (!has_row(plx_fault_kinds[i].name)) fail_msg("the fault %s has no row here", plx_fault_kinds[i].name);
    }
}

/* ---- faults that never end ---- */

/* Nothing more has come by the time that another request was answered: the server has one thread. */
static void assert_silent(tst_link *l)
{
    struct pollfd  poller = { .fd = l->fd, .events = POLLIN };
    tst_answer     other = tst_ask(&world.pollux, STREAM, PROMPT("spoil this"));

    assert_true(other.is_whole);
    tst_forget(&other);
    assert_int_equal(poll(&poller, 1, 0), 0);
}

static tst_link begin(const char *headers)
{
    tst_link l = tst_connect(&world.pollux);

    tst_post(&l, STREAM, headers, PROMPT("spoil this"));
    return l;
}

static void a_stall_without_a_time_keeps_the_connection_open_for_ever(void **state)
{
    tst_link   l = begin(FAULTY("stall@event=1"));
    tst_answer a;

    (void)state;
    assert_true(tst_read_head(&l, &a));
    assert_true(tst_read_chunk(&l, &a));
    tst_contains(&a, world.texts[0]);
    assert_silent(&l);
    tst_forget(&a);
    tst_hang_up(&l);
}

static void what_is_ignored_gets_no_answer(void **state)
{
    tst_link l = begin(FAULTY("ignore"));

    (void)state;
    assert_silent(&l);
    tst_hang_up(&l);
}

static void a_window_that_stays_closed_gets_no_answer(void **state)
{
    tst_link l = begin(FAULTY("nowindow"));

    (void)state;
    assert_silent(&l);
    shutdown(l.fd, SHUT_WR);
    assert_false(tst_read_more(&l)); /* who leaves is noticed, although nothing was read */
    assert_int_equal(l.error, 0);
    tst_hang_up(&l);
}

static void a_body_that_nobody_takes_is_held_up(void **state)
{
    static char   piece[65536];
    tst_link      l = tst_connect(&world.pollux);
    struct pollfd room = { .fd = l.fd, .events = POLLOUT };
    size_t        sent = 0, length = 64 << 20;

    (void)state;
    tst_send_text(&l, "POST " STREAM " HTTP/1.1\r\nHost: x\r\nx-goog-api-key: k\r\nx-pollux-fault: nowindow\r\n"
                      "Content-Length: 67108864\r\n\r\n");
    while (sent < length && poll(&room, 1, 300) == 1) {
        ssize_t count = send(l.fd, piece, sizeof piece, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (count > 0) sent += (size_t)count;
    }
    assert_true(sent < length);
    assert_silent(&l);
    tst_hang_up(&l);
}

static void an_answer_waits_while_it_stalls(void **state)
{
    struct timespec before, after;

    (void)state;
    clock_gettime(CLOCK_MONOTONIC, &before);
    seen s = see("stall=150@byte=40", STREAM, PROMPT("spoil this"));
    clock_gettime(CLOCK_MONOTONIC, &after);
    assert_true((after.tv_sec - before.tv_sec) * 1000 + (after.tv_nsec - before.tv_nsec) / 1000000 >= 149);
    see_all(&s);
    forget(&s);
}

/* Each arrives before the next one leaves. */
static void an_answer_comes_one_byte_at_a_time(void **state)
{
    (void)state;
    seen s = see("bytewise=2000", STREAM, PROMPT("bytes please"));
    assert_true(s.segments >= (strlen(s.head) + s.raw_len) * 9 / 10);
    forget(&s);
}

/* ---- faults of more than one answer, or of other dialects ---- */

static void an_answer_is_unavailable_so_many_times_and_then_there(void **state)
{
    static const char *const ids[] = { "one", "two" };
    char                     headers[256];

    (void)state;
    for (size_t i = 0; i < 8; i++) { /* two requests in turn: each is counted for itself */
        snprintf(headers, sizeof headers, FAULTY("unavailable=2") "x-pollux-request-id: %s\r\n", ids[i % 2]);
        seen s = see_with(&world.pollux, STREAM, headers, PROMPT("spoil this"));
        assert_int_equal(s.status, i < 4 || i > 5 ? 503 : 200);
        forget(&s);
    }
}

#define CHAT_BODY(text) \
    "{\"model\":\"gemini-3.8-flash\",\"stream\":true,\"messages\":[{\"role\":\"user\",\"content\":\"" text "\"}]}"
#define MESSAGE_BODY "{\"prompt\":{\"messages\":[{\"content\":\"spoil this\"}]},\"stream\":true}"

static void chat_completions_are_spoilt_as_well(void **state)
{
    (void)state;
    seen plain = see_with(&world.pollux, CHAT, "Authorization: Bearer k\r\n", CHAT_BODY("spoil this"));
    size_t events = count_of(&plain, "\n\n");
    assert_int_equal(count_of(&plain, "\"finish_reason\":\"stop\""), 1);
    assert_int_equal(count_of(&plain, "[DONE]"), 1);

    seen s = see("nodone,finishall", CHAT, CHAT_BODY("spoil this"));
    assert_int_equal(count_of(&s, "[DONE]"), 0);
    assert_int_equal(count_of(&s, "\"finish_reason\":\"stop\""), events - 1);
    forget(&s);
    s = see("nofinish,dup", CHAT, CHAT_BODY("spoil this"));
    assert_int_equal(count_of(&s, "finish_reason"), 0);
    assert_int_equal(count_of(&s, "\n\n"), events + 1);
    forget(&s);
    s = see("multiline", CHAT, CHAT_BODY("spoil this"));
    assert_int_equal(count_of(&s, "data: "), 3 * (events - 1) + 1);
    assert_int_equal(count_of(&s, "data: [DONE]\n\n"), 1);
    forget(&s);
    s = see("status=429:rpm", CHAT, CHAT_BODY("spoil this"));
    assert_int_equal(strncmp(s.body, "[{", 2), 0);
    forget(&s);
    forget(&plain);
}

static void the_lines_of_the_legacy_method_are_spoilt_as_well(void **state)
{
    (void)state;
    seen s = see("nofinish,dup@event=2", MESSAGE, MESSAGE_BODY);
    assert_int_equal(count_of(&s, "\"done\":true"), 0);
    assert_int_equal(count_of(&s, "\"done\":false"), world.text_count); /* one less has text: no signature; and one twice */
    forget(&s);
    s = see("finishall", MESSAGE, MESSAGE_BODY);
    assert_int_equal(count_of(&s, "\"done\":true"), world.text_count - 1);
    forget(&s);
}

#define INTERACTIONS "/v1beta/interactions"
#define INTERACTION "{\"model\":\"gemini-3.8-flash\",\"input\":\"spoil this\",\"stream\":true}"

static void interactions_are_spoilt_as_well(void **state)
{
    (void)state;
    seen s = see("nofinish,nodone", INTERACTIONS, INTERACTION);
    assert_int_equal(count_of(&s, "event: step.stop"), count_of(&s, "event: step.start"));
    assert_int_equal(count_of(&s, "interaction.completed"), 0);
    assert_int_equal(count_of(&s, "[DONE]"), 0);
    forget(&s);
    s = see("error@event=3", INTERACTIONS, INTERACTION);
    assert_non_null(strstr(s.body, "event: error\r\ndata: {\"error\": {\"code\": \"service_unavailable\","));
    assert_int_equal(count_of(&s, "data: "), 4);
    forget(&s);
    s = see("status=429:rpd", INTERACTIONS, INTERACTION);
    assert_int_equal(s.status, 429);
    assert_non_null(strstr(s.body, "\"code\": \"quota_exceeded\""));
    forget(&s);
    s = see("status=400:key", INTERACTIONS, INTERACTION);
    assert_non_null(strstr(s.body, "\"code\": 400"));
    forget(&s);
    s = see_with(&world.pollux, INTERACTIONS, KEY,
                 "{\"model\":\"gemini-3.8-flash\",\"input\":\"spoilt by script\",\"stream\":true}");
    assert_int_equal(count_of(&s, "data: "), 1);
    assert_false(s.is_whole);
    forget(&s);
}

static void bytes_of_a_script_are_spoilt_as_well(void **state)
{
    (void)state;
    seen s = see("dup,eol=lf,bom", STREAM, PROMPT("bytes please"));
    assert_string_equal(s.body, "\xef\xbb\xbf" "data: {\"a\": 1}\n\ndata: {\"a\": 1}\n\ndata: {\"b\": 2}\n\n");
    forget(&s);
    s = see("cut@byte=20", STREAM, PROMPT("bytes please"));
    assert_string_equal(s.body, "data: {\"a\": 1}\r\n\r\nda");
    forget(&s);
}

static void other_methods_are_spoilt_as_well(void **state)
{
    tst_answer a = tst_call(&world.pollux, "GET", "/v1beta/models?pageSize=1", FAULTY("html=503"), NULL);

    (void)state;
    assert_int_equal(a.status, 503);
    tst_contains(&a, "<!DOCTYPE html>");
    tst_forget(&a);
    a = tst_call(&world.pollux, "GET", "/v1beta/nothing/here", FAULTY("status=429:rpd"), NULL);
    assert_int_equal(a.status, 429);
    tst_forget(&a);
}

static void what_is_not_spoilt_is_as_without_the_room(void **state)
{
    (void)state;
    seen s = see_with(&world.pollux, STREAM, KEY, PROMPT("bytes please"));
    assert_string_equal(s.raw, "24\r\ndata: {\"a\": 1}\r\n\r\ndata: {\"b\": 2}\r\n\r\n\r\n0\r\n\r\n");
    forget(&s);
}

/* ---- the four ways to ask ---- */

static tst_answer control(const tst_pollux *p, const char *method, const char *body)
{
    return tst_call(p, method, "/pollux/faults", "", body);
}

static void arm(const tst_pollux *p, const char *body)
{
    tst_answer a = control(p, "POST", body);

    if (a.status != 200) fail_msg("%s: %s", body, a.body);
    tst_forget(&a);
}

static int status_of(const tst_pollux *p, const char *path, const char *headers)
{
    seen s = see_with(p, path, headers, PROMPT("spoil this"));
    int  status = s.is_whole ? s.status : -1;

    forget(&s);
    return status;
}

static void a_wrong_fault_is_refused_with_a_sentence(void **state)
{
    static const struct {
        const char *spec;
        const char *why;
    } wrong[] = {
        { "bogus", "There is no fault \\\"bogus\\\"; `pollux faults` lists them all." },
        { "", "A fault is written NAME[=ARGUMENT][@PLACE]" },
        { "cut,", "A fault is written" },
        { "cut=1", "cut takes no argument." },
        { "cut@nowhere", "The place of cut is one of head, event=N, byte=N, percent=N, end, not \\\"nowhere\\\"." },
        { "cut@percent=101", "The place of cut" },
        { "cut@event", "The place of cut" },
        { "cut@event=-1", "The place of cut" },
        { "eol@event=1", "eol takes no place: it is of the whole answer." },
        { "eol=crcr", "END of eol is one of lf, cr, crlf, mixed, not \\\"crcr\\\"." },
        { "stall=soon", "MS of stall is a number from 0 to 86400000, not \\\"soon\\\"." },
        { "stall=99999999999999999999", "MS of stall is a number" },
        { "stall=", "There is nothing behind \\\"stall=\\\"." },
        { "status=200", "CODE of status is a number from 400 to 599, not \\\"200\\\"." },
        { "retryinfo=1.2.3", "SECONDS of retryinfo is seconds, as 2 or 33.5, or none" },
        { "type=a%0Ab", "The text of type holds a control character." },
        { "type=%4", "a % must begin an escape" },
        { "dup,dup,dup,dup,dup,dup,dup,dup,dup", "At most 8 faults can be asked for at once." },
    };

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        seen s = see(wrong[i].spec, STREAM, PROMPT("spoil this"));
        assert_int_equal(s.status, 400);
        if (!strstr(s.body, wrong[i].why)) fail_msg("%s: no \"%s\" in:\n%s", wrong[i].spec, wrong[i].why, s.body);
        forget(&s);
    }
}

static void a_case_of_a_script_has_its_fault(void **state)
{
    (void)state;
    seen s = see_with(&world.pollux, STREAM, KEY, PROMPT("spoilt by script"));
    assert_int_equal(count_of(&s, "data: "), 1);
    assert_false(s.is_whole);
    forget(&s);
    s = see_with(&world.pollux, STREAM, KEY, PROMPT("refused by script"));
    assert_int_equal(s.status, 429);
    forget(&s);
}

static void a_control_call_arms_a_fault_for_some_answers(void **state)
{
    tst_pollux p = TST_POLLUX("--instant", "-q");
    tst_answer a;

    (void)state;
    arm(&p, "{\"fault\": \"status=500\", \"count\": 2, \"path\": \"streamGen\", \"after\": 1}");
    assert_int_equal(status_of(&p, STREAM, KEY), 200);
    assert_int_equal(status_of(&p, WHOLE, KEY), 200);
    assert_int_equal(status_of(&p, STREAM, KEY), 500);
    a = control(&p, "GET", NULL);
    tst_contains(&a, "\"fault\": \"status=500:plain\",\n      \"count\": 1,\n      \"path\": \"streamGen\"");
    tst_contains(&a, "\"by\": \"control\"");
    tst_contains(&a, "\"name\": \"nest\",\n      \"argument\": \"DEPTH\",\n      \"default\": \"10000\"");
    tst_forget(&a);
    assert_int_equal(status_of(&p, STREAM, KEY), 500);
    assert_int_equal(status_of(&p, STREAM, KEY), 200);

    arm(&p, "{\"fault\": \"unavailable=2\"}");
    assert_int_equal(status_of(&p, STREAM, KEY), 503);
    assert_int_equal(status_of(&p, STREAM, KEY), 503);
    assert_int_equal(status_of(&p, STREAM, KEY), 200);

    arm(&p, "{\"fault\": \"empty=204\", \"count\": 0}");
    assert_int_equal(status_of(&p, "/v1beta/models/gemini-3.8-flash:countTokens", KEY), -1); /* 204 has no body */
    a = control(&p, "DELETE", NULL);
    assert_int_equal(a.status, 200);
    tst_forget(&a);
    assert_int_equal(status_of(&p, STREAM, KEY), 200);
    tst_pollux_stop(&p);
}

static void a_fault_that_counts_does_so_for_each_who_asks(void **state)
{
    tst_pollux p = TST_POLLUX("--instant", "-q");

    (void)state;
    for (int i = 0; i < 2; i++) { /* the second time as the first */
        arm(&p, "{\"fault\": \"unavailable=1\"}");
        assert_int_equal(status_of(&p, STREAM, KEY), 503);
        assert_int_equal(status_of(&p, STREAM, KEY), 200);
    }
    assert_int_equal(status_of(&p, STREAM, FAULTY("unavailable=1")), 503);
    tst_pollux_stop(&p);
}

static void chaos_can_begin_and_end_while_pollux_runs(void **state)
{
    tst_pollux p = TST_POLLUX("--instant", "-q");

    (void)state;
    arm(&p, "{\"chaos\": \"seed=1,rate=1,faults=status=500\"}");
    assert_int_equal(status_of(&p, STREAM, KEY), 500);
    arm(&p, "{\"chaos\": \"seed=1,rate=0\"}");
    assert_int_equal(status_of(&p, STREAM, KEY), 200);
    tst_pollux_stop(&p);
}

static void a_wrong_control_call_is_refused(void **state)
{
    static const char *const wrong[][2] = {
        { "{\"fault\": \"bogus\"}", "There is no fault" },
        { "{\"count\": 1}", "must be a text" },
        { "{\"chaos\": \"seed=1\"}", "seed and rate must both be there" },
        { "{\"fault\": \"cut\", \"cnt\": 1}", "Cannot find field" },
        { "{\"fault\": \"cut\", \"count\": -1}", "count" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        tst_answer a = control(&world.pollux, "POST", wrong[i][0]);
        assert_int_equal(a.status, 400);
        tst_contains(&a, wrong[i][1]);
        tst_forget(&a);
    }
}

static void a_connection_is_refused_when_it_is_accepted(void **state)
{
    tst_pollux p = TST_POLLUX("--instant", "-q");
    char       byte;

    (void)state;
    arm(&p, "{\"fault\": \"refuse\"}");
    tst_link l = tst_connect(&p);
    assert_int_equal(recv(l.fd, &byte, 1, 0), -1); /* though nothing was asked */
    assert_int_equal(errno, ECONNRESET);
    tst_hang_up(&l);
    assert_int_equal(status_of(&p, STREAM, KEY), 200);

    arm(&p, "{\"fault\": \"ignore\"}");
    l = tst_connect(&p);
    tst_post(&l, STREAM, KEY, PROMPT("spoil this"));
    assert_int_equal(status_of(&p, STREAM, KEY), 200);
    assert_int_equal(recv(l.fd, &byte, 1, MSG_DONTWAIT), -1);
    assert_int_equal(errno, EAGAIN);
    tst_hang_up(&l);
    tst_pollux_stop(&p);
}

static void header_goes_before_script_before_control_before_chaos(void **state)
{
    tst_pollux p = TST_POLLUX("--instant", "-q", "--script", world.path, "--chaos", "seed=1,rate=1,faults=status=404");

    (void)state;
    arm(&p, "{\"fault\": \"status=500\", \"count\": 1}");
    seen s = see_with(&p, STREAM, FAULTY("status=401"), PROMPT("refused by script"));
    assert_int_equal(s.status, 401);
    forget(&s);
    s = see_with(&p, STREAM, KEY, PROMPT("refused by script"));
    assert_int_equal(s.status, 429);
    forget(&s);
    assert_int_equal(status_of(&p, STREAM, KEY), 500);
    assert_int_equal(status_of(&p, STREAM, KEY), 404);
    tst_pollux_stop(&p);
}

static void control_paths_are_never_spoilt(void **state)
{
    tst_pollux p = TST_POLLUX("--instant", "-q", "--chaos", "seed=1,rate=1,faults=cut@head");
    tst_answer a = tst_call(&p, "GET", "/pollux/health", FAULTY("status=500"), NULL);

    (void)state;
    assert_int_equal(a.status, 200);
    tst_forget(&a);
    tst_pollux_stop(&p);
}

/* ---- chaos ---- */

/* What the history says of the first requests, without what differs by itself. */
static char *history_of(const tst_pollux *p, int requests)
{
    char headers[128];

    for (int i = 0; i < requests; i++) {
        snprintf(headers, sizeof headers, KEY "x-pollux-request-id: r%d\r\n", i);
        seen s = see_with(p, STREAM, headers, PROMPT("spoil this"));
        forget(&s);
    }
    tst_answer a = control(p, "GET", NULL);
    char      *from = strstr(a.body, "\"history\"");
    char      *end = from ? strstr(from, "\"table\"") : NULL;
    assert_non_null(end);
    *end = '\0';
    char *history = calloc(1, strlen(from) + 1);
    assert_non_null(history);
    strcpy(history, from);
    tst_forget(&a);
    return history;
}

static char *history_of_chaos(const char *chaos, int requests)
{
    tst_pollux p = TST_POLLUX("--instant", "-q", "--chaos", chaos);
    char      *history = history_of(&p, requests);

    tst_pollux_stop(&p);
    return history;
}

static size_t count_in(const char *text, const char *part)
{
    size_t count = 0;

    for (; (text = strstr(text, part)); text += strlen(part)) count++;
    return count;
}

static void the_same_seed_gives_the_same_faults(void **state)
{
    char *one = history_of_chaos("seed=7,rate=0.25", 80);
    char *again = history_of_chaos("seed=7,rate=0.25", 80);
    char *other = history_of_chaos("seed=8,rate=0.25", 80);

    (void)state;
    assert_string_equal(one, again);
    assert_true(strcmp(one, other) != 0);
    assert_in_range(count_in(one, "\"by\": \"chaos\""), 5, 40);
    assert_non_null(strstr(one, "\"request\": \"r"));
    free(one);
    free(again);
    free(other);
}

static void chaos_chooses_among_the_faults_that_it_is_given(void **state)
{
    char *none = history_of_chaos("seed=7,rate=0", 20);
    char *all = history_of_chaos("seed=7,rate=1.0,faults=cut+status=503+dup@event=3", 40);

    (void)state;
    assert_int_equal(count_in(none, "chaos"), 0);
    assert_int_equal(count_in(all, "\"by\": \"chaos\""), 40);
    assert_int_equal(count_in(all, "\"fault\": \"cut@byte=") + count_in(all, "\"fault\": \"status=503:plain\"") +
                         count_in(all, "\"fault\": \"dup@event=3\""), 40);
    assert_true(count_in(all, "dup") > 0 && count_in(all, "cut") > 0);
    free(none);
    free(all);
}

/* Whatever chaos chose, another client is served, and the program ends well. */
static void pollux_lives_through_chaos(void **state)
{
    tst_pollux p = TST_POLLUX("--instant", "-q", "--chaos", "seed=3,rate=1");

    (void)state;
    for (int i = 0; i < 150; i++) {
        seen s = see_with(&p, i % 3 == 0 ? ARRAY : i % 3 == 1 ? STREAM : WHOLE, KEY, PROMPT("spoil this"));
        forget(&s);
    }
    tst_answer a = tst_call(&p, "GET", "/pollux/health", "", NULL);
    assert_int_equal(a.status, 200);
    tst_forget(&a);
    tst_pollux_stop(&p);
}

static void wrong_use(const char *const *args, const char *why)
{
    tst_pollux p;
    char       text[4096];
    int        out;

    tst_pollux_run(&p, &out, args);
    tst_read_all(p.errors, text, sizeof text);
    if (!strstr(text, why)) fail_msg("no \"%s\" in: %s", why, text);
    assert_int_equal(tst_exit_status(p.pid), 2);
    close(out);
    close(p.errors);
}

static void a_wrong_schedule_is_refused(void **state)
{
    static const char *const wrong[][2] = {
        { "seed=7", "seed and rate must both be there" }, { "rate=0.1", "seed and rate" },
        { "seed=x,rate=1", "the seed is a number" },      { "seed=7,rate=2", "the rate is a number from 0 to 1" },
        { "seed=7,rate=1,faults=bogus", "no fault \"bogus\"" }, { "seed=7,rate=1,speed=9", "all there is" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        wrong_use((const char *const[TST_ARGS_MAX]){ "--chaos", wrong[i][0] }, wrong[i][1]);
    }
}

/* ---- scripts, lists, manual ---- */

static void write_file(char *path, const char *text)
{
    int    fd = mkstemp(path);
    size_t len = strlen(text);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, len), len);
    close(fd);
}

static void a_script_with_a_wrong_fault_is_refused_with_its_line(void **state)
{
    char path[] = "/tmp/pollux-faults-XXXXXX";

    (void)state;
    write_file(path, "# Title\n\n## A case\n@ fault: cut@nowhere\n= Text.\n");
    wrong_use((const char *const[TST_ARGS_MAX]){ "--port", "0", "--script", path }, ":3: The place of cut is one of");
    unlink(path);
}

static char *output_of(const char *const *args)
{
    static char text[1 << 16];
    tst_pollux  p;
    int         out;

    tst_pollux_run(&p, &out, args);
    tst_read_all(out, text, sizeof text);
    assert_int_equal(tst_exit_status(p.pid), 0);
    close(out);
    close(p.errors);
    return text;
}

static void pollux_faults_lists_each_with_a_line(void **state)
{
    const char *list = output_of((const char *const[TST_ARGS_MAX]){ "faults" });
    char        line[128];

    (void)state;
    for (size_t i = 0; i < plx_fault_kind_count; i++) {
        const char *at = strstr(list, plx_fault_kinds[i].does);
        assert_non_null(at);
        snprintf(line, sizeof line, "\n%s", plx_fault_kinds[i].name);
        assert_non_null(strstr(list, line));
    }
}

static void the_manual_has_the_table(void **state)
{
    const char *table = output_of((const char *const[TST_ARGS_MAX]){ "faults", "--mdoc" });
    static char page[1 << 17];
    FILE       *file = fopen(CASTOR_SOURCE_DIR "/man/pollux.1", "r");

    (void)state;
    assert_non_null(file);
    page[fread(page, 1, sizeof page - 1, file)] = '\0';
    fclose(file);
    if (!strstr(page, table)) fail_msg("man/pollux.1 lacks what `pollux faults --mdoc` prints; put it in");
}

/* ---- set up ---- */

static int start(void **state)
{
    (void)state;
    strcpy(world.path, "/tmp/pollux-faults-XXXXXX");
    write_file(world.path, script);
    world.pollux = TST_POLLUX("--instant", "-q", "--grace", "100", "--script", world.path);
    seen s = see_with(&world.pollux, STREAM, KEY, PROMPT("spoil this"));
    world.text_count = texts_of(&s, world.texts);
    forget(&s);
    return world.text_count > 4 && world.text_count < EVENTS_MAX ? 0 : -1;
}

static int stop(void **state)
{
    (void)state;
    tst_pollux_stop(&world.pollux);
    forget_texts(world.texts, world.text_count);
    unlink(world.path);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_fault_is_seen_on_the_wire),
        cmocka_unit_test(no_fault_is_without_a_test),
        cmocka_unit_test(a_stall_without_a_time_keeps_the_connection_open_for_ever),
        cmocka_unit_test(what_is_ignored_gets_no_answer),
        cmocka_unit_test(a_window_that_stays_closed_gets_no_answer),
        cmocka_unit_test(a_body_that_nobody_takes_is_held_up),
        cmocka_unit_test(an_answer_waits_while_it_stalls),
        cmocka_unit_test(an_answer_comes_one_byte_at_a_time),
        cmocka_unit_test(an_answer_is_unavailable_so_many_times_and_then_there),
        cmocka_unit_test(chat_completions_are_spoilt_as_well),
        cmocka_unit_test(the_lines_of_the_legacy_method_are_spoilt_as_well),
        cmocka_unit_test(interactions_are_spoilt_as_well),
        cmocka_unit_test(bytes_of_a_script_are_spoilt_as_well),
        cmocka_unit_test(other_methods_are_spoilt_as_well),
        cmocka_unit_test(what_is_not_spoilt_is_as_without_the_room),
        cmocka_unit_test(a_wrong_fault_is_refused_with_a_sentence),
        cmocka_unit_test(a_case_of_a_script_has_its_fault),
        cmocka_unit_test(a_control_call_arms_a_fault_for_some_answers),
        cmocka_unit_test(a_fault_that_counts_does_so_for_each_who_asks),
        cmocka_unit_test(chaos_can_begin_and_end_while_pollux_runs),
        cmocka_unit_test(a_wrong_control_call_is_refused),
        cmocka_unit_test(a_connection_is_refused_when_it_is_accepted),
        cmocka_unit_test(header_goes_before_script_before_control_before_chaos),
        cmocka_unit_test(control_paths_are_never_spoilt),
        cmocka_unit_test(the_same_seed_gives_the_same_faults),
        cmocka_unit_test(chaos_chooses_among_the_faults_that_it_is_given),
        cmocka_unit_test(pollux_lives_through_chaos),
        cmocka_unit_test(a_wrong_schedule_is_refused),
        cmocka_unit_test(a_script_with_a_wrong_fault_is_refused_with_its_line),
        cmocka_unit_test(pollux_faults_lists_each_with_a_line),
        cmocka_unit_test(the_manual_has_the_table),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
