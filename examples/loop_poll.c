/* loop_poll.c -- several answers at once, in a loop of one's own around poll(2).
 * SPDX-License-Identifier: MIT
 *
 *     GOOGLE_API_KEY=... ./loop_poll ["question" ...]
 *
 * The lines of all answers come out mixed, each with its number, and the whole takes about as long as the slowest one.
 */
#include <castor/adapters/poll.h>

#include "questions.h"

int main(int argc, char **argv)
{
    questions      all = { .count = 0 };
    castor_client *client = NULL;
    castor_error   err = { .status = CASTOR_OK };
    castor_poll    loop;

    castor_status status = castor_client_new(&client, NULL, &err);
    if (status == CASTOR_OK) status = castor_poll_attach(client, &loop, &err);
    if (status == CASTOR_OK) status = ask_all(&all, client, argc, argv, &err);
    while (status == CASTOR_OK && castor_poll_is_busy(&loop)) castor_poll_turn(&loop, -1);
    return finish(&all, client, status, &err);
}
