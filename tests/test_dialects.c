/* test_dialects.c -- what each dialect puts on the wire for a request, and what it refuses, with its sentences.
 * SPDX-License-Identifier: MIT
 */
#include "support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "call.h"
#include "request.h"

/* A view in a static initialiser. */
#define VIEW(literal) { (literal), sizeof(literal) - 1 }

/* ---- printing ---- */

/* The whole call, as it goes out. */
static castor_status print_call(cst_call *out, const castor_request *request, int64_t server_timeout_ms,
                                const cst_call_settings *settings, castor_error *error)
{
    castor_status status = cst_call_print(out, request, settings, cst_allocator_default(), error);

    return status == CASTOR_OK ? cst_call_print_headers(out, server_timeout_ms, settings, error) : status;
}

typedef struct printed {
    cst_call      call;
    castor_status status;
    castor_error  error;
} printed;

static void print(printed *out, const castor_request *request)
{
    cst_call_settings settings = { .api_key = CASTOR_STR("test-key"), .user_agent = CASTOR_STR("test") };

    out->error = (castor_error){ .status = CASTOR_OK };
    out->status = print_call(&out->call, request, 0, &settings, &out->error);
}

static void check_body(const castor_request *request, const char *url, const char *body)
{
    printed      got;
    cst_json_doc doc;

    print(&got, request);
    if (got.status != CASTOR_OK) fail_msg("refused: %s", got.error.message);
    assert_string_equal(got.call.wire.body.data, body);
    if (url) assert_string_equal(got.call.url.data, url);
    cst_json_doc_init(&doc, cst_allocator_default());
    assert_int_equal(cst_json_read(&doc, cst_buf_view(&got.call.wire.body), NULL, NULL), CASTOR_OK);
    cst_json_doc_free(&doc);
    cst_call_free(&got.call);
}

static void check_refused(const castor_request *request, const char *sentence)
{
    printed got;

    print(&got, request);
    assert_int_equal(got.status, CASTOR_INVALID);
    assert_string_equal(got.error.message, sentence);
    assert_int_equal(got.error.status, CASTOR_INVALID);
    cst_call_free(&got.call);
}

/* One question, in the dialect; everything else unset. */
static castor_request ask(castor_dialect dialect)
{
    static const castor_turn turn = { .role = CASTOR_USER, .text = VIEW("Why do beavers build dams?") };
    castor_request           request = CASTOR_REQUEST_INIT;

    request.dialect = dialect;
    request.model = "gemini-3.8-flash";
    request.turns = &turn;
    request.turn_count = 1;
    return request;
}

#define QUESTION "Why do beavers build dams?"
#define GEMINI "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"" QUESTION "\"}]}]"
#define OPENAI "{\"model\":\"gemini-3.8-flash\",\"messages\":[{\"role\":\"user\",\"content\":\"" QUESTION "\"}]"
#define OPENAI_STREAM OPENAI ",\"stream\":true,\"stream_options\":{\"include_usage\":true}"
#define HOST "https://generativelanguage.googleapis.com"

/* ---- gemini ---- */

static void what_is_unset_is_not_printed(void **state)
{
    (void)state;
    castor_request request = ask(CASTOR_DIALECT_GEMINI);

    check_body(&request, HOST "/v1beta/models/gemini-3.8-flash:streamGenerateContent?alt=sse", GEMINI "}");
    request.is_unary = 1;
    check_body(&request, HOST "/v1beta/models/gemini-3.8-flash:generateContent", GEMINI "}");
    request.dialect = CASTOR_DIALECT_DEFAULT;
    check_body(&request, HOST "/v1beta/models/gemini-3.8-flash:generateContent", GEMINI "}");
}

static void zero_is_a_value(void **state)
{
    (void)state;
    castor_request request = ask(CASTOR_DIALECT_GEMINI);

    request.temperature = castor_some_f64(0);
    request.top_p = castor_some_f64(0);
    request.seed = castor_some_i64(0);
    request.thinking_budget = castor_some_i64(0);
    check_body(&request, NULL, GEMINI
               ",\"generationConfig\":{\"temperature\":0,\"topP\":0,\"seed\":0,\"thinkingConfig\":{\"thinkingBudget\":"
               "0}}}");
}

