/* test_faults_h2.c -- the faults of pollux over HTTP/2 and over TLS, where they look different.
 * SPDX-License-Identifier: MIT
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "h2_client.h"

/* The codes of RFC 9113, 7, that are asked for here. */
enum { NO_ERROR = 0, PROTOCOL_ERROR = 1, INTERNAL_ERROR = 2, REFUSED_STREAM = 7, ENHANCE_YOUR_CALM = 11 };

static struct {
    tst_pollux clear;
    tst_pollux secure;
} world;

static tst_h2_stream *ask(tst_h2 *h, const char *spec, const char *body)
{
    const char *const headers[] = { "x-goog-api-key", "k", "content-type", "application/json",
                                    spec ? "x-pollux-fault" : NULL, spec, NULL };

    return tst_h2_request(h, "POST", STREAM, headers, body, strlen(body));
}

static size_t events_of(const tst_h2_stream *s)
{
    size_t count = 0;

    for (const char *at = s->body; at && (at = strstr(at, "data: ")); at++) count++;
    return count;
}

static void is_still_good(tst_h2 *h)
{
    tst_h2_stream *s = ask(h, NULL, PROMPT("Explain photosynthesis"));

    tst_h2_finish(h, s);
    assert_int_equal(s->status, 200);
    assert_true(s->is_whole);
}

/* ---- HTTP/2 ---- */

static void a_stream_is_reset_with_the_code_and_the_connection_lives(void **state)
{
    static const struct {
        const char *spec;
        int         status;
        uint32_t    code;
        size_t      events;
    } rows[] = {
        { "rst=refused_stream@head", 0, REFUSED_STREAM, 0 },
        { "rst@event=2", 200, INTERNAL_ERROR, 2 },
        { "rst=enhance_your_calm@end", 200, ENHANCE_YOUR_CALM, SIZE_MAX },
        { "refuse", 0, NO_ERROR, 0 },
        { "badchunk@event=1", 200, PROTOCOL_ERROR, 1 },
    };
    tst_h2 *h = tst_h2_connect(world.clear.port);

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        print_message("  %s\n", rows[i].spec);
        tst_h2_stream *s = ask(h, rows[i].spec, PROMPT("Explain photosynthesis"));
        tst_h2_finish(h, s);
        assert_int_equal(s->status, rows[i].status);
        assert_false(s->is_whole);
        assert_int_equal(s->code, rows[i].code);
        if (rows[i].events != SIZE_MAX) assert_int_equal(events_of(s), rows[i].events);
        is_still_good(h);
    }
    tst_h2_hang_up(h);
}

static void a_connection_goes_away_with_the_code(void **state)
{
    tst_h2        *h = tst_h2_connect(world.clear.port);
    tst_h2_stream *s = ask(h, "goaway=enhance_your_calm@event=1", PROMPT("Explain photosynthesis"));

    (void)state;
    tst_h2_finish(h, s);
    while (tst_h2_step(h)) continue;
    assert_true(h->has_goaway);
    assert_int_equal(h->goaway_code, ENHANCE_YOUR_CALM);
    assert_int_equal(events_of(s), 1);
    assert_false(s->is_whole);
    tst_h2_hang_up(h);
}

static void a_cut_ends_the_connection(void **state)
{
    tst_h2        *h = tst_h2_connect(world.clear.port);
    tst_h2_stream *s = ask(h, "cut@event=1", PROMPT("Explain photosynthesis"));

    (void)state;
    while (tst_h2_step(h)) continue;
    assert_int_equal(events_of(s), 1);
    assert_false(s->is_whole);
    assert_true(h->is_over);
    tst_h2_hang_up(h);
}

static void the_history_tells_who_was_lost_with_a_connection(void **state)
{
    tst_pollux     slow = TST_POLLUX("--rate", "20", "-q", "--grace", "100");
    tst_h2        *h = tst_h2_connect(slow.port);
    tst_h2_stream *ended = ask(h, "empty=200", PROMPT("pollux: tokens 1"));
    tst_h2_stream *spoilt = ask(h, "stall@event=1", PROMPT("Explain photosynthesis"));
    tst_h2_stream *innocent = ask(h, NULL, PROMPT("Explain photosynthesis"));

    (void)state;
    tst_h2_finish(h, ended);
    while (events_of(spoilt) == 0 || events_of(innocent) == 0) assert_true(tst_h2_step(h));
    ask(h, "goaway@head", PROMPT("Explain photosynthesis"));
    while (tst_h2_step(h)) continue;
    assert_false(innocent->is_whole);
    tst_h2_hang_up(h);
    tst_answer a = tst_call(&slow, "GET", "/pollux/faults?since=3", "", NULL);
    tst_contains(&a, "\"number\": 4,\n      \"by\": \"neighbour\",\n      \"path\": \"/v1beta/models/");
    tst_contains(&a, "\"number\": 5,\n      \"by\": \"neighbour\",\n      \"fault\": \"stall@event=1\"");
    assert_null(strstr(a.body, "\"number\": 6"));
    tst_forget(&a);
    tst_pollux_stop(&slow);
}

