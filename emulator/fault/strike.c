/* strike.c -- the faults that happen at a place of an answer, and those that change how all of it leaves.
 * SPDX-License-Identifier: MIT
 */
#include "fault/strike.h"

#include "generate/pace.h"

/* ---- ends ---- */

/* RFC 9113, 7: the place in the list is the code. */
const char *const plx_http2_codes[] = {
    "no_error",      "protocol_error",      "internal_error",    "flow_control_error",  "settings_timeout",
    "stream_closed", "frame_size_error",    "refused_stream",    "cancel",              "compression_error",
    "connect_error", "enhance_your_calm",   "inadequate_security", "http_1_1_required", NULL,
};

castor_status plx_strike_reset(const plx_fault *fault, plx_spoiler *spoiler)
{
    uint32_t code = fault->numbers[0] >= 0 ? (uint32_t)fault->numbers[0] : 0;

    return plx_spoiler_abort(spoiler, PLX_ABORT_RESET, code);
}

castor_status plx_strike_cut(const plx_fault *fault, plx_spoiler *spoiler)
{
    (void)fault;
    return plx_spoiler_abort(spoiler, PLX_ABORT_FIN, 0);
}

castor_status plx_strike_silent(const plx_fault *fault, plx_spoiler *spoiler)
{
    (void)fault;
    return plx_spoiler_abort(spoiler, PLX_ABORT_SILENT, 0);
}

castor_status plx_strike_goaway(const plx_fault *fault, plx_spoiler *spoiler)
{
    return plx_spoiler_abort(spoiler, PLX_ABORT_GOAWAY, (uint32_t)fault->numbers[0]);
}

castor_status plx_strike_stall(const plx_fault *fault, plx_spoiler *spoiler)
{
    bool is_forever = fault->numbers[0] == PLX_FAULT_NEVER;

    return plx_spoiler_pause(spoiler, is_forever ? UINT64_MAX : (uint64_t)fault->numbers[0] * 1000);
}

castor_status plx_strike_bad_chunk(const plx_fault *fault, plx_spoiler *spoiler)
{
    castor_status status = plx_spoiler_raw(spoiler, castor_str_of(fault->text));

    if (status == CASTOR_OK) status = plx_spoiler_raw(spoiler, CASTOR_STR("\r\n"));
    return status == CASTOR_OK ? plx_spoiler_abort(spoiler, PLX_ABORT_FIN, 0) : status;
}

/* ---- bytes that do not belong ---- */

castor_status plx_strike_bom(const plx_fault *fault, plx_spoiler *spoiler)
{
    (void)fault;
    return plx_spoiler_emit(spoiler, CASTOR_STR("\xef\xbb\xbf"));
}

castor_status plx_strike_done(const plx_fault *fault, plx_spoiler *spoiler)
{
    (void)fault;
    return plx_spoiler_emit(spoiler, CASTOR_STR("data: [DONE]\r\n\r\n"));
}

castor_status plx_strike_garbage(const plx_fault *fault, plx_spoiler *spoiler)
{
    plx_chance    chance = { (uint64_t)fault->numbers[1] };
    castor_status status = CASTOR_OK;
    char          bytes[1024];

    for (int64_t left = fault->numbers[0]; left > 0 && status == CASTOR_OK; left -= (int64_t)sizeof bytes) {
        size_t len = left < (int64_t)sizeof bytes ? (size_t)left : sizeof bytes;
        for (size_t i = 0; i < len; i++) bytes[i] = (char)(unsigned char)(plx_chance_next(&chance) >> 56);
        status = plx_spoiler_emit(spoiler, (castor_str){ bytes, len });
    }
    return status;
}

/* ---- errors in mid-stream ---- */

enum { AS_EVENT, AS_INDENTED, AS_LINE, AS_LIST, AS_TRACED, AS_CLOSED };
const char *const plx_error_forms[] = { "event", "indented", "line", "list", "traced", "closed", NULL };

/* Puts `json` between two texts, in a style. */
static castor_status put_styled(cst_buf *out, const char *before, castor_str json, plx_json_style style,
                                const char *behind)
{
    castor_status status = cst_buf_append_text(out, before);

    if (status == CASTOR_OK) status = plx_json_print_styled(out, json, style);
    return status == CASTOR_OK ? cst_buf_append_text(out, behind) : status;
}

/* As the framing has its events; an array is closed behind it. */
static castor_status put_error_event(cst_buf *out, castor_str json, const plx_spoiler *spoiler, const char *before)
{
    switch (plx_spoiler_framing(spoiler)) {
    case PLX_FRAMING_ARRAY: return put_styled(out, ",\r\n", json, PLX_JSON_INDENTED, "\n]");
    case PLX_FRAMING_EVENTS: return put_styled(out, before, json, PLX_JSON_SPACED, "\r\n\r\n");
    default: return put_styled(out, "", json, PLX_JSON_SPACED, "\n");
    }
}

