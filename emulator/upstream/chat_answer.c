/* chat_answer.c -- what a chat completion says.
 * SPDX-License-Identifier: MIT
 */
#include "upstream/chat_answer.h"

#include "proto/fields.h"

void plx_chat_answer_init(plx_chat_answer *a, plx_saying_fn *say, void *user)
{
    const cst_allocator *allocator = cst_allocator_default();

    *a = (plx_chat_answer){ .say = say, .user = user };
    for (size_t i = 0; i < PLX_CANDIDATES_MAX; i++) {
        plx_call_draft *draft = &a->choices[i].draft;
        cst_buf_init(&draft->id, allocator, PLX_HEAD_BYTES_MAX);
        cst_buf_init(&draft->name, allocator, PLX_HEAD_BYTES_MAX);
        cst_buf_init(&draft->args, allocator, PLX_EVENT_BYTES_MAX);
        cst_buf_init(&draft->signature, allocator, PLX_EVENT_BYTES_MAX);
    }
    cst_buf_init(&a->model, allocator, PLX_HEAD_BYTES_MAX);
    cst_buf_init(&a->error, allocator, PLX_EVENT_BYTES_MAX);
    cst_json_doc_init(&a->doc, allocator);
}

void plx_chat_answer_free(plx_chat_answer *a)
{
    for (size_t i = 0; i < PLX_CANDIDATES_MAX; i++) {
        plx_call_draft *draft = &a->choices[i].draft;
        cst_buf_free(&draft->id);
        cst_buf_free(&draft->name);
        cst_buf_free(&draft->args);
        cst_buf_free(&draft->signature);
    }
    cst_buf_free(&a->model);
    cst_buf_free(&a->error);
    cst_json_doc_free(&a->doc);
}

static castor_status keep(cst_buf *out, castor_str text)
{
    out->len = 0;
    return cst_buf_append_str(out, text);
}

/* ---- calls ---- */

/* The arguments without white space; they must be an object. */
static castor_status read_args(castor_str args, cst_buf *out)
{
    cst_json_writer w = cst_json_writer_to(out);
    cst_json_doc    doc;

    cst_json_doc_init(&doc, cst_allocator_default());
    castor_status status = cst_json_read(&doc, args.len > 0 ? args : CASTOR_STR("{}"), NULL, NULL);
    if (status == CASTOR_OK && cst_json_type_of(cst_json_root(&doc)) != CST_JSON_OBJECT) status = CASTOR_PROTOCOL;
    if (status == CASTOR_OK) plx_json_put(&w, cst_json_root(&doc));
    cst_json_doc_free(&doc);
    return status == CASTOR_OK ? w.status : status;
}

/* A call that is none ends the candidate the way Gemini's own do. */
static castor_status finish_call(plx_chat_answer *a, uint32_t candidate)
{
    plx_chat_choice *choice = &a->choices[candidate];
    plx_call_draft  *draft = &choice->draft;
    cst_buf          args;

    if (!draft->is_open) return CASTOR_OK;
    draft->is_open = false;
    cst_buf_init(&args, cst_allocator_default(), PLX_EVENT_BYTES_MAX);
    castor_status status = read_args(cst_buf_view(&draft->args), &args);
    if (status == CASTOR_OK && draft->name.len > 0) {
        plx_saying call = { .kind = PLX_SAYING_CALL, .candidate = candidate, .call_id = cst_buf_view(&draft->id),
                            .call_name = cst_buf_view(&draft->name), .call_args = cst_buf_view(&args),
                            .call_signature = cst_buf_view(&draft->signature) };
        status = a->say(a->user, &call);
    } else if (status != CASTOR_NO_MEMORY) {
        choice->finish = "MALFORMED_FUNCTION_CALL";
        status = CASTOR_OK;
    }
    cst_buf_free(&args);
    return status;
}

