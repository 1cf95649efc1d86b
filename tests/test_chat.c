/* test_chat.c -- chat completions and the legacy methods: what they take, refuse and answer.
 * SPDX-License-Identifier: MIT
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "answers.h"

#define ASK(model, text, more) "{\"model\":\"" model "\",\"messages\":[{\"role\":\"user\",\"content\":\"" text "\"}]" more "}"
#define NEW(text, more) ASK("gemini-3.8-flash", text, more)
#define OLD(text, more) ASK("models/gemini-2.5-flash", text, more)
#define PALM(method) "/v1beta2/models/chat-bison-001:" method
#define SAYS(text) "{\"prompt\":{\"messages\":[{\"author\":\"0\",\"content\":\"" text "\"}]}"

static tst_pollux shared;

static int start(void **state)
{
    (void)state;
    signal(SIGPIPE, SIG_IGN);
    shared = TST_POLLUX("--instant", "--quiet");
    return 0;
}

static int stop(void **state)
{
    (void)state;
    tst_pollux_stop(&shared);
    return 0;
}

static void check_at(const char *path, const char *body, const char *at, const char *expected)
{
    tst_answer a = tst_ask(&shared, path, body);

    tst_check_status(&a, 200);
    tst_check_at(&a, at, expected);
    tst_forget(&a);
}

static void check_refused(const char *body, const char *words)
{
    tst_answer a = tst_ask(&shared, CHAT, body);
    char       message[4096];

    tst_check_status(&a, 400);
    tst_text_at(&a, "0.error.message", message, sizeof message); /* in a list of one */
    if (!strstr(message, words)) fail_msg("no \"%s\" in: %s", words, message);
    tst_forget(&a);
}

/* ---- what is taken and refused ---- */

