/* test_verdicts.c -- every verdict, in each dialect, over each transport, however the bytes are cut: always the same.
 * SPDX-License-Identifier: MIT
 *
 * One table has a row for each verdict at least, with what pollux is asked for to bring it about; a dialect that cannot
 * say it has no fault in its column, and a word on why. All of it is under way at the same time. The command is run
 * once for each row: its exit status is the verdict's.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base.h"
#include "castor/castor.h"
#include "twin.h"

#ifndef CASTOR_PATH
#define CASTOR_PATH "./castor"
#endif

enum { DIALECTS = 3, CUTS = 4, PLACES = 3, IDLE_MS = 400 };

typedef enum sight { ALL, SOME, NOTHING } sight; /* of the text */

typedef struct row {
    const char    *what;
    castor_verdict verdict;
    int            exit_status;
    sight          text;
    const char    *faults[DIALECTS]; /* gemini, openai, message. NULL: it cannot be said; "": nothing is spoilt */
    const char    *prompt;           /* NULL: the script's */
    const char    *why;              /* a column is empty */
} row;

#define EACH(fault) { fault, fault, fault }

static const row rows[] = {
    { "a natural stop", CASTOR_VERDICT_COMPLETE, 0, ALL, EACH(""), NULL, NULL },
    { "the server failed", CASTOR_VERDICT_FAILED, 1, NOTHING, EACH("status=500"), NULL, NULL },
    { "it failed in the middle", CASTOR_VERDICT_FAILED, 1, SOME, EACH("error@event=2"), NULL, NULL },
    { "an unknown reason", CASTOR_VERDICT_FAILED, 1, ALL, { "finish=fishing", "finish=fishing", NULL }, NULL,
      "the legacy method has no reasons" },
    { "no permission", CASTOR_VERDICT_AUTH, 3, NOTHING, EACH("status=403:leaked"), NULL, NULL },
    { "a quota of the minute", CASTOR_VERDICT_QUOTA_NOW, 4, NOTHING, EACH("status=429:rpm"), NULL, NULL },
    { "a quota in the middle", CASTOR_VERDICT_QUOTA_NOW, 4, SOME, EACH("error=event:429@event=2"), NULL, NULL },
    { "a quota of the day", CASTOR_VERDICT_QUOTA_DAY, 5, NOTHING, EACH("status=429:rpd"), NULL, NULL },
    { "the answer was stopped", CASTOR_VERDICT_BLOCKED, 6, ALL,
      { "finish=RECITATION", "finish=content_filter: RECITATION", NULL }, NULL, "the legacy method has no reasons" },
    { "the prompt was blocked", CASTOR_VERDICT_BLOCKED, 6, NOTHING, EACH(""), "pollux: block SAFETY", NULL },
    { "no reason to finish", CASTOR_VERDICT_TRUNCATED, 7, ALL, { "nofinish", "nofinish,nodone", NULL }, NULL,
      "\"done\" is what the legacy method has, and it is told or cut" },
    { "cut after content", CASTOR_VERDICT_TRUNCATED, 7, SOME, EACH("cut@event=2"), NULL, NULL },
    { "the token limit", CASTOR_VERDICT_MAX_TOKENS, 8, ALL, { "finish=MAX_TOKENS", "finish=length", NULL }, NULL,
      "the legacy method has no reasons" },
    { "silence", CASTOR_VERDICT_TIMEOUT, 9, SOME, EACH("stall@event=2"), NULL, NULL },
    { "cut before content", CASTOR_VERDICT_NETWORK, 10, NOTHING, EACH("cut@byte=10"), NULL, NULL },
    { "bytes that are not the protocol", CASTOR_VERDICT_MALFORMED, 11, SOME, EACH("garbage@event=2"), NULL, NULL },
    { "JSON that breaks off", CASTOR_VERDICT_MALFORMED, 11, SOME, { "torn@event=3", "torn@event=3", NULL }, NULL,
      "without lines the next record is taken for a part of the broken one, up to the end: TRUNCATED" },
    { "a malformed call", CASTOR_VERDICT_MALFORMED, 11, ALL,
      { "finish=MALFORMED_FUNCTION_CALL", "finish=function_call_filter: X", NULL }, NULL, "no calls there" },
    { "nothing to show", CASTOR_VERDICT_EMPTY, 12, NOTHING, EACH(""), "pollux: empty", NULL },
    { "not one event", CASTOR_VERDICT_EMPTY, 12, NOTHING, EACH("empty=200"), NULL, NULL },
};

