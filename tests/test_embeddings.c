/* test_embeddings.c -- vectors for texts: their shapes, their lengths, and what they are good for.
 * SPDX-License-Identifier: MIT
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "twin.h"

#define ONE "/v1beta/models/gemini-embedding-001:embedContent"
#define TWO "/v1beta/models/gemini-embedding-2:embedContent"
#define BATCH "/v1beta/models/gemini-embedding-001:batchEmbedContents"
#define OPENAI "/v1beta/openai/embeddings"
#define TEXT(text) "{\"content\":{\"parts\":[{\"text\":\"" text "\"}]}}"
#define TEXT_WITH(text, more) "{\"content\":{\"parts\":[{\"text\":\"" text "\"}]}," more "}"
#define NAMED(text) "{\"model\":\"models/gemini-embedding-001\",\"content\":{\"parts\":[{\"text\":\"" text "\"}]}}"

enum { VALUES_MAX = 4096 };

typedef struct vector {
    double values[VALUES_MAX];
    size_t count;
} vector;

static void check(const char *path, const char *body, int status, const char *words)
{
    tst_answer a = tst_ask(&tst_shared, path, body);

    if (a.status != status) fail_msg("%s: status %d instead of %d:\n%s", path, a.status, status, a.body);
    tst_contains(&a, words);
    tst_forget(&a);
}

/* Keeps the document for the caller, who frees it. */
static void ask_json(cst_json_doc *doc, const char *path, const char *body)
{
    tst_answer a = body ? tst_ask(&tst_shared, path, body) : tst_call(&tst_shared, "GET", path, KEY, NULL);

    if (a.status != 200) fail_msg("%s: status %d:\n%s", path, a.status, a.body);
    cst_json_doc_init(doc, cst_allocator_default());
    assert_int_equal(cst_json_read(doc, (castor_str){ a.body, a.len }, NULL, NULL), CASTOR_OK);
    tst_forget(&a);
}

/* The numbers of the first list in `text`. */
static vector read_numbers(const char *text)
{
    vector v = { .count = 0 };
    char  *at = NULL;

    text = strchr(text, '[');
    assert_non_null(text);
    for (text++; *text != ']'; text = at + strspn(at, ", \n")) {
        text += strspn(text, " \n");
        assert_true(v.count < VALUES_MAX);
        v.values[v.count++] = strtod(text, &at);
        assert_ptr_not_equal(at, text);
    }
    return v;
}

static vector embed(const char *path, const char *body)
{
    tst_answer  a = tst_ask(&tst_shared, path, body);
    const char *at = strstr(a.body, "\"values\": [");

    if (a.status != 200 || !at) fail_msg("%s: status %d:\n%s", path, a.status, a.body);
    vector v = read_numbers(at);
    tst_forget(&a);
    return v;
}

static double product(const vector *a, const vector *b)
{
    double sum = 0.0;

    assert_int_equal(a->count, b->count);
    for (size_t i = 0; i < a->count; i++) sum += a->values[i] * b->values[i];
    return sum;
}

/* The programs around this one need no library of mathematics. */
static double root(double square)
{
    double guess = 1.0;

    for (int i = 0; i < 50; i++) guess = (guess + square / guess) / 2.0;
    return guess;
}

static double length(const vector *v) { return root(product(v, v)); }

static bool is_unit(const vector *v) { return length(v) > 1.0 - 1e-5 && length(v) < 1.0 + 1e-5; }

static double cosine(const vector *a, const vector *b) { return product(a, b) / length(a) / length(b); }

static bool is_same(const vector *a, const vector *b)
{
    return a->count == b->count && memcmp(a->values, b->values, a->count * sizeof a->values[0]) == 0;
}

/* ---- vectors ---- */

static void an_embedding_has_the_shape_of_google(void **state)
{
    (void)state;
    tst_answer a = tst_ask(&tst_shared, TWO, TEXT_WITH("beavers", "\"outputDimensionality\":128"));

    assert_int_equal(a.status, 200);
    assert_int_equal(strncmp(a.body, "{\n  \"embedding\": {\n    \"values\": [\n      ", 41), 0);
    assert_string_equal(a.body + a.len - 13, "\n    ]\n  }\n}\n");
    tst_forget(&a);
}

