/* exchange_curl.c -- one HTTP exchange on an easy handle of libcurl, and those that are kept for the next one.
 * SPDX-License-Identifier: MIT
 */
#include "exchange_curl.h"

#include <sys/socket.h>
#include <unistd.h>

#include "error.h"
#include "no_proxy.h"

/* ---- sentences for libcurl's codes ---- */

static const char *what_failed(CURLcode code)
{
    switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST: return "the server's name could not be resolved";
    case CURLE_COULDNT_RESOLVE_PROXY: return "the proxy's name could not be resolved";
    case CURLE_COULDNT_CONNECT: return "no connection to the server could be made";
    case CURLE_PEER_FAILED_VERIFICATION: return "the server's certificate is not trusted";
    case CURLE_SSL_CERTPROBLEM: return "the client certificate, or its key, cannot be used";
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

/* libcurl refused a proxy for its URL, whatever the code: "Unsupported proxy scheme for 'ftp://me:pass@host'". */
static bool is_proxy_refused(const char *line)
{
    return cst_str_starts_with(castor_str_of(line), "Unsupported proxy");
}

/* Puts asterisks over the name and password in the URL that such a line quotes, which may be cut off. */
static void hide_proxy_password(char *line)
{
    char *from = strchr(line, '\''), *slashes = strstr(line, "//"), *at = strrchr(line, '@');

    if (!from || (!at && strrchr(line, '\'') > from)) return;
    from = slashes ? slashes + 2 : from + 1;
    if (!at) at = line + strlen(line);
    if (at > from) memset(from, '*', (size_t)(at - from));
}

static void tell_failure(const cst_exchange *exchange, CURLcode code, castor_error *out)
{
    bool        is_proxy = is_proxy_refused(exchange->trouble);
    const char *what = is_proxy ? "the proxy's URL cannot be used" : what_failed(code);
    const char *why = exchange->trouble[0] ? exchange->trouble : curl_easy_strerror(code);
    char        detail[CURL_ERROR_SIZE];

    cst_copy_text(detail, sizeof detail, castor_str_of(why));
    if (is_proxy) hide_proxy_password(detail);
    if (code == CURLE_OUT_OF_MEMORY) cst_fail_plainly(out, CASTOR_NO_MEMORY);
    else cst_fail(out, CASTOR_NETWORK, "%s: %s", what, detail);
    /* What a used connection says may be left over from the answer before. */
    out->is_transient = (!is_final(code) && !is_proxy) || exchange->is_reused;
    out->verdict = code == CURLE_OUT_OF_MEMORY ? CASTOR_VERDICT_FAILED : CASTOR_VERDICT_NETWORK;
}

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

/* Before it sends. What a used connection lost without a byte of an answer, and a stream that the server refused, libcurl
 * would send again at once and up to five times: whether and when is not its business. */
static int on_connected(void *user, char *remote, char *local, int remote_port, int local_port)
{
    cst_exchange *exchange = user;
    long          connections_made = 1;

    (void)remote;
    (void)local;
    (void)remote_port;
    (void)local_port;
    if (exchange->is_sent) {
        exchange->is_dropped = true;
        return CURL_PREREQFUNC_ABORT;
    }
    curl_easy_getinfo(exchange->easy, CURLINFO_NUM_CONNECTS, &connections_made);
    exchange->has_started = exchange->is_sent = true;
    note_phase(exchange);
    exchange->is_reused = connections_made == 0;
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
    if (is_proxy_refused(line)) hide_proxy_password(line);
    all->log(all->log_user, line);
    return 0;
}

/* ---- options ---- */

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

/* Who the server must be, and who we are. That it is asked for is said, lest a build of libcurl think otherwise. */
static bool set_tls(CURL *easy, const cst_exchanges *all)
{
    const char *password = all->client_key_password ? all->client_key_password : ""; /* else OpenSSL would ask */

    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(easy, CURLOPT_PROXY_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(easy, CURLOPT_PROXY_SSL_VERIFYHOST, 2L);
    bool is_set = true;
    if (all->roots.bundle || all->roots.directory) { /* a proxy that speaks TLS is trusted by the same */
        is_set = curl_easy_setopt(easy, CURLOPT_PROXY_CAINFO, all->roots.bundle) == CURLE_OK &&
                 curl_easy_setopt(easy, CURLOPT_PROXY_CAPATH, all->roots.directory) == CURLE_OK;
    }
    if (!is_set || !all->client_cert_file) return is_set;
    return curl_easy_setopt(easy, CURLOPT_SSLCERT, all->client_cert_file) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_KEYPASSWD, password) == CURLE_OK &&
           (!all->client_key_file || curl_easy_setopt(easy, CURLOPT_SSLKEY, all->client_key_file) == CURLE_OK);
}

static bool set_proxy(CURL *easy, const cst_exchanges *all, bool is_direct)
{
    const char *proxy = all->proxy ? all->proxy : all->ignore_environment ? "" : NULL; /* NULL: by the environment */

    return curl_easy_setopt(easy, CURLOPT_PROXY, is_direct ? "" : proxy) == CURLE_OK;
}

/* What stands for all requests. Options that copy may fail for want of memory; the rest cannot. */
static bool set_standing(cst_exchange *exchange)
{
    CURL                *easy = exchange->easy;
    const cst_exchanges *all = exchange->all;
    const char          *no_proxy = all->no_proxy ? all->no_proxy : all->ignore_environment ? "" : NULL;

    bool is_set = curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "") == CURLE_OK &&
                  (!no_proxy || curl_easy_setopt(easy, CURLOPT_NOPROXY, no_proxy) == CURLE_OK) &&
                  set_proxy(easy, all, false) &&
                  set_tls(easy, all);

    curl_easy_setopt(easy, CURLOPT_SHARE, all->share);
    curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, (long)exchange->read_bytes);
    curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, 1L); /* its least: the body is sent from where it stands */
    curl_easy_setopt(easy, CURLOPT_POST, 1L);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, all->force_http1 ? CURL_HTTP_VERSION_1_1 : CURL_HTTP_VERSION_2TLS);
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L); /* the key stays with its host */
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L); /* models think for minutes; NATs forget */
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

