/* test_json_mode.c -- documents by a schema: whatever the schema, what pollux answers fits it.
 * SPDX-License-Identifier: MIT
 *
 * Fits by a validator of its own, which knows nothing of how the documents are made.
 */
#include <regex.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "answers.h"
#include "json.h"

static tst_pollux shared;

static int start(void **state)
{
    (void)state;
    signal(SIGPIPE, SIG_IGN);
    shared = TST_POLLUX("--instant", "--quiet");
    return 0;
}

static int stop(void **state)
{
    (void)state;
    tst_pollux_stop(&shared);
    return 0;
}

/* ---- the validator ---- */

static const cst_json *schema_root;

static const cst_json *member(const cst_json *object, const char *name) { return cst_json_get(object, name); }

static bool fits(const cst_json *value, const cst_json *schema);

static double number(const cst_json *value)
{
    char       scratch[32], text[40];
    castor_str label = cst_json_label(value, scratch);

    snprintf(text, sizeof text, "%.*s", CASTOR_ARG(label));
    return strtod(text, NULL);
}

static bool is_type(const cst_json *value, castor_str type)
{
    cst_json_type is = cst_json_type_of(value);
    char          name[16];

    snprintf(name, sizeof name, "%.*s", CASTOR_ARG(type));
    for (char *at = name; *at; at++) *at |= 0x20;
    if (strcmp(name, "object") == 0) return is == CST_JSON_OBJECT;
    if (strcmp(name, "array") == 0) return is == CST_JSON_ARRAY;
    if (strcmp(name, "string") == 0) return is == CST_JSON_STRING;
    if (strcmp(name, "boolean") == 0) return is == CST_JSON_BOOL;
    if (strcmp(name, "null") == 0) return is == CST_JSON_NULL;
    if (is != CST_JSON_NUMBER) return false;
    return strcmp(name, "number") == 0 || number(value) == (double)(int64_t)number(value);
}

static bool fits_type(const cst_json *value, const cst_json *schema)
{
    const cst_json *type = member(schema, "type");

    if (!type || (cst_json_type_of(value) == CST_JSON_NULL && cst_json_is_true(member(schema, "nullable")))) return true;
    if (cst_json_type_of(type) == CST_JSON_STRING) return is_type(value, cst_json_string(type));
    for (size_t i = 0; i < cst_json_count(type); i++) {
        if (is_type(value, cst_json_string(cst_json_at(type, i)))) return true;
    }
    return false;
}

static bool is_same(const cst_json *a, const cst_json *b)
{
    char scratch[2][32];

    return cst_json_type_of(a) == cst_json_type_of(b) && cst_str_equal(cst_json_label(a, scratch[0]), cst_json_label(b, scratch[1]));
}

static bool fits_choices(const cst_json *value, const cst_json *schema)
{
    const cst_json *choices = member(schema, "enum");

    if (member(schema, "const") && !is_same(value, member(schema, "const"))) return false;
    for (size_t i = 0; i < cst_json_count(choices); i++) {
        if (is_same(value, cst_json_at(choices, i))) return true;
    }
    return !choices;
}

static bool fits_number(const cst_json *value, const cst_json *schema)
{
    double n = number(value), step;

    if (cst_json_type_of(value) != CST_JSON_NUMBER) return true;
    if (member(schema, "minimum") && n < number(member(schema, "minimum"))) return false;
    if (member(schema, "maximum") && n > number(member(schema, "maximum"))) return false;
    if (member(schema, "exclusiveMinimum") && n <= number(member(schema, "exclusiveMinimum"))) return false;
    if (member(schema, "exclusiveMaximum") && n >= number(member(schema, "exclusiveMaximum"))) return false;
    if (!member(schema, "multipleOf")) return true;
    step = number(member(schema, "multipleOf"));
    return n / step == (double)(int64_t)(n / step);
}

static int64_t characters(castor_str text)
{
    int64_t count = 0;

    for (size_t i = 0; i < text.len; i++) count += ((unsigned char)text.data[i] & 0xC0) != 0x80;
    return count;
}

