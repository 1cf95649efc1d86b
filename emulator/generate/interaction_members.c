/* interaction_members.c -- what the events and the whole of an interaction have in common.
 * SPDX-License-Identifier: MIT
 *
 * Members stand in the order in which the service sends them, as recorded.
 */
#include "generate/interaction_members.h"

#include <ctype.h>

#include "proto/timestamp.h"

void plx_put_word(cst_json_writer *w, const char *key, const char *word)
{
    plx_put_text(w, key, castor_str_of(word));
}

void plx_put_count(cst_json_writer *w, const char *key, uint64_t count)
{
    cst_json_key(w, key);
    cst_json_put_integer(w, (int64_t)count);
}

/* ---- members that several have ---- */

/* Whole seconds: this API leaves the fraction out. */
static void put_time(cst_json_writer *w, const char *key, int64_t time_us)
{
    char text[PLX_TIME_TEXT_SIZE];

    plx_timestamp_print(text, time_us);
    char *fraction = strchr(text, '.');
    if (fraction) memcpy(fraction, "Z", 2);
    plx_put_word(w, key, text);
}

/* "TEXT" is `text` here. */
static void put_modality(cst_json_writer *w, plx_modality modality, uint64_t tokens)
{
    char   name[16] = { 0 };
    size_t len = 0;

    for (const char *from = plx_modality_name(modality); from[len] && len + 1 < sizeof name; len++) {
        name[len] = (char)tolower((unsigned char)from[len]);
    }
    cst_json_open_object(w);
    plx_put_word(w, "modality", name);
    plx_put_count(w, "tokens", tokens);
    cst_json_close_object(w);
}

static void put_modalities(cst_json_writer *w, const char *key, const plx_token_sum *sum)
{
    if (plx_token_total(sum) == 0) return;
    cst_json_key(w, key);
    cst_json_open_array(w);
    for (int i = 0; i < PLX_MODALITY_COUNT; i++) {
        if (sum->of[i] > 0) put_modality(w, (plx_modality)i, sum->of[i]);
    }
    cst_json_close_array(w);
}

/* Zeros are written here, unlike elsewhere in the API. */
void plx_put_usage(cst_json_writer *w, const char *key, const plx_course *course, const plx_event *event)
{
    uint64_t      input = plx_token_total(&course->input_tokens);
    uint64_t      output = event->output_tokens;
    plx_token_sum outputs = { .of = { [PLX_MODALITY_TEXT] = output - event->image_tokens,
                                      [PLX_MODALITY_IMAGE] = event->image_tokens } };
    plx_token_sum tools = { .of = { [PLX_MODALITY_TEXT] = course->tool_tokens } };

    cst_json_key(w, key);
    cst_json_open_object(w);
    plx_put_count(w, "total_tokens", input + output + event->thought_tokens + course->tool_tokens);
    plx_put_count(w, "total_input_tokens", input);
    put_modalities(w, "input_tokens_by_modality", &course->input_tokens);
    plx_put_count(w, "total_cached_tokens", plx_token_total(&course->cached_tokens));
    put_modalities(w, "cached_tokens_by_modality", &course->cached_tokens);
    plx_put_count(w, "total_output_tokens", output);
    put_modalities(w, "output_tokens_by_modality", &outputs);
    plx_put_count(w, "total_tool_use_tokens", course->tool_tokens);
    put_modalities(w, "tool_use_tokens_by_modality", &tools);
    plx_put_count(w, "total_thought_tokens", event->thought_tokens);
    cst_json_close_object(w);
}

void plx_put_name(cst_json_writer *w, const plx_course *course)
{
    plx_put_word(w, "object", "interaction");
    if (course->agent.data) plx_put_text(w, "agent", course->agent);
    else plx_put_text(w, "model", course->model);
}

void plx_put_times(cst_json_writer *w, const plx_course *course, uint64_t updated_us)
{
    put_time(w, "created", course->started_us);
    put_time(w, "updated", course->started_us + (int64_t)updated_us);
    plx_put_text(w, "service_tier", course->service_tier);
}

/* Of a long answer that was not told to its end. */
void plx_put_token(cst_json_writer *w, const plx_course *course)
{
    if (course->continuation_token.len > 0) plx_put_text(w, "continuation_token", course->continuation_token);
}

const char *plx_step_name(plx_step_kind kind)
{
    static const char *const names[] = { "thought", "model_output", "function_call", "code_execution_call",
                                         "code_execution_result" };

    return names[kind];
}

void plx_put_text_content(cst_json_writer *w, castor_str text)
{
    cst_json_open_object(w);
    plx_put_text(w, "text", text);
    plx_put_word(w, "type", "text");
    cst_json_close_object(w);
}

static const char *media_type(castor_str mime_type)
{
    static const char *const types[] = { "image", "audio", "video" };

    for (size_t i = 0; i < 3; i++) {
        if (cst_str_starts_with(mime_type, types[i])) return types[i];
    }
    return "document";
}

void plx_put_media(cst_json_writer *w, castor_str mime_type, castor_str data)
{
    plx_put_text(w, "data", data);
    plx_put_text(w, "mime_type", mime_type);
    plx_put_word(w, "type", media_type(mime_type));
}

void plx_put_code(cst_json_writer *w, castor_str code)
{
    cst_json_key(w, "arguments");
    cst_json_open_object(w);
    plx_put_word(w, "language", "python");
    plx_put_text(w, "code", code);
    cst_json_close_object(w);
}