static void every_setting_of_the_gemini_dialect_has_its_field(void **state)
{
    (void)state;
    static const char *const   stops[] = { "END", "\n\n" };
    static const castor_safety safety[] = { { "HARM_CATEGORY_HARASSMENT", "BLOCK_ONLY_HIGH" },
                                            { "HARM_CATEGORY_HATE_SPEECH", "OFF" } };
    castor_request             request = ask(CASTOR_DIALECT_GEMINI);

    request.system_instruction = CASTOR_STR("Be \"brief\".");
    request.temperature = castor_some_f64(0.7);
    request.top_p = castor_some_f64(0.95);
    request.top_k = castor_some_i64(40);
    request.max_output_tokens = castor_some_i64(1000);
    request.candidate_count = castor_some_i64(2);
    request.seed = castor_some_i64(-1);
    request.stop_sequences = stops;
    request.stop_sequence_count = 2;
    request.thinking_level = "low";
    request.include_thoughts = 1;
    request.response_schema = CASTOR_STR("{ \"type\": \"object\" }");
    request.safety = safety;
    request.safety_count = 2;
    request.tools_json = CASTOR_STR("[{\"googleSearch\":{}}]");
    check_body(&request, NULL,
               GEMINI ",\"systemInstruction\":{\"parts\":[{\"text\":\"Be \\\"brief\\\".\"}]}"
               ",\"safetySettings\":[{\"category\":\"HARM_CATEGORY_HARASSMENT\",\"threshold\":\"BLOCK_ONLY_HIGH\"},"
               "{\"category\":\"HARM_CATEGORY_HATE_SPEECH\",\"threshold\":\"OFF\"}]"
               ",\"tools\":[{\"googleSearch\":{}}]"
               ",\"generationConfig\":{\"temperature\":0.7,\"topP\":0.95,\"topK\":40,\"maxOutputTokens\":1000,"
               "\"candidateCount\":2,\"seed\":-1,"
               "\"stopSequences\":[\"END\",\"\\n\\n\"],\"thinkingConfig\":{\"includeThoughts\":true,"
               "\"thinkingLevel\":\"LOW\"},"
               "\"responseMimeType\":\"application/json\",\"responseJsonSchema\":{ \"type\": \"object\" }}}");
}

static void a_mime_type_alone_is_printed_as_it_stands(void **state)
{
    (void)state;
    castor_request request = ask(CASTOR_DIALECT_GEMINI);

    request.response_mime_type = "text/x.enum";
    check_body(&request, NULL, GEMINI ",\"generationConfig\":{\"responseMimeType\":\"text/x.enum\"}}");
}

static void parts_of_all_kinds_are_printed_and_raw_ones_byte_for_byte(void **state)
{
    (void)state;
    static const castor_part asked[] = {
        { .type = CASTOR_PART_TEXT, .text = VIEW("and") },
        { .type = CASTOR_PART_DATA, .mime_type = "image/png", .data = VIEW("\x89PNG") },
        { .type = CASTOR_PART_FILE, .mime_type = "video/mp4", .file_uri = "https://files.example/b1" },
        { .type = CASTOR_PART_FILE, .file_uri = "https://files.example/b2" },
    };
    static const castor_part answered[] = {
        { .type = CASTOR_PART_RAW,
          .raw = VIEW("{ \"functionCall\" : {\"name\":\"f\",\"args\":{\"x\":1.0E+2}}, "
                      "\"thoughtSignature\":\"Q\\u003d\" }") },
    };
    static const castor_part results[] = {
        { .type = CASTOR_PART_FUNCTION_RESULT, .name = "f", .id = "call-1", .text = VIEW("{\"dams\": 3}") },
        { .type = CASTOR_PART_FUNCTION_RESULT, .name = "g", .text = VIEW("{}") },
    };
    static const castor_turn turns[] = {
        { .role = CASTOR_USER, .text = VIEW("Look"), .parts = asked, .part_count = 4 },
        { .role = CASTOR_MODEL, .parts = answered, .part_count = 1 },
        { .role = CASTOR_USER, .parts = results, .part_count = 2 },
    };
    castor_request request = ask(CASTOR_DIALECT_GEMINI);

    request.turns = turns;
    request.turn_count = 3;
    check_body(&request, NULL,
               "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"Look\"},{\"text\":\"and\"},"
               "{\"inlineData\":{\"mimeType\":\"image/png\",\"data\":\"iVBORw==\"}},"
               "{\"fileData\":{\"mimeType\":\"video/mp4\",\"fileUri\":\"https://files.example/b1\"}},"
               "{\"fileData\":{\"fileUri\":\"https://files.example/b2\"}}]},"
               "{\"role\":\"model\",\"parts\":[{ \"functionCall\" : {\"name\":\"f\",\"args\":{\"x\":1.0E+2}}, "
               "\"thoughtSignature\":\"Q\\u003d\" }]},"
               "{\"role\":\"user\",\"parts\":[{\"functionResponse\":{\"id\":\"call-1\",\"name\":\"f\","
               "\"response\":{\"dams\": 3}}},"
               "{\"functionResponse\":{\"name\":\"g\",\"response\":{}}}]}]}");
}

static void a_model_name_may_have_its_prefix(void **state)
{
    (void)state;
    castor_request request = ask(CASTOR_DIALECT_GEMINI);

    request.model = "models/gemini-3.8-flash";
    check_body(&request, HOST "/v1beta/models/gemini-3.8-flash:streamGenerateContent?alt=sse", GEMINI "}");
    request.model = "tunedModels/beaver-7";
    check_body(&request, HOST "/v1beta/tunedModels/beaver-7:streamGenerateContent?alt=sse", GEMINI "}");
}

/* ---- extra_json and body_json ---- */

static void check_merged(const char *extra, const char *expected)
{
    castor_request request = ask(CASTOR_DIALECT_GEMINI);

    request.temperature = castor_some_f64(0.5);
    request.extra_json = castor_str_of(extra);
    check_body(&request, NULL, expected);
}

