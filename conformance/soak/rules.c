/* rules.c -- whether what came of an answer is right, after what was done to it.
 * SPDX-License-Identifier: MIT
 *
 * The attempts of an answer are those that were hit, in the book's order, and at most one at the end that was not. All
 * but the last must be of a kind that may be followed by another: a verdict on half an answer whose first half was
 * asked for again would be wrong, too. The last decides; but when an answer may begin anew and nothing comes of that,
 * what was there before stands.
 */
#include "rules.h"

#include <stdio.h>

static const tst_ending unspoilt = { CASTOR_VERDICT_COMPLETE, "*", 1 };

static tst_way way_of(const soak_outcome *of)
{
    if (of->is_whole) return of->place == SOAK_CLEAR ? TST_WHOLE_H1 : TST_WHOLE_H2;
    return of->place == SOAK_CLEAR ? TST_STREAM_H1 : TST_STREAM_H2;
}

static const tst_ending *ending_of(const book_hit *hit, const soak_outcome *of)
{
    return hit->fate ? tst_fate_ending(hit->fate, soak_dialects[of->kind], way_of(of)) : &unspoilt;
}

static bool fits(const tst_ending *ending, const tst_came *came)
{
    return tst_ending_has_verdict(ending, came) && tst_ending_has_text(ending, came);
}

/* Of what would have come, any beginning. */
static bool is_part_of(const tst_ending *ending, const tst_came *came)
{
    char       text[16];
    tst_ending part = { CASTOR_VERDICT_TRUNCATED, text, 1 };

    snprintf(text, sizeof text, "%.*s?", (int)tst_ending_text_len(ending), ending->text);
    return tst_ending_has_text(&part, came);
}

/* Chat completions and the legacy method tell their own end, and the end of the body may be missing behind it. Not so
 * where the body is one value. */
static bool tells_its_end(const soak_outcome *of)
{
    return (of->kind == SOAK_CHAT || of->kind == SOAK_MESSAGE) && !of->is_whole;
}

static bool is_all_there(const soak_outcome *of, const tst_came *came)
{
    return tells_its_end(of) && fits(&unspoilt, came);
}

/* What was cut shows a part, and is known to be one. Only what is no whole answer anyway may have ended before. */
static bool fits_cut(const book_hit *hit, const soak_outcome *of, const tst_came *came)
{
    const tst_ending *ending = ending_of(hit, of);
    bool is_lost = came->verdict == CASTOR_VERDICT_TRUNCATED || (came->verdict == CASTOR_VERDICT_NETWORK &&
                                                                 came->text.len == 0);

    if ((is_lost || is_all_there(of, came)) && is_part_of(ending, came)) return true;
    return (ending->verdict != CASTOR_VERDICT_COMPLETE || tells_its_end(of)) && fits(ending, came);
}

/* A place that chaos has drawn may lie behind the end that an answer tells of itself. */
static bool fits_hit(const book_hit *hit, const soak_outcome *of, const tst_came *came)
{
    const tst_ending *ending = ending_of(hit, of);

    if (hit->is_cut) return fits_cut(hit, of, came);
    return fits(ending, came) || (strcmp(ending->text, "*?") == 0 && is_all_there(of, came));
}

/* Content was shown, and the same request may bring more of it. */
static bool is_broken_off(const tst_ending *ending)
{
    return ending->verdict == CASTOR_VERDICT_TRUNCATED || ending->verdict == CASTOR_VERDICT_FAILED ||
           ending->verdict == CASTOR_VERDICT_QUOTA_NOW;
}

/* libcurl may have dropped its end: see rules_is_lost. */
static bool is_whole_but_shared(const tst_ending *ending, const soak_outcome *of)
{
    return of->place == SOAK_SHARED && ending->verdict == CASTOR_VERDICT_COMPLETE;
}

static bool may_be_followed(const book_hit *hit, const soak_outcome *of)
{
    const tst_ending *ending = ending_of(hit, of);

    if (hit->is_cut || ending->requests > 1 || strchr(ending->text, '?')) return true;
    if (of->place == SOAK_SHARED && ending->verdict == CASTOR_VERDICT_TIMEOUT) return true; /* the wait ends with it */
    if (is_whole_but_shared(ending, of)) return true;
    return of->restarts_max > 0 && is_broken_off(ending);
}

