/* transport_curl.c -- the transport on libcurl's multi interface.
 * SPDX-License-Identifier: MIT
 *
 * Time limits are not libcurl's business: it is told to wait for ever, and its owner closes what takes too long. That
 * way an error can name the limit, and tests can bring a clock of their own.
 *
 * Traps of libcurl 7.88.1 that shape this file: HTTP/2 without TLS breaks on reused connections, so it is only asked
 * for by ALPN; unless told, one client opens a connection for nearly every HTTP/2 stream; CURLOPT_PIPEWAIT lets all
 * exchanges wait for the first one's end where the server only speaks HTTP/1.1; removing a transfer that is still
 * resolving waits for the resolver's thread unless CURLOPT_QUICK_EXIT is set; a paused HTTP/2 stream that shares its
 * connection goes on buffering, up to the 32 MiB of window that it has promised, so by default streams share none.
 *
 * libcurl is driven by curl_multi_socket_action, whoever waits: it tells which sockets to watch and when to be called
 * next, and is called with what is ready. curl_multi_poll would ask for every transfer at every wake-up.
 */
#include "exchange_callbacks.h"

#include <limits.h>
#include <pthread.h>
#include <time.h>

#include "error.h"
#include "sockets.h"

/* A multi handle and its exchanges. libcurl 7.88.1 keeps sockets in a hash of 911 chains, timers in one tree, and walks
 * all connections at each end of a transfer: with thousands on one handle most time is spent there. */
typedef struct curl_group {
    struct curl_transport *owner;
    CURLM                 *multi;
    size_t                 open_count; /* of its exchanges, those that are not closed */
    int64_t                connections; /* its share of those that there may be */
    int64_t                due_ms;     /* when libcurl wants to be called; INT64_MAX: never */
    bool                   is_spoilt;  /* it may have run out of memory: it must not be used for another exchange */
} curl_group;

typedef struct curl_transport {
    cst_transport base; /* first */
    cst_exchanges exchanges;
    cst_sockets   sockets;
    curl_group  **groups;      /* they come and go with what is under way, but for the first */
    size_t        group_count;
    size_t        group_capacity;
    size_t        group_max;
    int64_t       connections_left;       /* to one host, of those for all groups */
    int64_t       connection_streams_max;
    CURLMcode     result;      /* the first failure of the move under way */
} curl_transport;

/* ---- the library's own start ---- */

static pthread_once_t global_once = PTHREAD_ONCE_INIT;
static CURLcode       global_result; /* written once, before anybody reads it */

static void global_start(void)
{
    global_result = curl_global_init(CURL_GLOBAL_DEFAULT);
}

/* ---- groups ---- */

static long count_of(int64_t wanted)
{
    return wanted > INT_MAX ? INT_MAX : (long)wanted;
}

static int on_watch(CURL *easy, curl_socket_t socket, int what, void *user, void *mark);
static int on_timer(CURLM *multi, long timeout_ms, void *user);

static void free_group(curl_group *group)
{
    group->owner->connections_left += group->connections;
    if (group->multi) curl_multi_cleanup(group->multi);
    cst_release(group->owner->exchanges.allocator, group);
}

/* Of what is left, an equal part for each group that can still come: what a division leaves over must not be lost, or as
 * many streams would wait for others to end. */
static int64_t share_of_connections(const curl_transport *owner)
{
    int64_t to_come = (int64_t)owner->group_max;

    for (size_t i = 0; i < owner->group_count; i++) to_come -= !owner->groups[i]->is_spoilt;
    return (owner->connections_left + to_come - 1) / to_come; /* it is asked for with room for a group */
}

/* Another comes in place of one that is spoilt, with its connections: those it has end with their exchanges. */
static void spoil(curl_group *group)
{
    group->is_spoilt = true;
    group->owner->connections_left += group->connections;
    group->connections = 0;
}

