/* test_network.c -- streams over real sockets: reuse, redirects, cancel from other threads.
 * SPDX-License-Identifier: MIT
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "asking.h"
#include "server.h"

#define HEAD "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
#define CHUNKED HEAD "Transfer-Encoding: chunked\r\n\r\n"
#define ONE "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"Otters hold hands.\"}]},\"finishReason\":\"STOP\"}]}\r\n\r\n"
#define ONE_CHUNK "66\r\n" ONE "\r\n"

static castor_client *new_client(const tst_server *server)
{
    castor_client_options options = tst_options(server->url);
    castor_client        *client;
    castor_error          err;

    assert_int_equal(castor_client_new(&client, &options, &err), CASTOR_OK);
    return client;
}

static castor_stream *open_stream(castor_client *client, castor_dialect dialect)
{
    castor_request request = tst_question();
    castor_stream *stream;
    castor_error   err;

    request.dialect = dialect;
    assert_int_equal(castor_stream_open(&stream, client, &request, &err), CASTOR_OK);
    return stream;
}

/* Reads to the end; the text goes into `text`, terminated. */
static castor_verdict read_all(castor_stream *stream, char *text, size_t size, castor_error *err)
{
    castor_event event;
    size_t       len = 0;

    while (castor_stream_next(stream, &event, err) == CASTOR_STEP_EVENT) {
        if (event.type != CASTOR_EVENT_TEXT) continue;
        assert_true(len + event.text.len < size);
        memcpy(text + len, event.text.data, event.text.len);
        len += event.text.len;
    }
    text[len] = '\0';
    return castor_stream_verdict(stream);
}

static castor_verdict ask(castor_client *client, castor_dialect dialect, char *text, size_t size, castor_error *err)
{
    castor_stream *stream = open_stream(client, dialect);
    castor_verdict verdict = read_all(stream, text, size, err);

    castor_stream_close(stream);
    return verdict;
}

static castor_verdict ask_once(const tst_reply *reply, char *text, size_t size, castor_error *err)
{
    tst_server server;

    tst_server_start(&server, reply, 1);
    castor_client *client = new_client(&server);
    castor_verdict verdict = ask(client, CASTOR_DIALECT_GEMINI, text, size, err);
    castor_client_free(client);
    tst_server_stop(&server);
    return verdict;
}

static void expect_whole(tst_reply reply)
{
    char         text[256];
    castor_error err;

    assert_int_equal(ask_once(&reply, text, sizeof text, &err), CASTOR_VERDICT_COMPLETE);
    assert_string_equal(text, "Otters hold hands.");
}

static void every_way_of_http_to_frame_a_body_is_understood(void **state)
{
    (void)state;
    expect_whole((tst_reply){ .bytes = CHUNKED ONE_CHUNK "0\r\n\r\n" });
    expect_whole((tst_reply){ .bytes = CHUNKED "66;name=value\r\n" ONE "\r\n0\r\nX-Trailer: 1\r\n\r\n" });
    expect_whole((tst_reply){ .bytes = HEAD "Content-Length: 102\r\n\r\n" ONE });
    expect_whole((tst_reply){ .bytes = HEAD "Connection: close\r\n\r\n" ONE, .then = TST_CLOSE });
    expect_whole((tst_reply){ .bytes = CHUNKED ONE_CHUNK "0\r\n\r\n", .step = 1 });
    expect_whole((tst_reply){ .bytes = "HTTP/1.1 100 Continue\r\n\r\n" CHUNKED ONE_CHUNK "0\r\n\r\n" });
}

/* Of a whole answer without a body the trailers are the last lines that come. */
static void trailers_are_no_head_that_is_cut_off(void **state)
{
    static const tst_reply reply = { .bytes = "HTTP/1.1 503 Service Unavailable\r\nTransfer-Encoding: chunked\r\n\r\n"
                                              "0\r\nX-Trailer: 1\r\n\r\n" };
    char         text[256];
    castor_error err;

    (void)state;
    ask_once(&reply, text, sizeof text, &err);
    assert_int_equal(err.http_status, 503);
    assert_int_equal(err.status, CASTOR_API_ERROR);
}

