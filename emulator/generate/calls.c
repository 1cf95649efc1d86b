/* calls.c -- whether a prompt asks for a function, for which, and with which arguments.
 * SPDX-License-Identifier: MIT
 */
#include "generate/calls.h"

#include "generate/arguments.h"

enum { NAME_SCORE = 4, DESCRIPTION_SCORE = 1, LEAST_SCORE = 3, LEAST_WORD = 3, LEAST_DESCRIPTION_WORD = 5 };
enum { LAST_WORDS_MAX = 2048 }; /* of a long prompt what is wanted stands at the end */

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

typedef struct chooser {
    const plx_ask *ask;
    plx_offers     offers;
    cst_arena     *arena;
    plx_call      *calls;
    size_t        *count;
} chooser;

/* ---- making ---- */

static castor_status add_call(chooser *c, castor_str name, castor_str args)
{
    plx_call *call = &c->calls[*c->count];

    if (*c->count == PLX_CALLS_MAX) return CASTOR_OK;
    ++*c->count;
    castor_status status = cst_arena_copy(c->arena, name, &call->name);
    return status == CASTOR_OK ? cst_arena_copy(c->arena, args, &call->args) : status;
}

static castor_status add_made(chooser *c, const plx_function *function)
{
    size_t        times = plx_arguments_calls(function, &c->offers);
    castor_status status = CASTOR_OK;
    cst_buf       args;

    cst_buf_init(&args, cst_allocator_default(), PLX_SCHEMA_BYTES_MAX);
    for (size_t i = 0; i < times && status == CASTOR_OK; i++) {
        args.len = 0;
        status = plx_arguments_print(function, &c->offers, i, &args);
        if (status == CASTOR_OK) status = add_call(c, function->name, cst_buf_view(&args));
    }
    cst_buf_free(&args);
    return status;
}

/* ---- by wish ---- */

static bool is_object(castor_str text, cst_buf *compact)
{
    cst_json_doc    doc;
    cst_json_writer w = cst_json_writer_to(compact);

    cst_json_doc_init(&doc, cst_allocator_default());
    bool is_one = text.len > 0 && cst_json_read(&doc, text, NULL, NULL) == CASTOR_OK &&
                  cst_json_type_of(cst_json_root(&doc)) == CST_JSON_OBJECT;
    if (is_one) plx_json_put(&w, cst_json_root(&doc));
    cst_json_doc_free(&doc);
    return is_one && w.status == CASTOR_OK;
}

/* "f", "f {...}", "f, g": names, and the arguments of the last if they follow. */
static castor_status add_wished(chooser *c, castor_str wish)
{
    const char   *brace = wish.len > 0 ? memchr(wish.data, '{', wish.len) : NULL;
    castor_str    names = { wish.data, brace ? (size_t)(brace - wish.data) : wish.len };
    castor_str    json = { brace, brace ? wish.len - names.len : 0 };
    castor_status status = CASTOR_OK;
    cst_buf       args;

    if (names.len > PLX_ASKED_BYTES_MAX) names.len = PLX_ASKED_BYTES_MAX;
    cst_buf_init(&args, cst_allocator_default(), PLX_SCHEMA_BYTES_MAX);
    bool has_args = is_object(json, &args);
    for (size_t i = 0; i < c->ask->function_count && status == CASTOR_OK; i++) {
        const plx_function *function = &c->ask->functions[i];
        if (!plx_word_find(names, function->name, NULL)) continue;
        status = has_args ? add_call(c, function->name, cst_buf_view(&args)) : add_made(c, function);
    }
    cst_buf_free(&args);
    return status;
}

/* ---- by words ---- */

static castor_status add_named(chooser *c)
{
    castor_status status = CASTOR_OK;

    for (size_t i = 0; i < c->ask->function_count && status == CASTOR_OK; i++) {
        const plx_function *function = &c->ask->functions[i];
        if (plx_word_find(c->offers.prompt, function->name, NULL)) status = add_made(c, function);
    }
    return status;
}

static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

/* A run of letters; within a name a capital begins another: getWeather. */
static castor_str take_word(castor_str *text, bool is_name)
{
    size_t at = 0, len = 0;

    while (at < text->len && !is_letter(text->data[at])) at++;
    castor_str word = { text->data + at, 0 };
    while (at + len < text->len && is_letter(word.data[len])) {
        bool is_capital = word.data[len] < 'a';
        if (is_name && len > 0 && is_capital && word.data[len - 1] >= 'a') break;
        len++;
    }
    word.len = len;
    *text = (castor_str){ word.data + len, text->len - at - len };
    return word;
}

/* Words that stand in every description. */
static bool is_common(castor_str word)
{
    static const char *const common[] = {
        "get", "set", "the", "for", "and", "fetch", "make", "find", "function", "returns", "return", "given", "about",
        "which", "their", "there", "using", "current", "value", "values", "string", "number", "list", "tool", "should",
        "would", "could", "please", "what", "with", "from", "this", "that", "user", "default",
    };

    for (size_t i = 0; i < COUNT_OF(common); i++) {
        if (cst_str_equal_nocase(word, castor_str_of(common[i]))) return true;
    }
    return false;
}

