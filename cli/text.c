/* text.c -- bytes that grow, born with their maximum.
 * SPDX-License-Identifier: MIT
 */
#include "text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "limits.h"

void cli_text_free(cli_text *text)
{
    free(text->data);
    *text = cli_text_init(text->max);
}

static bool fail(cli_text *text, cli_text_state state)
{
    text->state = state;
    text->capacity = text->len; /* so that the inline path asks us again, and we refuse */
    return false;
}

bool cli_text_reserve(cli_text *text, size_t more)
{
    if (text->state != CLI_TEXT_OK) return false;
    if (more > text->max - text->len) return fail(text, CLI_TEXT_TOO_LARGE);
    if (text->data && more <= text->capacity - text->len) return true;

    size_t wanted = text->len + more;
    size_t capacity = text->capacity < 256 ? 256 : text->capacity;
    while (capacity < wanted) capacity *= 2;
    if (capacity > text->max) capacity = text->max;

    char *data = realloc(text->data, capacity);
    if (!data) return fail(text, CLI_TEXT_NO_MEMORY);
    text->data = data;
    text->capacity = capacity;
    return true;
}

void cli_text_format(cli_text *text, const char *format, ...)
{
    char piece[CLI_MESSAGE_BYTES];
    va_list arguments;
    va_start(arguments, format);
    int len = vsnprintf(piece, sizeof piece, format, arguments);
    va_end(arguments);
    if (len < 0) return;
    cli_text_add(text, piece, (size_t)len < sizeof piece ? (size_t)len : sizeof piece - 1);
}
