/* cursor.c -- cuts the parts of an answer into the pieces of a stream, one at a time.
 * SPDX-License-Identifier: MIT
 *
 * Each candidate has its lane: the piece that it gives next, and when. The earliest of them all comes first. Times are
 * computed from what was sent so far, so that they do not depend on when the cursor is asked.
 *
 * A candidate's reason stands in its last piece. That is one of its own, without text, when the last part cannot carry
 * it: behind a thought, behind a signed text (the signature comes in it), and behind a call from generation 3 on.
 */
#include "generate/answer.h"

#include <stdlib.h>

/* ---- cutting ---- */

static bool is_gap(char c) { return c == ' ' || c == '\n'; }

/* The end of the piece that begins at `from`: of a word once `tokens` are reached, and never half a character. */
static size_t piece_end(castor_str text, size_t from, size_t tokens)
{
    size_t wanted = from + (tokens > 0 ? tokens * PLX_BYTES_PER_TOKEN : 1);
    size_t at = wanted < text.len ? wanted : text.len;
    size_t word_end = at;

    while (word_end < text.len && !is_gap(text.data[word_end]) && word_end - at < 24) word_end++;
    if (word_end == text.len || is_gap(text.data[word_end])) return word_end;
    while (at < text.len && ((unsigned char)text.data[at] & 0xC0) == 0x80) at++; /* a script without gaps */
    return at;
}

static bool is_words(const plx_part *part) { return part->kind == PLX_PIECE_TEXT || part->kind == PLX_PIECE_THOUGHT; }

/* Where a wait of the case stands in our text, which has `shift` bytes of ours in front. SIZE_MAX: in another part. */
static size_t place_of(const plx_wait *wait, plx_piece_kind kind, size_t shift)
{
    if (wait->part != (kind == PLX_PIECE_THOUGHT ? PLX_PART_THOUGHT : PLX_PART_TEXT)) return SIZE_MAX;
    return wait->offset > 0 && kind == PLX_PIECE_TEXT ? wait->offset + shift : wait->offset;
}

/* How long the case waits before what stands at `at`, and, into `*next`, where it waits after that. */
static uint64_t wait_at(const plx_answer *answer, plx_piece_kind kind, size_t shift, size_t at, size_t *next)
{
    uint64_t wait_us = 0;

    *next = SIZE_MAX;
    for (size_t i = 0; answer->source && i < answer->source->wait_count; i++) {
        const plx_wait *wait = &answer->source->waits[i];
        size_t          stands = place_of(wait, kind, shift);
        if (stands == at) wait_us += (uint64_t)wait->wait_ms * 1000;
        else if (stands > at && stands < *next) *next = stands;
    }
    return wait_us;
}

/* ---- lanes ---- */

static const plx_candidate *candidate_of(const plx_cursor *cursor, const plx_lane *lane)
{
    return &cursor->answer->candidates[lane - cursor->lanes];
}

/* Whether the reason needs a piece of its own behind the last part. */
static bool needs_trailer(const plx_answer *answer, const plx_candidate *candidate)
{
    const plx_part *last;
    size_t          next;

    if (candidate->part_count == 0) return true;
    last = &candidate->parts[candidate->part_count - 1];
    switch (last->kind) {
    case PLX_PIECE_TEXT:
        return last->signature.len > 0 ||
               (last->text.len > 0 && wait_at(answer, last->kind, candidate->shift, last->text.len, &next) > 0);
    case PLX_PIECE_CALL: return answer->generation >= 30;
    case PLX_PIECE_THOUGHT: return true;
    default: return false;
    }
}

static size_t paced_bytes(const plx_part *part, size_t from, size_t to)
{
    return is_words(part) ? to - from : part->call_args.len;
}