enum { ROWS = sizeof rows / sizeof *rows };

/* How the bytes leave, beside the row's fault. */
static const char *const cuts[CUTS] = { "", "packets=1:0", "packets=23:0", "splits=7:90" };

static const castor_dialect dialects[DIALECTS] = { CASTOR_DIALECT_GEMINI, CASTOR_DIALECT_OPENAI,
                                                   CASTOR_DIALECT_MESSAGE };
static const char *const    models[DIALECTS] = { "gemini-3.8-flash", "gemini-3.8-flash", "chat-bison-001" };

#define TEXT "Castor \"übt\" 😀, Pollux stört, und beide bleiben doch immer Freunde."

/* Over HTTP/1.1 in the clear, over HTTP/1.1 and TLS, over HTTP/2. */
enum { CLEAR, SECURE_H1, SECURE_H2 };
static tst_pollux clear_twin, secure_twin;

/* One answer under test. */
typedef struct one {
    castor_stream *stream;
    cst_buf        text;
} one;

static one all[ROWS][DIALECTS][CUTS];

/* ---- the twins ---- */

static void put_case(FILE *file, int i, int dialect, int cut)
{
    const char *fault = rows[i].faults[dialect];

    fprintf(file, "## Case %d-%d-%d\n? case-%d-%d-%d.\n", i, dialect, cut, i, dialect, cut);
    if (*fault || *cuts[cut]) fprintf(file, "@ fault: %s%s%s\n", fault, *fault && *cuts[cut] ? "," : "", cuts[cut]);
    fprintf(file, "= " TEXT "\n");
}

static void write_script(char *path)
{
    strcpy(path, "/tmp/castor-verdicts-XXXXXX");
    FILE *file = fdopen(mkstemp(path), "w");

    assert_non_null(file);
    fprintf(file, "# What the verdicts ask for\n");
    for (int i = 0; i < ROWS; i++) {
        for (int dialect = 0; dialect < DIALECTS; dialect++) {
            for (int cut = 0; cut < CUTS && rows[i].faults[dialect]; cut++) put_case(file, i, dialect, cut);
        }
    }
    assert_int_equal(fclose(file), 0);
}

static int start_twins(void **state)
{
    char script[64];

    (void)state;
    write_script(script);
    clear_twin = TST_POLLUX("--instant", "--quiet", "--grace", "0", "--script", script);
    secure_twin = TST_POLLUX("--instant", "--quiet", "--grace", "0", "--script", script, "--tls");
    remove(script);
    return 0;
}

static int stop_twins(void **state)
{
    (void)state;
    tst_pollux_stop(&clear_twin);
    tst_pollux_stop(&secure_twin);
    return 0;
}

static void put_url(char url[96], int place, int dialect)
{
    snprintf(url, 96, "%s://127.0.0.1:%d%s", place == CLEAR ? "http" : "https",
             place == CLEAR ? clear_twin.port : secure_twin.port,
             dialects[dialect] == CASTOR_DIALECT_OPENAI ? "/v1beta/openai" : "");
}

