/* answer.c -- an answer composed for what was asked.
 * SPDX-License-Identifier: MIT
 *
 * First the words: the case's, or a document that fits the schema, or the fallback. Then the limits: stop sequences,
 * then tokens. Then each candidate is cut into pieces with their times, and the candidates are mixed by these.
 */
#include "generate/answer.h"

#include <stdio.h>
#include <stdlib.h>

#include "generate/schema.h"

enum { QUOTED_BYTES = 80, RESPONSE_ID_LEN = 22 };

typedef struct composer {
    const plx_ask      *ask;
    const plx_case     *source;    /* NULL: the fallback */
    const plx_answerer *answerer;
    cst_arena          *arena;
    cst_buf             pieces;    /* plx_piece each */
    uint64_t            first_us;

    /* the candidate under way */
    uint32_t candidate;
    size_t   sequence;
    uint64_t first_bytes;          /* of its first piece, which comes at first_us whatever its length */
    uint64_t sent_bytes;
    uint64_t waited_us;
} composer;

/* ---- words ---- */

static castor_str first_words(castor_str prompt)
{
    prompt = cst_str_trim(prompt);
    size_t len = cst_utf8_prefix(prompt, QUOTED_BYTES);
    if (len < prompt.len) { /* not in the middle of a word, unless it is one endless word */
        size_t at = len;
        while (at > 0 && prompt.data[at] != ' ') at--;
        if (at > 0) len = at;
    }
    for (size_t i = 0; i < len; i++) {
        if (prompt.data[i] == '\n') len = i;
    }
    return (castor_str){ prompt.data, len };
}

static castor_status compose_fallback(composer *c, castor_str *out)
{
    castor_str quoted = first_words(c->ask->prompt);
    cst_buf    text;

    cst_buf_init(&text, c->arena->allocator, PLX_BODY_BYTES_MAX);
    castor_status status = cst_buf_append_format(
        &text,
        "This is pollux, a local emulator of the Gemini API. There is no model here, only a few answers written in "
        "advance, and none of them fits your prompt, which begins: \"%.*s%s\"\n\n"
        "The words are canned, but the way they reach you is not: they come as events, paced like a real answer, with "
        "token counts, a finish reason and a proper end. To have other answers, write them into a script and start "
        "pollux with --script FILE. To ask a real model, point your client at the service and use your own key.",
        CASTOR_ARG(quoted), quoted.len < cst_str_trim(c->ask->prompt).len ? " ..." : "");
    if (status == CASTOR_OK) status = cst_arena_copy(c->arena, cst_buf_view(&text), out);
    cst_buf_free(&text);
    return status;
}

static bool is_json(castor_str text)
{
    cst_json_doc doc;

    cst_json_doc_init(&doc, cst_allocator_default());
    bool is_valid = text.len > 0 && cst_json_read(&doc, text, NULL, NULL) == CASTOR_OK;
    cst_json_doc_free(&doc);
    return is_valid;
}

/* Keeps a case's text when it is JSON already: then its author knew what would be asked. */
static castor_status compose_json(composer *c, castor_str text, castor_str *out)
{
    cst_buf         json;
    cst_json_writer writer = cst_json_writer_to(&json);

    *out = text;
    if (c->source && is_json(text)) return CASTOR_OK;
    cst_buf_init(&json, c->arena->allocator, PLX_SCHEMA_BYTES_MAX);
    if (c->ask->schema) {
        plx_schema_print_example(&writer, c->ask->schema, CASTOR_STR("an example by pollux"));
    } else {
        cst_json_open_object(&writer);
        cst_json_key(&writer, "answer");
        cst_json_put_string(&writer, text);
        cst_json_close_object(&writer);
    }
    if (writer.status == CASTOR_OK) writer.status = cst_arena_copy(c->arena, cst_buf_view(&json), out);
    cst_buf_free(&json);
    return writer.status;
}

