/* test_faces.c -- every wire case through each face: pulled, told to a listener, taken whole, and decoded as recorded.
 * SPDX-License-Identifier: MIT
 *
 * Pollux plays the documents of tests/wire. What the decoder makes of a case's bytes is compared, event for event and
 * in the end, with what comes out of a stream that is pulled, of one that is listened to, and of castor_generate; and the
 * exit status of "castor decode" is to be that of its verdict.
 */
#include <castor/pollux.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "script/script.h"
#include "support.h"
#include "twin.h"

#ifndef CASTOR_PATH
#define CASTOR_PATH "./castor"
#endif

enum { CASES_AT_LEAST = 100 };

typedef struct view { /* what one face saw */
    cst_buf        events; /* lines, but for the counts of tokens: castor_generate knows the last only */
    castor_verdict verdict;
    castor_status  status;
} view;

static castor_dialect dialect_of(const plx_case *one)
{
    switch (one->dialect) {
    case PLX_CASE_OPENAI: return CASTOR_DIALECT_OPENAI;
    case PLX_CASE_MESSAGE: return CASTOR_DIALECT_MESSAGE;
    default: return CASTOR_DIALECT_GEMINI;
    }
}

static castor_client *new_client(const char *twin_url, const plx_case *one)
{
    castor_client_options options = CASTOR_CLIENT_OPTIONS_INIT;
    castor_retry_options  retry = CASTOR_RETRY_OPTIONS_INIT;
    castor_client        *client;
    castor_error          err;
    char                  url[128];

    snprintf(url, sizeof url, "%s%s", twin_url, one->dialect == PLX_CASE_OPENAI ? "/v1beta/openai" : "");
    retry.attempts_max = 1;
    options.retry = &retry;
    options.api_key = "test-key";
    options.base_url = url;
    options.dialect = dialect_of(one);
    options.event_bytes_max = one->event_bytes_max;
    options.ignore_environment = 1;
    if (castor_client_new(&client, &options, &err) != CASTOR_OK) fail_msg("%s", err.message);
    return client;
}

static castor_request request_for(const plx_case *one, castor_turn *turn)
{
    castor_request request = CASTOR_REQUEST_INIT;

    *turn = (castor_turn){ .role = CASTOR_USER, .text = one->heading };
    request.model = one->dialect == PLX_CASE_MESSAGE ? "chat-bison-001" : "gemini-3.8-flash";
    request.turns = turn;
    request.turn_count = 1;
    request.hops_max = 1; /* a decoder has but one body */
    return request;
}

/* ---- faces ---- */

static void begin_view(view *out)
{
    *out = (view){ .status = CASTOR_OK };
    cst_buf_init(&out->events, cst_allocator_default(), SIZE_MAX / 2);
    assert_int_equal(cst_buf_append_text(&out->events, ""), CASTOR_OK);
}

static void see_event(view *out, const castor_event *event)
{
    static const castor_usage unknown = { .is_partial = 0 };

    if (event->type == CASTOR_EVENT_USAGE) return;
    tst_print_event(&out->events, event, &unknown);
    assert_int_equal(cst_buf_append_text(&out->events, "\n"), CASTOR_OK);
}

static void see_end(view *out, const castor_stream *stream)
{
    const castor_error *error = castor_stream_error(stream);

    out->verdict = castor_stream_verdict(stream);
    out->status = error ? error->status : CASTOR_OK;
}

static void pull(castor_client *client, const plx_case *one, view *out)
{
    castor_turn    turn;
    castor_request request = request_for(one, &turn);
    castor_stream *stream;
    castor_event   event;

    assert_int_equal(castor_stream_open(&stream, client, &request, NULL), CASTOR_OK);
    while (castor_stream_next(stream, &event, NULL) == CASTOR_STEP_EVENT) see_event(out, &event);
    see_end(out, stream);
    castor_stream_close(stream);
}

static void on_step(void *user, castor_stream *stream, castor_step step, const castor_event *event)
{
    if (step == CASTOR_STEP_EVENT) see_event(user, event);
    else see_end(user, stream);
}

static void listen(castor_client *client, const plx_case *one, view *out)
{
    castor_turn    turn;
    castor_request request = request_for(one, &turn);
    castor_stream *stream;

    assert_int_equal(castor_stream_open(&stream, client, &request, NULL), CASTOR_OK);
    castor_stream_listen(stream, on_step, out);
    assert_int_equal(castor_client_wait(client, CASTOR_NO_LIMIT, NULL), CASTOR_OK);
    castor_stream_close(stream);
}

static void generate(castor_client *client, const plx_case *one, view *out)
{
    castor_turn    turn;
    castor_request request = request_for(one, &turn);
    castor_answer *answer;

    castor_generate(&answer, client, &request, NULL);
    assert_non_null(answer);
    for (size_t i = 0; i < castor_answer_event_count(answer); i++) see_event(out, castor_answer_event(answer, i));
    see_end(out, castor_answer_stream(answer));
    castor_answer_free(answer);
}

