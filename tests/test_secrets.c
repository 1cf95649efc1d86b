/* test_secrets.c -- the key goes into one header, and nowhere else: not into what the library or the command says,
 * writes or leaves in memory, whatever happens; and nothing that a user can set breaks out of its place in the request.
 * SPDX-License-Identifier: MIT
 */
#include <castor/pollux.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support.h"
#include "twin.h"

#define SECRET "test-key-q8Zr41vTx"
#define PASSWORD "hunter2-open-sesame"

/* Each answer quotes the key, where a sentence of ours will quote the server. (What a model says is the caller's, as it
 * came.) */
static const char quoting[] =
    "## refused\n? refused\n@ status: 401\n@ content-type: application/json\n"
    "< {\"error\":{\"code\":401,\"message\":\"no such key: " SECRET "\",\"status\":\"" SECRET "\",\"details\":[{"
    "\"@type\":\"type.googleapis.com/google.rpc.ErrorInfo\",\"reason\":\"" SECRET "\"}]}}\n"
    "## page\n? page\n@ status: 502\n@ content-type: text/html\n< <html><title>" SECRET "</title>\n< <body>" SECRET "\n"
    "## middle\n? middle\n< data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"Dams\"}]}}]}\n<\n"
    "< data: {\"error\":{\"code\":500,\"message\":\"" SECRET "\",\"status\":\"INTERNAL\"}}\n<\n"
    "## nonsense\n? nonsense\n< data: {" SECRET "\n<\n"
    "## reason\n? reason\n< data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"D\"}]},"
    "\"finishReason\":\"OTHER\",\"finishMessage\":\"" SECRET "\"}]}\n<\n"
    "## block\n? block\n< data: {\"promptFeedback\":{\"blockReason\":\"" SECRET "\"}}\n<\n"
    "## moved\n? moved\n@ fault: redirect=307:http://" SECRET ".test/?key=" SECRET "\n= x\n"
    "## whole\n? whole\n= Dams.\n";

/* ---- all that the library says ---- */

static void hear(void *user, const char *line)
{
    assert_int_equal(cst_buf_append_format(user, "%s\n", line), CASTOR_OK);
}

static void add_error(cst_buf *said, const castor_error *err)
{
    assert_int_equal(cst_buf_append_format(said, "%s %s %s %s\n", err->code, err->reason, err->detail, err->message),
                     CASTOR_OK);
}

static void assert_hidden(const cst_buf *said, const char *secret, const char *where)
{
    castor_str view = cst_buf_view(said);

    if (tst_find(view, castor_str_of(secret))) fail_msg("%s: the secret is in:\n%.*s", where, CASTOR_ARG(view));
}

typedef struct call {
    const char    *url;
    const char    *prompt;
    castor_dialect dialect;
    const char    *proxy;
    const char    *ca_file;
    bool           is_unary;
    bool           is_cancelled;
} call;

static castor_request request_of(const call *one, castor_turn *turn)
{
    castor_request request = CASTOR_REQUEST_INIT;

    *turn = (castor_turn){ .role = CASTOR_USER, .text = castor_str_of(one->prompt) };
    request.model = one->dialect == CASTOR_DIALECT_MESSAGE ? "chat-bison-001" : "gemini-3.8-flash";
    request.turns = turn;
    request.turn_count = 1;
    request.dialect = one->dialect;
    request.is_unary = one->is_unary;
    request.recorder_bytes = 1 << 20;
    return request;
}

static void hear_attempt(void *user, castor_stream *stream, const castor_attempt *attempt)
{
    (void)stream;
    assert_int_equal(cst_buf_append_format(user, "attempt %d\n", (int)attempt->number), CASTOR_OK);
    add_error(user, attempt->error);
}

static castor_client *client_of(const call *one, const castor_allocator *allocator, cst_buf *said)
{
    castor_client_options options = CASTOR_CLIENT_OPTIONS_INIT;
    castor_retry_options  retry = CASTOR_RETRY_OPTIONS_INIT;
    castor_client        *client;
    castor_error          err;

    options.api_key = SECRET;
    options.base_url = one->url;
    options.proxy = one->proxy;
    options.ca_file = one->ca_file;
    options.ignore_environment = 1;
    options.log = said ? hear : NULL;
    options.log_user = said;
    options.allocator = allocator;
    options.total_timeout_ms = 20000;
    options.retry = &retry;
    retry.attempts_max = 2;
    retry.first_delay_ms = 1;
    retry.on_attempt = said ? hear_attempt : NULL;
    retry.on_attempt_user = said;
    if (castor_client_new(&client, &options, &err) != CASTOR_OK) fail_msg("%s", err.message);
    return client;
}

