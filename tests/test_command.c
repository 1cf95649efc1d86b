/* test_command.c -- castor, the command, as a user meets it: arguments, pipes, a terminal, signals.
 * SPDX-License-Identifier: MIT
 *
 * Links nothing of castor: it starts the executables that the environment variables CASTOR and POLLUX name, or else
 * those of this build. Pollux plays the cases below. Nothing here sleeps: a test waits for what it
 * expects to happen, and PATIENCE_MS only bounds how long it does when that never happens.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pty.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "history.h"

#ifndef CASTOR_PATH
#define CASTOR_PATH "castor"
#endif
#ifndef POLLUX_PATH
#define POLLUX_PATH "pollux"
#endif

enum { PATIENCE_MS = 60000, ARGUMENTS_MAX = 24, OUTPUT_MAX = 1 << 18 };

/* ---- what pollux answers: docs/wire-cases.md ---- */

#define PART(json) "< data: {\"candidates\":[{\"content\":{\"parts\":[" json "],\"role\":\"model\"},\"index\":0}]}\n<\n"
#define LAST_OF(json, model)                                                                                         \
    "< data: {\"candidates\":[{\"content\":{\"parts\":[" json "],\"role\":\"model\"},\"finishReason\":\"STOP\","      \
    "\"index\":0}],\"usageMetadata\":{\"promptTokenCount\":12,\"candidatesTokenCount\":345,\"thoughtsTokenCount\":60," \
    "\"totalTokenCount\":417},\"modelVersion\":\"" model "\"}\n<\n"
#define LAST(json) LAST_OF(json, "gemini-3.8-flash")

static const char script[] =
    "# What the tests of the command ask\n"
    "## ponds\n? ponds\n" PART("{\"text\":\"Dams make \"}") LAST("{\"text\":\"ponds.\"}")
    "## whole\n? whole answer\n@ content-type: application/json\n"
    "< {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"Dams make ponds.\"}]},\"finishReason\":\"STOP\"}]}\n"
    "## pause\n? a pause\n" PART("{\"text\":\"Before the pause.\"}") "~ 900000\n" LAST("{\"text\":\" After.\"}")
    "## hostile\n? hostile text\n" LAST("{\"text\":\"a\\u001b]0;title\\u0007b\\u009bc\\u202ed\"}")
    "## many\n? many words\n" PART("{\"text\":\"Many.\"}") PART("{\"text\":\"Words.\"}") LAST("{\"text\":\"All.\"}")
    "## half\n? half an answer\n" PART("{\"text\":\"Dams make\"}")
    "## bad key\n? bad key\n@ status: 400\n@ content-type: application/json\n"
    "< {\"error\":{\"code\":400,\"message\":\"API key not valid. Please pass a valid API key.\",\"status\":"
    "\"INVALID_ARGUMENT\",\"details\":[{\"@type\":\"type.googleapis.com/google.rpc.ErrorInfo\",\"reason\":"
    "\"API_KEY_INVALID\",\"domain\":\"googleapis.com\"}]}}\n"
    "## thoughts\n? deep thoughts\n" PART("{\"text\":\"Hm.\",\"thought\":true}") LAST("{\"text\":\"Dams.\"}")
    "## two\n? two answers\n"
    "< data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"First \"}]},\"index\":0},"
    "{\"content\":{\"parts\":[{\"text\":\"Second \"}]},\"index\":1}]}\n<\n"
    "< data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"answer.\"}]},\"finishReason\":\"STOP\",\"index\":0},"
    "{\"content\":{\"parts\":[{\"text\":\"answer.\"}]},\"finishReason\":\"STOP\",\"index\":1}]}\n<\n"
    "## weather\n? the weather\n" LAST("{\"functionCall\":{\"name\":\"get_weather\",\"args\":{\"city\":\"Oslo\"}}}")
    "## picture\n? a picture\n" LAST("{\"inlineData\":{\"mimeType\":\"image/png\",\"data\":\"aGVsbG8=\"}}")
    "## unknown\n? unknown model\n" LAST_OF("{\"text\":\"Hello.\"}", "gemini-of-tomorrow");

/* Characters of two bytes from an odd offset on: a cut at an even one would halve one of them. */
#define E10 "\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9"
static const char long_call[] =
    "\n## long call\n? a long call\n"
    LAST("{\"functionCall\":{\"name\":\"note\",\"args\":{\"te\":\"" E10 E10 E10 E10 E10 E10 E10 E10 E10 E10 E10 E10 E10
         "\"}}}");

/* ---- programs ---- */

typedef struct child {
    pid_t pid;
    int   in;  /* -1 when there is none, or it is closed */
    int   out;
    int   err;
} child;

typedef struct result {
    int    status; /* as a shell shows it: 128 and the signal when one killed it */
    size_t out_len;
    size_t err_len;
    char   out[OUTPUT_MAX]; /* both with a NUL behind them */
    char   err[OUTPUT_MAX];
} result;

/* What one test needs, made fresh for each and cleaned up after it. */
typedef struct fixture {
    pid_t  pollux;
    int    pollux_out;
    int    pollux_err;
    char   base_url[64];
    char   directory[64];
    result result;
    char   path[128];
} fixture;

static const char *program(const char *variable, const char *fallback)
{
    const char *path = getenv(variable);
    return path && *path ? path : fallback;
}

static void close_in(child *process)
{
    if (process->in >= 0) (void)close(process->in);
    process->in = -1;
}

static void exec_program(const char *path, char *const *arguments)
{
    (void)signal(SIGPIPE, SIG_DFL); /* ours is ignored, and that would be inherited */
    (void)execvp(path, arguments);
    (void)dprintf(STDERR_FILENO, "cannot run %s: %s\n", path, strerror(errno));
    _exit(127);
}

