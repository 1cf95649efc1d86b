/* head.c -- what a request says before its body.
 * SPDX-License-Identifier: MIT
 */
#include "http/head.h"

castor_str plx_head_get(const plx_head *head, const char *name)
{
    for (size_t i = 0; i < head->header_count; i++) {
        if (cst_str_equal_nocase(head->headers[i].name, castor_str_of(name))) return head->headers[i].value;
    }
    return CST_NONE;
}

bool plx_head_is_target(castor_str target)
{
    for (size_t i = 0; i < target.len; i++) {
        if ((unsigned char)target.data[i] <= ' ' || (unsigned char)target.data[i] >= 0x7F) return false;
    }
    return target.len > 0 && (target.data[0] == '/' || cst_str_is(target, "*"));
}

bool plx_head_is_host(castor_str host)
{
    for (size_t i = 0; i < host.len; i++) {
        char c = host.data[i];
        bool is_word = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!is_word && (c == '\0' || !strchr("-._~!$&'()*+,;=%:[]", c))) return false;
    }
    return true;
}

plx_length plx_head_read_length(castor_str text, uint64_t max, uint64_t *length)
{
    *length = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') return PLX_LENGTH_BAD;
        *length = *length * 10 + (uint64_t)(text.data[i] - '0');
        if (*length > max) return PLX_LENGTH_TOO_LARGE;
    }
    return text.len > 0 ? PLX_LENGTH_GOOD : PLX_LENGTH_BAD;
}
