/* client.c -- settings, and what a request becomes under them.
 * SPDX-License-Identifier: MIT
 *
 * The one place that reads the environment, and only in castor_client_new.
 */
#include "client.h"

#include <stdlib.h>
#include <time.h>

#include <curl/curlver.h>

#include "given.h"

/* ---- settings ---- */

static const char *environment(const castor_client_options *options, const char *name)
{
    const char *value = options->ignore_environment ? NULL : getenv(name);

    return value && value[0] ? value : NULL;
}

static castor_status check_text(const char *text, const char *what, castor_error *err)
{
    enum { MAX = CST_HEADER_VALUE_MAX / 2 };

    if (text && strlen(text) > MAX) {
        return cst_fail(err, CASTOR_INVALID, "the %s is %zu bytes long; it may have %d at most", what, strlen(text),
                        MAX);
    }
    for (const char *at = text; at && *at; at++) {
        if ((unsigned char)*at >= ' ' && *at != 0x7F) continue;
        return cst_fail(err, CASTOR_INVALID, "the %s holds a control character at position %zu; it would break the head "
                                             "of the request", what, (size_t)(at - text));
    }
    return CASTOR_OK;
}

static castor_status check_base_url(const char *url, castor_error *err)
{
    castor_str view = castor_str_of(url);

    if (!url) return CASTOR_OK;
    /* People put keys behind the question mark and passwords before the at sign: these are not quoted. */
    if (strpbrk(url, " ?#@\"\\")) {
        return cst_fail(err, CASTOR_INVALID, "the base URL holds a space, a query, a fragment or a password; it is "
                                             "http:// or https://, a host, and nothing but a path behind it");
    }
    bool has_scheme = cst_str_starts_with(view, "http://") || cst_str_starts_with(view, "https://");
    if (!has_scheme || strlen(strstr(url, "://")) == 3) {
        return cst_fail(err, CASTOR_INVALID, "the base URL \"%s\" does not begin with http:// or https:// and a host",
                        url);
    }
    return check_text(url, "base URL", err);
}

static castor_status check_counts(const castor_client_options *options, castor_error *err)
{
    const struct {
        const char *name;
        int64_t     count;
    } counts[] = { { "streams_max", options->streams_max },
                   { "host_connections_max", options->host_connections_max },
                   { "connection_streams_max", options->connection_streams_max },
                   { "recorder_bytes", options->recorder_bytes } };

    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        if (counts[i].count >= 0) continue;
        return cst_fail(err, CASTOR_INVALID, "%s is %lld; give a count, or 0 for the default", counts[i].name,
                        (long long)counts[i].count);
    }
    return CASTOR_OK;
}

static castor_status check_identity(const castor_client_options *options, castor_error *err)
{
    if (options->client_cert_file || (!options->client_key_file && !options->client_key_password)) return CASTOR_OK;
    return cst_fail(err, CASTOR_INVALID, "client_key_file and client_key_password are of a client certificate, and "
                                         "there is none: set client_cert_file");
}

static bool copy_text(castor_client *client, char **out, castor_str text)
{
    *out = text.data ? cst_alloc_text(&client->allocator, text) : NULL;
    return !text.data || *out;
}

int64_t cst_clamp_ms(int64_t given_ms)
{
    return given_ms > INT64_MAX / 4 ? INT64_MAX / 4 : given_ms;
}

static int64_t or_default(int64_t given, int64_t otherwise)
{
    return given == 0 ? otherwise : cst_clamp_ms(given);
}

static void set_limits(castor_client *client, const castor_client_options *options)
{
    client->limits = (cst_time_limits){
        .connect_ms = or_default(options->connect_timeout_ms, CST_CONNECT_TIMEOUT_MS),
        .tls_ms = or_default(options->tls_timeout_ms, CST_TLS_TIMEOUT_MS),
        .first_byte_ms = or_default(options->first_byte_timeout_ms, CST_FIRST_BYTE_TIMEOUT_MS),
        .idle_ms = or_default(options->idle_timeout_ms, CST_IDLE_TIMEOUT_MS),
    };
    client->stream_total_ms = or_default(options->total_timeout_ms, CASTOR_NO_LIMIT);
    client->unary_total_ms = or_default(options->total_timeout_ms, CST_UNARY_TIMEOUT_MS);
    client->is_total_set = options->total_timeout_ms > 0;
}

