/* relay.c -- an answer of the upstream's on its way to a client: what comes from the upstream.
 * SPDX-License-Identifier: MIT
 */
#include <stdio.h>

#include "upstream/failure.h"
#include "upstream/relay_parts.h"

/* ---- from the upstream ---- */

static bool is_of_events(const plx_relay *r)
{
    return cst_str_starts_with(plx_transfer_content_type(r->transfer), "text/event-stream");
}

/* False: the relay is gone. */
static bool fail(plx_relay *r, castor_status status, const char *what)
{
    const plx_upstream *u = r->order.upstream;
    plx_refusal         refusal = { .code = 0 };

    if (r->chat.has_error) {
        plx_failure_told(&refusal, u, r->chat.error_code ? r->chat.error_code : 500, cst_buf_view(&r->chat.error), 0);
    } else if (status == CASTOR_PROTOCOL) {
        plx_failure_strange(&refusal, u, what);
    } else {
        plx_refuse(&refusal, 500, "The upstream's answer does not fit the emulator's limits, or memory ran out.");
    }
    plx_relay_tell_failure(r, &refusal, false);
    return false;
}

static bool read_event(plx_relay *r, castor_str data)
{
    if (cst_str_is(cst_str_trim(data), "[DONE]")) return true;
    castor_status status = plx_chat_answer_read(&r->chat, data);
    return (status == CASTOR_OK && !r->chat.has_error) || fail(r, status, "an event that is none");
}

/* Of an error the beginning will do. */
static bool keep_rest(plx_relay *r, castor_str bytes)
{
    bool is_error = plx_transfer_status(r->transfer) != 200;

    if (is_error && r->rest.len + bytes.len > PLX_UPSTREAM_ERROR_BYTES_MAX) return true;
    castor_status status = cst_buf_append_str(&r->rest, bytes);
    return status == CASTOR_OK || fail(r, status, "");
}

/* Takes what has come, until the client has enough for now. False: the relay is gone. */
static bool take(plx_relay *r, castor_str bytes)
{
    castor_str input = bytes;
    castor_str data;

    if (plx_transfer_status(r->transfer) != 200 || !is_of_events(r)) {
        if (!keep_rest(r, bytes)) return false;
        input.len = 0;
    }
    while (input.len > 0 && !plx_reply_is_full(r->order.reply)) {
        plx_events_step step = plx_events_next(&r->events, &input, &data);
        if (step == PLX_EVENTS_ERROR) return fail(r, CASTOR_LIMIT, "");
        if (step == PLX_EVENTS_EVENT && !read_event(r, data)) return false;
    }
    plx_transfer_use(r->transfer, bytes.len - input.len);
    return true;
}

static bool is_whole(const plx_relay *r)
{
    for (uint32_t i = 0; i < r->chat.choice_count; i++) {
        if (!r->chat.choices[i].finish) return false;
    }
    return r->chat.choice_count > 0;
}

/* The error as it was told, or what became of the connection. */
static void finish_badly(plx_relay *r, const char *why)
{
    const plx_upstream *u = r->order.upstream;
    int                 status = plx_transfer_status(r->transfer);
    plx_refusal         refusal = { .code = 0 };
    cst_json_doc        doc;

    cst_json_doc_init(&doc, cst_allocator_default());
    if (status == 0) {
        plx_failure_unreached(&refusal, u, why ? why : "it closed the connection");
    } else if (status != 200) {
        plx_failure_told(&refusal, u, status, plx_chat_error_text(&doc, cst_buf_view(&r->rest)),
                         plx_transfer_retry_after_s(r->transfer));
    } else {
        plx_failure_cut(&refusal, u, why);
    }
    cst_json_doc_free(&doc);
    plx_relay_tell_failure(r, &refusal, true);
}

/* The last event, without its end: there may be no more to it, or half of it. False: the relay is gone. */
static bool read_torn_event(plx_relay *r, castor_str data)
{
    if (cst_str_is(cst_str_trim(data), "[DONE]")) return true;
    castor_status status = plx_chat_answer_read(&r->chat, data);
    if (status == CASTOR_OK && !r->chat.has_error) return true;
    if (status != CASTOR_PROTOCOL) return fail(r, status, "");
    finish_badly(r, "it ended within an event");
    return false;
}