static void extra_json_is_merged_objects_deeply_and_the_rest_replaces(void **state)
{
    (void)state;
    check_merged("{}", GEMINI ",\"generationConfig\":{\"temperature\":0.5}}");
    check_merged("{\"cachedContent\":\"cachedContents/x\"}", GEMINI
                 ",\"generationConfig\":{\"temperature\":0.5},\"cachedContent\":\"cachedContents/x\"}");
    check_merged("{\"generationConfig\":{\"enableEnhancedCivicAnswers\":true}}",
                 GEMINI ",\"generationConfig\":{\"temperature\":0.5,\"enableEnhancedCivicAnswers\":true}}");
    check_merged("{\"generationConfig\":{\"temperature\":1.50e0}}", GEMINI
                 ",\"generationConfig\":{\"temperature\":1.50e0}}");
    check_merged("{\"generationConfig\":null}", GEMINI ",\"generationConfig\":null}");
    check_merged("{\"contents\":[]}", "{\"contents\":[],\"generationConfig\":{\"temperature\":0.5}}");
    check_merged("{\"generationConfig\":{\"a\":{\"b\":{\"c\":1}}}}", GEMINI
                 ",\"generationConfig\":{\"temperature\":0.5,\"a\":{\"b\":{\"c\":1}}}}");
}

static void extra_json_keeps_order_spelling_and_white_space_of_values(void **state)
{
    (void)state;
    check_merged(" { \"z\" : 1.0E+2 , \"a\" : [ 1 , 123456789012345678901234567890 ] , \"\\u006d\" : \"\\u0041\" } ",
                 GEMINI ",\"generationConfig\":{\"temperature\":0.5},\"z\":1.0E+2,\"a\":[ 1 , "
                        "123456789012345678901234567890 ],\"m\":\"\\u0041\"}");
    check_merged("{\"gener\\u0061tionConfig\":{\"top\\u0050\":1}}", GEMINI
                 ",\"generationConfig\":{\"temperature\":0.5,\"topP\":1}}");
    check_merged("{\"a\\\"b\\\\\":1}", GEMINI ",\"generationConfig\":{\"temperature\":0.5},\"a\\\"b\\\\\":1}");
}

static void body_json_is_sent_as_it_stands(void **state)
{
    (void)state;
    castor_request request = CASTOR_REQUEST_INIT;

    request.model = "gemini-3.8-flash";
    request.body_json = CASTOR_STR(" {\"contents\" : [ {\"parts\":[{\"text\":\"Hi\"}]} ], \"x\":1.0 } ");
    check_body(&request, HOST "/v1beta/models/gemini-3.8-flash:streamGenerateContent?alt=sse",
               " {\"contents\" : [ {\"parts\":[{\"text\":\"Hi\"}]} ], \"x\":1.0 } ");
    request.dialect = CASTOR_DIALECT_OPENAI;
    request.model = NULL;
    check_body(&request, HOST "/v1beta/openai/chat/completions",
               " {\"contents\" : [ {\"parts\":[{\"text\":\"Hi\"}]} ], \"x\":1.0 } ");
}

static void json_given_as_text_is_checked_first(void **state)
{
    (void)state;
    castor_request request = ask(CASTOR_DIALECT_GEMINI);
    printed        got;

    request.extra_json = CASTOR_STR("{\"a\":}");
    print(&got, &request);
    assert_int_equal(got.status, CASTOR_INVALID);
    assert_true(cst_str_starts_with(castor_str_of(got.error.message), "extra_json is not JSON at byte 5: "));
    assert_true(got.error.offset.is_set && got.error.offset.value == 5);
    cst_call_free(&got.call);

    request.extra_json = CASTOR_STR("[1]");
    check_refused(&request, "extra_json is not an object");
    request.extra_json = CST_NONE;
    request.tools_json = CASTOR_STR("{}");
    check_refused(&request, "tools_json is not an array");
    request.tools_json = CST_NONE;
    request.response_schema = CASTOR_STR("[]");
    check_refused(&request, "response_schema is not an object");
    request.response_schema = CASTOR_STR("{}");
    request.response_mime_type = "text/plain";
    check_refused(&request, "response_mime_type is \"text/plain\" but a response_schema needs application/json");
    request = ask(CASTOR_DIALECT_GEMINI);
    request.body_json = CASTOR_STR("{}");
    check_refused(&request, "body_json is the whole body; turns beside it would be lost");
    request.turn_count = 0;
    request.temperature = castor_some_f64(1);
    check_refused(&request, "body_json is the whole body; a sampling setting beside it would be lost");
    request.temperature.is_set = 0;
    request.body_json = CASTOR_STR("12");
    check_refused(&request, "body_json is not an object");
}

/* ---- what every server would refuse ---- */

static void text_that_is_not_utf8_is_refused_at_its_byte(void **state)
{
    (void)state;
    castor_request request = ask(CASTOR_DIALECT_GEMINI);
    castor_turn    turn = { .role = CASTOR_USER, .text = CASTOR_STR("caf\xE9") };

    request.turns = &turn;
    request.turn_count = 1;
    check_refused(&request, "the text of a turn is not UTF-8 at byte 3");
    turn.text = CASTOR_STR("caf\xC3\xA9");
    request.system_instruction = CASTOR_STR("\xED\xA0\x80");
    check_refused(&request, "the system instruction is not UTF-8 at byte 0");
}

