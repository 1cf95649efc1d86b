/* upstream_answer.c -- any bytes as what an upstream says: it may not depend on the cuts, and calls are JSON.
 * SPDX-License-Identifier: MIT
 */
#include "upstream/chat_answer.h"
#include "upstream/events.h"

#include "fuzz.h"

typedef struct hearing {
    plx_events      events;
    plx_chat_answer chat;
    cst_buf         heard;
} hearing;

static castor_status note(void *user, const plx_saying *saying)
{
    hearing     *h = user;
    cst_json_doc doc;

    fuzz_check(saying->candidate < PLX_CANDIDATES_MAX, "a candidate that nobody has room for");
    if (saying->kind == PLX_SAYING_CALL) {
        cst_json_doc_init(&doc, cst_allocator_default());
        fuzz_check_status(cst_json_read(&doc, saying->call_args, NULL, NULL));
        fuzz_check(cst_json_type_of(cst_json_root(&doc)) == CST_JSON_OBJECT, "arguments that are no object");
        fuzz_check(saying->call_name.len > 0, "a call without a name");
        cst_json_doc_free(&doc);
    }
    fuzz_check_status(cst_buf_append_format(&h->heard, "%d [%u]", (int)saying->kind, (unsigned)saying->candidate));
    fuzz_put_view(&h->heard, "text", saying->text);
    fuzz_put_view(&h->heard, "id", saying->call_id);
    fuzz_put_view(&h->heard, "name", saying->call_name);
    fuzz_put_view(&h->heard, "args", saying->call_args);
    fuzz_check_status(cst_buf_append_text(&h->heard, "\n"));
    return CASTOR_OK;
}

/* False: nothing after this counts. */
static bool read_event(hearing *h, castor_str data)
{
    castor_status status = plx_chat_answer_read(&h->chat, data);

    fuzz_check(status != CASTOR_NO_MEMORY, "memory that ran out, with plenty of it left");
    return status == CASTOR_OK && !h->chat.has_error;
}

/* False: the end has come already. */
static bool feed(hearing *h, castor_str input)
{
    castor_str      data;
    plx_events_step step;

    while ((step = plx_events_next(&h->events, &input, &data)) == PLX_EVENTS_EVENT) {
        if (!read_event(h, data)) return false;
    }
    fuzz_check(step == PLX_EVENTS_WAIT && input.len == 0, "an input that is not used up");
    return true;
}

/* `cuts` 0: whole. */
static void hear(const uint8_t *bytes, size_t size, uint64_t cuts, cst_buf *out)
{
    hearing    h;
    castor_str data;
    bool       goes_on = true;

    plx_events_init(&h.events);
    plx_chat_answer_init(&h.chat, note, &h);
    cst_buf_init(&h.heard, cst_allocator_default(), SIZE_MAX / 2);
    for (size_t at = 0; at < size && goes_on;) {
        size_t len = cuts ? fuzz_piece(&cuts, size - at) : size;
        char  *piece = fuzz_copy(bytes + at, len);
        goes_on = feed(&h, (castor_str){ piece, len });
        fuzz_spoil(piece, len);
        at += len;
    }
    if (goes_on && plx_events_end(&h.events, &data) == PLX_EVENTS_EVENT) read_event(&h, data);
    fuzz_check_status(plx_chat_answer_end(&h.chat));
    for (uint32_t i = 0; i < h.chat.choice_count; i++) {
        const char *finish = h.chat.choices[i].finish;
        fuzz_check_status(cst_buf_append_format(&h.heard, "%s\n", finish ? finish : "-"));
    }
    plx_chat_answer_free(&h.chat);
    plx_events_free(&h.events);
    *out = h.heard;
}

/* A body that is no stream. */
static void hear_whole(const uint8_t *bytes, size_t size)
{
    hearing      h;
    cst_json_doc doc;
    char        *copy = fuzz_copy(bytes, size);
    castor_str   body = { copy, size };

    cst_json_doc_init(&doc, cst_allocator_default());
    plx_chat_answer_init(&h.chat, note, &h);
    cst_buf_init(&h.heard, cst_allocator_default(), SIZE_MAX / 2);
    read_event(&h, body);
    castor_str text = plx_chat_error_text(&doc, body);
    fuzz_check(text.data != NULL, "no text, not even an empty one");
    cst_buf_free(&h.heard);
    plx_chat_answer_free(&h.chat);
    cst_json_doc_free(&doc);
    fuzz_spoil(copy, size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cst_buf whole, cut;

    hear(data, size, 0, &whole);
    hear(data, size, fuzz_sum(data, size) | 1, &cut);
    fuzz_check(cst_str_equal(cst_buf_view(&whole), cst_buf_view(&cut)), "what is heard depends on the cuts");
    cst_buf_free(&whole);
    cst_buf_free(&cut);
    hear_whole(data, size);
    return 0;
}
