/* error.c -- fills the caller's castor_error.
 * SPDX-License-Identifier: MIT
 */
#include "error.h"

#include <stdarg.h>
#include <stdio.h>

void cst_error_copy(char *out, size_t size, castor_str text)
{
    const char *at = text.data ? text.data : "", *end = at + text.len;
    size_t      used = 0;

    while (at < end) {
        size_t     len = cst_utf8_length(at, end);
        bool       is_control = (len == 1 && ((unsigned char)*at < ' ' || *at == 0x7F)) ||
                                (len == 2 && *at == '\xC2' && (unsigned char)at[1] < 0xA0);
        castor_str shown = { at, len };
        if (len == 0) shown = CASTOR_STR("\xEF\xBF\xBD");
        if (is_control) shown = CASTOR_STR(" ");
        if (used + shown.len >= size) break;
        memcpy(out + used, shown.data, shown.len);
        used += shown.len;
        at += len ? len : 1;
    }
    out[used] = '\0';
}

static void say(castor_error *err, const char *format, va_list args)
{
    char text[2 * sizeof err->message];
    int  len = vsnprintf(text, sizeof text, format, args);

    if (len < 0) len = 0;
    if ((size_t)len >= sizeof text) len = (int)sizeof text - 1;
    cst_error_copy(err->message, sizeof err->message, (castor_str){ text, (size_t)len });
}

castor_status cst_fail(castor_error *err, castor_status status, const char *format, ...)
{
    va_list args;

    if (!err) return status;
    *err = (castor_error){ .status = status };
    va_start(args, format);
    say(err, format, args);
    va_end(args);
    return status;
}

castor_status cst_fail_plainly(castor_error *err, castor_status status)
{
    switch (status) {
    case CASTOR_OK: return status;
    case CASTOR_NO_MEMORY: return cst_fail(err, status, "out of memory: an allocation failed on our side");
    case CASTOR_LIMIT: return cst_fail(err, status, "one of the library's maxima was passed");
    case CASTOR_INVALID:
    case CASTOR_PROTOCOL:
    case CASTOR_NETWORK:
    case CASTOR_TIMEOUT:
    case CASTOR_CANCELLED:
    case CASTOR_API_ERROR:
    case CASTOR_INCOMPLETE:
    default: return cst_fail(err, status, "%s", castor_status_name(status));
    }
}

void cst_error_say(castor_error *err, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    say(err, format, args);
    va_end(args);
}

void cst_redact(char *text, size_t len, castor_str secret)
{
    char *end = text + len;

    if (secret.len < CST_SECRET_PART_MIN) return; /* a placeholder for servers that ask for no key */
    for (char *at = text; (at = memchr(at, secret.data[0], (size_t)(end - at))) != NULL; at++) {
        if ((size_t)(end - at) < secret.len) break;
        if (memcmp(at, secret.data, secret.len) == 0) memset(at, '*', secret.len);
    }
    /* The text may have been cut inside the secret. */
    for (size_t part = secret.len < len ? secret.len : len; part >= CST_SECRET_PART_MIN; part--) {
        if (memcmp(end - part, secret.data, part) != 0) continue;
        memset(end - part, '*', part);
        return;
    }
}

static void redact_text(char *text, castor_str secret)
{
    cst_redact(text, strlen(text), secret);
}

void cst_error_redact(castor_error *err, castor_str secret)
{
    if (!err) return;
    redact_text(err->code, secret);
    redact_text(err->reason, secret);
    redact_text(err->detail, secret);
    redact_text(err->message, secret);
}
