/* paging.c -- lists that are given out in pages.
 * SPDX-License-Identifier: MIT
 *
 * A token is the number of the next element, made unreadable: multiplied by an odd number modulo 2^64, which can be
 * undone, and in base 16. Made-up tokens almost never give a small number back, and are refused.
 */
#include "api/paging.h"

#include <inttypes.h>
#include <stdio.h>

enum { TOKEN_LEN = 16 };

static const uint64_t scramble = 0x9E3779B97F4A7C15ull;
static const uint64_t unscramble = 0xF1DE83E19937733Dull; /* scramble * unscramble = 1 modulo 2^64 */

static castor_str find(const plx_exchange *e, const char *camel, const char *snake)
{
    castor_str value = plx_exchange_query(e, camel);

    return value.data ? value : plx_exchange_query(e, snake);
}

static bool read_size(castor_str text, size_t usual, size_t most, size_t *out, plx_refusal *refusal)
{
    bool    is_negative = text.len > 1 && text.data[0] == '-';
    int64_t size = 0;

    for (size_t i = is_negative ? 1 : 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9' || size > INT32_MAX) {
            return plx_refuse_field(refusal, "page_size", "Invalid value at 'page_size' (TYPE_INT32), \"%.*s\"",
                                    CASTOR_ARG(text));
        }
        size = size * 10 + (text.data[i] - '0');
    }
    if (is_negative && size > 0) return plx_refuse(refusal, 400, "page_size must not be negative.");
    *out = size == 0 ? usual : (uint64_t)size > most ? most : (size_t)size;
    return true;
}

static bool read_token(castor_str text, size_t *out)
{
    char     digits[TOKEN_LEN + 1];
    uint64_t value = 0;

    if (text.len != TOKEN_LEN) return false;
    cst_copy_text(digits, sizeof digits, text);
    for (size_t i = 0; i < TOKEN_LEN; i++) {
        const char *digit = strchr("0123456789abcdef", digits[i]);
        if (!digits[i] || !digit) return false;
        value = value * 16 + (uint64_t)(digit - "0123456789abcdef");
    }
    value *= unscramble;
    *out = (size_t)value;
    return value <= INT32_MAX;
}

bool plx_page_read(const plx_exchange *exchange, size_t usual, size_t most, plx_page *page, plx_refusal *refusal)
{
    castor_str token = find(exchange, "pageToken", "page_token");

    *page = (plx_page){ 0, usual };
    if (!read_size(find(exchange, "pageSize", "page_size"), usual, most, &page->count, refusal)) return false;
    if (token.len == 0 || read_token(token, &page->first)) return true;
    return plx_refuse(refusal, 400, "page_token is invalid."); /* what the service says is not known */
}

void plx_page_put_next(cst_json_writer *writer, const plx_page *page, size_t list_count)
{
    char token[TOKEN_LEN + 1];

    if (page->first >= list_count || list_count - page->first <= page->count) return;
    snprintf(token, sizeof token, "%016" PRIx64, (uint64_t)(page->first + page->count) * scramble);
    cst_json_put_member(writer, "nextPageToken", token);
}
