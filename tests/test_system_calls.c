/* test_system_calls.c -- system calls that fail, one after the other: ours, libcurl's and those of the command.
 * SPDX-License-Identifier: MIT
 *
 * Each scene is played once for each call of a kind that it makes, and that one fails. What is of no account (EINTR,
 * EAGAIN, half a read) must not be seen at all; what is grave is told, and never as a whole answer. In both cases no
 * text is lost or doubled, nothing hangs, nothing is left behind, and the client answers the next question.
 *
 * Usage: test_system_calls [clear|tls|h2]. Over TLS all of them only with CASTOR_FAILURES=all, else every thirteenth.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "calls/calls.h"
#include "scenes.h"
#include "sockets.h"

enum { CALLS_MAX = 5000 }; /* of one kind in a scene; more is a loop without end */

typedef enum meaning {
    UNSEEN,        /* the answer is as if nothing had failed */
    MOSTLY_UNSEEN, /* see is_unseen */
    TOLD,          /* or it is told, and by which status does not matter here */
    TOLD_IN_CLEAR  /* the same, and over TLS it is not tried */
} meaning;

typedef struct plague {
    const char *call;
    int         error;
    meaning     meaning;
    int         times; /* in a row; 0: all from then on */
} plague;

static const plague plagues[] = {
    { "recv", EINTR, UNSEEN, 1 },
    { "recv", EINTR, UNSEEN, 3 },
    { "recv", EAGAIN, UNSEEN, 1 },
    { "recv", TST_CALL_SHORT, UNSEEN, 1 },
    { "recv", ECONNRESET, TOLD, 1 },
    { "recv", ETIMEDOUT, TOLD, 1 },
    { "recv", ENOMEM, TOLD, 0 },
    { "send", EINTR, MOSTLY_UNSEEN, 1 },
    { "send", EAGAIN, MOSTLY_UNSEEN, 1 },
    { "send", TST_CALL_SHORT, MOSTLY_UNSEEN, 1 },
    { "send", EPIPE, TOLD, 1 },
    { "send", ECONNRESET, TOLD, 1 },
    { "send", ENOBUFS, TOLD, 0 },
    { "socket", EMFILE, TOLD, 1 },
    { "socket", ENFILE, TOLD, 0 },
    { "socket", ENOMEM, TOLD, 1 },
    { "socketpair", EMFILE, UNSEEN, 1 }, /* libcurl's own wake-up call, which nobody listens to */
    { "connect", EINTR, TOLD, 1 },
    { "connect", EAGAIN, TOLD, 1 },
    { "connect", ECONNREFUSED, TOLD, 1 },
    { "connect", EADDRNOTAVAIL, TOLD, 0 },
    { "poll", EINTR, UNSEEN, 1 },
    { "poll", EINTR, UNSEEN, 3 },
    { "poll", EAGAIN, TOLD, 1 }, /* by libcurl, which takes it for a connection that failed */
    { "poll", ENOMEM, TOLD, 1 },
    { "epoll_create1", EMFILE, UNSEEN, 0 }, /* poll goes on */
    { "epoll_ctl", ENOMEM, TOLD, 1 },
    { "epoll_ctl", ENOSPC, TOLD, 0 },
    { "epoll_wait", EINTR, UNSEEN, 1 },
    { "epoll_wait", ENOMEM, TOLD, 1 },
    { "eventfd", EMFILE, TOLD, 1 },
    { "read", EINTR, UNSEEN, 1 },
    { "write", EINTR, UNSEEN, 1 },
    { "getsockopt", ENOBUFS, TOLD, 1 },
    { "setsockopt", ENOBUFS, TOLD, 0 },
    { "getsockname", ENOBUFS, TOLD, 1 },
    { "getpeername", ENOTCONN, TOLD, 1 },
    /* libcurl goes on with a socket that may block, and over TLS it waits there. Linux has no such failure. */
    { "fcntl", EINTR, TOLD_IN_CLEAR, 1 },
    { "close", EINTR, UNSEEN, 0 },
    { "fopen", EINTR, TOLD, 1 }, /* of a file with certificates: OpenSSL does not ask again */
    { "fopen", EMFILE, TOLD, 1 },
    { "fopen", ENFILE, TOLD, 0 },
    { "fopen", ENOMEM, TOLD, 1 },
    { "fgets", EIO, TOLD, 1 },
    { "fgets", EINTR, TOLD, 0 },
    { "opendir", EMFILE, UNSEEN, 1 }, /* then the directory is trusted together with the bundle */
    { "opendir", ENOMEM, UNSEEN, 0 },
    { "stat", EACCES, TOLD, 1 },
    { "stat", ENOMEM, TOLD, 0 },
};

enum { PLAGUES = sizeof plagues / sizeof *plagues };

