/* spoil_body.c -- the way of an answer's bytes through the faults of a plan, down to the queue of steps.
 * SPDX-License-Identifier: MIT
 *
 *     written --> parted into events, edited --> gzip --> held back --> counted; faults strike --> split --> queue
 *
 * Each stage is passed by when no fault needs it. When the body is held back, what was to strike behind an event
 * strikes behind the byte that ends it.
 */
#include <inttypes.h>
#include <stdio.h>

#include "fault/edit.h"
#include "fault/spoiler_state.h"

static castor_status pass(plx_spoiler *s, castor_str bytes);

void plx_body_init(plx_spoiler *s, const cst_allocator *allocator)
{
    cst_buf_init(&s->delayed, allocator, PLX_EVENT_BYTES_MAX);
    cst_buf_init(&s->tail, allocator, PLX_EVENT_BYTES_MAX);
    cst_buf_init(&s->held, allocator, PLX_EVENT_BYTES_MAX);
    plx_parting_init(&s->parting, allocator, PLX_FRAMING_BYTES);
}

void plx_body_free(plx_spoiler *s)
{
    cst_buf_free(&s->delayed);
    cst_buf_free(&s->tail);
    cst_buf_free(&s->held);
    plx_parting_free(&s->parting);
    plx_squeeze_free(s->squeeze);
}

/* ---- faults that strike ---- */

/* All that are due here, in the order of the plan. */
static castor_status strike_at(plx_spoiler *s, plx_place_kind kind, uint64_t number)
{
    castor_status status = CASTOR_OK;

    for (size_t i = 0; i < s->plan.count && status == CASTOR_OK && !s->is_over; i++) {
        plx_fault *fault = &s->plan.faults[i];
        if (!fault->kind->strike || s->is_struck[i]) continue;
        if (fault->place.kind != kind || fault->place.number != number) continue;
        if (kind == PLX_AT_EVENT && s->holds) {
            fault->place = (plx_place){ PLX_AT_BYTE, s->held.len };
            continue;
        }
        s->is_struck[i] = true;
        status = fault->kind->strike(fault, s);
    }
    return status;
}

/* Places that were never reached mean the end. */
static castor_status strike_at_end(plx_spoiler *s)
{
    castor_status status = CASTOR_OK;

    for (size_t i = 0; i < s->plan.count && status == CASTOR_OK && !s->is_over; i++) {
        const plx_fault *fault = &s->plan.faults[i];
        if (!fault->kind->strike || s->is_struck[i]) continue;
        s->is_struck[i] = true;
        status = fault->kind->strike(fault, s);
    }
    return status;
}

/* How many bytes may go before the next fault strikes. */
static size_t room_before_strike(const plx_spoiler *s, size_t len)
{
    size_t room = len;

    for (size_t i = 0; i < s->plan.count; i++) {
        const plx_fault *fault = &s->plan.faults[i];
        if (!fault->kind->strike || s->is_struck[i] || fault->place.kind != PLX_AT_BYTE) continue;
        if (fault->place.number <= s->byte_count) continue;
        uint64_t ahead = fault->place.number - s->byte_count;
        if (ahead < room) room = (size_t)ahead;
    }
    return room;
}

/* ---- splits ---- */

/* Whether the client is to get what stands before `at` apart from what stands there. */
static bool is_split(const plx_spoiler *s, castor_str bytes, size_t at)
{
    unsigned char before = (unsigned char)bytes.data[at - 1];
    unsigned char here = (unsigned char)bytes.data[at];

    if ((s->splits & PLX_SPLIT_UTF8) && before >= 0xC0 && (here & 0xC0) == 0x80) return true;
    if ((s->splits & PLX_SPLIT_ESCAPE) && before == '\\' && (at < 2 || bytes.data[at - 2] != '\\')) return true;
    return (s->splits & PLX_SPLIT_CRLF) && before == '\r' && here == '\n';
}

static castor_status put_piece(plx_spoiler *s, castor_str bytes, uint64_t pause_us)
{
    castor_status status = plx_spoiler_add(s, &(plx_step){ .kind = PLX_STEP_BYTES }, bytes);

    return status == CASTOR_OK && pause_us > 0 ? plx_spoiler_pause(s, pause_us) : status;
}

