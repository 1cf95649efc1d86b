/* dialect_openai.c -- chat completions, of Google and of every compatible server.
 * SPDX-License-Identifier: MIT
 *
 * Source: OpenAI API reference, "Chat Completions" and its streaming chunks; Google, "OpenAI compatibility". Legacy
 * completions (`text` in place of a message) are read too. Tool calls come as fragments and are handed on whole, when
 * their candidate finishes.
 */
#include "dialect.h"

#include "error.h"
#include "request.h"
#include "tool_calls.h"

static const cst_meaning finish_meanings[] = {
    { "stop", CASTOR_VERDICT_COMPLETE },
    { "tool_calls", CASTOR_VERDICT_COMPLETE },
    { "function_call", CASTOR_VERDICT_COMPLETE },
    { "STOP", CASTOR_VERDICT_COMPLETE }, /* compatible servers pass on what their model says */
    { "eos", CASTOR_VERDICT_COMPLETE },
    { "end_turn", CASTOR_VERDICT_COMPLETE },
    { "length", CASTOR_VERDICT_MAX_TOKENS },
    { "MAX_TOKENS", CASTOR_VERDICT_MAX_TOKENS },
    { "content_filter", CASTOR_VERDICT_BLOCKED },
    { "function_call_filter", CASTOR_VERDICT_MALFORMED },
    { "SAFETY", CASTOR_VERDICT_BLOCKED },
    { "RECITATION", CASTOR_VERDICT_BLOCKED },
    { NULL, CASTOR_VERDICT_FAILED },
};

/* Google names what was filtered behind a colon: "content_filter: SAFETY", "function_call_filter: ...". */
static castor_verdict meaning_of(castor_str reason)
{
    const char *colon = reason.len ? memchr(reason.data, ':', reason.len) : NULL;

    if (colon) reason.len = (size_t)(colon - reason.data);
    return cst_meaning_of(finish_meanings, reason);
}

/* ---- reading ---- */

static bool recognises(const cst_json *record)
{
    return cst_json_get(record, "choices") != NULL;
}

static castor_status add_text(cst_reading *reading, castor_event_type type, int32_t candidate, castor_str text,
                              castor_str raw)
{
    if (text.len == 0) return CASTOR_OK;
    castor_event *event = cst_events_add(reading->events, type, candidate);
    if (!event) return CASTOR_NO_MEMORY;
    event->text = text;
    event->raw = raw;
    return CASTOR_OK;
}

/* The same for the string `key` of `message`: what changes from delta to delta. */
static castor_status add_passing_text(cst_reading *reading, castor_event_type type, int32_t candidate,
                                      cst_json_cursor message, const char *key)
{
    if (cst_json_string_in(message.value, key).len == 0) return CASTOR_OK;
    castor_event *event = cst_events_add(reading->events, type, candidate);
    if (!event) return CASTOR_NO_MEMORY;
    event->text = cst_reading_text(reading, message, key);
    event->raw = cst_json_source(message);
    return CASTOR_OK;
}

/* Mistral sends content as a list of typed pieces, thoughts as lists in lists. */
static castor_status read_content_list(cst_reading *reading, int32_t candidate, const cst_json *list, castor_str raw)
{
    castor_status     status = CASTOR_OK;
    cst_json_iterator pieces = cst_json_iterate(list);

    for (const cst_json *piece; status == CASTOR_OK && (piece = cst_json_next(&pieces, NULL)) != NULL;) {
        cst_json_iterator thoughts = cst_json_iterate(cst_json_get(piece, "thinking"));
        status = add_text(reading, CASTOR_EVENT_TEXT, candidate, cst_json_string_in(piece, "text"), raw);
        for (const cst_json *thought; status == CASTOR_OK && (thought = cst_json_next(&thoughts, NULL)) != NULL;) {
            status = add_text(reading, CASTOR_EVENT_THOUGHT, candidate, cst_json_string_in(thought, "text"), raw);
        }
    }
    return status;
}

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

