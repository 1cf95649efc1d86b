/* answer.c -- the whole answer: a stream read to its end, its events kept.
 * SPDX-License-Identifier: MIT
 */
#include "drive.h"
#include "given.h"
#include "stream.h"

struct castor_answer {
    castor_stream *stream;
    cst_arena      arena;       /* the events' views */
    castor_event  *events;
    size_t         count;
    size_t         capacity;
    cst_buf        texts[CST_CANDIDATES_MAX];
    int32_t        candidates[CST_CANDIDATES_MAX];
    size_t         text_count;
};

void castor_answer_free(castor_answer *answer)
{
    if (!answer) return;
    cst_allocator allocator = answer->stream->allocator;

    for (size_t i = 0; i < answer->text_count; i++) cst_buf_free(&answer->texts[i]);
    cst_release(&allocator, answer->events);
    cst_arena_free(&answer->arena);
    castor_stream_close(answer->stream);
    cst_release(&allocator, answer);
}

static castor_status add_text(castor_answer *answer, const castor_event *event)
{
    size_t at = 0;

    if (event->type != CASTOR_EVENT_TEXT) return CASTOR_OK;
    while (at < answer->text_count && answer->candidates[at] != event->candidate) at++;
    if (at == CST_CANDIDATES_MAX) return CASTOR_LIMIT;
    if (at == answer->text_count) {
        cst_buf_init(&answer->texts[at], &answer->stream->allocator, CST_BODY_BYTES_MAX);
        answer->candidates[at] = event->candidate;
        answer->text_count++;
    }
    return cst_buf_append_str(&answer->texts[at], event->text);
}

/* The record that the last event stood in, and our copy of it: events of one record share it. */
typedef struct kept_record {
    uint64_t   number;
    castor_str source;
    castor_str copy;
} kept_record;

static castor_status keep_record(castor_answer *answer, const castor_event *event, kept_record *last)
{
    const castor_stream *stream = answer->stream;
    uint64_t             number = stream->attempt.decoder->facts.record_count;

    number |= (uint64_t)stream->sequel.requests << 48; /* each counts its own */

    if (last->number == number && last->source.data == event->record.data) return CASTOR_OK;
    *last = (kept_record){ .number = number, .source = event->record };
    return event->record.data ? cst_arena_copy(&answer->arena, event->record, &last->copy) : CASTOR_OK;
}

/* Copies what the event sees; views that lie in its record are moved to the copy of that, so that a large record with
 * many parts is not copied many times. */
static castor_status keep_views(castor_answer *answer, castor_event *event, const kept_record *record)
{
    castor_str *views[CST_EVENT_VIEWS];

    cst_event_views(event, views);
    for (size_t i = 0; i < CST_EVENT_VIEWS; i++) {
        if (!views[i]->data) continue;
        if (cst_str_lies_in(*views[i], record->source)) {
            views[i]->data = record->copy.data + (views[i]->data - record->source.data);
            continue;
        }
        castor_status status = cst_arena_copy(&answer->arena, *views[i], views[i]);
        if (status != CASTOR_OK) return status;
    }
    event->record = record->copy;
    return CASTOR_OK;
}

static castor_status keep_event(castor_answer *answer, const castor_event *event, kept_record *last)
{
    if (answer->count == answer->capacity) {
        const cst_allocator *allocator = &answer->stream->allocator;
        size_t               capacity = answer->capacity ? answer->capacity * 2 : 8, size = sizeof *answer->events;
        castor_event        *events = cst_resize(allocator, answer->events, answer->capacity * size, capacity * size);
        if (!events) return CASTOR_NO_MEMORY;
        answer->events = events;
        answer->capacity = capacity;
    }
    castor_event *kept = &answer->events[answer->count];
    *kept = *event;
    castor_status status = keep_record(answer, event, last);
    if (status == CASTOR_OK) status = keep_views(answer, kept, last);
    if (status == CASTOR_OK) status = add_text(answer, kept);
    if (status == CASTOR_OK) answer->count++;
    return status;
}

/* What was kept is not of the answer that comes now. */
static void discard(castor_answer *answer, kept_record *last)
{
    for (size_t i = 0; i < answer->text_count; i++) cst_buf_free(&answer->texts[i]);
    cst_arena_free(&answer->arena);
    cst_arena_init(&answer->arena, &answer->stream->allocator);
    answer->text_count = answer->count = 0;
    *last = (kept_record){ .number = 0 };
}

/* Our own failure while keeping what came: the answer ends there, and says so. */
static castor_status fail(castor_answer *answer, castor_status status, castor_error *err)
{
    castor_error failure;

    cst_fail_plainly(&failure, status);
    failure.verdict = CASTOR_VERDICT_FAILED;
    cst_stream_fail(answer->stream, &failure);
    if (err) *err = failure;
    return status;
}

static castor_status read_all(castor_answer *answer, castor_error *err)
{
    castor_error failure;
    castor_event event;
    kept_record  last_record = { 0 };
    castor_step  step;

    while ((step = castor_stream_next(answer->stream, &event, &failure)) == CASTOR_STEP_EVENT) {
        if (event.type == CASTOR_EVENT_RESTART) {
            discard(answer, &last_record);
            continue;
        }
        castor_status status = keep_event(answer, &event, &last_record);
        if (status != CASTOR_OK) return fail(answer, status, err);
    }
    if (step == CASTOR_STEP_DONE) return CASTOR_OK;
    if (err) *err = failure;
    return failure.status;
}

castor_status castor_generate(castor_answer **out, castor_client *client, const castor_request *request,
                              castor_error *err)
{
    castor_stream *stream;

    if (out) *out = NULL;
    if (!out || !client || !request) return cst_fail(err, CASTOR_INVALID, "castor_generate: an argument is NULL");
    if (client->is_attached) {
        return cst_fail(err, CASTOR_INVALID, "castor_generate would hold up the loop that the client is attached to; set "
                                             "is_unary, open a stream and listen to it");
    }
    castor_request known = CASTOR_REQUEST_INIT;
    castor_status  status = cst_given_struct(&known, request, &cst_kind_request, err);
    if (status != CASTOR_OK) return status;
    known.is_unary = 1;
    castor_answer *answer = cst_alloc_zeroed(&client->allocator, sizeof *answer);
    if (!answer) return cst_fail_plainly(err, CASTOR_NO_MEMORY);
    status = cst_drive_open(&stream, client, &known, err);
    if (status != CASTOR_OK) {
        cst_release(&client->allocator, answer);
        return status;
    }
    answer->stream = stream;
    cst_arena_init(&answer->arena, &stream->allocator);
    *out = answer;
    return read_all(answer, err);
}

castor_str castor_answer_text(const castor_answer *answer, int32_t candidate)
{
    for (size_t i = 0; answer && i < answer->text_count; i++) {
        if (answer->candidates[i] == candidate && answer->texts[i].data) return cst_buf_view(&answer->texts[i]);
    }
    return CASTOR_STR("");
}

size_t castor_answer_event_count(const castor_answer *answer)
{
    return answer ? answer->count : 0;
}

const castor_event *castor_answer_event(const castor_answer *answer, size_t index)
{
    return answer && index < answer->count ? &answer->events[index] : NULL;
}

const castor_stream *castor_answer_stream(const castor_answer *answer)
{
    return answer ? answer->stream : NULL;
}
