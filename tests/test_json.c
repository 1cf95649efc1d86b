/* test_json.c -- reading JSON values and their sources, and printing JSON.
 * SPDX-License-Identifier: MIT
 */
#include "support.h"

#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "json_cursor.h"
#include "json_writer.h"

/* ---- reading ---- */

static const cst_json *read_text(cst_json_doc *doc, const char *text)
{
    cst_json_doc_init(doc, cst_allocator_default());
    assert_int_equal(cst_json_read(doc, castor_str_of(text), NULL, NULL), CASTOR_OK);
    return cst_json_root(doc);
}

static void check_integer(const char *text, bool is_set, int64_t value)
{
    cst_json_doc doc;
    castor_i64   got = cst_json_integer(read_text(&doc, text));

    if ((bool)got.is_set != is_set || (is_set && got.value != value)) {
        fail_msg("%s: %s %lld", text, got.is_set ? "got" : "unset", (long long)got.value);
    }
    cst_json_doc_free(&doc);
}

static void whole_numbers_are_read_however_they_are_spelled(void **state)
{
    (void)state;
    check_integer("0", true, 0);
    check_integer("-0", true, 0);
    check_integer("12", true, 12);
    check_integer("-7", true, -7);
    check_integer("\"12\"", true, 12);
    check_integer("\"-7\"", true, -7);
    check_integer("1.5e3", true, 1500);
    check_integer("1E+2", true, 100);
    check_integer("120e-1", true, 12);
    check_integer("12.0", true, 12);
    check_integer("12.000000000000000000000000000000", true, 12);
    check_integer("0.0", true, 0);
    check_integer("0e99999999999", true, 0);
    check_integer("0.00000000000000000000000000000001e32", true, 1);
    check_integer("9223372036854775807", true, INT64_MAX);
    check_integer("\"9223372036854775807\"", true, INT64_MAX);
    check_integer("-9223372036854775807", true, -INT64_MAX);
    check_integer("9007199254740993", true, 9007199254740993); /* a double would lose the 3 */
}

static void the_least_of_all_integers_fits(void **state)
{
    (void)state;
    check_integer("-9223372036854775808", true, INT64_MIN);
}

static void what_is_no_whole_number_or_does_not_fit_is_unset(void **state)
{
    (void)state;
    check_integer("1.5", false, 0);
    check_integer("1e-1", false, 0);
    check_integer("9223372036854775808", false, 0);
    check_integer("-9223372036854775809", false, 0);
    check_integer("18446744073709551616", false, 0);
    check_integer("1e19", false, 0);
    check_integer("1e999999999999999999999", false, 0);
    check_integer("123456789012345678901234567890", false, 0);
    check_integer("\"\"", false, 0);
    check_integer("\"-\"", false, 0);
    check_integer("\"12x\"", false, 0);
    check_integer("\" 12\"", false, 0);
    check_integer("\"1e\"", false, 0);
    check_integer("\".\"", false, 0);
    check_integer("\"NaN\"", false, 0);
    check_integer("true", false, 0);
    check_integer("null", false, 0);
    check_integer("[1]", false, 0);
    check_integer("{}", false, 0);
}

static void check_string(const char *text, castor_str expected)
{
    cst_json_doc doc;
    castor_str   got = cst_json_string(read_text(&doc, text));

    if (!cst_str_equal(got, expected)) fail_msg("%s: got \"%.*s\"", text, CASTOR_ARG(got));
    cst_json_doc_free(&doc);
}

static void strings_are_decoded(void **state)
{
    (void)state;
    check_string("\"\"", (castor_str){ "", 0 });
    check_string("\"\\u0041\\n\\/\\\"\\\\\\b\\f\\r\\t\"", CASTOR_STR("A\n/\"\\\b\f\r\t"));
    check_string("\"a\\u0000b\"", (castor_str){ "a\0b", 3 });
    check_string("\"\\ud83e\\uddab\"", CASTOR_STR("\xF0\x9F\xA6\xAB"));
    check_string("\"\\uD83E\\uDDAB\"", CASTOR_STR("\xF0\x9F\xA6\xAB"));
    check_string("\"\\uffff\"", CASTOR_STR("\xEF\xBF\xBF"));
}

