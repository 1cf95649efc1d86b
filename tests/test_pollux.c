/* test_pollux.c -- pollux as a program: started on a free port, spoken to over plain sockets.
 * SPDX-License-Identifier: MIT
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "json.h"
#include "twin.h"

/* ---- the instance that most tests share ---- */

static const char script_text[] =
    "# Cases of the tests\n"
    "## Short\n= Hi <there> \xC3\xA9.\n"
    "## Words\n= one two three four five six seven eight nine ten eleven twelve END thirteen\n"
    "## Thinking\n=~ Hm, let me see what this could be.\n= Dams.\n"
    "## Empty\n=\n"
    "## Raw\n@ status: 503\n@ content-type: text/html\n@ eol: lf\n< <html>\n<. no end\n"
    "## No content\n@ status: 204\n<. dropped\n"
    "## No type\n@ content-type: none\n<. bytes\n"
    "## Nothing at all\n> verdict EMPTY\n"
    "## Waiting\n< data: 1\n~ 30\n< data: 2\n"
    "## Lost\n@ end: lost\n< data: 1\n<\n<. data: half\n"
    "## Lost answer\n@ end: lost\n= A few words\n"
    "## Large\n@ cuts: no\n<* 1000000 0123456789abcdef\\n\n"
    "## Slow\n= one\n~ 400\n= two\n"
    "## Later\n~ 60000\n= one\n"
    "## Endless\n= one\n~ 3600000\n= two\n";

static char script_path[] = "/tmp/pollux-test-XXXXXX";

static void write_file(const char *text)
{
    int fd = open(script_path, O_WRONLY | O_TRUNC);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
}

static tst_pollux shared;

static int set_up(void **state)
{
    (void)state;
    signal(SIGPIPE, SIG_IGN);
    int fd = mkstemp(script_path);
    if (fd < 0) return -1;
    close(fd);
    write_file(script_text);
    shared = TST_POLLUX("--instant", "--quiet", "--grace", "100", "--script", script_path);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    tst_pollux_stop(&shared);
    unlink(script_path);
    return 0;
}

/* ---- shapes ---- */

/* Sixty-four tokens are thoughts, which a model of the third generation has unless told otherwise. */
#define USAGE_SPACED(candidates, total) \
    "\"usageMetadata\": {\"promptTokenCount\": 2,\"candidatesTokenCount\": " candidates ",\"totalTokenCount\": " total "," \
    "\"promptTokensDetails\": [{\"modality\": \"TEXT\",\"tokenCount\": 2}],\"thoughtsTokenCount\": 64,\"serviceTier\": \"standard\"},"
#define NAMES_SPACED "\"modelVersion\": \"pollux-0.1 (emulating gemini-3.8-flash)\",\"responseId\": \"$\"}"

static void a_stream_has_the_bytes_of_google(void **state)
{
    tst_answer a = tst_ask(&shared, STREAM, PROMPT("Short"));

    (void)state;
    assert_int_equal(a.status, 200);
    assert_true(a.is_whole);
    assert_non_null(strstr(a.head, "content-type: text/event-stream\r\n"));
    assert_non_null(strstr(a.head, "content-disposition: attachment\r\n"));
    assert_non_null(strstr(a.head, "vary: Origin, X-Origin, Referer\r\n"));
    assert_non_null(strstr(a.head, "server-timing: gfet4t7; dur="));
    tst_same_body(&a,
                "data: {\"candidates\": [{\"content\": {\"parts\": [{\"text\": \"Hi\"}],\"role\": \"model\"},\"index\": 0}],"
                USAGE_SPACED("1", "67") NAMES_SPACED "\r\n\r\n"
                "data: {\"candidates\": [{\"content\": {\"parts\": [{\"text\": \" \\u003cthere\\u003e \xC3\xA9.\"}],\"role\": \"model\"},"
                "\"index\": 0}]," USAGE_SPACED("4", "70") NAMES_SPACED "\r\n\r\n"
                "data: {\"candidates\": [{\"content\": {\"parts\": [{\"text\": \"\",\"thoughtSignature\": \"$\"}],\"role\": \"model\"},"
                "\"finishReason\": \"STOP\",\"index\": 0}]," USAGE_SPACED("4", "70") NAMES_SPACED "\r\n\r\n");
    tst_forget(&a);
}

static void each_event_is_one_chunk_of_the_transfer(void **state)
{
    tst_answer a = tst_ask(&shared, STREAM, PROMPT("Words"));
    size_t at = 0;

    (void)state;
    assert_true(a.chunk_count > 3);
    for (size_t i = 0; i < a.chunk_count; i++) {
        assert_memory_equal(a.body + at, "data: {", 7);
        at = a.chunk_ends[i];
        assert_memory_equal(a.body + at - 5, "}\r\n\r\n", 5);
    }
    tst_lacks(&a, "[DONE]");
    tst_forget(&a);
}

#define INDENTED(finish, text, signature, tokens, total) \
    "{\n  \"candidates\": [\n    {\n      \"content\": {\n        \"parts\": [\n          {\n" \
    "            \"text\": \"" text "\"" signature "\n          }\n        ],\n        \"role\": \"model\"\n      },\n" finish \
    "      \"index\": 0\n    }\n  ],\n  \"usageMetadata\": {\n    \"promptTokenCount\": 2,\n" \
    "    \"candidatesTokenCount\": " tokens ",\n    \"totalTokenCount\": " total ",\n    \"promptTokensDetails\": [\n      {\n" \
    "        \"modality\": \"TEXT\",\n        \"tokenCount\": 2\n      }\n    ],\n    \"thoughtsTokenCount\": 64,\n    \"serviceTier\": \"standard\"\n  },\n" \
    "  \"modelVersion\": \"pollux-0.1 (emulating gemini-3.8-flash)\",\n  \"responseId\": \"$\"\n}"
#define SIGNED ",\n            \"thoughtSignature\": \"$\""
#define STOPPED "      \"finishReason\": \"STOP\",\n"

static void without_alt_sse_a_stream_is_a_json_array(void **state)
{
    tst_answer a = tst_ask(&shared, ARRAY, PROMPT("Short"));

    (void)state;
    assert_non_null(strstr(a.head, "content-type: application/json; charset=UTF-8\r\n"));
    tst_same_body(&a, "[" INDENTED("", "Hi", "", "1", "67") "\n,\r\n"
                    INDENTED("", " \\u003cthere\\u003e \xC3\xA9.", "", "4", "70") "\n,\r\n" INDENTED(STOPPED, "", SIGNED, "4", "70") "\n]");
    tst_forget(&a);
}

static void a_whole_answer_is_indented_and_ends_with_a_newline(void **state)
{
    tst_answer a = tst_ask(&shared, WHOLE, PROMPT("Short"));

    (void)state;
    assert_non_null(strstr(a.head, "content-type: application/json; charset=UTF-8\r\n"));
    tst_same_body(&a, INDENTED(STOPPED, "Hi \\u003cthere\\u003e \xC3\xA9.", SIGNED, "4", "70") "\n");
    tst_forget(&a);
}

#define CHAT_CHUNK(delta, rest) "data: {\"choices\":[{\"delta\":{\"content\":\"" delta "\",\"role\":\"assistant\"}," rest \
    "\"index\":0}],\"created\":$,\"id\":\"$\",\"model\":\"pollux-0.1 (emulating gemini-3.8-flash)\"," \
    "\"object\":\"chat.completion.chunk\""

static void chat_completions_are_streamed_with_done(void **state)
{
    static const char body[] = "{\"model\":\"models/gemini-3.8-flash\",\"messages\":[{\"role\":\"system\",\"content\":\"x\"},"
                               "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"Short\"}]}],\"stream\":true,"
                               "\"stream_options\":{\"include_usage\":true}}";
    static const char *const paths[] = { CHAT, "/v1/chat/completions", "/chat/completions" };

    (void)state;
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        tst_answer a = tst_ask_with(&shared, paths[i], "Authorization: Bearer test-key\r\n", body);
        assert_non_null(strstr(a.head, "content-type: text/event-stream\r\n"));
        tst_same_body(&a, CHAT_CHUNK("Hi", "") "}\n\n" CHAT_CHUNK(" <there> \xC3\xA9.", "\"finish_reason\":\"stop\",")
                        ",\"usage\":{\"completion_tokens\":4,\"prompt_tokens\":3,\"total_tokens\":71}}\n\ndata: [DONE]\n\n");
        tst_forget(&a);
    }
}