/* What a stream tells, in every way that it can; but not the body of an error, which is the server's own word. */
static void add_stream(cst_buf *said, castor_stream *stream)
{
    castor_str script;

    assert_int_equal(cst_buf_append_str(said, castor_stream_finish_reason(stream)), CASTOR_OK);
    if (castor_stream_error(stream)) add_error(said, castor_stream_error(stream));
    assert_int_equal(castor_stream_dump(stream, &script, NULL), CASTOR_OK);
    assert_int_equal(cst_buf_append_str(said, script), CASTOR_OK);
}

static castor_verdict play(const call *one, const castor_allocator *allocator, cst_buf *said)
{
    castor_client *client = client_of(one, allocator, said);
    castor_turn    turn;
    castor_request request = request_of(one, &turn);
    castor_stream *stream;
    castor_event   event;
    castor_error   err = { 0 };
    castor_str     preview;

    assert_int_equal(castor_client_preview(client, &request, &preview, &err), CASTOR_OK);
    if (said) assert_int_equal(cst_buf_append_str(said, preview), CASTOR_OK);
    assert_int_equal(castor_stream_open(&stream, client, &request, &err), CASTOR_OK);
    if (one->is_cancelled) castor_stream_cancel(stream);
    while (castor_stream_next(stream, &event, &err) == CASTOR_STEP_EVENT) {
        if (said) assert_int_equal(cst_buf_append_str(said, event.text), CASTOR_OK);
    }
    if (said) add_error(said, &err);
    if (said) add_stream(said, stream);
    castor_verdict verdict = castor_stream_verdict(stream);
    castor_stream_close(stream);
    castor_client_free(client);
    return verdict;
}

static void check(const call *one, castor_verdict wanted)
{
    cst_buf said;

    cst_buf_init(&said, cst_allocator_default(), 1 << 20);
    castor_verdict verdict = play(one, NULL, &said);
    if (verdict != wanted) fail_msg("%s: %s\n%s", one->prompt, castor_verdict_name(verdict), said.data);
    assert_hidden(&said, SECRET, one->prompt);
    assert_hidden(&said, PASSWORD, one->prompt);
    assert_non_null(strstr(said.data, "***")); /* the preview's */
    if (strcmp(one->prompt, "page") == 0) assert_non_null(strstr(said.data, "attempt 1\n"));
    cst_buf_free(&said);
}

static pollux *twin_with(const char *const *words, const char **url)
{
    pollux_options options = POLLUX_OPTIONS_INIT;
    pollux        *twin = NULL;
    char           why[256] = "";

    options.words = words;
    *url = pollux_start(&twin, &options, why, sizeof why);
    if (!*url) fail_msg("%s", why);
    if (!pollux_play(twin, quoting, why, sizeof why)) fail_msg("%s", why);
    return twin;
}

static void the_key_is_in_nothing_that_the_library_says(void **state)
{
    static const struct {
        const char    *prompt;
        castor_verdict verdict;
    } answers[] = {
   { "whole", CASTOR_VERDICT_COMPLETE },      { "refused", CASTOR_VERDICT_AUTH }, { "page", CASTOR_VERDICT_FAILED },
   { "nonsense", CASTOR_VERDICT_MALFORMED }, { "middle", CASTOR_VERDICT_FAILED }, { "reason", CASTOR_VERDICT_FAILED },
        { "block", CASTOR_VERDICT_BLOCKED },       { "moved", CASTOR_VERDICT_FAILED },
    };
    const char *url;
    pollux     *twin = twin_with(NULL, &url);

    (void)state;
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        check(&(call){ .url = url, .prompt = answers[i].prompt }, answers[i].verdict);
        check(&(call){ .url = url, .prompt = answers[i].prompt, .is_unary = true }, answers[i].verdict);
    }
    check(&(call){ .url = url, .prompt = "refused", .dialect = CASTOR_DIALECT_MESSAGE }, CASTOR_VERDICT_AUTH);
    check(&(call){ .url = url, .prompt = "whole", .is_cancelled = true }, CASTOR_VERDICT_CANCELLED);
    pollux_stop(twin);
}

