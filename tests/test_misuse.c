/* test_misuse.c -- every public function, called as it should not be: with nothing, with nonsense, in the wrong order,
 * from inside its own callbacks. Each gives the error that the header promises, and never a crash.
 * SPDX-License-Identifier: MIT
 */
#include <limits.h>
#include <stdlib.h>

#include "client.h"
#include "support.h"
#include "transport_memory.h"

#define TEXT "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"Hi\"}]},\"index\":0}]}\n\n"
#define STOP "data: {\"candidates\":[{\"finishReason\":\"STOP\",\"index\":0}]}\n\n"

static const cst_memory_step whole[] = {
    { CST_MEMORY_HEAD, 200, { "text/event-stream", 17 } },
    { CST_MEMORY_BYTES, 0, { TEXT, sizeof TEXT - 1 } },
    { CST_MEMORY_WAIT, 10, { NULL, 0 } },
    { CST_MEMORY_BYTES, 0, { STOP, sizeof STOP - 1 } },
    { CST_MEMORY_END, 0, { NULL, 0 } },
};

/* ---- a client, and a request that it takes ---- */

static const castor_turn hello = { .role = CASTOR_USER, .text = { "Hi", 2 } };

static castor_client_options plain_options(void)
{
    castor_client_options options = CASTOR_CLIENT_OPTIONS_INIT;

    options.api_key = "test-key";
    options.ignore_environment = 1;
    return options;
}

static castor_request plain_request(void)
{
    castor_request request = CASTOR_REQUEST_INIT;

    request.model = "gemini-3.8-flash";
    request.turns = &hello;
    request.turn_count = 1;
    return request;
}

static castor_client *make_client(const castor_client_options *options)
{
    castor_client *client = NULL;
    cst_transport *transport;
    castor_error   err;

    assert_int_equal(cst_transport_memory_new(&transport, whole, cst_allocator_default(), &err), CASTOR_OK);
    assert_int_equal(cst_client_new_on(&client, options, transport, &err), CASTOR_OK);
    return client;
}

static castor_client *plain_client(void)
{
    castor_client_options options = plain_options();

    return make_client(&options);
}

static castor_stream *open_on(castor_client *client)
{
    castor_request request = plain_request();
    castor_stream *stream = NULL;
    castor_error   err;

    assert_int_equal(castor_stream_open(&stream, client, &request, &err), CASTOR_OK);
    return stream;
}

static void expect(castor_status status, castor_status expected, const castor_error *err, const char *words)
{
    if (status != expected) fail_msg("status %s, not %s", castor_status_name(status), castor_status_name(expected));
    assert_int_equal(err->status, expected);
    if (!strstr(err->message, words)) fail_msg("'%s' is not in: %s", words, err->message);
}

/* ---- nothing at all ---- */

