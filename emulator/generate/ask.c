/* ask.c -- what a request asks for, whichever dialect it was asked in.
 * SPDX-License-Identifier: MIT
 *
 * Only what changes the answer is read; all that the service knows is accepted; the rest is refused by its name.
 */
#include "generate/ask.h"

enum { IMAGE_TOKENS = 258 /* what the service counts for one small image */ };

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define PACKAGE "type.googleapis.com/google.ai.generativelanguage.v1beta."
#define MESSAGE_TYPE(name, fields) { PACKAGE name, fields, COUNT_OF(fields) }

/* ---- the fields that are known ---- */

static const plx_field part_fields[] = {
    { "text", NULL }, { "inlineData", NULL }, { "fileData", NULL }, { "functionCall", NULL },
    { "functionResponse", NULL }, { "executableCode", NULL }, { "codeExecutionResult", NULL }, { "toolCall", NULL },
    { "toolResponse", NULL }, { "audioTranscription", NULL }, { "thought", NULL }, { "thoughtSignature", NULL },
    { "videoMetadata", NULL }, { "mediaResolution", NULL }, { "partMetadata", NULL },
};
static const plx_message_type part_type = MESSAGE_TYPE("Part", part_fields);

static const plx_field content_fields[] = { { "role", NULL }, { "parts", &part_type } };
static const plx_message_type content_type = MESSAGE_TYPE("Content", content_fields);

static const plx_field thinking_fields[] = {
    { "includeThoughts", NULL }, { "thinkingBudget", NULL }, { "thinkingLevel", NULL },
};
static const plx_message_type thinking_type = MESSAGE_TYPE("ThinkingConfig", thinking_fields);

static const plx_field generation_fields[] = {
    { "candidateCount", NULL }, { "stopSequences", NULL }, { "maxOutputTokens", NULL }, { "temperature", NULL },
    { "topP", NULL }, { "topK", NULL }, { "presencePenalty", NULL }, { "frequencyPenalty", NULL }, { "seed", NULL },
    { "responseLogprobs", NULL }, { "logprobs", NULL }, { "responseMimeType", NULL }, { "responseSchema", NULL },
    { "responseJsonSchema", NULL }, { "_responseJsonSchema", NULL }, { "responseFormat", NULL },
    { "responseModalities", NULL }, { "mediaResolution", NULL }, { "speechConfig", NULL },
    { "thinkingConfig", &thinking_type }, { "imageConfig", NULL }, { "enableEnhancedCivicAnswers", NULL },
    { "audioTranscriptionConfig", NULL },
};
static const plx_message_type generation_type = MESSAGE_TYPE("GenerationConfig", generation_fields);

static const plx_field gemini_fields[] = {
    { "contents", &content_type }, { "systemInstruction", &content_type }, { "tools", NULL }, { "toolConfig", NULL },
    { "safetySettings", NULL }, { "generationConfig", &generation_type }, { "cachedContent", NULL },
    { "serviceTier", NULL }, { "model", NULL }, { "store", NULL }, { "continuationToken", NULL },
};
static const plx_message_type gemini_type = MESSAGE_TYPE("GenerateContentRequest", gemini_fields);

static const plx_field openai_fields[] = {
    { "model", NULL }, { "messages", NULL }, { "max_tokens", NULL }, { "max_completion_tokens", NULL }, { "n", NULL },
    { "temperature", NULL }, { "top_p", NULL }, { "stop", NULL }, { "seed", NULL }, { "presence_penalty", NULL },
    { "frequency_penalty", NULL }, { "response_format", NULL }, { "tools", NULL }, { "tool_choice", NULL },
    { "functions", NULL }, { "function_call", NULL }, { "stream", NULL }, { "stream_options", NULL },
    { "reasoning_effort", NULL }, { "modalities", NULL }, { "logprobs", NULL }, { "top_logprobs", NULL },
    { "service_tier", NULL }, { "web_search_options", NULL }, { "parallel_tool_calls", NULL }, { "user", NULL },
    { "store", NULL }, { "metadata", NULL }, { "logit_bias", NULL }, { "audio", NULL }, { "extra_body", NULL },
};
static const plx_message_type openai_type = MESSAGE_TYPE("ChatCompletionRequest", openai_fields);

static const plx_field message_fields[] = {
    { "prompt", NULL }, { "temperature", NULL }, { "candidateCount", NULL }, { "topP", NULL }, { "topK", NULL },
    { "model", NULL }, { "stream", NULL }, { "maxOutputTokens", NULL }, { "safetySettings", NULL },
};
static const plx_message_type message_type = MESSAGE_TYPE("GenerateMessageRequest", message_fields);

