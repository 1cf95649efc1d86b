/* chat_turns.c -- the turns of a conversation, as the messages of a chat completion.
 * SPDX-License-Identifier: MIT
 *
 * A turn of the model becomes one message with its text and its calls. A turn of the user becomes a message for each
 * result of a function, then one with the rest. There every call has an id, here some have none: those get one of ours,
 * and a result without an id belongs to the first call of its name that has no result yet.
 */
#include "upstream/chat_turns.h"

#include <stdio.h>

#include "generate/opaque.h"
#include "upstream/json_copy.h"

/* A call of the model's last turn. */
typedef struct call {
    castor_str id;     /* absent: "call_" and the number */
    castor_str name;
    uint32_t   number;
    bool       has_result;
} call;

typedef struct speaker {
    cst_json_writer *w;
    plx_refusal     *refusal;
    call             calls[PLX_UPSTREAM_CALLS_MAX];
    size_t           call_count;
    uint32_t         numbers; /* given out */
} speaker;

void plx_chat_put_message(cst_json_writer *w, const char *role, castor_str content)
{
    cst_json_open_object(w);
    cst_json_put_member(w, "role", role);
    cst_json_key(w, "content");
    cst_json_put_string(w, content);
    cst_json_close_object(w);
}

static castor_status join(const cst_json *content, const char *gap, cst_buf *out)
{
    plx_list        each = plx_list_of(plx_field_get(content, "parts"));
    const cst_json *part;
    castor_status   status = CASTOR_OK;

    while (status == CASTOR_OK && (part = plx_list_next(&each))) {
        castor_str text = cst_json_string(plx_field_get(part, "text"));
        if (!text.data || cst_json_is_true(plx_field_get(part, "thought"))) continue;
        if (out->len > 0) status = cst_buf_append_text(out, gap);
        if (status == CASTOR_OK) status = cst_buf_append_str(out, text);
    }
    return status;
}

castor_status plx_chat_join_texts(const cst_json *content, cst_buf *out)
{
    return join(content, "\n", out);
}

/* ---- turns of the model ---- */

static void put_id(cst_json_writer *w, const call *one)
{
    char id[32];

    snprintf(id, sizeof id, "call_%u", (unsigned)one->number);
    cst_json_put_string(w, one->id.len > 0 ? one->id : castor_str_of(id));
}

static bool is_signed_here(castor_str signature)
{
    uint64_t numbers[PLX_OPAQUE_NUMBERS] = { 0 };

    return plx_opaque_read(signature, PLX_OPAQUE_SIGNATURE, numbers) == PLX_OPAQUE_WHOLE &&
           numbers[PLX_OPAQUE_NUMBERS - 1] == PLX_CHAT_SIGNED_HERE;
}

/* As Gemini wants it, behind chat completions. */
static void put_signature(cst_json_writer *w, castor_str signature)
{
    if (signature.len == 0 || is_signed_here(signature)) return;
    cst_json_key(w, "extra_content");
    cst_json_open_object(w);
    cst_json_key(w, "google");
    cst_json_open_object(w);
    cst_json_key(w, "thought_signature");
    cst_json_put_string(w, signature);
    cst_json_close_object(w);
    cst_json_close_object(w);
}

static void put_call(speaker *s, const cst_json *part)
{
    const cst_json *value = plx_field_get(part, "functionCall");
    call           *one = &s->calls[s->call_count++];

    *one = (call){ .id = cst_json_string(plx_field_get(value, "id")), .number = ++s->numbers,
                   .name = cst_json_string(plx_field_get(value, "name")) };
    cst_json_open_object(s->w);
    cst_json_key(s->w, "id");
    put_id(s->w, one);
    cst_json_put_member(s->w, "type", "function");
    cst_json_key(s->w, "function");
    cst_json_open_object(s->w);
    cst_json_key(s->w, "name");
    cst_json_put_string(s->w, one->name);
    cst_json_key(s->w, "arguments");
    if (plx_field_get(value, "args")) plx_json_copy_as_text(s->w, plx_field_get(value, "args"));
    else cst_json_put_string(s->w, CASTOR_STR("{}"));
    cst_json_close_object(s->w);
    put_signature(s->w, cst_json_string(plx_field_get(part, "thoughtSignature")));
    cst_json_close_object(s->w);
}