static void what_returns_a_status_says_that_it_got_nothing(void **state)
{
    castor_request  request = plain_request();
    castor_client  *client = plain_client();
    castor_decoder *decoder = NULL;
    castor_stream  *stream = (castor_stream *)(void *)&request; /* what it was is forgotten */
    castor_answer  *answer = (castor_answer *)(void *)&request;
    castor_error    err;
    castor_str      text = CASTOR_STR("what it was");

    (void)state;
    expect(castor_client_new(NULL, NULL, &err), CASTOR_INVALID, &err, "NULL");
    expect(castor_client_preview(NULL, &request, &text, &err), CASTOR_INVALID, &err, "NULL");
    assert_null(text.data);
    expect(castor_client_preview(client, NULL, &text, &err), CASTOR_INVALID, &err, "NULL");
    expect(castor_client_preview(client, &request, NULL, &err), CASTOR_INVALID, &err, "NULL");
    expect(castor_client_wait(NULL, 0, &err), CASTOR_INVALID, &err, "NULL");
    expect(castor_client_attach(NULL, NULL, &err), CASTOR_INVALID, &err, "NULL");
    expect(castor_stream_open(NULL, client, &request, &err), CASTOR_INVALID, &err, "NULL");
    expect(castor_stream_open(&stream, NULL, &request, &err), CASTOR_INVALID, &err, "NULL");
    assert_null(stream);
    expect(castor_stream_open(&stream, client, NULL, &err), CASTOR_INVALID, &err, "NULL");
    expect(castor_generate(NULL, client, &request, &err), CASTOR_INVALID, &err, "NULL");
    expect(castor_generate(&answer, NULL, &request, &err), CASTOR_INVALID, &err, "NULL");
    assert_null(answer);
    expect(castor_generate(&answer, client, NULL, &err), CASTOR_INVALID, &err, "NULL");
    expect(castor_stream_dump(NULL, &text, &err), CASTOR_INVALID, &err, "NULL");
    expect(castor_decoder_new(NULL, NULL, &err), CASTOR_INVALID, &err, "NULL");
    expect(castor_decoder_feed(NULL, "x", 1, &err), CASTOR_INVALID, &err, "NULL");
    assert_int_equal(castor_decoder_new(&decoder, NULL, NULL), CASTOR_OK);
    expect(castor_decoder_feed(decoder, NULL, 1, &err), CASTOR_INVALID, &err, "NULL");
    assert_int_equal(castor_decoder_feed(decoder, NULL, 0, NULL), CASTOR_OK);
    castor_decoder_free(decoder);

    /* Nobody need be told. */
    assert_int_equal(castor_client_new(NULL, NULL, NULL), CASTOR_INVALID);
    assert_int_equal(castor_client_wait(NULL, 0, NULL), CASTOR_INVALID);
    assert_int_equal(castor_stream_open(NULL, NULL, NULL, NULL), CASTOR_INVALID);
    assert_int_equal(castor_generate(NULL, NULL, NULL, NULL), CASTOR_INVALID);
    assert_int_equal(castor_decoder_feed(NULL, NULL, 0, NULL), CASTOR_INVALID);
    castor_client_free(client);
}

static void who_takes_events_is_told_what_is_missing(void **state)
{
    castor_client  *client = plain_client();
    castor_stream  *stream = open_on(client);
    castor_decoder *decoder = NULL;
    castor_event    event;
    castor_error    err;

    (void)state;
    assert_int_equal(castor_decoder_new(&decoder, NULL, &err), CASTOR_OK);
    assert_int_equal(castor_stream_next(NULL, &event, &err), CASTOR_STEP_ERROR);
    expect(err.status, CASTOR_INVALID, &err, "the stream is NULL");
    assert_int_equal(err.verdict, CASTOR_VERDICT_FAILED);
    assert_int_equal(castor_stream_poll(NULL, &event, &err), CASTOR_STEP_ERROR);
    assert_int_equal(castor_stream_next(stream, NULL, &err), CASTOR_STEP_ERROR);
    expect(err.status, CASTOR_INVALID, &err, "the event is NULL");
    assert_int_equal(castor_stream_poll(stream, NULL, NULL), CASTOR_STEP_ERROR);
    assert_int_equal(castor_decoder_next(NULL, &event, &err), CASTOR_STEP_ERROR);
    expect(err.status, CASTOR_INVALID, &err, "the decoder is NULL");
    assert_int_equal(castor_decoder_next(decoder, NULL, NULL), CASTOR_STEP_ERROR);
    assert_int_equal(castor_decoder_next(decoder, &event, NULL), CASTOR_STEP_WAIT);

    /* The stream has lost nothing by it. */
    assert_int_equal(castor_stream_next(stream, &event, NULL), CASTOR_STEP_EVENT);
    assert_true(cst_str_is(event.text, "Hi"));
    castor_decoder_free(decoder);
    castor_stream_close(stream);
    castor_client_free(client);
}

