/* test_roots.c -- whose certificates a client trusts: of a bundle, of a directory of hashed names, or of both.
 * SPDX-License-Identifier: MIT
 */
#include <curl/curl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support.h"
#include "twin.h"

/* A server, an authority that has nothing to do with it, and directories with the one's or the other's certificate. */
typedef struct world {
    tst_pollux server;
    char       stranger[96];
    char       url[64];
    char       root[64];
    char       good[96];  /* hashed, with the server's authority */
    char       other[96]; /* hashed, with the stranger's */
    char       plain[96]; /* the server's, but not hashed */
} world;

static world w;

static void copy_file(const char *from, const char *directory, const char *name)
{
    char       path[256];
    castor_str text = tst_read_file(from);

    assert_non_null(text.data);
    snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    assert_int_equal(fwrite(text.data, 1, text.len, out), text.len);
    assert_int_equal(fclose(out), 0);
    free((char *)(uintptr_t)text.data);
}

static void hashed_name(const char *authority, char name[32])
{
    FILE *in = fopen(authority, "r");

    assert_non_null(in);
    X509 *certificate = PEM_read_X509(in, NULL, NULL, NULL);
    assert_non_null(certificate);
    snprintf(name, 32, "%08lx.0", X509_subject_name_hash(certificate));
    X509_free(certificate);
    fclose(in);
}

static void make_directory(char path[96], const char *name, const char *authority, bool is_hashed)
{
    char entry[32] = "authority.pem";

    snprintf(path, 96, "%s/%s", w.root, name);
    assert_int_equal(mkdir(path, 0700), 0);
    if (is_hashed) hashed_name(authority, entry);
    copy_file(authority, path, entry);
}

/* By another name than the server's: OpenSSL looks for issuers by their names. */
static void make_stranger(void)
{
    EVP_PKEY  *key = EVP_EC_gen("P-256");
    X509      *certificate = X509_new();
    X509_NAME *name = X509_get_subject_name(certificate);

    snprintf(w.stranger, sizeof w.stranger, "%s/stranger.pem", w.root);
    assert_int_equal(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"Stranger", -1, -1, 0), 1);
    X509_set_issuer_name(certificate, name);
    X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_set_pubkey(certificate, key);
    assert_int_not_equal(X509_sign(certificate, key, EVP_sha256()), 0);
    FILE *out = fopen(w.stranger, "w");
    assert_non_null(out);
    assert_int_equal(PEM_write_X509(out, certificate), 1);
    assert_int_equal(fclose(out), 0);
    X509_free(certificate);
    EVP_PKEY_free(key);
}

static int set_up(void **state)
{
    (void)state;
    w.server = TST_POLLUX("--tls", "--instant", "-q");
    snprintf(w.url, sizeof w.url, "https://127.0.0.1:%d", w.server.port);
    snprintf(w.root, sizeof w.root, "/tmp/castor-trust-XXXXXX");
    assert_non_null(mkdtemp(w.root));
    make_stranger();
    make_directory(w.good, "good", w.server.authority, true);
    make_directory(w.other, "other", w.stranger, true);
    make_directory(w.plain, "plain", w.server.authority, false);
    return 0;
}

static int tear_down(void **state)
{
    char command[160];

    (void)state;
    tst_pollux_stop(&w.server);
    snprintf(command, sizeof command, "rm -r '%s'", w.root);
    return system(command);
}

/* ---- asking ---- */

static castor_error last; /* of ask() */

static castor_verdict ask(castor_client *client)
{
    static const castor_turn turn = { .role = CASTOR_USER, .text = { "Hi", 2 } };
    castor_request           request = CASTOR_REQUEST_INIT;
    castor_stream           *stream;
    castor_event             event;
    castor_error             err = { 0 };

    request.model = "gemini-3.8-flash";
    request.turns = &turn;
    request.turn_count = 1;
    assert_int_equal(castor_stream_open(&stream, client, &request, &err), CASTOR_OK);
    while (castor_stream_next(stream, &event, &err) == CASTOR_STEP_EVENT) continue;
    castor_verdict verdict = castor_stream_verdict(stream);
    if (verdict != CASTOR_VERDICT_COMPLETE) assert_non_null(strstr(err.message, "certificate"));
    castor_stream_close(stream);
    last = err;
    return verdict;
}

static void set_or_unset(const char *name, const char *value)
{
    assert_int_equal(value ? setenv(name, value, 1) : unsetenv(name), 0);
}

/* Twice: the second time with a handle that was kept. */
static castor_verdict ask_with(const char *ca_file, const char *environment_file, const char *environment_directory)
{
    castor_client_options options = CASTOR_CLIENT_OPTIONS_INIT;
    castor_client        *client;
    castor_error          err;

    set_or_unset("SSL_CERT_FILE", environment_file);
    set_or_unset("SSL_CERT_DIR", environment_directory);
    set_or_unset("no_proxy", "*");
    options.api_key = "test-key";
    options.base_url = w.url;
    options.ca_file = ca_file;
    assert_int_equal(castor_client_new(&client, &options, &err), CASTOR_OK);
    castor_verdict first = ask(client), second = ask(client);
    castor_client_free(client);
    assert_int_equal(first, second);
    return first;
}

