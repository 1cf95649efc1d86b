/* dialect.c -- the table of dialects, and what they share.
 * SPDX-License-Identifier: MIT
 */
#include "dialect.h"

static const cst_dialect *const all[] = { &cst_dialect_gemini, &cst_dialect_openai, &cst_dialect_message };

const cst_dialect *cst_dialect_of(castor_dialect id)
{
    if (id == CASTOR_DIALECT_DEFAULT) return &cst_dialect_gemini;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        if (all[i]->id == id) return all[i];
    }
    return NULL;
}

const cst_dialect *cst_dialect_that_recognises(const cst_json *record)
{
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        if (all[i]->recognises(record)) return all[i];
    }
    return NULL;
}

/* ---- events ---- */

void cst_events_init(cst_events *events, const cst_allocator *allocator)
{
    *events = (cst_events){ .allocator = allocator };
    cst_arena_init(&events->arena, allocator);
}

void cst_events_free(cst_events *events)
{
    cst_release(events->allocator, events->items);
    events->items = NULL;
    events->count = events->capacity = 0;
    cst_arena_free(&events->arena);
}

void cst_events_clear(cst_events *events)
{
    events->count = 0;
    cst_arena_rewind(&events->arena);
}

castor_event *cst_events_add(cst_events *events, castor_event_type type, int32_t candidate)
{
    static const castor_event blank = { 0 };

    if (events->count == events->capacity) {
        const cst_allocator *allocator = events->allocator;
        size_t               capacity = events->capacity ? events->capacity * 2 : 2, size = sizeof *events->items;
        castor_event        *items = cst_resize(allocator, events->items, events->capacity * size, capacity * size);
        if (!items) return NULL;
        events->items = items;
        events->capacity = capacity;
    }
    castor_event *event = &events->items[events->count++];
    cst_event_copy(event, &blank);
    event->type = type;
    event->candidate = candidate;
    return event;
}

void cst_event_views(castor_event *event, castor_str *views[CST_EVENT_VIEWS])
{
    castor_str *all_views[CST_EVENT_VIEWS] = {
        &event->text, &event->raw, &event->signature, &event->id, &event->name, &event->args, &event->mime_type,
        &event->data, &event->uri, &event->language, &event->outcome, &event->finish_reason, &event->finish_message,
    };

    memcpy(views, all_views, sizeof all_views);
}

castor_status cst_events_detach(cst_events *events, size_t first, castor_str bytes)
{
    castor_str *views[CST_EVENT_VIEWS];

    for (size_t i = first; i < events->count; i++) {
        cst_event_views(&events->items[i], views);
        for (size_t v = 0; v < CST_EVENT_VIEWS; v++) {
            if (!cst_str_lies_in(*views[v], bytes)) continue;
            castor_status status = cst_arena_copy(&events->arena, *views[v], views[v]);
            if (status != CASTOR_OK) return status;
        }
    }
    return CASTOR_OK;
}

/* ---- shared by the dialects ---- */

castor_status cst_reading_finish(cst_reading *reading, int32_t candidate, castor_verdict meaning, castor_str reason,
                                 castor_str message, castor_str raw)
{
    cst_candidate *known = NULL;

    castor_status status = cst_facts_candidate(reading->facts, candidate, &known);
    if (status == CASTOR_OK) status = cst_facts_keep(&known->reason, reason);
    if (status == CASTOR_OK) status = cst_facts_keep(&known->message, message);
    if (status == CASTOR_OK) status = cst_arena_copy(&reading->events->arena, reason, &reason); /* may be scratch */
    if (status != CASTOR_OK) return status;
    known->is_finished = true;
    known->finish = meaning;

    castor_event *event = cst_events_add(reading->events, CASTOR_EVENT_FINISH, candidate);
    if (!event) return CASTOR_NO_MEMORY;
    event->finish_reason = reason;
    event->finish_message = message;
    event->raw = raw;
    return CASTOR_OK;
}

static bool is_same(castor_i64 a, castor_i64 b)
{
    return a.is_set == b.is_set && (!a.is_set || a.value == b.value);
}

