/* answer.c -- an answer composed for what was asked.
 * SPDX-License-Identifier: MIT
 *
 * First what the answer is: a refusal of the prompt, calls of functions, or words with what may stand around them. The
 * words are the case's, or a document that fits the schema, or pollux's own. Then the limits: stop sequences, tokens
 * (thoughts spend first), and the end of one hop of a long decode.
 */
#include "generate/answer.h"

#include <stdio.h>

#include "generate/calls.h"
#include "generate/ending.h"
#include "generate/hop.h"
#include "generate/opaque.h"
#include "generate/schema.h"
#include "generate/words.h"

enum { RESPONSE_ID_LEN = 22, CALL_ID_LEN = 8, PARTS_MAX = PLX_CALLS_MAX + 4 };

/* Tokens of thinking that are made up, by level. A budget gives a few of what it allows. */
enum { THOUGHTS_LOW = 24, THOUGHTS_MEDIUM = 64, THOUGHTS_HIGH = 192, THOUGHTS_LEAST = 16, BUDGET_SHARE = 32 };

typedef struct composer {
    const plx_ask      *ask;
    const plx_case     *source; /* NULL: pollux's own words */
    const plx_answerer *answerer;
    plx_wishes          wishes;
    uint64_t            seed;
    cst_arena          *keep;
    cst_buf             text;   /* what was made up */

    /* the candidate under way */
    uint32_t       index;
    plx_candidate *candidate;
    plx_part       parts[PARTS_MAX];
    plx_hop        hop;
} composer;

/* ---- words ---- */

static bool is_json(castor_str text)
{
    cst_json_doc doc;

    cst_json_doc_init(&doc, cst_allocator_default());
    bool is_valid = text.len > 0 && cst_json_read(&doc, text, NULL, NULL) == CASTOR_OK;
    cst_json_doc_free(&doc);
    return is_valid;
}

/* What the functions gave, said again. */
static castor_status say_results(const plx_ask *ask, cst_buf *out)
{
    castor_status status = CASTOR_OK;

    for (size_t i = 0; i < ask->result_count && status == CASTOR_OK; i++) {
        const plx_function_result *result = &ask->results[i];
        status = cst_buf_append_format(out, "%s%.*s gave ", i > 0 ? " " : "", CASTOR_ARG(result->name));
        if (status == CASTOR_OK) status = cst_buf_append_str(out, result->json);
        if (status == CASTOR_OK) status = cst_buf_append_text(out, ".");
    }
    return status;
}

/* A document: a text that is JSON already was meant for it. */
static castor_status say_json(composer *c, castor_str *text)
{
    cst_buf         json;
    cst_json_writer w = cst_json_writer_to(&json);

    if (text->len > 0 && (c->source || c->wishes.say.len > 0) && is_json(*text)) return CASTOR_OK;
    cst_buf_init(&json, cst_allocator_default(), PLX_SCHEMA_BYTES_MAX);
    if (c->ask->schema) {
        plx_schema_print_example(&w, c->ask->schema, c->ask->schema, CASTOR_STR("an example by pollux"));
    } else {
        cst_json_open_object(&w);
        cst_json_key(&w, "answer");
        cst_json_put_string(&w, *text);
        cst_json_close_object(&w);
    }
    c->text.len = 0; /* `text` may be in there, and is used up */
    if (w.status == CASTOR_OK) w.status = cst_buf_append_str(&c->text, cst_buf_view(&json));
    *text = cst_buf_view(&c->text);
    cst_buf_free(&json);
    return w.status;
}

static castor_status make_words(composer *c)
{
    if (c->wishes.tokens.is_set) return plx_words_long(c->wishes.tokens.value, c->seed, &c->text);
    if (c->ask->result_count > 0) return say_results(c->ask, &c->text);
    return plx_words_answer(c->ask->prompt, c->seed, &c->text);
}

/* In the case, or in c->text. */
static castor_status find_words(composer *c, castor_str *out)
{
    castor_status status = CASTOR_OK;

    c->text.len = 0;
    *out = CASTOR_STR("");
    if (c->wishes.is_empty) return CASTOR_OK;
    if (c->wishes.say.len > 0) {
        *out = c->wishes.say;
    } else if (c->source) {
        *out = c->source->text;
    } else {
        status = make_words(c);
        *out = cst_buf_view(&c->text);
    }
    if (status == CASTOR_OK && c->ask->shape == PLX_SHAPE_JSON) status = say_json(c, out);
    if (status == CASTOR_OK && c->ask->shape == PLX_SHAPE_ENUM) {
        castor_str choice = plx_schema_first_choice(c->ask->schema);
        if (choice.data) *out = choice;
    }
    return status;
}

