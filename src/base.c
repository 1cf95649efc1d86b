/* base.c -- views, the allocator, growing buffers, arenas.
 * SPDX-License-Identifier: MIT
 */
#include "base.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- views ---- */

bool cst_str_equal(castor_str a, castor_str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

bool cst_str_is(castor_str view, const char *literal)
{
    return cst_str_equal(view, castor_str_of(literal));
}

bool cst_str_starts_with(castor_str view, const char *prefix)
{
    size_t len = strlen(prefix);

    return view.len >= len && memcmp(view.data, prefix, len) == 0;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

bool cst_str_equal_nocase(castor_str a, castor_str b)
{
    if (a.len != b.len) return false;
    for (size_t i = 0; i < a.len; i++) {
        if (lower(a.data[i]) != lower(b.data[i])) return false;
    }
    return true;
}

bool cst_str_contains_nocase(castor_str view, const char *needle)
{
    castor_str wanted = castor_str_of(needle);

    for (size_t at = 0; at + wanted.len <= view.len; at++) {
        if (cst_str_equal_nocase((castor_str){ view.data + at, wanted.len }, wanted)) return true;
    }
    return false;
}

bool cst_str_lies_in(castor_str view, castor_str bytes)
{
    uintptr_t at = (uintptr_t)view.data, start = (uintptr_t)bytes.data;

    return view.data && bytes.data && at >= start && at - start < bytes.len;
}

castor_str cst_str_trim(castor_str view)
{
    while (view.len > 0 && cst_is_space(view.data[0])) {
        view.data++;
        view.len--;
    }
    while (view.len > 0 && cst_is_space(view.data[view.len - 1])) view.len--;
    return view;
}

size_t cst_utf8_length(const char *at, const char *end)
{
    const unsigned char *byte = (const unsigned char *)at;
    unsigned char        first = byte[0];
    size_t               len = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;

    if ((first >= 0x80 && first < 0xC2) || first > 0xF4 || (size_t)(end - at) < len) return 0;
    for (size_t i = 1; i < len; i++) {
        if ((byte[i] & 0xC0) != 0x80) return 0;
    }
    bool is_overlong = (first == 0xE0 && byte[1] < 0xA0) || (first == 0xF0 && byte[1] < 0x90);
    bool is_no_character = (first == 0xED && byte[1] > 0x9F) || (first == 0xF4 && byte[1] > 0x8F);
    return is_overlong || is_no_character ? 0 : len;
}

size_t cst_utf8_valid(castor_str text)
{
    size_t at = 0;

    while (at < text.len) {
        size_t len = cst_utf8_length(text.data + at, text.data + text.len);
        if (len == 0) break;
        at += len;
    }
    return at;
}

size_t cst_utf8_prefix(castor_str text, size_t max)
{
    if (text.len <= max) return text.len;
    while (max > 0 && ((unsigned char)text.data[max] & 0xC0) == 0x80) max--;
    return max;
}

void cst_copy_text(char *out, size_t size, castor_str text)
{
    size_t len = cst_utf8_prefix(text, size - 1);

    if (len > 0) memcpy(out, text.data, len);
    out[len] = '\0';
}

/* ---- memory ---- */

static void *default_allocate(void *user, size_t size)
{
    (void)user;
    return malloc(size);
}

static void *default_reallocate(void *user, void *block, size_t old_size, size_t size)
{
    (void)user;
    (void)old_size;
    return realloc(block, size);
}

static void default_release(void *user, void *block)
{
    (void)user;
    free(block);
}

const cst_allocator *cst_allocator_default(void)
{
    static const cst_allocator allocator = { default_allocate, default_reallocate, default_release, NULL };

    return &allocator;
}

void *cst_alloc(const cst_allocator *allocator, size_t size)
{
    return allocator->allocate(allocator->user, size);
}

void *cst_alloc_zeroed(const cst_allocator *allocator, size_t size)
{
    void *block = cst_alloc(allocator, size);

    if (block) memset(block, 0, size);
    return block;
}

void *cst_resize(const cst_allocator *allocator, void *block, size_t old_size, size_t size)
{
    return block ? allocator->reallocate(allocator->user, block, old_size, size) : cst_alloc(allocator, size);
}

void cst_release(const cst_allocator *allocator, void *block)
{
    if (block) allocator->release(allocator->user, block);
}

char *cst_alloc_text(const cst_allocator *allocator, castor_str text)
{
    char *copy = cst_alloc(allocator, text.len + 1);

    if (!copy) return NULL;
    if (text.len > 0) memcpy(copy, text.data, text.len);
    copy[text.len] = '\0';
    return copy;
}

void cst_wipe(void *block, size_t size)
{
    memset(block, 0, size);
    __asm__ volatile("" : : "r"(block) : "memory"); /* somebody may look: so the compiler must believe */
}

/* ---- cst_buf ---- */

enum { BUF_FIRST = 64 /* thousands of them may hold an id; what will be long says so by cst_buf_reserve */ };

void cst_buf_init(cst_buf *buf, const cst_allocator *allocator, size_t max)
{
    *buf = (cst_buf){ .allocator = allocator, .max = max };
}

void cst_buf_free(cst_buf *buf)
{
    cst_release(buf->allocator, buf->data);
    buf->data = NULL;
    buf->len = buf->capacity = 0;
}

castor_status cst_buf_reserve(cst_buf *buf, size_t more)
{
    if (more > buf->max || buf->len > buf->max - more) return CASTOR_LIMIT;

    size_t needed = buf->len + more + 1;
    if (needed <= buf->capacity) return CASTOR_OK;

    size_t capacity = buf->capacity ? buf->capacity : BUF_FIRST;
    while (capacity < needed) capacity *= 2;
    if (capacity > buf->max + 1) capacity = buf->max + 1;

    char *data = cst_resize(buf->allocator, buf->data, buf->capacity, capacity);
    if (!data) return CASTOR_NO_MEMORY;
    buf->data = data;
    buf->capacity = capacity;
    buf->data[buf->len] = '\0';
    return CASTOR_OK;
}

void cst_buf_fit(cst_buf *buf)
{
    char *data = buf->data ? cst_resize(buf->allocator, buf->data, buf->capacity, buf->len + 1) : NULL;

    if (!data) return;
    buf->data = data;
    buf->capacity = buf->len + 1;
}

castor_status cst_buf_append(cst_buf *buf, const void *bytes, size_t len)
{
    castor_status status = cst_buf_reserve(buf, len);

    if (status != CASTOR_OK) return status;
    if (len > 0) memcpy(buf->data + buf->len, bytes, len);
    buf->len += len;
    buf->data[buf->len] = '\0';
    return CASTOR_OK;
}

castor_status cst_buf_append_str(cst_buf *buf, castor_str text)
{
    return cst_buf_append(buf, text.data, text.len);
}

castor_status cst_buf_append_text(cst_buf *buf, const char *text)
{
    return cst_buf_append(buf, text, strlen(text));
}

castor_status cst_buf_append_format(cst_buf *buf, const char *format, ...)
{
    va_list args;

    /* Where there is room for it, once is enough. */
    size_t room = buf->capacity > buf->len ? buf->capacity - buf->len : 0;

    va_start(args, format);
    int len = vsnprintf(room ? buf->data + buf->len : NULL, room, format, args);
    va_end(args);
    if (len < 0) return CASTOR_INVALID;

    castor_status status = (size_t)len < room ? CASTOR_OK : cst_buf_reserve(buf, (size_t)len);
    if (status != CASTOR_OK) {
        if (room) buf->data[buf->len] = '\0';
        return status;
    }
    if ((size_t)len >= room) {
        va_start(args, format);
        vsnprintf(buf->data + buf->len, (size_t)len + 1, format, args);
        va_end(args);
    }
    buf->len += (size_t)len;
    return CASTOR_OK;
}

void cst_buf_drop_front(cst_buf *buf, size_t count)
{
    if (count == 0) return;
    buf->len -= count;
    memmove(buf->data, buf->data + count, buf->len);
    buf->data[buf->len] = '\0';
}

/* ---- cst_arena ---- */

struct cst_arena_block {
    cst_arena_block *older;
    size_t           size;
    size_t           used;
    _Alignas(max_align_t) char bytes[];
};

/* Small at first, because thousands of arenas may hold little each; then blocks double. */
enum { ARENA_BLOCK_FIRST = 576, ARENA_BLOCK_SECOND = 640 };

void cst_arena_init(cst_arena *arena, const cst_allocator *allocator)
{
    *arena = (cst_arena){ .allocator = allocator };
}

static void free_blocks(cst_arena *arena, cst_arena_block *block)
{
    while (block) {
        cst_arena_block *older = block->older;
        cst_release(arena->allocator, block);
        block = older;
    }
}

void cst_arena_free(cst_arena *arena)
{
    free_blocks(arena, arena->current);
    arena->current = NULL;
}

void cst_arena_rewind(cst_arena *arena)
{
    cst_arena_block *newest = arena->current;

    if (!newest) return;
    free_blocks(arena, newest->older); /* blocks double: the newest serves the next round best */
    newest->older = NULL;
    newest->used = 0;
}

void *cst_arena_alloc(cst_arena *arena, size_t size)
{
    const size_t align = _Alignof(max_align_t);

    if (size > SIZE_MAX - sizeof(cst_arena_block) - align) return NULL;
    size = (size + align - 1) & ~(align - 1);

    cst_arena_block *block = arena->current;
    if (!block || block->size - block->used < size) {
        size_t wanted = block ? block->size * 2 : ARENA_BLOCK_FIRST;
        if (block && block->size == ARENA_BLOCK_FIRST) wanted = ARENA_BLOCK_SECOND;
        if (wanted > ((size_t)1 << 20)) wanted = (size_t)1 << 20;
        if (wanted < size) wanted = size;
        block = cst_alloc(arena->allocator, sizeof *block + wanted);
        if (!block) return NULL;
        block->older = arena->current;
        block->size = wanted;
        block->used = 0;
        arena->current = block;
    }
    void *result = block->bytes + block->used;
    block->used += size;
    return result;
}

castor_status cst_arena_copy(cst_arena *arena, castor_str text, castor_str *out)
{
    char *copy = cst_arena_alloc(arena, text.len + 1);

    *out = CST_NONE;
    if (!copy) return CASTOR_NO_MEMORY;
    if (text.len > 0) memcpy(copy, text.data, text.len);
    copy[text.len] = '\0';
    *out = (castor_str){ copy, text.len };
    return CASTOR_OK;
}
