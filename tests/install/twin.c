/* What a user's first test does with an installed libpollux: it starts the twin beside its own client, and asks. */
#include <castor/castor.h>
#include <castor/pollux.h>

#include <stdio.h>

int main(void)
{
    castor_client_options options = CASTOR_CLIENT_OPTIONS_INIT;
    castor_turn           turn;
    castor_request        request = CASTOR_REQUEST_INIT;
    castor_client        *client = NULL;
    castor_answer        *answer = NULL;
    pollux               *twin = NULL;
    castor_error          err;
    int                   is_good;

    memset(&turn, 0, sizeof turn);
    turn.role = CASTOR_USER;
    turn.text = CASTOR_STR("Hello?");
    request.model = "gemini-3.8-flash";
    request.turns = &turn;
    request.turn_count = 1;
    options.api_key = "test-key";
    options.proxy = "";
    options.base_url = pollux_start(&twin, NULL, NULL, 0);
    is_good = options.base_url && pollux_play(twin, "## Hello?\n= Hi.\n", NULL, 0) &&
              castor_client_new(&client, &options, &err) == CASTOR_OK &&
              castor_generate(&answer, client, &request, &err) == CASTOR_OK;
    if (is_good) {
        printf("%s\n", castor_answer_text(answer, 0).data);
    }
    castor_answer_free(answer);
    castor_client_free(client);
    pollux_stop(twin);
    return is_good ? 0 : 1;
}
