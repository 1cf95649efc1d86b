/* retry.c -- when things go wrong: attempts are shown, and an answer that broke off begins anew.
 * SPDX-License-Identifier: MIT
 *
 *     GOOGLE_API_KEY=... ./retry "Why do beavers build dams?"
 */
#include <castor/castor.h>
#include <stdio.h>
#include <stdlib.h>

static void on_attempt(void *user, castor_stream *answer, const castor_attempt *attempt)
{
    (void)user;
    (void)answer; /* castor_stream_cancel(answer) would give up here */
    fprintf(stderr, "attempt %d of %d: %s; the next in %.1f s asks %.*s\n", (int)attempt->number,
            (int)attempt->attempts_max, attempt->error->message, (double)attempt->delay_ms / 1000.0,
            CASTOR_ARG(attempt->next_model));
}

int main(int argc, char **argv)
{
    static const char *const others[] = { "gemini-3.5-flash" };
    castor_error             err = { 0 };
    castor_client           *client = NULL;
    castor_stream           *answer = NULL;
    castor_event             event;
    castor_step              step;
    int                      status = EXIT_FAILURE;

    castor_retry_options retry = CASTOR_RETRY_OPTIONS_INIT;
    retry.budget_ms = 30000;   /* a person waits */
    retry.restart = 2;         /* what was printed may be void: see below */
    retry.fallback_models = others;
    retry.fallback_model_count = 1;
    retry.on_attempt = on_attempt;
    castor_client_options options = CASTOR_CLIENT_OPTIONS_INIT;
    options.retry = &retry;
    if (castor_client_new(&client, &options, &err) != CASTOR_OK) goto done;

    castor_turn    turn = { .role = CASTOR_USER };
    castor_request request = CASTOR_REQUEST_INIT;
    turn.text = castor_str_of(argc > 1 ? argv[1] : "Explain the benefits of renewable energy.");
    request.model = "gemini-3.8-flash";
    request.turns = &turn;
    request.turn_count = 1;
    if (castor_stream_open(&answer, client, &request, &err) != CASTOR_OK) goto done;

    while ((step = castor_stream_next(answer, &event, &err)) == CASTOR_STEP_EVENT) {
        if (event.type == CASTOR_EVENT_RESTART) printf("\n--- discard what stands above ---\n");
        if (event.type == CASTOR_EVENT_TEXT) printf("%.*s", CASTOR_ARG(event.text));
        fflush(stdout);
    }
    printf("\n");
    if (step == CASTOR_STEP_DONE) status = EXIT_SUCCESS;

done:
    if (status != EXIT_SUCCESS) fprintf(stderr, "%s: %s\n", castor_verdict_name(err.verdict), err.message);
    castor_stream_close(answer);
    castor_client_free(client);
    return status;
}