/* An end of a pipe that programs started later must not inherit, or it would never come to its end. */
static int keep_private(int fd)
{
    (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
    return fd;
}

/* Starts a program. `in` and `out` are descriptors for it, or -1 for a pipe to us. */
static child start(const char *path, char *const *arguments, int in, int out)
{
    int to[2], from[2], wrong[2];
    assert_int_equal(pipe(to) | pipe(from) | pipe(wrong), 0);
    int *const ends[] = { to, from, wrong };
    for (size_t i = 0; i < 3; i++) {
        (void)keep_private(ends[i][0]);
        (void)keep_private(ends[i][1]);
    }
    child process = { fork(), to[1], from[0], wrong[0] };
    assert_true(process.pid >= 0);
    if (process.pid == 0) {
        (void)dup2(in >= 0 ? in : to[0], STDIN_FILENO);
        (void)dup2(out >= 0 ? out : from[1], STDOUT_FILENO);
        (void)dup2(wrong[1], STDERR_FILENO);
        exec_program(path, arguments);
    }
    (void)close(to[0]);
    (void)close(from[1]);
    (void)close(wrong[1]);
    return process;
}

static int wait_for(pid_t pid)
{
    int status = 0;
    while (waitpid(pid, &status, 0) < 0) assert_int_equal(errno, EINTR);
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* Reads what is there. False at the end. */
static bool take(int fd, char *into, size_t *len)
{
    assert_true(*len < OUTPUT_MAX - 1);
    ssize_t count = read(fd, into + *len, OUTPUT_MAX - 1 - *len);
    if (count > 0) *len += (size_t)count;
    into[*len] = '\0';
    return count > 0 || (count < 0 && errno == EINTR);
}

static void wait_readable(int fd)
{
    struct pollfd watched = { .fd = fd, .events = POLLIN };
    assert_int_equal(poll(&watched, 1, PATIENCE_MS), 1);
}

/* Reads standard output (or a terminal) until `wanted` stands in it. */
static void read_until(int fd, result *got, const char *wanted)
{
    while (!strstr(got->out, wanted)) {
        wait_readable(fd);
        bool is_open = take(fd, got->out, &got->out_len);
        if (!is_open && !strstr(got->out, wanted)) fail_msg("'%s' never came, but: %s", wanted, got->out);
    }
}

/* Feeds `input` (NULL: leaves standard input as it is), reads both outputs to their ends, and waits for the exit. */
static void finish(child *process, const char *input, result *got)
{
    size_t left = input ? strlen(input) : 0;
    bool is_out = true, is_err = true;
    if (input && left == 0) close_in(process);
    while (is_out || is_err) {
        struct pollfd watched[] = {
            { .fd = is_out ? process->out : -1, .events = POLLIN },
            { .fd = is_err ? process->err : -1, .events = POLLIN },
            { .fd = left > 0 ? process->in : -1, .events = POLLOUT },
        };
        assert_true(poll(watched, 3, PATIENCE_MS) > 0);
        if (watched[0].revents) is_out = take(process->out, got->out, &got->out_len);
        if (watched[1].revents) is_err = take(process->err, got->err, &got->err_len);
        if (watched[2].revents) {
            ssize_t count = write(process->in, input, left);
            left -= count > 0 ? (size_t)count : left;
            input += count > 0 ? count : 0;
            if (left == 0) close_in(process);
        }
    }
    close_in(process);
    (void)close(process->out);
    (void)close(process->err);
    got->status = wait_for(process->pid);
}

static void collect(char **arguments, const char *first, va_list list)
{
    size_t count = 0;
    arguments[count++] = (char *)program("CASTOR", CASTOR_PATH);
    for (const char *at = first; at; at = va_arg(list, const char *)) {
        assert_true(count < ARGUMENTS_MAX - 1);
        arguments[count++] = (char *)at;
    }
    arguments[count] = NULL;
}

static void reset(result *got)
{
    got->status = -1;
    got->out_len = got->err_len = 0;
    got->out[0] = got->err[0] = '\0';
}

/* Runs castor with these arguments, up to a NULL, and `input` through a pipe, NULL for /dev/null. */
__attribute__((sentinel)) static result *run(fixture *with, const char *input, const char *first, ...)
{
    char *arguments[ARGUMENTS_MAX];
    va_list list;
    va_start(list, first);
    collect(arguments, first, list);
    va_end(list);
    reset(&with->result);
    int nothing = input ? -1 : keep_private(open("/dev/null", O_RDONLY));
    child castor = start(arguments[0], arguments, nothing, -1);
    finish(&castor, input, &with->result);
    if (nothing >= 0) (void)close(nothing);
    return &with->result;
}

/* Starts castor with /dev/null for input, and its output to `out`, or to us when that is -1. */
__attribute__((sentinel)) static child begin(fixture *with, int out, const char *first, ...)
{
    char *arguments[ARGUMENTS_MAX];
    va_list list;
    va_start(list, first);
    collect(arguments, first, list);
    va_end(list);
    reset(&with->result);
    int nothing = keep_private(open("/dev/null", O_RDONLY));
    child castor = start(arguments[0], arguments, nothing, out);
    (void)close(nothing);
    return castor;
}

/* Runs castor on a terminal of its own. */
__attribute__((sentinel)) static child begin_on_terminal(fixture *with, const char *first, ...)
{
    char *arguments[ARGUMENTS_MAX];
    va_list list;
    va_start(list, first);
    collect(arguments, first, list);
    va_end(list);
    reset(&with->result);
    child castor = { .in = -1, .err = -1 };
    castor.pid = forkpty(&castor.out, NULL, NULL, NULL);
    assert_true(castor.pid >= 0);
    if (castor.pid == 0) exec_program(arguments[0], arguments);
    (void)keep_private(castor.out);
    return castor;
}

/* Reads the terminal until the program is gone. */
static void finish_terminal(child *castor, result *got)
{
    do wait_readable(castor->out);
    while (take(castor->out, got->out, &got->out_len)); /* EIO when nobody holds the other side */
    (void)close(castor->out);
    got->status = wait_for(castor->pid);
}

static void write_file(fixture *with, const char *name, const char *bytes, size_t len, mode_t mode)
{
    (void)snprintf(with->path, sizeof with->path, "%s/%s", with->directory, name);
    int fd = open(with->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    assert_true(fd >= 0);
    assert_int_equal(fchmod(fd, mode), 0);
    assert_int_equal(write(fd, bytes, len), (ssize_t)len);
    assert_int_equal(close(fd), 0);
}

/* ---- what is expected ---- */

static void check_text(const char *text, const char *wanted)
{
    if (!strstr(text, wanted)) fail_msg("no '%s' in: %s", wanted, text);
}

static void check_no_text(const char *text, const char *unwanted)
{
    if (strstr(text, unwanted)) fail_msg("'%s' in: %s", unwanted, text);
}

static void check_status(const result *got, int status)
{
    if (got->status != status) fail_msg("exit %d, not %d: %s%s", got->status, status, got->out, got->err);
}

/* ---- set up ---- */

static void start_pollux(fixture *with)
{
    char script_path[128];
    char text[sizeof script + sizeof long_call];
    (void)snprintf(text, sizeof text, "%s%s", script, long_call);
    write_file(with, "script.md", text, strlen(text), 0600);
    (void)snprintf(script_path, sizeof script_path, "%s", with->path);
    char *arguments[] = { (char *)program("POLLUX", POLLUX_PATH), "--port", "0", "--instant", "-q", "--grace", "0",
                          "--script", script_path, NULL };
    int nothing = keep_private(open("/dev/null", O_RDWR));
    child pollux = start(arguments[0], arguments, nothing, -1);
    (void)close(nothing);
    close_in(&pollux);
    with->pollux = pollux.pid;
    with->pollux_out = pollux.out;
    with->pollux_err = pollux.err;

    static const char greeting[] = "pollux listening on ";
    reset(&with->result);
    read_until(pollux.out, &with->result, "\n");
    const char *url = strstr(with->result.out, greeting);
    assert_non_null(url);
    url += sizeof greeting - 1;
    (void)snprintf(with->base_url, sizeof with->base_url, "%.*s", (int)strcspn(url, " \n"), url);
}

static void set_environment(void)
{
    static const char *const unwanted[] = {
        "GOOGLE_API_KEY", "GEMINI_API_KEY", "GOOGLE_GEMINI_BASE_URL", "CASTOR_MODEL", "http_proxy", "https_proxy",
        "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY",
    };
    for (size_t i = 0; i < sizeof unwanted / sizeof unwanted[0]; i++) (void)unsetenv(unwanted[i]);
    (void)setenv("GEMINI_API_KEY", "test-key", 1);
}

static int set_up(void **state)
{
    fixture *with = calloc(1, sizeof *with);
    if (!with) return -1;
    *state = with;
    (void)signal(SIGPIPE, SIG_IGN);
    set_environment();
    (void)snprintf(with->directory, sizeof with->directory, "/tmp/castor-test-XXXXXX");
    if (!mkdtemp(with->directory)) return -1;
    start_pollux(with);
    return 0;
}

static int tear_down(void **state)
{
    fixture *with = *state;
    static const char *const files[] = { "script.md", "notes", "photo", "key", "schema", "body" };
    if (with->pollux > 0) {
        (void)kill(with->pollux, SIGTERM);
        (void)wait_for(with->pollux);
        (void)close(with->pollux_out);
        (void)close(with->pollux_err);
    }
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        (void)snprintf(with->path, sizeof with->path, "%s/%s", with->directory, files[i]);
        (void)unlink(with->path);
    }
    (void)rmdir(with->directory);
    free(with);
    return 0;
}

/* The key is back for each test, whatever the one before did. */
static int refresh(void **state)
{
    (void)state;
    set_environment();
    return 0;
}

/* ---- the prompt ---- */

static void arguments_make_the_prompt(void **state)
{
    result *got = run(*state, NULL, "--dry-run", "Why", "do beavers", "build dams?", NULL);
    check_status(got, 0);
    check_text(got->out, "\"Why do beavers build dams?\"");
}

static void a_pipe_makes_the_prompt(void **state)
{
    result *got = run(*state, "Why do beavers\nbuild dams?\n", "--dry-run", NULL);
    check_status(got, 0);
    check_text(got->out, "\"Why do beavers\\nbuild dams?\\n\"");
}

static void a_pipe_comes_before_the_arguments_with_a_blank_line_between(void **state)
{
    result *got = run(*state, "Beavers build dams.\n", "--dry-run", "Is", "that so?", NULL);
    check_status(got, 0);
    check_text(got->out, "\"Beavers build dams.\\n\\nIs that so?\"");
}

static void an_empty_argument_adds_nothing_to_the_pipe(void **state)
{
    result *got = run(*state, "Why?\n", "--dry-run", "", NULL);
    check_status(got, 0);
    check_text(got->out, "\"Why?\\n\"");
}

static void files_stand_between_the_pipe_and_the_arguments(void **state)
{
    fixture *with = *state;
    write_file(with, "notes", "one", 3, 0600);
    result *got = run(with, "zero", "--dry-run", "two", "-f", with->path, "-f", with->path, NULL);
    check_status(got, 0);
    check_text(got->out, "\"zero\\n\\none\\n\\none\\n\\ntwo\"");
}

static void a_pipe_that_never_speaks_does_not_hold_up_the_prompt(void **state)
{
    fixture *with = *state;
    char *arguments[] = { (char *)program("CASTOR", CASTOR_PATH), "--dry-run", "Hello.", NULL };
    reset(&with->result);
    child castor = start(arguments[0], arguments, -1, -1);
    finish(&castor, NULL, &with->result); /* its standard input stays open and silent */
    check_status(&with->result, 0);
    check_text(with->result.out, "\"Hello.\"");
    check_text(with->result.err, "nothing came through standard input");
}

static void an_attachment_has_the_type_of_its_first_bytes(void **state)
{
    fixture *with = *state;
    static const char photo[] = "\x89PNG\r\n\x1A\n\0\0\0\rIHDR";
    write_file(with, "photo", photo, sizeof photo - 1, 0600);
    result *got = run(with, NULL, "--dry-run", "-a", with->path, "What is it?", NULL);
    check_status(got, 0);
    check_text(got->out, "\"image/png\"");
    check_text(got->out, "iVBORw0KGgo");
    got = run(with, NULL, "--dry-run", "--at", "image/x-odd", "-a", with->path, "What is it?", NULL);
    check_text(got->out, "\"image/x-odd\"");
}

static void many_kinds_of_attachment_are_known(void **state)
{
    fixture *with = *state;
    static const struct {
        const char *bytes;
        size_t      len;
        const char *type;
    } files[] = {
        { "\xFF\xD8\xFF\xE0", 4, "image/jpeg" },
        { "RIFF\0\0\0\0WEBPVP8 ", 16, "image/webp" },
        { "RIFF\0\0\0\0WAVEfmt ", 16, "audio/wav" },
        { "\0\0\0\x18" "ftypheic", 12, "image/heic" },
        { "\0\0\0\x18" "ftypisom", 12, "video/mp4" },
        { "%PDF-1.7\n\xE2\xE3", 11, "application/pdf" },
        { "ID3\x04\0", 5, "audio/mp3" },
        { "\xFF\xFB\x90\x64", 4, "audio/mp3" },
        { "\xFF\xF1\x50\x80", 4, "audio/aac" },
        { "OggS\0", 5, "audio/ogg" },
        { "fLaC\0", 5, "audio/flac" },
        { "\x1A\x45\xDF\xA3\x9F\x42\x82\x84webm", 12, "video/webm" },
        { "ID3 tags are old.", 17, "text/plain" },
        { "a,b\n1,2\n", 8, "text/plain" },
    };
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        write_file(with, "photo", files[i].bytes, files[i].len, 0600);
        result *got = run(with, NULL, "--dry-run", "-a", with->path, "What is it?", NULL);
        check_status(got, 0);
        check_text(got->out, files[i].type);
    }
}

static void what_cannot_be_told_is_asked_for(void **state)
{
    fixture *with = *state;
    write_file(with, "photo", "\x01\x02\xFF\xFE", 4, 0600);
    result *got = run(with, NULL, "--dry-run", "-a", with->path, "What is it?", NULL);
    check_status(got, 2);
    check_text(got->err, "--at TYPE");
    got = run(with, NULL, "--dry-run", "-f", with->path, NULL);
    check_status(got, 2);
    check_text(got->err, "is not UTF-8 text");
}

static void an_attachment_may_come_through_the_pipe(void **state)
{
    result *got = run(*state, "GIF89a", "--dry-run", "-a", "-", "What is it?", NULL);
    check_status(got, 0);
    check_text(got->out, "\"image/gif\"");
    check_text(got->out, "\"What is it?\"");
}

static void a_closed_standard_input_is_no_input(void **state)
{
    fixture *with = *state;
    char command[256];
    (void)snprintf(command, sizeof command, "'%s' --dry-run Hello. <&-", program("CASTOR", CASTOR_PATH));
    char *arguments[] = { "sh", "-c", command, NULL };
    reset(&with->result);
    child shell = start("sh", arguments, -1, -1);
    finish(&shell, "", &with->result);
    check_status(&with->result, 0);
    check_text(with->result.out, "\"Hello.\"");
    assert_string_equal(with->result.err, "");
}

static void settings_reach_the_request(void **state)
{
    result *got = run(*state, NULL, "--dry-run", "--temperature", "0", "--max-output-tokens=64", "-s", "Be brief.",
                      "-o", "topP", "0.5", "-o", "speechConfig.languageCode", "de", "-o", ".cachedContent",
                      "cachedContents/x", "Hello.", NULL);
    check_status(got, 0);
    check_text(got->out, "\"temperature\":0");
    check_text(got->out, "\"maxOutputTokens\":64");
    check_text(got->out, "\"Be brief.\"");
    check_text(got->out, "\"topP\":0.5");
    check_text(got->out, "\"speechConfig\":{\"languageCode\":\"de\"}");
    check_text(got->out, "\"cachedContent\":\"cachedContents/x\"");
}

static void a_setting_that_contradicts_itself_is_refused(void **state)
{
    result *got = run(*state, NULL, "--dry-run", "-o", "a", "1", "-o", "a.b", "2", "Hello.", NULL);
    check_status(got, 2);
    check_text(got->err, "-o a and -o a.b cannot both be set");
    got = run(*state, NULL, "--dry-run", "-o", "a", "{\"b\":1", "Hello.", NULL);
    check_status(got, 2);
    check_text(got->err, "begins like JSON");
}

static void the_model_comes_from_the_option_then_the_environment(void **state)
{
    result *got = run(*state, NULL, "--dry-run", "Hello.", NULL);
    check_text(got->out, "gemini-3.8-flash");
    (void)setenv("CASTOR_MODEL", "gemini-4-argon", 1);
    got = run(*state, NULL, "--dry-run", "Hello.", NULL);
    check_text(got->out, "gemini-4-argon");
    got = run(*state, NULL, "--dry-run", "-m", "gemini-4-carbon", "Hello.", NULL);
    check_text(got->out, "gemini-4-carbon");
    (void)unsetenv("CASTOR_MODEL");
    got = run(*state, NULL, "--dry-run", "--dialect", "message", "Hello.", NULL);
    check_text(got->out, "chat-bison-001");
}

/* ---- usage and keys ---- */

static void a_wrong_option_is_told_and_exits_2(void **state)
{
    result *got = run(*state, NULL, "--temprature", "1", "Hello.", NULL);
    check_status(got, 2);
    assert_string_equal(got->out, "");
    assert_string_equal(got->err, "castor: unknown option '--temprature'; did you mean '--temperature'? See 'castor "
                                  "--help'.\n");
}

static void no_prompt_at_a_terminal_shows_the_usage(void **state)
{
    fixture *with = *state;
    child castor = begin_on_terminal(with, "-q", NULL);
    finish_terminal(&castor, &with->result);
    check_status(&with->result, 2);
    check_text(with->result.out, "Usage: castor");
}

static void a_schema_that_is_none_is_told_by_its_file(void **state)
{
    fixture *with = *state;
    write_file(with, "schema", "type: object", 12, 0600);
    result *got = run(with, NULL, "--schema", with->path, "Hello.", NULL);
    check_status(got, 2);
    check_text(got->err, "castor: --schema ");
    check_text(got->err, "/schema: response_schema is not JSON at byte ");
}

static void an_empty_prompt_is_refused(void **state)
{
    result *got = run(*state, NULL, "-q", NULL);
    check_status(got, 2);
    check_text(got->err, "the prompt is empty");
}

static void no_key_exits_3_and_says_how_to_get_one_and_how_to_try_without(void **state)
{
    (void)unsetenv("GEMINI_API_KEY");
    result *got = run(*state, NULL, "Hello.", NULL);
    check_status(got, 3);
    assert_string_equal(got->out, "");
    check_text(got->err, "https://aistudio.google.com/apikey");
    check_text(got->err, "GEMINI_API_KEY");
    check_text(got->err, "pollux");
}

static void a_dry_run_needs_no_key_and_hides_the_one_there_is(void **state)
{
    fixture *with = *state;
    (void)setenv("GEMINI_API_KEY", "test-key-very-secret", 1);
    result *got = run(with, NULL, "--dry-run", "-v", "--base-url", with->base_url, "Hello.", NULL);
    check_status(got, 0);
    check_text(got->out, ":streamGenerateContent");
    check_no_text(got->out, "very-secret");
    check_no_text(got->err, "very-secret");
    (void)unsetenv("GEMINI_API_KEY");
    got = run(with, NULL, "--dry-run", "Hello.", NULL);
    check_status(got, 0);
}

static void verbose_shows_the_request_line_but_never_the_key(void **state)
{
    fixture *with = *state;
    (void)setenv("GEMINI_API_KEY", "test-key-very-secret", 1);
    result *got = run(with, NULL, "-v", "--base-url", with->base_url, "ponds", NULL);
    check_status(got, 0);
    assert_string_equal(got->out, "Dams make ponds.\n");
    check_text(got->err, "> POST ");
    check_no_text(got->err, "very-secret");
}

static void a_key_file_that_others_can_read_is_refused(void **state)
{
    fixture *with = *state;
    (void)unsetenv("GEMINI_API_KEY");
    write_file(with, "key", " test-key\n", 10, 0644);
    result *got = run(with, NULL, "--key-file", with->path, "--base-url", with->base_url, "ponds", NULL);
    check_status(got, 2);
    check_text(got->err, "chmod 600");
    write_file(with, "key", " test-key\n", 10, 0600);
    got = run(with, NULL, "--key-file", with->path, "--base-url", with->base_url, "ponds", NULL);
    check_status(got, 0);
    assert_string_equal(got->out, "Dams make ponds.\n");
}

static void a_key_file_in_utf_16_is_refused(void **state)
{
    fixture *with = *state;
    write_file(with, "key", "k\0e\0y\0\n\0", 8, 0600);
    result *got = run(with, NULL, "--key-file", with->path, "--base-url", with->base_url, "ponds", NULL);
    check_status(got, 2);
    check_text(got->err, "key holds a NUL byte");
}

static void help_and_version_go_to_standard_output(void **state)
{
    result *got = run(*state, NULL, "--help", NULL);
    check_status(got, 0);
    check_text(got->out, "--max-output-tokens N");
    assert_string_equal(got->err, "");
    got = run(*state, NULL, "decode", "-h", NULL);
    check_text(got->out, "--content-type TYPE");
    got = run(*state, NULL, "-V", NULL);
    check_status(got, 0);
    check_text(got->out, "castor 0.");
    check_text(got->out, "(libcastor 0.");
}

static void the_manual_has_every_option_of_the_help(void **state)
{
#ifdef CASTOR_MAN_PATH
    const char *page = program("CASTOR_MAN", CASTOR_MAN_PATH);
#else
    const char *page = getenv("CASTOR_MAN");
#endif
    static char manual[OUTPUT_MAX];
    size_t len = 0;
    int fd = page ? open(page, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0) skip();
    while (take(fd, manual, &len)) continue;
    (void)close(fd);

    const char *help = run(*state, NULL, "--help", NULL)->out;
    int count = 0;
    for (const char *at = help; (at = strstr(at, " --")) != NULL; at += 3) {
        char wanted[64];
        int name_len = (int)strspn(at + 3, "abcdefghijklmnopqrstuvwxyz-");
        if (name_len == 0) continue;
        (void)snprintf(wanted, sizeof wanted, "Fl \\-%.*s", name_len, at + 3);
        count += strstr(at, "  ") != NULL;
        if (strncmp(at - 4, "    ", 4) == 0 || at[-1] == ',') check_text(manual, wanted);
    }
    assert_true(count > 20);
}

/* ---- the answer ---- */

static void the_answer_and_nothing_else_is_on_standard_output(void **state)
{
    fixture *with = *state;
    result *got = run(with, NULL, "--base-url", with->base_url, "Tell me about ponds.", NULL);
    check_status(got, 0);
    assert_string_equal(got->out, "Dams make ponds.\n");
    assert_string_equal(got->err, "");
}

static void without_streaming_the_answer_is_the_same(void **state)
{
    fixture *with = *state;
    result *got = run(with, NULL, "--no-stream", "--base-url", with->base_url, "whole answer", NULL);
    check_status(got, 0);
    assert_string_equal(got->out, "Dams make ponds.\n");
}

static void the_answer_is_written_as_it_arrives_also_into_a_pipe(void **state)
{
    fixture *with = *state;
    child castor = begin(with, -1, "--base-url", with->base_url, "a pause", NULL);
    read_until(castor.out, &with->result, "Before the pause.");
    assert_int_equal(waitpid(castor.pid, NULL, WNOHANG), 0); /* the rest is a quarter of an hour away */
    (void)kill(castor.pid, SIGTERM);
    finish(&castor, NULL, &with->result);
    check_status(&with->result, 143);
    assert_string_equal(with->result.out, "Before the pause.\n");
}

static void json_lines_are_written_as_they_arrive_too(void **state)
{
    fixture *with = *state;
    child castor = begin(with, -1, "--output", "jsonl", "--base-url", with->base_url, "a pause", NULL);
    read_until(castor.out, &with->result, "\"text\":\"Before the pause.\"}\n");
    (void)kill(castor.pid, SIGINT);
    finish(&castor, NULL, &with->result);
    check_status(&with->result, 130);
    check_text(with->result.out, "{\"type\":\"end\",\"verdict\":\"CANCELLED\"");
}

static void ctrl_c_keeps_what_was_shown_and_exits_130(void **state)
{
    fixture *with = *state;
    child castor = begin_on_terminal(with, "--base-url", with->base_url, "a pause", NULL);
    read_until(castor.out, &with->result, "Before the pause.");
    assert_int_equal(write(castor.out, "\x03", 1), 1);
    finish_terminal(&castor, &with->result);
    check_status(&with->result, 130);
    check_text(with->result.out, "Before the pause.");
    check_text(with->result.out, "castor: CANCELLED: ");
}

static void ctrl_c_ends_a_call_without_streaming_at_once(void **state)
{
    fixture *with = *state;
    child castor = begin_on_terminal(with, "-v", "--no-stream", "--base-url", with->base_url, "a pause", NULL);
    read_until(castor.out, &with->result, "> POST ");
    assert_int_equal(write(castor.out, "\x03", 1), 1);
    finish_terminal(&castor, &with->result);
    check_status(&with->result, 130);
}

static void spoil_next(const fixture *with, const char *fault)
{
    const tst_witness twin = { .url = with->base_url };
    char json[256];
    (void)snprintf(json, sizeof json, "{\"fault\": \"%s\", \"count\": 1, \"path\": \"enerate\"}", fault);
    assert_true(tst_witness_arm(&twin, json));
}

static void an_overloaded_model_gives_way_to_another_and_a_note_says_so(void **state)
{
    fixture *with = *state;
    spoil_next(with, "status=503:plain");
    result *got = run(with, NULL, "--base-url", with->base_url, "--fallback-model", "gemini-3.5-flash", "ponds", NULL);
    check_status(got, 0);
    assert_string_equal(got->out, "Dams make ponds.\n");
    check_text(got->err, "castor: 503 UNAVAILABLE; asking gemini-3.5-flash; attempt 2 of 4\n");
    spoil_next(with, "status=503:plain");
    got = run(with, NULL, "--base-url", with->base_url, "--fallback-model", "gemini-3.5-flash", "--output", "json", "ponds", NULL);
    check_text(got->out, ",\"attempts\":2,\"fallback_model\":\"gemini-3.5-flash\",");
}

static void a_short_wait_is_told_only_when_asked_for(void **state)
{
    fixture *with = *state; /* the budget keeps the wait under a second, which is short */
    spoil_next(with, "status=503:plain");
    result *got = run(with, NULL, "--base-url", with->base_url, "--retry-budget", "0.95", "ponds", NULL);
    check_status(got, 0);
    assert_string_equal(got->err, "");
    spoil_next(with, "status=503:plain");
    got = run(with, NULL, "--base-url", with->base_url, "--retry-budget", "0.95", "-v", "ponds", NULL);
    check_status(got, 0);
    check_text(got->err, "castor: 503 UNAVAILABLE; waiting 0.");
    check_text(got->err, " s; attempt 2 of 4\n");
}

static void retries_can_be_switched_off_and_a_long_delay_is_not_waited_for(void **state)
{
    fixture *with = *state;
    spoil_next(with, "status=503:plain");
    check_status(run(with, NULL, "--base-url", with->base_url, "--retries", "0", "ponds", NULL), 1);
    spoil_next(with, "status=429:rpm,retryinfo=100");
    result *got = run(with, NULL, "--base-url", with->base_url, "--retry-budget", "50", "ponds", NULL);
    check_status(got, 4);
    check_text(got->err, "QUOTA_NOW: only ");
    const char *delay = strstr(got->err, "100");
    assert_true(delay && !strstr(delay + 1, "100")); /* once is enough */
}

/* Its kernel accepts connections, and nobody ever reads from them. */
static int listen_deaf(char url[64])
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof address;
    int fd = keep_private(socket(AF_INET, SOCK_STREAM, 0));
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(fd, 8), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    (void)snprintf(url, 64, "https://127.0.0.1:%d", ntohs(address.sin_port));
    return fd;
}

