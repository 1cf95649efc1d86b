/* upstream.c -- the server that is asked when no script answers.
 * SPDX-License-Identifier: MIT
 */
#include "upstream/upstream.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>

static const char bearer[] = "Bearer ";

/* A part of the URL that is there, in libcurl's memory; NULL: it is not. */
static char *part_of(CURLU *url, CURLUPart part)
{
    char *text = NULL;

    return curl_url_get(url, part, &text, 0) == CURLUE_OK ? text : NULL;
}

static bool has_part(CURLU *url, CURLUPart part)
{
    char *text = part_of(url, part);

    curl_free(text);
    return text != NULL;
}

static bool is_loopback(CURLU *url)
{
    char *host = part_of(url, CURLUPART_HOST);
    bool  is_local = host && (strcmp(host, "localhost") == 0 || strncmp(host, "127.", 4) == 0 ||
                             strcmp(host, "[::1]") == 0);

    curl_free(host);
    return is_local;
}

static char *print_url(CURLU *url, const char *path)
{
    char *text = NULL;
    char *copy = NULL;

    if (curl_url_set(url, CURLUPART_PATH, path, 0) == CURLUE_OK) text = part_of(url, CURLUPART_URL);
    if (text) copy = cst_alloc_text(cst_allocator_default(), castor_str_of(text));
    curl_free(text);
    return copy;
}

/* What is appended to the path that was given, where it has not all of it. */
static bool print_urls(plx_upstream *u, CURLU *url)
{
    char      *path = part_of(url, CURLUPART_PATH);
    castor_str given = castor_str_of(path);
    cst_buf    full;
    bool       is_printed = false;

    while (given.len > 0 && given.data[given.len - 1] == '/') given.len--;
    cst_buf_init(&full, cst_allocator_default(), PLX_TARGET_BYTES_MAX);
    const char *rest = given.len > 0 ? "/chat/completions" : "/v1/chat/completions";
    size_t      rest_len = strlen(rest);
    if (given.len >= rest_len && memcmp(given.data + given.len - rest_len, rest, rest_len) == 0) rest = "";
    if (path && cst_buf_append_str(&full, given) == CASTOR_OK && cst_buf_append_text(&full, rest) == CASTOR_OK) {
        u->url = print_url(url, full.data);
        u->host = print_url(url, "");
        is_printed = u->url && u->host;
    }
    if (is_printed && u->host[strlen(u->host) - 1] == '/') u->host[strlen(u->host) - 1] = '\0';
    cst_buf_free(&full);
    curl_free(path);
    return is_printed;
}

/* NULL: it is a URL that can be asked. */
static const char *fault_of(CURLU *url, const char *text)
{
    char *scheme;
    bool  is_http;

    if (curl_url_set(url, CURLUPART_URL, text, 0) != CURLUE_OK) return "is no URL, as http://127.0.0.1:8080/v1";
    scheme = part_of(url, CURLUPART_SCHEME);
    is_http = scheme && (strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0);
    curl_free(scheme);
    if (!is_http) return "is neither http nor https";
    if (has_part(url, CURLUPART_USER) || has_part(url, CURLUPART_PASSWORD)) {
        return "holds a name or a password, which others can see there; use --upstream-key-env";
    }
    if (has_part(url, CURLUPART_QUERY) || has_part(url, CURLUPART_FRAGMENT)) return "has more behind its path";
    return NULL;
}

static bool copy_settings(plx_upstream *u, const plx_upstream_options *options)
{
    const cst_allocator *allocator = cst_allocator_default();

    u->silence_us = options->silence_ms * 1000;
    if (options->model && !(u->model = cst_alloc_text(allocator, castor_str_of(options->model)))) return false;
    if (!options->key) return true;
    size_t size = sizeof bearer + strlen(options->key);
    u->authorization = cst_alloc(allocator, size);
    if (u->authorization) snprintf(u->authorization, size, "%s%s", bearer, options->key);
    return u->authorization != NULL;
}

plx_upstream *plx_upstream_new(uv_loop_t *loop, const plx_upstream_options *options, char *why, size_t why_size)
{
    plx_upstream *u = calloc(1, sizeof *u);
    CURLU        *url = curl_url();
    const char   *fault = url ? fault_of(url, options->url) : NULL;
    bool          is_made = u && url && !fault && print_urls(u, url) && copy_settings(u, options);

    if (is_made) u->is_local = is_loopback(url);
    if (is_made) u->transfers = plx_transfers_new(loop);
    curl_url_cleanup(url);
    if (is_made && u->transfers) return u;
    if (fault) snprintf(why, why_size, "--upstream: this %s.", fault); /* it is not shown: it may hold a secret */
    else snprintf(why, why_size, "--upstream: out of memory.");
    plx_upstream_free(u);
    return NULL;
}

void plx_upstream_free(plx_upstream *u)
{
    const cst_allocator *allocator = cst_allocator_default();

    if (!u) return;
    plx_transfers_free(u->transfers);
    if (u->authorization) cst_wipe(u->authorization, strlen(u->authorization));
    cst_release(allocator, u->authorization);
    cst_release(allocator, u->model);
    cst_release(allocator, u->host);
    cst_release(allocator, u->url);
    free(u);
}

void plx_upstream_quote(const plx_upstream *u, castor_str text, char *out, size_t size)
{
    const char *key = u->authorization ? u->authorization + sizeof bearer - 1 : "";
    size_t      key_len = strlen(key);
    size_t      len = 0;

    for (size_t at = 0; at < text.len && len + 1 < size;) {
        bool is_key = key_len > 0 && text.len - at >= key_len && memcmp(text.data + at, key, key_len) == 0;
        out[len++] = is_key ? '*' : text.data[at];
        at += is_key ? key_len : 1;
    }
    out[cst_utf8_prefix((castor_str){ out, len }, len)] = '\0';
}
