/* test_matrix.c -- every fault of pollux x transport x face: each answer must end as the table in fates.c says.
 * SPDX-License-Identifier: MIT
 *
 * All rows are under way at the same time, on a client for each transport and group; whole answers come one after the
 * other. A row asks for a model of its own, whose name stands in the path: so pollux can tell how many of its requests
 * have come.
 */
#include <castor/adapters/poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "fates.h"
#include "fault/fault.h"
#include "history.h"
#include "twin.h"

enum {
    ROWS_MAX = 256,
    PIECES_MAX = 16,
    BUDGET_MS = 20000,    /* of the attempts: less than the delays that end a row at once */
    FIRST_BYTE_MS = 700,  /* of rows that end in TIMEOUT; all others wait as long as it takes */
    IDLE_MS = 300,
    TLS_MS = 2000,
};

/* Quotes and characters beyond ASCII: there is something to split. */
#define TEXT "Castor \"übt\" 😀, Pollux stört, und beide bleiben doch immer Freunde."
#define USUAL_MODEL "gemini-3.8-flash"

typedef struct place {
    tst_pollux  twin;
    char        url[64];
    tst_witness witness;
    castor_str  pieces[PIECES_MAX]; /* of a stream that nobody spoils ... */
    size_t      piece_count;
    castor_str  whole;              /* ... and of a whole answer */
    uint64_t    history_since;
} place;

enum { H1, H2, PLACES };
static place places[PLACES];

typedef enum face { PULL, CALLBACK, UNARY } face;

/* One answer under test. */
typedef struct row {
    const tst_fate *fate;
    char            model[32];
    castor_stream  *stream;
    cst_buf         text;
    int             ends;     /* that its listener was told */
    int             requests; /* that pollux spoilt */
    castor_verdict  verdict;
    castor_error    err;
    bool            has_id;
    bool            has_usage;
} row;

static row rows[ROWS_MAX];

/* ---- the twins ---- */

/* A case for each row, which its prompt names. */
static void write_script(char *path)
{
    strcpy(path, "/tmp/castor-matrix-XXXXXX");
    FILE *file = fdopen(mkstemp(path), "w");

    assert_non_null(file);
    fprintf(file, "# What the matrix asks for\n## Nothing is spoilt\n? plain\n= " TEXT "\n");
    for (size_t i = 0; i < tst_fate_count; i++) {
        fprintf(file, "## Row %zu\n? row-%zu.\n@ fault: %s\n= " TEXT "\n", i, i, tst_fates[i].fault);
    }
    assert_int_equal(fclose(file), 0);
}

static castor_client *new_client(const place *at, bool is_patient, int32_t attempts_max)
{
    castor_client_options options = CASTOR_CLIENT_OPTIONS_INIT;
    castor_retry_options  retry = CASTOR_RETRY_OPTIONS_INIT;
    castor_client        *client;
    castor_error          err;

    retry.attempts_max = attempts_max;
    retry.first_delay_ms = retry.delay_max_ms = 1;
    retry.budget_ms = BUDGET_MS;
    options.retry = &retry;
    options.api_key = "test-key";
    options.base_url = at->url;
    options.ignore_environment = 1;
    options.ca_file = at->witness.ca_file;
    options.first_byte_timeout_ms = is_patient ? CASTOR_NO_LIMIT : FIRST_BYTE_MS;
    options.idle_timeout_ms = is_patient ? CASTOR_NO_LIMIT : IDLE_MS;
    options.tls_timeout_ms = is_patient ? CASTOR_NO_LIMIT : TLS_MS;
    if (castor_client_new(&client, &options, &err) != CASTOR_OK) fail_msg("%s", err.message);
    return client;
}

static castor_str copy(castor_str text)
{
    char *bytes = malloc(text.len + 1);

    assert_non_null(bytes);
    if (text.len > 0) memcpy(bytes, text.data, text.len);
    return (castor_str){ bytes, text.len };
}

static castor_request request_for(const char *prompt, const char *model, castor_turn *turn)
{
    castor_request request = CASTOR_REQUEST_INIT;

    *turn = (castor_turn){ .role = CASTOR_USER, .text = castor_str_of(prompt) };
    request.model = model;
    request.turns = turn;
    request.turn_count = 1;
    return request;
}