/* Everything was read. False: the relay is gone. */
static bool read_end(plx_relay *r)
{
    castor_status status = CASTOR_OK;
    castor_str    data;
    char          what[128];

    if (!is_of_events(r)) {
        castor_str type = plx_transfer_content_type(r->transfer);
        cst_copy_text(what, sizeof what, type.len > 0 ? type : CASTOR_STR("something without a type"));
        status = plx_chat_answer_read(&r->chat, r->rest.len > 0 ? cst_buf_view(&r->rest) : CASTOR_STR(""));
        if (status != CASTOR_OK || r->chat.has_error) return fail(r, status, what);
    } else if (plx_events_end(&r->events, &data) == PLX_EVENTS_EVENT && !read_torn_event(r, data)) {
        return false;
    }
    status = plx_chat_answer_end(&r->chat);
    return status == CASTOR_OK || fail(r, status, "");
}

static void finish(plx_relay *r, const char *why)
{
    if (why || plx_transfer_status(r->transfer) != 200) finish_badly(r, why);
    else if (!read_end(r)) return;
    else if (is_whole(r)) plx_relay_send_end(r);
    else finish_badly(r, "it gave no reason for its end");
}

static void on_news(void *user)
{
    plx_relay_go_on(user);
}

/* ---- the whole ---- */

bool plx_relay_begin(plx_relay *r, const plx_relay_order *order, plx_refusal *refusal)
{
    const cst_allocator *allocator = cst_allocator_default();
    const plx_upstream  *u = order->upstream;
    plx_transfer_request request = { .url = u->url, .authorization = u->authorization, .is_local = u->is_local,
                                     .body = order->body, .on_news = on_news, .user = r };

    *r = (plx_relay){ .order = *order };
    plx_events_init(&r->events);
    plx_chat_answer_init(&r->chat, plx_relay_say, r);
    for (size_t i = 0; i < PLX_CANDIDATES_MAX; i++) {
        cst_buf_init(&r->voices[i].thought, allocator, PLX_EVENT_BYTES_MAX);
        cst_buf_init(&r->voices[i].text, allocator, PLX_EVENT_BYTES_MAX);
        cst_buf_init(&r->voices[i].calls, allocator, PLX_EVENT_BYTES_MAX);
    }
    cst_buf_init(&r->rest, allocator, PLX_EVENT_BYTES_MAX);
    cst_buf_init(&r->bytes, allocator, PLX_EVENT_BYTES_MAX);
    r->heard_us = plx_reply_now_us(order->reply);
    r->transfer = plx_transfer_post(u->transfers, &request);
    if (!r->transfer) return plx_refuse(refusal, 503, "The emulator has no memory left for this request.");
    plx_reply_wake_at(order->reply, r->heard_us + u->silence_us);
    return true;
}

void plx_relay_go_on(plx_relay *r)
{
    plx_reply  *reply = r->order.reply;
    uint64_t    now_us = plx_reply_now_us(reply);
    plx_refusal refusal = { .code = 0 };
    const char *why;
    castor_str  bytes;

    while ((bytes = plx_transfer_bytes(r->transfer)).len > 0) {
        r->heard_us = now_us;
        if (plx_reply_is_full(reply)) return; /* on_writable will call: it is not the upstream who is slow */
        if (!take(r, bytes)) return;
    }
    if (plx_transfer_is_over(r->transfer, &why)) {
        finish(r, why);
    } else if (now_us >= r->heard_us + r->order.upstream->silence_us) {
        plx_failure_silent(&refusal, r->order.upstream);
        plx_relay_tell_failure(r, &refusal, false);
    } else {
        plx_reply_wake_at(reply, r->heard_us + r->order.upstream->silence_us);
    }
}

void plx_relay_free(plx_relay *r)
{
    plx_transfer_free(r->transfer);
    plx_events_free(&r->events);
    plx_chat_answer_free(&r->chat);
    for (size_t i = 0; i < PLX_CANDIDATES_MAX; i++) {
        cst_buf_free(&r->voices[i].thought);
        cst_buf_free(&r->voices[i].text);
        cst_buf_free(&r->voices[i].calls);
    }
    cst_buf_free(&r->rest);
    cst_buf_free(&r->bytes);
}