/* Hands on the calls of one candidate, or of all (-1), in the order in which they began. */
static castor_status hand_on_calls(cst_reading *reading, int32_t candidate, bool is_cut)
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

/* What is known of the message that a delta or a whole answer brings. */
typedef struct message_kind {
    int32_t candidate;
    bool    is_whole; /* its calls come in one piece */
    bool    is_cut;   /* it ended for a reason that is no stop: its last call may lack its tail */
} message_kind;

static castor_status read_tool_calls(cst_reading *reading, cst_json_cursor list, message_kind kind)
{
    size_t        left = cst_json_count(list.value) - 1;
    castor_status status = CASTOR_OK;

    cst_tool_calls_begin_list(reading->state);
    for (cst_json_cursor call = cst_json_cursor_first(list); call.value && status == CASTOR_OK;
         call = cst_json_cursor_after(call, &left)) {
        status = kind.is_whole ? read_whole_call(reading, kind.candidate, call, kind.is_cut)
                               : read_fragment(reading, kind.candidate, call);
    }
    return status;
}

/* The one call of the time before tool_calls: {"function_call":{"name","arguments"}}. */
static castor_status read_legacy_call(cst_reading *reading, int32_t candidate, cst_json_cursor function)
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

/* Spoken answers: the bytes are media, the transcript is kept as it came. */
static castor_status read_audio(cst_reading *reading, int32_t candidate, cst_json_cursor audio)
{
    castor_str        data = cst_json_string_in(audio.value, "data");
    castor_event_type type = data.data ? CASTOR_EVENT_MEDIA : CASTOR_EVENT_OTHER;

    if (cst_json_type_of(audio.value) != CST_JSON_OBJECT) return CASTOR_OK;
    castor_event *event = cst_events_add(reading->events, type, candidate);
    if (!event) return CASTOR_NO_MEMORY;
    event->data = data;
    event->mime_type = data.data ? CASTOR_STR("audio/pcm") : CST_NONE;
    event->raw = cst_json_source(audio);
    return CASTOR_OK;
}

static castor_status read_refusal(cst_reading *reading, int32_t candidate, cst_json_cursor refusal)
{
    if (cst_json_string(refusal.value).len == 0) return CASTOR_OK;
    castor_event *event = cst_events_add(reading->events, CASTOR_EVENT_OTHER, candidate);
    if (!event) return CASTOR_NO_MEMORY;
    event->raw = cst_json_source(refusal);
    return CASTOR_OK;
}

/* A delta of a stream, or the message of a whole answer. */
static castor_status read_message(cst_reading *reading, cst_json_cursor message, message_kind kind)
{
    int32_t         candidate = kind.candidate;
    const cst_json *content = cst_json_get(message.value, "content");
    cst_json_cursor legacy_call = cst_json_cursor_get(message, "function_call");
    cst_json_cursor calls = cst_json_cursor_get(message, "tool_calls");
    castor_str      raw = cst_json_source(message);
    bool            has_long_key = cst_json_string_in(message.value, "reasoning_content").data != NULL;

    castor_status status = add_passing_text(reading, CASTOR_EVENT_THOUGHT, candidate, message,
                                            has_long_key ? "reasoning_content" : "reasoning");
    if (status == CASTOR_OK && cst_json_type_of(content) == CST_JSON_ARRAY) {
        status = read_content_list(reading, candidate, content, raw);
    } else if (status == CASTOR_OK) {
        status = add_passing_text(reading, CASTOR_EVENT_TEXT, candidate, message, "content");
    }
    if (status == CASTOR_OK) status = read_refusal(reading, candidate, cst_json_cursor_get(message, "refusal"));
    if (status == CASTOR_OK) status = read_audio(reading, candidate, cst_json_cursor_get(message, "audio"));
    if (status == CASTOR_OK) status = read_legacy_call(reading, candidate, legacy_call);
    if (status == CASTOR_OK) status = read_tool_calls(reading, calls, kind);
    return status;
}