static void connections_are_used_again(void **state)
{
    static const tst_reply reply = { .bytes = CHUNKED ONE_CHUNK "0\r\n\r\n" };
    tst_server             server;
    char                   text[256];
    castor_error           err;

    (void)state;
    tst_server_start(&server, &reply, 1);
    castor_client *client = new_client(&server);
    for (int i = 0; i < 5; i++) assert_int_equal(ask(client, CASTOR_DIALECT_GEMINI, text, sizeof text, &err), CASTOR_VERDICT_COMPLETE);
    castor_client_free(client);
    tst_server_stop(&server);
    assert_int_equal(server.requests, 5);
    assert_int_equal(server.connections, 1);
}

/* Out of turn, on the connection that is kept; it has arrived when this returns. */
static void say(tst_server *server, const char *bytes, size_t len)
{
    int peer = server->peer, left = 1;

    assert_int_equal(send(peer, bytes, len, MSG_NOSIGNAL), len);
    while (ioctl(peer, TIOCOUTQ, &left) == 0 && left > 0) sched_yield();
    atomic_store(&server->peer, peer); /* the server closes it after this */
}

static void expect_strays_ignored(const tst_reply *reply)
{
    static const char      stray[] = HEAD "Content-Length: 97\r\n\r\n"
                                     "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"Beavers swim.\"}]},\"finishReason\":\"STOP\"}]}\r\n\r\n";
    static const char      late[] = "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n";
    static const castor_str strays[] = { { stray, sizeof stray - 1 }, { stray, 1 }, { late, sizeof late - 1 } };
    tst_server             server;
    char                   text[256];
    castor_error           err;
    int                    count = (int)(sizeof strays / sizeof *strays);

    tst_server_start(&server, reply, 1);
    castor_client *client = new_client(&server);
    assert_int_equal(ask(client, CASTOR_DIALECT_GEMINI, text, sizeof text, &err), CASTOR_VERDICT_COMPLETE);
    for (int i = 0; i < count; i++) {
        say(&server, strays[i].data, strays[i].len);
        assert_int_equal(ask(client, CASTOR_DIALECT_GEMINI, text, sizeof text, &err), CASTOR_VERDICT_COMPLETE);
        assert_string_equal(text, "Otters hold hands.");
        assert_int_equal(server.connections, i + 2);
    }
    assert_int_equal(ask(client, CASTOR_DIALECT_GEMINI, text, sizeof text, &err), CASTOR_VERDICT_COMPLETE);
    assert_int_equal(server.connections, count + 1); /* a good one is used again */
    castor_client_free(client);
    tst_server_stop(&server);
    assert_int_equal(server.requests, count + 2);
}

/* RFC 9112, 6.3: what follows an answer is no answer. */
static void what_nobody_asked_for_on_a_kept_connection_is_no_answer(void **state)
{
    static const tst_reply newer = { .bytes = CHUNKED ONE_CHUNK "0\r\n\r\n" };
    static const tst_reply older = { .bytes = "HTTP/1.0 200 OK\r\nContent-Type: text/event-stream\r\n"
                                              "Connection: keep-alive\r\nContent-Length: 102\r\n\r\n" ONE };

    (void)state;
    expect_strays_ignored(&newer);
    expect_strays_ignored(&older);
}

