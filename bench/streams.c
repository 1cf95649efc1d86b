/* streams.c -- holds many streams of pollux at once with nothing but epoll and recv, and tells what came late, and what
 * they cost: the limit of what a client can do, and what pollux can.
 * SPDX-License-Identifier: MIT
 *
 *     streams [-2 STREAMS_A_CONNECTION] [-n STREAMS] [-e EVENTS] [-g GAP_MS] [-r RAMP_MS] PORT PID PROMPT
 *
 * Asks PROMPT of the pollux at PORT, over HTTP/1.1 or (-2) HTTP/2 in the clear, each stream at its time in the ramp.
 * The answer is to have EVENTS events, the k-th due k * GAP_MS after its request was sent; how much later it is read is
 * its lateness. -g 0: as fast as they come. The processor's time of both sides is that between the request of the last
 * stream and the end of the first, where there is such a time; what the server (PID) used stands in /proc. Prints one
 * object of JSON.
 */
#define _GNU_SOURCE /* as nghttp2.h wants ssize_t, and netinet its options */
#include "figures.h"

#include <arpa/inet.h>
#include <errno.h>
#include <nghttp2/nghttp2.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { READ_BYTES = 256 << 10, READY_MAX = 256, LATENESS_MAX = 1 << 22 };

typedef struct stream {
    uint64_t asked_us;
    uint32_t events;
    uint8_t  matched; /* of "data: " */
    bool     is_over;
} stream;

typedef struct connection {
    int              fd;
    nghttp2_session *session; /* NULL: HTTP/1.1, and the connection is its stream */
    stream          *first;   /* its streams stand in a row */
    size_t           asked, count;
} connection;

/* The processor's time, s. */
typedef struct usage {
    double user, all;
} usage;

static struct {
    size_t      streams, events, gap_us, ramp_us, streams_a_connection;
    int         port, pid, epoll;
    char        body[1024];
    stream     *all;
    fig_samples lateness; /* of each event */
    size_t      over;
    connection *connections;
    size_t      connection_count;
    size_t      before_bytes, during_bytes; /* resident, of this process */
    size_t      seen_from, seen_to;         /* events seen when all were asked for, and when the first ended */
    double      cpu_from, cpu_to;           /* the processor's time then, us */
    usage       served_from, served_to;     /* and that of the server */
    uint64_t    from_us, to_us;             /* and the clock */
} run = { .streams = 1000, .events = 50, .gap_us = 200000, .ramp_us = 2000000, .streams_a_connection = 1 };

static uint64_t now_us(void)
{
    return fig_now_ns() / 1000;
}

/* ---- what the server uses ---- */

static usage server_usage(void)
{
    char          name[64], text[1024];
    unsigned long user = 0, kernel = 0;

    if (run.pid == 0) return (usage){ 0, 0 };
    snprintf(name, sizeof name, "/proc/%d/stat", run.pid);
    FILE *file = fopen(name, "r");
    if (!file || !fgets(text, sizeof text, file)) fig_die(name);
    fclose(file);
    const char *rest = strrchr(text, ')'); /* behind the name: state, ten numbers, and the two that we want */
    if (!rest || sscanf(rest + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &kernel) != 2) {
        fig_die(name);
    }
    double tick_seconds = 1 / (double)sysconf(_SC_CLK_TCK);
    return (usage){ (double)user * tick_seconds, (double)(user + kernel) * tick_seconds };
}

static long server_kb(const char *key)
{
    char name[64], line[256];
    long kb = 0;

    if (run.pid == 0) return 0;
    snprintf(name, sizeof name, "/proc/%d/status", run.pid);
    FILE *file = fopen(name, "r");
    if (!file) fig_die(name);
    while (fgets(line, sizeof line, file)) {
        if (strncmp(line, key, strlen(key)) == 0) kb = atol(line + strlen(key) + 1);
    }
    fclose(file);
    return kb;
}

/* ---- what comes ---- */

static void see_event(stream *s, uint64_t now)
{
    uint64_t due = s->asked_us + (s->events + 1) * run.gap_us;

    s->events++;
    fig_samples_add(&run.lateness, now > due ? now - due : 0);
}

static void see_bytes(stream *s, const char *bytes, size_t len, uint64_t now)
{
    static const char mark[] = "data: ";

    for (size_t i = 0; i < len; i++) {
        if (bytes[i] != mark[s->matched]) s->matched = bytes[i] == mark[0];
        else if (++s->matched == sizeof mark - 1) {
            s->matched = 0;
            see_event(s, now);
        }
    }
}

static void see_end(stream *s)
{
    if (s->is_over) return;
    s->is_over = true;
    if (run.over++ > 0) return;
    run.cpu_to = fig_cpu_us();
    run.served_to = server_usage();
    run.to_us = fig_now_ns() / 1000;
    run.seen_to = run.lateness.count;
}

static uint64_t read_at_us; /* for nghttp2's callbacks */