static void a_request_without_a_turn_or_a_model_is_refused(void **state)
{
    (void)state;
    castor_request request = ask(CASTOR_DIALECT_GEMINI);

    request.turn_count = 0;
    check_refused(&request, "the request holds no turn: there is nothing to answer");
    request = ask(CASTOR_DIALECT_GEMINI);
    request.model = NULL;
    check_refused(&request, "the request names no model; set model, for example \"gemini-3.8-flash\"");
    request.model = "";
    check_refused(&request, "the request names no model; set model, for example \"gemini-3.8-flash\"");
    request.dialect = (castor_dialect)77;
    check_refused(&request, "dialect 77 is none that we know");
}

static void a_model_name_cannot_leave_its_place_in_the_path(void **state)
{
    static const char *const bad[] = { "a b", "a?b", "a&b", "a#b", "a%2f", "a\"b", "a\\b", "B\xC3\xA4r" };
    static const char *const worse[] = { "../secrets", "models/../x", "/gemini", "a/.." };
    castor_request           request = ask(CASTOR_DIALECT_GEMINI);

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char sentence[128];
        request.model = bad[i];
        size_t at = strcspn(bad[i], " ?&#%\"\\\xC3");
        (void)snprintf(sentence, sizeof sentence,
                       "model \"%s\" holds a character that no model name has (position %zu)", bad[i], at);
        check_refused(&request, sentence);
    }
    for (size_t i = 0; i < sizeof worse / sizeof *worse; i++) {
        char sentence[128];
        request.model = worse[i];
        (void)snprintf(sentence, sizeof sentence, "model \"%s\" is not a model name", worse[i]);
        check_refused(&request, sentence);
    }
}

/* A name that would end its own method, or have none. */
static void a_model_name_cannot_choose_another_method(void **state)
{
    static const char *const bad[] = { "gemini:countTokens?x=", "gemini-3.8-flash:embedContent", "models/",
                                       "models//x", "a\nb", "a\x7F" };
    castor_request           request = ask(CASTOR_DIALECT_GEMINI);
    printed                  got;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        request.model = bad[i];
        print(&got, &request);
        if (got.status != CASTOR_INVALID) fail_msg("\"%s\" became %s", bad[i], got.call.url.data);
        cst_call_free(&got.call);
    }
}

static void numbers_out_of_range_are_refused_with_their_range(void **state)
{
    (void)state;
    castor_request request = ask(CASTOR_DIALECT_GEMINI);

    request.temperature = castor_some_f64(2.5);
    check_refused(&request, "temperature is 2.5; it must be from 0 to 2");
    request.temperature = castor_some_f64((double)NAN);
    check_refused(&request, "temperature is nan; it must be from 0 to 2");
    request.temperature = castor_some_f64(-0.1);
    check_refused(&request, "temperature is -0.1; it must be from 0 to 2");
    request.temperature = castor_some_f64(2);
    request.top_p = castor_some_f64(1.01);
    check_refused(&request, "top_p is 1.01; it must be from 0 to 1");
    request.top_p = castor_some_f64(1);
    request.top_k = castor_some_i64(0);
    check_refused(&request, "top_k is 0; it must be from 1 to 2147483647");
    request.top_k = castor_some_i64(1);
    request.max_output_tokens = castor_some_i64(0);
    check_refused(&request, "max_output_tokens is 0; it must be from 1 to 2147483647");
    request.max_output_tokens = castor_some_i64(1);
    request.candidate_count = castor_some_i64(0);
    check_refused(&request, "candidate_count is 0; it must be from 1 to 128");
    request.candidate_count = castor_some_i64(1);
    request.hops_max = -1;
    check_refused(&request, "hops_max is -1; give a count, or 0 for the default");
    request.hops_max = 0;
    request.seed = castor_some_i64(INT64_C(2147483648));
    check_refused(&request, "seed is 2147483648; it must be from -2147483648 to 2147483647");
    request.seed = castor_some_i64(INT32_MIN);
    request.thinking_budget = castor_some_i64(-2);
    check_refused(&request, "thinking_budget is -2; it must be from -1 to 2147483647");
    request.thinking_budget = castor_some_i64(-1);
    check_body(&request, NULL, GEMINI
               ",\"generationConfig\":{\"temperature\":2,\"topP\":1,\"topK\":1,\"maxOutputTokens\":1,"
               "\"candidateCount\":1,"
                                      "\"seed\":-2147483648,\"thinkingConfig\":{\"thinkingBudget\":-1}}}");
    request.thinking_level = "low";
    check_refused(&request, "thinking_budget and thinking_level are both set; the server takes one");
}

