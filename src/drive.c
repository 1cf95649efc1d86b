/* drive.c -- moves all streams of a client: everything that waits.
 * SPDX-License-Identifier: MIT
 *
 * The pull that blocks is a loop over the one that does not; the wait for several is the same loop without a favourite.
 */
#include "drive.h"

#include "error.h"
#include "stream.h"

/* How long to wait until the nearest time limit of any stream, `timeout_ms` at most; -1: for ever. */
static int64_t wait_of(const castor_client *client, int64_t timeout_ms, int64_t now_ms)
{
    for (castor_stream *stream = client->streams; stream; stream = stream->next) {
        castor_time_limit which;
        if (!cst_stream_is_timed(stream)) continue;
        int64_t deadline_ms = cst_stream_deadline(stream, &which);
        if (deadline_ms == INT64_MAX) continue;
        int64_t left_ms = deadline_ms > now_ms ? deadline_ms - now_ms : 0;
        if (left_ms == 0 && cst_decoder_advance(&stream->decoder)) continue; /* it waits for its caller */
        if (timeout_ms < 0 || left_ms < timeout_ms) timeout_ms = left_ms;
    }
    return timeout_ms;
}

castor_status cst_client_drive(castor_client *client, int64_t timeout_ms, castor_error *err)
{
    const cst_transport_methods *methods = client->transport->methods;
    int64_t                      now_ms = methods->now_ms(client->transport);

    castor_status status = methods->drive(client->transport, wait_of(client, timeout_ms, now_ms), err);
    now_ms = methods->now_ms(client->transport);
    for (castor_stream *stream = client->streams; stream; stream = stream->next) cst_stream_check(stream, now_ms);
    return status;
}

/* OPEN: at least one stream is under way, none is ready. */
typedef enum readiness { NONE_OPEN, OPEN, READY } readiness;

static readiness look_at_streams(castor_client *client)
{
    readiness result = NONE_OPEN;

    for (castor_stream *stream = client->streams; stream; stream = stream->next) {
        if (stream->is_told) continue;
        if (cst_stream_is_ready(stream)) return READY;
        result = OPEN;
    }
    return result;
}

castor_status castor_client_wait(castor_client *client, int64_t timeout_ms, castor_error *err)
{
    const cst_transport_methods *methods = client->transport->methods;
    int64_t                      left_ms = cst_clamp_ms(timeout_ms);
    int64_t                      give_up_ms = methods->now_ms(client->transport) + left_ms;
    castor_status                status = CASTOR_OK;

    while (status == CASTOR_OK && look_at_streams(client) == OPEN) {
        status = cst_client_drive(client, left_ms, err); /* once in any case, so that a wait of 0 moves things */
        if (timeout_ms < 0) continue;
        left_ms = give_up_ms - methods->now_ms(client->transport);
        if (left_ms <= 0) break;
    }
    return status;
}

castor_status cst_drive_open(castor_stream **out, castor_client *client, const castor_request *request,
                             castor_error *err)
{
    castor_status status = cst_stream_open(out, client, request, err);

    if (status == CASTOR_OK) (void)cst_client_drive(client, 0, NULL); /* what goes wrong here, next() tells */
    return status;
}

castor_status castor_stream_open(castor_stream **out, castor_client *client, const castor_request *request,
                                 castor_error *err)
{
    if (!out || !client || !request) return cst_fail(err, CASTOR_INVALID, "castor_stream_open: an argument is NULL");
    castor_request known = cst_request_of(request);
    return cst_drive_open(out, client, &known, err);
}

castor_step castor_stream_next(castor_stream *stream, castor_event *event, castor_error *err)
{
    castor_step step;

    while ((step = castor_stream_poll(stream, event, err)) == CASTOR_STEP_WAIT) {
        castor_error failure;
        if (cst_client_drive(stream->client, CASTOR_NO_LIMIT, &failure) == CASTOR_OK) continue;
        failure.verdict = CASTOR_VERDICT_FAILED;
        cst_stream_fail(stream, &failure);
    }
    return step;
}

void castor_client_free(castor_client *client)
{
    if (!client) return;
    while (client->streams) cst_stream_orphan(client->streams);
    cst_client_dispose(client);
}
