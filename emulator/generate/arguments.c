/* arguments.c -- arguments for a function.
 * SPDX-License-Identifier: MIT
 *
 * A text takes, in this order: what follows its name in the prompt (location=Paris, "location: Paris", and "from Rome"
 * for a property named from); one of its enum's values that the prompt holds; the next quotation; the next name; else
 * what the schema allows. A number takes the next number. What is optional is left out unless the prompt has it.
 */
#include "generate/arguments.h"

#include <stdio.h>

#include "generate/schema.h"

/* ---- the prompt ---- */

static bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
static bool is_digit(char c) { return c >= '0' && c <= '9'; }
static bool is_word(char c)
{
    return is_upper(c) || (c >= 'a' && c <= 'z') || is_digit(c) || c == '_' || (unsigned char)c >= 0x80;
}

static castor_str slice(castor_str text, size_t from, size_t to) { return (castor_str){ text.data + from, to - from }; }

static void keep(castor_str *list, size_t *count, castor_str text)
{
    if (*count < PLX_OFFERS_MAX && text.len > 0) list[(*count)++] = text;
}

static size_t word_end(castor_str text, size_t at)
{
    while (at < text.len && (is_word(text.data[at]) || (text.data[at] == '-' && at + 1 < text.len &&
                                                         is_word(text.data[at + 1])))) {
        at++;
    }
    return at;
}

/* Whether a sentence begins here: then a capital says nothing. */
static bool begins_sentence(castor_str text, size_t at)
{
    while (at > 0 && (text.data[at - 1] == ' ' || text.data[at - 1] == '"')) at--;
    return at == 0 || strchr(".!?:\n", text.data[at - 1]) != NULL;
}

/* From a word with a capital over those that follow it; a comma and two capitals belong to it too. */
static size_t name_end(castor_str text, size_t at)
{
    size_t end = word_end(text, at);

    for (;;) {
        size_t next = end;
        bool   has_comma = next < text.len && text.data[next] == ',';
        next += has_comma;
        if (next + 1 >= text.len || text.data[next] != ' ' || !is_upper(text.data[next + 1])) return end;
        size_t next_end = word_end(text, next + 1);
        bool   is_state = next_end - next - 1 == 2 && is_upper(text.data[next + 2]);
        if (has_comma && !is_state) return end;
        end = next_end;
    }
}

static void read_quoted(plx_offers *offers)
{
    castor_str text = offers->prompt;

    for (size_t at = 0; at < text.len; at++) {
        char c = text.data[at];
        if ((c != '"' && c != '\'') || (at > 0 && is_word(text.data[at - 1]))) continue; /* an apostrophe */
        size_t end = at + 1;
        while (end < text.len && text.data[end] != c && text.data[end] != '\n') end++;
        if (end >= text.len || text.data[end] != c) continue;
        keep(offers->quoted, &offers->quoted_count, slice(text, at + 1, end));
        at = end;
    }
}

static void read_words(plx_offers *offers)
{
    castor_str text = offers->prompt;

    for (size_t at = 0; at < text.len; at++) {
        if (!is_word(text.data[at])) continue;
        size_t end = word_end(text, at);
        if (is_digit(text.data[at])) {
            bool has_fraction = end + 1 < text.len && text.data[end] == '.' && is_digit(text.data[end + 1]);
            if (has_fraction) end = word_end(text, end + 1);
            if (at > 0 && text.data[at - 1] == '-') at--;
            keep(offers->numbers, &offers->number_count, slice(text, at, end));
        } else if (is_upper(text.data[at]) && !begins_sentence(text, at) && end - at > 1) {
            end = name_end(text, at);
            keep(offers->names, &offers->name_count, slice(text, at, end));
        }
        at = end;
    }
}

plx_offers plx_offers_read(castor_str prompt)
{
    plx_offers offers = { .bytes_left = PLX_SEARCHED_BYTES_MAX, .steps_left = PLX_SCHEMA_STEPS_MAX };

    if (prompt.len > PLX_ASKED_BYTES_MAX) {
        prompt = slice(prompt, prompt.len - PLX_ASKED_BYTES_MAX, prompt.len);
    }
    offers.prompt = prompt;
    read_quoted(&offers);
    read_words(&offers);
    return offers;
}