static void each_limit_of_time_can_be_set_and_is_named_when_it_strikes(void **state)
{
    fixture *with = *state;
    char deaf[64];
    int fd = listen_deaf(deaf);
    result *got = run(with, NULL, "--base-url", deaf, "--tls-timeout", "0.05", "--retries", "0", "ponds", NULL);
    check_status(got, 9);
    check_text(got->err, "castor: TIMEOUT: the TLS handshake time limit struck after ");
    (void)close(fd);
    spoil_next(with, "ignore");
    got = run(with, NULL, "--base-url", with->base_url, "--first-byte-timeout", "0.05", "ponds", NULL);
    check_status(got, 9);
    check_text(got->err, "castor: TIMEOUT: the first byte time limit struck after ");
    got = run(with, NULL, "--base-url", with->base_url, "--idle-timeout", "0.5", "a pause", NULL);
    check_status(got, 9);
    check_text(got->out, "Before the pause.");
    check_text(got->err, "castor: TIMEOUT: the idle time limit struck after ");
    got = run(with, NULL, "--base-url", with->base_url, "--timeout", "0.05", "a pause", NULL);
    check_status(got, 9);
    check_text(got->err, "castor: TIMEOUT: the total time limit struck after ");
}

/* Google's error of a daily quota names a delay as well. */
static void a_quota_of_the_day_is_told_without_a_delay_that_would_not_mend_it(void **state)
{
    fixture *with = *state;
    spoil_next(with, "status=429:rpm,retryinfo=33");
    result *got = run(with, NULL, "--base-url", with->base_url, "--retries", "0", "ponds", NULL);
    check_status(got, 4);
    check_text(got->err, "retry in 33");
    spoil_next(with, "status=429:rpd,retryinfo=33");
    got = run(with, NULL, "--base-url", with->base_url, "ponds", NULL);
    check_status(got, 5);
    check_text(got->err, "castor: QUOTA_DAY: ");
    assert_null(strstr(got->err, "again in"));
}