static void the_key_is_in_no_line_about_a_connection(void **state)
{
    tst_pollux secure = TST_POLLUX("--tls", "--instant", "-q"), plain = TST_POLLUX("--instant", "-q");
    char       tls[64], http[64], wrong[64], proxy[96];

    (void)state;
    snprintf(tls, sizeof tls, "https://localhost:%d", secure.port);
    snprintf(http, sizeof http, "http://127.0.0.1:%d", plain.port);
    snprintf(wrong, sizeof wrong, "https://127.0.0.1:%d", plain.port);
    snprintf(proxy, sizeof proxy, "http://beaver:" PASSWORD "@127.0.0.1:%d", plain.port);
    check(&(call){ .url = tls, .prompt = "Dams", .ca_file = secure.authority }, CASTOR_VERDICT_COMPLETE); /* HTTP/2 */
    check(&(call){ .url = tls, .prompt = "Dams" }, CASTOR_VERDICT_NETWORK);
    check(&(call){ .url = wrong, .prompt = "Dams" }, CASTOR_VERDICT_NETWORK);
    check(&(call){ .url = tls, .prompt = "Dams", .proxy = proxy }, CASTOR_VERDICT_NETWORK); /* pollux is no proxy */
    check(&(call){ .url = "http://no-such-host.invalid", .prompt = "Dams" }, CASTOR_VERDICT_NETWORK);
    tst_pollux_stop(&plain);
    check(&(call){ .url = http, .prompt = "Dams" }, CASTOR_VERDICT_NETWORK); /* nobody listens */
    check(&(call){ .url = tls, .prompt = "Dams", .proxy = proxy }, CASTOR_VERDICT_NETWORK);
    tst_pollux_stop(&secure);
}

/* ---- memory ---- */

/* Knows how long its blocks are, and looks at each that is given back. */
typedef struct inspector {
    size_t found;
    size_t released;
} inspector;

typedef struct block {
    size_t size;
    max_align_t bytes[];
} block;

static void inspect(inspector *on, const block *old)
{
    on->released++;
    if (tst_find((castor_str){ (const char *)old->bytes, old->size }, CASTOR_STR(SECRET))) on->found++;
}

static void *allocate(void *user, size_t size)
{
    block *fresh = calloc(1, sizeof *fresh + size); /* what was there before is nobody's secret */

    (void)user;
    if (!fresh) return NULL;
    fresh->size = size;
    /* cppcheck-suppress memleak */
    return fresh->bytes;
}

static void release(void *user, void *bytes)
{
    block *old = (block *)(void *)((char *)bytes - offsetof(block, bytes));

    inspect(user, old);
    free(old);
}

static void *reallocate(void *user, void *bytes, size_t old_size, size_t size)
{
    void *moved = allocate(user, size);

    if (moved) memcpy(moved, bytes, old_size < size ? old_size : size);
    if (moved) release(user, bytes);
    return moved;
}

