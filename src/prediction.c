/* prediction.c -- reads a record by its likeness to the one before, without parsing what is the same.
 * SPDX-License-Identifier: MIT
 */
#include "prediction.h"

#include "json_token.h"

void cst_prediction_init(cst_prediction *prediction, const cst_allocator *allocator)
{
    *prediction = (cst_prediction){ 0 };
    cst_buf_init(&prediction->literals, allocator, CST_LITERALS_MAX);
}

void cst_prediction_free(cst_prediction *prediction)
{
    cst_buf_free(&prediction->literals);
}

/* ---- learning ---- */

bool cst_prediction_forget(cst_prediction *prediction, const cst_record *record)
{
    prediction->is_learned = false;
    if (prediction->is_off || record->data.len > CST_PREDICTED_BYTES_MAX) return false;
    if (prediction->rest > 0) {
        prediction->rest--;
        return false;
    }
    prediction->rest = prediction->unpaid < 2 ? 0 : prediction->unpaid;
    prediction->unpaid = prediction->unpaid < 2 ? prediction->unpaid + 1 : prediction->unpaid * 2;
    if (prediction->unpaid > CST_PREDICTION_REST_MAX) prediction->unpaid = CST_PREDICTION_REST_MAX;
    return true;
}

static bool is_string(cst_passing_kind kind)
{
    return kind == CST_PASSING_TEXT || kind == CST_PASSING_STRING;
}

static bool is_count(castor_str source)
{
    int64_t     value;
    const char *end = source.data + source.len;

    return cst_json_take_count(source.data, end, &value) == end;
}

/* In the order of the record. Numbers that are spelled in another way than counts are stay literal. */
static void sort_values(cst_lesson *lesson)
{
    size_t kept = 0;

    for (size_t i = 0; i < lesson->count; i++) {
        cst_passing one = lesson->passing[i];
        size_t      to = kept;
        if (!is_string(one.kind) && !is_count(one.source)) continue;
        for (; to > 0 && lesson->passing[to - 1].source.data > one.source.data; to--) {
            lesson->passing[to] = lesson->passing[to - 1];
        }
        lesson->passing[to] = one;
        kept++;
    }
    lesson->count = kept;
}

/* Literal bytes up to `end`, which may not lie in a hole (INVALID). */
static castor_status add_literal(cst_prediction *prediction, const char *from, const char *end)
{
    return from <= end ? cst_buf_append(&prediction->literals, from, (size_t)(end - from)) : CASTOR_INVALID;
}

/* Literals and holes, in their order. */
static castor_status learn_holes(cst_prediction *prediction, const cst_lesson *lesson, castor_str record)
{
    const char *at = record.data;

    prediction->literals.len = prediction->hole_count = 0;
    for (size_t i = 0; i < lesson->count; i++) {
        const cst_passing *value = &lesson->passing[i];
        castor_status      status = add_literal(prediction, at, value->source.data);
        if (status != CASTOR_OK) return status;
        prediction->holes[prediction->hole_count++] = (cst_hole){
            .kind = value->kind,
            .literal_len = (uint16_t)(value->source.data - at),
            .target = (uint16_t)value->target,
        };
        at = value->source.data + value->source.len;
    }
    return add_literal(prediction, at, record.data + record.len);
}

/* Where a byte of the record stands, by the holes. False: in one of them, or not in the record. */
static bool learn_place(const cst_lesson *lesson, castor_str record, const char *byte, cst_place *out)
{
    const char *behind = record.data;
    size_t      hole = 0;

    if (!byte || byte < record.data || byte > record.data + record.len) return false;
    for (size_t i = 0; i < lesson->count && lesson->passing[i].source.data < byte; i++) {
        behind = lesson->passing[i].source.data + lesson->passing[i].source.len;
        hole++;
    }
    *out = (cst_place){ (uint16_t)hole, (uint16_t)(byte - behind) };
    return behind <= byte;
}

static bool learn_span(const cst_lesson *lesson, castor_str record, castor_str view, cst_span *out)
{
    return view.data && learn_place(lesson, record, view.data, &out->from) &&
           learn_place(lesson, record, view.data + view.len, &out->to);
}

static bool has_text_in_hole(const cst_lesson *lesson, size_t event)
{
    for (size_t i = 0; i < lesson->count; i++) {
        if (lesson->passing[i].kind == CST_PASSING_TEXT && lesson->passing[i].target == event) return true;
    }
    return false;
}

/* Whether the event has a text and its source, and nothing else. */
static bool is_plain(const castor_event *event)
{
    castor_event copy = *event;
    castor_str  *views[CST_EVENT_VIEWS];
    size_t       present = 0;

    cst_event_views(&copy, views);
    for (size_t i = 0; i < CST_EVENT_VIEWS; i++) present += views[i]->data != NULL;
    return (event->type == CASTOR_EVENT_TEXT || event->type == CASTOR_EVENT_THOUGHT) && !event->is_partial &&
           event->text.data && event->raw.data && present == 2;
}

static bool learn_event(cst_prediction *prediction, const cst_reading *reading, size_t number)
{
    const castor_event  *event = &reading->events->items[number];
    cst_predicted_event *learned = &prediction->events[number];

    *learned = (cst_predicted_event){ .type = event->type, .candidate = event->candidate };
    return is_plain(event) && has_text_in_hole(reading->lesson, number) &&
           learn_span(reading->lesson, reading->record->data, event->raw, &learned->raw);
}