static void half_a_surrogate_pair_becomes_the_replacement_character(void **state)
{
    (void)state;
    check_string("\"\\ud83e\"", CASTOR_STR("\xEF\xBF\xBD"));
    check_string("\"\\uddab\"", CASTOR_STR("\xEF\xBF\xBD"));
    check_string("\"\\ud83e\\ud83e\\uddab\"", CASTOR_STR("\xEF\xBF\xBD\xF0\x9F\xA6\xAB"));
    check_string("\"\\uddab\\ud83e\"", CASTOR_STR("\xEF\xBF\xBD\xEF\xBF\xBD"));
    check_string("\"\\ud83e\\u0041\"", CASTOR_STR("\xEF\xBF\xBD" "A"));
    check_string("\"\\ud83ex\\n\"", CASTOR_STR("\xEF\xBF\xBDx\n"));
    check_string("\"\\\\ud83e\"", CASTOR_STR("\\ud83e"));
    check_string("\"\\\\\\ud83e\"", CASTOR_STR("\\\xEF\xBF\xBD"));
    check_string("\"\\uDBFF\\uE000\"", CASTOR_STR("\xEF\xBF\xBD\xEE\x80\x80"));
}

/* CASTOR_OK, or the status and the offset of the fault. */
static void check_read(castor_str text, castor_status status, size_t offset)
{
    cst_json_doc doc;
    size_t       at = 12345;
    const char  *why = NULL;

    cst_json_doc_init(&doc, cst_allocator_default());
    castor_status got = cst_json_read(&doc, text, &at, &why);
    if (got != status || (status != CASTOR_OK && (at != offset || !why))) {
        fail_msg("%.60s: %s at %zu (%s), expected %s at %zu", text.data, castor_status_name(got), at, why ? why : "-",
                 castor_status_name(status), offset);
    }
    if (status != CASTOR_OK) assert_null(cst_json_root(&doc));
    cst_json_doc_free(&doc);
}

static void a_fault_is_told_with_its_byte(void **state)
{
    (void)state;
    check_read(CASTOR_STR(""), CASTOR_PROTOCOL, 0);
    check_read(CASTOR_STR("{\"a\":}"), CASTOR_PROTOCOL, 5);
    check_read(CASTOR_STR("[1,2,]"), CASTOR_PROTOCOL, 4);
    check_read(CASTOR_STR("[1] x"), CASTOR_PROTOCOL, 4);
    check_read(CASTOR_STR("\"a\xFF\""), CASTOR_PROTOCOL, 2);
    check_read(CASTOR_STR("[\"abc\xC3\"]"), CASTOR_PROTOCOL, 5);
    check_read(CASTOR_STR("\"\xED\xA0\x80\""), CASTOR_PROTOCOL, 1);
    check_read(CASTOR_STR("[\"\\ud800\",\"\xFF\"]"), CASTOR_PROTOCOL, 11);
    check_read(CASTOR_STR("[\"\\ud800\",}"), CASTOR_PROTOCOL, 10);
    check_read((castor_str){ "[1]\0", 4 }, CASTOR_PROTOCOL, 3);
    check_read((castor_str){ "\"a\0b\"", 5 }, CASTOR_PROTOCOL, 2);
}

static void what_the_standard_does_not_know_is_refused(void **state)
{
    static const char *const texts[] = {
        "NaN", "Infinity", "-Infinity", "[1,]", "{\"a\":1,}", "{a:1}", "'a'", "// c\n1", "/* c */1", "01", "+1", "1.",
        ".5", "0x10", "\"\\x41\"", "\"\t\"", "tru", "True", "[1 2]", "{\"a\" 1}", "\xEF\xBB\xBF{}", "-", "1e",
        "\"\\u12\"", "\"\\u12g4\"", "]", "{", "[", "\"",
    };

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        cst_json_doc doc;
        cst_json_doc_init(&doc, cst_allocator_default());
        castor_status status = cst_json_read(&doc, castor_str_of(texts[i]), NULL, NULL);
        if (status != CASTOR_PROTOCOL) fail_msg("%s: %s", texts[i], castor_status_name(status));
        cst_json_doc_free(&doc);
    }
}

