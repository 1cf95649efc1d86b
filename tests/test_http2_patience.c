/* test_http2_patience.c -- how long clients of HTTP/2 may keep a server waiting, and what a closed window holds up.
 * SPDX-License-Identifier: MIT
 *
 * Frames are written by hand: a library would not leave them half done.
 */
#define _GNU_SOURCE /* POLLRDHUP, memmem */
#include <errno.h>
#include <nghttp2/nghttp2.h>
#include <poll.h>
#include <string.h>

#include "host.h"

#define PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
#define SETTINGS "\0\0\0\4\0\0\0\0\0"
#define WINDOW(bytes) "\0\0\6\4\0\0\0\0\0\0\4\0\0\0" bytes /* that each stream begins with */
#define GET(len, path) "\0\0" len "\1\5\0\0\0\1\x82\x86\x41\1x\4" path

typedef struct text {
    const char *bytes;
    size_t      len;
} text;

#define TEXT(bytes) { bytes, sizeof(bytes) - 1 }

static tst_host host;

static int set_up(void **state)
{
    tst_host_options options = TST_HOST_OPTIONS;

    (void)state;
    options.limits.head_ms = options.limits.request_idle_ms = options.limits.reader_stall_ms = 150;
    host = tst_host_start(&options);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    tst_host_stop(&host);
    return 0;
}

static tst_link say_to(const tst_host *h, text opening)
{
    tst_link l = tst_connect_to(h->port);

    tst_send(&l, PREFACE, sizeof PREFACE - 1);
    tst_send(&l, opening.bytes, opening.len);
    return l;
}

static tst_link say(text opening) { return say_to(&host, opening); }

/* Reads up to a frame of this type: where it begins in what was read. NULL: the connection ended before. */
static const uint8_t *await_frame(tst_link *l, uint8_t type)
{
    for (size_t at = 0;;) {
        while (l->len < at + 9) {
            if (!tst_read_more(l)) return NULL;
        }
        const uint8_t *head = (const uint8_t *)l->data + at;
        size_t         len = (size_t)head[0] << 16 | (size_t)head[1] << 8 | head[2];
        while (l->len < at + 9 + len) {
            if (!tst_read_more(l)) return NULL;
        }
        head = (const uint8_t *)l->data + at;
        if (head[3] == type) return head;
        at += 9 + len;
    }
}

static void get_on(tst_link *l, uint32_t nth, text request)
{
    char frame[64];

    assert_true(request.len <= sizeof frame);
    memcpy(frame, request.bytes, request.len);
    frame[7] = (char)((2 * nth + 1) >> 8);
    frame[8] = (char)(2 * nth + 1);
    tst_send(l, frame, request.len);
}

/* Opens so many streams that stay open, then gives up the first for one that is answered; how many were refused before
 * that answer. */
static size_t refused_of(const tst_host *h, uint32_t streams)
{
    static const char cancel[] = "\0\0\4\3\0\0\0\0\1\0\0\0\x08";
    tst_link          l = say_to(h, (text)TEXT(SETTINGS));
    size_t            refused = 0;

    for (uint32_t i = 0; i < streams; i++) get_on(&l, i, (text)TEXT(GET("\x0c", "\5/wait")));
    tst_send(&l, cancel, sizeof cancel - 1);
    get_on(&l, streams, (text)TEXT(GET("\x0d", "\6/hello")));
    const uint8_t *answer = await_frame(&l, NGHTTP2_DATA);
    assert_non_null(answer);
    for (const uint8_t *at = (const uint8_t *)l.data; at < answer; at += 9 + (size_t)(at[1] << 8 | at[2])) {
        refused += at[3] == NGHTTP2_RST_STREAM && at[12] == NGHTTP2_REFUSED_STREAM;
    }
    tst_hang_up(&l);
    return refused;
}

static void a_hundred_streams_may_be_under_way_and_no_more(void **state)
{
    tst_host_options options = TST_HOST_OPTIONS;
    tst_host         own = tst_host_start(&options);

    (void)state;
    assert_int_equal(refused_of(&own, PLX_STREAMS_MAX), 0);
    assert_int_equal(refused_of(&own, PLX_STREAMS_MAX + 1), 1);
    tst_host_stop(&own);
}

static void what_is_not_gone_on_with_is_not_waited_for(void **state)
{
    static const text begun[] = {
        TEXT(SETTINGS "\0\0\1\1\1\0\0\0\1\x82"),                         /* a head, and no CONTINUATION */
        TEXT(SETTINGS "\0\0\1\1\1\0\0\0\1\x82\0\0\1\x09\0\0\0\0\1\x86"), /* one, and not the next */
        TEXT(SETTINGS "\0\x40\0\1\5\0\0\0\1\x82"),                       /* the beginning of a frame */
        TEXT(SETTINGS "\0\0"),                                           /* of a frame's head */
    };

    (void)state;
    for (size_t i = 0; i < sizeof begun / sizeof begun[0]; i++) {
        tst_link l = say(begun[i]);
        while (tst_read_more(&l)) continue;
        if (l.error == EAGAIN) fail_msg("waited for number %zu", i);
        tst_hang_up(&l);
    }
}

