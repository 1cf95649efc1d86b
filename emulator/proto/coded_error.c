/* coded_error.c -- errors as the Interactions API words and shapes them.
 * SPDX-License-Identifier: MIT
 */
#include "proto/coded_error.h"

#include <stdarg.h>
#include <stdio.h>

#include "json_writer.h"

static const struct {
    int         code;
    const char *symbol;
} symbols[] = {
    { 400, "invalid_request" },     { 401, "authentication" },   { 402, "payment_required" },
    { 403, "permission_denied" },   { 404, "not_found" },        { 409, "aborted" },
    { 413, "invalid_request" },     { 416, "out_of_range" },     { 429, "rate_limit_exceeded" },
    { 499, "cancelled" },           { 500, "api_error" },        { 501, "unimplemented" },
    { 503, "service_unavailable" }, { 504, "deadline_exceeded" },
};

/* What says more than its code does. */
static const struct {
    const char *status;
    const char *symbol;
} symbols_of_statuses[] = {
    { "FAILED_PRECONDITION", "failed_precondition" },
    { "ALREADY_EXISTS", "already_exists" },
};

bool plx_refuse_coded(plx_refusal *refusal, int code, const char *symbol, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(refusal->message, sizeof refusal->message, format, args);
    va_end(args);
    refusal->code = code;
    refusal->symbol = symbol;
    return false;
}

/* A day is too long to wait: that has a code of its own. */
static bool is_daily(const plx_refusal *refusal)
{
    for (size_t i = 0; i < refusal->quota_count; i++) {
        if (strstr(refusal->quotas[i].id, "PerDay")) return true;
    }
    return false;
}

const char *plx_coded_error_symbol(const plx_refusal *refusal)
{
    if (refusal->symbol) return refusal->symbol;
    if (is_daily(refusal)) return "quota_exceeded";
    for (size_t i = 0; refusal->status && i < sizeof symbols_of_statuses / sizeof symbols_of_statuses[0]; i++) {
        if (strcmp(refusal->status, symbols_of_statuses[i].status) == 0) return symbols_of_statuses[i].symbol;
    }
    for (size_t i = 0; i < sizeof symbols / sizeof symbols[0]; i++) {
        if (symbols[i].code == refusal->code) return symbols[i].symbol;
    }
    return refusal->code < 500 ? "invalid_request" : "api_error";
}

castor_status plx_coded_error_print(const char *symbol, castor_str message, cst_buf *out)
{
    cst_json_writer w = cst_json_writer_to(out);

    cst_json_open_object(&w);
    cst_json_key(&w, "error");
    cst_json_open_object(&w);
    cst_json_key(&w, "code");
    cst_json_put_string(&w, castor_str_of(symbol));
    cst_json_key(&w, "message");
    cst_json_put_string(&w, message);
    cst_json_close_object(&w);
    cst_json_close_object(&w);
    return w.status;
}