static int on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *data, size_t len, void *user)
{
    (void)flags;
    (void)user;
    see_bytes(nghttp2_session_get_stream_user_data(session, id), (const char *)data, len, read_at_us);
    return 0;
}

static int on_close(nghttp2_session *session, int32_t id, uint32_t code, void *user)
{
    (void)code;
    (void)user;
    see_end(nghttp2_session_get_stream_user_data(session, id));
    return 0;
}

/* ---- connections ---- */

static void open_connection(connection *c)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)run.port) };
    struct epoll_event wanted = { .events = EPOLLIN, .data.ptr = c };
    int                yes = 1;

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    c->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&address, sizeof address) != 0) fig_die("connect");
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    if (epoll_ctl(run.epoll, EPOLL_CTL_ADD, c->fd, &wanted) != 0) fig_die("epoll_ctl");
}

static void send_all(connection *c, const void *bytes, size_t len)
{
    if (send(c->fd, bytes, len, MSG_NOSIGNAL) != (ssize_t)len) fig_die("send"); /* it is small */
}

static void open_session(connection *c)
{
    nghttp2_session_callbacks   *callbacks;
    const nghttp2_settings_entry windows = { NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 1 << 30 };

    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
    if (nghttp2_session_client_new(&c->session, callbacks, c) != 0) fig_die("nghttp2");
    nghttp2_session_callbacks_del(callbacks);
    nghttp2_submit_settings(c->session, 0, &windows, 1);
    nghttp2_session_set_local_window_size(c->session, 0, 0, 1 << 30);
}

static void flush(connection *c)
{
    const uint8_t *bytes;
    ssize_t        len;

    while ((len = nghttp2_session_mem_send(c->session, &bytes)) > 0) send_all(c, bytes, (size_t)len);
}

static ssize_t give_body(nghttp2_session *session, int32_t id, uint8_t *out, size_t most, uint32_t *flags,
                         nghttp2_data_source *source, void *user)
{
    size_t len = strlen(run.body);

    (void)session;
    (void)id;
    (void)source;
    (void)user;
    if (len > most) fig_die("body");
    memcpy(out, run.body, len);
    *flags |= NGHTTP2_DATA_FLAG_EOF;
    return (ssize_t)len;
}

#define PATH "/v1beta/models/gemini-3.8-flash:streamGenerateContent?alt=sse"
#define PAIR(name, value) \
    { (uint8_t *)(uintptr_t)name, (uint8_t *)(uintptr_t)value, sizeof name - 1, sizeof value - 1, 0 }

static void ask(connection *c)
{
    static const nghttp2_nv pairs[] = { PAIR(":method", "POST"), PAIR(":path", PATH), PAIR(":scheme", "http"),
                                        PAIR(":authority", "localhost"), PAIR("x-goog-api-key", "test-key") };
    nghttp2_data_provider body = { .read_callback = give_body };
    stream               *s = c->first + c->asked;
    char                  text[2048];

    if (c->asked++ == 0) {
        open_connection(c);
        if (run.streams_a_connection > 1) open_session(c);
    }
    s->asked_us = now_us();
    if (c->session) {
        nghttp2_submit_request(c->session, NULL, pairs, sizeof pairs / sizeof *pairs, &body, s);
        flush(c);
        return;
    }
    int len = snprintf(text, sizeof text,
                       "POST " PATH " HTTP/1.1\r\nHost: x\r\nx-goog-api-key: test-key\r\nConnection: close\r\n"
                       "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
                       strlen(run.body), run.body);
    send_all(c, text, (size_t)len);
}

static void end(connection *c)
{
    epoll_ctl(run.epoll, EPOLL_CTL_DEL, c->fd, NULL);
    close(c->fd);
    for (size_t i = 0; i < c->count; i++) see_end(c->first + i);
    nghttp2_session_del(c->session);
    c->session = NULL;
}

static void take(connection *c)
{
    static char buffer[READ_BYTES];
    ssize_t     count = recv(c->fd, buffer, sizeof buffer, 0);

    if (count < 0 && errno == EAGAIN) return;
    if (count <= 0) {
        end(c);
        return;
    }
    read_at_us = now_us();
    if (!c->session) {
        see_bytes(c->first, buffer, (size_t)count, read_at_us);
        return;
    }
    if (nghttp2_session_mem_recv(c->session, (const uint8_t *)buffer, (size_t)count) != count) fig_die("nghttp2");
    flush(c);
}

/* ---- the run ---- */

