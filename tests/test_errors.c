/* test_errors.c -- refusals in the shapes and words of Google: keys, tokens, paths, verbs, sizes.
 * SPDX-License-Identifier: MIT
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "twin.h"

#define HEADER(key) "x-goog-api-key: " key "\r\n"

static void check(const tst_pollux *p, const char *path, const char *headers, int status, const char *words)
{
    tst_answer a = tst_ask_with(p, path, headers, PROMPT("Short"));

    if (a.status != status) fail_msg("%s %s: status %d instead of %d:\n%s", path, headers, a.status, status, a.body);
    if (words) tst_contains(&a, words);
    tst_forget(&a);
}

/* ---- keys ---- */

static void each_kind_of_refused_key_has_its_own_error(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        int         code;
        const char *status, *message, *reason;
    } cases[] = {
        { HEADER("bad-key"), 400, "INVALID_ARGUMENT", "API key not valid.", "API_KEY_INVALID" },
        { HEADER("expired-key"), 400, "INVALID_ARGUMENT", "API key expired. Please renew the", "API_KEY_INVALID" },
        { HEADER("leaked-key"), 403, "PERMISSION_DENIED", "Your API key was reported as leaked.", NULL },
        { HEADER("disabled-key"), 403, "PERMISSION_DENIED", "Enable it by visiting", "SERVICE_DISABLED" },
        { HEADER("restricted-key"), 403, "PERMISSION_DENIED", "are blocked.", "API_KEY_SERVICE_BLOCKED" },
        { HEADER("referrer-key"), 403, "PERMISSION_DENIED", "are blocked.", "API_KEY_HTTP_REFERRER_BLOCKED" },
        { HEADER("address-key"), 403, "PERMISSION_DENIED", "IP address", "API_KEY_IP_ADDRESS_BLOCKED" },
        { HEADER("denied-key"), 403, "PERMISSION_DENIED", "The caller does not have permission", NULL },
        { HEADER("location-key"), 400, "FAILED_PRECONDITION", "User location is not supported for the API", NULL },
        { HEADER("billing-key"), 400, "FAILED_PRECONDITION", "Please enable billing", NULL },
    };
    char words[96];

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        tst_answer a = tst_ask_with(&tst_shared, WHOLE, cases[i].header, PROMPT("Short"));
        assert_int_equal(a.status, cases[i].code);
        tst_contains(&a, cases[i].message);
        snprintf(words, sizeof words, "\"status\": \"%s\"", cases[i].status);
        tst_contains(&a, words);
        snprintf(words, sizeof words, "\"reason\": \"%s\"", cases[i].reason ? cases[i].reason : "");
        if (cases[i].reason) tst_contains(&a, words);
        else tst_lacks(&a, "details");
        tst_forget(&a);
    }
}

static void a_disabled_service_says_where_to_enable_it(void **state)
{
    (void)state;
    tst_answer a = tst_ask_with(&tst_shared, STREAM, HEADER("disabled-key"), PROMPT("Short"));

    tst_contains(&a, "\"details\": [\n      {\n        \"@type\": \"type.googleapis.com/google.rpc.Help\",\n"
                     "        \"links\": [\n          {\n"
                     "            \"description\": \"Google developers console API activation\",\n"
                     "            \"url\": \"https://console.developers.google.com/");
    tst_contains(&a, "\"metadata\": {\n          \"service\": \"generativelanguage.googleapis.com\",\n"
                     "          \"consumer\": \"projects/");
    tst_contains(&a, "\"locale\": \"en-US\"");
    tst_forget(&a);
}

static void white_space_around_a_key_does_not_count(void **state)
{
    (void)state;
    tst_pollux p = TST_POLLUX("--instant", "-q", "--key", "our-key");

    check(&p, WHOLE, HEADER("  our-key\t "), 200, NULL);
    check(&p, WHOLE "?key=%20our-key%0A", "", 200, NULL);
    check(&p, CHAT, "Authorization: Bearer   our-key \r\n", 400, "Unknown name"); /* the body is another dialect's */
    tst_pollux_stop(&p);
}

static void with_one_key_every_other_is_wrong(void **state)
{
    (void)state;
    tst_pollux p = TST_POLLUX("--instant", "-q", "--key=our-key");

    check(&p, WHOLE, HEADER("our-key"), 200, NULL);
    check(&p, WHOLE, HEADER("our-keys"), 400, "API_KEY_INVALID");
    check(&p, WHOLE, HEADER("leaked-key"), 403, "leaked");
    check(&p, WHOLE, "Authorization: Bearer ya29.x\r\n", 401, "UNAUTHENTICATED");
    check(&p, WHOLE, "", 403, "unregistered callers");
    tst_pollux_stop(&p);
}

/* ---- tokens ---- */

