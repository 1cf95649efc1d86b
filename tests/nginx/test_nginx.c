/* test_nginx.c -- castor against a server that is not ours: nginx, over HTTP/1.1 and HTTP/2, TLS, gzip.
 * SPDX-License-Identifier: MIT
 *
 * The test writes the bodies, makes a certificate authority, starts nginx in a directory of its own and stops it.
 * Without nginx or openssl it says so and is skipped (77).
 */
#include <castor/castor.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { SKIPPED = 77, LONG_EVENTS = 20000, START_TRIES = 5 };

typedef struct server {
    char  dir[64];
    pid_t pid;
    int   plain;
    int   tls;
    int   gzip;
} server;

static server       nginx;
static const char  *nginx_path;
static const char  *answer_text = "Wind and sun are free.";

/* ---- Files --------------------------------------------------------------------------------------------------- */

static FILE *create(const char *name)
{
    char  path[256];
    FILE *file;

    snprintf(path, sizeof path, "%s/%s", nginx.dir, name);
    file = fopen(path, "wb");
    assert_non_null(file);
    return file;
}

static void write_file(const char *name, const char *text)
{
    FILE *file = create(name);

    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

/* The whole file, NUL-terminated, to be freed. */
static char *read_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    char *text = calloc(1, 1 << 20);

    assert_non_null(file);
    assert_non_null(text);
    (void)!fread(text, 1, (1 << 20) - 1, file);
    fclose(file);
    return text;
}