/* Some servers say the same thing in several places; the delta is what is new. */
static castor_status read_news(cst_reading *reading, cst_json_cursor choice, int32_t candidate, bool is_cut)
{
    cst_json_cursor delta = cst_json_cursor_get(choice, "delta"), message = cst_json_cursor_get(choice, "message");

    if (cst_json_type_of(delta.value) == CST_JSON_OBJECT) {
        return read_message(reading, delta, (message_kind){ candidate, false, is_cut });
    }
    if (cst_json_type_of(message.value) == CST_JSON_OBJECT) {
        return read_message(reading, message, (message_kind){ candidate, true, is_cut });
    }
    return add_passing_text(reading, CASTOR_EVENT_TEXT, candidate, choice, "text");
}

static castor_status read_choice(cst_reading *reading, const cst_json *list, cst_json_cursor choice, int32_t position)
{
    int32_t        candidate = cst_candidate_index(list, choice.value, position);
    castor_str     reason = cst_json_string_in(choice.value, "finish_reason");
    castor_verdict meaning = meaning_of(reason);
    bool           is_cut = reason.len > 0 && meaning != CASTOR_VERDICT_COMPLETE;

    castor_status status = cst_facts_candidate(reading->facts, candidate, NULL);
    if (status == CASTOR_OK) status = read_news(reading, choice, candidate, is_cut);
    if (status != CASTOR_OK || reason.len == 0) return status;

    status = hand_on_calls(reading, candidate, is_cut);
    if (status != CASTOR_OK) return status;
    return cst_reading_finish(reading, candidate, meaning, reason, CST_NONE, cst_json_source(choice));
}

static castor_status read_choices(cst_reading *reading, cst_json_cursor choices)
{
    size_t        left = cst_json_count(choices.value) - 1;
    int32_t       position = 0;
    castor_status status = CASTOR_OK;

    for (cst_json_cursor choice = cst_json_cursor_first(choices); choice.value && status == CASTOR_OK;
         choice = cst_json_cursor_after(choice, &left)) {
        status = read_choice(reading, choices.value, choice, position++);
    }
    return status;
}

/* OpenAI counts thoughts inside completion_tokens, Google beside them: the total tells which. */
static castor_i64 answer_tokens(const castor_usage *counts, castor_i64 completion)
{
    castor_i64 prompt = counts->prompt_tokens, thoughts = counts->thought_tokens, total = counts->total_tokens;
    bool       is_known = prompt.is_set && completion.is_set && thoughts.is_set && total.is_set;

    if (!is_known || total.value - prompt.value != completion.value) return completion;
    return thoughts.value > completion.value ? completion : castor_some_i64(completion.value - thoughts.value);
}

static castor_status read_usage(cst_reading *reading, cst_json_cursor usage)
{
    const cst_json *prompt_details = cst_json_get(usage.value, "prompt_tokens_details");
    const cst_json *completion_details = cst_json_get(usage.value, "completion_tokens_details");
    castor_usage    counts = {
        .prompt_tokens = cst_json_integer(cst_json_get(usage.value, "prompt_tokens")),
        .cached_tokens = cst_json_integer(cst_json_get(prompt_details, "cached_tokens")),
        .thought_tokens = cst_json_integer(cst_json_get(completion_details, "reasoning_tokens")),
        .total_tokens = cst_json_integer(cst_json_get(usage.value, "total_tokens")),
    };

    if (cst_json_type_of(usage.value) != CST_JSON_OBJECT) return CASTOR_OK;
    counts.output_tokens = answer_tokens(&counts, cst_json_integer(cst_json_get(usage.value, "completion_tokens")));
    return cst_reading_usage(reading, &counts, cst_json_source(usage));
}