static void a_bearer_token_is_a_key_for_openai_alone(void **state)
{
    (void)state;
    tst_answer a = tst_ask_with(&tst_shared, WHOLE, "Authorization: Bearer test-key\r\n", PROMPT("Short"));

    assert_int_equal(a.status, 401);
    assert_non_null(strstr(a.head, "www-authenticate: Bearer realm=\"https://accounts.google.com/\"\r\n"));
    tst_contains(&a, "\"message\": \"Request had invalid authentication credentials. Expected OAuth 2 access token,");
    tst_contains(&a, "\"status\": \"UNAUTHENTICATED\"");
    tst_contains(&a, "\"reason\": \"ACCESS_TOKEN_TYPE_UNSUPPORTED\"");
    tst_forget(&a);
    check(&tst_shared, CHAT, "Authorization: Bearer bad-key\r\n", 400, "API_KEY_INVALID");
    a = tst_ask_with(&tst_shared, CHAT, "Authorization: Bearer test-key\r\n",
                     "{\"model\":\"gemini-3.8-flash\",\"messages\":[{\"role\":\"user\",\"content\":\"Short\"}]}");
    assert_int_equal(a.status, 200);
    tst_forget(&a);
}

static void a_token_that_looks_like_one_of_google_is_good(void **state)
{
    (void)state;
    check(&tst_shared, WHOLE, "Authorization: Bearer ya29.abc\r\nx-goog-user-project: p\r\n", 200, NULL);
    check(&tst_shared, WHOLE "?access_token=ya29.abc", "", 200, NULL);
    check(&tst_shared, WHOLE "?access_token=abc", "", 401, "ACCESS_TOKEN_TYPE_UNSUPPORTED");
    check(&tst_shared, WHOLE, "Authorization: Bearer nonsense\r\n" KEY, 200, NULL);
}

/* ---- what never reaches the API ---- */

static void a_path_that_does_not_exist_gets_a_page(void **state)
{
    (void)state;
    tst_answer a = tst_call(&tst_shared, "GET", "/v1beta/no%3Cb%3E&such?key=x", "", NULL);

    assert_int_equal(a.status, 404);
    assert_non_null(strstr(a.head, "content-type: text/html; charset=UTF-8\r\n"));
    assert_int_equal(strncmp(a.body, "<!DOCTYPE html>\n", 16), 0);
    tst_contains(&a, "<title>Error 404 (Not Found)!!1</title>");
    tst_contains(&a, "The requested URL /v1beta/no&lt;b&gt;&amp;such was not found on this server.");
    tst_forget(&a);
}

static void a_wrong_verb_gets_a_page(void **state)
{
    (void)state;
    tst_answer a = tst_call(&tst_shared, "DELETE", "/v1beta/models", KEY, NULL);

    assert_int_equal(a.status, 405);
    assert_non_null(strstr(a.head, "allow: GET, HEAD\r\n"));
    tst_contains(&a, "<title>Error 405 (Method Not Allowed)!!1</title>");
    tst_contains(&a, "The request method DELETE is inappropriate for the URL /v1beta/models.");
    tst_forget(&a);
}

static void a_wrong_verb_is_told_all_that_are_right(void **state)
{
    (void)state;
    tst_answer a = tst_call(&tst_shared, "PUT", "/v1beta/cachedContents/x", KEY, NULL);

    assert_int_equal(a.status, 405);
    assert_non_null(strstr(a.head, "allow: GET, HEAD, PATCH, DELETE\r\n"));
    tst_forget(&a);
    a = tst_call(&tst_shared, "DELETE", "/v1beta/cachedContents/x", "", NULL); /* without a key */
    assert_int_equal(a.status, 403);
    assert_null(strstr(a.head, "allow:"));
    tst_forget(&a);
}

static void a_control_path_that_does_not_exist_is_explained(void **state)
{
    (void)state;
    check(&tst_shared, "/pollux/nothing", "", 404, "\"message\": \"pollux has no control path /pollux/nothing");
}

static void a_body_that_is_too_large_gets_a_page(void **state)
{
    (void)state;
    enum { BLOCK = 1 << 20, BLOCKS = 129 };
    char      *block = calloc(1, BLOCK);
    tst_link   l = tst_connect(&tst_shared);
    char       head[256];

    assert_non_null(block);
    snprintf(head, sizeof head, "POST " WHOLE " HTTP/1.1\r\nHost: x\r\n" KEY "Content-Length: %d\r\n\r\n",
             BLOCK * BLOCKS);
    tst_send_text(&l, head);
    for (int i = 0; i < BLOCKS; i++) tst_send(&l, block, BLOCK);
    tst_answer a = tst_read_answer(&l);
    assert_int_equal(a.status, 413);
    tst_contains(&a, "Your client issued a request that was too large.");
    tst_forget(&a);
    tst_hang_up(&l);
    free(block);
}

/* ---- methods that pollux does not have ---- */