static castor_str nest(const char *open, const char *close, size_t depth)
{
    castor_str opened = tst_repeat(open, depth), closed = tst_repeat(close, depth);
    char      *text = malloc(opened.len + closed.len + 2);

    assert_non_null(text);
    memcpy(text, opened.data, opened.len);
    text[opened.len] = '1';
    memcpy(text + opened.len + 1, closed.data, closed.len + 1);
    castor_str result = { text, opened.len + closed.len + 1 };
    free((void *)(uintptr_t)opened.data);
    free((void *)(uintptr_t)closed.data);
    return result;
}

static castor_status read_nested(const char *open, const char *close, size_t depth)
{
    cst_json_doc doc;
    castor_str   text = nest(open, close, depth);

    cst_json_doc_init(&doc, cst_allocator_default());
    castor_status status = cst_json_read(&doc, text, NULL, NULL);
    cst_json_doc_free(&doc);
    free((void *)(uintptr_t)text.data);
    return status;
}

static void nesting_ends_at_its_maximum(void **state)
{
    (void)state;
    assert_int_equal(read_nested("[", "]", CST_JSON_DEPTH_MAX), CASTOR_OK);
    assert_int_equal(read_nested("[", "]", CST_JSON_DEPTH_MAX + 1), CASTOR_LIMIT);
    assert_int_equal(read_nested("{\"]\\\"\":", "}", CST_JSON_DEPTH_MAX), CASTOR_OK);
    assert_int_equal(read_nested("{\"]\\\"\":", "}", CST_JSON_DEPTH_MAX + 1), CASTOR_LIMIT);
    assert_int_equal(read_nested("[", "]", 10000), CASTOR_LIMIT);
    assert_int_equal(read_nested("[", "]", 1000000), CASTOR_LIMIT);
}

static void many_brackets_side_by_side_are_not_deep(void **state)
{
    (void)state;
    cst_json_doc doc;
    castor_str   text = tst_repeat("[],", 50000);
    char        *list = malloc(text.len + 4);

    assert_non_null(list);
    (void)snprintf(list, text.len + 4, "[%s1]", text.data);
    assert_int_equal(cst_json_count(read_text(&doc, list)), 50001);
    cst_json_doc_free(&doc);
    free((void *)(uintptr_t)text.data);
    free(list);
}

/* A label is a string as it is, a number as it was spelled. */
static void a_label_keeps_the_spelling_of_a_number(void **state)
{
    (void)state;
    cst_json_doc    doc;
    char            scratch[32];
    const cst_json *root = read_text(&doc,
                                     "[\"STOP\",1,1.50e+3,null,true,[],123456789012345678901234567890123456789012]");

    assert_true(cst_str_is(cst_json_label(cst_json_at(root, 0), scratch), "STOP"));
    assert_true(cst_str_is(cst_json_label(cst_json_at(root, 1), scratch), "1"));
    assert_true(cst_str_is(cst_json_label(cst_json_at(root, 2), scratch), "1.50e+3"));
    assert_null(cst_json_label(cst_json_at(root, 3), scratch).data);
    assert_null(cst_json_label(cst_json_at(root, 4), scratch).data);
    assert_null(cst_json_label(cst_json_at(root, 5), scratch).data);
    assert_null(cst_json_label(NULL, scratch).data);
    assert_int_equal(cst_json_label(cst_json_at(root, 6), scratch).len, 31);
    cst_json_doc_free(&doc);
}

