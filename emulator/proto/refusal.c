/* refusal.c -- errors as Google words and shapes them.
 * SPDX-License-Identifier: MIT
 */
#include "proto/refusal.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "json_writer.h"
#include "proto/json_style.h"
#include "proto/timestamp.h"

#define SERVICE "generativelanguage.googleapis.com"
#define TYPE(name) "type.googleapis.com/google.rpc." name

static const struct {
    int         code;
    const char *status; /* google.rpc.Code */
    const char *title;  /* of a page */
} codes[] = {
    { 400, "INVALID_ARGUMENT", "Bad Request" },
    { 401, "UNAUTHENTICATED", "Unauthorized" },
    { 402, "FAILED_PRECONDITION", "Payment Required" },
    { 403, "PERMISSION_DENIED", "Forbidden" },
    { 404, "NOT_FOUND", "Not Found" },
    { 405, "UNIMPLEMENTED", "Method Not Allowed" },
    { 408, "DEADLINE_EXCEEDED", "Request Timeout" },
    { 409, "ABORTED", "Conflict" },
    { 411, "INVALID_ARGUMENT", "Length Required" },
    { 412, "FAILED_PRECONDITION", "Precondition Failed" },
    { 413, "INVALID_ARGUMENT", "Request Entity Too Large" },
    { 415, "INVALID_ARGUMENT", "Unsupported Media Type" },
    { 416, "OUT_OF_RANGE", "Requested Range Not Satisfiable" },
    { 429, "RESOURCE_EXHAUSTED", "Too Many Requests" },
    { 499, "CANCELLED", "Client Closed Request" },
    { 500, "INTERNAL", "Server Error" },
    { 501, "UNIMPLEMENTED", "Not Implemented" },
    { 502, "UNAVAILABLE", "Server Error" },
    { 503, "UNAVAILABLE", "Service Unavailable" },
    { 504, "DEADLINE_EXCEEDED", "Gateway Timeout" },
};

/* Any other is told like the first. */
static size_t row_of(int code)
{
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        if (codes[i].code == code) return i;
    }
    return 0;
}

/* ---- refusing ---- */

/* What it named before is forgotten. */
static bool say(plx_refusal *refusal, int code, const char *format, va_list args)
{
    vsnprintf(refusal->message, sizeof refusal->message, format, args);
    refusal->code = code;
    refusal->is_page = false;
    refusal->status = refusal->symbol = NULL;
    refusal->info = NULL;
    refusal->retry_after_us = (castor_i64){ 0, 0 };
    refusal->quota_count = refusal->violation_count = refusal->paths_len = 0;
    return false;
}

bool plx_refuse(plx_refusal *refusal, int code, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    say(refusal, code, format, args);
    va_end(args);
    return false;
}

bool plx_refuse_as(plx_refusal *refusal, int code, const char *status, const plx_error_info *info, const char *format,
                   ...)
{
    va_list args;

    va_start(args, format);
    say(refusal, code, format, args);
    va_end(args);
    refusal->status = status;
    refusal->info = info;
    return false;
}

bool plx_refuse_page(plx_refusal *refusal, int code, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    say(refusal, code, format, args);
    va_end(args);
    refusal->is_page = true;
    return false;
}

/* Where the path stands in `paths`; a path that has no room is left out, as that of the top level is. */
static uint16_t keep_path(plx_refusal *refusal, const char *path)
{
    size_t   at = refusal->paths_len;
    uint16_t len = (uint16_t)strlen(path);

    if (at + len + 2 > sizeof refusal->paths) return (uint16_t)(sizeof refusal->paths - 1); /* its last byte is NUL */
    memcpy(refusal->paths + at, path, len + 1u);
    refusal->paths_len = (uint16_t)(at + len + 1);
    return (uint16_t)at;
}

bool plx_refuse_field(plx_refusal *refusal, const char *path, const char *format, ...)
{
    size_t  used = refusal->violation_count ? strlen(refusal->message) : 0;
    size_t  room;
    va_list args;

    refusal->code = 400;
    if (refusal->violation_count == PLX_VIOLATIONS_MAX || used + 2 >= sizeof refusal->message) return false;
    if (used) refusal->message[used++] = '\n';
    room = sizeof refusal->message - used;
    va_start(args, format);
    int wanted = vsnprintf(refusal->message + used, room, format, args);
    va_end(args);
    size_t len = wanted < 0 ? 0 : (size_t)wanted < room ? (size_t)wanted : room - 1;
    refusal->violations[refusal->violation_count++] =
        (plx_violation){ keep_path(refusal, path), (uint16_t)used, (uint16_t)len };
    return false;
}

