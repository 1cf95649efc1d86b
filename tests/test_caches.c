/* test_caches.c -- cached contents: what makes one, how long it lives, and what may stand beside it in a request.
 * SPDX-License-Identifier: MIT
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "answers.h"

#define CACHES "/v1beta/cachedContents"
#define CACHE_BYTES 20000 /* 5,000 tokens by the estimate of four bytes each */

/* A body for a cache of so many bytes of text; `more` are further members, each with a comma behind it. */
static char *body_of(const char *model, size_t bytes, const char *more)
{
    size_t size = bytes + strlen(model) + strlen(more) + 200;
    char  *body = malloc(size);

    assert_non_null(body);
    int at = snprintf(body, size, "{\"model\":\"%s\",%s\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"", model,
                      more);
    memset(body + at, 'x', bytes);
    snprintf(body + at + bytes, size - (size_t)at - bytes, "\"}]}]}");
    return body;
}

static tst_answer create(const tst_pollux *p, const char *model, size_t bytes, const char *more)
{
    char      *body = body_of(model, bytes, more);
    tst_answer a = tst_ask(p, CACHES, body);

    free(body);
    return a;
}

/* Makes one that is good; the path of the resource goes to `path`. */
static void make(const tst_pollux *p, const char *more, char path[128])
{
    tst_answer a = create(p, "models/gemini-3.8-flash", CACHE_BYTES, more);
    char       name[96];

    tst_check_status(&a, 200);
    tst_text_at(&a, "name", name, sizeof name);
    snprintf(path, 128, "/v1beta/%s", name);
    tst_forget(&a);
}

/* Asks with the cache at `path`, and with further members that have a comma before them. */
static tst_answer ask_with(const tst_pollux *p, const char *method, const char *path, const char *more)
{
    char body[1024];

    snprintf(body, sizeof body, "{\"contents\":[{\"parts\":[{\"text\":\"Hi there\"}]}],\"cachedContent\":\"%s\"%s}",
             path + strlen("/v1beta/"), more);
    return tst_ask(p, method, body);
}

static tst_answer patch(const char *path, const char *body) { return tst_call(&tst_shared, "PATCH", path, KEY, body); }

/* ---- */

static void a_cache_tells_its_size_and_its_end_and_nothing_of_its_contents(void **state)
{
    tst_answer a = create(&tst_shared, "models/gemini-3.8-flash", CACHE_BYTES,
                          "\"displayName\":\"d\",\"systemInstruction\":{\"parts\":[{\"text\":\"Be kind\"}]},");

    (void)state;
    tst_check_status(&a, 200);
    tst_same_body(&a, "{\n  \"name\": \"$\",\n  \"model\": \"models/gemini-3.8-flash\",\n  \"displayName\": \"d\",\n"
                      "  \"createTime\": \"$\",\n  \"updateTime\": \"$\",\n  \"expireTime\": \"$\",\n"
                      "  \"usageMetadata\": {\n    \"totalTokenCount\": 5002\n  }\n}\n");
    tst_contains(&a, "\"cachedContents/");
    tst_forget(&a);
}

static void what_is_in_the_cache_counts_in_the_usage(void **state)
{
    char path[128];

    (void)state;
    make(&tst_shared, "", path);
    tst_answer a = ask_with(&tst_shared, WHOLE, path, "");
    tst_check_status(&a, 200);
    tst_check_at(&a, "usageMetadata.promptTokenCount", "5002"); /* "Hi there" is 2 */
    tst_check_at(&a, "usageMetadata.cachedContentTokenCount", "5000");
    tst_check_at(&a, "usageMetadata.cacheTokensDetails.0.tokenCount", "5000");
    tst_check_at(&a, "usageMetadata.cacheTokensDetails.0.modality", "TEXT");
    tst_forget(&a);
    char body[512];
    snprintf(body, sizeof body,
             "{\"generateContentRequest\":{\"contents\":[{\"parts\":[{\"text\":\"Hi there\"}]}],\"cachedContent\":\"%s\"}}",
             path + strlen("/v1beta/"));
    a = tst_ask(&tst_shared, "/v1beta/models/gemini-3.8-flash:countTokens", body);
    tst_check_at(&a, "totalTokens", "5002");
    tst_check_at(&a, "cachedContentTokenCount", "5000");
    tst_forget(&a);
    a = ask_with(&tst_shared, STREAM, path, "");
    tst_contains(&a, "\"cachedContentTokenCount\": 5000");
    tst_forget(&a);
}