static bool fits_pattern(castor_str text, castor_str pattern)
{
    char    expression[256], subject[1024];
    regex_t compiled;
    size_t  at = 0;

    for (size_t i = 0; i < pattern.len && at + 8 < sizeof expression; i++) { /* POSIX knows no \d and \w, and no (?: */
        if (pattern.data[i] == '\\' && pattern.data[i + 1] == 'd') at += (size_t)sprintf(expression + at, "[0-9]"), i++;
        else if (pattern.data[i] == '\\' && pattern.data[i + 1] == 'w') at += (size_t)sprintf(expression + at, "[a-zA-Z0-9_]"), i++;
        else if (strncmp(pattern.data + i, "(?:", 3) == 0) expression[at++] = '(', i += 2;
        else expression[at++] = pattern.data[i];
    }
    expression[at] = '\0';
    snprintf(subject, sizeof subject, "%.*s", CASTOR_ARG(text));
    assert_int_equal(regcomp(&compiled, expression, REG_EXTENDED | REG_NOSUB), 0);
    bool is_match = regexec(&compiled, subject, 0, NULL, 0) == 0;
    regfree(&compiled);
    return is_match;
}

static bool fits_string(const cst_json *value, const cst_json *schema)
{
    castor_str text = cst_json_string(value), format = cst_json_string_in(schema, "format");
    castor_i64 least = cst_json_integer(member(schema, "minLength")), most = cst_json_integer(member(schema, "maxLength"));
    castor_str pattern = cst_json_string_in(schema, "pattern");

    if (!text.data) return true;
    if (least.is_set && characters(text) < least.value) return false;
    if (most.is_set && characters(text) > most.value) return false;
    if (cst_str_is(format, "date-time") && !fits_pattern(text, CASTOR_STR("^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}Z$"))) return false;
    if (cst_str_is(format, "date") && !fits_pattern(text, CASTOR_STR("^\\d{4}-\\d{2}-\\d{2}$"))) return false;
    if (cst_str_is(format, "email") && !memchr(text.data, '@', text.len)) return false;
    return pattern.len == 0 || fits_pattern(text, pattern);
}

static bool fits_array(const cst_json *value, const cst_json *schema)
{
    castor_i64      least = cst_json_integer(member(schema, "minItems")), most = cst_json_integer(member(schema, "maxItems"));
    const cst_json *prefix = member(schema, "prefixItems"), *items = member(schema, "items");
    int64_t         count = (int64_t)cst_json_count(value);

    if (cst_json_type_of(value) != CST_JSON_ARRAY) return true;
    if ((least.is_set && count < least.value) || (most.is_set && count > most.value)) return false;
    for (size_t i = 0; i < cst_json_count(value); i++) {
        const cst_json *own = i < cst_json_count(prefix) ? cst_json_at(prefix, i) : items;
        if (own && !fits(cst_json_at(value, i), own)) return false;
    }
    return true;
}

static bool fits_object(const cst_json *value, const cst_json *schema)
{
    const cst_json   *properties = member(schema, "properties"), *required = member(schema, "required");
    const cst_json   *others = member(schema, "additionalProperties"), *one;
    castor_i64        least = cst_json_integer(member(schema, "minProperties"));
    cst_json_iterator each = cst_json_iterate(value);
    castor_str        key;
    char              name[64];

    if (cst_json_type_of(value) != CST_JSON_OBJECT) return true;
    if (least.is_set && (int64_t)cst_json_count(value) < least.value) return false;
    for (size_t i = 0; i < cst_json_count(required); i++) {
        snprintf(name, sizeof name, "%.*s", CASTOR_ARG(cst_json_string(cst_json_at(required, i))));
        if (!member(value, name)) return false;
    }
    while ((one = cst_json_next(&each, &key))) {
        snprintf(name, sizeof name, "%.*s", CASTOR_ARG(key));
        const cst_json *own = member(properties, name);
        if (!own && cst_json_type_of(others) == CST_JSON_BOOL && !cst_json_is_true(others)) return false;
        if (!own && cst_json_type_of(others) == CST_JSON_OBJECT) own = others;
        if (own && !fits(one, own)) return false;
    }
    return true;
}

static bool fits_one_of(const cst_json *value, const cst_json *choices)
{
    for (size_t i = 0; i < cst_json_count(choices); i++) {
        if (fits(value, cst_json_at(choices, i))) return true;
    }
    return !choices;
}

