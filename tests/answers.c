/* answers.c -- what tests ask of a pollux's JSON answers.
 * SPDX-License-Identifier: MIT
 */
#include "answers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"

void tst_text_at(const tst_answer *a, const char *path, char *out, size_t size)
{
    cst_json_doc    doc;
    const cst_json *value;
    char            key[64], scratch[32];

    cst_json_doc_init(&doc, cst_allocator_default());
    if (cst_json_read(&doc, (castor_str){ a->body, a->len }, NULL, NULL) != CASTOR_OK) fail_msg("no JSON: %s", a->body);
    for (value = cst_json_root(&doc); *path; path += strcspn(path, "."), path += *path == '.') {
        snprintf(key, sizeof key, "%.*s", (int)strcspn(path, "."), path);
        if (cst_json_type_of(value) == CST_JSON_ARRAY) value = cst_json_at(value, strtoul(key, NULL, 10));
        else value = cst_json_get(value, key);
    }
    castor_str text = cst_json_label(value, scratch);
    snprintf(out, size, "%.*s", CASTOR_ARG(text));
    cst_json_doc_free(&doc);
}

void tst_check_at(const tst_answer *a, const char *path, const char *expected)
{
    char text[512];

    tst_text_at(a, path, text, sizeof text);
    if (strcmp(text, expected) != 0) fail_msg("%s is \"%s\", not \"%s\", in %s", path, text, expected, a->body);
}

void tst_check_status(const tst_answer *a, int status)
{
    if (a->status != status) fail_msg("status %d, not %d: %s", a->status, status, a->body);
}

void tst_check_header(const tst_answer *a, const char *name, const char *expected)
{
    char value[256] = "(none)";

    tst_header(a, name, value, sizeof value);
    assert_string_equal(value, expected);
}

void tst_check_error(tst_answer a, int code, const char *status, const char *words)
{
    char number[16];

    tst_check_status(&a, code);
    tst_check_at(&a, "error.status", status);
    snprintf(number, sizeof number, "%d", code);
    tst_check_at(&a, "error.code", number);
    tst_contains(&a, words);
    tst_forget(&a);
}

void tst_advance(const tst_pollux *p, const char *seconds)
{
    char body[64];

    snprintf(body, sizeof body, "{\"advance_s\":%s}", seconds);
    tst_answer a = tst_call(p, "POST", "/pollux/clock", "", body);
    tst_check_status(&a, 200);
    tst_forget(&a);
}

tst_answer tst_get(const tst_pollux *p, const char *path) { return tst_call(p, "GET", path, KEY, NULL); }
tst_answer tst_delete(const tst_pollux *p, const char *path) { return tst_call(p, "DELETE", path, KEY, NULL); }
