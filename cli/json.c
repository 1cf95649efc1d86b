/* json.c -- prints JSON, and tells whether a text is JSON.
 * SPDX-License-Identifier: MIT
 *
 * Source: RFC 8259.
 */
#include "json.h"

#include <string.h>

#include "limits.h"
#include "utf8.h"

/* ---- printing ---- */

#define REPEATED(byte) (UINT64_C(0x0101010101010101) * (byte))

/* The high bit of each byte of `word` that is zero; false alarms only above a true one. */
static uint64_t zero_bytes(uint64_t word)
{
    return (word - REPEATED(1)) & ~word & REPEATED(0x80);
}

/* Whether one of eight bytes needs a look: a control, a quote, a backslash, or anything beyond ASCII. */
static bool needs_look(const char *bytes)
{
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
    uint64_t controls = (word - REPEATED(0x20)) & ~word;
    uint64_t found = controls | word | zero_bytes(word ^ REPEATED('"')) | zero_bytes(word ^ REPEATED('\\'));
    return (found & REPEATED(0x80)) != 0;
}

/* The length of what can be copied as it stands, from `at`. */
static size_t plain_run(castor_str text, size_t at)
{
    size_t start = at;
    while (at < text.len) {
        if (text.len - at >= 8 && !needs_look(text.data + at)) {
            at += 8;
            continue;
        }
        unsigned char byte = (unsigned char)text.data[at];
        if (byte < 0x20 || byte == '"' || byte == '\\') break;
        int length = cli_utf8_length((const unsigned char *)text.data + at, text.len - at);
        if (length < 1) break;
        at += (size_t)length;
    }
    return at - start;
}

static void put_escape(cli_text *out, unsigned char byte)
{
    switch (byte) {
    case '"': cli_text_put(out, "\\\""); break;
    case '\\': cli_text_put(out, "\\\\"); break;
    case '\b': cli_text_put(out, "\\b"); break;
    case '\f': cli_text_put(out, "\\f"); break;
    case '\n': cli_text_put(out, "\\n"); break;
    case '\r': cli_text_put(out, "\\r"); break;
    case '\t': cli_text_put(out, "\\t"); break;
    default:
        if (byte >= 0x80) cli_text_put(out, "\xEF\xBF\xBD");
        else cli_text_format(out, "\\u%04x", byte);
    }
}

void cli_json_string(cli_text *out, castor_str text)
{
    cli_text_add_byte(out, '"');
    size_t at = 0;
    while (at < text.len) {
        size_t run = plain_run(text, at);
        cli_text_add(out, text.data + at, run);
        at += run;
        if (at < text.len) put_escape(out, (unsigned char)text.data[at++]);
    }
    cli_text_add_byte(out, '"');
}

void cli_json_comma(cli_text *out)
{
    char last = out->len > 0 ? out->data[out->len - 1] : '{';
    if (last != '{' && last != '[' && last != ':') cli_text_add_byte(out, ',');
}

void cli_json_key(cli_text *out, const char *key)
{
    cli_json_comma(out);
    cli_text_add_byte(out, '"');
    cli_text_put(out, key);
    cli_text_add(out, "\":", 2);
}

void cli_json_put_str(cli_text *out, const char *key, castor_str text)
{
    if (!text.data) return;
    cli_json_key(out, key);
    cli_json_string(out, text);
}

