/* translate_interaction.c -- an interaction's request in the words of generateContent.
 * SPDX-License-Identifier: MIT
 *
 * Steps become parts of alternating contents. A thought's signature moves to the part that follows it, where
 * generateContent has it. Values that nobody here looks into (schemas, arguments, results) are taken over as they
 * stand.
 */
#include "generate/translate_interaction.h"

#include "generate/content_writer.h"
#include "proto/coded_error.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* A function call whose result may be among the input. */
typedef struct call {
    castor_str id;
    castor_str name;
    bool       is_answered;
} call;

typedef struct translator {
    plx_content_writer contents;
    cst_json_writer    steps;
    bool               is_input;   /* a user_input step is open in `steps` */
    call               calls[PLX_INTERACTION_CALLS_MAX];
    size_t             call_count;
    plx_refusal       *refusal;
} translator;

static castor_str text_of(cst_json_cursor object, const char *key)
{
    return cst_json_string(cst_json_cursor_get(object, key).value);
}

/* ---- contents ---- */

static bool is_content_type(castor_str type)
{
    static const char *const types[] = { "text", "image", "audio", "video", "document" };

    for (size_t i = 0; i < COUNT_OF(types); i++) {
        if (cst_str_is(type, types[i])) return true;
    }
    return false;
}

static bool read_content(translator *t, const char *role, cst_json_cursor content)
{
    castor_str type = text_of(content, "type");

    if (!is_content_type(type)) {
        return plx_refuse_coded(t->refusal, 400, NULL, "'%.*s' is no type of content.",
                                (int)(type.len < 100 ? type.len : 100), type.data ? type.data : "");
    }
    if (!cst_str_is(type, "text")) {
        if (!text_of(content, "data").data && !text_of(content, "uri").data) {
            return plx_refuse_coded(t->refusal, 400, NULL, "Content of type '%.*s' needs 'data' or 'uri'.",
                                    CASTOR_ARG(type));
        }
        plx_content_put_media(&t->contents, role, content);
        return true;
    }
    if (!text_of(content, "text").data) {
        return plx_refuse_coded(t->refusal, 400, NULL, "Content of type 'text' needs 'text'.");
    }
    plx_content_put_text(&t->contents, role, text_of(content, "text"));
    return true;
}

/* A list, or one in its place. */
static bool read_contents(translator *t, const char *role, cst_json_cursor contents)
{
    size_t count = cst_json_count(contents.value);

    if (cst_json_type_of(contents.value) == CST_JSON_STRING) {
        plx_content_put_text(&t->contents, role, cst_json_string(contents.value));
        return true;
    }
    if (cst_json_type_of(contents.value) == CST_JSON_OBJECT) return read_content(t, role, contents);
    if (count == 0) return plx_refuse_coded(t->refusal, 400, NULL, "A step has no 'content'.");

    cst_json_cursor content = cst_json_cursor_first(contents);
    for (size_t left = count - 1; content.value; content = cst_json_cursor_after(content, &left)) {
        if (!read_content(t, role, content)) return false;
    }
    return true;
}

/* ---- steps ---- */

/* In the place of one that was answered, if there is one: a long conversation has many. */
static bool add_call(translator *t, castor_str id, castor_str name)
{
    for (size_t i = 0; i < t->call_count; i++) {
        if (!t->calls[i].is_answered) continue;
        t->calls[i] = (call){ id, name, false };
        return true;
    }
    if (t->call_count == PLX_INTERACTION_CALLS_MAX) {
        return plx_refuse_coded(t->refusal, 400, "too_many_tool_calls", "More than %d function calls are open.",
                                (int)PLX_INTERACTION_CALLS_MAX);
    }
    t->calls[t->call_count++] = (call){ id, name, false };
    return true;
}

/* One that still waits; a later turn may use an id again. */
static call *find_call(translator *t, castor_str id)
{
    for (size_t i = 0; i < t->call_count; i++) {
        if (cst_str_equal(t->calls[i].id, id) && !t->calls[i].is_answered) return &t->calls[i];
    }
    return NULL;
}

static bool read_user_input(translator *t, cst_json_cursor step)
{
    return read_contents(t, "user", cst_json_cursor_get(step, "content"));
}