bool plx_refuse_quota(plx_refusal *refusal, const plx_quota_violation *quotas, size_t count, int64_t retry_after_us)
{
    char   wait[PLX_TIME_TEXT_SIZE];
    size_t used;

    plx_refuse(refusal, 429,
               "You exceeded your current quota, please check your plan and billing details. For more information on "
               "this error, head to: https://ai.google.dev/gemini-api/docs/rate-limits. To monitor your current usage, "
               "head to: https://ai.dev/rate-limit. ");
    refusal->quota_count = count < PLX_QUOTA_VIOLATIONS_MAX ? count : PLX_QUOTA_VIOLATIONS_MAX;
    for (size_t i = 0; i < refusal->quota_count; i++) {
        const plx_quota_violation *one = &quotas[i];
        refusal->quotas[i] = *one;
        used = strlen(refusal->message);
        snprintf(refusal->message + used, sizeof refusal->message - used,
                 "\n* Quota exceeded for metric: " SERVICE "/%s, limit: %" PRIu64 ", model: %.*s", one->metric,
                 one->limit, CASTOR_ARG(one->model));
    }
    plx_duration_print(wait, retry_after_us);
    used = strlen(refusal->message);
    snprintf(refusal->message + used, sizeof refusal->message - used, "\nPlease retry in %s.", wait);
    refusal->retry_after_us = castor_some_i64(retry_after_us);
    return false;
}

/* ---- details ---- */

static void open_detail(cst_json_writer *w, const char *type)
{
    cst_json_open_object(w);
    cst_json_put_member(w, "@type", type);
}

static void put_help(cst_json_writer *w, const char *description, const char *url)
{
    open_detail(w, TYPE("Help"));
    cst_json_key(w, "links");
    cst_json_open_array(w);
    cst_json_open_object(w);
    cst_json_put_member(w, "description", description);
    cst_json_put_member(w, "url", url);
    cst_json_close_object(w);
    cst_json_close_array(w);
    cst_json_close_object(w);
}

static void put_info(cst_json_writer *w, const plx_error_info *info, const char *message)
{
    if (info->help_url) put_help(w, info->help_description, info->help_url);
    open_detail(w, TYPE("ErrorInfo"));
    cst_json_put_member(w, "reason", info->reason);
    cst_json_put_member(w, "domain", "googleapis.com");
    cst_json_key(w, "metadata");
    cst_json_open_object(w);
    cst_json_put_member(w, "service", SERVICE);
    for (size_t i = 0; info->metadata[i]; i += 2) cst_json_put_member(w, info->metadata[i], info->metadata[i + 1]);
    cst_json_close_object(w);
    cst_json_close_object(w);
    if (!info->is_localized) return;
    open_detail(w, TYPE("LocalizedMessage"));
    cst_json_put_member(w, "locale", "en-US");
    cst_json_put_member(w, "message", message);
    cst_json_close_object(w);
}

static void put_quota(cst_json_writer *w, const plx_quota_violation *quota)
{
    char metric[160], limit[24];

    snprintf(metric, sizeof metric, SERVICE "/%s", quota->metric);
    snprintf(limit, sizeof limit, "%" PRIu64, quota->limit);
    cst_json_open_object(w);
    cst_json_put_member(w, "quotaMetric", metric);
    cst_json_put_member(w, "quotaId", quota->id);
    cst_json_key(w, "quotaDimensions");
    cst_json_open_object(w);
    cst_json_put_member(w, "location", "global");
    cst_json_key(w, "model");
    cst_json_put_string(w, quota->model);
    cst_json_close_object(w);
    cst_json_put_member(w, "quotaValue", limit);
    cst_json_close_object(w);
}

static void put_quotas(cst_json_writer *w, const plx_refusal *refusal)
{
    put_help(w, "Learn more about Gemini API quotas", "https://ai.google.dev/gemini-api/docs/rate-limits");
    open_detail(w, TYPE("QuotaFailure"));
    cst_json_key(w, "violations");
    cst_json_open_array(w);
    for (size_t i = 0; i < refusal->quota_count; i++) put_quota(w, &refusal->quotas[i]);
    cst_json_close_array(w);
    cst_json_close_object(w);
}