void cli_json_put_integer(cli_text *out, const char *key, int64_t number)
{
    char digits[24];
    size_t start = sizeof digits;
    uint64_t rest = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
    do {
        digits[--start] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (number < 0) digits[--start] = '-';
    cli_json_key(out, key);
    cli_text_add(out, digits + start, sizeof digits - start);
}

void cli_json_put_known(cli_text *out, const char *key, castor_i64 number)
{
    if (number.is_set) cli_json_put_integer(out, key, number.value);
}

/* In valid JSON a raw line break stands between tokens only, never inside a string. */
static void add_on_one_line(cli_text *out, castor_str json)
{
    size_t at = 0;
    while (at < json.len) {
        size_t run = 0;
        while (at + run < json.len && json.data[at + run] != '\n' && json.data[at + run] != '\r') run++;
        cli_text_add(out, json.data + at, run);
        at += run;
        if (at < json.len) {
            cli_text_add_byte(out, ' ');
            at++;
        }
    }
}

void cli_json_put_raw(cli_text *out, const char *key, castor_str json)
{
    if (!json.data) return;
    cli_json_key(out, key);
    if (!cli_json_is_valid(json)) {
        cli_json_string(out, json);
    } else if (memchr(json.data, '\n', json.len) || memchr(json.data, '\r', json.len)) {
        add_on_one_line(out, json);
    } else {
        cli_text_add_str(out, json);
    }
}

/* ---- checking ---- */

typedef struct scanner {
    const char *at;
    const char *end;
} scanner;

static void skip_space(scanner *scan)
{
    while (scan->at < scan->end && strchr(" \t\r\n", *scan->at) && *scan->at) scan->at++;
}

static bool take_byte(scanner *scan, char byte)
{
    if (scan->at == scan->end || *scan->at != byte) return false;
    scan->at++;
    return true;
}

static bool take_word(scanner *scan, const char *word)
{
    size_t len = strlen(word);
    if ((size_t)(scan->end - scan->at) < len || memcmp(scan->at, word, len) != 0) return false;
    scan->at += len;
    return true;
}

static bool take_digits(scanner *scan)
{
    const char *start = scan->at;
    while (scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9') scan->at++;
    return scan->at > start;
}

static bool take_number(scanner *scan)
{
    (void)take_byte(scan, '-');
    if (!take_byte(scan, '0') && !take_digits(scan)) return false;
    if (take_byte(scan, '.') && !take_digits(scan)) return false;
    if (take_byte(scan, 'e') || take_byte(scan, 'E')) {
        if (!take_byte(scan, '+')) (void)take_byte(scan, '-');
        return take_digits(scan);
    }
    return true;
}

static bool take_hex4(scanner *scan)
{
    for (int i = 0; i < 4; i++) {
        if (scan->at == scan->end || !strchr("0123456789abcdefABCDEF", *scan->at) || !*scan->at) return false;
        scan->at++;
    }
    return true;
}

static bool take_string(scanner *scan)
{
    if (!take_byte(scan, '"')) return false;
    for (;;) {
        castor_str rest = { scan->at, (size_t)(scan->end - scan->at) };
        scan->at += plain_run(rest, 0);
        if (take_byte(scan, '"')) return true;
        if (!take_byte(scan, '\\')) return false; /* the end, a control, or no UTF-8 */
        if (take_byte(scan, 'u')) {
            if (!take_hex4(scan)) return false;
        } else if (scan->at == scan->end || !*scan->at || !strchr("\"\\/bfnrt", *scan->at)) {
            return false;
        } else {
            scan->at++;
        }
    }
}

static bool take_scalar(scanner *scan)
{
    if (scan->at == scan->end) return false;
    switch (*scan->at) {
    case '"': return take_string(scan);
    case 't': return take_word(scan, "true");
    case 'f': return take_word(scan, "false");
    case 'n': return take_word(scan, "null");
    default: return take_number(scan);
    }
}

static bool take_key(scanner *scan)
{
    skip_space(scan);
    if (!take_string(scan)) return false;
    skip_space(scan);
    return take_byte(scan, ':');
}

/* Opens containers until a whole value stands: a scalar, or an empty container. `closers` is the stack. */
static bool take_opening(scanner *scan, char *closers, size_t *depth)
{
    for (;;) {
        skip_space(scan);
        bool is_object = take_byte(scan, '{');
        if (!is_object && !take_byte(scan, '[')) return take_scalar(scan);
        if (*depth == CLI_JSON_DEPTH_MAX) return false;
        char closer = is_object ? '}' : ']';
        skip_space(scan);
        if (take_byte(scan, closer)) return true;
        closers[(*depth)++] = closer;
        if (is_object && !take_key(scan)) return false;
    }
}

/* After a value: closes what ends here. Returns whether another value must follow; *is_valid tells about the rest. */
static bool take_closing(scanner *scan, const char *closers, size_t *depth, bool *is_valid)
{
    while (*depth > 0) {
        skip_space(scan);
        if (take_byte(scan, ',')) {
            *is_valid = closers[*depth - 1] == ']' || take_key(scan);
            return *is_valid;
        }
        if (!take_byte(scan, closers[*depth - 1])) {
            *is_valid = false;
            return false;
        }
        (*depth)--;
    }
    return false;
}

bool cli_json_is_valid(castor_str json)
{
    char closers[CLI_JSON_DEPTH_MAX];
    size_t depth = 0;
    bool is_valid = true;
    scanner scan = { json.data, json.data + json.len };
    do {
        if (!take_opening(&scan, closers, &depth)) return false;
    } while (take_closing(&scan, closers, &depth, &is_valid));
    skip_space(&scan);
    return is_valid && scan.at == scan.end;
}