static bool may_show_nothing(const book_hit *hit, const soak_outcome *of)
{
    const char *text = ending_of(hit, of)->text;

    return hit->is_cut || tst_ending_text_len(ending_of(hit, of)) == 0 || strchr(text, '?');
}

/* How many hits at the front may all be followed. */
static size_t count_followable(const soak_outcome *of, const book_page *known)
{
    size_t count = 0;

    while (count < known->count && may_be_followed(&known->hits[count], of)) count++;
    return count;
}

/* One of the hits decided: the last, or one behind which nothing more came. A limit that strikes then is told. */
static bool is_decided_by_hit(const soak_outcome *of, const tst_came *came, const book_page *known)
{
    size_t followable = count_followable(of, known);
    bool   has_struck = false;

    for (size_t i = known->count; i-- > 0;) {
        const book_hit *hit = &known->hits[i];
        if (i <= followable && fits_hit(hit, of, came)) return true;
        if (i <= followable && has_struck && is_part_of(ending_of(hit, of), came)) return true;
        if (of->restarts_max == 0 || !may_show_nothing(hit, of)) return false;
        has_struck |= came->verdict == CASTOR_VERDICT_TIMEOUT && ending_of(hit, of)->verdict == CASTOR_VERDICT_TIMEOUT;
    }
    return false;
}

static bool is_decided_by_unspoilt(const soak_outcome *of, const tst_came *came, const book_page *known)
{
    return (size_t)of->requests > known->count && count_followable(of, known) == known->count && fits(&unspoilt, came);
}

/* What was known before the end stays known behind it, as far as the dialect tells it at all. */
static bool has_facts(const soak_outcome *of)
{
    if (of->kind == SOAK_MESSAGE) return true;
    return of->has_id && (of->has_usage || (of->kind == SOAK_CHAT && of->verdict != CASTOR_VERDICT_COMPLETE));
}

/* A part of what some attempt would have shown. */
static bool is_some_part(const soak_outcome *of, const tst_came *came, const book_page *known)
{
    if (is_part_of(&unspoilt, came)) return true;
    for (size_t i = 0; i < known->count; i++) {
        if (is_part_of(ending_of(&known->hits[i], of), came)) return true;
    }
    return false;
}

static bool is_cut_short(const soak_outcome *of)
{
    return of->was_left || (of->was_cancelled && of->verdict == CASTOR_VERDICT_CANCELLED);
}

/* ---- hops ---- */

/*
 * Of an answer in hops it is not known which of them was hit. So its text is held against the sample from its start,
 * unless some hit changes texts; and its verdict must be that of some hit. A hop whose end is lost has told where to go
 * on; behind a hop that has brought content nothing is lost before content.
 */

/* Behind a hop that has brought content an empty one is one that broke off. */
static bool is_lost_hop(const book_hit *hit, const soak_outcome *of)
{
    castor_verdict verdict = ending_of(hit, of)->verdict;

    return hit->is_cut || verdict == CASTOR_VERDICT_NETWORK || verdict == CASTOR_VERDICT_TRUNCATED ||
           verdict == CASTOR_VERDICT_EMPTY;
}

/* Only leaves out what is behind some place. */
static bool keeps_text(const tst_ending *ending)
{
    size_t len = tst_ending_text_len(ending);

    return len == 0 || (len == 1 && (*ending->text == '*' || *ending->text == '0'));
}

static bool may_go_on(const book_hit *hit, const soak_outcome *of)
{
    const tst_ending *ending = ending_of(hit, of);
    bool              has_token = of->is_whole && *ending->text == '*'; /* whatever stands behind the hop */

    return may_be_followed(hit, of) || is_lost_hop(hit, of) || has_token || ending->verdict == CASTOR_VERDICT_COMPLETE;
}

static bool may_be_end(const book_hit *hit, const soak_outcome *of)
{
    const tst_ending *ending = ending_of(hit, of);
    bool              is_lost = of->verdict == CASTOR_VERDICT_TRUNCATED || of->verdict == CASTOR_VERDICT_NETWORK;

    if (of->verdict == CASTOR_VERDICT_EMPTY && strchr(ending->text, '.')) return true;
    return of->verdict == ending->verdict || (is_lost && is_lost_hop(hit, of));
}

static bool is_ended_by_hit(const soak_outcome *of, const book_page *known)
{
    for (size_t i = 0; i < known->count; i++) {
        if (may_be_end(&known->hits[i], of)) return true;
    }
    return false;
}

