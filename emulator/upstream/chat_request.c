/* chat_request.c -- what a request of ours asks, as a chat completion asks it.
 * SPDX-License-Identifier: MIT
 */
#include "upstream/chat_request.h"

#include <stdio.h>

#include "upstream/chat_tools.h"
#include "upstream/chat_turns.h"
#include "proto/fields.h"
#include "upstream/json_copy.h"

static bool no_memory(plx_refusal *refusal)
{
    return plx_refuse(refusal, 503, "The emulator has no memory left for this request.");
}

static void put_text(cst_json_writer *w, const char *key, castor_str text)
{
    cst_json_key(w, key);
    cst_json_put_string(w, text);
}

/* Always as a stream: so a client that waits for the whole can leave, and a server that falls silent is noticed. */
static void put_front(cst_json_writer *w, castor_str model)
{
    cst_json_open_object(w);
    put_text(w, "model", model);
    cst_json_key(w, "stream");
    cst_json_put_bool(w, true);
    cst_json_key(w, "stream_options");
    cst_json_open_object(w);
    cst_json_key(w, "include_usage");
    cst_json_put_bool(w, true);
    cst_json_close_object(w);
}

static bool put_back(cst_json_writer *w, plx_refusal *refusal)
{
    cst_json_close_object(w);
    return w->status == CASTOR_OK || no_memory(refusal);
}

static void put_renamed(cst_json_writer *w, const cst_json *object, const char *name, const char *key)
{
    const cst_json *value = plx_field_get(object, name);

    if (!value) return;
    cst_json_key(w, key);
    plx_json_put(w, value);
}

/* ---- Gemini ---- */

static void put_count(cst_json_writer *w, const cst_json *object, const char *name, const char *key)
{
    castor_i64 count = cst_json_integer(plx_field_get(object, name)); /* it may be a text */

    cst_json_put_count(w, key, count);
}

static void put_thinking(cst_json_writer *w, const cst_json *config)
{
    castor_str level = cst_json_string(plx_field_get(plx_field_get(config, "thinkingConfig"), "thinkingLevel"));
    char       lower[16];

    if (!level.data) return;
    cst_copy_text(lower, sizeof lower, level);
    for (char *at = lower; *at; at++) {
        if (*at >= 'A' && *at <= 'Z') *at = (char)(*at - 'A' + 'a');
    }
    cst_json_put_member(w, "reasoning_effort", lower);
}

/* Of the three, the one that is there. */
static const cst_json *schema_of(const cst_json *config, bool *is_googles)
{
    const cst_json *schema = plx_field_get(config, "responseSchema");

    *is_googles = schema != NULL;
    if (!schema) schema = plx_field_get(config, "responseJsonSchema");
    return schema ? schema : plx_field_get(config, "_responseJsonSchema");
}

static void put_response_format(cst_json_writer *w, const cst_json *config)
{
    bool            is_googles;
    const cst_json *schema = schema_of(config, &is_googles);

    if (!cst_str_is(cst_json_string(plx_field_get(config, "responseMimeType")), "application/json")) return;
    cst_json_key(w, "response_format");
    cst_json_open_object(w);
    put_text(w, "type", schema ? CASTOR_STR("json_schema") : CASTOR_STR("json_object"));
    if (schema) {
        cst_json_key(w, "json_schema");
        cst_json_open_object(w);
        put_text(w, "name", CASTOR_STR("answer"));
        cst_json_key(w, "schema");
        if (is_googles) plx_json_copy_schema(w, schema);
        else plx_json_put(w, schema);
        cst_json_close_object(w);
    }
    cst_json_close_object(w);
}

static void put_config(cst_json_writer *w, const cst_json *config)
{
    castor_i64 candidates = cst_json_integer(plx_field_get(config, "candidateCount"));

    put_renamed(w, config, "temperature", "temperature");
    put_renamed(w, config, "topP", "top_p");
    put_count(w, config, "maxOutputTokens", "max_tokens"); /* all servers know this one, the newer name only some */
    put_renamed(w, config, "stopSequences", "stop");
    put_count(w, config, "seed", "seed");
    put_renamed(w, config, "presencePenalty", "presence_penalty");
    put_renamed(w, config, "frequencyPenalty", "frequency_penalty");
    if (candidates.is_set && candidates.value > 1) put_count(w, config, "candidateCount", "n");
    put_thinking(w, config);
    put_response_format(w, config);
}

