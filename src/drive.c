/* drive.c -- moves all streams of a client, and tells their listeners: everything that waits.
 * SPDX-License-Identifier: MIT
 *
 * Whoever waits, the same happens afterwards, in this order (see finish_move):
 *
 *     cancelled streams end -> limits that are due strike -> streams that waited for their turn begin
 *
 * and then listeners are told, and the loop's timer is set to whatever comes next. The pull that blocks is a loop over
 * the one that does not; the callback is a loop over the same.
 */
#include "drive.h"

#include "given.h"
#include "stream.h"

static int64_t clock_of(const castor_client *client)
{
    return client->transport->methods->now_ms(client->transport);
}

/* ---- what follows a move ---- */

/* The transport itself has failed, or could not tell the loop what to watch: nobody would ever hear from it again. */
static void fail_all(castor_client *client, castor_error *failure)
{
    failure->verdict = CASTOR_VERDICT_FAILED;
    for (castor_stream *stream = client->streams, *next; stream; stream = next) {
        next = stream->next;
        if (stream->is_closed) cst_stream_orphan(stream); /* its tail is worth nothing now */
        else if (stream->attempt.exchange || stream->is_resting) cst_stream_fail(stream, failure);
    }
}

static void end_cancelled(castor_client *client)
{
    if (!atomic_exchange(&client->has_cancelled, 0)) return;
    for (castor_stream *stream = client->streams; stream; stream = stream->next) cst_stream_end_if_cancelled(stream);
}

/* A limit strikes only after a look into every socket: its owner may have been busy with something else for long, and
 * what lies there has come in time. */
static void expire_due(castor_client *client)
{
    cst_transport *transport = client->transport;
    int64_t        now_ms = clock_of(client);
    castor_error   failure;

    if (cst_deadlines_first_ms(&client->deadlines) > now_ms) return;
    if (transport->methods->drive(transport, 0, &failure) != CASTOR_OK) fail_all(client, &failure);
    while (cst_deadlines_first_ms(&client->deadlines) <= now_ms) {
        cst_deadline *first = client->deadlines.first;
        cst_stream_expire((castor_stream *)(void *)((char *)first - offsetof(castor_stream, deadline)), now_ms);
    }
}

static void start_waiting(castor_client *client)
{
    while (client->waiting.first && client->under_way < client->streams_max) cst_stream_start(client->waiting.first);
}

static void finish_move(castor_client *client, castor_status status, castor_error *failure)
{
    if (status != CASTOR_OK) fail_all(client, failure);
    end_cancelled(client);
    expire_due(client);
    start_waiting(client);
}

/* ---- the loop's timer ---- */

enum { AT_ONCE = 0 /* a time long past */ };

static int64_t next_ms(castor_client *client)
{
    int64_t limit_ms = cst_deadlines_first_ms(&client->deadlines);
    int64_t transport_ms = client->transport->methods->due_ms(client->transport);

    if (client->heard.first) return AT_ONCE;
    return limit_ms < transport_ms ? limit_ms : transport_ms;
}

static void arm(castor_client *client)
{
    castor_error failure;

    for (int tries = 0; client->is_attached && tries < 2; tries++) {
        int64_t due_ms = next_ms(client);
        if (due_ms == client->armed_ms) return;
        int64_t delay_ms = due_ms == INT64_MAX ? -1 : due_ms - clock_of(client);
        client->armed_ms = due_ms;
        if (due_ms != INT64_MAX && delay_ms < 0) delay_ms = 0;
        if (client->loop.timer(client->loop.user, delay_ms) == 0) return;
        cst_fail_plainly(&failure, CASTOR_NO_MEMORY);
        fail_all(client, &failure); /* without a timer nothing would end; whoever pulls is told */
    }
}

/* After every call from outside that may have changed what comes next. Inside a callback its caller will do it. */
static void settle_client(castor_client *client)
{
    if (!client || client->telling) return;
    start_waiting(client);
    arm(client);
}

/* ---- listeners ---- */