static castor_status put_bytes(plx_spoiler *s, castor_str bytes)
{
    castor_status status = CASTOR_OK;
    size_t        start = 0;

    for (size_t at = 1; at < bytes.len && (s->splits || s->pace_bytes) && status == CASTOR_OK; at++) {
        bool is_paced = s->pace_bytes && at - start == s->pace_bytes;
        if (!is_paced && !is_split(s, bytes, at)) continue;
        status = put_piece(s, (castor_str){ bytes.data + start, at - start },
                           is_paced ? s->pace_gap_us : PLX_SPLIT_PAUSE_US);
        start = at;
    }
    if (status != CASTOR_OK) return status;
    return put_piece(s, (castor_str){ bytes.data + start, bytes.len - start }, s->pace_bytes ? s->pace_gap_us : 0);
}

/* ---- counted ---- */

static castor_status count(plx_spoiler *s, castor_str bytes)
{
    castor_status status = strike_at(s, PLX_AT_BYTE, s->byte_count);

    while (status == CASTOR_OK && bytes.len > 0 && !s->is_over) {
        size_t room = room_before_strike(s, bytes.len);
        status = put_bytes(s, (castor_str){ bytes.data, room });
        s->byte_count += room;
        bytes = (castor_str){ bytes.data + room, bytes.len - room };
        if (status == CASTOR_OK) status = strike_at(s, PLX_AT_BYTE, s->byte_count);
    }
    return status;
}

static castor_status send_or_hold(plx_spoiler *s, castor_str bytes)
{
    return s->holds ? cst_buf_append_str(&s->held, bytes) : count(s, bytes);
}

/* ---- gzip ---- */

static castor_status squeeze(plx_spoiler *s, castor_str bytes, bool is_last)
{
    castor_status status = CASTOR_OK;

    if (!s->squeeze) s->squeeze = plx_squeeze_new();
    if (!s->squeeze) return CASTOR_NO_MEMORY;
    status = plx_squeeze_feed(s->squeeze, bytes, is_last, &s->tail);
    if (status != CASTOR_OK || s->tail.len <= s->tail_bytes) return status;
    size_t ready = s->tail.len - s->tail_bytes;
    status = send_or_hold(s, (castor_str){ s->tail.data, ready });
    cst_buf_drop_front(&s->tail, ready);
    return status;
}

static castor_status pass(plx_spoiler *s, castor_str bytes)
{
    if (s->is_over || bytes.len == 0) return CASTOR_OK;
    return s->is_squeezed ? squeeze(s, bytes, false) : send_or_hold(s, bytes);
}

castor_status plx_spoiler_emit(plx_spoiler *s, castor_str bytes)
{
    return pass(s, bytes);
}

/* ---- events ---- */

static castor_status edit_lines(const plx_spoiler *s, cst_buf *event)
{
    castor_status status = CASTOR_OK;

    for (size_t i = 0; i < s->plan.count && status == CASTOR_OK; i++) {
        const plx_fault *fault = &s->plan.faults[i];
        if (fault->kind->lines) status = fault->kind->lines(fault, event, s->record_count);
    }
    return status;
}

/* The last line end of each event goes in front of the next one, so that the last event has none. */
static castor_status pass_without_line_end(plx_spoiler *s, castor_str event)
{
    static const char *const ends[] = { "\r\n", "\n", "\r" };
    castor_status            status = pass(s, s->kept_line_end);

    s->kept_line_end = CST_NONE;
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        size_t len = strlen(ends[i]);
        if (event.len < len || memcmp(event.data + event.len - len, ends[i], len) != 0) continue;
        event.len -= len;
        s->kept_line_end = castor_str_of(ends[i]);
        break;
    }
    return status == CASTOR_OK ? pass(s, event) : status;
}

/* As Google's arrays are written: the elements parted by a comma, CR and LF. */
static castor_status pass_element(plx_spoiler *s, cst_buf *element)
{
    cst_buf       text;
    castor_status status;

    cst_buf_init(&text, element->allocator, PLX_EVENT_BYTES_MAX);
    status = cst_buf_append_text(&text, !s->has_element ? "[" : s->comma ? s->comma : ",\r\n");
    if (status == CASTOR_OK) status = cst_buf_append_str(&text, cst_buf_view(element));
    if (status == CASTOR_OK && !s->comma) status = cst_buf_append_text(&text, "\n");
    if (status == CASTOR_OK) status = pass(s, cst_buf_view(&text));
    s->has_element = true;
    cst_buf_free(&text);
    return status;
}