/* `seconds` are those of the whole run, and so is what the server used from `from` to `to`. */
static void report(double seconds, usage from, usage to, long server_before_kb, long server_during_kb)
{
    size_t wanted = run.streams * run.events, seen = run.lateness.count, events = seen;
    double steady_seconds = ((double)run.to_us - (double)run.from_us) / 1e6;
    bool   is_steady = fig_is_steady(steady_seconds, run.events * run.gap_us / 1000, run.ramp_us / 1000);

    if (is_steady) {
        events = run.seen_to - run.seen_from;
        seconds = steady_seconds;
        from = run.served_from;
        to = run.served_to;
    }
    fig_samples_sort(&run.lateness);
    printf("{\"streams\":%zu,\"connections\":%zu,\"events\":%zu,\"lost\":%zd,\"events_s\":%.0f", run.streams,
           run.connection_count, seen, (ssize_t)wanted - (ssize_t)seen, (double)events / seconds);
    if (is_steady) printf(",\"cpu_us_event\":%.3f", (run.cpu_to - run.cpu_from) / (double)events);
    printf(",\"bytes_stream\":%.0f",
           ((double)run.during_bytes - (double)run.before_bytes) / (double)run.streams);
    if (run.gap_us) {
        printf(",\"late_p50_ms\":%.3f,\"late_p99_ms\":%.3f,\"late_most_ms\":%.3f", fig_samples_at(&run.lateness, 0.5) / 1e3,
               fig_samples_at(&run.lateness, 0.99) / 1e3, fig_samples_at(&run.lateness, 1) / 1e3);
    }
    if (run.pid != 0) {
        printf(",\"server_cpu_us_event\":%.3f,\"server_user_us_event\":%.3f,\"server_core_pct\":%.1f",
               (to.all - from.all) * 1e6 / (double)events, (to.user - from.user) * 1e6 / (double)events,
               100 * (to.all - from.all) / seconds);
        printf(",\"server_peak_mib\":%.2f", (double)server_kb("VmHWM") / 1024);
    }
    if (run.pid != 0 && run.gap_us) { /* of some that are over at once it would be chance */
        printf(",\"server_bytes_stream\":%.0f",
               (double)(server_during_kb - server_before_kb) * 1024 / (double)run.streams);
    }
    printf("}\n");
}

static void play(void)
{
    struct epoll_event ready[READY_MAX];
    uint64_t           start_us = now_us();
    usage              before = server_usage();
    long               before_kb = server_kb("VmRSS"), during_kb = 0;
    size_t             asked = 0;

    while (run.over < run.streams) {
        uint64_t due_us = start_us + (run.streams > 1 ? run.ramp_us * asked / run.streams : 0), now = now_us();
        if (asked < run.streams && now >= due_us) {
            ask(&run.connections[asked / run.streams_a_connection]);
            if (++asked < run.streams) continue;
            run.cpu_from = fig_cpu_us();
            run.served_from = server_usage();
            run.from_us = now;
            run.seen_from = run.lateness.count;
            continue;
        }
        if (asked == run.streams && run.during_bytes == 0 && run.lateness.count >= run.streams * run.events / 2) {
            during_kb = server_kb("VmRSS");
            run.during_bytes = fig_resident_bytes();
        }
        int wait_ms = asked < run.streams ? (int)((due_us - now) / 1000) : 1000;
        int count = epoll_wait(run.epoll, ready, READY_MAX, wait_ms);
        for (int i = 0; i < count; i++) take(ready[i].data.ptr);
    }
    report((double)(now_us() - start_us) / 1e6, before, server_usage(), before_kb, during_kb);
}

static void prepare(const char *prompt)
{
    snprintf(run.body, sizeof run.body, "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"%s\"}]}]}", prompt);
    fig_raise_descriptors();
    run.connection_count = (run.streams + run.streams_a_connection - 1) / run.streams_a_connection;
    run.all = calloc(run.streams, sizeof *run.all);
    run.connections = calloc(run.connection_count, sizeof *run.connections);
    run.epoll = epoll_create1(0);
    if (!run.all || !run.connections || run.epoll < 0) fig_die("memory");
    size_t wanted = run.streams * run.events;
    fig_samples_init(&run.lateness, wanted < LATENESS_MAX ? wanted : LATENESS_MAX);
    run.before_bytes = fig_resident_bytes();
    for (size_t i = 0; i < run.connection_count; i++) {
        size_t before = i * run.streams_a_connection, left = run.streams - before;
        run.connections[i].first = run.all + before;
        run.connections[i].count = left < run.streams_a_connection ? left : run.streams_a_connection;
    }
}

int main(int argc, char **argv)
{
    int option;

    while ((option = getopt(argc, argv, "2:n:e:g:r:")) != -1) {
        size_t number = optarg ? strtoul(optarg, NULL, 10) : 0;
        switch (option) {
        case '2': run.streams_a_connection = number; break;
        case 'n': run.streams = number; break;
        case 'e': run.events = number; break;
        case 'g': run.gap_us = number * 1000; break;
        case 'r': run.ramp_us = number * 1000; break;
        default: return 2;
        }
    }
    if (argc - optind != 3 || run.streams == 0 || run.streams_a_connection == 0) {
        fprintf(stderr, "usage: streams [-2 STREAMS_A_CONNECTION] [-n STREAMS] [-e EVENTS] [-g GAP_MS] [-r RAMP_MS] "
                        "PORT PID PROMPT\n");
        return 2;
    }
    run.port = atoi(argv[optind]);
    run.pid = atoi(argv[optind + 1]);
    prepare(argv[optind + 2]);
    play();
    return run.lateness.count == run.streams * run.events ? 0 : 1;
}