static void every_reader_takes_a_value_that_is_not_there(void **state)
{
    (void)state;
    cst_json_doc      doc;
    const cst_json   *root = read_text(&doc, "{\"a\":[1],\"b\":\"x\"}");
    cst_json_iterator nothing = cst_json_iterate(NULL), scalar = cst_json_iterate(cst_json_get(root, "b"));

    assert_null(cst_json_get(NULL, "a"));
    assert_null(cst_json_get(cst_json_get(root, "a"), "a"));
    assert_null(cst_json_get(root, "c"));
    assert_null(cst_json_at(NULL, 0));
    assert_null(cst_json_at(root, 0));
    assert_null(cst_json_at(cst_json_get(root, "a"), 1));
    assert_int_equal(cst_json_count(NULL), 0);
    assert_int_equal(cst_json_count(cst_json_get(root, "b")), 0);
    assert_null(cst_json_string(NULL).data);
    assert_null(cst_json_string_in(cst_json_get(root, "a"), "a").data);
    assert_false(cst_json_is_true(NULL));
    assert_false(cst_json_integer(NULL).is_set);
    assert_int_equal(cst_json_type_of(NULL), CST_JSON_ABSENT);
    assert_null(cst_json_next(&nothing, NULL));
    assert_null(cst_json_next(&scalar, NULL));
    cst_json_doc_free(&doc);

    cst_json_doc_init(&doc, cst_allocator_default());
    assert_null(cst_json_root(&doc));
    cst_json_doc_free(&doc);
}

static void a_document_can_be_read_into_again_and_again(void **state)
{
    (void)state;
    tst_memory       memory = { 0 };
    castor_allocator allocator = tst_allocator(&memory);
    cst_json_doc     doc;
    castor_str       large = tst_repeat("\"0123456789\",", 20000);
    char            *list = malloc(large.len + 4);
    long             asked = 0;

    assert_non_null(list);
    (void)snprintf(list, large.len + 4, "[%s1]", large.data);
    cst_json_doc_init(&doc, &allocator);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(cst_json_read(&doc, CASTOR_STR("{\"a\":[1,2,3],\"b\":\"text\"}"), NULL, NULL), CASTOR_OK);
        assert_int_equal(cst_json_read(&doc, CASTOR_STR("{\"a\":"), NULL, NULL), CASTOR_PROTOCOL);
        if (i == 0) asked = memory.asked;
    }
    assert_int_equal(memory.asked, asked); /* small records allocate nothing once it runs */
    for (int i = 0; i < 3; i++) {
        assert_int_equal(cst_json_read(&doc, castor_str_of(list), NULL, NULL), CASTOR_OK);
        assert_int_equal(cst_json_count(cst_json_root(&doc)), 20001);
        assert_int_equal(cst_json_read(&doc, CASTOR_STR("[1]"), NULL, NULL), CASTOR_OK);
        assert_int_equal(cst_json_read(&doc, (castor_str){ list, large.len }, NULL, NULL), CASTOR_PROTOCOL);
    }
    cst_json_doc_free(&doc);
    assert_int_equal(memory.live_bytes, 0);
    assert_false(memory.has_lied);
    free(list);
    free((void *)(uintptr_t)large.data);
}

/* The text ends where the next byte may not be touched: one byte too far is a crash, not luck. */
static void no_byte_behind_the_text_is_read(void **state)
{
    static const char *const texts[] = { "{\"a\":\"\\ud800\",\"b\":[1,2.5e3,true]}", "\"abc", "\"\\u12", "\"\\", "[1",
                                         "tru", "-", "\"\xF0\x9F" };
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    FILE  *file = tmpfile();

    (void)state;
    assert_non_null(file);
    int zero = fileno(file);
    assert_int_equal(ftruncate(zero, (off_t)page), 0);
    char *memory = mmap(NULL, page * 2, PROT_READ | PROT_WRITE, MAP_PRIVATE, zero, 0);
    assert_true(memory != MAP_FAILED);
    assert_int_equal(mprotect(memory + page, page, PROT_NONE), 0);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        size_t       len = strlen(texts[i]);
        cst_json_doc doc;
        castor_str   text = { memory + page - len, len };
        memcpy(memory + page - len, texts[i], len);
        cst_json_doc_init(&doc, cst_allocator_default());
        if (cst_json_read(&doc, text, NULL, NULL) == CASTOR_OK) {
            cst_json_cursor root = cst_json_cursor_at_root(&doc, text);
            assert_true(cst_str_equal(cst_json_source(root), text));
            assert_true(cst_str_is(cst_json_source(cst_json_cursor_get(root, "b")), "[1,2.5e3,true]"));
        }
        cst_json_doc_free(&doc);
    }
    assert_int_equal(munmap(memory, page * 2), 0);
    (void)fclose(file);
}

