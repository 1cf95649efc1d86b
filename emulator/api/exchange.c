/* exchange.c -- one request to the API: what every endpoint does with it.
 * SPDX-License-Identifier: MIT
 */
#include "api/exchange.h"

#include "proto/json_style.h"

castor_str plx_exchange_query(const plx_exchange *exchange, const char *name)
{
    for (size_t i = 0; i < exchange->query_count; i++) {
        if (cst_str_is(exchange->query[i].name, name)) return exchange->query[i].value;
    }
    return CST_NONE;
}

void plx_exchange_send(plx_exchange *exchange, int status, const char *content_type, castor_str body)
{
    plx_header header = { CASTOR_STR("content-type"), castor_str_of(content_type) };

    plx_reply_send_headers(exchange->reply, status, &header, 1);
    plx_reply_write(exchange->reply, body);
    plx_reply_end(exchange->reply);
}

bool plx_refuse_memory(plx_refusal *refusal)
{
    return plx_refuse(refusal, 503, "The emulator has no memory left for this request.");
}

void plx_exchange_send_json(plx_exchange *exchange, const cst_buf *json, castor_status status)
{
    plx_refusal refusal = { .code = 0 };
    cst_buf     body;

    cst_buf_init(&body, cst_allocator_default(), PLX_EVENT_BYTES_MAX);
    if (status == CASTOR_OK) status = plx_json_print_styled(&body, cst_buf_view(json), PLX_JSON_INDENTED);
    if (status == CASTOR_OK) status = cst_buf_append_text(&body, "\n");
    if (status == CASTOR_OK) {
        plx_exchange_send(exchange, 200, "application/json; charset=UTF-8", cst_buf_view(&body));
    } else {
        plx_refuse_memory(&refusal);
        plx_exchange_refuse(exchange, &refusal);
    }
    cst_buf_free(&body);
}

/* A stream without alt=sse is a JSON array, and so are its errors. */
static bool is_list(const plx_exchange *exchange)
{
    return exchange->endpoint && exchange->endpoint->errors == PLX_ERRORS_LIST &&
           !cst_str_is(plx_exchange_query(exchange, "alt"), "sse");
}

void plx_exchange_refuse(plx_exchange *exchange, const plx_refusal *refusal)
{
    plx_header headers[2] = { { CASTOR_STR("content-type"), castor_str_of(plx_refusal_content_type(refusal)) } };
    size_t     count = 1;
    cst_buf    body;

    if (refusal->code == 405) {
        headers[count++] = (plx_header){ CASTOR_STR("allow"), castor_str_of(refusal->allowed) };
    } else if (refusal->code == 401) {
        headers[count++] = (plx_header){ CASTOR_STR("www-authenticate"),
                                         CASTOR_STR("Bearer realm=\"https://accounts.google.com/\"") };
    }
    cst_buf_init(&body, cst_allocator_default(), PLX_SCHEMA_BYTES_MAX);
    if (plx_refusal_print(refusal, is_list(exchange), &body) != CASTOR_OK) body.len = 0; /* the status has to do */
    plx_reply_send_headers(exchange->reply, refusal->code, headers, count);
    plx_reply_write(exchange->reply, cst_buf_view(&body));
    plx_reply_end(exchange->reply);
    cst_buf_free(&body);
}