static void of_nothing_nothing_is_known(void **state)
{
    (void)state;
    castor_client_free(NULL);
    castor_client_ready(NULL, 0, CASTOR_READ);
    castor_client_tick(NULL);
    castor_stream_cancel(NULL);
    castor_stream_close(NULL);
    castor_stream_listen(NULL, NULL, NULL);
    castor_answer_free(NULL);
    castor_decoder_end(NULL, CASTOR_END_CLEAN);
    castor_decoder_free(NULL);
    assert_int_equal(castor_client_has_key(NULL), 0);
    assert_int_equal(castor_stream_verdict(NULL), CASTOR_VERDICT_NONE);
    assert_null(castor_stream_error(NULL));
    assert_false(castor_stream_usage(NULL).total_tokens.is_set);
    assert_false(castor_stream_timing(NULL).total_ms.is_set);
    assert_int_equal(castor_stream_attempts(NULL), 0);
    assert_int_equal(castor_stream_http_status(NULL), 0);
    assert_null(castor_stream_response_id(NULL).data);
    assert_null(castor_stream_model_version(NULL).data);
    assert_null(castor_stream_finish_reason(NULL).data);
    assert_null(castor_stream_block_reason(NULL).data);
    assert_null(castor_stream_error_body(NULL).data);
    assert_int_equal(castor_answer_text(NULL, 0).len, 0);
    assert_int_equal(castor_answer_event_count(NULL), 0);
    assert_null(castor_answer_event(NULL, 0));
    assert_null(castor_answer_stream(NULL)); /* of a call that was never sent, and so: */
    assert_int_equal(castor_stream_verdict(castor_answer_stream(NULL)), CASTOR_VERDICT_NONE);
    assert_int_equal(castor_decoder_verdict(NULL), CASTOR_VERDICT_NONE);
    assert_false(castor_decoder_usage(NULL).total_tokens.is_set);
    assert_null(castor_decoder_response_id(NULL).data);
    assert_null(castor_decoder_model_version(NULL).data);
    assert_null(castor_decoder_finish_reason(NULL).data);
    assert_null(castor_decoder_block_reason(NULL).data);
    assert_int_equal(castor_decoder_dialect(NULL), CASTOR_DIALECT_DEFAULT);
    assert_int_equal(castor_dialect_from_name(NULL), CASTOR_DIALECT_DEFAULT);
    assert_null(castor_str_of(NULL).data);
}

static void harmless_text_of_nothing_is_nothing(void **state)
{
    castor_safe_text safe = { 0 };
    castor_str       text = { "abc", 3 }, lie = { NULL, 7 };
    char             out[16];

    (void)state;
    assert_int_equal(castor_safe_text_feed(&safe, NULL, out, sizeof out), 0);
    assert_int_equal(castor_safe_text_feed(&safe, &lie, out, sizeof out), 0);
    assert_int_equal(lie.len, 0); /* a loop over it ends */
    assert_int_equal(castor_safe_text_feed(&safe, &text, NULL, sizeof out), 0);
    assert_int_equal(text.len, 0);
    text = CASTOR_STR("abc");
    assert_int_equal(castor_safe_text_feed(NULL, &text, out, sizeof out), 0);
    assert_int_equal(text.len, 0);
    assert_int_equal(castor_safe_text_end(NULL, out), 0);
    assert_int_equal(castor_safe_text_end(&safe, NULL), 0);
}

/* ---- structs that nobody initialised ---- */

static int32_t watch_nothing(void *user, int fd, int32_t interest)
{
    (void)user;
    (void)fd;
    (void)interest;
    return 0;
}

static int32_t time_nothing(void *user, int64_t delay_ms)
{
    (void)user;
    (void)delay_ms;
    return 0;
}