static void an_answer_that_begins_anew_is_marked_or_discarded(void **state)
{
    fixture *with = *state;
    spoil_next(with, "cut@event=1");
    result *got = run(with, NULL, "--base-url", with->base_url, "--restart", "1", "--retry-budget", "0.05", "ponds", NULL);
    check_status(got, 0);
    assert_string_equal(got->out, "Dams make \n--- the answer begins anew ---\nDams make ponds.\n");
    check_text(got->err, "castor: TRUNCATED: the answer is cut off: ");
    check_text(got->err, "attempt 2 of 4\n");
    check_no_text(got->err, "is good");
    spoil_next(with, "cut@event=1");
    got = run(with, NULL, "--base-url", with->base_url, "--restart", "1", "--retry-budget", "0.05", "--output", "json", "ponds", NULL);
    check_status(got, 0);
    check_text(got->out, "{\"text\":\"Dams make ponds.\",\"verdict\":\"COMPLETE\"");
    check_text(got->out, ",\"attempts\":2,\"restarts\":1,");
    spoil_next(with, "cut@event=1");
    got = run(with, NULL, "--base-url", with->base_url, "--restart", "1", "--retry-budget", "0.05", "--output", "jsonl", "ponds", NULL);
    check_status(got, 0);
    check_text(got->out, "\n{\"type\":\"restart\"}\n");
    check_text(got->out, "\"text_bytes\":16,");
    spoil_next(with, "cut@event=1");
    check_status(run(with, NULL, "--base-url", with->base_url, "ponds", NULL), 7);
}

