/* exchange_curl.c -- one HTTP exchange on an easy handle of libcurl, and those that are kept for the next one.
 * SPDX-License-Identifier: MIT
 */
#include "exchange_curl.h"

#include <sys/socket.h>
#include <unistd.h>

#include "curl_failure.h"
#include "exchange_options.h"

/* ---- callbacks of libcurl ---- */

/* libcurl has worked out its REDIRECT_URL only when the body is over. */
static const char *location_of(const cst_exchange *exchange)
{
#if LIBCURL_VERSION_NUM >= 0x075300
    struct curl_header *header;

    return curl_easy_header(exchange->easy, "Location", 0, CURLH_HEADER, -1, &header) == CURLHE_OK ? header->value : NULL;
#else
    char *location = NULL;

    curl_easy_getinfo(exchange->easy, CURLINFO_REDIRECT_URL, &location);
    return location;
#endif
}

static void tell_head(cst_exchange *exchange)
{
    long        http_status = 0;
    char       *content_type = NULL;
    curl_off_t  retry_after_s = 0;
    int64_t     retry_after_ms = exchange->retry_after_ms;

    if (exchange->has_head) return;
    exchange->has_head = true;
    curl_easy_getinfo(exchange->easy, CURLINFO_RESPONSE_CODE, &http_status);
    curl_easy_getinfo(exchange->easy, CURLINFO_CONTENT_TYPE, &content_type);
    curl_easy_getinfo(exchange->easy, CURLINFO_RETRY_AFTER, &retry_after_s);
    if (retry_after_s > CST_RETRY_AFTER_MAX_S) retry_after_s = CST_RETRY_AFTER_MAX_S;
    if (retry_after_s * 1000 > retry_after_ms) retry_after_ms = retry_after_s * 1000;
    const cst_head head = {
        .http_status = (int32_t)http_status,
        .content_type = castor_str_of(content_type),
        .location = http_status >= 300 && http_status < 400 ? castor_str_of(location_of(exchange)) : CST_NONE,
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

    if (cst_str_starts_with(view, "HTTP/")) { /* what was before was a proxy's */
        exchange->is_head_whole = false;
        exchange->retry_after_ms = 0;
    }
    if (view.len <= 2) exchange->is_head_whole = true; /* CR LF alone; what follows it are trailers, or another head */
    read_delay(exchange, view);
    return view.len;
}

static size_t on_write(char *bytes, size_t size, size_t count, void *user)
{
    cst_exchange *exchange = user;

    exchange->all->has_moved = true;
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
    exchange->all->has_moved = true;
    exchange->sink.on_phase(exchange->sink.user);
}

/* What comes on a kept connection before we have asked is an answer to no question, or the end. libcurl 7.88.1 would take
 * the one for the answer to ours, which RFC 9112, 6.3 forbids. It tells ports here, and the socket only at the end. */
static bool is_stale(const cst_exchange *exchange)
{
    return exchange->is_reused && !cst_sockets_was_silent(exchange->all->sockets, exchange->local_port);
}

/* Before it sends. What a used connection lost without a byte of an answer, and a stream that the server refused, libcurl
 * would send again at once and up to five times: whether and when is not its business. */
static int on_connected(void *user, char *remote, char *local, int remote_port, int local_port)
{
    cst_exchange *exchange = user;
    long          connections_made = 1;

    (void)remote;
    (void)local;
    (void)remote_port;
    if (exchange->is_sent) {
        exchange->is_dropped = true;
        return CURL_PREREQFUNC_ABORT;
    }
    curl_easy_getinfo(exchange->easy, CURLINFO_NUM_CONNECTS, &connections_made);
    exchange->is_reused = connections_made == 0;
    exchange->local_port = local_port;
    exchange->is_stale = is_stale(exchange);
    if (exchange->is_stale) return CURL_PREREQFUNC_ABORT;
    exchange->has_started = exchange->is_sent = true;
    note_phase(exchange);
    exchange->sink.on_connected(exchange->sink.user, exchange->is_reused);
    return CURL_PREREQFUNC_OK;
}

/* libcurl 7.88.1 tells the time of the connection only when TLS is done, too. A pair of sockets, by which its resolver
 * wakes it, is none. */
static bool is_connected(curl_socket_t socket)
{
    struct sockaddr_storage peer = { .ss_family = AF_UNSPEC };
    socklen_t               size = sizeof peer;

    return getpeername(socket, (struct sockaddr *)&peer, &size) == 0 && peer.ss_family != AF_UNIX;
}

void cst_exchange_note_socket(cst_exchange *exchange, curl_socket_t socket)
{
    if (exchange->is_sent) return;
    if (!exchange->is_connected) exchange->is_connected = is_connected(socket);
    note_phase(exchange);
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

    (void)purpose;
    cst_sockets_opened(exchange->all->sockets, socket);
    exchange->has_started = true;
    note_phase(exchange);
    return CURL_SOCKOPT_OK;
}

/* Also of connections that outlived their exchange. */
static int on_close(void *user, curl_socket_t socket)
{
    const cst_exchanges *all = user;

    cst_sockets_closed(all->sockets, socket);
    return close(socket);
}

static int on_debug(CURL *easy, curl_infotype type, char *text, size_t len, void *user)
{
    cst_exchanges *all = user;
    char           line[512];

    (void)easy;
    if (type != CURLINFO_TEXT) return 0; /* neither headers nor bodies */
    cst_copy_text(line, sizeof line, cst_str_trim((castor_str){ text, len }));
    /* libcurl 7.88 tells the headers of HTTP/2 as text. */
    if (strstr(line, "[x-goog-api-key") || strstr(line, "[authorization")) return 0;
    if (strstr(line, "proxy env variable")) return 0; /* may quote a password */
    cst_curl_hide_password(line);
    all->log(all->log_user, line);
    return 0;
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
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, on_close);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, exchange->all);
    if (exchange->all->log) {
        curl_easy_setopt(easy, CURLOPT_VERBOSE, 1L);
        curl_easy_setopt(easy, CURLOPT_DEBUGFUNCTION, on_debug);
        curl_easy_setopt(easy, CURLOPT_DEBUGDATA, exchange->all);
    }
}
/* ---- headers ---- */

