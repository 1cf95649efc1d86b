/* dialect.h -- the seam between the wire and the events: one table of functions for each dialect. Pure.
 * SPDX-License-Identifier: MIT
 *
 * A dialect reads records into events and facts, and prints requests. It owns no bytes: events point into the record,
 * its document, or the event arena, all of which live until the next record. What must live longer goes into the
 * facts, or into the dialect's own state (state_size bytes, zeroed, one for each answer).
 */
#ifndef CST_DIALECT_H
#define CST_DIALECT_H

#include "json_cursor.h"
#include "verdict.h"

/* ---- events of one record ---- */

typedef struct cst_events {
    castor_event        *items;
    size_t               count;
    size_t               capacity;
    cst_arena            arena;     /* for what is in no record: joined arguments, spelled numbers */
    const cst_allocator *allocator;
} cst_events;

void cst_events_init(cst_events *events, const cst_allocator *allocator);
void cst_events_free(cst_events *events);
void cst_events_clear(cst_events *events);

/* The views of an event, but for `record`; for those who must walk them all. */
enum { CST_EVENT_VIEWS = 13 };
void cst_event_views(castor_event *event, castor_str *views[CST_EVENT_VIEWS]);

/* Copies into the arena what the events from `first` on see of `bytes`, which are about to move. */
castor_status cst_events_detach(cst_events *events, size_t first, castor_str bytes);

/* In two parts, because of a struct of this size compilers make a string instruction, which is slow to begin. */
static inline void cst_event_copy(castor_event *to, const castor_event *from)
{
    memcpy(to, from, offsetof(castor_event, reserved));
    memcpy(to->reserved, from->reserved, sizeof to->reserved);
}

/* A new event at the end of the list, everything but type and candidate absent; NULL without memory. */
castor_event *cst_events_add(cst_events *events, castor_event_type type, int32_t candidate);

/* ---- lessons: what a full reading teaches about the records to come ----
 *
 * A passing value goes through the dialect as it is: any other in its place would be handed on the same way and change
 * nothing else. A dialect notes those that change from record to record, and refuses the lesson where a record does
 * more than its events and counts tell. See prediction.h.
 */

typedef enum cst_passing_kind {
    CST_PASSING_TEXT,   /* a string of at least one byte: `text` of the event of that number */
    CST_PASSING_COUNT,  /* a whole number: the field of castor_usage at that offset */
    CST_PASSING_NUMBER, /* a whole number that nobody reads */
    CST_PASSING_STRING  /* a string that nobody reads */
} cst_passing_kind;

typedef struct cst_passing {
    cst_passing_kind kind;
    size_t           target;
    castor_str       source; /* the value in the record; a string without its quotes */
} cst_passing;

typedef struct cst_lesson {
    cst_passing  passing[CST_PASSING_MAX];
    size_t       count;
    bool         is_refused;
    castor_usage usage;     /* as read, when usage_raw is there */
    castor_str   usage_raw;
} cst_lesson;

/* ---- reading ---- */

typedef struct cst_reading {
    const cst_record   *record;
    const cst_json_doc *doc;       /* the record's data, parsed */
    cst_events         *events;
    cst_facts          *facts;
    void               *state;     /* the dialect's own */
    const cst_allocator *allocator;
    size_t              event_bytes_max; /* also for what is joined from several records */
    cst_lesson         *lesson;    /* NULL: nobody learns */
} cst_reading;

/* ---- printing ---- */

typedef enum cst_auth { CST_AUTH_GOOG_KEY, CST_AUTH_BEARER } cst_auth;

typedef struct cst_wire {
    cst_buf  target; /* path and query behind the base URL, starting with '/' */
    cst_buf  body;
    cst_auth auth;
    bool     is_stream;
} cst_wire;

/* ---- the table ---- */

typedef struct cst_dialect {
    castor_dialect id;
    const char    *default_base_url;
    bool           ends_at_done;  /* "[DONE]" ends the answer; else it is somebody's habit and means nothing */
    bool           needs_finish;  /* a natural stop is always said */
    size_t         state_size;

    /* Whether a record's shape can only be this dialect's. */
    bool (*recognises)(const cst_json *record);
    /* One record that is a JSON object. */
    castor_status (*read)(cst_reading *reading);
    /* What was held back, when no record will come any more. May be NULL. */
    castor_status (*read_end)(cst_reading *reading);
    void (*free_state)(void *state);

    /* The request's target and body. INVALID names the field that the dialect cannot say. */
    castor_status (*print)(const castor_request *request, cst_wire *out, castor_error *err);
} cst_dialect;

extern const cst_dialect cst_dialect_gemini;
extern const cst_dialect cst_dialect_openai;
extern const cst_dialect cst_dialect_message;

const cst_dialect *cst_dialect_of(castor_dialect id);                /* DEFAULT: gemini; unknown: NULL */
const cst_dialect *cst_dialect_that_recognises(const cst_json *record); /* NULL: none is sure */

/* ---- what dialects share ---- */

/* Notes a finish reason and adds its event. `raw` is the candidate's JSON. */
castor_status cst_reading_finish(cst_reading *reading, int32_t candidate, castor_verdict meaning, castor_str reason,
                                 castor_str message, castor_str raw);

/* Takes new counts and adds a USAGE event when they changed. */
castor_status cst_reading_usage(cst_reading *reading, const castor_usage *usage, castor_str raw);

/* The string `key` of `object` for the text of the newest event. It passes. */
castor_str cst_reading_text(cst_reading *reading, cst_json_cursor object, const char *key);

/* The count `key` of `object` for the field of castor_usage at `target` (offsetof). It passes. */
castor_i64 cst_reading_count(cst_reading *reading, cst_json_cursor object, const char *key, size_t target);

/* The number or string `key` of `object` says nothing to us. */
void cst_reading_skip(cst_reading *reading, cst_json_cursor object, const char *key);

/* The record does something that its events do not tell. */
void cst_reading_refuse_lesson(cst_reading *reading);

/* Hands on a record that holds nothing we know, as it is. It counts as nothing to show. */
castor_status cst_reading_unknown(cst_reading *reading);

/* What a finish reason means, by a table that ends with a NULL word; FAILED for one that is not in it. */
typedef struct cst_meaning {
    const char    *word;
    castor_verdict verdict;
} cst_meaning;

castor_verdict cst_meaning_of(const cst_meaning *table, castor_str word);

/* The index of the candidate at `position` in its list: as the server gave it; 0 when it gave others their own (proto3
 * leaves out zero); its place when it gave none at all. */
int32_t cst_candidate_index(const cst_json *list, const cst_json *candidate, int32_t position);

#endif
