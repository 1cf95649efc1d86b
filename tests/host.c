/* host.c -- the server of pollux with a handler of the tests, in a child process.
 * SPDX-License-Identifier: MIT
 */
#include "host.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

/* In the child only. */
static int events;

typedef struct visit {
    plx_reply *reply;
    size_t     count; /* of the body's bytes; of what was sent of /large */
    bool       is_large;
    char       letter;
} visit;

/* ---- answers ---- */

static void answer(plx_reply *reply, const char *text)
{
    plx_header type = { CASTOR_STR("content-type"), CASTOR_STR("text/plain") };

    plx_reply_send_headers(reply, 200, &type, 1);
    plx_reply_write(reply, castor_str_of(text));
}

static void say(plx_reply *reply, const char *text)
{
    answer(reply, text);
    plx_reply_end(reply);
}

static void answer_count(plx_reply *reply)
{
    const visit *v = reply->user;
    char         text[32];

    snprintf(text, sizeof text, "%zu", v->count);
    say(reply, text);
}

static void promise(plx_reply *reply, const char *length)
{
    plx_header header = { CASTOR_STR("content-length"), castor_str_of(length) };

    plx_reply_send_headers(reply, 200, &header, 1);
    plx_reply_write(reply, CASTOR_STR("12345"));
    plx_reply_end(reply);
}

static void answer_last(plx_reply *reply)
{
    plx_header headers[] = { { CASTOR_STR("content-length"), CASTOR_STR("5") },
                             { CASTOR_STR("connection"), CASTOR_STR("close") } };

    plx_reply_send_headers(reply, 200, headers, 2);
    plx_reply_write(reply, CASTOR_STR("12345"));
    plx_reply_end(reply);
}

static void go_on_large(plx_reply *reply)
{
    static char piece[10000];
    visit      *v = reply->user;

    memset(piece, 'x', sizeof piece);
    while (v->count < TST_LARGE_BYTES && !plx_reply_is_full(reply)) {
        size_t len = TST_LARGE_BYTES - v->count < sizeof piece ? TST_LARGE_BYTES - v->count : sizeof piece;
        plx_reply_write(reply, (castor_str){ piece, len });
        v->count += len;
    }
    if (v->count == TST_LARGE_BYTES) plx_reply_end(reply);
}

static void answer_large(plx_reply *reply)
{
    answer(reply, "");
    go_on_large(reply);
}

static void answer_hello(plx_reply *reply) { say(reply, "hello\n"); }
static void answer_short(plx_reply *reply) { promise(reply, "10"); }
static void answer_long(plx_reply *reply) { promise(reply, "2"); }
static void answer_nothing(plx_reply *reply) { (void)reply; }

static void part(plx_reply *reply, plx_abort_kind kind, uint32_t code)
{
    answer(reply, "part");
    plx_reply_abort(reply, kind, code);
}

static void answer_fin(plx_reply *reply) { part(reply, PLX_ABORT_FIN, 0); }
static void answer_silent(plx_reply *reply) { part(reply, PLX_ABORT_SILENT, 0); }
static void answer_reset(plx_reply *reply) { part(reply, PLX_ABORT_RESET, 8); }
static void answer_goaway(plx_reply *reply) { part(reply, PLX_ABORT_GOAWAY, 11); }
static void reset_at_once(plx_reply *reply) { plx_reply_abort(reply, PLX_ABORT_RESET, 8); }

static void answer_packets(plx_reply *reply)
{
    plx_shape_of_packets shape = { .bytes_max = 3, .gap_us = TST_GAP_MS * 1000 };
    plx_header           length = { CASTOR_STR("content-length"), CASTOR_STR("10") };

    plx_reply_send_headers(reply, 200, &length, 1);
    plx_reply_shape_packets(reply, &shape);
    plx_reply_write(reply, CASTOR_STR("0123456789"));
    plx_reply_end(reply);
}

