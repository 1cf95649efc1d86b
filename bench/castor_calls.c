/* castor_calls.c -- small calls that are not streamed, some at a time, each followed at once by the next.
 * SPDX-License-Identifier: MIT
 *
 *     castor_calls URL MODEL N AT_A_TIME
 *
 * Prints one object of JSON.
 */
#include "ours.h"

typedef struct work {
    castor_client *client;
    const char    *model;
    size_t         left, done, text_bytes;
} work;

static void call(work *all);

static void on_step(void *user, castor_stream *stream, castor_step step, const castor_event *event)
{
    work *all = user;

    if (step == CASTOR_STEP_EVENT) {
        if (event->type == CASTOR_EVENT_TEXT) all->text_bytes += event->text.len;
        return;
    }
    ours_expect_whole(stream);
    castor_stream_close(stream);
    all->done++;
    if (all->left > 0) call(all);
}

static void call(work *all)
{
    castor_error   err;
    castor_stream *stream = NULL;
    castor_turn    turn = { .role = CASTOR_USER, .text = CASTOR_STR("hi") };
    castor_request request = CASTOR_REQUEST_INIT;

    all->left--;
    request.model = all->model;
    request.turns = &turn;
    request.turn_count = 1;
    request.is_unary = 1;
    ours_check(castor_stream_open(&stream, all->client, &request, &err), &err);
    castor_stream_listen(stream, on_step, all);
}

int main(int argc, char **argv)
{
    castor_error err;
    work         all = { .client = NULL };

    if (argc != 5) {
        fprintf(stderr, "usage: castor_calls URL MODEL N AT_A_TIME\n");
        return 2;
    }
    castor_client_options options = ours_options(argv[1]);
    ours_check(castor_client_new(&all.client, &options, &err), &err);
    all.model = argv[2];
    all.left = strtoul(argv[3], NULL, 10);
    double cpu_us = fig_cpu_us();
    for (size_t i = strtoul(argv[4], NULL, 10); i > 0 && all.left > 0; i--) call(&all);
    ours_check(castor_client_wait(all.client, CASTOR_NO_LIMIT, &err), &err);
    cpu_us = fig_cpu_us() - cpu_us;
    castor_client_free(all.client);
    printf("{\"calls\":%zu,\"text_bytes\":%zu,\"cpu_us_call\":%.3f}\n", all.done, all.text_bytes,
           cpu_us / (double)all.done);
    return 0;
}
