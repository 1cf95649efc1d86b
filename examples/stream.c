/* stream.c -- the whole main job: a prompt goes in, tokens are printed as they arrive, the end is honest.
 * SPDX-License-Identifier: MIT
 *
 *     GOOGLE_API_KEY=... ./stream "Why do beavers build dams?"
 */
#include <castor/castor.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    const char    *prompt = argc > 1 ? argv[1] : "Explain the benefits of renewable energy.";
    castor_error   err = { 0 };
    castor_client *client = NULL;
    castor_stream *answer = NULL;
    castor_event   event;
    castor_step    step;
    int            status = EXIT_FAILURE;

    castor_client_options options = CASTOR_CLIENT_OPTIONS_INIT; /* the key comes from the environment */
    if (castor_client_new(&client, &options, &err) != CASTOR_OK) goto done;

    castor_turn    turn = { .role = CASTOR_USER, .text = castor_str_of(prompt) };
    castor_request request = CASTOR_REQUEST_INIT;
    request.model = "gemini-3.8-flash";
    request.turns = &turn;
    request.turn_count = 1;
    request.temperature = castor_some_f64(0.7);
    request.candidate_count = castor_some_i64(1);
    request.max_output_tokens = castor_some_i64(1024);
    if (castor_stream_open(&answer, client, &request, &err) != CASTOR_OK) goto done;

    while ((step = castor_stream_next(answer, &event, &err)) == CASTOR_STEP_EVENT) {
        if (event.type != CASTOR_EVENT_TEXT) continue;
        printf("%.*s", CASTOR_ARG(event.text));
        fflush(stdout);
    }
    printf("\n");
    if (step == CASTOR_STEP_DONE) status = EXIT_SUCCESS; /* the answer is whole; anything else is an error */

done:
    if (status != EXIT_SUCCESS) fprintf(stderr, "%s: %s\n", castor_verdict_name(err.verdict), err.message);
    castor_stream_close(answer);
    castor_client_free(client);
    return status;
}