/* ---- small readers ---- */

uint64_t plx_token_count(size_t bytes)
{
    return (bytes + PLX_BYTES_PER_TOKEN - 1) / PLX_BYTES_PER_TOKEN;
}

static castor_str bare_model(castor_str model)
{
    static const char *const prefixes[] = { "models/", "tunedModels/" };

    for (size_t i = 0; i < COUNT_OF(prefixes); i++) {
        size_t len = strlen(prefixes[i]);
        if (cst_str_starts_with(model, prefixes[i])) return (castor_str){ model.data + len, model.len - len };
    }
    return model;
}

static bool no_memory(plx_refusal *refusal)
{
    return plx_refuse(refusal, 503, "The emulator has no memory left for this request.");
}

/* Texts joined by LF, in a buffer that then moves into the arena. */
static bool append_line(cst_buf *out, castor_str text, plx_refusal *refusal)
{
    if (out->len > 0 && cst_buf_append(out, "\n", 1) != CASTOR_OK) return no_memory(refusal);
    return cst_buf_append_str(out, text) == CASTOR_OK || no_memory(refusal);
}

static bool read_stops(plx_ask *ask, const cst_json *stops, const char *path, plx_refusal *refusal)
{
    size_t count = plx_list_count(stops);

    if (count > PLX_STOP_SEQUENCES_MAX) {
        return plx_refuse_field(refusal, path, "Invalid value at '%s': at most %d stop sequences are allowed.", path,
                                (int)PLX_STOP_SEQUENCES_MAX);
    }
    for (size_t i = 0; i < count; i++) {
        castor_str stop = cst_json_string(plx_list_at(stops, i));
        if (!stop.data) {
            return plx_refuse_field(refusal, path, "Invalid value at '%s' (TYPE_STRING): not a text.", path);
        }
        if (stop.len > 0) ask->stop_sequences[ask->stop_sequence_count++] = stop;
    }
    return true;
}

static bool read_candidate_count(plx_ask *ask, const cst_json *object, const char *name, const char *path,
                                 plx_refusal *refusal)
{
    castor_i64 count;

    if (!plx_field_integer(object, name, path, 1, PLX_CANDIDATES_MAX, &count, refusal)) return false;
    ask->candidate_count = count.is_set ? count.value : 1;
    return true;
}

/* ---- Gemini ---- */

/* Counts every part; joins the texts into `text`, unless that is NULL. */
static bool read_parts(plx_ask *ask, const cst_json *content, cst_buf *text, plx_refusal *refusal)
{
    plx_list        each = plx_list_of(plx_field_get(content, "parts"));
    const cst_json *part;

    while ((part = plx_list_next(&each))) {
        castor_str words = cst_json_string(plx_field_get(part, "text"));
        ask->prompt_tokens += plx_token_count(words.len);
        if (plx_field_get(part, "inlineData") || plx_field_get(part, "fileData")) ask->prompt_tokens += IMAGE_TOKENS;
        if (text && words.data && !append_line(text, words, refusal)) return false;
    }
    return true;
}

/* Words that are not the model's own. Results of tools have none: then the words before them still count. */
static bool is_prompt_of_user(const cst_json *content)
{
    plx_list        each = plx_list_of(plx_field_get(content, "parts"));
    const cst_json *part;

    if (cst_str_equal_nocase(cst_json_string(plx_field_get(content, "role")), CASTOR_STR("model"))) return false;
    while ((part = plx_list_next(&each))) {
        if (cst_json_string(plx_field_get(part, "text")).data) return true;
    }
    return false;
}

static bool read_contents(plx_ask *ask, const cst_json *contents, cst_arena *arena, plx_refusal *refusal)
{
    plx_list        each = plx_list_of(contents);
    const cst_json *content;
    cst_buf         text;
    bool            is_read = true;

    if (plx_list_count(contents) == 0) {
        return plx_refuse(refusal, 400, "* GenerateContentRequest.contents: contents is not specified\n");
    }
    cst_buf_init(&text, arena->allocator, PLX_BODY_BYTES_MAX);
    for (size_t i = 0; is_read && (content = plx_list_next(&each)); i++) {
        bool is_prompt = is_prompt_of_user(content);
        if (plx_list_count(plx_field_get(content, "parts")) == 0) {
            is_read = plx_refuse(refusal, 400,
                                 "* GenerateContentRequest.contents[%zu].parts: contents.parts must not be empty.\n",
                                 i);
            break;
        }
        if (is_prompt) text.len = 0; /* the last one counts */
        is_read = read_parts(ask, content, is_prompt ? &text : NULL, refusal);
    }
    if (is_read && cst_arena_copy(arena, cst_buf_view(&text), &ask->prompt) != CASTOR_OK) is_read = no_memory(refusal);
    cst_buf_free(&text);
    return is_read;
}

