/* test_in_process.c -- the twin inside the program that tests its client: libpollux.a beside libcastor.a.
 * SPDX-License-Identifier: MIT
 *
 * That this links at all is half of the test: both archives, and the toolbox too, bring the same ground along.
 */
#include <castor/pollux.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "castor/castor.h"
#include "twin.h"

static pollux *start(tst_pollux *at, const char *const *words)
{
    pollux_options options = POLLUX_OPTIONS_INIT;
    pollux        *twin = NULL;
    char           why[256] = "";

    options.words = words;
    const char *url = pollux_start(&twin, &options, why, sizeof why);
    if (!url) fail_msg("%s", why);
    assert_int_equal(sscanf(url, "http://127.0.0.1:%d", &at->port), 1);
    return twin;
}

static void play(pollux *twin, const char *script)
{
    char why[256] = "";

    if (!pollux_play(twin, script, why, sizeof why)) fail_msg("%s", why);
}

static void assert_refused(const char *const *words, const char *expected)
{
    pollux_options options = POLLUX_OPTIONS_INIT;
    pollux        *twin = (pollux *)1;
    char           why[256] = "";

    options.words = words;
    assert_null(pollux_start(&twin, &options, why, sizeof why));
    assert_null(twin);
    if (!strstr(why, expected)) fail_msg("\"%s\" does not say \"%s\"", why, expected);
    assert_null(pollux_start(&twin, &options, NULL, 0));
}

static void assert_says(const tst_pollux *p, const char *prompt, const char *expected)
{
    char body[512];

    snprintf(body, sizeof body, PROMPT("%s"), prompt);
    tst_answer a = tst_ask(p, WHOLE, body);
    assert_int_equal(a.status, 200);
    tst_contains(&a, expected);
    tst_forget(&a);
}

/* ---- answers ---- */

static void a_blocking_client_in_the_same_thread_gets_an_answer(void **state)
{
    castor_client_options options = CASTOR_CLIENT_OPTIONS_INIT;
    castor_turn           turn = { .role = CASTOR_USER, .text = CASTOR_STR("Why dams?") };
    castor_request        request = CASTOR_REQUEST_INIT;
    castor_client        *client = NULL;
    castor_answer        *answer = NULL;
    castor_error          err = { 0 };
    pollux               *twin = NULL;

    (void)state;
    options.base_url = pollux_start(&twin, NULL, NULL, 0);
    options.api_key = "test-key";
    options.proxy = "";
    assert_non_null(options.base_url);
    play(twin, "# Dams\n\n## Why dams?\n= To keep the lodge dry.\n");
    request.model = "gemini-3.8-flash";
    request.turns = &turn;
    request.turn_count = 1;
    assert_int_equal(castor_client_new(&client, &options, &err), CASTOR_OK);
    if (castor_generate(&answer, client, &request, &err) != CASTOR_OK) fail_msg("%s", err.message);
    assert_string_equal(castor_answer_text(answer, 0).data, "To keep the lodge dry.");
    castor_answer_free(answer);
    castor_client_free(client);
    pollux_stop(twin);
}

static void the_script_that_came_last_is_asked_first(void **state)
{
    tst_pollux at;
    pollux    *twin = start(&at, NULL);

    (void)state;
    assert_says(&at, "What is photosynthesis?", "chlorophyll");
    play(twin, "## Any\n? *\n= The first.\n");
    assert_says(&at, "What is photosynthesis?", "The first.");
    play(twin, "## Plants\n? photosynthesis\n= The second.\n");
    assert_says(&at, "What is photosynthesis?", "The second.");
    assert_says(&at, "Why dams?", "The first.");
    pollux_stop(twin);
}

static void what_is_no_script_is_refused_with_its_line(void **state)
{
    tst_pollux at;
    pollux    *twin = start(&at, NULL);
    char       why[256] = "";

    (void)state;
    assert_int_equal(pollux_play(twin, "## One\n<data: x\n", why, sizeof why), 0);
    if (!strstr(why, "script:2:")) fail_msg("%s", why);
    assert_int_equal(pollux_play(twin, "", why, sizeof why), 0);
    assert_int_equal(pollux_play(twin, "", NULL, 0), 0);
    assert_says(&at, "What is photosynthesis?", "chlorophyll");
    pollux_stop(twin);
}

/* ---- faults ---- */

static int status_of(const tst_pollux *at)
{
    tst_answer a = tst_ask(at, WHOLE, PROMPT("What is photosynthesis?"));
    int        status = a.status;

    tst_forget(&a);
    return status;
}