static void the_same_text_has_the_same_vector_and_another_has_another(void **state)
{
    (void)state;
    static const char *const others[] = {
        TEXT("dams build beavers"), TEXT("Beavers build dam"), TEXT("beavers build dams."), TEXT(""), TEXT("."),
        TEXT("\xE6\x97\xA5\xE6\x9C\xAC"),
    };
    vector first = embed(ONE, TEXT("beavers build dams")), again = embed(ONE, TEXT("beavers build dams"));

    assert_true(is_same(&first, &again));
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        vector other = embed(ONE, others[i]);
        assert_int_equal(other.count, 3072);
        assert_true(is_unit(&other));
        assert_false(is_same(&first, &other));
    }
}

static void the_text_with_the_same_words_is_nearest(void **state)
{
    (void)state;
    static const char *const documents[] = {
        TEXT_WITH("The stock market fell on Monday after the bank raised its rates.", "\"outputDimensionality\":128"),
        TEXT_WITH("A beaver builds its dam from branches, mud and stones.", "\"outputDimensionality\":128"),
        TEXT_WITH("To bake bread, mix flour, water, salt and yeast.", "\"outputDimensionality\":128"),
        TEXT_WITH("Photosynthesis turns light, water and carbon dioxide into sugar.", "\"outputDimensionality\":128"),
    };
    vector question = embed(TWO, TEXT_WITH("How do beavers build their dams?", "\"outputDimensionality\":128"));
    double best = -2.0;
    size_t nearest = 0;

    for (size_t i = 0; i < sizeof documents / sizeof documents[0]; i++) {
        vector document = embed(TWO, documents[i]);
        double near = cosine(&question, &document);
        if (near > best) nearest = i;
        if (near > best) best = near;
    }
    assert_int_equal(nearest, 1);
    vector bread = embed(TWO, TEXT_WITH("bread flour yeast water", "\"outputDimensionality\":128"));
    vector recipe = embed(TWO, documents[2]), market = embed(TWO, documents[0]);
    assert_true(cosine(&bread, &recipe) > cosine(&bread, &market) + 0.3);
}

static void a_shorter_vector_is_the_front_of_the_longer(void **state)
{
    (void)state;
    vector full = embed(ONE, TEXT("beavers")), cut = embed(ONE, TEXT_WITH("beavers", "\"output_dimensionality\":768"));

    assert_int_equal(full.count, 3072);
    assert_int_equal(cut.count, 768);
    assert_memory_equal(full.values, cut.values, 768 * sizeof cut.values[0]);
    assert_true(is_unit(&full));
    assert_true(length(&cut) < 0.9); /* gemini-embedding-001 does not make it long again */
    full = embed(TWO, TEXT("beavers"));
    cut = embed(TWO, TEXT_WITH("beavers", "\"outputDimensionality\":128"));
    assert_int_equal(cut.count, 128);
    assert_true(is_unit(&cut));
    full.count = 128;
    assert_true(cosine(&full, &cut) > 0.9999);
}

static void a_task_turns_the_vector_a_little_where_the_model_knows_tasks(void **state)
{
    (void)state;
    static const char of_query[] = TEXT_WITH("beavers", "\"taskType\":\"RETRIEVAL_QUERY\"");
    vector            plain = embed(ONE, TEXT("beavers")), query = embed(ONE, of_query);

    assert_false(is_same(&plain, &query));
    assert_true(cosine(&plain, &query) > 0.95);
    plain = embed(TWO, TEXT("beavers"));
    query = embed(TWO, of_query);
    assert_true(is_same(&plain, &query));
}

/* ---- what is refused ---- */