bool plx_word_find(castor_str text, castor_str word, size_t *at)
{
    for (size_t i = 0; word.len > 0 && i + word.len <= text.len; i++) {
        if (!cst_str_equal_nocase(slice(text, i, i + word.len), word)) continue;
        if (i > 0 && is_word(text.data[i - 1]) && is_word(word.data[0])) continue;
        if (i + word.len < text.len && is_word(text.data[i + word.len])) continue;
        if (at) *at = i;
        return true;
    }
    return false;
}

/* ---- one property ---- */

static bool is_type(const cst_json *schema, const char *name)
{
    return cst_str_equal_nocase(plx_schema_type(schema), castor_str_of(name));
}

/* A text that anything can be filled into. */
static bool is_open_text(const cst_json *schema)
{
    return is_type(schema, "string") && !cst_json_get(schema, "enum") && !cst_json_get(schema, "format") &&
           !cst_json_get(schema, "pattern");
}

/* Finds nothing more once it has searched enough: a schema can name any number of words. */
static bool find_word(plx_offers *offers, castor_str word, size_t *at)
{
    if (offers->prompt.len > offers->bytes_left) return false;
    offers->bytes_left -= offers->prompt.len;
    return plx_word_find(offers->prompt, word, at);
}

/* "name=value", "name: value", "name is value"; for "from" and "to" also "name Value". */
static castor_str said_of(plx_offers *offers, castor_str name)
{
    castor_str prompt = offers->prompt;
    size_t     at;

    if (!find_word(offers, name, &at)) return CST_NONE;
    castor_str rest = cst_str_trim(slice(prompt, at + name.len, prompt.len));
    bool       is_short = cst_str_is(name, "from") || cst_str_is(name, "to");
    bool       has_sign = rest.len > 0 && (rest.data[0] == '=' || rest.data[0] == ':');
    if (has_sign) rest = slice(rest, 1, rest.len);
    else if (cst_str_starts_with(rest, "is ")) rest = slice(rest, 3, rest.len);
    else if (!is_short) return CST_NONE;
    rest = cst_str_trim(rest);
    if (rest.len == 0) return CST_NONE;
    if (rest.data[0] == '"' || rest.data[0] == '\'') {
        const char *end = memchr(rest.data + 1, rest.data[0], rest.len - 1);
        return end ? slice(rest, 1, (size_t)(end - rest.data)) : CST_NONE;
    }
    return slice(rest, 0, is_upper(rest.data[0]) ? name_end(rest, 0) : word_end(rest, 0));
}

static castor_str said_choice(const cst_json *schema, plx_offers *offers)
{
    plx_list        each = plx_list_of(cst_json_get(schema, "enum"));
    const cst_json *choice;

    while ((choice = plx_list_next(&each))) {
        castor_str text = cst_json_string(choice);
        if (text.data && find_word(offers, text, NULL)) return text;
    }
    return CST_NONE;
}

/* What is used up of the offers while the arguments of one call are printed. */
typedef struct taken {
    size_t quoted, names, numbers;
} taken;

static bool fits_number(const cst_json *schema, castor_str number)
{
    castor_i64 least = cst_json_integer(cst_json_get(schema, "minimum"));
    castor_i64 most = cst_json_integer(cst_json_get(schema, "maximum"));
    double     value = 0, scale = 0;

    if (number.len > PLX_NUMBER_BYTES_MAX) return false;
    for (size_t i = 0; i < number.len; i++) {
        char c = number.data[i];
        if (c == '.' && scale == 0) scale = 1;
        else if (is_digit(c)) value = value * 10 + (c - '0'), scale *= 10;
        else if (i > 0 || c != '-') return false;
    }
    if ((is_type(schema, "integer") && scale > 0) || cst_json_get(schema, "enum")) return false;
    if (scale > 0) value /= scale;
    if (number.data[0] == '-') value = -value;
    return (!least.is_set || value >= (double)least.value) && (!most.is_set || value <= (double)most.value);
}

