/* castor_silent.c -- what a client costs that has nothing to do: its memory, that of its streams, and how often it wakes
 * up while all of them are silent.
 * SPDX-License-Identifier: MIT
 *
 *     castor_silent URL PROMPT STREAMS SETTLE SECONDS   (PROMPT: answered with one event, then nothing)
 *
 * In the SETTLE seconds before the SECONDS libcurl's timers for connecting fall due, though the connections stand.
 * libcurl keeps its own memory, which is counted apart. A wake-up is a voluntary switch to another process and back, as
 * the kernel counts them. Prints one object of JSON.
 */
#define _GNU_SOURCE
#include "ours.h"

#include <curl/curl.h>
#include <malloc.h>
#include <string.h>
#include <sys/resource.h>

enum { BEGIN_WAIT_MS = 30000, BEGIN_STEP_MS = 20 };

/* ---- Two heaps that are counted: castor's, through its allocator, and libcurl's ---- */

typedef struct heap {
    size_t blocks, bytes;
} heap;

static heap curls; /* libcurl's functions have no room for a pointer */

static void *count(heap *in, void *block)
{
    if (block) in->blocks++;
    if (block) in->bytes += malloc_usable_size(block);
    return block;
}

static void uncount(heap *in, void *block)
{
    if (!block) return;
    in->blocks--;
    in->bytes -= malloc_usable_size(block);
}

static void *heap_allocate(void *user, size_t size)
{
    return count(user, malloc(size));
}

static void *heap_reallocate(void *user, void *block, size_t old_size, size_t size)
{
    (void)old_size;
    uncount(user, block);
    return count(user, realloc(block, size));
}

static void heap_release(void *user, void *block)
{
    uncount(user, block);
    free(block);
}

static void *curl_allocate(size_t size)
{
    return count(&curls, malloc(size));
}

static void *curl_allocate_zeroed(size_t members, size_t size)
{
    return count(&curls, calloc(members, size));
}

static void *curl_reallocate(void *block, size_t size)
{
    uncount(&curls, block);
    return count(&curls, realloc(block, size));
}

static char *curl_duplicate(const char *text)
{
    return count(&curls, strdup(text));
}

static void curl_release(void *block)
{
    uncount(&curls, block);
    free(block);
}

/* ---- The silence ---- */

static void on_step(void *user, castor_stream *stream, castor_step step, const castor_event *event)
{
    size_t *begun = user;

    if (step != CASTOR_STEP_EVENT) ours_expect_whole(stream);
    else if (event->type == CASTOR_EVENT_TEXT) ++*begun;
}

static void wait_for_events(castor_client *client, const size_t *begun, size_t wanted)
{
    castor_error err;

    for (int waited = 0; *begun < wanted; waited += BEGIN_STEP_MS) {
        if (waited >= BEGIN_WAIT_MS) fig_die("the first events");
        ours_check(castor_client_wait(client, BEGIN_STEP_MS, &err), &err);
    }
    ours_check(castor_client_wait(client, BEGIN_STEP_MS, &err), &err); /* what is left to do behind them */
}

static long wake_ups(void)
{
    struct rusage used;

    getrusage(RUSAGE_SELF, &used);
    return used.ru_nvcsw;
}

static long woken_in(castor_client *client, int seconds)
{
    castor_error err;
    long         before = wake_ups();

    ours_check(castor_client_wait(client, seconds * (int64_t)1000, &err), &err);
    return wake_ups() - before;
}

int main(int argc, char **argv)
{
    castor_error   err;
    castor_client *client = NULL;
    heap           ours = { .blocks = 0 };
    size_t         begun = 0;

    if (argc != 6 || atoi(argv[3]) < 1) {
        fprintf(stderr, "usage: castor_silent URL PROMPT STREAMS SETTLE SECONDS\n");
        return 2;
    }
    fig_raise_descriptors();
    curl_global_init_mem(CURL_GLOBAL_DEFAULT, curl_allocate, curl_release, curl_reallocate, curl_duplicate,
                         curl_allocate_zeroed);
    heap                   curl_idle = curls;
    const castor_allocator allocator = { heap_allocate, heap_reallocate, heap_release, &ours };
    castor_client_options  options = ours_options(argv[1]);
    size_t                 stream_count = strtoul(argv[3], NULL, 10);
    castor_stream        **streams = calloc(stream_count, sizeof *streams);
    if (!streams) fig_die("memory");
    options.allocator = &allocator;
    options.streams_max = (int64_t)stream_count;
    ours_check(castor_client_new(&client, &options, &err), &err);
    heap client_ours = ours, client_curl = { .bytes = curls.bytes - curl_idle.bytes };

    for (size_t i = 0; i < stream_count; i++) {
        streams[i] = ours_ask(client, "gemini-3.8-flash", argv[2]);
        castor_stream_listen(streams[i], on_step, &begun);
    }
    wait_for_events(client, &begun, stream_count);

    double cpu_us = fig_cpu_us();
    long   settled = woken_in(client, atoi(argv[4]));
    long   woken = woken_in(client, atoi(argv[5]));
    cpu_us = fig_cpu_us() - cpu_us;
    printf("{\"streams\":%zu,\"timer_wake_ups\":%ld,\"wake_ups\":%ld,\"cpu_us\":%.0f,\"client_bytes\":%zu,\"client_curl_bytes\":%zu,"
           "\"stream_bytes\":%.0f,\"stream_curl_bytes\":%.0f}\n",
           stream_count, settled, woken, cpu_us, client_ours.bytes, client_curl.bytes,
           (double)(ours.bytes - client_ours.bytes) / (double)stream_count,
           (double)(curls.bytes - client_curl.bytes - curl_idle.bytes) / (double)stream_count);
    for (size_t i = 0; i < stream_count; i++) castor_stream_close(streams[i]);
    free(streams);
    castor_client_free(client);
    return 0;
}