static tst_stage stage;

/* ---- the library ---- */

typedef struct attempt {
    tst_played    played;
    castor_error  error; /* of making the client */
    castor_status status;
    bool          did_fail;
} attempt;

static void check_client(const tst_scene *scene, castor_client *client, const tst_call_fault *after)
{
    char what[64] = "nothing";

    if (after) snprintf(what, sizeof what, "%s %d, errno %d", after->call, after->nth, after->error);
    tst_scene_check_client(scene, client, what);
}

static void play(const tst_scene *scene, const tst_call_fault *fault, attempt *out)
{
    tst_memory             memory = { 0 };
    const castor_allocator allocator = tst_allocator(&memory);
    castor_client         *client = NULL;

    *out = (attempt){ .did_fail = false };
    tst_stock before = tst_take_stock();
    tst_stage_spoil(&stage, scene->fault);
    if (fault) tst_calls_spoil(fault);
    out->status = tst_scene_client(&client, scene, &stage, &allocator, &out->error);
    if (client) scene->play(client, &out->played);
    out->did_fail = tst_calls_restore();
    tst_stage_spoil(&stage, NULL);
    if (client) check_client(scene, client, fault);
    castor_client_free(client);
    castor_stream_close(out->played.left_open);
    tst_check_stock(&before);
    assert_int_equal(memory.live_bytes, 0);
}

/* libcurl 7.88.1 does not send again what could not be sent at once while HTTP/2 begins (h2_process_pending_input in
 * lib/http2.c), nor the alert by which it breaks off a handshake (ossl_connect_step2 in lib/vtls/openssl.c). Where
 * nothing is interrupted, so little always fits; else it fails, or a limit of time ends it. */
static bool is_unseen(const tst_scene *scene, const plague *of)
{
    if (of->meaning != MOSTLY_UNSEEN) return of->meaning == UNSEEN;
    return stage.wire != TST_H2 && !(scene->traits & TST_BREAKS_OFF);
}

static const char *judge(const tst_scene *scene, const plague *of, const attempt *whole, attempt *got)
{
    bool must_be_same = is_unseen(scene, of);

    got->played.may_be_late = of->meaning == MOSTLY_UNSEEN && !must_be_same;
    if (got->status != CASTOR_OK) {
        if (must_be_same) return "no client could be made";
        return got->error.message[0] ? NULL : "no client could be made, and nothing tells why";
    }
    if (must_be_same && !tst_played_is_same(&whole->played, &got->played)) return "it was seen";
    return tst_played_judge(&whole->played, &got->played);
}

/* On a connection that streams share, libcurl 7.88.1 puts another's bytes in the place of those that could not be sent
 * at once. OpenSSL refuses them ("bad write retry"), and the connection looks good and sends no more, whoever is next. */
static bool is_tried(const tst_scene *scene, const plague *of)
{
    if (of->meaning == TOLD_IN_CLEAR) return stage.wire == TST_CLEAR;
    return of->meaning != MOSTLY_UNSEEN || !(scene->traits & TST_SHARES);
}

static long spoil_each(const tst_scene *scene, const plague *of, const attempt *whole)
{
    const char *given = getenv("CASTOR_FAILURES");
    bool        wants_all = stage.wire == TST_CLEAR || (given && strcmp(given, "all") == 0);
    int         step = wants_all ? 1 : 13;
    long        count = 0;

    for (int nth = 1; nth < CALLS_MAX; nth += step) {
        const tst_call_fault fault = { of->call, of->error, nth, of->times, -1 };
        attempt              got;
        play(scene, &fault, &got);
        const char *wrong = judge(scene, of, whole, &got);
        if (wrong) {
            (void)fprintf(stderr, "%s %d of times %d: %s: %s\n", of->call, nth, of->times,
                          of->error == TST_CALL_SHORT ? "one byte" : strerror(of->error), wrong);
            if (got.status != CASTOR_OK) (void)fprintf(stderr, "    %s\n", got.error.message);
            tst_played_show(&got.played);
            fail();
        }
        tst_played_free(&got.played);
        if (!got.did_fail) return count;
        count++;
    }
    fail_msg("%s has no end", of->call);
    return count;
}

static void every_system_call_fails(void **state)
{
    const tst_scene *scene = *state;
    attempt          whole;
    long             count = 0;

    play(scene, NULL, &whole);
    assert_true(tst_played_is_good(&whole.played, scene->verdict));
    for (size_t i = 0; i < PLAGUES; i++) {
        if (is_tried(scene, &plagues[i])) count += spoil_each(scene, &plagues[i], &whole);
    }
    (void)printf("%ld system calls failed\n", count);
    tst_played_free(&whole.played);
}

