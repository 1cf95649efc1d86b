/* relay.c -- an answer of the upstream's on its way to a client.
 * SPDX-License-Identifier: MIT
 */
#include "upstream/relay.h"

#include <stdio.h>

#include "generate/opaque.h"
#include "upstream/failure.h"

enum { SIGNED_GENERATION = 30, MALFORMED_BYTES = 256 };

static bool is_stream(const plx_relay *r)
{
    return r->order.encoding->print_piece != NULL;
}

/* ---- towards the client ---- */

static void send_bytes(plx_relay *r)
{
    const plx_encoding *encoding = r->order.encoding;
    plx_header          headers[2] = { { CASTOR_STR("content-type"), castor_str_of(encoding->content_type) },
                                       { CASTOR_STR("content-disposition"), CASTOR_STR("attachment") } };

    if (!r->has_headers) plx_reply_send_headers(r->order.reply, 200, headers, encoding->is_attachment ? 2 : 1);
    r->has_headers = true;
    plx_reply_write(r->order.reply, cst_buf_view(&r->bytes));
    r->bytes.len = 0;
}

static void refuse(plx_relay *r, const plx_refusal *refusal)
{
    r->order.refuse(r->order.user, refusal); /* the relay is gone now */
}

/* The stream tells it, as the service does. What broke off breaks off here too when it has told why: some clients take
 * no notice of an error in a stream, and a half must not look whole to them. */
static void tell_failure(plx_relay *r, const plx_refusal *refusal, bool is_cut)
{
    plx_reply *reply = r->order.reply;

    if (!r->has_headers) {
        refuse(r, refusal);
        return;
    }
    r->bytes.len = 0;
    castor_status status = plx_failure_print(refusal, r->order.encoding, !is_cut, &r->bytes);
    if (status == CASTOR_OK) send_bytes(r);
    if (status != CASTOR_OK || is_cut) plx_reply_abort(reply, PLX_ABORT_RESET, 0);
    else plx_reply_end(reply);
}

/* ---- what was said ---- */

/* Who really answers, if that was told. */
static void name_model(plx_relay *r)
{
    if (r->chat.model.len > 0) r->order.answer->model_version = cst_buf_view(&r->chat.model);
}

static castor_status print_piece(plx_relay *r, plx_piece *piece)
{
    plx_answer *answer = r->order.answer;

    name_model(r);
    answer->candidates = r->candidates;
    answer->candidate_count = r->order.candidate_count;
    piece->opens_answer = !r->has_headers;
    piece->is_first = !r->voices[piece->candidate].has_begun;
    r->voices[piece->candidate].has_begun = true;
    piece->follows_calls = r->voices[piece->candidate].call_count > 0;
    return r->order.encoding->print_piece(answer, piece, &r->bytes);
}

/* A call of a model that signs its calls must come back signed; so the first of a candidate is. */
static castor_status sign_call(plx_relay *r, uint32_t candidate, castor_str *signature)
{
    uint64_t numbers[PLX_OPAQUE_NUMBERS] = { (uint64_t)r->order.answer->created_s, candidate };
    char     text[PLX_OPAQUE_LEN + 1];

    *signature = CST_NONE;
    if (r->order.answer->generation < SIGNED_GENERATION || r->voices[candidate].call_count > 0) return CASTOR_OK;
    plx_opaque_print(text, PLX_OPAQUE_SIGNATURE, numbers);
    return cst_arena_copy(r->order.keep, (castor_str){ text, PLX_OPAQUE_LEN }, signature);
}

/* Estimated until the upstream says how many there were. */
static void count_tokens(const plx_relay *r, plx_piece *piece)
{
    const plx_chat_answer *chat = &r->chat;
    uint64_t               thoughts = 0;

    piece->candidate_tokens = piece->thought_tokens = 0;
    for (uint32_t i = 0; i < chat->choice_count; i++) {
        piece->candidate_tokens += plx_token_count(r->voices[i].text_bytes);
        thoughts += plx_token_count(r->voices[i].thought_bytes);
    }
    piece->thought_tokens = chat->thought_tokens.is_set ? (uint64_t)chat->thought_tokens.value : thoughts;
    if (!chat->output_tokens.is_set) return;
    uint64_t output = (uint64_t)chat->output_tokens.value;
    if (piece->thought_tokens > output) piece->thought_tokens = output;
    piece->candidate_tokens = output - piece->thought_tokens;
}