static castor_status pass_event(plx_spoiler *s, cst_buf *event)
{
    castor_status status = CASTOR_OK;

    if (event->len == 0) return CASTOR_OK;
    if (s->parting.framing == PLX_FRAMING_ARRAY) return pass_element(s, event);
    if (s->parting.framing != PLX_FRAMING_EVENTS) return pass(s, cst_buf_view(event));
    status = edit_lines(s, event);
    if (status != CASTOR_OK) return status;
    return s->keeps_line_end ? pass_without_line_end(s, cst_buf_view(event)) : pass(s, cst_buf_view(event));
}

static castor_status edit(plx_spoiler *s, plx_record *record)
{
    for (size_t i = 0; i < s->plan.count; i++) {
        const plx_fault *fault = &s->plan.faults[i];
        bool             has_place = fault->place.kind == PLX_AT_EVENT;
        if (!fault->kind->edit || record->bytes.len == 0) continue;
        if (has_place && (s->is_struck[i] || record->number < fault->place.number)) continue;
        castor_status status = fault->kind->edit(fault, record);
        if (status == CASTOR_INVALID) continue;
        if (status != CASTOR_OK) return status;
        s->is_struck[i] = true;
    }
    return CASTOR_OK;
}

static castor_status pass_delayed(plx_spoiler *s)
{
    castor_status status = pass_event(s, &s->delayed);

    s->delayed.len = 0;
    return status;
}

static castor_status pass_record(plx_spoiler *s, plx_record *record)
{
    castor_status status;

    if (record->is_delayed) {
        status = cst_buf_append_str(&s->delayed, cst_buf_view(&record->bytes));
    } else {
        status = pass_event(s, &record->bytes);
        if (status == CASTOR_OK) status = pass_delayed(s);
    }
    return status == CASTOR_OK ? pass_event(s, &record->after) : status;
}

static castor_status take_record(plx_spoiler *s, castor_str bytes)
{
    plx_record    record = { .framing = s->parting.framing, .number = ++s->record_count };
    castor_status status;

    cst_buf_init(&record.bytes, s->delayed.allocator, PLX_EVENT_BYTES_MAX);
    cst_buf_init(&record.after, s->delayed.allocator, PLX_EVENT_BYTES_MAX);
    status = cst_buf_append_str(&record.bytes, bytes);
    if (status == CASTOR_OK) status = edit(s, &record);
    if (status == CASTOR_OK) status = pass_record(s, &record);
    if (status == CASTOR_OK) status = strike_at(s, PLX_AT_EVENT, s->record_count);
    cst_buf_free(&record.bytes);
    cst_buf_free(&record.after);
    return status;
}

castor_status plx_body_write(plx_spoiler *s, castor_str bytes)
{
    castor_status status;
    castor_str    record;

    if (s->is_over || bytes.len == 0) return CASTOR_OK;
    if (!s->has_records) return pass(s, bytes);
    status = plx_parting_feed(&s->parting, bytes);
    while (status == CASTOR_OK && !s->is_over && plx_parting_next(&s->parting, &record)) {
        status = take_record(s, record);
    }
    return status;
}

/* ---- the beginning ---- */

static plx_framing framing_of(castor_str content_type)
{
    if (cst_str_starts_with(content_type, "text/event-stream")) return PLX_FRAMING_EVENTS;
    if (cst_str_starts_with(content_type, "application/json")) return PLX_FRAMING_JSON;
    return PLX_FRAMING_BYTES;
}

/* What the head takes to leave byte by byte, or somewhat more: timers are late, and what carries the reply adds headers
 * that are not known here. */
static uint64_t slow_head_us(const plx_spoiler *s)
{
    enum { OTHER_BYTES = 240, LATENESS_US = 2000 };
    uint64_t bytes = OTHER_BYTES;

    for (size_t i = 0; i < s->head.count; i++) {
        bytes += s->head.headers[i].name.len + s->head.headers[i].value.len + 4; /* ": ", CR, LF */
    }
    return bytes * (s->shape.gap_us + LATENESS_US);
}

static castor_status add_shape(plx_spoiler *s, const plx_shape_of_packets *shape)
{
    return plx_spoiler_add(s, &(plx_step){ .kind = PLX_STEP_SHAPE, .shape = *shape }, CST_NONE);
}

