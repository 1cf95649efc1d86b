/* async.c -- several answers at once in one thread: nobody waits for anybody.
 * SPDX-License-Identifier: MIT
 *
 *     GOOGLE_API_KEY=... ./async ["prompt" ...]
 *
 * castor_client_wait sleeps until some answer has something; castor_stream_poll takes it without waiting. The lines of
 * all answers come out mixed, each with its number, and the whole takes about as long as the slowest one.
 */
#include <castor/castor.h>
#include <stdio.h>
#include <stdlib.h>

enum { ANSWERS_MAX = 16 };

/* Takes what one answer has at hand. True: it has ended. */
static int take(castor_stream *answer, int number)
{
    castor_event event;
    castor_error err;

    for (;;) {
        switch (castor_stream_poll(answer, &event, &err)) {
        case CASTOR_STEP_EVENT:
            if (event.type == CASTOR_EVENT_TEXT) printf("[%d] %.*s\n", number, CASTOR_ARG(event.text));
            break;
        case CASTOR_STEP_WAIT: return 0;
        case CASTOR_STEP_DONE: printf("[%d] -- done\n", number); return 1;
        case CASTOR_STEP_ERROR:
        default: printf("[%d] -- %s: %s\n", number, castor_verdict_name(err.verdict), err.message); return 1;
        }
    }
}

int main(int argc, char **argv)
{
    static const char *const defaults[] = {
        "Explain the benefits of renewable energy.", "What is photosynthesis?",
        "Explain quantum computing in simple terms.", "Write a Python function that reverses a string.",
        "What are the latest trends in AI?",
        "What are the top 5 programming languages?",
    };
    const char *const *prompts = argc > 1 ? (const char *const *)argv + 1 : defaults;
    int                count = argc > 1 ? argc - 1 : (int)(sizeof defaults / sizeof *defaults);
    int                under_way = 0, whole = 0;
    castor_stream     *answers[ANSWERS_MAX] = { NULL };
    castor_client     *client = NULL;
    castor_error       err = { 0 };

    if (count > ANSWERS_MAX) count = ANSWERS_MAX;
    castor_status status = castor_client_new(&client, NULL, &err);
    for (int i = 0; status == CASTOR_OK && i < count; i++) {
        castor_turn    turn = { .role = CASTOR_USER, .text = castor_str_of(prompts[i]) };
        castor_request request = CASTOR_REQUEST_INIT;
        request.model = "gemini-3.8-flash";
        request.turns = &turn;
        request.turn_count = 1;
        status = castor_stream_open(&answers[i], client, &request, &err);
        if (status == CASTOR_OK) under_way++;
    }
    while (status == CASTOR_OK && under_way > 0) {
        status = castor_client_wait(client, CASTOR_NO_LIMIT, &err);
        for (int i = 0; i < count; i++) {
            if (!answers[i] || !take(answers[i], i + 1)) continue;
            whole += castor_stream_verdict(answers[i]) == CASTOR_VERDICT_COMPLETE;
            castor_stream_close(answers[i]);
            answers[i] = NULL;
            under_way--;
        }
    }
    if (status != CASTOR_OK) fprintf(stderr, "%s\n", err.message);
    for (int i = 0; i < count; i++) castor_stream_close(answers[i]);
    castor_client_free(client);
    return status == CASTOR_OK && whole == count ? EXIT_SUCCESS : EXIT_FAILURE;
}