static bool put_calls(speaker *s, const cst_json *content)
{
    plx_list        each = plx_list_of(plx_field_get(content, "parts"));
    const cst_json *part;

    s->call_count = 0;
    while ((part = plx_list_next(&each))) {
        if (!plx_field_get(part, "functionCall")) continue;
        if (s->call_count == PLX_UPSTREAM_CALLS_MAX) {
            return plx_refuse(s->refusal, 400, "More than %d function calls in one turn cannot be passed on.",
                              (int)PLX_UPSTREAM_CALLS_MAX);
        }
        if (s->call_count == 0) cst_json_key(s->w, "tool_calls");
        if (s->call_count == 0) cst_json_open_array(s->w);
        put_call(s, part);
    }
    if (s->call_count > 0) cst_json_close_array(s->w);
    return true;
}

static bool put_model_turn(speaker *s, const cst_json *content)
{
    cst_buf text;

    cst_buf_init(&text, cst_allocator_default(), PLX_BODY_BYTES_MAX);
    castor_status status = join(content, "", &text); /* pieces of one text, as they came in a stream */
    cst_json_open_object(s->w);
    cst_json_put_member(s->w, "role", "assistant");
    cst_json_key(s->w, "content");
    cst_json_put_string(s->w, text.len > 0 ? cst_buf_view(&text) : CASTOR_STR(""));
    cst_buf_free(&text);
    bool is_put = put_calls(s, content);
    cst_json_close_object(s->w);
    if (status != CASTOR_OK) s->w->status = status;
    return is_put;
}

/* ---- turns of the user ---- */

static call *call_of(speaker *s, castor_str id, castor_str name)
{
    for (size_t i = 0; i < s->call_count; i++) {
        call *one = &s->calls[i];
        bool  is_it = id.len > 0 ? cst_str_equal(one->id, id) : cst_str_equal(one->name, name);
        if (is_it && !one->has_result) return one;
    }
    return NULL;
}

static bool put_result(speaker *s, const cst_json *result)
{
    castor_str id = cst_json_string(plx_field_get(result, "id"));
    castor_str name = cst_json_string(plx_field_get(result, "name"));
    call      *one = call_of(s, id, name);

    if (plx_list_count(plx_field_get(result, "parts")) > 0) {
        return plx_refuse(s->refusal, 400, "The result of %.*s has files; an upstream takes only text there.",
                          CASTOR_ARG(name));
    }
    cst_json_open_object(s->w);
    cst_json_put_member(s->w, "role", "tool");
    cst_json_key(s->w, "tool_call_id");
    if (one) put_id(s->w, one);
    else cst_json_put_string(s->w, id.len > 0 ? id : name); /* of no call: the upstream may say so */
    if (one) one->has_result = true;
    cst_json_key(s->w, "content");
    plx_json_copy_as_text(s->w, plx_field_get(result, "response"));
    cst_json_close_object(s->w);
    return true;
}

static bool put_results(speaker *s, const cst_json *content)
{
    plx_list        each = plx_list_of(plx_field_get(content, "parts"));
    const cst_json *part;

    while ((part = plx_list_next(&each))) {
        const cst_json *result = plx_field_get(part, "functionResponse");
        if (result && !put_result(s, result)) return false;
    }
    return true;
}

static void open_part(cst_json_writer *w, const char *type)
{
    cst_json_open_object(w);
    cst_json_put_member(w, "type", type);
    cst_json_key(w, type);
}

static bool put_picture(speaker *s, castor_str mime_type, castor_str data, castor_str uri)
{
    cst_buf url;

    cst_buf_init(&url, cst_allocator_default(), PLX_BODY_BYTES_MAX);
    castor_status status = uri.len > 0 ? cst_buf_append_str(&url, uri)
                                       : cst_buf_append_format(&url, "data:%.*s;base64,", CASTOR_ARG(mime_type));
    if (status == CASTOR_OK) status = cst_buf_append_str(&url, data);
    open_part(s->w, "image_url");
    cst_json_open_object(s->w);
    cst_json_key(s->w, "url");
    cst_json_put_string(s->w, cst_buf_view(&url));
    cst_json_close_object(s->w);
    cst_json_close_object(s->w);
    if (status != CASTOR_OK) s->w->status = status;
    cst_buf_free(&url);
    return true;
}

