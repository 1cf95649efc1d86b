/* test_curl_failure.c -- failures of the network as people read them: what happened, once, and what to do.
 * SPDX-License-Identifier: MIT
 */
#include <stdio.h>

#include "curl_failure.h"
#include "support.h"

static void libcurls_words_are_told_where_they_are_news(void **state)
{
    static const struct {
        CURLcode    code;
        const char *trouble;
        const char *told;
    } cases[] = {
        { CURLE_COULDNT_RESOLVE_HOST, "Could not resolve host: nowhere.invalid",
          "the server's name could not be resolved: nowhere.invalid" },
        { CURLE_COULDNT_RESOLVE_PROXY, "Could not resolve proxy: nowhere.invalid",
          "the proxy's name could not be resolved: nowhere.invalid" },
        { CURLE_GOT_NOTHING, "Empty reply from server", "the server closed the connection without an answer" },
        { CURLE_PARTIAL_FILE, "transfer closed with outstanding read data remaining",
          "the connection was closed before the body's end" },
        { CURLE_PARTIAL_FILE, "transfer closed with 10 bytes remaining to read",
          "the connection was closed before the body's end: transfer closed with 10 bytes remaining to read" },
        { CURLE_SSL_CACERT_BADFILE, "error setting certificate file: /none",
          "the file of trusted certificates cannot be read: /none" },
        { CURLE_PEER_FAILED_VERIFICATION, "SSL certificate problem: unable to get local issuer certificate",
          "the server's certificate is not trusted: SSL certificate problem: unable to get local issuer certificate; if "
          "you trust it, give the certificate of its authority as ca_file" },
        { CURLE_PEER_FAILED_VERIFICATION, "SSL: no alternative certificate subject name matches target host name 'h'",
          "the server's certificate is not trusted: SSL: no alternative certificate subject name matches target host "
          "name 'h'" },
        { CURLE_SSL_CONNECT_ERROR, "OpenSSL/3.0: error:0A00010B:SSL routines::wrong version number",
          "the TLS handshake failed: OpenSSL/3.0: error:0A00010B:SSL routines::wrong version number; perhaps the server "
          "does not speak TLS, and its URL is http://" },
        { CURLE_RECV_ERROR, "Recv failure: Connection reset by peer",
          "the connection broke while receiving: Recv failure: Connection reset by peer" },
        { CURLE_OUT_OF_MEMORY, "", "out of memory: an allocation failed on our side" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        castor_error err;
        cst_curl_failure(cases[i].code, cases[i].trouble, &err);
        assert_string_equal(err.message, cases[i].told);
    }
}

/* Whatever this libcurl calls it. */
static void the_name_of_the_failure_is_not_told_behind_its_detail(void **state)
{
    char         trouble[CURL_ERROR_SIZE];
    castor_error err;

    (void)state;
    snprintf(trouble, sizeof trouble, "Failed to connect to h port 1: %s", curl_easy_strerror(CURLE_COULDNT_CONNECT));
    cst_curl_failure(CURLE_COULDNT_CONNECT, trouble, &err);
    assert_string_equal(err.message, "no connection to the server could be made: Failed to connect to h port 1");
}

static void without_a_word_of_libcurls_its_name_for_the_failure_is_told(void **state)
{
    castor_error err;

    (void)state;
    cst_curl_failure(CURLE_SEND_ERROR, "", &err);
    assert_non_null(strstr(err.message, "the connection broke while sending: "));
    assert_int_equal(err.status, CASTOR_NETWORK);
    assert_int_equal(err.verdict, CASTOR_VERDICT_NETWORK);
    assert_true(err.is_transient);
    cst_curl_failure(CURLE_COULDNT_CONNECT, "", &err);
    assert_non_null(strstr(err.message, "could be made: "));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(libcurls_words_are_told_where_they_are_news),
        cmocka_unit_test(the_name_of_the_failure_is_not_told_behind_its_detail),
        cmocka_unit_test(without_a_word_of_libcurls_its_name_for_the_failure_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
