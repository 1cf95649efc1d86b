/* castor_many.c -- many paced streams of pollux at once, in one thread, each with a listener.
 * SPDX-License-Identifier: MIT
 *
 *     castor_many [-2 STREAMS_A_CONNECTION] [-c CA_FILE] [-n STREAMS] [-e EVENTS] [-g GAP_MS] [-r RAMP_MS] URL PROMPT
 *
 * As bench/streams, whose figures it has: an event is late by the time since it was due, and the k-th was due k * GAP_MS
 * after its stream was opened. The processor's time is that between the opening of the last stream and the end of the
 * first: while all of them run. -2: over HTTP/2, which needs TLS. Prints one object of JSON.
 */
#define _GNU_SOURCE
#include "ours.h"

#include <stdbool.h>
#include <unistd.h>

typedef struct stream {
    uint64_t opened_ns;
    size_t   events;
} stream;

static struct {
    size_t         streams, events, gap_ms, ramp_ms, streams_a_connection;
    const char    *ca_file;
    castor_client *client;
    stream        *all;
    fig_samples    lateness;
    size_t         opened, over, broken;
    size_t         before_bytes, during_bytes;
    size_t         seen_from, seen_to;       /* events seen when all were open, and when the first ended */
    double         cpu_from, cpu_to;         /* the processor's time then, us */
    uint64_t       from_ns, to_ns;
} run = { .streams = 1000, .events = 50, .gap_ms = 200, .ramp_ms = 2000, .streams_a_connection = 0 };

static void see_text(stream *s)
{
    uint64_t now_ns = fig_now_ns(), due_ns = s->opened_ns + ++s->events * run.gap_ms * 1000000;

    fig_samples_add(&run.lateness, now_ns > due_ns ? (now_ns - due_ns) / 1000 : 0);
    if (run.lateness.count == run.streams * run.events / 2) run.during_bytes = fig_resident_bytes();
}

static void see_end(castor_stream *handle)
{
    if (run.over++ == 0) {
        run.cpu_to = fig_cpu_us();
        run.to_ns = fig_now_ns();
        run.seen_to = run.lateness.count;
    }
    if (castor_stream_verdict(handle) != CASTOR_VERDICT_COMPLETE) {
        const castor_error *err = castor_stream_error(handle);
        if (run.broken++ == 0) fprintf(stderr, "castor_many: %s\n", err ? err->message : "?");
    }
    castor_stream_close(handle);
}

static void on_step(void *user, castor_stream *handle, castor_step step, const castor_event *event)
{
    if (step != CASTOR_STEP_EVENT) see_end(handle);
    else if (event->type == CASTOR_EVENT_TEXT) see_text(user);
}

static void open_stream(const char *prompt)
{
    stream *s = &run.all[run.opened++];

    s->opened_ns = fig_now_ns();
    castor_stream_listen(ours_ask(run.client, "gemini-3.8-flash", prompt), on_step, s);
    if (run.opened < run.streams) return;
    run.cpu_from = fig_cpu_us();
    run.from_ns = fig_now_ns();
    run.seen_from = run.lateness.count;
}

static void play(const char *prompt)
{
    castor_error err;
    uint64_t     start_ns = fig_now_ns();

    while (run.opened < run.streams) {
        uint64_t due_ns = start_ns + run.ramp_ms * 1000000 * run.opened / run.streams, now_ns = fig_now_ns();
        if (now_ns >= due_ns) open_stream(prompt);
        /* With nothing to wait for too: streams that were opened must not wait for those that come late. */
        int64_t wait_ms = due_ns > now_ns ? (int64_t)((due_ns - now_ns) / 1000000) : 0;
        ours_check(castor_client_wait(run.client, wait_ms, &err), &err);
    }
    while (run.over < run.streams) ours_check(castor_client_wait(run.client, CASTOR_NO_LIMIT, &err), &err);
}

static void report(void)
{
    size_t wanted = run.streams * run.events, window = run.seen_to - run.seen_from;
    double seconds = ((double)run.to_ns - (double)run.from_ns) / 1e9, cpu_us = run.cpu_to - run.cpu_from;

    fig_samples_sort(&run.lateness);
    printf("{\"streams\":%zu,\"events\":%zu,\"lost\":%zd,\"broken\":%zu", run.streams, run.lateness.count,
           (ssize_t)wanted - (ssize_t)run.lateness.count, run.broken);
    if (fig_is_steady(seconds, run.events * run.gap_ms, run.ramp_ms)) {
        printf(",\"events_s\":%.0f,\"cpu_us_event\":%.3f,\"core_pct\":%.1f", (double)window / seconds,
               cpu_us / (double)window, cpu_us / seconds / 1e4);
    }
    printf(",\"bytes_stream\":%.0f,\"late_p50_ms\":%.3f,\"late_p99_ms\":%.3f,\"late_most_ms\":%.3f}\n",
           ((double)run.during_bytes - (double)run.before_bytes) / (double)run.streams,
           fig_samples_at(&run.lateness, 0.5) / 1e3, fig_samples_at(&run.lateness, 0.99) / 1e3,
           fig_samples_at(&run.lateness, 1) / 1e3);
}

static void prepare(const char *url)
{
    castor_error          err;
    castor_client_options options = ours_options(url);

    fig_raise_descriptors();
    options.ca_file = run.ca_file;
    options.streams_max = (int64_t)run.streams;
    options.connection_streams_max = (int64_t)run.streams_a_connection;
    options.force_http1 = run.streams_a_connection == 0;
    ours_check(castor_client_new(&run.client, &options, &err), &err);
    run.all = calloc(run.streams, sizeof *run.all);
    if (!run.all) fig_die("memory");
    fig_samples_init(&run.lateness, run.streams * run.events);
    run.before_bytes = fig_resident_bytes();
}

int main(int argc, char **argv)
{
    int option;

    while ((option = getopt(argc, argv, "2:c:n:e:g:r:")) != -1) {
        size_t number = optarg ? strtoul(optarg, NULL, 10) : 0;
        switch (option) {
        case '2': run.streams_a_connection = number; break;
        case 'c': run.ca_file = optarg; break;
        case 'n': run.streams = number; break;
        case 'e': run.events = number; break;
        case 'g': run.gap_ms = number; break;
        case 'r': run.ramp_ms = number; break;
        default: return 2;
        }
    }
    if (argc - optind != 2 || run.streams == 0 || run.events == 0) {
        fprintf(stderr, "usage: castor_many [-2 STREAMS_A_CONNECTION] [-c CA_FILE] [-n STREAMS] [-e EVENTS] [-g GAP_MS] "
                        "[-r RAMP_MS] URL PROMPT\n");
        return 2;
    }
    prepare(argv[optind]);
    play(argv[optind + 1]);
    castor_client_free(run.client);
    report();
    free(run.all);
    free(run.lateness.values);
    return 0;
}