/* Where thoughts begin and end: they come first, in one row. */
static void mark_thought(plx_relay *r, plx_piece *piece)
{
    bool *is_open = &r->voices[piece->candidate].is_thinking;
    bool  is_thought = piece->kind == PLX_PIECE_THOUGHT;

    piece->begins_thought = is_thought && !*is_open;
    piece->ends_thought = !is_thought && *is_open;
    *is_open = is_thought;
}

static castor_status say_now(plx_relay *r, const plx_saying *saying)
{
    plx_piece piece = { .kind = saying->kind == PLX_SAYING_THOUGHT ? PLX_PIECE_THOUGHT
                                : saying->kind == PLX_SAYING_CALL  ? PLX_PIECE_CALL
                                                                   : PLX_PIECE_TEXT,
                        .candidate = saying->candidate, .text = saying->text, .call_id = saying->call_id,
                        .call_name = saying->call_name, .call_args = saying->call_args,
                        .call_index = r->voices[saying->candidate].call_count };
    castor_status status = CASTOR_OK;

    if (piece.kind == PLX_PIECE_CALL) {
        status = sign_call(r, saying->candidate, &piece.signature);
        r->voices[saying->candidate].call_count++;
    }
    mark_thought(r, &piece);
    count_tokens(r, &piece);
    if (status == CASTOR_OK) status = print_piece(r, &piece);
    if (status == CASTOR_OK) send_bytes(r);
    return status;
}

/* Keeps a call until its candidate is whole. */
static castor_status keep_call(plx_relay *r, const plx_saying *saying)
{
    plx_part      part = { .kind = PLX_PIECE_CALL };
    castor_status status = cst_arena_copy(r->order.keep, saying->call_id, &part.call_id);

    if (status == CASTOR_OK) status = cst_arena_copy(r->order.keep, saying->call_name, &part.call_name);
    if (status == CASTOR_OK) status = cst_arena_copy(r->order.keep, saying->call_args, &part.call_args);
    if (status == CASTOR_OK) status = sign_call(r, saying->candidate, &part.signature);
    r->voices[saying->candidate].call_count++;
    return status == CASTOR_OK ? cst_buf_append(&r->voices[saying->candidate].calls, &part, sizeof part) : status;
}

static castor_status say(void *user, const plx_saying *saying)
{
    plx_relay *r = user;
    plx_voice *voice = &r->voices[saying->candidate];
    bool       is_thought = saying->kind == PLX_SAYING_THOUGHT;

    if (saying->candidate >= r->order.candidate_count) return CASTOR_OK; /* nobody asked for so many */
    *(is_thought ? &voice->thought_bytes : &voice->text_bytes) += saying->text.len + saying->call_args.len;
    if (is_thought && !r->order.includes_thoughts) return CASTOR_OK; /* they only count */
    if (is_stream(r)) return say_now(r, saying);
    if (saying->kind == PLX_SAYING_CALL) return keep_call(r, saying);
    return cst_buf_append_str(is_thought ? &voice->thought : &voice->text, saying->text);
}

/* ---- its end ---- */

static bool is_stop(const plx_candidate *candidate) { return strcmp(candidate->finish, "STOP") == 0; }

/* What stands for the words where there are none, and the call that could not be read. */
static castor_status describe_end(plx_relay *r, uint32_t index)
{
    const plx_call_draft *draft = &r->chat.choices[index].draft;
    const plx_voice      *voice = &r->voices[index];
    plx_candidate        *candidate = &r->candidates[index];
    castor_str            name = cst_buf_view(&draft->name), args = cst_buf_view(&draft->args);
    char                  message[MALFORMED_BYTES + 64];

    *candidate = (plx_candidate){ .finish = r->chat.choices[index].finish };
    bool is_malformed = strcmp(candidate->finish, "MALFORMED_FUNCTION_CALL") == 0;
    bool is_silent = voice->text.len == 0 && voice->thought.len == 0 && voice->calls.len == 0;
    if (is_silent && !is_stop(candidate)) candidate->content = is_malformed ? PLX_CONTENT_NONE : PLX_CONTENT_ROLE;
    if (!is_malformed) return CASTOR_OK;
    name.len = cst_utf8_prefix(name, MALFORMED_BYTES / 2);
    args.len = cst_utf8_prefix(args, MALFORMED_BYTES / 2);
    snprintf(message, sizeof message, "Malformed function call: %.*s(%.*s", (int)name.len, name.len ? name.data : "",
             (int)args.len, args.len ? args.data : "");
    return cst_arena_copy(r->order.keep, castor_str_of(message), &candidate->finish_message);
}

