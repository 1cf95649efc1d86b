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
        if (one.kind != CST_PASSING_TEXT && !is_count(one.source)) continue;
        for (; to > 0 && lesson->passing[to - 1].source.data > one.source.data; to--) {
            lesson->passing[to] = lesson->passing[to - 1];
        }
        lesson->passing[to] = one;
        kept++;
    }
    lesson->count = kept;
}

/* Literal bytes up to `end`, which may not lie in a hole. */
static bool add_literal(cst_prediction *prediction, const char *from, const char *end)
{
    return from <= end && cst_buf_append(&prediction->literals, from, (size_t)(end - from)) == CASTOR_OK;
}

static bool learn_holes(cst_prediction *prediction, const cst_lesson *lesson, castor_str record)
{
    const char *at = record.data;

    prediction->literals.len = prediction->hole_count = 0;
    for (size_t i = 0; i < lesson->count; i++) {
        const cst_passing *value = &lesson->passing[i];
        if (!add_literal(prediction, at, value->source.data)) return false;
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

void cst_prediction_learn(cst_prediction *prediction, const cst_reading *reading)
{
    if (reading->lesson->is_refused) return;
    sort_values(reading->lesson);
    prediction->is_learned = learn_holes(prediction, reading->lesson, reading->record->data) &&
                             learn_events(prediction, reading) && learn_usage(prediction, reading);
}

/* ---- reading ---- */

/* What stands in a hole. */
typedef struct filling {
    const char *end;
    castor_str  text;
    int64_t     count;
} filling;

static bool fill(cst_passing_kind kind, const char *at, const char *end, cst_arena *arena, filling *out)
{
    if (kind == CST_PASSING_TEXT) {
        out->end = cst_json_take_string(at, end, arena, &out->text);
        return out->end != NULL && out->text.len > 0;
    }
    out->end = cst_json_take_count(at, end, &out->count);
    return out->end != NULL;
}

/* `fillings` is numbered as places are: 0 is the record's start. */
static bool match(const cst_prediction *prediction, castor_str record, cst_arena *arena, filling *fillings)
{
    const char *at = record.data, *end = at + record.len, *literal = prediction->literals.data;
    const char *literals_end = literal + prediction->literals.len;

    fillings[0].end = at;
    for (size_t i = 0; i < prediction->hole_count; i++) {
        const cst_hole *hole = &prediction->holes[i];
        if ((size_t)(end - at) < hole->literal_len || memcmp(at, literal, hole->literal_len) != 0) return false;
        literal += hole->literal_len;
        if (!fill(hole->kind, at + hole->literal_len, end, arena, &fillings[i + 1])) return false;
        at = fillings[i + 1].end;
    }
    return end - at == literals_end - literal && memcmp(at, literal, (size_t)(end - at)) == 0;
}

static castor_str view_of(const cst_span *span, const filling *fillings)
{
    const char *from = fillings[span->from.hole].end + span->from.offset;

    return (castor_str){ from, (size_t)(fillings[span->to.hole].end + span->to.offset - from) };
}

static castor_status add_events(const cst_prediction *prediction, cst_reading *reading, const filling *fillings)
{
    for (size_t i = 0; i < prediction->event_count; i++) {
        const cst_predicted_event *expected = &prediction->events[i];
        castor_event              *event = cst_events_add(reading->events, expected->type, expected->candidate);
        if (!event) return CASTOR_NO_MEMORY;
        event->raw = view_of(&expected->raw, fillings);
    }
    return CASTOR_OK;
}

/* Texts go into their events, counts into `usage`. */
static void hand_through(const cst_prediction *prediction, const filling *fillings, castor_event *events,
                         castor_usage *usage)
{
    for (size_t i = 0; i < prediction->hole_count; i++) {
        const cst_hole *hole = &prediction->holes[i];
        const filling  *value = &fillings[i + 1];
        switch (hole->kind) {
        case CST_PASSING_TEXT: events[hole->target].text = value->text; break;
        case CST_PASSING_COUNT: *(castor_i64 *)((char *)usage + hole->target) = castor_some_i64(value->count); break;
        case CST_PASSING_NUMBER:
        default: break;
        }
    }
}

static castor_status repeat(const cst_prediction *prediction, cst_reading *reading, const filling *fillings)
{
    castor_usage  usage = prediction->usage;
    castor_status status = add_events(prediction, reading, fillings);

    if (status != CASTOR_OK) return status;
    hand_through(prediction, fillings, reading->events->items, &usage);
    if (!prediction->has_usage) return CASTOR_OK;
    return cst_reading_usage(reading, &usage, view_of(&prediction->usage_raw, fillings));
}

bool cst_prediction_read(cst_prediction *prediction, cst_reading *reading)
{
    filling fillings[CST_PASSING_MAX + 1];

    if (!prediction->is_learned || reading->record->data.len > CST_PREDICTED_BYTES_MAX) return false;
    if (!match(prediction, reading->record->data, &reading->events->arena, fillings)) return false;
    if (repeat(prediction, reading, fillings) != CASTOR_OK) {
        cst_events_clear(reading->events);
        return false;
    }
    prediction->rest = prediction->unpaid = 0;
    return true;
}
