/* test_record.c -- castor --record: the file, and that pollux plays it.
 * SPDX-License-Identifier: MIT
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support.h"
#include "twin.h"

typedef struct fixture {
    tst_pollux twin;
    char       directory[32];
    char       file[64];  /* for --record */
    char       said[64];  /* what the command said, on both outputs */
} fixture;

static int set_up(void **state)
{
    fixture *fix = calloc(1, sizeof *fix);

    assert_non_null(fix);
    strcpy(fix->directory, "/tmp/castor-record-XXXXXX");
    assert_non_null(mkdtemp(fix->directory));
    snprintf(fix->file, sizeof fix->file, "%s/answer.md", fix->directory);
    snprintf(fix->said, sizeof fix->said, "%s/said", fix->directory);
    fix->twin = TST_POLLUX("--instant", "-q");
    *state = fix;
    return 0;
}

static int tear_down(void **state)
{
    fixture *fix = *state;
    char     command[64];

    tst_pollux_stop(&fix->twin);
    snprintf(command, sizeof command, "rm -r %s", fix->directory);
    assert_int_equal(system(command), 0);
    free(fix);
    return 0;
}

/* The exit status of the command with these words, asked of `twin`. */
static int ask(const fixture *fix, const tst_pollux *twin, const char *words)
{
    char command[1024];

    snprintf(command, sizeof command, "GEMINI_API_KEY=test-key %s --base-url http://127.0.0.1:%d %s >%s 2>&1",
             CASTOR_PATH, twin->port, words, fix->said);
    return WEXITSTATUS(system(command));
}

static int record(const fixture *fix, const char *prompt)
{
    char words[512];

    snprintf(words, sizeof words, "--record %s '%s'", fix->file, prompt);
    return ask(fix, &fix->twin, words);
}

static void spoil(const fixture *fix, const char *fault)
{
    char body[128];

    snprintf(body, sizeof body, "{\"fault\":\"%s\",\"count\":0}", fault);
    tst_answer a = tst_call(&fix->twin, "POST", "/pollux/faults", "", body);
    assert_int_equal(a.status, 200);
    tst_forget(&a);
}

static void assert_said(const fixture *fix, const char *wanted)
{
    castor_str said = tst_read_file(fix->said);

    if (!strstr(said.data, wanted)) fail_msg("\"%s\" is not in: %s", wanted, said.data);
    free((void *)(uintptr_t)said.data);
}

static size_t count_files(const fixture *fix)
{
    DIR   *directory = opendir(fix->directory);
    size_t count = 0;

    assert_non_null(directory);
    for (struct dirent *one; (one = readdir(directory)) != NULL;) count += one->d_name[0] != '.';
    closedir(directory);
    return count;
}

static void pollux_plays_what_the_command_has_recorded(void **state)
{
    static const struct {
        const char *fault;
        int         exit_status;
    } flights[] = { { "comment", 0 }, { "cut@event=2", 7 }, { "status=429:rpd", 5 }, { "torn@event=2", 11 } };
    fixture    *fix = *state;
    struct stat about;

    for (size_t i = 0; i < sizeof flights / sizeof flights[0]; i++) {
        spoil(fix, flights[i].fault);
        assert_int_equal(record(fix, "Why do beavers build dams?"), flights[i].exit_status);
        castor_str there = tst_read_file(fix->said);
        assert_int_equal(stat(fix->file, &about), 0);
        assert_int_equal(about.st_mode & 07777, 0600);
        assert_int_equal(count_files(fix), 2); /* the recording, and what was said */
        tst_pollux replay = TST_POLLUX("--instant", "-q", "--script", fix->file);
        assert_int_equal(ask(fix, &replay, "Anything"), flights[i].exit_status);
        castor_str back = tst_read_file(fix->said);
        assert_memory_equal(there.data, back.data, 10); /* the sentence may tell another way of being lost */
        tst_pollux_stop(&replay);
        free((void *)(uintptr_t)there.data);
        free((void *)(uintptr_t)back.data);
        tst_answer a = tst_call(&fix->twin, "DELETE", "/pollux/faults", "", NULL);
        tst_forget(&a);
    }
}

static void key_and_prompt_are_not_in_the_file(void **state)
{
    fixture *fix = *state;

    assert_int_equal(record(fix, "What is photosynthesis? My secret question"), 0);
    castor_str script = tst_read_file(fix->file);
    assert_null(strstr(script.data, "test-key"));
    assert_null(strstr(script.data, "secret question"));
    assert_non_null(strstr(script.data, "POST http://127.0.0.1:"));
    free((void *)(uintptr_t)script.data);
}

