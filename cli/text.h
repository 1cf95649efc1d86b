/* text.h -- bytes that grow, born with their maximum.
 * SPDX-License-Identifier: MIT
 *
 * Failure sticks: after the first, adding does nothing and `state` says why. Check once, when all is added.
 */
#ifndef CLI_TEXT_H
#define CLI_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "castor/castor.h"

typedef enum cli_text_state {
    CLI_TEXT_OK = 0,
    CLI_TEXT_TOO_LARGE,
    CLI_TEXT_NO_MEMORY
} cli_text_state;

typedef struct cli_text {
    char          *data;     /* NULL while nothing was added; no NUL behind it */
    size_t         len;
    size_t         capacity;
    size_t         max;
    cli_text_state state;
} cli_text;

static inline cli_text cli_text_init(size_t max)
{
    cli_text text = { NULL, 0, 0, max, CLI_TEXT_OK };
    return text;
}

void cli_text_free(cli_text *text);

/* Room for `more` bytes behind what is there, or a failure that sticks. */
bool cli_text_reserve(cli_text *text, size_t more);

static inline void cli_text_add(cli_text *text, const char *bytes, size_t len)
{
    if (len == 0) return;
    bool has_room = text->data && len <= text->capacity - text->len;
    if (!has_room && !cli_text_reserve(text, len)) return;
    memcpy(text->data + text->len, bytes, len);
    text->len += len;
}

static inline void cli_text_add_byte(cli_text *text, char byte)
{
    cli_text_add(text, &byte, 1);
}

static inline void cli_text_add_str(cli_text *text, castor_str view)
{
    cli_text_add(text, view.data, view.len);
}

static inline void cli_text_put(cli_text *text, const char *words)
{
    cli_text_add(text, words, strlen(words));
}

/* One formatted piece of at most CLI_MESSAGE_BYTES. */
void cli_text_format(cli_text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

static inline castor_str cli_text_view(const cli_text *text)
{
    castor_str view = { text->data, text->len };
    return view;
}

#endif