static void note_wake(void *user, int fd, int32_t ready)
{
    (void)fd;
    (void)ready;
    *(bool *)user = true;
}

/* Of the scenes none would notice: who cancels is looked at sooner or later. */
static void a_wake_up_call_that_was_interrupted_is_made_all_the_same(void **state)
{
    const tst_call_fault fault = { "write", EINTR, 1, 1, -1 };
    cst_sockets          sockets;
    castor_error         err;
    bool                 is_awake = false;

    (void)state;
    assert_int_equal(cst_sockets_init(&sockets, cst_allocator_default(), &err), CASTOR_OK);
    assert_int_equal(cst_sockets_watch(&sockets, sockets.wake_read, CASTOR_READ, NULL), CASTOR_OK);
    tst_calls_spoil(&fault);
    cst_sockets_wake(&sockets);
    assert_true(tst_calls_restore());
    assert_int_equal(cst_sockets_wait(&sockets, 0, note_wake, &is_awake, &err), CASTOR_OK);
    assert_true(is_awake);
    cst_sockets_free(&sockets);
}

static void a_wait_may_be_interrupted_or_put_off(void **state)
{
    static const int errors[] = { EINTR, EAGAIN };
    cst_sockets      sockets;
    castor_error     err;

    (void)state;
    assert_int_equal(cst_sockets_init(&sockets, cst_allocator_default(), &err), CASTOR_OK);
    for (size_t i = 0; i < 2; i++) {
        const tst_call_fault fault = { "poll", errors[i], 1, 1, -1 };
        tst_calls_spoil(&fault);
        assert_int_equal(cst_sockets_wait(&sockets, 0, note_wake, NULL, &err), CASTOR_OK);
        assert_true(tst_calls_restore());
    }
    cst_sockets_free(&sockets);
}

/* ---- the command ---- */

typedef struct told_by_command {
    char out[4096];
    char errors[4096];
    int  exit_status; /* 128 + the signal that ended it */
} told_by_command;

static void read_to_end(int fd, char *text, size_t size)
{
    size_t  len = 0;
    ssize_t got;

    while (len < size - 1 && (got = read(fd, text + len, size - 1 - len)) > 0) len += (size_t)got;
    text[len] = '\0';
    close(fd);
}

static void become_command(const char *const *words, const char *fault, const int out[2], const int errors[2])
{
    dup2(out[1], STDOUT_FILENO);
    dup2(errors[1], STDERR_FILENO);
    (void)setenv("CASTOR_CALL_FAULT", fault, 1);
    (void)setenv("GEMINI_API_KEY", "test-key", 1);
    (void)unsetenv("GOOGLE_API_KEY");
    (void)setenv("no_proxy", "*", 1);
    alarm(TST_SCENE_PATIENCE_MS / 1000); /* who hangs is ended by it */
    (void)execv(CASTOR_SPOILT_PATH, (char *const *)(uintptr_t)words);
    _exit(127);
}

static void run(const char *const *words, const char *fault, told_by_command *told)
{
    int out[2], errors[2], status = 0;

    assert_int_equal(pipe(out), 0);
    assert_int_equal(pipe(errors), 0);
    (void)fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) become_command(words, fault, out, errors);
    close(out[1]);
    close(errors[1]);
    read_to_end(out[0], told->out, sizeof told->out);
    read_to_end(errors[0], told->errors, sizeof told->errors);
    while (waitpid(pid, &status, 0) < 0) assert_int_equal(errno, EINTR);
    told->exit_status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

typedef struct command_case {
    const char *name;
    const char *call;
    int         error;
    int         nth;
    int         times;
    int         fd;
    const char *option; /* with `value`, before the prompt */
    const char *value;
    int         exit_status;
    const char *out;    /* NULL: it does not matter */
    const char *error_says;
} command_case;

#define WHOLE "Dams hold.\n"