/* Fragments belong together by their id where they have one, else by their index: some servers count wrongly. */
static bool is_same_call(const plx_call_draft *draft, castor_str id, castor_i64 index)
{
    if (!draft->is_open) return false;
    if (id.len > 0) return cst_str_equal(id, cst_buf_view(&draft->id));
    return !index.is_set || index.value == draft->index;
}

/* Gemini, behind chat completions, has it there. */
static castor_str signature_of(const cst_json *fragment)
{
    return cst_json_string_in(cst_json_get(cst_json_get(fragment, "extra_content"), "google"), "thought_signature");
}

static castor_status read_call(plx_chat_answer *a, uint32_t candidate, const cst_json *fragment)
{
    plx_call_draft *draft = &a->choices[candidate].draft;
    const cst_json *function = cst_json_get(fragment, "function");
    const cst_json *args = cst_json_get(function, "arguments");
    castor_str      id = cst_json_string_in(fragment, "id");
    castor_str      name = cst_json_string_in(function, "name");
    castor_str      signature = signature_of(fragment);
    castor_i64      index = cst_json_integer(cst_json_get(fragment, "index"));
    castor_status   status = CASTOR_OK;

    if (!is_same_call(draft, id, index)) {
        status = finish_call(a, candidate);
        if (status == CASTOR_OK) status = keep(&draft->id, id);
        draft->name.len = draft->args.len = draft->signature.len = 0;
        draft->index = index.is_set ? index.value : 0;
        draft->is_open = true;
    }
    if (status == CASTOR_OK && name.len > 0) status = keep(&draft->name, name); /* maybe once more in each fragment */
    if (status == CASTOR_OK && signature.len > 0) status = keep(&draft->signature, signature);
    if (status != CASTOR_OK) return status;
    if (cst_json_type_of(args) != CST_JSON_OBJECT) return cst_buf_append_str(&draft->args, cst_json_string(args));
    cst_json_writer w = cst_json_writer_to(&draft->args); /* some servers give the object itself */
    plx_json_put(&w, args);
    return w.status;
}

/* ---- choices ---- */

static castor_status say_text(plx_chat_answer *a, uint32_t candidate, plx_saying_kind kind, castor_str text)
{
    plx_saying saying = { .kind = kind, .candidate = candidate, .text = text };

    return text.len > 0 ? a->say(a->user, &saying) : CASTOR_OK;
}

static const char *finish_of(castor_str reason)
{
    static const char *const reasons[][2] = {
        { "stop", "STOP" }, { "tool_calls", "STOP" }, { "function_call", "STOP" }, { "length", "MAX_TOKENS" },
        { "content_filter", "SAFETY" },
    };

    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
        if (cst_str_is(reason, reasons[i][0])) return reasons[i][1];
    }
    return "OTHER"; /* never a stop: that would call it whole */
}

static castor_status read_message(plx_chat_answer *a, uint32_t candidate, const cst_json *message)
{
    castor_str       thought = cst_json_string_in(message, "reasoning_content");
    cst_json_iterator each = cst_json_iterate(cst_json_get(message, "tool_calls"));
    const cst_json  *fragment;

    if (!thought.data) thought = cst_json_string_in(message, "reasoning");
    castor_status status = say_text(a, candidate, PLX_SAYING_THOUGHT, thought);
    if (status == CASTOR_OK) status = say_text(a, candidate, PLX_SAYING_TEXT, cst_json_string_in(message, "content"));
    if (status == CASTOR_OK) status = say_text(a, candidate, PLX_SAYING_TEXT, cst_json_string_in(message, "refusal"));
    while (status == CASTOR_OK && (fragment = cst_json_next(&each, NULL))) status = read_call(a, candidate, fragment);
    return status;
}

