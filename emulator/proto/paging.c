/* paging.c -- pageSize and pageToken of every list.
 * SPDX-License-Identifier: MIT
 */
#include "proto/paging.h"

/* Six bits each; none needs an escape in a query. */
static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

enum { POSITION_LETTERS = 11, CHECK_LETTERS = 5 };

static uint64_t mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

static uint64_t salt_of(const plx_page_rule *rule)
{
    uint64_t salt = 14695981039346656037u;

    for (const char *c = rule->list; *c; c++) salt = (salt ^ (unsigned char)*c) * 1099511628211u;
    return mix(salt);
}

static void print_letters(char *out, int count, uint64_t value)
{
    for (int i = 0; i < count; i++, value >>= 6) out[i] = letters[value & 63];
}

/* Opaque, so that no client comes to rely on what is inside; checked, so that a made-up one is refused. */
void plx_page_token_print(char out[PLX_PAGE_TOKEN_SIZE], const plx_page_rule *rule, uint64_t position)
{
    uint64_t salt = salt_of(rule);

    print_letters(out, POSITION_LETTERS, position ^ salt);
    print_letters(out + POSITION_LETTERS, CHECK_LETTERS, mix(position + salt));
    out[POSITION_LETTERS + CHECK_LETTERS] = '\0';
}

static bool read_token(plx_page *page, castor_str token, const plx_page_rule *rule)
{
    char     again[PLX_PAGE_TOKEN_SIZE];
    uint64_t value = 0;

    if (token.len != POSITION_LETTERS + CHECK_LETTERS) return false;
    for (int i = POSITION_LETTERS - 1; i >= 0; i--) {
        const char *letter = token.data[i] ? strchr(letters, token.data[i]) : NULL;
        if (!letter) return false;
        value = (value << 6) | (uint64_t)(letter - letters);
    }
    page->position = value ^ salt_of(rule);
    page->is_first = false;
    plx_page_token_print(again, rule, page->position);
    return cst_str_is(token, again);
}

static bool read_size(plx_page *page, castor_str size, const plx_page_rule *rule)
{
    uint64_t value = 0;

    for (size_t i = 0; i < size.len; i++) {
        if (size.data[i] < '0' || size.data[i] > '9' || value > UINT32_MAX) return false;
        value = value * 10 + (uint64_t)(size.data[i] - '0');
    }
    if (value > 0) page->size = value < rule->size_max ? (uint32_t)value : rule->size_max;
    return value <= INT32_MAX;
}

bool plx_page_read(plx_page *page, castor_str size, castor_str token, const plx_page_rule *rule, plx_refusal *refusal)
{
    *page = (plx_page){ .size = rule->size_default, .is_first = true };
    if (!read_size(page, size, rule)) {
        return plx_refuse_field(refusal, "page_size", "Invalid value at 'page_size' (TYPE_INT32), \"%.*s\"",
                                CASTOR_ARG(size));
    }
    if (token.len > 0 && !read_token(page, token, rule)) {
        return plx_refuse(refusal, 400, "Request contains an invalid argument: page_token is not one of this list.");
    }
    return true;
}
