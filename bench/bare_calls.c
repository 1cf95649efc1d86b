/* bare_calls.c -- small calls that are not streamed, some at a time, with nothing but epoll and recv: the limit.
 * SPDX-License-Identifier: MIT
 *
 *     bare_calls PORT PATH N AT_A_TIME [decode]   (decode: the bodies go through castor's decoder, one for each)
 *
 * Without `decode` the body is counted and nothing else. Prints one object of JSON.
 */
#include "figures.h"
#include "http.h"

#include <castor/castor.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

enum { AT_A_TIME_MAX = 256 };

typedef struct connection {
    int             fd;
    http_response   response;
    castor_decoder *decoder;
} connection;

static struct {
    http_request request;
    size_t       left, done, bytes;
    bool         wants_decoding;
    connection   connections[AT_A_TIME_MAX];
} run;

static void take_events(castor_decoder *decoder)
{
    castor_event event;

    while (castor_decoder_next(decoder, &event, NULL) == CASTOR_STEP_EVENT) {
        if (event.type == CASTOR_EVENT_TEXT) run.bytes += event.text.len;
    }
}

static void on_body(void *user, const char *bytes, size_t len)
{
    connection *c = user;

    if (!run.wants_decoding) run.bytes += len;
    else if (castor_decoder_feed(c->decoder, bytes, len, NULL) != CASTOR_OK) fig_die("decoder");
}

static void ask(connection *c)
{
    castor_decoder_options options = CASTOR_DECODER_OPTIONS_INIT;

    run.left--;
    options.dialect = CASTOR_DIALECT_GEMINI;
    options.content_type = "application/json";
    if (run.wants_decoding && castor_decoder_new(&c->decoder, &options, NULL) != CASTOR_OK) fig_die("decoder");
    memset(&c->response, 0, offsetof(http_response, head));
    http_request_send(&run.request, c->fd);
}

static void finish(connection *c)
{
    run.done++;
    if (c->decoder) {
        castor_decoder_end(c->decoder, CASTOR_END_CLEAN);
        take_events(c->decoder);
        if (castor_decoder_verdict(c->decoder) != CASTOR_VERDICT_COMPLETE) fig_die("verdict");
        castor_decoder_free(c->decoder);
        c->decoder = NULL;
    }
    if (run.left > 0) ask(c);
}

static void take(connection *c)
{
    static char buffer[HTTP_READ_BYTES];
    ssize_t     count = recv(c->fd, buffer, sizeof buffer, 0);

    if (count <= 0 || !http_response_feed(&c->response, buffer, (size_t)count, on_body, c)) fig_die("answer");
    if (c->response.is_over) finish(c);
}

static void play(int port, size_t at_a_time)
{
    struct epoll_event ready[AT_A_TIME_MAX];
    size_t             wanted = run.left;
    int                epoll = epoll_create1(0);

    for (size_t i = 0; i < at_a_time && run.left > 0; i++) {
        connection        *c = &run.connections[i];
        struct epoll_event wish = { .events = EPOLLIN, .data.ptr = c };
        c->fd = http_connect(port);
        if (epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &wish) != 0) fig_die("epoll_ctl");
        ask(c);
    }
    while (run.done < wanted) {
        int count = epoll_wait(epoll, ready, AT_A_TIME_MAX, -1);
        for (int i = 0; i < count; i++) take(ready[i].data.ptr);
    }
}

int main(int argc, char **argv)
{
    size_t at_a_time = argc > 4 ? strtoul(argv[4], NULL, 10) : 0;

    if (argc < 5 || argc > 6 || at_a_time > AT_A_TIME_MAX) {
        fprintf(stderr, "usage: bare_calls PORT PATH N AT_A_TIME [decode]\n");
        return 2;
    }
    run.request = http_request_of(argv[2], false);
    run.left = strtoul(argv[3], NULL, 10);
    run.wants_decoding = argc == 6;
    double cpu_us = fig_cpu_us();
    play(atoi(argv[1]), at_a_time);
    cpu_us = fig_cpu_us() - cpu_us;
    printf("{\"calls\":%zu,\"bytes\":%zu,\"cpu_us_call\":%.3f}\n", run.done, run.bytes, cpu_us / (double)run.done);
    return 0;
}
