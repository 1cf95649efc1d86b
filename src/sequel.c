/* sequel.c -- what the caller has of an answer that takes more than one attempt.
 * SPDX-License-Identifier: MIT
 */
#include "sequel.h"

#include "error.h"

static void free_decoder(castor_decoder **decoder)
{
    const cst_allocator *allocator = *decoder ? (*decoder)->allocator : NULL;

    if (!*decoder) return;
    cst_decoder_clear(*decoder);
    cst_release(allocator, *decoder);
    *decoder = NULL;
}

castor_decoder *cst_sequel_facts(const cst_sequel *sequel, const cst_attempt *attempt)
{
    return sequel->aside ? sequel->aside : attempt->decoder;
}

/* ---- hops ---- */

castor_str cst_sequel_token(const cst_sequel *sequel, const cst_attempt *attempt, castor_str sent, int32_t hops_max)
{
    const cst_facts *facts = &attempt->decoder->facts;
    castor_str       token = cst_buf_view(&facts->go_on_token);

    bool is_cut_short = facts->candidate_count == 1 && facts->candidates[0].is_finished &&
                        cst_str_is(cst_buf_view(&facts->candidates[0].reason), "CONTINUATION");
    bool may_go_on = sequel->hops + 1 < hops_max && !cst_str_equal(token, sent);
    return is_cut_short && may_go_on && token.len > 0 ? token : CST_NONE;
}

/* ---- from one attempt to the next ---- */

void cst_sequel_part(cst_sequel *sequel, cst_attempt *attempt)
{
    if (sequel->has_given) {
        free_decoder(&sequel->aside);
        sequel->aside = attempt->decoder;
        attempt->decoder = NULL;
    }
    free_decoder(&attempt->decoder);
    sequel->has_given = false;
}

void cst_sequel_carry_on(const cst_sequel *sequel, cst_attempt *attempt)
{
    if (!sequel->aside || sequel->is_anew) return;
    attempt->decoder->facts.has_content = sequel->aside->facts.has_content;
    attempt->decoder->facts.has_thoughts = sequel->aside->facts.has_thoughts;
    attempt->decoder->facts.usage_before = castor_decoder_usage(sequel->aside);
}

bool cst_sequel_give(cst_sequel *sequel)
{
    bool is_restart = sequel->is_anew && sequel->aside;

    if (sequel->has_given) return false;
    free_decoder(&sequel->aside);
    sequel->has_given = !is_restart;
    return is_restart;
}

/* What the caller does, and what its own limits do, is said as it is. Else what was given stands as it ended, and the
 * attempt that brought nothing is only mentioned. */
static void judge(const cst_sequel *sequel, castor_error *outcome, const castor_error *last)
{
    char said[sizeof outcome->message];
    bool is_ours = last->status == CASTOR_CANCELLED || last->status == CASTOR_TIMEOUT ||
                   last->status == CASTOR_NO_MEMORY;

    if (!sequel->is_anew || is_ours) {
        *outcome = *last;
        return;
    }
    memcpy(said, outcome->message, sizeof said);
    cst_error_say(outcome, "%s; another attempt brought nothing: %s", said, last->message);
}

void cst_sequel_conclude(cst_sequel *sequel, cst_attempt *attempt)
{
    castor_error no_memory;

    if (!sequel->aside) return;
    cst_fail_plainly(&no_memory, CASTOR_NO_MEMORY);
    no_memory.verdict = CASTOR_VERDICT_FAILED;
    judge(sequel, &sequel->aside->outcome, attempt->decoder ? &attempt->decoder->outcome : &no_memory);
    if (attempt->decoder && cst_decoder_error_body(attempt->decoder).len > 0) {
        sequel->refused = attempt->decoder;
        attempt->decoder = NULL;
    }
    free_decoder(&attempt->decoder);
    attempt->decoder = sequel->aside;
    sequel->aside = NULL;
}

void cst_sequel_clear(cst_sequel *sequel)
{
    free_decoder(&sequel->aside);
    free_decoder(&sequel->refused);
}
