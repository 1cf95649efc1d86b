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
#include "transport.h"

#include <curl/curl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <time.h>

#include "error.h"
#include "sockets.h"

typedef struct curl_transport {
    cst_transport        base; /* first */
    const cst_allocator *allocator;
    CURLM               *multi;
    cst_sockets          sockets;
    int64_t              due_ms;      /* when libcurl wants to be called; INT64_MAX: never */
    CURLMcode            result;      /* the first failure of the move under way */
    size_t               open_count;  /* exchanges that are not closed */
    char                *proxy;
    char                *ca_file;
    bool                 force_http1;
    bool                 ignore_environment;
    bool                 has_moved; /* some exchange came forward: its owner should look before we wait */
    void               (*log)(void *user, const char *line);
    void                *log_user;
} curl_transport;

struct cst_exchange {
    curl_transport    *owner;
    CURL              *easy;
    struct curl_slist *headers;
    cst_sink           sink;
    castor_str         body;
    bool               has_started; /* left the queue: resolves or connects */
    bool               is_sent;     /* has a usable connection */
    bool               is_head_whole; /* its blank line came */
    bool               has_head;      /* the sink was told */
    bool               is_ended;
    int64_t            retry_after_ms; /* of the header retry-after-ms; 0: none */
    char               trouble[CURL_ERROR_SIZE];
};

/* ---- the library's own start ---- */

static pthread_once_t global_once = PTHREAD_ONCE_INIT;
static CURLcode       global_result; /* written once, before anybody reads it */

static void global_start(void)
{
    global_result = curl_global_init(CURL_GLOBAL_DEFAULT);
}

/* ---- sentences for libcurl's codes ---- */

static const char *what_failed(CURLcode code)
{
    switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST: return "the server's name could not be resolved";
    case CURLE_COULDNT_RESOLVE_PROXY: return "the proxy's name could not be resolved";
    case CURLE_COULDNT_CONNECT: return "no connection to the server could be made";
    case CURLE_PEER_FAILED_VERIFICATION: return "the server's certificate is not trusted";
    case CURLE_SSL_CACERT_BADFILE: return "the file of trusted certificates cannot be read";
    case CURLE_SSL_CONNECT_ERROR: return "the TLS handshake failed";
    case CURLE_GOT_NOTHING: return "the server closed the connection without an answer";
    case CURLE_PARTIAL_FILE: return "the connection was closed before the body's end";
    case CURLE_RECV_ERROR: return "the connection broke while receiving";
    case CURLE_SEND_ERROR: return "the connection broke while sending";
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM: return "the server reset the HTTP/2 stream";
    case CURLE_BAD_CONTENT_ENCODING: return "the compressed body is broken";
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_UNSUPPORTED_PROTOCOL: return "the server does not speak HTTP";
    default: return "the exchange failed";
    }
}

/* Trust, settings and servers that speak something else do not mend by themselves. */
static bool is_final(CURLcode code)
{
    return code == CURLE_OUT_OF_MEMORY || code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE ||
           code == CURLE_SSL_CERTPROBLEM || code == CURLE_UNSUPPORTED_PROTOCOL || code == CURLE_URL_MALFORMAT ||
           code == CURLE_WEIRD_SERVER_REPLY || code == CURLE_BAD_CONTENT_ENCODING;
}

static void tell_failure(const cst_exchange *exchange, CURLcode code, castor_error *out)
{
    const char *detail = exchange->trouble[0] ? exchange->trouble : curl_easy_strerror(code);

    if (code == CURLE_OUT_OF_MEMORY) cst_fail_plainly(out, CASTOR_NO_MEMORY);
    else cst_fail(out, CASTOR_NETWORK, "%s: %s", what_failed(code), detail);
    out->is_transient = !is_final(code);
    out->verdict = code == CURLE_OUT_OF_MEMORY ? CASTOR_VERDICT_FAILED : CASTOR_VERDICT_NETWORK;
}

/* ---- callbacks of libcurl ---- */

