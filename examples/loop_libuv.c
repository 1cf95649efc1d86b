/* loop_libuv.c -- several answers at once, in a loop of libuv.
 * SPDX-License-Identifier: MIT
 *
 *     GOOGLE_API_KEY=... ./loop_libuv ["question" ...]
 *
 * The lines of all answers come out mixed, each with its number, and the whole takes about as long as the slowest one.
 */
#include <castor/adapters/libuv.h>

#include "questions.h"

int main(int argc, char **argv)
{
    questions      all = { .count = 0 };
    castor_client *client = NULL;
    castor_error   err = { .status = CASTOR_OK };
    uv_loop_t     *loop = uv_default_loop();

    castor_status status = castor_client_new(&client, NULL, &err);
    if (status == CASTOR_OK) status = castor_uv_attach(client, loop, &err);
    if (status == CASTOR_OK) status = ask_all(&all, client, argc, argv, &err);
    if (status == CASTOR_OK) uv_run(loop, UV_RUN_DEFAULT);
    int result = finish(&all, client, status, &err);
    uv_run(loop, UV_RUN_DEFAULT); /* the handles close */
    uv_loop_close(loop);
    return result;
}