static void learn_pieces(place *at, castor_client *client)
{
    castor_turn    turn;
    castor_request request = request_for("plain", USUAL_MODEL, &turn);
    castor_stream *stream;
    castor_event   event;

    assert_int_equal(castor_stream_open(&stream, client, &request, NULL), CASTOR_OK);
    while (castor_stream_next(stream, &event, NULL) == CASTOR_STEP_EVENT) {
        if (event.type != CASTOR_EVENT_TEXT) continue;
        assert_true(at->piece_count < PIECES_MAX);
        at->pieces[at->piece_count++] = copy(event.text);
    }
    assert_int_equal(castor_stream_verdict(stream), CASTOR_VERDICT_COMPLETE);
    assert_true(at->piece_count > 3);
    castor_stream_close(stream);
}

static void learn_whole(place *at, castor_client *client)
{
    castor_turn    turn;
    castor_request request = request_for("plain", USUAL_MODEL, &turn);
    castor_answer *answer;

    assert_int_equal(castor_generate(&answer, client, &request, NULL), CASTOR_OK);
    at->whole = copy(castor_answer_text(answer, 0));
    assert_true(cst_str_is(at->whole, TEXT));
    castor_answer_free(answer);
}

static int start_twins(void **state)
{
    char script[64];

    (void)state;
    write_script(script);
    /* What is held for ever need not end in good order. */
    places[H1].twin = TST_POLLUX("--instant", "--quiet", "--grace", "0", "--script", script);
    places[H2].twin = TST_POLLUX("--instant", "--quiet", "--grace", "0", "--script", script, "--tls");
    remove(script);
    for (int i = 0; i < PLACES; i++) {
        place *at = &places[i];
        snprintf(at->url, sizeof at->url, "%s://127.0.0.1:%d", i == H2 ? "https" : "http", at->twin.port);
        at->witness = (tst_witness){ at->url, i == H2 ? at->twin.authority : NULL };
        castor_client *client = new_client(at, true, 1);
        learn_pieces(at, client);
        learn_whole(at, client);
        castor_client_free(client);
    }
    return 0;
}

static int stop_twins(void **state)
{
    (void)state;
    for (int i = 0; i < PLACES; i++) {
        for (size_t j = 0; j < places[i].piece_count; j++) free((void *)(uintptr_t)places[i].pieces[j].data);
        free((void *)(uintptr_t)places[i].whole.data);
        tst_pollux_stop(&places[i].twin);
    }
    return 0;
}

/* ---- the faces ---- */

static void take_event(row *it, const castor_event *event)
{
    if (event->type == CASTOR_EVENT_TEXT) assert_int_equal(cst_buf_append_str(&it->text, event->text), CASTOR_OK);
}

static void on_step(void *user, castor_stream *stream, castor_step step, const castor_event *event)
{
    row *it = user;

    assert_ptr_equal(stream, it->stream);
    assert_int_equal(it->ends, 0); /* nothing comes behind the end */
    if (step == CASTOR_STEP_EVENT) {
        take_event(it, event);
        return;
    }
    assert_int_equal(step == CASTOR_STEP_DONE, castor_stream_error(stream) == NULL);
    it->ends++;
}

static void pull(row *it)
{
    castor_event event;
    castor_error err;
    castor_step  step;

    while ((step = castor_stream_next(it->stream, &event, &err)) == CASTOR_STEP_EVENT) take_event(it, &event);
    assert_int_equal(castor_stream_next(it->stream, &event, NULL), step); /* the same again if asked again */
}

static void look_at(row *it, const castor_stream *stream)
{
    const castor_error *error = castor_stream_error(stream);

    it->verdict = castor_stream_verdict(stream);
    if (error) it->err = *error;
    it->has_id = castor_stream_response_id(stream).len > 0;
    it->has_usage = castor_stream_usage(stream).total_tokens.is_set;
    assert_true(castor_stream_timing(stream).total_ms.is_set);
}

static castor_request prepare(row *it, size_t number, face by, castor_turn *turn)
{
    static char prompt[32];

    *it = (row){ .fate = &tst_fates[number] };
    cst_buf_init(&it->text, cst_allocator_default(), SIZE_MAX / 2);
    snprintf(it->model, sizeof it->model, "gemini-%c%zu", "pcu"[by], number);
    snprintf(prompt, sizeof prompt, "row-%zu.", number);
    return request_for(prompt, it->model, turn);
}

