/* exchange_callbacks.c -- what libcurl tells of an exchange while it is under way, handed on to its sink.
 * SPDX-License-Identifier: MIT
 */
#include "exchange_callbacks.h"

#include <sys/socket.h>
#include <unistd.h>

#include "curl_failure.h"

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

void cst_exchange_tell_head(cst_exchange *exchange)
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
    cst_exchange_tell_head(exchange);
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

void cst_exchange_set_callbacks(cst_exchange *exchange)
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
