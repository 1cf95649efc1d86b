/* unary.c -- one call, the whole answer at once.
 * SPDX-License-Identifier: MIT
 *
 *     GOOGLE_API_KEY=... ./unary "Name the five largest lakes."
 */
#include <castor/castor.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    const char    *prompt = argc > 1 ? argv[1] : "What is photosynthesis?";
    castor_error   err = { 0 };
    castor_client *client = NULL;
    castor_answer *answer = NULL;

    castor_status status = castor_client_new(&client, NULL, &err);
    if (status == CASTOR_OK) {
        castor_turn    turn = { .role = CASTOR_USER, .text = castor_str_of(prompt) };
        castor_request request = CASTOR_REQUEST_INIT;
        request.model = "gemini-3.8-flash";
        request.turns = &turn;
        request.turn_count = 1;
        status = castor_generate(&answer, client, &request, &err);
    }
    if (answer) { /* set on errors too: half an answer is worth showing, if it is called that */
        castor_usage usage = castor_stream_usage(castor_answer_stream(answer));
        printf("%s\n", castor_answer_text(answer, 0).data);
        if (usage.total_tokens.is_set) printf("(%lld tokens)\n", (long long)usage.total_tokens.value);
    }
    if (status != CASTOR_OK) fprintf(stderr, "%s: %s\n", castor_verdict_name(err.verdict), err.message);
    castor_answer_free(answer);
    castor_client_free(client);
    return status == CASTOR_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
