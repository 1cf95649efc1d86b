/* The public header alone, twice, with nothing before it; and its initialisers and inline functions in use. */
#include <castor/castor.h>
#include <castor/castor.h>

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
