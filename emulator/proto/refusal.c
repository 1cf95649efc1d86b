/* refusal.c -- errors as Google words and shapes them.
 * SPDX-License-Identifier: MIT
 */
#include "proto/refusal.h"

#include <stdarg.h>
#include <stdio.h>

#include "proto/json_style.h"
#include "json_writer.h"

#define SERVICE "generativelanguage.googleapis.com"

bool plx_refuse(plx_refusal *refusal, int code, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(refusal->message, sizeof refusal->message, format, args);
    va_end(args);
    refusal->code = code;
    return false;
}

bool plx_refuse_field(plx_refusal *refusal, const char *path, const char *format, ...)
{
    plx_violation *violation = &refusal->violations[refusal->violation_count];
    size_t         used = strlen(refusal->message);
    va_list        args;

    refusal->code = 400;
    if (refusal->violation_count == PLX_VIOLATIONS_MAX) return false;
    refusal->violation_count++;
    cst_copy_text(violation->field, sizeof violation->field, castor_str_of(path));
    va_start(args, format);
    vsnprintf(violation->description, sizeof violation->description, format, args);
    va_end(args);
    snprintf(refusal->message + used, sizeof refusal->message - used, "%s%s", used ? "\n" : "", violation->description);
    return false;
}

static const char *status_of(int code)
{
    switch (code) {
    case 401: return "UNAUTHENTICATED";
    case 403: return "PERMISSION_DENIED";
    case 404: return "NOT_FOUND";
    case 405: return "UNIMPLEMENTED";
    case 429: return "RESOURCE_EXHAUSTED";
    case 500: return "INTERNAL";
    case 501: return "UNIMPLEMENTED";
    case 503: return "UNAVAILABLE";
    default: return "INVALID_ARGUMENT";
    }
}

static void put_member(cst_json_writer *w, const char *key, const char *value)
{
    cst_json_key(w, key);
    cst_json_put_string(w, castor_str_of(value));
}

static void put_bad_key(cst_json_writer *w, const char *message)
{
    cst_json_open_object(w);
    put_member(w, "@type", "type.googleapis.com/google.rpc.ErrorInfo");
    put_member(w, "reason", "API_KEY_INVALID");
    put_member(w, "domain", "googleapis.com");
    cst_json_key(w, "metadata");
    cst_json_open_object(w);
    put_member(w, "service", SERVICE);
    cst_json_close_object(w);
    cst_json_close_object(w);

    cst_json_open_object(w);
    put_member(w, "@type", "type.googleapis.com/google.rpc.LocalizedMessage");
    put_member(w, "locale", "en-US");
    put_member(w, "message", message);
    cst_json_close_object(w);
}

static void put_violations(cst_json_writer *w, const plx_refusal *refusal)
{
    cst_json_open_object(w);
    put_member(w, "@type", "type.googleapis.com/google.rpc.BadRequest");
    cst_json_key(w, "fieldViolations");
    cst_json_open_array(w);
    for (size_t i = 0; i < refusal->violation_count; i++) {
        const plx_violation *violation = &refusal->violations[i];
        cst_json_open_object(w);
        if (violation->field[0]) put_member(w, "field", violation->field);
        put_member(w, "description", violation->description);
        cst_json_close_object(w);
    }
    cst_json_close_array(w);
    cst_json_close_object(w);
}

static void put_error(cst_json_writer *w, const plx_refusal *refusal)
{
    cst_json_open_object(w);
    cst_json_key(w, "error");
    cst_json_open_object(w);
    cst_json_key(w, "code");
    cst_json_put_integer(w, refusal->code);
    put_member(w, "message", refusal->message);
    put_member(w, "status", status_of(refusal->code));
    if (refusal->is_bad_key || refusal->violation_count) {
        cst_json_key(w, "details");
        cst_json_open_array(w);
        if (refusal->is_bad_key) put_bad_key(w, refusal->message);
        if (refusal->violation_count) put_violations(w, refusal);
        cst_json_close_array(w);
    }
    cst_json_close_object(w);
    cst_json_close_object(w);
}

castor_status plx_refusal_print(const plx_refusal *refusal, bool in_array, cst_buf *out)
{
    cst_buf         json;
    cst_json_writer writer = cst_json_writer_to(&json);

    cst_buf_init(&json, out->allocator, out->max);
    put_error(&writer, refusal);
    castor_status status = writer.status;
    if (status == CASTOR_OK && in_array) status = cst_buf_append_text(out, "[");
    if (status == CASTOR_OK) status = plx_json_print_styled(out, cst_buf_view(&json), PLX_JSON_INDENTED);
    if (status == CASTOR_OK) status = cst_buf_append_text(out, in_array ? "\n]\n" : "\n");
    cst_buf_free(&json);
    return status;
}