static bool fits(const cst_json *value, const cst_json *schema)
{
    castor_str reference = cst_json_string_in(schema, "$ref");
    char       name[64];

    if (reference.data) { /* in these tests always a definition, or the root */
        snprintf(name, sizeof name, "%.*s", CASTOR_ARG(reference));
        return fits(value, strcmp(name, "#") == 0 ? schema_root : member(member(schema_root, "$defs"), name + strlen("#/$defs/")));
    }
    return fits_type(value, schema) && fits_choices(value, schema) && fits_number(value, schema) && fits_string(value, schema) &&
           fits_array(value, schema) && fits_object(value, schema) && fits_one_of(value, member(schema, "anyOf")) && fits_one_of(value, member(schema, "oneOf"));
}

/* ---- asking ---- */

static void ask(const char *path, const char *config, char *text, size_t size)
{
    char      *body = malloc(strlen(config) + 256);
    tst_answer a;

    assert_non_null(body);
    sprintf(body, "{\"contents\":[{\"parts\":[{\"text\":\"Give me one\"}]}],\"generationConfig\":%s}", config);
    a = tst_ask(&shared, path, body);
    if (a.status != 200) fail_msg("%s\n%s", config, a.body);
    tst_text_at(&a, "candidates.0.content.parts.0.text", text, size);
    tst_forget(&a);
    free(body);
}

static void check_fits(const char *text, const char *schema)
{
    cst_json_doc document, wanted;

    cst_json_doc_init(&document, cst_allocator_default());
    cst_json_doc_init(&wanted, cst_allocator_default());
    if (cst_json_read(&document, castor_str_of(text), NULL, NULL) != CASTOR_OK) fail_msg("no JSON for %s: %s", schema, text);
    assert_int_equal(cst_json_read(&wanted, castor_str_of(schema), NULL, NULL), CASTOR_OK);
    schema_root = cst_json_root(&wanted);
    if (!fits(cst_json_root(&document), schema_root)) fail_msg("%s does not fit %s", text, schema);
    cst_json_doc_free(&document);
    cst_json_doc_free(&wanted);
}

/* Both ways to give a JSON schema, and the way of functions: arguments fit as well. */
static void check_schema(const char *schema)
{
    static const char *const forms[] = {
        "{\"responseMimeType\":\"application/json\",\"responseJsonSchema\":%s}",
        "{\"response_mime_type\":\"application/json\",\"_responseJsonSchema\":%s}",
        "{\"responseFormat\":[{\"text\":{\"mimeType\":\"application/json\",\"schema\":%s}}]}",
    };
    char config[4096], text[8192];

    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        snprintf(config, sizeof config, forms[i], schema);
        ask(WHOLE, config, text, sizeof text);
        check_fits(text, schema);
    }
}

/* ---- */

