/* openai_calls.c -- the tool calls of chat completions, read whole or in fragments.
 * SPDX-License-Identifier: MIT
 */
#include "openai_calls.h"

#include "json_writer.h"
#include "tool_calls.h"

static castor_str or_absent(castor_str text)
{
    return text.len > 0 ? text : CST_NONE;
}

/* Google puts a thought signature beside the call. */
static castor_str signature_of(const cst_json *call)
{
    return cst_json_string_in(cst_json_get(cst_json_get(call, "extra_content"), "google"), "thought_signature");
}

/* Arguments are JSON in a string; some servers send the JSON itself. */
static castor_str arguments_of(cst_json_cursor function)
{
    cst_json_cursor args = cst_json_cursor_get(function, "arguments");

    switch (cst_json_type_of(args.value)) {
    case CST_JSON_STRING: return cst_json_string(args.value);
    case CST_JSON_OBJECT: return cst_json_source(args);
    case CST_JSON_ABSENT:
    case CST_JSON_NULL:
    case CST_JSON_BOOL:
    case CST_JSON_NUMBER:
    case CST_JSON_ARRAY:
    default: return CST_NONE;
    }
}

/* A call may be run when its candidate came to a natural stop and its arguments are JSON. */
static castor_status check_call(cst_reading *reading, castor_event *event, bool is_cut)
{
    cst_json_doc doc;

    cst_json_doc_init(&doc, reading->allocator);
    castor_status status = cst_json_read(&doc, event->args, NULL, NULL);
    cst_json_doc_free(&doc);
    if (status == CASTOR_NO_MEMORY) return status;
    if (status != CASTOR_OK && !is_cut) reading->facts->has_broken_call = true;
    event->is_partial = is_cut || status != CASTOR_OK;
    return CASTOR_OK;
}

/* A call that came whole: its JSON is in the record. */
static castor_status read_whole_call(cst_reading *reading, int32_t candidate, cst_json_cursor call, bool is_cut)
{
    cst_json_cursor function = cst_json_cursor_get(call, "function");
    castor_event   *event = cst_events_add(reading->events, CASTOR_EVENT_FUNCTION_CALL, candidate);
    castor_str      args = arguments_of(function);

    if (!event) return CASTOR_NO_MEMORY;
    event->id = or_absent(cst_json_string_in(call.value, "id"));
    event->name = cst_json_string_in(function.value, "name");
    event->args = args.len > 0 ? args : CASTOR_STR("{}");
    event->signature = signature_of(call.value);
    event->raw = cst_json_source(call);
    return check_call(reading, event, is_cut);
}

static castor_status read_fragment(cst_reading *reading, int32_t candidate, cst_json_cursor piece)
{
    cst_tool_calls         *calls = reading->state;
    cst_json_cursor         function = cst_json_cursor_get(piece, "function");
    const cst_tool_fragment fragment = {
        .candidate = candidate,
        .index = cst_json_integer(cst_json_get(piece.value, "index")),
        .id = cst_json_string_in(piece.value, "id"),
        .name = cst_json_string_in(function.value, "name"),
        .args = arguments_of(function),
        .extra = cst_json_source(cst_json_cursor_get(piece, "extra_content")),
        .signature = signature_of(piece.value),
    };

    cst_reading_refuse_lesson(reading); /* a call has no event before it is whole */
    calls->allocator = reading->allocator;
    return cst_tool_calls_add(calls, &fragment, reading->event_bytes_max);
}

castor_status cst_openai_calls_read(cst_reading *reading, cst_json_cursor list, cst_openai_message message)
{
    size_t        left = cst_json_count(list.value) - 1;
    castor_status status = CASTOR_OK;

    cst_tool_calls_begin_list(reading->state);
    for (cst_json_cursor call = cst_json_cursor_first(list); call.value && status == CASTOR_OK;
         call = cst_json_cursor_after(call, &left)) {
        status = message.is_whole ? read_whole_call(reading, message.candidate, call, message.is_cut)
                                  : read_fragment(reading, message.candidate, call);
    }
    return status;
}