/* ---- cursors ---- */

static castor_str source_of(cst_json_doc *doc, const char *text, const char *key)
{
    read_text(doc, text);
    return cst_json_source(cst_json_cursor_get(cst_json_cursor_at_root(doc, castor_str_of(text)), key));
}

static void check_source(const char *text, const char *key, const char *expected)
{
    cst_json_doc doc;
    castor_str   got = source_of(&doc, text, key);

    if (!(expected ? cst_str_is(got, expected) : !got.data)) fail_msg("%s, %s: got %.*s", text, key, CASTOR_ARG(got));
    cst_json_doc_free(&doc);
}

static void a_value_is_found_in_its_source(void **state)
{
    (void)state;
    check_source("{\"a\":1}", "a", "1");
    check_source(" { \"a\" : 1.0E+2 , \"b\":2 } ", "a", "1.0E+2");
    check_source("{\"x\":\"}\\\"a\\\":\",\"a\":[ 1 , {} ]}", "a", "[ 1 , {} ]");
    check_source("{\"x\":{\"a\":1},\"a\":\"\\u0041\\\\\"}", "a", "\"\\u0041\\\\\"");
    check_source("{\"b\":[[],{\"a\":\"]\"}],\"a\" :\r\n\tnull\r\n}", "a", "null");
    check_source("{\"\":7}", "", "7");
    check_source("{}", "a", NULL);
    check_source("[1]", "a", NULL);
    check_source("12", "a", NULL);
}

static void escaped_and_repeated_names_do_not_mislead(void **state)
{
    (void)state;
    check_source("{\"\\u0061\":1}", "a", "1");
    check_source("{\"b\":0,\"\\u0061\\n\":1,\"a\":2}", "a", "2");
    check_source("{\"a\":1,\"a\":2}", "a", "1");
    check_source("{\"a\\\\\":1,\"a\":2}", "a", "2");
    check_source("{\"a\\\"\":1,\"a\":2}", "a", "2");
    check_source("{\"\\ud800\":1,\"a\":2}", "a", "2");
    check_source("{\"\\ud800\":1,\"a\":2}", "\xEF\xBF\xBD", "1");
}

static void null_does_not_hide_the_member_that_follows(void **state)
{
    cst_json_doc doc;

    (void)state;
    check_source("{\"a\":null,\"a\":[2]}", "a", "[2]");
    check_source("{\"a\":null,\"b\":1,\"a\":null}", "a", "null");
    check_source("{\"a\":1,\"a\":null}", "a", "1");
    read_text(&doc, "{\"a\":null,\"a\":\"x\",\"b\":null}");
    assert_true(cst_str_is(cst_json_string_in(cst_json_root(&doc), "a"), "x"));
    assert_int_equal(cst_json_type_of(cst_json_get(cst_json_root(&doc), "b")), CST_JSON_NULL);
    cst_json_doc_free(&doc);
}

static void elements_are_found_one_after_the_other(void **state)
{
    (void)state;
    static const char *const expected[] = { "1", "\"],\\\"\"", "[[],[2]]", "{\"a\":[]}", "null", "-1e5" };
    const char              *text = " [ 1 ,\n\"],\\\"\",[[],[2]] , {\"a\":[]},null,-1e5\r\n] ";
    cst_json_doc             doc;
    size_t                   count = 0;

    read_text(&doc, text);
    cst_json_cursor root = cst_json_cursor_at_root(&doc, castor_str_of(text));
    size_t          left = cst_json_count(root.value) - 1;
    for (cst_json_cursor at = cst_json_cursor_first(root); at.value; at = cst_json_cursor_after(at, &left)) {
        assert_true(count < 6);
        assert_true(cst_str_is(cst_json_source(at), expected[count]));
        assert_ptr_equal(at.value, cst_json_at(root.value, count));
        count++;
    }
    assert_int_equal(count, 6);
    cst_json_doc_free(&doc);

    read_text(&doc, "[ ]");
    assert_null(cst_json_cursor_first(cst_json_cursor_at_root(&doc, CASTOR_STR("[ ]"))).value);
    cst_json_doc_free(&doc);
}