static bool read_model_output(translator *t, cst_json_cursor step)
{
    return read_contents(t, "model", cst_json_cursor_get(step, "content"));
}

/* Its summary is for people; the model goes by the signature. */
static bool read_thought(translator *t, cst_json_cursor step)
{
    t->contents.signature = text_of(step, "signature");
    return true;
}

static bool read_function_call(translator *t, cst_json_cursor step)
{
    cst_json_cursor args = cst_json_cursor_get(step, "arguments");
    castor_str      id = text_of(step, "id");
    castor_str      name = text_of(step, "name");

    if (id.len == 0 || name.len == 0 || (args.value && cst_json_type_of(args.value) != CST_JSON_OBJECT)) {
        return plx_refuse_coded(t->refusal, 400, NULL,
                                "A 'function_call' step needs 'id', 'name' and an object of 'arguments'.");
    }
    if (text_of(step, "signature").len > 0) t->contents.signature = text_of(step, "signature");
    plx_content_put_call(&t->contents, id, name, args.value ? cst_json_source(args) : CST_NONE);
    return add_call(t, id, name);
}

static call *check_function_result(translator *t, cst_json_cursor step)
{
    castor_str id = text_of(step, "call_id");
    call      *called = find_call(t, id);

    if (id.len == 0) {
        plx_refuse_coded(t->refusal, 400, NULL, "A 'function_result' step needs 'call_id'.");
    } else if (!called) {
        plx_refuse_coded(t->refusal, 400, NULL, "No function call with the id '%.*s' waits for a result.",
                         (int)(id.len < 100 ? id.len : 100), id.data);
    } else if (!cst_json_cursor_get(step, "result").value) {
        plx_refuse_coded(t->refusal, 400, NULL, "A 'function_result' step needs 'result'.");
    } else {
        called->is_answered = true;
        return called;
    }
    return NULL;
}

static bool read_function_result(translator *t, cst_json_cursor step)
{
    bool  is_error = cst_json_is_true(cst_json_cursor_get(step, "is_error").value);
    call *called = check_function_result(t, step);

    if (!called) return false;
    plx_content_put_result(&t->contents, called->id, called->name, cst_json_cursor_get(step, "result"), is_error);
    return true;
}

/* Calls of Google's own tools, and their results, belong to the model's turn. */
static bool read_tool_call(translator *t, cst_json_cursor step)
{
    plx_content_put_member(&t->contents, "model", "toolCall", step);
    return true;
}

static bool read_tool_result(translator *t, cst_json_cursor step)
{
    plx_content_put_member(&t->contents, "model", "toolResponse", step);
    return true;
}

static const struct {
    const char *type;
    bool        (*read)(translator *t, cst_json_cursor step);
} step_types[] = {
    { "user_input", read_user_input },
    { "model_output", read_model_output },
    { "thought", read_thought },
    { "function_call", read_function_call },
    { "function_result", read_function_result },
    { "code_execution_call", read_tool_call },
    { "code_execution_result", read_tool_result },
    { "google_search_call", read_tool_call },
    { "google_search_result", read_tool_result },
    { "url_context_call", read_tool_call },
    { "url_context_result", read_tool_result },
    { "google_maps_call", read_tool_call },
    { "google_maps_result", read_tool_result },
    { "file_search_call", read_tool_call },
    { "file_search_result", read_tool_result },
    { "mcp_server_tool_call", read_tool_call },
    { "mcp_server_tool_result", read_tool_result },
    { "retrieval_call", read_tool_call },
    { "retrieval_result", read_tool_result },
};

static bool read_step(translator *t, cst_json_cursor step)
{
    castor_str type = text_of(step, "type");

    for (size_t i = 0; i < COUNT_OF(step_types); i++) {
        if (cst_str_is(type, step_types[i].type)) return step_types[i].read(t, step);
    }
    return plx_refuse_coded(t->refusal, 400, NULL, "'%.*s' is no type of a step or of content.",
                            (int)(type.len < 100 ? type.len : 100), type.data ? type.data : "");
}

/* ---- the input, told again as steps ---- */

static void open_input(translator *t)
{
    cst_json_writer *w = &t->steps;

    if (t->is_input) return;
    cst_json_open_object(w);
    cst_json_key(w, "content");
    cst_json_open_array(w);
    t->is_input = true;
}

