/* bodies.c -- writes the answers that nginx serves to the clients of bench/: the same bytes for all of them.
 * SPDX-License-Identifier: MIT
 *
 *     bodies DIRECTORY EVENTS
 *
 * long.sse (EVENTS events), fifty.sse (50), one.sse, each also as openai-NAME.sse with the same texts; one.json, an
 * answer that is not streamed; event1.sse, event8.sse, event64.sse, one event of so many MB. Always the same ones: the
 * chance in them has a fixed seed.
 */
#include "figures.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 4096, TEXT_MIN = 27, TEXT_SPREAD = 181, MEGABYTE = 1000 * 1000 };

static uint64_t state;

static uint32_t draw(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 16);
}

#define PICK(list) (list)[draw() % (sizeof(list) / sizeof *(list))]

/* What a model writes: mostly words, some of other scripts, and the escapes that the service makes of quotes and markup. */
static const char *draw_word(void)
{
    static const char *const words[] = {
        "the", "river", "is", "held", "by", "a", "dam", "of", "branches", "and", "mud", "**Note**", "which", "(slowly)",
        "raises", "water", "-", "0.25", "m", "while", "beavers", "build", "lodge", "entrance", "below", "surface",
    };
    static const char *const foreign[] = {
        "caf\xC3\xA9", "\xE6\xB0\xB4\xE8\xBE\xBA", "\xD0\xB1\xD0\xBE\xD0\xB1\xD1\x80", "\xF0\x9F\xA6\xAB", "\xE2\x80\x94",
    };
    static const char *const escapes[] = { "\\n", "\\n", "\\\"", "\\u003c", "\\u003e", "\\u003d", "\\ud83e\\uddab" };
    uint32_t                 kind = draw() % 100;

    return kind < 80 ? PICK(words) : kind < 88 ? PICK(foreign) : PICK(escapes);
}

/* Escaped as it stands in JSON. */
static size_t draw_text(char out[TEXT_MAX])
{
    size_t len = 0, wanted = TEXT_MIN + draw() % TEXT_SPREAD;

    while (len < wanted) len += (size_t)snprintf(out + len, TEXT_MAX - len, "%s ", draw_word());
    return len;
}

static FILE *create(const char *directory, const char *name)
{
    char  path[4096];
    FILE *file;

    snprintf(path, sizeof path, "%s/%s", directory, name);
    file = fopen(path, "wb");
    if (!file) fig_die(path);
    return file;
}

static void finish(FILE *file)
{
    if (ferror(file) || fclose(file) != 0) fig_die("write");
}

/* ---- Events ---- */

static void print_gemini_object(FILE *out, const char *text, size_t tokens, bool is_last)
{
    fprintf(out,
            "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"%s\"}],\"role\":\"model\"},%s\"index\":0}],"
            "\"usageMetadata\":{\"promptTokenCount\":8,\"candidatesTokenCount\":%zu,\"totalTokenCount\":%zu},"
            "\"modelVersion\":\"gemini-3.8-flash\",\"responseId\":\"q1S5aN_zGeWxkdUP4uCfoAM\"}",
            text, is_last ? "\"finishReason\":\"STOP\"," : "", tokens, tokens + 8);
}

static void print_gemini(FILE *out, const char *text, size_t tokens, bool is_last)
{
    fputs("data: ", out);
    print_gemini_object(out, text, tokens, is_last);
    fputs("\r\n\r\n", out);
}

static void print_openai(FILE *out, const char *text, size_t tokens, bool is_last)
{
    (void)tokens;
    fprintf(out,
            "data: {\"id\":\"q1S5aN_zGeWxkdUP4uCfoAM\",\"object\":\"chat.completion.chunk\",\"created\":1770000000,"
            "\"model\":\"gemini-3.8-flash\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\","
            "\"content\":\"%s\"},\"finish_reason\":%s}]}\n\n%s",
            text, is_last ? "\"stop\"" : "null", is_last ? "data: [DONE]\n\n" : "");
}

typedef void print_fn(FILE *out, const char *text, size_t tokens, bool is_last);

static void write_stream(const char *directory, const char *name, size_t events, print_fn *print)
{
    char   text[TEXT_MAX];
    size_t tokens = 0;
    FILE  *out = create(directory, name);

    state = 88172645463325252U;
    for (size_t i = 0; i < events; i++) {
        tokens += draw_text(text) / 4;
        print(out, text, tokens, i + 1 == events);
    }
    finish(out);
}

static void write_unary(const char *directory)
{
    char  text[TEXT_MAX];
    FILE *out = create(directory, "one.json");

    state = 2463534242U;
    size_t tokens = draw_text(text) / 4;
    print_gemini_object(out, text, tokens, true);
    finish(out);
}

static void write_large_event(const char *directory, size_t megabytes)
{
    char   name[64], text[TEXT_MAX];
    size_t len = 0;

    snprintf(name, sizeof name, "event%zu.sse", megabytes);
    FILE *out = create(directory, name);
    state = 2463534242U;
    fputs("data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"", out);
    while (len < megabytes * MEGABYTE) {
        len += draw_text(text);
        fputs(text, out);
    }
    fputs("\"}],\"role\":\"model\"},\"finishReason\":\"STOP\",\"index\":0}]}\r\n\r\n", out);
    finish(out);
}

int main(int argc, char **argv)
{
    size_t events = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;

    if (events == 0) {
        fprintf(stderr, "usage: bodies DIRECTORY EVENTS\n");
        return 2;
    }
    write_stream(argv[1], "long.sse", events, print_gemini);
    write_stream(argv[1], "openai-long.sse", events, print_openai);
    write_stream(argv[1], "fifty.sse", 50, print_gemini);
    write_stream(argv[1], "openai-fifty.sse", 50, print_openai);
    write_stream(argv[1], "one.sse", 1, print_gemini);
    write_stream(argv[1], "openai-one.sse", 1, print_openai);
    write_unary(argv[1]);
    for (size_t megabytes = 1; megabytes <= 64; megabytes *= 8) write_large_event(argv[1], megabytes);
    return 0;
}
