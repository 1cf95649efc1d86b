/* test_upstream.c -- a chat completions server behind pollux: what it is asked, and what becomes of what it says.
 * SPDX-License-Identifier: MIT
 *
 * The upstream is played by the test itself, over a socket, step by step: so each test says when which byte comes. At
 * the end a second pollux is the upstream.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "json.h"
#include "twin.h"
#include "upstream/events.h"

#define EVENTS_HEAD "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
#define DELTA(members) "data: {\"model\":\"tiny\",\"choices\":[{\"index\":0,\"delta\":{" members "}}]}\n\n"
#define SAY(text) DELTA("\"content\":\"" text "\"")
#define END(reason) "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"" reason "\"}]}\n\n"
#define DONE "data: [DONE]\n\n"
#define HELLO PROMPT("Hello?")

/* ---- the upstream ---- */

typedef struct fake {
    int          listener;
    int          port;
    tst_pollux   p;     /* who asks */
    tst_link     link;  /* the connection that asks ... */
    char        *heard; /* ... its request ... */
    const char  *body;  /* ... and the request's body */
} fake;

static void listen_on_any_port(fake *f)
{
    struct sockaddr_in address = { .sin_family = AF_INET };
    struct timeval     patience = { TST_PATIENCE_S, 0 };
    socklen_t          len = sizeof address;

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    f->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(f->listener >= 0);
    setsockopt(f->listener, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    assert_int_equal(bind(f->listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(f->listener, 64), 0);
    assert_int_equal(getsockname(f->listener, (struct sockaddr *)&address, &len), 0);
    f->port = ntohs(address.sin_port);
}

/* A fake, and a pollux that has it as its upstream. */
static fake start(const char *option, const char *value)
{
    fake f = { .link = { .fd = -1 } };
    char url[64];

    listen_on_any_port(&f);
    snprintf(url, sizeof url, "http://127.0.0.1:%d/v1", f.port);
    f.p = TST_POLLUX("--quiet", "--instant", "--upstream", url, option, value);
    return f;
}

static void hang_up(fake *f)
{
    if (f->link.fd >= 0) tst_hang_up(&f->link);
}

static void stop(fake *f)
{
    hang_up(f);
    free(f->heard);
    close(f->listener);
    tst_pollux_stop(&f->p);
}

/* Takes the next request of pollux's. */
static void hear(fake *f)
{
    struct timeval patience = { TST_PATIENCE_S, 0 };

    hang_up(f);
    f->link = (tst_link){ .fd = accept(f->listener, NULL, NULL) };
    assert_true(f->link.fd >= 0);
    setsockopt(f->link.fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    size_t head = tst_find_behind(&f->link, "\r\n\r\n");
    assert_int_not_equal(head, 0);
    const char *length = strstr(f->link.data, "Content-Length: ");
    assert_non_null(length);
    size_t len = strtoul(length + 16, NULL, 10);
    while (f->link.len < head + len) assert_true(tst_read_more(&f->link));
    free(f->heard);
    f->heard = strdup(f->link.data);
    assert_non_null(f->heard);
    f->body = f->heard + head;
}

static void say(fake *f, const char *text) { tst_send_text(&f->link, text); }

/* What pollux asks when it is asked this. */
static void ask(fake *f, tst_link *client, const char *path, const char *body)
{
    *client = tst_connect(&f->p);
    tst_post(client, path, KEY, body);
    hear(f);
}

/* Asks, is answered, and gives what became of the answer. */
static tst_answer ask_and_say(fake *f, const char *path, const char *body, const char *answer)
{
    tst_link client;

    ask(f, &client, path, body);
    say(f, answer);
    hang_up(f);
    tst_answer a = tst_read_answer(&client);
    tst_hang_up(&client);
    return a;
}

static void assert_heard(const fake *f, const char *text)
{
    if (!strstr(f->body, text)) fail_msg("no %s in:\n%s", text, f->body);
}

static void assert_not_heard(const fake *f, const char *text)
{
    if (strstr(f->heard, text)) fail_msg("%s in:\n%s", text, f->heard);
}

/* ---- answers ---- */

static void words_reach_the_client_as_they_come(void **state)
{
    fake       f = start(NULL, NULL);
    tst_link   client;
    tst_answer a;

    (void)state;
    ask(&f, &client, STREAM, HELLO);
    say(&f, EVENTS_HEAD SAY("One, "));
    assert_true(tst_read_head(&client, &a));
    assert_int_equal(a.status, 200);
    assert_true(tst_read_chunk(&client, &a)); /* nothing more was said so far */
    tst_contains(&a, "data: {\"candidates\": [{\"content\": {\"parts\": [{\"text\": \"One, \"}]");
    tst_contains(&a, "\"modelVersion\": \"tiny\"");
    say(&f, SAY("two."));
    assert_true(tst_read_chunk(&client, &a));
    tst_contains(&a, "\"text\": \"two.\"");
    tst_lacks(&a, "finishReason");
    say(&f, END("stop") "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":30,"
                        "\"completion_tokens_details\":{\"reasoning_tokens\":10}}}\n\n" DONE);
    hang_up(&f);
    while (tst_read_chunk(&client, &a)) continue;
    assert_true(a.is_whole);
    tst_contains(&a, "\"finishReason\": \"STOP\"");
    tst_contains(&a, "\"promptTokenCount\": 7,\"candidatesTokenCount\": 20,\"totalTokenCount\": 37");
    tst_contains(&a, "\"thoughtsTokenCount\": 10");
    tst_lacks(&a, "[DONE]");
    tst_forget(&a);
    tst_hang_up(&client);
    a = tst_call(&f.p, "GET", "/pollux/stats", "", NULL);
    tst_contains(&a, "\"input\": 7,\n    \"output\": 20,\n    \"thought\": 10");
    tst_forget(&a);
    stop(&f);
}

static void an_answer_that_is_no_stream_is_whole(void **state)
{
    fake       f = start(NULL, NULL);
    tst_answer a = ask_and_say(&f, WHOLE, HELLO, EVENTS_HEAD SAY("One, ") SAY("two.") END("length") DONE);

    (void)state;
    assert_heard(&f, "\"stream\":true"); /* all the same: so that silence can be noticed */
    assert_int_equal(a.status, 200);
    tst_contains(&a, "\"text\": \"One, two.\"");
    tst_contains(&a, "\"finishReason\": \"MAX_TOKENS\"");
    tst_forget(&a);
    stop(&f);
}

static void every_dialect_can_be_asked(void **state)
{
    static const struct {
        const char *path;
        const char *body;
        const char *expected;
    } dialects[] = {
        { ARRAY, HELLO, "\"text\": \"Hi.\"" },
        { CHAT, "{\"model\":\"gemini-2.5-flash\",\"messages\":[{\"role\":\"user\",\"content\":\"Hello?\"}]}",
          "\"message\":{\"content\":\"Hi.\",\"role\":\"assistant\"}" },
        { CHAT, ("{\"model\":\"gemini-2.5-flash\",\"stream\":true,"
                 "\"messages\":[{\"role\":\"user\",\"content\":\"Hello?\"}]}"),
          "\"delta\":{\"content\":\"Hi.\",\"role\":\"assistant\"}" },
        { MESSAGE, "{\"prompt\":{\"messages\":[{\"content\":\"Hello?\"}]}}", "\"content\": \"Hi.\"" },
        { MESSAGE, "{\"prompt\":{\"messages\":[{\"content\":\"Hello?\"}]},\"stream\":true}", "\"content\":\"Hi.\"" },
    };
    fake f = start(NULL, NULL);

    (void)state;
    for (size_t i = 0; i < sizeof dialects / sizeof dialects[0]; i++) {
        tst_answer a = ask_and_say(&f, dialects[i].path, dialects[i].body, EVENTS_HEAD SAY("Hi.") END("stop") DONE);
        assert_heard(&f, "{\"role\":\"user\",\"content\":\"Hello?\"}");
        assert_int_equal(a.status, 200);
        assert_true(a.is_whole);
        tst_contains(&a, dialects[i].expected);
        tst_forget(&a);
    }
    stop(&f);
}

static void reasons_for_an_end_are_translated(void **state)
{
    static const char *const reasons[][2] = {
        { EVENTS_HEAD SAY("x") END("stop") DONE, "STOP" },
        { EVENTS_HEAD SAY("x") END("tool_calls") DONE, "STOP" },
        { EVENTS_HEAD SAY("x") END("length") DONE, "MAX_TOKENS" },
        { EVENTS_HEAD SAY("x") END("content_filter") DONE, "SAFETY" },
        { EVENTS_HEAD SAY("x") END("tired") DONE, "OTHER" },
    };
    fake f = start(NULL, NULL);
    char expected[64];

    (void)state;
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
        tst_answer a = ask_and_say(&f, WHOLE, HELLO, reasons[i][0]);
        snprintf(expected, sizeof expected, "\"finishReason\": \"%s\"", reasons[i][1]);
        tst_contains(&a, expected);
        tst_forget(&a);
    }
    stop(&f);
}

static void thoughts_are_shown_to_who_asks_for_them(void **state)
{
    fake        f = start(NULL, NULL);
    const char *answer = EVENTS_HEAD DELTA("\"reasoning_content\":\"Pondering, \"") DELTA("\"reasoning\":\"well.\"")
                         SAY("Yes.") END("stop") DONE;
    const char *shown = PROMPT_WITH("Hello?", "{\"thinkingConfig\":{\"includeThoughts\":true}}");

    (void)state;
    tst_answer a = ask_and_say(&f, STREAM, HELLO, answer);
    tst_lacks(&a, "Pondering");
    tst_contains(&a, "\"thoughtsTokenCount\": "); /* they are paid for */
    tst_forget(&a);
    a = ask_and_say(&f, STREAM, shown, answer);
    tst_contains(&a, "{\"text\": \"Pondering, \",\"thought\": true}");
    tst_forget(&a);
    a = ask_and_say(&f, WHOLE, shown, answer);
    tst_contains(&a, "Pondering, well.");
    tst_contains(&a, "\"text\": \"Yes.\"");
    tst_forget(&a);
    stop(&f);
}

static void several_candidates_keep_apart(void **state)
{
    fake        f = start(NULL, NULL);
    const char *two = "data: {\"choices\":[{\"index\":1,\"delta\":{\"content\":\"B\"}},"
                      "{\"index\":0,\"delta\":{\"content\":\"A\"}}]}\n\n"
                      "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"},"
                      "{\"index\":1,\"delta\":{\"content\":\"b\"},\"finish_reason\":\"length\"}]}\n\n" DONE;
    char        answer[1024];

    (void)state;
    snprintf(answer, sizeof answer, EVENTS_HEAD "%s", two);
    tst_answer a = ask_and_say(&f, "/v1beta/models/gemini-2.5-flash:generateContent",
                               PROMPT_WITH("Hello?", "{\"candidateCount\":2}"), answer);
    assert_heard(&f, "\"n\":2");
    assert_int_equal(a.status, 200);
    tst_contains(&a, "\"text\": \"A\"");
    tst_contains(&a, "\"text\": \"Bb\"");
    tst_contains(&a, "\"finishReason\": \"MAX_TOKENS\",\n      \"index\": 1");
    tst_forget(&a);
    a = ask_and_say(&f, "/v1beta/models/gemini-2.5-flash:streamGenerateContent",
                    PROMPT_WITH("Hello?", "{\"candidateCount\":2}"), answer);
    assert_int_equal(a.body[0], '['); /* whichever speaks first */
    tst_forget(&a);
    stop(&f);
}

/* Some servers do not know streams, or leave out the last empty line, or name no model. */
static void an_upstream_may_be_plain(void **state)
{
    fake       f = start(NULL, NULL);
    tst_answer a = ask_and_say(&f, STREAM, HELLO,
                               "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"
                               "{\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"Hi.\"},"
                               "\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":2}}");

    (void)state;
    assert_true(a.is_whole);
    tst_contains(&a, "\"text\": \"Hi.\"");
    tst_contains(&a, "\"finishReason\": \"STOP\"");
    tst_contains(&a, "\"totalTokenCount\": 5");
    tst_forget(&a);
    a = ask_and_say(&f, STREAM, HELLO, EVENTS_HEAD ": hello\r\n\r\nevent: x\r\n"
                                       "data:{\"choices\":[{\"delta\":{\"content\":\"Hi.\"},\r\n"
                                       "data:\"finish_reason\":\"stop\"}]}");
    assert_true(a.is_whole);
    tst_contains(&a, "\"text\": \"Hi.\"");
    tst_forget(&a);
    stop(&f);
}