static const command_case command_cases[] = {
    { "an interrupted write is written all the same", "write", EINTR, 1, 1, 1, NULL, NULL, 0, WHOLE, NULL },
    { "writes that take a byte at a time are finished", "write", TST_CALL_SHORT, 1, 0, 1, NULL, NULL, 0, WHOLE, NULL },
    { "a reader that is not ready is waited for", "write", EAGAIN, 1, 3, 1, NULL, NULL, 0, WHOLE, NULL },
    { "a full disk is told", "write", ENOSPC, 1, 1, 1, NULL, NULL, 1, "", "No space left" },
    { "an output that fails is told", "write", EIO, 1, 1, 1, NULL, NULL, 1, "", "Input/output error" },
    { "a reader that goes ends it as a pipe does", "write", EPIPE, 1, 1, 1, NULL, NULL, 141, "", NULL },
    { "a disk may say last of all that it is full", "close", ENOSPC, 1, 1, 1, NULL, NULL, 1, WHOLE, "No space left" },
    { "an interrupted close loses nothing", "close", EINTR, 1, 1, 1, NULL, NULL, 0, WHOLE, NULL },
    { "notes that cannot be written are no failure", "write", EIO, 1, 0, 2, "-v", NULL, 0, WHOLE, NULL },
    { "an interrupted open is done again", "open", EINTR, 1, 1, -1, "-f", "CMakeLists.txt", 0, WHOLE, NULL },
    { "an interrupted read is done again", "read", EINTR, 1, 2, -1, "-f", "CMakeLists.txt", 0, WHOLE, NULL },
    { "a file may come a byte at a time", "read", TST_CALL_SHORT, 1, 0, -1, "-f", "LICENSE", 0, WHOLE, NULL },
    { "a file that cannot be read is told", "read", EIO, 1, 1, -1, "-f", "LICENSE", 1, "", "Input/output error" },
    { "a directory is told", "none", 0, 1, 1, -1, "-f", "src", 1, "", "src: Is a directory" },
    { "no descriptor for a file is told", "open", EMFILE, 1, 1, -1, "-f", "LICENSE", 2, "", "Too many open files" },
    { "no descriptor for a connection is told", "socket", EMFILE, 1, 0, -1, NULL, NULL, 10, "", NULL },
    { "an interrupted wait goes on", "poll", EINTR, 1, 2, -1, NULL, NULL, 0, WHOLE, NULL },
    { "a reset before any text is the network's", "recv", ECONNRESET, 1, 0, -1, NULL, NULL, 10, "", "NETWORK" },
};

static void the_command_is_right(void **state)
{
    const command_case *one = *state;
    const char         *words[16] = { "castor", "--base-url", stage.url, "--retries", "0" };
    size_t              count = 5;
    char                fault[128];
    told_by_command     told;

    if (one->option) words[count++] = one->option;
    if (one->value) words[count++] = one->value;
    words[count++] = "stream";
    (void)snprintf(fault, sizeof fault, "%s %d %d %d %d", one->call, one->error, one->nth, one->times, one->fd);
    run(words, fault, &told);
    bool is_right = told.exit_status == one->exit_status && (!one->out || strcmp(told.out, one->out) == 0) &&
                    (!one->error_says || strstr(told.errors, one->error_says));
    if (!is_right) {
        fail_msg("exit %d (not %d), \"%s\", \"%s\"", told.exit_status, one->exit_status, told.out, told.errors);
    }
}

/* A pipe that says nothing must not be read for ever because a wait for it was interrupted. */
static void an_interrupted_wait_for_standard_input_goes_on(void **state)
{
    const char     *words[] = { "castor", "--base-url", stage.url, "stream", NULL };
    char            fault[64];
    int             silent[2], own = dup(STDIN_FILENO);
    told_by_command told;

    (void)state;
    assert_int_equal(pipe(silent), 0);
    (void)snprintf(fault, sizeof fault, "poll %d 1 1 -1", EINTR);
    dup2(silent[0], STDIN_FILENO);
    run(words, fault, &told);
    dup2(own, STDIN_FILENO);
    close(own);
    close(silent[0]);
    close(silent[1]);
    assert_int_equal(told.exit_status, 0);
    assert_string_equal(told.out, WHOLE);
}

enum { TESTS_MAX = 96 };

static const struct CMUnitTest sockets_tests[] = {
    cmocka_unit_test(a_wake_up_call_that_was_interrupted_is_made_all_the_same),
    cmocka_unit_test(a_wait_may_be_interrupted_or_put_off),
    cmocka_unit_test(an_interrupted_wait_for_standard_input_goes_on),
};

/* What knows nothing of the wire is tested once. */
static size_t list_others(struct CMUnitTest *out)
{
    size_t count = sizeof sockets_tests / sizeof *sockets_tests;

    memcpy(out, sockets_tests, sizeof sockets_tests);
    for (size_t i = 0; i < sizeof command_cases / sizeof *command_cases; i++) {
        void *one = (void *)(uintptr_t)&command_cases[i];
        out[count++] = (struct CMUnitTest){ command_cases[i].name, the_command_is_right, NULL, NULL, one };
    }
    return count;
}

int main(int argc, char **argv)
{
    struct CMUnitTest tests[TESTS_MAX];
    tst_wire          wire = tst_wire_of(argc > 1 ? argv[1] : NULL);
    size_t            count = wire == TST_CLEAR ? list_others(tests) : 0;

    tst_stage_open(&stage, wire);
    count += tst_scene_tests(wire, every_system_call_fails, tests + count, TESTS_MAX - count);
    int failed = _cmocka_run_group_tests("every system call fails", tests, count, NULL, NULL);
    tst_stage_close(&stage);
    return failed;
}
