/* test_trust.c -- whom the library and the command trust over TLS, and whom they show themselves to.
 * SPDX-License-Identifier: MIT
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "asking.h"
#include "tls_server.h"

#define EVENT "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"Dams.\"}]},\"finishReason\":\"STOP\"}]}\n\n"
#define ANSWER "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n" EVENT

/* Made once, in a directory that is gone at the end: an authority, a server called localhost, one of another name, a
 * client with a plain key, with an encrypted one, and with both in one file, and a stranger who has signed himself. */
static char directory[] = "/tmp/castor-trust-XXXXXX";

static const char make_certificates[] =
    "set -e; cd %s; exec >/dev/null 2>&1\n"
    "new='-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes'\n"
    "openssl req -x509 $new -subj /CN=authority -days 2 -keyout ca.key -out ca.pem\n"
    "issue() {\n"
    "    openssl req $new -subj \"/CN=$2\" -keyout \"$1.key\" -out \"$1.csr\"\n"
    "    printf 'subjectAltName=DNS:%%s' \"$2\" >\"$1.ext\"\n"
    "    openssl x509 -req -in \"$1.csr\" -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile \"$1.ext\" \\\n"
    "        -out \"$1.pem\"\n"
    "}\n"
    "issue server localhost; issue other other.test; issue client beaver\n"
    "openssl req -x509 $new -subj /CN=localhost -addext subjectAltName=DNS:localhost -days 2 \\\n"
    "    -keyout own.key -out own.pem\n"
    "openssl ec -in client.key -aes128 -passout pass:lodge -out locked.key\n"
    "cat client.pem client.key >both.pem\n";

static const char *at(const char *name)
{
    static char   paths[32][64];
    static size_t next;
    char         *path = paths[next++ % 32];

    snprintf(path, sizeof paths[0], "%s/%s", directory, name);
    return path;
}

static int set_up(void **state)
{
    char command[2048];

    (void)state;
    if (!mkdtemp(directory)) return -1;
    snprintf(command, sizeof command, make_certificates, directory);
    return system(command);
}

static int tear_down(void **state)
{
    char command[64];

    (void)state;
    snprintf(command, sizeof command, "rm -r %s", directory);
    return system(command);
}

typedef struct identity {
    const char *cert;
    const char *key;
    const char *password;
    const char *ca;
} identity;

static castor_verdict ask(const tst_tls_server *server, const identity *as, castor_error *err)
{
    castor_client_options options = tst_options(server->url);

    options.ca_file = as->ca;
    options.client_cert_file = as->cert;
    options.client_key_file = as->key;
    options.client_key_password = as->password;
    options.proxy = "";
    return tst_generate(&options, err);
}

static void assert_says(const castor_error *err, const char *words)
{
    if (!strstr(err->message, words)) fail_msg("\"%s\" does not say \"%s\"", err->message, words);
}

static void assert_distrusted(const tst_tls_server *server, const identity *as)
{
    castor_error err;

    assert_int_equal(ask(server, as, &err), CASTOR_VERDICT_NETWORK);
    assert_says(&err, "the server's certificate is not trusted");
}

static void a_server_is_trusted_by_its_authority_and_its_name(void **state)
{
    const identity nobody = { .ca = at("ca.pem") }, careless = { .ca = NULL };
    tst_tls_server server;
    castor_error   err;

    (void)state;
    tst_tls_server_start(&server, at("server.pem"), at("server.key"), NULL, ANSWER);
    assert_int_equal(ask(&server, &nobody, &err), CASTOR_VERDICT_COMPLETE);
    assert_distrusted(&server, &careless); /* by the system's authorities */
    snprintf(server.url, sizeof server.url, "https://127.0.0.1:%s", strrchr(server.url, ':') + 1);
    assert_distrusted(&server, &nobody); /* the name is another */
    tst_tls_server_stop(&server);
    tst_tls_server_start(&server, at("other.pem"), at("other.key"), NULL, ANSWER);
    assert_distrusted(&server, &nobody);
    tst_tls_server_stop(&server);
    tst_tls_server_start(&server, at("own.pem"), at("own.key"), NULL, ANSWER);
    assert_distrusted(&server, &nobody);
    tst_tls_server_stop(&server);
}

static int command(const tst_tls_server *server, const char *environment, const char *words, char *said, size_t size)
{
    char   line[2048];
    size_t len;

    snprintf(line, sizeof line,
             "GEMINI_API_KEY=test-key no_proxy=localhost %s %s --no-stream --retries 0 --base-url %s %s Why "
             "</dev/null 2>&1",
             environment, CASTOR_PATH, server->url, words);
    FILE *out = popen(line, "r");
    assert_non_null(out);
    len = fread(said, 1, size - 1, out);
    said[len] = '\0';
    return WEXITSTATUS(pclose(out));
}

