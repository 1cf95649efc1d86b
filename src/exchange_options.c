/* exchange_options.c -- what libcurl is told of an exchange: what stands for all, and what is of one request.
 * SPDX-License-Identifier: MIT
 */
#include "exchange_options.h"

#include "no_proxy.h"

/* Who the server must be, and who we are. That it is asked for is said, lest a build of libcurl think otherwise. */
static bool set_tls(CURL *easy, const cst_exchanges *all)
{
    const char *password = all->client_key_password ? all->client_key_password : ""; /* else OpenSSL would ask */

    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(easy, CURLOPT_PROXY_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(easy, CURLOPT_PROXY_SSL_VERIFYHOST, 2L);
    bool is_set = cst_roots_apply_to_proxy(&all->roots, easy);
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

/* Options that copy may fail for want of memory; the rest cannot. */
bool cst_exchange_set_standing(cst_exchange *exchange)
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
    return is_set;
}

/* Our owner's limit strikes first and names itself. libcurl must know it all the same: of several addresses of a host
 * it gives each a part of the time. */
static long connect_timeout_of(const cst_http_request *request)
{
    bool is_usual = request->connect_timeout_ms >= 0 && request->connect_timeout_ms < CST_NEVER_MS;

    return is_usual ? (long)request->connect_timeout_ms + 1000 : (long)CST_NEVER_MS;
}

bool cst_exchange_set_trust(cst_exchange *exchange)
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

bool cst_exchange_set_request(cst_exchange *exchange, const cst_http_request *request)
{
    CURL *easy = exchange->easy;

    curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 0L); /* the one before may have had to */
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
    return is_set && (!needs_trust || cst_exchange_set_trust(exchange));
}
