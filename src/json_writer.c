/* json_writer.c -- prints JSON into a buffer; commas and escapes are its business.
 * SPDX-License-Identifier: MIT
 */
#include "json_writer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

cst_json_writer cst_json_writer_to(cst_buf *out)
{
    return (cst_json_writer){ .out = out, .status = CASTOR_OK };
}

static void put(cst_json_writer *writer, const char *bytes, size_t len)
{
    if (writer->status == CASTOR_OK) writer->status = cst_buf_append(writer->out, bytes, len);
}

static void begin_value(cst_json_writer *writer)
{
    if (writer->wants_comma) put(writer, ",", 1);
    writer->wants_comma = true;
}

static void open(cst_json_writer *writer, const char *bracket)
{
    begin_value(writer);
    put(writer, bracket, 1);
    writer->wants_comma = false;
}

static void close(cst_json_writer *writer, const char *bracket)
{
    put(writer, bracket, 1);
    writer->wants_comma = true;
}

void cst_json_open_object(cst_json_writer *writer) { open(writer, "{"); }
void cst_json_close_object(cst_json_writer *writer) { close(writer, "}"); }
void cst_json_open_array(cst_json_writer *writer) { open(writer, "["); }
void cst_json_close_array(cst_json_writer *writer) { close(writer, "]"); }

static void put_escape(cst_json_writer *writer, char c)
{
    char text[8];

    switch (c) {
    case '"': put(writer, "\\\"", 2); return;
    case '\\': put(writer, "\\\\", 2); return;
    case '\n': put(writer, "\\n", 2); return;
    case '\r': put(writer, "\\r", 2); return;
    case '\t': put(writer, "\\t", 2); return;
    default:
        snprintf(text, sizeof text, "\\u%04x", (unsigned)c);
        put(writer, text, 6);
    }
}

static bool is_plain(char c)
{
    return c >= 0x20 && c < 0x7F && c != '"' && c != '\\';
}

static void put_quoted(cst_json_writer *writer, castor_str text)
{
    const char *at = text.data ? text.data : "", *end = at + text.len, *run = at;

    put(writer, "\"", 1);
    while (at < end) {
        size_t len = is_plain(*at) ? 1 : (unsigned char)*at >= 0x80 ? cst_utf8_length(at, end) : 0;
        if (len > 0) {
            at += len;
            continue;
        }
        put(writer, run, (size_t)(at - run));
        if ((unsigned char)*at >= 0x80) put(writer, "\xEF\xBF\xBD", 3);
        else put_escape(writer, *at);
        run = ++at;
    }
    put(writer, run, (size_t)(at - run));
    put(writer, "\"", 1);
}

void cst_json_name(cst_json_writer *writer, castor_str key)
{
    begin_value(writer);
    put_quoted(writer, key);
    put(writer, ":", 1);
    writer->wants_comma = false;
}

void cst_json_key(cst_json_writer *writer, const char *key)
{
    cst_json_name(writer, castor_str_of(key));
}

void cst_json_put_string(cst_json_writer *writer, castor_str text)
{
    begin_value(writer);
    put_quoted(writer, text);
}

void cst_json_put_base64(cst_json_writer *writer, castor_str prefix, castor_str bytes)
{
    static const char    alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *in = (const unsigned char *)bytes.data;
    size_t               left = bytes.len, len = (bytes.len + 2) / 3 * 4;

    begin_value(writer);
    put(writer, "\"", 1);
    put(writer, prefix.data, prefix.len);
    if (writer->status == CASTOR_OK) writer->status = cst_buf_reserve(writer->out, len);
    if (writer->status != CASTOR_OK) return;

    char *out = writer->out->data + writer->out->len;
    for (; left >= 3; left -= 3, in += 3) {
        *out++ = alphabet[in[0] >> 2];
        *out++ = alphabet[(in[0] & 3) << 4 | in[1] >> 4];
        *out++ = alphabet[(in[1] & 15) << 2 | in[2] >> 6];
        *out++ = alphabet[in[2] & 63];
    }
    if (left > 0) {
        unsigned second = left == 2 ? in[1] : 0;
        *out++ = alphabet[in[0] >> 2];
        *out++ = alphabet[(in[0] & 3u) << 4 | second >> 4];
        *out++ = left == 2 ? alphabet[(second & 15) << 2] : '=';
        *out++ = '=';
    }
    writer->out->len += len;
    put(writer, "\"", 1);
}

void cst_json_put_integer(cst_json_writer *writer, int64_t number)
{
    char text[24];
    int  len = snprintf(text, sizeof text, "%lld", (long long)number);

    begin_value(writer);
    put(writer, text, (size_t)len);
}

void cst_json_put_number(cst_json_writer *writer, double number)
{
    char text[40];
    int  len = 0;

    if (!isfinite(number)) { /* JSON has no word for it: the request check refuses it before it gets here */
        writer->status = writer->status == CASTOR_OK ? CASTOR_INVALID : writer->status;
        return;
    }
    for (int digits = 1; digits <= 17; digits++) {
        len = snprintf(text, sizeof text, "%.*g", digits, number);
        if (strtod(text, NULL) == number) break;
    }
    for (int i = 0; i < len; i++) {
        if (text[i] == ',') text[i] = '.'; /* the decimal point of the caller's locale */
    }
    begin_value(writer);
    put(writer, text, (size_t)len);
}

void cst_json_put_bool(cst_json_writer *writer, bool flag)
{
    begin_value(writer);
    put(writer, flag ? "true" : "false", flag ? 4 : 5);
}

void cst_json_put_null(cst_json_writer *writer)
{
    begin_value(writer);
    put(writer, "null", 4);
}

void cst_json_put_raw(cst_json_writer *writer, castor_str json)
{
    begin_value(writer);
    put(writer, json.data, json.len);
}

/* ---- members that may be absent ---- */

void cst_json_put_member(cst_json_writer *writer, const char *key, const char *value)
{
    if (!value) return;
    cst_json_key(writer, key);
    cst_json_put_string(writer, castor_str_of(value));
}

void cst_json_put_count(cst_json_writer *writer, const char *key, castor_i64 number)
{
    if (!number.is_set) return;
    cst_json_key(writer, key);
    cst_json_put_integer(writer, number.value);
}

void cst_json_put_fraction(cst_json_writer *writer, const char *key, castor_f64 number)
{
    if (!number.is_set) return;
    cst_json_key(writer, key);
    cst_json_put_number(writer, number.value);
}