static castor_client *new_client(int place, int dialect, bool is_patient)
{
    castor_client_options options = CASTOR_CLIENT_OPTIONS_INIT;
    castor_retry_options  retry = CASTOR_RETRY_OPTIONS_INIT;
    castor_client        *client;
    castor_error          err;
    char                  url[96];

    put_url(url, place, dialect);
    retry.attempts_max = 1; /* tests/test_matrix.c has more */
    options.retry = &retry;
    options.api_key = "test-key";
    options.base_url = url;
    options.dialect = dialects[dialect];
    options.ignore_environment = 1;
    options.ca_file = place == CLEAR ? NULL : secure_twin.authority;
    options.force_http1 = place == SECURE_H1;
    options.first_byte_timeout_ms = CASTOR_NO_LIMIT;
    options.idle_timeout_ms = is_patient ? CASTOR_NO_LIMIT : IDLE_MS;
    if (castor_client_new(&client, &options, &err) != CASTOR_OK) fail_msg("%s", err.message);
    return client;
}

/* ---- the answers ---- */

static const char *prompt_of(int i, int dialect, int cut, char prompt[64])
{
    snprintf(prompt, 64, "case-%d-%d-%d.", i, dialect, cut);
    return rows[i].prompt ? rows[i].prompt : prompt;
}

static void open_one(castor_client *client, int i, int dialect, int cut)
{
    char           prompt[64];
    castor_turn    turn = { .role = CASTOR_USER, .text = castor_str_of(prompt_of(i, dialect, cut, prompt)) };
    castor_request request = CASTOR_REQUEST_INIT;
    castor_error   err;
    one           *it = &all[i][dialect][cut];

    cst_buf_init(&it->text, cst_allocator_default(), SIZE_MAX / 2);
    request.model = models[dialect];
    request.turns = &turn;
    request.turn_count = 1;
    if (castor_stream_open(&it->stream, client, &request, &err) != CASTOR_OK) fail_msg("%s", err.message);
}

static bool is_text_right(int i, castor_str text)
{
    bool is_prefix = cst_str_starts_with(castor_str_of(TEXT), text.len ? text.data : "");

    if (rows[i].text == ALL) return cst_str_is(text, TEXT);
    return is_prefix && (rows[i].text == NOTHING ? text.len == 0 : text.len > 0 && text.len < strlen(TEXT));
}

/* What was known of an answer before its end is known behind it. The legacy method tells neither; chat completions tell
 * the usage with their last event. */
static bool keeps_facts(const one *it, int i, int dialect)
{
    bool has_id = castor_stream_response_id(it->stream).len > 0;
    bool has_usage = castor_stream_usage(it->stream).prompt_tokens.is_set;

    if (rows[i].text == NOTHING || dialects[dialect] == CASTOR_DIALECT_MESSAGE) return true;
    return has_id && (has_usage || dialects[dialect] == CASTOR_DIALECT_OPENAI);
}

static bool end_one(int i, int dialect, int cut)
{
    castor_event event;
    castor_error err = { .message = "" };
    one         *it = &all[i][dialect][cut];

    while (castor_stream_next(it->stream, &event, &err) == CASTOR_STEP_EVENT) {
        if (event.type == CASTOR_EVENT_TEXT) assert_int_equal(cst_buf_append_str(&it->text, event.text), CASTOR_OK);
    }
    castor_verdict verdict = castor_stream_verdict(it->stream);
    bool           is_right = verdict == rows[i].verdict && is_text_right(i, cst_buf_view(&it->text));
    if (is_right) is_right = keeps_facts(it, i, dialect);
    if (!is_right) {
        print_error("%s, %s, %s: %s (%s), %zu bytes of text\n", rows[i].what, castor_dialect_name(dialects[dialect]),
                    cuts[cut], castor_verdict_name(verdict), err.message, it->text.len);
    }
    castor_stream_close(it->stream);
    cst_buf_free(&it->text);
    return is_right;
}

static bool is_of_client(int i, int dialect, bool is_patient)
{
    return rows[i].faults[dialect] && (rows[i].verdict != CASTOR_VERDICT_TIMEOUT) == is_patient;
}

static int run_client(int place, int dialect, bool is_patient)
{
    castor_client *client = new_client(place, dialect, is_patient);
    int            bad = 0;

    for (int i = 0; i < ROWS; i++) {
        for (int cut = 0; cut < CUTS && is_of_client(i, dialect, is_patient); cut++) open_one(client, i, dialect, cut);
    }
    for (int i = 0; i < ROWS; i++) {
        for (int cut = 0; cut < CUTS && is_of_client(i, dialect, is_patient); cut++) bad += !end_one(i, dialect, cut);
    }
    castor_client_free(client);
    return bad;
}