/* Finds the piece that begins where the lane stands. */
static void find_piece(const plx_cursor *cursor, plx_lane *lane)
{
    const plx_answer    *answer = cursor->answer;
    const plx_candidate *candidate = candidate_of(cursor, lane);
    size_t               next_wait;

    lane->to = lane->from;
    if (lane->part < candidate->part_count) {
        const plx_part *part = &candidate->parts[lane->part];
        if (is_words(part)) {
            lane->waited_us += wait_at(answer, part->kind, candidate->shift, lane->from, &next_wait);
            lane->to = piece_end(part->text, lane->from, lane->sequence == 0 ? 0 : PLX_PIECE_TOKENS);
            if (lane->to > next_wait) lane->to = next_wait;
        }
        lane->paced_bytes += paced_bytes(part, lane->from, lane->to);
    } else if (candidate->part_count > 0) {
        const plx_part *last = &candidate->parts[candidate->part_count - 1];
        if (is_words(last)) {
            lane->waited_us += wait_at(answer, last->kind, candidate->shift, last->text.len, &next_wait);
        }
    }
    if (lane->sequence == 0) lane->first_bytes = lane->paced_bytes;
    lane->due_us = answer->first_us + lane->waited_us +
                    plx_pace_text_us(&answer->pace, lane->paced_bytes - lane->first_bytes);
}

/* Behind the piece that was given. */
static void go_on(const plx_cursor *cursor, plx_lane *lane)
{
    const plx_candidate *candidate = candidate_of(cursor, lane);
    bool                 is_trailer = lane->part == candidate->part_count;

    lane->sequence++;
    if (!is_trailer) {
        const plx_part *part = &candidate->parts[lane->part];
        lane->from = lane->to;
        if (!is_words(part) || lane->from == part->text.len) {
            lane->part++;
            lane->from = 0;
        }
    }
    lane->is_over = is_trailer ||
                     (lane->part == candidate->part_count && !needs_trailer(cursor->answer, candidate));
    if (!lane->is_over) find_piece(cursor, lane);
}

uint32_t plx_answer_lanes(const plx_answer *answer)
{
    return answer->candidate_count > 0 ? answer->candidate_count : 1;
}

void plx_cursor_begin(plx_cursor *cursor, const plx_answer *answer, plx_lane *lanes)
{
    *cursor = (plx_cursor){ .answer = answer, .lanes = lanes };
    memset(lanes, 0, plx_answer_lanes(answer) * sizeof *lanes);
    for (uint32_t i = 0; i < answer->candidate_count; i++) find_piece(cursor, &lanes[i]);
    if (answer->candidate_count == 0) lanes[0].due_us = answer->first_us;
}

/* By time; of equal times one piece of each in turn. */
static plx_lane *find_next(const plx_cursor *cursor)
{
    plx_lane *best = NULL;

    for (uint32_t i = 0; i < plx_answer_lanes(cursor->answer); i++) {
        plx_lane *one = &cursor->lanes[i];
        if (one->is_over) continue;
        if (!best || one->due_us < best->due_us ||
            (one->due_us == best->due_us && one->sequence < best->sequence)) {
            best = one;
        }
    }
    return best;
}

bool plx_cursor_due(const plx_cursor *cursor, uint64_t *due_us)
{
    const plx_lane *next = find_next(cursor);

    if (next) *due_us = next->due_us;
    return next != NULL;
}

/* ---- counting ---- */

static uint64_t more_tokens(uint64_t *bytes, size_t more)
{
    uint64_t tokens = plx_token_count((size_t)*bytes + more) - plx_token_count((size_t)*bytes);

    *bytes += more;
    return tokens;
}

/* Thoughts count as they are shown, and what was not shown with the first piece of something else. */
static uint64_t more_thoughts(plx_lane *lane, const plx_candidate *candidate, const plx_piece *piece)
{
    uint64_t before = lane->thought_tokens;

    if (piece->kind == PLX_PIECE_THOUGHT) {
        lane->thought_tokens += more_tokens(&lane->thought_bytes, piece->text.len);
        if (lane->thought_tokens > candidate->thought_tokens) lane->thought_tokens = candidate->thought_tokens;
    } else {
        lane->thought_tokens = candidate->thought_tokens;
    }
    return lane->thought_tokens - before;
}