/* ---- questions ---- */

static void a_conversation_is_translated(void **state)
{
    static const char body[] =
        "{\"systemInstruction\":{\"parts\":[{\"text\":\"Be brief.\"},{\"text\":\"Be kind.\"}]},\"contents\":["
        "{\"role\":\"user\",\"parts\":[{\"text\":\"What is \"},"
        "{\"inlineData\":{\"mimeType\":\"image/png\",\"data\":\"QUJD\"}}]},"
        "{\"role\":\"model\",\"parts\":[{\"text\":\"hidden\",\"thought\":true},{\"text\":\"A \"},{\"text\":\"cat.\"}]},"
        "{\"role\":\"user\",\"parts\":{\"text\":\"Sure?\"}}],"
        "\"generationConfig\":{\"temperature\":0.25,\"topP\":0.5,\"maxOutputTokens\":\"99\","
        "\"stopSequences\":[\"END\"],"
        "\"seed\":7,\"responseMimeType\":\"application/json\",\"responseSchema\":{\"type\":\"OBJECT\",\"properties\":"
        "{\"type\":{\"type\":\"STRING\",\"nullable\":true}},\"propertyOrdering\":[\"type\"]}}}";
    fake       f = start("--upstream-model", "tiny-7b");
    tst_answer a = ask_and_say(&f, "/v1beta/models/gemini-2.5-flash:generateContent", body,
                               EVENTS_HEAD SAY("{}") END("stop") DONE);

    (void)state;
    assert_int_equal(a.status, 200);
    assert_string_equal(
        f.body,
        "{\"model\":\"tiny-7b\",\"stream\":true,\"stream_options\":{\"include_usage\":true},\"messages\":["
        "{\"role\":\"system\",\"content\":\"Be brief.\\nBe kind.\"},"
        "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"What is \"},"
        "{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:image/png;base64,QUJD\"}}]},"
        "{\"role\":\"assistant\",\"content\":\"A cat.\"},{\"role\":\"user\",\"content\":\"Sure?\"}],"
        "\"temperature\":0.25,\"top_p\":0.5,\"max_tokens\":99,\"stop\":[\"END\"],\"seed\":7,"
        "\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"answer\","
        "\"schema\":{\"type\":\"object\","
        "\"properties\":{\"type\":{\"type\":[\"string\",\"null\"]}}}}}}");
    tst_forget(&a);
    stop(&f);
}