static castor_status compose_text(composer *c, castor_str *out)
{
    castor_str    text = c->source ? c->source->text : CST_NONE;
    castor_status status = CASTOR_OK;

    if (!c->source) status = compose_fallback(c, &text);
    if (status != CASTOR_OK) return status;
    *out = text;
    if (c->ask->shape == PLX_SHAPE_JSON) return compose_json(c, text, out);
    if (c->ask->shape == PLX_SHAPE_ENUM) {
        castor_str choice = plx_schema_first_choice(c->ask->schema);
        if (choice.data) *out = choice;
    }
    return CASTOR_OK;
}

static castor_str thought_of(const composer *c)
{
    if (!c->ask->may_think) return CST_NONE;
    if (c->source && c->source->thought.len > 0) return c->source->thought;
    if (!c->ask->includes_thoughts) return CST_NONE;
    return CASTOR_STR("**Being honest about thinking**\n\nI am an emulator, so nothing is thought over here. In a real "
                      "answer, a summary of the model's thoughts would stand in this place.\n\n");
}

/* Puts its number in front of a later candidate's text; documents and single choices stay what they are. */
static castor_status number_candidate(composer *c, castor_str *text)
{
    cst_buf numbered;

    if (c->candidate == 0 || c->ask->shape != PLX_SHAPE_TEXT) return CASTOR_OK;
    cst_buf_init(&numbered, c->arena->allocator, PLX_CASE_BYTES_MAX);
    castor_status status = cst_buf_append_format(&numbered, "(Candidate %u.) ", (unsigned)c->candidate + 1);
    if (status == CASTOR_OK) status = cst_buf_append_str(&numbered, *text);
    if (status == CASTOR_OK) status = cst_arena_copy(c->arena, cst_buf_view(&numbered), text);
    cst_buf_free(&numbered);
    return status;
}

/* ---- limits ---- */

static castor_str stop_early(const plx_ask *ask, castor_str text)
{
    for (size_t at = 0; at < text.len; at++) {
        castor_str rest = { text.data + at, text.len - at };
        for (size_t i = 0; i < ask->stop_sequence_count; i++) {
            castor_str stop = ask->stop_sequences[i];
            if (stop.len > rest.len || memcmp(rest.data, stop.data, stop.len) != 0) continue;
            return (castor_str){ text.data, at };
        }
    }
    return text;
}

/* What of the text the tokens that are left allow; takes them. */
static castor_str spend_tokens(castor_str text, uint64_t *tokens_left, bool *is_cut)
{
    if (plx_token_count(text.len) <= *tokens_left) {
        *tokens_left -= plx_token_count(text.len);
        return text;
    }
    *is_cut = true;
    text.len = cst_utf8_prefix(text, (size_t)*tokens_left * PLX_BYTES_PER_TOKEN);
    *tokens_left = 0;
    return text;
}

/* ---- pieces ---- */

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

/* Where a wait of the case stands in our text, which has `shift` bytes of ours in front. SIZE_MAX: in another part. */
static size_t place_of(const plx_wait *wait, bool is_thought, size_t shift)
{
    if (wait->part != (is_thought ? PLX_PART_THOUGHT : PLX_PART_TEXT)) return SIZE_MAX;
    return wait->offset > 0 ? wait->offset + shift : 0;
}

static uint64_t wait_at_us(const composer *c, bool is_thought, size_t shift, size_t at)
{
    uint64_t wait_us = 0;

    for (size_t i = 0; c->source && i < c->source->wait_count; i++) {
        const plx_wait *wait = &c->source->waits[i];
        if (place_of(wait, is_thought, shift) == at) wait_us += (uint64_t)wait->wait_ms * 1000;
    }
    return wait_us;
}

static size_t next_wait_after(const composer *c, bool is_thought, size_t shift, size_t at)
{
    size_t next = SIZE_MAX;

    for (size_t i = 0; c->source && i < c->source->wait_count; i++) {
        size_t place = place_of(&c->source->waits[i], is_thought, shift);
        if (place > at && place < next) next = place;
    }
    return next;
}

