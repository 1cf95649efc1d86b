/* test_models.c -- the models of pollux: which there are, how they are listed, and which of them answers.
 * SPDX-License-Identifier: MIT
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "json.h"
#include "twin.h"

#define ASK(model, method) "/v1beta/models/" model ":" method

static tst_pollux shared;
static char       file_path[] = "/tmp/pollux-models-XXXXXX";

static int start(void **state)
{
    (void)state;
    shared = TST_POLLUX("--instant", "-q");
    int fd = mkstemp(file_path);
    assert_true(fd >= 0);
    close(fd);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    tst_pollux_stop(&shared);
    unlink(file_path);
    return 0;
}

static void write_models(const char *text)
{
    FILE *file = fopen(file_path, "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static tst_answer get(const tst_pollux *p, const char *path) { return tst_call(p, "GET", path, KEY, NULL); }

static void check_status(const tst_pollux *p, const char *path, const char *body, int status, const char *words)
{
    tst_answer a = body ? tst_ask(p, path, body) : get(p, path);

    if (a.status != status) fail_msg("%s: status %d instead of %d:\n%s", path, a.status, status, a.body);
    tst_contains(&a, words);
    tst_forget(&a);
}

static void read_json(cst_json_doc *doc, const tst_answer *a)
{
    assert_int_equal(a->status, 200);
    cst_json_doc_init(doc, cst_allocator_default());
    assert_int_equal(cst_json_read(doc, (castor_str){ a->body, a->len }, NULL, NULL), CASTOR_OK);
}

static void a_model_has_the_shape_of_google(void **state)
{
    (void)state;
    tst_answer a = get(&shared, "/v1beta/models/gemini-3.8-flash");

    assert_int_equal(a.status, 200);
    tst_same_body(&a,
                  "{\n"
                  "  \"name\": \"models/gemini-3.8-flash\",\n"
                  "  \"version\": \"3.8\",\n"
                  "  \"displayName\": \"Gemini 3.8 Flash\",\n"
                  "  \"description\": \"The default Flash model: fast, and thinks.\",\n"
                  "  \"inputTokenLimit\": 1048576,\n"
                  "  \"outputTokenLimit\": 65536,\n"
                  "  \"supportedGenerationMethods\": [\n"
                  "    \"generateContent\",\n"
                  "    \"countTokens\",\n"
                  "    \"createCachedContent\",\n"
                  "    \"batchGenerateContent\"\n"
                  "  ],\n"
                  "  \"temperature\": 1,\n"
                  "  \"topP\": 0.95,\n"
                  "  \"topK\": 64,\n"
                  "  \"maxTemperature\": 2,\n"
                  "  \"thinking\": true\n"
                  "}\n");
    tst_forget(&a);
}

static void an_embedding_model_has_no_sampling(void **state)
{
    (void)state;
    tst_answer a = get(&shared, "/v1/models/gemini-embedding-2");

    assert_int_equal(a.status, 200);
    tst_contains(&a, "\"inputTokenLimit\": 8192");
    tst_contains(&a, "\"embedContent\"");
    tst_lacks(&a, "temperature");
    tst_lacks(&a, "thinking");
    tst_forget(&a);
}

/* Follows the tokens with pages of `size`; the names that come, each with a line end, into `names`. */
static size_t list_all(const char *size, char *names, size_t names_size)
{
    char   path[160], token[64] = "";
    size_t page_count = 0;

    for (names[0] = '\0';; page_count++) {
        cst_json_doc doc;
        snprintf(path, sizeof path, "/v1beta/models?pageSize=%s%s%s", size, *token ? "&pageToken=" : "", token);
        tst_answer a = get(&shared, path);
        read_json(&doc, &a);
        cst_json_iterator each = cst_json_iterate(cst_json_get(cst_json_root(&doc), "models"));
        for (const cst_json *one; (one = cst_json_next(&each, NULL));) {
            size_t used = strlen(names);
            snprintf(names + used, names_size - used, "%.*s\n", CASTOR_ARG(cst_json_string_in(one, "name")));
        }
        cst_copy_text(token, sizeof token, cst_json_string_in(cst_json_root(&doc), "nextPageToken"));
        cst_json_doc_free(&doc);
        tst_forget(&a);
        if (!*token) return page_count + 1;
    }
}

