/* test_tools.c -- functions that pollux calls: when, with what, and what it wants back; in both dialects that have them.
 * SPDX-License-Identifier: MIT
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "answers.h"
#include "json.h"

#define OLD "/v1beta/models/gemini-2.5-flash:generateContent"
#define OLD_STREAM "/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse"
#define PARTS "candidates.0.content.parts"

#define WEATHER \
    "{\"name\":\"get_weather\",\"description\":\"Current weather of a place\",\"parameters\":{\"type\":\"OBJECT\",\"properties\":{" \
    "\"location\":{\"type\":\"STRING\"},\"unit\":{\"type\":\"STRING\",\"enum\":[\"celsius\",\"fahrenheit\"]}},\"required\":[\"location\"]}}"
#define FLIGHT \
    "{\"name\":\"bookFlight\",\"parametersJsonSchema\":{\"type\":\"object\",\"properties\":{\"from\":{\"type\":\"string\"},\"to\":{\"type\":\"string\"}," \
    "\"seats\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":9},\"when\":{\"type\":\"string\",\"format\":\"date\"},\"window\":{\"type\":\"boolean\"}}," \
    "\"required\":[\"from\",\"to\",\"seats\",\"when\",\"window\"]}}"
#define TIME \
    "{\"name\":\"get_time\",\"parameters\":{\"type\":\"OBJECT\",\"properties\":{\"city\":{\"type\":\"STRING\"}},\"required\":[\"city\"]}}"
#define COUNTS \
    "{\"name\":\"set_counts\",\"parametersJsonSchema\":{\"type\":\"object\",\"properties\":{\"n\":{\"type\":\"integer\"},\"size\":{\"type\":\"integer\"," \
    "\"enum\":[1,2]}},\"required\":[\"n\",\"size\"]}}"
#define NOOP "{\"name\":\"noop\"}"
#define TOOLS(declarations) ",\"tools\":[{\"functionDeclarations\":[" declarations "]}]"
#define MODE(mode) ",\"toolConfig\":{\"functionCallingConfig\":{\"mode\":\"" mode "\"}}"
#define ASK(text, more) "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"" text "\"}]}]" more "}"

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

/* What is called, as "name args name args": in the order of the parts. */
static const char *calls_of(const char *path, const char *body)
{
    static char  calls[4096];
    tst_answer   a = tst_ask(&shared, path, body);
    cst_json_doc doc;

    tst_check_status(&a, 200);
    cst_json_doc_init(&doc, cst_allocator_default());
    assert_int_equal(cst_json_read(&doc, (castor_str){ a.body, a.len }, NULL, NULL), CASTOR_OK);
    const cst_json *candidate = cst_json_at(cst_json_get(cst_json_root(&doc), "candidates"), 0);
    const cst_json *parts = cst_json_get(cst_json_get(candidate, "content"), "parts");
    calls[0] = '\0';
    for (size_t i = 0; i < cst_json_count(parts); i++) {
        const cst_json   *call = cst_json_get(cst_json_at(parts, i), "functionCall");
        cst_json_iterator each = cst_json_iterate(cst_json_get(call, "args"));
        const cst_json   *value;
        castor_str        key;
        char              scratch[32];
        if (!call) continue;
        snprintf(calls + strlen(calls), sizeof calls - strlen(calls), "%s%.*s(", *calls ? " " : "", CASTOR_ARG(cst_json_string_in(call, "name")));
        for (size_t k = 0; (value = cst_json_next(&each, &key)); k++) {
            castor_str label = cst_json_label(value, scratch);
            if (cst_json_type_of(value) == CST_JSON_BOOL) label = cst_json_is_true(value) ? CASTOR_STR("true") : CASTOR_STR("false");
            snprintf(calls + strlen(calls), sizeof calls - strlen(calls), "%s%.*s=%.*s", k ? "," : "", CASTOR_ARG(key), CASTOR_ARG(label));
        }
        strcat(calls, ")");
    }
    cst_json_doc_free(&doc);
    tst_forget(&a);
    return calls;
}

/* ---- when, and with what ---- */