static void six_stop_sequences_are_one_too_many(void **state)
{
    (void)state;
    static const char *const stops[] = { "a", "b", "c", "d", "e", "f" };
    castor_request           request = ask(CASTOR_DIALECT_GEMINI);

    request.stop_sequences = stops;
    request.stop_sequence_count = 5;
    check_body(&request, NULL, GEMINI ",\"generationConfig\":{\"stopSequences\":[\"a\",\"b\",\"c\",\"d\",\"e\"]}}");
    request.stop_sequence_count = 6;
    check_refused(&request, "6 stop sequences are set; the server takes 5 at most");
}

static void parts_that_lack_something_are_refused_by_number(void **state)
{
    (void)state;
    castor_part    parts[2] = { { .type = CASTOR_PART_TEXT, .text = VIEW("x") }, { .type = CASTOR_PART_DATA } };
    castor_turn    turns[2] = { { .role = CASTOR_USER, .text = VIEW("x") },
                                { .role = CASTOR_USER, .parts = parts, .part_count = 2 } };
    castor_request request = ask(CASTOR_DIALECT_GEMINI);

    request.turns = turns;
    request.turn_count = 2;
    check_refused(&request, "part 1 of turn 1 lacks its mime_type");
    parts[1].mime_type = "image/png";
    check_refused(&request, "part 1 of turn 1 lacks its data");
    parts[1].type = CASTOR_PART_FILE;
    check_refused(&request, "part 1 of turn 1 lacks its file_uri");
    parts[1].type = CASTOR_PART_FUNCTION_RESULT;
    check_refused(&request, "part 1 of turn 1 lacks its name");
    parts[1].name = "f";
    check_refused(&request, "part 1 of turn 1 lacks its text (the result as JSON)");
    parts[1].text = CASTOR_STR("[]");
    check_refused(&request, "the function result is not an object");
    parts[1].type = CASTOR_PART_RAW;
    check_refused(&request, "part 1 of turn 1 lacks its raw");
    parts[1].raw = CASTOR_STR("\"x\"");
    check_refused(&request, "the raw part is not an object");
    parts[1].type = (castor_part_type)9;
    check_refused(&request, "part 1 of turn 1 has the unknown type 9");
    turns[1].part_count = 0;
    check_refused(&request, "turn 1 is empty: it has neither text nor parts");
    turns[1].text = CASTOR_STR("x");
    turns[1].role = (castor_role)5;
    check_refused(&request, "turn 1 has the unknown role 5");
}

/* ---- openai ---- */

static void chat_completions_stream_with_their_counts(void **state)
{
    (void)state;
    castor_request request = ask(CASTOR_DIALECT_OPENAI);

    check_body(&request, HOST "/v1beta/openai/chat/completions", OPENAI_STREAM "}");
    request.is_unary = 1;
    check_body(&request, HOST "/v1beta/openai/chat/completions", OPENAI "}");
}

static void every_setting_of_chat_completions_has_its_field(void **state)
{
    (void)state;
    static const char *const stops[] = { "END" };
    castor_request           request = ask(CASTOR_DIALECT_OPENAI);

    request.is_unary = 1;
    request.system_instruction = CASTOR_STR("Be brief.");
    request.temperature = castor_some_f64(0);
    request.top_p = castor_some_f64(0.5);
    request.max_output_tokens = castor_some_i64(7);
    request.candidate_count = castor_some_i64(2);
    request.seed = castor_some_i64(0);
    request.thinking_level = "high";
    request.stop_sequences = stops;
    request.stop_sequence_count = 1;
    request.response_schema = CASTOR_STR("{\"type\":\"object\"}");
    request.tools_json = CASTOR_STR("[{\"type\":\"function\"}]");
    check_body(&request, NULL,
               "{\"model\":\"gemini-3.8-flash\",\"messages\":[{\"role\":\"system\",\"content\":\"Be brief.\"},"
               "{\"role\":\"user\",\"content\":\"" QUESTION "\"}]"
               ",\"temperature\":0,\"top_p\":0.5,\"max_tokens\":7,\"n\":2,\"seed\":0,\"reasoning_effort\":\"high\","
               "\"stop\":[\"END\"]"
               ",\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"response\","
               "\"schema\":{\"type\":\"object\"}}}"
               ",\"tools\":[{\"type\":\"function\"}]}");
}

static void json_without_a_schema_is_a_json_object(void **state)
{
    (void)state;
    castor_request request = ask(CASTOR_DIALECT_OPENAI);

    request.is_unary = 1;
    request.response_mime_type = "application/json";
    check_body(&request, NULL, OPENAI ",\"response_format\":{\"type\":\"json_object\"}}");
    request.response_mime_type = "text/plain";
    check_body(&request, NULL, OPENAI "}");
}