static size_t score_of(const plx_function *function, castor_str prompt)
{
    castor_str name = function->name, description = function->description;
    size_t     score = 0;

    if (description.len > PLX_DESCRIPTION_BYTES_MAX) description.len = PLX_DESCRIPTION_BYTES_MAX;
    while (name.len > 0) {
        castor_str word = take_word(&name, true);
        if (word.len >= LEAST_WORD && !is_common(word) && plx_word_find(prompt, word, NULL)) score += NAME_SCORE;
    }
    while (description.len > 0) {
        castor_str word = take_word(&description, false);
        bool       is_telling = word.len >= LEAST_DESCRIPTION_WORD && !is_common(word);
        if (is_telling && plx_word_find(prompt, word, NULL)) score += DESCRIPTION_SCORE;
    }
    return score;
}

static castor_str last_words(const plx_ask *ask)
{
    castor_str words = ask->last_words;

    if (words.len > LAST_WORDS_MAX) words = (castor_str){ words.data + words.len - LAST_WORDS_MAX, LAST_WORDS_MAX };
    return words;
}

/* NULL: none shares enough words with what was said last. */
static const plx_function *find_related(const plx_ask *ask)
{
    const plx_function *best = NULL;
    size_t              best_score = LEAST_SCORE - 1;
    castor_str          words = last_words(ask);

    for (size_t i = 0; i < ask->function_count; i++) {
        size_t score = score_of(&ask->functions[i], words);
        if (score <= best_score) continue;
        best = &ask->functions[i];
        best_score = score;
    }
    return best;
}

/* A function that is meant by what stands at `place`: a word of its name. */
typedef struct meant {
    const plx_function *function;
    size_t              place;
    size_t              score;
} meant;

/* False: no word of its name is there. */
static bool find_meant(const plx_function *function, castor_str words, meant *out)
{
    castor_str name = function->name;

    *out = (meant){ function, SIZE_MAX, score_of(function, words) };
    while (name.len > 0) {
        size_t     at;
        castor_str word = take_word(&name, true);
        if (word.len < LEAST_WORD || is_common(word) || !plx_word_find(words, word, &at)) continue;
        if (at < out->place) out->place = at;
    }
    return out->place != SIZE_MAX;
}

/* Puts it in by its place; of two at one place the better one stays. */
static size_t insert(meant *list, size_t count, meant one)
{
    size_t at = count;

    for (size_t i = 0; i < count; i++) {
        if (list[i].place != one.place) continue;
        if (one.score > list[i].score) list[i] = one;
        return count;
    }
    if (count == PLX_CALLS_MAX) return count;
    for (; at > 0 && list[at - 1].place > one.place; at--) list[at] = list[at - 1];
    list[at] = one;
    return count + 1;
}

/* "The weather in Paris and the time in Tokyo": each function gets what is said from its word to that of the next. */
static castor_status add_several(chooser *c, castor_str words)
{
    meant         list[PLX_CALLS_MAX];
    size_t        count = 0;
    castor_status status = CASTOR_OK;

    for (size_t i = 0; i < c->ask->function_count; i++) {
        meant one;
        if (find_meant(&c->ask->functions[i], words, &one)) count = insert(list, count, one);
    }
    for (size_t i = 0; i + 1 < count; i++) {
        castor_str between = { words.data + list[i].place, list[i + 1].place - list[i].place };
        if (!plx_word_find(between, CASTOR_STR("and"), NULL)) return CASTOR_OK;
    }
    for (size_t i = 0; count > 1 && i < count && status == CASTOR_OK; i++) {
        size_t from = i == 0 ? 0 : list[i].place;
        size_t to = i + 1 < count ? list[i + 1].place : words.len;
        c->offers = plx_offers_read((castor_str){ words.data + from, to - from });
        status = add_made(c, list[i].function);
    }
    return status;
}

castor_status plx_calls_choose(const plx_ask *ask, const plx_wishes *wishes, bool is_scripted, cst_arena *arena,
                               plx_call calls[PLX_CALLS_MAX], size_t *count)
{
    chooser             c = { .ask = ask, .arena = arena, .calls = calls, .count = count };
    bool                is_forced = ask->call_mode == PLX_CALLS_ANY;
    const plx_function *related;

    *count = 0;
    if (ask->function_count == 0 || ask->call_mode == PLX_CALLS_NONE) return CASTOR_OK;
    if (ask->result_count > 0 && !is_forced) return CASTOR_OK;
    c.offers = plx_offers_read(ask->prompt);

    castor_status status = wishes->call.len > 0 ? add_wished(&c, wishes->call) : CASTOR_OK;
    if (status != CASTOR_OK || *count > 0) return status;
    if (wishes->are_there && !is_forced) return CASTOR_OK;
    status = add_named(&c);
    if (status == CASTOR_OK && *count == 0 && !is_scripted) status = add_several(&c, last_words(ask));
    if (status != CASTOR_OK || *count > 0) return status;
    related = is_scripted && !is_forced ? NULL : find_related(ask);
    if (related) c.offers = plx_offers_read(last_words(ask)); /* not from what stands around it, as agents send it */
    if (!related && is_forced) related = &ask->functions[0];
    return related ? add_made(&c, related) : CASTOR_OK;
}
