/* scenes.c -- what a user does with the library, from the first call to the last.
 * SPDX-License-Identifier: MIT
 */
#include "scenes.h"

#include <castor/adapters/poll.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- the server ---- */

#define HEAD "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
#define PARTS(text) "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"" text "\"}]}"
#define PART(text) PARTS(text) "}],\"responseId\":\"r1\"}\r\n\r\n"
#define LAST(text) PARTS(text) ",\"finishReason\":\"STOP\"}],\"usageMetadata\":{\"totalTokenCount\":7}}\r\n\r\n"
#define CHUNKED "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"

enum { LARGE_BYTES = 300000 };

static const tst_reply replies[] = {
    { .for_path = "/stream:", .bytes = HEAD PART("Dams ") LAST("hold."), .then = TST_CLOSE },
    { .for_path = "/whole:",
      .bytes = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n"
               "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"Dams hold.\"}]},\"finishReason\":\"STOP\"}],"
               "\"modelVersion\":\"m1\",\"responseId\":\"r1\",\"usageMetadata\":{\"totalTokenCount\":7}}",
      .then = TST_CLOSE },
    { .for_path = "/refused:",
      .bytes = "HTTP/1.1 429 Too Many Requests\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n"
               "{\"error\":{\"code\":429,\"message\":\"Enough for today.\",\"status\":\"RESOURCE_EXHAUSTED\","
               "\"details\":[{\"@type\":\"type.googleapis.com/google.rpc.QuotaFailure\",\"violations\":[{\"quotaId\":"
               "\"GenerateRequestsPerDayPerProjectPerModel\"}]}]}}",
      .then = TST_CLOSE },
    { .for_path = "/busy:",
      .bytes = "HTTP/1.1 503 Busy\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n"
               "{\"error\":{\"code\":503,\"message\":\"The model is overloaded.\",\"status\":\"UNAVAILABLE\"}}",
      .then = TST_CLOSE },
    { .for_path = "/stalls:", .bytes = HEAD PART("Dams "), .then = TST_STALL },
    { .for_path = "/kept:", .bytes = CHUNKED "7f\r\n" LAST("Kept.") "\r\n0\r\n\r\n", .then = TST_KEEP },
    { .for_path = "/chat/completions",
      .bytes = HEAD "data: {\"id\":\"c1\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"So:\",\"tool_calls\":["
                    "{\"index\":0,\"id\":\"k1\",\"function\":{\"name\":\"dig\",\"arguments\":\"{\\\"a\\\":\"}}]}}]}\n\n"
                    "data: {\"id\":\"c1\",\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,"
                    "\"function\":{\"arguments\":\"2}\"}}]},\"finish_reason\":\"tool_calls\"}],"
                    "\"usage\":{\"total_tokens\":9}}\n\n"
                    "data: [DONE]\n\n",
      .then = TST_CLOSE },
    { .for_path = ":generateMessage",
      .bytes = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n"
               "{\"candidates\":[{\"content\":\"Dams \"}],\"done\":false}\n"
               "{\"candidates\":[{\"content\":\"hold.\"}],\"done\":true}\n",
      .then = TST_CLOSE },
    { .bytes = HEAD LAST("Nobody asked for this."), .then = TST_CLOSE },
};

enum { REPLIES = sizeof replies / sizeof *replies };

/* All of them, and one that is made at the start: a picture of LARGE_BYTES. */
void tst_scenes_serve(tst_server *server)
{
    static tst_reply all[REPLIES + 1];
    static char      large[LARGE_BYTES + 512];
    static const char front[] = HEAD "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"See:\"},"
                                     "{\"inlineData\":{\"mimeType\":\"image/png\",\"data\":\"";

    memcpy(large, front, sizeof front - 1);
    memset(large + sizeof front - 1, 'A', LARGE_BYTES);
    strcpy(large + sizeof front - 1 + LARGE_BYTES, "\"}}]},\"finishReason\":\"STOP\"}]}\r\n\r\n");
    all[0] = (tst_reply){ .for_path = "/large:", .bytes = large, .then = TST_CLOSE };
    memcpy(all + 1, replies, sizeof replies);
    tst_server_start_for_many(server, all, REPLIES + 1);
}

/* What one failure does to one attempt is looked at. */
static const castor_retry_options once = { .size = sizeof once, .attempts_max = 1 };

castor_status tst_scene_client(castor_client **out, const tst_scene *scene, const tst_server *server,
                               const castor_allocator *allocator, castor_error *err)
{
    castor_client_options options = CASTOR_CLIENT_OPTIONS_INIT;

    options.api_key = "test-key";
    options.base_url = server->url;
    options.ignore_environment = 1;
    options.allocator = allocator;
    options.streams_max = scene->streams_max;
    options.total_timeout_ms = TST_SCENE_PATIENCE_MS;
    options.retry = &once;
    return castor_client_new(out, &options, err);
}

