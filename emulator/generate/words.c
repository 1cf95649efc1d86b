/* words.c -- the texts that pollux makes up itself.
 * SPDX-License-Identifier: MIT
 */
#include "generate/words.h"

#include <stdio.h>

#include "generate/pace.h"

enum { QUOTED_BYTES = 80, PARAGRAPH_SENTENCES = 4 };

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* All true of pollux and of streams, in any order. */
static const char *const sentences[] = {
    "The words are canned, but the way they reach you is not: they come as events, paced like a real answer.",
    "Every event counts the tokens so far, and the last one says why the answer ended.",
    "A token is taken to be four bytes of text, which is close enough to see whether your sums add up.",
    "The same prompt with the same seed gives the same words, so a test can compare them.",
    "To have other answers, write them into a script and start pollux with --script FILE.",
    "To ask a real model, point your client at the service and use your own key.",
    "Beavers build dams to raise the water around their lodge; pollux holds back tokens to be like the network.",
    "A stream that ends without a finish reason was cut, however politely the connection was closed.",
    "Half an answer is easily taken for a whole one, so good clients look for the reason at its end.",
    "If your client merges chunks, it should come to exactly this text, without a gap or a repetition.",
    "An event may be cut in two by the network anywhere, even within a character such as \xC3\xA9 or \xE2\x82\xAC.",
    "What a client cannot parse it had better keep, because the service adds fields without asking.",
    "Thinking is billed like writing, although most of it is never shown.",
    "A limit on output tokens includes the thoughts, and that surprises many people once.",
    "Nothing here costs money, and no quota but your own patience is used up.",
    "Castor and Pollux are the two brightest stars of Gemini, fifty and thirty-four light years away.",
    "Pollux is an orange giant with at least one planet; Castor is six stars that look like one.",
    "The twins of the story shared one immortality between them, and took turns.",
    "When the service is overloaded it says 503, and a client that waits a little longer each time gets through.",
    "A retry after the first word was shown would say everything twice.",
    "Small answers travel in one packet, and that hides bugs that only long ones show.",
    "Four bytes at a time is slower than a person can read, and faster than most can type.",
    "Whatever a model writes is untrusted text, and a terminal should not obey it.",
    "The key in your request is worth nothing here, and it is not written down.",
};

/* A seeded walk through the sentences that says each once before it repeats any. */
typedef struct walk {
    size_t at, step;
} walk;

static walk begin_walk(uint64_t seed)
{
    static const size_t steps[] = { 1, 5, 7, 11, 13, 17, 19, 23 }; /* no divisor in common with the count */
    plx_chance          chance = { seed };

    _Static_assert(COUNT_OF(sentences) == 24, "the steps are chosen for it");
    walk w = { (size_t)(plx_chance_next(&chance) % COUNT_OF(sentences)), 1 };
    w.step = steps[plx_chance_next(&chance) % COUNT_OF(steps)];
    return w;
}

static const char *next_sentence(walk *w)
{
    const char *sentence = sentences[w->at];

    w->at = (w->at + w->step) % COUNT_OF(sentences);
    return sentence;
}

/* ---- what length is asked for ---- */

typedef enum unit { UNIT_NONE = 0, UNIT_WORDS, UNIT_SENTENCES, UNIT_PARAGRAPHS, UNIT_ITEMS } unit;

typedef struct length {
    unit   unit;
    size_t count;
} length;

static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
static bool is_digit(char c) { return c >= '0' && c <= '9'; }

/* A run of letters or of digits; what stands between is dropped. */
static castor_str take_token(castor_str *text)
{
    size_t at = 0, len = 0;

    while (at < text->len && !is_letter(text->data[at]) && !is_digit(text->data[at])) at++;
    castor_str token = { text->data + at, 0 };
    while (at + len < text->len && (is_digit(token.data[0]) ? is_digit(token.data[len]) : is_letter(token.data[len]))) {
        len++;
    }
    token.len = len;
    *text = (castor_str){ token.data + len, text->len - at - len };
    return token;
}