/* Never idle, never done: a frame of an unknown type, byte by byte. */
static void a_frame_that_trickles_in_does_not_keep_a_connection(void **state)
{
    enum { PAUSE_MS = 20, BYTES_MAX = 500 };
    tst_link      l = say((text)TEXT(SETTINGS "\0\x40\0\x70\0\0\0\0\0"));
    struct pollfd ended = { .fd = l.fd, .events = POLLRDHUP };
    int           sent = 0;

    (void)state;
    while (poll(&ended, 1, PAUSE_MS) == 0 && sent < BYTES_MAX) {
        tst_send(&l, "x", 1);
        sent++;
    }
    assert_true(sent < BYTES_MAX);
    tst_hang_up(&l);
}

static void whole_frames_keep_a_connection(void **state)
{
    enum { PINGS = 20, PAUSE_MS = 20 }; /* longer than an idle connection lasts */
    tst_link      l = say((text)TEXT(SETTINGS));
    struct pollfd ended = { .fd = l.fd, .events = POLLRDHUP };

    (void)state;
    for (int i = 0; i < PINGS; i++) {
        assert_int_equal(poll(&ended, 1, PAUSE_MS), 0);
        tst_send(&l, "\0\0\x08\6\0\0\0\0\0pingping", 17);
    }
    tst_hang_up(&l);
}

static void a_stream_that_waits_for_its_answer_is_no_reason_to_end(void **state)
{
    tst_link      l = say((text)TEXT(SETTINGS GET("\x0c", "\5/wait")));
    struct pollfd ended = { .fd = l.fd, .events = POLLRDHUP };

    (void)state;
    assert_int_equal(poll(&ended, 1, 600), 0);
    tst_hang_up(&l);
}

/* Whatever else it may wait for, a connection whose last stream has ended is idle. */
static void a_connection_is_idle_behind_its_last_answer(void **state)
{
    tst_host      own = tst_host_start_idle(150);
    tst_link      l = say_to(&own, (text)TEXT(SETTINGS GET("\x0d", "\6/hello")));
    struct pollfd ended = { .fd = l.fd, .events = POLLRDHUP };

    (void)state;
    assert_non_null(await_frame(&l, NGHTTP2_DATA));
    assert_int_equal(poll(&ended, 1, 5000), 1);
    tst_hang_up(&l);
    tst_host_stop(&own);
}

static void a_reset_behind_the_last_bytes_needs_no_window(void **state)
{
    tst_link       l = say((text)TEXT(WINDOW("\4") GET("\x0d", "\6/reset"))); /* "part" has four bytes */
    const uint8_t *reset = await_frame(&l, NGHTTP2_RST_STREAM);

    (void)state;
    assert_non_null(reset);
    assert_int_equal(reset[12], NGHTTP2_CANCEL);
    assert_non_null(memmem(l.data, l.len, "part", 4));
    tst_hang_up(&l);
}

static void a_goaway_behind_the_last_bytes_needs_no_window(void **state)
{
    tst_link       l = say((text)TEXT(WINDOW("\4") GET("\x0e", "\7/goaway")));
    const uint8_t *goaway = await_frame(&l, NGHTTP2_GOAWAY);

    (void)state;
    assert_non_null(goaway);
    assert_int_equal(goaway[16], NGHTTP2_ENHANCE_YOUR_CALM);
    tst_hang_up(&l);
}

static void an_answer_that_the_window_holds_up_is_given_up(void **state)
{
    static const text asked[] = {
        TEXT(WINDOW("\0") GET("\x0d", "\6/hello")),
        TEXT(WINDOW("\0") GET("\x0f", "\x08/packets")), /* the pauses between them are ours */
        TEXT(WINDOW("\4") GET("\x0f", "\x08/packets")),
    };

    (void)state;
    for (size_t i = 0; i < sizeof asked / sizeof asked[0]; i++) {
        tst_link       l = say(asked[i]);
        const uint8_t *reset = await_frame(&l, NGHTTP2_RST_STREAM);
        if (!reset) fail_msg("number %zu was never reset", i);
        assert_int_equal(reset[12], NGHTTP2_CANCEL);
        tst_hang_up(&l);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hundred_streams_may_be_under_way_and_no_more),
        cmocka_unit_test(what_is_not_gone_on_with_is_not_waited_for),
        cmocka_unit_test(a_frame_that_trickles_in_does_not_keep_a_connection),
        cmocka_unit_test(whole_frames_keep_a_connection),
        cmocka_unit_test(a_stream_that_waits_for_its_answer_is_no_reason_to_end),
        cmocka_unit_test(a_connection_is_idle_behind_its_last_answer),
        cmocka_unit_test(a_reset_behind_the_last_bytes_needs_no_window),
        cmocka_unit_test(a_goaway_behind_the_last_bytes_needs_no_window),
        cmocka_unit_test(an_answer_that_the_window_holds_up_is_given_up),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