static castor_status add_piece(composer *c, bool is_thought, castor_str text, const char *finish)
{
    plx_piece piece = { .kind = is_thought ? PLX_PIECE_THOUGHT : PLX_PIECE_TEXT, .candidate = c->candidate,
                        .sequence = c->sequence, .text = text, .finish = finish };

    if (c->pieces.len / sizeof piece >= PLX_PIECES_MAX) return CASTOR_LIMIT;
    c->sent_bytes += text.len;
    if (c->sequence++ == 0) c->first_bytes = c->sent_bytes;
    piece.due_us = c->first_us + c->waited_us + plx_pace_text_us(&c->answerer->pace, c->sent_bytes - c->first_bytes);
    return cst_buf_append(&c->pieces, &piece, sizeof piece);
}

/* `finish` NULL: more of this candidate follows. */
static castor_status add_text(composer *c, bool is_thought, castor_str text, size_t shift, const char *finish)
{
    castor_status status = CASTOR_OK;
    bool          is_last = false;

    for (size_t at = 0; !is_last && status == CASTOR_OK;) {
        c->waited_us += wait_at_us(c, is_thought, shift, at);
        size_t wait_at = next_wait_after(c, is_thought, shift, at);
        size_t end = piece_end(text, at, c->sequence == 0 ? 0 : PLX_PIECE_TOKENS);
        if (end > wait_at) end = wait_at;
        is_last = end == text.len && wait_at != text.len; /* a wait at the very end keeps the reason back */
        castor_str piece = { text.data + at, end - at };
        if (piece.len > 0 || (is_last && finish)) status = add_piece(c, is_thought, piece, is_last ? finish : NULL);
        at = end;
    }
    return status;
}

static castor_status add_candidate(composer *c, castor_str text, castor_str thought)
{
    const plx_ask *ask = c->ask;
    uint64_t       tokens_left = ask->max_output_tokens.is_set ? (uint64_t)ask->max_output_tokens.value : UINT64_MAX;
    bool           is_cut = false;
    size_t         own_len = text.len;
    castor_status  status = number_candidate(c, &text);
    size_t         shift = text.len - own_len;

    if (status != CASTOR_OK) return status;
    thought = spend_tokens(thought, &tokens_left, &is_cut);
    text = spend_tokens(stop_early(ask, text), &tokens_left, &is_cut);
    if (ask->includes_thoughts && thought.len > 0) status = add_text(c, true, thought, 0, NULL);
    if (status == CASTOR_OK) status = add_text(c, false, text, shift, is_cut ? "MAX_TOKENS" : "STOP");
    return status;
}

/* ---- mixing and counting ---- */

static int compare_pieces(const void *left, const void *right)
{
    const plx_piece *a = left, *b = right;

    if (a->due_us != b->due_us) return a->due_us < b->due_us ? -1 : 1;
    if (a->sequence != b->sequence) return a->sequence < b->sequence ? -1 : 1;
    return a->candidate < b->candidate ? -1 : a->candidate > b->candidate;
}

static void count_tokens(plx_piece *pieces, size_t count, uint64_t hidden_thought_tokens)
{
    size_t   text_bytes[PLX_CANDIDATES_MAX] = { 0 };
    size_t   thought_bytes[PLX_CANDIDATES_MAX] = { 0 };
    uint64_t text_tokens = 0;
    uint64_t thought_tokens = hidden_thought_tokens;

    for (size_t i = 0; i < count; i++) {
        plx_piece *piece = &pieces[i];
        bool       is_thought = piece->kind == PLX_PIECE_THOUGHT;
        size_t    *bytes = is_thought ? &thought_bytes[piece->candidate] : &text_bytes[piece->candidate];
        uint64_t  *tokens = is_thought ? &thought_tokens : &text_tokens;
        *tokens += plx_token_count(*bytes + piece->text.len) - plx_token_count(*bytes);
        *bytes += piece->text.len;
        piece->candidate_tokens = text_tokens;
        piece->thought_tokens = thought_tokens;
    }
}

/* Thoughts that nobody asked to see are still paid for. */
static uint64_t hidden_tokens(const plx_ask *ask, castor_str thought)
{
    bool     is_cut = false;
    uint64_t tokens_left = ask->max_output_tokens.is_set ? (uint64_t)ask->max_output_tokens.value : UINT64_MAX;

    if (ask->includes_thoughts) return 0;
    return plx_token_count(spend_tokens(thought, &tokens_left, &is_cut).len) * (uint64_t)ask->candidate_count;
}

