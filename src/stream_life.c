/* stream_life.c -- a stream from open to close.
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>

#include "error.h"
#include "stream_parts.h"

static void link_stream(castor_stream *stream, castor_client *client)
{
    stream->client = client;
    stream->next = client->streams;
    stream->link = &client->streams;
    if (stream->next) stream->next->link = &stream->next;
    client->streams = stream;
    client->open_count++;
}

static void init_attempt(castor_stream *stream, const castor_request *request)
{
    stream->attempt = (cst_attempt){
        .owner = &cst_stream_owner,
        .user = stream,
        .transport = stream->client->transport,
        .limits = cst_client_limits(stream->client, request),
        .opened_ms = cst_stream_clock(stream),
    };
}

static castor_status choose_rules(castor_stream *stream, const castor_request *request, castor_error *err)
{
    castor_status status = CASTOR_OK;

    stream->rules = &stream->client->retry;
    if (request->retry) {
        stream->rules = stream->own_rules = cst_alloc_zeroed(&stream->allocator, sizeof *stream->own_rules);
        if (!stream->own_rules) return cst_fail_plainly(err, CASTOR_NO_MEMORY);
        status = cst_retry_rules_read(stream->own_rules, request->retry, &stream->allocator, err);
    }
    if (status != CASTOR_OK || !stream->rules->on_attempt || !request->model) return status;
    stream->model = cst_alloc_text(&stream->allocator, castor_str_of(request->model)); /* the hook is told */
    return stream->model ? CASTOR_OK : cst_fail_plainly(err, CASTOR_NO_MEMORY);
}

/* Before anything is sent, not when the server is in trouble. */
static castor_status check_fallbacks(const castor_stream *stream, castor_error *err)
{
    castor_status status = CASTOR_OK;

    for (const char *model = NULL; status == CASTOR_OK && (model = cst_retry_next_model(stream->rules, model));) {
        status = cst_call_check_model(&stream->call, model, err);
    }
    return status;
}

static castor_status make_recorder(castor_stream *stream, const castor_request *request, castor_error *err)
{
    size_t bytes_max = cst_client_recorder_bytes(stream->client, request);

    if (bytes_max == 0) return CASTOR_OK;
    stream->attempt.recorder = cst_recorder_new(bytes_max, &stream->allocator);
    return stream->attempt.recorder ? CASTOR_OK : cst_fail_plainly(err, CASTOR_NO_MEMORY);
}

castor_status cst_stream_open(castor_stream **out, castor_client *client, const castor_request *request,
                              castor_error *err)
{
    cst_call_settings settings = cst_client_call_settings(client);

    *out = NULL;
    castor_stream *stream = cst_alloc_zeroed(&client->allocator, sizeof *stream);
    if (!stream) return cst_fail_plainly(err, CASTOR_NO_MEMORY);
    stream->allocator = client->allocator;
    link_stream(stream, client);
    init_attempt(stream, request);
    stream->total_limit_ms = cst_client_total_limit(client, request);
    stream->tells_server = cst_client_server_limit(client, request) > 0;
    stream->hops_max = request->hops_max ? request->hops_max : CST_HOPS_MAX;

    castor_status status = choose_rules(stream, request, err);
    if (status == CASTOR_OK) status = cst_call_print(&stream->call, request, &settings, &stream->allocator, err);
    if (status == CASTOR_OK) status = check_fallbacks(stream, err);
    if (status == CASTOR_OK) status = make_recorder(stream, request, err);
    if (status == CASTOR_OK && !cst_stream_must_wait(stream)) status = cst_stream_begin(stream, err);
    else if (status == CASTOR_OK) cst_stream_stand_in_line(stream);
    if (status != CASTOR_OK) {
        cst_stream_unlink(stream);
        cst_stream_free(stream);
        return status;
    }
    *out = stream;
    return CASTOR_OK;
}

static void read_tail(castor_stream *stream)
{
    cst_transport *transport = stream->client->transport;
    int64_t        left_ms = CST_CLOSE_TAIL_MS;

    while (stream->attempt.exchange && left_ms > 0 && stream->attempt.tail_bytes <= CST_CLOSE_TAIL_BYTES) {
        if (transport->methods->drive(transport, left_ms, NULL) != CASTOR_OK) return;
        left_ms = stream->ended_ms + CST_CLOSE_TAIL_MS - cst_stream_clock(stream);
    }
}

void cst_stream_set_told(castor_stream *stream)
{
    if (!stream->is_told && stream->client) stream->client->open_count--;
    stream->is_told = true;
    cst_stream_delist(stream);
}

void cst_stream_close(castor_stream *stream, bool is_patient)
{
    castor_error closing;

    if (!stream->client) {
        cst_stream_free(stream);
        return;
    }
    cst_stream_set_told(stream);
    stream->listen = NULL;
    stream->is_settled = true;
    stream->is_resting = false;
    if (stream->attempt.exchange && cst_attempt_has_short_tail(&stream->attempt)) {
        cst_fail(&closing, CASTOR_CANCELLED, "the stream was closed");
        closing.verdict = CASTOR_VERDICT_CANCELLED;
        cst_decoder_fail(stream->attempt.decoder, &closing); /* from here on bytes are tail */
        cst_stream_begin_tail(stream);
        if (is_patient) read_tail(stream);
        else if (stream->attempt.tail_bytes <= CST_CLOSE_TAIL_BYTES) {
            stream->is_closed = true;
            return;
        }
    }
    stream->is_closed = true;
    cst_stream_close_exchange(stream);
}

void cst_stream_finish_recording(const castor_stream *stream)
{
    cst_recorder *recorder = stream->attempt.recorder;

    if (recorder && !recorder->is_over) cst_recorder_finish(recorder, castor_str_of(stream->client->api_key));
}

void cst_stream_orphan(castor_stream *stream)
{
    if (stream->is_closed) {
        cst_stream_close_exchange(stream);
        return;
    }
    if (!stream->is_settled) cst_stream_be_cancelled(stream, "the client was freed before the answer's end");
    cst_stream_close_exchange(stream);
    cst_stream_finish_recording(stream); /* while the key is known */
    cst_stream_unlink(stream);
}

void castor_stream_cancel(castor_stream *stream)
{
    int saved_errno = errno; /* we may stand in a signal handler */

    if (!stream) return;
    atomic_store(&stream->is_cancelled, 1);
    if (stream->client) {
        atomic_store(&stream->client->has_cancelled, 1);
        stream->client->transport->methods->wake(stream->client->transport);
    }
    errno = saved_errno;
}