static castor_status read_record(cst_reading *reading)
{
    cst_json_cursor root = cst_json_cursor_at_root(reading->doc, reading->record->data);
    cst_json_cursor choices = cst_json_cursor_get(root, "choices"), usage = cst_json_cursor_get(root, "usage");
    castor_str      kind = cst_json_string_in(root.value, "object"), model = cst_json_string_in(root.value, "model");
    cst_facts      *facts = reading->facts;

    castor_status status = cst_facts_keep(&facts->response_id, cst_json_string_in(root.value, "id"));
    if (status == CASTOR_OK) status = cst_facts_keep(&facts->model_version, model);
    cst_reading_skip(reading, root, "created");
    cst_reading_skip(reading, root, "obfuscation"); /* random, so that the lengths of records do not tell the text */
    if (status == CASTOR_OK) status = read_choices(reading, choices);
    if (status == CASTOR_OK) status = read_usage(reading, usage);
    bool is_known = choices.value || usage.value || cst_str_starts_with(kind, "chat.completion");
    return status == CASTOR_OK && !is_known ? cst_reading_unknown(reading) : status;
}

/* Calls whose candidate never finished may lack their tail. */
static castor_status read_end(cst_reading *reading)
{
    return hand_on_calls(reading, -1, true);
}

static void free_state(void *state)
{
    cst_tool_calls_free(state);
}

/* ---- printing ---- */

static void print_text_piece(cst_json_writer *json, castor_str text)
{
    cst_json_open_object(json);
    cst_json_put_member(json, "type", "text");
    cst_json_key(json, "text");
    cst_json_put_string(json, text);
    cst_json_close_object(json);
}

static void print_image(cst_json_writer *json, const castor_part *part)
{
    char prefix[256] = "data:";

    cst_json_open_object(json);
    cst_json_put_member(json, "type", "image_url");
    cst_json_key(json, "image_url");
    cst_json_open_object(json);
    if (part->type == CASTOR_PART_FILE) {
        cst_json_put_member(json, "url", part->file_uri);
    } else {
        cst_copy_text(prefix + strlen("data:"), 128, castor_str_of(part->mime_type));
        strcat(prefix, ";base64,");
        cst_json_key(json, "url");
        cst_json_put_base64(json, castor_str_of(prefix), part->data);
    }
    cst_json_close_object(json);
    cst_json_close_object(json);
}

static bool is_of_kind(const char *mime_type, const char *kind)
{
    return cst_str_starts_with(castor_str_of(mime_type), kind);
}

static bool is_audio(const castor_part *part)
{
    return part->type == CASTOR_PART_DATA && is_of_kind(part->mime_type, "audio/");
}

static void print_audio(cst_json_writer *json, const castor_part *part)
{
    cst_json_open_object(json);
    cst_json_put_member(json, "type", "input_audio");
    cst_json_key(json, "input_audio");
    cst_json_open_object(json);
    cst_json_key(json, "data");
    cst_json_put_base64(json, CST_NONE, part->data);
    cst_json_put_member(json, "format", part->mime_type + strlen("audio/"));
    cst_json_close_object(json);
    cst_json_close_object(json);
}

static bool is_piece(const castor_part *part)
{
    return part->type == CASTOR_PART_TEXT || part->type == CASTOR_PART_DATA || part->type == CASTOR_PART_FILE;
}

static void print_piece(cst_json_writer *json, const castor_part *part)
{
    if (part->type == CASTOR_PART_TEXT) print_text_piece(json, part->text);
    else if (is_audio(part)) print_audio(json, part);
    else print_image(json, part);
}

static void print_content(cst_json_writer *json, const castor_turn *turn)
{
    size_t pieces = 0;

    for (size_t i = 0; i < turn->part_count; i++) pieces += is_piece(&turn->parts[i]);
    if (pieces == 0 && turn->text.len == 0) return;
    cst_json_key(json, "content");
    if (pieces == 0) { /* the plain form, which every server takes */
        cst_json_put_string(json, turn->text);
        return;
    }
    cst_json_open_array(json);
    if (turn->text.len > 0) print_text_piece(json, turn->text);
    for (size_t i = 0; i < turn->part_count; i++) {
        if (is_piece(&turn->parts[i])) print_piece(json, &turn->parts[i]);
    }
    cst_json_close_array(json);
}