static castor_status keep_pieces(composer *c, plx_answer *answer, castor_str thought)
{
    plx_piece *pieces = cst_arena_alloc(c->arena, c->pieces.len);

    if (!pieces) return CASTOR_NO_MEMORY;
    memcpy(pieces, c->pieces.data, c->pieces.len);
    answer->piece_count = c->pieces.len / sizeof *pieces;
    qsort(pieces, answer->piece_count, sizeof *pieces, compare_pieces);
    count_tokens(pieces, answer->piece_count, hidden_tokens(c->ask, thought));
    answer->pieces = pieces;
    return CASTOR_OK;
}

/* ---- names ---- */

static castor_status name_answer(plx_answer *answer, const plx_answerer *answerer, cst_arena *arena)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    char              id[RESPONSE_ID_LEN];
    cst_buf           version;

    for (size_t i = 0; i < sizeof id; i++) id[i] = alphabet[plx_chance_next(answerer->chance) & 63];
    castor_status status = cst_arena_copy(arena, (castor_str){ id, sizeof id }, &answer->response_id);

    cst_buf_init(&version, arena->allocator, PLX_HEAD_BYTES_MAX);
    if (status == CASTOR_OK) {
        status = cst_buf_append_format(&version, "pollux-%d.%d (emulating %.*s)", CASTOR_VERSION_MAJOR,
                                       CASTOR_VERSION_MINOR, CASTOR_ARG(answer->ask->model));
    }
    if (status == CASTOR_OK) status = cst_arena_copy(arena, cst_buf_view(&version), &answer->model_version);
    cst_buf_free(&version);
    return status;
}

/* ---- the whole ---- */

static castor_status add_candidates(composer *c, castor_str thought)
{
    castor_str    text;
    castor_status status = compose_text(c, &text);

    for (c->candidate = 0; status == CASTOR_OK && c->candidate < (uint32_t)c->ask->candidate_count; c->candidate++) {
        c->sequence = 0;
        c->first_bytes = c->sent_bytes = c->waited_us = 0;
        status = add_candidate(c, text, thought);
    }
    return status;
}

castor_status plx_answer_begin(plx_answer *answer, const plx_ask *ask, const plx_answerer *answerer, cst_arena *arena)
{
    *answer = (plx_answer){ .ask = ask, .created_s = answerer->now_s };
    return name_answer(answer, answerer, arena);
}

castor_status plx_answer_compose(plx_answer *answer, const plx_ask *ask, const plx_case *source,
                                 const plx_answerer *answerer, cst_arena *arena)
{
    composer c = { .ask = ask, .source = source, .answerer = answerer, .arena = arena };

    c.first_us = plx_pace_first_us(&answerer->pace, answerer->chance);
    cst_buf_init(&c.pieces, arena->allocator, (size_t)PLX_PIECES_MAX * sizeof(plx_piece));
    castor_str    thought = thought_of(&c);
    castor_status status = plx_answer_begin(answer, ask, answerer, arena);
    if (status == CASTOR_OK) status = add_candidates(&c, thought);
    if (status == CASTOR_OK) status = keep_pieces(&c, answer, thought);
    cst_buf_free(&c.pieces);
    return status;
}

castor_status plx_answer_join(const plx_answer *answer, uint32_t candidate, plx_piece_kind kind, cst_buf *out,
                              const char **finish)
{
    castor_status status = CASTOR_OK;

    for (size_t i = 0; i < answer->piece_count && status == CASTOR_OK; i++) {
        const plx_piece *piece = &answer->pieces[i];
        if (piece->candidate != candidate) continue;
        if (piece->kind == kind) status = cst_buf_append_str(out, piece->text);
        if (piece->finish) *finish = piece->finish;
    }
    return status;
}

const plx_piece *plx_answer_last(const plx_answer *answer)
{
    return &answer->pieces[answer->piece_count - 1];
}
