/* content_writer.c -- prints the contents of a generateContent request part by part.
 * SPDX-License-Identifier: MIT
 */
#include "generate/content_writer.h"

void plx_put_text(cst_json_writer *w, const char *key, castor_str text)
{
    cst_json_key(w, key);
    cst_json_put_string(w, text);
}

void plx_put_same(cst_json_writer *w, const char *key, cst_json_cursor value)
{
    if (!value.value || cst_json_type_of(value.value) == CST_JSON_NULL) return;
    cst_json_key(w, key);
    cst_json_put_raw(w, cst_json_source(value));
}

void plx_content_close(plx_content_writer *c)
{
    if (!c->role) return;
    cst_json_close_array(&c->json);
    cst_json_close_object(&c->json);
    c->role = NULL;
}

static void open_part(plx_content_writer *c, const char *role)
{
    cst_json_writer *w = &c->json;

    if (!c->role || strcmp(c->role, role) != 0) {
        plx_content_close(c);
        cst_json_open_object(w);
        plx_put_text(w, "role", castor_str_of(role));
        cst_json_key(w, "parts");
        cst_json_open_array(w);
        c->role = role;
        c->for_call = CST_NONE;
    }
    cst_json_open_object(w);
}

static void close_part(plx_content_writer *c)
{
    if (c->signature.len > 0 && strcmp(c->role, "model") == 0) {
        plx_put_text(&c->json, "thoughtSignature", c->signature);
        c->for_call = c->signature;
        c->signature = CST_NONE;
    }
    cst_json_close_object(&c->json);
}

void plx_content_put_text(plx_content_writer *c, const char *role, castor_str text)
{
    open_part(c, role);
    plx_put_text(&c->json, "text", text);
    close_part(c);
}

void plx_content_put_media(plx_content_writer *c, const char *role, cst_json_cursor content)
{
    cst_json_writer *w = &c->json;
    bool             is_inline = cst_json_cursor_get(content, "data").value != NULL;

    open_part(c, role);
    cst_json_key(w, is_inline ? "inlineData" : "fileData");
    cst_json_open_object(w);
    plx_put_same(w, "mimeType", cst_json_cursor_get(content, "mime_type"));
    plx_put_same(w, is_inline ? "data" : "fileUri", cst_json_cursor_get(content, is_inline ? "data" : "uri"));
    cst_json_close_object(w);
    close_part(c);
}

/* A part of one member, an object of two texts. */
static void put_pair(plx_content_writer *c, const char *role, const char *key, const char *const names[2],
                     const castor_str values[2])
{
    open_part(c, role);
    cst_json_key(&c->json, key);
    cst_json_open_object(&c->json);
    for (size_t i = 0; i < 2; i++) plx_put_text(&c->json, names[i], values[i]);
    cst_json_close_object(&c->json);
    close_part(c);
}

void plx_content_put_data(plx_content_writer *c, const char *role, castor_str mime_type, castor_str base64)
{
    put_pair(c, role, "inlineData", (const char *const[]){ "mimeType", "data" },
             (const castor_str[]){ mime_type, base64 });
}

void plx_content_put_code(plx_content_writer *c, castor_str code)
{
    put_pair(c, "model", "executableCode", (const char *const[]){ "language", "code" },
             (const castor_str[]){ CASTOR_STR("PYTHON"), code });
}

void plx_content_put_code_result(plx_content_writer *c, castor_str output)
{
    put_pair(c, "model", "codeExecutionResult", (const char *const[]){ "outcome", "output" },
             (const castor_str[]){ CASTOR_STR("OUTCOME_OK"), output });
}

void plx_content_put_call(plx_content_writer *c, castor_str id, castor_str name, castor_str args)
{
    cst_json_writer *w = &c->json;

    open_part(c, "model");
    if (c->signature.len == 0) c->signature = c->for_call;
    cst_json_key(w, "functionCall");
    cst_json_open_object(w);
    plx_put_text(w, "id", id);
    plx_put_text(w, "name", name);
    cst_json_key(w, "args");
    cst_json_put_raw(w, args.len > 0 ? args : CASTOR_STR("{}"));
    cst_json_close_object(w);
    close_part(c);
    c->for_call = CST_NONE;
}

/* A response must be an object; what is none becomes a member of one. */
static void put_response(cst_json_writer *w, cst_json_cursor result, bool is_error)
{
    if (cst_json_type_of(result.value) == CST_JSON_OBJECT && !is_error) {
        plx_put_same(w, "response", result);
        return;
    }
    cst_json_key(w, "response");
    cst_json_open_object(w);
    plx_put_same(w, is_error ? "error" : "result", result);
    cst_json_close_object(w);
}

void plx_content_put_result(plx_content_writer *c, castor_str id, castor_str name, cst_json_cursor result,
                            bool is_error)
{
    cst_json_writer *w = &c->json;

    open_part(c, "user");
    cst_json_key(w, "functionResponse");
    cst_json_open_object(w);
    plx_put_text(w, "id", id);
    plx_put_text(w, "name", name);
    put_response(w, result, is_error);
    cst_json_close_object(w);
    close_part(c);
}

void plx_content_put_member(plx_content_writer *c, const char *role, const char *key, cst_json_cursor value)
{
    open_part(c, role);
    plx_put_same(&c->json, key, value);
    close_part(c);
}