static void print_calls(cst_json_writer *json, const castor_turn *turn)
{
    bool has_calls = false;

    for (size_t i = 0; i < turn->part_count; i++) has_calls |= turn->parts[i].type == CASTOR_PART_RAW;
    if (!has_calls) return;
    cst_json_key(json, "tool_calls");
    cst_json_open_array(json);
    for (size_t i = 0; i < turn->part_count; i++) {
        if (turn->parts[i].type == CASTOR_PART_RAW) cst_json_put_raw(json, turn->parts[i].raw);
    }
    cst_json_close_array(json);
}

/* Each function result is a message of its own, before what the user says beside it. */
static void print_results(cst_json_writer *json, const castor_turn *turn)
{
    for (size_t i = 0; i < turn->part_count; i++) {
        const castor_part *part = &turn->parts[i];
        if (part->type != CASTOR_PART_FUNCTION_RESULT) continue;
        cst_json_open_object(json);
        cst_json_put_member(json, "role", "tool");
        cst_json_put_member(json, "tool_call_id", part->id ? part->id : "");
        cst_json_put_member(json, "name", part->name);
        cst_json_key(json, "content");
        cst_json_put_string(json, part->text);
        cst_json_close_object(json);
    }
}

static bool has_message(const castor_turn *turn)
{
    bool has = turn->text.len > 0;

    for (size_t i = 0; i < turn->part_count; i++) has |= turn->parts[i].type != CASTOR_PART_FUNCTION_RESULT;
    return has;
}

static void print_turn(cst_json_writer *json, const castor_turn *turn)
{
    print_results(json, turn);
    if (!has_message(turn)) return;
    cst_json_open_object(json);
    cst_json_put_member(json, "role", turn->role == CASTOR_MODEL ? "assistant" : "user");
    print_content(json, turn);
    print_calls(json, turn);
    cst_json_close_object(json);
}

static void print_format(cst_json_writer *json, const castor_request *request)
{
    bool has_schema = cst_request_wants_schema(request);

    if (!has_schema && !request->response_mime_type) return;
    if (!has_schema && strcmp(request->response_mime_type, "application/json") != 0) return; /* text is the default */
    cst_json_key(json, "response_format");
    cst_json_open_object(json);
    cst_json_put_member(json, "type", has_schema ? "json_schema" : "json_object");
    if (has_schema) {
        cst_json_key(json, "json_schema");
        cst_json_open_object(json);
        cst_json_put_member(json, "name", "response");
        cst_json_key(json, "schema");
        cst_json_put_raw(json, request->response_schema);
        cst_json_close_object(json);
    }
    cst_json_close_object(json);
}

static void print_settings(cst_json_writer *json, const castor_request *request)
{
    cst_json_put_fraction(json, "temperature", request->temperature);
    cst_json_put_fraction(json, "top_p", request->top_p);
    cst_json_put_count(json, "max_tokens", request->max_output_tokens);
    cst_json_put_count(json, "n", request->candidate_count);
    cst_json_put_count(json, "seed", request->seed);
    cst_json_put_member(json, "reasoning_effort", request->thinking_level);
    if (request->stop_sequence_count > 0) {
        cst_json_key(json, "stop");
        cst_json_open_array(json);
        for (size_t i = 0; i < request->stop_sequence_count; i++) {
            cst_json_put_string(json, castor_str_of(request->stop_sequences[i]));
        }
        cst_json_close_array(json);
    }
    print_format(json, request);
    if (request->tools_json.len > 0) {
        cst_json_key(json, "tools");
        cst_json_put_raw(json, request->tools_json);
    }
}

