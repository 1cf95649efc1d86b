/* relay_say.c -- what the upstream has said, in the client's dialect.
 * SPDX-License-Identifier: MIT
 */
#include <stdio.h>

#include "generate/opaque.h"
#include "upstream/chat_turns.h"
#include "upstream/failure.h"
#include "upstream/relay_parts.h"

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
void plx_relay_tell_failure(plx_relay *r, const plx_refusal *refusal, bool is_cut)
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

/* A call of a model that signs its calls must come back signed; so the first of a candidate is, by the upstream if it
 * does that, and else here. */
static castor_status sign_call(plx_relay *r, const plx_saying *saying, castor_str *signature)
{
    uint64_t numbers[PLX_OPAQUE_NUMBERS] = { (uint64_t)r->order.answer->created_s, saying->candidate, 0,
                                             PLX_CHAT_SIGNED_HERE };
    char     text[PLX_OPAQUE_LEN + 1];
    bool     is_first = r->voices[saying->candidate].call_count == 0;

    *signature = CST_NONE;
    if (saying->call_signature.len > 0) return cst_arena_copy(r->order.keep, saying->call_signature, signature);
    if (r->order.answer->generation < SIGNED_GENERATION || !is_first) return CASTOR_OK;
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
        status = sign_call(r, saying, &piece.signature);
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
    if (status == CASTOR_OK) status = sign_call(r, saying, &part.signature);
    r->voices[saying->candidate].call_count++;
    return status == CASTOR_OK ? cst_buf_append(&r->voices[saying->candidate].calls, &part, sizeof part) : status;
}

castor_status plx_relay_say(void *user, const plx_saying *saying)
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
    if (status == CASTOR_OK && r->order.take) {
        r->order.take(r->order.user); /* the relay may be gone now */
    } else if (status == CASTOR_OK) {
        status = r->order.encoding->print_whole(answer, &r->bytes);
        if (status == CASTOR_OK) send_bytes(r);
    }
    for (uint32_t i = 0; i < PLX_CANDIDATES_MAX; i++) cst_buf_free(&parts[i]);
    return status;
}

void plx_relay_send_end(plx_relay *r)
{
    plx_token_sum *prompt = &r->order.answer->prompt_tokens;

    /* Some give one, whatever was asked for. */
    if (r->order.candidate_count > r->chat.choice_count) r->order.candidate_count = r->chat.choice_count;
    if (r->chat.prompt_tokens.is_set) *prompt = (plx_token_sum){ { (uint64_t)r->chat.prompt_tokens.value } };
    count_tokens(r, &r->told);
    r->told.is_last = true;
    r->order.answer->told = &r->told;
    bool          is_taken = r->order.take && !is_stream(r);
    castor_status status = is_stream(r) ? send_last_pieces(r) : send_whole(r);
    if (is_taken && status == CASTOR_OK) return;
    if (status == CASTOR_OK) plx_reply_end(r->order.reply);
    else plx_reply_abort(r->order.reply, PLX_ABORT_RESET, 0);
}
