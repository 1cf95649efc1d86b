/* test_generate.c -- what pollux takes as a request of generateContent, what it refuses, and what it makes of it.
 * SPDX-License-Identifier: MIT
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "answers.h"
#include "json.h"

#define MODEL(name) "/v1beta/models/" name ":generateContent"
#define EVENTS(name) "/v1beta/models/" name ":streamGenerateContent?alt=sse"
#define OLD MODEL("gemini-2.5-flash")
#define LONG "gemini-4-argon"
#define ONE(part) "{\"contents\":[{\"parts\":[" part "]}]}"
#define TEXT_AT "candidates.0.content.parts.0.text"

static tst_pollux shared;

static int start(void **state)
{
    (void)state;
    signal(SIGPIPE, SIG_IGN);
    shared = TST_POLLUX("--instant", "--quiet", "--decode-cap", "40");
    return 0;
}

static int stop(void **state)
{
    (void)state;
    tst_pollux_stop(&shared);
    return 0;
}

/* The text at a path of what was answered with 200. */
static char *text_of(const char *path, const char *body, const char *at)
{
    static char text[1 << 16];
    tst_answer  a = tst_ask(&shared, path, body);

    tst_check_status(&a, 200);
    tst_text_at(&a, at, text, sizeof text);
    tst_forget(&a);
    return text;
}

/* ---- what is taken ---- */

static void requests_are_taken_in_every_spelling_that_the_service_takes(void **state)
{
    static const char *const bodies[] = {
        "{\"contents\":{\"parts\":{\"text\":\"hi\"}}}",
        "{\"contents\":[{\"role\":\"USER\",\"parts\":[{\"text\":\"hi\"}]}]}",
        "{\"contents\":[{\"parts\":[{\"text\":\"hi\"}]}],\"generation_config\":{\"max_output_tokens\":\"100\",\"top_k\":40,\"seed\":-1}}",
        "{\"contents\":[{\"parts\":[{\"text\":\"hi\"}]}],\"generationConfig\":{\"temperature\":\"0.5\",\"topP\":1e-1,\"maxOutputTokens\":1e2}}",
        "{\"contents\":[{\"parts\":[{\"text\":\"hi\"}]}],\"safetySettings\":{\"category\":\"HARM_CATEGORY_HARASSMENT\",\"threshold\":5}}",
        "{\"contents\":[{\"parts\":[{\"text\":\"hi\"}]}],\"generationConfig\":{\"thinkingConfig\":{\"thinkingLevel\":\"low\"}}}",
        "{\"contents\":[{\"parts\":[{\"text\":\"hi\"}]}],\"systemInstruction\":{\"role\":\"system\",\"parts\":[{\"text\":\"x\"}]},\"serviceTier\":\"FLEX\"}",
        "{\"contents\":[{\"parts\":[{\"text\":\"hi\"}]}],\"tools\":{\"googleSearch\":{}},\"generationConfig\":null,\"store\":false}",
        ONE("{\"inlineData\":{\"mimeType\":\"image/png\",\"data\":\"-_-_\"}},{\"inline_data\":{\"mime_type\":\"image/png\",\"data\":\"+/+/\"}}"),
        ONE("{\"inlineData\":{\"mimeType\":\"image/png\",\"data\":\"AAA=\"}},{\"inlineData\":{\"mimeType\":\"image/png\",\"data\":\"AAA\"}}"),
        ONE("{\"text\":\"hi\",\"videoMetadata\":{\"startOffset\":\"1s\",\"fps\":0.5},\"partMetadata\":{\"any\":[1,{\"thing\":2}]}}"),
        ONE("{\"fileData\":{\"mimeType\":\"video/mp4\",\"fileUri\":\"https://www.youtube.com/watch?v=1\"}}"),
        ("{\"contents\":[{\"parts\":[{\"text\":\"hi\"}]}],\"generationConfig\":{\"speechConfig\":{\"voiceConfig\":{\"prebuiltVoiceConfig\":"
         "{\"voiceName\":\"Kore\"}}},\"imageConfig\":{\"aspectRatio\":\"1:1\"},\"presencePenalty\":0.1,\"responseLogprobs\":true,\"logprobs\":3}}"),
    };

    (void)state;
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        tst_answer a = tst_ask(&shared, WHOLE, bodies[i]);
        if (a.status != 200) fail_msg("%s\n%s", bodies[i], a.body);
        tst_forget(&a);
    }
}

/* ---- what is refused ---- */

typedef struct refused {
    const char *path;
    const char *body;
    const char *words;
} refused;

static void check_refusal(tst_answer a, const char *words)
{
    char message[4096];

    tst_check_status(&a, 400);
    tst_check_at(&a, "error.status", "INVALID_ARGUMENT");
    tst_text_at(&a, "error.message", message, sizeof message);
    if (!strstr(message, words)) fail_msg("no \"%s\" in: %s", words, message);
    tst_forget(&a);
}

static void check_refused(const refused *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) check_refusal(tst_ask(&shared, cases[i].path, cases[i].body), cases[i].words);
}

#define CHECK_REFUSED(cases) check_refused(cases, sizeof cases / sizeof cases[0])
#define TYPES "type.googleapis.com/google.ai.generativelanguage.v1beta."

#define SAFETY(category) "{\"category\":\"HARM_CATEGORY_" category "\",\"threshold\":\"BLOCK_NONE\"}"
#define NO_HARM(index) \
    "* GenerateContentRequest.safety_settings[" index "]: element predicate failed: $.category in " \
    "(HarmCategory.HARM_CATEGORY_HATE_SPEECH, HarmCategory.HARM_CATEGORY_SEXUALLY_EXPLICIT, " \
    "HarmCategory.HARM_CATEGORY_DANGEROUS_CONTENT, HarmCategory.HARM_CATEGORY_HARASSMENT, " \
    "HarmCategory.HARM_CATEGORY_CIVIC_INTEGRITY)\n"

