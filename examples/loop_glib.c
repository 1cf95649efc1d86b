/* loop_glib.c -- several answers at once, in a loop of GLib.
 * SPDX-License-Identifier: MIT
 *
 *     GOOGLE_API_KEY=... ./loop_glib ["question" ...]
 *
 * The lines of all answers come out mixed, each with its number, and the whole takes about as long as the slowest one.
 */
#include <castor/adapters/glib.h>

#include "questions.h"

static void quit(void *loop)
{
    g_main_loop_quit((GMainLoop *)loop);
}

int main(int argc, char **argv)
{
    GMainLoop     *loop = g_main_loop_new(NULL, FALSE);
    questions      all = { .when_over = quit, .loop = loop };
    castor_client *client = NULL;
    castor_error   err = { .status = CASTOR_OK };

    castor_status status = castor_client_new(&client, NULL, &err);
    if (status == CASTOR_OK) status = castor_glib_attach(client, NULL, &err);
    if (status == CASTOR_OK) status = ask_all(&all, client, argc, argv, &err);
    if (status == CASTOR_OK) g_main_loop_run(loop);
    int result = finish(&all, client, status, &err);
    g_main_loop_unref(loop);
    return result;
}