static void one_of_a_list_is_asked_for_in_words(void **state)
{
    fake       f = start(NULL, NULL);
    tst_answer a = ask_and_say(&f, WHOLE,
                               "{\"contents\":[{\"parts\":[{\"text\":\"Sure?\"}]}],"
                               "\"systemInstruction\":{\"parts\":[{\"text\":\"Be brief.\"}]},"
                               "\"generationConfig\":{\"responseMimeType\":\"text/x.enum\","
                               "\"responseSchema\":{\"type\":\"STRING\",\"enum\":[\"yes\",\"no\"]}}}",
                               EVENTS_HEAD SAY("yes") END("stop") DONE);

    (void)state;
    assert_int_equal(a.status, 200);
    assert_heard(&f, "{\"role\":\"system\","
                     "\"content\":\"Be brief.\\nAnswer with one of these and nothing else: yes, no\"}");
    assert_not_heard(&f, "response_format");
    tst_forget(&a);
    stop(&f);
}

static void functions_are_translated_both_ways(void **state)
{
    static const char body[] =
        "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"Weather?\"}]},"
        "{\"role\":\"model\",\"parts\":[{\"functionCall\":{\"name\":\"weather\",\"args\":{\"city\":\"Rome\"}},"
        "\"thoughtSignature\":\"c2tpcF90aG91Z2h0X3NpZ25hdHVyZV92YWxpZGF0b3I=\"},"
        "{\"functionCall\":{\"id\":\"c9\",\"name\":\"weather\",\"args\":{\"city\":\"Oslo\"}}}]},"
        "{\"role\":\"user\",\"parts\":["
        "{\"functionResponse\":{\"id\":\"c9\",\"name\":\"weather\",\"response\":{\"c\":3}}},"
        "{\"functionResponse\":{\"name\":\"weather\",\"response\":{\"c\":20}}}]}],"
        "\"tools\":[{\"functionDeclarations\":[{\"name\":\"weather\",\"description\":\"now\","
        "\"parameters\":{\"type\":\"OBJECT\","
        "\"properties\":{\"city\":{\"type\":\"STRING\"}}}},{\"name\":\"other\"}]},{\"googleSearch\":{}}],"
        "\"toolConfig\":{\"functionCallingConfig\":{\"mode\":\"ANY\",\"allowedFunctionNames\":[\"weather\"]},"
        "\"includeServerSideToolInvocations\":true}}";
    fake       f = start(NULL, NULL);
    tst_answer a = ask_and_say(&f, WHOLE, body,
                               EVENTS_HEAD SAY("Fine.") END("stop") DONE);

    (void)state;
    assert_int_equal(a.status, 200);
    assert_heard(&f, "{\"role\":\"assistant\",\"content\":\"\",\"tool_calls\":["
                     "{\"id\":\"call_1\",\"type\":\"function\",\"function\":{\"name\":\"weather\",\"arguments\":"
                     "\"{\\\"city\\\":\\\"Rome\\\"}\"},\"extra_content\":{\"google\":{\"thought_signature\":"
                     "\"c2tpcF90aG91Z2h0X3NpZ25hdHVyZV92YWxpZGF0b3I=\"}}},"
                     "{\"id\":\"c9\",\"type\":\"function\",\"function\":{\"name\":\"weather\",\"arguments\":"
                     "\"{\\\"city\\\":\\\"Oslo\\\"}\"}}]}");
    assert_heard(&f, "{\"role\":\"tool\",\"tool_call_id\":\"c9\",\"content\":\"{\\\"c\\\":3}\"},"
                     "{\"role\":\"tool\",\"tool_call_id\":\"call_1\",\"content\":\"{\\\"c\\\":20}\"}");
    assert_heard(&f, "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"weather\",\"description\":\"now\","
                     "\"parameters\":{\"type\":\"object\",\"properties\":{\"city\":{\"type\":\"string\"}}}}}],"
                     "\"tool_choice\":\"required\"");
    assert_not_heard(&f, "googleSearch");
    tst_forget(&a);
    stop(&f);
}

/* In fragments, as servers send them; whole and signed, as Gemini's clients expect them. */
#define WEATHER_TOOL ",\"tools\":[{\"functionDeclarations\":[{\"name\":\"weather\"}]}]"