static void the_categories_of_palm_are_no_harm_that_is_known(void **state)
{
    tst_answer a = tst_ask(&shared, WHOLE,
                           "{\"contents\":[{\"parts\":[{\"text\":\"x\"}]}],\"safetySettings\":[" SAFETY("VIOLENCE") ","
                           SAFETY("HARASSMENT") "," SAFETY("CIVIC_INTEGRITY") "," SAFETY("MEDICAL") "]}");

    (void)state;
    tst_lacks(&a, "details");
    check_refusal(a, NO_HARM("0") NO_HARM("3"));
}

static void what_does_not_belong_is_named_with_its_path(void **state)
{
    static const refused cases[] = {
        { WHOLE, "{\"contents\":[{\"parts\":[{\"text\":\"x\"}],\"name\":\"y\"}]}", "Unknown name \"name\" at 'contents[0]': Cannot find field." },
        { WHOLE, "{\"contents\":{\"parts\":{\"text\":\"x\",\"sort\":1}}}", "Unknown name \"sort\" at 'contents.parts': Cannot find field." },
        { WHOLE, ONE("{\"functionCall\":{\"name\":\"f\",\"arguments\":{}}}"), "Unknown name \"arguments\" at 'contents[0].parts[0].function_call'" },
        { WHOLE, ONE("{\"inlineData\":{\"mimeType\":\"a/b\",\"data\":\"\",\"displayName\":\"d\"}}"), "Unknown name \"displayName\" at 'contents[0].parts[0].inline_data'" },
        { WHOLE, "{\"contents\":[],\"tools\":[{\"functionDeclarations\":[{\"name\":\"f\",\"parameters\":{\"type\":\"object\",\"additionalProperties\":false}}]}]}",
          "Unknown name \"additionalProperties\" at 'tools[0].function_declarations[0].parameters': Cannot find field." },
        { WHOLE, "{\"contents\":[],\"tools\":[{\"functionDeclarations\":[{\"name\":\"f\",\"parameters\":{\"type\":\"OBJECT\",\"properties\":{\"a\":{\"type\":\"STRING\"},\"b\":{\"const\":1}}}}]}]}",
          "Unknown name \"const\" at 'tools[0].function_declarations[0].parameters.properties[1].value': Cannot find field." },
        { WHOLE, "{\"contents\":[],\"toolConfig\":{\"functionCallingConfig\":{\"modus\":1}}}", "Unknown name \"modus\" at 'tool_config.function_calling_config'" },
        { WHOLE, "{\"contents\":[],\"safetySettings\":[{\"method\":\"SEVERITY\"}]}", "Unknown name \"method\" at 'safety_settings[0]'" },
        { WHOLE, "{\"contents\":[],\"generationConfig\":{\"speechConfig\":{\"voice\":\"Kore\"}}}", "Unknown name \"voice\" at 'generation_config.speech_config'" },
        { WHOLE, "{\"contents\":[],\"labels\":{}}", "Unknown name \"labels\": Cannot find field." },
    };

    (void)state;
    CHECK_REFUSED(cases);
}

static void values_of_the_wrong_kind_are_refused_in_the_words_of_google(void **state)
{
    static const refused cases[] = {
        { WHOLE, "{\"contents\":[{\"role\":5,\"parts\":[]}]}", "Invalid value at 'contents[0].role' (TYPE_STRING), 5" },
        { WHOLE, "{\"contents\":\"hi\"}", "Invalid value at 'contents' (" TYPES "Content), \"hi\"" },
        { WHOLE, "{\"contents\":[],\"systemInstruction\":\"be brief\"}", "Invalid value at 'system_instruction' (" TYPES "Content), \"be brief\"" },
        { WHOLE, ONE("{\"text\":{\"text\":\"x\"}}"), "Invalid value at 'contents[0].parts[0]' (text), Starting an object on a scalar field" },
        { WHOLE, ONE("{\"text\":[\"x\"]}"), "Unknown name \"text\" at 'contents[0].parts[0]': Proto field is not repeating, cannot start list." },
        { WHOLE, ONE("{\"text\":\"x\",\"inlineData\":{}}"), "Invalid value at 'contents[0].parts[0]' (oneof), oneof field 'data' is already set. Cannot set 'inlineData'" },
        { WHOLE, ONE("{\"inlineData\":{\"mimeType\":\"image/png\",\"data\":\"not base64!\"}}"),
          "Invalid value at 'contents[0].parts[0].inline_data.data' (TYPE_BYTES), Base64 decoding failed for \"not base64!\"" },
        { WHOLE, "{\"contents\":[],\"safetySettings\":[{\"category\":\"HARM_CATEGORY_RUDE\"}]}",
          "Invalid value at 'safety_settings[0].category' (" TYPES "HarmCategory), \"HARM_CATEGORY_RUDE\"" },
        { WHOLE, "{\"contents\":[],\"safetySettings\":[{\"threshold\":77}]}", "Invalid value at 'safety_settings[0].threshold' (" TYPES "SafetySetting.HarmBlockThreshold), 77" },
        { WHOLE, "{\"contents\":[],\"generationConfig\":{\"temperature\":\"hot\"}}", "Invalid value at 'generation_config.temperature' (TYPE_FLOAT), \"hot\"" },
        { WHOLE, "{\"contents\":[],\"generationConfig\":{\"maxOutputTokens\":1.5}}", "Invalid value at 'generation_config.max_output_tokens' (TYPE_INT32), 1.5" },
        { WHOLE, "{\"contents\":[],\"generationConfig\":{\"seed\":3000000000}}", "Invalid value at 'generation_config.seed' (TYPE_INT32), 3000000000" },
        { WHOLE, "{\"contents\":[],\"generationConfig\":{\"thinkingConfig\":{\"includeThoughts\":\"yes\"}}}",
          "Invalid value at 'generation_config.thinking_config.include_thoughts' (TYPE_BOOL), \"yes\"" },
        { WHOLE, "{\"contents\":[],\"generationConfig\":{\"thinkingConfig\":{\"thinkingLevel\":\"EXTREME\"}}}", "ThinkingLevel), \"EXTREME\"" },
        { WHOLE, "{\"contents\":[],\"generationConfig\":{\"responseSchema\":{\"type\":[\"string\",\"null\"]}}}",
          "Unknown name \"type\" at 'generation_config.response_schema': Proto field is not repeating, cannot start list." },
    };

    (void)state;
    CHECK_REFUSED(cases);
}