static void documents_fit_json_schemas(void **state)
{
    static const char *const schemas[] = {
        "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"integer\"},\"b\":{\"type\":\"string\"}},\"required\":[\"a\",\"b\"],\"additionalProperties\":false}",
        "{\"type\":\"array\",\"minItems\":3,\"maxItems\":5,\"items\":{\"type\":\"boolean\"}}",
        "{\"type\":\"array\",\"maxItems\":0,\"items\":{\"type\":\"string\"}}",
        "{\"type\":\"array\",\"prefixItems\":[{\"type\":\"string\"},{\"type\":\"integer\",\"minimum\":7}],\"minItems\":4,\"items\":{\"type\":\"null\"}}",
        "{\"type\":\"integer\",\"minimum\":5,\"maximum\":5}", "{\"type\":\"integer\",\"maximum\":-3}", "{\"type\":\"number\",\"minimum\":0.25,\"maximum\":0.75}",
        "{\"type\":\"number\",\"exclusiveMinimum\":1,\"exclusiveMaximum\":2}", "{\"type\":\"integer\",\"exclusiveMinimum\":1,\"exclusiveMaximum\":3}",
        "{\"type\":\"integer\",\"multipleOf\":7,\"minimum\":15}", "{\"type\":\"integer\",\"multipleOf\":5,\"maximum\":-11}", "{\"type\":\"integer\",\"minimum\":1e15}",
        "{\"type\":\"number\",\"maximum\":1e300,\"minimum\":1e299}", "{\"type\":\"integer\",\"minimum\":2.5}",
        "{\"type\":\"string\",\"minLength\":40}", "{\"type\":\"string\",\"maxLength\":3}", "{\"type\":\"string\",\"minLength\":1,\"maxLength\":1}", "{\"type\":\"string\",\"maxLength\":0}",
        "{\"type\":\"string\",\"format\":\"date-time\"}", "{\"type\":\"string\",\"format\":\"date\"}", "{\"type\":\"string\",\"format\":\"email\"}",
        "{\"type\":[\"null\",\"string\"]}", "{\"type\":\"null\"}", "{\"enum\":[3,\"x\"]}", "{\"const\":true}", "{\"enum\":[1.5]}", "{}",
        "{\"anyOf\":[{\"type\":\"integer\"},{\"type\":\"string\"}]}", "{\"oneOf\":[{\"type\":\"object\",\"properties\":{\"kind\":{\"const\":\"cat\"}},\"required\":[\"kind\"]}]}",
        "{\"type\":\"object\",\"minProperties\":2,\"additionalProperties\":{\"type\":\"integer\",\"minimum\":9}}",
        ("{\"type\":\"object\",\"properties\":{\"list\":{\"type\":\"array\",\"items\":{\"$ref\":\"#/$defs/point\"}}},\"required\":[\"list\"],"
         "\"$defs\":{\"point\":{\"type\":\"object\",\"properties\":{\"x\":{\"type\":\"number\"},\"y\":{\"type\":\"number\"}},\"required\":[\"x\",\"y\"]}}}"),
        "{\"type\":\"object\",\"properties\":{\"name\":{\"type\":\"string\"},\"children\":{\"type\":\"array\",\"items\":{\"$ref\":\"#\"}}},\"required\":[\"name\",\"children\"]}",
        /* neither is a member that may be left out, but null ends it */
        ("{\"$ref\":\"#/$defs/node\",\"$defs\":{\"node\":{\"type\":\"object\",\"properties\":{\"left\":{\"anyOf\":[{\"$ref\":\"#/$defs/node\"},{\"type\":\"null\"}]},"
         "\"right\":{\"anyOf\":[{\"$ref\":\"#/$defs/node\"},{\"type\":\"null\"}]}},\"required\":[\"left\",\"right\"]}}}"),
        "{\"type\":\"string\",\"pattern\":\"^[a-z]+$\",\"minLength\":5,\"maxLength\":5}", "{\"type\":\"string\",\"pattern\":\"^(ab)*x{1,64}$\",\"minLength\":20}",
        "{\"$ref\":\"#/$defs/list\",\"$defs\":{\"list\":{\"type\":\"object\",\"properties\":{\"head\":{\"type\":\"integer\"},\"tail\":{\"$ref\":\"#/$defs/list\"}},\"required\":[\"head\"]}}}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof schemas / sizeof schemas[0]; i++) check_schema(schemas[i]);
}

static void texts_match_simple_patterns(void **state)
{
    static const char *const patterns[] = {
        "^[A-Z]{3}-[0-9]{4}$", "^(red|green|blue)$", "^a+b*c?$", "^[^abc]+$", "^\\\\d{3}\\\\w+$", "^x{2,5}$", "(?:ab){3}", "^#[0-9a-f]{6}$", "^v[0-9]+\\\\.[0-9]+$", ".", "^$",
    };
    char schema[256];

    (void)state;
    for (size_t i = 0; i < sizeof patterns / sizeof patterns[0]; i++) {
        snprintf(schema, sizeof schema, "{\"type\":\"string\",\"pattern\":\"%s\"}", patterns[i]);
        check_schema(schema);
    }
}

static void patterns_are_made_of_characters_not_of_bytes(void **state)
{
    static const char *const cases[][2] = {
        { "^[\u0430-\u044f]+$", "\"\u0430\"" }, { "^\u00e9{3}$", "\"\u00e9\u00e9\u00e9\"" }, { "^[^\\\\w]$", "\"-\"" },
        { "a|((b{1000}){1000}){1000}", "\"a\"" }, /* what is not printed costs nothing */
    };
    char config[512], text[256];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        snprintf(config, sizeof config, "{\"responseMimeType\":\"application/json\",\"responseSchema\":{\"type\":\"STRING\",\"pattern\":\"%s\"}}", cases[i][0]);
        ask(WHOLE, config, text, sizeof text);
        assert_string_equal(text, cases[i][1]);
    }
}