static void a_cache_stands_alone_and_has_one_model(void **state)
{
    static const char *const beside[] = {
        ",\"systemInstruction\":{\"parts\":[{\"text\":\"x\"}]}",
        ",\"system_instruction\":{\"parts\":[{\"text\":\"x\"}]}",
        ",\"tools\":[{\"googleSearch\":{}}]", ",\"toolConfig\":{\"functionCallingConfig\":{\"mode\":\"AUTO\"}}",
    };
    char path[128];

    (void)state;
    make(&tst_shared, "", path);
    for (size_t i = 0; i < sizeof beside / sizeof beside[0]; i++) {
        tst_check_error(ask_with(&tst_shared, WHOLE, path, beside[i]), INVALID,
                        "CachedContent can not be used with GenerateContent request setting system_instruction");
    }
    tst_check_error(ask_with(&tst_shared, "/v1beta/models/gemini-2.5-flash:generateContent", path, ""), INVALID,
                    "(models/gemini-2.5-flash) and CachedContent (models/gemini-3.8-flash)");
}

static void an_empty_list_of_tools_beside_a_cache_is_none(void **state)
{
    char path[128];

    (void)state;
    make(&tst_shared, "", path);
    tst_answer a = ask_with(&tst_shared, WHOLE, path, ",\"tools\":[]");
    tst_check_status(&a, 200);
    tst_forget(&a);
}

/* The time must not grow by the square of their number. */
static void a_member_that_is_repeated_keeps_nobody_waiting(void **state)
{
    enum { TIMES = 100000 };
    static const char member[] = "\"tools\":[],";
    char             *more = malloc(TIMES * (sizeof member - 1) + 1);
    char             *to = more;

    (void)state;
    assert_non_null(more);
    for (int i = 0; i < TIMES; i++, to += sizeof member - 1) memcpy(to, member, sizeof member);
    tst_answer a = create(&tst_shared, "models/gemini-3.8-flash", CACHE_BYTES, more);
    tst_check_status(&a, 200);
    tst_forget(&a);
    free(more);
}

static void a_cache_has_a_least_size(void **state)
{
    tst_answer a;

    (void)state;
    tst_check_error(create(&tst_shared, "models/gemini-3.8-flash", 4095 * 4, ""), INVALID,
                    "Cached content is too small. total_token_count=4095, min_total_token_count=4096");
    tst_check_error(create(&tst_shared, "models/gemini-2.5-flash", 2047 * 4, ""), INVALID,
                    "total_token_count=2047, min_total_token_count=2048");
    a = create(&tst_shared, "gemini-2.5-flash", 2048 * 4, "");
    tst_check_at(&a, "model", "models/gemini-2.5-flash");
    tst_forget(&a);
    tst_check_error(create(&tst_shared, "models/gemini-4-argon", CACHE_BYTES, ""), MISSING,
                    "is not supported for createCachedContent");
    tst_check_error(create(&tst_shared, "models/none", CACHE_BYTES, ""), MISSING, "models/none is not found");
}