static void contents_must_say_something_and_say_who(void **state)
{
    static const refused cases[] = {
        { WHOLE, "{}", "* GenerateContentRequest.contents: contents is not specified" },
        { WHOLE, "{\"contents\":[]}", "contents is not specified" },
        { WHOLE, "{\"contents\":[{\"role\":\"user\",\"parts\":[]}]}", "* GenerateContentRequest.contents[0].parts: contents.parts must not be empty." },
        { WHOLE, ONE("{}"), "* GenerateContentRequest.contents[0].parts[0].data: required oneof field 'data' must have one initialized field" },
        { WHOLE, ONE("{\"text\":\"a\"},{\"thoughtSignature\":\"AAAA\"}"), "contents[0].parts[1].data: required oneof field" },
        { WHOLE, "{\"contents\":[{\"role\":\"assistant\",\"parts\":[{\"text\":\"x\"}]}]}", "Please use a valid role: user, model." },
        { WHOLE, "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"x\"}]},{\"parts\":[{\"text\":\"x\"}]}]}", "Please use a valid role: user, model." },
        { WHOLE, ONE("{\"inlineData\":{\"data\":\"AAAA\"}}"), "Unsupported MIME type: " },
    };

    (void)state;
    CHECK_REFUSED(cases);
}

#define PREFILLED "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"a\"}]},{\"role\":\"model\",\"parts\":[{\"text\":\"b\"}]}]}"

static void newer_models_refuse_a_last_turn_of_their_own(void **state)
{
    static const refused cases[] = {
        { WHOLE, PREFILLED, "Requests ending with a model turn are not supported." },
        { MODEL("gemini-3.6-flash"), PREFILLED, "Requests ending with a model turn are not supported." },
        { MODEL("gemini-3.5-flash-lite"), PREFILLED, "Requests ending with a model turn are not supported." },
        { MODEL(LONG), PREFILLED, "Requests ending with a model turn are not supported." },
    };
    static const char *const older[] = { OLD, MODEL("gemini-3-flash-preview"), MODEL("gemini-3.1-pro-preview") };

    (void)state;
    CHECK_REFUSED(cases);
    for (size_t i = 0; i < sizeof older / sizeof older[0]; i++) text_of(older[i], PREFILLED, TEXT_AT);
}

#define WITH(config) PROMPT_WITH("hi", config)
#define THINKING(config) WITH("{\"thinkingConfig\":" config "}")

static void thinking_has_the_rules_of_each_model(void **state)
{
    static const refused cases[] = {
        { WHOLE, THINKING("{\"thinkingLevel\":\"LOW\",\"thinkingBudget\":5}"), "only one of thinking budget and thinking level" },
        { OLD, THINKING("{\"thinkingLevel\":\"LOW\"}"), "Thinking level is not supported for this model." },
        { WHOLE, THINKING("{\"thinkingLevel\":\"MINIMAL\"}"), "Thinking level MINIMAL is not supported for this model. Please retry with other thinking level." },
        { MODEL("gemini-3-pro-image"), THINKING("{\"thinkingLevel\":\"LOW\"}"), "Thinking level LOW is not supported" },
        { MODEL("gemini-2.5-pro"), THINKING("{\"thinkingBudget\":0}"), "Budget 0 is invalid. This model only works in thinking mode." },
        { WHOLE, THINKING("{\"thinkingBudget\":0}"), "Budget 0 is invalid." },
        { OLD, THINKING("{\"thinkingBudget\":30000}"), "The thinking budget 30000 is invalid. Please choose a value between 0 and 24576." },
        { MODEL("gemini-2.5-flash-lite"), THINKING("{\"thinkingBudget\":100}"), "Please choose a value between 512 and 24576." },
        { MODEL("gemini-2.5-pro"), THINKING("{\"thinkingBudget\":-2}"), "The thinking budget -2 is invalid." },
        { MODEL("gemini-3.1-flash-tts-preview"), THINKING("{\"thinkingBudget\":100}"), "thinking is not supported by this model" },
    };

    (void)state;
    CHECK_REFUSED(cases);
}

static void the_rest_of_the_settings_has_its_rules(void **state)
{
    static const refused cases[] = {
        { WHOLE, WITH("{\"candidateCount\":2}"), "Multiple candidates is not enabled for this model" },
        { OLD, WITH("{\"candidateCount\":9}"), "9 is not from 1 to 8" },
        { WHOLE, WITH("{\"maxOutputTokens\":65537}"), "a maxOutputTokens value of 65537 but the supported range is from 1 (inclusive) to 65537 (exclusive)" },
        { WHOLE, WITH("{\"maxOutputTokens\":0}"), "a maxOutputTokens value of 0" },
        { WHOLE, WITH("{\"temperature\":2.5}"), "temperature must be in the range [0.0, 2.0]" },
        { WHOLE, WITH("{\"topP\":-0.1}"), "top_p must be in the range [0.0, 1.0]" },
        { WHOLE, WITH("{\"stopSequences\":[\"a\",\"b\",\"c\",\"d\",\"e\",\"f\"]}"), "at most 5" },
        { WHOLE, WITH("{\"responseMimeType\":\"text/html\"}"), "allowed mimetypes are `text/plain`, `application/json`" },
        { WHOLE, WITH("{\"responseSchema\":{\"type\":\"STRING\"}}"), "response_schema: only allowed when response_mime_type is" },
        { WHOLE, WITH("{\"responseJsonSchema\":{}}"), "response_json_schema: only allowed when" },
        { WHOLE, WITH("{\"responseMimeType\":\"application/json\",\"responseSchema\":{\"type\":\"STRING\"},\"responseJsonSchema\":{}}"), "only one of response_schema and response_json_schema" },
        { WHOLE, WITH("{\"responseMimeType\":\"application/json\",\"responseSchema\":{\"type\":\"ARRAY\"}}"), "* GenerateContentRequest.generation_config.response_schema.items: missing field." },
        { WHOLE, WITH("{\"responseMimeType\":\"application/json\",\"responseSchema\":{\"type\":\"OBJECT\",\"properties\":{\"a\":{\"type\":\"STRING\"}},\"required\":[\"a\",\"b\"]}}"),
          "* GenerateContentRequest.generation_config.response_schema.required[1]: property is not defined" },
    };

    (void)state;
    CHECK_REFUSED(cases);
    text_of(OLD, WITH("{\"candidateCount\":8}"), TEXT_AT);
}