static castor_status send_last_pieces(plx_relay *r)
{
    const plx_encoding *encoding = r->order.encoding;
    uint32_t            count = r->order.candidate_count;
    castor_status       status = CASTOR_OK;

    for (uint32_t i = 0; i < count && status == CASTOR_OK; i++) {
        plx_piece piece = { .kind = PLX_PIECE_TEXT, .candidate = i, .text = CASTOR_STR(""),
                            .finish = r->chat.choices[i].finish };
        count_tokens(r, &piece);
        piece.is_last = i + 1 == count;
        mark_thought(r, &piece);
        status = describe_end(r, i);
        if (status == CASTOR_OK) status = print_piece(r, &piece);
        if (status == CASTOR_OK) send_bytes(r);
    }
    if (status == CASTOR_OK && encoding->print_end) status = encoding->print_end(r->order.answer, &r->bytes);
    if (status == CASTOR_OK && r->bytes.len > 0) send_bytes(r);
    return status;
}

static castor_status add_text(cst_buf *parts, plx_piece_kind kind, const cst_buf *text)
{
    plx_part part = { .kind = kind, .text = cst_buf_view(text) };

    return cst_buf_append(parts, &part, sizeof part);
}

/* An empty text says something only where there is nothing else, and that is meant. */
static castor_status add_voice(plx_relay *r, uint32_t index, cst_buf *parts)
{
    plx_voice     *voice = &r->voices[index];
    plx_candidate *candidate = &r->candidates[index];
    castor_status  status = describe_end(r, index);

    if (status == CASTOR_OK && voice->thought.len > 0) status = add_text(parts, PLX_PIECE_THOUGHT, &voice->thought);
    if (status == CASTOR_OK && (voice->text.len > 0 || (voice->calls.len == 0 && is_stop(candidate)))) {
        status = add_text(parts, PLX_PIECE_TEXT, &voice->text);
    }
    if (status == CASTOR_OK) status = cst_buf_append(parts, voice->calls.data, voice->calls.len);
    candidate->parts = (const plx_part *)(const void *)parts->data;
    candidate->part_count = parts->len / sizeof(plx_part);
    return status;
}

static castor_status send_whole(plx_relay *r)
{
    plx_answer   *answer = r->order.answer;
    castor_status status = CASTOR_OK;
    cst_buf       parts[PLX_CANDIDATES_MAX];

    for (uint32_t i = 0; i < PLX_CANDIDATES_MAX; i++) {
        cst_buf_init(&parts[i], cst_allocator_default(), PLX_EVENT_BYTES_MAX);
    }
    for (uint32_t i = 0; i < r->order.candidate_count && status == CASTOR_OK; i++) status = add_voice(r, i, &parts[i]);
    name_model(r);
    answer->candidates = r->candidates;
    answer->candidate_count = r->order.candidate_count;
    if (status == CASTOR_OK) status = r->order.encoding->print_whole(answer, &r->bytes);
    if (status == CASTOR_OK) send_bytes(r);
    for (uint32_t i = 0; i < PLX_CANDIDATES_MAX; i++) cst_buf_free(&parts[i]);
    return status;
}

static bool is_whole(const plx_relay *r)
{
    for (uint32_t i = 0; i < r->chat.choice_count; i++) {
        if (!r->chat.choices[i].finish) return false;
    }
    return r->chat.choice_count > 0;
}

static void send_end(plx_relay *r)
{
    plx_token_sum *prompt = &r->order.answer->prompt_tokens;

    /* Some give one, whatever was asked for. */
    if (r->order.candidate_count > r->chat.choice_count) r->order.candidate_count = r->chat.choice_count;
    if (r->chat.prompt_tokens.is_set) *prompt = (plx_token_sum){ { (uint64_t)r->chat.prompt_tokens.value } };
    count_tokens(r, &r->told);
    r->told.is_last = true;
    r->order.answer->told = &r->told;
    castor_status status = is_stream(r) ? send_last_pieces(r) : send_whole(r);
    if (status == CASTOR_OK) plx_reply_end(r->order.reply);
    else plx_reply_abort(r->order.reply, PLX_ABORT_RESET, 0);
}

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
    tell_failure(r, &refusal, false);
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
    tell_failure(r, &refusal, true);
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
    else if (is_whole(r)) send_end(r);
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
    plx_chat_answer_init(&r->chat, say, r);
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
        tell_failure(r, &refusal, false);
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