static void a_chat_completion_comes_whole(void **state)
{
    tst_answer a = tst_ask(&shared, CHAT, "{\"model\":\"gemini-3.8-flash\",\"messages\":[{\"role\":\"user\",\"content\":\"Words\"}],\"max_tokens\":2}");

    (void)state;
    assert_non_null(strstr(a.head, "content-type: application/json\r\n"));
    tst_same_body(&a, "{\"choices\":[{\"finish_reason\":\"length\",\"index\":0,\"message\":{\"content\":\"one two \",\"role\":\"assistant\"}}],"
                    "\"created\":$,\"id\":\"$\",\"model\":\"pollux-0.1 (emulating gemini-3.8-flash)\",\"object\":\"chat.completion\","
                    "\"usage\":{\"completion_tokens\":2,\"prompt_tokens\":2,\"total_tokens\":4}}");
    tst_forget(&a);
}

static void the_legacy_method_answers_whole(void **state)
{
    tst_answer a = tst_ask(&shared, MESSAGE, "{\"prompt\":{\"messages\":[{\"content\":\"Short\"}]},\"candidate_count\":1}");

    (void)state;
    tst_same_body(&a, "{\n  \"candidates\": [\n    {\n      \"author\": \"1\",\n      \"content\": \"Hi \\u003cthere\\u003e \xC3\xA9.\"\n"
                    "    }\n  ],\n  \"messages\": [\n    {\n      \"author\": \"0\",\n      \"content\": \"Short\"\n    }\n  ]\n}\n");
    tst_forget(&a);
}

static void the_legacy_method_streams_one_object_a_line(void **state)
{
    tst_answer a = tst_ask(&shared, "/v1beta/models/chat-bison-001:generateMessage",
                   "{\"model\":\"models/chat-bison-001\",\"prompt\":[{\"text\":\"Short\"}],\"stream\":true,\"max_output_tokens\":100}");

    (void)state;
    tst_same_body(&a, "{\"candidates\":[{\"content\":\"Hi\"}],\"done\":false}\n"
                    "{\"candidates\":[{\"content\":\" <there> \xC3\xA9.\"}],\"done\":true}\n");
    tst_forget(&a);
}

static void tokens_can_be_counted_and_models_listed(void **state)
{
    tst_answer  a = tst_ask(&shared, "/v1beta/models/gemini-3.8-flash:countTokens", PROMPT("12345"));
    tst_link l = tst_connect(&shared);

    (void)state;
    tst_contains(&a, "\"totalTokens\": 2");
    tst_forget(&a);
    tst_send_text(&l, "GET /v1beta/models HTTP/1.1\r\nHost: x\r\n" KEY "\r\nGET /v1/models/gemini-2.5-flash HTTP/1.1\r\nHost: x\r\n" KEY "\r\n"
                  "HEAD /pollux/health HTTP/1.1\r\nHost: x\r\n\r\n");
    a = tst_read_answer(&l);
    assert_int_equal(a.status, 200);
    tst_contains(&a, "\"name\": \"models/gemini-3.8-flash\"");
    tst_forget(&a);
    a = tst_read_answer(&l);
    tst_contains(&a, "\"name\": \"models/gemini-2.5-flash\"");
    tst_forget(&a);
    assert_true(tst_read_head(&l, &a));
    assert_int_equal(a.status, 200);
    tst_forget(&a);
    tst_hang_up(&l);
}

/* ---- keys and errors ---- */

static void a_key_is_demanded(void **state)
{
    tst_answer a = tst_ask_with(&shared, STREAM, "", PROMPT("Short"));

    (void)state;
    assert_int_equal(a.status, 403);
    assert_non_null(strstr(a.head, "content-type: application/json; charset=UTF-8\r\n"));
    tst_contains(&a, "\"message\": \"Method doesn't allow unregistered callers");
    tst_contains(&a, "\"status\": \"PERMISSION_DENIED\"");
    tst_forget(&a);
    a = tst_ask_with(&shared, STREAM "&key=", "x-goog-api-key:  \r\n", PROMPT("Short"));
    assert_int_equal(a.status, 403);
    tst_forget(&a);
}

static void a_key_may_come_in_three_ways(void **state)
{
    static const char *const ways[][2] = {
        { WHOLE, KEY }, { WHOLE "?key=test%2Dkey", "" }, { WHOLE, "Authorization: bearer ya29.test\r\n" },
        { WHOLE "?alt=json&key=test-key", "" }, { "//v1alpha/models/gemini-3.8-flash%3AgenerateContent", KEY },
    };

    (void)state;
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        tst_answer a = tst_ask_with(&shared, ways[i][0], ways[i][1], PROMPT("Short"));
        if (a.status != 200) fail_msg("%s: %d", ways[i][0], a.status);
        tst_forget(&a);
    }
}

static void a_bad_key_gets_the_error_of_google(void **state)
{
    tst_answer a = tst_ask_with(&shared, STREAM, "x-goog-api-key: bad-key\r\n", PROMPT("Short"));

    (void)state;
    assert_int_equal(a.status, 400);
    tst_same_body(&a, "{\n  \"error\": {\n    \"code\": 400,\n    \"message\": \"API key not valid. Please pass a valid API key.\",\n"
                    "    \"status\": \"INVALID_ARGUMENT\",\n    \"details\": [\n      {\n"
                    "        \"@type\": \"type.googleapis.com/google.rpc.ErrorInfo\",\n        \"reason\": \"API_KEY_INVALID\",\n"
                    "        \"domain\": \"googleapis.com\",\n        \"metadata\": {\n"
                    "          \"service\": \"generativelanguage.googleapis.com\"\n        }\n      },\n      {\n"
                    "        \"@type\": \"type.googleapis.com/google.rpc.LocalizedMessage\",\n        \"locale\": \"en-US\",\n"
                    "        \"message\": \"API key not valid. Please pass a valid API key.\"\n      }\n    ]\n  }\n}\n");
    tst_forget(&a);
}

static void errors_stand_in_a_list_where_google_lists_them(void **state)
{
    tst_answer a = tst_ask_with(&shared, ARRAY, "", PROMPT("Short"));

    (void)state;
    assert_int_equal(strncmp(a.body, "[{\n  \"error\": {\n", 16), 0);
    assert_string_equal(a.body + a.len - 4, "}\n]\n");
    tst_forget(&a);
    a = tst_ask(&shared, CHAT, "{\"model\":\"gemini-3.8-flash\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"reasoning\":1}");
    assert_int_equal(a.status, 400);
    assert_int_equal(strncmp(a.body, "[{\n", 3), 0);
    tst_contains(&a, "Unknown name \\\"reasoning\\\": Cannot find field.");
    tst_forget(&a);
}

