/* hop.c -- how much of an answer one request may bring, and how the next one goes on.
 * SPDX-License-Identifier: MIT
 */
#include "generate/hop.h"

#include "generate/opaque.h"

enum { LONG_GENERATION = 40, HOP_TOKENS = 65536, PLAIN_HOP_TOKENS = 32768 };

/* In a token's numbers. */
enum { PROMPT_HASH = 0, TEXT_DONE, THOUGHTS_DONE, SPENT };

int64_t plx_hop_tokens_max(const plx_model *facts, const plx_terms *terms)
{
    if (facts->generation < LONG_GENERATION) return 0;
    if (terms->hop_tokens_max > 0) return terms->hop_tokens_max;
    return terms->is_plain ? PLAIN_HOP_TOKENS : HOP_TOKENS;
}

static uint64_t hash_of(const plx_ask *ask)
{
    return plx_hash(plx_hash(PLX_HASH_BEGIN, ask->model), ask->prompt);
}

void plx_hop_begin(plx_hop *hop, const plx_ask *ask)
{
    uint64_t numbers[PLX_OPAQUE_NUMBERS] = { 0 };
    uint64_t most = ask->max_output_tokens.is_set ? (uint64_t)ask->max_output_tokens.value : UINT64_MAX;
    uint64_t own_most = (uint64_t)ask->facts->output_tokens_max;

    *hop = (plx_hop){ .is_long = ask->facts->generation >= LONG_GENERATION, .prompt_hash = hash_of(ask) };
    if (ask->continuation_token.len > 0) plx_opaque_read(ask->continuation_token, PLX_OPAQUE_CONTINUATION, numbers);
    hop->text_done = numbers[TEXT_DONE];
    hop->thoughts_done = numbers[THOUGHTS_DONE];
    hop->spent = hop->spent_before = numbers[SPENT];
    hop->hop_left = ask->hop_tokens_max > 0 ? (uint64_t)ask->hop_tokens_max : UINT64_MAX;
    if (!hop->is_long && own_most < most) most = own_most;
    hop->total_left = most > hop->spent ? most - hop->spent : 0;
}

bool plx_hop_check(const plx_ask *ask, plx_refusal *refusal)
{
    uint64_t numbers[PLX_OPAQUE_NUMBERS] = { 0 };

    if (ask->continuation_token.len == 0) return true;
    if (ask->facts->generation < LONG_GENERATION) {
        return plx_refuse(refusal, 400, "Continuation is not supported for this model.");
    }
    if (plx_opaque_read(ask->continuation_token, PLX_OPAQUE_CONTINUATION, numbers) != PLX_OPAQUE_WHOLE) {
        return plx_refuse(refusal, 400, "The continuation token is not valid.");
    }
    return numbers[PROMPT_HASH] == hash_of(ask) ||
           plx_refuse(refusal, 400, "The continuation token belongs to another request.");
}

static uint64_t left(const plx_hop *hop) { return hop->hop_left < hop->total_left ? hop->hop_left : hop->total_left; }

static void take(plx_hop *hop, uint64_t tokens)
{
    hop->spent += tokens;
    if (hop->hop_left != UINT64_MAX) hop->hop_left -= tokens;
    if (hop->total_left != UINT64_MAX) hop->total_left -= tokens;
}

uint64_t plx_hop_spend_thoughts(plx_hop *hop, uint64_t tokens)
{
    uint64_t wanted = tokens > hop->thoughts_done ? tokens - hop->thoughts_done : 0;
    uint64_t given = wanted < left(hop) ? wanted : left(hop);

    if (given < wanted) hop->is_cut = true;
    hop->thoughts_done += given;
    take(hop, given);
    return given;
}

castor_str plx_hop_spend_text(plx_hop *hop, castor_str text)
{
    size_t from = hop->text_done < text.len ? (size_t)hop->text_done : text.len;

    text = (castor_str){ text.data + from, text.len - from };
    if (plx_token_count(text.len) > left(hop)) {
        hop->is_cut = true;
        text.len = cst_utf8_prefix(text, (size_t)left(hop) * PLX_BYTES_PER_TOKEN);
    }
    hop->text_done += text.len;
    take(hop, plx_token_count(text.len));
    return text;
}

bool plx_hop_is_later(const plx_hop *hop) { return hop->spent_before > 0; }
bool plx_hop_is_spent(const plx_hop *hop) { return hop->is_cut && left(hop) == 0; }

const char *plx_hop_finish(const plx_hop *hop)
{
    if (!hop->is_cut) return "STOP";
    return hop->is_long && hop->hop_left < hop->total_left ? "CONTINUATION" : "MAX_TOKENS";
}

castor_status plx_hop_print_token(const plx_hop *hop, cst_arena *arena, castor_str *out)
{
    uint64_t numbers[PLX_OPAQUE_NUMBERS];
    char     text[PLX_OPAQUE_LEN + 1];

    if (!hop->is_long || !hop->is_cut) return CASTOR_OK;
    numbers[PROMPT_HASH] = hop->prompt_hash;
    numbers[TEXT_DONE] = hop->text_done;
    numbers[THOUGHTS_DONE] = hop->thoughts_done;
    numbers[SPENT] = hop->spent;
    plx_opaque_print(text, PLX_OPAQUE_CONTINUATION, numbers);
    return cst_arena_copy(arena, (castor_str){ text, PLX_OPAQUE_LEN }, out);
}
