/* play.c -- sends a composed answer, or a case's bytes, over a reply, each piece at its time.
 * SPDX-License-Identifier: MIT
 *
 * Everything is due at a time after the request, so that delays do not add up: what is late leaves at once, what is
 * early waits for the reply's timer, and a slow reader is waited for.
 */
#include "generate/play.h"

#include "http/log.h"

/* ---- what comes next ---- */

static castor_status load_whole(plx_play *play)
{
    play->is_last_word = true;
    return play->encoding->print_whole(play->answer, &play->buffer);
}

/* A piece that has something to say; after the last one, the end of the framing if it has one. */
static castor_status load_piece(plx_play *play)
{
    const plx_encoding *encoding = play->encoding;
    castor_status       status = CASTOR_OK;
    plx_piece           piece;

    play->buffer.len = 0;
    play->is_ended = play->is_last_word;
    if (play->is_ended) return CASTOR_OK;
    if (!encoding->print_piece) return load_whole(play);
    while (status == CASTOR_OK && play->buffer.len == 0 && plx_cursor_next(&play->cursor, &piece)) {
        play->due_us = piece.due_us;
        status = encoding->print_piece(play->answer, &piece, &play->buffer);
    }
    if (status != CASTOR_OK || play->buffer.len > 0) return status;
    play->is_last_word = true;
    play->is_ended = !encoding->print_end;
    return play->is_ended ? CASTOR_OK : encoding->print_end(play->answer, &play->buffer);
}

/* A case's bytes up to its next wait, but no more than one chunk should hold. */
static void load_bytes(plx_play *play)
{
    const plx_case *source = play->source;
    size_t          end = source->bytes.len;

    while (play->next_wait < source->wait_count && source->waits[play->next_wait].offset == play->next) {
        play->due_us += (uint64_t)source->waits[play->next_wait++].wait_ms * 1000;
    }
    if (play->next_wait < source->wait_count) end = source->waits[play->next_wait].offset;
    if (end - play->next > PLX_BODY_PIECE_BYTES) end = play->next + PLX_BODY_PIECE_BYTES;
    play->bytes = (castor_str){ source->bytes.data + play->next, end - play->next };
    play->is_ended = play->next == source->bytes.len; /* with a last wait, maybe, that is now in due_us */
    play->next = end;
}

static castor_status load(plx_play *play)
{
    castor_status status = CASTOR_OK;

    if (play->answer) {
        status = load_piece(play);
        play->bytes = cst_buf_view(&play->buffer);
    } else {
        load_bytes(play);
    }
    play->is_loaded = true;
    return status;
}

/* ---- sending ---- */

static void send_headers(plx_play *play)
{
    castor_str content_type = play->answer ? castor_str_of(play->encoding->content_type) : play->source->content_type;
    bool       is_attachment = play->answer ? play->encoding->is_attachment
                                            : cst_str_is(content_type, plx_gemini_events.content_type);
    plx_header headers[2];
    size_t     count = 0;

    if (content_type.data) headers[count++] = (plx_header){ CASTOR_STR("content-type"), content_type };
    if (is_attachment) headers[count++] = (plx_header){ CASTOR_STR("content-disposition"), CASTOR_STR("attachment") };
    plx_reply_send_headers(play->reply, play->source ? play->source->status : 200, headers, count);
    play->has_headers = true;
}

static void finish(plx_play *play, castor_status status)
{
    if (status != CASTOR_OK) {
        plx_log_warn("an answer grew too large, or memory ran out; its connection is cut.");
        plx_reply_abort(play->reply, PLX_ABORT_RESET, PLX_CODE_INTERNAL_ERROR);
    } else if (play->source && play->source->end_is_lost) {
        plx_reply_abort(play->reply, PLX_ABORT_RESET, PLX_CODE_INTERNAL_ERROR);
    } else {
        plx_reply_end(play->reply);
    }
}

/* When what comes next is due. Pieces are printed only then: what waits in a thousand streams is not text. */
static uint64_t find_due(plx_play *play)
{
    if (!play->answer && !play->is_loaded) load(play);
    else if (play->answer && play->encoding->print_piece) plx_cursor_due(&play->cursor, &play->due_us);
    return play->reply->asked_at_us + play->due_us;
}

/* Whether what comes next is due when the client no longer wants it. */
static bool is_too_late(const plx_play *play)
{
    return play->answer && play->answer->until_us > 0 && !play->is_ended && play->due_us > play->answer->until_us;
}

static void break_off(plx_play *play)
{
    plx_reply_write(play->reply, play->answer->last_words);
    finish(play, CASTOR_OK); /* the play may be gone now */
}

void plx_play_go_on(plx_play *play)
{
    plx_reply *reply = play->reply;

    for (;;) {
        uint64_t due_us = find_due(play);
        bool     is_late = is_too_late(play);
        if (is_late) due_us = reply->asked_at_us + play->answer->until_us;
        if (plx_reply_now_us(reply) < due_us) {
            cst_buf_free(&play->buffer);
            plx_reply_wake_at(reply, due_us);
            return;
        }
        if (plx_reply_is_full(reply)) return;
        if (is_late) {
            break_off(play);
            return;
        }

        castor_status status = play->is_loaded ? CASTOR_OK : load(play);
        if (status == CASTOR_OK && !play->has_headers) send_headers(play);
        if (status != CASTOR_OK || play->is_ended) {
            finish(play, status); /* the play may be gone now */
            return;
        }
        plx_reply_write(reply, play->bytes);
        play->is_loaded = false;
    }
}

static void begin(plx_play *play, plx_reply *reply, const plx_case *source)
{
    *play = (plx_play){ .reply = reply, .source = source };
    cst_buf_init(&play->buffer, cst_allocator_default(), PLX_EVENT_BYTES_MAX);
}

void plx_play_answer(plx_play *play, plx_reply *reply, const plx_answer *answer, plx_lane *lanes,
                     const plx_encoding *encoding, const plx_case *source)
{
    begin(play, reply, source);
    play->answer = answer;
    plx_cursor_begin(&play->cursor, answer, lanes);
    if (!encoding->print_piece) play->due_us = plx_answer_last(answer).due_us;
    play->encoding = encoding;
    plx_play_go_on(play);
}

void plx_play_bytes(plx_play *play, plx_reply *reply, const plx_case *source, uint64_t first_us)
{
    begin(play, reply, source);
    play->due_us = first_us;
    plx_play_go_on(play);
}

void plx_play_free(plx_play *play)
{
    if (play->buffer.allocator) cst_buf_free(&play->buffer);
}