static void no_block_is_given_back_with_the_key_in_it(void **state)
{
    inspector        on = { 0 };
    castor_allocator allocator = { allocate, reallocate, release, &on };
    const char      *url;
    pollux          *twin = twin_with(NULL, &url);
    const call       calls[] = {
        { .url = url, .prompt = "whole" },
        { .url = url, .prompt = "whole", .dialect = CASTOR_DIALECT_OPENAI },
        { .url = url, .prompt = "whole", .is_unary = true },
        { .url = url, .prompt = "whole", .is_cancelled = true },
        { .url = "http://127.0.0.1:1", .prompt = "nobody listens" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) (void)play(&calls[i], &allocator, NULL);
    assert_true(on.released > 50);
    assert_int_equal(on.found, 0);
    pollux_stop(twin);
}

/* ---- the command ---- */

/* Runs it, adds what it says to `said`, and returns its exit status. */
static int run(const char *environment, const char *url, const char *words, cst_buf *said)
{
    char   command[2048], text[4096];
    size_t count;

    snprintf(command, sizeof command, "%s %s --retries 0 --base-url '%s' %s 2>&1", environment, CASTOR_PATH, url,
             words);
    FILE *out = popen(command, "r");
    assert_non_null(out);
    while ((count = fread(text, 1, sizeof text, out)) > 0) {
        assert_int_equal(cst_buf_append(said, text, count), CASTOR_OK);
    }
    return WEXITSTATUS(pclose(out));
}

static void the_key_is_in_nothing_that_the_command_says_or_writes(void **state)
{
    static const char *const words[] = {
        "whole -v", "refused -v", "page -v -u", "page --retries 1", "middle --output json",
        "middle --output jsonl", "nonsense --no-stream",
        "reason -v", "block -v", "whole --dry-run", "whole --dry-run --dialect openai",
        "moved -v", "whole -q -v --proxy http://beaver:" PASSWORD "@127.0.0.1:1", "refused --output json",
    };
    const char *url;
    pollux     *twin = twin_with(NULL, &url);
    char        directory[] = "/tmp/castor-secret-XXXXXX", file[64], all[256];
    cst_buf     said;

    (void)state;
    assert_non_null(mkdtemp(directory));
    snprintf(file, sizeof file, "%s/key", directory);
    FILE *key = fopen(file, "w");
    assert_true(key && fputs(SECRET "\n", key) >= 0 && fclose(key) == 0 && chmod(file, 0600) == 0);
    cst_buf_init(&said, cst_allocator_default(), 1 << 20);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        said.len = 0;
        run("GEMINI_API_KEY=" SECRET, url, words[i], &said);
        snprintf(all, sizeof all, "--key-file %s %s", file, words[i]);
        run("GEMINI_API_KEY=", url, all, &said);
        if (!strstr(words[i], "--dry-run")) {
            snprintf(all, sizeof all, "--record %s/answer.md %s", directory, words[i]);
            run("GEMINI_API_KEY=" SECRET, url, all, &said);
            snprintf(all, sizeof all, "%s/answer.md", directory);
            castor_str script = tst_read_file(all);
            assert_int_equal(cst_buf_append_str(&said, script), CASTOR_OK);
            free((void *)(uintptr_t)script.data);
        }
        assert_hidden(&said, SECRET, words[i]);
        assert_hidden(&said, PASSWORD, words[i]);
    }
    snprintf(all, sizeof all, "rm -r %s", directory);
    assert_int_equal(system(all), 0);
    cst_buf_free(&said);
    pollux_stop(twin);
}

/* ---- breaking out ---- */

static void check_refused(castor_client_options options, const char *model, const char *words)
{
    castor_client *client = NULL;
    castor_turn    turn;
    castor_request request = request_of(&(call){ .prompt = "Dams" }, &turn);
    castor_stream *stream = NULL;
    castor_error   err = { 0 };

    options.ignore_environment = 1;
    if (!options.api_key) options.api_key = SECRET;
    if (model) request.model = model;
    castor_status status = castor_client_new(&client, &options, &err);
    if (status == CASTOR_OK) status = castor_stream_open(&stream, client, &request, &err);
    if (status != CASTOR_INVALID) fail_msg("not refused: %s", words);
    if (!strstr(err.message, words)) fail_msg("\"%s\" does not say \"%s\"", err.message, words);
    for (const char *at = err.message; *at; at++) assert_true((unsigned char)*at >= ' ');
    assert_null(strstr(err.message, SECRET));
    assert_null(strstr(err.message, PASSWORD));
    castor_client_free(client);
}

#define WITH(...) ((castor_client_options){ .size = sizeof(castor_client_options), __VA_ARGS__ })

static void what_would_break_out_of_its_header_or_url_is_refused(void **state)
{
    (void)state;
    check_refused(WITH(.api_key = SECRET "\r\nX-Evil: 1"), NULL, "the API key holds a control character");
    check_refused(WITH(.api_key = SECRET "\n" SECRET), NULL, "the API key holds a control character");
    check_refused(WITH(.user_agent = "me\r\nX-Evil: 1"), NULL, "the user agent holds a control character");
    check_refused(WITH(.base_url = "http://127.0.0.1/\r\nX-Evil: 1"), NULL, "the base URL");
    check_refused(WITH(.base_url = "http://127.0.0.1/a\tb"), NULL, "the base URL");
    check_refused(WITH(.base_url = "http://me:" PASSWORD "@127.0.0.1"), NULL, "the base URL");
    check_refused(WITH(.base_url = "http://127.0.0.1/?key=" SECRET), NULL, "the base URL");
    check_refused(WITH(.proxy = "http://me:" PASSWORD "@127.0.0.1:1\r\nX-Evil: 1"), NULL, "the proxy URL holds");
    check_refused(WITH(.base_url = "http://127.0.0.1:1"), "gemini\r\nX-Evil: 1", "holds a character that no");
    check_refused(WITH(.base_url = "http://127.0.0.1:1"), "gemini?key=x", "holds a character that no model name has");
    check_refused(WITH(.base_url = "http://127.0.0.1:1"), "gemini#x", "holds a character that no model name has");
    check_refused(WITH(.base_url = "http://127.0.0.1:1"), "gemini/../../x", "is not a model name");
    check_refused(WITH(.base_url = "http://127.0.0.1:1", .dialect = CASTOR_DIALECT_OPENAI), "x\r\nX-Evil: 1",
                  "holds a character that no model name has");
}