static castor_status put_error(cst_buf *out, castor_str json, int64_t form, const plx_spoiler *spoiler)
{
    bool is_named = plx_spoiler_asked(spoiler)->shape == PLX_SHAPE_CODED;

    switch (form) {
    case AS_INDENTED: return put_styled(out, "", json, PLX_JSON_INDENTED, "\n");
    case AS_LINE: return put_styled(out, "", json, PLX_JSON_SPACED, "\n");
    case AS_LIST: return put_styled(out, "[", json, PLX_JSON_INDENTED, "\n]\n");
    default: return put_error_event(out, json, spoiler, is_named ? "event: error\r\ndata: " : "data: ");
    }
}

/* {"trace":"...","error":{...}}: the first key is not the one that many look for. */
static castor_status add_trace(cst_buf *json)
{
    cst_buf       traced;
    castor_status status;

    cst_buf_init(&traced, json->allocator, json->max);
    status = cst_buf_append_text(&traced, "{\"trace\":\"pollux\",");
    if (status == CASTOR_OK) status = cst_buf_append(&traced, json->data + 1, json->len - 1);
    cst_buf_free(json);
    *json = traced;
    return status;
}

castor_status plx_strike_error(const plx_fault *fault, plx_spoiler *spoiler)
{
    cst_buf       json, text;
    castor_status status;

    if (fault->numbers[0] == AS_CLOSED) return plx_spoiler_abort(spoiler, PLX_ABORT_FIN, 0);
    cst_buf_init(&json, cst_allocator_default(), PLX_SCHEMA_BYTES_MAX);
    cst_buf_init(&text, cst_allocator_default(), PLX_SCHEMA_BYTES_MAX);
    status = plx_error_print((int)fault->numbers[1], -1, plx_spoiler_plan(spoiler), plx_spoiler_asked(spoiler), &json);
    if (status == CASTOR_OK && fault->numbers[0] == AS_TRACED) status = add_trace(&json);
    if (status == CASTOR_OK) status = put_error(&text, cst_buf_view(&json), fault->numbers[0], spoiler);
    if (status == CASTOR_OK) status = plx_spoiler_emit(spoiler, cst_buf_view(&text));
    cst_buf_free(&json);
    cst_buf_free(&text);
    return status == CASTOR_OK ? plx_spoiler_end(spoiler) : status;
}

/* ---- how all of it leaves ---- */

void plx_prepare_slow_head(const plx_fault *fault, plx_spoiler *spoiler)
{
    plx_shape_of_packets shape = { .bytes_max = 1, .gap_us = (uint32_t)(fault->numbers[0] * 1000) };

    plx_spoiler_shape(spoiler, &shape, true);
}

void plx_prepare_slow(const plx_fault *fault, plx_spoiler *spoiler)
{
    plx_spoiler_pace(spoiler, (size_t)fault->numbers[1], (uint64_t)fault->numbers[0] * 1000);
}

void plx_prepare_bytewise(const plx_fault *fault, plx_spoiler *spoiler)
{
    plx_shape_of_packets shape = { .bytes_max = 1, .gap_us = (uint32_t)fault->numbers[0] };

    plx_spoiler_shape(spoiler, &shape, false);
}

void plx_prepare_packets(const plx_fault *fault, plx_spoiler *spoiler)
{
    plx_shape_of_packets shape = { .bytes_max = (size_t)fault->numbers[0], .gap_us = (uint32_t)fault->numbers[1] };

    plx_spoiler_shape(spoiler, &shape, false);
}

void plx_prepare_random_packets(const plx_fault *fault, plx_spoiler *spoiler)
{
    plx_shape_of_packets shape = { .bytes_max = (size_t)fault->numbers[1], .is_random = true,
                                   .seed = (uint64_t)fault->numbers[0] };

    plx_spoiler_shape(spoiler, &shape, false);
}

const char *const plx_split_names[] = { "utf8", "escape", "crlf", NULL };

void plx_prepare_split(const plx_fault *fault, plx_spoiler *spoiler)
{
    static const plx_split splits[] = { PLX_SPLIT_UTF8, PLX_SPLIT_ESCAPE, PLX_SPLIT_CRLF };

    plx_spoiler_split(spoiler, splits[fault->numbers[0]]);
}

void plx_prepare_gzip(const plx_fault *fault, plx_spoiler *spoiler)
{
    plx_spoiler_squeeze(spoiler, fault->numbers[0] > 0 ? (size_t)fault->numbers[0] : 0);
}

void plx_prepare_length(const plx_fault *fault, plx_spoiler *spoiler)
{
    plx_spoiler_lie_about_length(spoiler, fault->numbers[0]);
}

void plx_prepare_chunk_extensions(const plx_fault *fault, plx_spoiler *spoiler)
{
    (void)fault;
    plx_spoiler_extend_chunks(spoiler);
}

void plx_prepare_no_blank_line(const plx_fault *fault, plx_spoiler *spoiler)
{
    (void)fault;
    plx_spoiler_leave_last_line_open(spoiler);
}

void plx_prepare_commas(const plx_fault *fault, plx_spoiler *spoiler)
{
    static const char *const commas[] = { ",", "\n,\r\n\n", " \t , \r\n " };

    plx_spoiler_part_elements(spoiler, commas[fault->numbers[0]]);
}

/* What came already is of no use without an answer, so none is given. */
void plx_prepare_no_window(const plx_fault *fault, plx_spoiler *spoiler)
{
    (void)fault;
    plx_spoiler_close_window(spoiler);
}
