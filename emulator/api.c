/* api.c -- the API that pollux emulates.
 * SPDX-License-Identifier: MIT
 *
 * In Google's order: the path, the verb, the key, the model, the JSON, its fields. Each can refuse; what passes all is
 * answered by the first case that fits the prompt.
 */
#include "api.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "json_style.h"
#include "json_writer.h"
#include "play.h"
#include "route.h"

/* One request being answered; freed when its reply is gone. */
typedef struct exchange {
    plx_api        *api;
    plx_reply      *reply;
    const plx_head *head;
    castor_str      body;
    cst_arena       arena;
    cst_json_doc    json;
    plx_route       route;
    plx_ask         ask;
    plx_answer      answer;
    plx_play        play;
} exchange;

static void go_on(plx_reply *reply)
{
    exchange *e = reply->user;

    plx_play_go_on(&e->play);
}

static void on_gone(plx_reply *reply)
{
    exchange *e = reply->user;

    plx_play_free(&e->play);
    cst_json_doc_free(&e->json);
    cst_arena_free(&e->arena);
    free(e);
}

/* ---- bodies that are sent at once ---- */

static void send_body(plx_reply *reply, int status, const char *content_type, const char *more_headers, castor_str body)
{
    plx_reply_send_headers(reply, status, castor_str_of(content_type), more_headers);
    plx_reply_write(reply, body);
    plx_reply_end(reply);
}

static const char *headers_of(int status, bool wants_get)
{
    if (status != 405) return NULL;
    return wants_get ? "allow: GET, HEAD\r\n" : "allow: POST\r\n";
}

static void send_refusal(plx_reply *reply, const plx_refusal *refusal, bool in_array, bool wants_get)
{
    cst_buf body;

    cst_buf_init(&body, cst_allocator_default(), PLX_SCHEMA_BYTES_MAX);
    if (plx_refusal_print(refusal, in_array, &body) != CASTOR_OK) body.len = 0; /* then the status alone has to do */
    send_body(reply, refusal->code, "application/json; charset=UTF-8", headers_of(refusal->code, wants_get),
              cst_buf_view(&body));
    cst_buf_free(&body);
}

static void refuse_exchange(exchange *e, const plx_refusal *refusal)
{
    bool in_array = e->route.endpoint == PLX_ENDPOINT_CHAT ||
                    (e->route.endpoint == PLX_ENDPOINT_STREAM_GENERATE && !e->route.wants_events);

    send_refusal(e->reply, refusal, in_array, e->route.is_get);
}

/* ---- checks ---- */

static bool check_path(const exchange *e, plx_refusal *refusal)
{
    if (e->route.endpoint == PLX_ENDPOINT_NONE) {
        if (e->route.method.len > 0) {
            return plx_refuse(refusal, 404, "pollux has no method %.*s for version %.*s of the API.",
                              CASTOR_ARG(e->route.method), CASTOR_ARG(e->route.version));
        }
        return plx_refuse(refusal, 404, "Requested entity was not found.");
    }
    if (cst_str_is(e->head->method, e->route.is_get ? "GET" : "POST")) return true;
    if (e->route.is_get && cst_str_is(e->head->method, "HEAD")) return true;
    return plx_refuse(refusal, 405, "Method %.*s is not allowed here; use %s.", CASTOR_ARG(e->head->method),
                      e->route.is_get ? "GET" : "POST");
}

static castor_str find_key(const exchange *e)
{
    castor_str key = plx_head_get(e->head, "x-goog-api-key");
    castor_str bearer = plx_head_get(e->head, "authorization");

    if (key.len > 0) return key;
    if (e->route.key.len > 0) return e->route.key;
    if (bearer.len > 7 && cst_str_equal_nocase((castor_str){ bearer.data, 7 }, CASTOR_STR("Bearer "))) {
        return cst_str_trim((castor_str){ bearer.data + 7, bearer.len - 7 });
    }
    return CST_NONE;
}