static bool read_shape(plx_ask *ask, const cst_json *config, plx_refusal *refusal)
{
    castor_str mime_type = cst_json_string(plx_field_get(config, "responseMimeType"));

    ask->schema = plx_field_get(config, "responseSchema");
    if (!ask->schema) ask->schema = plx_field_get(config, "responseJsonSchema");
    if (!ask->schema) ask->schema = plx_field_get(config, "_responseJsonSchema");
    if (cst_str_is(mime_type, "application/json")) ask->shape = PLX_SHAPE_JSON;
    else if (cst_str_is(mime_type, "text/x.enum")) ask->shape = PLX_SHAPE_ENUM;
    else if (mime_type.data && mime_type.len > 0 && !cst_str_is(mime_type, "text/plain")) {
        return plx_refuse(refusal, 400,
                          "* GenerateContentRequest.generation_config.response_mime_type: allowed mimetypes are "
                          "`text/plain`, `application/json` and `text/x.enum`.\n");
    } else if (ask->schema) {
        return plx_refuse(refusal, 400,
                          "* GenerateContentRequest.generation_config.response_schema: a schema needs a "
                          "response_mime_type of `application/json` or `text/x.enum`.\n");
    }
    return true;
}

static bool read_thinking(plx_ask *ask, const cst_json *config, plx_refusal *refusal)
{
    static const char path[] = "generation_config.thinking_config";
    castor_i64        budget;

    ask->includes_thoughts = cst_json_is_true(plx_field_get(config, "includeThoughts"));
    if (!plx_field_integer(config, "thinkingBudget", path, -1, 1 << 20, &budget, refusal)) return false;
    if (budget.is_set && plx_field_get(config, "thinkingLevel")) {
        return plx_refuse(refusal, 400, "You can only set only one of thinking budget and thinking level.");
    }
    ask->may_think = !budget.is_set || budget.value != 0;
    return true;
}

static void begin(plx_ask *ask, castor_str model)
{
    *ask = (plx_ask){ .model = bare_model(model), .prompt = CASTOR_STR(""), .candidate_count = 1, .may_think = true };
}

bool plx_ask_read_gemini(plx_ask *ask, const cst_json *body, castor_str model, cst_arena *arena, plx_refusal *refusal)
{
    const cst_json *config = plx_field_get(body, "generationConfig");

    begin(ask, model);
    return plx_fields_check(body, &gemini_type, refusal) &&
           read_parts(ask, plx_field_get(body, "systemInstruction"), NULL, refusal) &&
           read_contents(ask, plx_field_get(body, "contents"), arena, refusal) &&
           read_candidate_count(ask, config, "candidateCount", "generation_config", refusal) &&
           plx_field_integer(config, "maxOutputTokens", "generation_config", 1, INT32_MAX, &ask->max_output_tokens,
                             refusal) &&
           read_stops(ask, plx_field_get(config, "stopSequences"), "generation_config.stop_sequences", refusal) &&
           read_thinking(ask, plx_field_get(config, "thinkingConfig"), refusal) && read_shape(ask, config, refusal);
}

/* ---- OpenAI ---- */

static bool read_openai_content(plx_ask *ask, const cst_json *content, cst_buf *text, plx_refusal *refusal)
{
    if (cst_json_type_of(content) == CST_JSON_STRING) {
        castor_str words = cst_json_string(content);
        ask->prompt_tokens += plx_token_count(words.len);
        return !text || append_line(text, words, refusal);
    }
    plx_list        each = plx_list_of(content);
    const cst_json *part;
    while ((part = plx_list_next(&each))) {
        castor_str words = cst_json_string(cst_json_get(part, "text"));
        ask->prompt_tokens += words.data ? plx_token_count(words.len) : IMAGE_TOKENS;
        if (text && words.data && !append_line(text, words, refusal)) return false;
    }
    return true;
}

