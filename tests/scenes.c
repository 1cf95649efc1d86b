/* scenes.c -- what a user does with the library, from the first call to the last.
 * SPDX-License-Identifier: MIT
 */
#include "scenes.h"

#include <castor/adapters/poll.h>
#include <stdlib.h>

/* ---- asking ---- */

typedef struct question {
    castor_turn    turn;
    castor_request request; /* points into it */
} question;

/* The prompt chooses the answer: see stage.c. */
static castor_request *put(question *out, const char *prompt, castor_dialect dialect)
{
    static const char *const models[] = { [CASTOR_DIALECT_GEMINI] = "gemini-3.8-flash",
                                          [CASTOR_DIALECT_OPENAI] = "gemini-3.8-flash",
                                          [CASTOR_DIALECT_MESSAGE] = "chat-bison-001" };

    *out = (question){ .turn = { .role = CASTOR_USER, .text = castor_str_of(prompt) } };
    out->request = CASTOR_REQUEST_INIT;
    out->request.model = models[dialect];
    out->request.dialect = dialect;
    out->request.turns = &out->turn;
    out->request.turn_count = 1;
    out->request.temperature = castor_some_f64(0.5);
    if (dialect != CASTOR_DIALECT_MESSAGE) out->request.system_instruction = CASTOR_STR("Be brief.");
    return &out->request;
}

/* NULL: it was told why not. */
static castor_stream *open_request(castor_client *client, const castor_request *request, tst_told *told)
{
    castor_stream *stream = NULL;

    castor_status status = castor_stream_open(&stream, client, request, &told->error);
    assert_int_equal(status == CASTOR_OK, stream != NULL);
    if (status == CASTOR_OK) return stream;
    assert_int_equal(status, told->error.status);
    told->verdict = CASTOR_VERDICT_FAILED;
    return NULL;
}

static castor_stream *open_stream(castor_client *client, const char *prompt, castor_dialect dialect, tst_told *told)
{
    question one;

    return open_request(client, put(&one, prompt, dialect), told);
}

static void read_on(castor_stream *stream, tst_told *told)
{
    castor_event event;
    castor_step  step;

    while ((step = castor_stream_next(stream, &event, NULL)) == CASTOR_STEP_EVENT) tst_told_event(told, &event);
    tst_told_end(told, stream);
    assert_int_equal(step == CASTOR_STEP_DONE, told->verdict == CASTOR_VERDICT_COMPLETE);
}

static void read_request(castor_client *client, tst_played *out, const castor_request *request)
{
    tst_told      *told = tst_told_begin(out);
    castor_stream *stream = open_request(client, request, told);

    if (stream) read_on(stream, told);
    castor_stream_close(stream);
}

static void read_one(castor_client *client, tst_played *out, const char *prompt, castor_dialect dialect)
{
    question one;

    read_request(client, out, put(&one, prompt, dialect));
}

/* ---- one after another ---- */

void tst_scene_ask(castor_client *client, tst_played *out)
{
    read_one(client, out, "stream", CASTOR_DIALECT_GEMINI);
}

static void ask_for_chat(castor_client_options *options, const tst_stage *stage)
{
    options->base_url = stage->chat_url;
}

static void read_tool_calls(castor_client *client, tst_played *out)
{
    read_one(client, out, "calls", CASTOR_DIALECT_OPENAI);
}

static void read_messages(castor_client *client, tst_played *out)
{
    read_one(client, out, "message", CASTOR_DIALECT_MESSAGE);
}

static void read_an_error(castor_client *client, tst_played *out)
{
    read_one(client, out, "refused", CASTOR_DIALECT_GEMINI);
}

static void read_a_picture(castor_client *client, tst_played *out)
{
    read_one(client, out, "picture", CASTOR_DIALECT_GEMINI);
}

static void use_a_connection_again(castor_client *client, tst_played *out)
{
    for (int i = 0; i < 3; i++) tst_scene_ask(client, out);
}