static void a_symbolic_link_stays_and_its_file_is_written(void **state)
{
    fixture    *fix = *state;
    struct stat about;
    char        target[64];

    snprintf(target, sizeof target, "%s/target", fix->directory);
    FILE *old = fopen(target, "w");
    assert_non_null(old);
    assert_int_equal(fclose(old), 0);
    assert_int_equal(symlink(target, fix->file), 0);
    assert_int_equal(record(fix, "Dams"), 0);
    assert_int_equal(lstat(fix->file, &about), 0);
    assert_true(S_ISLNK(about.st_mode));
    assert_int_equal(stat(target, &about), 0);
    assert_true(about.st_size > 100);
}

static void a_symbolic_link_to_nothing_stays_too_and_its_file_is_made(void **state)
{
    fixture    *fix = *state;
    struct stat about;
    char        middle[64], target[64];

    snprintf(middle, sizeof middle, "%s/middle", fix->directory);
    snprintf(target, sizeof target, "%s/target", fix->directory);
    assert_int_equal(symlink("middle", fix->file), 0); /* beside the link, wherever we stand */
    assert_int_equal(symlink(target, middle), 0);
    assert_int_equal(record(fix, "Dams"), 0);
    assert_int_equal(lstat(fix->file, &about), 0);
    assert_true(S_ISLNK(about.st_mode));
    assert_int_equal(lstat(middle, &about), 0);
    assert_true(S_ISLNK(about.st_mode));
    assert_int_equal(lstat(target, &about), 0);
    assert_true(S_ISREG(about.st_mode) && about.st_size > 100);

    assert_int_equal(unlink(target), 0);
    assert_int_equal(symlink("answer.md", target), 0); /* in a circle */
    assert_int_equal(record(fix, "Dams"), 2);
    assert_said(fix, "Too many levels of symbolic links");
}

static void a_file_that_cannot_be_made_is_told_before_anything_is_sent(void **state)
{
    fixture *fix = *state;

    assert_int_equal(ask(fix, &fix->twin, "--record /nowhere/at/all Dams"), 2);
    assert_said(fix, "castor: --record: cannot write /nowhere/at/all: No such file or directory");
    assert_int_equal(ask(fix, &fix->twin, "--record / Dams"), 2);
    assert_said(fix, "castor: --record: cannot write /: Is a directory");
    assert_int_equal(ask(fix, &fix->twin, "--record= Dams"), 2);
    assert_said(fix, "castor: --record: '' names no file");
    assert_int_equal(ask(fix, &fix->twin, "--record x --dry-run Dams"), 2);
    assert_said(fix, "--record: nothing is sent with --dry-run");
    tst_answer a = tst_call(&fix->twin, "GET", "/pollux/stats", "", NULL);
    tst_contains(&a, "\"requests\": 0");
    tst_forget(&a);
}

static void a_full_disk_is_told_and_is_a_failure(void **state)
{
    fixture *fix = *state;

    assert_int_equal(ask(fix, &fix->twin, "--record /dev/full Dams"), 1);
    assert_said(fix, "castor: --record: cannot write /dev/full: No space left on device");
    spoil(fix, "cut@event=2");
    assert_int_equal(ask(fix, &fix->twin, "--record /dev/full Dams"), 7); /* the answer's own end tells more */
}

static void without_an_answer_an_older_recording_stays(void **state)
{
    fixture *fix = *state;

    assert_int_equal(record(fix, "Dams"), 0);
    castor_str older = tst_read_file(fix->file);
    assert_int_equal(record(fix, "Dams' --model 'a b"), 2); /* refused before it is sent */
    castor_str newer = tst_read_file(fix->file);
    assert_string_equal(older.data, newer.data);
    assert_int_equal(count_files(fix), 2);
    free((void *)(uintptr_t)older.data);
    free((void *)(uintptr_t)newer.data);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(pollux_plays_what_the_command_has_recorded),
        TEST(key_and_prompt_are_not_in_the_file),
        TEST(a_symbolic_link_stays_and_its_file_is_written),
        TEST(a_symbolic_link_to_nothing_stays_too_and_its_file_is_made),
        TEST(a_file_that_cannot_be_made_is_told_before_anything_is_sent),
        TEST(a_full_disk_is_told_and_is_a_failure),
        TEST(without_an_answer_an_older_recording_stays),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
