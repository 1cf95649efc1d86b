/* reply_head.c -- status and headers of an answer on their way, and the faults that change them.
 * SPDX-License-Identifier: MIT
 */
#include "fault/reply_head.h"

#include <inttypes.h>
#include <stdio.h>

#include "http/answer_head.h"

static size_t find(const plx_reply_head *at, castor_str name)
{
    for (size_t i = 0; i < at->count; i++) {
        if (cst_str_equal_nocase(at->headers[i].name, name)) return i;
    }
    return at->count;
}

castor_str plx_reply_head_get(const plx_reply_head *at, const char *name)
{
    size_t i = find(at, castor_str_of(name));

    return i < at->count ? at->headers[i].value : CST_NONE;
}

castor_status plx_reply_head_set(plx_reply_head *at, const char *name, castor_str value)
{
    size_t        i = find(at, castor_str_of(name));
    plx_header    header;
    castor_status status;

    if (i == PLX_REPLY_HEADERS_MAX) return CASTOR_LIMIT;
    status = cst_arena_copy(at->arena, castor_str_of(name), &header.name);
    if (status == CASTOR_OK) status = cst_arena_copy(at->arena, value, &header.value);
    if (status != CASTOR_OK) return status;
    at->headers[i] = header;
    if (i == at->count) at->count++;
    return CASTOR_OK;
}

void plx_reply_head_remove(plx_reply_head *at, const char *name)
{
    size_t i = find(at, castor_str_of(name));

    if (i == at->count) return;
    at->count--;
    memmove(&at->headers[i], &at->headers[i + 1], (at->count - i) * sizeof at->headers[0]);
}

/* ---- faults ---- */

/* Without a type of its own: events are called JSON, and all else events. */
castor_status plx_head_type(const plx_fault *fault, plx_reply_head *at)
{
    const char *type = fault->text;

    if (strcmp(type, "none") == 0) {
        plx_reply_head_remove(at, "content-type");
        return CASTOR_OK;
    }
    if (strcmp(type, "other") == 0) {
        bool is_events = cst_str_starts_with(plx_reply_head_get(at, "content-type"), "text/event-stream");
        type = is_events ? "application/json; charset=UTF-8" : "text/event-stream";
    }
    return plx_reply_head_set(at, "content-type", castor_str_of(type));
}

castor_status plx_head_remove(const plx_fault *fault, plx_reply_head *at)
{
    plx_reply_head_remove(at, fault->text);
    return CASTOR_OK;
}

castor_status plx_head_retry_after(const plx_fault *fault, plx_reply_head *at)
{
    enum { AS_DATE = 1 };
    char text[64];

    if (fault->numbers[1] == AS_DATE) plx_print_date(text, sizeof text, time(NULL) + (time_t)fault->numbers[0]);
    else snprintf(text, sizeof text, "%" PRId64, fault->numbers[0]);
    return plx_reply_head_set(at, "retry-after", castor_str_of(text));
}

castor_status plx_head_retry_after_ms(const plx_fault *fault, plx_reply_head *at)
{
    char text[32];

    snprintf(text, sizeof text, "%" PRId64, fault->numbers[0]);
    return plx_reply_head_set(at, "retry-after-ms", castor_str_of(text));
}

/* No length and no chunks: the body goes until the connection ends. */
castor_status plx_head_until_close(const plx_fault *fault, plx_reply_head *at)
{
    (void)fault;
    plx_reply_head_remove(at, "content-length");
    return plx_reply_head_set(at, "connection", CASTOR_STR("close"));
}
