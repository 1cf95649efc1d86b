/* call.c -- a request as it goes over the wire: URL, headers, body.
 * SPDX-License-Identifier: MIT
 */
#include "call.h"

#include "error.h"
#include "request.h"

enum { LINES_MAX = CST_HEADER_VALUE_MAX * 4 };

const char *cst_call_line(const cst_call *call, size_t index)
{
    return call->lines.data + call->line_starts[index];
}

/* Where a request has its token. No recorded exchange shows it: the documents of long decode have it as a field of the
 * request, and Google's servers refuse fields that they do not know. */
#define TOKEN_FIELD "continuationToken"

castor_str cst_call_token(const cst_call *call)
{
    return call->going_on ? cst_buf_view(&call->going_on->token) : CST_NONE;
}

castor_str cst_call_body(const cst_call *call)
{
    return cst_buf_view(call->going_on ? &call->going_on->body : &call->wire.body);
}

void cst_call_fit(cst_call *call)
{
    cst_buf_fit(&call->url);
    cst_buf_fit(&call->wire.body);
}

void cst_call_forget_key(cst_call *call)
{
    if (call->lines.data) cst_wipe(call->lines.data, call->lines.capacity);
    cst_buf_free(&call->lines);
    call->line_count = 0;
}

static void begin_anew(cst_call *call)
{
    if (!call->going_on) return;
    cst_buf_free(&call->going_on->token);
    cst_buf_free(&call->going_on->body);
    cst_release(call->url.allocator, call->going_on);
    call->going_on = NULL;
}

void cst_call_free(cst_call *call)
{
    begin_anew(call);
    cst_call_forget_key(call);
    cst_buf_free(&call->url);
    cst_buf_free(&call->wire.target);
    cst_buf_free(&call->wire.body);
}

static castor_status add_line(cst_call *call, const char *name, castor_str value)
{
    if (call->line_count == CST_HEADERS_MAX) return CASTOR_LIMIT;
    call->line_starts[call->line_count] = (uint16_t)call->lines.len; /* LINES_MAX fits */

    castor_status status = cst_buf_append_text(&call->lines, name);
    if (status == CASTOR_OK) status = cst_buf_append_str(&call->lines, value);
    if (status == CASTOR_OK) status = cst_buf_append(&call->lines, "", 1);
    if (status == CASTOR_OK) call->line_count++;
    return status;
}

static castor_status add_key(cst_call *call, const cst_call_settings *settings)
{
    const char *name = call->wire.auth == CST_AUTH_BEARER ? "Authorization: Bearer " : "x-goog-api-key: ";
    bool        has_key = settings->api_key.len > 0;

    if (settings->hides_key) return add_line(call, name, has_key ? CASTOR_STR("***") : CASTOR_STR("(none)"));
    return has_key ? add_line(call, name, settings->api_key) : CASTOR_OK;
}

static castor_status add_headers(cst_call *call, const cst_call_settings *settings, int64_t server_timeout_ms)
{
    cst_buf seconds;

    /* The lines hold the key: they must not be moved, or copies of it stay behind. */
    castor_status status = cst_buf_reserve(&call->lines, settings->api_key.len + settings->user_agent.len + 512);
    if (status == CASTOR_OK) status = add_line(call, "Content-Type: ", CASTOR_STR("application/json"));
    if (status == CASTOR_OK) status = add_line(call, "User-Agent: ", settings->user_agent);
    if (status == CASTOR_OK) status = add_key(call, settings);
    if (status == CASTOR_OK) status = add_line(call, "Expect:", CST_NONE); /* none of libcurl's 100-continue */
    if (status != CASTOR_OK || server_timeout_ms <= 0) return status;

    cst_buf_init(&seconds, call->lines.allocator, 32);
    status = cst_buf_append_format(&seconds, "%lld", (long long)((server_timeout_ms + 999) / 1000));
    if (status == CASTOR_OK) status = add_line(call, "X-Server-Timeout: ", cst_buf_view(&seconds));
    cst_buf_free(&seconds);
    return status;
}

