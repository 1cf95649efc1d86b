/* test_tls.c -- TLS as a client sees it.
 * SPDX-License-Identifier: MIT
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host.h"
#include "tls_client.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"

static tst_host host;

static int set_up(void **state)
{
    tst_host_options options = TST_HOST_OPTIONS;

    (void)state;
    options.wants_tls = true;
    options.limits.handshake_ms = 200;
    host = tst_host_start(&options);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    tst_host_stop(&host);
    return 0;
}

/* One request on a connection of its own, and all that came of it. */
static tst_tls_end ask(const char *request, char *text, size_t size)
{
    tst_tls     t;
    tst_tls_end end;

    assert_true(tst_tls_connect(&t, host.port, NULL, NULL, "http/1.1"));
    tst_tls_send(&t, request, strlen(request));
    tst_tls_read_all(&t, text, size, &end);
    tst_tls_hang_up(&t);
    return end;
}

static void pollux_makes_a_certificate_and_tells_how_to_trust_it(void **state)
{
    static const char *const names[] = { "localhost", "127.0.0.1", "::1" };
    tst_pollux               p = TST_POLLUX("--tls", "--instant", "-q");
    struct stat              about;
    tst_tls                  t;

    (void)state;
    assert_int_equal(stat(p.authority, &about), 0);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (!tst_tls_connect(&t, p.port, p.authority, names[i], NULL)) fail_msg("not trusted as %s", names[i]);
        tst_tls_hang_up(&t);
    }
    assert_false(tst_tls_connect(&t, p.port, p.authority, "example.com", NULL));
    tst_tls_hang_up(&t);
    *strrchr(p.authority, '/') = '\0';
    assert_int_equal(stat(p.authority, &about), 0);
    assert_int_equal(about.st_mode & 0777, 0700);
    tst_pollux_stop(&p);
    assert_int_not_equal(stat(p.authority, &about), 0); /* nothing is left behind */
}

static void the_authority_is_written_where_it_is_wanted(void **state)
{
    char path[] = "/tmp/pollux-ca-XXXXXX";
    int  fd = mkstemp(path);

    (void)state;
    assert_true(fd >= 0);
    close(fd);
    tst_pollux p = TST_POLLUX("--tls-ca-out", path, "--instant", "-q");
    tst_tls    t;
    assert_string_equal(p.authority, path);
    assert_true(tst_tls_connect(&t, p.port, path, "localhost", NULL));
    tst_tls_hang_up(&t);
    tst_pollux_stop(&p);
    assert_int_equal(unlink(path), 0);
}

static void a_certificate_can_be_given(void **state)
{
    char directory[] = "/tmp/pollux-cert-XXXXXX", certificate[64], key[64], command[512];

    (void)state;
    assert_non_null(mkdtemp(directory));
    snprintf(certificate, sizeof certificate, "%s/cert.pem", directory);
    snprintf(key, sizeof key, "%s/key.pem", directory);
    snprintf(command, sizeof command,
             "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=twin.test -days 1 "
             "-addext subjectAltName=DNS:twin.test -out %s -keyout %s 2>/dev/null", certificate, key);
    assert_int_equal(system(command), 0);

    tst_pollux p = TST_POLLUX("--tls-cert", certificate, "--tls-key", key, "--instant", "-q");
    tst_tls    t;
    assert_string_equal(p.authority, "");
    assert_true(tst_tls_connect(&t, p.port, certificate, "twin.test", NULL));
    tst_tls_hang_up(&t);
    tst_pollux_stop(&p);
    unlink(certificate);
    unlink(key);
    rmdir(directory);
}

static bool agrees_on_version(int version)
{
    tst_link l = tst_connect_to(host.port);
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());

    SSL_CTX_set_security_level(context, 0); /* or we would not even offer the old ones */
    SSL_CTX_set_min_proto_version(context, version);
    SSL_CTX_set_max_proto_version(context, version);
    SSL *ssl = SSL_new(context);
    SSL_set_fd(ssl, l.fd);
    bool is_agreed = SSL_connect(ssl) == 1;
    SSL_free(ssl);
    SSL_CTX_free(context);
    tst_hang_up(&l);
    return is_agreed;
}

static void the_version_is_1_2_at_least(void **state)
{
    (void)state;
    assert_true(agrees_on_version(TLS1_3_VERSION));
    assert_true(agrees_on_version(TLS1_2_VERSION));
    assert_false(agrees_on_version(TLS1_1_VERSION));
}

