/* loop_libev.c -- several answers at once, in a loop of libev.
 * SPDX-License-Identifier: MIT
 *
 *     GOOGLE_API_KEY=... ./loop_libev ["question" ...]
 *
 * The lines of all answers come out mixed, each with its number, and the whole takes about as long as the slowest one.
 */
#include <castor/adapters/libev.h>

#include "questions.h"

int main(int argc, char **argv)
{
    questions       all = { .count = 0 };
    castor_client  *client = NULL;
    castor_error    err = { .status = CASTOR_OK };
    struct ev_loop *loop = EV_DEFAULT;

    castor_status status = castor_client_new(&client, NULL, &err);
    if (status == CASTOR_OK) status = castor_ev_attach(client, loop, &err);
    if (status == CASTOR_OK) status = ask_all(&all, client, argc, argv, &err);
    if (status == CASTOR_OK) ev_run(loop, 0);
    return finish(&all, client, status, &err);
}
