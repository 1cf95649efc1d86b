/* loop_libevent.c -- several answers at once, in a loop of libevent.
 * SPDX-License-Identifier: MIT
 *
 *     GOOGLE_API_KEY=... ./loop_libevent ["question" ...]
 *
 * The lines of all answers come out mixed, each with its number, and the whole takes about as long as the slowest one.
 */
#include <castor/adapters/libevent.h>

#include "questions.h"

int main(int argc, char **argv)
{
    questions          all = { .count = 0 };
    castor_client     *client = NULL;
    castor_error       err = { .status = CASTOR_OK };
    struct event_base *base = event_base_new();

    castor_status status = castor_client_new(&client, NULL, &err);
    if (status == CASTOR_OK) status = castor_libevent_attach(client, base, &err);
    if (status == CASTOR_OK) status = ask_all(&all, client, argc, argv, &err);
    if (status == CASTOR_OK) event_base_dispatch(base);
    int result = finish(&all, client, status, &err);
    event_base_free(base);
    return result;
}