/* ---- printing ---- */

typedef struct page {
    cst_buf         text;
    cst_json_writer json;
} page;

static void open_page(page *one)
{
    cst_buf_init(&one->text, cst_allocator_default(), 1 << 20);
    one->json = cst_json_writer_to(&one->text);
}

static void check_page(page *one, const char *expected)
{
    assert_int_equal(one->json.status, CASTOR_OK);
    assert_string_equal(one->text.data, expected);
    cst_buf_free(&one->text);
}

static void commas_stand_where_they_should(void **state)
{
    (void)state;
    page one;

    open_page(&one);
    cst_json_open_object(&one.json);
    cst_json_key(&one.json, "a");
    cst_json_open_array(&one.json);
    cst_json_put_integer(&one.json, 1);
    cst_json_put_bool(&one.json, true);
    cst_json_put_bool(&one.json, false);
    cst_json_put_null(&one.json);
    cst_json_open_array(&one.json);
    cst_json_close_array(&one.json);
    cst_json_open_object(&one.json);
    cst_json_close_object(&one.json);
    cst_json_put_string(&one.json, CASTOR_STR("x"));
    cst_json_close_array(&one.json);
    cst_json_put_member(&one.json, "b", "y");
    cst_json_put_member(&one.json, "c", NULL);
    cst_json_put_count(&one.json, "d", castor_some_i64(0));
    cst_json_put_count(&one.json, "e", (castor_i64){ 0 });
    cst_json_put_fraction(&one.json, "f", castor_some_f64(0));
    cst_json_put_fraction(&one.json, "g", (castor_f64){ 0 });
    cst_json_key(&one.json, "h");
    cst_json_put_raw(&one.json, CASTOR_STR("{ \"as\": \"it stands\" }"));
    cst_json_close_object(&one.json);
    check_page(&one, "{\"a\":[1,true,false,null,[],{},\"x\"],\"b\":\"y\",\"d\":0,\"f\":0,"
                     "\"h\":{ \"as\": \"it stands\" }}");
}

static void check_printed(castor_str text, const char *expected)
{
    page one;

    open_page(&one);
    cst_json_put_string(&one.json, text);
    check_page(&one, expected);
}

static void strings_are_escaped(void **state)
{
    (void)state;
    check_printed(CST_NONE, "\"\"");
    check_printed(CASTOR_STR("a\"b\\c/d"), "\"a\\\"b\\\\c/d\"");
    check_printed(CASTOR_STR("\n\r\t\b\f\x1B"), "\"\\n\\r\\t\\u0008\\u000c\\u001b\"");
    check_printed((castor_str){ "a\0b", 3 }, "\"a\\u0000b\"");
    check_printed(CASTOR_STR("B\xC3\xA4r \xE2\x89\x88 \xF0\x9F\xA6\xAB \xEF\xBF\xBF"),
                  "\"B\xC3\xA4r \xE2\x89\x88 \xF0\x9F\xA6\xAB \xEF\xBF\xBF\"");
}