static void a_terminal_gets_control_sequences_made_harmless(void **state)
{
    fixture *with = *state;
    child castor = begin_on_terminal(with, "--base-url", with->base_url, "hostile text", NULL);
    finish_terminal(&castor, &with->result);
    check_status(&with->result, 0);
    check_text(with->result.out, "a\xE2\x90\x9B]0;title\xE2\x90\x87" "b\xEF\xBF\xBD" "c\xEF\xBF\xBD" "d");
    assert_null(strchr(with->result.out, 0x1B));
}

static void a_pipe_gets_the_text_as_it_came(void **state)
{
    fixture *with = *state;
    result *got = run(with, NULL, "--base-url", with->base_url, "hostile text", NULL);
    check_status(got, 0);
    assert_string_equal(got->out, "a\x1B]0;title\x07" "b\xC2\x9B" "c\xE2\x80\xAE" "d\n");
}

static void json_on_a_terminal_is_harmless_too(void **state)
{
    fixture *with = *state;
    child castor = begin_on_terminal(with, "--output", "jsonl", "--base-url", with->base_url, "hostile text", NULL);
    finish_terminal(&castor, &with->result);
    check_status(&with->result, 0);
    check_text(with->result.out, "a\\u001b]0;title\\u0007b\xEF\xBF\xBD" "c\xEF\xBF\xBD" "d");
}