/* One of thousands of bytes would be compared with thousands of places of a text. */
static void a_stop_sequence_has_an_end(void **state)
{
    char body[2048], stop[1026] = { 0 };

    (void)state;
    memset(stop, 'x', sizeof stop - 1);
    snprintf(body, sizeof body, WITH("{\"stopSequences\":[\"%s\"]}"), stop);
    check_refusal(tst_ask(&shared, WHOLE, body), "at most 1024 bytes");
    snprintf(body, sizeof body, WITH("{\"stopSequences\":[\"%s\"]}"), stop + 1);
    text_of(WHOLE, body, TEXT_AT);
}

static void a_prompt_that_is_longer_than_the_window_is_refused(void **state)
{
    const size_t bytes = (131072 + 1) * 4;
    char        *body = malloc(bytes + 64);

    (void)state;
    assert_non_null(body);
    int at = sprintf(body, "{\"contents\":[{\"parts\":[{\"text\":\"");
    memset(body + at, 'x', bytes);
    strcpy(body + at + bytes, "\"}]}]}");
    check_refusal(tst_ask(&shared, MODEL("gemini-3.1-flash-image"), body), "The input token count (131073) exceeds the maximum number of tokens allowed (131072).");
    tst_answer a = tst_ask(&shared, "/v1beta/models/gemini-3.1-flash-image:countTokens", body);
    tst_check_at(&a, "totalTokens", "131073"); /* counting it is no sin */
    tst_forget(&a);
    free(body);
}

/* ---- usage ---- */

static int64_t number_at(const tst_answer *a, const char *path)
{
    char text[64];

    tst_text_at(a, path, text, sizeof text);
    return strtoll(text, NULL, 10);
}

static void check_identity(const tst_answer *a)
{
    assert_int_equal(number_at(a, "usageMetadata.totalTokenCount"),
                     number_at(a, "usageMetadata.promptTokenCount") + number_at(a, "usageMetadata.candidatesTokenCount") +
                         number_at(a, "usageMetadata.thoughtsTokenCount") + number_at(a, "usageMetadata.toolUsePromptTokenCount"));
}

static void the_total_is_the_sum_whatever_came_of_it(void **state)
{
    static const char *const prompts[] = {
        PROMPT("hello"), PROMPT("pollux: image"), PROMPT("pollux: code"), PROMPT("pollux: think 100"), PROMPT("pollux: empty"),
        PROMPT("pollux: finish SAFETY"), PROMPT("pollux: block SAFETY"), PROMPT_WITH("hi", "{\"maxOutputTokens\":5}"),
        "{\"contents\":[{\"parts\":[{\"text\":\"see https://example.com/\"}]}],\"tools\":[{\"urlContext\":{}}]}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof prompts / sizeof prompts[0]; i++) {
        tst_answer a = tst_ask(&shared, WHOLE, prompts[i]);
        tst_check_status(&a, 200);
        check_identity(&a);
        tst_lacks(&a, "TokenCount\": 0");
        tst_forget(&a);
    }
}

static void each_kind_of_input_is_counted_for_itself(void **state)
{
    tst_answer a = tst_ask(&shared, "/v1beta/models/gemini-3.8-flash:countTokens",
                           ONE("{\"text\":\"12345678\"},{\"inlineData\":{\"mimeType\":\"image/png\",\"data\":\"AAAA\"}},"
                               "{\"inlineData\":{\"mimeType\":\"audio/wav\",\"data\":\"AAAA\"}},{\"inlineData\":{\"mimeType\":\"application/pdf\",\"data\":\"AAAA\"}},"
                               "{\"inlineData\":{\"mimeType\":\"video/mp4\",\"data\":\"AAAA\"}},{\"inlineData\":{\"mimeType\":\"text/plain\",\"data\":\"AAAA\"}}"));

    (void)state;
    tst_check_at(&a, "totalTokens", "814");
    tst_check_at(&a, "promptTokensDetails.0.modality", "TEXT");
    tst_check_at(&a, "promptTokensDetails.0.tokenCount", "3");
    tst_check_at(&a, "promptTokensDetails.1.modality", "IMAGE");
    tst_check_at(&a, "promptTokensDetails.1.tokenCount", "258");
    tst_check_at(&a, "promptTokensDetails.2.modality", "VIDEO");
    tst_check_at(&a, "promptTokensDetails.2.tokenCount", "263");
    tst_check_at(&a, "promptTokensDetails.3.modality", "AUDIO");
    tst_check_at(&a, "promptTokensDetails.3.tokenCount", "32");
    tst_check_at(&a, "promptTokensDetails.4.modality", "DOCUMENT");
    tst_check_at(&a, "promptTokensDetails.4.tokenCount", "258");
    tst_forget(&a);
}