static void a_pattern_that_is_too_much_still_gets_an_answer(void **state)
{
    static const char *const patterns[] = { "^(?=x)y", "((((((((((((((((((((((((((((((a))))))))))))))))))))))))))))))", "a{1,", "[z-a]", "(", "\\\\1", "[", "\\\\" };
    char text[4096], config[512];

    (void)state;
    for (size_t i = 0; i < sizeof patterns / sizeof patterns[0]; i++) {
        snprintf(config, sizeof config, "{\"responseMimeType\":\"application/json\",\"responseSchema\":{\"type\":\"STRING\",\"pattern\":\"%s\"}}", patterns[i]);
        ask(WHOLE, config, text, sizeof text);
        check_fits(text, "{\"type\":\"string\"}");
    }
    tst_answer a = tst_ask(&shared, WHOLE, PROMPT_WITH("x", "{\"responseMimeType\":\"application/json\",\"responseSchema\":{\"type\":\"STRING\",\"pattern\":\"((a{1000}){1000}){1000}\"}}"));
    assert_int_equal(a.status, 400);
    tst_forget(&a);
}

static void documents_fit_schemas_of_geminis_own_kind(void **state)
{
    static const char schema[] =
        "{\"type\":\"OBJECT\",\"properties\":{\"name\":{\"type\":\"STRING\",\"minLength\":\"3\"},\"age\":{\"type\":\"INTEGER\",\"minimum\":18,\"nullable\":true},"
        "\"tags\":{\"type\":\"ARRAY\",\"minItems\":\"2\",\"items\":{\"type\":\"STRING\",\"enum\":[\"a\",\"b\",\"c\"]}},\"kind\":{\"anyOf\":[{\"type\":\"STRING\"},{\"type\":\"NULL\"}]}},"
        "\"required\":[\"name\",\"tags\"],\"propertyOrdering\":[\"tags\",\"name\",\"age\",\"kind\"]}";
    char config[2048], text[2048];

    (void)state;
    snprintf(config, sizeof config, "{\"responseMimeType\":\"application/json\",\"responseSchema\":%s}", schema);
    ask(WHOLE, config, text, sizeof text);
    check_fits(text, "{\"type\":\"object\",\"properties\":{\"name\":{\"type\":\"string\",\"minLength\":3},\"age\":{\"type\":\"integer\",\"minimum\":18},"
                     "\"tags\":{\"type\":\"array\",\"minItems\":2,\"items\":{\"type\":\"string\",\"enum\":[\"a\",\"b\",\"c\"]}}},\"required\":[\"name\",\"tags\"]}");
    assert_string_equal(text, "{\"tags\":[\"a\",\"b\"],\"name\":\"an example by pollux\",\"age\":18,\"kind\":\"an example by pollux\"}");
}

static void one_of_an_enum_is_answered_bare(void **state)
{
    char text[256];

    (void)state;
    ask(WHOLE, "{\"responseMimeType\":\"text/x.enum\",\"responseSchema\":{\"type\":\"STRING\",\"enum\":[\"red\",\"blue\"]}}", text, sizeof text);
    assert_string_equal(text, "red");
    ask(WHOLE, "{\"responseMimeType\":\"application/json\",\"responseSchema\":{\"type\":\"STRING\",\"enum\":[\"red\",\"blue\"]}}", text, sizeof text);
    assert_string_equal(text, "\"red\"");
}

static void what_is_json_already_is_kept(void **state)
{
    tst_answer a = tst_ask(&shared, WHOLE, PROMPT_WITH("pollux: say [1, 2]", "{\"responseMimeType\":\"application/json\",\"responseSchema\":{\"type\":\"STRING\"}}"));

    (void)state;
    tst_check_at(&a, "candidates.0.content.parts.0.text", "[1, 2]");
    tst_forget(&a);
    a = tst_ask(&shared, WHOLE, PROMPT_WITH("pollux: say no JSON", "{\"responseMimeType\":\"application/json\"}"));
    tst_check_at(&a, "candidates.0.content.parts.0.text", "{\"answer\":\"no JSON\"}");
    tst_forget(&a);
}

