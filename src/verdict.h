/* verdict.h -- what is known of an answer so far, and what it comes to in the end. Pure.
 * SPDX-License-Identifier: MIT
 *
 * Dialects write facts; cst_verdict_of reads them once, when the body has ended. Order of judgement, first match:
 *
 *     an error from the server            AUTH, QUOTA_*, FAILED
 *     an end of our own (time, cancel)    TIMEOUT, CANCELLED, ...
 *     bytes that are not the protocol     MALFORMED
 *     the connection was lost             TRUNCATED after content, NETWORK before
 *     the prompt was blocked              BLOCKED
 *     no record, no content before it     EMPTY
 *     the body ended inside a record, or a candidate has no finish reason     TRUNCATED
 *     the worst finish of all candidates  BLOCKED, MALFORMED, MAX_TOKENS, EMPTY, FAILED
 *     nothing to show                     EMPTY
 *     else                                COMPLETE
 */
#ifndef CST_VERDICT_H
#define CST_VERDICT_H

#include "input.h"

typedef struct cst_candidate {
    int32_t        index;
    bool           is_finished;
    castor_verdict finish;        /* what its finish reason means; COMPLETE for a natural stop */
    cst_buf        reason;        /* as the server spelled it */
    cst_buf        message;
} cst_candidate;

typedef struct cst_facts {
    const cst_allocator *allocator;
    cst_candidate       *candidates;
    size_t               candidate_count;
    size_t               candidate_capacity;
    size_t               record_count;
    bool                 has_content;     /* something to show was delivered */
    bool                 has_thoughts;
    bool                 has_broken_call; /* a call that came whole, but its arguments are not JSON */
    bool                 has_end_mark;    /* the server said in its own words that this is all */
    bool                 needs_finish;    /* no natural stop without a finish reason */
    castor_usage         usage;
    castor_usage         usage_before;    /* of earlier requests of the same answer */
    cst_buf              response_id;
    cst_buf              model_version;
    cst_buf              block_reason;
    cst_buf              block_message;
    cst_buf              go_on_token;     /* with which the server goes on behind the limit of one request */
    castor_error        *error;           /* from the server; NULL: none */
} cst_facts;

void cst_facts_init(cst_facts *facts, const cst_allocator *allocator);
void cst_facts_free(cst_facts *facts);

/* The candidate of that index, made when new; `out` (may be NULL) lives until the next one is. LIMIT: too many. */
castor_status cst_facts_candidate(cst_facts *facts, int32_t index, cst_candidate **out);

/* Where the server's error is to be kept; NULL: no memory. */
castor_error *cst_facts_make_error(cst_facts *facts);

/* What two requests took together; what one of them does not tell is the other's. */
castor_usage cst_usage_sum(const castor_usage *a, const castor_usage *b);

/* Keeps a copy in place of the one before, as much as the buffer's maximum allows; an absent text changes nothing. */
castor_status cst_facts_keep(cst_buf *kept, castor_str text);

/* How the body ended. */
typedef struct cst_ending {
    castor_end          end;
    cst_scan            scan;     /* END, CUT or BAD */
    cst_problem         problem;  /* of BAD */
    const castor_error *cause;    /* what the transport or the stream says; NULL: nothing */
} cst_ending;

/* Fills `out`: status OK with verdict COMPLETE, or the error with its verdict. */
void cst_verdict_of(const cst_facts *facts, const cst_ending *ending, castor_error *out);

/* What was told is about to be discarded: the sentence says no longer that it is good. */
void cst_verdict_discard(castor_error *outcome);

#endif