static void a_cache_ends_with_its_ttl(void **state)
{
    tst_pollux p = TST_POLLUX("--instant", "-q");
    char       path[128], hour[128];

    (void)state;
    make(&p, "\"ttl\":\"300.5s\",", path);
    make(&p, "", hour);
    tst_advance(&p, "299");
    tst_answer a = ask_with(&p, WHOLE, path, "");
    tst_check_status(&a, 200);
    tst_forget(&a);
    tst_advance(&p, "2");
    tst_check_error(ask_with(&p, WHOLE, path, ""), DENIED,
                    "CachedContent not found (or permission denied)");
    tst_check_error(tst_get(&p, path), DENIED, "CachedContent not found");
    a = tst_get(&p, hour);
    tst_check_status(&a, 200);
    tst_forget(&a);
    tst_advance(&p, "3300");
    a = tst_get(&p, CACHES);
    tst_same_body(&a, "{}\n");
    tst_forget(&a);
    tst_pollux_stop(&p);
}

static void only_the_end_of_a_cache_can_change(void **state)
{
    static const struct {
        const char *query;
        const char *body;
        const char *words;
    } wrong[] = {
        { "", "{\"displayName\":\"x\"}", "not `displayName`" },
        { "", "{\"ttl\":\"60s\",\"model\":\"models/x\"}", "not `model`" },
        { "?updateMask=model", "{\"ttl\":\"60s\"}", "not `model`" },
        { "", "{}", "ttl or expire_time must be there" },
        { "", "{\"ttl\":\"60\"}", "(type.googleapis.com/google.protobuf.Duration), \\\"60\\\"" },
        { "", "{\"ttl\":60}", "'cached_content.ttl' (type.googleapis.com/google.protobuf.Duration), 60" },
        { "", "{\"ttl\":\"9223372036854775807s\"}", "Invalid value at 'cached_content.ttl'" },
        { "", "{\"ttl\":\"0s\"}", "longer than 0 seconds" },
        { "", "{\"ttl\":\"-1s\"}", "longer than 0 seconds" },
        { "", "{\"expireTime\":\"yesterday\"}", "Invalid value at 'cached_content.expire_time'" },
        { "", "{\"expireTime\":\"2001-01-01T00:00:00Z\"}", "in the future" },
        { "", "{\"ttl\":\"60s\",\"expireTime\":\"2100-01-01T00:00:00Z\"}", "oneof field 'expiration' is already set" },
        { "", "{\"foo\":1}", "Unknown name \\\"foo\\\"" },
    };
    char path[128], full[160], before[64], after[64];

    (void)state;
    make(&tst_shared, "\"expire_time\":\"2100-01-01T00:00:00Z\",", path);
    tst_answer a = tst_get(&tst_shared, path);
    tst_check_at(&a, "expireTime", "2100-01-01T00:00:00.000000Z");
    tst_text_at(&a, "updateTime", before, sizeof before);
    tst_forget(&a);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        snprintf(full, sizeof full, "%s%s", path, wrong[i].query);
        tst_check_error(patch(full, wrong[i].body), INVALID, wrong[i].words);
    }
    a = patch(path, "{\"expireTime\":\"2090-01-01T02:00:00+02:00\"}");
    tst_check_at(&a, "expireTime", "2090-01-01T00:00:00.000000Z");
    tst_forget(&a);
    snprintf(full, sizeof full, "%s?updateMask=ttl", path);
    a = patch(full, "{\"ttl\":\"600s\"}");
    tst_check_status(&a, 200);
    tst_lacks(&a, "2090-");
    tst_text_at(&a, "updateTime", after, sizeof after);
    assert_string_not_equal(before, after);
    tst_forget(&a);
}

static void a_cache_is_seen_by_its_own_key_alone(void **state)
{
    char path[128], body[256];

    (void)state;
    make(&tst_shared, "", path);
    tst_check_error(tst_call(&tst_shared, "GET", path, OTHER_KEY, NULL), DENIED, "CachedContent not found");
    tst_check_error(tst_call(&tst_shared, "PATCH", path, OTHER_KEY, "{\"ttl\":\"1s\"}"), DENIED, "CachedContent");
    tst_check_error(tst_call(&tst_shared, "DELETE", path, OTHER_KEY, NULL), DENIED, "CachedContent");
    snprintf(body, sizeof body, "{\"contents\":[{\"parts\":[{\"text\":\"Hi\"}]}],\"cachedContent\":\"%s\"}",
             path + strlen("/v1beta/"));
    tst_check_error(tst_ask_with(&tst_shared, WHOLE, OTHER_KEY, body), DENIED, "CachedContent not found");
    tst_answer a = tst_call(&tst_shared, "DELETE", path, KEY, "{}"); /* with a body, as one SDK has it */
    tst_same_body(&a, "{}\n");
    tst_forget(&a);
    tst_check_error(tst_delete(&tst_shared, path), DENIED, "CachedContent not found");
    tst_check_error(tst_get(&tst_shared, CACHES "/none"), DENIED, "CachedContent not found");
}