static void as_many_answers_are_spoilt_as_were_asked_for(void **state)
{
    tst_pollux at;
    pollux    *twin = start(&at, NULL);
    char       why[256] = "";

    (void)state;
    assert_int_equal(pollux_spoil(twin, "status=429:rpd", 2, why, sizeof why), 1);
    assert_int_equal(pollux_spoil(twin, "status=503", 1, why, sizeof why), 1);
    assert_int_equal(status_of(&at), 429);
    assert_int_equal(status_of(&at), 429);
    assert_int_equal(status_of(&at), 503);
    assert_int_equal(status_of(&at), 200);
    assert_int_equal(pollux_spoil(twin, "status=500", 0, why, sizeof why), 1);
    for (int i = 0; i < 5; i++) assert_int_equal(status_of(&at), 500);
    assert_int_equal(pollux_spoil(twin, NULL, 0, why, sizeof why), 1);
    assert_int_equal(status_of(&at), 200);
    assert_int_equal(pollux_requests(twin, NULL), 10);
    pollux_stop(twin);
}

static void a_stream_can_be_cut(void **state)
{
    tst_pollux at;
    pollux    *twin = start(&at, NULL);

    (void)state;
    assert_int_equal(pollux_spoil(twin, "cut@event=2", 1, NULL, 0), 1);
    tst_answer a = tst_ask(&at, STREAM, PROMPT("What is photosynthesis?"));
    assert_int_equal(a.status, 200);
    assert_false(a.is_whole);
    tst_lacks(&a, "finishReason");
    tst_forget(&a);
    pollux_stop(twin);
}

static void what_is_no_fault_is_refused_with_a_sentence(void **state)
{
    tst_pollux at;
    pollux    *twin = start(&at, NULL);
    char       why[256] = "";

    (void)state;
    assert_int_equal(pollux_spoil(twin, "sprain", 1, why, sizeof why), 0);
    assert_non_null(strstr(why, "sprain"));
    assert_int_equal(pollux_spoil(twin, "", 1, NULL, 0), 0);
    assert_int_equal(status_of(&at), 200);
    pollux_stop(twin);
}

/* ---- requests ---- */

static void requests_are_counted_and_the_last_can_be_looked_at(void **state)
{
    pollux_request last = POLLUX_REQUEST_INIT;
    tst_pollux     at;
    pollux        *twin = start(&at, NULL);
    tst_answer     a;

    (void)state;
    assert_int_equal(pollux_requests(twin, &last), 0);
    assert_null(last.method);
    assert_null(last.body);
    a = tst_ask_with(&at, STREAM, KEY "X-Mine: 7\r\n", PROMPT("Why dams?"));
    tst_forget(&a);
    assert_int_equal(pollux_requests(twin, &last), 1);
    assert_string_equal(last.method, "POST");
    assert_string_equal(last.target, STREAM);
    assert_non_null(strstr(last.headers, "X-Mine: 7\n"));
    assert_string_equal(last.body, PROMPT("Why dams?"));
    assert_int_equal(last.body_len, strlen(PROMPT("Why dams?")));

    a = tst_call(&at, "GET", "/v1beta/models", "", NULL); /* no key: refused, and counted */
    assert_int_equal(a.status, 403);
    tst_forget(&a);
    a = tst_call(&at, "GET", "/pollux/health", "", NULL); /* not of the API: not counted */
    tst_forget(&a);
    assert_int_equal(pollux_requests(twin, NULL), 2);
    assert_int_equal(pollux_requests(twin, &last), 2);
    assert_string_equal(last.target, "/v1beta/models");
    assert_string_equal(last.body, "");
    pollux_stop(twin);
}

/* ---- threads ---- */

enum { ASKERS = 4, ASKS = 25 };

typedef struct asker {
    uv_thread_t thread;
    tst_pollux  at;
    pollux     *twin;
    int         number;
    size_t      good_count;
} asker;

static void ask_and_play(void *user)
{
    asker *one = user;
    char   script[128];
    char   body[128];

    for (int i = 0; i < ASKS; i++) {
        snprintf(script, sizeof script, "## Thread %d asks %d\n= Answer %d.%d\n", one->number, i, one->number, i);
        snprintf(body, sizeof body, PROMPT("Thread %d asks %d"), one->number, i);
        if (!pollux_play(one->twin, script, NULL, 0) || pollux_requests(one->twin, NULL) > ASKERS * ASKS) return;
        tst_answer a = tst_ask(&one->at, WHOLE, body);
        snprintf(body, sizeof body, "Answer %d.%d\"", one->number, i);
        one->good_count += strstr(a.body, body) != NULL;
        tst_forget(&a);
    }
}

