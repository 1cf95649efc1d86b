/* exchange.c -- one request to the API: what every endpoint does with it.
 * SPDX-License-Identifier: MIT
 */
#include "api/exchange.h"

#include <stdio.h>

#include "proto/coded_error.h"
#include "proto/fields.h"
#include "proto/json_style.h"

castor_str plx_exchange_query(const plx_exchange *exchange, const char *name)
{
    for (const plx_query *one = exchange->query; one; one = one->next) {
        if (plx_field_is(one->name, name)) return one->value;
    }
    return CST_NONE;
}

/* A name or an address, and a port: 253 bytes and 6 at most. */
static bool is_host(castor_str host)
{
    enum { HOST_BYTES_MAX = 260 };

    for (size_t i = 0; i < host.len; i++) {
        char c = host.data[i];
        bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!is_letter && !(c >= '0' && c <= '9') && (c == '\0' || !strchr(".-_:[]", c))) return false;
    }
    return host.len > 0 && host.len <= HOST_BYTES_MAX;
}

void plx_exchange_origin(const plx_exchange *exchange, char origin[PLX_ORIGIN_SIZE])
{
    const plx_head *head = exchange->head;
    castor_str      host = is_host(head->host) ? head->host : CASTOR_STR("localhost");

    snprintf(origin, PLX_ORIGIN_SIZE, "%s://%.*s", head->is_secure ? "https" : "http", CASTOR_ARG(host));
}

void plx_exchange_add_header(plx_exchange *exchange, castor_str name, castor_str value)
{
    plx_extra_header **last = &exchange->extra_headers;
    plx_extra_header  *one = cst_arena_alloc(&exchange->arena, sizeof *one);

    if (!one) return; /* the answer does without it */
    while (*last) last = &(*last)->next;
    *one = (plx_extra_header){ NULL, { name, value } };
    *last = one;
}

void plx_exchange_forget_body(plx_exchange *exchange)
{
    cst_json_doc_free(&exchange->document);
    cst_buf_free(&exchange->body);
    exchange->json = NULL;
}

static void send_headers(plx_exchange *exchange, int status, const char *content_type, const char *allowed)
{
    plx_header headers[PLX_EXTRA_HEADERS_MAX + 2] = { { CASTOR_STR("content-type"), castor_str_of(content_type) } };
    size_t     count = 1;

    if (*allowed) headers[count++] = (plx_header){ CASTOR_STR("allow"), castor_str_of(allowed) };
    for (const plx_extra_header *one = exchange->extra_headers; one; one = one->next) {
        if (count < sizeof headers / sizeof headers[0]) headers[count++] = one->header;
    }
    plx_reply_send_headers(exchange->reply, status, headers, count);
}

void plx_exchange_send(plx_exchange *exchange, int status, const char *content_type, castor_str body)
{
    send_headers(exchange, status, content_type, "");
    plx_reply_write(exchange->reply, body);
    plx_reply_end(exchange->reply);
}

bool plx_refuse_memory(plx_refusal *refusal)
{
    return plx_refuse(refusal, 503, "The emulator has no memory left for this request.");
}

bool plx_exchange_is_line(const plx_exchange *exchange)
{
    castor_str value = plx_exchange_query(exchange, "prettyPrint");

    if (!value.data) value = plx_exchange_query(exchange, "$prettyPrint");
    return cst_str_is(value, "false") || cst_str_is(value, "0");
}

void plx_exchange_send_json(plx_exchange *exchange, const cst_buf *json, castor_status status)
{
    plx_json_style style = plx_exchange_is_line(exchange) ? PLX_JSON_SPACED : PLX_JSON_INDENTED;
    plx_refusal    refusal = { .code = 0 };
    cst_buf        body;

    cst_buf_init(&body, cst_allocator_default(), PLX_EVENT_BYTES_MAX);
    if (status == CASTOR_OK) status = plx_json_print_styled(&body, cst_buf_view(json), style);
    if (status == CASTOR_OK) status = cst_buf_append_text(&body, "\n");
    if (status == CASTOR_OK) {
        plx_exchange_send(exchange, 200, "application/json; charset=UTF-8", cst_buf_view(&body));
    } else {
        plx_refuse_memory(&refusal);
        plx_exchange_refuse(exchange, &refusal);
    }
    cst_buf_free(&body);
}

void plx_exchange_send_empty(plx_exchange *exchange)
{
    plx_exchange_send(exchange, 200, "application/json; charset=UTF-8", CASTOR_STR("{}\n"));
}

/* A stream without alt=sse is a JSON array, and so are its errors. */
bool plx_exchange_is_list(const plx_exchange *exchange)
{
    return exchange->endpoint && exchange->endpoint->errors == PLX_ERRORS_LIST &&
           !cst_str_is(plx_exchange_query(exchange, "alt"), "sse");
}

void plx_exchange_refuse_later(plx_exchange *exchange, const plx_refusal *refusal)
{
    exchange->refusal = cst_arena_alloc(&exchange->arena, sizeof *exchange->refusal);
    if (exchange->refusal) *exchange->refusal = *refusal;
    else plx_exchange_refuse(exchange, refusal);
}

/* What the gateway finds wrong with a request's head, its key above all, it tells in its own form. */
static bool is_coded(const plx_exchange *exchange, const plx_refusal *refusal)
{
    bool is_of_gateway = exchange->refusal || refusal->is_page;

    return exchange->endpoint && exchange->endpoint->errors == PLX_ERRORS_CODE && !is_of_gateway;
}

static castor_status print_line(const plx_exchange *exchange, const plx_refusal *refusal, cst_buf *out)
{
    cst_buf indented, squeezed;

    cst_buf_init(&indented, cst_allocator_default(), PLX_SCHEMA_BYTES_MAX);
    cst_buf_init(&squeezed, cst_allocator_default(), PLX_SCHEMA_BYTES_MAX);
    castor_status status = plx_refusal_print(refusal, plx_exchange_is_list(exchange), &indented);
    if (status == CASTOR_OK) status = plx_json_squeeze(&squeezed, cst_buf_view(&indented));
    if (status == CASTOR_OK) status = plx_json_print_styled(out, cst_buf_view(&squeezed), PLX_JSON_SPACED);
    if (status == CASTOR_OK) status = cst_buf_append_text(out, "\n");
    cst_buf_free(&squeezed);
    cst_buf_free(&indented);
    return status;
}

static castor_status print_refusal(const plx_exchange *exchange, const plx_refusal *refusal, cst_buf *out)
{
    if (is_coded(exchange, refusal)) {
        return plx_coded_error_print(plx_coded_error_symbol(refusal), castor_str_of(refusal->message), out);
    }
    if (plx_exchange_is_line(exchange) && !refusal->is_page) return print_line(exchange, refusal, out);
    return plx_refusal_print(refusal, plx_exchange_is_list(exchange), out);
}

void plx_exchange_refuse(plx_exchange *exchange, const plx_refusal *refusal)
{
    cst_buf body;

    if (refusal->code == 401) {
        plx_exchange_add_header(exchange, CASTOR_STR("www-authenticate"),
                                CASTOR_STR("Bearer realm=\"https://accounts.google.com/\""));
    }
    cst_buf_init(&body, cst_allocator_default(), PLX_SCHEMA_BYTES_MAX);
    if (print_refusal(exchange, refusal, &body) != CASTOR_OK) body.len = 0; /* the status has to do */
    send_headers(exchange, refusal->code, plx_refusal_content_type(refusal), refusal->allowed);
    plx_reply_write(exchange->reply, cst_buf_view(&body));
    plx_reply_end(exchange->reply);
    cst_buf_free(&body);
}