/* They hold the key: one block, so that no copy of it can be forgotten. */
static bool copy_headers(cst_exchange *exchange, const char *const *headers)
{
    size_t count = 0, bytes = 0;

    for (; headers[count]; count++) bytes += sizeof(struct curl_slist) + strlen(headers[count]) + 1;
    if (count == 0) return true;
    exchange->headers = cst_alloc(exchange->all->allocator, bytes);
    if (!exchange->headers) return false;
    exchange->header_bytes = bytes;
    char *text = (char *)(exchange->headers + count);
    for (size_t i = 0; i < count; i++) {
        size_t size = strlen(headers[i]) + 1;
        exchange->headers[i].data = memcpy(text, headers[i], size);
        exchange->headers[i].next = i + 1 < count ? &exchange->headers[i + 1] : NULL;
        text += size;
    }
    return true;
}

static void forget_headers(cst_exchange *exchange)
{
    if (exchange->headers) cst_wipe(exchange->headers, exchange->header_bytes);
    cst_release(exchange->all->allocator, exchange->headers);
    exchange->headers = NULL;
}

/* ---- life ---- */

static void free_exchange(cst_exchange *exchange)
{
    curl_easy_cleanup(exchange->easy);
    cst_address_drop(exchange->address);
    forget_headers(exchange);
    cst_release(exchange->all->allocator, exchange);
}

static cst_exchange *new_exchange(cst_exchanges *all, size_t read_bytes)
{
    cst_exchange *exchange = cst_alloc_zeroed(all->allocator, sizeof *exchange);

    if (!exchange) return NULL;
    exchange->all = all;
    exchange->read_bytes = read_bytes;
    exchange->easy = curl_easy_init();
    if (exchange->easy && cst_exchange_set_standing(exchange)) {
        set_callbacks(exchange);
        return exchange;
    }
    free_exchange(exchange);
    return NULL;
}

