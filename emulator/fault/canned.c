/* canned.c -- answers that come in the place of the real one.
 * SPDX-License-Identifier: MIT
 */
#include "fault/canned.h"

#include <stdio.h>

#define JSON_TYPE "application/json; charset=UTF-8"

static castor_status print_error(int code, int64_t detail, plx_canned *out)
{
    bool          is_list = out->asked->shape == PLX_SHAPE_LIST;
    cst_buf       json;
    castor_status status;

    out->status = code;
    out->content_type = JSON_TYPE;
    cst_buf_init(&json, out->body.allocator, PLX_SCHEMA_BYTES_MAX);
    status = plx_error_print(code, detail, out->plan, out->asked, &json);
    if (status == CASTOR_OK && is_list) status = cst_buf_append_text(&out->body, "[");
    if (status == CASTOR_OK) status = plx_json_print_styled(&out->body, cst_buf_view(&json), PLX_JSON_INDENTED);
    if (status == CASTOR_OK) status = cst_buf_append_text(&out->body, is_list ? "\n]\n" : "\n");
    cst_buf_free(&json);
    return status;
}

castor_status plx_canned_status(const plx_fault *fault, plx_canned *out)
{
    return print_error((int)fault->numbers[0], fault->numbers[1], out);
}

castor_status plx_canned_unavailable(const plx_fault *fault, plx_canned *out)
{
    (void)fault;
    return print_error(503, -1, out);
}

/* As a front end, or a proxy in between, answers. */
castor_status plx_canned_html(const plx_fault *fault, plx_canned *out)
{
    int code = (int)fault->numbers[0];

    out->status = code;
    out->content_type = "text/html; charset=UTF-8";
    return cst_buf_append_format(&out->body,
                                 "<!DOCTYPE html>\n<html lang=en>\n<meta charset=utf-8>\n<title>Error %d (Server "
                                 "Error)!!1</title>\n<p><b>%d.</b> <ins>That's an error.</ins>\n<p>The server "
                                 "encountered a temporary error and could not complete your request.<p>Please try "
                                 "again in 30 seconds. <ins>That's all we know.</ins>\n</html>\n",
                                 code, code);
}

castor_status plx_canned_empty(const plx_fault *fault, plx_canned *out)
{
    out->status = (int)fault->numbers[0];
    out->content_type = strstr(out->asked->path, "alt=sse") ? "text/event-stream" : JSON_TYPE;
    return CASTOR_OK;
}

/* The path goes along, as when a whole host moves; the key does not. */
castor_status plx_canned_redirect(const plx_fault *fault, plx_canned *out)
{
    const char *url = fault->text;
    const char *scheme = strstr(url, "://");
    bool        has_path = scheme && strchr(scheme + 3, '/');

    snprintf(out->location, sizeof out->location, "%s%s", url, has_path ? "" : out->asked->path);
    out->status = (int)fault->numbers[0];
    out->content_type = "text/html; charset=UTF-8";
    out->headers[out->header_count++] = (plx_header){ CASTOR_STR("location"), castor_str_of(out->location) };
    return cst_buf_append_text(&out->body, "<!DOCTYPE html>\n<title>Moved</title>\n<p>The document has moved.\n");
}

castor_status plx_canned_empty_list(const plx_fault *fault, plx_canned *out)
{
    (void)fault;
    out->status = 200;
    out->content_type = JSON_TYPE;
    return cst_buf_append_text(&out->body, "[]\n");
}