static void messages_hold_pieces_calls_and_results(void **state)
{
    (void)state;
    static const castor_part asked[] = {
        { .type = CASTOR_PART_TEXT, .text = VIEW("and") },
        { .type = CASTOR_PART_DATA, .mime_type = "image/png", .data = VIEW("\x89PNG") },
        { .type = CASTOR_PART_DATA, .mime_type = "audio/wav", .data = VIEW("RIFF") },
        { .type = CASTOR_PART_FILE, .file_uri = "https://files.example/b1" },
    };
    static const castor_part answered[] = {
        { .type = CASTOR_PART_RAW,
          .raw = VIEW("{\"function\":{\"arguments\":\"{}\",\"name\":\"f\"},\"id\":\"a\",\"type\":\"function\"}") },
    };
    static const castor_part results[] = {
        { .type = CASTOR_PART_FUNCTION_RESULT, .name = "f", .id = "a", .text = VIEW("{\"dams\": 3}") },
    };
    static const castor_turn turns[] = {
        { .role = CASTOR_USER, .text = VIEW("Look"), .parts = asked, .part_count = 4 },
        { .role = CASTOR_MODEL, .parts = answered, .part_count = 1 },
        { .role = CASTOR_USER, .text = VIEW("Well?"), .parts = results, .part_count = 1 },
        { .role = CASTOR_USER, .parts = results, .part_count = 1 },
    };
    castor_request request = ask(CASTOR_DIALECT_OPENAI);

    request.is_unary = 1;
    request.turns = turns;
    request.turn_count = 4;
    check_body(&request, NULL,
               "{\"model\":\"gemini-3.8-flash\",\"messages\":["
               "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"Look\"},{\"type\":\"text\","
               "\"text\":\"and\"},"
               "{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:image/png;base64,iVBORw==\"}},"
               "{\"type\":\"input_audio\",\"input_audio\":{\"data\":\"UklGRg==\",\"format\":\"wav\"}},"
               "{\"type\":\"image_url\",\"image_url\":{\"url\":\"https://files.example/b1\"}}]},"
               "{\"role\":\"assistant\",\"tool_calls\":[{\"function\":{\"arguments\":\"{}\",\"name\":\"f\"},"
               "\"id\":\"a\",\"type\":\"function\"}]},"
               "{\"role\":\"tool\",\"tool_call_id\":\"a\",\"name\":\"f\",\"content\":\"{\\\"dams\\\": 3}\"},"
               "{\"role\":\"user\",\"content\":\"Well?\"},"
               "{\"role\":\"tool\",\"tool_call_id\":\"a\",\"name\":\"f\",\"content\":\"{\\\"dams\\\": 3}\"}]}");
}

#define NO_CHAT(field) "chat completions have no " field "; unset it, or put the server's own form into extra_json"

static void what_chat_completions_cannot_say_is_refused(void **state)
{
    (void)state;
    static const castor_safety safety = { "HARM_CATEGORY_HARASSMENT", "OFF" };
    castor_request             request = ask(CASTOR_DIALECT_OPENAI);

    request.top_k = castor_some_i64(1);
    check_refused(&request, NO_CHAT("top_k"));
    request = ask(CASTOR_DIALECT_OPENAI);
    request.safety = &safety;
    request.safety_count = 1;
    check_refused(&request, NO_CHAT("safety"));
    request = ask(CASTOR_DIALECT_OPENAI);
    request.thinking_budget = castor_some_i64(0);
    check_refused(&request, NO_CHAT("thinking_budget (thinking_level works)"));
    request = ask(CASTOR_DIALECT_OPENAI);
    request.include_thoughts = 1;
    check_refused(&request, NO_CHAT("include_thoughts"));
}

/* "text/x.enum" is no format of theirs: to leave it out would be to drop it. */
static void a_response_format_that_chat_completions_lack_is_refused(void **state)
{
    (void)state;
    castor_request request = ask(CASTOR_DIALECT_OPENAI);
    printed        got;

    request.response_mime_type = "text/x.enum";
    print(&got, &request);
    if (got.status != CASTOR_INVALID) fail_msg("it became %s", got.call.wire.body.data);
    cst_call_free(&got.call);
}

/* ---- message ---- */

static void generate_message_has_two_bodies(void **state)
{
    (void)state;
    static const castor_turn turns[] = { { .role = CASTOR_USER, .text = VIEW("Hi") },
                                         { .role = CASTOR_MODEL, .text = VIEW("Hello") },
                                         { .role = CASTOR_USER, .text = VIEW("Dams?") } };
    castor_request           request = ask(CASTOR_DIALECT_MESSAGE);

    request.model = "models/chat-bison-001";
    request.turns = turns;
    request.turn_count = 3;
    request.temperature = castor_some_f64(0);
    request.top_p = castor_some_f64(0.5);
    request.top_k = castor_some_i64(40);
    request.candidate_count = castor_some_i64(2);
    request.max_output_tokens = castor_some_i64(9);
    check_body(&request, HOST "/v1beta2/models/chat-bison-001:generateMessage",
               "{\"model\":\"chat-bison-001\",\"prompt\":[{\"text\":\"Hi\"},{\"text\":\"Hello\"},{\"text\":\"Dams?\"}"
               "],\"stream\":true,"
               "\"temperature\":0,\"candidate_count\":2,\"top_p\":0.5,\"top_k\":40,\"max_output_tokens\":9}");
    request.is_unary = 1;
    request.max_output_tokens = (castor_i64){ 0 };
    request.system_instruction = CASTOR_STR("Be kind");
    check_body(&request, HOST "/v1beta2/models/chat-bison-001:generateMessage",
               "{\"prompt\":{\"context\":\"Be kind\",\"messages\":[{\"author\":\"0\",\"content\":\"Hi\"},"
               "{\"author\":\"1\",\"content\":\"Hello\"},"
               "{\"author\":\"0\",\"content\":\"Dams?\"}]},\"temperature\":0,\"candidateCount\":2,\"topP\":0.5,"
               "\"topK\":40}");
}

