/* What a user's first program does with an installed libcastor: link, ask for the version, decode an answer. */
#include <castor/castor.h>

#include <stdio.h>

static const char wire[] = "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"Hi.\"}]},"
                           "\"finishReason\":\"STOP\"}]}\r\n\r\n";

int main(void)
{
    castor_decoder        *decoder = NULL;
    castor_decoder_options options = CASTOR_DECODER_OPTIONS_INIT;
    castor_event           event;
    castor_error           err;
    castor_step            step;

    if (strcmp(castor_version(), CASTOR_VERSION) != 0) {
        return 1;
    }
    if (castor_decoder_new(&decoder, &options, &err) != CASTOR_OK ||
        castor_decoder_feed(decoder, wire, sizeof(wire) - 1, &err) != CASTOR_OK) {
        return 1;
    }
    castor_decoder_end(decoder, CASTOR_END_CLEAN);
    while ((step = castor_decoder_next(decoder, &event, &err)) == CASTOR_STEP_EVENT) {
        if (event.type == CASTOR_EVENT_TEXT) {
            printf("%.*s\n", CASTOR_ARG(event.text));
        }
    }
    castor_decoder_free(decoder);
    return step == CASTOR_STEP_DONE ? 0 : 1;
}