static void a_connection_that_is_used_again_was_connected_at_once(void **state)
{
    static const tst_reply reply = { .bytes = CHUNKED ONE_CHUNK "0\r\n\r\n" };
    tst_server             server;
    char                   text[256];
    castor_error           err;

    (void)state;
    tst_server_start(&server, &reply, 1);
    castor_client *client = new_client(&server);
    assert_int_equal(ask(client, CASTOR_DIALECT_GEMINI, text, sizeof text, &err), CASTOR_VERDICT_COMPLETE);
    castor_stream *stream = open_stream(client, CASTOR_DIALECT_GEMINI);
    nanosleep(&(struct timespec){ 0, 20 * 1000 * 1000 }, NULL); /* the caller dawdles; that is no time of the connection's */
    read_all(stream, text, sizeof text, &err);
    assert_true(castor_stream_timing(stream).connected_ms.is_set);
    assert_int_equal(castor_stream_timing(stream).connected_ms.value, 0);
    castor_stream_close(stream);
    castor_client_free(client);
    tst_server_stop(&server);
}

static void closing_after_the_finish_reads_the_short_tail_and_keeps_the_connection(void **state)
{
    static const tst_reply reply = { .bytes = CHUNKED ONE_CHUNK "0\r\n\r\n", .step = 64 };
    tst_server             server;
    castor_error           err;
    castor_event           event;

    (void)state;
    tst_server_start(&server, &reply, 1);
    castor_client *client = new_client(&server);
    for (int i = 0; i < 3; i++) {
        castor_stream *stream = open_stream(client, CASTOR_DIALECT_GEMINI);
        do assert_int_equal(castor_stream_next(stream, &event, &err), CASTOR_STEP_EVENT);
        while (event.type != CASTOR_EVENT_FINISH);
        castor_stream_close(stream);
    }
    castor_client_free(client);
    tst_server_stop(&server);
    assert_int_equal(server.requests, 3);
    assert_int_equal(server.connections, 1);
}

enum { LONG_TAIL = 4 * CST_STREAM_BUFFER_HIGH }; /* more than can have come before close() */

/* Comments behind the finish: as much as is worth reading, and more than that. */
static int connections_with_a_tail_of(size_t tail_bytes)
{
    static char  bytes[LONG_TAIL + 512];
    size_t       len = (size_t)snprintf(bytes, sizeof bytes, HEAD "Content-Length: %zu\r\n\r\n" ONE, sizeof ONE - 1 + tail_bytes);
    tst_reply    reply = { .bytes = bytes, .len = len + tail_bytes };
    tst_server   server;
    castor_error err;
    castor_event event;

    memset(bytes + len, ':', tail_bytes);
    tst_server_start(&server, &reply, 1);
    castor_client *client = new_client(&server);
    for (int i = 0; i < 2; i++) {
        castor_stream *stream = open_stream(client, CASTOR_DIALECT_GEMINI);
        do assert_int_equal(castor_stream_next(stream, &event, &err), CASTOR_STEP_EVENT);
        while (event.type != CASTOR_EVENT_FINISH);
        castor_stream_close(stream);
    }
    castor_client_free(client);
    tst_server_stop(&server);
    return server.connections;
}

static void a_short_tail_is_read_on_close_and_a_long_one_cut_off(void **state)
{
    (void)state;
    assert_int_equal(connections_with_a_tail_of(CST_CLOSE_TAIL_BYTES / 2), 1);
    assert_int_equal(connections_with_a_tail_of(LONG_TAIL), 2);
}

static void closing_in_the_middle_cuts_the_connection(void **state)
{
    static const tst_reply reply = { .bytes = CHUNKED "4a\r\ndata: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"Otters hold \"}]}}]}\r\n\r\n\r\n", .then = TST_STALL };
    tst_server             server;
    castor_error           err;
    castor_event           event;

    (void)state;
    tst_server_start(&server, &reply, 1);
    castor_client *client = new_client(&server);
    castor_stream *stream = open_stream(client, CASTOR_DIALECT_GEMINI);
    assert_int_equal(castor_stream_next(stream, &event, &err), CASTOR_STEP_EVENT);
    castor_stream_close(stream);
    tst_server_stop(&server); /* waits until the stalled connection is seen to be closed */
    castor_client_free(client);
    assert_int_equal(server.peer_left, 1);
}