static void tokens_are_counted_in_both_forms_but_not_in_both_at_once(void **state)
{
#define COUNT "/v1beta/models/gemini-3.8-flash:countTokens"
    tst_answer a = tst_ask(&shared, COUNT, PROMPT("12345678"));

    (void)state;
    tst_check_at(&a, "totalTokens", "2");
    tst_forget(&a);
    a = tst_ask(&shared, COUNT, "{\"generate_content_request\":{\"model\":\"models/gemini-3.8-flash\",\"contents\":[{\"parts\":[{\"text\":\"12345678\"}]}],"
                                "\"systemInstruction\":{\"parts\":[{\"text\":\"1234\"}]},\"tools\":[{\"functionDeclarations\":[{\"name\":\"abcd\"}]}]}}");
    tst_check_at(&a, "totalTokens", "4");
    tst_forget(&a);
    check_refusal(tst_ask(&shared, COUNT, "{\"contents\":[{\"parts\":[{\"text\":\"a\"}]}],\"generateContentRequest\":{\"contents\":[{\"parts\":[{\"text\":\"a\"}]}]}}"),
                    "only one of contents and generate_content_request");
    check_refusal(tst_ask(&shared, COUNT, "{\"contents\":[{\"parts\":[{\"text\":\"a\"}]}],\"generationConfig\":{}}"), "Unknown name \"generationConfig\": Cannot find field.");
    check_refusal(tst_ask(&shared, COUNT, "{}"), "contents is not specified");
    a = tst_ask(&shared, COUNT, PREFILLED);
    tst_check_status(&a, 200); /* the rules of turns are for answers */
    tst_forget(&a);
}

static void the_tier_of_the_request_is_told_back(void **state)
{
    (void)state;
    assert_string_equal(text_of(WHOLE, "{\"contents\":[{\"parts\":[{\"text\":\"hi\"}]}],\"serviceTier\":\"priority\"}", "usageMetadata.serviceTier"), "priority");
    assert_string_equal(text_of(WHOLE, PROMPT("hi"), "usageMetadata.serviceTier"), "standard");
}

/* ---- thinking ---- */

static int64_t thoughts_of(const char *path, const char *config)
{
    char body[512];

    snprintf(body, sizeof body, "{\"contents\":[{\"parts\":[{\"text\":\"hi\"}]}],\"generationConfig\":{%s}}", config);
    return strtoll(text_of(path, body, "usageMetadata.thoughtsTokenCount"), NULL, 10);
}

#define LEVEL(level) "\"thinkingConfig\":{\"thinkingLevel\":\"" level "\"}"
#define BUDGET(tokens) "\"thinkingConfig\":{\"thinkingBudget\":" tokens "}"

static void thinking_costs_tokens_by_level_and_budget(void **state)
{
    (void)state;
    assert_true(thoughts_of(WHOLE, LEVEL("LOW")) > 0);
    assert_true(thoughts_of(WHOLE, LEVEL("LOW")) < thoughts_of(WHOLE, LEVEL("MEDIUM")));
    assert_true(thoughts_of(WHOLE, LEVEL("MEDIUM")) < thoughts_of(WHOLE, LEVEL("HIGH")));
    assert_int_equal(thoughts_of(WHOLE, LEVEL("MEDIUM")), thoughts_of(WHOLE, ""));
    assert_int_equal(thoughts_of(MODEL("gemini-3.1-pro-preview"), ""), thoughts_of(WHOLE, LEVEL("HIGH")));
    assert_int_equal(thoughts_of(MODEL("gemini-3.6-flash"), LEVEL("MINIMAL")), 0);
    assert_int_equal(thoughts_of(OLD, BUDGET("0")), 0);
    assert_true(thoughts_of(OLD, BUDGET("100")) < thoughts_of(OLD, BUDGET("24576")));
    assert_true(thoughts_of(OLD, BUDGET("10")) <= 10);
    assert_true(thoughts_of(OLD, BUDGET("-1")) > 0);
    assert_int_equal(thoughts_of(MODEL("gemini-2.5-flash-lite"), ""), 0); /* unless it is asked to */
    assert_true(thoughts_of(MODEL("gemini-2.5-flash-lite"), BUDGET("-1")) > 0);
}

static void made_up_thinking_takes_no_word_from_the_answer(void **state)
{
    tst_answer a = tst_ask(&shared, WHOLE, PROMPT_WITH("pollux: say one two three four five", "{\"maxOutputTokens\":7}"));

    (void)state;
    tst_check_at(&a, TEXT_AT, "one two three four five"); /* 6 tokens */
    tst_check_at(&a, "usageMetadata.thoughtsTokenCount", "1");
    tst_forget(&a);
}

static void thinking_that_was_wished_for_eats_the_budget(void **state)
{
    tst_answer a = tst_ask(&shared, WHOLE, PROMPT_WITH("pollux: think 1000", "{\"maxOutputTokens\":50}"));

    (void)state;
    tst_same_body(&a, "{\n  \"candidates\": [\n    {\n      \"content\": {\n        \"role\": \"model\"\n      },\n"
                      "      \"finishReason\": \"MAX_TOKENS\",\n      \"index\": 0\n    }\n  ],\n  \"usageMetadata\": {\n"
                      "    \"promptTokenCount\": 5,\n    \"totalTokenCount\": 55,\n    \"promptTokensDetails\": [\n      {\n"
                      "        \"modality\": \"TEXT\",\n        \"tokenCount\": 5\n      }\n    ],\n    \"thoughtsTokenCount\": 50,\n"
                      "    \"serviceTier\": \"standard\"\n  },\n  \"modelVersion\": \"$\",\n  \"responseId\": \"$\"\n}\n");
    tst_forget(&a);
}

static void thoughts_are_parts_when_they_are_wanted(void **state)
{
    tst_answer a = tst_ask(&shared, WHOLE, THINKING("{\"includeThoughts\":true}"));

    (void)state;
    tst_contains(&a, "\"thought\": true\n          },\n          {\n            \"text\": \"This is");
    tst_contains(&a, "\"thoughtSignature\": \"");
    tst_forget(&a);
    a = tst_ask(&shared, OLD, THINKING("{\"includeThoughts\":true}"));
    tst_contains(&a, "\"thought\": true");
    tst_lacks(&a, "thoughtSignature"); /* that came with the third generation */
    tst_forget(&a);
}

/* ---- words ---- */

static size_t count_words(const char *text)
{
    size_t count = 0;

    for (const char *at = text; *at; at++) count += (unsigned char)*at > ' ' && (at[1] == '\0' || strchr(" \n", at[1]));
    return count;
}