static void tell_head(cst_exchange *exchange)
{
    long        http_status = 0;
    char       *content_type = NULL, *location = NULL;
    curl_off_t  retry_after_s = 0;
    int64_t     retry_after_ms = exchange->retry_after_ms;

    if (exchange->has_head) return;
    exchange->has_head = true;
    curl_easy_getinfo(exchange->easy, CURLINFO_RESPONSE_CODE, &http_status);
    curl_easy_getinfo(exchange->easy, CURLINFO_CONTENT_TYPE, &content_type);
    curl_easy_getinfo(exchange->easy, CURLINFO_REDIRECT_URL, &location);
    curl_easy_getinfo(exchange->easy, CURLINFO_RETRY_AFTER, &retry_after_s);
    if (retry_after_s > CST_RETRY_AFTER_MAX_S) retry_after_s = CST_RETRY_AFTER_MAX_S;
    if (retry_after_s * 1000 > retry_after_ms) retry_after_ms = retry_after_s * 1000;
    const cst_head head = {
        .http_status = (int32_t)http_status,
        .content_type = castor_str_of(content_type),
        .location = castor_str_of(location),
        .retry_after_ms = { .is_set = retry_after_ms > 0, .value = retry_after_ms },
    };
    exchange->sink.on_head(exchange->sink.user, &head);
}

/* libcurl reads Retry-After, but not this header of other people's servers, a whole number. */
static void read_delay(cst_exchange *exchange, castor_str line)
{
    static const castor_str name = { "retry-after-ms:", 15 };
    int64_t                 delay_ms = 0;

    if (line.len < name.len || !cst_str_equal_nocase((castor_str){ line.data, name.len }, name)) return;
    castor_str digits = cst_str_trim((castor_str){ line.data + name.len, line.len - name.len });
    for (size_t i = 0; i < digits.len && delay_ms < CST_RETRY_AFTER_MAX_S * 1000LL; i++) {
        if (digits.data[i] < '0' || digits.data[i] > '9') return;
        delay_ms = delay_ms * 10 + (digits.data[i] - '0');
    }
    if (delay_ms > CST_RETRY_AFTER_MAX_S * 1000LL) delay_ms = CST_RETRY_AFTER_MAX_S * 1000LL;
    exchange->retry_after_ms = delay_ms;
}

/* Each line of the head. libcurl 7.88.1 calls an answer whose head is cut off a success without a body. */
static size_t on_header(char *line, size_t size, size_t count, void *user)
{
    cst_exchange *exchange = user;
    castor_str    view = { line, size * count };

    exchange->is_head_whole = view.len <= 2; /* CR LF alone */
    if (cst_str_starts_with(view, "HTTP/")) exchange->retry_after_ms = 0; /* what was before was a proxy's */
    read_delay(exchange, view);
    return view.len;
}

static size_t on_write(char *bytes, size_t size, size_t count, void *user)
{
    cst_exchange *exchange = user;

    exchange->owner->has_moved = true;
    tell_head(exchange);
    switch (exchange->sink.on_bytes(exchange->sink.user, bytes, size * count)) {
    case CST_TAKE_MORE: return size * count;
    case CST_TAKE_PAUSE: return CURL_WRITEFUNC_PAUSE;
    case CST_TAKE_STOP:
    default: return size * count == 0; /* anything but the length is an error to libcurl */
    }
}

static void note_phase(cst_exchange *exchange)
{
    exchange->owner->has_moved = true;
    exchange->sink.on_phase(exchange->sink.user);
}

static int on_connected(void *user, char *remote, char *local, int remote_port, int local_port)
{
    cst_exchange *exchange = user;
    long          connections_made = 1;

    (void)remote;
    (void)local;
    (void)remote_port;
    (void)local_port;
    curl_easy_getinfo(exchange->easy, CURLINFO_NUM_CONNECTS, &connections_made);
    exchange->has_started = exchange->is_sent = true;
    note_phase(exchange);
    exchange->sink.on_connected(exchange->sink.user, connections_made == 0);
    return CURL_PREREQFUNC_OK;
}