static void done_ends_an_openai_answer_though_the_server_goes_on_holding_the_line(void **state)
{
    static const tst_reply reply = { .bytes = HEAD "\r\ndata: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Yes.\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n",
                                     .then = TST_STALL };
    tst_server             server;
    char                   text[64];
    castor_error           err;

    (void)state;
    tst_server_start(&server, &reply, 1);
    castor_client *client = new_client(&server);
    assert_int_equal(ask(client, CASTOR_DIALECT_OPENAI, text, sizeof text, &err), CASTOR_VERDICT_COMPLETE);
    assert_string_equal(text, "Yes.");
    castor_client_free(client);
    tst_server_stop(&server);
}

static void a_body_shorter_than_its_content_length_is_truncated(void **state)
{
    static const tst_reply reply = { .bytes = HEAD "Content-Length: 500\r\n\r\n" ONE, .then = TST_CLOSE };
    char                   text[256];
    castor_error           err;

    (void)state;
    assert_int_equal(ask_once(&reply, text, sizeof text, &err), CASTOR_VERDICT_TRUNCATED);
    assert_string_equal(text, "Otters hold hands.");
}

/* libcurl by itself would send up to five times more, at once, and nobody would know. */
static void what_a_used_connection_lost_is_not_sent_again_behind_our_back(void **state)
{
    static const tst_reply replies[] = { { .bytes = CHUNKED ONE_CHUNK "0\r\n\r\n" },
                                         { .bytes = "", .then = TST_CLOSE },
                                         { .bytes = CHUNKED ONE_CHUNK "0\r\n\r\n" } };
    tst_server             server;
    char                   text[256];
    castor_error           err;

    (void)state;
    tst_server_start(&server, replies, 3);
    castor_client *client = new_client(&server);
    assert_int_equal(ask(client, CASTOR_DIALECT_GEMINI, text, sizeof text, &err), CASTOR_VERDICT_COMPLETE);
    assert_int_equal(ask(client, CASTOR_DIALECT_GEMINI, text, sizeof text, &err), CASTOR_VERDICT_NETWORK);
    assert_true(err.is_transient);
    assert_non_null(strstr(err.message, "closed the connection without an answer"));
    assert_int_equal(server.requests, 2);
    castor_client_free(client);
    tst_server_stop(&server);
}

/* A server that sent more than its Content-Length said: what is left stands before the next answer. */
static void left_overs_on_a_used_connection_may_be_mended_by_another_try(void **state)
{
    static const tst_reply replies[] = { { .bytes = CHUNKED ONE_CHUNK "0\r\n\r\n" }, { .bytes = "over\r\n\r\n", .then = TST_CLOSE } };
    tst_server             server;
    char                   text[256];
    castor_error           err;

    (void)state;
    tst_server_start(&server, replies, 2);
    castor_client *client = new_client(&server);
    assert_int_equal(ask(client, CASTOR_DIALECT_GEMINI, text, sizeof text, &err), CASTOR_VERDICT_COMPLETE);
    assert_int_equal(ask(client, CASTOR_DIALECT_GEMINI, text, sizeof text, &err), CASTOR_VERDICT_NETWORK);
    assert_true(err.is_transient);
    assert_int_equal(ask(client, CASTOR_DIALECT_GEMINI, text, sizeof text, &err), CASTOR_VERDICT_NETWORK);
    assert_false(err.is_transient); /* nothing was used before */
    castor_client_free(client);
    tst_server_stop(&server);
}