static bool put_sound(speaker *s, castor_str mime_type, castor_str data)
{
    castor_str format = { mime_type.data + 6, mime_type.len - 6 }; /* behind "audio/" */

    if (cst_str_is(format, "mpeg")) format = CASTOR_STR("mp3");
    if (cst_str_is(format, "x-wav")) format = CASTOR_STR("wav");
    open_part(s->w, "input_audio");
    cst_json_open_object(s->w);
    cst_json_key(s->w, "data");
    cst_json_put_string(s->w, data);
    cst_json_key(s->w, "format");
    cst_json_put_string(s->w, format);
    cst_json_close_object(s->w);
    cst_json_close_object(s->w);
    return true;
}

static bool put_inline(speaker *s, const cst_json *blob)
{
    castor_str mime_type = cst_json_string(plx_field_get(blob, "mimeType"));
    castor_str data = cst_json_string(plx_field_get(blob, "data"));

    if (cst_str_starts_with(mime_type, "image/")) return put_picture(s, mime_type, data, CST_NONE);
    if (cst_str_starts_with(mime_type, "audio/")) return put_sound(s, mime_type, data);
    return plx_refuse(s->refusal, 400, "An upstream takes pictures and sound, not %.*s.", CASTOR_ARG(mime_type));
}

/* Where the upstream can get it itself. Files of the service it cannot. */
static bool put_file(speaker *s, const cst_json *file)
{
    castor_str mime_type = cst_json_string(plx_field_get(file, "mimeType"));
    castor_str uri = cst_json_string(plx_field_get(file, "fileUri"));
    bool       is_public = cst_str_starts_with(uri, "https://") && !cst_str_contains_nocase(uri, "/files/");

    if (is_public && cst_str_starts_with(mime_type, "image/")) return put_picture(s, CST_NONE, CST_NONE, uri);
    return plx_refuse(s->refusal, 400, "An upstream can be given pictures by a public https URL, not %.*s.",
                      CASTOR_ARG(uri));
}

static bool put_part(speaker *s, const cst_json *part)
{
    castor_str text = cst_json_string(plx_field_get(part, "text"));

    if (plx_field_get(part, "inlineData")) return put_inline(s, plx_field_get(part, "inlineData"));
    if (plx_field_get(part, "fileData")) return put_file(s, plx_field_get(part, "fileData"));
    if (!text.data) return true;
    open_part(s->w, "text");
    cst_json_put_string(s->w, text);
    cst_json_close_object(s->w);
    return true;
}

static bool put_mixed_parts(speaker *s, const cst_json *content)
{
    plx_list        each = plx_list_of(plx_field_get(content, "parts"));
    const cst_json *part;
    bool            is_put = true;

    cst_json_open_object(s->w);
    cst_json_put_member(s->w, "role", "user");
    cst_json_key(s->w, "content");
    cst_json_open_array(s->w);
    while (is_put && (part = plx_list_next(&each))) is_put = put_part(s, part);
    cst_json_close_array(s->w);
    cst_json_close_object(s->w);
    return is_put;
}

/* A plain string where that is enough: some servers take nothing else. */
static bool put_rest(speaker *s, const cst_json *content)
{
    plx_list        each = plx_list_of(plx_field_get(content, "parts"));
    const cst_json *part;
    bool            has_text = false;
    cst_buf         text;

    while ((part = plx_list_next(&each))) {
        if (plx_field_get(part, "inlineData") || plx_field_get(part, "fileData")) return put_mixed_parts(s, content);
        has_text = has_text || cst_json_string(plx_field_get(part, "text")).data;
    }
    if (!has_text) return true;
    cst_buf_init(&text, cst_allocator_default(), PLX_BODY_BYTES_MAX);
    castor_status status = plx_chat_join_texts(content, &text);
    plx_chat_put_message(s->w, "user", text.len > 0 ? cst_buf_view(&text) : CASTOR_STR(""));
    if (status != CASTOR_OK) s->w->status = status;
    cst_buf_free(&text);
    return true;
}

bool plx_chat_put_turns(cst_json_writer *w, const cst_json *contents, plx_refusal *refusal)
{
    speaker         s = { .w = w, .refusal = refusal };
    plx_list        each = plx_list_of(contents);
    const cst_json *content;
    bool            is_put = true;

    while (is_put && (content = plx_list_next(&each))) {
        bool is_model = cst_str_equal_nocase(cst_json_string(plx_field_get(content, "role")), CASTOR_STR("model"));
        is_put = is_model ? put_model_turn(&s, content) : put_results(&s, content) && put_rest(&s, content);
    }
    return is_put;
}