static bool check_key(const exchange *e, plx_refusal *refusal)
{
    castor_str key = find_key(e);

    if (key.len == 0) {
        return plx_refuse(refusal, 403,
                          "Method doesn't allow unregistered callers (callers without established identity). Please "
                          "use API Key or other form of API consumer identity to call this API.");
    }
    if (!cst_str_is(key, "bad-key")) return true;
    refusal->is_bad_key = true;
    return plx_refuse(refusal, 400, "API key not valid. Please pass a valid API key.");
}

static bool check_model(const exchange *e, castor_str model, plx_refusal *refusal)
{
    static const char *const prefixes[] = { "gemini-", "gemma-", "learnlm-", "chat-bison" };
    castor_str               version = e->route.version.len > 0 ? e->route.version : CASTOR_STR("v1main");
    castor_str               method = e->route.method.len > 0 ? e->route.method : CASTOR_STR("generateContent");

    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++) {
        if (cst_str_starts_with(model, prefixes[i])) return true;
    }
    if (cst_str_is(method, "streamGenerateContent")) method = CASTOR_STR("generateContent"); /* as Google words it */
    return plx_refuse(refusal, 404,
                      "models/%.*s is not found for API version %.*s, or is not supported for %.*s. Call ListModels to "
                      "see the list of available models and their supported methods.",
                      CASTOR_ARG(model), CASTOR_ARG(version), CASTOR_ARG(method));
}

/* What stands around the offending byte, and a caret under it. */
static bool refuse_syntax(const exchange *e, size_t offset, plx_refusal *refusal)
{
    enum { AROUND = 30 };
    size_t     from = offset > AROUND ? offset - AROUND : 0;
    size_t     len = e->body.len - from < 2 * AROUND ? e->body.len - from : 2 * AROUND;
    char       excerpt[2 * AROUND + 1];

    memcpy(excerpt, e->body.data + from, len);
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)excerpt[i] < ' ' || (unsigned char)excerpt[i] > '~') excerpt[i] = ' ';
    }
    excerpt[len] = '\0';
    return plx_refuse_field(refusal, "", "Invalid JSON payload received. %s\n%s\n%*s^",
                            offset >= e->body.len ? "Unexpected end of string." : "Unexpected token.", excerpt,
                            (int)(offset - from), "");
}

static bool read_json(exchange *e, plx_refusal *refusal)
{
    size_t        offset = 0;
    castor_status status = cst_json_read(&e->json, e->body, &offset, NULL);

    if (status == CASTOR_OK) return true;
    if (status == CASTOR_PROTOCOL) {
        return refuse_syntax(e, offset <= e->body.len ? offset : e->body.len, refusal);
    }
    if (status == CASTOR_LIMIT) return plx_refuse(refusal, 400, "Invalid JSON payload received. Nesting is too deep.");
    return plx_refuse(refusal, 503, "The emulator has no memory left for this request.");
}

static bool read_ask(exchange *e, plx_refusal *refusal)
{
    const cst_json *body = cst_json_root(&e->json);

    switch (e->route.endpoint) {
    case PLX_ENDPOINT_CHAT:
        return plx_ask_read_openai(&e->ask, body, CST_NONE, &e->arena, refusal) &&
               check_model(e, e->ask.model, refusal);
    case PLX_ENDPOINT_MESSAGE: return plx_ask_read_message(&e->ask, body, e->route.model, &e->arena, refusal);
    case PLX_ENDPOINT_COUNT_TOKENS:
        /* Either the request itself or one wrapped in another: both forms are in use. */
        if (plx_field_get(body, "generateContentRequest")) body = plx_field_get(body, "generateContentRequest");
        break;
    default: break;
    }
    return plx_ask_read_gemini(&e->ask, body, e->route.model, &e->arena, refusal);
}

/* ---- answers ---- */