static int on_resolve(void *state, void *reserved, void *user)
{
    cst_exchange *exchange = user;

    (void)state;
    (void)reserved;
    exchange->has_started = true;
    note_phase(exchange);
    return 0;
}

static int on_socket(void *user, curl_socket_t socket, curlsocktype purpose)
{
    cst_exchange *exchange = user;

    (void)socket;
    (void)purpose;
    exchange->has_started = true;
    note_phase(exchange);
    return CURL_SOCKOPT_OK;
}

static int on_debug(CURL *easy, curl_infotype type, char *text, size_t len, void *user)
{
    curl_transport *transport = user;
    char            line[512];

    (void)easy;
    if (type != CURLINFO_TEXT) return 0; /* neither headers nor bodies */
    cst_copy_text(line, sizeof line, cst_str_trim((castor_str){ text, len }));
    /* libcurl 7.88 tells the headers of HTTP/2 as text. */
    if (strstr(line, "[x-goog-api-key") || strstr(line, "[authorization")) return 0;
    if (strstr(line, "proxy env variable")) return 0; /* may quote a password */
    transport->log(transport->log_user, line);
    return 0;
}

/* ---- one exchange ---- */

static void wipe_headers(struct curl_slist *headers)
{
    for (struct curl_slist *item = headers; item; item = item->next) cst_wipe(item->data, strlen(item->data));
    curl_slist_free_all(headers);
}

static castor_status copy_headers(cst_exchange *exchange, const char *const *headers)
{
    for (; *headers; headers++) {
        struct curl_slist *longer = curl_slist_append(exchange->headers, *headers);
        if (!longer) return CASTOR_NO_MEMORY;
        exchange->headers = longer;
    }
    return CASTOR_OK;
}

static void set_callbacks(cst_exchange *exchange)
{
    CURL *easy = exchange->easy;

    curl_easy_setopt(easy, CURLOPT_PRIVATE, exchange);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, exchange->trouble);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, exchange);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_write);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, exchange);
    curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_connected);
    curl_easy_setopt(easy, CURLOPT_PREREQDATA, exchange);
    curl_easy_setopt(easy, CURLOPT_RESOLVER_START_FUNCTION, on_resolve);
    curl_easy_setopt(easy, CURLOPT_RESOLVER_START_DATA, exchange);
    curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, on_socket);
    curl_easy_setopt(easy, CURLOPT_SOCKOPTDATA, exchange);
    if (exchange->owner->log) {
        curl_easy_setopt(easy, CURLOPT_VERBOSE, 1L);
        curl_easy_setopt(easy, CURLOPT_DEBUGFUNCTION, on_debug);
        curl_easy_setopt(easy, CURLOPT_DEBUGDATA, exchange->owner);
    }
}

/* Our owner's limit strikes first and names itself. libcurl must know it all the same: of several addresses of a host
 * it gives each a part of the time. */
static long connect_timeout_of(const cst_http_request *request)
{
    bool is_usual = request->connect_timeout_ms >= 0 && request->connect_timeout_ms < CST_NEVER_MS;

    return is_usual ? (long)request->connect_timeout_ms + 1000 : (long)CST_NEVER_MS;
}