#define NO_MESSAGE(field) "generateMessage has no " field "; unset it"

static void what_generate_message_cannot_say_is_refused(void **state)
{
    (void)state;
    static const char *const   stops[] = { "END" };
    static const castor_safety safety = { "HARM_CATEGORY_HARASSMENT", "OFF" };
    static const castor_part   part = { .type = CASTOR_PART_TEXT, .text = VIEW("x") };
    static const castor_turn   turn = { .role = CASTOR_USER, .parts = &part, .part_count = 1 };
    const castor_request       plain = ask(CASTOR_DIALECT_MESSAGE);
    castor_request             request = plain;

    request.system_instruction = CASTOR_STR("Be kind");
    check_refused(&request, NO_MESSAGE("streamed system_instruction"));
    request = plain;
    request.is_unary = 1;
    request.max_output_tokens = castor_some_i64(9);
    check_refused(&request, NO_MESSAGE("unary max_output_tokens"));
    request = plain;
    request.seed = castor_some_i64(0);
    check_refused(&request, NO_MESSAGE("seed"));
    request = plain;
    request.stop_sequences = stops;
    request.stop_sequence_count = 1;
    check_refused(&request, NO_MESSAGE("stop_sequences"));
    request = plain;
    request.include_thoughts = 1;
    check_refused(&request, NO_MESSAGE("thinking"));
    request = plain;
    request.response_mime_type = "application/json";
    check_refused(&request, NO_MESSAGE("response format"));
    request = plain;
    request.safety = &safety;
    request.safety_count = 1;
    check_refused(&request, NO_MESSAGE("safety"));
    request = plain;
    request.tools_json = CASTOR_STR("[]");
    check_refused(&request, NO_MESSAGE("tools"));
    request = plain;
    request.turns = &turn;
    check_refused(&request, NO_MESSAGE("parts other than a turn's text"));
}

/* ---- where it goes ---- */

static void check_url(castor_dialect dialect, const char *base_url, bool is_google_base, const char *expected)
{
    castor_request    request = ask(dialect);
    cst_call          call;
    castor_error      error;
    cst_call_settings settings = { .base_url = castor_str_of(base_url), .is_google_base = is_google_base,
                                   .api_key = CASTOR_STR("test-key"), .user_agent = CASTOR_STR("test") };

    assert_int_equal(print_call(&call, &request, 0, &settings, &error), CASTOR_OK);
    assert_string_equal(call.url.data, expected);
    assert_null(tst_find(cst_buf_view(&call.url), CASTOR_STR("test-key")));
    cst_call_free(&call);
}

static void a_base_url_may_have_a_path_and_a_trailing_slash(void **state)
{
    (void)state;
    check_url(CASTOR_DIALECT_GEMINI, "http://localhost:8080", true,
              "http://localhost:8080/v1beta/models/gemini-3.8-flash:streamGenerateContent?alt=sse");
    check_url(CASTOR_DIALECT_GEMINI, "http://localhost:8080/", true,
              "http://localhost:8080/v1beta/models/gemini-3.8-flash:streamGenerateContent?alt=sse");
    check_url(CASTOR_DIALECT_GEMINI, "https://proxy.example/gemini//", false,
              "https://proxy.example/gemini/v1beta/models/gemini-3.8-flash:streamGenerateContent?alt=sse");
    check_url(CASTOR_DIALECT_OPENAI, "http://localhost:11434/v1", false, "http://localhost:11434/v1/chat/completions");
    check_url(CASTOR_DIALECT_OPENAI, "http://localhost:11434/v1/", false, "http://localhost:11434/v1/chat/completions");
    check_url(CASTOR_DIALECT_OPENAI, "http://localhost:8080", true,
              "http://localhost:8080/v1beta/openai/chat/completions");
    check_url(CASTOR_DIALECT_MESSAGE, "http://localhost:8080", true,
              "http://localhost:8080/v1beta2/models/gemini-3.8-flash:generateMessage");
}

/* The header of that name, or NULL. */
static const char *header(const cst_call *call, const char *name)
{
    for (size_t i = 0; i < call->line_count; i++) {
        if (cst_str_starts_with(castor_str_of(cst_call_line(call, i)), name)) {
            return cst_call_line(call, i) + strlen(name);
        }
    }
    return NULL;
}