/* Puts its number in front of a later candidate's text; documents and single choices stay what they are. */
static castor_status number_candidate(composer *c, castor_str *text)
{
    cst_buf numbered;

    if (c->index == 0 || c->ask->shape != PLX_SHAPE_TEXT) return CASTOR_OK;
    cst_buf_init(&numbered, cst_allocator_default(), PLX_CASE_BYTES_MAX);
    castor_status status = cst_buf_append_format(&numbered, "(Candidate %u.) ", (unsigned)c->index + 1);
    if (status == CASTOR_OK) {
        c->candidate->shift = numbered.len;
        status = cst_buf_append_str(&numbered, *text);
    }
    if (status == CASTOR_OK) {
        cst_buf_free(&c->text);
        c->text = numbered;
        *text = cst_buf_view(&c->text);
        return CASTOR_OK;
    }
    cst_buf_free(&numbered);
    return status;
}

static castor_str stop_early(const plx_ask *ask, castor_str text)
{
    for (size_t at = 0; at < text.len && ask->stop_sequence_count > 0; at++) {
        castor_str rest = { text.data + at, text.len - at };
        for (size_t i = 0; i < ask->stop_sequence_count; i++) {
            castor_str stop = ask->stop_sequences[i];
            if (stop.len > rest.len || memcmp(rest.data, stop.data, stop.len) != 0) continue;
            return (castor_str){ text.data, at };
        }
    }
    return text;
}

/* ---- thoughts ---- */

static castor_str thought_of(const composer *c)
{
    if (!c->ask->may_think) return CST_NONE;
    if (c->source && c->source->thought.len > 0) return c->source->thought;
    return c->ask->includes_thoughts ? plx_words_thought() : CST_NONE;
}

/* Those that pollux makes up, since nothing says how many. */
static uint64_t usual_thoughts(const plx_ask *ask)
{
    if (!ask->may_think) return 0;
    if (ask->thinking_budget.is_set && ask->thinking_budget.value > 0) {
        uint64_t budget = (uint64_t)ask->thinking_budget.value;
        uint64_t tokens = THOUGHTS_LEAST + budget / BUDGET_SHARE;
        return tokens < budget ? tokens : budget;
    }
    switch (ask->thinking_level) {
    case PLX_THINKING_MINIMAL: return 0;
    case PLX_THINKING_LOW: return THOUGHTS_LOW;
    case PLX_THINKING_HIGH: return THOUGHTS_HIGH;
    default: return THOUGHTS_MEDIUM;
    }
}

/* Made-up thoughts take only what a limit leaves beside the text; those that somebody asked for come first. */
static uint64_t count_thoughts(const composer *c, castor_str shown, castor_str text)
{
    const plx_ask *ask = c->ask;
    uint64_t       tokens = usual_thoughts(ask);
    uint64_t       text_tokens = plx_token_count(text.len);

    if (c->wishes.thoughts.is_set) return (uint64_t)c->wishes.thoughts.value;
    if (!ask->may_think) return 0;
    if (c->source && c->source->thought.len > 0) return plx_token_count(shown.len);
    if (tokens < plx_token_count(shown.len)) tokens = plx_token_count(shown.len);
    if (!ask->max_output_tokens.is_set) return tokens;
    uint64_t most = (uint64_t)ask->max_output_tokens.value;
    uint64_t left = most > text_tokens ? most - text_tokens : 0;
    return tokens < left ? tokens : left;
}

/* ---- parts ---- */

static plx_part *add_part(composer *c, plx_piece_kind kind)
{
    plx_part *part = &c->parts[c->candidate->part_count++];

    *part = (plx_part){ .kind = kind };
    return part;
}

/* Copies what would not outlive the ask; the case does. */
static castor_status keep_text(composer *c, castor_str text, castor_str *out)
{
    bool is_kept = c->source && (cst_str_lies_in(text, c->source->text) || cst_str_lies_in(text, c->source->thought));

    *out = text;
    return is_kept ? CASTOR_OK : cst_arena_copy(c->keep, text, out);
}

static castor_status sign(composer *c, plx_part *part)
{
    uint64_t number = (uint64_t)(part - c->parts) + 1;
    uint64_t numbers[PLX_OPAQUE_NUMBERS] = { c->seed, c->index, number, part->text.len };
    char     text[PLX_OPAQUE_LEN + 1];

    plx_opaque_print(text, PLX_OPAQUE_SIGNATURE, numbers);
    return cst_arena_copy(c->keep, (castor_str){ text, PLX_OPAQUE_LEN }, &part->signature);
}

