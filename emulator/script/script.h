/* script.h -- reads wire cases and script documents (docs/wire-cases.md): text in, cases out. Pure.
 * SPDX-License-Identifier: MIT
 *
 * The same reader serves pollux, which plays the cases, and the tests, which feed their bytes to a decoder. Everything
 * that a case says is exposed here; what an expectation means is its reader's business.
 *
 *     plx_script script;
 *     plx_script_error error;
 *     if (!plx_script_parse(&script, text, &error)) complain(error.line, error.message);
 *     for (const plx_case *one = script.first; one; one = one->next) play(one);
 *     plx_script_free(&script);
 */
#ifndef PLX_SCRIPT_H
#define PLX_SCRIPT_H

#include "base.h"

typedef enum plx_case_dialect {
    PLX_CASE_GEMINI = 0,
    PLX_CASE_OPENAI,
    PLX_CASE_MESSAGE,
    PLX_CASE_AUTO
} plx_case_dialect;

typedef enum plx_case_part {
    PLX_PART_BYTES = 0, /* `<` lines */
    PLX_PART_TEXT,      /* `=` lines */
    PLX_PART_THOUGHT    /* `=~` lines */
} plx_case_part;

/* A `~` line: pollux waits before what stands at `offset` of `part`, or before the end if that is its length. */
typedef struct plx_wait {
    plx_case_part part;
    size_t        offset;
    uint32_t      wait_ms;
} plx_wait;

/* A `>` line, without the mark: `text "Dams."`. */
typedef struct plx_expectation {
    castor_str text;
    size_t     line;
} plx_expectation;

typedef struct plx_case plx_case;

/* One case. All views live as long as the script. */
struct plx_case {
    plx_case       *next;
    castor_str      heading;
    size_t          line;              /* of the heading; the first line of a file is 1 */

    /* The `@` settings, or their defaults. */
    plx_case_dialect dialect;
    castor_str       content_type;     /* absent: no such header */
    int              status;
    bool             end_is_lost;      /* the connection is lost after the bytes */
    bool             wants_cuts;       /* false: run whole and byte by byte only */
    size_t           event_bytes_max;
    castor_str       fault;            /* what is to go wrong, as written; absent: nothing */

    /* The `?` lines: each is a list of words; a prompt matches when it contains all words of one of them. */
    const castor_str *prompts;
    size_t            prompt_count;

    /* Either bytes, or an answer that pollux shapes itself: its lines joined by LF, with none after the last. */
    bool        is_answer;
    castor_str  bytes;
    castor_str  text;
    castor_str  thought;
    const plx_wait *waits;             /* in the order of the file */
    size_t          wait_count;

    const plx_expectation *expectations;
    size_t                 expectation_count;
};

typedef struct plx_script {
    castor_str      title;
    plx_case       *first;
    size_t          case_count;
    cst_arena       arena;
} plx_script;

typedef struct plx_script_error {
    size_t line; /* 0: the whole file */
    char   message[240];
} plx_script_error;

/*
 * Reads a document. The text is copied, not kept. False: `error` says what is wrong and where, and the script is empty.
 *
 * Stricter than prose asks, because a mark that is misspelt would silently test nothing: inside a case, a line that
 * begins with a mark's character must be a whole mark. A `##` heading without any marked line is a chapter of prose.
 */
bool plx_script_parse(plx_script *script, castor_str text, plx_script_error *error);
void plx_script_free(plx_script *script);

#endif