static void an_answer_has_the_length_that_was_asked_for(void **state)
{
    (void)state;
    assert_int_equal(count_words(text_of(WHOLE, PROMPT("Describe a lodge in 150 words"), TEXT_AT)), 150);
    assert_int_equal(count_words(text_of(WHOLE, PROMPT("a 12-word poem"), TEXT_AT)), 12);
    char *text = text_of(WHOLE, PROMPT("List 4 kinds of wood"), TEXT_AT);
    assert_non_null(strstr(text, "\n4. "));
    assert_null(strstr(text, "\n5. "));
    text = text_of(WHOLE, PROMPT("pollux: tokens 5000"), TEXT_AT);
    assert_int_equal(strlen(text), 20000);
    assert_int_equal(strncmp(text, "Paragraph 1. ", 13), 0);
}

static void the_same_seed_gives_the_same_words(void **state)
{
    char first[1 << 16];

    (void)state;
    snprintf(first, sizeof first, "%s", text_of(WHOLE, WITH("{\"seed\":1}"), TEXT_AT));
    assert_string_equal(text_of(WHOLE, WITH("{\"seed\":1}"), TEXT_AT), first);
    assert_string_not_equal(text_of(WHOLE, WITH("{\"seed\":2}"), TEXT_AT), first);
    snprintf(first, sizeof first, "%s", text_of(WHOLE, PROMPT("something else"), TEXT_AT));
    assert_string_equal(text_of(WHOLE, PROMPT("something else"), TEXT_AT), first); /* the prompt is a seed too */
    assert_non_null(strstr(first, "This is pollux, a local emulator")); /* and it stays honest */
}

static void a_program_with_a_seed_repeats_itself_to_the_id(void **state)
{
    char first[2][4096];

    (void)state;
    for (int i = 0; i < 2; i++) {
        tst_pollux p = TST_POLLUX("--instant", "--quiet", "--seed", "7", "--model-version", "exact");
        tst_answer a = tst_ask(&p, WHOLE, PROMPT("Why do beavers build dams?"));
        tst_check_at(&a, "modelVersion", "gemini-3.8-flash");
        snprintf(first[i], sizeof first[i], "%s", a.body);
        tst_forget(&a);
        tst_pollux_stop(&p);
    }
    assert_string_equal(first[0], first[1]);
}

/* ---- wishes ---- */

static void an_end_that_was_wished_for_has_its_observed_body(void **state)
{
    static const struct {
        const char *prompt;
        const char *candidate;
    } cases[] = {
        { PROMPT("pollux: finish SAFETY"), "{\"content\": {},\"finishReason\": \"SAFETY\",\"index\": 0,\"safetyRatings\": [{" },
        { PROMPT("Please. Pollux: Finish recitation."), "{\"finishReason\": \"RECITATION\",\"index\": 0,\"citationMetadata\": {\"citationSources\": [{" },
        { PROMPT("pollux: finish OTHER"), "{\"finishReason\": \"OTHER\",\"index\": 0,\"finishMessage\": \"" },
        { PROMPT("pollux: finish LANGUAGE"), "{\"content\": {\"role\": \"model\"},\"finishReason\": \"LANGUAGE\",\"index\": 0}" },
        { PROMPT("pollux: finish MALFORMED_FUNCTION_CALL"), "{\"finishReason\": \"MALFORMED_FUNCTION_CALL\",\"index\": 0,\"finishMessage\": \"Malformed function call: " },
        { PROMPT("pollux: finish UNEXPECTED_TOOL_CALL"), "{\"finishReason\": \"UNEXPECTED_TOOL_CALL\",\"index\": 0,\"finishMessage\": \"Unexpected tool call: " },
        { PROMPT("pollux: finish NO_IMAGE"), "{\"finishReason\": \"NO_IMAGE\",\"index\": 0,\"finishMessage\"" },
        { PROMPT("pollux: empty"), "{\"content\": {\"parts\": [{\"text\": \"\"}],\"role\": \"model\"},\"finishReason\": \"STOP\",\"index\": 0}" },
        { PROMPT("pollux: block BLOCKLIST"), "data: {\"promptFeedback\": {\"blockReason\": \"BLOCKLIST\"},\"usageMetadata\": {\"promptTokenCount\": 6,\"totalTokenCount\": 6," },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        tst_answer a = tst_ask(&shared, STREAM, cases[i].prompt);
        tst_check_status(&a, 200);
        assert_int_equal(a.chunk_count, 1);
        tst_contains(&a, cases[i].candidate);
        tst_forget(&a);
    }
}

static void an_end_can_come_after_some_text(void **state)
{
    tst_answer a = tst_ask(&shared, WHOLE, PROMPT("pollux: say Half of\\npollux: finish SAFETY after text"));

    (void)state;
    tst_check_at(&a, TEXT_AT, "Half of");
    tst_check_at(&a, "candidates.0.finishReason", "SAFETY");
    tst_check_at(&a, "candidates.0.safetyRatings.0.probability", "HIGH");
    tst_forget(&a);
    a = tst_ask(&shared, WHOLE, PROMPT("pollux: finish MAX_TOKENS\\npollux: say 12345678"));
    tst_check_at(&a, TEXT_AT, "1234");
    tst_check_at(&a, "candidates.0.finishReason", "MAX_TOKENS");
    tst_forget(&a);
}

static void parts_of_every_kind_can_be_had(void **state)
{
    tst_answer a = tst_ask(&shared, STREAM, PROMPT("pollux: code\\npollux: say It is 55.\\npollux: image\\npollux: cite"));

    (void)state;
    tst_contains(&a, "{\"executableCode\": {\"language\": \"PYTHON\",\"code\": \"print(");
    tst_contains(&a, "{\"codeExecutionResult\": {\"outcome\": \"OUTCOME_OK\",\"output\": \"55\\n\"}}");
    tst_contains(&a, "{\"inlineData\": {\"mimeType\": \"image/png\",\"data\": \"iVBORw0KGgo");
    tst_contains(&a, "\"finishReason\": \"STOP\",\"index\": 0,\"citationMetadata\": {\"citationSources\": [{\"startIndex\": 0,\"endIndex\": 20,\"uri\"");
    tst_contains(&a, "\"candidatesTokensDetails\": [{\"modality\": \"TEXT\",");
    tst_forget(&a);
    a = tst_ask(&shared, MODEL("gemini-3.1-flash-image"), PROMPT("A beaver"));
    tst_contains(&a, "\"mimeType\": \"image/png\"");
    tst_forget(&a);
    a = tst_ask(&shared, MODEL("gemini-3.1-flash-image"), PROMPT_WITH("A beaver", "{\"responseModalities\":[\"TEXT\"]}"));
    tst_lacks(&a, "image/png");
    tst_forget(&a);
    a = tst_ask(&shared, MODEL("gemini-3.1-flash-tts-preview"), PROMPT_WITH("Say it", "{\"responseModalities\":[\"AUDIO\"]}"));
    tst_check_at(&a, "candidates.0.content.parts.0.inlineData.mimeType", "audio/L16;codec=pcm;rate=24000");
    tst_forget(&a);
}