static void a_prompt_that_asks_for_a_function_gets_a_call(void **state)
{
    static const char *const cases[][2] = {
        { ASK("What is the weather in Paris?", TOOLS(WEATHER)), "get_weather(location=Paris)" },
        { ASK("What is the weather in San Francisco, CA, in celsius?", TOOLS(WEATHER)), "get_weather(location=San Francisco, CA,unit=celsius)" },
        { ASK("Tell me the weather for \\\"the moon\\\"", TOOLS(WEATHER)), "get_weather(location=the moon)" },
        { ASK("Use get_weather with location=Rome", TOOLS(WEATHER)), "get_weather(location=Rome)" },
        { ASK("weather please", TOOLS(WEATHER)), "get_weather(location=example)" },
        { ASK("What is the weather in Paris and London?", TOOLS(WEATHER)), "get_weather(location=Paris) get_weather(location=London)" },
        { ASK("What is the weather in Paris and what time is it in Tokyo?", TOOLS(TIME "," WEATHER)),
          "get_weather(location=Paris) get_time(city=Tokyo)" },
        { ASK("What is the weather in Paris at this time?", TOOLS(TIME "," WEATHER)), "get_weather(location=Paris)" },
        { ASK("Use get_weather for Oslo, and noop", TOOLS(WEATHER "," NOOP)), "get_weather(location=Oslo) noop()" },
        { ASK("Book a flight from Rome to New York for 3 people", TOOLS(WEATHER "," FLIGHT)),
          "bookFlight(from=Rome,to=New York,seats=3,when=2026-01-31,window=true)" },
        { ASK("Book a flight for 12 people", TOOLS(FLIGHT)), "bookFlight(from=example,to=example,seats=1,when=2026-01-31,window=true)" },
        { ASK("Use set_counts with -007 and 5", TOOLS(COUNTS)), "set_counts(n=-7,size=1)" }, /* neither is as it was said */
        { ASK("Why is the sky blue?", TOOLS(WEATHER)), "" },
        { ASK("hello", TOOLS("{\"name\":\"greet\",\"description\":\"Says hello to whoever comes\"}")), "" }, /* there is an answer for it */
        { ASK("pollux: call get_weather {\\\"location\\\": \\\"Ulm\\\", \\\"more\\\": 1}", TOOLS(WEATHER)), "get_weather(location=Ulm,more=1)" },
        { ASK("pollux: call noop, get_weather", TOOLS(WEATHER "," NOOP)), "get_weather(location=example) noop()" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) assert_string_equal(calls_of(WHOLE, cases[i][0]), cases[i][1]);
}

/* Searching a long prompt for each of so many words, or descriptions for each word of it, would take minutes. */
static void huge_declarations_take_no_time(void **state)
{
    enum { COUNT = 100000, LONG = 60000, SECONDS_MAX = 15 };
    char  *body = malloc(COUNT * 16 + 2 * LONG + 1024), *prompt = malloc(LONG + 1);
    time_t began = time(NULL);
    size_t len;

    (void)state;
    assert_true(body && prompt);
    memset(prompt, 'v', LONG);
    prompt[LONG] = '\0';
    len = (size_t)sprintf(body, "{\"contents\":[{\"parts\":[{\"text\":\"call pick %s\"}]}],\"tools\":[{\"functionDeclarations\":[{\"name\":\"pick\","
                                "\"parametersJsonSchema\":{\"type\":\"object\",\"properties\":{\"x\":{\"type\":\"string\",\"enum\":[", prompt);
    for (int i = 0; i < COUNT; i++) len += (size_t)sprintf(body + len, "%s\"v%d\"", i ? "," : "", i);
    sprintf(body + len, "]}}}}]}]}");
    assert_string_equal(calls_of(WHOLE, body), "pick(x=v0)");
    assert_true(time(NULL) - began < SECONDS_MAX);
    free(body);
    free(prompt);
}

static void the_mode_decides_before_the_prompt(void **state)
{
    (void)state;
    assert_string_equal(calls_of(WHOLE, ASK("Why?", TOOLS(NOOP "," WEATHER) MODE("ANY"))), "noop()");
    assert_string_equal(calls_of(WHOLE, ASK("Use get_weather", TOOLS(WEATHER) MODE("NONE"))), "");
    assert_string_equal(calls_of(WHOLE, ASK("Why?", TOOLS(WEATHER) MODE("VALIDATED"))), "");
    assert_string_equal(calls_of(WHOLE, ASK("Use noop", TOOLS(NOOP "," WEATHER) ",\"toolConfig\":{\"functionCallingConfig\":{\"mode\":\"ANY\","
                                                                               "\"allowedFunctionNames\":[\"get_weather\"]}}")), "get_weather(location=example)");
    assert_string_equal(calls_of(WHOLE, ASK("Why?", TOOLS(NOOP) ",\"toolConfig\":{\"functionCallingConfig\":{\"mode\":2}}")), "noop()"); /* ANY by number */
}

/* ---- as each family does ---- */

static void the_third_generation_gives_ids_and_one_signature_and_stops_later(void **state)
{
    tst_answer a = tst_ask(&shared, STREAM, ASK("What is the weather in Paris and London?", TOOLS(WEATHER)));
    const char *first = a.body, *second, *third;

    (void)state;
    assert_int_equal(a.chunk_count, 3);
    second = a.body + a.chunk_ends[0];
    third = a.body + a.chunk_ends[1];
    assert_true(strstr(first, "\"thoughtSignature\": \"") < second);
    assert_non_null(strstr(second, "\"args\": {\"location\": \"London\"},\"id\": \""));
    assert_null(strstr(second, "thoughtSignature"));
    assert_true(strstr(first, "finishReason") > third);
    assert_ptr_equal(strstr(third, "data: {\"candidates\": [{\"content\": {\"parts\": [{\"text\": \"\"}],\"role\": \"model\"},\"finishReason\": \"STOP\""), third);
    tst_forget(&a);
    a = tst_ask(&shared, WHOLE, ASK("What is the weather in Paris and London?", TOOLS(WEATHER)));
    tst_check_at(&a, PARTS ".2", ""); /* two calls and nothing else */
    tst_check_at(&a, "candidates.0.finishReason", "STOP");
    tst_forget(&a);
}

static void the_second_generation_gives_neither_and_stops_with_the_call(void **state)
{
    tst_answer a = tst_ask(&shared, OLD_STREAM, ASK("What is the weather in Paris?", TOOLS(WEATHER)));

    (void)state;
    assert_int_equal(a.chunk_count, 1);
    tst_contains(&a, "{\"functionCall\": {\"name\": \"get_weather\",\"args\": {\"location\": \"Paris\"}}}],\"role\": \"model\"},\"finishReason\": \"STOP\"");
    tst_lacks(&a, "thoughtSignature");
    tst_forget(&a);
}

/* ---- the way back ---- */

#define USER(text) "{\"role\":\"user\",\"parts\":[{\"text\":\"" text "\"}]}"
#define CALL(signature) "{\"functionCall\":{\"id\":\"a1\",\"name\":\"get_weather\",\"args\":{\"location\":\"Paris\"}}" signature "}"
#define SIGNED ",\"thoughtSignature\":\"c2lnbmVk\""
#define SKIPPED ",\"thoughtSignature\":\"skip_thought_signature_validator\""
#define SKIPPED_TOO ",\"thoughtSignature\":\"context_engineering_is_the_way_to_go\""
#define MODEL_TURN(parts) "{\"role\":\"model\",\"parts\":[" parts "]}"
#define RESULT "{\"functionResponse\":{\"id\":\"a1\",\"name\":\"get_weather\",\"response\":{\"celsius\":20}}}"
#define USER_TURN(parts) "{\"role\":\"user\",\"parts\":[" parts "]}"
#define TURNS(contents) "{\"contents\":[" contents "]" TOOLS(WEATHER) "}"

static void results_are_answered_with(void **state)
{
    static const char *const paths[] = { WHOLE, OLD };

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        tst_answer a = tst_ask(&shared, paths[i], TURNS(USER("Weather in Paris?") "," MODEL_TURN(CALL(SIGNED)) "," USER_TURN(RESULT)));
        tst_check_at(&a, PARTS ".0.text", "get_weather gave {\"celsius\":20}.");
        tst_forget(&a);
    }
    tst_answer a = tst_ask(&shared, WHOLE, "{\"contents\":[" USER("Weather in Paris?") "," MODEL_TURN(CALL(SIGNED)) ",{\"role\":\"function\",\"parts\":[" RESULT "]}]"
                           TOOLS(WEATHER) ",\"generationConfig\":{\"responseMimeType\":\"application/json\",\"responseSchema\":{\"type\":\"OBJECT\",\"properties\":{\"ok\":{\"type\":\"BOOLEAN\"}}}}}");
    tst_check_at(&a, PARTS ".0.text", "{\"ok\":true}");
    tst_forget(&a);
}