static void take_it_whole(castor_client *client, tst_played *out)
{
    tst_told      *told = tst_told_begin(out);
    question       one;
    castor_answer *answer = NULL;

    castor_status status = castor_generate(&answer, client, put(&one, "whole", CASTOR_DIALECT_GEMINI), &told->error);
    told->verdict = status == CASTOR_OK ? CASTOR_VERDICT_COMPLETE : CASTOR_VERDICT_FAILED;
    for (size_t i = 0; answer && i < castor_answer_event_count(answer); i++) {
        tst_told_event(told, castor_answer_event(answer, i));
    }
    if (status == CASTOR_OK) assert_string_equal(castor_answer_text(answer, 0).data, "Dams hold.");
    castor_answer_free(answer);
}

static void look_at_the_request(castor_client *client, tst_played *out)
{
    tst_told  *told = tst_told_begin(out);
    question   one;
    castor_str preview;

    castor_status status = castor_client_preview(client, put(&one, "beavers", CASTOR_DIALECT_GEMINI), &preview,
                                                 &told->error);
    told->verdict = status == CASTOR_OK ? CASTOR_VERDICT_COMPLETE : CASTOR_VERDICT_FAILED;
    if (status == CASTOR_OK) assert_non_null(tst_find(preview, CASTOR_STR("beavers")));
    tst_scene_ask(client, out);
}

/* ---- more than one attempt, more than one request ---- */

static void read_retried(castor_client *client, tst_played *out, const castor_retry_options *retry)
{
    question        one;
    castor_request *request = put(&one, "stream", CASTOR_DIALECT_GEMINI);

    request->retry = retry;
    read_request(client, out, request);
}

static void ask_another_model(castor_client *client, tst_played *out)
{
    static const char *const          others[] = { "gemini-2.5-flash" };
    static const castor_retry_options retry = { .size = sizeof retry, .attempts_max = 3, .first_delay_ms = 1,
                                                .delay_max_ms = 1, .fallback_models = others,
                                                .fallback_model_count = 1 };

    read_retried(client, out, &retry);
}

static void ask_again_later(castor_client *client, tst_played *out)
{
    static const castor_retry_options retry = { .size = sizeof retry, .attempts_max = 3, .first_delay_ms = 1,
                                                .delay_max_ms = 1 };

    read_retried(client, out, &retry);
}

static void begin_anew(castor_client *client, tst_played *out)
{
    static const castor_retry_options retry = { .size = sizeof retry, .attempts_max = 3, .restart = 1,
                                                .first_delay_ms = 1, .delay_max_ms = 1 };

    read_retried(client, out, &retry);
}

static void go_from_hop_to_hop(castor_client *client, tst_played *out)
{
    question        one;
    castor_request *request = put(&one, "hops", CASTOR_DIALECT_GEMINI);

    request->model = "gemini-4-argon";
    request->thinking_level = "low";
    read_request(client, out, request);
}

/* ---- the recorder ---- */

static void record(castor_client_options *options, const tst_stage *stage)
{
    (void)stage;
    options->recorder_bytes = 64 << 10;
}

/* Where memory was short the script may lack bytes, and says so. */
static void tell_what_was_recorded(castor_client *client, tst_played *out)
{
    tst_told      *told = tst_told_begin(out);
    castor_stream *stream = open_stream(client, "stream", CASTOR_DIALECT_GEMINI, told);
    castor_error   err = { .status = CASTOR_OK };
    castor_str     script;

    if (!stream) return;
    read_on(stream, told);
    castor_status status = castor_stream_dump(stream, &script, &err);
    assert_int_equal(status == CASTOR_OK, script.data != NULL);
    if (status == CASTOR_OK && told->verdict == CASTOR_VERDICT_COMPLETE) {
        assert_true(tst_find(script, CASTOR_STR("hold.")) || tst_find(script, CASTOR_STR("missing")));
    } else if (told->verdict == CASTOR_VERDICT_COMPLETE) {
        told->error = err;
        told->verdict = CASTOR_VERDICT_FAILED;
    }
    castor_stream_close(stream);
}

