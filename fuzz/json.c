/* json.c -- any bytes as a JSON text: what a cursor says is a value's source must read back as that value.
 * SPDX-License-Identifier: MIT
 */
#include "json_cursor.h"

#include "fuzz.h"

enum { CHECKS_MAX = 2000 };

typedef struct walk {
    castor_str   text;
    cst_json_doc again; /* for reading sources */
    size_t       checks;
} walk;

/* Type, scalar and size: what is inside is checked when the walk gets there. */
static bool is_alike(const cst_json *a, const cst_json *b)
{
    char       one[32], other[32];
    castor_i64 left = cst_json_integer(a), right = cst_json_integer(b);

    return cst_json_type_of(a) == cst_json_type_of(b) && cst_json_count(a) == cst_json_count(b) &&
           cst_str_equal(cst_json_label(a, one), cst_json_label(b, other)) &&
           cst_json_is_true(a) == cst_json_is_true(b) &&
           left.is_set == right.is_set && left.value == right.value;
}

static void check_value(walk *on, cst_json_cursor at)
{
    castor_str source = cst_json_source(at);

    on->checks++;
    fuzz_check(at.value != NULL, "a value is not where the document has one");
    fuzz_check(source.data >= on->text.data && source.data + source.len <= on->text.data + on->text.len,
               "a source outside of the text");
    fuzz_check(cst_json_read(&on->again, source, NULL, NULL) == CASTOR_OK, "a source is no JSON");
    fuzz_check(is_alike(at.value, cst_json_root(&on->again)), "a source reads back as another value");
}

static void check_members(walk *on, cst_json_cursor object)
{
    castor_str        name;
    cst_json_iterator members = cst_json_iterate(object.value);

    for (const cst_json *value; on->checks < CHECKS_MAX && (value = cst_json_next(&members, &name)) != NULL;) {
        cst_json_cursor found = cst_json_cursor_find(object, name);
        check_value(on, found);
        if (!memchr(name.data, '\0', name.len)) {
            fuzz_check(found.value == cst_json_get(object.value, name.data),
                       "cursor and reader find different members");
        }
    }
}

static void check_elements(walk *on, cst_json_cursor array)
{
    size_t          left = cst_json_count(array.value) - 1, index = 0;
    cst_json_cursor at = cst_json_cursor_first(array);

    for (; on->checks < CHECKS_MAX && at.value; at = cst_json_cursor_after(at, &left)) {
        fuzz_check(at.value == cst_json_at(array.value, index++), "cursor and reader find different elements");
        check_value(on, at);
    }
}

static void check_tree(walk *on, cst_json_cursor at)
{
    cst_json_iterator children = cst_json_iterate(at.value);
    castor_str        name;
    size_t            left = cst_json_count(at.value) - 1;

    if (cst_json_type_of(at.value) == CST_JSON_OBJECT) {
        check_members(on, at);
        while (on->checks < CHECKS_MAX && cst_json_next(&children, &name)) {
            on->checks++;
            check_tree(on, cst_json_cursor_find(at, name));
        }
    } else if (cst_json_type_of(at.value) == CST_JSON_ARRAY) {
        check_elements(on, at);
        cst_json_cursor child = cst_json_cursor_first(at);
        for (; on->checks < CHECKS_MAX && child.value; child = cst_json_cursor_after(child, &left)) {
            on->checks++;
            check_tree(on, child);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char        *copy = fuzz_copy(data, size);
    walk         on = { .text = { copy, size } };
    cst_json_doc doc;
    size_t       offset = 0;
    const char  *why = NULL;

    cst_json_doc_init(&doc, cst_allocator_default());
    cst_json_doc_init(&on.again, cst_allocator_default());
    castor_status status = cst_json_read(&doc, on.text, &offset, &why);
    if (status == CASTOR_OK) {
        cst_json_cursor root = cst_json_cursor_at_root(&doc, on.text);
        check_value(&on, root);
        check_tree(&on, root);
    } else {
        fuzz_check(status != CASTOR_NO_MEMORY, "memory that ran out, with plenty of it left");
        fuzz_check(offset <= size && why, "a fault behind the text, or without a reason");
        fuzz_check(cst_json_root(&doc) == NULL, "a document of a text that is none");
    }
    cst_json_doc_free(&on.again);
    cst_json_doc_free(&doc);
    free(copy);
    return 0;
}
