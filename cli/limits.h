/* limits.h -- every size, count and time that the command refuses to pass, in one place, with the reason.
 * SPDX-License-Identifier: MIT
 */
#ifndef CLI_LIMITS_H
#define CLI_LIMITS_H

#include <stddef.h>

enum {
    CLI_FILE_BYTES_MAX    = 100 << 20, /* of a file, an attachment or standard input: the service's own limit */
    CLI_PROMPT_BYTES_MAX  = 100 << 20, /* of all that makes one prompt */
    CLI_KEY_BYTES_MAX     = 4 << 10,   /* of a key file */
    CLI_ANSWER_BYTES_MAX  = 256 << 20, /* of what is kept until the end: --output json, further candidates */
    CLI_RECORD_BYTES_MAX  = 128 << 20, /* of an answer that --record keeps: the library's own limit */
    CLI_PATH_BYTES_MAX    = 4 << 10,   /* of what a symbolic link points to: Linux's own limit */
    CLI_LINKS_MAX         = 40,        /* one behind another: Linux's own limit */
    CLI_FILES_MAX         = 64,        /* -f on one command line; also -a, also -o */
    CLI_FALLBACK_MODELS_MAX = 16,      /* the last of more is asked when a person has gone */
    CLI_NOTED_WAIT_MS     = 1000,      /* a shorter wait is over before its note is read */
    CLI_SETTING_DEPTH_MAX = 16,        /* names in one dotted path of -o */
    CLI_CANDIDATES_MAX    = 16,        /* answers shown side by side; the service stops at 8 */
    CLI_JSON_DEPTH_MAX    = 512,       /* nesting that the JSON check follows */
    CLI_READ_BYTES        = 64 << 10,  /* one read(2) */
    CLI_WRITE_BYTES       = 64 << 10,  /* collected before one write(2) when nobody waits for them */
    CLI_MESSAGE_BYTES     = 2 << 10,   /* one sentence on standard error; longer is cut at a whole character */
    CLI_NOTE_ARGS_BYTES   = 240,       /* of a tool call's arguments in a note */
    CLI_HEAD_BYTES        = 64,        /* of a file: enough to tell its type */
    CLI_STDIN_WAIT_MS     = 500,       /* for a pipe on standard input when there is a prompt already */
};

/* One line of output holds at most one event, escaped. */
#define CLI_LINE_BYTES_MAX ((size_t)1 << 30)

#endif
