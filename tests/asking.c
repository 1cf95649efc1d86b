/* asking.c -- a question to libcastor, for tests to which any will do.
 * SPDX-License-Identifier: MIT
 */
#include "asking.h"

castor_client_options tst_options(const char *base_url)
{
    static const castor_retry_options once = { .size = sizeof once, .attempts_max = 1 };
    castor_client_options             options = CASTOR_CLIENT_OPTIONS_INIT;

    options.api_key = "test-key";
    options.base_url = base_url;
    options.ignore_environment = 1;
    options.total_timeout_ms = 30000;
    options.retry = &once;
    return options;
}

castor_request tst_question(void)
{
    static const castor_turn turn = { .role = CASTOR_USER, .text = { "What is photosynthesis?", 23 } };
    castor_request           request = CASTOR_REQUEST_INIT;

    request.model = "gemini-3.8-flash";
    request.turns = &turn;
    request.turn_count = 1;
    return request;
}

castor_verdict tst_generate(const castor_client_options *options, castor_error *err)
{
    castor_request request = tst_question();
    castor_client *client;
    castor_answer *answer = NULL;

    *err = (castor_error){ 0 };
    if (castor_client_new(&client, options, err) != CASTOR_OK) fail_msg("%s", err->message);
    castor_status status = castor_generate(&answer, client, &request, err);
    castor_answer_free(answer);
    castor_client_free(client);
    return status == CASTOR_OK ? CASTOR_VERDICT_COMPLETE : err->verdict;
}