static void a_struct_without_its_size_is_refused_by_name(void **state)
{
    static const size_t    sizes[] = { 0, 1, sizeof(size_t) - 1, SIZE_MAX };
    castor_client         *client = plain_client(), *other = NULL;
    castor_stream         *stream = NULL;
    castor_answer         *answer = NULL;
    castor_decoder        *decoder = NULL;
    castor_client_options  options = plain_options();
    castor_decoder_options decoder_options = CASTOR_DECODER_OPTIONS_INIT;
    castor_retry_options   retry = CASTOR_RETRY_OPTIONS_INIT;
    castor_loop            loop = { .watch = watch_nothing, .timer = time_nothing };
    castor_request         request = plain_request();
    castor_str             text;
    castor_error           err;

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        options.size = decoder_options.size = loop.size = request.size = sizes[i];
        expect(castor_client_new(&other, &options, &err), CASTOR_INVALID, &err, "CASTOR_CLIENT_OPTIONS_INIT");
        expect(castor_decoder_new(&decoder, &decoder_options, &err), CASTOR_INVALID, &err, "CASTOR_DECODER_OPTIONS_INIT");
        expect(castor_client_attach(client, &loop, &err), CASTOR_INVALID, &err, "CASTOR_LOOP_INIT");
        expect(castor_stream_open(&stream, client, &request, &err), CASTOR_INVALID, &err, "CASTOR_REQUEST_INIT");
        expect(castor_generate(&answer, client, &request, &err), CASTOR_INVALID, &err, "CASTOR_REQUEST_INIT");
        expect(castor_client_preview(client, &request, &text, &err), CASTOR_INVALID, &err, "CASTOR_REQUEST_INIT");
        retry.size = sizes[i];
        options = plain_options();
        options.retry = &retry;
        expect(castor_client_new(&other, &options, &err), CASTOR_INVALID, &err, "CASTOR_RETRY_OPTIONS_INIT");
        request = plain_request();
        request.retry = &retry;
        expect(castor_stream_open(&stream, client, &request, &err), CASTOR_INVALID, &err, "CASTOR_RETRY_OPTIONS_INIT");
        assert_true(!other && !decoder && !stream && !answer && !text.data);
    }
    castor_client_free(client);
}

static void an_allocator_needs_its_three_functions(void **state)
{
    tst_memory             memory = { 0 };
    castor_client         *client = NULL;
    castor_decoder        *decoder = NULL;
    castor_decoder_options decoder_options = CASTOR_DECODER_OPTIONS_INIT;
    castor_client_options  options = plain_options();
    castor_error           err;

    (void)state;
    for (int i = 0; i < 3; i++) {
        castor_allocator allocator = tst_allocator(&memory);
        if (i == 0) allocator.allocate = NULL;
        if (i == 1) allocator.reallocate = NULL;
        if (i == 2) allocator.release = NULL;
        options.allocator = decoder_options.allocator = &allocator;
        expect(castor_client_new(&client, &options, &err), CASTOR_INVALID, &err, "the allocator has no");
        expect(castor_decoder_new(&decoder, &decoder_options, &err), CASTOR_INVALID, &err, "the allocator has no");
    }
    assert_null(client);
    assert_null(decoder);
}

/* ---- requests that say one thing and point to another ---- */

static void expect_refused(const castor_request *request, castor_status status, const char *words)
{
    castor_client *client = plain_client();
    castor_stream *stream = NULL;
    castor_error   err;

    expect(castor_stream_open(&stream, client, request, &err), status, &err, words);
    assert_null(stream);
    castor_client_free(client);
}

static void a_count_beside_a_null_pointer_is_refused_by_name(void **state)
{
    castor_request       request = plain_request();
    castor_retry_options retry = CASTOR_RETRY_OPTIONS_INIT;
    castor_turn          turn = { .role = CASTOR_USER, .part_count = 2 };

    (void)state;
    request.turns = NULL;
    expect_refused(&request, CASTOR_INVALID, "there are to be 1 turns, but their pointer is NULL");
    request = plain_request();
    request.turns = &turn;
    expect_refused(&request, CASTOR_INVALID, "2 parts of a turn");
    request = plain_request();
    request.stop_sequence_count = 1;
    expect_refused(&request, CASTOR_INVALID, "1 stop_sequences");
    request = plain_request();
    request.safety_count = 3;
    expect_refused(&request, CASTOR_INVALID, "3 safety settings");
    request = plain_request();
    retry.fallback_model_count = 1;
    request.retry = &retry;
    expect_refused(&request, CASTOR_INVALID, "1 fallback models");
    request = plain_request();
    request.turn_count = SIZE_MAX;
    expect_refused(&request, CASTOR_INVALID, "turns; a request has");
}