/* What pollux gave is taken back: a loop of calls runs as with the service. */
static void a_call_comes_back_as_it_was_given(void **state)
{
    char       body[4096], id[64], signature[128];
    tst_answer a = tst_ask(&shared, WHOLE, ASK("Weather in Paris?", TOOLS(WEATHER)));

    (void)state;
    tst_text_at(&a, PARTS ".0.functionCall.id", id, sizeof id);
    tst_text_at(&a, PARTS ".0.thoughtSignature", signature, sizeof signature);
    tst_forget(&a);
#define AGAIN "{\"contents\":[" USER("Weather in Paris?") ",{\"role\":\"model\",\"parts\":[{\"functionCall\":{\"id\":\"%s\",\"name\":\"get_weather\",\"args\":{}}," \
              "\"thoughtSignature\":\"%s\"}]},{\"role\":\"user\",\"parts\":[{\"functionResponse\":{\"id\":\"%s\",\"name\":\"get_weather\",\"response\":{\"output\":\"sun\"}}}]}]}"
    snprintf(body, sizeof body, AGAIN, id, signature, id);
    a = tst_ask(&shared, WHOLE, body);
    tst_check_at(&a, PARTS ".0.text", "get_weather gave {\"output\":\"sun\"}.");
    tst_forget(&a);
    snprintf(body, sizeof body, AGAIN, id, signature, "other");
    tst_check_error(tst_ask(&shared, WHOLE, body), 400, "INVALID_ARGUMENT", "are those of a function call of the preceding turn");
    signature[30] = signature[30] == 'x' ? 'y' : 'x';
    snprintf(body, sizeof body, AGAIN, id, signature, id);
    tst_check_error(tst_ask(&shared, WHOLE, body), 400, "INVALID_ARGUMENT", "Corrupted thought signature.");
}

