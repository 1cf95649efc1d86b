/* model_lines.c -- reads the lines of models.txt, whose head says what they mean.
 * SPDX-License-Identifier: MIT
 */
#include "generate/model_lines.h"

#include <stdarg.h>
#include <stdio.h>

typedef struct reader {
    plx_model_table *table;
    plx_model       *model;  /* the one that lines are about; NULL before the first */
    size_t           line;   /* from 1; 0: the whole file */
    castor_str       word;   /* the line's key */
    char            *why;
    size_t           why_size;
} reader;

__attribute__((format(printf, 2, 3))) static bool fail(reader *r, const char *format, ...)
{
    int     used = r->line ? snprintf(r->why, r->why_size, "%zu: ", r->line) : snprintf(r->why, r->why_size, " ");
    va_list args;

    va_start(args, format);
    if (used > 0 && (size_t)used < r->why_size) vsnprintf(r->why + used, r->why_size - (size_t)used, format, args);
    va_end(args);
    return false;
}

/* ---- words and numbers ---- */

/* Cuts the first word off; absent at the end. */
static castor_str take_word(castor_str *rest)
{
    size_t len = 0;

    *rest = cst_str_trim(*rest);
    while (len < rest->len && rest->data[len] != ' ' && rest->data[len] != '\t') len++;
    castor_str word = { rest->data, len };
    *rest = (castor_str){ rest->data + len, rest->len - len };
    return len > 0 ? word : CST_NONE;
}

static bool read_number(castor_str word, int64_t *out)
{
    enum { DIGITS_MAX = 15 }; /* none of them overflows */

    *out = 0;
    if (word.len == 0 || word.len > DIGITS_MAX) return false;
    for (size_t i = 0; i < word.len; i++) {
        if (word.data[i] < '0' || word.data[i] > '9') return false;
        *out = *out * 10 + (word.data[i] - '0');
    }
    return true;
}

static bool take_number(castor_str *rest, int64_t *out) { return read_number(take_word(rest), out); }

/* "0.95" */
static bool read_decimal(castor_str word, double *out)
{
    const char *dot = word.len ? memchr(word.data, '.', word.len) : NULL;
    size_t      len = dot ? (size_t)(dot - word.data) : word.len;
    int64_t     whole = 0, part = 0;
    double      scale = 1.0;

    if (!read_number((castor_str){ word.data, len }, &whole)) return false;
    if (dot && !read_number((castor_str){ dot + 1, word.len - len - 1 }, &part)) return false;
    for (size_t i = len + 1; i < word.len; i++) scale *= 10.0;
    *out = (double)whole + (double)part / scale; /* exact enough: 95 / 100 is the nearest to 0.95 */
    return true;
}

static bool is_over(castor_str rest) { return cst_str_trim(rest).len == 0; }

/* Days since 1970-01-01 of the Gregorian calendar, for any year from 1970 on. */
static int64_t day_of(int64_t year, int64_t month, int64_t day)
{
    int64_t y = month <= 2 ? year - 1 : year; /* a year from March on: its odd day stands last */
    int64_t from_march = (month + 9) % 12;

    return y * 365 + y / 4 - y / 100 + y / 400 + (from_march * 153 + 2) / 5 + day - 719469;
}

static bool read_date(castor_str word, int64_t *out)
{
    int64_t year, month, day;

    if (word.len != 10 || word.data[4] != '-' || word.data[7] != '-') return false;
    if (!read_number((castor_str){ word.data, 4 }, &year) || !read_number((castor_str){ word.data + 5, 2 }, &month) ||
        !read_number((castor_str){ word.data + 8, 2 }, &day)) {
        return false;
    }
    *out = day_of(year, month, day);
    return year >= 1970 && month >= 1 && month <= 12 && day >= 1 && day <= 31;
}

/* ---- what a line says ---- */

typedef bool set_fn(reader *r, castor_str value);