static void what_no_model_does_any_more_is_not_found_and_the_rest_not_implemented(void **state)
{
    (void)state;
    check(&tst_shared, "/v1beta/models/imagen-4.0-generate-001:predict", KEY, 404,
          "models/imagen-4.0-generate-001 is not found for API version v1beta, or is not supported for predict.");
    check(&tst_shared, "/v1beta/models/veo-3.1-generate-preview:predictLongRunning", KEY, 501,
          "\"status\": \"UNIMPLEMENTED\"");
}

/* ---- queries ---- */

static void what_no_method_takes_in_a_query_is_refused_by_its_name(void **state)
{
    static const char *const good[] = {
        WHOLE "?alt=json&prettyPrint=true&fields=candidates&quotaUser=u&key=k",
        WHOLE "?%24alt=json%3Benum-encoding%3Dint", /* as Google's older SDK for Python */
        STREAM "&$.xgafv=2&",
        "/v1/chat/completions?api-version=1", /* of compatible servers, not Google's */
    };
    tst_answer a = tst_ask(&tst_shared, WHOLE "?api_key=k&mode=fast", PROMPT("Short"));

    (void)state;
    assert_int_equal(a.status, 400);
    tst_contains(&a, "\"message\": \"Invalid JSON payload received. Unknown name \\\"api_key\\\": Cannot bind query "
                     "parameter. Field 'api_key' could not be found in request message.\\nInvalid JSON payload "
                     "received. Unknown name \\\"mode\\\": Cannot bind query parameter.");
    tst_contains(&a, "\"fieldViolations\": [\n          {\n            \"description\": \"Invalid JSON payload");
    tst_forget(&a);
    a = tst_ask(&tst_shared, CHAT "?include_think=true", "{}");
    assert_int_equal(a.status, 400);
    tst_contains(&a, "[{\n  \"error\": {");
    tst_contains(&a, "Field 'include_think' could not be found in request message.");
    tst_forget(&a);
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        a = tst_ask(&tst_shared, good[i], i < 3 ? PROMPT("Short") : "{\"model\":\"gemini-3.8-flash\",\"messages\":"
                                                               "[{\"role\":\"user\",\"content\":\"Short\"}]}");
        if (a.status != 200) fail_msg("%s: %d\n%s", good[i], a.status, a.body);
        tst_forget(&a);
    }
}

static bool begins(const tst_answer *a, const char *text) { return strncmp(a->body, text, strlen(text)) == 0; }

static void prettyprint_false_gives_json_in_one_line(void **state)
{
    static const char *const paths[] = { "?prettyPrint=false", "?$prettyPrint=false", "?prettyPrint=0" };
    char                     path[256];

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s%s", WHOLE, paths[i]);
        tst_answer a = tst_ask(&tst_shared, path, PROMPT("pollux: say yes"));
        assert_true(begins(&a, "{\"candidates\": [{\"content\": {\"parts\": [{\"text\": \"yes\",\""));
        assert_ptr_equal(strchr(a.body, '\n'), a.body + a.len - 1);
        tst_forget(&a);
    }
    tst_answer a = tst_call(&tst_shared, "GET", "/v1beta/models/gemini-3.8-flash?prettyPrint=false", KEY, NULL);
    assert_true(begins(&a, "{\"name\": \"models/gemini-3.8-flash\",\"version\": \"3.8\","));
    tst_forget(&a);
    a = tst_ask(&tst_shared, WHOLE "?prettyPrint=false", "{}");
    assert_string_equal(a.body, "{\"error\": {\"code\": 400,\"message\": \"* GenerateContentRequest.contents: contents "
                                "is not specified\\n\",\"status\": \"INVALID_ARGUMENT\"}}\n");
    tst_forget(&a);
    a = tst_ask(&tst_shared, WHOLE "?prettyPrint=true", PROMPT("pollux: say yes"));
    assert_true(begins(&a, "{\n  \"candidates\": [\n"));
    tst_forget(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_of_refused_key_has_its_own_error),
        cmocka_unit_test(a_disabled_service_says_where_to_enable_it),
        cmocka_unit_test(white_space_around_a_key_does_not_count),
        cmocka_unit_test(with_one_key_every_other_is_wrong),
        cmocka_unit_test(a_bearer_token_is_a_key_for_openai_alone),
        cmocka_unit_test(a_token_that_looks_like_one_of_google_is_good),
        cmocka_unit_test(a_path_that_does_not_exist_gets_a_page),
        cmocka_unit_test(a_wrong_verb_gets_a_page),
        cmocka_unit_test(a_wrong_verb_is_told_all_that_are_right),
        cmocka_unit_test(a_control_path_that_does_not_exist_is_explained),
        cmocka_unit_test(a_body_that_is_too_large_gets_a_page),
        cmocka_unit_test(what_no_model_does_any_more_is_not_found_and_the_rest_not_implemented),
        cmocka_unit_test(what_no_method_takes_in_a_query_is_refused_by_its_name),
        cmocka_unit_test(prettyprint_false_gives_json_in_one_line),
    };

    return cmocka_run_group_tests_name("errors", tests, tst_shared_start, tst_shared_stop);
}