static void pages_follow_each_other_and_the_last_has_no_token(void **state)
{
    (void)state;
    static char whole[16384], in_pages[16384];

    assert_int_equal(list_all("5000", whole, sizeof whole), 1); /* cut to 1000, and there are fewer */
    assert_non_null(strstr(whole, "models/gemini-4-argon\n"));
    assert_non_null(strstr(whole, "models/gemini-flash-latest\n"));
    assert_true(list_all("7", in_pages, sizeof in_pages) > 3);
    assert_string_equal(in_pages, whole);
    list_all("1", in_pages, sizeof in_pages);
    assert_string_equal(in_pages, whole);
}

static void what_is_gone_or_legacy_is_not_listed(void **state)
{
    (void)state;
    static char names[16384];

    list_all("0", names, sizeof names); /* 0: the usual size */
    assert_null(strstr(names, "gemini-3-pro-preview"));
    assert_null(strstr(names, "gemini-2.0"));
    assert_null(strstr(names, "chat-bison"));
    assert_non_null(strstr(names, "models/gemini-2.5-pro\n"));
}

static void a_bad_page_is_refused(void **state)
{
    (void)state;
    check_status(&shared, "/v1beta/models?pageToken=tok", NULL, 400, "page_token");
    check_status(&shared, "/v1beta/models?pageToken=0123456789ABCDEF", NULL, 400, "page_token");
    check_status(&shared, "/v1beta/models?page_size=-1", NULL, 400, "page_size");
    check_status(&shared, "/v1beta/models?pageSize=ten", NULL, 400,
                 "Invalid value at 'page_size' (TYPE_INT32), \\\"ten\\\"");
}

static void a_model_that_is_not_there_is_not_found_by_any_method(void **state)
{
    (void)state;
    static const struct {
        const char *method, *name, *version; /* the error has the name of the call behind the method */
    } cases[] = {
        { "generateContent", "generateContent", "v1" }, { "streamGenerateContent", "generateContent", "v1beta" },
        { "streamGenerateContent?alt=sse", "generateContent", "v1alpha" }, { "countTokens", "countTokens", "v1beta" },
        { "embedContent", "embedContent", "v1alpha" }, { "batchEmbedContents", "embedContent", "v1" },
        { "predictLongRunning", "predictLongRunning", "v1beta" },
    };
    char path[128], words[256];

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        snprintf(path, sizeof path, "/%s/models/palm-of-hand:%s", cases[i].version, cases[i].method);
        snprintf(words, sizeof words,
                 "models/palm-of-hand is not found for API version %s, or is not supported for %s. Call "
                 "ModelService.ListModels to see the list of available models and their supported methods.",
                 cases[i].version, cases[i].name);
        check_status(&shared, path, PROMPT("Short"), 404, words);
    }
    check_status(&shared, "/v1beta/models/palm-of-hand", NULL, 404,
                 "Model is not found: models/palm-of-hand for api version v1beta");
}

static void a_model_is_not_found_for_what_it_does_not_do(void **state)
{
    (void)state;
    check_status(&shared, ASK("gemini-embedding-2", "generateContent"), PROMPT("Short"), 404,
                 "is not supported for generateContent.");
    check_status(&shared, ASK("gemini-3.8-live", "streamGenerateContent?alt=sse"), PROMPT("Short"), 404,
                 "is not supported for generateContent.");
    check_status(&shared, "/v1beta2/models/gemini-3.8-flash:generateMessage",
                 "{\"prompt\":{\"messages\":[{\"content\":\"Short\"}]}}", 404, "is not supported for generateMessage.");
}