/* One that was kept, with a buffer that is large enough. */
static cst_exchange *reuse_exchange(cst_exchanges *all, size_t read_bytes)
{
    while (all->idle) {
        cst_exchange *exchange = all->idle;
        all->idle = exchange->next;
        all->idle_count--;
        if (exchange->read_bytes >= read_bytes) return exchange;
        free_exchange(exchange);
    }
    return NULL;
}

static void reset(cst_exchange *exchange)
{
    *exchange = (cst_exchange){
        .all = exchange->all,
        .easy = exchange->easy,
        .read_bytes = exchange->read_bytes,
        .trusted = exchange->trusted,
    };
}

/* A large buffer pays when one answer comes at the speed of the link, and costs when thousands trickle. Of HTTP/2 libcurl
 * 7.88.1 hands on what fits into the buffer, and forgets to call itself for the rest when no more bytes come: the answer
 * then hangs until its limit. What it reads at once is one record of TLS, so that always has to fit. */
static size_t read_bytes_of(const cst_exchanges *all, const cst_http_request *request)
{
    bool may_be_h2 = !all->force_http1 && cst_str_starts_with(castor_str_of(request->url), "https:");

    if (all->open_count < CST_FEW_EXCHANGES) return CST_READ_BYTES_FEW;
    if (may_be_h2) return CST_READ_BYTES_H2_MIN;
    return all->open_count < CST_GROUP_EXCHANGES ? CST_READ_BYTES_SOME : CST_READ_BYTES_MANY;
}

cst_exchange *cst_exchange_take(cst_exchanges *all, const cst_http_request *request, const cst_sink *sink)
{
    size_t        read_bytes = read_bytes_of(all, request);
    cst_exchange *exchange = reuse_exchange(all, read_bytes);

    if (!exchange) exchange = new_exchange(all, read_bytes);
    if (!exchange) return NULL;
    exchange->sink = *sink;
    exchange->body = request->body;
    if (copy_headers(exchange, request->headers) && cst_exchange_set_request(exchange, request)) {
        all->open_count++;
        return exchange;
    }
    free_exchange(exchange);
    return NULL;
}

void cst_exchange_give_back(cst_exchange *exchange)
{
    cst_exchanges *all = exchange->all;

    all->open_count--;
    if (!exchange->is_sound || all->idle_count == CST_IDLE_EXCHANGES_MAX) {
        free_exchange(exchange);
        return;
    }
    curl_easy_setopt(exchange->easy, CURLOPT_HTTPHEADER, NULL);
    curl_easy_setopt(exchange->easy, CURLOPT_POSTFIELDS, NULL);
    curl_easy_setopt(exchange->easy, CURLOPT_CURLU, NULL);
    cst_address_drop(exchange->address);
    forget_headers(exchange);
    reset(exchange);
    exchange->next = all->idle;
    all->idle = exchange;
    all->idle_count++;
}

/* ---- what becomes of it ---- */

cst_exchange *cst_exchange_of(CURL *easy)
{
    void *user = NULL;

    curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&user);
    return user;
}

cst_phase cst_exchange_phase(cst_exchange *exchange)
{
    if (exchange->is_sent) return CST_PHASE_FIRST_BYTE;
    if (!exchange->has_started) return CST_PHASE_QUEUED;
    if (!exchange->is_connected) return CST_PHASE_CONNECT;
    curl_easy_setopt(exchange->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CST_NEVER_MS); /* TLS has a limit of its own */
    return CST_PHASE_TLS;
}

/* No root vouches for the server's certificate. One that is for another name leaves OpenSSL's number as it was before
 * the verification, 1, and one that a proxy was refused for does not touch it: more roots would mend neither. */
static bool is_chain_refused(const cst_exchange *exchange)
{
    long result = 0;

    curl_easy_getinfo(exchange->easy, CURLINFO_SSL_VERIFYRESULT, &result);
    return result > 1;
}

bool cst_exchange_tries_again(cst_exchange *exchange, CURLcode code)
{
    bool is_refused = code == CURLE_PEER_FAILED_VERIFICATION && !exchange->is_sent && is_chain_refused(exchange);

    if (exchange->is_stale) {
        exchange->is_stale = false;
        return curl_easy_setopt(exchange->easy, CURLOPT_FRESH_CONNECT, 1L) == CURLE_OK;
    }
    if (!is_refused || !cst_roots_widen(&exchange->all->roots, exchange->trusted)) return false;
    exchange->is_connected = false;
    return cst_exchange_set_trust(exchange);
}