static void what_is_no_json_is_refused_with_what_was_expected(void **state)
{
    static const struct {
        const char *body;
        const char *words;
    } cases[] = {
        { "", "Unexpected end of string. Expected a value.\\n\\n^" },
        { "{", "Unexpected end of string. Expected an object key or }.\\n{\\n ^" },
        { "{\"contents\": [", "Unexpected end of string. Expected a value or ] within an array." },
        { "{\"a\":", "Unexpected end of string. Expected a value." },
        { "{\"a\":{}", "Unexpected end of string. Expected , or } after key:value pair." },
        { "{\"a\":[1", "Unexpected end of string. Expected , or ] after array value." },
        { "{\"a\"", "Unexpected end of string. Expected : between key:value pair." },
        { "{\"a\": \"x", "received. Closing quote expected in string.\\n{\\\"a\\\": \\\"x\\n        ^" },
        { "{5: 1}", "received. Expected an object key or }.\\n{5: 1}\\n ^" },
        { "{\"a\" 1}", "received. Expected : between key:value pair." },
        { "{\"a\": 1 \"b\": 2}", "received. Expected , or } after key:value pair.\\n{\\\"a\\\": 1 \\\"b\\\": 2}\\n        ^" },
        { "{\"a\": [{\"b\": \"]\\\"\"} 2]}", "received. Expected , or ] after array value." },
        { "{\"a\": 1} x", "received. Parsing terminated before end of input." },
        { "{\"a\": nothing}", "received. Unexpected token.\\n{\\\"a\\\": nothing}\\n      ^" },
        { "{\"a\": @}", "received. Expected a value." },
        { "{\"a\": [@]}", "received. Expected a value or ] within an array." },
        { "{\"a\": 1,}", "received. Unexpected token." },
        { "{\"a\": \"\\u12x4\"}", "received. Invalid escape sequence." },
        { "{\"a\": \"\xff\"}", "received. Encountered non UTF-8 code points." },
        { "{\"a\": -}", "received. Unable to parse number." },
        { "{\"a\": 01}", "received. Octal/hex numbers are not valid JSON values." },
        { "{\"a\": 1.x}", "received. Unable to parse number." },
        { "{\"a\": 1.}", "received. Unable to parse number." },
        { "{\"a\": tru", "received. Unexpected end of string. Expected a value." },
        { "nul", "received. Unexpected end of string. Expected a value." },
        { "{\"a\": [2, 1.", "received. Unable to parse number." },
        { "{\"a\": \"01234567890123456789\" \"z\" 01234567890123456789}", "pair.\\n234567890123456789\\\" \\\"z\\\" 0123456789012345\\n                    ^" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        tst_answer a = tst_ask(&shared, WHOLE, cases[i].body);
        assert_int_equal(a.status, 400);
        tst_contains(&a, "\"description\": \"Invalid JSON payload received. ");
        tst_contains(&a, cases[i].words);
        tst_forget(&a);
    }
}

static void bad_requests_are_refused_in_the_words_of_google(void **state)
{
    static const struct {
        const char *path;
        const char *body;
        int         status;
        const char *words;
    } cases[] = {
        { "/v1/nothing", "{}", 404, "The requested URL /v1/nothing was not found on this server." },
        { "/v1beta/models/gemini-3.8-flash:fly", "{}", 404, "The requested URL /v1beta/models/gemini-3.8-flash:fly was" },
        { "/v1beta2/models/gemini-3.8-flash:generateContent", "{}", 404, "was not found on this server" },
        { "/v1/models/other-1:generateContent", PROMPT("Short"), 404,
          "models/other-1 is not found for API version v1, or is not supported for generateContent. Call ModelService.ListModels" },
        { CHAT, "{\"model\":\"other\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}", 404, "models/other is not found" },
        { WHOLE, "", 400, "Invalid JSON payload received. Unexpected end of string." },
        { WHOLE, "{\"contents\":[}", 400, "Invalid JSON payload received. Unexpected token.\\n{\\\"contents\\\":[}\\n             ^" },
        { WHOLE, "{\"contents\":[", 400, "Invalid JSON payload received." },
        { WHOLE, "[]", 400, "Invalid JSON payload received. Unknown name \\\"\\\": Root element must be a message." },
        { WHOLE, "{}", 400, "* GenerateContentRequest.contents: contents is not specified" },
        { WHOLE, "{\"contents\":[{\"role\":\"user\"}]}", 400, "contents.parts must not be empty" },
        { WHOLE, "{\"contents\":\"hi\"}", 400, "Invalid value at 'contents' (type.googleapis.com" },
        { WHOLE, "{\"contents\":[{\"parts\":[{\"text\":\"x\"}]}],\"foo\":1}", 400,
          "\"message\": \"Invalid JSON payload received. Unknown name \\\"foo\\\": Cannot find field.\"" },
        { WHOLE, "{\"contents\":[{\"parts\":[{\"text\":\"x\",\"foo\":1}]}]}", 400, "\"field\": \"contents[0].parts[0]\"" },
        { WHOLE, PROMPT_WITH("x", "{\"thinkingConfig\":{\"depth\":1}}"), 400,
          "Unknown name \\\"depth\\\" at 'generation_config.thinking_config': Cannot find field." },
        { WHOLE, PROMPT_WITH("x", "{\"maxOutputTokens\":\"many\"}"), 400, "Invalid value at 'generation_config.max_output_tokens' (TYPE_INT32)" },
        { WHOLE, PROMPT_WITH("x", "{\"candidateCount\":9}"), 400, "9 is not from 1 to 8" },
        { WHOLE, PROMPT_WITH("x", "{\"stopSequences\":[\"a\",\"b\",\"c\",\"d\",\"e\",\"f\"]}"), 400, "at most 5" },
        { WHOLE, PROMPT_WITH("x", "{\"responseMimeType\":\"text/html\"}"), 400, "allowed mimetypes" },
        { MESSAGE, "{}", 400, "messages is not specified" },
        { CHAT, "{\"model\":\"gemini-3.8-flash\",\"messages\":[]}", 400, "contents is not specified" },
        { WHOLE "?x=%zz", PROMPT("x"), 400, "bad escape" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        tst_answer a = tst_ask(&shared, cases[i].path, cases[i].body);
        if (a.status != cases[i].status) fail_msg("%s %s: %d\n%s", cases[i].path, cases[i].body, a.status, a.body);
        tst_contains(&a, cases[i].words);
        tst_forget(&a);
    }
}

static void several_unknown_fields_are_all_named(void **state)
{
    tst_answer a = tst_ask(&shared, WHOLE, "{\"a\":1,\"contents\":[{\"parts\":[{\"text\":\"x\"}],\"b\":2}]}");

    (void)state;
    tst_contains(&a, "Unknown name \\\"a\\\": Cannot find field.\\nInvalid JSON payload received. Unknown name \\\"b\\\" at 'contents[0]'");
    tst_contains(&a, "\"fieldViolations\": [\n          {\n            \"description\"");
    tst_contains(&a, "\"field\": \"contents[0]\"");
    tst_forget(&a);
}

static void the_wrong_verb_is_refused_with_the_right_one(void **state)
{
    tst_link l = tst_connect(&shared);

    (void)state;
    tst_send_text(&l, "GET " WHOLE " HTTP/1.1\r\nHost: x\r\n" KEY "\r\nPOST /pollux/health HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
    tst_answer a = tst_read_answer(&l);
    assert_int_equal(a.status, 405);
    assert_non_null(strstr(a.head, "allow: POST\r\n"));
    tst_forget(&a);
    a = tst_read_answer(&l);
    assert_int_equal(a.status, 405);
    assert_non_null(strstr(a.head, "allow: GET, HEAD\r\n"));
    tst_forget(&a);
    tst_hang_up(&l);
}

/* ---- what is asked is honoured ---- */

static void snake_case_and_single_objects_are_accepted(void **state)
{
    tst_answer a = tst_ask(&shared, WHOLE, "{\"contents\":{\"role\":\"USER\",\"parts\":{\"text\":\"Words\"}},"
                                   "\"system_instruction\":{\"parts\":{\"text\":\"be brief\"}},"
                                   "\"generation_config\":{\"max_output_tokens\":\"2\"},\"safety_settings\":[]}");

    (void)state;
    assert_int_equal(a.status, 200);
    tst_contains(&a, "\"text\": \"one two \"");
    tst_contains(&a, "\"finishReason\": \"MAX_TOKENS\"");
    tst_contains(&a, "\"promptTokenCount\": 4"); /* the system instruction counts */
    tst_forget(&a);
}

static void the_last_turn_of_the_user_is_the_prompt(void **state)
{
    tst_answer a = tst_ask(&shared, WHOLE, "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"Words\"}]},{\"role\":\"model\",\"parts\":[{\"text\":\"x\"}]},"
                                   "{\"role\":\"user\",\"parts\":[{\"text\":\"Short\"}]}]}");

    (void)state;
    tst_contains(&a, "Hi ");
    tst_forget(&a);
}

static void stop_sequences_end_the_text_and_are_not_in_it(void **state)
{
    tst_answer a = tst_ask(&shared, WHOLE, PROMPT_WITH("Words", "{\"stopSequences\":[\"nowhere\",\" END\",\"twelve END\"]}"));

    (void)state;
    tst_contains(&a, "ten eleven \"");
    tst_contains(&a, "\"finishReason\": \"STOP\"");
    tst_forget(&a);
}

#define STREAM_25 "/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse" /* several candidates, and a budget of 0 */

static const cst_json *first_part(const cst_json *event)
{
    return cst_json_at(cst_json_get(cst_json_get(cst_json_at(cst_json_get(event, "candidates"), 0), "content"), "parts"), 0);
}

/* What a stream gave, event by event. */
typedef struct sums {
    char    text[3][1024]; /* of each candidate; thoughts of all in the last */
    char    finish[2][32];
    size_t  switches;      /* from one candidate to the other */
    size_t  events;
    int64_t total;
} sums;

static int64_t count_in(const cst_json *usage, const char *key)
{
    castor_i64 count = cst_json_integer(cst_json_get(usage, key));

    return count.is_set ? count.value : 0;
}

static void add_event(sums *s, const cst_json *event, int64_t *last_index)
{
    const cst_json *candidate = cst_json_at(cst_json_get(event, "candidates"), 0);
    const cst_json *usage = cst_json_get(event, "usageMetadata");
    int64_t         index = count_in(candidate, "index");
    bool            is_thought = cst_json_is_true(cst_json_get(first_part(event), "thought"));
    castor_str      text = cst_json_string(cst_json_get(first_part(event), "text"));
    castor_str      finish = cst_json_string(cst_json_get(candidate, "finishReason"));
    int64_t         total = count_in(usage, "totalTokenCount");

    assert_true(index < 2);
    char *sum = s->text[is_thought ? 2 : index];
    snprintf(sum + strlen(sum), sizeof s->text[0] - strlen(sum), "%.*s", CASTOR_ARG(text));
    if (finish.data) cst_copy_text(s->finish[index], sizeof s->finish[0], finish);
    if (index != *last_index) s->switches++;
    *last_index = index;
    s->events++;
    assert_int_equal(total, count_in(usage, "promptTokenCount") + count_in(usage, "candidatesTokenCount") + count_in(usage, "thoughtsTokenCount"));
    assert_true(total >= s->total); /* cumulative */
    s->total = total;
}

static sums sum_stream(const tst_answer *a)
{
    static sums  s;
    cst_json_doc doc;
    int64_t      last_index = 0;
    size_t       at = 0;

    s = (sums){ .events = 0 };
    cst_json_doc_init(&doc, cst_allocator_default());
    for (size_t i = 0; i < a->chunk_count; i++) {
        castor_str event = { a->body + at + 6, a->chunk_ends[i] - at - 10 };
        assert_int_equal(cst_json_read(&doc, event, NULL, NULL), CASTOR_OK);
        add_event(&s, cst_json_root(&doc), &last_index);
        at = a->chunk_ends[i];
    }
    cst_json_doc_free(&doc);
    return s;
}

static void candidates_are_mixed_by_index_and_usage_adds_up(void **state)
{
    tst_answer a = tst_ask(&shared, STREAM_25, PROMPT_WITH("Words", "{\"candidateCount\":2,\"maxOutputTokens\":14}"));
    sums   s = sum_stream(&a);

    (void)state;
    assert_string_equal(s.text[0], "one two three four five six seven eight nine ten eleven ");
    assert_string_equal(s.text[1], "(Candidate 2.) one two three four five six seven eight n");
    assert_string_equal(s.finish[0], "MAX_TOKENS");
    assert_string_equal(s.finish[1], "MAX_TOKENS");
    assert_true(s.switches > 3);
    assert_int_equal(s.total, 2 + 14 + 14);
    tst_forget(&a);
}

static void thoughts_come_first_when_asked_for(void **state)
{
    tst_answer a = tst_ask(&shared, STREAM, PROMPT_WITH("Thinking", "{\"thinkingConfig\":{\"includeThoughts\":true}}"));
    sums   s = sum_stream(&a);

    (void)state;
    assert_string_equal(s.text[2], "Hm, let me see what this could be.");
    assert_string_equal(s.text[0], "Dams.");
    assert_int_equal(s.total, 2 + 9 + 2);
    tst_forget(&a);

    a = tst_ask(&shared, STREAM, PROMPT("Thinking"));
    s = sum_stream(&a);
    assert_string_equal(s.text[2], "");
    assert_int_equal(s.total, 2 + 9 + 2); /* hidden, but paid for */
    tst_forget(&a);

    a = tst_ask(&shared, STREAM_25, PROMPT_WITH("Thinking", "{\"thinkingConfig\":{\"includeThoughts\":true,\"thinkingBudget\":0}}"));
    s = sum_stream(&a);
    assert_string_equal(s.text[2], "");
    assert_int_equal(s.total, 2 + 2);
    tst_forget(&a);
}

static void thoughts_can_eat_the_whole_budget(void **state)
{
    tst_answer a = tst_ask(&shared, STREAM, PROMPT_WITH("Thinking", "{\"maxOutputTokens\":5}"));

    (void)state;
    assert_int_equal(a.chunk_count, 1);
    tst_contains(&a, "{\"content\": {\"role\": \"model\"},\"finishReason\": \"MAX_TOKENS\",\"index\": 0}");
    tst_lacks(&a, "candidatesTokenCount");
    tst_contains(&a, "\"thoughtsTokenCount\": 5");
    tst_forget(&a);
}

static void an_empty_answer_has_one_empty_part(void **state)
{
    tst_answer a = tst_ask(&shared, STREAM, PROMPT("Empty"));

    (void)state;
    tst_contains(&a, "\"parts\": [{\"text\": \"\"}],\"role\": \"model\"},\"finishReason\": \"STOP\"");
    tst_forget(&a);
}

static void json_is_made_to_fit_the_schema(void **state)
{
    tst_answer a = tst_ask(&shared, WHOLE, PROMPT_WITH("Short",
        "{\"responseMimeType\":\"application/json\",\"responseSchema\":{\"type\":\"OBJECT\",\"propertyOrdering\":[\"z\",\"a\",\"l\",\"e\",\"o\"],"
        "\"properties\":{\"a\":{\"type\":\"INTEGER\",\"minimum\":5},\"z\":{\"type\":\"STRING\",\"maxLength\":\"2\"},\"e\":{\"type\":\"STRING\",\"enum\":[\"x\",\"y\"]},"
        "\"l\":{\"type\":\"ARRAY\",\"items\":{\"type\":\"BOOLEAN\"},\"minItems\":2},\"o\":{\"anyOf\":[{\"type\":\"NULL\"},{\"type\":\"NUMBER\"}]}}}}"));

    (void)state;
    tst_contains(&a, "\"text\": \"{\\\"z\\\":\\\"an\\\",\\\"a\\\":5,\\\"l\\\":[true,true],\\\"e\\\":\\\"x\\\",\\\"o\\\":null}\"");
    tst_forget(&a);
    a = tst_ask(&shared, WHOLE, PROMPT_WITH("Short", "{\"responseMimeType\":\"application/json\",\"responseJsonSchema\":"
        "{\"type\":\"object\",\"properties\":{\"n\":{\"$ref\":\"#/$defs/node\"}},\"$defs\":{\"node\":{\"type\":[\"null\",\"object\"],"
        "\"properties\":{\"id\":{\"type\":\"integer\"},\"next\":{\"$ref\":\"#/$defs/node\"}}}}}}"));
    assert_int_equal(a.status, 200);
    tst_contains(&a, "{\\\"n\\\":{\\\"id\\\":1,\\\"next\\\":{\\\"id\\\":1,\\\"next\\\":"); /* cycles end */
    tst_forget(&a);
    a = tst_ask(&shared, WHOLE, PROMPT_WITH("Short", "{\"responseMimeType\":\"application/json\"}"));
    tst_contains(&a, "\"text\": \"{\\\"answer\\\":\\\"Hi \\u003cthere\\u003e");
    tst_forget(&a);
    a = tst_ask(&shared, WHOLE, PROMPT_WITH("Short", "{\"responseMimeType\":\"text/x.enum\",\"responseSchema\":{\"type\":\"STRING\",\"enum\":[\"red\",\"blue\"]}}"));
    tst_contains(&a, "\"text\": \"red\"");
    tst_forget(&a);
}

static void a_schema_that_explodes_meets_a_limit(void **state)
{
    char    schema[4096];
    size_t  len = 0;
    char    body[8192];

    (void)state;
    for (int i = 0; i < 20; i++) {
        len += (size_t)snprintf(schema + len, sizeof schema - len, "%s\"d%d\":{\"type\":\"array\",\"minItems\":10,\"items\":{\"$ref\":\"#/$defs/d%d\"}}",
                                i ? "," : "", i, i + 1);
    }
    snprintf(body, sizeof body, PROMPT_WITH("Short", "{\"responseMimeType\":\"application/json\",\"responseJsonSchema\":{\"$ref\":\"#/$defs/d0\",\"$defs\":{%s}}}"), schema);
    tst_answer a = tst_ask(&shared, WHOLE, body);
    assert_int_equal(a.status, 400);
    tst_forget(&a);
}

static void built_in_answers_and_the_fallback_are_there(void **state)
{
    static const char *const prompts[][2] = {
        { PROMPT("Explain the benefits of renewable energy."), "Renewable energy" },
        { PROMPT("Explain photosynthesis"), "chlorophyll" },
        { PROMPT("Explain quantum computing in simple terms"), "qubit" },
        { PROMPT("Write a Python function to reverse a string"), "return text[::-1]" },
        { PROMPT("What are the latest AI trends?"), "Agents" },
        { PROMPT("List the top 5 programming languages"), "Python" },
        { PROMPT("hello"), "I am pollux" },
        { PROMPT("Why do beavers build dams?"), "This is pollux, a local emulator of the Gemini API." },
        { PROMPT("Why do beavers build dams?"), "begins: \\\"Why do beavers build dams?\\\"" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof prompts / sizeof prompts[0]; i++) {
        tst_answer a = tst_ask(&shared, WHOLE, prompts[i][0]);
        assert_int_equal(a.status, 200);
        tst_contains(&a, prompts[i][1]);
        tst_forget(&a);
    }
}

/* ---- HTTP ---- */

static void what_could_be_smuggled_is_refused_and_the_connection_closed(void **state)
{
    static const struct {
        const char *request;
        int         status;
    } cases[] = {
        { "POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nContent-Length: 4\r\n\r\nabcd", 400 },
        { "POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /pollux/health HTTP/1.1\r\nHost: x\r\n\r\n", 400 },
        { "POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", 501 },
        { "POST /x HTTP/1.1\r\nHost: x\r\nX: a\r\n b\r\n\r\n", 400 },
        { "GET /x HTTP/1.1\nHost: x\n\n", 400 },
        { "GET /x HTTP/1.1\r\nHost : x\r\n\r\n", 400 },
        { "GET /x HTTP/1.1\r\n\r\n", 400 },
        { "POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999999\r\n\r\n", 413 },
        { "POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n99999999\r\n", 413 },
        { "GET /x HTTP/3.0\r\nHost: x\r\n\r\n", 505 },
        { "\x16\x03\x01 hello TLS\r\n\r\n", 400 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        tst_link l = tst_connect(&shared);
        tst_send_text(&l, cases[i].request);
        tst_answer a = tst_read_answer(&l);
        if (a.status != cases[i].status) fail_msg("%s: %d", cases[i].request, a.status);
        assert_non_null(strstr(a.head, "connection: close\r\n"));
        assert_true(a.is_whole);
        tst_contains(&a, "\"error\"");
        assert_false(tst_read_more(&l)); /* and nothing of what came behind was answered */
        assert_int_equal(l.error, 0);
        assert_int_equal(l.at, l.len);
        tst_forget(&a);
        tst_hang_up(&l);
    }
}

static void a_huge_head_is_refused(void **state)
{
    tst_link l = tst_connect(&shared);
    char    filler[1024];

    (void)state;
    memset(filler, 'y', sizeof filler);
    tst_send_text(&l, "GET /x HTTP/1.1\r\nHost: x\r\nX: ");
    for (int i = 0; i < 64; i++) tst_send(&l, filler, sizeof filler);
    tst_answer a = tst_read_answer(&l);
    assert_int_equal(a.status, 431);
    tst_forget(&a);
    tst_hang_up(&l);
}

static void pipelined_requests_are_answered_in_order(void **state)
{
    tst_link l = tst_connect(&shared);
    char    all[4096] = "";
    static const char *const bodies[] = { PROMPT("Slow"), PROMPT("Short"), PROMPT("Words") };
    static const char *const words[] = { "two", "Hi", "one" };

    (void)state;
    for (int i = 0; i < 3; i++) {
        size_t len = strlen(all);
        snprintf(all + len, sizeof all - len, "POST %s HTTP/1.1\r\nHost: x\r\n" KEY "Content-Length: %zu\r\n\r\n%s", STREAM,
                 strlen(bodies[i]), bodies[i]);
    }
    tst_send_text(&l, all);
    for (int i = 0; i < 3; i++) {
        tst_answer a = tst_read_answer(&l);
        assert_int_equal(a.status, 200);
        assert_true(a.is_whole);
        tst_contains(&a, words[i]);
        tst_forget(&a);
    }
    tst_hang_up(&l);
}

/* Sends as much of `text`, over and over, as the other side takes; what could not be sent of it is left in `rest`. */
static size_t send_until_stuck(tst_link *l, const char *text, size_t bytes_max, const char **rest)
{
    enum { STUCK_MS = 300 };
    struct pollfd watched = { .fd = l->fd, .events = POLLOUT };
    size_t        sent = 0;

    *rest = text;
    while (sent < bytes_max && poll(&watched, 1, STUCK_MS) == 1) {
        if (!**rest) *rest = text;
        ssize_t count = send(l->fd, *rest, strlen(*rest), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (count > 0) *rest += count;
        if (count > 0) sent += (size_t)count;
        else assert_int_equal(errno, EAGAIN);
    }
    return sent;
}

static void a_client_that_reads_no_answers_is_not_read_on_and_loses_none(void **state)
{
    enum { REQUESTS = 1000, BYTES_MAX = 48 << 20 };
    static const char request[] = "GET /pollux/health HTTP/1.1\r\nHost: x\r\n\r\n";
    const size_t      request_len = sizeof request - 1;
    char             *many = malloc(REQUESTS * request_len + 1);
    const char       *rest;
    tst_link           l = tst_connect(&shared);

    (void)state;
    assert_non_null(many);
    for (size_t i = 0; i < REQUESTS; i++) memcpy(many + i * request_len, request, request_len + 1);
    size_t sent = send_until_stuck(&l, many, BYTES_MAX, &rest);
    if (sent >= BYTES_MAX) fail_msg("%zu bytes of requests were taken, and no answer was read", sent);
    for (size_t i = 0; i < sent / request_len; i++) {
        l.at = tst_find_behind(&l, "\r\n\r\n3\r\nok\n\r\n0\r\n\r\n");
        if (l.at == 0) fail_msg("the connection ended after %zu answers of %zu", i, sent / request_len);
    }
    free(many);
    tst_hang_up(&l);
}

static void a_request_of_very_many_parts_is_read_in_one_go(void **state)
{
    enum { PARTS = 300000, SECONDS_MAX = 20 }; /* by the square of their number it would take minutes */
    static const char part[] = "{\"text\":\"a\"},";
    char             *body = malloc(PARTS * sizeof part + 128);
    time_t            began = time(NULL);

    (void)state;
    assert_non_null(body);
    size_t len = (size_t)sprintf(body, "{\"contents\":[{\"parts\":[");
    for (int i = 0; i < PARTS; i++, len += sizeof part - 1) memcpy(body + len, part, sizeof part);
    strcpy(body + len - 1, "]}]}");
    tst_answer a = tst_ask(&shared, "/v1beta/models/gemini-3.8-flash:countTokens", body);
    assert_int_equal(a.status, 200);
    tst_contains(&a, "\"totalTokens\": 300000");
    assert_true(time(NULL) - began < SECONDS_MAX);
    tst_forget(&a);
    free(body);
}

static void a_status_without_content_has_no_body_at_all(void **state)
{
    tst_link l = tst_connect(&shared);
    tst_answer  a;

    (void)state;
    tst_post(&l, WHOLE, KEY, PROMPT("No content"));
    assert_true(tst_read_head(&l, &a));
    assert_int_equal(a.status, 204);
    assert_null(strstr(a.head, "transfer-encoding"));
    tst_forget(&a);
    tst_post(&l, WHOLE, KEY, PROMPT("Short"));
    a = tst_read_answer(&l); /* its head stands right behind */
    assert_int_equal(a.status, 200);
    tst_forget(&a);
    tst_hang_up(&l);
}

static void a_request_may_come_one_byte_at_a_time(void **state)
{
    static const char request[] = "POST " WHOLE " HTTP/1.1\r\nHost: x\r\n" KEY "Transfer-Encoding: chunked\r\n\r\n"
                                  "1\r\n{\r\n3F;x=y\r\n\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"Short\"}]}]}       \r\n0\r\nT: v\r\n\r\n";
    tst_link l = tst_connect(&shared);

    (void)state;
    for (size_t i = 0; i + 1 < sizeof request; i++) tst_send(&l, request + i, 1);
    tst_answer a = tst_read_answer(&l);
    if (a.status != 200) fail_msg("%s", a.body);
    tst_contains(&a, "Hi ");
    tst_forget(&a);
    tst_hang_up(&l);
}

static void a_connection_is_kept_until_the_client_wants_it_closed(void **state)
{
    tst_link l = tst_connect(&shared);

    (void)state;
    for (int i = 0; i < 5; i++) {
        tst_post(&l, i % 2 ? STREAM : WHOLE, KEY, PROMPT("Short"));
        tst_answer a = tst_read_answer(&l);
        assert_int_equal(a.status, 200);
        assert_null(strstr(a.head, "connection: close"));
        tst_forget(&a);
    }
    tst_post(&l, WHOLE, KEY "Connection: close\r\n", PROMPT("Short"));
    tst_answer a = tst_read_answer(&l);
    assert_true(a.is_whole);
    assert_non_null(strstr(a.head, "connection: close\r\n"));
    tst_forget(&a);
    assert_false(tst_read_more(&l));
    assert_int_equal(l.error, 0);
    tst_hang_up(&l);
}

static void http_1_0_is_told_that_its_connection_is_kept(void **state)
{
    tst_link l = tst_connect(&shared);

    (void)state;
    for (int i = 0; i < 2; i++) {
        tst_send_text(&l, "POST /upload/v1beta/files HTTP/1.0\r\nConnection: keep-alive\r\nx-goog-api-key: k\r\n"
                          "X-Goog-Upload-Protocol: resumable\r\nX-Goog-Upload-Command: start\r\n\r\n");
        tst_answer a = tst_read_answer(&l);
        assert_int_equal(a.status, 200);
        assert_non_null(strstr(a.head, "\r\nconnection: keep-alive\r\n"));
        tst_forget(&a);
    }
    tst_hang_up(&l);
}

static void http_1_0_gets_a_body_that_ends_with_the_connection(void **state)
{
    tst_link l = tst_connect(&shared);

    (void)state;
    tst_send_text(&l, "GET /pollux/health HTTP/1.0\r\n\r\n");
    while (tst_read_more(&l)) continue;
    assert_null(strstr(l.data, "chunked"));
    assert_string_equal(l.data + l.len - 7, "\r\n\r\nok\n");
    tst_hang_up(&l);
}

static void a_client_that_waits_for_100_continue_gets_it(void **state)
{
    tst_link     l = tst_connect(&shared);
    const char *body = PROMPT("Short");
    char        head[512];

    (void)state;
    snprintf(head, sizeof head, "POST %s HTTP/1.1\r\nHost: x\r\n" KEY "Expect: 100-continue\r\nContent-Length: %zu\r\n\r\n", WHOLE, strlen(body));
    tst_send_text(&l, head);
    tst_answer a;
    assert_true(tst_read_head(&l, &a));
    assert_string_equal(a.head, "HTTP/1.1 100 Continue\r\n\r\n");
    tst_forget(&a);
    tst_send_text(&l, body);
    a = tst_read_answer(&l);
    assert_int_equal(a.status, 200);
    tst_forget(&a);
    tst_hang_up(&l);
}

static void a_half_closed_client_still_gets_its_answer(void **state)
{
    tst_link l = tst_connect(&shared);

    (void)state;
    tst_post(&l, STREAM, KEY, PROMPT("Slow"));
    shutdown(l.fd, SHUT_WR);
    tst_answer a = tst_read_answer(&l);
    assert_true(a.is_whole);
    tst_contains(&a, "two");
    tst_forget(&a);
    assert_false(tst_read_more(&l));
    tst_hang_up(&l);
}

static void clients_that_vanish_do_no_harm(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++) {
        tst_link l = tst_connect(&shared);
        tst_post(&l, STREAM, KEY, i % 2 ? PROMPT("Endless") : PROMPT("Large"));
        if (i % 4 < 2) assert_true(tst_find_behind(&l, "\r\n\r\n") > 0);
        tst_hang_up(&l); /* with unread bytes: a reset */
    }
    tst_answer a = tst_ask(&shared, WHOLE, PROMPT("Short"));
    assert_int_equal(a.status, 200);
    tst_forget(&a);
}

static void a_slow_reader_gets_every_byte(void **state)
{
    tst_link l = tst_connect(&shared);
    char    piece[200000];
    size_t  total = 0;
    ssize_t count;

    (void)state;
    tst_post(&l, WHOLE, KEY "Connection: close\r\n", PROMPT("Large"));
    while ((count = recv(l.fd, piece, sizeof piece, 0)) > 0) total += (size_t)count;
    assert_int_equal(count, 0);
    assert_true(total > 17 * (size_t)1000000);
    tst_hang_up(&l);
}

/* ---- scripts ---- */

static void raw_bytes_are_sent_as_they_stand(void **state)
{
    tst_answer a = tst_ask(&shared, STREAM, PROMPT("Raw"));

    (void)state;
    assert_int_equal(a.status, 503);
    assert_non_null(strstr(a.head, "HTTP/1.1 503 Service Unavailable\r\ncontent-type: text/html\r\n"));
    assert_string_equal(a.body, "<html>\nno end");
    tst_forget(&a);
    a = tst_ask(&shared, CHAT, "{\"model\":\"gemini-3.8-flash\",\"messages\":[{\"role\":\"user\",\"content\":\"no type\"}]}");
    assert_null(strstr(a.head, "content-type"));
    assert_string_equal(a.body, "bytes");
    tst_forget(&a);
    a = tst_ask(&shared, STREAM, PROMPT("Nothing at all"));
    assert_int_equal(a.status, 200);
    assert_true(a.is_whole);
    assert_int_equal(a.len, 0);
    tst_forget(&a);
}

static uint64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void a_wait_separates_two_chunks(void **state)
{
    uint64_t start_ms = now_ms();
    tst_answer   a = tst_ask(&shared, STREAM, PROMPT("Waiting"));

    (void)state;
    assert_true(now_ms() - start_ms >= 30);
    assert_int_equal(a.chunk_count, 2);
    assert_string_equal(a.body, "data: 1\r\ndata: 2\r\n");
    tst_forget(&a);
}

static void a_lost_end_resets_the_connection_after_the_bytes(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++) {
        tst_link l = tst_connect(&shared);
        tst_post(&l, STREAM, KEY, i % 2 ? PROMPT("Lost") : PROMPT("Lost answer"));
        tst_answer a = tst_read_answer(&l);
        assert_int_equal(a.status, 200);
        assert_false(a.is_whole);
        if (i % 2) assert_string_equal(a.body, "data: 1\r\n\r\ndata: half");
        else tst_contains(&a, "words");
        assert_int_equal(l.error, ECONNRESET);
        tst_forget(&a);
        tst_hang_up(&l);
    }
}

/* ---- time ---- */

static void the_first_token_waits_for_its_time(void **state)
{
    tst_pollux p = TST_POLLUX("-q", "--ttft", "80-90", "--rate", "0", "--script", script_path);

    (void)state;
    for (int i = 0; i < 3; i++) {
        tst_link  l = tst_connect(&p);
        uint64_t start_ms = now_ms();
        tst_post(&l, i == 0 ? WHOLE : i == 1 ? STREAM : CHAT,
             KEY, i < 2 ? PROMPT("Short") : "{\"model\":\"gemini-3.8-flash\",\"messages\":[{\"role\":\"user\",\"content\":\"Short\"}],\"stream\":true}");
        assert_true(tst_find_behind(&l, "HTTP/1.1 200") > 0);
        assert_true(now_ms() - start_ms >= 80);
        tst_hang_up(&l);
    }
    tst_pollux_stop(&p);
}

static void tokens_come_at_the_given_rate(void **state)
{
    tst_pollux   p = TST_POLLUX("-q", "--ttft", "0", "--rate", "100", "--script", script_path);
    uint64_t start_ms = now_ms();
    tst_answer   a = tst_ask(&p, STREAM, PROMPT("Words")); /* 77 bytes: 19 tokens, all but the first word timed */

    (void)state;
    assert_true(now_ms() - start_ms >= 170);
    assert_true(a.is_whole);
    tst_forget(&a);
    start_ms = now_ms();
    a = tst_ask(&p, WHOLE, PROMPT("Words")); /* whole at the end, not before */
    assert_true(now_ms() - start_ms >= 170);
    tst_forget(&a);
    tst_pollux_stop(&p);
}

#define LATE "Deadline expired before operation could complete."
#define LATE_EVENT "{\"error\": {\"code\": 504,\"message\": \"" LATE "\",\"status\": \"DEADLINE_EXCEEDED\"}}"
#define LATE_LINE "{\"error\":{\"code\":504,\"message\":\"" LATE "\",\"status\":\"DEADLINE_EXCEEDED\"}}"
#define LATE_BODY \
    "{\n  \"error\": {\n    \"code\": 504,\n    \"message\": \"" LATE "\",\n" \
    "    \"status\": \"DEADLINE_EXCEEDED\"\n  }\n}\n"

/* All at once, since each takes the second that its client lets it. */
static void what_takes_longer_than_its_client_lets_it_ends_with_504(void **state)
{
    static const char limit[] = KEY "X-Server-Timeout: 1\r\n";
    static const struct {
        const char *path, *body;
        int         status;
        const char *begin, *end;
    } cases[] = {
        { WHOLE, PROMPT("pollux: tokens 100"), 504, LATE_BODY, "" },
        { STREAM, PROMPT("Later"), 504, LATE_BODY, "" },
        { ARRAY, PROMPT("Later"), 504, "[" LATE_BODY "]\n", "" },
        { STREAM, PROMPT("pollux: tokens 100"), 200, "data: {\"candidates\": [", "data: " LATE_EVENT "\r\n\r\n" },
        { ARRAY, PROMPT("pollux: tokens 100"), 200, "[{\n  \"candidates\": [", "}\n,\r\n" LATE_BODY "]" },
        { CHAT, "{\"model\":\"gemini-3.8-flash\",\"stream\":true,\"messages\":[{\"role\":\"user\","
                "\"content\":\"pollux: tokens 100\"}]}", 200, "data: {\"choices\":[", "data: " LATE_LINE "\n\n" },
        { STREAM, PROMPT("Short"), 200, "data: {", "\r\n\r\n" },
    };
    tst_pollux p = TST_POLLUX("-q", "--ttft", "0", "--rate", "20", "--script", script_path);
    tst_link   links[sizeof cases / sizeof cases[0]];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        links[i] = tst_connect(&p);
        tst_post(&links[i], cases[i].path, limit, cases[i].body);
    }
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        tst_answer a = tst_read_answer(&links[i]);
        size_t     len = strlen(cases[i].end);
        assert_true(a.is_whole);
        assert_int_equal(a.status, cases[i].status);
        assert_int_equal(strncmp(a.body, cases[i].begin, strlen(cases[i].begin)), 0);
        assert_true(a.len >= len);
        assert_string_equal(a.body + a.len - len, cases[i].end);
        assert_int_equal(strstr(a.body, LATE) != NULL, i < 6);
        tst_forget(&a);
        tst_hang_up(&links[i]);
    }
    tst_pollux_stop(&p);
}

/* ---- the program ---- */

static void sigterm_lets_streams_end_and_exits_0(void **state)
{
    tst_pollux  p = TST_POLLUX("-q", "--instant", "--script", script_path);
    tst_link streaming = tst_connect(&p);
    tst_link idle = tst_connect(&p);

    (void)state;
    tst_post(&streaming, STREAM, KEY, PROMPT("Slow"));
    tst_post(&idle, WHOLE, KEY, PROMPT("Short"));
    tst_answer a = tst_read_answer(&idle);
    tst_forget(&a);
    assert_true(tst_find_behind(&streaming, "one") > 0);
    kill(p.pid, SIGTERM);
    assert_false(tst_read_more(&idle)); /* closed at once */
    a = tst_read_answer(&streaming);
    assert_true(a.is_whole);
    tst_contains(&a, "two");
    tst_contains(&a, "\"finishReason\": \"STOP\"");
    assert_false(tst_read_more(&streaming));
    assert_int_equal(tst_exit_status(p.pid), 0);
    close(p.errors);
    tst_forget(&a);
    tst_hang_up(&idle);
    tst_hang_up(&streaming);
}

static void the_grace_time_has_an_end(void **state)
{
    tst_pollux  p = TST_POLLUX("-q", "--instant", "--grace", "50", "--script", script_path);
    tst_link l = tst_connect(&p);

    (void)state;
    tst_post(&l, STREAM, KEY, PROMPT("Endless"));
    assert_true(tst_find_behind(&l, "one") > 0);
    kill(p.pid, SIGINT);
    tst_answer a = tst_read_answer(&l);
    assert_false(a.is_whole);
    assert_int_equal(tst_exit_status(p.pid), 0);
    close(p.errors);
    tst_forget(&a);
    tst_hang_up(&l);
}

static void a_second_signal_ends_it_at_once(void **state)
{
    tst_pollux p = TST_POLLUX("-q", "--instant", "--grace", "3600000", "--script", script_path);
    tst_link   l = tst_connect(&p);

    (void)state;
    tst_post(&l, STREAM, KEY, PROMPT("Endless"));
    assert_true(tst_find_behind(&l, "one") > 0);
    kill(p.pid, SIGTERM);
    kill(p.pid, SIGINT);
    tst_answer a = tst_read_answer(&l);
    assert_false(a.is_whole);
    assert_int_equal(tst_exit_status(p.pid), 0);
    close(p.errors);
    tst_forget(&a);
    tst_hang_up(&l);
}

static void a_client_that_left_does_not_hold_up_the_end(void **state)
{
    tst_pollux  p = TST_POLLUX("-q", "--instant", "--grace", "3600000", "--script", script_path);
    tst_link l = tst_connect(&p);

    (void)state;
    tst_post(&l, STREAM, KEY, PROMPT("Endless"));
    tst_hang_up(&l); /* before its answer begins, or with the answer unread: a reset follows either way */
    tst_answer a = tst_ask(&p, WHOLE, PROMPT("Short"));
    tst_forget(&a);
    tst_pollux_stop(&p);
}

static void the_log_has_a_line_per_request_and_no_key(void **state)
{
    tst_pollux p = TST_POLLUX("--instant");
    char   log[4096];
    tst_answer a = tst_ask_with(&p, WHOLE "?key=test-key", "Authorization: Bearer test-key\r\n" KEY, PROMPT("hello"));

    (void)state;
    kill(p.pid, SIGTERM);
    tst_read_all(p.errors, log, sizeof log);
    assert_int_equal(tst_exit_status(p.pid), 0);
    close(p.errors);
    char expected[256];
    snprintf(expected, sizeof expected, "pollux: POST " WHOLE " 200, %zu bytes\n", a.len);
    assert_string_equal(log, expected);
    tst_forget(&a);
}

static void assert_refused(const char *const *args, int status, const char *words)
{
    tst_pollux p;
    int    out;
    char   errors[2048], output[256];

    tst_pollux_run(&p, &out, args);
    tst_read_all(out, output, sizeof output);
    tst_read_all(p.errors, errors, sizeof errors);
    close(out);
    close(p.errors);
    assert_int_equal(tst_exit_status(p.pid), status);
    assert_string_equal(output, "");
    if (!strstr(errors, words)) fail_msg("no \"%s\" in: %s", words, errors);
}

#define REFUSED(status, words, ...) assert_refused((const char *const[TST_ARGS_MAX]){ __VA_ARGS__ }, status, words)

static void wrong_options_are_explained(void **state)
{
    (void)state;
    REFUSED(2, "There is no option \"--colour\"", "--colour");
    REFUSED(2, "There is no option \"file.md\"", "file.md");
    REFUSED(2, "--port wants a value", "--port");
    REFUSED(2, "--port wants a number", "--port", "eighty");
    REFUSED(2, "--port wants a number", "--port=65536");
    REFUSED(2, "--ttft wants milliseconds", "--ttft", "9-1");
    REFUSED(2, "--rate wants", "--rate", "-1");
    REFUSED(2, "--grace wants", "--grace", "soon");
    REFUSED(2, "--allow-remote", "--host", "0.0.0.0");
    REFUSED(2, "--tls-cert and --tls-key belong together", "--tls-cert", "a.pem");
    REFUSED(2, "--tls-ca-out is for a certificate made here", "--tls-cert", "a", "--tls-key", "b", "--tls-ca-out", "c");
    REFUSED(1, "Cannot read the certificate /nowhere.pem: ", "--tls-cert", "/nowhere.pem", "--tls-key", "b");
    REFUSED(1, "Cannot write /nowhere/ca.pem: ", "--tls-ca-out", "/nowhere/ca.pem");
    REFUSED(2, "Cannot read the script /nowhere.md", "--script", "/nowhere.md");
    REFUSED(2, "--host wants a numeric address", "--host", "localhost");
    REFUSED(2, "--host wants a numeric address", "--host", "127.evil", "--allow-remote");
    REFUSED(1, "Cannot listen on 192.0.2.1 port 0: address not available.\n", "--host", "192.0.2.1", "--port", "0",
            "--allow-remote");
}

static void a_port_in_use_is_explained(void **state)
{
    char port[16];

    (void)state;
    snprintf(port, sizeof port, "%d", shared.port);
    REFUSED(1, "Choose another with --port", "--port", port);
}

static void a_broken_script_is_refused_with_its_line(void **state)
{
    (void)state;
    write_file("# T\n## One\n<data: x\n");
    REFUSED(2, ":3: A line of bytes starts with", "--script", script_path);
    write_file(script_text);
}

static void a_full_disk_is_told(void **state)
{
    static const char *const words[] = { "--help", "--version", "faults", "prompts" };
    char                     command[512];

    (void)state;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        snprintf(command, sizeof command, "\"%s\" %s >/dev/full 2>/dev/null", POLLUX_PATH, words[i]);
        int status = system(command);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 1);
    }
}