static void the_tools_of_the_service_leave_their_traces(void **state)
{
    tst_answer a = tst_ask(&shared, STREAM, "{\"contents\":[{\"parts\":[{\"text\":\"Who won?\"}]}],\"tools\":[{\"googleSearch\":{}}]}");
    const char *grounding;

    (void)state;
    tst_contains(&a, "\"webSearchQueries\": [\"Who won?\"]");
    grounding = strstr(a.body, "groundingMetadata");
    assert_true(grounding > strstr(a.body, "\"finishReason\": \"STOP\"")); /* with the last chunk */
    tst_forget(&a);
    a = tst_ask(&shared, STREAM, "{\"contents\":[{\"parts\":[{\"text\":\"Read https://example.com/a, please.\"}]}],\"tools\":[{\"urlContext\":{}}]}");
    tst_contains(&a, "{\"urlMetadata\": [{\"retrievedUrl\": \"https://example.com/a\",\"urlRetrievalStatus\": \"URL_RETRIEVAL_STATUS_SUCCESS\"}]}");
    assert_true((size_t)(strstr(a.body, "urlContextMetadata") - a.body) < a.chunk_ends[0]); /* with the first */
    tst_contains(&a, "\"toolUsePromptTokenCount\": 200");
    tst_forget(&a);
    a = tst_ask(&shared, WHOLE, "{\"contents\":[{\"parts\":[{\"text\":\"Who won?\"}]}],\"tools\":[{\"googleSearch\":{}}],\"toolConfig\":{\"includeServerSideToolInvocations\":true}}");
    tst_check_at(&a, "candidates.0.content.parts.0.toolCall.toolType", "GOOGLE_SEARCH_WEB");
    tst_check_at(&a, "candidates.0.content.parts.1.toolResponse.id", "search01");
    tst_contains(&a, "\"id\": \"search01\"\n            },\n            \"thoughtSignature\": \"");
    tst_forget(&a);
}

/* ---- long decode ---- */

#define LONG_STREAM EVENTS(LONG)
#define HOP(more) "{\"contents\":[{\"parts\":[{\"text\":\"pollux: think 50\\npollux: tokens 100\"}]}]," more "}"

/* Takes a hop; returns its text, its reason and its token. */
static void take_hop(const char *body, char *text, size_t size, char reason[32], char token[80])
{
    tst_answer   a = tst_ask(&shared, MODEL(LONG), body);
    char         piece[1024];

    tst_check_status(&a, 200);
    check_identity(&a);
    tst_text_at(&a, TEXT_AT, piece, sizeof piece);
    snprintf(text + strlen(text), size - strlen(text), "%s", piece);
    tst_text_at(&a, "candidates.0.finishReason", reason, 32);
    tst_text_at(&a, "candidates.0.continuationToken", token, 80);
    assert_true(number_at(&a, "usageMetadata.totalTokenCount") - number_at(&a, "usageMetadata.promptTokenCount") <= 40);
    tst_forget(&a);
}

static void a_long_answer_goes_on_from_hop_to_hop(void **state)
{
    char text[1024] = "", reason[32], token[80], body[512];
    int  hops = 1;

    (void)state;
    take_hop(HOP("\"model\":\"models/" LONG "\""), text, sizeof text, reason, token);
    assert_string_equal(text, ""); /* all of it was thinking */
    for (; strcmp(reason, "CONTINUATION") == 0; hops++) {
        assert_true(hops < 10);
        snprintf(body, sizeof body, HOP("%s\"continuationToken\":\"%s\"%s"), hops % 2 ? "" : "\"generationConfig\":{", token, hops % 2 ? "" : "}");
        take_hop(body, text, sizeof text, reason, token);
    }
    assert_int_equal(hops, 4); /* 150 tokens */
    assert_string_equal(reason, "STOP");
    assert_string_equal(token, "");
    assert_string_equal(text, text_of(WHOLE, PROMPT("pollux: think 50\\npollux: tokens 100"), TEXT_AT));
}

static void the_limit_of_output_is_on_all_hops_together(void **state)
{
    char text[1024] = "", reason[32], token[80], body[512];

    (void)state;
    snprintf(body, sizeof body, HOP("\"generationConfig\":{\"maxOutputTokens\":60%s%s%s}"), "", "", "");
    check_refusal(tst_ask(&shared, MODEL(LONG), body), "unary request"); /* more than a hop, and no token */
    take_hop(HOP("\"generationConfig\":{\"maxOutputTokens\":40}"), text, sizeof text, reason, token);
    assert_string_equal(reason, "MAX_TOKENS");
    snprintf(body, sizeof body, HOP("\"generationConfig\":{\"maxOutputTokens\":60,\"continuationToken\":\"%s\"}"), token);
    take_hop(body, text, sizeof text, reason, token); /* raised: it goes on */
    assert_string_equal(reason, "MAX_TOKENS");
    assert_int_equal(strlen(text), 10 * 4); /* after 50 tokens of thinking */
    assert_int_equal(strlen(token), 56);
}

