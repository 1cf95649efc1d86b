/* castor_answers.c -- answers in turn, each read to its end, over one connection.
 * SPDX-License-Identifier: MIT
 *
 *     castor_answers [-l] URL MODEL N   (-l: texts are bench/writer's; tells how long after their writing they were here)
 *
 * Prints one object of JSON.
 */
#define _GNU_SOURCE
#include "ours.h"
#include "stamp.h"

#include <stdbool.h>
#include <unistd.h>

typedef struct tally {
    size_t      events, text_bytes;
    bool        wants_lags;
    fig_samples lags;
} tally;

static void read_answer(tally *seen, castor_client *client, const char *model)
{
    castor_event   event;
    castor_stream *answer = ours_ask(client, model, "hi");

    while (castor_stream_next(answer, &event, NULL) == CASTOR_STEP_EVENT) {
        if (event.type != CASTOR_EVENT_TEXT) continue;
        if (seen->wants_lags) stamp_take(event.text, &seen->lags);
        seen->events++;
        seen->text_bytes += event.text.len;
    }
    ours_expect_whole(answer);
    castor_stream_close(answer);
}

int main(int argc, char **argv)
{
    castor_error   err;
    castor_client *client = NULL;
    tally          seen = { .wants_lags = getopt(argc, argv, "l") == 'l' };

    if (argc - optind != 3) {
        fprintf(stderr, "usage: castor_answers [-l] URL MODEL N\n");
        return 2;
    }
    castor_client_options options = ours_options(argv[optind]);
    size_t                count = strtoul(argv[optind + 2], NULL, 10);
    ours_check(castor_client_new(&client, &options, &err), &err);
    if (seen.wants_lags) fig_samples_init(&seen.lags, count);
    double cpu_us = fig_cpu_us();
    for (size_t i = 0; i < count; i++) read_answer(&seen, client, argv[optind + 1]);
    cpu_us = fig_cpu_us() - cpu_us;
    castor_client_free(client);
    if (seen.wants_lags) {
        stamp_print(&seen.lags);
    } else {
        printf("{\"events\":%zu,\"text_bytes\":%zu,\"cpu_ns_byte\":%.4f}\n", seen.events, seen.text_bytes,
               cpu_us * 1e3 / (double)seen.text_bytes);
    }
    return 0;
}