/* ---- trust ---- */

/* As for the system's: the directory is asked first, and its bundle only when nobody there has signed the server. */
static void trust_in_two_places(castor_client_options *options, const tst_stage *stage)
{
    setenv("SSL_CERT_FILE", stage->ca_file, 1);
    setenv("SSL_CERT_DIR", stage->strangers, 1);
    options->ca_file = NULL;
    options->ignore_environment = 0;
    options->proxy = "";
}

static void show_who_we_are(castor_client_options *options, const tst_stage *stage)
{
    options->client_cert_file = stage->client_cert;
}

/* ---- not to the end ---- */

static void cancel(castor_client *client, tst_played *out)
{
    tst_told      *told = tst_told_begin(out);
    castor_stream *stream = open_stream(client, "trickle", CASTOR_DIALECT_GEMINI, told);
    castor_event   event;

    if (!stream) return;
    if (castor_stream_next(stream, &event, NULL) == CASTOR_STEP_EVENT) tst_told_event(told, &event);
    castor_stream_cancel(stream);
    read_on(stream, told);
    castor_stream_close(stream);
}

static void close_early(castor_client *client, tst_played *out)
{
    tst_told      *told = tst_told_begin(out);
    castor_stream *stream = open_stream(client, "trickle", CASTOR_DIALECT_GEMINI, told);
    castor_event   event;
    castor_step    step = CASTOR_STEP_WAIT;

    if (!stream) return;
    step = castor_stream_next(stream, &event, NULL);
    if (step == CASTOR_STEP_EVENT) tst_told_event(told, &event);
    tst_told_end(told, stream);
    if (step == CASTOR_STEP_EVENT) told->verdict = CASTOR_VERDICT_COMPLETE; /* as far as anybody wanted to know */
    castor_stream_close(stream);
}

static void leave_it_open(castor_client *client, tst_played *out)
{
    tst_told    *told = tst_told_begin(out);
    castor_event event;

    out->left_open = open_stream(client, "stream", CASTOR_DIALECT_GEMINI, told);
    if (!out->left_open) return;
    if (castor_stream_next(out->left_open, &event, NULL) == CASTOR_STEP_EVENT) {
        tst_told_event(told, &event);
        told->verdict = CASTOR_VERDICT_COMPLETE;
    } else {
        tst_told_end(told, out->left_open);
    }
}

/* ---- several at once ---- */

typedef struct crowd {
    castor_stream *streams[TST_TOLD_MAX];
    tst_told      *told[TST_TOLD_MAX];
    size_t         count;
    size_t         open;
} crowd;

static void gather(crowd *all, size_t count, castor_client *client, tst_played *out)
{
    *all = (crowd){ .count = count };
    for (size_t i = 0; i < count; i++) {
        all->told[i] = tst_told_begin(out);
        all->streams[i] = open_stream(client, "stream", CASTOR_DIALECT_GEMINI, all->told[i]);
        all->open += all->streams[i] != NULL;
    }
}

static void end_one(crowd *all, size_t which)
{
    tst_told_end(all->told[which], all->streams[which]);
    castor_stream_close(all->streams[which]);
    all->streams[which] = NULL;
    all->open--;
}

static void take_what_is_there(crowd *all, size_t which)
{
    castor_event event;
    castor_step  step;

    while ((step = castor_stream_poll(all->streams[which], &event, NULL)) == CASTOR_STEP_EVENT) {
        tst_told_event(all->told[which], &event);
    }
    if (step != CASTOR_STEP_WAIT) end_one(all, which);
}

static void wait_for(size_t count, castor_client *client, tst_played *out)
{
    crowd all;

    gather(&all, count, client, out);
    while (all.open > 0) {
        (void)castor_client_wait(client, CASTOR_NO_LIMIT, NULL);
        for (size_t i = 0; i < count; i++) {
            if (all.streams[i]) take_what_is_there(&all, i);
        }
    }
}

static void wait_for_several(castor_client *client, tst_played *out)
{
    wait_for(3, client, out);
}