static void wrong_requests_are_refused(void **state)
{
    (void)state;
    check(ONE, "{}", 400, "content is not specified");
    check(ONE, TEXT_WITH("x", "\"outputDimensionality\":127"), 400,
          "'output_dimensionality': 127 is not from 128 to 3072");
    check(ONE, TEXT_WITH("x", "\"outputDimensionality\":3073"), 400, "3073 is not from 128 to 3072");
    check(ONE, TEXT_WITH("x", "\"taskType\":\"GUESSING\""), 400,
          "Invalid value at 'task_type' (type.googleapis.com/google.ai.generativelanguage.v1beta.TaskType), "
          "\\\"GUESSING\\\"");
    check(ONE, TEXT_WITH("x", "\"title\":\"t\""), 400, "title is only for the task type RETRIEVAL_DOCUMENT");
    check(ONE, TEXT_WITH("x", "\"title\":\"t\",\"taskType\":\"RETRIEVAL_DOCUMENT\""), 200, "values");
    check(ONE, TEXT_WITH("x", "\"colour\":1"), 400, "Unknown name \\\"colour\\\": Cannot find field.");
    check(ONE, TEXT_WITH("x", "\"model\":\"models/gemini-embedding-2\""), 400, "model must be the one of the call");
    check(ONE, TEXT_WITH("x", "\"model\":\"gemini-embedding-001\""), 200, "values");
    check(ONE, TEXT_WITH("x", "\"taskType\":77"), 400, "Invalid value at 'task_type' (");
    check(ONE, TEXT_WITH("x", "\"task_type\":\"CLUSTERING\",\"output_dimensionality\":\"128\""), 200, "values");
}

static void what_is_wrong_inside_a_content_is_named_with_its_place(void **state)
{
    (void)state;
    check(ONE, "{\"content\":\"x\"}", 400,
          "Invalid value at 'content' (type.googleapis.com/google.ai.generativelanguage.v1beta.Content), \\\"x\\\"");
    check(ONE, "{\"content\":[{\"parts\":[{\"text\":\"x\"}]}]}", 400,
          "Unknown name \\\"content\\\": Proto field is not repeating, cannot start list.");
    check(ONE, "{\"content\":{\"parts\":[{\"text\":5}]}}", 400,
          "Invalid value at 'content.parts[0].text' (TYPE_STRING), 5");
    check(ONE, "{\"content\":{\"parts\":[{\"text\":\"x\"},{\"texts\":\"y\"}]}}", 400,
          "Unknown name \\\"texts\\\" at 'content.parts[1]': Cannot find field.");
    check(ONE, "{\"content\":{\"parts\":[{\"text\":\"x\"},{}]}}", 400,
          "* EmbedContentRequest.content.parts[1].data: required oneof field 'data' must have one initialized field");
    check(ONE, TEXT_WITH("x", "\"outputDimensionality\":\"many\""), 400,
          "Invalid value at 'output_dimensionality' (TYPE_INT32), \\\"many\\\"");
    check(BATCH, "{\"requests\":[" NAMED("x") ",{\"model\":\"models/gemini-embedding-001\",\"content\":{\"parts\":["
                 "{\"text\":\"x\",\"sort\":1}]}}]}", 400,
          "Unknown name \\\"sort\\\" at 'requests[1].content.parts[0]': Cannot find field.");
}

static void too_long_a_text_is_refused(void **state)
{
    (void)state;
    char *text = malloc(9000), *body = malloc(9100);

    assert_non_null(text);
    assert_non_null(body);
    memset(text, 'x', 8193); /* 2,049 tokens */
    text[8193] = '\0';
    snprintf(body, 9100, TEXT("%s"), text);
    check(ONE, body, 400, "The input token count (2049) exceeds the maximum number of tokens allowed (2048).");
    check(TWO, body, 200, "values");
    free(text);
    free(body);
}

static void a_model_without_embeddings_is_not_found(void **state)
{
    (void)state;
    check("/v1beta/models/gemini-3.8-flash:embedContent", TEXT("x"), 404, "is not supported for embedContent.");
    check("/v1beta/models/gemini-3.8-flash:batchEmbedContents", "{\"requests\":[]}", 404,
          "is not supported for embedContent.");
}

