/* safe_text.h -- makes text of others harmless for a terminal. Pure, and resumable at every byte.
 * SPDX-License-Identifier: MIT
 *
 * A model repeats what it has read, so its text may hold sequences that move the cursor, write the clipboard or set
 * a title. Nothing is dropped without a trace:
 *
 *     C0 controls but \n and \t    their picture: ESC becomes U+241B, CR U+240D
 *     DEL                          U+2421
 *     C1 controls, bidirectional overrides and isolates, tag characters, bytes that are not UTF-8    U+FFFD
 *
 * With its ESC gone, the rest of a sequence is plain text.
 */
#ifndef CLI_SAFE_TEXT_H
#define CLI_SAFE_TEXT_H

#include <stddef.h>

/* Zeroed is valid. */
typedef struct cli_safe_text {
    unsigned char pending[4]; /* a character whose last bytes are still on the way */
    size_t        pending_len;
} cli_safe_text;

/* The most bytes that feed, or end with `len` 0, writes for `len` bytes. */
#define CLI_SAFE_TEXT_ROOM(len) (3 * ((len) + 3))

/* Writes the harmless form of `bytes` to `out` and returns its length. */
size_t cli_safe_text_feed(cli_safe_text *state, const char *bytes, size_t len, char *out);

/* Says that the text ends here: a character cut off at the end is shown as U+FFFD. */
size_t cli_safe_text_end(cli_safe_text *state, char *out);

#endif