/* The service's own calls, where they are shown, and what came of them. */
static castor_status sign_tools(composer *c)
{
    castor_status status = CASTOR_OK;

    if (c->ask->facts->generation < 30) return CASTOR_OK;
    for (size_t i = 0; i < c->candidate->part_count && status == CASTOR_OK; i++) {
        if (c->parts[i].kind == PLX_PIECE_RAW) status = sign(c, &c->parts[i]);
    }
    return status;
}

static castor_status add_thought(composer *c, castor_str shown)
{
    uint64_t bytes = c->candidate->thought_tokens * PLX_BYTES_PER_TOKEN;

    if (!c->ask->includes_thoughts || plx_hop_is_later(&c->hop)) return CASTOR_OK;
    if (shown.len > bytes) shown.len = cst_utf8_prefix(shown, (size_t)bytes);
    if (shown.len == 0) return CASTOR_OK;
    plx_part *part = add_part(c, PLX_PIECE_THOUGHT);
    return keep_text(c, shown, &part->text);
}

static castor_status add_text(composer *c, castor_str text)
{
    bool is_cut_off = plx_hop_is_spent(&c->hop) && text.len == 0; /* thinking has left nothing */
    bool is_signed = c->ask->has_signatures && c->ask->facts->generation >= 30 && c->candidate->thought_tokens > 0 &&
                     text.len > 0;

    if (is_cut_off) {
        c->candidate->content = PLX_CONTENT_ROLE;
        return CASTOR_OK;
    }
    if (!(c->ask->modalities & PLX_MAKES_TEXT)) return CASTOR_OK;
    plx_part     *part = add_part(c, PLX_PIECE_TEXT);
    castor_status status = keep_text(c, text, &part->text);
    return status == CASTOR_OK && is_signed ? sign(c, part) : status;
}

/* The first of parallel calls carries the signature. */
static castor_status add_calls(composer *c, const plx_call *calls, size_t count)
{
    static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz0123456789";
    bool              is_new = c->ask->facts->generation >= 30;
    castor_status     status = CASTOR_OK;
    char              id[CALL_ID_LEN];

    for (size_t i = 0; i < count && status == CASTOR_OK; i++) {
        plx_part *part = add_part(c, PLX_PIECE_CALL);
        part->call_name = calls[i].name;
        part->call_args = calls[i].args;
        if (!is_new) continue;
        for (size_t k = 0; k < sizeof id; k++) {
            id[k] = alphabet[plx_chance_next(c->answerer->chance) % (sizeof alphabet - 1)];
        }
        status = cst_arena_copy(c->keep, (castor_str){ id, sizeof id }, &part->call_id);
        if (status == CASTOR_OK && i == 0) status = sign(c, part);
    }
    return status;
}

/* ---- a candidate ---- */

/* Words within their limits, and what stands around them. */
static castor_status add_words(composer *c)
{
    castor_str    text, shown = thought_of(c);
    castor_status status = find_words(c, &text);

    if (status == CASTOR_OK) status = number_candidate(c, &text);
    if (status != CASTOR_OK) return status;
    text = stop_early(c->ask, text);
    if (c->wishes.finish && strcmp(c->wishes.finish, "MAX_TOKENS") == 0) text.len = cst_utf8_prefix(text, text.len / 2);
    plx_hop_begin(&c->hop, c->ask);
    c->candidate->thought_tokens = plx_hop_spend_thoughts(&c->hop, count_thoughts(c, shown, text));
    text = plx_hop_spend_text(&c->hop, text);

    status = add_thought(c, shown);
    if (status == CASTOR_OK) status = plx_ending_add_before(c->candidate, c->parts, c->ask, &c->wishes, c->keep);
    if (status == CASTOR_OK) status = sign_tools(c);
    if (status == CASTOR_OK) status = add_text(c, text);
    if (status == CASTOR_OK) status = plx_ending_add_after(c->candidate, c->parts, c->ask, &c->wishes, c->keep);
    if (status != CASTOR_OK) return status;
    c->candidate->finish = plx_hop_finish(&c->hop);
    if (c->wishes.finish) c->candidate->finish = c->wishes.finish;
    return plx_hop_print_token(&c->hop, c->keep, &c->candidate->continuation_token);
}

static castor_status keep_parts(composer *c)
{
    size_t    size = c->candidate->part_count * sizeof(plx_part);
    plx_part *kept = size > 0 ? cst_arena_alloc(c->keep, size) : NULL;

    if (size > 0 && !kept) return CASTOR_NO_MEMORY;
    if (kept) memcpy(kept, c->parts, size);
    c->candidate->parts = kept;
    return CASTOR_OK;
}