static castor_status print_url(cst_call *call, const cst_call_settings *settings)
{
    castor_str  base = settings->base_url;
    bool        is_default = base.len == 0;
    const char *between = "";

    if (is_default) base = castor_str_of(call->dialect->default_base_url);
    else if (settings->is_google_base && call->dialect->id == CASTOR_DIALECT_OPENAI) between = "/v1beta/openai";
    while (base.len > 0 && base.data[base.len - 1] == '/') base.len--;
    return cst_buf_append_format(&call->url, "%.*s%s%s", CASTOR_ARG(base), between, call->wire.target.data);
}

static castor_status finish_body(cst_call *call, const castor_request *request, castor_error *err)
{
    cst_buf       merged;
    castor_status status = CASTOR_OK;

    if (request->body_json.len > 0) status = cst_buf_append_str(&call->wire.body, request->body_json);
    if (status != CASTOR_OK || request->extra_json.len == 0) return cst_fail_plainly(err, status);

    cst_buf_init(&merged, call->wire.body.allocator, CST_BODY_BYTES_MAX);
    status = cst_request_merge(&merged, cst_buf_view(&call->wire.body), request->extra_json, merged.allocator, err);
    cst_buf_free(status == CASTOR_OK ? &call->wire.body : &merged);
    if (status == CASTOR_OK) call->wire.body = merged;
    return status;
}

/* Without a key only other people's chat servers can be spoken to. */
static castor_status check_key(const cst_call *call, const cst_call_settings *settings, castor_error *err)
{
    bool is_elsewhere = call->wire.auth == CST_AUTH_BEARER && settings->base_url.len > 0 && !settings->is_google_base;

    if (settings->api_key.len > 0 || settings->hides_key || is_elsewhere) return CASTOR_OK;
    cst_fail(err, CASTOR_INVALID, "there is no API key: set GOOGLE_API_KEY or GEMINI_API_KEY, or options.api_key");
    if (err) err->verdict = CASTOR_VERDICT_AUTH;
    return CASTOR_INVALID;
}

castor_status cst_call_print_headers(cst_call *call, int64_t server_timeout_ms, const cst_call_settings *settings,
                                     castor_error *err)
{
    return cst_fail_plainly(err, add_headers(call, settings, server_timeout_ms));
}

/* As much as most requests take, so that their buffers need not grow step by step. */
static castor_status reserve_usual(cst_call *call)
{
    enum { TARGET = 80, BODY = 200 };

    castor_status status = cst_buf_reserve(&call->wire.target, TARGET);
    if (status == CASTOR_OK) status = cst_buf_reserve(&call->url, TARGET + 40);
    if (status == CASTOR_OK) status = cst_buf_reserve(&call->wire.body, BODY);
    return status;
}

castor_status cst_call_print(cst_call *out, const castor_request *request, const cst_call_settings *settings,
                             const cst_allocator *allocator, castor_error *err)
{
    castor_request checked = *request;

    *out = (cst_call){ .wire.is_stream = !request->is_unary };
    cst_buf_init(&out->wire.target, allocator, CST_HEADER_VALUE_MAX);
    cst_buf_init(&out->wire.body, allocator, CST_BODY_BYTES_MAX);
    cst_buf_init(&out->url, allocator, CST_HEADER_VALUE_MAX * 2);
    cst_buf_init(&out->lines, allocator, LINES_MAX);

    if (checked.dialect == CASTOR_DIALECT_DEFAULT) checked.dialect = settings->dialect;
    out->dialect = cst_dialect_of(checked.dialect);
    if (!out->dialect) return cst_fail(err, CASTOR_INVALID, "dialect %d is none that we know", (int)checked.dialect);
    checked.dialect = out->dialect->id;

    castor_status status = cst_fail_plainly(err, reserve_usual(out));
    if (status == CASTOR_OK) status = cst_request_check(&checked, allocator, err);
    if (status == CASTOR_OK) status = out->dialect->print(&checked, &out->wire, err);
    if (status == CASTOR_OK) status = finish_body(out, &checked, err);
    if (status == CASTOR_LIMIT) {
        cst_fail(err, status, "the request is larger than %d MiB, which no server takes", CST_BODY_BYTES_MAX >> 20);
    }
    if (status == CASTOR_OK) status = check_key(out, settings, err);
    if (status != CASTOR_OK) return status;

    status = print_url(out, settings);
    cst_buf_free(&out->wire.target); /* the URL has it */
    return cst_fail_plainly(err, status);
}

