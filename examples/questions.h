/* questions.h -- what the examples of event loops share: several questions at once, and a listener that prints.
 * SPDX-License-Identifier: MIT
 */
#ifndef QUESTIONS_H
#define QUESTIONS_H

#include <castor/castor.h>
#include <stdio.h>
#include <stdlib.h>

enum { QUESTIONS_MAX = 16 };

typedef struct questions {
    castor_stream *answers[QUESTIONS_MAX];
    int            count;
    int            under_way;
    int            whole;
    void         (*when_over)(void *loop); /* NULL: the loop ends by itself when nothing is left in it */
    void          *loop;
} questions;

static int question_number(const questions *all, const castor_stream *answer)
{
    int number = 0;

    while (number < all->count && all->answers[number] != answer) number++;
    return number + 1;
}

/* The listener of all answers: a line for each event, with the number of its question. */
static void on_step(void *user, castor_stream *answer, castor_step step, const castor_event *event)
{
    questions *all = (questions *)user;
    int        number = question_number(all, answer);

    switch (step) {
    case CASTOR_STEP_EVENT:
        if (event->type == CASTOR_EVENT_TEXT) printf("[%d] %.*s\n", number, CASTOR_ARG(event->text));
        return;
    case CASTOR_STEP_DONE:
        printf("[%d] -- done\n", number);
        all->whole++;
        break;
    case CASTOR_STEP_ERROR:
    case CASTOR_STEP_WAIT: /* a listener never hears that */
    default:
        printf("[%d] -- %s: %s\n", number, castor_verdict_name(castor_stream_verdict(answer)),
               castor_stream_error(answer)->message);
        break;
    }
    if (--all->under_way == 0 && all->when_over) all->when_over(all->loop);
}

/* Opens a stream for each argument, or for six questions of our own, and listens to it. */
static castor_status ask_all(questions *all, castor_client *client, int argc, char **argv, castor_error *err)
{
    static const char *const defaults[] = {
        "Explain the benefits of renewable energy.", "What is photosynthesis?",
        "Explain quantum computing in simple terms.", "Write a Python function that reverses a string.",
        "What are the latest trends in AI?",
        "What are the top 5 programming languages?",
    };
    int           count = argc > 1 ? argc - 1 : (int)(sizeof defaults / sizeof *defaults);
    castor_status status = CASTOR_OK;

    for (int i = 0; status == CASTOR_OK && i < count && i < QUESTIONS_MAX; i++) {
        castor_turn    turn = { .role = CASTOR_USER, .text = castor_str_of(argc > 1 ? argv[1 + i] : defaults[i]) };
        castor_request request = CASTOR_REQUEST_INIT;
        request.model = "gemini-3.8-flash";
        request.turns = &turn;
        request.turn_count = 1;
        status = castor_stream_open(&all->answers[i], client, &request, err);
        if (status != CASTOR_OK) break;
        castor_stream_listen(all->answers[i], on_step, all);
        all->count++;
        all->under_way++;
    }
    return status;
}

/* Closes everything, and says what main is to return. */
static int finish(questions *all, castor_client *client, castor_status status, const castor_error *err)
{
    if (status != CASTOR_OK) fprintf(stderr, "%s\n", err->message);
    for (int i = 0; i < all->count; i++) castor_stream_close(all->answers[i]);
    castor_client_free(client);
    return status == CASTOR_OK && all->whole == all->count ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif
