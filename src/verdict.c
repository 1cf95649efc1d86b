/* verdict.c -- what is known of an answer so far, and what it comes to in the end.
 * SPDX-License-Identifier: MIT
 */
#include "verdict.h"

#include "error.h"

/* The end of a sentence about an answer of which something was told. */
#define STANDS "; what came before is good"

/* ---- facts ---- */

void cst_facts_init(cst_facts *facts, const cst_allocator *allocator)
{
    *facts = (cst_facts){ .allocator = allocator };
    cst_buf_init(&facts->response_id, allocator, CST_LABEL_MAX);
    cst_buf_init(&facts->model_version, allocator, CST_LABEL_MAX);
    cst_buf_init(&facts->block_reason, allocator, CST_LABEL_MAX);
    cst_buf_init(&facts->block_message, allocator, CST_MESSAGE_MAX);
    cst_buf_init(&facts->go_on_token, allocator, CST_TOKEN_MAX);
}

void cst_facts_free(cst_facts *facts)
{
    cst_buf_free(&facts->response_id);
    cst_buf_free(&facts->model_version);
    cst_buf_free(&facts->block_reason);
    cst_buf_free(&facts->block_message);
    cst_buf_free(&facts->go_on_token);
    for (size_t i = 0; i < facts->candidate_count; i++) {
        cst_buf_free(&facts->candidates[i].reason);
        cst_buf_free(&facts->candidates[i].message);
    }
    cst_release(facts->allocator, facts->candidates);
    cst_release(facts->allocator, facts->error);
}

static bool has_room_for_candidate(cst_facts *facts)
{
    size_t         count = facts->candidate_capacity, wanted = count ? count * 2 : 1, size = sizeof *facts->candidates;
    cst_candidate *candidates;

    if (facts->candidate_count < count) return true;
    candidates = cst_resize(facts->allocator, facts->candidates, count * size, wanted * size);
    if (!candidates) return false;
    facts->candidates = candidates;
    facts->candidate_capacity = wanted;
    return true;
}

static castor_status add_candidate(cst_facts *facts, int32_t index, cst_candidate **out)
{
    if (facts->candidate_count == CST_CANDIDATES_MAX) return CASTOR_LIMIT;
    if (!has_room_for_candidate(facts)) return CASTOR_NO_MEMORY;
    cst_candidate *made = &facts->candidates[facts->candidate_count++];
    *made = (cst_candidate){ .index = index };
    cst_buf_init(&made->reason, facts->allocator, CST_LABEL_MAX);
    cst_buf_init(&made->message, facts->allocator, CST_MESSAGE_MAX);
    if (out) *out = made;
    return CASTOR_OK;
}

castor_status cst_facts_candidate(cst_facts *facts, int32_t index, cst_candidate **out)
{
    for (size_t i = 0; i < facts->candidate_count; i++) {
        if (facts->candidates[i].index != index) continue;
        if (out) *out = &facts->candidates[i];
        return CASTOR_OK;
    }
    return add_candidate(facts, index, out);
}

castor_error *cst_facts_make_error(cst_facts *facts)
{
    if (!facts->error) facts->error = cst_alloc_zeroed(facts->allocator, sizeof *facts->error);
    return facts->error;
}

static castor_i64 sum(castor_i64 a, castor_i64 b)
{
    bool is_safe = b.value >= 0 && a.value <= INT64_MAX - b.value;

    if (!a.is_set || !b.is_set) return a.is_set ? a : b;
    return is_safe ? castor_some_i64(a.value + b.value) : a;
}

static bool has_counts(const castor_usage *usage)
{
    return usage->prompt_tokens.is_set || usage->cached_tokens.is_set || usage->output_tokens.is_set ||
           usage->thought_tokens.is_set || usage->tool_prompt_tokens.is_set || usage->total_tokens.is_set;
}

castor_usage cst_usage_sum(const castor_usage *a, const castor_usage *b)
{
    if (!has_counts(a)) return *b; /* asked for at each event, and nearly always so */
    return (castor_usage){
        .prompt_tokens = sum(a->prompt_tokens, b->prompt_tokens),
        .cached_tokens = sum(a->cached_tokens, b->cached_tokens),
        .output_tokens = sum(a->output_tokens, b->output_tokens),
        .thought_tokens = sum(a->thought_tokens, b->thought_tokens),
        .tool_prompt_tokens = sum(a->tool_prompt_tokens, b->tool_prompt_tokens),
        .total_tokens = sum(a->total_tokens, b->total_tokens),
    };
}

castor_status cst_facts_keep(cst_buf *kept, castor_str text)
{
    if (!text.data) return CASTOR_OK;
    text.len = cst_utf8_prefix(text, kept->max);
    kept->len = 0;
    return cst_buf_append_str(kept, text);
}

/* ---- verdict ---- */

static void conclude(castor_error *out, castor_verdict verdict, castor_status status, castor_str reason)
{
    out->status = status;
    out->verdict = verdict;
    cst_error_copy(out->reason, sizeof out->reason, reason);
}

static void say_lost(const cst_facts *facts, const castor_error *cause, castor_error *out)
{
    bool        has_content = facts->has_content || facts->has_thoughts;
    const char *why = cause ? cause->message : "the connection was lost before the answer's end";

    conclude(out, has_content ? CASTOR_VERDICT_TRUNCATED : CASTOR_VERDICT_NETWORK,
             has_content ? CASTOR_INCOMPLETE : CASTOR_NETWORK, CST_NONE);
    out->is_transient = !cause || cause->is_transient;
    if (has_content) cst_error_say(out, "the answer is cut off: %s" STANDS, why);
    else cst_error_say(out, "%s", why);
}

static void say_malformed(const cst_facts *facts, const cst_problem *problem, castor_error *out)
{
    conclude(out, CASTOR_VERDICT_MALFORMED, problem->status, CST_NONE);
    out->offset = castor_some_i64((int64_t)problem->offset);
    cst_error_say(out, "the server's answer cannot be read at byte %llu: %s%s",
                  (unsigned long long)problem->offset, problem->why,
                  facts->has_content ? STANDS : "");
}

static void say_blocked_prompt(const cst_facts *facts, castor_error *out)
{
    castor_str reason = cst_buf_view(&facts->block_reason), message = cst_buf_view(&facts->block_message);

    conclude(out, CASTOR_VERDICT_BLOCKED, CASTOR_INCOMPLETE, reason);
    cst_error_say(out, "the server blocked the prompt: %.*s%s%.*s", CASTOR_ARG(reason), message.len ? ": " : "",
                  CASTOR_ARG(message));
}

static void say_truncated(const cst_facts *facts, const cst_ending *ending, castor_error *out)
{
    conclude(out, CASTOR_VERDICT_TRUNCATED, CASTOR_INCOMPLETE, CST_NONE);
    out->is_transient = true;
    cst_error_say(out, "the answer is cut off: the body ended %s%s",
                  ending->scan == CST_SCAN_CUT ? "in the middle of a record" : "without a finish reason",
                  facts->has_content ? STANDS : "");
}

static void say_empty(const cst_facts *facts, const char *why, castor_error *out)
{
    castor_str reason = facts->candidate_count ? cst_buf_view(&facts->candidates[0].reason) : CST_NONE;

    conclude(out, CASTOR_VERDICT_EMPTY, CASTOR_INCOMPLETE, reason);
    out->is_transient = true;
    cst_error_say(out, "the answer is empty: %s", why);
}

static void say_max_tokens(const cst_facts *facts, const cst_candidate *worst, castor_error *out)
{
    castor_i64 thoughts = facts->usage.thought_tokens;
    castor_str reason = cst_buf_view(&worst->reason);

    conclude(out, CASTOR_VERDICT_MAX_TOKENS, CASTOR_INCOMPLETE, reason);
    if (cst_str_is(reason, "CONTINUATION")) {
        cst_error_say(out, "the answer was cut off at the limit of one request (CONTINUATION); it goes on where "
                           "hops_max allows another and the server gives a new token");
    } else if (!facts->has_content && thoughts.is_set && thoughts.value > 0) {
        cst_error_say(out, "thinking used up the token limit (%lld tokens) before the answer began; raise the limit or "
                           "lower the thinking budget", (long long)thoughts.value);
    } else {
        cst_error_say(out, "the token limit cut the answer off (%.*s); raise max_output_tokens for more",
                      CASTOR_ARG(reason));
    }
}

static void say_bad_finish(const cst_candidate *worst, castor_error *out)
{
    const char *what = worst->finish == CASTOR_VERDICT_BLOCKED     ? "the server stopped the answer"
                       : worst->finish == CASTOR_VERDICT_MALFORMED ? "the model's output was malformed"
                       : worst->finish == CASTOR_VERDICT_EMPTY     ? "the model finished with nothing to show"
                                                                   : "the server ended the answer for a reason that "
                                                                     "is no normal stop";

    castor_str  reason = cst_buf_view(&worst->reason), message = cst_buf_view(&worst->message);

    conclude(out, worst->finish, CASTOR_INCOMPLETE, reason);
    cst_error_say(out, "%s: %.*s%s%.*s", what, CASTOR_ARG(reason), message.len ? ": " : "", CASTOR_ARG(message));
}

static void say_broken_call(castor_error *out)
{
    conclude(out, CASTOR_VERDICT_MALFORMED, CASTOR_INCOMPLETE, CST_NONE);
    cst_error_say(out, "the model's output was malformed: the arguments of a call are not JSON; do not run it");
}

/* The candidate whose end matters most: a block outranks a broken call, that a failure, that a cut. */
static const cst_candidate *worst_of(const cst_facts *facts)
{
    static const castor_verdict order[] = { CASTOR_VERDICT_BLOCKED, CASTOR_VERDICT_MALFORMED, CASTOR_VERDICT_FAILED,
                                            CASTOR_VERDICT_MAX_TOKENS, CASTOR_VERDICT_EMPTY };

    for (size_t rank = 0; rank < sizeof order / sizeof *order; rank++) {
        for (size_t i = 0; i < facts->candidate_count; i++) {
            const cst_candidate *candidate = &facts->candidates[i];
            if (candidate->is_finished && candidate->finish == order[rank]) return candidate;
        }
    }
    return NULL;
}

static bool is_unfinished(const cst_facts *facts)
{
    if (!facts->needs_finish) return false;
    for (size_t i = 0; i < facts->candidate_count; i++) {
        if (!facts->candidates[i].is_finished) return true;
    }
    return facts->candidate_count == 0 && !facts->has_end_mark;
}

static void judge_whole_body(const cst_facts *facts, const cst_ending *ending, castor_error *out)
{
    const cst_candidate *worst = worst_of(facts);

    if (facts->block_reason.len > 0) {
        say_blocked_prompt(facts, out);
    } else if (facts->record_count == 0 && !facts->has_content && ending->scan != CST_SCAN_CUT) {
        say_empty(facts, "the server sent not one event", out);
    } else if (ending->scan == CST_SCAN_CUT || is_unfinished(facts)) {
        say_truncated(facts, ending, out);
    } else if (worst && worst->finish == CASTOR_VERDICT_MAX_TOKENS) {
        say_max_tokens(facts, worst, out);
    } else if (worst) {
        say_bad_finish(worst, out);
    } else if (facts->has_broken_call) {
        say_broken_call(out);
    } else if (!facts->has_content) {
        say_empty(facts, facts->has_thoughts ? "the model only thought" : "the model had nothing to show", out);
    } else {
        out->verdict = CASTOR_VERDICT_COMPLETE;
    }
}

void cst_verdict_of(const cst_facts *facts, const cst_ending *ending, castor_error *out)
{
    const castor_error *cause = ending->cause;

    *out = (castor_error){ 0 };
    if (facts->error) {
        *out = *facts->error;
    } else if (cause && cause->status != CASTOR_OK && cause->status != CASTOR_NETWORK) {
        *out = *cause; /* the stream knows what it ended for: time, cancel, memory */
    } else if (ending->scan == CST_SCAN_BAD) {
        say_malformed(facts, &ending->problem, out);
    } else if (ending->end == CASTOR_END_LOST && !facts->has_end_mark) {
        say_lost(facts, cause, out);
    } else {
        judge_whole_body(facts, ending, out);
    }
}

void cst_verdict_discard(castor_error *outcome)
{
    size_t len = strlen(outcome->message), end = strlen(STANDS);

    if (len > end && strcmp(outcome->message + len - end, STANDS) == 0) outcome->message[len - end] = '\0';
}
