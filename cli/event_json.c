/* event_json.c -- events, and the end of an answer, as JSON lines.
 * SPDX-License-Identifier: MIT
 */
#include "event_json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "json.h"

/* ---- counting ---- */

void cli_tally_add(cli_tally *tally, const castor_event *event)
{
    bool is_first = event->candidate == 0;
    switch (event->type) {
    case CASTOR_EVENT_TEXT:
        if (is_first) tally->text_bytes += (int64_t)event->text.len;
        break;
    case CASTOR_EVENT_THOUGHT:
        if (is_first) tally->thought_bytes += (int64_t)event->text.len;
        break;
    case CASTOR_EVENT_FUNCTION_CALL: tally->function_calls++; break;
    case CASTOR_EVENT_MEDIA: tally->inline_data += event->data.data != NULL; break;
    case CASTOR_EVENT_RESTART: *tally = (cli_tally){ .text_bytes = 0 }; break;
    default: break;
    }
}

/* ---- events ---- */

/* Before the end all counts are partial: there it is worth a word. */
static void put_usage(cli_text *out, const castor_usage *usage, bool is_end)
{
    cli_json_key(out, "usage");
    cli_text_add_byte(out, '{');
    cli_json_put_known(out, "prompt_tokens", usage->prompt_tokens);
    cli_json_put_known(out, "cached_tokens", usage->cached_tokens);
    cli_json_put_known(out, "output_tokens", usage->output_tokens);
    cli_json_put_known(out, "thought_tokens", usage->thought_tokens);
    cli_json_put_known(out, "tool_prompt_tokens", usage->tool_prompt_tokens);
    cli_json_put_known(out, "total_tokens", usage->total_tokens);
    if (usage->is_partial && is_end) {
        cli_json_key(out, "partial");
        cli_text_put(out, "true");
    }
    cli_text_add_byte(out, '}');
}

static bool is_usage_known(const castor_usage *usage)
{
    return usage->prompt_tokens.is_set || usage->cached_tokens.is_set || usage->output_tokens.is_set
        || usage->thought_tokens.is_set || usage->tool_prompt_tokens.is_set || usage->total_tokens.is_set;
}

static void put_call(cli_text *out, const castor_event *event)
{
    cli_json_put_str(out, "id", event->id);
    cli_json_put_str(out, "name", event->name);
    cli_json_put_raw(out, "args", event->args); /* a piece of a call may be no JSON yet: then a string */
    if (event->is_partial) {
        cli_json_key(out, "partial");
        cli_text_put(out, "true");
    }
}

/* Every view that the type does not fill is absent and prints nothing, so most types need no case of their own. */
static void put_part(cli_text *out, const castor_event *event)
{
    cli_json_put_str(out, "language", event->language);
    cli_json_put_str(out, "outcome", event->outcome);
    cli_json_put_str(out, "text", event->text);
    cli_json_put_str(out, "mime_type", event->mime_type);
    cli_json_put_str(out, "data", event->data);
    cli_json_put_str(out, "uri", event->uri);
    cli_json_put_str(out, "finish", event->finish_reason);
    cli_json_put_str(out, "message", event->finish_message);
}

void cli_event_members(cli_text *out, const castor_event *event, const castor_usage *usage)
{
    cli_json_key(out, "type");
    cli_text_add_byte(out, '"');
    cli_text_put(out, castor_event_name(event->type));
    cli_text_add_byte(out, '"');
    if (event->type == CASTOR_EVENT_RESTART) return;
    if (event->type == CASTOR_EVENT_USAGE) {
        put_usage(out, usage, false);
        return;
    }
    cli_json_put_integer(out, "candidate", event->candidate);
    if (event->type == CASTOR_EVENT_FUNCTION_CALL) put_call(out, event);
    else put_part(out, event);
    cli_json_put_str(out, "signature", event->signature);
    if (event->type == CASTOR_EVENT_OTHER) cli_json_put_raw(out, "raw", event->raw);
}

void cli_event_line(cli_text *out, const castor_event *event, const castor_usage *usage, bool wants_raw)
{
    cli_text_add_byte(out, '{');
    cli_event_members(out, event, usage);
    if (wants_raw && event->type != CASTOR_EVENT_OTHER) cli_json_put_raw(out, "raw", event->raw);
    cli_text_add(out, "}\n", 2);
}

/* ---- the end ---- */