static void alpn_takes_http_2_and_http_1_1_and_nothing_else(void **state)
{
    static const char *const offers[] = { "h2", "http/1.1" };
    tst_tls                  t;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        const unsigned char *name;
        unsigned             len;
        assert_true(tst_tls_connect(&t, host.port, NULL, NULL, offers[i]));
        SSL_get0_alpn_selected(t.ssl, &name, &len);
        assert_int_equal(len, strlen(offers[i]));
        assert_memory_equal(name, offers[i], len);
        tst_tls_hang_up(&t);
    }
    assert_false(tst_tls_connect(&t, host.port, NULL, NULL, "spdy/3"));
    tst_tls_hang_up(&t);
}

static void an_answer_ends_with_close_notify(void **state)
{
    char text[4096];

    (void)state;
    assert_int_equal(ask(GET("/hello"), text, sizeof text), TST_TLS_NOTIFIED);
    assert_non_null(strstr(text, "\r\n\r\n6\r\nhello\n\r\n0\r\n\r\n"));
    assert_int_equal(ask(GET("/fin"), text, sizeof text), TST_TLS_NOTIFIED);
    assert_string_equal(strstr(text, "\r\n\r\n"), "\r\n\r\n4\r\npart\r\n");
}

static void a_silent_end_has_no_close_notify(void **state)
{
    char text[4096];

    (void)state;
    assert_int_equal(ask(GET("/silent"), text, sizeof text), TST_TLS_CUT);
    assert_string_equal(strstr(text, "\r\n\r\n"), "\r\n\r\n4\r\npart\r\n");
}

static void a_reset_comes_behind_the_last_bytes(void **state)
{
    char text[4096];

    (void)state;
    assert_int_equal(ask(GET("/reset"), text, sizeof text), TST_TLS_RESET);
    assert_string_equal(strstr(text, "\r\n\r\n"), "\r\n\r\n4\r\npart\r\n");
}

static void a_large_answer_comes_whole(void **state)
{
    tst_tls     t;
    tst_tls_end end;
    char        piece[65536];
    size_t      count, total = 0;

    (void)state;
    assert_true(tst_tls_connect(&t, host.port, NULL, NULL, NULL));
    tst_tls_send(&t, GET("/large"), strlen(GET("/large")));
    while ((count = tst_tls_read(&t, piece, sizeof piece, &end)) > 0) total += count;
    assert_int_equal(end, TST_TLS_NOTIFIED);
    assert_true(total > TST_LARGE_BYTES);
    tst_tls_hang_up(&t);
}

static void a_request_knows_that_it_came_over_tls(void **state)
{
    char text[4096];

    (void)state;
    ask(GET("/secure"), text, sizeof text);
    assert_non_null(strstr(text, "\r\nyes\r\n"));
}

static void plain_http_is_told_to_use_tls(void **state)
{
    tst_link l = tst_connect_to(host.port);

    (void)state;
    tst_send_text(&l, GET("/hello"));
    tst_answer a = tst_read_answer(&l);
    assert_int_equal(a.status, 400);
    assert_true(a.is_whole);
    tst_contains(&a, "https://");
    assert_false(tst_read_more(&l));
    assert_int_equal(l.error, 0);
    tst_forget(&a);
    tst_hang_up(&l);
}

static void a_handshake_has_a_time_limit(void **state)
{
    tst_link silent = tst_connect_to(host.port);
    tst_link halfway = tst_connect_to(host.port);

    (void)state;
    tst_send(&halfway, "\x16\x03\x01\x02\x00\x01\x00\x01\xFC\x03\x03", 11);
    assert_false(tst_read_more(&silent));
    assert_false(tst_read_more(&halfway));
    tst_hang_up(&silent);
    tst_hang_up(&halfway);
}

static void what_is_no_tls_at_all_is_dropped(void **state)
{
    tst_link l = tst_connect_to(host.port);
    char     noise[300];

    (void)state;
    memset(noise, 0xA5, sizeof noise);
    tst_send(&l, noise, sizeof noise);
    while (tst_read_more(&l)) continue; /* an alert, maybe */
    tst_hang_up(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pollux_makes_a_certificate_and_tells_how_to_trust_it),
        cmocka_unit_test(the_authority_is_written_where_it_is_wanted),
        cmocka_unit_test(a_certificate_can_be_given),
        cmocka_unit_test(the_version_is_1_2_at_least),
        cmocka_unit_test(alpn_takes_http_2_and_http_1_1_and_nothing_else),
        cmocka_unit_test(an_answer_ends_with_close_notify),
        cmocka_unit_test(a_silent_end_has_no_close_notify),
        cmocka_unit_test(a_reset_comes_behind_the_last_bytes),
        cmocka_unit_test(a_large_answer_comes_whole),
        cmocka_unit_test(a_request_knows_that_it_came_over_tls),
        cmocka_unit_test(plain_http_is_told_to_use_tls),
        cmocka_unit_test(a_handshake_has_a_time_limit),
        cmocka_unit_test(what_is_no_tls_at_all_is_dropped),
    };

    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