/* 0: it is no number, or too large a one. */
static size_t number_of(castor_str token)
{
    static const char *const names[] = { "one", "two",   "three", "four", "five",
                                         "six", "seven", "eight", "nine", "ten" };
    size_t                   value = 0;

    for (size_t i = 0; i < COUNT_OF(names); i++) {
        if (cst_str_equal_nocase(token, castor_str_of(names[i]))) return i + 1;
    }
    for (size_t i = 0; i < token.len; i++) {
        if (!is_digit(token.data[i])) return 0;
        value = value * 10 + (size_t)(token.data[i] - '0');
        if (value > PLX_MADE_WORDS_MAX) return 0;
    }
    return value;
}

static unit unit_of(castor_str token)
{
    static const struct {
        const char *word;
        unit        unit;
    } words[] = {
        { "word", UNIT_WORDS }, { "sentence", UNIT_SENTENCES }, { "paragraph", UNIT_PARAGRAPHS },
        { "item", UNIT_ITEMS }, { "thing", UNIT_ITEMS }, { "idea", UNIT_ITEMS }, { "example", UNIT_ITEMS },
        { "reason", UNIT_ITEMS }, { "way", UNIT_ITEMS }, { "tip", UNIT_ITEMS }, { "name", UNIT_ITEMS },
        { "fact", UNIT_ITEMS }, { "bullet", UNIT_ITEMS }, { "point", UNIT_ITEMS }, { "step", UNIT_ITEMS },
    };

    if (token.len > 1 && (token.data[token.len - 1] == 's' || token.data[token.len - 1] == 'S')) token.len--;
    for (size_t i = 0; i < COUNT_OF(words); i++) {
        if (cst_str_equal_nocase(token, castor_str_of(words[i].word))) return words[i].unit;
    }
    return UNIT_NONE;
}

/* "200 words", "two sentences", "5 short ideas", "list of 5 rivers", "top 3". */
static length length_of(castor_str prompt)
{
    size_t number = 0, age = 0;
    bool   is_list = false;

    if (prompt.len > PLX_ASKED_BYTES_MAX) prompt.len = PLX_ASKED_BYTES_MAX;
    while (prompt.len > 0) {
        castor_str token = take_token(&prompt);
        size_t     value = number_of(token);
        unit       found = unit_of(token);
        if (number > 0 && age < 2 && found != UNIT_NONE) return (length){ found, number };
        if (value > 0 && is_list) return (length){ UNIT_ITEMS, value };
        if (value > 0) {
            number = value;
            age = 0;
        } else {
            age++;
        }
        if (cst_str_equal_nocase(token, CASTOR_STR("list")) || cst_str_equal_nocase(token, CASTOR_STR("top"))) {
            is_list = true;
        }
    }
    return (length){ UNIT_NONE, 0 };
}

/* ---- writing ---- */

static castor_str first_words(castor_str prompt)
{
    prompt = cst_str_trim(prompt);
    size_t len = cst_utf8_prefix(prompt, QUOTED_BYTES);
    if (len < prompt.len) { /* not in the middle of a word, unless it is one endless word */
        size_t at = len;
        while (at > 0 && prompt.data[at] != ' ') at--;
        if (at > 0) len = at;
    }
    for (size_t i = 0; i < len; i++) {
        if (prompt.data[i] == '\n') len = i;
    }
    return (castor_str){ prompt.data, len };
}

static castor_status put_introduction(castor_str prompt, cst_buf *out)
{
    castor_str quoted = first_words(prompt);

    return cst_buf_append_format(
        out,
        "This is pollux, a local emulator of the Gemini API. There is no model here, only a few answers written in "
        "advance, and none of them fits your prompt, which begins: \"%.*s%s\"\n\n",
        CASTOR_ARG(quoted), quoted.len < cst_str_trim(prompt).len ? " ..." : "");
}

