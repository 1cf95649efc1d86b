/* target.c -- takes a request's target apart.
 * SPDX-License-Identifier: MIT
 */
#include "api/target.h"

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

static castor_status decode(castor_str text, cst_arena *arena, castor_str *out)
{
    char  *copy = cst_arena_alloc(arena, text.len + 1);
    size_t len = 0;

    if (!copy) return CASTOR_NO_MEMORY;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        if (c == '%') {
            int high = i + 2 < text.len ? hex_value(text.data[i + 1]) : -1;
            int low = i + 2 < text.len ? hex_value(text.data[i + 2]) : -1;
            if (high < 0 || low < 0 || high * 16 + low == 0) return CASTOR_INVALID;
            c = (char)(high * 16 + low);
            i += 2;
        }
        copy[len++] = c;
    }
    copy[len] = '\0';
    *out = (castor_str){ copy, len };
    return CASTOR_OK;
}

/* Cuts the text before `separator` off the front; all of it when there is none. */
static castor_str cut(castor_str *text, char separator)
{
    const char *at = text->len ? memchr(text->data, separator, text->len) : NULL;
    castor_str  front = { text->data, at ? (size_t)(at - text->data) : text->len };
    size_t      used = front.len + (at ? 1 : 0);

    *text = (castor_str){ text->data + used, text->len - used };
    return front;
}

/* Parameters beyond the limit are ignored. */
static castor_status read_query(plx_exchange *exchange, castor_str query)
{
    plx_query **last = &exchange->query;

    for (size_t count = 0; query.len > 0 && count < PLX_QUERY_MAX; count++) {
        castor_str    value = cut(&query, '&');
        castor_str    name = cut(&value, '=');
        plx_query    *one = cst_arena_alloc(&exchange->arena, sizeof *one);
        castor_status status = one ? decode(name, &exchange->arena, &one->name) : CASTOR_NO_MEMORY;
        if (status == CASTOR_OK) status = decode(value, &exchange->arena, &one->value);
        if (status != CASTOR_OK) return status;
        if (cst_str_is(one->name, "$alt")) one->name = CASTOR_STR("alt");
        one->next = NULL;
        *last = one;
        last = &one->next;
    }
    return CASTOR_OK;
}

castor_status plx_target_parse(plx_exchange *exchange, castor_str target)
{
    castor_str    query = target;
    castor_str    path = cut(&query, '?');
    castor_status status = decode(path, &exchange->arena, &exchange->path);

    if (status != CASTOR_OK) return status;
    while (cst_str_starts_with(exchange->path, "//")) { /* a base URL with its slash gives two */
        exchange->path = (castor_str){ exchange->path.data + 1, exchange->path.len - 1 };
    }
    return read_query(exchange, query);
}