static bool is_same_usage(const castor_usage *a, const castor_usage *b)
{
    return is_same(a->prompt_tokens, b->prompt_tokens) && is_same(a->cached_tokens, b->cached_tokens) &&
           is_same(a->output_tokens, b->output_tokens) && is_same(a->thought_tokens, b->thought_tokens) &&
           is_same(a->tool_prompt_tokens, b->tool_prompt_tokens) && is_same(a->total_tokens, b->total_tokens);
}

castor_status cst_reading_usage(cst_reading *reading, const castor_usage *usage, castor_str raw)
{
    castor_usage *known = &reading->facts->usage;

    if (reading->lesson) {
        reading->lesson->usage = *usage;
        reading->lesson->usage_raw = raw;
    }
    if (is_same_usage(known, usage)) return CASTOR_OK;
    *known = *usage;

    castor_event *event = cst_events_add(reading->events, CASTOR_EVENT_USAGE, 0);
    if (!event) return CASTOR_NO_MEMORY;
    event->raw = raw;
    return CASTOR_OK;
}

/* ---- lessons ---- */

static void note_passing(cst_reading *reading, cst_passing_kind kind, size_t target, castor_str source)
{
    cst_lesson *lesson = reading->lesson;

    if (lesson->count == CST_PASSING_MAX) lesson->is_refused = true;
    else lesson->passing[lesson->count++] = (cst_passing){ kind, target, source };
}

static void note_number(cst_reading *reading, cst_passing_kind kind, size_t target, cst_json_cursor number)
{
    if (cst_json_type_of(number.value) == CST_JSON_NUMBER) note_passing(reading, kind, target, cst_json_source(number));
}

static void note_string(cst_reading *reading, cst_passing_kind kind, size_t target, cst_json_cursor string)
{
    castor_str source = cst_json_source(string); /* with its quotes */

    note_passing(reading, kind, target, (castor_str){ source.data + 1, source.len - 2 });
}

castor_str cst_reading_text(cst_reading *reading, cst_json_cursor object, const char *key)
{
    castor_str text = cst_json_string_in(object.value, key);

    if (reading->lesson && text.len > 0) {
        note_string(reading, CST_PASSING_TEXT, reading->events->count - 1, cst_json_cursor_get(object, key));
    }
    return text;
}

castor_i64 cst_reading_count(cst_reading *reading, cst_json_cursor object, const char *key, size_t target)
{
    if (reading->lesson) note_number(reading, CST_PASSING_COUNT, target, cst_json_cursor_get(object, key));
    return cst_json_integer(cst_json_get(object.value, key));
}

void cst_reading_skip(cst_reading *reading, cst_json_cursor object, const char *key)
{
    if (!reading->lesson) return;
    cst_json_cursor value = cst_json_cursor_get(object, key);
    if (cst_json_type_of(value.value) == CST_JSON_STRING) note_string(reading, CST_PASSING_STRING, 0, value);
    else note_number(reading, CST_PASSING_NUMBER, 0, value);
}

void cst_reading_refuse_lesson(cst_reading *reading)
{
    if (reading->lesson) reading->lesson->is_refused = true;
}

castor_status cst_reading_unknown(cst_reading *reading)
{
    castor_event *event = cst_events_add(reading->events, CASTOR_EVENT_OTHER, 0);

    if (!event) return CASTOR_NO_MEMORY;
    event->raw = reading->record->data;
    return CASTOR_OK;
}

castor_verdict cst_meaning_of(const cst_meaning *table, castor_str word)
{
    for (; table->word; table++) {
        if (cst_str_is(word, table->word)) return table->verdict;
    }
    return CASTOR_VERDICT_FAILED;
}

/* -1: there is none, or none that an index can be. */
static int32_t given_index(const cst_json *candidate)
{
    castor_i64 given = cst_json_integer(cst_json_get(candidate, "index"));

    return given.is_set && given.value >= 0 && given.value <= INT32_MAX ? (int32_t)given.value : -1;
}

int32_t cst_candidate_index(const cst_json *list, const cst_json *candidate, int32_t position)
{
    int32_t           given = given_index(candidate);
    cst_json_iterator others = cst_json_iterate(list);

    if (given >= 0) return given;
    for (const cst_json *other; (other = cst_json_next(&others, NULL)) != NULL;) {
        if (given_index(other) > 0) return 0;
    }
    return position;
}