/* Options that copy may fail for want of memory; the rest cannot. */
static bool set_options(cst_exchange *exchange, const cst_http_request *request)
{
    CURL                 *easy = exchange->easy;
    const curl_transport *owner = exchange->owner;
    const char           *proxy = owner->proxy ? owner->proxy : owner->ignore_environment ? "" : NULL;

    bool is_set = curl_easy_setopt(easy, CURLOPT_URL, request->url) == CURLE_OK &&
                  curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "") == CURLE_OK &&
                  (!proxy || curl_easy_setopt(easy, CURLOPT_PROXY, proxy) == CURLE_OK) &&
                  (!owner->ignore_environment || curl_easy_setopt(easy, CURLOPT_NOPROXY, "") == CURLE_OK) &&
                  (!owner->ca_file || curl_easy_setopt(easy, CURLOPT_CAINFO, owner->ca_file) == CURLE_OK);
    if (owner->ca_file) curl_easy_setopt(easy, CURLOPT_CAPATH, NULL); /* in place of the system's, not beside them */

    curl_easy_setopt(easy, CURLOPT_POST, 1L);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, exchange->body.data);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)exchange->body.len);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, exchange->headers);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, owner->force_http1 ? CURL_HTTP_VERSION_1_1 : CURL_HTTP_VERSION_2TLS);
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L); /* the key stays with its host */
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L); /* models think for minutes; NATs forget */
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, connect_timeout_of(request));
#if LIBCURL_VERSION_NUM >= 0x075500
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
#else
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
#if LIBCURL_VERSION_NUM >= 0x075700
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
#endif
    set_callbacks(exchange);
    return is_set;
}

/* The wake-up call is only listened to while there is something to wake for: a client without exchanges has nothing in
 * its loop. */
static castor_status count_open(curl_transport *owner, bool is_more)
{
    castor_status status = CASTOR_OK;

    if (is_more && owner->open_count == 0) {
        status = cst_sockets_watch(&owner->sockets, owner->sockets.wake_read, CASTOR_READ);
    }
    if (status != CASTOR_OK) return status;
    owner->open_count += is_more ? 1 : (size_t)-1;
    if (owner->open_count == 0) (void)cst_sockets_watch(&owner->sockets, owner->sockets.wake_read, 0);
    return CASTOR_OK;
}

static void free_exchange(cst_exchange *exchange)
{
    curl_easy_cleanup(exchange->easy);
    wipe_headers(exchange->headers);
    cst_release(exchange->owner->allocator, exchange);
}

static void close_exchange(cst_exchange *exchange)
{
    curl_multi_remove_handle(exchange->owner->multi, exchange->easy);
    (void)count_open(exchange->owner, false);
    free_exchange(exchange);
}

static castor_status open_exchange(cst_transport *transport, cst_exchange **out, const cst_http_request *request,
                                   const cst_sink *sink, castor_error *err)
{
    curl_transport *owner = (curl_transport *)transport;
    cst_exchange   *exchange = cst_alloc_zeroed(owner->allocator, sizeof *exchange);

    *out = NULL;
    if (!exchange) return cst_fail_plainly(err, CASTOR_NO_MEMORY);
    exchange->owner = owner;
    exchange->sink = *sink;
    exchange->body = request->body;
    exchange->easy = curl_easy_init();

    bool is_ready = exchange->easy && copy_headers(exchange, request->headers) == CASTOR_OK &&
                    set_options(exchange, request) && count_open(owner, true) == CASTOR_OK;
    if (is_ready && curl_multi_add_handle(owner->multi, exchange->easy) == CURLM_OK) {
        *out = exchange;
        return CASTOR_OK;
    }
    if (is_ready) (void)count_open(owner, false);
    free_exchange(exchange);
    return cst_fail_plainly(err, CASTOR_NO_MEMORY);
}

static void resume_exchange(cst_exchange *exchange)
{
    if (!exchange->is_ended) curl_easy_pause(exchange->easy, CURLPAUSE_CONT);
}

static cst_phase phase_of(cst_exchange *exchange)
{
    curl_off_t connected_us = 0;

    if (exchange->is_sent) return CST_PHASE_FIRST_BYTE;
    if (!exchange->has_started) return CST_PHASE_QUEUED;
    curl_easy_getinfo(exchange->easy, CURLINFO_CONNECT_TIME_T, &connected_us);
    if (connected_us == 0) return CST_PHASE_CONNECT;
    curl_easy_setopt(exchange->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CST_NEVER_MS); /* TLS has a limit of its own */
    return CST_PHASE_TLS;
}

/* ---- all exchanges ---- */

