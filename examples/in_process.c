/* in_process.c -- tests a client against pollux in the same process: no key, no network, no other program.
 * SPDX-License-Identifier: MIT
 *
 *     ./in_process        prints a line for each test; the exit status says whether all passed
 *
 * The client under test is ask() below, ten lines over libcastor. Yours may be made of anything.
 */
#include <castor/castor.h>
#include <castor/pollux.h>
#include <stdio.h>
#include <stdlib.h>

static castor_verdict ask(const char *url, const char *prompt)
{
    castor_turn           turn = { .role = CASTOR_USER, .text = castor_str_of(prompt) };
    castor_request        request = CASTOR_REQUEST_INIT;
    castor_client_options options = CASTOR_CLIENT_OPTIONS_INIT;
    castor_client        *client = NULL;
    castor_answer        *answer = NULL;
    castor_error          err = { 0 };

    options.base_url = url;
    options.api_key = "test-key";
    request.model = "gemini-3.8-flash";
    request.turns = &turn;
    request.turn_count = 1;
    castor_status status = castor_client_new(&client, &options, &err);
    if (status == CASTOR_OK) status = castor_generate(&answer, client, &request, &err);
    castor_answer_free(answer);
    castor_client_free(client);
    return status == CASTOR_OK ? CASTOR_VERDICT_COMPLETE : err.verdict;
}

static int failures;

static void check(const char *what, castor_verdict verdict, castor_verdict expected)
{
    printf("%s: %s: %s\n", verdict == expected ? "ok" : "FAILED", what, castor_verdict_name(verdict));
    failures += verdict != expected;
}

int main(void)
{
    pollux     *twin = NULL;
    char        why[256] = "";
    const char *url = pollux_start(&twin, NULL, why, sizeof why);

    if (url && pollux_play(twin, "## Why dams?\n= They keep the lodge dry.\n", why, sizeof why) &&
        pollux_spoil(twin, "cut@event=1", 1, why, sizeof why) &&
        pollux_spoil(twin, "status=429:rpd", 1, why, sizeof why)) {
        check("half an answer is not whole", ask(url, "Why dams?"), CASTOR_VERDICT_TRUNCATED);
        check("what was used up today stays so", ask(url, "Why dams?"), CASTOR_VERDICT_QUOTA_DAY);
        check("a whole answer is complete", ask(url, "Why dams?"), CASTOR_VERDICT_COMPLETE);
        printf("%d requests were made\n", (int)pollux_requests(twin, NULL));
    } else {
        fprintf(stderr, "%s\n", why);
        failures++;
    }
    pollux_stop(twin);
    return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
