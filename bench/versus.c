/* versus.c -- runs commands in turn and tells what each run took: first byte of output, wall and CPU time, peak memory.
 * SPDX-License-Identifier: MIT
 *
 *     versus [-m MEASURE] [-o none|first|server|figures] [-l SECONDS] [-w ROUNDS] [-n ROUNDS] NAME 'COMMAND'
 *            [[-n ROUNDS] NAME 'COMMAND'...]
 *
 * A B C A B C ..., after -w rounds (1) that do not count, so that a machine whose speed drifts drifts for all. A slow
 * command can have fewer rounds, and then has none that do not count: -n is for all that stands behind it. Each run is
 * one line of JSON. Commands are split at spaces, no shell; words in front are their core, @0, and their environment,
 * NAME=VALUE.
 *
 * Output goes nowhere; with -o first it is read, and its first byte timed; with -o server, too, and then the command is
 * told to end by SIGTERM: it has said that it serves. With -o figures it is one object of JSON, whose members join ours. A command that fails, or takes longer than -l, is told of and not run again.
 *
 * A child's peak memory starts at what its parent had: so this program is small, and linked statically where it can be.
 */
#define _GNU_SOURCE /* pipe2, wait4, sched_setaffinity */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { COMMANDS_MAX = 32, WORDS_MAX = 64, FIGURES_MAX = 4096, EXEC_FAILED = 127 };

typedef enum output { OUTPUT_NONE, OUTPUT_FIRST, OUTPUT_SERVER, OUTPUT_FIGURES } output;

static const char *const output_names[] = { "none", "first", "server", "figures" };

typedef struct command {
    const char *name;
    char       *words[WORDS_MAX + 1];
    int         rounds;
    bool        has_failed;
} command;

typedef struct result {
    double first_ms; /* 0: no output, or not looked at */
    double wall_ms, cpu_ms, peak_mib;
    int    status;
    char   figures[FIGURES_MAX + 1];
} result;

static struct {
    const char *measure;
    output      output;
    unsigned    limit_s;
    int         warm_ups;
    command     commands[COMMANDS_MAX];
    int         count;
} all = { .measure = "", .limit_s = 60, .warm_ups = 1 };

static volatile pid_t child; /* of the run under way, for the alarm */

static void die(const char *what)
{
    perror(what);
    exit(2);
}

static double now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* ---- One run ---- */

static void on_alarm(int signal_number)
{
    (void)signal_number;
    if (child > 0) kill(child, SIGKILL);
}

static void stay_on(int core)
{
    cpu_set_t cores;

    CPU_ZERO(&cores);
    CPU_SET((size_t)core, &cores);
    if (sched_setaffinity(0, sizeof cores, &cores) != 0) _exit(EXEC_FAILED);
}

static void become(command *task, int out)
{
    char **word = task->words;

    if (dup2(out, STDOUT_FILENO) < 0) _exit(EXEC_FAILED);
    if (**word == '@') stay_on(atoi(*word++ + 1));
    while (*word && strchr(*word, '=')) putenv(*word++);
    if (*word) execvp(*word, word);
    fprintf(stderr, "versus: %s: %s\n", *word ? *word : task->name, strerror(errno));
    _exit(EXEC_FAILED);
}

/* Reads all output: when its first byte came, and as much of it as can be figures. */
static void drain(int in, double began_ms, result *out)
{
    char   bytes[64 << 10];
    size_t kept = 0;

    for (;;) {
        ssize_t got = read(in, bytes, sizeof bytes);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) break;
        if (out->first_ms == 0) {
            out->first_ms = now_ms() - began_ms;
            if (all.output == OUTPUT_SERVER) kill(child, SIGTERM);
        }
        size_t take = (size_t)got < FIGURES_MAX - kept ? (size_t)got : FIGURES_MAX - kept;
        memcpy(out->figures + kept, bytes, take);
        kept += take;
    }
    out->figures[kept] = '\0';
}

static double ms_of(struct timeval time)
{
    return (double)time.tv_sec * 1e3 + (double)time.tv_usec / 1e3;
}

static void run(command *task, result *out)
{
    int           ends[2] = { -1, -1 };
    struct rusage used;

    memset(out, 0, sizeof *out);
    if (all.output == OUTPUT_NONE) ends[1] = open("/dev/null", O_WRONLY | O_CLOEXEC);
    else if (pipe2(ends, O_CLOEXEC) != 0) die("pipe2");
    double began_ms = now_ms();
    child = fork();
    if (child < 0) die("fork");
    if (child == 0) become(task, ends[1]);
    alarm(all.limit_s);
    close(ends[1]);
    if (ends[0] >= 0) {
        drain(ends[0], began_ms, out);
        close(ends[0]);
    }
    while (wait4(child, &out->status, 0, &used) < 0) {
        if (errno != EINTR) die("wait4");
    }
    alarm(0);
    child = 0;
    out->wall_ms = now_ms() - began_ms;
    out->cpu_ms = ms_of(used.ru_utime) + ms_of(used.ru_stime);
    out->peak_mib = (double)used.ru_maxrss / 1024;
}