static void messages_of_all_kinds_are_taken(void **state)
{
    static const char *const bodies[] = {
        "{\"model\":\"gemini-3.8-flash\",\"messages\":[{\"role\":\"developer\",\"content\":\"be brief\"},{\"role\":\"user\",\"content\":\"pollux: say ok\",\"name\":\"n\"}],"
        "\"temperature\":0.5,\"top_p\":1,\"presence_penalty\":0,\"frequency_penalty\":0,\"user\":\"u\",\"seed\":1,\"stop\":\"x\",\"service_tier\":\"flex\"}",
        "{\"model\":\"gemini-3.8-flash\",\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"pollux: say ok\"},"
        "{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:image/png;base64,AAAA\"}},{\"type\":\"image_url\",\"image_url\":{\"url\":\"https://example.com/a.png\"}},"
        "{\"type\":\"input_audio\",\"input_audio\":{\"data\":\"AAAA\",\"format\":\"wav\"}}]}]}",
        "{\"model\":\"gemini-2.5-flash\",\"messages\":[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"assistant\",\"content\":\"b\"},{\"role\":\"user\",\"content\":\"pollux: say ok\"}],"
        "\"extra_body\":{\"google\":{\"safety_settings\":[],\"thinking_config\":{\"thinking_budget\":100,\"include_thoughts\":false}}}}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) check_at(CHAT, bodies[i], "choices.0.message.content", "ok");
    tst_answer a = tst_ask(&shared, CHAT, bodies[1]);
    tst_check_at(&a, "usage.prompt_tokens", "552"); /* 4 of text, two images of 258, a second of sound */
    tst_forget(&a);
}

static void what_does_not_belong_is_refused_in_a_list(void **state)
{
    (void)state;
    check_refused(NEW("x", ",\"reasoning\":{}"), "Invalid JSON payload received. Unknown name \"reasoning\": Cannot find field.");
    check_refused(NEW("x", ",\"extra_body\":{\"gogle\":{}}"), "Unknown name \"gogle\" at 'extra_body': Cannot find field.");
    check_refused(NEW("x", ",\"extra_body\":{\"google\":{\"thinking\":1}}"), "Unknown name \"thinking\" at 'extra_body.google'");
    check_refused(NEW("x", ",\"temperature\":\"hot\""), "Invalid value at 'temperature' (TYPE_FLOAT), \"hot\"");
    check_refused("{\"model\":\"gemini-3.8-flash\",\"messages\":[]}", "contents is not specified");
    check_refused("{\"model\":\"gemini-3.8-flash\",\"messages\":[{\"role\":\"system\",\"content\":\"x\"}]}", "contents is not specified");
    check_refused("{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}", "model is not specified");
    check_refused("{\"model\":\"gemini-3.8-flash\",\"messages\":[{\"role\":\"bot\",\"content\":\"x\"}]}", "Please use a valid role");
    check_refused("{\"model\":\"gemini-3.8-flash\",\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"video\"}]}]}", "Invalid content part type: video");
    check_refused("{\"model\":\"gemini-3.8-flash\",\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\",\"image_url\":{}}]}]}", "an image_url without a url");
    check_refused("{\"model\":\"gemini-3.8-flash\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"},{\"role\":\"assistant\",\"content\":\"y\"}]}", "Requests ending with a model turn");
    check_refused("{\"model\":\"gemini-3.8-flash\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"},{\"role\":\"tool\",\"tool_call_id\":\"1\",\"content\":\"y\"}]}", "immediately after a function call turn");
    check_refused(NEW("x", ",\"n\":2"), "Multiple candidates is not enabled for this model");
    check_refused(NEW("x", ",\"stop\":[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\"]"), "at most 5");
    check_refused(NEW("x", ",\"max_tokens\":100000"), "a maxOutputTokens value of 100000");
    check_refused(NEW("x", ",\"temperature\":2.1"), "temperature must be in the range [0.0, 2.0]");
    check_refused(NEW("x", ",\"top_p\":1.1"), "top_p must be in the range [0.0, 1.0]");
    check_refused(NEW("x", ",\"response_format\":{\"type\":\"xml\"}"), "Invalid response_format type: xml");
    check_refused(NEW("x", ",\"tool_choice\":\"sometimes\""), "Invalid tool_choice: sometimes");
    check_refused(NEW("x", ",\"tool_choice\":\"required\""), "config is set without function_declarations.");
}

static void what_is_googles_own_is_looked_at_as_closely(void **state)
{
    (void)state;
    check_refused(NEW("x", ",\"extra_body\":{\"google\":{\"thinking_config\":{\"depth\":1}}}"),
                  "Unknown name \"depth\" at 'extra_body.google.thinking_config': Cannot find field.");
    check_refused(NEW("x", ",\"extra_body\":{\"google\":{\"thinking_config\":{\"thinking_level\":\"deep\"}}}"),
                  "Invalid value at 'extra_body.google.thinking_config.thinking_level' (type.googleapis.com/");
    check_refused(NEW("x", ",\"extra_body\":{\"google\":{\"safety_settings\":[{\"category\":\"RUDE\"}]}}"),
                  "Invalid value at 'extra_body.google.safety_settings[0].category' (type.googleapis.com/");
    check_refused(NEW("x", ",\"extra_body\":{\"google\":{\"safety_settings\":{\"category\":\"HARM_CATEGORY_MEDICAL\"}}}"),
                  "safety_settings[0]: element predicate failed: $.category in (");
}

/* ---- thinking ---- */

static void the_reasoning_effort_means_what_the_model_has(void **state)
{
    (void)state;
    check_refused(NEW("x", ",\"reasoning_effort\":\"none\""), "Reasoning effort none is not supported");
    check_refused(ASK("gemini-2.5-pro", "x", ",\"reasoning_effort\":\"none\""), "Budget 0 is invalid.");
    check_refused(NEW("x", ",\"reasoning_effort\":\"extreme\""), "Invalid reasoning_effort: extreme");
    check_refused(NEW("x", ",\"reasoning_effort\":\"low\",\"extra_body\":{\"google\":{\"thinking_config\":{\"thinking_level\":\"low\"}}}"), "Only one of reasoning_effort");
    check_at(CHAT, OLD("pollux: say ok", ",\"reasoning_effort\":\"none\""), "usage.total_tokens", "5");
    check_at(CHAT, NEW("pollux: say ok", ",\"reasoning_effort\":\"minimal\""), "usage.total_tokens", "29"); /* low is the least it has: 24 */
    check_at(CHAT, NEW("pollux: say ok", ",\"reasoning_effort\":\"high\""), "usage.total_tokens", "197");
    check_at(CHAT, NEW("pollux: say ok", ",\"reasoning_effort\":\"high\""), "usage.completion_tokens", "1"); /* without thoughts */
}

static int64_t thoughts_of(const char *model, const char *effort)
{
    char       body[256], number[32];
    int64_t    thoughts = 0;
    tst_answer a;

    snprintf(body, sizeof body, ASK("%s", "pollux: say ok", ",\"reasoning_effort\":\"%s\""), model, effort);
    a = tst_ask(&shared, CHAT, body);
    tst_check_status(&a, 200);
    tst_text_at(&a, "usage.total_tokens", number, sizeof number);
    thoughts = strtoll(number, NULL, 10);
    tst_text_at(&a, "usage.prompt_tokens", number, sizeof number);
    thoughts -= strtoll(number, NULL, 10);
    tst_text_at(&a, "usage.completion_tokens", number, sizeof number);
    tst_forget(&a);
    return thoughts - strtoll(number, NULL, 10);
}

/* "minimal" is a level of its own, the lowest that there is, or as many tokens as "low". */
static void the_least_effort_is_what_each_family_has(void **state)
{
    static const char *const all[] = { "gemini-3.1-flash-lite", "gemini-3.1-pro-preview", "gemini-2.5-flash" };

    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        assert_true(thoughts_of(all[i], "minimal") <= thoughts_of(all[i], "low"));
        assert_true(thoughts_of(all[i], "low") < thoughts_of(all[i], "medium"));
        assert_true(thoughts_of(all[i], "medium") < thoughts_of(all[i], "high"));
    }
    assert_int_equal(thoughts_of("gemini-3.1-flash-lite", "minimal"), 0);
    assert_true(thoughts_of("gemini-3.1-pro-preview", "minimal") > 0);
    assert_int_equal(thoughts_of("gemini-2.5-flash", "minimal"), thoughts_of("gemini-2.5-flash", "low"));
    check_refused(ASK("gemini-3.1-flash-lite", "x", ",\"reasoning_effort\":\"none\""), "effort none is not supported");
}