/* A server that takes the connection and says nothing in the handshake. */
static void a_handshake_that_never_ends_is_under_its_own_limit(void **state)
{
    static const tst_reply never = { .bytes = "", .then = TST_STALL };
    castor_client_options  options = CASTOR_CLIENT_OPTIONS_INIT;
    castor_client         *client;
    castor_error           err;
    char                   url[64], text[64];
    tst_server             server;

    (void)state;
    tst_server_start(&server, &never, 1);
    snprintf(url, sizeof url, "https://127.0.0.1:%d", server.port);
    options.api_key = "test-key";
    options.base_url = url;
    options.ignore_environment = 1;
    options.tls_timeout_ms = 50;
    assert_int_equal(castor_client_new(&client, &options, &err), CASTOR_OK);
    assert_int_equal(ask(client, CASTOR_DIALECT_GEMINI, text, sizeof text, &err), CASTOR_VERDICT_TIMEOUT);
    assert_int_equal(err.time_limit, CASTOR_LIMIT_TLS);
    castor_client_free(client);
    tst_server_stop(&server);
}

typedef struct log_book {
    size_t lines;
    bool   has_key;
} log_book;

static void write_log(void *user, const char *line)
{
    log_book *book = user;

    book->lines++;
    book->has_key |= strstr(line, "test-key") != NULL;
}

static void the_log_tells_of_connections_and_never_the_key(void **state)
{
    static const tst_reply reply = { .bytes = "HTTP/1.1 200 test-key\r\n" "Content-Type: text/event-stream\r\nContent-Length: 102\r\n\r\n" ONE };
    castor_client         *client;
    castor_error           err;
    tst_server             server;
    log_book               book = { 0 };
    char                   text[256];

    (void)state;
    tst_server_start(&server, &reply, 1);
    castor_client_options options = tst_options(server.url);
    options.user_agent = "beaver/2";
    options.log = write_log;
    options.log_user = &book;
    assert_int_equal(castor_client_new(&client, &options, &err), CASTOR_OK);
    assert_int_equal(ask(client, CASTOR_DIALECT_GEMINI, text, sizeof text, &err), CASTOR_VERDICT_COMPLETE);
    castor_client_free(client);
    tst_server_stop(&server);
    assert_true(book.lines > 0);
    assert_false(book.has_key);
    assert_non_null(strstr(server.head, "User-Agent: beaver/2 castor/"));
}

static void redirects_are_not_followed_so_that_the_key_stays_with_its_host(void **state)
{
    static const int       statuses[] = { 301, 302, 303, 307, 308 };
    static const tst_reply caught = { .bytes = CHUNKED ONE_CHUNK "0\r\n\r\n" };
    tst_server             thief;
    char                   location[256], text[256];
    castor_error           err;

    (void)state;
    tst_server_start(&thief, &caught, 1);
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        snprintf(location, sizeof location, "HTTP/1.1 %d Moved\r\nLocation: http://me:secret@%s/\r\nContent-Length: %s\r\n\r\n",
                 statuses[i], strstr(thief.url, "://") + 3, i % 2 ? "6\r\n\r\nMoved." : "0");
        tst_reply redirect = { .bytes = location };
        assert_int_equal(ask_once(&redirect, text, sizeof text, &err), CASTOR_VERDICT_FAILED);
        assert_int_equal(err.http_status, statuses[i]);
        assert_false(err.is_transient);
        assert_non_null(strstr(err.message, strstr(thief.url, "://") + 3));
        assert_null(strstr(err.message, "secret"));
    }
    tst_server_stop(&thief);
    assert_int_equal(thief.connections, 0);

    tst_reply elsewhere = { .bytes = "HTTP/1.1 302 Found\r\nlocation: /login?to=http://a.test\r\nContent-Length: 2\r\n\r\n{}" };
    assert_int_equal(ask_once(&elsewhere, text, sizeof text, &err), CASTOR_VERDICT_FAILED);
    assert_non_null(strstr(err.message, "redirects to /login ("));
}