static void calls_and_results_must_match(void **state)
{
    static const char count[] = "Please ensure that the number of function response parts is equal to the number of function call parts of the function call turn.";
    static const char *const cases[][2] = {
        { TURNS(USER("x") "," MODEL_TURN(CALL(SIGNED) "," CALL("")) "," USER_TURN(RESULT)), count },
        { TURNS(USER("x") "," MODEL_TURN(CALL(SIGNED)) "," USER_TURN(RESULT "," RESULT)), count },
        { TURNS(USER("x") "," MODEL_TURN(CALL(SIGNED)) "," USER("never mind")), count },
        { TURNS(USER("x") "," MODEL_TURN(CALL(SIGNED))), count },
        { TURNS(USER("x") "," USER_TURN(RESULT)), "Please ensure that function response turn comes immediately after a function call turn." },
        { TURNS(USER("x") "," MODEL_TURN("{\"text\":\"y\"}") "," USER_TURN(RESULT)), "comes immediately after a function call turn." },
        { TURNS(MODEL_TURN(CALL(SIGNED)) "," USER_TURN(RESULT)), "Please ensure that function call turn comes immediately after a user turn or after a function response turn." },
        { TURNS(USER_TURN(CALL(SIGNED))), "Please ensure that function call turn comes immediately after" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) tst_check_error(tst_ask(&shared, WHOLE, cases[i][0]), 400, "INVALID_ARGUMENT", cases[i][1]);
}

#define SECOND "{\"functionCall\":{\"id\":\"a2\",\"name\":\"get_weather\",\"args\":{}}}"
#define RESULT_OF(id) "{\"functionResponse\":{" id "\"name\":\"get_weather\",\"response\":{}}}"
#define TWO(results) TURNS(USER("x") "," MODEL_TURN(CALL(SIGNED) "," SECOND) "," USER_TURN(results))

static void each_call_is_answered_once(void **state)
{
    static const char *const good[] = {
        TWO(RESULT_OF("\"id\":\"a1\",") "," RESULT_OF("\"id\":\"a2\",")),
        TWO(RESULT_OF("\"id\":\"a2\",") "," RESULT_OF("\"id\":\"a1\",")),
        TWO(RESULT_OF("") "," RESULT_OF("\"id\":\"a1\",")), /* whichever the first one is about */
        TWO(RESULT_OF("") "," RESULT_OF("")),
    };

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        tst_answer a = tst_ask(&shared, WHOLE, good[i]);
        tst_check_status(&a, 200);
        tst_forget(&a);
    }
    /* Calls that were made at once are not answered one after the other: the second would be a step of its own. */
    tst_check_error(tst_ask(&shared, WHOLE, TURNS(USER("x") "," MODEL_TURN(CALL(SIGNED)) "," USER_TURN(RESULT) ","
                                                  MODEL_TURN(SECOND) "," USER_TURN(RESULT_OF("\"id\":\"a2\",")))),
                    400, "INVALID_ARGUMENT", "position 4.");
    tst_check_error(tst_ask(&shared, WHOLE, TWO(RESULT_OF("\"id\":\"a1\",") "," RESULT_OF("\"id\":\"a1\","))), 400,
                    "INVALID_ARGUMENT", "get_weather\\\" answers a call that is answered already.");
}