/* In HTTP/2 a frame may come at any time: it names its stream. */
static void note_kept(cst_exchange *exchange)
{
    curl_socket_t socket = CURL_SOCKET_BAD;
    long          version = 0;

    curl_easy_getinfo(exchange->easy, CURLINFO_HTTP_VERSION, &version);
    if (version != CURL_HTTP_VERSION_1_1) return;
    if (curl_easy_getinfo(exchange->easy, CURLINFO_ACTIVESOCKET, &socket) != CURLE_OK) return;
    cst_sockets_kept(exchange->all->sockets, socket, exchange->local_port);
}

void cst_exchange_end(cst_exchange *exchange, CURLcode code)
{
    bool         was_closed = code == CURLE_PARTIAL_FILE || code == CURLE_GOT_NOTHING;
    castor_error failure;

    exchange->is_ended = true;
    exchange->all->has_moved = true;
    if (code == CURLE_OK && !exchange->is_head_whole && !exchange->has_head) code = CURLE_GOT_NOTHING;
    if (exchange->is_dropped) {
        code = CURLE_GOT_NOTHING;
        cst_copy_text(exchange->trouble, sizeof exchange->trouble, CASTOR_STR("it dropped the request"));
    }
    exchange->is_sound = code == CURLE_OK;
    if (code == CURLE_OK) {
        note_kept(exchange);
        tell_head(exchange);
        exchange->sink.on_end(exchange->sink.user, NULL, false);
    } else {
        cst_curl_failure(code, exchange->trouble, &failure);
        /* What a used connection says may be left over from the answer before. */
        failure.is_transient |= exchange->is_reused;
        exchange->sink.on_end(exchange->sink.user, &failure, was_closed);
    }
}

/* ---- all of them ---- */

static bool copy_option(const cst_allocator *allocator, char **out, const char *text)
{
    *out = text ? cst_alloc_text(allocator, castor_str_of(text)) : NULL;
    return !text || *out;
}

castor_status cst_exchanges_init(cst_exchanges *all, const cst_transport_options *options, cst_sockets *sockets)
{
    *all = (cst_exchanges){
        .allocator = options->allocator,
        .share = curl_share_init(),
        .sockets = sockets,
        .force_http1 = options->force_http1,
        .ignore_environment = options->ignore_environment,
        .log = options->log,
        .log_user = options->log_user,
    };
    bool has_texts = copy_option(options->allocator, &all->proxy, options->proxy) &&
                     copy_option(options->allocator, &all->no_proxy, options->no_proxy) &&
                     copy_option(options->allocator, &all->client_cert_file, options->client_cert_file) &&
                     copy_option(options->allocator, &all->client_key_file, options->client_key_file) &&
                     copy_option(options->allocator, &all->client_key_password, options->client_key_password);
    bool has_roots = cst_roots_init(&all->roots, options->allocator, options->ca_file, options->ca_directory);
    bool is_shared = all->share &&
                     curl_share_setopt(all->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_DNS) == CURLSHE_OK &&
                     curl_share_setopt(all->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION) == CURLSHE_OK;
    return has_texts && has_roots && is_shared ? CASTOR_OK : CASTOR_NO_MEMORY;
}

static void release_secret(const cst_allocator *allocator, char *secret)
{
    if (secret) cst_wipe(secret, strlen(secret));
    cst_release(allocator, secret);
}

void cst_exchanges_free(cst_exchanges *all)
{
    (void)reuse_exchange(all, SIZE_MAX); /* no buffer is that large: frees all */
    cst_address_drop(all->address);
    if (all->share) curl_share_cleanup(all->share);
    release_secret(all->allocator, all->proxy); /* may hold a password */
    cst_release(all->allocator, all->no_proxy);
    cst_release(all->allocator, all->client_cert_file);
    cst_release(all->allocator, all->client_key_file);
    release_secret(all->allocator, all->client_key_password);
    cst_roots_free(&all->roots);
}