castor_status cst_openai_calls_read_legacy(cst_reading *reading, int32_t candidate, cst_json_cursor function)
{
    cst_tool_calls         *calls = reading->state;
    const cst_tool_fragment fragment = {
        .candidate = candidate,
        .index = castor_some_i64(0),
        .name = cst_json_string_in(function.value, "name"),
        .args = arguments_of(function),
    };

    if (cst_json_type_of(function.value) != CST_JSON_OBJECT) return CASTOR_OK;
    cst_reading_refuse_lesson(reading);
    calls->allocator = reading->allocator;
    cst_tool_calls_begin_list(calls);
    return cst_tool_calls_add(calls, &fragment, reading->event_bytes_max);
}

/* ---- handing on ---- */

/* The tool_calls element as it would have stood in an answer that came whole. */
static castor_status print_call(cst_reading *reading, const cst_tool_call *call, castor_str *raw)
{
    cst_buf         text;
    cst_json_writer json = cst_json_writer_to(&text);

    cst_buf_init(&text, reading->allocator, SIZE_MAX / 2); /* bounded by the call's own parts */
    cst_json_open_object(&json);
    if (call->extra.len > 0) {
        cst_json_key(&json, "extra_content");
        cst_json_put_raw(&json, cst_buf_view(&call->extra));
    }
    cst_json_key(&json, "function");
    cst_json_open_object(&json);
    cst_json_key(&json, "arguments");
    cst_json_put_string(&json, cst_buf_view(&call->args));
    cst_json_key(&json, "name");
    cst_json_put_string(&json, cst_buf_view(&call->name));
    cst_json_close_object(&json);
    if (call->id.len > 0) {
        cst_json_key(&json, "id");
        cst_json_put_string(&json, cst_buf_view(&call->id));
    }
    cst_json_put_member(&json, "type", "function");
    cst_json_close_object(&json);
    if (json.status == CASTOR_OK) json.status = cst_arena_copy(&reading->events->arena, cst_buf_view(&text), raw);
    cst_buf_free(&text);
    return json.status;
}

/* The view of a copy that lives as long as the event; absent stays absent. */
static castor_status copy_kept(cst_reading *reading, const cst_buf *kept, castor_str *out)
{
    *out = CST_NONE;
    return kept->len > 0 ? cst_arena_copy(&reading->events->arena, cst_buf_view(kept), out) : CASTOR_OK;
}

static castor_status hand_on_call(cst_reading *reading, const cst_tool_call *call, bool is_cut)
{
    castor_event *event = cst_events_add(reading->events, CASTOR_EVENT_FUNCTION_CALL, call->candidate);

    if (!event) return CASTOR_NO_MEMORY;
    castor_status status = print_call(reading, call, &event->raw);
    if (status == CASTOR_OK) status = copy_kept(reading, &call->id, &event->id);
    if (status == CASTOR_OK) status = copy_kept(reading, &call->name, &event->name);
    if (status == CASTOR_OK) status = copy_kept(reading, &call->signature, &event->signature);
    if (status == CASTOR_OK) status = copy_kept(reading, &call->args, &event->args);
    if (status != CASTOR_OK) return status;
    if (!event->args.data) event->args = CASTOR_STR("{}");
    return check_call(reading, event, is_cut);
}

castor_status cst_openai_calls_hand_on(cst_reading *reading, int32_t candidate, bool is_cut)
{
    cst_tool_calls *calls = reading->state;
    castor_status   status = CASTOR_OK;

    for (size_t i = 0; status == CASTOR_OK && i < calls->count;) {
        if (candidate >= 0 && calls->items[i].candidate != candidate) {
            i++;
            continue;
        }
        status = hand_on_call(reading, &calls->items[i], is_cut);
        if (status == CASTOR_OK) cst_tool_calls_drop(calls, i);
    }
    return status;
}
