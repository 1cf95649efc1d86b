/* base.h -- the ground: views, the allocator, growing buffers, arenas. Includes nothing of ours but limits and types.
 * SPDX-License-Identifier: MIT
 *
 * Three lifetimes: the client's (cst_alloc), the stream's (an arena freed at close), the event's (an arena rewound
 * before the next event).
 */
#ifndef CST_BASE_H
#define CST_BASE_H

#include <stdbool.h>

#include "castor/castor.h"
#include "maxima.h"

/* ---- views ---- */

#define CST_NONE ((castor_str){ NULL, 0 })

static inline bool cst_is_space(char c) /* JSON's white space */
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

bool cst_str_equal(castor_str a, castor_str b);
bool cst_str_is(castor_str view, const char *literal);
bool cst_str_starts_with(castor_str view, const char *prefix);
bool cst_str_equal_nocase(castor_str a, castor_str b);            /* ASCII */
bool cst_str_contains_nocase(castor_str view, const char *needle); /* ASCII */
bool cst_str_lies_in(castor_str view, castor_str bytes);           /* whether it is a view of them */
castor_str cst_str_trim(castor_str view);                          /* ASCII white space at both ends */

/* The length of the valid UTF-8 character at `at`, or 0. RFC 3629: no overlong forms, no surrogates. */
size_t cst_utf8_length(const char *at, const char *end);

/* Where the first byte stands that is no valid UTF-8; text.len when all is. */
size_t cst_utf8_valid(castor_str text);

/* The length of the longest prefix of at most `max` bytes that ends at a whole UTF-8 character. */
size_t cst_utf8_prefix(castor_str text, size_t max);

/* Copies as much as fits, at a whole character, and always terminates. */
void cst_copy_text(char *out, size_t size, castor_str text);

/* ---- memory ---- */

typedef castor_allocator cst_allocator;

const cst_allocator *cst_allocator_default(void);

void *cst_alloc(const cst_allocator *allocator, size_t size);          /* NULL when it fails */
void *cst_alloc_zeroed(const cst_allocator *allocator, size_t size);
void *cst_resize(const cst_allocator *allocator, void *block, size_t old_size, size_t size); /* block may be NULL */
void  cst_release(const cst_allocator *allocator, void *block);        /* takes NULL */
char *cst_alloc_text(const cst_allocator *allocator, castor_str text); /* NUL-terminated copy */

/* Overwrites secrets in a way that the compiler keeps. */
void cst_wipe(void *block, size_t size);

/* ---- cst_buf: bytes that grow, born with their maximum ---- */

typedef struct cst_buf {
    char                *data;
    size_t               len;
    size_t               capacity;
    size_t               max;
    const cst_allocator *allocator;
} cst_buf;

void cst_buf_init(cst_buf *buf, const cst_allocator *allocator, size_t max);
void cst_buf_free(cst_buf *buf);

/* NO_MEMORY or LIMIT leave the buffer as it was. One byte past the end is always kept for a NUL. */
castor_status cst_buf_reserve(cst_buf *buf, size_t more);
castor_status cst_buf_append(cst_buf *buf, const void *bytes, size_t len);
castor_status cst_buf_append_str(cst_buf *buf, castor_str text);
castor_status cst_buf_append_text(cst_buf *buf, const char *text);
castor_status cst_buf_append_format(cst_buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Gives back the room that is not used; where that cannot be done, nothing happens. */
void cst_buf_fit(cst_buf *buf);

/* Drops the first `count` bytes; the rest moves to the front. */
void cst_buf_drop_front(cst_buf *buf, size_t count);

static inline castor_str cst_buf_view(const cst_buf *buf)
{
    castor_str view = { buf->data, buf->len };
    return view;
}

/* ---- cst_arena: many small things with one end ---- */

typedef struct cst_arena_block cst_arena_block;

typedef struct cst_arena {
    cst_arena_block     *current; /* newest first; NULL before the first allocation */
    const cst_allocator *allocator;
} cst_arena;

void  cst_arena_init(cst_arena *arena, const cst_allocator *allocator);
void  cst_arena_free(cst_arena *arena);
void  cst_arena_rewind(cst_arena *arena); /* forgets all, keeps the largest block for the next round */
void *cst_arena_alloc(cst_arena *arena, size_t size);

/* A NUL-terminated copy. NO_MEMORY leaves `out` absent. */
castor_status cst_arena_copy(cst_arena *arena, castor_str text, castor_str *out);

#endif