static void a_list_with_a_hole_is_refused(void **state)
{
    static const char *const stops[] = { "a", NULL };
    castor_safety            safety = { NULL, "BLOCK_NONE" };
    castor_request           request = plain_request();

    (void)state;
    request.stop_sequences = stops;
    request.stop_sequence_count = 2;
    expect_refused(&request, CASTOR_INVALID, "stop sequence 1 is NULL");
    request = plain_request();
    request.safety = &safety;
    request.safety_count = 1;
    expect_refused(&request, CASTOR_INVALID, "safety setting 0 has no category");
    safety = (castor_safety){ "HARM_CATEGORY_HARASSMENT", NULL };
    expect_refused(&request, CASTOR_INVALID, "safety setting 0 has no threshold");
}

/* A view that lies about its length, wherever a request has one. */
static void expect_lies_refused(castor_request *request, castor_str *view)
{
    castor_str before = *view;

    *view = (castor_str){ NULL, 5 };
    expect_refused(request, CASTOR_INVALID, "5 bytes, but its data is NULL");
    *view = (castor_str){ "{}", SIZE_MAX };
    expect_refused(request, CASTOR_INVALID, "a request has 512 MiB at most");
    *view = before;
}

static void a_text_is_as_long_as_it_says(void **state)
{
    castor_part    part = { .type = CASTOR_PART_TEXT, .text = CASTOR_STR("Hi") };
    castor_turn    turn = { .role = CASTOR_USER, .parts = &part, .part_count = 1 };
    castor_request request = plain_request();

    (void)state;
    expect_lies_refused(&request, &request.system_instruction);
    expect_lies_refused(&request, &request.response_schema);
    expect_lies_refused(&request, &request.tools_json);
    expect_lies_refused(&request, &request.extra_json);
    expect_lies_refused(&request, &request.body_json);
    request.turns = &turn;
    expect_lies_refused(&request, &turn.text);
    expect_lies_refused(&request, &part.text);
    expect_lies_refused(&request, &part.data);
    expect_lies_refused(&request, &part.raw);
}

/* ---- numbers and lengths beyond reason ---- */

static void names_and_urls_beyond_reason_are_refused_with_their_length(void **state)
{
    castor_client_options options = plain_options();
    castor_request        request = plain_request();
    castor_client        *client = NULL;
    castor_error          err;
    castor_str            endless = tst_repeat("x", 100000);
    castor_str            url = tst_repeat("http://h/", 50000);

    (void)state;
    assert_true(endless.data && url.data);
    request.model = endless.data;
    expect_refused(&request, CASTOR_INVALID, "the model's name is 100000 bytes long");
    const char **const texts[] = { &options.api_key, &options.user_agent, &options.proxy, &options.base_url };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        options = plain_options();
        *texts[i] = i == 3 ? url.data : endless.data;
        expect(castor_client_new(&client, &options, &err), CASTOR_INVALID, &err, " bytes long; it may have 4096 at most");
        assert_null(strstr(err.message, "xxxx"));
    }
    free((void *)(uintptr_t)endless.data);
    free((void *)(uintptr_t)url.data);
}

/* A whole answer, under settings that only take part where they are kind. */
static void expect_answer(const castor_client_options *options, const castor_request *request)
{
    castor_client *client = make_client(options);
    castor_stream *stream = NULL;
    castor_error   err;
    castor_event   event;
    castor_step    step;

    assert_int_equal(castor_stream_open(&stream, client, request, &err), CASTOR_OK);
    while ((step = castor_stream_next(stream, &event, &err)) == CASTOR_STEP_EVENT) continue;
    if (step != CASTOR_STEP_DONE) fail_msg("%s", err.message);
    castor_stream_close(stream);
    castor_client_free(client);
}