/* ---- what is told ---- */

static tst_told *begin(tst_played *out)
{
    tst_told *told = &out->told[out->count++];

    assert_true(out->count <= TST_TOLD_MAX);
    *told = (tst_told){ .error = { .status = CASTOR_OK } };
    cst_buf_init(&told->lines, cst_allocator_default(), SIZE_MAX / 2);
    cst_buf_append_text(&told->lines, "");
    return told;
}

static void note(tst_told *told, const castor_event *event)
{
    const castor_usage unknown = { .total_tokens = { 0, 0 } };

    tst_print_event(&told->lines, event, &unknown);
    cst_buf_append_text(&told->lines, "\n");
}

static void note_end(tst_told *told, const castor_stream *stream)
{
    const castor_error *error = castor_stream_error(stream);

    told->verdict = castor_stream_verdict(stream);
    if (error) told->error = *error;
}

static castor_request question(const char *model, castor_dialect dialect)
{
    static const castor_turn turn = { .role = CASTOR_USER, .text = { "Why do beavers build dams?", 26 } };
    castor_request           request = CASTOR_REQUEST_INIT;

    request.model = model;
    request.dialect = dialect;
    request.turns = &turn;
    request.turn_count = 1;
    request.temperature = castor_some_f64(0.5);
    if (dialect != CASTOR_DIALECT_MESSAGE) request.system_instruction = CASTOR_STR("Be brief.");
    return request;
}

/* NULL: it was told why not. */
static castor_stream *open_stream(castor_client *client, const char *model, castor_dialect dialect, tst_told *told)
{
    castor_request request = question(model, dialect);
    castor_stream *stream = NULL;

    castor_status status = castor_stream_open(&stream, client, &request, &told->error);
    assert_int_equal(status == CASTOR_OK, stream != NULL);
    if (status == CASTOR_OK) return stream;
    assert_int_equal(status, told->error.status);
    told->verdict = CASTOR_VERDICT_FAILED;
    return NULL;
}

static void read_on(castor_stream *stream, tst_told *told)
{
    castor_event event;
    castor_step  step;

    while ((step = castor_stream_next(stream, &event, NULL)) == CASTOR_STEP_EVENT) note(told, &event);
    note_end(told, stream);
    assert_int_equal(step == CASTOR_STEP_DONE, told->verdict == CASTOR_VERDICT_COMPLETE);
}

/* ---- one after another ---- */

static void read_one(castor_client *client, tst_played *out, const char *model, castor_dialect dialect)
{
    tst_told      *told = begin(out);
    castor_stream *stream = open_stream(client, model, dialect, told);

    if (stream) read_on(stream, told);
    castor_stream_close(stream);
}

void tst_scene_ask(castor_client *client, tst_played *out)
{
    read_one(client, out, "stream", CASTOR_DIALECT_GEMINI);
}

static void read_tool_calls(castor_client *client, tst_played *out)
{
    read_one(client, out, "chat", CASTOR_DIALECT_OPENAI);
}

static void read_messages(castor_client *client, tst_played *out)
{
    read_one(client, out, "chat-bison-001", CASTOR_DIALECT_MESSAGE);
}

static void read_an_error(castor_client *client, tst_played *out)
{
    read_one(client, out, "refused", CASTOR_DIALECT_GEMINI);
}

static void read_a_picture(castor_client *client, tst_played *out)
{
    read_one(client, out, "large", CASTOR_DIALECT_GEMINI);
}

static void use_a_connection_again(castor_client *client, tst_played *out)
{
    for (int i = 0; i < 3; i++) read_one(client, out, "kept", CASTOR_DIALECT_GEMINI);
}

/* A model that is overloaded, and the next one. */
static void ask_again(castor_client *client, tst_played *out)
{
    static const char *const others[] = { "stream" };
    castor_retry_options     retry = CASTOR_RETRY_OPTIONS_INIT;
    tst_told                *told = begin(out);
    castor_request           request = question("busy", CASTOR_DIALECT_GEMINI);
    castor_stream           *stream = NULL;

    retry.attempts_max = 2;
    retry.first_delay_ms = retry.delay_max_ms = 1;
    retry.fallback_models = others;
    retry.fallback_model_count = 1;
    request.retry = &retry;
    told->verdict = CASTOR_VERDICT_FAILED;
    if (castor_stream_open(&stream, client, &request, &told->error) == CASTOR_OK) read_on(stream, told);
    castor_stream_close(stream);
}