static void a_retired_model_is_not_found(void **state)
{
    (void)state;
    check_status(&shared, ASK("gemini-2.0-flash-001", "generateContent"), PROMPT("Short"), 404, "is not found");
    check_status(&shared, ASK("gemini-1.5-pro", "generateContent"), PROMPT("Short"), 404, "is not found");
    check_status(&shared, "/v1beta/models/gemini-3-pro-preview", NULL, 404, "is not found");
}

static void an_answer_names_the_model_that_gave_it(void **state)
{
    (void)state;
    check_status(&shared, ASK("gemini-flash-latest", "generateContent"), PROMPT("Short"), 200,
                 "emulating gemini-3.8-flash)");
    check_status(&shared, ASK("gemini-3.5-flash", "generateContent"), PROMPT("Short"), 200,
                 "emulating gemini-3.6-flash)");
    check_status(&shared, CHAT,
                 "{\"model\":\"models/gemini-flash-latest\",\"messages\":[{\"role\":\"user\",\"content\":\"Short\"}]}",
                 200, "emulating gemini-3.8-flash)");
}

static void a_model_of_next_month_works_unless_the_list_is_strict(void **state)
{
    (void)state;
    tst_pollux strict = TST_POLLUX("--instant", "-q", "--strict-models");

    check_status(&shared, ASK("gemini-5-neon", "generateContent"), PROMPT("Short"), 200, "emulating gemini-5-neon)");
    check_status(&shared, "/v1beta/models/gemini-5-neon", NULL, 200, "\"name\": \"models/gemini-5-neon\"");
    check_status(&strict, ASK("gemini-5-neon", "generateContent"), PROMPT("Short"), 404, "is not found");
    check_status(&strict, ASK("gemini-3.8-flash", "generateContent"), PROMPT("Short"), 200, "candidates");
    tst_pollux_stop(&strict);
}

static void what_cannot_be_a_name_is_no_model_of_next_month(void **state)
{
    char path[256] = "/v1beta/models/gemini-";

    (void)state;
    check_status(&shared, "/v1beta/models/gemini-%FF", NULL, 404, "is not found");
    check_status(&shared, "/v1beta/models/gemini-a%20b", NULL, 404, "is not found");
    check_status(&shared, "/v1beta/models/gemini-%22%0A", NULL, 404, "is not found");
    memset(path + strlen(path), 'x', 122);
    check_status(&shared, path, NULL, 404, "is not found");
}

static void models_can_come_from_a_file(void **state)
{
    (void)state;
    write_models("as-of 2026-01-01\r\n"
                 "# ours\n"
                 "model house-1\n"
                 "  version 1\n"
                 "  window 1000 100\n"
                 "  methods generateContent\n"
                 "  temperature 0.7\n"
                 "model house-2\n"
                 "  like house-1\n"
                 "  temperature none");
    tst_pollux p = TST_POLLUX("--instant", "-q", "--models", file_path);
    tst_answer a = get(&p, "/v1beta/models");

    tst_same_body(&a,
                  "{\n  \"models\": [\n    {\n      \"name\": \"models/house-1\",\n      \"version\": \"1\",\n"
                  "      \"inputTokenLimit\": 1000,\n      \"outputTokenLimit\": 100,\n"
                  "      \"supportedGenerationMethods\": [\n        \"generateContent\"\n      ],\n"
                  "      \"temperature\": 0.7\n    },\n    {\n      \"name\": \"models/house-2\",\n"
                  "      \"version\": \"1\",\n      \"inputTokenLimit\": 1000,\n      \"outputTokenLimit\": 100,\n"
                  "      \"supportedGenerationMethods\": [\n        \"generateContent\"\n      ]\n    }\n  ]\n}\n");
    tst_forget(&a);
    check_status(&p, ASK("house-1", "generateContent"), PROMPT("Short"), 200, "candidates");
    check_status(&p, ASK("gemini-3.8-flash", "generateContent"), PROMPT("Short"), 404, "is not found");
    tst_pollux_stop(&p);
}