static bool is_right_in_hops(const soak_outcome *of, const tst_came *came, const book_page *known)
{
    bool keeps_all = true, goes_on = true;

    for (size_t i = 0; i < known->count; i++) {
        keeps_all &= keeps_text(ending_of(&known->hits[i], of));
        goes_on &= may_go_on(&known->hits[i], of);
    }
    if (keeps_all && !is_part_of(&unspoilt, came)) return false;
    if (is_cut_short(of)) return true;
    if (of->verdict == CASTOR_VERDICT_COMPLETE) return goes_on && (!keeps_all || fits(&unspoilt, came));
    return is_ended_by_hit(of, known) || rules_is_lost(of, came->sample, known);
}

/* ---- all together ---- */

static tst_came came_of(const soak_outcome *of, const tst_sample *sample)
{
    return (tst_came){ of->verdict, cst_buf_view(&of->text), sample };
}

bool rules_is_right(const soak_outcome *of, const tst_sample *sample, const book_page *known)
{
    const tst_came came = came_of(of, sample);

    if (known->count > (size_t)of->requests) return false;
    if (of->kind != SOAK_LONG && of->attempts != of->requests && !is_cut_short(of)) return false;
    if (known->count == 0 && came.text.len > 0 && !of->was_left && !has_facts(of)) return false;
    if (of->kind == SOAK_LONG) return is_right_in_hops(of, &came, known);
    if (is_cut_short(of)) return is_some_part(of, &came, known);
    return rules_is_lost(of, sample, known) || is_decided_by_hit(of, &came, known) ||
           is_decided_by_unspoilt(of, &came, known);
}

static bool is_unread(const soak_outcome *of, const book_page *known)
{
    if (of->kind == SOAK_LONG) return of->verdict == CASTOR_VERDICT_NETWORK || of->verdict == CASTOR_VERDICT_TRUNCATED;
    return of->verdict == CASTOR_VERDICT_NETWORK && of->text.len == 0 && (size_t)of->requests > known->count &&
           count_followable(of, known) == known->count;
}

/* Its verdict was in its last bytes, which were not read. */
static bool is_dropped(const soak_outcome *of, const tst_came *came, const book_page *known)
{
    bool              is_hit = known->count == (size_t)of->requests;
    const tst_ending *last = is_hit ? ending_of(&known->hits[known->count - 1], of) : &unspoilt;
    bool              is_lost = of->verdict == CASTOR_VERDICT_TRUNCATED || of->verdict == CASTOR_VERDICT_NETWORK;
    bool              is_told_last = last->verdict == CASTOR_VERDICT_COMPLETE || keeps_text(last);

    return of->place == SOAK_SHARED && is_lost && is_told_last && is_part_of(last, came);
}

/* libcurl 7.88.1 may leave bytes of a shared connection unread, or an end untold, for as long as a stream lasts. */
static bool is_stalled(const soak_outcome *of, const tst_came *came, const book_page *known)
{
    bool is_part = of->kind == SOAK_LONG || is_some_part(of, came, known); /* in hops it was looked at before */

    return of->place == SOAK_SHARED && of->verdict == CASTOR_VERDICT_TIMEOUT && is_part;
}

bool rules_is_lost(const soak_outcome *of, const tst_sample *sample, const book_page *known)
{
    const tst_came came = came_of(of, sample);

    if (is_cut_short(of)) return false;
    if (of->kind == SOAK_LONG ? is_ended_by_hit(of, known) : is_decided_by_hit(of, &came, known)) return false;
    return is_stalled(of, &came, known) || (of->is_transient && (is_unread(of, known) || is_dropped(of, &came, known)));
}

bool rules_was_lost_before(const soak_outcome *of, const book_page *known)
{
    for (size_t i = 0; i < known->count && i + 1 < (size_t)of->requests && of->kind != SOAK_LONG; i++) {
        bool is_cut = known->hits[i].is_cut;
        if (!is_cut && is_whole_but_shared(ending_of(&known->hits[i], of), of)) return true;
    }
    return false;
}

uint64_t rules_requests_least(const soak_outcome *of, const tst_sample *sample, const book_page *known)
{
    const tst_came came = came_of(of, sample);
    bool           is_seen = !is_cut_short(of) && is_decided_by_unspoilt(of, &came, known);

    return known->count + (is_seen ? 1 : 0);
}