static void take_it_whole(castor_client *client, tst_played *out)
{
    tst_told      *told = begin(out);
    castor_request request = question("whole", CASTOR_DIALECT_GEMINI);
    castor_answer *answer = NULL;

    castor_status status = castor_generate(&answer, client, &request, &told->error);
    told->verdict = status == CASTOR_OK ? CASTOR_VERDICT_COMPLETE : CASTOR_VERDICT_FAILED;
    for (size_t i = 0; answer && i < castor_answer_event_count(answer); i++) note(told, castor_answer_event(answer, i));
    if (status == CASTOR_OK) assert_string_equal(castor_answer_text(answer, 0).data, "Dams hold.");
    castor_answer_free(answer);
}

static void look_at_the_request(castor_client *client, tst_played *out)
{
    tst_told      *told = begin(out);
    castor_request request = question("stream", CASTOR_DIALECT_GEMINI);
    castor_str     preview;

    castor_status status = castor_client_preview(client, &request, &preview, &told->error);
    told->verdict = status == CASTOR_OK ? CASTOR_VERDICT_COMPLETE : CASTOR_VERDICT_FAILED;
    if (status == CASTOR_OK) assert_non_null(tst_find(preview, CASTOR_STR("beavers")));
    tst_scene_ask(client, out);
}

/* ---- not to the end ---- */

static void cancel(castor_client *client, tst_played *out)
{
    tst_told      *told = begin(out);
    castor_stream *stream = open_stream(client, "stalls", CASTOR_DIALECT_GEMINI, told);
    castor_event   event;

    if (!stream) return;
    if (castor_stream_next(stream, &event, NULL) == CASTOR_STEP_EVENT) note(told, &event);
    castor_stream_cancel(stream);
    read_on(stream, told);
    castor_stream_close(stream);
}

static void close_early(castor_client *client, tst_played *out)
{
    tst_told      *told = begin(out);
    castor_stream *stream = open_stream(client, "stalls", CASTOR_DIALECT_GEMINI, told);
    castor_event   event;
    castor_step    step = CASTOR_STEP_WAIT;

    if (!stream) return;
    step = castor_stream_next(stream, &event, NULL);
    if (step == CASTOR_STEP_EVENT) note(told, &event);
    note_end(told, stream);
    if (step == CASTOR_STEP_EVENT) told->verdict = CASTOR_VERDICT_COMPLETE; /* as far as anybody wanted to know */
    castor_stream_close(stream);
}

static void leave_it_open(castor_client *client, tst_played *out)
{
    tst_told    *told = begin(out);
    castor_event event;

    out->left_open = open_stream(client, "stream", CASTOR_DIALECT_GEMINI, told);
    if (!out->left_open) return;
    if (castor_stream_next(out->left_open, &event, NULL) == CASTOR_STEP_EVENT) {
        note(told, &event);
        told->verdict = CASTOR_VERDICT_COMPLETE;
    } else {
        note_end(told, out->left_open);
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
        all->told[i] = begin(out);
        all->streams[i] = open_stream(client, "stream", CASTOR_DIALECT_GEMINI, all->told[i]);
        all->open += all->streams[i] != NULL;
    }
}

static void end_one(crowd *all, size_t which)
{
    note_end(all->told[which], all->streams[which]);
    castor_stream_close(all->streams[which]);
    all->streams[which] = NULL;
    all->open--;
}