/* ---- batches ---- */

static void a_batch_answers_in_the_order_of_its_requests(void **state)
{
    (void)state;
    vector first = embed(ONE, TEXT("beavers")), second = embed(ONE, TEXT("dams"));
    tst_answer a = tst_ask(&tst_shared, BATCH, "{\"requests\":[" NAMED("beavers") "," NAMED("dams") "]}");

    assert_int_equal(a.status, 200);
    assert_int_equal(strncmp(a.body, "{\n  \"embeddings\": [\n    {\n      \"values\": [\n", 43), 0);
    const char *at = strstr(a.body, "\"values\"");
    vector      v = read_numbers(at);
    assert_true(is_same(&v, &first));
    at = strstr(at + 1, "\"values\"");
    assert_non_null(at);
    v = read_numbers(at);
    assert_true(is_same(&v, &second));
    assert_null(strstr(at + 1, "\"values\""));
    tst_forget(&a);
}

static void each_request_of_a_batch_repeats_the_model(void **state)
{
    (void)state;
    check(BATCH, "{\"requests\":[" NAMED("x") "," TEXT("y") "]}", 400, "* BatchEmbedContentsRequest.requests[1].model");
    check(BATCH,
          "{\"requests\":[{\"model\":\"models/gemini-embedding-2\",\"content\":{\"parts\":[{\"text\":\"x\"}]}}]}", 400,
          "* BatchEmbedContentsRequest.requests[0].model");
    check(BATCH, "{\"requests\":" NAMED("one object in place of a list") "}", 200, "values");
}

static void a_wrong_batch_is_refused_with_the_place(void **state)
{
    (void)state;
    char body[12000] = "{\"requests\":[";

    check(BATCH, "{\"requests\":[]}", 400, "requests is not specified");
    check(BATCH, "{\"requests\":[" NAMED("x") ",{\"model\":\"models/gemini-embedding-001\",\"foo\":1}]}", 400,
          "Unknown name \\\"foo\\\" at 'requests[1]': Cannot find field.");
    check(BATCH, "{\"requests\":[{\"model\":\"models/gemini-embedding-001\"}]}", 400, "requests[0].content");
    for (int i = 0; i < 101; i++) strcat(strcat(body, i ? "," : ""), NAMED("x"));
    check(BATCH, strcat(body, "]}"), 400, "at most 100 requests can be in one batch");
}

/* ---- OpenAI ---- */

static void openai_embeddings_are_those_of_gemini(void **state)
{
    (void)state;
    vector expected = embed(ONE, TEXT("beavers"));
    tst_answer a = tst_ask_with(&tst_shared, OPENAI, "Authorization: Bearer test-key\r\n",
                                "{\"model\":\"gemini-embedding-001\",\"input\":\"beavers\"}");

    assert_int_equal(a.status, 200);
    assert_int_equal(strncmp(a.body, "{\"data\":[{\"embedding\":[", 23), 0);
    vector v = read_numbers(strstr(a.body, "\"embedding\":["));
    assert_true(is_same(&v, &expected));
    tst_contains(&a, "],\"index\":0,\"object\":\"embedding\"}],\"model\":\"gemini-embedding-001\",\"object\":\"list\","
                     "\"usage\":{\"prompt_tokens\":2,\"total_tokens\":2}}");
    tst_forget(&a);
}

static int sextet(char c)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char       *at = c ? strchr(alphabet, c) : NULL;

    return at ? (int)(at - alphabet) : -1;
}