/* The rows of one client. */
typedef enum group {
    SILENT, /* end by a time limit */
    DYING,  /* leave a connection that looks good and is about to be closed: whoever takes it next loses an attempt */
    OTHERS,
    GROUPS
} group;

static group group_of(size_t number, tst_way way)
{
    static const char *const dying[] = { "chunkext", "length=-7" };

    for (size_t i = 0; i < sizeof dying / sizeof *dying; i++) {
        if (strcmp(tst_fates[number].fault, dying[i]) == 0) return DYING;
    }
    return tst_fate_ending(&tst_fates[number], way)->verdict == CASTOR_VERDICT_TIMEOUT ? SILENT : OTHERS;
}

static void open_streams(castor_client *client, tst_way way, face by, group of)
{
    castor_turn  turn;
    castor_error err;

    for (size_t i = 0; i < tst_fate_count; i++) {
        if (group_of(i, way) != of) continue;
        castor_request request = prepare(&rows[i], i, by, &turn);
        if (castor_stream_open(&rows[i].stream, client, &request, &err) != CASTOR_OK) fail_msg("%s", err.message);
        if (by == CALLBACK) castor_stream_listen(rows[i].stream, on_step, &rows[i]);
    }
}

static void run_streams(const place *at, tst_way way, face by, group of)
{
    castor_client *client = new_client(at, of != SILENT, TST_ATTEMPTS_MAX);
    castor_poll    loop;

    if (by == CALLBACK) assert_int_equal(castor_poll_attach(client, &loop, NULL), CASTOR_OK);
    open_streams(client, way, by, of);
    while (by == CALLBACK && castor_poll_is_busy(&loop)) assert_true(castor_poll_turn(&loop, -1) >= 0);
    for (size_t i = 0; i < tst_fate_count; i++) {
        if (group_of(i, way) != of) continue;
        if (by == PULL) pull(&rows[i]);
        else assert_int_equal(rows[i].ends, 1);
        look_at(&rows[i], rows[i].stream);
        castor_stream_close(rows[i].stream);
    }
    castor_client_free(client);
}

/* Each on a client of its own: what the row before did to its connection must not matter. */
static void run_whole(const place *at, tst_way way, size_t number)
{
    castor_client *client = new_client(at, group_of(number, way) != SILENT, TST_ATTEMPTS_MAX);
    castor_turn    turn;
    castor_request request = prepare(&rows[number], number, UNARY, &turn);
    castor_answer *answer;
    castor_status  status = castor_generate(&answer, client, &request, NULL);

    assert_non_null(answer);
    look_at(&rows[number], castor_answer_stream(answer));
    assert_int_equal(status == CASTOR_OK, rows[number].verdict == CASTOR_VERDICT_COMPLETE);
    assert_int_equal(cst_buf_append_str(&rows[number].text, castor_answer_text(answer, 0)), CASTOR_OK);
    castor_answer_free(answer);
    castor_client_free(client);
}

/* ---- what pollux says ---- */

static void count_request(void *user, const tst_spoilt *one)
{
    (void)user;
    for (size_t i = 0; i < tst_fate_count; i++) {
        const char *at = strstr(one->path, rows[i].model);
        if (!at || at[strlen(rows[i].model)] != ':') continue;
        assert_string_equal(one->fault, rows[i].fate->fault); /* the table writes it as pollux does */
        rows[i].requests++;
    }
}

/* ---- the table ---- */

static bool is_of(const tst_fate *fate, const char *name)
{
    return strncmp(fate->fault, name, strlen(name)) == 0;
}

/* What was known before the end stays known behind it. */
static bool keeps_facts(const row *it)
{
    if (it->text.len == 0) return true;
    return it->has_id && (it->has_usage || is_of(it->fate, "nousage"));
}

static bool is_right(const place *at, const row *it, tst_way way)
{
    const tst_ending *ending = tst_fate_ending(it->fate, way);
    bool              is_whole = way == TST_WHOLE_H1 || way == TST_WHOLE_H2;
    const tst_came    came = { it->verdict, cst_buf_view(&it->text), is_whole ? &at->whole : at->pieces,
                               is_whole ? 1 : at->piece_count };

    return tst_ending_has_verdict(ending, &came) && tst_ending_has_text(ending, &came) && keeps_facts(it);
}

/* The last attempt of "unavailable" is not spoilt, so that pollux does not tell of it. Where content may have come or
 * not, there may have been one attempt or several. */