static void take_what_is_there(crowd *all, size_t which)
{
    castor_event event;
    castor_step  step;

    while ((step = castor_stream_poll(all->streams[which], &event, NULL)) == CASTOR_STEP_EVENT) {
        note(all->told[which], &event);
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

static void on_step(void *user, castor_stream *stream, castor_step step, const castor_event *event)
{
    crowd *all = user;

    for (size_t i = 0; i < all->count; i++) {
        if (all->streams[i] != stream) continue;
        if (step == CASTOR_STEP_EVENT) note(all->told[i], event);
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

static void listen_to_several(castor_client *client, tst_played *out)
{
    crowd all;

    gather(&all, 3, client, out);
    listen(&all);
    while (all.open > 0) (void)castor_client_wait(client, CASTOR_NO_LIMIT, NULL);
}

static void loop_with_several(castor_client *client, tst_played *out)
{
    tst_told   *told = begin(out);
    castor_poll loop;
    crowd       all;

    castor_status status = castor_poll_attach(client, &loop, &told->error);
    told->verdict = status == CASTOR_OK ? CASTOR_VERDICT_COMPLETE : CASTOR_VERDICT_FAILED;
    if (status != CASTOR_OK) return;
    gather(&all, 3, client, out);
    listen(&all);
    while (all.open > 0 && castor_poll_is_busy(&loop)) castor_poll_turn(&loop, TST_SCENE_PATIENCE_MS);
    for (size_t i = 0; i < all.count; i++) {
        if (all.streams[i]) fail_msg("the loop has nothing to wait for, and a stream has not ended");
    }
    (void)castor_client_attach(client, NULL, NULL);
}

enum { WHOLE = CASTOR_VERDICT_COMPLETE };

const tst_scene tst_scenes[] = {
    { "while a stream is read", tst_scene_ask, WHOLE, 0 },
    { "while an answer is taken whole", take_it_whole, WHOLE, 0 },
    { "while tool calls are joined", read_tool_calls, WHOLE, 0 },
    { "while messages are read", read_messages, WHOLE, 0 },
    { "while an error body is read", read_an_error, CASTOR_VERDICT_QUOTA_DAY, 0 },
    { "while a large event is read", read_a_picture, WHOLE, 0 },
    { "while a request is previewed", look_at_the_request, WHOLE, 0 },
    { "while a connection is used again", use_a_connection_again, WHOLE, 0 },
    { "while a busy model is left for another", ask_again, WHOLE, 0 },
    { "while a stream is cancelled", cancel, CASTOR_VERDICT_CANCELLED, 0 },
    { "while a stream is closed early", close_early, WHOLE, 0 },
    { "while the client goes before its stream", leave_it_open, WHOLE, 0 },
    { "while several streams are waited for", wait_for_several, WHOLE, 0 },
    { "while many streams are waited for", wait_for_many, WHOLE, 0 },
    { "while streams wait for their turn", wait_for_several, WHOLE, 1 },
    { "while listeners are told by a wait", listen_to_several, WHOLE, 0 },
    { "while listeners are told by a loop", loop_with_several, WHOLE, 0 },
};

const size_t tst_scene_count = sizeof tst_scenes / sizeof *tst_scenes;

/* ---- comparing ---- */

static bool is_same(const tst_told *a, const tst_told *b)
{
    return cst_str_equal(cst_buf_view(&a->lines), cst_buf_view(&b->lines)) && a->verdict == b->verdict &&
           a->error.status == b->error.status && strcmp(a->error.message, b->error.message) == 0;
}

static const char *judge(const tst_told *whole, const tst_told *got)
{
    castor_str lines = cst_buf_view(&got->lines);

    if (is_same(whole, got)) return NULL;
    if (got->verdict == CASTOR_VERDICT_COMPLETE) return "COMPLETE, and not all is there";
    if (got->verdict == CASTOR_VERDICT_TIMEOUT) return "it hung";
    if (got->verdict == CASTOR_VERDICT_NONE) return "it has no end";
    if (lines.len > whole->lines.len || memcmp(lines.data, whole->lines.data, lines.len) != 0) {
        return "the events are not those that came first";
    }
    if (got->error.status == CASTOR_OK || !got->error.message[0]) return "nothing tells why";
    return NULL;
}

const char *tst_played_judge(const tst_played *whole, const tst_played *got)
{
    for (size_t i = 0; i < got->count; i++) {
        const char *wrong = i < whole->count ? judge(&whole->told[i], &got->told[i]) : "more than there is";
        if (wrong) return wrong;
    }
    return NULL;
}

bool tst_played_is_same(const tst_played *a, const tst_played *b)
{
    if (a->count != b->count) return false;
    for (size_t i = 0; i < a->count; i++) {
        if (!is_same(&a->told[i], &b->told[i])) return false;
    }
    return true;
}

castor_status tst_played_status(const tst_played *whole, const tst_played *got)
{
    for (size_t i = 0; i < got->count && i < whole->count; i++) {
        if (!is_same(&whole->told[i], &got->told[i])) return got->told[i].error.status;
    }
    return CASTOR_OK;
}

bool tst_played_is_good(const tst_played *whole, const tst_scene *scene)
{
    for (size_t i = 0; i < whole->count; i++) {
        if ((int32_t)whole->told[i].verdict != scene->verdict) return false;
    }
    return whole->count > 0;
}

void tst_played_show(const tst_played *played)
{
    for (size_t i = 0; i < played->count; i++) {
        const tst_told *told = &played->told[i];
        (void)fprintf(stderr, "    %zu: %s, %s: %s\n%s", i, castor_verdict_name(told->verdict),
                      castor_status_name(told->error.status), told->error.message,
                      told->lines.len < 1000 ? told->lines.data : "(much)\n");
    }
}

void tst_played_free(tst_played *played)
{
    for (size_t i = 0; i < played->count; i++) cst_buf_free(&played->told[i].lines);
    *played = (tst_played){ .count = 0 };
}