static void the_key_goes_into_one_header_and_nowhere_else(void **state)
{
    (void)state;
    castor_request request = ask(CASTOR_DIALECT_GEMINI);
    printed        got;

    print(&got, &request);
    assert_string_equal(header(&got.call, "x-goog-api-key: "), "test-key");
    assert_null(header(&got.call, "Authorization: "));
    assert_string_equal(header(&got.call, "Content-Type: "), "application/json");
    assert_null(header(&got.call, "X-Server-Timeout: "));
    assert_null(tst_find(cst_buf_view(&got.call.wire.body), CASTOR_STR("test-key")));
    cst_call_free(&got.call);

    request.dialect = CASTOR_DIALECT_OPENAI;
    print(&got, &request);
    assert_string_equal(header(&got.call, "Authorization: "), "Bearer test-key");
    assert_null(header(&got.call, "x-goog-api-key: "));
    cst_call_free(&got.call);
}

static void a_time_limit_is_told_in_whole_seconds_rounded_up(void **state)
{
    (void)state;
    castor_request    request = ask(CASTOR_DIALECT_GEMINI);
    cst_call_settings settings = { .api_key = CASTOR_STR("test-key"), .user_agent = CASTOR_STR("test") };
    const struct { int64_t ms; const char *seconds; } cases[] = { { 1, "1" }, { 1000, "1" }, { 1001, "2" },
                                                                  { 90000, "90" } };

    for (size_t i = 0; i < 4; i++) {
        cst_call call;
        assert_int_equal(print_call(&call, &request, cases[i].ms, &settings, NULL),
                         CASTOR_OK);
        assert_string_equal(header(&call, "X-Server-Timeout: "), cases[i].seconds);
        cst_call_free(&call);
    }
}

static void a_missing_key_is_told_before_anything_is_sent(void **state)
{
    (void)state;
    castor_request    request = ask(CASTOR_DIALECT_GEMINI);
    cst_call_settings settings = { .user_agent = CASTOR_STR("test") };
    cst_call          call;
    castor_error      error;

    assert_int_equal(print_call(&call, &request, 0, &settings, &error), CASTOR_INVALID);
    assert_int_equal(error.verdict, CASTOR_VERDICT_AUTH);
    cst_call_free(&call);

    /* A chat server of one's own may want none. */
    request.dialect = CASTOR_DIALECT_OPENAI;
    settings.base_url = CASTOR_STR("http://localhost:11434/v1");
    assert_int_equal(print_call(&call, &request, 0, &settings, &error), CASTOR_OK);
    assert_null(header(&call, "Authorization: "));
    cst_call_free(&call);
}

static void a_preview_hides_the_key(void **state)
{
    (void)state;
    castor_request    request = ask(CASTOR_DIALECT_OPENAI);
    cst_call_settings settings = { .api_key = CASTOR_STR("test-key"), .user_agent = CASTOR_STR("test"),
                                   .hides_key = true };
    cst_call          call;

    assert_int_equal(print_call(&call, &request, 0, &settings, NULL), CASTOR_OK);
    assert_null(tst_find((castor_str){ call.lines.data, call.lines.len }, CASTOR_STR("test-key")));
    cst_call_free(&call);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_unset_is_not_printed),
        cmocka_unit_test(zero_is_a_value),
        cmocka_unit_test(every_setting_of_the_gemini_dialect_has_its_field),
        cmocka_unit_test(a_mime_type_alone_is_printed_as_it_stands),
        cmocka_unit_test(parts_of_all_kinds_are_printed_and_raw_ones_byte_for_byte),
        cmocka_unit_test(a_model_name_may_have_its_prefix),
        cmocka_unit_test(extra_json_is_merged_objects_deeply_and_the_rest_replaces),
        cmocka_unit_test(extra_json_keeps_order_spelling_and_white_space_of_values),
        cmocka_unit_test(body_json_is_sent_as_it_stands),
        cmocka_unit_test(json_given_as_text_is_checked_first),
        cmocka_unit_test(text_that_is_not_utf8_is_refused_at_its_byte),
        cmocka_unit_test(a_request_without_a_turn_or_a_model_is_refused),
        cmocka_unit_test(a_model_name_cannot_leave_its_place_in_the_path),
        cmocka_unit_test(a_model_name_cannot_choose_another_method),
        cmocka_unit_test(numbers_out_of_range_are_refused_with_their_range),
        cmocka_unit_test(six_stop_sequences_are_one_too_many),
        cmocka_unit_test(parts_that_lack_something_are_refused_by_number),
        cmocka_unit_test(chat_completions_stream_with_their_counts),
        cmocka_unit_test(every_setting_of_chat_completions_has_its_field),
        cmocka_unit_test(json_without_a_schema_is_a_json_object),
        cmocka_unit_test(messages_hold_pieces_calls_and_results),
        cmocka_unit_test(what_chat_completions_cannot_say_is_refused),
        cmocka_unit_test(a_response_format_that_chat_completions_lack_is_refused),
        cmocka_unit_test(generate_message_has_two_bodies),
        cmocka_unit_test(what_generate_message_cannot_say_is_refused),
        cmocka_unit_test(a_base_url_may_have_a_path_and_a_trailing_slash),
        cmocka_unit_test(the_key_goes_into_one_header_and_nowhere_else),
        cmocka_unit_test(a_time_limit_is_told_in_whole_seconds_rounded_up),
        cmocka_unit_test(a_missing_key_is_told_before_anything_is_sent),
        cmocka_unit_test(a_preview_hides_the_key),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