static void thoughts_stand_in_tags_when_they_are_wanted(void **state)
{
    tst_answer a = tst_ask(&shared, CHAT, NEW("pollux: say ok", ",\"extra_body\":{\"google\":{\"thinking_config\":{\"include_thoughts\":true}}}"));

    (void)state;
    tst_contains(&a, "{\"content\":\"<thought>**Being honest about thinking**");
    tst_contains(&a, "</thought>ok\",\"role\":\"assistant\"}");
    tst_forget(&a);
    a = tst_ask(&shared, CHAT, NEW("pollux: say ok", ",\"stream\":true,\"extra_body\":{\"google\":{\"thinking_config\":{\"include_thoughts\":true}}}"));
    tst_contains(&a, "data: {\"choices\":[{\"delta\":{\"content\":\"<thought>**Being\",\"extra_content\":{\"google\":{\"thought\":true}},\"role\":\"assistant\"}");
    tst_contains(&a, "{\"delta\":{\"content\":\"</thought>ok\",\"role\":\"assistant\"},\"finish_reason\":\"stop\",\"index\":0}");
    tst_forget(&a);
}

/* ---- ends ---- */

static void ends_have_the_names_that_clients_of_this_surface_see(void **state)
{
    static const char *const cases[][2] = {
        { "pollux: finish SAFETY", "content_filter: SAFETY" }, { "pollux: finish RECITATION", "content_filter: RECITATION" },
        { "pollux: finish MALFORMED_FUNCTION_CALL", "function_call_filter: MALFORMED_FUNCTION_CALL" },
        { "pollux: block PROHIBITED_CONTENT", "content_filter: PROHIBITED_CONTENT" }, { "pollux: finish MAX_TOKENS", "length" }, { "pollux: finish OTHER", "stop" },
    };
    char body[512], expected[128];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        snprintf(body, sizeof body, NEW("%s", "%s"), cases[i][0], "");
        check_at(CHAT, body, "choices.0.finish_reason", cases[i][1]);
        snprintf(body, sizeof body, NEW("%s", "%s"), cases[i][0], ",\"stream\":true");
        snprintf(expected, sizeof expected, "\"finish_reason\":\"%s\"", cases[i][1]);
        tst_answer a = tst_ask(&shared, CHAT, body);
        tst_contains(&a, expected);
        tst_contains(&a, "data: [DONE]\n\n");
        tst_forget(&a);
    }
}