/* By the square of their number this would take a minute. */
static void thousands_of_properties_are_ordered_in_no_time(void **state)
{
    enum { COUNT = 20000, SECONDS_MAX = 15 };
    char  *config = malloc(COUNT * 80 + 256), *text = malloc(COUNT * 40);
    size_t len;
    time_t began = time(NULL);

    (void)state;
    assert_true(config && text);
    len = (size_t)sprintf(config, "{\"responseMimeType\":\"application/json\",\"responseSchema\":{\"type\":\"OBJECT\",\"properties\":{");
    for (int i = 0; i < COUNT; i++) len += (size_t)sprintf(config + len, "%s\"p%d\":{\"type\":\"BOOLEAN\"}", i ? "," : "", i);
    len += (size_t)sprintf(config + len, "},\"propertyOrdering\":[");
    for (int i = COUNT - 1; i >= 0; i--) len += (size_t)sprintf(config + len, "\"p%d\"%s", i, i ? "," : "");
    sprintf(config + len, "]}}");
    ask(WHOLE, config, text, COUNT * 40);
    assert_int_equal(strncmp(text, "{\"p19999\":true,\"p19998\":true,", 29), 0);
    assert_true(time(NULL) - began < SECONDS_MAX);
    free(config);
    free(text);
}

/* Each would be looked for among all the definitions. */
static void references_without_end_are_given_up(void **state)
{
    enum { COUNT = 20000 };
    char  *body = malloc(COUNT * 80 + 512);
    size_t len;

    (void)state;
    assert_non_null(body);
    len = (size_t)sprintf(body, "{\"contents\":[{\"parts\":[{\"text\":\"x\"}]}],\"generationConfig\":{\"responseMimeType\":\"application/json\","
                                "\"responseJsonSchema\":{\"type\":\"object\",\"$defs\":{");
    for (int i = 0; i < COUNT; i++) len += (size_t)sprintf(body + len, "%s\"d%d\":{\"type\":\"null\"}", i ? "," : "", i);
    len += (size_t)sprintf(body + len, "},\"properties\":{");
    for (int i = 0; i < COUNT; i++) len += (size_t)sprintf(body + len, "%s\"p%d\":{\"$ref\":\"#/$defs/d%d\"}", i ? "," : "", i, i);
    sprintf(body + len, "}}}}");
    tst_answer a = tst_ask(&shared, WHOLE, body);
    tst_check_status(&a, 400);
    tst_forget(&a);
    free(body);
}

static void a_required_property_is_known_by_its_whole_name(void **state)
{
    char config[2048], name[301] = { 0 }, text[512];

    (void)state;
    memset(name, 'n', sizeof name - 1);
    snprintf(config, sizeof config, "{\"responseMimeType\":\"application/json\",\"responseSchema\":{\"type\":\"OBJECT\",\"properties\":{\"%s\":{\"type\":\"BOOLEAN\"}},"
                                    "\"required\":[\"%s\"]}}", name, name);
    ask(WHOLE, config, text, sizeof text);
    assert_non_null(strstr(text, "n\":true}"));
}

static void chat_completions_answer_in_json_as_well(void **state)
{
    tst_answer a = tst_ask(&shared, CHAT, "{\"model\":\"gemini-3.8-flash\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"response_format\":{\"type\":\"json_schema\",\"json_schema\":"
                                          "{\"name\":\"n\",\"strict\":true,\"schema\":{\"type\":\"object\",\"properties\":{\"n\":{\"type\":\"integer\",\"minimum\":4}},\"required\":[\"n\"]}}}}");

    (void)state;
    tst_check_at(&a, "choices.0.message.content", "{\"n\":4}");
    tst_forget(&a);
    a = tst_ask(&shared, CHAT, "{\"model\":\"gemini-3.8-flash\",\"messages\":[{\"role\":\"user\",\"content\":\"pollux: say x\"}],\"response_format\":{\"type\":\"json_object\"}}");
    tst_check_at(&a, "choices.0.message.content", "{\"answer\":\"x\"}");
    tst_forget(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(documents_fit_json_schemas),
        cmocka_unit_test(texts_match_simple_patterns),
        cmocka_unit_test(patterns_are_made_of_characters_not_of_bytes),
        cmocka_unit_test(a_pattern_that_is_too_much_still_gets_an_answer),
        cmocka_unit_test(documents_fit_schemas_of_geminis_own_kind),
        cmocka_unit_test(one_of_an_enum_is_answered_bare),
        cmocka_unit_test(what_is_json_already_is_kept),
        cmocka_unit_test(thousands_of_properties_are_ordered_in_no_time),
        cmocka_unit_test(references_without_end_are_given_up),
        cmocka_unit_test(a_required_property_is_known_by_its_whole_name),
        cmocka_unit_test(chat_completions_answer_in_json_as_well),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