static void a_reader_that_goes_away_ends_it_quietly(void **state)
{
    fixture *with = *state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    (void)close(ends[0]); /* before it begins: it might be done before we get to it */
    child castor = begin(with, keep_private(ends[1]), "--base-url", with->base_url, "many words", NULL);
    (void)close(ends[1]);
    finish(&castor, NULL, &with->result);
    check_status(&with->result, 128 + SIGPIPE);
    assert_string_equal(with->result.err, "");
}

static void a_full_disk_is_an_error(void **state)
{
    fixture *with = *state;
    int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    if (full < 0) skip();
    child castor = begin(with, full, "--base-url", with->base_url, "ponds", NULL);
    (void)close(full);
    finish(&castor, NULL, &with->result);
    check_status(&with->result, 1);
    check_text(with->result.err, "castor: cannot write to standard output: ");
}

static void a_truncated_answer_is_kept_and_exits_7(void **state)
{
    fixture *with = *state;
    result *got = run(with, NULL, "--base-url", with->base_url, "half an answer", NULL);
    check_status(got, 7);
    assert_string_equal(got->out, "Dams make\n");
    check_text(got->err, "castor: TRUNCATED: ");
    got = run(with, NULL, "-q", "--base-url", with->base_url, "half an answer", NULL);
    check_text(got->err, "castor: TRUNCATED: ");
}

static void an_error_of_the_server_decides_the_exit_status(void **state)
{
    fixture *with = *state;
    result *got = run(with, NULL, "--base-url", with->base_url, "bad key", NULL);
    check_status(got, 3);
    assert_string_equal(got->out, "");
    check_text(got->err, "castor: AUTH: ");
    check_text(got->err, "API key not valid");
}

static void thoughts_go_to_standard_error(void **state)
{
    fixture *with = *state;
    result *got = run(with, NULL, "--thoughts", "--base-url", with->base_url, "deep thoughts", NULL);
    check_status(got, 0);
    assert_string_equal(got->out, "Dams.\n");
    assert_string_equal(got->err, "Hm.\n");
}

static void several_candidates_follow_each_other(void **state)
{
    fixture *with = *state;
    result *got = run(with, NULL, "--base-url", with->base_url, "two answers", NULL);
    check_status(got, 0);
    assert_string_equal(got->out, "First answer.\n--- candidate 1 ---\nSecond answer.\n");
}

static void a_tool_call_is_a_note_and_a_whole_answer(void **state)
{
    fixture *with = *state;
    result *got = run(with, NULL, "--base-url", with->base_url, "the weather", NULL);
    check_status(got, 0);
    assert_string_equal(got->out, "");
    check_text(got->err, "castor: the model calls get_weather({\"city\":\"Oslo\"})\n");
    got = run(with, NULL, "-q", "--base-url", with->base_url, "the weather", NULL);
    assert_string_equal(got->err, "");
}

static void a_long_tool_call_is_cut_at_a_whole_character(void **state)
{
    fixture *with = *state;
    result *got = run(with, NULL, "--base-url", with->base_url, "a long call", NULL);
    check_status(got, 0);
    check_text(got->err, "\xC3\xA9\xC3\xA9...)\n");
}

static void a_picture_is_a_note(void **state)
{
    fixture *with = *state;
    result *got = run(with, NULL, "--base-url", with->base_url, "a picture", NULL);
    check_status(got, 0);
    check_text(got->err, "image/png of 5 bytes");
}

static void usage_shows_tokens_cost_and_speed(void **state)
{
    fixture *with = *state;
    result *got = run(with, NULL, "-u", "--base-url", with->base_url, "ponds", NULL);
    check_status(got, 0);
    assert_string_equal(got->out, "Dams make ponds.\n");
    check_text(got->err, "tokens: 12 in, 345 out, 60 thought, 417 total\n");
    check_text(got->err, "cost: $0.00");
    check_text(got->err, "first token ");
    got = run(with, NULL, "-u", "--base-url", with->base_url, "unknown model", NULL);
    check_text(got->err, "cost: unknown for gemini-of-tomorrow\n");
}

/* ---- JSON ---- */

static void json_is_one_object_at_the_end(void **state)
{
    fixture *with = *state;
    result *got = run(with, NULL, "--output", "json", "--base-url", with->base_url, "ponds", NULL);
    check_status(got, 0);
    check_text(got->out, "{\"text\":\"Dams make ponds.\",\"verdict\":\"COMPLETE\",\"finish\":\"STOP\",\"usage\":{"
                         "\"prompt_tokens\":12,");
    check_text(got->out, "\"timing\":{");
    check_text(got->out, "},\"attempts\":1,\"model_version\":");
    check_text(got->out, "\"model_version\":\"gemini-3.8-flash\"");
    assert_ptr_equal(strchr(got->out, '\n'), got->out + got->out_len - 1);
    got = run(with, NULL, "--output", "json", "--base-url", with->base_url, "the weather", NULL);
    check_text(got->out, "\"function_calls\":[{\"type\":\"function_call\",\"candidate\":0,\"name\":\"get_weather\","
                         "\"args\":{\"city\":\"Oslo\"}}]");
    got = run(with, NULL, "--output", "json", "--base-url", with->base_url, "two answers", NULL);
    check_text(got->out, "\"candidates\":[{\"candidate\":0,\"text\":\"First answer.\",\"finish\":\"STOP\"},"
                         "{\"candidate\":1,\"text\":\"Second answer.\",\"finish\":\"STOP\"}]");
    got = run(with, NULL, "--output", "json", "--base-url", with->base_url, "half an answer", NULL);
    check_status(got, 7);
    check_text(got->out, "{\"text\":\"Dams make\",\"verdict\":\"TRUNCATED\",\"message\":");
}