static void extreme_settings_are_no_limits_at_all(void **state)
{
    castor_client_options options = plain_options();
    castor_request        request = plain_request();
    castor_retry_options  retry = CASTOR_RETRY_OPTIONS_INIT;

    (void)state;
    options.streams_max = options.host_connections_max = options.connection_streams_max = INT64_MAX;
    options.event_bytes_max = SIZE_MAX;
    options.recorder_bytes = INT64_MAX;
    retry.attempts_max = retry.restart = INT32_MAX;
    retry.budget_ms = retry.first_delay_ms = retry.delay_max_ms = INT64_MAX;
    options.retry = &retry;
    for (int i = 0; i < 2; i++) {
        int64_t limit_ms = i == 0 ? INT64_MAX : INT64_MIN;
        options.connect_timeout_ms = options.tls_timeout_ms = options.first_byte_timeout_ms = limit_ms;
        options.idle_timeout_ms = options.total_timeout_ms = limit_ms;
        request.connect_timeout_ms = request.tls_timeout_ms = request.first_byte_timeout_ms = limit_ms;
        request.idle_timeout_ms = request.total_timeout_ms = limit_ms;
        request.recorder_bytes = limit_ms;
        request.hops_max = INT32_MAX;
        expect_answer(&options, &request);
    }
}

static void what_is_none_of_its_kind_is_refused_by_number(void **state)
{
    castor_client_options  options = plain_options();
    castor_decoder_options decoder_options = CASTOR_DECODER_OPTIONS_INIT;
    castor_request         request = plain_request();
    castor_part            part = { .type = (castor_part_type)77, .text = CASTOR_STR("Hi") };
    castor_turn            turn = { .role = (castor_role)77, .text = CASTOR_STR("Hi") };
    castor_client         *client = NULL;
    castor_decoder        *decoder = NULL;
    castor_error           err;

    (void)state;
    options.dialect = decoder_options.dialect = request.dialect = (castor_dialect)77;
    expect(castor_client_new(&client, &options, &err), CASTOR_INVALID, &err, "dialect 77");
    expect(castor_decoder_new(&decoder, &decoder_options, &err), CASTOR_INVALID, &err, "dialect 77");
    expect_refused(&request, CASTOR_INVALID, "dialect 77");
    request = plain_request();
    request.turns = &turn;
    expect_refused(&request, CASTOR_INVALID, "role 77");
    turn = (castor_turn){ .role = CASTOR_USER, .parts = &part, .part_count = 1 };
    expect_refused(&request, CASTOR_INVALID, "type 77");
    for (int i = -1; i < 100; i += 50) {
        assert_non_null(castor_status_name((castor_status)i));
        assert_non_null(castor_verdict_name((castor_verdict)i));
        assert_non_null(castor_event_name((castor_event_type)i));
        assert_non_null(castor_time_limit_name((castor_time_limit)i));
        assert_non_null(castor_dialect_name((castor_dialect)i));
        assert_int_equal(castor_verdict_exit((castor_verdict)(i + 50)), 1);
    }
}

/* ---- the wrong order ---- */

static void an_end_that_is_none_is_no_clean_one(void **state)
{
    castor_decoder *decoder = NULL;
    castor_event    event;
    castor_error    err;

    (void)state;
    assert_int_equal(castor_decoder_new(&decoder, NULL, &err), CASTOR_OK);
    assert_int_equal(castor_decoder_feed(decoder, TEXT, sizeof TEXT - 1, &err), CASTOR_OK);
    castor_decoder_end(decoder, (castor_end)77);
    castor_decoder_end(decoder, CASTOR_END_CLEAN); /* it has ended already */
    assert_int_equal(castor_decoder_feed(decoder, STOP, sizeof STOP - 1, &err), CASTOR_OK);
    while (castor_decoder_next(decoder, &event, &err) == CASTOR_STEP_EVENT) continue;
    assert_int_equal(castor_decoder_verdict(decoder), CASTOR_VERDICT_TRUNCATED);
    assert_int_equal(castor_decoder_next(decoder, &event, &err), CASTOR_STEP_ERROR);
    castor_decoder_free(decoder);
}