/* The path of each names a model of its own. */
static tst_h2_stream *ask_by_name(tst_h2 *h, const char *spec, int number)
{
    const char *const headers[] = { "x-goog-api-key", "k", "content-type", "application/json",
                                    spec ? "x-pollux-fault" : NULL, spec, NULL };
    const char       *body = PROMPT("Explain photosynthesis");
    char              path[96];

    snprintf(path, sizeof path, "/v1beta/models/gemini-n%d:streamGenerateContent?alt=sse", number);
    return tst_h2_request(h, "POST", path, headers, body, strlen(body));
}

/* Wherever the connection is cut, between frames or behind the last one of some. */
static void who_is_not_whole_has_a_line(void **state)
{
    enum { STREAMS = 8, CUTS = 24 };
    tst_h2_stream *streams[STREAMS];
    char           text[64];

    (void)state;
    for (int cut = 0; cut < CUTS; cut++) {
        tst_pollux quick = TST_POLLUX("--rate", "2000", "--ttft", "0-20", "-q", "--grace", "100", "--seed", "7");
        tst_h2    *h = tst_h2_connect(quick.port);
        for (int i = 0; i < STREAMS; i++) streams[i] = ask_by_name(h, NULL, i);
        snprintf(text, sizeof text, "cut@event=%d", cut + 1);
        ask_by_name(h, text, STREAMS);
        while (tst_h2_step(h)) continue;
        tst_answer a = tst_call(&quick, "GET", "/pollux/faults", "", NULL);
        for (int i = 0; i < STREAMS; i++) {
            snprintf(text, sizeof text, "/models/gemini-n%d:", i); /* its body may not have come yet */
            assert_int_equal(streams[i]->is_whole, strstr(a.body, text) == NULL);
        }
        tst_forget(&a);
        tst_h2_hang_up(h);
        tst_pollux_stop(&quick);
    }
}

/* It has been given; only the client's window held it up when another one ended the connection. */
static void an_answer_that_was_given_is_still_told_when_another_ends_the_connection(void **state)
{
    const char *const headers[] = { "x-goog-api-key", "k", "content-type", "application/json", NULL };
    const char       *body = PROMPT("pollux: tokens 60000"); /* several windows */
    tst_h2           *h = tst_h2_connect(world.clear.port);
    tst_h2_stream    *given = tst_h2_request(h, "POST", WHOLE, headers, body, strlen(body));

    (void)state;
    while (given->len == 0) assert_true(tst_h2_step(h));
    ask(h, "cut@head", PROMPT("Explain photosynthesis"));
    while (tst_h2_step(h)) continue;
    assert_true(given->is_whole);
    assert_true(h->is_over);
    tst_h2_hang_up(h);
}

static void frames_are_as_small_as_asked(void **state)
{
    static const struct {
        const char *spec;
        size_t      most;
    } rows[] = { { "bytewise=0", 1 }, { "packets=7", 7 }, { "splits=5:64", 64 } };
    tst_h2 *h = tst_h2_connect(world.clear.port);

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        tst_h2_stream *s = ask(h, rows[i].spec, PROMPT("Explain photosynthesis"));
        tst_h2_finish(h, s);
        assert_true(s->is_whole);
        assert_true(events_of(s) > 4);
        for (size_t j = 0; j < s->frame_count; j++) assert_true(s->frames[j] <= rows[i].most);
    }
    tst_h2_hang_up(h);
}

static void a_window_that_never_opens_takes_no_more_than_it_is_wide(void **state)
{
    enum { WINDOW = 65535, BODY = 200000 };
    char          *body = malloc(BODY + 1);
    tst_h2        *h = tst_h2_connect(world.clear.port);
    tst_h2_stream *s;

    (void)state;
    assert_non_null(body);
    memset(body, ' ', BODY);
    body[BODY] = '\0';
    s = ask(h, "nowindow", body);
    is_still_good(h); /* what belongs to this stream alone does not hold up others */
    assert_int_equal(s->status, 0);
    assert_false(s->is_over);
    assert_true(s->uploaded <= WINDOW);
    tst_h2_hang_up(h);
    free(body);
}

static void a_wrong_length_is_a_breach_of_the_protocol(void **state)
{
    tst_h2        *h = tst_h2_connect(world.clear.port);
    tst_h2_stream *s = ask(h, "length=10", PROMPT("Explain photosynthesis"));

    (void)state;
    tst_h2_finish(h, s);
    assert_non_null(strstr(s->head, "content-length: "));
    assert_int_equal(s->code, PROTOCOL_ERROR); /* nghttp2 saw it */
    is_still_good(h);
    tst_h2_hang_up(h);
}

