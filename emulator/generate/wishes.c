/* wishes.c -- what a prompt can ask of pollux itself.
 * SPDX-License-Identifier: MIT
 */
#include "generate/wishes.h"

#include <stddef.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

typedef struct wish {
    const char *verb;
    void (*take)(plx_wishes *wishes, castor_str argument); /* NULL: it only sets a flag ... */
    size_t        flag;                                    /* ... that stands here in plx_wishes */
    plx_wish_form row;
} wish;

/* ---- words ---- */

static castor_str take_word(castor_str *text)
{
    size_t len = 0;

    *text = cst_str_trim(*text);
    while (len < text->len && !cst_is_space(text->data[len])) len++;
    castor_str word = { text->data, len };
    *text = cst_str_trim((castor_str){ text->data + len, text->len - len });
    return word;
}

/* The one of the names that stands there, in either case and maybe with a full stop behind it. */
static const char *take_name(castor_str *text, const char *const *names, size_t count)
{
    castor_str word = take_word(text);

    if (word.len > 0 && word.data[word.len - 1] == '.') word.len--;
    for (size_t i = 0; i < count; i++) {
        if (cst_str_equal_nocase(word, castor_str_of(names[i]))) return names[i];
    }
    return NULL;
}

static castor_i64 take_count(castor_str text)
{
    int64_t value = 0;

    if (text.len == 0 || text.data[0] < '0' || text.data[0] > '9') return (castor_i64){ 0, 0 };
    for (size_t i = 0; i < text.len && text.data[i] >= '0' && text.data[i] <= '9'; i++) {
        value = value * 10 + (text.data[i] - '0');
        if (value > PLX_MADE_TOKENS_MAX) value = PLX_MADE_TOKENS_MAX;
    }
    return castor_some_i64(value);
}

/* ---- the wishes ---- */

static void take_block(plx_wishes *wishes, castor_str argument)
{
    static const char *const reasons[] = { "SAFETY", "OTHER", "BLOCKLIST", "PROHIBITED_CONTENT", "IMAGE_SAFETY" };

    wishes->block = take_name(&argument, reasons, COUNT_OF(reasons));
}

static void take_finish(plx_wishes *wishes, castor_str argument)
{
    static const char *const reasons[] = {
        "STOP", "MAX_TOKENS", "SAFETY", "RECITATION", "LANGUAGE", "OTHER", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII",
        "MALFORMED_FUNCTION_CALL", "IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION", "IMAGE_OTHER",
        "NO_IMAGE", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS", "MISSING_THOUGHT_SIGNATURE", "MALFORMED_RESPONSE",
    };

    wishes->finish = take_name(&argument, reasons, COUNT_OF(reasons));
    wishes->ends_late = cst_str_contains_nocase(argument, "after text");
}

static void take_call(plx_wishes *wishes, castor_str argument) { wishes->call = argument; }
static void take_say(plx_wishes *wishes, castor_str argument) { wishes->say = argument; }
static void take_tokens(plx_wishes *wishes, castor_str argument) { wishes->tokens = take_count(argument); }
static void take_think(plx_wishes *wishes, castor_str argument) { wishes->thoughts = take_count(argument); }

static const wish wishes_known[] = {
    { "say", take_say, 0, { "pollux: say TEXT", "Answers with this text, to the end of the line." } },
    { "tokens", take_tokens, 0, { "pollux: tokens N", "A long answer of N tokens." } },
    { "empty", NULL, offsetof(plx_wishes, is_empty), { "pollux: empty", "An answer without a word." } },
    { "think", take_think, 0,
      { "pollux: think N", "Thinks for N tokens first, at the cost of the answer if need be." } },
    { "call", take_call, 0,
      { "pollux: call NAME [ARGS]", "Calls this function, with these arguments if JSON follows; or several: a, b." } },
    { "finish", take_finish, 0,
      { "pollux: finish REASON [after text]", "Ends for this reason: SAFETY, RECITATION, OTHER, LANGUAGE, MAX_TOKENS, "
                                              "MALFORMED_FUNCTION_CALL, UNEXPECTED_TOOL_CALL, NO_IMAGE, ..." } },
    { "block", take_block, 0,
      { "pollux: block REASON", "Refuses the prompt: SAFETY, OTHER, BLOCKLIST, PROHIBITED_CONTENT, IMAGE_SAFETY." } },
    { "cite", NULL, offsetof(plx_wishes, cites), { "pollux: cite", "Adds citations to the answer." } },
    { "search", NULL, offsetof(plx_wishes, searches), { "pollux: search", "Grounds the answer in a made-up search." } },
    { "urls", NULL, offsetof(plx_wishes, reads_urls),
      { "pollux: urls", "Tells which links of the prompt were read." } },
    { "code", NULL, offsetof(plx_wishes, runs_code),
      { "pollux: code", "Shows code that was run, and what came of it." } },
    { "image", NULL, offsetof(plx_wishes, has_image), { "pollux: image", "Adds a small picture." } },
    { "sound", NULL, offsetof(plx_wishes, has_sound), { "pollux: sound", "Adds a moment of silence, as sound." } },
};

plx_wish_form plx_wish_form_at(size_t index)
{
    return index < COUNT_OF(wishes_known) ? wishes_known[index].row : (plx_wish_form){ NULL, NULL };
}

/* ---- reading ---- */

static void take_line(plx_wishes *wishes, castor_str line)
{
    castor_str verb = take_word(&line);

    if (verb.len > 0 && verb.data[verb.len - 1] == '.') verb.len--;
    for (size_t i = 0; i < COUNT_OF(wishes_known); i++) {
        if (!cst_str_equal_nocase(verb, castor_str_of(wishes_known[i].verb))) continue;
        wishes->are_there = true;
        if (wishes_known[i].take) wishes_known[i].take(wishes, line);
        else *(bool *)((char *)wishes + wishes_known[i].flag) = true;
    }
}

plx_wishes plx_wishes_read(castor_str prompt)
{
    static const castor_str mark = { "pollux:", 7 };
    plx_wishes              wishes = { .are_there = false };

    for (size_t at = 0; at + mark.len <= prompt.len; at++) {
        if (!cst_str_equal_nocase((castor_str){ prompt.data + at, mark.len }, mark)) continue;
        const char *from = prompt.data + at + mark.len;
        size_t      left = prompt.len - at - mark.len;
        const char *end = memchr(from, '\n', left);
        castor_str  line = { from, end ? (size_t)(end - from) : left };
        take_line(&wishes, line);
        at += mark.len + line.len - 1;
    }
    return wishes;
}
