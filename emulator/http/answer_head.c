/* answer_head.c -- what stands at the front of every answer.
 * SPDX-License-Identifier: MIT
 */
#include "http/answer_head.h"

#include <inttypes.h>
#include <stdio.h>

const char *plx_reason_of(int status)
{
    static const struct {
        int         status;
        const char *reason;
    } reasons[] = {
        { 200, "OK" }, { 204, "No Content" }, { 301, "Moved Permanently" }, { 302, "Found" }, { 304, "Not Modified" },
        { 307, "Temporary Redirect" }, { 308, "Permanent Redirect" }, { 400, "Bad Request" }, { 401, "Unauthorized" },
        { 402, "Payment Required" }, { 403, "Forbidden" }, { 404, "Not Found" }, { 405, "Method Not Allowed" },
        { 408, "Request Timeout" }, { 409, "Conflict" }, { 413, "Payload Too Large" }, { 414, "URI Too Long" },
        { 415, "Unsupported Media Type" }, { 416, "Range Not Satisfiable" }, { 417, "Expectation Failed" },
        { 429, "Too Many Requests" }, { 431, "Request Header Fields Too Large" }, { 499, "Client Closed Request" },
        { 500, "Internal Server Error" }, { 501, "Not Implemented" }, { 502, "Bad Gateway" },
        { 503, "Service Unavailable" }, { 504, "Gateway Timeout" }, { 505, "HTTP Version Not Supported" },
    };

    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
        if (reasons[i].status == status) return reasons[i].reason;
    }
    return "";
}

void plx_print_date(char *text, size_t size, time_t when)
{
    static const char *const days[] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
    static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                          "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
    struct tm t;

    gmtime_r(&when, &t); /* not strftime: the header is English whatever the locale */
    snprintf(text, size, "%s, %02d %s %04d %02d:%02d:%02d GMT", days[t.tm_wday], t.tm_mday, months[t.tm_mon],
             t.tm_year + 1900, t.tm_hour, t.tm_min, t.tm_sec);
}

void plx_common_headers_fill(plx_common_headers *common, uint64_t taken_us)
{
    plx_print_date(common->date, sizeof common->date, time(NULL));
    snprintf(common->timing, sizeof common->timing, "gfet4t7; dur=%" PRIu64, taken_us / 1000);
    common->headers[0] = (plx_header){ CASTOR_STR("vary"), CASTOR_STR("Origin, X-Origin, Referer") };
    common->headers[1] = (plx_header){ CASTOR_STR("server"), CASTOR_STR("pollux") };
    common->headers[2] = (plx_header){ CASTOR_STR("date"), castor_str_of(common->date) };
    common->headers[3] = (plx_header){ CASTOR_STR("server-timing"), castor_str_of(common->timing) };
}

castor_str plx_find_length(const plx_header *headers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (cst_str_is(headers[i].name, "content-length")) return headers[i].value;
    }
    return CST_NONE;
}