static bool set_as_of(reader *r, castor_str value)
{
    return read_date(value, &r->table->as_of_day) || fail(r, "as-of wants a date, as 2026-11-21.");
}

static plx_model *named(const reader *r, castor_str name)
{
    for (size_t i = 0; i < r->table->model_count; i++) {
        plx_model *one = &r->table->models[i];
        if (cst_str_equal(one->name, name) && one != r->model) return one;
    }
    return NULL;
}

static bool begin_model(reader *r, castor_str value)
{
    castor_str name = take_word(&value);

    r->model = NULL;
    if (!name.data || !is_over(value)) return fail(r, "%.*s wants one name.", CASTOR_ARG(r->word));
    if (named(r, name)) return fail(r, "\"%.*s\" stands further up already.", CASTOR_ARG(name));
    if (r->table->model_count == PLX_MODELS_MAX) return fail(r, "More than %d models.", (int)PLX_MODELS_MAX);
    r->model = &r->table->models[r->table->model_count++];
    *r->model = (plx_model){ .name = name, .is_family = cst_str_is(r->word, "family"), .is_free = true };
    return true;
}

static bool set_like(reader *r, castor_str value)
{
    const plx_model *other = named(r, take_word(&value));
    plx_model        own = *r->model;

    if (!other || !is_over(value)) return fail(r, "like wants the name of a model further up.");
    *r->model = *other;
    r->model->name = own.name;
    r->model->is_family = own.is_family;
    r->model->served_by = CST_NONE;
    r->model->shutdown_day = (castor_i64){ 0, 0 };
    return true;
}

static bool set_text(reader *r, castor_str value, castor_str *out)
{
    *out = value;
    return value.len > 0 || fail(r, "%.*s wants a text.", CASTOR_ARG(r->word));
}

static bool set_version(reader *r, castor_str value) { return set_text(r, value, &r->model->version); }
static bool set_title(reader *r, castor_str value) { return set_text(r, value, &r->model->title); }
static bool set_about(reader *r, castor_str value) { return set_text(r, value, &r->model->about); }

static bool set_generation(reader *r, castor_str value)
{
    double number = 0.0;

    if (!read_decimal(take_word(&value), &number) || number >= 100.0 || !is_over(value)) {
        return fail(r, "generation wants a number, as 3.1.");
    }
    r->model->generation = (int)(number * 10.0 + 0.5);
    return true;
}

static bool set_window(reader *r, castor_str value)
{
    return (take_number(&value, &r->model->input_tokens_max) && take_number(&value, &r->model->output_tokens_max) &&
            is_over(value)) ||
           fail(r, "window wants two numbers of tokens.");
}

static bool set_cache(reader *r, castor_str value)
{
    return read_number(value, &r->model->cache_tokens_least) || fail(r, "cache wants a number of tokens.");
}

static bool is_known_method(castor_str word)
{
    static const char *const known[] = {
        "generateContent", "countTokens", "createCachedContent", "batchGenerateContent", "embedContent",
        "asyncBatchEmbedContent", "predict", "predictLongRunning", "bidiGenerateContent", "generateAnswer",
        "generateMessage", "countMessageTokens", "generateText", "countTextTokens", "embedText",
    };

    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (cst_str_is(word, known[i])) return true;
    }
    return false;
}

static bool set_methods(reader *r, castor_str value)
{
    plx_model *m = r->model;
    castor_str word;

    m->method_count = 0;
    if (cst_str_is(value, "none")) return true;
    while ((word = take_word(&value)).data) {
        if (!is_known_method(word)) return fail(r, "There is no method \"%.*s\".", CASTOR_ARG(word));
        if (m->method_count == PLX_MODEL_METHODS_MAX) return fail(r, "At most %d methods.", (int)PLX_MODEL_METHODS_MAX);
        m->methods[m->method_count++] = word;
    }
    return m->method_count > 0 || fail(r, "methods wants names, or none.");
}