static bool read_messages(plx_ask *ask, const cst_json *messages, cst_arena *arena, plx_refusal *refusal)
{
    cst_json_iterator each = cst_json_iterate(messages);
    const cst_json   *message;
    cst_buf           text;
    bool              is_read = true;

    if (cst_json_type_of(messages) != CST_JSON_ARRAY || cst_json_count(messages) == 0) {
        return plx_refuse(refusal, 400, "* GenerateContentRequest.contents: contents is not specified\n");
    }
    cst_buf_init(&text, arena->allocator, PLX_BODY_BYTES_MAX);
    while (is_read && (message = cst_json_next(&each, NULL))) {
        bool is_prompt = cst_str_is(cst_json_string(cst_json_get(message, "role")), "user");
        if (is_prompt) text.len = 0;
        is_read = read_openai_content(ask, cst_json_get(message, "content"), is_prompt ? &text : NULL, refusal);
    }
    if (is_read && cst_arena_copy(arena, cst_buf_view(&text), &ask->prompt) != CASTOR_OK) is_read = no_memory(refusal);
    cst_buf_free(&text);
    return is_read;
}

static void read_openai_shape(plx_ask *ask, const cst_json *format)
{
    castor_str type = cst_json_string(cst_json_get(format, "type"));

    if (!cst_str_is(type, "json_object") && !cst_str_is(type, "json_schema")) return;
    ask->shape = PLX_SHAPE_JSON;
    ask->schema = cst_json_get(cst_json_get(format, "json_schema"), "schema");
}

bool plx_ask_read_openai(plx_ask *ask, const cst_json *body, castor_str model, cst_arena *arena, plx_refusal *refusal)
{
    castor_i64 older = { 0, 0 };

    begin(ask, model);
    if (!plx_fields_check(body, &openai_type, refusal)) return false;
    ask->model = bare_model(cst_json_string(cst_json_get(body, "model")));
    if (ask->model.len == 0) return plx_refuse(refusal, 400, "model is not specified");
    ask->wants_stream = cst_json_is_true(cst_json_get(body, "stream"));
    ask->wants_usage = cst_json_is_true(cst_json_get(cst_json_get(body, "stream_options"), "include_usage"));
    read_openai_shape(ask, cst_json_get(body, "response_format"));
    if (!read_messages(ask, cst_json_get(body, "messages"), arena, refusal) ||
        !read_candidate_count(ask, body, "n", "", refusal) ||
        !plx_field_integer(body, "max_tokens", "", 1, INT32_MAX, &older, refusal) ||
        !plx_field_integer(body, "max_completion_tokens", "", 1, INT32_MAX, &ask->max_output_tokens, refusal)) {
        return false;
    }
    if (!ask->max_output_tokens.is_set) ask->max_output_tokens = older;
    return read_stops(ask, plx_field_get(body, "stop"), "stop", refusal);
}

/* ---- legacy messages ---- */

/* The prompt is {"messages":[{"content"}],"context","examples"}; tutorials also show [{"text"}]. */
bool plx_ask_read_message(plx_ask *ask, const cst_json *body, castor_str model, cst_arena *arena, plx_refusal *refusal)
{
    const cst_json *prompt = plx_field_get(body, "prompt");
    const cst_json *messages = plx_field_get(prompt, "messages");

    (void)arena;
    begin(ask, model);
    if (!plx_fields_check(body, &message_type, refusal)) return false;
    ask->wants_stream = cst_json_is_true(plx_field_get(body, "stream"));
    ask->echo = messages;
    ask->prompt_tokens = plx_token_count(cst_json_string(plx_field_get(prompt, "context")).len);
    if (!messages) messages = prompt;
    if (plx_list_count(messages) == 0) {
        return plx_refuse(refusal, 400, "* GenerateMessageRequest.prompt.messages: messages is not specified\n");
    }
    plx_list        each = plx_list_of(messages);
    const cst_json *message;
    for (size_t i = 0; (message = plx_list_next(&each)); i++) {
        castor_str text = cst_json_string(plx_field_get(message, "content"));
        if (!text.data) text = cst_json_string(plx_field_get(message, "text"));
        if (!text.data) {
            return plx_refuse(refusal, 400,
                              "* GenerateMessageRequest.prompt.messages[%zu].content: content is not specified\n", i);
        }
        ask->prompt = text;
        ask->prompt_tokens += plx_token_count(text.len);
    }
    return read_candidate_count(ask, body, "candidateCount", "", refusal) &&
           plx_field_integer(body, "maxOutputTokens", "", 1, INT32_MAX, &ask->max_output_tokens, refusal);
}