static void close_input(translator *t)
{
    cst_json_writer *w = &t->steps;

    if (!t->is_input) return;
    cst_json_close_array(w);
    plx_put_text(w, "type", CASTOR_STR("user_input"));
    cst_json_close_object(w);
    t->is_input = false;
}

static bool read_element(translator *t, cst_json_cursor element)
{
    if (is_content_type(text_of(element, "type"))) {
        open_input(t);
        cst_json_put_raw(&t->steps, cst_json_source(element));
        return read_content(t, "user", element);
    }
    close_input(t);
    cst_json_put_raw(&t->steps, cst_json_source(element));
    return read_step(t, element);
}

static void read_words(translator *t, castor_str text)
{
    open_input(t);
    cst_json_open_object(&t->steps);
    plx_put_text(&t->steps, "text", text);
    plx_put_text(&t->steps, "type", CASTOR_STR("text"));
    cst_json_close_object(&t->steps);
    plx_content_put_text(&t->contents, "user", text);
}

static bool read_list(translator *t, cst_json_cursor input)
{
    size_t          left = cst_json_count(input.value) - 1;
    cst_json_cursor element = cst_json_cursor_first(input);

    for (; element.value; element = cst_json_cursor_after(element, &left)) {
        if (!read_element(t, element)) return false;
    }
    return true;
}

static bool read_input(translator *t, cst_json_cursor input)
{
    bool is_read = true;

    switch (cst_json_type_of(input.value)) {
    case CST_JSON_STRING: read_words(t, cst_json_string(input.value)); break;
    case CST_JSON_OBJECT: is_read = read_element(t, input); break;
    case CST_JSON_ARRAY:
        if (cst_json_count(input.value) == 0) return plx_refuse_coded(t->refusal, 400, NULL, "'input' is empty.");
        is_read = read_list(t, input);
        break;
    default: return plx_refuse_coded(t->refusal, 400, NULL, "'input' must be a string, content, or a list of these or "
                                                             "of steps.");
    }
    close_input(t);
    return is_read;
}

/* The service wants all results of a turn at once. */
static bool check_results(translator *t)
{
    for (size_t i = 0; i < t->call_count; i++) {
        if (t->calls[i].is_answered) continue;
        return plx_refuse_coded(t->refusal, 400, NULL, "The function call '%.*s' has no 'function_result'.",
                                (int)(t->calls[i].id.len < 100 ? t->calls[i].id.len : 100), t->calls[i].id.data);
    }
    return true;
}

/* ---- what came before ---- */

static bool put_answer_step(translator *t, const plx_course *course, const plx_step *step, castor_str text)
{
    plx_content_writer *c = &t->contents;

    switch (step->kind) {
    case PLX_STEP_THOUGHT: c->signature = step->signature; break;
    case PLX_STEP_CODE: plx_content_put_code(c, text); break;
    case PLX_STEP_CODE_RESULT: plx_content_put_code_result(c, text); break;
    case PLX_STEP_CALL:
        plx_content_put_call(c, step->call_id, step->call_name, step->call_args);
        return strcmp(course->status, "requires_action") != 0 || add_call(t, step->call_id, step->call_name);
    default:
        if (step->mime_type.data) plx_content_put_data(c, "model", step->mime_type, text);
        else if (text.len > 0) plx_content_put_text(c, "model", text);
        break;
    }
    return true;
}

/* Summaries, signatures and the pieces of arguments are not wanted: the step has them whole. */
static bool is_told_on(plx_delta_kind delta)
{
    return delta == PLX_DELTA_TEXT || delta == PLX_DELTA_CODE || delta == PLX_DELTA_CODE_RESULT ||
           delta == PLX_DELTA_MEDIA;
}

static bool put_answer(translator *t, const plx_course *course)
{
    const plx_step *step = NULL;
    cst_buf         text;
    bool            is_put = true;

    cst_buf_init(&text, t->contents.json.out->allocator, t->contents.json.out->max);
    for (size_t i = 0; i < course->event_count && is_put; i++) {
        const plx_event *event = &course->events[i];
        if (event->kind == PLX_EVENT_STEP_START) {
            step = &course->steps[event->step];
            text.len = 0;
        } else if (event->kind == PLX_EVENT_STEP_DELTA && is_told_on(event->delta)) {
            if (cst_buf_append_str(&text, event->text) != CASTOR_OK) t->contents.json.status = CASTOR_NO_MEMORY;
        } else if (event->kind == PLX_EVENT_STEP_STOP && step) {
            is_put = put_answer_step(t, course, step, cst_buf_view(&text));
        }
    }
    cst_buf_free(&text);
    return is_put;
}

