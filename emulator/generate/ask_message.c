/* ask_message.c -- reads the bodies of the decommissioned generateMessage and generateText, and of those that count
 * their tokens.
 * SPDX-License-Identifier: MIT
 */
#include "generate/ask_fields.h"
#include "generate/reading.h"

enum { TEXT_TOKENS_DEFAULT = 64 };

#define KNOWN(field) { field, NULL, PLX_ANY }

static const plx_field message_fields[] = {
    KNOWN("prompt"), { "temperature", NULL, PLX_FLOAT }, { "candidateCount", NULL, PLX_INT32 },
    { "topP", NULL, PLX_FLOAT }, { "topK", NULL, PLX_INT32 }, { "model", NULL, PLX_STRING },
    { "stream", NULL, PLX_BOOL }, { "maxOutputTokens", NULL, PLX_INT32 }, KNOWN("safetySettings"),
};
static const plx_message_type message_type = PLX_TYPE("GenerateMessageRequest", message_fields);

static const plx_field prompt_fields[] = { { "text", NULL, PLX_STRING } };
static const plx_message_type prompt_type = PLX_TYPE("TextPrompt", prompt_fields);
static const plx_field text_fields[] = {
    { "prompt", &prompt_type, PLX_MESSAGE }, { "temperature", NULL, PLX_FLOAT },
    { "candidateCount", NULL, PLX_INT32 }, { "maxOutputTokens", NULL, PLX_INT32 }, { "topP", NULL, PLX_FLOAT },
    { "topK", NULL, PLX_INT32 }, { "model", NULL, PLX_STRING }, KNOWN("safetySettings"),
    { "stopSequences", NULL, PLX_STRING, .is_list = true },
};
static const plx_message_type text_type = PLX_TYPE("GenerateTextRequest", text_fields);

/* These models cut what is too long, so no request is too long for them. */
static void begin(plx_reading *r, plx_ask *ask, const plx_terms *terms, plx_refusal *refusal)
{
    plx_reading_begin(r, ask, terms, refusal);
    r->is_cut_to_fit = true;
    ask->may_think = false;
}

/* ---- messages ---- */

static void count_examples(plx_reading *r, const cst_json *examples)
{
    plx_list        each = plx_list_of(examples);
    const cst_json *example;

    while ((example = plx_list_next(&each))) {
        plx_reading_count_text(r, cst_json_string_in(cst_json_get(example, "input"), "content"));
        plx_reading_count_text(r, cst_json_string_in(cst_json_get(example, "output"), "content"));
    }
}

static void put_echo(cst_json_writer *w, castor_str author, size_t index, castor_str content)
{
    cst_json_open_object(w);
    cst_json_key(w, "author");
    cst_json_put_string(w, author.len > 0 ? author : index % 2 == 0 ? CASTOR_STR("0") : CASTOR_STR("1"));
    cst_json_key(w, "content");
    cst_json_put_string(w, content);
    cst_json_close_object(w);
}

/* Whoever the author is, the last message is the one to answer. */
static bool read_messages(plx_reading *r, const cst_json *messages, cst_json_writer *echo)
{
    plx_list        each = plx_list_of(messages);
    const cst_json *message;

    for (size_t i = 0; (message = plx_list_next(&each)); i++) {
        castor_str text = cst_json_string(plx_field_get(message, "content"));
        if (!text.data) text = cst_json_string(plx_field_get(message, "text"));
        if (!text.data) {
            return plx_refuse(r->refusal, 400,
                              "* GenerateMessageRequest.prompt.messages[%zu].content: content is not specified\n", i);
        }
        put_echo(echo, cst_json_string(plx_field_get(message, "author")), i, text);
        if (!plx_reading_open(r, PLX_SIDE_USER) || !plx_reading_say(r, text)) return false;
    }
    return true;
}

static bool read_prompt(plx_reading *r, const cst_json *prompt)
{
    const cst_json *messages = plx_field_get(prompt, "messages");
    cst_json_writer echo = cst_json_writer_to(&r->scratch);

    if (!messages) messages = prompt; /* tutorials show [{"text"}] */
    if (plx_list_count(messages) == 0) {
        return plx_refuse(r->refusal, 400, "* GenerateMessageRequest.prompt.messages: messages is not specified\n");
    }
    plx_reading_count_text(r, cst_json_string(plx_field_get(prompt, "context")));
    count_examples(r, plx_field_get(prompt, "examples"));
    cst_json_open_array(&echo);
    if (!read_messages(r, messages, &echo)) return false;
    cst_json_close_array(&echo);
    return (echo.status == CASTOR_OK &&
            cst_arena_copy(r->terms->arena, cst_buf_view(&r->scratch), &r->ask->echo) == CASTOR_OK) ||
           plx_reading_no_memory(r);
}

bool plx_ask_read_message(plx_ask *ask, const cst_json *body, const plx_terms *terms, plx_refusal *refusal)
{
    plx_reading r;

    begin(&r, ask, terms, refusal);
    bool is_read = plx_fields_check(body, &message_type, refusal) &&
                   read_prompt(&r, plx_field_get(body, "prompt")) &&
                   plx_reading_candidates(&r, body, "candidateCount", "") &&
                   plx_reading_limit(&r, cst_json_integer(plx_field_get(body, "maxOutputTokens")));
    ask->wants_stream = is_read && cst_json_is_true(plx_field_get(body, "stream"));
    return plx_reading_end(&r, is_read);
}

/* ---- text ---- */

bool plx_ask_read_text(plx_ask *ask, const cst_json *body, const plx_terms *terms, plx_refusal *refusal)
{
    const cst_json *prompt = plx_field_get(body, "prompt");
    castor_str      text = cst_json_string(plx_field_get(prompt, "text"));
    castor_i64      limit = cst_json_integer(plx_field_get(body, "maxOutputTokens"));
    plx_reading     r;

    begin(&r, ask, terms, refusal);
    bool is_read = plx_fields_check(body, &text_type, refusal);
    if (is_read && text.len == 0) {
        is_read = plx_refuse(refusal, 400, "* GenerateTextRequest.prompt.text: text is not specified\n");
    }
    is_read = is_read && plx_reading_open(&r, PLX_SIDE_USER) && plx_reading_say(&r, text) &&
              plx_reading_candidates(&r, body, "candidateCount", "") &&
              plx_reading_limit(&r, limit.is_set ? limit : castor_some_i64(TEXT_TOKENS_DEFAULT)) &&
              plx_reading_stops(&r, plx_field_get(body, "stopSequences"), "stop_sequences");
    return plx_reading_end(&r, is_read);
}
