/* safe_text.c -- makes text of others harmless for a terminal.
 * SPDX-License-Identifier: MIT
 */
#include "safe_text.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "utf8.h"

enum { REPLACEMENT = 0xFFFD, CONTROL_PICTURES = 0x2400, DEL_PICTURE = 0x2421 };

/* All replacements lie between U+0800 and U+FFFF: three bytes. */
static size_t put_replacement(char *out, uint32_t code)
{
    out[0] = (char)(0xE0 | code >> 12);
    out[1] = (char)(0x80 | (code >> 6 & 0x3F));
    out[2] = (char)(0x80 | (code & 0x3F));
    return 3;
}

static bool is_plain(unsigned char byte)
{
    return (byte >= 0x20 && byte < 0x7F) || byte == '\n' || byte == '\t';
}

static bool is_hostile(uint32_t code)
{
    return (code >= 0x80 && code <= 0x9F)         /* C1: CSI, OSC and the like in one character */
        || (code >= 0x202A && code <= 0x202E)     /* bidirectional embeddings and overrides */
        || (code >= 0x2066 && code <= 0x2069)     /* bidirectional isolates */
        || (code >= 0xE0000 && code <= 0xE007F);  /* tags: text that nobody sees */
}

static size_t put_character(char *out, const unsigned char *bytes, int length)
{
    uint32_t code = cli_utf8_code(bytes, length);
    if (code == 0x7F) return put_replacement(out, DEL_PICTURE);
    if (length == 1 && !is_plain(bytes[0])) return put_replacement(out, CONTROL_PICTURES + code);
    if (is_hostile(code)) return put_replacement(out, REPLACEMENT);
    memcpy(out, bytes, (size_t)length);
    return (size_t)length;
}

/* Adds one byte to the pending character. Returns whether the byte was taken: the byte that proves the pending ones
 * wrong is not part of them, and is offered again. */
static bool take_pending(cli_safe_text *state, unsigned char byte, char *out, size_t *written)
{
    state->pending[state->pending_len] = byte;
    int length = cli_utf8_length(state->pending, state->pending_len + 1);
    if (length == CLI_UTF8_UNFINISHED) {
        state->pending_len++;
        return true;
    }
    bool is_taken = length > 0;
    *written += is_taken ? put_character(out + *written, state->pending, length)
                         : put_replacement(out + *written, REPLACEMENT);
    state->pending_len = 0;
    return is_taken;
}

size_t cli_safe_text_feed(cli_safe_text *state, const char *bytes, size_t len, char *out)
{
    const unsigned char *in = (const unsigned char *)bytes;
    size_t written = 0;
    size_t at = 0;
    while (at < len) {
        if (state->pending_len > 0) {
            if (take_pending(state, in[at], out, &written)) at++;
            continue;
        }
        int length = cli_utf8_length(in + at, len - at);
        if (length > 0) {
            written += put_character(out + written, in + at, length);
            at += (size_t)length;
        } else if (cli_utf8_length(in + at, 1) == CLI_UTF8_UNFINISHED) {
            /* Broken ones too go byte by byte, so that they look the same wherever the text was cut. */
            state->pending[state->pending_len++] = in[at++];
        } else {
            written += put_replacement(out + written, REPLACEMENT);
            at++;
        }
    }
    return written;
}

size_t cli_safe_text_end(cli_safe_text *state, char *out)
{
    if (state->pending_len == 0) return 0;
    state->pending_len = 0;
    return put_replacement(out, REPLACEMENT);
}
