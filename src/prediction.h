/* prediction.h -- reads a record by its likeness to the one before, without parsing what is the same. Pure.
 * SPDX-License-Identifier: MIT
 *
 * Successive records of an answer differ in a few passing values (see dialect.h): the text, some counts. The record that
 * was read in full last is remembered as literal bytes with holes where those stood:
 *
 *     {"candidates": [{"content": {"parts": [{"text": "<text>"}]}}],"usageMetadata": {"totalTokenCount": <count>}}
 *
 * A record with the same literal bytes, and in each hole a value of the hole's kind, is the same structure with other
 * passing values, so it comes to the same events and facts but for these. At the first byte that is anything else the
 * record is read in full, and what was remembered is forgotten. So this holds always:
 *
 *     All records since the remembered one had its shape. What it did to the facts, but for the counts, stands.
 *
 * Where records are not like each other, lessons become rare: a full reading then costs what it cost without.
 */
#ifndef CST_PREDICTION_H
#define CST_PREDICTION_H

#include "dialect.h"

/* A place in a record: so many bytes behind the hole before it, or behind the record's start (hole 0). */
typedef struct cst_place {
    uint16_t hole; /* from 1 */
    uint16_t offset;
} cst_place;

typedef struct cst_span {
    cst_place from;
    cst_place to;
} cst_span;

typedef struct cst_hole {
    cst_passing_kind kind;
    uint16_t         literal_len; /* of the bytes before it */
    uint16_t         target;      /* as of the passing value */
} cst_hole;

typedef struct cst_predicted_event {
    castor_event_type type;
    int32_t           candidate;
    cst_span          raw;
} cst_predicted_event;

typedef struct cst_prediction {
    bool                is_off;     /* every record is read in full: for comparison, and where only one comes */
    bool                is_learned;
    bool                is_one_line; /* no line end in what is remembered */
    size_t              rest;       /* records to be read before the next lesson */
    size_t              unpaid;     /* lessons since one was of use */
    size_t              hits;       /* records read since the lesson */
    cst_buf             literals;   /* all bytes but the holes */
    size_t              hole_count;
    cst_hole            holes[CST_PASSING_MAX];
    size_t              event_count; /* text and thoughts; the event of the counts comes last, if they changed */
    cst_predicted_event events[CST_PREDICTED_EVENTS_MAX];
    bool                has_usage;
    castor_usage        usage;
    cst_span            usage_raw;
} cst_prediction;

void cst_prediction_init(cst_prediction *prediction, const cst_allocator *allocator);
void cst_prediction_free(cst_prediction *prediction);

/* What stands in the holes of a record. Numbered as places are: the first is the record's start. */
typedef struct cst_filling {
    const char *end;
    castor_str  text;
    int64_t     count;
} cst_filling;

typedef struct cst_match {
    size_t      len; /* of the record; 0: it has another shape */
    cst_filling fillings[CST_PASSING_MAX + 1];
} cst_match;

/* Whether a record of the remembered shape stands at the start of `text`. Texts with escapes go into the arena. NO_MEMORY. */
castor_status cst_prediction_match(const cst_prediction *prediction, castor_str text, cst_arena *arena, cst_match *out);

/* Turns the record that was matched into events and facts, as the dialect would. NO_MEMORY. */
castor_status cst_prediction_read(cst_prediction *prediction, const cst_match *match, cst_reading *reading);

/* Forgets what was remembered: the record is to be read in full. True: that should be a lesson. */
bool cst_prediction_forget(cst_prediction *prediction, const cst_record *record);

/* Remembers the record that was just read in full, if it is of a kind that may come again. NO_MEMORY. */
castor_status cst_prediction_learn(cst_prediction *prediction, const cst_reading *reading);

#endif