static void several_choices_come_from_models_that_have_them(void **state)
{
    tst_answer a = tst_ask(&shared, CHAT, OLD("pollux: say ok", ",\"n\":3,\"max_completion_tokens\":100,\"max_tokens\":1"));

    (void)state;
    tst_check_at(&a, "choices.2.index", "2");
    tst_check_at(&a, "choices.2.message.content", "(Candidate 3.) ok");
    tst_forget(&a);
}

/* ---- legacy ---- */

static void a_message_may_have_eight_answers_and_repeats_what_was_said(void **state)
{
    tst_answer a = tst_ask(&shared, PALM("generateMessage"),
                           "{\"prompt\":{\"context\":\"Be kind\",\"examples\":[{\"input\":{\"content\":\"hi\"},\"output\":{\"content\":\"hello\"}}],"
                           "\"messages\":[{\"author\":\"a\",\"content\":\"x\"},{\"content\":\"pollux: say ok\"}]},\"temperature\":0.25,\"candidateCount\":8,\"topP\":0.95,\"topK\":40}");

    (void)state;
    tst_check_at(&a, "candidates.0.content", "ok");
    tst_check_at(&a, "candidates.7.content", "(Candidate 8.) ok");
    tst_check_at(&a, "candidates.0.author", "1");
    tst_check_at(&a, "messages.0.author", "a");
    tst_check_at(&a, "messages.1.author", "1");
    tst_check_at(&a, "messages.1.content", "pollux: say ok");
    tst_forget(&a);
    tst_check_error(tst_ask(&shared, PALM("generateMessage"), SAYS("x") ",\"candidateCount\":9}"), 400, "INVALID_ARGUMENT", "9 is not from 1 to 8");
}

static void a_blocked_message_has_filters_and_no_candidates(void **state)
{
    tst_answer a = tst_ask(&shared, PALM("generateMessage"), SAYS("pollux: block SAFETY") "}");

    (void)state;
    tst_check_at(&a, "filters.0.reason", "SAFETY");
    tst_check_at(&a, "messages.0.content", "pollux: block SAFETY");
    tst_lacks(&a, "candidates");
    tst_forget(&a);
    a = tst_ask(&shared, PALM("generateMessage"), SAYS("pollux: block BLOCKLIST") ",\"stream\":true}");
    assert_string_equal(a.body, "{\"filters\":[{\"reason\":\"OTHER\"}],\"done\":true}\n");
    tst_forget(&a);
}

/* Its words do not go out, and there is no finish reason to tell why. */
static void a_message_that_was_held_back_has_filters_as_well(void **state)
{
    tst_answer a = tst_ask(&shared, PALM("generateMessage"), SAYS("Go on. pollux: finish SAFETY after text") "}");

    (void)state;
    tst_check_at(&a, "filters.0.reason", "SAFETY");
    tst_lacks(&a, "candidates");
    tst_forget(&a);
    a = tst_ask(&shared, PALM("generateMessage"), SAYS("pollux: finish RECITATION") ",\"stream\":true}");
    assert_string_equal(a.body, "{\"filters\":[{\"reason\":\"OTHER\"}],\"done\":true}\n");
    tst_forget(&a);
    a = tst_ask(&shared, PALM("generateMessage"), SAYS("pollux: finish MAX_TOKENS") "}");
    tst_contains(&a, "candidates");
    tst_lacks(&a, "filters");
    tst_forget(&a);
}

static void citations_stand_with_their_candidate(void **state)
{
    tst_answer a = tst_ask(&shared, PALM("generateMessage"), SAYS("pollux: cite") "}");

    (void)state;
    tst_contains(&a, "\"citationMetadata\": {\n        \"citationSources\": [");
    tst_forget(&a);
}

