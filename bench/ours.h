/* ours.h -- what the programs of bench/ that use castor share: a client for a server on loopback, and a question.
 * SPDX-License-Identifier: MIT
 */
#ifndef BENCH_OURS_H
#define BENCH_OURS_H

#include "figures.h"

#include <castor/castor.h>
#include <stdio.h>
#include <stdlib.h>

enum { OURS_EVENT_BYTES_MAX = 256 << 20 };

static inline void ours_check(castor_status status, const castor_error *err)
{
    if (status == CASTOR_OK) return;
    fprintf(stderr, "%s\n", err->message);
    exit(1);
}

static inline castor_client_options ours_options(const char *url)
{
    castor_client_options options = CASTOR_CLIENT_OPTIONS_INIT;

    options.api_key = "test-key";
    options.base_url = url;
    options.proxy = "";
    options.event_bytes_max = OURS_EVENT_BYTES_MAX;
    return options;
}

static inline castor_stream *ours_ask(castor_client *client, const char *model, const char *prompt)
{
    castor_error   err;
    castor_stream *stream = NULL;
    castor_turn    turn = { .role = CASTOR_USER, .text = castor_str_of(prompt) };
    castor_request request = CASTOR_REQUEST_INIT;

    request.model = model;
    request.turns = &turn;
    request.turn_count = 1;
    ours_check(castor_stream_open(&stream, client, &request, &err), &err);
    return stream;
}

/* Ends the process unless the answer was whole. */
static inline void ours_expect_whole(const castor_stream *stream)
{
    const castor_error *err = castor_stream_error(stream);

    if (castor_stream_verdict(stream) == CASTOR_VERDICT_COMPLETE) return;
    fprintf(stderr, "%s: %s\n", castor_verdict_name(castor_stream_verdict(stream)), err ? err->message : "not ended");
    exit(1);
}

#endif