static void the_command_refuses_it_too(void **state)
{
    static const struct {
        const char *environment;
        const char *words;
        const char *wanted;
    } attempts[] = {
        { "GEMINI_API_KEY=\"$(printf '" SECRET "\\r\\nX-Evil: 1')\"", "Dams", "the API key holds a control character" },
        { "GEMINI_API_KEY=" SECRET, "-m \"$(printf 'x\\r\\nX-Evil: 1')\" Dams", "holds a character that no" },
        { "GEMINI_API_KEY=" SECRET, "--proxy \"$(printf 'http://x:1\\r\\nX-Evil: 1')\" Dams", "the proxy URL holds" },
        { "GEMINI_API_KEY=" SECRET, "-a \"$(printf 'no\\r\\nsuch\\033[2J')\" Dams", "cannot open no  such" },
        { "GEMINI_API_KEY=" SECRET, "--key-file \"$(printf 'no\\r\\nsuch')\" Dams", "cannot open no  such" },
    };
    tst_pollux twin = TST_POLLUX("--instant", "-q");
    char       url[64];
    cst_buf    said;

    (void)state;
    snprintf(url, sizeof url, "http://127.0.0.1:%d", twin.port);
    cst_buf_init(&said, cst_allocator_default(), 1 << 20);
    for (size_t i = 0; i < sizeof attempts / sizeof attempts[0]; i++) {
        said.len = 0;
        assert_int_equal(run(attempts[i].environment, url, attempts[i].words, &said), 2);
        if (!strstr(said.data, attempts[i].wanted)) fail_msg("\"%s\" is not in: %s", attempts[i].wanted, said.data);
        assert_hidden(&said, SECRET, attempts[i].words);
    }
    tst_answer a = tst_call(&twin, "GET", "/pollux/stats", "", NULL);
    tst_contains(&a, "\"requests\": 0");
    tst_forget(&a);
    cst_buf_free(&said);
    tst_pollux_stop(&twin);
}

static void a_proxy_that_cannot_be_used_is_told_once_and_without_its_password(void **state)
{
    static const char *const proxies[] = {
        "ftp://beaver:" PASSWORD "@host",         "http://beaver:" PASSWORD "@ho st:99",
        "socks9://beaver:p@ss" PASSWORD "@host", "http://beaver:" PASSWORD "@h:99999",
    };

    (void)state;
    for (size_t i = 0; i < sizeof proxies / sizeof proxies[0]; i++) {
        cst_buf said;

        cst_buf_init(&said, cst_allocator_default(), 1 << 20);
        const call one = { .url = "http://127.0.0.1:1", .prompt = "Dams", .proxy = proxies[i] };
        assert_int_equal(play(&one, NULL, &said), CASTOR_VERDICT_NETWORK);
        assert_hidden(&said, PASSWORD, proxies[i]);
        assert_hidden(&said, "beaver", proxies[i]);
        assert_hidden(&said, "attempt 1\n", proxies[i]); /* the next one would fail, too */
        assert_non_null(strstr(said.data, "the proxy's URL cannot be used: Unsupported proxy s"));
        cst_buf_free(&said);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_key_is_in_nothing_that_the_library_says),
        cmocka_unit_test(the_key_is_in_no_line_about_a_connection),
        cmocka_unit_test(a_proxy_that_cannot_be_used_is_told_once_and_without_its_password),
        cmocka_unit_test(no_block_is_given_back_with_the_key_in_it),
        cmocka_unit_test(the_key_is_in_nothing_that_the_command_says_or_writes),
        cmocka_unit_test(what_would_break_out_of_its_header_or_url_is_refused),
        cmocka_unit_test(the_command_refuses_it_too),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