static void hear(void *user, castor_stream *stream, castor_step step, const castor_event *event)
{
    (void)stream;
    (void)event;
    *(castor_step *)user = step;
}

/* At its beginning, in the middle, and ended. */
static void a_stream_whose_client_is_gone_knows_its_verdict_and_refuses_nothing(void **state)
{
    castor_error err;
    castor_event event;
    castor_str   script;
    castor_step  heard = CASTOR_STEP_WAIT;

    (void)state;
    for (int taken = 0; taken < 4; taken++) {
        castor_client_options options = plain_options();
        options.recorder_bytes = 1 << 16;
        castor_client *client = make_client(&options);
        castor_stream *stream = open_on(client);
        for (int i = 0; i < taken; i++) (void)castor_stream_next(stream, &event, &err);
        castor_client_free(client);
        castor_step    end = taken == 3 ? CASTOR_STEP_DONE : CASTOR_STEP_ERROR;
        castor_verdict verdict = taken == 3 ? CASTOR_VERDICT_COMPLETE : CASTOR_VERDICT_CANCELLED;
        castor_stream_cancel(stream);
        castor_stream_listen(stream, hear, &heard);
        castor_stream_listen(stream, NULL, NULL);
        assert_int_equal(castor_stream_next(stream, &event, &err), end);
        assert_int_equal(castor_stream_poll(stream, &event, NULL), end);
        assert_int_equal(castor_stream_verdict(stream), verdict);
        assert_int_equal(castor_stream_error(stream) == NULL, taken == 3);
        assert_int_equal(castor_stream_attempts(stream), 1);
        (void)castor_stream_usage(stream);
        (void)castor_stream_timing(stream);
        (void)castor_stream_error_body(stream);
        (void)castor_stream_finish_reason(stream);
        assert_int_equal(castor_stream_dump(stream, &script, &err), CASTOR_OK);
        castor_stream_close(stream);
    }
    assert_int_equal(heard, CASTOR_STEP_WAIT); /* nobody calls a listener any more */
}

/* On the real network: what a loop tells of descriptors that nobody asked for. */
static void a_loop_may_tell_of_anything(void **state)
{
    static const int      descriptors[] = { -1, 0, 1, 12345, INT_MAX, INT_MIN };
    castor_client_options options = plain_options();
    castor_loop           loop = CASTOR_LOOP_INIT;
    castor_client        *client = NULL;
    castor_stream        *stream = NULL;
    castor_request        request = plain_request();
    castor_error          err;

    (void)state;
    options.base_url = "http://127.0.0.1:1";
    loop.watch = watch_nothing;
    loop.timer = time_nothing;
    assert_int_equal(castor_client_new(&client, &options, &err), CASTOR_OK);
    castor_client_ready(client, 0, CASTOR_READ); /* there is no loop */
    castor_client_tick(client);
    assert_int_equal(castor_client_attach(client, &loop, &err), CASTOR_OK);
    for (int with_stream = 0; with_stream < 2; with_stream++) {
        if (with_stream) assert_int_equal(castor_stream_open(&stream, client, &request, &err), CASTOR_OK);
        for (size_t i = 0; i < sizeof descriptors / sizeof *descriptors; i++) {
            for (int32_t ready = -1; ready < 9; ready++) castor_client_ready(client, descriptors[i], ready);
            castor_client_tick(client);
        }
    }
    assert_int_equal(castor_client_attach(client, NULL, &err), CASTOR_OK);
    assert_int_equal(castor_client_attach(client, NULL, &err), CASTOR_OK);
    castor_stream_close(stream);
    castor_client_free(client);
}