static void wait_for_many(castor_client *client, tst_played *out)
{
    wait_for(20, client, out);
}

static void take_turns(castor_client_options *options, const tst_stage *stage)
{
    (void)stage;
    options->streams_max = 1;
}

static void share_a_connection(castor_client_options *options, const tst_stage *stage)
{
    (void)stage;
    options->host_connections_max = 1;
    options->connection_streams_max = 8;
}

/* ---- listeners ---- */

static void on_step(void *user, castor_stream *stream, castor_step step, const castor_event *event)
{
    crowd *all = user;

    for (size_t i = 0; i < all->count; i++) {
        if (all->streams[i] != stream) continue;
        if (step == CASTOR_STEP_EVENT) tst_told_event(all->told[i], event);
        else end_one(all, i);
        return;
    }
    fail_msg("a listener was called for a stream that is closed");
}

static void listen(crowd *all)
{
    for (size_t i = 0; i < all->count; i++) {
        if (all->streams[i]) castor_stream_listen(all->streams[i], on_step, all);
    }
}

static void listen_to_the_end(crowd *all, castor_client *client)
{
    while (all->open > 0) (void)castor_client_wait(client, CASTOR_NO_LIMIT, NULL);
}

static void listen_to_several(castor_client *client, tst_played *out)
{
    crowd all;

    gather(&all, 3, client, out);
    listen(&all);
    listen_to_the_end(&all, client);
}

/* False: it was told why not. */
static bool attach(castor_poll *loop, castor_client *client, tst_told *told)
{
    castor_status status = castor_poll_attach(client, loop, &told->error);

    told->verdict = status == CASTOR_OK ? CASTOR_VERDICT_COMPLETE : CASTOR_VERDICT_FAILED;
    return status == CASTOR_OK;
}

static void loop_with_several(castor_client *client, tst_played *out)
{
    castor_poll loop;
    crowd       all;

    if (!attach(&loop, client, tst_told_begin(out))) return;
    gather(&all, 3, client, out);
    listen(&all);
    while (all.open > 0 && castor_poll_is_busy(&loop)) castor_poll_turn(&loop, TST_SCENE_PATIENCE_MS);
    for (size_t i = 0; i < all.count; i++) {
        if (all.streams[i]) fail_msg("the loop has nothing to wait for, and a stream has not ended");
    }
    (void)castor_client_attach(client, NULL, NULL);
}

/* With streams under way: a turn in the loop, and the rest without it. */
static void loop_for_a_turn(castor_client *client, tst_played *out)
{
    tst_told   *told = tst_told_begin(out);
    castor_poll loop;
    crowd       all;

    gather(&all, 3, client, out);
    listen(&all);
    if (attach(&loop, client, told)) {
        if (castor_poll_is_busy(&loop)) castor_poll_turn(&loop, TST_SCENE_PATIENCE_MS);
        (void)castor_client_attach(client, NULL, NULL);
    }
    listen_to_the_end(&all, client);
}

/* ---- the table ---- */

enum {
    WHOLE = CASTOR_VERDICT_COMPLETE,
    QUOTA = CASTOR_VERDICT_QUOTA_DAY,
    ENDED = CASTOR_VERDICT_CANCELLED,
    ANY = 1u << TST_CLEAR | 1u << TST_TLS | 1u << TST_H2,
    CLEAR = 1u << TST_CLEAR, /* where TLS would add nothing but time */
    SECURE = 1u << TST_TLS | 1u << TST_H2,
    H2 = 1u << TST_H2
};

#define FAULTLESS NULL, NULL, NULL