static const plx_encoding *choose_encoding(const exchange *e)
{
    switch (e->route.endpoint) {
    case PLX_ENDPOINT_STREAM_GENERATE: return e->route.wants_events ? &plx_gemini_events : &plx_gemini_array;
    case PLX_ENDPOINT_CHAT: return e->ask.wants_stream ? &plx_openai_events : &plx_openai_whole;
    case PLX_ENDPOINT_MESSAGE:
        if (!e->ask.wants_stream) return &plx_message_whole;
        return e->route.wants_events ? &plx_message_events : &plx_message_lines;
    default: return &plx_gemini_whole;
    }
}

static void play_answer(exchange *e)
{
    plx_api        *api = e->api;
    const plx_case *source = plx_catalogue_find(api->catalogue, e->ask.prompt);
    plx_answerer    answerer = { api->pace, &api->chance, (int64_t)time(NULL) };
    plx_refusal     refusal = { .code = 0 };

    if (source && !source->is_answer) {
        plx_play_bytes(&e->play, e->reply, source, plx_pace_first_us(&api->pace, &api->chance));
        return;
    }
    if (plx_answer_compose(&e->answer, &e->ask, source, &answerer, &e->arena) != CASTOR_OK) {
        plx_refuse(&refusal, 500, "An internal error has occurred: the answer does not fit the emulator's limits.");
        refuse_exchange(e, &refusal);
        return;
    }
    plx_play_answer(&e->play, e->reply, &e->answer, choose_encoding(e), source);
}

static void send_json(exchange *e, const cst_buf *json, castor_status status)
{
    plx_refusal refusal = { .code = 0 };
    cst_buf     body;

    cst_buf_init(&body, cst_allocator_default(), PLX_SCHEMA_BYTES_MAX);
    if (status == CASTOR_OK) status = plx_json_print_styled(&body, cst_buf_view(json), PLX_JSON_INDENTED);
    if (status == CASTOR_OK) status = cst_buf_append_text(&body, "\n");
    if (status == CASTOR_OK) {
        send_body(e->reply, 200, "application/json; charset=UTF-8", NULL, cst_buf_view(&body));
    } else {
        plx_refuse(&refusal, 503, "The emulator has no memory left for this request.");
        refuse_exchange(e, &refusal);
    }
    cst_buf_free(&body);
}

static void put_model(cst_json_writer *w, castor_str name)
{
    char full[160];

    snprintf(full, sizeof full, "models/%.*s", CASTOR_ARG(name));
    cst_json_open_object(w);
    cst_json_key(w, "name");
    cst_json_put_string(w, castor_str_of(full));
    cst_json_key(w, "version");
    cst_json_put_string(w, CASTOR_STR("pollux"));
    cst_json_key(w, "displayName");
    cst_json_put_string(w, name);
    cst_json_key(w, "description");
    cst_json_put_string(w, CASTOR_STR("Emulated by pollux; there is no model behind it."));
    cst_json_key(w, "inputTokenLimit");
    cst_json_put_integer(w, 1048576);
    cst_json_key(w, "outputTokenLimit");
    cst_json_put_integer(w, 65536);
    cst_json_key(w, "supportedGenerationMethods");
    cst_json_open_array(w);
    cst_json_put_string(w, CASTOR_STR("generateContent"));
    cst_json_put_string(w, CASTOR_STR("countTokens"));
    cst_json_close_array(w);
    cst_json_close_object(w);
}

static void answer_models(exchange *e)
{
    static const char *const names[] = { "gemini-3.8-flash", "gemini-3.5-flash-lite", "gemini-2.5-flash" };
    cst_buf                  json;
    cst_json_writer          w = cst_json_writer_to(&json);

    cst_buf_init(&json, cst_allocator_default(), PLX_SCHEMA_BYTES_MAX);
    if (e->route.endpoint == PLX_ENDPOINT_MODEL) {
        put_model(&w, e->route.model);
    } else {
        cst_json_open_object(&w);
        cst_json_key(&w, "models");
        cst_json_open_array(&w);
        for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) put_model(&w, castor_str_of(names[i]));
        cst_json_close_array(&w);
        cst_json_close_object(&w);
    }
    send_json(e, &json, w.status);
    cst_buf_free(&json);
}