static castor_status set_texts(castor_client *client, const castor_client_options *options, castor_error *err)
{
    const char *key = options->api_key, *base_url = options->base_url;

    if (!key) key = environment(options, "GOOGLE_API_KEY");
    if (!key) key = environment(options, "GEMINI_API_KEY");
    client->is_google_base = !base_url;
    if (!base_url) base_url = environment(options, "GOOGLE_GEMINI_BASE_URL");

    castor_str    trimmed = cst_str_trim(castor_str_of(key));
    bool          has_key = trimmed.len > 0;
    bool          has_memory = copy_text(client, &client->api_key, has_key ? trimmed : CST_NONE);
    castor_status status = has_memory ? check_text(client->api_key, "API key", err) : CASTOR_OK;
    if (status == CASTOR_OK) status = check_base_url(base_url, err);
    if (status == CASTOR_OK) status = check_text(options->user_agent, "user agent", err);
    if (status == CASTOR_OK) status = check_text(options->proxy, "proxy URL", err);
    if (status != CASTOR_OK) return status;
    has_memory = has_memory && copy_text(client, &client->base_url, castor_str_of(base_url));

    cst_buf agent;
    cst_buf_init(&agent, &client->allocator, CST_HEADER_VALUE_MAX);
    status = cst_buf_append_format(&agent, "%s%scastor/%s libcurl/%s", options->user_agent ? options->user_agent : "",
                                   options->user_agent ? " " : "", CASTOR_VERSION, LIBCURL_VERSION);
    has_memory = has_memory && status == CASTOR_OK && copy_text(client, &client->user_agent, cst_buf_view(&agent));
    cst_buf_free(&agent);
    return has_memory ? CASTOR_OK : cst_fail_plainly(err, status != CASTOR_OK ? status : CASTOR_NO_MEMORY);
}

/* Lines of libcurl's log may quote what was sent. */
static void log_line(void *user, const char *line)
{
    castor_client *client = user;
    castor_error   carrier = { 0 };

    cst_copy_text(carrier.message, sizeof carrier.message, castor_str_of(line));
    cst_error_redact(&carrier, castor_str_of(client->api_key));
    client->log(client->log_user, carrier.message);
}

static const char *no_proxy_of(const castor_client_options *options)
{
    const char *lower = environment(options, "no_proxy");

    return options->no_proxy ? options->no_proxy : lower ? lower : environment(options, "NO_PROXY");
}

static castor_status make_transport(castor_client *client, const castor_client_options *options, castor_error *err)
{
    const char                 *ca_file = options->ca_file ? options->ca_file : environment(options, "SSL_CERT_FILE");
    const cst_transport_options settings = {
        .allocator = &client->allocator,
        .proxy = options->proxy,
        .no_proxy = no_proxy_of(options),
        .ca_file = ca_file,
        .ca_directory = options->ca_file ? NULL : environment(options, "SSL_CERT_DIR"),
        .client_cert_file = options->client_cert_file,
        .client_key_file = options->client_key_file,
        .client_key_password = options->client_key_password,
        .force_http1 = options->force_http1,
        .host_connections_max = or_default(options->host_connections_max, (int64_t)client->streams_max),
        .connection_streams_max = or_default(options->connection_streams_max, CST_CONNECTION_STREAMS_MAX),
        .ignore_environment = options->ignore_environment,
        .log = client->log ? log_line : NULL,
        .log_user = client,
    };

    return cst_transport_curl_new(&client->transport, &settings, err);
}

/* Clients that start together must not come back together: no two processes have the same addresses and nanoseconds. */
static void seed_dice(castor_client *client)
{
    struct timespec now = { 0 };

    (void)timespec_get(&now, TIME_UTC);
    client->dice = (uint64_t)(uintptr_t)client ^ ((uint64_t)now.tv_sec << 32) ^ ((uint64_t)now.tv_nsec << 20);
}

/* splitmix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators"). */
uint32_t cst_client_roll(castor_client *client)
{
    uint64_t mixed = client->dice += 0x9E3779B97F4A7C15u;

    mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9u;
    mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EBu;
    return (uint32_t)(mixed >> 32 ^ mixed >> 1);
}

castor_status cst_client_new_on(castor_client **out, const castor_client_options *options, cst_transport *transport,
                                castor_error *err)
{
    castor_client_options given = CASTOR_CLIENT_OPTIONS_INIT;

    *out = NULL;
    castor_status status = cst_given_struct(&given, options, &cst_kind_client_options, err);
    if (status == CASTOR_OK) status = cst_given_allocator(given.allocator, err);
    cst_allocator  allocator = status == CASTOR_OK && given.allocator ? *given.allocator : *cst_allocator_default();
    castor_client *client = status == CASTOR_OK ? cst_alloc_zeroed(&allocator, sizeof *client) : NULL;
    if (!client) {
        if (transport) transport->methods->free(transport);
        return status == CASTOR_OK ? cst_fail_plainly(err, CASTOR_NO_MEMORY) : status;
    }
    client->allocator = allocator;
    client->transport = transport;
    client->dialect = given.dialect;
    client->event_bytes_max = given.event_bytes_max;
    client->recorder_bytes = given.recorder_bytes;
    client->streams_max = (size_t)or_default(given.streams_max, CST_STREAMS_MAX);
    client->armed_ms = INT64_MAX;
    client->log = given.log;
    client->log_user = given.log_user;
    cst_buf_init(&client->preview, &client->allocator, CST_BODY_BYTES_MAX);
    set_limits(client, &given);
    seed_dice(client);

    status = cst_retry_rules_read(&client->retry, given.retry, &client->allocator, err);
    if (status == CASTOR_OK && !cst_dialect_of(given.dialect)) {
        status = cst_fail(err, CASTOR_INVALID, "dialect %d is none that we know", (int)given.dialect);
    }
    if (status == CASTOR_OK) status = check_counts(&given, err);
    if (status == CASTOR_OK) status = check_identity(&given, err);
    if (status == CASTOR_OK) status = set_texts(client, &given, err);
    if (status == CASTOR_OK && !transport) status = make_transport(client, &given, err);
    if (status != CASTOR_OK) {
        cst_client_dispose(client);
        return status;
    }
    *out = client;
    return CASTOR_OK;
}