static void the_list_that_is_shown_can_be_given_back(void **state)
{
    (void)state;
    tst_answer shown = tst_call(&shared, "GET", "/pollux/models", "", NULL);

    assert_int_equal(shown.status, 200);
    write_models(shown.body);
    tst_pollux p = TST_POLLUX("--instant", "-q", "--models", file_path);
    tst_answer of_file = get(&p, "/v1beta/models?pageSize=1000");
    tst_answer built_in = get(&shared, "/v1beta/models?pageSize=1000");
    assert_string_equal(of_file.body, built_in.body);
    tst_forget(&of_file);
    tst_forget(&built_in);
    tst_forget(&shown);
    tst_pollux_stop(&p);
}

static void check_refused(const char *text, const char *sentence)
{
    tst_pollux p;
    char       errors[1024], expected[1024];
    int        out;

    if (text) write_models(text);
    tst_pollux_run(&p, &out,
                   (const char *const[TST_ARGS_MAX]){ "--port", "0", "--models", text ? file_path : "/no/such/file" });
    tst_read_all(p.errors, errors, sizeof errors);
    assert_int_equal(tst_exit_status(p.pid), 2);
    snprintf(expected, sizeof expected, "pollux: %s%s%s\n", text ? file_path : "", text ? ":" : "", sentence);
    assert_string_equal(errors, expected);
    close(out);
    close(p.errors);
}

static void a_wrong_file_is_explained_with_its_line(void **state)
{
    (void)state;
    check_refused(NULL, "Cannot read the models /no/such/file: No such file or directory.");
    check_refused("", " There is no model in it.");
    check_refused("# x\nversion 1\n", "2: \"version\" stands before the first \"model\".");
    check_refused("model a\n  colour blue\n", "2: There is no key \"colour\".");
    check_refused("model a\nmodel a\n", "2: \"a\" stands further up already.");
    check_refused("model a\n\n  like b\n", "3: like wants the name of a model further up.");
    check_refused("model a\n  window 12 many\n", "2: window wants two numbers of tokens.");
    check_refused("model a\n  window 12 99999999999999999999\n", "2: window wants two numbers of tokens.");
    check_refused("model a\n  methods fly\n", "2: There is no method \"fly\".");
    check_refused("model a\n  shutdown 2026-13-01\n", "2: shutdown wants a date, as 2026-12-01.");
    check_refused("model a\n  thinking low default high\n",
                  "2: thinking wants levels, then \"default\" and one of them.");
    check_refused("model a\n  served-by a\n", "2: served-by wants the name of a model further up.");
    check_refused("model a\n  dimensions 10 5 7\n",
                  "2: dimensions wants the least, the most (up to 4096) and the default.");
}

static void nobody_has_tuned_models(void **state)
{
    (void)state;
    tst_answer a = get(&shared, "/v1beta/tunedModels?pageSize=10");

    assert_int_equal(a.status, 200);
    assert_string_equal(a.body, "{}\n");
    tst_forget(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_model_has_the_shape_of_google),
        cmocka_unit_test(an_embedding_model_has_no_sampling),
        cmocka_unit_test(pages_follow_each_other_and_the_last_has_no_token),
        cmocka_unit_test(what_is_gone_or_legacy_is_not_listed),
        cmocka_unit_test(a_bad_page_is_refused),
        cmocka_unit_test(a_model_that_is_not_there_is_not_found_by_any_method),
        cmocka_unit_test(a_model_is_not_found_for_what_it_does_not_do),
        cmocka_unit_test(a_retired_model_is_not_found),
        cmocka_unit_test(an_answer_names_the_model_that_gave_it),
        cmocka_unit_test(a_model_of_next_month_works_unless_the_list_is_strict),
        cmocka_unit_test(what_cannot_be_a_name_is_no_model_of_next_month),
        cmocka_unit_test(nobody_has_tuned_models),
        cmocka_unit_test(models_can_come_from_a_file),
        cmocka_unit_test(the_list_that_is_shown_can_be_given_back),
        cmocka_unit_test(a_wrong_file_is_explained_with_its_line),
    };

    return cmocka_run_group_tests_name("models", tests, start, stop);
}