/* HTTP/2 has its headers in a frame, which comes late instead. */
static castor_status add_slow_head(plx_spoiler *s)
{
    static const plx_shape_of_packets no_shape = { 0 };
    const plx_step                    head = { .kind = PLX_STEP_HEAD };
    castor_status                     status = CASTOR_OK;

    if (!s->is_http1) {
        status = plx_spoiler_pause(s, slow_head_us(s));
        return status == CASTOR_OK ? plx_spoiler_add(s, &head, CST_NONE) : status;
    }
    status = add_shape(s, &s->shape);
    if (status == CASTOR_OK) status = plx_spoiler_add(s, &head, CST_NONE);
    if (status == CASTOR_OK) status = plx_spoiler_pause(s, slow_head_us(s));
    return status == CASTOR_OK ? add_shape(s, &no_shape) : status;
}

static castor_status add_head(plx_spoiler *s)
{
    castor_status status = CASTOR_OK;

    if (s->is_head_shape) return add_slow_head(s);
    if (s->has_shape) status = add_shape(s, &s->shape);
    return status == CASTOR_OK ? plx_spoiler_add(s, &(plx_step){ .kind = PLX_STEP_HEAD }, CST_NONE) : status;
}

static castor_status edit_head(plx_spoiler *s)
{
    castor_status status = CASTOR_OK;

    if (s->has_records || s->is_squeezed || s->has_length) plx_reply_head_remove(&s->head, "content-length");
    if (s->is_squeezed) status = plx_reply_head_set(&s->head, "content-encoding", CASTOR_STR("gzip"));
    for (size_t i = 0; i < s->plan.count && status == CASTOR_OK; i++) {
        const plx_fault *fault = &s->plan.faults[i];
        if (fault->kind->head) status = fault->kind->head(fault, &s->head);
    }
    return status;
}

castor_status plx_body_begin(plx_spoiler *s)
{
    castor_status status;

    s->parting.framing = framing_of(plx_reply_head_get(&s->head, "content-type"));
    if (s->parting.framing == PLX_FRAMING_BYTES) s->has_records = false;
    status = edit_head(s);
    if (status == CASTOR_OK) status = strike_at(s, PLX_AT_HEAD, 0);
    if (status == CASTOR_OK && !s->holds) status = add_head(s);
    if (status == CASTOR_OK) status = strike_at(s, PLX_AT_EVENT, 0);
    return status == CASTOR_OK && !s->holds ? strike_at(s, PLX_AT_BYTE, 0) : status;
}

/* ---- the end ---- */

/* What is left may be the last event, without the end that others have. */
static castor_status end_records(plx_spoiler *s)
{
    castor_str    rest = plx_parting_rest(&s->parting);
    bool          is_array = s->parting.framing == PLX_FRAMING_ARRAY;
    castor_status status = CASTOR_OK;

    if (!is_array && cst_str_trim(rest).len > 0) status = take_record(s, rest);
    else if (!is_array || s->parting.is_value) status = pass(s, rest);
    if (status == CASTOR_OK) status = pass_delayed(s);
    if (status != CASTOR_OK || !is_array || s->parting.is_value) return status;
    return pass(s, s->has_element ? CASTOR_STR("]") : CASTOR_STR("[]"));
}

static void place_percents(plx_spoiler *s)
{
    for (size_t i = 0; i < s->plan.count; i++) {
        plx_place *place = &s->plan.faults[i].place;
        if (place->kind == PLX_AT_PERCENT) *place = (plx_place){ PLX_AT_BYTE, s->held.len * place->number / 100 };
    }
}

static castor_status release(plx_spoiler *s)
{
    castor_status status = CASTOR_OK;
    char          length[32];

    place_percents(s);
    if (s->has_length) {
        int64_t told = (int64_t)s->held.len + s->length_lie;
        snprintf(length, sizeof length, "%" PRId64, told > 0 ? told : 0);
        status = plx_reply_head_set(&s->head, "content-length", castor_str_of(length));
    }
    if (status == CASTOR_OK) status = add_head(s);
    s->holds = false;
    return status == CASTOR_OK ? count(s, cst_buf_view(&s->held)) : status;
}

castor_status plx_body_end(plx_spoiler *s)
{
    castor_status status = CASTOR_OK;

    if (s->is_over) return CASTOR_OK;
    if (s->has_records) status = end_records(s);
    if (status == CASTOR_OK && s->is_squeezed) status = squeeze(s, CST_NONE, true);
    if (status == CASTOR_OK && s->holds) status = release(s);
    if (status == CASTOR_OK) status = strike_at_end(s);
    if (status != CASTOR_OK || s->is_over) return status;
    /* Over HTTP/1.1 nothing that follows on a connection whose lengths are wrong could be read. */
    return s->has_length && s->is_http1 ? plx_spoiler_abort(s, PLX_ABORT_FIN, 0) : plx_spoiler_end(s);
}
