/* asking.c -- clients, requests, and what comes of them when nobody spoils it.
 * SPDX-License-Identifier: MIT
 */
#include <inttypes.h>
#include <stdio.h>

#include "soak.h"

const castor_dialect soak_dialects[SOAK_KINDS] = { CASTOR_DIALECT_GEMINI, CASTOR_DIALECT_OPENAI,
                                                   CASTOR_DIALECT_MESSAGE, CASTOR_DIALECT_GEMINI };
const char *const    soak_kind_names[SOAK_KINDS] = { "gemini", "openai", "message", "gemini in hops" };

static const char *const models[SOAK_KINDS] = { "gemini", "gemini", "chat-bison", "gemini-4" };

enum { HOPS_MAX = 64 }; /* more than the longest answer takes where each brings as little as `run` has it */

/* As script.md has them. */
static const char *const prompts[SOAK_PROMPTS] = { "short answer", "long answer", "longest answer" };

castor_client_options soak_client_options(const soak_place *place)
{
    castor_client_options options = CASTOR_CLIENT_OPTIONS_INIT;

    options.api_key = "soak-key";
    options.base_url = place->witness.url;
    options.ca_file = place->witness.ca_file;
    options.ignore_environment = 1;
    options.connection_streams_max = place->connection_streams;
    options.connect_timeout_ms = options.tls_timeout_ms = CASTOR_NO_LIMIT;
    return options;
}

castor_request soak_request_for(uint64_t id, soak_kind kind, int prompt, char model[SOAK_MODEL_SIZE], castor_turn *turn)
{
    snprintf(model, SOAK_MODEL_SIZE, "%s-s%" PRIu64, models[kind], id);
    castor_request request = tst_request_for(prompts[prompt], model, soak_dialects[kind], turn);
    request.hops_max = HOPS_MAX;
    return request;
}

uint64_t soak_id_of(castor_str model)
{
    uint64_t id = 0;
    size_t   at = model.len;

    while (at > 0 && model.data[at - 1] >= '0' && model.data[at - 1] <= '9') at--;
    if (at < 2 || memcmp(model.data + at - 2, "-s", 2) != 0) return 0;
    for (; at < model.len; at++) id = id * 10 + (uint64_t)(model.data[at] - '0');
    return id;
}

/* ---- learning ---- */

enum { SAMPLES = SOAK_KINDS * SOAK_PROMPTS * 2, PIECES_LEAST = 4 };

static castor_stream *open_sample(castor_client *client, int number)
{
    char           model[SOAK_MODEL_SIZE];
    castor_turn    turn;
    castor_stream *stream = NULL;
    soak_kind      kind = (soak_kind)(number / 2 / SOAK_PROMPTS);
    castor_request request = soak_request_for(0, kind, number / 2 % SOAK_PROMPTS, model, &turn);

    request.is_unary = number % 2;
    (void)castor_stream_open(&stream, client, &request, NULL);
    return stream;
}

static bool read_sample(soak_world *world, castor_stream *stream, int number)
{
    tst_sample *sample = &world->samples[number / 2 / SOAK_PROMPTS][number / 2 % SOAK_PROMPTS][number % 2];

    return stream && tst_sample_read(sample, stream) && (number % 2 || sample->piece_count >= PIECES_LEAST);
}

/* All at once: they take seconds. The twins have the same script, so that one of them does. */
bool soak_learn(soak_world *world)
{
    castor_client_options options = soak_client_options(&world->places[SOAK_CLEAR]);
    castor_client        *client = NULL;
    castor_stream        *streams[SAMPLES];
    bool                  is_good = castor_client_new(&client, &options, NULL) == CASTOR_OK;

    for (int i = 0; i < SAMPLES && client; i++) streams[i] = open_sample(client, i);
    for (int i = 0; i < SAMPLES && client; i++) {
        is_good &= read_sample(world, streams[i], i);
        castor_stream_close(streams[i]);
    }
    castor_client_free(client);
    return is_good;
}

void soak_forget(soak_world *world)
{
    for (int i = 0; i < SAMPLES; i++) {
        tst_sample_free(&world->samples[i / 2 / SOAK_PROMPTS][i / 2 % SOAK_PROMPTS][i % 2]);
    }
}