/* ---- the same call once more, not quite the same ---- */

/* A request that is nothing but its model: enough for the target. */
static castor_request only_model(const cst_call *call, const char *model)
{
    castor_request request = CASTOR_REQUEST_INIT;

    request.dialect = call->dialect->id;
    request.model = model;
    request.body_json = CASTOR_STR("{}");
    return request;
}

castor_status cst_call_check_model(const cst_call *call, const char *model, castor_error *err)
{
    castor_request request = only_model(call, model);

    return cst_request_check(&request, call->url.allocator, err);
}

/* Merges {"name":"value"} into the body. */
static castor_status print_with_member(const cst_call *call, const char *name, castor_str value, cst_buf *out,
                                       castor_error *err)
{
    cst_buf member;

    cst_buf_init(&member, out->allocator, CST_TOKEN_MAX * 2);
    cst_json_writer writer = cst_json_writer_to(&member);
    cst_json_open_object(&writer);
    cst_json_key(&writer, name);
    cst_json_put_string(&writer, value);
    cst_json_close_object(&writer);
    castor_status status = cst_fail_plainly(err, writer.status);
    castor_str    body = cst_buf_view(&call->wire.body);
    if (status == CASTOR_OK) status = cst_request_merge(out, body, cst_buf_view(&member), out->allocator, err);
    cst_buf_free(&member);
    return status;
}

static castor_status set_model_of_body(cst_call *call, const char *model, castor_error *err)
{
    cst_buf changed;

    cst_buf_init(&changed, call->wire.body.allocator, CST_BODY_BYTES_MAX);
    castor_status status = print_with_member(call, "model", castor_str_of(model), &changed, err);
    cst_buf_free(status == CASTOR_OK ? &call->wire.body : &changed);
    if (status == CASTOR_OK) call->wire.body = changed;
    return status;
}

static castor_status set_model_of_url(cst_call *call, const char *model, const cst_call_settings *settings,
                                      castor_error *err)
{
    castor_request request = only_model(call, model);
    cst_buf        unused;

    cst_buf_init(&unused, call->url.allocator, CST_HEADER_VALUE_MAX);
    cst_wire wire = { .target = call->wire.target, .body = unused, .is_stream = call->wire.is_stream };
    castor_status status = call->dialect->print(&request, &wire, err);
    call->wire.target = wire.target;
    call->url.len = 0;
    if (status == CASTOR_OK) status = cst_fail_plainly(err, print_url(call, settings));
    cst_buf_free(&call->wire.target);
    cst_buf_free(&wire.body);
    return status;
}

castor_status cst_call_set_model(cst_call *call, const char *model, const cst_call_settings *settings,
                                 castor_error *err)
{
    return call->wire.auth == CST_AUTH_BEARER ? set_model_of_body(call, model, err)
                                              : set_model_of_url(call, model, settings, err);
}

castor_status cst_call_set_token(cst_call *call, castor_str token, castor_error *err)
{
    const cst_allocator *allocator = call->url.allocator;

    begin_anew(call);
    if (token.len == 0) return CASTOR_OK;
    call->going_on = cst_alloc_zeroed(allocator, sizeof *call->going_on);
    if (!call->going_on) return cst_fail_plainly(err, CASTOR_NO_MEMORY);
    cst_buf_init(&call->going_on->token, allocator, CST_TOKEN_MAX);
    cst_buf_init(&call->going_on->body, allocator, CST_BODY_BYTES_MAX);
    castor_status status = print_with_member(call, TOKEN_FIELD, token, &call->going_on->body, err);
    if (status == CASTOR_OK) status = cst_fail_plainly(err, cst_buf_append_str(&call->going_on->token, token));
    return status;
}