static void end_exchange(cst_exchange *exchange, CURLcode code)
{
    castor_error failure;

    exchange->is_ended = true;
    exchange->owner->has_moved = true;
    if (code == CURLE_OK && !exchange->is_head_whole && !exchange->has_head) code = CURLE_GOT_NOTHING;
    if (code == CURLE_OK) {
        tell_head(exchange);
        exchange->sink.on_end(exchange->sink.user, NULL);
    } else {
        tell_failure(exchange, code, &failure);
        exchange->sink.on_end(exchange->sink.user, &failure);
    }
}

/* libcurl forgets a message when its transfer is removed, and a sink may do just that: take code and handle first. */
static void take_ends(curl_transport *transport)
{
    CURLMsg *message;
    int      left;

    while ((message = curl_multi_info_read(transport->multi, &left)) != NULL) {
        void    *user = NULL;
        CURLcode code = message->data.result;
        if (message->msg != CURLMSG_DONE) continue;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&user);
        end_exchange(user, code);
    }
}

static void act(curl_transport *transport, curl_socket_t socket, int what)
{
    int       running;
    CURLMcode result = curl_multi_socket_action(transport->multi, socket, what, &running);

    if (transport->result == CURLM_OK) transport->result = result;
    take_ends(transport);
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
    curl_transport *transport = user;
    void           *exchange = NULL;

    (void)mark;
    if (cst_sockets_watch(&transport->sockets, socket, interests[what]) != CASTOR_OK) {
        transport->result = CURLM_OUT_OF_MEMORY; /* to tell libcurl would ruin its multi handle for good */
    }
    /* Between connecting and the TLS handshake there is no other sign. Its own closing handle is nobody's exchange. */
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&exchange);
    if (exchange && what != CURL_POLL_REMOVE) note_phase(exchange);
    return 0;
}

/* Of libcurl: when it wants to be called. */
static int on_timer(CURLM *multi, long timeout_ms, void *user)
{
    curl_transport *transport = user;

    (void)multi;
    transport->due_ms = timeout_ms < 0 ? INT64_MAX : now_ms(&transport->base) + timeout_ms;
    return 0;
}

static void on_ready(void *user, int fd, int32_t ready)
{
    curl_transport *transport = user;

    if (fd == transport->sockets.wake_read) {
        transport->has_moved = true; /* its owner knows what for */
        cst_sockets_be_awake(&transport->sockets);
        return;
    }
    act(transport, fd, (ready & CASTOR_READ ? CURL_CSELECT_IN : 0) | (ready & CASTOR_WRITE ? CURL_CSELECT_OUT : 0));
}

static void do_what_is_due(curl_transport *transport)
{
    if (transport->due_ms > now_ms(&transport->base)) return;
    transport->due_ms = INT64_MAX; /* libcurl tells the next */
    act(transport, CURL_SOCKET_TIMEOUT, 0);
}

/* What the move came to. */
static castor_status result_of(curl_transport *transport, castor_error *err)
{
    CURLMcode result = transport->result;

    transport->result = CURLM_OK;
    if (result == CURLM_OK) return CASTOR_OK;
    if (result == CURLM_OUT_OF_MEMORY) return cst_fail_plainly(err, CASTOR_NO_MEMORY);
    return cst_fail(err, CASTOR_NETWORK, "moving the network failed: %s", curl_multi_strerror(result));
}

static int wait_of(const curl_transport *transport, int64_t timeout_ms)
{
    int64_t wait_ms = timeout_ms < 0 || timeout_ms > CST_WAIT_STEP_MS ? CST_WAIT_STEP_MS : timeout_ms;

    if (transport->has_moved || transport->result != CURLM_OK || wait_ms == 0) return 0;
    if (transport->due_ms == INT64_MAX) return (int)wait_ms;
    int64_t left_ms = transport->due_ms - now_ms((cst_transport *)(uintptr_t)transport);
    return left_ms <= 0 ? 0 : (int)(left_ms < wait_ms ? left_ms : wait_ms);
}