static void bytes_that_are_no_utf8_become_the_replacement_character(void **state)
{
    (void)state;
    check_printed(CASTOR_STR("a\xFFz"), "\"a\xEF\xBF\xBDz\"");
    check_printed(CASTOR_STR("D\xE4mme"), "\"D\xEF\xBF\xBDmme\"");
    check_printed(CASTOR_STR("\xC3"), "\"\xEF\xBF\xBD\"");
    check_printed(CASTOR_STR("\xC3\"x"), "\"\xEF\xBF\xBD\\\"x\"");
    check_printed(CASTOR_STR("\xC0\xAF"), "\"\xEF\xBF\xBD\xEF\xBF\xBD\"");
    check_printed(CASTOR_STR("\xED\xA0\x80"), "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"");
    check_printed(CASTOR_STR("\xF4\x90\x80\x80"), "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"");
    check_printed(CASTOR_STR("\xE0\x9F\xBF"), "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"");
}

/* Whatever the bytes, the text is JSON, and reads back as what was meant. */
static void random_bytes_print_as_json(void **state)
{
    uint64_t random = tst_seed();

    (void)state;
    for (int round = 0; round < 2000; round++) {
        char   bytes[24];
        size_t len = tst_random_below(&random, sizeof bytes);
        page   one;
        for (size_t i = 0; i < len; i++) bytes[i] = (char)tst_random_below(&random, 256);
        open_page(&one);
        cst_json_put_string(&one.json, (castor_str){ bytes, len });
        assert_true(tst_is_utf8(cst_buf_view(&one.text)));
        cst_json_doc doc;
        castor_str   back = cst_json_string(read_text(&doc, one.text.data));
        if (tst_is_utf8((castor_str){ bytes, len })) assert_true(cst_str_equal(back, (castor_str){ bytes, len }));
        assert_true(back.data && tst_is_utf8(back));
        cst_json_doc_free(&doc);
        cst_buf_free(&one.text);
    }
}

static void check_base64(castor_str bytes, const char *expected)
{
    page one;

    open_page(&one);
    cst_json_put_base64(&one.json, CASTOR_STR("data:"), bytes);
    check_page(&one, expected);
}

static void bytes_are_printed_as_base64(void **state)
{
    (void)state; /* RFC 4648, 10 */
    check_base64(CST_NONE, "\"data:\"");
    check_base64(CASTOR_STR("f"), "\"data:Zg==\"");
    check_base64(CASTOR_STR("fo"), "\"data:Zm8=\"");
    check_base64(CASTOR_STR("foo"), "\"data:Zm9v\"");
    check_base64(CASTOR_STR("foob"), "\"data:Zm9vYg==\"");
    check_base64(CASTOR_STR("fooba"), "\"data:Zm9vYmE=\"");
    check_base64(CASTOR_STR("foobar"), "\"data:Zm9vYmFy\"");
    check_base64((castor_str){ "\xFB\xEF\xBE\0\xFF\xFF", 6 }, "\"data:++++AP//\"");
}

static void check_number(double number, const char *expected)
{
    page one;

    open_page(&one);
    cst_json_put_number(&one.json, number);
    assert_int_equal(one.json.status, CASTOR_OK);
    if (expected) assert_string_equal(one.text.data, expected);
    cst_json_doc doc;
    read_text(&doc, one.text.data);
    cst_json_doc_free(&doc);
    assert_true(strtod(one.text.data, NULL) == number);
    cst_buf_free(&one.text);
}

static void numbers_are_printed_as_short_as_they_read_back(void **state)
{
    uint64_t random = tst_seed();

    (void)state;
    check_number(0, "0");
    check_number(-0.0, NULL);
    check_number(1, "1");
    check_number(0.5, "0.5");
    check_number(0.1, "0.1");
    check_number(0.95, "0.95");
    check_number(1.0 / 3, "0.3333333333333333");
    check_number(0.1 + 0.2, "0.30000000000000004");
    check_number(100, NULL);
    check_number(1e21, "1e+21");
    check_number(-2.5e-7, "-2.5e-07");
    check_number(DBL_MAX, NULL);
    check_number(DBL_MIN, NULL);
    check_number(5e-324, NULL);
    for (int i = 0; i < 5000; i++) {
        uint64_t bits = tst_random(&random);
        double   number;
        memcpy(&number, &bits, sizeof number);
        if (isfinite(number)) check_number(number, NULL);
    }
}

static void what_json_has_no_word_for_is_an_error(void **state)
{
    (void)state;
    const double numbers[] = { (double)NAN, (double)INFINITY, -(double)INFINITY };

    for (size_t i = 0; i < 3; i++) {
        page one;
        open_page(&one);
        cst_json_put_number(&one.json, numbers[i]);
        assert_int_equal(one.json.status, CASTOR_INVALID);
        cst_json_put_integer(&one.json, 1);
        assert_int_equal(one.json.status, CASTOR_INVALID);
        assert_int_equal(one.text.len, 0);
        cst_buf_free(&one.text);
    }
}

static void integers_are_printed_to_their_limits(void **state)
{
    (void)state;
    page one;

    open_page(&one);
    cst_json_open_array(&one.json);
    cst_json_put_integer(&one.json, INT64_MIN);
    cst_json_put_integer(&one.json, INT64_MAX);
    cst_json_close_array(&one.json);
    check_page(&one, "[-9223372036854775808,9223372036854775807]");
}

/* A locale that writes a decimal comma: there may be none on this machine, then this is skipped. */
static void the_locale_does_not_matter(void **state)
{
    static const char *const names[] = { "de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "de_DE", "fr_FR", "es_ES.UTF-8",
                                         "nl_NL.UTF-8" };
    bool                     has_comma = false;

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names && !has_comma; i++) {
        has_comma = setlocale(LC_ALL, names[i]) && strcmp(localeconv()->decimal_point, ",") == 0;
    }
    if (!has_comma) skip();
    page one;
    open_page(&one);
    cst_json_put_number(&one.json, 0.5);
    (void)setlocale(LC_ALL, "C");
    check_page(&one, "0.5");
}

static void errors_of_the_buffer_stick(void **state)
{
    (void)state;
    cst_buf         text;
    cst_json_writer json;

    cst_buf_init(&text, cst_allocator_default(), 8);
    json = cst_json_writer_to(&text);
    cst_json_open_array(&json);
    cst_json_put_string(&json, CASTOR_STR("123456789"));
    assert_int_equal(json.status, CASTOR_LIMIT);
    cst_json_put_integer(&json, 1);
    cst_json_put_base64(&json, CST_NONE, CASTOR_STR("x"));
    cst_json_close_array(&json);
    assert_int_equal(json.status, CASTOR_LIMIT);
    assert_true(text.len <= 8);
    cst_buf_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_numbers_are_read_however_they_are_spelled),
        cmocka_unit_test(the_least_of_all_integers_fits),
        cmocka_unit_test(what_is_no_whole_number_or_does_not_fit_is_unset),
        cmocka_unit_test(strings_are_decoded),
        cmocka_unit_test(half_a_surrogate_pair_becomes_the_replacement_character),
        cmocka_unit_test(a_fault_is_told_with_its_byte),
        cmocka_unit_test(what_the_standard_does_not_know_is_refused),
        cmocka_unit_test(nesting_ends_at_its_maximum),
        cmocka_unit_test(many_brackets_side_by_side_are_not_deep),
        cmocka_unit_test(a_label_keeps_the_spelling_of_a_number),
        cmocka_unit_test(every_reader_takes_a_value_that_is_not_there),
        cmocka_unit_test(a_document_can_be_read_into_again_and_again),
        cmocka_unit_test(no_byte_behind_the_text_is_read),
        cmocka_unit_test(a_value_is_found_in_its_source),
        cmocka_unit_test(escaped_and_repeated_names_do_not_mislead),
        cmocka_unit_test(null_does_not_hide_the_member_that_follows),
        cmocka_unit_test(elements_are_found_one_after_the_other),
        cmocka_unit_test(commas_stand_where_they_should),
        cmocka_unit_test(strings_are_escaped),
        cmocka_unit_test(bytes_that_are_no_utf8_become_the_replacement_character),
        cmocka_unit_test(random_bytes_print_as_json),
        cmocka_unit_test(bytes_are_printed_as_base64),
        cmocka_unit_test(numbers_are_printed_as_short_as_they_read_back),
        cmocka_unit_test(what_json_has_no_word_for_is_an_error),
        cmocka_unit_test(integers_are_printed_to_their_limits),
        cmocka_unit_test(the_locale_does_not_matter),
        cmocka_unit_test(errors_of_the_buffer_stick),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