static void decode(const plx_case *one, view *out)
{
    const tst_body body = {
        .bytes = one->bytes,
        .dialect = dialect_of(one),
        .content_type = one->content_type.data,
        .http_status = one->status,
        .event_bytes_max = one->event_bytes_max,
        .end = one->end_is_lost ? CASTOR_END_LOST : CASTOR_END_CLEAN,
    };
    tst_outcome    outcome;

    tst_run(&body, (tst_cuts){ .kind = TST_WHOLE }, &outcome);
    for (castor_str left = cst_buf_view(&outcome.events); left.len > 0;) {
        castor_str line = tst_take_line(&left);
        if (cst_str_starts_with(line, "usage") || cst_str_starts_with(line, "[1] usage")) continue;
        assert_int_equal(cst_buf_append_str(&out->events, line), CASTOR_OK);
        assert_int_equal(cst_buf_append_text(&out->events, "\n"), CASTOR_OK);
    }
    out->verdict = outcome.verdict;
    out->status = outcome.error.status;
    tst_outcome_free(&outcome);
}

/* ---- the same from all ---- */

static bool is_same(const plx_case *one, const char *face, const view *wanted, const view *got)
{
    bool has_events = cst_str_equal(cst_buf_view(&wanted->events), cst_buf_view(&got->events));

    if (has_events && wanted->verdict == got->verdict && wanted->status == got->status) return true;
    print_error("%.*s (line %zu), %s: %s, %s; the decoder: %s, %s\n", CASTOR_ARG(one->heading), one->line, face,
                castor_verdict_name(got->verdict), castor_status_name(got->status), castor_verdict_name(wanted->verdict),
                castor_status_name(wanted->status));
    if (!has_events) tst_show_difference(cst_buf_view(&wanted->events), cst_buf_view(&got->events));
    return false;
}

/* `castor decode FILE` of the same bytes: its exit status is the verdict's. */
static int run_decode(const plx_case *one, const char *path)
{
    char        number[16];
    const char *words[12] = { CASTOR_PATH, "decode", "--dialect", castor_dialect_name(dialect_of(one)), "--status", number };
    size_t      count = 6;
    pid_t       child = fork();

    assert_true(child >= 0);
    if (child > 0) return tst_exit_status(child);
    snprintf(number, sizeof number, "%d", one->status);
    if (one->content_type.data) words[count++] = "--content-type";
    if (one->content_type.data) words[count++] = one->content_type.data;
    if (one->end_is_lost) words[count++] = "--lost";
    words[count] = path;
    if (freopen("/dev/null", "w", stdout) && freopen("/dev/null", "w", stderr)) {
        execv(CASTOR_PATH, (char *const *)(uintptr_t)words);
    }
    _exit(99);
}

static bool is_decoded_alike(const plx_case *one, castor_verdict wanted)
{
    char  path[] = "/tmp/castor-faces-XXXXXX";
    FILE *file;

    if (one->event_bytes_max > 0) return true; /* the command has no option for it */
    file = fdopen(mkstemp(path), "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(one->bytes.data, 1, one->bytes.len, file), one->bytes.len);
    assert_int_equal(fclose(file), 0);
    int status = run_decode(one, path);
    remove(path);
    if (status == castor_verdict_exit(wanted)) return true;
    print_error("%.*s (line %zu): castor decode exits with %d; the decoder: %s\n", CASTOR_ARG(one->heading), one->line,
                status, castor_verdict_name(wanted));
    return false;
}

static int run_case(const char *url, const plx_case *one)
{
    static const struct {
        const char *name;
        void (*look)(castor_client *client, const plx_case *one, view *out);
    } faces[] = { { "pulled", pull }, { "listened to", listen }, { "taken whole", generate } };
    castor_client *client = new_client(url, one);
    view           wanted, got;
    int            bad = 0;

    begin_view(&wanted);
    decode(one, &wanted);
    for (size_t i = 0; i < sizeof faces / sizeof *faces; i++) {
        begin_view(&got);
        faces[i].look(client, one, &got);
        bad += !is_same(one, faces[i].name, &wanted, &got);
        cst_buf_free(&got.events);
    }
    bad += !is_decoded_alike(one, wanted.verdict);
    cst_buf_free(&wanted.events);
    castor_client_free(client);
    return bad;
}

/* A case that leaves its dialect to the bytes has none to be asked for in. */
static bool is_for_faces(const plx_case *one)
{
    return !one->is_answer && one->dialect != PLX_CASE_AUTO;
}

static int run_document(const char *path, size_t *count)
{
    const char      *words[] = { "--instant", "--script", path, NULL };
    pollux_options   options = POLLUX_OPTIONS_INIT;
    castor_str       text = tst_read_file(path);
    pollux          *twin;
    plx_script       script;
    plx_script_error error;
    char             why[256];
    int              bad = 0;

    options.words = words;
    assert_true(plx_script_parse(&script, text, &error));
    const char *url = pollux_start(&twin, &options, why, sizeof why);
    if (!url) fail_msg("%s", why);
    for (const plx_case *one = script.first; one; one = one->next) {
        if (!is_for_faces(one)) continue;
        bad += run_case(url, one);
        ++*count;
    }
    pollux_stop(twin);
    plx_script_free(&script);
    free((void *)(uintptr_t)text.data);
    return bad;
}

static void all_faces_see_the_same(void **state)
{
    glob_t files = { 0 };
    size_t count = 0;
    int    bad = 0;

    (void)state;
    assert_int_equal(glob(CASTOR_SOURCE_DIR "/tests/wire/*.md", 0, NULL, &files), 0);
    for (size_t i = 0; i < files.gl_pathc; i++) bad += run_document(files.gl_pathv[i], &count);
    globfree(&files);
    print_message("%zu cases through three faces each\n", count);
    assert_true(count > CASES_AT_LEAST);
    assert_int_equal(bad, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(all_faces_see_the_same) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