static void json_lines_are_events_and_an_end(void **state)
{
    fixture *with = *state;
    result *got = run(with, NULL, "--output", "jsonl", "--base-url", with->base_url, "ponds", NULL);
    check_status(got, 0);
    check_text(got->out, "{\"type\":\"text\",\"candidate\":0,\"text\":\"Dams make \"}\n");
    check_text(got->out, "{\"type\":\"finish\",\"candidate\":0,\"finish\":\"STOP\"}\n");
    check_text(got->out, "{\"type\":\"usage\",\"usage\":{\"prompt_tokens\":12,");
    check_text(got->out, "{\"type\":\"end\",\"verdict\":\"COMPLETE\",\"finish\":\"STOP\",\"text_bytes\":16,");
    check_text(got->out, "\"total_ms\":");
}

/* ---- decode ---- */

static void decode_reads_a_recorded_answer_from_a_pipe(void **state)
{
    result *got = run(*state,
        "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"Hm.\",\"thought\":true},"
        "{\"text\":\"D\\u00e4mme \\\"1\\\"\"}]}}]}\r\n\r\n"
        "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"!\"}]},\"finishReason\":\"STOP\"}]}\r\n\r\n",
        "decode", NULL);
    check_status(got, 0);
    assert_string_equal(got->err, "");
    assert_string_equal(got->out,
        "{\"type\":\"thought\",\"candidate\":0,\"text\":\"Hm.\"}\n"
        "{\"type\":\"text\",\"candidate\":0,\"text\":\"D\xC3\xA4mme \\\"1\\\"\"}\n"
        "{\"type\":\"text\",\"candidate\":0,\"text\":\"!\"}\n"
        "{\"type\":\"finish\",\"candidate\":0,\"finish\":\"STOP\"}\n"
        "{\"type\":\"end\",\"verdict\":\"COMPLETE\",\"finish\":\"STOP\",\"text_bytes\":11,\"thought_bytes\":3,"
        "\"function_calls\":0,\"inline_data\":0}\n");
}

static void decode_knows_every_kind_of_event(void **state)
{
    result *got = run(*state,
        "[{\"candidates\":[{\"content\":{\"parts\":["
        "{\"functionCall\":{\"id\":\"c1\",\"name\":\"f\",\"args\":{\"a\":1}},\"thoughtSignature\":\"c2ln\"},"
        "{\"inlineData\":{\"mimeType\":\"image/png\",\"data\":\"aGVsbG8=\"}},"
        "{\"fileData\":{\"mimeType\":\"text/csv\",\"fileUri\":\"https://example.org/x\"}},"
        "{\"executableCode\":{\"language\":\"PYTHON\",\"code\":\"print(1)\"}},"
        "{\"codeExecutionResult\":{\"outcome\":\"OUTCOME_OK\",\"output\":\"1\\n\"}},"
        "{\"text\":\"\",\"thoughtSignature\":\"c2ln\"},"
        "{\"ofTomorrow\":{\"x\":1}}],\"role\":\"model\"},\"finishReason\":\"STOP\",\"finishMessage\":\"Fine.\","
        "\"index\":0}],\"usageMetadata\":{\"promptTokenCount\":4,\"totalTokenCount\":4},\"responseId\":\"r1\"}]",
        "decode", NULL);
    check_status(got, 0);
    static const char *const lines[] = {
        "{\"type\":\"function_call\",\"candidate\":0,\"id\":\"c1\",\"name\":\"f\",\"args\":{\"a\":1},"
            "\"signature\":\"c2ln\"}\n",
        "{\"type\":\"media\",\"candidate\":0,\"mime_type\":\"image/png\",\"data\":\"aGVsbG8=\"}\n",
        "{\"type\":\"media\",\"candidate\":0,\"mime_type\":\"text/csv\",\"uri\":\"https://example.org/x\"}\n",
        "{\"type\":\"code\",\"candidate\":0,\"language\":\"PYTHON\",\"text\":\"print(1)\"}\n",
        "{\"type\":\"code_result\",\"candidate\":0,\"outcome\":\"OUTCOME_OK\",\"text\":\"1\\n\"}\n",
        "{\"type\":\"signature\",\"candidate\":0,\"signature\":\"c2ln\"}\n",
        "{\"type\":\"other\",\"candidate\":0,\"raw\":{\"ofTomorrow\":{\"x\":1}}}\n",
        "{\"type\":\"usage\",\"usage\":{\"prompt_tokens\":4,\"total_tokens\":4}}\n",
        "{\"type\":\"finish\",\"candidate\":0,\"finish\":\"STOP\",\"message\":\"Fine.\"}\n",
        "\"function_calls\":1,\"inline_data\":1,\"usage\":{\"prompt_tokens\":4,\"total_tokens\":4},"
            "\"response_id\":\"r1\"}\n",
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) check_text(got->out, lines[i]);
}

static void decode_shows_an_event_before_the_next_one_comes(void **state)
{
    fixture *with = *state;
    static const char record[] = "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"Dams.\"}]}}]}\n\n";
    char *arguments[] = { (char *)program("CASTOR", CASTOR_PATH), "decode", NULL };
    reset(&with->result);
    child castor = start(arguments[0], arguments, -1, -1);
    assert_int_equal(write(castor.in, record, sizeof record - 1), (ssize_t)sizeof record - 1);
    read_until(castor.out, &with->result, "\"text\":\"Dams.\"}\n");
    close_in(&castor);
    finish(&castor, NULL, &with->result);
    check_status(&with->result, 7);
    check_text(with->result.out, "{\"type\":\"end\",\"verdict\":\"TRUNCATED\",\"message\":");
}

static void decode_keeps_raw_json_on_one_line(void **state)
{
    result *got = run(*state,
        "{\"candidates\":[{\"content\":{\"parts\":[{\"functionCall\":"
        "{\"name\":\"f\",\n \"args\":{\r\n  \"a\": [1,\n 2]}}}]},"
        "\"finishReason\":\"STOP\"}]}", "decode", "--raw", NULL);
    check_status(got, 0);
    check_text(got->out, "\"name\":\"f\",\"args\":{    \"a\": [1,  2]},"
                         "\"raw\":{\"functionCall\":{\"name\":\"f\",  \"args\":");
}

static void decode_tells_what_an_error_body_says(void **state)
{
    static const char body[] =
        "{\"error\":{\"code\":429,\"message\":\"Slow down.\",\"status\":\"RESOURCE_EXHAUSTED\",\"details\":[{\"@type\":"
        "\"type.googleapis.com/google.rpc.RetryInfo\",\"retryDelay\":\"33.5s\"}]}}";
    result *got = run(*state, body, "decode", "--status", "429", NULL);
    check_status(got, 4);
    check_text(got->out, "\"verdict\":\"QUOTA_NOW\"");
    check_text(got->out, "\"error\":{\"code\":429,\"status\":\"RESOURCE_EXHAUSTED\"");
    check_text(got->out, "\"retry_delay\":\"33.5s\",\"retry_delay_ms\":33500");
}