static bool set_decimal(reader *r, castor_str value, castor_f64 *out)
{
    double number = 0.0;

    *out = (castor_f64){ .is_set = 0 };
    if (cst_str_is(value, "none")) return true;
    if (!read_decimal(value, &number)) return fail(r, "%.*s wants a number, or none.", CASTOR_ARG(r->word));
    *out = castor_some_f64(number);
    return true;
}

static bool set_temperature(reader *r, castor_str value) { return set_decimal(r, value, &r->model->temperature); }
static bool set_temperature_max(reader *r, castor_str v) { return set_decimal(r, v, &r->model->temperature_max); }
static bool set_top_p(reader *r, castor_str value) { return set_decimal(r, value, &r->model->top_p); }

static bool set_top_k(reader *r, castor_str value)
{
    int64_t number = 0;

    r->model->top_k = (castor_i64){ 0, 0 };
    if (cst_str_is(value, "none")) return true;
    if (!read_number(value, &number)) return fail(r, "top-k wants a whole number, or none.");
    r->model->top_k = castor_some_i64(number);
    return true;
}

static plx_thinking_level level_of(castor_str word)
{
    static const char *const names[] = { "minimal", "low", "medium", "high" };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (cst_str_is(word, names[i])) return (plx_thinking_level)(1u << i);
    }
    return PLX_THINKING_NONE;
}

static bool set_budget(reader *r, castor_str value)
{
    int64_t    least, most;
    plx_model *m = r->model;

    if (!take_number(&value, &least) || !take_number(&value, &most) || least > most) {
        return fail(r, "thinking budget wants two numbers, the least and the most.");
    }
    castor_str word = take_word(&value);
    m->budget_least = castor_some_i64(least);
    m->budget_most = castor_some_i64(most);
    m->thinks_unasked = !cst_str_is(word, "asked");
    m->may_not_think = cst_str_is(word, "off") || !m->thinks_unasked;
    return ((!word.data || m->may_not_think) && is_over(value)) ||
           fail(r, "Behind the budget only \"off\" or \"asked\" can stand.");
}

static void clear_thinking(plx_model *m)
{
    m->thinking_levels = 0;
    m->thinking_default = PLX_THINKING_NONE;
    m->budget_least = m->budget_most = (castor_i64){ 0, 0 };
    m->may_not_think = m->thinks_unasked = false;
}

static bool set_thinking(reader *r, castor_str value)
{
    plx_model *m = r->model;
    castor_str word;

    clear_thinking(m);
    if (cst_str_is(value, "none")) return true;
    while ((word = take_word(&value)).data) {
        plx_thinking_level level = level_of(word);
        if (cst_str_is(word, "budget")) return set_budget(r, value);
        if (cst_str_is(word, "default")) break;
        if (level == PLX_THINKING_NONE) return fail(r, "There is no thinking level \"%.*s\".", CASTOR_ARG(word));
        m->thinking_levels |= (unsigned)level;
    }
    m->thinking_default = level_of(take_word(&value));
    m->thinks_unasked = true;
    m->may_not_think = (m->thinking_levels & PLX_THINKING_MINIMAL) != 0;
    return ((m->thinking_levels & (unsigned)m->thinking_default) && is_over(value)) ||
           fail(r, "thinking wants levels, then \"default\" and one of them.");
}

static bool set_dimensions(reader *r, castor_str value)
{
    plx_model *m = r->model;

    if (!take_number(&value, &m->dimensions_least) || !take_number(&value, &m->dimensions_most) ||
        !take_number(&value, &m->dimensions_default) || m->dimensions_least < 1 ||
        m->dimensions_least > m->dimensions_default || m->dimensions_default > m->dimensions_most ||
        m->dimensions_most > PLX_DIMENSIONS_MAX) {
        return fail(r, "dimensions wants the least, the most (up to %d) and the default.", (int)PLX_DIMENSIONS_MAX);
    }
    castor_str word = take_word(&value);
    m->is_unit = cst_str_is(word, "unit");
    return ((!word.data || m->is_unit) && is_over(value)) ||
           fail(r, "Behind the dimensions only \"unit\" can stand.");
}