static void base64_holds_little_endian_floats(void **state)
{
    (void)state;
    vector         expected = embed(TWO, TEXT_WITH("beavers", "\"outputDimensionality\":128"));
    unsigned char  bytes[128 * 4 + 4];
    size_t         count = 0;
    uint32_t       bits = 0;
    int            have = 0;
    tst_answer     a = tst_ask(&tst_shared, OPENAI,
                               "{\"model\":\"models/gemini-embedding-2\",\"input\":[\"beavers\"],\"dimensions\":128,"
                                   "\"encoding_format\":\"base64\"}");
    const char    *at = strstr(a.body, "\"embedding\":\"");

    assert_non_null(at);
    for (at += 13; sextet(*at) >= 0; at++) {
        bits = bits << 6 | (uint32_t)sextet(*at);
        have += 6;
        if (have < 8) continue;
        have -= 8;
        assert_true(count < sizeof bytes);
        bytes[count++] = (unsigned char)(bits >> have);
    }
    assert_int_equal(count, 128 * 4);
    for (size_t i = 0; i < 128; i++) {
        const unsigned char *b = bytes + i * 4;
        uint32_t             whole = b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
        float                value;
        memcpy(&value, &whole, sizeof value);
        assert_true(value == (float)expected.values[i]);
    }
    tst_forget(&a);
}

static void the_input_may_be_texts_or_tokens(void **state)
{
    (void)state;
    static const struct {
        const char *input;
        size_t      count;
        const char *usage;
    } cases[] = {
        { "\"a\"", 1, "\"prompt_tokens\":1," },
        { "[\"a\",\"b\",\"c\"]", 3, "\"prompt_tokens\":3," },
        { "[1,2,3]", 1, "\"prompt_tokens\":3," },
        { "[[1,2,3],[4]]", 2, "\"prompt_tokens\":4," },
    };
    char body[256];

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        cst_json_doc doc;
        snprintf(body, sizeof body, "{\"model\":\"gemini-embedding-2\",\"dimensions\":128,\"input\":%s}",
                 cases[i].input);
        ask_json(&doc, OPENAI, body);
        const cst_json *data = cst_json_get(cst_json_root(&doc), "data");
        assert_int_equal(cst_json_count(data), cases[i].count);
        assert_int_equal(cst_json_count(cst_json_get(cst_json_at(data, cases[i].count - 1), "embedding")), 128);
        assert_int_equal(cst_json_integer(cst_json_get(cst_json_at(data, cases[i].count - 1), "index")).value,
                         cases[i].count - 1);
        cst_json_doc_free(&doc);
        check(OPENAI, body, 200, cases[i].usage);
    }
}

static void wrong_openai_requests_are_refused_in_a_list(void **state)
{
    (void)state;
    check(OPENAI, "{\"model\":\"gemini-embedding-2\"}", 400, "[{\n  \"error\": {");
    check(OPENAI, "{\"model\":\"gemini-embedding-2\",\"input\":[]}", 400, "Invalid value at 'input'");
    check(OPENAI, "{\"model\":\"gemini-embedding-2\",\"input\":[1,\"a\"]}", 400, "Invalid value at 'input'");
    check(OPENAI, "{\"model\":\"gemini-embedding-2\",\"input\":\"a\",\"encoding_format\":\"hex\"}", 400,
          "encoding_format");
    check(OPENAI, "{\"model\":\"gemini-embedding-2\",\"input\":\"a\",\"dimensions\":64}", 400,
          "64 is not from 128 to 3072");
    check(OPENAI, "{\"model\":\"gemini-3.8-flash\",\"input\":\"a\"}", 404, "is not supported for embedContent.");
    check(OPENAI, "{\"input\":\"a\"}", 400, "model is not specified");
}