/* As JSON spells it: no zeros in front. */
static void put_number(cst_json_writer *w, castor_str number)
{
    castor_str digits = number;
    bool       is_negative = number.data[0] == '-';
    char       text[PLX_NUMBER_BYTES_MAX + 2];

    if (is_negative) digits = slice(digits, 1, digits.len);
    while (digits.len > 1 && digits.data[0] == '0' && is_digit(digits.data[1])) digits = slice(digits, 1, digits.len);
    snprintf(text, sizeof text, "%s%.*s", is_negative ? "-" : "", CASTOR_ARG(digits));
    cst_json_put_raw(w, castor_str_of(text));
}

/* A value that the prompt has; false: none. */
static bool put_said(cst_json_writer *w, castor_str name, const cst_json *schema, plx_offers *offers, taken *used,
                     size_t nth)
{
    castor_str text = CST_NONE;

    if (is_type(schema, "integer") || is_type(schema, "number")) {
        if (used->numbers >= offers->number_count || !fits_number(schema, offers->numbers[used->numbers])) return false;
        cst_json_name(w, name);
        put_number(w, offers->numbers[used->numbers++]);
        return true;
    }
    if (!is_type(schema, "string")) return false;
    if (cst_json_get(schema, "enum")) text = said_choice(schema, offers);
    else if (is_open_text(schema)) text = said_of(offers, name);
    if (!text.data && is_open_text(schema)) {
        if (used->quoted < offers->quoted_count) text = offers->quoted[used->quoted++];
        else if (used->names + nth < offers->name_count) text = offers->names[used->names++ + nth];
    }
    if (!text.data) return false;
    cst_json_name(w, name);
    cst_json_put_string(w, text);
    return true;
}

/* ---- all of them ---- */

static const cst_json *properties_of(const plx_function *function, plx_offers *offers, const cst_json **schema)
{
    *schema = plx_schema_resolve(function->parameters, function->parameters, &offers->steps_left);
    const cst_json *properties = cst_json_get(*schema, "properties");
    return cst_json_type_of(properties) == CST_JSON_OBJECT ? properties : NULL;
}

static bool is_needed(const cst_json *schema, castor_str name)
{
    return plx_list_count(cst_json_get(schema, "required")) == 0 || plx_schema_requires(schema, name);
}

size_t plx_arguments_calls(const plx_function *function, plx_offers *offers)
{
    const cst_json   *schema;
    const cst_json   *properties = properties_of(function, offers, &schema);
    cst_json_iterator each = cst_json_iterate(properties);
    const cst_json   *property;
    castor_str        name;
    size_t            open = 0;

    while (properties && (property = cst_json_next(&each, &name))) {
        property = plx_schema_resolve(function->parameters, property, &offers->steps_left);
        open += is_needed(schema, name) && is_open_text(property) && !said_of(offers, name).data;
    }
    return open == 1 && offers->quoted_count == 0 && offers->name_count > 1 ? offers->name_count : 1;
}

castor_status plx_arguments_print(const plx_function *function, plx_offers *offers, size_t nth, cst_buf *out)
{
    cst_json_writer   w = cst_json_writer_to(out);
    const cst_json   *schema;
    const cst_json   *properties = properties_of(function, offers, &schema);
    cst_json_iterator each = cst_json_iterate(properties);
    const cst_json   *property;
    castor_str        name;
    taken             used = { 0 };

    cst_json_open_object(&w);
    while (properties && (property = cst_json_next(&each, &name))) {
        const cst_json *resolved = plx_schema_resolve(function->parameters, property, &offers->steps_left);
        bool            needed = is_needed(schema, name);
        /* An optional text takes nothing that another may need. */
        taken none = { offers->quoted_count, offers->name_count, offers->number_count };
        if (put_said(&w, name, resolved, offers, needed ? &used : &none, nth) || !needed) continue;
        cst_json_name(&w, name);
        plx_schema_print_example(&w, function->parameters, property, CASTOR_STR("example"));
    }
    cst_json_close_object(&w);
    return w.status;
}