static bool set_status(reader *r, castor_str value)
{
    static const char *const names[] = { "stable", "preview", "deprecated", "legacy" };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (!cst_str_is(value, names[i])) continue;
        r->model->status = (plx_model_status)i;
        return true;
    }
    return fail(r, "status wants stable, preview, deprecated or legacy.");
}

static bool set_flag(reader *r, castor_str value, bool *out)
{
    *out = cst_str_is(value, "yes");
    return *out || cst_str_is(value, "no") || fail(r, "%.*s wants yes or no.", CASTOR_ARG(r->word));
}

static bool set_free(reader *r, castor_str value) { return set_flag(r, value, &r->model->is_free); }
static bool set_images(reader *r, castor_str value) { return set_flag(r, value, &r->model->makes_images); }
static bool set_tasks(reader *r, castor_str value) { return set_flag(r, value, &r->model->knows_tasks); }

static bool set_prefill(reader *r, castor_str value)
{
    bool is_taken = false;

    if (!set_flag(r, value, &is_taken)) return false;
    r->model->refuses_prefill = !is_taken;
    return true;
}

static bool set_served_by(reader *r, castor_str value)
{
    const plx_model *other = named(r, value);

    r->model->served_by = value;
    return (other && !other->is_family) || fail(r, "served-by wants the name of a model further up.");
}

static bool set_shutdown(reader *r, castor_str value)
{
    int64_t day = 0;

    if (!read_date(value, &day)) return fail(r, "shutdown wants a date, as 2026-12-01.");
    r->model->shutdown_day = castor_some_i64(day);
    return true;
}

static const struct {
    const char *key;
    set_fn     *set;
    bool        needs_no_model;
} keys[] = {
    { "as-of", set_as_of, true }, { "model", begin_model, true }, { "family", begin_model, true },
    { "like", set_like, false }, { "version", set_version, false }, { "title", set_title, false },
    { "about", set_about, false }, { "generation", set_generation, false }, { "window", set_window, false },
    { "cache", set_cache, false },
    { "methods", set_methods, false }, { "temperature", set_temperature, false },
    { "max-temperature", set_temperature_max, false }, { "top-p", set_top_p, false }, { "top-k", set_top_k, false },
    { "thinking", set_thinking, false }, { "dimensions", set_dimensions, false }, { "status", set_status, false },
    { "prefill", set_prefill, false }, { "images", set_images, false },
    { "tasks", set_tasks, false }, { "free", set_free, false }, { "served-by", set_served_by, false },
    { "shutdown", set_shutdown, false },
};

static bool read_line(reader *r, castor_str line)
{
    r->word = take_word(&line);
    if (!r->word.data || r->word.data[0] == '#') return true;
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        if (!cst_str_is(r->word, keys[i].key)) continue;
        if (!r->model && !keys[i].needs_no_model) {
            return fail(r, "\"%s\" stands before the first \"model\".", keys[i].key);
        }
        return keys[i].set(r, cst_str_trim(line));
    }
    return fail(r, "There is no key \"%.*s\".", CASTOR_ARG(r->word));
}

bool plx_model_lines_read(plx_model_table *table, castor_str text, char *why, size_t why_size)
{
    reader r = { .table = table, .why = why, .why_size = why_size };

    while (text.len > 0) {
        const char *newline = memchr(text.data, '\n', text.len);
        size_t      len = newline ? (size_t)(newline - text.data) : text.len;
        size_t      used = len + (newline ? 1 : 0);
        r.line++;
        if (!read_line(&r, (castor_str){ text.data, len })) return false;
        text = (castor_str){ text.data + used, text.len - used };
    }
    r.line = 0;
    return table->model_count > 0 || fail(&r, "There is no model in it.");
}
