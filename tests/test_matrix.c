/* test_matrix.c -- every fault of pollux x transport x face x dialect: each answer must end as fates.c says.
 * SPDX-License-Identifier: MIT
 *
 * All rows are under way at the same time, on a client for each transport and group; whole answers come one after the
 * other. A row asks for a model of its own: so pollux can tell how many of its requests have come.
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
    BUDGET_MS = 20000,    /* of the attempts: less than the delays that end a row at once */
    FIRST_BYTE_MS = 700,  /* of rows that end in TIMEOUT; all others wait as long as it takes */
    IDLE_MS = 300,
    TLS_MS = 2000,
};

/* Quotes and characters beyond ASCII: there is something to split. */
#define TEXT "Castor \"übt\" 😀, Pollux stört, und beide bleiben doch immer Freunde."
#define USUAL_MODEL "gemini-3.8-flash"

enum { DIALECTS = CASTOR_DIALECT_MESSAGE + 1 };

/* What the names of models begin with, by dialect. */
static const char *const models[DIALECTS] = { NULL, "gemini-", "gemini-", "chat-bison-" };

typedef struct place {
    tst_pollux  twin;
    char        url[64];
    tst_witness witness;
    tst_sample  samples[DIALECTS][2]; /* of what nobody spoils, by dialect: a stream, and whole */
    uint64_t    history_since;
} place;

enum { H1, H2, PLACES };
static place places[PLACES];

typedef enum face { PULL, CALLBACK, UNARY } face;

/* The rows of one run: where they are asked for, how they come, who takes them, in which dialect. */
typedef struct setting {
    place         *at;
    tst_way        way;
    face           by;
    castor_dialect in;
} setting;

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

static void learn(place *at, castor_client *client, castor_dialect in)
{
    char           name[32];
    castor_turn    turn;
    castor_stream *stream;

    snprintf(name, sizeof name, "%splain", models[in]);
    castor_request request = tst_request_for("plain", name, in, &turn);
    for (request.is_unary = 0; request.is_unary < 2; request.is_unary++) {
        assert_int_equal(castor_stream_open(&stream, client, &request, NULL), CASTOR_OK);
        assert_true(tst_sample_read(&at->samples[in][request.is_unary], stream));
        castor_stream_close(stream);
    }
    assert_true(at->samples[in][0].piece_count > 3);
    assert_true(cst_str_is(at->samples[in][1].pieces[0], TEXT));
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
        for (int in = CASTOR_DIALECT_GEMINI; in < DIALECTS; in++) learn(at, client, (castor_dialect)in);
        castor_client_free(client);
    }
    return 0;
}