static void answer_random(plx_reply *reply)
{
    plx_shape_of_packets shape = { .bytes_max = 7, .is_random = true, .seed = 5 };

    plx_reply_shape_packets(reply, &shape);
    answer(reply, "");
    for (int i = 0; i < 10; i++) plx_reply_write(reply, CASTOR_STR("0123456789"));
    plx_reply_end(reply);
}

static void answer_raw(plx_reply *reply)
{
    answer(reply, "one");
    if (plx_reply_write_raw(reply, CASTOR_STR("zz\r\nbad"))) {
        plx_reply_abort(reply, PLX_ABORT_FIN, 0);
        return;
    }
    plx_reply_write(reply, CASTOR_STR("no raw"));
    plx_reply_end(reply);
}

static void let_go(plx_reply *reply) { plx_reply_hold_body(reply, false); }

static void hold_for_a_while(plx_reply *reply)
{
    plx_reply_hold_body(reply, true);
    plx_reply_wake_at(reply, plx_reply_now_us(reply) + TST_HOLD_MS * 1000);
}

static void hold_for_ever(plx_reply *reply) { plx_reply_hold_body(reply, true); }

static void say_early(plx_reply *reply) { say(reply, "early"); }

/* ---- the handler ---- */

typedef void answer_fn(plx_reply *reply);

static const struct {
    const char *path;
    answer_fn  *begin;    /* at once */
    answer_fn  *answer;   /* when the body has come */
    answer_fn  *on_timer; /* and on_writable */
} visits[] = {
    { "/hello", NULL, answer_hello, NULL },       { "/count", NULL, answer_count, NULL },
    { "/early", say_early, NULL, NULL },          { "/held", hold_for_a_while, answer_count, let_go },
    { "/never", hold_for_ever, answer_hello, NULL }, { "/wait", NULL, answer_nothing, NULL },
    { "/fin", NULL, answer_fin, NULL },           { "/silent", NULL, answer_silent, NULL },
    { "/reset", NULL, answer_reset, NULL },       { "/goaway", NULL, answer_goaway, NULL },
    { "/reset-at-once", NULL, reset_at_once, NULL }, { "/packets", NULL, answer_packets, NULL },
    { "/random", NULL, answer_random, NULL },     { "/raw", NULL, answer_raw, NULL },
    { "/short", NULL, answer_short, NULL },       { "/long", NULL, answer_long, NULL },
    { "/large", NULL, answer_large, go_on_large }, { "/last", NULL, answer_last, NULL },
};

static void on_body(plx_reply *reply, castor_str bytes)
{
    visit *v = reply->user;

    v->count += bytes.len;
}

static void on_gone(plx_reply *reply)
{
    visit *v = reply->user;
    char   letter = v->letter;

    free(v);
    if (write(events, &letter, 1) != 1) return; /* the test may be over */
}

static visit *receive(plx_reply *reply, char letter)
{
    visit *v = calloc(1, sizeof *v);

    if (!v) exit(1);
    v->reply = reply;
    v->letter = letter;
    reply->user = v;
    reply->on_body = on_body;
    reply->on_gone = on_gone;
    return v;
}

static void begin(void *user, plx_reply *reply, const plx_head *head)
{
    (void)user;
    receive(reply, head->target.len > 1 ? head->target.data[1] : '/');
    if (cst_str_is(head->target, "/header")) {
        castor_str value = plx_head_get(head, "x");
        char       text[64];
        cst_copy_text(text, sizeof text, value);
        say(reply, text);
        return;
    }
    if (cst_str_is(head->target, "/secure")) {
        say(reply, head->is_secure ? "yes" : "no");
        return;
    }
    for (size_t i = 0; i < sizeof visits / sizeof visits[0]; i++) {
        if (!cst_str_is(head->target, visits[i].path)) continue;
        reply->on_body_end = visits[i].answer;
        reply->on_timer = reply->on_writable = visits[i].on_timer;
        if (visits[i].begin) visits[i].begin(reply);
        return;
    }
    plx_reply_send_headers(reply, 404, NULL, 0);
    plx_reply_end(reply);
}

