/* ask_message.c -- reads the bodies of the decommissioned generateMessage and generateText, and of those that count
 * their tokens.
 * SPDX-License-Identifier: MIT
 */
#include "generate/ask_fields.h"
#include "generate/reading.h"

enum { TEXT_TOKENS_DEFAULT = 64 };

#define TEXT(field) { field, NULL, PLX_STRING }
#define MANY(field, type_of) { field, &type_of, PLX_MESSAGE, .is_list = true }

static const plx_field one_message_fields[] = {
    TEXT("author"), TEXT("content"), { "citationMetadata", NULL, PLX_STRUCT }, TEXT("text"),
};
static const plx_message_type one_message_type = PLX_TYPE("Message", one_message_fields);
static const plx_field example_fields[] = {
    { "input", &one_message_type, PLX_MESSAGE }, { "output", &one_message_type, PLX_MESSAGE },
};
static const plx_message_type example_type = PLX_TYPE("Example", example_fields);

/* Or, in tutorials, messages themselves: [{"text"}]. */
static const plx_field conversation_fields[] = {
    TEXT("context"), MANY("examples", example_type), MANY("messages", one_message_type), TEXT("author"),
    TEXT("content"), TEXT("text"),
};
static const plx_message_type conversation_type = PLX_TYPE("MessagePrompt", conversation_fields);
static const plx_field message_fields[] = {
    MANY("prompt", conversation_type), { "temperature", NULL, PLX_FLOAT }, { "candidateCount", NULL, PLX_INT32 },
    { "topP", NULL, PLX_FLOAT }, { "topK", NULL, PLX_INT32 }, TEXT("model"), { "stream", NULL, PLX_BOOL },
    { "maxOutputTokens", NULL, PLX_INT32 }, MANY("safetySettings", plx_safety_setting_type),
};
static const plx_message_type message_type = PLX_TYPE("GenerateMessageRequest", message_fields);

static const plx_field prompt_fields[] = { TEXT("text") };
static const plx_message_type prompt_type = PLX_TYPE("TextPrompt", prompt_fields);
static const plx_field text_fields[] = {
    { "prompt", &prompt_type, PLX_MESSAGE }, { "temperature", NULL, PLX_FLOAT },
    { "candidateCount", NULL, PLX_INT32 }, { "maxOutputTokens", NULL, PLX_INT32 }, { "topP", NULL, PLX_FLOAT },
    { "topK", NULL, PLX_INT32 }, TEXT("model"), MANY("safetySettings", plx_safety_setting_type),
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

/* What both have. */
static bool check_sampling(plx_reading *r, const cst_json *body, const char *path)
{
    return plx_reading_range(r, body, "temperature", path, 1.0) && plx_reading_range(r, body, "topP", path, 1.0) &&
           plx_reading_candidates(r, body, "candidateCount", "");
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
                   check_sampling(&r, body, "GenerateMessageRequest") &&
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
              check_sampling(&r, body, "GenerateTextRequest") &&
              plx_reading_limit(&r, limit.is_set ? limit : castor_some_i64(TEXT_TOKENS_DEFAULT)) &&
              plx_reading_stops(&r, plx_field_get(body, "stopSequences"), "stop_sequences");
    return plx_reading_end(&r, is_read);
}
