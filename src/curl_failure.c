/* curl_failure.c -- what libcurl says of a failure, in our words.
 * SPDX-License-Identifier: MIT
 */
#include "curl_failure.h"

#include "error.h"

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

/* Where libcurl says once more what failed, only the rest is news: of these what stands behind them, ... */
static const char *const known_beginnings[] = { "Could not resolve host: ", "Could not resolve proxy: ",
                                                "error setting certificate file: " };

/* ... and of these nothing. */
static const char *const known_sentences[] = { "Empty reply from server",
                                               "transfer closed with outstanding read data remaining" };

/* The part of libcurl's sentence that is news. */
static const char *news_in(char *detail, CURLcode code)
{
    const char *general = curl_easy_strerror(code);
    size_t      len = strlen(detail), end = strlen(general);

    for (size_t i = 0; i < sizeof known_sentences / sizeof *known_sentences; i++) {
        if (strcmp(detail, known_sentences[i]) == 0) return "";
    }
    if (len > end + 2 && strcmp(detail + len - end, general) == 0 && memcmp(detail + len - end - 2, ": ", 2) == 0) {
        detail[len - end - 2] = '\0';
    }
    for (size_t i = 0; i < sizeof known_beginnings / sizeof *known_beginnings; i++) {
        if (cst_str_starts_with(castor_str_of(detail), known_beginnings[i])) return detail + strlen(known_beginnings[i]);
    }
    return detail;
}

/* What to do about it; "" where everybody knows, or nobody. */
static const char *advice_on(CURLcode code, const char *detail)
{
    if (code == CURLE_SSL_CONNECT_ERROR && strstr(detail, "wrong version number")) {
        return "; perhaps the server does not speak TLS, and its URL is http://";
    }
    if (code == CURLE_PEER_FAILED_VERIFICATION && (strstr(detail, "issuer") || strstr(detail, "self-signed"))) {
        return "; if you trust it, give the certificate of its authority as ca_file";
    }
    return "";
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

void cst_curl_hide_password(char *line)
{
    char *from = strchr(line, '\''), *slashes = strstr(line, "//"), *at = strrchr(line, '@');

    if (!is_proxy_refused(line) || !from || (!at && strrchr(line, '\'') > from)) return;
    from = slashes ? slashes + 2 : from + 1;
    if (!at) at = line + strlen(line);
    if (at > from) memset(from, '*', (size_t)(at - from));
}

void cst_curl_failure(CURLcode code, const char *trouble, castor_error *out)
{
    bool        is_proxy = is_proxy_refused(trouble);
    const char *what = is_proxy ? "the proxy's URL cannot be used" : what_failed(code);
    char        detail[CURL_ERROR_SIZE];

    cst_copy_text(detail, sizeof detail, castor_str_of(trouble[0] ? trouble : curl_easy_strerror(code)));
    cst_curl_hide_password(detail);
    const char *news = news_in(detail, code);
    if (code == CURLE_OUT_OF_MEMORY) cst_fail_plainly(out, CASTOR_NO_MEMORY);
    else cst_fail(out, CASTOR_NETWORK, "%s%s%s%s", what, *news ? ": " : "", news, advice_on(code, detail));
    out->is_transient = !is_final(code) && !is_proxy;
    out->verdict = code == CURLE_OUT_OF_MEMORY ? CASTOR_VERDICT_FAILED : CASTOR_VERDICT_NETWORK;
}