static void run_place(int place)
{
    int bad = 0;

    for (int dialect = 0; dialect < DIALECTS; dialect++) {
        bad += run_client(place, dialect, true) + run_client(place, dialect, false);
    }
    assert_int_equal(bad, 0);
}

static void over_http_1_in_the_clear(void **state)
{
    (void)state;
    run_place(CLEAR);
}

static void over_http_1_and_tls(void **state)
{
    (void)state;
    run_place(SECURE_H1);
}

static void over_http_2(void **state)
{
    (void)state;
    run_place(SECURE_H2);
}

/* ---- what no server can bring about ---- */

static void a_cancelled_answer_keeps_what_was_told(void **state)
{
    castor_event event;

    (void)state;
    for (int place = 0; place < PLACES; place++) {
        castor_client *client = new_client(place, 0, true);
        one           *it = &all[0][0][0];
        open_one(client, 0, 0, 0);
        do assert_int_equal(castor_stream_next(it->stream, &event, NULL), CASTOR_STEP_EVENT);
        while (event.type != CASTOR_EVENT_USAGE);
        castor_stream_cancel(it->stream);
        while (castor_stream_next(it->stream, &event, NULL) == CASTOR_STEP_EVENT) continue;
        assert_int_equal(castor_stream_verdict(it->stream), CASTOR_VERDICT_CANCELLED);
        assert_true(castor_stream_response_id(it->stream).len > 0);
        assert_true(castor_stream_usage(it->stream).prompt_tokens.is_set);
        castor_stream_close(it->stream);
        cst_buf_free(&it->text);
        castor_client_free(client);
    }
}

/* BUDGET has no way to come about yet: the header says "reserved". */
static void every_verdict_has_a_row(void **state)
{
    (void)state;
    for (int verdict = CASTOR_VERDICT_COMPLETE; verdict < CASTOR_VERDICT_BUDGET; verdict++) {
        int i = 0;
        while (i < ROWS && rows[i].verdict != (castor_verdict)verdict) i++;
        if (i == ROWS) fail_msg("no row for %s", castor_verdict_name((castor_verdict)verdict));
    }
}

/* ---- the command ---- */

static int run_command(int i)
{
    char  prompt[64], url[96];
    pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0) {
        put_url(url, CLEAR, 0);
        setenv("GOOGLE_API_KEY", "test-key", 1);
        bool is_quiet = freopen("/dev/null", "r", stdin) && freopen("/dev/null", "w", stdout) &&
                        freopen("/dev/null", "w", stderr);
        if (!is_quiet) _exit(99);
        execl(CASTOR_PATH, CASTOR_PATH, "--retries", "0", "--base-url", url, prompt_of(i, 0, 0, prompt), (char *)NULL);
        _exit(99);
    }
    return tst_exit_status(child);
}

static void the_command_exits_with_the_status_of_the_verdict(void **state)
{
    (void)state;
    for (int i = 0; i < ROWS; i++) {
        assert_int_equal(castor_verdict_exit(rows[i].verdict), rows[i].exit_status);
        if (rows[i].verdict == CASTOR_VERDICT_TIMEOUT) continue; /* it has no option for this limit */
        int status = run_command(i);
        if (status != rows[i].exit_status) fail_msg("%s: exit status %d", rows[i].what, status);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(over_http_1_in_the_clear),
        cmocka_unit_test(over_http_1_and_tls),
        cmocka_unit_test(over_http_2),
        cmocka_unit_test(a_cancelled_answer_keeps_what_was_told),
        cmocka_unit_test(every_verdict_has_a_row),
        cmocka_unit_test(the_command_exits_with_the_status_of_the_verdict),
    };

    return cmocka_run_group_tests(tests, start_twins, stop_twins);
}