const tst_scene tst_scenes[] = {
    { "while a stream is read", tst_scene_ask, WHOLE, FAULTLESS, ANY },
    { "while an answer is taken whole", take_it_whole, WHOLE, FAULTLESS, ANY },
    { "while tool calls are joined", read_tool_calls, WHOLE, NULL, ask_for_chat, read_tool_calls, CLEAR },
    { "while messages are read", read_messages, WHOLE, FAULTLESS, CLEAR },
    { "while an error body is read", read_an_error, QUOTA, FAULTLESS, ANY },
    { "while a large event is read", read_a_picture, WHOLE, FAULTLESS, ANY },
    { "while a compressed answer is read", tst_scene_ask, WHOLE, "gzip", NULL, NULL, ANY },
    { "while a request is previewed", look_at_the_request, WHOLE, FAULTLESS, CLEAR },
    { "while a connection is used again", use_a_connection_again, WHOLE, FAULTLESS, ANY },
    { "while a busy model is left for another", ask_another_model, WHOLE, "status=503", NULL, NULL, ANY },
    { "while a busy server is asked again later", ask_again_later, WHOLE, "status=503", NULL, NULL, ANY },
    { "while an answer begins anew", begin_anew, WHOLE, "cut@event=1", NULL, ask_again_later, ANY },
    { "while a long answer goes from hop to hop", go_from_hop_to_hop, WHOLE, FAULTLESS, ANY },
    { "while a stream is recorded and dumped", tell_what_was_recorded, WHOLE, NULL, record, NULL, ANY },
    { "while trust is looked for in two places", tst_scene_ask, WHOLE, NULL, trust_in_two_places, NULL,
      SECURE | TST_BREAKS_OFF },
    { "while the client shows who it is", tst_scene_ask, WHOLE, NULL, show_who_we_are, NULL, SECURE },
    { "while a stream is cancelled", cancel, ENDED, FAULTLESS, ANY },
    { "while a stream is closed early", close_early, WHOLE, FAULTLESS, ANY },
    { "while the client goes before its stream", leave_it_open, WHOLE, FAULTLESS, ANY },
    { "while several streams are waited for", wait_for_several, WHOLE, FAULTLESS, ANY },
    { "while many streams are waited for", wait_for_many, WHOLE, FAULTLESS, CLEAR },
    { "while streams wait for their turn", wait_for_several, WHOLE, NULL, take_turns, NULL, ANY },
    /* Whoever comes next may find out that the connection broke under the others. */
    { "while streams share a connection", wait_for_several, WHOLE, NULL, share_a_connection, ask_again_later,
      H2 | TST_SHARES },
    { "while listeners are told by a wait", listen_to_several, WHOLE, FAULTLESS, ANY },
    { "while listeners are told by a loop", loop_with_several, WHOLE, FAULTLESS, ANY },
    { "while a client goes into a loop and out of it", loop_for_a_turn, WHOLE, FAULTLESS, ANY },
};

const size_t tst_scene_count = sizeof tst_scenes / sizeof *tst_scenes;

/* ---- for the tests ---- */

castor_status tst_scene_client(castor_client **out, const tst_scene *scene, const tst_stage *stage,
                               const castor_allocator *allocator, castor_error *err)
{
    castor_client_options options = tst_stage_options(stage, allocator);

    if (scene->dress) scene->dress(&options, stage);
    return castor_client_new(out, &options, err);
}

void tst_scene_check_client(const tst_scene *scene, castor_client *client, const char *what)
{
    tst_played    played = { .count = 0 };
    tst_scene_fn *ask = scene->again ? scene->again : tst_scene_ask;

    ask(client, &played);
    if (played.told[0].verdict != CASTOR_VERDICT_COMPLETE) {
        tst_played_show(&played);
        fail_msg("the client does not recover from %s", what);
    }
    tst_played_free(&played);
}

size_t tst_scene_tests(tst_wire wire, CMUnitTestFunction test, struct CMUnitTest *out, size_t max)
{
    size_t count = 0;

    for (size_t i = 0; i < tst_scene_count; i++) {
        void *scene = (void *)(uintptr_t)&tst_scenes[i];
        if (!(tst_scenes[i].traits & 1u << wire)) continue;
        assert_true(count < max);
        out[count++] = (struct CMUnitTest){ tst_scenes[i].name, test, NULL, NULL, scene };
    }
    return count;
}