static void openai_models_have_their_prefix(void **state)
{
    (void)state;
    static const char *const paths[] = {
        "/v1beta/openai/models/gemini-3.8-flash", "/v1beta/openai/models/models/gemini-3.8-flash",
        "/v1beta/openai/models/models%2Fgemini-3.8-flash", "/models/gemini-3.8-flash",
    };
    tst_answer a = tst_call(&tst_shared, "GET", "/v1beta/openai/models", "Authorization: Bearer test-key\r\n", NULL);

    assert_int_equal(a.status, 200);
    tst_contains(&a, "{\"id\":\"models/gemini-3.8-flash\",\"object\":\"model\",\"owned_by\":\"google\"}");
    tst_contains(&a, "],\"object\":\"list\"}");
    tst_lacks(&a, "chat-bison");
    tst_forget(&a);
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        a = tst_call(&tst_shared, "GET", paths[i], "Authorization: Bearer test-key\r\n", NULL);
        assert_int_equal(a.status, 200);
        assert_string_equal(a.body,
                            "{\"id\":\"models/gemini-3.8-flash\",\"object\":\"model\",\"owned_by\":\"google\"}");
        tst_forget(&a);
    }
    a = tst_call(&tst_shared, "GET", "/v1beta/openai/models/gpt-x", KEY, NULL);
    assert_int_equal(a.status, 404);
    assert_int_equal(strncmp(a.body, "[{\n", 3), 0);
    tst_forget(&a);
}

/* ---- PaLM ---- */

static void the_legacy_method_has_value_without_an_s(void **state)
{
    (void)state;
    tst_answer a = tst_ask(&tst_shared, "/v1beta2/models/embedding-gecko-001:embedText", "{\"text\":\"a\"}");

    assert_int_equal(a.status, 200);
    assert_int_equal(strncmp(a.body, "{\n  \"embedding\": {\n    \"value\": [\n", 34), 0);
    vector v = read_numbers(strstr(a.body, "\"value\""));
    assert_int_equal(v.count, 768);
    assert_true(is_unit(&v));
    tst_forget(&a);
    check("/v1beta2/models/embedding-gecko-001:embedText", "{}", 400, "text is not specified");
}

static void decommissioned_methods_are_not_found(void **state)
{
    (void)state;
    tst_pollux p = TST_POLLUX("--instant", "-q", "--decommissioned");
    static const char *const asks[][2] = {
        { MESSAGE, "{\"prompt\":{\"messages\":[{\"content\":\"Hi\"}]}}" },
        { "/v1beta3/models/embedding-gecko-001:embedText", "{\"text\":\"a\"}" },
    };

    for (size_t i = 0; i < sizeof asks / sizeof asks[0]; i++) {
        tst_answer a = tst_ask(&p, asks[i][0], asks[i][1]);
        assert_int_equal(a.status, 404);
        tst_contains(&a, "\"status\": \"NOT_FOUND\"");
        tst_forget(&a);
    }
    tst_answer a = tst_ask(&p, WHOLE, PROMPT("Short"));
    assert_int_equal(a.status, 200);
    tst_forget(&a);
    tst_pollux_stop(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_embedding_has_the_shape_of_google),
        cmocka_unit_test(the_same_text_has_the_same_vector_and_another_has_another),
        cmocka_unit_test(the_text_with_the_same_words_is_nearest),
        cmocka_unit_test(a_shorter_vector_is_the_front_of_the_longer),
        cmocka_unit_test(a_task_turns_the_vector_a_little_where_the_model_knows_tasks),
        cmocka_unit_test(wrong_requests_are_refused),
        cmocka_unit_test(what_is_wrong_inside_a_content_is_named_with_its_place),
        cmocka_unit_test(too_long_a_text_is_refused),
        cmocka_unit_test(a_model_without_embeddings_is_not_found),
        cmocka_unit_test(a_batch_answers_in_the_order_of_its_requests),
        cmocka_unit_test(each_request_of_a_batch_repeats_the_model),
        cmocka_unit_test(a_wrong_batch_is_refused_with_the_place),
        cmocka_unit_test(openai_embeddings_are_those_of_gemini),
        cmocka_unit_test(base64_holds_little_endian_floats),
        cmocka_unit_test(the_input_may_be_texts_or_tokens),
        cmocka_unit_test(wrong_openai_requests_are_refused_in_a_list),
        cmocka_unit_test(openai_models_have_their_prefix),
        cmocka_unit_test(the_legacy_method_has_value_without_an_s),
        cmocka_unit_test(decommissioned_methods_are_not_found),
    };

    return cmocka_run_group_tests_name("embeddings", tests, tst_shared_start, tst_shared_stop);
}
