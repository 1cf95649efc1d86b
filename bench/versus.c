/* versus.c -- runs two commands in turn and compares them: first byte of output, wall and CPU time, peak memory.
 * SPDX-License-Identifier: MIT
 *
 *     versus [-n ROUNDS] [-q] NAME_A 'COMMAND A' NAME_B 'COMMAND B'
 *
 * A B A B ..., after one round that does not count; medians with minimum and maximum, and the ratio A/B taken pair by
 * pair, so that a machine whose speed drifts drifts for both. Commands are split at spaces, no shell. -q sends output
 * to /dev/null, for commands whose first byte does not matter.
 */
#define _GNU_SOURCE /* pipe2, wait4 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { ROUNDS_MAX = 1000, WORDS_MAX = 64 };

typedef enum figure { FIRST_BYTE, WALL, CPU, MEMORY, FIGURES } figure;

static const char *const figure_names[FIGURES] = { "first byte, ms", "wall, ms", "CPU, ms", "peak memory, MiB" };

typedef struct command {
    const char *name;
    char       *words[WORDS_MAX];
    double      runs[FIGURES][ROUNDS_MAX];
} command;

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

static void split(command *out, char *text)
{
    size_t count = 0;

    for (char *word = strtok(text, " "); word && count < WORDS_MAX - 1; word = strtok(NULL, " ")) out->words[count++] = word;
    out->words[count] = NULL;
    if (count == 0) {
        fprintf(stderr, "versus: %s has no command\n", out->name);
        exit(2);
    }
}

static pid_t start(command *task, int output)
{
    pid_t child = fork();

    if (child < 0) die("fork");
    if (child > 0) return child;
    dup2(output, STDOUT_FILENO);
    execvp(task->words[0], task->words);
    fprintf(stderr, "versus: %s: %s\n", task->words[0], strerror(errno));
    _exit(127);
}

/* Reads all output; the time of the first byte, or of the end where there is none. */
static double drain(int input)
{
    char   bytes[64 << 10];
    double first_ms = 0;

    for (;;) {
        ssize_t got = read(input, bytes, sizeof bytes);
        if (got < 0 && errno == EINTR) continue;
        if (first_ms == 0) first_ms = now_ms();
        if (got <= 0) return first_ms;
    }
}

static void run(command *task, bool is_quiet, double out[FIGURES])
{
    int           ends[2] = { -1, -1 }, status;
    struct rusage used;

    if (is_quiet) ends[1] = open("/dev/null", O_WRONLY);
    else if (pipe2(ends, O_CLOEXEC) != 0) die("pipe2");
    double began_ms = now_ms();
    pid_t  child = start(task, ends[1]);
    close(ends[1]);
    double first_ms = is_quiet ? began_ms : drain(ends[0]);
    if (!is_quiet) close(ends[0]);
    if (wait4(child, &status, 0, &used) != child) die("wait4");
    if (!WIFEXITED(status) || WEXITSTATUS(status) == 127) {
        fprintf(stderr, "versus: %s failed\n", task->name);
        exit(1);
    }
    out[FIRST_BYTE] = first_ms - began_ms;
    out[WALL] = now_ms() - began_ms;
    out[CPU] = (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1e3 + (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e3;
    out[MEMORY] = (double)used.ru_maxrss / 1024;
}

static int compare(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;

    return (left > right) - (left < right);
}

static void print_spread(double *values, int count, const char *format)
{
    char text[64];

    qsort(values, (size_t)count, sizeof *values, compare);
    snprintf(text, sizeof text, format, values[count / 2], values[0], values[count - 1]);
    printf(" %s |", text);
}

static void print_figure(command *a, command *b, figure which, int rounds)
{
    double ratios[ROUNDS_MAX];

    for (int i = 0; i < rounds; i++) ratios[i] = b->runs[which][i] > 0 ? a->runs[which][i] / b->runs[which][i] : 0;
    printf("| %s |", figure_names[which]);
    print_spread(a->runs[which], rounds, "%.2f (%.2f-%.2f)");
    print_spread(b->runs[which], rounds, "%.2f (%.2f-%.2f)");
    print_spread(ratios, rounds, "%.2f (%.2f-%.2f)");
    printf("\n");
}

int main(int argc, char **argv)
{
    static command a, b;
    int            rounds = 15, option;
    bool           is_quiet = false;

    while ((option = getopt(argc, argv, "n:q")) != -1) {
        if (option == 'n') rounds = atoi(optarg);
        else if (option == 'q') is_quiet = true;
        else return 2;
    }
    if (argc - optind != 4 || rounds < 1 || rounds > ROUNDS_MAX) {
        fprintf(stderr, "usage: versus [-n ROUNDS] [-q] NAME_A 'COMMAND A' NAME_B 'COMMAND B'\n");
        return 2;
    }
    a.name = argv[optind];
    split(&a, argv[optind + 1]);
    b.name = argv[optind + 2];
    split(&b, argv[optind + 3]);

    for (int i = -1; i < rounds; i++) {
        double figures[FIGURES];
        for (int side = 0; side < 2; side++) {
            command *task = side ? &b : &a;
            run(task, is_quiet, figures);
            for (int f = 0; i >= 0 && f < FIGURES; f++) task->runs[f][i] = figures[f];
        }
    }
    printf("| %d rounds | %s | %s | ratio |\n| --- | --- | --- | --- |\n", rounds, a.name, b.name);
    for (int f = is_quiet ? WALL : FIRST_BYTE; f < FIGURES; f++) print_figure(&a, &b, (figure)f, rounds);
    return 0;
}