static void put_elements(plx_content_writer *c, castor_str elements)
{
    if (elements.len > 0) cst_json_put_raw(&c->json, elements);
}

static bool put_conversation(translator *t, const plx_conversation *before)
{
    put_elements(&t->contents, before->contents);
    put_elements(&t->contents, before->begun);
    return !before->answer || put_answer(t, before->answer);
}

/* ---- the whole ---- */

void plx_translation_init(plx_translation *translation, const cst_allocator *allocator)
{
    cst_buf_init(&translation->body, allocator, PLX_BODY_BYTES_MAX);
    cst_buf_init(&translation->contents, allocator, PLX_BODY_BYTES_MAX);
    cst_buf_init(&translation->begun, allocator, PLX_BODY_BYTES_MAX);
    cst_buf_init(&translation->input_steps, allocator, PLX_BODY_BYTES_MAX);
}

void plx_translation_free(plx_translation *translation)
{
    cst_buf_free(&translation->body);
    cst_buf_free(&translation->contents);
    cst_buf_free(&translation->begun);
    cst_buf_free(&translation->input_steps);
}

static bool put_body(plx_translation *translation, const plx_interaction_ask *ask, const plx_model *model,
                     cst_json_cursor body, castor_status *status, plx_refusal *refusal)
{
    cst_json_writer w = cst_json_writer_to(&translation->body);

    cst_json_open_object(&w);
    cst_json_key(&w, "contents");
    cst_json_open_array(&w);
    cst_json_put_raw(&w, cst_buf_view(&translation->contents));
    cst_json_close_array(&w);
    bool is_put = plx_interaction_put_settings(&w, ask, model, body, refusal);
    cst_json_close_object(&w);
    *status = w.status;
    return is_put;
}

/* The question is the same once more; its answer so far is kept apart, since it is not asked about. */
static bool go_on(translator *t, plx_translation *translation, const plx_conversation *before)
{
    translator answer = { .contents = { .json = cst_json_writer_to(&translation->begun) }, .refusal = t->refusal };

    put_elements(&t->contents, before->contents);
    put_elements(&answer.contents, before->begun);
    if (!put_answer(&answer, before->answer)) return false;
    plx_content_close(&answer.contents);
    if (t->contents.json.status == CASTOR_OK) t->contents.json.status = answer.contents.json.status;
    return true;
}

static bool put_contents(translator *t, plx_translation *translation, const plx_interaction_ask *ask,
                         cst_json_cursor body, const plx_conversation *before)
{
    cst_json_cursor input = cst_json_cursor_get(body, "input");

    if (ask->continuation_token.data && before->answer) return go_on(t, translation, before);
    return put_conversation(t, before) && read_input(t, input) && check_results(t);
}

bool plx_interaction_translate(plx_translation *translation, const plx_interaction_ask *ask, const plx_model *model,
                               cst_json_cursor body, const plx_conversation *before, plx_refusal *refusal)
{
    translator    t = { .contents = { .json = cst_json_writer_to(&translation->contents) },
                        .steps = cst_json_writer_to(&translation->input_steps), .refusal = refusal };
    castor_status status = CASTOR_OK;

    if (!put_contents(&t, translation, ask, body, before)) return false;
    plx_content_close(&t.contents);
    if (!put_body(translation, ask, model, body, &status, refusal)) return false;
    if (t.contents.json.status == CASTOR_OK && t.steps.status == CASTOR_OK && status == CASTOR_OK) return true;
    if (t.contents.json.status == CASTOR_LIMIT || status == CASTOR_LIMIT) {
        return plx_refuse_coded(refusal, 400, NULL, "The conversation is longer than %d bytes.",
                                (int)PLX_BODY_BYTES_MAX);
    }
    return plx_refuse_coded(refusal, 503, NULL, "The emulator has no memory left for this request.");
}
