/* bare.c -- the limits: what the same answers cost when nobody but recv stands between them and the process.
 * SPDX-License-Identifier: MIT
 *
 *     bare recv PORT PATH        one answer, its bytes counted and nothing else
 *     bare answers PORT PATH N   N answers in turn over one connection, decoded by castor's decoder
 *     bare lag PORT PATH N       the same, and how long after its writing (bench/writer) each text was here
 *
 * Prints one object of JSON.
 */
#include "figures.h"
#include "http.h"
#include "stamp.h"

#include <castor/castor.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct reader {
    castor_decoder *decoder;
    fig_samples     lags;
    bool            wants_lags;
    size_t          events, text_bytes;
} reader;

static char buffer[HTTP_READ_BYTES];

static void take_events(reader *in)
{
    castor_event event;

    while (castor_decoder_next(in->decoder, &event, NULL) == CASTOR_STEP_EVENT) {
        if (event.type != CASTOR_EVENT_TEXT) continue;
        if (in->wants_lags) stamp_take(event.text, &in->lags);
        in->events++;
        in->text_bytes += event.text.len;
    }
}

static void on_body(void *user, const char *bytes, size_t len)
{
    reader *in = user;

    if (castor_decoder_feed(in->decoder, bytes, len, NULL) != CASTOR_OK) fig_die("decoder");
    take_events(in);
}

static void read_answer(reader *in, int fd)
{
    castor_decoder_options options = CASTOR_DECODER_OPTIONS_INIT;
    http_response          response = { .state = HTTP_HEAD };

    options.dialect = CASTOR_DIALECT_GEMINI;
    if (castor_decoder_new(&in->decoder, &options, NULL) != CASTOR_OK) fig_die("decoder");
    while (!response.is_over) {
        ssize_t count = recv(fd, buffer, sizeof buffer, 0);
        if (count <= 0 || !http_response_feed(&response, buffer, (size_t)count, on_body, in)) fig_die("answer");
    }
    castor_decoder_end(in->decoder, CASTOR_END_CLEAN);
    take_events(in);
    if (castor_decoder_verdict(in->decoder) != CASTOR_VERDICT_COMPLETE) fig_die("verdict");
    castor_decoder_free(in->decoder);
}

static void read_answers(reader *in, int port, const char *path, size_t count)
{
    http_request request = http_request_of(path, false);
    int          fd = http_connect(port);

    for (size_t i = 0; i < count; i++) {
        http_request_send(&request, fd);
        read_answer(in, fd);
    }
    close(fd);
}

static void count_bytes(int port, const char *path)
{
    http_request request = http_request_of(path, true);
    ssize_t      count;
    size_t       bytes = 0;
    int          fd = http_connect(port);

    http_request_send(&request, fd);
    while ((count = recv(fd, buffer, sizeof buffer, 0)) > 0) bytes += (size_t)count;
    if (count < 0) fig_die("recv");
    close(fd);
    printf("{\"bytes\":%zu}\n", bytes);
}

int main(int argc, char **argv)
{
    reader in = { .events = 0 };

    if (argc == 4 && strcmp(argv[1], "recv") == 0) {
        count_bytes(atoi(argv[2]), argv[3]);
        return 0;
    }
    if (argc != 5 || (strcmp(argv[1], "answers") != 0 && strcmp(argv[1], "lag") != 0)) {
        fprintf(stderr, "usage: bare recv PORT PATH | bare answers|lag PORT PATH N\n");
        return 2;
    }
    size_t count = strtoul(argv[4], NULL, 10);
    in.wants_lags = strcmp(argv[1], "lag") == 0;
    if (in.wants_lags) fig_samples_init(&in.lags, count);
    read_answers(&in, atoi(argv[2]), argv[3], count);
    if (in.wants_lags) stamp_print(&in.lags);
    else printf("{\"events\":%zu,\"text_bytes\":%zu}\n", in.events, in.text_bytes);
    return 0;
}