static void count(plx_cursor *cursor, plx_lane *lane, plx_piece *piece)
{
    uint64_t tokens = 0;

    cursor->thought_tokens += more_thoughts(lane, candidate_of(cursor, lane), piece);
    switch (piece->kind) {
    case PLX_PIECE_THOUGHT: break;
    case PLX_PIECE_BLOB: {
        plx_modality modality = plx_modality_of(piece->mime_type);
        tokens = modality == PLX_MODALITY_IMAGE
                     ? PLX_MADE_IMAGE_TOKENS
                     : plx_token_count_of_data(modality, castor_some_i64((int64_t)(piece->text.len / 4 * 3)));
        if (modality == PLX_MODALITY_IMAGE) cursor->image_tokens += tokens;
        break;
    }
    case PLX_PIECE_CALL: tokens = plx_token_count(piece->call_name.len + piece->call_args.len); break;
    default: tokens = more_tokens(&lane->text_bytes, piece->text.len); break;
    }
    cursor->candidate_tokens += tokens;
    piece->candidate_tokens = cursor->candidate_tokens;
    piece->image_tokens = cursor->image_tokens;
    piece->thought_tokens = cursor->thought_tokens;
}

/* ---- giving ---- */

static void fill_piece(const plx_cursor *cursor, plx_lane *lane, plx_piece *piece)
{
    const plx_candidate *candidate = candidate_of(cursor, lane);
    const plx_part      *part = lane->part < candidate->part_count ? &candidate->parts[lane->part] : NULL;

    piece->text = CASTOR_STR("");
    if (part && is_words(part)) {
        piece->kind = part->kind;
        piece->text = (castor_str){ part->text.data + lane->from, lane->to - lane->from };
        bool is_inner_end = lane->to == part->text.len && lane->part + 1 < candidate->part_count;
        if (is_inner_end) piece->signature = part->signature; /* only the last part's comes in a piece of its own */
    } else if (part) {
        piece->kind = part->kind;
        piece->text = part->text;
        piece->mime_type = part->mime_type;
        piece->call_id = part->call_id;
        piece->call_name = part->call_name;
        piece->call_args = part->call_args;
        piece->signature = part->signature;
        piece->call_index = lane->call_count;
        lane->call_count += part->kind == PLX_PIECE_CALL;
    } else if (candidate->part_count > 0 && is_words(&candidate->parts[candidate->part_count - 1])) {
        piece->signature = candidate->parts[candidate->part_count - 1].signature;
    }
}

bool plx_cursor_next(plx_cursor *cursor, plx_piece *piece)
{
    plx_lane *lane = find_next(cursor);

    if (!lane) return false;
    *piece = (plx_piece){ .candidate = (uint32_t)(lane - cursor->lanes), .due_us = lane->due_us,
                          .is_first = lane->sequence == 0,
                          .opens_answer = lane == cursor->lanes && lane->sequence == 0 };
    if (cursor->answer->candidate_count == 0) {
        lane->is_over = true;
    } else {
        fill_piece(cursor, lane, piece);
        piece->follows_calls = lane->call_count > 0;
        piece->begins_thought = piece->kind == PLX_PIECE_THOUGHT && !lane->is_thinking;
        piece->ends_thought = piece->kind != PLX_PIECE_THOUGHT && lane->is_thinking;
        lane->is_thinking = piece->kind == PLX_PIECE_THOUGHT;
        count(cursor, lane, piece);
        go_on(cursor, lane);
        if (lane->is_over) piece->finish = candidate_of(cursor, lane)->finish;
    }
    piece->is_last = find_next(cursor) == NULL;
    return true;
}

/* ---- the whole ---- */

plx_piece plx_answer_last(const plx_answer *answer)
{
    plx_lane  lanes[PLX_CANDIDATES_MAX];
    plx_cursor cursor;
    plx_piece  piece = { .finish = NULL };

    if (answer->told) return *answer->told;
    plx_cursor_begin(&cursor, answer, lanes);
    while (plx_cursor_next(&cursor, &piece)) continue;
    return piece;
}

castor_status plx_answer_join(const plx_answer *answer, uint32_t candidate, plx_piece_kind kind, cst_buf *out)
{
    const plx_candidate *own = &answer->candidates[candidate];
    castor_status        status = CASTOR_OK;

    for (size_t i = 0; i < own->part_count && status == CASTOR_OK; i++) {
        if (own->parts[i].kind == kind) status = cst_buf_append_str(out, own->parts[i].text);
    }
    return status;
}
