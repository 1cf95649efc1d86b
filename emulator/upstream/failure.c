/* failure.c -- what goes wrong at the upstream, in the words and codes of Google's errors.
 * SPDX-License-Identifier: MIT
 */
#include "upstream/failure.h"

#include <inttypes.h>

#include "generate/encode_interaction.h"
#include "json_writer.h"
#include "proto/coded_error.h"
#include "proto/json_style.h"

enum { QUOTED_BYTES = 1024 };

bool plx_failure_unreached(plx_refusal *refusal, const plx_upstream *u, const char *why)
{
    return plx_refuse(refusal, 503, "The upstream at %s did not answer: %s.", u->host, why);
}

bool plx_failure_silent(plx_refusal *refusal, const plx_upstream *u)
{
    uint64_t waited_ms = u->silence_us / 1000;

    return plx_refuse(refusal, 504, "The upstream at %s said nothing for %" PRIu64 " ms.", u->host, waited_ms);
}

bool plx_failure_strange(plx_refusal *refusal, const plx_upstream *u, const char *what)
{
    return plx_refuse(refusal, 503, "The upstream at %s does not speak chat completions: it sent %s.", u->host, what);
}

bool plx_failure_cut(plx_refusal *refusal, const plx_upstream *u, const char *why)
{
    return plx_refuse(refusal, 503, "The upstream at %s broke off in the middle of its answer%s%s.", u->host,
                      why ? ": " : "", why ? why : "");
}

/* The client asked us, not the upstream: a key that is refused there is ours, and a redirect is no answer. */
static int code_for(int status)
{
    static const int codes[][2] = {
        { 401, 403 }, { 403, 403 }, { 404, 404 }, { 408, 504 }, { 413, 413 }, { 429, 429 }, { 500, 500 }, { 501, 501 },
        { 502, 503 }, { 503, 503 }, { 504, 504 }, { 529, 503 },
    };

    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        if (codes[i][0] == status) return codes[i][1];
    }
    return status < 400 ? 503 : status < 500 ? 400 : 500;
}

bool plx_failure_told(plx_refusal *refusal, const plx_upstream *u, int status, castor_str text, int64_t retry_after_s)
{
    char quoted[QUOTED_BYTES];

    plx_upstream_quote(u, text, quoted, sizeof quoted);
    plx_refuse(refusal, code_for(status), "The upstream at %s answered %d%s%s", u->host, status, quoted[0] ? ": " : ".",
               quoted);
    if (retry_after_s > 0 && retry_after_s <= PLX_WAIT_MS_MAX / 1000) {
        refusal->retry_after_us = castor_some_i64(retry_after_s * 1000000);
    }
    return false;
}

/* ---- in a stream ---- */

/* What stands around an error, by the stream in which it stands. */
static const struct {
    const plx_encoding *encoding;
    const char         *before;
    bool                is_narrow; /* without white space */
    plx_json_style      style;
    const char         *behind;
    const char         *end;       /* of the body */
} forms[] = {
    { &plx_gemini_events, "data: ", false, PLX_JSON_SPACED, "\r\n\r\n", "" },
    { &plx_gemini_array, ",\r\n", false, PLX_JSON_INDENTED, "\n", "]" },
    { &plx_openai_events, "data: ", true, PLX_JSON_SPACED, "\n\n", "" },
    { &plx_message_lines, "", true, PLX_JSON_SPACED, "\n", "" },
    { &plx_message_events, "data: ", false, PLX_JSON_SPACED, "\r\n\r\n", "" },
};

/* Interactions have an event for it. */
static castor_status print_coded(const plx_refusal *refusal, cst_buf *out)
{
    cst_json_writer w = cst_json_writer_to(out);
    castor_status   status = cst_buf_append_text(out, "event: error\ndata: ");

    if (status != CASTOR_OK) return status;
    cst_json_open_object(&w);
    cst_json_key(&w, "error");
    cst_json_open_object(&w);
    cst_json_put_member(&w, "code", plx_coded_error_symbol(refusal));
    cst_json_put_member(&w, "message", refusal->message);
    cst_json_close_object(&w);
    cst_json_put_member(&w, "event_type", "error");
    cst_json_close_object(&w);
    return w.status == CASTOR_OK ? cst_buf_append_text(out, "\n\n") : w.status;
}

castor_status plx_failure_print(const plx_refusal *refusal, const plx_encoding *encoding, bool is_last, cst_buf *out)
{
    cst_buf json;
    cst_buf narrow;
    size_t  i = 0;

    if (encoding == &plx_interaction_events) return print_coded(refusal, out);
    while (i + 1 < sizeof forms / sizeof forms[0] && forms[i].encoding != encoding) i++;
    cst_buf_init(&json, cst_allocator_default(), PLX_SCHEMA_BYTES_MAX);
    cst_buf_init(&narrow, cst_allocator_default(), PLX_SCHEMA_BYTES_MAX);
    castor_status status = plx_refusal_print(refusal, false, &json);
    if (status == CASTOR_OK) status = plx_json_squeeze(&narrow, cst_buf_view(&json));
    if (status == CASTOR_OK) status = cst_buf_append_text(out, forms[i].before);
    if (status == CASTOR_OK && forms[i].is_narrow) status = cst_buf_append_str(out, cst_buf_view(&narrow));
    else if (status == CASTOR_OK) status = plx_json_print_styled(out, cst_buf_view(&narrow), forms[i].style);
    if (status == CASTOR_OK) status = cst_buf_append_text(out, forms[i].behind);
    if (status == CASTOR_OK && is_last) status = cst_buf_append_text(out, forms[i].end);
    cst_buf_free(&narrow);
    cst_buf_free(&json);
    return status;
}
