/* streams.c -- holds many streams of pollux at once and tells what came late, and what they cost the server.
 * SPDX-License-Identifier: MIT
 *
 *     streams [-2 STREAMS_A_CONNECTION] [-n STREAMS] [-e EVENTS] [-g GAP_MS] [-r RAMP_MS] PORT PID PROMPT
 *
 * Asks PROMPT of the pollux at PORT, over HTTP/1.1 or (-2) HTTP/2 in the clear, each stream at its time in the ramp.
 * The answer is to have EVENTS events, the k-th due k * GAP_MS after its request was sent; how much later it is read is
 * its lateness. -g 0: as fast as they come. What the server (PID) used stands in /proc.
 */
#define _GNU_SOURCE /* as nghttp2.h wants ssize_t, and netinet its options */
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
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { READ_BYTES = 256 << 10, READY_MAX = 256, LATENESS_MAX = 1 << 26 };

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

static struct {
    size_t      streams, events, gap_us, ramp_us, streams_a_connection;
    int         port, pid, epoll;
    char        body[1024];
    stream     *all;
    uint32_t   *lateness; /* of each event, us */
    size_t      seen;
    size_t      over;
    connection *connections;
    size_t      connection_count;
} run = { .streams = 1000, .events = 50, .gap_us = 200000, .ramp_us = 2000000, .streams_a_connection = 1 };

static void die(const char *what)
{
    perror(what);
    exit(2);
}

static uint64_t now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* ---- what the server uses ---- */

static double cpu_seconds(void)
{
    char          name[64], text[1024];
    unsigned long user = 0, kernel = 0;

    snprintf(name, sizeof name, "/proc/%d/stat", run.pid);
    FILE *file = fopen(name, "r");
    if (!file || !fgets(text, sizeof text, file)) die(name);
    fclose(file);
    const char *rest = strrchr(text, ')'); /* behind the name: state, ten numbers, and the two that we want */
    if (!rest || sscanf(rest + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &kernel) != 2) {
        die(name);
    }
    return (double)(user + kernel) / (double)sysconf(_SC_CLK_TCK);
}

static long resident_kb(const char *key)
{
    char name[64], line[256];
    long kb = -1;

    snprintf(name, sizeof name, "/proc/%d/status", run.pid);
    FILE *file = fopen(name, "r");
    if (!file) die(name);
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
    if (run.seen < LATENESS_MAX) run.lateness[run.seen] = now > due ? (uint32_t)(now - due) : 0;
    run.seen++;
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
    if (!s->is_over) run.over++;
    s->is_over = true;
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
    if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&address, sizeof address) != 0) die("connect");
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    if (epoll_ctl(run.epoll, EPOLL_CTL_ADD, c->fd, &wanted) != 0) die("epoll_ctl");
}

static void send_all(connection *c, const void *bytes, size_t len)
{
    if (send(c->fd, bytes, len, MSG_NOSIGNAL) != (ssize_t)len) die("send"); /* it is small */
}

static void open_session(connection *c)
{
    nghttp2_session_callbacks   *callbacks;
    const nghttp2_settings_entry windows = { NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 1 << 30 };

    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
    if (nghttp2_session_client_new(&c->session, callbacks, c) != 0) die("nghttp2");
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
    if (len > most) die("body");
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
    if (nghttp2_session_mem_recv(c->session, (const uint8_t *)buffer, (size_t)count) != count) die("nghttp2");
    flush(c);
}

/* ---- the run ---- */

static int by_size(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

static double late_ms(double part)
{
    size_t count = run.seen < LATENESS_MAX ? run.seen : LATENESS_MAX;

    return count ? run.lateness[(size_t)(part * (double)(count - 1))] / 1e3 : 0.0;
}

static void report(double seconds, double cpu, long before_kb, long during_kb)
{
    size_t wanted = run.streams * run.events;

    qsort(run.lateness, run.seen < LATENESS_MAX ? run.seen : LATENESS_MAX, sizeof *run.lateness, by_size);
    printf("%zu streams on %zu connections, %zu events of %zu (%zd lost), %.2f s\n", run.streams, run.connection_count,
           run.seen, wanted, (ssize_t)wanted - (ssize_t)run.seen, seconds);
    if (run.gap_us) {
        printf("late: p50 %.2f ms, p90 %.2f ms, p99 %.2f ms, most %.2f ms\n", late_ms(0.5), late_ms(0.9), late_ms(0.99),
               late_ms(1.0));
    }
    printf("server: %.2f s CPU (%.0f %% of a core), %.2f us an event, %.0f events a second\n", cpu, 100 * cpu / seconds,
           cpu * 1e6 / (double)run.seen, (double)run.seen / seconds);
    printf("server: %ld KB resident before, %ld KB with all streams (%.0f bytes a stream), %ld KB at most\n", before_kb,
           during_kb, (double)(during_kb - before_kb) * 1024 / (double)run.streams, resident_kb("VmHWM"));
}

static void play(void)
{
    struct epoll_event ready[READY_MAX];
    uint64_t           start_us = now_us();
    double             cpu = cpu_seconds();
    long               before_kb = resident_kb("VmRSS"), during_kb = 0;
    size_t             asked = 0;

    while (run.over < run.streams) {
        uint64_t due_us = start_us + (run.streams > 1 ? run.ramp_us * asked / run.streams : 0), now = now_us();
        if (asked < run.streams && now >= due_us) {
            ask(&run.connections[asked / run.streams_a_connection]);
            asked++;
            continue;
        }
        if (asked == run.streams && during_kb == 0 && run.seen >= run.streams * run.events / 2) {
            during_kb = resident_kb("VmRSS");
        }
        int wait_ms = asked < run.streams ? (int)((due_us - now) / 1000) : 1000;
        int count = epoll_wait(run.epoll, ready, READY_MAX, wait_ms);
        for (int i = 0; i < count; i++) take(ready[i].data.ptr);
    }
    report((double)(now_us() - start_us) / 1e6, cpu_seconds() - cpu, before_kb, during_kb);
}

static void prepare(const char *prompt)
{
    struct rlimit files;

    snprintf(run.body, sizeof run.body, "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"%s\"}]}]}", prompt);
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    run.connection_count = (run.streams + run.streams_a_connection - 1) / run.streams_a_connection;
    run.all = calloc(run.streams, sizeof *run.all);
    run.connections = calloc(run.connection_count, sizeof *run.connections);
    run.lateness = malloc(LATENESS_MAX * sizeof *run.lateness); /* touched as it fills */
    run.epoll = epoll_create1(0);
    if (!run.all || !run.connections || !run.lateness || run.epoll < 0) die("memory");
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
    return run.seen == run.streams * run.events ? 0 : 1;
}