/* ---- what was given ---- */

static void a_given_file_is_trusted_and_nothing_beside_it(void **state)
{
    (void)state;
    assert_int_equal(ask_with(w.server.authority, NULL, NULL), CASTOR_VERDICT_COMPLETE);
    assert_int_equal(ask_with(w.stranger, NULL, NULL), CASTOR_VERDICT_NETWORK);
    assert_int_equal(ask_with(w.stranger, w.server.authority, w.good), CASTOR_VERDICT_NETWORK);
}

static void file_and_directory_of_the_environment_are_both_trusted(void **state)
{
    (void)state;
    assert_int_equal(ask_with(NULL, w.server.authority, NULL), CASTOR_VERDICT_COMPLETE);
    assert_int_equal(ask_with(NULL, NULL, w.good), CASTOR_VERDICT_COMPLETE);
    assert_int_equal(ask_with(NULL, w.stranger, w.good), CASTOR_VERDICT_COMPLETE);
    assert_int_equal(ask_with(NULL, w.server.authority, w.other), CASTOR_VERDICT_COMPLETE);
    assert_int_equal(ask_with(NULL, w.stranger, w.other), CASTOR_VERDICT_NETWORK);
}

static void in_a_directory_only_hashed_names_count(void **state)
{
    (void)state;
    assert_int_equal(ask_with(NULL, NULL, w.plain), CASTOR_VERDICT_NETWORK);
    assert_int_equal(ask_with(NULL, NULL, "/nonexistent"), CASTOR_VERDICT_NETWORK);
}

static void an_empty_variable_counts_as_unset(void **state)
{
    (void)state;
    assert_int_equal(ask_with(w.server.authority, "", ""), CASTOR_VERDICT_COMPLETE);
    assert_int_equal(ask_with(NULL, w.server.authority, ""), CASTOR_VERDICT_COMPLETE);
    assert_int_equal(ask_with(NULL, "", ""), CASTOR_VERDICT_NETWORK); /* the system's, which know nothing of ours */
}

/* ---- directory before bundle ---- */

static void a_hashed_directory_spares_the_bundle(void **state)
{
    (void)state;
    /* To read this bundle would be an error. */
    assert_int_equal(ask_with(NULL, "/nonexistent", w.good), CASTOR_VERDICT_COMPLETE);
}

static void whom_the_directory_does_not_trust_the_bundle_may(void **state)
{
    (void)state;
    assert_int_equal(ask_with(NULL, w.server.authority, w.other), CASTOR_VERDICT_COMPLETE);
    assert_int_equal(ask_with(NULL, w.stranger, w.other), CASTOR_VERDICT_NETWORK);
}

static void a_server_of_another_name_is_not_asked_again_with_the_bundle(void **state)
{
    char by_address[sizeof w.url];

    (void)state;
    memcpy(by_address, w.url, sizeof by_address);
    snprintf(w.url, sizeof w.url, "https://stranger.localhost:%d", w.server.port); /* libcurl knows where that is */
    castor_verdict verdict = ask_with(NULL, "/nonexistent", w.good);
    memcpy(w.url, by_address, sizeof by_address);
    assert_int_equal(verdict, CASTOR_VERDICT_NETWORK);
    if (!strstr(last.message, "stranger.localhost")) fail_msg("the bundle was asked for: %s", last.message);
}

static void without_a_hashed_directory_the_bundle_is_read(void **state)
{
    (void)state;
    assert_int_equal(ask_with(NULL, w.server.authority, w.plain), CASTOR_VERDICT_COMPLETE);
    assert_int_equal(ask_with(NULL, w.server.authority, "/nonexistent"), CASTOR_VERDICT_COMPLETE);
    assert_int_equal(ask_with(NULL, w.stranger, w.plain), CASTOR_VERDICT_NETWORK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_given_file_is_trusted_and_nothing_beside_it),
        cmocka_unit_test(file_and_directory_of_the_environment_are_both_trusted),
        cmocka_unit_test(in_a_directory_only_hashed_names_count),
        cmocka_unit_test(an_empty_variable_counts_as_unset),
        cmocka_unit_test(a_hashed_directory_spares_the_bundle),
        cmocka_unit_test(whom_the_directory_does_not_trust_the_bundle_may),
        cmocka_unit_test(a_server_of_another_name_is_not_asked_again_with_the_bundle),
        cmocka_unit_test(without_a_hashed_directory_the_bundle_is_read),
    };
    const char *tls = curl_version_info(CURLVERSION_NOW)->ssl_version;

    if (!tls || strncmp(tls, "OpenSSL/", strlen("OpenSSL/")) != 0) {
        printf("SKIPPED: libcurl speaks TLS by %s here, which knows no hashed directories\n", tls ? tls : "nothing");
        return 77;
    }
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