static bool has_count(const row *it, const tst_ending *ending)
{
    int spoilt = ending->requests - (ending->requests > 1 && ending->verdict == CASTOR_VERDICT_COMPLETE);

    if (strchr(ending->text, '?')) return it->requests >= spoilt && it->requests <= TST_ATTEMPTS_MAX;
    return it->requests == spoilt;
}

static void complain(const row *it, const tst_ending *ending)
{
    castor_str text = cst_buf_view(&it->text);
    int        shown = (int)(text.len < 120 ? text.len : 120);

    print_error("%s: %s (%s), %d requests, id %d, usage %d, text \"%.*s\";\n", it->fate->fault,
                castor_verdict_name(it->verdict), it->err.message, it->requests, it->has_id, it->has_usage, shown,
                text.len ? text.data : "");
    print_error("    the table: %s, %d requests, text %s\n", castor_verdict_name(ending->verdict), ending->requests,
                ending->text);
}

static bool check(const place *at, row *it, tst_way way)
{
    const tst_ending *ending = tst_fate_ending(it->fate, way);
    bool              is_good = is_right(at, it, way) && has_count(it, ending);

    if (!is_good) complain(it, ending);
    cst_buf_free(&it->text);
    return is_good;
}

static void run(place *at, tst_way way, face by)
{
    size_t bad = 0;

    assert_true(tst_fate_count <= ROWS_MAX);
    for (group of = 0; of < GROUPS && by != UNARY; of++) run_streams(at, way, by, of);
    for (size_t i = 0; i < tst_fate_count && by == UNARY; i++) run_whole(at, way, i);
    assert_true(tst_witness_history(&at->witness, &at->history_since, count_request, NULL));
    for (size_t i = 0; i < tst_fate_count; i++) bad += !check(at, &rows[i], way);
    assert_int_equal(bad, 0);
}

static void events_pulled_over_http_1(void **state)
{
    (void)state;
    run(&places[H1], TST_STREAM_H1, PULL);
}

static void events_told_over_http_1(void **state)
{
    (void)state;
    run(&places[H1], TST_STREAM_H1, CALLBACK);
}

static void whole_answers_over_http_1(void **state)
{
    (void)state;
    run(&places[H1], TST_WHOLE_H1, UNARY);
}

static void events_pulled_over_http_2(void **state)
{
    (void)state;
    run(&places[H2], TST_STREAM_H2, PULL);
}

static void events_told_over_http_2(void **state)
{
    (void)state;
    run(&places[H2], TST_STREAM_H2, CALLBACK);
}

static void whole_answers_over_http_2(void **state)
{
    (void)state;
    run(&places[H2], TST_WHOLE_H2, UNARY);
}

/* ---- what no table of answers can hold ---- */

static castor_verdict ask_plainly(castor_client *client, castor_error *err)
{
    castor_turn    turn;
    castor_request request = request_for("plain", USUAL_MODEL, &turn);
    castor_answer *answer;

    *err = (castor_error){ .status = CASTOR_OK };
    castor_generate(&answer, client, &request, err);
    assert_non_null(answer);
    castor_verdict verdict = castor_stream_verdict(castor_answer_stream(answer));
    castor_answer_free(answer);
    return verdict;
}

static uint64_t count_requests(const place *at)
{
    uint64_t requests = 0;

    assert_true(tst_witness_count(&at->witness, &requests, NULL));
    return requests;
}

/* Armed without a path, these two meet the connection, before anything is read. */
static void a_connection_that_is_refused_or_ignored_ends_by_itself(void **state)
{
    castor_error err;

    (void)state;
    for (int i = 0; i < PLACES; i++) {
        uint64_t       before = count_requests(&places[i]);
        castor_client *client = new_client(&places[i], false, 1);
        assert_true(tst_witness_arm(&places[i].witness, "{\"fault\": \"refuse\", \"count\": 1}"));
        assert_int_equal(ask_plainly(client, &err), CASTOR_VERDICT_NETWORK);
        assert_true(tst_witness_arm(&places[i].witness, "{\"fault\": \"ignore\", \"count\": 1}"));
        assert_int_equal(ask_plainly(client, &err), CASTOR_VERDICT_TIMEOUT);
        assert_int_equal(err.time_limit, i == H2 ? CASTOR_LIMIT_TLS : CASTOR_LIMIT_FIRST_BYTE);
        assert_int_equal(ask_plainly(client, &err), CASTOR_VERDICT_COMPLETE);
        assert_int_equal(count_requests(&places[i]), before + 1);
        castor_client_free(client);
    }
}