/* Our owner's limit strikes first and names itself. libcurl must know it all the same: of several addresses of a host
 * it gives each a part of the time. */
static long connect_timeout_of(const cst_http_request *request)
{
    bool is_usual = request->connect_timeout_ms >= 0 && request->connect_timeout_ms < CST_NEVER_MS;

    return is_usual ? (long)request->connect_timeout_ms + 1000 : (long)CST_NEVER_MS;
}

static bool set_trust(cst_exchange *exchange)
{
    cst_roots *roots = &exchange->all->roots;

    if (exchange->trusted != CST_ROOTS_UNKNOWN && exchange->trusted == roots->state) return true;
    bool is_set = cst_roots_apply(roots, exchange->easy);
    exchange->trusted = roots->state;
    return is_set;
}

/* Both: with the parsed one libcurl is quick, and the text it tells in its log. */
static bool set_address(cst_exchange *exchange, const char *url)
{
    cst_exchanges *all = exchange->all;
    CURL          *easy = exchange->easy;

    exchange->address = cst_address_take(&all->address, url, all->allocator);
    curl_easy_setopt(easy, CURLOPT_CURLU, exchange->address ? exchange->address->url : NULL);
    return curl_easy_setopt(easy, CURLOPT_URL, url) == CURLE_OK;
}

static bool set_request(cst_exchange *exchange, const cst_http_request *request)
{
    CURL *easy = exchange->easy;

    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, exchange->body.data);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)exchange->body.len);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, exchange->headers);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, connect_timeout_of(request));
    bool is_set = set_address(exchange, request->url);
    bool needs_trust = cst_str_starts_with(castor_str_of(request->url), "https:");
    if (exchange->all->no_proxy) {
        bool is_direct = cst_no_proxy_has(castor_str_of(exchange->all->no_proxy), castor_str_of(request->url));
        is_set = is_set && set_proxy(easy, exchange->all, is_direct);
    }
    return is_set && (!needs_trust || set_trust(exchange));
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
    if (exchange->easy && set_standing(exchange)) return exchange;
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
    if (copy_headers(exchange, request->headers) && set_request(exchange, request)) {
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

bool cst_exchange_tries_again(cst_exchange *exchange, CURLcode code)
{
    bool is_refused = code == CURLE_PEER_FAILED_VERIFICATION && !exchange->is_sent;

    if (!is_refused || !cst_roots_widen(&exchange->all->roots, exchange->trusted)) return false;
    exchange->is_connected = false;
    return set_trust(exchange);
}

void cst_exchange_end(cst_exchange *exchange, CURLcode code)
{
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
        tell_head(exchange);
        exchange->sink.on_end(exchange->sink.user, NULL);
    } else {
        tell_failure(exchange, code, &failure);
        exchange->sink.on_end(exchange->sink.user, &failure);
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
