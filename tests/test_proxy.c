/* test_proxy.c -- the ways to a server: through proxies of all kinds, past them, and which variable says so.
 * SPDX-License-Identifier: MIT
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "asking.h"
#include "no_proxy.h"
#include "proxy.h"
#include "twin.h"

#define TEST_KEY "test-key-5fT0xw"

/* ---- past a proxy ---- */

static void the_list_of_hosts_without_a_proxy_is_understood(void **state)
{
    static const struct {
        const char *list;
        const char *url;
        bool        is_direct;
    } rows[] = {
        { "", "http://a.test/", false },
        { "*", "https://a.test/v1", true },
        { "a.test", "http://a.test/", true },
        { "a.test", "http://b.a.test", true },
        { "a.test", "http://ba.test/", false },
        { "b.a.test", "http://a.test/", false },
        { ".a.test", "http://b.a.test:8080/x", true },
        { ".a.test", "http://a.test/", true },
        { "*.a.test", "http://b.a.test/", true },
        { "A.Test", "https://a.TEST", true },
        { "a.test.", "http://a.test/", true },
        { "a.test", "http://a.test./", true },
        { "x, a.test,y", "http://a.test/", true },
        { "x a.test y", "http://a.test/", true },
        { ",,", "http://a.test/", false },
        { "a.test:8080", "http://a.test:8080/", true },
        { "a.test:8080", "http://a.test/", false },
        { "a.test:80", "http://a.test/", true },
        { "a.test:443", "https://b.a.test/", true },
        { "a.test:", "https://a.test/", false },
        { "*:8080", "http://a.test:8080/", true },
        { "127.0.0.1", "http://127.0.0.1:9", true },
        { "127.0.0.1:9", "http://127.0.0.1:9", true },
        { "0.0.1", "http://127.0.0.1:9", false },
        { "::1", "http://[::1]:9/", true },
        { "[::1]", "http://[::1]/", true },
        { "[::1]:9", "http://[::1]:9/", true },
        { "[::1]:9", "http://[::1]:8/", false },
        { "[fe80::1", "http://[::1]:8/", false },
        { ".", "http://a.test/", false },
        { "*.", "http://a.test/", false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (cst_no_proxy_has(castor_str_of(rows[i].list), castor_str_of(rows[i].url)) == rows[i].is_direct) continue;
        fail_msg("\"%s\" and %s", rows[i].list, rows[i].url);
    }
}

/* ---- the library ---- */

typedef struct way {
    const char *url;
    const char *proxy;
    const char *no_proxy;
    const char *ca_file;
} way;

static castor_verdict ask(const way *by, castor_error *err)
{
    castor_client_options options = tst_options(by->url);

    options.api_key = TEST_KEY;
    options.proxy = by->proxy;
    options.no_proxy = by->no_proxy;
    options.ca_file = by->ca_file;
    return tst_generate(&options, err);
}

static void assert_asked(const tst_proxy *proxy, const char *wanted)
{
    if (strncmp(proxy->asked, wanted, strlen(wanted)) != 0) fail_msg("\"%s\" and not \"%s\"", proxy->asked, wanted);
}

static void every_kind_of_proxy_leads_to_the_server(void **state)
{
    static const struct {
        const char *scheme;
        const char *url;
        const char *asked;
    } rows[] = {
        { "http://", "http://far.test:81", "HTTP http://far.test:81/v1beta/models/gemini-3.8-flash:generateContent\n" },
        { "", "http://far.test:81", "HTTP http://far.test:81/" }, /* as curl takes it */
        { "socks4://", "http://127.0.0.1:81", "SOCKS4 127.0.0.1:81\n" },
        { "socks4a://", "http://far.test:81", "SOCKS4A far.test:81\n" },
        { "socks5://", "http://127.0.0.1:81", "SOCKS5 127.0.0.1:81\n" },
        { "socks5h://", "http://far.test:81", "SOCKS5 far.test:81\n" }, /* nobody here could resolve it */
        { "socks5h://", "http://[::1]:81", "SOCKS5 ::1:81\n" },
    };
    tst_pollux twin = TST_POLLUX("--instant", "-q");

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        tst_proxy    proxy;
        char         url[64];
        castor_error err;
        tst_proxy_start(&proxy, twin.port, NULL);
        snprintf(url, sizeof url, "%s127.0.0.1:%d", rows[i].scheme, proxy.port);
        castor_verdict verdict = ask(&(way){ .url = rows[i].url, .proxy = url }, &err);
        tst_proxy_stop(&proxy);
        if (verdict != CASTOR_VERDICT_COMPLETE) fail_msg("%s: %s", url, err.message);
        assert_asked(&proxy, rows[i].asked);
    }
    tst_pollux_stop(&twin);
}