/* libcurl would send again by itself what a used connection lost, up to five times. That is ours to decide. */
static void what_a_used_connection_lost_is_not_sent_again_unasked(void **state)
{
    castor_error err;

    (void)state;
    for (int i = 0; i < PLACES; i++) {
        uint64_t       before = count_requests(&places[i]);
        castor_client *client = new_client(&places[i], true, 1);
        assert_int_equal(ask_plainly(client, &err), CASTOR_VERDICT_COMPLETE);
        assert_true(tst_witness_arm(&places[i].witness, "{\"fault\": \"cut@head\", \"path\": \"generate\"}"));
        assert_int_equal(ask_plainly(client, &err), CASTOR_VERDICT_NETWORK);
        assert_int_equal(ask_plainly(client, &err), CASTOR_VERDICT_COMPLETE);
        assert_int_equal(count_requests(&places[i]), before + 3);
        castor_client_free(client);
    }
}

/* libcurl's buffers are small when there are many; what does not fit must not wait for bytes that never come. */
static void many_answers_whose_bytes_come_at_once_all_end(void **state)
{
    enum { MANY = 48 };
    castor_stream *streams[MANY];
    castor_turn    turn;
    castor_event   event;
    castor_request request = request_for("pollux: tokens 1200", USUAL_MODEL, &turn);

    (void)state;
    for (int i = 0; i < PLACES; i++) {
        castor_client *client = new_client(&places[i], false, 1);
        request.first_byte_timeout_ms = (int64_t)TST_PATIENCE_S * 1000;
        request.idle_timeout_ms = 10 * 1000;
        for (int j = 0; j < MANY; j++) {
            assert_int_equal(castor_stream_open(&streams[j], client, &request, NULL), CASTOR_OK);
        }
        for (int j = 0; j < MANY; j++) {
            while (castor_stream_next(streams[j], &event, NULL) == CASTOR_STEP_EVENT) continue;
            assert_int_equal(castor_stream_verdict(streams[j]), CASTOR_VERDICT_COMPLETE);
            castor_stream_close(streams[j]);
        }
        castor_client_free(client);
    }
}

/* ---- the table itself ---- */

static bool has_row(const char *name)
{
    size_t len = strlen(name);

    for (size_t i = 0; i < tst_fate_count; i++) {
        if (is_of(&tst_fates[i], name) && strchr("=@,", tst_fates[i].fault[len])) return true;
    }
    return false;
}

static void no_fault_is_without_a_row(void **state)
{
    (void)state;
    for (size_t i = 0; i < plx_fault_kind_count; i++) {
        if (!has_row(plx_fault_kinds[i].name)) fail_msg("fates.c has no row for %s", plx_fault_kinds[i].name);
    }
}

static void each_row_is_written_as_pollux_writes_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < tst_fate_count; i++) {
        plx_plan plan;
        cst_buf  text;
        char     why[256];
        if (!plx_plan_parse(&plan, castor_str_of(tst_fates[i].fault), why, sizeof why)) fail_msg("%s", why);
        cst_buf_init(&text, cst_allocator_default(), SIZE_MAX / 2);
        assert_int_equal(plx_plan_print(&plan, &text), CASTOR_OK);
        bool is_same = cst_str_is(cst_buf_view(&text), tst_fates[i].fault);
        if (!is_same) fail_msg("%s: pollux writes %s", tst_fates[i].fault, text.data);
        cst_buf_free(&text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_fault_is_without_a_row),
        cmocka_unit_test(each_row_is_written_as_pollux_writes_it),
        cmocka_unit_test(a_connection_that_is_refused_or_ignored_ends_by_itself),
        cmocka_unit_test(what_a_used_connection_lost_is_not_sent_again_unasked),
        cmocka_unit_test(many_answers_whose_bytes_come_at_once_all_end),
        cmocka_unit_test(events_pulled_over_http_1),
        cmocka_unit_test(events_told_over_http_1),
        cmocka_unit_test(whole_answers_over_http_1),
        cmocka_unit_test(events_pulled_over_http_2),
        cmocka_unit_test(events_told_over_http_2),
        cmocka_unit_test(whole_answers_over_http_2),
    };

    return cmocka_run_group_tests(tests, start_twins, stop_twins);
}