static void answer_count(exchange *e)
{
    int64_t         count = (int64_t)e->ask.prompt_tokens;
    cst_buf         json;
    cst_json_writer w = cst_json_writer_to(&json);

    cst_buf_init(&json, cst_allocator_default(), PLX_SCHEMA_BYTES_MAX);
    cst_json_open_object(&w);
    cst_json_key(&w, "totalTokens");
    cst_json_put_integer(&w, count);
    cst_json_key(&w, "promptTokensDetails");
    cst_json_open_array(&w);
    cst_json_open_object(&w);
    cst_json_key(&w, "modality");
    cst_json_put_string(&w, CASTOR_STR("TEXT"));
    cst_json_key(&w, "tokenCount");
    cst_json_put_integer(&w, count);
    cst_json_close_object(&w);
    cst_json_close_array(&w);
    cst_json_close_object(&w);
    send_json(e, &json, w.status);
    cst_buf_free(&json);
}

/* ---- requests ---- */

/* Which of them is a GET has been checked already. */
static void dispatch(exchange *e)
{
    plx_refusal refusal = { .code = 0 };
    bool        is_model_known = e->route.model.len == 0 || check_model(e, e->route.model, &refusal);

    if (!is_model_known) {
        refuse_exchange(e, &refusal);
    } else if (e->route.endpoint == PLX_ENDPOINT_MODELS || e->route.endpoint == PLX_ENDPOINT_MODEL) {
        answer_models(e);
    } else if (!read_json(e, &refusal) || !read_ask(e, &refusal)) {
        refuse_exchange(e, &refusal);
    } else if (e->route.endpoint == PLX_ENDPOINT_COUNT_TOKENS) {
        answer_count(e);
    } else {
        play_answer(e);
    }
}

static exchange *new_exchange(plx_api *api, plx_reply *reply, const plx_head *head, castor_str body)
{
    const cst_allocator *allocator = cst_allocator_default();
    exchange            *e = calloc(1, sizeof *e);

    if (!e) return NULL;
    e->api = api;
    e->reply = reply;
    e->head = head;
    e->body = body.data ? body : CASTOR_STR("");
    cst_arena_init(&e->arena, allocator);
    cst_json_doc_init(&e->json, allocator);
    reply->user = e;
    reply->on_timer = go_on;
    reply->on_writable = go_on;
    reply->on_gone = on_gone;
    return e;
}

static void answer(void *user, plx_reply *reply, const plx_head *head, castor_str body)
{
    plx_refusal   refusal = { .code = 0 };
    exchange     *e = new_exchange(user, reply, head, body);
    castor_status status = e ? plx_route_parse(&e->route, head->target, &e->arena) : CASTOR_NO_MEMORY;

    if (status == CASTOR_INVALID) plx_refuse(&refusal, 400, "The request's path or query holds a bad escape.");
    if (status == CASTOR_NO_MEMORY) plx_refuse(&refusal, 503, "The emulator has no memory left for this request.");
    if (status != CASTOR_OK) {
        send_refusal(reply, &refusal, false, false);
        return;
    }
    if (!check_path(e, &refusal)) refuse_exchange(e, &refusal);
    else if (e->route.endpoint == PLX_ENDPOINT_HEALTH) send_body(reply, 200, "text/plain", NULL, CASTOR_STR("ok\n"));
    else if (!check_key(e, &refusal)) refuse_exchange(e, &refusal);
    else dispatch(e);
}

static void refuse(void *user, plx_reply *reply, int status, const char *why)
{
    plx_refusal refusal = { .code = 0 };

    (void)user;
    plx_refuse(&refusal, status, "%s", why);
    send_refusal(reply, &refusal, false, false);
}

plx_handler plx_api_handler(plx_api *api)
{
    return (plx_handler){ api, answer, refuse };
}