castor_status castor_client_new(castor_client **out, const castor_client_options *options, castor_error *err)
{
    if (!out) return cst_fail(err, CASTOR_INVALID, "castor_client_new: an argument is NULL");
    return cst_client_new_on(out, options, NULL, err);
}

void cst_client_dispose(castor_client *client)
{
    cst_allocator allocator = client->allocator;

    if (client->transport) client->transport->methods->free(client->transport);
    if (client->api_key) cst_wipe(client->api_key, strlen(client->api_key));
    cst_release(&allocator, client->api_key);
    cst_release(&allocator, client->base_url);
    cst_release(&allocator, client->user_agent);
    cst_buf_free(&client->preview);
    cst_release(&allocator, client->shelf.pool);
    cst_retry_rules_free(&client->retry);
    cst_release(&allocator, client);
}

int32_t castor_client_has_key(const castor_client *client)
{
    return client && client->api_key;
}

/* ---- requests ---- */

cst_call_settings cst_client_call_settings(const castor_client *client)
{
    return (cst_call_settings){
        .dialect = client->dialect,
        .base_url = castor_str_of(client->base_url),
        .is_google_base = client->is_google_base,
        .api_key = castor_str_of(client->api_key),
        .user_agent = castor_str_of(client->user_agent),
    };
}

cst_time_limits cst_client_limits(const castor_client *client, const castor_request *request)
{
    return (cst_time_limits){
        .connect_ms = or_default(request->connect_timeout_ms, client->limits.connect_ms),
        .tls_ms = or_default(request->tls_timeout_ms, client->limits.tls_ms),
        .first_byte_ms = or_default(request->first_byte_timeout_ms, client->limits.first_byte_ms),
        .idle_ms = or_default(request->idle_timeout_ms, client->limits.idle_ms),
    };
}

int64_t cst_client_total_limit(const castor_client *client, const castor_request *request)
{
    return or_default(request->total_timeout_ms, request->is_unary ? client->unary_total_ms : client->stream_total_ms);
}

int64_t cst_client_server_limit(const castor_client *client, const castor_request *request)
{
    bool is_set = request->total_timeout_ms > 0 || (request->total_timeout_ms == 0 && client->is_total_set);

    return is_set ? cst_client_total_limit(client, request) : 0;
}

size_t cst_client_recorder_bytes(const castor_client *client, const castor_request *request)
{
    int64_t wanted = request->recorder_bytes != 0 ? request->recorder_bytes : client->recorder_bytes;

    if (wanted <= 0) return 0;
    if (wanted < CST_RECORDER_BYTES_MIN) return CST_RECORDER_BYTES_MIN;
    return wanted > CST_RECORDER_BYTES_MAX ? CST_RECORDER_BYTES_MAX : (size_t)wanted;
}

static castor_status print_preview(cst_buf *out, const cst_call *call)
{
    castor_status status = cst_buf_append_format(out, "POST %s\n", call->url.data);

    for (size_t i = 0; status == CASTOR_OK && i < call->line_count; i++) {
        const char *line = cst_call_line(call, i);
        if (strcmp(line, "Expect:") == 0) continue; /* takes a header away */
        status = cst_buf_append_format(out, "%s\n", line);
    }
    if (status == CASTOR_OK) status = cst_buf_append_text(out, "\n");
    if (status == CASTOR_OK) status = cst_buf_append_str(out, cst_buf_view(&call->wire.body));
    if (status == CASTOR_OK) status = cst_buf_append_text(out, "\n");
    return status;
}

castor_status castor_client_preview(castor_client *client, const castor_request *request, castor_str *out,
                                    castor_error *err)
{
    cst_call call;

    if (out) *out = CST_NONE;
    if (!client || !request || !out) return cst_fail(err, CASTOR_INVALID, "castor_client_preview: an argument is NULL");
    castor_request    known = CASTOR_REQUEST_INIT;
    cst_call_settings settings = cst_client_call_settings(client);

    settings.hides_key = true;
    client->preview.len = 0;
    castor_status status = cst_given_struct(&known, request, &cst_kind_request, err);
    if (status != CASTOR_OK) return status;
    status = cst_call_print(&call, &known, &settings, &client->allocator, err);
    int64_t       server_limit_ms = cst_client_server_limit(client, &known);
    if (status == CASTOR_OK) status = cst_call_print_headers(&call, server_limit_ms, &settings, err);
    if (status == CASTOR_OK) status = cst_fail_plainly(err, print_preview(&client->preview, &call));
    if (status == CASTOR_OK) *out = cst_buf_view(&client->preview);
    cst_call_free(&call);
    return status;
}