static void over_tls_the_proxy_sees_where_and_nothing_else(void **state)
{
    static const char *const schemes[] = { "http", "socks4a", "socks5", "socks5h" };
    tst_pollux               twin = TST_POLLUX("--tls", "--instant", "-q");

    (void)state;
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        tst_proxy    proxy;
        char         through[64];
        castor_error err;
        tst_proxy_start(&proxy, twin.port, NULL);
        snprintf(through, sizeof through, "%s://127.0.0.1:%d", schemes[i], proxy.port);
        castor_verdict verdict = ask(&(way){ .url = "https://localhost:444", .proxy = through,
                                             .ca_file = twin.authority }, &err);
        tst_proxy_stop(&proxy);
        if (verdict != CASTOR_VERDICT_COMPLETE) fail_msg("%s: %s", through, err.message);
        if (i == 0) assert_string_equal(proxy.asked, "CONNECT localhost:444\n");
        assert_null(strstr(proxy.heads, TEST_KEY));
        assert_null(strstr(proxy.heads, "x-goog"));
    }
    tst_pollux_stop(&twin);
}

static void credentials_are_taken_from_the_url(void **state)
{
    static const char *const schemes[] = { "http", "socks5h" };
    tst_pollux               plain = TST_POLLUX("--instant", "-q");
    tst_proxy                proxy;
    char                     through[96];
    castor_error             err;

    (void)state;
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        tst_proxy_start(&proxy, plain.port, "beaver:l@dge:1");
        snprintf(through, sizeof through, "%s://beaver:l%%40dge%%3A1@127.0.0.1:%d", schemes[i], proxy.port);
        castor_verdict verdict = ask(&(way){ .url = "http://far.test", .proxy = through }, &err);
        if (verdict != CASTOR_VERDICT_COMPLETE) fail_msg("%s: %s", through, err.message);
        snprintf(through, sizeof through, "%s://beaver:open-sesame@127.0.0.1:%d", schemes[i], proxy.port);
        verdict = ask(&(way){ .url = "http://far.test", .proxy = through }, &err);
        assert_int_not_equal(verdict, CASTOR_VERDICT_COMPLETE);
        assert_non_null(err.message[0] ? err.message : NULL);
        assert_null(strstr(err.message, "open-sesame"));
        tst_proxy_stop(&proxy);
    }
    tst_pollux_stop(&plain);
}

static void a_proxy_that_refuses_is_told_as_trouble_of_the_network(void **state)
{
    tst_pollux   twin = TST_POLLUX("--tls", "--instant", "-q");
    tst_proxy    proxy;
    char         through[96];
    castor_error err;

    (void)state;
    tst_proxy_start(&proxy, twin.port, "beaver:lodge");
    snprintf(through, sizeof through, "http://127.0.0.1:%d", proxy.port);
    assert_int_equal(ask(&(way){ .url = "https://localhost:444", .proxy = through, .ca_file = twin.authority }, &err),
                     CASTOR_VERDICT_NETWORK);
    assert_non_null(strstr(err.message, "407"));
    assert_int_equal(err.status, CASTOR_NETWORK); /* not the service's 407, nor its refusal of the key */
    assert_int_equal(ask(&(way){ .url = "http://far.test", .proxy = "http://no-such-proxy.invalid" }, &err),
                     CASTOR_VERDICT_NETWORK);
    assert_non_null(strstr(err.message, "the proxy's name could not be resolved"));
    tst_proxy_stop(&proxy);
    tst_pollux_stop(&twin);
}

static void a_proxy_that_speaks_tls_is_trusted_by_the_same_authority(void **state)
{
    tst_pollux   twin = TST_POLLUX("--tls", "--instant", "-q"); /* no proxy, but it can be spoken to */
    char         through[96];
    castor_error err;

    (void)state;
    snprintf(through, sizeof through, "https://localhost:%d", twin.port);
    way stranger = { .url = "http://far.test", .proxy = through };
    assert_int_equal(ask(&stranger, &err), CASTOR_VERDICT_NETWORK);
    assert_non_null(strstr(err.message, "certificate is not trusted"));
    stranger.ca_file = twin.authority;
    if (ask(&stranger, &err) != CASTOR_VERDICT_COMPLETE) fail_msg("%s", err.message);
    tst_pollux_stop(&twin);
}