static void signatures_are_wanted_back_in_every_step_of_the_turn(void **state)
{
    static const char *const missing[] = {
        TURNS(USER("x") "," MODEL_TURN(CALL("")) "," USER_TURN(RESULT)),
        TURNS(USER("x") "," MODEL_TURN(CALL("") "," CALL(SIGNED)) "," USER_TURN(RESULT "," RESULT)), /* the first has to have it */
        TURNS(USER("x") "," MODEL_TURN(CALL("")) "," USER_TURN(RESULT) "," MODEL_TURN(CALL(SIGNED)) "," USER_TURN(RESULT)),
    };
    static const char *const good[] = {
        TURNS(USER("x") "," MODEL_TURN(CALL(SKIPPED)) "," USER_TURN(RESULT)),
        TURNS(USER("x") "," MODEL_TURN(CALL(SKIPPED_TOO)) "," USER_TURN(RESULT)),
        TURNS(USER("x") "," MODEL_TURN(CALL(SIGNED) "," CALL("")) "," USER_TURN(RESULT "," RESULT)),
        TURNS(USER("x") "," MODEL_TURN(CALL(SIGNED)) "," MODEL_TURN(CALL("")) "," USER_TURN(RESULT) "," USER_TURN(RESULT)),
        TURNS(USER("x") "," MODEL_TURN(CALL("")) "," USER_TURN(RESULT) "," MODEL_TURN("{\"text\":\"y\"}") "," USER("go on")), /* long ago */
    };

    (void)state;
    for (size_t i = 0; i < sizeof missing / sizeof missing[0]; i++) {
        tst_check_error(tst_ask(&shared, WHOLE, missing[i]), 400, "INVALID_ARGUMENT",
                        "Function call is missing a thought_signature in functionCall parts. This is required for tools to work correctly, and "
                        "missing thought_signature may lead to degraded model performance. Additional data, function call "
                        "`default_api:get_weather` , position 2. Please refer to https://ai.google.dev/gemini-api/docs/thought-signatures");
    }
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        tst_answer a = tst_ask(&shared, WHOLE, good[i]);
        tst_check_status(&a, 200);
        tst_forget(&a);
    }
    tst_answer a = tst_ask(&shared, OLD, missing[0]); /* older models know nothing of it */
    tst_check_status(&a, 200);
    tst_forget(&a);
}

/* ---- what cannot be declared ---- */