static void help_and_version_are_printed(void **state)
{
    tst_pollux p;
    int    out;
    char   text[4096];

    (void)state;
    tst_pollux_run(&p, &out, (const char *const[TST_ARGS_MAX]){ "--help" });
    tst_read_all(out, text, sizeof text);
    assert_non_null(strstr(text, "Usage: pollux"));
    assert_int_equal(tst_exit_status(p.pid), 0);
    close(out);
    close(p.errors);
    tst_pollux_run(&p, &out, (const char *const[TST_ARGS_MAX]){ "-V" });
    tst_read_all(out, text, sizeof text);
    assert_string_equal(text, "pollux " CASTOR_VERSION "\n");
    assert_int_equal(tst_exit_status(p.pid), 0);
    close(out);
    close(p.errors);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stream_has_the_bytes_of_google),
        cmocka_unit_test(each_event_is_one_chunk_of_the_transfer),
        cmocka_unit_test(without_alt_sse_a_stream_is_a_json_array),
        cmocka_unit_test(a_whole_answer_is_indented_and_ends_with_a_newline),
        cmocka_unit_test(chat_completions_are_streamed_with_done),
        cmocka_unit_test(a_chat_completion_comes_whole),
        cmocka_unit_test(the_legacy_method_answers_whole),
        cmocka_unit_test(the_legacy_method_streams_one_object_a_line),
        cmocka_unit_test(tokens_can_be_counted_and_models_listed),
        cmocka_unit_test(a_key_is_demanded),
        cmocka_unit_test(a_key_may_come_in_three_ways),
        cmocka_unit_test(a_bad_key_gets_the_error_of_google),
        cmocka_unit_test(errors_stand_in_a_list_where_google_lists_them),
        cmocka_unit_test(what_is_no_json_is_refused_with_what_was_expected),
        cmocka_unit_test(bad_requests_are_refused_in_the_words_of_google),
        cmocka_unit_test(several_unknown_fields_are_all_named),
        cmocka_unit_test(the_wrong_verb_is_refused_with_the_right_one),
        cmocka_unit_test(snake_case_and_single_objects_are_accepted),
        cmocka_unit_test(the_last_turn_of_the_user_is_the_prompt),
        cmocka_unit_test(stop_sequences_end_the_text_and_are_not_in_it),
        cmocka_unit_test(candidates_are_mixed_by_index_and_usage_adds_up),
        cmocka_unit_test(thoughts_come_first_when_asked_for),
        cmocka_unit_test(thoughts_can_eat_the_whole_budget),
        cmocka_unit_test(an_empty_answer_has_one_empty_part),
        cmocka_unit_test(json_is_made_to_fit_the_schema),
        cmocka_unit_test(a_schema_that_explodes_meets_a_limit),
        cmocka_unit_test(built_in_answers_and_the_fallback_are_there),
        cmocka_unit_test(what_could_be_smuggled_is_refused_and_the_connection_closed),
        cmocka_unit_test(a_huge_head_is_refused),
        cmocka_unit_test(pipelined_requests_are_answered_in_order),
        cmocka_unit_test(a_client_that_reads_no_answers_is_not_read_on_and_loses_none),
        cmocka_unit_test(a_request_of_very_many_parts_is_read_in_one_go),
        cmocka_unit_test(a_status_without_content_has_no_body_at_all),
        cmocka_unit_test(a_request_may_come_one_byte_at_a_time),
        cmocka_unit_test(a_connection_is_kept_until_the_client_wants_it_closed),
        cmocka_unit_test(http_1_0_is_told_that_its_connection_is_kept),
        cmocka_unit_test(http_1_0_gets_a_body_that_ends_with_the_connection),
        cmocka_unit_test(a_client_that_waits_for_100_continue_gets_it),
        cmocka_unit_test(a_half_closed_client_still_gets_its_answer),
        cmocka_unit_test(clients_that_vanish_do_no_harm),
        cmocka_unit_test(a_slow_reader_gets_every_byte),
        cmocka_unit_test(raw_bytes_are_sent_as_they_stand),
        cmocka_unit_test(a_wait_separates_two_chunks),
        cmocka_unit_test(a_lost_end_resets_the_connection_after_the_bytes),
        cmocka_unit_test(the_first_token_waits_for_its_time),
        cmocka_unit_test(tokens_come_at_the_given_rate),
        cmocka_unit_test(what_takes_longer_than_its_client_lets_it_ends_with_504),
        cmocka_unit_test(sigterm_lets_streams_end_and_exits_0),
        cmocka_unit_test(the_grace_time_has_an_end),
        cmocka_unit_test(a_second_signal_ends_it_at_once),
        cmocka_unit_test(a_client_that_left_does_not_hold_up_the_end),
        cmocka_unit_test(the_log_has_a_line_per_request_and_no_key),
        cmocka_unit_test(wrong_options_are_explained),
        cmocka_unit_test(a_port_in_use_is_explained),
        cmocka_unit_test(a_broken_script_is_refused_with_its_line),
        cmocka_unit_test(help_and_version_are_printed),
        cmocka_unit_test(a_full_disk_is_told),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
