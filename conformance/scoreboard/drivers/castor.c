/* castor.c -- two questions by one client of libcastor, for the cases that are about what is left of the first.
 * SPDX-License-Identifier: MIT
 *
 *     two-questions DIALECT BASE_URL MODEL CA_FILE PROMPT leave|read PAUSE_MS PROMPT
 *
 * Prints the text of the second answer, and its error if it has one; ends with the exit status of its verdict. The
 * first one is left at its first text, or read to its end, and what comes of it is not told.
 */
#include <castor/castor.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

typedef struct question {
    castor_client *client;
    castor_request request;
    castor_turn    turn;
} question;

static castor_step ask(question *q, const char *prompt, bool is_left_early, FILE *out, castor_error *err)
{
    castor_stream *answer = NULL;
    castor_event   event;
    castor_step    step = CASTOR_STEP_ERROR;

    q->turn = (castor_turn){ .role = CASTOR_USER, .text = castor_str_of(prompt) };
    if (castor_stream_open(&answer, q->client, &q->request, err) == CASTOR_OK) {
        while ((step = castor_stream_next(answer, &event, err)) == CASTOR_STEP_EVENT) {
            if (event.type != CASTOR_EVENT_TEXT) continue;
            if (out) fwrite(event.text.data, 1, event.text.len, out);
            if (is_left_early) break;
        }
    }
    castor_stream_close(answer);
    return step;
}

int main(int argc, char **argv)
{
    castor_client_options options = CASTOR_CLIENT_OPTIONS_INIT;
    question              q = { .request = CASTOR_REQUEST_INIT };
    castor_error          err = { 0 };

    if (argc != 9) return EXIT_FAILURE;
    q.request.dialect = argv[1][0] == 'o' ? CASTOR_DIALECT_OPENAI : CASTOR_DIALECT_GEMINI;
    options.base_url = argv[2];
    q.request.model = argv[3];
    if (argv[4][0]) options.ca_file = argv[4];
    q.request.turns = &q.turn;
    q.request.turn_count = 1;
    castor_step step = CASTOR_STEP_ERROR;
    if (castor_client_new(&q.client, &options, &err) == CASTOR_OK) {
        long pause_ms = strtol(argv[7], NULL, 10);
        ask(&q, argv[5], argv[6][0] == 'l', NULL, NULL);
        nanosleep(&(struct timespec){ pause_ms / 1000, pause_ms % 1000 * 1000000 }, NULL);
        step = ask(&q, argv[8], false, stdout, &err);
    }
    if (step != CASTOR_STEP_DONE) fprintf(stderr, "%s: %s\n", castor_verdict_name(err.verdict), err.message);
    castor_client_free(q.client);
    return castor_verdict_exit(step == CASTOR_STEP_DONE ? CASTOR_VERDICT_COMPLETE : err.verdict);
}