static bool learn_events(cst_prediction *prediction, const cst_reading *reading)
{
    const cst_events *events = reading->events;
    size_t            count = events->count;

    if (count > 0 && events->items[count - 1].type == CASTOR_EVENT_USAGE) count--;
    if (count == 0 || count > CST_PREDICTED_EVENTS_MAX) return false;
    for (size_t i = 0; i < count; i++) {
        if (!learn_event(prediction, reading, i)) return false;
    }
    prediction->event_count = count;
    return true;
}

static bool learn_usage(cst_prediction *prediction, const cst_reading *reading)
{
    const cst_lesson *lesson = reading->lesson;

    prediction->has_usage = lesson->usage_raw.data != NULL;
    prediction->usage = lesson->usage;
    return !prediction->has_usage ||
           learn_span(lesson, reading->record->data, lesson->usage_raw, &prediction->usage_raw);
}

static bool has_line_end(castor_str text)
{
    return memchr(text.data, '\n', text.len) != NULL || memchr(text.data, '\r', text.len) != NULL;
}

castor_status cst_prediction_learn(cst_prediction *prediction, const cst_reading *reading)
{
    cst_lesson *lesson = reading->lesson;

    if (lesson->is_refused || lesson->count == 0) return CASTOR_OK;
    sort_values(lesson);
    castor_status status = learn_holes(prediction, lesson, reading->record->data);
    if (status != CASTOR_OK) return status == CASTOR_NO_MEMORY ? status : CASTOR_OK;
    prediction->is_learned = learn_events(prediction, reading) && learn_usage(prediction, reading);
    prediction->is_one_line = !has_line_end(cst_buf_view(&prediction->literals));
    prediction->hits = 0;
    return CASTOR_OK;
}

/* ---- reading ---- */

/* PROTOCOL: something else stands there. */
static castor_status fill(cst_passing_kind kind, const char *at, const char *end, cst_arena *arena, cst_filling *out)
{
    if (is_string(kind)) {
        out->end = at;
        castor_status status = cst_json_take_string(&out->end, end, arena, &out->text);
        bool          is_missing = kind == CST_PASSING_TEXT && out->text.len == 0;
        return status == CASTOR_OK && is_missing ? CASTOR_PROTOCOL : status;
    }
    out->end = cst_json_take_count(at, end, &out->count);
    return out->end ? CASTOR_OK : CASTOR_PROTOCOL;
}

castor_status cst_prediction_match(const cst_prediction *prediction, castor_str text, cst_arena *arena, cst_match *out)
{
    const char *at = text.data, *end = at + text.len, *literal = prediction->literals.data;
    const char *literals_end = literal + prediction->literals.len;

    if (text.len > CST_PREDICTED_BYTES_MAX) end = at + CST_PREDICTED_BYTES_MAX;
    out->len = 0;
    out->fillings[0].end = at;
    for (size_t i = 0; i < prediction->hole_count; i++) {
        const cst_hole *hole = &prediction->holes[i];
        if ((size_t)(end - at) < hole->literal_len || memcmp(at, literal, hole->literal_len) != 0) return CASTOR_OK;
        literal += hole->literal_len;
        castor_status status = fill(hole->kind, at + hole->literal_len, end, arena, &out->fillings[i + 1]);
        if (status != CASTOR_OK) return status == CASTOR_PROTOCOL ? CASTOR_OK : status;
        at = out->fillings[i + 1].end;
    }
    size_t tail = (size_t)(literals_end - literal);
    if ((size_t)(end - at) < tail || memcmp(at, literal, tail) != 0) return CASTOR_OK;
    out->len = (size_t)(at - text.data) + tail;
    return CASTOR_OK;
}

static castor_str view_of(const cst_span *span, const cst_match *match)
{
    const char *from = match->fillings[span->from.hole].end + span->from.offset;

    return (castor_str){ from, (size_t)(match->fillings[span->to.hole].end + span->to.offset - from) };
}

static bool add_events(const cst_prediction *prediction, const cst_match *match, cst_events *events)
{
    for (size_t i = 0; i < prediction->event_count; i++) {
        const cst_predicted_event *expected = &prediction->events[i];
        castor_event              *event = cst_events_add(events, expected->type, expected->candidate);
        if (!event) return false;
        event->raw = view_of(&expected->raw, match);
    }
    return true;
}

/* Texts go into their events, counts into `usage`. */
static void hand_through(const cst_prediction *prediction, const cst_match *match, castor_event *events,
                         castor_usage *usage)
{
    for (size_t i = 0; i < prediction->hole_count; i++) {
        const cst_hole    *hole = &prediction->holes[i];
        const cst_filling *value = &match->fillings[i + 1];
        switch (hole->kind) {
        case CST_PASSING_TEXT: events[hole->target].text = value->text; break;
        case CST_PASSING_COUNT: *(castor_i64 *)((char *)usage + hole->target) = castor_some_i64(value->count); break;
        case CST_PASSING_NUMBER:
        case CST_PASSING_STRING:
        default: break;
        }
    }
}

castor_status cst_prediction_read(cst_prediction *prediction, const cst_match *match, cst_reading *reading)
{
    castor_usage usage = prediction->usage;

    prediction->rest = prediction->unpaid = 0;
    prediction->hits++;
    if (!add_events(prediction, match, reading->events)) return CASTOR_NO_MEMORY;
    hand_through(prediction, match, reading->events->items, &usage);
    if (!prediction->has_usage) return CASTOR_OK;
    return cst_reading_usage(reading, &usage, view_of(&prediction->usage_raw, match));
}