/* ---- What is told of it ---- */

static void tell_failure(command *task, const result *seen)
{
    char why[64];

    if (WIFSIGNALED(seen->status) && WTERMSIG(seen->status) == SIGKILL) {
        snprintf(why, sizeof why, "not done in %u s", all.limit_s);
    } else if (WIFSIGNALED(seen->status)) {
        snprintf(why, sizeof why, "ended by signal %d", WTERMSIG(seen->status));
    } else {
        snprintf(why, sizeof why, "ended with status %d", WEXITSTATUS(seen->status));
    }
    task->has_failed = true;
    fprintf(stderr, "versus: %s, %s: %s\n", all.measure, task->name, why);
    printf("{\"measure\":\"%s\",\"side\":\"%s\",\"failed\":\"%s\"}\n", all.measure, task->name, why);
    fflush(stdout);
}

static void tell(const command *task, int round, result *seen)
{
    printf("{\"measure\":\"%s\",\"side\":\"%s\",\"round\":%d,\"wall_ms\":%.3f,\"cpu_ms\":%.3f,\"peak_mib\":%.3f",
           all.measure, task->name, round, seen->wall_ms, seen->cpu_ms, seen->peak_mib);
    if (seen->first_ms > 0) printf(",\"first_byte_ms\":%.3f", seen->first_ms);
    if (all.output == OUTPUT_FIGURES && seen->figures[0] == '{') {
        seen->figures[strcspn(seen->figures, "\n")] = '\0';
        printf(",%s\n", seen->figures + 1);
    } else {
        printf("}\n");
    }
    fflush(stdout);
}

static void run_all(void)
{
    static result seen;
    int           most = 0;

    for (int i = 0; i < all.count; i++) most = all.commands[i].rounds > most ? all.commands[i].rounds : most;
    for (int round = -all.warm_ups; round < most; round++) {
        for (int i = 0; i < all.count; i++) {
            command *task = &all.commands[i];
            if (task->has_failed || round >= task->rounds || (round < 0 && task->rounds < most)) continue;
            run(task, &seen);
            if (seen.status != 0) tell_failure(task, &seen);
            else if (round >= 0) tell(task, round, &seen);
        }
    }
}

/* ---- What is asked for ---- */

static void usage(void)
{
    fprintf(stderr, "usage: versus [-m MEASURE] [-o none|first|server|figures] [-l SECONDS] [-w ROUNDS] [-n ROUNDS] "
                    "NAME 'COMMAND' [[-n ROUNDS] NAME 'COMMAND'...]\n");
    exit(2);
}

static void add(const char *name, char *text, int rounds)
{
    size_t count = 0;

    if (all.count == COMMANDS_MAX) usage();
    command *task = &all.commands[all.count++];
    task->name = name;
    task->rounds = rounds;
    for (char *word = strtok(text, " "); word && count < WORDS_MAX; word = strtok(NULL, " ")) task->words[count++] = word;
    if (count == 0) usage();
}

static output output_of(const char *name)
{
    for (size_t i = 0; i < sizeof output_names / sizeof *output_names; i++) {
        if (strcmp(name, output_names[i]) == 0) return (output)i;
    }
    usage();
    return OUTPUT_NONE;
}

int main(int argc, char **argv)
{
    int rounds = 15;

    for (int i = 1; i < argc; i += 2) {
        if (i + 1 == argc) usage();
        if (strcmp(argv[i], "-m") == 0) all.measure = argv[i + 1];
        else if (strcmp(argv[i], "-o") == 0) all.output = output_of(argv[i + 1]);
        else if (strcmp(argv[i], "-l") == 0) all.limit_s = (unsigned)atoi(argv[i + 1]);
        else if (strcmp(argv[i], "-w") == 0) all.warm_ups = atoi(argv[i + 1]);
        else if (strcmp(argv[i], "-n") == 0) rounds = atoi(argv[i + 1]);
        else add(argv[i], argv[i + 1], rounds);
    }
    if (all.count == 0 || all.limit_s == 0) usage();
    if (sigaction(SIGALRM, &(struct sigaction){ .sa_handler = on_alarm }, NULL) != 0) die("sigaction");
    run_all();
    return 0;
}
