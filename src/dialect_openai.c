/* dialect_openai.c -- chat completions, of Google and of every compatible server.
 * SPDX-License-Identifier: MIT
 *
 * Source: OpenAI API reference, "Chat Completions" and its streaming chunks; Google, "OpenAI compatibility". Legacy
 * completions (`text` in place of a message) are read too. Tool calls come as fragments and are handed on whole, when
 * their candidate finishes.
 */
#include "dialect.h"

#include "openai_calls.h"
#include "openai_request.h"
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
static castor_status read_message(cst_reading *reading, cst_json_cursor message, cst_openai_message kind)
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
    if (status == CASTOR_OK) status = cst_openai_calls_read_legacy(reading, candidate, legacy_call);
    if (status == CASTOR_OK) status = cst_openai_calls_read(reading, calls, kind);
    return status;
}

/* Some servers say the same thing in several places; the delta is what is new. */
static castor_status read_news(cst_reading *reading, cst_json_cursor choice, int32_t candidate, bool is_cut)
{
    cst_json_cursor delta = cst_json_cursor_get(choice, "delta"), message = cst_json_cursor_get(choice, "message");

    if (cst_json_type_of(delta.value) == CST_JSON_OBJECT) {
        return read_message(reading, delta, (cst_openai_message){ candidate, false, is_cut });
    }
    if (cst_json_type_of(message.value) == CST_JSON_OBJECT) {
        return read_message(reading, message, (cst_openai_message){ candidate, true, is_cut });
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

    status = cst_openai_calls_hand_on(reading, candidate, is_cut);
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
    return cst_openai_calls_hand_on(reading, -1, true);
}

static void free_state(void *state)
{
    cst_tool_calls_free(state);
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
    .print = cst_openai_request_print,
};