static int sh(const char *command)
{
    int status = system(command);

    return status != -1 && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void write_bodies(void)
{
    static const char array[] =
        "[{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"Wind and \"}],\"role\":\"model\"},\"index\":0}]}\n,\r\n"
        "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"sun are free.\"}],\"role\":\"model\"},"
        "\"finishReason\":\"STOP\",\"index\":0}]}\n]\n";
    FILE *file;

    write_file("www/answer.sse",
               "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"Wind and \"}]}}]}\r\n\r\n"
               "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"sun are free.\"}]},"
               "\"finishReason\":\"STOP\"}],\"usageMetadata\":{\"promptTokenCount\":4,\"candidatesTokenCount\":6,"
               "\"totalTokenCount\":10}}\r\n\r\n");
    write_file("www/truncated.sse", "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"Wind and \"}]}}]}\r\n\r\n");
    write_file("www/answer.json", array);
    write_file("www/unary.json", "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"Wind and sun are free.\"}]},"
                                 "\"finishReason\":\"STOP\"}]}\n");
    file = create("www/long.sse");
    for (int i = 0; i < LONG_EVENTS; i++) {
        fprintf(file, "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"%06d\\u00e9\"}]}%s}]}\r\n\r\n", i,
                i == LONG_EVENTS - 1 ? ",\"finishReason\":\"STOP\"" : "");
    }
    assert_int_equal(fclose(file), 0);
}

/* An authority, and a certificate for 127.0.0.1 signed by it. */
static void write_certificates(void)
{
    char command[1024];

    snprintf(command, sizeof command,
             "cd %s && exec >openssl.log 2>&1 && new='-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes' &&"
             " openssl req -x509 $new -keyout ca.key -out ca.pem -days 2 -subj '/CN=castor test authority' &&"
             " openssl req $new -keyout key.pem -out leaf.csr -subj /CN=localhost"
             "   -addext subjectAltName=IP:127.0.0.1 &&"
             " openssl x509 -req -in leaf.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2"
             "   -copy_extensions copy -out cert.pem",
             nginx.dir);
    assert_int_equal(sh(command), 0);
}

/* ---- The server ---------------------------------------------------------------------------------------------- */

static int loopback_socket(int port, struct sockaddr_in *address)
{
    memset(address, 0, sizeof *address);
    address->sin_family = AF_INET;
    address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address->sin_port = htons((uint16_t)port);
    return socket(AF_INET, SOCK_STREAM, 0);
}

/* A port that was free a moment ago: nginx cannot choose one itself and tell. */
static int free_port(void)
{
    struct sockaddr_in address;
    socklen_t          size = sizeof address;
    int                fd = loopback_socket(0, &address);

    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    close(fd);
    return ntohs(address.sin_port);
}

static int answers(int port)
{
    struct sockaddr_in address;
    int                fd = loopback_socket(port, &address);
    int                is_open = connect(fd, (struct sockaddr *)&address, sizeof address) == 0;

    close(fd);
    return is_open;
}

static void stop(void)
{
    if (nginx.pid > 0) {
        kill(nginx.pid, SIGTERM);
        waitpid(nginx.pid, NULL, 0);
        nginx.pid = 0;
    }
}

/* Waits until nginx listens; 0 when it ended instead (a port was taken between our look and its own). */
static int wait_until_open(void)
{
    const struct timespec pause = { 0, 20 * 1000 * 1000 };

    for (int i = 0; i < 500; i++) {
        if (waitpid(nginx.pid, NULL, WNOHANG) == nginx.pid) {
            nginx.pid = 0;
            return 0;
        }
        if (answers(nginx.plain) && answers(nginx.tls) && answers(nginx.gzip)) {
            return 1;
        }
        nanosleep(&pause, NULL);
    }
    stop();
    return 0;
}

static int start(void)
{
    char command[1024];

    nginx.plain = free_port();
    nginx.tls = free_port();
    nginx.gzip = free_port();
    snprintf(command, sizeof command,
             "sed 's/@PLAIN@/%d/g; s/@TLS@/%d/; s/@GZIP@/%d/' " CASTOR_SOURCE_DIR "/tests/nginx/nginx.conf >%s/nginx.conf",
             nginx.plain, nginx.tls, nginx.gzip, nginx.dir);
    assert_int_equal(sh(command), 0);

    nginx.pid = fork();
    assert_true(nginx.pid >= 0);
    if (nginx.pid == 0) {
        char prefix[80];
        snprintf(prefix, sizeof prefix, "%s/", nginx.dir);
        prctl(PR_SET_PDEATHSIG, SIGTERM); /* so that it does not outlive a test that crashed */
        if (chdir(nginx.dir) == 0 && freopen("nginx.log", "w", stderr)) {
            execl(nginx_path, "nginx", "-p", prefix, "-c", "nginx.conf", "-e", "error.log", (char *)NULL);
        }
        _exit(127);
    }
    return wait_until_open();
}

static int set_up(void **state)
{
    char command[256];

    (void)state;
    strcpy(nginx.dir, "/tmp/castor-nginx-XXXXXX");
    assert_non_null(mkdtemp(nginx.dir));
    snprintf(command, sizeof command, "mkdir %s/www %s/tmp && cp " CASTOR_SOURCE_DIR "/tests/nginx/answers.conf %s/",
             nginx.dir, nginx.dir, nginx.dir);
    assert_int_equal(sh(command), 0);
    write_bodies();
    write_certificates();
    for (int i = 0; i < START_TRIES; i++) {
        if (start()) {
            return 0;
        }
    }
    snprintf(command, sizeof command, "cat %s/nginx.log %s/error.log >&2", nginx.dir, nginx.dir);
    sh(command);
    return -1;
}

static int tear_down(void **state)
{
    char command[128];

    (void)state;
    stop();
    snprintf(command, sizeof command, "rm -rf %s", nginx.dir);
    return sh(command);
}

/* ---- Asking -------------------------------------------------------------------------------------------------- */

typedef struct reply {
    castor_verdict verdict;
    int32_t        http_status;
    size_t         text_len;
    char           text[64]; /* the beginning */
    castor_error   err;
} reply;

static castor_client *client_with(castor_client_options options, int port, const char *answer)
{
    static char           url[128];
    static char           ca_file[128];
    castor_client        *client = NULL;

    snprintf(url, sizeof url, "%s://127.0.0.1:%d/%s", port == nginx.plain ? "http" : "https", port, answer);
    snprintf(ca_file, sizeof ca_file, "%s/ca.pem", nginx.dir);
    options.api_key = "test-key";
    options.base_url = url;
    options.ca_file = ca_file;
    options.proxy = "";
    options.ignore_environment = 1;
    assert_int_equal(castor_client_new(&client, &options, NULL), CASTOR_OK);
    return client;
}

static castor_client *client_for(int port, const char *answer, int force_http1)
{
    castor_client_options options = CASTOR_CLIENT_OPTIONS_INIT;

    options.force_http1 = force_http1;
    return client_with(options, port, answer);
}

static castor_request the_request(castor_turn *turn)
{
    castor_request request = CASTOR_REQUEST_INIT;

    memset(turn, 0, sizeof *turn);
    turn->text = CASTOR_STR("Explain the benefits of renewable energy.");
    request.model = "gemini-3.8-flash";
    request.turns = turn;
    request.turn_count = 1;
    return request;
}

static void keep(reply *told, castor_str text)
{
    size_t used = told->text_len < sizeof told->text - 1 ? told->text_len : sizeof told->text - 1;
    size_t room = sizeof told->text - 1 - used;

    memcpy(told->text + used, text.data, text.len < room ? text.len : room);
    told->text_len += text.len;
}

static reply ask_client(castor_client *client)
{
    reply          told;
    castor_turn    turn;
    castor_request request = the_request(&turn);
    castor_stream *stream = NULL;
    castor_event   event;

    memset(&told, 0, sizeof told);
    assert_int_equal(castor_stream_open(&stream, client, &request, &told.err), CASTOR_OK);
    while (castor_stream_next(stream, &event, &told.err) == CASTOR_STEP_EVENT) {
        if (event.type == CASTOR_EVENT_TEXT) {
            keep(&told, event.text);
        }
    }
    told.verdict = castor_stream_verdict(stream);
    told.http_status = castor_stream_http_status(stream);
    castor_stream_close(stream);
    return told;
}

static reply ask(int port, const char *answer, int force_http1)
{
    castor_client *client = client_for(port, answer, force_http1);
    reply          told = ask_client(client);

    castor_client_free(client);
    return told;
}

/* The same question through each door: plain HTTP/1.1, TLS with HTTP/1.1, with HTTP/2, and HTTP/2 with gzip. */
static void through_every_door(const char *answer, void (*check)(const reply *))
{
    reply told;

    told = ask(nginx.plain, answer, 0);
    check(&told);
    told = ask(nginx.tls, answer, 1);
    check(&told);
    told = ask(nginx.tls, answer, 0);
    check(&told);
    told = ask(nginx.gzip, answer, 0);
    check(&told);
}

/* ---- Tests --------------------------------------------------------------------------------------------------- */

static void is_whole(const reply *told)
{
    assert_string_equal(told->err.message, "");
    assert_string_equal(castor_verdict_name(told->verdict), "COMPLETE");
    assert_string_equal(told->text, answer_text);
    assert_int_equal(told->http_status, 200);
}

static void is_long(const reply *told)
{
    assert_string_equal(castor_verdict_name(told->verdict), "COMPLETE");
    assert_int_equal(told->text_len, LONG_EVENTS * 8);
}

static void is_truncated(const reply *told)
{
    assert_string_equal(castor_verdict_name(told->verdict), "TRUNCATED");
    assert_string_equal(told->text, "Wind and ");
}

static void is_refused(const reply *told)
{
    assert_string_equal(castor_verdict_name(told->verdict), "AUTH");
    assert_int_equal(told->http_status, 400);
    assert_string_equal(told->err.detail, "API_KEY_INVALID");
    assert_null(strstr(told->err.message, "test-key"));
}

static void is_missing(const reply *told)
{
    assert_string_equal(castor_verdict_name(told->verdict), "FAILED");
    assert_int_equal(told->http_status, 404);
}

static void an_event_stream_is_read_through_every_door(void **state)
{
    (void)state;
    through_every_door("sse", is_whole);
}

static void a_json_array_in_place_of_events_is_read_too(void **state)
{
    (void)state;
    through_every_door("array", is_whole);
}

static void twenty_thousand_events_arrive_whole(void **state)
{
    (void)state;
    through_every_door("long", is_long);
}

static void a_clean_end_without_a_finish_reason_is_truncated(void **state)
{
    (void)state;
    through_every_door("truncated", is_truncated);
}

static void a_refused_key_is_told_with_the_reason(void **state)
{
    (void)state;
    through_every_door("refused", is_refused);
}

static void a_page_of_html_in_place_of_an_error_is_a_plain_failure(void **state)
{
    (void)state;
    through_every_door("missing", is_missing);
}

static void the_whole_answer_comes_in_one_call(void **state)
{
    castor_client *client = client_for(nginx.gzip, "unary", 0);
    castor_turn    turn;
    castor_request request = the_request(&turn);
    castor_answer *answer = NULL;

    (void)state;
    assert_int_equal(castor_generate(&answer, client, &request, NULL), CASTOR_OK);
    assert_string_equal(castor_answer_text(answer, 0).data, answer_text);
    castor_answer_free(answer);
    castor_client_free(client);
}

static void a_client_asks_again_on_the_same_connection(void **state)
{
    castor_client *client = client_for(nginx.tls, "sse", 0);

    (void)state;
    for (int i = 0; i < 20; i++) {
        reply told = ask_client(client);
        is_whole(&told);
    }
    castor_client_free(client);
}

/* Counts connections in the log of libcurl. */
static void count_connections(void *user, const char *line)
{
    if (strncmp(line, "Connected to ", 13) == 0) ++*(int *)user;
}

static void count_bytes(void *user, castor_stream *stream, castor_step step, const castor_event *event)
{
    (void)stream;
    if (step == CASTOR_STEP_EVENT && event->type == CASTOR_EVENT_TEXT) *(size_t *)user += event->text.len;
}

/* Two answers of 1.4 MB that nobody takes, and one that is listened to. */
static int read_beside_stalled_ones(int port, int connection_streams_max)
{
    castor_client_options options = CASTOR_CLIENT_OPTIONS_INIT;
    castor_turn           turn;
    castor_request        request = the_request(&turn);
    castor_stream        *streams[3];
    castor_event          event;
    size_t                bytes = 0;
    int                   connections = 0;

    options.log = count_connections;
    options.log_user = &connections;
    options.connection_streams_max = connection_streams_max;
    castor_client *client = client_with(options, port, "long");
    for (int i = 0; i < 3; i++) {
        assert_int_equal(castor_stream_open(&streams[i], client, &request, NULL), CASTOR_OK);
        assert_int_equal(castor_stream_next(streams[i], &event, NULL), CASTOR_STEP_EVENT);
    }
    castor_stream_listen(streams[2], count_bytes, &bytes);
    while (castor_stream_verdict(streams[2]) == CASTOR_VERDICT_NONE) {
        assert_int_equal(castor_client_wait(client, 100, NULL), CASTOR_OK);
    }
    assert_int_equal(bytes + 8, LONG_EVENTS * 8);
    for (int i = 0; i < 2; i++) {
        bytes = 0;
        while (castor_stream_next(streams[i], &event, NULL) == CASTOR_STEP_EVENT) bytes += event.text.len;
        assert_int_equal(castor_stream_verdict(streams[i]), CASTOR_VERDICT_COMPLETE);
        assert_int_equal(bytes + 8, LONG_EVENTS * 8);
    }
    for (int i = 0; i < 3; i++) castor_stream_close(streams[i]);
    castor_client_free(client);
    return connections;
}

static void streams_that_nobody_takes_from_hold_up_no_other_and_lose_nothing(void **state)
{
    (void)state;
    assert_int_equal(read_beside_stalled_ones(nginx.plain, 0), 3);
    assert_int_equal(read_beside_stalled_ones(nginx.tls, 0), 3); /* each can only be stopped on a connection of its own */
    assert_int_equal(read_beside_stalled_ones(nginx.tls, 8), 1);
}

static void a_certificate_of_an_unknown_authority_is_refused(void **state)
{
    castor_client        *client = NULL;
    castor_client_options options = CASTOR_CLIENT_OPTIONS_INIT;
    char                  url[64];
    reply                 told;

    (void)state;
    snprintf(url, sizeof url, "https://127.0.0.1:%d/sse", nginx.tls);
    options.api_key = "test-key";
    options.base_url = url;
    options.proxy = "";
    options.ignore_environment = 1;
    assert_int_equal(castor_client_new(&client, &options, NULL), CASTOR_OK);
    told = ask_client(client);
    assert_string_equal(castor_verdict_name(told.verdict), "NETWORK");
    assert_int_equal(told.text_len, 0);
    castor_client_free(client);
}

#ifdef CASTOR_PATH
/* Runs the command and returns its exit status; what it printed to standard output goes to `out`. */
static int run_castor(const char *arguments, char out[256])
{
    char  command[1024];
    FILE *pipe;
    int   status;

    snprintf(command, sizeof command,
             "env -i PATH=\"$PATH\" HOME=%s GEMINI_API_KEY=test-key " CASTOR_PATH " --ca-file %s/ca.pem %s 2>%s/castor.log",
             nginx.dir, nginx.dir, arguments, nginx.dir);
    pipe = popen(command, "r");
    assert_non_null(pipe);
    out[fread(out, 1, 255, pipe)] = '\0';
    status = pclose(pipe);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void the_command_prints_the_answer_and_exits_with_its_verdict(void **state)
{
    char arguments[256];
    char out[256];

    (void)state;
    snprintf(arguments, sizeof arguments, "--base-url http://127.0.0.1:%d/sse Why?", nginx.plain);
    assert_int_equal(run_castor(arguments, out), 0);
    assert_string_equal(out, "Wind and sun are free.\n");
    snprintf(arguments, sizeof arguments, "--base-url https://127.0.0.1:%d/array Why?", nginx.gzip);
    assert_int_equal(run_castor(arguments, out), 0);
    assert_string_equal(out, "Wind and sun are free.\n");
    snprintf(arguments, sizeof arguments, "--no-stream --base-url https://127.0.0.1:%d/unary Why?", nginx.tls);
    assert_int_equal(run_castor(arguments, out), 0);
    assert_string_equal(out, "Wind and sun are free.\n");
    snprintf(arguments, sizeof arguments, "--base-url http://127.0.0.1:%d/truncated Why?", nginx.plain);
    assert_int_equal(run_castor(arguments, out), 7);
    assert_string_equal(out, "Wind and \n");
    snprintf(arguments, sizeof arguments, "--base-url http://127.0.0.1:%d/refused Why?", nginx.plain);
    assert_int_equal(run_castor(arguments, out), 3);
    assert_string_equal(out, "");
}
#endif

/* Runs last: nginx itself says what the others went over. */
static void the_server_saw_every_protocol_and_gzip(void **state)
{
    char  path[128];
    char *log;

    (void)state;
    stop(); /* which flushes the log */
    snprintf(path, sizeof path, "%s/access.log", nginx.dir);
    log = read_file(path);
    assert_non_null(strstr(log, "HTTP/1.1 200 - /sse/v1beta/models/gemini-3.8-flash:streamGenerateContent?alt=sse"));
    assert_non_null(strstr(log, "HTTP/2.0 200 - /sse/"));
    assert_non_null(strstr(log, "HTTP/2.0 200 gzip /sse/"));
    assert_non_null(strstr(log, "HTTP/2.0 200 gzip /unary/v1beta/models/gemini-3.8-flash:generateContent"));
    assert_null(strstr(log, "test-key"));
    free(log);
}

static const char *find_nginx(void)
{
    static const char *const places[] = { "/usr/sbin/nginx", CASTOR_SOURCE_DIR "/build/deps/usr/sbin/nginx",
                                          "/usr/local/sbin/nginx", "/usr/bin/nginx" };

    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        if (access(places[i], X_OK) == 0) {
            return places[i];
        }
    }
    return NULL;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_event_stream_is_read_through_every_door),
        cmocka_unit_test(a_json_array_in_place_of_events_is_read_too),
        cmocka_unit_test(twenty_thousand_events_arrive_whole),
        cmocka_unit_test(a_clean_end_without_a_finish_reason_is_truncated),
        cmocka_unit_test(a_refused_key_is_told_with_the_reason),
        cmocka_unit_test(a_page_of_html_in_place_of_an_error_is_a_plain_failure),
        cmocka_unit_test(the_whole_answer_comes_in_one_call),
        cmocka_unit_test(a_client_asks_again_on_the_same_connection),
        cmocka_unit_test(streams_that_nobody_takes_from_hold_up_no_other_and_lose_nothing),
        cmocka_unit_test(a_certificate_of_an_unknown_authority_is_refused),
#ifdef CASTOR_PATH
        cmocka_unit_test(the_command_prints_the_answer_and_exits_with_its_verdict),
#endif
        cmocka_unit_test(the_server_saw_every_protocol_and_gzip),
    };

    nginx_path = find_nginx();
    if (!nginx_path || sh("command -v openssl >/dev/null") != 0) {
        puts("skipped: needs nginx and openssl (./setup)");
        return SKIPPED;
    }
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
