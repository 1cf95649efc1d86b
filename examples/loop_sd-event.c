/* loop_sd-event.c -- several answers at once, in a loop of sd-event.
 * SPDX-License-Identifier: MIT
 *
 *     GOOGLE_API_KEY=... ./loop_sd-event ["question" ...]
 *
 * The lines of all answers come out mixed, each with its number, and the whole takes about as long as the slowest one.
 */
#include <castor/adapters/sd-event.h>

#include "questions.h"

static void quit(void *event)
{
    sd_event_exit((sd_event *)event, 0);
}

int main(int argc, char **argv)
{
    questions      all = { .when_over = quit };
    castor_client *client = NULL;
    castor_error   err = { .status = CASTOR_OK };
    sd_event      *event = NULL;

    if (sd_event_default(&event) < 0) return EXIT_FAILURE;
    all.loop = event;
    castor_status status = castor_client_new(&client, NULL, &err);
    if (status == CASTOR_OK) status = castor_sd_event_attach(client, event, &err);
    if (status == CASTOR_OK) status = ask_all(&all, client, argc, argv, &err);
    if (status == CASTOR_OK) sd_event_loop(event);
    int result = finish(&all, client, status, &err);
    sd_event_unref(event);
    return result;
}