/* What other programs take for a word not to look. */
static void no_environment_variable_switches_verification_off(void **state)
{
    static const char *const names[] = {
        "CURL_INSECURE", "GIT_SSL_NO_VERIFY", "NODE_TLS_REJECT_UNAUTHORIZED", "PYTHONHTTPSVERIFY", "SSL_VERIFY",
        "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "SSL_CERT_DIR", "SSL_VERIFY_NONE",
    };
    static const char *const values[] = { "", "0", "1", "/dev/null" };
    char                     environment[1024], said[4096];
    tst_tls_server           server;
    FILE                    *configuration = fopen(at("openssl.cnf"), "w");

    (void)state;
    assert_non_null(configuration);
    fputs("openssl_conf = a\n[a]\nssl_conf = b\n[b]\nsystem_default = c\n[c]\nVerifyMode = Request\n", configuration);
    assert_int_equal(fclose(configuration), 0);
    tst_tls_server_start(&server, at("own.pem"), at("own.key"), NULL, ANSWER);
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        int len = snprintf(environment, sizeof environment, "OPENSSL_CONF=%s", at("openssl.cnf"));
        for (size_t j = 0; j < sizeof names / sizeof names[0]; j++) {
            len += snprintf(environment + len, sizeof environment - (size_t)len, " %s=%s", names[j], values[i]);
        }
        assert_int_equal(command(&server, environment, "", said, sizeof said), 10);
        assert_non_null(strstr(said, "the server's certificate is not trusted"));
    }
    /* Whom to trust, that can be said. */
    snprintf(environment, sizeof environment, "SSL_CERT_FILE=%s", at("own.pem"));
    assert_int_equal(command(&server, environment, "", said, sizeof said), 0);
    tst_tls_server_stop(&server);
}

static void a_server_that_asks_is_shown_the_client_certificate(void **state)
{
    const identity good[] = {
        { at("client.pem"), at("client.key"), NULL, at("ca.pem") },
        { at("both.pem"), NULL, NULL, at("ca.pem") },
    };
    const identity locked = { at("client.pem"), at("locked.key"), "lodge", at("ca.pem") };
    const identity nobody = { .ca = at("ca.pem") };
    tst_tls_server server;
    castor_error   err;

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        tst_tls_server_start(&server, at("server.pem"), at("server.key"), at("ca.pem"), ANSWER);
        castor_verdict verdict = ask(&server, i < 2 ? &good[i] : &locked, &err);
        if (verdict != CASTOR_VERDICT_COMPLETE) fail_msg("%zu: %s", i, err.message);
        tst_tls_server_stop(&server);
        assert_string_equal(server.peer, "beaver");
    }
    tst_tls_server_start(&server, at("server.pem"), at("server.key"), at("ca.pem"), ANSWER);
    assert_int_equal(ask(&server, &nobody, &err), CASTOR_VERDICT_NETWORK);
    tst_tls_server_stop(&server);
}

/* And nobody is asked for a password: OpenSSL would at the terminal. */
static void a_certificate_that_cannot_be_used_is_told(void **state)
{
    const identity bad[] = {
        { at("nowhere.pem"), NULL, NULL, at("ca.pem") },
        { at("client.pem"), at("server.key"), NULL, at("ca.pem") },
        { at("client.pem"), at("locked.key"), NULL, at("ca.pem") },
    };
    const identity wrong = { at("client.pem"), at("locked.key"), "dam-secret", at("ca.pem") };
    tst_tls_server server;
    castor_error   err;

    (void)state;
    tst_tls_server_start(&server, at("server.pem"), at("server.key"), at("ca.pem"), ANSWER);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(ask(&server, i < 3 ? &bad[i] : &wrong, &err), CASTOR_VERDICT_NETWORK);
        assert_says(&err, "the client certificate, or its key, cannot be used");
        assert_null(strstr(err.message, "dam-secret"));
        assert_false(err.is_transient);
    }
    tst_tls_server_stop(&server);
}

static void a_key_without_a_certificate_is_refused(void **state)
{
    castor_client_options options = CASTOR_CLIENT_OPTIONS_INIT;
    castor_client        *client;
    castor_error          err;

    (void)state;
    options.client_key_file = "key.pem";
    assert_int_equal(castor_client_new(&client, &options, &err), CASTOR_INVALID);
    assert_says(&err, "client_cert_file");
}

static void the_command_shows_it_too(void **state)
{
    char           words[512], said[4096];
    tst_tls_server server;

    (void)state;
    tst_tls_server_start(&server, at("server.pem"), at("server.key"), at("ca.pem"), ANSWER);
    snprintf(words, sizeof words, "--cacert %s --cert %s --key %s", at("ca.pem"), at("client.pem"), at("locked.key"));
    assert_int_equal(command(&server, "CASTOR_CERT_PASSWORD=lodge", words, said, sizeof said), 0);
    assert_string_equal(said, "Dams.\n");
    assert_int_equal(command(&server, "CASTOR_CERT_PASSWORD=", words, said, sizeof said), 10);
    snprintf(words, sizeof words, "--ca-file %s", at("ca.pem"));
    assert_int_equal(command(&server, "", words, said, sizeof said), 10);
    assert_int_equal(command(&server, "", "--key test-key-in-the-wrong-place", said, sizeof said), 2);
    assert_null(strstr(said, "wrong-place")); /* it may have been the API key */
    assert_non_null(strstr(said, "GEMINI_API_KEY"));
    tst_tls_server_stop(&server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_server_is_trusted_by_its_authority_and_its_name),
        cmocka_unit_test(no_environment_variable_switches_verification_off),
        cmocka_unit_test(a_server_that_asks_is_shown_the_client_certificate),
        cmocka_unit_test(a_certificate_that_cannot_be_used_is_told),
        cmocka_unit_test(a_key_without_a_certificate_is_refused),
        cmocka_unit_test(the_command_shows_it_too),
    };

    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