static void decode_reads_a_file_and_complains_when_it_cannot(void **state)
{
    fixture *with = *state;
    static const char body[] = "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"Dams.\"}]},"
                               "\"finishReason\":\"STOP\"}]}\n\n";
    write_file(with, "body", body, sizeof body - 1, 0600);
    result *got = run(with, NULL, "decode", with->path, NULL);
    check_status(got, 0);
    check_text(got->out, "\"text_bytes\":5,");
    got = run(with, NULL, "decode", "/nowhere/at/all", NULL);
    check_status(got, 2);
    check_text(got->err, "cannot open /nowhere/at/all");
    got = run(with, NULL, "decode", with->directory, NULL);
    check_status(got, 1);
    check_text(got->err, "cannot read ");
}

static void decode_to_a_full_disk_is_an_error(void **state)
{
    fixture *with = *state;
    int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    if (full < 0) skip();
    child castor = begin(with, full, "decode", NULL);
    (void)close(full);
    finish(&castor, NULL, &with->result);
    check_status(&with->result, 1);
    check_text(with->result.err, "cannot write to standard output");
}

static void a_closed_standard_output_is_an_error_and_not_silence(void **state)
{
    fixture *with = *state;
    char command[256];
    (void)snprintf(command, sizeof command, "'%s' --version >&-", program("CASTOR", CASTOR_PATH));
    char *arguments[] = { "sh", "-c", command, NULL };
    reset(&with->result);
    child shell = start("sh", arguments, -1, -1);
    finish(&shell, "", &with->result);
    check_status(&with->result, 1);
    check_text(with->result.err, "cannot write to standard output");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(arguments_make_the_prompt, refresh),
        cmocka_unit_test_setup(a_pipe_makes_the_prompt, refresh),
        cmocka_unit_test_setup(a_pipe_comes_before_the_arguments_with_a_blank_line_between, refresh),
        cmocka_unit_test_setup(an_empty_argument_adds_nothing_to_the_pipe, refresh),
        cmocka_unit_test_setup(files_stand_between_the_pipe_and_the_arguments, refresh),
        cmocka_unit_test_setup(a_pipe_that_never_speaks_does_not_hold_up_the_prompt, refresh),
        cmocka_unit_test_setup(an_attachment_has_the_type_of_its_first_bytes, refresh),
        cmocka_unit_test_setup(many_kinds_of_attachment_are_known, refresh),
        cmocka_unit_test_setup(what_cannot_be_told_is_asked_for, refresh),
        cmocka_unit_test_setup(an_attachment_may_come_through_the_pipe, refresh),
        cmocka_unit_test_setup(a_closed_standard_input_is_no_input, refresh),
        cmocka_unit_test_setup(settings_reach_the_request, refresh),
        cmocka_unit_test_setup(a_setting_that_contradicts_itself_is_refused, refresh),
        cmocka_unit_test_setup(the_model_comes_from_the_option_then_the_environment, refresh),
        cmocka_unit_test_setup(a_wrong_option_is_told_and_exits_2, refresh),
        cmocka_unit_test_setup(no_prompt_at_a_terminal_shows_the_usage, refresh),
        cmocka_unit_test_setup(a_schema_that_is_none_is_told_by_its_file, refresh),
        cmocka_unit_test_setup(an_empty_prompt_is_refused, refresh),
        cmocka_unit_test_setup(no_key_exits_3_and_says_how_to_get_one_and_how_to_try_without, refresh),
        cmocka_unit_test_setup(a_dry_run_needs_no_key_and_hides_the_one_there_is, refresh),
        cmocka_unit_test_setup(verbose_shows_the_request_line_but_never_the_key, refresh),
        cmocka_unit_test_setup(a_key_file_that_others_can_read_is_refused, refresh),
        cmocka_unit_test_setup(a_key_file_in_utf_16_is_refused, refresh),
        cmocka_unit_test_setup(help_and_version_go_to_standard_output, refresh),
        cmocka_unit_test_setup(the_manual_has_every_option_of_the_help, refresh),
        cmocka_unit_test_setup(the_answer_and_nothing_else_is_on_standard_output, refresh),
        cmocka_unit_test_setup(without_streaming_the_answer_is_the_same, refresh),
        cmocka_unit_test_setup(the_answer_is_written_as_it_arrives_also_into_a_pipe, refresh),
        cmocka_unit_test_setup(json_lines_are_written_as_they_arrive_too, refresh),
        cmocka_unit_test_setup(ctrl_c_keeps_what_was_shown_and_exits_130, refresh),
        cmocka_unit_test_setup(ctrl_c_ends_a_call_without_streaming_at_once, refresh),
        cmocka_unit_test_setup(an_overloaded_model_gives_way_to_another_and_a_note_says_so, refresh),
        cmocka_unit_test_setup(a_short_wait_is_told_only_when_asked_for, refresh),
        cmocka_unit_test_setup(retries_can_be_switched_off_and_a_long_delay_is_not_waited_for, refresh),
        cmocka_unit_test_setup(each_limit_of_time_can_be_set_and_is_named_when_it_strikes, refresh),
        cmocka_unit_test_setup(a_quota_of_the_day_is_told_without_a_delay_that_would_not_mend_it, refresh),
        cmocka_unit_test_setup(an_answer_that_begins_anew_is_marked_or_discarded, refresh),
        cmocka_unit_test_setup(a_terminal_gets_control_sequences_made_harmless, refresh),
        cmocka_unit_test_setup(a_pipe_gets_the_text_as_it_came, refresh),
        cmocka_unit_test_setup(json_on_a_terminal_is_harmless_too, refresh),
        cmocka_unit_test_setup(a_reader_that_goes_away_ends_it_quietly, refresh),
        cmocka_unit_test_setup(a_full_disk_is_an_error, refresh),
        cmocka_unit_test_setup(a_truncated_answer_is_kept_and_exits_7, refresh),
        cmocka_unit_test_setup(an_error_of_the_server_decides_the_exit_status, refresh),
        cmocka_unit_test_setup(thoughts_go_to_standard_error, refresh),
        cmocka_unit_test_setup(several_candidates_follow_each_other, refresh),
        cmocka_unit_test_setup(a_tool_call_is_a_note_and_a_whole_answer, refresh),
        cmocka_unit_test_setup(a_long_tool_call_is_cut_at_a_whole_character, refresh),
        cmocka_unit_test_setup(a_picture_is_a_note, refresh),
        cmocka_unit_test_setup(usage_shows_tokens_cost_and_speed, refresh),
        cmocka_unit_test_setup(json_is_one_object_at_the_end, refresh),
        cmocka_unit_test_setup(json_lines_are_events_and_an_end, refresh),
        cmocka_unit_test_setup(decode_reads_a_recorded_answer_from_a_pipe, refresh),
        cmocka_unit_test_setup(decode_knows_every_kind_of_event, refresh),
        cmocka_unit_test_setup(decode_shows_an_event_before_the_next_one_comes, refresh),
        cmocka_unit_test_setup(decode_keeps_raw_json_on_one_line, refresh),
        cmocka_unit_test_setup(decode_tells_what_an_error_body_says, refresh),
        cmocka_unit_test_setup(decode_reads_a_file_and_complains_when_it_cannot, refresh),
        cmocka_unit_test_setup(decode_to_a_full_disk_is_an_error, refresh),
        cmocka_unit_test_setup(a_closed_standard_output_is_an_error_and_not_silence, refresh),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