static void many_threads_may_ask_and_play_at_once(void **state)
{
    asker      askers[ASKERS];
    tst_pollux at;
    pollux    *twin = start(&at, NULL);

    (void)state;
    for (int i = 0; i < ASKERS; i++) {
        askers[i] = (asker){ .at = at, .twin = twin, .number = i };
        assert_int_equal(uv_thread_create(&askers[i].thread, ask_and_play, &askers[i]), 0);
    }
    for (int i = 0; i < ASKERS; i++) {
        uv_thread_join(&askers[i].thread);
        assert_int_equal(askers[i].good_count, ASKS);
    }
    assert_int_equal(pollux_requests(twin, NULL), ASKERS * ASKS);
    pollux_stop(twin);
}

static void twins_know_nothing_of_each_other(void **state)
{
    tst_pollux at[3];
    pollux    *twins[3];

    (void)state;
    for (int i = 0; i < 3; i++) twins[i] = start(&at[i], NULL);
    play(twins[1], "## Any\n? *\n= Only here.\n");
    assert_says(&at[1], "What is photosynthesis?", "Only here.");
    assert_says(&at[0], "What is photosynthesis?", "chlorophyll");
    pollux_stop(twins[0]);
    assert_says(&at[2], "What is photosynthesis?", "chlorophyll");
    assert_int_equal(pollux_requests(twins[1], NULL), 1);
    assert_int_equal(pollux_requests(twins[2], NULL), 1);
    pollux_stop(twins[1]);
    pollux_stop(twins[2]);
    pollux_stop(NULL);
}

/* ---- a good guest ---- */

static void assert_default(int signal_number)
{
    struct sigaction action;
    sigset_t         blocked;

    assert_int_equal(sigaction(signal_number, NULL, &action), 0);
    assert_true(action.sa_handler == SIG_DFL);
    assert_int_equal(sigprocmask(SIG_SETMASK, NULL, &blocked), 0);
    assert_false(sigismember(&blocked, signal_number));
}

static void signals_stay_the_programs(void **state)
{
    static const int signals[] = { SIGTERM, SIGINT, SIGPIPE, SIGHUP, SIGCHLD };
    tst_pollux       at;
    pollux          *twin = start(&at, NULL);

    (void)state;
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) assert_default(signals[i]);
    pollux_stop(twin);
}

/* Our stderr, caught by a pipe: its reading end. */
static int catch_stderr(int *own)
{
    int ends[2];

    *own = dup(2);
    assert_int_equal(pipe(ends), 0);
    dup2(ends[1], 2);
    close(ends[1]);
    return ends[0];
}

static void release_stderr(int own)
{
    dup2(own, 2);
    close(own);
}

/* What is written to it then raises SIGPIPE, which ends a program that does nothing about it. */
static void a_client_that_leaves_does_no_harm(void **state)
{
    pollux_options options = POLLUX_OPTIONS_INIT;
    pollux        *twin = NULL;
    tst_pollux     at = { .port = 0 };
    char           log[256] = "";
    int            own, errors = catch_stderr(&own);

    (void)state;
    options.words = (const char *const[]){ "--rate", "1000", NULL };
    options.logs_requests = 1;
    const char *url = pollux_start(&twin, &options, NULL, 0);
    if (url && sscanf(url, "http://127.0.0.1:%d", &at.port) == 1) {
        tst_link l = tst_connect(&at);
        tst_post(&l, STREAM, KEY, PROMPT("Explain the benefits of renewable energy."));
        tst_find_behind(&l, "data: ");
        tst_hang_up(&l);
        tst_read_line(errors, log, sizeof log);
    }
    pollux_stop(twin);
    release_stderr(own);
    close(errors);
    if (!strstr(log, "(client lost)")) fail_msg("%s", log);
}

static void stopping_cuts_what_is_under_way(void **state)
{
    tst_pollux at;
    pollux    *twin = start(&at, (const char *const[]){ "--rate", "1", NULL }); /* minutes for an answer */
    tst_answer a;

    (void)state;
    tst_link l = tst_connect(&at);
    tst_post(&l, STREAM, KEY, PROMPT("Explain the benefits of renewable energy."));
    assert_true(tst_read_head(&l, &a));
    assert_true(tst_read_chunk(&l, &a));
    pollux_stop(twin);
    while (tst_read_chunk(&l, &a)) continue;
    assert_false(a.is_whole);
    tst_forget(&a);
    tst_hang_up(&l);
}