static castor_status put_sentences(walk *w, size_t count, cst_buf *out)
{
    castor_status status = CASTOR_OK;

    for (size_t i = 0; i < count && status == CASTOR_OK; i++) {
        if (i > 0) status = cst_buf_append_text(out, " ");
        if (status == CASTOR_OK) status = cst_buf_append_text(out, next_sentence(w));
    }
    return status;
}

static castor_status put_items(walk *w, size_t count, cst_buf *out)
{
    castor_status status = CASTOR_OK;

    for (size_t i = 0; i < count && status == CASTOR_OK; i++) {
        status = cst_buf_append_format(out, "%s%zu. %s", i > 0 ? "\n" : "", i + 1, next_sentence(w));
    }
    return status;
}

static castor_status put_paragraphs(walk *w, size_t count, cst_buf *out)
{
    castor_status status = CASTOR_OK;

    for (size_t i = 0; i < count && status == CASTOR_OK; i++) {
        if (i > 0) status = cst_buf_append_text(out, "\n\n");
        if (status == CASTOR_OK) status = put_sentences(w, PARAGRAPH_SENTENCES, out);
    }
    return status;
}

/* Where the text's `count`th word ends; its length when it has fewer. */
static size_t end_of_word(castor_str text, size_t count)
{
    size_t words = 0;

    for (size_t at = 0; at < text.len; at++) {
        bool is_end = !cst_is_space(text.data[at]) && (at + 1 == text.len || cst_is_space(text.data[at + 1]));
        if (is_end && ++words == count) return at + 1;
    }
    return text.len;
}

static castor_status put_words(walk *w, size_t count, cst_buf *out)
{
    castor_status status = CASTOR_OK;
    size_t        end;

    while (status == CASTOR_OK && (end = end_of_word(cst_buf_view(out), count)) == out->len) {
        if (out->len > 0 && !cst_is_space(out->data[out->len - 1])) status = cst_buf_append_text(out, " ");
        if (status == CASTOR_OK) status = cst_buf_append_text(out, next_sentence(w));
    }
    if (status != CASTOR_OK) return status;
    out->len = end;
    if (out->data[end - 1] == ',' || out->data[end - 1] == ';' || out->data[end - 1] == ':') out->len--;
    return out->data[out->len - 1] == '.' ? CASTOR_OK : cst_buf_append_text(out, ".");
}

castor_status plx_words_answer(castor_str prompt, uint64_t seed, cst_buf *out)
{
    walk          w = begin_walk(seed);
    length        asked = length_of(prompt);
    castor_status status = put_introduction(prompt, out);

    if (status != CASTOR_OK) return status;
    switch (asked.unit) {
    case UNIT_WORDS: return put_words(&w, asked.count, out);
    case UNIT_SENTENCES: return put_sentences(&w, asked.count, out);
    case UNIT_PARAGRAPHS: return put_paragraphs(&w, asked.count, out);
    case UNIT_ITEMS: return put_items(&w, asked.count, out);
    default: return put_sentences(&w, 3 + seed % 3, out);
    }
}

castor_status plx_words_long(int64_t tokens, uint64_t seed, cst_buf *out)
{
    size_t        bytes = (size_t)tokens * PLX_BYTES_PER_TOKEN;
    walk          w = begin_walk(seed);
    castor_status status = CASTOR_OK;

    for (size_t i = 1; out->len < bytes && status == CASTOR_OK; i++) {
        status = cst_buf_append_format(out, "%sParagraph %zu. ", i > 1 ? "\n\n" : "", i);
        if (status == CASTOR_OK) status = put_sentences(&w, PARAGRAPH_SENTENCES, out);
    }
    if (status == CASTOR_OK) out->len = cst_utf8_prefix(cst_buf_view(out), bytes);
    return status;
}

castor_str plx_words_thought(void)
{
    return CASTOR_STR("**Being honest about thinking**\n\nI am an emulator, so nothing is thought over here. In a real "
                      "answer, a summary of the model's thoughts would stand in this place.\n\n");
}