static int stop_twins(void **state)
{
    (void)state;
    for (int i = 0; i < PLACES; i++) {
        for (int in = 0; in < DIALECTS * 2; in++) tst_sample_free(&places[i].samples[in / 2][in % 2]);
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

static castor_request prepare(row *it, size_t number, const setting *as, castor_turn *turn)
{
    static char prompt[32];

    *it = (row){ .fate = &tst_fates[number] };
    cst_buf_init(&it->text, cst_allocator_default(), SIZE_MAX / 2);
    snprintf(it->model, sizeof it->model, "%s%c%c%zu", models[as->in], "pcu"[as->by], "-gom"[as->in], number);
    snprintf(prompt, sizeof prompt, "row-%zu.", number);
    return tst_request_for(prompt, it->model, as->in, turn);
}

/* The rows of one client. */
typedef enum group {
    SILENT, /* end by a time limit */
    DYING,  /* leave a connection that looks good and is about to be closed: whoever takes it next loses an attempt */
    OTHERS,
    GROUPS
} group;

static const tst_ending *ending_of(const tst_fate *fate, const setting *as)
{
    return tst_fate_ending(fate, as->in, as->way);
}

static group group_of(size_t number, const setting *as)
{
    static const char *const dying[] = { "chunkext", "length=-7" };

    for (size_t i = 0; i < sizeof dying / sizeof *dying; i++) {
        if (strcmp(tst_fates[number].fault, dying[i]) == 0) return DYING;
    }
    return ending_of(&tst_fates[number], as)->verdict == CASTOR_VERDICT_TIMEOUT ? SILENT : OTHERS;
}

static void open_streams(castor_client *client, const setting *as, group of)
{
    castor_turn  turn;
    castor_error err;

    for (size_t i = 0; i < tst_fate_count; i++) {
        if (group_of(i, as) != of) continue;
        castor_request request = prepare(&rows[i], i, as, &turn);
        if (castor_stream_open(&rows[i].stream, client, &request, &err) != CASTOR_OK) fail_msg("%s", err.message);
        if (as->by == CALLBACK) castor_stream_listen(rows[i].stream, on_step, &rows[i]);
    }
}

static void run_streams(const setting *as, group of)
{
    castor_client *client = new_client(as->at, of != SILENT, TST_ATTEMPTS_MAX);
    castor_poll    loop;

    if (as->by == CALLBACK) assert_int_equal(castor_poll_attach(client, &loop, NULL), CASTOR_OK);
    open_streams(client, as, of);
    while (as->by == CALLBACK && castor_poll_is_busy(&loop)) assert_true(castor_poll_turn(&loop, -1) >= 0);
    for (size_t i = 0; i < tst_fate_count; i++) {
        if (group_of(i, as) != of) continue;
        if (as->by == PULL) pull(&rows[i]);
        else assert_int_equal(rows[i].ends, 1);
        look_at(&rows[i], rows[i].stream);
        castor_stream_close(rows[i].stream);
    }
    castor_client_free(client);
}

/* Each on a client of its own: what the row before did to its connection must not matter. */
static void run_whole(const setting *as, size_t number)
{
    castor_client *client = new_client(as->at, group_of(number, as) != SILENT, TST_ATTEMPTS_MAX);
    castor_turn    turn;
    castor_request request = prepare(&rows[number], number, as, &turn);
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
        if (strcmp(one->model, rows[i].model) != 0) continue;
        assert_string_equal(one->fault, rows[i].fate->fault); /* the table writes it as pollux does */
        rows[i].requests++;
    }
}

/* ---- the table ---- */

static bool is_of(const tst_fate *fate, const char *name)
{
    return strncmp(fate->fault, name, strlen(name)) == 0;
}

/* What was known before the end stays known behind it. Chat completions tell the usage with their last event, and the
 * legacy method tells nothing. */
static bool keeps_facts(const row *it, const setting *as)
{
    bool is_early = as->in == CASTOR_DIALECT_OPENAI && it->verdict != CASTOR_VERDICT_COMPLETE;
    bool has_none = is_early || is_of(it->fate, "nousage");

    if (it->text.len == 0 || as->in == CASTOR_DIALECT_MESSAGE) return true;
    return it->has_id && (it->has_usage || has_none);
}

static bool is_right(const row *it, const setting *as)
{
    const tst_ending *ending = ending_of(it->fate, as);
    const tst_came    came = { it->verdict, cst_buf_view(&it->text), &as->at->samples[as->in][as->by == UNARY] };

    return tst_ending_has_verdict(ending, &came) && tst_ending_has_text(ending, &came) && keeps_facts(it, as);
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

static bool check(row *it, const setting *as)
{
    const tst_ending *ending = ending_of(it->fate, as);
    bool              is_good = is_right(it, as) && has_count(it, ending);

    if (!is_good) complain(it, ending);
    cst_buf_free(&it->text);
    return is_good;
}

static void run(place *at, tst_way way, face by, castor_dialect in)
{
    const setting as = { at, way, by, in };
    size_t        bad = 0;

    assert_true(tst_fate_count <= ROWS_MAX);
    for (group of = 0; of < GROUPS && by != UNARY; of++) run_streams(&as, of);
    for (size_t i = 0; i < tst_fate_count && by == UNARY; i++) run_whole(&as, i);
    assert_true(tst_witness_history(&at->witness, &at->history_since, count_request, NULL));
    for (size_t i = 0; i < tst_fate_count; i++) bad += !check(&rows[i], &as);
    assert_int_equal(bad, 0);
}

static void events_pulled_over_http_1(void **state)
{
    (void)state;
    run(&places[H1], TST_STREAM_H1, PULL, CASTOR_DIALECT_GEMINI);
}

static void events_told_over_http_1(void **state)
{
    (void)state;
    run(&places[H1], TST_STREAM_H1, CALLBACK, CASTOR_DIALECT_GEMINI);
}

static void whole_answers_over_http_1(void **state)
{
    (void)state;
    run(&places[H1], TST_WHOLE_H1, UNARY, CASTOR_DIALECT_GEMINI);
}

static void events_pulled_over_http_2(void **state)
{
    (void)state;
    run(&places[H2], TST_STREAM_H2, PULL, CASTOR_DIALECT_GEMINI);
}

static void events_told_over_http_2(void **state)
{
    (void)state;
    run(&places[H2], TST_STREAM_H2, CALLBACK, CASTOR_DIALECT_GEMINI);
}

static void whole_answers_over_http_2(void **state)
{
    (void)state;
    run(&places[H2], TST_WHOLE_H2, UNARY, CASTOR_DIALECT_GEMINI);
}

static void chat_completions_pulled_over_http_1(void **state)
{
    (void)state;
    run(&places[H1], TST_STREAM_H1, PULL, CASTOR_DIALECT_OPENAI);
}

static void chat_completions_told_over_http_2(void **state)
{
    (void)state;
    run(&places[H2], TST_STREAM_H2, CALLBACK, CASTOR_DIALECT_OPENAI);
}

static void whole_chat_completions_over_http_1(void **state)
{
    (void)state;
    run(&places[H1], TST_WHOLE_H1, UNARY, CASTOR_DIALECT_OPENAI);
}

static void legacy_messages_pulled_over_http_1(void **state)
{
    (void)state;
    run(&places[H1], TST_STREAM_H1, PULL, CASTOR_DIALECT_MESSAGE);
}

static void legacy_messages_told_over_http_2(void **state)
{
    (void)state;
    run(&places[H2], TST_STREAM_H2, CALLBACK, CASTOR_DIALECT_MESSAGE);
}

static void whole_legacy_messages_over_http_1(void **state)
{
    (void)state;
    run(&places[H1], TST_WHOLE_H1, UNARY, CASTOR_DIALECT_MESSAGE);
}

static void whole_legacy_messages_over_http_2(void **state)
{
    (void)state;
    run(&places[H2], TST_WHOLE_H2, UNARY, CASTOR_DIALECT_MESSAGE);
}

static void whole_chat_completions_over_http_2(void **state)
{
    (void)state;
    run(&places[H2], TST_WHOLE_H2, UNARY, CASTOR_DIALECT_OPENAI);
}

/* ---- what no table of answers can hold ---- */

static castor_verdict ask_plainly(castor_client *client, castor_error *err)
{
    castor_turn    turn;
    castor_request request = tst_request_for("plain", USUAL_MODEL, CASTOR_DIALECT_GEMINI, &turn);
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
    castor_request request = tst_request_for("pollux: tokens 1200", USUAL_MODEL, CASTOR_DIALECT_GEMINI, &turn);

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

static void other_dialects_have_no_rows_of_their_own(void **state)
{
    (void)state;
    assert_null(tst_fate_orphan());
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
        cmocka_unit_test(other_dialects_have_no_rows_of_their_own),
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
        cmocka_unit_test(chat_completions_pulled_over_http_1),
        cmocka_unit_test(chat_completions_told_over_http_2),
        cmocka_unit_test(whole_chat_completions_over_http_1),
        cmocka_unit_test(whole_chat_completions_over_http_2),
        cmocka_unit_test(legacy_messages_pulled_over_http_1),
        cmocka_unit_test(legacy_messages_told_over_http_2),
        cmocka_unit_test(whole_legacy_messages_over_http_1),
        cmocka_unit_test(whole_legacy_messages_over_http_2),
    };

    return cmocka_run_group_tests(tests, start_twins, stop_twins);
}