static void retry_after_in_the_head_reaches_the_caller(void **state)
{
    static const tst_reply reply = { .bytes = "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 7\r\nContent-Type: text/html\r\nContent-Length: 31\r\n\r\n"
                                              "<html><title>Busy</title></html" };
    char                   text[256];
    castor_error           err;

    (void)state;
    assert_int_equal(ask_once(&reply, text, sizeof text, &err), CASTOR_VERDICT_FAILED);
    assert_int_equal(err.retry_after_ms.value, 7000);
    assert_true(err.is_transient);
    assert_non_null(strstr(err.message, "Busy"));
}

static void a_retry_after_beyond_all_reason_is_cut(void **state)
{
    static const tst_reply reply = { .bytes = "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 9223372036854775807\r\nContent-Length: 0\r\n\r\n" };
    char                   text[256];
    castor_error           err;

    (void)state;
    assert_int_equal(ask_once(&reply, text, sizeof text, &err), CASTOR_VERDICT_FAILED);
    assert_true(err.retry_after_ms.value <= (int64_t)CST_RETRY_AFTER_MAX_S * 1000);
    assert_true(err.retry_after_ms.value >= 6ll * 3600 * 1000); /* to which newer releases of libcurl cut it themselves */
}

static void the_request_head_holds_what_the_service_wants(void **state)
{
    static const tst_reply reply = { .bytes = CHUNKED ONE_CHUNK "0\r\n\r\n" };
    tst_server             server;
    char                   text[256];
    castor_error           err;

    (void)state;
    tst_server_start(&server, &reply, 1);
    castor_client *client = new_client(&server);
    ask(client, CASTOR_DIALECT_GEMINI, text, sizeof text, &err);
    castor_client_free(client);
    tst_server_stop(&server);
    assert_int_equal(strncmp(server.head, "POST /v1beta/models/gemini-3.8-flash:streamGenerateContent?alt=sse HTTP/1.1\r\n", 77), 0);
    assert_non_null(strstr(server.head, "x-goog-api-key: test-key\r\n"));
    assert_non_null(strstr(server.head, "Content-Type: application/json\r\n"));
    assert_non_null(strstr(server.head, "User-Agent: castor/"));
    assert_null(strstr(server.head, "Expect:"));
}

/* ---- proxies ---- */

static castor_verdict ask_through(castor_client_options options, char *text, size_t size)
{
    castor_client *client;
    castor_error   err;

    assert_int_equal(castor_client_new(&client, &options, &err), CASTOR_OK);
    castor_verdict verdict = ask(client, CASTOR_DIALECT_GEMINI, text, size, &err);
    castor_client_free(client);
    return verdict;
}

static void a_proxy_from_the_settings_or_the_environment_is_used(void **state)
{
    static const tst_reply reply = { .bytes = CHUNKED ONE_CHUNK "0\r\n\r\n" };
    castor_client_options  options = tst_options("http://castor.invalid");
    tst_server             proxy;
    char                   text[256];

    (void)state;
    tst_server_start(&proxy, &reply, 1);
    options.proxy = proxy.url;
    assert_int_equal(ask_through(options, text, sizeof text), CASTOR_VERDICT_COMPLETE);
    setenv("http_proxy", proxy.url, 1);
    options.proxy = NULL;
    options.ignore_environment = 0;
    assert_int_equal(ask_through(options, text, sizeof text), CASTOR_VERDICT_COMPLETE);
    options.proxy = "";                       /* none, whatever the environment says */
    options.base_url = "http://127.0.0.1:1"; /* refuses without asking a name server */
    assert_int_equal(ask_through(options, text, sizeof text), CASTOR_VERDICT_NETWORK);
    unsetenv("http_proxy");
    tst_server_stop(&proxy);
    assert_int_equal(proxy.requests, 2);
    assert_int_equal(strncmp(proxy.head, "POST http://castor.invalid/v1beta/", 34), 0);
}