static void a_signature_goes_back_to_who_gave_it(void **state)
{
    static const char *const signatures[] = { "c2lnbmVkIHRoZXJl", "" };
    fake f = start(NULL, NULL);
    char said[512], part[512], body[1024];

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        snprintf(said, sizeof said,
                 EVENTS_HEAD DELTA("\"tool_calls\":[{\"index\":0,\"id\":\"c1\",\"type\":\"function\",\"function\":"
                                   "{\"name\":\"weather\",\"arguments\":\"{}\"},\"extra_content\":"
                                   "{\"google\":{\"thought_signature\":\"%s\"}}}]") END("tool_calls") DONE,
                 signatures[i]);
        tst_answer a = ask_and_say(&f, STREAM, "{\"contents\":[{\"parts\":[{\"text\":\"Hi\"}]}]" WEATHER_TOOL "}",
                                   said);
        const char *from = strstr(a.body, "{\"functionCall\"");
        assert_non_null(from);
        snprintf(part, sizeof part, "%.*s", (int)(strstr(from, "}]") + 1 - from), from);
        assert_non_null(strstr(part, "\"thoughtSignature\": \""));
        tst_forget(&a);
        snprintf(body, sizeof body,
                 "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"Hi\"}]},{\"role\":\"model\",\"parts\":[%s]},"
                 "{\"role\":\"user\",\"parts\":[{\"functionResponse\":{\"id\":\"c1\",\"name\":\"weather\","
                 "\"response\":{}}}]}]"
                 WEATHER_TOOL "}", part);
        a = ask_and_say(&f, STREAM, body, EVENTS_HEAD SAY("Fine.") END("stop") DONE);
        assert_int_equal(a.status, 200);
        if (i == 0) assert_heard(&f, "\"extra_content\":{\"google\":{\"thought_signature\":\"c2lnbmVkIHRoZXJl\"}}");
        else assert_not_heard(&f, "extra_content"); /* ours means nothing there */
        tst_forget(&a);
    }
    stop(&f);
}

static void calls_of_functions_come_whole(void **state)
{
    static const char answer[] =
        EVENTS_HEAD SAY("Let me see.")
        DELTA("\"tool_calls\":[{\"index\":0,\"id\":\"c1\",\"function\":{\"name\":\"weather\",\"arguments\":\"\"}}]")
        DELTA("\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"{\\\"city\\\": \"}}]")
        DELTA("\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"\\\"Rome\\\"}\"}}]")
        DELTA("\"tool_calls\":[{\"index\":1,\"id\":\"c2\",\"function\":{\"name\":\"clock\",\"arguments\":{}}}]")
        END("tool_calls") DONE;
    static const char body[] =
        "{\"contents\":[{\"parts\":[{\"text\":\"Weather?\"}]}],\"tools\":[{\"functionDeclarations\":["
        "{\"name\":\"weather\",\"parameters\":{\"type\":\"OBJECT\",\"properties\":{\"city\":{\"type\":\"STRING\"}}}},"
        "{\"name\":\"clock\"}]}]}";
    fake f = start(NULL, NULL);

    (void)state;
    tst_answer a = ask_and_say(&f, STREAM, body, answer);
    assert_int_equal(a.status, 200);
    assert_true(a.is_whole);
    tst_contains(&a, "{\"functionCall\": {\"name\": \"weather\",\"args\": {\"city\": \"Rome\"},\"id\": \"c1\"}");
    tst_contains(&a, "{\"functionCall\": {\"name\": \"clock\",\"args\": {},\"id\": \"c2\"}}");
    tst_contains(&a, "\"thoughtSignature\"");
    tst_contains(&a, "\"finishReason\": \"STOP\"");
    tst_forget(&a);
    a = ask_and_say(&f, WHOLE, body, answer);
    assert_int_equal(a.status, 200);
    const char *text = strstr(a.body, "Let me see."), *call = strstr(a.body, "\"Rome\"");
    assert_true(text && call && text < call); /* as it was said */
    tst_forget(&a);
    stop(&f);
}

static void a_call_that_is_none_is_told_so(void **state)
{
    fake       f = start(NULL, NULL);
    tst_answer a = ask_and_say(&f, WHOLE, HELLO,
                               EVENTS_HEAD DELTA("\"tool_calls\":[{\"index\":0,\"id\":\"c1\","
                                                 "\"function\":{\"name\":\"weather\",\"arguments\":\"{oh\"}}]")
                               END("tool_calls") DONE);

    (void)state;
    assert_int_equal(a.status, 200);
    tst_contains(&a, "\"finishReason\": \"MALFORMED_FUNCTION_CALL\"");
    tst_contains(&a, "\"finishMessage\": \"Malformed function call: weather({oh\"");
    tst_lacks(&a, "functionCall\"");
    tst_lacks(&a, "\"content\"");
    tst_forget(&a);
    stop(&f);
}

static void a_silent_end_has_no_parts(void **state)
{
    fake       f = start(NULL, NULL);
    tst_answer a = ask_and_say(&f, WHOLE, HELLO, EVENTS_HEAD END("length") DONE);

    (void)state;
    tst_contains(&a, "\"finishReason\": \"MAX_TOKENS\"");
    tst_contains(&a, "\"role\": \"model\"");
    tst_lacks(&a, "\"parts\"");
    tst_forget(&a);
    stop(&f);
}

static void counts_that_nobody_can_have_are_not_believed(void **state)
{
    fake       f = start(NULL, NULL);
    tst_answer a = ask_and_say(&f, WHOLE, HELLO,
                               EVENTS_HEAD SAY("Hi.") END("stop")
                               "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":9223372036854775807,"
                               "\"completion_tokens\":9223372036854775807}}\n\n" DONE);

    (void)state;
    assert_int_equal(a.status, 200);
    tst_lacks(&a, "\"totalTokenCount\": -");
    tst_forget(&a);
    stop(&f);
}

static void a_chat_completion_is_passed_on_as_it_is(void **state)
{
    fake       f = start(NULL, NULL);
    tst_answer a = ask_and_say(&f, CHAT,
                               "{\"model\":\"models/tiny\",\"messages\":[{\"role\":\"user\",\"content\":\"Hello?\"}],"
                               "\"logit_bias\":{\"5\":-1.5e2},\"stream\":false,\"max_completion_tokens\":5}",
                               EVENTS_HEAD SAY("Hi.") END("stop") DONE);

    (void)state;
    assert_int_equal(a.status, 200);
    assert_string_equal(f.body, "{\"model\":\"tiny\",\"stream\":true,\"stream_options\":{\"include_usage\":true},"
                                "\"messages\":[{\"role\":\"user\",\"content\":\"Hello?\"}],"
                                "\"logit_bias\":{\"5\":-1.5e2},\"max_completion_tokens\":5}");
    tst_forget(&a);
    stop(&f);
}

static void what_cannot_be_said_there_is_refused(void **state)
{
    fake       f = start(NULL, NULL);
    tst_answer a = tst_ask(&f.p, WHOLE, "{\"contents\":[{\"parts\":[{\"text\":\"Read.\"},{\"inlineData\":{\"mimeType\":"
                                        "\"application/pdf\",\"data\":\"QUJD\"}}]}]}");

    (void)state;
    assert_int_equal(a.status, 400);
    tst_contains(&a, "An upstream takes pictures and sound, not application/pdf.");
    tst_forget(&a);
    stop(&f);
}

/* ---- interactions ---- */

#define INTERACTIONS "/v1beta/interactions"
#define INPUT(more) "{\"model\":\"gemini-3.8-flash\",\"input\":\"Hello?\"" more "}"
#define STREAMED ",\"stream\":true"

/* The first id in an answer: the interaction's. */
static void read_id(const tst_answer *a, char id[128])
{
    const char *at = strstr(a->body, "\"id\":\"");

    assert_non_null(at);
    snprintf(id, 128, "%.*s", (int)strcspn(at + 6, "\""), at + 6);
}

static tst_answer get_interaction(const fake *f, const char *id, const char *query)
{
    char path[256];

    snprintf(path, sizeof path, INTERACTIONS "/%s%s", id, query);
    return tst_call(&f->p, "GET", path, KEY, NULL);
}

static void an_interaction_is_told_as_it_is_said_and_kept(void **state)
{
    fake       f = start(NULL, NULL);
    tst_link   client;
    tst_answer a;
    char       id[128], body[512];

    (void)state;
    ask(&f, &client, INTERACTIONS, INPUT(STREAMED));
    say(&f, EVENTS_HEAD SAY("One, "));
    assert_true(tst_read_head(&client, &a));
    assert_int_equal(a.status, 200);
    assert_true(tst_read_chunk(&client, &a)); /* nothing more was said so far */
    assert_int_equal(strncmp(a.body, "event: interaction.created\ndata: {\"interaction\":{\"id\":\"v1_", 56), 0);
    tst_contains(&a, "event: step.delta\ndata: {\"index\":0,\"delta\":{\"text\":\"One, \",\"type\":\"text\"}");
    say(&f, SAY("two.") END("stop")
            "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":5}}\n\n" DONE);
    hang_up(&f);
    while (tst_read_chunk(&client, &a)) continue;
    assert_true(a.is_whole);
    tst_contains(&a, "\"status\":\"completed\",\"usage\":{\"total_tokens\":12,\"total_input_tokens\":7,");
    tst_contains(&a, "event: done\ndata: [DONE]\n\n");
    tst_hang_up(&client);
    read_id(&a, id);

    tst_answer again = get_interaction(&f, id, "?stream=true");
    assert_string_equal(again.body, a.body);
    tst_forget(&again);
    tst_forget(&a);
    a = get_interaction(&f, id, "?include_input=true");
    tst_contains(&a, "\"steps\":[{\"content\":[{\"text\":\"Hello?\",\"type\":\"text\"}],\"type\":\"user_input\"},"
                     "{\"content\":[{\"text\":\"One, two.\",\"type\":\"text\"}],\"type\":\"model_output\"}]");
    tst_forget(&a);

    snprintf(body, sizeof body, INPUT(",\"previous_interaction_id\":\"%s\""), id);
    a = ask_and_say(&f, INTERACTIONS, body, EVENTS_HEAD SAY("Three.") END("length") DONE);
    assert_heard(&f, "\"messages\":[{\"role\":\"user\",\"content\":\"Hello?\"},"
                     "{\"role\":\"assistant\",\"content\":\"One, two.\"},{\"role\":\"user\",\"content\":\"Hello?\"}]");
    assert_int_equal(a.status, 200);
    tst_contains(&a, "\"status\":\"incomplete\"");
    tst_contains(&a, "{\"text\":\"Three.\",\"type\":\"text\"}");
    tst_forget(&a);
    stop(&f);
}