static castor_status drive(cst_transport *base, int64_t timeout_ms, castor_error *err)
{
    curl_transport *transport = (curl_transport *)base;

    transport->has_moved = false;
    do_what_is_due(transport);
    int           wait_ms = wait_of(transport, timeout_ms);
    castor_status waited = cst_sockets_wait(&transport->sockets, wait_ms, on_ready, transport, err);
    do_what_is_due(transport);
    return waited == CASTOR_OK ? result_of(transport, err) : waited;
}

static castor_status attach(cst_transport *base, const castor_loop *loop, castor_error *err)
{
    return cst_fail_plainly(err, cst_sockets_attach(&((curl_transport *)base)->sockets, loop));
}

static castor_status ready(cst_transport *base, int fd, int32_t ready, castor_error *err)
{
    on_ready(base, fd, ready);
    return result_of((curl_transport *)base, err);
}

static castor_status tick(cst_transport *base, castor_error *err)
{
    do_what_is_due((curl_transport *)base);
    return result_of((curl_transport *)base, err);
}

static int64_t due_ms(cst_transport *base)
{
    return ((curl_transport *)base)->due_ms;
}

static void wake(cst_transport *base)
{
    cst_sockets_wake(&((curl_transport *)base)->sockets);
}

static void free_transport(cst_transport *base)
{
    curl_transport *transport = (curl_transport *)base;

    if (transport->multi) curl_multi_cleanup(transport->multi);
    cst_sockets_free(&transport->sockets);
    if (transport->proxy) cst_wipe(transport->proxy, strlen(transport->proxy)); /* may hold a password */
    cst_release(transport->allocator, transport->proxy);
    cst_release(transport->allocator, transport->ca_file);
    cst_release(transport->allocator, transport);
}

static const cst_transport_methods methods = {
    .open = open_exchange,
    .resume = resume_exchange,
    .close = close_exchange,
    .phase = phase_of,
    .drive = drive,
    .wake = wake,
    .attach = attach,
    .ready = ready,
    .tick = tick,
    .due_ms = due_ms,
    .now_ms = now_ms,
    .free = free_transport,
};

static bool copy_option(const cst_allocator *allocator, char **out, const char *text)
{
    *out = text ? cst_alloc_text(allocator, castor_str_of(text)) : NULL;
    return !text || *out;
}

static long count_of(int64_t wanted)
{
    return wanted > INT_MAX ? INT_MAX : (long)wanted;
}

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
    transport->allocator = options->allocator;
    transport->force_http1 = options->force_http1;
    transport->ignore_environment = options->ignore_environment;
    transport->log = options->log;
    transport->log_user = options->log_user;
    transport->due_ms = INT64_MAX;
    transport->multi = curl_multi_init();

    castor_status status = cst_sockets_init(&transport->sockets, options->allocator, err);
    bool has_copies = copy_option(options->allocator, &transport->proxy, options->proxy) &&
                      copy_option(options->allocator, &transport->ca_file, options->ca_file);
    if (status == CASTOR_OK && (!transport->multi || !has_copies)) status = cst_fail_plainly(err, CASTOR_NO_MEMORY);
    if (status != CASTOR_OK) {
        free_transport(&transport->base);
        return status;
    }
    curl_multi_setopt(transport->multi, CURLMOPT_SOCKETFUNCTION, on_watch);
    curl_multi_setopt(transport->multi, CURLMOPT_SOCKETDATA, transport);
    curl_multi_setopt(transport->multi, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(transport->multi, CURLMOPT_TIMERDATA, transport);
    curl_multi_setopt(transport->multi, CURLMOPT_MAX_HOST_CONNECTIONS, count_of(options->host_connections_max));
    curl_multi_setopt(transport->multi, CURLMOPT_MAXCONNECTS, count_of(options->host_connections_max));
    curl_multi_setopt(transport->multi, CURLMOPT_MAX_CONCURRENT_STREAMS, count_of(options->connection_streams_max));
    *out = &transport->base;
    return CASTOR_OK;
}