static void no_descriptor_is_left_behind(void **state)
{
    tst_pollux at;

    (void)state;
    pollux_stop(start(&at, NULL)); /* what libuv opens once for all its loops stays open */
    int before = dup(0);           /* the lowest free one */
    close(before);
    for (int i = 0; i < 20; i++) {
        pollux *twin = start(&at, NULL);
        assert_says(&at, "What is photosynthesis?", "chlorophyll");
        pollux_stop(twin);
    }
    int after = dup(0);
    assert_int_equal(after, before);
    close(after);
}

/* What the twin says on stderr while it is asked once. */
static void listen_to(bool logs, char *text, size_t size)
{
    pollux_options options = POLLUX_OPTIONS_INIT;
    pollux        *twin = NULL;
    tst_pollux     at;
    int            own, errors = catch_stderr(&own);

    options.logs_requests = logs;
    const char *url = pollux_start(&twin, &options, NULL, 0);
    if (url && sscanf(url, "http://127.0.0.1:%d", &at.port) == 1) {
        tst_answer a = tst_call(&at, "GET", "/v1beta/models", KEY, NULL);
        tst_forget(&a);
    }
    pollux_stop(twin);
    release_stderr(own);
    tst_read_all(errors, text, size);
    close(errors);
}

static void it_prints_nothing_unless_told_to(void **state)
{
    char text[1024];

    (void)state;
    listen_to(false, text, sizeof text);
    assert_string_equal(text, "");
    listen_to(true, text, sizeof text);
    assert_non_null(strstr(text, "GET /v1beta/models 200"));
}

/* ---- options ---- */

static void words_count_as_on_the_command_line(void **state)
{
    tst_pollux at;
    char       path[] = "/tmp/castor-in-process-XXXXXX";
    int        fd = mkstemp(path);
    char       script[] = "# T\n\n## Any\n? *\n= From a file.\n";

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(write(fd, script, strlen(script)), (ssize_t)strlen(script));
    close(fd);
    const char *words[] = { "--script", path, "--ttft=1-2", NULL };
    pollux     *twin = start(&at, words);
    unlink(path);
    memset(path, 'x', sizeof path - 1); /* nothing of the options is kept */
    assert_says(&at, "Why dams?", "From a file.");
    pollux_stop(twin);
}

static void wrong_words_are_refused_with_a_sentence(void **state)
{
    const char *many[600];

    (void)state;
    assert_refused((const char *const[]){ "--no-such", NULL }, "There is no option \"--no-such\".");
    assert_refused((const char *const[]){ "--port", NULL }, "--port wants a value.");
    assert_refused((const char *const[]){ "--help", NULL }, "command line");
    assert_refused((const char *const[]){ "--script", "/nowhere/x.md", NULL }, "Cannot read the script /nowhere/x.md");
    for (size_t i = 0; i < 599; i++) many[i] = "-q";
    many[599] = NULL;
    assert_refused(many, "Too many words");
}

static void a_port_that_is_taken_is_told(void **state)
{
    tst_pollux at;
    pollux    *twin = start(&at, NULL);
    char       port[16];

    (void)state;
    snprintf(port, sizeof port, "%d", at.port);
    assert_refused((const char *const[]){ "--port", port, NULL }, "Cannot listen on 127.0.0.1 port");
    pollux_stop(twin);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_blocking_client_in_the_same_thread_gets_an_answer),
        cmocka_unit_test(the_script_that_came_last_is_asked_first),
        cmocka_unit_test(what_is_no_script_is_refused_with_its_line),
        cmocka_unit_test(as_many_answers_are_spoilt_as_were_asked_for),
        cmocka_unit_test(a_stream_can_be_cut),
        cmocka_unit_test(what_is_no_fault_is_refused_with_a_sentence),
        cmocka_unit_test(requests_are_counted_and_the_last_can_be_looked_at),
        cmocka_unit_test(many_threads_may_ask_and_play_at_once),
        cmocka_unit_test(twins_know_nothing_of_each_other),
        cmocka_unit_test(signals_stay_the_programs),
        cmocka_unit_test(a_client_that_leaves_does_no_harm),
        cmocka_unit_test(stopping_cuts_what_is_under_way),
        cmocka_unit_test(no_descriptor_is_left_behind),
        cmocka_unit_test(it_prints_nothing_unless_told_to),
        cmocka_unit_test(words_count_as_on_the_command_line),
        cmocka_unit_test(wrong_words_are_refused_with_a_sentence),
        cmocka_unit_test(a_port_that_is_taken_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