static void a_function_of_an_interaction_goes_there_and_back(void **state)
{
    static const char tools[] = ",\"tools\":[{\"type\":\"function\",\"name\":\"weather\",\"parameters\":"
                                "{\"type\":\"object\",\"properties\":{\"city\":{\"type\":\"string\"}}}}]";
    static const char call[] = EVENTS_HEAD SAY("Let me see.")
        DELTA("\"tool_calls\":[{\"index\":0,\"id\":\"c7\",\"type\":\"function\",\"function\":{\"name\":\"weather\","
              "\"arguments\":\"{\\\"city\\\":\\\"Oslo\\\"}\"}}]") END("tool_calls") DONE;
    static const char *const ways[] = { "", STREAMED };
    fake f = start(NULL, NULL);
    char id[128], body[1024];

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        snprintf(body, sizeof body, INPUT("%s%s"), tools, ways[i]);
        tst_answer a = ask_and_say(&f, INTERACTIONS, body, call);
        assert_int_equal(a.status, 200);
        tst_contains(&a, "\"status\":\"requires_action\"");
        tst_contains(&a, "\"id\":\"c7\"");
        tst_contains(&a, "\"type\":\"thought\""); /* that signs the call */
        read_id(&a, id);
        tst_forget(&a);
        snprintf(body, sizeof body,
                 "{\"model\":\"gemini-3.8-flash\",\"previous_interaction_id\":\"%s\"%s,\"input\":[{\"type\":"
                 "\"function_result\",\"call_id\":\"c7\",\"name\":\"weather\",\"result\":\"snow\"}]}", id, tools);
        a = ask_and_say(&f, INTERACTIONS, body, EVENTS_HEAD SAY("It snows.") END("stop") DONE);
        assert_heard(&f, "\"tool_calls\":[{\"id\":\"c7\",\"type\":\"function\",\"function\":{\"name\":\"weather\"");
        assert_heard(&f, "{\"role\":\"tool\",\"tool_call_id\":\"c7\",\"content\":\"");
        tst_contains(&a, "It snows.");
        tst_forget(&a);
    }
    stop(&f);
}