static void an_ignored_environment_names_no_proxy_and_no_exception_from_one(void **state)
{
    static const tst_reply reply = { .bytes = CHUNKED ONE_CHUNK "0\r\n\r\n" };
    tst_server             server;
    char                   text[256];

    (void)state;
    tst_server_start(&server, &reply, 1);
    setenv("http_proxy", "http://127.0.0.1:1", 1);
    setenv("no_proxy", "castor.invalid", 1);
    castor_client_options options = tst_options(server.url);
    assert_int_equal(ask_through(options, text, sizeof text), CASTOR_VERDICT_COMPLETE);
    options.base_url = "http://castor.invalid";
    options.proxy = server.url;
    assert_int_equal(ask_through(options, text, sizeof text), CASTOR_VERDICT_COMPLETE);
    unsetenv("http_proxy");
    unsetenv("no_proxy");
    tst_server_stop(&server);
}

/* ---- threads ---- */

typedef struct canceller {
    castor_stream *stream;
    tst_server    *server;
} canceller;

static void *cancel_when_the_request_is_there(void *user)
{
    canceller *task = user;

    while (atomic_load(&task->server->requests) == 0) sched_yield();
    castor_stream_cancel(task->stream);
    return NULL;
}

static void cancel_from_another_thread_ends_a_silent_answer_at_once(void **state)
{
    static const tst_reply reply = { .bytes = CHUNKED, .then = TST_STALL };
    tst_server             server;
    pthread_t              thread;
    castor_error           err;
    castor_event           event;

    (void)state;
    tst_server_start(&server, &reply, 1);
    castor_client *client = new_client(&server);
    canceller      task = { open_stream(client, CASTOR_DIALECT_GEMINI), &server };
    assert_int_equal(pthread_create(&thread, NULL, cancel_when_the_request_is_there, &task), 0);
    assert_int_equal(castor_stream_next(task.stream, &event, &err), CASTOR_STEP_ERROR);
    assert_int_equal(err.verdict, CASTOR_VERDICT_CANCELLED);
    pthread_join(thread, NULL);
    castor_stream_close(task.stream);
    castor_client_free(client);
    tst_server_stop(&server);
    assert_int_equal(server.peer_left, 1); /* the socket was closed */
}

static void *live_in_a_thread(void *user)
{
    static const tst_reply reply = { .bytes = CHUNKED ONE_CHUNK "0\r\n\r\n", .step = 7 };
    tst_server             server;
    char                   text[256];
    castor_error           err;
    long                  *whole = user;

    tst_server_start(&server, &reply, 1);
    castor_client *client = new_client(&server);
    for (int i = 0; i < 10; i++) *whole += ask(client, CASTOR_DIALECT_GEMINI, text, sizeof text, &err) == CASTOR_VERDICT_COMPLETE;
    castor_client_free(client);
    tst_server_stop(&server);
    return NULL;
}

static void clients_in_several_threads_share_nothing(void **state)
{
    pthread_t threads[4];
    long      whole[4] = { 0 };

    (void)state;
    for (int i = 0; i < 4; i++) assert_int_equal(pthread_create(&threads[i], NULL, live_in_a_thread, &whole[i]), 0);
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(whole[i], 10);
    }
}

/* ---- as many at once as there may be ---- */

/* What a division among multi handles leaves over counts, too: the last of these once waited for another to end. */
enum { AT_ONCE = 2 * CST_GROUP_EXCHANGES + 1, WAIT_STEP_MS = 10, WAIT_STEPS_MAX = 1000 };

/* A listener of which nobody accepts: connections that stand in its queue are connected. */
static int listen_for(int count, char url[64])
{
    struct sockaddr_in address = { .sin_family = AF_INET };
    socklen_t          len = sizeof address;
    int                listener = socket(AF_INET, SOCK_STREAM, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(listener, count), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &len), 0);
    assert_int_equal(fcntl(listener, F_SETFL, O_NONBLOCK), 0);
    snprintf(url, 64, "http://127.0.0.1:%d", ntohs(address.sin_port));
    return listener;
}