static castor_status print_body(const castor_request *request, bool is_stream, cst_buf *body)
{
    cst_json_writer json = cst_json_writer_to(body);

    cst_json_open_object(&json);
    cst_json_put_member(&json, "model", request->model);
    cst_json_key(&json, "messages");
    cst_json_open_array(&json);
    if (request->system_instruction.len > 0) {
        cst_json_open_object(&json);
        cst_json_put_member(&json, "role", "system");
        cst_json_key(&json, "content");
        cst_json_put_string(&json, request->system_instruction);
        cst_json_close_object(&json);
    }
    for (size_t i = 0; i < request->turn_count; i++) print_turn(&json, &request->turns[i]);
    cst_json_close_array(&json);
    if (is_stream) {
        cst_json_key(&json, "stream");
        cst_json_put_bool(&json, true);
        cst_json_key(&json, "stream_options");
        cst_json_put_raw(&json, CASTOR_STR("{\"include_usage\":true}"));
    }
    print_settings(&json, request);
    cst_json_close_object(&json);
    return json.status;
}

/* A raw part goes back as a tool call; it must be one. */
static bool is_raw_call(const castor_part *part, const cst_allocator *allocator)
{
    cst_json_doc doc;

    cst_json_doc_init(&doc, allocator);
    bool is_call = cst_json_read(&doc, part->raw, NULL, NULL) == CASTOR_OK &&
                   cst_json_get(cst_json_root(&doc), "function") != NULL;
    cst_json_doc_free(&doc);
    return is_call;
}

static const char *unsayable_part(const castor_part *part, const cst_allocator *allocator)
{
    bool is_media = part->type == CASTOR_PART_DATA || part->type == CASTOR_PART_FILE;

    if (part->type == CASTOR_PART_RAW && !is_raw_call(part, allocator)) return "raw part but a tool call";
    if (!is_media || !part->mime_type || is_of_kind(part->mime_type, "image/")) return NULL;
    if (part->type == CASTOR_PART_DATA && is_of_kind(part->mime_type, "audio/")) return NULL;
    return "media but images (and audio as data)";
}

static const char *unsayable_parts(const castor_request *request, const cst_allocator *allocator)
{
    const char *field = NULL;

    for (size_t i = 0; i < request->turn_count; i++) {
        for (size_t p = 0; p < request->turns[i].part_count && !field; p++) {
            field = unsayable_part(&request->turns[i].parts[p], allocator);
        }
    }
    return field;
}

/* Text is the default and needs no saying. */
static bool is_sayable_format(const char *mime_type)
{
    return !mime_type || strcmp(mime_type, "text/plain") == 0 || strcmp(mime_type, "application/json") == 0;
}

static const char *unsayable(const castor_request *request)
{
    if (request->top_k.is_set) return "top_k";
    if (request->safety_count > 0) return "safety";
    if (request->thinking_budget.is_set) return "thinking_budget (thinking_level works)";
    if (request->include_thoughts) return "include_thoughts";
    if (!is_sayable_format(request->response_mime_type)) return "response_mime_type of that kind";
    return NULL;
}

static castor_status print(const castor_request *request, cst_wire *out, castor_error *err)
{
    const char *field = unsayable(request);

    if (!field) field = unsayable_parts(request, out->body.allocator);
    if (field) {
        return cst_fail(err, CASTOR_INVALID, "chat completions have no %s; unset it, or put the server's own form into "
                                             "extra_json", field);
    }
    out->auth = CST_AUTH_BEARER;
    castor_status status = cst_buf_append_text(&out->target, "/chat/completions");
    if (status == CASTOR_OK && request->body_json.len == 0) status = print_body(request, out->is_stream, &out->body);
    return cst_fail_plainly(err, status);
}

const cst_dialect cst_dialect_openai = {
    .id = CASTOR_DIALECT_OPENAI,
    .default_base_url = "https://generativelanguage.googleapis.com/v1beta/openai",
    .ends_at_done = true,
    .needs_finish = true,
    .state_size = sizeof(cst_tool_calls),
    .recognises = recognises,
    .read = read_record,
    .read_end = read_end,
    .free_state = free_state,
    .print = print,
};