static castor_status read_choice(plx_chat_answer *a, const cst_json *value)
{
    castor_i64      index = cst_json_integer(cst_json_get(value, "index"));
    const cst_json *message = cst_json_get(value, "delta");
    castor_str      reason = cst_json_string_in(value, "finish_reason");
    int64_t         candidate = index.is_set ? index.value : 0;

    if (candidate < 0 || candidate >= PLX_CANDIDATES_MAX) return CASTOR_OK; /* nobody asked for so many */
    if (candidate >= a->choice_count) a->choice_count = (uint32_t)candidate + 1;
    castor_status status = read_message(a, (uint32_t)candidate, message ? message : cst_json_get(value, "message"));
    if (status != CASTOR_OK || reason.len == 0) return status;
    if (!a->choices[candidate].finish) a->choices[candidate].finish = finish_of(reason);
    return finish_call(a, (uint32_t)candidate);
}

/* ---- chunks ---- */

static void take_count(castor_i64 *count, const cst_json *object, const char *key)
{
    castor_i64 told = cst_json_integer(cst_json_get(object, key));

    if (told.is_set && told.value >= 0 && told.value <= INT32_MAX) *count = told; /* so that no sum overflows */
}

static void read_usage(plx_chat_answer *a, const cst_json *usage)
{
    take_count(&a->prompt_tokens, usage, "prompt_tokens");
    take_count(&a->output_tokens, usage, "completion_tokens");
    take_count(&a->thought_tokens, cst_json_get(usage, "completion_tokens_details"), "reasoning_tokens");
    take_count(&a->cached_tokens, cst_json_get(usage, "prompt_tokens_details"), "cached_tokens");
}

/* {"error":{"message"}}, {"error":"..."}, {"message"}, {"detail"}, and any of them in a list. */
static castor_str error_text(const cst_json *root)
{
    const cst_json *top = cst_json_type_of(root) == CST_JSON_ARRAY ? cst_json_at(root, 0) : root;
    const cst_json *error = cst_json_get(top, "error");
    castor_str      text = cst_json_string_in(error, "message");

    if (!text.data) text = cst_json_string(error);
    if (!text.data) text = cst_json_string_in(top, "message");
    if (!text.data) text = cst_json_string_in(top, "detail");
    return text.data ? text : CASTOR_STR("");
}

static castor_status read_error(plx_chat_answer *a, const cst_json *error)
{
    castor_i64 code = cst_json_integer(cst_json_get(error, "code"));

    a->has_error = true;
    a->error_code = code.is_set && code.value >= 400 && code.value <= 599 ? (int)code.value : 0;
    return keep(&a->error, error_text(cst_json_root(&a->doc)));
}

castor_status plx_chat_answer_read(plx_chat_answer *a, castor_str json)
{
    castor_status   status = cst_json_read(&a->doc, json, NULL, NULL);
    const cst_json *root = cst_json_root(&a->doc);
    const cst_json *choice;

    if (status != CASTOR_OK) return status;
    if (cst_json_type_of(root) == CST_JSON_ARRAY) root = cst_json_at(root, 0); /* so Google's own errors come */
    const cst_json *error = cst_json_get(root, "error");
    if (error && cst_json_type_of(error) != CST_JSON_NULL) return read_error(a, error);
    const cst_json *choices = cst_json_get(root, "choices");
    if (cst_json_type_of(choices) != CST_JSON_ARRAY) return CASTOR_PROTOCOL;
    if (cst_json_string_in(root, "model").len > 0) status = keep(&a->model, cst_json_string_in(root, "model"));
    read_usage(a, cst_json_get(root, "usage"));
    cst_json_iterator each = cst_json_iterate(choices);
    while (status == CASTOR_OK && (choice = cst_json_next(&each, NULL))) status = read_choice(a, choice);
    return status;
}

castor_status plx_chat_answer_end(plx_chat_answer *a)
{
    castor_status status = CASTOR_OK;

    for (uint32_t i = 0; i < a->choice_count && status == CASTOR_OK; i++) status = finish_call(a, i);
    return status;
}

castor_str plx_chat_error_text(cst_json_doc *doc, castor_str body)
{
    if (body.len == 0 || cst_json_read(doc, body, NULL, NULL) != CASTOR_OK) return CASTOR_STR("");
    return error_text(cst_json_root(doc));
}