static castor_status compose_candidate(composer *c)
{
    plx_call      calls[PLX_CALLS_MAX];
    size_t        call_count;
    castor_status status = plx_calls_choose(c->ask, &c->wishes, c->source != NULL, c->keep, calls, &call_count);

    c->candidate->finish = "STOP";
    if (status != CASTOR_OK) return status;
    if (plx_ending_is_bare(&c->wishes)) {
        status = plx_ending_put(c->candidate, &c->wishes, calls, call_count, c->keep);
    } else if (call_count > 0) {
        castor_str shown = thought_of(c);
        plx_hop_begin(&c->hop, c->ask);
        c->candidate->thought_tokens = plx_hop_spend_thoughts(&c->hop, count_thoughts(c, shown, CST_NONE));
        status = add_thought(c, shown);
        if (status == CASTOR_OK) status = add_calls(c, calls, call_count);
    } else {
        status = add_words(c);
    }
    return status == CASTOR_OK ? keep_parts(c) : status;
}

static castor_status compose_candidates(composer *c, plx_answer *answer)
{
    uint32_t       count = (uint32_t)c->ask->candidate_count;
    plx_candidate *candidates = cst_arena_alloc(c->keep, count * sizeof *candidates);
    castor_status  status = candidates ? CASTOR_OK : CASTOR_NO_MEMORY;

    for (c->index = 0; status == CASTOR_OK && c->index < count; c->index++) {
        c->candidate = &candidates[c->index];
        *c->candidate = (plx_candidate){ .finish = NULL };
        status = compose_candidate(c);
    }
    answer->candidates = candidates;
    answer->candidate_count = count;
    return status;
}

/* ---- the whole ---- */

static castor_status name_answer(plx_answer *answer, const plx_ask *ask, const plx_answerer *answerer, cst_arena *keep)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    char              id[RESPONSE_ID_LEN];
    char              version[256];

    for (size_t i = 0; i < sizeof id; i++) id[i] = alphabet[plx_chance_next(answerer->chance) & 63];
    castor_status status = cst_arena_copy(keep, (castor_str){ id, sizeof id }, &answer->response_id);
    if (status != CASTOR_OK) return status;
    if (answerer->manner.names_model_exactly) return cst_arena_copy(keep, ask->model, &answer->model_version);
    snprintf(version, sizeof version, "pollux-%d.%d (emulating %.*s)", CASTOR_VERSION_MAJOR, CASTOR_VERSION_MINOR,
             CASTOR_ARG(ask->model));
    return cst_arena_copy(keep, castor_str_of(version), &answer->model_version);
}

/* The request's seed, or the program's, or the prompt's own. */
static uint64_t seed_of(const plx_ask *ask, const plx_answerer *answerer)
{
    uint64_t prompt = plx_hash(PLX_HASH_BEGIN, ask->prompt);

    if (ask->seed.is_set) return plx_hash(prompt, CASTOR_STR("s")) + (uint64_t)ask->seed.value;
    if (answerer->manner.seed.is_set) return prompt + (uint64_t)answerer->manner.seed.value;
    return prompt;
}

castor_status plx_answer_begin(plx_answer *answer, const plx_ask *ask, const plx_answerer *answerer, cst_arena *keep)
{
    *answer = (plx_answer){ .created_s = answerer->now_s, .prompt_tokens = ask->prompt_tokens,
                            .cached_tokens = ask->cached_tokens, .wants_usage = ask->wants_usage,
                            .generation = ask->facts->generation, .pace = answerer->pace };
    answer->first_us = plx_pace_first_us(&answerer->pace, answerer->chance);
    castor_status status = name_answer(answer, ask, answerer, keep);
    if (status == CASTOR_OK) status = cst_arena_copy(keep, ask->echo, &answer->echo);
    return status == CASTOR_OK ? cst_arena_copy(keep, ask->service_tier, &answer->service_tier) : status;
}

castor_status plx_answer_compose(plx_answer *answer, const plx_ask *ask, const plx_case *source,
                                 const plx_answerer *answerer, cst_arena *keep)
{
    composer c = { .ask = ask, .source = source, .answerer = answerer, .wishes = plx_wishes_read(ask->prompt),
                   .seed = seed_of(ask, answerer), .keep = keep };

    castor_status status = plx_answer_begin(answer, ask, answerer, keep);

    answer->block_reason = c.wishes.block;
    if (ask->continuation_token.len == 0) answer->source = source; /* else its waits were kept before */
    cst_buf_init(&c.text, cst_allocator_default(), PLX_CASE_BYTES_MAX);
    if (status == CASTOR_OK && !answer->block_reason) status = compose_candidates(&c, answer);
    answer->tool_tokens = plx_ending_tool_tokens(ask, &c.wishes);
    cst_buf_free(&c.text);
    return status;
}