static void a_continuation_token_belongs_to_its_prompt_and_comes_back_whole(void **state)
{
    char text[1024] = "", reason[32], token[80], body[512];

    (void)state;
    take_hop(HOP("\"store\":false"), text, sizeof text, reason, token);
    snprintf(body, sizeof body, "{\"contents\":[{\"parts\":[{\"text\":\"something else\"}]}],\"continuationToken\":\"%s\"}", token);
    check_refusal(tst_ask(&shared, MODEL(LONG), body), "The continuation token belongs to another request.");
    check_refusal(tst_ask(&shared, WHOLE, body), "Continuation is not supported for this model.");
    token[20] = token[20] == 'A' ? 'B' : 'A';
    snprintf(body, sizeof body, HOP("\"continuationToken\":\"%s\""), token);
    check_refusal(tst_ask(&shared, MODEL(LONG), body), "The continuation token is not valid.");
    token[20] = token[20] == 'A' ? 'B' : 'A';
    /* Some clients add what came so far as a turn of the model: with a token that is no prefill. */
    take_hop(HOP("\"store\":false"), text, sizeof text, reason, token);
    snprintf(body, sizeof body, "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"pollux: think 50\\npollux: tokens 100\"}]},"
             "{\"role\":\"model\",\"parts\":[{\"text\":\"x\"}]}],\"continuationToken\":\"%s\"}", token);
    take_hop(body, text, sizeof text, reason, token);
    assert_string_equal(reason, "CONTINUATION");
}

static void a_stream_and_googles_own_clients_get_a_whole_hop(void **state)
{
    tst_pollux p = TST_POLLUX("--instant", "--quiet");
    tst_answer a = tst_ask(&p, MODEL(LONG), PROMPT("pollux: tokens 33000"));

    (void)state;
    tst_check_at(&a, "candidates.0.finishReason", "CONTINUATION"); /* after 32,768 */
    tst_forget(&a);
    a = tst_ask_with(&p, MODEL(LONG), KEY "x-goog-api-client: google-genai-sdk/2.32.0 gl-node/v22\r\n", PROMPT("pollux: tokens 33000"));
    tst_check_at(&a, "candidates.0.finishReason", "STOP");
    tst_forget(&a);
    a = tst_ask(&p, MODEL("gemini-3.8-flash"), PROMPT("pollux: tokens 70000"));
    tst_check_at(&a, "candidates.0.finishReason", "MAX_TOKENS"); /* older models just end */
    tst_check_at(&a, "usageMetadata.candidatesTokenCount", "65472");
    tst_forget(&a);
    check_refusal(tst_ask(&p, MODEL(LONG), WITH("{\"maxOutputTokens\":40000}")), "A unary request for this model has a maximum of 32768 output tokens.");
    tst_pollux_stop(&p);
}

/* ---- the list ---- */

static void the_wishes_are_listed_and_the_manual_has_them_all(void **state)
{
    tst_pollux p;
    int        out;
    char       list[8192], manual[1 << 17], form[128];
    FILE      *file = fopen("man/pollux.1", "r");

    (void)state;
    assert_non_null(file);
    manual[fread(manual, 1, sizeof manual - 1, file)] = '\0';
    fclose(file);
    tst_pollux_run(&p, &out, (const char *const[TST_ARGS_MAX]){ "prompts" });
    tst_read_all(out, list, sizeof list);
    assert_int_equal(tst_exit_status(p.pid), 0);
    close(out);
    close(p.errors);
    assert_non_null(strstr(list, "pollux: finish REASON"));
    for (char *line = strtok(list, "\n"); line; line = strtok(NULL, "\n")) {
        if (strncmp(line, "pollux: ", 8) != 0) continue;
        snprintf(form, sizeof form, ".It Li pollux: %.*s", (int)strcspn(line + 8, " "), line + 8);
        if (!strstr(manual, form)) fail_msg("man/pollux.1 has no \"%s\"", form);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_are_taken_in_every_spelling_that_the_service_takes),
        cmocka_unit_test(the_categories_of_palm_are_no_harm_that_is_known),
        cmocka_unit_test(what_does_not_belong_is_named_with_its_path),
        cmocka_unit_test(values_of_the_wrong_kind_are_refused_in_the_words_of_google),
        cmocka_unit_test(contents_must_say_something_and_say_who),
        cmocka_unit_test(newer_models_refuse_a_last_turn_of_their_own),
        cmocka_unit_test(thinking_has_the_rules_of_each_model),
        cmocka_unit_test(the_rest_of_the_settings_has_its_rules),
        cmocka_unit_test(a_stop_sequence_has_an_end),
        cmocka_unit_test(a_prompt_that_is_longer_than_the_window_is_refused),
        cmocka_unit_test(the_total_is_the_sum_whatever_came_of_it),
        cmocka_unit_test(each_kind_of_input_is_counted_for_itself),
        cmocka_unit_test(tokens_are_counted_in_both_forms_but_not_in_both_at_once),
        cmocka_unit_test(the_tier_of_the_request_is_told_back),
        cmocka_unit_test(thinking_costs_tokens_by_level_and_budget),
        cmocka_unit_test(made_up_thinking_takes_no_word_from_the_answer),
        cmocka_unit_test(thinking_that_was_wished_for_eats_the_budget),
        cmocka_unit_test(thoughts_are_parts_when_they_are_wanted),
        cmocka_unit_test(an_answer_has_the_length_that_was_asked_for),
        cmocka_unit_test(the_same_seed_gives_the_same_words),
        cmocka_unit_test(a_program_with_a_seed_repeats_itself_to_the_id),
        cmocka_unit_test(an_end_that_was_wished_for_has_its_observed_body),
        cmocka_unit_test(an_end_can_come_after_some_text),
        cmocka_unit_test(parts_of_every_kind_can_be_had),
        cmocka_unit_test(the_tools_of_the_service_leave_their_traces),
        cmocka_unit_test(a_long_answer_goes_on_from_hop_to_hop),
        cmocka_unit_test(the_limit_of_output_is_on_all_hops_together),
        cmocka_unit_test(a_continuation_token_belongs_to_its_prompt_and_comes_back_whole),
        cmocka_unit_test(a_stream_and_googles_own_clients_get_a_whole_hop),
        cmocka_unit_test(the_wishes_are_listed_and_the_manual_has_them_all),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