static void legacy_requests_are_looked_at_inside_as_well(void **state)
{
    static const char *const cases[][2] = {
        { SAYS("x") ",\"temperature\":1.5}",
          "* GenerateMessageRequest.temperature: temperature must be in the range [0.0, 1.0]." },
        { SAYS("x") ",\"top_p\":-1}", "* GenerateMessageRequest.top_p: top_p must be in the range" },
        { "{\"prompt\":{\"messages\":[{\"content\":\"x\",\"role\":\"user\"}]}}",
          "role\\\" at 'prompt.messages[0]': Cannot find field." },
        { "{\"prompt\":{\"messages\":[{\"content\":\"x\"}],\"system\":\"y\"}}", "system\\\" at 'prompt':" },
        { "{\"prompt\":[{\"text\":\"x\"},{\"words\":\"y\"}]}", "words\\\" at 'prompt[1]': Cannot find field." },
        { "{\"prompt\":{\"messages\":[{\"content\":5}]}}",
          "Invalid value at 'prompt.messages[0].content' (TYPE_STRING), 5" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        tst_check_error(tst_ask(&shared, PALM("generateMessage"), cases[i][0]), 400, "INVALID_ARGUMENT", cases[i][1]);
    }
    tst_check_error(tst_ask(&shared, "/v1beta2/models/text-bison-001:generateText",
                            "{\"prompt\":{\"text\":\"x\"},\"safetySettings\":[{\"category\":\"RUDE\"}]}"), 400,
                    "INVALID_ARGUMENT", "Invalid value at 'safety_settings[0].category' (");
}

static void legacy_tokens_are_counted(void **state)
{
    (void)state;
    check_at(PALM("countMessageTokens"), "{\"prompt\":{\"context\":\"1234\",\"messages\":[{\"content\":\"12345\"}]}}", "tokenCount", "3");
    check_at("/v1beta3/models/text-bison-001:countTextTokens", "{\"prompt\":{\"text\":\"12345678\"}}", "tokenCount", "2");
}

static void text_is_generated_as_it_was(void **state)
{
    static const char path[] = "/v1beta2/models/text-bison-001:generateText";
    tst_answer        a = tst_ask(&shared, path, "{\"prompt\":{\"text\":\"pollux: say one two END three\"},\"temperature\":0.7,\"candidateCount\":2,\"stopSequences\":[\" END\"],"
                                                 "\"safetySettings\":[{\"category\":\"HARM_CATEGORY_TOXICITY\",\"threshold\":\"BLOCK_ONLY_HIGH\"}]}");

    (void)state;
    tst_check_at(&a, "candidates.0.output", "one two");
    tst_check_at(&a, "candidates.1.output", "(Candidate 2.) one two");
    tst_check_at(&a, "candidates.0.safetyRatings.0.category", "HARM_CATEGORY_TOXICITY");
    tst_forget(&a);
    a = tst_ask(&shared, path, "{\"prompt\":{\"text\":\"pollux: tokens 1000\"}}");
    char output[4096];
    tst_text_at(&a, "candidates.0.output", output, sizeof output);
    assert_int_equal(strlen(output), 64 * 4); /* unless it is told otherwise */
    tst_forget(&a);
    a = tst_ask(&shared, path, "{\"prompt\":{\"text\":\"pollux: block SAFETY\"}}");
    tst_check_at(&a, "filters.0.reason", "SAFETY");
    tst_forget(&a);
    tst_check_error(tst_ask(&shared, path, "{\"prompt\":{}}"), 400, "INVALID_ARGUMENT", "text is not specified");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_of_all_kinds_are_taken),
        cmocka_unit_test(what_does_not_belong_is_refused_in_a_list),
        cmocka_unit_test(what_is_googles_own_is_looked_at_as_closely),
        cmocka_unit_test(the_reasoning_effort_means_what_the_model_has),
        cmocka_unit_test(the_least_effort_is_what_each_family_has),
        cmocka_unit_test(thoughts_stand_in_tags_when_they_are_wanted),
        cmocka_unit_test(ends_have_the_names_that_clients_of_this_surface_see),
        cmocka_unit_test(several_choices_come_from_models_that_have_them),
        cmocka_unit_test(a_message_may_have_eight_answers_and_repeats_what_was_said),
        cmocka_unit_test(a_blocked_message_has_filters_and_no_candidates),
        cmocka_unit_test(a_message_that_was_held_back_has_filters_as_well),
        cmocka_unit_test(citations_stand_with_their_candidate),
        cmocka_unit_test(legacy_requests_are_looked_at_inside_as_well),
        cmocka_unit_test(legacy_tokens_are_counted),
        cmocka_unit_test(text_is_generated_as_it_was),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