static void what_goes_wrong_has_the_codes_of_interactions(void **state)
{
    fake       f = start(NULL, NULL);
    tst_answer a = ask_and_say(&f, INTERACTIONS, INPUT(""), EVENTS_HEAD SAY("Half"));
    char       id[128];

    (void)state;
    assert_int_equal(a.status, 503);
    tst_contains(&a, "{\"error\":{\"code\":\"service_unavailable\",\"message\":\"The upstream at http");
    tst_forget(&a);
    a = ask_and_say(&f, INTERACTIONS, INPUT(STREAMED), EVENTS_HEAD SAY("Half"));
    assert_int_equal(a.status, 200);
    assert_false(a.is_whole);
    tst_contains(&a, "Half");
    tst_contains(&a, "\n\nevent: error\ndata: {\"error\":{\"code\":\"service_unavailable\",\"message\":\"The upstream");
    tst_contains(&a, "\"},\"event_type\":\"error\"}\n\n");
    read_id(&a, id);
    tst_forget(&a);
    a = get_interaction(&f, id, ""); /* half of one is not kept */
    assert_int_equal(a.status, 404);
    tst_forget(&a);
    a = ask_and_say(&f, INTERACTIONS, INPUT(""), EVENTS_HEAD SAY("No") END("content_filter") DONE);
    assert_int_equal(a.status, 400);
    tst_contains(&a, "{\"error\":{\"code\":\"safety\"");
    tst_forget(&a);
    a = tst_ask(&f.p, INTERACTIONS, INPUT(",\"background\":true"));
    assert_int_equal(a.status, 501);
    tst_contains(&a, "{\"error\":{\"code\":\"unimplemented\",\"message\":\"An upstream cannot be asked in the back");
    tst_forget(&a);
    stop(&f);
}

static void scripts_come_first(void **state)
{
    char path[] = "/tmp/castor-upstream-XXXXXX";
    char script[] = "# T\n\n## Hello?\n= From the script.\n";
    int  fd = mkstemp(path);

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(write(fd, script, strlen(script)), (ssize_t)strlen(script));
    close(fd);
    fake f = start("--script", path);
    unlink(path);
    tst_answer a = tst_ask(&f.p, WHOLE, HELLO);
    tst_contains(&a, "From the script.");
    tst_forget(&a);
    a = ask_and_say(&f, WHOLE, PROMPT("What is photosynthesis?"), EVENTS_HEAD SAY("From the model.") END("stop") DONE);
    tst_contains(&a, "From the model."); /* and not the built-in answer */
    tst_forget(&a);
    stop(&f);
}

/* ---- failures ---- */

static void errors_come_in_the_words_of_the_service(void **state)
{
    static const struct {
        const char *answer;
        int         status;
        const char *expected;
    } errors[] = {
        { "HTTP/1.1 404 Not Found\r\n\r\n{\"error\":{\"message\":\"model \\\"x\\\" not found\",\"code\":\"y\"}}", 404,
          "answered 404: model \\\"x\\\" not found\",\n    \"status\": \"NOT_FOUND\"" },
        { "HTTP/1.1 401 Unauthorized\r\n\r\n{\"error\":{\"message\":\"no key\"}}", 403, "\"PERMISSION_DENIED\"" },
        { "HTTP/1.1 422 Unprocessable\r\n\r\n{\"detail\":\"too warm\"}", 400, "answered 422: too warm" },
        { "HTTP/1.1 400 Bad\r\n\r\n{\"error\":\"plain words\"}", 400, "answered 400: plain words" },
        { "HTTP/1.1 500 Oh\r\nContent-Type: text/html\r\n\r\n<html>oh", 500, "answered 500." },
        { "HTTP/1.1 429 Slow\r\nRetry-After: 7\r\n\r\n", 429, "\"retryDelay\": \"7s\"" },
        { "HTTP/1.1 502 Bad\r\n\r\n", 503, "\"UNAVAILABLE\"" },
        { "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n\r\n", 503, "answered 302." },
        { "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html>hello", 503,
          "does not speak chat completions: it sent text/html" },
        { EVENTS_HEAD "data: nonsense\n\n", 503, "chat completions" },
        { EVENTS_HEAD, 503, "broke off" },
        { "", 503, "did not answer" },
    };
    fake f = start(NULL, NULL);

    (void)state;
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        tst_answer a = ask_and_say(&f, i % 2 ? STREAM : WHOLE, HELLO, errors[i].answer);
        assert_int_equal(a.status, errors[i].status);
        tst_contains(&a, errors[i].expected);
        tst_forget(&a);
    }
    stop(&f);
}

static void one_that_cannot_be_reached_is_named(void **state)
{
    fake f = start(NULL, NULL);
    char expected[64];

    (void)state;
    close(f.listener);
    f.listener = -1;
    tst_answer a = tst_ask(&f.p, STREAM, HELLO);
    assert_int_equal(a.status, 503);
    snprintf(expected, sizeof expected, "The upstream at http://127.0.0.1:%d did not answer", f.port);
    tst_contains(&a, expected);
    tst_forget(&a);
    stop(&f);
}

static void half_an_answer_is_never_made_whole(void **state)
{
    static const char *const halves[] = {
        EVENTS_HEAD SAY("Half"),                                   /* an end without a reason */
        EVENTS_HEAD SAY("Half") DONE,
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 9999\r\n\r\n" SAY("Half"), /* cut */
        EVENTS_HEAD SAY("Half") "data: {\"choices\":[{\"delta\":{\"content\":\"x",
    };
    static const struct {
        const char *path;
        const char *body;
        const char *error; /* what stands before the sentence */
    } streams[] = {
        { STREAM, HELLO, "}\r\n\r\ndata: {\"error\": {\"code\": 503,\"message\": \"" },
        { ARRAY, HELLO, ",\r\n{\n  \"error\": {\n    \"code\": 503,\n    \"message\": \"" },
        { CHAT,
          "{\"model\":\"gemini-3.8-flash\",\"stream\":true,\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]}",
          "}\n\ndata: {\"error\":{\"code\":503,\"message\":\"" },
        { MESSAGE, "{\"prompt\":[{\"text\":\"Hi\"}],\"stream\":true}",
          "}\n{\"error\":{\"code\":503,\"message\":\"" },
    };
    fake f = start(NULL, NULL);

    (void)state;
    for (size_t i = 0; i < sizeof halves / sizeof halves[0]; i++) {
        tst_answer a;
        for (size_t j = 0; j < sizeof streams / sizeof streams[0]; j++) {
            a = ask_and_say(&f, streams[j].path, streams[j].body, halves[i]);
            tst_contains(&a, "Half");
            tst_contains(&a, streams[j].error);
            tst_contains(&a, "broke off in the middle of its answer");
            assert_false(a.is_whole);
            tst_lacks(&a, "finishReason");
            tst_lacks(&a, "[DONE]");
            tst_forget(&a);
        }
        a = ask_and_say(&f, WHOLE, HELLO, halves[i]);
        assert_int_equal(a.status, 503);
        tst_forget(&a);
    }
    stop(&f);
}