/* Its share of events. It may close itself, free the client, or do anything else but wait. */
static void tell_stream(cst_telling *telling)
{
    castor_stream *stream = telling->stream;
    castor_event   event;

    for (int left = CST_EVENTS_A_TURN; left > 0; left--) {
        castor_step step = cst_stream_poll(stream, &event, NULL);
        if (step == CASTOR_STEP_WAIT) return;
        stream->listen(stream->listen_user, stream, step, step == CASTOR_STEP_EVENT ? &event : NULL);
        if (!telling->client || !telling->stream || !stream->listen || step != CASTOR_STEP_EVENT) return;
    }
    cst_stream_touch(stream); /* more may be there: at the end of the line */
}

/* One turn for each of those that stand in line now. False: the client was freed meanwhile. */
static bool tell_listeners(castor_client *client)
{
    cst_telling telling = { client, NULL };

    /* cppcheck-suppress autoVariables ; taken back below, unless the client is gone */
    client->telling = &telling;
    for (size_t turns = client->heard.count; turns > 0 && client->heard.first; turns--) {
        telling.stream = client->heard.first;
        cst_stream_delist(telling.stream);
        tell_stream(&telling);
        if (!telling.client) return false;
    }
    client->telling = NULL;
    return true;
}

void castor_stream_listen(castor_stream *stream, castor_listen_fn *fn, void *user)
{
    if (!stream) return;
    cst_stream_listen(stream, fn, user);
    settle_client(stream->client);
}

/* ---- the loop's way in ---- */

static void finish_call(castor_client *client, castor_status status, castor_error *failure)
{
    finish_move(client, status, failure);
    if (!tell_listeners(client)) return;
    start_waiting(client);
    arm(client);
}

void castor_client_ready(castor_client *client, int fd, int32_t ready)
{
    castor_error failure;

    if (!client || !client->is_attached || client->telling) return;
    castor_status status = client->transport->methods->ready(client->transport, fd, ready, &failure);
    finish_call(client, status, &failure);
}

void castor_client_tick(castor_client *client)
{
    castor_error failure;

    if (!client || !client->is_attached || client->telling) return;
    client->armed_ms = INT64_MAX; /* it rang */
    castor_status status = client->transport->methods->tick(client->transport, &failure);
    finish_call(client, status, &failure);
}

static void detach(castor_client *client)
{
    if (!client->is_attached) return;
    (void)client->transport->methods->attach(client->transport, NULL, NULL);
    client->is_attached = false;
    client->armed_ms = INT64_MAX;
    if (client->loop.detach) client->loop.detach(client->loop.user);
}

castor_status castor_client_attach(castor_client *client, const castor_loop *loop, castor_error *err)
{
    castor_loop given = CASTOR_LOOP_INIT;

    if (!client) return cst_fail(err, CASTOR_INVALID, "castor_client_attach: the client is NULL");
    if (client->telling) return cst_fail(err, CASTOR_INVALID, "no client changes its loop while it calls a listener");
    if (cst_given_struct(&given, loop, &cst_kind_loop, err) != CASTOR_OK) return CASTOR_INVALID;
    if (loop && (!given.watch || !given.timer)) {
        return cst_fail(err, CASTOR_INVALID, "the loop has no %s function", given.watch ? "timer" : "watch");
    }
    detach(client);
    if (!loop) return CASTOR_OK;
    client->loop = given;
    castor_status status = client->transport->methods->attach(client->transport, &client->loop, err);
    if (status != CASTOR_OK) return status;
    client->is_attached = true;
    arm(client);
    return CASTOR_OK;
}

/* ---- waiting ourselves ---- */

castor_status cst_client_drive(castor_client *client, int64_t timeout_ms, castor_error *err)
{
    cst_transport *transport = client->transport;
    int64_t        limit_ms = cst_deadlines_first_ms(&client->deadlines);
    castor_error   failure;

    if (limit_ms != INT64_MAX) {
        int64_t left_ms = limit_ms - clock_of(client);
        if (left_ms < 0) left_ms = 0;
        if (timeout_ms < 0 || left_ms < timeout_ms) timeout_ms = left_ms;
    }
    castor_status status = transport->methods->drive(transport, timeout_ms, &failure);
    if (status != CASTOR_OK && err) *err = failure;
    finish_move(client, status, &failure);
    return status;
}