static void refuse(void *user, plx_reply *reply, int status, const char *why)
{
    (void)user;
    receive(reply, '!');
    plx_reply_send_headers(reply, status, NULL, 0);
    plx_reply_write(reply, castor_str_of(why));
    plx_reply_end(reply);
}

static plx_welcome welcome(void *user)
{
    return ((const tst_host_options *)user)->welcome;
}

/* ---- the child ---- */

static void on_signal(uv_signal_t *handle, int number)
{
    (void)number;
    plx_server_stop(handle->data);
}

static plx_tls_context *make_tls(void)
{
    plx_certificate  certificate;
    plx_tls_context *context = NULL;
    char             why[256];

    if (!plx_certificate_make(&certificate, "127.0.0.1", why, sizeof why)) exit(1);
    if (!plx_tls_context_of_certificate(&context, &certificate, why, sizeof why)) exit(1);
    plx_certificate_free(&certificate);
    return context;
}

static void close_handle(uv_handle_t *handle, void *unused)
{
    (void)unused;
    if (!uv_is_closing(handle)) uv_close(handle, NULL);
}

static void leave_files(unsigned count)
{
    int last = 0;

    for (int fd = 0; fd >= 0; fd = dup(STDIN_FILENO)) last = fd;
    for (; count > 0; count--) close(last--);
}

static void serve(const tst_host_options *options, int port_to)
{
    static plx_server  server;
    uv_loop_t          loop;
    uv_signal_t        on_term;
    plx_server_options of_server = { .host = "127.0.0.1", .grace_ms = 200, .is_quiet = true,
                                     .limits = options->limits };
    plx_handler        handler = { (void *)(uintptr_t)options, welcome, begin, refuse };
    char               why[256];
    int                port;

    if (options->wants_tls) of_server.tls = make_tls();
    if (uv_loop_init(&loop) != 0 || !plx_server_open(&server, &loop, &of_server, handler, why, sizeof why)) exit(1);
    port = plx_server_port(&server);
    uv_signal_init(&loop, &on_term);
    on_term.data = &server;
    uv_signal_start(&on_term, on_signal, SIGTERM);
    uv_unref((uv_handle_t *)&on_term);
    if (write(port_to, &port, sizeof port) != sizeof port) exit(1);
    close(port_to);
    if (options->files_left) leave_files(options->files_left);
    uv_run(&loop, UV_RUN_DEFAULT);
    uv_walk(&loop, close_handle, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    if (uv_loop_close(&loop) != 0) exit(1);
    plx_server_free(&server);
    plx_tls_context_free(of_server.tls);
}

tst_host tst_host_start(const tst_host_options *options)
{
    tst_host h = { .port = 0 };
    int      ports[2], gone[2];

    assert_int_equal(pipe(ports), 0);
    assert_int_equal(pipe(gone), 0);
    fflush(NULL);
    h.pid = fork();
    assert_true(h.pid >= 0);
    if (h.pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails leaves nobody behind */
        struct rlimit files = { options->files_max, options->files_max };
        if (options->files_max) setrlimit(RLIMIT_NOFILE, &files);
        signal(SIGPIPE, SIG_IGN);
        close(ports[0]);
        close(gone[0]);
        events = gone[1];
        serve(options, ports[1]);
        exit(0); /* so that what leaked is told */
    }
    close(ports[1]);
    close(gone[1]);
    h.events = gone[0];
    if (read(ports[0], &h.port, sizeof h.port) != sizeof h.port) fail_msg("the host did not start");
    close(ports[0]);
    return h;
}

tst_host tst_host_start_idle(unsigned idle_ms)
{
    tst_host_options options = TST_HOST_OPTIONS;

    options.limits.request_idle_ms = idle_ms;
    return tst_host_start(&options);
}

void tst_host_stop(tst_host *h)
{
    kill(h->pid, SIGTERM);
    assert_int_equal(tst_exit_status(h->pid), 0);
    close(h->events);
}

char tst_host_await_gone(tst_host *h)
{
    char letter = 0;

    assert_int_equal(read(h->events, &letter, 1), 1);
    return letter;
}