static void an_error_in_mid_stream_is_an_event(void **state)
{
    fake       f = start(NULL, NULL);
    tst_answer a = ask_and_say(&f, STREAM, HELLO,
                               EVENTS_HEAD SAY("Half") "data: {\"error\":{\"code\":429,\"message\":\"too many\"}}\n\n");

    (void)state;
    assert_int_equal(a.status, 200);
    assert_true(a.is_whole);
    tst_contains(&a, "Half");
    tst_contains(&a, "data: {\"error\": {\"code\": 429,\"message\": \"The upstream at");
    tst_contains(&a, "answered 429: too many\",\"status\": \"RESOURCE_EXHAUSTED\"");
    tst_lacks(&a, "finishReason");
    tst_forget(&a);

    a = ask_and_say(&f, ARRAY, HELLO,
                    EVENTS_HEAD SAY("Half") "data: {\"error\":{\"code\":429,\"message\":\"too many\"}}\n\n");
    assert_true(a.is_whole);
    tst_contains(&a, ",\r\n{\n  \"error\": {\n    \"code\": 429,");
    assert_string_equal(a.body + a.len - 3, "}\n]");
    tst_forget(&a);
    stop(&f);
}

static void silence_ends(void **state)
{
    fake     f = start("--upstream-timeout", "50");
    tst_link client;

    (void)state;
    ask(&f, &client, STREAM, HELLO); /* and not a word */
    tst_answer a = tst_read_answer(&client);
    assert_int_equal(a.status, 504);
    tst_contains(&a, "said nothing for 50 ms");
    tst_forget(&a);
    tst_hang_up(&client);

    ask(&f, &client, STREAM, HELLO);
    say(&f, EVENTS_HEAD SAY("Well"));
    a = tst_read_answer(&client);
    assert_int_equal(a.status, 200);
    tst_contains(&a, "Well");
    tst_contains(&a, "data: {\"error\": {\"code\": 504,");
    tst_forget(&a);
    tst_hang_up(&client);
    while (tst_read_more(&f.link)) continue;
    assert_int_equal(f.link.error, 0); /* the upstream was let go */
    stop(&f);
}

static void a_client_that_leaves_ends_the_upstream(void **state)
{
    fake          f = start(NULL, NULL);
    struct pollfd end = { .events = POLLIN };
    tst_link      client;
    int           words = 0;

    (void)state;
    ask(&f, &client, STREAM, HELLO);
    say(&f, EVENTS_HEAD SAY("One"));
    assert_int_not_equal(tst_find_behind(&client, "One"), 0);
    tst_hang_up(&client);
    for (end.fd = f.link.fd; poll(&end, 1, 10) == 0; words++) { /* whoever writes to it hears that it is gone */
        assert_true(words < 100 * TST_PATIENCE_S);
        say(&f, SAY("more"));
    }
    assert_false(tst_read_more(&f.link));
    stop(&f);
}

/* ---- much ---- */

enum { FLOOD_BYTES = 64 << 20, HELD_BYTES_MAX = 24 << 20 };

/* Sends events until none is taken for so long, or all are sent. */
static size_t flood(fake *f, const char *event, size_t sent, int patience_ms)
{
    struct pollfd ready = { .fd = f->link.fd, .events = POLLOUT };
    size_t        len = strlen(event);

    fcntl(f->link.fd, F_SETFL, O_NONBLOCK);
    while (sent < FLOOD_BYTES) {
        ssize_t count = send(f->link.fd, event + sent % len, len - sent % len, MSG_NOSIGNAL);
        if (count > 0) sent += (size_t)count;
        else if (errno != EAGAIN || poll(&ready, 1, patience_ms) == 0) break;
    }
    fcntl(f->link.fd, F_SETFL, 0);
    return sent;
}

static void a_client_that_does_not_read_holds_the_upstream(void **state)
{
    static char event[16384];
    fake        f = start(NULL, NULL);
    tst_link    client;
    tst_answer  a;
    size_t      sent = 0, texts = 0;

    (void)state;

    size_t front = (size_t)snprintf(event, sizeof event, "data: {\"choices\":[{\"delta\":{\"content\":\"");
    memset(event + front, 'x', sizeof event - front - 8);
    snprintf(event + sizeof event - 8, 8, "\"}}]}\n\n");
    ask(&f, &client, STREAM, HELLO);
    say(&f, EVENTS_HEAD);
    sent = flood(&f, event, 0, 300);
    assert_true(sent < HELD_BYTES_MAX); /* kernels have buffers too */

    assert_true(tst_read_head(&client, &a));
    while (sent < FLOOD_BYTES) { /* now it reads, and all goes on */
        assert_true(tst_read_chunk(&client, &a));
        texts++;
        a.len = a.chunk_count = 0;
        sent = flood(&f, event, sent, 0);
    }
    size_t rest = strlen(event) - sent % strlen(event);
    tst_send(&f.link, event + sent % strlen(event), rest);
    say(&f, END("stop") DONE);
    hang_up(&f);
    while (tst_read_chunk(&client, &a)) {
        texts++;
        a.chunk_count = 0;
    }
    assert_true(a.is_whole);
    assert_int_equal(texts, (sent + rest) / strlen(event) + 1);
    tst_forget(&a);
    tst_hang_up(&client);
    stop(&f);
}

/* ---- keys ---- */

static void the_key_goes_to_the_upstream_and_nowhere_else(void **state)
{
    fake f = { .link = { .fd = -1 } };
    char url[64];
    char log[4096] = "";

    (void)state;
    listen_on_any_port(&f);
    snprintf(url, sizeof url, "http://127.0.0.1:%d", f.port);
    setenv("TST_UPSTREAM_KEY", "sk-very-secret", 1);
    f.p = TST_POLLUX("--instant", "--upstream", url, "--upstream-key-env", "TST_UPSTREAM_KEY");
    unsetenv("TST_UPSTREAM_KEY");
    tst_answer a = ask_and_say(&f, WHOLE, HELLO,
                               "HTTP/1.1 401 No\r\n\r\n{\"error\":{\"message\":\"sk-very-secret is bad\"}}");
    assert_non_null(strstr(f.heard, "POST /v1/chat/completions HTTP/1.1\r\n"));
    assert_non_null(strstr(f.heard, "Authorization: Bearer sk-very-secret\r\n"));
    assert_not_heard(&f, "test-key"); /* the client's */
    tst_contains(&a, "answered 401: * is bad");
    tst_lacks(&a, "secret");
    tst_forget(&a);
    hang_up(&f);
    free(f.heard);
    close(f.listener);
    kill(f.p.pid, SIGTERM);
    tst_read_all(f.p.errors, log, sizeof log);
    assert_int_equal(tst_exit_status(f.p.pid), 0);
    assert_null(strstr(log, "secret"));
    close(f.p.errors);
}