/* OPEN: at least one stream is under way, none is ready. */
typedef enum readiness { NONE_OPEN, OPEN, READY } readiness;

static readiness look_at_streams(castor_client *client)
{
    for (castor_stream *stream = client->news.first, *next; stream; stream = next) {
        next = stream->list_next;
        if (cst_stream_is_ready(stream)) return READY;
        cst_stream_delist(stream);
    }
    return client->open_count ? OPEN : NONE_OPEN;
}

castor_status castor_client_wait(castor_client *client, int64_t timeout_ms, castor_error *err)
{
    int64_t       left_ms = cst_clamp_ms(timeout_ms);
    castor_status status = CASTOR_OK;

    if (!client) return cst_fail(err, CASTOR_INVALID, "castor_client_wait: the client is NULL");
    if (client->is_attached || client->telling) {
        return cst_fail(err, CASTOR_INVALID, "castor_client_wait is not for clients that %s",
                        client->is_attached ? "are attached to a loop: that one waits" : "are just calling a listener");
    }
    int64_t give_up_ms = clock_of(client) + left_ms;
    for (bool has_moved = false, is_over = false; status == CASTOR_OK; has_moved = true) {
        if (!tell_listeners(client)) return CASTOR_OK;
        readiness found = look_at_streams(client);
        if (found == NONE_OPEN || (has_moved && (is_over || found == READY))) break;
        /* Once in any case: a caller who leaves one stream alone must not keep the others from moving. */
        status = cst_client_drive(client, found == READY || client->heard.first ? 0 : left_ms, err);
        if (timeout_ms < 0) continue;
        left_ms = give_up_ms - clock_of(client);
        is_over = left_ms <= 0;
        if (is_over) left_ms = 0;
    }
    return status;
}

/* ---- the streams' public face ---- */

castor_status cst_drive_open(castor_stream **out, castor_client *client, const castor_request *request,
                             castor_error *err)
{
    castor_status status = cst_stream_open(out, client, request, err);
    castor_error  failure;

    if (status != CASTOR_OK || client->telling) return status;
    if (client->is_attached) {
        arm(client);
        return CASTOR_OK;
    }
    /* Off it goes; no look into sockets, where nothing can be yet. What goes wrong here, next() tells. */
    status = client->transport->methods->tick(client->transport, &failure);
    finish_move(client, status, &failure);
    return CASTOR_OK;
}

castor_status castor_stream_open(castor_stream **out, castor_client *client, const castor_request *request,
                                 castor_error *err)
{
    castor_request known = CASTOR_REQUEST_INIT;

    if (out) *out = NULL; /* on each error: it may be closed in any case */
    if (!out || !client || !request) return cst_fail(err, CASTOR_INVALID, "castor_stream_open: an argument is NULL");
    castor_status status = cst_given_struct(&known, request, &cst_kind_request, err);
    return status == CASTOR_OK ? cst_drive_open(out, client, &known, err) : status;
}

castor_step castor_stream_poll(castor_stream *stream, castor_event *event, castor_error *err)
{
    if (!cst_given_both(stream, event, "stream", err)) return CASTOR_STEP_ERROR;
    castor_step step = cst_stream_poll(stream, event, err);
    settle_client(stream->client);
    return step;
}

castor_step castor_stream_next(castor_stream *stream, castor_event *event, castor_error *err)
{
    castor_step step;

    while ((step = castor_stream_poll(stream, event, err)) == CASTOR_STEP_WAIT && !stream->client->is_attached) {
        (void)cst_client_drive(stream->client, CASTOR_NO_LIMIT, NULL); /* its failure is that of all streams */
    }
    return step;
}

void castor_stream_close(castor_stream *stream)
{
    castor_client *client = stream ? stream->client : NULL;

    if (!stream) return;
    if (client && client->telling && client->telling->stream == stream) client->telling->stream = NULL;
    cst_stream_close(stream, client && !client->is_attached && !client->telling);
    settle_client(client);
}

void castor_client_free(castor_client *client)
{
    if (!client) return;
    if (client->telling) client->telling->client = NULL;
    while (client->streams) cst_stream_orphan(client->streams);
    detach(client);
    cst_client_dispose(client);
}