/* A code that is a number in the server's answer is a number here. */
static void put_code(cli_text *out, const char *code)
{
    size_t len = strlen(code);
    bool is_number = len > 0 && len < 16 && strspn(code, "0123456789") == len && (code[0] != '0' || len == 1);
    if (is_number) cli_json_put_integer(out, "code", strtoll(code, NULL, 10));
    else if (len > 0) cli_json_put_str(out, "code", castor_str_of(code));
}

static void put_if_any(cli_text *out, const char *key, const char *text)
{
    if (*text) cli_json_put_str(out, key, castor_str_of(text));
}

/* As the server writes durations: "33s", "0.85s". */
static void put_delay(cli_text *out, castor_i64 delay_ms)
{
    if (!delay_ms.is_set) return;
    char text[40];
    int len = snprintf(text, sizeof text, "%" PRId64 ".%03d", delay_ms.value / 1000, (int)(delay_ms.value % 1000));
    while (text[len - 1] == '0') len--;
    if (text[len - 1] == '.') len--;
    text[len] = 's';
    castor_str view = { text, (size_t)len + 1 };
    cli_json_put_str(out, "retry_delay", view);
    cli_json_put_integer(out, "retry_delay_ms", delay_ms.value);
}

static void put_error(cli_text *out, const castor_error *error)
{
    cli_json_key(out, "error");
    cli_text_add_byte(out, '{');
    put_code(out, error->code);
    put_if_any(out, "status", error->reason);
    put_if_any(out, "detail", error->detail);
    cli_json_put_str(out, "message", castor_str_of(error->message));
    put_delay(out, error->retry_after_ms);
    cli_json_put_known(out, "offset", error->offset);
    if (error->http_status) cli_json_put_integer(out, "http_status", error->http_status);
    if (error->time_limit) put_if_any(out, "time_limit", castor_time_limit_name(error->time_limit));
    cli_text_add_byte(out, '}');
}

/* An answer that is only incomplete has a verdict and a message; an error has facts beyond them. */
static bool has_error_facts(const castor_error *error)
{
    return error && error->status != CASTOR_OK && error->status != CASTOR_INCOMPLETE
        && error->status != CASTOR_CANCELLED;
}

static void put_timing(cli_text *out, const castor_timing *timing)
{
    cli_json_key(out, "timing");
    cli_text_add_byte(out, '{');
    cli_json_put_known(out, "connected_ms", timing->connected_ms);
    cli_json_put_known(out, "first_byte_ms", timing->first_byte_ms);
    cli_json_put_known(out, "first_text_ms", timing->first_text_ms);
    cli_json_put_known(out, "total_ms", timing->total_ms);
    cli_text_add_byte(out, '}');
}

/* What it took. */
static void put_attempts(cli_text *out, const cli_facts *facts)
{
    cli_json_put_integer(out, "attempts", facts->attempts);
    if (facts->restarts > 0) cli_json_put_integer(out, "restarts", facts->restarts);
    if (facts->fallback_model) cli_json_put_str(out, "fallback_model", castor_str_of(facts->fallback_model));
}

static void put_counts(cli_text *out, const cli_tally *tally)
{
    cli_json_put_integer(out, "text_bytes", tally->text_bytes);
    cli_json_put_integer(out, "thought_bytes", tally->thought_bytes);
    cli_json_put_integer(out, "function_calls", tally->function_calls);
    cli_json_put_integer(out, "inline_data", tally->inline_data);
}

void cli_facts_members(cli_text *out, const cli_facts *facts, const cli_tally *tally)
{
    cli_json_put_str(out, "verdict", castor_str_of(castor_verdict_name(facts->verdict)));
    cli_json_put_str(out, "finish", facts->finish_reason);
    cli_json_put_str(out, "block_reason", facts->block_reason);
    if (facts->verdict != CASTOR_VERDICT_COMPLETE && facts->error) put_if_any(out, "message", facts->error->message);
    if (tally) put_counts(out, tally);
    if (is_usage_known(&facts->usage)) put_usage(out, &facts->usage, true);
    if (facts->timing) put_timing(out, facts->timing);
    if (facts->attempts > 0) put_attempts(out, facts);
    cli_json_put_str(out, "model_version", facts->model_version);
    cli_json_put_str(out, "response_id", facts->response_id);
    if (has_error_facts(facts->error)) put_error(out, facts->error);
}

void cli_end_line(cli_text *out, const cli_facts *facts, const cli_tally *tally)
{
    cli_text_put(out, "{\"type\":\"end\"");
    cli_facts_members(out, facts, tally);
    cli_text_add(out, "}\n", 2);
}