/* One of a list has no form of its own there; so it is asked for in words. */
static castor_status print_choices(const cst_json *config, cst_buf *out)
{
    bool            is_googles;
    const cst_json *schema = schema_of(config, &is_googles);
    plx_list        each = plx_list_of(cst_json_get(schema, "enum"));
    const cst_json *choice;
    castor_status   status = CASTOR_OK;
    size_t          count = 0;

    if (!cst_str_is(cst_json_string(plx_field_get(config, "responseMimeType")), "text/x.enum")) return CASTOR_OK;
    while (status == CASTOR_OK && (choice = plx_list_next(&each))) {
        const char *before = count++ == 0 ? "Answer with one of these and nothing else: " : ", ";
        status = cst_buf_append_format(out, "%s%.*s", before, CASTOR_ARG(cst_json_string(choice)));
    }
    return status;
}

static bool put_system(cst_json_writer *w, const cst_json *body, plx_refusal *refusal)
{
    cst_buf       text;
    castor_status status;

    cst_buf_init(&text, cst_allocator_default(), PLX_BODY_BYTES_MAX);
    status = plx_chat_join_texts(plx_field_get(body, "systemInstruction"), &text);
    if (status == CASTOR_OK && text.len > 0) status = cst_buf_append_text(&text, "\n");
    size_t own_len = text.len;
    if (status == CASTOR_OK) status = print_choices(plx_field_get(body, "generationConfig"), &text);
    if (text.len == own_len && own_len > 0) text.len--; /* the LF was for nothing */
    if (status == CASTOR_OK && text.len > 0) plx_chat_put_message(w, "system", cst_buf_view(&text));
    cst_buf_free(&text);
    return status == CASTOR_OK || no_memory(refusal);
}

bool plx_chat_print_gemini(cst_buf *out, const cst_json *body, castor_str model, plx_refusal *refusal)
{
    cst_json_writer w = cst_json_writer_to(out);

    put_front(&w, model);
    cst_json_key(&w, "messages");
    cst_json_open_array(&w);
    if (!put_system(&w, body, refusal)) return false;
    if (!plx_chat_put_turns(&w, plx_field_get(body, "contents"), refusal)) return false;
    cst_json_close_array(&w);
    plx_chat_put_tools(&w, plx_field_get(body, "tools"), plx_field_get(body, "toolConfig"));
    put_config(&w, plx_field_get(body, "generationConfig"));
    return put_back(&w, refusal);
}

/* ---- OpenAI ---- */

bool plx_chat_print_openai(cst_buf *out, const cst_json *body, castor_str model, plx_refusal *refusal)
{
    static const char *const ours[] = { "model", "stream", "stream_options", "extra_body" };
    cst_json_writer          w = cst_json_writer_to(out);
    cst_json_iterator        each = cst_json_iterate(body);
    const cst_json          *value;
    castor_str               key;

    put_front(&w, model);
    while ((value = cst_json_next(&each, &key))) {
        bool is_ours = false;
        for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++) is_ours = is_ours || cst_str_is(key, ours[i]);
        if (is_ours) continue;
        cst_json_name(&w, key);
        plx_json_put(&w, value);
    }
    return put_back(&w, refusal);
}

/* ---- legacy messages ---- */

static castor_str words_of(const cst_json *message)
{
    castor_str words = cst_json_string(plx_field_get(message, "content"));

    return words.data ? words : cst_json_string(plx_field_get(message, "text"));
}

static void put_example(cst_json_writer *w, const cst_json *example)
{
    plx_chat_put_message(w, "user", words_of(plx_field_get(example, "input")));
    plx_chat_put_message(w, "assistant", words_of(plx_field_get(example, "output")));
}

/* Two authors speak in turns; the last message is the user's, whatever he is called. */
static void put_messages(cst_json_writer *w, const cst_json *messages)
{
    size_t          left = plx_list_count(messages);
    plx_list        each = plx_list_of(messages);
    const cst_json *message;

    while ((message = plx_list_next(&each))) {
        plx_chat_put_message(w, left-- % 2 == 1 ? "user" : "assistant", words_of(message));
    }
}

bool plx_chat_print_message(cst_buf *out, const cst_json *body, castor_str model, plx_refusal *refusal)
{
    const cst_json *prompt = plx_field_get(body, "prompt");
    const cst_json *messages = plx_field_get(prompt, "messages");
    castor_str      context = cst_json_string(plx_field_get(prompt, "context"));
    plx_list        examples = plx_list_of(plx_field_get(prompt, "examples"));
    const cst_json *example;
    cst_json_writer w = cst_json_writer_to(out);

    put_front(&w, model);
    cst_json_key(&w, "messages");
    cst_json_open_array(&w);
    if (context.len > 0) plx_chat_put_message(&w, "system", context);
    while ((example = plx_list_next(&examples))) put_example(&w, example);
    put_messages(&w, messages ? messages : prompt);
    cst_json_close_array(&w);
    put_config(&w, body);
    return put_back(&w, refusal);
}
