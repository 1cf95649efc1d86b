/* test_capath.c -- a libcurl whose TLS knows no directories of certificates. Ours does, so its answers are played.
 * SPDX-License-Identifier: MIT
 */
#include <curl/curl.h>
#include <stdarg.h>

#include "support.h"
#include "roots.h"

#undef curl_easy_setopt
CURLcode curl_easy_setopt(CURL *easy, CURLoption option, ...); /* in place of libcurl's */

/* What was set, and how a directory is answered. */
static struct {
    const char *bundle;
    const char *proxy_bundle;
    CURLcode    answer;
} played;

CURLcode curl_easy_setopt(CURL *easy, CURLoption option, ...)
{
    va_list args;

    (void)easy;
    va_start(args, option);
    const char *value = va_arg(args, const char *);
    va_end(args);
    if (option == CURLOPT_CAINFO) played.bundle = value;
    if (option == CURLOPT_PROXY_CAINFO) played.proxy_bundle = value;
    return option == CURLOPT_CAPATH || option == CURLOPT_PROXY_CAPATH ? played.answer : CURLE_OK;
}

static bool applies(const char *bundle, const char *directory, CURLcode answer)
{
    cst_roots roots;
    CURL     *easy = NULL; /* nobody looks into it */

    played.answer = answer;
    played.bundle = played.proxy_bundle = NULL; /* not those of the last time */
    assert_true(cst_roots_init(&roots, cst_allocator_default(), bundle, directory));
    bool is_set = cst_roots_apply(&roots, easy);
    assert_int_equal(cst_roots_apply_to_proxy(&roots, easy), is_set);
    if (is_set) assert_int_equal(played.bundle != NULL, bundle != NULL);
    if (is_set) assert_int_equal(played.proxy_bundle != NULL, bundle != NULL);
    cst_roots_free(&roots);
    return is_set;
}

static void a_bundle_is_enough_where_directories_are_unknown(void **state)
{
    (void)state;
    assert_true(applies("bundle.pem", NULL, CURLE_NOT_BUILT_IN));
    assert_true(applies("bundle.pem", "/nonexistent", CURLE_NOT_BUILT_IN));
    assert_true(applies("bundle.pem", NULL, CURLE_UNKNOWN_OPTION));
    assert_true(applies("bundle.pem", NULL, CURLE_OK));
}

static void a_directory_alone_that_cannot_be_used_is_no_trust_in_others(void **state)
{
    (void)state;
    assert_false(applies(NULL, "/nonexistent", CURLE_NOT_BUILT_IN));
    assert_false(applies("bundle.pem", NULL, CURLE_OUT_OF_MEMORY));
    assert_true(applies(NULL, "/nonexistent", CURLE_OK));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bundle_is_enough_where_directories_are_unknown),
        cmocka_unit_test(a_directory_alone_that_cannot_be_used_is_no_trust_in_others),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
