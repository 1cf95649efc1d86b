/* The public headers with nothing before them, twice; and their initialisers and inline functions in use. */
#include <castor/pollux.h>
#include <castor/castor.h>
#include <castor/castor.h>
#include <castor/pollux.h>

castor_request headers_request(void);

castor_request headers_request(void)
{
    static castor_turn turn;
    castor_request     request = CASTOR_REQUEST_INIT;

    turn.text = CASTOR_STR("Explain the benefits of renewable energy.");
    request.model = "gemini-3.8-flash";
    request.system_instruction = castor_str_of("Be brief.");
    request.turns = &turn;
    request.turn_count = 1;
    request.temperature = castor_some_f64(0.7);
    request.max_output_tokens = castor_some_i64(100);
    return request;
}

const char *headers_twin(pollux **out);

const char *headers_twin(pollux **out)
{
    static const char *const words[] = { "--ttft", "300", NULL };
    pollux_options           options = POLLUX_OPTIONS_INIT;
    pollux_request           last = POLLUX_REQUEST_INIT;

    options.words = words;
    return last.body ? last.body : pollux_start(out, &options, NULL, 0);
}