static void a_wrong_cache_is_refused_like_a_wrong_request(void **state)
{
    static const struct {
        const char *body;
        const char *words;
    } wrong[] = {
        { "{\"contents\":[{\"parts\":[{\"text\":\"x\"}]}]}", "model is not specified" },
        { "{\"model\":\"models/gemini-3.8-flash\"}", "total_token_count=0," },
        { "{\"model\":5}", "Invalid value at 'cached_content.model' (TYPE_STRING), 5" },
        { "{\"model\":\"models/gemini-3.8-flash\",\"displayName\":5}",
          "Invalid value at 'cached_content.display_name' (TYPE_STRING), 5" },
        { "{\"model\":\"models/gemini-3.8-flash\",\"tools\":[{\"googleSearch\":{}}]}", "total_token_count=" },
        { "{\"model\":\"models/gemini-3.8-flash\",\"ttl\":\"x\"}", "cached_content.ttl" },
        { "{\"model\":\"models/gemini-3.8-flash\",\"foo\":1}",
          "Unknown name \\\"foo\\\" at 'cached_content': Cannot find field." },
        { "{\"model\":\"models/gemini-3.8-flash\",\"contents\":[{\"part\":[]}]}",
          "Unknown name \\\"part\\\" at 'cached_content.contents[0]'" },
        { "{\"model\":\"models/gemini-3.8-flash\",\"systemInstruction\":{\"parts\":[{\"text\":\"x\"}]}}",
          "total_token_count=1," },
    };

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        tst_check_error(tst_ask(&tst_shared, CACHES, wrong[i].body), INVALID, wrong[i].words);
    }
}

static void caches_are_listed_in_pages(void **state)
{
    tst_pollux p = TST_POLLUX("--instant", "-q");
    char       path[128], token[64];

    (void)state;
    for (int i = 0; i < 3; i++) make(&p, "", path);
    tst_answer a = tst_get(&p, CACHES "?pageSize=2");
    tst_check_at(&a, "cachedContents.0.name", path + strlen("/v1beta/")); /* the newest */
    tst_text_at(&a, "nextPageToken", token, sizeof token);
    tst_forget(&a);
    snprintf(path, sizeof path, CACHES "?page_size=2&page_token=%s", token);
    a = tst_get(&p, path);
    tst_contains(&a, "cachedContents/");
    tst_lacks(&a, "nextPageToken");
    tst_forget(&a);
    tst_pollux_stop(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cache_tells_its_size_and_its_end_and_nothing_of_its_contents),
        cmocka_unit_test(what_is_in_the_cache_counts_in_the_usage),
        cmocka_unit_test(a_cache_stands_alone_and_has_one_model),
        cmocka_unit_test(an_empty_list_of_tools_beside_a_cache_is_none),
        cmocka_unit_test(a_member_that_is_repeated_keeps_nobody_waiting),
        cmocka_unit_test(a_cache_has_a_least_size),
        cmocka_unit_test(a_cache_ends_with_its_ttl),
        cmocka_unit_test(only_the_end_of_a_cache_can_change),
        cmocka_unit_test(a_cache_is_seen_by_its_own_key_alone),
        cmocka_unit_test(a_wrong_cache_is_refused_like_a_wrong_request),
        cmocka_unit_test(caches_are_listed_in_pages),
    };
    return cmocka_run_group_tests(tests, tst_shared_start, tst_shared_stop);
}
