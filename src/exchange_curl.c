/* exchange_curl.c -- one HTTP exchange on an easy handle of libcurl, and those that are kept for the next one.
 * SPDX-License-Identifier: MIT
 */
#include "exchange_curl.h"

#include "curl_failure.h"
#include "exchange_callbacks.h"
#include "exchange_options.h"

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
        cst_exchange_set_callbacks(exchange);
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

    if (exchange->is_stale) { /* what the kept connection was says nothing of the new one */
        exchange->is_stale = exchange->is_reused = false;
        return curl_easy_setopt(exchange->easy, CURLOPT_FRESH_CONNECT, 1L) == CURLE_OK;
    }
    if (!is_refused || !cst_roots_widen(&exchange->all->roots, exchange->trusted)) return false;
    exchange->is_connected = false;
    return cst_exchange_set_trust(exchange);
}

/* In HTTP/2 a frame may come at any time: it names its stream. HTTP/1.0 keeps connections, too, when it says so. */
static void note_kept(cst_exchange *exchange)
{
    curl_socket_t socket = CURL_SOCKET_BAD;
    long          version = 0;

    curl_easy_getinfo(exchange->easy, CURLINFO_HTTP_VERSION, &version);
    if (version != CURL_HTTP_VERSION_1_0 && version != CURL_HTTP_VERSION_1_1) return;
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
        cst_exchange_tell_head(exchange);
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