/* ---- from inside ---- */

typedef struct inside {
    castor_client *client;
    int            times;
    int            ends;
} inside;

/* Everything that a listener may do but close and free (tests/test_loop.c), and what is refused to it. */
static void do_all(void *user, castor_stream *stream, castor_step step, const castor_event *event)
{
    inside        *in = user;
    castor_request request = plain_request();
    castor_loop    loop = CASTOR_LOOP_INIT;
    castor_answer *answer = NULL;
    castor_error   err;
    castor_str     text;

    assert_int_equal(event != NULL, step == CASTOR_STEP_EVENT);
    in->times++;
    in->ends += step != CASTOR_STEP_EVENT;
    loop.watch = watch_nothing;
    loop.timer = time_nothing;
    expect(castor_client_wait(in->client, 0, &err), CASTOR_INVALID, &err, "calling a listener");
    expect(castor_client_attach(in->client, &loop, &err), CASTOR_INVALID, &err, "while it calls a listener");
    expect(castor_client_attach(in->client, NULL, &err), CASTOR_INVALID, &err, "while it calls a listener");
    castor_client_ready(in->client, 0, CASTOR_READ);
    castor_client_tick(in->client);
    assert_int_equal(castor_client_preview(in->client, &request, &text, &err), CASTOR_OK);
    assert_int_equal(castor_generate(&answer, in->client, &request, &err), CASTOR_OK);
    assert_true(cst_str_is(castor_answer_text(answer, 0), "Hi"));
    castor_answer_free(answer);
    expect(castor_stream_dump(stream, &text, &err), CASTOR_INVALID, &err, "nothing was recorded");
    if (event) castor_stream_listen(stream, do_all, in); /* at the end it would be told that anew */
    (void)castor_stream_usage(stream);
}

static void a_listener_may_call_what_does_not_wait(void **state)
{
    inside         in = { plain_client(), 0, 0 };
    castor_stream *one = open_on(in.client), *two = open_on(in.client);
    castor_error   err;

    (void)state;
    castor_stream_listen(one, do_all, &in);
    castor_stream_listen(two, do_all, &in);
    while (in.ends < 2) assert_int_equal(castor_client_wait(in.client, 1000, &err), CASTOR_OK);
    assert_int_equal(in.times, 6);
    assert_int_equal(castor_stream_verdict(one), CASTOR_VERDICT_COMPLETE);
    assert_int_equal(castor_stream_verdict(two), CASTOR_VERDICT_COMPLETE);
    castor_stream_close(one);
    castor_stream_close(two);
    castor_client_free(in.client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_returns_a_status_says_that_it_got_nothing),
        cmocka_unit_test(who_takes_events_is_told_what_is_missing),
        cmocka_unit_test(of_nothing_nothing_is_known),
        cmocka_unit_test(harmless_text_of_nothing_is_nothing),
        cmocka_unit_test(a_struct_without_its_size_is_refused_by_name),
        cmocka_unit_test(an_allocator_needs_its_three_functions),
        cmocka_unit_test(a_count_beside_a_null_pointer_is_refused_by_name),
        cmocka_unit_test(a_list_with_a_hole_is_refused),
        cmocka_unit_test(a_text_is_as_long_as_it_says),
        cmocka_unit_test(names_and_urls_beyond_reason_are_refused_with_their_length),
        cmocka_unit_test(extreme_settings_are_no_limits_at_all),
        cmocka_unit_test(what_is_none_of_its_kind_is_refused_by_number),
        cmocka_unit_test(an_end_that_is_none_is_no_clean_one),
        cmocka_unit_test(a_stream_whose_client_is_gone_knows_its_verdict_and_refuses_nothing),
        cmocka_unit_test(a_loop_may_tell_of_anything),
        cmocka_unit_test(a_listener_may_call_what_does_not_wait),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