static void put_retry(cst_json_writer *w, int64_t retry_after_us)
{
    char wait[PLX_TIME_TEXT_SIZE];

    plx_duration_print(wait, retry_after_us);
    open_detail(w, TYPE("RetryInfo"));
    cst_json_put_member(w, "retryDelay", wait);
    cst_json_close_object(w);
}

static void put_violations(cst_json_writer *w, const plx_refusal *refusal)
{
    open_detail(w, TYPE("BadRequest"));
    cst_json_key(w, "fieldViolations");
    cst_json_open_array(w);
    for (size_t i = 0; i < refusal->violation_count; i++) {
        const plx_violation *violation = &refusal->violations[i];
        const char          *path = refusal->paths + violation->path_at;
        cst_json_open_object(w);
        if (*path) cst_json_put_member(w, "field", path);
        cst_json_key(w, "description");
        cst_json_put_string(w, (castor_str){ refusal->message + violation->text_at, violation->text_len });
        cst_json_close_object(w);
    }
    cst_json_close_array(w);
    cst_json_close_object(w);
}

static void put_details(cst_json_writer *w, const plx_refusal *refusal)
{
    if (!refusal->info && !refusal->quota_count && !refusal->retry_after_us.is_set && !refusal->violation_count) return;
    cst_json_key(w, "details");
    cst_json_open_array(w);
    if (refusal->info) put_info(w, refusal->info, refusal->message);
    if (refusal->quota_count) put_quotas(w, refusal);
    if (refusal->retry_after_us.is_set) put_retry(w, refusal->retry_after_us.value);
    if (refusal->violation_count) put_violations(w, refusal);
    cst_json_close_array(w);
}

static void put_error(cst_json_writer *w, const plx_refusal *refusal)
{
    cst_json_open_object(w);
    cst_json_key(w, "error");
    cst_json_open_object(w);
    cst_json_key(w, "code");
    cst_json_put_integer(w, refusal->code);
    cst_json_put_member(w, "message", refusal->message);
    cst_json_put_member(w, "status", refusal->status ? refusal->status : codes[row_of(refusal->code)].status);
    put_details(w, refusal);
    cst_json_close_object(w);
    cst_json_close_object(w);
}

/* ---- the body ---- */

/* The message may repeat what the client sent. */
static castor_status append_escaped(cst_buf *out, const char *text)
{
    castor_status status = CASTOR_OK;

    for (; *text && status == CASTOR_OK; text++) {
        if (*text == '<') status = cst_buf_append_text(out, "&lt;");
        else if (*text == '>') status = cst_buf_append_text(out, "&gt;");
        else if (*text == '&') status = cst_buf_append_text(out, "&amp;");
        else status = cst_buf_append(out, text, 1);
    }
    return status;
}

static castor_status print_page(const plx_refusal *refusal, cst_buf *out)
{
    castor_status status = cst_buf_append_format(
        out,
        "<!DOCTYPE html>\n<html lang=en>\n  <meta charset=utf-8>\n  <title>Error %d (%s)!!1</title>\n"
        "  <p><b>%d.</b> <ins>That\xE2\x80\x99s an error.</ins>\n  <p>",
        refusal->code, codes[row_of(refusal->code)].title, refusal->code);

    if (status == CASTOR_OK) status = append_escaped(out, refusal->message);
    if (status == CASTOR_OK) status = cst_buf_append_text(out, "  <ins>That\xE2\x80\x99s all we know.</ins>\n");
    return status;
}

castor_status plx_refusal_print(const plx_refusal *refusal, bool in_array, cst_buf *out)
{
    cst_buf         json;
    cst_json_writer writer = cst_json_writer_to(&json);

    if (refusal->is_page) return print_page(refusal, out);
    cst_buf_init(&json, out->allocator, out->max);
    put_error(&writer, refusal);
    castor_status status = writer.status;
    if (status == CASTOR_OK && in_array) status = cst_buf_append_text(out, "[");
    if (status == CASTOR_OK) status = plx_json_print_styled(out, cst_buf_view(&json), PLX_JSON_INDENTED);
    if (status == CASTOR_OK) status = cst_buf_append_text(out, in_array ? "\n]\n" : "\n");
    cst_buf_free(&json);
    return status;
}

const char *plx_refusal_content_type(const plx_refusal *refusal)
{
    return refusal->is_page ? "text/html; charset=UTF-8" : "application/json; charset=UTF-8";
}