static curl_group *new_group(curl_transport *owner)
{
    curl_group *group = cst_alloc_zeroed(owner->exchanges.allocator, sizeof *group);

    if (!group) return NULL;
    *group = (curl_group){ .owner = owner, .multi = curl_multi_init(), .due_ms = INT64_MAX };
    group->connections = share_of_connections(owner);
    owner->connections_left -= group->connections;
    if (!group->multi) {
        free_group(group);
        return NULL;
    }
    curl_multi_setopt(group->multi, CURLMOPT_SOCKETFUNCTION, on_watch);
    curl_multi_setopt(group->multi, CURLMOPT_SOCKETDATA, group);
    curl_multi_setopt(group->multi, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(group->multi, CURLMOPT_TIMERDATA, group);
    curl_multi_setopt(group->multi, CURLMOPT_MAX_HOST_CONNECTIONS, count_of(group->connections));
    curl_multi_setopt(group->multi, CURLMOPT_MAXCONNECTS, count_of(group->connections));
    curl_multi_setopt(group->multi, CURLMOPT_MAX_CONCURRENT_STREAMS, count_of(owner->connection_streams_max));
    return group;
}

static bool has_room_for_group(curl_transport *owner)
{
    size_t       count = owner->group_capacity, size = sizeof *owner->groups;
    curl_group **groups;

    if (owner->group_count < count) return true;
    groups = cst_resize(owner->exchanges.allocator, owner->groups, count * size, (count + 1) * size);
    if (!groups) return false;
    owner->groups = groups;
    owner->group_capacity++;
    return true;
}

static curl_group *add_group(curl_transport *owner)
{
    curl_group *group = has_room_for_group(owner) ? new_group(owner) : NULL;

    if (group) owner->groups[owner->group_count++] = group;
    return group;
}

static int64_t room_in(const curl_group *group)
{
    return group->connections - (int64_t)group->open_count;
}

/* The first that has room, so that connections are used again; else a new one; else that with the most connections left.
 * NULL: no memory. */
static curl_group *group_for_one_more(curl_transport *owner)
{
    curl_group *widest = NULL, *added = NULL;
    size_t      good = 0;

    for (size_t i = 0; i < owner->group_count; i++) {
        curl_group *group = owner->groups[i];
        if (group->is_spoilt) continue;
        good++;
        if (group->open_count < CST_GROUP_EXCHANGES) return group;
        if (!widest || room_in(group) > room_in(widest)) widest = group;
    }
    if (good < owner->group_max) added = add_group(owner);
    return added ? added : widest;
}

/* Groups without exchanges go, and their idle connections with them: nobody would notice that those have died. The
 * first one stays for the next request, unless it is spoilt: out of memory, libcurl 7.88.1 leaves the table of a socket
 * destroyed but in use, and the next exchange on a socket of that number divides by zero. */
static void drop_empty_groups(curl_transport *owner)
{
    size_t kept = 0;

    for (size_t i = 0; i < owner->group_count; i++) {
        curl_group *group = owner->groups[i];
        if (group->open_count == 0 && (kept > 0 || group->is_spoilt)) free_group(group);
        else owner->groups[kept++] = group;
    }
    owner->group_count = kept;
}

/* ---- one exchange ---- */

/* The wake-up call is only listened to while there is something to wake for: a client without exchanges has nothing in
 * its loop. */
static castor_status listen_for_wake(curl_transport *owner, bool is_wanted)
{
    return cst_sockets_watch(&owner->sockets, owner->sockets.wake_read, is_wanted ? CASTOR_READ : 0, NULL);
}

static void put_back(cst_exchange *exchange)
{
    curl_group     *group = exchange->group;
    curl_transport *owner = group->owner;

    group->open_count--;
    cst_exchange_give_back(exchange);
    if (owner->exchanges.open_count == 0) (void)listen_for_wake(owner, false);
}

static void close_exchange(cst_exchange *exchange)
{
    curl_multi_remove_handle(((curl_group *)exchange->group)->multi, exchange->easy);
    put_back(exchange);
}

static castor_status open_exchange(cst_transport *transport, cst_exchange **out, const cst_http_request *request,
                                   const cst_sink *sink, castor_error *err)
{
    curl_transport *owner = (curl_transport *)transport;
    curl_group     *group = group_for_one_more(owner);
    cst_exchange   *exchange = group ? cst_exchange_take(&owner->exchanges, request, sink) : NULL;

    *out = NULL;
    if (!exchange) return cst_fail_plainly(err, CASTOR_NO_MEMORY);
    exchange->group = group;
    group->open_count++;
    if (listen_for_wake(owner, true) == CASTOR_OK && curl_multi_add_handle(group->multi, exchange->easy) == CURLM_OK) {
        *out = exchange;
        return CASTOR_OK;
    }
    put_back(exchange);
    return cst_fail_plainly(err, CASTOR_NO_MEMORY);
}

static void resume_exchange(cst_exchange *exchange)
{
    if (!exchange->is_ended) curl_easy_pause(exchange->easy, CURLPAUSE_CONT);
}

/* ---- all exchanges ---- */

static bool add_again(cst_exchange *exchange)
{
    CURLM *multi = ((curl_group *)exchange->group)->multi;

    curl_multi_remove_handle(multi, exchange->easy);
    return curl_multi_add_handle(multi, exchange->easy) == CURLM_OK;
}

/* What is told with these codes may have been a want of memory, and then libcurl 7.88.1 has kept what is half made:
 * trusted certificates without their keys, for a day, or a connection of HTTP/2 that broke, and looks like one to use
 * again. */
static bool leaves_ruins(const cst_exchange *exchange, CURLcode code)
{
    curl_socket_t kept = CURL_SOCKET_BAD;

    if (code == CURLE_SEND_ERROR || code == CURLE_RECV_ERROR) {
        curl_easy_getinfo(exchange->easy, CURLINFO_ACTIVESOCKET, &kept);
        return kept != CURL_SOCKET_BAD;
    }
    return code == CURLE_OUT_OF_MEMORY || code == CURLE_SSL_CONNECT_ERROR || code == CURLE_PEER_FAILED_VERIFICATION ||
           code == CURLE_SSL_CACERT_BADFILE;
}

/* libcurl forgets a message when its transfer is removed, and a sink may do just that: take code and handle first. */
static void take_ends(curl_group *group)
{
    CURLMsg *message;
    int      left;

    while ((message = curl_multi_info_read(group->multi, &left)) != NULL) {
        cst_exchange *exchange = cst_exchange_of(message->easy_handle);
        CURLcode      code = message->data.result;
        if (message->msg != CURLMSG_DONE) continue;
        if (cst_exchange_tries_again(exchange, code) && add_again(exchange)) continue;
        if (leaves_ruins(exchange, code)) spoil(group);
        cst_exchange_end(exchange, code);
    }
}

static void act(curl_group *group, curl_socket_t socket, int what)
{
    int       running;
    CURLMcode result = curl_multi_socket_action(group->multi, socket, what, &running);

    if (group->owner->result == CURLM_OK) group->owner->result = result;
    if (result == CURLM_OUT_OF_MEMORY) spoil(group);
    take_ends(group);
}

static int64_t now_ms(cst_transport *base)
{
    struct timespec now;

    (void)base;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Of libcurl: what it wants to wait for on a socket. */
static int on_watch(CURL *easy, curl_socket_t socket, int what, void *user, void *mark)
{
    static const int32_t interests[] = {
        [CURL_POLL_IN] = CASTOR_READ, [CURL_POLL_OUT] = CASTOR_WRITE, [CURL_POLL_INOUT] = CASTOR_READ | CASTOR_WRITE,
        [CURL_POLL_REMOVE] = 0,
    };
    curl_group *group = user;

    (void)mark;
    if (cst_sockets_watch(&group->owner->sockets, socket, interests[what], group) != CASTOR_OK) {
        group->owner->result = CURLM_OUT_OF_MEMORY; /* to tell libcurl would ruin its multi handle for good */
    }
    if (what == CURL_POLL_REMOVE) return 0;
    /* Between connecting and the TLS handshake there is no other sign. Its own closing handle is nobody's exchange. */
    cst_exchange *exchange = cst_exchange_of(easy);
    if (exchange) cst_exchange_note_socket(exchange, socket);
    return 0;
}

/* Of libcurl: when it wants to be called. */
static int on_timer(CURLM *multi, long timeout_ms, void *user)
{
    curl_group *group = user;

    (void)multi;
    group->due_ms = timeout_ms < 0 ? INT64_MAX : now_ms(&group->owner->base) + timeout_ms;
    return 0;
}

static void on_ready(void *user, int fd, int32_t ready)
{
    curl_transport *transport = user;
    curl_group     *group = cst_sockets_owner(&transport->sockets, fd);
    int             what = (ready & CASTOR_READ ? CURL_CSELECT_IN : 0) | (ready & CASTOR_WRITE ? CURL_CSELECT_OUT : 0);

    if (group) act(group, fd, what);
    if (fd != transport->sockets.wake_read) return;
    transport->exchanges.has_moved = true; /* its owner knows what for */
    cst_sockets_be_awake(&transport->sockets);
}

static int64_t due_ms(cst_transport *base)
{
    const curl_transport *transport = (curl_transport *)base;
    int64_t               first_ms = INT64_MAX;

    for (size_t i = 0; i < transport->group_count; i++) {
        if (transport->groups[i]->due_ms < first_ms) first_ms = transport->groups[i]->due_ms;
    }
    return first_ms;
}

static void do_what_is_due(curl_transport *transport)
{
    int64_t first_ms = due_ms(&transport->base), clock_ms = first_ms == INT64_MAX ? 0 : now_ms(&transport->base);

    for (size_t i = 0; first_ms <= clock_ms && i < transport->group_count; i++) {
        curl_group *group = transport->groups[i];
        if (group->due_ms > clock_ms) continue;
        group->due_ms = INT64_MAX; /* libcurl tells the next */
        act(group, CURL_SOCKET_TIMEOUT, 0);
    }
}

/* What the move came to. */
static castor_status finish_move(curl_transport *transport, castor_error *err)
{
    CURLMcode result = transport->result;

    drop_empty_groups(transport);
    transport->result = CURLM_OK;
    if (result == CURLM_OK) return CASTOR_OK;
    if (result == CURLM_OUT_OF_MEMORY) return cst_fail_plainly(err, CASTOR_NO_MEMORY);
    return cst_fail(err, CASTOR_NETWORK, "moving the network failed: %s", curl_multi_strerror(result));
}

static int wait_of(curl_transport *transport, int64_t timeout_ms)
{
    int64_t wait_ms = timeout_ms < 0 || timeout_ms > CST_WAIT_STEP_MS ? CST_WAIT_STEP_MS : timeout_ms;

    if (transport->exchanges.has_moved || transport->result != CURLM_OK || wait_ms == 0) return 0;
    int64_t first_ms = due_ms(&transport->base);
    if (first_ms == INT64_MAX) return (int)wait_ms;
    int64_t left_ms = first_ms - now_ms(&transport->base);
    return left_ms <= 0 ? 0 : (int)(left_ms < wait_ms ? left_ms : wait_ms);
}

static castor_status drive(cst_transport *base, int64_t timeout_ms, castor_error *err)
{
    curl_transport *transport = (curl_transport *)base;

    transport->exchanges.has_moved = false;
    do_what_is_due(transport);
    int           wait_ms = wait_of(transport, timeout_ms);
    castor_status waited = cst_sockets_wait(&transport->sockets, wait_ms, on_ready, transport, err);
    do_what_is_due(transport);
    return waited == CASTOR_OK ? finish_move(transport, err) : waited;
}

static castor_status attach(cst_transport *base, const castor_loop *loop, castor_error *err)
{
    return cst_fail_plainly(err, cst_sockets_attach(&((curl_transport *)base)->sockets, loop));
}

static castor_status ready(cst_transport *base, int fd, int32_t ready, castor_error *err)
{
    on_ready(base, fd, ready);
    return finish_move((curl_transport *)base, err);
}

static castor_status tick(cst_transport *base, castor_error *err)
{
    do_what_is_due((curl_transport *)base);
    return finish_move((curl_transport *)base, err);
}

static void wake(cst_transport *base)
{
    cst_sockets_wake(&((curl_transport *)base)->sockets);
}

static void free_transport(cst_transport *base)
{
    curl_transport      *transport = (curl_transport *)base;
    const cst_allocator *allocator = transport->exchanges.allocator;

    for (size_t i = 0; i < transport->group_count; i++) free_group(transport->groups[i]);
    cst_release(allocator, transport->groups);
    cst_exchanges_free(&transport->exchanges);
    cst_sockets_free(&transport->sockets);
    cst_release(allocator, transport);
}

static const cst_transport_methods methods = {
    .open = open_exchange,
    .resume = resume_exchange,
    .close = close_exchange,
    .phase = cst_exchange_phase,
    .drive = drive,
    .wake = wake,
    .attach = attach,
    .ready = ready,
    .tick = tick,
    .due_ms = due_ms,
    .now_ms = now_ms,
    .free = free_transport,
};

castor_status cst_transport_curl_new(cst_transport **out, const cst_transport_options *options, castor_error *err)
{
    *out = NULL;
    pthread_once(&global_once, global_start);
    if (global_result != CURLE_OK) {
        return cst_fail(err, CASTOR_NETWORK, "libcurl could not start: %s", curl_easy_strerror(global_result));
    }

    curl_transport *transport = cst_alloc_zeroed(options->allocator, sizeof *transport);
    if (!transport) return cst_fail_plainly(err, CASTOR_NO_MEMORY);
    transport->base.methods = &methods;
    transport->connections_left = options->host_connections_max;
    transport->connection_streams_max = options->connection_streams_max;
    transport->group_max = (size_t)(options->host_connections_max / CST_GROUP_EXCHANGES);
    if (transport->group_max == 0) transport->group_max = 1;

    castor_status status = cst_sockets_init(&transport->sockets, options->allocator, err);
    castor_status initialised = cst_exchanges_init(&transport->exchanges, options, &transport->sockets);
    if (status == CASTOR_OK) status = cst_fail_plainly(err, initialised);
    if (status == CASTOR_OK && !add_group(transport)) status = cst_fail_plainly(err, CASTOR_NO_MEMORY);
    if (status != CASTOR_OK) {
        free_transport(&transport->base);
        return status;
    }
    *out = &transport->base;
    return CASTOR_OK;
}