static void a_stall_holds_up_its_own_stream_alone(void **state)
{
    tst_h2        *h = tst_h2_connect(world.clear.port);
    tst_h2_stream *s = ask(h, "stall@event=1", PROMPT("Explain photosynthesis"));

    (void)state;
    is_still_good(h);
    assert_int_equal(events_of(s), 1);
    assert_false(s->is_over);
    tst_h2_hang_up(h);
}

static void what_is_of_the_body_is_the_same_over_http_2(void **state)
{
    static const struct {
        const char *spec;
        int         status;
        const char *has;
    } rows[] = {
        { "status=429:rpd,retryafter=7", 429, "PerDay" },
        { "html=502", 502, "<!DOCTYPE html>" },
        { "error@event=1", 200, "data: {\"error\": {\"code\": 503" },
        { "eol=lf,comment", 200, "\n\n: ping\ndata: {" },
        { "chunkext", 200, "STOP" },
        { "untilclose", 200, "STOP" },
        { "slowhead=1", 200, "STOP" },
        { "split=crlf", 200, "STOP" },
        { "nolastchunk", 200, "STOP" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        tst_h2 *h = tst_h2_connect(world.clear.port);
        print_message("  %s\n", rows[i].spec);
        tst_h2_stream *s = ask(h, rows[i].spec, PROMPT("Explain photosynthesis"));
        tst_h2_finish(h, s);
        assert_int_equal(s->status, rows[i].status);
        if (!strstr(s->body, rows[i].has)) fail_msg("no \"%s\" in:\n%s", rows[i].has, s->body);
        assert_int_equal(s->is_whole, strcmp(rows[i].spec, "nolastchunk") != 0);
        tst_h2_hang_up(h);
    }
}

/* ---- TLS ---- */

static tst_tls_end end_over_tls(const char *spec, const char *has)
{
    static char text[1 << 16];
    char        request[1024];
    tst_tls     t;
    tst_tls_end end;

    snprintf(request, sizeof request,
             "POST " STREAM " HTTP/1.1\r\nHost: localhost\r\n" KEY "x-pollux-fault: %s\r\nContent-Length: %zu\r\n\r\n%s",
             spec, strlen(PROMPT("Explain photosynthesis")), PROMPT("Explain photosynthesis"));
    assert_true(tst_tls_connect(&t, world.secure.port, NULL, NULL, "http/1.1"));
    tst_tls_send(&t, request, strlen(request));
    tst_tls_read_all(&t, text, sizeof text, &end);
    tst_tls_hang_up(&t);
    if (!strstr(text, has)) fail_msg("%s: no \"%s\" in:\n%s", spec, has, text);
    return end;
}

static void a_connection_over_tls_ends_as_it_was_asked_to(void **state)
{
    (void)state;
    assert_int_equal(end_over_tls("cut@event=1", "data: "), TST_TLS_NOTIFIED);
    assert_int_equal(end_over_tls("silent@event=1", "data: "), TST_TLS_CUT);
    assert_int_equal(end_over_tls("silent@end", "STOP"), TST_TLS_CUT);
    assert_int_equal(end_over_tls("rst@event=1", "data: "), TST_TLS_RESET);
}

static void a_silent_end_is_one_over_http_2_too(void **state)
{
    tst_tls t;

    (void)state;
    assert_true(tst_tls_connect(&t, world.secure.port, NULL, NULL, "h2"));
    tst_h2        *h = tst_h2_new(t.fd, &t);
    tst_h2_stream *s = ask(h, "silent@event=1", PROMPT("Explain photosynthesis"));
    while (tst_h2_step(h)) continue;
    assert_int_equal(events_of(s), 1);
    assert_int_equal(h->end, TST_TLS_CUT);
    tst_h2_hang_up(h);
}

static int start(void **state)
{
    (void)state;
    world.clear = TST_POLLUX("--instant", "-q", "--grace", "100");
    world.secure = TST_POLLUX("--instant", "-q", "--grace", "100", "--tls");
    return 0;
}

static int stop(void **state)
{
    (void)state;
    tst_pollux_stop(&world.clear);
    tst_pollux_stop(&world.secure);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stream_is_reset_with_the_code_and_the_connection_lives),
        cmocka_unit_test(a_connection_goes_away_with_the_code),
        cmocka_unit_test(a_cut_ends_the_connection),
        cmocka_unit_test(the_history_tells_who_was_lost_with_a_connection),
        cmocka_unit_test(who_is_not_whole_has_a_line),
        cmocka_unit_test(an_answer_that_was_given_is_still_told_when_another_ends_the_connection),
        cmocka_unit_test(frames_are_as_small_as_asked),
        cmocka_unit_test(a_window_that_never_opens_takes_no_more_than_it_is_wide),
        cmocka_unit_test(a_wrong_length_is_a_breach_of_the_protocol),
        cmocka_unit_test(a_stall_holds_up_its_own_stream_alone),
        cmocka_unit_test(what_is_of_the_body_is_the_same_over_http_2),
        cmocka_unit_test(a_connection_over_tls_ends_as_it_was_asked_to),
        cmocka_unit_test(a_silent_end_is_one_over_http_2_too),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