static void hosts_in_the_list_are_spoken_to_directly(void **state)
{
    tst_pollux   twin = TST_POLLUX("--instant", "-q");
    tst_proxy    proxy;
    char         url[64], through[64], list[64];
    castor_error err;

    (void)state;
    tst_proxy_start(&proxy, twin.port, NULL);
    snprintf(through, sizeof through, "http://127.0.0.1:%d", proxy.port);
    snprintf(url, sizeof url, "http://127.0.0.1:%d", twin.port);
    snprintf(list, sizeof list, "other.test,127.0.0.1:%d", twin.port);
    way directly = { .url = url, .proxy = through, .no_proxy = list };
    assert_int_equal(ask(&directly, &err), CASTOR_VERDICT_COMPLETE);
    assert_string_equal(proxy.asked, "");
    directly.no_proxy = "127.0.0.1";
    assert_int_equal(ask(&directly, &err), CASTOR_VERDICT_COMPLETE);
    assert_string_equal(proxy.asked, "");
    directly.no_proxy = "127.0.0.1:1";
    assert_int_equal(ask(&directly, &err), CASTOR_VERDICT_COMPLETE);
    tst_proxy_stop(&proxy);
    assert_asked(&proxy, "HTTP http://127.0.0.1:");
    tst_pollux_stop(&twin);
}

/* ---- the command, and its environment ---- */

static void variables_say_which_proxy_in_either_case(void **state)
{
    static const struct {
        const char *environment; /* %s: the proxy */
        const char *words;
        bool        is_direct;
    } rows[] = {
        { "http_proxy=%s", "", false },
        { "HTTP_PROXY=%s", "", true }, /* a web server may have it from a request's header Proxy */
        { "all_proxy=%s", "", false },
        { "ALL_PROXY=%s", "", false },
        { "https_proxy=%s HTTPS_PROXY=%s", "", true },
        { "http_proxy=%s no_proxy=127.0.0.1", "", true },
        { "http_proxy=%s NO_PROXY=127.0.0.1", "", true },
        { "http_proxy=%s no_proxy=127.0.0.1:1", "", false },
        { "http_proxy=%s no_proxy='*'", "", true },
        { "http_proxy=%s no_proxy=other.test", "", false },
        { "http_proxy=%s", "--proxy ''", true },
        { "http_proxy=%s", "--noproxy 127.0.0.1", true },
        { "http_proxy=%s no_proxy=127.0.0.1", "--noproxy ''", false },
        { "http_proxy=http://127.0.0.1:1 all_proxy=%s", "--proxy \"$all_proxy\"", false },
    };
    tst_pollux twin = TST_POLLUX("--instant", "-q");

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        tst_proxy proxy;
        char      through[64], environment[256], line[1024];
        tst_proxy_start(&proxy, twin.port, NULL);
        snprintf(through, sizeof through, "http://127.0.0.1:%d", proxy.port);
        snprintf(environment, sizeof environment, rows[i].environment, through, through);
        snprintf(line, sizeof line,
                 "unset http_proxy all_proxy ALL_PROXY https_proxy HTTPS_PROXY HTTP_PROXY no_proxy NO_PROXY; "
                 "export %s; GEMINI_API_KEY=" TEST_KEY " %s --base-url http://127.0.0.1:%d %s Dams >/dev/null 2>&1",
                 environment, CASTOR_PATH, twin.port, rows[i].words);
        int status = WEXITSTATUS(system(line));
        tst_proxy_stop(&proxy);
        if (status != 0 || (proxy.asked[0] == '\0') != rows[i].is_direct) {
            fail_msg("%s %s: exit %d, asked \"%s\"", rows[i].environment, rows[i].words, status, proxy.asked);
        }
    }
    tst_pollux_stop(&twin);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_list_of_hosts_without_a_proxy_is_understood),
        cmocka_unit_test(every_kind_of_proxy_leads_to_the_server),
        cmocka_unit_test(over_tls_the_proxy_sees_where_and_nothing_else),
        cmocka_unit_test(credentials_are_taken_from_the_url),
        cmocka_unit_test(a_proxy_that_refuses_is_told_as_trouble_of_the_network),
        cmocka_unit_test(a_proxy_that_speaks_tls_is_trusted_by_the_same_authority),
        cmocka_unit_test(hosts_in_the_list_are_spoken_to_directly),
        cmocka_unit_test(variables_say_which_proxy_in_either_case),
    };

    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