static void assert_wrong_use(const char *const *words, const char *expected, const char *unexpected)
{
    tst_pollux p;
    char       log[1024];
    int        out;

    tst_pollux_run(&p, &out, words);
    tst_read_all(p.errors, log, sizeof log);
    assert_int_equal(tst_exit_status(p.pid), 2);
    if (!strstr(log, expected)) fail_msg("%s", log);
    assert_null(strstr(log, unexpected));
    close(p.errors);
    close(out);
}

#define WORDS(...) ((const char *const[TST_ARGS_MAX]){ "--port", "0", __VA_ARGS__ })

static void wrong_options_are_told_without_their_secrets(void **state)
{
    (void)state;
    assert_wrong_use(WORDS("--upstream", "http://me:secret@127.0.0.1/"), "--upstream: this holds a name or a password",
                     "secret");
    assert_wrong_use(WORDS("--upstream", "ftp://127.0.0.1/"), "--upstream: this is neither http nor https", "127");
    assert_wrong_use(WORDS("--upstream", "http://127.0.0.1/?key=secret"), "--upstream: this has more behind its path",
                     "secret");
    assert_wrong_use(WORDS("--upstream", "http://127.0.0.1/", "--upstream-key-env", "TST_NO_SUCH"),
                     "there is no TST_NO_SUCH in the environment", "secret");
    assert_wrong_use(WORDS("--upstream-model", "tiny"), "--upstream URL", "secret");
    assert_wrong_use(WORDS("--upstream", "http://127.0.0.1/", "--upstream-timeout", "0"), "--upstream-timeout wants",
                     "secret");
}

/* ---- another pollux ---- */

enum { MANY = 40 };

static void many_ask_through_a_second_twin(void **state)
{
    tst_pollux behind = TST_POLLUX("--quiet", "--ttft", "20-60", "--rate", "3000");
    tst_link   clients[MANY];
    char       url[64];

    (void)state;
    snprintf(url, sizeof url, "http://127.0.0.1:%d", behind.port);
    setenv("TST_UPSTREAM_KEY", "test-key", 1);
    tst_pollux front = TST_POLLUX("--quiet", "--upstream", url, "--upstream-model", "gemini-2.5-flash",
                                  "--upstream-key-env", "TST_UPSTREAM_KEY");
    unsetenv("TST_UPSTREAM_KEY");
    for (int i = 0; i < MANY; i++) {
        clients[i] = tst_connect(&front);
        tst_post(&clients[i], i % 2 ? STREAM : WHOLE, KEY, PROMPT("Explain photosynthesis"));
    }
    for (int i = 0; i < MANY; i++) {
        tst_answer a = tst_read_answer(&clients[i]);
        assert_int_equal(a.status, 200);
        assert_true(a.is_whole);
        tst_contains(&a, "chlorophyll");
        tst_contains(&a, "\"finishReason\": \"STOP\"");
        tst_forget(&a);
        tst_hang_up(&clients[i]);
    }
    tst_pollux_stop(&front);
    tst_pollux_stop(&behind);
}

/* ---- the reader of events ---- */

static void read_events(const char *bytes, size_t cut, char *out, size_t size)
{
    plx_events events;
    castor_str data;
    size_t     len = strlen(bytes), used = 0;

    plx_events_init(&events);
    out[0] = '\0';
    for (int half = 0; half < 2; half++) {
        castor_str input = { bytes + (half ? cut : 0), half ? len - cut : cut };
        while (plx_events_next(&events, &input, &data) == PLX_EVENTS_EVENT) {
            used += (size_t)snprintf(out + used, size - used, "[%.*s]", CASTOR_ARG(data));
        }
    }
    if (plx_events_end(&events, &data) == PLX_EVENTS_EVENT) {
        snprintf(out + used, size - used, "[%.*s]", CASTOR_ARG(data));
    }
    plx_events_free(&events);
}

static void events_are_the_same_however_they_are_cut(void **state)
{
    static const char bytes[] = "data: a\n\ndata:b\r\n\r\n: c\rdata: d\rdata\rdata:  e\r\r\n\nevent: f\n\n"
                                "data:\n\nid: 1\ndatum: 2\ndata: g\r\n\ndata: h";
    char              out[128];

    (void)state;
    for (size_t cut = 0; cut < sizeof bytes; cut++) {
        read_events(bytes, cut, out, sizeof out);
        assert_string_equal(out, "[a][b][d\n\n e][][g][h]");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_reach_the_client_as_they_come),
        cmocka_unit_test(an_answer_that_is_no_stream_is_whole),
        cmocka_unit_test(every_dialect_can_be_asked),
        cmocka_unit_test(reasons_for_an_end_are_translated),
        cmocka_unit_test(thoughts_are_shown_to_who_asks_for_them),
        cmocka_unit_test(several_candidates_keep_apart),
        cmocka_unit_test(an_upstream_may_be_plain),
        cmocka_unit_test(a_conversation_is_translated),
        cmocka_unit_test(one_of_a_list_is_asked_for_in_words),
        cmocka_unit_test(functions_are_translated_both_ways),
        cmocka_unit_test(a_signature_goes_back_to_who_gave_it),
        cmocka_unit_test(calls_of_functions_come_whole),
        cmocka_unit_test(a_call_that_is_none_is_told_so),
        cmocka_unit_test(a_silent_end_has_no_parts),
        cmocka_unit_test(counts_that_nobody_can_have_are_not_believed),
        cmocka_unit_test(a_chat_completion_is_passed_on_as_it_is),
        cmocka_unit_test(what_cannot_be_said_there_is_refused),
        cmocka_unit_test(an_interaction_is_told_as_it_is_said_and_kept),
        cmocka_unit_test(a_function_of_an_interaction_goes_there_and_back),
        cmocka_unit_test(what_goes_wrong_has_the_codes_of_interactions),
        cmocka_unit_test(scripts_come_first),
        cmocka_unit_test(errors_come_in_the_words_of_the_service),
        cmocka_unit_test(one_that_cannot_be_reached_is_named),
        cmocka_unit_test(half_an_answer_is_never_made_whole),
        cmocka_unit_test(an_error_in_mid_stream_is_an_event),
        cmocka_unit_test(silence_ends),
        cmocka_unit_test(a_client_that_leaves_ends_the_upstream),
        cmocka_unit_test(a_client_that_does_not_read_holds_the_upstream),
        cmocka_unit_test(the_key_goes_to_the_upstream_and_nowhere_else),
        cmocka_unit_test(wrong_options_are_told_without_their_secrets),
        cmocka_unit_test(many_ask_through_a_second_twin),
        cmocka_unit_test(events_are_the_same_however_they_are_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