static void every_stream_gets_a_connection_where_all_may_have_one(void **state)
{
    char                  url[64];
    castor_client_options options = CASTOR_CLIENT_OPTIONS_INIT;
    castor_client        *client;
    castor_stream        *streams[AT_ONCE];
    int                   peers[AT_ONCE], connected = 0, listener = listen_for(AT_ONCE, url);
    struct rlimit         files;

    (void)state;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &files), 0);
    files.rlim_cur = files.rlim_max; /* two for each stream: more than the usual 1,024 */
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &files), 0);
    options.api_key = "test-key";
    options.base_url = url;
    options.ignore_environment = 1;
    options.streams_max = AT_ONCE;
    assert_int_equal(castor_client_new(&client, &options, NULL), CASTOR_OK);
    for (int i = 0; i < AT_ONCE; i++) streams[i] = open_stream(client, CASTOR_DIALECT_GEMINI);
    for (int i = 0; i < WAIT_STEPS_MAX && connected < AT_ONCE; i++) {
        assert_int_equal(castor_client_wait(client, WAIT_STEP_MS, NULL), CASTOR_OK);
        while (connected < AT_ONCE && (peers[connected] = accept(listener, NULL, NULL)) >= 0) connected++;
    }
    assert_int_equal(connected, AT_ONCE);
    for (int i = 0; i < AT_ONCE; i++) castor_stream_close(streams[i]);
    castor_client_free(client);
    for (int i = 0; i < connected; i++) close(peers[i]);
    close(listener);
}

/* ---- nothing is left open ---- */

static int open_descriptors(void **state)
{
    DIR *directory = opendir("/proc/self/fd");
    int  count = 0;

    (void)state;
    if (!directory) return -1;
    while (readdir(directory)) count++;
    closedir(directory);
    return count;
}

static int remember_descriptors(void **state)
{
    static int before;

    before = open_descriptors(state);
    *state = &before;
    return 0;
}

static int compare_descriptors(void **state)
{
    int before = **(int **)state;

    return open_descriptors(NULL) == before ? 0 : -1;
}

#define network_test(test) cmocka_unit_test_setup_teardown(test, remember_descriptors, compare_descriptors)

int main(void)
{
    const struct CMUnitTest tests[] = {
        network_test(every_way_of_http_to_frame_a_body_is_understood),
        network_test(trailers_are_no_head_that_is_cut_off),
        network_test(connections_are_used_again),
        network_test(what_nobody_asked_for_on_a_kept_connection_is_no_answer),
        network_test(a_connection_that_is_used_again_was_connected_at_once),
        network_test(closing_after_the_finish_reads_the_short_tail_and_keeps_the_connection),
        network_test(a_short_tail_is_read_on_close_and_a_long_one_cut_off),
        network_test(closing_in_the_middle_cuts_the_connection),
        network_test(done_ends_an_openai_answer_though_the_server_goes_on_holding_the_line),
        network_test(a_body_shorter_than_its_content_length_is_truncated),
        network_test(what_a_used_connection_lost_is_not_sent_again_behind_our_back),
        network_test(left_overs_on_a_used_connection_may_be_mended_by_another_try),
        network_test(a_handshake_that_never_ends_is_under_its_own_limit),
        network_test(the_log_tells_of_connections_and_never_the_key),
        network_test(redirects_are_not_followed_so_that_the_key_stays_with_its_host),
        network_test(retry_after_in_the_head_reaches_the_caller),
        network_test(a_retry_after_beyond_all_reason_is_cut),
        network_test(the_request_head_holds_what_the_service_wants),
        network_test(a_proxy_from_the_settings_or_the_environment_is_used),
        network_test(an_ignored_environment_names_no_proxy_and_no_exception_from_one),
        network_test(cancel_from_another_thread_ends_a_silent_answer_at_once),
        network_test(clients_in_several_threads_share_nothing),
        network_test(every_stream_gets_a_connection_where_all_may_have_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