static void declarations_have_their_rules(void **state)
{
    static const char *const cases[][3] = {
        { WHOLE, ASK("x", TOOLS("{\"name\":\"7up\"}")), "* GenerateContentRequest.tools[0].function_declarations[0].name: Invalid function name." },
        { WHOLE, ASK("x", TOOLS("{\"description\":\"d\"}")), "Invalid function name. Must start with a letter or an underscore." },
        { WHOLE, ASK("x", TOOLS(NOOP "," NOOP)), "Duplicate function declaration found: noop" },
        { WHOLE, ASK("x", TOOLS("{\"name\":\"f\",\"parameters\":{\"type\":\"OBJECT\",\"properties\":{\"a\":{\"type\":\"ARRAY\"}}}}")),
          "* GenerateContentRequest.tools[0].function_declarations[0].parameters.properties[a].items: missing field." },
        { WHOLE, ASK("x", TOOLS("{\"name\":\"f\",\"parameters\":{\"type\":\"OBJECT\"},\"parametersJsonSchema\":{}}")),
          "function_declarations[0].parameters_json_schema: only one of parameters and parameters_json_schema can be" },
        { WHOLE, ASK("x", MODE("ANY")), "Function calling config is set without function_declarations." },
        { WHOLE, ASK("x", TOOLS(NOOP) ",\"toolConfig\":{\"functionCallingConfig\":{\"mode\":\"AUTO\",\"allowedFunctionNames\":[\"noop\"]}}"), "should only be set when function calling mode is ANY" },
        { WHOLE, ASK("x", TOOLS(NOOP) ",\"toolConfig\":{\"functionCallingConfig\":{\"mode\":\"ANY\",\"allowedFunctionNames\":[\"f\"]}}"), "none of them is declared" },
        { WHOLE, ASK("x", ",\"tools\":[{\"functionDeclarations\":[" NOOP "]},{\"googleSearch\":{}}]"),
          "Please enable tool_config.include_server_side_tool_invocations to use Built-in tools with Function calling." },
        { OLD, ASK("x", ",\"tools\":[{\"functionDeclarations\":[" NOOP "],\"codeExecution\":{}}]"), "Built-in tools ({code_execution}) and Function Calling cannot be combined" },
        { OLD, ASK("x", TOOLS(NOOP) ",\"generationConfig\":{\"responseMimeType\":\"application/json\"}"), "Function calling with a response mime type: 'application/json' is unsupported" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) tst_check_error(tst_ask(&shared, cases[i][0], cases[i][1]), 400, "INVALID_ARGUMENT", cases[i][2]);
    tst_answer a = tst_ask(&shared, WHOLE, ASK("x", ",\"tools\":[{\"functionDeclarations\":[" NOOP "]},{\"googleSearch\":{}}],\"toolConfig\":{\"includeServerSideToolInvocations\":true}"));
    tst_check_status(&a, 200);
    tst_forget(&a);
}

/* ---- chat completions ---- */

#define CHAT_TOOLS ",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"get_weather\",\"parameters\":{\"type\":\"object\",\"properties\":{\"location\":{\"type\":\"string\"}},\"required\":[\"location\"]}}}]"
#define CHAT_ASK(more) "{\"model\":\"gemini-3.8-flash\",\"messages\":[{\"role\":\"user\",\"content\":\"Weather in Paris?\"}]" more "}"

static void chat_completions_call_and_take_back_as_well(void **state)
{
    char       body[4096], id[64], signature[128];
    tst_answer a = tst_ask(&shared, CHAT, CHAT_ASK(CHAT_TOOLS));

    (void)state;
    tst_check_at(&a, "choices.0.finish_reason", "tool_calls");
    tst_check_at(&a, "choices.0.message.tool_calls.0.function.name", "get_weather");
    tst_check_at(&a, "choices.0.message.tool_calls.0.function.arguments", "{\"location\":\"Paris\"}");
    tst_check_at(&a, "choices.0.message.tool_calls.0.type", "function");
    tst_text_at(&a, "choices.0.message.tool_calls.0.id", id, sizeof id);
    tst_text_at(&a, "choices.0.message.tool_calls.0.extra_content.google.thought_signature", signature, sizeof signature);
    tst_lacks(&a, "\"content\"");
    tst_forget(&a);
#define BACK "{\"model\":\"gemini-3.8-flash\",\"messages\":[{\"role\":\"user\",\"content\":\"Weather in Paris?\"},{\"role\":\"assistant\",\"content\":null,\"tool_calls\":" \
             "[{%s\"id\":\"%s\",\"type\":\"function\",\"function\":{\"name\":\"get_weather\",\"arguments\":\"{}\"}}]},{\"role\":\"tool\",\"tool_call_id\":\"%s\",\"content\":\"sunny\"}]" CHAT_TOOLS "}"
    char extra[256];
    snprintf(extra, sizeof extra, "\"extra_content\":{\"google\":{\"thought_signature\":\"%s\"}},", signature);
    snprintf(body, sizeof body, BACK, extra, id, id);
    a = tst_ask(&shared, CHAT, body);
    tst_check_at(&a, "choices.0.message.content", "get_weather gave sunny.");
    tst_check_at(&a, "choices.0.finish_reason", "stop");
    tst_forget(&a);
    snprintf(body, sizeof body, BACK, "", id, id);
    a = tst_ask(&shared, CHAT, body);
    tst_check_status(&a, 400);
    tst_contains(&a, "Function call is missing a thought_signature");
    tst_forget(&a);
}

static void chat_completions_stream_a_call_whole(void **state)
{
    tst_answer a = tst_ask(&shared, CHAT, CHAT_ASK(CHAT_TOOLS ",\"stream\":true"));

    (void)state;
    tst_contains(&a, "data: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"tool_calls\":[{\"extra_content\":{\"google\":{\"thought_signature\":\"");
    tst_contains(&a, "\"function\":{\"arguments\":\"{\\\"location\\\":\\\"Paris\\\"}\",\"name\":\"get_weather\"},\"id\":\"function-call-");
    tst_contains(&a, "\"index\":0,\"type\":\"function\"}]}");
    tst_contains(&a, "\"finish_reason\":\"tool_calls\"");
    assert_non_null(strstr(a.body, "\n\ndata: [DONE]\n\n"));
    tst_forget(&a);
}

static void the_tool_choice_is_obeyed(void **state)
{
    static const char *const called[] = {
        CHAT_ASK(CHAT_TOOLS ",\"tool_choice\":\"auto\""), CHAT_ASK(CHAT_TOOLS ",\"tool_choice\":\"required\""),
        CHAT_ASK(CHAT_TOOLS ",\"tool_choice\":{\"type\":\"function\",\"function\":{\"name\":\"get_weather\"}}"),
        "{\"model\":\"gemini-2.5-flash\",\"messages\":[{\"role\":\"user\",\"content\":\"Why?\"}],\"functions\":[{\"name\":\"f\"}],\"function_call\":{\"name\":\"f\"}}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof called / sizeof called[0]; i++) {
        tst_answer a = tst_ask(&shared, CHAT, called[i]);
        tst_check_at(&a, "choices.0.finish_reason", "tool_calls");
        tst_forget(&a);
    }
    tst_answer a = tst_ask(&shared, CHAT, CHAT_ASK(CHAT_TOOLS ",\"tool_choice\":\"none\""));
    tst_check_at(&a, "choices.0.finish_reason", "stop");
    tst_forget(&a);
    a = tst_ask(&shared, CHAT, CHAT_ASK(CHAT_TOOLS ",\"tool_choice\":\"sometimes\""));
    tst_check_status(&a, 400);
    tst_forget(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_prompt_that_asks_for_a_function_gets_a_call),
        cmocka_unit_test(huge_declarations_take_no_time),
        cmocka_unit_test(the_mode_decides_before_the_prompt),
        cmocka_unit_test(the_third_generation_gives_ids_and_one_signature_and_stops_later),
        cmocka_unit_test(the_second_generation_gives_neither_and_stops_with_the_call),
        cmocka_unit_test(results_are_answered_with),
        cmocka_unit_test(a_call_comes_back_as_it_was_given),
        cmocka_unit_test(calls_and_results_must_match),
        cmocka_unit_test(each_call_is_answered_once),
        cmocka_unit_test(signatures_are_wanted_back_in_every_step_of_the_turn),
        cmocka_unit_test(declarations_have_their_rules),
        cmocka_unit_test(chat_completions_call_and_take_back_as_well),
        cmocka_unit_test(chat_completions_stream_a_call_whole),
        cmocka_unit_test(the_tool_choice_is_obeyed),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
